/* Networks as lists: what they say about themselves, and what they refuse. */
/* labels: unit oom */
#include "net/net_fixtures.h"

/* ---- names ---- */

static void activations_are_found_by_their_names(void **state) {
  (void)state;
  static const char *const names[] = {"identity",   "tanh", "sigmoid",   "relu",         "heaviside",
                                      "leaky_relu", "abs",  "prelu",     "maxout",       "elu",
                                      "selu",       "gelu", "gelu_tanh", "silu",         "softplus",
                                      "softsign",   "mish", "hard_tanh", "hard_sigmoid", "hard_silu"};
  assert_int_equal(sizeof names / sizeof *names, BP_ACTIVATION_COUNT);
  for (int i = 0; i < BP_ACTIVATION_COUNT; i++) {
    bp_activation found = BP_ACTIVATION_COUNT;
    assert_true(bp_activation_find(bp_activation_name((bp_activation)i), &found));
    assert_int_equal(found, i);
    assert_string_equal(bp_activation_name((bp_activation)i), names[i]);
  }
}

static void initialisers_are_found_by_their_names(void **state) {
  (void)state;
  static const char *const names[] = {"auto",      "glorot_uniform", "glorot_normal", "he_uniform",
                                      "he_normal", "zeros",          "lecun_uniform", "lecun_normal",
                                      "uniform",   "normal",         "orthogonal"};
  assert_int_equal(sizeof names / sizeof *names, BP_INIT_COUNT);
  for (int i = 0; i < BP_INIT_COUNT; i++) {
    bp_init found = BP_INIT_COUNT;
    assert_true(bp_init_find(bp_init_name((bp_init)i), &found));
    assert_int_equal(found, i);
    assert_string_equal(bp_init_name((bp_init)i), names[i]);
  }
}

static void what_has_no_name_is_not_found(void **state) {
  (void)state;
  static const char *const wrong[] = {"", "Tanh", "tanh ", "tan", "relu6"};
  bp_activation activation = BP_RELU;
  bp_init init = BP_INIT_ZEROS;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(bp_activation_find(wrong[i], &activation));
    assert_false(bp_init_find(wrong[i], &init));
  }
  assert_int_equal(activation, BP_RELU);
  assert_int_equal(init, BP_INIT_ZEROS);
  assert_null(bp_activation_name(BP_ACTIVATION_COUNT));
  assert_null(bp_activation_name((bp_activation)-1));
  assert_null(bp_init_name(BP_INIT_COUNT));
  assert_null(bp_init_name((bp_init)-1));
}

/* ---- sizes ---- */

/* 784 * 128 + 128, 128 * 128 + 128, 128 * 10 + 10 */
static void the_digit_network_has_118282_parameters(void **state) {
  bp_net *net = nt_net(bt_ctx(state), BP_F32, BP_TANH, BP_INIT_AUTO, 784, NT_WIDTHS(128, 128, 10));
  static const int64_t each[] = {100480, 16512, 1290};
  assert_int_equal(bp_net_size(net), 118282);
  assert_int_equal(bp_net_layers(net), 3);
  assert_int_equal(bp_net_params(net), 6);
  assert_int_equal(bp_net_inputs(net), 784);
  assert_int_equal(bp_net_outputs(net), 10);
  assert_int_equal(bp_net_dtype(net), BP_F32);
  for (int l = 0; l < 3; l++) assert_int_equal(bp_net_layer(net, l).parameters, each[l]);
  bp_net_free(net);
}

/* Two inputs, tanh 4, tanh 3, one logit. */
static void the_binary_network_has_31_parameters(void **state) {
  bp_net *net = nt_net(bt_ctx(state), BP_F64, BP_TANH, BP_INIT_AUTO, 2, NT_WIDTHS(4, 3, 1));
  assert_int_equal(bp_net_size(net), 31);
  assert_int_equal(bp_net_dtype(net), BP_F64);
  bp_net_free(net);
}

static void a_network_without_layers_hands_its_inputs_on(void **state) {
  bp_net *net = NULL;
  bt_assert_ok(bt_ctx(state), bp_net_new(bt_ctx(state), 7, BP_F32, &net));
  assert_int_equal(bp_net_layers(net), 0);
  assert_int_equal(bp_net_params(net), 0);
  assert_int_equal(bp_net_size(net), 0);
  assert_int_equal(bp_net_outputs(net), 7);
  bp_net_free(net);
}

