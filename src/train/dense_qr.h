/* train/dense_qr.h - QR factors of small dense matrices of doubles, by columns: a[i + j lead] is row i of column j.
 *
 * What is done to a matrix is done to a right side as well, so that Qᵀb is at hand where Q itself is never kept.
 */
#ifndef BP_TRAIN_DENSE_QR_H
#define BP_TRAIN_DENSE_QR_H
#include <stddef.h>

/* The Euclidean norm, without overflow or underflow on the way. */
double qr_norm(const double *v, size_t n);

/* a: an upper triangle [n,n], and `rows` rows below it, as one matrix [n + rows, n]. Its factor R takes the triangle's place, the rows
 * become zero, and rhs [n + rows] becomes Qᵀ rhs. So the factor of a tall matrix is made from a few rows at a time. */
void qr_absorb(double *a, size_t lead, size_t n, size_t rows, double *rhs);
/* a [m,n], m >= n: a P = Q R with the column of the largest rest first (Businger and Golub, 1965). R replaces a, column order[k] of a is
 * column k of R; rhs [m] becomes Qᵀ rhs. */
void qr_pivoted(double *a, size_t lead, size_t m, size_t n, size_t *order, double *rhs);
/* a: an upper triangle [n,n], and a diagonal matrix [n,n] below it. Its factor takes the triangle's place, as with qr_absorb(). */
void qr_add_diagonal(double *a, size_t lead, size_t n, double *rhs);
/* Solves R x = b, or Rᵀ x = b, for the upper triangle [n,n]; x replaces b. */
void qr_solve(const double *r, size_t lead, size_t n, double *b);
void qr_solve_transposed(const double *r, size_t lead, size_t n, double *b);

/* a [n,n], symmetric and positive semidefinite: Pᵀ a P = RᵀR with the largest diagonal first; what is below `part` of the first
 * counts as zero. Returns the rank; R replaces the upper triangle, and what is below it or beyond the rank becomes zero. */
size_t qr_cholesky(double *a, size_t lead, size_t n, double part, size_t *order);

#endif
