/* trust_region.c - nonlinear least squares after Moré, The Levenberg-Marquardt algorithm: implementation and theory (1978):
 *
 *   min ‖J s + r‖ for ‖D s‖ <= radius,   D diagonal: the largest norm that each column of J has had
 *
 * D makes the method blind to the units of the unknowns. The radius follows the ratio of the reduction of f = ½‖r‖² to the one that
 * the linear model promised. J is known by a QR factor where the objective can form it, else by a Cholesky factor of JᵀJ.
 *
 * It ends by tests that do not depend on the units of f or x, nor on a constant among the residuals: the step of the
 * undamped problem changes no unknown by more than a part of it, or the residuals' part in the range of J is but their rounding; where J is
 * not formed, also when the gradient is small against the largest so far. Near the end
 * the values of f may say nothing for their rounding; then the length of that part decides whether a step is better.
 *
 * Steps, and what bounds do to them: trust_region_step.c. Floor: train.
 */
#include "train/trust_region.h"

#include <string.h>

#include "base/fail.h"
#include "train/dense_qr.h"

/* The state begins with these. STARTED is 2 after the first iteration; MOST is the largest gradient so far. */
enum { RADIUS, LAMBDA, STARTED, MOST };

#define RADIUS_START 10.0 /* of ‖D x‖ */
#define RATIO_LEAST  1e-4 /* of a step that is taken */
#define TRIALS_MAX   60
/* Below this part of ‖r‖² a reduction may drown in rounding; so often it may fail before that is believed. */
#define DOUBTFUL   1e-9
#define DOUBTS_MAX 4
/* So many times the noise of f are nothing but rounding. */
#define ROUNDING 4
/* What a step that f says nothing of must leave of the residuals' length in the range of J. */
#define LESS 0.99

/* A step and what is thought of it. */
typedef struct trial {
  double length;          /* ‖D s‖ */
  double slope, promised; /* gᵀs, and the reduction by the model */
  double fall;            /* the reduction there is; NaN where f is not finite */
  double ratio;
} trial;

/* ---- making it ---- */
size_t trust_region_state_size(size_t n) { return FULL_SCALARS + n; }

bp_status trust_region_init(bp_context *ctx, trust_region *t, size_t n, double tolerance) {
  *t = (trust_region){.allocator = bp_context_allocator(ctx), .n = n, .tolerance = tolerance};
  if (!bp_mul_size(5 * n + 17, n, &t->block_size) || !bp_add_size(t->block_size, FULL_SCALARS, &t->block_size))
    return bp_fail(ctx, BP_E_NOMEM, "Levenberg-Marquardt: %zu unknowns do not fit in memory", n);
  t->block = bp_calloc(ctx, t->block_size, sizeof *t->block);
  t->order = bp_calloc(ctx, 2 * n, sizeof *t->order);
  t->fixed = bp_calloc(ctx, n, sizeof *t->fixed);
  if (t->block == NULL || t->order == NULL || t->fixed == NULL) return BP_E_NOMEM;
  t->free = t->order + n;
  t->state = t->block;
  t->scale = t->state + FULL_SCALARS;
  t->state_size = trust_region_state_size(n);
  double **vectors[] = {&t->g,     &t->step, &t->new_x,   &t->new_g,  &t->q,
                        &t->new_q, &t->rhs,  &t->columns, &t->scaled, &t->free_step};
  double *next = t->scale + n;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, next += n) *vectors[i] = next;
  t->work = next;
  t->m = t->work + 4 * n;
  t->new_m = t->m + n * n;
  t->r = t->new_m + n * n;
  t->damped = t->r + n * n;
  return BP_OK;
}

void trust_region_release(trust_region *t) {
  bp_release(t->allocator, t->block, t->block_size, sizeof *t->block);
  bp_release(t->allocator, t->order, 2 * t->n, sizeof *t->order);
  bp_release(t->allocator, t->fixed, t->n, sizeof *t->fixed);
}

/* ---- what is known at a point ---- */

/* m and q from JᵀJ, a product with each unit vector at a time, and the gradient. JᵀJ is made blind to units before what is below its rounding
 * is taken for nothing. */
static bp_status factor_products(trust_region *t, const full_objective *o, const double *x, const double *g, double *m,
                                 double *q) {
  size_t n = t->n;
  double *unit = t->work, *norms = t->columns, *a = t->r;
  memset(unit, 0, n * sizeof *unit);
  for (size_t j = 0; j < n; j++) {
    unit[j] = 1;
    BP_TRY(o->product(o->user, x, unit, a + j * n));
    unit[j] = 0;
    norms[j] = a[j * n + j] > 0 ? sqrt(a[j * n + j]) : 1;
  }
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < n; i++) a[j * n + i] /= norms[i] * norms[j];
  size_t rank = qr_cholesky(a, n, n, 10 * o->noise, t->order);
  for (size_t k = 0; k < n; k++) {
    size_t j = t->order[k];
    q[k] = g[j] / norms[j];
    for (size_t i = 0; i < n; i++) m[j * n + i] = a[k * n + i] * norms[j];
  }
  qr_solve_transposed(a, n, rank, q);
  for (size_t k = rank; k < n; k++) q[k] = 0;
  return BP_OK;
}

