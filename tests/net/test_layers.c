/* labels: unit grad oom */
/* Layers that are more than a matrix and an activation: against loops by hand, in use and in training; derivatives of all of them
 * against differences.
 */
#include "backprop/autodiff.h"
#include "backprop/gradcheck.h"
#include "backprop/ops.h"
#include "net/layer_fixtures.h"

enum { ROWS = 13, MOST = 600 };

/* ---- maxout, prelu ---- */

/* The largest of two affine maps, one of which is zero, is relu of the other. */
static void maxout_with_a_zero_map_is_relu(void **state) {
  enum { IN = 5, UNITS = 6 };
  nt_setup s = nt_begin(state, IN), plain = nt_begin(state, IN);
  bp_dense_options o = {.size = sizeof o, .units = UNITS, .activation = {BP_MAXOUT, 2, false}};
  double x[ROWS * IN], a[ROWS * UNITS], b[ROWS * UNITS];
  bt_assert_ok(s.ctx, bp_net_add_dense(s.ctx, s.net, &o));
  bt_assert_ok(s.ctx, bp_net_dense(s.ctx, plain.net, UNITS, BP_RELU, BP_INIT_AUTO));
  assert_int_equal(bp_net_outputs(s.net), UNITS);
  assert_int_equal(bp_net_size(s.net), 2 * (IN + 1) * UNITS);
  nt_fill(&s);
  nt_fill(&plain);
  double *weight = s.params[0], *bias = s.params[1]; /* columns 0 .. UNITS - 1 are map 0 of every unit */
  for (int u = 0; u < UNITS; u++) {
    for (int i = 0; i < IN; i++) {
      weight[i * 2 * UNITS + u] = ((double *)plain.params[0])[i * UNITS + u];
      weight[i * 2 * UNITS + UNITS + u] = 0;
    }
    bias[u] = ((double *)plain.params[1])[u];
    bias[UNITS + u] = 0;
  }
  nt_noise_rows(x, ROWS * IN);
  nt_apply(&s, (nt_run){.threads = 1}, ROWS, x, a);
  nt_apply(&plain, (nt_run){.threads = 1}, ROWS, x, b);
  for (int i = 0; i < ROWS * UNITS; i++) assert_true(a[i] == b[i]);
  nt_end(&s);
  nt_end(&plain);
}

/* |x| = max(x, -x): a convex function that one unit of two maps gives exactly. */
static void maxout_gives_the_absolute_value(void **state) {
  nt_setup s = nt_begin(state, 1);
  bp_dense_options o = {.size = sizeof o, .units = 1, .activation = {BP_MAXOUT, 0, false}, .no_bias = true};
  const double x[] = {-2, -0.5, 0, 3}, expected[] = {2, 0.5, 0, 3};
  double y[4];
  bt_assert_ok(s.ctx, bp_net_add_dense(s.ctx, s.net, &o));
  assert_int_equal(bp_net_params(s.net), 1);
  nt_fill(&s);
  ((double *)s.params[0])[0] = 1;
  ((double *)s.params[0])[1] = -1;
  nt_apply(&s, (nt_run){.threads = 1}, 4, x, y);
  bt_assert_close_f64(y, expected, 4, 0, 0);
  nt_end(&s);
}

static void prelu_has_a_slope_for_the_layer_or_for_each_unit(void **state) {
  for (int per_unit = 0; per_unit < 2; per_unit++) {
    nt_setup s = nt_begin(state, 3);
    bp_norm_options o = {.size = sizeof o, .activation = {BP_PRELU, 0, per_unit == 1}};
    double x[] = {-1, -2, 3}, y[3];
    bt_assert_ok(s.ctx, bp_net_layer_norm(s.ctx, s.net, &o));
    bp_param_info slope = bp_net_param(s.net, 2);
    assert_string_equal(slope.name, "layers.0.slope");
    assert_int_equal(slope.elements, per_unit ? 3 : 1);
    assert_false(slope.is_weight);
    nt_params(s.net, 1, s.params);
    assert_true(((double *)s.params[2])[0] == 0.25);
    for (int i = 0; i < slope.elements; i++) ((double *)s.params[2])[i] = 0.5 + i;
    nt_apply(&s, (nt_run){.threads = 1}, 1, x, y);
    double sd = sqrt(14.0 / 3 + 1e-5); /* mean 0, variance 14/3 */
    const double expected[] = {-0.5 / sd, -2 * (per_unit ? 1.5 : 0.5) / sd, 3 / sd};
    bt_assert_close_f64(y, expected, 3, 1e-14, 0);
    nt_end(&s);
  }
}

/* ---- skip, embedding ---- */

