/* labels: grad */
/* Derivatives of the elementwise operations at 1,500 random points each: forward and reverse against differences of the C
 * library in long double, against each other, in float32 against float64; second order against differences of first
 * order. A planted wrong rule must be caught.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "ops_table.h"
#include "support/graph_check.h"
#include "support/testing.h"

enum { POINTS = 1500 };

/* Everything about one operation at all points: arrays [POINTS]. */
typedef struct derivatives {
  const op_row *row;
  double x[3][POINTS], x_dot[3][POINTS], y_bar[POINTS];
  double y_dot[POINTS], x_bar[3][POINTS]; /* first order */
  double forward[3][POINTS],
      reverse[3][POINTS]; /* second order along x_dot: forward over reverse, reverse over reverse */
} derivatives;

static derivatives d;   /* large */
static char wrong[256]; /* what was found wrong first, "" nothing */

static void draw_points(const op_row *row) {
  bt_random r = {.seed = 21};
  memset(&d, 0, sizeof d);
  d.row = row;
  for (int e = 0; e < POINTS; e++) {
    double at[3] = {0};
    do
      for (int i = 0; i < row->arity; i++) at[i] = bt_uniform(&r, row->low, row->high);
    while (row->avoid != NULL && row->avoid(at));
    for (int i = 0; i < row->arity; i++) {
      d.x[i][e] = (double)(float)at[i]; /* the same point in both types */
      d.x_dot[i][e] = (double)(float)bt_uniform(&r, -1, 1);
    }
    d.y_bar[e] = (double)(float)bt_uniform(&r, -1, 1);
  }
}

/* ---- what the library says ---- */

typedef struct vars {
  bp_graph *g;
  bp_var inputs[7]; /* x, x_dot, y_bar */
  void *values[7];
  bp_var outputs[10];
  void *results[10];
} vars;

static void *array_of(const double *from, bp_dtype t) {
  void *to = malloc(POINTS * sizeof(double));
  for (int e = 0; e < POINTS; e++) bt_set(to, t, e, from[e]);
  return to;
}

static void new_inputs(bp_context *ctx, vars *v, bp_dtype t) {
  int64_t n = POINTS;
  bt_assert_ok(ctx, bp_graph_new(ctx, &v->g));
  for (int i = 0; i < 7; i++) {
    v->inputs[i] = bp_input(v->g, "in", t, 1, &n);
    v->values[i] = array_of(i < 3 ? d.x[i] : i < 6 ? d.x_dot[i - 3] : d.y_bar, t);
  }
}

static void collect(bp_context *ctx, vars *v, size_t n, bp_dtype t, double (*to[])[POINTS]) {
  bt_function f = {d.row->name, v->outputs, n, v->inputs, 7, (const void *const *)v->values, 1};
  for (size_t i = 0; i < n; i++)
    if (bp_var_is_zero(v->outputs[i])) v->outputs[i] = bp_mul(v->inputs[6], bp_scalar(v->g, t, 0));
  bt_evaluate(ctx, &f, 1, v->results, NULL);
  for (size_t i = 0; i < n; i++)
    for (int e = 0; e < POINTS; e++) (*to[i])[e] = bt_get(v->results[i], t, e);
  bt_free_arrays(v->results, n);
}

static void release(vars *v) {
  bt_free_arrays(v->values, 7);
  bp_graph_free(v->g);
}

static void compute_first(bp_context *ctx, bp_dtype t) {
  vars v;
  size_t n = (size_t)d.row->arity;
  double(*to[4])[POINTS] = {&d.y_dot, &d.x_bar[0], &d.x_bar[1], &d.x_bar[2]};
  new_inputs(ctx, &v, t);
  bp_var y = d.row->build(v.inputs);
  bt_assert_ok(ctx, bp_jvp(&y, 1, v.inputs, &v.inputs[3], n, &v.outputs[0]));
  bt_assert_ok(ctx, bp_vjp(&y, &v.inputs[6], 1, v.inputs, n, &v.outputs[1]));
  collect(ctx, &v, 1 + n, t, to);
  release(&v);
}

