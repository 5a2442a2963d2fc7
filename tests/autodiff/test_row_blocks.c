/* Jacobians of what picks rows and works row by row: blocks against dense Jacobians, colourings, differences and derivatives by hand. */
/* labels: grad prop */
#include "autodiff/derivative_fixtures.h"

#include "../../examples/ba_objective.h"

static bp_var numbers(bp_graph *g, const int32_t *index, int64_t n) { return bp_constant(g, BP_I32, 1, &n, index); }
static bp_var column(bp_var v, int64_t i) { return bp_slice(v, 1, i, i + 1, 1); }

/* ---- against other roads ---- */
static void check_same_pattern(const bp_sparse *a, const bp_sparse *b) {
  assert_int_equal(bp_sparse_nonzeros(a), bp_sparse_nonzeros(b));
  for (int64_t i = 0; i <= bp_sparse_rows(a); i++)
    assert_int_equal(bp_sparse_row_start(a)[i], bp_sparse_row_start(b)[i]);
  for (int64_t e = 0; e < bp_sparse_nonzeros(a); e++) assert_int_equal(bp_sparse_column(a)[e], bp_sparse_column(b)[e]);
}

/* Values in their places are the dense Jacobian, which central differences confirm. */
static void check_dense(const bp_sparse *s, bp_var y, bp_var x, const double *at) {
  size_t m = elements_of(y), n = elements_of(x), nonzeros = (size_t)bp_sparse_nonzeros(s);
  double *values = calloc(nonzeros + 1, sizeof(double)), *put = calloc(m * n + 1, sizeof(double));
  double *expected = calloc(m * n + 1, sizeof(double)), *differences = calloc(m * n + 1, sizeof(double));
  bp_var dense;
  bt_assert_ok(bp_graph_context(y.graph), bp_jacobian(y, &x, 1, BP_MODE_FORWARD, &dense));
  values_of((bp_var[]){bp_sparse_values(s), dense}, 2, &x, 1, (const void *[]){at}, (double *[]){values, expected});
  for (size_t i = 0; i < m; i++)
    for (int64_t e = bp_sparse_row_start(s)[i]; e < bp_sparse_row_start(s)[i + 1]; e++)
      put[i * n + (size_t)bp_sparse_column(s)[e]] = values[e];
  bt_assert_close_f64(put, expected, m * n, 1e-11, 1e-12);
  differences_of(y, x, at, differences);
  bt_assert_close_f64(put, differences, m * n, 1e-6, 1e-7);
  free(values), free(put), free(expected), free(differences);
}

/* blocks: how many passes are expected, 0: colours are. */
static void check_function(bp_context *ctx, bp_var y, bp_var x, const double *at, int passes) {
  bp_sparse *s, *by_columns, *pattern;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s));
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_COLUMNS, &by_columns));
  bt_assert_ok(ctx, bp_sparsity(y, x, &pattern));
  assert_int_equal(bp_sparse_compression(s) == BP_COMPRESS_BLOCKS, passes > 0);
  if (passes > 0) assert_int_equal(bp_sparse_colors(s), passes);
  if (passes > 0) assert_null(bp_sparse_color(s));
  check_same_pattern(s, by_columns);
  check_same_pattern(s, pattern);
  check_dense(s, y, x, at);
  bp_sparse_free(s);
  bp_sparse_free(by_columns);
  bp_sparse_free(pattern);
}

/* ---- functions of x [17]: a table [4, 3] and five more numbers, picked into 6 rows ---- */
enum { ROWS = 6, TABLE = 4, WIDE = 3, SIZE = TABLE * WIDE + 5 };
static const int32_t one[] = {0, 3, 1, 1, 2, 0}, two[] = {1, 3, 2, 0, 2, 1}, pick[] = {0, 4, 2, 3, 1, 4};

typedef struct rows {
  bp_var x, table, a, b, c; /* a, b [6, 3]: picked rows; c [6, 1] */
} rows;

