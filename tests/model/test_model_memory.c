/* Every allocation of training, saving, loading, predicting and evaluating fails in turn. */
/* labels: oom */
#include "model/model_fixtures.h"

typedef struct journey {
  char path[BT_PATH], data[BT_PATH];
  bt_target target;
} journey;

static bp_status use(bp_context *ctx, const bp_model *model, const bp_table *table) {
  double output[BT_ROWS * 3];
  bp_metrics metrics;
  bp_status status = bp_model_predict(ctx, model, table, 1, output);
  if (status == BP_OK) status = bp_model_evaluate(ctx, model, table, 1, &metrics);
  if (status == BP_OK) bp_metrics_release(ctx, &metrics);
  return status;
}

static const char two_rows[] = "width,colour\n1.5,red\n2,violet\n";

static bool count(void *user, const bp_table *rows, const double *output) {
  *(int64_t *)user += bp_table_rows(rows);
  return isfinite(output[0]);
}

/* The two rows of a file. */
static bp_status predict_file(bp_context *ctx, const bp_model *model, const char *path) {
  bp_table_stream *stream;
  int64_t rows = 0;
  bp_status status = bp_table_stream_open(ctx, path, NULL, &stream);
  if (status != BP_OK) return status;
  for (int64_t c = 0; c < bp_table_stream_columns(stream); c++)
    bp_table_stream_take(stream, c, bp_model_take(model, bp_table_stream_name(stream, c)));
  status = bp_model_predict_stream(ctx, model, stream, 1, count, &rows);
  assert_true(status != BP_OK || rows == 2);
  bp_table_stream_free(stream);
  return status;
}

static bp_status whole_journey(bp_context *ctx, void *user) {
  journey *j = user;
  bp_train_options options = bt_small(BP_F32);
  bp_model *model = NULL, *loaded = NULL;
  bp_fit_result result;
  bool trained = false;
  options.valid_fraction = 0.25;
  options.normalize = BP_NORMALIZE_BATCH;
  options.dropout = 0.2;
  options.embed = "2";
  options.fit.epochs = 1;
  bp_table *table = bt_table_of(ctx, j->target, BT_ROWS);
  if (!table) return BP_E_NOMEM;
  bp_status status = bp_model_train(ctx, table, NULL, &options, &model, &result);
  assert_int_equal(status == BP_OK, model != NULL);
  trained = status == BP_OK;
  if (status == BP_OK) status = bp_model_save(ctx, model, j->path);
  if (status == BP_OK) status = bp_model_load(ctx, j->path, &loaded);
  if (status == BP_OK) status = use(ctx, loaded, table);
  if (status == BP_OK) status = predict_file(ctx, loaded, j->data);
  if (trained) bp_fit_result_release(ctx, &result);
  bp_model_free(loaded);
  bp_model_free(model);
  bp_table_free(table);
  return status;
}

static void sweep(bt_target target) {
  bt_dir dir;
  journey j = {.target = target};
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "m.safetensors", j.path);
  bt_write_file(bt_dir_file(&dir, "two.csv", j.data), two_rows, sizeof two_rows - 1);
  assert_true(bt_alloc_sweep(whole_journey, &j) > 50);
  bt_dir_remove(&dir);
}

static void classification_survives(void **state) {
  (void)state;
  sweep(BT_TWO);
}

static void regression_survives(void **state) {
  (void)state;
  sweep(BT_VALUE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(classification_survives), cmocka_unit_test(regression_survives)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
