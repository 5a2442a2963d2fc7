/* Rows of plain numbers through a model: the same bits as tables give, however rows are cut and whoever runs them. */
#include <pthread.h>
#include <stdlib.h>

#include "backprop/predict.h"
#include "model/model_fixtures.h"

static bp_predictor *predictor_of(bp_context *ctx, const bp_model *model, bp_space space, int threads,
                                  int64_t max_rows) {
  bp_predictor_options options = {.size = sizeof options, .space = space, .threads = threads, .max_rows = max_rows};
  bp_predictor *predictor = NULL;
  bt_assert_ok(ctx, bp_predictor_new(ctx, model, &options, &predictor));
  return predictor;
}

/* ---- columns ---- */

/* All rows of bt_table_of(): a missing number, categories. Its numbers are exact in float32. */
static void check_columns(bp_context *ctx, bt_target target, bp_dtype dtype) {
  bp_model *model = bt_small_model(ctx, target, dtype);
  bp_table *table = bt_table_of(ctx, target, BT_ROWS);
  double expected[BT_ROWS * 3], values[BT_ROWS * 2], output[BT_ROWS * 3];
  float values32[BT_ROWS * 2], output32[BT_ROWS * 3];
  int64_t n = BT_ROWS * bp_model_outputs(model);
  assert_int_equal(bp_model_width(model, BP_SPACE_COLUMNS), 2);
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, expected));
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, values));
  for (int i = 0; i < BT_ROWS * 2; i++) values32[i] = (float)values[i];
  bp_predictor *p = predictor_of(ctx, model, BP_SPACE_COLUMNS, 0, 0);
  bt_assert_ok(ctx, bp_predict_f64(p, BT_ROWS, values, output));
  bt_assert_same_bits(output, expected, (size_t)n * sizeof *output);
  bt_assert_ok(ctx, bp_predict_f32(p, BT_ROWS, values32, output32));
  for (int64_t i = 0; i < n; i++) assert_true(output32[i] == (float)expected[i]);
  bp_predictor_free(p);
  bp_table_free(table);
  bp_model_free(model);
}

static void columns_give_the_bits_of_a_table(void **state) {
  for (bt_target target = BT_TWO; target <= BT_VALUE; target++) {
    check_columns(bt_ctx(state), target, BP_F32);
    check_columns(bt_ctx(state), target, BP_F64);
  }
}

/* Row 5 lacks its width; categories are numbered as the model lists them, and unknown ones are not. */
static void values_of_a_table(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_VALUE, BP_F64);
  bp_table *table = bt_table_of(ctx, BT_VALUE, BT_ROWS), *other = NULL;
  const char *const colours[] = {"pink", "", "blue"};
  const double widths[] = {1, 2, 3};
  double values[BT_ROWS * 2];
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, values));
  assert_true(isnan(values[10]));
  for (int r = 0; r < BT_ROWS; r++) {
    bp_column_info info = bp_model_column(model, 1);
    assert_string_equal(info.categories[(int)values[2 * r + 1]], bp_table_text(table, r, 1));
  }
  bt_assert_ok(ctx, bp_table_new(ctx, 3, &other));
  bt_assert_ok(ctx, bp_table_add_text(ctx, other, "colour", colours));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, other, "width", widths));
  bt_assert_ok(ctx, bp_model_values(ctx, model, other, values));
  bt_assert_close(values[1], -1, 0, 0);
  assert_true(isnan(values[3]));
  bt_assert_close(values[4], 3, 0, 0);
  bp_table_free(other);
  bp_table_free(table);
  bp_model_free(model);
}

/* ---- network inputs ---- */

