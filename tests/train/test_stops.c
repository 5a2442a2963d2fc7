/* The ends of a training: patience, the callback, divergence; and which parameters are left. */
/* labels: unit */
#include "train/train_fixtures.h"

static tt_model fitted(bp_context *ctx, const bp_source *train, const bp_source *valid, const bp_fit_options *o,
                       bp_fit_result *result) {
  tt_model m = tt_model_new(ctx, BP_F32, 40, 2);
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, train, valid, o, result));
  return m;
}

/* Whether m holds what `epochs` epochs without validation, callback or patience give. */
static void check_is_after(bp_context *ctx, const tt_model *m, const bp_source *train, const bp_fit_options *options,
                           int epochs) {
  bp_fit_options o = *options;
  bp_fit_result result = {0};
  o.patience = 0;
  o.progress = NULL;
  o.epochs = epochs;
  tt_model plain = tt_model_new(ctx, BP_F32, 40, 2);
  if (epochs > 0) bt_assert_ok(ctx, bp_fit(ctx, plain.net, plain.params, train, NULL, &o, &result));
  assert_true(tt_same_params(m, &plain));
  bp_fit_result_release(ctx, &result);
  tt_model_release(&plain);
}

/* ---- patience ---- */

/* Ten rows are learnt by heart: the loss of other rows falls, then rises. */
static bp_fit_options by_heart(int patience) {
  bp_fit_options o = tt_options();
  o.epochs = 400;
  o.patience = patience;
  return o;
}

static void patience_stops_and_restores_the_best_weights(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 10), valid = tt_classes(d, 100, 200);
  bp_fit_options o = by_heart(7);
  bp_fit_result r;
  tt_model m = fitted(ctx, &train, &valid, &o, &r);
  assert_int_equal(r.stopped_by, BP_STOP_PATIENCE);
  assert_true(r.epochs < 400 && r.best_epoch > 1);
  assert_int_equal(r.epochs, r.best_epoch + 7);
  for (int e = 1; e <= r.epochs; e++) { /* the best is the first that nothing later beats */
    if (e < r.best_epoch) assert_true(r.history[e - 1].valid_loss > r.history[r.best_epoch - 1].valid_loss);
    if (e > r.best_epoch) assert_true(r.history[e - 1].valid_loss >= r.history[r.best_epoch - 1].valid_loss);
  }
  check_is_after(ctx, &m, &train, &o, r.best_epoch);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

/* Patience longer than the training: the best weights all the same. */
static void the_best_weights_are_kept_when_the_epochs_run_out(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 10), valid = tt_classes(d, 100, 200);
  bp_fit_options o = by_heart(1000);
  bp_fit_result r;
  tt_model m = fitted(ctx, &train, &valid, &o, &r);
  assert_int_equal(r.stopped_by, BP_STOP_EPOCHS);
  assert_int_equal(r.epochs, 400);
  assert_true(r.best_epoch < 400);
  check_is_after(ctx, &m, &train, &o, r.best_epoch);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

static void without_patience_the_last_weights_stay(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 10), valid = tt_classes(d, 100, 200);
  bp_fit_options o = by_heart(0);
  bp_fit_result r;
  o.epochs = 30;
  tt_model m = fitted(ctx, &train, &valid, &o, &r);
  assert_int_equal(r.stopped_by, BP_STOP_EPOCHS);
  assert_int_equal(r.best_epoch, 30);
  check_is_after(ctx, &m, &train, &o, 30);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

/* ---- metrics ---- */

/* The epoch that is kept has the best metric of all, the first one if there are several. */
static void check_best(const bp_fit_result *r, int sign) {
  double best = sign * r->history[r->best_epoch - 1].valid_metric;
  for (int e = 1; e <= r->epochs; e++) {
    double value = sign * r->history[e - 1].valid_metric;
    if (e < r->best_epoch) assert_true(value > best);
    if (e > r->best_epoch) assert_true(value >= best);
  }
}

