/* Operations of the user: values and derivatives from each kind of callback, rows, threads, failures; and the checker of
 * this folder, which must catch a wrong derivative. */
/* labels: grad */
#include <stdatomic.h>

#include "autodiff/op_check.h"

/* ---- y = a³ b, by elements, in either element type ---- */
static atomic_int calls;

static double get(const bp_buffer *b, int64_t i) {
  return b->dtype == BP_F64 ? ((const double *)b->data)[i] : (double)((const float *)b->data)[i];
}
static void put(const bp_buffer *b, int64_t i, double v) {
  if (b->dtype == BP_F64)
    ((double *)b->data)[i] = v;
  else
    ((float *)b->data)[i] = (float)v;
}

static bp_status cube(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  atomic_fetch_add(&calls, 1);
  if (user != NULL) *(int64_t *)user = y->dims[0];
  if (n_x != 2 || x[0].elements != y->elements || x[1].elements != y->elements) return BP_E_CHECK;
  for (int64_t i = 0; i < y->elements; i++) put(y, i, get(&x[0], i) * get(&x[0], i) * get(&x[0], i) * get(&x[1], i));
  return BP_OK;
}

/* 3 a² b and a³, times what comes in. */
static bp_var cube_part(const bp_var *x, size_t i, bp_var v) {
  bp_var squared = bp_square(x[0]), three = bp_scalar(v.graph, bp_var_dtype(v), 3);
  bp_var partial = i == 0 ? (bp_mul)((bp_mul)(three, squared), x[1]) : (bp_mul)(squared, x[0]);
  return (bp_mul)(v, partial);
}
static bp_var cube_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)user, (void)n_x, (void)y;
  return cube_part(x, i, y_bar);
}
static bp_var cube_jvp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var x_dot) {
  (void)user, (void)n_x, (void)y;
  return cube_part(x, i, x_dot);
}
static bp_var wrong_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)user, (void)n_x, (void)y;
  return i == 0 ? bp_neg(cube_part(x, i, y_bar)) : cube_part(x, i, y_bar); /* one sign */
}
static bp_status cube_vjp_eval(void *user, const bp_buffer *x, size_t n_x, size_t i, const bp_buffer *y,
                               const bp_buffer *y_bar, const bp_buffer *x_bar) {
  (void)user, (void)n_x, (void)y;
  for (int64_t k = 0; k < x_bar->elements; k++) {
    double a = get(&x[0], k), b = get(&x[1], k);
    put(x_bar, k, get(y_bar, k) * (i == 0 ? 3 * a * a * b : a * a * a));
  }
  return BP_OK;
}

static bp_custom_op cube_op(bp_var like, bool rows) {
  bp_custom_op op = {
      .size = sizeof op, .name = "cube", .dtype = bp_var_dtype(like), .rank = bp_var_rank(like), .eval = cube};
  for (int i = 0; i < op.rank; i++) op.dims[i] = bp_var_dim(like, i);
  op.row_args = rows ? 3 : 0;
  return op;
}

static bp_var from_vjp(const bp_var *x) {
  bp_custom_op op = cube_op(x[0], true);
  op.vjp = cube_vjp;
  return bp_tanh(bp_custom(x[0].graph, &op, (bp_var[]){bp_sin(x[0]), x[1]}, 2));
}
static bp_var from_jvp(const bp_var *x) {
  bp_custom_op op = cube_op(x[0], false);
  op.jvp = cube_jvp;
  return bp_tanh(bp_custom(x[0].graph, &op, (bp_var[]){bp_sin(x[0]), x[1]}, 2));
}
static bp_var from_both(const bp_var *x) {
  bp_custom_op op = cube_op(x[0], true);
  op.jvp = cube_jvp;
  op.vjp = cube_vjp;
  return bp_tanh(bp_custom(x[0].graph, &op, (bp_var[]){bp_sin(x[0]), x[1]}, 2));
}
static bp_var from_wrong(const bp_var *x) {
  bp_custom_op op = cube_op(x[0], true);
  op.jvp = cube_jvp;
  op.vjp = wrong_vjp;
  return bp_custom(x[0].graph, &op, x, 2);
}
static void tanh_cube_oracle(const double *const *x, double *y) {
  for (int k = 0; k < OC_BATCH * 3; k++) y[k] = tanh(pow(sin(x[0][k]), 3) * x[1][k]);
}

