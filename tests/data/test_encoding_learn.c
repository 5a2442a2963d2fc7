/* test_encoding_learn.c - what is learnt from training rows, and from which rows nothing can be learnt. */
#include "data/encoding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"

/* ---- features ---- */

static void learns_each_kind_of_column(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "age,colour,y\n"
                              "2,red,a\n4,green,b\n,red,a\n6,,b\n");
  bp_encoding *e = bt_learn(ctx, t, NULL);
  assert_int_equal(e->n_features, 2);
  assert_int_equal(e->inputs, 2 + 3);

  const bp_feature *age = &e->features[0];
  assert_string_equal(age->name, "age");
  assert_int_equal(age->type, BP_FEATURE_NUMBER);
  bt_assert_close(age->mean, 4, 0, 0);
  bt_assert_close(age->scale, sqrt(8.0 / 3), 1e-15, 0);
  bt_assert_close(age->fill, 4, 0, 0);
  assert_true(age->indicator);
  assert_int_equal(age->first_input, 0);
  assert_int_equal(age->inputs, 2);

  const bp_feature *colour = &e->features[1];
  assert_int_equal(colour->type, BP_FEATURE_CATEGORY);
  assert_int_equal(colour->categories.count, 2);
  assert_string_equal(colour->categories.words[0], "green");
  assert_string_equal(colour->categories.words[1], "red");
  assert_int_equal(colour->fill_category, 1);
  assert_true(colour->indicator);
  assert_int_equal(colour->first_input, 2);

  assert_int_equal(e->goal, BP_GOAL_CLASSIFICATION);
  assert_string_equal(e->targets[0].name, "y");
  bp_encoding_free(e);
  bp_table_free(t);
}

static void learns_from_the_given_rows_only(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,c,y\n1,a,0\n1000,z,1\n3,b,1\n5,b,0\nNA,,2\n");
  const int32_t list[] = {0, 2, 3};
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_CLASSIFICATION};
  bp_encoding *e;
  bt_assert_ok(ctx, bp_encoding_learn(ctx, t, (bp_rows){.list = list, .n = 3}, &o, &e));
  bt_assert_close(e->features[0].mean, 3, 0, 0);
  bt_assert_close(e->features[0].fill, 3, 0, 0);
  assert_false(e->features[0].indicator);
  assert_int_equal(e->features[1].categories.count, 2);
  assert_int_equal(e->features[1].fill_category, 1);
  assert_false(e->features[1].indicator);
  assert_int_equal(e->classes.count, 2);
  bp_encoding_free(e);
  bt_assert_ok(ctx, bp_encoding_learn(ctx, t, (bp_rows){.first = 2, .n = 2}, &o, &e));
  bt_assert_close(e->features[0].mean, 4, 0, 0);
  assert_int_equal(e->n_features, 1); /* c is constant in these rows */
  bp_encoding_free(e);
  bp_table_free(t);
}

static void drops_constant_columns_with_one_note(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "a,b,x,c,d,y\n1,k,1,,7,0\n1,k,2,,,1\n1,k,3,,7,1\n1,k,4,,7,0\n");
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_CLASSIFICATION};
  bp_encoding *e = bt_learn(ctx, t, &o);
  assert_int_equal(bt_fixture_of(state)->messages, 1);
  assert_non_null(strstr(bt_fixture_of(state)->message, "3 constant columns left out"));
  assert_int_equal(bt_fixture_of(state)->kind, BP_NOTE);
  assert_non_null(strstr(bt_fixture_of(state)->message, "'a', 'b', 'c'"));
  /* d is 7 or missing: only its indicator tells anything, and it stays finite */
  assert_int_equal(e->n_features, 2);
  assert_true(e->features[1].indicator && e->features[1].scale == 1);
  assert_int_equal(e->unused.count, 3);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void counts_many_constant_columns(void **state) {
  bp_context *ctx = bt_ctx(state);
  char text[4000] = "x,y";
  for (int i = 0; i < 100; i++)
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), ",constant number %d", i);
  for (int r = 0; r < 4; r++) {
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "\n%d,%d", r, r % 2);
    for (int i = 0; i < 100; i++) (void)snprintf(text + strlen(text), sizeof text - strlen(text), ",1");
  }
  bp_table *t = bt_table(ctx, text);
  bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = "y", .goal = BP_GOAL_CLASSIFICATION});
  assert_non_null(strstr(bt_fixture_of(state)->message, "100 constant columns"));
  assert_non_null(strstr(bt_fixture_of(state)->message, "more"));
  bp_encoding_free(e);
  bp_table_free(t);
}

