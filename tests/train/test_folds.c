/* labels: unit oom */
/* Members of an ensemble that leave rows out: what they learn from, and what they are judged by. */
#include "train/temperature.h"
#include "train/train_fixtures.h"

enum { MEMBERS = 3, ROWS = 90 };

static tt_model ensemble_new(bp_context *ctx, bp_dtype dtype, int members, double dropout, uint64_t seed) {
  tt_model m = {0};
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, dtype, &m.net));
  bt_assert_ok(ctx, bp_net_set_members(ctx, m.net, members));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, 6, BP_TANH, BP_INIT_AUTO));
  if (dropout > 0) bt_assert_ok(ctx, bp_net_dropout(ctx, m.net, dropout));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO));
  for (int p = 0; p < bp_net_params(m.net); p++) m.params[p] = malloc(tt_bytes(&m, p));
  bp_net_init(m.net, seed, m.params);
  return m;
}

/* Which member leaves a row out: unequal folds. */
static void make_folds(uint8_t *folds) {
  for (int r = 0; r < ROWS; r++) folds[r] = (uint8_t)(r % 7 < 3 ? 0 : r % 7 < 5 ? 1 : 2);
}

static void make_weights(double *weights) {
  for (int r = 0; r < ROWS; r++) weights[r] = r % 4 == 0 ? 0 : 0.5 + r % 3;
}

static bp_fit_result fitted(bp_context *ctx, const tt_model *m, const bp_source *rows, const bp_fit_options *o) {
  bp_fit_result result = {0};
  bt_assert_ok(ctx, bp_fit(ctx, m->net, m->params, rows, NULL, o, &result));
  return result;
}

static void fit(bp_context *ctx, const tt_model *m, const bp_source *rows, const bp_fit_options *o) {
  bp_fit_result result = fitted(ctx, m, rows, o);
  bp_fit_result_release(ctx, &result);
}

/* ---- learning ---- */

static bool same_member(const tt_model *a, const tt_model *b, int member) {
  for (int p = 0; p < bp_net_params(a->net); p++)
    if (bp_net_param(a->net, p).member == member && memcmp(a->params[p], b->params[p], tt_bytes(a, p)) != 0)
      return false;
  return true;
}

/* Other targets of the rows that member m leaves out change every member but m, which keeps each bit. */
static void check_left_out(bp_context *ctx, const bp_fit_options *options, bool classes, const double *weights) {
  tt_data *d = tt_data_new(1);
  uint8_t folds[ROWS];
  make_folds(folds);
  bp_fit_options o = *options;
  o.folds = folds;
  if (!classes) o.objective.loss = BP_LOSS_MSE;
  for (int left_out = 0; left_out < MEMBERS; left_out++) {
    bp_source rows = classes ? tt_classes(d, 0, ROWS) : tt_values(d, 0, ROWS);
    rows.weights = weights;
    tt_model a = ensemble_new(ctx, BP_F32, MEMBERS, 0.2, 3), b = ensemble_new(ctx, BP_F32, MEMBERS, 0.2, 3);
    int32_t other[ROWS];
    float values[ROWS * TT_CLASSES];
    fit(ctx, &a, &rows, &o);
    for (int r = 0; r < ROWS; r++) {
      bool change = folds[r] == left_out;
      other[r] = (d->classes[r] + change) % TT_CLASSES;
      for (int c = 0; c < TT_CLASSES; c++) {
        float y = d->values[r * TT_CLASSES + c];
        values[r * TT_CLASSES + c] = change ? 1 - y : y;
      }
    }
    rows.targets = classes ? (const void *)other : values;
    fit(ctx, &b, &rows, &o);
    for (int m = 0; m < MEMBERS; m++) assert_int_equal(same_member(&a, &b, m), m == left_out);
    tt_model_release(&a);
    tt_model_release(&b);
  }
  free(d);
}

static void a_member_does_not_learn_from_rows_that_it_leaves_out(void **state) {
  double weights[ROWS];
  bp_fit_options o = tt_options();
  make_weights(weights);
  o.epochs = 3;
  check_left_out(bt_ctx(state), &o, true, NULL);
  check_left_out(bt_ctx(state), &o, true, weights);
  o.clip_norm = 0.05; /* each member is clipped by its own norm */
  o.l2 = 0.01;
  check_left_out(bt_ctx(state), &o, false, NULL);
  o = tt_options();
  o.momentum = 0;
  o.optimizer = BP_ADAM;
  o.lr = 0.01;
  o.clip_value = 0.01;
  check_left_out(bt_ctx(state), &o, true, NULL);
}

