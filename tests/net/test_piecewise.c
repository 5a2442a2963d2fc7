/* labels: unit grad oom */
/* The piecewise-linear encoding of numbers as a layer: against its formula written out, by differences, and what it refuses. */
#include <float.h>

#include "backprop/gradcheck.h"
#include "backprop/ops.h"
#include "base/fail.h"
#include "net/layer_fixtures.h"

/* e_t of x, t from 1 to T, by the cases of Gorishniy, Rubachev and Babenko (2022). */
static double piece(const bp_piecewise_column *c, int64_t t, double x) {
  int64_t last = c->count - 1;
  const double *b = c->edges;
  if (t > 1 && x < b[t - 1]) return 0;
  if (t < last && x >= b[t]) return 1;
  return (x - b[t - 1]) / (b[t] - b[t - 1]);
}

/* All columns of x, and behind them the pieces of those that are listed. */
static void encode(const bp_piecewise_column *columns, size_t n, int64_t inputs, const double *x, double *out) {
  for (int64_t i = 0; i < inputs; i++) *out++ = x[i];
  for (size_t c = 0; c < n; c++)
    for (int64_t t = 1; t < columns[c].count; t++) *out++ = piece(&columns[c], t, x[columns[c].column]);
}

static void three_columns_by_hand(void **state) {
  static const double a[] = {-1, 0, 2, 2.5}, b[] = {10, 20};
  static const bp_piecewise_column columns[] = {{0, 4, a}, {2, 2, b}};
  /* below the first edge, at edges, between them, above the last */
  static const double x[] = {-3, 7, 5, -1, 7, 10, 0, 7, 15, 1, 7, 20, 2.5, 7, 30, 4.5, 7, 10};
  static const double expected[] = {-3, 7, 5,  -2, 0,   0, -0.5, -1,  7, 10, 0, 0, 0, 0, 0,   7, 15, 1, 0, 0, 0.5,
                                    1,  7, 20, 1,  0.5, 0, 1,    2.5, 7, 30, 1, 1, 1, 2, 4.5, 7, 10, 1, 1, 5, 0};
  double z[6 * 7];
  nt_setup s = nt_begin(state, 3);
  bt_assert_ok(s.ctx, bp_net_piecewise(s.ctx, s.net, columns, 2));
  assert_int_equal(bp_net_outputs(s.net), 7);
  assert_int_equal(bp_net_params(s.net), 0);
  nt_apply(&s, (nt_run){.threads = 1}, 6, x, z);
  bt_assert_close_f64(z, expected, 42, 1e-15, 0);
  nt_end(&s);
}

static void it_says_what_it_is(void **state) {
  double edges[] = {1, 2, 4};
  nt_setup s = nt_begin(state, 3);
  bt_assert_ok(s.ctx, bp_net_piecewise(s.ctx, s.net, (bp_piecewise_column[]){{1, 3, edges}}, 1));
  edges[0] = 7; /* a copy was made */
  bp_layer_info info = bp_net_layer(s.net, 0);
  assert_int_equal(info.kind, BP_LAYER_PIECEWISE);
  assert_string_equal(info.type, "piecewise");
  assert_string_equal(bp_layer_kind_name(BP_LAYER_PIECEWISE), "piecewise");
  assert_true(info.inputs == 3 && info.outputs == 5 && info.parameters == 0 && info.n_pieces == 1);
  assert_true(info.pieces[0].column == 1 && info.pieces[0].count == 3 && info.pieces[0].edges[0] == 1);
  assert_int_equal(info.activation, BP_IDENTITY);
  nt_end(&s);
}

/* ---- many columns ---- */

enum { WIDE = 100, ROWS = 9, EDGES_MOST = 700 };

