/* labels: unit prop */
/* test_encoding_apply.c - rows encoded, against formulas by hand; pieces against the whole; tables that do not fit. */
#include "data/encoding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"

static const char training[] = "age,colour,y\n"
                               "2,red,a\n4,green,b\n,red,a\n6,,b\n";

/* ---- values ---- */

static void encodes_each_kind_by_its_formula(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, training);
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  const double z = 2 / sqrt(8.0 / 3); /* of the ages 2 and 6 */
  /* age, age is missing, green, red, colour is missing */
  const double expected[4][5] = {{-z, 0, 0, 1, 0}, {0, 0, 1, 0, 0}, {0, 1, 0, 1, 0}, {z, 0, 0, 1, 1}};
  const int32_t classes[] = {0, 1, 0, 1};
  assert_int_equal(d.rows, 4);
  assert_int_equal(d.columns, 5);
  assert_int_equal(d.dtype, BP_F64);
  assert_true(d.scale == 1 && d.shift == 0);
  bt_assert_close_f64(d.features, expected[0], 20, 1e-15, 0);
  assert_int_equal(d.target_dtype, BP_I32);
  assert_int_equal(d.outputs, 2);
  bt_assert_same_bits(d.targets, classes, sizeof classes);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void float32_is_float64_rounded(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, training);
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_NONE), f;
  bt_assert_ok(ctx, bp_encoding_apply(ctx, e, t, bp_rows_all(t), BP_F32, BP_TARGETS_NONE, &f));
  assert_null(f.targets);
  for (int i = 0; i < 20; i++) assert_true(((const float *)f.features)[i] == (float)((const double *)d.features)[i]);
  bp_encoded_release(&d);
  bp_encoded_release(&f);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void training_rows_have_mean_zero_and_deviation_one(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  double x[500], y[500], sum = 0, squares = 0;
  for (int i = 0; i < 500; i++) x[i] = 1e6 + sin(i) * 3, y[i] = cos(i);
  bt_assert_ok(ctx, bp_table_new(ctx, 500, &t));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "x", x));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "y", y));
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  const double *v = d.features;
  for (int i = 0; i < 500; i++) sum += v[i], squares += v[i] * v[i];
  bt_assert_close(sum / 500, 0, 0, 1e-9);
  bt_assert_close(squares / 500, 1, 1e-9, 0);
  assert_int_equal(d.target_dtype, BP_F64);
  assert_int_equal(d.outputs, 1);
  const double *targets = d.targets;
  for (int i = 0; i < 500; i++)
    bt_assert_close(targets[i] * e->targets[0].scale + e->targets[0].mean, y[i], 1e-14, 1e-15);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void several_targets_are_standardised_each_by_itself(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "a,x,b,w\n1,1,10,0.5\n2,5,30,2\n3,9,50,0.5\n");
  bp_encoding_options options = {.target = "b, a", .weight = "w"};
  const double expected[] = {-1, -1, 0, 0, 1, 1}, weights[] = {0.5, 2, 0.5}, unit = sqrt(3);
  bp_encoding *e = bt_learn(ctx, t, &options);
  assert_int_equal(e->n_targets, 2);
  assert_string_equal(e->targets[0].name, "b");
  assert_string_equal(e->weight, "w");
  assert_int_equal(e->n_features, 1);
  bt_assert_close(e->targets[0].mean, 30, 0, 0);
  bt_assert_close(e->targets[1].scale, sqrt(1.0 / 3), 1e-15, 0);
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  assert_int_equal(d.outputs, 2);
  const double *targets = d.targets;
  for (int i = 0; i < 6; i++) bt_assert_close(targets[i], expected[i] * unit, 1e-15, 0);
  bt_assert_close_f64(d.weights, weights, 3, 0, 0);
  bp_encoded_release(&d);
  d = bt_apply(ctx, e, t, BP_TARGETS_NONE);
  assert_null(d.weights);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void a_missing_column_of_weights_is_told(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,y,w\n1,1.5,1\n2,2.5,3\n"), *without = bt_table(ctx, "x,y\n1,1.5\n");
  bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = "y", .weight = "w"});
  bp_encoded d = bt_apply(ctx, e, without, BP_TARGETS_OWN);
  assert_null(d.weights);
  assert_non_null(
      strstr(bt_fixture_of(state)->message, "the column of weights 'w' is not there; every row counts the same"));
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
  bp_table_free(without);
}

