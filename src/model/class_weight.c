/* model/class_weight.c - factors of classes on the weights of rows: from text, or from how often each class comes. Floor: model. */
#include "model/class_weight.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "base/suggest.h"

static const int32_t *classes_of(const bp_encoded *rows) { return rows->targets; }

/* ---- balanced ---- */

/* Every class has the same share of the whole: King and Zeng, 2001. A class without rows keeps the factor 1. */
static void balance(const bp_encoded *rows, double *factors, size_t classes) {
  double all = 0;
  for (size_t c = 0; c < classes; c++) factors[c] = 0;
  for (int64_t r = 0; r < rows->rows; r++) {
    factors[classes_of(rows)[r]] += rows->weights[r];
    all += rows->weights[r];
  }
  for (size_t c = 0; c < classes; c++) factors[c] = factors[c] > 0 ? all / ((double)classes * factors[c]) : 1;
}

/* ---- "a=2,b=0.5" ---- */

static bp_status fail_class(bp_context *ctx, const bp_dictionary *classes, const char *name) {
  char quoted[BP_QUOTE_TEXT], known[BP_QUOTE_TEXT];
  bp_suggestion near = {0};
  for (size_t c = 0; c < classes->count; c++) bp_suggest_consider(&near, name, classes->words[c]);
  (void)bp_quote(name, strlen(name), quoted);
  if (!near.best) return bp_fail(ctx, BP_E_ARG, "class weight: the target has no class '%s'", quoted);
  return bp_fail(ctx, BP_E_ARG, "class weight: the target has no class '%s'; did you mean '%s'?", quoted,
                 bp_quote(near.best, strlen(near.best), known));
}

/* One "class=factor"; the class may hold "=" itself. `item` is changed. */
static bp_status read_factor(bp_context *ctx, const bp_dictionary *classes, char *item, double *factors) {
  char quoted[BP_QUOTE_TEXT];
  char *equals = strrchr(item, '=');
  double factor = 0;
  if (!equals || !bp_number_parse(equals + 1, strlen(equals + 1), &factor) || !(factor >= 0) || !isfinite(factor))
    return bp_fail(ctx, BP_E_ARG, "class weight '%s': expected balanced, or class=number for each class, as a=2,b=0.5",
                   bp_quote(item, strlen(item), quoted));
  *equals = '\0';
  int32_t class_number = bp_dictionary_find(classes, item, strlen(item));
  if (class_number < 0) return fail_class(ctx, classes, item);
  if (factors[class_number] >= 0)
    return bp_fail(ctx, BP_E_ARG, "class weight: class '%s' is named twice", bp_quote(item, strlen(item), quoted));
  factors[class_number] = factor;
  return BP_OK;
}

static bp_status read_factors(bp_context *ctx, const char *text, const bp_dictionary *classes, double *factors) {
  bp_list list;
  for (size_t c = 0; c < classes->count; c++) factors[c] = -1; /* not named yet */
  bp_list_init(&list, text);
  while (bp_list_next(&list)) BP_TRY(read_factor(ctx, classes, list.name, factors));
  for (size_t c = 0; c < classes->count; c++)
    if (factors[c] < 0) factors[c] = 1;
  return BP_OK;
}

/* ---- all of it ---- */

static bp_status weigh_all_alike(bp_context *ctx, bp_encoded *rows) {
  if (rows->weights) return BP_OK;
  rows->weights = bp_alloc(ctx, (size_t)rows->rows, sizeof *rows->weights);
  if (!rows->weights) return BP_E_NOMEM;
  for (int64_t r = 0; r < rows->rows; r++) rows->weights[r] = 1;
  return BP_OK;
}

static bp_status apply(bp_context *ctx, const char *text, const bp_dictionary *classes, bp_encoded *rows,
                       double *factors) {
  BP_TRY(weigh_all_alike(ctx, rows));
  if (strcmp(text, "balanced") == 0)
    balance(rows, factors, classes->count);
  else
    BP_TRY(read_factors(ctx, text, classes, factors));
  for (int64_t r = 0; r < rows->rows; r++) rows->weights[r] *= factors[classes_of(rows)[r]];
  return BP_OK;
}

bp_status bp_class_weight_apply(bp_context *ctx, const char *text, const bp_encoding *encoding, bp_encoded *rows) {
  const bp_dictionary *classes = &encoding->classes;
  if (encoding->goal != BP_GOAL_CLASSIFICATION)
    return bp_fail(ctx, BP_E_ARG, "class weights are for classification, but the target '%s' is numbers",
                   encoding->targets[0].name);
  double *factors = bp_alloc(ctx, classes->count, sizeof *factors);
  if (!factors) return BP_E_NOMEM;
  bp_status status = apply(ctx, text, classes, rows, factors);
  bp_release(bp_context_allocator(ctx), factors, classes->count, sizeof *factors);
  return status;
}
