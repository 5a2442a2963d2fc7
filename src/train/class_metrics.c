/* train/class_metrics.c - the confusion matrix and what follows from it. Floor: train.
 *
 * With n the sum of the matrix C, t_c its row sums (true), p_c its column sums (predicted):
 *   MCC   = (n Σ C_cc - Σ t_c p_c) / sqrt((n² - Σ p_c²) (n² - Σ t_c²))      (Gorodkin, 2004)
 *   kappa = (Σ C_cc / n - e) / (1 - e), e = Σ t_c p_c / n²                  (Cohen, 1960)
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backprop/metrics.h"
#include "base/fail.h"

/* ---- counting ---- */

static bp_status check_row(bp_context *ctx, int64_t row, int32_t truth, int32_t predicted, int64_t classes,
                           double weight) {
  if (truth < 0 || truth >= classes || predicted < 0 || predicted >= classes)
    return bp_fail(ctx, BP_E_DATA,
                   "confusion: row %" PRId64 " is of class %d and predicted as %d; expected 0 to %" PRId64, row, truth,
                   predicted, classes - 1);
  if (!(weight >= 0) || isinf(weight))
    return bp_fail(ctx, BP_E_DATA, "confusion: row %" PRId64 " has the weight %g; expected 0 or more", row, weight);
  return BP_OK;
}

bp_status bp_confusion(bp_context *ctx, const int32_t *truth, const int32_t *predicted, const double *weights,
                       int64_t rows, int64_t classes, double *confusion) {
  for (int64_t r = 0; r < rows; r++)
    BP_TRY(check_row(ctx, r, truth[r], predicted[r], classes, weights ? weights[r] : 1));
  memset(confusion, 0, (size_t)(classes * classes) * sizeof *confusion);
  for (int64_t r = 0; r < rows; r++) confusion[truth[r] * classes + predicted[r]] += weights ? weights[r] : 1;
  return BP_OK;
}

/* ---- each class ---- */

static double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

static double sum_of_row(const double *confusion, int64_t classes, int64_t c) {
  double sum = 0;
  for (int64_t k = 0; k < classes; k++) sum += confusion[c * classes + k];
  return sum;
}

static double sum_of_column(const double *confusion, int64_t classes, int64_t c) {
  double sum = 0;
  for (int64_t k = 0; k < classes; k++) sum += confusion[k * classes + c];
  return sum;
}

void bp_class_scores(const double *confusion, int64_t classes, bp_class_score *scores) {
  for (int64_t c = 0; c < classes; c++) {
    double right = confusion[c * classes + c], truly = sum_of_row(confusion, classes, c),
           predicted = sum_of_column(confusion, classes, c);
    scores[c] = (bp_class_score){.precision = ratio(right, predicted),
                                 .recall = ratio(right, truly),
                                 .f1 = ratio(2 * right, truly + predicted), /* = 2 P R / (P + R) */
                                 .weight = truly};
  }
}

/* ---- all of them ---- */

typedef struct sums {
  double all, right, chance; /* n, Σ C_cc, Σ t_c p_c */
  double true_squares, predicted_squares;
  int64_t present, seen; /* classes that are true; that are true or predicted */
  double recalls;
  bp_class_score scores, weighted; /* sums over classes */
} sums;

static void add_scores(bp_class_score *sum, const bp_class_score *score, double weight) {
  sum->precision += weight * score->precision;
  sum->recall += weight * score->recall;
  sum->f1 += weight * score->f1;
  sum->weight += score->weight;
}

static bp_class_score mean_of(const bp_class_score *sum, double whole) {
  return (bp_class_score){
      .precision = sum->precision / whole, .recall = sum->recall / whole, .f1 = sum->f1 / whole, .weight = sum->weight};
}

static void add_class(sums *s, const double *confusion, int64_t classes, int64_t c) {
  double right = confusion[c * classes + c], truly = sum_of_row(confusion, classes, c),
         predicted = sum_of_column(confusion, classes, c);
  bp_class_score score = {ratio(right, predicted), ratio(right, truly), ratio(2 * right, truly + predicted), truly};
  s->all += truly;
  s->right += right;
  s->chance += truly * predicted;
  s->true_squares += truly * truly;
  s->predicted_squares += predicted * predicted;
  s->recalls += score.recall;
  s->present += truly > 0;
  s->seen += truly > 0 || predicted > 0;
  add_scores(&s->scores, &score, 1);
  add_scores(&s->weighted, &score, truly);
}

/* NaN when there is no row. */
bp_class_summary bp_class_summary_of(const double *confusion, int64_t classes) {
  sums s = {0};
  for (int64_t c = 0; c < classes; c++) add_class(&s, confusion, classes, c);
  double n2 = s.all * s.all, spread = sqrt(n2 - s.predicted_squares) * sqrt(n2 - s.true_squares);
  double chance = s.chance / n2, correlation = spread > 0 ? (s.all * s.right - s.chance) / spread : 0;
  return (bp_class_summary){.accuracy = s.right / s.all,
                            .balanced_accuracy = s.recalls / (double)s.present,
                            .mcc = s.all > 0 ? correlation : (double)NAN,
                            .kappa = (s.right / s.all - chance) / (1 - chance),
                            .macro = mean_of(&s.scores, (double)s.seen),
                            .weighted = mean_of(&s.weighted, s.all)};
}
