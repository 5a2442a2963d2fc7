/* Measures of predictions from plain arrays, against scikit-learn 1.9.1 (the Python that gives each value stands beside it),
 * numpy for the calibration error, and values worked by hand.
 */
#include <math.h>

#include "backprop/metrics.h"
#include "support/testing.h"

enum { ROWS = 10, CLASSES = 3 };

/* t, P and w of the comments below; p = P.argmax(1) */
static const int32_t truth[ROWS] = {0, 0, 1, 1, 2, 2, 2, 0, 1, 2};
static const double proba[ROWS * CLASSES] = {.7,  .2,  .1, .3,  .5,  .2, .2, .6, .2, .1,  .5,  .4, .25, .15, .6,
                                             .45, .35, .2, .05, .05, .9, .6, .3, .1, .35, .25, .4, .1,  .3,  .6};
static const double weight[ROWS] = {1, 2, .5, 1, 1, 3, 1, .25, 2, 1.5};
static const int32_t predicted[ROWS] = {0, 1, 1, 1, 2, 0, 2, 0, 2, 2};

/* ---- classes ---- */

/* confusion_matrix(t, p, sample_weight=W) */
static void counts_rows_or_their_weights(void **state) {
  const double counts[] = {2, 1, 0, 0, 2, 1, 1, 0, 3}, weights[] = {1.25, 2, 0, 0, 1.5, 2, 3, 0, 3.5};
  bp_context *ctx = bt_ctx(state);
  double confusion[9];
  bt_assert_ok(ctx, bp_confusion(ctx, truth, predicted, NULL, ROWS, CLASSES, confusion));
  bt_assert_close_f64(confusion, counts, 9, 0, 0);
  bt_assert_ok(ctx, bp_confusion(ctx, truth, predicted, weight, ROWS, CLASSES, confusion));
  bt_assert_close_f64(confusion, weights, 9, 0, 0);
}

static void refuses_classes_and_weights_out_of_range(void **state) {
  const int32_t low[] = {0, -1}, high[] = {0, 3}, good[] = {0, 2};
  const double negative[] = {1, -1}, infinite[] = {1, INFINITY}, nan[] = {1, NAN};
  double confusion[9] = {7};
  bp_context *ctx = bt_ctx(state);
  bt_assert_fails(ctx, BP_E_DATA, bp_confusion(ctx, low, good, NULL, 2, CLASSES, confusion));
  bt_assert_message(ctx, "row 1");
  bt_assert_fails(ctx, BP_E_DATA, bp_confusion(ctx, good, high, NULL, 2, CLASSES, confusion));
  bt_assert_message(ctx, "0 to 2");
  bt_assert_fails(ctx, BP_E_DATA, bp_confusion(ctx, good, good, negative, 2, CLASSES, confusion));
  bt_assert_fails(ctx, BP_E_DATA, bp_confusion(ctx, good, good, infinite, 2, CLASSES, confusion));
  bt_assert_fails(ctx, BP_E_DATA, bp_confusion(ctx, good, good, nan, 2, CLASSES, confusion));
  bt_assert_close(confusion[0], 7, 0, 0); /* untouched */
}

typedef struct expected_classes {
  const double *weights;
  double precision[CLASSES], recall[CLASSES], f1[CLASSES];
  double macro[3], weighted[3];
  double accuracy, balanced, mcc, kappa;
} expected_classes;

/* precision_recall_fscore_support(t, p, sample_weight=W, average=None | 'macro' | 'weighted'); accuracy_score,
 * balanced_accuracy_score, matthews_corrcoef, cohen_kappa_score (t, p, sample_weight=W) */
