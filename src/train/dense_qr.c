/* dense_qr.c - Householder's reflections (1958; Golub and Van Loan, Matrix Computations, 2013, Algorithms 5.1.1 and 5.4.1), for the least
 * squares of a few unknowns. A product JᵀJ would square the condition of J, and curve fits have none to spare. All sums are
 * in one order. Floor: train.
 */
#include "train/dense_qr.h"

#include <math.h>
#include <stdbool.h>

/* Four sums at a time: one chain of additions would wait for itself. */
static double dot(const double *a, const double *b, size_t n) {
  double sum[4] = {0};
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (size_t j = 0; j < 4; j++) sum[j] += a[i + j] * b[i + j];
  for (; i < n; i++) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

double qr_norm(const double *v, size_t n) {
  double most = 0, sum = 0;
  for (size_t i = 0; i < n; i++)
    if (!(fabs(v[i]) <= most)) most = fabs(v[i]);
  if (most == 0 || !isfinite(most)) return most;
  int exponent;
  (void)frexp(most, &exponent);
  double scale = ldexp(1, exponent > -1000 ? -exponent : 1000); /* a power of 2 rounds nothing */
  for (size_t i = 0; i < n; i++) sum += (v[i] * scale) * (v[i] * scale);
  return sqrt(sum) / scale;
}

/* y ← y - factor v, on one row and `count` others. */
static void take(double *y_head, double *y, double factor, double head, const double *v, size_t count) {
  *y_head -= factor * head;
  for (size_t i = 0; i < count; i++) y[i] -= factor * v[i];
}

/* Makes rows first .. first + count of column k zero by a reflection H = I - β v vᵀ that touches row k and those rows, in the columns
 * from k on and in rhs. v = (a_kk + sign(a_kk) ‖·‖, the rows), scaled by the norm. */
static void reflect(double *a, size_t lead, size_t n, size_t k, size_t first, size_t count, double *rhs) {
  double *v = a + k * lead + first, *pivot = a + k * lead + k;
  double rest = qr_norm(v, count), norm = hypot(*pivot, rest);
  if (rest == 0) return;
  double head = *pivot / norm + copysign(1, *pivot);
  for (size_t i = 0; i < count; i++) v[i] /= norm;
  double beta = 1 / fabs(head);
  for (size_t j = k + 1; j < n; j++) {
    double *y = a + j * lead;
    take(y + k, y + first, beta * (head * y[k] + dot(v, y + first, count)), head, v, count);
  }
  if (rhs != NULL) take(rhs + k, rhs + first, beta * (head * rhs[k] + dot(v, rhs + first, count)), head, v, count);
  *pivot = -copysign(norm, *pivot);
  for (size_t i = 0; i < count; i++) v[i] = 0;
}

void qr_absorb(double *a, size_t lead, size_t n, size_t rows, double *rhs) {
  for (size_t k = 0; k < n; k++) reflect(a, lead, n, k, n, rows, rhs);
}

void qr_add_diagonal(double *a, size_t lead, size_t n, double *rhs) {
  for (size_t k = 0; k < n; k++) reflect(a, lead, n, k, n, k + 1, rhs);
}

static void exchange_columns(double *a, size_t lead, size_t rows, size_t j, size_t k, size_t *order) {
  size_t kept = order[j];
  order[j] = order[k];
  order[k] = kept;
  for (size_t i = 0; i < rows; i++) {
    double t = a[j * lead + i];
    a[j * lead + i] = a[k * lead + i];
    a[k * lead + i] = t;
  }
}

/* The norms of what is left are computed anew at each step: that costs as much as half of the reflections, and is exact. */
void qr_pivoted(double *a, size_t lead, size_t m, size_t n, size_t *order, double *rhs) {
  for (size_t j = 0; j < n; j++) order[j] = j;
  for (size_t k = 0; k < n; k++) {
    size_t best = k;
    double most = -1;
    for (size_t j = k; j < n; j++) {
      double norm = qr_norm(a + j * lead + k, m - k);
      if (norm > most) most = norm, best = j;
    }
    if (best != k) exchange_columns(a, lead, m, best, k, order);
    reflect(a, lead, n, k, k + 1, m - k - 1, rhs);
  }
}

void qr_solve(const double *r, size_t lead, size_t n, double *b) {
  for (size_t k = n; k-- > 0;) {
    b[k] /= r[k * lead + k];
    for (size_t i = 0; i < k; i++) b[i] -= r[k * lead + i] * b[k];
  }
}

void qr_solve_transposed(const double *r, size_t lead, size_t n, double *b) {
  for (size_t k = 0; k < n; k++) b[k] = (b[k] - dot(r + k * lead, b, k)) / r[k * lead + k];
}

/* ---- Cholesky ---- */

/* Rows and columns j and k of a symmetric matrix of which both triangles are kept. */
static void exchange_both(double *a, size_t lead, size_t n, size_t j, size_t k, size_t *order) {
  exchange_columns(a, lead, n, j, k, order);
  for (size_t i = 0; i < n; i++) {
    double t = a[i * lead + j];
    a[i * lead + j] = a[i * lead + k];
    a[i * lead + k] = t;
  }
}

size_t qr_cholesky(double *a, size_t lead, size_t n, double part, size_t *order) {
  size_t rank = 0;
  double first = 0;
  for (size_t j = 0; j < n; j++) order[j] = j;
  for (size_t k = 0; k < n; k++, rank++) {
    size_t best = k;
    for (size_t j = k + 1; j < n; j++)
      if (a[j * lead + j] > a[best * lead + best]) best = j;
    double pivot = a[best * lead + best];
    if (k == 0) first = pivot;
    if (!(pivot > part * first)) break;
    if (best != k) exchange_both(a, lead, n, best, k, order);
    double root = sqrt(pivot);
    for (size_t j = k; j < n; j++) a[j * lead + k] /= root; /* row k of R */
    for (size_t j = k + 1; j < n; j++)
      for (size_t i = k + 1; i < n; i++) a[j * lead + i] -= a[j * lead + k] * a[i * lead + k];
  }
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < n; i++)
      if (i > j || i >= rank) a[j * lead + i] = 0;
  return rank;
}
