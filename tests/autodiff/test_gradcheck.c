/* The checker of derivatives: right ones pass, planted wrong ones do not, and the report says where. */
/* labels: grad */
#include "autodiff/derivative_fixtures.h"

/* ---- right derivatives pass ---- */
static void a_scalar_loss_passes(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double x_at[6], w_at[6];
  const int32_t classes_at[3] = {1, 0, 1};
  for (size_t i = 0; i < 6; i++) x_at[i] = uniform(41, i, -1, 1), w_at[i] = uniform(42, i, -1, 1);
  bp_var x = bp_input(g, "x", BP_F64, DIMS(BP_BATCH, 2)), w = bp_input(g, "w", BP_F64, DIMS(2, 3));
  bp_var classes = bp_input(g, "classes", BP_I32, DIMS(BP_BATCH)), in[] = {x, w, classes};
  bp_var loss = bp_mean(bp_softmax_cross_entropy(bp_tanh(bp_matmul(x, w)), classes), BP_ALL_AXES);
  const void *values[] = {x_at, w_at, classes_at};
  bp_gradcheck_report r;
  bt_assert_ok(ctx, bp_gradcheck(&loss, 1, NULL, 0, in, 3, 3, values, NULL, &r)); /* integers stay as they are */
  assert_int_equal(r.checked, 12);
  assert_true(r.error <= 1 && r.error >= 0);
  bt_assert_close(r.forward_product, r.reverse_product, 1e-10, 1e-12);
  bt_assert_ok(ctx, bp_gradcheck(&loss, 1, &w, 1, in, 3, 3, values, NULL, &r));
  assert_int_equal(r.checked, 6);
  bp_graph_free(g);
}

static void several_outputs_and_types_pass(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  const double a_at[3] = {0.5, 1, 2}, b_at = 0.7;
  const float c_at[3] = {1, 2, 3};
  bp_var a = vector(g, "a", 3), b = bp_input(g, "b", BP_F64, 0, NULL), c = bp_input(g, "c", BP_F32, DIMS(3)),
         in[] = {a, b, c};
  bp_var y[] = {bp_mul(bp_log(a), b), bp_mul(bp_cast(a, BP_F32), bp_exp(bp_neg(c))), bp_square(b)};
  bp_gradcheck_report r;
  bt_assert_ok(ctx, bp_gradcheck(y, 3, NULL, 0, in, 3, 0, (const void *[]){a_at, &b_at, c_at}, NULL, &r));
  assert_int_equal(r.checked, 7);
  bp_graph_free(g);
}

static void extrapolation_is_more_exact(void **state) {
  bp_context *ctx = bt_ctx(state);
  double error[2];
  const double at[2] = {0.3, 1.1};
  for (int richardson = 0; richardson < 2; richardson++) {
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "x", 2), y = bp_sin(bp_exp(bp_mul(x, number(g, 2))));
    bp_gradcheck_options o = {
        .size = sizeof o, .richardson = richardson != 0, .step = 1e-3, .relative = 1e-4, .absolute = 1e-4};
    bp_gradcheck_report r;
    bt_assert_ok(ctx, bp_gradcheck(&y, 1, NULL, 0, &x, 1, 0, (const void *[]){at}, &o, &r));
    error[richardson] = fabs(r.derivative - r.difference);
    bp_graph_free(g);
  }
  assert_true(error[0] > 1e-6);
  assert_true(error[1] < error[0] / 1000);
}

static void elements_can_be_sampled(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  double at[1000];
  for (size_t i = 0; i < 1000; i++) at[i] = uniform(43, i, 0, 1);
  bp_var x = vector(g, "x", 1000), y = total(bp_exp(x));
  bp_gradcheck_options o = {.size = sizeof o, .max_elements = 10};
  bp_gradcheck_report r;
  bt_assert_ok(ctx, bp_gradcheck(&y, 1, NULL, 0, &x, 1, 0, (const void *[]){at}, &o, &r));
  assert_int_equal(r.checked, 10);
  bp_graph_free(g);
}