static const struct {
  const char *csv, *target, *weight, *words;
} bad_aims[] = {
    {"x,y\n1,2\n3,4\n", "y,y", NULL, "'y' is a target twice"},
    {"x,y\n1,2\n3,4\n", "y,z", NULL, "there is no column 'z' (target)"},
    {"x,y\n1,2\n3,4\n", "y", "z", "there is no column 'z' (weight)"},
    {"x,y\n1,2\n3,4\n", "y", "y", "'y' is the target and the weight of rows"},
    {"x,y,w\n1,2,a\n3,4,b\n", "y", "w", "the weight 'w' is a column of text"},
    {"x,y,t\n1,2,a\n3,4,b\n", "y,t", NULL, "the target 't' is text, and several targets are numbers"},
};

static void bad_targets_and_weights_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof bad_aims / sizeof *bad_aims; i++) {
    bp_table *t = bt_table(ctx, bad_aims[i].csv);
    bp_encoding *e = NULL;
    bp_encoding_options options = {.target = bad_aims[i].target, .weight = bad_aims[i].weight};
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), &options, &e));
    bt_assert_message(ctx, bad_aims[i].words);
    bp_table_free(t);
  }
}

static void bad_weights_are_told_with_their_row(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const char *const bad[] = {"-1", "inf", ""};
  for (size_t i = 0; i < 3; i++) {
    char csv[80];
    (void)snprintf(csv, sizeof csv, "x,y,w\n1,1.5,1\n2,2.5,%s\n", bad[i]);
    bp_table *t = bt_table(ctx, csv), *good = bt_table(ctx, "x,y,w\n1,1.5,1\n2,2.5,1\n");
    bp_encoding_options options = {.target = "y", .weight = "w"};
    bp_encoding *e = NULL;
    bp_encoded d;
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_learn(ctx, t, bp_rows_all(t), &options, &e));
    bt_assert_message(ctx, "t.csv:3: the weight 'w' is");
    e = bt_learn(ctx, good, &options);
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, t, bp_rows_all(t), BP_F64, BP_TARGETS_OWN, &d));
    bt_assert_message(ctx, "the weight 'w' is");
    bp_encoding_free(e);
    bp_table_free(t);
    bp_table_free(good);
  }
}

/* ---- rows ---- */

static void pieces_make_the_whole(void **state) {
  enum { ROWS = 700 };
  bp_context *ctx = bt_ctx(state);
  bp_table *t;
  double x[ROWS], y[ROWS];
  const char *c[ROWS];
  static const char *const words[] = {"a", "b", "", "c"};
  for (int i = 0; i < ROWS; i++) x[i] = i % 11 == 3 ? NAN : i * 0.37, y[i] = i % 3, c[i] = words[(i * 7) % 4];
  bt_assert_ok(ctx, bp_table_new(ctx, ROWS, &t));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "x", x));
  bt_assert_ok(ctx, bp_table_add_text(ctx, t, "c", c));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "y", y));
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded whole = bt_apply(ctx, e, t, BP_TARGETS_OWN), piece;
  bp_binding *b;
  size_t row = (size_t)whole.columns * sizeof(double);
  bt_assert_ok(ctx, bp_encoding_bind(ctx, e, t, true, &b));
  for (int64_t first = 0, n = 1; first < ROWS; first += n, n = n * 2 + 1) {
    if (n > ROWS - first) n = ROWS - first;
    bt_assert_ok(ctx, bp_binding_encode(ctx, b, (bp_rows){.first = first, .n = n}, BP_F64, BP_TARGETS_OWN, &piece));
    bt_assert_same_bits(piece.features, (const char *)whole.features + (size_t)first * row, (size_t)n * row);
    bt_assert_same_bits(piece.targets, (const int32_t *)whole.targets + first, (size_t)n * sizeof(int32_t));
    bp_encoded_release(&piece);
  }
  const int32_t list[] = {699, 0, 5, 5, 130};
  bt_assert_ok(ctx, bp_binding_encode(ctx, b, (bp_rows){.list = list, .n = 5}, BP_F64, BP_TARGETS_OWN, &piece));
  for (int i = 0; i < 5; i++)
    bt_assert_same_bits((const char *)piece.features + (size_t)i * row,
                        (const char *)whole.features + (size_t)list[i] * row, row);
  bp_encoded_release(&piece);
  bt_assert_ok(ctx, bp_binding_encode(ctx, b, (bp_rows){.first = 9, .n = 0}, BP_F64, BP_TARGETS_OWN, &piece));
  assert_int_equal(piece.rows, 0);
  bp_encoded_release(&piece);
  bp_binding_free(b);
  bp_encoded_release(&whole);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* ---- bytes ---- */

