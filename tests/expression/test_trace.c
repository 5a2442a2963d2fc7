/* Traces: the tables of textbooks word for word; and every rule, read as an expression, gives the derivative beside it. */
/* labels: unit grad */
#include <stdlib.h>

#include "backprop/trace.h"
#include "expression/expression_fixtures.h"

enum { LINES = 64, COLUMNS = 4 };

/* A trace with its numbers. */
typedef struct traced {
  xt_case c;
  bp_trace *trace;
  size_t n, columns;
  double value[LINES][XT_ELEMENTS], derivative[LINES][COLUMNS][XT_ELEMENTS];
} traced;

static bp_var ones(bp_var like) {
  int64_t dims[BP_MAX_RANK];
  for (int i = 0; i < bp_var_rank(like); i++) dims[i] = bp_var_dim(like, i);
  return bp_broadcast(bp_scalar(like.graph, BP_F64, 1), bp_var_rank(like), dims);
}

/* Reverse: one column, seeded with ones. Forward: a column for each of the first names that are numbers, else one of ones. */
static traced *trace_of(bp_context *ctx, const char *text, const xt_name *names, size_t n, bp_mode mode,
                        size_t columns) {
  static traced t;
  bp_var seeds[COLUMNS * XT_NAMES], vars[LINES];
  memset(&t, 0, sizeof t);
  bp_status status = xt_parse(ctx, text, names, n, &t.c);
  if (status != BP_OK) fail_msg("'%s': %s", text, bp_error_message(ctx));
  for (size_t i = 0; i < COLUMNS * XT_NAMES; i++) seeds[i] = (bp_var){t.c.graph, 0};
  if (mode == BP_MODE_REVERSE) seeds[0] = ones(t.c.y);
  for (size_t i = 0; mode == BP_MODE_FORWARD && i < n; i++) seeds[columns == 1 ? i : i * n + i] = ones(t.c.vars[i]);
  bp_trace_options o = {.size = sizeof o,
                        .mode = mode,
                        .inputs = t.c.vars,
                        .n_inputs = n,
                        .wrt = t.c.vars,
                        .n_wrt = n,
                        .seeds = seeds,
                        .n_columns = columns};
  bt_assert_ok(ctx, bp_trace_new(t.c.y, &o, &t.trace));
  t.n = bp_trace_lines(t.trace);
  t.columns = columns;
  assert_true(t.n <= LINES && t.n > 0);
  for (size_t i = 0; i < t.n; i++) vars[i] = bp_trace_line_at(t.trace, i).var;
  bt_assert_ok(ctx, xt_values(&t.c, vars, t.n, t.value));
  for (size_t i = 0; i < t.n; i++)
    for (size_t k = 0; k < columns; k++) {
      bp_var d = bp_trace_line_at(t.trace, i).derivatives[k];
      if (!bp_var_is_zero(d)) bt_assert_ok(ctx, xt_values(&t.c, &d, 1, &t.derivative[i][k]));
    }
  return &t;
}

static void release(traced *t) {
  bp_trace_free(t->trace);
  bp_graph_free(t->c.graph);
}

typedef struct expected {
  const char *symbol, *expression, *rule;
  double value, derivative[3];
} expected;

static void check_table(const traced *t, const expected *rows, size_t n, double tolerance) {
  assert_int_equal(t->n, n);
  for (size_t i = 0; i < n; i++) {
    bp_trace_line line = bp_trace_line_at(t->trace, i);
    assert_string_equal(line.symbol, rows[i].symbol);
    assert_string_equal(line.expression, rows[i].expression);
    assert_string_equal(line.rule, rows[i].rule);
    bt_assert_close(t->value[i][0], rows[i].value, 0, tolerance);
    for (size_t k = 0; k < t->columns; k++)
      bt_assert_close(t->derivative[i][k][0], rows[i].derivative[k], 0, tolerance);
  }
}

/* The residual sum of squares of a logistic model on {((1, 1.5), 0), ((1.5, -1), 1)}. All numbers worked out to two places; the
 * table that this is from has v₇ = 0.61, the square of its rounded v₅ = -0.78; it is 0.6042. */
static const char rss[] = "(-sigmoid(w0 + w1 + 1.5*w2))^2 + (1 - sigmoid(w0 + 1.5*w1 - w2))^2";
static const xt_name w[] = {{"w0", 0, {0}, {-1}}, {"w1", 0, {0}, {1.5}}, {"w2", 0, {0}, {0.5}}};

