/* test_control.c - branches and loops: values, both derivative modes, higher orders, errors. */
#include "backprop/control.h"

#include <math.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "support/testing.h"

/* Evaluates and runs the same scalars, and checks that both agree to the bit. */
static void both(bp_context *ctx, const bp_var *out, size_t n_out, const bp_var *in, size_t n_in,
                 const void *const *values, double *results) {
  double again[16];
  void *to[16], *to_again[16];
  bp_program *program;
  bp_workspace *workspace;
  for (size_t i = 0; i < n_out; i++) to[i] = &results[i], to_again[i] = &again[i];
  bt_assert_ok(ctx, bp_eval(out, n_out, in, n_in, 0, values, to));
  bt_assert_ok(ctx, bp_compile(out, n_out, in, n_in, NULL, &program));
  bt_assert_ok(ctx, bp_workspace_new(ctx, program, 1, &workspace));
  bt_assert_ok(ctx, bp_run(program, workspace, 0, values, to_again));
  for (size_t i = 0; i < n_out; i++) assert_memory_equal(&results[i], &again[i], sizeof(double));
  bp_workspace_free(workspace);
  bp_program_free(program);
}

/* ---- scan: s ← sin(s·c) + x_t, y_t = s² ---- */
static void wave(void *user, bp_graph *g, const bp_var *s, const bp_var *c, const bp_var *x, bp_var *next, bp_var *y) {
  (void)user, (void)g;
  next[0] = bp_add(bp_sin(bp_mul(s[0], c[0])), x[0]);
  y[0] = bp_square(s[0]);
}

typedef struct scan_case {
  bp_graph *g;
  bp_var s, c, x, loss;
} scan_case;
enum { LENGTH = 5 };

/* loss = final³ + Σ_t w_t y_t with w_t = t + 1 */
static scan_case scan_new(bp_context *ctx) {
  scan_case k;
  bt_assert_ok(ctx, bp_graph_new(ctx, &k.g));
  k.s = bp_input(k.g, "s", BP_F64, 0, NULL);
  k.c = bp_input(k.g, "c", BP_F64, 0, NULL);
  k.x = bp_input(k.g, "x", BP_F64, 1, (int64_t[]){LENGTH});
  bp_var final, y;
  bp_loop_args args = {.init = &k.s, .n_state = 1, .constants = &k.c, .n_constants = 1, .x = &k.x, .n_x = 1, .n_y = 1};
  bp_scan(k.g, &args, LENGTH, wave, NULL, &final, &y);
  double w[LENGTH] = {1, 2, 3, 4, 5};
  bp_var weights = bp_constant(k.g, BP_F64, 1, (int64_t[]){LENGTH}, w);
  k.loss = bp_add(bp_mul(final, bp_square(final)), bp_sum(bp_mul(weights, y), BP_ALL_AXES));
  bt_assert_ok(ctx, bp_graph_status(k.g));
  return k;
}

static double scan_by_hand(double s, double c, const double *x) {
  double sum = 0;
  for (int t = 0; t < LENGTH; t++) {
    sum += (t + 1) * s * s;
    s = sin(s * c) + x[t];
  }
  return s * s * s + sum;
}

static const double scan_x[LENGTH] = {0.3, -0.2, 0.5, 0.1, -0.4};

static void scan_computes_what_a_loop_in_c_computes(void **state) {
  bp_context *ctx = bt_ctx(state);
  scan_case k = scan_new(ctx);
  double s = 0.7, c = 1.3, value;
  const void *in[] = {&s, &c, scan_x};
  both(ctx, &k.loss, 1, (bp_var[]){k.s, k.c, k.x}, 3, in, &value);
  bt_assert_close(value, scan_by_hand(s, c, scan_x), 1e-14, 0);
  bp_graph_free(k.g);
}