static const uint8_t pixels[12] = {0, 1, 2, 255, 254, 253, 7, 8, 9, 100, 50, 25};
static const double labels[4] = {0, 1, 1, 0};

static bp_table *images(bp_context *ctx) {
  bp_table *t;
  bt_assert_ok(ctx, bp_table_new(ctx, 4, &t));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, t, "pixel", 3, pixels));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "label", labels));
  return t;
}

static void bytes_in_a_row_are_not_copied(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = images(ctx);
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  assert_int_equal(d.dtype, BP_U8);
  assert_ptr_equal(d.features, t->block);
  bt_assert_close(d.scale, 1.0 / 255, 0, 0);
  assert_true(d.shift == 0);
  bp_encoded_release(&d);
  bt_assert_ok(ctx, bp_encoding_apply(ctx, e, t, (bp_rows){.first = 2, .n = 2}, BP_F32, BP_TARGETS_NONE, &d));
  assert_ptr_equal(d.features, t->block + 6);
  bp_encoded_release(&d);
  const int32_t list[] = {3, 1};
  bt_assert_ok(ctx, bp_encoding_apply(ctx, e, t, (bp_rows){.list = list, .n = 2}, BP_F32, BP_TARGETS_NONE, &d));
  assert_int_equal(d.dtype, BP_U8);
  assert_ptr_equal(d.features, t->block); /* rows of a list stay where they are */
  assert_ptr_equal(d.places, list);
  assert_true(d.rows == 2 && d.stored == 4);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void bytes_beside_other_columns_become_numbers(void **state) {
  static const double x[4] = {1, 2, 3, 4};
  bp_context *ctx = bt_ctx(state);
  bp_table *t = images(ctx);
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, t, "x", x));
  bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = "label"});
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  assert_int_equal(d.dtype, BP_F64);
  assert_int_equal(d.columns, 4);
  for (int r = 0; r < 4; r++)
    for (int c = 0; c < 3; c++)
      bt_assert_close(((const double *)d.features)[r * 4 + c], pixels[r * 3 + c] / 255.0, 0, 0);
  bp_encoded_release(&d);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void columns_of_numbers_stand_in_for_bytes(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = images(ctx);
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_table *csv = bt_table(ctx, "pixel2,pixel0,pixel1\n2,0,1\n253,255,254\n");
  bp_encoded d = bt_apply(ctx, e, csv, BP_TARGETS_NONE);
  assert_int_equal(d.dtype, BP_U8);
  bt_assert_same_bits(d.features, pixels, 6);
  bp_encoded_release(&d);
  bp_table_free(csv);
  static const struct {
    const char *text, *message;
  } rows[] = {{"pixel0,pixel1,pixel2\n1,2,3\n1,256,3\n",
               "t.csv:3: column 'pixel1' is 256; the model was trained with whole numbers from 0"},
              {"pixel0,pixel1,pixel2\n1,2,0.5\n", "is 0.5"},
              {"pixel0,pixel1,pixel2\n,2,3\n", "is missing"},
              {"pixel0,pixel1,pixel2\n1,k,3\n", "t.csv:2: column 'pixel1' holds a text, 'k'"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    csv = bt_table(ctx, rows[i].text);
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, csv, bp_rows_all(csv), BP_F32, BP_TARGETS_NONE, &d));
    bt_assert_message(ctx, rows[i].message);
    bp_table_free(csv);
  }
  bp_encoding_free(e);
  bp_table_free(t);
}

