/* train/full_method.h - one of the methods for full batches, an iteration at a time. */
#ifndef BP_TRAIN_FULL_METHOD_H
#define BP_TRAIN_FULL_METHOD_H
#include "train/lbfgs.h"
#include "train/levenberg_marquardt.h"
#include "train/trust_region.h"

typedef enum full_kind {
  FULL_LBFGS,
  FULL_TRUST_REGION, /* least squares with few unknowns */
  FULL_LM            /* and with many, by products alone; it knows no bounds */
} full_kind;

typedef struct full_method {
  full_kind kind;
  bool begun; /* value and gradient are known */
  lbfgs lbfgs;
  trust_region trust;
  lm lm;
} full_method;

/* The method of least squares for n unknowns. */
full_kind full_kind_of_squares(size_t n);
/* memory: pairs of L-BFGS; tolerance: as the methods have it, below 0: none. Nothing is allocated after this. May be released
 * after a failure. */
bp_status full_method_init(bp_context *ctx, full_method *m, full_kind kind, size_t n, int memory, double tolerance);
void full_method_release(full_method *m);
/* Value and gradient where x begins, unless an earlier call gave them (then *out is left alone); before the first iteration.
 * BP_E_DIVERGED  they are not finite */
bp_status full_method_begin(bp_context *ctx, full_method *m, const full_objective *objective, double *x,
                            full_step *out);
bp_status full_method_iterate(full_method *m, const full_objective *objective, double *x, full_step *out);
/* Evaluations of the value so far. */
int64_t full_method_evaluations(const full_method *m);
/* Doubles of the state that a method of this kind has for n unknowns. */
size_t full_method_state_size(full_kind kind, size_t n, int memory);
/* VIEW what the next iteration depends on beside x, *size doubles: to be saved, and to be filled before the first iteration. */
double *full_method_state(full_method *m, size_t *size);
/* Whether a state that was filled so can be gone on from. */
bool full_method_fits(const full_method *m);
/* A number of the state that methods leave to their driver. */
double *full_method_mark(full_method *m);

#endif
