/* labels: unit */
/* test_stop_metrics.c - early stopping goes by the measures of an evaluation: the same numbers, from other code. */
#include "model/model_fixtures.h"

/* The measure of an evaluation that a metric goes by. */
static double measure_of(bp_metric metric, const bp_metrics *m) {
  const double all[BP_METRIC_COUNT] = {[BP_METRIC_LOSS] = m->loss,
                                       [BP_METRIC_ACCURACY] = m->accuracy,
                                       [BP_METRIC_RMSE] = m->rmse,
                                       [BP_METRIC_MAE] = m->mae,
                                       [BP_METRIC_BALANCED_ACCURACY] = m->balanced_accuracy,
                                       [BP_METRIC_F1] = m->macro.f1,
                                       [BP_METRIC_MCC] = m->mcc,
                                       [BP_METRIC_KAPPA] = m->kappa,
                                       [BP_METRIC_AUC] = m->auc,
                                       [BP_METRIC_PR_AUC] = m->pr_auc,
                                       [BP_METRIC_LOG_LOSS] = m->log_loss,
                                       [BP_METRIC_BRIER] = m->brier,
                                       [BP_METRIC_CALIBRATION_ERROR] = m->calibration_error,
                                       [BP_METRIC_CALIBRATED_LOSS] = m->log_loss, /* the model has the temperature */
                                       [BP_METRIC_R2] = m->r2,
                                       [BP_METRIC_MEDIAN_ERROR] = m->median_error,
                                       [BP_METRIC_MAX_ERROR] = m->max_error};
  return all[metric];
}

/* Whether more of it is better. */
static bool rises(bp_metric m) {
  return m == BP_METRIC_ACCURACY || (m >= BP_METRIC_BALANCED_ACCURACY && m <= BP_METRIC_PR_AUC) || m == BP_METRIC_R2;
}

/* Trains by a metric with the table as validation rows: the epoch that was kept has the best value, which is what an evaluation
 * of the model finds; errors of values in standard deviations of the target. False when the metric is refused. */
static bool stops_by(bp_context *ctx, bt_target target, bp_dtype dtype, bp_metric metric) {
  bp_table *table = bt_table_of(ctx, target, BT_ROWS);
  bp_train_options o = bt_small(dtype);
  bp_model *model = NULL;
  bp_fit_result r;
  bp_metrics m;
  o.fit.metric = metric;
  o.fit.patience = 10;
  o.fit.epochs = 10;
  bp_status status = bp_model_train(ctx, table, table, &o, &model, &r);
  if (status == BP_OK) {
    double best = r.history[r.best_epoch - 1].valid_metric, deviation = 1;
    for (int e = 0; e < r.epochs; e++)
      assert_true(rises(metric) ? r.history[e].valid_metric <= best : r.history[e].valid_metric >= best);
    bt_assert_ok(ctx, bp_model_evaluate(ctx, model, table, 1, &m));
    bool error = target == BT_VALUE && metric != BP_METRIC_LOSS && metric != BP_METRIC_R2;
    if (error) deviation = m.rmse / sqrt(m.loss);
    bt_assert_close(best, measure_of(metric, &m) / deviation, 1e-5, 1e-6);
    bp_metrics_release(ctx, &m);
    bp_fit_result_release(ctx, &r);
  } else {
    assert_int_equal(status, BP_E_ARG);
    bt_assert_message(ctx, target == BT_VALUE ? "but the targets are values" : "but the targets are classes");
  }
  bp_model_free(model);
  bp_table_free(table);
  return status == BP_OK;
}

static void training_stops_by_any_measure_of_an_evaluation(void **state) {
  int taken[3] = {0};
  for (int metric = BP_METRIC_LOSS; metric < BP_METRIC_COUNT; metric++)
    for (bt_target target = BT_TWO; target <= BT_VALUE; target++)
      taken[target] += stops_by(bt_ctx(state), target, metric % 2 ? BP_F32 : BP_F64, (bp_metric)metric);
  assert_int_equal(taken[BT_TWO], 12);
  assert_int_equal(taken[BT_THREE], 12);
  assert_int_equal(taken[BT_VALUE], 6);
}

/* One class among the validation rows: no area to go by. */
static void a_metric_without_a_meaning_is_told(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *table = bt_table_of(ctx, BT_TWO, BT_ROWS), *one = bt_table_of(ctx, BT_TWO, 1);
  bp_train_options o = bt_small(BP_F32);
  bp_model *model = NULL;
  o.fit.metric = BP_METRIC_AUC;
  o.fit.patience = 2;
  bt_assert_fails(ctx, BP_E_DATA, bp_model_train(ctx, table, one, &o, &model, NULL));
  bt_assert_message(ctx, "metric auc is not defined for the validation rows");
  o.fit.metric = BP_METRIC_BRIER;
  o.fit.objective.loss = BP_LOSS_HINGE;
  bt_assert_fails(ctx, BP_E_ARG, bp_model_train(ctx, table, table, &o, &model, NULL));
  bt_assert_message(ctx, "are no probabilities");
  bp_table_free(table);
  bp_table_free(one);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(training_stops_by_any_measure_of_an_evaluation),
                                     BT_TEST(a_metric_without_a_meaning_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