static void scan_gradient_equals_differences_and_forward_mode(void **state) {
  bp_context *ctx = bt_ctx(state);
  scan_case k = scan_new(ctx);
  bp_var wrt[] = {k.s, k.c}, grad[2], one = bp_scalar(k.g, BP_F64, 1), zero = {k.g, 0};
  bt_assert_ok(ctx, bp_grad(k.loss, wrt, 2, grad));
  bp_var dots[2];
  bt_assert_ok(ctx, bp_jvp(&k.loss, 1, wrt, (bp_var[]){one, zero}, 2, &dots[0]));
  bt_assert_ok(ctx, bp_jvp(&k.loss, 1, wrt, (bp_var[]){zero, one}, 2, &dots[1]));
  double s = 0.7, c = 1.3, h = 1e-5, r[4];
  const void *in[] = {&s, &c, scan_x};
  both(ctx, (bp_var[]){grad[0], grad[1], dots[0], dots[1]}, 4, (bp_var[]){k.s, k.c, k.x}, 3, in, r);
  double ds = (scan_by_hand(s + h, c, scan_x) - scan_by_hand(s - h, c, scan_x)) / (2 * h);
  double dc = (scan_by_hand(s, c + h, scan_x) - scan_by_hand(s, c - h, scan_x)) / (2 * h);
  bt_assert_close(r[0], ds, 1e-8, 1e-8);
  bt_assert_close(r[1], dc, 1e-8, 1e-8);
  bt_assert_close(r[2], r[0], 1e-13, 1e-13);
  bt_assert_close(r[3], r[1], 1e-13, 1e-13);
  bp_graph_free(k.g);
}

static void scan_gradient_of_slices_is_stacked(void **state) {
  bp_context *ctx = bt_ctx(state);
  scan_case k = scan_new(ctx);
  bp_var grad;
  bt_assert_ok(ctx, bp_grad(k.loss, &k.x, 1, &grad));
  double s = 0.7, c = 1.3, r[LENGTH], h = 1e-5;
  const void *in[] = {&s, &c, scan_x};
  void *out[] = {r};
  bt_assert_ok(ctx, bp_eval(&grad, 1, (bp_var[]){k.s, k.c, k.x}, 3, 0, in, out));
  for (int t = 0; t < LENGTH; t++) {
    double up[LENGTH], down[LENGTH];
    for (int i = 0; i < LENGTH; i++) up[i] = down[i] = scan_x[i];
    up[t] += h, down[t] -= h;
    bt_assert_close(r[t], (scan_by_hand(s, c, up) - scan_by_hand(s, c, down)) / (2 * h), 1e-8, 1e-8);
  }
  bp_graph_free(k.g);
}

/* d²/dc² by reverse over reverse, forward over reverse and reverse over forward; d³/dc³ against differences of d². */
static void higher_derivatives_of_a_scan_agree_in_every_order_of_modes(void **state) {
  bp_context *ctx = bt_ctx(state);
  scan_case k = scan_new(ctx);
  bp_var g1, rr, fr, f1, rf, third, one = bp_scalar(k.g, BP_F64, 1);
  bt_assert_ok(ctx, bp_grad(k.loss, &k.c, 1, &g1));
  bt_assert_ok(ctx, bp_grad(g1, &k.c, 1, &rr));
  bt_assert_ok(ctx, bp_jvp(&g1, 1, &k.c, &one, 1, &fr));
  bt_assert_ok(ctx, bp_jvp(&k.loss, 1, &k.c, &one, 1, &f1));
  bt_assert_ok(ctx, bp_grad(f1, &k.c, 1, &rf));
  bt_assert_ok(ctx, bp_jvp(&rr, 1, &k.c, &one, 1, &third));
  double s = 0.7, c = 1.3, h = 1e-4, r[4], up[4], down[4];
  const void *in[] = {&s, &c, scan_x};
  bp_var inputs[] = {k.s, k.c, k.x}, outs[] = {rr, fr, rf, third};
  both(ctx, outs, 4, inputs, 3, in, r);
  bt_assert_close(r[1], r[0], 1e-12, 1e-12);
  bt_assert_close(r[2], r[0], 1e-12, 1e-12);
  c = 1.3 + h;
  both(ctx, outs, 4, inputs, 3, in, up);
  c = 1.3 - h;
  both(ctx, outs, 4, inputs, 3, in, down);
  bt_assert_close(r[3], (up[0] - down[0]) / (2 * h), 1e-5, 1e-5);
  double base = scan_by_hand(s, 1.3, scan_x);
  bt_assert_close(r[0], (scan_by_hand(s, 1.3 + h, scan_x) + scan_by_hand(s, 1.3 - h, scan_x) - 2 * base) / (h * h),
                  1e-5, 1e-5);
  bp_graph_free(k.g);
}

/* ---- while: x ← x·a until x >= 100; the number of trips depends on a ---- */
static bp_var below_100(void *user, bp_graph *g, const bp_var *s, const bp_var *c) {
  (void)user, (void)c;
  return bp_less(s[0], bp_scalar(g, BP_F64, 100));
}

static void grow(void *user, bp_graph *g, const bp_var *s, const bp_var *c, const bp_var *x, bp_var *next, bp_var *y) {
  (void)user, (void)g, (void)x, (void)y;
  next[0] = bp_mul(s[0], c[0]);
}

