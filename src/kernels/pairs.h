/* kernels/pairs.h - sums and products of doubles with their rounding errors, so that a number may stand as a pair. */
#ifndef BP_KERNELS_PAIRS_H
#define BP_KERNELS_PAIRS_H
#include <stdint.h>
#include <string.h>

/* a + b = sum + the result, exactly (Knuth). */
static inline __attribute__((always_inline, unused)) double bp_sum_error(double a, double b, double sum) {
  const double b_part = sum - a;
  return (a - (sum - b_part)) + (b - b_part);
}

/* x without the lower half of its fraction. */
static inline double bp_upper_half(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  u &= ~(((uint64_t)1 << 27) - 1);
  memcpy(&x, &u, sizeof u);
  return x;
}

/* a b = product + the result, but for 2^-105 of it (Dekker). Without fused multiply-add on purpose: the same bits everywhere. */
static inline double bp_product_error(double a, double b, double product) {
  const double ah = bp_upper_half(a), al = a - ah, bh = bp_upper_half(b), bl = b - bh;
  return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
}

typedef struct bp_pair {
  double high, low; /* the number is their sum; low is at most a few units in the last place of high */
} bp_pair;

static inline bp_pair bp_pair_sum(double a, double b) {
  const double sum = a + b;
  return (bp_pair){sum, bp_sum_error(a, b, sum)};
}

/* a + b, where a number is added to the error as well. */
static inline bp_pair bp_pair_add(bp_pair a, double b, double b_low) {
  const bp_pair sum = bp_pair_sum(a.high, b);
  return (bp_pair){sum.high, sum.low + (a.low + b_low)};
}

/* a / b */
static inline bp_pair bp_pair_divide(bp_pair a, bp_pair b) {
  const double q = a.high / b.high, product = q * b.high;
  const double rest = (a.high - product) - bp_product_error(q, b.high, product);
  return (bp_pair){q, (rest + (a.low - q * b.low)) / b.high};
}

#endif
