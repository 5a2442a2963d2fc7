/* bench/bench_adbench.c - two problems of ADBench, a public benchmark of automatic differentiation. Public headers only.
 *
 *   bench_adbench [ba|lstm] [--json] [--seconds S] [--threads N] [--dump FOLDER]
 *
 *   ba     49 cameras, 7,776 points, 31,843 observations (its size BA1): the Jacobian of the reprojection errors row by row, as a
 *          sparse matrix, and by hand in C; the errors alone
 *   lstm   2 and 4 layers of 14 elements, 1,024 characters: the loss with its gradient along all weights; the loss alone
 *
 * Data are made by formula. Times are by the clock: the best of many runs, and the median. --dump writes what was computed as float64
 * to FOLDER/<work>, for bench/peers/adbench, which runs this and JAX in turns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backprop/backprop.h"

#include "../examples/ba_objective.h"
#include "../examples/lstm_objective.h"

static bp_context *ctx;
static bool json;
static double seconds = 0.5;
static int threads = 1;
static const char *dump;

static void must(bp_status status) {
  if (status == BP_OK) return;
  (void)fprintf(stderr, "bench_adbench: %s: %s\n", bp_status_name(status), bp_error_message(ctx));
  exit(1);
}

static void *room(size_t n) {
  double *data = calloc(n + 1, sizeof *data);
  if (data != NULL) return data;
  (void)fprintf(stderr, "bench_adbench: out of memory\n");
  exit(1);
}

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what is measured ---- */
typedef struct job {
  const char *name;
  bp_program *program; /* NULL: by hand */
  bp_workspace *workspace;
  const ba_problem *by_hand;
  const void *in[4];
  void *out[3];
  double *result; /* what is dumped */
  size_t n_result;
} job;

static void run(const job *j) {
  if (j->program != NULL)
    must(bp_run(j->program, j->workspace, 0, j->in, j->out));
  else
    ba_by_hand(j->by_hand, j->out[1], j->out[0]);
}

static void compile(job *j, const bp_var *outputs, size_t n, const bp_var *inputs, size_t n_inputs) {
  must(bp_compile(outputs, n, inputs, n_inputs, NULL, &j->program));
  must(bp_workspace_new(ctx, j->program, threads, &j->workspace));
}

static void write_result(const job *j) {
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/%s", dump, j->name);
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(j->result, sizeof(double), j->n_result, file) != j->n_result || fclose(file) != 0) {
    (void)fprintf(stderr, "bench_adbench: cannot write %s\n", path);
    exit(1);
  }
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

enum { SAMPLES = 4096, JOBS = 4 };

/* All jobs in turns until each had its seconds. */
static void measure(job *jobs, size_t n) {
  double *sample = room(SAMPLES * JOBS), end = now() + seconds * (double)n;
  size_t count = 0;
  for (size_t i = 0; i < n; i++) run(&jobs[i]);
  for (; count < SAMPLES && (count < 3 || now() < end); count++)
    for (size_t i = 0; i < n; i++) {
      double begin = now();
      run(&jobs[i]);
      sample[i * SAMPLES + count] = now() - begin;
    }
  for (size_t i = 0; i < n; i++) {
    double *s = sample + i * SAMPLES;
    qsort(s, count, sizeof *s, by_size);
    if (json)
      (void)printf("{\"bench\":\"adbench\",\"work\":\"%s\",\"seconds\":%.9f,\"seconds_median\":%.9f}\n", jobs[i].name,
                   s[0], s[count / 2]);
    else
      (void)printf("%-24s %10.3f ms best %10.3f ms median\n", jobs[i].name, s[0] * 1e3, s[count / 2] * 1e3);
    if (dump != NULL && jobs[i].result != NULL) write_result(&jobs[i]);
    bp_workspace_free(jobs[i].workspace);
    bp_program_free(jobs[i].program);
  }
  free(sample);
}

/* ---- bundle adjustment ---- */
static bp_var row_form(const ba_problem *b, bp_var x) {
  bp_var part[3], rows, features = bp_constant(x.graph, BP_F64, 2, (int64_t[]){b->p, 2}, b->feature);
  ba_gathered(b, x, &part[0], &part[1], &part[2]);
  bp_var row = bp_concat(part, 3, 1);
  bp_var y = ba_rows(bp_slice(row, 1, 0, BA_CAMERA, 1), bp_slice(row, 1, BA_CAMERA, BA_LOCAL - 1, 1),
                     bp_slice(row, 1, BA_LOCAL - 1, BA_LOCAL, 1), features);
  must(bp_jacobian_rows(y, row, BP_MODE_AUTO, &rows));
  return rows;
}

