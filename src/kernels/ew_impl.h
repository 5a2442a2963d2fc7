/* kernels/ew_impl.h - the elementwise loops for one type; included twice by ew_kernel.c. */
#include "kernels/real.h"

#include "kernels/simd.h"

#include "kernels/ew_math.h"
#include "kernels/ew_erf.h"
#include "kernels/ew_trig.h"

#include "kernels/ew_libm.h"
#include "kernels/ew_polygamma.h"

/* Elements of a chunk: one 64-byte vector, two of 32 bytes or four of 16. */
#undef CHUNK
#define CHUNK ((int64_t)(64 / sizeof(real)))

/* A tail of n < CHUNK elements, padded to a whole chunk with zeros; and back. */
BP_INLINE void R(load_tail)(real chunk[CHUNK], const real *x, int64_t n) {
  for (int64_t j = 0; j < CHUNK; j += LANES, n -= LANES) {
    const R(vec) v = n >= LANES ? R(vload)(x + j) : n > 0 ? R(vload_part)(x + j, R(vfirst)(n)) : (R(vec)){0};
    R(vstore)(chunk + j, v);
  }
}
BP_INLINE void R(store_tail)(real *y, const real chunk[CHUNK], int64_t n) {
  for (int64_t j = 0; n > 0; j += LANES, n -= LANES) {
    if (n >= LANES)
      R(vstore)(y + j, R(vload)(chunk + j));
    else
      R(vstore_part)(y + j, R(vfirst)(n), R(vload)(chunk + j));
  }
}

#undef BP_KERNEL1
#undef BP_KERNEL2
#undef BP_KERNEL3
#undef BP_KERNEL1_LONG
#undef BP_KERNEL1_LIMITED
#undef BP_EACH1
#undef BP_EACH2

/* y[i] = expression of x. */
#define BP_KERNEL1(name, expression)                                                                                   \
  BP_INLINE real R(value_##name)(real x) { return expression; }                                                        \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) {                                                 \
    real *y = out;                                                                                                     \
    const real *x = in[0];                                                                                             \
    int64_t i = 0;                                                                                                     \
    for (; i + CHUNK <= n; i += CHUNK) {                                                                               \
      BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) y[i + j] = R(value_##name)(x[i + j]);                         \
    }                                                                                                                  \
    if (i == n) return;                                                                                                \
    real t[CHUNK];                                                                                                     \
    R(load_tail)(t, x + i, n - i);                                                                                     \
    BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) t[j] = R(value_##name)(t[j]);                                   \
    R(store_tail)(y + i, t, n - i);                                                                                    \
  }

/* The same for long expressions, whose code appears once: a tail passes through it in a chunk of its own. */
#define BP_KERNEL1_LONG(name, expression)                                                                              \
  BP_INLINE real R(value_##name)(real x) { return expression; }                                                        \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) {                                                 \
    real t[CHUNK];                                                                                                     \
    for (int64_t i = 0; i < n; i += CHUNK) {                                                                           \
      const bool tail = n - i < CHUNK;                                                                                 \
      const real *x = (const real *)in[0] + i;                                                                         \
      if (tail) R(load_tail)(t, x, n - i);                                                                             \
      x = tail ? t : x;                                                                                                \
      real *y = tail ? t : (real *)out + i;                                                                            \
      BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) y[j] = R(value_##name)(x[j]);                                 \
      if (tail) R(store_tail)((real *)out + i, t, n - i);                                                              \
    }                                                                                                                  \
  }

/* y[i] = expression of a and b. */
#define BP_KERNEL2(name, expression)                                                                                   \
  BP_INLINE real R(value_##name)(real a, real b) { return expression; }                                                \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) {                                                 \
    real *y = out;                                                                                                     \
    const real *a = in[0], *b = in[1];                                                                                 \
    int64_t i = 0;                                                                                                     \
    for (; i + CHUNK <= n; i += CHUNK) {                                                                               \
      BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) y[i + j] = R(value_##name)(a[i + j], b[i + j]);               \
    }                                                                                                                  \
    if (i == n) return;                                                                                                \
    real s[CHUNK], t[CHUNK];                                                                                           \
    R(load_tail)(s, a + i, n - i);                                                                                     \
    R(load_tail)(t, b + i, n - i);                                                                                     \
    BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) t[j] = R(value_##name)(s[j], t[j]);                             \
    R(store_tail)(y + i, t, n - i);                                                                                    \
  }