static void accuracy_is_better_when_it_is_more(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 40), valid = tt_classes(d, 100, 200);
  bp_fit_options o = by_heart(12);
  bp_fit_result r;
  o.metric = BP_METRIC_ACCURACY;
  tt_model m = fitted(ctx, &train, &valid, &o, &r);
  assert_int_equal(r.stopped_by, BP_STOP_PATIENCE);
  assert_int_equal(r.epochs, r.best_epoch + 12);
  for (int e = 0; e < r.epochs; e++) assert_true(r.history[e].valid_metric == r.history[e].valid_accuracy);
  check_best(&r, -1);
  o.metric = BP_METRIC_LOSS;
  check_is_after(ctx, &m, &train, &o, r.best_epoch);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

/* The loss mse is the square of rmse, and mae is mae; each beside the other loss too. */
static void errors_of_values_agree_with_losses(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_values(d, 0, 40), valid = tt_values(d, 100, 200);
  for (int i = 0; i < 2; i++) {
    bp_fit_options o = by_heart(5);
    bp_fit_result r;
    o.epochs = 40;
    o.objective.loss = i == 0 ? BP_LOSS_MSE : BP_LOSS_MAE;
    o.metric = i == 0 ? BP_METRIC_RMSE : BP_METRIC_MAE;
    o.momentum = 0;
    tt_model m = fitted(ctx, &train, &valid, &o, &r);
    check_best(&r, 1);
    for (int e = 0; e < r.epochs; e++) {
      double metric = r.history[e].valid_metric, loss = r.history[e].valid_loss;
      bt_assert_close(i == 0 ? metric * metric : metric, loss, 1e-5, 0); /* sums of float32 in another order */
      assert_true(isnan(r.history[e].valid_accuracy));
    }
    bp_fit_result_release(ctx, &r);
    tt_model_release(&m);
  }
  free(d);
}

/* ---- the callback ---- */

typedef struct watcher {
  int ends, within, stop_after; /* stop_after: epochs; 0: within the first; -1: never */
  double last_done;
  bool good;
} watcher;

static bool watch(void *user, const bp_epoch *epoch, double done) {
  watcher *w = user;
  bool end = done == 1;
  w->good = w->good && done > (end || w->within == 0 ? 0 : w->last_done) && done <= 1;
  w->good = w->good && epoch->epoch == w->ends + 1 && isfinite(epoch->train_loss);
  w->last_done = end ? 0 : done;
  w->ends += end;
  w->within += !end;
  return w->stop_after < 0 || (w->stop_after == 0 ? end : w->ends < w->stop_after);
}

static void the_callback_sees_every_epoch_end(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 200);
  watcher w = {.stop_after = -1, .good = true};
  bp_fit_options o = tt_options();
  bp_fit_result r;
  o.progress = watch;
  o.progress_user = &w;
  tt_model m = fitted(ctx, &train, NULL, &o, &r);
  assert_true(w.good);
  assert_int_equal(w.ends, 5);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

static void the_callback_stops_at_the_end_of_an_epoch(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 200);
  watcher w = {.stop_after = 3, .good = true};
  bp_fit_options o = tt_options();
  bp_fit_result r;
  o.progress = watch;
  o.progress_user = &w;
  tt_model m = fitted(ctx, &train, NULL, &o, &r);
  assert_int_equal(r.stopped_by, BP_STOP_CALLBACK);
  assert_int_equal(r.epochs, 3);
  assert_int_equal(r.best_epoch, 3);
  check_is_after(ctx, &m, &train, &o, 3);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

