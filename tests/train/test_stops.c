/* The ends of a training: patience, the callback, divergence; and which parameters are left. */
/* labels: unit */
#include "train/train_fixtures.h"

/* A training, with what it takes and what it gave. */
typedef struct trial {
  bp_context *ctx;
  tt_data *d;
  bp_source train, valid; /* valid: no rows where there is none */
  bp_fit_options o;
  tt_model m;
  bp_fit_result r;
} trial;

/* NEW, not fitted yet, on the first `rows` rows, with `valid` others for validation; trial_end(). */
static trial trial_of(void **state, int64_t rows, int64_t valid) {
  trial t = {.ctx = bt_ctx(state), .d = tt_data_new(1), .o = tt_options()};
  t.train = tt_classes(t.d, 0, rows);
  t.valid = tt_classes(t.d, TT_ROWS_MAX - valid, valid);
  t.m = tt_model_new(t.ctx, BP_F32, 40, 2);
  return t;
}

/* The same with values for targets, and their squared error. */
static trial trial_of_values(void **state, int64_t rows, int64_t valid) {
  trial t = trial_of(state, rows, valid);
  t.train = tt_values(t.d, 0, rows);
  t.valid = tt_values(t.d, TT_ROWS_MAX - valid, valid);
  t.o.objective.loss = BP_LOSS_MSE;
  t.o.momentum = 0;
  return t;
}

static bp_status try(trial *t) {
  return bp_fit(t->ctx, t->m.net, t->m.params, &t->train, t->valid.rows > 0 ? &t->valid : NULL, &t->o, &t->r);
}

static void fit(trial *t) { bt_assert_ok(t->ctx, try(t)); }

static void trial_end(trial *t) {
  bp_fit_result_release(t->ctx, &t->r);
  tt_model_release(&t->m);
  free(t->d);
}

/* Whether the parameters are what `epochs` epochs without validation, callback or patience give. */
static void check_is_after(const trial *t, int epochs) {
  bp_fit_options o = t->o;
  bp_fit_result result = {0};
  o.patience = 0;
  o.metric = BP_METRIC_LOSS;
  o.tolerance = 0;
  o.progress = NULL;
  o.step = NULL;
  o.epochs = epochs;
  tt_model plain = tt_model_new(t->ctx, BP_F32, 40, 2);
  if (epochs > 0) bt_assert_ok(t->ctx, bp_fit(t->ctx, plain.net, plain.params, &t->train, NULL, &o, &result));
  assert_true(tt_same_params(&t->m, &plain));
  bp_fit_result_release(t->ctx, &result);
  tt_model_release(&plain);
}

/* ---- patience ---- */

/* Few rows are learnt by heart: the loss of other rows falls, then rises. */
static void learn_by_heart(trial *t, int patience) {
  t->o.epochs = 400;
  t->o.patience = patience;
  fit(t);
}

static void patience_stops_and_restores_the_best_weights(void **state) {
  trial t = trial_of(state, 10, 200);
  learn_by_heart(&t, 7);
  assert_int_equal(t.r.stopped_by, BP_STOP_PATIENCE);
  assert_true(t.r.epochs < 400 && t.r.best_epoch > 1);
  assert_int_equal(t.r.epochs, t.r.best_epoch + 7);
  double best = t.r.history[t.r.best_epoch - 1].valid_loss;
  for (int e = 1; e <= t.r.epochs; e++) { /* the best is the first that nothing later beats */
    if (e < t.r.best_epoch) assert_true(t.r.history[e - 1].valid_loss > best);
    if (e > t.r.best_epoch) assert_true(t.r.history[e - 1].valid_loss >= best);
  }
  check_is_after(&t, t.r.best_epoch);
  trial_end(&t);
}

/* Patience longer than the training: the best weights all the same. */
static void the_best_weights_are_kept_when_the_epochs_run_out(void **state) {
  trial t = trial_of(state, 10, 200);
  learn_by_heart(&t, 1000);
  assert_int_equal(t.r.stopped_by, BP_STOP_EPOCHS);
  assert_int_equal(t.r.epochs, 400);
  assert_true(t.r.best_epoch < 400);
  check_is_after(&t, t.r.best_epoch);
  trial_end(&t);
}

static void without_patience_the_last_weights_stay(void **state) {
  trial t = trial_of(state, 10, 200);
  learn_by_heart(&t, 0);
  assert_int_equal(t.r.stopped_by, BP_STOP_EPOCHS);
  assert_int_equal(t.r.best_epoch, 400);
  check_is_after(&t, 400);
  trial_end(&t);
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
  trial t = trial_of(state, 40, 200);
  t.o.metric = BP_METRIC_ACCURACY;
  learn_by_heart(&t, 12);
  assert_int_equal(t.r.stopped_by, BP_STOP_PATIENCE);
  assert_int_equal(t.r.epochs, t.r.best_epoch + 12);
  for (int e = 0; e < t.r.epochs; e++) assert_true(t.r.history[e].valid_metric == t.r.history[e].valid_accuracy);
  check_best(&t.r, -1);
  check_is_after(&t, t.r.best_epoch);
  trial_end(&t);
}

