/* cli/diff_derive.c - the derivatives that were asked for: first and second, whole or along a direction. */
#include <stdlib.h>

#include "console.h"
#include "diff.h"

void diff_result_init(diff_result *r, int n) {
  *r = (diff_result){.n = n};
  r->first = cli_alloc((size_t)n, sizeof *r->first);
  r->second = cli_alloc((size_t)n * (size_t)n, sizeof *r->second);
  r->product = cli_alloc((size_t)n, sizeof *r->product);
}

void diff_result_release(diff_result *r) {
  for (int i = 0; i < r->n; i++) {
    diff_array_release(&r->first[i]);
    diff_array_release(&r->product[i]);
  }
  for (int i = 0; i < r->n * r->n; i++) diff_array_release(&r->second[i]);
  diff_array_release(&r->value);
  diff_array_release(&r->directional);
  free(r->first);
  free(r->second);
  free(r->product);
}

/* The variables of --wrt, and the place of each among the names. */
typedef struct selection {
  bp_var *x;
  int *at;
  int n;
} selection;

static selection select_wrt(const diff_problem *p) {
  selection s = {.x = cli_alloc((size_t)p->n, sizeof *s.x), .at = cli_alloc((size_t)p->n, sizeof *s.at)};
  for (int i = 0; i < p->n; i++) {
    if (!p->names[i].wrt) continue;
    s.x[s.n] = p->names[i].var;
    s.at[s.n++] = i;
  }
  return s;
}

static void selection_release(selection *s) {
  free(s->x);
  free(s->at);
}

/* Appends derivatives to the graph, evaluates them, and puts the k-th where places[k] points to. */
static int deliver(const diff_problem *p, bp_status status, const bp_var *vars, diff_array *const *places, int n) {
  if (status != BP_OK) return diff_fail(p, status);
  diff_array *values = cli_alloc((size_t)n, sizeof *values);
  for (int k = 0; k < n; k++) values[k] = *places[k]; /* the shape of a symbolic zero */
  int failed = diff_evaluate(p, vars, n, values);
  for (int k = 0; k < n; k++) *places[k] = values[k];
  free(values);
  return failed;
}

/* The data as a matrix: a Jacobian has the axes of the value, then those of the name. */
static void as_matrix(diff_array *a, int64_t rows) {
  a->rank = 2;
  a->dims[0] = rows;
  a->dims[1] = rows > 0 ? a->size / rows : 0;
}

/* ---- first order ---- */
static int derive_first(diff_problem *p, const selection *s, diff_result *r) {
  bp_var *vars = cli_alloc((size_t)s->n, sizeof *vars);
  diff_array **places = cli_alloc((size_t)s->n, sizeof(void *));
  bool scalar = bp_var_rank(p->y) == 0;
  bp_status status = BP_OK;
  for (int k = 0; k < s->n; k++) places[k] = &r->first[s->at[k]];
  if (scalar && p->mode != BP_MODE_FORWARD)
    status = bp_grad(p->y, s->x, (size_t)s->n, vars);
  else
    status = bp_jacobian(p->y, s->x, (size_t)s->n, p->mode, vars);
  int failed = deliver(p, status, vars, places, s->n);
  for (int k = 0; !failed && !scalar && k < s->n; k++) as_matrix(places[k], r->value.size);
  free(vars);
  free((void *)places);
  return failed;
}

/* ---- second order ---- */
static int derive_second(diff_problem *p, const selection *s, diff_result *r) {
  size_t n = (size_t)s->n * (size_t)s->n;
  bp_var *vars = cli_alloc(n, sizeof *vars);
  diff_array **places = cli_alloc(n, sizeof(void *));
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j < s->n; j++) places[i * s->n + j] = &r->second[s->at[i] * r->n + s->at[j]];
  bp_status status = bp_hessian_by(p->y, s->x, (size_t)s->n, p->mode, p->mode, vars);
  int failed = deliver(p, status, vars, places, (int)n);
  for (size_t k = 0; !failed && k < n; k++) as_matrix(places[k], p->names[s->at[(int)k / s->n]].value.size);
  free(vars);
  free((void *)places);
  return failed;
}

/* ---- along a direction ---- */
/* A constant for each name: its direction, zeros where nothing was said. */
static bp_var *directions(diff_problem *p) {
  bp_var *v = cli_alloc((size_t)p->n, sizeof *v);
  for (int i = 0; i < p->n; i++) {
    const diff_array *value = &p->names[i].value, *along = &p->names[i].along;
    diff_array zeros = {0};
    if (!along->data) zeros = diff_array_like(p->names[i].var);
    v[i] = bp_constant(p->graph, BP_F64, value->rank, value->dims, along->data ? along->data : zeros.data);
    diff_array_release(&zeros);
  }
  return v;
}

static int derive_directional(diff_problem *p, diff_result *r, const bp_var *v, bp_var *y_dot) {
  bp_var *x = cli_alloc((size_t)p->n, sizeof *x);
  for (int i = 0; i < p->n; i++) x[i] = p->names[i].var;
  bp_status status = bp_jvp(&p->y, 1, x, v, (size_t)p->n, y_dot);
  free(x);
  r->directional = r->value;
  int failed = deliver(p, status, y_dot, (diff_array *[]){&r->directional}, 1);
  if (failed) r->directional.data = NULL;
  return failed;
}

/* The product with the Hessian of all names; the blocks of --wrt are told. */
static int derive_product(diff_problem *p, diff_result *r, const bp_var *v, bp_var y_dot) {
  bp_var *x = cli_alloc((size_t)p->n, sizeof *x), *hv = cli_alloc((size_t)p->n, sizeof *hv);
  diff_array **places = cli_alloc((size_t)p->n, sizeof(void *));
  bp_status status;
  for (int i = 0; i < p->n; i++) {
    x[i] = p->names[i].var;
    r->product[i] = p->names[i].value; /* its shape */
    r->product[i].data = NULL;
    places[i] = &r->product[i];
  }
  if (p->mode == BP_MODE_REVERSE)
    status = bp_vhp(p->y, x, v, (size_t)p->n, hv);
  else if (p->mode == BP_MODE_FORWARD && !bp_var_is_zero(y_dot))
    status = bp_jacobian(y_dot, x, (size_t)p->n, BP_MODE_FORWARD, hv);
  else
    status = bp_hvp(p->y, x, v, (size_t)p->n, hv);
  int failed = deliver(p, status, hv, places, p->n);
  free(x);
  free(hv);
  free((void *)places);
  return failed;
}

static int derive_along(diff_problem *p, diff_result *r) {
  bp_var y_dot, *v = directions(p);
  int failed = derive_directional(p, r, v, &y_dot);
  if (!failed && p->order == 2) failed = derive_product(p, r, v, y_dot);
  free(v);
  return failed;
}

int diff_derive(diff_problem *p, diff_result *r) {
  selection s = select_wrt(p);
  int failed = deliver(p, BP_OK, &p->y, (diff_array *[]){&r->value}, 1);
  if (!failed && p->order == 2 && r->value.rank > 0)
    failed =
        cli_fail(CLI_USAGE,
                 "diff: --order 2 needs a value that is one number; this one has %lld elements; take one, or sum them",
                 (long long)r->value.size);
  if (!failed && p->along) failed = derive_along(p, r);
  if (!failed && s.n > 0 && (!p->along || p->order == 2)) failed = derive_first(p, &s, r);
  if (!failed && s.n > 0 && !p->along && p->order == 2) failed = derive_second(p, &s, r);
  selection_release(&s);
  return failed;
}
