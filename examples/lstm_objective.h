/* lstm_objective.h - an LSTM with diagonal weights that reads characters, as graph code and as plain C, and data by formula.
 *
 * Layer by layer, for each step t with input x and hidden state h, cell c, all of b elements and all products elementwise:
 *   f = σ(x w_f + b_f), i = σ(h w_i + b_i), o = σ(x w_o + b_o), g = tanh(h w_g + b_g)
 *   c = c f + i g, h = o tanh(c)
 * The first layer's x is the character times a weight; the prediction is y = h w + v of the last layer, and the loss
 * -mean(next character · (y - log(Σ exp y + 2))). It is the problem LSTM of ADBench, a public benchmark of automatic
 * differentiation.
 *
 * Of a layer only i, g, c and h have to wait for the step before, so a loop does these; the other gates are computed for all steps
 * together.
 */
#ifndef LSTM_OBJECTIVE_H
#define LSTM_OBJECTIVE_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <backprop/backprop.h>

/* main [layers, 8, b]: w_f w_i w_o w_g b_f b_i b_o b_g; extra [3, b]: input weight, output weight, output bias; state
 * [layers, 2, b]: h and c before the first step; text [steps + 1, b]: bits of characters. */
typedef struct lstm_problem {
  int64_t layers, steps, b;
  double *main, *extra, *state, *text;
} lstm_problem;

static inline void lstm_release(lstm_problem *p) { free(p->main), free(p->extra), free(p->state), free(p->text); }

/* Number k of a sequence in 0 .. 1: exact in any language. */
static inline double lstm_uniform(uint64_t k) { return (double)((k * 2654435761u) % 4294967296u) / 4294967296.0; }

/* False: no memory. */
static inline bool lstm_init(lstm_problem *p, int64_t layers, int64_t characters, int64_t b) {
  *p = (lstm_problem){.layers = layers, .steps = characters - 1, .b = b};
  size_t n = (size_t)(8 * layers * b);
  p->main = malloc(n * sizeof(double)), p->extra = malloc((size_t)(3 * b) * sizeof(double));
  p->state = malloc((size_t)(2 * layers * b) * sizeof(double));
  p->text = malloc((size_t)(characters * b) * sizeof(double));
  if (p->main == NULL || p->extra == NULL || p->state == NULL || p->text == NULL) return lstm_release(p), false;
  for (size_t i = 0; i < n; i++) p->main[i] = lstm_uniform(3 * i + 1);
  for (size_t i = 0; i < (size_t)(3 * b); i++) p->extra[i] = lstm_uniform(5 * i + 2);
  for (size_t i = 0; i < (size_t)(2 * layers * b); i++) p->state[i] = lstm_uniform(7 * i + 3);
  for (size_t i = 0; i < (size_t)(characters * b); i++) p->text[i] = lstm_uniform(11 * i + 5) < 0.4 ? 1 : 0;
  return true;
}

/* ---- as a graph ---- */
/* Row i of [n, b], as [b]. */
static inline bp_var lstm_row(bp_var v, int64_t i) {
  int64_t b = bp_var_dim(v, 1);
  return bp_reshape(bp_slice(v, 0, i, i + 1, 1), 1, &b);
}

/* state: h, c; constants: w_i, w_g, b_i, b_g; x: f, o; y: h. */
static inline void lstm_step(void *user, bp_graph *g, const bp_var *state, const bp_var *constants, const bp_var *x,
                             bp_var *next, bp_var *y) {
  (void)user, (void)g;
  bp_var in = bp_sigmoid(bp_add(bp_mul(state[0], constants[0]), constants[2]));
  bp_var change = bp_tanh(bp_add(bp_mul(state[0], constants[1]), constants[3]));
  next[1] = bp_add(bp_mul(state[1], x[0]), bp_mul(in, change));
  next[0] = y[0] = bp_mul(x[1], bp_tanh(next[1]));
}

/* What a layer makes of x [steps, b]: its hidden states. */
static inline bp_var lstm_layer(bp_var weights, bp_var state, bp_var x) {
  bp_var p[8], final[2], hidden, init[2] = {lstm_row(state, 0), lstm_row(state, 1)};
  for (int i = 0; i < 8; i++) p[i] = lstm_row(weights, i);
  bp_var gates[2] = {bp_sigmoid(bp_add(bp_mul(x, p[0]), p[4])), bp_sigmoid(bp_add(bp_mul(x, p[2]), p[6]))};
  bp_var constants[4] = {p[1], p[3], p[5], p[7]};
  bp_loop_args args = {
      .init = init, .n_state = 2, .constants = constants, .n_constants = 4, .x = gates, .n_x = 2, .n_y = 1};
  bp_scan(x.graph, &args, bp_var_dim(x, 0), lstm_step, NULL, final, &hidden);
  return hidden;
}

/* The loss of main [layers * 8, b], extra [3, b], state [layers * 2, b], text [steps + 1, b]. */
static inline bp_var lstm_objective(bp_var main, bp_var extra, bp_var state, bp_var text) {
  bp_graph *g = main.graph;
  int64_t steps = bp_var_dim(text, 0) - 1;
  bp_var x = bp_mul(bp_slice(text, 0, 0, steps, 1), lstm_row(extra, 0));
  for (int64_t l = 0; l < bp_var_dim(main, 0) / 8; l++)
    x = lstm_layer(bp_slice(main, 0, 8 * l, 8 * l + 8, 1), bp_slice(state, 0, 2 * l, 2 * l + 2, 1), x);
  bp_var y = bp_add(bp_mul(x, lstm_row(extra, 1)), lstm_row(extra, 2));
  bp_var sum = bp_add(bp_sum(bp_exp(y), BP_AXIS(1)), bp_scalar(g, BP_F64, 2));
  bp_var likely = bp_sub(y, bp_expand(bp_log(sum), 1));
  return bp_neg(bp_mean(bp_mul(bp_slice(text, 0, 1, BP_END, 1), likely), BP_ALL_AXES));
}

/* ---- as plain C, step by step ---- */
static inline double lstm_sigmoid(double x) { return 1 / (1 + exp(-x)); }

static inline double lstm_plain(const lstm_problem *p) {
  int64_t b = p->b;
  double total = 0, *h = malloc((size_t)(2 * p->layers * b) * sizeof *h);
  for (int64_t i = 0; h != NULL && i < 2 * p->layers * b; i++) h[i] = p->state[i];
  for (int64_t t = 0; h != NULL && t < p->steps; t++) {
    double sum = 2, dot = 0, count = 0;
    for (int64_t k = 0; k < b; k++) {
      double x = p->text[t * b + k] * p->extra[k];
      for (int64_t l = 0; l < p->layers; l++) {
        const double *w = p->main + 8 * l * b + k;
        double *hidden = h + 2 * l * b + k, *cell = hidden + b;
        double f = lstm_sigmoid(x * w[0] + w[4 * b]), in = lstm_sigmoid(*hidden * w[b] + w[5 * b]);
        double o = lstm_sigmoid(x * w[2 * b] + w[6 * b]), change = tanh(*hidden * w[3 * b] + w[7 * b]);
        *cell = *cell * f + in * change;
        x = *hidden = o * tanh(*cell);
      }
      double y = x * p->extra[b + k] + p->extra[2 * b + k], wanted = p->text[(t + 1) * b + k];
      sum += exp(y), dot += wanted * y, count += wanted;
    }
    total += dot - count * log(sum);
  }
  free(h);
  return -total / (double)(p->steps * b);
}

#endif