/* m, q, size and the gradient at x, where value() was called last. */
static bp_status learn(trust_region *t, const full_objective *o, const double *x, double f, double *g, double *m,
                       double *q, double *size) {
  size_t n = t->n;
  *size = sqrt(2 * f);
  if (o->factor == NULL) return factor_products(t, o, x, g, m, q);
  BP_TRY(o->factor(o->user, x, m, q, size));
  for (size_t j = 0; j < n; j++) g[j] = full_dot(m + j * n, q, n);
  return BP_OK;
}

static double scaled_length(const trust_region *t, const double *s) {
  for (size_t j = 0; j < t->n; j++) t->scaled[j] = trust_region_scale(t, j) * s[j];
  return qr_norm(t->scaled, t->n);
}

/* ---- the step ---- */

/* What the model says of the step: with its image h = J s, gᵀs = qᵀh and the reduction -hᵀ(q + ½ h). */
static trial look_ahead(trust_region *t) {
  size_t n = t->n;
  double *image = t->work;
  trial now = {.length = scaled_length(t, t->step)};
  memset(image, 0, n * sizeof *image);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < n; i++) image[i] += t->m[j * n + i] * t->step[j];
  for (size_t i = 0; i < n; i++) {
    now.slope += image[i] * t->q[i];
    now.promised -= image[i] * (t->q[i] + 0.5 * image[i]);
  }
  return now;
}

/* ---- the end ---- */
static full_end judge(trust_region *t, const full_objective *o, const double *x) {
  double none = 0;
  if (!trust_region_step(t, o, x, INFINITY, &none)) return FULL_GOES_ON;
  trial whole = look_ahead(t);
  if (sqrt(2 * fmax(whole.promised, 0)) <= ROUNDING * o->noise * t->size) return FULL_CONVERGED;
  double part = t->tolerance < 0 ? 0 : fmax(t->tolerance, ROUNDING * o->noise);
  if (o->factor == NULL && full_slope(o, x, t->g) <= part * t->state[MOST]) return FULL_CONVERGED;
  for (size_t j = 0; j < t->n; j++)
    if (!(fabs(t->step[j]) <= part * fabs(x[j]))) return FULL_GOES_ON;
  return FULL_CONVERGED;
}

/* With D, what is the largest so far. */
static void widen(trust_region *t, const full_objective *o, const double *x) {
  for (size_t j = 0; j < t->n; j++) t->scale[j] = fmax(t->scale[j], qr_norm(t->m + j * t->n, t->n));
  t->state[MOST] = fmax(t->state[MOST], full_slope(o, x, t->g));
}

static full_step report(trust_region *t, const full_objective *o, const double *x, full_end end) {
  return (full_step){t->f, full_slope(o, x, t->g), end};
}

bp_status trust_region_begin(trust_region *t, const full_objective *o, double *x, full_step *out) {
  BP_TRY(o->value(o->user, x, &t->f, o->factor != NULL ? NULL : t->g));
  t->evaluations++;
  *out = (full_step){t->f, t->f, FULL_GOES_ON};
  if (!isfinite(t->f)) return BP_OK;
  BP_TRY(learn(t, o, x, t->f, t->g, t->m, t->q, &t->size));
  full_keep(o);
  widen(t, o, x);
  *out = report(t, o, x, FULL_GOES_ON);
  if (isfinite(out->gradient)) out->end = judge(t, o, x);
  return BP_OK;
}

/* ---- trials ---- */
/* From x = 0 as if one unknown were 1: a length of its own would be one in the units of the residuals. */
static void set_radius(trust_region *t, const double *x) {
  if (t->state[STARTED] > 0) return;
  double length = scaled_length(t, x), most = 0;
  for (size_t j = 0; j < t->n; j++) most = fmax(most, trust_region_scale(t, j));
  if (!(length > 0)) length = most;
  t->state[RADIUS] = length > 0 ? RADIUS_START * length : RADIUS_START;
  t->state[STARTED] = 1;
}

/* new_x ← x + step; false where that is x. */
static bool move(trust_region *t, const full_objective *o, const double *x) {
  bool moved = false;
  for (size_t j = 0; j < t->n; j++) {
    t->new_x[j] = full_within(o, j, x[j], t->step[j]);
    moved = moved || t->new_x[j] != x[j];
  }
  return moved;
}

