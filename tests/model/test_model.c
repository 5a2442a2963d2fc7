/* Training a model from a table, looking at it, and predicting: against plain loops over the model's own weights. */
#include <pthread.h>
#include <stdlib.h>

#include "model/model_fixtures.h"

/* ---- an oracle that shares no code with the library ---- */

/* Row r of bt_table_of() as network inputs, from what the model says about its columns. */
static int encode_row(const bp_model *model, const bp_table *table, int64_t r, double *x) {
  int n = 0;
  for (int64_t c = 0; c < bp_model_columns(model); c++) {
    bp_column_info info = bp_model_column(model, c);
    int64_t column = bp_table_find(table, info.name);
    if (strcmp(info.type, "number") == 0) {
      double value = bp_table_number(table, r, column);
      x[n++] = ((isnan(value) ? info.missing : value) - info.mean) / info.scale;
      if (info.indicator) x[n++] = isnan(value);
    } else
      for (int64_t k = 0; k < info.n_categories; k++)
        x[n++] = strcmp(bp_table_text(table, r, column), info.categories[k]) == 0;
  }
  return n;
}

static double weight(const bp_model *model, int param, int64_t i) {
  const void *data = bp_model_param(model, param);
  return bp_net_dtype(bp_model_net(model)) == BP_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

/* z = x W + b, layer by layer; all hidden units are tanh. */
static int forward(const bp_model *model, double *x) {
  const bp_net *net = bp_model_net(model);
  double z[64];
  int n = 0;
  for (int layer = 0; layer < bp_net_layers(net); layer++) {
    bp_layer_info info = bp_net_layer(net, layer);
    n = (int)info.outputs;
    for (int j = 0; j < n; j++) {
      z[j] = weight(model, 2 * layer + 1, j);
      for (int i = 0; i < (int)info.inputs; i++) z[j] += x[i] * weight(model, 2 * layer, (int64_t)i * n + j);
      if (info.activation == BP_TANH) z[j] = tanh(z[j]);
    }
    memcpy(x, z, (size_t)n * sizeof *x);
  }
  return n;
}

static void softmax(double *z, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += z[i] = exp(z[i]);
  for (int i = 0; i < n; i++) z[i] /= sum;
}

static void check_predictions(bp_context *ctx, bt_target kind, bp_dtype dtype, double tolerance) {
  bp_model *model = bt_small_model(ctx, kind, dtype);
  bp_table *table = bt_table_of(ctx, kind, BT_ROWS);
  int64_t outputs = bp_model_outputs(model);
  double *output = calloc((size_t)(BT_ROWS * outputs), sizeof *output), x[64];
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, output));
  for (int64_t r = 0; r < BT_ROWS; r++) {
    assert_int_equal(encode_row(model, table, r, x), bp_net_inputs(bp_model_net(model)));
    assert_int_equal(forward(model, x), outputs);
    if (kind == BT_VALUE) continue; /* units of the target: its own test */
    softmax(x, (int)outputs);
    bt_assert_close_f64(output + r * outputs, x, (size_t)outputs, tolerance, tolerance);
  }
  free(output);
  bp_table_free(table);
  bp_model_free(model);
}

/* float32 rounds to 6e-8; a few dozen operations of size 1 stay within 2e-6. */
static void predicts_probabilities_f32(void **state) { check_predictions(bt_ctx(state), BT_THREE, BP_F32, 2e-6); }
static void predicts_probabilities_f64(void **state) { check_predictions(bt_ctx(state), BT_THREE, BP_F64, 1e-13); }

/* ---- regression ---- */

/* The network learns (y - mean) / deviation, so its output is turned back: y = z · deviation + mean. */
static void predicts_in_units_of_the_target(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_VALUE, BP_F64);
  bp_table *table = bt_table_of(ctx, BT_VALUE, BT_ROWS);
  double output[BT_ROWS], x[64], mean = 0, spread = 0;
  for (int r = 0; r < BT_ROWS; r++) mean += bp_table_number(table, r, 2) / BT_ROWS;
  for (int r = 0; r < BT_ROWS; r++) spread += pow(bp_table_number(table, r, 2) - mean, 2) / BT_ROWS;
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, output));
  for (int r = 0; r < BT_ROWS; r++) {
    (void)encode_row(model, table, r, x);
    assert_int_equal(forward(model, x), 1);
    bt_assert_close(output[r], x[0] * sqrt(spread) + mean, 1e-12, 0);
  }
  bp_table_free(table);
  bp_model_free(model);
}

