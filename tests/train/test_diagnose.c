/* A training that diverged says where, when and why: checked against what a callback saw of the parameters. */
/* labels: unit oom */
#include "train/train_fixtures.h"

/* The largest parameter after each step, and before the first. */
enum { STEPS_MAX = 400 };
typedef struct watcher {
  tt_model *model;
  int64_t steps;
  double largest[STEPS_MAX + 1];
} watcher;

static double largest(const tt_model *m) {
  double most = 0;
  for (int p = 0; p < bp_net_params(m->net); p++)
    for (int64_t i = 0; i < bp_net_param(m->net, p).elements; i++) most = fmax(most, fabs(tt_param(m, p, i)));
  return most;
}

static bp_action watch(void *user, const bp_fit_step *step) {
  watcher *w = user;
  w->steps = step->step;
  assert_true(step->step < STEPS_MAX);
  w->largest[step->step] = largest(w->model);
  return BP_GO_ON;
}

/* Squared error and steps that are too long: it grows until it leaves float32. `schedule` and `momentum`: what must be replayed. */
static void steps_too_long(bp_context *ctx, bp_optimizer optimizer, double lr, double momentum, bp_schedule schedule) {
  char words[96];
  tt_data *d = tt_data_new(1);
  bp_source train = tt_values(d, 0, 60);
  bp_fit_options o = tt_options();
  bp_fit_result r = {0};
  tt_model m = tt_model_new(ctx, BP_F32, 10, 2);
  watcher w = {.model = &m};
  w.largest[0] = largest(&m);
  o.objective.loss = BP_LOSS_MSE;
  o.optimizer = optimizer;
  o.lr = lr;
  o.momentum = momentum;
  o.schedule = schedule;
  o.batch_size = 16; /* 4 steps an epoch */
  o.epochs = 90;
  o.step = watch;
  o.step_user = &w;
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, m.net, m.params, &train, NULL, &o, &r));
  print_message("%s\n", bp_error_message(ctx));
  assert_true(w.steps > 4); /* not in the first epoch */
  (void)snprintf(words, sizeof words, "at step %lld of epoch %lld;", (long long)w.steps + 1,
                 (long long)w.steps / 4 + 1);
  bt_assert_message(ctx, words);
  /* the parameters before that step, found again, are those that the callback saw */
  (void)snprintf(words, sizeof words, " to %.2g in", w.largest[w.steps]);
  bt_assert_message(ctx, words);
  bt_assert_message(ctx, "the network's outputs are finite, but their loss is not: layers.");
  bt_assert_message(ctx, "try a smaller learning rate than");
  assert_true(tt_params_finite(&m));
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

static void sgd_is_named(void **state) { steps_too_long(bt_ctx(state), BP_SGD, 3, 0, (bp_schedule){0}); }
static void momentum_is_named(void **state) { steps_too_long(bt_ctx(state), BP_SGD, 10, 0.9, (bp_schedule){0}); }
static void a_plateau_is_replayed(void **state) {
  steps_too_long(bt_ctx(state), BP_SGD, 3, 0, (bp_schedule){.kind = BP_SCHEDULE_PLATEAU, .period = 2, .factor = 0.9});
}
static void a_warmup_is_replayed(void **state) {
  steps_too_long(bt_ctx(state), BP_SGD, 60, 0, (bp_schedule){.warmup_steps = 30});
}

/* One layer, and features or weights that are large from the start. */
typedef struct small {
  bp_net *net;
  float w[2], b[1];
  void *params[2];
} small;

static void small_new(bp_context *ctx, small *s, float weight) {
  bt_assert_ok(ctx, bp_net_new(ctx, 2, BP_F32, &s->net));
  bt_assert_ok(ctx, bp_net_dense(ctx, s->net, 1, BP_IDENTITY, BP_INIT_ZEROS));
  s->w[0] = s->w[1] = weight;
  s->b[0] = 0;
  s->params[0] = s->w;
  s->params[1] = s->b;
}

static void first_step_of(bp_context *ctx, bp_optimizer optimizer, float feature, float weight, const char *place,
                          const char *cause) {
  float x[8], y[4] = {0};
  small s;
  for (int i = 0; i < 8; i++) x[i] = feature;
  bp_source rows = {
      .rows = 4, .columns = 2, .dtype = BP_F32, .features = x, .scale = 1, .target_dtype = BP_F32, .outputs = 1};
  rows.targets = y;
  bp_fit_options o = {.size = sizeof o, .objective.loss = BP_LOSS_MSE, .epochs = 3};
  bp_fit_result r = {0};
  bool method = optimizer == BP_LBFGS || optimizer == BP_LM;
  o.optimizer = optimizer;
  o.lr = method ? 0 : 0.1;
  small_new(ctx, &s, weight);
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, s.net, s.params, &rows, NULL, &o, &r));
  print_message("%s\n", bp_error_message(ctx));
  bt_assert_message(ctx, method ? "where minimisation begins, with a gradient up to" : "at step 1 of epoch 1;");
  bt_assert_message(ctx, place);
  bt_assert_message(ctx, cause);
  assert_true(s.w[0] == weight && s.w[1] == weight && s.b[0] == 0); /* as they came */
  bp_fit_result_release(ctx, &r);
  bp_net_free(s.net);
}

