/* fit_settings.c - the options that decide what a fit computes, as names and texts: a run goes on only with the same.
 * Floor: train.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "train/fit_options.h"

typedef enum value_kind { WHOLE, LONG, SEED, REAL, FLAG } value_kind;

static const struct {
  const char *name;
  value_kind kind;
  size_t offset;
} settings[] = {
#define SETTING(type, member)                                                                                          \
  { #member, type, offsetof(bp_fit_options, member) }
    SETTING(REAL, objective.label_smoothing),
    SETTING(REAL, l1),
    SETTING(REAL, l2),
    SETTING(REAL, lr),
    SETTING(REAL, momentum),
    SETTING(FLAG, nesterov),
    SETTING(REAL, beta1),
    SETTING(REAL, beta2),
    SETTING(FLAG, amsgrad),
    SETTING(REAL, rho),
    SETTING(REAL, epsilon),
    SETTING(REAL, weight_decay),
    SETTING(WHOLE, memory),
    SETTING(REAL, clip_value),
    SETTING(REAL, clip_norm),
    SETTING(REAL, max_norm),
    SETTING(LONG, batch_size),
    SETTING(WHOLE, epochs),
    SETTING(WHOLE, patience),
    SETTING(REAL, min_gain),
    SETTING(REAL, tolerance),
    SETTING(WHOLE, tolerance_epochs),
    SETTING(SEED, seed),
    SETTING(REAL, schedule.period),
    SETTING(REAL, schedule.factor),
    SETTING(LONG, schedule.warmup_steps),
    SETTING(REAL, schedule.warmup_epochs),
};

static void value_text(value_kind kind, const void *at, char *text, size_t size) {
  switch (kind) {
  case WHOLE: (void)snprintf(text, size, "%d", *(const int *)at); break;
  case LONG: (void)snprintf(text, size, "%" PRId64, *(const int64_t *)at); break;
  case SEED: (void)snprintf(text, size, "%" PRIu64, *(const uint64_t *)at); break;
  case REAL: (void)bp_number_text(*(const double *)at, text); break;
  case FLAG: (void)snprintf(text, size, "%s", *(const bool *)at ? "yes" : "no"); break;
  }
}

/* "0.1,0.2": a number for each layer. */
static void list_text(const double *numbers, int n, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int i = 0; i < n && used < size; i++) {
    char number[BP_NUMBER_TEXT];
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "", bp_number_text(numbers[i], number));
  }
}

void fit_options_each(const bp_fit_options *options, fit_option_fn visit, void *user) {
  char text[4096];
  visit(user, "optimizer", bp_optimizer_name(options->optimizer));
  visit(user, "metric", bp_metric_name(options->metric));
  visit(user, "schedule", bp_schedule_name(options->schedule.kind));
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    value_text(settings[i].kind, (const char *)options + settings[i].offset, text, sizeof text);
    visit(user, settings[i].name, text);
  }
  visit(user, "folds", options->folds != NULL ? "yes" : "no");
  list_text(options->l1_layers, options->n_l1_layers, text, sizeof text);
  visit(user, "l1_layers", text);
  list_text(options->l2_layers, options->n_l2_layers, text, sizeof text);
  visit(user, "l2_layers", text);
}
