/* losses.c - the built-in losses as graph code, in one table. Floor: train.
 *
 * A loss that is paired with its own unit is computed from z, in the form that neither overflows nor rounds small losses of
 * right answers to nothing; only with another unit it is computed from p.
 */
#include <math.h>

#include "backprop/ops.h"
#include "train/objective.h"

static const double pi = 3.14159265358979323846;

bp_var like(bp_var x, double value) { return bp_scalar(x.graph, bp_var_dtype(x), value); }

bp_var columns_of(bp_var x, int64_t first, int64_t n) {
  return bp_var_dim(x, 1) == n ? x : bp_slice(x, 1, first, first + n, 1);
}

static bp_var sum(bp_var x) { return bp_sum(x, BP_LAST_AXIS); }
static bp_var mean(bp_var x) { return bp_mean(x, BP_LAST_AXIS); }
static bp_var times(bp_var x, double factor) { return factor == 1 ? x : bp_mul(x, like(x, factor)); }
static bp_var plus(bp_var x, double term) { return term == 0 ? x : bp_add(x, like(x, term)); }
static bp_var residual(const loss_case *c) { return bp_sub(c->p, c->y); } /* p - y */
static bool has_classes(const loss_case *c) { return c->classes.graph != NULL; }

/* ---- classes and probabilities ---- */

/* Σ a b where 0 · inf is 0: what has no weight does not count. */
static bp_var weighted(bp_var a, bp_var b) { return sum(bp_where(a, bp_mul(a, b), like(a, 0))); }

/* (1-ε) (logsumexp(z) - z_c) + ε mean over j of (logsumexp(z) - z_j) */
static bp_var cross_entropy_rows(const loss_case *c) {
  if (!has_classes(c)) return bp_neg(weighted(c->y, bp_log_softmax(c->z)));
  bp_var rows = bp_softmax_cross_entropy(c->z, c->classes);
  if (c->smoothing == 0) return rows;
  bp_var even = bp_neg(mean(bp_log_softmax(c->z)));
  return bp_add(times(rows, 1 - c->smoothing), times(even, c->smoothing));
}

/* -log P(y) for P(1) = σ(z): y ζ(-z) + (1 - y) ζ(z), which is ζ((1 - 2y) z) for y in {0, 1}. The shorter ζ(z) - y z is the
 * same number, but rounds the small losses and gradients of right answers to nothing. */
static bp_var binary_rows(const loss_case *c) {
  bp_var not_y = bp_sub(like(c->z, 1), c->y);
  return sum(bp_add(bp_mul(c->y, bp_softplus(bp_neg(c->z))), bp_mul(not_y, bp_softplus(c->z))));
}

/* Σ y (log y - log p) */
static bp_var kl_rows(const loss_case *c) {
  bp_var one = like(c->y, 1);
  bp_var log_y = bp_log(bp_where(c->y, c->y, one));
  return weighted(c->y, bp_sub(log_y, bp_log_softmax(c->z)));
}

/* z_j - z_c for the largest z_j + margin of the classes j ≠ c; at least 0. y is one-hot. */
static bp_var beyond_class(const loss_case *c, double margin) {
  bp_var others = margin == 0 ? c->z : bp_add(c->z, times(bp_sub(like(c->z, 1), c->y), margin));
  return bp_sub(bp_reduce_max(others, BP_LAST_AXIS), sum(bp_mul(c->z, c->y)));
}

static bool many_classes(const loss_case *c) { return has_classes(c) && bp_var_dim(c->z, 1) > 1; }

static bp_var hinge_rows(const loss_case *c) {
  if (many_classes(c)) return beyond_class(c, 1);
  bp_var sign = plus(times(c->y, 2), -1);
  return sum(bp_relu(bp_sub(like(c->z, 1), bp_mul(sign, c->z))));
}

static bp_var perceptron_rows(const loss_case *c) {
  if (many_classes(c)) return beyond_class(c, 0);
  bp_var wrong = bp_sub(bp_heaviside(c->z), c->y); /* heaviside has no derivative: it is constant already */
  return sum(bp_mul(wrong, c->z));
}

/* ---- squares ---- */

static bp_var mse_rows(const loss_case *c) { return mean(bp_square(residual(c))); }
static bp_var half_squared_rows(const loss_case *c) { return times(sum(bp_square(residual(c))), 0.5); }
static bp_var rss_rows(const loss_case *c) { return sum(bp_square(residual(c))); }

static bp_var gaussian_rows(const loss_case *c) {
  double s = c->o->setting, width = (double)bp_var_dim(c->p, 1);
  return plus(times(sum(bp_square(times(residual(c), 1 / s))), 0.5), width * (log(s) + 0.5 * log(2 * pi)));
}

/* ---- a Gaussian whose spread is learnt as well ---- */

/* Limits on log variances, so that no finite z makes an infinite or vanishing variance: 1e-26 .. 1e26. */
enum { LOG_VARIANCE_MOST = 60 };

