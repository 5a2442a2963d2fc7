/* lbfgs.c - L-BFGS (Nocedal, 1980) as Nocedal and Wright, Numerical Optimization (2006), have it: the direction by the two loops of
 * Algorithm 7.4 from the last pairs s = x' - x, y = g' - g, the iteration of Algorithm 7.5. A pair without yᵀs > 0, which only
 * rounding makes, is left out; when no step along the direction helps, the pairs are forgotten and steepest descent is tried.
 *
 * Bounds: what stands at one and is pushed out by the gradient or by the direction stays, and the direction is that of the others, from the
 * pairs' parts in their space (Bertsekas, 1982); steps beyond a bound end on it.
 *
 * It ends by tests that neither a constant nor a factor of f changes: the gradient is small against the largest so far, and what the
 * quadratic model has left to gain is small against the fall of f so far. Floor: train.
 */
#include "train/lbfgs.h"

#include <string.h>

#include "base/fail.h"
#include "train/dense_qr.h"
#include "train/line_search.h"

/* The state begins with these. MOST: the largest gradient so far, 0 before the start; FIRST: the value there; LEAST: the least since;
 * FLATTEST: the least gradient since then; TOTAL: what all steps fell by their slopes; IDLE: iterations since there was progress. */
enum { PAIRS, NEXT, MOST, FIRST, LEAST, FLATTEST, TOTAL, IDLE };

/* So many iterations without progress end it. */
#define IDLE_MAX 20
/* Of the angle between s and y, of a pair that says more than rounding. */
#define LEAST_COSINE 1e-14
/* So many times the noise of f are nothing but rounding; the square of the tolerance, as a part of the fall so far, and this part of
 * it are what a model may have left to gain. */
#define ROUNDING 10
#define GAIN     1e-3
/* A last step that falls on, for this part of its fall, when it is made again or 2 or 4 times as far, did not lead to a minimum. */
#define FALLS_ON 0.5
#define FARTHEST 4
/* Steps of this part of x over ground that is flat by the tolerance lead away, and are tried this many times as long. */
#define AWAY       0.1
#define AWAY_TIMES 1e6
/* The first step without pairs: of length 1, but no less than this part of x and no more than x. */
#define PERCEPTIBLE 1e-3

size_t lbfgs_state_size(size_t n, int memory) { return FULL_SCALARS + (2 * n + 1) * (size_t)memory; }

bp_status lbfgs_init(bp_context *ctx, lbfgs *l, size_t n, int memory, double tolerance) {
  size_t m = (size_t)memory, pairs;
  *l = (lbfgs){.allocator = bp_context_allocator(ctx), .n = n, .memory = m, .tolerance = tolerance};
  if (!bp_mul_size(2 * m + 5, n, &pairs) || !bp_add_size(pairs, FULL_SCALARS + 3 * m, &l->block_size))
    return bp_fail(ctx, BP_E_NOMEM, "L-BFGS: %zu unknowns with %zu pairs do not fit in memory", n, m);
  l->block = bp_calloc(ctx, l->block_size, sizeof *l->block);
  if (l->block == NULL) return BP_E_NOMEM;
  l->state = l->block;
  l->s = l->state + FULL_SCALARS;
  l->y = l->s + m * n;
  l->rho = l->y + m * n;
  l->state_size = lbfgs_state_size(n, memory);
  l->alpha = l->block + l->state_size;
  l->curvature = l->alpha + m;
  l->g = l->curvature + m;
  l->direction = l->g + n;
  l->new_x = l->direction + n;
  l->new_g = l->new_x + n;
  l->free = l->new_g + n;
  return BP_OK;
}

void lbfgs_release(lbfgs *l) { bp_release(l->allocator, l->block, l->block_size, sizeof *l->block); }

static bool is_count(double value, size_t most) { return value >= 0 && value <= (double)most && value == floor(value); }

bool lbfgs_fits(const lbfgs *l) {
  return is_count(l->state[PAIRS], l->memory) && is_count(l->state[NEXT], l->memory - 1);
}

/* ---- the direction ---- */

/* The i-th youngest pair, i = 0, 1, … */
static size_t young(const lbfgs *l, size_t i) { return ((size_t)l->state[NEXT] + l->memory - 1 - i) % l->memory; }

static void forget(lbfgs *l) { l->state[PAIRS] = l->state[NEXT] = 0; }

/* Of the free unknowns. */
static double inner(const lbfgs *l, const double *a, const double *b) {
  double sum = 0;
  for (size_t i = 0; i < l->n; i++) sum += l->free[i] * (a[i] * b[i]);
  return sum;
}

/* 1 / (yᵀs) of the free unknowns; 0 for a pair that tells nothing of them. */
static double weight(const lbfgs *l, size_t k, bool all) {
  if (all) return l->rho[k];
  const double *s = l->s + k * l->n, *y = l->y + k * l->n;
  double curvature = inner(l, s, y);
  return curvature > LEAST_COSINE * sqrt(inner(l, s, s)) * sqrt(inner(l, y, y)) ? 1 / curvature : 0;
}

