/* labels: unit grad oom */
/* Layers that are more than a matrix and an activation: against loops by hand, in use and in training; random masks for every
 * number of threads; derivatives of all of them against differences.
 */
#include "backprop/autodiff.h"
#include "backprop/gradcheck.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "net/net_fixtures.h"

enum { ROWS = 13, MOST = 600 };

/* ---- a network, its values, and ways to run it ---- */
typedef struct setup {
  bp_context *ctx;
  bp_net *net;
  void *params[NT_PARAMS_MAX];
  double after[NT_PARAMS_MAX][64]; /* states behind a training run */
} setup;

static setup begin(void **state, int64_t inputs) {
  setup s = {.ctx = bt_ctx(state)};
  bt_assert_ok(s.ctx, bp_net_new(s.ctx, inputs, BP_F64, &s.net));
  return s;
}

static void end(setup *s) {
  nt_params_free(s->net, s->params);
  bp_net_free(s->net);
}

/* Values that hide nothing: no bias is 0 and no scale is 1. */
static void fill(setup *s) {
  uint32_t noise = 5;
  nt_params(s->net, 3, s->params);
  for (int p = 0; p < bp_net_params(s->net); p++)
    for (int64_t i = 0; i < bp_net_param(s->net, p).elements; i++)
      ((double *)s->params[p])[i] += bp_net_param(s->net, p).rank == 1 ? 0.4 * nt_noise(&noise) : 0;
}

typedef struct run {
  bool training;
  int threads; /* 0: plain evaluation */
  double step;
  uint64_t seed;
  int64_t batch; /* rows of a full batch */
} run;