/* An epoch that takes longer than the callback's interval is interrupted within. The same rows many times over make one. */
static void the_callback_stops_within_an_epoch(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { ROWS = 400000 };
  tt_data *d = tt_data_new(1);
  uint8_t *bytes = malloc((size_t)ROWS * TT_COLUMNS);
  int32_t *classes = malloc(ROWS * sizeof *classes);
  for (int i = 0; i < ROWS; i++) {
    memcpy(bytes + (size_t)i * TT_COLUMNS, d->bytes + (i % TT_ROWS_MAX) * TT_COLUMNS, TT_COLUMNS);
    classes[i] = d->classes[i % TT_ROWS_MAX];
  }
  bp_source train = {ROWS, TT_COLUMNS, BP_U8, bytes, 0.0078125, -1, BP_I32, TT_CLASSES, classes, NULL, NULL, 0};
  watcher w = {.stop_after = 0, .good = true};
  bp_fit_options o = tt_options();
  bp_fit_result r;
  o.batch_size = 1;
  o.lr = 0.001;
  o.epochs = 1;
  o.progress = watch;
  o.progress_user = &w;
  tt_model m = fitted(ctx, &train, NULL, &o, &r);
  assert_true(w.good);
  assert_int_equal(w.within, 1);
  assert_int_equal(r.stopped_by, BP_STOP_CALLBACK);
  assert_int_equal(r.epochs, 0);
  assert_true(r.steps > 0 && r.steps < ROWS);
  assert_true(tt_params_finite(&m));
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(bytes);
  free(classes);
  free(d);
}

/* ---- after each step ---- */

typedef struct counter {
  int64_t calls, stop_at;
  bp_action action;
  bool good;
} counter;

static bp_action count_steps(void *user, const bp_fit_step *step) {
  counter *c = user;
  c->calls++;
  c->good = c->good && step->step == c->calls && step->epoch == (c->calls - 1) / 13 + 1 && isfinite(step->loss) &&
            step->rows == (c->calls % 13 == 0 ? 8 : 16) && step->lr == 0.1;
  return step->step == c->stop_at ? c->action : BP_GO_ON;
}

/* 200 rows in batches of 16: 12 full ones and one of 8. */
static void the_step_callback_sees_every_step(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 200);
  static const struct {
    bp_action action;
    int64_t at, calls;
    bp_stop stop;
    int epochs;
  } rows[] = {{BP_GO_ON, 0, 65, BP_STOP_EPOCHS, 5},
              {BP_CHECKPOINT, 7, 65, BP_STOP_EPOCHS, 5},
              {BP_STOP, 20, 20, BP_STOP_CALLBACK, 1},
              {BP_SUSPEND, 1, 1, BP_STOP_SUSPENDED, 0},
              {BP_SUSPEND, 26, 26, BP_STOP_SUSPENDED, 1}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    counter c = {.stop_at = rows[i].at, .action = rows[i].action, .good = true};
    bp_fit_options o = tt_options();
    bp_fit_result r;
    o.step = count_steps;
    o.step_user = &c;
    tt_model m = fitted(ctx, &train, NULL, &o, &r);
    assert_true(c.good);
    assert_int_equal(c.calls, rows[i].calls);
    assert_int_equal(r.steps, rows[i].calls);
    assert_int_equal(r.stopped_by, rows[i].stop);
    assert_int_equal(r.epochs, rows[i].epochs);
    if (rows[i].stop == BP_STOP_EPOCHS) check_is_after(ctx, &m, &train, &o, 5);
    bp_fit_result_release(ctx, &r);
    tt_model_release(&m);
  }
  free(d);
}

/* ---- norms ---- */

/* Plain gradient descent: update = lr · gradient, and the parameters themselves are there to be looked at. */
typedef struct ruler {
  const tt_model *model;
  bp_dtype dtype;
  int64_t steps;
  int measured;
} ruler;

