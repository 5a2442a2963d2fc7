/* Whole Jacobians: both modes against each other, closed forms and differences, for every kind of operation. */
/* labels: grad */
#include "autodiff/derivative_fixtures.h"

static const bp_mode modes[] = {BP_MODE_FORWARD, BP_MODE_REVERSE, BP_MODE_AUTO};

/* ---- closed forms ---- */
static void the_worked_example_by_both_modes(void **state) {
  bp_graph *g = new_graph(bt_ctx(state));
  static const double at[2] = {1, 1}, expected[6] = {8, 8, 6, 6, 0.25, 0.25};
  bp_var x = vector(g, "x", 2), x1 = element(x, 0), x2 = element(x, 1);
  bp_var a = bp_mul(x1, x2), b = bp_add(x1, x2); /* f1 */
  bp_var parts[] = {bp_mul(a, bp_square(b)), bp_add(bp_square(a), bp_square(b)), bp_div(a, b)};
  bp_var y = bp_stack(parts, 3, 0);
  for (int m = 0; m < 3; m++) {
    bp_var jacobian;
    double values[6];
    bt_assert_ok(bt_ctx(state), bp_jacobian(y, &x, 1, modes[m], &jacobian));
    assert_int_equal(bp_var_rank(jacobian), 2);
    assert_int_equal(bp_var_dim(jacobian, 0), 3);
    assert_int_equal(bp_var_dim(jacobian, 1), 2);
    value_of(jacobian, x, at, values);
    bt_assert_close_f64(values, expected, 6, 1e-15, 0);
  }
  bp_graph_free(g);
}

static void a_linear_map_is_its_own_jacobian(void **state) {
  bp_graph *g = new_graph(bt_ctx(state));
  double matrix[12], values[12], at[4] = {1, 2, 3, 4};
  for (size_t i = 0; i < 12; i++) matrix[i] = uniform(1, i, -1, 1);
  bp_var x = vector(g, "x", 4), a = bp_constant(g, BP_F64, DIMS(3, 4), matrix);
  bp_var y = bp_reshape(bp_matmul(a, bp_expand(x, 1)), DIMS(3));
  for (int m = 0; m < 3; m++) {
    bp_var jacobian;
    bt_assert_ok(bt_ctx(state), bp_jacobian(y, &x, 1, modes[m], &jacobian));
    value_of(jacobian, x, at, values);
    bt_assert_close_f64(values, matrix, 12, 0, 0);
  }
  bp_graph_free(g);
}

/* ---- every kind of operation ---- */
/* x is [2, 3] with values in (0.4, 1.6), all different. */
typedef bp_var (*function)(bp_var x);

static bp_var constant(bp_graph *g, int rank, const int64_t *dims) {
  double data[64];
  for (size_t i = 0; i < 64; i++) data[i] = uniform(2, i, -1, 1);
  return bp_constant(g, BP_F64, rank, dims, data);
}
static bp_var rows(bp_graph *g, int64_t n) { return bp_constant(g, BP_I32, 1, &n, (int32_t[]){1, 0, 1, 1, 0}); }

