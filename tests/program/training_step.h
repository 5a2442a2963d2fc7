/* program/training_step.h - the training step that programs are made for: rows gathered from bytes, a tanh MLP, cross entropy,
 * gradient, momentum and update; from graph operations alone.
 */
#ifndef BT_TRAINING_STEP_H
#define BT_TRAINING_STEP_H
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "support/graph_check.h"
#include "support/testing.h"

enum {
  STEP_LAYERS = 3,
  STEP_PARAMS = 2 * STEP_LAYERS,
  STEP_INPUTS = 3 + 2 * STEP_PARAMS,
  STEP_OUTPUTS = 1 + 2 * STEP_PARAMS
};

typedef struct training_step {
  bp_graph *graph;
  bp_var inputs[STEP_INPUTS];   /* pixels, row numbers, classes, then parameters, then velocities */
  bp_var outputs[STEP_OUTPUTS]; /* loss, then roots that update parameters, then velocities */
  void *values[STEP_INPUTS];
  int64_t rows, batch;
} training_step;

static inline training_step training_step_new(bp_context *ctx, bp_dtype t, const int64_t widths[STEP_LAYERS + 1],
                                              int64_t rows, int64_t batch) {
  training_step s = {.rows = rows, .batch = batch};
  bt_assert_ok(ctx, bp_graph_new(ctx, &s.graph));
  bp_graph *g = s.graph;
  int64_t some = BP_BATCH;
  s.inputs[0] = bp_input(g, "pixels", BP_U8, 2, (const int64_t[]){rows, widths[0]});
  s.inputs[1] = bp_input(g, "rows", BP_I32, 1, &some);
  s.inputs[2] = bp_input(g, "classes", BP_I32, 1, &some);
  bp_var x = bp_mul(bp_gather(s.inputs[0], s.inputs[1], t), bp_scalar(g, t, 1.0 / 255)), *params = &s.inputs[3],
         gradient[STEP_PARAMS];
  for (int l = 0; l < STEP_LAYERS; l++) {
    params[2 * l] = bp_input(g, "W", t, 2, &widths[l]);
    params[2 * l + 1] = bp_input(g, "b", t, 1, &widths[l + 1]);
    x = bp_add(bp_matmul(x, params[2 * l]), params[2 * l + 1]);
    if (l + 1 < STEP_LAYERS) x = bp_tanh(x);
  }
  s.outputs[0] = bp_mean(bp_softmax_cross_entropy(x, s.inputs[2]), BP_ALL_AXES);
  bt_assert_ok(ctx, bp_grad(s.outputs[0], params, STEP_PARAMS, gradient));
  for (int p = 0; p < STEP_PARAMS; p++) {
    bp_var *velocity = &s.inputs[3 + STEP_PARAMS + p];
    *velocity = bp_input(g, "v", t, 2 - p % 2, p % 2 == 0 ? &widths[p / 2] : &widths[p / 2 + 1]);
    bp_var v = bp_add(bp_mul(*velocity, bp_scalar(g, t, 0.9)), gradient[p]);
    s.outputs[1 + p] = bp_assign(params[p], bp_sub(params[p], bp_mul(v, bp_scalar(g, t, 0.1))));
    s.outputs[1 + STEP_PARAMS + p] = bp_assign(*velocity, v);
  }
  bt_assert_ok(ctx, bp_graph_status(g));
  bt_random r = {.seed = 3};
  for (int i = 0; i < STEP_INPUTS; i++) {
    double most = i == 0                ? 256
                  : i == 1              ? (double)rows
                  : i == 2              ? (double)widths[STEP_LAYERS]
                  : i < 3 + STEP_PARAMS ? 0.1
                                        : 0;
    s.values[i] = bt_array_uniform(s.inputs[i], batch, &r, i < 3 ? 0 : -most, most);
  }
  return s;
}

static inline bt_function training_step_function(const training_step *s) {
  return (bt_function){
      "training step", s->outputs, STEP_OUTPUTS, s->inputs, STEP_INPUTS, (const void *const *)s->values, s->batch};
}

/* The next mini-batch: a pure function of the step. */
static inline void training_step_draw(const training_step *s, int step) {
  bt_random r = {.seed = 100 + (uint64_t)step};
  int64_t classes = bp_var_dim(s->inputs[3 + STEP_PARAMS - 1], 0);
  for (int64_t i = 0; i < s->batch; i++) {
    ((int32_t *)s->values[1])[i] = bt_below(&r, (int)s->rows);
    ((int32_t *)s->values[2])[i] = ((int32_t *)s->values[1])[i] % (int32_t)classes;
  }
}

static inline void training_step_free(training_step *s) {
  bt_free_arrays(s->values, STEP_INPUTS);
  bp_graph_free(s->graph);
}

#endif
