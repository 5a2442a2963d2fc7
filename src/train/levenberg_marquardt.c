/* levenberg_marquardt.c - least squares by damped Gauss-Newton steps (Levenberg, 1944; Marquardt, 1963):
 *
 *   (A + λ D) s = -g,   A the Gauss-Newton matrix, D diagonal
 *
 * A step is taken when it makes f smaller; λ follows the ratio of the reduction to the one that the model promised, by the rule of
 * Nielsen (1999; Madsen, Nielsen and Tingleff, Methods for Non-Linear Least Squares Problems, 2004, Algorithm 3.16).
 *
 * Few unknowns: A is formed, a product with each unit vector at a time, D is the largest diagonal of A so far (Moré, 1978), which makes
 * the method blind to the units of the unknowns, and the step comes from a Cholesky factor in a compiled program. That is exact
 * where curve fits are so ill-conditioned that conjugate gradients never arrive. Many unknowns: D = I, and conjugate gradients need
 * a few dozen products with A.
 *
 * Where the limit stands was measured on networks 4-h-h-1 (tanh, float64), in seconds of the processor to the same loss: with 171
 * unknowns and 500 rows both ways take the same time (0.9 and 1.1 s to 1.7e-4), with 541 and 1000 rows the factor takes 12 s to 6e-6 and
 * conjugate gradients 3.5 s. Floor: train.
 */
#include "train/levenberg_marquardt.h"

#include <string.h>

#include "backprop/minimize.h"
#include "backprop/ops.h"
#include "base/fail.h"

/* The state begins with these. */
enum { LAMBDA, NU, STARTED };

#define LAMBDA_START 1e-3 /* a part of the diagonal, or of the curvature along the gradient */
#define LAMBDA_MOST  1e20
#define TRIALS_MAX   60
/* Conjugate gradients end at this part of the first residual, or after this many products. */
#define CG_TOLERANCE 1e-3
#define CG_MAX       200

/* step = -(A + λ diag(D))⁻¹ g by a Cholesky factor; NaN where there is none. */
static bp_status compile_solver(bp_context *ctx, lm *l, int threads) {
  int64_t n = (int64_t)l->n;
  bp_graph *graph;
  BP_TRY(bp_graph_new(ctx, &graph));
  bp_var a = bp_input(graph, "a", BP_F64, 2, (int64_t[]){n, n}), d = bp_input(graph, "scale", BP_F64, 1, &n);
  bp_var lambda = bp_input(graph, "lambda", BP_F64, 0, NULL), g = bp_input(graph, "gradient", BP_F64, 1, &n);
  bp_var factor = bp_cholesky(bp_add(a, bp_diag(bp_mul(d, lambda))));
  bp_var half = bp_solve_triangular(factor, bp_neg(g), true, false);
  bp_var step = bp_solve_triangular(factor, half, true, true), in[] = {a, d, lambda, g};
  bp_status status = bp_graph_status(graph);
  if (status == BP_OK) status = bp_compile(&step, 1, in, 4, NULL, &l->solve);
  bp_graph_free(graph);
  BP_TRY(status);
  return bp_workspace_new(ctx, l->solve, threads, &l->workspace);
}

bp_status lm_init(bp_context *ctx, lm *l, size_t n, int threads) {
  *l = (lm){.allocator = bp_context_allocator(ctx), .n = n, .dense = n <= BP_LM_DENSE};
  size_t vectors;
  if (!bp_mul_size(l->dense ? 6 + n : 8, n, &vectors) || !bp_add_size(vectors, FULL_SCALARS, &l->block_size))
    return bp_fail(ctx, BP_E_NOMEM, "Levenberg-Marquardt: %zu unknowns do not fit in memory", n);
  l->block = bp_calloc(ctx, l->block_size, sizeof *l->block);
  if (l->block == NULL) return BP_E_NOMEM;
  l->state = l->block;
  l->scale = l->state + FULL_SCALARS;
  l->state_size = FULL_SCALARS + n;
  l->g = l->scale + n;
  l->step = l->g + n;
  l->new_x = l->step + n;
  l->new_g = l->new_x + n;
  l->image = l->new_g + n;
  l->a = l->image + n;
  if (l->dense) return compile_solver(ctx, l, threads);
  l->residual = l->image + n;
  l->direction = l->residual + n;
  return BP_OK;
}

