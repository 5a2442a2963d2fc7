/* backprop/train.h - the loop that fits a network to rows of data.
 *
 * bp_fit() builds network, loss (loss.h), gradient and update (optimizer.h) as one graph, compiles it once, and runs it for
 * each mini-batch.
 */
#ifndef BACKPROP_TRAIN_H
#define BACKPROP_TRAIN_H
#include "backprop/loss.h"
#include "backprop/net.h"
#include "backprop/optimizer.h"
#include "backprop/schedule.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data ---- */
/* Columns first .. first + count - 1, of which one at most is 1 in a row and the others are 0: the categories of one column. */
typedef struct bp_source_run {
  int64_t first, count;
} bp_source_run;

/* Rows of features and targets in memory; nothing is copied, everything BORROWed for the call. */
typedef struct bp_source {
  int64_t rows, columns;
  bp_dtype dtype;        /* of features: F32, F64, or U8 (converted as rows are read) */
  const void *features;  /* [rows, columns] */
  double scale, shift;   /* every feature is used as value * scale + shift; 1 and 0 leave it alone */
  bp_dtype target_dtype; /* I32: class numbers [rows]; F32 or F64: values [rows, outputs] */
  int64_t outputs;       /* classes, or values per row */
  const void *targets;
  /* [rows], from 0, not all 0: how much each row counts; NULL: all the same. The objective is Σ wℓ / Σ w over all rows. A batch of
   * n rows gives its share, (rows / Σ w) · Σ wℓ / n, whose mean over random batches is the objective: so a batch of light
   * rows makes a short step, and a weight of 2 counts as the row twice. */
  const double *weights;
  /* [rows]: the features of row i stand in row places[i] of features[stored, columns]; NULL: in row i. */
  const int32_t *places;
  int64_t stored;
  /* Runs of columns that are held as numbers, in the order of the columns; 0: none. Row by row as features, ones[rows, n_runs] has the
   * column within each run that is 1, -1: none of them. Then features, F32 or F64 with scale 1 and shift 0, are the columns outside
   * of runs: [rows, columns - Σ count], NULL where there are none. The network sees the same, and the results are the same. */
  const bp_source_run *runs;
  size_t n_runs;
  const int32_t *ones;
} bp_source;

/* ---- the loop ---- */
/* What is known after an epoch. Loss: (weighted) mean over rows. Accuracy: (weighted) share of the rows whose predicted class is the
 * true one; NaN when the targets are not classes. */
typedef struct bp_epoch {
  int epoch; /* 1, 2, … */
  int64_t steps;
  double seconds;                    /* since the start of training */
  double lr;                         /* learning rate of the last step */
  double train_loss;                 /* mean over the epoch's rows, each with the weights of its step */
  double train_accuracy;             /* the same for the rows whose largest output is their class */
  double valid_loss, valid_accuracy; /* NaN without validation rows */
  double valid_metric;               /* the options' metric; NaN without validation rows */
} bp_epoch;

/* Called now and then during an epoch (done < 1) and at its end (done == 1, epoch complete). BORROW. Return false to stop. */
typedef bool (*bp_progress_fn)(void *user, const bp_epoch *epoch, double done);

/* What patience goes by, on the validation rows. */
typedef enum bp_metric {
  BP_METRIC_AUTO, /* the loss; bp_model_train() takes what its preset says */
  BP_METRIC_LOSS, /* less is better */
  BP_METRIC_ACCURACY, /* part of the rows whose largest output is their class, or of labels of 0 and 1 that are right; more is better */
  BP_METRIC_RMSE, /* sqrt of the mean of (p - y)² over rows and target columns; less is better. p: the predictions, in the units of y */
  BP_METRIC_MAE, /* mean of |p - y|; less is better */
  /* those of an evaluation (metrics.h), from the predictions of all validation rows; classes, more is better: */
  BP_METRIC_BALANCED_ACCURACY,
  BP_METRIC_F1, /* macro: the mean over the classes that are true or predicted somewhere */
  BP_METRIC_MCC,
  BP_METRIC_KAPPA,
  BP_METRIC_AUC, /* areas: of class 1 of two, else the mean of each class against the rest */
  BP_METRIC_PR_AUC,
  /* classes of which probabilities are predicted, less is better: */
  BP_METRIC_LOG_LOSS,
  BP_METRIC_BRIER,
  BP_METRIC_CALIBRATION_ERROR,
  /* log loss after the temperature that suits the rows best (Guo, Pleiss, Sun and Weinberger, 2017), which bp_model_train() then gives
   * to the model */
  BP_METRIC_CALIBRATED_LOSS,
  /* values, the mean over target columns; for r2 more is better, for errors less: */
  BP_METRIC_R2,
  BP_METRIC_MEDIAN_ERROR,
  BP_METRIC_MAX_ERROR,
  BP_METRIC_COUNT
} bp_metric;
/* VIEW "rmse"; NULL out of range. */
BP_API const char *bp_metric_name(bp_metric metric);
BP_API bool bp_metric_find(const char *name, bp_metric *out);

