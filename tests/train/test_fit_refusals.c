/* What bp_fit() refuses before it does anything: every option out of its range, every kind of bad data, each by name. */
/* labels: unit */
#include "train/train_fixtures.h"

/* A case that works; each test spoils one thing. */
typedef struct job {
  tt_data *data;
  tt_model model;
  bp_source train, valid;
  bool with_valid;
  bp_fit_options options;
} job;

static job job_new(bp_context *ctx) {
  job j = {.data = tt_data_new(1), .model = tt_model_new(ctx, BP_F32, 8, 2), .options = tt_options()};
  j.train = tt_classes(j.data, 0, 50);
  j.valid = tt_classes(j.data, 50, 20);
  return j;
}

/* Refused with these words; neither the parameters nor the result were touched. Releases the job. */
static void refused(bp_context *ctx, job *j, bp_status status, const char *words) {
  tt_model before = tt_model_new(ctx, BP_F32, 8, 2);
  bp_fit_result result = {.epochs = 777};
  bt_assert_fails(
      ctx, status,
      bp_fit(ctx, j->model.net, j->model.params, &j->train, j->with_valid ? &j->valid : NULL, &j->options, &result));
  bt_assert_message(ctx, words);
  assert_true(tt_same_params(&before, &j->model));
  assert_int_equal(result.epochs, 777);
  assert_null(result.history);
  tt_model_release(&before);
  tt_model_release(&j->model);
  free(j->data);
}

/* ---- options ---- */

static const struct {
  size_t offset;
  double value;
  const char *words;
} bad_numbers[] = {
#define OPTION(name) offsetof(bp_fit_options, name)
    {OPTION(lr), NAN, "lr is nan, expected a number above 0"},
    {OPTION(lr), INFINITY, "lr is inf, expected a number above 0 and below 1e+06"},
    {OPTION(lr), -0.1, "lr is -0.1"},
    {OPTION(lr), 1e30, "lr is 1e+30"},
    {OPTION(momentum), 1, "momentum is 1, expected a number from 0 and below 1"},
    {OPTION(momentum), -0.5, "momentum is -0.5"},
    {OPTION(momentum), NAN, "momentum is nan"},
    {OPTION(beta1), 1, "beta1 is 1"},
    {OPTION(beta1), -1, "beta1 is -1"},
    {OPTION(beta1), NAN, "beta1 is nan"},
    {OPTION(beta2), 1, "beta2 is 1"},
    {OPTION(beta2), -0.001, "beta2 is -0.001"},
    {OPTION(beta2), INFINITY, "beta2 is inf"},
    {OPTION(epsilon), -1e-8, "epsilon is -1e-08"},
    {OPTION(epsilon), NAN, "epsilon is nan"},
    {OPTION(l2), -1, "l2 is -1"},
    {OPTION(l2), NAN, "l2 is nan"},
    {OPTION(l2), INFINITY, "l2 is inf"},
#undef OPTION
};

static void a_number_out_of_its_range_is_refused_by_name(void **state) {
  for (size_t i = 0; i < sizeof bad_numbers / sizeof *bad_numbers; i++) {
    job j = job_new(bt_ctx(state));
    memcpy((char *)&j.options + bad_numbers[i].offset, &bad_numbers[i].value, sizeof(double));
    refused(bt_ctx(state), &j, BP_E_ARG, bad_numbers[i].words);
  }
}

/* That bp_fit() refuses a job after the change, in these words. */
#define REFUSES(change, words)                                                                                         \
  do {                                                                                                                 \
    job j = job_new(bt_ctx(state));                                                                                    \
    change;                                                                                                            \
    refused(bt_ctx(state), &j, BP_E_ARG, words);                                                                       \
  } while (0)

static void counts_below_zero_are_refused(void **state) {
  REFUSES(j.options.batch_size = -1, "batch size is -1, expected 1 or more");
  REFUSES(j.options.batch_size = INT64_MIN, "batch size is -9223372036854775808");
  REFUSES(j.options.epochs = -2, "epochs is -2, expected 1 or more");
  REFUSES(j.options.patience = -1, "patience is -1");
  REFUSES(j.options.tolerance = -1, "tolerance is -1, expected a number from 0 and below 1");
  REFUSES(j.options.tolerance_epochs = -1, "tolerance_epochs is -1");
  REFUSES(j.options.time_limit = NAN, "time_limit is nan");
  REFUSES(j.options.threads = -1, "threads is -1");
}

static void nesterov_needs_momentum(void **state) {
  REFUSES((j.options.momentum = 0, j.options.nesterov = true), "nesterov needs a momentum above 0");
}

static void what_goes_by_validation_rows_needs_them(void **state) {
  REFUSES(j.options.patience = 3, "patience is 3, but there are no validation rows");
  REFUSES(j.options.metric = BP_METRIC_ACCURACY, "metric is accuracy, but nothing goes by it without patience");
  REFUSES((j.with_valid = true, j.options.patience = 3, j.options.metric = BP_METRIC_RMSE),
          "metric is rmse, but the targets are classes; expected one of loss, accuracy, balanced_accuracy, f1");
}