#define TWO 2, {{2, {BP_BATCH, 3}}, {2, {BP_BATCH, 3}}}, -1, 1
static const op_case cases[] = {
    {"custom, VJP only, by rows", from_vjp, TWO, .oracle = tanh_cube_oracle, .value_f32 = 2e-6, .value_f64 = 4e-15},
    {"custom, JVP only, whole", from_jvp, TWO, .oracle = tanh_cube_oracle, .value_f32 = 2e-6, .value_f64 = 4e-15},
    {"custom, both", from_both, TWO, .oracle = tanh_cube_oracle, .value_f32 = 2e-6, .value_f64 = 4e-15},
};

static void every_case_holds(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check(bt_ctx(state), &cases[i]);
}

static void many_rows_are_cut_without_a_trace(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check_bits(bt_ctx(state), &cases[i]);
}

static void the_checker_catches_a_wrong_sign(void **state) {
  op_case c = {"wrong", from_wrong, TWO, .oracle = NULL};
  op_errors e = op_check_errors(bt_ctx(state), &c, BP_F64, 5, false);
  assert_true(e.identity > 1e-3);
  assert_true(e.orders > 1e-3);
  assert_int_equal(e.bits, 0);
}

/* ---- one graph by hand ---- */
typedef struct fixture {
  bp_graph *graph;
  bp_var x[2], y;
} fixture;
static fixture fixture_of(bp_context *ctx, int64_t rows, const bp_custom_op *changes) {
  fixture f;
  bt_assert_ok(ctx, bp_graph_new(ctx, &f.graph));
  for (int i = 0; i < 2; i++) f.x[i] = bp_input(f.graph, "x", BP_F64, 2, (int64_t[]){rows, 2});
  bp_custom_op op = cube_op(f.x[0], changes->row_args != 0);
  op.user = changes->user;
  op.jvp = changes->jvp, op.vjp = changes->vjp, op.vjp_eval = changes->vjp_eval;
  if (changes->eval != NULL) op.eval = changes->eval;
  f.y = bp_custom(f.graph, &op, f.x, 2);
  return f;
}

static void a_numeric_vjp_gives_the_gradient_but_no_second(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int rows = 0; rows < 2; rows++) {
    fixture f = fixture_of(ctx, 2, &(bp_custom_op){.vjp_eval = cube_vjp_eval, .row_args = rows ? 3 : 0});
    const double a[4] = {1, 2, -3, 0.5}, b[4] = {2, -1, 1, 4};
    double ga[4], gb[4], pa[4], pb[4];
    bp_var gradient[2], second[2];
    const void *from[] = {a, b};
    bp_program *p;
    bp_workspace *w;
    bt_assert_ok(ctx, bp_grad(bp_sum(f.y, BP_ALL_AXES), f.x, 2, gradient));
    bt_assert_ok(ctx, bp_eval(gradient, 2, f.x, 2, 0, from, (void *[]){ga, gb}));
    bt_assert_ok(ctx, bp_compile(gradient, 2, f.x, 2, NULL, &p));
    bt_assert_fails(ctx, BP_E_ARG, bp_grad(bp_sum(gradient[0], BP_ALL_AXES), f.x, 2, second));
    bt_assert_message(ctx, "custom 'cube': its vjp_eval cannot be differentiated again");
    bp_graph_free(f.graph); /* the program needs nothing of it */
    bt_assert_ok(ctx, bp_workspace_new(ctx, p, 2, &w));
    bt_assert_ok(ctx, bp_run(p, w, 0, from, (void *[]){pa, pb}));
    for (int k = 0; k < 4; k++) {
      bt_assert_close(ga[k], 3 * a[k] * a[k] * b[k], 1e-15, 0);
      bt_assert_close(gb[k], a[k] * a[k] * a[k], 1e-15, 0);
    }
    bt_assert_same_bits(pa, ga, sizeof ga);
    bt_assert_same_bits(pb, gb, sizeof gb);
    bp_workspace_free(w);
    bp_program_free(p);
  }
}

