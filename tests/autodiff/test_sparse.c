/* Sparse Jacobians and Hessians: patterns against what is known, colourings by a checker of their own, values against dense ones. */
/* labels: grad prop */
#include "autodiff/derivative_fixtures.h"

/* ---- checkers that share nothing with the library ---- */
static bool in_pattern(const bp_sparse *s, int64_t i, int64_t j) {
  for (int64_t e = bp_sparse_row_start(s)[i]; e < bp_sparse_row_start(s)[i + 1]; e++)
    if (bp_sparse_column(s)[e] == j) return true;
  return false;
}

/* No row has two columns of one colour (or no column two rows). */
static void check_distance_two(const bp_sparse *s) {
  bool by_rows = bp_sparse_compression(s) == BP_COMPRESS_ROWS;
  int64_t lines = by_rows ? bp_sparse_columns(s) : bp_sparse_rows(s),
          n = by_rows ? bp_sparse_rows(s) : bp_sparse_columns(s);
  const int32_t *color = bp_sparse_color(s);
  for (int64_t line = 0; line < lines; line++)
    for (int64_t a = 0; a < n; a++)
      for (int64_t b = 0; b < a; b++) {
        bool both = by_rows ? in_pattern(s, a, line) && in_pattern(s, b, line)
                            : in_pattern(s, line, a) && in_pattern(s, line, b);
        if (both && color[a] == color[b]) fail_msg("line %d: %d and %d have one colour", (int)line, (int)a, (int)b);
      }
}

/* Neighbours differ, and every path of four different vertices has three colours at least. */
static void check_star(const bp_sparse *s) {
  const int32_t *color = bp_sparse_color(s);
  int64_t n = bp_sparse_rows(s);
  for (int64_t a = 0; a < n; a++)
    for (int64_t b = 0; b < n; b++) {
      if (b == a || !in_pattern(s, a, b)) continue;
      assert_true(in_pattern(s, b, a));
      if (color[a] == color[b]) fail_msg("neighbours %d and %d have one colour", (int)a, (int)b);
      for (int64_t c = 0; c < n; c++) {
        if (c == a || c == b || color[c] != color[a] || !in_pattern(s, b, c)) continue;
        for (int64_t d = 0; d < n; d++)
          if (d != a && d != b && d != c && color[d] == color[b] && in_pattern(s, c, d))
            fail_msg("the path %d %d %d %d has two colours", (int)a, (int)b, (int)c, (int)d);
      }
    }
}

static void check_colors_are_used(const bp_sparse *s, int64_t n) {
  for (int32_t c = 0; c < bp_sparse_colors(s); c++) {
    bool used = false;
    for (int64_t i = 0; i < n; i++) used |= bp_sparse_color(s)[i] == c;
    assert_true(used);
  }
  for (int64_t i = 0; i < n && bp_sparse_nonzeros(s) > 0; i++)
    assert_true(bp_sparse_color(s)[i] >= 0 && bp_sparse_color(s)[i] < bp_sparse_colors(s));
}

/* The values, put into their places, are the dense matrix; also by the library's own bp_sparse_dense(). */
static void check_values(const bp_sparse *s, bp_var dense, bp_var x, const double *at) {
  size_t rows = (size_t)bp_sparse_rows(s), columns = (size_t)bp_sparse_columns(s), n = (size_t)bp_sparse_nonzeros(s);
  double *expected = calloc(rows * columns + 1, sizeof(double)), *put = calloc(rows * columns + 1, sizeof(double));
  double *filled = calloc(rows * columns + 1, sizeof(double)), *values = calloc(n + 1, sizeof(double));
  bp_var outputs[] = {bp_sparse_values(s), bp_sparse_dense(s), dense};
  bt_assert_ok(bp_graph_context(x.graph), bp_graph_status(x.graph));
  bt_assert_ok(bp_graph_context(x.graph),
               bp_eval(outputs, 3, &x, 1, 0, (const void *[]){at}, (void *[]){values, filled, expected}));
  for (size_t i = 0; i < rows; i++)
    for (int64_t e = bp_sparse_row_start(s)[i]; e < bp_sparse_row_start(s)[i + 1]; e++)
      put[i * columns + (size_t)bp_sparse_column(s)[e]] = values[e];
  bt_assert_close_f64(put, expected, rows * columns, 1e-12, 1e-13);
  bt_assert_close_f64(filled, put, rows * columns, 0, 0);
  free(expected), free(put), free(filled), free(values);
}