static rows picked(bp_var x) {
  bp_graph *g = x.graph;
  rows r = {.x = x};
  r.table = bp_reshape(bp_slice(x, 0, 0, TABLE * WIDE, 1), DIMS(TABLE, WIDE));
  r.a = bp_gather(r.table, numbers(g, one, ROWS), BP_F64);
  r.b = bp_gather(r.table, numbers(g, two, ROWS), BP_F64);
  r.c = bp_gather(bp_reshape(bp_slice(x, 0, TABLE * WIDE, BP_END, 1), DIMS(5, 1)), numbers(g, pick, ROWS), BP_F64);
  return r;
}

typedef bp_var (*function)(const rows *r);
static bp_var f_columns(const rows *r) { /* by columns, two roots side by side */
  bp_var u = bp_mul(bp_sin(column(r->a, 0)), column(r->b, 2)), v = bp_mul(r->c, bp_exp(column(r->a, 1)));
  return bp_concat((bp_var[]){u, bp_add(u, v)}, 2, 1);
}
static bp_var f_whole(const rows *r) { /* whole rows; some columns of them too */
  return bp_add(bp_sum(bp_mul(r->a, bp_sin(r->b)), BP_AXIS(1)), bp_reshape(bp_square(column(r->a, 1)), DIMS(ROWS)));
}
static bp_var f_twice(const rows *r) { /* where both picks are the same row, two columns of leaves are one of x */
  return bp_mul(column(r->a, 1), bp_exp(column(r->b, 1)));
}
static bp_var f_product(const rows *r) { /* one root of two columns */
  return bp_matmul(bp_tanh(r->a), bp_constant(r->x.graph, BP_F64, DIMS(3, 2), (double[]){1, 2, 0, -1, 3, 0}));
}
static bp_var f_shared(const rows *r) { /* one number for all rows */
  bp_var k = bp_slice(r->x, 0, 16, 17, 1);
  return bp_mul(bp_mul(column(r->a, 0), k), bp_sin(column(r->b, 0)));
}
static bp_var f_joined(const rows *r) { /* pieces of other lengths behind it, one of them x itself */
  bp_var u = bp_reshape(bp_mul(r->a, r->a), DIMS(ROWS * WIDE));
  return bp_concat((bp_var[]){bp_slice(u, 0, 0, 6, 1), bp_slice(r->x, 0, 3, 8, 1), bp_cos(bp_slice(r->x, 0, 12, 17, 1)),
                              bp_slice(u, 0, 6, 18, 1)},
                   4, 0);
}
static bp_var f_reordered(const rows *r) { /* y picks, turns round and pads */
  bp_var u = bp_transpose(f_columns(r), NULL);
  u = bp_gather(bp_flip(u, 1), numbers(r->x.graph, (int32_t[]){1, 0, 1}, 3), BP_F64);
  return bp_pad(u, 1, 1, 0, 3);
}
static bp_var f_masked(const rows *r) { /* some rows do not count, and one is a constant */
  bp_graph *g = r->x.graph;
  bp_var mask = bp_constant(g, BP_F64, DIMS(ROWS, 1), (double[]){1, 0, 2, 0, 1, 1});
  bp_var chosen = bp_constant(g, BP_F64, DIMS(ROWS, 1), (double[]){1, 1, 0, 0, 1, 0});
  return bp_where(chosen, bp_mul(column(r->a, 0), mask), bp_mul(bp_square(r->c), column(r->b, 1)));
}
static bp_var f_gather_last(const rows *r) { /* computed first, picked afterwards */
  bp_var u = bp_sum(bp_square(r->table), BP_AXIS(1));
  return bp_gather(u, numbers(r->x.graph, two, ROWS), BP_F64);
}
static bp_var f_stack(const rows *r) { /* a small matrix in each row */
  bp_var u = bp_reshape(r->a, DIMS(ROWS, 3, 1)), v = bp_reshape(r->b, DIMS(ROWS, 1, 3));
  return bp_sum(bp_matmul(u, bp_sin(v)), BP_AXIS(1));
}
static bp_var f_part(const rows *r) { /* two columns of four are wanted, the last one first */
  bp_var u = bp_matmul(bp_tanh(r->a),
                       bp_constant(r->x.graph, BP_F64, DIMS(3, 4), (double[]){1, 2, 3, 4, 0, -1, 2, 1, 3, 0, 1, 5}));
  return bp_slice(u, 1, -1, 0, -2);
}
static bp_var f_norm(const rows *r) { return bp_norm(bp_add(r->a, r->c), BP_AXIS(1)); }
static bp_var f_cumulated(const rows *r) { return bp_logsumexp(bp_cumsum(bp_mul(r->a, r->b), 1)); }

