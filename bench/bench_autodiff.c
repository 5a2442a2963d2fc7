/* bench/bench_autodiff.c - what derivatives cost, on one thread. Public headers only.
 *
 *   bench_autodiff [gradient|eager|build|sparse] [--json]
 *
 *   gradient  time of the value with its gradient ÷ time of the value alone, of compiled programs: the Gaussian mixture objective
 *             of ADBench at D = 10, K = 25, N = 1000, and the loss of a 784-128-128-10 network on 128 rows
 *   eager     nanoseconds and bytes of an operation on numbers: recorded with its value, then swept by bp_backward(), beside the
 *             same arithmetic without derivatives
 *   build     seconds to build and to compile graphs of 12,500 to 100,000 nodes, of several kinds, and nanoseconds per node
 *   sparse    colours and times of banded Jacobians and Hessians
 *
 * After the table, or instead of it with --json, the same numbers follow as one JSON object per line. Times are those of the
 * processor, the best of several, so that a busy machine disturbs less; ratios are of programs run in turns.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backprop/backprop.h"

#include "../examples/gmm_objective.h"

static bp_context *ctx;
static bool table = true;
static char json[1 << 14];
static size_t json_used;

static void must(bp_status status) {
  if (status == BP_OK) return;
  (void)fprintf(stderr, "bench_autodiff: %s: %s\n", bp_status_name(status), bp_error_message(ctx));
  exit(1);
}

static void *must_have(void *ptr) {
  if (ptr != NULL) return ptr;
  (void)fprintf(stderr, "bench_autodiff: out of memory\n");
  exit(1);
}

/* Of the processor: a machine that others use too takes it away, but does not count it. */
static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A line of the table, and one of JSON, kept for the end. */
static void __attribute__((format(printf, 1, 2))) show(const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (table) (void)vprintf(format, args);
  va_end(args);
  (void)fflush(stdout);
}

static void __attribute__((format(printf, 1, 2))) record(const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(json + json_used, sizeof json - json_used, format, args);
  va_end(args);
  if (n > 0 && (size_t)n < sizeof json - json_used) json_used += (size_t)n;
}

static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) * 0x1p-53 * 2 - 1;
}

static bp_graph *new_graph(void) {
  bp_graph *g;
  must(bp_graph_new(ctx, &g));
  return g;
}

/* ---- a program and how long it runs ---- */
typedef struct job {
  bp_program *program;
  bp_workspace *workspace;
  const void *in[8];
  void *out[8];
  int64_t batch;
} job;

static job new_job(const bp_var *outputs, size_t n, const bp_var *inputs, size_t n_inputs) {
  job j = {0};
  must(bp_compile(outputs, n, inputs, n_inputs, NULL, &j.program));
  must(bp_workspace_new(ctx, j.program, 1, &j.workspace));
  return j;
}

static void free_job(job *j) {
  bp_workspace_free(j->workspace);
  bp_program_free(j->program);
}

static void run(job *j) { must(bp_run(j->program, j->workspace, j->batch, j->in, j->out)); }

static double seconds_of(job *j, int runs) {
  double t = now();
  for (int i = 0; i < runs; i++) run(j);
  return (now() - t) / runs;
}

/* Best seconds of two programs, measured in turns, about 3 ms at a time. */
static void compare(job *a, job *b, double *best_a, double *best_b) {
  int runs_a = (int)(3e-3 / seconds_of(a, 2)) + 1, runs_b = (int)(3e-3 / seconds_of(b, 2)) + 1;
  *best_a = *best_b = INFINITY;
  for (int i = 0; i < 100; i++) {
    *best_a = fmin(*best_a, seconds_of(a, runs_a));
    *best_b = fmin(*best_b, seconds_of(b, runs_b));
  }
}

static void show_ratio(const char *name, job *value, job *both) {
  double a, b;
  compare(value, both, &a, &b);
  show("%-42s %10.1f us %10.1f us %8.2f\n", name, a * 1e6, b * 1e6, b / a);
  record("{\"bench\":\"gradient\",\"name\":\"%s\",\"value_seconds\":%.9f,\"gradient_seconds\":%.9f,\"ratio\":%.3f}\n",
         name, a, b, b / a);
}

/* ---- gradient ÷ function ---- */
static double *random_doubles(size_t n, double scale) {
  double *data = must_have(malloc(n * sizeof *data));
  uint64_t state = n;
  for (size_t i = 0; i < n; i++) data[i] = scale * uniform(&state);
  return data;
}

