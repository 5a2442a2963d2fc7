/* How minimisations end: what a constant added to the objective changes (nothing but rounding), what the units of values and unknowns
 * change (nothing), objectives without a minimum, and no tolerance at all. */
/* labels: unit grad */
#include <math.h>
#include <string.h>

#include "backprop/minimize.h"
#include "backprop/ops.h"
#include "support/testing.h"
#include "train/worth_threads.h"

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }
static bp_var element(bp_var x, int64_t i) { return bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL); }
static bp_var as_vector(bp_var x) { return bp_reshape(x, 1, (int64_t[]){1}); }

/* Rosenbrock's valley in units of its own: x = unit u, with residuals that are multiplied by `factor`, and one that is constant. */
static bp_var valley_residuals(bp_var x, double unit, double factor, double constant) {
  bp_var a = bp_div(element(x, 0), number(x, unit)), b = bp_div(element(x, 1), number(x, unit));
  bp_var r[] = {as_vector(bp_mul(bp_sub(b, bp_square(a)), number(x, 10 * factor))),
                as_vector(bp_mul(bp_sub(number(x, 1), a), number(x, factor))), as_vector(number(x, constant))};
  return bp_concat(r, 3, 0);
}

static bp_var squares(bp_var r) { return bp_sum(bp_square(r), BP_ALL_AXES); }

typedef struct ending {
  double x[2];
  bp_minimize_result r;
} ending;

static ending go_down(bp_context *ctx, bool least_squares, double unit, double factor, double constant, double added) {
  bp_graph *graph = NULL;
  ending e = {.x = {-1.2 * unit, unit}};
  void *const values[] = {e.x};
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  bp_var x = bp_input(graph, "x", BP_F64, 1, (int64_t[]){2}), r = valley_residuals(x, unit, factor, constant);
  if (least_squares)
    bt_assert_ok(ctx, bp_least_squares(ctx, r, &x, 1, values, NULL, &e.r));
  else
    bt_assert_ok(ctx, bp_minimize(ctx, bp_add(squares(r), number(x, added)), &x, 1, values, NULL, &e.r));
  bp_graph_free(graph);
  return e;
}

/* L-BFGS has only gradients to go by where a constant drowns the value; they are exact. */
static void a_constant_changes_nothing_but_rounding(void **state) {
  static const double constants[] = {1, 1e4, 1e8, -1e8, 1e12, 1e15};
  ending without = go_down(bt_ctx(state), false, 1, 1, 0, 0);
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
    ending e = go_down(bt_ctx(state), false, 1, 1, 0, constants[i]);
    for (int j = 0; j < 2; j++) bt_assert_close(e.x[j], 1, 0, 1e-6);
    assert_int_equal(e.r.stopped_by, BP_MINIMUM_GRADIENT);
    assert_true(e.r.gradient < 1e-8 * 1000 && e.r.evaluations <= without.r.evaluations + 20);
  }
}

static void a_constant_residual_changes_no_bit_of_the_fit(void **state) {
  static const double constants[] = {1, 14142.1, 1e9, -1e15};
  ending without = go_down(bt_ctx(state), true, 1, 1, 0, 0);
  for (int j = 0; j < 2; j++) bt_assert_close(without.x[j], 1, 0, 1e-8);
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
    ending e = go_down(bt_ctx(state), true, 1, 1, constants[i], 0);
    bt_assert_same_bits(e.x, without.x, sizeof e.x);
    assert_int_equal(e.r.evaluations, without.r.evaluations);
    assert_int_equal(e.r.stopped_by, BP_MINIMUM_GRADIENT);
  }
}

/* Powers of two round nothing, so that the fit takes the very same steps; L-BFGS begins with a step of a length, so it ends at the same
 * place only. */
static void units_change_nothing(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const double powers[] = {0x1p-300, 0x1p-60, 0x1p-20, 0x1p20, 0x1p60, 0x1p150};
  ending plain = go_down(ctx, true, 1, 1, 0, 0);
  for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
    for (int which = 0; which < 2; which++) {
      double unit = which ? powers[i] : 1, factor = which ? 1 : powers[i];
      ending fit = go_down(ctx, true, unit, factor, 0, 0);
      for (int j = 0; j < 2; j++) assert_true(fit.x[j] / unit == plain.x[j]);
      assert_int_equal(fit.r.evaluations, plain.r.evaluations);
      if (powers[i] < 0x1p-60 || powers[i] > 0x1p60) continue;
      ending e = go_down(ctx, false, unit, factor, 0, 0);
      for (int j = 0; j < 2; j++) bt_assert_close(e.x[j] / unit, 1, 0, 1e-6);
      assert_int_equal(e.r.stopped_by, BP_MINIMUM_GRADIENT);
    }
}