static void the_logistic_model_in_reverse(void **state) {
  static const expected rows[] = {
      {"v₋₂", "w0", "v̄₁ + v̄₂", -1, {0.13}},
      {"v₋₁", "w1", "v̄₁ + 1.5*v̄₂", 1.5, {0.06}},
      {"v₀", "w2", "1.5*v̄₁ - v̄₂", 0.5, {0.54}},
      {"v₁", "v₋₂ + v₋₁ + 1.5*v₀", "v̄₃*v₃*(1 - v₃)", 1.25, {0.27}},
      {"v₂", "v₋₂ + 1.5*v₋₁ - v₀", "v̄₄*v₄*(1 - v₄)", 0.75, {-0.14}},
      {"v₃", "sigmoid(v₁)", "-v̄₅", 0.78, {1.55}},
      {"v₄", "sigmoid(v₂)", "-v̄₆", 0.68, {-0.64}},
      {"v₅", "-v₃", "v̄₇*2*v₅", -0.78, {-1.55}},
      {"v₆", "1 - v₄", "v̄₈*2*v₆", 0.32, {0.64}},
      {"v₇", "v₅^2", "v̄₉", 0.60, {1}},
      {"v₈", "v₆^2", "v̄₉", 0.10, {1}},
      {"v₉", "v₇ + v₈", "1", 0.71, {1}},
  };
  traced *t = trace_of(bt_ctx(state), rss, w, 3, BP_MODE_REVERSE, 1);
  check_table(t, rows, sizeof rows / sizeof *rows, 0.005);
  release(t);
}

static void the_logistic_model_forwards(void **state) {
  static const expected rows[] = {
      {"v₋₂", "w0", "seed", -1, {1, 0, 0}},
      {"v₋₁", "w1", "seed", 1.5, {0, 1, 0}},
      {"v₀", "w2", "seed", 0.5, {0, 0, 1}},
      {"v₁", "v₋₂ + v₋₁ + 1.5*v₀", "v̇₋₂ + v̇₋₁ + 1.5*v̇₀", 1.25, {1, 1, 1.5}},
      {"v₂", "v₋₂ + 1.5*v₋₁ - v₀", "v̇₋₂ + 1.5*v̇₋₁ - v̇₀", 0.75, {1, 1.5, -1}},
      {"v₃", "sigmoid(v₁)", "v̇₁*v₃*(1 - v₃)", 0.78, {0.17, 0.17, 0.26}},
      {"v₄", "sigmoid(v₂)", "v̇₂*v₄*(1 - v₄)", 0.68, {0.22, 0.33, -0.22}},
      {"v₅", "-v₃", "-v̇₃", -0.78, {-0.17, -0.17, -0.26}},
      {"v₆", "1 - v₄", "-v̇₄", 0.32, {-0.22, -0.33, 0.22}},
      {"v₇", "v₅^2", "v̇₅*2*v₅", 0.60, {0.27, 0.27, 0.40}},
      {"v₈", "v₆^2", "v̇₆*2*v₆", 0.10, {-0.14, -0.21, 0.14}},
      {"v₉", "v₇ + v₈", "v̇₇ + v̇₈", 0.71, {0.13, 0.06, 0.54}},
  };
  traced *t = trace_of(bt_ctx(state), rss, w, 3, BP_MODE_FORWARD, 3);
  check_table(t, rows, sizeof rows / sizeof *rows, 0.005);
  release(t);
}

/* Baydin, Pearlmutter, Radul, Siskind, "Automatic differentiation in machine learning: a survey", 2018, table 3. */
static void the_example_of_a_survey(void **state) {
  static const xt_name x[] = {{"x1", 0, {0}, {2}}, {"x2", 0, {0}, {5}}};
  static const expected rows[] = {
      {"v₋₁", "x1", "v̄₁/v₋₁ + v̄₂*v₀", 2, {5.5}}, {"v₀", "x2", "v̄₂*v₋₁ + v̄₃*cos(v₀)", 5, {1.716}},
      {"v₁", "log(v₋₁)", "v̄₄", 0.693, {1}},      {"v₂", "v₋₁*v₀", "v̄₄", 10, {1}},
      {"v₃", "sin(v₀)", "-v̄₅", -0.959, {-1}},    {"v₄", "v₁ + v₂", "v̄₅", 10.693, {1}},
      {"v₅", "v₄ - v₃", "1", 11.652, {1}},
  };
  traced *t = trace_of(bt_ctx(state), "log(x1) + x1*x2 - sin(x2)", x, 2, BP_MODE_REVERSE, 1);
  check_table(t, rows, sizeof rows / sizeof *rows, 0.0005);
  release(t);
}