static void mixture(void) {
  enum { D = 10, K = 25, N = 1000, ROW = D + D * (D - 1) / 2 };
  bp_graph *g = new_graph();
  double *data[4] = {random_doubles(K, 1), random_doubles(K * D, 1), random_doubles(K * ROW, 0.5),
                     random_doubles(N * D, 1)};
  double *out = must_have(malloc((1 + K + K * D + K * ROW) * sizeof *out));
  bp_var in[] = {bp_input(g, "alphas", BP_F64, 1, (int64_t[]){K}), bp_input(g, "means", BP_F64, 2, (int64_t[]){K, D}),
                 bp_input(g, "icf", BP_F64, 2, (int64_t[]){K, ROW}), bp_input(g, "x", BP_F64, 2, (int64_t[]){N, D})};
  bp_var outputs[4], objective = gmm_objective(in[0], in[1], in[2], in[3], 1, 0);
  must(bp_value_and_grad(objective, in, 3, outputs));
  job value = new_job(&objective, 1, in, 4), both = new_job(outputs, 4, in, 4);
  for (int i = 0; i < 4; i++) value.in[i] = both.in[i] = data[i];
  value.out[0] = both.out[0] = out;
  both.out[1] = out + 1, both.out[2] = out + 1 + K, both.out[3] = out + 1 + K + K * D;
  show_ratio("Gaussian mixture, D 10, K 25, N 1000", &value, &both);
  free_job(&value);
  free_job(&both);
  for (int i = 0; i < 4; i++) free(data[i]);
  free(out);
  bp_graph_free(g);
}

static void network(void) {
  static const int64_t width[] = {784, 128, 128, 10};
  enum { ROWS = 128, LAYERS = 3 };
  bp_graph *g = new_graph();
  bp_var in[2 * LAYERS + 2], outputs[2 * LAYERS + 1];
  void *data[2 * LAYERS + 2], *out[2 * LAYERS + 1];
  uint64_t state = 1;
  bp_var h = in[6] = bp_input(g, "x", BP_F32, 2, (int64_t[]){BP_BATCH, width[0]});
  for (int l = 0; l < LAYERS; l++) {
    in[2 * l] = bp_input(g, "W", BP_F32, 2, (int64_t[]){width[l], width[l + 1]});
    in[2 * l + 1] = bp_input(g, "b", BP_F32, 1, (int64_t[]){width[l + 1]});
    h = bp_add(bp_matmul(h, in[2 * l]), in[2 * l + 1]);
    if (l + 1 < LAYERS) h = bp_tanh(h);
  }
  in[7] = bp_input(g, "class", BP_I32, 1, (int64_t[]){BP_BATCH});
  bp_var loss = bp_mean(bp_softmax_cross_entropy(h, in[7]), BP_ALL_AXES);
  must(bp_value_and_grad(loss, in, 2 * LAYERS, outputs));
  job value = new_job(&loss, 1, in, 8), both = new_job(outputs, 7, in, 8);
  for (int i = 0; i < 8; i++) {
    size_t n = 1;
    for (int a = 0; a < bp_var_rank(in[i]); a++)
      n *= bp_var_dim(in[i], a) == BP_BATCH ? ROWS : (size_t)bp_var_dim(in[i], a);
    data[i] = must_have(calloc(n, sizeof(float)));
    for (size_t k = 0; k < n && i != 7; k++) ((float *)data[i])[k] = (float)(0.1 * uniform(&state));
    for (size_t k = 0; k < n && i == 7; k++) ((int32_t *)data[i])[k] = (int32_t)(k % 10);
    value.in[i] = both.in[i] = data[i];
    if (i < 7) out[i] = must_have(malloc((size_t)(width[0] * width[1]) * sizeof(float)));
  }
  value.batch = both.batch = ROWS;
  value.out[0] = out[0];
  for (int i = 0; i < 7; i++) both.out[i] = out[i];
  show_ratio("network 784-128-128-10, 128 rows, float32", &value, &both);
  free_job(&value);
  free_job(&both);
  for (int i = 0; i < 8; i++) free(data[i]);
  for (int i = 0; i < 7; i++) free(out[i]);
  bp_graph_free(g);
}

static void bench_gradient(void) {
  show("%-42s %13s %13s %8s\n", "value and gradient ÷ value, one thread", "value", "gradient", "ratio");
  mixture();
  network();
}

/* ---- eager numbers ---- */
enum { OPERATIONS = 100000 };

/* Counts what is allocated. */
typedef struct meter {
  size_t now, peak;
} meter;