static const expected_classes class_cases[] = {
    {NULL,
     {0.6666666666666666, 0.6666666666666666, 0.75},
     {0.6666666666666666, 0.6666666666666666, 0.75},
     {0.6666666666666666, 0.6666666666666666, 0.75},
     {0.6944444444444443, 0.6944444444444443, 0.6944444444444443},
     {0.7, 0.7, 0.7},
     0.7,
     0.6944444444444443,
     0.5454545454545454,
     0.5454545454545454},
    {weight,
     {0.29411764705882354, 0.42857142857142855, 0.6363636363636364},
     {0.38461538461538464, 0.42857142857142855, 0.5384615384615384},
     {0.3333333333333333, 0.42857142857142855, 0.5833333333333334},
     {0.4530175706646295, 0.45054945054945056, 0.44841269841269843},
     {0.4975279991928161, 0.4716981132075472, 0.4811320754716981},
     0.4716981132075472,
     0.45054945054945056,
     0.1862898682452172,
     0.18461538461538463},
};

static void check_mean(const bp_class_score *score, const double *expected) {
  bt_assert_close(score->precision, expected[0], 1e-14, 0);
  bt_assert_close(score->recall, expected[1], 1e-14, 0);
  bt_assert_close(score->f1, expected[2], 1e-14, 0);
}

static void check_classes(bp_context *ctx, const expected_classes *e) {
  double confusion[9];
  bp_class_score scores[CLASSES];
  bt_assert_ok(ctx, bp_confusion(ctx, truth, predicted, e->weights, ROWS, CLASSES, confusion));
  bp_class_scores(confusion, CLASSES, scores);
  for (int c = 0; c < CLASSES; c++) {
    bt_assert_close(scores[c].precision, e->precision[c], 1e-14, 0);
    bt_assert_close(scores[c].recall, e->recall[c], 1e-14, 0);
    bt_assert_close(scores[c].f1, e->f1[c], 1e-14, 0);
  }
  bp_class_summary s = bp_class_summary_of(confusion, CLASSES);
  check_mean(&s.macro, e->macro);
  check_mean(&s.weighted, e->weighted);
  bt_assert_close(s.accuracy, e->accuracy, 1e-14, 0);
  bt_assert_close(s.balanced_accuracy, e->balanced, 1e-14, 0);
  bt_assert_close(s.mcc, e->mcc, 1e-14, 0);
  bt_assert_close(s.kappa, e->kappa, 1e-14, 0);
}

static void measures_classes(void **state) { check_classes(bt_ctx(state), &class_cases[0]); }
static void measures_weighted_classes(void **state) { check_classes(bt_ctx(state), &class_cases[1]); }

/* Class 1 is never predicted, class 2 never true, class 3 neither: 0, not NaN; class 3 is left out of the mean. */
static void undefined_ratios_are_zero(void **state) {
  const int32_t t[] = {0, 1}, p[] = {0, 2};
  double confusion[16];
  bp_class_score scores[4];
  bp_context *ctx = bt_ctx(state);
  bt_assert_ok(ctx, bp_confusion(ctx, t, p, NULL, 2, 4, confusion));
  bp_class_scores(confusion, 4, scores);
  for (int c = 0; c < 4; c++) {
    bt_assert_close(scores[c].precision, c == 0, 0, 0);
    bt_assert_close(scores[c].recall, c == 0, 0, 0);
    bt_assert_close(scores[c].f1, c == 0, 0, 0);
    bt_assert_close(scores[c].weight, c < 2, 0, 0);
  }
  bp_class_summary s = bp_class_summary_of(confusion, 4);
  bt_assert_close(s.macro.f1, 1.0 / 3, 1e-15, 0);
  bt_assert_close(s.balanced_accuracy, 0.5, 1e-15, 0); /* classes 0 and 1 are there */
}

/* matthews_corrcoef([0,1,1], [1,1,1]) -> 0.0; nothing at all -> NaN */
static void constant_predictions_and_no_rows(void **state) {
  const int32_t t[] = {0, 1, 1}, p[] = {1, 1, 1};
  double confusion[4];
  bp_context *ctx = bt_ctx(state);
  bt_assert_ok(ctx, bp_confusion(ctx, t, p, NULL, 3, 2, confusion));
  bt_assert_close(bp_class_summary_of(confusion, 2).mcc, 0, 0, 0);
  bt_assert_ok(ctx, bp_confusion(ctx, t, p, NULL, 0, 2, confusion));
  bp_class_summary none = bp_class_summary_of(confusion, 2);
  assert_true(isnan(none.accuracy) && isnan(none.mcc) && isnan(none.kappa) && isnan(none.macro.f1));
}

