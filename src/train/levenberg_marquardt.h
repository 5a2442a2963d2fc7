/* train/levenberg_marquardt.h - damped Gauss-Newton steps for least squares of many unknowns, an iteration at a time. */
#ifndef BP_TRAIN_LEVENBERG_MARQUARDT_H
#define BP_TRAIN_LEVENBERG_MARQUARDT_H
#include "base/alloc.h"
#include "train/full_objective.h"

typedef struct lm {
  bp_allocator allocator;
  size_t n;
  double
      tolerance; /* on the largest element of the gradient, relative to the largest so far; below 0: only 0 ends it */
  double *block;
  size_t block_size;
  /* VIEWs into the block. The state: what the next iteration depends on beside x, state_size doubles from `state` on. */
  double *state;
  size_t state_size;
  double *g, *step, *new_x, *new_g;     /* [n] */
  double *residual, *direction, *image; /* [n]: of conjugate gradients */
  double f;                             /* at x, as g is */
  int64_t evaluations;
} lm;

/* Nothing is allocated after this. */
bp_status lm_init(bp_context *ctx, lm *l, size_t n, double tolerance);
void lm_release(lm *l);
/* f and g at x [n]; before the first iteration. */
bp_status lm_begin(lm *l, const full_objective *objective, double *x, full_step *out);
/* One iteration from x, which receives the new point. */
bp_status lm_iterate(lm *l, const full_objective *objective, double *x, full_step *out);

#endif