/* Not row by row: rows meet, or what is picked was computed from several. */
static bp_var f_added(const rows *r) { return bp_sum(bp_mul(r->a, r->b), BP_AXIS(0)); }
static bp_var f_running(const rows *r) { return bp_cumsum(bp_sin(r->a), 0); }
static bp_var f_turned(const rows *r) { return bp_matmul_t(bp_sin(r->a), false, r->b, true); }
static bp_var f_scattered(const rows *r) { return bp_scatter_add(bp_sin(r->a), numbers(r->x.graph, two, ROWS), TABLE); }
static bp_var f_shifted(const rows *r) { return bp_mul(r->a, bp_flip(bp_sin(r->a), 0)); }
static bp_var f_itself(const rows *r) {
  return bp_mul(bp_slice(bp_sin(r->x), 0, 0, ROWS, 1), bp_reshape(r->c, DIMS(ROWS)));
}

static const struct {
  function f;
  int passes; /* of blocks, in the mode with less work; 0: not blocks; -1: blocks when asked for, since one colour does */
} functions[] = {
    {f_columns, 4}, {f_whole, 1},     {f_twice, 1},     {f_product, 2},     {f_shared, 1},
    {f_joined, -1}, {f_masked, 1},    {f_reordered, 4}, {f_gather_last, 1}, {f_stack, 3},
    {f_norm, 1},    {f_part, 2},      {f_cumulated, 1}, {f_added, 0},       {f_running, 0},
    {f_turned, 0},  {f_scattered, 0}, {f_shifted, 0},   {f_itself, 0},
};

static void fill(double *at, size_t n, uint64_t stream) {
  for (size_t i = 0; i < n; i++) at[i] = uniform(stream, i, 0.3, 1.3);
}

static void every_function_of_picked_rows_has_the_dense_jacobian(void **state) {
  bp_context *ctx = bt_ctx(state);
  double at[SIZE];
  fill(at, SIZE, 51);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", SIZE);
    rows r = picked(x);
    bp_var y = functions[i].f(&r);
    bp_sparse *s;
    bt_assert_ok(ctx, bp_graph_status(g));
    if (functions[i].passes >= 0)
      check_function(ctx, y, x, at, functions[i].passes);
    else {
      bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_BLOCKS, &s));
      check_dense(s, y, x, at);
      bp_sparse_free(s);
    }
    if (functions[i].passes == 0)
      bt_assert_fails(ctx, BP_E_ARG, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_BLOCKS, &s));
    bp_graph_free(g);
  }
}

/* The same functions put together at random: rows multiplied, chosen columns, other row numbers. */
static void random_functions_of_picked_rows_have_the_dense_jacobian(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (uint64_t round = 0; round < 60; round++) {
    double at[SIZE];
    int32_t index[3][ROWS];
    fill(at, SIZE, 60 + round);
    for (uint64_t k = 0; k < 3 * ROWS; k++)
      index[k / ROWS][k % ROWS] = (int32_t)bp_random_below(52, BP_PURPOSE_TEST, (uint32_t)round, k, k < 12 ? TABLE : 5);
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", SIZE);
    rows r = picked(x);
    r.a = bp_gather(r.table, numbers(g, index[0], ROWS), BP_F64),
    r.b = bp_gather(r.table, numbers(g, index[1], ROWS), BP_F64);
    r.c = bp_gather(bp_reshape(bp_slice(x, 0, 12, BP_END, 1), DIMS(5, 1)), numbers(g, index[2], ROWS), BP_F64);
    static const function parts[] = {f_columns, f_twice, f_shared, f_masked, f_product};
    bp_var u = parts[round % 5](&r), v = parts[round / 5 % 5](&r);
    bp_var y = bp_concat((bp_var[]){bp_sin(u), bp_mul(column(u, 0), column(v, 0)), v}, 3, 1);
    bp_sparse *s, *by_columns;
    bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_BLOCKS, &s));
    bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_COLUMNS, &by_columns));
    check_same_pattern(s, by_columns);
    check_dense(s, y, x, at);
    bp_sparse_free(s);
    bp_sparse_free(by_columns);
    bp_graph_free(g);
  }
}