/* ---- random functions of known pattern ---- */
/* y[m] = Σ_t scatter(sin(x[a_t]) x[b_t] c_t): terms t with rows r_t and two variables each. */
typedef struct terms {
  int32_t row[64], a[64], b[64];
  int64_t n, rows, columns;
} terms;

static terms random_terms(uint64_t round) {
  terms t = {.n = (int64_t)(1 + bp_random_below(21, BP_PURPOSE_TEST, (uint32_t)round, 0, 24))};
  t.rows = (int64_t)(1 + bp_random_below(21, BP_PURPOSE_TEST, (uint32_t)round, 1, 9));
  t.columns = (int64_t)(1 + bp_random_below(21, BP_PURPOSE_TEST, (uint32_t)round, 2, 9));
  if (round % 25 == 0) t.n = 40, t.rows = 20, t.columns = 24; /* and some larger ones */
  for (int64_t i = 0; i < t.n; i++) {
    t.row[i] = (int32_t)bp_random_below(22, BP_PURPOSE_TEST, (uint32_t)round, (uint64_t)i, (uint64_t)t.rows);
    t.a[i] = (int32_t)bp_random_below(23, BP_PURPOSE_TEST, (uint32_t)round, (uint64_t)i, (uint64_t)t.columns);
    t.b[i] = (int32_t)bp_random_below(24, BP_PURPOSE_TEST, (uint32_t)round, (uint64_t)i, (uint64_t)t.columns);
  }
  return t;
}

static bp_var numbers(bp_graph *g, const int32_t *index, int64_t n) { return bp_constant(g, BP_I32, 1, &n, index); }

static bp_var term_values(const terms *t, bp_var x) {
  bp_graph *g = x.graph;
  bp_var a = bp_gather(x, numbers(g, t->a, t->n), BP_F64), b = bp_gather(x, numbers(g, t->b, t->n), BP_F64);
  return bp_mul(bp_sin(a), bp_add(bp_square(b), number(g, 1)));
}

static void random_jacobians_equal_dense_ones(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (uint64_t round = 0; round < 700; round++) {
    terms t = random_terms(round);
    double at[32];
    for (size_t i = 0; i < 32; i++) at[i] = uniform(25, 32 * round + i, 0.2, 1.2);
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", t.columns), y = bp_scatter_add(term_values(&t, x), numbers(g, t.row, t.n), t.rows), dense;
    bp_sparse *s;
    bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, (bp_compression)(round % 3), &s));
    for (int64_t i = 0; i < t.rows; i++)
      for (int64_t j = 0; j < t.columns; j++) {
        bool there = false;
        for (int64_t k = 0; k < t.n; k++) there |= t.row[k] == i && (t.a[k] == j || t.b[k] == j);
        assert_int_equal(in_pattern(s, i, j), there);
      }
    check_distance_two(s);
    check_colors_are_used(s, bp_sparse_compression(s) == BP_COMPRESS_ROWS ? t.rows : t.columns);
    bt_assert_ok(ctx, bp_jacobian(y, &x, 1, BP_MODE_AUTO, &dense));
    check_values(s, dense, x, at);
    bp_sparse_free(s);
    bp_graph_free(g);
  }
}

