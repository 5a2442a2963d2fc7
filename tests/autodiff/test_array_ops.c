/* labels: grad */
/* Products, reductions, shapes, rows by number: values against plain loops in long double, derivatives against differences of
 * those loops, on random shapes with and without a batch.
 */
#include <stdio.h>
#include <stdlib.h>

#include "array_ops.h"
#include "backprop/autodiff.h"
#include "support/testing.h"

enum { DRAWS = 300 };
static const int threads[] = {1, 2, 0};

/* ---- one case as a graph ---- */
typedef struct setting {
  const array_row *row;
  array_case c;
  bp_dtype t;
  bp_graph *g;
  bp_var x[2], x_dot[2], y, y_bar, index;
  bp_var inputs[8];
  void *values[8];
  size_t n_inputs;
} setting;

static bp_var input(setting *s, bt_random *r, const extent *e, bool batch, bp_dtype t) {
  int64_t dims[AXES + 1];
  for (int i = 0; i < e->rank; i++) dims[i] = e->at[i];
  if (batch) dims[0] = BP_BATCH;
  bp_var v = bp_input(s->g, "x", t, e->rank, dims);
  s->values[s->n_inputs] = bt_array_uniform(v, s->c.batch, r, -1.5, 1.5);
  return s->inputs[s->n_inputs++] = v;
}

static setting draw(bp_context *ctx, const array_row *row, bp_dtype t, uint64_t seed) {
  setting s = {.row = row, .t = t, .c.f64 = t == BP_F64};
  bt_random r = {.seed = seed};
  row->draw(&s.c, &r);
  bt_assert_ok(ctx, bp_graph_new(ctx, &s.g));
  for (int i = 0; i < s.c.n_x; i++) s.x[i] = input(&s, &r, &s.c.x[i], s.c.batch_x[i], t);
  for (int i = 0; i < s.c.n_x; i++) s.x_dot[i] = input(&s, &r, &s.c.x[i], s.c.batch_x[i], t);
  if (s.c.n_index > 0) {
    s.index = input(&s, &r, &(extent){1, {s.c.n_index}}, s.c.batch_index, BP_I32);
    memcpy(s.values[s.n_inputs - 1], s.c.index, (size_t)s.c.n_index * sizeof *s.c.index);
  }
  s.y = row->build(&s.c, s.x, s.index);
  bt_assert_ok(ctx, bp_graph_status(s.g));
  return s;
}

static void release(setting *s) {
  bt_free_arrays(s->values, s->n_inputs);
  bp_graph_free(s->g);
}

/* Plainly; results[i]: NEW. */
static void evaluate(bp_context *ctx, const setting *s, const bp_var *outputs, size_t n, void **results) {
  bt_function f = {s->row->name, outputs, n, s->inputs, s->n_inputs, (const void *const *)s->values, s->c.batch};
  bt_evaluate(ctx, &f, s->c.batch, results, NULL);
}

