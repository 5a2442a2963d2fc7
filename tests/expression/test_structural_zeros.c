/* labels: grad */
/* What an output does not depend on has a derivative of exactly 0, whatever infinities and NaN stand on the way; and what it does
 * depend on is not mended: 0 times infinity is NaN there. Both modes, whole Jacobians, unit directions and gradients agree, in both
 * element types; so do the Hessians of all pairs of modes.
 */
#include "expression_fixtures.h"

#define NO NAN
#define IN INFINITY

typedef struct row {
  const char *text;
  int n, m; /* elements of x and of the value; 0: a number */
  double x[6];
  double want[18]; /* m by n, row by row */
} row;

static const row rows[] = {
    /* what selects */
    {"sqrt(x)[1]", 3, 0, {0, 1, 4}, {0, 0.5, 0}},
    {"sqrt(x)[1:3]", 3, 2, {0, 1, 4}, {0, 0.5, 0, 0, 0, 0.25}},
    {"log(x)[1]", 2, 0, {-1, 2}, {0, 0.5}},
    {"(1/x)[1] + x[0]", 2, 0, {0, 2}, {1, -0.25}},
    {"(x*x)[0]", 2, 0, {3, NO}, {6, 0}},
    {"sqrt(x)", 2, 2, {0, 1}, {IN, 0, 0, 0.5}},
    {"flip(sqrt(x))", 2, 2, {0, 1}, {0, 0.5, IN, 0}},
    {"reshape(sqrt(x), 2, 2)[1]", 4, 2, {0, 0, 1, 4}, {0, 0, 0.5, 0, 0, 0, 0, 0.25}},
    {"transpose(reshape(sqrt(x), 2, 2))[1]", 4, 2, {0, 1, 0, 4}, {0, 0.5, 0, 0, 0, 0, 0, 0.25}},
    {"sum(tril(sqrt(reshape(x, 2, 2))))", 4, 0, {1, 0, 4, 1}, {0.5, 0, 0.25, 0.5}},
    {"sum(triu(sqrt(reshape(x, 2, 2)), 1))", 4, 0, {0, 1, 0, 0}, {0, 0.5, 0, 0}},
    {"diag(sqrt(reshape(x, 2, 2)))", 4, 2, {1, 0, 0, 4}, {0.5, 0, 0, 0, 0, 0, 0, 0.25}},
    {"cumsum(sqrt(x))[0]", 2, 0, {1, 0}, {0.5, 0}},
    {"cumsum(sqrt(x))", 2, 2, {1, 0}, {0.5, 0, 0.5, IN}},
    {"concat(sqrt(x), x)[2]", 2, 0, {0, 1}, {1, 0}},
    {"[sqrt(x[0]), x[1]][1]", 2, 0, {0, 1}, {0, 1}},
    {"[sqrt(x[0]), log(x[1]), x[2]]", 3, 3, {0, 0, 5}, {IN, 0, 0, 0, IN, 0, 0, 0, 1}},
    {"[x[0], x[0]^2, sqrt(x[0]*x[1])]", 2, 3, {2, 0}, {1, 0, 4, 0, NO, IN}},
    {"[x[0], sqrt(x[0])^2]", 1, 2, {0}, {1, NO}},
    {"sum(sqrt(x)[1:3]*x[0:2])", 3, 0, {0, 1, 4}, {1, 2, 0.25}},
    {"norm(sqrt(x)[1:3])", 3, 0, {0, 1, 4}, {0, 0.22360679774997896, 0.22360679774997896}},
    {"logsumexp(log(x)[1:3])", 3, 0, {0, 1, 3}, {0, 0.25, 0.25}},
    {"[sum(x), logsumexp(log(x))]", 2, 2, {1, 3}, {1, 1, 0.25, 0.25}},
    {"[norm(sqrt(x[0:2])), norm(sqrt(x[2:4]))]",
     4,
     2,
     {1, 4, 0, 0},
     {0.22360679774997896, 0.22360679774997896, 0, 0, 0, 0, NO, NO}},
    {"(reshape(sqrt(x), 2, 2) @ [1, 2])[1]", 4, 0, {0, 0, 1, 4}, {0, 0, 0.5, 0.5}},
    {"reshape(sqrt(x), 2, 2) @ [1, 2]", 4, 2, {0, 0, 1, 4}, {IN, IN, 0, 0, 0, 0, 0.5, 0.5}},
    {"log(sqrt(x))[1]", 2, 0, {0, 4}, {0, 0.125}},
    {"(sin(1/x)*x)[1]", 2, 0, {0, 2}, {0, 0.040634257659016645}},
    {"exp(sqrt(x))^2*sqrt(x)[1]", 2, 2, {0, 1}, {IN, 0.5, 0, 11.083584148395975}},
    {"prod(sqrt(x)[1:3])", 3, 0, {0, 1, 4}, {0, 1, 0.25}},
    {"outer(sqrt(x), x)[1,1]", 2, 0, {0, 1}, {0, 1.5}},
    /* through what adds, behind a factor; constant zeros */
    {"y = 1/x; concat(y, y)[3]*2", 2, 0, {0, 1}, {0, -2}},
    {"y = 1/x; (y + flip(flip(y)))[1]*2", 2, 0, {0, 1}, {0, -4}},
    {"cumsum(flip(1/x))[0]*2", 2, 0, {0, 1}, {0, -2}},
    {"outer(1/x, [1, 1])[1,0]*2", 2, 0, {0, 1}, {0, -2}},
    {"(1/reshape(x, 2, 2) @ [1, 1])[1]*2", 4, 0, {0, 1, 2, 4}, {0, 0, -0.5, -0.125}},
    {"[0, 1] @ sqrt(x)", 2, 0, {0, 1}, {0, 0.5}},
    {"sum([0, 1]*(1/x))*3", 2, 0, {0, 1}, {0, -3}},
    {"exp(cumsum(log(x)))[0]", 2, 0, {0, 1}, {NO, 0}},
    /* the larger, the smaller, and what is held back */
    {"max(sqrt(x))", 3, 0, {0, 1, 4}, {0, 0, 0.25}},
    {"min(1/x)", 2, 0, {0, 2}, {0, -0.25}},
    {"max(sqrt(x[0]), x[1])", 2, 0, {0, 1}, {0, 1}},
    {"min(1/x[0], x[1])", 2, 0, {0, 3}, {0, 1}},
    {"max(sqrt(x[0]), x[1], 1/x[2])", 3, 0, {0, 3, 1}, {0, 1, 0}},
    {"clip(log(x), -1, 1)", 2, 2, {0, 1}, {0, 0, 0, 1}},
    {"clip(x[0], log(x[1]), 9)", 2, 0, {1, 0}, {1, 0}},
    {"relu(sqrt(x) - 1)", 2, 2, {0, 4}, {0, 0, 0, 0.25}},
    {"sqrt(relu(x))", 2, 2, {-10, 4}, {0, 0, 0, 0.25}},
    {"log(1 + relu(-1/x))", 2, 2, {-1, 4}, {0.5, 0, 0, 0}},
    {"sqrt(max(x, 0))", 2, 2, {-1, 4}, {0, 0, 0, 0.25}},
    {"sqrt(clip(x, 0, 9))", 3, 3, {-1, 4, 10}, {0, 0, 0, 0, 0.25, 0, 0, 0, 0}},
    {"where(x > 0, sqrt(x), x)", 2, 2, {0, 4}, {1, 0, 0, 0.25}},
    {"sqrt(where(x > 0, x, 0))", 2, 2, {-1, 4}, {0, 0, 0, 0.25}},
    {"where(x > 0, sqrt(x)*x[1], 3)[0]", 2, 0, {0, 4}, {0, 0}},
    /* what is not selected away is not mended */
    {"sqrt(x)^2", 0, 0, {0}, {NO}},
    {"sqrt(x)*x", 0, 0, {0}, {NO}},
    {"sqrt(x[0])*x[1]", 2, 0, {0, 0}, {NO, 0}},
    {"(sqrt(x)^2)[0]", 2, 0, {0, 1}, {NO, 0}},
    {"[sqrt(x[0])^2, x[1]]", 2, 2, {0, 1}, {NO, 0, 0, 1}},
    {"sum(sqrt(relu(x)*x))", 2, 0, {-10, 4}, {NO, 1}},
    {"relu(x)", 0, 0, {NO}, {NO}},
    {"clip(x, -1, 1)", 0, 0, {NO}, {NO}},
    {"max(x, 1)", 0, 0, {NO}, {NO}},
    {"min(1, x)", 0, 0, {NO}, {NO}},
    {"max(x)", 2, 0, {NO, 1}, {NO, NO}},
    {"x^2.5", 0, 0, {NO}, {NO}},
    {"2.5^x", 0, 0, {NO}, {NO}},
    {"abs(x)", 0, 0, {NO}, {NO}},
    /* ties share */
    {"max(x, 0) + min(x, 0)", 0, 0, {0}, {1}},
    {"max(x[0], 0) - x[0]*x[1] + log(1 + exp(-abs(x[0])))", 2, 0, {0, 0}, {0.5, 0}},
    {"max(x[0], x[1])", 2, 0, {3, 3}, {0.5, 0.5}},
    {"max(x[0], x[1], x[2])", 3, 0, {3, 3, 3}, {1 / 3.0, 1 / 3.0, 1 / 3.0}},
    {"min(x[0], x[1], x[2], 3)", 3, 0, {3, 4, 3}, {1 / 3.0, 0, 1 / 3.0}},
    {"max(x)", 3, 0, {3, 3, 3}, {1 / 3.0, 1 / 3.0, 1 / 3.0}},
    {"max(x[0], [x[1], 7])", 2, 2, {3, 3}, {0.5, 0.5, 0, 0}},
    {"clip(x, 3, 4)", 2, 2, {3, 4}, {1, 0, 0, 1}},
};

