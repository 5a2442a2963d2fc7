/* test_eager.c - graphs that compute while they are built. */
#include <math.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/control.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "support/testing.h"

static bp_graph *eager(bp_context *ctx) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new_eager(ctx, &g));
  return g;
}

static bp_var number(bp_graph *g, double value) { return bp_variable(g, "x", BP_F64, 0, NULL, &value); }

static void values_are_there_as_soon_as_nodes(void **state) {
  bp_graph *g = eager(bt_ctx(state));
  bp_var x = number(g, 0.5), y = bp_mul(bp_sin(x), bp_exp(x));
  bt_assert_close(bp_item(y), sin(0.5) * exp(0.5), 1e-15, 0);
  bp_var a = bp_variable(g, "a", BP_F64, 2, (int64_t[]){2, 2}, (double[]){1, 2, 3, 4});
  bp_var p = bp_matmul(a, a);
  const double expected[] = {7, 10, 15, 22};
  bt_assert_close_f64(bp_values(p), expected, 4, 0, 0);
  bp_graph_free(g);
}

/* Newton's iteration for the square root: a loop whose length depends on values; d sqrt(a)/da = 1 / (2 sqrt(a)). */
static void loops_in_c_are_differentiated_along_the_path_taken(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = eager(ctx);
  size_t mark = bp_graph_size(g);
  for (double value = 0.25; value < 100; value *= 3) {
    bp_var a = number(g, value), x = a, grad, second;
    while (fabs(bp_item(x) * bp_item(x) - value) > 1e-13 * value)
      x = bp_mul(bp_scalar(g, BP_F64, 0.5), bp_add(x, bp_div(a, x)));
    bt_assert_ok(ctx, bp_grad(x, &a, 1, &grad));
    bt_assert_ok(ctx, bp_grad(grad, &a, 1, &second));
    bt_assert_close(bp_item(grad), 0.5 / sqrt(value), 1e-10, 0);
    bt_assert_close(bp_item(second), -0.25 / (value * sqrt(value)), 1e-6, 0);
    bp_graph_rewind(g, mark);
    assert_int_equal(bp_graph_size(g), mark);
  }
  bp_graph_free(g);
}

static void branches_in_c_record_the_branch_taken(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (double value = -2; value <= 2; value += 4) {
    bp_graph *g = eager(ctx);
    bp_var x = number(g, value), y = bp_item(x) > 0 ? bp_square(x) : bp_neg(x), grad;
    bt_assert_ok(ctx, bp_grad(y, &x, 1, &grad));
    bt_assert_close(bp_item(grad), value > 0 ? 2 * value : -1, 0, 0);
    bp_graph_free(g);
  }
}

static void arrays_and_float32_work_too(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = eager(ctx);
  float data[6] = {1, -2, 3, -4, 5, -6};
  bp_var x = bp_variable(g, "x", BP_F32, 2, (int64_t[]){2, 3}, data), grad;
  bp_var y = bp_sum(bp_relu(bp_mul(x, bp_scalar(g, BP_F32, 2))), BP_ALL_AXES);
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &grad));
  bt_assert_close(bp_item(y), 18, 0, 0);
  const float expected[] = {2, 0, 2, 0, 2, 0};
  bt_assert_close_f32(bp_values(grad), expected, 6, 0, 0);
  bp_graph_free(g);
}

static void a_recorded_graph_compiles(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = eager(ctx);
  bp_var x = number(g, 3), y = bp_mul(bp_square(x), bp_log(x));
  bp_program *program;
  bp_workspace *w;
  double v = 5, r;
  bt_assert_ok(ctx, bp_compile(&y, 1, &x, 1, NULL, &program));
  bt_assert_ok(ctx, bp_workspace_new(ctx, program, 1, &w));
  bt_assert_ok(ctx, bp_run(program, w, 0, (const void *[]){&v}, (void *[]){&r}));
  bt_assert_close(r, 25 * log(5), 1e-15, 0);
  bp_workspace_free(w);
  bp_program_free(program);
  bp_graph_free(g);
}

