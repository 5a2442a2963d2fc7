/* With a batch an expression speaks of one row: the result of a batch is that of each of its rows alone. */
/* labels: unit prop */
#include "expression/expression_fixtures.h"

enum { ROWS = 3, P = 4, K = 2 };

/* p and q are vectors of a row, s is a number of a row, M is a matrix of a row; W, S and c are the same for all rows. */
static const struct {
  const char *name;
  bool batched;
  int rank;
  int64_t dims[2];
} names[] = {
    {"p", true, 1, {P}},     {"q", true, 1, {P}},  {"s", true, 0, {0}},     {"M", true, 2, {K, P}},
    {"W", false, 2, {K, P}}, {"c", false, 1, {P}}, {"S", false, 2, {P, P}},
};
enum { NAMES = sizeof names / sizeof *names, ELEMENTS = P * P };

static int64_t elements(int i) {
  int64_t n = 1;
  for (int d = 0; d < names[i].rank; d++) n *= names[i].dims[d];
  return n;
}

/* Some number, the same on every run: between 0.2 and 1.2, and larger on the diagonal of a square matrix. */
static double number(int name, int64_t row, int64_t e) {
  double x = sin((double)(name * 37 + row * 11 + e * 5 + 1)) / 2 + 0.7;
  return strcmp(names[name].name, "S") == 0 && e % (P + 1) == 0 ? x + 3 : x;
}

static const char *const texts[] = {
    "p",
    "s",
    "2*p + 1",
    "p - q",
    "p + c",
    "c*p",
    "s*p",
    "p*s + c",
    "s*c",
    "p/s - q/sum(q)",
    "s*M",
    "M + c",
    "M*W",
    "S*s",
    "p*W",
    "-p",
    "p^2",
    "2^p",
    "p^q",
    "p < q",
    "s >= p",
    "(p - q)^2",
    "sum((p - q)^2)",
    "mean((p - q)^2)",
    "sum(p)",
    "sum(s)",
    "mean(s)",
    "norm(s)",
    "max(s)",
    "sum(M)",
    "sum(M, 0)",
    "mean(M, 1)",
    "prod(p)",
    "norm(p)",
    "norm(M, 1)",
    "max(p)",
    "min(M)",
    "max(p, q)",
    "max(p, s, c)",
    "min(p, 0.5)",
    "clip(p, 0.4, 0.9)",
    "clip(p, 0, s)",
    "where(p > q, p, s)",
    "where(p > 0.7, 1, 0)",
    "where(s > 0.5, c, p)",
    "atan2(s, p)",
    "pow(p, s)",
    "logsumexp(p)",
    "softmax(p)",
    "log_softmax(M)",
    "-sum(q*log_softmax(p))",
    "cumsum(p)",
    "cumsum(M, 0)",
    "flip(p)",
    "flip(M)",
    "flip(M, 1)",
    "p @ q",
    "p @ c",
    "c @ p",
    "W @ p",
    "p @ W'",
    "p @ S",
    "M @ p",
    "M @ c",
    "p @ M'",
    "c @ M'",
    "M @ M'",
    "M @ S",
    "W @ M'",
    "M' @ W",
    "p @ S @ q",
    "p' @ S @ p",
    "dot(p, q)",
    "dot(p, c)",
    "outer(p, q)",
    "outer(c, p)",
    "M'",
    "p'",
    "p[0]",
    "p[1:3]",
    "M[0]",
    "M[1,2]",
    "M[:,1]",
    "M[0:1,1:]",
    "(p - q)[2]",
    "[s, p[0], 1]",
    "[p, q]",
    "[p, c]",
    "[c, c]*s",
    "stack(s, 2)",
    "concat(p, q)",
    "concat(p, 1, s)",
    "concat(c, p)",
    "reshape(p, 2, 2)",
    "reshape(M, 8)",
    "diag(p)",
    "diag(outer(p, q))",
    "tril(outer(p, q))",
    "triu(outer(p, q), 1)",
    "inverse(S + outer(p, p))",
    "cholesky(S @ S' + outer(p, p))",
    "logdet(S + s)",
    "solve(S, p)",
    "solve(S + outer(p, p), q)",
    "solve(S + outer(p, p), c)",
    "solve(S, [p, q]')",
    "a = p - q; b = a*s; sum(a*b) + max(a)",
    "stop_gradient(p)*q",
    "exp(-s)",
};

/* A graph with the names as inputs, of one row or of a batch. */
typedef struct graph_case {
  bp_graph *graph;
  bp_var vars[NAMES], y;
  bp_expression_name list[NAMES];
} graph_case;