static void a_skip_adds_an_earlier_output(void **state) {
  nt_setup s = nt_begin(state, 3);
  bp_skip_options same = {.size = sizeof same, .from = -1}, wider = {.size = sizeof wider, .from = 0};
  double x[ROWS * 3], y[ROWS * 2];
  bt_assert_ok(s.ctx, bp_net_dense(s.ctx, s.net, 3, BP_TANH, BP_INIT_AUTO));
  bt_assert_ok(s.ctx, bp_net_skip(s.ctx, s.net, &same));
  bt_assert_ok(s.ctx, bp_net_dense(s.ctx, s.net, 2, BP_IDENTITY, BP_INIT_AUTO));
  bt_assert_ok(s.ctx, bp_net_skip(s.ctx, s.net, &wider));
  assert_int_equal(bp_net_params(s.net), 5);
  assert_string_equal(bp_net_param(s.net, 4).name, "layers.3.weight");
  nt_fill(&s);
  nt_noise_rows(x, ROWS * 3);
  nt_apply(&s, (nt_run){.threads = 1}, ROWS, x, y);
  const double *w = s.params[0], *b = s.params[1], *v = s.params[2], *c = s.params[3], *p = s.params[4];
  for (int r = 0; r < ROWS; r++) {
    double h[3], out[2];
    for (int j = 0; j < 3; j++) {
      h[j] = b[j];
      for (int i = 0; i < 3; i++) h[j] += x[r * 3 + i] * w[i * 3 + j];
      h[j] = tanh(h[j]);
    }
    for (int j = 0; j < 2; j++) {
      out[j] = c[j];
      for (int i = 0; i < 3; i++) out[j] += (h[i] + x[r * 3 + i]) * v[i * 2 + j] + h[i] * p[i * 2 + j];
    }
    bt_assert_close_f64(y + r * 2, out, 2, 1e-14, 1e-14);
  }
  nt_end(&s);
}

/* Columns 1 to 3 and 5 to 6 are categories of 2 and 1 numbers; a row of zeros gives zeros. */
static void an_embedding_replaces_blocks_of_columns(void **state) {
  nt_setup s = nt_begin(state, 8);
  const bp_embedding_block blocks[] = {{1, 3, 2}, {5, 2, 1}};
  const double x[] = {9, 0, 1, 0, 8, 0, 1, 7, /**/ 6, 0, 0, 0, 5, 1, 0, 4};
  double y[12];
  bt_assert_ok(s.ctx, bp_net_embedding(s.ctx, s.net, blocks, 2));
  assert_int_equal(bp_net_outputs(s.net), 6);
  assert_string_equal(bp_net_param(s.net, 1).name, "layers.0.embedding.1.weight");
  assert_true(bp_net_param(s.net, 0).is_table && bp_net_param(s.net, 0).dims[0] == 3);
  nt_fill(&s);
  nt_apply(&s, (nt_run){.threads = 1}, 2, x, y);
  const double *e = s.params[0], *f = s.params[1];
  const double expected[] = {9, e[2], e[3], 8, f[1], 7, 6, 0, 0, 5, f[0], 4};
  bt_assert_close_f64(y, expected, 12, 0, 0);
  nt_end(&s);
}

/* More parts than are joined at once. */
static void an_embedding_of_many_columns(void **state) {
  enum { N = 700 };
  static bp_embedding_block blocks[N / 2];
  static double x[N], y[N];
  bp_graph *g = NULL;
  nt_setup s = nt_begin(state, N);
  for (int i = 0; i < N / 2; i++) blocks[i] = (bp_embedding_block){2 * i, 1, 1};
  bt_assert_ok(s.ctx, bp_net_embedding(s.ctx, s.net, blocks, N / 2));
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  bp_var params[N / 2], in = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, N});
  for (int i = 0; i < N / 2; i++) params[i] = bp_constant(g, BP_F64, 2, (int64_t[]){1, 1}, (double[]){i + 2.0});
  bp_var z = bp_net_apply(s.net, in, params);
  const void *values[] = {x};
  void *out[] = {y};
  for (int i = 0; i < N; i++) x[i] = i;
  bt_assert_ok(s.ctx, bp_eval(&z, 1, &in, 1, 1, values, out));
  for (int i = 0; i < N; i += 2) {
    int block = i / 2;
    assert_true(y[i] == i * (block + 2.0) && y[i + 1] == i + 1);
  }
  bp_graph_free(g);
  bp_net_free(s.net);
}

/* ---- all of them together ---- */

