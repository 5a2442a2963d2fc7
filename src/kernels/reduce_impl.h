/* kernels/reduce_impl.h - reductions for one type; included twice by reduce_kernel.c.
 *
 * Along a contiguous row (inner 1, reduce_stride 1) element r goes to lane r mod 16, or mod 64 in long rows, and the
 * lanes meet in a fixed tree, whatever the vector length of the build. Short rows are worked many at a time, transposed,
 * in that same order. Otherwise each output is one chain in the order of r, and vectors run along the inner axis: such a
 * call can be split anywhere, down to single columns.
 */
#include "kernels/real.h"

#include "kernels/simd.h"

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

/* `flip` is 0, or the sign bit: then a minimum is the maximum of what has the opposite sign, to the bit. */
BP_INLINE R(vec) R(turned)(R(vec) x, ibits flip) { return (R(vec))((R(ivec))x ^ flip); }

/* ROWS rows of `columns` elements as out[c * ROWS + row]; rows beyond `rows` repeat one of them. One copy serves all. */
static __attribute__((noinline)) void R(load_rows)(real *out, const real *in, int64_t stride, int64_t rows,
                                                   int64_t columns) {
  for (int64_t half = 0; half < ROWS; half += LANES) {
    const int64_t here = rows - half < LANES ? rows - half : LANES;
    const real *from = here > 0 ? in + half * stride : in;
    BP_ISA_FN(R(bp_transpose_strip))(out + half, ROWS, from, stride, here > 0 ? here : 1, columns);
  }
}

/* The functions below take the operation and its neutral element; inlined, both are constants. */
typedef R(vec) (*R(join_fn))(R(vec), R(vec));