static void unknown_losses_optimisers_and_metrics_are_refused(void **state) {
  REFUSES(j.options.objective.loss = BP_LOSS_COUNT, "no loss number 19");
  REFUSES(j.options.objective.loss = (bp_loss)-1, "no loss number -1");
  REFUSES(j.options.optimizer = BP_OPTIMIZER_COUNT, "no optimizer number 10");
  REFUSES(j.options.metric = BP_METRIC_COUNT, "no metric number");
}

/* A structure whose size was forgotten would be all defaults, silently. */
static void options_without_their_size_are_refused(void **state) {
  REFUSES(j.options.size = 0, "bp_fit_options.size is 0");
}

static void a_network_without_parameters_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  job j = job_new(ctx);
  bp_net *empty = NULL;
  bp_fit_result result = {.epochs = 777};
  void *const params[1] = {NULL};
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, BP_F32, &empty));
  bt_assert_fails(ctx, BP_E_ARG, bp_fit(ctx, empty, params, &j.train, NULL, &j.options, &result));
  bt_assert_message(ctx, "no layers");
  assert_int_equal(result.epochs, 777);
  bp_net_free(empty);
  tt_model_release(&j.model);
  free(j.data);
}

/* ---- data: the same checks for training and validation rows ---- */

typedef void (*spoil_fn)(tt_data *d, bp_source *s);

static void no_rows(tt_data *d, bp_source *s) { (void)d, s->rows = 0; }
static void rows_below_zero(tt_data *d, bp_source *s) { (void)d, s->rows = -4; }
static void rows_beyond_int32(tt_data *d, bp_source *s) { (void)d, s->rows = (int64_t)INT32_MAX + 1; }
static void columns_missing(tt_data *d, bp_source *s) { (void)d, s->columns = 5; }
static void outputs_surplus(tt_data *d, bp_source *s) { (void)d, s->outputs = 4; }
static void features_of_int32(tt_data *d, bp_source *s) { (void)d, s->dtype = BP_I32; }
static void features_of_no_type(tt_data *d, bp_source *s) { (void)d, s->dtype = BP_DTYPE_COUNT; }
static void targets_of_values(tt_data *d, bp_source *s) { s->target_dtype = BP_F32, s->targets = d->values; }
static void targets_of_bytes(tt_data *d, bp_source *s) { (void)d, s->target_dtype = BP_U8; }
static const int32_t beyond[64] = {[5] = 200};
static void a_place_beyond_the_end(tt_data *d, bp_source *s) { (void)d, s->places = beyond, s->stored = 200; }
static void no_stored_rows(tt_data *d, bp_source *s) { (void)d, s->places = beyond, s->stored = 0; }
static void scale_zero(tt_data *d, bp_source *s) { (void)d, s->scale = 0; }
static void scale_nan(tt_data *d, bp_source *s) { (void)d, s->scale = NAN; }
static void shift_infinite(tt_data *d, bp_source *s) { (void)d, s->shift = INFINITY; }
static void class_too_large(tt_data *d, bp_source *s) { ((int32_t *)(uintptr_t)s->targets)[7] = 3, (void)d; }
static void class_below_zero(tt_data *d, bp_source *s) { ((int32_t *)(uintptr_t)s->targets)[0] = -1, (void)d; }
static void feature_nan(tt_data *d, bp_source *s) {
  ((float *)(uintptr_t)s->features)[3 * TT_COLUMNS + 2] = NAN, (void)d;
}
static void feature_infinite(tt_data *d, bp_source *s) {
  s->dtype = BP_F64;
  s->features = d->x64;
  d->x64[19 * TT_COLUMNS + 5] = -INFINITY;
}

static const struct {
  spoil_fn spoil;
  const char *words;
} bad_data[] = {
    {no_rows, ": 0 rows, expected 1 to 2147483647"},
    {rows_below_zero, ": -4 rows"},
    {rows_beyond_int32, ": 2147483648 rows"},
    {columns_missing, ": 5 features, the network has 6 inputs"},
    {outputs_surplus, ": 4 classes, which do not fit loss cross_entropy and a network of 3 outputs"},
    {features_of_int32, ": features are int32, expected uint8, float32 or float64"},
    {features_of_no_type, ": features are ?"},
    {targets_of_bytes, ": targets are uint8"},
    {a_place_beyond_the_end, ": row 5 stands at 200, expected 0 to 199"},
    {no_stored_rows, ": 0 stored rows, expected 1 to"},
    {scale_zero, ": features times 0 plus 0; expected finite numbers, the first not 0"},
    {scale_nan, ": features times nan"},
    {shift_infinite, ": features times 1 plus inf"},
    {class_too_large, ": class number 3 at row 7, expected 0 to 2"},
    {class_below_zero, ": class number -1 at row 0"},
    {feature_nan, ": feature 2 of row 3 is not finite"},
    {feature_infinite, ": feature 5 of row 19 is not finite"},
};

