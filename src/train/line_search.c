/* line_search.c - the line search of Nocedal and Wright, Numerical Optimization (2006): Algorithm 3.5 brackets, Algorithm 3.6 (zoom)
 * narrows down by cubic interpolation. It ends at a step α with
 *
 *   φ(α) <= φ(0) + c₁ α φ'(0)  and  |φ'(α)| <= c₂ |φ'(0)|,   φ(α) = f(x + α d)
 *
 * Where the differences of φ are rounding errors - next to a minimum, or everywhere when a large constant is a part of f - values say
 * nothing and slopes say all: the first condition is replaced by (2 c₁ - 1) φ'(0) >= φ'(α) (Hager and Zhang, 2005), and interpolation is by
 * slopes alone. Floor: train.
 */
#include "train/line_search.h"

#include "base/fail.h"

#define C1              1e-4
#define C2              0.9
#define EVALUATIONS_MAX 30
/* How much longer the next step of the bracketing phase is; after so many steps ever more, since a line may fall without end. */
#define GROW       2.0
#define GROW_STEPS 4
/* How near to the ends of a bracket a step may be. */
#define MARGIN 0.1

typedef struct point {
  double alpha, f, slope;
} point;

static double noise(const line_search *line) { return line->objective->noise * fabs(line->f); }

static bp_status look(line_search *line, double alpha, point *out) {
  const full_objective *o = line->objective;
  for (size_t i = 0; i < o->n; i++) line->new_x[i] = full_within(o, i, line->x[i], alpha * line->direction[i]);
  BP_TRY(o->value(o->user, line->new_x, &line->new_f, line->new_g));
  line->evaluations++;
  *out = (point){alpha, line->new_f, full_dot(line->new_g, line->direction, o->n)};
  line->unbounded = out->f == -INFINITY;
  if (!isfinite(out->f) || !isfinite(out->slope)) out->f = INFINITY, out->slope = 0;
  return BP_OK;
}

static bool low_enough(const line_search *line, const point *p) {
  if (p->f <= line->f + C1 * p->alpha * line->slope) return true;
  return p->f <= line->f + noise(line) && p->slope <= (2 * C1 - 1) * line->slope;
}

static bool flat_enough(const line_search *line, const point *p) { return fabs(p->slope) <= -C2 * line->slope; }

/* Smaller than where the line begins or, where values cannot tell, flatter. */
static bool is_progress(const line_search *line, const point *p) {
  return p->alpha > 0 && (p->f < line->f || (p->f <= line->f + noise(line) && fabs(p->slope) < -line->slope));
}

/* The minimum of the cubic through both values and slopes (Nocedal and Wright, equation 3.59), of the parabola through both slopes
 * where the values are the same but for their noise; NaN where there is none. */
static double interpolate(const point *a, const point *b, double noise) {
  double width = b->alpha - a->alpha;
  if (fabs(a->f - b->f) <= 10 * noise) return a->alpha - a->slope * width / (b->slope - a->slope);
  double d1 = a->slope + b->slope - 3 * (a->f - b->f) / (a->alpha - b->alpha);
  double d2 = copysign(sqrt(d1 * d1 - a->slope * b->slope), width);
  return b->alpha - width * (b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2);
}

/* Kept off the ends of the bracket; its middle where nothing can be interpolated. */
static double between(const point *a, const point *b, double noise) {
  double width = b->alpha - a->alpha, middle = a->alpha + 0.5 * width, edge = MARGIN * fabs(width);
  if (!isfinite(a->f) || !isfinite(b->f)) return middle;
  double alpha = interpolate(a, b, noise);
  if (!isfinite(alpha)) return middle;
  double low = fmin(a->alpha, b->alpha) + edge, high = fmax(a->alpha, b->alpha) - edge;
  return fmin(fmax(alpha, low), high);
}

/* `low` has the least value seen that is low enough; a minimum of the kind wanted lies between it and `high`. */
static bp_status zoom(line_search *line, point low, point high, bool *found) {
  point now = high;
  while (line->evaluations < EVALUATIONS_MAX && fabs(high.alpha - low.alpha) > 1e-15 * fabs(low.alpha)) {
    BP_TRY(look(line, between(&low, &high, noise(line)), &now));
    if (!low_enough(line, &now) || now.f > low.f + noise(line)) {
      high = now;
    } else {
      if (flat_enough(line, &now)) return *found = true, BP_OK;
      if (now.slope * (high.alpha - low.alpha) >= 0) high = low;
      low = now;
    }
  }
  *found = is_progress(line, &low); /* if not as much as was hoped */
  return *found && now.alpha != low.alpha ? look(line, low.alpha, &now) : BP_OK;
}

/* f is -∞ one step further: back to the last point where it is a number. */
static bp_status step_back(line_search *line, const point *last, bool *found) {
  point now;
  *found = last->alpha > 0;
  if (*found) BP_TRY(look(line, last->alpha, &now));
  line->unbounded = true;
  return BP_OK;
}

bp_status line_search_run(line_search *line, double alpha, bool *found) {
  point before = {0, line->f, line->slope}, now;
  double grow = GROW;
  line->evaluations = 0;
  *found = false;
  for (; line->evaluations < EVALUATIONS_MAX; before = now, alpha *= grow) {
    alpha = fmin(alpha, line->most);
    BP_TRY(look(line, alpha, &now));
    if (line->unbounded) return step_back(line, &before, found);
    bool first = line->evaluations == 1;
    if (!low_enough(line, &now) || (!first && now.f > before.f + noise(line))) return zoom(line, before, now, found);
    if (flat_enough(line, &now) || (alpha == line->most && now.slope < 0)) return *found = true, BP_OK;
    if (now.slope >= 0) return zoom(line, now, before, found);
    if (line->evaluations > GROW_STEPS) grow *= GROW;
  }
  return *found = is_progress(line, &now), BP_OK;
}

bp_status line_search_project(line_search *line, double alpha, bool *found) {
  const full_objective *o = line->objective;
  point now;
  line->evaluations = 0;
  *found = false;
  for (; line->evaluations < EVALUATIONS_MAX && !*found; alpha *= 0.5) {
    double before = 0, after = 0;
    BP_TRY(look(line, alpha, &now));
    if (line->unbounded) return step_back(line, &(point){0}, found);
    for (size_t i = 0; i < o->n; i++) {
      before += line->g[i] * (line->new_x[i] - line->x[i]);
      after += line->new_g[i] * (line->new_x[i] - line->x[i]);
    }
    bool by_slopes = now.f <= line->f + noise(line) && after <= (2 * C1 - 1) * before;
    *found = before < 0 && (now.f <= line->f + C1 * before || by_slopes);
  }
  return BP_OK;
}
