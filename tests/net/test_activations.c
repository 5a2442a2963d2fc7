/* labels: unit grad */
/* Activations: values against the formulas written out with the C library, derivatives against differences, the documented
 * values at kinks, and their text form.
 */
#include <float.h>

#include "backprop/autodiff.h"
#include "backprop/gradcheck.h"
#include "backprop/ops.h"
#include "net/net_fixtures.h"

enum { POINTS = 64 };

/* ---- the formulas ---- */
static double identity_of(double a, double c) { return c * a; }
static double tanh_of(double a, double s) { return (void)s, tanh(a); }
static double sigmoid_of(double a, double s) { return (void)s, 1 / (1 + exp(-a)); }
static double relu_of(double a, double s) { return (void)s, a > 0 ? a : 0; }
static double heaviside_of(double a, double s) { return (void)s, a >= 0; }
static double leaky_of(double a, double s) { return a > 0 ? a : s * a; }
static double abs_of(double a, double s) { return (void)s, fabs(a); }
static double elu_of(double a, double s) { return a > 0 ? a : s * (exp(a) - 1); }
static double selu_of(double a, double s) {
  (void)s;
  return 1.0507009873554804934 * elu_of(a, 1.6732632423543772848);
}
static double gelu_of(double a, double s) { return (void)s, a * 0.5 * erfc(-a / sqrt(2)); }
static double gelu_tanh_of(double a, double s) {
  (void)s;
  return 0.5 * a * (1 + tanh(sqrt(2 / acos(-1)) * (a + 0.044715 * a * a * a)));
}
static double silu_of(double a, double s) { return (void)s, a / (1 + exp(-a)); }
static double softplus_of(double a, double s) { return (void)s, a > 30 ? a : log1p(exp(a)); }
static double softsign_of(double a, double s) { return (void)s, a / (1 + fabs(a)); }
static double mish_of(double a, double s) { return a * tanh(softplus_of(a, s)); }
static double hard_tanh_of(double a, double s) { return (void)s, fmin(fmax(a, -1), 1); }
static double hard_sigmoid_of(double a, double s) { return (void)s, fmin(fmax(a / 6 + 0.5, 0), 1); }
static double hard_silu_of(double a, double s) { return a * hard_sigmoid_of(a, s); }

/* Every activation of one number; prelu and maxout are in test_layers.c. Kinks are where it has none of its derivatives. */
static const struct {
  bp_activation kind;
  double setting; /* as given; 0: the default, which is `in_use` */
  double in_use;
  double (*formula)(double a, double s);
  double kinks[2];
  int n_kinks;
  double at_kink; /* the documented derivative */
} rows[] = {
    {BP_IDENTITY, 0, 1, identity_of, {0}, 0, 0},
    {BP_IDENTITY, -2.5, -2.5, identity_of, {0}, 0, 0},
    {BP_TANH, 0, 0, tanh_of, {0}, 0, 0},
    {BP_SIGMOID, 0, 0, sigmoid_of, {0}, 0, 0},
    {BP_RELU, 0, 0, relu_of, {0}, 1, 0},
    {BP_HEAVISIDE, 0, 0, heaviside_of, {0}, 1, 0},
    {BP_LEAKY_RELU, 0, 0.01, leaky_of, {0}, 1, 0.01},
    {BP_LEAKY_RELU, 0.2, 0.2, leaky_of, {0}, 1, 0.2},
    {BP_ABS, 0, 0, abs_of, {0}, 1, 0},
    {BP_ELU, 0, 1, elu_of, {0}, 1, 1},
    {BP_ELU, 0.5, 0.5, elu_of, {0}, 1, 0.5},
    {BP_SELU, 0, 0, selu_of, {0}, 1, 1.0507009873554804934 * 1.6732632423543772848},
    {BP_GELU, 0, 0, gelu_of, {0}, 0, 0},
    {BP_GELU_TANH, 0, 0, gelu_tanh_of, {0}, 0, 0},
    {BP_SILU, 0, 0, silu_of, {0}, 0, 0},
    {BP_SOFTPLUS, 0, 0, softplus_of, {0}, 0, 0},
    {BP_SOFTSIGN, 0, 0, softsign_of, {0}, 0, 0},
    {BP_MISH, 0, 0, mish_of, {0}, 0, 0},
    {BP_HARD_TANH, 0, 0, hard_tanh_of, {-1, 1}, 2, 1},
    {BP_HARD_SIGMOID, 0, 0, hard_sigmoid_of, {-3, 3}, 2, 1.0 / 6},
    {BP_HARD_SILU, 0, 0, hard_silu_of, {-3, 3}, 2, NAN}, /* two different ones: below */
};
enum { ROWS = sizeof rows / sizeof *rows };