static bp_var f_elementwise(bp_var x) { return bp_div(bp_sin(bp_mul(x, x)), bp_add(bp_exp(x), number(x.graph, 1))); }
static bp_var f_binary(bp_var x) { return bp_pow(bp_atan2(x, bp_square(x)), bp_log(bp_add(x, x))); }
static bp_var f_broadcast(bp_var x) { return bp_mul(bp_slice(x, 0, 0, 1, 1), bp_slice(x, 1, 1, 2, 1)); }
static bp_var f_new_axis(bp_var x) { return bp_broadcast(bp_square(x), DIMS(2, 2, 3)); }
static bp_var f_matmul_left(bp_var x) { return bp_matmul(bp_sin(x), constant(x.graph, DIMS(3, 4))); }
static bp_var f_matmul_right(bp_var x) { return bp_matmul(constant(x.graph, DIMS(4, 2)), bp_sin(x)); }
static bp_var f_matmul_left_t(bp_var x) { return bp_matmul_t(bp_sin(x), true, constant(x.graph, DIMS(2, 4)), false); }
static bp_var f_matmul_right_t(bp_var x) { return bp_matmul_t(constant(x.graph, DIMS(4, 3)), false, bp_sin(x), true); }
static bp_var f_matmul_tt(bp_var x) { return bp_matmul_t(bp_sin(x), true, constant(x.graph, DIMS(4, 2)), true); }
static bp_var f_matmul_self(bp_var x) { return bp_matmul_t(x, true, bp_exp(x), false); }
static bp_var f_matmul_stack(bp_var x) {
  bp_var stack = bp_mul(bp_reshape(x, DIMS(2, 1, 3)), constant(x.graph, DIMS(2, 2, 3)));
  return bp_matmul_t(stack, false, bp_sin(stack), true);
}
static bp_var f_sum_rows(bp_var x) { return bp_sum(bp_square(x), BP_AXIS(0)); }
static bp_var f_sum_columns(bp_var x) { return bp_mul(bp_sum(bp_square(x), BP_AXIS(1)), bp_mean(x, BP_AXIS(1))); }
static bp_var f_sum_apart(bp_var x) {
  return bp_sum(bp_mul(bp_expand(x, 1), constant(x.graph, DIMS(2, 4, 3))), BP_AXIS(0) | BP_AXIS(2));
}
static bp_var f_transpose(bp_var x) {
  return bp_transpose(bp_mul(bp_expand(bp_exp(x), 1), constant(x.graph, DIMS(2, 4, 3))), (int[]){2, 0, 1});
}
static bp_var f_slice(bp_var x) { return bp_square(bp_slice(x, 1, 0, BP_END, 2)); }
static bp_var f_flip(bp_var x) { return bp_mul(bp_flip(x, 1), x); }
static bp_var f_pad(bp_var x) { return bp_exp(bp_pad(x, 0, 1, 2, 0.5)); }
static bp_var f_concat(bp_var x) {
  return bp_concat((bp_var[]){bp_sin(x), constant(x.graph, DIMS(2, 2)), x, bp_cos(x)}, 4, 1);
}
static bp_var f_stack(bp_var x) { return bp_stack((bp_var[]){bp_square(x), constant(x.graph, DIMS(2, 3)), x}, 3, 1); }
static bp_var f_cumsum(bp_var x) { return bp_square(bp_cumsum(bp_cumsum(bp_square(x), 1), 0)); }
static bp_var f_gather(bp_var x) { return bp_square(bp_gather(bp_sin(x), rows(x.graph, 5), BP_F64)); }
static bp_var f_scatter(bp_var x) { return bp_exp(bp_scatter_add(bp_square(x), rows(x.graph, 2), 3)); }
static bp_var f_reduce_max(bp_var x) {
  return bp_mul(bp_reduce_max(x, BP_AXIS(1)), bp_reduce_min(bp_sin(x), BP_AXIS(1)));
}
static bp_var f_ties(bp_var x) { return bp_reduce_max(bp_mul(x, bp_sign(bp_sub(x, x))), BP_AXIS(0)); }
static bp_var f_max(bp_var x) { return bp_max(bp_sin(bp_mul(x, number(x.graph, 3))), bp_cos(x)); }
static bp_var f_where(bp_var x) { return bp_where(bp_greater(x, number(x.graph, 1)), bp_log(x), bp_exp(x)); }
static bp_var f_where_masked(bp_var x) { /* the branch not taken has no finite derivative */
  bp_var bad = bp_sqrt(bp_sub(x, x));
  return bp_where(bp_greater(x, number(x.graph, 0)), bp_square(x), bad);
}
static bp_var f_logsumexp(bp_var x) { return bp_logsumexp(bp_mul(x, x)); }
static bp_var f_softmax(bp_var x) { return bp_mul(bp_softmax(x), bp_log_softmax(bp_square(x))); }
static bp_var f_cross_entropy(bp_var x) { return bp_softmax_cross_entropy(bp_square(x), rows(x.graph, 2)); }
static bp_var f_norm(bp_var x) { return bp_norm(bp_exp(x), BP_AXIS(1)); }
static bp_var f_prod(bp_var x) { return bp_prod(x, BP_AXIS(1)); }
static bp_var gram(bp_var x) {
  bp_var one = bp_constant(x.graph, BP_F64, DIMS(2, 2), (double[]){1, 0, 0, 1});
  return bp_add(bp_matmul_t(x, false, x, true), one);
}
static bp_var f_cholesky(bp_var x) { return bp_cholesky(gram(x)); }
static bp_var f_solve(bp_var x) { return bp_solve(gram(x), bp_sin(x)); }
static bp_var f_solve_triangular(bp_var x) { return bp_solve_triangular(bp_tril(gram(x), 0), bp_sin(x), true, true); }
static bp_var f_logdet(bp_var x) { return bp_mul(bp_logdet(gram(x)), x); }
static bp_var f_inverse(bp_var x) { return bp_inverse(gram(x)); }
static bp_var f_triangle(bp_var x) { return bp_triu(bp_square(x), 1); }
static bp_var f_diag(bp_var x) { return bp_diag(bp_exp(x)); }
static bp_var f_dot(bp_var x) { return bp_dot(x, bp_sin(x)); }
static bp_var f_outer(bp_var x) { return bp_outer(x, bp_exp(x)); }
static bp_var f_scalar(bp_var x) { return bp_log(total(bp_exp(x))); }
static bp_var f_stopped(bp_var x) { return bp_mul(x, bp_stop_gradient(number(x.graph, 3))); }
static void cond_then(void *user, bp_graph *g, const bp_var *args, bp_var *results) {
  (void)user, (void)g;
  results[0] = bp_square(args[0]);
}
static void cond_else(void *user, bp_graph *g, const bp_var *args, bp_var *results) {
  (void)user, (void)g;
  results[0] = bp_exp(args[0]);
}
static bp_var f_cond(bp_var x) { /* holds graphs: direction by direction */
  bp_var y, one = number(x.graph, 1);
  bp_cond(one, &x, 1, cond_then, cond_else, NULL, 1, &y);
  return bp_mul(y, x);
}

