/* tests/train/more_garbow_hillstrom.h - all problems of Moré, Garbow and Hillstrom, Testing Unconstrained Optimization Software
 * (ACM Transactions on Mathematical Software 7, 1981, section 3): 35 sums of squares, six of them in several sizes, with their standard
 * starts and least values. Residuals are made one by one from scalars, as the paper writes them.
 */
#ifndef BP_TESTS_MORE_GARBOW_HILLSTROM_H
#define BP_TESTS_MORE_GARBOW_HILLSTROM_H
#include <math.h>

#include "backprop/ops.h"

enum { MGH_UNKNOWNS = 12, MGH_RESIDUALS = 99 };

typedef bp_var V;

/* ---- words ---- */
static V K(V like, double c) { return bp_scalar(like.graph, BP_F64, c); }
static V plus(V a, double c) { return bp_add(a, K(a, c)); }
static V times(V a, double c) { return bp_mul(a, K(a, c)); }
static V add(V a, V b) { return bp_add(a, b); }
static V sub(V a, V b) { return bp_sub(a, b); }
static V mul(V a, V b) { return bp_mul(a, b); }
static V sq(V a) { return bp_square(a); }
/* exp(-c a) */
static V fade(V a, double c) { return bp_exp(times(a, -c)); }
static V total(const V *x, int n) {
  V sum = x[0];
  for (int i = 1; i < n; i++) sum = add(sum, x[i]);
  return sum;
}

