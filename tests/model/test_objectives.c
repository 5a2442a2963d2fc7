/* model/test_objectives.c - several targets, weights of rows and classes, and losses of every kind, from a table through training,
 * file, prediction and evaluation. */
/* labels: unit oom */
#include "backprop/metrics.h"
#include "backprop/ops.h"
#include "model/model_fixtures.h"
#include "support/memory.h"

enum { N = 60 };

/* x, u = 3x + 100, v = x² · 1000, a = (x > 0), b = (|x| > 1), side = up or down, w = 0 1 2 0 1 2 … */
static bp_table *numbers(bp_context *ctx, int copies) {
  static const char *const sides[] = {"down", "up"};
  double x[2 * N], u[2 * N], v[2 * N], a[2 * N], b[2 * N], w[2 * N];
  const char *side[2 * N];
  int n = 0;
  for (int r = 0; r < N; r++)
    for (int c = 0; c < (copies ? r % 3 : 1); c++, n++) {
      x[n] = (r * 37 % N) / 15.0 - 2.01;
      u[n] = 3 * x[n] + 100;
      v[n] = 1000 * x[n] * x[n];
      a[n] = x[n] > 0;
      b[n] = fabs(x[n]) > 1;
      w[n] = copies ? 1 : r % 3;
      side[n] = sides[x[n] > 0.5];
    }
  bp_table *t = NULL;
  if (bp_table_new(ctx, n, &t) != BP_OK) return NULL;
  bool good = bp_table_add_numbers(ctx, t, "x", x) == BP_OK && bp_table_add_numbers(ctx, t, "u", u) == BP_OK &&
              bp_table_add_numbers(ctx, t, "v", v) == BP_OK && bp_table_add_numbers(ctx, t, "a", a) == BP_OK &&
              bp_table_add_numbers(ctx, t, "b", b) == BP_OK && bp_table_add_text(ctx, t, "side", side) == BP_OK &&
              bp_table_add_numbers(ctx, t, "w", w) == BP_OK;
  if (good) return t;
  bp_table_free(t);
  return NULL;
}

static bp_train_options options_for(const char *target) {
  bp_train_options o = {.size = sizeof o, .n_hidden = 1, .hidden = {12}, .dtype = BP_F64};
  o.target = target;
  o.features = "x";
  o.fit.optimizer = BP_ADAM;
  o.fit.lr = 0.02;
  o.fit.epochs = 60;
  o.fit.batch_size = 20;
  o.fit.threads = 1;
  return o;
}

/* ---- several targets ---- */

static void several_targets_are_learnt_in_their_own_units(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  bp_train_options o = options_for("v,u");
  double output[N * 2];
  bp_metrics m;
  bp_model *model = bt_train(ctx, t, &o);
  assert_int_equal(bp_model_outputs(model), 2);
  assert_int_equal(bp_model_targets(model), 2);
  assert_string_equal(bp_model_target_at(model, 0), "v");
  bt_assert_ok(ctx, bp_model_predict(ctx, model, t, 1, output));
  bt_assert_ok(ctx, bp_model_evaluate(ctx, model, t, 1, &m));
  for (int64_t target = 0; target < 2; target++) {
    double squares = 0;
    for (int64_t r = 0; r < N; r++) {
      double error = output[2 * r + target] - bp_table_number(t, r, target == 0 ? 2 : 1);
      squares += error * error;
    }
    bt_assert_close(m.targets[target].rmse, sqrt(squares / N), 1e-12, 0);
    assert_true(m.targets[target].r2 > 0.9);
  }
  bt_assert_close(m.rmse, (m.targets[0].rmse + m.targets[1].rmse) / 2, 1e-14, 0);
  assert_true(isnan(m.accuracy));
  bp_metrics_release(ctx, &m);
  bp_model_free(model);
  bp_table_free(t);
}

