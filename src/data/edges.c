/* data/edges.c - the edges of a column's pieces. */
#include "data/edges.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Rows that are looked at. */
#define SAMPLE 100000

/* How many of values[n] from `at` on are the same. */
static int64_t run_of(const double *values, int64_t n, int64_t at) {
  int64_t end = at + 1;
  while (end < n && values[end] == values[at]) end++;
  return end - at;
}

/* Values that fill a piece, and rows of all others. */
typedef struct share {
  int64_t distinct, heavy, light_rows;
} share;

static share share_of(const double *values, int64_t n, int64_t pieces) {
  share s = {0};
  for (int64_t at = 0; at < n;) {
    int64_t rows = run_of(values, n, at);
    s.distinct++;
    if (rows * pieces >= n)
      s.heavy++;
    else
      s.light_rows += rows;
    at += rows;
  }
  return s;
}

int64_t bp_edges_find(const double *values, int64_t n, int64_t pieces, double *edges) {
  share s = share_of(values, n, pieces);
  if (s.distinct < 3 || pieces < 2) return 0;
  bool each = s.distinct <= pieces + 1;
  int64_t light = pieces + 1 - s.heavy - 2, count = 0, passed = 0; /* two for the ends */
  double step = light > 0 ? (double)s.light_rows / (double)(light + 1) : (double)n, next = step;
  for (int64_t at = 0; at < n && count <= pieces;) {
    int64_t rows = run_of(values, n, at);
    bool heavy = rows * pieces >= n, end = at == 0 || at + rows == n, due = !heavy && (double)(passed + rows) >= next;
    if (each || heavy || end || (due && count < pieces)) edges[count++] = values[at];
    if (!heavy) passed += rows;
    while (due && next <= (double)passed) next += step;
    at += rows;
  }
  return count;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The place of an input among the columns of encoded rows, which lack those of categories that are numbers there. */
static int64_t place_of(const bp_encoding *e, const bp_encoded *rows, int64_t input) {
  int64_t place = input;
  for (size_t f = 0; f < e->n_features && rows->ones; f++) {
    const bp_feature *feature = &e->features[f];
    if (feature->type == BP_FEATURE_CATEGORY && feature->first_input < input) place -= bp_feature_ones(feature);
  }
  return place;
}

static int64_t width_of(const bp_encoding *e, const bp_encoded *rows) { return place_of(e, rows, e->inputs); }

bp_status bp_encoded_edges(bp_context *ctx, const bp_encoding *encoding, const bp_encoded *rows, int64_t input,
                           int64_t pieces, double *edges, int64_t *count) {
  int64_t stride = 1 + (rows->rows - 1) / SAMPLE, n = (rows->rows + stride - 1) / stride;
  int64_t place = place_of(encoding, rows, input), width = width_of(encoding, rows);
  double *values = bp_alloc(ctx, (size_t)n, sizeof *values);
  if (!values) return BP_E_NOMEM;
  for (int64_t i = 0; i < n; i++) {
    int64_t at = i * stride * width + place;
    values[i] =
        rows->dtype == BP_F64 ? ((const double *)rows->features)[at] : (double)((const float *)rows->features)[at];
  }
  qsort(values, (size_t)n, sizeof *values, compare);
  *count = bp_edges_find(values, n, pieces, edges);
  bp_release(bp_context_allocator(ctx), values, (size_t)n, sizeof *values);
  return BP_OK;
}