/* ---- problems: residuals r [m] of x [n] ---- */
static void rosenbrock(const V *x, int n, int m, V *r) { /* 1, and 21 */
  (void)m;
  for (int i = 0; i < n; i += 2) {
    r[i] = times(sub(x[i + 1], sq(x[i])), 10);
    r[i + 1] = plus(bp_neg(x[i]), 1);
  }
}
static void freudenstein_roth(const V *x, int n, int m, V *r) { /* 2 */
  (void)n, (void)m;
  r[0] = plus(add(x[0], mul(plus(mul(plus(bp_neg(x[1]), 5), x[1]), -2), x[1])), -13);
  r[1] = plus(add(x[0], mul(plus(mul(plus(x[1], 1), x[1]), -14), x[1])), -29);
}
static void powell_badly_scaled(const V *x, int n, int m, V *r) { /* 3 */
  (void)n, (void)m;
  r[0] = plus(times(mul(x[0], x[1]), 1e4), -1);
  r[1] = plus(add(fade(x[0], 1), fade(x[1], 1)), -1.0001);
}
static void brown_badly_scaled(const V *x, int n, int m, V *r) { /* 4 */
  (void)n, (void)m;
  r[0] = plus(x[0], -1e6);
  r[1] = plus(x[1], -2e-6);
  r[2] = plus(mul(x[0], x[1]), -2);
}
static void beale(const V *x, int n, int m, V *r) { /* 5 */
  static const double y[] = {1.5, 2.25, 2.625};
  V power = x[1];
  (void)n;
  for (int i = 0; i < m; i++, power = mul(power, x[1])) r[i] = plus(mul(bp_neg(x[0]), plus(bp_neg(power), 1)), y[i]);
}
static void jennrich_sampson(const V *x, int n, int m, V *r) { /* 6 */
  (void)n;
  for (int i = 1; i <= m; i++) r[i - 1] = plus(bp_neg(add(fade(x[0], -i), fade(x[1], -i))), 2 + 2 * i);
}
static void helical_valley(const V *x, int n, int m, V *r) { /* 7, from x₁ < 0 to x₁ > 0 */
  const double pi = 3.14159265358979323846;
  (void)n, (void)m;
  V angle = times(bp_atan(bp_div(x[1], x[0])), 1 / (2 * pi));
  V turned = add(angle, bp_where(bp_less(x[0], K(x[0], 0)), K(x[0], 0.5), K(x[0], 0)));
  r[0] = times(sub(x[2], times(turned, 10)), 10);
  r[1] = times(plus(bp_sqrt(add(sq(x[0]), sq(x[1]))), -1), 10);
  r[2] = x[2];
}
static void bard(const V *x, int n, int m, V *r) { /* 8 */
  static const double y[] = {0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39};
  (void)n;
  for (int i = 0; i < m; i++) {
    double u = i + 1, v = 15 - i, w = u < v ? u : v;
    r[i] = plus(bp_neg(add(x[0], bp_div(K(x[0], u), add(times(x[1], v), times(x[2], w))))), y[i]);
  }
}
static void gaussian(const V *x, int n, int m, V *r) { /* 9 */
  static const double y[] = {0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989,
                             0.3521, 0.2420, 0.1295, 0.0540, 0.0175, 0.0044, 0.0009};
  (void)n;
  for (int i = 0; i < m; i++) {
    V d = plus(bp_neg(x[2]), (7 - i) / 2.0);
    r[i] = plus(mul(x[0], bp_exp(times(mul(x[1], sq(d)), -0.5))), -y[i]);
  }
}
static void meyer(const V *x, int n, int m, V *r) { /* 10 */
  static const double y[] = {34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744,
                             8261,  7030,  6005,  5147,  4427,  3820,  3307,  2872};
  (void)n;
  for (int i = 0; i < m; i++) r[i] = plus(mul(x[0], bp_exp(bp_div(x[1], plus(x[2], 50 + 5 * i)))), -y[i]);
}
static void gulf(const V *x, int n, int m, V *r) { /* 11 */
  (void)n;
  for (int i = 1; i <= m; i++) {
    double t = i / 100.0;
    V d = bp_abs(plus(bp_neg(x[1]), 25 + pow(-50 * log(t), 2.0 / 3)));
    r[i - 1] = plus(bp_exp(bp_neg(bp_div(bp_exp(mul(x[2], bp_log(d))), x[0]))), -t);
  }
}
static void box_three_dimensional(const V *x, int n, int m, V *r) { /* 12 */
  (void)n;
  for (int i = 1; i <= m; i++)
    r[i - 1] = sub(sub(fade(x[0], 0.1 * i), fade(x[1], 0.1 * i)), times(x[2], exp(-0.1 * i) - exp(-i)));
}
static void powell_singular(const V *x, int n, int m, V *r) { /* 13, and 22 */
  (void)m;
  for (int i = 0; i < n; i += 4) {
    r[i] = add(x[i], times(x[i + 1], 10));
    r[i + 1] = times(sub(x[i + 2], x[i + 3]), sqrt(5));
    r[i + 2] = sq(sub(x[i + 1], times(x[i + 2], 2)));
    r[i + 3] = times(sq(sub(x[i], x[i + 3])), sqrt(10));
  }
}
static void wood(const V *x, int n, int m, V *r) { /* 14 */
  (void)n, (void)m;
  r[0] = times(sub(x[1], sq(x[0])), 10);
  r[1] = plus(bp_neg(x[0]), 1);
  r[2] = times(sub(x[3], sq(x[2])), sqrt(90));
  r[3] = plus(bp_neg(x[2]), 1);
  r[4] = times(plus(add(x[1], x[3]), -2), sqrt(10));
  r[5] = times(sub(x[1], x[3]), 1 / sqrt(10));
}
static void kowalik_osborne(const V *x, int n, int m, V *r) { /* 15 */
  static const double y[] = {0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246};
  static const double u[] = {4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625};
  (void)n;
  for (int i = 0; i < m; i++) {
    V top = mul(x[0], plus(times(x[1], u[i]), u[i] * u[i]));
    r[i] = plus(bp_neg(bp_div(top, plus(add(times(x[2], u[i]), x[3]), u[i] * u[i]))), y[i]);
  }
}
static void brown_dennis(const V *x, int n, int m, V *r) { /* 16 */
  (void)n;
  for (int i = 1; i <= m; i++) {
    double t = i / 5.0;
    r[i - 1] = add(sq(plus(add(x[0], times(x[1], t)), -exp(t))), sq(plus(add(x[2], times(x[3], sin(t))), -cos(t))));
  }
}
static void osborne_1(const V *x, int n, int m, V *r) { /* 17 */
  static const double y[] = {0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.85,  0.818, 0.784, 0.751,
                             0.718, 0.685, 0.658, 0.628, 0.603, 0.58,  0.558, 0.538, 0.522, 0.506, 0.49,
                             0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.42,  0.414, 0.411, 0.406};
  (void)n;
  for (int i = 0; i < m; i++) {
    V fades = add(mul(x[1], fade(x[3], 10 * i)), mul(x[2], fade(x[4], 10 * i)));
    r[i] = plus(bp_neg(add(x[0], fades)), y[i]);
  }
}
static void biggs_exp6(const V *x, int n, int m, V *r) { /* 18 */
  (void)n;
  for (int i = 1; i <= m; i++) {
    double t = 0.1 * i, y = exp(-t) - 5 * exp(-10 * t) + 3 * exp(-4 * t);
    V first = sub(mul(x[2], fade(x[0], t)), mul(x[3], fade(x[1], t)));
    r[i - 1] = plus(add(first, mul(x[5], fade(x[4], t))), -y);
  }
}
static V bump(const V *x, int height, int width, int place, double t) {
  return mul(x[height], bp_exp(bp_neg(mul(sq(plus(bp_neg(x[place]), t)), x[width]))));
}
static void osborne_2(const V *x, int n, int m, V *r) { /* 19 */
  static const double y[] = {1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608,
                             0.655, 0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661,
                             0.612, 0.558, 0.533, 0.495, 0.5,   0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428,
                             0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559,
                             0.597, 0.625, 0.739, 0.71,  0.729, 0.72,  0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054};
  (void)n;
  for (int i = 0; i < m; i++) {
    V sum = add(mul(x[0], fade(x[4], i / 10.0)), bump(x, 1, 5, 8, i / 10.0));
    r[i] = plus(bp_neg(add(sum, add(bump(x, 2, 6, 9, i / 10.0), bump(x, 3, 7, 10, i / 10.0)))), y[i]);
  }
}
static void watson(const V *x, int n, int m, V *r) { /* 20 */
  for (int i = 1; i <= 29; i++) {
    double t = i / 29.0;
    V slope = x[1], value = x[0];
    for (int j = 1; j < n; j++) {
      if (j > 1) slope = add(slope, times(x[j], j * pow(t, j - 1)));
      value = add(value, times(x[j], pow(t, j)));
    }
    r[i - 1] = plus(sub(slope, sq(value)), -1);
  }
  r[m - 2] = x[0];
  r[m - 1] = plus(sub(x[1], sq(x[0])), -1);
}
static void penalty_1(const V *x, int n, int m, V *r) { /* 23 */
  V sum = sq(x[0]);
  for (int i = 1; i < n; i++) sum = add(sum, sq(x[i]));
  for (int i = 0; i < n; i++) r[i] = times(plus(x[i], -1), sqrt(1e-5));
  r[m - 1] = plus(sum, -0.25);
}
static void penalty_2(const V *x, int n, int m, V *r) { /* 24 */
  V sum = times(sq(x[0]), n);
  for (int i = 1; i < n; i++) sum = add(sum, times(sq(x[i]), n - i));
  r[0] = plus(x[0], -0.2);
  for (int i = 1; i < n; i++) {
    double y = exp((i + 1) / 10.0) + exp(i / 10.0);
    r[i] = times(plus(add(fade(x[i], -0.1), fade(x[i - 1], -0.1)), -y), sqrt(1e-5));
    r[n + i - 1] = times(plus(fade(x[i], -0.1), -exp(-0.1)), sqrt(1e-5));
  }
  r[m - 1] = plus(sum, -1);
}
static void variably_dimensioned(const V *x, int n, int m, V *r) { /* 25 */
  V sum = plus(x[0], -1);
  for (int i = 1; i < n; i++) sum = add(sum, times(plus(x[i], -1), i + 1));
  for (int i = 0; i < n; i++) r[i] = plus(x[i], -1);
  r[m - 2] = sum;
  r[m - 1] = sq(sum);
}
static void trigonometric(const V *x, int n, int m, V *r) { /* 26 */
  V sum = bp_cos(x[0]);
  for (int i = 1; i < n; i++) sum = add(sum, bp_cos(x[i]));
  for (int i = 0; i < m; i++) r[i] = plus(sub(sub(times(plus(bp_neg(bp_cos(x[i])), 1), i + 1), bp_sin(x[i])), sum), n);
}
static void brown_almost_linear(const V *x, int n, int m, V *r) { /* 27 */
  V sum = total(x, n), product = x[0];
  for (int i = 1; i < n; i++) product = mul(product, x[i]);
  for (int i = 0; i < m - 1; i++) r[i] = plus(add(x[i], sum), -(n + 1));
  r[m - 1] = plus(product, -1);
}
/* (x_i + t_i + 1)³, i from 1 */
static V cubed(const V *x, int i, int n) {
  V a = plus(x[i - 1], (double)i / (n + 1) + 1);
  return mul(a, sq(a));
}
static void discrete_boundary_value(const V *x, int n, int m, V *r) { /* 28 */
  double h = 1.0 / (n + 1);
  for (int i = 1; i <= m; i++) {
    V sum = add(times(x[i - 1], 2), times(cubed(x, i, n), h * h / 2));
    if (i > 1) sum = sub(sum, x[i - 2]);
    r[i - 1] = i < n ? sub(sum, x[i]) : sum;
  }
}
static void discrete_integral_equation(const V *x, int n, int m, V *r) { /* 29 */
  double h = 1.0 / (n + 1);
  for (int i = 1; i <= m; i++) {
    V sum = x[i - 1];
    for (int j = 1; j <= n; j++)
      sum = add(sum, times(cubed(x, j, n), h / 2 * (j <= i ? (1 - i * h) * j * h : i * h * (1 - j * h))));
    r[i - 1] = sum;
  }
}
static void broyden_tridiagonal(const V *x, int n, int m, V *r) { /* 30 */
  for (int i = 0; i < m; i++) {
    V sum = plus(mul(plus(times(x[i], -2), 3), x[i]), 1);
    if (i > 0) sum = sub(sum, x[i - 1]);
    r[i] = i < n - 1 ? sub(sum, times(x[i + 1], 2)) : sum;
  }
}
static void broyden_banded(const V *x, int n, int m, V *r) { /* 31 */
  for (int i = 0; i < m; i++) {
    V sum = plus(mul(x[i], plus(times(sq(x[i]), 5), 2)), 1);
    for (int j = i > 5 ? i - 5 : 0; j <= i + 1 && j < n; j++)
      if (j != i) sum = sub(sum, mul(x[j], plus(x[j], 1)));
    r[i] = sum;
  }
}
static void linear_full_rank(const V *x, int n, int m, V *r) { /* 32 */
  V sum = times(total(x, n), -2.0 / m);
  for (int i = 0; i < m; i++) r[i] = plus(i < n ? add(sum, x[i]) : sum, -1);
}
static void linear_rank_1(const V *x, int n, int m, V *r) { /* 33 */
  V sum = x[0];
  for (int j = 1; j < n; j++) sum = add(sum, times(x[j], j + 1));
  for (int i = 0; i < m; i++) r[i] = plus(times(sum, i + 1), -1);
}
static void linear_rank_1_with_zeros(const V *x, int n, int m, V *r) { /* 34 */
  V sum = times(x[1], 2);
  for (int j = 2; j < n - 1; j++) sum = add(sum, times(x[j], j + 1));
  r[0] = r[m - 1] = K(x[0], -1);
  for (int i = 1; i < m - 1; i++) r[i] = plus(times(sum, i), -1);
}
static void chebyquad(const V *x, int n, int m, V *r) { /* 35 */
  V before[MGH_UNKNOWNS], now[MGH_UNKNOWNS];
  for (int j = 0; j < n; j++) {
    before[j] = K(x[0], 1);
    now[j] = plus(times(x[j], 2), -1);
  }
  for (int k = 1; k <= m; k++) {
    r[k - 1] = plus(times(total(now, n), 1.0 / n), k % 2 ? 0 : 1.0 / (k * k - 1));
    for (int j = 0; j < n; j++) {
      V next = sub(times(mul(plus(times(x[j], 2), -1), now[j]), 2), before[j]);
      before[j] = now[j];
      now[j] = next;
    }
  }
}