void lm_release(lm *l) {
  bp_workspace_free(l->workspace);
  bp_program_free(l->solve);
  bp_release(l->allocator, l->block, l->block_size, sizeof *l->block);
}

/* ---- the linear system ---- */

/* A, column by column; and D. Columns that say nothing have a scale of their own, so that A + λD has a factor. */
static bp_status form_matrix(lm *l, const full_objective *o, const double *x) {
  size_t n = l->n;
  double *unit = l->step, most = 0;
  memset(unit, 0, n * sizeof *unit);
  for (size_t j = 0; j < n; j++) {
    unit[j] = 1;
    BP_TRY(o->product(o->user, x, unit, l->a + j * n)); /* A is symmetric: a row is a column */
    unit[j] = 0;
    most = fmax(most, l->a[j * n + j]);
  }
  double least = most > 0 ? 1e-12 * most : 1;
  for (size_t j = 0; j < n; j++) l->scale[j] = fmax(l->scale[j], fmax(l->a[j * n + j], least));
  return BP_OK;
}

/* λ of the first iteration where D = I: a part of the curvature along the gradient. */
static bp_status measure_curvature(lm *l, const full_objective *o, const double *x, double *lambda) {
  double square = full_dot(l->g, l->g, l->n);
  BP_TRY(o->product(o->user, x, l->g, l->image));
  double curvature = square > 0 ? full_dot(l->g, l->image, l->n) / square : 0;
  *lambda = curvature > 0 ? LAMBDA_START * curvature : LAMBDA_START;
  return BP_OK;
}

/* Before the trials of an iteration: what they share. */
static bp_status linearise(lm *l, const full_objective *o, const double *x) {
  double lambda = LAMBDA_START;
  if (l->dense) BP_TRY(form_matrix(l, o, x));
  if (l->state[STARTED] > 0) return BP_OK;
  for (size_t j = 0; j < l->n && !l->dense; j++) l->scale[j] = 1;
  if (!l->dense) BP_TRY(measure_curvature(l, o, x, &lambda));
  l->state[LAMBDA] = lambda;
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

static bp_status solve(lm *l, const full_objective *o, const double *x) {
  if (!l->dense) return conjugate_gradients(l, o, x);
  return bp_run(l->solve, l->workspace, 0, (const void *[]){l->a, l->scale, &l->state[LAMBDA], l->g},
                (void *[]){l->step});
}

/* ---- iterations ---- */

/* What the model promises: -(gᵀs + ½ sᵀAs) = ½ sᵀ(λ D s - g) for s that solves the system. */
static double promised(const lm *l) {
  double sum = 0;
  for (size_t i = 0; i < l->n; i++) sum += l->step[i] * (l->state[LAMBDA] * l->scale[i] * l->step[i] - l->g[i]);
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
  if (*better || fabs(*new_f - l->f) > o->noise * fabs(l->f)) return BP_OK;
  *better = full_largest(l->new_g, l->n) < full_largest(l->g, l->n);
  if (*better) *ratio = 1;
  return BP_OK;
}

static void accept(lm *l, double *x, double new_f, double ratio) {
  double q = 2 * ratio - 1;
  memcpy(x, l->new_x, l->n * sizeof *x);
  memcpy(l->g, l->new_g, l->n * sizeof *l->g);
  l->f = new_f;
  l->state[LAMBDA] *= fmax(1.0 / 3, 1 - q * q * q);
  l->state[NU] = 2;
}

bp_status lm_iterate(lm *l, const full_objective *objective, double *x, full_step *out) {
  bool better = false;
  BP_TRY(linearise(l, objective, x));
  for (int trial = 0; trial < TRIALS_MAX && !better && l->state[LAMBDA] < LAMBDA_MOST; trial++) {
    double ratio, new_f;
    BP_TRY(solve(l, objective, x));
    BP_TRY(try_step(l, objective, x, &ratio, &new_f, &better));
    if (better) {
      accept(l, x, new_f, ratio);
    } else {
      l->state[LAMBDA] *= l->state[NU];
      l->state[NU] *= 2;
    }
  }
  *out = (full_step){l->f, full_largest(l->g, l->n), !better};
  return BP_OK;
}
