/* train/test_loss_formulas.c - every loss against its formula, written out by hand in long double, with gradients from its central
 * differences; predictions; extreme outputs; and what the formulas have in common. */
#include <float.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "train/train_fixtures.h"

enum { ROWS = 12, MOST = 512 };
typedef long double real;

/* ---- asking the library ---- */

typedef struct answer {
  double loss[ROWS], gradient[MOST], predictions[MOST];
} answer;

static void widen(bp_dtype dtype, const void *from, double *to, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    to[i] = dtype == BP_F64 ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static void narrow(const double *from, float *to, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = (float)from[i];
}

/* z [ROWS, units]; y [ROWS, width], or classes where y is NULL. */
static void ask(bp_context *ctx, const bp_objective *o, bp_dtype dtype, bool training, const double *z, const double *y,
                const int32_t *classes, answer *a) {
  static float z32[MOST], y32[MOST];
  static double buffers[3][MOST];
  int64_t units = bp_objective_units(o), columns = bp_objective_predictions(o);
  bp_graph *graph;
  bp_var in[2], out[3];
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  in[0] = bp_input(graph, "z", dtype, 2, (int64_t[]){BP_BATCH, units});
  in[1] = bp_input(graph, "y", y ? dtype : BP_I32, y ? 2 : 1, (int64_t[]){BP_BATCH, o->width});
  out[0] = bp_objective_rows(o, in[0], in[1], training);
  out[1] = bp_objective_predict(o, in[0]);
  bt_assert_ok(ctx, bp_graph_status(graph));
  assert_int_equal(bp_var_rank(out[0]), 1);
  assert_int_equal(bp_var_dim(out[1], 1), columns);
  bt_assert_ok(ctx, bp_grad(bp_sum(out[0], BP_ALL_AXES), in, 1, &out[2]));
  narrow(z, z32, ROWS * units);
  if (y) narrow(y, y32, ROWS * o->width);
  const void *values[2] = {dtype == BP_F64 ? (const void *)z : z32,
                           y ? (dtype == BP_F64 ? (const void *)y : y32) : (const void *)classes};
  bt_assert_ok(ctx, bp_eval(out, 3, in, 2, ROWS, values, (void *[]){buffers[0], buffers[1], buffers[2]}));
  widen(dtype, buffers[0], a->loss, ROWS);
  widen(dtype, buffers[1], a->predictions, ROWS * columns);
  widen(dtype, buffers[2], a->gradient, ROWS * units);
  bp_graph_free(graph);
}

static bp_objective resolved(bp_context *ctx, bp_objective asked, bool classes, int64_t width) {
  bp_objective o = {0};
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &asked, classes, width, &o));
  return o;
}

/* ---- the formulas: loss of one row; n is the width of the target ---- */

