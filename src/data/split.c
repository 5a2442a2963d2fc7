/* data/split.c - a validation split: walk through the rows in an order drawn from the seed, and set each aside while its
 * class still owes rows. */
#include "data/split.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/philox.h"

typedef struct splitter {
  bp_context *ctx;
  int64_t rows, classes;
  const int32_t *strata;
  int32_t *order; /* [rows] */
  int64_t *owed;  /* [classes] rows to set aside */
  bool *is_valid; /* [rows] */
} splitter;

static int32_t class_of(const splitter *s, int64_t row) { return s->strata ? s->strata[row] : 0; }

static bp_status alloc_all(splitter *s) {
  for (int64_t r = 0; r < s->rows; r++)
    if (class_of(s, r) >= s->classes) s->classes = class_of(s, r) + 1;
  s->order = bp_alloc(s->ctx, (size_t)s->rows, sizeof *s->order);
  s->owed = s->order ? bp_calloc(s->ctx, (size_t)s->classes, sizeof *s->owed) : NULL;
  s->is_valid = s->owed ? bp_calloc(s->ctx, (size_t)s->rows, sizeof *s->is_valid) : NULL;
  return s->is_valid ? BP_OK : BP_E_NOMEM;
}

static void release_all(splitter *s) {
  bp_allocator allocator = bp_context_allocator(s->ctx);
  bp_release(allocator, s->order, (size_t)s->rows, sizeof *s->order);
  bp_release(allocator, s->owed, (size_t)s->classes, sizeof *s->owed);
  bp_release(allocator, s->is_valid, (size_t)s->rows, sizeof *s->is_valid);
}

/* The share of each class, never all of it; at least one row in all, from the largest class if need be. */
static bp_status share_out(splitter *s, double fraction) {
  int64_t total = 0, largest = 0, largest_count = 0;
  for (int64_t r = 0; r < s->rows; r++) s->owed[class_of(s, r)]++;
  for (int64_t c = 0; c < s->classes; c++) {
    int64_t count = s->owed[c], share = (int64_t)floor(fraction * (double)count + 0.5);
    if (count > largest_count) {
      largest = c;
      largest_count = count;
    }
    s->owed[c] = share < count ? share : count - (count > 0);
    total += s->owed[c];
  }
  if (largest_count < 2)
    return bp_fail(s->ctx, BP_E_DATA,
                   "%" PRId64 " row%s cannot be split for validation; at least two of a class are needed", s->rows,
                   s->rows == 1 ? "" : "s");
  if (total == 0) s->owed[largest] = 1;
  return BP_OK;
}

static int64_t set_aside(splitter *s, uint64_t seed) {
  int64_t n = 0;
  bp_random_permutation(seed, BP_PURPOSE_SPLIT, 0, s->order, (int32_t)s->rows);
  for (int64_t i = 0; i < s->rows; i++) {
    int64_t *owed = &s->owed[class_of(s, s->order[i])];
    if (*owed == 0) continue;
    --*owed;
    s->is_valid[s->order[i]] = true;
    n++;
  }
  return n;
}

static bp_status list_rows(const splitter *s, int64_t n_valid, bp_split *out) {
  bp_split split = {.allocator = bp_context_allocator(s->ctx), .n_valid = n_valid, .n_train = s->rows - n_valid};
  int64_t t = 0, v = 0;
  split.train = bp_alloc(s->ctx, (size_t)split.n_train, sizeof *split.train);
  split.valid = split.train ? bp_alloc(s->ctx, (size_t)split.n_valid, sizeof *split.valid) : NULL;
  if (!split.valid) {
    bp_split_release(&split);
    return BP_E_NOMEM;
  }
  for (int64_t r = 0; r < s->rows; r++) {
    if (s->is_valid[r])
      split.valid[v++] = (int32_t)r;
    else
      split.train[t++] = (int32_t)r;
  }
  *out = split;
  return BP_OK;
}

static bp_status split_into(splitter *s, double fraction, uint64_t seed, bp_split *out) {
  BP_TRY(alloc_all(s));
  BP_TRY(share_out(s, fraction));
  return list_rows(s, set_aside(s, seed), out);
}

bp_status bp_split_rows(bp_context *ctx, int64_t rows, const int32_t *strata, double fraction, uint64_t seed,
                        bp_split *out) {
  splitter s = {.ctx = ctx, .rows = rows, .classes = 1, .strata = strata};
  if (!(fraction > 0 && fraction < 1))
    return bp_fail(ctx, BP_E_ARG, "validation fraction %g; expected more than 0 and less than 1", fraction);
  if (rows < 2 || rows > INT32_MAX)
    return bp_fail(ctx, BP_E_DATA, "%" PRId64 " rows cannot be split for validation; 2 to %d are possible", rows,
                   INT32_MAX);
  bp_status status = split_into(&s, fraction, seed, out);
  release_all(&s);
  return status;
}

void bp_split_release(bp_split *split) {
  bp_release(split->allocator, split->train, (size_t)split->n_train, sizeof *split->train);
  bp_release(split->allocator, split->valid, (size_t)split->n_valid, sizeof *split->valid);
  memset(split, 0, sizeof *split);
}

/* ---- folds ---- */

/* Rows in the drawn order, class after class: a counting sort that keeps the order within a class. */
static void order_by_class(const splitter *s, const int32_t *drawn, int64_t *begin) {
  for (int64_t c = 0; c <= s->classes; c++) begin[c] = 0;
  for (int64_t r = 0; r < s->rows; r++) begin[class_of(s, r) + 1]++;
  for (int64_t c = 0; c < s->classes; c++) begin[c + 1] += begin[c];
  for (int64_t i = 0; i < s->rows; i++) s->order[begin[class_of(s, drawn[i])]++] = drawn[i];
}

bp_status bp_split_folds(bp_context *ctx, int64_t rows, const int32_t *strata, int folds, uint64_t seed,
                         uint8_t *fold_of) {
  splitter s = {.ctx = ctx, .rows = rows, .classes = 1, .strata = strata};
  bp_allocator allocator = bp_context_allocator(ctx);
  for (int64_t r = 0; r < rows; r++)
    if (class_of(&s, r) >= s.classes) s.classes = class_of(&s, r) + 1;
  size_t n_begin = (size_t)s.classes + 1;
  int32_t *drawn = bp_alloc(ctx, (size_t)rows, sizeof *drawn);
  int64_t *begin = drawn ? bp_alloc(ctx, n_begin, sizeof *begin) : NULL;
  s.order = begin ? bp_alloc(ctx, (size_t)rows, sizeof *s.order) : NULL;
  bool good = s.order != NULL;
  if (good) {
    bp_random_permutation(seed, BP_PURPOSE_SPLIT, 1, drawn, (int32_t)rows);
    order_by_class(&s, drawn, begin);
    for (int64_t i = 0; i < rows; i++) fold_of[s.order[i]] = (uint8_t)(i % folds);
  }
  bp_release(allocator, drawn, (size_t)rows, sizeof *drawn);
  bp_release(allocator, begin, n_begin, sizeof *begin);
  bp_release(allocator, s.order, (size_t)rows, sizeof *s.order);
  return good ? BP_OK : BP_E_NOMEM;
}
