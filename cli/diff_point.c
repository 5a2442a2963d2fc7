/* cli/diff_point.c - from the command line of `diff` to an expression at a point. */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"

/* ---- failing ---- */
int diff_fail(const diff_problem *p, bp_status status) {
  return cli_fail(status == BP_E_NOMEM ? CLI_NO_MEMORY : CLI_USAGE, "diff: %s", bp_error_message(p->ctx));
}

/* ---- NAME=VALUE ---- */
/* The value that a text spells, which may be any expression without names. */
static int read_value(const diff_problem *p, const char *option, const char *name, const char *text, diff_array *out) {
  bp_graph *graph;
  bp_var v;
  bp_status status = bp_graph_new(p->ctx, &graph);
  if (status != BP_OK) return diff_fail(p, status);
  status = bp_expression_parse(graph, BP_F64, text, NULL, 0, &v);
  if (status == BP_OK) {
    *out = diff_array_like(v);
    status = bp_eval(&v, 1, NULL, 0, 0, NULL, (void *[]){out->data});
  }
  bp_graph_free(graph);
  if (status == BP_OK) return CLI_DONE;
  int exit_status = status == BP_E_NOMEM ? CLI_NO_MEMORY : CLI_USAGE;
  return cli_fail(exit_status, "diff: %s%s: %s", option, name, bp_error_message(p->ctx));
}

static const char *name_at(const void *user, int i) {
  const diff_problem *p = user;
  return i < p->n ? p->names[i].name : NULL;
}

static diff_name *find_name(const diff_problem *p, const char *text, size_t length) {
  for (int i = 0; i < p->n; i++)
    if (strlen(p->names[i].name) == length && memcmp(p->names[i].name, text, length) == 0) return &p->names[i];
  return NULL;
}

static int unknown_name(const diff_problem *p, const char *option, const char *text, size_t length) {
  const char *near = cli_suggest(text, length, name_at, p);
  if (near)
    return cli_fail(CLI_USAGE, "diff: %s: no value was given for '%.*s'; did you mean %s?", option, (int)length, text,
                    near);
  return cli_fail(CLI_USAGE, "diff: %s: no value was given for '%.*s'", option, (int)length, text);
}

static int add_name(diff_problem *p, const char *operand) {
  size_t length = strcspn(operand, "=");
  if (!operand[length] || length == 0)
    return cli_fail(CLI_USAGE, "diff: '%s': expected NAME=VALUE, as in x=1.5 or w=[1,2]", operand);
  if (find_name(p, operand, length))
    return cli_fail(CLI_USAGE, "diff: %.*s is given twice; expected once", (int)length, operand);
  diff_name *name = &p->names[p->n];
  *name = (diff_name){.name = cli_copy(operand, length), .wrt = true};
  p->n++;
  return read_value(p, "", name->name, operand + length + 1, &name->value);
}

/* ---- --wrt ---- */
static int choose(diff_problem *p, const char *text, size_t length) {
  diff_name *name = find_name(p, text, length);
  if (!name) return unknown_name(p, "--wrt", text, length);
  if (name->wrt) return cli_fail(CLI_USAGE, "diff: --wrt: %s is named twice", name->name);
  name->wrt = true;
  return CLI_DONE;
}

static int read_wrt(diff_problem *p, const char *text) {
  if (!text) return CLI_DONE;
  for (int i = 0; i < p->n; i++) p->names[i].wrt = false;
  for (const char *at = text;; at++) {
    size_t length = strcspn(at, ",");
    int failed = choose(p, at, length);
    if (failed || !at[length]) return failed;
    at += length;
  }
}