/* From -8 to 8, none of them a kink. */
static double point(int i) { return -8 + 0.2503 * i; }

/* ---- as graphs ---- */
typedef struct graph {
  bp_graph *g;
  bp_var x, y;
} graph;

static graph build(bp_context *ctx, int row, bp_dtype dtype, int64_t n) {
  graph f = {0};
  bp_activation_spec spec = {rows[row].kind, rows[row].setting, false};
  bt_assert_ok(ctx, bp_graph_new(ctx, &f.g));
  f.x = bp_input(f.g, "x", dtype, 2, (int64_t[]){1, n});
  f.y = bp_activate(spec, f.x, f.x);
  bt_assert_ok(ctx, bp_graph_status(f.g));
  return f;
}

static void evaluate(bp_context *ctx, const graph *f, bp_var of, const void *x, void *y) {
  bt_assert_ok(ctx, bp_eval(&of, 1, &f->x, 1, 0, &x, &y));
}

/* A few roundings, relative to the largest number on the way (gelu: 1 + erf, times x). */
static void values_are_those_of_the_formulas(void **state) {
  for (int r = 0; r < ROWS; r++) {
    double x[POINTS], y[POINTS], expected[POINTS];
    float x32[POINTS], y32[POINTS];
    for (int i = 0; i < POINTS; i++) x32[i] = (float)point(i), x[i] = (double)x32[i];
    graph f = build(bt_ctx(state), r, BP_F64, POINTS), f32 = build(bt_ctx(state), r, BP_F32, POINTS);
    evaluate(bt_ctx(state), &f, f.y, x, y);
    evaluate(bt_ctx(state), &f32, f32.y, x32, y32);
    for (int i = 0; i < POINTS; i++) expected[i] = rows[r].formula(x[i], rows[r].in_use);
    bt_assert_close_f64(y, expected, POINTS, 1e-14, 4e-15);
    for (int i = 0; i < POINTS; i++) bt_assert_close((double)y32[i], expected[i], 2e-6, 2e-6);
    bp_graph_free(f.g);
    bp_graph_free(f32.g);
  }
}

static void derivatives_are_those_of_the_values(void **state) {
  bp_gradcheck_options o = {.size = sizeof o, .richardson = true, .relative = 1e-7, .absolute = 1e-9};
  for (int r = 0; r < ROWS; r++) {
    double x[POINTS];
    const void *values[] = {x};
    for (int i = 0; i < POINTS; i++) x[i] = point(i);
    graph f = build(bt_ctx(state), r, BP_F64, POINTS);
    bp_var sum = bp_sum(bp_square(bp_add(f.y, bp_scalar(f.g, BP_F64, 0.3))), BP_ALL_AXES);
    bt_assert_ok(bt_ctx(state), bp_gradcheck(&sum, 1, NULL, 0, &f.x, 1, 0, values, &o, NULL));
    bp_graph_free(f.g);
  }
}

static void gradient(bp_context *ctx, int row, const double *x, int n, double *out) {
  bp_var d;
  graph f = build(ctx, row, BP_F64, n);
  bt_assert_ok(ctx, bp_grad(bp_sum(f.y, BP_ALL_AXES), &f.x, 1, &d));
  evaluate(ctx, &f, d, x, out);
  bp_graph_free(f.g);
}

static void kinks_have_the_documented_derivative(void **state) {
  double d[2];
  for (int r = 0; r < ROWS; r++) {
    if (rows[r].n_kinks == 0) continue;
    gradient(bt_ctx(state), r, rows[r].kinks, rows[r].n_kinks, d);
    for (int k = 0; k < rows[r].n_kinks && !isnan(rows[r].at_kink); k++)
      bt_assert_close(d[k], rows[r].at_kink, 1e-15, 0);
  }
  gradient(bt_ctx(state), ROWS - 1, (double[]){-3, 3}, 2, d); /* a·s(a) with s' = 1/6: s + a/6 */
  bt_assert_close(d[0], -0.5, 1e-15, 1e-15);
  bt_assert_close(d[1], 1.5, 1e-15, 0);
}

