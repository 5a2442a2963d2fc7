/* train/value_metrics.c - the measures of predicted values and quantiles. Floor: train. */
#include <math.h>
#include <stdlib.h>

#include "backprop/metrics.h"
#include "base/alloc.h"

typedef struct error {
  double size, weight;
} error;

static int by_size(const void *a, const void *b) {
  double x = ((const error *)a)->size, y = ((const error *)b)->size;
  return (x > y) - (x < y);
}

/* The value below which half of the weight lies; where a value ends exactly at half, the mean with the next one. */
static double median(const error *sorted, int64_t n, double all) {
  double below = 0;
  for (int64_t i = 0; i < n; i++) {
    below += sorted[i].weight;
    if (below > all / 2) return sorted[i].size;
    if (below == all / 2) return i + 1 < n ? (sorted[i].size + sorted[i + 1].size) / 2 : sorted[i].size;
  }
  return n > 0 ? sorted[n - 1].size : (double)NAN;
}

static double median_error(const double *truth, const double *predicted, const double *weights, int64_t rows,
                           double all, error *room) {
  int64_t n = 0;
  for (int64_t r = 0; r < rows; r++) {
    double weight = weights ? weights[r] : 1;
    if (isnan(truth[r] - predicted[r])) return NAN;
    if (weight > 0) room[n++] = (error){fabs(truth[r] - predicted[r]), weight};
  }
  qsort(room, (size_t)n, sizeof *room, by_size);
  return median(room, n, all);
}

/* Σ w and the weighted mean of the truth: exact for a constant one. */
static double mean_of(const double *truth, const double *weights, int64_t rows, double *all) {
  double sum = 0;
  *all = 0;
  for (int64_t r = 0; r < rows; r++) {
    double weight = weights ? weights[r] : 1;
    *all += weight;
    sum += weight * (truth[r] - truth[0]);
  }
  return rows > 0 ? truth[0] + sum / *all : (double)NAN;
}

/* The power of two below a number, by which its squares neither overflow nor vanish: exact to divide by. */
static double unit_of(double most) { return most > 0 && isfinite(most) ? ldexp(1, ilogb(most)) : 1; }

/* Units for errors and for distances from the mean. */
static void find_units(const double *truth, const double *predicted, int64_t rows, double mean, double *error_unit,
                       double *spread_unit) {
  double most = 0, farthest = 0;
  for (int64_t r = 0; r < rows; r++) {
    most = fmax(most, fabs(predicted[r] - truth[r]));
    farthest = fmax(farthest, fabs(truth[r] - mean));
  }
  *error_unit = unit_of(most);
  *spread_unit = unit_of(farthest);
}

static bp_value_metrics measure(const double *truth, const double *predicted, const double *weights, int64_t rows,
                                error *room) {
  double all, squares = 0, absolutes = 0, signed_sum = 0, spread = 0, most = 0;
  double mean = mean_of(truth, weights, rows, &all), unit, spread_unit;
  find_units(truth, predicted, rows, mean, &unit, &spread_unit);
  for (int64_t r = 0; r < rows; r++) {
    double weight = weights ? weights[r] : 1, off = predicted[r] - truth[r], distance = truth[r] - mean;
    squares += weight * (off / unit) * (off / unit);
    absolutes += weight * fabs(off);
    signed_sum += weight * off;
    spread += weight * (distance / spread_unit) * (distance / spread_unit);
    if (weight > 0 && (isnan(off) || fabs(off) > most)) most = fabs(off);
  }
  return (bp_value_metrics){.rmse = sqrt(squares / all) * unit,
                            .mae = absolutes / all,
                            .r2 = spread > 0 ? 1 - squares / spread * (unit / spread_unit) * (unit / spread_unit)
                                             : (double)NAN,
                            .bias = signed_sum / all,
                            .median_error = median_error(truth, predicted, weights, rows, all, room),
                            .max_error = all > 0 ? most : (double)NAN};
}

bp_status bp_value_metrics_of(bp_context *context, const double *truth, const double *predicted, const double *weights,
                              int64_t rows, bp_value_metrics *out) {
  error *room = bp_alloc(context, (size_t)rows, sizeof *room);
  if (!room) return BP_E_NOMEM;
  *out = measure(truth, predicted, weights, rows, room);
  bp_release(bp_context_allocator(context), room, (size_t)rows, sizeof *room);
  return BP_OK;
}

double bp_coverage(const double *truth, const double *lower, const double *upper, const double *weights, int64_t rows) {
  double all = 0, covered = 0;
  for (int64_t r = 0; r < rows; r++) {
    double weight = weights ? weights[r] : 1;
    all += weight;
    if ((!lower || lower[r] <= truth[r]) && (!upper || truth[r] <= upper[r])) covered += weight;
  }
  return covered / all;
}

double bp_pinball(const double *truth, const double *predicted, const double *weights, int64_t rows, double tau) {
  double all = 0, sum = 0;
  for (int64_t r = 0; r < rows; r++) {
    double weight = weights ? weights[r] : 1, off = truth[r] - predicted[r];
    all += weight;
    sum += weight * (off >= 0 ? tau * off : (tau - 1) * off);
  }
  return sum / all;
}