static real sigma(real x) { return 1 / (1 + expl(-x)); }
static real zeta(real x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
static real log_p(const real *z, int n, int c) {
  real sum = 0;
  for (int j = 0; j < n; j++) sum += expl(z[j] - z[c]);
  return -logl(sum);
}

#define EACH(term)                                                                                                     \
  real sum = 0;                                                                                                        \
  for (int i = 0; i < n; i++) sum += (term);                                                                           \
  (void)s
#define FORMULA(name) static real name(const real *z, const real *y, int n, real s)

FORMULA(cross_entropy) {
  EACH(-y[i] * log_p(z, n, i));
  return sum;
}
FORMULA(kl) {
  EACH(y[i] > 0 ? y[i] * (logl(y[i]) - log_p(z, n, i)) : 0);
  return sum;
}
FORMULA(binary) {
  EACH(y[i] * zeta(-z[i]) + (1 - y[i]) * zeta(z[i]));
  return sum;
}
FORMULA(hinge) {
  EACH(fmaxl(0, 1 - (2 * y[i] - 1) * z[i]));
  return sum;
}
FORMULA(perceptron) {
  EACH(((z[i] >= 0) - y[i]) * z[i]);
  return sum;
}
FORMULA(mse) {
  EACH((y[i] - z[i]) * (y[i] - z[i]));
  return sum / n;
}
FORMULA(half_squared) {
  EACH((y[i] - z[i]) * (y[i] - z[i]));
  return sum / 2;
}
FORMULA(rss) {
  EACH((y[i] - z[i]) * (y[i] - z[i]));
  return sum;
}
FORMULA(mse_sigmoid) {
  EACH((y[i] - sigma(z[i])) * (y[i] - sigma(z[i])));
  return sum / n;
}
FORMULA(gaussian) {
  EACH((y[i] - z[i]) * (y[i] - z[i]) / (2 * s * s) + logl(2 * acosl(-1) * s * s) / 2);
  return sum;
}
FORMULA(gaussian_variance) {
  EACH(((y[i] - z[i]) * (y[i] - z[i]) / expl(z[n + i]) + z[n + i] + logl(2 * acosl(-1))) / 2);
  return sum;
}
FORMULA(mae) {
  EACH(fabsl(y[i] - z[i]));
  return sum / n;
}
FORMULA(laplace) {
  EACH(fabsl(y[i] - z[i]) / s + logl(2 * s));
  return sum;
}
FORMULA(quantile) {
  EACH(y[i] >= z[i] ? s * (y[i] - z[i]) : (1 - s) * (z[i] - y[i]));
  return sum / n;
}
FORMULA(huber) {
  EACH(fabsl(y[i] - z[i]) <= s ? (y[i] - z[i]) * (y[i] - z[i]) / 2 : s * (fabsl(y[i] - z[i]) - s / 2));
  return sum / n;
}
FORMULA(poisson) {
  EACH(expl(z[i]) - y[i] * z[i]);
  return sum;
}
FORMULA(poisson_softplus) {
  EACH(zeta(z[i]) - y[i] * logl(zeta(z[i])));
  return sum;
}

/* ½ (y-μ)ᵀ Σ⁻¹ (y-μ) + ½ log |2πΣ| for two targets, with Σ = L Lᵀ written out and inverted by the formula for 2 x 2. */
FORMULA(gaussian_full) {
  real a = expl(z[2]), b = z[3], c = expl(z[4]), d0 = y[0] - z[0], d1 = y[1] - z[1];
  real s00 = a * a, s01 = a * b, s11 = b * b + c * c, det = s00 * s11 - s01 * s01;
  (void)n, (void)s;
  return (s11 * d0 * d0 - 2 * s01 * d0 * d1 + s00 * d1 * d1) / det / 2 + logl(det) / 2 + logl(2 * acosl(-1));
}

/* max(0, 1 + max over j ≠ c of z_j - z_c), and the same without the margin */
static real beyond(const real *z, const real *y, int n, real margin) {
  real own = 0, most = -INFINITY;
  for (int j = 0; j < n; j++) own += y[j] * z[j];
  for (int j = 0; j < n; j++) most = y[j] > 0 ? most : fmaxl(most, z[j]);
  return fmaxl(0, margin + most - own);
}
FORMULA(hinge_classes) { return (void)s, beyond(z, y, n, 1); }
FORMULA(perceptron_classes) { return (void)s, beyond(z, y, n, 0); }

typedef enum targets { ANY, PROBABILITIES, DISTRIBUTIONS, COUNTS, CLASSES } targets;

static const struct {
  const char *text;
  bp_output output;
  targets targets;
  int width, units;
  real setting;
  real (*row)(const real *z, const real *y, int n, real setting);
} rows[] = {
    {"cross_entropy", 0, CLASSES, 5, 5, 0, cross_entropy},
    {"cross_entropy", 0, DISTRIBUTIONS, 5, 5, 0, cross_entropy},
    {"kl", 0, CLASSES, 4, 4, 0, kl},
    {"kl", 0, DISTRIBUTIONS, 4, 4, 0, kl},
    {"binary_cross_entropy", 0, PROBABILITIES, 3, 3, 0, binary},
    {"binary_cross_entropy", 0, CLASSES, 2, 1, 0, binary},
    {"binary_cross_entropy", 0, CLASSES, 4, 4, 0, binary},
    {"hinge", 0, PROBABILITIES, 3, 3, 0, hinge},
    {"hinge", 0, CLASSES, 2, 1, 0, hinge},
    {"hinge", 0, CLASSES, 4, 4, 0, hinge_classes},
    {"perceptron", 0, CLASSES, 2, 1, 0, perceptron},
    {"perceptron", 0, CLASSES, 4, 4, 0, perceptron_classes},
    {"mse", 0, ANY, 3, 3, 0, mse},
    {"mse", 0, CLASSES, 2, 2, 0, mse},
    {"mse", BP_OUTPUT_SIGMOID, CLASSES, 2, 1, 0, mse_sigmoid},
    {"mse", BP_OUTPUT_SIGMOID, PROBABILITIES, 3, 3, 0, mse_sigmoid},
    {"half_squared_error", 0, ANY, 3, 3, 0, half_squared},
    {"rss", 0, ANY, 3, 3, 0, rss},
    {"gaussian:0.7", 0, ANY, 2, 2, 0.7L, gaussian},
    {"gaussian_variance", 0, ANY, 3, 6, 0, gaussian_variance},
    {"gaussian_full", 0, ANY, 2, 5, 0, gaussian_full},
    {"mae", 0, ANY, 3, 3, 0, mae},
    {"laplace:2.5", 0, ANY, 3, 3, 2.5L, laplace},
    {"quantile:0.9", 0, ANY, 3, 3, 0.9L, quantile},
    {"quantile", 0, ANY, 1, 1, 0.5L, quantile},
    {"huber:0.8", 0, ANY, 3, 3, 0.8L, huber},
    {"huber", 0, ANY, 1, 1, 1, huber},
    {"poisson", 0, COUNTS, 2, 2, 0, poisson},
    {"poisson", BP_OUTPUT_SOFTPLUS, COUNTS, 2, 2, 0, poisson_softplus},
    /* formulas that a user writes are the built-in losses */
    {"log(1 + exp((1 - 2*y)*z))", 0, CLASSES, 2, 1, 0, binary},
    {"mean((y - p)^2)", 0, ANY, 3, 3, 0, mse},
    {"-sum(y * log(p))", 0, CLASSES, 5, 5, 0, cross_entropy},
    {"a = abs(y - p); where(a <= 0.8, a^2/2, 0.8*(a - 0.4))", 0, ANY, 1, 1, 0.8L, huber},
};

static void make_targets(targets kind, int width, uint32_t *noise, double *y, int32_t *classes) {
  for (int r = 0; r < ROWS; r++) {
    double sum = 0, *row = y + r * width;
    classes[r] = (r * 5 + 1) % width;
    for (int j = 0; j < width; j++) {
      double x = (double)(float)tt_noise(noise);
      row[j] = kind == ANY             ? 2 * x
               : kind == COUNTS        ? floor(3 + 3 * x)
               : kind == PROBABILITIES ? (r % 3 ? r % 2 : fabs(x))
               : kind == CLASSES       ? j == classes[r]
                                       : fabs(x);
      sum += row[j];
    }
    if (kind == CLASSES && width == 2) row[0] = classes[r]; /* what one unit compares with */
    for (int j = 0; kind == DISTRIBUTIONS && j < width; j++) row[j] = (double)(float)(row[j] / sum);
  }
}

static real oracle(size_t i, const double *z, const double *y, int moved, real by) {
  real zs[8], ys[8];
  int n = rows[i].targets == CLASSES && rows[i].units == 1 ? 1 : rows[i].width;
  for (int j = 0; j < rows[i].units; j++) zs[j] = (real)z[j] + (j == moved ? by : 0);
  for (int j = 0; j < n; j++) ys[j] = (real)y[j];
  return rows[i].row(zs, ys, n, rows[i].setting);
}

static void check_row(bp_context *ctx, size_t i, bp_dtype dtype) {
  double z[ROWS * 8], y[ROWS * 8];
  int32_t classes[ROWS];
  uint32_t noise = 17 + (uint32_t)i;
  const real h = 1e-6L;
  bool values = rows[i].targets != CLASSES;
  int units = rows[i].units, width = rows[i].width;
  double loose = dtype == BP_F64 ? 1e-13 : 2e-5, slope = dtype == BP_F64 ? 1e-9 : 1e-4;
  answer a;
  bp_objective o = {.output = rows[i].output};
  bt_assert_ok(ctx, bp_objective_parse(ctx, rows[i].text, &o));
  o = resolved(ctx, o, !values, width);
  assert_int_equal(bp_objective_units(&o), units);
  make_targets(rows[i].targets, width, &noise, y, classes);
  if (!values && width == 2 && units == 2)
    for (int r = 0; r < ROWS; r++) y[r * 2] = classes[r] == 0, y[r * 2 + 1] = classes[r] == 1;
  for (int k = 0; k < ROWS * units; k++) z[k] = (double)(float)(2.5 * tt_noise(&noise));
  ask(ctx, &o, dtype, false, z, values ? y : NULL, classes, &a);
  for (int r = 0; r < ROWS; r++) {
    bt_assert_close(a.loss[r], (double)oracle(i, z + r * units, y + r * width, -1, 0), loose, loose);
    for (int j = 0; j < units; j++) {
      real up = oracle(i, z + r * units, y + r * width, j, h), down = oracle(i, z + r * units, y + r * width, j, -h);
      bt_assert_close(a.gradient[r * units + j], (double)((up - down) / (2 * h)), slope, slope);
    }
  }
}

static void every_loss_is_its_formula(void **state) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (bp_dtype dtype = BP_F32; dtype <= BP_F64; dtype++) check_row(bt_ctx(state), i, dtype);
}

