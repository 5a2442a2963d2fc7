/* train/lbfgs.h - limited-memory BFGS, an iteration at a time. */
#ifndef BP_TRAIN_LBFGS_H
#define BP_TRAIN_LBFGS_H
#include "base/alloc.h"
#include "train/full_objective.h"

typedef struct lbfgs {
  bp_allocator allocator;
  size_t n, memory;
  double *block;
  size_t block_size;
  /* VIEWs into the block. The state: what the next iteration depends on beside x, state_size doubles from `state` on. */
  double *state;
  size_t state_size;
  double *s, *y; /* [memory, n]: steps and changes of the gradient, a ring */
  double *rho;   /* [memory]: 1 / (yᵀ s) */
  /* Scratch. */
  double *g, *direction, *new_x, *new_g, *alpha;
  double f; /* at x, as g is */
  int64_t evaluations;
} lbfgs;

/* Nothing is allocated after this. */
bp_status lbfgs_init(bp_context *ctx, lbfgs *l, size_t n, int memory);
void lbfgs_release(lbfgs *l);
/* One iteration from x [n], which receives the new point. Before the first one f and g are set. */
bp_status lbfgs_iterate(lbfgs *l, const full_objective *objective, double *x, full_step *out);

#endif