/* 100 columns of which every third and some neighbours are cut, by 2 to 12 edges each; one by many. */
typedef struct wide {
  bp_piecewise_column columns[WIDE];
  size_t n;
  double edges[WIDE * 12 + EDGES_MOST];
  double x[ROWS * WIDE], expected[ROWS * (WIDE + WIDE * 12 + EDGES_MOST)], z[ROWS * (WIDE + WIDE * 12 + EDGES_MOST)];
  float x32[ROWS * WIDE], z32[ROWS * (WIDE + WIDE * 12 + EDGES_MOST)];
} wide;

static int64_t make_wide(wide *w, int64_t most) {
  uint32_t noise = 3;
  double *edge = w->edges;
  int64_t pieces = 0;
  w->n = 0;
  for (int64_t c = 0; c < WIDE; c++) {
    if (c % 3 == 1 && c % 5 != 0) continue;
    int64_t count = c == 60 ? most : 2 + c % 11;
    w->columns[w->n++] = (bp_piecewise_column){c, count, edge};
    *edge++ = -1.5 + 0.1 * nt_noise(&noise);
    for (int64_t e = 1; e < count; e++, edge++) *edge = edge[-1] + (2.2 + nt_noise(&noise)) / (double)count;
    pieces += count - 1;
  }
  for (int i = 0; i < ROWS * WIDE; i++) {
    w->x32[i] = (float)(3 * nt_noise(&noise));
    w->x[i] = (double)w->x32[i];
  }
  for (int r = 0; r < ROWS; r++) encode(w->columns, w->n, WIDE, w->x + r * WIDE, w->expected + r * (WIDE + pieces));
  return WIDE + pieces;
}

static void columns_of_many_groups(void **state) {
  wide *w = calloc(1, sizeof *w);
  for (int64_t most = 2; most <= EDGES_MOST; most += EDGES_MOST - 2) {
    int64_t width = make_wide(w, most);
    nt_setup s = nt_begin(state, WIDE);
    bt_assert_ok(s.ctx, bp_net_piecewise(s.ctx, s.net, w->columns, w->n));
    assert_int_equal(bp_net_outputs(s.net), width);
    for (int threads = 0; threads <= 2; threads += 2) {
      nt_apply(&s, (nt_run){.threads = threads}, ROWS, w->x, w->z);
      bt_assert_close_f64(w->z, w->expected, (size_t)(ROWS * width), 1e-13, 1e-13);
    }
    nt_end(&s);
  }
  free(w);
}

