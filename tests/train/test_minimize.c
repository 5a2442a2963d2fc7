/* L-BFGS and Levenberg-Marquardt on functions whose minima are known: Rosenbrock's valley and its like. (Curve fits: test_nist.c; all of
 * Moré, Garbow and Hillstrom's problems: test_more_garbow_hillstrom.c.) */
/* labels: unit grad */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/minimize.h"
#include "backprop/ops.h"
#include "support/testing.h"

static bp_graph *graph_new(bp_context *ctx) {
  bp_graph *graph = NULL;
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  return graph;
}

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }
static bp_var vector(bp_graph *graph, bp_dtype dtype, int64_t n) { return bp_input(graph, "x", dtype, 1, &n); }

/* ---- Rosenbrock (1960): Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])², least at (1, …, 1) ---- */

static bp_var valley_residuals(bp_var x) {
  bp_var head = bp_slice(x, 0, 0, -1, 1), tail = bp_slice(x, 0, 1, BP_END, 1);
  bp_var both[] = {bp_mul(bp_sub(tail, bp_square(head)), number(x, 10)), bp_sub(number(x, 1), head)};
  return bp_concat(both, 2, 0);
}

static bp_var valley(bp_var x) { return bp_sum(bp_square(valley_residuals(x)), BP_ALL_AXES); }

static void lbfgs_goes_down_the_valley(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { N = 100 };
  for (int64_t n = 2; n <= N; n += 49) {
    bp_graph *graph = graph_new(ctx);
    double x[N + 1];
    void *const values[] = {x};
    bp_minimize_result r = {0};
    for (int64_t i = 0; i < n; i++) x[i] = i % 2 ? 1 : -1.2;
    bp_var v = vector(graph, BP_F64, n);
    bt_assert_ok(ctx, bp_minimize(ctx, valley(v), &v, 1, values, NULL, &r));
    for (int64_t i = 0; i < n; i++) bt_assert_close(x[i], 1, 0, 1e-6);
    assert_int_equal(r.stopped_by, BP_MINIMUM_GRADIENT);
    assert_true(r.value < 1e-14 && r.gradient <= 1e-8 * 2500 && r.evaluations < 8 * n + 50);
    assert_true(r.iterations > 5 && r.iterations <= r.evaluations);
    bp_graph_free(graph);
  }
}

static void float32_comes_as_near_as_it_can(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  float x[] = {-1.2f, 1};
  void *const values[] = {x};
  bp_minimize_result r = {0};
  bp_var v = vector(graph, BP_F32, 2);
  bt_assert_ok(ctx, bp_minimize(ctx, valley(v), &v, 1, values, NULL, &r));
  bt_assert_close((double)x[0], 1, 0, 1e-3);
  bt_assert_close((double)x[1], 1, 0, 2e-3);
  x[0] = -1.2f;
  x[1] = 1;
  bt_assert_ok(ctx, bp_least_squares(ctx, valley_residuals(v), &v, 1, values, NULL, &r));
  bt_assert_close((double)x[0], 1, 0, 1e-6);
  bt_assert_close((double)x[1], 1, 0, 1e-6);
  bp_graph_free(graph);
}

/* Residuals that are all zero at the end: the steps become Newton's, and a handful are enough. */
static void least_squares_cuts_through_the_valley(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double x[] = {-1.2, 1};
  void *const values[] = {x};
  bp_minimize_result r = {0};
  bp_var v = vector(graph, BP_F64, 2);
  bt_assert_ok(ctx, bp_least_squares(ctx, valley_residuals(v), &v, 1, values, NULL, &r));
  bt_assert_close(x[0], 1, 0, 1e-8);
  bt_assert_close(x[1], 1, 0, 1e-8);
  assert_int_equal(r.stopped_by, BP_MINIMUM_GRADIENT);
  assert_true(r.iterations < 40);
  bp_graph_free(graph);
}