/* The loss mse is the square of rmse, and mae is mae; each beside the other loss too. */
static void errors_of_values_agree_with_losses(void **state) {
  for (int i = 0; i < 2; i++) {
    trial t = trial_of_values(state, 40, 200);
    t.o.objective.loss = i == 0 ? BP_LOSS_MSE : BP_LOSS_MAE;
    t.o.metric = i == 0 ? BP_METRIC_RMSE : BP_METRIC_MAE;
    t.o.epochs = 40;
    t.o.patience = 5;
    fit(&t);
    check_best(&t.r, 1);
    for (int e = 0; e < t.r.epochs; e++) {
      double metric = t.r.history[e].valid_metric, loss = t.r.history[e].valid_loss;
      bt_assert_close(i == 0 ? metric * metric : metric, loss, 1e-5, 0); /* sums of float32 in another order */
      assert_true(isnan(t.r.history[e].valid_accuracy));
    }
    trial_end(&t);
  }
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

static void watched_by(trial *t, watcher *w) {
  t->o.progress = watch;
  t->o.progress_user = w;
}

static void the_callback_sees_every_epoch_end(void **state) {
  trial t = trial_of(state, 200, 0);
  watcher w = {.stop_after = -1, .good = true};
  watched_by(&t, &w);
  fit(&t);
  assert_true(w.good);
  assert_int_equal(w.ends, 5);
  trial_end(&t);
}

static void the_callback_stops_at_the_end_of_an_epoch(void **state) {
  trial t = trial_of(state, 200, 0);
  watcher w = {.stop_after = 3, .good = true};
  watched_by(&t, &w);
  fit(&t);
  assert_int_equal(t.r.stopped_by, BP_STOP_CALLBACK);
  assert_int_equal(t.r.epochs, 3);
  assert_int_equal(t.r.best_epoch, 3);
  check_is_after(&t, 3);
  trial_end(&t);
}

/* An epoch that takes longer than the callback's interval is interrupted within. The same rows many times over make one. */
static void the_callback_stops_within_an_epoch(void **state) {
  enum { ROWS = 400000 };
  trial t = trial_of(state, 0, 0);
  uint8_t *bytes = malloc((size_t)ROWS * TT_COLUMNS);
  int32_t *classes = malloc(ROWS * sizeof *classes);
  for (int i = 0; i < ROWS; i++) {
    memcpy(bytes + (size_t)i * TT_COLUMNS, t.d->bytes + (i % TT_ROWS_MAX) * TT_COLUMNS, TT_COLUMNS);
    classes[i] = t.d->classes[i % TT_ROWS_MAX];
  }
  t.train = (bp_source){ROWS,    TT_COLUMNS, BP_U8, bytes, 0.0078125, -1, BP_I32, TT_CLASSES,
                        classes, NULL,       NULL,  0,     NULL,      0,  NULL};
  watcher w = {.stop_after = 0, .good = true};
  watched_by(&t, &w);
  t.o.batch_size = 1;
  t.o.lr = 0.001;
  t.o.epochs = 1;
  fit(&t);
  assert_true(w.good);
  assert_int_equal(w.within, 1);
  assert_int_equal(t.r.stopped_by, BP_STOP_CALLBACK);
  assert_int_equal(t.r.epochs, 0);
  assert_true(t.r.steps > 0 && t.r.steps < ROWS);
  assert_true(tt_params_finite(&t.m));
  trial_end(&t);
  free(bytes);
  free(classes);
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
    trial t = trial_of(state, 200, 0);
    t.o.step = count_steps;
    t.o.step_user = &c;
    fit(&t);
    assert_true(c.good);
    assert_int_equal(c.calls, rows[i].calls);
    assert_int_equal(t.r.steps, rows[i].calls);
    assert_int_equal(t.r.stopped_by, rows[i].stop);
    assert_int_equal(t.r.epochs, rows[i].epochs);
    if (rows[i].stop == BP_STOP_EPOCHS) check_is_after(&t, 5);
    trial_end(&t);
  }
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
  for (int i = 0; i < 4; i++) {
    trial t = trial_of(state, 200, 0);
    bp_dtype dtype = i % 2 ? BP_F64 : BP_F32;
    tt_model plain = tt_model_new(t.ctx, dtype, 10, 2);
    tt_model_release(&t.m);
    t.m = tt_model_new(t.ctx, dtype, 10, 2);
    t.o.momentum = 0;
    bt_assert_ok(t.ctx, bp_fit(t.ctx, plain.net, plain.params, &t.train, NULL, &t.o, &t.r));
    bp_fit_result_release(t.ctx, &t.r);
    ruler u = {.model = &t.m, .dtype = dtype};
    t.o.norms = i < 2 ? BP_NORMS_STEP : BP_NORMS_EPOCH;
    t.o.step = measure;
    t.o.step_user = &u;
    fit(&t);
    assert_int_equal(u.measured, i < 2 ? u.steps : 5);
    assert_true(tt_same_params(&t.m, &plain)); /* looking changes nothing */
    tt_model_release(&plain);
    trial_end(&t);
  }
}