static void columns_of_numbers_may_be_bytes(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *csv = bt_table(ctx, "pixel0,pixel1,pixel2,label\n0,1,2,0\n255,254,253,1\n7,8,9,1\n100,50,25,0\n");
  bp_table *t = images(ctx);
  bp_encoding *e = bt_learn(ctx, csv, NULL);
  bp_encoded a = bt_apply(ctx, e, csv, BP_TARGETS_OWN), b = bt_apply(ctx, e, t, BP_TARGETS_OWN);
  bt_assert_same_bits(a.features, b.features, 12 * sizeof(double));
  bp_encoded_release(&a);
  bp_encoded_release(&b);
  bp_encoding_free(e);
  bp_table_free(t);
  bp_table_free(csv);
}

static void refuses_images_of_another_size(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = images(ctx), *other;
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded d;
  bt_assert_ok(ctx, bp_table_new(ctx, 3, &other));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, other, "pixel", 4, pixels));
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, other, bp_rows_all(other), BP_F32, BP_TARGETS_NONE, &d));
  bt_assert_message(ctx, "rows of 4 bytes ('pixel'); the model was trained with rows of 3");
  bp_table_free(other);
  bp_encoding_free(e);
  bp_table_free(t);
}

/* ---- tables that the model did not see ---- */

/* An encoding of x (number), c (category), and target y, with z ignored and k constant. */
static bp_encoding *small_encoding(bp_context *ctx) {
  bp_table *t = bt_table(ctx, "x,c,z,k,y\n1,a,5,1,no\n2,b,6,1,yes\n3,7,7,1,no\n");
  bp_encoding *e = bt_learn(ctx, t, &(bp_encoding_options){.target = "y", .ignore = "z"});
  bp_table_free(t);
  return e;
}

static void columns_are_found_by_name(void **state) {
  static const char *const texts[] = {"x,c\n1,a\n2,7\n", "c,x\na,1\n7,2\n", "y,c,k,z,x\n,a,9,text,1\nmaybe,7,8,,2\n"};
  bp_context *ctx = bt_ctx(state);
  bp_encoding *e = small_encoding(ctx);
  const double r = 1 / sqrt(2.0 / 3), expected[] = {-r, 0, 1, 0, 0, 1, 0, 0};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bp_table *t = bt_table(ctx, texts[i]);
    bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_NONE);
    bt_assert_close_f64(d.features, expected, 8, 1e-15, 0);
    bp_encoded_release(&d);
    bp_table_free(t);
  }
  bp_encoding_free(e);
}

static void refuses_columns_that_do_not_fit(void **state) {
  static const struct {
    const char *text;
    bp_targets targets;
    const char *message;
  } rows[] = {
      {"x\n1\n", BP_TARGETS_NONE, "t.csv: the model was trained with columns that are missing here: 'c'"},
      {"q\n1\n", BP_TARGETS_NONE, "missing here: 'x', 'c'"},
      {"x,C\n1,a\n", BP_TARGETS_NONE, "the column 'c' is missing, which the model was trained with; is it 'C'?"},
      {"x,c,extra\n1,a,2\n", BP_TARGETS_NONE, "t.csv: the model does not know the column 'extra'; remove it"},
      {"x,c,e,f\n1,a,2,3\n", BP_TARGETS_NONE, "does not know the columns 'e', 'f'; remove them"},
      {"x,c\n1,a\nlots,b\n", BP_TARGETS_NONE,
       "t.csv:3: column 'x' holds a text, 'lots'; the model was trained with numbers"},
      {"x,c\n1,a\ninf,b\n", BP_TARGETS_NONE, "t.csv:3: column 'x' is inf, which is infinite"},
      {"x,c\n1,a\n1e308,b\n", BP_TARGETS_NONE, "t.csv:3: column 'x' is 1e+308, too far"},
      {"x,c\n1,a\n", BP_TARGETS_OWN, "t.csv: the target column 'y' is missing"},
      {"x,c,y\n1,a,no\n2,a,perhaps\n", BP_TARGETS_OWN,
       "t.csv:3: the target 'y' is 'perhaps', a class that training never saw; the classes are 'no', 'yes'"},
      {"x,c,y\n1,a,no\n2,a,\n", BP_TARGETS_OWN, "t.csv:3: the target 'y' is missing"},
      {"x,c,y\n1,a,4\n2,a,5\n", BP_TARGETS_OWN, "t.csv:2: the target 'y' is '4', a class that training never saw"},
  };
  bp_context *ctx = bt_ctx(state);
  bp_encoding *e = small_encoding(ctx);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = bt_table(ctx, rows[i].text);
    bp_encoded d, before;
    memset(&d, 0x5A, sizeof d);
    before = d;
    bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, t, bp_rows_all(t), BP_F32, rows[i].targets, &d));
    bt_assert_message(ctx, rows[i].message);
    bt_assert_same_bits(&d, &before, sizeof d);
    bp_table_free(t);
  }
  bp_encoding_free(e);
}