/* ---- probabilities ---- */

static void check_probabilities(const double *weights, double log_loss, double brier, double top2, double calibration) {
  bp_probability_metrics m = bp_probability_metrics_of(truth, proba, weights, ROWS, CLASSES, 2);
  bt_assert_close(m.log_loss, log_loss, 1e-14, 0);
  bt_assert_close(m.log_loss_bits, log_loss / 0.69314718055994530942, 1e-14, 0);
  bt_assert_close(m.brier, brier, 1e-14, 0);
  bt_assert_close(m.top_k, top2, 1e-14, 0);
  bt_assert_close(m.calibration_error, calibration, 1e-14, 0);
}

/* log_loss(t, P, sample_weight=W); brier_score_loss(t, P, sample_weight=W); top_k_accuracy_score(t, P, k=2,
 * sample_weight=W); c = P.max(1); b = np.minimum((c*15).astype(int), 14);
 * sum(abs((W*((p==t)-c))[b==k].sum()) for k in range(15)) / W.sum() */
static void measures_probabilities(void **state) {
  (void)state;
  check_probabilities(NULL, 0.7398190213100394, 0.417, 0.8, 0.28500000000000003);
  check_probabilities(weight, 0.9678652064596173, 0.5690566037735849, 0.6226415094339622, 0.32830188679245287);
}

/* With equal probabilities the first classes count as the more probable ones, as in the class that is predicted. */
static void top_k_breaks_ties_by_class_number(void **state) {
  const double flat[] = {.25, .25, .25, .25};
  (void)state;
  for (int32_t c = 0; c < 4; c++)
    for (int64_t k = 1; k <= 4; k++)
      bt_assert_close(bp_probability_metrics_of(&c, flat, NULL, 1, 4, k).top_k, c < k, 0, 0);
}

static void an_impossible_truth_costs_infinitely(void **state) {
  const int32_t t[] = {0, 1};
  const double p[] = {.5, .5, 1, 0}, w[] = {1, 0};
  (void)state;
  bt_assert_close(bp_probability_metrics_of(t, p, NULL, 2, 2, 1).log_loss, INFINITY, 0, 0);
  bt_assert_close(bp_probability_metrics_of(t, p, w, 2, 2, 1).log_loss, log(2), 1e-15, 0); /* its weight is 0 */
  assert_true(isnan(bp_probability_metrics_of(t, p, NULL, 0, 2, 1).log_loss));
}

/* Every row 80 % sure and 4 of 5 right: no calibration error, whatever the accuracy of other bins. */
static void a_calibrated_forecast_has_no_error(void **state) {
  const int32_t t[] = {0, 0, 0, 0, 1};
  const double p[] = {.8, .2, .8, .2, .8, .2, .8, .2, .8, .2};
  (void)state;
  bt_assert_close(bp_probability_metrics_of(t, p, NULL, 5, 2, 1).calibration_error, 0, 0, 1e-15);
}

/* ---- areas ---- */

static const int32_t two[] = {0, 0, 1, 1, 0, 1, 1, 0};
static const double score[] = {.1, .4, .35, .8, .4, .4, .9, .1}, weight2[] = {1, 2, 1, .5, 1, 3, 1, 2};

static double roc(bp_context *ctx, const int32_t *t, const double *s, const double *w, int64_t n) {
  double area = -1;
  bt_assert_ok(ctx, bp_roc_auc(ctx, t, s, w, n, &area));
  return area;
}

static double pr(bp_context *ctx, const int32_t *t, const double *s, const double *w, int64_t n) {
  double area = -1;
  bt_assert_ok(ctx, bp_pr_auc(ctx, t, s, w, n, &area));
  return area;
}