static void apply(setup *s, run how, int64_t rows, const double *x, double *y) {
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

static void noise_rows(double *x, int n) {
  uint32_t noise = 11;
  for (int i = 0; i < n; i++) x[i] = 2 * nt_noise(&noise) + 0.5;
}

/* ---- batch normalisation ---- */

static void batch_norm_in_training_is_that_of_the_formulas(void **state) {
  enum { N = 4 };
  setup s = begin(state, N);
  bp_norm_options o = {.size = sizeof o, .epsilon = 1e-3, .momentum = 0.25};
  double x[ROWS * N], y[ROWS * N], expected[ROWS * N];
  bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
  fill(&s);
  noise_rows(x, ROWS * N);
  const double *gamma = s.params[0], *beta = s.params[1], *old_mean = s.params[2], *old_var = s.params[3];
  double new_mean[N], new_var[N];
  for (int j = 0; j < N; j++) {
    double mean = 0, variance = 0;
    for (int r = 0; r < ROWS; r++) mean += x[r * N + j] / ROWS;
    for (int r = 0; r < ROWS; r++) variance += (x[r * N + j] - mean) * (x[r * N + j] - mean) / ROWS;
    for (int r = 0; r < ROWS; r++)
      expected[r * N + j] = gamma[j] * (x[r * N + j] - mean) / sqrt(variance + 1e-3) + beta[j];
    new_mean[j] = 0.75 * old_mean[j] + 0.25 * mean;
    new_var[j] = 0.75 * old_var[j] + 0.25 * variance * ROWS / (ROWS - 1);
  }
  for (int threads = 0; threads < 4; threads++) {
    apply(&s, (run){.training = true, .threads = threads}, ROWS, x, y);
    bt_assert_close_f64(y, expected, ROWS * N, 1e-13, 1e-13);
    bt_assert_close_f64(s.after[2], new_mean, N, 1e-14, 1e-14);
    bt_assert_close_f64(s.after[3], new_var, N, 1e-14, 1e-14);
  }
  end(&s);
}

static void batch_norm_in_use_takes_the_running_statistics(void **state) {
  enum { N = 3 };
  setup s = begin(state, N);
  bp_norm_options o = {.size = sizeof o};
  double x[ROWS * N], y[ROWS * N], expected[ROWS * N], alone[N];
  bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
  fill(&s);
  noise_rows(x, ROWS * N);
  const double *gamma = s.params[0], *beta = s.params[1], *mean = s.params[2], *variance = s.params[3];
  for (int i = 0; i < ROWS * N; i++)
    expected[i] = gamma[i % N] * (x[i] - mean[i % N]) / sqrt(variance[i % N] + 1e-5) + beta[i % N];
  apply(&s, (run){.threads = 1}, ROWS, x, y);
  bt_assert_close_f64(y, expected, ROWS * N, 1e-14, 1e-14);
  apply(&s, (run){.threads = 1}, 1, x + 5 * N, alone);
  bt_assert_same_bits(alone, y + 5 * N, sizeof alone);
  end(&s);
}

/* Of n rows of a full batch of B, a mean counts n / B of the momentum, a variance (n - 1) / (B - 1); never more than all. */
static void batch_norm_counts_a_short_batch_by_its_rows(void **state) {
  static const struct {
    int64_t batch;
    double momentum, mean, variance;
  } cases[] = {
      {ROWS, 0.25, 0.25, 0.25},
      {2 * ROWS - 1, 0.25, 0.25 * ROWS / (2 * ROWS - 1), 0.125},
      {10 * ROWS, 0.9, 0.09, 0.9 * (ROWS - 1) / (10 * ROWS - 1)},
      {ROWS - 1, 0.1, 0.1 * ROWS / (ROWS - 1), 0.1 * (ROWS - 1) / (ROWS - 2)},
      {ROWS / 2, 0.9, 1, 1},
      {0, 0.25, 0.25, 0.25},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    setup s = begin(state, 1);
    bp_norm_options o = {.size = sizeof o, .momentum = cases[i].momentum};
    double x[ROWS], y[ROWS], mean = 0, variance = 0;
    bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
    fill(&s);
    noise_rows(x, ROWS);
    for (int r = 0; r < ROWS; r++) mean += x[r] / ROWS;
    for (int r = 0; r < ROWS; r++) variance += (x[r] - mean) * (x[r] - mean) / (ROWS - 1);
    double old_mean = *(double *)s.params[2], old_variance = *(double *)s.params[3];
    for (int threads = 0; threads < 3; threads++) {
      apply(&s, (run){.training = true, .threads = threads, .batch = cases[i].batch}, ROWS, x, y);
      bt_assert_close(s.after[2][0], old_mean + cases[i].mean * (mean - old_mean), 1e-14, 1e-14);
      bt_assert_close(s.after[3][0], old_variance + cases[i].variance * (variance - old_variance), 1e-14, 1e-14);
    }
    end(&s);
  }
}

/* A batch of one row has no variance: the result is β, nothing is infinite, and the running variance stays. */
static void batch_norm_of_one_row_is_finite(void **state) {
  setup s = begin(state, 2);
  bp_norm_options o = {.size = sizeof o};
  const double x[2] = {3, -7};
  double y[2];
  bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
  fill(&s);
  apply(&s, (run){.training = true, .threads = 1}, 1, x, y);
  bt_assert_close_f64(y, s.params[1], 2, 0, 0);
  for (int j = 0; j < 2; j++) {
    bt_assert_close(s.after[2][j], 0.9 * ((double *)s.params[2])[j] + 0.1 * x[j], 1e-15, 1e-15);
    bt_assert_close(s.after[3][j], ((double *)s.params[3])[j], 1e-15, 0);
  }
  end(&s);
}

static void layer_norm_is_that_of_the_formula(void **state) {
  enum { N = 6 };
  setup s = begin(state, N);
  bp_norm_options o = {.size = sizeof o, .activation = {BP_RELU, 0, false}};
  double x[ROWS * N], y[ROWS * N], trained[ROWS * N], expected[ROWS * N];
  bt_assert_ok(s.ctx, bp_net_layer_norm(s.ctx, s.net, &o));
  fill(&s);
  noise_rows(x, ROWS * N);
  for (int r = 0; r < ROWS; r++) {
    double mean = 0, variance = 0;
    for (int j = 0; j < N; j++) mean += x[r * N + j] / N;
    for (int j = 0; j < N; j++) variance += (x[r * N + j] - mean) * (x[r * N + j] - mean) / N;
    for (int j = 0; j < N; j++) {
      double a =
          ((double *)s.params[0])[j] * (x[r * N + j] - mean) / sqrt(variance + 1e-5) + ((double *)s.params[1])[j];
      expected[r * N + j] = a > 0 ? a : 0;
    }
  }
  apply(&s, (run){.threads = 1}, ROWS, x, y);
  apply(&s, (run){.training = true, .threads = 2}, ROWS, x, trained);
  bt_assert_close_f64(y, expected, ROWS * N, 1e-13, 1e-13);
  bt_assert_same_bits(y, trained, sizeof y);
  end(&s);
}

/* ---- dropout ---- */

static void dropout_drops_its_part_and_keeps_the_mean(void **state) {
  enum { N = 50 };
  setup s = begin(state, N);
  static double x[MOST * N], y[MOST * N];
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.3));
  for (int i = 0; i < MOST * N; i++) x[i] = 1;
  apply(&s, (run){.training = true, .threads = 1, .step = 4, .seed = 9}, MOST, x, y);
  int dropped = 0;
  for (int i = 0; i < MOST * N; i++) {
    dropped += y[i] == 0;
    if (y[i] != 0) bt_assert_close(y[i], 1 / 0.7, 1e-15, 0);
  }
  /* 30,000 draws: 5 standard errors */
  bt_assert_close((double)dropped / (MOST * N), 0.3, 0, 5 * sqrt(0.21 / (MOST * N)));
  apply(&s, (run){.threads = 1}, MOST, x, y);
  bt_assert_same_bits(x, y, sizeof y);
  end(&s);
}

