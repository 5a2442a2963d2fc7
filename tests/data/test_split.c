/* labels: unit prop */
/* test_split.c - a split is a partition, keeps the shares of the classes, and depends on the seed alone. */
#include "data/split.h"

#include <math.h>
#include <string.h>

#include "support/testing.h"

enum { ROWS = 1000 };

/* Every row is in one part, in ascending order. */
static void check_partition(const bp_split *s, int64_t rows) {
  int64_t t = 0, v = 0;
  assert_int_equal(s->n_train + s->n_valid, rows);
  assert_true(s->n_train > 0 && s->n_valid > 0);
  for (int64_t r = 0; r < rows; r++) {
    if (t < s->n_train && s->train[t] == r)
      t++;
    else if (v < s->n_valid && s->valid[v] == r)
      v++;
    else
      fail_msg("row %d is in no part, or the order is wrong", (int)r);
  }
}

static void is_a_partition_of_the_right_size(void **state) {
  static const double fractions[] = {0.001, 0.1, 0.25, 0.5, 0.9, 0.9999};
  bp_context *ctx = bt_ctx(state);
  for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
    bp_split s;
    bt_assert_ok(ctx, bp_split_rows(ctx, ROWS, NULL, fractions[f], 1, &s));
    check_partition(&s, ROWS);
    int64_t wanted = (int64_t)floor(fractions[f] * ROWS + 0.5);
    assert_int_equal(s.n_valid, wanted < ROWS ? wanted : ROWS - 1);
    bp_split_release(&s);
  }
}

static void keeps_the_share_of_every_class(void **state) {
  bp_context *ctx = bt_ctx(state);
  int32_t strata[ROWS];
  int64_t all[4] = {0}, valid[4] = {0};
  bp_split s;
  for (int r = 0; r < ROWS; r++) all[strata[r] = r % 10 == 0 ? 1 : r % 100 == 1 ? 2 : r == 77 ? 3 : 0]++;
  bt_assert_ok(ctx, bp_split_rows(ctx, ROWS, strata, 0.2, 5, &s));
  check_partition(&s, ROWS);
  for (int64_t i = 0; i < s.n_valid; i++) valid[strata[s.valid[i]]]++;
  for (int c = 0; c < 3; c++) assert_int_equal(valid[c], (int64_t)floor(0.2 * (double)all[c] + 0.5));
  assert_int_equal(valid[3], 0); /* a class of one row stays in training */
  bp_split_release(&s);
}

static void depends_on_the_seed_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_split a, b, c;
  bt_assert_ok(ctx, bp_split_rows(ctx, ROWS, NULL, 0.3, 7, &a));
  bt_assert_ok(ctx, bp_split_rows(ctx, ROWS, NULL, 0.3, 7, &b));
  bt_assert_ok(ctx, bp_split_rows(ctx, ROWS, NULL, 0.3, 8, &c));
  bt_assert_same_bits(a.valid, b.valid, (size_t)a.n_valid * sizeof *a.valid);
  assert_true(memcmp(a.valid, c.valid, (size_t)a.n_valid * sizeof *a.valid) != 0);
  bp_split_release(&a);
  bp_split_release(&b);
  bp_split_release(&c);
}

static void the_smallest_tables_can_be_split(void **state) {
  bp_context *ctx = bt_ctx(state);
  const int32_t strata[3] = {0, 1, 1};
  bp_split s;
  bt_assert_ok(ctx, bp_split_rows(ctx, 2, NULL, 0.01, 1, &s));
  check_partition(&s, 2);
  bp_split_release(&s);
  bt_assert_ok(ctx, bp_split_rows(ctx, 3, strata, 0.99, 1, &s));
  assert_int_equal(s.n_valid, 1);
  assert_int_equal(strata[s.valid[0]], 1);
  bp_split_release(&s);
}

static void refuses_what_cannot_be_split(void **state) {
  bp_context *ctx = bt_ctx(state);
  const int32_t strata[3] = {0, 1, 2};
  bp_split s;
  memset(&s, 0x5A, sizeof s);
  bp_split before = s;
  bt_assert_fails(ctx, BP_E_DATA, bp_split_rows(ctx, 1, NULL, 0.5, 1, &s));
  bt_assert_message(ctx, "cannot be split");
  bt_assert_fails(ctx, BP_E_DATA, bp_split_rows(ctx, 3, strata, 0.5, 1, &s));
  bt_assert_message(ctx, "at least two of a class");
  static const double fractions[] = {0, 1, -0.5, 2, NAN};
  for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
    bt_assert_fails(ctx, BP_E_ARG, bp_split_rows(ctx, 10, NULL, fractions[f], 1, &s));
    bt_assert_message(ctx, "more than 0 and less than 1");
  }
  bt_assert_same_bits(&s, &before, sizeof s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(is_a_partition_of_the_right_size), BT_TEST(keeps_the_share_of_every_class),
      BT_TEST(depends_on_the_seed_alone),        BT_TEST(the_smallest_tables_can_be_split),
      BT_TEST(refuses_what_cannot_be_split),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