/* roc_auc_score(two, score, sample_weight=W), average_precision_score(two, score, sample_weight=W). By hand, without weights: of
 * the 16 pairs 12 are in order and two ties count half each: 13 / 16. */
static void areas_with_ties(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_assert_close(roc(ctx, two, score, NULL, 8), 0.8125, 1e-14, 0);
  bt_assert_close(pr(ctx, two, score, NULL, 8), 0.8166666666666667, 1e-14, 0);
  bt_assert_close(roc(ctx, two, score, weight2, 8), 0.7727272727272727, 1e-14, 0);
  bt_assert_close(pr(ctx, two, score, weight2, 8), 0.7176470588235295, 1e-14, 0);
}

static void areas_of_perfect_reversed_and_constant_scores(void **state) {
  const int32_t t[] = {0, 0, 1, 1};
  const double up[] = {.1, .2, .3, .4}, down[] = {.4, .3, .2, .1}, flat[] = {.5, .5, .5, .5};
  bp_context *ctx = bt_ctx(state);
  bt_assert_close(roc(ctx, t, up, NULL, 4), 1, 0, 0);
  bt_assert_close(roc(ctx, t, down, NULL, 4), 0, 0, 0);
  bt_assert_close(roc(ctx, t, flat, NULL, 4), 0.5, 0, 0);
  bt_assert_close(pr(ctx, t, up, NULL, 4), 1, 0, 0);
  bt_assert_close(pr(ctx, t, down, NULL, 4), (1.0 / 3 + 2.0 / 4) / 2, 1e-15, 0);
  bt_assert_close(pr(ctx, t, flat, NULL, 4), 0.5, 0, 0);
}

static void areas_need_both_classes_and_numbers(void **state) {
  const int32_t ones[] = {1, 1}, zeros[] = {0, 0}, both[] = {0, 1};
  const double s[] = {.2, .3}, bad[] = {NAN, .3}, w[] = {1, 0};
  bp_context *ctx = bt_ctx(state);
  assert_true(isnan(roc(ctx, ones, s, NULL, 2)) && isnan(roc(ctx, zeros, s, NULL, 2)));
  assert_true(isnan(roc(ctx, both, bad, NULL, 2)) && isnan(pr(ctx, both, bad, NULL, 2)));
  assert_true(isnan(roc(ctx, both, s, w, 2)) && isnan(pr(ctx, zeros, s, NULL, 2)));
  bt_assert_close(pr(ctx, ones, s, NULL, 2), 1, 0, 0);
  assert_true(isnan(roc(ctx, both, s, NULL, 0)));
}

/* Y = np.eye(3)[t]; roc_auc_score(Y, P, average='macro', sample_weight=W), average_precision_score(...) */
static void areas_of_three_classes(void **state) {
  bp_context *ctx = bt_ctx(state);
  double r = 0, p = 0;
  bt_assert_ok(ctx, bp_areas(ctx, truth, proba, NULL, ROWS, CLASSES, &r, &p));
  bt_assert_close(r, 0.8551587301587302, 1e-14, 0);
  bt_assert_close(p, 0.8133597883597884, 1e-14, 0);
  bt_assert_ok(ctx, bp_areas(ctx, truth, proba, weight, ROWS, CLASSES, &r, &p));
  bt_assert_close(r, 0.658933658933659, 1e-14, 0);
  bt_assert_close(p, 0.6253097463898857, 1e-14, 0);
}

/* ---- values ---- */

static const double y[] = {3, -0.5, 2, 7, 4.25, 1}, q[] = {2.5, 0, 2, 8, 4, 1.75}, wy[] = {1, 2, .5, 1, 3, .5};

