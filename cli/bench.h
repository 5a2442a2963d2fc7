/* cli/bench.h - what `backprop bench` measures, how, and how it is told.
 *
 * One table of items (bench_items.c) of three kinds; each measured through the library's public functions (bench_measure.c), shown
 * in a table for people or as JSON (bench_report.c).
 */
#ifndef BACKPROP_CLI_BENCH_H
#define BACKPROP_CLI_BENCH_H
#include "backprop/info.h"
#include "backprop/net.h"
#include "backprop/train.h"

typedef enum bench_kind { BENCH_PRODUCT, BENCH_TRAINING, BENCH_INFERENCE, BENCH_KINDS } bench_kind;

enum { BENCH_LAYERS_MAX = 8 };

typedef struct bench_net {
  int64_t inputs, units[BENCH_LAYERS_MAX];
  int layers;
  bool bytes; /* features are bytes, as pixels are */
  bp_loss loss;
} bench_net;

typedef struct bench_item {
  bench_kind kind;
  /* a product: [m,k]·[k,n], or with the left or the right side transposed in memory */
  int64_t m, n, k;
  bool left, right;
  /* training and inference */
  const bench_net *net;
  int64_t rows;  /* of a step, of a call */
  int64_t steps; /* of an epoch that is timed */
  bp_optimizer optimizer;
} bench_item;

/* Seconds of one run: a product, a step of training, a call. */
typedef struct bench_times {
  double best, median;
  int samples;
  double flops; /* of a run, counted from the shapes: multiply-adds of the matrix products, two each */
} bench_times;

/* ---- bench_items.c ---- */
/* The i-th item; NULL at the end. */
const bench_item *bench_item_at(int i);
/* "training 784-128-128-10 batch 128 sgd": what --only searches, into text[size]; returns text. */
const char *bench_item_name(const bench_item *item, char *text, size_t size);
/* "784-128-128-10", or "28-300x5-1" when layers repeat. */
const char *bench_net_name(const bench_net *net, char *text, size_t size);
/* "left^T * right" in words that mathematics uses: "AᵀB". */
const char *bench_layout(const bench_item *item);

/* ---- bench_measure.c ---- */
typedef struct bench_setting {
  bp_context *ctx;
  bp_dtype dtype;
  int threads;    /* at least 1 */
  double seconds; /* for each item */
} bench_setting;
/* Measures one item for about setting->seconds. */
bp_status bench_measure(const bench_setting *setting, const bench_item *item, bench_times *out);

/* ---- bench_report.c ---- */
typedef struct bench_result {
  const bench_item *item;
  bench_times times;
} bench_result;
typedef struct bench_report {
  bp_dtype dtype;
  int threads;
  double seconds;        /* in all */
  double peak[2];        /* of one thread: float32, float64 */
  bench_result *results; /* in the order of the table, so kinds stand together */
  int n;
} bench_report;
void bench_report_json(const bench_report *report);
void bench_report_text(const bench_report *report);

#endif