/* Member m with the arrays of the ensemble before it is trained, as a network of its own. */
static tt_model alone(bp_context *ctx, const tt_model *ensemble, int m) {
  tt_model one = ensemble_new(ctx, bp_net_dtype(ensemble->net), 1, 0, 1);
  int n = bp_net_params(one.net);
  for (int p = 0; p < n; p++) memcpy(one.params[p], ensemble->params[m * n + p], tt_bytes(&one, p));
  return one;
}

/* The same network alone, where rows left out have no weight, takes the same steps: the batches are the same. The last digits
 * may differ, because a loss is divided by the number of members and multiplied by it. */
static void check_alone(bp_context *ctx, const bp_fit_options *options, const double *weights, bool left_out) {
  tt_data *d = tt_data_new(2);
  uint8_t folds[ROWS];
  double own[ROWS];
  bp_source rows = tt_classes(d, 0, ROWS);
  bp_fit_options o = *options;
  tt_model e = ensemble_new(ctx, BP_F64, MEMBERS, 0, 5), members[MEMBERS];
  make_folds(folds);
  for (int m = 0; m < MEMBERS; m++) {
    members[m] = alone(ctx, &e, m);
    for (int r = 0; r < ROWS; r++) own[r] = (weights ? weights[r] : 1) * (left_out && folds[r] == m ? 0 : 1);
    rows.weights = own;
    fit(ctx, &members[m], &rows, &o);
  }
  rows.weights = weights;
  o.folds = left_out ? folds : NULL;
  fit(ctx, &e, &rows, &o);
  for (int p = 0, n = bp_net_params(members[0].net); p < MEMBERS * n; p++)
    bt_assert_close_f64(e.params[p], members[p / n].params[p % n], (size_t)bp_net_param(e.net, p).elements, 1e-9,
                        1e-11);
  for (int m = 0; m < MEMBERS; m++) tt_model_release(&members[m]);
  tt_model_release(&e);
  free(d);
}

static void a_member_learns_as_if_it_were_alone(void **state) {
  double weights[ROWS];
  bp_fit_options o = tt_options();
  make_weights(weights);
  o.epochs = 4;
  o.l2 = 0.01;
  o.l1 = 0.001;
  for (int left_out = 0; left_out < 2; left_out++) {
    check_alone(bt_ctx(state), &o, NULL, left_out);
    check_alone(bt_ctx(state), &o, weights, left_out);
  }
  o.clip_norm = 0.3;
  o.max_norm = 0.8;
  check_alone(bt_ctx(state), &o, NULL, true);
}

/* ---- judging ---- */

/* The raw outputs of row r by the member that leaves it out, from those of all members. */
static const double *left_out_z(const double *z, const uint8_t *folds, int r) {
  return z + (r * MEMBERS + folds[r]) * TT_CLASSES;
}

typedef struct judged {
  double loss, accuracy, mae, rmse, log_loss, calibrated;
} judged;

/* By hand, in float64; of values the loss is the mean of squares. */
static judged by_hand(bp_context *ctx, const tt_model *m, const tt_data *d, const uint8_t *folds, const double *weights,
                      bool classes) {
  double z[ROWS * MEMBERS * TT_CLASSES], p[ROWS * TT_CLASSES], all = 0;
  judged j = {0};
  bt_assert_ok(ctx, bp_net_eval(ctx, m->net, m->params, ROWS, d->x64, z));
  for (int r = 0; r < ROWS; r++) {
    const double *own = left_out_z(z, folds, r), *y = d->values64 + r * TT_CLASSES;
    double w = weights ? weights[r] : 1, total = 0;
    int best = 0;
    all += w;
    for (int c = 0; c < TT_CLASSES; c++) total += exp(own[c]), best = own[c] > own[best] ? c : best;
    for (int c = 0; c < TT_CLASSES; c++) {
      p[r * TT_CLASSES + c] = exp(own[c]) / total;
      j.mae += w * fabs(own[c] - y[c]) / TT_CLASSES;
      j.rmse += w * (own[c] - y[c]) * (own[c] - y[c]) / TT_CLASSES;
    }
    j.log_loss -= w * log(p[r * TT_CLASSES + d->classes[r]]);
    j.accuracy += w * (best == d->classes[r]);
  }
  double t = temperature_of(p, d->classes, weights, ROWS, TT_CLASSES);
  j.calibrated = temperature_loss(p, d->classes, weights, ROWS, TT_CLASSES, t);
  j.accuracy /= all, j.log_loss /= all, j.mae /= all;
  j.loss = classes ? j.log_loss : j.rmse / all;
  j.rmse = sqrt(j.rmse / all);
  return j;
}