static void check_values(bp_context *ctx, const double *w, double rmse, double mae, double r2, double bias) {
  bp_value_metrics m;
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, y, q, w, 6, &m));
  bt_assert_close(m.rmse, rmse, 1e-14, 0);
  bt_assert_close(m.mae, mae, 1e-14, 0);
  bt_assert_close(m.r2, r2, 1e-14, 0);
  bt_assert_close(m.bias, bias, 1e-14, 0);
  bt_assert_close(m.median_error, 0.5, 1e-14, 0);
  bt_assert_close(m.max_error, 1, 0, 0);
}

/* root_mean_squared_error, mean_absolute_error, r2_score, median_absolute_error, max_error (y, q, sample_weight=W);
 * np.average(q - y, weights=W) */
static void measures_values(void **state) {
  bp_context *ctx = bt_ctx(state);
  check_values(ctx, NULL, 0.5951190357119042, 0.5, 0.9384986433524269, 0.25);
  check_values(ctx, wy, 0.5266343608235224, 0.453125, 0.9534044298605414, 0.140625);
}

/* mean_pinball_loss(y, q, alpha=.8, sample_weight=W); np.average(y <= q, weights=W) */
static void measures_quantiles(void **state) {
  const double low[] = {2.75, -1, 1, 8, 4.25, 0};
  (void)state;
  bt_assert_close(bp_pinball(y, q, NULL, 6, 0.8), 0.175, 1e-14, 0);
  bt_assert_close(bp_pinball(y, q, wy, 6, 0.8), 0.184375, 1e-14, 0);
  bt_assert_close(bp_coverage(y, NULL, q, NULL, 6), 4.0 / 6, 1e-14, 0);
  bt_assert_close(bp_coverage(y, NULL, q, wy, 6), 0.5, 1e-14, 0);
  bt_assert_close(bp_coverage(y, low, q, NULL, 6), 3.0 / 6, 1e-14, 0); /* rows 1, 2 and 5 */
  bt_assert_close(bp_coverage(y, low, NULL, NULL, 6), 5.0 / 6, 1e-14, 0);
}

static void median_of_an_even_number_is_the_mean_of_two(void **state) {
  const double t[] = {0, 0, 0, 0}, p[] = {1, -2, 4, 8}, w[] = {1, 1, 1, 3};
  bp_value_metrics m;
  bp_context *ctx = bt_ctx(state);
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, t, p, NULL, 4, &m));
  bt_assert_close(m.median_error, 3, 0, 0);
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, t, p, w, 4, &m)); /* 1, 2, 4, 8, 8, 8 */
  bt_assert_close(m.median_error, 6, 0, 0);
}

/* Squares of what is measured may leave the range of numbers; the measures do not. */
static void errors_of_any_size_are_measured(void **state) {
  static const int scales[] = {-1060, -600, 600, 1020};
  const double t[] = {1, 2, -1.5, 0.25}, p[] = {1.5, 2, -1, 0}, w[] = {1, 2, 1, 3};
  double ts[4], ps[4];
  bp_value_metrics m, scaled;
  bp_context *ctx = bt_ctx(state);
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, t, p, w, 4, &m));
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    for (int r = 0; r < 4; r++) ts[r] = ldexp(t[r], scales[i]), ps[r] = ldexp(p[r], scales[i]);
    bt_assert_ok(ctx, bp_value_metrics_of(ctx, ts, ps, w, 4, &scaled));
    bt_assert_close(scaled.rmse, ldexp(m.rmse, scales[i]), 1e-3, 0); /* denormal numbers are coarse */
    bt_assert_close(scaled.r2, m.r2, 1e-3, 0);
  }
}

static void r2_of_a_constant_and_measures_of_nothing_are_undefined(void **state) {
  const double t[] = {0.1, 0.1, 0.1}, p[] = {0.1, 0.2, 0.1}, bad[] = {0.1, NAN, 0.1}, none[] = {0, 0, 0};
  bp_value_metrics m;
  bp_context *ctx = bt_ctx(state);
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, t, p, NULL, 3, &m));
  assert_true(isnan(m.r2));
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, t, bad, NULL, 3, &m));
  assert_true(isnan(m.rmse) && isnan(m.mae) && isnan(m.bias) && isnan(m.median_error) && isnan(m.max_error));
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, t, p, none, 3, &m));
  assert_true(isnan(m.rmse) && isnan(m.median_error) && isnan(m.max_error));
  bt_assert_ok(ctx, bp_value_metrics_of(ctx, t, p, NULL, 0, &m));
  assert_true(isnan(m.rmse) && isnan(m.median_error));
}

