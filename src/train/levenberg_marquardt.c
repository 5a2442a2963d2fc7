/* levenberg_marquardt.c - least squares of many unknowns by damped Gauss-Newton steps (Levenberg, 1944; Marquardt, 1963):
 *
 *   (A + λ I) s = -g,   A the Gauss-Newton matrix
 *
 * A step is taken when it makes f smaller; λ follows the ratio of the reduction to the one that the model promised, by the rule of
 * Nielsen (1999; Madsen, Nielsen and Tingleff, Methods for Non-Linear Least Squares Problems, 2004, Algorithm 3.16). Conjugate
 * gradients need a few dozen products with A.
 *
 * Few unknowns have a method of their own (trust_region.c), exact where curve fits are so ill-conditioned that conjugate gradients
 * never arrive. Where the limit stands was measured on networks 4-h-h-1 (tanh, float64), in seconds of the processor to the same loss: with 171
 * unknowns and 500 rows a factor of A takes the same time (0.9 and 1.1 s to 1.7e-4), with 541 and 1000 rows 12 s to 6e-6 and
 * conjugate gradients 3.5 s. Floor: train.
 */
#include "train/levenberg_marquardt.h"

#include <string.h>

#include "base/fail.h"

/* The state begins with these; MOST: the largest gradient so far. */
enum { LAMBDA, NU, STARTED, MOST };

#define LAMBDA_START 1e-3 /* a part of the curvature along the gradient */
#define LAMBDA_MOST  1e20
#define TRIALS_MAX   60
/* Conjugate gradients end at this part of the first residual, or after this many products. */
#define CG_TOLERANCE 1e-3
#define CG_MAX       200

bp_status lm_init(bp_context *ctx, lm *l, size_t n, double tolerance) {
  *l = (lm){.allocator = bp_context_allocator(ctx), .n = n, .tolerance = tolerance};
  size_t vectors;
  if (!bp_mul_size(7, n, &vectors) || !bp_add_size(vectors, FULL_SCALARS, &l->block_size))
    return bp_fail(ctx, BP_E_NOMEM, "Levenberg-Marquardt: %zu unknowns do not fit in memory", n);
  l->block = bp_calloc(ctx, l->block_size, sizeof *l->block);
  if (l->block == NULL) return BP_E_NOMEM;
  l->state = l->block;
  l->state_size = FULL_SCALARS;
  l->g = l->state + FULL_SCALARS;
  l->step = l->g + n;
  l->new_x = l->step + n;
  l->new_g = l->new_x + n;
  l->image = l->new_g + n;
  l->residual = l->image + n;
  l->direction = l->residual + n;
  return BP_OK;
}

void lm_release(lm *l) { bp_release(l->allocator, l->block, l->block_size, sizeof *l->block); }

/* ---- the linear system ---- */

/* λ of the first iteration: a part of the curvature along the gradient. */
static bp_status start(lm *l, const full_objective *o, const double *x) {
  if (l->state[STARTED] > 0) return BP_OK;
  double square = full_dot(l->g, l->g, l->n);
  BP_TRY(o->product(o->user, x, l->g, l->image));
  double curvature = square > 0 ? full_dot(l->g, l->image, l->n) / square : 0;
  l->state[LAMBDA] = curvature > 0 ? LAMBDA_START * curvature : LAMBDA_START;
  l->state[NU] = 2;
  l->state[STARTED] = 1;
  return BP_OK;
}

