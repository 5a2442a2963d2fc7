/* labels: grad oom */
/* Computations written with elements: x[i], W[i, j], parts that overlap. Their derivatives in every way, and what they cost:
 * the cotangents of the elements of a variable become one node, so a gradient grows as the function does.
 */
#include "autodiff/op_check.h"
#include "backprop/sparse.h"
#include "support/graph_check.h"

/* ---- elements ---- */
static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }
static bp_var element(bp_var x, int64_t i) { return bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL); }
static bp_var entry(bp_var a, int64_t i, int64_t j) {
  return bp_reshape(bp_slice(bp_slice(a, 0, i, i + 1, 1), 1, j, j + 1, 1), 0, NULL);
}

static bp_var speelpenning(bp_var x, int n) {
  bp_var y = element(x, 0);
  for (int i = 1; i < n; i++) y = bp_mul(y, element(x, i));
  return y;
}

/* Each element is taken anew wherever it stands, as it is written by hand. */
static bp_var rosenbrock(bp_var x, int n) {
  bp_var y = {x.graph, 0}, one = number(x, 1), hundred = number(x, 100);
  for (int i = 0; i + 1 < n; i++) {
    bp_var valley = bp_sub(element(x, i + 1), bp_square(element(x, i)));
    bp_var term = bp_add(bp_mul(hundred, bp_square(valley)), bp_square(bp_sub(one, element(x, i))));
    y = i == 0 ? term : bp_add(y, term);
  }
  return y;
}

/* ---- in every way ---- */
static bp_var seven_product(const bp_var *x) { return speelpenning(x[0], 7); }
static void seven_product_oracle(const double *const *x, double *y) {
  *y = 1;
  for (int i = 0; i < 7; i++) *y *= x[0][i];
}
static bp_var seven_rosenbrock(const bp_var *x) { return rosenbrock(x[0], 7); }
static void seven_rosenbrock_oracle(const double *const *x, double *y) {
  *y = 0;
  for (int i = 0; i < 6; i++) *y += 100 * pow(x[0][i + 1] - x[0][i] * x[0][i], 2) + pow(1 - x[0][i], 2);
}
static bp_var entries(const bp_var *x) { /* of a matrix and of its rows, one of them twice */
  bp_var row = bp_slice(x[0], 0, 2, 3, 1), again = bp_reshape(bp_slice(bp_sin(row), 1, 1, 2, 1), 0, NULL);
  bp_var y = bp_mul(bp_sin(entry(x[0], 0, 1)), bp_exp(entry(x[0], 2, 3)));
  return bp_add(bp_mul(y, entry(x[0], 0, 1)), bp_mul(again, entry(x[0], 1, 0)));
}
static void entries_oracle(const double *const *x, double *y) {
  const double *a = x[0];
  *y = sin(a[1]) * exp(a[11]) * a[1] + sin(a[9]) * a[4];
}
static bp_var parts(const bp_var *x) { /* that overlap, run down, step, and the whole besides */
  bp_var a = bp_slice(x[0], 0, 0, 4, 1), b = bp_slice(x[0], 0, 2, 6, 1), c = bp_slice(x[0], 0, 7, -BP_END, -2);
  return bp_add(bp_mul(bp_mul(a, bp_sin(b)), c), bp_sum(bp_square(x[0]), BP_ALL_AXES));
}
static void parts_oracle(const double *const *x, double *y) {
  double sum = 0;
  for (int i = 0; i < 8; i++) sum += x[0][i] * x[0][i];
  for (int i = 0; i < 4; i++) y[i] = x[0][i] * sin(x[0][i + 2]) * x[0][7 - 2 * i] + sum;
}
static bp_var parts_of_parts(const bp_var *x) { /* slices of slices, with axes of size 1 between */
  bp_var a = bp_slice(bp_slice(x[0], 0, 1, 9, 2), 0, 3, 0, -1);
  bp_var b = bp_slice(bp_reshape(bp_slice(x[0], 0, 2, 8, 1), 3, (int64_t[]){1, 6, 1}), 1, 5, -BP_END, -2);
  return bp_mul(bp_exp(a), bp_tanh(bp_reshape(b, 1, (int64_t[]){3})));
}
static void parts_of_parts_oracle(const double *const *x, double *y) {
  for (int i = 0; i < 3; i++) y[i] = exp(x[0][7 - 2 * i]) * tanh(x[0][7 - 2 * i]);
}
static bp_var columns(const bp_var *x) { /* of a batch */
  bp_var a = bp_slice(x[0], 1, 0, 1, 1), b = bp_slice(x[0], 1, 2, 3, 1), both = bp_slice(x[0], 1, 1, 3, 1);
  return bp_mul(bp_mul(a, bp_sin(b)), both);
}
static void columns_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++)
    for (int k = 0; k < 2; k++) y[2 * r + k] = x[0][3 * r] * sin(x[0][3 * r + 2]) * x[0][3 * r + 1 + k];
}
static bp_var blocks(const bp_var *x) { /* windows of a matrix along both axes */
  bp_var a = bp_slice(bp_slice(x[0], 0, 0, 3, 1), 1, 1, 4, 1), b = bp_slice(bp_slice(x[0], 1, 0, 3, 1), 0, 2, 5, 1);
  return bp_matmul(a, bp_sin(b));
}
static void blocks_oracle(const double *const *x, double *y) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      y[3 * i + j] = 0;
      for (int k = 0; k < 3; k++) y[3 * i + j] += x[0][4 * i + 1 + k] * sin(x[0][4 * (2 + k) + j]);
    }
}
static bp_var chosen(const bp_var *x) { /* branches that are not taken hand no NaN on */
  bp_var a = element(x[0], 0), b = element(x[0], 1), c = element(x[0], 2);
  bp_var root = bp_where(bp_greater(a, number(a, 9)), bp_mul(bp_sqrt(bp_neg(bp_square(b))), c), bp_mul(b, c));
  return bp_add(root, bp_mul(a, c));
}
static void chosen_oracle(const double *const *x, double *y) { *y = x[0][1] * x[0][2] + x[0][0] * x[0][2]; }