static void targets_of_0_and_1_are_labels(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  bp_train_options o = options_for("a,b");
  double output[N * 2];
  bp_metrics m;
  bp_model *model = bt_train(ctx, t, &o);
  assert_non_null(strstr(bt_fixture_of(state)->message, "multi-label classification, loss binary_cross_entropy"));
  assert_int_equal(bp_model_loss(model), BP_LOSS_BINARY_CROSS_ENTROPY);
  bt_assert_ok(ctx, bp_model_predict(ctx, model, t, 1, output));
  for (int i = 0; i < 2 * N; i++) assert_true(output[i] > 0 && output[i] < 1);
  bt_assert_ok(ctx, bp_model_evaluate(ctx, model, t, 1, &m));
  assert_true(m.accuracy > 0.9 && m.accuracy <= 1);
  bp_metrics_release(ctx, &m);
  bp_model_free(model);
  o.fit.objective.loss = BP_LOSS_MSE;
  model = bt_train(ctx, t, &o);
  assert_int_equal(bp_model_loss(model), BP_LOSS_MSE);
  bp_model_free(model);
  bp_table_free(t);
}

/* ---- a file for every loss ---- */

static const struct {
  const char *loss, *target;
  bp_output output;
  int outputs;
} kinds[] = {
    {"mse", "u,v", 0, 2},
    {"gaussian_variance", "u,v", 0, 4},
    {"gaussian_full", "v,u", 0, 5},
    {"huber:0.5", "u", 0, 1},
    {"quantile:0.9", "v", 0, 1},
    {"poisson", "v", BP_OUTPUT_SOFTPLUS, 1},
    {"laplace:2", "u", 0, 1},
    {"hinge", "side", 0, 2},
    {"perceptron", "side", 0, 2},
    {"kl", "side", 0, 2},
    {"mse", "side", BP_OUTPUT_SIGMOID, 2},
    {"(y - p)^2/(1 + abs(y))", "u", 0, 1},
    {"log(1 + exp((1 - 2*y)*z))", "side", 0, 2},
    {"sum(abs(y - p))", "u,v", 0, 2},
};

static void every_objective_goes_through_a_file(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  bt_dir dir;
  char path[BT_PATH], name[64], loaded_name[64];
  bt_dir_make(&dir);
  (void)bt_dir_file(&dir, "m.safetensors", path);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    bp_train_options o = options_for(kinds[i].target);
    bp_model *loaded = NULL;
    bp_metrics before, after;
    double a[N * 5], b[N * 5];
    o.fit.objective.output = kinds[i].output;
    o.fit.epochs = 2;
    bt_assert_ok(ctx, bp_objective_parse(ctx, kinds[i].loss, &o.fit.objective));
    bp_model *model = bt_train(ctx, t, &o);
    bt_assert_ok(ctx, bp_model_save(ctx, model, path));
    bt_assert_ok(ctx, bp_model_load(ctx, path, &loaded));
    assert_int_equal(bp_model_outputs(loaded), kinds[i].outputs);
    bt_assert_ok(ctx, bp_model_predict(ctx, model, t, 1, a));
    bt_assert_ok(ctx, bp_model_predict(ctx, loaded, t, 1, b));
    assert_memory_equal(a, b, (size_t)(N * kinds[i].outputs) * sizeof *a);
    bt_assert_ok(ctx, bp_model_evaluate(ctx, model, t, 1, &before));
    bt_assert_ok(ctx, bp_model_evaluate(ctx, loaded, t, 1, &after));
    assert_true(isfinite(before.loss) && before.loss == after.loss);
    for (int64_t c = 0; c < kinds[i].outputs; c++)
      assert_string_equal(bp_model_output_name(model, c, name, sizeof name),
                          bp_model_output_name(loaded, c, loaded_name, sizeof loaded_name));
    bp_metrics_release(ctx, &before);
    bp_metrics_release(ctx, &after);
    bp_model_free(loaded);
    bp_model_free(model);
  }
  bt_dir_remove(&dir);
  bp_table_free(t);
}

