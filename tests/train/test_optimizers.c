/* Optimisers, step by step for 50 steps, against the same network trained by hand with the rules as their papers have them. */
/* labels: unit grad */
#include "train/hand_net.h"

/* ---- the rules, for one parameter: its states are s[0][i], s[1][i], s[2][i] ---- */

static double or_else(double value, double otherwise) { return value > 0 ? value : otherwise; }

static double sign(double x) { return (x > 0) - (x < 0); }

static void sgd(double *w, double g, double s[3][ALL], int i, int t, const bp_fit_options *o) {
  (void)t;
  s[0][i] = o->momentum * s[0][i] + g;
  *w -= o->lr * (o->nesterov ? g + o->momentum * s[0][i] : s[0][i]);
}

static void adam(double *w, double g, double s[3][ALL], int i, int t, const bp_fit_options *o) {
  double b1 = or_else(o->beta1, 0.9), b2 = or_else(o->beta2, 0.999);
  s[0][i] = b1 * s[0][i] + (1 - b1) * g;
  s[1][i] = b2 * s[1][i] + (1 - b2) * g * g;
  s[2][i] = fmax(s[2][i], s[1][i]);
  double m = s[0][i] / (1 - pow(b1, t)), v = (o->amsgrad ? s[2][i] : s[1][i]) / (1 - pow(b2, t));
  if (o->optimizer == BP_NADAM) m = b1 * s[0][i] / (1 - pow(b1, t + 1)) + (1 - b1) * g / (1 - pow(b1, t));
  *w -= o->lr * m / (sqrt(v) + or_else(o->epsilon, 1e-8));
}

static void adagrad(double *w, double g, double s[3][ALL], int i, int t, const bp_fit_options *o) {
  (void)t;
  s[0][i] += g * g;
  *w -= o->lr * g / (sqrt(s[0][i]) + or_else(o->epsilon, 1e-10));
}

static void rmsprop(double *w, double g, double s[3][ALL], int i, int t, const bp_fit_options *o) {
  double rho = or_else(o->rho, 0.9);
  (void)t;
  s[0][i] = rho * s[0][i] + (1 - rho) * g * g;
  s[1][i] = o->momentum * s[1][i] + g / (sqrt(s[0][i]) + or_else(o->epsilon, 1e-8));
  *w -= o->lr * s[1][i];
}

static void adadelta(double *w, double g, double s[3][ALL], int i, int t, const bp_fit_options *o) {
  double rho = or_else(o->rho, 0.9), e = or_else(o->epsilon, 1e-6);
  (void)t;
  s[0][i] = rho * s[0][i] + (1 - rho) * g * g;
  double d = sqrt(s[1][i] + e) / sqrt(s[0][i] + e) * g;
  s[1][i] = rho * s[1][i] + (1 - rho) * d * d;
  *w -= o->lr * d;
}

/* s[0]: the gradient before, 0 after a change of sign; s[1]: the step size. */
static void rprop(double *w, double g, double s[3][ALL], int i, int t, const bp_fit_options *o) {
  if (t == 1) s[1][i] = o->lr;
  if (g * s[0][i] > 0) s[1][i] = fmin(1.2 * s[1][i], 50);
  if (g * s[0][i] < 0) s[1][i] = fmax(0.5 * s[1][i], 1e-6), g = 0;
  *w -= sign(g) * s[1][i];
  s[0][i] = g;
}

typedef void (*rule_fn)(double *w, double g, double s[3][ALL], int i, int t, const bp_fit_options *o);

/* Those that take steps; the methods for full batches have tests of their own. */
#define RULES (BP_RPROP + 1)
static const struct {
  rule_fn rule;
  double lr;        /* that moves this network visibly in 50 steps */
  double tolerance; /* float32 after 50 steps; quotients of small numbers amplify its rounding */
} rules[RULES] = {
    [BP_SGD] = {sgd, 0.05, 1e-6},        [BP_ADAM] = {adam, 0.001, 2e-6},      [BP_ADAMW] = {adam, 0.001, 2e-6},
    [BP_NADAM] = {adam, 0.001, 3e-6},    [BP_ADAGRAD] = {adagrad, 0.01, 2e-6}, [BP_RMSPROP] = {rmsprop, 0.001, 2e-6},
    [BP_ADADELTA] = {adadelta, 1, 1e-5}, [BP_RPROP] = {rprop, 0.001, 3e-6},
};

static bool is_weight(int i) { return i < W1 || (i >= W1 + HIDDEN && i < W1 + HIDDEN + W2); }