static void refuses_text_where_values_were_predicted(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = bt_table(ctx, "x,y\n1,1.5\n2,2.5\n"), *other = bt_table(ctx, "x,y\n1,low\n");
  bp_encoding *e = bt_learn(ctx, t, NULL);
  bp_encoded d;
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, other, bp_rows_all(other), BP_F32, BP_TARGETS_OWN, &d));
  bt_assert_message(ctx, "t.csv:2: the target 'y' holds a text, 'low'");
  bp_table_free(other);
  other = bt_table(ctx, "x,y\n1,1\n2,\n");
  bt_assert_fails(ctx, BP_E_DATA, bp_encoding_apply(ctx, e, other, bp_rows_all(other), BP_F32, BP_TARGETS_OWN, &d));
  bt_assert_message(ctx, "t.csv:3: the target 'y' is missing");
  bp_table_free(other);
  bp_encoding_free(e);
  bp_table_free(t);
}

static void unknown_categories_are_zero_with_one_warning(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_encoding *e = small_encoding(ctx);
  bt_fixture_of(state)->messages = 0; /* of learning */
  bp_table *t = bt_table(ctx, "x,c\n1,violet\n2,b\n3,blue\n");
  bp_binding *b;
  bp_encoded d;
  bt_assert_ok(ctx, bp_encoding_bind(ctx, e, t, false, &b));
  for (int64_t r = 0; r < 3; r++) {
    bt_assert_ok(ctx, bp_binding_encode(ctx, b, (bp_rows){.first = r, .n = 1}, BP_F64, BP_TARGETS_NONE, &d));
    const double *v = d.features;
    assert_true(v[1] == 0 && v[2] == 0 && v[3] == (r == 1));
    bp_encoded_release(&d);
  }
  assert_int_equal(bt_fixture_of(state)->messages, 0);
  bp_binding_warn(ctx, b);
  assert_int_equal(bt_fixture_of(state)->messages, 1);
  assert_non_null(
      strstr(bt_fixture_of(state)->message, "column 'c': 2 rows hold texts that training never saw, first 'violet'"));
  assert_int_equal(bt_fixture_of(state)->kind, BP_WARNING);
  bp_binding_warn(ctx, b);
  assert_int_equal(bt_fixture_of(state)->messages, 1);
  bp_binding_free(b);
  bp_table_free(t);
  bp_encoding_free(e);
}

static void values_missing_for_the_first_time_are_filled_with_a_warning(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_encoding *e = small_encoding(ctx);
  bt_fixture_of(state)->messages = 0; /* of learning */
  bp_table *t = bt_table(ctx, "x,c\n,b\n1,b\n");
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_NONE);
  bt_assert_close(*(const double *)d.features, 0, 0, 0); /* the median, 2, is the mean */
  assert_int_equal(bt_fixture_of(state)->messages, 1);
  assert_non_null(strstr(bt_fixture_of(state)->message,
                         "column 'x' has no value in 1 row, and always had one in training; taken as '2', the median"));
  bp_encoded_release(&d);
  bp_table_free(t);
  bp_encoding_free(e);
}