static bp_status evaluate(trust_region *t, const full_objective *o, trial *now) {
  bool ends = o->factor == NULL;
  BP_TRY(o->value(o->user, t->new_x, &t->new_f, ends ? t->new_g : NULL));
  t->evaluations++;
  now->fall = o->fall != NULL ? o->fall(o->user) : t->f - t->new_f;
  if (!isfinite(t->new_f) || (ends && !isfinite(full_largest(t->new_g, t->n)))) now->fall = NAN;
  now->ratio = isfinite(now->fall) ? now->fall / now->promised : -1;
  return BP_OK;
}

/* The radius after a step (Moré, section 4): shortened to the minimum of the parabola through both values and the slope. */
static void adapt(trust_region *t, const trial *now) {
  double *radius = &t->state[RADIUS];
  if (now->ratio > 0.25) {
    if (t->state[LAMBDA] > 0 && now->ratio < 0.75) return;
    *radius = 2 * now->length;
    t->state[LAMBDA] *= 0.5;
    return;
  }
  double part = 0.1;
  if (isfinite(now->fall) && now->fall < 0) part = 0.5 * now->slope / (now->slope + now->fall);
  if (isfinite(now->fall) && now->fall >= 0) part = 0.5;
  part = fmin(fmax(part, 0.1), 0.5);
  *radius = part * fmin(*radius, 10 * now->length);
  t->state[LAMBDA] /= part;
}

/* What f may have of rounding, at the least. */
static double rounding_of(const trust_region *t, const full_objective *o) { return 0.5 * o->noise * t->size * t->size; }

/* The length of the residuals in the range of J, or the largest slope against D where bounds hold a part of them. */
static double to_go(const trust_region *t, const full_objective *o, const double *x, const double *g, const double *q) {
  double most = 0;
  if (o->lower == NULL) return qr_norm(q, t->n);
  for (size_t j = 0; j < t->n; j++)
    if (!full_held(o, x, g, j)) most = fmax(most, fabs(g[j]) / trust_region_scale(t, j));
  return most;
}

/* Whether the step is to be taken; *known when m, q and size at new_x had to be found out for that. */
static bp_status is_better(trust_region *t, const full_objective *o, const double *x, trial *now, bool doubtful,
                           bool *better, bool *known) {
  *known = false;
  *better = now->ratio >= RATIO_LEAST && now->fall > 0 && !(doubtful && now->promised <= rounding_of(t, o));
  if (*better || !doubtful) return BP_OK;
  BP_TRY(learn(t, o, t->new_x, t->new_f, t->new_g, t->new_m, t->new_q, &t->new_size));
  *known = true;
  *better = to_go(t, o, t->new_x, t->new_g, t->new_q) < LESS * to_go(t, o, x, t->g, t->q);
  if (*better) now->ratio = 1;
  return BP_OK;
}

static void exchange(double **a, double **b) {
  double *kept = *a;
  *a = *b;
  *b = kept;
}

static bp_status take(trust_region *t, const full_objective *o, double *x, bool known) {
  if (!known) BP_TRY(learn(t, o, t->new_x, t->new_f, t->new_g, t->new_m, t->new_q, &t->new_size));
  full_keep(o);
  memcpy(x, t->new_x, t->n * sizeof *x);
  exchange(&t->g, &t->new_g);
  exchange(&t->m, &t->new_m);
  exchange(&t->q, &t->new_q);
  t->f = t->new_f;
  t->size = t->new_size;
  t->state[STARTED] = 2;
  widen(t, o, x);
  return BP_OK;
}

bp_status trust_region_iterate(trust_region *t, const full_objective *o, double *x, full_step *out) {
  bool better = false, known = false, rounding = false;
  int doubts = 0;
  set_radius(t, x);
  for (int i = 0; i < TRIALS_MAX && !better && !rounding && doubts < DOUBTS_MAX; i++) {
    (void)trust_region_step(t, o, x, t->state[RADIUS], &t->state[LAMBDA]);
    trial now = look_ahead(t);
    if (t->state[STARTED] == 1) t->state[RADIUS] = fmin(t->state[RADIUS], now.length);
    if (!move(t, o, x)) break;
    if (now.promised > 0) {
      double doubt = o->fall != NULL ? DOUBTFUL * t->size * t->size : ROUNDING * o->noise * t->f;
      BP_TRY(evaluate(t, o, &now));
      bool doubtful = now.promised <= doubt && fabs(now.fall) <= doubt;
      BP_TRY(is_better(t, o, x, &now, doubtful, &better, &known));
      doubts += !better && doubtful;
      rounding = t->tolerance >= 0 && o->factor != NULL && fmax(now.promised, fabs(now.fall)) <= rounding_of(t, o);
    }
    adapt(t, &now);
  }
  if (better) BP_TRY(take(t, o, x, known));
  *out = report(t, o, x, rounding ? FULL_CONVERGED : better ? judge(t, o, x) : FULL_STUCK);
  return BP_OK;
}
