/* Second and higher derivatives: all pairs of modes, products against matrices, closed forms up to the fourth order. */
/* labels: grad prop */
#include "autodiff/derivative_fixtures.h"
#include "support/graph_random.h"

/* ---- Hessians ---- */
enum { N = 4 };

/* A function with all second derivatives different from 0. */
static bp_var coupled(bp_var x) {
  bp_var pairs = bp_sin(bp_outer(x, bp_exp(bp_neg(x))));
  return bp_add(bp_logsumexp(bp_mul(x, x)), bp_log(bp_add(total(bp_square(pairs)), number(x.graph, 1))));
}

static void random_point(double *at, size_t n, uint64_t stream) {
  for (size_t i = 0; i < n; i++) at[i] = uniform(stream, i, 0.2, 1.5);
}

static void all_pairs_of_modes_agree_and_are_symmetric(void **state) {
  static const bp_mode modes[] = {BP_MODE_FORWARD, BP_MODE_REVERSE};
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double at[N], hessian[4][N * N], differences[N * N], plain[N * N];
  random_point(at, N, 11);
  bp_var x = vector(g, "x", N), y = coupled(x), h, gradient;
  for (int k = 0; k < 4; k++) {
    bt_assert_ok(ctx, bp_hessian_by(y, &x, 1, modes[k / 2], modes[k % 2], &h));
    value_of(h, x, at, hessian[k]);
    bt_assert_close_f64(hessian[k], hessian[0], N * N, 1e-12, 1e-13);
    for (int i = 0; i < N; i++)
      for (int j = 0; j < i; j++) bt_assert_close(hessian[k][i * N + j], hessian[k][j * N + i], 1e-12, 1e-13);
  }
  bt_assert_ok(ctx, bp_hessian(y, &x, 1, &h));
  value_of(h, x, at, plain);
  bt_assert_close_f64(plain, hessian[1], N * N, 0, 0);
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &gradient));
  differences_of(gradient, x, at, differences);
  bt_assert_close_f64(plain, differences, N * N, 1e-8, 1e-9);
  bp_graph_free(g);
}

/* ---- random functions ---- */
enum { FUNCTIONS = 500, N_MOST = 24 };

/* Σ tanh of what a random graph gives, bounded and curved. */
static bp_var bounded_total(const bt_random_graph *f) {
  bp_var sum = number(f->graph, 0);
  for (size_t i = 0; i < f->n_outputs; i++) sum = bp_add(sum, total(bp_tanh(f->outputs[i])));
  return sum;
}

/* The largest |h[k] - h[0]| and |h[0] - h[0]ᵀ| relative to the largest element of h[0]; -1: all zero, or not finite. */
static double worst_gap(double *const *h, size_t n) {
  double top = 0, gap = 0;
  for (size_t i = 0; i < n * n; i++) {
    if (!isfinite(h[0][i])) return -1;
    top = fmax(top, fabs(h[0][i]));
  }
  for (size_t i = 0; i < n * n; i++) {
    gap = fmax(gap, fabs(h[0][i] - h[0][i % n * n + i / n]));
    for (int k = 1; k < 4; k++) gap = isnan(h[k][i]) ? INFINITY : fmax(gap, fabs(h[k][i] - h[0][i]));
  }
  return top > 0 ? gap / top : gap > 0 ? INFINITY : -1;
}

/* Of the Hessian with respect to the first small variable where it is not zero; -1: there is none. */
static double gap_of(bp_context *ctx, const bt_random_graph *f) {
  static const bp_mode modes[] = {BP_MODE_FORWARD, BP_MODE_REVERSE};
  bp_var y = bounded_total(f), h[4];
  void *results[4];
  for (size_t i = 0; i < f->n_inputs; i++) {
    bp_var x = f->inputs[i];
    if (bp_var_dtype(x) != BP_F64 || elements_of(x) < 2 || elements_of(x) > N_MOST) continue;
    for (int k = 0; k < 4; k++) bt_assert_ok(ctx, bp_hessian_by(y, &x, 1, modes[k / 2], modes[k % 2], &h[k]));
    bt_function all = {"Hessian", h, 4, f->inputs, f->n_inputs, (const void *const *)f->values, 1};
    bt_evaluate(ctx, &all, 0, results, NULL);
    double gap = worst_gap((double *const *)results, elements_of(x));
    bt_free_arrays(results, 4);
    if (gap >= 0) return gap;
  }
  return -1;
}