static void outputs_have_names(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  bp_train_options o = options_for("u,v");
  static const char *const names[] = {"u", "v", "u_sd", "v_sd", "u_v_correlation"};
  char name[64];
  o.fit.epochs = 1;
  o.fit.objective.loss = BP_LOSS_GAUSSIAN_FULL;
  bp_model *model = bt_train(ctx, t, &o);
  for (int i = 0; i < 5; i++) assert_string_equal(bp_model_output_name(model, i, name, sizeof name), names[i]);
  bp_model_free(model);
  bp_table_free(t);
}

static bp_var squares(void *user, bp_var z, bp_var p, bp_var y) {
  (void)user, (void)z;
  return bp_mean(bp_square(bp_sub(p, y)), BP_LAST_AXIS);
}

/* A callback is not kept: its model predicts and has the other measures, but no loss. */
static void a_model_of_a_callback_has_no_loss_afterwards(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  bp_train_options o = options_for("u");
  bt_dir dir;
  char path[BT_PATH];
  bp_model *loaded = NULL;
  bp_metrics m;
  o.fit.objective = (bp_objective){.loss = BP_LOSS_CALLBACK, .rows = squares};
  bp_model *model = bt_train(ctx, t, &o);
  bt_dir_make(&dir);
  bt_assert_ok(ctx, bp_model_save(ctx, model, bt_dir_file(&dir, "m.safetensors", path)));
  bt_assert_ok(ctx, bp_model_load(ctx, path, &loaded));
  assert_int_equal(bp_model_loss(loaded), BP_LOSS_CALLBACK);
  bt_assert_ok(ctx, bp_model_evaluate(ctx, loaded, t, 1, &m));
  assert_true(isnan(m.loss) && isfinite(m.rmse));
  bp_metrics_release(ctx, &m);
  bp_model_free(loaded);
  bp_model_free(model);
  bt_dir_remove(&dir);
  bp_table_free(t);
}

/* ---- what a formula sees ---- */

static bp_var raw_squares(void *user, bp_var z, bp_var p, bp_var y, bp_var p_raw, bp_var y_raw) {
  (void)z;
  bp_var error = *(const bool *)user ? bp_sub(p_raw, y_raw) : bp_sub(p, y);
  return bp_mean(bp_square(error), BP_LAST_AXIS);
}

/* The last training loss, and the predictions for the table. */
static double learn(bp_context *ctx, const bp_table *t, const char *target, const bp_objective *objective,
                    double *out) {
  bp_train_options o = options_for(target);
  bp_model *model = NULL;
  bp_fit_result result;
  o.fit.objective = *objective;
  o.fit.epochs = 5;
  o.weight = "w";
  bt_assert_ok(ctx, bp_model_train(ctx, t, NULL, &o, &model, &result));
  bt_assert_ok(ctx, bp_model_predict(ctx, model, t, 1, out));
  double loss = result.history[4].train_loss;
  bp_fit_result_release(ctx, &result);
  bp_model_free(model);
  return loss;
}

/* mse, as formula and as callback: the same numbers for targets of any scale, one or two of them, weighted. */
static void formulas_and_callbacks_see_what_built_in_losses_see(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  bool raw = false;
  const bp_objective same[] = {
      {.loss = BP_LOSS_MSE},
      {.loss = BP_LOSS_EXPRESSION, .expression = "mean((y - p)^2)"},
      {.loss = BP_LOSS_EXPRESSION, .expression = "mean((y - z)^2)", .output = BP_OUTPUT_IDENTITY},
      {.loss = BP_LOSS_CALLBACK, .rows = squares},
      {.loss = BP_LOSS_CALLBACK, .rows_raw = raw_squares, .user = &raw},
  };
  for (int several = 0; several < 2; several++)
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
      double expected[2 * N] = {0}, actual[2 * N] = {0};
      const char *target = several ? "u,v" : "v";
      bp_objective o = same[i];
      if (!several && i == 1) o.expression = "(y - p)^2";
      if (!several && i == 2) o.expression = "(y - z)^2";
      double loss = learn(ctx, t, target, &same[0], expected);
      bt_assert_close(learn(ctx, t, target, &o, actual), loss, 1e-12, 0);
      bt_assert_close_f64(actual, expected, 2 * N, 1e-12, 0);
    }
  bp_table_free(t);
}

