/* cli/bench_measure.c - one item, measured: a graph that is compiled and run, or a fit that is watched.
 *
 * The best of many samples stands for what the machine can do, the median for what it did. Numbers are synthetic; nothing here
 * depends on what they are, as long as they stay ordinary: denormals and infinities can be slow.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backprop/ops.h"
#include "backprop/program.h"
#include "bench.h"
#include "console.h"

enum { SAMPLES_MAX = 4096, ARRAYS_MAX = 2 * BENCH_LAYERS_MAX + 2 };

typedef struct samples {
  double seconds[SAMPLES_MAX];
  int n;
} samples;

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void summarise(samples *s, bench_times *out) {
  qsort(s->seconds, (size_t)s->n, sizeof *s->seconds, by_value);
  out->samples = s->n;
  out->best = s->n > 0 ? s->seconds[0] : NAN;
  out->median = s->n > 0 ? (s->seconds[(s->n - 1) / 2] + s->seconds[s->n / 2]) / 2 : NAN;
}

/* ---- synthetic numbers ---- */
/* Between -1 and 1, the same every time. */
static void fill(void *array, bp_dtype dtype, int64_t n, double scale) {
  uint32_t x = (uint32_t)n | 1u;
  for (int64_t i = 0; i < n; i++) {
    x = x * 1664525u + 1013904223u;
    double value = scale * ((double)(x >> 8) / (1 << 23) - 1);
    switch (dtype) {
    case BP_F32: ((float *)array)[i] = (float)value; break;
    case BP_F64: ((double *)array)[i] = value; break;
    default: ((uint8_t *)array)[i] = x >> 24 < 51 ? (uint8_t)(x >> 16) : 0; /* as many zeros as in MNIST */
    }
  }
}

/* Whole cache lines, as the arrays of a model. */
static void *new_array(bp_dtype dtype, int64_t n) {
  size_t bytes = ((size_t)n * bp_dtype_size(dtype) + 63) / 64 * 64;
  void *array = aligned_alloc(64, bytes);
  if (array == NULL) exit(cli_fail(CLI_NO_MEMORY, "out of memory: %zu bytes were asked for", bytes));
  return array;
}

static void *filled(bp_dtype dtype, int64_t n, double scale) {
  void *array = new_array(dtype, n);
  fill(array, dtype, n, scale);
  return array;
}

/* ---- a program ---- */
/* A graph with its inputs, their values and one output. */
typedef struct job {
  bp_graph *graph;
  bp_var in[ARRAYS_MAX], out;
  void *values[ARRAYS_MAX], *result;
  int n_in;
} job;

static void job_release(job *j) {
  for (int i = 0; i < j->n_in; i++) free(j->values[i]);
  free(j->result);
  bp_graph_free(j->graph);
}

/* Runs as many times as 1 ms takes, for each sample. */
static bp_status time_runs(bp_program *program, bp_workspace *w, const job *j, int64_t rows, double budget,
                           samples *s) {
  const void *in[ARRAYS_MAX];
  void *out[1] = {j->result};
  int64_t runs = 1;
  for (int i = 0; i < j->n_in; i++) in[i] = j->values[i];
  bp_status status = bp_run(program, w, rows, in, out);
  for (double end = now() + budget; status == BP_OK && s->n < SAMPLES_MAX && (s->n == 0 || now() < end);) {
    double t = now();
    for (int64_t r = 0; r < runs && status == BP_OK; r++) status = bp_run(program, w, rows, in, out);
    double taken = now() - t;
    if (taken < 5e-4 && runs < (1 << 24))
      runs *= 2; /* too short to be measured */
    else
      s->seconds[s->n++] = taken / (double)runs;
  }
  return status;
}