/* In every way; results[i]: NEW. */
static void compute(bp_context *ctx, const setting *s, const bp_var *outputs, size_t n, void **results) {
  const int64_t batches[] = {s->c.batch, -1};
  bt_function f = {s->row->name, outputs, n, s->inputs, s->n_inputs, (const void *const *)s->values, s->c.batch};
  (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
  bt_evaluate(ctx, &f, s->c.batch, results, NULL);
}

/* ---- the reference ---- */
typedef struct point {
  long double x[2][ELEMENTS_MOST];
} point;

static void load(const setting *s, int first, point *p) {
  for (int i = 0; i < s->c.n_x; i++)
    for (int64_t e = 0; e < count_of(&s->c.x[i]); e++) p->x[i][e] = (long double)bt_get(s->values[first + i], s->t, e);
}

static void reference(const setting *s, const point *p, long double *y) {
  const long double *x[2] = {p->x[0], p->x[1]};
  s->row->value(&s->c, x, y);
}

/* Derivative of the reference along a direction by a central difference of fourth order, h = 1e-3: leaves about
 * h⁴/30 ≈ 3e-14 of the fifth derivative. */
static void reference_along(const setting *s, const point *p, const point *direction, long double *y_dot) {
  static const long double steps[4] = {-2, -1, 1, 2}, weights[4] = {1 / 12.0L, -8 / 12.0L, 8 / 12.0L, -1 / 12.0L};
  static point moved;
  static long double y[ELEMENTS_MOST];
  const long double h = 1e-3L;
  for (int64_t j = 0; j < count_of(&s->c.y); j++) y_dot[j] = 0;
  for (int k = 0; k < 4; k++) {
    for (int i = 0; i < s->c.n_x; i++)
      for (int64_t e = 0; e < count_of(&s->c.x[i]); e++) moved.x[i][e] = p->x[i][e] + steps[k] * h * direction->x[i][e];
    reference(s, &moved, y);
    for (int64_t j = 0; j < count_of(&s->c.y); j++) y_dot[j] += weights[k] * y[j] / h;
  }
}

static point here, along;
static long double expected[ELEMENTS_MOST];
static char wrong[256]; /* what was found wrong first, "" nothing */

static void compare(const setting *s, const char *what, const void *got, bp_dtype t, int64_t n, double tolerance) {
  for (int64_t e = 0; e < n && wrong[0] == '\0'; e++)
    if (!(fabsl((long double)bt_get(got, t, e) - expected[e]) <= (long double)tolerance * (1 + fabsl(expected[e]))))
      (void)snprintf(wrong, sizeof wrong, "%s, %s %s: element %d is %.17g, expected %.17Lg", s->row->name,
                     bp_dtype_name(t), what, (int)e, bt_get(got, t, e), expected[e]);
}

static void assert_nothing_wrong(void) {
  if (wrong[0] != '\0') fail_msg("%s", wrong);
}

/* A checker that finds nothing wrong here is wrong itself. */
static void assert_caught(const char *what) {
  if (strstr(wrong, what) == NULL) fail_msg("expected a fault in '%s', found '%s'", what, wrong);
  wrong[0] = '\0';
}

/* ---- values ---- */
/* Sums of at most 10 products of numbers below 2: a few roundings of 1e-16, or of 6e-8. */
static void values_are_those_of_plain_loops(void **state) {
  for (int k = 0; k < ARRAY_ROWS; k++)
    for (int i = 0; i < DRAWS; i++) {
      setting s = draw(bt_ctx(state), &array_rows[k], i % 2 == 0 ? BP_F64 : BP_F32, (uint64_t)i);
      void *result;
      compute(bt_ctx(state), &s, &s.y, 1, &result);
      load(&s, 0, &here);
      reference(&s, &here, expected);
      assert_int_equal(bt_elements(s.y, s.c.batch), count_of(&s.c.y));
      compare(&s, "value", result, bp_var_dtype(s.y), count_of(&s.c.y), s.t == BP_F64 ? 1e-14 : 2e-6);
      free(result);
      release(&s);
      assert_nothing_wrong();
    }
}

/* ---- first derivatives ---- */

/* Elements nearer to each other than the differences reach make an extreme jump. */
static bool jumps(const setting *s) {
  if (strncmp(s->row->name, "reduce_", 7) != 0) return false;
  int64_t n = count_of(&s->c.x[0]);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++)
      if (fabsl(here.x[0][i] - here.x[0][j]) < 0.01L) return true;
  return false;
}

/* Of float64: what the differences leave. Of float32: a few roundings of sums of at most 10 terms. */
static double tolerance_of(bp_dtype t) { return t == BP_F64 ? 1e-10 : 1e-5; }

/* x_bar[i][e] = Σ_j y_bar[j] ∂y[j]/∂x[i][e], one element of x after the other. */
static int64_t check_reverse(const setting *s, void *const *x_bar) {
  static long double y_dot[ELEMENTS_MOST];
  const void *y_bar = s->values[s->n_inputs - 1];
  int64_t points = 0;
  for (int i = 0; i < s->c.n_x; i++) {
    int64_t n = count_of(&s->c.x[i]);
    long double gradient[ELEMENTS_MOST];
    for (int64_t e = 0; e < n; e++) {
      memset(&along, 0, sizeof along);
      along.x[i][e] = 1;
      reference_along(s, &here, &along, y_dot);
      gradient[e] = 0;
      for (int64_t j = 0; j < count_of(&s->c.y); j++) gradient[e] += y_dot[j] * (long double)bt_get(y_bar, s->t, j);
    }
    memcpy(expected, gradient, (size_t)n * sizeof *gradient);
    compare(s, "reverse", x_bar[i], s->t, n, tolerance_of(s->t));
    points += n;
  }
  return points;
}

static void check_identity(const setting *s, void *const *x_bar, const void *y_dot) {
  double forward = 0, reverse = 0, size = 0;
  for (int64_t j = 0; j < count_of(&s->c.y); j++)
    forward += bt_get(s->values[s->n_inputs - 1], s->t, j) * bt_get(y_dot, s->t, j);
  for (int i = 0; i < s->c.n_x; i++)
    for (int64_t e = 0; e < count_of(&s->c.x[i]); e++) {
      double term = bt_get(x_bar[i], s->t, e) * bt_get(s->values[s->c.n_x + i], s->t, e);
      reverse += term;
      size += fabs(term);
    }
  if (!(fabs(forward - reverse) <= (s->t == BP_F64 ? 1e-13 : 1e-5) * (1 + size)) && wrong[0] == '\0')
    (void)snprintf(wrong, sizeof wrong, "%s: <y_bar, J x_dot> = %.17g, <Jt y_bar, x_dot> = %.17g", s->row->name,
                   forward, reverse);
}