static void *metered(void *user, void *ptr, size_t old_size, size_t new_size) {
  meter *m = user;
  void *block = new_size == 0 ? (free(ptr), NULL) : realloc(ptr, new_size);
  if (block == NULL && new_size > 0) return NULL;
  m->now += new_size - old_size;
  if (m->now > m->peak) m->peak = m->now;
  return block;
}

/* Programs of numbers, with variables of a graph and with C's, whose derivatives neither grow nor vanish. */

/* A rotation, six operations a turn: + - * * * /. */
static bp_var rotation(bp_var a, bp_var b) {
  bp_graph *g = a.graph;
  bp_var c = bp_scalar(g, BP_F64, cos(0.1)), s = bp_scalar(g, BP_F64, sin(0.1));
  for (int i = 0; i < OPERATIONS / 6; i++) {
    a = bp_sub(bp_mul(a, c), bp_mul(b, s));
    b = bp_div(bp_add(b, bp_mul(a, s)), c);
  }
  return a;
}
static double rotation_in_c(double a, double b) {
  const double c = cos(0.1), s = sin(0.1);
  for (int i = 0; i < OPERATIONS / 6; i++) {
    a = a * c - b * s;
    b = (b + a * s) / c;
  }
  return a;
}

/* A pendulum, four operations a turn: + + * sin. */
static bp_var pendulum(bp_var q, bp_var p) {
  bp_var k = bp_scalar(q.graph, BP_F64, -0.01);
  for (int i = 0; i < OPERATIONS / 4; i++) {
    p = bp_add(p, bp_mul(k, bp_sin(q)));
    q = bp_add(q, p);
  }
  return q;
}
static double pendulum_in_c(double q, double p) {
  for (int i = 0; i < OPERATIONS / 4; i++) {
    p += -0.01 * sin(q);
    q += p;
  }
  return q;
}

typedef struct numbers {
  const char *name;
  bp_var (*record)(bp_var a, bp_var b);
  double (*plain)(double a, double b);
} numbers;

/* One pass: records, sweeps, takes the graph back, which counts as recording. */
static void eager_pass(const numbers *n, bp_graph *g, double *record, double *sweep) {
  size_t mark = bp_graph_size(g);
  double at[2] = {0.75, 0.01}, gradient[2], t = now(), taken;
  bp_var x[2];
  for (int i = 0; i < 2; i++) x[i] = bp_variable(g, "x", BP_F64, 0, NULL, &at[i]);
  bp_var y = n->record(x[0], x[1]);
  taken = now() - t;
  t = now();
  must(bp_backward(y, x, 2, (void *[]){&gradient[0], &gradient[1]}));
  *sweep = fmin(*sweep, now() - t);
  if (!(fabs(bp_item(y) - n->plain(at[0], at[1])) < 1e-6) || gradient[0] == 0) exit(2); /* not what was to be timed */
  t = now();
  bp_graph_rewind(g, mark);
  *record = fmin(*record, taken + now() - t);
}

static void eager_case(const numbers *n) {
  meter m = {0};
  bp_context_options options = {.size = sizeof options, .alloc = metered, .alloc_user = &m};
  bp_context *own;
  bp_graph *g;
  volatile double at = 0.75;
  double taken = INFINITY, sweep = INFINITY, plain = INFINITY;
  must(bp_context_new(&options, &own));
  must(bp_graph_new_eager(own, &g));
  size_t before = m.now;
  for (int i = 0; i < 50; i++) {
    eager_pass(n, g, &taken, &sweep);
    double t = now();
    at = 0.75 + 0 * n->plain(at, 0.01);
    plain = fmin(plain, now() - t);
  }
  const double ns = 1e9 / OPERATIONS, bytes = (double)(m.peak - before) / OPERATIONS;
  show("%-16s %11.1f %11.1f %11.1f %11.1f %11.1f\n", n->name, taken * ns, sweep * ns, (taken + sweep) * ns, plain * ns,
       bytes);
  record("{\"bench\":\"eager\",\"program\":\"%s\",\"record_ns\":%.2f,\"sweep_ns\":%.2f,\"plain_ns\":%.2f,\"bytes\":%."
         "1f}\n",
         n->name, taken * ns, sweep * ns, plain * ns, bytes);
  bp_graph_free(g);
  bp_context_free(own);
}

static void bench_eager(void) {
  static const numbers programs[] = {{"rotation", rotation, rotation_in_c}, {"pendulum", pendulum, pendulum_in_c}};
  show("%-16s %11s %11s %11s %11s %11s\n", "eager, per op", "record ns", "sweep ns", "both ns", "plain C ns", "bytes");
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) eager_case(&programs[i]);
}

