/* cli/option_text.c - fields of options as the texts that give them again. */
#include <inttypes.h>
#include <stdio.h>

#include "console.h"
#include "options.h"

static void widths_text(const cli_widths *widths, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s", widths->n < 0 ? "none" : widths->n == 0 ? "auto" : "");
  for (int i = 0; i < widths->n && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i ? "," : "", widths->units[i]);
}

static void activations_text(const cli_activations *list, char *text, size_t size) {
  char one[BP_ACTIVATION_TEXT];
  size_t used = 0;
  (void)snprintf(text, size, "%s", list->n == 0 ? "auto" : "");
  for (int i = 0; i < list->n && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "", bp_activation_text(list->specs[i], one));
}

static void init_text(const cli_init *init, char *text, size_t size) {
  char factor[32];
  if (init->scale == 1)
    (void)snprintf(text, size, "%s", bp_init_name(init->init));
  else
    (void)snprintf(text, size, "%s:%s", bp_init_name(init->init), cli_number(init->scale, factor, sizeof factor));
}

static void numbers_text(const cli_numbers *numbers, char *text, size_t size) {
  size_t used = 0;
  char number[32];
  text[0] = '\0';
  for (int i = 0; i < numbers->n && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "",
                             cli_number(numbers->values[i], number, sizeof number));
}

static void whole_text(const cli_option *option, int64_t number, char *text, size_t size) {
  if (option->domain.automatic && number == 0)
    (void)snprintf(text, size, "auto");
  else if (option->kind == CLI_BATCH && number == INT64_MAX)
    (void)snprintf(text, size, "full");
  else
    (void)snprintf(text, size, "%" PRId64, number);
}

static void real_text(const cli_option *option, double number, char *text, size_t size) {
  if (option->domain.automatic && number == 0)
    (void)snprintf(text, size, "auto");
  else
    (void)cli_number(number, text, size);
}

static void valid_text(const cli_valid *valid, char *text, size_t size) {
  if (valid->file)
    (void)snprintf(text, size, "file");
  else if (valid->fraction > 0)
    (void)cli_number(valid->fraction, text, size);
}

static void every_text(const cli_every *every, char *text, size_t size) {
  if (every->n > 0) (void)snprintf(text, size, "%" PRId64 "%s", every->n, every->steps ? "steps" : "epochs");
}

static void lines_text(const cli_lines *lines, char *text, size_t size) {
  (void)snprintf(text, size, lines->given ? "%" PRId64 : "auto", lines->n);
}

static void comment_text(int mark, char *text, size_t size) {
  (void)snprintf(text, size, mark == 0 ? "auto" : mark == ' ' ? "none" : "%c", mark);
}

static void duration_text(double seconds, char *text, size_t size) {
  char number[32];
  if (seconds > 0) (void)snprintf(text, size, "%ss", cli_number(seconds, number, sizeof number));
}

const char *cli_value_text(const cli_option *option, const cli_settings *settings, char *text, size_t size) {
  const void *field = (const char *)settings + option->field;
  text[0] = '\0';
  switch (option->kind) {
  case CLI_FLAG: (void)snprintf(text, size, "%s", *(const bool *)field ? "yes" : "no"); break;
  case CLI_WHOLE:
  case CLI_BATCH: whole_text(option, *(const int64_t *)field, text, size); break;
  case CLI_SEED: (void)snprintf(text, size, "%" PRIu64, *(const uint64_t *)field); break;
  case CLI_REAL: real_text(option, *(const double *)field, text, size); break;
  case CLI_CHOICE: (void)snprintf(text, size, "%s", option->domain.name(*(const int *)field)); break;
  case CLI_LINES: lines_text(field, text, size); break;
  case CLI_COMMENT: comment_text(*(const int *)field, text, size); break;
  case CLI_SEPARATOR: (void)snprintf(text, size, "%s", cli_separator_word(*(const int *)field)); break;
  case CLI_EVERY: every_text(field, text, size); break;
  case CLI_DURATION: duration_text(*(const double *)field, text, size); break;
  case CLI_WIDTHS: widths_text(field, text, size); break;
  case CLI_ACTIVATIONS: activations_text(field, text, size); break;
  case CLI_INIT: init_text(field, text, size); break;
  case CLI_VALID: valid_text(field, text, size); break;
  case CLI_NUMBERS: numbers_text(field, text, size); break;
  case CLI_SCHEDULE:
  case CLI_WARMUP: (void)snprintf(text, size, "%s", ((const cli_schedule *)field)->text); break;
  case CLI_TEXT:
  case CLI_LOSS:
  case CLI_FILE:
    if (*(const char *const *)field) (void)snprintf(text, size, "%s", *(const char *const *)field);
    break;
  default: break;
  }
  return text;
}
