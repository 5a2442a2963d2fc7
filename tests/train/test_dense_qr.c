/* The QR and Cholesky factors of train/dense_qr.h and the steps of lm_parameter.h: by the properties that define them, in naive loops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/testing.h"
#include "train/dense_qr.h"
#include "train/lm_parameter.h"

enum { MOST = 12 };

static double noise(unsigned *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return (double)(*seed >> 8) / (1 << 23) - 1;
}

/* out [n,n] = aᵀa of a [m,n] by columns, and at [n] = aᵀb. */
static void normal(const double *a, size_t lead, size_t m, size_t n, const double *b, double *out, double *at) {
  for (size_t j = 0; j < n; j++) {
    for (size_t k = 0; k < n; k++) {
      out[j * n + k] = 0;
      for (size_t i = 0; i < m; i++) out[j * n + k] += a[j * lead + i] * a[k * lead + i];
    }
    at[j] = 0;
    for (size_t i = 0; i < m; i++) at[j] += a[j * lead + i] * b[i];
  }
}

/* RᵀR of columns in their order, and Rᵀq. */
static void check_factor(const double *r, size_t lead, size_t n, const size_t *order, const double *q,
                         const double *expected, const double *expected_at, double size) {
  for (size_t j = 0; j < n; j++) {
    double at = 0;
    for (size_t i = j + 1; i < n; i++) assert_true(r[j * lead + i] == 0);
    for (size_t i = 0; i <= j; i++) at += r[j * lead + i] * q[i];
    bt_assert_close(at, expected_at[order ? order[j] : j], 0, 1e-14 * size);
    for (size_t k = 0; k < n; k++) {
      double sum = 0;
      for (size_t i = 0; i <= (j < k ? j : k); i++) sum += r[j * lead + i] * r[k * lead + i];
      bt_assert_close(sum, expected[(order ? order[j] : j) * n + (order ? order[k] : k)], 0, 1e-14 * size);
    }
  }
}

static void rows_are_taken_up_block_by_block(void **state) {
  (void)state;
  unsigned seed = 3;
  for (size_t n = 1; n <= MOST; n += 3)
    for (size_t block = 1; block <= 16; block *= 4) {
      enum { ROWS = 37 };
      double a[MOST * ROWS], b[ROWS], all[MOST * MOST], at[MOST];
      size_t lead = n + block;
      double work[MOST * (MOST + 16)] = {0}, rhs[MOST + 16] = {0};
      for (size_t i = 0; i < n * ROWS; i++) a[i] = noise(&seed);
      for (size_t i = 0; i < ROWS; i++) b[i] = noise(&seed);
      for (size_t begin = 0; begin < ROWS; begin += block) {
        size_t count = ROWS - begin < block ? ROWS - begin : block;
        for (size_t j = 0; j < n; j++) memcpy(work + j * lead + n, a + j * ROWS + begin, count * sizeof *a);
        memcpy(rhs + n, b + begin, count * sizeof *b);
        qr_absorb(work, lead, n, count, rhs);
      }
      normal(a, ROWS, ROWS, n, b, all, at);
      check_factor(work, lead, n, NULL, rhs, all, at, ROWS);
    }
}

