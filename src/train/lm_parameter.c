/* lm_parameter.c - Newton's iteration on the secular equation φ(λ) = ‖D s(λ)‖ - radius = 0 in the form of Hebden (1973), safeguarded
 * by bounds on λ, after Moré, The Levenberg-Marquardt algorithm: implementation and theory (1978), section 5:
 *
 *   λ ← λ - (φ + radius) / radius · φ / φ',   l <= λ <= u,   l = -φ(0) / φ'(0),  u = ‖D⁻¹ Jᵀ r‖ / radius
 *
 * It nearly always needs two or three of the factors of [R; √λ D]. Floor: train.
 */
#include "train/lm_parameter.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "train/dense_qr.h"

#define NEAR        0.1 /* the radius is met within this part */
#define STEPS_MAX   10
#define LEAST_GUESS 1e-3 /* of the upper bound, in place of 0 */

/* Where the diagonal of R ends being above its rounding. */
static size_t rank(const lm_problem *p) {
  for (size_t k = 0; k < p->n; k++)
    if (!(fabs(p->r[k * p->lead + k]) > DBL_EPSILON * fabs(p->r[0]))) return k;
  return p->n;
}

/* s ← P z. */
static void in_order(const lm_problem *p, const double *z, double *s) {
  for (size_t k = 0; k < p->n; k++) s[p->order[k]] = z[k];
}

/* ‖D s‖ */
static double length(const lm_problem *p, const double *s, double *scaled) {
  for (size_t j = 0; j < p->n; j++) scaled[j] = p->scale[j] * s[j];
  return qr_norm(scaled, p->n);
}

/* The step with λ = 0. */
static void newton(const lm_problem *p, size_t r_rank, double *z, double *step) {
  for (size_t k = 0; k < p->n; k++) z[k] = k < r_rank ? -p->q[k] : 0;
  qr_solve(p->r, p->lead, r_rank, z);
  in_order(p, z, step);
}

/* The step with λ: the factor S of [R P; √λ D] is left in `damped`. */
static void damp(const lm_problem *p, double lambda, double *z, double *step) {
  size_t n = p->n, lead = 2 * n;
  double root = sqrt(lambda);
  memset(p->damped, 0, lead * n * sizeof *p->damped);
  memset(z, 0, 2 * n * sizeof *z);
  for (size_t k = 0; k < n; k++) {
    memcpy(p->damped + k * lead, p->r + k * p->lead, (k + 1) * sizeof *p->r);
    p->damped[k * lead + n + k] = root * p->scale[p->order[k]];
    z[k] = -p->q[k];
  }
  qr_add_diagonal(p->damped, lead, n, z);
  qr_solve(p->damped, lead, n, z);
  in_order(p, z, step);
}

/* -φ'(λ) / ‖D s‖ = ‖S⁻ᵀ Pᵀ D (D s) / ‖D s‖‖² for the factor S at λ. */
static double slope(const lm_problem *p, const double *s_factor, size_t lead, const double *scaled, double norm,
                    double *w) {
  for (size_t k = 0; k < p->n; k++) w[k] = p->scale[p->order[k]] * (scaled[p->order[k]] / norm);
  qr_solve_transposed(s_factor, lead, p->n, w);
  double root = qr_norm(w, p->n);
  return root * root;
}

/* ‖D⁻¹ P Rᵀ q‖ */
static double gradient(const lm_problem *p, double *w) {
  for (size_t k = 0; k < p->n; k++) {
    double sum = 0;
    for (size_t i = 0; i <= k; i++) sum += p->r[k * p->lead + i] * p->q[i];
    w[k] = sum / p->scale[p->order[k]];
  }
  return qr_norm(w, p->n);
}

void lm_damped_step(const lm_problem *p, double lambda, double *step) {
  if (lambda > 0)
    damp(p, lambda, p->work, step);
  else
    newton(p, rank(p), p->work, step);
}

void lm_parameter_step(const lm_problem *p, double *lambda, double *step) {
  size_t r_rank = rank(p);
  double *z = p->work, *scaled = z + 2 * p->n, *w = scaled + p->n, radius = p->radius, low = 0;
  newton(p, r_rank, z, step);
  double norm = length(p, step, scaled), phi = norm - radius;
  if (phi <= NEAR * radius) {
    *lambda = 0;
    return;
  }
  if (r_rank == p->n) low = phi / radius / slope(p, p->r, p->lead, scaled, norm, w);
  double steepness = gradient(p, w), high = steepness / radius;
  if (high == 0) high = DBL_MIN / fmin(radius, NEAR);
  double at = fmin(fmax(*lambda, low), high);
  if (at == 0) at = steepness / norm;
  for (int i = 1;; i++) {
    if (at == 0) at = fmax(DBL_MIN, LEAST_GUESS * high);
    damp(p, at, z, step);
    double before = phi;
    norm = length(p, step, scaled);
    phi = norm - radius;
    if (fabs(phi) <= NEAR * radius || (low == 0 && phi <= before && before < 0) || i == STEPS_MAX) break;
    double correction = phi / radius / slope(p, p->damped, 2 * p->n, scaled, norm, w);
    if (phi > 0) low = fmax(low, at);
    if (phi < 0) high = fmin(high, at);
    at = fmax(low, at + correction);
  }
  *lambda = at;
}
