/* What a network computes, against loops written out; by plain evaluation and by a compiled program. */
#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "net/net_fixtures.h"

enum { ROWS = 11, WIDEST = 40 };

/* ---- the oracle: loops over rows, units and inputs, in double ---- */

static double phi(bp_activation activation, double a) {
  switch (activation) {
  case BP_TANH: return tanh(a);
  case BP_SIGMOID: return 1 / (1 + exp(-a));
  case BP_RELU: return a > 0 ? a : 0;
  default: return a;
  }
}

static double element(bp_dtype dtype, const void *data, int64_t i) {
  return dtype == BP_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void apply_by_loops(const bp_net *net, void *const *params, const double *x, double *out) {
  double z[WIDEST], next[WIDEST];
  bp_dtype dtype = bp_net_dtype(net);
  for (int64_t i = 0; i < bp_net_inputs(net); i++) z[i] = x[i];
  for (int l = 0; l < bp_net_layers(net); l++) {
    bp_layer_info info = bp_net_layer(net, l);
    for (int64_t j = 0; j < info.outputs; j++) {
      double a = element(dtype, params[2 * l + 1], j);
      for (int64_t i = 0; i < info.inputs; i++) a += z[i] * element(dtype, params[2 * l], i * info.outputs + j);
      next[j] = phi(info.activation, a);
    }
    memcpy(z, next, sizeof z);
  }
  memcpy(out, z, (size_t)bp_net_outputs(net) * sizeof *out);
}

/* ---- the library ---- */

typedef enum way { BY_EVAL, BY_PROGRAM } way;

static void apply_compiled(bp_context *ctx, const bp_net *net, void *const *params, const void *x, int64_t rows,
                           void *out) {
  bp_graph *graph = NULL;
  bp_program *program = NULL;
  bp_workspace *workspace = NULL;
  bp_var inputs[1 + NT_PARAMS_MAX];
  const void *values[1 + NT_PARAMS_MAX] = {x};
  size_t n = 1 + (size_t)bp_net_params(net);
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  inputs[0] = bp_input(graph, "x", bp_net_dtype(net), 2, (int64_t[]){BP_BATCH, bp_net_inputs(net)});
  bp_net_declare(net, graph, inputs + 1);
  for (size_t p = 1; p < n; p++) values[p] = params[p - 1];
  bp_var z = bp_net_apply(net, inputs[0], inputs + 1);
  bt_assert_ok(ctx, bp_compile(&z, 1, inputs, n, NULL, &program));
  bt_assert_ok(ctx, bp_workspace_new(ctx, program, 1, &workspace));
  bt_assert_ok(ctx, bp_run(program, workspace, rows, values, &out));
  bp_workspace_free(workspace);
  bp_program_free(program);
  bp_graph_free(graph);
}

static void apply(bp_context *ctx, const bp_net *net, void *const *params, const void *x, int64_t rows, way how,
                  void *out) {
  if (how == BY_EVAL)
    bt_assert_ok(ctx, bp_net_eval(ctx, net, params, rows, x, out));
  else
    apply_compiled(ctx, net, params, x, rows, out);
}

/* Biases start at zero, which would hide them. */
static void fill_biases(const bp_net *net, void *const *params) {
  uint32_t x = 9;
  for (int p = 1; p < bp_net_params(net); p += 2)
    for (int64_t i = 0; i < bp_net_param(net, p).elements; i++) {
      double value = nt_noise(&x);
      if (bp_net_dtype(net) == BP_F64)
        ((double *)params[p])[i] = value;
      else
        ((float *)params[p])[i] = (float)value;
    }
}

static void check_against_loops(bp_context *ctx, bp_net *net, double tolerance) {
  double x64[ROWS * WIDEST], out64[ROWS * WIDEST], expected[WIDEST];
  float x32[ROWS * WIDEST], out32[ROWS * WIDEST];
  int64_t inputs = bp_net_inputs(net), outputs = bp_net_outputs(net);
  bool wide = bp_net_dtype(net) == BP_F64;
  void *params[NT_PARAMS_MAX];
  uint32_t noise = 1;
  nt_params(net, 4, params);
  fill_biases(net, params);
  for (int i = 0; i < ROWS * inputs; i++) {
    x32[i] = (float)(2 * nt_noise(&noise));
    x64[i] = (double)x32[i];
  }
  for (way how = BY_EVAL; how <= BY_PROGRAM; how++) {
    apply(ctx, net, params, wide ? (void *)x64 : x32, ROWS, how, wide ? (void *)out64 : out32);
    for (int i = 0; !wide && i < ROWS * outputs; i++) out64[i] = (double)out32[i];
    for (int r = 0; r < ROWS; r++) {
      apply_by_loops(net, params, x64 + r * inputs, expected);
      bt_assert_close_f64(out64 + r * outputs, expected, (size_t)outputs, tolerance, tolerance);
    }
  }
  nt_params_free(net, params);
  bp_net_free(net);
}

/* 40 additions in each of 4 layers: float32 is within a few times 40 * 2^-24. */
static void every_activation_agrees_with_loops(void **state) {
  for (bp_activation a = BP_IDENTITY; a <= BP_RELU; a++) { /* the others: test_activations.c */
    check_against_loops(bt_ctx(state), nt_net(bt_ctx(state), BP_F32, a, BP_INIT_AUTO, 7, NT_WIDTHS(40, 5)), 5e-6);
    check_against_loops(bt_ctx(state), nt_net(bt_ctx(state), BP_F64, a, BP_INIT_AUTO, 7, NT_WIDTHS(40, 5)), 1e-14);
  }
}

static void deep_and_thin_networks_agree_with_loops(void **state) {
  bp_context *ctx = bt_ctx(state);
  check_against_loops(ctx, nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, 1, NT_WIDTHS(1)), 1e-6);
  check_against_loops(ctx, nt_net(ctx, BP_F32, BP_SIGMOID, BP_INIT_HE_NORMAL, 33, NT_WIDTHS(17, 31, 16, 1)), 5e-6);
  check_against_loops(ctx, nt_net(ctx, BP_F64, BP_TANH, BP_INIT_AUTO, 2, NT_WIDTHS(4, 3, 1)), 1e-14);
  check_against_loops(ctx, nt_net(ctx, BP_F64, BP_RELU, BP_INIT_AUTO, 3, NT_WIDTHS(8, 8, 8, 8, 8, 8, 8, 2)), 1e-13);
}

