/* lbfgs.c - L-BFGS (Nocedal, 1980) as Nocedal and Wright, Numerical Optimization (2006), have it: the direction by the two loops of
 * Algorithm 7.4 from the last pairs s = x' - x, y = g' - g, the iteration of Algorithm 7.5. A pair without yᵀs > 0, which only
 * rounding makes, is left out; when no step along the direction helps, the pairs are forgotten and steepest descent is tried.
 * Floor: train.
 */
#include "train/lbfgs.h"

#include <string.h>

#include "base/fail.h"
#include "train/line_search.h"

/* The state begins with these. */
enum { PAIRS, NEXT };

bp_status lbfgs_init(bp_context *ctx, lbfgs *l, size_t n, int memory) {
  size_t m = (size_t)memory, pairs;
  *l = (lbfgs){.allocator = bp_context_allocator(ctx), .n = n, .memory = m};
  if (!bp_mul_size(2 * m + 4, n, &pairs) || !bp_add_size(pairs, FULL_SCALARS + 2 * m, &l->block_size))
    return bp_fail(ctx, BP_E_NOMEM, "L-BFGS: %zu unknowns with %zu pairs do not fit in memory", n, m);
  l->block = bp_calloc(ctx, l->block_size, sizeof *l->block);
  if (l->block == NULL) return BP_E_NOMEM;
  l->state = l->block;
  l->s = l->state + FULL_SCALARS;
  l->y = l->s + m * n;
  l->rho = l->y + m * n;
  l->state_size = FULL_SCALARS + 2 * m * n + m;
  l->alpha = l->block + l->state_size;
  l->g = l->alpha + m;
  l->direction = l->g + n;
  l->new_x = l->direction + n;
  l->new_g = l->new_x + n;
  return BP_OK;
}

void lbfgs_release(lbfgs *l) { bp_release(l->allocator, l->block, l->block_size, sizeof *l->block); }

/* The i-th youngest pair, i = 0, 1, … */
static size_t young(const lbfgs *l, size_t i) { return ((size_t)l->state[NEXT] + l->memory - 1 - i) % l->memory; }

static void forget(lbfgs *l) { l->state[PAIRS] = l->state[NEXT] = 0; }

/* d = -H g (Algorithm 7.4), H the inverse Hessian that the pairs make from γ I, γ = sᵀy / yᵀy of the youngest (equation 7.20). */
static void set_direction(lbfgs *l) {
  size_t n = l->n, pairs = (size_t)l->state[PAIRS];
  double *d = l->direction;
  for (size_t i = 0; i < n; i++) d[i] = -l->g[i];
  for (size_t i = 0; i < pairs; i++) {
    size_t k = young(l, i);
    l->alpha[k] = l->rho[k] * full_dot(l->s + k * n, d, n);
    for (size_t j = 0; j < n; j++) d[j] -= l->alpha[k] * l->y[k * n + j];
  }
  if (pairs > 0) {
    size_t k = young(l, 0);
    double gamma = 1 / (l->rho[k] * full_dot(l->y + k * n, l->y + k * n, n));
    for (size_t j = 0; j < n; j++) d[j] *= gamma;
  }
  for (size_t i = pairs; i-- > 0;) {
    size_t k = young(l, i);
    double beta = l->rho[k] * full_dot(l->y + k * n, d, n);
    for (size_t j = 0; j < n; j++) d[j] += (l->alpha[k] - beta) * l->s[k * n + j];
  }
}

/* Keeps the pair of the step from x to new_x in place of the oldest. */
static void remember(lbfgs *l, const double *x) {
  size_t n = l->n, k = (size_t)l->state[NEXT];
  double *s = l->s + k * n, *y = l->y + k * n;
  for (size_t j = 0; j < n; j++) {
    s[j] = l->new_x[j] - x[j];
    y[j] = l->new_g[j] - l->g[j];
  }
  double curvature = full_dot(s, y, n);
  if (!(curvature > 1e-14 * full_dot(y, y, n))) return;
  l->rho[k] = 1 / curvature;
  l->state[NEXT] = (double)((k + 1) % l->memory);
  if (l->state[PAIRS] < (double)l->memory) l->state[PAIRS]++;
}

/* Goes from x to the point that a line search finds; false when it finds none. */
static bp_status go(lbfgs *l, const full_objective *objective, double *x, bool *found) {
  double slope = full_dot(l->g, l->direction, l->n), length = sqrt(full_dot(l->direction, l->direction, l->n));
  line_search line = {objective, x, l->direction, l->f, slope, l->new_x, l->new_g, 0, 0};
  *found = false;
  if (!(slope < 0)) return BP_OK;
  BP_TRY(line_search_run(&line, l->state[PAIRS] > 0 ? 1 : fmin(1, 1 / length), found));
  l->evaluations += line.evaluations;
  if (!*found) return BP_OK;
  remember(l, x);
  memcpy(x, l->new_x, l->n * sizeof *x);
  memcpy(l->g, l->new_g, l->n * sizeof *l->g);
  l->f = line.new_f;
  return BP_OK;
}

bp_status lbfgs_iterate(lbfgs *l, const full_objective *objective, double *x, full_step *out) {
  bool found;
  set_direction(l);
  BP_TRY(go(l, objective, x, &found));
  if (!found && l->state[PAIRS] > 0) {
    forget(l);
    set_direction(l);
    BP_TRY(go(l, objective, x, &found));
  }
  *out = (full_step){l->f, full_largest(l->g, l->n), !found};
  return BP_OK;
}