/* What is dropped is 0 even where the value is not finite, and no rate does nothing. */
static void dropout_of_what_is_not_finite(void **state) {
  setup s = begin(state, 40), none = begin(state, 40);
  double x[40], y[40], same[40];
  for (int i = 0; i < 40; i++) x[i] = INFINITY;
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, none.net, 0));
  apply(&s, (run){.training = true, .threads = 1}, 1, x, y);
  apply(&none, (run){.training = true, .threads = 1}, 1, x, same);
  for (int i = 0; i < 40; i++) assert_true(y[i] == 0 || isinf(y[i]));
  bt_assert_same_bits(x, same, sizeof x);
  end(&s);
  end(&none);
}

/* The same bits for every number of threads, and for the plain evaluation; other ones for another step, seed or layer. */
static void masks_depend_on_seed_layer_and_step_alone(void **state) {
  enum { N = 7, MANY = 300 };
  static double x[MANY * N], first[MANY * N], y[MANY * N];
  setup s = begin(state, N);
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  for (int i = 0; i < MANY * N; i++) x[i] = 1;
  apply(&s, (run){.training = true, .step = 1, .seed = 2}, MANY, x, first);
  for (int threads = 1; threads <= 3; threads++) {
    apply(&s, (run){.training = true, .threads = threads, .step = 1, .seed = 2}, MANY, x, y);
    bt_assert_same_bits(y, first, sizeof y);
  }
  apply(&s, (run){.training = true, .threads = 1, .step = 1, .seed = 2}, 17, x, y); /* fewer rows: the same ones */
  bt_assert_same_bits(y, first, 17 * N * sizeof *y);
  const run others[] = {{true, 1, 2, 2, 0}, {true, 1, 1, 3, 0}};
  for (int i = 0; i < 2; i++) {
    int same = 0;
    apply(&s, others[i], MANY, x, y);
    for (int j = 0; j < MANY * N; j++) same += y[j] == first[j];
    bt_assert_close((double)same / (MANY * N), 0.5, 0, 5 * sqrt(0.25 / (MANY * N)));
  }
  end(&s);
}

