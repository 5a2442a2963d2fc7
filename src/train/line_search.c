/* line_search.c - the line search of Nocedal and Wright, Numerical Optimization (2006): Algorithm 3.5 brackets, Algorithm 3.6 (zoom)
 * narrows down by cubic interpolation. It ends at a step α with
 *
 *   φ(α) <= φ(0) + c₁ α φ'(0)  and  |φ'(α)| <= c₂ |φ'(0)|,   φ(α) = f(x + α d)
 *
 * Next to a minimum, where the differences of φ are rounding errors, the first condition is replaced by one on the slope (Hager and
 * Zhang, 2005): (2 c₁ - 1) φ'(0) >= φ'(α), for values that are equal but for their noise. Floor: train.
 */
#include "train/line_search.h"

#include "base/fail.h"

#define C1              1e-4
#define C2              0.9
#define EVALUATIONS_MAX 30
/* How much longer the next step of the bracketing phase is, and how near to the ends of a bracket a step may be. */
#define GROW   2.0
#define MARGIN 0.1

typedef struct point {
  double alpha, f, slope;
} point;

static bp_status look(line_search *line, double alpha, point *out) {
  const full_objective *o = line->objective;
  for (size_t i = 0; i < o->n; i++) line->new_x[i] = line->x[i] + alpha * line->direction[i];
  BP_TRY(o->value(o->user, line->new_x, &line->new_f, line->new_g));
  line->evaluations++;
  *out = (point){alpha, line->new_f, full_dot(line->new_g, line->direction, o->n)};
  if (!isfinite(out->f) || !isfinite(out->slope)) out->f = INFINITY, out->slope = 0;
  return BP_OK;
}

static bool low_enough(const line_search *line, const point *p) {
  if (p->f <= line->f + C1 * p->alpha * line->slope) return true;
  return p->f <= line->f + line->objective->noise * fabs(line->f) && p->slope <= (2 * C1 - 1) * line->slope;
}

static bool flat_enough(const line_search *line, const point *p) { return fabs(p->slope) <= -C2 * line->slope; }

/* The minimum of the cubic through both values and slopes, kept off the ends of the bracket; its middle where there is no
 * cubic. (Nocedal and Wright, equation 3.59.) */
static double between(const point *a, const point *b) {
  double width = b->alpha - a->alpha, middle = a->alpha + 0.5 * width, edge = MARGIN * fabs(width);
  if (!isfinite(a->f) || !isfinite(b->f)) return middle;
  double d1 = a->slope + b->slope - 3 * (a->f - b->f) / (a->alpha - b->alpha);
  double square = d1 * d1 - a->slope * b->slope;
  if (!(square >= 0)) return middle;
  double d2 = copysign(sqrt(square), width);
  double alpha = b->alpha - width * (b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2);
  if (!isfinite(alpha)) return middle;
  double low = fmin(a->alpha, b->alpha) + edge, high = fmax(a->alpha, b->alpha) - edge;
  return fmin(fmax(alpha, low), high);
}

/* `low` has the least value seen that is low enough; a minimum of the kind wanted lies between it and `high`. */
static bp_status zoom(line_search *line, point low, point high, bool *found) {
  point now = high;
  while (line->evaluations < EVALUATIONS_MAX && fabs(high.alpha - low.alpha) > 1e-15 * fabs(low.alpha)) {
    BP_TRY(look(line, between(&low, &high), &now));
    if (!low_enough(line, &now) || now.f > low.f) {
      high = now;
    } else {
      if (flat_enough(line, &now)) return *found = true, BP_OK;
      if (now.slope * (high.alpha - low.alpha) >= 0) high = low;
      low = now;
    }
  }
  *found = low.alpha > 0 && low.f < line->f; /* progress, if not as much as was hoped */
  return *found && now.alpha != low.alpha ? look(line, low.alpha, &now) : BP_OK;
}

bp_status line_search_run(line_search *line, double alpha, bool *found) {
  point before = {0, line->f, line->slope}, now;
  line->evaluations = 0;
  *found = false;
  for (; line->evaluations < EVALUATIONS_MAX; before = now, alpha *= GROW) {
    BP_TRY(look(line, alpha, &now));
    bool first = line->evaluations == 1;
    if (!low_enough(line, &now) || (!first && now.f > before.f)) return zoom(line, before, now, found);
    if (flat_enough(line, &now)) return *found = true, BP_OK;
    if (now.slope >= 0) return zoom(line, now, before, found);
  }
  return *found = now.f < line->f, BP_OK;
}