#define ROW(f)                                                                                                         \
  { #f, f }
static const struct {
  const char *name;
  function f;
} functions[] = {
    ROW(f_elementwise), ROW(f_binary),       ROW(f_broadcast),     ROW(f_new_axis),
    ROW(f_matmul_left), ROW(f_matmul_right), ROW(f_matmul_left_t), ROW(f_matmul_right_t),
    ROW(f_matmul_tt),   ROW(f_matmul_self),  ROW(f_matmul_stack),  ROW(f_sum_rows),
    ROW(f_sum_columns), ROW(f_sum_apart),    ROW(f_transpose),     ROW(f_slice),
    ROW(f_flip),        ROW(f_pad),          ROW(f_concat),        ROW(f_stack),
    ROW(f_cumsum),      ROW(f_gather),       ROW(f_scatter),       ROW(f_reduce_max),
    ROW(f_ties),        ROW(f_max),          ROW(f_where),         ROW(f_where_masked),
    ROW(f_logsumexp),   ROW(f_softmax),      ROW(f_cross_entropy), ROW(f_norm),
    ROW(f_prod),        ROW(f_cholesky),     ROW(f_solve),         ROW(f_solve_triangular),
    ROW(f_logdet),      ROW(f_inverse),      ROW(f_triangle),      ROW(f_diag),
    ROW(f_dot),         ROW(f_outer),        ROW(f_scalar),        ROW(f_stopped),
    ROW(f_cond),
};

/* Both modes agree to rounding; with differences to their own error, which is far below 1e-7 at these sizes. */
static void modes_agree_with_each_other_and_with_differences(void **state) {
  double at[6];
  for (size_t i = 0; i < 6; i++) at[i] = uniform(3, i, 0.4, 1.6);
  for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
    bp_graph *g = new_graph(bt_ctx(state));
    bp_var x = bp_input(g, "x", BP_F64, DIMS(2, 3)), y = functions[k].f(x), forward, reverse;
    double f[400], r[400], d[400];
    if (bp_graph_status(g) != BP_OK) print_error("%s: %s\n", functions[k].name, bp_graph_message(g));
    bt_assert_ok(bt_ctx(state), bp_jacobian(y, &x, 1, BP_MODE_FORWARD, &forward));
    bt_assert_ok(bt_ctx(state), bp_jacobian(y, &x, 1, BP_MODE_REVERSE, &reverse));
    size_t n = elements_of(forward);
    assert_true(n <= 400 && n == 6 * elements_of(y) && n == elements_of(reverse));
    value_of(forward, x, at, f);
    value_of(reverse, x, at, r);
    bt_assert_close_f64(f, r, n, 1e-12, 1e-13);
    if (functions[k].f != f_ties) {
      differences_of(y, x, at, d);
      bt_assert_close_f64(f, d, n, 1e-7, 1e-8);
    }
    bp_graph_free(g);
  }
}

