/* kernels/ew_libm.h - the less frequent functions: the C library's, one element at a time; digamma is our own.
 *
 * The float versions go through double and round once, so they are right to half a unit in the last place but for rare
 * ties. Included twice by ew_impl.h.
 */

#undef LIBM1
#undef LIBM2
#define LIBM1(name)                                                                                                    \
  BP_INLINE real R(libm_##name)(real x) { return (real)name((double)x); }
#define LIBM2(name)                                                                                                    \
  BP_INLINE real R(libm_##name)(real a, real b) { return (real)name((double)a, (double)b); }

#if !BP_REAL_IS_F64
static double bp_digamma(double x);
#endif

LIBM1(sin)
LIBM1(cos)
LIBM1(tan)
LIBM1(asin)
LIBM1(acos)
LIBM1(atan)
LIBM1(sinh)
LIBM1(cosh)
LIBM1(asinh)
LIBM1(acosh)
LIBM1(atanh)
LIBM1(log10)
LIBM1(erfc)
LIBM2(pow)
LIBM2(atan2)

/* lgamma itself writes the global signgam, which threads would race on. */
BP_INLINE real R(libm_lgamma)(real x) {
  int sign;
  return (real)lgamma_r((double)x, &sign);
}
BP_INLINE real R(libm_digamma)(real x) { return (real)bp_digamma((double)x); }

#if !BP_REAL_IS_F64
/* psi(x) for x >= 10: ln x - 1/(2x) - sum B_2k / (2k x^2k), k = 1 .. 7 (Abramowitz and Stegun 6.3.18); the first term
 * left out is below 5e-17 there. */
static double bp_digamma_large(double x) {
  const double w = 1 / (x * x);
  const double sum =
      w * (1.0 / 12 - w * (1.0 / 120 -
                           w * (1.0 / 252 - w * (1.0 / 240 - w * (1.0 / 132 - w * (691.0 / 32760 - w * (1.0 / 12)))))));
  return log(x) - 0.5 / x - sum;
}

/* psi(x) = psi(x + 1) - 1/x up to 10 (6.3.5), and psi(x) = psi(1 - x) - pi / tan(pi x) below zero (6.3.7).
 * Poles: 0 gives an infinity of the opposite sign, as the limit from that side; a negative integer NaN. */
static double bp_digamma(double x) {
  if (x == 0) return -1 / x;
  if (x < 0) {
    const double fraction = x - rint(x); /* exact, and tan(pi x) has period 1 */
    if (fraction == 0) return (double)NAN;
    return bp_digamma(1 - x) - 3.14159265358979323846 / tan(3.14159265358979323846 * fraction);
  }
  const int steps = x < 10 ? 10 - (int)x : 0;
  double shift = 0;
  for (int i = steps - 1; i >= 0; i--) shift += 1 / (x + i); /* the smallest first */
  return bp_digamma_large(x + steps) - shift;
}
#endif