static void random_hessians_equal_dense_ones(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (uint64_t round = 1000; round < 1400; round++) {
    terms t = random_terms(round);
    double at[32];
    for (size_t i = 0; i < 32; i++) at[i] = uniform(26, 32 * round + i, 0.2, 1.2);
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", t.columns), y = total(term_values(&t, x)), dense;
    bp_sparse *s;
    bt_assert_ok(ctx, bp_sparse_hessian(y, x, NULL, &s));
    for (int64_t i = 0; i < t.columns; i++)
      for (int64_t j = 0; j < t.columns; j++) {
        bool there = false;
        for (int64_t k = 0; k < t.n; k++) {
          bool has_i = t.a[k] == i || t.b[k] == i, has_j = t.a[k] == j || t.b[k] == j;
          there |= has_i && has_j;
        }
        assert_int_equal(in_pattern(s, i, j), there);
      }
    assert_int_equal(bp_sparse_compression(s), BP_COMPRESS_SYMMETRIC);
    check_star(s);
    check_colors_are_used(s, t.columns);
    bt_assert_ok(ctx, bp_hessian(y, &x, 1, &dense));
    check_values(s, dense, x, at);
    bp_sparse_free(s);
    bp_graph_free(g);
  }
}

/* ---- shapes of matrices ---- */
/* y[i] = sin(x[i-1]) + x[i]² + x[i] x[i+1]: a band of three. */
static bp_var banded(bp_var x) {
  bp_var before = bp_pad(bp_slice(x, 0, 0, -1, 1), 0, 1, 0, 0),
         after = bp_pad(bp_slice(x, 0, 1, BP_END, 1), 0, 0, 1, 0);
  return bp_add(bp_sin(before), bp_mul(x, bp_add(x, after)));
}

static void a_band_of_ten_thousand_rows_takes_three_passes(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { ROWS = 10000 };
  double *at = malloc(ROWS * sizeof *at), *values = malloc(3 * ROWS * sizeof *values);
  for (size_t i = 0; i < ROWS; i++) at[i] = uniform(27, i, 0, 1);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", ROWS), y = banded(x);
  bp_sparse *s;
  size_t before = bp_graph_size(g);
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s));
  assert_int_equal(bp_sparse_colors(s), 3);
  assert_int_equal(bp_sparse_nonzeros(s), 3 * ROWS - 2);
  assert_true(bp_graph_size(g) - before < 60);
  value_of(bp_sparse_values(s), x, at, values);
  for (int64_t i = 0; i < ROWS; i++)
    for (int64_t e = bp_sparse_row_start(s)[i]; e < bp_sparse_row_start(s)[i + 1]; e++) {
      int64_t j = bp_sparse_column(s)[e];
      double expected = j == i - 1 ? cos(at[j]) : j == i ? 2 * at[i] + (i + 1 < ROWS ? at[i + 1] : 0) : at[i];
      bt_assert_close(values[e], expected, 1e-14, 1e-15);
    }
  bp_sparse_free(s);
  bp_graph_free(g);
  free(at);
  free(values);
}

static void a_tridiagonal_hessian_takes_three_passes(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { ROWS = 500 };
  double at[ROWS];
  for (size_t i = 0; i < ROWS; i++) at[i] = uniform(28, i, 0, 1);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", ROWS), dense;
  bp_var valley = bp_sub(bp_slice(x, 0, 1, BP_END, 1), bp_square(bp_slice(x, 0, 0, -1, 1))); /* Rosenbrock, chained */
  bp_var y = total(
      bp_add(bp_mul(number(g, 100), bp_square(valley)), bp_square(bp_sub(number(g, 1), bp_slice(x, 0, 0, -1, 1)))));
  bp_sparse *s;
  bt_assert_ok(ctx, bp_sparse_hessian(y, x, NULL, &s));
  assert_int_equal(bp_sparse_nonzeros(s), 3 * ROWS - 2);
  assert_int_equal(bp_sparse_colors(s), 3);
  bt_assert_ok(ctx, bp_hessian(y, &x, 1, &dense));
  check_values(s, dense, x, at);
  bp_sparse_free(s);
  bp_graph_free(g);
}

