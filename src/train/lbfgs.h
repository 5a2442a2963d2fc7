/* train/lbfgs.h - limited-memory BFGS, an iteration at a time. */
#ifndef BP_TRAIN_LBFGS_H
#define BP_TRAIN_LBFGS_H
#include "base/alloc.h"
#include "train/full_objective.h"

typedef struct lbfgs {
  bp_allocator allocator;
  size_t n, memory;
  double
      tolerance; /* on the largest element of the gradient, relative to the largest so far; below 0: only 0 ends it */
  double *block;
  size_t block_size;
  /* VIEWs into the block. The state: what the next iteration depends on beside x, state_size doubles from `state` on. */
  double *state;
  size_t state_size;
  double *s, *y; /* [memory, n]: steps and changes of the gradient, a ring */
  double *rho;   /* [memory]: 1 / (yᵀ s) */
  /* Scratch. */
  double *g, *direction, *new_x, *new_g, *free, *alpha, *curvature; /* free: 1, or 0 for what a bound holds */
  double f;                                                         /* at x, as g is */
  double by_slopes; /* the fall of the last step as the slopes at both ends have it */
  int64_t evaluations;
} lbfgs;

/* Doubles of the state for n unknowns. */
size_t lbfgs_state_size(size_t n, int memory);
/* Nothing is allocated after this. */
bp_status lbfgs_init(bp_context *ctx, lbfgs *l, size_t n, int memory, double tolerance);
void lbfgs_release(lbfgs *l);
/* Whether a state that was put here, from a file say, can be gone on from: its counters are places of the ring. */
bool lbfgs_fits(const lbfgs *l);
/* f and g at x [n]; before the first iteration. */
bp_status lbfgs_begin(lbfgs *l, const full_objective *objective, double *x, full_step *out);
/* One iteration from x, which receives the new point. */
bp_status lbfgs_iterate(lbfgs *l, const full_objective *objective, double *x, full_step *out);

#endif