/* d = -H g (Algorithm 7.4) of the free unknowns, H the inverse Hessian that the pairs make from γ I, γ = sᵀy / yᵀy of the youngest
 * (equation 7.20). */
static void set_direction(lbfgs *l, bool all) {
  size_t n = l->n, pairs = (size_t)l->state[PAIRS];
  double *d = l->direction, *rho = l->curvature, gamma = 0;
  for (size_t i = 0; i < n; i++) d[i] = -l->free[i] * l->g[i];
  for (size_t i = 0; i < pairs; i++) {
    size_t k = young(l, i);
    rho[k] = weight(l, k, all);
    l->alpha[k] = rho[k] * inner(l, l->s + k * n, d);
    if (gamma == 0 && rho[k] > 0) gamma = 1 / (rho[k] * inner(l, l->y + k * n, l->y + k * n));
    for (size_t j = 0; j < n; j++) d[j] -= l->alpha[k] * l->y[k * n + j];
  }
  for (size_t j = 0; j < n && gamma > 0; j++) d[j] *= gamma;
  for (size_t i = pairs; i-- > 0;) {
    size_t k = young(l, i);
    double beta = rho[k] * inner(l, l->y + k * n, d);
    for (size_t j = 0; j < n; j++) d[j] += (l->alpha[k] - beta) * l->s[k * n + j];
  }
  for (size_t j = 0; j < n && !all; j++) d[j] = l->free[j] > 0 ? d[j] : 0;
}

/* Holds what the direction pushes out of its bound; true when there was such. */
static bool hold_pushed(lbfgs *l, const full_objective *o, const double *x) {
  bool held = false;
  for (size_t j = 0; j < l->n; j++) {
    bool out = (x[j] <= full_lower(o, j) && l->direction[j] < 0) || (x[j] >= full_upper(o, j) && l->direction[j] > 0);
    if (out && l->free[j] > 0) l->free[j] = 0, held = true;
  }
  return held;
}

static void choose_direction(lbfgs *l, const full_objective *o, const double *x) {
  bool all = true;
  for (size_t j = 0; j < l->n; j++) {
    l->free[j] = full_held(o, x, l->g, j) ? 0 : 1;
    all = all && l->free[j] > 0;
  }
  set_direction(l, all);
  while (hold_pushed(l, o, x)) set_direction(l, false);
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
  if (!(curvature > LEAST_COSINE * qr_norm(s, n) * qr_norm(y, n))) {
    memset(s, 0, n * sizeof *s); /* a state is finite, and may be far away */
    memset(y, 0, n * sizeof *y);
    return;
  }
  l->rho[k] = 1 / curvature;
  l->state[NEXT] = (double)((k + 1) % l->memory);
  if (l->state[PAIRS] < (double)l->memory) l->state[PAIRS]++;
}

/* ---- a step ---- */

/* The longest step along the direction within the bounds. */
static double room(const lbfgs *l, const full_objective *o, const double *x) {
  double most = INFINITY;
  for (size_t j = 0; j < l->n; j++) {
    double d = l->direction[j], way = d < 0 ? full_lower(o, j) - x[j] : full_upper(o, j) - x[j];
    if (d != 0) most = fmin(most, way / d);
  }
  return most;
}

/* Without pairs: the direction at length 1, so that its slope does not overflow, and how far to go. */
static double first_length(lbfgs *l, const double *x) {
  double length = qr_norm(l->direction, l->n), size = qr_norm(x, l->n);
  for (size_t j = 0; j < l->n && length > 0; j++) l->direction[j] /= length;
  return size > 0 ? fmax(fmin(fmin(1, length), size), PERCEPTIBLE * size) : fmin(1, length);
}

/* Goes from x to the point that a line search finds; false when it finds none. The step is left in new_x. */
static bp_status go(lbfgs *l, const full_objective *o, double *x, bool *found, bool *unbounded) {
  choose_direction(l, o, x);
  double first = l->state[PAIRS] > 0 ? 1 : first_length(l, x);
  double slope = full_dot(l->g, l->direction, l->n), most = room(l, o, x);
  line_search line = {o, x, l->g, l->direction, l->f, slope, l->new_x, l->new_g, 0, most, 0, false};
  *found = false;
  if (!(slope < 0)) return BP_OK;
  BP_TRY(first < most ? line_search_run(&line, first, found) : line_search_project(&line, first, found));
  l->evaluations += line.evaluations;
  *unbounded = line.unbounded;
  if (!*found) return BP_OK;
  remember(l, x);
  for (size_t j = 0; j < l->n; j++) {
    double before = x[j];
    x[j] = l->new_x[j];
    l->new_x[j] -= before;
    l->by_slopes -= 0.5 * l->new_x[j] * (l->g[j] + l->new_g[j]);
  }
  memcpy(l->g, l->new_g, l->n * sizeof *l->g);
  l->f = line.new_f;
  full_keep(o);
  return BP_OK;
}

/* ---- the end ---- */

/* Looks `times` the last step (in `direction`) further, where it came to a place of no slope. When f falls on there, by
 * `least` or more, it was no minimum but a bend, as 0 is of x³, and x goes there. */