/* ---- rows do not see each other ---- */

static void a_row_does_not_depend_on_the_others(void **state) {
  enum { MANY = 1024 };
  static double all[MANY * 3], few[BT_ROWS * 3], two[MANY * 3];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F32);
  bt_predict(ctx, model, BT_THREE, MANY, 1, all);
  bt_predict(ctx, model, BT_THREE, MANY, 2, two);
  bt_assert_same_bits(all, two, sizeof all);
  for (int rows = 1; rows <= BT_ROWS; rows++) {
    bt_predict(ctx, model, BT_THREE, rows, 1, few);
    bt_assert_same_bits(all, few, (size_t)rows * 3 * sizeof *few);
  }
  bp_model_free(model);
}

/* Four threads with contexts and tables of their own use one model at once. */
enum { USERS = 4, SHARED_ROWS = 300 };

typedef struct model_user {
  const bp_model *model;
  bool good;
  double output[SHARED_ROWS * 3];
} model_user;

static void *use_model(void *argument) {
  model_user *user = argument;
  bp_context *ctx = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return NULL;
  bp_table *table = bt_table_of(ctx, BT_THREE, SHARED_ROWS);
  user->good = table != NULL;
  for (int i = 0; i < 20 && user->good; i++)
    user->good = bp_model_predict(ctx, user->model, table, 1 + i % 2, user->output) == BP_OK;
  bp_table_free(table);
  bp_context_free(ctx);
  return NULL;
}

static void many_threads_use_one_model(void **state) {
  static model_user users[USERS];
  static double expected[SHARED_ROWS * 3];
  pthread_t threads[USERS];
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F32);
  bt_predict(ctx, model, BT_THREE, SHARED_ROWS, 1, expected);
  for (int i = 0; i < USERS; i++) {
    users[i].model = model;
    assert_int_equal(pthread_create(&threads[i], NULL, use_model, &users[i]), 0);
  }
  for (int i = 0; i < USERS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(users[i].good);
    bt_assert_same_bits(users[i].output, expected, sizeof expected);
  }
  bp_model_free(model);
}

/* ---- the same seed ---- */

static void train_twice(bp_context *ctx, bt_target target, const bp_train_options *a, const bp_train_options *b,
                        bool same) {
  bp_table *table = bt_table_of(ctx, target, 200);
  bp_model *first = bt_train(ctx, table, a), *second = bt_train(ctx, table, b);
  bool equal = true;
  for (int p = 0; p < bp_net_params(bp_model_net(first)); p++) {
    bp_param_info info = bp_net_param(bp_model_net(first), p);
    size_t bytes = (size_t)info.elements * bp_dtype_size(bp_net_dtype(bp_model_net(first)));
    equal = equal && memcmp(bp_model_param(first, p), bp_model_param(second, p), bytes) == 0;
  }
  assert_int_equal(equal, same);
  if (same) assert_string_equal(bp_model_record(first), bp_model_record(second));
  bp_model_free(first);
  bp_model_free(second);
  bp_table_free(table);
}

static void threads_do_not_change_the_weights(void **state) {
  bp_train_options one = bt_small(BP_F32), two = one;
  one.valid_fraction = two.valid_fraction = 0.25;
  two.fit.threads = 2;
  train_twice(bt_ctx(state), BT_THREE, &one, &two, true);
}

static void another_seed_gives_other_weights(void **state) {
  bp_train_options one = bt_small(BP_F32), two = one;
  two.fit.seed = 8;
  train_twice(bt_ctx(state), BT_THREE, &one, &two, false);
}

/* ---- losses and tasks ---- */

/* Trains with a loss and returns the outputs of the network's last layer. */
static int64_t units_with(bp_context *ctx, bt_target target, bp_loss loss, int64_t *outputs) {
  bp_train_options options = bt_small(BP_F32);
  options.fit.objective.loss = loss;
  bp_table *table = bt_table_of(ctx, target, BT_ROWS);
  bp_model *model = bt_train(ctx, table, &options);
  double output[BT_ROWS * 3];
  int64_t units = bp_net_outputs(bp_model_net(model));
  assert_int_equal(bp_model_loss(model), loss);
  *outputs = bp_model_outputs(model);
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, output));
  if (units == 1 && *outputs == 2)
    for (int r = 0; r < BT_ROWS; r++) bt_assert_close(output[2 * r] + output[2 * r + 1], 1, 1e-7, 0);
  bp_table_free(table);
  bp_model_free(model);
  return units;
}

