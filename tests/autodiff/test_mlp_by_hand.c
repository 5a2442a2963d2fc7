/* labels: grad */
/* Backpropagation in an MLP written out by hand, in plain loops, against the gradient that the library derives from the graph:
 * for each activation and loss, in both element types.
 *
 *   δ_L = ∂R/∂z_L;  e_l = δ_l ⊙ φ'(a_l);  δ_{l-1} = W_l e_l;  ∂R/∂W_l = z_{l-1}ᵀ e_l;  ∂R/∂b_l = Σ_rows e_l
 *
 * with z_l = φ(a_l), a_l = z_{l-1} W_l + b_l for rows of examples, and a linear last layer.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "support/graph_check.h"
#include "support/testing.h"

enum { LAYERS = 3, ROWS = 9, WIDEST = 6 };
static const int64_t widths[LAYERS + 1] = {5, 6, 4, 3};
static const int threads[] = {1, 2, 0};
static const int64_t batches[] = {ROWS, -1};

/* ---- activations and losses: as nodes, and by hand ---- */
typedef struct activation {
  const char *name;
  bp_var (*node)(bp_var a);
  double (*value)(double a);
  double (*slope)(double a);
} activation;

static bp_var identity_node(bp_var a) { return a; }
static double identity(double a) { return a; }
static double one(double a) { return (void)a, 1; }
static double tanh_slope(double a) { return 1 - tanh(a) * tanh(a); }
static double sigma(double a) { return 1 / (1 + exp(-a)); }
static double sigma_slope(double a) { return sigma(a) * (1 - sigma(a)); }
static double ramp(double a) { return a > 0 ? a : 0; }
static double step(double a) { return a > 0; }
static bp_var leaky_node(bp_var a) {
  return bp_where(bp_greater(a, bp_scalar(a.graph, bp_var_dtype(a), 0)), a,
                  bp_mul(a, bp_scalar(a.graph, bp_var_dtype(a), 0.01)));
}
static double leaky(double a) { return a > 0 ? a : 0.01 * a; }
static double leaky_slope(double a) { return a > 0 ? 1 : 0.01; }
static double zeta(double a) { return log1p(exp(a)); }
static double sign_of(double a) { return a > 0 ? 1 : -1; }
static bp_var gelu_node(bp_var a) {
  bp_var half = bp_scalar(a.graph, bp_var_dtype(a), 0.5),
         root = bp_scalar(a.graph, bp_var_dtype(a), 0.70710678118654752);
  return bp_mul(bp_mul(half, a), bp_add(bp_scalar(a.graph, bp_var_dtype(a), 1), bp_erf(bp_mul(a, root))));
}
static double gelu(double a) { return 0.5 * a * (1 + erf(a * 0.70710678118654752)); }
static double gelu_slope(double a) {
  return 0.5 * (1 + erf(a * 0.70710678118654752)) + a * 0.39894228040143268 * exp(-a * a / 2);
}
static bp_var silu_node(bp_var a) { return bp_mul(a, bp_sigmoid(a)); }
static double silu(double a) { return a * sigma(a); }
static double silu_slope(double a) { return sigma(a) + a * sigma_slope(a); }

static const activation activations[] = {
    {"identity", identity_node, identity, one},
    {"tanh", bp_tanh, tanh, tanh_slope},
    {"sigmoid", bp_sigmoid, sigma, sigma_slope},
    {"relu", bp_relu, ramp, step},
    {"leaky relu", leaky_node, leaky, leaky_slope},
    {"softplus", bp_softplus, zeta, sigma},
    {"abs", bp_abs, fabs, sign_of},
    {"gelu", gelu_node, gelu, gelu_slope},
    {"silu", silu_node, silu, silu_slope},
};

typedef struct loss {
  const char *name;
  bool classes;
  bp_var (*node)(bp_var z, bp_var target); /* [rows] */
  /* R of one row with n outputs, and ∂R/∂z; target: class number at t[0], or n values */
  double (*hand)(const double *z, const double *t, int64_t n, double *slope);
} loss;