/* Each loss of the table is tested above. */
static void no_loss_is_without_a_test(void **state) {
  for (int loss = BP_LOSS_AUTO + 1; loss < BP_LOSS_EXPRESSION; loss++) {
    bool found = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !found; i++) {
      bp_objective o = {0};
      bt_assert_ok(bt_ctx(state), bp_objective_parse(bt_ctx(state), rows[i].text, &o));
      found = o.loss == (bp_loss)loss;
    }
    if (!found) fail_msg("loss %s has no row", bp_loss_name((bp_loss)loss));
  }
}

/* ---- finite for any finite output ---- */

static void losses_of_classes_are_finite_for_any_finite_output(void **state) {
  static const char *const names[] = {"cross_entropy", "kl", "binary_cross_entropy", "hinge", "perceptron"};
  static const double extremes[] = {1e30, 0, -1e30, 0, 1e30, -1e30, 0, 1e30, -1e30, -1e30, 1e30, 1e30};
  double z[ROWS * 3], y[ROWS * 3] = {0};
  int32_t classes[ROWS];
  answer a;
  for (int k = 0; k < ROWS * 3; k++) z[k] = extremes[(k * 7 + k / 3) % 12];
  for (int r = 0; r < ROWS; r++) classes[r] = r % 3, y[r * 3 + r % 3] = 1;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (int soft = 0; soft < 2; soft++) {
      bp_objective o = {0};
      bt_assert_ok(bt_ctx(state), bp_objective_parse(bt_ctx(state), names[i], &o));
      o = resolved(bt_ctx(state), o, !soft, 3);
      ask(bt_ctx(state), &o, BP_F32, false, z, soft ? y : NULL, classes, &a);
      for (int r = 0; r < ROWS; r++) assert_true(a.loss[r] >= 0 && isfinite(a.loss[r]));
      for (int k = 0; k < ROWS * 3; k++) assert_true(isfinite(a.gradient[k]) && isfinite(a.predictions[k]));
    }
}