/* In the target's own units a squared error is the standardised one times its variance; other losses have no other way to say what
 * is relative to the target itself. */
static void raw_names_are_in_the_targets_units(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  bp_train_options o = options_for("v");
  bool raw = true;
  double expected[N], actual[N];
  o.weight = "w";
  bp_model *model = bt_train(ctx, t, &o);
  const bp_target_scale *s = bp_model_objective(model)->standardised;
  double variance = s->scale * s->scale, shares = 0, all = 0, sum = 0;
  for (int r = 0; r < N; r++) all += bp_table_number(t, r, 6);
  for (int r = 0; r < N; r++) sum += bp_table_number(t, r, 6) * bp_table_number(t, r, 2);
  bt_assert_close(s->mean, sum / all, 1e-13, 0);
  double loss = learn(ctx, t, "v", &(bp_objective){.loss = BP_LOSS_MSE}, expected);
  const bp_objective same[] = {
      {.loss = BP_LOSS_EXPRESSION, .expression = "(y_raw - p_raw)^2"},
      {.loss = BP_LOSS_CALLBACK, .rows_raw = raw_squares, .user = &raw},
  };
  for (int i = 0; i < 2; i++) {
    bt_assert_close(learn(ctx, t, "v", &same[i], actual), loss * variance, 1e-4, 0);
    bt_assert_close_f64(actual, expected, N, 1e-4, 1e-3); /* adam divides the factor out, but for its epsilon */
  }
  bp_objective relative = {.loss = BP_LOSS_EXPRESSION, .expression = "((y_raw - p_raw) / (1000 + y_raw))^2"};
  o.fit.objective = relative;
  bp_model *other = bt_train(ctx, t, &o);
  bp_metrics m;
  bt_assert_ok(ctx, bp_model_evaluate(ctx, other, t, 1, &m));
  bt_assert_ok(ctx, bp_model_predict(ctx, other, t, 1, actual));
  for (int r = 0; r < N; r++) {
    double y = bp_table_number(t, r, 2), error = (y - actual[r]) / (1000 + y);
    shares += bp_table_number(t, r, 6) / all * error * error;
  }
  bt_assert_close(m.loss, shares, 1e-10, 0);
  bp_metrics_release(ctx, &m);
  bp_model_free(other);
  bp_model_free(model);
  bp_table_free(t);
}

/* Classes, and targets that a bounded unit must meet, are in no other units: both names are the same thing. */
static void raw_names_of_what_is_not_standardised(void **state) {
  static const struct {
    const char *target, *plain, *raw;
    bp_output output;
  } cases[] = {
      {"side", "log(1 + exp((1 - 2*y)*z))", "log(1 + exp((1 - 2*y_raw)*z)) + 0*p_raw", BP_OUTPUT_SIGMOID},
      {"v", "p - y*log(p)", "p_raw - y_raw*log(p_raw)", BP_OUTPUT_SOFTPLUS},
  };
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bp_objective plain = {.loss = BP_LOSS_EXPRESSION, .expression = cases[i].plain, .output = cases[i].output};
    bp_objective raw = {.loss = BP_LOSS_EXPRESSION, .expression = cases[i].raw, .output = cases[i].output};
    double expected[2 * N] = {0}, actual[2 * N] = {0};
    double loss = learn(ctx, t, cases[i].target, &plain, expected);
    bt_assert_close(learn(ctx, t, cases[i].target, &raw, actual), loss, 1e-12, 0);
    bt_assert_close_f64(actual, expected, 2 * N, 1e-12, 0);
  }
  bp_table_free(t);
}

/* ---- weights ---- */

/* A table with weights and the table with its rows repeated: the same measures, and in full batches the same model but for the
 * standardisation, which counts rows and not weights. */