/* Sums of up to a thousand products in another order; none is larger than the largest element by much. */
static void all_pairs_of_modes_agree_on_random_functions(void **state) {
  int curved = 0;
  for (int i = 0; i < FUNCTIONS; i++) {
    bt_random_options options = {
        .seed = 70000 + (uint64_t)i, .steps = 4 + i % 13, .max_batch = 1, .f64 = true, .one_type = true, .fixed = true};
    bt_random_graph f;
    bt_random_graph_make(bt_ctx(state), &options, &f);
    double gap = gap_of(bt_ctx(state), &f);
    if (gap > 1e-10) fail_msg("random function %d: the Hessians differ by %g", i, gap);
    curved += gap >= 0;
    bt_random_graph_free(&f);
  }
  print_message("%d of %d functions have a Hessian that is not zero\n", curved, FUNCTIONS);
  assert_true(curved > FUNCTIONS / 4);
}

static void blocks_of_several_variables_make_one_matrix(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double at[N], whole[N * N], aa[4], ab[2], ba[2], bb[1], ac[4], cc[4];
  random_point(at, N, 12);
  bp_var x = vector(g, "x", N), h, blocks[9];
  bp_var a = bp_input(g, "a", BP_F64, DIMS(1, 2)), b = bp_input(g, "b", BP_F64, 0, NULL), c = vector(g, "c", 1);
  bt_assert_ok(ctx, bp_hessian(coupled(x), &x, 1, &h));
  value_of(h, x, at, whole);
  bp_var joined = bp_concat((bp_var[]){bp_reshape(a, DIMS(2)), bp_reshape(b, DIMS(1)), c}, 3, 0), xs[] = {a, b, c};
  bt_assert_ok(ctx, bp_hessian(coupled(joined), xs, 3, blocks));
  assert_int_equal(bp_var_rank(blocks[0]), 4);
  assert_int_equal(bp_var_rank(blocks[1]), 2);
  assert_int_equal(bp_var_rank(blocks[4]), 0);
  bp_var wanted[] = {blocks[0], blocks[1], blocks[3], blocks[4], blocks[2], blocks[8]};
  values_of(wanted, 6, xs, 3, (const void *[]){at, at + 2, at + 3}, (double *[]){aa, ab, ba, bb, ac, cc});
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) bt_assert_close(aa[2 * i + j], whole[N * i + j], 1e-12, 1e-13);
    bt_assert_close(ab[i], whole[N * i + 2], 1e-12, 1e-13);
    bt_assert_close(ba[i], whole[N * 2 + i], 1e-12, 1e-13);
    bt_assert_close(ac[i], whole[N * i + 3], 1e-12, 1e-13);
  }
  bt_assert_close(bb[0], whole[N * 2 + 2], 1e-12, 1e-13);
  bt_assert_close(cc[0], whole[N * 3 + 3], 1e-12, 1e-13);
  bp_graph_free(g);
}

static void a_linear_function_has_no_curvature(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double at[3] = {1, 2, 3}, values[9];
  bp_var x = vector(g, "x", 3), unused = vector(g, "u", 2), h[4], y = total(bp_mul(x, number(g, 4)));
  bt_assert_ok(ctx, bp_hessian(y, (bp_var[]){x, unused}, 2, h));
  for (int k = 0; k < 4; k++) {
    memset(values, 1, sizeof values);
    value_of(h[k], x, at, values);
    for (size_t i = 0; i < elements_of(h[k]); i++) assert_true(values[i] == 0);
  }
  bp_graph_free(g);
}

/* ---- products ---- */
static void products_are_those_of_the_matrix(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double at[N], direction[N], matrix[N * N], hv[N], vh[N], expected[N] = {0};
  random_point(at, N, 13);
  for (size_t i = 0; i < N; i++) direction[i] = uniform(14, i, -1, 1);
  bp_var x = vector(g, "x", N), v = vector(g, "v", N), y = coupled(x), out[3], in[] = {x, v};
  bt_assert_ok(ctx, bp_hvp(y, &x, &v, 1, &out[0]));
  bt_assert_ok(ctx, bp_vhp(y, &x, &v, 1, &out[1]));
  bt_assert_ok(ctx, bp_hessian(y, &x, 1, &out[2]));
  values_of(out, 3, in, 2, (const void *[]){at, direction}, (double *[]){hv, vh, matrix});
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) expected[i] += matrix[i * N + j] * direction[j];
  bt_assert_close_f64(hv, expected, N, 1e-12, 1e-13);
  bt_assert_close_f64(vh, expected, N, 1e-12, 1e-13);
  bp_graph_free(g);
}