/* ---- bundle adjustment ---- */
static void bundle_adjustment_takes_a_pass_for_each_error(void **state) {
  bp_context *ctx = bt_ctx(state);
  ba_problem b;
  assert_true(ba_init(&b, 3, 9, 20));
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", ba_parameters(&b)), y = bp_reshape(ba_reprojection(&b, x), DIMS(2 * b.p));
  check_function(ctx, y, x, b.x, 2);
  y = bp_concat((bp_var[]){y, ba_weight_errors(&b, x)}, 2, 0);
  bp_sparse *s;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_BLOCKS, &s));
  assert_int_equal(bp_sparse_colors(s), 3);
  assert_int_equal(bp_sparse_nonzeros(s), (28 + 1) * b.p); /* u₀ moves the first error only, v₀ the second */
  check_dense(s, y, x, b.x);
  bp_sparse_free(s);
  bp_graph_free(g);
  ba_release(&b);
}

/* Where element (i, j) of the Jacobian is in the block that ba_by_hand() writes. */
static int64_t place_by_hand(const ba_problem *b, int64_t row, int64_t column_of_x) {
  int64_t i = row / 2, points = BA_CAMERA * b->n, weights = points + BA_POINT * b->m;
  if (column_of_x >= weights) return column_of_x - weights == i ? BA_LOCAL - 1 : -1;
  if (column_of_x >= points)
    return (column_of_x - points) / 3 == b->point[i] ? BA_CAMERA + (column_of_x - points) % 3 : -1;
  return column_of_x / BA_CAMERA == b->camera[i] ? column_of_x % BA_CAMERA : -1;
}

static void a_thousand_observations_equal_the_derivatives_by_hand(void **state) {
  bp_context *ctx = bt_ctx(state);
  ba_problem b;
  assert_true(ba_init(&b, 21, 300, 1000));
  size_t n = (size_t)(2 * b.p * BA_LOCAL);
  double *errors = calloc((size_t)(2 * b.p), sizeof(double)), *hand = calloc(n, sizeof(double));
  ba_by_hand(&b, errors, hand);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", ba_parameters(&b)), y = ba_reprojection(&b, x);
  bp_sparse *s;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s));
  assert_int_equal(bp_sparse_compression(s), BP_COMPRESS_BLOCKS);
  double *values = calloc((size_t)bp_sparse_nonzeros(s), sizeof(double)),
         *f = calloc((size_t)(2 * b.p), sizeof(double));
  values_of((bp_var[]){bp_sparse_values(s), y}, 2, &x, 1, (const void *[]){b.x}, (double *[]){values, f});
  bt_assert_close_f64(f, errors, (size_t)(2 * b.p), 1e-12, 1e-12);
  for (int64_t i = 0; i < 2 * b.p; i++) {
    assert_int_equal(bp_sparse_row_start(s)[i], 14 * i);
    for (int64_t e = 14 * i; e < 14 * i + 14; e++) {
      int64_t place = place_by_hand(&b, i, bp_sparse_column(s)[e]);
      assert_true(place >= 0);
      bt_assert_close(values[e], hand[i * BA_LOCAL + place], 1e-11, 1e-10);
    }
  }
  bp_sparse_free(s);
  bp_graph_free(g);
  free(errors), free(hand), free(values), free(f);
  ba_release(&b);
}

