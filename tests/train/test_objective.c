/* train/test_objective.c - objectives: text, what goes together, weights of rows, and losses of one's own. */
/* labels: unit oom */
#include "backprop/ops.h"
#include "support/memory.h"
#include "train/train_fixtures.h"

enum { N = 48 };

/* ---- text ---- */

static const struct {
  const char *text;
  bp_loss loss;
  double setting;
} texts[] = {
    {"mse", BP_LOSS_MSE, 0},
    {"auto", BP_LOSS_AUTO, 0},
    {"huber:1.5", BP_LOSS_HUBER, 1.5},
    {"quantile:0.05", BP_LOSS_QUANTILE, 0.05},
    {"laplace:1e3", BP_LOSS_LAPLACE, 1000},
    {"(y - p)^2", BP_LOSS_EXPRESSION, 0},
    {"log(1 + exp((1 - 2*y)*z))", BP_LOSS_EXPRESSION, 0},
};

static void text_is_read_and_written(void **state) {
  char text[80];
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bp_objective o = {.output = BP_OUTPUT_TANH};
    bt_assert_ok(bt_ctx(state), bp_objective_parse(bt_ctx(state), texts[i].text, &o));
    assert_int_equal(o.loss, texts[i].loss);
    assert_true(o.setting == texts[i].setting);
    assert_int_equal(o.output, BP_OUTPUT_TANH);
    assert_string_equal(bp_objective_text(&o, text, sizeof text),
                        strcmp(texts[i].text, "laplace:1e3") ? texts[i].text : "laplace:1000");
  }
}

static const struct {
  const char *text, *words;
} bad_texts[] = {
    {"crossentropy", "there is no loss 'crossentropy'; did you mean cross_entropy?"},
    {"xyzzy", "expected auto, cross_entropy"},
    {"expression", "there is no loss 'expression'"},
    {"callback", "there is no loss 'callback'"},
    {"mse:2", "loss mse has no setting"},
    {"quantile:1.5", "loss quantile: tau is 1.5, expected a number above 0 and below 1"},
    {"quantile:0", "tau is 0"},
    {"huber:-1", "delta is -1"},
    {"huber:", "expected a number after the colon"},
    {"huber:1x", "expected a number after the colon"},
    {"gaussian:nan", "sigma is nan"},
    {"laplace:inf", "gamma is inf"},
};

static void bad_texts_are_refused(void **state) {
  for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
    bp_objective o = {.loss = BP_LOSS_RSS};
    bt_assert_fails(bt_ctx(state), BP_E_ARG, bp_objective_parse(bt_ctx(state), bad_texts[i].text, &o));
    bt_assert_message(bt_ctx(state), bad_texts[i].words);
    assert_int_equal(o.loss, BP_LOSS_RSS);
  }
}

/* ---- what goes together ---- */

