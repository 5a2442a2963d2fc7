/* train/probability_metrics.c - log loss, Brier score, calibration error, top-k accuracy: one pass over the rows, so that a
 * model can be measured on more rows than fit in memory. Floor: train.
 */
#include "train/probability_metrics.h"

#include <math.h>

void bp_long_sum_add(bp_long_sum *sum, double value) {
  double high = sum->high + value;
  if (isfinite(high))
    sum->low += fabs(sum->high) >= fabs(value) ? (sum->high - high) + value : (value - high) + sum->high;
  sum->high = high;
}

int32_t bp_most_probable(const double *p, int64_t classes) {
  int64_t best = 0;
  for (int64_t c = 1; c < classes; c++)
    if (p[c] > p[best]) best = c;
  return (int32_t)best;
}

/* Classes that come before `truth` when sorted by falling probability. */
static int64_t rank_of(int32_t truth, const double *p, int64_t classes) {
  int64_t before = 0;
  for (int64_t c = 0; c < classes; c++) before += p[c] > p[truth] || (c < truth && p[c] == p[truth]);
  return before;
}

static double brier_of(int32_t truth, const double *p, int64_t classes) {
  double sum = 0;
  if (classes == 2) return (p[1] - truth) * (p[1] - truth);
  for (int64_t c = 0; c < classes; c++) sum += (p[c] - (c == truth)) * (p[c] - (c == truth));
  return sum;
}

void bp_probability_sums_add(bp_probability_sums *sums, int32_t truth, const double *p, double weight, int64_t classes,
                             int64_t k) {
  int32_t best = bp_most_probable(p, classes);
  double place = p[best] * BP_CALIBRATION_BINS;
  int bin = !(place > 0) ? 0 : place >= BP_CALIBRATION_BINS ? BP_CALIBRATION_BINS - 1 : (int)place;
  if (!(weight > 0)) return; /* also keeps 0 · log 0 out */
  sums->weight += weight;
  bp_long_sum_add(&sums->log_loss, -weight * log(p[truth]));
  bp_long_sum_add(&sums->brier, weight * brier_of(truth, p, classes));
  if (rank_of(truth, p, classes) < k) sums->top_k += weight;
  sums->bin_weight[bin] += weight;
  sums->bin_confidence[bin] += weight * p[best];
  if (best == truth) sums->bin_right[bin] += weight;
}

bp_probability_metrics bp_probability_sums_metrics(const bp_probability_sums *sums) {
  double apart = 0, n = sums->weight, log_loss = bp_long_sum_of(&sums->log_loss) / n;
  for (int b = 0; b < BP_CALIBRATION_BINS; b++) apart += fabs(sums->bin_right[b] - sums->bin_confidence[b]);
  return (bp_probability_metrics){.log_loss = log_loss,
                                  .log_loss_bits = log_loss / log(2),
                                  .brier = bp_long_sum_of(&sums->brier) / n,
                                  .calibration_error = apart / n,
                                  .top_k = sums->top_k / n};
}

bp_probability_metrics bp_probability_metrics_of(const int32_t *truth, const double *p, const double *weights,
                                                 int64_t rows, int64_t classes, int64_t k) {
  bp_probability_sums sums = {0};
  for (int64_t r = 0; r < rows; r++)
    bp_probability_sums_add(&sums, truth[r], p + r * classes, weights ? weights[r] : 1, classes, k);
  return bp_probability_sums_metrics(&sums);
}
