/* gmm_objective.h - the objective of a Gaussian mixture with a Wishart prior, as graph code for any size.
 *
 *   L(α, M, Q, l) = -(ND/2) log 2π + Σᵢ logsumexp_k[α_k + Σq_k - ½‖Q_k (xᵢ - μ_k)‖²] - N logsumexp(α)
 *                   + Σ_k[½γ²(‖exp q_k‖² + ‖l_k‖²) - m Σq_k] - K·C
 *   C = nD(log γ - ½ log 2) - log Γ_D(n/2), n = D + m + 1
 *
 * Q_k is lower triangular, with exp(q_k) on its diagonal and l_k below, column by column; Γ_D is the multivariate gamma function.
 * It is the mixture problem of ADBench, a public benchmark of automatic differentiation.
 */
#ifndef GMM_OBJECTIVE_H
#define GMM_OBJECTIVE_H
#include <math.h>
#include <stdlib.h>

#include <backprop/graph.h>
#include <backprop/ops.h>

#define GMM_PI 3.14159265358979323846

/* A matrix of zeros [rows, D²] with ones where the rows' elements lie in a D by D matrix. */
static bp_var gmm_layout(bp_graph *g, int64_t rows, int64_t d, const int64_t *place) {
  double *ones = calloc((size_t)(rows * d * d), sizeof *ones);
  if (ones == NULL) return (bp_var){g, 0};
  for (int64_t r = 0; r < rows; r++) ones[r * d * d + place[r]] = 1;
  bp_var v = bp_constant(g, BP_F64, 2, (int64_t[]){rows, d * d}, ones);
  free(ones);
  return v;
}

/* The K matrices Q_k as [K, D²], from q [K, D] (here exp q) and l [K, D(D-1)/2]. */
static bp_var gmm_factors(bp_var exp_q, bp_var l) {
  bp_graph *g = exp_q.graph;
  int64_t d = bp_var_dim(exp_q, 1), n_l = d * (d - 1) / 2, *place = malloc((size_t)(d + n_l) * sizeof *place);
  if (place == NULL) return (bp_var){g, 0};
  int64_t *below = place + d, n = 0;
  for (int64_t i = 0; i < d; i++) place[i] = i * d + i;
  for (int64_t column = 0; column < d; column++)
    for (int64_t row = column + 1; row < d; row++) below[n++] = row * d + column;
  bp_var q = bp_matmul(exp_q, gmm_layout(g, d, d, place));
  if (n_l > 0) q = bp_add(q, bp_matmul(l, gmm_layout(g, n_l, d, below)));
  free(place);
  return q;
}

/* log Γ_D(a) */
static double gmm_log_gamma(double a, int64_t d) {
  double sum = 0.25 * (double)(d * (d - 1)) * log(GMM_PI);
  for (int64_t j = 1; j <= d; j++) sum += lgamma(a + 0.5 * (double)(1 - j));
  return sum;
}

static bp_var gmm_times(double k, bp_var v) { return bp_mul(bp_scalar(v.graph, BP_F64, k), v); }

/* alphas [K], means [K, D], icf [K, D + D(D-1)/2] (q, then l), x [N, D]: all float64. */
static bp_var gmm_objective(bp_var alphas, bp_var means, bp_var icf, bp_var x, double gamma, int m) {
  int64_t n = bp_var_dim(x, 0), d = bp_var_dim(x, 1), k = bp_var_dim(alphas, 0);
  bp_var q = bp_slice(icf, 1, 0, d, 1), l = bp_slice(icf, 1, d, BP_END, 1), exp_q = bp_exp(q);
  bp_var sum_q = bp_sum(q, BP_LAST_AXIS), factors = gmm_factors(exp_q, l);

  /* Q_k (xᵢ - μ_k) for all i and k: one matrix product, then a shift by Q_k μ_k. */
  bp_var qx = bp_matmul_t(x, false, bp_reshape(factors, 2, (int64_t[]){k * d, d}), true); /* [N, K D] */
  bp_var means_as_rows = bp_reshape(means, 3, (int64_t[]){k, 1, d});
  bp_var q_mean =
      bp_sum(bp_mul(bp_reshape(factors, 3, (int64_t[]){k, d, d}), means_as_rows), BP_LAST_AXIS); /* [K, D] */
  bp_var centred = bp_sub(qx, bp_reshape(q_mean, 1, (int64_t[]){k * d}));
  bp_var distance = bp_sum(bp_square(bp_reshape(centred, 3, (int64_t[]){n, k, d})), BP_LAST_AXIS); /* [N, K] */
  bp_var rows = bp_logsumexp(bp_sub(bp_add(alphas, sum_q), gmm_times(0.5, distance)));
  bp_var likelihood = bp_sub(bp_sum(rows, BP_ALL_AXES), gmm_times((double)n, bp_logsumexp(alphas)));

  double wishart = (double)(d + m + 1),
         constant = wishart * (double)d * (log(gamma) - 0.5 * log(2)) - gmm_log_gamma(wishart / 2, d);
  bp_var squares = bp_add(bp_sum(bp_square(exp_q), BP_ALL_AXES), bp_sum(bp_square(l), BP_ALL_AXES));
  bp_var prior = bp_sub(gmm_times(0.5 * gamma * gamma, squares), gmm_times((double)m, bp_sum(sum_q, BP_ALL_AXES)));
  double known = -0.5 * (double)(n * d) * log(2 * GMM_PI) - (double)k * constant;
  return bp_add(bp_add(likelihood, prior), bp_scalar(x.graph, BP_F64, known));
}

#endif