static void mistakes_are_recorded_and_rewound(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = eager(ctx);
  size_t mark = bp_graph_size(g);
  bp_var x = bp_input(g, "x", BP_F64, 0, NULL);
  (void)bp_exp(bp_variable(g, "v", BP_F64, 1, (int64_t[]){2}, (double[]){1, 2}));
  (void)bp_matmul(x, x);
  assert_int_equal(bp_graph_status(g), BP_E_SHAPE);
  bp_graph_rewind(g, mark);
  assert_int_equal(bp_graph_status(g), BP_OK);
  bp_var v = bp_variable(g, "v", BP_F64, 1, (int64_t[]){2}, (double[]){1, 2});
  assert_true(isnan(bp_item(v)));
  assert_int_equal(bp_graph_status(g), BP_E_ARG);
  assert_non_null(strstr(bp_graph_message(g), "[2], expected one element"));
  bp_graph_rewind(g, mark);
  (void)bp_sum(bp_input(g, "w", BP_F64, 1, (int64_t[]){2}), BP_ALL_AXES);
  assert_int_equal(bp_graph_status(g), BP_E_INPUT);
  assert_non_null(strstr(bp_graph_message(g), "'w'"));
  bp_graph_rewind(g, mark);
  assert_null(bp_values(bp_input(g, "u", BP_F64, 0, NULL)));
  (void)bp_mul(number(g, 2), bp_input(g, "u", BP_F64, 0, NULL));
  assert_int_equal(bp_graph_status(g), BP_E_INPUT);
  assert_non_null(strstr(bp_graph_message(g), "'u'"));
  bp_graph_free(g);

  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  double one = 1;
  (void)bp_variable(g, "x", BP_F64, 0, NULL, &one);
  assert_int_equal(bp_graph_status(g), BP_E_ARG);
  bp_graph_free(g);
}

/* Numbers, arrays and lists of arguments take turns; what is rewound is released, and recorded again the same. */
static void a_graph_of_numbers_and_arrays_can_be_rewound_at_any_node(void **state) {
  bp_context *ctx = bt_ctx(state);
  double first[60];
  for (int keep = 0; keep < 60; keep++) {
    bp_graph *g = eager(ctx);
    bp_var x = number(g, 0.5), a = bp_variable(g, "a", BP_F64, 1, (int64_t[]){3}, (double[]){1, 2, 3});
    size_t mark = bp_graph_size(g);
    for (int again = 0; again < 2; again++) {
      bp_var y = x, v = a;
      for (int i = 0; i < 12; i++) {
        y = bp_add(bp_sin(y), x);
        v = i % 3 == 0 ? bp_concat((bp_var[]){v, a}, 2, 0) : bp_mul(v, y);
        y = bp_sub(y, bp_sum(bp_tanh(v), BP_ALL_AXES));
      }
      first[keep] = bp_item(y);
      bt_assert_close(first[keep], first[0], 0, 0);
      if (again == 0) bp_graph_rewind(g, mark + (size_t)keep);
      if (again == 0) bp_graph_rewind(g, mark);
    }
    bt_assert_ok(ctx, bp_graph_status(g));
    bp_graph_free(g);
  }
}

static bp_status sweep_job(bp_context *ctx, void *user) {
  (void)user;
  bp_graph *g;
  bp_status status = bp_graph_new_eager(ctx, &g);
  if (status != BP_OK) return status;
  bp_var x = bp_variable(g, "x", BP_F64, 1, (int64_t[]){40}, (double[40]){1, 2, 3}), grad;
  bp_var y = bp_sum(bp_square(bp_sin(x)), BP_ALL_AXES);
  status = bp_graph_status(g);
  if (status == BP_OK) status = bp_grad(y, &x, 1, &grad);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  bt_alloc_sweep(sweep_job, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(values_are_there_as_soon_as_nodes),
      BT_TEST(loops_in_c_are_differentiated_along_the_path_taken),
      BT_TEST(branches_in_c_record_the_branch_taken),
      BT_TEST(arrays_and_float32_work_too),
      BT_TEST(a_recorded_graph_compiles),
      BT_TEST(mistakes_are_recorded_and_rewound),
      BT_TEST(a_graph_of_numbers_and_arrays_can_be_rewound_at_any_node),
      BT_TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