/* Far out nothing overflows on the way, neither in the value nor in the derivative. */
static void far_points_are_finite(void **state) {
  for (int r = 0; r < ROWS; r++) {
    const double x[] = {-1e5, -800, -60, 60, 800, 1e5};
    double y[6], d[6];
    graph f = build(bt_ctx(state), r, BP_F64, 6);
    evaluate(bt_ctx(state), &f, f.y, x, y);
    gradient(bt_ctx(state), r, x, 6, d);
    for (int i = 0; i < 6; i++) {
      bt_assert_close(y[i], rows[r].formula(x[i], rows[r].in_use), 1e-13, 1e-13);
      assert_true(isfinite(d[i]));
    }
    bp_graph_free(f.g);
  }
}

/* ---- text ---- */

static void text_comes_back(void **state) {
  (void)state;
  static const struct {
    const char *text, *back;
    bp_activation_spec spec;
  } good[] = {{"tanh", "tanh", {BP_TANH, 0, false}},
              {"leaky_relu", "leaky_relu", {BP_LEAKY_RELU, 0.01, false}},
              {"leaky_relu:0.2", "leaky_relu:0.2", {BP_LEAKY_RELU, 0.2, false}},
              {"leaky_relu:0.01", "leaky_relu", {BP_LEAKY_RELU, 0.01, false}},
              {"elu:0.5", "elu:0.5", {BP_ELU, 0.5, false}},
              {"identity:-2", "identity:-2", {BP_IDENTITY, -2, false}},
              {"maxout:3", "maxout:3", {BP_MAXOUT, 3, false}},
              {"maxout", "maxout", {BP_MAXOUT, 2, false}},
              {"prelu", "prelu", {BP_PRELU, 0, false}},
              {"prelu:unit", "prelu:unit", {BP_PRELU, 0, true}}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    bp_activation_spec spec;
    char text[BP_ACTIVATION_TEXT];
    assert_true(bp_activation_parse(good[i].text, &spec));
    assert_int_equal(spec.kind, good[i].spec.kind);
    assert_true(spec.setting == good[i].spec.setting && spec.per_unit == good[i].spec.per_unit);
    assert_string_equal(bp_activation_text(spec, text), good[i].back);
  }
}

static void other_text_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "relu6",
                                    "Tanh",
                                    "tanh ",
                                    " tanh",
                                    "tanh:",
                                    "tanh:1",
                                    "relu:0",
                                    "elu:",
                                    "elu:0",
                                    "elu:-1",
                                    "elu:nan",
                                    "elu:inf",
                                    "elu:1x",
                                    "maxout:1",
                                    "maxout:2.5",
                                    "maxout:65",
                                    "maxout:-2",
                                    "prelu:0.1",
                                    "prelu:units",
                                    "leaky_relu:0.2:1",
                                    "identity:0",
                                    ":",
                                    "leaky_relu:0",
                                    "prelu:unit:1",
                                    "elu:1,",
                                    "leaky_relu:0,2",
                                    "a_name_that_is_longer_than_any_activation_can_ever_be"};
  bp_activation_spec spec = {BP_SELU, 7, true};
  char text[BP_ACTIVATION_TEXT];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (bp_activation_parse(bad[i], &spec)) fail_msg("'%s' is taken", bad[i]);
  assert_true(spec.kind == BP_SELU && spec.setting == 7 && spec.per_unit);
  assert_string_equal(bp_activation_text((bp_activation_spec){BP_ACTIVATION_COUNT, 0, false}, text), "");
}

static void a_wrong_setting_is_an_error_of_the_graph(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = NULL;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F32, 2, (int64_t[]){2, 3});
  assert_true(bp_var_is_zero(bp_activate((bp_activation_spec){BP_ELU, -1, false}, x, x)));
  bt_assert_fails(ctx, BP_E_ARG, bp_graph_status(g));
  bt_assert_message(ctx, "elu with the setting -1, expected a number above 0");
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(values_are_those_of_the_formulas),
                                     BT_TEST(derivatives_are_those_of_the_values),
                                     BT_TEST(kinks_have_the_documented_derivative),
                                     BT_TEST(far_points_are_finite),
                                     BT_TEST(text_comes_back),
                                     BT_TEST(other_text_is_refused),
                                     BT_TEST(a_wrong_setting_is_an_error_of_the_graph)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