static void normal_products_are_those_of_the_matrix(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  enum { M = 6 };
  double at[N], direction[N], jacobian[M * N], jtjv[N], expected[N] = {0};
  random_point(at, N, 15);
  for (size_t i = 0; i < N; i++) direction[i] = uniform(16, i, -1, 1);
  bp_var x = vector(g, "x", N), v = vector(g, "v", N), in[] = {x, v}, out[2];
  bp_var y[] = {bp_square(x), bp_exp(bp_slice(bp_cumsum(x, 0), 0, 1, 3, 1))};
  bt_assert_ok(ctx, bp_normal_product(y, 2, &x, &v, 1, &out[0]));
  bt_assert_ok(ctx, bp_jacobian(bp_concat(y, 2, 0), &x, 1, BP_MODE_AUTO, &out[1]));
  values_of(out, 2, in, 2, (const void *[]){at, direction}, (double *[]){jtjv, jacobian});
  for (int i = 0; i < M; i++) {
    double jv = 0;
    for (int j = 0; j < N; j++) jv += jacobian[i * N + j] * direction[j];
    for (int j = 0; j < N; j++) expected[j] += jacobian[i * N + j] * jv;
  }
  bt_assert_close_f64(jtjv, expected, N, 1e-12, 1e-13);
  bp_graph_free(g);
}

/* A network with cross entropy: Jᵀ H J v against the product of the three matrices, and vᵀ G v is never negative. */
static void gauss_newton_products_are_those_of_the_matrices(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  enum { ROWS = 3, CLASSES = 4, IN = 2, Z = ROWS * CLASSES, W = IN * CLASSES };
  double data[ROWS * IN], at[W], direction[W], gv[W], j[Z * W], h[Z * Z], expected[W] = {0}, jv[Z] = {0}, hjv[Z] = {0},
                                                                          product = 0;
  for (size_t i = 0; i < ROWS * IN; i++) data[i] = uniform(17, i, -1, 1);
  for (size_t i = 0; i < W; i++) at[i] = uniform(18, i, -1, 1), direction[i] = uniform(19, i, -1, 1);
  bp_var w = bp_input(g, "w", BP_F64, DIMS(IN, CLASSES)), v = bp_input(g, "v", BP_F64, DIMS(IN, CLASSES)),
         in[] = {w, v}, out[3];
  bp_var z = bp_tanh(bp_matmul(bp_constant(g, BP_F64, DIMS(ROWS, IN), data), w)); /* curved in w */
  bp_var loss = total(bp_softmax_cross_entropy(z, bp_constant(g, BP_I32, DIMS(ROWS), (int32_t[]){0, 3, 1})));
  bt_assert_ok(ctx, bp_gauss_newton_product(loss, &z, 1, &w, &v, 1, &out[0]));
  bt_assert_ok(ctx, bp_jacobian(z, &w, 1, BP_MODE_AUTO, &out[1]));
  bt_assert_ok(ctx, bp_hessian(loss, &z, 1, &out[2]));
  values_of(out, 3, in, 2, (const void *[]){at, direction}, (double *[]){gv, j, h});
  for (int i = 0; i < Z; i++)
    for (int k = 0; k < W; k++) jv[i] += j[i * W + k] * direction[k];
  for (int i = 0; i < Z; i++)
    for (int k = 0; k < Z; k++) hjv[i] += h[i * Z + k] * jv[k];
  for (int k = 0; k < W; k++)
    for (int i = 0; i < Z; i++) expected[k] += j[i * W + k] * hjv[i];
  bt_assert_close_f64(gv, expected, W, 1e-12, 1e-13);
  for (int k = 0; k < W; k++) product += gv[k] * direction[k];
  assert_true(product > 0);
  bp_graph_free(g);
}