/* Soft targets at [1e30, 0]: all weight on the right class gives 0, on the wrong one 1e30. */
static void soft_targets_are_exact_at_extremes(void **state) {
  double z[ROWS * 2], y[ROWS * 2];
  answer a;
  for (int r = 0; r < ROWS; r++) z[2 * r] = 1e30, z[2 * r + 1] = 0, y[2 * r] = r % 2 == 0, y[2 * r + 1] = r % 2;
  bp_objective o = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_CROSS_ENTROPY}, false, 2);
  ask(bt_ctx(state), &o, BP_F64, false, z, y, NULL, &a);
  for (int r = 0; r < ROWS; r++) bt_assert_close(a.loss[r], r % 2 ? 1e30 : 0, 1e-15, 0);
}

static void learnt_variances_stay_finite(void **state) {
  double z[ROWS * 5], y[ROWS * 2];
  answer a;
  for (int k = 0; k < ROWS * 5; k++) z[k] = (k % 5 < 2) ? 0.5 : (k / 5 % 2 ? 1e30 : -1e30) * (k % 5 == 3 ? 0 : 1);
  for (int k = 0; k < ROWS * 2; k++) y[k] = 0.5;
  bp_objective full = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_GAUSSIAN_FULL}, false, 2);
  bp_objective variance = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_GAUSSIAN_VARIANCE}, false, 2);
  ask(bt_ctx(state), &full, BP_F32, false, z, y, NULL, &a);
  for (int r = 0; r < ROWS; r++) assert_true(isfinite(a.loss[r]));
  for (int k = 0; k < ROWS * 4; k++) z[k] = k % 4 < 2 ? 0.5 : k / 4 % 2 ? 1e30 : -1e30;
  ask(bt_ctx(state), &variance, BP_F32, false, z, y, NULL, &a);
  for (int r = 0; r < ROWS; r++) assert_true(isfinite(a.loss[r]));
}

