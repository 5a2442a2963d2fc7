/* cli/diff_trace.c - the trace as a table: a line for each variable of the graph, aligned by what a terminal shows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "diff.h"

enum { COLUMNS_MAX = 16, CELL = 256 };

/* ---- seeds and titles ---- */
static bp_var unit(const diff_problem *p, const diff_array *like, int64_t element) {
  double *data = cli_alloc((size_t)like->size, sizeof *data);
  data[element] = 1;
  bp_var v = bp_constant(p->graph, BP_F64, like->rank, like->dims, data);
  free(data);
  return v;
}

static int too_many(const char *what, int64_t n, const char *instead) {
  return cli_fail(CLI_USAGE, "diff: --trace: %s has %lld elements, and a table at most %d columns; %s", what,
                  (long long)n, COLUMNS_MAX, instead);
}

/* Reverse: a column for each element of the value. */
static int seed_reverse(diff_problem *p, diff_table *t, bp_var *seeds) {
  diff_array like = diff_array_like(p->y);
  int64_t n = like.size;
  if (n > COLUMNS_MAX) {
    diff_array_release(&like);
    return too_many("the value", n, "take some of them, sum them, or use --mode forward");
  }
  for (int64_t e = 0; e < n; e++) {
    char place[DIFF_INDEX];
    seeds[e] = unit(p, &like, e);
    (void)snprintf(t->titles[e], sizeof *t->titles, "adjoint%s%.50s", n == 1 ? "" : " ",
                   n == 1 ? "" : diff_index_text(&like, e, place));
  }
  t->columns = (size_t)n;
  diff_array_release(&like);
  return CLI_DONE;
}

/* Forward: a column for each element of the names of --wrt, or one for --along. */
static int seed_forward(diff_problem *p, diff_table *t, bp_var *seeds) {
  int64_t n = 0;
  for (int i = 0; i < p->n; i++) n += p->names[i].wrt ? p->names[i].value.size : 0;
  if (n > COLUMNS_MAX) return too_many("the point", n, "name some with --wrt, or a direction with --along");
  for (int i = 0; i < p->n; i++)
    for (int64_t e = 0; p->names[i].wrt && e < p->names[i].value.size; e++) {
      char place[DIFF_INDEX];
      seeds[t->columns * (size_t)p->n + (size_t)i] = unit(p, &p->names[i].value, e);
      (void)snprintf(t->titles[t->columns++], sizeof *t->titles, "d/d%.20s%.36s", p->names[i].name,
                     diff_index_text(&p->names[i].value, e, place));
    }
  return CLI_DONE;
}

static int seed_along(diff_problem *p, diff_table *t, bp_var *seeds) {
  for (int i = 0; i < p->n; i++)
    if (p->names[i].along.data)
      seeds[i] = bp_constant(p->graph, BP_F64, p->names[i].value.rank, p->names[i].value.dims, p->names[i].along.data);
  (void)snprintf(t->titles[0], sizeof *t->titles, "along");
  t->columns = 1;
  return CLI_DONE;
}

/* ---- the trace and its numbers ---- */
static int evaluate(diff_problem *p, diff_table *t) {
  size_t each = 1 + t->columns, n = t->lines * each;
  bp_var *vars = cli_alloc(n, sizeof *vars);
  diff_array *arrays = cli_alloc(n, sizeof *arrays);
  for (size_t i = 0; i < t->lines; i++) {
    bp_trace_line line = bp_trace_line_at(t->trace, i);
    vars[i * each] = line.var;
    for (size_t k = 0; k < each; k++) {
      diff_array *shape = &arrays[i * each + k];
      shape->rank = bp_var_rank(line.var);
      for (int d = 0; d < shape->rank; d++) shape->dims[d] = bp_var_dim(line.var, d);
      if (k > 0) vars[i * each + k] = line.derivatives[k - 1];
    }
  }
  t->values = cli_alloc(t->lines, sizeof *t->values);
  t->derivatives = cli_alloc(n, sizeof *t->derivatives);
  int failed = diff_evaluate(p, vars, (int)n, arrays);
  for (size_t i = 0; i < t->lines; i++) {
    t->values[i] = arrays[i * each];
    for (size_t k = 0; k < t->columns; k++) t->derivatives[i * t->columns + k] = arrays[i * each + 1 + k];
  }
  free(vars);
  free(arrays);
  return failed;
}

