/* labels: unit */
/* test_category_choice.c - which texts have an input of their own. */
#include "data/category_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"

/* NEW table of y and a, in which text i of `texts`, from 0, is in rows_of(i) rows, one text after the other. */
static bp_table *table_of(bp_context *ctx, int texts, int (*rows_of)(int text), int missing) {
  size_t room = 100000, used = 0;
  char *text = malloc(room);
  used += (size_t)snprintf(text, room, "y,a\n");
  for (int i = 0; i < texts; i++)
    for (int r = 0; r < rows_of(i); r++) used += (size_t)snprintf(text + used, room - used, "%d,t%03d\n", r % 2, i);
  for (int r = 0; r < missing; r++) used += (size_t)snprintf(text + used, room - used, "%d,\n", r % 2);
  bp_table *t = bt_table(ctx, text);
  free(text);
  return t;
}

static int twice(int text) { return text < 0 ? 0 : 2; }
static int five(int text) { return text < 0 ? 0 : 5; }
/* 40 rows, 39, … of which 38 texts are in 3 rows or more; then two in 2 and in 1; all others in 1. */
static int falling(int text) { return text < 40 ? 40 - text : 1; }

static void keeps_what_can_be_learnt_from(void **state) {
  static const struct {
    int texts;
    int (*rows_of)(int);
    int64_t most;
    size_t kept;
  } rows[] = {{100, twice, 0, 100}, {101, twice, 0, 0},   {101, twice, -1, 101}, {101, five, 0, 101},
              {300, five, 0, 256},  {300, five, -1, 300}, {300, five, 299, 299}, {300, five, 1000, 300},
              {60, falling, 0, 60}, {60, falling, 7, 7},  {110, falling, 0, 38}, {110, falling, 20, 20}};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = table_of(ctx, rows[i].texts, rows[i].rows_of, 0);
    bp_column_view view = bp_table_view(t, 1);
    bp_text_counts counts;
    bt_assert_ok(ctx, bp_text_counts_of(ctx, &view, bp_rows_all(t), &counts));
    assert_int_equal(counts.n, rows[i].texts);
    size_t kept = bp_texts_kept(&counts, rows[i].most);
    if (kept != rows[i].kept) fail_msg("row %zu: %zu are kept", i, kept);
    bp_text_counts_release(bp_context_allocator(ctx), &counts);
    bp_table_free(t);
  }
}

static void counts_the_training_rows_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, 10, falling, 5);
  bp_column_view view = bp_table_view(t, 1);
  bp_text_counts counts;
  bt_assert_ok(ctx, bp_text_counts_of(ctx, &view, (bp_rows){.first = 40, .n = 44}, &counts));
  assert_int_equal(counts.n, 2); /* 39 of t001, 5 of t002 */
  assert_string_equal(counts.texts[0].text, "t001");
  assert_int_equal(counts.texts[0].rows, 39);
  assert_int_equal(counts.texts[1].rows, 5);
  bp_text_counts_release(bp_context_allocator(ctx), &counts);
  bt_assert_ok(ctx, bp_text_counts_of(ctx, &view, bp_rows_all(t), &counts));
  assert_int_equal(counts.missing, 5);
  bp_text_counts_release(bp_context_allocator(ctx), &counts);
  bp_table_free(t);
}

static void says_and_stores_what_shares_an_input(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, 140, falling, 4);
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_CLASSIFICATION};
  bp_encoding *e = bt_learn(ctx, t, &o);
  const bp_feature *f = &e->features[0];
  assert_true(f->others && f->indicator);
  assert_int_equal(f->categories.count, 38);
  assert_int_equal(f->inputs, 38 + 1 + 1);
  assert_int_equal(f->fill_category, 0);
  assert_non_null(strstr(bt_fixture_of(state)->message,
                         "column 'a': the 102 rarest of its 140 different texts share one "
                         "input; --max-categories 0 gives each its own"));
  bp_encoding_free(e);
  bp_table_free(t);
}

/* Nothing is frequent, but that it is missing tells something. */
static void keeps_one_where_values_are_missing(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, 110, twice, 300);
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_CLASSIFICATION};
  bp_encoding *e = bt_learn(ctx, t, &o);
  assert_int_equal(e->inputs, 3);
  assert_true(e->features[0].others && e->features[0].indicator);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void names_have_a_row_each(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of(ctx, 140, falling, 4);
  bp_column_view view = bp_table_view(t, 1);
  bp_text_counts counts;
  bt_assert_ok(ctx, bp_text_counts_of(ctx, &view, bp_rows_all(t), &counts));
  assert_false(bp_texts_name_rows(&counts));
  bp_text_counts_release(bp_context_allocator(ctx), &counts);
  bt_assert_ok(ctx, bp_text_counts_of(ctx, &view, (bp_rows){.first = 780, .n = 140}, &counts));
  assert_true(bp_texts_name_rows(&counts));
  bp_text_counts_release(bp_context_allocator(ctx), &counts);
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(keeps_what_can_be_learnt_from), BT_TEST(counts_the_training_rows_alone),
                                     BT_TEST(says_and_stores_what_shares_an_input),
                                     BT_TEST(keeps_one_where_values_are_missing), BT_TEST(names_have_a_row_each)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