static void layers_say_what_they_are(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = NULL;
  bt_assert_ok(ctx, bp_net_new(ctx, 5, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 9, BP_RELU, BP_INIT_HE_NORMAL));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, 2, BP_SIGMOID, BP_INIT_AUTO));
  bp_layer_info first = bp_net_layer(net, 0), second = bp_net_layer(net, 1);
  assert_string_equal(first.type, "dense");
  assert_int_equal(first.activation, BP_RELU);
  assert_int_equal(first.inputs, 5);
  assert_int_equal(first.outputs, 9);
  assert_int_equal(second.activation, BP_SIGMOID);
  assert_int_equal(second.inputs, 9);
  assert_int_equal(second.outputs, 2);
  for (int i = -1; i < 3; i += 3) {
    assert_string_equal(bp_net_layer(net, i).type, "");
    assert_int_equal(bp_net_layer(net, i).parameters, 0);
  }
  bp_net_free(net);
}

/* The names and shapes under which a model file keeps them. */
static void parameters_have_names_and_shapes(void **state) {
  bp_net *net = nt_net(bt_ctx(state), BP_F32, BP_TANH, BP_INIT_AUTO, 4, NT_WIDTHS(6, 3));
  static const struct {
    const char *name;
    int layer, rank;
    int64_t rows, columns, elements;
  } expected[] = {{"layers.0.weight", 0, 2, 4, 6, 24},
                  {"layers.0.bias", 0, 1, 6, 0, 6},
                  {"layers.1.weight", 1, 2, 6, 3, 18},
                  {"layers.1.bias", 1, 1, 3, 0, 3}};
  assert_int_equal(bp_net_params(net), 4);
  for (int p = 0; p < 4; p++) {
    bp_param_info info = bp_net_param(net, p);
    assert_string_equal(info.name, expected[p].name);
    assert_int_equal(info.layer, expected[p].layer);
    assert_int_equal(info.is_weight, p % 2 == 0);
    assert_int_equal(info.rank, expected[p].rank);
    assert_int_equal(info.dims[0], expected[p].rows);
    assert_int_equal(info.dims[1], expected[p].columns);
    assert_int_equal(info.elements, expected[p].elements);
  }
  assert_int_equal(bp_net_param(net, -1).elements, 0);
  assert_int_equal(bp_net_param(net, 4).elements, 0);
  assert_int_equal(bp_net_param(net, 4).layer, -1);
  bp_net_free(net);
}

static void declared_inputs_carry_names_types_and_shapes(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = nt_net(ctx, BP_F64, BP_TANH, BP_INIT_AUTO, 4, NT_WIDTHS(6, 3));
  bp_graph *graph = NULL;
  bp_var params[4];
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  bp_net_declare(net, graph, params);
  bt_assert_ok(ctx, bp_graph_status(graph));
  for (int p = 0; p < 4; p++) {
    bp_param_info info = bp_net_param(net, p);
    assert_string_equal(bp_var_name(params[p]), info.name);
    assert_int_equal(bp_var_dtype(params[p]), BP_F64);
    assert_int_equal(bp_var_rank(params[p]), info.rank);
    for (int axis = 0; axis < info.rank; axis++) assert_int_equal(bp_var_dim(params[p], axis), info.dims[axis]);
  }
  bp_graph_free(graph);
  bp_net_free(net);
}

/* ---- refusals ---- */

static void a_network_needs_inputs_and_a_real_type(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = (bp_net *)state; /* must stay as it is */
  bt_assert_fails(ctx, BP_E_ARG, bp_net_new(ctx, 0, BP_F32, &net));
  bt_assert_message(ctx, "0 inputs, expected 1 to 16777216");
  bt_assert_fails(ctx, BP_E_ARG, bp_net_new(ctx, -3, BP_F32, &net));
  bt_assert_message(ctx, "-3 inputs");
  bt_assert_fails(ctx, BP_E_ARG, bp_net_new(ctx, INT64_MAX, BP_F32, &net));
  bt_assert_fails(ctx, BP_E_DTYPE, bp_net_new(ctx, 2, BP_I32, &net));
  bt_assert_message(ctx, "int32, expected float32 or float64");
  bt_assert_fails(ctx, BP_E_DTYPE, bp_net_new(ctx, 2, BP_U8, &net));
  bt_assert_fails(ctx, BP_E_DTYPE, bp_net_new(ctx, 2, (bp_dtype)17, &net));
  assert_ptr_equal(net, state);
}