static bp_status time_job(const bench_setting *setting, const job *j, int64_t rows, samples *s) {
  bp_compile_options options = {.size = sizeof options, .max_batch = rows > 0 ? rows : 1};
  bp_program *program = NULL;
  bp_workspace *w = NULL;
  bp_status status = bp_compile(&j->out, 1, j->in, (size_t)j->n_in, &options, &program);
  if (status == BP_OK) status = bp_workspace_new(setting->ctx, program, setting->threads, &w);
  if (status == BP_OK) status = time_runs(program, w, j, rows, setting->seconds, s);
  bp_workspace_free(w);
  bp_program_free(program);
  return status;
}

static bp_status measure_product(const bench_setting *setting, const bench_item *item, bench_times *out, samples *s) {
  const bp_dtype t = setting->dtype;
  const int64_t m = item->m, n = item->n, k = item->k;
  job j = {.n_in = 2};
  bp_status status = bp_graph_new(setting->ctx, &j.graph);
  if (status != BP_OK) return status;
  j.in[0] = bp_input(j.graph, "A", t, 2, item->left ? (int64_t[]){k, m} : (int64_t[]){m, k});
  j.in[1] = bp_input(j.graph, "B", t, 2, item->right ? (int64_t[]){n, k} : (int64_t[]){k, n});
  j.out = bp_matmul_t(j.in[0], item->left, j.in[1], item->right);
  j.values[0] = filled(t, m * k, 1);
  j.values[1] = filled(t, k * n, 1);
  j.result = new_array(t, m * n);
  out->flops = 2.0 * (double)m * (double)n * (double)k;
  status = time_job(setting, &j, 0, s);
  job_release(&j);
  return status;
}

/* ---- networks ---- */
static bp_status new_net(const bench_setting *setting, const bench_net *n, bp_net **out) {
  bp_status status = bp_net_new(setting->ctx, n->inputs, setting->dtype, out);
  for (int l = 0; l < n->layers && status == BP_OK; l++)
    status = bp_net_dense(setting->ctx, *out, n->units[l], l + 1 < n->layers ? BP_TANH : BP_IDENTITY, BP_INIT_AUTO);
  return status;
}

/* Starting values of all parameters. */
static void new_params(const bp_net *net, void **params) {
  for (int p = 0; p < bp_net_params(net); p++) params[p] = new_array(bp_net_dtype(net), bp_net_param(net, p).elements);
  bp_net_init(net, 1, params);
}

/* Of one row: x·W in every layer; in training also Xᵀ·Δ, and Δ·Wᵀ of all but the first. */
static double flops_of(const bench_net *net, bool training) {
  double flops = 0;
  for (int l = 0; l < net->layers; l++) {
    double inputs = (double)(l == 0 ? net->inputs : net->units[l - 1]);
    flops += (!training ? 2 : l == 0 ? 4 : 6) * inputs * (double)net->units[l];
  }
  return flops;
}

static bp_status measure_inference(const bench_setting *setting, const bench_item *item, bench_times *out, samples *s) {
  bp_net *net = NULL;
  job j = {0};
  bp_status status = new_net(setting, item->net, &net);
  if (status == BP_OK) status = bp_graph_new(setting->ctx, &j.graph);
  if (status == BP_OK) {
    bp_net_declare(net, j.graph, j.in);
    new_params(net, j.values);
    int last = j.n_in = bp_net_params(net);
    j.in[last] = bp_input(j.graph, "x", setting->dtype, 2, (int64_t[]){BP_BATCH, item->net->inputs});
    j.values[last] = filled(setting->dtype, item->rows * item->net->inputs, 1);
    j.n_in++;
    j.out = bp_loss_output(item->net->loss, bp_net_apply(net, j.in[last], j.in));
    j.result = new_array(setting->dtype, item->rows * bp_net_outputs(net));
    status = time_job(setting, &j, item->rows, s);
  }
  out->flops = flops_of(item->net, false) * (double)item->rows;
  job_release(&j);
  bp_net_free(net);
  return status;
}

/* ---- training ---- */
typedef struct watch {
  samples *samples;
  double begun, last, budget;
  int64_t steps;
  int epochs;
} watch;

