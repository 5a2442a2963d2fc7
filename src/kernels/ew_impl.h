/* kernels/ew_impl.h - the elementwise loops for one type; included twice by ew_kernel.c. */
#include "kernels/ew_chunk.h"

#include "kernels/ew_math.h"
#include "kernels/ew_erf.h"
#include "kernels/ew_trig.h"

#include "kernels/ew_libm.h"

#undef BP_EW_NAME
#if BP_REAL_IS_F64
#define BP_EW_NAME(name) BP_EW_FN(name, f64)
#else
#define BP_EW_NAME(name) BP_EW_FN(name, f32)
#endif

#undef BP_KERNEL
#undef BP_KERNEL1
#undef BP_KERNEL1_LONG
#undef BP_KERNEL1_LIMITED
#undef BP_KERNEL2
#undef BP_KERNEL2_TURNED
#undef BP_KERNEL2_AS
#undef BP_EACH1
#undef BP_EACH2

#define BP_KERNEL(name, loop, inputs)                                                                                  \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) { loop(name, &out, 1, in, inputs); }

/* y[i] = expression of x. */
#define BP_KERNEL1_BY(loop, name, expression)                                                                          \
  BP_INLINE real R(value_##name)(real x) { return expression; }                                                        \
  BP_CHUNK(name) {                                                                                                     \
    ARRAY(x, 0);                                                                                                       \
    EACH(x[j] = R(value_##name)(x[j]))                                                                                 \
    RESULT(0, x);                                                                                                      \
  }                                                                                                                    \
  BP_KERNEL(name, loop, 1)
#define BP_KERNEL1(name, expression)      BP_KERNEL1_BY(BP_EACH_CHUNK, name, expression)
#define BP_KERNEL1_LONG(name, expression) BP_KERNEL1_BY(BP_EACH_CHUNK_ONCE, name, expression)

/* y[i] = expression of a and b. */
#define BP_KERNEL2(name, expression)                                                                                   \
  BP_INLINE real R(value_##name)(real a, real b) { return expression; }                                                \
  BP_CHUNK(name) {                                                                                                     \
    ARRAY(a, 0);                                                                                                       \
    ARRAY(b, 1);                                                                                                       \
    EACH(a[j] = R(value_##name)(a[j], b[j]))                                                                           \
    RESULT(0, a);                                                                                                      \
  }                                                                                                                    \
  BP_KERNEL(name, BP_EACH_CHUNK, 2)

/* y[i] = what another kernel has for b and a. */
#define BP_KERNEL2_TURNED(name, other)                                                                                 \
  BP_INLINE real R(value_##name)(real a, real b) { return R(value_##other)(b, a); }                                    \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) {                                                 \
    const void *const turned[] = {in[1], in[0]};                                                                       \
    BP_EW_NAME(other)(out, turned, n);                                                                                 \
  }

/* y[i] = what another kernel has. */
#define BP_KERNEL2_AS(name, other)                                                                                     \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) { BP_EW_NAME(other)(out, in, n); }

/* y[i] = expression of x where |x| <= limit; else, and for NaN, function(x) of the C library. */
#define BP_KERNEL1_LIMITED(name, expression, limit)                                                                    \
  BP_INLINE real R(value_##name)(real x) { return expression; }                                                        \
  BP_CHUNK(name) {                                                                                                     \
    ARRAY(x, 0);                                                                                                       \
    real y[LANES];                                                                                                     \
    int beyond = 0;                                                                                                    \
    EACH(y[j] = R(value_##name)(x[j]))                                                                                 \
    EACH(beyond |= !(R_MATH(fabs)(x[j]) <= (limit)))                                                                   \
    for (int64_t j = 0; beyond && j < LANES; j++) {                                                                    \
      if (!(R_MATH(fabs)(x[j]) <= (limit))) y[j] = R(libm_##name)(x[j]);                                               \
    }                                                                                                                  \
    RESULT(0, y);                                                                                                      \
  }                                                                                                                    \
  BP_KERNEL(name, BP_EACH_CHUNK_ONCE, 1)

/* y[i] = function(x), one call after the other. */
#define BP_EACH1(name)                                                                                                 \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) {                                                 \
    real *y = out;                                                                                                     \
    const real *x = in[0];                                                                                             \
    for (int64_t i = 0; i < n; i++) y[i] = R(libm_##name)(x[i]);                                                       \
  }
#define BP_EACH2(name)                                                                                                 \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) {                                                 \
    real *y = out;                                                                                                     \
    const real *a = in[0], *b = in[1];                                                                                 \
    for (int64_t i = 0; i < n; i++) y[i] = R(libm_##name)(a[i], b[i]);                                                 \
  }

/* Puts in those of a vector of derivatives of tanh that lie beyond TANH_ONE: rare, so at the price of a branch. */
#undef TANH_SLOPES_BEYOND
#define TANH_SLOPES_BEYOND(x, slope)                                                                                   \
  int beyond = 0;                                                                                                      \
  EACH(beyond |= R_MATH(fabs)(x[j]) > TANH_ONE)                                                                        \
  if (beyond) {                                                                                                        \
    EACH(slope[j] = R(pick)(R_MATH(fabs)(x[j]) > TANH_ONE, R(tanh_slope_beyond)(x[j]), slope[j]))                      \
  }

BP_KERNEL1(copy, x)
BP_KERNEL1(neg, -x)
BP_KERNEL1(abs, R_MATH(fabs)(x))
BP_KERNEL1(sign, x > 0 ? (real)1 : x < 0 ? (real)-1 : x) /* keeps NaN and the sign of zero */
BP_KERNEL1(square, x *x)
BP_KERNEL1(reciprocal, 1 / x)
BP_KERNEL1(sqrt, R_MATH(sqrt)(x))
BP_KERNEL1(rsqrt, 1 / R_MATH(sqrt)(x))
BP_KERNEL1_LONG(exp, R(bp_exp)(x))
BP_KERNEL1_LONG(gaussian, R(bp_gaussian)(x))
BP_KERNEL1_LONG(expm1, R(bp_expm1)(x))
BP_KERNEL1_LONG(log, R(bp_log)(x))
BP_KERNEL1_LONG(log1p, R(bp_log1p)(x))
BP_KERNEL1_LONG(log2, R(bp_log2)(x))
BP_KERNEL1_LIMITED(sin, R(bp_sin)(x), TRIG_LIMIT)
BP_KERNEL1_LIMITED(cos, R(bp_cos)(x), TRIG_LIMIT)
BP_KERNEL1_LONG(tanh, R(bp_tanh)(x))
BP_KERNEL1_LONG(sigmoid, R(bp_sigmoid)(x))
BP_KERNEL1_LONG(softplus, R(bp_softplus)(x))
BP_KERNEL1(relu, x <= 0 ? (real)0 : x) /* NaN stays NaN */
BP_KERNEL1_LONG(erf, R(bp_erf)(x))
BP_KERNEL1_LONG(erfc, R(bp_erfc)(x))
BP_KERNEL1(floor, R(bp_floor)(x))
BP_KERNEL1(ceil, R(bp_ceil)(x))
BP_KERNEL1(round, R(bp_round)(x))
BP_KERNEL1(heaviside, x >= 0 ? (real)1 : (real)0)

/* The derivatives of tanh and sigmoid at a, of which b is the function: what b can tell is taken from it. */
BP_CHUNK(tanh_slope) {
  ARRAY(a, 0);
  ARRAY(b, 1);
  real y[LANES];
  EACH(y[j] = R(tanh_slope_of)(a[j], b[j], 2 / (R(tanh_exp)(R_MATH(fabs)(a[j])) + 1)))
  TANH_SLOPES_BEYOND(a, y);
  RESULT(0, y);
}
BP_KERNEL(tanh_slope, BP_EACH_CHUNK_ONCE, 2)
BP_KERNEL2(sigmoid_slope, R(sigmoid_slope_of)(a, b, R(exp_down)(-R_MATH(fabs)(a))))

/* The same in a layer of a network, where floats beyond what b can tell count as 0: error signals of 1e-20 teach nothing, but their
 * squares are denormals, with which processors take a hundred times as long. */
#if BP_REAL_IS_F64
BP_KERNEL2_AS(tanh_unit_slope, tanh_slope)
BP_KERNEL2_AS(sigmoid_unit_slope, sigmoid_slope)
#else
BP_INLINE real R(tanh_unit_slope_of)(real a, real b, real ratio) {
  return R(pick)(R_MATH(fabs)(a) > TANH_ONE, 0, R(tanh_slope_of)(a, b, ratio));
}
BP_INLINE real R(sigmoid_unit_slope_of)(real a, real b, real e) {
  return R(pick)(a > SIGMOID_ONE, 0, R(sigmoid_slope_of)(a, b, e));
}
BP_KERNEL2(tanh_unit_slope, R(tanh_unit_slope_of)(a, b, 2 / (R(tanh_exp)(R_MATH(fabs)(a)) + 1)))
BP_KERNEL2(sigmoid_unit_slope, R(sigmoid_unit_slope_of)(a, b, R(exp_down)(-R_MATH(fabs)(a))))
#endif

BP_EACH1(tan)
BP_EACH1(asin)
BP_EACH1(acos)
BP_EACH1(atan)
BP_EACH1(sinh)
BP_EACH1(cosh)
BP_EACH1(asinh)
BP_EACH1(acosh)
BP_EACH1(atanh)
BP_EACH1(log10)
BP_EACH1(lgamma)
BP_EACH1(digamma)

BP_KERNEL2(add, a + b)
BP_KERNEL2(sub, a - b)
BP_KERNEL2(mul, a *b)
BP_KERNEL2(div, a / b)
/* The first of two equals; NaN when either is NaN. */
BP_KERNEL2(max, ((a >= b) | (a != a)) ? a : b)
BP_KERNEL2(min, ((a <= b) | (a != a)) ? a : b)
/* What a has of max(a, b): all, half where they tie, nothing; NaN when either is NaN. */
BP_KERNEL2(max_share, a > b ? (real)1 : a < b ? (real)0 : a == b ? (real)0.5 : a + b)
/* b is a strong zero: where it is 0 so is the result, whatever a is. */
BP_KERNEL2(mul_no_nan, b == 0 ? (real)0 : a * b)
BP_KERNEL2(div_no_nan, b == 0 ? (real)0 : a / b)
BP_KERNEL2(equal, a == b ? (real)1 : (real)0)
BP_KERNEL2(not_equal, a != b ? (real)1 : (real)0)
BP_KERNEL2(less, a < b ? (real)1 : (real)0)
BP_KERNEL2(less_equal, a <= b ? (real)1 : (real)0)
BP_KERNEL2_TURNED(greater, less)
BP_KERNEL2_TURNED(greater_equal, less_equal)

BP_EACH2(pow)
BP_EACH2(atan2)
BP_EACH2(polygamma)

/* y[i] = a where c is not zero, else b: a selection, so that what is not chosen may be NaN. */
BP_CHUNK(where) {
  ARRAY(c, 0);
  ARRAY(a, 1);
  ARRAY(b, 2);
  EACH(a[j] = c[j] != 0 ? a[j] : b[j])
  RESULT(0, a);
}
BP_KERNEL(where, BP_EACH_CHUNK, 3)

/* min(max(x, low), high) */
BP_CHUNK(clip) {
  ARRAY(x, 0);
  ARRAY(low, 1);
  ARRAY(high, 2);
  EACH(x[j] = R(value_min)(R(value_max)(x[j], low[j]), high[j]))
  RESULT(0, x);
}
BP_KERNEL(clip, BP_EACH_CHUNK, 3)