/* An arrow: x[0] meets everything. As a Jacobian it needs one colour per column, as a Hessian two. */
static void an_arrow_hessian_takes_two_passes(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { ROWS = 40 };
  double at[ROWS];
  for (size_t i = 0; i < ROWS; i++) at[i] = uniform(29, i, 0, 1);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", ROWS), head = bp_slice(x, 0, 0, 1, 1), y = total(bp_sin(bp_mul(x, head))), gradient, dense;
  bp_sparse *s, *j;
  bt_assert_ok(ctx, bp_sparse_hessian(y, x, NULL, &s));
  assert_int_equal(bp_sparse_nonzeros(s), 3 * ROWS - 2);
  assert_int_equal(bp_sparse_colors(s), 2);
  check_star(s);
  bt_assert_ok(ctx, bp_hessian(y, &x, 1, &dense));
  check_values(s, dense, x, at);
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &gradient));
  bt_assert_ok(ctx, bp_sparse_jacobian(gradient, x, NULL, BP_COMPRESS_AUTO, &j));
  assert_int_equal(bp_sparse_colors(j), ROWS);
  bp_sparse_free(j);
  bp_sparse_free(s);
  bp_graph_free(g);
}

/* A dense row: columns need n colours, rows two. The other way round for a dense column. */
static void rows_or_columns_whichever_needs_fewer(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { SIZE = 30 };
  double at[SIZE];
  for (size_t i = 0; i < SIZE; i++) at[i] = uniform(30, i, 0, 1);
  for (int round = 0; round < 2; round++) {
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", SIZE), sum = bp_expand(bp_log(total(bp_exp(x))), 0), dense;
    bp_var y = round == 0 ? bp_concat((bp_var[]){bp_square(x), sum}, 2, 0) : bp_mul(x, bp_slice(x, 0, 0, 1, 1));
    bp_sparse *s;
    bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s));
    assert_int_equal(bp_sparse_compression(s), round == 0 ? BP_COMPRESS_ROWS : BP_COMPRESS_COLUMNS);
    assert_int_equal(bp_sparse_colors(s), 2);
    bt_assert_ok(ctx, bp_jacobian(y, &x, 1, BP_MODE_AUTO, &dense));
    check_values(s, dense, x, at);
    bp_sparse_free(s);
    bp_graph_free(g);
  }
}