static void a_layer_out_of_range_is_refused_and_not_added(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, 3, NT_WIDTHS(2));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dense(ctx, net, 0, BP_TANH, BP_INIT_AUTO));
  bt_assert_message(ctx, "0 units, expected 1 to 16777216");
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dense(ctx, net, -1, BP_TANH, BP_INIT_AUTO));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dense(ctx, net, ((int64_t)1 << 24) + 1, BP_TANH, BP_INIT_AUTO));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dense(ctx, net, INT64_MIN, BP_TANH, BP_INIT_AUTO));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dense(ctx, net, 2, BP_ACTIVATION_COUNT, BP_INIT_AUTO));
  bt_assert_message(ctx, "no activation number 20");
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dense(ctx, net, 2, (bp_activation)-1, BP_INIT_AUTO));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dense(ctx, net, 2, BP_TANH, BP_INIT_COUNT));
  bt_assert_message(ctx, "no initialiser number 11");
  assert_int_equal(bp_net_layers(net), 1);
  assert_int_equal(bp_net_outputs(net), 2);
  bp_net_free(net);
}

static void weights_beyond_the_limit_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, (int64_t)1 << 24, NT_WIDTHS(4096));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, (int64_t)1 << 24, BP_TANH, BP_INIT_AUTO));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_net_dense(ctx, net, 4097, BP_TANH, BP_INIT_AUTO));
  bt_assert_message(ctx, "16777216 x 4097 weights, at most 68719476736");
  bp_net_free(net);
}

static void layers_beyond_the_limit_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, 1, NT_WIDTHS(1));
  for (int l = 1; l < 1000; l++) bt_assert_ok(ctx, bp_net_dense(ctx, net, 1, BP_TANH, BP_INIT_AUTO));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_net_dense(ctx, net, 1, BP_TANH, BP_INIT_AUTO));
  bt_assert_message(ctx, "at most 1000 layers");
  assert_string_equal(bp_net_param(net, 1999).name, "layers.999.bias");
  bp_net_free(net);
}

static void rows_of_another_width_are_an_error_of_the_graph(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_net *net = nt_net(ctx, BP_F32, BP_TANH, BP_INIT_AUTO, 4, NT_WIDTHS(3));
  bp_graph *graph = NULL;
  bp_var params[2];
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  bp_net_declare(net, graph, params);
  bp_var x = bp_input(graph, "x", BP_F32, 2, (int64_t[]){BP_BATCH, 5});
  bp_var z = bp_net_apply(net, x, params);
  assert_true(bp_var_is_zero(z));
  bt_assert_fails(ctx, BP_E_SHAPE, bp_graph_status(graph));
  bt_assert_message(ctx, "matmul");
  bp_graph_free(graph);
  bp_net_free(net);
}

/* ---- memory ---- */

static bp_status make_a_network(bp_context *ctx, void *user) {
  bp_net *net = NULL;
  (void)user;
  bp_status status = bp_net_new(ctx, 3, BP_F32, &net);
  if (status != BP_OK) assert_null(net);
  for (int l = 0; l < 40 && status == BP_OK; l++) {
    status = bp_net_dense(ctx, net, 3, BP_TANH, BP_INIT_AUTO);
    assert_int_equal(bp_net_layers(net), status == BP_OK ? l + 1 : l);
  }
  bp_net_free(net);
  return status;
}

static void a_failed_allocation_leaves_the_network_as_it_was(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(make_a_network, NULL) >= 3);
}

static void freeing_no_network_does_nothing(void **state) {
  (void)state;
  bp_net_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(activations_are_found_by_their_names),
      BT_TEST(initialisers_are_found_by_their_names),
      BT_TEST(what_has_no_name_is_not_found),
      BT_TEST(the_digit_network_has_118282_parameters),
      BT_TEST(the_binary_network_has_31_parameters),
      BT_TEST(a_network_without_layers_hands_its_inputs_on),
      BT_TEST(layers_say_what_they_are),
      BT_TEST(parameters_have_names_and_shapes),
      BT_TEST(declared_inputs_carry_names_types_and_shapes),
      BT_TEST(a_network_needs_inputs_and_a_real_type),
      BT_TEST(a_layer_out_of_range_is_refused_and_not_added),
      BT_TEST(weights_beyond_the_limit_are_refused),
      BT_TEST(layers_beyond_the_limit_are_refused),
      BT_TEST(rows_of_another_width_are_an_error_of_the_graph),
      BT_TEST(a_failed_allocation_leaves_the_network_as_it_was),
      BT_TEST(freeing_no_network_does_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