bp_var gaussian_log_variance(const bp_objective *o, bp_var z) {
  return bp_clip(columns_of(z, o->width, o->width), -LOG_VARIANCE_MOST, LOG_VARIANCE_MOST);
}

static bp_var gaussian_variance_rows(const loss_case *c) {
  bp_var s = gaussian_log_variance(c->o, c->z);
  bp_var standard = bp_mul(residual(c), bp_exp(times(s, -0.5)));
  return times(plus(sum(bp_add(s, bp_square(standard))), (double)c->o->width * log(2 * pi)), 0.5);
}

/* A 0/1 matrix that puts column i (i+1)/2 + j of the packed lower triangle at i n + j: [n (n+1)/2, n n] for the diagonal or for
 * what is below it. n <= 16. */
static bp_var unpacking(bp_var z, int64_t n, bool diagonal) {
  enum { MOST = 16 };
  bp_var rows[MOST * (MOST + 1) / 2];
  size_t packed = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      double cells[MOST * MOST] = {0};
      cells[i * n + j] = (i == j) == diagonal;
      rows[packed++] = bp_cast(bp_constant(z.graph, BP_F64, 1, (int64_t[]){n * n}, cells), bp_var_dtype(z));
    }
  return bp_stack(rows, packed, 0);
}

static bp_var packed_factor(const bp_objective *o, bp_var z) {
  return columns_of(z, o->width, o->width * (o->width + 1) / 2);
}

/* log of the diagonal of L, [rows, width] */
static bp_var log_diagonal(const bp_objective *o, bp_var z) {
  bp_var square = bp_matmul(packed_factor(o, z), unpacking(z, o->width, true));
  bp_var diagonal = bp_diag_part(bp_reshape(square, 3, (int64_t[]){BP_BATCH, o->width, o->width}));
  return bp_clip(diagonal, -LOG_VARIANCE_MOST / 2.0, LOG_VARIANCE_MOST / 2.0);
}

bp_var gaussian_factor(const bp_objective *o, bp_var z) {
  bp_var below = bp_matmul(packed_factor(o, z), unpacking(z, o->width, false));
  bp_var square = bp_reshape(below, 3, (int64_t[]){BP_BATCH, o->width, o->width});
  return bp_add(square, bp_diag(bp_exp(log_diagonal(o, z))));
}

static bp_var gaussian_full_rows(const loss_case *c) {
  bp_var standard = bp_solve_triangular(gaussian_factor(c->o, c->z), residual(c), true, false);
  bp_var half = times(sum(bp_square(standard)), 0.5);
  return plus(bp_add(half, sum(log_diagonal(c->o, c->z))), 0.5 * (double)c->o->width * log(2 * pi));
}

/* ---- medians, quantiles, outliers ---- */

static bp_var mae_rows(const loss_case *c) { return mean(bp_abs(residual(c))); }

static bp_var laplace_rows(const loss_case *c) {
  double gamma = c->o->setting, width = (double)bp_var_dim(c->p, 1);
  return plus(times(sum(bp_abs(residual(c))), 1 / gamma), width * log(2 * gamma));
}

static bp_var quantile_rows(const loss_case *c) {
  double tau = c->o->setting;
  bp_var r = bp_sub(c->y, c->p);
  return mean(bp_max(times(r, tau), times(r, tau - 1)));
}

/* With k = r held to -δ .. δ: k (r - ½k) is ½r² inside and δ|r| - ½δ² outside, and overflows no earlier than the loss. */
static bp_var huber_rows(const loss_case *c) {
  double delta = c->o->setting;
  bp_var r = residual(c), k = bp_clip(r, -delta, delta);
  return mean(bp_mul(k, bp_sub(r, times(k, 0.5))));
}

/* ---- counts ---- */

/* log ζ(z), which is z itself where ζ(z) would round to nothing. */
static bp_var log_softplus(bp_var z) {
  enum { FAR = -40 };
  bp_var near = bp_log(bp_softplus(bp_max(z, like(z, FAR))));
  return bp_where(bp_less(z, like(z, FAR)), z, near);
}

static bp_var poisson_rows(const loss_case *c) {
  bp_var log_p = c->o->output == BP_OUTPUT_EXP ? c->z : log_softplus(c->z);
  return sum(bp_sub(c->p, bp_mul(c->y, log_p)));
}

/* ---- the table ---- */

#define IDENTITY  OUTPUT_BIT(BP_OUTPUT_IDENTITY)
#define SIGMOID   OUTPUT_BIT(BP_OUTPUT_SIGMOID)
#define SOFTMAX   OUTPUT_BIT(BP_OUTPUT_SOFTMAX)
#define HEAVISIDE OUTPUT_BIT(BP_OUTPUT_HEAVISIDE)
#define POSITIVE  (OUTPUT_BIT(BP_OUTPUT_EXP) | OUTPUT_BIT(BP_OUTPUT_SOFTPLUS))
#define TANH      OUTPUT_BIT(BP_OUTPUT_TANH)
#define ANY       (OUTPUT_BIT(BP_OUTPUT_COUNT) - 1)

