/* bp_fit() when all goes well: the same result for every number of threads, each row once an epoch, data of every type. */
/* labels: unit */
#include "train/train_fixtures.h"

/* Fits a fresh model; the caller releases it. */
static tt_model fitted(bp_context *ctx, bp_dtype dtype, const bp_source *train, const bp_source *valid,
                       const bp_fit_options *o, bp_fit_result *result) {
  tt_model m = tt_model_new(ctx, dtype, 40, 2);
  bp_fit_result own = {0};
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, train, valid, o, &own));
  if (result != NULL)
    *result = own;
  else
    bp_fit_result_release(ctx, &own);
  return m;
}

/* Whether two ways to fit give the same parameters, bit for bit. */
static bool same_fit(bp_context *ctx, bp_dtype dtype, const bp_source *a, const bp_fit_options *oa, const bp_source *b,
                     const bp_fit_options *ob) {
  tt_model x = fitted(ctx, dtype, a, NULL, oa, NULL), y = fitted(ctx, dtype, b, NULL, ob, NULL);
  bool same = tt_same_params(&x, &y);
  tt_model_release(&x);
  tt_model_release(&y);
  return same;
}

/* ---- the same result ---- */

static void check_threads(bp_context *ctx, bp_dtype dtype, const bp_fit_options *options) {
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 400), valid = tt_classes(d, 400, 112);
  bp_fit_options o = *options;
  bp_fit_result one, more;
  tt_model first = fitted(ctx, dtype, &train, &valid, &o, &one);
  for (o.threads = 2; o.threads <= 3; o.threads++) {
    tt_model other = fitted(ctx, dtype, &train, &valid, &o, &more);
    assert_true(tt_same_params(&first, &other));
    for (int e = 0; e < one.epochs; e++) {
      bt_assert_same_bits(&one.history[e].train_loss, &more.history[e].train_loss, sizeof(double));
      bt_assert_same_bits(&one.history[e].valid_loss, &more.history[e].valid_loss, sizeof(double));
      bt_assert_same_bits(&one.history[e].valid_accuracy, &more.history[e].valid_accuracy, sizeof(double));
    }
    bp_fit_result_release(ctx, &more);
    tt_model_release(&other);
  }
  bp_fit_result_release(ctx, &one);
  tt_model_release(&first);
  free(d);
}

static void the_number_of_threads_does_not_change_a_bit(void **state) {
  static const int64_t batches[] = {1, 16, 100, 128, 400};
  for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
    bp_fit_options o = tt_options();
    o.batch_size = batches[i];
    o.epochs = 3;
    check_threads(bt_ctx(state), BP_F32, &o);
    o.momentum = 0;
    o.optimizer = BP_ADAM;
    o.lr = 0.01;
    o.l2 = 1e-3;
    check_threads(bt_ctx(state), BP_F64, &o);
  }
}

static void the_seed_decides_the_order_of_rows(void **state) {
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 100);
  bp_fit_options a = tt_options(), b = tt_options();
  assert_true(same_fit(bt_ctx(state), BP_F32, &train, &a, &train, &b));
  b.seed = 2;
  assert_false(same_fit(bt_ctx(state), BP_F32, &train, &a, &train, &b));
  free(d);
}

/* Nothing is left over from one call to the next: two epochs at once are not one epoch twice (the order of rows begins
 * again), but the first epoch of two is the one epoch. */
static void an_epoch_depends_on_its_number_only(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 100);
  bp_fit_options o = tt_options();
  bp_fit_result two, one;
  o.epochs = 2;
  tt_model a = fitted(ctx, BP_F32, &train, NULL, &o, &two);
  o.epochs = 1;
  tt_model b = fitted(ctx, BP_F32, &train, NULL, &o, &one);
  bt_assert_same_bits(&two.history[0].train_loss, &one.history[0].train_loss, sizeof(double));
  assert_true(two.history[1].train_loss < two.history[0].train_loss);
  bp_fit_result_release(ctx, &two);
  bp_fit_result_release(ctx, &one);
  tt_model_release(&a);
  tt_model_release(&b);
  free(d);
}

/* ---- each row once ---- */

/* One input that is 0 and a step that changes nothing: the loss of row i is (2^i)². A sum of as many such losses as there
 * are rows is Σ 4^i only when each row was counted once. All numbers are exact. */