/* L2 is a part of the gradient; decoupled decay comes before the step. */
static void step(double *w, double *g, double s[3][ALL], int t, const bp_fit_options *o) {
  double decay = o->weight_decay > 0 ? o->weight_decay : o->optimizer == BP_ADAMW ? 0.01 : 0;
  for (int i = 0; i < ALL; i++) {
    if (is_weight(i)) g[i] += o->l2 * w[i];
    if (is_weight(i)) w[i] *= 1 - o->lr * decay;
    rules[o->optimizer].rule(&w[i], g[i], s, i, t, o);
  }
}

/* 50 steps: float64 parameters of size 1 stay within 1e-12 of the hand's. */
static void check(void **state, bp_fit_options o) {
  hand_check(bt_ctx(state), BP_F64, &o, step, o.optimizer == BP_ADADELTA ? 1e-11 : 1e-12);
  hand_check(bt_ctx(state), BP_F32, &o, step, rules[o.optimizer].tolerance);
}

static bp_fit_options options(bp_optimizer optimizer) { return hand_options(optimizer, rules[optimizer].lr); }

static void every_optimiser_takes_the_steps_of_its_formula(void **state) {
  for (bp_optimizer i = BP_SGD; i < RULES; i++) check(state, options(i));
}

static void momentum_takes_the_steps_of_the_formula(void **state) {
  bp_fit_options o = options(BP_SGD);
  o.momentum = 0.9;
  check(state, o);
  o.nesterov = true;
  check(state, o);
  o = options(BP_RMSPROP);
  o.momentum = 0.5;
  check(state, o);
}

static void settings_replace_the_defaults(void **state) {
  static const bp_optimizer adams[] = {BP_ADAM, BP_ADAMW, BP_NADAM}, rho[] = {BP_RMSPROP, BP_ADADELTA};
  for (int i = 0; i < 3; i++) {
    bp_fit_options o = hand_options(adams[i], 0.002);
    o.beta1 = 0.8;
    o.beta2 = 0.95;
    o.epsilon = 1e-3;
    check(state, o);
  }
  for (int i = 0; i < 2; i++) {
    bp_fit_options o = options(rho[i]);
    o.rho = 0.8;
    o.epsilon = 1e-3;
    check(state, o);
  }
  bp_fit_options o = options(BP_ADAGRAD);
  o.epsilon = 1e-2;
  check(state, o);
}

/* Batches, whose gradients differ, so that the largest v is not always the last. */
static void amsgrad_keeps_the_largest_second_moment(void **state) {
  bp_fit_options o = hand_options(BP_ADAM, 0.01), plain;
  o.batch_size = 4;
  o.epochs = 5;
  o.beta2 = 0.5;
  plain = o;
  o.amsgrad = true;
  check(state, plain);
  check(state, o);
  o.optimizer = BP_ADAMW;
  check(state, o);
}

/* λW in the gradient of weights and not of biases, with each optimiser. */
static void l2_pulls_weights_and_spares_biases(void **state) {
  for (bp_optimizer i = BP_SGD; i < RULES; i++) {
    bp_fit_options o = options(i);
    o.l2 = 0.05;
    check(state, o);
  }
}

static void decoupled_decay_shrinks_weights_and_spares_biases(void **state) {
  for (bp_optimizer i = BP_SGD; i < BP_RPROP; i++) {
    bp_fit_options o = options(i);
    o.weight_decay = 0.3;
    check(state, o);
  }
}

static void every_loss_is_followed_down(void **state) {
  static const bp_loss losses[] = {BP_LOSS_CROSS_ENTROPY, BP_LOSS_BINARY_CROSS_ENTROPY, BP_LOSS_MSE};
  for (size_t l = 0; l < 3; l++) {
    bp_fit_options o = hand_options(BP_SGD, 0.1);
    o.objective.loss = losses[l];
    check(state, o);
  }
}

/* 40 rows in batches of 12: three full ones and one of 4, whose mean is over 4. 13 epochs make 52 steps. */
static void the_short_last_batch_is_a_mean_over_its_own_rows(void **state) {
  bp_fit_options o = options(BP_SGD);
  o.momentum = 0.5;
  o.batch_size = 12;
  o.epochs = 13;
  check(state, o);
}

static void one_example_a_step_is_a_batch_of_one(void **state) {
  bp_fit_options o = options(BP_SGD);
  o.batch_size = 1;
  o.epochs = 2;
  check(state, o);
}

/* On a bowl rprop doubles back: some sign changes within 50 steps from a step as large as this, or the rule for it is not tested. */
static void rprop_shrinks_where_the_sign_changes(void **state) { check(state, hand_options(BP_RPROP, 0.05)); }

/* ---- names and settings ---- */