/* One metric after two epochs; the kept weights are those of the best of them. */
static void check_metric(bp_context *ctx, bp_metric metric, const double *weights, bool classes) {
  tt_data *d = tt_data_new(3);
  uint8_t folds[ROWS];
  make_folds(folds);
  bp_source rows = classes ? tt_classes(d, 0, ROWS) : tt_values(d, 0, ROWS);
  rows.weights = weights;
  bp_fit_options o = tt_options();
  if (!classes) o.objective.loss = BP_LOSS_MSE;
  o.epochs = 2;
  o.folds = folds;
  o.patience = metric == BP_METRIC_AUTO ? 0 : 50;
  o.metric = metric;
  tt_model m = ensemble_new(ctx, BP_F64, MEMBERS, 0.3, 5); /* members drop in training alone */
  bp_fit_result result = fitted(ctx, &m, &rows, &o);
  const bp_epoch *kept = &result.history[(result.best_epoch > 0 ? result.best_epoch : 2) - 1];
  judged j = by_hand(ctx, &m, d, folds, weights, classes);
  bt_assert_close(kept->valid_loss, j.loss, 1e-11, 0);
  if (classes) bt_assert_close(kept->valid_accuracy, j.accuracy, 1e-12, 0);
  double expected = metric == BP_METRIC_ACCURACY          ? j.accuracy
                    : metric == BP_METRIC_RMSE            ? j.rmse
                    : metric == BP_METRIC_MAE             ? j.mae
                    : metric == BP_METRIC_LOG_LOSS        ? j.log_loss
                    : metric == BP_METRIC_CALIBRATED_LOSS ? j.calibrated
                                                          : j.loss;
  bt_assert_close(kept->valid_metric, expected, 1e-9, 0);
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(d);
}

static void members_are_judged_by_the_rows_that_they_leave_out(void **state) {
  static const bp_metric of_classes[] = {BP_METRIC_AUTO, BP_METRIC_LOSS, BP_METRIC_ACCURACY, BP_METRIC_LOG_LOSS,
                                         BP_METRIC_CALIBRATED_LOSS},
                         of_values[] = {BP_METRIC_AUTO, BP_METRIC_LOSS, BP_METRIC_RMSE, BP_METRIC_MAE};
  double weights[ROWS];
  make_weights(weights);
  for (int w = 0; w < 2; w++) {
    for (size_t i = 0; i < sizeof of_classes / sizeof *of_classes; i++)
      check_metric(bt_ctx(state), of_classes[i], w ? weights : NULL, true);
    for (size_t i = 0; i < sizeof of_values / sizeof *of_values; i++)
      check_metric(bt_ctx(state), of_values[i], w ? weights : NULL, false);
  }
}

/* Without folds, validation rows are judged by the prediction that members make together. */
static void validation_rows_are_judged_together(void **state) {
  enum { VALID = 40 };
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(3);
  bp_source rows = tt_classes(d, 0, ROWS), valid = tt_classes(d, ROWS, VALID);
  bp_fit_options o = tt_options();
  tt_model m = ensemble_new(ctx, BP_F64, MEMBERS, 0, 5);
  double z[VALID * MEMBERS * TT_CLASSES], loss = 0, right = 0;
  bp_fit_result result = {0};
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, &valid, &o, &result));
  bt_assert_ok(ctx, bp_net_eval(ctx, m.net, m.params, VALID, d->x64 + ROWS * TT_COLUMNS, z));
  for (int r = 0; r < VALID; r++) {
    double p[TT_CLASSES] = {0};
    int best = 0, class = d->classes[ROWS + r];
    for (int k = 0; k < MEMBERS; k++) {
      const double *own = z + (r * MEMBERS + k) * TT_CLASSES;
      double total = exp(own[0]) + exp(own[1]) + exp(own[2]);
      for (int c = 0; c < TT_CLASSES; c++) p[c] += exp(own[c]) / total / MEMBERS;
    }
    for (int c = 0; c < TT_CLASSES; c++) best = p[c] > p[best] ? c : best;
    loss -= log(p[class]) / VALID;
    right += (best == class) / (double)VALID;
  }
  bt_assert_close(result.history[result.epochs - 1].valid_loss, loss, 1e-12, 0);
  bt_assert_close(result.history[result.epochs - 1].valid_accuracy, right, 1e-12, 0);
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(d);
}

