/* Optimisers, step by step for 50 steps, against the same network trained by hand: forward, backward and update written out
 * in double with plain loops. The hand knows the order of an epoch's rows by the generator, and nothing else. */
/* labels: unit grad */
#include "base/philox.h"
#include "train/train_fixtures.h"

enum { HIDDEN = 5, ROWS = 40, W1 = TT_COLUMNS * HIDDEN, W2 = HIDDEN * TT_CLASSES, ALL = W1 + HIDDEN + W2 + TT_CLASSES };

/* All parameters in one array: W1 [in, hidden], b1, W2 [hidden, out], b2. */
static const struct {
  int begin, size;
  bool weight;
} parts[] = {{0, W1, true}, {W1, HIDDEN, false}, {W1 + HIDDEN, W2, true}, {W1 + HIDDEN + W2, TT_CLASSES, false}};

/* ---- by hand ---- */

/* Adds the gradient of one row's loss, times `weight`, to g; gives the loss. */
static double hand_row(const double *w, const tt_data *d, int row, bp_loss loss, double weight, double *g) {
  const double *b1 = w + W1, *w2 = b1 + HIDDEN, *b2 = w2 + W2, *x = d->x64 + row * TT_COLUMNS;
  const double *y = d->values64 + row * TT_CLASSES;
  double h[HIDDEN], z[TT_CLASSES], dz[TT_CLASSES], sum = 0, value = 0;
  for (int j = 0; j < HIDDEN; j++) {
    double a = b1[j];
    for (int i = 0; i < TT_COLUMNS; i++) a += x[i] * w[i * HIDDEN + j];
    h[j] = tanh(a);
  }
  for (int k = 0; k < TT_CLASSES; k++) {
    z[k] = b2[k];
    for (int j = 0; j < HIDDEN; j++) z[k] += h[j] * w2[j * TT_CLASSES + k];
    sum += exp(z[k]);
  }
  for (int k = 0; k < TT_CLASSES; k++) {
    double s = 1 / (1 + exp(-z[k])), error = z[k] - y[k];
    if (loss == BP_LOSS_CROSS_ENTROPY)
      dz[k] = exp(z[k]) / sum - (d->classes[row] == k);
    else if (loss == BP_LOSS_BINARY_CROSS_ENTROPY)
      dz[k] = s - y[k];
    else
      dz[k] = 2 * error / TT_CLASSES;
    if (loss == BP_LOSS_BINARY_CROSS_ENTROPY) value -= y[k] * log(s) + (1 - y[k]) * log(1 - s);
    if (loss == BP_LOSS_MSE) value += error * error / TT_CLASSES;
  }
  if (loss == BP_LOSS_CROSS_ENTROPY) value = log(sum) - z[d->classes[row]];
  double *g1 = g, *gb1 = g + W1, *g2 = gb1 + HIDDEN, *gb2 = g2 + W2;
  for (int k = 0; k < TT_CLASSES; k++) gb2[k] += weight * dz[k];
  for (int j = 0; j < HIDDEN; j++) {
    double dh = 0;
    for (int k = 0; k < TT_CLASSES; k++) {
      g2[j * TT_CLASSES + k] += weight * h[j] * dz[k];
      dh += w2[j * TT_CLASSES + k] * dz[k];
    }
    dh *= 1 - h[j] * h[j];
    gb1[j] += weight * dh;
    for (int i = 0; i < TT_COLUMNS; i++) g1[i * HIDDEN + j] += weight * x[i] * dh;
  }
  return value;
}

static void hand_l2(const double *w, double lambda, double *g) {
  for (int p = 0; p < 4; p++)
    for (int i = parts[p].begin; parts[p].weight && i < parts[p].begin + parts[p].size; i++) g[i] += lambda * w[i];
}

/* The rules as the papers and MATH have them; s: two states of each parameter, t: the step, from 1. */
static void hand_update(double *w, const double *g, double s[2][ALL], int t, const bp_fit_options *o) {
  for (int i = 0; i < ALL; i++) {
    if (o->optimizer == BP_ADAM) {
      double b1 = o->beta1 > 0 ? o->beta1 : 0.9, b2 = o->beta2 > 0 ? o->beta2 : 0.999;
      s[0][i] = b1 * s[0][i] + (1 - b1) * g[i];
      s[1][i] = b2 * s[1][i] + (1 - b2) * g[i] * g[i];
      double m = s[0][i] / (1 - pow(b1, t)), v = s[1][i] / (1 - pow(b2, t));
      w[i] -= o->lr * m / (sqrt(v) + (o->epsilon > 0 ? o->epsilon : 1e-8));
    } else {
      s[0][i] = o->momentum * s[0][i] + g[i];
      w[i] -= o->lr * (o->nesterov ? g[i] + o->momentum * s[0][i] : s[0][i]);
    }
  }
}

/* All epochs; the mean loss of the last one. */
static double hand_fit(double *w, const tt_data *d, const bp_fit_options *o) {
  double s[2][ALL] = {{0}}, loss = 0;
  int32_t order[ROWS];
  int t = 0;
  for (int epoch = 1; epoch <= o->epochs; epoch++) {
    loss = 0;
    bp_random_permutation(o->seed, BP_PURPOSE_SHUFFLE, (uint32_t)epoch, order, ROWS);
    for (int begin = 0; begin < ROWS; begin += (int)o->batch_size) {
      int n = ROWS - begin < o->batch_size ? ROWS - begin : (int)o->batch_size;
      double g[ALL] = {0};
      for (int i = begin; i < begin + n; i++) loss += hand_row(w, d, order[i], o->loss, 1.0 / n, g) / ROWS;
      hand_l2(w, o->l2, g);
      hand_update(w, g, s, ++t, o);
    }
  }
  return loss;
}