static void an_epoch_visits_each_row_once(void **state) {
  enum { ROWS = 24 };
  static const int64_t batches[] = {1, 8, 16, 24};
  bp_context *ctx = bt_ctx(state);
  double x[ROWS] = {0}, y[ROWS], w = 0, b = 0, sum = 0;
  void *const params[] = {&w, &b};
  bp_net *net = NULL;
  for (int i = 0; i < ROWS; i++) {
    y[i] = (double)(1 << i);
    sum += y[i] * y[i];
  }
  bt_assert_ok(ctx, bp_net_new(ctx, 1, BP_F64, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_ZEROS));
  bp_source rows = {ROWS, 1, BP_F64, x, 1, 0, BP_F64, 1, y, NULL, NULL, 0, NULL, 0, NULL};
  for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
    bp_fit_options o = {
        .size = sizeof o, .objective.loss = BP_LOSS_MSE, .lr = 1e-300, .batch_size = batches[i], .epochs = 6};
    bp_fit_result result;
    bt_assert_ok(ctx, bp_fit(ctx, net, params, &rows, NULL, &o, &result));
    assert_int_equal(result.epochs, 6);
    assert_int_equal(result.steps, 6 * ((ROWS + batches[i] - 1) / batches[i]));
    for (int e = 0; e < 6; e++) bt_assert_close(result.history[e].train_loss * ROWS, sum, 0, 0.25);
    bp_fit_result_release(ctx, &result);
  }
  bp_net_free(net);
}

/* ---- data ---- */

/* Rows in place, named by a list that leaves some out and turns others round, against a copy of them in that order. */
static void rows_may_stand_anywhere(void **state) {
  enum { ROWS = 120, COPIED = ROWS * TT_COLUMNS };
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  float x[COPIED];
  int32_t places[ROWS], classes[ROWS];
  for (int i = 0; i < ROWS; i++) {
    places[i] = (i * 7 + 3) % 200;
    classes[i] = d->classes[places[i]];
    memcpy(x + i * TT_COLUMNS, d->x + places[i] * TT_COLUMNS, TT_COLUMNS * sizeof *x);
  }
  bp_source copied = tt_classes(d, 0, ROWS), placed = copied;
  copied.features = x;
  copied.targets = placed.targets = classes;
  placed.places = places;
  placed.stored = 200;
  bp_fit_options o = tt_options();
  bp_fit_result a, b;
  tt_model m = tt_model_new(ctx, BP_F32, 8, 2), n = tt_model_new(ctx, BP_F32, 8, 2);
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &copied, &copied, &o, &a));
  bt_assert_ok(ctx, bp_fit(ctx, n.net, n.params, &placed, &placed, &o, &b));
  assert_true(tt_same_params(&m, &n));
  assert_true(a.history[4].valid_loss == b.history[4].valid_loss);
  bp_fit_result_release(ctx, &a);
  bp_fit_result_release(ctx, &b);
  tt_model_release(&m);
  tt_model_release(&n);
  free(d);
}

static void every_type_of_features_trains_alike(void **state) {
  tt_data *d = tt_data_new(1);
  bp_source floats = tt_classes(d, 0, 200), bytes = floats, doubles = floats;
  bp_fit_options o = tt_options();
  bytes.dtype = BP_U8;
  bytes.features = d->bytes;
  bytes.scale = 0.0078125;
  bytes.shift = -1;
  doubles.dtype = BP_F64;
  doubles.features = d->x64;
  for (bp_dtype dtype = BP_F32; dtype <= BP_F64; dtype++) {
    assert_true(same_fit(bt_ctx(state), dtype, &floats, &o, &bytes, &o));
    assert_true(same_fit(bt_ctx(state), dtype, &floats, &o, &doubles, &o));
  }
  free(d);
}

static void every_type_of_values_trains_alike(void **state) {
  tt_data *d = tt_data_new(1);
  bp_source narrow = tt_values(d, 0, 200), wide = narrow;
  bp_fit_options o = tt_options();
  o.objective.loss = BP_LOSS_MSE;
  wide.target_dtype = BP_F64;
  wide.targets = d->values64;
  for (bp_dtype dtype = BP_F32; dtype <= BP_F64; dtype++)
    assert_true(same_fit(bt_ctx(state), dtype, &narrow, &o, &wide, &o));
  free(d);
}