static bp_action measure(void *user, const bp_fit_step *step) {
  ruler *u = user;
  u->steps++;
  if (step->norms == NULL) return BP_GO_ON;
  u->measured++;
  assert_int_equal(step->layers, 2);
  for (int l = 0; l < 2; l++) {
    double sum = 0;
    for (int p = 2 * l; p < 2 * l + 2; p++)
      for (int64_t i = 0; i < bp_net_param(u->model->net, p).elements; i++)
        sum += tt_param(u->model, p, i) * tt_param(u->model, p, i);
    bt_assert_close(step->norms[l].weights, sqrt(sum), 1e-12, 0);
    bt_assert_close(step->norms[l].update, 0.1 * step->norms[l].gradient, u->dtype == BP_F64 ? 1e-9 : 1e-3, 0);
  }
  return BP_GO_ON;
}

static void norms_of_gradient_descent_agree(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 200);
  for (int i = 0; i < 4; i++) {
    bp_dtype dtype = i % 2 ? BP_F64 : BP_F32;
    tt_model m = tt_model_new(ctx, dtype, 10, 2), plain = tt_model_new(ctx, dtype, 10, 2);
    ruler u = {.model = &m, .dtype = dtype};
    bp_fit_options o = tt_options();
    bp_fit_result r;
    o.momentum = 0;
    bt_assert_ok(ctx, bp_fit(ctx, plain.net, plain.params, &train, NULL, &o, &r));
    bp_fit_result_release(ctx, &r);
    o.norms = i < 2 ? BP_NORMS_STEP : BP_NORMS_EPOCH;
    o.step = measure;
    o.step_user = &u;
    bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &train, NULL, &o, &r));
    assert_int_equal(u.measured, i < 2 ? u.steps : 5);
    assert_true(tt_same_params(&m, &plain)); /* looking changes nothing */
    bp_fit_result_release(ctx, &r);
    tt_model_release(&m);
    tt_model_release(&plain);
  }
  free(d);
}

/* ---- convergence and time ---- */

static void a_loss_that_no_longer_changes_stops(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 200);
  bp_fit_options o = tt_options();
  bp_fit_result r;
  o.epochs = 2000;
  o.tolerance = 0.01;
  o.tolerance_epochs = 3;
  tt_model m = fitted(ctx, &train, NULL, &o, &r);
  assert_int_equal(r.stopped_by, BP_STOP_TOLERANCE);
  assert_true(r.epochs > 3 && r.epochs < 2000);
  for (int e = 3; e < r.epochs; e++) { /* it stops the first time that four losses in a row lie within a hundredth */
    double low = INFINITY, high = 0;
    for (int k = e - 3; k <= e; k++) {
      low = fmin(low, r.history[k].train_loss);
      high = fmax(high, r.history[k].train_loss);
    }
    assert_int_equal(high - low <= 0.01 * high, e == r.epochs - 1);
  }
  assert_int_equal(r.best_epoch, r.epochs);
  o.tolerance = 0;
  check_is_after(ctx, &m, &train, &o, r.epochs);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

static void the_time_limit_stops_and_the_epoch_counts(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_classes(d, 0, 400), valid = tt_classes(d, 400, 100);
  bp_fit_options o = tt_options();
  bp_fit_result r;
  o.epochs = 1000000000;
  o.batch_size = 1;
  o.time_limit = 0.05;
  tt_model m = fitted(ctx, &train, &valid, &o, &r);
  assert_int_equal(r.stopped_by, BP_STOP_TIME);
  assert_true(r.epochs >= 1 && r.seconds >= 0.05 && r.seconds < 10);
  const bp_epoch *last = &r.history[r.epochs - 1];
  assert_true(last->steps == r.steps && r.best_epoch == r.epochs);
  assert_true(isfinite(last->train_loss) && isfinite(last->valid_loss));
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

/* ---- divergence ---- */

/* Steps that are too long: squared error grows by a factor at each until it leaves the range of float32. */
static void divergence_keeps_the_last_good_epoch(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_values(d, 0, 64);
  bp_fit_options o = tt_options();
  bp_fit_result r = {0};
  o.objective.loss = BP_LOSS_MSE;
  o.momentum = 0;
  o.lr = 1000;
  o.batch_size = 64;
  o.epochs = 300;
  tt_model m = tt_model_new(ctx, BP_F32, 40, 2);
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, m.net, m.params, &train, NULL, &o, &r));
  bt_assert_message(ctx, "try a smaller learning rate than 1000");
  assert_int_equal(r.stopped_by, BP_STOP_DIVERGED);
  assert_true(r.epochs > 0 && r.epochs < 300);
  assert_int_equal(r.best_epoch, r.epochs);
  for (int e = 0; e < r.epochs; e++) assert_true(isfinite(r.history[e].train_loss));
  assert_true(tt_params_finite(&m));
  check_is_after(ctx, &m, &train, &o, r.epochs);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

