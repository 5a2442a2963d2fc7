/* kernels/reduce_impl.h - reductions for one type; included twice by reduce_kernel.c.
 *
 * Along a contiguous row (inner 1, reduce_stride 1) element r goes to lane r mod 16, or mod 64 in long rows, and the
 * lanes meet in a fixed tree, whatever the vector length of the build. Short rows are worked many at a time, transposed,
 * in that same order. Otherwise each output is one chain in the order of r, and vectors run along the inner axis: such a
 * call can be split anywhere, down to single columns.
 */
#include "kernels/real.h"

#include "kernels/simd.h"
#include "kernels/transpose_impl.h"

#undef ROW_LANES
#undef LONG_ROW
#undef LONG_LANES
#undef SHORT_ROW
#undef ROWS
#define ROW_LANES  16  /* lanes of a row */
#define LONG_ROW   256 /* from here on: */
#define LONG_LANES 64
#define SHORT_ROW  32 /* up to here rows are worked ROWS at a time */
#define ROWS       ((int64_t)(64 / sizeof(real)))

BP_INLINE R(vec) R(vselect)(R(ivec) mask, R(vec) a, R(vec) b) {
  return (R(vec))((mask & (R(ivec))a) | (~mask & (R(ivec))b));
}
/* All ones in the first n lanes. */
BP_INLINE R(ivec) R(vbefore)(int64_t n) {
  R(ivec) index = {0};
  for (int l = 0; l < LANES; l++) index[l] = (ibits)l;
  return index < ((ibits)n - (R(ivec)){0});
}

BP_INLINE R(vec) R(join_sum)(R(vec) a, R(vec) b) { return a + b; }
BP_INLINE R(vec) R(join_prod)(R(vec) a, R(vec) b) { return a * b; }
BP_INLINE R(ivec) R(vnan)(R(vec) a) { return a != a; /* NOLINT(misc-redundant-expression) */ }
/* The first of two equals, and NaN when either is NaN, as the elementwise kernels. */
BP_INLINE R(vec) R(join_max)(R(vec) a, R(vec) b) { return R(vselect)((a >= b) | R(vnan)(a), a, b); }
BP_INLINE R(vec) R(join_min)(R(vec) a, R(vec) b) { return R(vselect)((a <= b) | R(vnan)(a), a, b); }

/* ROWS rows of `columns` elements as out[c * ROWS + row]; rows beyond `rows` repeat one of them. One copy serves all. */
static __attribute__((noinline)) void R(load_rows)(real *out, const real *in, int64_t stride, int64_t rows,
                                                   int64_t columns) {
  for (int64_t half = 0; half < ROWS; half += LANES) {
    const int64_t here = rows - half < LANES ? rows - half : LANES;
    R(transpose_strip)(out + half, ROWS, here > 0 ? in + half * stride : in, stride, here > 0 ? here : 1, columns);
  }
}

/* The functions below take the operation and its neutral element; inlined, both are constants. */
typedef R(vec) (*R(join_fn))(R(vec), R(vec));

/* Folds the lanes to their first half again and again; the last folds are inside a vector. */
BP_INLINE real R(fold_lanes)(R(join_fn) join, R(vec) * lane, const int lanes) {
  int half = lanes / 2;
  for (; half >= LANES; half /= 2) {
    for (int v = 0; v < half / LANES; v++) lane[v] = join(lane[v], lane[v + half / LANES]);
  }
  real x[2 * LANES];
  for (R(vstore)(x, lane[0]); half > 0; half /= 2) {
    R(vstore)(x + LANES, lane[0]);
    lane[0] = join(R(vload)(x), R(vload)(x + half));
    R(vstore)(x, lane[0]);
  }
  return lane[0][0];
}

BP_INLINE real R(row_in_lanes)(R(join_fn) join, real neutral, const real *x, int64_t n, const int lanes) {
  const R(vec) start = R(vset1)(neutral);
  R(vec) lane[LONG_LANES / LANES];
  BP_UNROLL for (int v = 0; v < lanes / LANES; v++) lane[v] = start;
  int64_t r = 0;
  for (; r + lanes <= n; r += lanes) {
    BP_UNROLL for (int v = 0; v < lanes / LANES; v++) lane[v] = join(lane[v], R(vload)(x + r + v * LANES));
  }
  for (int v = 0; r + LANES <= n; r += LANES, v++) lane[v] = join(lane[v], R(vload)(x + r));
  if (r < n) {
    const int64_t v = (r % lanes) / LANES;
    const R(vec) rest = R(vload_part)(x + r, R(vfirst)(n - r));
    lane[v] = join(lane[v], R(vselect)(R(vbefore)(n - r), rest, start));
  }
  return R(fold_lanes)(join, lane, lanes);
}
BP_INLINE real R(row)(R(join_fn) join, real neutral, const real *x, int64_t n) {
  return n < LONG_ROW ? R(row_in_lanes)(join, neutral, x, n, ROW_LANES)
                      : R(row_in_lanes)(join, neutral, x, n, LONG_LANES);
}

