/* train/levenberg_marquardt.h - damped Gauss-Newton steps for least squares, an iteration at a time. */
#ifndef BP_TRAIN_LEVENBERG_MARQUARDT_H
#define BP_TRAIN_LEVENBERG_MARQUARDT_H
#include "backprop/program.h"
#include "base/alloc.h"
#include "train/full_objective.h"

typedef struct lm {
  bp_allocator allocator;
  size_t n;
  bool dense; /* A is formed, and the step solved by a factor; else by conjugate gradients */
  double *block;
  size_t block_size;
  /* VIEWs into the block. The state: what the next iteration depends on beside x, state_size doubles from `state` on. */
  double *state;
  size_t state_size;
  double *scale;                        /* [n], a part of the state */
  double *g, *step, *new_x, *new_g;     /* [n] */
  double *a;                            /* dense: [n,n] */
  double *residual, *direction, *image; /* [n]: of conjugate gradients; image: dense too */
  bp_program *solve;                    /* dense: A, scale, λ, g → step */
  bp_workspace *workspace;
  double f; /* at x, as g is */
  int64_t evaluations;
} lm;

/* Nothing is allocated after this. */
bp_status lm_init(bp_context *ctx, lm *l, size_t n, int threads);
void lm_release(lm *l);
/* One iteration from x [n], which receives the new point. Before the first one f and g are set. */
bp_status lm_iterate(lm *l, const full_objective *objective, double *x, full_step *out);

#endif