/* The Jacobian of a Jacobian: second derivatives of every kind of operation, in mixed modes. */
static void jacobians_nest(void **state) {
  double at[6];
  for (size_t i = 0; i < 6; i++) at[i] = uniform(4, i, 0.4, 1.6);
  for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
    bp_graph *g = new_graph(bt_ctx(state));
    bp_var x = bp_input(g, "x", BP_F64, DIMS(2, 3)), y = functions[k].f(x), first, second[2];
    double a[2400], b[2400];
    bt_assert_ok(bt_ctx(state), bp_jacobian(y, &x, 1, BP_MODE_REVERSE, &first));
    bt_assert_ok(bt_ctx(state), bp_jacobian(first, &x, 1, BP_MODE_FORWARD, &second[0]));
    bt_assert_ok(bt_ctx(state), bp_jacobian(y, &x, 1, BP_MODE_FORWARD, &first));
    bt_assert_ok(bt_ctx(state), bp_jacobian(first, &x, 1, BP_MODE_REVERSE, &second[1]));
    size_t n = elements_of(second[0]);
    assert_true(n <= 2400);
    value_of(second[0], x, at, a);
    value_of(second[1], x, at, b);
    bt_assert_close_f64(a, b, n, 1e-10, 1e-11);
    for (size_t i = 0; i < n / 36; i++) /* symmetric in the two derivatives */
      for (size_t p = 0; p < 36; p++) bt_assert_close(a[36 * i + p], a[36 * i + p % 6 * 6 + p / 6], 1e-10, 1e-11);
    bp_graph_free(g);
  }
}

/* ---- shapes, several variables, types ---- */
static void several_variables_get_a_block_each(void **state) {
  bp_graph *g = new_graph(bt_ctx(state));
  bp_var x = bp_input(g, "x", BP_F64, DIMS(2, 2)), s = bp_input(g, "s", BP_F64, 0, NULL),
         unused = vector(g, "unused", 3);
  bp_var y = bp_mul(bp_sum(bp_square(x), BP_AXIS(0)), s), xs[] = {x, s, unused};
  const double at[4] = {1, 2, 3, 4}, scale = 10, nothing[3] = {0};
  for (int m = 0; m < 3; m++) {
    bp_var jacobian[3];
    double by_x[8], by_s[2], by_unused[6];
    bt_assert_ok(bt_ctx(state), bp_jacobian(y, xs, 3, modes[m], jacobian));
    assert_int_equal(bp_var_rank(jacobian[0]), 3);
    assert_int_equal(bp_var_rank(jacobian[1]), 1);
    assert_int_equal(bp_var_rank(jacobian[2]), 2);
    values_of(jacobian, 3, xs, 3, (const void *[]){at, &scale, nothing}, (double *[]){by_x, by_s, by_unused});
    bt_assert_close_f64(by_x, ((double[]){20, 0, 60, 0, 0, 40, 0, 80}), 8, 0, 0);
    bt_assert_close_f64(by_s, ((double[]){10, 20}), 2, 0, 0);
    bt_assert_close_f64(by_unused, ((double[]){0, 0, 0, 0, 0, 0}), 6, 0, 0);
  }
  bp_graph_free(g);
}

static void unreachable_variables_give_zeros(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", 2), z = vector(g, "z", 3), y = bp_square(x), out[4];
  double values[16];
  const double at[2] = {1, 2};
  for (int m = 0; m < 3; m++) {
    bt_assert_ok(ctx, bp_jacobian(y, &z, 1, modes[m], &out[0]));
    memset(values, 1, sizeof values);
    value_of(out[0], x, at, values);
    for (int i = 0; i < 6; i++) assert_true(values[i] == 0);
  }
  bt_assert_ok(ctx, bp_value_and_grad(total(y), (bp_var[]){z, x}, 2, out));
  value_of(out[1], x, at, values);
  for (int i = 0; i < 3; i++) assert_true(values[i] == 0);
  value_of(out[2], x, at, values);
  assert_true(values[0] == 2 && values[1] == 4);
  value_of(out[0], x, at, values);
  assert_true(values[0] == 5);
  bp_graph_free(g);
}