static void a_batch_beyond_the_rows_is_the_full_batch(void **state) {
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 90);
  bp_fit_options a = tt_options(), b = tt_options();
  a.batch_size = 90;
  b.batch_size = INT64_MAX;
  assert_true(same_fit(bt_ctx(state), BP_F32, &train, &a, &train, &b));
  free(d);
}

static void one_row_can_be_fitted(void **state) {
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 5, 1);
  bp_fit_options o = tt_options();
  bp_fit_result result;
  o.epochs = 60;
  tt_model m = fitted(bt_ctx(state), BP_F32, &train, &train, &o, &result);
  assert_true(result.history[59].train_loss < 0.01);
  assert_true(result.history[59].valid_accuracy == 1);
  bp_fit_result_release(bt_ctx(state), &result);
  tt_model_release(&m);
  free(d);
}

/* ---- defaults ---- */

static void zeros_mean_the_documented_defaults(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 300);
  bp_fit_options none = {.size = sizeof none}, sgd = none, adam = none;
  sgd.lr = 0.1;
  sgd.batch_size = 128;
  sgd.epochs = 20;
  assert_true(same_fit(ctx, BP_F32, &train, &none, &train, &sgd));
  none.optimizer = adam.optimizer = BP_ADAM;
  adam.lr = 0.001;
  adam.beta1 = 0.9;
  adam.beta2 = 0.999;
  adam.epsilon = 1e-8;
  adam.batch_size = 128;
  adam.epochs = 20;
  assert_true(same_fit(ctx, BP_F32, &train, &none, &train, &adam));
  free(d);
}

/* An older caller's shorter structure: what it does not have takes its default. */
static void options_may_be_shorter_than_today(void **state) {
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 100);
  bp_fit_options full = tt_options(), cut = tt_options();
  full.epochs = 0;
  cut.size = offsetof(bp_fit_options, epochs);
  cut.epochs = 3;
  full.seed = 0;
  full.threads = 0;
  assert_true(same_fit(bt_ctx(state), BP_F32, &train, &full, &train, &cut));
  free(d);
}

/* ---- what it tells ---- */

/* Steps that change nothing: training and validation see the same weights, and the same rows give the same numbers. */
static void validation_measures_the_rows_given(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_fit_options o = tt_options();
  bp_fit_result result;
  o.lr = 1e-40;
  o.epochs = 1;
  for (int values = 0; values < 2; values++) {
    bp_source rows = values ? tt_values(d, 0, 333) : tt_classes(d, 0, 333);
    o.objective.loss = values ? BP_LOSS_BINARY_CROSS_ENTROPY : BP_LOSS_CROSS_ENTROPY;
    tt_model m = fitted(ctx, BP_F64, &rows, &rows, &o, &result);
    bp_epoch e = result.history[0];
    bt_assert_close(e.valid_loss, e.train_loss, 1e-12, 0);
    assert_true(values ? isnan(e.valid_accuracy) && isnan(e.train_accuracy) : e.valid_accuracy == e.train_accuracy);
    assert_true(values || (e.valid_accuracy > 0 && e.valid_accuracy < 1));
    bp_fit_result_release(ctx, &result);
    tt_model_release(&m);
  }
  free(d);
}

static void the_history_tells_each_epoch(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 200);
  bp_fit_options o = tt_options();
  bp_fit_result result;
  o.epochs = 40; /* the history grows twice */
  tt_model m = fitted(ctx, BP_F32, &train, NULL, &o, &result);
  assert_int_equal(result.epochs, 40);
  assert_int_equal(result.best_epoch, 40);
  assert_int_equal(result.steps, 40 * 13);
  assert_int_equal(result.stopped_by, BP_STOP_EPOCHS);
  assert_true(result.workspace_bytes > 0 && result.seconds > 0);
  for (int e = 0; e < 40; e++) {
    const bp_epoch *h = &result.history[e];
    assert_int_equal(h->epoch, e + 1);
    assert_int_equal(h->steps, (e + 1) * 13);
    assert_true(h->seconds > (e > 0 ? result.history[e - 1].seconds : 0) && h->seconds <= result.seconds);
    assert_true(isnan(h->valid_loss) && isnan(h->valid_accuracy));
  }
  assert_true(result.history[39].train_loss < 0.5 * result.history[0].train_loss);
  assert_true(result.history[39].train_accuracy > 0.9);
  bp_fit_result_release(ctx, &result);
  assert_null(result.history);
  tt_model_release(&m);
  free(d);
}

