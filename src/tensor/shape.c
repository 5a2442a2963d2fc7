/* shape.c - shapes of dense row-major arrays. Floor: tensor. */
#include "tensor/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Elements of one row of an array with a batch. */
#define ROW_MAX ((int64_t)1 << 28)

bp_shape bp_shape_make(int rank, const int64_t *dims) {
  bp_shape s = {.rank = rank};
  for (int i = 0; i < rank && i < BP_MAX_RANK; i++) s.dims[i] = dims[i];
  return s;
}

bool bp_shape_equal(const bp_shape *a, const bp_shape *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

bool bp_shape_has_batch(const bp_shape *s) { return s->rank > 0 && s->dims[0] < 0; }

bp_shape bp_shape_resolve(const bp_shape *s, int64_t batch) {
  bp_shape r = *s;
  if (bp_shape_has_batch(s)) r.dims[0] = batch;
  return r;
}

int64_t bp_shape_row(const bp_shape *s) {
  int64_t n = 1;
  for (int i = 1; i < s->rank; i++) n *= s->dims[i];
  return n;
}

int64_t bp_shape_rows(const bp_shape *s, int64_t batch) {
  if (s->rank == 0) return 1;
  return s->dims[0] < 0 ? batch : s->dims[0];
}

int64_t bp_shape_elements(const bp_shape *s, int64_t batch) { return bp_shape_rows(s, batch) * bp_shape_row(s); }

bool bp_shape_only_ones_differ(const bp_shape *a, const bp_shape *b) {
  int i = 0, k = 0;
  for (;; i++, k++) {
    while (i < a->rank && a->dims[i] == 1) i++;
    while (k < b->rank && b->dims[k] == 1) k++;
    if (i == a->rank || k == b->rank) return i == a->rank && k == b->rank;
    if (a->dims[i] != b->dims[k]) return false;
  }
}

bool bp_shape_valid(const bp_shape *s) {
  if (s->rank < 0 || s->rank > BP_MAX_RANK) return false;
  int64_t n = 1;
  int64_t limit = bp_shape_has_batch(s) ? ROW_MAX : BP_ELEMENTS_MAX;
  for (int i = 0; i < s->rank; i++) {
    if (i == 0 && s->dims[0] == -1) continue;
    if (s->dims[i] < 0) return false;
    int64_t size = s->dims[i] > 0 ? s->dims[i] : 1; /* also no part of an array without elements may overflow */
    if (n > limit / size) return false;
    n *= size;
  }
  return true;
}

bool bp_shape_broadcast(const bp_shape *a, const bp_shape *b, bp_shape *out) {
  const bp_shape *longer = a->rank >= b->rank ? a : b, *shorter = a->rank >= b->rank ? b : a;
  int shift = longer->rank - shorter->rank;
  bp_shape r = *longer;
  for (int i = 0; i < shorter->rank; i++) {
    int64_t x = longer->dims[i + shift], y = shorter->dims[i];
    if (x != y && x != 1 && y != 1) return false;
    r.dims[i + shift] = x == 1 ? y : x;
  }
  /* a batch can only lead */
  for (int i = 1; i < r.rank; i++)
    if (r.dims[i] < 0) return false;
  *out = r;
  return true;
}

const char *bp_shape_text(const bp_shape *s, char *text, size_t size) {
  size_t at = 0;
  if (size == 0) return text;
  text[0] = '\0';
  for (int i = 0; i <= s->rank && at < size; i++) {
    const char *lead = i == 0 ? "[" : i == s->rank ? "" : ",";
    int n;
    if (i == s->rank)
      n = snprintf(text + at, size - at, s->rank == 0 ? "[]" : "]");
    else if (s->dims[i] < 0)
      n = snprintf(text + at, size - at, "%sbatch", lead);
    else
      n = snprintf(text + at, size - at, "%s%" PRId64, lead, s->dims[i]);
    at += n > 0 ? (size_t)n : 0;
  }
  return text;
}

bool bp_shape_view(const bp_shape *in, const bp_shape *out, bp_view *view) {
  int shift = out->rank - in->rank;
  int64_t repeat = 1, period = 1;
  bool wraps = false, batch = false;
  int axis = out->rank - 1;
  if (shift < 0) { /* one element can be read as any shape, whatever its rank */
    *view = (bp_view){1, 1};
    return bp_shape_elements(in, 2) == 1;
  }
#define IN_DIM(i) ((i) < shift ? 1 : in->dims[(i)-shift])
  for (; axis >= 0 && IN_DIM(axis) != out->dims[axis]; axis--) repeat *= out->dims[axis]; /* trailing ones */
  if (axis < 0 && out->rank > 0 && out->dims[0] < 0) return *view = (bp_view){1, 1}, true;
  for (; axis >= 0 && IN_DIM(axis) == out->dims[axis]; axis--) { /* the part that is there */
    if (out->dims[axis] < 0)
      batch = true;
    else
      period *= out->dims[axis];
  }
  for (; axis >= 0; axis--) { /* leading ones */
    if (IN_DIM(axis) != 1) return false;
    if (out->dims[axis] != 1) wraps = true;
  }
#undef IN_DIM
  *view = (bp_view){.repeat = repeat, .period = wraps && !batch ? period : 0};
  return true;
}
