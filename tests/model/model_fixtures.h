/* model/model_fixtures.h - small tables and models for the tests of this folder. */
#ifndef BT_MODEL_FIXTURES_H
#define BT_MODEL_FIXTURES_H
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backprop/model.h"
#include "support/testing.h"

enum { BT_ROWS = 24 };

/* 24 rows: a number with a missing one, a text of three kinds, and a target: two classes, three classes or a value. */
typedef enum bt_target { BT_TWO, BT_THREE, BT_VALUE } bt_target;

static inline bp_table *bt_table_of(bp_context *ctx, bt_target target, int rows) {
  static const char *const colours[] = {"red", "green", "blue"}, *const kinds[] = {"cat", "dog", "owl"};
  double width[1024], value[1024];
  const char *colour[1024], *kind[1024];
  bp_table *table = NULL;
  assert_true(rows <= 1024);
  for (int r = 0; r < rows; r++) {
    width[r] = r == 5 ? NAN : (double)(r % 7) - 0.25 * (r % 3);
    colour[r] = colours[r % 3];
    kind[r] = kinds[r % (target == BT_TWO ? 2 : 3)];
    value[r] = 10 + 3 * (double)(r % 7) + (r % 3 == 0);
  }
  if (bp_table_new(ctx, rows, &table) != BP_OK) return NULL;
  bool good = bp_table_add_numbers(ctx, table, "width", width) == BP_OK &&
              bp_table_add_text(ctx, table, "colour", colour) == BP_OK &&
              (target == BT_VALUE ? bp_table_add_numbers(ctx, table, "price", value)
                                  : bp_table_add_text(ctx, table, "kind", kind)) == BP_OK;
  if (good) return table;
  bp_table_free(table);
  return NULL;
}

/* A network of one small layer, trained for a moment. */
static inline bp_train_options bt_small(bp_dtype dtype) {
  bp_train_options o = {.size = sizeof o, .n_hidden = 1, .hidden = {5}, .dtype = dtype};
  o.target = NULL;
  o.fit.optimizer = BP_ADAM;
  o.fit.lr = 0.01;
  o.fit.epochs = 3;
  o.fit.batch_size = 8;
  o.fit.seed = 7;
  o.fit.threads = 1;
  return o;
}

static inline bp_model *bt_train(bp_context *ctx, const bp_table *table, const bp_train_options *options) {
  bp_model *model = NULL;
  bt_assert_ok(ctx, bp_model_train(ctx, table, NULL, options, &model, NULL));
  return model;
}

static inline bp_model *bt_small_model(bp_context *ctx, bt_target target, bp_dtype dtype) {
  bp_train_options options = bt_small(dtype);
  bp_table *table = bt_table_of(ctx, target, BT_ROWS);
  assert_non_null(table);
  bp_model *model = bt_train(ctx, table, &options);
  bp_table_free(table);
  return model;
}

/* Predictions of the model for a table of that kind, in output[rows * outputs]. */
static inline void bt_predict(bp_context *ctx, const bp_model *model, bt_target target, int rows, int threads,
                              double *output) {
  bp_table *table = bt_table_of(ctx, target, rows);
  assert_non_null(table);
  bt_assert_ok(ctx, bp_model_predict(ctx, model, table, threads, output));
  bp_table_free(table);
}

#endif
