/* model/metrics.h - the measures of predictions, from plain arrays. */
#ifndef BP_MODEL_METRICS_H
#define BP_MODEL_METRICS_H
#include "backprop/model.h"

/* Accuracy, confusion, precision, recall and F1 of `classes` classes, and the area under the ROC curve when `second` (the
 * score of class 1, for two classes) is given. loss and log_loss_bits are NaN. Release with bp_metrics_release(). */
bp_status bp_metrics_of_classes(bp_context *ctx, const int32_t *truth, const int32_t *predicted, const double *second,
                                int64_t rows, int64_t classes, bp_metrics *out);

/* RMSE, MAE and R²; loss is NaN. rows >= 1. */
void bp_metrics_of_values(const double *truth, const double *predicted, int64_t rows, bp_metrics *out);

#endif