/* Prepared by hand from what the model says about its columns; in float64 the arithmetic is the same to the last bit. */
static void inputs_are_prepared_columns(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F64);
  bp_column_info width = bp_model_column(model, 0), colour = bp_model_column(model, 1);
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  double values[BT_ROWS * 2], inputs[BT_ROWS * 5], expected[BT_ROWS * 3], output[BT_ROWS * 3];
  assert_int_equal(bp_model_width(model, BP_SPACE_INPUTS), 5); /* number, indicator, three colours */
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, values));
  for (int r = 0; r < BT_ROWS; r++) {
    double *x = inputs + r * 5L, value = values[2 * r];
    x[0] = ((isnan(value) ? width.missing : value) - width.mean) / width.scale;
    x[1] = isnan(value);
    for (int c = 0; c < (int)colour.n_categories; c++) x[2 + c] = values[2 * r + 1] == c;
  }
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, expected));
  bp_predictor *p = predictor_of(ctx, model, BP_SPACE_INPUTS, 0, 0);
  bt_assert_ok(ctx, bp_predict_f64(p, BT_ROWS, inputs, output));
  bt_assert_same_bits(output, expected, sizeof output);
  bp_predictor_free(p);
  bp_table_free(table);
  bp_model_free(model);
}

/* ---- images: rows are cut at random ---- */

enum { IMAGES = 300, PIXELS = 70, CLASSES = 3 };

static bp_table *images(bp_context *ctx, uint8_t *pixels) {
  static double label[IMAGES];
  bp_table *table = NULL;
  uint32_t x = 1;
  for (int i = 0; i < IMAGES * PIXELS; i++) pixels[i] = (uint8_t)((x = x * 1664525U + 1013904223U) >> 24);
  for (int i = 0; i < IMAGES; i++) label[i] = pixels[i * PIXELS] % CLASSES;
  bt_assert_ok(ctx, bp_table_new(ctx, IMAGES, &table));
  bt_assert_ok(ctx, bp_table_add_bytes(ctx, table, "pixel", PIXELS, pixels));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "label", label));
  return table;
}

static uint8_t pixels[IMAGES * PIXELS];

/* A network wide enough for products of every kind of tile. */
static bp_model *image_model(bp_context *ctx, bp_dtype dtype) {
  bp_train_options options = bt_small(dtype);
  options.n_hidden = 2;
  options.hidden[0] = 130;
  options.hidden[1] = 37;
  options.fit.epochs = 1;
  options.task = BP_TASK_CLASSIFICATION;
  bp_table *table = images(ctx, pixels);
  bp_model *model = bt_train(ctx, table, &options);
  bp_table_free(table);
  return model;
}

static void check_cuts(bp_context *ctx, bp_dtype dtype) {
  static float whole[IMAGES * CLASSES], cut[IMAGES * CLASSES];
  bp_model *model = image_model(ctx, dtype);
  bp_predictor *all = predictor_of(ctx, model, BP_SPACE_COLUMNS, 1, 0);
  bt_assert_ok(ctx, bp_predict_u8(all, IMAGES, pixels, whole));
  srand(1);
  for (int round = 0; round < 12; round++) {
    bp_predictor *p = predictor_of(ctx, model, BP_SPACE_COLUMNS, round % 4, round % 3 == 0 ? 1 + rand() % 50 : 0);
    int most = round < 2 ? 1 : 1 + rand() % 100;
    memset(cut, 0xff, sizeof cut);
    for (int first = 0, n; first < IMAGES; first += n) {
      n = 1 + rand() % most;
      if (n > IMAGES - first) n = IMAGES - first;
      bt_assert_ok(ctx, bp_predict_u8(p, n, pixels + first * PIXELS, cut + first * CLASSES));
    }
    bt_assert_same_bits(cut, whole, sizeof whole);
    bp_predictor_free(p);
  }
  bp_predictor_free(all);
  bp_model_free(model);
}

static void a_row_does_not_depend_on_its_batch_f32(void **state) { check_cuts(bt_ctx(state), BP_F32); }
static void a_row_does_not_depend_on_its_batch_f64(void **state) { check_cuts(bt_ctx(state), BP_F64); }