/* Two layers of one network draw apart: of what both keep there is a quarter. */
static void layers_have_masks_of_their_own(void **state) {
  enum { N = 50 };
  static double x[MOST * N], y[MOST * N];
  setup s = begin(state, N);
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  for (int i = 0; i < MOST * N; i++) x[i] = 1;
  apply(&s, (run){.training = true, .threads = 1}, MOST, x, y);
  int kept = 0;
  for (int i = 0; i < MOST * N; i++) kept += y[i] == 4;
  bt_assert_close((double)kept / (MOST * N), 0.25, 0, 5 * sqrt(0.19 / (MOST * N)));
  end(&s);
}

/* ---- maxout, prelu ---- */

/* The largest of two affine maps, one of which is zero, is relu of the other. */
static void maxout_with_a_zero_map_is_relu(void **state) {
  enum { IN = 5, UNITS = 6 };
  setup s = begin(state, IN), plain = begin(state, IN);
  bp_dense_options o = {.size = sizeof o, .units = UNITS, .activation = {BP_MAXOUT, 2, false}};
  double x[ROWS * IN], a[ROWS * UNITS], b[ROWS * UNITS];
  bt_assert_ok(s.ctx, bp_net_add_dense(s.ctx, s.net, &o));
  bt_assert_ok(s.ctx, bp_net_dense(s.ctx, plain.net, UNITS, BP_RELU, BP_INIT_AUTO));
  assert_int_equal(bp_net_outputs(s.net), UNITS);
  assert_int_equal(bp_net_size(s.net), 2 * (IN + 1) * UNITS);
  fill(&s);
  fill(&plain);
  double *weight = s.params[0], *bias = s.params[1]; /* columns 0 .. UNITS - 1 are map 0 of every unit */
  for (int u = 0; u < UNITS; u++) {
    for (int i = 0; i < IN; i++) {
      weight[i * 2 * UNITS + u] = ((double *)plain.params[0])[i * UNITS + u];
      weight[i * 2 * UNITS + UNITS + u] = 0;
    }
    bias[u] = ((double *)plain.params[1])[u];
    bias[UNITS + u] = 0;
  }
  noise_rows(x, ROWS * IN);
  apply(&s, (run){.threads = 1}, ROWS, x, a);
  apply(&plain, (run){.threads = 1}, ROWS, x, b);
  for (int i = 0; i < ROWS * UNITS; i++) assert_true(a[i] == b[i]);
  end(&s);
  end(&plain);
}

/* |x| = max(x, -x): a convex function that one unit of two maps gives exactly. */
static void maxout_gives_the_absolute_value(void **state) {
  setup s = begin(state, 1);
  bp_dense_options o = {.size = sizeof o, .units = 1, .activation = {BP_MAXOUT, 0, false}, .no_bias = true};
  const double x[] = {-2, -0.5, 0, 3}, expected[] = {2, 0.5, 0, 3};
  double y[4];
  bt_assert_ok(s.ctx, bp_net_add_dense(s.ctx, s.net, &o));
  assert_int_equal(bp_net_params(s.net), 1);
  fill(&s);
  ((double *)s.params[0])[0] = 1;
  ((double *)s.params[0])[1] = -1;
  apply(&s, (run){.threads = 1}, 4, x, y);
  bt_assert_close_f64(y, expected, 4, 0, 0);
  end(&s);
}

