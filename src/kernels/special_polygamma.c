/* kernels/special_polygamma.c - the derivatives of digamma.
 *
 * For x > 0, psi^(n)(x) = (-1)^(n+1) n! zeta(n + 1, x) with the Hurwitz zeta function (Abramowitz and Stegun 6.4.10), by
 * its first terms and an Euler-Maclaurin tail. For x < 0 by reflection (6.4.7):
 * psi^(n)(x) = (-1)^n psi^(n)(1 - x) - pi d^n/dx^n cot(pi x), and d^n/dx^n cot(pi x) = pi^n P_n(cot(pi x)) with P_0 = c,
 * P_(k+1) = -(1 + c^2) P_k'. All terms of P_n have one sign, so nothing cancels in it. Near a pole it is all of the result, and
 * the n + 1-st power of the distance to it: so that is taken from x itself, which is exact, and the rest is worked in long double.
 */
#include <math.h>

#include "kernels/special.h"

enum { ORDERS = 64 };

/* sum of (x + k)^-s over k = 0, 1, ...; x > 0, s >= 2. The tail starts at w >= s + 10, where 12 terms
 * B_2j / (2j)! s (s+1) ... (s+2j-2) w^(1-s-2j) leave less than 1e-17 of it. */
static double hurwitz_zeta(double s, double x) {
  static const double bernoulli[] = {/* B_2j / (2j)! */
                                     8.33333333333333333e-2,   -1.38888888888888889e-3,  3.30687830687830688e-5,
                                     -8.26719576719576720e-7,  2.08767569878680990e-8,   -5.28419013868749318e-10,
                                     1.33825365306846788e-11,  -3.38968029632258287e-13, 8.58606205627784456e-15,
                                     -2.17486869855806188e-16, 5.50900282836022952e-18,  -1.39544646858125233e-19};
  double sum = 0, w = x;
  for (; w < s + 10; w += 1) {
    const double term = pow(w, -s);
    sum += term;
    if (term < 1e-18 * sum) return sum;
  }
  double tail = 1 / (s - 1) + 0.5 / w, factor = s / (w * w);
  for (int j = 0; j < 12; j++) {
    tail += bernoulli[j] * factor;
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2) / (w * w);
  }
  return sum + pow(w, 1 - s) * tail;
}

/* pi^(n+1) P_n(cot(pi x)), x no integer. */
static double cot_derivative(int n, double x) {
  const long double pi = 3.14159265358979323846264338327950288L;
  const double distance = x - rint(x); /* exact */
  const long double c = 1 / tanl(pi * (long double)distance);
  long double p[ORDERS + 2] = {0, 1}; /* times c^0, c^1, ... */
  long double scale = pi;
  for (int k = 0; k < n; k++, scale *= pi) {
    long double next[ORDERS + 2] = {0};
    for (int i = 1; i <= k + 1; i++) {
      const long double term = (long double)i * p[i];
      next[i - 1] -= term;
      next[i + 1] -= term;
    }
    for (int i = 0; i <= k + 2; i++) p[i] = next[i];
  }
  long double y = 0;
  for (int i = n + 1; i >= 0; i--) y = y * c + p[i];
  return (double)(scale * y);
}

/* Orders 1 to 64. */
double bp_special_polygamma(double order, double x) {
  if (!(x == x) || !(order >= 1 && order < ORDERS + 1)) return (double)NAN;
  const int n = (int)order;
  double factorial = 1;
  for (int k = 2; k <= n; k++) factorial *= k;
  if (x == 0) return n % 2 == 1 ? (double)INFINITY : -1 / x;
  if (x < 0) {
    if (x == floor(x)) return n % 2 == 1 ? (double)INFINITY : (double)NAN;
    const double mirrored = bp_special_polygamma(order, 1 - x);
    return (n % 2 == 0 ? mirrored : -mirrored) - cot_derivative(n, x);
  }
  const double y = factorial * hurwitz_zeta(order + 1, x);
  return n % 2 == 1 ? y : -y;
}
