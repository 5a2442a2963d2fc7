/* bench/peak.h - what a core can do: independent multiply-adds of floats on registers, and nothing else. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H
#include <time.h>

/* Seconds of the processor: a process that waits for a core spends none. */
static inline double cpu_seconds(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
#include <immintrin.h>
enum { CHAINS = 12, PEAK_STEPS = 20000 };
#define PEAK(name, features, vec, set1, step)                                                                          \
  __attribute__((target(features), noinline)) static double name(void) {                                               \
    vec acc[CHAINS], x = set1(0.999f);                                                                                 \
    _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) acc[i] = set1((float)i);                                 \
    for (int s = 0; s < PEAK_STEPS; s++) {                                                                             \
      __asm__ volatile("" : "+x"(x));                                                                                  \
      _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) acc[i] = step;                                         \
    }                                                                                                                  \
    vec sum = acc[0];                                                                                                  \
    _Pragma("GCC unroll 16") for (int i = 1; i < CHAINS; i++) sum += acc[i];                                           \
    return (double)sum[0];                                                                                             \
  }
PEAK(peak_16, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps(acc[i], x, x))
PEAK(peak_8, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps(acc[i], x, x))
PEAK(peak_4, "sse2", __m128, _mm_set1_ps, acc[i] * x + x)

/* Multiply-adds of floats, times two, per second, on registers of 16, 8 or 4 lanes; the best of `repeats`. Doubles have half. */
static double peak_of_lanes(int lanes, int repeats) {
  static volatile double sink;
  double best = 1e30;
  for (int i = 0; i < repeats; i++) {
    double begin = cpu_seconds();
    sink = lanes == 16 ? peak_16() : lanes == 8 ? peak_8() : peak_4();
    double seconds = cpu_seconds() - begin;
    if (seconds < best) best = seconds;
  }
  (void)sink;
  return 2.0 * lanes * CHAINS * PEAK_STEPS / best;
}
#else
static inline double peak_of_lanes(int lanes, int repeats) { return (void)lanes, (void)repeats, 0; }
#endif

#endif
