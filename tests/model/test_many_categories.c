/* Training on a column of thousands of categories: what it takes of memory, and that nothing else is different about it. */
/* labels: unit io */
#include <stdlib.h>

#include "backprop/checkpoint.h"
#include "backprop/predict.h"
#include "model/model_fixtures.h"

enum { ROWS = 4000, NAME = 8 };

/* NEW table: in each row a category of its own out of `count`, from number `first` on; a number; and a value that depends on both. */
static bp_table *new_table(bp_context *ctx, int rows, int first, int count) {
  char(*names)[NAME] = malloc((size_t)rows * NAME);
  const char **texts = malloc((size_t)rows * sizeof *texts);
  double *x = malloc(2 * (size_t)rows * sizeof *x), *y = x + rows;
  bp_table *table = NULL;
  for (int r = 0; r < rows; r++) {
    (void)snprintf(names[r], NAME, "c%d", (first + r % count) % 100000);
    texts[r] = names[r];
    x[r] = sin(r);
    y[r] = x[r] + r % count % 5 + 0.25;
  }
  bt_assert_ok(ctx, bp_table_new(ctx, rows, &table));
  bt_assert_ok(ctx, bp_table_add_text(ctx, table, "name", texts));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "x", x));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "y", y));
  free(names);
  free(texts);
  free(x);
  return table;
}

static bp_train_options options_of(const char *embed) {
  bp_train_options o = bt_small(BP_F32);
  o.embed = embed;
  o.max_categories = -1;
  o.fit.epochs = 1;
  o.fit.batch_size = 32;
  return o;
}

/* Bytes at the peak of a training above what there was before. */
static size_t peak_of(void **state, const bp_train_options *o) {
  bp_context *ctx = bt_ctx(state);
  bt_alloc_state *memory = &bt_fixture_of(state)->memory;
  bp_table *table = new_table(ctx, ROWS, 0, ROWS);
  size_t live = memory->live_bytes;
  memory->peak_bytes = live;
  bp_model_free(bt_train(ctx, table, o));
  size_t peak = memory->peak_bytes - live;
  bp_table_free(table);
  return peak;
}

/* Rows of ones and zeros would be 4000 · 4001 · 4 = 64 MB; a batch is half a MB. */
static void memory_grows_with_rows_not_with_rows_times_categories(void **state) {
  bp_train_options o = options_of("4"), plain = options_of(NULL);
  size_t embedded = peak_of(state, &o), direct = peak_of(state, &plain);
  print_message("peak: %zu bytes embedded, %zu bytes without\n", embedded, direct);
  assert_in_range(embedded, 1, 8 << 20);
  assert_in_range(direct, 1, 8 << 20);
}

/* Pieces of 1024 rows. */
static void methods_of_all_rows_take_pieces(void **state) {
  bp_train_options o = options_of("4");
  o.fit.optimizer = BP_LBFGS;
  o.fit.lr = 0;
  o.fit.batch_size = 0;
  size_t peak = peak_of(state, &o);
  print_message("peak: %zu bytes\n", peak);
  assert_in_range(peak, 1, 48 << 20);
}

/* ---- the model ---- */

/* The same of the model and of the model read back. */
static void assert_one_answer(bp_context *ctx, const bp_model *model, const bp_model *loaded, const bp_table *table) {
  double a[8], b[8];
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, a));
  bt_assert_ok(ctx, bp_model_predict(ctx, loaded, table, 1, b));
  bt_assert_same_bits(a, b, sizeof a);
  for (int r = 0; r < 8; r++) assert_true(isfinite(a[r]));
}

static void assert_used_as_any(bp_context *ctx, int64_t max_categories) {
  bp_table *table = new_table(ctx, 600, 0, 150), *known = new_table(ctx, 8, 0, 150),
           *unknown = new_table(ctx, 8, 9000, 8);
  bp_train_options o = options_of("3");
  bp_model *loaded = NULL;
  bp_predictor *predictor = NULL;
  char path[BT_PATH];
  bt_dir dir;
  bt_dir_make(&dir);
  o.valid_fraction = 0.2;
  o.max_categories = max_categories;
  bp_model *model = bt_train(ctx, table, &o);
  assert_int_equal(bp_model_column(model, 0).others, max_categories > 0);
  bt_assert_ok(ctx, bp_model_save(ctx, model, bt_dir_file(&dir, "m.safetensors", path)));
  bt_assert_ok(ctx, bp_model_load(ctx, path, &loaded));
  assert_one_answer(ctx, model, loaded, known);
  assert_one_answer(ctx, model, loaded, unknown);
  bt_assert_ok(ctx, bp_predictor_new(ctx, loaded, NULL, &predictor));
  double of_table[8], of_row;
  bt_assert_ok(ctx, bp_model_predict(ctx, model, unknown, 1, of_table));
  for (int r = 0; r < 8; r++) {
    const double row[] = {-1, sin(r)}; /* no category */
    bt_assert_ok(ctx, bp_predict_f64(predictor, 1, row, &of_row));
    bt_assert_same_bits(&of_row, &of_table[r], sizeof of_row);
  }
  bp_predictor_free(predictor);
  bp_model_free(loaded);
  bp_model_free(model);
  bp_table_free(table);
  bp_table_free(known);
  bp_table_free(unknown);
  bt_dir_remove(&dir);
}

static void models_are_saved_and_used_as_any(void **state) { assert_used_as_any(bt_ctx(state), -1); }
static void also_where_rare_texts_share_an_input(void **state) { assert_used_as_any(bt_ctx(state), 100); }

/* ---- going on ---- */

static bp_action suspend(void *user, const bp_fit_step *step) {
  return step->step == *(const int64_t *)user ? BP_SUSPEND : BP_GO_ON;
}

static void save_trained(bp_context *ctx, const bp_table *table, const bp_train_options *o, const char *path) {
  bp_model *model = bt_train(ctx, table, o);
  bt_assert_ok(ctx, bp_model_save(ctx, model, path));
  bp_model_free(model);
}

static void a_run_goes_on_and_other_data_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = new_table(ctx, 300, 0, 150), *other = new_table(ctx, 300, 0, 149);
  bp_train_options whole = options_of("3"), first = whole, second = whole;
  char a[BT_PATH], b[BT_PATH], checkpoint[BT_PATH];
  int64_t at = 7;
  bp_model *none = NULL;
  bt_dir dir;
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "a", a), (void)bt_dir_file(&dir, "b", b);
  whole.fit.epochs = first.fit.epochs = second.fit.epochs = 2;
  save_trained(ctx, table, &whole, a);
  first.checkpoint = bt_dir_file(&dir, "c", checkpoint);
  first.fit.step = suspend;
  first.fit.step_user = &at;
  save_trained(ctx, table, &first, b);
  second.resume = checkpoint;
  save_trained(ctx, table, &second, b);
  size_t size;
  char *text = bt_read_file(a, &size);
  assert_true(bt_file_is(b, text, size));
  free(text);
  bt_assert_fails(ctx, BP_E_DATA, bp_model_train(ctx, other, NULL, &second, &none, NULL));
  bp_table_free(table);
  bp_table_free(other);
  bt_dir_remove(&dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(memory_grows_with_rows_not_with_rows_times_categories),
      BT_TEST(methods_of_all_rows_take_pieces),
      BT_TEST(models_are_saved_and_used_as_any),
      BT_TEST(also_where_rare_texts_share_an_input),
      BT_TEST(a_run_goes_on_and_other_data_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
