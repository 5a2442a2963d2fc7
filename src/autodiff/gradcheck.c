/* gradcheck.c - derivatives against central differences, and the two modes against each other. Floor: autodiff. */
#include "backprop/gradcheck.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "autodiff/derivative_checks.h"
#include "base/arena.h"
#include "base/fail.h"
#include "base/philox.h"

typedef struct checker {
  bp_context *ctx;
  bp_arena arena; /* everything below */
  bp_gradcheck_options o;
  bp_gradcheck_report r;
  const bp_var *y;
  size_t n_y;
  bp_var *x;
  size_t n_x;
  int64_t batch;
  bp_var *inputs; /* the caller's, then x_dot, then y_bar */
  const void **input_values;
  size_t n_inputs;
  bp_var *y_dot, *x_bar;
  void **x_at, **x_dot_at, **y_bar_at; /* values that are set */
  void **y_at, **y_dot_at, **x_bar_at; /* values that are computed */
  double **plus, **column;             /* by y: f(x + h); differences */
  double scale;                        /* max(1, largest |y|) */
} checker;

/* ---- values ---- */
static int64_t count(const checker *c, bp_var v) { return bp_shape_elements(bp_shape_of(v), c->batch); }

static double get(bp_var v, const void *values, int64_t i) {
  return bp_dtype_of(v) == BP_F64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

static void set(bp_var v, void *values, int64_t i, double to) {
  if (bp_dtype_of(v) == BP_F64)
    ((double *)values)[i] = to;
  else
    ((float *)values)[i] = (float)to;
}

/* Uniform in [-1, 1). */
static double random_number(uint64_t seed, uint64_t n) {
  return 2 * bp_random_uniform(seed, BP_PURPOSE_TEST, 0, n) - 1;
}

static double epsilon_of(bp_var v) { return bp_dtype_of(v) == BP_F64 ? DBL_EPSILON : (double)FLT_EPSILON; }

/* float32 among x and all y makes the differences coarse. */
static bool coarse(const checker *c, bp_var x) {
  bool f32 = bp_dtype_of(x) == BP_F32;
  for (size_t i = 0; i < c->n_y; i++) f32 |= bp_dtype_of(c->y[i]) == BP_F32;
  return f32;
}

static double step_of(const checker *c, bp_var x, double at) {
  double eps = coarse(c, x) ? (double)FLT_EPSILON : DBL_EPSILON;
  double step = c->o.step > 0 ? c->o.step : c->o.richardson ? pow(eps, 0.2) : cbrt(eps);
  return step * fmax(1, fabs(at));
}

/* ---- setting up ---- */
static bool is_input_of(bp_var x, const bp_var *inputs, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (inputs[i].graph == x.graph && inputs[i].id == x.id) return true;
  return false;
}

static bp_status choose_x(checker *c, const bp_var *x, size_t n_x, const bp_var *inputs, size_t n_inputs) {
  bp_graph *g = c->y[0].graph;
  c->x = bp_arena_alloc(&c->arena, x != NULL ? n_x : n_inputs, sizeof *c->x);
  if (c->x == NULL) return BP_E_NOMEM;
  for (size_t i = 0; x == NULL && i < n_inputs; i++)
    if (inputs[i].graph == g && inputs[i].id < g->size && bp_dtype_is_real(bp_dtype_of(inputs[i])))
      c->x[c->n_x++] = inputs[i];
  for (size_t j = 0; x != NULL && j < n_x; j++) {
    if (x[j].graph != g || x[j].id >= g->size || !is_input_of(x[j], inputs, n_inputs) ||
        bp_op_of(x[j]) != BP_OP_input || !bp_dtype_is_real(bp_dtype_of(x[j])))
      return bp_fail(c->ctx, BP_E_ARG, "gradcheck: x %zu is no float input among the inputs given", j);
    c->x[c->n_x++] = x[j];
  }
  return c->n_x > 0 ? BP_OK : bp_fail(c->ctx, BP_E_ARG, "gradcheck: there is no float input to vary");
}

static bp_var input_like(bp_var v) {
  bp_shape s = *bp_shape_of(v);
  return bp_input(v.graph, NULL, bp_dtype_of(v), s.rank, s.dims);
}

/* The graph of both derivatives, for seeds that are inputs. */
static bp_status differentiate(checker *c, const bp_var *inputs, size_t n_inputs) {
  bp_graph *g = c->y[0].graph;
  bp_var *x_dot = c->inputs + n_inputs, *y_bar = x_dot + c->n_x;
  for (size_t i = 0; i < n_inputs; i++) c->inputs[i] = inputs[i];
  for (size_t j = 0; j < c->n_x; j++) x_dot[j] = input_like(c->x[j]);
  for (size_t i = 0; i < c->n_y; i++) y_bar[i] = input_like(c->y[i]);
  BP_TRY(bp_graph_result(g));
  BP_TRY(bp_jvp(c->y, c->n_y, c->x, x_dot, c->n_x, c->y_dot));
  BP_TRY(bp_vjp(c->y, y_bar, c->n_y, c->x, c->n_x, c->x_bar));
  for (size_t i = 0; i < c->n_y; i++)
    if (c->y_dot[i].id == 0) c->y_dot[i] = bp_full(g, bp_dtype_of(c->y[i]), bp_shape_of(c->y[i]), 0);
  for (size_t j = 0; j < c->n_x; j++)
    if (c->x_bar[j].id == 0) c->x_bar[j] = bp_full(g, bp_dtype_of(c->x[j]), bp_shape_of(c->x[j]), 0);
  return bp_graph_result(g);
}

/* values[i]: room for v[i] in an element type of `size` bytes, 0: its own. */
static bool rooms(checker *c, const bp_var *v, size_t n, size_t size, void **values) {
  for (size_t i = 0; values != NULL && i < n; i++) {
    values[i] = bp_arena_alloc(&c->arena, (size_t)count(c, v[i]), size > 0 ? size : bp_dtype_size(bp_dtype_of(v[i])));
    if (values[i] == NULL) return false;
  }
  return values != NULL;
}

static void **pointers(checker *c, size_t n) { return bp_arena_alloc(&c->arena, n, sizeof(void *)); }

static bp_status allocate(checker *c, size_t n_inputs) {
  c->n_inputs = n_inputs + c->n_x + c->n_y;
  c->inputs = bp_arena_alloc(&c->arena, c->n_inputs, sizeof *c->inputs);
  c->input_values = bp_arena_alloc(&c->arena, c->n_inputs, sizeof *c->input_values);
  c->y_dot = bp_arena_alloc(&c->arena, c->n_y, sizeof *c->y_dot);
  c->x_bar = bp_arena_alloc(&c->arena, c->n_x, sizeof *c->x_bar);
  c->plus = bp_arena_alloc(&c->arena, c->n_y, sizeof *c->plus);
  c->column = bp_arena_alloc(&c->arena, c->n_y, sizeof *c->column);
  bool ok = c->inputs != NULL && c->input_values != NULL && c->y_dot != NULL && c->x_bar != NULL && c->plus != NULL &&
            c->column != NULL;
  ok = ok && rooms(c, c->x, c->n_x, 0, c->x_at = pointers(c, c->n_x));
  ok = ok && rooms(c, c->x, c->n_x, 0, c->x_dot_at = pointers(c, c->n_x));
  ok = ok && rooms(c, c->x, c->n_x, 0, c->x_bar_at = pointers(c, c->n_x));
  ok = ok && rooms(c, c->y, c->n_y, 0, c->y_at = pointers(c, c->n_y));
  ok = ok && rooms(c, c->y, c->n_y, 0, c->y_bar_at = pointers(c, c->n_y));
  ok = ok && rooms(c, c->y, c->n_y, 0, c->y_dot_at = pointers(c, c->n_y));
  for (size_t i = 0; ok && i < c->n_y; i++) {
    c->plus[i] = bp_arena_alloc(&c->arena, (size_t)count(c, c->y[i]), sizeof(double));
    c->column[i] = bp_arena_alloc(&c->arena, (size_t)count(c, c->y[i]), sizeof(double));
    ok = c->plus[i] != NULL && c->column[i] != NULL;
  }
  return ok ? BP_OK : BP_E_NOMEM;
}

/* Points the inputs at their values: copies for x, random directions for x_dot and y_bar. */
static void place_values(checker *c, const void *const *values, size_t n_inputs) {
  uint64_t n = 0;
  for (size_t i = 0; i < n_inputs; i++) c->input_values[i] = values[i];
  for (size_t j = 0; j < c->n_x; j++) {
    for (size_t i = 0; i < n_inputs; i++) {
      if (c->inputs[i].id != c->x[j].id) continue;
      if (count(c, c->x[j]) > 0)
        memcpy(c->x_at[j], values[i], (size_t)count(c, c->x[j]) * bp_dtype_size(bp_dtype_of(c->x[j])));
      c->input_values[i] = c->x_at[j];
    }
    c->input_values[n_inputs + j] = c->x_dot_at[j];
    for (int64_t e = 0; e < count(c, c->x[j]); e++) set(c->x[j], c->x_dot_at[j], e, random_number(c->o.seed, n++));
  }
  for (size_t i = 0; i < c->n_y; i++) {
    c->input_values[n_inputs + c->n_x + i] = c->y_bar_at[i];
    bool alone = c->n_y == 1 && count(c, c->y[0]) == 1; /* a cotangent of 1: reverse mode gives the gradient itself */
    for (int64_t e = 0; e < count(c, c->y[i]); e++)
      set(c->y[i], c->y_bar_at[i], e, alone ? 1 : random_number(c->o.seed, n++));
  }
}

static bp_status evaluate(checker *c, const bp_var *outputs, size_t n, void **values) {
  return bp_eval(outputs, n, c->inputs, c->n_inputs, c->batch, c->input_values, values);
}

/* ---- the verdict ---- */
static double allowed(const checker *c, bp_var x, double a, double b) {
  double relative = c->o.relative > 0 ? c->o.relative : coarse(c, x) ? 1e-2 : 1e-6;
  double absolute = c->o.absolute > 0 ? c->o.absolute : coarse(c, x) ? 1e-3 : 1e-8;
  return relative * fmax(fabs(a), fabs(b)) + absolute * c->scale;
}

/* Keeps the worst. */
static void judge(checker *c, const bp_gradcheck_report *candidate, double most) {
  double error = fabs(candidate->derivative - candidate->difference) / most;
  if (!(error <= DBL_MAX)) error = INFINITY; /* NaN too */
  if (!(error > c->r.error)) return;
  c->r.error = error, c->r.mode = candidate->mode, c->r.y = candidate->y, c->r.x = candidate->x;
  c->r.y_element = candidate->y_element, c->r.x_element = candidate->x_element;
  c->r.derivative = candidate->derivative, c->r.difference = candidate->difference;
}

static bp_status fail_element(const checker *c) {
  const bp_gradcheck_report *r = &c->r;
  const char *x = bp_var_name(c->x[r->x]);
  double most = fabs(r->derivative - r->difference) / r->error;
  if (r->mode == BP_MODE_FORWARD)
    return bp_fail(c->ctx, BP_E_CHECK,
                   "gradcheck: forward mode: the derivative of y %zu [%" PRId64 "] by x %zu '%s' [%" PRId64
                   "] is %.12g, differences give %.12g (allowed: %.2g apart)",
                   r->y, r->y_element, r->x, x, r->x_element, r->derivative, r->difference, most);
  return bp_fail(c->ctx, BP_E_CHECK,
                 "gradcheck: reverse mode: the derivative of <y_bar, y> by x %zu '%s' [%" PRId64
                 "] is %.12g, differences give %.12g (allowed: %.2g apart)",
                 r->x, x, r->x_element, r->derivative, r->difference, most);
}

/* ---- the three comparisons ---- */
/* <y_bar, J x_dot> against <Jᵀ y_bar, x_dot>; also finds the scale of y. */
static bp_status compare_modes(checker *c, double *apart) {
  double forward = 0, reverse = 0, size = 0, eps = 0;
  BP_TRY(evaluate(c, c->y, c->n_y, c->y_at));
  BP_TRY(evaluate(c, c->y_dot, c->n_y, c->y_dot_at));
  BP_TRY(evaluate(c, c->x_bar, c->n_x, c->x_bar_at));
  c->scale = 1;
  for (size_t i = 0; i < c->n_y; i++) {
    eps = fmax(eps, epsilon_of(c->y[i]));
    for (int64_t e = 0; e < count(c, c->y[i]); e++) {
      double part = get(c->y[i], c->y_bar_at[i], e) * get(c->y[i], c->y_dot_at[i], e);
      forward += part, size += fabs(part);
      c->scale = fmax(c->scale, fabs(get(c->y[i], c->y_at[i], e)));
    }
  }
  for (size_t j = 0; j < c->n_x; j++) {
    eps = fmax(eps, epsilon_of(c->x[j]));
    for (int64_t e = 0; e < count(c, c->x[j]); e++) {
      double part = get(c->x[j], c->x_bar_at[j], e) * get(c->x[j], c->x_dot_at[j], e);
      reverse += part, size += fabs(part);
    }
  }
  c->r.forward_product = forward, c->r.reverse_product = reverse;
  *apart = fabs(forward - reverse) / (pow(eps, 2.0 / 3) * fmax(size, DBL_MIN));
  return BP_OK;
}

/* f with x[j][e] moved, into values (as doubles). */
static bp_status values_at(checker *c, size_t j, int64_t e, double at, double **values) {
  set(c->x[j], c->x_at[j], e, at);
  BP_TRY(evaluate(c, c->y, c->n_y, c->y_at));
  for (size_t i = 0; i < c->n_y; i++)
    for (int64_t k = 0; k < count(c, c->y[i]); k++) values[i][k] = get(c->y[i], c->y_at[i], k);
  return BP_OK;
}

/* column = own · column + other · (f(x + h) - f(x - h)) / 2h, with the h that the element type really makes. */
static bp_status add_difference(checker *c, size_t j, int64_t e, double h, double own, double other) {
  double at = get(c->x[j], c->x_at[j], e);
  BP_TRY(values_at(c, j, e, at + h, c->plus));
  double width = get(c->x[j], c->x_at[j], e);
  set(c->x[j], c->x_at[j], e, at - h);
  width -= get(c->x[j], c->x_at[j], e);
  BP_TRY(evaluate(c, c->y, c->n_y, c->y_at));
  for (size_t i = 0; i < c->n_y; i++)
    for (int64_t k = 0; k < count(c, c->y[i]); k++)
      c->column[i][k] = own * c->column[i][k] + other * (c->plus[i][k] - get(c->y[i], c->y_at[i], k)) / width;
  set(c->x[j], c->x_at[j], e, at);
  return BP_OK;
}

/* Everything about element e of x[j]; x_dot is 0 but for this element. */
static bp_status compare_element(checker *c, size_t j, int64_t e) {
  double h = step_of(c, c->x[j], get(c->x[j], c->x_at[j], e));
  BP_TRY(add_difference(c, j, e, h, 0, c->o.richardson ? -1.0 / 3 : 1));
  if (c->o.richardson) BP_TRY(add_difference(c, j, e, h / 2, 1, 4.0 / 3));
  set(c->x[j], c->x_dot_at[j], e, 1);
  BP_TRY(evaluate(c, c->y_dot, c->n_y, c->y_dot_at));
  set(c->x[j], c->x_dot_at[j], e, 0);
  bp_gradcheck_report r = {.mode = BP_MODE_FORWARD, .x = j, .x_element = e};
  double sum = 0, size = 0;
  for (r.y = 0; r.y < c->n_y; r.y++) {
    bp_var y = c->y[r.y];
    for (r.y_element = 0; r.y_element < count(c, y); r.y_element++) {
      r.derivative = get(y, c->y_dot_at[r.y], r.y_element);
      r.difference = c->column[r.y][r.y_element];
      judge(c, &r, allowed(c, c->x[j], r.derivative, r.difference));
      double part = get(y, c->y_bar_at[r.y], r.y_element) * r.difference;
      sum += part, size += fabs(part);
    }
  }
  r = (bp_gradcheck_report){.mode = BP_MODE_REVERSE, .x = j, .x_element = e, .y_element = -1, .difference = sum};
  r.derivative = get(c->x[j], c->x_bar_at[j], e);
  judge(c, &r, allowed(c, c->x[j], r.derivative, size));
  c->r.checked++;
  return BP_OK;
}

static bp_status compare_all(checker *c, double *apart) {
  BP_TRY(compare_modes(c, apart));
  for (size_t j = 0; j < c->n_x; j++)
    memset(c->x_dot_at[j], 0, (size_t)count(c, c->x[j]) * bp_dtype_size(bp_dtype_of(c->x[j])));
  for (size_t j = 0; j < c->n_x; j++) {
    int64_t n = count(c, c->x[j]), most = c->o.max_elements > 0 && c->o.max_elements < n ? c->o.max_elements : n;
    for (int64_t k = 0; k < most; k++) BP_TRY(compare_element(c, j, (int64_t)((double)k * (double)n / (double)most)));
  }
  return BP_OK;
}

static bp_status run_check(checker *c, const bp_var *x, size_t n_x, const bp_var *inputs, size_t n_inputs,
                           const void *const *values, double *apart) {
  bp_graph *g = bp_graph_of(c->y, c->n_y);
  if (g->status != BP_OK) return bp_graph_refuse(g);
  for (size_t i = 0; i < c->n_y; i++) BP_TRY(bp_check_derivative(g, "gradcheck", c->y[0], &c->y[i], 1));
  if (c->batch < 0 || c->batch > BP_BATCH_MAX)
    return bp_fail(c->ctx, BP_E_LIMIT, "gradcheck: a batch of %" PRId64 " rows", c->batch);
  BP_TRY(choose_x(c, x, n_x, inputs, n_inputs));
  BP_TRY(allocate(c, n_inputs));
  BP_TRY(differentiate(c, inputs, n_inputs));
  place_values(c, values, n_inputs);
  return compare_all(c, apart);
}

bp_status bp_gradcheck(const bp_var *y, size_t n_y, const bp_var *x, size_t n_x, const bp_var *inputs, size_t n_inputs,
                       int64_t batch, const void *const *input_values, const bp_gradcheck_options *options,
                       bp_gradcheck_report *report) {
  bp_graph *g = bp_graph_of(y, n_y);
  if (g == NULL) return BP_E_ARG;
  checker c = {.ctx = g->ctx, .y = y, .n_y = n_y, .batch = batch};
  double apart = 0;
  if (options != NULL) memcpy(&c.o, options, options->size < sizeof c.o ? options->size : sizeof c.o);
  bp_arena_init(&c.arena, c.ctx);
  bp_status status = run_check(&c, x, n_x, inputs, n_inputs, input_values, &apart);
  if (status == BP_OK && report != NULL) *report = c.r;
  if (status == BP_OK && !(c.r.error <= 1)) status = fail_element(&c);
  if (status == BP_OK && !(apart <= 1))
    status =
        bp_fail(c.ctx, BP_E_CHECK,
                "gradcheck: forward mode gives <y_bar, J x_dot> = %.17g, reverse mode gives <J^T y_bar, x_dot> = %.17g",
                c.r.forward_product, c.r.reverse_product);
  bp_arena_release(&c.arena);
  return status;
}
