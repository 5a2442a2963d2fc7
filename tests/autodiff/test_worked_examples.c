/* labels: grad */
/* Worked examples whose numbers are known from elsewhere: a Jacobian in both modes, the trace of a logistic model, a small
 * computation graph, and the Gaussian mixture objective of a public benchmark of automatic differentiation.
 */
#include <math.h>
#include <stdlib.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "support/graph_check.h"
#include "support/testing.h"

static const int threads[] = {1, 2, 0};
static const int64_t one_batch[] = {1, -1};
enum { MOST = 32 };

static bp_graph *new_graph(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  return g;
}

static bp_var scalar(bp_graph *g) { return bp_input(g, "x", BP_F64, 0, NULL); }
static bp_var number(bp_graph *g, double value) { return bp_scalar(g, BP_F64, value); }

/* Scalars from scalars, in every way. */
static void compute(bp_context *ctx, const bp_var *out, size_t n, const bp_var *in, size_t n_in, const double *at,
                    double *values) {
  const void *places[MOST];
  void *results[MOST];
  for (size_t i = 0; i < n_in; i++) places[i] = &at[i];
  bt_function f = {"example", out, n, in, n_in, places, 1};
  (void)bt_assert_every_way(ctx, &f, threads, one_batch, NULL);
  bt_evaluate(ctx, &f, 1, results, NULL);
  for (size_t i = 0; i < n; i++) values[i] = bt_get(results[i], BP_F64, 0);
  bt_free_arrays(results, n);
}

/* f₁(x₁,x₂) = (x₁x₂, x₁+x₂), f₂(x₁,x₂) = (x₁x₂², x₁²+x₂², x₁/x₂): f₂ ∘ f₁ at (1,1). */
static void a_jacobian_comes_column_by_column_and_row_by_row(void **state) {
  static const double jacobian[3][2] = {{8, 8}, {6, 6}, {0.25, 0.25}}, at[2] = {1, 1};
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x[2] = {scalar(g), scalar(g)}, u = bp_mul(x[0], x[1]), v = bp_add(x[0], x[1]), row[2], column[3];
  bp_var y[3] = {bp_mul(u, bp_square(v)), bp_add(bp_square(u), bp_square(v)), bp_div(u, v)};
  double got[3];
  for (int j = 0; j < 2; j++) { /* forward: one column for each input */
    bp_var x_dot[2] = {number(g, j == 0), number(g, j == 1)};
    bt_assert_ok(ctx, bp_jvp(y, 3, x, x_dot, 2, column));
    compute(ctx, column, 3, x, 2, at, got);
    for (int i = 0; i < 3; i++) bt_assert_close(got[i], jacobian[i][j], 0, 0);
  }
  for (int i = 0; i < 3; i++) { /* reverse: one row for each output */
    bp_var y_bar[3] = {number(g, i == 0), number(g, i == 1), number(g, i == 2)};
    bt_assert_ok(ctx, bp_vjp(y, y_bar, 3, x, 2, row));
    compute(ctx, row, 2, x, 2, at, got);
    for (int j = 0; j < 2; j++) bt_assert_close(got[j], jacobian[i][j], 0, 0);
  }
  bp_graph_free(g);
}

/* Residual sum of squares of a logistic model on {((1,1.5),0), ((1.5,-1),1)} at w = (-1,1.5,0.5): the values v₁ … v₈ and L,
 * and the adjoints of all of them, as published: with two decimals, from values of two decimals. */
