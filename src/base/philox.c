/* base/philox.c - Philox 4x32-10 and what is drawn from it. */
#include "base/philox.h"

#include <math.h>

#include "base/philox_lanes.h"

void bp_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < BP_PHILOX_ROUNDS; round++) {
    uint64_t p0 = (uint64_t)c0 * BP_PHILOX_M0;
    uint64_t p1 = (uint64_t)c2 * BP_PHILOX_M1;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    k0 += BP_PHILOX_W0;
    k1 += BP_PHILOX_W1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* The block of one number, as two 64-bit words. */
static void draw(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index, uint64_t words[2]) {
  const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), epoch, (uint32_t)purpose};
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  uint32_t out[4];
  bp_philox(counter, key, out);
  words[0] = out[0] | (uint64_t)out[1] << 32;
  words[1] = out[2] | (uint64_t)out[3] << 32;
}

/* The upper 53 bits as a number in [0, 1). */
static double unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

uint64_t bp_random_bits(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index) {
  uint64_t words[2];
  draw(seed, purpose, epoch, index, words);
  return words[0];
}

double bp_random_uniform(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index) {
  return unit(bp_random_bits(seed, purpose, epoch, index));
}

double bp_random_normal(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index) {
  static const double two_pi = 6.283185307179586476925286766559;
  uint64_t words[2];
  draw(seed, purpose, epoch, index, words);
  double radius = sqrt(-2.0 * log(unit(words[0]) + 0x1p-53)); /* of (0, 1]: the logarithm is finite */
  return radius * cos(two_pi * unit(words[1]));
}

/* The upper 64 bits of the product of a and b, by halves. */
static uint64_t mul_high(uint64_t a, uint64_t b) {
  uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
  uint64_t carry = a0 * b1 + (uint32_t)middle;
  return a1 * b1 + (middle >> 32) + (carry >> 32);
}

uint64_t bp_random_below(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t index, uint64_t n) {
  return mul_high(bp_random_bits(seed, purpose, epoch, index), n);
}

/* out[i] = bp_random_bits() of index first - i. */
static void bits_downward(uint64_t seed, bp_purpose purpose, uint32_t epoch, uint64_t first,
                          uint64_t out[BP_PHILOX_LANES]) {
  bp_philox_lanes p;
  for (int i = 0; i < BP_PHILOX_LANES; i++) {
    const uint64_t index = first - (uint64_t)i;
    p.c[0][i] = (uint32_t)index;
    p.c[1][i] = (uint32_t)(index >> 32);
    p.c[2][i] = epoch;
    p.c[3][i] = (uint32_t)purpose;
  }
  bp_philox_lanes_run(&p, seed);
  for (int i = 0; i < BP_PHILOX_LANES; i++) out[i] = p.c[0][i] | (uint64_t)p.c[1][i] << 32;
}

void bp_random_permutation(uint64_t seed, bp_purpose purpose, uint32_t epoch, int32_t *order, int32_t n) {
  uint64_t bits[BP_PHILOX_LANES];
  for (int32_t i = 0; i < n; i++) order[i] = i;
  for (int32_t first = n - 1; first > 0; first -= BP_PHILOX_LANES) {
    bits_downward(seed, purpose, epoch, (uint64_t)first, bits);
    for (int32_t i = first; i > 0 && i > first - BP_PHILOX_LANES; i--) {
      uint64_t j = mul_high(bits[first - i], (uint64_t)i + 1);
      int32_t other = order[j];
      order[j] = order[i];
      order[i] = other;
    }
  }
}