static const op_case cases[] = {
    {"product of elements",
     seven_product,
     1,
     {{1, {7}}},
     -2,
     2,
     .oracle = seven_product_oracle,
     .value_f32 = 1e-6,
     .value_f64 = 2e-15},
    {"Rosenbrock of elements",
     seven_rosenbrock,
     1,
     {{1, {7}}},
     -2,
     2,
     .oracle = seven_rosenbrock_oracle,
     .value_f32 = 2e-6,
     .value_f64 = 4e-15},
    {"entries of a matrix",
     entries,
     1,
     {{2, {3, 4}}},
     -1,
     1,
     .oracle = entries_oracle,
     .value_f32 = 2e-5,
     .value_f64 = 2e-14},
    {"parts that overlap", parts, 1, {{1, {8}}}, -1, 1, .oracle = parts_oracle, .value_f32 = 2e-6, .value_f64 = 2e-15},
    {"parts of parts",
     parts_of_parts,
     1,
     {{1, {9}}},
     -1,
     1,
     .oracle = parts_of_parts_oracle,
     .value_f32 = 2e-6,
     .value_f64 = 2e-15},
    {"columns of a batch",
     columns,
     1,
     {{2, {BP_BATCH, 3}}},
     -1,
     1,
     .oracle = columns_oracle,
     .value_f32 = 2e-6,
     .value_f64 = 2e-15},
    {"blocks of a matrix",
     blocks,
     1,
     {{2, {5, 4}}},
     -1,
     1,
     .oracle = blocks_oracle,
     .value_f32 = 2e-6,
     .value_f64 = 2e-15},
    {"elements of a branch",
     chosen,
     1,
     {{1, {3}}},
     0.5,
     2,
     .oracle = chosen_oracle,
     .value_f32 = 2e-6,
     .value_f64 = 2e-15},
};

static void every_case_holds(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check(bt_ctx(state), &cases[i]);
}

/* Rows of the pieces and of the result are cut among threads. */
static bp_var long_parts(const bp_var *x) {
  bp_var a = bp_slice(bp_square(x[0]), 0, 0, 150, 1), b = bp_slice(bp_square(x[0]), 0, 199, 49, -1);
  bp_var c = bp_slice(x[0], 1, 0, 2, 1), d = bp_slice(x[0], 1, 1, 3, 1);
  return bp_concat((bp_var[]){bp_mul(bp_sin(a), b), bp_concat((bp_var[]){bp_mul(c, d), bp_mul(c, c)}, 2, 1)}, 1, 0);
}
static bp_var long_rows(const bp_var *x) {
  bp_var c = bp_slice(x[0], 1, 0, 2, 1), d = bp_slice(x[0], 1, 1, 3, 1);
  return bp_exp(bp_mul(c, bp_mul(d, bp_sin(c))));
}
static void pieces_are_cut_without_a_trace(void **state) {
  static const op_case long_cases[] = {{"long parts", long_parts, 1, {{2, {200, 3}}}, -1, 1, .oracle = NULL},
                                       {"long rows", long_rows, 1, {{2, {300, 3}}}, -1, 1, .oracle = NULL},
                                       {"long batch", long_rows, 1, {{2, {BP_BATCH, 3}}}, -1, 1, .oracle = NULL}};
  for (size_t i = 0; i < 3; i++) op_check_bits(bt_ctx(state), &long_cases[i]);
}