/* ---- third and fourth derivatives ---- */
typedef bp_var (*scalar_function)(bp_var x);
static bp_var quintic(bp_var x) { return bp_mul(bp_square(bp_square(x)), x); }
static bp_var power(bp_var x) { return bp_pow(x, number(x.graph, 5)); }
static bp_var exp_sin(bp_var x) { return bp_exp(bp_sin(x)); }
static bp_var reciprocal(bp_var x) { return bp_reciprocal(x); }
static bp_var sine_of_square(bp_var x) { return bp_sin(bp_square(x)); }

static void quintic_derivatives(double x, double *d) {
  d[0] = pow(x, 5), d[1] = 5 * pow(x, 4), d[2] = 20 * pow(x, 3), d[3] = 60 * x * x, d[4] = 120 * x;
}
static void exp_sin_derivatives(double x, double *d) {
  double s = sin(x), c = cos(x), e = exp(s);
  d[0] = e, d[1] = c * e, d[2] = (c * c - s) * e, d[3] = (c * c * c - 3 * s * c - c) * e;
  d[4] = (c * c * c * c - 6 * s * c * c - 4 * c * c + 3 * s * s + s) * e;
}
static void reciprocal_derivatives(double x, double *d) {
  d[0] = 1 / x, d[1] = -1 / (x * x), d[2] = 2 / pow(x, 3), d[3] = -6 / pow(x, 4), d[4] = 24 / pow(x, 5);
}
static void sine_of_square_derivatives(double x, double *d) {
  double s = sin(x * x), c = cos(x * x);
  d[0] = s, d[1] = 2 * x * c, d[2] = 2 * c - 4 * x * x * s, d[3] = -12 * x * s - 8 * x * x * x * c;
  d[4] = -12 * s - 48 * x * x * c + 16 * pow(x, 4) * s;
}

static bp_var once_more(bp_context *ctx, bp_var y, bp_var x, bool forward) {
  bp_var d, one = number(x.graph, 1);
  if (forward)
    bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &one, 1, &d));
  else
    bt_assert_ok(ctx, bp_grad(y, &x, 1, &d));
  return d;
}

/* Orders 1 to 4 in every sequence of modes. */
static void four_orders_are_exact_in_every_sequence_of_modes(void **state) {
  static const struct {
    scalar_function f;
    void (*derivatives)(double x, double *d);
  } rows[] = {{quintic, quintic_derivatives},
              {power, quintic_derivatives},
              {exp_sin, exp_sin_derivatives},
              {reciprocal, reciprocal_derivatives},
              {sine_of_square, sine_of_square_derivatives}};
  bp_context *ctx = bt_ctx(state);
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    for (unsigned sequence = 0; sequence < 16; sequence++) {
      bp_graph *g = new_graph(ctx);
      bp_var x = bp_input(g, "x", BP_F64, 0, NULL), d[5] = {rows[r].f(x)};
      double at = 1.25, expected[5], values[5];
      for (int k = 0; k < 4; k++) d[k + 1] = once_more(ctx, d[k], x, (sequence >> k & 1) != 0);
      rows[r].derivatives(at, expected);
      values_of(d, 5, &x, 1, (const void *[]){&at},
                (double *[]){&values[0], &values[1], &values[2], &values[3], &values[4]});
      bt_assert_close_f64(values, expected, 5, 1e-13, 0);
      bp_graph_free(g);
    }
}

/* ∂³/∂x_i∂x_j∂x_k of (aᵀx)³ is 6 a_i a_j a_k; the fourth derivative of (aᵀx)⁴ is 24 a_i a_j a_k a_l. */
static void tensors_of_third_and_fourth_order(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  const double a[3] = {2, -1, 0.5}, at[3] = {0.3, 0.7, -0.2};
  double third[27], fourth[81];
  bp_var x = vector(g, "x", 3), s = total(bp_mul(bp_constant(g, BP_F64, DIMS(3), a), x)), h, t, f;
  bt_assert_ok(ctx, bp_hessian(bp_mul(bp_square(s), s), &x, 1, &h));
  bt_assert_ok(ctx, bp_jacobian(h, &x, 1, BP_MODE_AUTO, &t));
  value_of(t, x, at, third);
  bt_assert_ok(ctx, bp_hessian(bp_square(bp_square(s)), &x, 1, &h));
  bt_assert_ok(ctx, bp_jacobian(h, &x, 1, BP_MODE_REVERSE, &t));
  bt_assert_ok(ctx, bp_jacobian(t, &x, 1, BP_MODE_FORWARD, &f));
  value_of(f, x, at, fourth);
  for (int i = 0; i < 27; i++) bt_assert_close(third[i], 6 * a[i / 9] * a[i / 3 % 3] * a[i % 3], 1e-13, 1e-14);
  for (int i = 0; i < 81; i++)
    bt_assert_close(fourth[i], 24 * a[i / 27] * a[i / 9 % 3] * a[i / 3 % 3] * a[i % 3], 1e-13, 1e-14);
  bp_graph_free(g);
}