/* More unknowns than the dense limit: conjugate gradients. */
static void many_unknowns_go_by_products_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { N = BP_LM_DENSE + 100 };
  bp_graph *graph = graph_new(ctx);
  double *x = malloc(N * sizeof *x);
  void *const values[] = {x};
  bp_minimize_result r = {0};
  for (int i = 0; i < N; i++) x[i] = i % 2 ? 1.1 : 0.8;
  bp_var v = vector(graph, BP_F64, N);
  bt_assert_ok(ctx, bp_least_squares(ctx, valley_residuals(v), &v, 1, values, NULL, &r));
  for (int i = 0; i < N; i++) bt_assert_close(x[i], 1, 0, 1e-6);
  assert_int_equal(r.stopped_by, BP_MINIMUM_GRADIENT);
  free(x);
  bp_graph_free(graph);
}

/* ---- several unknowns of different shapes ---- */

/* ‖A - B xᵀ‖² has its minimum, by the two arrays B and x together, at the best matrix of rank one: the rest is the square of the
 * smaller singular value, here 1 (A = U diag(3, 1) Vᵀ with rotations U and V). */
static void arrays_of_any_shape_are_unknowns(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double c = cos(0.5), s = sin(0.5), k = cos(1.1), l = sin(1.1);
  double a[] = {3 * c * k + s * l, 3 * c * l - s * k, 3 * s * k - c * l, 3 * s * l + c * k};
  for (int which = 0; which < 2; which++) {
    double column[] = {0.3, 0.4}, row[] = {0.5, -0.1};
    void *const values[] = {column, row};
    bp_minimize_result r = {0};
    bp_var x[] = {bp_input(graph, "column", BP_F64, 2, (int64_t[]){2, 1}),
                  bp_input(graph, "row", BP_F64, 2, (int64_t[]){1, 2})};
    bp_var rest = bp_sub(bp_constant(graph, BP_F64, 2, (int64_t[]){2, 2}, a), bp_matmul(x[0], x[1]));
    if (which == 0)
      bt_assert_ok(ctx, bp_minimize(ctx, bp_sum(bp_square(rest), BP_ALL_AXES), x, 2, values, NULL, &r));
    else
      bt_assert_ok(ctx, bp_least_squares(ctx, rest, x, 2, values, NULL, &r));
    bt_assert_close(r.value, which == 0 ? 1 : 0.5, 1e-12, 0);
    for (int i = 0; i < 4; i++) /* 3 u vᵀ */
      bt_assert_close(column[i / 2] * row[i % 2], 3 * (i / 2 ? s : c) * (i % 2 ? l : k), 0, 1e-6);
  }
  bp_graph_free(graph);
}

/* ---- how it ends ---- */

typedef struct watcher {
  int calls, stop_after;
  double last;
  bool good;
} watcher;

static bool watch(void *user, const bp_iteration *iteration) {
  watcher *w = user;
  w->good = w->good && iteration->iteration == ++w->calls && iteration->value <= w->last;
  w->last = iteration->value;
  return w->calls != w->stop_after;
}

static void the_callback_sees_the_value_fall_and_may_stop_it(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  bp_var v = vector(graph, BP_F64, 2);
  for (int which = 0; which < 2; which++) {
    double x[] = {-1.2, 1};
    void *const values[] = {x};
    watcher w = {.stop_after = 4, .last = INFINITY, .good = true};
    bp_minimize_options o = {.size = sizeof o, .progress = watch, .progress_user = &w};
    bp_minimize_result r = {0};
    bt_assert_ok(ctx, which == 0 ? bp_minimize(ctx, valley(v), &v, 1, values, &o, &r)
                                 : bp_least_squares(ctx, valley_residuals(v), &v, 1, values, &o, &r));
    assert_true(w.good);
    assert_int_equal(r.stopped_by, BP_MINIMUM_CALLBACK);
    assert_int_equal(r.iterations, 4);
    o.progress = NULL;
    o.iterations = 3;
    bt_assert_ok(ctx, which == 0 ? bp_minimize(ctx, valley(v), &v, 1, values, &o, &r)
                                 : bp_least_squares(ctx, valley_residuals(v), &v, 1, values, &o, &r));
    assert_int_equal(r.stopped_by, BP_MINIMUM_ITERATIONS);
    assert_int_equal(r.iterations, 3);
  }
  bp_graph_free(graph);
}