/* Euclidean norms over all parameters of a layer: after a step, of the gradient of its batch's loss (without penalties, and with
 * the network as it is used, so without dropout) at the weights before it, and of the difference that it made. */
typedef struct bp_layer_norms {
  double weights, gradient, update;
} bp_layer_norms;

/* After which steps norms are taken: each costs another forward and backward pass over its batch. */
typedef enum bp_norms {
  BP_NORMS_NEVER,
  BP_NORMS_EPOCH /* the last of every epoch */,
  BP_NORMS_STEP /* all */
} bp_norms;

/* What is known after a step. */
typedef struct bp_fit_step {
  int64_t step; /* 1, 2, … */
  int epoch;    /* that it belongs to */
  int64_t rows; /* of its batch */
  double loss;  /* mean over them, with the weights before the step */
  double lr;
  int layers;                  /* of the network */
  const bp_layer_norms *norms; /* VIEW [layers]; NULL when none were taken */
} bp_fit_step;

/* What is to happen after a step. */
typedef enum bp_action {
  BP_GO_ON,
  BP_STOP,       /* end the training: BP_STOP_CALLBACK */
  BP_CHECKPOINT, /* write a checkpoint and go on (bp_model_train() with a checkpoint file; else the same as BP_GO_ON) */
  BP_SUSPEND     /* write a checkpoint and end: BP_STOP_SUSPENDED */
} bp_action;
/* Called after every step. BORROW. */
typedef bp_action (*bp_fit_step_fn)(void *user, const bp_fit_step *step);

typedef struct bp_fit_options {
  size_t size; /* sizeof(bp_fit_options) */

  /* what is minimised */
  bp_objective objective;
  double l1, l2; /* adds l1 Σ|W| + (l2/2) Σ‖W‖²_F; biases and normalisation are left out */
  /* BORROW: a number for each layer with weights, in place of l1 or l2; NULL: none. */
  const double *l1_layers, *l2_layers;
  int n_l1_layers, n_l2_layers;

  /* how a step is made; each optimiser refuses the settings that it does not have */
  bp_optimizer optimizer;
  /* 0: 0.1 for sgd, 0.01 for adagrad and rprop, 1 for adadelta, 0.001 for the others; lbfgs and lm have none. */
  double lr;
  bp_schedule schedule;
  double momentum;     /* sgd, rmsprop; from 0, below 1 */
  bool nesterov;       /* sgd */
  double beta1, beta2; /* adam, adamw, nadam; 0: 0.9, 0.999 */
  bool amsgrad;        /* adam, adamw */
  double rho;          /* rmsprop, adadelta; 0: 0.9 */
  double epsilon;      /* 0: 1e-8 for adam, adamw, nadam and rmsprop, 1e-10 for adagrad, 1e-6 for adadelta */
  /* decoupled: w ← (1 - lr weight_decay) w before each step, weights only; 0: 0.01 for adamw, else none. */
  double weight_decay;
  int memory;        /* lbfgs: steps and changes of the gradient that are kept; 0: 10 */
  double clip_value; /* every element of the objective's gradient is clipped to ± this; 0: not */
  double clip_norm;  /* then all of it to this norm, if its norm is larger; 0: not */
  double max_norm;   /* after a step each unit's incoming weights are scaled down to this norm; 0: not */

  /* how long, and over which rows */
  int64_t batch_size; /* 0: 128, or full for an optimiser of full batches; rows or more: full batch */
  int epochs;         /* 0: 20, or 200 iterations for an optimiser of full batches */
  /* epochs without a better metric before stopping, the best weights restored; 0: never. Needs validation rows, or folds */
  int patience;
  bp_metric metric;
  double
      min_gain; /* a metric is better when it is so by more than this part of the best, or of 0.01 where that is less */
  /* BORROW [rows of the training source], for an ensemble (bp_net_set_members()): the member that does not learn from a row; a number that
   * is no member's: all do. Each member is then judged by the rows that it leaves out, which together take the place of validation
   * rows: with as many folds as members no row is lost to learning. NULL: every member learns from all rows. */
  const uint8_t *folds;
  double tolerance; /* stop when the training losses of the last epochs lie within this part of themselves; 0: never */
  int tolerance_epochs; /* how many changes of the loss that takes; 0: 5 */
  /* Seconds after which the step under way is the last, and its epoch counts as it stands; a run that goes on from a checkpoint
   * has them anew. 0: none */
  double time_limit;
  uint64_t seed;
  int threads; /* 0: one per core, or one where a step has too little work for more */

  /* who watches */
  bp_progress_fn progress;
  void *progress_user;
  bp_fit_step_fn step;
  void *step_user;
  bp_norms norms; /* for `step`; not for optimisers of full batches */
} bp_fit_options;

