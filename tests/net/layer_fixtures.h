/* net/layer_fixtures.h - a network of layers with its values, and ways to apply it: in use and in training, by the plain evaluation and by
 * a program with any number of threads.
 */
#ifndef BT_LAYER_FIXTURES_H
#define BT_LAYER_FIXTURES_H
#include "backprop/program.h"
#include "net/net_fixtures.h"

typedef struct nt_setup {
  bp_context *ctx;
  bp_net *net;
  void *params[NT_PARAMS_MAX];
  double after[NT_PARAMS_MAX][64]; /* states behind a training nt_run */
} nt_setup;

static inline nt_setup nt_begin(void **state, int64_t inputs) {
  nt_setup s = {.ctx = bt_ctx(state)};
  bt_assert_ok(s.ctx, bp_net_new(s.ctx, inputs, BP_F64, &s.net));
  return s;
}

static inline void nt_end(nt_setup *s) {
  nt_params_free(s->net, s->params);
  bp_net_free(s->net);
}

/* Values that hide nothing: no bias is 0 and no scale is 1. */
static inline void nt_fill(nt_setup *s) {
  uint32_t noise = 5;
  nt_params(s->net, 3, s->params);
  for (int p = 0; p < bp_net_params(s->net); p++)
    for (int64_t i = 0; i < bp_net_param(s->net, p).elements; i++)
      ((double *)s->params[p])[i] += bp_net_param(s->net, p).rank == 1 ? 0.4 * nt_noise(&noise) : 0;
}

typedef struct nt_run {
  bool training;
  int threads; /* 0: plain evaluation */
  double step;
  uint64_t seed;
  int64_t batch; /* rows of a full batch */
} nt_run;

static inline void nt_apply(nt_setup *s, nt_run how, int64_t rows, const double *x, double *y) {
  bp_graph *g = NULL;
  bp_var inputs[2 + NT_PARAMS_MAX], outputs[1 + NT_PARAMS_MAX], states[NT_PARAMS_MAX];
  const void *values[2 + NT_PARAMS_MAX] = {x, &how.step};
  void *results[1 + NT_PARAMS_MAX] = {y};
  size_t n = (size_t)bp_net_params(s->net), n_out = 1;
  bt_assert_ok(s->ctx, bp_graph_new(s->ctx, &g));
  inputs[0] = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, bp_net_inputs(s->net)});
  inputs[1] = bp_input(g, "step", BP_F64, 0, NULL);
  bp_net_declare(s->net, g, inputs + 2);
  for (size_t p = 0; p < n; p++) values[2 + p] = s->params[p];
  bp_net_training t = {.size = sizeof t, .seed = how.seed, .step = inputs[1], .batch = how.batch};
  outputs[0] = how.training ? bp_net_apply_training(s->net, inputs[0], inputs + 2, &t, states)
                            : bp_net_apply(s->net, inputs[0], inputs + 2);
  bt_assert_ok(s->ctx, bp_graph_status(g));
  for (size_t p = 0; p < n && how.training; p++) {
    assert_int_equal(states[p].id != 0, bp_net_param(s->net, (int)p).is_state);
    if (states[p].id == 0) continue;
    results[n_out] = s->after[p];
    outputs[n_out++] = states[p];
  }
  if (how.threads == 0) {
    bt_assert_ok(s->ctx, bp_eval(outputs, n_out, inputs, 2 + n, rows, values, results));
  } else {
    bp_program *program = NULL;
    bp_workspace *workspace = NULL;
    bt_assert_ok(s->ctx, bp_compile(outputs, n_out, inputs, 2 + n, NULL, &program));
    bt_assert_ok(s->ctx, bp_workspace_new(s->ctx, program, how.threads, &workspace));
    bt_assert_ok(s->ctx, bp_run(program, workspace, rows, values, results));
    bp_workspace_free(workspace);
    bp_program_free(program);
  }
  bp_graph_free(g);
}

static inline void nt_noise_rows(double *x, int n) {
  uint32_t noise = 11;
  for (int i = 0; i < n; i++) x[i] = 2 * nt_noise(&noise) + 0.5;
}

#endif
