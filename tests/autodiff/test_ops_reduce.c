/* Operations that take axes away: values against naive loops, derivatives in both modes and twice, zeros among factors. */
/* labels: grad */
#include "autodiff/op_check.h"

/* ---- naive: over the middle axis of [a, b, c] ---- */
#define OVER_MIDDLE(name, first, join, last)                                                                           \
  static void name##_oracle(const double *const *x, double *y) {                                                       \
    for (int i = 0; i < OC_BATCH; i++)                                                                                 \
      for (int k = 0; k < 3; k++) {                                                                                    \
        double r = first;                                                                                              \
        for (int j = 0; j < 7; j++) {                                                                                  \
          double v = x[0][(i * 7 + j) * 3 + k];                                                                        \
          r = join;                                                                                                    \
        }                                                                                                              \
        y[i * 3 + k] = last;                                                                                           \
      }                                                                                                                \
  }
OVER_MIDDLE(sum, 0, r + v, r)
OVER_MIDDLE(mean, 0, r + v, r / 7)
OVER_MIDDLE(prod, 1, r *v, r)
OVER_MIDDLE(max, -INFINITY, fmax(r, v), r)
OVER_MIDDLE(min, INFINITY, fmin(r, v), r)
OVER_MIDDLE(norm, 0, r + v * v, sqrt(r))

static bp_var sum(const bp_var *x) { return bp_sum(x[0], BP_AXIS(1)); }
static bp_var mean(const bp_var *x) { return bp_mean(x[0], BP_AXIS(1)); }
static bp_var prod(const bp_var *x) { return bp_prod(x[0], BP_AXIS(1)); }
static bp_var max(const bp_var *x) { return bp_reduce_max(x[0], BP_AXIS(1)); }
static bp_var min(const bp_var *x) { return bp_reduce_min(x[0], BP_AXIS(1)); }
static bp_var norm(const bp_var *x) { return bp_norm(x[0], BP_AXIS(1)); }

/* ---- along the last axis ---- */
static bp_var logsumexp(const bp_var *x) { return bp_logsumexp(x[0]); }
static bp_var softmax(const bp_var *x) { return bp_softmax(x[0]); }
static bp_var log_softmax(const bp_var *x) { return bp_log_softmax(x[0]); }
static double naive_logsumexp(const double *x, int n) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += exp(x[k]);
  return log(sum);
}
static void logsumexp_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++) y[r] = naive_logsumexp(x[0] + r * 7, 7);
}
static void log_softmax_oracle(const double *const *x, double *y) {
  for (int k = 0; k < OC_BATCH * 7; k++) y[k] = x[0][k] - naive_logsumexp(x[0] + k / 7 * 7, 7);
}
static void softmax_oracle(const double *const *x, double *y) {
  log_softmax_oracle(x, y);
  for (int k = 0; k < OC_BATCH * 7; k++) y[k] = exp(y[k]);
}

/* ---- everything, several axes, the batch ---- */
static bp_var prod_two_axes(const bp_var *x) { return bp_prod(x[0], BP_AXIS(0) | BP_AXIS(2)); }
static void prod_two_axes_oracle(const double *const *x, double *y) {
  for (int j = 0; j < 2; j++) {
    y[j] = 1;
    for (int i = 0; i < 3; i++)
      for (int k = 0; k < 5; k++) y[j] *= x[0][(i * 2 + j) * 5 + k];
  }
}
static bp_var norm_all(const bp_var *x) { return bp_norm(x[0], BP_ALL_AXES); }
static void norm_all_oracle(const double *const *x, double *y) {
  y[0] = 0;
  for (int k = 0; k < OC_BATCH * 4; k++) y[0] += x[0][k] * x[0][k];
  y[0] = sqrt(y[0]);
}
static bp_var norm_split_axes(const bp_var *x) { return bp_norm(x[0], BP_AXIS(0) | BP_AXIS(2)); }
static void norm_split_axes_oracle(const double *const *x, double *y) {
  for (int j = 0; j < 2; j++) {
    y[j] = 0;
    for (int i = 0; i < 3; i++)
      for (int k = 0; k < 5; k++) y[j] += x[0][(i * 2 + j) * 5 + k] * x[0][(i * 2 + j) * 5 + k];
    y[j] = sqrt(y[j]);
  }
}

/* One factor of each product is 0, in one product two are: the derivative along it is that of the others, all orders. */
static void with_zeros(int i, double *x) {
  if (i != 0) return;
  for (int q = 0; q < OC_BATCH; q++) x[(q * 7 + q) * 3] = 0;
  x[(2 * 7 + 5) * 3] = 0;
}

/* No two of the 7 that are compared are nearer than 0.005, which differences do not reach. */
static void apart(int i, double *x) {
  for (int64_t e = 0; i == 0 && e < oc_batch * 21; e++) x[e] = 0.05 * floor(x[e] / 0.05) + 0.005 * (double)(e / 3 % 7);
}