/* y[i] = expression of x where |x| <= limit; else, and for NaN, function(x) of the C library. */
#define BP_KERNEL1_LIMITED(name, expression, limit)                                                                    \
  BP_INLINE real R(value_##name)(real x) { return expression; }                                                        \
  void BP_EW_NAME(name)(void *out, const void *const *in, int64_t n) {                                                 \
    for (int64_t i = 0; i < n; i += CHUNK) {                                                                           \
      const real *x = (const real *)in[0] + i;                                                                         \
      real t[CHUNK], y[CHUNK];                                                                                         \
      if (n - i < CHUNK) R(load_tail)(t, x, n - i), x = t;                                                             \
      int beyond = 0;                                                                                                  \
      BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) y[j] = R(value_##name)(x[j]);                                 \
      BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) beyond |= !(R_MATH(fabs)(x[j]) <= (limit));                   \
      for (int64_t j = 0; beyond && j < CHUNK; j++) {                                                                  \
        if (!(R_MATH(fabs)(x[j]) <= (limit))) y[j] = R(libm_##name)(x[j]);                                             \
      }                                                                                                                \
      R(store_tail)((real *)out + i, y, n - i < CHUNK ? n - i : CHUNK);                                                \
    }                                                                                                                  \
  }

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

#undef BP_EW_NAME
#if BP_REAL_IS_F64
#define BP_EW_NAME(name) BP_EW_FN(name, f64)
#else
#define BP_EW_NAME(name) BP_EW_FN(name, f32)
#endif

BP_KERNEL1(copy, x)
BP_KERNEL1(neg, -x)
BP_KERNEL1(abs, R_MATH(fabs)(x))
BP_KERNEL1(sign, x > 0 ? (real)1 : x < 0 ? (real)-1 : x) /* keeps NaN and the sign of zero */
BP_KERNEL1(square, x *x)
BP_KERNEL1(reciprocal, 1 / x)
BP_KERNEL1(sqrt, R_MATH(sqrt)(x))
BP_KERNEL1(rsqrt, 1 / R_MATH(sqrt)(x))
BP_KERNEL1_LONG(exp, R(bp_exp)(x))
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
BP_KERNEL1(floor, R(bp_floor)(x))
BP_KERNEL1(ceil, R(bp_ceil)(x))
BP_KERNEL1(round, R(bp_round)(x))
BP_KERNEL1(heaviside, x >= 0 ? (real)1 : (real)0)

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
BP_EACH1(erfc)
BP_EACH1(lgamma)
BP_EACH1(digamma)

BP_KERNEL2(add, a + b)
BP_KERNEL2(sub, a - b)
BP_KERNEL2(mul, a *b)
BP_KERNEL2(div, a / b)
/* The first of two equals; NaN when either is NaN. */
BP_KERNEL2(max, ((a >= b) | (a != a)) ? a : b)
BP_KERNEL2(min, ((a <= b) | (a != a)) ? a : b)
BP_KERNEL2(equal, a == b ? (real)1 : (real)0)
BP_KERNEL2(not_equal, a != b ? (real)1 : (real)0)
BP_KERNEL2(less, a < b ? (real)1 : (real)0)
BP_KERNEL2(less_equal, a <= b ? (real)1 : (real)0)
BP_KERNEL2(greater, a > b ? (real)1 : (real)0)
BP_KERNEL2(greater_equal, a >= b ? (real)1 : (real)0)

BP_EACH2(pow)
BP_EACH2(atan2)
BP_EACH2(polygamma)

#undef PICK
#define PICK(c, a, b) ((c) != 0 ? (a) : (b))
void BP_EW_NAME(where)(void *out, const void *const *in, int64_t n) {
  real *y = out;
  const real *c = in[0], *a = in[1], *b = in[2];
  int64_t i = 0;
  for (; i + CHUNK <= n; i += CHUNK) {
    BP_INDEPENDENT for (int64_t j = 0; j < CHUNK; j++) {
      const real first = a[i + j], second = b[i + j];
      y[i + j] = PICK(c[i + j], first, second);
    }
  }
  for (; i < n; i++) y[i] = PICK(c[i], a[i], b[i]);
}
