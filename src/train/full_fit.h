/* train/full_fit.h - a network's loss over all rows as the objective of a method for full batches. */
#ifndef BP_TRAIN_FULL_FIT_H
#define BP_TRAIN_FULL_FIT_H
#include "train/runner.h"

/* Rows that programs over all rows take at once. */
#define FULL_FIT_ROWS 1024

typedef struct full_fit full_fit;

/* BP_E_ARG when network, loss and options do not go with the method; the message says why. */
bp_status full_fit_check(bp_context *ctx, const bp_net *net, const bp_fit_options *options);

/* NEW; everything BORROWed. `rows` is a runner over the training rows without a program yet, made for the inputs
 * FIT_FIRST_PARAM_OF_EVAL and the parameters behind; it receives the program of loss and gradient. Options are resolved. */
bp_status full_fit_new(bp_context *ctx, const bp_net *net, void *const *params, const bp_fit_options *options,
                       runner *rows, full_fit **out);
void full_fit_free(full_fit *f);

/* One iteration, from the values that the parameters have to better ones. *loss: mean over the rows, without penalties;
 * *correct: rows classified right, NaN for values. BP_E_DIVERGED when the loss is not finite at the start. */
bp_status full_fit_step(full_fit *f, double *loss, double *correct);
/* Whether the last iteration ended at a minimum, or as near to one as the numbers allow. */
bool full_fit_converged(full_fit *f);
/* Whether it found that the objective has no least value. */
bool full_fit_unbounded(full_fit *f);
/* Doubles of its state, known before it is made. */
size_t full_fit_state_size(const bp_net *net, const bp_fit_options *options);
/* VIEW what the next iteration depends on beside the parameters, *size doubles: to be saved, and filled before the first. */
double *full_fit_state(full_fit *f, size_t *size);
/* Whether what it was filled with can be gone on from. */
bool full_fit_fits(const full_fit *f);

#endif