/* Bytes as bytes, as floats, and as the network's inputs (there 1/255 is rounded once more). */
static void images_in_every_form(void **state) {
  static float bytes[IMAGES * CLASSES], floats[IMAGES * CLASSES], inputs[IMAGES * CLASSES], x[IMAGES * PIXELS];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = image_model(ctx, BP_F32);
  bp_predictor *columns = predictor_of(ctx, model, BP_SPACE_COLUMNS, 0, 0);
  bp_predictor *prepared = predictor_of(ctx, model, BP_SPACE_INPUTS, 0, 0);
  bt_assert_ok(ctx, bp_predict_u8(columns, IMAGES, pixels, bytes));
  for (int i = 0; i < IMAGES * PIXELS; i++) x[i] = pixels[i];
  bt_assert_ok(ctx, bp_predict_f32(columns, IMAGES, x, floats));
  bt_assert_same_bits(floats, bytes, sizeof bytes);
  for (int i = 0; i < IMAGES * PIXELS; i++) x[i] = (float)(pixels[i] / 255.0);
  bt_assert_ok(ctx, bp_predict_f32(prepared, IMAGES, x, inputs));
  bt_assert_close_f32(inputs, bytes, IMAGES * CLASSES, 1e-4, 1e-6);
  bp_predictor_free(prepared);
  bp_predictor_free(columns);
  bp_model_free(model);
}

/* ---- threads ---- */

enum { USERS = 4 };

typedef struct user {
  const bp_model *model;
  bool good;
  float output[IMAGES * CLASSES];
} user;

static void *use_model(void *argument) {
  user *u = argument;
  bp_context *ctx = NULL;
  bp_predictor *p = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return NULL;
  u->good = bp_predictor_new(ctx, u->model, NULL, &p) == BP_OK;
  for (int i = 0; i < 10 && u->good; i++)
    for (int r = 0; r < IMAGES && u->good; r += 25)
      u->good = bp_predict_u8(p, 25, pixels + r * PIXELS, u->output + r * CLASSES) == BP_OK;
  bp_predictor_free(p);
  bp_context_free(ctx);
  return NULL;
}

static void many_threads_use_one_model(void **state) {
  static user users[USERS];
  static float expected[IMAGES * CLASSES];
  pthread_t threads[USERS];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = image_model(ctx, BP_F32);
  bp_predictor *p = predictor_of(ctx, model, BP_SPACE_COLUMNS, 0, 0);
  bt_assert_ok(ctx, bp_predict_u8(p, IMAGES, pixels, expected));
  for (int i = 0; i < USERS; i++) {
    users[i].model = model;
    assert_int_equal(pthread_create(&threads[i], NULL, use_model, &users[i]), 0);
  }
  for (int i = 0; i < USERS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(users[i].good);
    bt_assert_same_bits(users[i].output, expected, sizeof expected);
  }
  bp_predictor_free(p);
  bp_model_free(model);
}

/* ---- memory ---- */

static void predicting_allocates_nothing(void **state) {
  static float output[IMAGES * CLASSES], x[IMAGES * PIXELS];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = image_model(ctx, BP_F32);
  bp_predictor *p = predictor_of(ctx, model, BP_SPACE_COLUMNS, 2, 64);
  size_t calls = bt_fixture_of(state)->memory.calls;
  for (int i = 0; i < IMAGES * PIXELS; i++) x[i] = pixels[i];
  for (int rows = IMAGES; rows > 0; rows /= 2) {
    bt_assert_ok(ctx, bp_predict_f32(p, rows, x, output));
    bt_assert_ok(ctx, bp_predict_u8(p, rows, pixels, output));
  }
  assert_int_equal(bt_fixture_of(state)->memory.calls, calls);
  bp_predictor_free(p);
  bp_model_free(model);
}

typedef struct job {
  bt_target target;
  bp_space space;
} job;