static void every_loss_has_its_units(void **state) {
  bp_context *ctx = bt_ctx(state);
  int64_t outputs;
  assert_int_equal(units_with(ctx, BT_TWO, BP_LOSS_CROSS_ENTROPY, &outputs), 2);
  assert_int_equal(outputs, 2);
  assert_int_equal(units_with(ctx, BT_TWO, BP_LOSS_BINARY_CROSS_ENTROPY, &outputs), 1);
  assert_int_equal(outputs, 2);
  assert_int_equal(units_with(ctx, BT_THREE, BP_LOSS_BINARY_CROSS_ENTROPY, &outputs), 3);
  assert_int_equal(outputs, 3);
  assert_int_equal(units_with(ctx, BT_THREE, BP_LOSS_MSE, &outputs), 3);
  assert_int_equal(outputs, 3);
  assert_int_equal(units_with(ctx, BT_VALUE, BP_LOSS_MSE, &outputs), 1);
  assert_int_equal(outputs, 1);
}

static void a_loss_must_go_with_the_target(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_train_options options = bt_small(BP_F32);
  bp_model *model = NULL;
  bp_table *table = bt_table_of(ctx, BT_VALUE, BT_ROWS);
  options.task = BP_TASK_REGRESSION;
  options.fit.objective.loss = BP_LOSS_CROSS_ENTROPY;
  bt_assert_fails(ctx, BP_E_ARG, bp_model_train(ctx, table, NULL, &options, &model, NULL));
  bt_assert_message(ctx, "needs classes");
  options.fit.objective.loss = BP_LOSS_BINARY_CROSS_ENTROPY;
  bt_assert_fails(ctx, BP_E_DATA, bp_model_train(ctx, table, NULL, &options, &model, NULL));
  bt_assert_message(ctx, "expects 0 to 1");
  assert_null(model);
  bp_table_free(table);
}

/* ---- options out of their range ---- */

static void refuses(bp_context *ctx, const bp_train_options *options, const char *words) {
  bp_model *model = NULL;
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  bt_assert_fails(ctx, BP_E_ARG, bp_model_train(ctx, table, NULL, options, &model, NULL));
  bt_assert_message(ctx, words);
  assert_null(model);
  bp_table_free(table);
}

static void options_out_of_range_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_train_options good = bt_small(BP_F32), o;
#define REFUSED(field, value, words) (o = good, o.field = (value), refuses(ctx, &o, words))
  REFUSED(size, 3, "size");
  REFUSED(dtype, BP_U8, "dtype");
  REFUSED(task, (bp_task)9, "task");
  REFUSED(init, (bp_init)99, "init");
  REFUSED(init_scale, -1, "init_scale");
  REFUSED(bias_init, NAN, "bias_init");
  REFUSED(normalize, (bp_normalize)3, "normalize");
  REFUSED(dropout, 1, "dropout 1: expected a number from 0 and below 1");
  REFUSED(dropout, NAN, "dropout");
  REFUSED(dropout_input, -0.5, "dropout_input -0.5");
  REFUSED(embed, "0", "embed '0': expected a width");
  REFUSED(embed, "4,", "embed");
  REFUSED(embed, "colour=", "embed '': expected a width");
  REFUSED(embed, "colour=5000", "embed '5000'");
  REFUSED(embed, "colour=2,shape=3", "no column 'shape'");
  REFUSED(embed, "width=2", "column 'width' holds no categories");
  REFUSED(n_hidden, BP_LAYERS_MAX + 1, "hidden layers");
  REFUSED(n_activations, 2, "2 activations for 1 hidden");
  REFUSED(n_activations, -1, "activations");
  REFUSED(hidden[0], 0, "");
  REFUSED(hidden[0], -5, "");
  REFUSED(valid_fraction, 1, "valid_fraction");
  REFUSED(valid_fraction, NAN, "valid_fraction");
  REFUSED(valid_fraction, -0.1, "valid_fraction");
  REFUSED(fit.optimizer, BP_OPTIMIZER_COUNT, "optimizer");
  REFUSED(fit.lr, -1, "");
  REFUSED(fit.lr, NAN, "");
  REFUSED(fit.momentum, 1, "");
  REFUSED(fit.epochs, -1, "");
  REFUSED(fit.batch_size, -1, "");
#undef REFUSED
  o = good;
  o.n_activations = 1;
  o.activations[0].kind = (bp_activation)77;
  refuses(ctx, &o, "bp_activation");
  o = good;
  o.n_activations = 1;
  o.activations[0] = (bp_activation_spec){BP_ELU, -2, false};
  refuses(ctx, &o, "activation elu with the setting -2, expected a number above 0");
  o = good;
  o.fit.objective.loss = (bp_loss)77;
  refuses(ctx, &o, "bp_loss");
}

