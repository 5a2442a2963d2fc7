/* kernels/simd.h - vectors of one type and the few operations that the matrix product and the reductions need.
 *
 * Arithmetic is GCC/Clang vector extensions; only fused multiply-add and partial loads and stores differ between
 * instruction sets. A new instruction set is a few lines here. Included once per type, after real.h.
 */
#include "kernels/isa.h"
#include <string.h>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#undef LANES
#define LANES ((int64_t)(BP_VECTOR_BYTES / sizeof(real)))

typedef real R(vec) __attribute__((vector_size(BP_VECTOR_BYTES)));
typedef ibits R(ivec) __attribute__((vector_size(BP_VECTOR_BYTES)));
typedef real R(vec_u) __attribute__((vector_size(BP_VECTOR_BYTES), aligned(sizeof(real)), may_alias));

BP_INLINE R(vec) R(vload)(const real *p) { return *(const R(vec_u) *)p; }
BP_INLINE void R(vstore)(real *p, R(vec) v) { *(R(vec_u) *)p = v; }
BP_INLINE R(vec) R(vset1)(real x) { return x - (R(vec)){0}; } /* exact also for -0 and NaN */

/* ---- partial vectors: the first n lanes, 1 <= n <= LANES; the others load as zero and are not stored ---- */
#if defined(__AVX512F__)
#if BP_REAL_IS_F64
typedef __mmask8 R(vmask);
BP_INLINE R(vmask) R(vfirst)(int64_t n) { return (__mmask8)((1u << n) - 1); }
BP_INLINE R(vec) R(vload_part)(const real *p, R(vmask) m) { return (R(vec))_mm512_maskz_loadu_pd(m, p); }
BP_INLINE void R(vstore_part)(real *p, R(vmask) m, R(vec) v) { _mm512_mask_storeu_pd(p, m, (__m512d)v); }
BP_INLINE R(vec) R(vfma)(R(vec) a, R(vec) b, R(vec) c) {
  return (R(vec))_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#else
typedef __mmask16 R(vmask);
BP_INLINE R(vmask) R(vfirst)(int64_t n) { return (__mmask16)((1u << n) - 1); }
BP_INLINE R(vec) R(vload_part)(const real *p, R(vmask) m) { return (R(vec))_mm512_maskz_loadu_ps(m, p); }
BP_INLINE void R(vstore_part)(real *p, R(vmask) m, R(vec) v) { _mm512_mask_storeu_ps(p, m, (__m512)v); }
BP_INLINE R(vec) R(vfma)(R(vec) a, R(vec) b, R(vec) c) {
  return (R(vec))_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
#endif

#elif defined(__AVX2__)
typedef __m256i R(vmask);
#if BP_REAL_IS_F64
BP_INLINE R(vmask) R(vfirst)(int64_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_set_epi64x(3, 2, 1, 0));
}
BP_INLINE R(vec) R(vload_part)(const real *p, R(vmask) m) { return (R(vec))_mm256_maskload_pd(p, m); }
BP_INLINE void R(vstore_part)(real *p, R(vmask) m, R(vec) v) { _mm256_maskstore_pd(p, m, (__m256d)v); }
BP_INLINE R(vec) R(vfma)(R(vec) a, R(vec) b, R(vec) c) {
  return (R(vec))_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#else
BP_INLINE R(vmask) R(vfirst)(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}
BP_INLINE R(vec) R(vload_part)(const real *p, R(vmask) m) { return (R(vec))_mm256_maskload_ps(p, m); }
BP_INLINE void R(vstore_part)(real *p, R(vmask) m, R(vec) v) { _mm256_maskstore_ps(p, m, (__m256)v); }
BP_INLINE R(vec) R(vfma)(R(vec) a, R(vec) b, R(vec) c) {
  return (R(vec))_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#endif

#else
typedef int64_t R(vmask);
BP_INLINE R(vmask) R(vfirst)(int64_t n) { return n; }
BP_INLINE R(vec) R(vload_part)(const real *p, R(vmask) m) {
#if BP_REAL_IS_F64
  return (R(vec)){p[0], m > 1 ? p[1] : 0};
#else
  return (R(vec)){p[0], m > 1 ? p[1] : 0, m > 2 ? p[2] : 0, m > 3 ? p[3] : 0};
#endif
}
BP_INLINE void R(vstore_part)(real *p, R(vmask) m, R(vec) v) {
  for (int64_t i = 0; i < LANES; i++) {
    if (i < m) p[i] = v[i];
  }
}
#if BP_HAS_FMA
BP_INLINE R(vec) R(vfma)(R(vec) a, R(vec) b, R(vec) c) {
  for (int64_t i = 0; i < LANES; i++) c[i] = R_MATH(fma)(a[i], b[i], c[i]);
  return c;
}
#else
BP_INLINE R(vec) R(vfma)(R(vec) a, R(vec) b, R(vec) c) { return a * b + c; }
#endif
#endif
