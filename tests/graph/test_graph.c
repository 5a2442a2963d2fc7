/* Graphs: the size of a node, looking at variables, names, printing, drawing, and plain evaluation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "graph/node.h"
#include "support/testing.h"

static bp_graph *new_graph(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  return g;
}

static void a_node_takes_32_bytes(void **state) {
  (void)state;
  assert_int_equal(sizeof(bp_node), 32);
}

static void a_new_graph_holds_the_symbolic_zero(void **state) {
  bp_graph *g = new_graph(state);
  assert_int_equal(bp_graph_size(g), 1);
  assert_int_equal(bp_graph_status(g), BP_OK);
  assert_string_equal(bp_graph_message(g), "");
  assert_ptr_equal(bp_graph_context(g), bt_ctx(state));
  assert_true(bp_var_is_zero((bp_var){g, 0}) && bp_var_is_zero((bp_var){NULL, 0}));
  bp_graph_free(g);
  bp_graph_free(NULL);
}

static void variables_can_be_looked_at(void **state) {
  bp_graph *g = new_graph(state);
  bp_var x = bp_input(g, "x", BP_F64, 3, ((const int64_t[]){BP_BATCH, 4, 5})), y = bp_tanh(x), null = {NULL, 0},
         unknown = {g, 77};
  char text[64], little[6];
  assert_int_equal(bp_var_dtype(y), BP_F64);
  assert_int_equal(bp_var_rank(y), 3);
  assert_int_equal(bp_var_dim(y, 0), BP_BATCH);
  assert_int_equal(bp_var_dim(y, 2), 5);
  assert_int_equal(bp_var_dim(y, -1), 5);
  assert_int_equal(bp_var_dim(y, -3), BP_BATCH);
  assert_int_equal(bp_var_dim(y, 3), 0);
  assert_int_equal(bp_var_dim(y, -4), 0);
  assert_string_equal(bp_var_op(y), "tanh");
  assert_string_equal(bp_var_shape_text(y, text, sizeof text), "[batch,4,5]");
  assert_string_equal(bp_var_shape_text(y, little, sizeof little), "[batc");
  assert_int_equal(bp_var_rank(null), 0);
  assert_int_equal(bp_var_dim(null, 0), 0);
  assert_string_equal(bp_var_op(null), "?");
  assert_string_equal(bp_var_name(unknown), "");
  assert_string_equal(bp_var_shape_text(unknown, text, sizeof text), "[]");
  bp_graph_free(g);
}

static void names_are_copied_and_can_be_changed(void **state) {
  bp_graph *g = new_graph(state);
  char name[] = "weight";
  bp_var x = bp_input(g, name, BP_F32, 0, NULL), y = bp_exp(x);
  memset(name, '?', sizeof name - 1);
  assert_string_equal(bp_var_name(x), "weight");
  assert_string_equal(bp_var_name(y), "");
  bp_var_set_name(y, "growth");
  assert_string_equal(bp_var_name(y), "growth");
  bp_var_set_name(y, "other");
  assert_string_equal(bp_var_name(y), "other");
  bp_var_set_name((bp_var){NULL, 0}, "nobody");
  bp_var_set_name((bp_var){g, 0}, "zero");
  assert_string_equal(bp_var_name((bp_var){g, 0}), "");
  assert_int_equal(bp_graph_status(g), BP_OK);
  bp_graph_free(g);
}

static void shapes_are_interned(void **state) {
  bp_graph *g = new_graph(state);
  for (int64_t i = 0; i < 3000; i++) (void)bp_input(g, NULL, BP_F32, 2, ((const int64_t[]){i % 100, i % 7}));
  assert_int_equal(bp_graph_status(g), BP_OK);
  assert_int_equal(g->n_shapes, 1 + 700);
  bp_graph_free(g);
}

/* ---- text ---- */

static bp_var example(bp_graph *g) {
  bp_var x = bp_input(g, "x", BP_F32, 2, ((const int64_t[]){BP_BATCH, 3})),
         w = bp_input(g, "\"w\\\"", BP_F32, 2, ((const int64_t[]){2, 3}));
  (void)bp_exp(x); /* not needed */
  bp_var product = bp_matmul_t(x, false, w, true), y = bp_sum(bp_mul(product, bp_scalar(g, BP_F32, 0.5)), BP_AXIS(0));
  return bp_transpose(bp_reshape(y, 2, ((const int64_t[]){2, 1})), NULL);
}

