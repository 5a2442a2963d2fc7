/* labels: unit oom grad */
/* What is done about everything that options leave open; and that a strong model is a model like any other: it is saved, evaluated,
 * explained and predicts row by row. */
#include <stdlib.h>

#include "backprop/diagnose.h"
#include "backprop/predict.h"
#include "backprop/sensitivity.h"
#include "model/checkpoint_fixtures.h"

/* ---- the table of decisions ---- */

typedef struct decided {
  bp_preset preset;
  int members, pieces, n_hidden;
  int64_t units;
  bp_activation activation;
  int patience, epochs;
  int64_t batch_size;
  bp_optimizer optimizer;
} decided;

static void check_decided(const char *what, const bp_train_options *o, int64_t rows, bool images, decided d) {
  bp_train_options r;
  bp_train_resolve(o, rows, images, &r);
  decided got = {r.preset,
                 r.members,
                 r.pieces,
                 r.n_hidden,
                 r.n_hidden > 0 ? r.hidden[0] : 0,
                 r.activations[0].kind,
                 r.fit.patience,
                 r.fit.epochs,
                 r.fit.batch_size,
                 r.fit.optimizer};
  if (got.preset != d.preset || got.members != d.members || got.pieces != d.pieces || got.n_hidden != d.n_hidden ||
      got.units != d.units || got.activation != d.activation || got.patience != d.patience || got.epochs != d.epochs ||
      got.batch_size != d.batch_size || got.optimizer != d.optimizer)
    fail_msg("%s, %d rows: preset %d, %d members, %d pieces, %d x %d units, activation %d, patience %d, %d epochs, "
             "batch %d, optimizer %d",
             what, (int)rows, (int)got.preset, got.members, got.pieces, got.n_hidden, (int)got.units,
             (int)got.activation, got.patience, got.epochs, (int)got.batch_size, (int)got.optimizer);
}

static void zero_filled_options_are_the_strong_preset(void **state) {
  (void)state;
  bp_train_options o = {.size = sizeof o};
  const bp_preset s = BP_PRESET_STRONG;
  check_decided("auto", &o, 1000, false, (decided){s, 8, 16, 2, 64, BP_RELU, 16, 200, 8, BP_ADAM});
  check_decided("auto", &o, 1024, false, (decided){s, 8, 16, 2, 64, BP_RELU, 16, 200, 16, BP_ADAM});
  check_decided("auto", &o, 50000, false, (decided){s, 8, 16, 2, 64, BP_RELU, 16, 200, 128, BP_ADAM});
  check_decided("auto", &o, 50001, false, (decided){s, 4, 16, 2, 64, BP_RELU, 9, 200, 128, BP_ADAM});
  check_decided("auto", &o, 1000000, false, (decided){s, 2, 16, 2, 64, BP_RELU, 5, 200, 1024, BP_ADAM});
  check_decided("auto", &o, 32, false, (decided){s, 8, 16, 2, 64, BP_RELU, 16, 200, 8, BP_ADAM});
  check_decided("auto", &o, 31, false, (decided){s, 8, 16, 2, 64, BP_RELU, 0, 750, 8, BP_ADAM}); /* learnt whole */
  o.preset = BP_PRESET_STRONG;
  check_decided("strong", &o, 1000, false, (decided){s, 8, 16, 2, 64, BP_RELU, 16, 200, 8, BP_ADAM});
  check_decided("strong images", &o, 1000, true, (decided){s, 8, 16, 2, 64, BP_RELU, 16, 200, 8, BP_ADAM});
}

static void effort_goes_from_a_first_look_to_what_time_can_buy(void **state) {
  static const struct {
    int members, patience;
    int64_t units;
  } rows[] = {{8, 16, 64}, {4, 5, 32}, {8, 5, 64}, {8, 16, 64}, {16, 24, 64}, {32, 32, 96}};
  (void)state;
  for (int effort = 0; effort <= 5; effort++) {
    bp_train_options o = {.size = sizeof o, .effort = effort};
    decided d = {BP_PRESET_STRONG, 8, 16, 2, 64, BP_RELU, 16, 200, 8, BP_ADAM};
    d.members = rows[effort].members, d.patience = rows[effort].patience, d.units = rows[effort].units;
    check_decided("effort", &o, 1000, false, d);
  }
}