/* ---- against the library ---- */

static void start_from(const tt_model *m, double *w) {
  for (int p = 0; p < 4; p++)
    for (int i = 0; i < parts[p].size; i++) w[parts[p].begin + i] = tt_param(m, p, i);
}

static void check(bp_context *ctx, bp_dtype dtype, const bp_fit_options *o, double tolerance) {
  tt_data *d = tt_data_new(11);
  tt_model m = tt_model_new(ctx, dtype, HIDDEN, 3);
  bp_source rows = o->loss == BP_LOSS_CROSS_ENTROPY ? tt_classes(d, 0, ROWS) : tt_values(d, 0, ROWS);
  bp_fit_result result = {0};
  double w[ALL], begin[ALL], moved = 0;
  start_from(&m, w);
  start_from(&m, begin);
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, NULL, o, &result));
  double loss = hand_fit(w, d, o);
  for (int i = 0; i < ALL; i++) moved = fmax(moved, fabs(w[i] - begin[i]));
  assert_true(moved > 0.01); /* else there is nothing to compare */
  for (int p = 0; p < 4; p++)
    for (int i = 0; i < parts[p].size; i++) bt_assert_close(tt_param(&m, p, i), w[parts[p].begin + i], 0, tolerance);
  bt_assert_close(result.history[result.epochs - 1].train_loss, loss, 0, tolerance);
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(d);
}

/* 50 steps: float32 parameters of size 1 stay within 1e-6 of the double ones, float64 within 1e-12. */
static void check_both(void **state, bp_fit_options o) {
  check(bt_ctx(state), BP_F64, &o, 1e-12);
  check(bt_ctx(state), BP_F32, &o, 1e-6);
}

static bp_fit_options full_batch(bp_optimizer optimizer, double lr) {
  return (bp_fit_options){.size = sizeof(bp_fit_options),
                          .optimizer = optimizer,
                          .lr = lr,
                          .batch_size = ROWS,
                          .epochs = 50,
                          .seed = 5,
                          .threads = 1};
}

static void plain_descent_takes_the_steps_of_the_formula(void **state) { check_both(state, full_batch(BP_SGD, 0.1)); }

static void momentum_takes_the_steps_of_the_formula(void **state) {
  bp_fit_options o = full_batch(BP_SGD, 0.05);
  o.momentum = 0.9;
  check_both(state, o);
}

static void nesterov_takes_the_steps_of_the_formula(void **state) {
  bp_fit_options o = full_batch(BP_SGD, 0.05);
  o.momentum = 0.9;
  o.nesterov = true;
  check_both(state, o);
}

static void adam_takes_the_steps_of_the_formula(void **state) { check_both(state, full_batch(BP_ADAM, 0.001)); }

static void adam_uses_its_own_constants(void **state) {
  bp_fit_options o = full_batch(BP_ADAM, 0.002);
  o.beta1 = 0.8;
  o.beta2 = 0.95;
  o.epsilon = 1e-3;
  check_both(state, o);
}

/* λW in the gradient of weights and not of biases, with each optimiser. */
static void l2_decays_weights_and_spares_biases(void **state) {
  for (bp_optimizer optimizer = BP_SGD; optimizer < BP_OPTIMIZER_COUNT; optimizer++) {
    bp_fit_options o = full_batch(optimizer, optimizer == BP_ADAM ? 0.001 : 0.05);
    o.l2 = 0.05;
    check_both(state, o);
  }
}

static void every_loss_is_followed_down(void **state) {
  for (bp_loss loss = BP_LOSS_CROSS_ENTROPY; loss < BP_LOSS_COUNT; loss++) {
    bp_fit_options o = full_batch(BP_SGD, 0.1);
    o.loss = loss;
    check_both(state, o);
  }
}

/* 40 rows in batches of 12: three full ones and one of 4, whose mean is over 4. 13 epochs make 52 steps. */
static void the_short_last_batch_is_a_mean_over_its_own_rows(void **state) {
  bp_fit_options o = full_batch(BP_SGD, 0.05);
  o.momentum = 0.5;
  o.batch_size = 12;
  o.epochs = 13;
  check_both(state, o);
}

static void one_example_a_step_is_a_batch_of_one(void **state) {
  bp_fit_options o = full_batch(BP_SGD, 0.05);
  o.batch_size = 1;
  o.epochs = 2;
  check_both(state, o);
}

/* ---- names ---- */

static void optimisers_are_found_by_their_names(void **state) {
  (void)state;
  bp_optimizer found = BP_SGD;
  assert_true(bp_optimizer_find("adam", &found) && found == BP_ADAM);
  assert_true(bp_optimizer_find("sgd", &found) && found == BP_SGD);
  assert_false(bp_optimizer_find("Adam", &found));
  assert_string_equal(bp_optimizer_name(BP_SGD), "sgd");
  assert_string_equal(bp_optimizer_name(BP_ADAM), "adam");
  assert_null(bp_optimizer_name(BP_OPTIMIZER_COUNT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(plain_descent_takes_the_steps_of_the_formula),
      BT_TEST(momentum_takes_the_steps_of_the_formula),
      BT_TEST(nesterov_takes_the_steps_of_the_formula),
      BT_TEST(adam_takes_the_steps_of_the_formula),
      BT_TEST(adam_uses_its_own_constants),
      BT_TEST(l2_decays_weights_and_spares_biases),
      BT_TEST(every_loss_is_followed_down),
      BT_TEST(the_short_last_batch_is_a_mean_over_its_own_rows),
      BT_TEST(one_example_a_step_is_a_batch_of_one),
      BT_TEST(optimisers_are_found_by_their_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
