/* train/fit_program.h - the programs of a fit: one step of training, the loss of rows that are only looked at, and what methods of
 * full batches ask for. */
#ifndef BP_TRAIN_FIT_PROGRAM_H
#define BP_TRAIN_FIT_PROGRAM_H
#include "backprop/program.h"
#include "backprop/train.h"

/* The order of a program's inputs; parameters and optimiser slots (step program only) follow. */
typedef enum fit_input {
  FIT_FEATURES, /* the whole table; [batch, columns] of a source with runs */
  FIT_TARGETS,  /* classes: those of the batch, I32 [batch]; values: the whole table */
  FIT_ROWS,     /* I32 [batch]: row numbers */
  FIT_PLACES,   /* I32 [batch]: where their features stand; unused where that is the row number */
  FIT_WEIGHTS,  /* F64 [rows] of the whole table; unused where rows have none */
  FIT_FOLDS,    /* U8 [rows] of the whole table; used in training only, where there are any */
  FIT_LR,       /* step program only, rank 0 */
  FIT_STEP,     /* step program only, rank 0, F64 */
  FIT_FIRST_PARAM_OF_STEP,
  FIT_FIRST_PARAM_OF_EVAL = FIT_LR
} fit_input;

/* Outputs: the sum (eval) or mean (step) of the rows' losses, then the number of rows classified right (classes) or the
 * sum of the rows' errors that a metric asks for (values, eval only); with
 * weights, losses and rows are first multiplied by weight / mean weight; both are means over members, of a step each over the rows
 * that it learns from. Behind them, where a metric needs them, the predictions [batch, width] (eval only). */
enum { FIT_LOSS, FIT_CORRECT, FIT_VALUES };

/* NEW program for one update on `batch` rows at most. Adds up all of loss, gradient and optimiser. */
bp_status fit_step_program(bp_context *ctx, const bp_net *net, const bp_source *source, const bp_fit_options *options,
                           int64_t batch, bp_program **out);
/* What an evaluation gives beside the loss, and of whom. */
typedef struct fit_eval {
  bp_metric metric;
  bool predictions; /* whatever the metric needs */
  bool member;      /* one member of the network, whose parameters alone are inputs; else all together */
} fit_eval;
/* Whether its program gives predictions, which are then its last output. */
bool fit_eval_predicts(const fit_eval *e);
/* NEW program for the summed loss, and metric, of `batch` rows at most. */
bp_status fit_eval_program(bp_context *ctx, const bp_net *net, const bp_source *source, const bp_objective *objective,
                           const fit_eval *eval, int64_t batch, bp_program **out);

/* NEW programs for methods of full batches, which sum over `batch` rows at most and take the inputs of an evaluation.
 * Gradient: the sum of the losses (F64), the rows classified right (F64, classes only), the gradient of the objective for each
 * parameter, and the objective (F64), which is the losses with rows times the penalties.
 * Product: for each parameter A v, where the v stand behind the parameters among the inputs, and A is the Gauss-Newton matrix of that
 * objective, which must be one of least squares. */
bp_status fit_gradient_program(bp_context *ctx, const bp_net *net, const bp_source *source,
                               const bp_fit_options *options, int64_t batch, bp_program **out);
bp_status fit_product_program(bp_context *ctx, const bp_net *net, const bp_source *source,
                              const bp_fit_options *options, int64_t batch, bp_program **out);
/* NEW program with the inputs of a step that says how large the numbers of a step of training become, and changes nothing: sums of
 * squares in float64 of the rows' losses, of each layer's output, and of each parameter's gradient. */
enum { FIT_LOOK_LOSS, FIT_LOOK_LAYERS };
bp_status fit_look_program(bp_context *ctx, const bp_net *net, const bp_source *source, const bp_fit_options *options,
                           int64_t batch, bp_program **out);

#endif