static bp_status make_and_use(bp_context *ctx, void *what) {
  const job *j = what;
  bp_context *quiet = NULL;
  bp_predictor *p = NULL;
  double values[BT_ROWS * 5] = {0}, output[BT_ROWS * 3];
  assert_int_equal(bp_context_new(NULL, &quiet), BP_OK);
  bp_model *model = bt_small_model(quiet, j->target, BP_F32); /* its own memory does not fail */
  bp_table *table = bt_table_of(quiet, j->target, BT_ROWS);
  bp_predictor_options options = {.size = sizeof options, .space = j->space};
  bp_status status = bp_model_values(ctx, model, table, values);
  if (status == BP_OK) status = bp_predictor_new(ctx, model, &options, &p);
  assert_int_equal(status == BP_OK, p != NULL);
  if (status == BP_OK) status = bp_predict_f64(p, BT_ROWS, values, output);
  bp_predictor_free(p);
  bp_table_free(table);
  bp_model_free(model);
  bp_context_free(quiet);
  return status;
}

static void making_one_survives_without_memory(void **state) {
  job columns = {BT_VALUE, BP_SPACE_COLUMNS}, inputs = {BT_THREE, BP_SPACE_INPUTS};
  (void)state;
  assert_true(bt_alloc_sweep(make_and_use, &columns) > 8);
  assert_true(bt_alloc_sweep(make_and_use, &inputs) > 8);
}

/* ---- refusals ---- */

static void refuses_values_that_no_row_of_a_table_has(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_VALUE, BP_F32), *image = image_model(ctx, BP_F32);
  double infinite[] = {INFINITY, 0}, far[] = {1e300, 0}, output[3];
  float x[PIXELS] = {0}, out[CLASSES];
  bp_predictor *p = predictor_of(ctx, model, BP_SPACE_COLUMNS, 0, 0);
  bp_predictor *q = predictor_of(ctx, image, BP_SPACE_COLUMNS, 0, 0);
  bt_assert_fails(ctx, BP_E_DATA, bp_predict_f64(p, 1, infinite, output));
  bt_assert_message(ctx, "'width' is inf");
  bt_assert_fails(ctx, BP_E_DATA, bp_predict_f64(p, 1, far, output));
  bt_assert_message(ctx, "too far");
  static const float bad[] = {256, -1, 0.5F, NAN, INFINITY};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    x[7] = bad[i];
    bt_assert_fails(ctx, BP_E_DATA, bp_predict_f32(q, 1, x, out));
    bt_assert_message(ctx, "'pixel7'");
  }
  bt_assert_fails(ctx, BP_E_ARG, bp_predict_f64(p, -1, infinite, output));
  bt_assert_ok(ctx, bp_predict_f64(p, 0, infinite, output));
  bp_predictor_free(q);
  bp_predictor_free(p);
  bp_model_free(image);
  bp_model_free(model);
}

static void refuses_options_out_of_range(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_TWO, BP_F32);
  bp_predictor *p = NULL;
  bp_predictor_options size = {.size = 1}, space = {.size = sizeof space, .space = BP_SPACE_COUNT};
  bp_predictor_options threads = {.size = sizeof threads, .threads = -1}, rows = {.size = sizeof rows, .max_rows = -1};
  bt_assert_fails(ctx, BP_E_ARG, bp_predictor_new(ctx, model, &size, &p));
  bt_assert_fails(ctx, BP_E_ARG, bp_predictor_new(ctx, model, &space, &p));
  bt_assert_fails(ctx, BP_E_ARG, bp_predictor_new(ctx, model, &threads, &p));
  bt_assert_fails(ctx, BP_E_ARG, bp_predictor_new(ctx, model, &rows, &p));
  assert_null(p);
  bp_predictor_free(NULL);
  bp_model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(columns_give_the_bits_of_a_table),
      BT_TEST(values_of_a_table),
      BT_TEST(inputs_are_prepared_columns),
      BT_TEST(a_row_does_not_depend_on_its_batch_f32),
      BT_TEST(a_row_does_not_depend_on_its_batch_f64),
      BT_TEST(images_in_every_form),
      BT_TEST(many_threads_use_one_model),
      BT_TEST(predicting_allocates_nothing),
      cmocka_unit_test(making_one_survives_without_memory),
      BT_TEST(refuses_values_that_no_row_of_a_table_has),
      BT_TEST(refuses_options_out_of_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