static void the_trace_of_a_logistic_model_is_the_published_one(void **state) {
  static const double at[3] = {-1, 1.5, 0.5};
  static const double values[9] = {1.25, 0.75, 0.78, 0.68, -0.78, 0.32, 0.61, 0.10, 0.71};
  static const double adjoints[11] = {0.27, -0.14, 1.55, -0.64, -1.55, 0.64, 1, 1, 0.13, 0.06, 0.54};
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var w[3] = {scalar(g), scalar(g), scalar(g)}, v[11], bar[11], one = number(g, 1), k = number(g, 1.5);
  v[0] = bp_add(bp_add(w[0], w[1]), bp_mul(k, w[2]));
  v[1] = bp_sub(bp_add(w[0], bp_mul(k, w[1])), w[2]);
  v[2] = bp_sigmoid(v[0]);
  v[3] = bp_sigmoid(v[1]);
  v[4] = bp_neg(v[2]);
  v[5] = bp_sub(one, v[3]);
  v[6] = bp_square(v[4]);
  v[7] = bp_square(v[5]);
  bp_var l = v[8] = bp_add(v[6], v[7]);
  double got[11], s1 = 1 / (1 + exp(-1.25)), s2 = 1 / (1 + exp(-0.75));
  compute(ctx, v, 9, w, 3, at, got);
  for (int i = 0; i < 9; i++) bt_assert_close(got[i], values[i], 0, 0.0065);
  for (int i = 0; i < 3; i++) v[8 + i] = w[i];
  bt_assert_ok(ctx, bp_vjp(&l, &one, 1, v, 11, bar));
  compute(ctx, bar, 11, w, 3, at, got);
  for (int i = 0; i < 11; i++) bt_assert_close(got[i], adjoints[i], 0, 0.0065);
  /* and exactly: v̄₁ = 2σ₁·σ₁(1-σ₁), v̄₂ = -2(1-σ₂)·σ₂(1-σ₂) */
  double v1 = 2 * s1 * s1 * (1 - s1), v2 = -2 * (1 - s2) * s2 * (1 - s2),
         gradient[3] = {v1 + v2, v1 + 1.5 * v2, 1.5 * v1 - v2};
  bt_assert_close_f64(&got[8], gradient, 3, 1e-14, 0);
  for (int i = 0; i < 3; i++) { /* the tangent column of each weight ends in the same number */
    bp_var w_dot[3] = {number(g, i == 0), number(g, i == 1), number(g, i == 2)}, l_dot;
    bt_assert_ok(ctx, bp_jvp(&l, 1, w, w_dot, 3, &l_dot));
    compute(ctx, &l_dot, 1, w, 3, at, got);
    bt_assert_close(got[0], gradient[i], 1e-14, 0);
  }
  bp_graph_free(g);
}

/* h₂ = σ(c₁c₂), c₁ = tanh(w₁x₁+w₂x₂), c₂ = tanh(w₃x₁+w₄x₂), y = log h₂:
 * ∂y/∂x₂ = (1-h₂)·(c₂(1-c₁²)w₂ + c₁(1-c₂²)w₄). */
static void paths_that_meet_add(void **state) {
  static const double at[6] = {0.8, -1.1, 0.3, -0.7, 1.9, 0.4}; /* x₁ x₂ w₁ w₂ w₃ w₄ */
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var in[6], dy;
  for (int i = 0; i < 6; i++) in[i] = scalar(g);
  bp_var c1 = bp_tanh(bp_add(bp_mul(in[2], in[0]), bp_mul(in[3], in[1])));
  bp_var c2 = bp_tanh(bp_add(bp_mul(in[4], in[0]), bp_mul(in[5], in[1])));
  bp_var y = bp_log(bp_sigmoid(bp_mul(c1, c2)));
  bt_assert_ok(ctx, bp_grad(y, &in[1], 1, &dy));
  double got, t1 = tanh(at[2] * at[0] + at[3] * at[1]), t2 = tanh(at[4] * at[0] + at[5] * at[1]),
              h2 = 1 / (1 + exp(-t1 * t2));
  compute(ctx, &dy, 1, in, 6, at, &got);
  bt_assert_close(got, (1 - h2) * (t2 * (1 - t1 * t1) * at[3] + t1 * (1 - t2 * t2) * at[5]), 1e-14, 0);
  bp_graph_free(g);
}

/* A loop of ordinary C that builds the graph: Newton's iteration for sqrt(a); the derivative is that of the path taken. */
static void loops_are_differentiated_along_the_path_taken(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var a = scalar(g), r = a, d[2];
  for (int i = 0; i < 8; i++) r = bp_mul(number(g, 0.5), bp_add(r, bp_div(a, r)));
  d[0] = r;
  bt_assert_ok(ctx, bp_grad(r, &a, 1, &d[1]));
  const double at = 7;
  double got[2];
  compute(ctx, d, 2, &a, 1, &at, got);
  bt_assert_close(got[0], sqrt(7), 1e-15, 0);
  bt_assert_close(got[1], 0.5 / sqrt(7), 1e-15, 0);
  bp_graph_free(g);
}

/* ---- the Gaussian mixture objective, smallest case of the benchmark: D = 2, K = 3, N = 1, γ = 1, m = 0 ---- */
static const double log_2pi = 1.8378770664093454836, log_pi = 1.1447298858494001741, log_2 = 0.69314718055994530942;

/* Column j of a matrix [3, columns], as [3]. */
static bp_var column(bp_var matrix, int64_t j) {
  double unit[3] = {0};
  int64_t n = bp_var_dim(matrix, 1);
  unit[j] = 1;
  bp_var e = bp_constant(matrix.graph, BP_F64, 2, ((const int64_t[]){n, 1}), unit);
  return bp_reshape(bp_matmul(matrix, e), 1, (const int64_t[]){3});
}