/* ---- many directions at once ---- */
enum { N = 6 };

static void rosenbrock_hessian(const double *x, double *h) {
  memset(h, 0, N * N * sizeof *h);
  for (int i = 0; i + 1 < N; i++) {
    h[i * N + i] += 1200 * x[i] * x[i] - 400 * x[i + 1] + 2;
    h[(i + 1) * N + i + 1] += 200;
    h[i * N + i + 1] -= 400 * x[i];
    h[(i + 1) * N + i] -= 400 * x[i];
  }
}

static void hessians_and_jacobians_of_elements(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const double at[N] = {0.5, -1.5, 2, 0.25, -0.75, 1.25};
  double want[N * N], got[4][N * N], jacobian[2][N * N];
  rosenbrock_hessian(at, want);
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){N}), y = rosenbrock(x, N), out[6], terms[N];
  for (int i = 0; i < 4; i++)
    bt_assert_ok(ctx, bp_hessian_by(y, &x, 1, i & 1 ? BP_MODE_REVERSE : BP_MODE_FORWARD,
                                    i & 2 ? BP_MODE_REVERSE : BP_MODE_FORWARD, &out[i]));
  for (int i = 0; i < N; i++) terms[i] = bp_mul(element(x, i), bp_sin(element(x, (i + 2) % N)));
  bp_var f = bp_stack(terms, N, 0);
  bt_assert_ok(ctx, bp_jacobian(f, &x, 1, BP_MODE_FORWARD, &out[4]));
  bt_assert_ok(ctx, bp_jacobian(f, &x, 1, BP_MODE_REVERSE, &out[5]));
  bt_assert_ok(ctx, bp_eval(out, 6, &x, 1, 0, (const void *[]){at},
                            (void *[]){got[0], got[1], got[2], got[3], jacobian[0], jacobian[1]}));
  for (int i = 0; i < 4; i++) bt_assert_close_f64(got[i], want, N * N, 1e-13, 1e-12);
  for (int r = 0; r < N; r++)
    for (int k = 0; k < N; k++) {
      double exact = (k == r ? sin(at[(r + 2) % N]) : 0) + (k == (r + 2) % N ? at[r] * cos(at[k]) : 0);
      bt_assert_close(jacobian[0][r * N + k], exact, 1e-14, 1e-15);
      bt_assert_close(jacobian[1][r * N + k], exact, 1e-14, 1e-15);
    }
  bp_graph_free(g);
}

/* The pattern goes through what is assembled: three diagonals, exactly. */
static void sparse_hessian_of_elements(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const double at[N] = {0.5, -1.5, 2, 0.25, -0.75, 1.25};
  double want[N * N], got[N * N];
  rosenbrock_hessian(at, want);
  bp_graph *g;
  bp_sparse *s;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){N});
  bt_assert_ok(ctx, bp_sparse_hessian(rosenbrock(x, N), x, NULL, &s));
  assert_int_equal(bp_sparse_nonzeros(s), 3 * N - 2);
  bp_var dense = bp_sparse_dense(s);
  bt_assert_ok(ctx, bp_eval(&dense, 1, &x, 1, 0, (const void *[]){at}, (void *[]){got}));
  bt_assert_close_f64(got, want, N * N, 1e-13, 1e-12);
  bp_sparse_free(s);
  bp_graph_free(g);
}

/* A row that is asked for itself keeps its cotangent, and the matrix behind it gets it too. */
static void what_is_asked_for_is_not_passed_by(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  double at[12], row_bar[4], all_bar[12];
  for (int i = 0; i < 12; i++) at[i] = 0.1 * i + 0.3;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var a = bp_input(g, "a", BP_F64, 2, (int64_t[]){3, 4}), row = bp_slice(a, 0, 1, 2, 1), x[2] = {row, a}, bars[2];
  bp_var one = bp_reshape(bp_slice(row, 1, 2, 3, 1), 0, NULL), other = bp_reshape(bp_slice(row, 1, 3, 4, 1), 0, NULL);
  bp_var y = bp_mul(bp_mul(one, other), entry(a, 0, 0));
  bt_assert_ok(ctx, bp_grad(y, x, 2, bars));
  bt_assert_ok(ctx, bp_eval(bars, 2, &a, 1, 0, (const void *[]){at}, (void *[]){row_bar, all_bar}));
  double want_row[4] = {0, 0, at[7] * at[0], at[6] * at[0]},
         want_all[12] = {[0] = at[6] * at[7], [6] = want_row[2], [7] = want_row[3]};
  bt_assert_close_f64(row_bar, want_row, 4, 1e-15, 0);
  bt_assert_close_f64(all_bar, want_all, 12, 1e-15, 0);
  bp_graph_free(g);
}