static bp_status fall_on(lbfgs *l, const full_objective *o, double *x, double times, double least, full_end *end) {
  double f;
  for (size_t j = 0; j < l->n; j++) l->new_x[j] = full_within(o, j, x[j], times * l->direction[j]);
  BP_TRY(o->value(o->user, l->new_x, &f, l->new_g));
  l->evaluations++;
  if (f == -INFINITY) *end = FULL_UNBOUNDED;
  if (!isfinite(f) || !isfinite(full_largest(l->new_g, l->n))) return BP_OK;
  if (!(l->f - f > fmax(least, 4 * o->noise * fabs(l->f)))) return BP_OK;
  memcpy(x, l->new_x, l->n * sizeof *x);
  memcpy(l->g, l->new_g, l->n * sizeof *l->g);
  l->f = f;
  full_keep(o);
  forget(l);
  *end = FULL_GOES_ON;
  return BP_OK;
}

static bp_status make_sure(lbfgs *l, const full_objective *o, double *x, double fall, full_end *end) {
  double part = fmax(l->tolerance, ROUNDING * o->noise);
  double least = fmax(FALLS_ON * fall, part * part * (l->state[FIRST] - l->f));
  *end = FULL_CONVERGED;
  for (double times = 1; times <= FARTHEST && *end == FULL_CONVERGED; times *= 2)
    BP_TRY(fall_on(l, o, x, times, least, end));
  return BP_OK;
}

/* What the model has left to gain: ½ gᵀHg. Then the last step is in `direction`. */
static double left_to_gain(lbfgs *l, const full_objective *o, const double *x) {
  choose_direction(l, o, x);
  double gain = -0.5 * full_dot(l->g, l->direction, l->n);
  memcpy(l->direction, l->new_x, l->n * sizeof *l->direction);
  return gain;
}

/* After a step: whether x is at a minimum or on the way to nowhere, and what follows from that. */
static bp_status find_end(lbfgs *l, const full_objective *o, double *x, double fall, double gradient, full_end *end) {
  double part = fmax(l->tolerance, ROUNDING * o->noise), gain = left_to_gain(l, o, x);
  double gain_part = fmax(GAIN * l->tolerance * l->tolerance, ROUNDING * o->noise * ROUNDING * o->noise);
  bool flat = l->tolerance >= 0 && gradient <= part * l->state[MOST];
  if (gradient == 0 || (flat && gain <= gain_part * (l->state[FIRST] - l->f))) return make_sure(l, o, x, fall, end);
  if (flat && qr_norm(l->direction, l->n) > AWAY * qr_norm(x, l->n))
    return fall_on(l, o, x, AWAY_TIMES, FALLS_ON * fall, end);
  return BP_OK;
}

/* Progress is a smaller f, half the gradient, or a fall by slopes that f does not show because it drowns in rounding. */
static void count_idle(lbfgs *l, const full_objective *o, double gradient) {
  double *s = l->state, rounding = o->noise * fabs(l->f);
  bool fell = s[LEAST] - l->f > rounding, flatter = gradient < 0.5 * s[FLATTEST];
  bool drowned = l->by_slopes > o->noise * s[TOTAL] && l->by_slopes < ROUNDING * rounding;
  if (fell) s[LEAST] = l->f;
  if (fell || flatter) s[FLATTEST] = gradient;
  s[TOTAL] += fmax(l->by_slopes, 0);
  s[IDLE] = fell || flatter || drowned ? 0 : s[IDLE] + 1;
}

bp_status lbfgs_begin(lbfgs *l, const full_objective *o, double *x, full_step *out) {
  BP_TRY(o->value(o->user, x, &l->f, l->g));
  l->evaluations++;
  full_keep(o);
  double gradient = full_slope(o, x, l->g);
  *out = (full_step){l->f, gradient, gradient == 0 ? FULL_CONVERGED : FULL_GOES_ON};
  if (l->state[MOST] > 0) return BP_OK;
  l->state[MOST] = l->state[FLATTEST] = gradient;
  l->state[FIRST] = l->state[LEAST] = l->f;
  return BP_OK;
}

bp_status lbfgs_iterate(lbfgs *l, const full_objective *o, double *x, full_step *out) {
  bool found = false, unbounded = false;
  double before = l->f;
  l->by_slopes = 0;
  if (l->state[IDLE] < IDLE_MAX) BP_TRY(go(l, o, x, &found, &unbounded));
  if (!found && !unbounded && l->state[PAIRS] > 0 && l->state[IDLE] < IDLE_MAX) {
    forget(l);
    BP_TRY(go(l, o, x, &found, &unbounded));
  }
  double fall = before - l->f, gradient = full_slope(o, x, l->g);
  l->state[MOST] = fmax(l->state[MOST], gradient);
  count_idle(l, o, gradient);
  full_end end = unbounded ? FULL_UNBOUNDED : found ? FULL_GOES_ON : FULL_STUCK;
  if (end == FULL_GOES_ON) BP_TRY(find_end(l, o, x, fall, gradient, &end));
  *out = (full_step){l->f, full_slope(o, x, l->g), end};
  return BP_OK;
}