/* Folds the lanes to their first half again and again; the last folds are inside a vector. */
BP_INLINE real R(fold_lanes)(R(join_fn) join, R(vec) * lane, int lanes) {
  for (; lanes > ROW_LANES; lanes /= 2) {
    for (int v = 0; v < lanes / 2 / LANES; v++) lane[v] = join(lane[v], lane[v + lanes / 2 / LANES]);
  }
  int half = ROW_LANES / 2;
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

/* Where all lanes do not fit into registers, their loops stay loops. */
#undef EACH_LANE
#if BP_VECTOR_BYTES > 16
#define EACH_LANE BP_UNROLL
#else
#define EACH_LANE
#endif

/* All whole turns of the lanes; the number of elements read. */
BP_INLINE int64_t R(whole_turns)(R(join_fn) join, ibits flip, R(vec) * lane, const real *x, int64_t n,
                                 const int lanes) {
  R(vec) at[LONG_LANES / LANES];
  int64_t r = 0;
  EACH_LANE for (int v = 0; v < lanes / LANES; v++) at[v] = lane[v];
  for (; r + lanes <= n; r += lanes) {
    EACH_LANE for (int v = 0; v < lanes / LANES; v++) {
      at[v] = join(at[v], R(turned)(R(vload)(x + r + v * LANES), flip));
    }
  }
  EACH_LANE for (int v = 0; v < lanes / LANES; v++) lane[v] = at[v];
  return r;
}

BP_INLINE real R(row)(R(join_fn) join, real neutral, ibits flip, const real *x, int64_t n) {
  const R(vec) start = R(vset1)(neutral);
  R(vec) lane[LONG_LANES / LANES];
  const int lanes = n < LONG_ROW ? ROW_LANES : LONG_LANES;
  for (int v = 0; v < lanes / LANES; v++) lane[v] = start;
  int64_t r = lanes == ROW_LANES ? R(whole_turns)(join, flip, lane, x, n, ROW_LANES)
                                 : R(whole_turns)(join, flip, lane, x, n, LONG_LANES);
  int v = 0;
  for (; r + LANES <= n; r += LANES, v++) lane[v] = join(lane[v], R(turned)(R(vload)(x + r), flip));
  if (r < n) {
    const R(vec) rest = R(turned)(R(vload_part)(x + r, R(vfirst)(n - r)), flip);
    lane[v] = join(lane[v], R(vselect)(R(vbefore)(n - r), rest, start));
  }
  return R(fold_lanes)(join, lane, lanes);
}

/* Up to ROWS rows at once, in the order of row_in_lanes and fold_lanes; a lane without elements would change nothing. */
BP_INLINE void R(short_rows)(R(join_fn) join, real neutral, ibits flip, const bp_reduce *g, real *y, const real *x,
                             int64_t rows) {
  const int64_t n = g->reduce, used = n < ROW_LANES ? n : ROW_LANES;
  real lane[SHORT_ROW * ROWS];
  R(load_rows)(lane, x, g->outer_stride, rows, n);
  for (real *at = lane; at < lane + ROWS; at += LANES) {
    for (int64_t r = 0; r < used; r++) {
      R(vec) sum = join(R(vset1)(neutral), R(turned)(R(vload)(at + r * ROWS), flip));
      if (r + ROW_LANES < n) sum = join(sum, R(turned)(R(vload)(at + (r + ROW_LANES) * ROWS), flip));
      R(vstore)(at + r * ROWS, sum);
    }
    for (int64_t half = ROW_LANES / 2; half > 0; half /= 2) {
      for (int64_t r = 0; r < half && r + half < used; r++) {
        R(vstore)(at + r * ROWS, join(R(vload)(at + r * ROWS), R(vload)(at + (r + half) * ROWS)));
      }
    }
  }
  for (real *at = lane; at < lane + ROWS; at += LANES) R(vstore)(at, R(turned)(R(vload)(at), flip));
  for (int64_t r = 0; r < rows; r++) y[r * g->out_stride] = lane[r];
}

/* `vecs` vectors of columns; with `part` only the lanes of `last`. */
BP_INLINE void R(columns)(R(join_fn) join, real neutral, ibits flip, const bp_reduce *g, real *y, const real *x,
                          const int vecs, const bool part, R(vmask) last) {
  R(vec) sum[4];
  BP_UNROLL for (int v = 0; v < vecs; v++) sum[v] = R(vset1)(neutral);
  for (int64_t r = 0; r < g->reduce; r++) {
    BP_UNROLL for (int v = 0; v < vecs; v++) {
      const real *from = x + r * g->reduce_stride + v * LANES;
      sum[v] = join(sum[v], R(turned)(part ? R(vload_part)(from, last) : R(vload)(from), flip));
    }
  }
  BP_UNROLL for (int v = 0; v < vecs; v++) {
    const R(vec) result = R(turned)(sum[v], flip);
    if (part)
      R(vstore_part)(y + v * LANES, last, result);
    else
      R(vstore)(y + v * LANES, result);
  }
}
BP_INLINE void R(all_columns)(R(join_fn) join, real neutral, ibits flip, const bp_reduce *g, real *y, const real *x) {
  const R(vmask) whole = R(vfirst)(LANES);
  int64_t i = 0;
  for (; i + 4 * LANES <= g->inner; i += 4 * LANES) R(columns)(join, neutral, flip, g, y + i, x + i, 4, false, whole);
  for (; i + LANES <= g->inner; i += LANES) R(columns)(join, neutral, flip, g, y + i, x + i, 1, false, whole);
  if (i < g->inner) R(columns)(join, neutral, flip, g, y + i, x + i, 1, true, R(vfirst)(g->inner - i));
}

BP_INLINE void R(reduce)(R(join_fn) join, real neutral, ibits flip, const bp_reduce *g) {
  const bool rows = g->inner == 1 && g->reduce_stride == 1;
  const bool several = rows && g->outer > 1 && g->reduce > 0 && g->reduce <= SHORT_ROW;
  for (int64_t o = 0, step = 1; o < g->outer; o += step) {
    const real *x = (const real *)g->in + o * g->outer_stride;
    real *y = (real *)g->out + o * g->out_stride;
    if (several) {
      step = g->outer - o < ROWS ? g->outer - o : ROWS;
      R(short_rows)(join, neutral, flip, g, y, x, step);
    } else if (rows) {
      *y = R(turned)(R(vset1)(R(row)(join, neutral, flip, x, g->reduce)), flip)[0];
    } else {
      R(all_columns)(join, neutral, flip, g, y, x);
    }
  }
}

/* One copy for both ends. */
static void R(reduce_extreme)(const bp_reduce *g, ibits flip) { R(reduce)(R(join_max), (real)-INFINITY, flip, g); }

void BP_ISA_FN(R(bp_reduce_sum))(const bp_reduce *g) { R(reduce)(R(join_sum), 0, 0, g); }
void BP_ISA_FN(R(bp_reduce_prod))(const bp_reduce *g) { R(reduce)(R(join_prod), 1, 0, g); }
void BP_ISA_FN(R(bp_reduce_max))(const bp_reduce *g) { R(reduce_extreme)(g, 0); }
void BP_ISA_FN(R(bp_reduce_min))(const bp_reduce *g) {
  R(reduce_extreme)(g, (ibits)((ubits)1 << (8 * sizeof(real) - 1)));
}
