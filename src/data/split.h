/* data/split.h - rows set aside for validation: a pure function of the seed, the same for every run. */
#ifndef BP_DATA_SPLIT_H
#define BP_DATA_SPLIT_H
#include "base/alloc.h"

/* Row numbers in ascending order, each row in one of the two. */
typedef struct bp_split {
  int32_t *train, *valid;
  int64_t n_train, n_valid;
  bp_allocator allocator;
} bp_split;

/* Sets round(fraction * rows) rows aside; with strata (class 0, 1, … of every row, BORROW; NULL: none) the rounded fraction of
 * each class, never a whole class. Both parts have at least one row.
 * BP_E_ARG   fraction not inside 0 .. 1
 * BP_E_DATA  fewer than two rows, or no class with two */
bp_status bp_split_rows(bp_context *ctx, int64_t rows, const int32_t *strata, double fraction, uint64_t seed,
                        bp_split *out);
void bp_split_release(bp_split *split);

/* fold_of[i] for each of `rows` rows, 0 … folds - 1 in turn along an order drawn from the seed, class after class where there are strata:
 * so folds differ by one row at most, and by one of each class.
 * BP_E_NOMEM */
bp_status bp_split_folds(bp_context *ctx, int64_t rows, const int32_t *strata, int folds, uint64_t seed,
                         uint8_t *fold_of);

#endif