/* ---- --along: NAME=VALUE, or several with ';' between ---- */
static bool same_shape(const diff_array *a, const diff_array *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

/* part: NAME=VALUE of that name. */
static int read_direction(const diff_problem *p, diff_name *name, const char *part) {
  int failed = read_value(p, "--along ", name->name, strchr(part, '=') + 1, &name->along);
  if (failed || same_shape(&name->along, &name->value)) return failed;
  return cli_fail(CLI_USAGE, "diff: --along %s: the direction must have the shape of the value of %s", part,
                  name->name);
}

static int add_direction(diff_problem *p, const char *text, size_t length) {
  while (length > 0 && *text == ' ') text++, length--;
  char *part = cli_copy(text, length);
  size_t name_length = strcspn(part, "=");
  diff_name *name = find_name(p, part, name_length);
  int failed = CLI_DONE;
  if (!part[name_length] || name_length == 0)
    failed = cli_fail(CLI_USAGE, "diff: --along '%s': expected NAME=VALUE, or several with ';' between", part);
  else if (!name)
    failed = unknown_name(p, "--along", part, name_length);
  else if (name->along.data)
    failed = cli_fail(CLI_USAGE, "diff: --along: %s is given twice", name->name);
  else
    failed = read_direction(p, name, part);
  free(part);
  return failed;
}

static int read_along(diff_problem *p, const char *text) {
  if (!text) return CLI_DONE;
  p->along = true;
  for (const char *at = text;; at++) {
    size_t length = strcspn(at, ";");
    int failed = add_direction(p, at, length);
    if (failed || !at[length]) return failed;
    at += length;
  }
}

int diff_read_point(diff_problem *p, const cli_request *request) {
  p->names = cli_alloc((size_t)request->n_operands, sizeof *p->names);
  for (int i = 1; i < request->n_operands; i++) {
    int failed = add_name(p, request->operands[i]);
    if (failed) return failed;
  }
  int failed = read_wrt(p, request->settings.wrt);
  return failed ? failed : read_along(p, request->settings.along);
}

/* ---- the expression ---- */
static void warn_about_unused(const diff_problem *p, const bp_expression_name *names) {
  for (int i = 0; i < p->n; i++) {
    char line[256];
    if (names[i].used || !p->names[i].wrt) continue;
    (void)snprintf(line, sizeof line, "diff: the expression does not use %.100s; its derivative is 0",
                   p->names[i].name);
    cli_warn(line);
  }
}

int diff_read_expression(diff_problem *p, const char *text) {
  bp_status status = bp_graph_new(p->ctx, &p->graph);
  if (status != BP_OK) return diff_fail(p, status);
  bp_expression_name *names = cli_alloc((size_t)p->n, sizeof *names);
  for (int i = 0; i < p->n; i++) {
    diff_name *name = &p->names[i];
    name->var = bp_input(p->graph, name->name, BP_F64, name->value.rank, name->value.dims);
    names[i] = (bp_expression_name){.name = name->name, .var = name->var};
  }
  status = bp_expression_parse(p->graph, BP_F64, text, names, (size_t)p->n, &p->y);
  if (status == BP_OK) warn_about_unused(p, names);
  free(names);
  return status == BP_OK ? CLI_DONE : diff_fail(p, status);
}

void diff_problem_release(diff_problem *p) {
  for (int i = 0; i < p->n; i++) {
    free(p->names[i].name);
    diff_array_release(&p->names[i].value);
    diff_array_release(&p->names[i].along);
  }
  free(p->names);
  bp_graph_free(p->graph);
  bp_context_free(p->ctx);
}

/* ---- evaluation ---- */
int diff_evaluate(const diff_problem *p, const bp_var *vars, int n, diff_array *values) {
  bp_var *inputs = cli_alloc((size_t)p->n, sizeof *inputs), *outputs = cli_alloc((size_t)n, sizeof *outputs);
  const void **in = cli_alloc((size_t)p->n, sizeof *in);
  void **out = cli_alloc((size_t)n, sizeof *out);
  size_t n_outputs = 0;
  for (int i = 0; i < p->n; i++) {
    inputs[i] = p->names[i].var;
    in[i] = p->names[i].value.data;
  }
  for (int i = 0; i < n; i++) {
    values[i] = bp_var_is_zero(vars[i]) ? diff_with_room(values[i]) : diff_array_like(vars[i]);
    if (bp_var_is_zero(vars[i])) continue;
    outputs[n_outputs] = vars[i];
    out[n_outputs++] = values[i].data;
  }
  bp_status status = n_outputs > 0 ? bp_eval(outputs, n_outputs, inputs, (size_t)p->n, 0, in, out) : BP_OK;
  free(inputs);
  free(outputs);
  free((void *)in);
  free((void *)out);
  return status == BP_OK ? CLI_DONE : diff_fail(p, status);
}
