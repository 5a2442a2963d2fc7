/* kernels/factor_impl.h - factors and triangular systems for one type; included twice by factor_kernel.c. */
#include "kernels/real.h"

#include "kernels/simd.h"

/* y -= f x; apart from each other. */
BP_INLINE void R(row_subtract)(real *y, const real *x, real f, int64_t n) {
  const R(vec) factor = R(vset1)(f);
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) R(vstore)(y + i, R(vload)(y + i) - factor * R(vload)(x + i));
  for (; i < n; i++) y[i] -= f * x[i];
}

BP_INLINE void R(row_divide)(real *y, real f, int64_t n) { BP_INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] /= f; }

/* ---- Cholesky ---- */
static void R(fill_lower)(real *out, int64_t n, real value) {
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < n; j++) out[i * n + j] = j <= i ? value : 0;
  }
}

/* Column after column, each at once subtracted from all that follow. Column k of L is kept as row k above the diagonal too,
 * where the subtraction can read it along a row; the zeros come last. */
void BP_ISA_FN(R(bp_cholesky))(void *out, const void *in, int64_t n) {
  real *l = out;
  const real *a = in;
  for (int64_t i = 0; i < n; i++) memcpy(l + i * n, a + i * n, (size_t)(i + 1) * sizeof(real));
  for (int64_t k = 0; k < n; k++) {
    if (!(l[k * n + k] > 0)) {
      R(fill_lower)(l, n, (real)NAN);
      return;
    }
    const real pivot = R_MATH(sqrt)(l[k * n + k]);
    l[k * n + k] = pivot;
    for (int64_t i = k + 1; i < n; i++) l[k * n + i] = l[i * n + k] = l[i * n + k] / pivot;
    for (int64_t i = k + 1; i < n; i++) R(row_subtract)(l + i * n + k + 1, l + k * n + k + 1, l[i * n + k], i - k);
  }
  for (int64_t i = 0; i < n; i++) memset(l + i * n + i + 1, 0, (size_t)(n - 1 - i) * sizeof(real));
}

/* ---- triangular systems ---- */
/* T x = b: row i of x takes all rows that are known. Tᵀ x = b: row k of x, once known, is given to all that need it. */
void BP_ISA_FN(R(bp_solve_triangular))(void *x, const void *t, int64_t n, int64_t m, bool upper, bool transposed,
                                       bool unit) {
  const bool down = upper == transposed; /* rows 0, 1, ... */
  for (int64_t step = 0; step < n; step++) {
    const int64_t i = down ? step : n - 1 - step;
    const real *row = (const real *)t + i * n;
    real *y = (real *)x + i * m;
    for (int64_t s = 0; !transposed && s < step; s++) {
      const int64_t k = down ? s : n - 1 - s;
      R(row_subtract)(y, (const real *)x + k * m, row[k], m);
    }
    if (!unit) R(row_divide)(y, row[i], m);
    for (int64_t s = step + 1; transposed && s < n; s++) {
      const int64_t k = down ? s : n - 1 - s;
      R(row_subtract)((real *)x + k * m, y, row[k], m);
    }
  }
}

/* ---- LU ---- */
static void R(exchange_rows)(real *a, real *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const real kept = a[i];
    a[i] = b[i];
    b[i] = kept;
  }
}

void BP_ISA_FN(R(bp_lu))(void *lu, int32_t *exchange, const void *in, int64_t n) {
  real *a = lu;
  if (n > 0) memcpy(a, in, (size_t)(n * n) * sizeof(real));
  for (int64_t k = 0; k < n; k++) {
    int64_t best = k;
    for (int64_t i = k + 1; i < n; i++) {
      if (R_MATH(fabs)(a[i * n + k]) > R_MATH(fabs)(a[best * n + k])) best = i;
    }
    exchange[k] = (int32_t)best;
    if (best != k) R(exchange_rows)(a + k * n, a + best * n, n);
    const real pivot = a[k * n + k];
    for (int64_t i = k + 1; pivot != 0 && i < n; i++) {
      a[i * n + k] /= pivot;
      R(row_subtract)(a + i * n + k + 1, a + k * n + k + 1, a[i * n + k], n - k - 1);
    }
  }
}

void BP_ISA_FN(R(bp_lu_solve))(void *x, const void *lu, const int32_t *exchange, int64_t n, int64_t m) {
  for (int64_t k = 0; k < n; k++) {
    if (exchange[k] != k) R(exchange_rows)((real *)x + k * m, (real *)x + exchange[k] * m, m);
  }
  BP_ISA_FN(R(bp_solve_triangular))(x, lu, n, m, false, false, true);
  BP_ISA_FN(R(bp_solve_triangular))(x, lu, n, m, true, false, false);
}

void BP_ISA_FN(R(bp_lu_logdet))(void *out, const void *lu, int64_t n) {
  double sum = 0;
  for (int64_t k = 0; k < n; k++) sum += log(fabs((double)((const real *)lu)[k * n + k]));
  *(real *)out = (real)sum;
}
