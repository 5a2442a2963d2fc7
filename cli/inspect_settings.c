/* cli/inspect_settings.c - how a model was trained: the options that were set, and those that the training decided by itself. What is off
 * is not shown; `inspect --json` has all of it. */
#include "inspect_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "options.h"

enum { LABEL = 10, VALUE = 4096 };

/* ---- values ---- */

typedef struct settings {
  const bp_model *model;
  const bp_json *given, *resolved;
} settings;

/* A value of JSON as `train` would be given it; "" for what has none. */
static const char *value_text(const bp_json *value, char text[VALUE]) {
  double number;
  bool truth;
  text[0] = '\0';
  if (bp_json_text(value))
    (void)snprintf(text, VALUE, "%s", bp_json_text(value));
  else if (bp_json_number(value, &number))
    (void)cli_exact_number(number, text, VALUE);
  else if (bp_json_truth(value, &truth))
    (void)snprintf(text, VALUE, "%s", truth ? "yes" : "no");
  return text;
}

/* The member of the resolved options that belongs to an option of the command: "batch_size" to "batch-size". */
static const bp_json *resolved_of(const settings *s, const char *option) {
  char key[64];
  (void)snprintf(key, sizeof key, "%s", option);
  for (char *c = key; *c; c++) *c = *c == '-' ? '_' : *c;
  return bp_json_member(s->resolved, key);
}

/* What the model itself tells, where an option says "auto"; "" where it tells nothing. */
static const char *told_by_model(const settings *s, const char *option, char text[VALUE]) {
  const bp_objective *objective = bp_model_objective(s->model);
  text[0] = '\0';
  if (strcmp(option, "loss") == 0) (void)bp_objective_text(objective, text, VALUE);
  if (strcmp(option, "output") == 0) (void)snprintf(text, VALUE, "%s", bp_output_name(objective->output));
  if (strcmp(option, "task") == 0) (void)snprintf(text, VALUE, "%s", bp_task_name(bp_model_task(s->model)));
  return text;
}

/* Whether an option with that text does nothing: then there is nothing to show. */
static bool is_off(const char *option, const char *text) {
  static const char *const nothing[] = {"", "0", "no", "none", "auto", "constant", "loss"};
  const char *usual = "";
  if (strcmp(option, "seed") == 0) return false;
  for (int i = 0; i < CLI_OPTION_COUNT; i++)
    if (strcmp(cli_options[i].name, option) == 0 && cli_options[i].initial) usual = cli_options[i].initial;
  if (strcmp(text, "none") == 0 && strcmp(usual, "none") != 0) return false; /* said: --hidden none */
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
    if (strcmp(text, nothing[i]) == 0) return true;
  return false;
}

/* The value that the training took instead of what the option says: of "auto", and of a number that stands for another. "" for as
 * it says. */
static const char *decided(const settings *s, const char *option, const char *given, char text[VALUE]) {
  char *end;
  double taken, number = strtod(given, &end);
  bool is_auto = strcmp(given, "auto") == 0, is_number = end != given && !*end;
  const bp_json *value = resolved_of(s, option);
  text[0] = '\0';
  if (is_auto && !value) return told_by_model(s, option, text);
  if (is_auto && bp_json_text(value) && !is_off(option, bp_json_text(value))) return value_text(value, text);
  if (!bp_json_number(value, &taken) || taken == 0) return text; /* 0 is nothing */
  if (is_auto || (is_number && number != taken)) (void)value_text(value, text);
  return text;
}

/* ---- printing ---- */

/* A list of options in lines as wide as the terminal. */
typedef struct lines {
  const char *label;
  int column, columns;
} lines;

static void print_option(lines *l, const char *option, const char *value) {
  int width = cli_width(option) + cli_width(value) + 4; /* " --lr 0.1" */
  if (l->column == 0 || l->column + width > l->columns) {
    if (l->column > 0) cli_print("\n");
    cli_print("%-*s", LABEL, l->column > 0 ? "" : l->label);
    l->column = LABEL - 1;
  } else
    cli_print(" ");
  cli_print("--%s %s", option, value);
  l->column += width;
}

static lines lines_of(const char *label) { return (lines){label, 0, cli_line_width(cli_output()) - 1}; }

static void end_lines(const lines *l) {
  if (l->column > 0) cli_print("\n");
}

static void report_given(const settings *s) {
  char text[VALUE], other[VALUE];
  lines l = lines_of("settings");
  for (const bp_json *v = bp_json_first(s->given); v; v = bp_json_next(v)) {
    const char *option = bp_json_name(v);
    if (is_off(option, value_text(v, text)) || decided(s, option, text, other)[0]) continue;
    print_option(&l, option, text);
  }
  end_lines(&l);
}

static void report_decided(const settings *s) {
  char text[VALUE], other[VALUE];
  lines l = lines_of("decided");
  for (const bp_json *v = bp_json_first(s->given); v; v = bp_json_next(v))
    if (decided(s, bp_json_name(v), value_text(v, text), other)[0]) print_option(&l, bp_json_name(v), other);
  end_lines(&l);
}

/* A model that the library trained: there is no telling what was given. */
static void report_resolved(const settings *s) {
  char text[VALUE], option[64];
  lines l = lines_of("settings");
  for (const bp_json *v = bp_json_first(s->resolved); v; v = bp_json_next(v)) {
    (void)snprintf(option, sizeof option, "%s", bp_json_name(v));
    for (char *c = option; *c; c++) *c = *c == '_' ? '-' : *c;
    if (!is_off(option, value_text(v, text))) print_option(&l, option, text);
  }
  end_lines(&l);
}

void cli_report_settings(const bp_model *model, const bp_json *given, const bp_json *resolved) {
  settings s = {model, given, resolved};
  if (bp_json_type(given) != BP_JSON_OBJECT) {
    report_resolved(&s);
    return;
  }
  report_given(&s);
  report_decided(&s);
}