/* 7 inputs, of which 1 to 3 are a category. */
static bp_status add_every_layer(bp_context *ctx, bp_net *net) {
  bp_embedding_block block = {1, 3, 2};
  bp_dense_options dense = {.size = sizeof dense, .units = 8, .no_bias = true};
  bp_norm_options batch = {.size = sizeof batch, .activation = {BP_MAXOUT, 2, false}};
  bp_norm_options layer = {.size = sizeof layer, .activation = {BP_PRELU, 0, true}};
  bp_skip_options skip = {.size = sizeof skip, .from = 1, .activation = {BP_PRELU, 0, false}};
  bp_status status = bp_net_embedding(ctx, net, &block, 1);
  if (status == BP_OK) status = bp_net_dropout(ctx, net, 0.2);
  if (status == BP_OK) status = bp_net_add_dense(ctx, net, &dense);
  if (status == BP_OK) status = bp_net_batch_norm(ctx, net, &batch);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 5, BP_SILU, BP_INIT_ORTHOGONAL);
  if (status == BP_OK) status = bp_net_layer_norm(ctx, net, &layer);
  if (status == BP_OK) status = bp_net_skip(ctx, net, &skip);
  if (status == BP_OK) status = bp_net_dropout(ctx, net, 0.4);
  return status == BP_OK ? bp_net_dense(ctx, net, 2, BP_IDENTITY, BP_INIT_LECUN_NORMAL) : status;
}

static void derivatives_of_every_layer_in_training(void **state) {
  nt_setup s = nt_begin(state, 7);
  bt_assert_ok(s.ctx, add_every_layer(s.ctx, s.net));
  nt_fill(&s);
  bp_graph *g = NULL;
  bp_var inputs[1 + NT_PARAMS_MAX], learnt[NT_PARAMS_MAX];
  double x[ROWS * 7];
  const void *values[1 + NT_PARAMS_MAX] = {x};
  size_t n = (size_t)bp_net_params(s.net), n_learnt = 0;
  nt_noise_rows(x, ROWS * 7);
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  inputs[0] = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, 7});
  bp_net_declare(s.net, g, inputs + 1);
  for (size_t p = 0; p < n; p++) {
    values[1 + p] = s.params[p];
    if (!bp_net_param(s.net, (int)p).is_state) learnt[n_learnt++] = inputs[1 + p];
  }
  bp_net_training t = {.size = sizeof t, .seed = 3, .step = bp_scalar(g, BP_F64, 8)};
  bp_var z = bp_net_apply_training(s.net, inputs[0], inputs + 1, &t, NULL);
  bp_var loss = bp_mean(bp_square(bp_sub(z, bp_scalar(g, BP_F64, 0.3))), BP_ALL_AXES);
  bp_gradcheck_options o = {.size = sizeof o, .richardson = true, .relative = 1e-7, .absolute = 1e-8};
  bp_gradcheck_report report;
  bt_assert_ok(s.ctx, bp_gradcheck(&loss, 1, learnt, n_learnt, inputs, 1 + n, ROWS, values, &o, &report));
  assert_true(report.checked > 100);
  bp_graph_free(g);
  nt_end(&s);
}

/* In use a row does not depend on the rows around it, to the last bit, and the same values come for every number of threads. */
static void in_use_a_row_is_alone(void **state) {
  enum { MANY = 200 };
  static double x[MANY * 7], all[MANY * 2], again[MANY * 2];
  double alone[2];
  nt_setup s = nt_begin(state, 7);
  bt_assert_ok(s.ctx, add_every_layer(s.ctx, s.net));
  nt_fill(&s);
  nt_noise_rows(x, MANY * 7);
  nt_apply(&s, (nt_run){.threads = 1}, MANY, x, all);
  nt_apply(&s, (nt_run){.threads = 3}, MANY, x, again);
  bt_assert_same_bits(all, again, sizeof all);
  for (int r = 0; r < MANY; r += 9) {
    nt_apply(&s, (nt_run){.threads = 1}, 1, x + r * 7, alone);
    bt_assert_same_bits(alone, all + r * 2, sizeof alone);
  }
  nt_end(&s);
}

static void training_is_the_same_for_every_number_of_threads(void **state) {
  enum { MANY = 200 };
  static double x[MANY * 7], first[MANY * 2], y[MANY * 2];
  double mean[4];
  nt_setup s = nt_begin(state, 7);
  bt_assert_ok(s.ctx, add_every_layer(s.ctx, s.net));
  nt_fill(&s);
  nt_noise_rows(x, MANY * 7);
  for (int threads = 1; threads <= 3; threads++) {
    nt_apply(&s, (nt_run){.training = true, .threads = threads, .step = 5}, MANY, x, threads == 1 ? first : y);
    if (threads == 1) memcpy(mean, s.after[4], sizeof mean);
    if (threads > 1) bt_assert_same_bits(y, first, sizeof y);
    bt_assert_same_bits(mean, s.after[4], sizeof mean);
  }
  nt_end(&s);
}

/* ---- refusals and memory ---- */