/* Features so large that the first loss is infinite: the parameters are the ones that came in. */
static void divergence_in_the_first_epoch_gives_back_the_start(void **state) {
  bp_context *ctx = bt_ctx(state);
  float x[4 * TT_COLUMNS], y[4 * TT_CLASSES] = {0};
  for (int i = 0; i < 4 * TT_COLUMNS; i++) x[i] = 1e30f;
  bp_source train = {4, TT_COLUMNS, BP_F32, x, 1, 0, BP_F32, TT_CLASSES, y, NULL, NULL, 0};
  bp_fit_options o = {.size = sizeof o, .objective.loss = BP_LOSS_MSE, .lr = 0.1, .epochs = 3};
  bp_fit_result r = {0};
  bp_net *net = NULL;
  float w[TT_COLUMNS * TT_CLASSES], b[TT_CLASSES], w0[TT_COLUMNS * TT_CLASSES];
  void *const params[] = {w, b};
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO));
  bp_net_init(net, 1, params);
  memcpy(w0, w, sizeof w);
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, net, params, &train, NULL, &o, &r));
  bt_assert_message(ctx, "at step 1 of epoch 1");
  bt_assert_same_bits(w, w0, sizeof w);
  for (int i = 0; i < TT_CLASSES; i++) assert_true(b[i] == 0);
  assert_int_equal(r.epochs, 0);
  assert_int_equal(r.best_epoch, 0);
  bp_fit_result_release(ctx, &r);
  bp_net_free(net);
}

/* The best weights, not the last good ones, when a validation loss was watched. */
static void divergence_with_patience_gives_back_the_best(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_values(d, 0, 64), valid = tt_values(d, 64, 64);
  bp_fit_options o = tt_options();
  bp_fit_result r = {0};
  o.objective.loss = BP_LOSS_MSE;
  o.momentum = 0;
  o.lr = 1000;
  o.batch_size = 64;
  o.epochs = 300;
  o.patience = 300;
  tt_model m = tt_model_new(ctx, BP_F32, 40, 2);
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, m.net, m.params, &train, &valid, &o, &r));
  assert_true(r.best_epoch >= 1 && r.best_epoch < r.epochs);
  check_is_after(ctx, &m, &train, &o, r.best_epoch);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(patience_stops_and_restores_the_best_weights),
      BT_TEST(the_best_weights_are_kept_when_the_epochs_run_out),
      BT_TEST(without_patience_the_last_weights_stay),
      BT_TEST(accuracy_is_better_when_it_is_more),
      BT_TEST(errors_of_values_agree_with_losses),
      BT_TEST(the_callback_sees_every_epoch_end),
      BT_TEST(the_callback_stops_at_the_end_of_an_epoch),
      BT_TEST(the_callback_stops_within_an_epoch),
      BT_TEST(the_step_callback_sees_every_step),
      BT_TEST(norms_of_gradient_descent_agree),
      BT_TEST(a_loss_that_no_longer_changes_stops),
      BT_TEST(the_time_limit_stops_and_the_epoch_counts),
      BT_TEST(divergence_keeps_the_last_good_epoch),
      BT_TEST(divergence_in_the_first_epoch_gives_back_the_start),
      BT_TEST(divergence_with_patience_gives_back_the_best),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