static const struct {
  bp_objective o;
  bool classes;
  int64_t width;
  const char *words;
} misfits[] = {
    {{.loss = BP_LOSS_POISSON}, true, 3, "loss poisson is for values, but the target is classes"},
    {{.loss = BP_LOSS_QUANTILE}, true, 2, "loss quantile is for values"},
    {{.loss = BP_LOSS_CROSS_ENTROPY}, false, 1, "needs classes, or several targets that add up to 1"},
    {{.loss = BP_LOSS_CROSS_ENTROPY, .output = BP_OUTPUT_SIGMOID},
     true,
     3,
     "take softmax, or the loss binary_cross_entropy"},
    {{.loss = BP_LOSS_BINARY_CROSS_ENTROPY, .output = BP_OUTPUT_SOFTMAX}, true, 3, "take sigmoid"},
    {{.loss = BP_LOSS_MSE, .output = BP_OUTPUT_HEAVISIDE}, true, 2, "no gradient passes through it"},
    {{.loss = BP_LOSS_POISSON, .output = BP_OUTPUT_IDENTITY}, false, 1, "it needs a mean above 0"},
    {{.loss = BP_LOSS_MSE, .label_smoothing = 0.1}, true, 2, "label smoothing is for"},
    {{.label_smoothing = 1}, true, 2, "label smoothing is 1, expected a number from 0 and below 1"},
    {{.loss = BP_LOSS_GAUSSIAN_FULL}, false, 17, "17 targets, at most 16"},
    {{.loss = BP_LOSS_EXPRESSION}, false, 1, "objective.expression is empty"},
    {{.loss = BP_LOSS_CALLBACK}, false, 1, "objective.rows is NULL"},
    {{.loss = BP_LOSS_EXPRESSION, .expression = "(y - q)^2"}, false, 1, "loss '(y - q)^2': column 6: unknown name 'q'"},
    {{.loss = BP_LOSS_EXPRESSION, .expression = "(y - p"}, false, 1, "column"},
    {{.loss = BP_LOSS_EXPRESSION, .expression = "(y - p)^2"}, false, 3, "expected one float64 number for each row"},
    {{.loss = BP_LOSS_EXPRESSION, .expression = "2 + 3"}, false, 1, "for each row"},
    {{.loss = BP_LOSS_QUANTILE, .setting = 2}, false, 1, "tau is 2"},
    {{.output = BP_OUTPUT_COUNT}, false, 1, "no output unit number"},
    {{0}, false, 0, "targets of width 0"},
};

static void what_does_not_fit_is_refused_and_says_why(void **state) {
  for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
    bp_objective out = {.width = 77};
    bp_status status = bp_objective_resolve(bt_ctx(state), &misfits[i].o, misfits[i].classes, misfits[i].width, &out);
    if (status == BP_OK) fail_msg("misfit %zu (%s) is taken", i, misfits[i].words);
    bt_assert_message(bt_ctx(state), misfits[i].words);
    assert_int_equal(out.width, 77);
  }
}

static void automatic_is_decided_by_the_target(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_objective zero = {0}, own = {.loss = BP_LOSS_EXPRESSION, .expression = "sum(z)"}, o;
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &zero, true, 3, &o));
  assert_true(o.loss == BP_LOSS_CROSS_ENTROPY && o.output == BP_OUTPUT_SOFTMAX && !bp_objective_scales(&o));
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &zero, false, 3, &o));
  assert_true(o.loss == BP_LOSS_MSE && o.output == BP_OUTPUT_IDENTITY && bp_objective_scales(&o));
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &own, true, 3, &o));
  assert_true(o.output == BP_OUTPUT_SOFTMAX && bp_objective_units(&o) == 3);
  own.expression = "z";
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &own, true, 2, &o));
  assert_true(o.output == BP_OUTPUT_SIGMOID && bp_objective_units(&o) == 1);
}

static void odd_pairs_have_a_reason(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_objective o, sigmoid = {.loss = BP_LOSS_MSE, .output = BP_OUTPUT_SIGMOID}, plain = {.loss = BP_LOSS_MSE};
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &sigmoid, true, 2, &o));
  assert_non_null(strstr(bp_objective_mismatch(&o), "that of binary_cross_entropy does not"));
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &plain, true, 2, &o));
  assert_null(bp_objective_mismatch(&o));
}

static void ranges_of_targets_follow_loss_and_unit(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_objective o, poisson = {.loss = BP_LOSS_POISSON}, squashed = {.output = BP_OUTPUT_TANH}, plain = {0};
  double low, high;
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &poisson, false, 1, &o));
  bp_objective_range(&o, &low, &high);
  assert_true(low == 0 && isinf(high) && !bp_objective_scales(&o));
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &squashed, false, 1, &o));
  bp_objective_range(&o, &low, &high);
  assert_true(low == -1 && high == 1 && !bp_objective_scales(&o));
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &plain, false, 1, &o));
  bp_objective_range(&o, &low, &high);
  assert_true(isinf(low) && isinf(high));
}

/* ---- fits ---- */