static bp_var mixture_objective(bp_var alpha, bp_var means, bp_var rows) {
  static const double x[2] = {1.175171, 2.029160};
  bp_graph *g = alpha.graph;
  bp_var q1 = column(rows, 0), q2 = column(rows, 1), l = column(rows, 2), half = number(g, 0.5);
  bp_var d1 = bp_sub(number(g, x[0]), column(means, 0)), d2 = bp_sub(number(g, x[1]), column(means, 1));
  bp_var z1 = bp_mul(bp_exp(q1), d1), z2 = bp_add(bp_mul(l, d1), bp_mul(bp_exp(q2), d2)); /* Q (x - μ) */
  bp_var inner = bp_sub(bp_add(alpha, bp_add(q1, q2)), bp_mul(half, bp_add(bp_square(z1), bp_square(z2))));
  bp_var prior = bp_mul(half, bp_add(bp_add(bp_square(bp_exp(q1)), bp_square(bp_exp(q2))), bp_square(l)));
  /* n = 3: C = nD(log γ - ½ log 2) - log Γ₂(3/2), log Γ₂(a) = ½ log π + log Γ(a) + log Γ(a - ½) */
  bp_var gamma = bp_add(bp_add(bp_lgamma(number(g, 1.5)), bp_lgamma(number(g, 1))), number(g, 0.5 * log_pi));
  bp_var c = bp_sub(number(g, -3 * log_2), gamma);
  bp_var likelihood = bp_sub(bp_sub(bp_logsumexp(inner), bp_logsumexp(alpha)), number(g, log_2pi));
  return bp_sub(bp_add(likelihood, bp_sum(prior, BP_ALL_AXES)), bp_mul(number(g, 3), c));
}

static void assert_agrees(double a, double b) {
  if (!(fabs(a - b) <= 1e-8 * fmax(1, fabs(a) + fabs(b)))) fail_msg("%.17g, published %.17g", a, b);
}

static void the_mixture_objective_is_the_published_one(void **state) {
  static const double alpha[3] = {-0.649014, 1.181166, -0.758453};
  static const double means[6] = {0.092339, 0.186260, 0.345561, 0.396767, 0.538817, 0.419195};
  static const double rows[9] = {0.586443,  -0.851887, 0.800321,  -1.509405, 0.875874,
                                 -0.242790, 0.166813,  -1.965419, -1.270071};
  static const double objective = 8.07380408004975791;
  static const double gradient[18] = {0.108662855508652456,  -0.741270039523898472, 0.632607184015246071,
                                      1.11692576532787013,   0.163333013551455269,  -0.0219989824071193142,
                                      0.227778292254236098,  1.20963025612832187,   -0.0606375920733956339,
                                      2.58529994051162237,   0.112632694524213789,  0.385744309849611777,
                                      0.0735180573182305508, 5.41836362715595232,   -0.321494409677446469,
                                      1.71892309775004937,   0.860091090790866875,  -0.994640930466322848};
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var in[3] = {bp_input(g, "alpha", BP_F64, 1, (const int64_t[]){3}),
                  bp_input(g, "means", BP_F64, 2, ((const int64_t[]){3, 2})),
                  bp_input(g, "rows", BP_F64, 2, ((const int64_t[]){3, 3}))};
  bp_var out[4];
  const void *values[3] = {alpha, means, rows};
  void *results[4];
  out[0] = mixture_objective(in[0], in[1], in[2]);
  bt_assert_ok(ctx, bp_grad(out[0], in, 3, &out[1]));
  bt_function f = {"mixture", out, 4, in, 3, values, 1};
  (void)bt_assert_every_way(ctx, &f, threads, one_batch, NULL);
  bt_evaluate(ctx, &f, 1, results, NULL);
  assert_agrees(bt_get(results[0], BP_F64, 0), objective);
  for (int i = 0; i < 18; i++)
    assert_agrees(bt_get(results[i < 3 ? 1 : i < 9 ? 2 : 3], BP_F64, i < 3 ? i : i < 9 ? i - 3 : i - 9), gradient[i]);
  bt_free_arrays(results, 4);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_jacobian_comes_column_by_column_and_row_by_row),
      BT_TEST(the_trace_of_a_logistic_model_is_the_published_one),
      BT_TEST(paths_that_meet_add),
      BT_TEST(loops_are_differentiated_along_the_path_taken),
      BT_TEST(the_mixture_objective_is_the_published_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