/* ---- planted faults ---- */
/* The value x², with any derivative: what stop_gradient holds is constant to the rules, but not to differences. */
static bp_var square_with_derivative(bp_var x, bp_var derivative) {
  bp_var fixed = bp_stop_gradient(bp_square(x)), change = bp_sub(x, bp_stop_gradient(x));
  return bp_add(fixed, bp_mul(bp_stop_gradient(derivative), change));
}

static void a_wrong_derivative_is_caught_with_both_values(void **state) {
  static const double factor[] = {-2, 2.0001, 0, 1};
  bp_context *ctx = bt_ctx(state);
  const double at[3] = {1, 2, 3};
  for (size_t k = 0; k < 4; k++) {
    bp_graph *g = new_graph(ctx);
    bp_var x = vector(g, "weights", 3), y = square_with_derivative(x, bp_mul(number(g, factor[k]), x));
    bp_gradcheck_report r;
    bt_assert_fails(ctx, BP_E_CHECK, bp_gradcheck(&y, 1, NULL, 0, &x, 1, 0, (const void *[]){at}, NULL, &r));
    bt_assert_message(ctx, "forward mode");
    bt_assert_message(ctx, "'weights'");
    assert_int_equal(r.mode, BP_MODE_FORWARD);
    assert_int_equal(r.y_element, r.x_element);
    bt_assert_close(r.derivative, factor[k] * at[r.x_element], 1e-12, 1e-12);
    bt_assert_close(r.difference, 2 * at[r.x_element], 1e-7, 0);
    assert_true(r.error > 1);
    bp_graph_free(g);
  }
}

static void a_right_one_of_that_kind_passes(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  const double at[3] = {1, 2, 3};
  bp_var x = vector(g, "x", 3), y = square_with_derivative(x, bp_mul(number(g, 2), x));
  bt_assert_ok(ctx, bp_gradcheck(&y, 1, NULL, 0, &x, 1, 0, (const void *[]){at}, NULL, NULL));
  bp_graph_free(g);
}

/* An operation of the user's with rules of its own, right or wrong. */
typedef struct planted {
  double jvp, vjp; /* factors of the right rule */
} planted;

static bp_status cube(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  (void)user, (void)n_x;
  for (int64_t i = 0; i < y->elements; i++) ((double *)y->data)[i] = pow(((const double *)x[0].data)[i], 3);
  return BP_OK;
}
static bp_var cube_rule(bp_var x, bp_var seed, double factor) {
  return bp_mul(seed, bp_mul(number(x.graph, 3 * factor), bp_square(x)));
}
static bp_var cube_jvp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var x_dot) {
  (void)n_x, (void)i, (void)y;
  return cube_rule(x[0], x_dot, ((const planted *)user)->jvp);
}
static bp_var cube_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)n_x, (void)i, (void)y;
  return cube_rule(x[0], y_bar, ((const planted *)user)->vjp);
}

static bp_status check_planted(bp_context *ctx, planted p, bp_gradcheck_report *r) {
  bp_graph *g = new_graph(ctx);
  const double at[3] = {1, -2, 3};
  bp_custom_op op = {.size = sizeof op,
                     .name = "cube",
                     .user = &p,
                     .dtype = BP_F64,
                     .rank = 1,
                     .dims = {3},
                     .eval = cube,
                     .jvp = cube_jvp,
                     .vjp = cube_vjp};
  bp_var x = vector(g, "x", 3), y = bp_sin(bp_custom(g, &op, &x, 1));
  bp_status status = bp_gradcheck(&y, 1, NULL, 0, &x, 1, 0, (const void *[]){at}, NULL, r);
  bp_graph_free(g);
  return status;
}

static void wrong_rules_of_a_custom_operation_are_caught(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_gradcheck_report r;
  bt_assert_ok(ctx, check_planted(ctx, (planted){1, 1}, &r));
  bt_assert_fails(ctx, BP_E_CHECK, check_planted(ctx, (planted){1, -1}, &r));
  bt_assert_message(ctx, "reverse mode");
  assert_int_equal(r.mode, BP_MODE_REVERSE);
  assert_int_equal(r.y_element, -1);
  bt_assert_close(r.derivative, -r.difference, 1e-6, 0);
  bt_assert_close(r.forward_product, -r.reverse_product, 1e-10, 0);
  bt_assert_fails(ctx, BP_E_CHECK, check_planted(ctx, (planted){-1, 1}, &r));
  assert_int_equal(r.mode, BP_MODE_FORWARD);
  bt_assert_fails(ctx, BP_E_CHECK, check_planted(ctx, (planted){1.001, 1.001}, &r));
  bt_assert_fails(ctx, BP_E_CHECK, check_planted(ctx, (planted){0, 0}, &r));
}