/* ---- convergence and time ---- */

static void a_loss_that_no_longer_changes_stops(void **state) {
  trial t = trial_of(state, 200, 0);
  t.o.epochs = 2000;
  t.o.tolerance = 0.01;
  t.o.tolerance_epochs = 3;
  fit(&t);
  assert_int_equal(t.r.stopped_by, BP_STOP_TOLERANCE);
  assert_true(t.r.epochs > 3 && t.r.epochs < 2000);
  for (int e = 3; e < t.r.epochs; e++) { /* it stops the first time that four losses in a row lie within a hundredth */
    double low = INFINITY, high = 0;
    for (int k = e - 3; k <= e; k++) {
      low = fmin(low, t.r.history[k].train_loss);
      high = fmax(high, t.r.history[k].train_loss);
    }
    assert_int_equal(high - low <= 0.01 * high, e == t.r.epochs - 1);
  }
  assert_int_equal(t.r.best_epoch, t.r.epochs);
  check_is_after(&t, t.r.epochs);
  trial_end(&t);
}

static void the_time_limit_stops_and_the_epoch_counts(void **state) {
  trial t = trial_of(state, 400, 100);
  t.o.epochs = 1000000000;
  t.o.batch_size = 1;
  t.o.time_limit = 0.05;
  fit(&t);
  assert_int_equal(t.r.stopped_by, BP_STOP_TIME);
  assert_true(t.r.epochs >= 1 && t.r.seconds >= 0.05 && t.r.seconds < 10);
  const bp_epoch *last = &t.r.history[t.r.epochs - 1];
  assert_true(last->steps == t.r.steps && t.r.best_epoch == t.r.epochs);
  assert_true(isfinite(last->train_loss) && isfinite(last->valid_loss));
  trial_end(&t);
}

/* ---- divergence ---- */

/* Steps that are too long: squared error grows by a factor at each until it leaves the range of float32. */
static void diverge(trial *t) {
  t->o.lr = 1000;
  t->o.batch_size = 64;
  t->o.epochs = 300;
  bt_assert_fails(t->ctx, BP_E_DIVERGED, try(t));
}

static void divergence_keeps_the_last_good_epoch(void **state) {
  trial t = trial_of_values(state, 64, 0);
  diverge(&t);
  bt_assert_message(t.ctx, "try a smaller learning rate than 1000");
  assert_int_equal(t.r.stopped_by, BP_STOP_DIVERGED);
  assert_true(t.r.epochs > 0 && t.r.epochs < 300);
  assert_int_equal(t.r.best_epoch, t.r.epochs);
  for (int e = 0; e < t.r.epochs; e++) assert_true(isfinite(t.r.history[e].train_loss));
  assert_true(tt_params_finite(&t.m));
  check_is_after(&t, t.r.epochs);
  trial_end(&t);
}

/* Targets so large that the first loss is infinite: the parameters are the ones that came in. */
static void divergence_in_the_first_epoch_gives_back_the_start(void **state) {
  trial t = trial_of_values(state, 4, 0);
  float y[4 * TT_CLASSES];
  for (int i = 0; i < 4 * TT_CLASSES; i++) y[i] = 1e30f;
  t.train.targets = y;
  bt_assert_fails(t.ctx, BP_E_DIVERGED, try(&t));
  bt_assert_message(t.ctx, "at step 1 of epoch 1");
  assert_int_equal(t.r.epochs, 0);
  assert_int_equal(t.r.best_epoch, 0);
  check_is_after(&t, 0);
  trial_end(&t);
}

/* The best weights, not the last good ones, when a validation loss was watched. */
static void divergence_with_patience_gives_back_the_best(void **state) {
  trial t = trial_of_values(state, 64, 64);
  t.o.patience = 300;
  diverge(&t);
  assert_true(t.r.best_epoch >= 1 && t.r.best_epoch < t.r.epochs);
  check_is_after(&t, t.r.best_epoch);
  trial_end(&t);
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