/* ---- label smoothing ---- */

/* (1-ε) y + ε/K: smoothed class numbers equal the same soft targets without smoothing, and only while training. */
static void smoothing_is_a_soft_target(void **state) {
  enum { K = 4 };
  double z[ROWS * K], y[ROWS * K];
  int32_t classes[ROWS];
  uint32_t noise = 3;
  answer smooth, plain, soft;
  for (int k = 0; k < ROWS * K; k++) z[k] = 2 * tt_noise(&noise);
  for (int r = 0; r < ROWS; r++) {
    classes[r] = r % K;
    for (int j = 0; j < K; j++) y[r * K + j] = 0.9 * (j == r % K) + 0.1 / K;
  }
  for (int l = 0; l < 2; l++) {
    bp_loss loss = l ? BP_LOSS_KL : BP_LOSS_CROSS_ENTROPY;
    bp_objective o = resolved(bt_ctx(state), (bp_objective){.loss = loss, .label_smoothing = 0.1}, true, K);
    bp_objective values = resolved(bt_ctx(state), (bp_objective){.loss = loss}, false, K);
    bp_objective hard = resolved(bt_ctx(state), (bp_objective){.loss = loss}, true, K);
    ask(bt_ctx(state), &o, BP_F64, true, z, NULL, classes, &smooth);
    ask(bt_ctx(state), &values, BP_F64, false, z, y, NULL, &soft);
    bt_assert_close_f64(smooth.loss, soft.loss, ROWS, 1e-13, 1e-13);
    bt_assert_close_f64(smooth.gradient, soft.gradient, ROWS * K, 1e-13, 1e-14);
    ask(bt_ctx(state), &o, BP_F64, false, z, NULL, classes, &smooth);
    ask(bt_ctx(state), &hard, BP_F64, false, z, NULL, classes, &plain);
    bt_assert_close_f64(smooth.loss, plain.loss, ROWS, 0, 0);
  }
}

/* ---- predictions ---- */