static void a_table_and_a_fraction_for_validation_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_train_options options = bt_small(BP_F32);
  bp_model *model = NULL;
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  options.valid_fraction = 0.5;
  bt_assert_fails(ctx, BP_E_ARG, bp_model_train(ctx, table, table, &options, &model, NULL));
  bt_assert_message(ctx, "validation");
  bp_table_free(table);
}

static void empty_tables_are_bad_data(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_train_options options = bt_small(BP_F32);
  bp_model *model = NULL;
  bp_metrics metrics;
  bp_table *empty = bt_table_of(ctx, BT_THREE, 0), *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  bt_assert_fails(ctx, BP_E_DATA, bp_model_train(ctx, empty, NULL, &options, &model, NULL));
  bt_assert_message(ctx, "no rows");
  bt_assert_fails(ctx, BP_E_DATA, bp_model_train(ctx, table, empty, &options, &model, NULL));
  bt_assert_message(ctx, "validation");
  model = bt_train(ctx, table, &options);
  bt_assert_fails(ctx, BP_E_DATA, bp_model_evaluate(ctx, model, empty, 1, &metrics));
  bt_assert_ok(ctx, bp_model_predict(ctx, model, empty, 1, NULL)); /* nothing to predict is no failure */
  bp_model_free(model);
  bp_table_free(empty);
  bp_table_free(table);
}

/* ---- defaults ---- */

static void defaults_follow_the_rows(void **state) {
  static const struct {
    int64_t rows, batch;
    int epochs;
  } cases[] = {{1, 8, 1000}, {4, 8, 1000}, {150, 8, 157}, {1500, 16, 31}, {60000, 128, 20}, {10000000, 128, 20}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bp_fit_options fit = {.size = sizeof fit};
    bp_train_defaults(cases[i].rows, &fit);
    assert_int_equal(fit.batch_size, cases[i].batch);
    assert_int_equal(fit.epochs, cases[i].epochs);
  }
  bp_fit_options fit = {.size = sizeof fit, .batch_size = 10, .epochs = 7};
  bp_train_defaults(60000, &fit);
  assert_true(fit.batch_size == 10 && fit.epochs == 7);
}

/* Rows that differ in one bit of four are learnt: XOR, with nothing chosen but the seed. */
static void defaults_learn_xor(void **state) {
  bp_context *ctx = bt_ctx(state);
  const double a[] = {0, 0, 1, 1}, b[] = {0, 1, 0, 1};
  const char *const y[] = {"no", "yes", "yes", "no"};
  bp_train_options options = {.size = sizeof options};
  bp_model *model = NULL;
  bp_metrics metrics;
  bp_table *table;
  bt_assert_ok(ctx, bp_table_new(ctx, 4, &table));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "a", a));
  bt_assert_ok(ctx, bp_table_add_numbers(ctx, table, "b", b));
  bt_assert_ok(ctx, bp_table_add_text(ctx, table, "y", y));
  options.fit.threads = 1;
  bt_assert_ok(ctx, bp_model_train(ctx, table, NULL, &options, &model, NULL));
  bt_assert_ok(ctx, bp_model_evaluate(ctx, model, table, 1, &metrics));
  bt_assert_close(metrics.accuracy, 1, 0, 0);
  bp_metrics_release(ctx, &metrics);
  bp_model_free(model);
  bp_table_free(table);
}

/* ---- looking ---- */

static void a_model_tells_what_it_is(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F32);
  bp_column_info width = bp_model_column(model, 0), colour = bp_model_column(model, 1),
                 none = bp_model_column(model, 2);
  assert_int_equal(bp_model_task(model), BP_TASK_CLASSIFICATION);
  assert_int_equal(bp_model_loss(model), BP_LOSS_CROSS_ENTROPY);
  assert_string_equal(bp_model_target(model), "kind");
  assert_int_equal(bp_model_outputs(model), 3);
  assert_string_equal(bp_model_class(model, 0), "cat");
  assert_string_equal(bp_model_class(model, 2), "owl");
  assert_string_equal(bp_model_class(model, 3), "");
  assert_int_equal(bp_model_columns(model), 2);
  assert_string_equal(width.name, "width");
  assert_string_equal(width.type, "number");
  assert_true(width.indicator && width.inputs == 2 && isfinite(width.missing));
  assert_string_equal(colour.type, "category");
  assert_int_equal(colour.n_categories, 3);
  assert_string_equal(colour.categories[0], "blue");
  assert_string_equal(none.name, "");
  assert_null(bp_model_param(model, 4));
  assert_non_null(strstr(bp_model_record(model), "\"epochs\":3"));
  assert_string_equal(bp_task_name(BP_TASK_REGRESSION), "regression");
  assert_null(bp_task_name(BP_TASK_COUNT));
  bp_model_free(model);
  bp_model_free(NULL);
}