/* Too little for differences, but the two modes see each other: the identity alone fails. */
static void modes_that_disagree_are_caught_without_differences(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_gradcheck_report r;
  bt_assert_fails(ctx, BP_E_CHECK, check_planted(ctx, (planted){1, 1 + 1e-8}, &r));
  bt_assert_message(ctx, "forward mode gives <y_bar, J x_dot> = ");
  assert_true(r.error <= 1);
}

static void what_is_not_a_number_is_caught(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  const double at[2] = {-1, 1};
  bp_var x = vector(g, "x", 2), y = bp_log(x);
  bp_gradcheck_report r;
  bt_assert_fails(ctx, BP_E_CHECK, bp_gradcheck(&y, 1, NULL, 0, &x, 1, 0, (const void *[]){at}, NULL, &r));
  assert_true(isinf(r.error));
  assert_int_equal(r.x_element, 0);
  bp_graph_free(g);
}

/* ---- refusals ---- */
static void what_cannot_be_varied_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(ctx);
  const double at[2] = {1, 2};
  const int32_t n_at[2] = {1, 2};
  bp_var x = vector(g, "x", 2), n = bp_input(g, "n", BP_I32, DIMS(2)), y = bp_square(x), other = vector(g, "other", 2);
  bp_gradcheck_report r = {.error = -1};
  bt_assert_fails(ctx, BP_E_ARG, bp_gradcheck(&y, 1, &other, 1, &x, 1, 0, (const void *[]){at}, NULL, &r));
  bt_assert_fails(ctx, BP_E_ARG, bp_gradcheck(&y, 1, &y, 1, &y, 1, 0, (const void *[]){at}, NULL, &r));
  bt_assert_fails(ctx, BP_E_ARG, bp_gradcheck(&y, 1, &n, 1, &n, 1, 0, (const void *[]){n_at}, NULL, &r));
  bt_assert_fails(ctx, BP_E_ARG, bp_gradcheck(&y, 1, NULL, 0, &n, 1, 0, (const void *[]){n_at}, NULL, &r));
  bt_assert_message(ctx, "no float input to vary");
  bt_assert_fails(ctx, BP_E_INPUT, bp_gradcheck(&y, 1, NULL, 0, &other, 1, 0, (const void *[]){at}, NULL, &r));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_gradcheck(&y, 1, NULL, 0, &x, 1, -1, (const void *[]){at}, NULL, &r));
  assert_true(r.error == -1); /* untouched */
  assert_int_equal(bp_gradcheck(&y, 0, NULL, 0, &x, 1, 0, (const void *[]){at}, NULL, &r), BP_E_ARG);
  bp_graph_free(g);
}

static bp_status gradcheck_job(bp_context *ctx, void *user) {
  bp_graph *g;
  (void)user;
  const double at[2] = {1, 2};
  bp_gradcheck_report r = {.error = -1};
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var x = bp_input(g, NULL, BP_F64, DIMS(2)), y[] = {bp_exp(x), bp_sin(x)};
  status = bp_graph_status(g);
  if (status == BP_OK) status = bp_gradcheck(y, 2, NULL, 0, &x, 1, 0, (const void *[]){at}, NULL, &r);
  if (status != BP_OK) assert_true(r.error == -1);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(gradcheck_job, NULL) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_scalar_loss_passes),
      BT_TEST(several_outputs_and_types_pass),
      BT_TEST(extrapolation_is_more_exact),
      BT_TEST(elements_can_be_sampled),
      BT_TEST(a_wrong_derivative_is_caught_with_both_values),
      BT_TEST(a_right_one_of_that_kind_passes),
      BT_TEST(wrong_rules_of_a_custom_operation_are_caught),
      BT_TEST(modes_that_disagree_are_caught_without_differences),
      BT_TEST(what_is_not_a_number_is_caught),
      BT_TEST(what_cannot_be_varied_is_refused),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