/* ---- patterns given, derivatives of the values ---- */
static void a_wider_pattern_can_be_given(void **state) {
  bp_context *ctx = bt_ctx(state);
  double at[SIZE];
  fill(at, SIZE, 53);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", SIZE);
  rows r = picked(x);
  bp_var y = bp_reshape(f_twice(&r), DIMS(ROWS));
  int64_t start[ROWS + 1];
  int32_t column_of[ROWS * SIZE];
  for (int64_t i = 0; i <= ROWS; i++) start[i] = SIZE * i;
  for (int32_t e = 0; e < ROWS * SIZE; e++) column_of[e] = e % SIZE;
  bp_sparse *full, *s;
  bt_assert_ok(ctx, bp_sparse_from_pattern(ctx, ROWS, SIZE, start, column_of, &full));
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, full, BP_COMPRESS_AUTO, &s));
  assert_int_equal(bp_sparse_compression(s), BP_COMPRESS_BLOCKS);
  assert_int_equal(bp_sparse_nonzeros(s), ROWS * SIZE);
  check_dense(s, y, x, at);
  bp_sparse_free(s);
  bp_sparse_free(full);
  bp_graph_free(g);
}

static void values_of_blocks_can_be_differentiated_again(void **state) {
  bp_context *ctx = bt_ctx(state);
  double at[SIZE], by_blocks[SIZE], by_colors[SIZE];
  fill(at, SIZE, 54);
  bp_graph *g = new_graph(ctx);
  bp_var x = vector(g, "x", SIZE), a, b;
  rows r = picked(x);
  bp_var y = f_columns(&r);
  bp_sparse *s, *c;
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_BLOCKS, &s));
  bt_assert_ok(ctx, bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_ROWS, &c));
  bt_assert_ok(ctx, bp_grad(total(bp_square(bp_sparse_values(s))), &x, 1, &a));
  bt_assert_ok(ctx, bp_grad(total(bp_square(bp_sparse_values(c))), &x, 1, &b));
  value_of(a, x, at, by_blocks);
  value_of(b, x, at, by_colors);
  bt_assert_close_f64(by_blocks, by_colors, SIZE, 1e-11, 1e-12);
  bp_sparse_free(s);
  bp_sparse_free(c);
  bp_graph_free(g);
}

/* ---- row by row, with and without a batch ---- */
static bp_var row_function(bp_var z, int which) {
  bp_var u = bp_mul(bp_sin(column(z, 0)), column(z, 3)), v = bp_exp(bp_mul(column(z, 1), column(z, 1)));
  bp_var w = bp_sum(bp_square(bp_slice(z, 1, 1, 4, 2)), BP_AXIS(1));
  if (which == 0) return bp_concat((bp_var[]){u, v, column(z, 4)}, 3, 1);
  if (which == 1) return bp_mul(bp_sum(bp_sin(z), BP_AXIS(1)), w);
  if (which == 2) return bp_concat((bp_var[]){bp_mul(u, v), bp_stop_gradient(u), bp_flip(bp_square(z), 1)}, 3, 1);
  return bp_concat((bp_var[]){u, bp_mul(u, column(z, 2))}, 2, 1);
}

static void rows_of_columns_equal_the_dense_jacobian(void **state) {
  bp_context *ctx = bt_ctx(state);
  static const bp_mode modes[] = {BP_MODE_AUTO, BP_MODE_FORWARD, BP_MODE_REVERSE};
  enum { B = 3, N = 5 };
  double at[B * N];
  fill(at, B * N, 55);
  for (int which = 0; which < 4; which++)
    for (int batch = 0; batch < 2; batch++)
      for (size_t k = 0; k < 3; k++) {
        bp_graph *g = new_graph(ctx);
        bp_var z = bp_input(g, "z", BP_F64, DIMS(batch ? BP_BATCH : B, N)), y = row_function(z, which), j, dense;
        bp_var one_z = bp_input(g, "one", BP_F64, DIMS(1, N)), one_y = row_function(one_z, which);
        bt_assert_ok(ctx, bp_jacobian_rows(y, z, modes[k], &j));
        bt_assert_ok(ctx, bp_jacobian(one_y, &one_z, 1, BP_MODE_FORWARD, &dense));
        size_t m = elements_of(one_y);
        double *rows_j = calloc(B * m * N, sizeof(double)), *expected = calloc(m * N, sizeof(double));
        bt_assert_ok(ctx, bp_eval(&j, 1, &z, 1, B, (const void *[]){at}, (void *[]){rows_j}));
        for (size_t row = 0; row < B; row++) {
          value_of(dense, one_z, at + row * N, expected);
          bt_assert_close_f64(rows_j + row * m * N, expected, m * N, 1e-12, 1e-13);
        }
        free(rows_j), free(expected);
        bp_graph_free(g);
      }
}