/* Loss by hand: the mean of -log of the probability that was given to the true class. */
static void evaluates_against_the_predictions(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_model *model = bt_small_model(ctx, BT_THREE, BP_F64);
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  double output[BT_ROWS * 3], loss = 0;
  int right = 0;
  bp_metrics m;
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 1, output));
  bt_assert_ok(ctx, bp_model_evaluate(ctx, model, table, 1, &m));
  for (int r = 0; r < BT_ROWS; r++) {
    int truth = r % 3, best = 0;
    for (int c = 1; c < 3; c++) best = output[3 * r + c] > output[3 * r + best] ? c : best;
    right += best == truth;
    loss -= log(output[3 * r + truth]) / BT_ROWS;
  }
  assert_int_equal(m.rows, BT_ROWS);
  bt_assert_close(m.accuracy, (double)right / BT_ROWS, 1e-15, 0);
  bt_assert_close(m.loss, loss, 1e-12, 0);
  bt_assert_close(m.log_loss_bits, loss / log(2), 1e-12, 0);
  bp_metrics_release(ctx, &m);
  bp_table_free(table);
  bp_model_free(model);
}

/* ---- stopping ---- */

static bool stop_in_the_second_epoch(void *user, const bp_epoch *epoch, double done) {
  *(int *)user += 1;
  (void)done;
  return epoch->epoch < 2;
}

static void a_callback_stops_training(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_train_options options = bt_small(BP_F32);
  bp_fit_result result;
  bp_model *model = NULL;
  int calls = 0;
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  options.fit.epochs = 50;
  options.fit.progress = stop_in_the_second_epoch;
  options.fit.progress_user = &calls;
  bt_assert_ok(ctx, bp_model_train(ctx, table, NULL, &options, &model, &result));
  assert_int_equal(result.stopped_by, BP_STOP_CALLBACK);
  assert_true(result.epochs <= 2 && calls >= 1);
  bp_fit_result_release(ctx, &result);
  bp_model_free(model);
  bp_table_free(table);
}

/* With a step of 9e5 the weights of a linear model soon overflow: the status says so, and the result is still the caller's. */
static void divergence_keeps_finite_weights(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_train_options options = bt_small(BP_F32);
  bp_fit_result result;
  bp_model *model = NULL;
  bp_table *table = bt_table_of(ctx, BT_VALUE, BT_ROWS);
  options.fit.optimizer = BP_SGD;
  options.fit.lr = 9e5;
  options.fit.epochs = 50;
  options.n_hidden = -1;
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_model_train(ctx, table, NULL, &options, &model, &result));
  assert_int_equal(result.stopped_by, BP_STOP_DIVERGED);
  for (int p = 0; p < bp_net_params(bp_model_net(model)); p++)
    for (int64_t i = 0; i < bp_net_param(bp_model_net(model), p).elements; i++)
      assert_true(isfinite(weight(model, p, i)));
  bp_fit_result_release(ctx, &result);
  bp_model_free(model);
  bp_table_free(table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(predicts_probabilities_f32),
      BT_TEST(predicts_probabilities_f64),
      BT_TEST(predicts_in_units_of_the_target),
      BT_TEST(a_row_does_not_depend_on_the_others),
      BT_TEST(many_threads_use_one_model),
      BT_TEST(threads_do_not_change_the_weights),
      BT_TEST(another_seed_gives_other_weights),
      BT_TEST(every_loss_has_its_units),
      BT_TEST(a_loss_must_go_with_the_target),
      BT_TEST(options_out_of_range_are_refused),
      BT_TEST(a_table_and_a_fraction_for_validation_are_refused),
      BT_TEST(empty_tables_are_bad_data),
      BT_TEST(defaults_follow_the_rows),
      BT_TEST(defaults_learn_xor),
      BT_TEST(a_model_tells_what_it_is),
      BT_TEST(evaluates_against_the_predictions),
      BT_TEST(a_callback_stops_training),
      BT_TEST(divergence_keeps_finite_weights),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