static void sorts_categories_that_are_numbers_by_value(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = NULL;
  bp_read_options read = {.size = sizeof read, .as_text = "k,y"};
  bt_assert_ok(ctx, bt_read_csv(ctx, "k,y\n10,2\n9,10\n10,1\n9,2\n", &read, &t));
  bp_encoding *e = bt_learn(ctx, t, NULL);
  assert_string_equal(e->features[0].categories.words[0], "9");
  assert_string_equal(e->features[0].categories.words[1], "10");
  assert_string_equal(e->classes.words[0], "1");
  assert_string_equal(e->classes.words[1], "2");
  assert_string_equal(e->classes.words[2], "10");
  bp_encoding_free(e);
  bp_table_free(t);
}

/* NEW table of 200 names, of k in so many texts as to say, and y. */
static bp_table *table_of_names(bp_context *ctx, int texts, const char *as_text) {
  char text[10000] = "name,k,y";
  bp_read_options read = {.size = sizeof read, .as_text = as_text};
  bp_table *t = NULL;
  for (int r = 0; r < 200; r++)
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "\nperson %d,k%d,%d", r, r % texts, r % 2);
  bt_assert_ok(ctx, bt_read_csv(ctx, text, &read, &t));
  return t;
}

static void names_of_rows_are_left_out_unless_asked_for(void **state) {
  static const struct {
    bp_encoding_options options;
    const char *as_text, *says;
    size_t features;
  } rows[] = {
      {{0},
       NULL,
       "t.csv: left out, as few rows share a text there: 'name'; --max-categories 0 gives each text an input",
       1},
      {{.features = "name,k", .max_categories = -1}, NULL, "column 'name' holds 200 different texts in 200 rows", 2},
      {{.max_categories = -1}, NULL, "column 'name' holds 200 different texts in 200 rows", 2},
      {{.features = "name,k"}, NULL, "left out, as few rows share a text there: 'name'", 1}, /* each once */
      {{0}, "name", "left out, as few rows share a text there: 'name'", 1},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = table_of_names(ctx, 7, rows[i].as_text);
    bp_encoding_options o = rows[i].options;
    o.target = "y";
    o.goal = BP_GOAL_CLASSIFICATION;
    bp_encoding *e = bt_learn(ctx, t, &o);
    if (!strstr(bt_fixture_of(state)->message, rows[i].says) || e->n_features != rows[i].features)
      fail_msg("row %zu: %zu features; %s", i, e->n_features, bt_fixture_of(state)->message);
    bp_encoding_free(e);
    bp_table_free(t);
  }
}

static void names_alone_are_nothing_to_learn_from(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = table_of_names(ctx, 7, NULL);
  bp_encoding *e = NULL;
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_CLASSIFICATION, .ignore = "k"};
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), &o, &e));
  bt_assert_message(ctx, "no feature is left to learn from; of texts that few rows share: 'name'; expected a");
  bp_table_free(t);
}

/* ---- choosing columns ---- */

static void takes_features_and_leaves_out_ignored_ones(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "a,b,c,d,y\n1,2,3,4,0\n2,1,4,3,1\n3,3,1,5,1\n4,5,6,7,0\n");
  static const struct {
    const char *features, *ignore, *expected;
  } rows[] = {{NULL, NULL, "a b c d"}, {"a, c", NULL, "a c"}, {NULL, "b", "a c d"}, {"a,b,c", "b", "a c"},
              {"c,a", NULL, "a c"},    {"1", "", "b"},        {"", "0", "b c d"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char found[64] = "";
    bp_encoding_options o = {.target = "y", .features = rows[i].features, .ignore = rows[i].ignore};
    bp_encoding *e = bt_learn(ctx, t, &o);
    for (size_t f = 0; f < e->n_features; f++) {
      if (f > 0) strcat(found, " ");
      strcat(found, e->features[f].name);
    }
    assert_string_equal(found, rows[i].expected);
    assert_int_equal(e->n_features + e->unused.count, 4);
    bp_encoding_free(e);
  }
  bp_table_free(t);
}

