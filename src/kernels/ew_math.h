/* kernels/ew_math.h - exp, log, tanh and their relatives as branch-free scalar code, for one type; included twice by
 * ew_impl.h and for double by special_*.c. The compiler turns a loop over them into vector code.
 *
 * Everything is built from two cores: e^r - 1 on |r| <= ln(2)/2 and log(1 + f) on [sqrt(1/2) - 1, 1/2]. Ranges are
 * reduced after Cody and Waite: the high part of a constant is so short that its product with a small integer is exact,
 * with fused multiply-add hardware or without. Polynomials come from minimax.py, which prints them and their error.
 * Selections stand at the end and overrule what the arithmetic made of special values.
 */

/* ---- bits ---- */
BP_INLINE ubits R(bits_of)(real x) {
  ubits u;
  memcpy(&u, &x, sizeof u);
  return u;
}
BP_INLINE real R(real_of)(ubits u) {
  real x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* condition ? a : b by masks. From conditional expressions over long computations GCC makes branches again, or two whole
 * evaluations, and does not vectorise them. */
BP_INLINE real R(pick)(bool condition, real a, real b) {
  const ubits mask = (ubits)0 - (ubits)condition;
  return R(real_of)((R(bits_of)(a) & mask) | (R(bits_of)(b) & ~mask));
}

#undef FRACTION_BITS
#undef EXPONENT_BIAS
#undef MAGIC
#undef REAL_INF
#undef REAL_NAN
#undef REAL_MIN
#define FRACTION_BITS ((int)RC(23, 52))
#define EXPONENT_BIAS ((ubits)RC(127, 1023))
/* Adding and subtracting 1.5 * 2^FRACTION_BITS rounds to an integer, which then stands in the low bits of the sum. */
#define MAGIC    RC(12582912.0, 6755399441055744.0)
#define REAL_INF ((real)INFINITY)
#define REAL_NAN ((real)NAN)
#define REAL_MIN RC(1.17549435e-38, 2.2250738585072014e-308)

/* a * b + c, fused where the hardware can. */
BP_INLINE real R(mad)(real a, real b, real c) {
#if BP_HAS_FMA
  return R_MATH(fma)(a, b, c);
#else
  return a * b + c;
#endif
}

/* c[0] + c[1] x + … + c[n - 1] x^(n - 1) */
BP_INLINE real R(horner)(const real *c, const int n, real x) {
  real y = c[n - 1];
  BP_UNROLL for (int i = n - 2; i >= 0; i--) y = R(mad)(y, x, c[i]);
  return y;
}

/* The same as two polynomials in x^2, whose operations overlap: for single numbers, which wait for each of them. n >= 4. */
BP_INLINE real R(two_chains)(const real *c, const int n, real x) {
  const real z = x * x;
  real a = c[n - 1], b = c[n - 2];
  BP_UNROLL for (int i = n - 3; i >= 0; i -= 2) {
    a = R(mad)(a, z, c[i]);
    if (i > 0) b = R(mad)(b, z, c[i - 1]);
  }
  return n % 2 == 1 ? R(mad)(b, x, a) : R(mad)(a, x, b);
}

/* 2^k for k in the range of normal numbers; k in two's complement. */
BP_INLINE real R(power_of_two)(ubits k) { return R(real_of)((k + EXPONENT_BIAS) << FRACTION_BITS); }

/* ---- the exponential core ---- */

/* e^r - 1 - r for |r| <= ln(2)/2, a hair more. */
BP_INLINE real R(exp_tail)(real r) {
#if BP_REAL_IS_F64 /* largest relative error of e^r - 1: 2^-59.7 */
  real p = 2.0921592925020823e-9;
  p = R(mad)(p, r, 2.5105218085170505e-8);
  p = R(mad)(p, r, 2.7557252900397781e-7);
  p = R(mad)(p, r, 2.7557255397321771e-6);
  p = R(mad)(p, r, 2.4801587347354799e-5);
  p = R(mad)(p, r, 0.00019841269874823131);
  p = R(mad)(p, r, 0.0013888888888874389);
  p = R(mad)(p, r, 0.0083333333333261341);
  p = R(mad)(p, r, 0.041666666666666685);
  p = R(mad)(p, r, 0.16666666666666671);
#else /* 2^-29.2 */
  real p = 0.000199075861f;
  p = R(mad)(p, r, 0.00139336521f);
  p = R(mad)(p, r, 0.00833328627f);
  p = R(mad)(p, r, 0.0416664667f);
  p = R(mad)(p, r, 0.166666672f);
#endif
  p = R(mad)(p, r, (real)0.5);
  return r * r * p;
}

/* x = k ln(2) + r, |r| <= ln(2)/2 (a hair more); returns e^r - 1 - r and stores k and r. */
BP_INLINE real R(exp_core)(real x, ubits *k, real *reduced) {
  const real shifted = R(mad)(x, RC(1.44269504, 1.4426950408889634), MAGIC);
  const real n = shifted - MAGIC;
  *k = R(bits_of)(shifted) - R(bits_of)(MAGIC);
  const real high = R(mad)(n, RC(-0.693359375, -6.93147180369123816490e-01), x); /* exact */
  const real r = R(mad)(n, RC(2.12194440e-4, -1.90821492927058770002e-10), high);
  *reduced = r;
  return R(exp_tail)(r);
}
/* e^r from r and e^r - 1 - r, with the rounding error of 1 + r put back. */
BP_INLINE real R(exp_join)(real r, real tail) {
  const real sum = 1 + r;
  return sum + ((r - (sum - 1)) + tail);
}

/* For x <= 0, or NaN. */
BP_INLINE real R(exp_down)(real x) {
  x = x < RC(-104, -746) ? RC(-104, -746) : x; /* 0 beyond */
  ubits k;
  real r;
  const real tail = R(exp_core)(x, &k, &r), e = R(exp_join)(r, tail);
  /* 2^k in two halves: a denormal result is rounded once, and k may be one more than the largest exponent. */
  const ubits half = ((k + 4096) >> 1) - 2048;
  return e * R(power_of_two)(half) * R(power_of_two)(k - half);
}
BP_INLINE real R(bp_exp)(real x) {
  const real y = R(exp_down)(x);
  return x > RC(89, 710) ? REAL_INF : y;
}

/* The same for x in [-2^6, 2^6], where the scale is a normal number. */
BP_INLINE real R(exp_near)(real x) {
  ubits k;
  real r;
  const real tail = R(exp_core)(x, &k, &r), e = R(exp_join)(r, tail);
  return e * R(power_of_two)(k);
}

/* e^-(x^2). A unit in the last place of x^2 would be hundreds of the result, so it is h^2 + (x - h) (x + h), where h has half the
 * digits of x and its square is exact. */
BP_INLINE real R(bp_gaussian)(real x) {
  const ubits low_half = (ubits)RC(0xfff, 0x7ffffff);
  const real a = R_MATH(fabs)(x), b = a > RC(10.5, 28) ? RC(10.5, 28) : a; /* 0 beyond */
  const real h = R(real_of)(R(bits_of)(b) & ~low_half), d = (h - b) * (h + b);
  const real high = R(exp_down)(-(h * h));
  return R(mad)(high, d + R(exp_tail)(d), high);
}

BP_INLINE real R(bp_expm1)(real x) {
  ubits k;
  real r;
  const real tail = R(exp_core)(x < RC(-20, -40) ? RC(-20, -40) : x, &k, &r); /* -1 to the last bit beyond */
  const real p = r + tail;
  const real half = R(power_of_two)(k - 1); /* half the scale, which itself may overflow */
  real y = 2 * R(mad)(half, p, half - (real)0.5);
  y = x > RC(89, 710) ? REAL_INF : y;
  return R_MATH(fabs)(x) < RC(2.98e-8, 5.5e-17) ? x : y; /* keeps denormals and the sign of zero */
}

/* ---- the logarithm core ---- */

/* log(1 + f) - f for f in [sqrt(1/2) - 1, 1/2], plus `low`; with s = f / (2 + f) it is
 * 2 atanh(s) - f = s (f^2/2 + R(s^2)) - f^2/2, as in fdlibm. */
BP_INLINE real R(log_tail)(real f, real low) {
  const real s = f / (2 + f), z = s * s, half_square = (real)0.5 * f * f;
#if BP_REAL_IS_F64 /* largest relative error of the logarithm: 2^-61.4 */
  real p = 0.13838795363259332;
  p = R(mad)(p, z, 0.13174227878151121);
  p = R(mad)(p, z, 0.15391074465280755);
  p = R(mad)(p, z, 0.18181667025549794);
  p = R(mad)(p, z, 0.22222224277264799);
  p = R(mad)(p, z, 0.2857142855599768);
  p = R(mad)(p, z, 0.4000000000005598);
  p = R(mad)(p, z, 0.66666666666666596);
#else /* 2^-33.3 */
  real p = 0.240986928f;
  p = R(mad)(p, z, 0.285071164f);
  p = R(mad)(p, z, 0.400008619f);
  p = R(mad)(p, z, 0.666666627f);
#endif
  return R(mad)(s, R(mad)(z, p, half_square), low) - half_square;
}

#undef LN2_HIGH
#undef LN2_LOW
#define LN2_HIGH RC(6.9313812256e-01, 6.93147180369123816490e-01)
#define LN2_LOW  RC(9.0580006145e-06, 1.90821492927058770002e-10)

/* x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for positive finite x; returns f and stores k. */
BP_INLINE real R(log_split)(real x, real *k) {
  const ubits one = R(bits_of)((real)1), root_half = R(bits_of)(RC(0.70710678, 0.70710678118654752));
  const bool tiny = x < REAL_MIN;
  const ubits u = R(bits_of)(tiny ? x * RC(8388608.0, 4503599627370496.0) : x) + (one - root_half);
  const ubits mantissa = (u & (((ubits)1 << FRACTION_BITS) - 1)) + root_half;
  /* The exponent becomes the low bits of 2^FRACTION_BITS: a conversion that every instruction set has. */
  const real anchor = RC(8388608.0, 4503599627370496.0);
  const real biased = R(real_of)((u >> FRACTION_BITS) | R(bits_of)(anchor)) - anchor;
  *k = biased - (tiny ? RC(127 + 23, 1023 + 52) : RC(127, 1023));
  return R(real_of)(mantissa) - 1;
}

/* What log x is for x = 0, negative, infinite or NaN; else y. */
BP_INLINE real R(log_special)(real x, real y) {
  y = x < REAL_INF ? y : x;
  y = x < 0 ? REAL_NAN : y;
  return x == 0 ? -REAL_INF : y;
}

BP_INLINE real R(bp_log)(real x) {
  real k;
  const real f = R(log_split)(x, &k);
  return R(log_special)(x, R(log_tail)(f, k * LN2_LOW) + f + k * LN2_HIGH);
}

/* log(f + 1) / ln 2 with the leading part of it cut so short that its product with the high part of 1 / ln 2 is exact, as
 * in fdlibm. */
BP_INLINE real R(bp_log2)(real x) {
  const real inverse_high = RC(1.4428710938e+00, 1.44269504072144627571e+00);
  const real inverse_low = RC(-1.7605285393e-04, 1.67517131648865118353e-10);
  const ubits keep = ~(((ubits)1 << (int)RC(12, 32)) - 1);
  real k;
  const real f = R(log_split)(x, &k), tail = R(log_tail)(f, 0);
  const real high = R(real_of)(R(bits_of)(f + tail) & keep);
  const real low = (f - high) + tail;
  const real product = high * inverse_high;
  const real sum = k + product;
  const real rest = (low + high) * inverse_low + low * inverse_high + ((k - sum) + product);
  return R(log_special)(x, sum + rest);
}

/* log(1 + x): u = 1 + x is rounded, so log(1 + x) = log(u) + c / u with c = (1 + x) - u. */
BP_INLINE real R(bp_log1p)(real x) {
  const real u = 1 + x;
  const bool near_one = (x > RC(-0.2928932, -0.29289321881345)) & (x < (real)0.5);
  const real c = (x > 1 ? 1 - (u - x) : x - (u - 1)) / u;
  real k;
  const real split = R(log_split)(u, &k);
  const real f = near_one ? x : split;
  k = near_one ? 0 : k;
  const real low = near_one ? 0 : R(mad)(k, LN2_LOW, c);
  const real y = R(log_special)(u, R(log_tail)(f, low) + f + k * LN2_HIGH);
  return R_MATH(fabs)(x) < RC(2.98e-8, 5.5e-17) ? x : y;
}

/* log(1 + x) for x in [0, 1]: either f = x, or 1 + x = 2 (1 + f) with f = (x - 1) / 2, both exact. */
BP_INLINE real R(log1p_unit)(real x) {
  const bool upper = x >= (real)0.5;
  const real f = R(pick)(upper, (x - 1) * (real)0.5, x);
  return R(log_tail)(f, R(pick)(upper, LN2_LOW, 0)) + f + R(pick)(upper, LN2_HIGH, 0);
}

/* ---- hidden units ---- */

/* e = e^-|x| does not overflow, and a denormal comes out right: 1 / (1 + e), and e - e (e / (1 + e)) below zero, where
 * dividing e itself would add two roundings. */
BP_INLINE real R(sigmoid_with)(real x, real *e_down) {
  const real e = R(exp_down)(-R_MATH(fabs)(x));
  const real ratio = (x >= 0 ? 1 : e) / (1 + e);
  *e_down = e;
  return x >= 0 ? ratio : R(mad)(-e, ratio, e);
}
BP_INLINE real R(bp_sigmoid)(real x) {
  real e;
  return R(sigmoid_with)(x, &e);
}

/* Its derivative from y = sigmoid(x) and e = e^-|x|: y (1 - y), where 1 - y = sigmoid(-x) is worked anew above zero: y is too
 * round there to tell it. */
BP_INLINE real R(sigmoid_slope_of)(real x, real y, real e) { return y * (x >= 0 ? R(mad)(-e, e * y, e) : 1 - y); }

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
BP_INLINE real R(bp_softplus)(real x) {
  const real e = R(exp_down)(-R_MATH(fabs)(x));
  return (x < 0 ? 0 : x) + R(log1p_unit)(e);
}

#undef TANH_ONE
#undef TANH_SMALL
#undef SIGMOID_ONE
#define TANH_ONE    RC(10, 20) /* tanh(x) is 1 to the last bit beyond */
#define TANH_SMALL  ((real)0.5625)
#define SIGMOID_ONE RC(17.5, 37) /* and sigmoid(x) */

/* e^2|x|, held at TANH_ONE */
BP_INLINE real R(tanh_exp)(real a) { return R(exp_near)(a > TANH_ONE ? 2 * TANH_ONE : a + a); }

/* Up to 9/16 in magnitude x + x z P(z) / Q(z), z = x^2; else 1 - 2 / (e^2|x| + 1). One division serves both. */
BP_INLINE real R(tanh_with)(real x, real *quotient) {
  const real a = R_MATH(fabs)(x), z = a * a;
  const real e = R(tanh_exp)(a);
  const bool small = a < TANH_SMALL;
#if BP_REAL_IS_F64 /* largest relative error 2^-57.5 */
  real p = R(mad)(-0.00019929618499594005, z, -0.020501465565699636);
  p = R(mad)(p, z, -0.33333333333333331) * z;
  real q = R(mad)(0.0002066602742421401, z, 0.023294885329110199);
  q = R(mad)(q, z, 0.4615043966970977);
  q = R(mad)(q, z, 1);
#else /* 2^-27.8 */
  real p = -0.00618859846f;
  p = R(mad)(p, z, 0.0210142452f);
  p = R(mad)(p, z, -0.0538392365f);
  p = R(mad)(p, z, 0.133324713f);
  p = R(mad)(p, z, -0.333333135f) * z;
  const real q = 1;
#endif
  const real ratio = (small ? p : 2) / (small ? q : e + 1);
  const real y = small ? R(mad)(a, ratio, a) : 1 - ratio;
  *quotient = ratio;
  return R_MATH(copysign)(y, x);
}
BP_INLINE real R(bp_tanh)(real x) {
  real ratio;
  return R(tanh_with)(x, &ratio);
}

/* Its derivative (1 - y) (1 + y), y = tanh(x), up to TANH_ONE in magnitude: 1 - y is r = 2 / (e^2|x| + 1), of which y near 1
 * keeps little. */
BP_INLINE real R(tanh_slope_of)(real x, real y, real r) {
  return R(pick)(R_MATH(fabs)(x) < TANH_SMALL, R(mad)(-y, y, 1), r * (2 - r));
}
/* Beyond it is 4 e^-2|x| to the last bit: (2 e^-|x|)^2, so that a denormal result is rounded once. */
BP_INLINE real R(tanh_slope_beyond)(real x) {
  const real root = 2 * R(exp_down)(-R_MATH(fabs)(x));
  return root * root;
}

/* ---- rounding to integers ---- */
#if defined(__SSE4_1__) || defined(__aarch64__)
BP_INLINE real R(bp_round)(real x) { return R_MATH(rint)(x); }
BP_INLINE real R(bp_floor)(real x) { return R_MATH(floor)(x); }
BP_INLINE real R(bp_ceil)(real x) { return R_MATH(ceil)(x); }
#else
/* Half to even: beyond 2^FRACTION_BITS every number is an integer. */
BP_INLINE real R(bp_round)(real x) {
  const real a = R_MATH(fabs)(x), anchor = RC(8388608.0, 4503599627370496.0);
  return a < anchor ? R_MATH(copysign)((a + anchor) - anchor, x) : x;
}
BP_INLINE real R(bp_floor)(real x) {
  const real y = R(bp_round)(x);
  return R_MATH(copysign)(y > x ? y - 1 : y, x);
}
BP_INLINE real R(bp_ceil)(real x) {
  const real y = R(bp_round)(x);
  return R_MATH(copysign)(y < x ? y + 1 : y, x);
}
#endif
