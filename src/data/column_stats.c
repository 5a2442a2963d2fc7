/* data/column_stats.c - mean and deviation in two passes; the median by selection (Hoare's FIND, 1961).
 *
 * Columns of very large or very small numbers are measured in a power of two, so that no square overflows or vanishes;
 * scaling by it is exact.
 */
#include "data/column_stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SAFE_EXPONENT = 400 }; /* squares of 2^±400 summed 2^31 times are far from both ends */

/* How many numbers there are, their range, and what they weigh. */
static double find_range(const double *values, const double *weights, int64_t n, bp_column_stats *s) {
  double weight = 0;
  for (int64_t i = 0; i < n; i++) {
    double v = values[i];
    if (isnan(v)) continue;
    if (s->present == 0 || v < s->min) s->min = v;
    if (s->present == 0 || v > s->max) s->max = v;
    weight += weights ? weights[i] : 1;
    s->present++;
  }
  s->missing = n - s->present;
  return weight;
}

/* Moves the numbers to the front; NaNs are dropped. */
static void compact(double *values, int64_t n) {
  int64_t present = 0;
  for (int64_t i = 0; i < n; i++)
    if (!isnan(values[i])) values[present++] = values[i];
}

/* The mean corrected by the mean of the deviations from it, which rounding keeps from being 0 (Chan, Golub and LeVeque,
 * "Algorithms for computing the sample variance", 1983). */
static void measure(const double *values, const double *weights, int64_t count, bp_column_stats *s) {
  double largest = fmax(fabs(s->min), fabs(s->max)), n = 0, sum = 0, rest = 0, squares = 0;
  int exponent = largest > 0 ? ilogb(largest) : 0;
  double unit = abs(exponent) > SAFE_EXPONENT ? ldexp(1, exponent < -1000 ? -1000 : exponent) : 1;
  for (int64_t i = 0; i < count; i++) {
    if (isnan(values[i])) continue;
    double weight = weights ? weights[i] : 1;
    n += weight;
    sum += weight * (values[i] / unit);
  }
  double mean = sum / n;
  for (int64_t i = 0; i < count; i++) {
    if (isnan(values[i])) continue;
    double weight = weights ? weights[i] : 1, d = values[i] / unit - mean;
    rest += weight * d;
    squares += weight * (d * d);
  }
  s->mean = (mean + rest / n) * unit;
  s->deviation = sqrt(fmax(0, (squares - rest * rest / n) / n)) * unit;
}

static void swap(double *a, double *b) {
  double t = *a;
  *a = *b;
  *b = t;
}

/* The value that would stand at k if values[0 .. n) were sorted; afterwards none before k is larger, none behind smaller. The
 * pivots are drawn at random, so that no order of the data is a bad one; equal values are set aside together. */
static double select_kth(double *values, int64_t n, int64_t k) {
  uint64_t random = 0x9E3779B97F4A7C15u;
  int64_t low = 0, high = n;
  while (high - low > 1) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    double pivot = values[low + (int64_t)((random >> 33) % (uint64_t)(high - low))];
    int64_t less = low, at = low, more = high; /* [low, less) < pivot, [less, at) equal, [more, high) > pivot */
    while (at < more) {
      if (values[at] < pivot)
        swap(&values[less++], &values[at++]);
      else if (values[at] > pivot)
        swap(&values[at], &values[--more]);
      else
        at++;
    }
    if (k < less)
      high = less;
    else if (k >= more)
      low = more;
    else
      return pivot;
  }
  return values[low];
}

static double median(double *values, int64_t n) {
  double upper = select_kth(values, n, n / 2), lower = upper;
  if (n % 2 == 1) return upper;
  for (int64_t i = 0; i < n / 2; i++)
    if (i == 0 || values[i] > lower) lower = values[i];
  return lower / 2 + upper / 2;
}

bp_column_stats bp_column_stats_of(double *values, const double *weights, int64_t n) {
  bp_column_stats s = {0};
  bool light = !(find_range(values, weights, n, &s) > 0);
  if (s.present == 0 || isinf(s.min) || isinf(s.max)) return s;
  measure(values, light ? NULL : weights, n, &s);
  compact(values, n);
  s.median = median(values, s.present);
  return s;
}