/* The first epoch warms up; each later one is a sample. */
static bool watch_epoch(void *user, const bp_epoch *epoch, double done) {
  watch *w = user;
  (void)epoch;
  if (done < 1) return true;
  double t = now();
  if (w->epochs++ == 0) w->begun = t;
  if (w->epochs > 1) w->samples->seconds[w->samples->n++] = (t - w->last) / (double)w->steps;
  w->last = t;
  return w->epochs < 2 || (t - w->begun < w->budget && w->samples->n < SAMPLES_MAX);
}

static void *new_targets(const bench_setting *setting, const bench_net *net, int64_t rows, bp_source *source) {
  int64_t outputs = net->units[net->layers - 1];
  bool classes = net->loss == BP_LOSS_CROSS_ENTROPY;
  bp_dtype t = classes ? BP_I32 : setting->dtype;
  void *targets = cli_alloc((size_t)(classes ? rows : rows * outputs), bp_dtype_size(t));
  if (classes)
    for (int64_t r = 0; r < rows; r++) ((int32_t *)targets)[r] = (int32_t)(r * 7 % outputs);
  else
    fill(targets, t, rows * outputs, 0.5);
  for (int64_t i = 0; !classes && i < rows * outputs; i++) { /* 0 .. 1 */
    if (t == BP_F32)
      ((float *)targets)[i] += 0.5F;
    else
      ((double *)targets)[i] += 0.5;
  }
  source->target_dtype = t;
  source->outputs = outputs;
  return targets;
}

static bp_status fit(const bench_setting *setting, const bench_item *item, const bp_net *net, const bp_source *rows,
                     samples *s) {
  void *params[ARRAYS_MAX];
  watch w = {.samples = s, .budget = setting->seconds, .steps = item->steps};
  bp_fit_result result = {0};
  bp_fit_options options = {.size = sizeof options,
                            .objective.loss = item->net->loss,
                            .optimizer = item->optimizer,
                            .lr = item->optimizer == BP_SGD ? 0.01 : 0.001,
                            .momentum = item->optimizer == BP_SGD ? 0.9 : 0,
                            .batch_size = item->rows,
                            .epochs = SAMPLES_MAX + 1,
                            .seed = 1,
                            .threads = setting->threads,
                            .progress = watch_epoch,
                            .progress_user = &w};
  new_params(net, params);
  bp_status status = bp_fit(setting->ctx, net, params, rows, NULL, &options, &result);
  bp_fit_result_release(setting->ctx, &result);
  for (int p = 0; p < bp_net_params(net); p++) free(params[p]);
  return status;
}

static bp_status measure_training(const bench_setting *setting, const bench_item *item, bench_times *out, samples *s) {
  const bench_net *n = item->net;
  const int64_t rows = item->rows * item->steps;
  bp_source source = {.rows = rows,
                      .columns = n->inputs,
                      .dtype = n->bytes ? BP_U8 : setting->dtype,
                      .scale = n->bytes ? 1.0 / 255 : 1};
  bp_net *net = NULL;
  void *features = filled(source.dtype, rows * n->inputs, 1), *targets = new_targets(setting, n, rows, &source);
  source.features = features;
  source.targets = targets;
  bp_status status = new_net(setting, n, &net);
  if (status == BP_OK) status = fit(setting, item, net, &source, s);
  out->flops = flops_of(n, true) * (double)item->rows;
  bp_net_free(net);
  free(features);
  free(targets);
  return status;
}

bp_status bench_measure(const bench_setting *setting, const bench_item *item, bench_times *out) {
  static bp_status (*const measure[BENCH_KINDS])(const bench_setting *, const bench_item *, bench_times *,
                                                 samples *) = {
      [BENCH_PRODUCT] = measure_product, [BENCH_TRAINING] = measure_training, [BENCH_INFERENCE] = measure_inference};
  samples *s = cli_alloc(1, sizeof *s);
  *out = (bench_times){0};
  bp_status status = measure[item->kind](setting, item, out, s);
  summarise(s, out);
  free(s);
  return status;
}
