/* bench/bench_steps.c - compiled training steps and predictions of standard networks, against the multiply-add peak.
 *
 *   bench_steps                     every row of the table below
 *   bench_steps tiny mnist          only rows whose names begin so
 *   bench_steps --threads 2 mnist   on so many threads
 *   bench_steps --rounds 20         more rounds (default 7)
 *
 * A step is one bp_run(): forward, loss, gradient and update, on a batch that lies in memory as floats. Times are of the
 * processor's clock. The peak (independent multiply-adds on registers) is measured before and after every round of a row, since
 * clocks change and cores are shared; a share is that of its own round, and the table shows the best and the median of the rounds.
 * Counted are the products alone: 2 flops for each weight, row and product.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backprop/autodiff.h"
#include "backprop/info.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "backprop/train.h"
#include "peak.h"

enum { WIDTHS_MAX = 8, PARAMS_MAX = 2 * WIDTHS_MAX, ROUNDS_MAX = 1000 };

typedef enum update { PREDICT, SGD, MOMENTUM, ADAM, FIT } update;
static const char *const update_names[] = {"predict", "sgd", "momentum", "adam", "bp_fit sgd"};

typedef struct row {
  const char *name;
  update update;
  int64_t batch, widths[WIDTHS_MAX]; /* widths end at 0 */
} row;

static const row rows[] = {
    {"tiny", SGD, 4, {2, 4, 3, 1}},
    {"tiny", FIT, 4, {2, 4, 3, 1}},
    {"mnist", MOMENTUM, 128, {784, 128, 128, 10}},
    {"mnist", ADAM, 128, {784, 128, 128, 10}},
    {"mnist", MOMENTUM, 32, {784, 128, 128, 10}},
    {"mnist", MOMENTUM, 512, {784, 128, 128, 10}},
    {"higgs", MOMENTUM, 100, {28, 300, 300, 300, 300, 300, 1}},
    {"wide", MOMENTUM, 512, {1024, 1024, 1024, 1024, 1024}},
    {"one", PREDICT, 1, {784, 128, 128, 10}},
    {"many", PREDICT, 512, {784, 128, 128, 10}},
};

static void die(const char *what, const char *why) {
  (void)fprintf(stderr, "bench_steps: %s%s%s\n", what, *why ? ": " : "", why);
  exit(1);
}

static void must(bp_context *ctx, bp_status status) {
  if (status != BP_OK) die(bp_status_name(status), bp_error_message(ctx));
}

static void *must_have(void *ptr) {
  if (ptr == NULL) die("out of memory", "");
  return ptr;
}

