/* kernels/special_gamma.c - the logarithm of the gamma function and its derivative digamma, in double.
 *
 * lgamma: from 8 on by Stirling's series with the logarithm as a pair of numbers, below by the C library, which is accurate
 * at its zeros 1 and 2. digamma: from 7 on by its asymptotic series, on [1, 2] the distance from the zero times a polynomial
 * (minimax.py), and between by psi(x + 1) = psi(x) + 1/x. Negative arguments are rare, and there large terms cancel near
 * zeros between all the poles: they are worked in long double.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* lgamma_r, lgammal_r */
#endif
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "kernels/isa.h"
#include "kernels/pairs.h"
#include "kernels/special.h"

#define BP_REAL_IS_F64 1
#include "kernels/real.h"

#include "kernels/ew_math.h"

/* log(x) for x in [2, inf). */
static bp_pair log_pair(double x) {
  double k;
  const double f = log_split_f64(x, &k), high = k * LN2_HIGH; /* exact */
  const bp_pair sum = bp_pair_sum(high, f);
  return (bp_pair){sum.high, sum.low + log_tail_f64(f, k * LN2_LOW)};
}

/* ---- lgamma ---- */

/* (x - 1/2) (log x - 1) + log(2 pi)/2 - 1/2 + sum B_2k / (2k (2k - 1) x^(2k - 1)), k = 1 .. 8 (Abramowitz and Stegun 6.1.41);
 * the first term left out is below 1e-16 at 8. */
static double lgamma_large(double x) {
  enum { N = 8 };
  static const double b[N] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                              1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
  const double v = 1 / x, series = v * two_chains_f64(b, N, v * v);
  const bp_pair l = log_pair(x), c = bp_pair_sum(x, -0.5), m = bp_pair_add(l, -1, 0);
  const double y = c.high * m.high;
  if (!isfinite(y)) return y;
  const double low = bp_product_error(c.high, m.high, y) + (c.high * m.low + c.low * m.high);
  return y + (low + (0.41893853320467274178 + series));
}

double bp_special_lgamma(double x) {
  int sign;
  if (x >= 8) return lgamma_large(x);
#if LDBL_MANT_DIG > DBL_MANT_DIG
  if (x < 0) return (double)lgammal_r((long double)x, &sign);
#endif
  return lgamma_r(x, &sign);
}

/* ---- digamma ---- */

/* log x - 1/(2x) - sum B_2k / (2k x^2k), k = 1 .. 11 (6.3.18); the first term left out is below 2e-17 at 7. */
static double digamma_large(double x) {
  enum { N = 11 };
  static const double b[N] = {1.0 / 12,        -1.0 / 120,       1.0 / 252,      -1.0 / 240,
                              1.0 / 132,       -691.0 / 32760,   1.0 / 12,       -3617.0 / 8160,
                              43867.0 / 14364, -174611.0 / 6600, 854513.0 / 3036};
  const double w = 1 / (x * x), sum = w * two_chains_f64(b, N, w);
  const bp_pair l = log_pair(x);
  return l.high + (l.low - (0.5 / x + sum));
}

/* psi(x + 1) for x in [0, 1]. */
static bp_pair digamma_near_zero(double x) {
  enum { N = 23 };
  static const double slope[N] = {
      /* largest relative error 2^-55.9 */
      -0.42362742128146047,    0.24054248424078736,    -0.14840492305391834,    0.09498872445282866,
      -0.06192213327158113,    0.04076083394471109,    -0.026975796847934073,   0.017907248193253365,
      -0.011908215074698733,   0.007927024118832289,   -0.0052800194201107122,  0.0035180794813550135,
      -0.0023446333098045922,  0.0015635724244018362,  -0.001042376827028773,   0.0006899503763286212,
      -0.00045944614925340653, 0.0003268707296745803,  -0.00021932029093081458, 9.1625967505451966e-5,
      -5.8828286224735726e-5,  0.00012238841052308424, -8.3161090111034342e-5};
  const double t = x - 0.5, rest = t * two_chains_f64(slope, N, t) + 4.2912578832082538e-17;
  const bp_pair s = bp_pair_sum(0.95105587603183284, rest);
  const bp_pair g =
      bp_pair_add((bp_pair){x, 0}, -0.46163214496836236, 1.5522348162858677e-17); /* the distance from the zero */
  const double y = g.high * s.high;
  return (bp_pair){y, bp_product_error(g.high, s.high, y) + (g.high * s.low + g.low * s.high)};
}

static bp_pair add_reciprocal(bp_pair y, double sign, double x) {
  const bp_pair r = bp_pair_divide((bp_pair){sign, 0}, (bp_pair){x, 0});
  return bp_pair_add(y, r.high, r.low);
}

/* For x in (0, 7): psi(1 + x) - 1/x below 1, else psi(x - n) + 1/(x - n) + ... + 1/(x - 1), where x - n is in [1, 2). */
static double digamma_small(double x) {
  if (x < 1e-20) return -1 / x;
  const double n = floor(x) - 1;
  bp_pair y = digamma_near_zero(x - (n + 1)); /* exact, as are all differences */
  if (n < 0) y = add_reciprocal(y, -1, x);
  for (double i = 1; i <= n; i++) y = add_reciprocal(y, 1, x - i);
  return y.high + y.low;
}

/* For x >= 1, in long double: by recurrence up to 24 and 7 terms there, the next below 3e-22. */
static long double digamma_long(long double x) {
  long double shift = 0;
  for (; x < 24; x++) shift += 1 / x;
  const long double w = 1 / (x * x);
  const long double sum =
      w * (1.0L / 12 -
           w * (1.0L / 120 -
                w * (1.0L / 252 - w * (1.0L / 240 - w * (1.0L / 132 - w * (691.0L / 32760 - w * (1.0L / 12)))))));
  return logl(x) - (0.5L / x + sum + shift);
}

/* psi(1 - x) - pi / tan(pi x) for x < 0 (6.3.7). */
static double digamma_negative(double x) {
  const long double pi = 3.14159265358979323846264338327950288L;
  const double fraction = x - rint(x); /* exact, and tan(pi x) has period 1 */
  if (!(fraction != 0)) return (double)NAN;
  return (double)(digamma_long(1 - (long double)x) - pi / tanl(pi * (long double)fraction));
}

double bp_special_digamma(double x) {
  if (x == 0) return -1 / x;
  if (x < 0) return digamma_negative(x);
  return x < 7 ? digamma_small(x) : x < (double)INFINITY ? digamma_large(x) : x;
}
