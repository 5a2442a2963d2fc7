/* data/column_stats.h - what standardising a column of numbers needs to know about it. */
#ifndef BP_DATA_COLUMN_STATS_H
#define BP_DATA_COLUMN_STATS_H
#include <stdint.h>

typedef struct bp_column_stats {
  int64_t present, missing; /* numbers, NaNs */
  double min, max;          /* infinite if a value is; the rest then means nothing */
  double mean, deviation;   /* population standard deviation */
  double median;            /* of an even number of values, the middle between the two in the middle */
} bp_column_stats;

/* Of values[0 .. n), which are put in another order. All zero but `missing` when nothing is present. */
bp_column_stats bp_column_stats_of(double *values, int64_t n);

#endif