static double wall_seconds(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Flops a second of the kernels in use. */
static double peak_flops(void) {
  const char *kernels = bp_build().kernels;
  return peak_of_lanes(strcmp(kernels, "avx512") == 0 ? 16 : strcmp(kernels, "avx2") == 0 ? 8 : 4, 3);
}

/* ---- one step ---- */
typedef struct step {
  bp_context *ctx;
  const row *what;
  bp_net *net;
  bp_program *program;
  bp_workspace *workspace;
  int n_inputs, n_params, layers;
  void *values[2 + 3 * PARAMS_MAX]; /* x, target, parameters, slots */
  void *outputs[1 + 3 * PARAMS_MAX];
  int threads;
} step;

static bp_net *network(bp_context *ctx, const row *r) {
  bp_net *net;
  must(ctx, bp_net_new(ctx, r->widths[0], BP_F32, &net));
  for (int i = 1; r->widths[i] > 0; i++)
    must(ctx, bp_net_dense(ctx, net, r->widths[i], r->widths[i + 1] > 0 ? BP_TANH : BP_IDENTITY, BP_INIT_AUTO));
  return net;
}

static bp_var number(bp_graph *g, double value) { return bp_scalar(g, BP_F32, value); }

/* w ← w - 0.01 v, with v as the row says; appends what is assigned. */
static size_t append_update(const row *r, bp_graph *g, bp_var w, bp_var grad, const bp_var slots[2], bp_var *out) {
  size_t n = 0;
  bp_var v = grad;
  if (r->update == MOMENTUM) {
    v = bp_add(bp_mul(slots[0], number(g, 0.9)), grad);
    out[n++] = bp_assign(slots[0], v);
  }
  if (r->update == ADAM) {
    bp_var m = bp_add(bp_mul(slots[0], number(g, 0.9)), bp_mul(grad, number(g, 0.1)));
    bp_var s = bp_add(bp_mul(slots[1], number(g, 0.999)), bp_mul(bp_square(grad), number(g, 0.001)));
    v = bp_div(m, bp_add(bp_sqrt(s), number(g, 1e-8)));
    out[n++] = bp_assign(slots[0], m);
    out[n++] = bp_assign(slots[1], s);
  }
  out[n++] = bp_assign(w, bp_sub(w, bp_mul(v, number(g, 0.001))));
  return n;
}

/* Half the squared error, or cross entropy with one-hot targets where there are ten outputs; their means over the batch. */
static bp_var objective(bp_var z, bp_var target, int64_t outputs) {
  if (outputs == 10) return bp_mean(bp_sub(bp_logsumexp(z), bp_sum(bp_mul(z, target), BP_AXIS(1))), BP_ALL_AXES);
  return bp_mul(bp_mean(bp_square(bp_sub(z, target)), BP_ALL_AXES), number(z.graph, 0.5));
}

static void build(step *s) {
  const row *r = s->what;
  bp_graph *g;
  bp_var in[2 + 3 * PARAMS_MAX], gradients[PARAMS_MAX], out[1 + 3 * PARAMS_MAX];
  size_t n_out = 0;
  int slots = r->update == ADAM ? 2 : r->update == MOMENTUM ? 1 : 0;
  must(s->ctx, bp_graph_new(s->ctx, &g));
  s->n_params = bp_net_params(s->net);
  s->layers = bp_net_layers(s->net);
  int64_t outputs = r->widths[s->layers];
  in[0] = bp_input(g, "x", BP_F32, 2, (int64_t[]){BP_BATCH, r->widths[0]});
  in[1] = bp_input(g, "target", BP_F32, 2, (int64_t[]){BP_BATCH, outputs});
  bp_var *params = in + 2, *states = params + s->n_params;
  bp_net_declare(s->net, g, params);
  bp_var z = bp_net_apply(s->net, in[0], params);
  out[n_out++] = r->update == PREDICT ? z : objective(z, in[1], outputs);
  s->n_inputs = 2 + s->n_params * (1 + slots);
  for (int p = 0; p < s->n_params * slots; p++) {
    bp_param_info info = bp_net_param(s->net, p / slots);
    states[p] = bp_input(g, "slot", BP_F32, info.rank, info.dims);
  }
  if (r->update != PREDICT) {
    must(s->ctx, bp_grad(out[0], params, (size_t)s->n_params, gradients));
    for (int p = 0; p < s->n_params; p++)
      n_out += append_update(r, g, params[p], gradients[p], states + p * slots, out + n_out);
  }
  bp_compile_options o = {.size = sizeof o, .max_batch = r->batch};
  must(s->ctx, bp_compile(out, n_out, in, (size_t)s->n_inputs, &o, &s->program));
  bp_graph_free(g);
}

static int64_t elements_of(const step *s, int input) {
  const row *r = s->what;
  if (input < 2) return r->batch * (input == 0 ? r->widths[0] : r->widths[s->layers]);
  int p = input - 2;
  if (p >= s->n_params) p = (p - s->n_params) / ((s->n_inputs - 2) / s->n_params - 1);
  return bp_net_param(s->net, p).elements;
}

static void fill(step *s) {
  uint32_t x = 1;
  int64_t outputs = s->what->widths[s->layers];
  for (int i = 0; i < s->n_inputs; i++) {
    int64_t n = elements_of(s, i);
    size_t bytes = ((size_t)n * sizeof(float) + 63) / 64 * 64; /* whole cache lines, as the arrays of a model */
    float *to = s->values[i] = must_have(aligned_alloc(64, bytes));
    memset(to, 0, bytes);
    for (int64_t e = 0; e < n && i == 0; e++) to[e] = (float)((x = x * 1664525u + 1013904223u) >> 8) * 0x1p-24f;
    for (int64_t e = 0; e < n && i == 1; e++) to[e] = outputs == 10 ? (float)(e % 10 == e / 10 % 10) : (float)(e % 2);
  }
  bp_net_init(s->net, 1, s->values + 2);
  s->outputs[0] = must_have(malloc((size_t)(s->what->batch * (outputs + 1)) * sizeof(float)));
}

static void step_free(step *s) {
  for (int i = 0; i < s->n_inputs; i++) free(s->values[i]);
  free(s->outputs[0]);
  bp_workspace_free(s->workspace);
  bp_program_free(s->program);
  bp_net_free(s->net);
}

static double flops_of(const row *r) {
  double flops = 0;
  for (int i = 0; r->widths[i + 1] > 0; i++)
    flops += (r->update == PREDICT ? 2.0 : i == 0 ? 4.0 : 6.0) * (double)r->widths[i] * (double)r->widths[i + 1];
  return flops * (double)r->batch;
}

/* ---- timing ---- */
typedef struct times {
  double cpu, wall, share; /* seconds of one step; part of the peak */
} times;

static void run_steps(step *s, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    must(s->ctx, bp_run(s->program, s->workspace, s->what->batch, (const void *const *)s->values, s->outputs));
}

/* n steps of bp_fit(), as epochs of 1,000. */
static void fit_steps(step *s, int64_t n) {
  enum { STEPS = 1000 };
  const row *r = s->what;
  static float x[STEPS * 4 * 2], y[STEPS * 4];
  bp_source source = {.rows = STEPS * r->batch, .columns = r->widths[0], .dtype = BP_F32, .features = x, .scale = 1};
  source.target_dtype = BP_F32, source.outputs = r->widths[s->layers], source.targets = y;
  bp_fit_options o = {.size = sizeof o,
                      .objective.loss = BP_LOSS_MSE,
                      .batch_size = r->batch,
                      .epochs = (int)(n / STEPS),
                      .lr = 0.001,
                      .threads = s->threads};
  bp_fit_result result;
  for (size_t i = 0; i < sizeof y / sizeof *y; i++) y[i] = (float)(i % 2), x[2 * i] = y[i], x[2 * i + 1] = 1 - y[i];
  must(s->ctx, bp_fit(s->ctx, s->net, s->values + 2, &source, NULL, &o, &result));
  bp_fit_result_release(s->ctx, &result);
}

static int64_t steps_for(const step *s) {
  double seconds = flops_of(s->what) / 50e9 + 1e-6; /* about */
  int64_t n = (int64_t)(20e-3 / seconds) + 1;
  return s->what->update == FIT ? 20000 : n;
}

static times round_of(step *s, int64_t n) {
  double before = peak_flops(), cpu = cpu_seconds(), wall = wall_seconds();
  if (s->what->update == FIT)
    fit_steps(s, n);
  else
    run_steps(s, n);
  times t = {(cpu_seconds() - cpu) / (double)n, (wall_seconds() - wall) / (double)n, 0};
  double after = peak_flops(), peak = (before + after) / 2;
  t.share = peak > 0 ? flops_of(s->what) / t.cpu / peak : 0;
  return t;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(bp_context *ctx, const row *r, int threads, int rounds) {
  step s = {.ctx = ctx, .what = r, .net = network(ctx, r), .threads = threads};
  static double cpu[ROUNDS_MAX], wall[ROUNDS_MAX], share[ROUNDS_MAX];
  char text[64] = "";
  build(&s);
  fill(&s);
  must(ctx, bp_workspace_new(ctx, s.program, threads, &s.workspace));
  int64_t n = steps_for(&s);
  (void)round_of(&s, n);
  for (int i = 0; i < rounds; i++) {
    times t = round_of(&s, n);
    cpu[i] = t.cpu, wall[i] = t.wall, share[i] = t.share;
  }
  qsort(cpu, (size_t)rounds, sizeof *cpu, by_value);
  qsort(wall, (size_t)rounds, sizeof *wall, by_value);
  qsort(share, (size_t)rounds, sizeof *share, by_value);
  for (int i = 0; r->widths[i] > 0; i++)
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? "-" : "", (long long)r->widths[i]);
  printf("%-6s %-26s %5lld %-10s %10.3f %10.3f %10.3f %7.1f %7.1f\n", r->name, text, (long long)r->batch,
         update_names[r->update], cpu[0] * 1e6, cpu[rounds / 2] * 1e6, wall[0] * 1e6, 100 * share[rounds - 1],
         100 * share[rounds / 2]);
  (void)fflush(stdout);
  step_free(&s);
}

static void say(void *user, bp_message_kind kind, const char *line) {
  (void)user, (void)kind;
  (void)fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv) {
  int threads = 1, rounds = 7, names = 0;
  bp_context *ctx;
  if (bp_context_new(&(bp_context_options){.size = sizeof(bp_context_options), .message = say}, &ctx) != BP_OK)
    die("out of memory", "");
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], "--", 2) != 0) {
      argv[1 + names++] = argv[i];
      continue;
    }
    long value = i + 1 < argc ? strtol(argv[i + 1], NULL, 10) : 0;
    if (value < 1 || value > ROUNDS_MAX) die(argv[i], "needs a number from 1 to 1000");
    if (strcmp(argv[i], "--threads") == 0)
      threads = (int)value;
    else if (strcmp(argv[i], "--rounds") == 0)
      rounds = (int)value;
    else
      die("no such option", argv[i]);
    i++;
  }
  bp_build_info info = bp_build();
  printf("%s kernels, %d threads, %s; peak now %.1f GFLOP/s\n", info.kernels, threads, info.compiler,
         peak_flops() * 1e-9);
  printf("%-6s %-26s %5s %-10s %10s %10s %10s %7s %7s\n", "name", "network", "batch", "step", "cpu us", "median",
         "wall us", "% peak", "median");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool wanted = names == 0;
    for (int k = 1; k <= names; k++) wanted = wanted || strncmp(rows[i].name, argv[k], strlen(argv[k])) == 0;
    if (wanted) measure(ctx, &rows[i], threads, rounds);
  }
  bp_context_free(ctx);
  return 0;
}