/* (Hestenes and Stiefel, 1952.) */
static bp_status conjugate_gradients(lm *l, const full_objective *o, const double *x) {
  size_t n = l->n;
  double *s = l->step, *r = l->residual, *d = l->direction, *image = l->image;
  for (size_t i = 0; i < n; i++) s[i] = 0, r[i] = d[i] = -l->g[i];
  double square = full_dot(r, r, n), enough = CG_TOLERANCE * CG_TOLERANCE * square;
  for (int k = 0; k < CG_MAX && square > enough; k++) {
    BP_TRY(o->product(o->user, x, d, image));
    for (size_t i = 0; i < n; i++) image[i] += l->state[LAMBDA] * d[i];
    double curvature = full_dot(d, image, n), before = square;
    if (!(curvature > 0)) return BP_OK; /* rounding; s is a direction of descent all the same */
    for (size_t i = 0; i < n; i++) {
      s[i] += square / curvature * d[i];
      r[i] -= before / curvature * image[i];
    }
    square = full_dot(r, r, n);
    for (size_t i = 0; i < n; i++) d[i] = r[i] + square / before * d[i];
  }
  return BP_OK;
}

/* ---- iterations ---- */

/* What the model promises: -(gᵀs + ½ sᵀAs) = ½ sᵀ(λ s - g) for s that solves the system. */
static double promised(const lm *l) {
  double sum = 0;
  for (size_t i = 0; i < l->n; i++) sum += l->step[i] * (l->state[LAMBDA] * l->step[i] - l->g[i]);
  return 0.5 * sum;
}

/* Tries the step. *better when it makes f smaller or, where f cannot tell for its rounding errors, the gradient. */
static bp_status try_step(lm *l, const full_objective *o, const double *x, double *ratio, double *new_f, bool *better) {
  double reduction = promised(l);
  *better = false;
  *ratio = 0;
  if (!(reduction > 0) || !isfinite(reduction)) return BP_OK;
  for (size_t i = 0; i < l->n; i++) l->new_x[i] = x[i] + l->step[i];
  BP_TRY(o->value(o->user, l->new_x, new_f, l->new_g));
  l->evaluations++;
  if (!isfinite(*new_f) || !isfinite(full_largest(l->new_g, l->n))) return BP_OK;
  *ratio = (l->f - *new_f) / reduction;
  *better = *new_f < l->f;
  if (fabs(*new_f - l->f) > o->noise * fabs(l->f)) return BP_OK;
  *better = *better || full_largest(l->new_g, l->n) < full_largest(l->g, l->n);
  if (*better) *ratio = 1;
  return BP_OK;
}

static void accept(lm *l, const full_objective *o, double *x, double new_f, double ratio) {
  double q = 2 * ratio - 1;
  full_keep(o);
  memcpy(x, l->new_x, l->n * sizeof *x);
  memcpy(l->g, l->new_g, l->n * sizeof *l->g);
  l->f = new_f;
  l->state[LAMBDA] *= fmax(1.0 / 3, 1 - q * q * q);
  l->state[NU] = 2;
}

static full_step report(lm *l, const full_objective *o, bool stuck) {
  double gradient = full_largest(l->g, l->n), part = fmax(l->tolerance, 10 * o->noise);
  l->state[MOST] = fmax(l->state[MOST], gradient);
  bool converged = gradient == 0 || (l->tolerance >= 0 && gradient <= part * l->state[MOST]);
  return (full_step){l->f, gradient, stuck ? FULL_STUCK : converged ? FULL_CONVERGED : FULL_GOES_ON};
}

bp_status lm_begin(lm *l, const full_objective *objective, double *x, full_step *out) {
  BP_TRY(objective->value(objective->user, x, &l->f, l->g));
  l->evaluations++;
  full_keep(objective);
  *out = report(l, objective, false);
  return BP_OK;
}

bp_status lm_iterate(lm *l, const full_objective *objective, double *x, full_step *out) {
  bool better = false;
  BP_TRY(start(l, objective, x));
  for (int trial = 0; trial < TRIALS_MAX && !better && l->state[LAMBDA] < LAMBDA_MOST; trial++) {
    double ratio, new_f;
    BP_TRY(conjugate_gradients(l, objective, x));
    BP_TRY(try_step(l, objective, x, &ratio, &new_f, &better));
    if (better) {
      accept(l, objective, x, new_f, ratio);
    } else {
      l->state[LAMBDA] *= l->state[NU];
      l->state[NU] *= 2;
    }
  }
  *out = report(l, objective, !better);
  return BP_OK;
}