static void bench_ba(void) {
  ba_problem b;
  bp_graph *g;
  bp_sparse *sparse;
  if (!ba_init(&b, 49, 7776, 31843)) must(BP_E_NOMEM);
  size_t n = (size_t)(2 * b.p * BA_LOCAL);
  must(bp_graph_new(ctx, &g));
  int64_t size = ba_parameters(&b);
  bp_var x = bp_input(g, "x", BP_F64, 1, &size), y = ba_reprojection(&b, x), rows = row_form(&b, x);
  must(bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &sparse));
  bp_var values = bp_sparse_values(sparse);
  job jobs[JOBS] = {{.name = "ba1_rows", .in = {b.x}, .n_result = n},
                    {.name = "ba1_sparse", .in = {b.x}},
                    {.name = "ba1_by_hand", .by_hand = &b, .n_result = n},
                    {.name = "ba1_errors", .in = {b.x}}};
  double *errors = room((size_t)(2 * b.p));
  for (int i = 0; i < 3; i++) jobs[i].out[0] = jobs[i].result = room(n);
  jobs[1].result = NULL, jobs[2].out[1] = errors, jobs[3].out[0] = errors;
  compile(&jobs[0], &rows, 1, &x, 1);
  compile(&jobs[1], &values, 1, &x, 1);
  compile(&jobs[3], &y, 1, &x, 1);
  measure(jobs, JOBS);
  for (int i = 0; i < 3; i++) free(jobs[i].out[0]);
  free(errors);
  bp_sparse_free(sparse);
  bp_graph_free(g);
  ba_release(&b);
}

/* ---- LSTM ---- */
static void bench_lstm(int64_t layers, const char *loss_name, const char *gradient_name) {
  enum { B = 14, CHARACTERS = 1024 };
  lstm_problem p;
  bp_graph *g;
  double value;
  if (!lstm_init(&p, layers, CHARACTERS, B)) must(BP_E_NOMEM);
  must(bp_graph_new(ctx, &g));
  bp_var in[] = {bp_input(g, "main", BP_F64, 2, (int64_t[]){8 * layers, B}),
                 bp_input(g, "extra", BP_F64, 2, (int64_t[]){3, B}),
                 bp_input(g, "state", BP_F64, 2, (int64_t[]){2 * layers, B}),
                 bp_input(g, "text", BP_F64, 2, (int64_t[]){CHARACTERS, B})};
  bp_var out[3], loss = lstm_objective(in[0], in[1], in[2], in[3]);
  must(bp_value_and_grad(loss, in, 2, out));
  size_t n_main = (size_t)(8 * layers * B), n = n_main + 3 * B;
  double *gradient = room(n);
  job jobs[2] = {
      {.name = gradient_name, .out = {&value, gradient, gradient + n_main}, .result = gradient, .n_result = n},
      {.name = loss_name, .out = {&value}}};
  for (int i = 0; i < 2; i++)
    jobs[i].in[0] = p.main, jobs[i].in[1] = p.extra, jobs[i].in[2] = p.state, jobs[i].in[3] = p.text;
  compile(&jobs[0], out, 3, in, 4);
  compile(&jobs[1], &loss, 1, in, 4);
  measure(jobs, 2);
  free(gradient);
  bp_graph_free(g);
  lstm_release(&p);
}

int main(int argc, char **argv) {
  const char *what = "all";
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0)
      json = true;
    else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
      seconds = strtod(argv[++i], NULL);
    else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
      threads = (int)strtol(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--dump") == 0 && i + 1 < argc)
      dump = argv[++i];
    else
      what = argv[i];
  }
  bool all = strcmp(what, "all") == 0;
  must(bp_context_new(NULL, &ctx));
  if (all || strcmp(what, "ba") == 0) bench_ba();
  if (all || strcmp(what, "lstm") == 0) {
    bench_lstm(2, "lstm_l2_loss", "lstm_l2_c1024");
    bench_lstm(4, "lstm_l4_loss", "lstm_l4_c1024");
  }
  bp_context_free(ctx);
  return 0;
}