/* ---- building and compiling ---- */
/* Graphs of about `nodes` nodes. */
typedef bp_var (*kind_fn)(bp_var x, size_t nodes);

/* One long elementwise chain, with a constant of its own in each link. */
static bp_var chain(bp_var x, size_t nodes) {
  bp_graph *g = x.graph;
  for (size_t i = 0; bp_graph_size(g) < nodes; i++) x = bp_sin(bp_mul(x, bp_scalar(g, BP_F64, 1 + 1e-6 * (double)i)));
  return bp_sum(x, BP_ALL_AXES);
}

/* Many short chains of one variable, added up. */
static bp_var fan(bp_var x, size_t nodes) {
  bp_graph *g = x.graph;
  bp_var sum = x;
  for (size_t i = 0; bp_graph_size(g) < nodes; i++)
    sum = bp_add(sum, bp_exp(bp_mul(x, bp_scalar(g, BP_F64, 1e-6 * (double)i))));
  return bp_sum(sum, BP_ALL_AXES);
}

/* Small matrix products one after the other: many phases. */
static bp_var products(bp_var x, size_t nodes) {
  bp_graph *g = x.graph;
  bp_var h = bp_reshape(x, 2, (int64_t[]){8, 8}), w = h;
  while (bp_graph_size(g) < nodes) h = bp_tanh(bp_matmul(h, w));
  return bp_sum(h, BP_ALL_AXES);
}

/* Scalars: the code of a loop unrolled over C numbers. */
static bp_var scalars(bp_var x, size_t nodes) {
  bp_graph *g = x.graph;
  bp_var a = bp_sum(x, BP_ALL_AXES), b = bp_mean(x, BP_ALL_AXES);
  while (bp_graph_size(g) < nodes) {
    bp_var next = bp_sin(bp_add(bp_mul(a, b), a));
    b = a;
    a = next;
  }
  return bp_add(a, b);
}

/* Slices put together again: values that live long. */
static bp_var pieces(bp_var x, size_t nodes) {
  bp_graph *g = x.graph;
  while (bp_graph_size(g) < nodes) {
    bp_var parts[] = {bp_slice(x, 0, 32, 64, 1), bp_exp(bp_slice(x, 0, 0, 32, 1))};
    x = bp_add(bp_concat(parts, 2, 0), x);
  }
  return bp_sum(x, BP_ALL_AXES);
}

/* Values of many sizes, all of which live to the end. */
static bp_var keepers(bp_var x, size_t nodes) {
  bp_graph *g = x.graph;
  size_t n = nodes / 7;
  bp_var *kept = must_have(malloc(n * sizeof *kept)), sum = bp_sum(x, BP_ALL_AXES);
  for (size_t i = 0; i < n; i++) kept[i] = bp_cumsum(bp_exp(bp_slice(x, 0, (int64_t)(i % 61), 64, 1)), 0);
  for (size_t i = n; i-- > 0;)
    sum = bp_add(sum, bp_sum(bp_mul(kept[i], bp_scalar(g, BP_F64, 1e-6 * (double)i)), BP_ALL_AXES));
  free(kept);
  return sum;
}

/* Rows by number, each time other ones. */
static bp_var gathers(bp_var x, size_t nodes) {
  bp_graph *g = x.graph;
  const int64_t n = 64;
  uint64_t state = 3;
  while (bp_graph_size(g) < nodes) {
    int32_t index[64];
    for (int i = 0; i < 64; i++) index[i] = (int32_t)(fabs(uniform(&state)) * 63);
    x = bp_mul(x, bp_gather(x, bp_constant(g, BP_I32, 1, &n, index), BP_F64));
  }
  return bp_sum(x, BP_ALL_AXES);
}

/* The gradient of a chain: the end reads what the beginning made. */
static bp_var gradient_of(bp_var x, size_t nodes) {
  bp_var gradient, y = chain(x, nodes * 4 / 7);
  must(bp_grad(y, &x, 1, &gradient));
  return gradient;
}

static void build_once(kind_fn kind, size_t nodes, double *build, double *compile, size_t *size) {
  double t = now();
  bp_graph *g = new_graph();
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){64}), y = kind(x, nodes);
  bp_program *program;
  *build = now() - t;
  t = now();
  must(bp_compile(&y, 1, &x, 1, NULL, &program));
  *compile = now() - t;
  *size = bp_graph_size(g);
  bp_program_free(program);
  bp_graph_free(g);
}