/* A gain that is never reached: the first epoch is the best, and patience ends the run. */
static void a_small_gain_is_none(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(3);
  uint8_t folds[ROWS];
  make_folds(folds);
  bp_source rows = tt_classes(d, 0, ROWS);
  bp_fit_options o = tt_options();
  o.folds = folds;
  o.patience = 2;
  o.epochs = 30;
  for (int huge = 0; huge < 2; huge++) {
    o.min_gain = huge ? 1e6 : 0;
    tt_model m = ensemble_new(ctx, BP_F64, MEMBERS, 0, 5);
    bp_fit_result result = fitted(ctx, &m, &rows, &o);
    if (huge) assert_true(result.best_epoch == 1 && result.epochs == 3);
    if (!huge) assert_true(result.best_epoch > 1 && result.epochs > 3);
    bp_fit_result_release(ctx, &result);
    tt_model_release(&m);
  }
  free(d);
}

static void the_number_of_threads_does_not_change_a_bit(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(3);
  uint8_t folds[ROWS];
  tt_model first = {0};
  bp_fit_result one = {0};
  make_folds(folds);
  bp_source rows = tt_classes(d, 0, ROWS);
  bp_fit_options o = tt_options();
  o.folds = folds;
  o.patience = 50;
  o.metric = BP_METRIC_CALIBRATED_LOSS;
  o.batch_size = 40;
  for (o.threads = 1; o.threads <= 3; o.threads++) {
    tt_model m = ensemble_new(ctx, BP_F32, MEMBERS, 0.2, 5);
    bp_fit_result result = fitted(ctx, &m, &rows, &o);
    if (o.threads == 1) {
      first = m, one = result;
      continue;
    }
    assert_true(tt_same_params(&first, &m));
    for (int e = 0; e < one.epochs; e++) {
      bt_assert_same_bits(&one.history[e].train_loss, &result.history[e].train_loss, sizeof(double));
      bt_assert_same_bits(&one.history[e].valid_loss, &result.history[e].valid_loss, sizeof(double));
      bt_assert_same_bits(&one.history[e].valid_metric, &result.history[e].valid_metric, sizeof(double));
    }
    bp_fit_result_release(ctx, &result);
    tt_model_release(&m);
  }
  bp_fit_result_release(ctx, &one);
  tt_model_release(&first);
  free(d);
}

/* ---- refusals and memory ---- */

static void folds_that_make_no_sense_are_refused(void **state) {
  static const struct {
    bp_status status;
    int members, of, first; /* folds: all `of`, but for the first row */
    bool valid, weighted;
    const char *words;
  } bad[] = {
      {BP_E_ARG, 1, 0, 1, false, false,
       "folds are for an ensemble, and the network has one member; expected 2 or more"},
      {BP_E_ARG, 3, 1, 0, true, false, "both folds and validation rows are given; expected one of them"},
      {BP_E_DATA, 3, 255, 255, false, false, "no member leaves rows out, so that there are none to judge by"},
      {BP_E_DATA, 3, 2, 2, false, false, "member 2 leaves all rows out, and has none to learn from"},
      {BP_E_DATA, 3, 1, 0, false, true, "member 1 leaves all rows with a weight out, and has none to learn from"},
  };
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(3);
  double weights[ROWS];
  for (int r = 0; r < ROWS; r++) weights[r] = r > 0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint8_t folds[ROWS];
    memset(folds, bad[i].of, sizeof folds);
    folds[0] = (uint8_t)bad[i].first;
    bp_source rows = tt_classes(d, 0, ROWS), valid = tt_classes(d, ROWS, 20);
    bp_fit_options o = tt_options();
    bp_fit_result result = {.epochs = 777};
    tt_model m = ensemble_new(ctx, BP_F32, bad[i].members, 0, 1);
    o.folds = folds;
    if (bad[i].weighted) rows.weights = weights;
    bt_assert_fails(ctx, bad[i].status, bp_fit(ctx, m.net, m.params, &rows, bad[i].valid ? &valid : NULL, &o, &result));
    bt_assert_message(ctx, bad[i].words);
    assert_int_equal(result.epochs, 777);
    tt_model_release(&m);
  }
  free(d);
}

