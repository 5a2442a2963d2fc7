/* train/hand_net.h - a network with one hidden layer trained by hand: forward, backward and update written out in double with plain
 * loops. The hand knows the order of an epoch's rows by the generator, and nothing else.
 */
#ifndef BT_TRAIN_HAND_NET_H
#define BT_TRAIN_HAND_NET_H
#include "base/philox.h"
#include "train/train_fixtures.h"

enum { HIDDEN = 5, ROWS = 40, W1 = TT_COLUMNS * HIDDEN, W2 = HIDDEN * TT_CLASSES, ALL = W1 + HIDDEN + W2 + TT_CLASSES };

/* All parameters in one array: W1 [in, hidden], b1, W2 [hidden, out], b2. */
static const struct {
  int begin, size;
  bool weight;
} parts[] = {{0, W1, true}, {W1, HIDDEN, false}, {W1 + HIDDEN, W2, true}, {W1 + HIDDEN + W2, TT_CLASSES, false}};

/* Adds the gradient of one row's loss, times `weight`, to g; gives the loss. */
static inline double hand_row(const double *w, const tt_data *d, int row, bp_loss loss, double weight, double *g) {
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

/* What a test does at each step: t = 1, 2, …; states start at zero. */
typedef void (*hand_step_fn)(double *w, double *g, double s[3][ALL], int t, const bp_fit_options *o);

/* All epochs; the mean loss of the last one. */
static inline double hand_fit(double *w, const tt_data *d, const bp_fit_options *o, hand_step_fn step) {
  double s[3][ALL] = {{0}}, loss = 0;
  int32_t order[ROWS];
  int t = 0;
  for (int epoch = 1; epoch <= o->epochs; epoch++) {
    loss = 0;
    bp_random_permutation(o->seed, BP_PURPOSE_SHUFFLE, (uint32_t)epoch, order, ROWS);
    for (int begin = 0; begin < ROWS; begin += (int)o->batch_size) {
      int n = ROWS - begin < o->batch_size ? ROWS - begin : (int)o->batch_size;
      double g[ALL] = {0};
      for (int i = begin; i < begin + n; i++) loss += hand_row(w, d, order[i], o->objective.loss, 1.0 / n, g) / ROWS;
      step(w, g, s, ++t, o);
    }
  }
  return loss;
}

static inline void hand_start(const tt_model *m, double *w) {
  for (int p = 0; p < 4; p++)
    for (int i = 0; i < parts[p].size; i++) w[parts[p].begin + i] = tt_param(m, p, i);
}

/* The library and the hand train the same network with these options, and agree in every parameter and in the last loss. */
static inline void hand_check(bp_context *ctx, bp_dtype dtype, const bp_fit_options *o, hand_step_fn step,
                              double tolerance) {
  tt_data *d = tt_data_new(11);
  tt_model m = tt_model_new(ctx, dtype, HIDDEN, 3);
  bp_source rows = o->objective.loss == BP_LOSS_CROSS_ENTROPY ? tt_classes(d, 0, ROWS) : tt_values(d, 0, ROWS);
  bp_fit_result result = {0};
  double w[ALL], begin[ALL], moved = 0;
  hand_start(&m, w);
  hand_start(&m, begin);
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, NULL, o, &result));
  double loss = hand_fit(w, d, o, step);
  for (int i = 0; i < ALL; i++) moved = fmax(moved, fabs(w[i] - begin[i]));
  assert_true(moved > 0.01); /* else there is nothing to compare */
  for (int p = 0; p < 4; p++)
    for (int i = 0; i < parts[p].size; i++)
      bt_assert_close(tt_param(&m, p, i), w[parts[p].begin + i], tolerance, tolerance);
  bt_assert_close(result.history[result.epochs - 1].train_loss, loss, 0, tolerance);
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(d);
}

/* 50 steps of all rows with cross entropy. */
static inline bp_fit_options hand_options(bp_optimizer optimizer, double lr) {
  return (bp_fit_options){.size = sizeof(bp_fit_options),
                          .objective.loss = BP_LOSS_CROSS_ENTROPY,
                          .optimizer = optimizer,
                          .lr = lr,
                          .batch_size = ROWS,
                          .epochs = 50,
                          .seed = 5,
                          .threads = 1};
}

#endif