static bool same(double a, double b, bool f64) {
  if (isnan(b)) return isnan(a);
  return a == b || fabs(a - b) <= (f64 ? 1e-14 : 1e-6) * fabs(b);
}

typedef struct built {
  bp_context *ctx;
  bp_graph *graph;
  bp_dtype dtype;
  const row *row;
  bp_var x, y;
  int64_t n, m;
} built;

static built build(bp_context *ctx, const row *r, bp_dtype dtype) {
  built b = {.ctx = ctx, .dtype = dtype, .row = r, .n = r->n > 0 ? r->n : 1, .m = r->m > 0 ? r->m : 1};
  bt_assert_ok(ctx, bp_graph_new(ctx, &b.graph));
  int64_t dims[1] = {r->n};
  b.x = bp_input(b.graph, "x", dtype, r->n > 0, dims);
  bp_expression_name name = {.name = "x", .var = b.x};
  bt_assert_ok(ctx, bp_expression_parse(b.graph, dtype, r->text, &name, 1, &b.y));
  return b;
}

static void values(const built *b, const bp_var *out, size_t n_out, double to[][64]) {
  double x64[6];
  float x32[6], f[8][64];
  void *at[8];
  for (int i = 0; i < 6; i++) x64[i] = b->row->x[i], x32[i] = (float)x64[i];
  for (size_t i = 0; i < n_out; i++) at[i] = b->dtype == BP_F64 ? (void *)to[i] : (void *)f[i];
  const void *from = b->dtype == BP_F64 ? (const void *)x64 : (const void *)x32;
  bt_assert_ok(b->ctx, bp_eval(out, n_out, &b->x, 1, 0, &from, at));
  for (size_t i = 0; i < n_out && b->dtype == BP_F32; i++)
    for (int k = 0; k < 64; k++) to[i][k] = (double)f[i][k];
}