static void stops_have_names(void **state) {
  (void)state;
  assert_string_equal(bp_stop_name(BP_STOP_EPOCHS), "epochs");
  assert_string_equal(bp_stop_name(BP_STOP_PATIENCE), "patience");
  assert_string_equal(bp_stop_name(BP_STOP_CALLBACK), "callback");
  assert_string_equal(bp_stop_name(BP_STOP_DIVERGED), "diverged");
}

/* ---- exclusive or ---- */

/* 2-4-1 tanh: a linear model cannot; this one does from nearly every start. */
static void exclusive_or_is_learnt_from_many_seeds(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { SEEDS = 40 };
  static const float x[] = {0, 0, 0, 1, 1, 0, 1, 1}, y[] = {0, 1, 1, 0};
  bp_source rows = {4, 2, BP_F32, x, 1, 0, BP_F32, 1, y, NULL, NULL, 0, NULL, 0, NULL};
  bp_fit_options o = {.size = sizeof o,
                      .objective.loss = BP_LOSS_BINARY_CROSS_ENTROPY,
                      .lr = 0.5,
                      .momentum = 0.9,
                      .batch_size = 4,
                      .epochs = 500,
                      .threads = 1};
  int learnt = 0;
  for (o.seed = 1; o.seed <= SEEDS; o.seed++) {
    bp_net *net = NULL;
    float w1[8], b1[4], w2[4], b2[1];
    void *const params[] = {w1, b1, w2, b2};
    bp_fit_result result;
    bt_assert_ok(ctx, bp_net_new(ctx, 2, BP_F32, &net));
    bt_assert_ok(ctx, bp_net_dense(ctx, net, 4, BP_TANH, BP_INIT_AUTO));
    bt_assert_ok(ctx, bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO));
    bp_net_init(net, o.seed, params);
    bt_assert_ok(ctx, bp_fit(ctx, net, params, &rows, NULL, &o, &result));
    learnt += result.history[499].train_loss < 0.05; /* all four right: a wrong one costs log 2 / 4 */
    bp_fit_result_release(ctx, &result);
    bp_net_free(net);
  }
  print_message("exclusive or: learnt from %d of %d seeds\n", learnt, (int)SEEDS);
  assert_true(learnt >= SEEDS - 2);
}

/* What counts is how weights stand to one another: all of them times a power of two change no bit, be they too small for float32. */
static void weights_of_any_size_train_alike(void **state) {
  static const int scales[] = {0, -1000, 900};
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  tt_model m[3];
  double weights[100];
  for (size_t i = 0; i < 3; i++) {
    bp_source rows = tt_classes(d, 0, 100);
    bp_fit_options o = tt_options();
    bp_fit_result r;
    for (int k = 0; k < 100; k++) weights[k] = ldexp(1 + k % 5, scales[i]);
    rows.weights = weights;
    m[i] = tt_model_new(ctx, BP_F32, 10, 2);
    bt_assert_ok(ctx, bp_fit(ctx, m[i].net, m[i].params, &rows, NULL, &o, &r));
    assert_true(r.history[r.epochs - 1].train_accuracy <= 1);
    assert_true(tt_same_params(&m[0], &m[i]));
    bp_fit_result_release(ctx, &r);
  }
  for (size_t i = 0; i < 3; i++) tt_model_release(&m[i]);
  free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(the_number_of_threads_does_not_change_a_bit),
      BT_TEST(the_seed_decides_the_order_of_rows),
      BT_TEST(an_epoch_depends_on_its_number_only),
      BT_TEST(an_epoch_visits_each_row_once),
      BT_TEST(rows_may_stand_anywhere),
      BT_TEST(every_type_of_features_trains_alike),
      BT_TEST(every_type_of_values_trains_alike),
      BT_TEST(a_batch_beyond_the_rows_is_the_full_batch),
      BT_TEST(one_row_can_be_fitted),
      BT_TEST(zeros_mean_the_documented_defaults),
      BT_TEST(options_may_be_shorter_than_today),
      BT_TEST(validation_measures_the_rows_given),
      BT_TEST(the_history_tells_each_epoch),
      BT_TEST(stops_have_names),
      BT_TEST(weights_of_any_size_train_alike),
      BT_TEST(exclusive_or_is_learnt_from_many_seeds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