static void a_minimum_is_left_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double x[] = {1, 1};
  void *const values[] = {x};
  bp_minimize_result r = {0};
  bp_var v = vector(graph, BP_F64, 2);
  bt_assert_ok(ctx, bp_minimize(ctx, valley(v), &v, 1, values, NULL, &r));
  assert_int_equal(r.iterations, 0);
  bt_assert_ok(ctx, bp_least_squares(ctx, valley_residuals(v), &v, 1, values, NULL, &r));
  assert_int_equal(r.iterations, 0);
  assert_true(x[0] == 1 && x[1] == 1 && r.value == 0);
  bp_graph_free(graph);
}

/* |x|: the slope never vanishes, and steps end where no smaller value is found. */
static void a_kink_ends_by_precision(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double x[] = {0.7, -0.3};
  void *const values[] = {x};
  bp_minimize_result r = {0};
  bp_var v = vector(graph, BP_F64, 2);
  bt_assert_ok(ctx, bp_minimize(ctx, bp_sum(bp_abs(v), BP_ALL_AXES), &v, 1, values, NULL, &r));
  assert_true(r.stopped_by == BP_MINIMUM_PRECISION || r.value == 0);
  assert_true(r.value < 1e-3);
  bp_graph_free(graph);
}

/* log has no value left of 0: steps that go there are too long. */
static void values_that_are_not_finite_bound_a_step(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double x[] = {20};
  void *const values[] = {x};
  bp_minimize_result r = {0};
  bp_var v = vector(graph, BP_F64, 1), f = bp_sub(bp_mul(v, number(v, 100)), bp_log(v)); /* least at 0.01 */
  bt_assert_ok(ctx, bp_minimize(ctx, bp_sum(f, BP_ALL_AXES), &v, 1, values, NULL, &r));
  bt_assert_close(x[0], 0.01, 1e-6, 0);
  bp_graph_free(graph);
}

static void same_bits(bp_context *ctx, int which) {
  enum { N = 300 };
  double one[N], more[N];
  bp_graph *graph = graph_new(ctx);
  bp_var v = vector(graph, BP_F64, N);
  for (int threads = 1; threads <= 3; threads++) {
    double *x = threads == 1 ? one : more;
    void *const values[] = {x};
    bp_minimize_options o = {.size = sizeof o, .threads = threads, .iterations = 10};
    for (int i = 0; i < N; i++) x[i] = sin(i);
    bt_assert_ok(ctx, which == 0 ? bp_minimize(ctx, valley(v), &v, 1, values, &o, NULL)
                                 : bp_least_squares(ctx, valley_residuals(v), &v, 1, values, &o, NULL));
    if (threads > 1) bt_assert_same_bits(one, more, sizeof one);
  }
  bp_graph_free(graph);
}

static void the_bits_do_not_depend_on_threads(void **state) {
  same_bits(bt_ctx(state), 0);
  same_bits(bt_ctx(state), 1);
}

/* ---- what is refused, and what memory asks ---- */

