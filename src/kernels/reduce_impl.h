/* kernels/reduce_impl.h - reductions for one type; included twice by reduce_kernel.c.
 *
 * Two shapes. Along a contiguous row (inner 1, reduce_stride 1): element r goes to lane r mod 16, and the 16 lanes meet
 * in a fixed tree, whatever the vector length of the build. Otherwise: each output is one chain in the order of r,
 * and vectors run along the inner axis.
 */
#include "kernels/real.h"

#undef REDUCE_LANES
#define REDUCE_LANES 16
#undef REDUCE_BLOCK
#define REDUCE_BLOCK ((int64_t)(256 / sizeof(real)))

BP_INLINE real R(join_sum)(real a, real b) { return a + b; }
BP_INLINE real R(join_prod)(real a, real b) { return a * b; }
BP_INLINE real R(join_max)(real a, real b) { return ((a >= b) | (a != a)) ? a : b; }
BP_INLINE real R(join_min)(real a, real b) { return ((a <= b) | (a != a)) ? a : b; }

#undef BP_REDUCTION
#define BP_REDUCTION(name, first)                                                                                      \
  static real R(row_##name)(const real *x, int64_t n) {                                                                \
    real lane[REDUCE_LANES];                                                                                           \
    for (int l = 0; l < REDUCE_LANES; l++) lane[l] = first;                                                            \
    int64_t r = 0;                                                                                                     \
    for (; r + REDUCE_LANES <= n; r += REDUCE_LANES) {                                                                 \
      for (int l = 0; l < REDUCE_LANES; l++) lane[l] = R(join_##name)(lane[l], x[r + l]);                              \
    }                                                                                                                  \
    for (int l = 0; l < n - r; l++) lane[l] = R(join_##name)(lane[l], x[r + l]);                                       \
    for (int half = REDUCE_LANES / 2; half > 0; half /= 2) {                                                           \
      for (int l = 0; l < half; l++) lane[l] = R(join_##name)(lane[l], lane[l + half]);                                \
    }                                                                                                                  \
    return lane[0];                                                                                                    \
  }                                                                                                                    \
  static void R(columns_##name)(real *y, const real *x, int64_t reduce, int64_t stride, int64_t n) {                   \
    real sum[REDUCE_BLOCK];                                                                                            \
    for (int64_t i = 0; i < n; i++) sum[i] = first;                                                                    \
    for (int64_t r = 0; r < reduce; r++) {                                                                             \
      for (int64_t i = 0; i < n; i++) sum[i] = R(join_##name)(sum[i], x[r * stride + i]);                              \
    }                                                                                                                  \
    for (int64_t i = 0; i < n; i++) y[i] = sum[i];                                                                     \
  }                                                                                                                    \
  void BP_ISA_FN(R(bp_reduce_##name))(const bp_reduce *g) {                                                            \
    for (int64_t o = 0; o < g->outer; o++) {                                                                           \
      const real *x = (const real *)g->in + o * g->outer_stride;                                                       \
      real *y = (real *)g->out + o * g->out_stride;                                                                    \
      if (g->inner == 1 && g->reduce_stride == 1) {                                                                    \
        *y = R(row_##name)(x, g->reduce);                                                                              \
        continue;                                                                                                      \
      }                                                                                                                \
      for (int64_t i = 0; i < g->inner; i += REDUCE_BLOCK) {                                                           \
        const int64_t n = g->inner - i < REDUCE_BLOCK ? g->inner - i : REDUCE_BLOCK;                                   \
        R(columns_##name)(y + i, x + i, g->reduce, g->reduce_stride, n);                                               \
      }                                                                                                                \
    }                                                                                                                  \
  }

BP_REDUCTION(sum, 0)
BP_REDUCTION(prod, 1)
BP_REDUCTION(max, (real)-INFINITY)
BP_REDUCTION(min, (real)INFINITY)

#undef BP_ROW_EXP
#if BP_REAL_IS_F64
#define BP_ROW_EXP BP_EW_FN(exp, f64)
#else
#define BP_ROW_EXP BP_EW_FN(exp, f32)
#endif

void BP_ISA_FN(R(bp_logsumexp))(void *out, const void *in, int64_t rows, int64_t columns) {
  real *y = out;
  for (int64_t r = 0; r < rows; r++) {
    const real *x = (const real *)in + r * columns;
    const real top = R(row_max)(x, columns);
    if (!(top - top == 0)) { /* ±inf or NaN: the answer is the maximum itself */
      y[r] = top;
      continue;
    }
    real lane[REDUCE_LANES] = {0};
    for (int64_t c = 0; c < columns; c += REDUCE_LANES) {
      const int64_t n = columns - c < REDUCE_LANES ? columns - c : REDUCE_LANES;
      real part[REDUCE_LANES];
      for (int64_t l = 0; l < n; l++) part[l] = x[c + l] - top;
      BP_ROW_EXP(part, (const void *const[]){part}, n);
      for (int64_t l = 0; l < n; l++) lane[l] += part[l];
    }
    y[r] = top + (real)log((double)R(row_sum)(lane, REDUCE_LANES));
  }
}