static void float32_works_like_float64(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  bp_var x = bp_input(g, "x", BP_F32, DIMS(2)), y = bp_square(bp_cast(bp_sin(x), BP_F64));
  const float at[2] = {0.5f, 1.5f};
  for (int m = 0; m < 3; m++) {
    bp_var jacobian;
    double values[4];
    bt_assert_ok(ctx, bp_jacobian(y, &x, 1, modes[m], &jacobian));
    assert_int_equal(bp_var_dtype(jacobian), BP_F64);
    bt_assert_ok(ctx, bp_eval(&jacobian, 1, &x, 1, 0, (const void *[]){at}, (void *[]){values}));
    bt_assert_close_f64(values, ((double[]){sin(1), 0, 0, sin(3)}), 4, 1e-6, 0);
  }
  bp_graph_free(g);
}

/* ---- the batch ---- */
static bp_var network(bp_graph *g, bp_var x) {
  bp_var w1 = constant(g, DIMS(3, 4)), w2 = constant(g, DIMS(4, 2));
  return bp_matmul(bp_tanh(bp_matmul(x, w1)), w2);
}

static void rows_of_a_batch_have_jacobians_of_their_own(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  enum { ROWS = 5 };
  double at[3 * ROWS], one[6], both[2][6 * ROWS];
  for (size_t i = 0; i < 3 * ROWS; i++) at[i] = uniform(5, i, -1, 1);
  bp_var x = bp_input(g, "x", BP_F64, DIMS(BP_BATCH, 3)), single = bp_input(g, "row", BP_F64, DIMS(1, 3)), jacobian;
  bp_var y = network(g, x), y_single = network(g, single);
  for (int m = 0; m < 2; m++) {
    bt_assert_ok(ctx, bp_jacobian_rows(y, x, modes[m], &jacobian));
    assert_int_equal(bp_var_rank(jacobian), 3);
    bt_assert_ok(ctx, bp_eval(&jacobian, 1, &x, 1, ROWS, (const void *[]){at}, (void *[]){both[m]}));
  }
  bt_assert_close_f64(both[0], both[1], 6 * ROWS, 1e-13, 1e-14);
  bt_assert_ok(ctx, bp_jacobian(y_single, &single, 1, BP_MODE_AUTO, &jacobian));
  for (size_t r = 0; r < ROWS; r++) {
    value_of(jacobian, single, at + 3 * r, one);
    bt_assert_close_f64(both[0] + 6 * r, one, 6, 1e-13, 1e-14);
  }
  bp_graph_free(g);
}

static void a_batch_of_results_has_its_jacobian_behind_it(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  bp_var data = bp_input(g, "data", BP_F64, DIMS(BP_BATCH, 2)), w = vector(g, "w", 2), unused = vector(g, "unused", 1);
  bp_var y = bp_sum(bp_mul(data, bp_square(w)), BP_LAST_AXIS), in[] = {data, w}, jacobian[2];
  const double rows[6] = {1, 2, 3, 4, 5, 6}, at[2] = {10, 100};
  double values[6], zeros[3] = {1, 1, 1};
  bt_assert_ok(ctx, bp_jacobian(y, (bp_var[]){w, unused}, 2, BP_MODE_AUTO, jacobian));
  bt_assert_ok(ctx, bp_eval(jacobian, 2, in, 2, 3, (const void *[]){rows, at}, (void *[]){values, zeros}));
  bt_assert_close_f64(values, ((double[]){20, 400, 60, 800, 100, 1200}), 6, 0, 0);
  assert_true(zeros[0] == 0 && zeros[1] == 0 && zeros[2] == 0);
  bp_graph_free(g);
}

static void a_batch_is_refused_where_it_cannot_be(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int i = 0; i < 3; i++) {
    bp_graph *g = new_graph(ctx);
    bp_var data = bp_input(g, "data", BP_F64, DIMS(BP_BATCH, 2)), w = vector(g, "w", 2), y = bp_mul(data, w), out;
    if (i == 0) bt_assert_fails(ctx, BP_E_SHAPE, bp_jacobian(y, &w, 1, BP_MODE_REVERSE, &out));
    if (i == 1) bt_assert_fails(ctx, BP_E_SHAPE, bp_jacobian(total(y), &data, 1, BP_MODE_AUTO, &out));
    if (i == 1) bt_assert_message(ctx, "x is [batch,2]");
    if (i == 2) bt_assert_fails(ctx, BP_E_SHAPE, bp_jacobian_rows(y, w, BP_MODE_AUTO, &out));
    if (i == 2) bt_assert_message(ctx, "expected equal leading sizes");
    bp_graph_free(g);
  }
}