static double fit(bp_context *ctx, const bp_source *rows, bp_objective objective, tt_model *m) {
  bp_fit_options o = tt_options();
  bp_fit_result result = {0};
  o.objective = objective;
  o.batch_size = rows->rows;
  o.epochs = 10;
  *m = tt_model_new(ctx, BP_F64, 5, 3);
  bt_assert_ok(ctx, bp_fit(ctx, m->net, m->params, rows, rows, &o, &result));
  double loss = result.history[9].valid_loss;
  bp_fit_result_release(ctx, &result);
  return loss;
}

static void assert_alike(const tt_model *a, const tt_model *b, double tolerance) {
  for (int p = 0; p < bp_net_params(a->net); p++)
    for (int64_t i = 0; i < bp_net_param(a->net, p).elements; i++)
      bt_assert_close(tt_param(a, p, i), tt_param(b, p, i), 0, tolerance);
}

/* Row r with the weight r % 3 is the same as r % 3 copies of it, for any scale of the weights. */
static void a_weight_is_a_number_of_copies(void **state) {
  tt_data *d = tt_data_new(4);
  tt_data *copies = tt_data_new(4);
  double weights[N];
  int64_t n = 0;
  for (int r = 0; r < N; r++) {
    weights[r] = 0.125 * (r % 3);
    for (int c = 0; c < r % 3; c++, n++) {
      memcpy(copies->x + n * TT_COLUMNS, d->x + r * TT_COLUMNS, TT_COLUMNS * sizeof *d->x);
      copies->classes[n] = d->classes[r];
    }
  }
  bp_source weighted = tt_classes(d, 0, N), repeated = tt_classes(copies, 0, n);
  tt_model a, b;
  weighted.weights = weights;
  double x = fit(bt_ctx(state), &weighted, (bp_objective){0}, &a),
         y = fit(bt_ctx(state), &repeated, (bp_objective){0}, &b);
  bt_assert_close(x, y, 1e-11, 0);
  assert_alike(&a, &b, 1e-11);
  tt_model_release(&a);
  tt_model_release(&b);
  free(d);
  free(copies);
}

/* Mini-batches: the mean of the batches' losses is the weighted mean of all rows (before the first step, with a step of nothing). */
static void batches_share_the_weights_of_all_rows(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(4);
  double weights[N], losses[2];
  for (int r = 0; r < N; r++) weights[r] = 1 + r % 7;
  bp_source rows = tt_classes(d, 0, N);
  rows.weights = weights;
  for (int i = 0; i < 2; i++) {
    bp_fit_options o = tt_options();
    bp_fit_result result = {0};
    tt_model m = tt_model_new(ctx, BP_F64, 5, 3);
    o.momentum = 0;
    o.lr = 1e-300;
    o.epochs = 1;
    o.batch_size = i ? 7 : N;
    bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, &rows, &o, &result));
    losses[i] = result.history[0].train_loss;
    bt_assert_close(losses[i], result.history[0].valid_loss, 1e-12, 0);
    bp_fit_result_release(ctx, &result);
    tt_model_release(&m);
  }
  bt_assert_close(losses[0], losses[1], 1e-12, 0);
  free(d);
}

static const struct {
  double weight, other;
  const char *words;
} bad_weights[] = {
    {-1, 1, "the weight of row 3 is -1"},
    {NAN, 1, "the weight of row 3 is nan"},
    {INFINITY, 1, "the weight of row 3 is inf"},
    {0, 0, "the weights of all rows add up to 0"},
};

static void bad_weights_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(4);
  for (size_t i = 0; i < sizeof bad_weights / sizeof *bad_weights; i++) {
    bp_source rows = tt_classes(d, 0, N);
    bp_fit_options o = tt_options();
    bp_fit_result result;
    tt_model m = tt_model_new(ctx, BP_F32, 5, 3);
    double weights[N];
    for (int r = 0; r < N; r++) weights[r] = r == 3 ? bad_weights[i].weight : bad_weights[i].other;
    rows.weights = weights;
    bt_assert_fails(ctx, BP_E_DATA, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
    bt_assert_message(ctx, bad_weights[i].words);
    tt_model_release(&m);
  }
  free(d);
}

