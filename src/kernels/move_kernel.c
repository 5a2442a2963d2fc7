/* kernels/move_kernel.c - the loops of data movement of one ISA build: conversion, transposition, filling. */
#include <string.h>

#include "kernels/kernels_isa.h"

#define BP_REAL_IS_F64 0
#include "kernels/move_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/move_impl.h"

typedef float f32;
typedef double f64;
typedef uint8_t u8;
typedef int32_t i32;

/* Truncated, saturated, and 0 for NaN. */
BP_INLINE u8 to_u8(double x) { return (u8)(x > 0 ? x < 255 ? x : 255 : 0); }
BP_INLINE i32 to_i32(double x) {
  const double low = x > -2147483648.0 ? x : x <= -2147483648.0 ? -2147483648.0 : 0;
  return (i32)(low < 2147483647.0 ? low : 2147483647.0);
}

/* A bunch of elements is read before it is written: so the compiler need not ask whether one changes another. */
enum { BUNCH = 16 };
#define CONVERT(to, from, expression)                                                                                  \
  static void from##_to_##to(void *out, const void *in, int64_t n) {                                                   \
    to *y = out;                                                                                                       \
    const from *p = in;                                                                                                \
    int64_t i = 0;                                                                                                     \
    for (; i + BUNCH <= n; i += BUNCH) {                                                                               \
      from some[BUNCH];                                                                                                \
      memcpy(some, p + i, sizeof some);                                                                                \
      BP_INDEPENDENT for (int j = 0; j < BUNCH; j++) {                                                                 \
        const from x = some[j];                                                                                        \
        y[i + j] = expression;                                                                                         \
      }                                                                                                                \
    }                                                                                                                  \
    for (; i < n; i++) {                                                                                               \
      const from x = p[i];                                                                                             \
      y[i] = expression;                                                                                               \
    }                                                                                                                  \
  }
/* The same for what is rare, one by one. */
#define CONVERT_EACH(to, from, expression)                                                                             \
  static void from##_to_##to(void *out, const void *in, int64_t n) {                                                   \
    to *y = out;                                                                                                       \
    const from *p = in;                                                                                                \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      const from x = p[i];                                                                                             \
      y[i] = expression;                                                                                               \
    }                                                                                                                  \
  }
#define COPY(type)                                                                                                     \
  static void type##_to_##type(void *out, const void *in, int64_t n) {                                                 \
    if (n > 0) memcpy(out, in, (size_t)n * sizeof(type));                                                              \
  }

COPY(f32)
COPY(f64)
COPY(u8)
COPY(i32)
CONVERT(f32, f64, (float)x)
CONVERT(f32, u8, (float)x)
CONVERT(f32, i32, (float)x)
CONVERT(f64, f32, (double)x)
CONVERT(f64, u8, (double)x)
CONVERT(f64, i32, (double)x)
CONVERT_EACH(u8, f32, to_u8((double)x))
CONVERT_EACH(u8, f64, to_u8(x))
CONVERT_EACH(u8, i32, (u8)(x<0 ? 0 : x> 255 ? 255 : x))
CONVERT_EACH(i32, f32, to_i32((double)x))
CONVERT_EACH(i32, f64, to_i32(x))
CONVERT_EACH(i32, u8, x)

const bp_moves BP_ISA_FN(bp_moves_table) = {
    .convert = {{f32_to_f32, f64_to_f32, u8_to_f32, i32_to_f32},
                {f32_to_f64, f64_to_f64, u8_to_f64, i32_to_f64},
                {f32_to_u8, f64_to_u8, u8_to_u8, i32_to_u8},
                {f32_to_i32, f64_to_i32, u8_to_i32, i32_to_i32}},
    .transpose4 = transpose_f32,
    .transpose8 = transpose_f64,
    .fill_f32 = fill_f32,
    .fill_f64 = fill_f64,
};