/* In float32 an edge is rounded, so that a fraction is as exact as its width allows: 1e-4 suits widths of 0.004 and more. */
static void float32_is_close(void **state) {
  wide *w = calloc(1, sizeof *w);
  bp_context *ctx = bt_ctx(state);
  bp_net *net = NULL;
  int64_t width = make_wide(w, 40);
  bt_assert_ok(ctx, bp_net_new(ctx, WIDE, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_piecewise(ctx, net, w->columns, w->n));
  bt_assert_ok(ctx, bp_net_eval(ctx, net, NULL, ROWS, w->x32, w->z32));
  for (int64_t i = 0; i < ROWS * width; i++) bt_assert_close((double)w->z32[i], w->expected[i], 1e-4, 1e-4);
  bp_net_free(net);
  free(w);
}

/* Edges as near as numbers are, and as far: nothing becomes NaN. */
static void edges_at_the_ends_of_a_type(void **state) {
  const struct {
    bp_dtype dtype;
    double edges[3], x, expected[2];
  } rows[] = {
      {BP_F32, {0, 1e-40, 1}, 0, {0, 0}},          {BP_F32, {0, 1e-40, 1}, 1, {1, 1}},
      {BP_F32, {-3e38, 0, 3e38}, 0, {1, 0}},       {BP_F32, {-3e38, 0, 3e38}, -3e38, {0, 0}},
      {BP_F64, {0, 4e-320, 1}, 0, {0, 0}},         {BP_F64, {0, 4e-320, 1}, 1, {1, 1}},
      {BP_F64, {-8e307, 0, 8e307}, 8e307, {1, 1}},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool f64 = rows[i].dtype == BP_F64;
    float x32 = (float)rows[i].x, z32[3];
    double z[3];
    bp_net *net = NULL;
    bt_assert_ok(ctx, bp_net_new(ctx, 1, rows[i].dtype, &net));
    bt_assert_ok(ctx, bp_net_piecewise(ctx, net, (bp_piecewise_column[]){{0, 3, rows[i].edges}}, 1));
    bt_assert_ok(ctx, bp_net_eval(ctx, net, NULL, 1, f64 ? (void *)&rows[i].x : (void *)&x32, f64 ? (void *)z : z32));
    for (int t = 0; t < 2; t++) bt_assert_close(f64 ? z[1 + t] : (double)z32[1 + t], rows[i].expected[t], 1e-6, 1e-30);
    bp_net_free(net);
  }
}

/* ---- derivatives ---- */

static void its_derivative_agrees_with_differences(void **state) {
  static const double a[] = {-1, 0, 2, 2.5}, b[] = {-0.5, 0.7};
  static const bp_piecewise_column columns[] = {{0, 4, a}, {2, 2, b}};
  /* away from the edges, below the first and above the last too */
  static const double x[] = {-3, 7, -5, -0.3, 7, 0.1, 1.2, 7, 3, 2.2, 0, 0.6, 9, -1, -0.4};
  const void *values[] = {x};
  bp_graph *g = NULL;
  nt_setup s = nt_begin(state, 3);
  bt_assert_ok(s.ctx, bp_net_piecewise(s.ctx, s.net, columns, 2));
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  bp_var in = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, 3}), z = bp_net_apply(s.net, in, NULL);
  bp_gradcheck_options o = {.size = sizeof o, .relative = 1e-8, .absolute = 1e-8};
  bp_gradcheck_report report;
  bt_assert_ok(s.ctx, bp_gradcheck(&z, 1, NULL, 0, &in, 1, 5, values, &o, &report));
  assert_int_equal(report.checked, 15);
  bp_graph_free(g);
  nt_end(&s);
}

/* ---- refusals and memory ---- */

static const double good[] = {0, 1, 2}, same[] = {0, 1, 1}, falling[] = {0, 2, 1}, nan_first[] = {NAN, 1, 2},
                    nan_last[] = {0, 1, NAN}, infinite[] = {0, 1, INFINITY}, least[] = {-INFINITY, 0, 1},
                    far[] = {0, 1, 1e308};

static void bad_columns_are_refused(void **state) {
  static const struct {
    bp_piecewise_column columns[2];
    size_t n;
    const char *words;
  } bad[] = {
      {{{0}}, 0, "piecewise: no columns, expected 1 or more"},
      {{{-1, 3, good}}, 1, "column -1, expected one from 0 to 3"},
      {{{4, 3, good}}, 1, "column 4, expected one from 0 to 3"},
      {{{INT64_MAX, 3, good}}, 1, "expected one from 0 to 3"},
      {{{INT64_MIN, 3, good}}, 1, "expected one from 0 to 3"},
      {{{2, 3, good}, {1, 3, good}}, 2, "column 1, expected one from 3 to 3, in rising order"},
      {{{2, 3, good}, {2, 3, good}}, 2, "column 2, expected one from 3 to 3, in rising order"},
      {{{0, 1, good}}, 1, "1 edges of column 0, expected 2 to 1025"},
      {{{0, 0, good}}, 1, "0 edges of column 0, expected 2 to 1025"},
      {{{0, -5, good}}, 1, "-5 edges"},
      {{{0, 1026, good}}, 1, "1026 edges"},
      {{{0, INT64_MAX, good}}, 1, "edges of column 0, expected 2 to 1025"},
      {{{1, 3, same}}, 1, "edge 2 of column 1 is 1, expected a finite float64 above the one before"},
      {{{1, 3, falling}}, 1, "edge 2 of column 1 is 1, expected a finite float64 above the one before"},
      {{{1, 3, nan_first}}, 1, "edge 0 of column 1 is nan, expected a finite float64"},
      {{{1, 3, nan_last}}, 1, "edge 2 of column 1 is nan"},
      {{{1, 3, infinite}}, 1, "edge 2 of column 1 is inf"},
      {{{1, 3, least}}, 1, "edge 0 of column 1 is -inf"},
      {{{1, 3, far}}, 1, "edge 2 of column 1 is 1e+308"},
  };
  nt_setup s = nt_begin(state, 4);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bt_assert_fails(s.ctx, BP_E_ARG, bp_net_piecewise(s.ctx, s.net, bad[i].columns, bad[i].n));
    bt_assert_message(s.ctx, bad[i].words);
    assert_int_equal(bp_net_layers(s.net), 0);
  }
  nt_end(&s);
}

