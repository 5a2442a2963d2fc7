/* labels: unit prop oom */
/* Folds of rows: of sizes that differ by one at most, in each class too, drawn from the seed alone. */
#include <string.h>

#include "data/split.h"
#include "support/testing.h"

enum { ROWS = 500 };

static void make_strata(int32_t *strata, int kinds) {
  for (int r = 0; r < ROWS; r++) strata[r] = (int32_t)((r * 7 + r / 5) % kinds) * (r % 3 > 0); /* class 0 is frequent */
}

/* Rows of a class (-1: of all) in each fold differ by one at most. */
static void check_even(const uint8_t *fold_of, const int32_t *strata, int64_t rows, int folds, int kind) {
  int64_t n[64] = {0}, least = rows, most = 0;
  for (int64_t r = 0; r < rows; r++)
    if (kind < 0 || strata[r] == kind) n[fold_of[r]]++;
  for (int f = 0; f < folds; f++) {
    least = n[f] < least ? n[f] : least;
    most = n[f] > most ? n[f] : most;
  }
  assert_true(most - least <= 1);
}

static void folds_are_even_in_every_class(void **state) {
  static const int folds[] = {1, 2, 3, 8, 64};
  bp_context *ctx = bt_ctx(state);
  uint8_t fold_of[ROWS];
  int32_t strata[ROWS];
  for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
    for (int kinds = 1; kinds <= 11; kinds += 5)
      for (int64_t rows = 1; rows <= ROWS; rows = rows * 3 + 4) {
        make_strata(strata, kinds);
        memset(fold_of, 0xff, sizeof fold_of);
        bt_assert_ok(ctx, bp_split_folds(ctx, rows, strata, folds[i], 5, fold_of));
        for (int64_t r = 0; r < ROWS; r++) assert_int_equal(fold_of[r] < folds[i], r < rows);
        for (int kind = -1; kind < kinds; kind++) check_even(fold_of, strata, rows, folds[i], kind);
        bt_assert_ok(ctx, bp_split_folds(ctx, rows, NULL, folds[i], 5, fold_of));
        check_even(fold_of, strata, rows, folds[i], -1);
      }
}

static void the_seed_alone_decides(void **state) {
  bp_context *ctx = bt_ctx(state);
  uint8_t a[ROWS], b[ROWS];
  int32_t strata[ROWS];
  make_strata(strata, 3);
  bt_assert_ok(ctx, bp_split_folds(ctx, ROWS, strata, 8, 1, a));
  bt_assert_ok(ctx, bp_split_folds(ctx, ROWS, strata, 8, 1, b));
  assert_memory_equal(a, b, ROWS);
  bt_assert_ok(ctx, bp_split_folds(ctx, ROWS, strata, 8, 2, b));
  assert_memory_not_equal(a, b, ROWS);
}

/* Rows that follow one another are not in folds that do: three neighbours in a row of the same fold turn up by chance alone. */
static void neighbours_are_parted_by_chance(void **state) {
  bp_context *ctx = bt_ctx(state);
  uint8_t fold_of[ROWS];
  int same = 0, next = 0;
  bt_assert_ok(ctx, bp_split_folds(ctx, ROWS, NULL, 4, 9, fold_of));
  for (int r = 1; r < ROWS; r++) {
    same += fold_of[r] == fold_of[r - 1];
    next += fold_of[r] == (fold_of[r - 1] + 1) % 4;
  }
  assert_true(same > ROWS / 8 && same < ROWS * 3 / 8); /* a quarter is expected, with a deviation of 10 rows */
  assert_true(next > ROWS / 8 && next < ROWS * 3 / 8);
}

static bp_status split(bp_context *ctx, void *user) {
  uint8_t fold_of[ROWS];
  return bp_split_folds(ctx, ROWS, user, 3, 1, fold_of);
}

static void every_allocation_may_fail(void **state) {
  int32_t strata[ROWS];
  (void)state;
  make_strata(strata, 3);
  assert_true(bt_alloc_sweep(split, strata) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(folds_are_even_in_every_class),
      BT_TEST(the_seed_alone_decides),
      BT_TEST(neighbours_are_parted_by_chance),
      BT_TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