static int64_t flops_of(bp_context *ctx, bp_var y, bp_var x) {
  bp_program *p;
  bt_assert_ok(ctx, bp_compile(&y, 1, &x, 1, NULL, &p));
  int64_t flops = bp_program_cost(p, 0).flops;
  bp_program_free(p);
  return flops;
}

/* Two numbers a row each, but one of y depends on nothing much: the cheaper mode is not the one with fewer passes. */
static void the_mode_of_rows_is_the_cheaper_one(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int which = 0; which < 2; which++) {
    bp_graph *g = new_graph(ctx);
    bp_var z = bp_input(g, "z", BP_F64, DIMS(64, 3)), y, chosen, forward, reverse;
    bp_var long_way = column(z, 0);
    for (int i = 0; i < 20; i++) long_way = bp_sin(long_way);
    y = which == 0 /* fewer outputs, but each goes back through everything that only one input goes up through */
            ? bp_concat((bp_var[]){bp_mul(long_way, column(z, 1)), bp_mul(long_way, column(z, 2))}, 2, 1)
            : bp_mul(long_way, bp_mul(column(z, 1), column(z, 2)));
    bt_assert_ok(ctx, bp_jacobian_rows(y, z, BP_MODE_AUTO, &chosen));
    bt_assert_ok(ctx, bp_jacobian_rows(y, z, BP_MODE_FORWARD, &forward));
    bt_assert_ok(ctx, bp_jacobian_rows(y, z, BP_MODE_REVERSE, &reverse));
    int64_t cost = flops_of(ctx, chosen, z), up = flops_of(ctx, forward, z), down = flops_of(ctx, reverse, z);
    if (!(cost <= up && cost <= down))
      fail_msg("chosen %d, forward %d, reverse %d flops", (int)cost, (int)up, (int)down);
    bp_graph_free(g);
  }
}

/* ---- memory ---- */
static bp_status blocks_job(bp_context *ctx, void *user) {
  bp_graph *g;
  bp_sparse *s[2] = {NULL, NULL};
  bp_var j;
  (void)user;
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var x = vector(g, "x", SIZE), z = bp_input(g, "z", BP_F64, DIMS(3, 5));
  rows r = picked(x);
  bp_var y = f_columns(&r), t = f_twice(&r), w = row_function(z, 3);
  status = bp_graph_status(g);
  if (status == BP_OK) status = bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_BLOCKS, &s[0]);
  if (status == BP_OK) status = bp_sparse_jacobian(t, x, NULL, BP_COMPRESS_AUTO, &s[1]);
  if (status != BP_OK) assert_null(s[1]);
  if (status == BP_OK) status = bp_jacobian_rows(w, z, BP_MODE_REVERSE, &j);
  bp_sparse_free(s[0]);
  bp_sparse_free(s[1]);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(blocks_job, NULL) > 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_function_of_picked_rows_has_the_dense_jacobian),
      BT_TEST(random_functions_of_picked_rows_have_the_dense_jacobian),
      BT_TEST(bundle_adjustment_takes_a_pass_for_each_error),
      BT_TEST(a_thousand_observations_equal_the_derivatives_by_hand),
      BT_TEST(a_wider_pattern_can_be_given),
      BT_TEST(values_of_blocks_can_be_differentiated_again),
      BT_TEST(rows_of_columns_equal_the_dense_jacobian),
      BT_TEST(the_mode_of_rows_is_the_cheaper_one),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