static void a_gaussian_predicts_its_spread(void **state) {
  double z[ROWS * 5], y[ROWS * 2] = {0};
  uint32_t noise = 9;
  answer a;
  for (int k = 0; k < ROWS * 5; k++) z[k] = tt_noise(&noise);
  bp_objective o = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_GAUSSIAN_FULL}, false, 2);
  ask(bt_ctx(state), &o, BP_F64, false, z, y, NULL, &a);
  assert_int_equal(bp_objective_prediction(&o, 1).kind, BP_PREDICTED_VALUE);
  assert_int_equal(bp_objective_prediction(&o, 3).kind, BP_PREDICTED_DEVIATION);
  assert_int_equal(bp_objective_prediction(&o, 3).target, 1);
  assert_int_equal(bp_objective_prediction(&o, 4).kind, BP_PREDICTED_CORRELATION);
  for (int r = 0; r < ROWS; r++) {
    const double *x = z + 5 * r, *p = a.predictions + 5 * r;
    double sd0 = exp(x[2]), sd1 = sqrt(x[3] * x[3] + exp(2 * x[4]));
    bt_assert_close(p[0], x[0], 0, 0);
    bt_assert_close(p[2], sd0, 1e-14, 0);
    bt_assert_close(p[3], sd1, 1e-14, 0);
    bt_assert_close(p[4], sd0 * x[3] / (sd0 * sd1), 1e-13, 1e-15);
  }
}

static void correlations_are_those_of_pairs(void **state) {
  static const int pairs[6][2] = {{1, 0}, {2, 0}, {2, 1}, {3, 0}, {3, 1}, {3, 2}};
  bp_objective o = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_GAUSSIAN_FULL}, false, 4);
  assert_int_equal(bp_objective_predictions(&o), 14);
  for (int i = 0; i < 6; i++) {
    bp_prediction_info info = bp_objective_prediction(&o, 8 + i);
    assert_int_equal(info.target, pairs[i][0]);
    assert_int_equal(info.other, pairs[i][1]);
  }
}

/* One unit stands for two classes: both probabilities, the small one in full precision. */
static void one_unit_predicts_two_classes(void **state) {
  double z[ROWS];
  int32_t classes[ROWS] = {0};
  answer a;
  for (int r = 0; r < ROWS; r++) z[r] = 8.0 * (r - 5);
  bp_objective o = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_BINARY_CROSS_ENTROPY}, true, 2);
  ask(bt_ctx(state), &o, BP_F64, false, z, NULL, classes, &a);
  for (int r = 0; r < ROWS; r++) {
    bt_assert_close(a.predictions[2 * r], (double)sigma(-(real)z[r]), 1e-14, 0);
    bt_assert_close(a.predictions[2 * r + 1], (double)sigma((real)z[r]), 1e-14, 0);
  }
  o = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_PERCEPTRON}, true, 2);
  ask(bt_ctx(state), &o, BP_F64, false, z, NULL, classes, &a);
  for (int r = 0; r < ROWS; r++) {
    assert_true(a.predictions[2 * r + 1] == (z[r] >= 0));
    assert_true(a.predictions[2 * r] + a.predictions[2 * r + 1] == 1);
  }
}

/* Units for values, against their formulas. */
static void units_are_their_formulas(void **state) {
  static const bp_output units[] = {BP_OUTPUT_IDENTITY, BP_OUTPUT_EXP, BP_OUTPUT_SOFTPLUS, BP_OUTPUT_TANH,
                                    BP_OUTPUT_SIGMOID};
  double z[ROWS], y[ROWS] = {0};
  answer a;
  for (int r = 0; r < ROWS; r++) z[r] = 0.7 * (r - 6);
  for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
    bp_objective o = resolved(bt_ctx(state), (bp_objective){.loss = BP_LOSS_MSE, .output = units[u]}, false, 1);
    ask(bt_ctx(state), &o, BP_F64, false, z, y, NULL, &a);
    for (int r = 0; r < ROWS; r++) {
      real x = (real)z[r], expected[] = {x, expl(x), zeta(x), tanhl(x), sigma(x)};
      bt_assert_close(a.predictions[r], (double)expected[u], 1e-14, 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_loss_is_its_formula),
      BT_TEST(no_loss_is_without_a_test),
      BT_TEST(losses_of_classes_are_finite_for_any_finite_output),
      BT_TEST(soft_targets_are_exact_at_extremes),
      BT_TEST(learnt_variances_stay_finite),
      BT_TEST(smoothing_is_a_soft_target),
      BT_TEST(a_gaussian_predicts_its_spread),
      BT_TEST(correlations_are_those_of_pairs),
      BT_TEST(one_unit_predicts_two_classes),
      BT_TEST(units_are_their_formulas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