static void the_target_goes_by_name_or_number(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "a,b,c\n1,2,3\n2,1,1\n1,5,3\n2,4,1\n");
  static const struct { const char *target, *expected; } rows[] = {{"a", "a"}, {"0", "a"}, {"1", "b"}, {NULL, "c"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = rows[i].target});
    assert_string_equal(e->targets[0].name, rows[i].expected);
    bp_encoding_free(e);
  }
  bp_table_free(t);
}

/* ---- the target ---- */

static void decides_between_classes_and_values_and_says_why(void **state) {
  static const struct {
    const char *values; /* of y, over and over */
    int rows;
    bp_goal goal;
    const char *why;
  } rows[] = {
      {"a b", 4, BP_GOAL_CLASSIFICATION, "is text"},
      {"0 1 1 0", 4, BP_GOAL_CLASSIFICATION, "only 2 different values"},
      {"0 0 0 1", 4, BP_GOAL_CLASSIFICATION, "only 2 different values"},
      {"0 1 2 3 4 5 6 7 8 9", 20, BP_GOAL_CLASSIFICATION, "only 10 different values"},
      {"1 2 3 4 5 6 7 8 9 10", 10, BP_GOAL_REGRESSION, "many different values"},
      {"1 2.5", 10, BP_GOAL_REGRESSION, "values with a fraction"},
      {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20", 60, BP_GOAL_CLASSIFICATION, "only 20 different"},
      {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21", 63, BP_GOAL_REGRESSION, "many different"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[2000] = "x,y\n", values[100], *rest = NULL;
    for (int r = 0; r < rows[i].rows; rest = NULL) {
      (void)snprintf(values, sizeof values, "%s", rows[i].values);
      for (char *v = strtok_r(values, " ", &rest); v && r < rows[i].rows; v = strtok_r(NULL, " ", &rest))
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d.5,%s\n", r++, v);
    }
    bp_table *t = bt_table(ctx, text);
    bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = "y"});
    assert_int_equal(e->goal, rows[i].goal);
    assert_non_null(strstr(bt_fixture_of(state)->message, rows[i].why));
    bp_encoding_free(e);
    bp_table_free(t);
  }
}

static void what_is_asked_for_is_not_announced(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,y\n1,1.5\n2,2.5\n3,1.5\n");
  bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = "y", .goal = BP_GOAL_CLASSIFICATION});
  assert_int_equal(bt_fixture_of(state)->messages, 0);
  assert_string_equal(e->classes.words[0], "1.5");
  assert_string_equal(e->classes.words[1], "2.5");
  bp_encoding_free(e);
  e = bt_learn(ctx, t, NULL);
  assert_int_equal(bt_fixture_of(state)->messages, 2); /* the column, and the task */
  bp_encoding_free(e);
  bp_table_free(t);
}

static void a_target_of_values_is_standardised_unless_raw(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,y\n1,10\n2,20\n3,30\n");
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_REGRESSION};
  bp_encoding *e = bt_learn(ctx, t, &o);
  bt_assert_close(e->targets[0].mean, 20, 0, 0);
  bt_assert_close(e->targets[0].scale, sqrt(200.0 / 3), 1e-15, 0);
  bp_encoding_free(e);
  o.raw_target = true;
  e = bt_learn(ctx, t, &o);
  assert_true(e->targets[0].mean == 0 && e->targets[0].scale == 1);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* mean Σ w x / Σ w, and the square root of Σ w (x - mean)² / Σ w, as scikit-learn's StandardScaler has them with weights. */
static void scales_go_by_the_weights_of_rows(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,w,y\n1,0.5,10.5\n2,2,20.5\n4,1,10.5\n8,0.5,40.5\n");
  bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = "y", .weight = "w"});
  assert_int_equal(e->n_features, 1);
  bt_assert_close(e->features[0].mean, 3.125, 1e-15, 0);
  bt_assert_close(e->features[0].scale, sqrt(4.359375), 1e-15, 0);
  bt_assert_close(e->features[0].fill, 3, 0, 0);
  bt_assert_close(e->targets[0].mean, 19.25, 1e-15, 0);
  bt_assert_close(e->targets[0].scale, sqrt(85.9375), 1e-15, 0);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void strata_are_the_classes_of_all_rows(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,c,v\n1,b,1.5\n2,a,2.5\n3,b,3.5\n");
  int32_t *strata = NULL;
  const int32_t expected[] = {1, 0, 1};
  bt_assert_ok(ctx, bp_encoding_strata(ctx, t, bp_rows_all(t), &(bp_encoding_options){.target = "c"}, &strata));
  bt_assert_same_bits(strata, expected, sizeof expected);
  bp_release(bp_context_allocator(ctx), strata, 3, sizeof *strata);
  bt_assert_ok(ctx, bp_encoding_strata(ctx, t, bp_rows_all(t), NULL, &strata));
  assert_null(strata);
  assert_int_equal(bt_fixture_of(state)->messages, 0);
  bp_table_free(t);
}