static void pivots_fall_and_show_the_rank(void **state) {
  (void)state;
  unsigned seed = 5;
  enum { ROWS = 20, N = 6, RANK = 4 };
  double a[N * ROWS], kept[N * ROWS], b[ROWS], kept_b[ROWS], all[N * N], at[N];
  size_t order[N];
  for (size_t i = 0; i < N * ROWS; i++) a[i] = noise(&seed);
  for (size_t i = 0; i < ROWS; i++) { /* two columns are sums of others */
    a[1 * ROWS + i] = a[0 * ROWS + i] - 3 * a[5 * ROWS + i];
    a[3 * ROWS + i] = 2 * a[2 * ROWS + i];
    b[i] = noise(&seed);
  }
  memcpy(kept, a, sizeof a);
  memcpy(kept_b, b, sizeof b);
  normal(kept, ROWS, ROWS, N, kept_b, all, at);
  qr_pivoted(a, ROWS, ROWS, N, order, b);
  check_factor(a, ROWS, N, order, b, all, at, 100);
  for (size_t k = 1; k < N; k++) assert_true(fabs(a[k * ROWS + k]) <= fabs(a[(k - 1) * ROWS + k - 1]) + 1e-13);
  assert_true(fabs(a[(RANK - 1) * ROWS + RANK - 1]) > 0.1 && fabs(a[RANK * ROWS + RANK]) < 1e-13);
  normal(kept, ROWS, ROWS, N, kept_b, all, at);
  assert_int_equal(qr_cholesky(all, N, N, 1e-12, order), RANK);
  for (size_t j = 0; j < N; j++)
    for (size_t k = 0; k < N; k++) {
      double sum = 0, expected = 0;
      for (size_t i = 0; i < N; i++) sum += all[j * N + i] * all[k * N + i];
      for (size_t i = 0; i < ROWS; i++) expected += kept[order[j] * ROWS + i] * kept[order[k] * ROWS + i];
      bt_assert_close(sum, expected, 0, 1e-12);
    }
}

static void norms_neither_overflow_nor_vanish(void **state) {
  (void)state;
  double big[] = {3e300, -4e300}, small[] = {3e-310, 4e-310}, none[] = {0, 0}, odd[] = {1, NAN};
  bt_assert_close(qr_norm(big, 2), 5e300, 1e-15, 0);
  bt_assert_close(qr_norm(small, 2), 5e-310, 1e-12, 0);
  assert_true(qr_norm(none, 2) == 0 && qr_norm(none, 0) == 0);
  assert_true(isnan(qr_norm(odd, 2)));
}

/* (RᵀR + λ D²) s = -Rᵀq, and either λ = 0 with s inside of the ball, or ‖D s‖ within a tenth of the radius. */
static void steps_end_at_the_radius(void **state) {
  (void)state;
  unsigned seed = 9;
  enum { N = 5 };
  for (int round = 0; round < 200; round++) {
    double r[N * N] = {0}, q[N], scale[N], step[N], damped[2 * N * N], work[4 * N], all[N * N], at[N], lambda = 0;
    size_t order[N] = {2, 0, 4, 1, 3};
    for (size_t j = 0; j < N; j++) {
      for (size_t i = 0; i <= j; i++) r[j * N + i] = noise(&seed) * pow(10, -(double)i);
      q[j] = noise(&seed);
      scale[j] = 0.1 + fabs(noise(&seed));
    }
    if (round % 5 == 4) memset(r + 3 * N, 0, N * sizeof *r); /* singular */
    double radius = pow(10, 4 * noise(&seed)), length = 0;
    lm_parameter_step(&(lm_problem){N, N, r, q, scale, order, radius, damped, work}, &lambda, step);
    normal(r, N, N, N, q, all, at);
    for (size_t j = 0; j < N; j++) length += scale[order[j]] * scale[order[j]] * step[order[j]] * step[order[j]];
    length = sqrt(length);
    assert_true(lambda >= 0 && length <= 1.1 * radius * (1 + 1e-12));
    if (lambda > 0) assert_true(length >= 0.9 * radius * (1 - 1e-12) || round % 5 == 4);
    for (size_t j = 0; j < N && lambda > 0; j++) {
      double sum = at[j] + lambda * scale[order[j]] * scale[order[j]] * step[order[j]], size = fabs(at[j]);
      for (size_t k = 0; k < N; k++)
        sum += all[j * N + k] * step[order[k]], size += fabs(all[j * N + k] * step[order[k]]);
      bt_assert_close(sum, 0, 0, 1e-10 * size);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(rows_are_taken_up_block_by_block),
      BT_TEST(pivots_fall_and_show_the_rank),
      BT_TEST(norms_neither_overflow_nor_vanish),
      BT_TEST(steps_end_at_the_radius),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
