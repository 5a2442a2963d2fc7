/* kernels/ew_libm.h - the less frequent functions: the C library's or those of special.h, one element at a time.
 *
 * The float versions go through double and round once, so they are right to half a unit in the last place but for rare
 * ties. Included twice by ew_impl.h.
 */

#undef LIBM1
#undef LIBM2
#undef SPECIAL1
#define LIBM1(name)                                                                                                    \
  BP_INLINE real R(libm_##name)(real x) { return (real)name((double)x); }
#define LIBM2(name)                                                                                                    \
  BP_INLINE real R(libm_##name)(real a, real b) { return (real)name((double)a, (double)b); }

#define SPECIAL1(name)                                                                                                 \
  BP_INLINE real R(libm_##name)(real x) { return (real)bp_special_##name((double)x); }

LIBM1(sin)
LIBM1(cos)
LIBM1(tan)
LIBM1(asin)
LIBM1(acos)
LIBM1(atan)
LIBM1(sinh)
LIBM1(cosh)
LIBM1(asinh)
LIBM1(atanh)
LIBM1(log10)
LIBM2(pow)
LIBM2(atan2)

SPECIAL1(digamma)

/* musl's gives numbers for some x below 1. */
BP_INLINE real R(libm_acosh)(real x) { return x < 1 ? (real)__builtin_nan("") : (real)acosh((double)x); }

BP_INLINE real R(libm_polygamma)(real order, real x) { return (real)bp_special_polygamma((double)order, (double)x); }

/* lgamma itself writes the global signgam, which threads would race on. For floats the C library's is good enough. */
BP_INLINE real R(libm_lgamma)(real x) {
#if BP_REAL_IS_F64
  return bp_special_lgamma(x);
#else
  int sign;
  return (real)lgamma_r((double)x, &sign);
#endif
}