static void prelu_has_a_slope_for_the_layer_or_for_each_unit(void **state) {
  for (int per_unit = 0; per_unit < 2; per_unit++) {
    setup s = begin(state, 3);
    bp_norm_options o = {.size = sizeof o, .activation = {BP_PRELU, 0, per_unit == 1}};
    double x[] = {-1, -2, 3}, y[3];
    bt_assert_ok(s.ctx, bp_net_layer_norm(s.ctx, s.net, &o));
    bp_param_info slope = bp_net_param(s.net, 2);
    assert_string_equal(slope.name, "layers.0.slope");
    assert_int_equal(slope.elements, per_unit ? 3 : 1);
    assert_false(slope.is_weight);
    nt_params(s.net, 1, s.params);
    assert_true(((double *)s.params[2])[0] == 0.25);
    for (int i = 0; i < slope.elements; i++) ((double *)s.params[2])[i] = 0.5 + i;
    apply(&s, (run){.threads = 1}, 1, x, y);
    double sd = sqrt(14.0 / 3 + 1e-5); /* mean 0, variance 14/3 */
    const double expected[] = {-0.5 / sd, -2 * (per_unit ? 1.5 : 0.5) / sd, 3 / sd};
    bt_assert_close_f64(y, expected, 3, 1e-14, 0);
    end(&s);
  }
}

/* ---- skip, embedding ---- */

static void a_skip_adds_an_earlier_output(void **state) {
  setup s = begin(state, 3);
  bp_skip_options same = {.size = sizeof same, .from = -1}, wider = {.size = sizeof wider, .from = 0};
  double x[ROWS * 3], y[ROWS * 2];
  bt_assert_ok(s.ctx, bp_net_dense(s.ctx, s.net, 3, BP_TANH, BP_INIT_AUTO));
  bt_assert_ok(s.ctx, bp_net_skip(s.ctx, s.net, &same));
  bt_assert_ok(s.ctx, bp_net_dense(s.ctx, s.net, 2, BP_IDENTITY, BP_INIT_AUTO));
  bt_assert_ok(s.ctx, bp_net_skip(s.ctx, s.net, &wider));
  assert_int_equal(bp_net_params(s.net), 5);
  assert_string_equal(bp_net_param(s.net, 4).name, "layers.3.weight");
  fill(&s);
  noise_rows(x, ROWS * 3);
  apply(&s, (run){.threads = 1}, ROWS, x, y);
  const double *w = s.params[0], *b = s.params[1], *v = s.params[2], *c = s.params[3], *p = s.params[4];
  for (int r = 0; r < ROWS; r++) {
    double h[3], out[2];
    for (int j = 0; j < 3; j++) {
      h[j] = b[j];
      for (int i = 0; i < 3; i++) h[j] += x[r * 3 + i] * w[i * 3 + j];
      h[j] = tanh(h[j]);
    }
    for (int j = 0; j < 2; j++) {
      out[j] = c[j];
      for (int i = 0; i < 3; i++) out[j] += (h[i] + x[r * 3 + i]) * v[i * 2 + j] + h[i] * p[i * 2 + j];
    }
    bt_assert_close_f64(y + r * 2, out, 2, 1e-14, 1e-14);
  }
  end(&s);
}

/* Columns 1 to 3 and 5 to 6 are categories of 2 and 1 numbers; a row of zeros gives zeros. */
static void an_embedding_replaces_blocks_of_columns(void **state) {
  setup s = begin(state, 8);
  const bp_embedding_block blocks[] = {{1, 3, 2}, {5, 2, 1}};
  const double x[] = {9, 0, 1, 0, 8, 0, 1, 7, /**/ 6, 0, 0, 0, 5, 1, 0, 4};
  double y[12];
  bt_assert_ok(s.ctx, bp_net_embedding(s.ctx, s.net, blocks, 2));
  assert_int_equal(bp_net_outputs(s.net), 6);
  assert_string_equal(bp_net_param(s.net, 1).name, "layers.0.embedding.1.weight");
  assert_true(bp_net_param(s.net, 0).is_table && bp_net_param(s.net, 0).dims[0] == 3);
  fill(&s);
  apply(&s, (run){.threads = 1}, 2, x, y);
  const double *e = s.params[0], *f = s.params[1];
  const double expected[] = {9, e[2], e[3], 8, f[1], 7, 6, 0, 0, 5, f[0], 4};
  bt_assert_close_f64(y, expected, 12, 0, 0);
  end(&s);
}

