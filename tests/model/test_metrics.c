/* Measures of predictions against values worked by hand and by scikit-learn 1.x (the Python line stands beside each). */
#include <math.h>

#include "model/metrics.h"
#include "support/testing.h"

/* from sklearn.metrics import *; t=[0,0,1,1,2,2,2,0]; p=[0,1,1,1,2,0,2,0]
 * confusion_matrix(t,p) -> [[2,1,0],[0,2,0],[1,0,2]]; accuracy_score(t,p) -> 0.75
 * precision_recall_fscore_support(t,p) -> [2/3,2/3,1] [2/3,1,2/3] [2/3,0.8,0.8] */
static void measures_three_classes(void **state) {
  const int32_t truth[] = {0, 0, 1, 1, 2, 2, 2, 0}, predicted[] = {0, 1, 1, 1, 2, 0, 2, 0};
  const int64_t confusion[] = {2, 1, 0, 0, 2, 0, 1, 0, 2};
  const double precision[] = {2.0 / 3, 2.0 / 3, 1}, recall[] = {2.0 / 3, 1, 2.0 / 3}, f1[] = {2.0 / 3, 0.8, 0.8};
  bp_context *ctx = bt_ctx(state);
  bp_metrics m;
  bt_assert_ok(ctx, bp_metrics_of_classes(ctx, truth, predicted, NULL, 8, 3, &m));
  assert_int_equal(m.task, BP_TASK_CLASSIFICATION);
  assert_int_equal(m.rows, 8);
  assert_int_equal(m.classes, 3);
  assert_memory_equal(m.confusion, confusion, sizeof confusion);
  bt_assert_close(m.accuracy, 0.75, 0, 0);
  bt_assert_close_f64(m.precision, precision, 3, 1e-15, 0);
  bt_assert_close_f64(m.recall, recall, 3, 1e-15, 0);
  bt_assert_close_f64(m.f1, f1, 3, 1e-15, 0);
  assert_true(isnan(m.auc) && isnan(m.rmse) && isnan(m.loss) && isnan(m.log_loss_bits));
  bp_metrics_release(ctx, &m);
  bp_metrics_release(ctx, &m); /* twice is harmless */
}

/* Class 1 is never predicted, class 2 never true: precision, recall and F1 are 0, not NaN. */
static void undefined_ratios_are_zero(void **state) {
  const int32_t truth[] = {0, 1}, predicted[] = {0, 2};
  const double expected[] = {1, 0, 0};
  bp_context *ctx = bt_ctx(state);
  bp_metrics m;
  bt_assert_ok(ctx, bp_metrics_of_classes(ctx, truth, predicted, NULL, 2, 3, &m));
  bt_assert_close_f64(m.precision, expected, 3, 0, 0);
  bt_assert_close_f64(m.recall, expected, 3, 0, 0);
  bt_assert_close_f64(m.f1, expected, 3, 0, 0);
  bp_metrics_release(ctx, &m);
}

static double auc_of(bp_context *ctx, const int32_t *truth, const double *scores, int64_t rows) {
  bp_metrics m;
  int32_t predicted[16];
  for (int64_t r = 0; r < rows; r++) predicted[r] = scores[r] > 0.5;
  bt_assert_ok(ctx, bp_metrics_of_classes(ctx, truth, predicted, scores, rows, 2, &m));
  double auc = m.auc;
  bp_metrics_release(ctx, &m);
  return auc;
}

/* roc_auc_score([0,0,1,1,0,1,1,0], [.1,.4,.35,.8,.4,.4,.9,.1]) -> 0.8125. By hand: of the 16 pairs, 12 are in order and the
 * two ties of 0.4 count half each: 13 / 16. */
static void area_counts_ties_half(void **state) {
  const int32_t truth[] = {0, 0, 1, 1, 0, 1, 1, 0};
  const double scores[] = {.1, .4, .35, .8, .4, .4, .9, .1};
  bt_assert_close(auc_of(bt_ctx(state), truth, scores, 8), 0.8125, 1e-15, 0);
}

static void area_of_perfect_reversed_and_constant_scores(void **state) {
  const int32_t truth[] = {0, 0, 1, 1};
  const double up[] = {.1, .2, .3, .4}, down[] = {.4, .3, .2, .1}, flat[] = {.5, .5, .5, .5};
  bp_context *ctx = bt_ctx(state);
  bt_assert_close(auc_of(ctx, truth, up, 4), 1, 0, 0);
  bt_assert_close(auc_of(ctx, truth, down, 4), 0, 0, 0);
  bt_assert_close(auc_of(ctx, truth, flat, 4), 0.5, 0, 0);
}

static void area_needs_both_classes_and_numbers(void **state) {
  const int32_t ones[] = {1, 1}, both[] = {0, 1};
  const double scores[] = {.2, .3}, bad[] = {NAN, .3};
  bp_context *ctx = bt_ctx(state);
  assert_true(isnan(auc_of(ctx, ones, scores, 2)));
  assert_true(isnan(auc_of(ctx, both, bad, 2)));
}

/* a=[3,-0.5,2,7]; b=[2.5,0.0,2,8]; mean_squared_error(a,b)**.5 -> 0.6123724356957945; mean_absolute_error(a,b) -> 0.5;
 * r2_score(a,b) -> 0.9486081370449679 */
static void measures_values(void **state) {
  const double truth[] = {3, -0.5, 2, 7}, predicted[] = {2.5, 0, 2, 8};
  bp_metrics m;
  (void)state;
  bp_metrics_of_values(truth, predicted, 4, &m);
  assert_int_equal(m.task, BP_TASK_REGRESSION);
  bt_assert_close(m.rmse, 0.6123724356957945, 1e-15, 0);
  bt_assert_close(m.mae, 0.5, 1e-15, 0);
  bt_assert_close(m.r2, 0.9486081370449679, 1e-15, 0);
  assert_true(isnan(m.accuracy) && isnan(m.auc) && isnan(m.loss));
  assert_null(m.confusion);
}

static void r2_of_a_constant_is_undefined(void **state) {
  const double truth[] = {0.1, 0.1, 0.1}, predicted[] = {0.1, 0.2, 0.1};
  bp_metrics m;
  (void)state;
  bp_metrics_of_values(truth, predicted, 3, &m);
  assert_true(isnan(m.r2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(measures_three_classes),
      BT_TEST(undefined_ratios_are_zero),
      BT_TEST(area_counts_ties_half),
      BT_TEST(area_of_perfect_reversed_and_constant_scores),
      BT_TEST(area_needs_both_classes_and_numbers),
      BT_TEST(measures_values),
      BT_TEST(r2_of_a_constant_is_undefined),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