/* ---- what cannot be learnt from ---- */

static void refuses_bad_tables_and_choices(void **state) {
  static const struct {
    const char *text;
    bp_encoding_options options;
    const char *message;
  } rows[] = {
      {"a,y\n1,0\n2,1\n", {.target = "z"}, "t.csv: there is no column 'z' (target); the columns are 'a', 'y'"},
      {"width,y\n1,0\n2,1\n", {.target = "widht"}, "did you mean 'width'?"},
      {"a,y\n1,0\n2,1\n", {.target = "2"}, "no column '2'"},
      {"a,b,y\n1,2,0\n2,3,1\n", {.ignore = "q"}, "no column 'q' (ignore)"},
      {"a,b,y\n1,2,0\n2,3,1\n", {.features = "a,bb"}, "no column 'bb' (features)"},
      {"a,b,y\n1,2,0\n2,3,1\n", {.features = "a,y"}, "'y' is the target, but features names it too"},
      {"a,b,y\n1,2,0\n2,3,1\n", {.target = "b", .ignore = "1"}, "'1' is the target, but ignore names it too"},
      {"a,y\n1,k\n2,k\n", {.target = "y"}, "one class, 'k', in all 2 training rows"},
      {"a,y\n1,3\n2,3\n3,3\n", {.target = "y"}, "one class, '3', in all 3 training rows"},
      {"a,y\n1,3\n2,3\n", {.goal = BP_GOAL_REGRESSION}, "is 3 in all 2 training rows"},
      {"a,y\n1,k\n2,l\n", {.goal = BP_GOAL_REGRESSION}, "the target 'y' is text; regression needs numbers"},
      {"a,y\n1,0\n2,\n3,1\n4,NA\n", {.target = "y"}, "t.csv:3: the target 'y' is missing here and in 1 more row; fill"},
      {"a,y\n1,k\n2,\n3,l\n", {.target = "y"}, "t.csv:3: the target 'y' is missing here; fill it in"},
      {"a,y\n1,0\n2,inf\n", {.goal = BP_GOAL_REGRESSION}, "t.csv:3: the target 'y' is infinite"},
      {"a,y\n1,0\n-inf,1\n3,1\n", {.target = "y"}, "t.csv:3: column 'a' holds an infinite number"},
      {"a,b,y\n1,k,0\n1,k,1\n",
       {.target = "y"},
       "no feature is left to learn from; constant in the training rows: 'a', 'b'"},
      {"a,y\n1,0\n2,1\n", {.ignore = "a"}, "no feature is left to learn from; expected a column that varies"},
      {"y\n0\n1\n0\n", {.goal = BP_GOAL_AUTO}, "no feature is left"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = bt_table(ctx, rows[i].text);
    bp_encoding *e = (bp_encoding *)&rows, *before = e;
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), &rows[i].options, &e));
    bt_assert_message(ctx, rows[i].message);
    assert_ptr_equal(e, before);
    bp_table_free(t);
  }
}

static void refuses_tables_without_rows_or_columns(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_encoding *e = NULL;
  bp_table *t;
  bt_assert_ok(ctx, bp_table_new(ctx, 0, &t));
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), NULL, &e));
  bt_assert_message(ctx, "without columns");
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "y", NULL));
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), NULL, &e));
  bt_assert_message(ctx, "no rows to learn from");
  assert_null(e);
  bp_table_free(t);
}

