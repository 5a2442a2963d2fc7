/* kernels/transpose_kernel.c - the transposing of strips that products, reductions and moves share; one copy for all. */
#include "kernels/kernels_isa.h"

#define BP_REAL_IS_F64 0
#include "kernels/real.h"
#include "kernels/simd.h"
#include "kernels/transpose_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/real.h"
#include "kernels/simd.h"
#include "kernels/transpose_impl.h"

void BP_ISA_FN(bp_transpose_strip_f32)(float *out, int64_t out_row, const float *in, int64_t in_row, int64_t rows,
                                       int64_t columns) {
  transpose_strip_f32(out, out_row, in, in_row, rows, columns);
}

void BP_ISA_FN(bp_transpose_strip_f64)(double *out, int64_t out_row, const double *in, int64_t in_row, int64_t rows,
                                       int64_t columns) {
  transpose_strip_f64(out, out_row, in, in_row, rows, columns);
}