static bp_var squared_node(bp_var z, bp_var t) {
  return bp_mul(bp_scalar(z.graph, bp_var_dtype(z), 0.5), bp_sum(bp_square(bp_sub(z, t)), BP_LAST_AXIS));
}
static double squared(const double *z, const double *t, int64_t n, double *slope) {
  double r = 0;
  for (int64_t i = 0; i < n; i++) slope[i] = z[i] - t[i], r += 0.5 * (z[i] - t[i]) * (z[i] - t[i]);
  return r;
}
static bp_var absolute_node(bp_var z, bp_var t) { return bp_sum(bp_abs(bp_sub(z, t)), BP_LAST_AXIS); }
static double absolute(const double *z, const double *t, int64_t n, double *slope) {
  double r = 0;
  for (int64_t i = 0; i < n; i++) slope[i] = z[i] > t[i] ? 1 : -1, r += fabs(z[i] - t[i]);
  return r;
}
/* Bernoulli: ζ((1 - 2y) z) with y 0 or 1; its derivative is σ(z) - y. */
static bp_var bernoulli_node(bp_var z, bp_var t) {
  bp_var side = bp_sub(bp_scalar(z.graph, bp_var_dtype(z), 1), bp_mul(bp_scalar(z.graph, bp_var_dtype(z), 2), t));
  return bp_sum(bp_softplus(bp_mul(side, z)), BP_LAST_AXIS);
}
static double bernoulli(const double *z, const double *t, int64_t n, double *slope) {
  double r = 0;
  for (int64_t i = 0; i < n; i++)
    slope[i] = sigma(z[i]) - t[i], r -= t[i] > 0.5 ? log(sigma(z[i])) : log(1 - sigma(z[i]));
  return r;
}
static double categorical(const double *z, const double *t, int64_t n, double *slope) {
  double sum = 0;
  int64_t c = (int64_t)t[0];
  for (int64_t i = 0; i < n; i++) sum += exp(z[i]);
  for (int64_t i = 0; i < n; i++) slope[i] = exp(z[i]) / sum - (i == c);
  return -log(exp(z[c]) / sum);
}
static bp_var cross_entropy_node(bp_var z, bp_var t) { return bp_softmax_cross_entropy(z, t); }

static const loss losses[] = {
    {"half squared error", false, squared_node, squared},
    {"absolute error", false, absolute_node, absolute},
    {"bernoulli", false, bernoulli_node, bernoulli},
    {"categorical", true, cross_entropy_node, categorical},
};

/* ---- by hand ---- */
typedef struct network {
  const activation *phi;
  const loss *loss;
  double x[ROWS][WIDEST], target[ROWS][WIDEST];
  double w[LAYERS][WIDEST][WIDEST], b[LAYERS][WIDEST];
  double objective, w_bar[LAYERS][WIDEST][WIDEST], b_bar[LAYERS][WIDEST], x_bar[ROWS][WIDEST];
} network;

static void layer_forward(const network *n, int l, const double *z, double *a) {
  for (int64_t j = 0; j < widths[l + 1]; j++) {
    a[j] = n->b[l][j];
    for (int64_t i = 0; i < widths[l]; i++) a[j] += z[i] * n->w[l][i][j];
  }
}

static void row_by_hand(network *n, int row) {
  double z[LAYERS + 1][WIDEST], a[LAYERS][WIDEST], delta[WIDEST], next[WIDEST];
  memcpy(z[0], n->x[row], sizeof z[0]);
  for (int l = 0; l < LAYERS; l++) {
    layer_forward(n, l, z[l], a[l]);
    for (int64_t j = 0; j < widths[l + 1]; j++) z[l + 1][j] = l + 1 < LAYERS ? n->phi->value(a[l][j]) : a[l][j];
  }
  n->objective += n->loss->hand(z[LAYERS], n->target[row], widths[LAYERS], delta) / ROWS;
  for (int64_t j = 0; j < widths[LAYERS]; j++) delta[j] /= ROWS;
  for (int l = LAYERS - 1; l >= 0; l--) {
    memset(next, 0, sizeof next);
    for (int64_t j = 0; j < widths[l + 1]; j++) {
      double e = delta[j] * (l + 1 < LAYERS ? n->phi->slope(a[l][j]) : 1);
      n->b_bar[l][j] += e;
      for (int64_t i = 0; i < widths[l]; i++) {
        n->w_bar[l][i][j] += e * z[l][i];
        next[i] += e * n->w[l][i][j];
      }
    }
    memcpy(delta, next, sizeof next);
  }
  memcpy(n->x_bar[row], delta, sizeof delta);
}