static void layers_of_different_activations_agree_with_loops(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, 6, BP_F64, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 9, BP_RELU, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 8, BP_IDENTITY, BP_INIT_GLOROT_NORMAL));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 7, BP_SIGMOID, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 3, BP_TANH, BP_INIT_AUTO));
  check_against_loops(ctx, net, 1e-14);
}

/* ---- what mathematics says ---- */

/* (x·A + a)·B + b = x·(A·B) + (a·B + b): a stack of linear layers is one. */
static void linear_layers_collapse_into_one(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *deep = nt_net(ctx, BP_F64, BP_IDENTITY, BP_INIT_AUTO, 5, NT_WIDTHS(7, 6, 3));
  bp_net *flat = nt_net(ctx, BP_F64, BP_IDENTITY, BP_INIT_ZEROS, 5, NT_WIDTHS(3));
  void *params[NT_PARAMS_MAX], *one[NT_PARAMS_MAX];
  double x[6 * 5] = {0}, basis[6 * 3], rows[4 * 5], a[4 * 3], b[4 * 3];
  uint32_t noise = 2;
  nt_params(deep, 8, params);
  nt_params(flat, 8, one);
  fill_biases(deep, params);
  for (int i = 0; i < 5; i++) x[(i + 1) * 5 + i] = 1;
  apply(ctx, deep, params, x, 6, BY_PROGRAM, basis); /* row 0: the bias; row i + 1: bias and row i of the matrix */
  for (int j = 0; j < 3; j++) {
    ((double *)one[1])[j] = basis[j];
    for (int i = 0; i < 5; i++) ((double *)one[0])[i * 3 + j] = basis[(i + 1) * 3 + j] - basis[j];
  }
  for (int i = 0; i < 4 * 5; i++) rows[i] = 10 * nt_noise(&noise);
  apply(ctx, deep, params, rows, 4, BY_PROGRAM, a);
  apply(ctx, flat, one, rows, 4, BY_PROGRAM, b);
  bt_assert_close_f64(a, b, 12, 1e-13, 1e-13);
  nt_params_free(deep, params);
  nt_params_free(flat, one);
  bp_net_free(deep);
  bp_net_free(flat);
}