static void compute_second(bp_context *ctx) {
  vars v;
  size_t n = (size_t)d.row->arity;
  bp_var x_bar[3];
  double(*to[6])[POINTS];
  new_inputs(ctx, &v, BP_F64);
  bp_var y = d.row->build(v.inputs);
  bt_assert_ok(ctx, bp_vjp(&y, &v.inputs[6], 1, v.inputs, n, x_bar));
  for (size_t i = 0; i < n; i++) {
    if (bp_var_is_zero(x_bar[i])) x_bar[i] = bp_mul(v.inputs[i], bp_scalar(v.g, BP_F64, 0));
    to[i] = &d.forward[i];
    to[n + i] = &d.reverse[i];
  }
  bt_assert_ok(ctx, bp_jvp(x_bar, n, v.inputs, &v.inputs[3], n, v.outputs));
  bt_assert_ok(ctx, bp_vjp(x_bar, &v.inputs[3], n, v.inputs, n, &v.outputs[n])); /* the Hessian is symmetric */
  collect(ctx, &v, 2 * n, BP_F64, to);
  release(&v);
}

/* ---- what differences say ---- */
static const double steps[4] = {-2, -1, 1, 2};
static const long double weights[4] = {1 / 12.0L, -8 / 12.0L, 8 / 12.0L, -1 / 12.0L};

/* ∂f/∂x[i] at point e by a central difference of fourth order. With h = 5e-5 what is left is h⁴/30 = 2e-19 of the fifth
 * derivative (at most 1e9 in these ranges) and 1e-19 / h of the value. */
static long double partial(int i, int e) {
  const long double h = 5e-5L;
  long double at[3], sum = 0;
  for (int k = 0; k < 4; k++) {
    for (int j = 0; j < 3; j++) at[j] = (long double)d.x[j][e];
    at[i] += (long double)steps[k] * h;
    sum += weights[k] * d.row->value(at) / h;
  }
  return sum;
}

static void compare(const char *what, int e, double got, long double want, double tolerance) {
  if (fabsl((long double)got - want) <= (long double)tolerance * (1 + fabsl(want)) || wrong[0] != '\0') return;
  (void)snprintf(wrong, sizeof wrong, "%s, %s: at (%.17g, %.17g, %.17g) is %.17g, expected %.17Lg", d.row->name, what,
                 d.x[0][e], d.x[1][e], d.x[2][e], got, want);
}

static void check_first(bp_context *ctx) {
  compute_first(ctx, BP_F64);
  for (int e = 0; e < POINTS; e++) {
    long double forward = 0;
    double reverse = 0;
    for (int i = 0; i < d.row->arity; i++) {
      long double p = partial(i, e);
      forward += p * (long double)d.x_dot[i][e];
      reverse += d.x_bar[i][e] * d.x_dot[i][e];
      compare("reverse", e, d.x_bar[i][e], p * (long double)d.y_bar[e], 1e-9);
    }
    compare("forward", e, d.y_dot[e], forward, 1e-9);
    compare("forward = reverse", e, reverse, (long double)(d.y_bar[e] * d.y_dot[e]), 1e-14);
  }
}

/* Constants and conversions of the rules in float32: a few roundings of 6e-8, more where a difference cancels. */
static void check_f32(bp_context *ctx) {
  static derivatives exact;
  compute_first(ctx, BP_F64);
  exact = d;
  compute_first(ctx, BP_F32);
  for (int e = 0; e < POINTS; e++) {
    compare("float32 forward", e, d.y_dot[e], (long double)exact.y_dot[e], 5e-6);
    for (int i = 0; i < d.row->arity; i++)
      compare("float32 reverse", e, d.x_bar[i][e], (long double)exact.x_bar[i][e], 5e-6);
  }
}

/* Differences of float64 gradients along x_dot, h = 1e-4: 1e-16 / h of their size (up to 400), and h⁴/30 of their fifth
 * derivative. */
static void check_second(bp_context *ctx) {
  static derivatives at;
  static long double want[3][POINTS];
  const double h = 1e-4;
  compute_second(ctx);
  at = d;
  memset(want, 0, sizeof want);
  for (int k = 0; k < 4; k++) {
    for (int i = 0; i < 3; i++)
      for (int e = 0; e < POINTS; e++) d.x[i][e] = at.x[i][e] + steps[k] * h * at.x_dot[i][e];
    compute_first(ctx, BP_F64);
    for (int i = 0; i < 3; i++)
      for (int e = 0; e < POINTS; e++) want[i][e] += weights[k] * (long double)d.x_bar[i][e] / (long double)h;
  }
  d = at;
  for (int i = 0; i < d.row->arity; i++)
    for (int e = 0; e < POINTS; e++) {
      compare("forward over reverse", e, d.forward[i][e], want[i][e], 1e-8);
      compare("reverse over reverse", e, d.reverse[i][e], (long double)d.forward[i][e], 1e-12);
    }
}

/* ---- the cases ---- */