static bp_graph *while_new(bp_context *ctx, int64_t bound, bp_var *x, bp_var *a, bp_var *final, bp_var *trips) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  *x = bp_input(g, "x", BP_F64, 0, NULL);
  *a = bp_input(g, "a", BP_F64, 0, NULL);
  bp_loop_args args = {.init = x, .n_state = 1, .constants = a, .n_constants = 1};
  bp_while(g, &args, bound, below_100, grow, NULL, final, trips);
  bt_assert_ok(ctx, bp_graph_status(g));
  return g;
}

static void while_is_differentiated_along_the_trips_taken(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_var x, a, final, trips, grad[2], second;
  bp_graph *g = while_new(ctx, 1000, &x, &a, &final, &trips);
  bt_assert_ok(ctx, bp_grad(final, (bp_var[]){x, a}, 2, grad));
  bt_assert_ok(ctx, bp_grad(grad[1], &a, 1, &second));
  for (double av = 1.1; av < 5; av += 0.37) {
    double xv = 1.5, r[5], expected = xv;
    int n = 0;
    for (; expected < 100; n++) expected *= av;
    const void *in[] = {&xv, &av};
    both(ctx, (bp_var[]){final, trips, grad[0], grad[1], second}, 5, (bp_var[]){x, a}, 2, in, r);
    bt_assert_close(r[0], expected, 1e-14, 0);
    assert_int_equal((int)r[1], n);
    bt_assert_close(r[2], pow(av, n), 1e-12, 0);              /* ∂(x aⁿ)/∂x */
    bt_assert_close(r[3], n * xv * pow(av, n - 1), 1e-12, 0); /* n x aⁿ⁻¹ */
    bt_assert_close(r[4], n * (n - 1) * xv * pow(av, n - 2), 1e-12, 1e-12);
  }
  bp_graph_free(g);
}

static void while_that_never_ends_is_stopped_at_its_bound(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_var x, a, final, trips;
  bp_graph *g = while_new(ctx, 50, &x, &a, &final, &trips);
  double xv = 1, av = 1, r;
  const void *in[] = {&xv, &av};
  void *out[] = {&r};
  bt_assert_fails(ctx, BP_E_LIMIT, bp_eval(&final, 1, (bp_var[]){x, a}, 2, 0, in, out));
  bt_assert_message(ctx, "after 50 iterations");
  bp_program *program;
  bp_workspace *w;
  bt_assert_ok(ctx, bp_compile(&final, 1, (bp_var[]){x, a}, 2, NULL, &program));
  bt_assert_ok(ctx, bp_workspace_new(ctx, program, 1, &w));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_run(program, w, 0, in, out));
  bt_assert_message(ctx, "still holds");
  av = 3; /* and is usable afterwards */
  bt_assert_ok(ctx, bp_run(program, w, 0, in, out));
  bt_assert_close(r, 243, 0, 0);
  bp_workspace_free(w);
  bp_program_free(program);
  bp_graph_free(g);
}

static void while_without_a_trip_hands_its_state_through(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_var x, a, final, trips, grad[2];
  bp_graph *g = while_new(ctx, 50, &x, &a, &final, &trips);
  bt_assert_ok(ctx, bp_grad(final, (bp_var[]){x, a}, 2, grad));
  double xv = 200, av = 3, r[4];
  const void *in[] = {&xv, &av};
  both(ctx, (bp_var[]){final, trips, grad[0], grad[1]}, 4, (bp_var[]){x, a}, 2, in, r);
  assert_true(r[0] == 200 && r[1] == 0 && r[2] == 1 && r[3] == 0);
  bp_graph_free(g);
}

/* ---- cond: x > 0 ? x·log x : -x², where the branch not taken would be NaN ---- */
static void x_log_x(void *user, bp_graph *g, const bp_var *x, bp_var *r) {
  (void)user, (void)g;
  r[0] = bp_mul(x[0], bp_log(x[0]));
}
static void minus_square(void *user, bp_graph *g, const bp_var *x, bp_var *r) {
  (void)user, (void)g;
  r[0] = bp_neg(bp_square(x[0]));
}

