/* kernels/axis_impl.h - norms and running sums for one type; included twice by axis_kernel.c. */
#include "kernels/real.h"

#include "kernels/simd.h"

#undef NORM_LANES
#define NORM_LANES 8

/* sum of (scale x)^2 in double: element r goes to lane r mod 8, then a fixed tree. */
static double R(sum_of_squares)(const real *x, int64_t n, int64_t stride, double scale) {
  double lane[NORM_LANES] = {0};
  int64_t r = 0;
  for (; r + NORM_LANES <= n; r += NORM_LANES) {
    for (int l = 0; l < NORM_LANES; l++) {
      const double v = scale * (double)x[(r + l) * stride];
      lane[l] += v * v;
    }
  }
  for (int l = 0; l < n - r; l++) {
    const double v = scale * (double)x[(r + l) * stride];
    lane[l] += v * v;
  }
  for (int half = NORM_LANES / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; l++) lane[l] += lane[l + half];
  }
  return lane[0];
}

/* Squares of floats neither overflow nor underflow in double. Of doubles they can: then once more with a scale, a power of
 * two, that brings the largest element into reach (after Blue 1978, doi 10.1145/355769.355771). */
static real R(norm_of)(const real *x, int64_t n, int64_t stride) {
  const double sum = R(sum_of_squares)(x, n, stride, 1);
#if BP_REAL_IS_F64
  if (sum > 0x1p1020) {
    const double scaled = R(sum_of_squares)(x, n, stride, 0x1p-600);
    return __builtin_sqrt(scaled) * 0x1p600;
  }
  if (sum < 0x1p-960) {
    const double scaled = R(sum_of_squares)(x, n, stride, 0x1p600);
    return __builtin_sqrt(scaled) * 0x1p-600;
  }
#endif
  return (real)__builtin_sqrt(sum);
}

void BP_ISA_FN(R(bp_norm))(const bp_reduce *g) {
  for (int64_t o = 0; o < g->outer; o++) {
    for (int64_t i = 0; i < g->inner; i++) {
      ((real *)g->out)[o * g->out_stride + i] =
          R(norm_of)((const real *)g->in + o * g->outer_stride + i, g->reduce, g->reduce_stride);
    }
  }
}

BP_INLINE void R(add_rows)(real *out, const real *a, const real *b, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) R(vstore)(out + i, R(vload)(a + i) + R(vload)(b + i));
  for (; i < n; i++) out[i] = a[i] + b[i];
}

void BP_ISA_FN(R(bp_cumsum))(void *out, const void *in, int64_t outer, int64_t reduce, int64_t inner, bool from_end) {
  for (int64_t o = 0; o < outer; o++) {
    const real *x = (const real *)in + o * reduce * inner;
    real *y = (real *)out + o * reduce * inner;
    for (int64_t step = 0; step < reduce; step++) {
      const int64_t r = from_end ? reduce - 1 - step : step, before = from_end ? r + 1 : r - 1;
      if (step == 0)
        memcpy(y + r * inner, x + r * inner, (size_t)inner * sizeof(real));
      else
        R(add_rows)(y + r * inner, y + before * inner, x + r * inner, inner);
    }
  }
}
