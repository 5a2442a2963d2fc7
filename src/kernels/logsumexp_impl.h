/* kernels/logsumexp_impl.h - log sum exp along rows, for one type; included twice by reduce_kernel.c, after reduce_impl.h.
 *
 * log sum_c e^x_c = top + log sum_c e^(x_c - top), top = max_c x_c. Rows of up to WIDE columns, the usual case of classes,
 * are worked ROWS at a time, transposed, so that vectors run along the rows. How a row is worked depends only on its
 * number of columns.
 */
#include "kernels/ew_math.h"

#undef WIDE
#define WIDE 64

/* top + log sum; the maximum itself when that is infinite or NaN. */
BP_INLINE real R(finish_logsumexp)(real top, real sum) {
  const real y = top + R(bp_log)(sum);
  return top - top == 0 ? y : top;
}

static void R(logsumexp_rows)(real *y, const real *x, int64_t rows, int64_t columns) {
  real at[WIDE * ROWS], top[ROWS], shift[ROWS], sum[ROWS];
  R(load_rows)(at, x, columns, rows, columns);
  for (int64_t r = 0; r < ROWS; r += LANES) {
    R(vec) most = R(vset1)((real)-INFINITY);
    for (int64_t c = 0; c < columns; c++) most = R(join_max)(most, R(vload)(at + c * ROWS + r));
    R(vstore)(top + r, most);
  }
  BP_INDEPENDENT for (int64_t r = 0; r < ROWS; r++) {
    shift[r] = top[r] - top[r] == 0 ? top[r] : 0;
    sum[r] = 0;
  }
  for (int64_t c = 0; c < columns; c++) {
    BP_INDEPENDENT for (int64_t r = 0; r < ROWS; r++) sum[r] += R(exp_down)(at[c * ROWS + r] - shift[r]);
  }
  BP_INDEPENDENT for (int64_t r = 0; r < ROWS; r++) sum[r] = R(finish_logsumexp)(top[r], sum[r]);
  memcpy(y, sum, (size_t)rows * sizeof(real));
}

static real R(logsumexp_row)(const real *x, int64_t columns) {
  real sum[WIDE], part[WIDE];
  const real top = R(row)(R(join_max), (real)-INFINITY, 0, x, columns);
  if (!(top - top == 0)) return top;
  for (int64_t l = 0; l < WIDE; l++) sum[l] = 0;
  for (int64_t c = 0; c < columns; c += WIDE) {
    const int64_t n = columns - c < WIDE ? columns - c : WIDE;
    for (int64_t l = 0; n < WIDE && l < WIDE; l++) part[l] = (real)-INFINITY;
    memcpy(part, x + c, (size_t)n * sizeof(real));
    BP_INDEPENDENT for (int64_t l = 0; l < WIDE; l++) sum[l] += R(exp_down)(part[l] - top);
  }
  R(vec) lane[WIDE / LANES];
  for (int64_t l = 0; l < WIDE; l += LANES) lane[l / LANES] = R(vload)(sum + l);
  return R(finish_logsumexp)(top, R(fold_lanes)(R(join_sum), lane, WIDE));
}

void BP_ISA_FN(R(bp_logsumexp))(void *out, const void *in, int64_t rows, int64_t columns) {
  real *y = out;
  const real *x = in;
  for (int64_t r = 0, step = 1; r < rows; r += step, x += step * columns, y += step) {
    if (columns > WIDE) {
      *y = R(logsumexp_row)(x, columns);
    } else if (columns <= 0) {
      *y = (real)-INFINITY;
    } else {
      step = rows - r < ROWS ? rows - r : ROWS;
      R(logsumexp_rows)(y, x, step, columns);
    }
  }
}
