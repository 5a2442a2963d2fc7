/* train/batching.h - how the rows of an epoch are cut into batches: of `size` rows each, the last one of what is left.
 *
 * Where layers normalise by the batch, a last row alone joins the batch before it: a batch of one row has no variance, every
 * normalised value in it is 0, and its step would learn from the biases alone.
 */
#ifndef BP_TRAIN_BATCHING_H
#define BP_TRAIN_BATCHING_H
#include "backprop/train.h"

typedef struct batching {
  int64_t rows; /* of an epoch */
  int64_t size; /* rows of a full batch */
  int64_t last; /* rows of the last one */
} batching;

/* `options` are resolved: their batch size is at most the rows.
 * BP_E_ARG, BP_E_DATA  batch normalisation with batches of one row */
bp_status batching_of(bp_context *ctx, const bp_net *net, int64_t rows, const bp_fit_options *options, batching *out);

/* The batch that begins at a row: how many rows it has. Full batches end before `rows - last`. */
static inline int64_t batching_next(const batching *b, int64_t row) {
  return row < b->rows - b->last ? b->size : b->rows - row;
}
/* Batches until a row at which one ends; in all. */
static inline int64_t batching_done(const batching *b, int64_t row) {
  return row < b->rows ? row / b->size : (b->rows - b->last) / b->size + 1;
}
static inline int64_t batching_count(const batching *b) { return batching_done(b, b->rows); }
/* Whether a batch begins or the epoch ends at this row. */
static inline bool batching_is_border(const batching *b, int64_t row) {
  return row == b->rows || (row >= 0 && row <= b->rows - b->last && row % b->size == 0);
}
/* Rows of the largest batch. */
static inline int64_t batching_most(const batching *b) { return b->last > b->size ? b->last : b->size; }

#endif