static void draw_network(network *n, const activation *phi, const loss *r) {
  bt_random random = {.seed = 42};
  memset(n, 0, sizeof *n);
  n->phi = phi;
  n->loss = r;
  for (int l = 0; l < LAYERS; l++)
    for (int i = 0; i < WIDEST; i++) {
      n->b[l][i] = (double)(float)bt_uniform(&random, -0.5, 0.5);
      for (int j = 0; j < WIDEST; j++) n->w[l][i][j] = (double)(float)bt_uniform(&random, -1, 1);
    }
  for (int row = 0; row < ROWS; row++)
    for (int i = 0; i < WIDEST; i++) {
      n->x[row][i] = (double)(float)bt_uniform(&random, -1, 1);
      n->target[row][i] = r->classes ? bt_below(&random, 3) : bt_below(&random, 2);
    }
  for (int row = 0; row < ROWS; row++) row_by_hand(n, row);
}

/* ---- by the library ---- */
enum { INPUTS = 2 + 2 * LAYERS };

typedef struct model {
  bp_graph *g;
  bp_var in[INPUTS]; /* x, W_1, b_1, …, target */
  void *values[INPUTS];
  bp_var objective;
} model;

/* The first `columns` of each of `rows` rows of WIDEST. */
static void *array_of(const double *from, int64_t rows, int64_t columns, bp_dtype t) {
  void *to = malloc((size_t)(rows * columns) * sizeof(double));
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) bt_set(to, t, i * columns + j, from[i * WIDEST + j]);
  return to;
}

static model build(bp_context *ctx, const network *n, bp_dtype t) {
  model m;
  bt_assert_ok(ctx, bp_graph_new(ctx, &m.g));
  bp_var z = m.in[0] = bp_input(m.g, "x", t, 2, (const int64_t[]){BP_BATCH, widths[0]});
  m.values[0] = array_of(n->x[0], ROWS, widths[0], t);
  for (int l = 0; l < LAYERS; l++) {
    bp_var w = m.in[1 + 2 * l] = bp_input(m.g, "W", t, 2, &widths[l]);
    bp_var b = m.in[2 + 2 * l] = bp_input(m.g, "b", t, 1, &widths[l + 1]);
    m.values[1 + 2 * l] = array_of(n->w[l][0], widths[l], widths[l + 1], t);
    m.values[2 + 2 * l] = array_of(n->b[l], 1, widths[l + 1], t);
    z = bp_add(bp_matmul(z, w), b);
    if (l + 1 < LAYERS) z = n->phi->node(z);
  }
  bp_dtype target_type = n->loss->classes ? BP_I32 : t;
  int64_t dims[2] = {BP_BATCH, widths[LAYERS]};
  m.in[INPUTS - 1] = bp_input(m.g, "target", target_type, n->loss->classes ? 1 : 2, dims);
  m.values[INPUTS - 1] = array_of(n->target[0], ROWS, n->loss->classes ? 1 : widths[LAYERS], target_type);
  m.objective = bp_mean(n->loss->node(z, m.in[INPUTS - 1]), BP_ALL_AXES);
  bt_assert_ok(ctx, bp_graph_status(m.g));
  return m;
}

static void release(model *m) {
  bt_free_arrays(m->values, INPUTS);
  bp_graph_free(m->g);
}

static void assert_rows(const char *what, const void *got, bp_dtype t, const double *want, int64_t rows,
                        int64_t columns) {
  double tolerance = t == BP_F64 ? 1e-13 : 3e-6; /* sums of tens of products of numbers around 1 */
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      double g = bt_get(got, t, i * columns + j), w = want[i * WIDEST + j];
      if (!(fabs(g - w) <= tolerance * (1 + fabs(w))))
        fail_msg("%s: element %d, %d is %.17g, by hand %.17g", what, (int)i, (int)j, g, w);
    }
}

