/* trust_region_step.c - the step of a trust region, and within bounds. Floor: train.
 *
 * Unknowns that stand at a bound while the gradient pushes them out stay. When the step of the others passes bounds, the damping λ that
 * it was found with is kept, and
 *
 *   min ½ ‖J s + r‖² + ½ λ ‖D s‖²,   lower - x <= s <= upper - x
 *
 * is solved by an active set (Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23; Stark and Parker, 1995): from s = 0 towards
 * the minimum of what is free, as far as the first bound, which then holds; from a minimum, what is held against the gradient becomes
 * free again. The sum falls at every turn, so that the model falls along the step wherever the turns end; large λ give steps along
 * the projected gradient.
 */
#include <string.h>

#include "train/dense_qr.h"
#include "train/lm_parameter.h"
#include "train/trust_region.h"

#define TURNS_MAX(n) (3 * (n) + 10)
/* Of a column's length times that of the residuals: what of a multiplier is rounding. */
#define ROUNDING 1e-14

static double scale_of(const trust_region *t, size_t j) { return trust_region_scale(t, j); }

/* The factor of the columns in free[], each at length 1, and the problem of their step for the right side in rhs. */
static lm_problem factor_free(trust_region *t, size_t n_free, double radius) {
  size_t n = t->n;
  double *q = t->new_g; /* the next trial's, which this comes before */
  memcpy(q, t->rhs, n * sizeof *q);
  for (size_t k = 0; k < n_free; k++) {
    size_t j = t->free[k];
    double norm = qr_norm(t->m + j * n, n);
    t->columns[k] = norm > 0 ? norm : 1;
    for (size_t i = 0; i < n; i++) t->r[k * n + i] = t->m[j * n + i] / t->columns[k];
    t->scaled[k] = scale_of(t, j) / t->columns[k];
  }
  qr_pivoted(t->r, n, n, n_free, t->order, q);
  return (lm_problem){n_free, n, t->r, q, t->scaled, t->order, radius, t->damped, t->work};
}

/* Unknowns that are neither held at x nor, once `fixed` is given, there. */
static size_t list_free(trust_region *t, const bool *fixed) {
  size_t n_free = 0;
  for (size_t j = 0; j < t->n; j++)
    if (!fixed[j]) t->free[n_free++] = j;
  return n_free;
}

static bool passes(const full_objective *o, size_t j, double x, double step) {
  return step < full_lower(o, j) - x || step > full_upper(o, j) - x;
}

/* rhs ← q + the columns of what is fixed times their steps. */
static void set_rhs(trust_region *t, const bool *fixed) {
  size_t n = t->n;
  memcpy(t->rhs, t->q, n * sizeof *t->rhs);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; fixed[j] && t->step[j] != 0 && i < n; i++) t->rhs[i] += t->m[j * n + i] * t->step[j];
}

/* step ← from itself towards free_step as far as the bounds allow; fixes what came to one. True when it got there. */
static bool advance(trust_region *t, const full_objective *o, const double *x, size_t n_free, bool *fixed) {
  double part = 1;
  for (size_t k = 0; k < n_free; k++) {
    size_t j = t->free[k];
    double way = t->free_step[k] - t->step[j], room = (way < 0 ? full_lower(o, j) : full_upper(o, j)) - x[j];
    if (passes(o, j, x[j], t->free_step[k])) part = fmin(part, fmax(0, (room - t->step[j]) / way));
  }
  for (size_t k = 0; k < n_free; k++) {
    size_t j = t->free[k];
    double way = t->free_step[k] - t->step[j], room = (way < 0 ? full_lower(o, j) : full_upper(o, j)) - x[j];
    fixed[j] = passes(o, j, x[j], t->free_step[k]) && (room - t->step[j]) / way <= part;
    t->step[j] = fixed[j] ? room : t->step[j] + part * way;
  }
  return part == 1;
}

/* Frees the one that is held most against the gradient of the sum at the step; false when there is none. */
static bool let_go(trust_region *t, const full_objective *o, const double *x, double lambda, bool *fixed) {
  size_t n = t->n, best = n;
  double *rest = t->work, most = 0, size = qr_norm(t->q, n);
  memcpy(rest, t->q, n * sizeof *rest);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < n; i++) rest[i] += t->m[j * n + i] * t->step[j];
  for (size_t j = 0; j < n; j++) {
    if (!fixed[j] || full_lower(o, j) == full_upper(o, j)) continue;
    double slope = lambda * scale_of(t, j) * scale_of(t, j) * t->step[j], norm = qr_norm(t->m + j * n, n);
    for (size_t i = 0; i < n; i++) slope += t->m[j * n + i] * rest[i];
    bool is_low = t->step[j] <= full_lower(o, j) - x[j];
    double against = (is_low ? -slope : slope) / (norm > 0 ? norm : 1);
    if (against > fmax(most, ROUNDING * size)) most = against, best = j;
  }
  if (best < n) fixed[best] = false;
  return best < n;
}

/* The step in the box for the λ that is given. */
static bool solve_box(trust_region *t, const full_objective *o, const double *x, double lambda, bool *fixed) {
  memset(t->step, 0, t->n * sizeof *t->step);
  for (size_t turn = 0; turn < TURNS_MAX(t->n); turn++) {
    size_t n_free = list_free(t, fixed);
    set_rhs(t, fixed);
    lm_problem problem = factor_free(t, n_free, INFINITY);
    if (n_free > 0) lm_damped_step(&problem, lambda, t->free_step);
    for (size_t k = 0; k < n_free; k++) t->free_step[k] /= t->columns[k];
    if (advance(t, o, x, n_free, fixed) && !let_go(t, o, x, lambda, fixed)) return true;
  }
  return false;
}

bool trust_region_step(trust_region *t, const full_objective *o, const double *x, double radius, double *lambda) {
  bool *fixed = t->fixed, inside = true;
  for (size_t j = 0; j < t->n; j++) fixed[j] = full_held(o, x, t->g, j);
  memset(t->step, 0, t->n * sizeof *t->step);
  memcpy(t->rhs, t->q, t->n * sizeof *t->rhs);
  size_t n_free = list_free(t, fixed);
  if (n_free == 0) return true;
  lm_problem problem = factor_free(t, n_free, radius);
  lm_parameter_step(&problem, lambda, t->free_step);
  for (size_t k = 0; k < n_free; k++) {
    size_t j = t->free[k];
    t->step[j] = t->free_step[k] / t->columns[k];
    inside = inside && !passes(o, j, x[j], t->step[j]);
  }
  return inside || solve_box(t, o, x, *lambda, fixed);
}
