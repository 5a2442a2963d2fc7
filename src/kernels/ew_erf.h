/* kernels/ew_erf.h - the error function, for one type; included twice by ew_impl.h and once by
 * special_erfc.c, after ew_math.h.
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
