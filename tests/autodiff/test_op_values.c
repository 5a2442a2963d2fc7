/* What each elementwise operation computes, against the C library in long double; at special points; evaluated and
 * compiled, in both element types. And every operation there is stands in a table.
 */
#include <stdlib.h>
#include <string.h>

#include "array_ops.h"
#include "backprop/autodiff.h"
#include "graph/node.h"
#include "ops_table.h"
#include "support/graph_check.h"
#include "support/testing.h"

enum { POINTS = 2000 };
static const int threads[] = {1, 2, 0};
static const int64_t one_batch[] = {1, -1};

/* How far apart the numbers of a type are at this size. */
static double spacing(long double at, bp_dtype t) {
  if (t == BP_F64) return nextafter(fabs((double)at), INF) - fabs((double)at);
  float f = fabsf((float)at);
  return (double)(nextafterf(f, INFINITY) - f);
}

static void values_of(bp_context *ctx, const op_row *row, bp_dtype t) {
  bp_graph *g;
  bp_var x[3];
  void *values[3], *result;
  int64_t n = POINTS;
  bt_random r = {.seed = 11};
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  for (int i = 0; i < row->arity; i++) {
    x[i] = bp_input(g, "x", t, 1, &n);
    values[i] = bt_array_uniform(x[i], 1, &r, row->low, row->high);
  }
  bp_var y = row->build(x);
  bt_function f = {row->name, &y, 1, x, (size_t)row->arity, (const void *const *)values, 1};
  (void)bt_assert_every_way(ctx, &f, threads, one_batch, NULL);
  bt_evaluate(ctx, &f, 1, &result, NULL);
  for (int64_t e = 0; e < n; e++) {
    long double at[3] = {0};
    for (int i = 0; i < row->arity; i++) at[i] = (long double)bt_get(values[i], t, e);
    long double exact = row->value(at), error = fabsl((long double)bt_get(result, t, e) - exact);
    double ulps = t == BP_F64         ? row->ulps
                  : row->ulps_f32 > 0 ? row->ulps_f32
                  : row->ulps > 0.5   ? fmax(row->ulps, 2)
                                      : row->ulps;
    if (error <= (long double)((ulps + 1e-3) * spacing(exact, t))) continue;
    fail_msg("%s, %s: at (%.17g, %.17g, %.17g) is %.17g, expected %.17Lg: %.2Lf ulps off", row->name, bp_dtype_name(t),
             (double)at[0], (double)at[1], (double)at[2], bt_get(result, t, e), exact,
             error / (long double)spacing(exact, t));
  }
  free(result);
  bt_free_arrays(values, (size_t)row->arity);
  bp_graph_free(g);
}

static void operations_compute_what_the_c_library_does(void **state) {
  for (int i = 0; i < OP_ROWS; i++) {
    values_of(bt_ctx(state), &op_rows[i], BP_F32);
    values_of(bt_ctx(state), &op_rows[i], BP_F64);
  }
}

/* The bounds hold for both arithmetics: with fused multiply-add and without. */
static void narrower_kernels_keep_the_bounds(void **state) {
  (void)state;
  bt_run_again_with_narrower_kernels();
}

/* ---- special points ---- */

/* Rounded to the type, then a few steps of it. */
static bool as_promised(double got, double want, bp_dtype t) {
  if (want == ANY) return true;
  if (isnan(want)) return isnan(got);
  double rounded = t == BP_F64 ? want : (double)(float)want;
  if (!isfinite(rounded)) return got == rounded;
  return fabs(got - rounded) <=
         (t == BP_F64 ? 1e-14 : 1e-6) * fabs(rounded) + (t == BP_F64 ? 1e-15 : 1e-7) * (want != 0);
}

static void special_point(bp_context *ctx, const special_row *row, bp_dtype t) {
  bp_graph *g;
  bp_var x[3], out[4], one;
  double place[3];
  float place_f32[3];
  void *results[4];
  const void *values[3];
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  for (int i = 0; i < 3; i++) {
    x[i] = bp_input(g, "x", t, 0, NULL);
    place[i] = row->x[i];
    place_f32[i] = (float)row->x[i];
    values[i] = t == BP_F64 ? (const void *)&place[i] : (const void *)&place_f32[i];
  }
  out[0] = row->build(x);
  one = bp_scalar(g, t, 1);
  bt_assert_ok(ctx, bp_vjp(&out[0], &one, 1, x, 3, &out[1]));
  for (int i = 1; i < 4; i++)
    if (bp_var_is_zero(out[i])) out[i] = bp_scalar(g, t, 0);
  bt_function f = {bp_var_op(out[0]), out, 4, x, 3, values, 1};
  (void)bt_assert_every_way(ctx, &f, threads, one_batch, NULL);
  bt_evaluate(ctx, &f, 1, results, NULL);
  for (int i = 0; i < 4; i++) {
    double got = bt_get(results[i], t, 0), want = i == 0 ? row->value : row->partial[i - 1];
    if (!as_promised(got, want, t))
      fail_msg("%s, %s: at (%g, %g, %g) %s %d is %.17g, expected %.17g", bp_var_op(out[0]), bp_dtype_name(t), row->x[0],
               row->x[1], row->x[2], i == 0 ? "value" : "partial", i, got, want);
  }
  bt_free_arrays(results, 4);
  bp_graph_free(g);
}

static void special_points_are_as_documented(void **state) {
  for (int i = 0; i < SPECIAL_ROWS; i++) {
    special_point(bt_ctx(state), &special_rows[i], BP_F64);
    if (!(fabs(special_rows[i].x[0]) < 1e-29 && special_rows[i].x[0] != 0))
      special_point(bt_ctx(state), &special_rows[i], BP_F32);
  }
}

/* ---- nothing is forgotten ---- */

static bool in_a_table(const char *name) {
  static const char *const elsewhere[] = {
      "zero",         "input",      "constant",
      "scalar",                 /* leaves */
      "assign",                 /* tests/program */
      "call",         "result", /* test_control.c */
      "log10",        "asinh",      "acosh",
      "atanh",        "digamma",    "polygamma", /* test_ops_elementwise.c */
      "slice",        "place",      "triangle",
      "cumsum",       "concat",     "assemble", /* test_ops_shape.c */
      "norm",                                   /* test_ops_reduce.c */
      "matmul_stack", "cholesky",   "solve_triangular",
      "solve",        "logdet",     /* test_ops_matrix.c */
      "custom",       "custom_vjp", /* test_ops_custom.c */
  };
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (strcmp(name, elsewhere[i]) == 0) return true;
  for (int i = 0; i < OP_ROWS; i++)
    if (strcmp(name, op_rows[i].name) == 0) return true;
  for (int i = 0; i < ARRAY_ROWS; i++)
    if (strcmp(name, array_rows[i].name) == 0) return true;
  return false;
}

static void every_operation_has_a_row(void **state) {
  (void)state;
  for (int op = 0; op < BP_OP_COUNT; op++)
    if (!in_a_table(bp_op_table[op].name))
      fail_msg("%s has no row in ops_table.h or array_ops.h", bp_op_table[op].name);
  assert_false(in_a_table("matmull"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(operations_compute_what_the_c_library_does),
      BT_TEST(special_points_are_as_documented),
      BT_TEST(every_operation_has_a_row),
      BT_TEST(narrower_kernels_keep_the_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