/* ---- what the detection knows ---- */
typedef bp_var (*function)(bp_var x);
static bp_var d_elementwise(bp_var x) { return bp_add(bp_sin(x), bp_pow(x, x)); }
static bp_var d_masked(bp_var x) {
  return bp_mul(x, bp_constant(x.graph, BP_F64, DIMS(2, 3), (double[]){1, 0, 2, 0, 0, 3}));
}
static bp_var d_chosen(bp_var x) {
  return bp_where(bp_constant(x.graph, BP_F64, DIMS(2, 3), (double[]){1, 0, 1, 0, 0, 1}), x, bp_flip(x, 1));
}
static bp_var d_matmul(bp_var x) {
  return bp_matmul(x, bp_transpose(bp_constant(x.graph, BP_F64, DIMS(2, 3), (double[]){1, 0, 0, 0, 1, 1}), NULL));
}
static bp_var d_matmul_right(bp_var x) {
  return bp_matmul_t(bp_constant(x.graph, BP_F64, DIMS(2, 2), (double[]){0, 1, 1, 0}), true, bp_square(x), false);
}
static bp_var d_matmul_both(bp_var x) { return bp_matmul_t(x, false, bp_exp(x), true); }
static bp_var d_matmul_stack(bp_var x) {
  return bp_matmul(bp_reshape(x, DIMS(3, 1, 2)), bp_constant(x.graph, BP_F64, DIMS(2, 2), (double[]){1, 1, 0, 1}));
}
static bp_var d_sum(bp_var x) { return bp_sum(bp_square(x), BP_AXIS(0)); }
static bp_var d_middle(bp_var x) { return bp_sum(bp_reshape(x, DIMS(1, 3, 2)), BP_AXIS(1)); }
static bp_var d_max(bp_var x) { return bp_reduce_max(x, BP_AXIS(1)); }
static bp_var d_logsumexp(bp_var x) { return bp_logsumexp(x); }
static bp_var d_softmax(bp_var x) { return bp_softmax(x); }
static bp_var d_broadcast(bp_var x) { return bp_mul(bp_slice(x, 0, 0, 1, 1), bp_slice(x, 1, 2, 3, 1)); }
static bp_var d_transpose(bp_var x) { return bp_transpose(bp_square(x), NULL); }
static bp_var d_slice(bp_var x) { return bp_slice(x, 1, -1, -BP_END, -2); }
static bp_var d_pad(bp_var x) { return bp_pad(bp_pad(x, 1, 1, 0, 7), 0, 0, 1, 7); }
static bp_var d_concat(bp_var x) {
  return bp_concat((bp_var[]){bp_square(x), bp_stop_gradient(x), bp_flip(x, 0)}, 3, 1);
}
static bp_var d_triangle(bp_var x) { return bp_tril(x, 0); }
static bp_var d_cumsum(bp_var x) { return bp_cumsum(x, 1); }
static bp_var d_cumsum_rows(bp_var x) { return bp_cumsum(bp_square(x), 0); }
static bp_var d_gather(bp_var x) { return bp_gather(x, numbers(x.graph, (int32_t[]){1, 1, 0}, 3), BP_F64); }
static bp_var d_scatter(bp_var x) { return bp_scatter_add(x, numbers(x.graph, (int32_t[]){2, 0}, 2), 3); }
static bp_var d_cross_entropy(bp_var x) { return bp_softmax_cross_entropy(x, numbers(x.graph, (int32_t[]){0, 2}, 2)); }
static bp_var d_norm(bp_var x) { return bp_norm(x, BP_AXIS(0)); }
static bp_var d_flat(bp_var x) { return bp_add(bp_floor(x), bp_greater(x, number(x.graph, 0))); }

/* rows: strings of one character per element of x; "*" where y depends on it. */
static const struct {
  function f;
  const char *rows[12];
} detections[] = {
    {d_elementwise, {"*.....", ".*....", "..*...", "...*..", "....*.", ".....*"}},
    {d_masked, {"*.....", "......", "..*...", "......", "......", ".....*"}},
    {d_chosen, {"*.....", ".*....", "..*...", ".....*", "....*.", ".....*"}},
    {d_matmul, {"*.....", ".**...", "...*..", "....**"}},
    {d_matmul_right, {"...*..", "....*.", ".....*", "*.....", ".*....", "..*..."}},
    {d_matmul_both, {"***...", "******", "******", "...***"}},
    {d_matmul_stack, {"*.....", "**....", "..*...", "..**..", "....*.", "....**"}},
    {d_sum, {"*..*..", ".*..*.", "..*..*"}},
    {d_middle, {"*.*.*.", ".*.*.*"}},
    {d_max, {"***...", "...***"}},
    {d_logsumexp, {"***...", "...***"}},
    {d_softmax, {"***...", "***...", "***...", "...***", "...***", "...***"}},
    {d_broadcast, {"*.*...", ".**...", "..*...", "*....*", ".*...*", "..*..*"}},
    {d_transpose, {"*.....", "...*..", ".*....", "....*.", "..*...", ".....*"}},
    {d_slice, {"..*...", "*.....", ".....*", "...*.."}},
    {d_pad,
     {"......", "*.....", ".*....", "..*...", "......", "...*..", "....*.", ".....*", "......", "......", "......",
      "......"}},
    {d_triangle, {"*.....", "......", "......", "...*..", "....*.", "......"}},
    {d_cumsum, {"*.....", "**....", "***...", "...*..", "...**.", "...***"}},
    {d_cumsum_rows, {"*.....", ".*....", "..*...", "*..*..", ".*..*.", "..*..*"}},
    {d_gather, {"...*..", "....*.", ".....*", "...*..", "....*.", ".....*", "*.....", ".*....", "..*..."}},
    {d_scatter, {"...*..", "....*.", ".....*", "......", "......", "......", "*.....", ".*....", "..*..."}},
    {d_cross_entropy, {"***...", "...***"}},
    {d_norm, {"*..*..", ".*..*.", "..*..*"}},
    {d_flat, {"......", "......", "......", "......", "......", "......"}},
};