static void a_network_described_by_hand_is_plain(void **state) {
  (void)state;
  bp_train_options o = {.size = sizeof o, .n_hidden = 1, .hidden = {5}};
  check_decided("hidden", &o, 1000, false, (decided){BP_PRESET_PLAIN, 1, 0, 1, 5, BP_TANH, 0, 24, 8, BP_ADAM});
  o.preset = BP_PRESET_STRONG; /* but what is asked for is done */
  check_decided("strong hidden", &o, 1000, false,
                (decided){BP_PRESET_STRONG, 8, 16, 1, 5, BP_RELU, 16, 200, 8, BP_ADAM});
  o = (bp_train_options){.size = sizeof o, .n_hidden = -1};
  check_decided("none", &o, 1000, false, (decided){BP_PRESET_PLAIN, 1, 0, -1, 0, BP_TANH, 0, 24, 8, BP_ADAM});
  o = (bp_train_options){.size = sizeof o, .n_activations = 1, .activations = {{BP_GELU, 0, false}}};
  check_decided("activation", &o, 1000, false, (decided){BP_PRESET_PLAIN, 1, 0, 2, 128, BP_GELU, 0, 24, 8, BP_ADAM});
  o = (bp_train_options){.size = sizeof o};
  check_decided("images", &o, 60000, true, (decided){BP_PRESET_PLAIN, 1, 0, 2, 128, BP_TANH, 0, 20, 128, BP_ADAM});
  o.preset = BP_PRESET_PLAIN;
  check_decided("plain", &o, 1000, false, (decided){BP_PRESET_PLAIN, 1, 0, 2, 128, BP_TANH, 0, 24, 8, BP_ADAM});
  o.members = 3, o.pieces = 7;
  check_decided("plain members", &o, 1000, false, (decided){BP_PRESET_PLAIN, 3, 7, 2, 128, BP_TANH, 0, 24, 8, BP_ADAM});
}

static void methods_of_full_batches_are_plain(void **state) {
  static const bp_optimizer methods[] = {BP_RPROP, BP_LBFGS, BP_LM};
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    bp_train_options o = {.size = sizeof o, .fit.optimizer = methods[i]}, r;
    bp_train_resolve(&o, 500, false, &r);
    assert_true(r.preset == BP_PRESET_PLAIN && r.members == 1 && r.fit.batch_size == 500);
    assert_int_equal(r.fit.optimizer, methods[i]);
    o.preset = BP_PRESET_STRONG; /* whoever asks for it gets it, with all rows at once */
    bp_train_resolve(&o, 500, false, &r);
    assert_true(r.preset == BP_PRESET_STRONG && r.members == 8 && r.fit.batch_size == 500);
  }
}

static void below_0_is_none(void **state) {
  (void)state;
  bp_train_options o = {.size = sizeof o, .pieces = -1, .dropout = -1, .fit.patience = -1}, r;
  bp_train_resolve(&o, 1000, false, &r);
  assert_true(r.preset == BP_PRESET_STRONG && r.pieces == 0 && r.dropout == 0 && r.fit.patience == 0);
  assert_true(r.fit.min_gain == 0); /* which is for those who stop */
}

/* What is set stays, and only what is not is decided. */
static void fields_that_are_set_stay(void **state) {
  bp_train_options o = {.size = sizeof o, .members = 5, .pieces = 3}, r;
  (void)state;
  o.fit =
      (bp_fit_options){.optimizer = BP_SGD, .lr = 0.2, .momentum = 0.5, .epochs = 7, .batch_size = 50, .patience = 2};
  bp_train_resolve(&o, 1000, false, &r);
  assert_true(r.members == 5 && r.pieces == 3 && r.fit.optimizer == BP_SGD && r.fit.lr == 0.2);
  assert_true(r.fit.epochs == 7 && r.fit.batch_size == 50 && r.fit.patience == 2 && r.fit.min_gain == 0);
  bp_train_resolve(&r, 1000, false, &o); /* decided once is decided */
  assert_memory_equal(&o, &r, sizeof o);
}