static void bench_build(void) {
  static const struct {
    const char *name;
    kind_fn kind;
  } kinds[] = {{"chain", chain},   {"fan", fan},         {"products", products}, {"scalars", scalars},
               {"pieces", pieces}, {"keepers", keepers}, {"gathers", gathers},   {"gradient", gradient_of}};
  show("%-12s %8s %11s %11s %14s\n", "graph", "nodes", "build s", "compile s", "ns per node");
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (size_t nodes = 12500; nodes <= 100000; nodes *= 2) {
      double build = INFINITY, compile = INFINITY, b, c;
      size_t size = 0;
      for (int i = 0; i < 3; i++) {
        build_once(kinds[k].kind, nodes, &b, &c, &size);
        build = fmin(build, b), compile = fmin(compile, c);
      }
      show("%-12s %8zu %11.4f %11.4f %14.0f\n", kinds[k].name, size, build, compile,
           (build + compile) / (double)size * 1e9);
      record("{\"bench\":\"build\",\"graph\":\"%s\",\"nodes\":%zu,\"build_seconds\":%.6f,\"compile_seconds\":%.6f}\n",
             kinds[k].name, size, build, compile);
    }
}

/* ---- sparse ---- */
/* y[i] = Σ_k sin(k x[i + k]) x[i], |k| <= half: a band of 2 half + 1. */
static bp_var banded(bp_var x, int half) {
  bp_var sum = x;
  for (int k = 1; k <= half; k++) {
    bp_var after = bp_pad(bp_slice(x, 0, k, BP_END, 1), 0, 0, k, 0),
           before = bp_pad(bp_slice(x, 0, 0, -k, 1), 0, k, 0, 0);
    bp_var factor = bp_scalar(x.graph, BP_F64, k);
    sum = bp_add(sum, bp_mul(x, bp_add(bp_sin(bp_mul(factor, after)), bp_sin(bp_mul(factor, before)))));
  }
  return sum;
}

static void sparse_case(int64_t rows, int half, bool hessian) {
  bp_graph *g = new_graph();
  bp_var x = bp_input(g, "x", BP_F64, 1, &rows), y = banded(x, half), loss = bp_sum(bp_square(y), BP_ALL_AXES);
  bp_var function = hessian ? loss : y;
  bp_sparse *s;
  double t = now(), find, value, both;
  must(hessian ? bp_sparse_hessian(loss, x, NULL, &s) : bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &s));
  find = now() - t;
  bp_var values = bp_sparse_values(s);
  job a = new_job(&function, 1, &x, 1), b = new_job(&values, 1, &x, 1);
  double *at = random_doubles((size_t)rows, 1),
         *out = must_have(malloc((size_t)(rows + bp_sparse_nonzeros(s)) * sizeof *out));
  a.in[0] = b.in[0] = at;
  a.out[0] = out, b.out[0] = out + rows;
  compare(&a, &b, &value, &both);
  show("%-8s %7lld rows, band %2d %9lld values %3d colours %9.4f s to set up %9.1f us function %10.1f us values, ratio "
       "%6.1f\n",
       hessian ? "Hessian" : "Jacobian", (long long)rows, 2 * half + 1, (long long)bp_sparse_nonzeros(s),
       bp_sparse_colors(s), find, value * 1e6, both * 1e6, both / value);
  record("{\"bench\":\"sparse\",\"matrix\":\"%s\",\"rows\":%lld,\"band\":%d,\"nonzeros\":%lld,\"colors\":%d,\"setup_"
         "seconds\":%.6f,"
         "\"function_seconds\":%.9f,\"values_seconds\":%.9f}\n",
         hessian ? "hessian" : "jacobian", (long long)rows, 2 * half + 1, (long long)bp_sparse_nonzeros(s),
         bp_sparse_colors(s), find, value, both);
  free_job(&a);
  free_job(&b);
  free(at);
  free(out);
  bp_sparse_free(s);
  bp_graph_free(g);
}

static void bench_sparse(void) {
  show("sparse matrices: setting up finds the pattern, colours it and builds the derivatives\n");
  sparse_case(10000, 1, false);
  sparse_case(10000, 3, false);
  sparse_case(100000, 1, false);
  sparse_case(10000, 1, true);
  sparse_case(100000, 1, true);
}

int main(int argc, char **argv) {
  const char *what = "all";
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0)
      table = false;
    else
      what = argv[i];
  }
  bool all = strcmp(what, "all") == 0;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 1;
  if (all || strcmp(what, "gradient") == 0) bench_gradient();
  if (all || strcmp(what, "eager") == 0) bench_eager();
  if (all || strcmp(what, "build") == 0) bench_build();
  if (all || strcmp(what, "sparse") == 0) bench_sparse();
  (void)fputs(json, stdout);
  bp_context_free(ctx);
  return 0;
}
