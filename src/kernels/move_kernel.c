/* kernels/move_kernel.c - type conversion of a row, one ISA build. */
#include "kernels/kernels_isa.h"

typedef float f32;
typedef double f64;
typedef uint8_t u8;
typedef int32_t i32;

BP_INLINE u8 to_u8(double x) { return x > 0 ? x < 255 ? (u8)x : 255 : 0; }
BP_INLINE i32 to_i32(double x) {
  return x > -2147483648.0 ? x < 2147483647.0 ? (i32)x : INT32_MAX : x <= -2147483648.0 ? INT32_MIN : 0;
}

#define CONVERT(to, from, expression)                                                                                  \
  static void from##_to_##to(void *out, const void *in, int64_t n) {                                                   \
    to *y = out;                                                                                                       \
    const from *p = in;                                                                                                \
    BP_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                                   \
      const from x = p[i];                                                                                             \
      y[i] = expression;                                                                                               \
    }                                                                                                                  \
  }

CONVERT(f32, f32, x)
CONVERT(f32, f64, (float)x)
CONVERT(f32, u8, (float)x)
CONVERT(f32, i32, (float)x)
CONVERT(f64, f32, (double)x)
CONVERT(f64, f64, x)
CONVERT(f64, u8, (double)x)
CONVERT(f64, i32, (double)x)
CONVERT(u8, f32, to_u8((double)x))
CONVERT(u8, f64, to_u8(x))
CONVERT(u8, u8, x)
CONVERT(u8, i32, x < 0 ? (u8)0 : x > 255 ? (u8)255 : (u8)x)
CONVERT(i32, f32, to_i32((double)x))
CONVERT(i32, f64, to_i32(x))
CONVERT(i32, u8, x)
CONVERT(i32, i32, x)

typedef void (*convert_fn)(void *out, const void *in, int64_t n);
static const convert_fn converters[4][4] = {/* [to][from] */
                                            {f32_to_f32, f64_to_f32, u8_to_f32, i32_to_f32},
                                            {f32_to_f64, f64_to_f64, u8_to_f64, i32_to_f64},
                                            {f32_to_u8, f64_to_u8, u8_to_u8, i32_to_u8},
                                            {f32_to_i32, f64_to_i32, u8_to_i32, i32_to_i32}};

void BP_ISA_FN(bp_convert_row)(void *out, int out_type, const void *in, int in_type, int64_t n) {
  converters[out_type][in_type](out, in, n);
}