/* k (x - [3, 4]) from 0, where x says nothing of its size: as many steps whatever k is. */
static void a_start_at_zero_knows_no_units(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const double factors[] = {1, 1e8, 1e16, 1e30, 1e100, 1e-30};
  int64_t first = 0;
  for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
    bp_graph *graph = NULL;
    double x[2] = {0, 0};
    void *const values[] = {x};
    bp_minimize_result r = {0};
    bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
    bp_var v = bp_input(graph, "x", BP_F64, 1, (const int64_t[]){2}),
           to = bp_constant(graph, BP_F64, 1, (const int64_t[]){2}, (const double[]){3, 4});
    bt_assert_ok(ctx, bp_least_squares(ctx, bp_mul(bp_sub(v, to), number(v, factors[i])), &v, 1, values, NULL, &r));
    bt_assert_close(x[0], 3, 1e-9, 0);
    bt_assert_close(x[1], 4, 1e-9, 0);
    if (i == 0) first = r.evaluations;
    assert_int_equal(r.evaluations, first);
    bp_graph_free(graph);
  }
}

/* (x - 3)² + 1e9 from 0: the gradient there is 6, which is no minimum. */
static void a_parabola_on_a_tower_ends_at_its_foot(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int dtype = 0; dtype < 2; dtype++) {
    bp_graph *graph = NULL;
    double x = 0;
    float y = 0;
    void *const values[] = {dtype ? (void *)&x : (void *)&y};
    bp_minimize_result r = {0};
    bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
    bp_var v = bp_input(graph, "x", dtype ? BP_F64 : BP_F32, 0, NULL);
    bp_var f = bp_add(bp_square(bp_sub(v, number(v, 3))), number(v, 1e9));
    bt_assert_ok(ctx, bp_minimize(ctx, f, &v, 1, values, NULL, &r));
    bt_assert_close(dtype ? x : (double)y, 3, 0, 1e-6);
    assert_int_equal(r.stopped_by, BP_MINIMUM_GRADIENT);
    assert_true(r.gradient < 1e-5 && r.iterations > 0);
    bp_graph_free(graph);
  }
}

/* ---- without end ---- */
static bp_var falls_linearly(bp_var x) { return bp_neg(x); }
static bp_var falls_as_a_cube(bp_var x) { return bp_mul(x, bp_square(x)); }
static bp_var falls_as_a_parabola(bp_var x) { return bp_neg(bp_square(x)); }
static bp_var falls_as_a_logarithm(bp_var x) { return bp_neg(bp_log(x)); }
static bp_var falls_as_a_root(bp_var x) { return bp_neg(bp_sqrt(x)); }
static bp_var falls_as_an_exponential(bp_var x) { return bp_neg(bp_exp(x)); }
static bp_var falls_on_a_tower(bp_var x) { return bp_sub(number(x, 1e9), x); }

static void what_falls_without_end_is_unbounded(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const struct {
    bp_var (*f)(bp_var x);
    double start;
  } rows[] = {{falls_linearly, 0},         {falls_linearly, -5e5},      {falls_as_a_cube, 1},
              {falls_as_a_cube, 2},        {falls_as_a_cube, 0.7},      {falls_as_a_cube, -1},
              {falls_as_a_cube, 1e6},      {falls_as_a_parabola, 1e-3}, {falls_as_a_logarithm, 1},
              {falls_as_a_logarithm, 1e5}, {falls_as_a_root, 3},        {falls_as_an_exponential, 0},
              {falls_on_a_tower, 2}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int dtype = 0; dtype < 2; dtype++) {
      bp_graph *graph = NULL;
      double x = rows[i].start;
      float y = (float)rows[i].start;
      void *const values[] = {dtype ? (void *)&x : (void *)&y};
      bp_minimize_result r = {0};
      bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
      bp_var v = bp_input(graph, "x", dtype ? BP_F64 : BP_F32, 0, NULL);
      bt_assert_ok(ctx, bp_minimize(ctx, rows[i].f(v), &v, 1, values, NULL, &r));
      if (r.stopped_by != BP_MINIMUM_UNBOUNDED)
        print_message("row %d, %s: %s at %g after %d evaluations\n", (int)i, dtype ? "float64" : "float32",
                      bp_minimum_name(r.stopped_by), dtype ? x : (double)y, (int)r.evaluations);
      assert_int_equal(r.stopped_by, BP_MINIMUM_UNBOUNDED);
      assert_true(isfinite(r.value) && isfinite(dtype ? x : (double)y) && r.evaluations < 1000);
      bp_graph_free(graph);
    }
  assert_string_equal(bp_minimum_name(BP_MINIMUM_UNBOUNDED), "unbounded");
}