static void methods_of_full_batches_refuse_an_ensemble(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(3);
  bp_source rows = tt_values(d, 0, ROWS);
  static const bp_optimizer methods[] = {BP_LBFGS, BP_LM};
  for (size_t i = 0; i < 2; i++) {
    bp_fit_options o = {.size = sizeof o, .optimizer = methods[i], .objective.loss = BP_LOSS_MSE};
    bp_fit_result result;
    tt_model m = ensemble_new(ctx, BP_F32, MEMBERS, 0, 1);
    bt_assert_fails(ctx, BP_E_ARG, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
    bt_assert_message(ctx, "fits one network, and this is an ensemble of 3; expected another optimizer");
    tt_model_release(&m);
  }
  free(d);
}

/* A fold without rows is nobody's fault: its member learns from all. */
static void a_member_may_leave_nothing_out(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(3);
  uint8_t folds[ROWS];
  for (int r = 0; r < ROWS; r++) folds[r] = r % 2 == 0 ? 0 : 2;
  bp_source rows = tt_classes(d, 0, ROWS);
  bp_fit_options o = tt_options();
  o.folds = folds;
  tt_model m = ensemble_new(ctx, BP_F64, MEMBERS, 0, 5);
  bp_fit_result result = fitted(ctx, &m, &rows, &o);
  judged j = by_hand(ctx, &m, d, folds, NULL, true);
  bt_assert_close(result.history[result.epochs - 1].valid_loss, j.loss, 1e-11, 0);
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(d);
}

static bp_status fit_once(bp_context *ctx, void *user) {
  enum { FEW = 30, PARAMS = 8 };
  static float arrays[PARAMS][TT_COLUMNS * TT_COLUMNS];
  void *params[PARAMS];
  uint8_t folds[FEW];
  bp_source rows = tt_classes(user, 0, FEW);
  bp_fit_options o = tt_options();
  bp_fit_result result = {.epochs = 777};
  bp_net *net = NULL;
  for (int r = 0; r < FEW; r++) folds[r] = (uint8_t)(r % 2);
  for (int p = 0; p < PARAMS; p++) params[p] = arrays[p];
  o.folds = folds;
  o.patience = 3;
  o.metric = BP_METRIC_CALIBRATED_LOSS;
  bp_status status = bp_net_new(ctx, TT_COLUMNS, BP_F32, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 4, BP_TANH, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_set_members(ctx, net, 2);
  if (status == BP_OK) {
    assert_int_equal(bp_net_params(net), PARAMS);
    bp_net_init(net, 1, params);
    status = bp_fit(ctx, net, params, &rows, NULL, &o, &result);
    if (status != BP_OK) assert_true(result.epochs == 777 && result.history == NULL);
    if (status == BP_OK) bp_fit_result_release(ctx, &result);
  }
  bp_net_free(net);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  tt_data *d = tt_data_new(1);
  assert_true(bt_alloc_sweep(fit_once, d) > 20);
  free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_member_does_not_learn_from_rows_that_it_leaves_out),
      BT_TEST(a_member_learns_as_if_it_were_alone),
      BT_TEST(members_are_judged_by_the_rows_that_they_leave_out),
      BT_TEST(validation_rows_are_judged_together),
      BT_TEST(a_small_gain_is_none),
      BT_TEST(the_number_of_threads_does_not_change_a_bit),
      BT_TEST(folds_that_make_no_sense_are_refused),
      BT_TEST(methods_of_full_batches_refuse_an_ensemble),
      BT_TEST(a_member_may_leave_nothing_out),
      BT_TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