static void optimisers_are_found_by_their_names(void **state) {
  (void)state;
  bp_optimizer found = BP_SGD;
  for (bp_optimizer i = BP_SGD; i < BP_OPTIMIZER_COUNT; i++)
    assert_true(bp_optimizer_find(bp_optimizer_name(i), &found) && found == i);
  assert_false(bp_optimizer_find("Adam", &found));
  assert_string_equal(bp_optimizer_name(BP_SGD), "sgd");
  assert_string_equal(bp_optimizer_name(BP_ADAMW), "adamw");
  assert_null(bp_optimizer_name(BP_OPTIMIZER_COUNT));
  assert_true(bp_optimizer_full_batch(BP_RPROP));
  assert_false(bp_optimizer_full_batch(BP_ADAM));
  assert_false(bp_optimizer_full_batch(BP_OPTIMIZER_COUNT));
}

static const tt_refused refused[] = {
    {{.optimizer = BP_ADAM, .momentum = 0.9}, "adam has no momentum; expected one of sgd, rmsprop with it"},
    {{.optimizer = BP_RMSPROP, .momentum = 0.9, .nesterov = true},
     "rmsprop has no nesterov; expected one of sgd with it"},
    {{.optimizer = BP_SGD, .beta1 = 0.9}, "sgd has no beta1; expected one of adam, adamw, nadam with it"},
    {{.optimizer = BP_ADAGRAD, .beta2 = 0.9}, "adagrad has no beta2"},
    {{.optimizer = BP_SGD, .epsilon = 1e-8}, "sgd has no epsilon"},
    {{.optimizer = BP_ADAM, .rho = 0.9}, "adam has no rho; expected one of rmsprop, adadelta with it"},
    {{.optimizer = BP_NADAM, .amsgrad = true}, "nadam has no amsgrad; expected one of adam, adamw with it"},
    {{.optimizer = BP_RPROP, .weight_decay = 0.1}, "rprop has no weight_decay"},
    {{.optimizer = BP_SGD, .lr = 10, .weight_decay = 0.1}, "weight_decay is 0.1 and lr 10, expected a product below 1"},
    {{.optimizer = BP_RPROP, .batch_size = 8},
     "batch size is 8, but rprop takes all rows at once; expected a full batch"},
    {{.optimizer = BP_RPROP, .schedule = {.kind = BP_SCHEDULE_COSINE}}, "rprop finds its own step sizes"},
    {{.optimizer = BP_RPROP, .schedule = {.warmup_steps = 2}}, "rprop finds its own step sizes"},
};

static void settings_of_another_optimiser_are_refused(void **state) {
  tt_refuse_options(bt_ctx(state), refused, sizeof refused / sizeof *refused);
}

/* ---- threads ---- */

/* 160 rows through 40 units are enough to be shared. */
static tt_model trained(bp_context *ctx, const tt_data *d, bp_fit_options o) {
  tt_model m = tt_model_new(ctx, BP_F32, 40, 3);
  bp_source rows = tt_classes(d, 0, 160);
  bp_fit_result result = {0};
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  bp_fit_result_release(ctx, &result);
  return m;
}

static void the_bits_do_not_depend_on_threads(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(4);
  for (bp_optimizer i = BP_SGD; i < RULES; i++) {
    bp_fit_options o = options(i);
    o.batch_size = bp_optimizer_full_batch(i) ? 160 : 64;
    o.epochs = 5;
    o.clip_norm = 0.5;
    o.clip_value = 0.1;
    o.max_norm = 1;
    o.l1 = o.l2 = 0.001;
    tt_model one = trained(ctx, d, o);
    for (o.threads = 2; o.threads <= 3; o.threads++) {
      tt_model more = trained(ctx, d, o);
      assert_true(tt_same_params(&one, &more));
      tt_model_release(&more);
    }
    tt_model_release(&one);
  }
  free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_optimiser_takes_the_steps_of_its_formula),
      BT_TEST(momentum_takes_the_steps_of_the_formula),
      BT_TEST(settings_replace_the_defaults),
      BT_TEST(amsgrad_keeps_the_largest_second_moment),
      BT_TEST(l2_pulls_weights_and_spares_biases),
      BT_TEST(decoupled_decay_shrinks_weights_and_spares_biases),
      BT_TEST(every_loss_is_followed_down),
      BT_TEST(the_short_last_batch_is_a_mean_over_its_own_rows),
      BT_TEST(one_example_a_step_is_a_batch_of_one),
      BT_TEST(rprop_shrinks_where_the_sign_changes),
      BT_TEST(optimisers_are_found_by_their_names),
      BT_TEST(settings_of_another_optimiser_are_refused),
      BT_TEST(the_bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