/* Patience needs rows to go by: one member has none of its own, nor has each of more members than rows. */
static void patience_is_for_those_who_are_judged(void **state) {
  static const struct {
    int members;
    int64_t rows;
    double valid;
    int patience;
  } rows[] = {{1, 1000, 0, 0},  {1, 1000, 0.2, 16}, {2, 1000, 0, 16}, {64, 64, 0, 0},
              {64, 128, 0, 16}, {64, 40, 0.2, 16},  {20, 40, 0, 16},  {1, 20, 0.2, 0}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_train_options o = {.size = sizeof o, .members = rows[i].members, .valid_fraction = rows[i].valid}, r;
    bp_train_resolve(&o, rows[i].rows, false, &r);
    if (r.fit.patience != rows[i].patience) fail_msg("row %zu: patience %d", i, r.fit.patience);
  }
}

static void names_of_presets(void **state) {
  (void)state;
  assert_string_equal(bp_preset_name(BP_PRESET_AUTO), "auto");
  assert_string_equal(bp_preset_name(BP_PRESET_STRONG), "strong");
  assert_string_equal(bp_preset_name(BP_PRESET_PLAIN), "plain");
  assert_null(bp_preset_name(BP_PRESET_COUNT));
  assert_null(bp_preset_name((bp_preset)-1));
}

/* ---- training with them ---- */

enum { ROWS = 48 };

/* Strong, but few epochs. */
static bp_train_options strong(bp_dtype dtype) {
  bp_train_options o = {.size = sizeof o, .dtype = dtype, .members = 3, .pieces = 5};
  o.preset = BP_PRESET_STRONG;
  o.n_hidden = 2;
  o.hidden[0] = 6, o.hidden[1] = 4;
  o.fit.epochs = 4;
  o.fit.threads = 1;
  o.fit.seed = 3;
  return o;
}

static bp_model *strong_model(bp_context *ctx, bt_target target, bp_dtype dtype, bp_train_options o) {
  o.dtype = dtype;
  o.task = target == BT_VALUE ? BP_TASK_REGRESSION : BP_TASK_CLASSIFICATION;
  bp_table *table = bt_table_of(ctx, target, ROWS);
  bp_model *model = bt_train(ctx, table, &o);
  bp_table_free(table);
  return model;
}

static void zero_filled_options_train_an_ensemble(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (bt_target target = BT_TWO; target <= BT_VALUE; target++) {
    bp_train_options o = {.size = sizeof o};
    bp_fit_result result;
    bp_model *model = NULL;
    bp_metrics m;
    o.fit.threads = 1;
    o.task = target == BT_VALUE ? BP_TASK_REGRESSION : BP_TASK_CLASSIFICATION;
    bp_table *table = bt_table_of(ctx, target, ROWS);
    bt_assert_ok(ctx, bp_model_train(ctx, table, NULL, &o, &model, &result));
    assert_int_equal(bp_net_members(bp_model_net(model)), 8);
    assert_int_equal(bp_net_layer(bp_model_net(model), 0).kind, BP_LAYER_PIECEWISE);
    assert_true(result.best_epoch >= 1 && result.epochs <= 200);
    assert_true(isfinite(result.history[result.best_epoch - 1].valid_loss));
    bt_assert_ok(ctx, bp_model_evaluate(ctx, model, table, 1, &m));
    assert_true(isfinite(m.loss));
    bp_metrics_release(ctx, &m);
    bp_fit_result_release(ctx, &result);
    bp_model_free(model);
    bp_table_free(table);
  }
}

/* Odd corners: one member, more members than rows, a table of validation rows, too few rows to judge by. */
static void every_table_can_be_trained_on(void **state) {
  static const struct {
    int members, rows;
    bool valid;
  } rows[] = {{1, ROWS, false}, {1, ROWS, true}, {64, 40, false}, {64, 40, true},
              {2, 9, false},    {0, 6, false},   {3, ROWS, true}};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_train_options o = strong(BP_F32);
    bp_model *model = NULL;
    o.members = rows[i].members;
    o.fit.epochs = 2;
    bp_table *table = bt_table_of(ctx, BT_THREE, rows[i].rows), *valid = bt_table_of(ctx, BT_THREE, BT_ROWS);
    bt_assert_ok(ctx, bp_model_train(ctx, table, rows[i].valid ? valid : NULL, &o, &model, NULL));
    assert_int_equal(bp_net_members(bp_model_net(model)), rows[i].members ? rows[i].members : 8);
    bp_model_free(model);
    bp_table_free(table);
    bp_table_free(valid);
  }
}