static void parse(bp_context *ctx, const char *text, bool batched, graph_case *c) {
  bt_assert_ok(ctx, bp_graph_new(ctx, &c->graph));
  for (int i = 0; i < NAMES; i++) {
    int64_t dims[3] = {BP_BATCH, names[i].dims[0], names[i].dims[1]};
    int skip = batched && names[i].batched ? 0 : 1;
    c->vars[i] = bp_input(c->graph, names[i].name, BP_F64, names[i].rank + 1 - skip, dims + skip);
    c->list[i] = (bp_expression_name){.name = names[i].name, .var = c->vars[i]};
  }
  bp_status status = bp_expression_parse(c->graph, BP_F64, text, c->list, NAMES, &c->y);
  if (status != BP_OK) fail_msg("'%s': %s", text, bp_error_message(ctx));
}

/* Values of all names: row `row`, or all rows. */
static void evaluate(bp_context *ctx, const graph_case *c, int64_t row, double *out) {
  static double data[NAMES][ROWS * ELEMENTS];
  const void *in[NAMES];
  for (int i = 0; i < NAMES; i++) {
    int64_t n = elements(i), rows = row < 0 && names[i].batched ? ROWS : 1;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t e = 0; e < n; e++) data[i][r * n + e] = number(i, !names[i].batched ? 0 : row < 0 ? r : row, e);
    in[i] = data[i];
  }
  bt_assert_ok(ctx, bp_eval(&c->y, 1, c->vars, NAMES, ROWS, in, (void *[]){out}));
}

static void a_batch_is_its_rows(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    graph_case one, all;
    double alone[ELEMENTS], together[ROWS * ELEMENTS] = {0};
    parse(ctx, texts[i], false, &one);
    parse(ctx, texts[i], true, &all);
    int64_t n = xt_elements(one.y);
    bool batched = bp_var_rank(all.y) > 0 && bp_var_dim(all.y, 0) == BP_BATCH;
    if (bp_var_rank(all.y) - batched != bp_var_rank(one.y)) fail_msg("'%s' has another rank in a batch", texts[i]);
    for (int d = 0; d < bp_var_rank(one.y); d++) assert_int_equal(bp_var_dim(all.y, d + batched), bp_var_dim(one.y, d));
    assert_true(n <= ELEMENTS);
    evaluate(ctx, &all, -1, together);
    for (int64_t r = 0; r < ROWS; r++) {
      evaluate(ctx, &one, r, alone);
      for (int64_t e = 0; e < n; e++) {
        double value = together[(batched ? r * n : 0) + e];
        if (!(fabs(value - alone[e]) <= 1e-12 * (1 + fabs(alone[e]))))
          fail_msg("'%s': row %d, element %d is %.17g, alone %.17g", texts[i], (int)r, (int)e, value, alone[e]);
      }
    }
    bp_graph_free(one.graph);
    bp_graph_free(all.graph);
  }
}

/* What a loss does: the mean over rows of the value, and its gradient with respect to a weight. */
static void a_row_loss_can_be_differentiated(void **state) {
  bp_context *ctx = bt_ctx(state);
  graph_case c;
  bp_var gradient;
  double out[K * P], expected[K * P] = {0};
  parse(ctx, "sum((W @ p - [1, 2])^2)", true, &c);
  bt_assert_ok(ctx, bp_grad(bp_mean(c.y, BP_ALL_AXES), &c.vars[4], 1, &gradient));
  c.y = gradient;
  evaluate(ctx, &c, -1, out);
  for (int64_t r = 0; r < ROWS; r++) /* mean over rows of 2 (W p - t) pᵀ */
    for (int64_t k = 0; k < K; k++) {
      double error = -(double)(k + 1);
      for (int64_t j = 0; j < P; j++) error += number(4, 0, k * P + j) * number(0, r, j);
      for (int64_t j = 0; j < P; j++) expected[k * P + j] += 2 * error * number(0, r, j) / ROWS;
    }
  for (int i = 0; i < K * P; i++) bt_assert_close(out[i], expected[i], 1e-13, 1e-13);
  bp_graph_free(c.graph);
}

static void class_numbers_can_be_compared(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bp_var y;
  int32_t classes[] = {2, 0, 1};
  double out[3];
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_expression_name name = {.name = "y", .var = bp_input(g, "y", BP_I32, 1, (int64_t[]){BP_BATCH})};
  bt_assert_ok(ctx, bp_expression_parse(g, BP_F64, "where(y == 2, 10, y + 0.5)", &name, 1, &y));
  bt_assert_ok(ctx, bp_eval(&y, 1, &name.var, 1, 3, (const void *[]){classes}, (void *[]){out}));
  assert_true(out[0] == 10 && out[1] == 0.5 && out[2] == 1.5);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_batch_is_its_rows),
      BT_TEST(a_row_loss_can_be_differentiated),
      BT_TEST(class_numbers_can_be_compared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
