/* bp_fit_covariance() against closed forms, and what bounds and covariances refuse. (Against certified values: test_nist.c.) */
/* labels: unit grad oom */
#include <math.h>
#include <string.h>

#include "backprop/minimize.h"
#include "backprop/ops.h"
#include "support/testing.h"

static bp_graph *graph_new(bp_context *ctx) {
  bp_graph *graph = NULL;
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  return graph;
}

enum { POINTS = 5 };
static const double places[POINTS] = {-1, 0, 2, 3, 7}, heights[POINTS] = {0.5, 1.25, 4, 6.5, 13};

/* a + b x - y, in any float type */
static bp_var line_residuals(bp_graph *graph, const bp_var *v, bp_dtype dtype) {
  const int64_t n = POINTS;
  bp_var x = bp_cast(bp_constant(graph, BP_F64, 1, &n, places), dtype);
  bp_var y = bp_cast(bp_constant(graph, BP_F64, 1, &n, heights), dtype);
  return bp_sub(bp_add(v[0], bp_mul(v[1], x)), y);
}

/* Of a line through points: s² [Σx², -Σx; -Σx, n] / (n Σx² - (Σx)²). */
static void a_line_has_the_covariance_of_the_textbook(void **state) {
  bp_context *ctx = bt_ctx(state);
  double sx = 0, sxx = 0, sy = 0, sxy = 0, rest = 0;
  for (int i = 0; i < POINTS; i++) {
    sx += places[i];
    sxx += places[i] * places[i];
    sy += heights[i];
    sxy += places[i] * heights[i];
  }
  double det = POINTS * sxx - sx * sx, a = (sxx * sy - sx * sxy) / det, b = (POINTS * sxy - sx * sy) / det;
  for (int i = 0; i < POINTS; i++) rest += pow(a + b * places[i] - heights[i], 2);
  for (int which = 0; which < 4; which++) {
    bp_dtype dtype = which % 2 ? BP_F64 : BP_F32;
    bool absolute = which / 2;
    bp_graph *graph = graph_new(ctx);
    double at[] = {0, 0}, c[4], s2 = absolute ? 1 : rest / (POINTS - 2), tolerance = dtype == BP_F64 ? 1e-12 : 1e-4;
    float at_f32[] = {0, 0};
    void *const values[] = {dtype == BP_F64 ? (void *)&at[0] : (void *)&at_f32[0],
                            dtype == BP_F64 ? (void *)&at[1] : (void *)&at_f32[1]};
    bp_var v[] = {bp_input(graph, "a", dtype, 0, NULL), bp_input(graph, "b", dtype, 0, NULL)};
    bp_var r = line_residuals(graph, v, dtype);
    bt_assert_ok(ctx, bp_least_squares(ctx, r, v, 2, values, NULL, NULL));
    bt_assert_ok(ctx, bp_fit_covariance(ctx, r, v, 2, values, absolute, c));
    bt_assert_close(dtype == BP_F64 ? at[0] : (double)at_f32[0], a, tolerance, 0);
    bt_assert_close(c[0], s2 * sxx / det, tolerance, 0);
    bt_assert_close(c[3], s2 * POINTS / det, tolerance, 0);
    bt_assert_close(c[1], -s2 * sx / det, tolerance, 0);
    assert_true(c[1] == c[2]);
    bp_graph_free(graph);
  }
}

