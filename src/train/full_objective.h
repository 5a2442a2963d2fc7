/* train/full_objective.h - what a method for full batches asks of the function that it minimises. All numbers are doubles. */
#ifndef BP_TRAIN_FULL_OBJECTIVE_H
#define BP_TRAIN_FULL_OBJECTIVE_H
#include "backprop/context.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct full_objective {
  void *user;
  size_t n;     /* unknowns */
  double noise; /* relative size of the value's rounding errors */
  /* [n] or NULL: no bound, as -INFINITY and INFINITY are for single unknowns. Where x begins it lies within. */
  const double *lower, *upper;
  /* f(x), and its gradient unless that is NULL. x is rounded to what the parameters can hold first. */
  bp_status (*value)(void *user, double *x, double *f, double *gradient);
  /* Least squares only. out = A v at x, A the Gauss-Newton matrix: the Hessian of f without the curvature of the residuals. */
  bp_status (*product)(void *user, const double *x, const double *v, double *out);
  /* Least squares whose Jacobian J is formed; NULL elsewhere. m [n,n], by columns, and q [n] are what a QR factor leaves of J and of the
   * residuals r at x: mᵀm = JᵀJ and mᵀq = Jᵀr. *size: the norm of the residuals that depend on x. */
  bp_status (*factor)(void *user, const double *x, double *m, double *q, double *size);
  /* x is now where value() was called last. May be NULL. */
  void (*keep)(void *user);
  /* f at the last point that was kept minus f where value() was called last, from the differences of the residuals: a part of them that is
   * the same at both cancels before it can drown the rest. NULL where the values are all there is. */
  double (*fall)(void *user);
} full_objective;

/* A method's state begins with so many single numbers; the last is not the method's. */
enum { FULL_SCALARS = 12 };

/* What an iteration of a method came to. */
typedef enum full_end {
  FULL_GOES_ON,
  FULL_CONVERGED, /* nothing is left to gain within the tolerance */
  FULL_STUCK,     /* no step makes f smaller: x is as it was */
  FULL_UNBOUNDED  /* f falls below every number; x is the last point with a finite one */
} full_end;

typedef struct full_step {
  double f;        /* after it */
  double gradient; /* its largest element by size; of those that bounds hold back, none */
  full_end end;
} full_step;

static inline void full_keep(const full_objective *o) {
  if (o->keep != NULL) o->keep(o->user);
}

/* Sums in the order of the elements. */
static inline double full_dot(const double *a, const double *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* The largest element by size; NaN if there is one. */
static inline double full_largest(const double *a, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++)
    if (!(fabs(a[i]) <= most)) most = fabs(a[i]);
  return most;
}

static inline double full_lower(const full_objective *o, size_t j) {
  return o->lower != NULL ? o->lower[j] : -INFINITY;
}
static inline double full_upper(const full_objective *o, size_t j) { return o->upper != NULL ? o->upper[j] : INFINITY; }

/* Whether x[j] stands at a bound and a step against the gradient would leave by it. */
static inline bool full_held(const full_objective *o, const double *x, const double *gradient, size_t j) {
  return (x[j] <= full_lower(o, j) && gradient[j] >= 0) || (x[j] >= full_upper(o, j) && gradient[j] <= 0);
}

/* x + step, and on a bound where the step goes there or beyond. */
static inline double full_within(const full_objective *o, size_t j, double x, double step) {
  double low = full_lower(o, j), high = full_upper(o, j);
  if (step <= low - x) return low;
  return step >= high - x ? high : x + step;
}

/* full_largest() of the gradient without what bounds hold back: at a minimum it is nothing. */
static inline double full_slope(const full_objective *o, const double *x, const double *gradient) {
  double most = 0;
  for (size_t j = 0; j < o->n; j++)
    if (!full_held(o, x, gradient, j) && !(fabs(gradient[j]) <= most)) most = fabs(gradient[j]);
  return most;
}

#endif
