/* cli/diff_json.c - derivatives as one JSON object. Numbers read back exactly; what is not finite becomes null. */
#include <math.h>

#include "console.h"
#include "diff.h"
#include "json_out.h"

/* Keys are names and plain titles: nothing in them needs escaping. */
static void put_number(cli_json *json, const char *key, double value) {
  char text[DIFF_NUMBER];
  if (json->comma) cli_put_text(json->file, ", ");
  json->comma = true;
  if (key) cli_put(json->file, "\"%s\": ", key);
  cli_put_text(json->file, isfinite(value) ? diff_number(value, text) : "null");
}

/* Brackets open where an axis begins and close where it ends; a number stands for itself. */
static void put_array(cli_json *json, const char *key, const diff_array *a) {
  for (int64_t e = 0; e < a->size; e++) {
    int opened, closed;
    diff_brackets(a, e, &opened, &closed);
    for (int i = 0; i < opened; i++) cli_json_open(json, e == 0 && i == 0 ? key : NULL, '[');
    put_number(json, a->rank == 0 ? key : NULL, a->data[e]);
    for (int i = 0; i < closed; i++) cli_json_close(json, ']');
  }
}

/* {NAME: array, …} of the arrays that are there. */
static void put_by_name(cli_json *json, const char *key, const diff_problem *p, const diff_array *arrays) {
  cli_json_open(json, key, '{');
  for (int i = 0; i < p->n; i++)
    if (arrays[i].data && p->names[i].wrt) put_array(json, p->names[i].name, &arrays[i]);
  cli_json_close(json, '}');
}

static void put_blocks(cli_json *json, const char *key, const diff_problem *p, const diff_array *blocks) {
  cli_json_open(json, key, '{');
  for (int i = 0; i < p->n; i++)
    if (p->names[i].wrt) put_by_name(json, p->names[i].name, p, blocks + (size_t)i * (size_t)p->n);
  cli_json_close(json, '}');
}

/* The derivatives of one result, as they were asked for. */
static void put_derivatives(cli_json *json, const diff_problem *p, const diff_result *r, bool scalar) {
  if (p->along) put_array(json, "directional", &r->directional);
  if (!p->along || p->order == 2) put_by_name(json, scalar ? "gradient" : "jacobian", p, r->first);
  if (p->order == 2 && p->along) put_by_name(json, "hessian_vector", p, r->product);
  if (p->order == 2 && !p->along) put_blocks(json, "hessian", p, r->second);
}

static void put_check(cli_json *json, const diff_problem *p, const diff_check *check, bool scalar) {
  cli_json_open(json, "check", '{');
  cli_json_bool(json, "agrees", check->agrees);
  cli_json_real(json, "largest_difference", check->largest);
  put_derivatives(json, p, &check->differences, scalar);
  cli_json_close(json, '}');
}

/* A line that does not depend on what derivatives are taken of has none. */
static void put_derivative_columns(cli_json *json, bool forward, const bp_trace_line *line, const diff_table *t,
                                   size_t i) {
  cli_json_text(json, "rule", line->rule);
  cli_json_open(json, forward ? "tangents" : "adjoints", '{');
  for (size_t k = 0; k < t->columns; k++) put_array(json, t->titles[k], &t->derivatives[i * t->columns + k]);
  cli_json_close(json, '}');
}

static void put_trace(cli_json *json, const diff_problem *p, const diff_table *t) {
  bool forward = p->mode == BP_MODE_FORWARD;
  cli_json_open(json, "trace", '[');
  for (size_t i = 0; i < t->lines; i++) {
    bp_trace_line line = bp_trace_line_at(t->trace, i);
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "variable", line.symbol);
    if (line.name[0]) cli_json_text(json, "name", line.name);
    cli_json_text(json, "expression", line.expression);
    put_array(json, "value", &t->values[i]);
    if (line.rule[0]) put_derivative_columns(json, forward, &line, t, i);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
}

static bool all_finite(const diff_array *a) {
  for (int64_t e = 0; a->data && e < a->size; e++)
    if (!isfinite(a->data[e])) return false;
  return true;
}

static bool is_finite(const diff_problem *p, const diff_result *r) {
  bool finite = all_finite(&r->value) && all_finite(&r->directional);
  for (int i = 0; i < p->n; i++) finite = finite && all_finite(&r->first[i]) && all_finite(&r->product[i]);
  for (int i = 0; i < p->n * p->n; i++) finite = finite && all_finite(&r->second[i]);
  return finite;
}

void diff_report_json(const diff_problem *p, const diff_result *r, const diff_check *check, const diff_table *trace) {
  cli_json json = {.file = cli_output()};
  bool scalar = r->value.rank == 0;
  cli_json_open(&json, NULL, '{');
  put_array(&json, "value", &r->value);
  put_derivatives(&json, p, r, scalar);
  if (check) put_check(&json, p, check, scalar);
  if (trace) put_trace(&json, p, trace);
  cli_json_close(&json, '}');
  cli_print("\n");
  if (!is_finite(p, r)) cli_warn("diff: JSON has no infinity and no nan; null stands for them");
}