/* In units of 1e±12 the covariance is the same but for them: rank is not judged by the size of a column. */
static void units_do_not_make_a_fit_singular(void **state) {
  bp_context *ctx = bt_ctx(state);
  double plain[4], scaled[4];
  for (int with = 0; with < 2; with++) {
    bp_graph *graph = graph_new(ctx);
    double at[] = {0, 0}, unit = with ? 1e-12 : 1;
    void *const values[] = {&at[0], &at[1]};
    bp_var v[] = {bp_input(graph, "a", BP_F64, 0, NULL), bp_input(graph, "b", BP_F64, 0, NULL)};
    bp_var w[] = {bp_mul(v[0], bp_scalar(graph, BP_F64, unit)), bp_mul(v[1], bp_scalar(graph, BP_F64, 1 / unit))};
    bp_var r = line_residuals(graph, w, BP_F64);
    bt_assert_ok(ctx, bp_least_squares(ctx, r, v, 2, values, NULL, NULL));
    bt_assert_ok(ctx, bp_fit_covariance(ctx, r, v, 2, values, false, with ? scaled : plain));
    bp_graph_free(graph);
  }
  bt_assert_close(scaled[0] * 1e-24, plain[0], 1e-9, 0);
  bt_assert_close(scaled[3] * 1e24, plain[3], 1e-9, 0);
  bt_assert_close(scaled[1], plain[1], 1e-9, 0);
}

static void what_the_data_do_not_determine_is_infinite(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double at[] = {1, 2, 3}, c[9];
  void *const values[] = {&at[0], &at[1], &at[2]};
  bp_var v[] = {bp_input(graph, "a", BP_F64, 0, NULL), bp_input(graph, "b", BP_F64, 0, NULL),
                bp_input(graph, "c", BP_F64, 0, NULL)};
  bp_var sum[] = {bp_add(v[0], v[2]), v[1]};
  bp_var both = line_residuals(graph, sum, BP_F64), idle = line_residuals(graph, v, BP_F64);
  bt_assert_ok(ctx, bp_fit_covariance(ctx, both, v, 3, values, false, c)); /* a and c do the same */
  for (int i = 0; i < 9; i++) assert_true(c[i] == INFINITY);
  bt_assert_ok(ctx, bp_fit_covariance(ctx, idle, v, 3, values, true, c)); /* c does nothing */
  for (int i = 0; i < 9; i++) assert_true(c[i] == INFINITY);
  bp_var two = bp_slice(idle, 0, 0, 2, 1);
  bt_assert_ok(ctx, bp_fit_covariance(ctx, two, v, 2, values, false, c)); /* no degree of freedom is left for s² */
  for (int i = 0; i < 4; i++) assert_true(c[i] == INFINITY);
  bt_assert_ok(ctx, bp_fit_covariance(ctx, two, v, 2, values, true, c));
  for (int i = 0; i < 4; i++) assert_true(isfinite(c[i]));
  bt_assert_ok(ctx, bp_fit_covariance(ctx, bp_slice(idle, 0, 0, 1, 1), v, 2, values, true, c));
  for (int i = 0; i < 4; i++) assert_true(c[i] == INFINITY);
  bp_graph_free(graph);
}

/* ---- refusals ---- */
static void wrong_bounds_and_points_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double at[] = {-1}, low[] = {2}, high[] = {1}, nan[] = {NAN}, c[1] = {777};
  void *const values[] = {at};
  const void *const lows[] = {low}, *const highs[] = {high}, *const nans[] = {nan};
  bp_minimize_options crossed = {.size = sizeof crossed, .lower = lows, .upper = highs};
  bp_minimize_options none = {.size = sizeof none, .lower = nans};
  bp_var v = bp_input(graph, "x", BP_F64, 1, (int64_t[]){1}), f = bp_sum(bp_square(v), BP_ALL_AXES);
  bt_assert_fails(ctx, BP_E_ARG, bp_minimize(ctx, f, &v, 1, values, &crossed, NULL));
  bt_assert_message(ctx, "the bounds of unknown 0 are 2 and 1");
  bt_assert_fails(ctx, BP_E_ARG, bp_least_squares(ctx, v, &v, 1, values, &none, NULL));
  bt_assert_message(ctx, "the bounds of unknown 0 are nan and inf");
  assert_true(at[0] == -1);
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit_covariance(ctx, bp_log(v), &v, 1, values, false, c));
  bt_assert_message(ctx, "not finite where the covariance is asked for");
  bt_assert_fails(ctx, BP_E_ARG, bp_fit_covariance(ctx, v, &v, 0, values, false, c));
  assert_true(c[0] == 777);
  bp_graph_free(graph);
}

