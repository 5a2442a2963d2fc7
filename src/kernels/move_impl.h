/* kernels/move_impl.h - transposing a matrix, and filling, for one type (4 or 8 bytes); included twice by move_kernel.c. */
#include "kernels/real.h"

#include "kernels/simd.h"

#undef COLUMN_BLOCK
#define COLUMN_BLOCK ((int64_t)(64 / sizeof(real))) /* so many lines of the output are open at a time */

static void R(transpose)(void *out, const void *in, int64_t in_row, int64_t rows, int64_t columns) {
  real *y = out;
  const real *x = in;
  for (int64_t c = 0; c < columns; c += COLUMN_BLOCK) {
    const int64_t n = columns - c < COLUMN_BLOCK ? columns - c : COLUMN_BLOCK;
    int64_t r = 0;
    for (; r + LANES <= rows; r += LANES)
      BP_ISA_FN(R(bp_transpose_strip))(y + c * rows + r, rows, x + r * in_row + c, in_row, LANES, n);
    for (; r < rows; r++) {
      for (int64_t q = c; q < c + n; q++) y[q * rows + r] = x[r * in_row + q];
    }
  }
}

static void R(fill)(real *out, real value, int64_t n) {
  const R(vec) all = R(vset1)(value);
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) R(vstore)(out + i, all);
  for (; i < n; i++) out[i] = value;
}