static void weights_are_numbers_of_copies(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *weighted = numbers(ctx, 0), *repeated = numbers(ctx, 1);
  bp_train_options o = options_for("side");
  bp_metrics a, b;
  o.weight = "w";
  bp_model *model = bt_train(ctx, weighted, &o);
  assert_string_equal(bp_model_weight(model), "w");
  bt_assert_ok(ctx, bp_model_evaluate(ctx, model, weighted, 1, &a));
  bt_assert_ok(ctx, bp_model_evaluate(ctx, model, repeated, 1, &b));
  bt_assert_close(a.loss, b.loss, 1e-12, 0);
  bt_assert_close(a.accuracy, b.accuracy, 1e-14, 0);
  bt_assert_close(a.auc, b.auc, 1e-14, 0);
  bt_assert_close(a.brier, b.brier, 1e-12, 0);
  for (int i = 0; i < 4; i++) bt_assert_close(a.confusion[i], b.confusion[i], 0, 0);
  bp_metrics_release(ctx, &a);
  bp_metrics_release(ctx, &b);
  bp_model_free(model);
  bp_table_free(weighted);
  bp_table_free(repeated);
}

static double final_loss(bp_context *ctx, const bp_table *t, const char *class_weight, const char *weight) {
  bp_train_options o = options_for("side");
  bp_model *model = NULL;
  bp_fit_result result;
  o.class_weight = class_weight;
  o.weight = weight;
  o.fit.epochs = 10;
  bt_assert_ok(ctx, bp_model_train(ctx, t, NULL, &o, &model, &result));
  double loss = result.history[9].train_loss;
  bp_fit_result_release(ctx, &result);
  bp_model_free(model);
  return loss;
}

/* "balanced" is n / (2 n_c), and equal factors are none. */
static void class_weights_are_weights_of_rows(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  char text[80];
  int up = 0;
  for (int r = 0; r < N; r++) up += strcmp(bp_table_text(t, r, 5), "up") == 0;
  (void)snprintf(text, sizeof text, "up=%.17g,down=%.17g", N / 2.0 / up, N / 2.0 / (N - up));
  double balanced = final_loss(ctx, t, "balanced", NULL), plain = final_loss(ctx, t, NULL, NULL);
  assert_true(up != N / 2 && fabs(balanced - plain) > 1e-6);
  bt_assert_close(final_loss(ctx, t, text, NULL), balanced, 1e-13, 0);
  bt_assert_close(final_loss(ctx, t, "down=4,up=4", NULL), plain, 1e-13, 0);
  bp_table_free(t);
}

static const struct {
  const char *class_weight, *target, *words;
} bad_weights[] = {
    {"dwn=2", "side", "the target has no class 'dwn'; did you mean 'down'?"},
    {"sideways=2", "side", "the target has no class 'sideways'"},
    {"balance", "side", "expected balanced, or class=number"},
    {"up=-1", "side", "expected balanced, or class=number"},
    {"up=x", "side", "expected balanced, or class=number"},
    {"balanced", "u", "class weights are for classification, but the target 'u' is numbers"},
};

static void bad_class_weights_are_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_table *t = numbers(ctx, 0);
  for (size_t i = 0; i < sizeof bad_weights / sizeof *bad_weights; i++) {
    bp_train_options o = options_for(bad_weights[i].target);
    bp_model *model = NULL;
    o.class_weight = bad_weights[i].class_weight;
    bt_assert_fails(ctx, BP_E_ARG, bp_model_train(ctx, t, NULL, &o, &model, NULL));
    bt_assert_message(ctx, bad_weights[i].words);
    assert_null(model);
  }
  bp_table_free(t);
}

/* ---- the perceptron ---- */

