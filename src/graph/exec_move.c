/* exec_move.c - operations that move elements: dense copies with strides. Floor: graph. */
#include <string.h>

#include "graph/exec_table.h"

/* Dense copy with the given strides of the argument, for the rows asked for. */
static void copy_rows(const bp_exec *e, const int64_t *strides, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  bp_shape s = e->shape;
  if (s.rank > 0) s.dims[0] = row1 - row0;
  bp_copy_strided(at(e->out, t, row0 * bp_shape_row(&s)),
                  at_const(e->arg[0].data, t, s.rank > 0 ? row0 * strides[0] : 0), bp_dtype_size(t), s.rank, s.dims,
                  strides);
}

void bp_exec_broadcast(const bp_exec *e, int64_t row0, int64_t row1) {
  int64_t strides[BP_MAX_RANK] = {0}, step = 1;
  int shift = e->shape.rank - e->arg[0].shape.rank;
  for (int i = e->shape.rank - 1; i >= shift && i >= 0; i--) { /* shift < 0: one element, of a higher rank */
    int64_t size = e->arg[0].shape.dims[i - shift];
    strides[i] = size == e->shape.dims[i] ? step : 0;
    step *= size;
  }
  copy_rows(e, strides, row0, row1);
}

/* A result of a call, out of the block that holds them all. */
void bp_exec_result(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape);
  const char *from = (const char *)e->arg[0].data + e->node.attr.bits;
  memcpy(at(e->out, t, row0 * row), at_const(from, t, row0 * row), (size_t)((row1 - row0) * row) * bp_dtype_size(t));
}

void bp_exec_reshape(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape);
  memcpy(at(e->out, t, row0 * row), at_const(e->arg[0].data, t, row0 * row),
         (size_t)((row1 - row0) * row) * bp_dtype_size(t));
}

void bp_exec_transpose(const bp_exec *e, int64_t row0, int64_t row1) {
  int64_t from[BP_MAX_RANK] = {0}, strides[BP_MAX_RANK] = {0}, step = 1;
  for (int i = e->shape.rank - 1; i >= 0; i--) {
    from[i] = step;
    step *= e->arg[0].shape.dims[i];
  }
  for (int i = 0; i < e->shape.rank; i++) strides[i] = from[(e->node.attr.bits >> (4 * i)) & 15u];
  copy_rows(e, strides, row0, row1);
}

void bp_exec_cast(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype, from = e->arg[0].dtype;
  int64_t row = bp_shape_row(&e->shape);
  bp_convert(at(e->out, t, row0 * row), (int)t, at_const(e->arg[0].data, from, row0 * row), (int)from,
             (row1 - row0) * row);
}

/* ---- along one axis ---- */
/* An array seen as [outer, n, inner]; rows lie in outer, or are the n when the axis leads. */
typedef struct span {
  int64_t outer0, outer1; /* for the rows asked for */
  int64_t inner;          /* elements */
} span;

static span span_of(const bp_shape *s, int axis, int64_t row0, int64_t row1) {
  span v = {.inner = 1};
  int64_t outer_row = 1;
  for (int i = 1; i < axis; i++) outer_row *= s->dims[i];
  for (int i = axis + 1; i < s->rank; i++) v.inner *= s->dims[i];
  v.outer0 = axis == 0 ? 0 : row0 * outer_row;
  v.outer1 = axis == 0 ? 1 : row1 * outer_row;
  return v;
}

/* n blocks of `bytes` bytes each; steps in bytes. Sizes known to the compiler: a column, or a few, of a wide row. */
static void copy_blocks(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n, size_t bytes) {
  switch (bytes) {
#define BLOCKS(size)                                                                                                   \
  case size:                                                                                                           \
    for (int64_t i = 0; i < n; i++) memcpy(to + i * to_step, from + i * from_step, size);                              \
    return;
    BLOCKS(4)
    BLOCKS(8)
    BLOCKS(12)
    BLOCKS(16)
    BLOCKS(24)
    BLOCKS(32)
#undef BLOCKS
  default:
    for (int64_t i = 0; i < n; i++) memcpy(to + i * to_step, from + i * from_step, bytes);
  }
}

/* [outer, n] blocks of `bytes` bytes; strides in bytes. One loop over the longer of the two. */
typedef struct strides {
  int64_t outer, n;
} strides;

static void copy_lines(char *to, strides t, const char *from, strides f, int64_t outer, int64_t n, size_t bytes) {
  if (t.n == (int64_t)bytes && f.n == (int64_t)bytes) bytes *= (size_t)n, n = 1;
  if (outer >= n) {
    for (int64_t i = 0; i < n; i++) copy_blocks(to + i * t.n, t.outer, from + i * f.n, f.outer, outer, bytes);
  } else {
    for (int64_t o = 0; o < outer; o++) copy_blocks(to + o * t.outer, t.n, from + o * f.outer, f.n, n, bytes);
  }
}

