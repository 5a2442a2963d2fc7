/* The random numbers: published vectors, and properties. */
#include "base/philox.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/testing.h"

/* kat_vectors of Random123 1.14, philox4x32 10. */
static void the_block_function_gives_the_published_vectors(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } rows[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint32_t out[4];
    bp_philox(rows[i].counter, rows[i].key, out);
    bt_assert_same_bits(out, rows[i].out, sizeof out);
  }
}

/* The counter and key of a number are what philox.h says they are. */
static void bits_are_the_first_half_of_their_block(void **state) {
  (void)state;
  const uint32_t counter[4] = {0x89abcdef, 0x01234567, 42, BP_PURPOSE_TEST}, key[2] = {0x76543210, 0xfedcba98};
  uint32_t out[4];
  bp_philox(counter, key, out);
  uint64_t bits = bp_random_bits(0xfedcba9876543210, BP_PURPOSE_TEST, 42, 0x0123456789abcdef);
  assert_true(bits == ((uint64_t)out[1] << 32 | out[0]));
}

static void every_part_of_the_name_changes_the_number(void **state) {
  (void)state;
  uint64_t first = bp_random_bits(1, BP_PURPOSE_TEST, 1, 1);
  assert_true(first == bp_random_bits(1, BP_PURPOSE_TEST, 1, 1));
  assert_true(first != bp_random_bits(2, BP_PURPOSE_TEST, 1, 1));
  assert_true(first != bp_random_bits(1 | 1ull << 63, BP_PURPOSE_TEST, 1, 1));
  assert_true(first != bp_random_bits(1, BP_PURPOSE_INIT, 1, 1));
  assert_true(first != bp_random_bits(1, BP_PURPOSE_TEST, 2, 1));
  assert_true(first != bp_random_bits(1, BP_PURPOSE_TEST, 1, 2));
  assert_true(first != bp_random_bits(1, BP_PURPOSE_TEST, 1, 1 | 1ull << 40));
}

enum { DRAWS = 100000 };

/* Mean 1/2 and variance 1/12, each within 5 standard errors. */
static void uniform_numbers_are_uniform(void **state) {
  (void)state;
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < DRAWS; i++) {
    double x = bp_random_uniform(7, BP_PURPOSE_TEST, 0, i);
    assert_true(x >= 0 && x < 1);
    sum += x;
    squares += (x - 0.5) * (x - 0.5);
  }
  bt_assert_close(sum / DRAWS, 0.5, 0, 5 * sqrt(1.0 / 12 / DRAWS));
  bt_assert_close(squares / DRAWS, 1.0 / 12, 0, 5 * sqrt(1.0 / 180 / DRAWS));
}

/* The first four moments of the normal distribution: 0, 1, 0, 3, within 5 standard errors. */
static void normal_numbers_are_normal(void **state) {
  (void)state;
  double moment[4] = {0};
  for (uint64_t i = 0; i < DRAWS; i++) {
    double x = bp_random_normal(7, BP_PURPOSE_TEST, 0, i), power = 1;
    assert_true(isfinite(x));
    for (int m = 0; m < 4; m++) moment[m] += (power *= x) / DRAWS;
  }
  bt_assert_close(moment[0], 0, 0, 5 * sqrt(1.0 / DRAWS));
  bt_assert_close(moment[1], 1, 0, 5 * sqrt(2.0 / DRAWS));
  bt_assert_close(moment[2], 0, 0, 5 * sqrt(15.0 / DRAWS));
  bt_assert_close(moment[3], 3, 0, 5 * sqrt(96.0 / DRAWS));
}

/* Every value of a small range comes equally often: chi-squared with 9 degrees of freedom, 99.9% point 27.9. */
static void below_covers_its_range_evenly(void **state) {
  (void)state;
  enum { N = 10 };
  double chi = 0, count[N] = {0};
  for (uint64_t i = 0; i < DRAWS; i++) {
    uint64_t x = bp_random_below(3, BP_PURPOSE_TEST, 0, i, N);
    assert_true(x < N);
    count[x]++;
  }
  const double expected = (double)DRAWS / N;
  for (int i = 0; i < N; i++) chi += (count[i] - expected) * (count[i] - expected) / expected;
  assert_true(chi < 27.9);
}

/* The product's upper half, checked against long division: floor(bits * n / 2^64) for n a power of two is a shift. */
static void below_knows_the_large_ranges(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 1000; i++) {
    uint64_t bits = bp_random_bits(3, BP_PURPOSE_TEST, 0, i);
    assert_int_equal(bp_random_below(3, BP_PURPOSE_TEST, 0, i, 1), 0);
    for (int shift = 1; shift < 64; shift++)
      assert_true(bp_random_below(3, BP_PURPOSE_TEST, 0, i, 1ull << shift) == bits >> (64 - shift));
    /* bits * (2^64 - 1) = bits * 2^64 - bits: the upper half is bits - 1, unless bits is 0 */
    assert_true(bp_random_below(3, BP_PURPOSE_TEST, 0, i, UINT64_MAX) == (bits ? bits - 1 : 0));
  }
}

static bool is_permutation(const int32_t *order, int32_t n) {
  bool *seen = calloc((size_t)n + 1, sizeof *seen), good = true;
  for (int32_t i = 0; i < n && good; i++) {
    good = order[i] >= 0 && order[i] < n && !seen[order[i]];
    if (good) seen[order[i]] = true;
  }
  free(seen);
  return good;
}

static void a_permutation_holds_everything_once(void **state) {
  (void)state;
  static int32_t order[10000], again[10000];
  for (int32_t n = 0; n <= 10000; n = n * 3 + 1) {
    bp_random_permutation(5, BP_PURPOSE_SHUFFLE, 2, order, n);
    assert_true(is_permutation(order, n));
    bp_random_permutation(5, BP_PURPOSE_SHUFFLE, 2, again, n);
    bt_assert_same_bits(again, order, (size_t)n * sizeof *order);
  }
  bp_random_permutation(5, BP_PURPOSE_SHUFFLE, 3, again, 1000);
  bp_random_permutation(5, BP_PURPOSE_SHUFFLE, 2, order, 1000);
  assert_memory_not_equal(again, order, 1000 * sizeof *order);
}

/* All 24 orders of 4 come equally often: chi-squared with 23 degrees of freedom, 99.9% point 49.7. */
static void every_permutation_is_as_likely(void **state) {
  (void)state;
  enum { ROUNDS = 24000, EXPECTED = ROUNDS / 24 };
  double chi = 0, count[256] = {0};
  for (uint32_t round = 0; round < ROUNDS; round++) {
    int32_t order[4];
    bp_random_permutation(11, BP_PURPOSE_SHUFFLE, round, order, 4);
    count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
  }
  int kinds = 0;
  for (int i = 0; i < 256; i++) {
    if (count[i] == 0) continue;
    kinds++;
    chi += (count[i] - EXPECTED) * (count[i] - EXPECTED) / EXPECTED;
  }
  assert_int_equal(kinds, 24);
  assert_true(chi < 49.7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_block_function_gives_the_published_vectors),
      cmocka_unit_test(bits_are_the_first_half_of_their_block),
      cmocka_unit_test(every_part_of_the_name_changes_the_number),
      cmocka_unit_test(uniform_numbers_are_uniform),
      cmocka_unit_test(normal_numbers_are_normal),
      cmocka_unit_test(below_covers_its_range_evenly),
      cmocka_unit_test(below_knows_the_large_ranges),
      cmocka_unit_test(a_permutation_holds_everything_once),
      cmocka_unit_test(every_permutation_is_as_likely),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
