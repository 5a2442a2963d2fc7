/* labels: unit prop */
/* test_hashed_columns.c - columns whose texts become categories by their hash. */
#include "data/hashed_columns.h"

#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"
#include "data/encoding_row.h"
#include "data/word_map.h"

/* Published values of XXH64 are ef46db3751d8e999 of nothing, d24ec4f1a98c6e5b of "a", 44bc2cf5ad770999 of "abc". */
static void buckets_are_those_of_the_published_hash(void **state) {
  (void)state;
  assert_int_equal(bp_bucket_of_text(65536, "a"), 0x6E5B);
  assert_int_equal(bp_bucket_of_text(65536, "abc"), 0x0999);
  assert_int_equal(bp_bucket_of_text(16, "abc"), 9);
  assert_int_equal(bp_bucket_of_text(1000, "abc"), 0x44bc2cf5ad770999u % 1000);
  assert_int_equal(bp_bucket_of_text(65536, "7"), bp_bucket_of_text(65536, "07.0"));
  assert_int_equal(bp_bucket_of_text(65536, "nan"), bp_bucket_of_text(65536, "nan"));
}

static const char csv[] = "user,day,k,y\na,2024-01-01,7,1\nb,2024-01-02,8,2\na,2024-01-03,,3\nc,2024-01-09,7.0,4\n";

static bp_encoding *learn(bp_context *ctx, const bp_table *t) {
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_REGRESSION, .hash = "user=16, k=8,day=4"};
  return bt_learn(ctx, t, &o);
}

static void any_column_becomes_so_many_categories(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, csv);
  bp_encoding *e = learn(ctx, t);
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  const double *x = d.features;
  const int k = bp_bucket_of_text(8, "7");
  assert_int_equal(e->inputs, 16 + 4 + 8 + 1);
  assert_int_equal(e->features[0].fill_category, bp_bucket_of_text(16, "a"));
  for (int r = 0; r < 4; r++) {
    const char *const users[4] = {"a", "b", "a", "c"};
    const double *row = x + r * e->inputs;
    for (int b = 0; b < 16; b++) assert_true(row[b] == (b == bp_bucket_of_text(16, users[r])));
    assert_true(row[28] == (r == 2)); /* a missing one is the most frequent */
    if (r != 1) assert_true(row[20 + k] == 1);
  }
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void comes_back_and_encodes_rows_alike(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, csv), *other = bt_table(ctx, "user,day,k\nnobody,x,seven\n,,7\n3,2024-01-01,\n");
  bp_encoding *e = learn(ctx, t), *back = NULL;
  char *text = bt_encoding_text(ctx, e);
  bp_json *json = NULL;
  bp_binding *b;
  bt_assert_ok(ctx, bp_json_parse(ctx, text, strlen(text), &json));
  bt_assert_ok(ctx, bp_encoding_from_json(ctx, json, &back));
  bp_encoded of_e = bt_apply(ctx, e, other, BP_TARGETS_NONE), of_back = bt_apply(ctx, back, other, BP_TARGETS_NONE);
  bt_assert_same_bits(of_e.features, of_back.features, of_e.features_size);
  bt_assert_ok(ctx, bp_encoding_bind(ctx, back, other, false, &b));
  double values[3 * 3], row[29];
  bt_assert_ok(ctx, bp_binding_values(ctx, b, bp_rows_all(other), values));
  for (int r = 0; r < 3; r++) {
    bt_assert_ok(ctx, bp_encoding_row(ctx, e, values + r * 3, BP_F64, row));
    bt_assert_same_bits(row, (const double *)of_e.features + r * 29, sizeof row);
  }
  bp_binding_free(b);
  bp_encoded_release(&of_e);
  bp_encoded_release(&of_back);
  bp_encoding_free(back);
  bp_encoding_free(e);
  bp_json_free(json);
  free(text);
  bp_table_free(other);
  bp_table_free(t);
}

static void refuses_lists_that_do_not_fit(void **state) {
  static const struct {
    const char *list, *message;
  } rows[] = {{"user", "hash 'user': expected COLUMN=N, with N from 2 to 65536"},
              {"user=1", "hash 'user': expected COLUMN=N"},
              {"user=65537", "hash 'user': expected COLUMN=N"},
              {"user=4x", "hash 'user': expected COLUMN=N"},
              {"user=", "hash 'user': expected COLUMN=N"},
              {"usr=4", "there is no column 'usr' (hash); did you mean 'user'?"},
              {"user=4,user=5", "hash 'user': this column is named twice"},
              {"y=4", "hash 'y': the column is not learnt from"},
              {"day=4", "hash 'day': the column is not learnt from"}};
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, csv);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_encoding_options o = {.target = "y", .goal = BP_GOAL_REGRESSION, .ignore = "day", .hash = rows[i].list};
    bp_encoding *e = NULL;
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), &o, &e));
    bt_assert_message(ctx, rows[i].message);
  }
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(buckets_are_those_of_the_published_hash), BT_TEST(any_column_becomes_so_many_categories),
      BT_TEST(comes_back_and_encodes_rows_alike), BT_TEST(refuses_lists_that_do_not_fit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