void bp_exec_slice(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int axis = e->node.axis;
  span v = span_of(&e->shape, axis, row0, row1);
  int64_t size = e->arg[0].shape.dims[axis], start = bp_span_start(e->node.attr.bits),
          step = bp_span_step(e->node.attr.bits);
  int64_t first = axis == 0 ? row0 : 0, n = axis == 0 ? row1 - row0 : e->shape.dims[axis];
  int64_t block = v.inner * (int64_t)bp_dtype_size(t);
  copy_lines(at(e->out, t, (v.outer0 * e->shape.dims[axis] + first) * v.inner),
             (strides){e->shape.dims[axis] * block, block},
             at_const(e->arg[0].data, t, (v.outer0 * size + start + first * step) * v.inner),
             (strides){size * block, step * block}, v.outer1 - v.outer0, n, (size_t)block);
}

/* The i with lo <= start + i step < hi, of 0 .. n - 1: first and how many. */
static int64_t places_within(int64_t start, int64_t step, int64_t n, int64_t lo, int64_t hi, int64_t *first) {
  int64_t a = 0, b = n;
  while (a < b && (start + a * step < lo || start + a * step >= hi)) a++;
  while (b > a && (start + (b - 1) * step < lo || start + (b - 1) * step >= hi)) b--;
  *first = a;
  return b - a;
}

void bp_exec_place(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int axis = e->node.axis;
  span v = span_of(&e->shape, axis, row0, row1);
  int64_t row = bp_shape_row(&e->shape), size = e->arg[0].shape.dims[axis], first = 0, n = size;
  int64_t start = bp_span_start(e->node.attr.bits), step = bp_span_step(e->node.attr.bits);
  if (axis == 0) n = places_within(start, step, size, row0, row1, &first);
  memset(at(e->out, t, row0 * row), 0, (size_t)((row1 - row0) * row) * bp_dtype_size(t));
  int64_t block = v.inner * (int64_t)bp_dtype_size(t);
  if (n == 0) return;
  copy_lines(at(e->out, t, (v.outer0 * e->shape.dims[axis] + start + first * step) * v.inner),
             (strides){e->shape.dims[axis] * block, step * block},
             at_const(e->arg[0].data, t, (v.outer0 * size + first) * v.inner), (strides){size * block, block},
             v.outer1 - v.outer0, n, (size_t)block);
}

/* Elements begin .. end - 1 of the axis of a concatenation that argument a fills, for the outer indices asked for. */
static void concat_part(const bp_exec *e, int a, int64_t begin, int64_t lo, int64_t hi, const span *v) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t size = e->arg[a].shape.dims[e->node.axis], total = e->shape.dims[e->node.axis];
  int64_t from = begin > lo ? begin : lo, to = begin + size < hi ? begin + size : hi;
  int64_t block = v->inner * (int64_t)bp_dtype_size(t);
  if (from >= to) return;
  copy_lines(at(e->out, t, (v->outer0 * total + from) * v->inner), (strides){total * block, block},
             at_const(e->arg[a].data, t, (v->outer0 * size + from - begin) * v->inner), (strides){size * block, block},
             v->outer1 - v->outer0, to - from, (size_t)block);
}

/* Bytes of the result that many narrow arguments write at a time, so that it stays in the first-level cache meanwhile. */
enum { CONCAT_BYTES = 16384 };

void bp_exec_concat(const bp_exec *e, int64_t row0, int64_t row1) {
  int axis = e->node.axis;
  span v = span_of(&e->shape, axis, row0, row1), part = v;
  int64_t total = e->shape.dims[axis], lo = axis == 0 ? row0 : 0, hi = axis == 0 ? row1 : total;
  int64_t bytes = total * v.inner * (int64_t)bp_dtype_size((bp_dtype)e->node.dtype);
  int64_t at_once = bytes < CONCAT_BYTES && bytes > 0 ? CONCAT_BYTES / bytes : 1;
  for (; part.outer0 < v.outer1; part.outer0 = part.outer1) {
    part.outer1 = part.outer0 + at_once < v.outer1 ? part.outer0 + at_once : v.outer1;
    for (int64_t a = 0, begin = 0; a < e->arity; begin += e->arg[a].shape.dims[axis], a++)
      concat_part(e, (int)a, begin, lo, hi, &part);
  }
}

/* ---- triangular parts ---- */
void bp_exec_triangle(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t m = e->shape.dims[e->shape.rank - 2], n = e->shape.dims[e->shape.rank - 1];
  int64_t rows = n > 0 ? bp_shape_row(&e->shape) / n : 0, diagonal = bp_triangle_diagonal(e->node.attr.bits);
  bool upper = bp_triangle_upper(e->node.attr.bits);
  for (int64_t r = row0 * rows; r < row1 * rows; r++) { /* a row of a matrix */
    int64_t edge = r % m + diagonal + (upper ? 0 : 1); /* the first column beyond the lower part, or of the upper one */
    edge = edge < 0 ? 0 : edge > n ? n : edge;
    int64_t from = upper ? edge : 0, to = upper ? n : edge;
    char *out = at(e->out, t, r * n);
    memset(out, 0, (size_t)n * bp_dtype_size(t));
    memcpy(at(out, t, from), at_const(e->arg[0].data, t, r * n + from), (size_t)(to - from) * bp_dtype_size(t));
  }
}