/* More parts than are joined at once. */
static void an_embedding_of_many_columns(void **state) {
  enum { N = 700 };
  static bp_embedding_block blocks[N / 2];
  static double x[N], y[N];
  bp_graph *g = NULL;
  setup s = begin(state, N);
  for (int i = 0; i < N / 2; i++) blocks[i] = (bp_embedding_block){2 * i, 1, 1};
  bt_assert_ok(s.ctx, bp_net_embedding(s.ctx, s.net, blocks, N / 2));
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  bp_var params[N / 2], in = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, N});
  for (int i = 0; i < N / 2; i++) params[i] = bp_constant(g, BP_F64, 2, (int64_t[]){1, 1}, (double[]){i + 2.0});
  bp_var z = bp_net_apply(s.net, in, params);
  const void *values[] = {x};
  void *out[] = {y};
  for (int i = 0; i < N; i++) x[i] = i;
  bt_assert_ok(s.ctx, bp_eval(&z, 1, &in, 1, 1, values, out));
  for (int i = 0; i < N; i += 2) {
    int block = i / 2;
    assert_true(y[i] == i * (block + 2.0) && y[i + 1] == i + 1);
  }
  bp_graph_free(g);
  bp_net_free(s.net);
}

/* ---- all of them together ---- */

/* 7 inputs, of which 1 to 3 are a category. */
static bp_status add_every_layer(bp_context *ctx, bp_net *net) {
  bp_embedding_block block = {1, 3, 2};
  bp_dense_options dense = {.size = sizeof dense, .units = 8, .no_bias = true};
  bp_norm_options batch = {.size = sizeof batch, .activation = {BP_MAXOUT, 2, false}};
  bp_norm_options layer = {.size = sizeof layer, .activation = {BP_PRELU, 0, true}};
  bp_skip_options skip = {.size = sizeof skip, .from = 1, .activation = {BP_PRELU, 0, false}};
  bp_status status = bp_net_embedding(ctx, net, &block, 1);
  if (status == BP_OK) status = bp_net_dropout(ctx, net, 0.2);
  if (status == BP_OK) status = bp_net_add_dense(ctx, net, &dense);
  if (status == BP_OK) status = bp_net_batch_norm(ctx, net, &batch);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 5, BP_SILU, BP_INIT_ORTHOGONAL);
  if (status == BP_OK) status = bp_net_layer_norm(ctx, net, &layer);
  if (status == BP_OK) status = bp_net_skip(ctx, net, &skip);
  if (status == BP_OK) status = bp_net_dropout(ctx, net, 0.4);
  return status == BP_OK ? bp_net_dense(ctx, net, 2, BP_IDENTITY, BP_INIT_LECUN_NORMAL) : status;
}

static void derivatives_of_every_layer_in_training(void **state) {
  setup s = begin(state, 7);
  bt_assert_ok(s.ctx, add_every_layer(s.ctx, s.net));
  fill(&s);
  bp_graph *g = NULL;
  bp_var inputs[1 + NT_PARAMS_MAX], learnt[NT_PARAMS_MAX];
  double x[ROWS * 7];
  const void *values[1 + NT_PARAMS_MAX] = {x};
  size_t n = (size_t)bp_net_params(s.net), n_learnt = 0;
  noise_rows(x, ROWS * 7);
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  inputs[0] = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, 7});
  bp_net_declare(s.net, g, inputs + 1);
  for (size_t p = 0; p < n; p++) {
    values[1 + p] = s.params[p];
    if (!bp_net_param(s.net, (int)p).is_state) learnt[n_learnt++] = inputs[1 + p];
  }
  bp_net_training t = {.size = sizeof t, .seed = 3, .step = bp_scalar(g, BP_F64, 8)};
  bp_var z = bp_net_apply_training(s.net, inputs[0], inputs + 1, &t, NULL);
  bp_var loss = bp_mean(bp_square(bp_sub(z, bp_scalar(g, BP_F64, 0.3))), BP_ALL_AXES);
  bp_gradcheck_options o = {.size = sizeof o, .richardson = true, .relative = 1e-7, .absolute = 1e-8};
  bp_gradcheck_report report;
  bt_assert_ok(s.ctx, bp_gradcheck(&loss, 1, learnt, n_learnt, inputs, 1 + n, ROWS, values, &o, &report));
  assert_true(report.checked > 100);
  bp_graph_free(g);
  end(&s);
}