static void cond_takes_one_branch_and_its_derivatives(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 0, NULL), y, grad, second, dot, one = bp_scalar(g, BP_F64, 1);
  bp_cond(bp_greater(x, bp_scalar(g, BP_F64, 0)), &x, 1, x_log_x, minus_square, NULL, 1, &y);
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &grad));
  bt_assert_ok(ctx, bp_grad(grad, &x, 1, &second));
  bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &one, 1, &dot));
  const double points[] = {0.5, 2, -1, -3, 0};
  for (int i = 0; i < 5; i++) {
    double v = points[i], r[4];
    const void *in[] = {&v};
    both(ctx, (bp_var[]){y, grad, second, dot}, 4, &x, 1, in, r);
    bt_assert_close(r[0], v > 0 ? v * log(v) : -v * v, 1e-14, 0);
    bt_assert_close(r[1], v > 0 ? log(v) + 1 : -2 * v, 1e-14, 0);
    bt_assert_close(r[2], v > 0 ? 1 / v : -2, 1e-14, 0);
    bt_assert_close(r[3], r[1], 1e-14, 0);
  }
  bp_graph_free(g);
}

/* ---- a loop inside a branch, and a branch inside a loop ---- */
static void collatz(void *user, bp_graph *g, const bp_var *s, const bp_var *c, const bp_var *x, bp_var *next,
                    bp_var *y) {
  (void)user, (void)c, (void)x, (void)y;
  bp_cond(bp_less(s[0], bp_scalar(g, BP_F64, 10)), s, 1, x_log_x, minus_square, NULL, 1, next);
}

static void branches_nest_in_loops_and_differentiate(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 0, NULL), y, grad;
  bp_loop_args args = {.init = &x, .n_state = 1};
  bp_scan(g, &args, 3, collatz, NULL, &y, NULL);
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &grad));
  double v = 4.2, expected = v, slope = 1, r[2];
  for (int t = 0; t < 3; t++) {
    slope *= expected < 10 ? log(expected) + 1 : -2 * expected;
    expected = expected < 10 ? expected * log(expected) : -expected * expected;
  }
  const void *in[] = {&v};
  both(ctx, (bp_var[]){y, grad}, 2, &x, 1, in, r);
  bt_assert_close(r[0], expected, 1e-13, 0);
  bt_assert_close(r[1], slope, 1e-12, 0);
  bp_graph_free(g);
}

/* Two results of different shapes, of which only the second is used: y = Σ x², its slope 2x. */
static void ten_times_and_square(void *user, bp_graph *g, const bp_var *x, bp_var *r) {
  (void)user;
  r[0] = bp_expand(bp_mul(bp_scalar(g, BP_F64, 10), x[0]), 0);
  r[1] = bp_square(x[0]);
}

static void second_of_a_branch(void *user, bp_graph *g, const bp_var *s, const bp_var *c, const bp_var *x, bp_var *next,
                               bp_var *y) {
  bp_var r[2];
  (void)user, (void)c, (void)x, (void)y;
  bp_cond(bp_greater(s[0], bp_scalar(g, BP_F64, 0)), s, 1, ten_times_and_square, ten_times_and_square, NULL, 2, r);
  next[0] = r[1];
}

static void ten_times_and_row(void *user, bp_graph *g, const bp_var *s, const bp_var *c, const bp_var *x, bp_var *next,
                              bp_var *y) {
  (void)user, (void)c, (void)x;
  next[0] = bp_mul(bp_scalar(g, BP_F64, 10), s[0]);
  y[0] = bp_square(s[0]);
}

static void rows_of_a_loop(void *user, bp_graph *g, const bp_var *s, const bp_var *c, const bp_var *x, bp_var *next,
                           bp_var *y) {
  bp_var last, rows;
  bp_loop_args args = {.init = s, .n_state = 1, .n_y = 1};
  (void)user, (void)c, (void)x, (void)y;
  bp_scan(g, &args, 1, ten_times_and_row, NULL, &last, &rows);
  next[0] = bp_sum(rows, BP_ALL_AXES);
}

static void results_that_nobody_uses_change_no_derivative(void **state) {
  bp_context *ctx = bt_ctx(state);
  const bp_step_fn bodies[] = {second_of_a_branch, rows_of_a_loop};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    bp_graph *g;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var x = bp_input(g, "x", BP_F64, 0, NULL), one = bp_scalar(g, BP_F64, 1), y, out[5];
    bp_loop_args args = {.init = &x, .n_state = 1};
    bp_scan(g, &args, 2, bodies[i], NULL, &y, NULL);
    out[0] = y; /* x⁴ */
    bt_assert_ok(ctx, bp_grad(y, &x, 1, &out[1]));
    bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &one, 1, &out[2]));
    bt_assert_ok(ctx, bp_grad(out[2], &x, 1, &out[3]));
    bt_assert_ok(ctx, bp_jvp(&out[1], 1, &x, &one, 1, &out[4]));
    const double v = 3, expected[] = {81, 108, 108, 108, 108};
    double r[5];
    const void *in[] = {&v};
    both(ctx, out, 5, &x, 1, in, r);
    for (int k = 0; k < 5; k++) bt_assert_close(r[k], expected[k], 1e-14, 0);
    bp_graph_free(g);
  }
}

