/* train/probability_metrics.h - the measures of class probabilities, row by row. */
#ifndef BP_TRAIN_PROBABILITY_METRICS_H
#define BP_TRAIN_PROBABILITY_METRICS_H
#include "backprop/metrics.h"

#define BP_CALIBRATION_BINS 15

/* A sum that keeps its low part (Neumaier, 1974): means of millions of rows keep their digits. */
typedef struct bp_long_sum {
  double high, low;
} bp_long_sum;
void bp_long_sum_add(bp_long_sum *sum, double value);
static inline double bp_long_sum_of(const bp_long_sum *sum) { return sum->high + sum->low; }

/* What rows have given so far; starts zero-filled. */
typedef struct bp_probability_sums {
  double weight;
  bp_long_sum log_loss, brier;
  double top_k;
  double bin_weight[BP_CALIBRATION_BINS], bin_confidence[BP_CALIBRATION_BINS], bin_right[BP_CALIBRATION_BINS];
} bp_probability_sums;

/* Adds a row of probabilities p[classes]. */
void bp_probability_sums_add(bp_probability_sums *sums, int32_t truth, const double *p, double weight, int64_t classes,
                             int64_t k);
bp_probability_metrics bp_probability_sums_metrics(const bp_probability_sums *sums);

/* The first of the largest. */
int32_t bp_most_probable(const double *p, int64_t classes);

#endif