static bp_fit_result perceptron(bp_context *ctx, const char *target) {
  bp_train_options o = options_for(target);
  bp_table *t = numbers(ctx, 0);
  bp_model *model = NULL;
  bp_fit_result result;
  o.n_hidden = -1;
  o.task = BP_TASK_CLASSIFICATION;
  o.fit.objective.loss = BP_LOSS_PERCEPTRON;
  o.fit.optimizer = BP_SGD;
  o.fit.lr = 1;
  o.fit.batch_size = 1;
  o.fit.epochs = 200;
  bt_assert_ok(ctx, bp_model_train(ctx, t, NULL, &o, &model, &result));
  bp_model_free(model);
  bp_table_free(t);
  return result;
}

static void the_perceptron_stops_when_an_epoch_made_no_error(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_fit_result r = perceptron(ctx, "side");
  assert_int_equal(r.stopped_by, BP_STOP_SEPARATED);
  assert_true(r.epochs < 200 && r.history[r.epochs - 1].train_accuracy == 1);
  bp_fit_result_release(ctx, &r);
  r = perceptron(ctx, "b"); /* |x| > 1: no line parts it */
  assert_int_equal(r.stopped_by, BP_STOP_EPOCHS);
  assert_int_equal(r.epochs, 200);
  bp_fit_result_release(ctx, &r);
}

/* ---- memory ---- */

typedef struct journey {
  char path[BT_PATH];
  const char *target, *weight, *class_weight, *loss;
} journey;

static bp_status whole_journey(bp_context *ctx, void *user) {
  const journey *j = user;
  bp_train_options o = options_for(j->target);
  bp_model *model = NULL, *loaded = NULL;
  bp_metrics m;
  o.weight = j->weight;
  o.class_weight = j->class_weight;
  o.fit.epochs = 1;
  bp_table *t = numbers(ctx, 0);
  if (!t) return BP_E_NOMEM;
  bp_status status = bp_objective_parse(ctx, j->loss, &o.fit.objective);
  if (status == BP_OK) status = bp_model_train(ctx, t, NULL, &o, &model, NULL);
  if (status == BP_OK) status = bp_model_save(ctx, model, j->path);
  if (status == BP_OK) status = bp_model_load(ctx, j->path, &loaded);
  if (status == BP_OK) status = bp_model_evaluate(ctx, loaded, t, 1, &m);
  if (status == BP_OK) bp_metrics_release(ctx, &m);
  bp_model_free(loaded);
  bp_model_free(model);
  bp_table_free(t);
  return status;
}

static void a_failed_allocation_leaves_nothing_behind(void **state) {
  static const journey journeys[] = {
      {.target = "u,v", .weight = "w", .loss = "gaussian_variance"},
      {.target = "side", .weight = "w", .class_weight = "balanced", .loss = "log(1 + exp((1 - 2*y)*z))"},
      {.target = "a,b", .loss = "auto"},
      {.target = "u,v", .loss = "sum((y_raw - p_raw)^2)"},
  };
  bt_dir dir;
  (void)state;
  bt_dir_make(&dir);
  for (size_t i = 0; i < sizeof journeys / sizeof *journeys; i++) {
    journey j = journeys[i];
    (void)bt_dir_file(&dir, "m.safetensors", j.path);
    assert_true(bt_alloc_sweep(whole_journey, &j) > 50);
  }
  bt_dir_remove(&dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(several_targets_are_learnt_in_their_own_units),
      BT_TEST(targets_of_0_and_1_are_labels),
      BT_TEST(every_objective_goes_through_a_file),
      BT_TEST(outputs_have_names),
      BT_TEST(a_model_of_a_callback_has_no_loss_afterwards),
      BT_TEST(formulas_and_callbacks_see_what_built_in_losses_see),
      BT_TEST(raw_names_are_in_the_targets_units),
      BT_TEST(raw_names_of_what_is_not_standardised),
      BT_TEST(weights_are_numbers_of_copies),
      BT_TEST(class_weights_are_weights_of_rows),
      BT_TEST(bad_class_weights_are_refused),
      BT_TEST(the_perceptron_stops_when_an_epoch_made_no_error),
      BT_TEST(a_failed_allocation_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