static int64_t first_derivatives(bp_context *ctx, const array_row *row, bp_dtype t, uint64_t seed) {
  setting s = draw(ctx, row, t, seed);
  bt_random r = {.seed = seed + 77};
  bp_var out[3];
  void *results[3];
  int64_t points = 0;
  size_t n_x = (size_t)s.c.n_x;
  s.y_bar = input(&s, &r, &s.c.y, bp_var_rank(s.y) > 0 && bp_var_dim(s.y, 0) == BP_BATCH, t);
  bt_assert_ok(ctx, bp_vjp(&s.y, &s.y_bar, 1, s.x, n_x, out));
  bt_assert_ok(ctx, bp_jvp(&s.y, 1, s.x, s.x_dot, n_x, &out[n_x]));
  for (size_t i = 0; i <= n_x; i++) assert_false(bp_var_is_zero(out[i]));
  compute(ctx, &s, out, n_x + 1, results);
  load(&s, (int)n_x, &along);
  load(&s, 0, &here);
  if (!jumps(&s)) {
    reference_along(&s, &here, &along, expected);
    compare(&s, "forward", results[n_x], t, count_of(&s.c.y), tolerance_of(t));
    points = count_of(&s.c.y) + check_reverse(&s, results);
  }
  check_identity(&s, results, results[n_x]);
  bt_free_arrays(results, n_x + 1);
  release(&s);
  return points;
}

static void check_first(bp_context *ctx, bp_dtype t) {
  for (int k = 0; k < ARRAY_ROWS; k++) {
    int64_t points = 0;
    for (int i = 0; i < DRAWS && !array_rows[k].flat; i++) {
      points += first_derivatives(ctx, &array_rows[k], t, (uint64_t)i);
      assert_nothing_wrong();
    }
    if (!array_rows[k].flat && points < 1000) fail_msg("%s: only %d points", array_rows[k].name, (int)points);
  }
}

static void first_derivatives_are_those_of_plain_loops(void **state) { check_first(bt_ctx(state), BP_F64); }
static void first_derivatives_are_the_same_in_float32(void **state) { check_first(bt_ctx(state), BP_F32); }

static void flat_operations_have_the_symbolic_zero(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int k = 0; k < ARRAY_ROWS; k++) {
    if (!array_rows[k].flat) continue;
    setting s = draw(ctx, &array_rows[k], BP_F64, 5);
    bp_var seed = {s.g, 0}, out; /* a cotangent for integers there is not */
    if (bp_var_dtype(s.y) == BP_F64) seed = s.y;
    bt_assert_ok(ctx, bp_vjp(&s.y, &seed, 1, s.x, 1, &out));
    assert_true(bp_var_is_zero(out));
    bt_assert_ok(ctx, bp_jvp(&s.y, 1, s.x, s.x_dot, 1, &out));
    assert_true(bp_var_is_zero(out));
    release(&s);
  }
}

/* ---- second derivatives: forward over reverse against differences of reverse ---- */

/* x moved by k steps along x_dot; with k = 0 put back. */
static void move(const setting *s, const point *p, double k) {
  for (int i = 0; i < s->c.n_x; i++)
    for (int64_t e = 0; e < count_of(&s->c.x[i]); e++)
      bt_set(s->values[i], s->t, e, (double)p->x[i][e] + k * bt_get(s->values[s->c.n_x + i], s->t, e));
}