/* Up to ROWS rows at once, in the order of row_in_lanes and fold_lanes; a lane without elements would change nothing. */
BP_INLINE void R(short_rows)(R(join_fn) join, real neutral, const bp_reduce *g, real *y, const real *x, int64_t rows) {
  const int64_t n = g->reduce, used = n < ROW_LANES ? n : ROW_LANES;
  real lane[SHORT_ROW * ROWS];
  R(load_rows)(lane, x, g->outer_stride, rows, n);
  for (real *at = lane; at < lane + ROWS; at += LANES) {
    for (int64_t r = 0; r < used; r++) {
      R(vec) sum = join(R(vset1)(neutral), R(vload)(at + r * ROWS));
      if (r + ROW_LANES < n) sum = join(sum, R(vload)(at + (r + ROW_LANES) * ROWS));
      R(vstore)(at + r * ROWS, sum);
    }
    for (int64_t half = ROW_LANES / 2; half > 0; half /= 2) {
      for (int64_t r = 0; r < half && r + half < used; r++) {
        R(vstore)(at + r * ROWS, join(R(vload)(at + r * ROWS), R(vload)(at + (r + half) * ROWS)));
      }
    }
  }
  for (int64_t r = 0; r < rows; r++) y[r * g->out_stride] = lane[r];
}

/* `vecs` vectors of columns; with `part` only the lanes of `last`. */
BP_INLINE void R(columns)(R(join_fn) join, real neutral, const bp_reduce *g, real *y, const real *x, const int vecs,
                          const bool part, R(vmask) last) {
  R(vec) sum[4];
  BP_UNROLL for (int v = 0; v < vecs; v++) sum[v] = R(vset1)(neutral);
  for (int64_t r = 0; r < g->reduce; r++) {
    BP_UNROLL for (int v = 0; v < vecs; v++) {
      const real *from = x + r * g->reduce_stride + v * LANES;
      sum[v] = join(sum[v], part ? R(vload_part)(from, last) : R(vload)(from));
    }
  }
  BP_UNROLL for (int v = 0; v < vecs; v++) {
    if (part)
      R(vstore_part)(y + v * LANES, last, sum[v]);
    else
      R(vstore)(y + v * LANES, sum[v]);
  }
}
BP_INLINE void R(all_columns)(R(join_fn) join, real neutral, const bp_reduce *g, real *y, const real *x) {
  const R(vmask) whole = R(vfirst)(LANES);
  int64_t i = 0;
  for (; i + 4 * LANES <= g->inner; i += 4 * LANES) R(columns)(join, neutral, g, y + i, x + i, 4, false, whole);
  for (; i + LANES <= g->inner; i += LANES) R(columns)(join, neutral, g, y + i, x + i, 1, false, whole);
  if (i < g->inner) R(columns)(join, neutral, g, y + i, x + i, 1, true, R(vfirst)(g->inner - i));
}

BP_INLINE void R(reduce)(R(join_fn) join, real neutral, const bp_reduce *g) {
  const bool rows = g->inner == 1 && g->reduce_stride == 1, several = rows && g->reduce > 0 && g->reduce <= SHORT_ROW;
  for (int64_t o = 0, step = 1; o < g->outer; o += step) {
    const real *x = (const real *)g->in + o * g->outer_stride;
    real *y = (real *)g->out + o * g->out_stride;
    if (several) {
      step = g->outer - o < ROWS ? g->outer - o : ROWS;
      R(short_rows)(join, neutral, g, y, x, step);
    } else if (rows) {
      *y = R(row)(join, neutral, x, g->reduce);
    } else {
      R(all_columns)(join, neutral, g, y, x);
    }
  }
}

void BP_ISA_FN(R(bp_reduce_sum))(const bp_reduce *g) { R(reduce)(R(join_sum), 0, g); }
void BP_ISA_FN(R(bp_reduce_prod))(const bp_reduce *g) { R(reduce)(R(join_prod), 1, g); }
void BP_ISA_FN(R(bp_reduce_max))(const bp_reduce *g) { R(reduce)(R(join_max), (real)-INFINITY, g); }
void BP_ISA_FN(R(bp_reduce_min))(const bp_reduce *g) { R(reduce)(R(join_min), (real)INFINITY, g); }