static void for_each_row(bp_context *ctx, void (*check)(bp_context *)) {
  for (int i = 0; i < OP_ROWS; i++) {
    if (op_rows[i].flat) continue;
    draw_points(&op_rows[i]);
    check(ctx);
    if (wrong[0] != '\0') fail_msg("%s", wrong);
  }
}

static void first_derivatives_are_differences_of_the_c_library(void **state) {
  for_each_row(bt_ctx(state), check_first);
}
static void first_derivatives_are_the_same_in_float32(void **state) { for_each_row(bt_ctx(state), check_f32); }
static void second_derivatives_are_differences_of_first_ones(void **state) {
  for_each_row(bt_ctx(state), check_second);
}

static void flat_operations_have_the_symbolic_zero(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int k = 0; k < OP_ROWS; k++) {
    if (!op_rows[k].flat) continue;
    vars v;
    bp_var out[3];
    draw_points(&op_rows[k]);
    new_inputs(ctx, &v, BP_F64);
    bp_var y = op_rows[k].build(v.inputs);
    bt_assert_ok(ctx, bp_vjp(&y, &v.inputs[6], 1, v.inputs, 3, out));
    for (int i = 0; i < 3; i++) assert_true(bp_var_is_zero(out[i]));
    bt_assert_ok(ctx, bp_jvp(&y, 1, v.inputs, &v.inputs[3], 3, out));
    assert_true(bp_var_is_zero(out[0]));
    release(&v);
  }
}

/* ---- faults that must be caught ---- */

/* Value of sin, k times its derivative. */
static bp_var scaled_sin(const bp_var *x, double k) {
  bp_var y = bp_sin(x[0]);
  return bp_add(bp_mul(y, bp_scalar(y.graph, bp_var_dtype(y), k)),
                bp_mul(bp_stop_gradient(y), bp_scalar(y.graph, bp_var_dtype(y), 1 - k)));
}
static bp_var wrong_sign_build(const bp_var *x) { return scaled_sin(x, -1); }
static bp_var hundred_millionth_build(const bp_var *x) { return scaled_sin(x, 1 + 1e-7); }
/* Value and gradient of sin, no second derivative. */
static bp_var no_curvature_build(const bp_var *x) {
  bp_var at = bp_stop_gradient(x[0]);
  return bp_add(bp_sin(at), bp_mul(bp_cos(at), bp_sub(x[0], at)));
}
static bp_var one_sided_build(const bp_var *x) { return bp_mul(x[0], bp_stop_gradient(x[1])); }
/* In float32 the derivative of log2 by a constant of four digits. */
static bp_var coarse_constant_build(const bp_var *x) {
  bp_var y = bp_log2(x[0]),
         slope =
             bp_div(bp_scalar(y.graph, bp_var_dtype(y), bp_var_dtype(y) == BP_F32 ? 1.4428 : 1.4426950408889634), x[0]);
  return bp_add(bp_stop_gradient(y), bp_mul(bp_stop_gradient(slope), bp_sub(x[0], bp_stop_gradient(x[0]))));
}

static void caught(bp_context *ctx, const op_row *row, void (*check)(bp_context *), const char *what) {
  draw_points(row);
  check(ctx);
  if (strstr(wrong, what) == NULL) fail_msg("%s: expected a fault in '%s', found '%s'", row->name, what, wrong);
  wrong[0] = '\0';
}

static void wrong_rules_are_caught(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const op_row rows[] = {
      {.name = "wrong sign", .arity = 1, .build = wrong_sign_build, .value = sin_value, .low = -4, .high = 4},
      {.name = "off by 1e-7", .arity = 1, .build = hundred_millionth_build, .value = sin_value, .low = -4, .high = 4},
      {.name = "one side only", .arity = 2, .build = one_sided_build, .value = mul_value, .low = -4, .high = 4},
      {.name = "no curvature", .arity = 1, .build = no_curvature_build, .value = sin_value, .low = -4, .high = 4},
      {.name = "coarse constant",
       .arity = 1,
       .build = coarse_constant_build,
       .value = log2_value,
       .low = 0.05,
       .high = 9},
  };
  for (int i = 0; i < 3; i++) caught(ctx, &rows[i], check_first, "reverse");
  draw_points(&rows[3]);
  check_first(ctx);
  assert_string_equal(wrong, "");
  caught(ctx, &rows[3], check_second, "forward over reverse");
  caught(ctx, &rows[4], check_f32, "float32");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(first_derivatives_are_differences_of_the_c_library),
      BT_TEST(first_derivatives_are_the_same_in_float32),
      BT_TEST(second_derivatives_are_differences_of_first_ones),
      BT_TEST(flat_operations_have_the_symbolic_zero),
      BT_TEST(wrong_rules_are_caught),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