/* Differences of float64 gradients of size 1, h = 1e-4, fourth order: 1e-16 / 1e-4 = 1e-12 and some. */
static int64_t second_derivatives(bp_context *ctx, const array_row *row, uint64_t seed) {
  static const double steps[4] = {-2, -1, 1, 2}, weights[4] = {1 / 12.0, -8 / 12.0, 8 / 12.0, -1 / 12.0};
  setting s = draw(ctx, row, BP_F64, seed);
  bt_random r = {.seed = seed + 78};
  bp_var x_bar[2], hv[2], again[2];
  size_t n_x = (size_t)s.c.n_x;
  int64_t points = 0;
  s.y_bar = input(&s, &r, &s.c.y, bp_var_rank(s.y) > 0 && bp_var_dim(s.y, 0) == BP_BATCH, BP_F64);
  bt_assert_ok(ctx, bp_vjp(&s.y, &s.y_bar, 1, s.x, n_x, x_bar));
  bt_assert_ok(ctx, bp_jvp(x_bar, n_x, s.x, s.x_dot, n_x, hv));
  bt_assert_ok(ctx, bp_vjp(x_bar, s.x_dot, n_x, s.x, n_x, again)); /* the Hessian is symmetric */
  load(&s, 0, &here);
  for (size_t i = 0; i < n_x; i++) {
    int64_t n = count_of(&s.c.x[i]);
    void *result;
    long double difference[ELEMENTS_MOST] = {0};
    for (int k = 0; k < 4; k++) {
      move(&s, &here, steps[k] * 1e-4);
      evaluate(ctx, &s, &x_bar[i], 1, &result);
      for (int64_t e = 0; e < n; e++) difference[e] += (long double)(weights[k] * bt_get(result, BP_F64, e) / 1e-4);
      free(result);
    }
    move(&s, &here, 0);
    memcpy(expected, difference, (size_t)n * sizeof *difference);
    if (!jumps(&s)) points += n;
    bp_var both[2] = {hv[i], again[i]};
    for (int k = 0; k < 2 && !jumps(&s); k++) {
      if (bp_var_is_zero(both[k])) both[k] = bp_mul(s.x[i], bp_scalar(s.g, BP_F64, 0));
      evaluate(ctx, &s, &both[k], 1, &result);
      compare(&s, k == 0 ? "forward over reverse" : "reverse over reverse", result, BP_F64, n, 1e-9);
      free(result);
    }
    if (row->linear && n_x == 1 && strncmp(row->name, "reduce_", 7) != 0)
      assert_true(bp_var_is_zero(hv[i]) && bp_var_is_zero(again[i]));
  }
  release(&s);
  return points;
}

static void second_derivatives_are_differences_of_first_ones(void **state) {
  for (int k = 0; k < ARRAY_ROWS; k++) {
    int64_t points = 0;
    for (int i = 0; i < DRAWS && !array_rows[k].flat; i++) {
      points += second_derivatives(bt_ctx(state), &array_rows[k], 1000 + (uint64_t)i);
      assert_nothing_wrong();
    }
    if (!array_rows[k].flat && points < 1000) fail_msg("%s: only %d points", array_rows[k].name, (int)points);
  }
}

/* ---- faults that must be caught ---- */

/* The value of a sum, with a derivative that is off by a sign, or by a millionth. */
static bp_var off_build(const array_case *c, const bp_var *x, double k) {
  bp_var y = bp_sum(x[0], c->axes);
  return bp_add(bp_mul(y, bp_scalar(y.graph, BP_F64, k)),
                bp_mul(bp_stop_gradient(y), bp_scalar(y.graph, BP_F64, 1 - k)));
}
static bp_var wrong_sign_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)index;
  return off_build(c, x, -1);
}
static bp_var millionth_build(const array_case *c, const bp_var *x, bp_var index) {
  (void)index;
  return off_build(c, x, 1 + 1e-6);
}
/* Value and gradient of logsumexp, without a second derivative: f(x₀) + f'(x₀)(x - x₀). */
static bp_var no_curvature_build(const array_case *c, const bp_var *x, bp_var index) {
  bp_var at = bp_stop_gradient(x[0]);
  (void)c, (void)index;
  return bp_add(bp_logsumexp(at), bp_sum(bp_mul(bp_softmax(at), bp_sub(x[0], at)), BP_LAST_AXIS));
}

static void wrong_rules_are_caught(void **state) {
  static const array_row sign = {"off", reduce_draw, wrong_sign_build, sum_value, false, true};
  static const array_row millionth = {"off", reduce_draw, millionth_build, sum_value, false, true};
  static const array_row flat = {"off", logsumexp_draw, no_curvature_build, logsumexp_value, false, false};
  (void)first_derivatives(bt_ctx(state), &sign, BP_F64, 1);
  assert_caught("forward");
  (void)first_derivatives(bt_ctx(state), &millionth, BP_F64, 1);
  assert_caught("forward");
  (void)first_derivatives(bt_ctx(state), &flat, BP_F64, 1);
  assert_nothing_wrong();
  (void)second_derivatives(bt_ctx(state), &flat, 1);
  assert_caught("forward over reverse");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(values_are_those_of_plain_loops),
      BT_TEST(first_derivatives_are_those_of_plain_loops),
      BT_TEST(first_derivatives_are_the_same_in_float32),
      BT_TEST(flat_operations_have_the_symbolic_zero),
      BT_TEST(second_derivatives_are_differences_of_first_ones),
      BT_TEST(wrong_rules_are_caught),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