/* Checks what can be checked without network and rows, as bp_fit() does first.
 * BP_E_ARG  an option out of its range, or one that does not go with another; the message names it and what was expected */
BP_API bp_status bp_fit_options_check(bp_context *context, const bp_fit_options *options);

typedef enum bp_stop {
  BP_STOP_EPOCHS,    /* all epochs are through */
  BP_STOP_PATIENCE,  /* the validation loss got no better */
  BP_STOP_TOLERANCE, /* the training loss no longer changed, or a method for full batches is at a minimum */
  BP_STOP_SEPARATED, /* loss perceptron, plain sgd: an epoch made no error, so no later one would change a weight */
  BP_STOP_TIME,      /* the time limit */
  BP_STOP_CALLBACK,  /* a callback said so */
  BP_STOP_SUSPENDED, /* BP_SUSPEND */
  BP_STOP_DIVERGED,  /* a loss or a parameter was not finite */
  BP_STOP_UNBOUNDED, /* lbfgs found that the objective falls without end: there is no minimum */
  BP_STOP_COUNT
} bp_stop;
/* VIEW "epochs", "patience", "tolerance", "time", "callback", "suspended", "diverged", "separated", "unbounded". */
BP_API const char *bp_stop_name(bp_stop stop);

typedef struct bp_fit_result {
  int epochs;     /* completed */
  int best_epoch; /* whose weights were kept */
  int64_t steps;
  double seconds;
  bp_stop stopped_by;
  size_t workspace_bytes;
  int64_t checkpoint_steps; /* done when the last checkpoint was written; 0: none was (bp_model_train) */
  bp_epoch *history;        /* NEW, one per completed epoch; release with bp_fit_result_release() */
  size_t history_capacity;  /* for the release */
} bp_fit_result;
BP_API void bp_fit_result_release(bp_context *context, bp_fit_result *result);

/* Fits `params` (values[p] as for bp_net_init(), updated in place) to the rows of `train`. valid may be NULL. Each epoch goes
 * through all rows in a new order; the last batch may be short. The members of an ensemble see the same batches; a loss is the mean of
 * theirs, and that of validation rows belongs to the prediction that they make together (bp_objective_pool()). Arrays that begin on a cache line (64 bytes) are faster, much so
 * with several threads. The result is the same for every number of threads.
 * BP_E_ARG       an option out of its range; the message names it and the range
 * BP_E_DATA      no rows, features or targets that do not fit the network (bp_objective_units() outputs), a class number or
 *                a target out of range, a value that is not finite, a metric that the validation rows do not define
 * BP_E_DIVERGED  the loss of an epoch is not finite: params hold the last values whose epoch was finite, and *result is valid, as
 *                with BP_OK; after other failures it is as it was */
BP_API bp_status bp_fit(bp_context *context, const bp_net *net, void *const *params, const bp_source *train,
                        const bp_source *valid, const bp_fit_options *options, bp_fit_result *result);

#ifdef __cplusplus
}
#endif
#endif