static int wrong;

static void compare(const built *b, const char *way, const double *got, int64_t row0, int64_t rows_, bool transposed) {
  for (int64_t i = 0; i < rows_ * b->n; i++) {
    double want = b->row->want[transposed ? i : row0 * b->n + i];
    if (same(got[i], want, b->dtype == BP_F64)) continue;
    print_error("%s, %s, %s: element %d is %g, expected %g\n", b->row->text, bp_dtype_name(b->dtype), way, (int)i,
                got[i], want);
    wrong++;
  }
}

static void check_jacobians(const built *b) {
  bp_var j[2];
  double got[2][64];
  bt_assert_ok(b->ctx, bp_jacobian(b->y, &b->x, 1, BP_MODE_FORWARD, &j[0]));
  bt_assert_ok(b->ctx, bp_jacobian(b->y, &b->x, 1, BP_MODE_REVERSE, &j[1]));
  values(b, j, 2, got);
  compare(b, "forward", got[0], 0, b->m, false);
  compare(b, "reverse", got[1], 0, b->m, false);
}

/* Row by row: a product with each unit cotangent, which is a constant. */
static void check_products(const built *b) {
  for (int64_t i = 0; i < b->m; i++) {
    double unit[6] = {0}, got[1][64];
    float unit32[6] = {0};
    unit[i] = 1, unit32[i] = 1;
    int64_t dims[1] = {b->row->m};
    bp_var x_bar, seed = bp_constant(b->graph, b->dtype, b->row->m > 0, dims,
                                     b->dtype == BP_F64 ? (const void *)unit : (const void *)unit32);
    bt_assert_ok(b->ctx, bp_vjp(&b->y, &seed, 1, &b->x, 1, &x_bar));
    if (bp_var_is_zero(x_bar)) x_bar = bp_mul(b->x, bp_scalar(b->graph, b->dtype, 0));
    values(b, &x_bar, 1, got);
    compare(b, "unit cotangent", got[0], i, 1, false);
  }
}

