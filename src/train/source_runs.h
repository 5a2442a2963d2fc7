/* train/source_runs.h - where a source whose categories are numbers has the rows of its features. */
#ifndef BP_TRAIN_SOURCE_RUNS_H
#define BP_TRAIN_SOURCE_RUNS_H
#include "backprop/train.h"

/* Elements of a row of `features`: the columns outside of runs. */
static inline int64_t source_width(const bp_source *s) {
  int64_t width = s->columns;
  for (size_t k = 0; k < s->n_runs; k++) width -= s->runs[k].count;
  return width;
}

/* Where the features, and the ones, of row r stand. */
static inline int64_t source_place(const bp_source *s, int64_t r) { return s->places != NULL ? s->places[r] : r; }

#endif
