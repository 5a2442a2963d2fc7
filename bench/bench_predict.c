/* bench/bench_predict.c - a trained model at work: one row at a time, and many at once. Public headers only.
 *
 *   bench_predict            784-128-128-10 tanh, float32, one thread
 *
 * Seconds of the processor, the least of many repeats: on a machine that others use too, these show what the work costs. Beside a
 * single row stands the time to read all weights once from the cache, which a row cannot beat.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backprop/backprop.h"

enum { PIXELS = 784, CLASSES = 10, TRAINING_ROWS = 256, MOST = 1024 };

static void must(bp_context *ctx, bp_status status) {
  if (status == BP_OK) return;
  (void)fprintf(stderr, "bench_predict: %s\n", bp_error_message(ctx));
  exit(1);
}

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint8_t bytes[MOST * PIXELS];
static float inputs[MOST * PIXELS], columns[MOST * PIXELS], output[MOST * CLASSES];

static bp_model *train(bp_context *ctx) {
  static double label[TRAINING_ROWS];
  bp_table *table = NULL;
  bp_model *model = NULL;
  bp_train_options options = {.size = sizeof options, .task = BP_TASK_CLASSIFICATION};
  options.fit.optimizer = BP_ADAM;
  options.fit.epochs = 1;
  for (int i = 0; i < TRAINING_ROWS; i++) label[i] = i % CLASSES;
  must(ctx, bp_table_new(ctx, TRAINING_ROWS, &table));
  must(ctx, bp_table_add_bytes(ctx, table, "pixel", PIXELS, bytes));
  must(ctx, bp_table_add_numbers(ctx, table, "label", label));
  must(ctx, bp_model_train(ctx, table, NULL, &options, &model, NULL));
  bp_table_free(table);
  return model;
}

/* What is timed: `calls` calls of `n` rows each. */
typedef struct job {
  bp_context *ctx;
  const bp_model *model;
  bp_predictor *predictor;
  int64_t n, calls;
  const float *rows; /* NULL: bytes */
} job;

static void predict(const job *j) {
  for (int64_t i = 0; i < j->calls; i++)
    must(j->ctx, j->rows ? bp_predict_f32(j->predictor, j->n, j->rows, output)
                         : bp_predict_u8(j->predictor, j->n, bytes, output));
}

static volatile uint64_t sink;

/* With the widest loads that this CPU has. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#endif
static uint64_t
mix(const uint64_t *words, int64_t n) {
  uint64_t all = 0;
  for (int64_t i = 0; i < n; i++) all ^= words[i];
  return all;
}

static void read_weights(const job *j) {
  for (int64_t i = 0; i < j->calls; i++) {
    uint64_t all = 0;
    for (int p = 0; p < bp_net_params(bp_model_net(j->model)); p++)
      all ^= mix(bp_model_param(j->model, p), bp_net_param(bp_model_net(j->model), p).elements / 2);
    sink = all;
  }
}

/* Seconds of one call: the least of 40 repeats of about 4 ms each. */
static double least(void (*work)(const job *), job *j) {
  double best = 1e9;
  j->calls = 1;
  for (double spent = 0; spent < 4e-3; j->calls *= 2) {
    double start = now();
    work(j);
    spent = now() - start;
  }
  for (int i = 0; i < 40; i++) {
    double start = now();
    work(j);
    double spent = (now() - start) / (double)j->calls;
    if (spent < best) best = spent;
  }
  return best;
}

static bp_predictor *predictor_of(bp_context *ctx, const bp_model *model, bp_space space) {
  bp_predictor_options options = {.size = sizeof options, .space = space};
  bp_predictor *predictor = NULL;
  must(ctx, bp_predictor_new(ctx, model, &options, &predictor));
  return predictor;
}

static void show(const char *what, double seconds, int64_t n, double flops) {
  printf("%-34s %5lld %12.3f %14.0f %9.1f\n", what, (long long)n, seconds * 1e6, (double)n / seconds,
         flops * (double)n / seconds * 1e-9);
  (void)fflush(stdout);
}

int main(void) {
  static const int64_t sizes[] = {1, 2, 8, 32, 128, 1024};
  bp_context *ctx;
  uint32_t x = 1;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 1;
  for (int i = 0; i < MOST * PIXELS; i++) {
    bytes[i] = (uint8_t)((x = x * 1664525U + 1013904223U) >> 24);
    columns[i] = bytes[i];
    inputs[i] = columns[i] / 255;
  }
  bp_model *model = train(ctx);
  double flops = 0;
  for (int l = 0; l < bp_net_layers(bp_model_net(model)); l++) {
    bp_layer_info layer = bp_net_layer(bp_model_net(model), l);
    flops += 2 * (double)(layer.inputs * layer.outputs);
  }
  job j = {.ctx = ctx, .model = model};
  printf("784-128-128-10 tanh, float32, one thread; kernels %s\n", bp_build().kernels);
  printf("%-34s %5s %12s %14s %9s\n", "", "rows", "us a call", "rows/s", "GFLOP/s");
  double reading = least(read_weights, &j);
  printf("%-34s %5s %12.3f %14s %9.1f GB/s\n", "reading the weights", "", reading * 1e6, "",
         (double)bp_net_size(bp_model_net(model)) * 4 / reading * 1e-9);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    j.n = sizes[i];
    j.rows = inputs;
    j.predictor = predictor_of(ctx, model, BP_SPACE_INPUTS);
    show("bp_predict_f32, network inputs", least(predict, &j), j.n, flops);
    bp_predictor_free(j.predictor);
  }
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i += 5) {
    j.n = sizes[i];
    j.rows = NULL;
    j.predictor = predictor_of(ctx, model, BP_SPACE_COLUMNS);
    show("bp_predict_u8, columns", least(predict, &j), j.n, flops);
    j.rows = columns;
    show("bp_predict_f32, columns", least(predict, &j), j.n, flops);
    bp_predictor_free(j.predictor);
  }
  bp_model_free(model);
  bp_context_free(ctx);
  return 0;
}