static void check_gradient(const built *b) {
  bp_var g;
  double got[1][64];
  if (b->row->m > 0) return;
  bt_assert_ok(b->ctx, bp_grad(b->y, &b->x, 1, &g));
  values(b, &g, 1, got);
  compare(b, "gradient", got[0], 0, 1, false);
}

static void what_has_no_part_has_no_derivative(void **state) {
  wrong = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int t = 0; t < 2; t++) {
      built b = build(bt_ctx(state), &rows[i], t == 0 ? BP_F64 : BP_F32);
      check_jacobians(&b);
      check_products(&b);
      check_gradient(&b);
      bp_graph_free(b.graph);
    }
  assert_int_equal(wrong, 0);
}

/* ---- both modes, whatever the values ---- */
static const char *const functions[] = {
    "sum(x)",
    "mean(x)",
    "max(x)",
    "min(x)",
    "norm(x)",
    "logsumexp(x)",
    "softmax(x)",
    "log_softmax(x)",
    "cumsum(x)",
    "prod(x)",
    "dot(x, x)",
    "outer(x, x)",
    "reshape(x, 2, 2) @ reshape(x, 2, 2)",
    "reshape(x, 2, 2) @ x[1:3]",
    "flip(x)",
    "tril(reshape(x, 2, 2))",
    "transpose(reshape(x, 2, 2))",
    "diag(x)",
    "concat(x, x^2)",
    "x[1:3]",
    "x[2]",
    "sum(x[1:3])",
    "norm(reshape(x, 2, 2), 1)",
    "sum(reshape(x, 2, 2), 0)",
    "max(x[0:2], x[2:4])",
    "min(x[0], x[1], x[2])",
    "where(x > 0, sqrt(x), x^2)",
    "clip(x, -1, 2)",
    "relu(x)",
    "abs(x)",
    "x*x[1]",
    "x/x[1]",
    "x^x[1]",
    "sqrt(x)*x",
    "exp(x)[1:3]",
    "logsumexp(reshape(x, 2, 2))",
    "max(sqrt(x), 0)",
    "sum(sqrt(relu(x)))",
    "log(norm(x[0:2]))",
    "solve(reshape(x, 2, 2), x[0:2])",
    "inverse(reshape(x, 2, 2))",
    "logdet(reshape(x, 2, 2))",
    "cholesky(reshape(x, 2, 2))",
    "[x[0], sqrt(x[1]), x[2]*x[3]]",
    "tanh(x)@x",
};

/* Where a product of matrices, a factor or a solution holds what is not finite, sums of products of such have no order that could be the same. */
static bool is_matrix_work(const char *text) {
  return strchr(text, '@') != NULL || strncmp(text, "solve", 5) == 0 || strncmp(text, "inverse", 7) == 0 ||
         strncmp(text, "logdet", 6) == 0 || strncmp(text, "cholesky", 8) == 0;
}

static uint64_t next(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return *seed >> 33;
}

static bool alike(double a, double b, bool f64, bool matrix_work) {
  double tolerance = f64 ? 1e-11 : 1e-3;
  if (matrix_work && (!isfinite(a) || !isfinite(b))) return true;
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  return a == b || fabs(a - b) <= tolerance * fmax(1, fmax(fabs(a), fabs(b)));
}

static void both_modes_agree_whatever_the_values(void **state) {
  static const double special[] = {0, -0.0, 1, -2, 3.5, INFINITY, -INFINITY, NAN, 1e-3, 0.5};
  enum { N_SPECIAL = sizeof special / sizeof *special, DRAWS = 300 };
  bp_context *ctx = bt_ctx(state);
  uint64_t seed = 12345;
  wrong = 0;
  for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
    for (int t = 0; t < 2; t++) {
      row r = {.text = functions[f], .n = 4};
      built b = build(ctx, &r, t == 0 ? BP_F64 : BP_F32);
      bp_var j[2];
      double got[2][64];
      bt_assert_ok(ctx, bp_jacobian(b.y, &b.x, 1, BP_MODE_FORWARD, &j[0]));
      bt_assert_ok(ctx, bp_jacobian(b.y, &b.x, 1, BP_MODE_REVERSE, &j[1]));
      for (int draw = 0; draw < DRAWS; draw++) {
        for (int i = 0; i < 4; i++) r.x[i] = special[next(&seed) % N_SPECIAL];
        values(&b, j, 2, got);
        for (int64_t i = 0; i < xt_elements(b.y) * 4; i++)
          if (!alike(got[0][i], got[1][i], t == 0, is_matrix_work(r.text)) && wrong++ < 40)
            print_error("%s, %s at (%g, %g, %g, %g): element %d: forward %g, reverse %g\n", r.text,
                        bp_dtype_name(b.dtype), r.x[0], r.x[1], r.x[2], r.x[3], (int)i, got[0][i], got[1][i]);
      }
      bp_graph_free(b.graph);
    }
  assert_int_equal(wrong, 0);
}

