/* kernels/special_erfc.c - 1 - erf(x) in double.
 *
 * Up to 1/2 in magnitude 1 - x - q, where q = erf(x) - x is small. Beyond, e^-(x^2) S(t) / (1 + 2 x) with a polynomial S in
 * t = (x - 4) / (x + 4). A unit in the last place of x^2 would be hundreds of units of the result, so x^2, its exponential
 * and the quotient stand in pairs of numbers, and what counts is the last rounding. Polynomials: minimax.py.
 */
#include <math.h>
#include <stdbool.h>

#include "kernels/isa.h"
#include "kernels/pairs.h"
#include "kernels/special.h"

#define BP_REAL_IS_F64 1
#include "kernels/real.h"

#include "kernels/ew_math.h"

#include "kernels/ew_erf.h"

/* erfc(x) e^(x^2) for x in [1/2, 28]. */
static bp_pair scaled_erfc(double x) {
  enum { N = 22 };
  static const double s[N] = {
      /* largest relative error 2^-56.5 */
      -0.1396211168405625,    0.015379652102619854,    0.068097054254688955,   -0.10103906603631101,
      0.093732834998513828,   -0.066330365812060657,   0.037167515534170428,   -0.016197734059719322,
      0.005031970014790289,   -0.00075777327481167916, -0.0001992569427931676, 0.00015062161555413144,
      -2.4398143120988282e-5, -1.1221871176770048e-5,  5.7066987185388668e-6,  2.935727755146603e-7,
      -8.1980553873430604e-7, 7.4807217083817625e-8,   1.0349843747633985e-7,  -1.7948796989187613e-8,
      -9.7364624372952565e-9, 1.8201341762077214e-9};
  const double t = (x - 4) / (x + 4), rest = t * two_chains_f64(s, N, t) - 4.5840899396918335e-17;
  const bp_pair numerator = bp_pair_sum(1.2329951186255526, rest);
  return bp_pair_divide(numerator, bp_pair_sum(1, 2 * x));
}

/* e^-(x^2) = 2^k (the result), for x in [1/2, 28]. */
static bp_pair exp_of_minus_square(double x, uint64_t *k) {
  const double square = x * x, square_low = bp_product_error(x, x, square);
  const double shifted = square * -1.4426950408889634 + MAGIC, n = shifted - MAGIC;
  *k = bits_of_f64(shifted) - bits_of_f64(MAGIC);
  const double high = -square - n * LN2_HIGH, low = n * LN2_LOW + square_low; /* high is exact */
  const double r = high - low, r_low = (high - r) - low;
  const double sum = 1 + r;
  return (bp_pair){sum, (r - (sum - 1)) + (exp_tail_f64(r) + r_low * sum)};
}

static double positive_erfc(double x) {
  uint64_t k;
  const bp_pair e = exp_of_minus_square(x, &k), s = scaled_erfc(x);
  const double y = e.high * s.high;
  const double low = bp_product_error(e.high, s.high, y) + (e.high * s.low + e.low * s.high);
  const uint64_t half = ((k + 4096) >> 1) - 2048; /* 2^k in two halves: a denormal result is rounded once more */
  return (y + low) * power_of_two_f64(half) * power_of_two_f64(k - half);
}

double bp_special_erfc(double x) {
  const double a = fabs(x);
  if (!(a >= 0.5)) { /* NaN too */
    const bp_pair y = bp_pair_sum(1, -x);
    return y.high + (y.low - x * erf_excess_f64(x * x));
  }
  if (a > 28) return x > 0 ? 0 : 2;
  const double y = positive_erfc(a);
  return x > 0 ? y : 2 - y;
}