/* d/dx [x · d/dy (x y)] = d/dx [x²] = 2x: the inner derivative must not see the outer tangent. */
static void nested_derivatives_are_not_confused(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int modes = 0; modes < 4; modes++) {
    bp_graph *g = new_graph(ctx);
    double point[2] = {3, 5}, value;
    bp_var x = bp_input(g, "x", BP_F64, 0, NULL), y = bp_input(g, "y", BP_F64, 0, NULL), in[] = {x, y};
    bp_var inner = once_more(ctx, bp_mul(x, y), y, modes % 2 != 0);
    bp_var outer = once_more(ctx, bp_mul(x, inner), x, modes / 2 != 0);
    values_of(&outer, 1, in, 2, (const void *[]){&point[0], &point[1]}, (double *[]){&value});
    assert_true(value == 6);
    bp_graph_free(g);
  }
}

/* ---- refusals ---- */
static void what_has_no_hessian_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *other = new_graph(ctx);
  bp_var foreign = vector(other, "x", 2);
  for (int i = 0; i < 6; i++) { /* a refusal is recorded on the graph, so each has one of its own */
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", 2), out[4] = {{0}}, batch = bp_input(g, "b", BP_F64, DIMS(BP_BATCH));
    if (i == 0) bt_assert_fails(ctx, BP_E_SHAPE, bp_hessian(bp_square(x), &x, 1, out));
    if (i == 0) bt_assert_message(ctx, "y is [2], expected a scalar");
    if (i == 1) bt_assert_fails(ctx, BP_E_ARG, bp_hessian(total(x), &foreign, 1, out));
    if (i == 2) bt_assert_fails(ctx, BP_E_SHAPE, bp_hessian(total(bp_square(batch)), &batch, 1, out));
    if (i == 3) bt_assert_fails(ctx, BP_E_SHAPE, bp_vhp(bp_square(x), &x, &x, 1, out));
    if (i == 4) bt_assert_fails(ctx, BP_E_ARG, bp_normal_product(&x, 1, &foreign, &foreign, 1, out));
    if (i == 5) bt_assert_fails(ctx, BP_E_ARG, bp_gauss_newton_product(total(x), &foreign, 1, &x, &x, 1, out));
    assert_ptr_equal(out[0].graph, g);
    for (int k = 1; k < 4; k++) assert_null(out[k].graph);
    bp_graph_free(g);
  }
  bp_graph_free(other);
}

static bp_status products_job(bp_context *ctx, void *user) {
  bp_graph *g;
  (void)user;
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var out[3] = {{(bp_graph *)1, 7}, {(bp_graph *)1, 7}, {(bp_graph *)1, 7}};
  bp_var x = vector(g, "x", 3), y = bp_exp(x), loss = total(y);
  (void)bp_vhp(loss, &x, &x, 1, &out[0]);
  (void)bp_normal_product(&y, 1, &x, &x, 1, &out[1]);
  (void)bp_gauss_newton_product(loss, &y, 1, &x, &x, 1, &out[2]);
  for (int i = 0; i < 3; i++) (void)total(bp_exp(out[i])); /* as a program does that checks its last call only */
  status = bp_graph_status(g);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(products_job, NULL) > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(all_pairs_of_modes_agree_and_are_symmetric),
      BT_TEST(all_pairs_of_modes_agree_on_random_functions),
      BT_TEST(blocks_of_several_variables_make_one_matrix),
      BT_TEST(a_linear_function_has_no_curvature),
      BT_TEST(products_are_those_of_the_matrix),
      BT_TEST(normal_products_are_those_of_the_matrix),
      BT_TEST(gauss_newton_products_are_those_of_the_matrices),
      BT_TEST(four_orders_are_exact_in_every_sequence_of_modes),
      BT_TEST(tensors_of_third_and_fourth_order),
      BT_TEST(nested_derivatives_are_not_confused),
      BT_TEST(what_has_no_hessian_is_refused),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