static void every_operation_hands_on_what_it_should(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t k = 0; k < sizeof detections / sizeof *detections; k++) {
    bp_graph *g = new_graph(ctx);
    bp_var x = bp_input(g, "x", BP_F64, DIMS(2, 3)), y = detections[k].f(x);
    bp_sparse *s;
    bt_assert_ok(ctx, bp_sparsity(y, x, &s));
    assert_int_equal(bp_sparse_columns(s), 6);
    assert_int_equal(bp_sparse_colors(s), 0);
    assert_true(bp_var_is_zero(bp_sparse_values(s)));
    for (int64_t i = 0; i < bp_sparse_rows(s); i++)
      for (int64_t j = 0; j < 6; j++)
        if (in_pattern(s, i, j) != (detections[k].rows[i][j] == '*'))
          fail_msg("function %zu: element %d, %d", k, (int)i, (int)j);
    bp_sparse_free(s);
    bp_graph_free(g);
  }
}

/* Concatenations are wide: checked against the dense Jacobian instead. Unknown operations depend on everything. */
static void unknown_operations_depend_on_everything(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double at[6];
  for (size_t i = 0; i < 6; i++) at[i] = uniform(31, i, 0.5, 1.5);
  bp_var x = bp_input(g, "x", BP_F64, DIMS(2, 3)), y = d_concat(x), dense, index = bp_input(g, "i", BP_I32, DIMS(4));
  bp_sparse *s;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s));
  assert_int_equal(bp_sparse_nonzeros(s), 12);
  assert_int_equal(bp_sparse_colors(s), 1);
  bt_assert_ok(ctx, bp_jacobian(y, &x, 1, BP_MODE_AUTO, &dense));
  check_values(s, dense, x, at);
  bp_sparse_free(s);
  bp_var gram = bp_add(bp_matmul_t(x, false, x, true), bp_constant(g, BP_F64, DIMS(2, 2), (double[]){1, 0, 0, 1}));
  bt_assert_ok(ctx, bp_sparsity(bp_cholesky(gram), x, &s));
  assert_int_equal(bp_sparse_nonzeros(s), 24);
  bp_sparse_free(s);
  bt_assert_ok(ctx, bp_sparsity(bp_gather(x, index, BP_F64), x, &s)); /* any row, but the same column */
  assert_int_equal(bp_sparse_nonzeros(s), 4 * 3 * 2);
  assert_true(in_pattern(s, 1, 1) && in_pattern(s, 1, 4) && !in_pattern(s, 1, 2));
  bp_sparse_free(s);
  bp_graph_free(g);
}

static void what_does_not_depend_is_empty(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double at[3] = {1, 2, 3};
  bp_var x = vector(g, "x", 3), z = vector(g, "z", 2), dense;
  bp_sparse *s;
  bt_assert_ok(ctx, bp_sparse_jacobian(bp_square(x), z, NULL, BP_COMPRESS_AUTO, &s));
  assert_int_equal(bp_sparse_nonzeros(s), 0);
  assert_int_equal(bp_sparse_colors(s), 0);
  assert_int_equal(elements_of(bp_sparse_values(s)), 0);
  bp_sparse_free(s);
  bt_assert_ok(ctx, bp_sparse_hessian(total(bp_mul(x, number(g, 3))), x, NULL, &s));
  assert_int_equal(bp_sparse_nonzeros(s), 0);
  bt_assert_ok(ctx, bp_hessian(total(x), &x, 1, &dense));
  check_values(s, dense, x, at);
  bp_sparse_free(s);
  bp_graph_free(g);
}

