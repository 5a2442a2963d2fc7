/* Penalties, clipping and max-norm against the same network trained by hand. */
/* labels: unit grad */
#include "train/hand_net.h"

static void check(void **state, const bp_fit_options *o, hand_step_fn step) {
  hand_check(bt_ctx(state), BP_F64, o, step, 1e-12);
  hand_check(bt_ctx(state), BP_F32, o, step, 2e-6);
}

static bool is_weight(int i) { return i < W1 || (i >= W1 + HIDDEN && i < W1 + HIDDEN + W2); }

static void descend(double *w, const double *g, double lr) {
  for (int i = 0; i < ALL; i++) w[i] -= lr * g[i];
}

/* ---- penalties ---- */

/* λ₁ sign(w) + λ₂ w for weights: different numbers for the two layers. */
static void penalise(const double *w, double *g, const double l1[2], const double l2[2]) {
  for (int i = 0; i < ALL; i++) {
    int layer = i >= W1 + HIDDEN;
    if (is_weight(i)) g[i] += l1[layer] * ((w[i] > 0) - (w[i] < 0)) + l2[layer] * w[i];
  }
}

static void elastic_step(double *w, double *g, double s[3][ALL], int t, const bp_fit_options *o) {
  (void)s, (void)t;
  penalise(w, g, (double[]){o->l1, o->l1}, (double[]){o->l2, o->l2});
  descend(w, g, o->lr);
}

static void l1_l2_and_both_pull_weights(void **state) {
  bp_fit_options o = hand_options(BP_SGD, 0.05);
  o.l1 = 0.003; /* so that some weights cross 0 in 50 steps, and |w| is no formula of one branch */
  check(state, &o, elastic_step);
  o.l2 = 0.05;
  check(state, &o, elastic_step);
  o.l1 = 0;
  check(state, &o, elastic_step);
}

static const double layers_l1[] = {0.002, 0}, layers_l2[] = {0, 0.07};

static void layered_step(double *w, double *g, double s[3][ALL], int t, const bp_fit_options *o) {
  (void)s, (void)t;
  penalise(w, g, layers_l1, layers_l2);
  descend(w, g, o->lr);
}

static void each_layer_has_its_own_penalty(void **state) {
  bp_fit_options o = hand_options(BP_SGD, 0.05);
  o.l1 = o.l2 = 0.5; /* which the lists replace */
  o.l1_layers = layers_l1;
  o.l2_layers = layers_l2;
  o.n_l1_layers = o.n_l2_layers = 2;
  check(state, &o, layered_step);
}

/* A weight of exactly 0 that nothing else moves stays: the subgradient at 0 is 0. */
static void l1_leaves_zeros_alone(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  float x[ROWS * TT_COLUMNS];
  for (int i = 0; i < ROWS * TT_COLUMNS; i++) x[i] = i % TT_COLUMNS == 2 ? 0 : d->x[i]; /* feature 2 says nothing */
  bp_source rows = tt_classes(d, 0, ROWS);
  rows.features = x;
  tt_model m = tt_model_new(ctx, BP_F32, HIDDEN, 3);
  float *w = m.params[0];
  for (int j = 0; j < HIDDEN; j++) w[2 * HIDDEN + j] = j % 2 ? 0 : 0.5f;
  bp_fit_options o = hand_options(BP_SGD, 0.1);
  bp_fit_result r = {0};
  o.l1 = 0.01;
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &r));
  for (int j = 0; j < HIDDEN; j++) /* 50 steps of 0.1 · 0.01 down from 0.5 */
    bt_assert_close((double)w[2 * HIDDEN + j], j % 2 ? 0 : 0.45, 0, j % 2 ? 0 : 1e-5);
  bp_fit_result_release(ctx, &r);
  tt_model_release(&m);
  free(d);
}

/* ---- clipping ---- */

/* Elements first, then the norm of all parameters together, biases and penalties included. */
static void clipped_step(double *w, double *g, double s[3][ALL], int t, const bp_fit_options *o) {
  double sum = 0;
  (void)s, (void)t;
  for (int i = 0; i < ALL; i++) {
    if (is_weight(i)) g[i] += o->l2 * w[i];
    if (o->clip_value > 0) g[i] = fmax(-o->clip_value, fmin(o->clip_value, g[i]));
    sum += g[i] * g[i];
  }
  if (o->clip_norm > 0 && sqrt(sum) > o->clip_norm)
    for (int i = 0; i < ALL; i++) g[i] *= o->clip_norm / sqrt(sum);
  descend(w, g, o->lr);
}