/* Old programs know no bounds: what lies beyond their struct is not read. */
static void a_shorter_struct_has_no_bounds(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double at[] = {5}, low[] = {3};
  void *const values[] = {at};
  const void *const lows[] = {low};
  bp_minimize_options o = {.size = offsetof(bp_minimize_options, lower), .lower = lows};
  bp_var v = bp_input(graph, "x", BP_F64, 1, (int64_t[]){1});
  bt_assert_ok(ctx, bp_least_squares(ctx, v, &v, 1, values, &o, NULL));
  bt_assert_close(at[0], 0, 0, 1e-12);
  o.size = sizeof o;
  at[0] = 5;
  bt_assert_ok(ctx, bp_least_squares(ctx, v, &v, 1, values, &o, NULL));
  assert_true(at[0] == 3);
  at[0] = 1; /* outside: it begins at the nearest point within */
  bt_assert_ok(ctx, bp_minimize(ctx, bp_sum(bp_square(v), BP_ALL_AXES), &v, 1, values, &o, NULL));
  assert_true(at[0] == 3);
  bp_graph_free(graph);
}

/* ---- many unknowns ---- */

/* Σ (x_i - t_i)² has its minimum in a box where each unknown is nearest to its target. */
static void many_unknowns_in_a_box_go_to_its_nearest_point(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { N = BP_LM_DENSE + 50 };
  static double x[N], target[N], low[N], high[N];
  const int64_t n = N;
  void *const values[] = {x};
  const void *const lows[] = {low}, *const highs[] = {high};
  bp_minimize_options o = {.size = sizeof o, .lower = lows, .upper = highs};
  bp_graph *graph = graph_new(ctx);
  for (int i = 0; i < N; i++) {
    target[i] = 3 * sin(i);
    low[i] = -1 - (i % 3);
    high[i] = i % 5 ? 1 : INFINITY;
    x[i] = 0.5;
  }
  bp_var v = bp_input(graph, "x", BP_F64, 1, &n), t = bp_constant(graph, BP_F64, 1, &n, target);
  bt_assert_ok(ctx, bp_least_squares(ctx, bp_sub(v, t), &v, 1, values, &o, NULL));
  for (int i = 0; i < N; i++) bt_assert_close(x[i], fmin(fmax(target[i], low[i]), high[i]), 0, 1e-6);
  bp_graph_free(graph);
}

/* ---- memory ---- */
static bp_status fit_once(bp_context *ctx, void *user) {
  bp_graph *graph = NULL;
  double at[] = {4, 0}, low[] = {2, -1}, high[] = {9, 1}, c[4] = {777};
  void *const values[] = {&at[0], &at[1]};
  const void *const lows[] = {&low[0], &low[1]}, *const highs[] = {&high[0], NULL};
  bp_minimize_options o = {.size = sizeof o, .threads = 1, .lower = lows, .upper = highs};
  (void)user;
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  bp_var v[] = {bp_input(graph, "a", BP_F64, 0, NULL), bp_input(graph, "b", BP_F64, 0, NULL)};
  bp_var r = line_residuals(graph, v, BP_F64);
  status = bp_graph_status(graph);
  if (status == BP_OK) status = bp_least_squares(ctx, r, v, 2, values, &o, NULL);
  if (status != BP_OK) assert_true(at[0] == 4 && at[1] == 0);
  if (status == BP_OK) status = bp_fit_covariance(ctx, r, v, 2, values, false, c);
  if (status != BP_OK) assert_true(c[0] == 777);
  bp_graph_free(graph);
  return status;
}

static void a_failed_allocation_leaves_everything(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(fit_once, NULL) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_line_has_the_covariance_of_the_textbook),
      BT_TEST(units_do_not_make_a_fit_singular),
      BT_TEST(what_the_data_do_not_determine_is_infinite),
      BT_TEST(wrong_bounds_and_points_are_refused),
      BT_TEST(a_shorter_struct_has_no_bounds),
      BT_TEST(many_unknowns_in_a_box_go_to_its_nearest_point),
      BT_TEST(a_failed_allocation_leaves_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