static void compare(bp_context *ctx, const network *n, bp_dtype t) {
  model m = build(ctx, n, t);
  bp_var out[INPUTS];
  void *results[INPUTS];
  char what[128];
  (void)snprintf(what, sizeof what, "%s, %s, %s", n->phi->name, n->loss->name, bp_dtype_name(t));
  out[0] = m.objective;
  bt_assert_ok(ctx, bp_grad(m.objective, m.in, INPUTS - 1, &out[1]));
  bt_function f = {what, out, INPUTS, m.in, INPUTS, (const void *const *)m.values, ROWS};
  (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
  bt_evaluate(ctx, &f, ROWS, results, NULL);
  assert_rows(what, results[0], t, &n->objective, 1, 1);
  assert_rows(what, results[1], t, n->x_bar[0], ROWS, widths[0]);
  for (int l = 0; l < LAYERS; l++) {
    assert_rows(what, results[2 + 2 * l], t, n->w_bar[l][0], widths[l], widths[l + 1]);
    assert_rows(what, results[3 + 2 * l], t, n->b_bar[l], 1, widths[l + 1]);
  }
  bt_free_arrays(results, INPUTS);
  release(&m);
}

static void the_gradient_is_the_one_by_hand(void **state) {
  static network n;
  for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
    for (size_t j = 0; j < sizeof losses / sizeof *losses; j++) {
      draw_network(&n, &activations[i], &losses[j]);
      compare(bt_ctx(state), &n, BP_F64);
      compare(bt_ctx(state), &n, BP_F32);
    }
}

/* W ← W - η ∂R/∂W for all layers at once, through states of a program; twice, since the second step reads the first. */
static void a_step_of_gradient_descent_is_the_one_by_hand(void **state) {
  bp_context *ctx = bt_ctx(state);
  static network n;
  const double rate = 0.3;
  draw_network(&n, &activations[1], &losses[3]);
  model m = build(ctx, &n, BP_F64);
  bp_var gradient[2 * LAYERS], roots[2 * LAYERS];
  void *results[2 * LAYERS] = {NULL};
  bt_assert_ok(ctx, bp_grad(m.objective, &m.in[1], 2 * LAYERS, gradient));
  for (int p = 0; p < 2 * LAYERS; p++)
    roots[p] = bp_assign(m.in[1 + p], bp_sub(m.in[1 + p], bp_mul(gradient[p], bp_scalar(m.g, BP_F64, rate))));
  bt_function f = {"descent", roots, 2 * LAYERS, m.in, INPUTS, (const void *const *)m.values, ROWS};
  (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
  bt_runner runner = bt_runner_new(ctx, &f, false, 2);
  for (int step_number = 0; step_number < 2; step_number++) {
    bt_assert_ok(ctx, bp_run(runner.program, runner.workspace, ROWS, (const void *const *)m.values, results));
    for (int l = 0; l < LAYERS; l++)
      for (int i = 0; i < WIDEST; i++) {
        n.b[l][i] -= rate * n.b_bar[l][i];
        for (int j = 0; j < WIDEST; j++) n.w[l][i][j] -= rate * n.w_bar[l][i][j];
      }
    memset(n.w_bar, 0, sizeof n.w_bar);
    memset(n.b_bar, 0, sizeof n.b_bar);
    for (int row = 0; row < ROWS; row++) row_by_hand(&n, row);
  }
  for (int l = 0; l < LAYERS; l++) {
    assert_rows("W", m.values[1 + 2 * l], BP_F64, n.w[l][0], widths[l], widths[l + 1]);
    assert_rows("b", m.values[2 + 2 * l], BP_F64, n.b[l], 1, widths[l + 1]);
  }
  bt_runner_free(&runner);
  release(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(the_gradient_is_the_one_by_hand),
      BT_TEST(a_step_of_gradient_descent_is_the_one_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
