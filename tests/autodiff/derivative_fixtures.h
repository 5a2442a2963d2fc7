/* autodiff/derivative_fixtures.h - values of variables by both roads (plain evaluation and a program), small graphs and vectors. */
#ifndef BT_DERIVATIVE_FIXTURES_H
#define BT_DERIVATIVE_FIXTURES_H
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/backprop.h"
#include "base/philox.h"
#include "support/testing.h"

#define DIMS(...)                                                                                                      \
  (sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) { __VA_ARGS__ }

static inline bp_var vector(bp_graph *g, const char *name, int64_t n) { return bp_input(g, name, BP_F64, 1, &n); }
static inline bp_var number(bp_graph *g, double value) { return bp_scalar(g, BP_F64, value); }
static inline bp_var total(bp_var x) { return bp_sum(x, BP_ALL_AXES); }
static inline bp_var element(bp_var x, int64_t i) { return bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL); }

static inline bp_graph *new_graph(bp_context *ctx) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  return g;
}

/* Uniform in [low, high), a function of `number`. */
static inline double uniform(uint64_t stream, uint64_t number, double low, double high) {
  return low + (high - low) * bp_random_uniform(stream, BP_PURPOSE_TEST, 7, number);
}

static inline size_t elements_of(bp_var v) {
  size_t n = 1;
  for (int i = 0; i < bp_var_rank(v); i++) n *= (size_t)bp_var_dim(v, i);
  return n;
}

/* The values of float64 outputs by evaluation, after checking that a program gives the same. */
static inline void values_of(const bp_var *y, size_t n_y, const bp_var *x, size_t n_x, const void *const *in,
                             double **out) {
  bp_context *ctx = bp_graph_context(y[0].graph);
  bp_program *program;
  bp_workspace *workspace;
  double *again[16];
  assert_true(n_y <= 16);
  bt_assert_ok(ctx, bp_graph_status(y[0].graph));
  for (size_t i = 0; i < n_y; i++) again[i] = calloc(elements_of(y[i]) + 1, sizeof(double));
  bt_assert_ok(ctx, bp_eval(y, n_y, x, n_x, 0, in, (void *const *)out));
  bt_assert_ok(ctx, bp_compile(y, n_y, x, n_x, NULL, &program));
  bt_assert_ok(ctx, bp_workspace_new(ctx, program, 1, &workspace));
  bt_assert_ok(ctx, bp_run(program, workspace, 0, in, (void *const *)again));
  for (size_t i = 0; i < n_y; i++) {
    bt_assert_close_f64(again[i], out[i], elements_of(y[i]), 1e-11, 1e-12);
    free(again[i]);
  }
  bp_workspace_free(workspace);
  bp_program_free(program);
}

/* One output of one input. */
static inline void value_of(bp_var y, bp_var x, const double *at, double *out) {
  values_of(&y, 1, &x, 1, (const void *[]){at}, (double *[]){out});
}

/* y at `at` by evaluation only: for differences. */
static inline void plain_value_of(bp_var y, bp_var x, const double *at, double *out) {
  bt_assert_ok(bp_graph_context(y.graph), bp_eval(&y, 1, &x, 1, 0, (const void *[]){at}, (void *[]){out}));
}

/* Central differences with one extrapolation: jacobian[i * n + j] = ∂y[i]/∂x[j]. */
static inline void differences_of(bp_var y, bp_var x, const double *at, double *jacobian) {
  size_t m = elements_of(y), n = elements_of(x);
  double *point = malloc(n * sizeof *point), *low = malloc(m * sizeof *low), *high = malloc(m * sizeof *high);
  memcpy(point, at, n * sizeof *point);
  for (size_t j = 0; j < n; j++)
    for (int round = 0; round < 2; round++) {
      double h = round == 0 ? 1e-3 : 5e-4, weight = round == 0 ? -1.0 / 3 : 4.0 / 3;
      point[j] = at[j] + h;
      plain_value_of(y, x, point, high);
      point[j] = at[j] - h;
      plain_value_of(y, x, point, low);
      point[j] = at[j];
      for (size_t i = 0; i < m; i++)
        jacobian[i * n + j] = (round == 0 ? 0 : jacobian[i * n + j]) + weight * (high[i] - low[i]) / (2 * h);
    }
  free(point);
  free(low);
  free(high);
}

#endif