/* ---- cost ---- */
static size_t nodes_for(bp_context *ctx, int64_t n, bp_mode mode) {
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", n), y = bp_exp(bp_mul(bp_sin(x), bp_cumsum(x, 0))), jacobian;
  size_t before = bp_graph_size(g);
  bt_assert_ok(ctx, bp_jacobian(y, &x, 1, mode, &jacobian));
  size_t nodes = bp_graph_size(g) - before;
  bp_graph_free(g);
  return nodes;
}

static void nodes_do_not_grow_with_the_columns(void **state) {
  for (int m = 0; m < 2; m++) {
    assert_int_equal(nodes_for(bt_ctx(state), 3, modes[m]), nodes_for(bt_ctx(state), 700, modes[m]));
    assert_true(nodes_for(bt_ctx(state), 700, modes[m]) < 40);
  }
}

static void forward_mode_leaves_out_what_no_result_needs(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", 2), other = x, dot;
  for (int i = 0; i < 100; i++) other = bp_sin(other);
  bp_var y = bp_square(x);
  size_t before = bp_graph_size(g);
  bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &x, 1, &dot));
  assert_true(bp_graph_size(g) - before < 10);
  bp_graph_free(g);
}

/* 3,000 directions of 2,000 elements are more than one sweep takes. */
/* As many axes as there may be: one more for the directions there cannot be. */
static void eight_axes_are_no_hindrance(void **state) {
  bp_context *ctx = bt_ctx(state);
  const int64_t dims[8] = {1, 2, 1, 1, 1, 1, 1, 2};
  for (bp_mode mode = BP_MODE_AUTO; mode <= BP_MODE_REVERSE; mode++) {
    bp_graph *g;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var x = bp_input(g, "x", BP_F64, 8, dims), y = bp_sum(bp_sin(x), BP_ALL_AXES), jacobian;
    bt_assert_ok(ctx, bp_jacobian(y, &x, 1, mode, &jacobian));
    const double v[4] = {0.1, 0.2, 0.3, 0.4};
    double r[4];
    const void *in[] = {v};
    void *to[] = {r};
    bt_assert_ok(ctx, bp_eval(&jacobian, 1, &x, 1, 0, in, to));
    for (int i = 0; i < 4; i++) bt_assert_close(r[i], cos(v[i]), 1e-15, 0);
    bp_graph_free(g);
  }
}

static void many_directions_are_cut_into_sweeps(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { N = 3000, M = 2000 };
  double *at = malloc(N * sizeof *at), *f = malloc((size_t)N * M * sizeof *f), *r = malloc((size_t)N * M * sizeof *r);
  for (size_t i = 0; i < N; i++) at[i] = uniform(6, i, 0, 1);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", N), y = bp_square(bp_slice(x, 0, 500, 500 + M, 1)), forward, reverse;
  bt_assert_ok(ctx, bp_jacobian(y, &x, 1, BP_MODE_FORWARD, &forward));
  bt_assert_ok(ctx, bp_jacobian(y, &x, 1, BP_MODE_REVERSE, &reverse));
  plain_value_of(forward, x, at, f);
  plain_value_of(reverse, x, at, r);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < N; j++) {
      double expected = j == i + 500 ? 2 * at[j] : 0;
      if (f[i * N + j] != expected || r[i * N + j] != expected) fail_msg("element %zu, %zu", i, j);
    }
  bp_graph_free(g);
  free(at);
  free(f);
  free(r);
}

/* ---- refusals ---- */
/* A refusal is recorded on the graph, so each has one of its own. */
typedef struct refused {
  bp_graph *g;
  bp_var x, y, foreign, out[4];
} refused;

static refused a_graph_to_refuse(bp_context *ctx, bp_graph *other) {
  refused r = {.g = new_graph(ctx)};
  r.x = vector(r.g, "x", 2);
  r.y = bp_square(r.x);
  r.foreign = vector(other, "x", 2);
  return r;
}

static void done_refusing(bp_context *ctx, refused *r, bp_status status, const char *words) {
  bt_assert_message(ctx, words);
  assert_int_equal(bp_graph_status(r->g), status);
  assert_ptr_equal(r->out[0].graph, r->g);
  for (int i = 0; i < 4; i++) assert_int_equal(r->out[i].id, 0);
  bp_graph_free(r->g);
}

