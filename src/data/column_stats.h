/* data/column_stats.h - what standardising a column of numbers needs to know about it. */
#ifndef BP_DATA_COLUMN_STATS_H
#define BP_DATA_COLUMN_STATS_H
#include <stdint.h>

typedef struct bp_column_stats {
  int64_t present, missing; /* numbers, NaNs */
  double min, max;          /* infinite if a value is; the rest then means nothing */
  double mean, deviation; /* weighted: Σ w x / Σ w, and the population standard deviation sqrt(Σ w (x - mean)² / Σ w) */
  double median;          /* of an even number of values, the middle between the two in the middle */
} bp_column_stats;

/* Of values[0 .. n), which are put in another order. All zero but `missing` when nothing is present. weights[0 .. n), finite
 * and from 0; NULL, or 0 for all that is present: all weigh the same. Only mean and deviation go by them. */
bp_column_stats bp_column_stats_of(double *values, const double *weights, int64_t n);

#endif