static void options_out_of_range_are_refused(void **state) {
  static const struct {
    bp_train_options o;
    const char *words;
  } bad[] = {
      {{.effort = 6}, "effort 6: expected 1 to 5, or 0 for 3"},
      {{.effort = -1}, "effort -1: expected 1 to 5, or 0 for 3"},
      {{.members = 65}, "65 members; expected 1 to 64, or 0 for those of the preset"},
      {{.members = -1}, "-1 members; expected 1 to 64"},
      {{.pieces = 513}, "513 pieces; expected at most 512"},
      {{.preset = BP_PRESET_COUNT}, "preset: expected auto, strong or plain"},
      {{.preset = (bp_preset)-1}, "preset: expected auto, strong or plain"},
  };
  bp_context *ctx = bt_ctx(state);
  bp_table *table = bt_table_of(ctx, BT_TWO, ROWS);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bp_train_options o = bad[i].o;
    bp_model *model = NULL;
    o.size = sizeof o;
    bt_assert_fails(ctx, BP_E_ARG, bp_model_train(ctx, table, NULL, &o, &model, NULL));
    bt_assert_message(ctx, bad[i].words);
    assert_null(model);
  }
  bp_table_free(table);
}

/* ---- a model like any other ---- */

/* Single rows of plain numbers give the bits of the table, for any number of rows at once. */
static void check_predictor(bp_context *ctx, bt_target target, bp_dtype dtype, bp_train_options o) {
  double expected[ROWS * 3], values[ROWS * 2], output[ROWS * 3];
  bp_model *model = strong_model(ctx, target, dtype, o);
  int64_t width = bp_model_outputs(model);
  bp_table *table = bt_table_of(ctx, target, ROWS);
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, 2, expected));
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, values));
  for (int64_t at_once = 1; at_once <= ROWS; at_once = at_once * 5 + 1) {
    bp_predictor_options po = {.size = sizeof po, .max_rows = at_once};
    bp_predictor *p = NULL;
    bt_assert_ok(ctx, bp_predictor_new(ctx, model, &po, &p));
    for (int64_t r = 0; r < ROWS; r += at_once) {
      int64_t n = ROWS - r < at_once ? ROWS - r : at_once;
      bt_assert_ok(ctx, bp_predict_f64(p, n, values + 2 * r, output + width * r));
    }
    bt_assert_same_bits(output, expected, (size_t)(ROWS * width) * sizeof *output);
    bp_predictor_free(p);
  }
  bp_table_free(table);
  bp_model_free(model);
}

/* ∂p/∂x by differences of predictions, away from kinks on average: a step of 1e-6 meets none in these rows. */
static void check_sensitivity(bp_context *ctx, bt_target target, bp_train_options o) {
  double values[ROWS * 2], up[ROWS * 3], down[ROWS * 3], at[ROWS * 3], jacobian[ROWS * 3 * 2], h = 1e-6;
  o.n_activations = 1;
  o.activations[0].kind = BP_TANH;
  bp_model *model = strong_model(ctx, target, BP_F64, o);
  int64_t width = bp_model_outputs(model);
  bp_table *table = bt_table_of(ctx, target, ROWS);
  bp_predictor *p = NULL;
  bt_assert_ok(ctx, bp_model_values(ctx, model, table, values));
  for (int r = 0; r < ROWS; r++)
    values[2 * r] = isnan(values[2 * r]) ? 0.1 : values[2 * r] + 0.05; /* away from edges */
  bt_assert_ok(ctx, bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, ROWS, values, at, jacobian));
  bt_assert_ok(ctx, bp_predictor_new(ctx, model, NULL, &p));
  for (int r = 0; r < ROWS; r++) values[2 * r] += h;
  bt_assert_ok(ctx, bp_predict_f64(p, ROWS, values, up));
  for (int r = 0; r < ROWS; r++) values[2 * r] -= 2 * h;
  bt_assert_ok(ctx, bp_predict_f64(p, ROWS, values, down));
  for (int64_t i = 0; i < ROWS * width; i++) bt_assert_close(jacobian[2 * i], (up[i] - down[i]) / (2 * h), 1e-6, 1e-8);
  bp_predictor_free(p);
  bp_table_free(table);
  bp_model_free(model);
}

/* Gradients of every array against differences; every layer that has one before it has an error signal, the last one's is that of the
 * prediction that members make together. */
