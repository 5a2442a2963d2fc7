/* backprop/train.h - losses, optimisers, and the loop that fits a network to rows of data.
 *
 * A loss and an optimiser are functions that append graph nodes. bp_fit() builds network, loss, gradient and update as one
 * graph, compiles it once, and runs it for each mini-batch.
 */
#ifndef BACKPROP_TRAIN_H
#define BACKPROP_TRAIN_H
#include "backprop/net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- losses: the raw output z [rows, outputs] and the target, to the loss of each row [rows] ---- */
typedef enum bp_loss {
  BP_LOSS_CROSS_ENTROPY,        /* softmax; logsumexp(z) - z_c; target I32 [rows] class numbers */
  BP_LOSS_BINARY_CROSS_ENTROPY, /* sigmoid; Σ y ζ(-z) + (1 - y) ζ(z); target real [rows, outputs], 0 to 1 */
  BP_LOSS_MSE,                  /* identity; mean over outputs of (z - y)²; target real [rows, outputs] */
  BP_LOSS_COUNT
} bp_loss;
/* VIEW "cross_entropy"; NULL out of range. */
BP_API const char *bp_loss_name(bp_loss loss);
BP_API bool bp_loss_find(const char *name, bp_loss *out);
/* Whether the target is class numbers (I32 [rows]) instead of values. */
BP_API bool bp_loss_wants_classes(bp_loss loss);
/* The loss of each row, [rows]. */
BP_API bp_var bp_loss_rows(bp_loss loss, bp_var z, bp_var target);
/* The output after the unit that belongs to the loss: softmax, sigmoid, or z itself. */
BP_API bp_var bp_loss_output(bp_loss loss, bp_var z);

/* ---- optimisers ---- */
typedef enum bp_optimizer {
  BP_SGD, /* v ← momentum·v + g; w ← w - lr·v (Nesterov: w ← w - lr·(g + momentum·v)); without momentum w ← w - lr·g */
  BP_ADAM, /* Kingma and Ba, 2015: m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², w ← w - lr·m̂ / (sqrt(v̂) + ε) */
  BP_OPTIMIZER_COUNT
} bp_optimizer;
/* VIEW "adam"; NULL out of range. */
BP_API const char *bp_optimizer_name(bp_optimizer optimizer);
BP_API bool bp_optimizer_find(const char *name, bp_optimizer *out);

/* ---- data ---- */
/* Rows of features and targets in memory; nothing is copied, everything BORROWed for the call. */
typedef struct bp_source {
  int64_t rows, columns;
  bp_dtype dtype;        /* of features: F32, F64, or U8 (converted as rows are read) */
  const void *features;  /* [rows, columns] */
  double scale, shift;   /* every feature is used as value * scale + shift; 1 and 0 leave it alone */
  bp_dtype target_dtype; /* I32: class numbers [rows]; F32 or F64: values [rows, outputs] */
  int64_t outputs;       /* classes, or values per row */
  const void *targets;
} bp_source;

/* ---- the loop ---- */
/* What is known after an epoch. Loss: mean over rows. Accuracy is NaN when the targets are not classes. */
typedef struct bp_epoch {
  int epoch; /* 1, 2, … */
  int64_t steps;
  double seconds;                    /* since the start of training */
  double train_loss;                 /* mean over the epoch's rows, each with the weights of its step */
  double train_accuracy;             /* the same for the rows whose largest output is their class */
  double valid_loss, valid_accuracy; /* NaN without validation rows */
} bp_epoch;

/* Called now and then during an epoch (done < 1) and at its end (done == 1, epoch complete). BORROW. Return false to stop. */
typedef bool (*bp_progress_fn)(void *user, const bp_epoch *epoch, double done);

typedef struct bp_fit_options {
  size_t size; /* sizeof(bp_fit_options) */
  bp_loss loss;
  bp_optimizer optimizer;
  double lr;       /* 0: 0.001 for adam, 0.1 for sgd */
  double momentum; /* sgd; 0 ≤ momentum < 1 */
  bool nesterov;
  double beta1, beta2, epsilon; /* adam; 0: 0.9, 0.999, 1e-8 */
  double l2;                    /* λ of (λ/2) Σ‖W‖², biases left out */
  int64_t batch_size;           /* 0: 128; rows or more: full batch */
  int epochs;                   /* 0: 20 */
  int patience; /* epochs without a better validation loss before stopping, the best weights restored; 0: never */
  uint64_t seed;
  int threads; /* 0: one per core */
  bp_progress_fn progress;
  void *progress_user;
} bp_fit_options;

typedef enum bp_stop { BP_STOP_EPOCHS, BP_STOP_PATIENCE, BP_STOP_CALLBACK, BP_STOP_DIVERGED } bp_stop;
/* VIEW "epochs", "patience", "callback", "diverged". */
BP_API const char *bp_stop_name(bp_stop stop);

typedef struct bp_fit_result {
  int epochs;     /* completed */
  int best_epoch; /* whose weights were kept */
  int64_t steps;
  double seconds;
  bp_stop stopped_by;
  size_t workspace_bytes;
  bp_epoch *history;       /* NEW, one per completed epoch; release with bp_fit_result_release() */
  size_t history_capacity; /* for the release */
} bp_fit_result;
BP_API void bp_fit_result_release(bp_context *context, bp_fit_result *result);

/* Fits `params` (values[p] as for bp_net_init(), updated in place) to the rows of `train`. valid may be NULL. Each epoch goes
 * through all rows in a new order; the last batch may be short. The result is the same for every number of threads.
 * BP_E_ARG       an option out of its range; the message names it and the range
 * BP_E_DATA      no rows, features that do not fit the network, a class number out of range, a value that is not finite
 * BP_E_DIVERGED  the loss of an epoch is not finite: params hold the last values whose epoch was finite, and *result is valid */
BP_API bp_status bp_fit(bp_context *context, const bp_net *net, void *const *params, const bp_source *train,
                        const bp_source *valid, const bp_fit_options *options, bp_fit_result *result);

#ifdef __cplusplus
}
#endif
#endif