/* In use a row does not depend on the rows around it, to the last bit, and the same values come for every number of threads. */
static void in_use_a_row_is_alone(void **state) {
  enum { MANY = 200 };
  static double x[MANY * 7], all[MANY * 2], again[MANY * 2];
  double alone[2];
  setup s = begin(state, 7);
  bt_assert_ok(s.ctx, add_every_layer(s.ctx, s.net));
  fill(&s);
  noise_rows(x, MANY * 7);
  apply(&s, (run){.threads = 1}, MANY, x, all);
  apply(&s, (run){.threads = 3}, MANY, x, again);
  bt_assert_same_bits(all, again, sizeof all);
  for (int r = 0; r < MANY; r += 9) {
    apply(&s, (run){.threads = 1}, 1, x + r * 7, alone);
    bt_assert_same_bits(alone, all + r * 2, sizeof alone);
  }
  end(&s);
}

static void training_is_the_same_for_every_number_of_threads(void **state) {
  enum { MANY = 200 };
  static double x[MANY * 7], first[MANY * 2], y[MANY * 2];
  double mean[4];
  setup s = begin(state, 7);
  bt_assert_ok(s.ctx, add_every_layer(s.ctx, s.net));
  fill(&s);
  noise_rows(x, MANY * 7);
  for (int threads = 1; threads <= 3; threads++) {
    apply(&s, (run){.training = true, .threads = threads, .step = 5}, MANY, x, threads == 1 ? first : y);
    if (threads == 1) memcpy(mean, s.after[4], sizeof mean);
    if (threads > 1) bt_assert_same_bits(y, first, sizeof y);
    bt_assert_same_bits(mean, s.after[4], sizeof mean);
  }
  end(&s);
}

/* ---- refusals and memory ---- */

static void options_out_of_range_are_refused(void **state) {
  setup s = begin(state, 6);
  bp_context *ctx = s.ctx;
  bp_dense_options d = {.size = sizeof d, .units = 2};
  bp_norm_options n = {.size = sizeof n};
  bp_skip_options k = {.size = sizeof k};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dropout(ctx, s.net, 1));
  bt_assert_message(ctx, "dropout: rate 1, expected a number from 0 and below 1");
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dropout(ctx, s.net, -0.1));
  bt_assert_fails(ctx, BP_E_ARG, bp_net_dropout(ctx, s.net, NAN));
  d.activation = (bp_activation_spec){BP_MAXOUT, 65, false};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  bt_assert_message(ctx, "activation maxout with the setting 65, expected a whole number from 2 to 64");
  d = (bp_dense_options){.size = sizeof d, .units = 2, .init_scale = -1};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  d = (bp_dense_options){.size = sizeof d, .units = 2, .bias = INFINITY};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  d = (bp_dense_options){.size = 3, .units = 2};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_add_dense(ctx, s.net, &d));
  bt_assert_message(ctx, "options.size is 3");
  n.epsilon = -1;
  bt_assert_fails(ctx, BP_E_ARG, bp_net_batch_norm(ctx, s.net, &n));
  n = (bp_norm_options){.size = sizeof n, .momentum = 1.5};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_batch_norm(ctx, s.net, &n));
  n = (bp_norm_options){.size = sizeof n, .activation = {BP_MAXOUT, 4, false}};
  bt_assert_fails(ctx, BP_E_ARG, bp_net_layer_norm(ctx, s.net, &n));
  bt_assert_message(ctx, "maxout of 4 maps on 6 columns");
  k.from = 0;
  bt_assert_fails(ctx, BP_E_ARG, bp_net_skip(ctx, s.net, &k));
  bt_assert_message(ctx, "from layer 0, expected -1 (the input) to -1");
  k.from = -2;
  bt_assert_fails(ctx, BP_E_ARG, bp_net_skip(ctx, s.net, &k));
  assert_int_equal(bp_net_layers(s.net), 0);
  end(&s);
}

