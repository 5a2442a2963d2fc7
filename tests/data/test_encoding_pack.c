/* test_encoding_pack.c - categories encoded as numbers say the same as rows of ones and zeros do. */
/* labels: unit prop */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/data_fixtures.h"
#include "data/encoding_row.h"

enum { CATEGORIES = 250, TEXT = 16384 };

/* NEW table of CSV: a number, many categories with missing ones, a number that may be missing, few categories, a target. */
static bp_table *new_table(bp_context *ctx, int first) {
  char *text = malloc(TEXT);
  int n = snprintf(text, TEXT, "a,word,b,kind,y\n");
  for (int i = 0; i < 2 * CATEGORIES; i++) {
    char word[16] = "", number[16] = "";
    if (i % 11 != 3) (void)snprintf(word, sizeof word, "w%d", first + i % CATEGORIES);
    if (i % 7 != 2) (void)snprintf(number, sizeof number, "%d", i % 13);
    n += snprintf(text + n, (size_t)(TEXT - n), "%d,%s,%s,%s,%d.5\n", i, word, number, i % 3 ? "x" : "z", i * i % 17);
  }
  bp_table *table = bt_table(ctx, text);
  free(text);
  return table;
}

static bp_encoded encode(bp_context *ctx, const bp_encoding *e, const bp_table *table, bool packed) {
  bp_binding *binding;
  bp_encoded encoded = {0};
  bt_assert_ok(ctx, bp_encoding_bind(ctx, e, table, true, &binding));
  if (packed) bp_binding_pack(binding);
  bt_assert_ok(ctx, bp_binding_encode(ctx, binding, bp_rows_all(table), BP_F64, BP_TARGETS_OWN, &encoded));
  bp_binding_free(binding);
  return encoded;
}

/* The row that a packed one stands for, to out[columns]. */
static void unpack(const bp_encoding *e, const double *numbers, const int32_t *ones, double *out) {
  for (size_t f = 0; f < e->n_features; f++) {
    int64_t count = e->features[f].type == BP_FEATURE_CATEGORY ? bp_feature_ones(&e->features[f]) : 0;
    for (int64_t c = 0; c < count; c++) *out++ = c == *ones;
    if (count > 0) ones++;
    for (int64_t c = count; c < e->features[f].inputs; c++) *out++ = *numbers++;
  }
}

static void assert_same_rows(bp_context *ctx, const bp_encoding *e, const bp_table *table) {
  bp_encoded dense = encode(ctx, e, table, false), packed = encode(ctx, e, table, true);
  int64_t width = dense.columns;
  size_t bytes = (size_t)width * sizeof(double);
  double *row = malloc(bytes);
  for (size_t f = 0; f < e->n_features; f++) width -= bp_feature_ones(&e->features[f]);
  assert_null(dense.ones);
  assert_non_null(packed.ones);
  assert_int_equal(packed.columns, dense.columns);
  assert_int_equal(packed.features_size, (size_t)(packed.rows * width) * sizeof(double));
  for (int64_t r = 0; r < dense.rows; r++) {
    unpack(e, (const double *)packed.features + r * width, packed.ones + r * 2, row);
    bt_assert_same_bits(row, (const double *)dense.features + r * dense.columns, bytes);
  }
  bt_assert_same_bits(packed.targets, dense.targets, dense.targets_size);
  free(row);
  bp_encoded_release(&dense);
  bp_encoded_release(&packed);
}

/* In the second table half of the words were never seen. */
static void numbers_say_what_ones_and_zeros_say(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = new_table(ctx, 0), *other = new_table(ctx, CATEGORIES / 2);
  bp_encoding *e = bt_learn(ctx, table, &(bp_encoding_options){.max_categories = -1});
  assert_int_equal(e->inputs, 1 + CATEGORIES + 1 + 2 + 2);
  assert_same_rows(ctx, e, table);
  assert_same_rows(ctx, e, other);
  bp_encoding_free(e);
  bp_table_free(table);
  bp_table_free(other);
}

/* The rare words of two tables, one under the other, and those never seen, are numbers too. */
static void so_do_texts_that_share_an_input(void **state) {
  bp_context *ctx = bt_ctx(state);
  char *text = malloc(TEXT);
  int n = snprintf(text, TEXT, "word,y\n");
  for (int i = 0; i < 3 * CATEGORIES + 20; i++)
    n += snprintf(text + n, (size_t)(TEXT - n), "w%d,%d.5\n", i < 3 * CATEGORIES ? i / 3 : i, i % 7);
  bp_table *table = bt_table(ctx, text), *other = bt_table(ctx, "word,y\nw1,1\nnever,2\n,3\nw760,4\n");
  bp_encoding *e = bt_learn(ctx, table, NULL);
  static const double last[4] = {0, 1, 0, 1}; /* its most frequent stands for a missing one */
  assert_true(e->features[0].others);
  assert_int_equal(e->inputs, CATEGORIES + 1);
  bp_encoded packed = encode(ctx, e, table, true), dense = encode(ctx, e, other, false);
  assert_int_equal(packed.ones[packed.rows - 1], CATEGORIES);
  assert_int_equal(packed.ones[0], 0);
  const double *x = dense.features;
  for (int r = 0; r < 4; r++) assert_true(x[r * e->inputs + CATEGORIES] == last[r]);
  for (int r = 0; r < 4; r++) {
    const double category = r == 2         ? (double)NAN
                            : last[r] == 1 ? -1
                                           : bp_dictionary_find(&e->features[0].categories, "w1", 2);
    double row[CATEGORIES + 1];
    bt_assert_ok(ctx, bp_encoding_row(ctx, e, &category, BP_F64, row));
    bt_assert_same_bits(row, x + r * e->inputs, sizeof row);
  }
  bp_encoded_release(&packed);
  bp_encoded_release(&dense);
  bp_encoding_free(e);
  bp_table_free(table);
  bp_table_free(other);
  free(text);
}

static void short_rows_stay_as_they_are(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = bt_table(ctx, "word,y\na,1.5\nb,2.5\nc,3.5\nd,4.5\ne,5.5\nf,6.5\n");
  bp_encoding *e = bt_learn(ctx, table, NULL);
  bp_encoded packed = encode(ctx, e, table, true);
  assert_null(packed.ones);
  assert_int_equal(packed.features_size, 6 * 6 * sizeof(double));
  bp_encoded_release(&packed);
  bp_encoding_free(e);
  bp_table_free(table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(numbers_say_what_ones_and_zeros_say),
      BT_TEST(so_do_texts_that_share_an_input),
      BT_TEST(short_rows_stay_as_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