static void refuses_too_many_inputs(void **state) {
  enum { ROWS = 1 << 11 };
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  bp_encoding *e = NULL;
  double y[ROWS];
  const char *words[ROWS];
  char(*texts)[16] = malloc(ROWS * sizeof *texts);
  assert_non_null(texts);
  for (int r = 0; r < ROWS; r++) {
    y[r] = r % 2;
    (void)snprintf(texts[r], sizeof texts[r], "%d", r);
    words[r] = texts[r];
  }
  bt_assert_ok(ctx, bp_table_new(ctx, ROWS, &t));
  for (int c = 0; c < (1 << 20) / ROWS + 1; c++) {
    char name[16];
    (void)snprintf(name, sizeof name, "c%d", c);
    bt_assert_ok(ctx, bp_table_add_text(ctx, t, name, words));
  }
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "y", y));
  bt_assert_fails(ctx, BP_E_LIMIT,
                  bp_encoding_learn(ctx, t, bp_rows_all(t), &(bp_encoding_options){.max_categories = -1}, &e));
  bt_assert_message(ctx, "the table: feature 'c512' becomes 2048 inputs");
  bp_table_free(t);
  free(texts);
}

static void blocks_of_bytes_go_by_their_prefix(void **state) {
  static const uint8_t bytes[8] = {0};
  static const double label[4] = {0, 1, 0, 1}, x[4] = {1, 2, 3, 4};
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  bp_encoding *e = NULL;
  bt_assert_ok(ctx, bp_table_new(ctx, 4, &t));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, t, "pixel", 2, bytes));
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), NULL, &e));
  bt_assert_message(ctx, "images without labels");
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "x", x));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "label", label));
  bt_assert_fails(ctx, BP_E_DATA,
                  bp_encoding_learn(ctx, t, bp_rows_all(t), &(bp_encoding_options){.target = "pixel1"}, &e));
  bt_assert_message(ctx, "is a byte column");
  bt_assert_fails(ctx, BP_E_DATA,
                  bp_encoding_learn(ctx, t, bp_rows_all(t), &(bp_encoding_options){.ignore = "pixel1"}, &e));
  bt_assert_message(ctx, "name the whole block, 'pixel'");
  e = bt_learn(ctx, t, NULL);
  assert_string_equal(e->features[0].name, "pixel0..1");
  assert_int_equal(e->inputs, 3);
  bp_encoding_free(e);
  e = bt_learn(ctx, t, &(bp_encoding_options){.ignore = "pixel"});
  assert_int_equal(e->inputs, 1);
  bp_encoding_free(e);
  e = bt_learn(ctx, t, &(bp_encoding_options){.features = "pixel"});
  assert_int_equal(e->inputs, 2);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* The labels of images are the only column that can be the target; one of two is a choice. */
static void labels_of_images_are_no_choice(void **state) {
  static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  static const double label[4] = {0, 1, 0, 1};
  const bp_encoding_options classes = {.goal = BP_GOAL_CLASSIFICATION};
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  bt_assert_ok(ctx, bp_table_new(ctx, 4, &t));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, t, "pixel", 2, bytes));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "label", label));
  bp_encoding_free(bt_learn(ctx, t, &classes));
  assert_int_equal(bt_fixture_of(state)->messages, 0);
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "other", label));
  bp_encoding_free(bt_learn(ctx, t, &classes));
  assert_int_equal(bt_fixture_of(state)->messages, 1);
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(labels_of_images_are_no_choice),
      BT_TEST(learns_each_kind_of_column),
      BT_TEST(learns_from_the_given_rows_only),
      BT_TEST(drops_constant_columns_with_one_note),
      BT_TEST(counts_many_constant_columns),
      BT_TEST(sorts_categories_that_are_numbers_by_value),
      BT_TEST(names_of_rows_are_left_out_unless_asked_for),
      BT_TEST(names_alone_are_nothing_to_learn_from),
      BT_TEST(takes_features_and_leaves_out_ignored_ones),
      BT_TEST(the_target_goes_by_name_or_number),
      BT_TEST(decides_between_classes_and_values_and_says_why),
      BT_TEST(what_is_asked_for_is_not_announced),
      BT_TEST(a_target_of_values_is_standardised_unless_raw),
      BT_TEST(scales_go_by_the_weights_of_rows),
      BT_TEST(strata_are_the_classes_of_all_rows),
      BT_TEST(refuses_bad_tables_and_choices),
      BT_TEST(refuses_tables_without_rows_or_columns),
      BT_TEST(refuses_too_many_inputs),
      BT_TEST(blocks_of_bytes_go_by_their_prefix),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