static void blocks_out_of_order_are_refused(void **state) {
  static const bp_embedding_block bad[][2] = {
      {{0, 3, 2}, {2, 1, 1}}, {{3, 1, 1}, {0, 1, 1}}, {{0, 1, 1}, {5, 2, 1}},         {{-1, 2, 1}, {3, 1, 1}},
      {{0, 0, 1}, {3, 1, 1}}, {{0, 1, 0}, {3, 1, 1}}, {{0, INT64_MAX, 1}, {3, 1, 1}}, {{INT64_MAX, 2, 1}, {3, 1, 1}}};
  setup s = begin(state, 6);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bt_assert_fails(s.ctx, BP_E_ARG, bp_net_embedding(s.ctx, s.net, bad[i], 2));
    bt_assert_message(s.ctx, "embedding: block");
  }
  bt_assert_fails(s.ctx, BP_E_ARG, bp_net_embedding(s.ctx, s.net, bad[0], 0));
  assert_int_equal(bp_net_layers(s.net), 0);
  end(&s);
}

static void training_of_another_size_is_an_error_of_the_graph(void **state) {
  setup s = begin(state, 3);
  bp_graph *g = NULL;
  bp_net_training t = {.size = 1};
  bt_assert_ok(s.ctx, bp_graph_new(s.ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 2, (int64_t[]){BP_BATCH, 3});
  assert_true(bp_var_is_zero(bp_net_apply_training(s.net, x, NULL, &t, NULL)));
  bt_assert_fails(s.ctx, BP_E_ARG, bp_graph_status(g));
  bp_graph_free(g);
  end(&s);
}

static bp_status make_every_layer(bp_context *ctx, void *user) {
  bp_net *net = NULL;
  (void)user;
  bp_status status = bp_net_new(ctx, 7, BP_F32, &net);
  if (status == BP_OK) status = add_every_layer(ctx, net);
  if (status == BP_OK) assert_int_equal(bp_net_layers(net), 9);
  bp_net_free(net);
  return status;
}

static void every_allocation_of_layers_may_fail(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(make_every_layer, NULL) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(batch_norm_in_training_is_that_of_the_formulas),
      BT_TEST(batch_norm_in_use_takes_the_running_statistics),
      BT_TEST(batch_norm_counts_a_short_batch_by_its_rows),
      BT_TEST(batch_norm_of_one_row_is_finite),
      BT_TEST(layer_norm_is_that_of_the_formula),
      BT_TEST(dropout_drops_its_part_and_keeps_the_mean),
      BT_TEST(dropout_of_what_is_not_finite),
      BT_TEST(masks_depend_on_seed_layer_and_step_alone),
      BT_TEST(layers_have_masks_of_their_own),
      BT_TEST(maxout_with_a_zero_map_is_relu),
      BT_TEST(maxout_gives_the_absolute_value),
      BT_TEST(prelu_has_a_slope_for_the_layer_or_for_each_unit),
      BT_TEST(a_skip_adds_an_earlier_output),
      BT_TEST(an_embedding_replaces_blocks_of_columns),
      BT_TEST(an_embedding_of_many_columns),
      BT_TEST(derivatives_of_every_layer_in_training),
      BT_TEST(in_use_a_row_is_alone),
      BT_TEST(training_is_the_same_for_every_number_of_threads),
      BT_TEST(options_out_of_range_are_refused),
      BT_TEST(blocks_out_of_order_are_refused),
      BT_TEST(training_of_another_size_is_an_error_of_the_graph),
      BT_TEST(every_allocation_of_layers_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