#define VALUES(f32, f64) .value_f32 = (f32), .value_f64 = (f64)
static const op_case cases[] = {
    {"sum", sum, 1, {{3, {BP_BATCH, 7, 3}}}, -1, 1, .oracle = sum_oracle, VALUES(2e-5, 2e-14)},
    {"mean", mean, 1, {{3, {BP_BATCH, 7, 3}}}, -1, 1, .oracle = mean_oracle, VALUES(2e-5, 2e-14)},
    {"prod",
     prod,
     1,
     {{3, {BP_BATCH, 7, 3}}},
     -2,
     2,
     .oracle = prod_oracle,
     VALUES(4e-7, 1e-15),
     .difference = 1e-6,
     .second = 1e-5},
    {"prod, zeros",
     prod,
     1,
     {{3, {BP_BATCH, 7, 3}}},
     -2,
     2,
     .fill = with_zeros,
     .oracle = prod_oracle,
     VALUES(4e-7, 1e-15),
     .difference = 1e-6,
     .second = 1e-5},
    {"prod, two axes",
     prod_two_axes,
     1,
     {{3, {3, 2, 5}}},
     0.5,
     1.5,
     .oracle = prod_two_axes_oracle,
     VALUES(1e-6, 2e-15)},
    {"reduce_max", max, 1, {{3, {BP_BATCH, 7, 3}}}, -1, 1, .fill = apart, .oracle = max_oracle},
    {"reduce_min", min, 1, {{3, {BP_BATCH, 7, 3}}}, -1, 1, .fill = apart, .oracle = min_oracle},
    {"norm", norm, 1, {{3, {BP_BATCH, 7, 3}}}, -1, 1, .oracle = norm_oracle, VALUES(2e-7, 1e-15)},
    {"norm, all", norm_all, 1, {{2, {BP_BATCH, 4}}}, -1, 1, .oracle = norm_all_oracle, VALUES(2e-7, 1e-15)},
    {"norm, split axes",
     norm_split_axes,
     1,
     {{3, {3, 2, 5}}},
     -1,
     1,
     .oracle = norm_split_axes_oracle,
     VALUES(4e-7, 1e-15)},
    {"logsumexp", logsumexp, 1, {{2, {BP_BATCH, 7}}}, -2, 2, .oracle = logsumexp_oracle, VALUES(4e-7, 1e-15)},
    {"softmax", softmax, 1, {{2, {BP_BATCH, 7}}}, -2, 2, .oracle = softmax_oracle, VALUES(1e-6, 4e-15)},
    {"log_softmax", log_softmax, 1, {{2, {BP_BATCH, 7}}}, -2, 2, .oracle = log_softmax_oracle, VALUES(2e-6, 4e-15)},
};

static void every_case_holds(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check(bt_ctx(state), &cases[i]);
}

static void many_rows_are_cut_without_a_trace(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check_bits(bt_ctx(state), &cases[i]);
}

/* ---- what is not differentiable, and extremes ---- */
static void evaluate(bp_context *ctx, bp_var (*build)(bp_var), bp_dtype t, int64_t rows, int64_t columns, const void *x,
                     void *y) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var in = bp_input(g, "x", t, 2, (int64_t[]){rows, columns}), out = build(in);
  bt_assert_ok(ctx, bp_eval(&out, 1, &in, 1, 0, &x, &y));
  bp_graph_free(g);
}

static void argmax_and_argmin_take_the_first_of_equals_and_any_nan(void **state) {
  const double x[] = {3, 1, 1, 3, 2, NAN, 9, -9, -INFINITY, 0, INFINITY, INFINITY};
  int32_t largest[3], smallest[3];
  evaluate(bt_ctx(state), bp_argmax, BP_F64, 3, 4, x, largest);
  evaluate(bt_ctx(state), bp_argmin, BP_F64, 3, 4, x, smallest);
  const int32_t top[] = {0, 1, 2}, low[] = {1, 1, 0};
  assert_memory_equal(largest, top, sizeof top);
  assert_memory_equal(smallest, low, sizeof low);
}

static bp_var norm_rows(bp_var x) { return bp_norm(x, BP_LAST_AXIS); }
static void norm_neither_overflows_nor_underflows(void **state) {
  const double x[] = {3e300, 4e300, 3e-300, 4e-300, 0, 0, 5e-324, 0, 1e-170, -INFINITY, NAN, 1};
  const double expected[] = {5e300, 5e-300, 0, 5e-324, INFINITY, NAN};
  const float x32[] = {3e38f, 1e38f, 3e-45f, 4e-45f};
  double y[6];
  float y32[2];
  evaluate(bt_ctx(state), norm_rows, BP_F64, 6, 2, x, y);
  bt_assert_close_f64(y, expected, 6, 4e-16, 0);
  evaluate(bt_ctx(state), norm_rows, BP_F32, 2, 2, x32, y32);
  bt_assert_close(y32[0], 3.1622776e38, 2e-7, 0);
  bt_assert_close(y32[1], 5.6e-45, 0, 1e-46);
}

static bp_var prod_rows(bp_var x) { return bp_prod(x, BP_LAST_AXIS); }
static void an_empty_product_is_one_and_an_empty_norm_zero(void **state) {
  const double ones[3] = {1, 1, 1}, zeros[3] = {0, 0, 0}, none[1] = {0};
  double y[3] = {9, 9, 9};
  evaluate(bt_ctx(state), prod_rows, BP_F64, 3, 0, none, y);
  bt_assert_close_f64(y, ones, 3, 0, 0);
  evaluate(bt_ctx(state), norm_rows, BP_F64, 3, 0, none, y);
  bt_assert_close_f64(y, zeros, 3, 0, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(every_case_holds), BT_TEST(many_rows_are_cut_without_a_trace),
                                     BT_TEST(argmax_and_argmin_take_the_first_of_equals_and_any_nan),
                                     BT_TEST(norm_neither_overflows_nor_underflows),
                                     BT_TEST(an_empty_product_is_one_and_an_empty_norm_zero)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