static void a_graph_can_be_printed(void **state) {
  bp_graph *g = new_graph(state);
  bp_var y = example(g);
  char *text = NULL;
  bp_var_set_name(y, "result");
  bt_assert_ok(bt_ctx(state), bp_graph_print(&y, 1, &text));
  assert_string_equal(text, "%1 = input() : float32[batch,3]  x\n"
                            "%2 = input() : float32[2,3]  \"w\\\"\n"
                            "%4 = matmul(%1, %2, right transposed) : float32[batch,2]\n"
                            "%5 = scalar(0.5) : float32[]\n"
                            "%6 = broadcast(%5) : float32[batch,2]\n"
                            "%7 = mul(%4, %6) : float32[batch,2]\n"
                            "%8 = sum(%7, axes 0) : float32[2]\n"
                            "%9 = reshape(%8) : float32[2,1]\n"
                            "%10 = transpose(%9, order 1 0) : float32[1,2]  result\n");
  bp_string_free(bt_ctx(state), text);
  bp_graph_free(g);
}

static void a_graph_can_be_drawn(void **state) {
  bp_graph *g = new_graph(state);
  bp_var y = example(g);
  char *text = NULL;
  bt_assert_ok(bt_ctx(state), bp_graph_dot(&y, 1, &text));
  const char *lines[] = {"digraph backprop {\n",
                         "n1 [label=\"x\\ninput\\nfloat32[batch,3]\", shape=box];\n",
                         "n2 [label=\"\\\"w\\\\\\\"\\ninput",
                         "n1 -> n4;\n",
                         "n2 -> n4;\n",
                         "[label=\"scalar 0.5\\n",
                         "n7 -> n8;\n"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (strstr(text, lines[i]) == NULL) fail_msg("no '%s' in\n%s", lines[i], text);
  assert_null(strstr(text, "n3 ")); /* not needed */
  assert_string_equal(text + strlen(text) - 2, "}\n");
  bp_string_free(bt_ctx(state), text);
  bp_string_free(bt_ctx(state), NULL);
  bp_graph_free(g);
}

static void a_graph_with_an_error_is_not_printed(void **state) {
  bp_graph *g = new_graph(state);
  bp_var x = bp_input(g, "x", BP_F32, 1, (const int64_t[]){-5});
  char *text = NULL;
  bt_assert_fails(bt_ctx(state), BP_E_GRAPH, bp_graph_print(&x, 1, &text));
  bt_assert_message(bt_ctx(state), "input: the shape ");
  assert_int_equal(bp_graph_print(&x, 0, &text), BP_E_ARG);
  assert_int_equal(bp_graph_dot(&(bp_var){NULL, 0}, 1, &text), BP_E_ARG);
  assert_null(text);
  bp_graph_free(g);
}

/* ---- plain evaluation ---- */

static void evaluation_refuses_what_has_no_value(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state), *other = new_graph(state);
  bp_var x = bp_input(g, "x", BP_F32, 0, NULL), y = bp_exp(x), foreign = bp_scalar(other, BP_F32, 1);
  float value = 7, in = 0;
  const void *const ins[] = {&in};
  void *const outs[] = {&value, &value};
  bt_assert_fails(ctx, BP_E_ARG, bp_eval(&(bp_var){g, 0}, 1, &x, 1, 1, ins, outs));
  bt_assert_fails(ctx, BP_E_ARG, bp_eval(&(bp_var){g, 99}, 1, &x, 1, 1, ins, outs));
  bt_assert_fails(ctx, BP_E_ARG, bp_eval((bp_var[]){y, foreign}, 2, &x, 1, 1, ins, outs));
  bt_assert_fails(ctx, BP_E_INPUT, bp_eval(&y, 1, &x, 1, 1, (const void *[]){NULL}, outs));
  assert_int_equal(bp_eval(&(bp_var){NULL, 0}, 1, &x, 1, 1, ins, outs), BP_E_ARG);
  assert_true(value == 7);
  bt_assert_ok(ctx, bp_eval(NULL, 0, NULL, 0, 1, NULL, NULL));
  bt_assert_ok(ctx, bp_eval(&y, 1, (bp_var[]){foreign, x}, 2, 1, (const void *[]){&value, &in}, outs));
  assert_true(value == 1);
  bp_graph_free(g);
  bp_graph_free(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_node_takes_32_bytes),
      BT_TEST(a_new_graph_holds_the_symbolic_zero),
      BT_TEST(variables_can_be_looked_at),
      BT_TEST(names_are_copied_and_can_be_changed),
      BT_TEST(shapes_are_interned),
      BT_TEST(a_graph_can_be_printed),
      BT_TEST(a_graph_can_be_drawn),
      BT_TEST(a_graph_with_an_error_is_not_printed),
      BT_TEST(evaluation_refuses_what_has_no_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