/* XOR by three rectified units: W = [[1,1],[1,1]], c = (0,-1), w = (1,-2), b = 0. */
static void rectified_units_compute_exclusive_or(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, 2, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 2, BP_RELU, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO));
  float W[] = {1, 1, 1, 1}, c[] = {0, -1}, w[] = {1, -2}, b[] = {0}, x[] = {0, 0, 0, 1, 1, 0, 1, 1}, out[4];
  void *const params[] = {W, c, w, b};
  apply(ctx, net, params, x, 4, BY_PROGRAM, out);
  for (int i = 0; i < 4; i++) assert_true(out[i] == (float)(i == 1 || i == 2));
  bp_net_free(net);
}

/* The result of a row does not depend on the rows around it, to the last bit. */
static void a_row_does_not_depend_on_the_others(void **state) {
  bp_context *ctx = bt_ctx(state);
  enum { MANY = 150 };
  bp_net *net = nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, 9, NT_WIDTHS(20, 4));
  void *params[NT_PARAMS_MAX];
  float x[MANY * 9], all[MANY * 4], alone[4];
  uint32_t noise = 3;
  nt_params(net, 2, params);
  for (int i = 0; i < MANY * 9; i++) x[i] = (float)nt_noise(&noise);
  apply(ctx, net, params, x, MANY, BY_PROGRAM, all);
  for (int r = 0; r < MANY; r += 7) {
    apply(ctx, net, params, x + r * 9, 1, BY_PROGRAM, alone);
    bt_assert_same_bits(all + r * 4, alone, sizeof alone);
  }
  nt_params_free(net, params);
  bp_net_free(net);
}

static void no_rows_give_no_rows(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, 9, NT_WIDTHS(20, 4));
  void *params[NT_PARAMS_MAX];
  float x = 0, out = 7;
  nt_params(net, 2, params);
  apply(ctx, net, params, &x, 0, BY_EVAL, &out);
  apply(ctx, net, params, &x, 0, BY_PROGRAM, &out);
  assert_true(out == 7);
  nt_params_free(net, params);
  bp_net_free(net);
}

static bp_status eval_once(bp_context *ctx, void *user) {
  bp_net *net = NULL;
  float W[6] = {1, 2, 3, 4, 5, 6}, b[2] = {1, -1}, x[3] = {1, 1, 1}, out[2] = {7, 7};
  void *const params[] = {W, b};
  (void)user;
  bp_status status = bp_net_new(ctx, 3, BP_F32, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 2, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_eval(ctx, net, params, 1, x, out);
  assert_true(status == BP_OK ? out[0] == 10 && out[1] == 11 : out[0] == 7 && out[1] == 7);
  bp_net_free(net);
  return status;
}

static void every_allocation_of_an_evaluation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(eval_once, NULL) > 5);
}

static void fewer_than_no_rows_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, 3, NT_WIDTHS(2));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_eval(ctx, net, NULL, -1, NULL, NULL));
  bt_assert_message(ctx, "-1 rows");
  bp_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_activation_agrees_with_loops),
      BT_TEST(deep_and_thin_networks_agree_with_loops),
      BT_TEST(layers_of_different_activations_agree_with_loops),
      BT_TEST(linear_layers_collapse_into_one),
      BT_TEST(rectified_units_compute_exclusive_or),
      BT_TEST(a_row_does_not_depend_on_the_others),
      BT_TEST(no_rows_give_no_rows),
      BT_TEST(every_allocation_of_an_evaluation_may_fail),
      BT_TEST(fewer_than_no_rows_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
