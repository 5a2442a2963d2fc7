/* kernels/ew_erf.h - the error function, for one type, and its complement; included twice by ew_impl.h, after ew_math.h.
 *
 * x + x (2 / sqrt(pi) - 1 + z P(z)), z = x^2, up to 1 in magnitude; beyond, 1 - e^-G(x), where G is a polynomial for
 * -log(1 - erf x) whose error counts only as far as 1 - erf x is large. Polynomials: minimax.py.
 */

/* erf(x) / x - 1 for z = x^2 <= 1. */
BP_INLINE real R(erf_excess)(real z) {
#if BP_REAL_IS_F64 /* largest relative error of erf 2^-56.6 */
  enum { NEAR = 13 };
  static const double near[NEAR] = {-0.37612638903183754,   0.11283791670955122,     -0.026866170645130045,
                                    0.0052239776254252909,  -0.00085483270220559568, 0.00012055332907735109,
                                    -1.4925647699686509e-5, 1.6462047938577593e-6,   -1.6364674838755767e-7,
                                    1.4792691930358633e-8,  -1.2166237356322477e-9,  8.7147048563114995e-11,
                                    -4.239423928602651e-12};
#else /* 2^-26.5 */
  enum { NEAR = 6 };
  static const float near[NEAR] = {-0.376126319f,  0.112836301f,     -0.0268554837f,
                                   0.00519129075f, -0.000803502277f, 7.93307772e-5f};
#endif
  return R(mad)(z, R(horner)(near, NEAR, z), RC(0.128379167, 0.12837916709551257));
}

BP_INLINE real R(bp_erf)(real x) {
#if BP_REAL_IS_F64 /* largest error 2^-56.7 */
  enum { FAR = 19 };
  static const double far[FAR] = {
      1.8436670593720383e-7,  1.1283772825767906,      0.63662870292350893,    0.10274664483320158,
      -0.019076959635859314,  -0.00028222246915883835, 0.0017709184942109905,  -0.00064282754195327772,
      4.5951573475257083e-5,  6.9752928395857525e-5,   -4.4771040673097508e-5, 1.6421880853173548e-5,
      -4.3018897997473196e-6, 8.452159932342104e-7,    -1.2483448493062734e-7, 1.352264155972935e-8,
      -1.0170791752007128e-9, 4.7518562860271855e-11,  -1.0390812806934581e-12};
#else /* 2^-27.3 */
  enum { FAR = 8 };
  static const float far[FAR] = {-0.000188032791f, 1.12957835f,   0.633219957f,     0.108418509f,
                                 -0.0252082162f,   0.0042045475f, -0.000441333599f, 2.16866247e-5f};
#endif
  const real a = R_MATH(fabs)(x), inner = R(mad)(a, R(erf_excess)(a * a), a);
  const real t = a > RC(4, 6) ? RC(4, 6) : a; /* 1 to the last bit beyond */
  const real outer = 1 - R(exp_near)(-R(horner)(far, FAR, t));
  return R_MATH(copysign)(R(pick)(a < 1, inner, outer), x);
}

/* ---- erfc ----
 * Up to 1/2 in magnitude 1 - x - q, where q = erf(x) - x is small. Beyond, e^-(x^2) S(t) / (1 + 2 x) with a polynomial S in
 * t = (x - 4) / (x + 4). A unit in the last place of x^2 would be hundreds of units of the result, so x^2, its exponential
 * and the quotient stand in pairs of numbers, and what counts is the last rounding.
 */
#if BP_REAL_IS_F64

/* erfc(x) e^(x^2) for x in [1/2, 28]. */
BP_INLINE bp_pair scaled_erfc(double x) {
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
BP_INLINE bp_pair exp_of_minus_square(double x, uint64_t *k) {
  const double square = x * x, square_low = bp_product_error(x, x, square);
  const double shifted = square * -1.4426950408889634 + MAGIC, n = shifted - MAGIC;
  *k = bits_of_f64(shifted) - bits_of_f64(MAGIC);
  const double high = -square - n * LN2_HIGH, low = n * LN2_LOW + square_low; /* high is exact */
  const double r = high - low, r_low = (high - r) - low;
  const double sum = 1 + r;
  return (bp_pair){sum, (r - (sum - 1)) + (exp_tail_f64(r) + r_low * sum)};
}

BP_INLINE double positive_erfc(double x) {
  uint64_t k;
  const bp_pair e = exp_of_minus_square(x, &k), s = scaled_erfc(x);
  const double y = e.high * s.high;
  const double low = bp_product_error(e.high, s.high, y) + (e.high * s.low + e.low * s.high);
  const uint64_t half = ((k + 4096) >> 1) - 2048; /* 2^k in two halves: a denormal result is rounded once more */
  return (y + low) * power_of_two_f64(half) * power_of_two_f64(k - half);
}

BP_INLINE double bp_erfc_f64(double x) {
  const double a = __builtin_fabs(x);
  const bp_pair near = bp_pair_sum(1, -x);
  const double inner = near.high + (near.low - x * erf_excess_f64(x * x));
  const double y = positive_erfc(a > 28 ? 28 : a); /* 0 beyond */
  const double outer = x > 0 ? y : 2 - y;
  return pick_f64(a < 0.5, inner, outer);
}

#else

BP_INLINE float bp_erfc_f32(float x) {
  enum { N = 11 };
  static const float s[N] = {/* largest relative error 2^-25.0 */
                             1.23299515f,    -0.139621079f, 0.0153796347f, 0.0680947155f,  -0.101039842f, 0.0937703103f,
                             -0.0662975013f, 0.0369431786f, -0.01650328f,  0.00544827012f, 9.00594605e-5f};
  const float a = __builtin_fabsf(x), inner = 1 - mad_f32(x, erf_excess_f32(x * x), x);
  const float b = a > 10.3f ? 10.3f : a; /* 0 beyond */
  const float y = bp_gaussian_f32(b) * (horner_f32(s, N, (b - 4) / (b + 4)) / (1 + 2 * b));
  const float outer = x > 0 ? y : 2 - y;
  return pick_f32(a < 0.5f, inner, outer);
}

#endif