/* ---- errors ---- */
static void wrong_shape(void *user, bp_graph *g, const bp_var *s, const bp_var *c, const bp_var *x, bp_var *next,
                        bp_var *y) {
  (void)user, (void)c, (void)x, (void)y, (void)s;
  next[0] = bp_constant(g, BP_F64, 1, (int64_t[]){2}, (double[]){1, 2});
}
static void nothing(void *user, bp_graph *g, const bp_var *x, bp_var *r) { (void)user, (void)g, (void)x, (void)r; }

static void mistakes_are_recorded_with_shapes(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bp_var x, y;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  x = bp_input(g, "x", BP_F64, 0, NULL);
  bp_loop_args args = {.init = &x, .n_state = 1};
  bp_scan(g, &args, 3, wrong_shape, NULL, &y, NULL);
  assert_int_equal(bp_graph_status(g), BP_E_SHAPE);
  assert_non_null(strstr(bp_graph_message(g), "next state 0 is float64[2], expected float64[]"));
  bp_graph_free(g);

  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  x = bp_input(g, "x", BP_F64, 1, (int64_t[]){3});
  bp_cond(x, &x, 1, x_log_x, minus_square, NULL, 1, &y);
  assert_int_equal(bp_graph_status(g), BP_E_SHAPE);
  assert_non_null(strstr(bp_graph_message(g), "predicate is float64[3], expected a real scalar"));
  bp_graph_free(g);

  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  x = bp_input(g, "x", BP_F64, 0, NULL);
  bp_cond(x, &x, 1, x_log_x, nothing, NULL, 1, &y);
  assert_int_equal(bp_graph_status(g), BP_E_ARG);
  assert_non_null(strstr(bp_graph_message(g), "result 0 was not set"));
  bp_graph_free(g);

  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  x = bp_input(g, "x", BP_F64, 1, (int64_t[]){BP_BATCH});
  args.init = &x;
  bp_scan(g, &args, 3, collatz, NULL, &y, NULL);
  assert_int_equal(bp_graph_status(g), BP_E_SHAPE);
  assert_non_null(strstr(bp_graph_message(g), "has a batch"));
  bp_graph_free(g);
}

/* ---- memory ---- */
static bp_status sweep_job(bp_context *ctx, void *user) {
  (void)user;
  bp_graph *g;
  bp_program *program = NULL;
  bp_workspace *w = NULL;
  double s = 0.7, c = 1.3, r;
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var in[3] = {bp_input(g, "s", BP_F64, 0, NULL), bp_input(g, "c", BP_F64, 0, NULL),
                  bp_input(g, "x", BP_F64, 1, (int64_t[]){LENGTH})};
  bp_var final = {(bp_graph *)1, 7}, y = final, grad = final;
  bp_loop_args args = {
      .init = in, .n_state = 1, .constants = in + 1, .n_constants = 1, .x = in + 2, .n_x = 1, .n_y = 1};
  bp_scan(g, &args, LENGTH, wave, NULL, &final, &y);
  const void *values[] = {&s, &c, scan_x};
  void *out[] = {&r};
  (void)bp_grad(final, in + 1, 1, &grad);
  (void)bp_exp(y);
  status = bp_graph_status(g);
  if (status == BP_OK) status = bp_eval(&grad, 1, in, 3, 0, values, out);
  if (status == BP_OK) status = bp_compile(&grad, 1, in, 3, NULL, &program);
  if (status == BP_OK) status = bp_workspace_new(ctx, program, 1, &w);
  if (status == BP_OK) status = bp_run(program, w, 0, values, out);
  bp_workspace_free(w);
  bp_program_free(program);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  bt_alloc_sweep(sweep_job, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(scan_computes_what_a_loop_in_c_computes),
      BT_TEST(scan_gradient_equals_differences_and_forward_mode),
      BT_TEST(scan_gradient_of_slices_is_stacked),
      BT_TEST(higher_derivatives_of_a_scan_agree_in_every_order_of_modes),
      BT_TEST(while_is_differentiated_along_the_trips_taken),
      BT_TEST(while_that_never_ends_is_stopped_at_its_bound),
      BT_TEST(while_without_a_trip_hands_its_state_through),
      BT_TEST(cond_takes_one_branch_and_its_derivatives),
      BT_TEST(branches_nest_in_loops_and_differentiate),
      BT_TEST(results_that_nobody_uses_change_no_derivative),
      BT_TEST(mistakes_are_recorded_with_shapes),
      BT_TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