static void bad_rows_are_refused_with_their_place(void **state) {
  for (size_t i = 0; i < sizeof bad_data / sizeof *bad_data; i++) {
    char words[128];
    job j = job_new(bt_ctx(state));
    bad_data[i].spoil(j.data, &j.train);
    (void)snprintf(words, sizeof words, "training%s", bad_data[i].words);
    refused(bt_ctx(state), &j, BP_E_DATA, words);
  }
}

static void bad_validation_rows_are_refused_too(void **state) {
  for (size_t i = 0; i < sizeof bad_data / sizeof *bad_data; i++) {
    char words[128];
    job j = job_new(bt_ctx(state));
    j.with_valid = true;
    bad_data[i].spoil(j.data, &j.valid);
    (void)snprintf(words, sizeof words, "validation%s", bad_data[i].words);
    refused(bt_ctx(state), &j, BP_E_DATA, words);
  }
}

static job value_job(bp_context *ctx, bp_loss loss) {
  job j = job_new(ctx);
  j.train = tt_values(j.data, 0, 50);
  j.options.objective.loss = loss;
  return j;
}

static void values_under_softmax_must_be_distributions(void **state) {
  job j = value_job(bt_ctx(state), BP_LOSS_CROSS_ENTROPY);
  refused(bt_ctx(state), &j, BP_E_DATA, "training: the targets of row 0 add up to 1.09603; output softmax expects 1");
}

static void validation_targets_must_be_those_of_training(void **state) {
  job j = job_new(bt_ctx(state));
  j.with_valid = true;
  targets_of_values(j.data, &j.valid);
  refused(bt_ctx(state), &j, BP_E_DATA,
          "validation: targets are float32, loss cross_entropy expects int32 class numbers");
}

static void values_must_be_values(void **state) {
  job j = value_job(bt_ctx(state), BP_LOSS_MSE);
  j.train.target_dtype = BP_U8;
  refused(bt_ctx(state), &j, BP_E_DATA, "targets are uint8, loss mse expects float32 or float64 values");
  j = value_job(bt_ctx(state), BP_LOSS_MSE);
  j.train.outputs = 2;
  refused(bt_ctx(state), &j, BP_E_DATA, "2 target columns, which do not fit loss mse and a network of 3 outputs");
  j = value_job(bt_ctx(state), BP_LOSS_MSE);
  j.data->values[9 * TT_CLASSES + 1] = NAN;
  refused(bt_ctx(state), &j, BP_E_DATA, "the target of row 9 is not finite");
  j = value_job(bt_ctx(state), BP_LOSS_MSE);
  j.train.target_dtype = BP_F64;
  j.train.targets = j.data->values64;
  j.data->values64[0] = INFINITY;
  refused(bt_ctx(state), &j, BP_E_DATA, "the target of row 0 is not finite");
}

static void probabilities_must_be_probabilities(void **state) {
  job j = value_job(bt_ctx(state), BP_LOSS_BINARY_CROSS_ENTROPY);
  j.data->values[2 * TT_CLASSES] = 1.5f;
  refused(bt_ctx(state), &j, BP_E_DATA,
          "the target of row 2 is 1.5; loss binary_cross_entropy with output sigmoid expects 0 to 1");
  j = value_job(bt_ctx(state), BP_LOSS_BINARY_CROSS_ENTROPY);
  j.data->values[3] = -0.25f;
  refused(bt_ctx(state), &j, BP_E_DATA, "the target of row 1 is -0.25");
}

static void one_class_is_no_classification(void **state) {
  bp_context *ctx = bt_ctx(state);
  float x[2] = {0, 1}, w[1] = {1}, b[1] = {0};
  int32_t c[2] = {0, 0};
  void *const params[] = {w, b};
  bp_source rows = {2, 1, BP_F32, x, 1, 0, BP_I32, 1, c, NULL, NULL, 0, NULL, 0, NULL};
  bp_fit_options o = tt_options();
  bp_fit_result result;
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, 1, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO));
  bt_assert_fails(ctx, BP_E_DATA, bp_fit(ctx, net, params, &rows, NULL, &o, &result));
  bt_assert_message(ctx, "1 class, expected at least 2");
  bp_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_number_out_of_its_range_is_refused_by_name),
      BT_TEST(nesterov_needs_momentum),
      BT_TEST(counts_below_zero_are_refused),
      BT_TEST(what_goes_by_validation_rows_needs_them),
      BT_TEST(unknown_losses_optimisers_and_metrics_are_refused),
      BT_TEST(options_without_their_size_are_refused),
      BT_TEST(a_network_without_parameters_is_refused),
      BT_TEST(bad_rows_are_refused_with_their_place),
      BT_TEST(bad_validation_rows_are_refused_too),
      BT_TEST(values_must_be_values),
      BT_TEST(values_under_softmax_must_be_distributions),
      BT_TEST(validation_targets_must_be_those_of_training),
      BT_TEST(probabilities_must_be_probabilities),
      BT_TEST(one_class_is_no_classification),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