/* ---- a weight of 2 is the row twice ---- */

static void a_weight_is_a_repeated_row(void **state) {
  int32_t twice_truth[ROWS * 2];
  double twice[ROWS * 2 * CLASSES], whole[ROWS], a, b, pa, pb;
  int64_t n = 0;
  bp_context *ctx = bt_ctx(state);
  for (int r = 0; r < ROWS; r++) {
    whole[r] = r % 3;
    for (int k = 0; k < r % 3; k++, n++) {
      twice_truth[n] = truth[r];
      for (int c = 0; c < CLASSES; c++) twice[n * CLASSES + c] = proba[r * CLASSES + c];
    }
  }
  bp_probability_metrics m = bp_probability_metrics_of(truth, proba, whole, ROWS, CLASSES, 1);
  bp_probability_metrics e = bp_probability_metrics_of(twice_truth, twice, NULL, n, CLASSES, 1);
  bt_assert_close(m.log_loss, e.log_loss, 1e-14, 0);
  bt_assert_close(m.calibration_error, e.calibration_error, 1e-14, 0);
  bt_assert_close(m.top_k, e.top_k, 1e-14, 0);
  bt_assert_ok(ctx, bp_areas(ctx, truth, proba, whole, ROWS, CLASSES, &a, &pa));
  bt_assert_ok(ctx, bp_areas(ctx, twice_truth, twice, NULL, n, CLASSES, &b, &pb));
  bt_assert_close(a, b, 1e-14, 0);
  bt_assert_close(pa, pb, 1e-14, 0);
}

/* ---- memory ---- */

static bp_status sort_things(bp_context *ctx, void *user) {
  double area = -1;
  bp_value_metrics m;
  (void)user;
  bp_status status = bp_roc_auc(ctx, two, score, NULL, 8, &area);
  if (status != BP_OK) assert_true(area == -1);
  if (status == BP_OK) status = bp_pr_auc(ctx, two, score, NULL, 8, &area);
  if (status == BP_OK) status = bp_areas(ctx, truth, proba, NULL, ROWS, CLASSES, &area, NULL);
  if (status == BP_OK) status = bp_value_metrics_of(ctx, y, q, NULL, 6, &m);
  return status;
}

static void sorting_survives_without_memory(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(sort_things, NULL) >= 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(counts_rows_or_their_weights),
      BT_TEST(refuses_classes_and_weights_out_of_range),
      BT_TEST(measures_classes),
      BT_TEST(measures_weighted_classes),
      BT_TEST(undefined_ratios_are_zero),
      BT_TEST(constant_predictions_and_no_rows),
      BT_TEST(measures_probabilities),
      BT_TEST(top_k_breaks_ties_by_class_number),
      BT_TEST(an_impossible_truth_costs_infinitely),
      BT_TEST(a_calibrated_forecast_has_no_error),
      BT_TEST(areas_with_ties),
      BT_TEST(areas_of_perfect_reversed_and_constant_scores),
      BT_TEST(areas_need_both_classes_and_numbers),
      BT_TEST(areas_of_three_classes),
      BT_TEST(measures_values),
      BT_TEST(measures_quantiles),
      BT_TEST(median_of_an_even_number_is_the_mean_of_two),
      BT_TEST(errors_of_any_size_are_measured),
      BT_TEST(r2_of_a_constant_and_measures_of_nothing_are_undefined),
      BT_TEST(a_weight_is_a_repeated_row),
      cmocka_unit_test(sorting_survives_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