static void first_step(bp_context *ctx, float feature, float weight, const char *place, const char *cause) {
  first_step_of(ctx, BP_SGD, feature, weight, place, cause);
}

/* Methods that see all rows at once tell it as the others do. */
static void full_batches_are_looked_at_too(void **state) {
  static const bp_optimizer optimizers[] = {BP_RPROP, BP_LBFGS, BP_LM};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
    first_step_of(ctx, optimizers[i], 3e38f, 1, "the output of layers.0 is not finite",
                  "features are as large as 3e+38");
    first_step_of(ctx, optimizers[i], 1, 3e38f, "the output of layers.0 is not finite",
                  "weights are as large as 3e+38 (layers.0.weight)");
    first_step_of(ctx, optimizers[i], 1e25f, 1, "outputs are finite, but their loss is not",
                  "features are as large as 1e+25");
  }
}

static void large_features_are_named(void **state) {
  first_step(bt_ctx(state), 3e38f, 1, "the output of layers.0 is not finite", "features are as large as 3e+38");
}

static void a_loss_that_overflows_is_named(void **state) {
  first_step(bt_ctx(state), 1e25f, 1, "outputs are finite, but their loss is not", "features are as large as 1e+25");
}

static void large_weights_are_named(void **state) {
  first_step(bt_ctx(state), 1, 3e38f, "the output of layers.0 is not finite",
             "weights are as large as 3e+38 (layers.0.weight)");
}

/* The step is too long for its type, though loss and gradient are not. */
static void a_step_that_overflows_is_named(void **state) {
  bp_context *ctx = bt_ctx(state);
  float x[2] = {1e15f, 1e15f}, y[1] = {-1e18f}; /* loss 1e36, gradient 2e33, step 1.8e39 */
  small s;
  bp_source row = {
      .rows = 1, .columns = 2, .dtype = BP_F32, .features = x, .scale = 1, .target_dtype = BP_F32, .outputs = 1};
  row.targets = y;
  bp_fit_options o = {.size = sizeof o, .objective.loss = BP_LOSS_MSE, .lr = 9e5, .epochs = 3};
  bp_fit_result r = {0};
  small_new(ctx, &s, 0);
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, s.net, s.params, &row, NULL, &o, &r));
  bt_assert_message(ctx, "at step 1 of epoch 1; loss and gradient are finite, but the step is not");
  assert_true(s.w[0] == 0 && s.b[0] == 0);
  bp_fit_result_release(ctx, &r);
  bp_net_free(s.net);
}

/* Without memory for the look it has diverged all the same. */
static void a_look_without_memory_still_tells(void **state) {
  bt_alloc_state *memory = &bt_fixture_of(state)->memory;
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  bp_source train = tt_values(d, 0, 64);
  bp_fit_options o = tt_options();
  int diverged = 0, plain = 0;
  o.objective.loss = BP_LOSS_MSE;
  o.momentum = 0;
  o.lr = 1000;
  o.epochs = 300;
  tt_model m = tt_model_new(ctx, BP_F32, 10, 2);
  for (size_t n = 0;; n++) {
    bp_fit_result r = {0};
    bp_net_init(m.net, 2, m.params);
    size_t live = memory->live_bytes;
    memory->failed = false;
    memory->fail_at = memory->calls + n;
    bp_status status = bp_fit(ctx, m.net, m.params, &train, NULL, &o, &r);
    bool failed = memory->failed;
    memory->fail_at = BT_NEVER;
    assert_true(status == BP_E_DIVERGED || (failed && status == BP_E_NOMEM));
    diverged += status == BP_E_DIVERGED;
    plain += status == BP_E_DIVERGED && strstr(bp_error_message(ctx), "layers.") == NULL;
    if (status == BP_E_DIVERGED) bt_assert_message(ctx, "try a smaller learning rate than 1000");
    if (status == BP_E_DIVERGED) bp_fit_result_release(ctx, &r);
    assert_int_equal(memory->live_bytes, live);
    if (!failed) break;
  }
  assert_true(diverged > 5 && plain > 3 && plain < diverged);
  tt_model_release(&m);
  free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(sgd_is_named),
      BT_TEST(momentum_is_named),
      BT_TEST(a_plateau_is_replayed),
      BT_TEST(a_warmup_is_replayed),
      BT_TEST(full_batches_are_looked_at_too),
      BT_TEST(large_features_are_named),
      BT_TEST(a_loss_that_overflows_is_named),
      BT_TEST(large_weights_are_named),
      BT_TEST(a_step_that_overflows_is_named),
      BT_TEST(a_look_without_memory_still_tells),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