/* ---- what is a line, and how it is written ---- */
static const xt_name some[] = {
    {"x", 0, {0}, {0.4}},
    {"y", 0, {0}, {1.3}},
    {"v", 1, {3}, {0.3, 0.9, -0.5}},
    {"A", 2, {2, 3}, {1, 2, 3, 4, 5, 7}},
    {"unused", 0, {0}, {1}},
};
enum { SOME = sizeof some / sizeof *some };

/* The expressions of the lines behind the inputs, v₋₄ x, v₋₃ y, v₋₂ v, v₋₁ A, v₀ unused. */
static void lines_are(bp_context *ctx, const char *text, const char *const *lines, size_t n) {
  traced *t = trace_of(ctx, text, some, SOME, BP_MODE_REVERSE, 1);
  for (size_t i = 0; i < n && SOME + i < t->n; i++) {
    const char *expression = bp_trace_line_at(t->trace, SOME + i).expression;
    if (strcmp(expression, lines[i]) != 0)
      fail_msg("'%s': line %d is '%s', expected '%s'", text, (int)i, expression, lines[i]);
  }
  if (t->n != SOME + n) fail_msg("'%s' has %d lines, expected %d", text, (int)t->n - SOME, (int)n);
  release(t);
}
#define LINES_ARE(text, ...)                                                                                           \
  lines_are(bt_ctx(state), text, (const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void sums_of_multiples_of_inputs_are_one_line(void **state) {
  LINES_ARE("x + y - 2*x/3", "v₋₄ + v₋₃ - 2*v₋₄/3");
  LINES_ARE("3*(x - y)", "3*v₋₄ - 3*v₋₃");
  LINES_ARE("1 - (x + 2)", "1 - v₋₄ - 2");
  LINES_ARE("-x/2", "-v₋₄/2");
  LINES_ARE("v[0] + 2*v[2]", "v₋₂[0] + 2*v₋₂[2]");
  LINES_ARE("(x + y)*v[0]", "v₋₄ + v₋₃", "v₁*v₋₂[0]");
  LINES_ARE("(x + y)^2 + (x + y)^2", "v₋₄ + v₋₃", "v₋₄ + v₋₃", "v₁^2", "v₂^2", "v₃ + v₄");
  LINES_ARE("a = x + y; a^2 + a", "v₋₄ + v₋₃", "v₁^2", "v₂ + v₁");
  LINES_ARE("log(2)*x + x/log(3)", "log(2)*v₋₄ + 1/log(3)*v₋₄");
  LINES_ARE("(1 + log(2))*x", "(1 + log(2))*v₋₄");
  LINES_ARE("exp(x) + y + 1", "exp(v₋₄)", "v₁ + v₋₃", "v₂ + 1");
}

/* There is nothing to compute: the result is the line of the input. */
static void an_input_is_its_own_result(void **state) {
  traced *t = trace_of(bt_ctx(state), "x", some, 2, BP_MODE_REVERSE, 1);
  assert_int_equal(t->n, 2);
  assert_string_equal(bp_trace_line_at(t->trace, 0).rule, "1");
  assert_string_equal(bp_trace_line_at(t->trace, 1).rule, "0");
  assert_true(t->derivative[0][0][0] == 1 && t->derivative[1][0][0] == 0);
  release(t);
}

static void constants_and_elements_are_written_where_they_are_used(void **state) {
  LINES_ARE("5", "5");
  LINES_ARE("2^0.5", "2^0.5");
  LINES_ARE("v[1]", "v₋₂[1]");
  LINES_ARE("v[1:3]", "v₋₂[1:3]");
  LINES_ARE("A[1,2]*A[0]", "v₋₁[1,2]*v₋₁[0]");
  LINES_ARE("sin(A[:,1])", "sin(v₋₁[:,1])");
  LINES_ARE("A[0:2,1:3][1][0]^2", "v₋₁[1,1]^2");
  LINES_ARE("x^-1.5", "v₋₄^(-1.5)");
  LINES_ARE("atan2(y, -1)", "atan2(v₋₃, -1)");
  LINES_ARE("v*[1, 2, 3]", "[1, 2, 3]*v₋₂");
  LINES_ARE("sum(exp(v)[0:2])", "exp(v₋₂)", "sum(v₁[0:2])");
  LINES_ARE("A @ [1, 2, 3]", "v₋₁ @ [1, 2, 3]");
  LINES_ARE("[1, 2, 3, 4, 5, 6, 7]*x", "[1, 2, …]*v₋₄");
}

static void operations_are_written_as_in_the_language(void **state) {
  LINES_ARE("A @ v", "v₋₁ @ v₋₂");
  LINES_ARE("A'", "v₋₁'");
  LINES_ARE("[x*y, x, 2]", "v₋₄*v₋₃", "[v₁, v₋₄, 2]");
  LINES_ARE("concat(v, exp(v))", "exp(v₋₂)", "concat(v₋₂, v₁)");
  LINES_ARE("sum(A, 1)", "sum(v₋₁, 1)");
  LINES_ARE("cumsum(A, 0)", "cumsum(v₋₁, 0)");
  LINES_ARE("where(x < y, x, exp(y))", "v₋₄ < v₋₃", "exp(v₋₃)", "where(v₁, v₋₄, v₂)");
  LINES_ARE("max(x, y)", "max(v₋₄, v₋₃)");
  LINES_ARE("tril(A, -1)", "tril(v₋₁, -1)");
  LINES_ARE("flip(v)", "flip(v₋₂)");
  LINES_ARE("stop_gradient(x)", "stop_gradient(v₋₄)");
}

static void long_texts_are_cut(void **state) {
  char text[4000] = "[exp(x)", *at = text + strlen(text);
  for (int i = 0; i < 60; i++) at += sprintf(at, ", v[%d]", i % 3);
  (void)sprintf(at, "]");
  traced *t = trace_of(bt_ctx(state), text, some, SOME, BP_MODE_REVERSE, 1);
  bp_trace_line line = bp_trace_line_at(t->trace, SOME + 1);
  assert_true(strlen(line.expression) < 200 && strstr(line.expression, "…") != NULL);
  assert_true(strlen(bp_trace_line_at(t->trace, 2).rule) < 200);
  release(t);
}

static void names_of_bindings_are_kept(void **state) {
  traced *t = trace_of(bt_ctx(state), "energy = x*y; exp(energy)", some, SOME, BP_MODE_REVERSE, 1);
  assert_string_equal(bp_trace_line_at(t->trace, 0).name, "x");
  assert_string_equal(bp_trace_line_at(t->trace, SOME).name, "energy");
  assert_string_equal(bp_trace_line_at(t->trace, SOME + 1).name, "");
  release(t);
}

/* ---- every rule means what it says ---- */
/* Symbols as names of the language: v₋₁ is vm1, v̄₃ is b3, v̇₃ is d3. */
static void as_names(const char *rule, char *out) {
  static const struct {
    const char *from, *to;
  } pairs[] = {{"v\xCC\x84", "b"}, {"v\xCC\x87", "d"}, {"₋", "m"}, {"₀", "0"}, {"₁", "1"}, {"₂", "2"}, {"₃", "3"},
               {"₄", "4"},         {"₅", "5"},         {"₆", "6"}, {"₇", "7"}, {"₈", "8"}, {"₉", "9"}, {"v̄", "b"}};
  while (*rule != '\0') {
    size_t i = 0;
    while (i < sizeof pairs / sizeof *pairs && strncmp(rule, pairs[i].from, strlen(pairs[i].from)) != 0) i++;
    if (i < sizeof pairs / sizeof *pairs) {
      out += sprintf(out, "%s", pairs[i].to);
      rule += strlen(pairs[i].from);
    } else {
      *out++ = *rule++;
    }
  }
  *out = '\0';
}

/* A rule of a trace as an expression of all values and derivatives in column `k`: its value in `out`, its size, or -1. */
static int64_t value_of_rule(bp_context *ctx, const traced *t, const char *rule, size_t k, double *out) {
  bp_graph *g;
  bp_expression_name names[2 * LINES];
  bp_var vars[2 * LINES], y;
  const void *data[2 * LINES];
  char text[2][512], symbols[2 * LINES][32];
  size_t n = 2 * t->n;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  for (size_t i = 0; i < n; i++) {
    bp_trace_line line = bp_trace_line_at(t->trace, i / 2);
    int64_t dims[BP_MAX_RANK];
    for (int d = 0; d < bp_var_rank(line.var); d++) dims[d] = bp_var_dim(line.var, d);
    as_names(line.symbol, symbols[i]);
    if (i % 2 == 1) symbols[i][0] = 'b'; /* adjoint or tangent: one of them */
    vars[i] = bp_input(g, symbols[i], BP_F64, bp_var_rank(line.var), dims);
    names[i] = (bp_expression_name){.name = symbols[i], .var = vars[i]};
    data[i] = i % 2 == 1 ? t->derivative[i / 2][k] : t->value[i / 2];
  }
  as_names(rule, text[0]);
  for (char *c = text[0]; *c != '\0'; c++) /* d3 is b3 too */
    if (*c == 'd' && ((c[1] >= '0' && c[1] <= '9') || (c[1] == 'm' && c[2] >= '0' && c[2] <= '9')) &&
        (c == text[0] || c[-1] < 'a'))
      *c = 'b';
  bp_status status = bp_expression_parse(g, BP_F64, text[0], names, n, &y);
  if (status != BP_OK) fail_msg("the rule '%s' is no expression: %s", rule, bp_error_message(ctx));
  bt_assert_ok(ctx, bp_eval(&y, 1, vars, n, 0, data, (void *[]){out}));
  int64_t elements = xt_elements(y);
  bp_graph_free(g);
  return elements;
}

/* What a rule adds up to must be the derivative beside it; an array may be repeated (the adjoint of a sum). */
static void check_rules(bp_context *ctx, const char *text, bp_mode mode) {
  traced *t = trace_of(ctx, text, some, SOME - 1, mode, 1);
  for (size_t i = 0; i < t->n; i++) {
    bp_trace_line line = bp_trace_line_at(t->trace, i);
    double out[XT_ELEMENTS];
    if (strcmp(line.rule, "seed") == 0 || line.rule[0] == '\0' || strchr(line.rule, ';') != NULL ||
        strstr(line.rule, "]:") != NULL)
      continue;
    int64_t n = value_of_rule(ctx, t, line.rule, 0, out), size = xt_elements(line.var);
    if (size % n != 0) fail_msg("'%s': the rule '%s' has %d elements", text, line.rule, (int)n);
    for (int64_t e = 0; e < size; e++)
      if (!(fabs(out[e % n] - t->derivative[i][0][e]) <= 1e-12 * (1 + fabs(t->derivative[i][0][e]))))
        fail_msg("'%s': %s = %s: the rule '%s' gives %.15g, the derivative is %.15g", text, line.symbol,
                 line.expression, line.rule, out[e % n], t->derivative[i][0][e]);
  }
  release(t);
}

static void rules_are_the_derivatives(void **state) {
  static const char *const texts[] = {
      "x*y",
      "x/y",
      "x^y",
      "x^3",
      "x^-1.5",
      "2^x",
      "x^2",
      "-x",
      "x - y",
      "3*x - y/7",
      "log(3)*x - (x - y)/log(2)",
      "atan2(x, y)",
      "max(x, y)",
      "min(x, y)",
      "max(y, x)",
      "min(y, x)",
      "where(x < y, x, y^2)",
      "where(x > y, x, y^2)",
      "clip(v, 0, 0.5)",
      "x*v",
      "v/x",
      "v^2*y",
      "sum(v)*x",
      "mean(exp(v))",
      "sum(v*v)",
      "sin(v[0])*v[1]",
      "[x*y, x + y, 3]",
      "[x*y, x + y, 3][0]*y",
      "concat(v*x, y)",
      "norm(v)",
      "norm(x*v - 1)",
      "logsumexp(v*x)",
      "softmax(x*v)",
      "max(x*v)",
      "min(x*v)",
      "cumsum(x*v)",
      "flip(x*v)",
      "log_softmax(y*v)[1]",
      "dot(v, v)*x",
      "prod(v)",
      "A @ v",
      "[1, x] @ A",
      "A @ A' @ [x, y]",
      "(A @ (2*A'))*y",
      "sum((A @ v)^2)",
      "sum(A, 0)*v",
      "heaviside(x)*y",
      "floor(y)*x",
      "stop_gradient(x)*x",
      "round(x)*sign(y)",
      "logdet([[y, x], [x, y]])",
      "sum(tril(outer(v, v)))",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    check_rules(bt_ctx(state), texts[i], BP_MODE_FORWARD);
    check_rules(bt_ctx(state), texts[i], BP_MODE_REVERSE);
  }
}

static void rules_of_functions_are_the_derivatives(void **state) {
  static const char *const not_in_the_language[] = {"digamma"}; /* its derivative, trigamma, has no name there */
  bp_expression_function f;
  for (size_t i = 0; bp_expression_function_at(i, &f); i++) {
    char text[128];
    bool above_one = strcmp(f.name, "acosh") == 0;
    if (strcmp(f.arguments, "x") != 0 || strcmp(f.name, not_in_the_language[0]) == 0) continue;
    (void)snprintf(text, sizeof text, "%s(%s)*y", f.name,
                   strstr(f.help, "last axis") != NULL || strcmp(f.name, "diag") == 0 ? "v"
                   : above_one                                                        ? "y"
                                                                                      : "x");
    if (strcmp(f.name, "diag") == 0) continue; /* moves elements: its rule has no words in the language */
    check_rules(bt_ctx(state), text, BP_MODE_FORWARD);
    check_rules(bt_ctx(state), text, BP_MODE_REVERSE);
  }
}

/* ---- refusals ---- */
/* One mistake, by its number, in a trace that is right otherwise. */
static bp_status mistaken(const xt_case *c, int which, bp_trace **trace) {
  bp_var seed = bp_scalar(c->graph, BP_F64, 1), wrong = ones(bp_input(c->graph, "z", BP_F64, 1, (int64_t[]){2}));
  bp_trace_options o = {.size = sizeof o,
                        .mode = BP_MODE_REVERSE,
                        .inputs = c->vars,
                        .n_inputs = 2,
                        .wrt = c->vars,
                        .n_wrt = 2,
                        .seeds = &seed,
                        .n_columns = 1};
  const bp_var computed[] = {c->vars[0], c->y}, twice[] = {c->vars[0], c->vars[0]};
  if (which == 1) o.n_inputs = 1, o.n_wrt = 1;
  if (which == 2) o.inputs = computed;
  if (which == 3) o.inputs = twice;
  if (which == 4) o.wrt = &c->y, o.n_wrt = 1;
  if (which == 5) o.size = 1;
  if (which == 6) o.seeds = &wrong;
  return bp_trace_new(which == 7 ? (bp_var){c->graph, 0} : which == 8 ? (bp_var){NULL, 0} : c->y, &o, trace);
}

/* Each is recorded on its graph; the trace is NULL, and has no lines. */
static void what_is_wrong_is_refused(void **state) {
  static const bp_status refusal[] = {BP_OK,    BP_E_INPUT, BP_E_ARG, BP_E_ARG, BP_E_ARG,
                                      BP_E_ARG, BP_E_SHAPE, BP_E_ARG, BP_E_ARG};
  bp_context *ctx = bt_ctx(state);
  for (int i = 0; i < (int)(sizeof refusal / sizeof *refusal); i++) {
    xt_case c;
    bp_trace *trace = (bp_trace *)&c;
    bt_assert_ok(ctx, xt_parse(ctx, "x*y", some, 2, &c));
    bp_status status = mistaken(&c, i, &trace);
    if (status != refusal[i]) fail_msg("mistake %d gives %s: %s", i, bp_status_name(status), bp_error_message(ctx));
    if (i == 1) bt_assert_message(ctx, "depends on input 'y'");
    assert_int_equal(bp_graph_status(c.graph), refusal[i]);
    assert_true((trace != NULL) == (status == BP_OK));
    if (status != BP_OK) assert_int_equal(bp_trace_lines(trace), 0);
    bp_trace_free(trace);
    trace = (bp_trace *)&c;
    if (status != BP_OK) bt_assert_fails(ctx, BP_E_GRAPH, mistaken(&c, 0, &trace));
    if (status != BP_OK) assert_null(trace);
    bp_graph_free(c.graph);
  }
  bp_trace_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(the_logistic_model_in_reverse),
      BT_TEST(the_logistic_model_forwards),
      BT_TEST(the_example_of_a_survey),
      BT_TEST(sums_of_multiples_of_inputs_are_one_line),
      BT_TEST(an_input_is_its_own_result),
      BT_TEST(constants_and_elements_are_written_where_they_are_used),
      BT_TEST(operations_are_written_as_in_the_language),
      BT_TEST(long_texts_are_cut),
      BT_TEST(names_of_bindings_are_kept),
      BT_TEST(rules_are_the_derivatives),
      BT_TEST(rules_of_functions_are_the_derivatives),
      BT_TEST(what_is_wrong_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