/* ---- the sweep over numbers of an eager graph ---- */
static void numbers_of_an_eager_graph_agree(void **state) {
  bp_context *ctx = bt_ctx(state);
  int seen = 0;
  wrong = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const row *r = &rows[i];
    if (r->m > 0) continue;
    bp_graph *g;
    bt_assert_ok(ctx, bp_graph_new_eager(ctx, &g));
    int64_t dims[1] = {r->n};
    bp_var x = bp_variable(g, "x", BP_F64, r->n > 0, dims, r->x), y;
    bp_expression_name name = {.name = "x", .var = x};
    bt_assert_ok(ctx, bp_expression_parse(g, BP_F64, r->text, &name, 1, &y));
    double got[6];
    bt_assert_ok(ctx, bp_backward(y, &x, 1, (void *[]){got}));
    built b = {.ctx = ctx, .dtype = BP_F64, .row = r, .n = r->n > 0 ? r->n : 1, .m = 1};
    compare(&b, "backward", got, 0, 1, false);
    bp_graph_free(g);
    seen++;
  }
  assert_true(seen > 30);
  assert_int_equal(wrong, 0);
}

/* ---- second order ---- */
static const row second[] = {
    {"sum(sqrt(x))", 2, 2, {0, 1}, {-IN, 0, 0, -0.25}},
    {"sqrt(x)[1]", 2, 2, {0, 1}, {0, 0, 0, -0.25}},
    {"sqrt(x[1])*x[0]", 2, 2, {0, 1}, {0, 0.5, 0.5, 0}},
    {"max(sqrt(x))", 2, 2, {0, 1}, {0, 0, 0, -0.25}},
    {"sum(sqrt(relu(x)))", 2, 2, {-1, 1}, {0, 0, 0, -0.25}},
    {"sum(relu(x)^2)", 2, 2, {-1, 1}, {0, 0, 0, 2}},
    {"sum(where(x > 0, x*log(x), 0))", 2, 2, {0, 1}, {0, 0, 0, 1}},
    /* a derivative that happens to be 0 keeps its own derivative */
    {"x[0]^x[1]", 2, 2, {2, 0}, {0, 0.5, 0.5, 0.4804530139182014}},
    {"x[0]^x[1]", 2, 2, {-5, 5}, {-2500, 0, 0, 0}},
    {"x[0]^x[1]", 2, 2, {0, 2}, {2, 0, 0, 0}},
    {"((x[0] - 1)^2*[x[1], 2])[0]", 2, 2, {1, 3}, {6, 0, 0, 0}},
    {"where(x[1] > 0, x[0]^2*x[1], 0)", 2, 2, {0, 2}, {4, 0, 0, 0}},
    {"max(x[0]*x[1], -1)", 2, 2, {0, 0}, {0, 1, 1, 0}},
    {"clip(x[0]*x[1], -1, 1)", 2, 2, {0, 0}, {0, 1, 1, 0}},
    {"relu(1 + x[0]*x[1])", 2, 2, {0, 0}, {0, 1, 1, 0}},
    /* roots that are squared again */
    {"exp(-norm(x[0:2] - x[2:4])^2)", 4, 4, {1, 2, 1, 2}, {-2, 0, 2, 0, 0, -2, 0, 2, 2, 0, -2, 0, 0, 2, 0, -2}},
    {"norm(x - [1, 2])^2/2", 2, 2, {1, 2}, {1, 0, 0, 1}},
    {"0.5*norm(x)*norm(x)", 2, 2, {0, 0}, {1, 0, 0, 1}},
    {"(-norm(x)/2)^2", 2, 2, {0, 0}, {0.5, 0, 0, 0.5}},
    {"sqrt(sum(x^2))^2", 2, 2, {0, 0}, {2, 0, 0, 2}},
    {"sqrt(x @ x)^2", 2, 2, {0, 0}, {2, 0, 0, 2}},
    {"norm(x)^4 + norm(x)^2", 2, 2, {0, 0}, {2, 0, 0, 2}},
    {"sum(abs(x)^2)", 2, 2, {0, -3}, {2, 0, 0, 2}},
    {"sum(abs(x)*abs(x))", 2, 2, {0, -3}, {2, 0, 0, 2}},
    {"abs(x[0])*abs(x[0]) + x[1]^2", 2, 2, {0, 0}, {2, 0, 0, 2}},
    {"sqrt(x[0]^2)*sqrt(x[0]^2) + x[1]^2", 2, 2, {0, 0}, {2, 0, 0, 2}},
    {"norm(x[0:1])*norm(x[0:1]) + x[1]^2", 2, 2, {0, 0}, {2, 0, 0, 2}},
    {"sum(cos(abs(x)))", 2, 2, {0, 0}, {-1, 0, 0, -1}},
    {"sum(norm(reshape(x, 2, 1), 1)^2)", 2, 2, {0, 5}, {2, 0, 0, 2}},
    {"sum(sqrt(x^2)^2)", 2, 2, {0, 5}, {2, 0, 0, 2}},
    /* what has none says so */
    {"norm(x)", 2, 2, {0, 0}, {NO, NO, NO, NO}},
    {"atan2(x[0], x[1])", 2, 2, {0, 0}, {0, 0, 0, 0}},
    {"sum(abs(x))", 2, 2, {0, 5}, {0, 0, 0, 0}},
};

