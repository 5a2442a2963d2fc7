/* temperature.c - the temperature of a classifier's outputs, from rows that it did not learn from. Floor: train. */
#include "train/temperature.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* Least and largest b = 1/T. */
#define LOW  0.05
#define HIGH 20.0

/* The slope in b of the mean of log Σ exp(b l) - b Σ y l, l = log p: Σ softmax(b l) l - Σ y l. It rises with b, so that its root is the
 * minimum. y is 1 - e for the class and e for all others together, e = 1/(rows + 2): what was right in all rows is not certain
 * (Platt, 1999). Its own slope is the variance of l. No exponential overflows, since l <= 0, and not all underflow. */
typedef struct slope {
  double value, rise;
} slope;

static slope slope_at(double b, const double *p, const int32_t *classes, const double *weights, int64_t rows,
                      int64_t n) {
  slope s = {0, 0};
  double other = 1 / ((double)rows + 2) / (double)(n - 1);
  for (int64_t r = 0; r < rows; r++) {
    double total = 0, sum = 0, squares = 0, target = 0, w = weights ? weights[r] : 1;
    for (int64_t c = 0; c < n; c++) {
      double l = log(fmax(p[r * n + c], DBL_MIN)), e = exp(b * l);
      total += e;
      sum += e * l;
      squares += e * l * l;
      target += (c == classes[r] ? 1 - other * (double)(n - 1) : other) * l;
    }
    double mean = sum / total;
    s.value += w * (mean - target);
    s.rise += w * (squares / total - mean * mean);
  }
  return s;
}

/* Newton's step; one that leaves the part where the root is goes to its end, where that was not looked at yet, or to its middle. */
double temperature_of(const double *p, const int32_t *classes, const double *weights, int64_t rows, int64_t n) {
  double low = LOW, high = HIGH, b = 1;
  bool low_known = false, high_known = false;
  if (rows < 1 || n < 2) return 1;
  for (int i = 0; i < 60; i++) {
    slope s = slope_at(b, p, classes, weights, rows, n);
    if (s.value == 0 || (s.value < 0 && b >= HIGH) || (s.value > 0 && b <= LOW)) break;
    if (s.value < 0)
      low = b, low_known = true;
    else
      high = b, high_known = true;
    double next = b - s.value / s.rise;
    if (!(next > low)) next = low_known ? sqrt(low * high) : LOW;
    if (!(next < high)) next = high_known ? sqrt(low * high) : HIGH;
    bool near = fabs(next - b) <= 1e-7 * b;
    b = next;
    if (near) break;
  }
  return 1 / b;
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
