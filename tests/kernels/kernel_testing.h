/* kernels/kernel_testing.h - for the tests of the kernels: blocks that end at a page which must not be touched, random
 * numbers, and error in units in the last place. */
#ifndef BT_KERNEL_TESTING_H
#define BT_KERNEL_TESTING_H
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/kernels.h"
#include "support/testing.h"

/* ---- blocks with guards: an access beyond either end is a segmentation fault ---- */
typedef struct kt_block {
  char *map, *end; /* [map + page, end) may be used; a closed page stands on either side */
  size_t size, page;
} kt_block;

static inline kt_block kt_new(size_t size) {
  kt_block b = {.page = (size_t)sysconf(_SC_PAGESIZE)};
  b.size = (size + b.page - 1) / b.page * b.page;
  b.map = mmap(NULL, b.size + 2 * b.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(b.map != MAP_FAILED);
  assert_int_equal(mprotect(b.map + b.page, b.size, PROT_READ | PROT_WRITE), 0);
  b.end = b.map + b.page + b.size;
  return b;
}
static inline void kt_free(kt_block *b) { assert_int_equal(munmap(b->map, b->size + 2 * b->page), 0); }

/* The last `size` bytes, filled with 0xff (a NaN of either type) together with everything before them. */
static inline void *kt_at_end(kt_block *b, size_t size) {
  assert_true(size <= b->size);
  memset(b->map + b->page, 0xff, b->size);
  return b->end - size;
}
/* The first bytes of the block. */
static inline void *kt_at_start(kt_block *b) {
  memset(b->map + b->page, 0xff, b->size);
  return b->map + b->page;
}
/* Nobody wrote before the last `size` bytes. */
static inline void kt_check_before(const kt_block *b, size_t size) {
  const char *start = b->map + b->page, *end = b->end - size;
  if (start == end || (*start == (char)0xff && memcmp(start, start + 1, (size_t)(end - start) - 1) == 0)) return;
  for (const char *p = start; p < end; p++) {
    if (*p != (char)0xff) fail_msg("written %zu bytes before the block", (size_t)(b->end - size - p));
  }
}

/* ---- random numbers (splitmix64) ---- */
static inline uint64_t kt_random(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
/* Uniform in [-1, 1). */
static inline double kt_uniform(uint64_t *state) { return (double)(int64_t)kt_random(state) * 0x1p-63; }

/* ---- elements of either type ---- */
static inline size_t kt_size(bp_real real) { return real == BP_KF64 ? sizeof(double) : sizeof(float); }
static inline double kt_get(const void *p, bp_real real, int64_t i) {
  if (real == BP_KF64) return ((const double *)p)[i];
  return (double)((const float *)p)[i];
}
static inline void kt_set(void *p, bp_real real, int64_t i, double x) {
  if (real == BP_KF64)
    ((double *)p)[i] = x;
  else
    ((float *)p)[i] = (float)x;
}
/* Element i of a and element j of b have equal bits, or both are not a number: which NaN an operation gives (a sum of two may
 * keep either) is the compiler's choice, and nothing depends on it. */
static inline bool kt_same(const void *a, int64_t i, const void *b, int64_t j, bp_real real) {
  const size_t size = kt_size(real);
  if (isnan(kt_get(a, real, i)) && isnan(kt_get(b, real, j))) return true;
  return memcmp((const char *)a + (size_t)i * size, (const char *)b + (size_t)j * size, size) == 0;
}
/* The same of n elements of a and those of b from `first`. */
static inline bool kt_all_same(const void *a, const void *b, int64_t first, int64_t n, bp_real real) {
  for (int64_t i = 0; i < n; i++) {
    if (!kt_same(a, i, b, first + i, real)) return false;
  }
  return true;
}
static inline const char *kt_name(bp_real real) { return real == BP_KF64 ? "f64" : "f32"; }

/* ---- error ---- */
/* |actual - expected| in units in the last place of `expected` in this type; 0 for the same infinity or both NaN,
 * infinite when just one is NaN or an exact zero has the wrong sign. */
static inline double kt_ulps(double actual, long double expected, bp_real real) {
  const int digits = real == BP_KF64 ? 53 : 24, least = real == BP_KF64 ? -1074 : -149,
            most = real == BP_KF64 ? 1024 : 128;
  if (isnan(expected) || isnan(actual)) return isnan(expected) && isnan(actual) ? 0 : (double)INFINITY;
  if (expected == 0 && actual == 0) return !signbit(expected) == !signbit(actual) ? 0 : (double)INFINITY;
  if (isinf(expected)) return actual == (double)expected ? 0 : (double)INFINITY;
  int exponent = least;
  if (expected != 0) (void)frexpl(expected, &exponent);
  if (exponent > most) exponent = most; /* overflows: infinity is the right answer, and stands for 2^most */
  const int ulp = exponent - digits < least ? least : exponent - digits;
  long double value = isinf(actual) ? copysignl(ldexpl(1, most), (long double)actual) : (long double)actual;
  if (isinf(actual) && fabsl(expected) >= ldexpl(1, most))
    return !signbit(actual) == !signbit(expected) ? 0 : (double)INFINITY;
  return (double)fabsl(ldexpl(value - expected, -ulp));
}

#endif