static bp_var squares(void *user, bp_var z, bp_var p, bp_var y) {
  ++*(int *)user;
  return bp_mean(bp_square(bp_sub(bp_add(p, bp_sub(z, z)), y)), BP_LAST_AXIS);
}

static bp_var no_rows(void *user, bp_var z, bp_var p, bp_var y) {
  (void)user, (void)y, (void)p;
  return bp_square(z);
}

static bp_var nothing(void *user, bp_var z, bp_var p, bp_var y) {
  (void)user, (void)y, (void)p;
  return (bp_var){z.graph, 0};
}

/* A loss of one's own trains as the built-in one that it is. */
static void callback_and_formula_train_as_the_loss_that_they_are(void **state) {
  tt_data *d = tt_data_new(4);
  bp_source rows = tt_values(d, 0, N);
  tt_model built_in, called, written;
  int calls = 0;
  double a = fit(bt_ctx(state), &rows, (bp_objective){.loss = BP_LOSS_MSE}, &built_in);
  double b =
      fit(bt_ctx(state), &rows, (bp_objective){.loss = BP_LOSS_CALLBACK, .rows = squares, .user = &calls}, &called);
  double c =
      fit(bt_ctx(state), &rows, (bp_objective){.loss = BP_LOSS_EXPRESSION, .expression = "mean((p - y)^2)"}, &written);
  assert_true(calls > 0);
  bt_assert_close(b, a, 1e-13, 0);
  bt_assert_close(c, a, 1e-13, 0);
  assert_alike(&called, &built_in, 1e-13);
  assert_alike(&written, &built_in, 1e-13);
  tt_model_release(&built_in);
  tt_model_release(&called);
  tt_model_release(&written);
  free(d);
}

static void a_callback_must_give_one_number_for_each_row(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(4);
  bp_source rows = tt_values(d, 0, N);
  bp_fit_options o = tt_options();
  bp_fit_result result;
  tt_model m = tt_model_new(ctx, BP_F32, 5, 3);
  o.objective = (bp_objective){.loss = BP_LOSS_CALLBACK, .rows = no_rows};
  bt_assert_fails(ctx, BP_E_SHAPE, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  bt_assert_message(ctx, "loss 'callback' gives float32 [batch,3]; expected one float32 number for each row");
  o.objective.rows = nothing;
  bt_assert_fails(ctx, BP_E_ARG, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  bt_assert_message(ctx, "depends on no output of the network");
  tt_model_release(&m);
  free(d);
}

/* ---- memory ---- */

static bp_status resolve_once(bp_context *ctx, void *user) {
  bp_objective out, o = {.loss = BP_LOSS_EXPRESSION, .expression = user};
  return bp_objective_resolve(ctx, &o, false, 3, &out);
}

static void a_failed_allocation_leaves_no_formula_behind(void **state) {
  (void)state;
  char text[] = "a = y - p; sum(a^2) + log(1 + exp(z[0]))";
  assert_true(bt_alloc_sweep(resolve_once, text) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(text_is_read_and_written),
      BT_TEST(bad_texts_are_refused),
      BT_TEST(what_does_not_fit_is_refused_and_says_why),
      BT_TEST(automatic_is_decided_by_the_target),
      BT_TEST(odd_pairs_have_a_reason),
      BT_TEST(ranges_of_targets_follow_loss_and_unit),
      BT_TEST(a_weight_is_a_number_of_copies),
      BT_TEST(batches_share_the_weights_of_all_rows),
      BT_TEST(bad_weights_are_refused),
      BT_TEST(callback_and_formula_train_as_the_loss_that_they_are),
      BT_TEST(a_callback_must_give_one_number_for_each_row),
      BT_TEST(a_failed_allocation_leaves_no_formula_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
