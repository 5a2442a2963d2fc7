/* orthogonal.c - a matrix of normal numbers becomes one with orthonormal rows or columns. Floor: net.
 *
 * Modified Gram and Schmidt, run twice, which leaves them orthogonal to the last bits (Giraud, Langou and Rozložník, 2005). It is
 * the QR factorisation with a positive diagonal, so all orthogonal matrices are alike probable (Mezzadri, 2007). In place, a
 * few vectors at a time, with sums in double.
 */
#include <math.h>

#include "net/net_core.h"

enum { TILE = 16 };

/* Vector v of n, element e of length m: values[v * vector_step + e * element_step]. */
typedef struct vectors {
  void *values;
  bool f64;
  int64_t n, m, vector_step, element_step;
} vectors;

static double get(const vectors *a, int64_t v, int64_t e) {
  int64_t i = v * a->vector_step + e * a->element_step;
  return a->f64 ? ((const double *)a->values)[i] : (double)((const float *)a->values)[i];
}

static void set(const vectors *a, int64_t v, int64_t e, double x) {
  int64_t i = v * a->vector_step + e * a->element_step;
  if (a->f64)
    ((double *)a->values)[i] = x;
  else
    ((float *)a->values)[i] = (float)x;
}

static void set_length(const vectors *a, int64_t v, double length) {
  double sum = 0;
  for (int64_t e = 0; e < a->m; e++) sum += get(a, v, e) * get(a, v, e);
  for (int64_t e = 0; e < a->m; e++) set(a, v, e, get(a, v, e) * (length / sqrt(sum)));
}

/* Takes the part along vector v, of length 1, out of vectors first .. first + count - 1. */
static void take_out(const vectors *a, int64_t v, int64_t first, int64_t count) {
  double part[TILE] = {0};
  for (int64_t e = 0; e < a->m; e++)
    for (int64_t j = 0; j < count; j++) part[j] += get(a, v, e) * get(a, first + j, e);
  for (int64_t e = 0; e < a->m; e++)
    for (int64_t j = 0; j < count; j++) set(a, first + j, e, get(a, first + j, e) - part[j] * get(a, v, e));
}

void make_orthogonal(void *values, bp_dtype dtype, int64_t rows, int64_t columns, double scale) {
  bool by_rows = rows <= columns;
  vectors a = {.values = values, .f64 = dtype == BP_F64, .n = by_rows ? rows : columns, .m = by_rows ? columns : rows};
  a.vector_step = by_rows ? columns : 1;
  a.element_step = by_rows ? 1 : columns;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t v = 0; v < a.n; v++) {
      set_length(&a, v, 1);
      for (int64_t j = v + 1; j < a.n; j += TILE) take_out(&a, v, j, a.n - j < TILE ? a.n - j : TILE);
    }
  for (int64_t v = 0; v < a.n; v++) set_length(&a, v, scale);
}