static void check_diagnoses(bp_context *ctx, bt_target target, bp_train_options o) {
  bp_param_check checks[64];
  bp_layer_gradient layers[8];
  double loss, again;
  o.n_activations = 1;
  o.activations[0].kind = BP_TANH;
  bp_model *model = strong_model(ctx, target, BP_F64, o);
  const bp_net *net = bp_model_net(model);
  bp_table *table = bt_table_of(ctx, target, ROWS);
  assert_true(bp_net_params(net) <= 64 && bp_net_layers(net) <= 8);
  bt_assert_ok(ctx, bp_model_gradcheck(ctx, model, table, NULL, &loss, checks));
  for (int p = 0; p < bp_net_params(net); p++) assert_true(checks[p].checked > 0 && checks[p].error <= 1);
  bt_assert_ok(ctx, bp_model_layer_gradients(ctx, model, table, 1, &loss, layers));
  bp_metrics m;
  bt_assert_ok(ctx, bp_model_evaluate(ctx, model, table, 1, &m));
  again = m.loss;
  bp_metrics_release(ctx, &m);
  bt_assert_close(loss, again, 1e-12, 0);
  for (int l = 0; l < bp_net_layers(net); l++) {
    bool learns = bp_net_layer(net, l).parameters > 0;
    if (!(layers[l].output > 0 && layers[l].error_signal > 0)) fail_msg("layer %d has no signal", l);
    assert_int_equal(layers[l].weight > 0, learns);
    assert_int_equal(layers[l].weight_gradient > 0, learns);
  }
  bp_table_free(table);
  bp_model_free(model);
}

static void strong_models_are_models_like_any_other(void **state) {
  bp_train_options plain = strong(BP_F32);
  plain.preset = BP_PRESET_PLAIN, plain.members = 1; /* pieces alone */
  for (bt_target target = BT_TWO; target <= BT_VALUE; target++)
    for (int i = 0; i < 2; i++) {
      bp_train_options o = i == 0 ? strong(BP_F32) : plain;
      check_predictor(bt_ctx(state), target, BP_F32, o);
      check_predictor(bt_ctx(state), target, BP_F64, o);
      check_sensitivity(bt_ctx(state), target, o);
      check_diagnoses(bt_ctx(state), target, o);
    }
}

/* ---- checkpoints, memory ---- */

/* Stopped after any step and gone on: the same file. 48 rows in batches of 8 and 2 epochs are 12 steps. */
static void a_strong_run_that_was_stopped_gives_the_same_file(void **state) {
  run r;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  bp_table_free(r.table);
  r.table = bt_table_of(r.ctx, BT_THREE, ROWS);
  r.options = strong(BP_F32);
  r.options.dropout = 0.1;
  r.options.fit.epochs = 2;
  stopped_at_each_step(&r, 12);
  r.options.members = 4; /* another ensemble is another run */
  refused(&r, BP_E_ARG, "the network of the checkpoint has members 3, that of this run 4");
  end(&r);
}

static bp_status train_once(bp_context *ctx, void *user) {
  bp_train_options o = strong(BP_F32);
  bp_model *model = NULL;
  (void)user;
  o.members = 2;
  o.fit.epochs = 1;
  bp_table *table = bt_table_of(ctx, BT_TWO, 36);
  if (!table) return BP_E_NOMEM;
  bp_status status = bp_model_train(ctx, table, NULL, &o, &model, NULL);
  assert_int_equal(model != NULL, status == BP_OK);
  bp_model_free(model);
  bp_table_free(table);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(train_once, NULL) > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(zero_filled_options_are_the_strong_preset),
      BT_TEST(effort_goes_from_a_first_look_to_what_time_can_buy),
      BT_TEST(a_network_described_by_hand_is_plain),
      BT_TEST(methods_of_full_batches_are_plain),
      BT_TEST(below_0_is_none),
      BT_TEST(fields_that_are_set_stay),
      BT_TEST(patience_is_for_those_who_are_judged),
      BT_TEST(names_of_presets),
      BT_TEST(zero_filled_options_train_an_ensemble),
      BT_TEST(every_table_can_be_trained_on),
      BT_TEST(options_out_of_range_are_refused),
      BT_TEST(strong_models_are_models_like_any_other),
      BT_TEST(a_strong_run_that_was_stopped_gives_the_same_file),
      BT_TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