/* ---- using them ---- */
static void values_can_be_differentiated_again(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  enum { SIZE = 7 };
  double at[SIZE], sparse[SIZE * SIZE], dense[SIZE * SIZE];
  for (size_t i = 0; i < SIZE; i++) at[i] = uniform(32, i, 0, 1);
  bp_var x = vector(g, "x", SIZE), y = banded(x), j, a, b;
  bp_sparse *s;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s));
  bt_assert_ok(ctx, bp_jacobian(y, &x, 1, BP_MODE_AUTO, &j));
  bt_assert_ok(ctx, bp_hessian(total(bp_square(bp_sparse_values(s))), &x, 1, &a));
  bt_assert_ok(ctx, bp_hessian(total(bp_square(j)), &x, 1, &b));
  value_of(a, x, at, sparse);
  value_of(b, x, at, dense);
  bt_assert_close_f64(sparse, dense, SIZE * SIZE, 1e-12, 1e-13);
  bp_sparse_free(s);
  bp_graph_free(g);
}

static void the_product_with_a_vector_is_that_of_the_matrix(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  enum { SIZE = 9 };
  double at[SIZE], direction[SIZE], product[SIZE], expected[SIZE];
  for (size_t i = 0; i < SIZE; i++) at[i] = uniform(33, i, 0, 1), direction[i] = uniform(34, i, -1, 1);
  bp_var x = vector(g, "x", SIZE), v = vector(g, "v", SIZE), y = banded(x), in[] = {x, v}, out[2];
  bp_sparse *s;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_ROWS, &s));
  out[0] = bp_sparse_times(s, v);
  bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &v, 1, &out[1]));
  values_of(out, 2, in, 2, (const void *[]){at, direction}, (double *[]){product, expected});
  bt_assert_close_f64(product, expected, SIZE, 1e-13, 1e-14);
  bp_sparse_free(s);
  bp_graph_free(g);
}

static void a_pattern_can_be_given_and_kept(void **state) {
  bp_context *ctx = bt_ctx(state);
  const int64_t start[] = {0, 2, 5, 7};
  const int32_t column[] = {0, 1, 0, 1, 2, 1, 2};
  double at[3] = {0.2, 0.4, 0.9};
  bp_sparse *pattern, *s;
  bt_assert_ok(ctx, bp_sparse_from_pattern(ctx, 3, 3, start, column, &pattern));
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", 3), y = banded(x), dense;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, pattern, BP_COMPRESS_COLUMNS, &s));
  bt_assert_ok(ctx, bp_jacobian(y, &x, 1, BP_MODE_AUTO, &dense));
  check_values(s, dense, x, at);
  bp_sparse_free(s);
  bt_assert_ok(ctx, bp_sparse_hessian(total(bp_square(x)), x, pattern, &s)); /* wider than needed */
  bt_assert_ok(ctx, bp_hessian(total(bp_square(x)), &x, 1, &dense));
  check_values(s, dense, x, at);
  bp_graph_free(g);
  assert_int_equal(bp_sparse_nonzeros(s), 7); /* patterns outlive their graph */
  bp_sparse_free(s);
  bp_sparse_free(pattern);
}