static void an_edge_must_be_a_number_of_the_network(void **state) {
  static const double edges[] = {0, 1e39};
  bp_context *ctx = bt_ctx(state);
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, 1, BP_F32, &net));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_piecewise(ctx, net, (bp_piecewise_column[]){{0, 2, edges}}, 1));
  bt_assert_message(ctx, "edge 1 of column 0 is 1e+39, expected a finite float32 above the one before");
  bp_net_free(net);
}

static void as_many_edges_as_there_may_be(void **state) {
  static double edges[1025];
  const double x[] = {-1, 512.25, 2000};
  double z[3 * 1025];
  for (int e = 0; e < 1025; e++) edges[e] = e;
  nt_setup s = nt_begin(state, 1);
  bt_assert_ok(s.ctx, bp_net_piecewise(s.ctx, s.net, (bp_piecewise_column[]){{0, 1025, edges}}, 1));
  nt_apply(&s, (nt_run){.threads = 1}, 3, x, z);
  for (int r = 0; r < 3; r++)
    for (int t = 1; t < 1025; t++)
      bt_assert_close(z[r * 1025 + t], piece(&(bp_piecewise_column){0, 1025, edges}, t, x[r]), 0, 0);
  nt_end(&s);
}

/* A network of the wrong width is an error of the graph; so is memory that there is not. */
static bp_status make_and_apply(bp_context *ctx, void *user) {
  static const bp_piecewise_column columns[] = {{0, 3, good}, {40, 3, good}};
  bp_net *net = NULL;
  bp_graph *g = NULL;
  (void)user;
  bp_status status = bp_net_new(ctx, 50, BP_F32, &net);
  if (status == BP_OK) status = bp_net_piecewise(ctx, net, columns, 2);
  if (status == BP_OK) status = bp_graph_new(ctx, &g);
  if (status == BP_OK) {
    bp_var z = bp_net_apply(net, bp_input(g, "x", BP_F32, 2, (int64_t[]){BP_BATCH, 50}), NULL);
    status = bp_graph_status(g);
    assert_int_equal(bp_var_is_zero(z), status != BP_OK);
  }
  bp_graph_free(g);
  bp_net_free(net);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(make_and_apply, NULL) >= 6);
}

static void another_width_is_an_error_of_the_graph(void **state) {
  bp_graph *g = NULL;
  nt_setup s = nt_begin(state, 4);
  bt_assert_ok(s.ctx, bp_net_piecewise(s.ctx, s.net, (bp_piecewise_column[]){{3, 3, good}}, 1));
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  assert_true(bp_var_is_zero(bp_net_apply(s.net, bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, 3}), NULL)));
  assert_true(bp_graph_status(g) != BP_OK);
  bp_graph_free(g);
  nt_end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(three_columns_by_hand),
      BT_TEST(it_says_what_it_is),
      BT_TEST(columns_of_many_groups),
      BT_TEST(float32_is_close),
      BT_TEST(edges_at_the_ends_of_a_type),
      BT_TEST(its_derivative_agrees_with_differences),
      BT_TEST(bad_columns_are_refused),
      BT_TEST(an_edge_must_be_a_number_of_the_network),
      BT_TEST(as_many_edges_as_there_may_be),
      BT_TEST(every_allocation_may_fail),
      BT_TEST(another_width_is_an_error_of_the_graph),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
