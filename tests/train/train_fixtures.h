/* train/train_fixtures.h - small problems to fit, for the tests of this folder. */
#ifndef BT_TRAIN_FIXTURES_H
#define BT_TRAIN_FIXTURES_H
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "backprop/train.h"
#include "support/testing.h"

enum { TT_PARAMS_MAX = 16 };

/* Numbers in -1 .. 1 from a plain congruential generator: the library's own is not used to test it. */
static inline double tt_noise(uint32_t *x) {
  *x = *x * 1664525u + 1013904223u;
  return (double)(*x >> 8) / 8388608.0 - 1.0;
}

/* Rows of float features with three classes that can be learnt, and three values in 0 .. 1. */
enum { TT_COLUMNS = 6, TT_CLASSES = 3, TT_ROWS_MAX = 512 };
typedef struct tt_data {
  float x[TT_ROWS_MAX * TT_COLUMNS];
  uint8_t bytes[TT_ROWS_MAX * TT_COLUMNS]; /* x[i] == bytes[i] * 0.0078125 - 1, exactly */
  int32_t classes[TT_ROWS_MAX];
  float values[TT_ROWS_MAX * TT_CLASSES];
  double values64[TT_ROWS_MAX * TT_CLASSES], x64[TT_ROWS_MAX * TT_COLUMNS];
} tt_data;

/* NEW; free(). */
static inline tt_data *tt_data_new(uint32_t seed) {
  tt_data *d = malloc(sizeof *d);
  assert_non_null(d);
  for (int i = 0; i < TT_ROWS_MAX * TT_COLUMNS; i++) {
    d->bytes[i] = (uint8_t)(127.5 + 127 * tt_noise(&seed));
    d->x[i] = (float)d->bytes[i] * 0.0078125f - 1;
    d->x64[i] = (double)d->x[i];
  }
  for (int r = 0; r < TT_ROWS_MAX; r++) {
    const float *x = d->x + r * TT_COLUMNS;
    float a = x[0] + x[1] * x[2];
    d->classes[r] = a < -0.3f ? 0 : a < 0.4f ? 1 : 2;
    for (int j = 0; j < TT_CLASSES; j++) {
      d->values64[r * TT_CLASSES + j] = 0.5 + 0.45 * tanh((double)(x[j] - x[j + 1]));
      d->values[r * TT_CLASSES + j] = (float)d->values64[r * TT_CLASSES + j];
      d->values64[r * TT_CLASSES + j] = (double)d->values[r * TT_CLASSES + j];
    }
  }
  return d;
}

/* `rows` rows from row `first`, with classes. */
static inline bp_source tt_classes(const tt_data *d, int64_t first, int64_t rows) {
  return (bp_source){.rows = rows,
                     .columns = TT_COLUMNS,
                     .dtype = BP_F32,
                     .features = d->x + first * TT_COLUMNS,
                     .scale = 1,
                     .target_dtype = BP_I32,
                     .outputs = TT_CLASSES,
                     .targets = d->classes + first};
}

/* The same with values. */
static inline bp_source tt_values(const tt_data *d, int64_t first, int64_t rows) {
  bp_source s = tt_classes(d, first, rows);
  s.target_dtype = BP_F32;
  s.targets = d->values + first * TT_CLASSES;
  return s;
}

/* A network with its parameters. */
typedef struct tt_model {
  bp_net *net;
  void *params[TT_PARAMS_MAX];
} tt_model;

static inline size_t tt_bytes(const tt_model *m, int p) {
  return (size_t)bp_net_param(m->net, p).elements * bp_dtype_size(bp_net_dtype(m->net));
}

/* NEW TT_COLUMNS - hidden (tanh) - TT_CLASSES, with the starting values of a seed; tt_model_release(). */
static inline tt_model tt_model_new(bp_context *ctx, bp_dtype dtype, int64_t hidden, uint64_t seed) {
  tt_model m = {0};
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, dtype, &m.net));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, hidden, BP_TANH, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO));
  for (int p = 0; p < bp_net_params(m.net); p++) m.params[p] = malloc(tt_bytes(&m, p));
  bp_net_init(m.net, seed, m.params);
  return m;
}

static inline void tt_model_release(tt_model *m) {
  for (int p = 0; p < bp_net_params(m->net); p++) free(m->params[p]);
  bp_net_free(m->net);
}

static inline bool tt_same_params(const tt_model *a, const tt_model *b) {
  for (int p = 0; p < bp_net_params(a->net); p++)
    if (memcmp(a->params[p], b->params[p], tt_bytes(a, p)) != 0) return false;
  return true;
}

static inline double tt_param(const tt_model *m, int p, int64_t i) {
  return bp_net_dtype(m->net) == BP_F64 ? ((double *)m->params[p])[i] : (double)((float *)m->params[p])[i];
}

static inline bool tt_params_finite(const tt_model *m) {
  for (int p = 0; p < bp_net_params(m->net); p++)
    for (int64_t i = 0; i < bp_net_param(m->net, p).elements; i++)
      if (!isfinite(tt_param(m, p, i))) return false;
  return true;
}

/* Options that learn the classes of tt_data in a few epochs. */
static inline bp_fit_options tt_options(void) {
  return (bp_fit_options){.size = sizeof(bp_fit_options),
                          .objective.loss = BP_LOSS_CROSS_ENTROPY,
                          .optimizer = BP_SGD,
                          .lr = 0.1,
                          .momentum = 0.9,
                          .batch_size = 16,
                          .epochs = 5,
                          .seed = 1,
                          .threads = 1};
}

/* Options that bp_fit() refuses, and words of the message. */
typedef struct tt_refused {
  bp_fit_options options; /* without their size */
  const char *words;
} tt_refused;

static inline void tt_refuse_options(bp_context *ctx, const tt_refused *refused, size_t n) {
  tt_data *d = tt_data_new(1);
  bp_source rows = tt_classes(d, 0, 40);
  for (size_t i = 0; i < n; i++) {
    tt_model m = tt_model_new(ctx, BP_F32, 5, 3);
    bp_fit_options o = refused[i].options;
    bp_fit_result result = {0};
    o.size = sizeof o;
    bt_assert_fails(ctx, BP_E_ARG, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
    bt_assert_message(ctx, refused[i].words);
    tt_model_release(&m);
  }
  free(d);
}

#endif