static void options_out_of_range_are_refused(void **state) {
  nt_setup s = nt_begin(state, 6);
  bp_context *ctx = s.ctx;
  bp_dense_options d = {.size = sizeof d, .units = 2};
  bp_norm_options n = {.size = sizeof n};
  bp_skip_options k = {.size = sizeof k};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dropout(ctx, s.net, 1));
  bt_assert_message(ctx, "dropout: rate 1, expected a number from 0 and below 1");
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dropout(ctx, s.net, -0.1));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dropout(ctx, s.net, NAN));
  d.activation = (bp_activation_spec){BP_MAXOUT, 65, false};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  bt_assert_message(ctx, "activation maxout with the setting 65, expected a whole number from 2 to 64");
  d = (bp_dense_options){.size = sizeof d, .units = 2, .init_scale = -1};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  d = (bp_dense_options){.size = sizeof d, .units = 2, .bias = INFINITY};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  d = (bp_dense_options){.size = 3, .units = 2};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  bt_assert_message(ctx, "options.size is 3");
  n.epsilon = -1;
  bt_assert_fails(ctx, BP_E_ARG, bp_net_batch_norm(ctx, s.net, &n));
  n = (bp_norm_options){.size = sizeof n, .momentum = 1.5};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_batch_norm(ctx, s.net, &n));
  n = (bp_norm_options){.size = sizeof n, .activation = {BP_MAXOUT, 4, false}};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_layer_norm(ctx, s.net, &n));
  bt_assert_message(ctx, "maxout of 4 maps on 6 columns");
  k.from = 0;
  bt_assert_fails(ctx, BP_E_ARG, bp_net_skip(ctx, s.net, &k));
  bt_assert_message(ctx, "from layer 0, expected -1 (the input) to -1");
  k.from = -2;
  bt_assert_fails(ctx, BP_E_ARG, bp_net_skip(ctx, s.net, &k));
  assert_int_equal(bp_net_layers(s.net), 0);
  nt_end(&s);
}

static void blocks_out_of_order_are_refused(void **state) {
  static const bp_embedding_block bad[][2] = {
      {{0, 3, 2}, {2, 1, 1}}, {{3, 1, 1}, {0, 1, 1}}, {{0, 1, 1}, {5, 2, 1}},         {{-1, 2, 1}, {3, 1, 1}},
      {{0, 0, 1}, {3, 1, 1}}, {{0, 1, 0}, {3, 1, 1}}, {{0, INT64_MAX, 1}, {3, 1, 1}}, {{INT64_MAX, 2, 1}, {3, 1, 1}}};
  nt_setup s = nt_begin(state, 6);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bt_assert_fails(s.ctx, BP_E_ARG, bp_net_embedding(s.ctx, s.net, bad[i], 2));
    bt_assert_message(s.ctx, "embedding: block");
  }
  bt_assert_fails(s.ctx, BP_E_ARG, bp_net_embedding(s.ctx, s.net, bad[0], 0));
  assert_int_equal(bp_net_layers(s.net), 0);
  nt_end(&s);
}

static void training_of_another_size_is_an_error_of_the_graph(void **state) {
  nt_setup s = nt_begin(state, 3);
  bp_graph *g = NULL;
  bp_net_training t = {.size = 1};
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, 3});
  assert_true(bp_var_is_zero(bp_net_apply_training(s.net, x, NULL, &t, NULL)));
  bt_assert_fails(s.ctx, BP_E_ARG, bp_graph_status(g));
  bp_graph_free(g);
  nt_end(&s);
}

static bp_status make_every_layer(bp_context *ctx, void *user) {
  bp_net *net = NULL;
  (void)user;
  bp_status status = bp_net_new(ctx, 7, BP_F32, &net);
  if (status == BP_OK) status = add_every_layer(ctx, net);
  if (status == BP_OK) assert_int_equal(bp_net_layers(net), 9);
  bp_net_free(net);
  return status;
}

static void every_allocation_of_layers_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(make_every_layer, NULL) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(maxout_with_a_zero_map_is_relu),
      BT_TEST(maxout_gives_the_absolute_value),
      BT_TEST(prelu_has_a_slope_for_the_layer_or_for_each_unit),
      BT_TEST(a_skip_adds_an_earlier_output),
      BT_TEST(an_embedding_replaces_blocks_of_columns),
      BT_TEST(an_embedding_of_many_columns),
      BT_TEST(derivatives_of_every_layer_in_training),
      BT_TEST(in_use_a_row_is_alone),
      BT_TEST(training_is_the_same_for_every_number_of_threads),
      BT_TEST(options_out_of_range_are_refused),
      BT_TEST(blocks_out_of_order_are_refused),
      BT_TEST(training_of_another_size_is_an_error_of_the_graph),
      BT_TEST(every_allocation_of_layers_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