static void an_operation_without_derivatives_says_so(void **state) {
  bp_context *ctx = bt_ctx(state);
  fixture f = fixture_of(ctx, 2, &(bp_custom_op){.eval = NULL});
  bp_var gradient[2];
  bt_assert_fails(ctx, BP_E_ARG, bp_grad(bp_sum(f.y, BP_ALL_AXES), f.x, 2, gradient));
  bt_assert_message(ctx, "custom 'cube' has no derivative");
  bp_graph_free(f.graph);
  f = fixture_of(ctx, 2, &(bp_custom_op){.vjp_eval = cube_vjp_eval});
  bt_assert_fails(ctx, BP_E_ARG, bp_jvp(&f.y, 1, f.x, f.x, 2, gradient));
  bt_assert_message(ctx, "custom 'cube' has no derivative in forward mode");
  bp_graph_free(f.graph);
}

static bp_var too_small(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)user, (void)x, (void)n_x, (void)i, (void)y;
  return bp_sum(y_bar, BP_AXIS(0));
}
static void a_callback_of_the_wrong_shape_is_refused(void **state) {
  fixture f = fixture_of(bt_ctx(state), 3, &(bp_custom_op){.vjp = too_small});
  bp_var gradient[2];
  bt_assert_fails(bt_ctx(state), BP_E_SHAPE, bp_grad(bp_sum(f.y, BP_ALL_AXES), f.x, 2, gradient));
  bt_assert_message(bt_ctx(state), "custom 'cube': the VJP for argument 1 is float64[2], expected float64[3,2]");
  bp_graph_free(f.graph);
}

/* ---- calls and rows ---- */
static void rows_are_cut_only_where_that_is_allowed(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int by_rows = 0; by_rows < 2; by_rows++) {
    enum { ROWS = 100000 };
    int64_t seen = 0;
    fixture f = fixture_of(ctx, BP_BATCH, &(bp_custom_op){.row_args = by_rows ? 3 : 0, .user = by_rows ? NULL : &seen});
    bp_compile_options o = {.size = sizeof o, .max_batch = ROWS};
    bp_program *p;
    bp_workspace *w;
    double *a = malloc(2 * ROWS * sizeof *a), *y = malloc(2 * ROWS * sizeof *y);
    for (int k = 0; k < 2 * ROWS; k++) a[k] = k % 7;
    bt_assert_ok(ctx, bp_compile(&f.y, 1, f.x, 2, &o, &p));
    bt_assert_ok(ctx, bp_workspace_new(ctx, p, 2, &w));
    calls = 0;
    bt_assert_ok(ctx, bp_run(p, w, ROWS, (const void *[]){a, a}, (void *[]){y}));
    assert_true(by_rows ? calls > 1 : calls == 1 && seen == ROWS);
    for (int k = 0; k < 2 * ROWS; k++) assert_true(y[k] == a[k] * a[k] * a[k] * a[k]);
    bp_workspace_free(w);
    bp_program_free(p);
    bp_graph_free(f.graph);
    free(a), free(y);
  }
}

static bp_status fails(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  (void)user, (void)x, (void)n_x, (void)y;
  return BP_E_DATA;
}
static void a_failure_of_the_callback_is_handed_on(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int by_rows = 0; by_rows < 2; by_rows++) {
    fixture f = fixture_of(ctx, 2, &(bp_custom_op){.eval = fails, .row_args = by_rows ? 3 : 0});
    const double a[4] = {1, 2, 3, 4};
    double y[4];
    bp_program *p;
    bp_workspace *w;
    bt_assert_fails(ctx, BP_E_DATA, bp_eval(&f.y, 1, f.x, 2, 0, (const void *[]){a, a}, (void *[]){y}));
    bt_assert_message(ctx, "custom 'cube' failed: bad data");
    bt_assert_ok(ctx, bp_compile(&f.y, 1, f.x, 2, NULL, &p));
    bt_assert_ok(ctx, bp_workspace_new(ctx, p, 2, &w));
    for (int again = 0; again < 2; again++) {
      bt_assert_fails(ctx, BP_E_DATA, bp_run(p, w, 0, (const void *[]){a, a}, (void *[]){y}));
      bt_assert_message(ctx, "custom 'cube' failed: bad data");
    }
    bp_workspace_free(w);
    bp_program_free(p);
    bp_graph_free(f.graph);
  }
}

