/* train/trust_region.h - least squares of a few unknowns by Levenberg-Marquardt steps in a trust region, an iteration at a time. */
#ifndef BP_TRAIN_TRUST_REGION_H
#define BP_TRAIN_TRUST_REGION_H
#include "base/alloc.h"
#include "train/full_objective.h"

typedef struct trust_region {
  bp_allocator allocator;
  size_t n;
  double tolerance; /* on the next step of every unknown, relative to it; below 0: only its rounding ends it */
  double *block;
  size_t block_size;
  /* VIEWs into the block. The state: what the next iteration depends on beside x, state_size doubles from `state` on. */
  double *state;
  size_t state_size;
  double *scale;                    /* [n], a part of the state: the largest norm of each column of J so far */
  double *g, *step, *new_x, *new_g; /* [n] */
  double *m, *q, *new_m, *new_q;    /* [n,n] and [n]: full_objective.factor at x and new_x */
  double *r, *rhs, *columns;        /* [n,n], [n], [n]: the factor of the columns that are free, and their norms */
  double *damped, *work, *scaled, *free_step; /* of lm_problem */
  size_t *order, *free;                       /* [n] each, of lm_problem; a block of their own */
  bool *fixed;                                /* [n]: what bounds hold */
  double f, size;                             /* at x, as g is */
  double new_f, new_size;
  int64_t evaluations;
} trust_region;

/* Doubles of the state for n unknowns. */
size_t trust_region_state_size(size_t n);
/* Nothing is allocated after this. */
bp_status trust_region_init(bp_context *ctx, trust_region *t, size_t n, double tolerance);
void trust_region_release(trust_region *t);
/* f, g and what else is known at x [n]; before the first iteration. */
bp_status trust_region_begin(trust_region *t, const full_objective *objective, double *x, full_step *out);
/* One iteration from x, which receives the new point. */
bp_status trust_region_iterate(trust_region *t, const full_objective *objective, double *x, full_step *out);

/* ---- parts of it ---- */

/* D, with 1 for an unknown that has never moved a residual. */
static inline double trust_region_scale(const trust_region *t, size_t j) { return t->scale[j] > 0 ? t->scale[j] : 1; }
/* t->step ← the step from x within `radius` (INFINITY: any) and the bounds, where m, q and g are known; *lambda as lm_parameter_step() has
 * it. The model falls along it. False when it may not be the best one. */
bool trust_region_step(trust_region *t, const full_objective *objective, const double *x, double radius,
                       double *lambda);

#endif
