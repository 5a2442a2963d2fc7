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
  /* f(x), and its gradient unless that is NULL. x is rounded to what the parameters can hold first. */
  bp_status (*value)(void *user, double *x, double *f, double *gradient);
  /* Least squares only. out = A v at x, A the Gauss-Newton matrix: the Hessian of f without the curvature of the residuals. */
  bp_status (*product)(void *user, const double *x, const double *v, double *out);
} full_objective;

/* A method's state begins with so many single numbers; the last is not the method's. */
enum { FULL_SCALARS = 8 };

/* What an iteration of a method came to. */
typedef struct full_step {
  double f;        /* after it */
  double gradient; /* its largest element by size */
  bool stuck;      /* no step made f smaller: x is as it was */
} full_step;

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

#endif
