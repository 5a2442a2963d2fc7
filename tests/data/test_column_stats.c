/* labels: unit prop */
/* test_column_stats.c - mean, deviation and median: against sorting, long doubles, and what scaling must do to them. */
#include "data/column_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "support/testing.h"

enum { MOST = 500 };

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void a_small_column(void **state) {
  (void)state;
  double values[] = {4, NAN, 2, 9, 4, NAN, 5, 4, 7, 5}; /* 2 4 4 4 5 5 7 9: the textbook's */
  bp_column_stats s = bp_column_stats_of(values, NULL, 10);
  assert_int_equal(s.present, 8);
  assert_int_equal(s.missing, 2);
  bt_assert_close(s.mean, 5, 0, 0);
  bt_assert_close(s.deviation, 2, 0, 0);
  bt_assert_close(s.median, 4.5, 0, 0);
  bt_assert_close(s.min, 2, 0, 0);
  bt_assert_close(s.max, 9, 0, 0);
}

static void nothing_is_there(void **state) {
  (void)state;
  double values[] = {NAN, NAN};
  bp_column_stats s = bp_column_stats_of(values, NULL, 2);
  assert_int_equal(s.present, 0);
  assert_int_equal(s.missing, 2);
  s = bp_column_stats_of(values, NULL, 0);
  assert_int_equal(s.missing, 0);
}

/* `kinds` different values, in the order of `index`. */
static void fill(double *values, int n, uint64_t kinds, uint32_t order) {
  for (int i = 0; i < n; i++) {
    double x = floor(bp_random_uniform(3, BP_PURPOSE_TEST, order, (uint64_t)i) * (double)kinds);
    values[i] = order % 4 == 1 ? i : order % 4 == 2 ? -i : x;
  }
}

static void agrees_with_sorting_and_long_sums(void **state) {
  double values[MOST], sorted[MOST];
  (void)state;
  for (uint32_t round = 0; round < 400; round++) {
    int n = 1 + (int)(bp_random_bits(4, BP_PURPOSE_TEST, 0, round) % MOST);
    fill(values, n, 1 + round * round, round);
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    long double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += (long double)sorted[i];
    for (int i = 0; i < n; i++) squares += ((long double)sorted[i] - sum / n) * ((long double)sorted[i] - sum / n);
    bp_column_stats s = bp_column_stats_of(values, NULL, n);
    bt_assert_close(s.mean, (double)(sum / n), 1e-15, 1e-13);
    bt_assert_close(s.deviation, (double)sqrtl(squares / n), 1e-14, 0);
    bt_assert_close(s.median, n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2, 0, 0);
  }
}

/* A power of two changes nothing but the scale, even where squares would overflow or vanish. */
static void scales_with_powers_of_two(void **state) {
  static const int exponents[] = {-1000, -700, -100, 100, 700, 1000};
  double values[100], scaled[100];
  (void)state;
  for (size_t e = 0; e < sizeof exponents / sizeof *exponents; e++) {
    fill(values, 100, 1000, 0);
    for (int i = 0; i < 100; i++) scaled[i] = ldexp(values[i], exponents[e]);
    bp_column_stats s = bp_column_stats_of(values, NULL, 100), t = bp_column_stats_of(scaled, NULL, 100);
    bt_assert_close(t.mean, ldexp(s.mean, exponents[e]), 1e-15, 0);
    bt_assert_close(t.deviation, ldexp(s.deviation, exponents[e]), 1e-15, 0);
    bt_assert_close(t.median, ldexp(s.median, exponents[e]), 0, 0);
  }
}

static void a_large_offset_does_not_spoil_the_deviation(void **state) {
  double values[1000];
  (void)state;
  for (int i = 0; i < 1000; i++) values[i] = 1e9 + (i % 2 ? 0.5 : -0.5);
  bp_column_stats s = bp_column_stats_of(values, NULL, 1000);
  bt_assert_close(s.mean, 1e9, 0, 0);
  bt_assert_close(s.deviation, 0.5, 1e-12, 0);
}

/* Whole weights count a value so often; one of 0 leaves it to the range and the median alone. */
static void weights_count_values_so_often(void **state) {
  double values[] = {1, NAN, 4, 1000, 7}, repeated[] = {1, 1, 1, 4, 7, 7}, light[] = {3, 5};
  const double weights[] = {3, 9, 1, 0, 2}, none[] = {0, 0};
  (void)state;
  bp_column_stats s = bp_column_stats_of(values, weights, 5), t = bp_column_stats_of(repeated, NULL, 6);
  assert_int_equal(s.present, 4);
  assert_int_equal(s.missing, 1);
  bt_assert_close(s.mean, 3.5, 0, 0);
  bt_assert_close(s.mean, t.mean, 0, 0);
  bt_assert_close(s.deviation, t.deviation, 1e-15, 0);
  bt_assert_close(s.median, 5.5, 0, 0);
  bt_assert_close(s.max, 1000, 0, 0);
  s = bp_column_stats_of(light, none, 2); /* no weight at all is as good as no weights */
  bt_assert_close(s.mean, 4, 0, 0);
  bt_assert_close(s.deviation, 1, 0, 0);
}

static void shows_infinite_values(void **state) {
  (void)state;
  double values[] = {1, INFINITY, 2};
  assert_true(isinf(bp_column_stats_of(values, NULL, 3).max));
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(a_small_column),
                                     BT_TEST(nothing_is_there),
                                     BT_TEST(agrees_with_sorting_and_long_sums),
                                     BT_TEST(scales_with_powers_of_two),
                                     BT_TEST(a_large_offset_does_not_spoil_the_deviation),
                                     BT_TEST(weights_count_values_so_often),
                                     BT_TEST(shows_infinite_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