static void wrong_arguments_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *graph = graph_new(ctx);
  double x[] = {-1.2, 1}, before[] = {-1.2, 1};
  float y[] = {1, 2};
  void *const values[] = {x, y};
  bp_var v = vector(graph, BP_F64, 2), w = vector(graph, BP_F32, 2), mixed[] = {v, w};
  static const struct {
    bp_minimize_options options;
    const char *words;
  } bad[] = {
      {{.size = 0}, "bp_minimize_options.size is 0"},
      {{.size = sizeof(bp_minimize_options), .iterations = -1}, "iterations is -1"},
      {{.size = sizeof(bp_minimize_options), .tolerance = NAN}, "tolerance is nan"},
      {{.size = sizeof(bp_minimize_options), .tolerance = 1},
       "tolerance is 1, expected a number above 0 and below 1, or a negative one for none"},
      {{.size = sizeof(bp_minimize_options), .memory = -1}, "memory is -1"},
      {{.size = sizeof(bp_minimize_options), .threads = -1}, "threads is -1"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bt_assert_fails(ctx, BP_E_ARG, bp_minimize(ctx, valley(v), &v, 1, values, &bad[i].options, NULL));
    bt_assert_message(ctx, bad[i].words);
  }
  bt_assert_fails(ctx, BP_E_ARG, bp_minimize(ctx, valley(v), &v, 0, values, NULL, NULL));
  bt_assert_message(ctx, "at least one variable");
  bt_assert_fails(ctx, BP_E_ARG, bp_least_squares(ctx, valley_residuals(v), mixed, 2, values, NULL, NULL));
  bt_assert_message(ctx, "x[1] is float32 and x[0] float64; expected one type for all");
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_minimize(ctx, bp_log(bp_sum(v, BP_ALL_AXES)), &v, 1, values, NULL, NULL));
  bt_assert_message(ctx, "the value is nan where minimisation begins");
  bt_assert_same_bits(x, before, sizeof x);
  bt_assert_fails(ctx, BP_E_SHAPE, bp_minimize(ctx, valley_residuals(v), &v, 1, values, NULL, NULL));
  bp_graph_free(graph);
}

static bp_status minimize_once(bp_context *ctx, void *user) {
  const int *which = user;
  bp_graph *graph = NULL;
  double x[] = {-1.2, 1, 0.5};
  void *const values[] = {x};
  bp_minimize_result r = {.iterations = 777};
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  bp_var v = vector(graph, BP_F64, 3);
  bp_var f = *which == 0 ? valley(v) : valley_residuals(v);
  bp_minimize_options o = {.size = sizeof o, .threads = 1};
  status = bp_graph_status(graph);
  if (status == BP_OK)
    status = *which == 0 ? bp_minimize(ctx, f, &v, 1, values, &o, &r) : bp_least_squares(ctx, f, &v, 1, values, &o, &r);
  if (status != BP_OK) assert_true(r.iterations == 777 && x[0] == -1.2 && x[1] == 1 && x[2] == 0.5);
  bp_graph_free(graph);
  return status;
}

static void a_failed_allocation_leaves_the_values(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) assert_true(bt_alloc_sweep(minimize_once, &which) > 20);
}

/* Twice the iterations ask the allocator for nothing more. */
static void an_iteration_does_not_allocate(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_alloc_state *memory = &bt_fixture_of(state)->memory;
  for (int which = 0; which < 2; which++) {
    size_t calls[2];
    for (int more = 0; more < 2; more++) {
      bp_graph *graph = graph_new(ctx);
      double x[] = {-1.2, 1};
      void *const values[] = {x};
      bp_minimize_options o = {.size = sizeof o, .threads = 1, .iterations = 3 + 3 * more};
      bp_var v = vector(graph, BP_F64, 2), f = which == 0 ? valley(v) : valley_residuals(v);
      size_t before = memory->calls;
      bt_assert_ok(ctx, which == 0 ? bp_minimize(ctx, f, &v, 1, values, &o, NULL)
                                   : bp_least_squares(ctx, f, &v, 1, values, &o, NULL));
      calls[more] = memory->calls - before;
      bp_graph_free(graph);
    }
    assert_int_equal(calls[0], calls[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(lbfgs_goes_down_the_valley),
      BT_TEST(float32_comes_as_near_as_it_can),
      BT_TEST(least_squares_cuts_through_the_valley),
      BT_TEST(many_unknowns_go_by_products_alone),
      BT_TEST(arrays_of_any_shape_are_unknowns),
      BT_TEST(the_callback_sees_the_value_fall_and_may_stop_it),
      BT_TEST(a_minimum_is_left_alone),
      BT_TEST(a_kink_ends_by_precision),
      BT_TEST(values_that_are_not_finite_bound_a_step),
      BT_TEST(the_bits_do_not_depend_on_threads),
      BT_TEST(wrong_arguments_are_refused),
      BT_TEST(a_failed_allocation_leaves_the_values),
      BT_TEST(an_iteration_does_not_allocate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