/* ---- refusals ---- */
static void bad_patterns_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_sparse *s = NULL, *good;
  const int32_t column[] = {0, 1, 2};
  bt_assert_fails(ctx, BP_E_ARG, bp_sparse_from_pattern(ctx, 1, 2, (int64_t[]){0, 3}, column, &s));
  bt_assert_message(ctx, "row 0 has column 2 at place 2");
  bt_assert_fails(ctx, BP_E_ARG, bp_sparse_from_pattern(ctx, 2, 3, (int64_t[]){0, 2, 1}, column, &s));
  bt_assert_fails(ctx, BP_E_ARG, bp_sparse_from_pattern(ctx, 1, 3, (int64_t[]){1, 2}, column, &s));
  bt_assert_fails(ctx, BP_E_ARG, bp_sparse_from_pattern(ctx, 1, 3, (int64_t[]){0, 2}, (int32_t[]){1, 1}, &s));
  bt_assert_fails(ctx, BP_E_ARG, bp_sparse_from_pattern(ctx, 1, 3, (int64_t[]){0, 1}, (int32_t[]){-1}, &s));
  bt_assert_ok(ctx, bp_sparse_from_pattern(ctx, 2, 2, (int64_t[]){0, 2, 3}, (int32_t[]){0, 1, 1}, &good));
  for (int i = 0; i < 5; i++) { /* a refusal is recorded on the graph, so each has one of its own */
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", 3), two = vector(g, "two", 2), batch = bp_input(g, "batch", BP_F64, DIMS(BP_BATCH, 2));
    if (i == 0) bt_assert_fails(ctx, BP_E_SHAPE, bp_sparse_jacobian(bp_square(x), x, good, BP_COMPRESS_AUTO, &s));
    if (i == 0) bt_assert_message(ctx, "the pattern is 2 by 2, y has 3 elements and x has 3");
    if (i == 1) bt_assert_fails(ctx, BP_E_ARG, bp_sparse_hessian(total(bp_square(two)), two, good, &s));
    if (i == 1) bt_assert_message(ctx, "not symmetric");
    if (i == 2) bt_assert_fails(ctx, BP_E_ARG, bp_sparse_jacobian(bp_square(x), x, NULL, BP_COMPRESS_SYMMETRIC, &s));
    if (i == 3) bt_assert_fails(ctx, BP_E_SHAPE, bp_sparse_hessian(bp_square(x), x, NULL, &s));
    if (i == 4) bt_assert_fails(ctx, BP_E_SHAPE, bp_sparsity(bp_square(batch), batch, &s));
    assert_true(bp_graph_status(g) != BP_OK);
    assert_null(s);
    bp_graph_free(g);
  }
  bp_sparse_free(NULL);
  bp_sparse_free(good);
}

static bp_status sparse_job(bp_context *ctx, void *user) {
  bp_graph *g;
  bp_sparse *s[2] = {(bp_sparse *)&g, (bp_sparse *)&g};
  (void)user;
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var x = bp_input(g, "x", BP_F64, DIMS(2, 3)), y = bp_mul(d_masked(x), bp_exp(x));
  bp_var flat = bp_reshape(x, DIMS(6)), loss = total(banded(flat));
  assert_true((bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s[0]) == BP_OK) == (s[0] != NULL));
  assert_true((bp_sparse_hessian(loss, x, NULL, &s[1]) == BP_OK) == (s[1] != NULL));
  (void)bp_sparse_dense(s[0]); /* as a program does that checks its last call only */
  (void)bp_sparse_times(s[1], flat);
  (void)bp_exp(bp_sparse_values(s[0]));
  status = bp_graph_status(g);
  bp_sparse_free(s[0]);
  bp_sparse_free(s[1]);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(sparse_job, NULL) > 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(random_jacobians_equal_dense_ones),
      BT_TEST(random_hessians_equal_dense_ones),
      BT_TEST(a_band_of_ten_thousand_rows_takes_three_passes),
      BT_TEST(a_tridiagonal_hessian_takes_three_passes),
      BT_TEST(an_arrow_hessian_takes_two_passes),
      BT_TEST(rows_or_columns_whichever_needs_fewer),
      BT_TEST(every_operation_hands_on_what_it_should),
      BT_TEST(unknown_operations_depend_on_everything),
      BT_TEST(what_does_not_depend_is_empty),
      BT_TEST(values_can_be_differentiated_again),
      BT_TEST(the_product_with_a_vector_is_that_of_the_matrix),
      BT_TEST(a_pattern_can_be_given_and_kept),
      BT_TEST(bad_patterns_are_refused),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
