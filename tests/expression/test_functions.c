/* Every function of the expression language: values against the C library and formulas by hand, derivatives against
 * difference quotients. A function without a row here fails the test. */
/* labels: unit grad */
#include <stdlib.h>

#include "expression/expression_fixtures.h"

static const xt_name point[] = {
    {"x", 0, {0}, {0.3}},
    {"y", 0, {0}, {1.7}},
    {"v", 1, {3}, {0.2, 0.7, -0.4}},
    {"w", 1, {3}, {1.5, -0.5, 2}},
    {"A", 2, {2, 2}, {2, 0.3, 0.5, 1.5}},
    {"B", 2, {2, 3}, {1, 2, 3, 4, 5, 7}},
};
enum { POINT = sizeof point / sizeof *point };

/* Elementwise: f at each of a few points is that of the C library. */
static double square_(double x) { return x * x; }
static double reciprocal_(double x) { return 1 / x; }
static double rsqrt_(double x) { return 1 / sqrt(x); }
static double sigmoid_(double x) { return 1 / (1 + exp(-x)); }
static double softplus_(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double relu_(double x) { return x > 0 ? x : 0; }
static double sign_(double x) { return (x > 0) - (x < 0); }
static double heaviside_(double x) { return x >= 0; }
static double same_(double x) { return x; }
static double digamma_(double x) { return (lgamma(x + 1e-4) - lgamma(x - 1e-4)) / 2e-4; } /* to 1e-8 */

static const struct {
  const char *name;
  double (*f)(double);
  double at[3];
} unary[] = {
    {"abs", fabs, {-1.5, 0, 2}},
    {"acos", acos, {-0.5, 0.1, 0.9}},
    {"acosh", acosh, {1.1, 2, 30}},
    {"asin", asin, {-0.5, 0.1, 0.9}},
    {"asinh", asinh, {-3, 0.1, 30}},
    {"atan", atan, {-2, 0.1, 50}},
    {"atanh", atanh, {-0.9, 0.1, 0.5}},
    {"ceil", ceil, {-1.5, 0.2, 3}},
    {"cos", cos, {-2, 0.3, 9}},
    {"cosh", cosh, {-2, 0.3, 5}},
    {"digamma", digamma_, {0.7, 2.5, 9}},
    {"erf", erf, {-1, 0.1, 2}},
    {"erfc", erfc, {-1, 0.1, 4}},
    {"exp", exp, {-2, 0.1, 5}},
    {"expm1", expm1, {-2, 1e-9, 3}},
    {"floor", floor, {-1.5, 0.2, 3}},
    {"heaviside", heaviside_, {-1, 0, 2}},
    {"lgamma", lgamma, {0.7, 2.5, 20}},
    {"log", log, {0.2, 1.5, 40}},
    {"log10", log10, {0.2, 1.5, 40}},
    {"log1p", log1p, {-0.5, 1e-9, 3}},
    {"log2", log2, {0.2, 1.5, 40}},
    {"reciprocal", reciprocal_, {-2, 0.3, 5}},
    {"relu", relu_, {-2, 0.3, 5}},
    {"round", rint, {-1.5, 0.5, 2.6}},
    {"rsqrt", rsqrt_, {0.2, 1.5, 40}},
    {"sigmoid", sigmoid_, {-4, 0.1, 3}},
    {"sign", sign_, {-4, 0, 3}},
    {"sin", sin, {-2, 0.3, 9}},
    {"sinh", sinh, {-2, 0.3, 5}},
    {"softplus", softplus_, {-5, 0.1, 50}},
    {"sqrt", sqrt, {0.2, 1.5, 40}},
    {"square", square_, {-2, 0.3, 5}},
    {"stop_gradient", same_, {-2, 0.3, 5}},
    {"tan", tan, {-1, 0.3, 1.4}},
    {"tanh", tanh, {-2, 0.3, 5}},
};
enum { UNARY = sizeof unary / sizeof *unary };

/* Calls: what they are in terms of simpler parts of the language. */
static const struct {
  const char *text, *same;
} calls[] = {
    {"atan2(y, x)", "atan(y/x)"},
    {"atan2(v, w)[1]", "atan2(v[1], w[1])"},
    {"cholesky(A)", "[[sqrt(2), 0], [0.5/sqrt(2), sqrt(1.5 - 0.125)]]"},
    {"clip(v, -0.3, 0.5)", "[0.2, 0.5, -0.3]"},
    {"clip(v, -x, x)", "[0.2, 0.3, -0.3]"},
    {"clip(x, 1, 2)", "1"},
    {"concat(v, w)", "[v[0], v[1], v[2], w[0], w[1], w[2]]"},
    {"concat(x, v, 5)", "[x, v[0], v[1], v[2], 5]"},
    {"concat(A, [v[0:2]])", "[A[0], A[1], v[0:2]]"},
    {"concat(x)", "[x]"},
    {"cumsum(v)", "[v[0], v[0] + v[1], v[0] + v[1] + v[2]]"},
    {"cumsum(B)", "[[1, 3, 6], [4, 9, 16]]"},
    {"cumsum(B, 0)", "[[1, 2, 3], [5, 7, 10]]"},
    {"diag(v)", "[[v[0], 0, 0], [0, v[1], 0], [0, 0, v[2]]]"},
    {"diag(A)", "[A[0,0], A[1,1]]"},
    {"diag(B)", "[B[0,0], B[1,1]]"},
    {"diag(transpose(B))", "[B[0,0], B[1,1]]"},
    {"diag(outer(v, v)[0:2])", "[v[0]^2, v[1]^2]"},
    {"dot(v, w)", "v[0]*w[0] + v[1]*w[1] + v[2]*w[2]"},
    {"flip(v)", "[v[2], v[1], v[0]]"},
    {"flip(B)", "[B[1], B[0]]"},
    {"flip(B, 1)", "[[3, 2, 1], [7, 5, 4]]"},
    {"inverse(A)", "[[1.5, -0.3], [-0.5, 2]]/(2*1.5 - 0.3*0.5)"},
    {"log_softmax(v)", "v - log(sum(exp(v)))"},
    {"logdet(A)", "log(2*1.5 - 0.3*0.5)"},
    {"logsumexp(v)", "log(exp(v[0]) + exp(v[1]) + exp(v[2]))"},
    {"logsumexp(B)", "[log(sum(exp(B[0]))), log(sum(exp(B[1])))]"},
    {"max(v)", "v[1]"},
    {"max(B)", "7"},
    {"max(x)", "x"},
    {"max(x, y)", "y"},
    {"max(v, 0, x)", "[0.3, 0.7, 0.3]"},
    {"mean(v)", "(v[0] + v[1] + v[2])/3"},
    {"mean(B, 0)", "[2.5, 3.5, 5]"},
    {"mean(B, 1)", "[2, 16/3]"},
    {"mean(x)", "x"},
    {"min(v)", "v[2]"},
    {"min(v, 0)", "[0, 0, -0.4]"},
    {"norm(v)", "sqrt(dot(v, v))"},
    {"norm(B)", "sqrt(sum(B^2))"},
    {"norm(B, 1)", "sqrt(sum(B^2, 1))"},
    {"norm(-x)", "x"},
    {"outer(v, w)", "[v[0]*w, v[1]*w, v[2]*w]"},
    {"pow(y, x)", "exp(x*log(y))"},
    {"prod(v)", "v[0]*v[1]*v[2]"},
    {"prod(B, 0)", "[4, 10, 21]"},
    {"prod(B)", "840"},
    {"reshape(B, 3, 2)", "[[1, 2], [3, 4], [5, 7]]"},
    {"reshape(B, 6)", "[1, 2, 3, 4, 5, 7]"},
    {"reshape(v[1:2])", "v[1]"},
    {"softmax(v)", "exp(v)/sum(exp(v))"},
    {"softmax(B)", "[softmax(B[0]), softmax(B[1])]"},
    {"solve(A, v[0:2])", "inverse(A) @ v[0:2]"},
    {"solve(A, B)", "inverse(A) @ B"},
    {"stack(v, w)", "[v, w]"},
    {"sum(v)", "v[0] + v[1] + v[2]"},
    {"sum(B)", "22"},
    {"sum(B, 0)", "[5, 7, 10]"},
    {"sum(B, 1)", "[6, 16]"},
    {"sum(x)", "x"},
    {"transpose(B)", "[[1, 4], [2, 5], [3, 7]]"},
    {"tril(A)", "[[A[0,0], 0], [A[1,0], A[1,1]]]"},
    {"tril(B, -1)", "[[0, 0, 0], [4, 0, 0]]"},
    {"triu(A)", "[[A[0,0], A[0,1]], [0, A[1,1]]]"},
    {"triu(B, 1)", "[[0, 2, 3], [0, 0, 7]]"},
    {"where(v > 0, v, w)", "[0.2, 0.7, 2]"},
    {"where(1, x, [y, y])", "[x, x]"},
};
enum { CALLS = sizeof calls / sizeof *calls };

static void elementwise_functions_are_those_of_the_c_library(void **state) {
  for (int i = 0; i < UNARY; i++) {
    xt_name v = {"v", 1, {3}, {unary[i].at[0], unary[i].at[1], unary[i].at[2]}};
    char text[64];
    double out[XT_ELEMENTS];
    (void)snprintf(text, sizeof text, "%s(v)", unary[i].name);
    assert_int_equal(xt_eval(bt_ctx(state), text, &v, 1, out, NULL), 3);
    double tolerance = strcmp(unary[i].name, "digamma") == 0 ? 1e-7 : 1e-14;
    for (int k = 0; k < 3; k++) bt_assert_close(out[k], unary[i].f(unary[i].at[k]), tolerance, tolerance);
  }
}

static void calls_are_what_they_are_made_of(void **state) {
  for (int i = 0; i < CALLS; i++) xt_assert_same(bt_ctx(state), calls[i].text, calls[i].same, point, POINT, 1e-14);
}

/* Σ log(2 + f + f²), in which every element counts with a weight of its own; its gradient against difference quotients. */
static void check_gradient(bp_context *ctx, const char *expression) {
  char text[256];
  xt_case c;
  xt_name moved[POINT];
  bp_var g[POINT];
  double exact[POINT][XT_ELEMENTS], out[XT_ELEMENTS];
  (void)snprintf(text, sizeof text, "f = %s; sum(log(2 + f + f^2))", expression);
  bt_assert_ok(ctx, xt_parse(ctx, text, point, POINT, &c));
  bt_assert_ok(ctx, bp_grad(c.y, c.vars, POINT, g));
  bt_assert_ok(ctx, xt_values(&c, g, POINT, exact));
  for (int n = 0; n < POINT; n++)
    for (int64_t e = 0; e < xt_elements(c.vars[n]); e++) {
      double quotient = 0;
      for (int k = -1; k <= 1; k += 2) {
        memcpy(moved, point, sizeof moved);
        moved[n].data[e] += k * 1e-5;
        (void)xt_eval(ctx, text, moved, POINT, out, NULL);
        quotient += k * out[0] / 2e-5;
      }
      if (!(fabs(quotient - exact[n][e]) <= 2e-8 * (1 + fabs(quotient))))
        fail_msg("'%s' along %s[%d]: %.12g, difference quotient %.12g", text, point[n].name, (int)e, exact[n][e],
                 quotient);
    }
  bp_graph_free(c.graph);
}

static void derivatives_agree_with_difference_quotients(void **state) {
  for (int i = 0; i < UNARY; i++) {
    char text[64];
    if (strcmp(unary[i].name, "stop_gradient") == 0) continue;
    bool beyond_one =
        strcmp(unary[i].name, "acosh") == 0 || strcmp(unary[i].name, "digamma") == 0; /* where it is smooth */
    (void)snprintf(text, sizeof text, beyond_one ? "%s(y)" : "%s([x, 0.7*x])", unary[i].name);
    check_gradient(bt_ctx(state), text);
  }
  for (int i = 0; i < CALLS; i++) check_gradient(bt_ctx(state), calls[i].text);
  for (int i = 0; i < CALLS; i++) check_gradient(bt_ctx(state), calls[i].same);
}

static void nothing_passes_through_stop_gradient(void **state) {
  bp_context *ctx = bt_ctx(state);
  xt_case c;
  bp_var g[POINT];
  double value[POINT][XT_ELEMENTS];
  bt_assert_ok(ctx, xt_parse(ctx, "stop_gradient(x)*x", point, POINT, &c));
  bt_assert_ok(ctx, bp_grad(c.y, c.vars, 1, g));
  bt_assert_ok(ctx, xt_values(&c, g, 1, value));
  bt_assert_close(value[0][0], 0.3, 0, 0);
  bp_graph_free(c.graph);
}

static bool has_row(const char *name) {
  for (int i = 0; i < UNARY; i++)
    if (strcmp(unary[i].name, name) == 0) return true;
  for (int i = 0; i < CALLS; i++)
    if (strncmp(calls[i].text, name, strlen(name)) == 0 && calls[i].text[strlen(name)] == '(') return true;
  return false;
}

static void every_function_is_tested_and_explained_in_order(void **state) {
  (void)state;
  bp_expression_function f;
  char before[64] = "";
  size_t n = 0;
  for (; bp_expression_function_at(n, &f); n++) {
    if (!has_row(f.name)) fail_msg("%s has no row in this test", f.name);
    if (strcmp(before, f.name) >= 0) fail_msg("%s does not stand behind %s", f.name, before);
    assert_true(strlen(f.help) > 2 && strlen(f.arguments) > 0);
    (void)snprintf(before, sizeof before, "%s", f.name);
  }
  assert_true(n >= UNARY);
  assert_false(bp_expression_function_at(n, &f));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(elementwise_functions_are_those_of_the_c_library), BT_TEST(calls_are_what_they_are_made_of),
      BT_TEST(derivatives_agree_with_difference_quotients),      BT_TEST(nothing_passes_through_stop_gradient),
      BT_TEST(every_function_is_tested_and_explained_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
