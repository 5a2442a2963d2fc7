/* model/metrics.c - the measures of predictions.
 *
 *   precision_c = right_c / predicted_c      recall_c = right_c / true_c      F1 = 2 P R / (P + R)
 *   AUC = (R₁ - n₁(n₁+1)/2) / (n₁ n₀), R₁ the sum of the ranks of class 1, ties ranked by their mean: the probability that
 *         a row of class 1 scores above one of class 0, ties counting half (Mann and Whitney, 1947)
 *   RMSE = sqrt(Σ(y-ŷ)²/n)   MAE = Σ|y-ŷ|/n   R² = 1 - Σ(y-ŷ)² / Σ(y-ȳ)², undefined for a constant y
 */
#include "model/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"

static bp_metrics no_metrics(bp_task task, int64_t rows) {
  bp_metrics none = {.task = task, .rows = rows};
  none.loss = none.accuracy = none.log_loss_bits = none.auc = none.rmse = none.mae = none.r2 = NAN;
  return none;
}

/* ---- classes ---- */

static size_t cells(int64_t classes) { return (size_t)(classes * classes); }

static bp_status alloc_class_metrics(bp_context *ctx, bp_metrics *m) {
  int64_t count;
  if (!bp_mul_dim(m->classes, m->classes, &count)) return bp_fail(ctx, BP_E_NOMEM, "out of memory: too many classes");
  m->confusion = bp_calloc(ctx, (size_t)count, sizeof *m->confusion);
  m->precision = bp_calloc(ctx, (size_t)m->classes, sizeof *m->precision);
  m->recall = bp_calloc(ctx, (size_t)m->classes, sizeof *m->recall);
  m->f1 = bp_calloc(ctx, (size_t)m->classes, sizeof *m->f1);
  return m->confusion && m->precision && m->recall && m->f1 ? BP_OK : BP_E_NOMEM;
}

void bp_metrics_release(bp_context *context, bp_metrics *metrics) {
  bp_allocator allocator = bp_context_allocator(context);
  size_t classes = (size_t)metrics->classes;
  bp_release(allocator, metrics->confusion, cells(metrics->classes), sizeof *metrics->confusion);
  bp_release(allocator, metrics->precision, classes, sizeof *metrics->precision);
  bp_release(allocator, metrics->recall, classes, sizeof *metrics->recall);
  bp_release(allocator, metrics->f1, classes, sizeof *metrics->f1);
  metrics->confusion = NULL;
  metrics->precision = metrics->recall = metrics->f1 = NULL;
  metrics->classes = 0;
}

static double ratio(int64_t part, int64_t whole) { return whole > 0 ? (double)part / (double)whole : 0; }

static void measure_class(bp_metrics *m, int64_t c) {
  int64_t right = m->confusion[c * m->classes + c], truly = 0, predicted = 0;
  for (int64_t k = 0; k < m->classes; k++) {
    truly += m->confusion[c * m->classes + k];
    predicted += m->confusion[k * m->classes + c];
  }
  m->precision[c] = ratio(right, predicted);
  m->recall[c] = ratio(right, truly);
  m->f1[c] = ratio(2 * right, truly + predicted); /* = 2 P R / (P + R) */
}

typedef struct bp_scored {
  double score;
  int32_t truth;
} bp_scored;

static int by_score(const void *a, const void *b) {
  double x = ((const bp_scored *)a)->score, y = ((const bp_scored *)b)->score;
  return (x > y) - (x < y);
}

/* NaN when one of the classes is not there, or a score is NaN. Ranks count from 1; sorted[i .. j) tie and share the rank (i + 1 + j) / 2. */
static double area(const bp_scored *sorted, int64_t rows) {
  double ranks = 0;
  int64_t ones = 0;
  for (int64_t i = 0, j; i < rows; i = j) {
    int64_t tied_ones = 0;
    if (isnan(sorted[i].score)) return NAN;
    for (j = i; j < rows && sorted[j].score == sorted[i].score; j++) tied_ones += sorted[j].truth == 1;
    ranks += (double)tied_ones * ((double)(i + 1 + j) / 2);
    ones += tied_ones;
  }
  double n1 = (double)ones, n0 = (double)(rows - ones);
  return ones > 0 && ones < rows ? (ranks - n1 * (n1 + 1) / 2) / (n1 * n0) : NAN;
}

static bp_status measure_area(bp_context *ctx, const int32_t *truth, const double *second, bp_metrics *m) {
  size_t n = (size_t)m->rows;
  bp_scored *sorted = bp_alloc(ctx, n, sizeof *sorted);
  if (!sorted) return BP_E_NOMEM;
  for (size_t r = 0; r < n; r++) sorted[r] = (bp_scored){second[r], truth[r]};
  qsort(sorted, n, sizeof *sorted, by_score);
  m->auc = area(sorted, m->rows);
  bp_release(bp_context_allocator(ctx), sorted, n, sizeof *sorted);
  return BP_OK;
}

static bp_status measure_classes(bp_context *ctx, const int32_t *truth, const int32_t *predicted, const double *second,
                                 bp_metrics *m) {
  int64_t right = 0;
  BP_TRY(alloc_class_metrics(ctx, m));
  for (int64_t r = 0; r < m->rows; r++) {
    m->confusion[(int64_t)truth[r] * m->classes + predicted[r]]++;
    right += truth[r] == predicted[r];
  }
  m->accuracy = ratio(right, m->rows);
  for (int64_t c = 0; c < m->classes; c++) measure_class(m, c);
  return second ? measure_area(ctx, truth, second, m) : BP_OK;
}

bp_status bp_metrics_of_classes(bp_context *ctx, const int32_t *truth, const int32_t *predicted, const double *second,
                                int64_t rows, int64_t classes, bp_metrics *out) {
  bp_metrics metrics = no_metrics(BP_TASK_CLASSIFICATION, rows);
  metrics.classes = classes;
  bp_status status = measure_classes(ctx, truth, predicted, second, &metrics);
  if (status == BP_OK)
    *out = metrics;
  else
    bp_metrics_release(ctx, &metrics);
  return status;
}

/* ---- values ---- */

void bp_metrics_of_values(const double *truth, const double *predicted, int64_t rows, bp_metrics *out) {
  double first = truth[0], mean = 0, squares = 0, absolutes = 0, spread = 0, n = (double)rows;
  for (int64_t r = 0; r < rows; r++) mean += truth[r] - first;
  mean = first + mean / n; /* exact for a constant y */
  for (int64_t r = 0; r < rows; r++) {
    double error = truth[r] - predicted[r], distance = truth[r] - mean;
    squares += error * error;
    absolutes += fabs(error);
    spread += distance * distance;
  }
  *out = no_metrics(BP_TASK_REGRESSION, rows);
  out->rmse = sqrt(squares / n);
  out->mae = absolutes / n;
  if (spread > 0) out->r2 = 1 - squares / spread;
}