/* ---- the list ---- */

/* evaluations: of the residuals by MINPACK's lmder, measured as in nist_data.h, with its default tolerances, which reach every least
 * value here, but for Kowalik and Osborne's, where they leave errors of 1e-4 in the unknowns: with ftol = xtol = 1e-15, gtol = 0. `start` is repeated where it is shorter than the unknowns. `least`: of Σ r², or that of a local minimum. */
typedef struct mgh {
  const char *name;
  void (*residuals)(const V *x, int n, int m, V *r);
  int n, m, evaluations, n_start;
  double start[MGH_UNKNOWNS], least[2];
} mgh;

/* clang-format off */
#define TENTHS {0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0}
#define PARABOLA(i) (i) / 11.0 * ((i) / 11.0 - 1)
#define PARABOLAS {PARABOLA(1), PARABOLA(2), PARABOLA(3), PARABOLA(4), PARABOLA(5), PARABOLA(6), PARABOLA(7), PARABOLA(8), PARABOLA(9), \
                   PARABOLA(10)}
#define PARTS(n) {1.0 / (n), 2.0 / (n), 3.0 / (n), 4.0 / (n), 5.0 / (n), 6.0 / (n), 7.0 / (n), 8.0 / (n), 9.0 / (n), 10.0 / (n)}
static const mgh mgh_problems[] = {
    {"Rosenbrock", rosenbrock, 2, 2, 21, 2, {-1.2, 1}, {0, 0}},
    {"Freudenstein and Roth", freudenstein_roth, 2, 2, 14, 2, {0.5, -2}, {0, 48.9842}},
    {"Powell badly scaled", powell_badly_scaled, 2, 2, 19, 2, {0, 1}, {0, 0}},
    {"Brown badly scaled", brown_badly_scaled, 2, 3, 16, 1, {1}, {0, 0}},
    {"Beale", beale, 2, 3, 9, 1, {1}, {0, 0}},
    {"Jennrich and Sampson", jennrich_sampson, 2, 10, 21, 2, {0.3, 0.4}, {124.362, 124.362}},
    {"Helical valley", helical_valley, 3, 3, 11, 3, {-1, 0, 0}, {0, 0}},
    {"Bard", bard, 3, 15, 6, 1, {1}, {8.21487e-3, 8.21487e-3}},
    {"Gaussian", gaussian, 3, 15, 4, 3, {0.4, 1, 0}, {1.12793e-8, 1.12793e-8}},
    {"Meyer", meyer, 3, 16, 126, 3, {0.02, 4000, 250}, {87.9458, 87.9458}},
    {"Gulf", gulf, 3, 99, 23, 3, {5, 2.5, 0.15}, {0, 0}},
    {"Box", box_three_dimensional, 3, 10, 7, 3, {0, 10, 20}, {0, 0}},
    {"Powell singular", powell_singular, 4, 4, 58, 4, {3, -1, 0, 1}, {0, 0}},
    {"Wood", wood, 4, 6, 70, 2, {-3, -1}, {0, 0}},
    {"Kowalik and Osborne", kowalik_osborne, 4, 11, 46, 4, {0.25, 0.39, 0.415, 0.39}, {3.07505e-4, 3.07505e-4}},
    {"Brown and Dennis", brown_dennis, 4, 20, 254, 4, {25, 5, -5, -1}, {85822.2, 85822.2}},
    {"Osborne 1", osborne_1, 5, 33, 18, 5, {0.5, 1.5, -1, 0.01, 0.02}, {5.46489e-5, 5.46489e-5}},
    {"Biggs EXP6", biggs_exp6, 6, 13, 44, 6, {1, 2, 1, 1, 1, 1}, {0, 5.65565e-3}},
    {"Osborne 2", osborne_2, 11, 65, 16, 11, {1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5}, {4.01377e-2, 4.01377e-2}},
    {"Watson", watson, 6, 31, 8, 1, {0}, {2.28767e-3, 2.28767e-3}},
    {"Watson", watson, 9, 31, 8, 1, {0}, {1.39976e-6, 1.39976e-6}},
    {"Watson", watson, 12, 31, 9, 1, {0}, {4.72238e-10, 4.72238e-10}},
    {"Extended Rosenbrock", rosenbrock, 10, 10, 21, 2, {-1.2, 1}, {0, 0}},
    {"Extended Powell", powell_singular, 12, 12, 68, 4, {3, -1, 0, 1}, {0, 0}},
    {"Penalty I", penalty_1, 4, 5, 34, 4, {1, 2, 3, 4}, {2.24997e-5, 2.24997e-5}},
    {"Penalty I", penalty_1, 10, 11, 79, 10, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {7.08765e-5, 7.08765e-5}},
    {"Penalty II", penalty_2, 4, 8, 150, 1, {0.5}, {9.37629e-6, 9.37629e-6}},
    {"Penalty II", penalty_2, 10, 20, 80, 1, {0.5}, {2.93660e-4, 2.93660e-4}},
    {"Variably dimensioned", variably_dimensioned, 10, 12, 11, 10, TENTHS, {0, 0}},
    {"Trigonometric", trigonometric, 10, 10, 28, 1, {0.1}, {0, 2.79506e-5}},
    {"Brown almost-linear", brown_almost_linear, 10, 10, 14, 1, {0.5}, {0, 1}},
    {"Boundary value", discrete_boundary_value, 10, 10, 5, 10, PARABOLAS, {0, 0}},
    {"Integral equation", discrete_integral_equation, 10, 10, 5, 10, PARABOLAS, {0, 0}},
    {"Broyden tridiagonal", broyden_tridiagonal, 10, 10, 6, 1, {-1}, {0, 0}},
    {"Broyden banded", broyden_banded, 10, 10, 7, 1, {-1}, {0, 0}},
    {"Linear, full rank", linear_full_rank, 10, 20, 3, 1, {1}, {10, 10}},
    {"Linear, rank 1", linear_rank_1, 10, 20, 3, 1, {1}, {380.0 / 82, 380.0 / 82}},
    {"Linear, with zeros", linear_rank_1_with_zeros, 10, 20, 3, 1, {1}, {454.0 / 74, 454.0 / 74}},
    {"Chebyquad", chebyquad, 8, 8, 39, 8, PARTS(9), {3.51687e-3, 3.51687e-3}},
    {"Chebyquad", chebyquad, 9, 9, 12, 9, PARTS(10), {0, 0}},
    {"Chebyquad", chebyquad, 10, 10, 25, 10, PARTS(11), {6.50395e-3, 6.50395e-3}},
};
/* clang-format on */
#define MGH_PROBLEMS (sizeof mgh_problems / sizeof *mgh_problems)

static void mgh_start(const mgh *p, double *x) {
  for (int i = 0; i < p->n; i++) x[i] = p->start[i % p->n_start];
}

/* The residuals [m] of x [n], an input. */
static bp_var mgh_residuals(const mgh *p, bp_var x) {
  V elements[MGH_UNKNOWNS], r[MGH_RESIDUALS];
  for (int64_t i = 0; i < p->n; i++) elements[i] = bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL);
  p->residuals(elements, p->n, p->m, r);
  for (int i = 0; i < p->m; i++) r[i] = bp_reshape(r[i], 1, (int64_t[]){1});
  return bp_concat(r, (size_t)p->m, 0);
}

#endif