/* "7" was a category among texts; alone it makes its column one of numbers. */
static void numbers_are_categories_that_look_like_them(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_encoding *e = small_encoding(ctx);
  bp_table *t = bt_table(ctx, "x,c\n1,7\n2,7.0\n3,8\n");
  bp_encoded d = bt_apply(ctx, e, t, BP_TARGETS_NONE);
  const double *v = d.features;
  assert_true(v[1] == 1 && v[5] == 1);
  assert_true(v[9] == 0 && v[10] == 0 && v[11] == 0);
  assert_non_null(strstr(bt_fixture_of(state)->message, "1 row holds a text that training never saw, first '8'"));
  bp_encoded_release(&d);
  bp_table_free(t);
  bp_encoding_free(e);
}

static void classes_may_change_their_type(void **state) {
  static const char *const texts[] = {"x,y\n1,0\n2,10\n3,9\n", "x,y\n1,0.0\n2,1e1\n3,09\n"};
  const int32_t expected[] = {0, 2, 1};
  bp_context *ctx = bt_ctx(state);
  bp_read_options as_text = {.size = sizeof as_text, .as_text = "y"};
  bp_encoding_options o = {.target = "y", .goal = BP_GOAL_CLASSIFICATION};
  for (size_t i = 0; i < 4; i++) {
    bp_table *a = NULL, *b = NULL;
    bt_assert_ok(ctx, bt_read_csv(ctx, texts[0], i & 1 ? &as_text : NULL, &a));
    bt_assert_ok(ctx, bt_read_csv(ctx, texts[1], i & 2 ? &as_text : NULL, &b));
    bp_encoding *e = bt_learn(ctx, a, &o);
    bp_encoded d = bt_apply(ctx, e, b, BP_TARGETS_OWN);
    bt_assert_same_bits(d.targets, expected, sizeof expected);
    bp_encoded_release(&d);
    bp_encoding_free(e);
    bp_table_free(a);
    bp_table_free(b);
  }
}

static void a_binding_without_targets_gives_none(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_encoding *e = small_encoding(ctx);
  bp_table *t = bt_table(ctx, "x,c,y\n1,a,no\n");
  bp_binding *b;
  bp_encoded d;
  bt_assert_ok(ctx, bp_encoding_bind(ctx, e, t, false, &b));
  bt_assert_fails(ctx, BP_E_ARG, bp_binding_encode(ctx, b, bp_rows_all(t), BP_F32, BP_TARGETS_OWN, &d));
  bp_binding_free(b);
  bp_table_free(t);
  bp_encoding_free(e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(encodes_each_kind_by_its_formula),
      BT_TEST(float32_is_float64_rounded),
      BT_TEST(training_rows_have_mean_zero_and_deviation_one),
      BT_TEST(several_targets_are_standardised_each_by_itself),
      BT_TEST(a_missing_column_of_weights_is_told),
      BT_TEST(bad_targets_and_weights_are_refused),
      BT_TEST(bad_weights_are_told_with_their_row),
      BT_TEST(pieces_make_the_whole),
      BT_TEST(bytes_in_a_row_are_not_copied),
      BT_TEST(bytes_beside_other_columns_become_numbers),
      BT_TEST(columns_of_numbers_stand_in_for_bytes),
      BT_TEST(columns_of_numbers_may_be_bytes),
      BT_TEST(refuses_images_of_another_size),
      BT_TEST(columns_are_found_by_name),
      BT_TEST(refuses_columns_that_do_not_fit),
      BT_TEST(refuses_text_where_values_were_predicted),
      BT_TEST(unknown_categories_are_zero_with_one_warning),
      BT_TEST(values_missing_for_the_first_time_are_filled_with_a_warning),
      BT_TEST(numbers_are_categories_that_look_like_them),
      BT_TEST(classes_may_change_their_type),
      BT_TEST(a_binding_without_targets_gives_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