static void second_derivatives_too(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const bp_mode modes[] = {BP_MODE_FORWARD, BP_MODE_REVERSE};
  wrong = 0;
  for (size_t i = 0; i < sizeof second / sizeof *second; i++)
    for (int t = 0; t < 2; t++) {
      built b = build(ctx, &second[i], t == 0 ? BP_F64 : BP_F32);
      bp_var h[4];
      double got[4][64];
      static const char *const ways[] = {"forward over forward", "forward over reverse", "reverse over forward",
                                         "reverse over reverse"};
      for (int m = 0; m < 4; m++) bt_assert_ok(ctx, bp_hessian_by(b.y, &b.x, 1, modes[m / 2], modes[m % 2], &h[m]));
      values(&b, h, 4, got);
      for (int m = 0; m < 4; m++) compare(&b, ways[m], got[m], 0, b.m, false);
      bp_graph_free(b.graph);
    }
  assert_int_equal(wrong, 0);
}

/* A tangent that is the symbolic zero goes through every reduction. */
static void no_change_stays_none(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const char *const texts[] = {"norm(x)", "max(x)", "min(x)", "logsumexp(x)"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    row r = {.text = texts[i], .n = 3};
    built b = build(ctx, &r, BP_F64);
    bp_var none = {b.graph, 0}, y_dot;
    bt_assert_ok(ctx, bp_jvp(&b.y, 1, &b.x, &none, 1, &y_dot));
    assert_true(bp_var_is_zero(y_dot));
    bp_graph_free(b.graph);
  }
}

/* ---- what was passed by ---- */
static void a_root_that_was_passed_by_is_no_variable(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  int64_t dims[] = {2};
  bp_var x = bp_input(g, "x", BP_F64, 1, dims), n = bp_norm(x, BP_ALL_AXES), y = bp_square(n), d;
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &d));
  bt_assert_fails(ctx, BP_E_ARG, bp_grad(y, &n, 1, &d));
  bt_assert_message(ctx, "x 0 is a norm of which a square");
  bp_graph_free(g);
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  x = bp_input(g, "x", BP_F64, 1, dims), n = bp_norm(x, BP_ALL_AXES);
  bp_var kept = bp_add(n, bp_scalar(g, BP_F64, 0));
  bt_assert_ok(ctx, bp_grad(bp_square(kept), &n, 1, &d)); /* as the message says */
  double got;
  bt_assert_ok(ctx, bp_eval(&d, 1, &x, 1, 0, (const void *[]){(double[]){3, 4}}, (void *[]){&got}));
  assert_true(got == 10);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(what_has_no_part_has_no_derivative),
      BT_TEST(both_modes_agree_whatever_the_values),
      BT_TEST(numbers_of_an_eager_graph_agree),
      BT_TEST(second_derivatives_too),
      BT_TEST(no_change_stays_none),
      BT_TEST(a_root_that_was_passed_by_is_no_variable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