static void eager_elements(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { MANY = 300 };
  double at[MANY], bar[MANY];
  for (int i = 0; i < MANY; i++) at[i] = 0.7 + 0.002 * i;
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new_eager(ctx, &g));
  bp_var x = bp_variable(g, "x", BP_F64, 1, (int64_t[]){MANY}, at), y = speelpenning(x, MANY);
  size_t size = bp_graph_size(g);
  bt_assert_ok(ctx, bp_backward(y, &x, 1, (void *[]){bar}));
  assert_int_equal(bp_graph_size(g), size);
  for (int i = 0; i < MANY; i++) bt_assert_close(bar[i], bp_item(y) / at[i], 1e-13, 0);
  bp_graph_free(g);
}

/* ---- what it costs ---- */
/* Elements of many vectors, each made of elements of the one before. */
static bp_var vectors_of_elements(bp_var x, int n) {
  enum { WIDTH = 5 };
  bp_var v = bp_slice(x, 0, 0, WIDTH, 1), e[WIDTH];
  for (int i = 0; i < n / WIDTH; i++) {
    for (int k = 0; k < WIDTH; k++) e[k] = bp_mul(element(v, k), element(v, (k + 1) % WIDTH));
    v = bp_sin(bp_stack(e, WIDTH, 0));
  }
  return bp_sum(v, BP_ALL_AXES);
}

typedef struct cost {
  size_t nodes, bytes, workspace, instructions;
} cost;

static cost cost_of(void **state, bp_var (*make)(bp_var, int), int n) {
  bp_context *ctx = bt_ctx(state);
  size_t before = bt_fixture_of(state)->memory.live_bytes;
  bp_graph *g;
  bp_program *p;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){n}), out[2] = {make(x, n)};
  size_t nodes = bp_graph_size(g);
  bt_assert_ok(ctx, bp_grad(out[0], &x, 1, &out[1]));
  cost c = {.nodes = bp_graph_size(g) - nodes, .bytes = bt_fixture_of(state)->memory.live_bytes - before};
  bt_assert_ok(ctx, bp_compile(out, 2, &x, 1, NULL, &p));
  c.workspace = (size_t)bp_program_cost(p, 0).memory;
  c.instructions = (size_t)bp_program_cost(p, 0).instructions;
  bp_program_free(p);
  bp_graph_free(g);
  return c;
}

static void a_gradient_grows_as_its_function(void **state) {
  bp_var (*const makers[])(bp_var, int) = {speelpenning, rosenbrock, vectors_of_elements};
  for (int m = 0; m < 3; m++) {
    cost few = cost_of(state, makers[m], 1000), many = cost_of(state, makers[m], 4000);
    assert_true(many.nodes <= 4 * few.nodes + 64);
    assert_true(few.nodes <= (m == 0 ? 2 : 20) * 1000);
    assert_true(many.bytes <= 5 * few.bytes); /* arrays grow by doubling */
    assert_true(many.workspace <= 5 * few.workspace);
  }
}

/* ---- memory ---- */
static bp_status build_and_run(bp_context *ctx, void *user) {
  bp_graph *g = NULL;
  bp_program *p = NULL;
  bp_workspace *w = NULL;
  double at[N] = {0.5, -1.5, 2, 0.25, -0.75, 1.25}, y = 7, bar[N], h[N * N];
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){N}), out[3] = {rosenbrock(x, N)};
  status = bp_graph_status(g);
  if (status == BP_OK) status = bp_grad(out[0], &x, 1, &out[1]);
  if (status == BP_OK) status = bp_hessian_by(out[0], &x, 1, BP_MODE_FORWARD, BP_MODE_REVERSE, &out[2]);
  if (status == BP_OK) status = bp_compile(out, 3, &x, 1, NULL, &p);
  if (status == BP_OK) status = bp_workspace_new(ctx, p, 1, &w);
  for (int i = 0; i < 3; i++)
    if (status == BP_OK) status = bp_run(p, w, 0, (const void *[]){at}, (void *[]){&y, bar, h});
  if (status != BP_OK) assert_true(y == 7); /* NOLINT: outputs are written only by a run that succeeds */
  (void)user;
  bp_workspace_free(w);
  bp_program_free(p);
  bp_graph_free(g);
  return status;
}

static void memory_may_run_out_anywhere(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(build_and_run, NULL) > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_case_holds),
      BT_TEST(pieces_are_cut_without_a_trace),
      BT_TEST(hessians_and_jacobians_of_elements),
      BT_TEST(sparse_hessian_of_elements),
      BT_TEST(what_is_asked_for_is_not_passed_by),
      BT_TEST(eager_elements),
      BT_TEST(a_gradient_grows_as_its_function),
      cmocka_unit_test(memory_may_run_out_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
