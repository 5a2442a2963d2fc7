/* kernels/ew_trig.h - sine and cosine, for one type; included twice by ew_impl.h.
 *
 * x = n pi/2 + r, |r| <= pi/4, by subtracting n pi/2 in parts that are exact for n up to 2^28 (float, worked in double)
 * or 2^20 (double). Arguments beyond TRIG_LIMIT are rare and go to the C library one by one. Polynomials: minimax.py.
 */
#undef TRIG_LIMIT
#define TRIG_LIMIT RC(268435456.0, 1048576.0)

#if BP_REAL_IS_F64

/* sin(x + quarters pi/2). pi/2 in three parts of 33 bits, whose products with n are exact, and a rest of 53: as in
 * fdlibm, but always all of it. r + r_low is the reduced argument. */
BP_INLINE double bp_sin_quarters_f64(double x, uint64_t quarters) {
  const double shifted = mad_f64(x, 0.63661977236758134, 6755399441055744.0);
  const double n = shifted - 6755399441055744.0;
  quarters += bits_of_f64(shifted);
  const double first = x - n * 1.57079632673412561417e+00; /* exact */
  const double second = -(n * 6.07710050630396597660e-11), third = -(n * 2.02226624871116645580e-21);
  const double sum2 = first + second, error2 = bp_sum_error(first, second, sum2);
  const double sum3 = sum2 + third, error3 = bp_sum_error(sum2, third, sum3);
  const double rest = (error2 + error3) - n * 8.47842766036889956997e-32;
  const double r = sum3 + rest, r_low = (sum3 - r) + rest;

  const double z = r * r;
  double s = 1.589681205297704e-10; /* largest relative error 2^-57.4 */
  s = mad_f64(s, z, -2.5050758389583202e-8);
  s = mad_f64(s, z, 2.7557313693613649e-6);
  s = mad_f64(s, z, -0.00019841269829812535);
  s = mad_f64(s, z, 0.0083333333333224201);
  const double cube = z * r; /* sin(r + r_low), r_low to first order */
  const double sine = r - ((z * (0.5 * r_low - cube * s) - r_low) - cube * -0.16666666666666632);

  double c = -1.1359658618969276e-11; /* 2^-59.9 */
  c = mad_f64(c, z, 2.0875723476048749e-9);
  c = mad_f64(c, z, -2.7557314353780059e-7);
  c = mad_f64(c, z, 2.480158728948704e-5);
  c = mad_f64(c, z, -0.0013888888888874131);
  c = mad_f64(c, z, 0.041666666666666602);
  const double half = 0.5 * z, w = 1 - half;
  const double cosine = w + (((1 - w) - half) + (z * z * c - r * r_low));

  const double y = quarters & 1 ? cosine : sine;
  return quarters & 2 ? -y : y;
}

BP_INLINE double bp_sin_f64(double x) {
  const double y = bp_sin_quarters_f64(x, 0);
  return __builtin_fabs(x) < 7.4e-9 ? x : y; /* keeps denormals and the sign of zero */
}
BP_INLINE double bp_cos_f64(double x) { return bp_sin_quarters_f64(x, 1); }

#else

/* sin(x + quarters pi/2); in double, so the only rounding that counts is the last. pi/2 in parts of 25 and 53 bits. */
BP_INLINE float bp_sin_quarters_f32(float x, uint64_t quarters) {
  const double d = (double)x;
  const double shifted = d * 0.63661977236758134 + 6755399441055744.0;
  const double n = shifted - 6755399441055744.0;
  uint64_t u;
  memcpy(&u, &shifted, sizeof u);
  quarters += u;
  const double r = (d - n * 1.57079631090164184570e+00) - n * 1.58932547735281966916e-08;
  const double z = r * r;
  /* Largest relative errors 2^-28.1 and 2^-33.3. */
  const double s = -0.16666654940079381 + z * (0.0083321779135482506 + z * -0.00019517266619229419);
  const double c = 0.041666646860636425 + z * (-0.001388736721556651 + z * 2.4438415627151845e-5);
  const double sine = r * (1 + z * s), cosine = (1 - 0.5 * z) + z * z * c;
  const double y = quarters & 1 ? cosine : sine;
  return (float)(quarters & 2 ? -y : y);
}

BP_INLINE float bp_sin_f32(float x) { return bp_sin_quarters_f32(x, 0); }
BP_INLINE float bp_cos_f32(float x) { return bp_sin_quarters_f32(x, 1); }

#endif