int diff_trace_run(diff_problem *p, diff_table *t) {
  size_t most = COLUMNS_MAX * (size_t)(p->n + 1);
  bp_var *seeds = cli_alloc(most, sizeof *seeds), *inputs = cli_alloc((size_t)p->n, sizeof *inputs);
  bp_var *wrt = cli_alloc((size_t)p->n, sizeof *wrt);
  bp_trace_options o = {
      .size = sizeof o, .mode = p->mode, .inputs = inputs, .n_inputs = (size_t)p->n, .wrt = wrt, .seeds = seeds};
  *t = (diff_table){.titles = cli_alloc(COLUMNS_MAX, sizeof *t->titles)};
  for (size_t i = 0; i < most; i++) seeds[i] = (bp_var){p->graph, 0};
  for (int i = 0; i < p->n; i++) {
    inputs[i] = p->names[i].var;
    if (p->along ? p->names[i].along.data != NULL : p->names[i].wrt) wrt[o.n_wrt++] = inputs[i];
  }
  int failed = (p->along ? seed_along : p->mode == BP_MODE_FORWARD ? seed_forward : seed_reverse)(p, t, seeds);
  o.n_columns = t->columns;
  bp_status status = failed ? BP_OK : bp_trace_new(p->y, &o, &t->trace);
  if (status != BP_OK) failed = diff_fail(p, status);
  t->lines = t->trace ? bp_trace_lines(t->trace) : 0;
  if (!failed) failed = evaluate(p, t);
  free(seeds);
  free(inputs);
  free(wrt);
  return failed;
}

void diff_table_release(diff_table *t) {
  for (size_t i = 0; t->values && i < t->lines; i++) diff_array_release(&t->values[i]);
  for (size_t i = 0; t->derivatives && i < t->lines * t->columns; i++) diff_array_release(&t->derivatives[i]);
  free(t->values);
  free(t->derivatives);
  free(t->titles);
  bp_trace_free(t->trace);
}

/* ---- cells ---- */
/* A number for reading: fixed decimals, unless they would hide it. */
static void number_cell(double value, int digits, char *text, size_t size) {
  double magnitude = fabs(value), least = 0.5 * pow(10, -digits);
  if (value != 0 && (magnitude < least || magnitude >= 1e7) && isfinite(value))
    (void)snprintf(text, size, "%.*e", digits, value);
  else
    (void)snprintf(text, size, "%.*f", digits, value == 0 ? 0 : value);
}

/* An array in brackets; of a long one the first few elements. */
static void array_cell(const diff_array *a, int digits, char text[CELL]) {
  enum { SHOWN = 6 };
  int64_t shown = a->size > SHOWN ? 3 : a->size;
  size_t n = 0;
  text[0] = '\0';
  for (int64_t e = 0; e < shown; e++) {
    int opened, closed;
    char number[64];
    diff_brackets(a, e, &opened, &closed);
    number_cell(a->data[e], digits, number, sizeof number);
    n += (size_t)snprintf(text + n, CELL - n, "%s%.*s%s%.*s", e > 0 ? ", " : "", opened, "[[[[[[[[", number, closed,
                          "]]]]]]]]");
    if (n > CELL / 2) shown = e + 1;
  }
  if (shown < a->size) (void)snprintf(text + n, CELL - n, ", …]");
}

/* ---- the table ---- */
enum { SYMBOL, EXPRESSION, VALUE, RULE, FIXED };

static void cell(const diff_problem *p, const diff_table *t, int digits, size_t row, size_t column, char text[CELL]) {
  bool forward = p->mode == BP_MODE_FORWARD;
  const char *titles[] = {"variable", "expression", "value", forward ? "tangent rule" : "adjoint rule"};
  if (row == 0) {
    (void)snprintf(text, CELL, "%s", column < FIXED ? titles[column] : t->titles[column - FIXED]);
    return;
  }
  bp_trace_line line = bp_trace_line_at(t->trace, row - 1);
  if (column == SYMBOL)
    (void)snprintf(text, CELL, "%s", line.symbol);
  else if (column == EXPRESSION && line.name[0] && strcmp(line.name, line.expression) != 0)
    (void)snprintf(text, CELL, "%s = %s", line.name, line.expression);
  else if (column == EXPRESSION)
    (void)snprintf(text, CELL, "%s", line.expression);
  else if (column == VALUE)
    array_cell(&t->values[row - 1], digits, text);
  else if (column == RULE)
    (void)snprintf(text, CELL, "%s", line.rule);
  else if (!line.rule[0])
    text[0] = '\0'; /* does not depend on what derivatives are taken of */
  else
    array_cell(&t->derivatives[(row - 1) * t->columns + column - FIXED], digits, text);
}

void diff_trace_report(const diff_problem *p, const diff_table *t, int digits) {
  char text[CELL];
  int width[FIXED + COLUMNS_MAX] = {0};
  size_t columns = FIXED + t->columns;
  for (size_t row = 0; row <= t->lines; row++)
    for (size_t k = 0; k < columns; k++) {
      cell(p, t, digits, row, k, text);
      if (cli_width(text) > width[k]) width[k] = cli_width(text);
    }
  for (size_t row = 0; row <= t->lines; row++) {
    int blanks = 0; /* owed, so that no line ends with any */
    for (size_t k = 0; k < columns; k++) {
      bool right = k == VALUE || k >= FIXED;
      cell(p, t, digits, row, k, text);
      int gap = width[k] - cli_width(text);
      if (text[0]) cli_print("%*s%s", blanks + (right ? gap : 0), "", text);
      blanks = text[0] ? (right ? 0 : gap) + 2 : blanks + gap + 2;
    }
    cli_print("\n");
  }
}