/* ---- many arguments, none, and integers ---- */
static bp_status weighted(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  (void)user;
  double sum = 0;
  for (size_t i = 0; i < n_x; i++)
    sum += (double)(i + 1) * (x[i].dtype == BP_I32 ? (double)((const int32_t *)x[i].data)[0] : get(&x[i], 0));
  put(y, 0, sum);
  return BP_OK;
}
static bp_var weighted_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)user, (void)x, (void)n_x, (void)y;
  return (bp_mul)(y_bar, bp_scalar(y.graph, BP_F64, (double)(i + 1)));
}
static void any_number_of_arguments_is_taken(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { N = 70 };
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_custom_op op = {.size = sizeof op, .name = "weighted", .dtype = BP_F64, .eval = weighted, .vjp = weighted_vjp};
  bp_var in = bp_input(g, "x", BP_F64, 0, NULL), number = bp_input(g, "n", BP_I32, 1, (int64_t[]){1}), x[N], out[3];
  for (int i = 0; i < N; i++) x[i] = in;
  x[N - 1] = number;
  out[0] = bp_custom(g, &op, x, N);
  out[2] = bp_custom(g, &op, NULL, 0);
  bt_assert_ok(ctx, bp_grad(out[0], &in, 1, &out[1]));
  const double half = 0.5;
  const int32_t four = 4;
  double y[3], z[3];
  bp_program *p;
  bp_workspace *w;
  const void *from[] = {&half, &four};
  bt_assert_ok(ctx, bp_eval(out, 3, (bp_var[]){in, number}, 2, 0, from, (void *[]){&y[0], &y[1], &y[2]}));
  bt_assert_ok(ctx, bp_compile(out, 3, (bp_var[]){in, number}, 2, NULL, &p));
  bt_assert_ok(ctx, bp_workspace_new(ctx, p, 1, &w));
  bt_assert_ok(ctx, bp_run(p, w, 0, from, (void *[]){&z[0], &z[1], &z[2]}));
  assert_true(y[0] == 0.25 * 69 * 70 + 280 && y[1] == 0.5 * 69 * 70 && y[2] == 0);
  bt_assert_same_bits(z, y, sizeof y);
  bp_workspace_free(w);
  bp_program_free(p);
  bp_graph_free(g);
}

static void bad_descriptions_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const struct {
    bp_custom_op op;
    bp_status status;
    const char *message;
  } bad[] = {
      {{.size = sizeof(bp_custom_op), .name = "f", .dtype = BP_F64}, BP_E_ARG, "eval is NULL"},
      {{.name = "f", .eval = cube, .dtype = BP_F64}, BP_E_ARG, "is size set"},
      {{.size = sizeof(bp_custom_op), .name = "f", .eval = cube, .dtype = BP_I32},
       BP_E_DTYPE,
       "custom 'f': result int32"},
      {{.size = sizeof(bp_custom_op), .name = "f", .eval = cube, .rank = 9, .dtype = BP_F64}, BP_E_SHAPE, "rank 9"},
      {{.size = sizeof(bp_custom_op),
        .name = "f",
        .eval = cube,
        .rank = 1,
        .dims = {4},
        .dtype = BP_F64,
        .row_args = 1},
       BP_E_SHAPE,
       "argument 1 of 1 is taken by rows, but is [3] and the result [4]"},
      {{.size = sizeof(bp_custom_op),
        .name = "f",
        .eval = cube,
        .rank = 1,
        .dims = {3},
        .dtype = BP_F64,
        .row_args = 2},
       BP_E_SHAPE,
       "argument 2 of 1 is taken by rows, but is missing"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bp_graph *g;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){3});
    assert_true(bp_var_is_zero(bp_custom(g, &bad[i].op, &x, 1)));
    assert_int_equal(bp_graph_status(g), bad[i].status);
    bt_assert_message(ctx, bad[i].message);
    bp_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_case_holds),
      BT_TEST(many_rows_are_cut_without_a_trace),
      BT_TEST(the_checker_catches_a_wrong_sign),
      BT_TEST(a_numeric_vjp_gives_the_gradient_but_no_second),
      BT_TEST(an_operation_without_derivatives_says_so),
      BT_TEST(a_callback_of_the_wrong_shape_is_refused),
      BT_TEST(rows_are_cut_only_where_that_is_allowed),
      BT_TEST(a_failure_of_the_callback_is_handed_on),
      BT_TEST(any_number_of_arguments_is_taken),
      BT_TEST(bad_descriptions_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