/* A bound makes a minimum of it. */
static void a_bound_ends_the_fall(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = NULL;
  double x = 1, most = 17, least = -3;
  void *const values[] = {&x};
  const void *const lower[] = {&least}, *const upper[] = {&most};
  bp_minimize_options o = {.size = sizeof o, .lower = lower, .upper = upper};
  bp_minimize_result r = {0};
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  bp_var v = bp_input(graph, "x", BP_F64, 0, NULL);
  bt_assert_ok(ctx, bp_minimize(ctx, falls_linearly(v), &v, 1, values, &o, &r));
  assert_true(x == 17 && r.value == -17 && r.gradient == 0 && r.stopped_by == BP_MINIMUM_GRADIENT);
  x = 1;
  bt_assert_ok(ctx, bp_minimize(ctx, falls_as_a_cube(v), &v, 1, values, &o, &r));
  assert_true(x == -3 && r.value == -27 && r.gradient == 0 && r.stopped_by == BP_MINIMUM_GRADIENT);
  bp_graph_free(graph);
}

/* ---- no tolerance ---- */

/* 0 is the default, a negative number is none: then rounding decides. */
static void a_negative_tolerance_is_none(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int which = 0; which < 2; which++) {
    double gradients[2];
    for (int none = 0; none < 2; none++) {
      bp_graph *graph = NULL;
      double x[] = {-1.2, 1};
      void *const values[] = {x};
      bp_minimize_options o = {.size = sizeof o, .tolerance = none ? -1 : 0.1};
      bp_minimize_result r = {0};
      bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
      bp_var v = bp_input(graph, "x", BP_F64, 1, (int64_t[]){2}), residuals = valley_residuals(v, 1, 1, 0);
      bp_var bent = bp_add(residuals, bp_mul(number(v, 0.3), bp_sin(residuals))); /* no zero by rounding */
      if (which == 0)
        bt_assert_ok(ctx, bp_minimize(ctx, squares(bent), &v, 1, values, &o, &r));
      else
        bt_assert_ok(ctx, bp_least_squares(ctx, bent, &v, 1, values, &o, &r));
      gradients[none] = r.gradient;
      if (none) bt_assert_close(x[0], 1, 0, 1e-12);
      bp_graph_free(graph);
    }
    assert_true(gradients[1] < 1e-10 && gradients[1] < gradients[0]);
  }
}

/* ---- threads ---- */

static int threads_for(bp_context *ctx, int64_t n, int asked) {
  bp_graph *graph = NULL;
  bp_program *program = NULL;
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  bp_var a = bp_input(graph, "a", BP_F64, 2, (int64_t[]){n, n}), product = bp_matmul(a, a);
  bt_assert_ok(ctx, bp_compile(&product, 1, &a, 1, NULL, &program));
  int threads = worth_threads(program, 0, asked);
  bp_program_free(program);
  bp_graph_free(graph);
  return threads;
}

/* Only where the choice was left to the library. */
static void small_programs_start_no_threads(void **state) {
  bp_context *ctx = bt_ctx(state);
  assert_int_equal(threads_for(ctx, 4, 0), 1);
  assert_int_equal(threads_for(ctx, 400, 0), 0);
  assert_int_equal(threads_for(ctx, 4, 3), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_constant_changes_nothing_but_rounding),
      BT_TEST(a_constant_residual_changes_no_bit_of_the_fit),
      BT_TEST(units_change_nothing),
      BT_TEST(a_start_at_zero_knows_no_units),
      BT_TEST(a_parabola_on_a_tower_ends_at_its_foot),
      BT_TEST(what_falls_without_end_is_unbounded),
      BT_TEST(a_bound_ends_the_fall),
      BT_TEST(a_negative_tolerance_is_none),
      BT_TEST(small_programs_start_no_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
