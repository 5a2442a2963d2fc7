/* train/fit_metrics.h - what patience goes by, and the measures that need the predictions of all validation rows at once. */
#ifndef BP_TRAIN_FIT_METRICS_H
#define BP_TRAIN_FIT_METRICS_H
#include "backprop/train.h"

/* Whether a larger value is the better one. */
bool metric_rises(bp_metric metric);
/* Whether it is a sum over rows that the program of an evaluation makes, RMSE and MAE. */
bool metric_is_sum(bp_metric metric);
/* Whether it needs the predictions. */
bool metric_needs_rows(bp_metric metric);
/* BP_E_ARG when the metric is none of what the objective, resolved, learns. */
bp_status metric_check(bp_context *ctx, bp_metric metric, const bp_objective *objective);

/* The predictions of the rows of a source; all zero: none are wanted. */
typedef struct fit_rows {
  bp_context *ctx;
  const bp_source *source; /* BORROW */
  bp_dtype dtype;          /* of the network */
  int64_t width, batch;
  void *piece;         /* [batch, width] of the network's type: where the program leaves those of a batch */
  double *predictions; /* classes: [rows, width]; values: [width, rows] */
  size_t piece_bytes, n;
} fit_rows;
bp_status fit_rows_init(fit_rows *r, bp_context *ctx, bp_dtype dtype, const bp_source *source, int64_t batch);
void fit_rows_release(fit_rows *r);
/* Takes those of rows begin .. begin + n - 1, which stand in `piece`. */
void fit_rows_take(fit_rows *r, int64_t begin, int64_t n);
/* BP_E_DATA when the metric is not defined for the rows, though all predictions are numbers. */
bp_status fit_rows_measure(const fit_rows *r, bp_metric metric, double *out);

#endif