static void gradients_are_clipped_as_by_hand(void **state) {
  static const double norms[] = {0, 0.05, 0.3, 1e9}, bounds[] = {0.02, 0, 0.1, 0};
  for (int i = 0; i < 4; i++) {
    bp_fit_options o = hand_options(BP_SGD, i == 1 ? 0.5 : 0.3);
    o.clip_norm = norms[i];
    o.clip_value = bounds[i];
    o.l2 = 0.1;
    o.batch_size = 8;
    o.epochs = 10;
    check(state, &o, clipped_step);
  }
}

/* Gradients near 1e30, whose squares are no floats: the step still has the length lr · clip_norm. */
static void a_gradient_too_large_to_be_squared_is_clipped(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  float x[TT_COLUMNS], y[TT_CLASSES] = {0};
  for (int i = 0; i < TT_COLUMNS; i++) x[i] = 1e15f;
  bp_source rows = {1, TT_COLUMNS, BP_F32, x, 1, 0, BP_F32, TT_CLASSES, y, NULL, NULL, 0, NULL, 0, NULL};
  bp_net *net = NULL;
  float w[TT_COLUMNS * TT_CLASSES], b[TT_CLASSES] = {0};
  void *const params[] = {w, b};
  bp_fit_options o = {.size = sizeof o, .objective.loss = BP_LOSS_MSE, .lr = 1, .clip_norm = 2, .epochs = 1};
  bp_fit_result r = {0};
  for (int i = 0; i < TT_COLUMNS * TT_CLASSES; i++) w[i] = 0.5f;
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_fit(ctx, net, params, &rows, NULL, &o, &r));
  double sum = 0;
  for (int i = 0; i < TT_COLUMNS * TT_CLASSES; i++) sum += (0.5 - (double)w[i]) * (0.5 - (double)w[i]);
  bt_assert_close(sqrt(sum), 2, 1e-5, 0);
  bp_fit_result_release(ctx, &r);
  bp_net_free(net);
  free(d);
}

/* ---- max-norm ---- */

static void cap_columns(double *w, int in, int units, double most) {
  for (int j = 0; j < units; j++) {
    double sum = 0;
    for (int i = 0; i < in; i++) sum += w[i * units + j] * w[i * units + j];
    for (int i = 0; i < in && sqrt(sum) > most; i++) w[i * units + j] *= most / sqrt(sum);
  }
}

static void capped_step(double *w, double *g, double s[3][ALL], int t, const bp_fit_options *o) {
  (void)s, (void)t;
  descend(w, g, o->lr);
  cap_columns(w, TT_COLUMNS, HIDDEN, o->max_norm);
  cap_columns(w + W1 + HIDDEN, HIDDEN, TT_CLASSES, o->max_norm);
}

static void weights_of_a_unit_keep_below_the_norm(void **state) {
  bp_fit_options o = hand_options(BP_SGD, 0.3);
  o.max_norm = 1.1; /* above some units and below others */
  check(state, &o, capped_step);
}

/* ---- what is refused ---- */

static const double one[] = {0.1}, negative[] = {0.1, -0.1}, not_a_number[] = {NAN, 0};
static const tt_refused refused[] = {
    {{.l1 = -1}, "l1 is -1, expected a number from 0"},
    {{.l1 = NAN}, "l1 is nan"},
    {{.clip_norm = -1}, "clip_norm is -1"},
    {{.clip_norm = INFINITY}, "clip_norm is inf"},
    {{.clip_value = NAN}, "clip_value is nan"},
    {{.max_norm = -0.1}, "max_norm is -0.1"},
    {{.weight_decay = NAN}, "weight_decay is nan"},
    {{.rho = 1}, "rho is 1, expected a number above 0 and below 1"},
    {{.l2_layers = one, .n_l2_layers = 1}, "l2: 1 numbers for 2 layers with weights; expected one, or one for each"},
    {{.l1_layers = negative, .n_l1_layers = 2}, "l1 of layer 1 is -0.1"},
    {{.l2_layers = not_a_number, .n_l2_layers = 2}, "l2 of layer 0 is nan"},
};

static void numbers_out_of_range_are_refused(void **state) {
  tt_refuse_options(bt_ctx(state), refused, sizeof refused / sizeof *refused);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(l1_l2_and_both_pull_weights),
      BT_TEST(each_layer_has_its_own_penalty),
      BT_TEST(l1_leaves_zeros_alone),
      BT_TEST(gradients_are_clipped_as_by_hand),
      BT_TEST(a_gradient_too_large_to_be_squared_is_clipped),
      BT_TEST(weights_of_a_unit_keep_below_the_norm),
      BT_TEST(numbers_out_of_range_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
