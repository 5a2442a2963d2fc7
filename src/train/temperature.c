/* temperature.c - the temperature of a classifier's outputs, from rows that it did not learn from. Floor: train. */
#include "train/temperature.h"

#include <float.h>
#include <math.h>

/* The slope in b = 1/T of the mean of log Σ exp(b l) - b Σ y l, l = log p: Σ softmax(b l) l - Σ y l. It rises with b, so that its
 * root is the minimum. y is 1 - e for the class and e for all others together, e = 1/(rows + 2): what was right in all rows is not
 * certain (Platt, 1999). */
static double slope(const double *p, const int32_t *classes, const double *weights, int64_t rows, int64_t n, double b) {
  double sum = 0, other = 1 / ((double)rows + 2) / (double)(n - 1);
  for (int64_t r = 0; r < rows; r++) {
    const double *row = p + r * n;
    double most = log(DBL_MIN), total = 0, mean = 0, target = 0;
    for (int64_t c = 0; c < n; c++) most = fmax(most, log(fmax(row[c], DBL_MIN)));
    for (int64_t c = 0; c < n; c++) {
      double l = log(fmax(row[c], DBL_MIN)), e = exp(b * (l - most));
      total += e;
      mean += e * l;
      target += (c == classes[r] ? 1 - other * (double)(n - 1) : other) * l;
    }
    sum += (weights ? weights[r] : 1) * (mean / total - target);
  }
  return sum;
}

double temperature_of(const double *p, const int32_t *classes, const double *weights, int64_t rows, int64_t n) {
  double low = 0.05, high = 20;
  if (!(slope(p, classes, weights, rows, n, low) < 0)) return rows > 0 && n > 1 ? 1 / low : 1;
  if (slope(p, classes, weights, rows, n, high) < 0) return 1 / high;
  for (int i = 0; i < 40 && high / low > 1 + 1e-6; i++) {
    double middle = sqrt(low * high);
    if (slope(p, classes, weights, rows, n, middle) < 0)
      low = middle;
    else
      high = middle;
  }
  return 1 / sqrt(low * high);
}

double temperature_loss(const double *p, const int32_t *classes, const double *weights, int64_t rows, int64_t n,
                        double temperature) {
  double sum = 0, all = 0;
  for (int64_t r = 0; r < rows; r++) {
    const double *row = p + r * n;
    double w = weights ? weights[r] : 1;
    double most = log(DBL_MIN), total = 0;
    for (int64_t c = 0; c < n; c++) most = fmax(most, log(fmax(row[c], DBL_MIN)));
    for (int64_t c = 0; c < n; c++) total += exp((log(fmax(row[c], DBL_MIN)) - most) / temperature); /* 1 or more */
    sum += w * (log(fmax(total, 1)) - (log(fmax(row[classes[r]], DBL_MIN)) - most) / temperature);
    all += w;
  }
  return sum / all;
}