#define FLAT    "no gradient passes through it; take identity"
#define ADDS_UP "it needs probabilities that add up to 1; take softmax, or the loss binary_cross_entropy"
#define SQUARES(label, weight, formula, ...)                                                                           \
  {                                                                                                                    \
    .name = (label), .takes = TAKES_BOTH, .for_classes = BP_OUTPUT_IDENTITY, .for_values = BP_OUTPUT_IDENTITY,         \
    .fits = IDENTITY | POSITIVE, .odd = SIGMOID | SOFTMAX | TANH, .never_why = FLAT, .least = -INFINITY,               \
    .most = INFINITY, .square_weight = (weight), .rows = (formula), __VA_ARGS__                                        \
  }
#define VALUES(label, formula, ...)                                                                                    \
  {                                                                                                                    \
    .name = (label), .takes = TAKES_VALUES, .for_values = BP_OUTPUT_IDENTITY, .fits = IDENTITY | POSITIVE,             \
    .odd = SIGMOID | TANH, .never_why = "it is for values; take identity", .least = -INFINITY, .most = INFINITY,       \
    .rows = (formula), __VA_ARGS__                                                                                     \
  }
#define CLASSES(label, unit, formula, ...)                                                                             \
  {                                                                                                                    \
    .name = (label), .takes = TAKES_BOTH, .for_classes = (unit), .for_values = (unit), .least = 0, .most = 1,          \
    .rows = (formula), __VA_ARGS__                                                                                     \
  }
#define OWN(label)                                                                                                     \
  {                                                                                                                    \
    .name = (label), .takes = TAKES_BOTH, .for_classes = BP_OUTPUT_AUTO, .for_values = BP_OUTPUT_IDENTITY,             \
    .fits = ANY, .one_unit = true, .least = -INFINITY, .most = INFINITY                                                \
  }

const loss_kind loss_kinds[BP_LOSS_COUNT] = {
    [BP_LOSS_AUTO] = {.name = "auto", .takes = TAKES_BOTH, .fits = ANY},
    [BP_LOSS_CROSS_ENTROPY] = CLASSES("cross_entropy", BP_OUTPUT_SOFTMAX, cross_entropy_rows, .fits = SOFTMAX,
                                      .never_why = ADDS_UP, .smooths = true),
    [BP_LOSS_BINARY_CROSS_ENTROPY] = CLASSES(
        "binary_cross_entropy", BP_OUTPUT_SIGMOID, binary_rows, .fits = SIGMOID, .one_unit = true, .smooths = true,
        .never_why = "it needs a probability of each output; take sigmoid, or the loss cross_entropy"),
    [BP_LOSS_KL] = CLASSES("kl", BP_OUTPUT_SOFTMAX, kl_rows, .fits = SOFTMAX, .never_why = ADDS_UP, .smooths = true),
    [BP_LOSS_HINGE] = CLASSES("hinge", BP_OUTPUT_IDENTITY, hinge_rows, .fits = IDENTITY | HEAVISIDE,
                              .odd = SIGMOID | SOFTMAX, .one_unit = true, .never_why = "take identity or heaviside"),
    [BP_LOSS_PERCEPTRON] = CLASSES("perceptron", BP_OUTPUT_HEAVISIDE, perceptron_rows, .fits = IDENTITY | HEAVISIDE,
                                   .odd = SIGMOID | SOFTMAX, .one_unit = true, .never_why = "take heaviside"),
    [BP_LOSS_MSE] = SQUARES("mse", -2, mse_rows, ),
    [BP_LOSS_HALF_SQUARED_ERROR] = SQUARES("half_squared_error", 1, half_squared_rows, ),
    [BP_LOSS_RSS] = SQUARES("rss", 2, rss_rows, ),
    [BP_LOSS_GAUSSIAN] = SQUARES("gaussian", 1, gaussian_rows, .setting = {"sigma", 1, 1e6}),
    [BP_LOSS_GAUSSIAN_VARIANCE] = VALUES("gaussian_variance", gaussian_variance_rows, ),
    [BP_LOSS_GAUSSIAN_FULL] = VALUES("gaussian_full", gaussian_full_rows, ),
    [BP_LOSS_MAE] = VALUES("mae", mae_rows, ),
    [BP_LOSS_LAPLACE] = VALUES("laplace", laplace_rows, .setting = {"gamma", 1, 1e6}),
    [BP_LOSS_QUANTILE] = VALUES("quantile", quantile_rows, .setting = {"tau", 0.5, 1}),
    [BP_LOSS_HUBER] = VALUES("huber", huber_rows, .setting = {"delta", 1, 1e6}),
    [BP_LOSS_POISSON] = {.name = "poisson",
                         .takes = TAKES_VALUES,
                         .for_values = BP_OUTPUT_EXP,
                         .fits = POSITIVE,
                         .never_why = "it needs a mean above 0; take exp or softplus",
                         .least = 0,
                         .most = INFINITY,
                         .rows = poisson_rows},
    [BP_LOSS_EXPRESSION] = OWN("expression"),
    [BP_LOSS_CALLBACK] = OWN("callback"),
};