#define REFUSES(status, words, expression)                                                                             \
  do {                                                                                                                 \
    refused r = a_graph_to_refuse(ctx, other);                                                                         \
    bt_assert_fails(ctx, status, expression);                                                                          \
    done_refusing(ctx, &r, status, words);                                                                             \
  } while (0)

static void what_is_no_derivative_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *other = new_graph(ctx);
  REFUSES(BP_E_ARG, "jacobian: x 0 is no variable of this graph", bp_jacobian(r.y, &r.foreign, 1, BP_MODE_AUTO, r.out));
  REFUSES(BP_E_ARG, "x 1 is no variable", bp_jacobian(r.y, (bp_var[]){r.x, {r.g, 0}}, 2, BP_MODE_AUTO, r.out));
  REFUSES(BP_E_ARG, "no variable", bp_jacobian(r.y, (bp_var[]){{r.g, 1000}}, 1, BP_MODE_AUTO, r.out));
  REFUSES(BP_E_SHAPE, "expected a scalar", bp_grad(r.y, &r.x, 1, r.out));
  REFUSES(BP_E_SHAPE, "expected a scalar", bp_value_and_grad(r.y, &r.x, 1, r.out));
  REFUSES(BP_E_ARG, "no variable of this graph", bp_grad(total(r.y), &r.foreign, 1, r.out));
  REFUSES(BP_E_DTYPE, "x 0 is int32",
          bp_jacobian(r.y, (bp_var[]){bp_input(r.g, "n", BP_I32, DIMS(2))}, 1, BP_MODE_AUTO, r.out));
  REFUSES(
      BP_E_SHAPE, "together more than 8 axes",
      bp_jacobian(r.y, (bp_var[]){bp_input(r.g, "w", BP_F64, DIMS(1, 1, 1, 1, 1, 1, 1, 1))}, 1, BP_MODE_AUTO, r.out));
  bp_graph_free(other);
}

static void an_error_in_the_graph_is_handed_on(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", 2), y = bp_square(x), out = {0};
  (void)bp_add(x, bp_input(g, "y", BP_F64, DIMS(3)));
  bt_assert_fails(ctx, BP_E_GRAPH, bp_jacobian(y, &x, 1, BP_MODE_AUTO, &out));
  bt_assert_message(ctx, "do not broadcast");
  assert_ptr_equal(out.graph, g);
  bp_graph_free(g);
}

static bp_status jacobian_job(bp_context *ctx, void *user) {
  bp_graph *g;
  (void)user;
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var out[3] = {{(bp_graph *)1, 7}, {(bp_graph *)1, 7}, {(bp_graph *)1, 7}};
  bp_var x = bp_input(g, "x", BP_F64, DIMS(2, 3)), y[] = {f_solve(x), f_cond(x), f_scalar(x)};
  (void)bp_jacobian(y[0], &x, 1, BP_MODE_FORWARD, &out[0]);
  (void)bp_jacobian(y[1], &x, 1, BP_MODE_REVERSE, &out[1]);
  (void)bp_hessian(y[2], &x, 1, &out[2]);
  for (int i = 0; i < 3; i++) (void)total(bp_exp(out[i])); /* as a program does that checks its last call only */
  status = bp_graph_status(g);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(jacobian_job, NULL) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(the_worked_example_by_both_modes),
      BT_TEST(a_linear_map_is_its_own_jacobian),
      BT_TEST(modes_agree_with_each_other_and_with_differences),
      BT_TEST(jacobians_nest),
      BT_TEST(several_variables_get_a_block_each),
      BT_TEST(unreachable_variables_give_zeros),
      BT_TEST(float32_works_like_float64),
      BT_TEST(rows_of_a_batch_have_jacobians_of_their_own),
      BT_TEST(a_batch_of_results_has_its_jacobian_behind_it),
      BT_TEST(a_batch_is_refused_where_it_cannot_be),
      BT_TEST(nodes_do_not_grow_with_the_columns),
      BT_TEST(forward_mode_leaves_out_what_no_result_needs),
      BT_TEST(eight_axes_are_no_hindrance),
      BT_TEST(many_directions_are_cut_into_sweeps),
      BT_TEST(what_is_no_derivative_is_refused),
      BT_TEST(an_error_in_the_graph_is_handed_on),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
