/* bench/bench_elements.c - gradients of computations written with elements, on one thread. Public headers only.
 *
 *   bench_elements NAME N [--seconds 0.5] [--gradient]
 *
 * NAME: speelpenning (the product of N numbers), rosenbrock (of N numbers), bodies (the Coulomb energy of N bodies from 3 N
 * coordinates), network (a loss of a network of one hidden layer, from its N parameters, weight by weight). Prints the
 * microseconds of a gradient, the best of several samples; with --gradient its values instead, one in a line. What is computed
 * is in peers/elements.hpp too, where the other libraries read it: the same formulas in the same order.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backprop/backprop.h"

static bp_context *ctx;

static void must(bp_status status) {
  if (status == BP_OK) return;
  (void)fprintf(stderr, "bench_elements: %s: %s\n", bp_status_name(status), bp_error_message(ctx));
  exit(1);
}

static void *must_have(void *ptr) {
  if (ptr != NULL) return ptr;
  (void)fprintf(stderr, "bench_elements: out of memory\n");
  exit(1);
}

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

/* ---- the computations ---- */
static bp_var speelpenning(const bp_var *x, int n) {
  bp_var y = x[0];
  for (int i = 1; i < n; i++) y = bp_mul(y, x[i]);
  return y;
}

static bp_var rosenbrock(const bp_var *x, int n) {
  bp_var y = number(x[0], 0), one = number(x[0], 1), hundred = number(x[0], 100);
  for (int i = 0; i + 1 < n; i++) {
    bp_var valley = bp_sub(x[i + 1], bp_mul(x[i], x[i])), slope = bp_sub(one, x[i]);
    y = bp_add(y, bp_add(bp_mul(hundred, bp_mul(valley, valley)), bp_mul(slope, slope)));
  }
  return y;
}

static bp_var bodies(const bp_var *x, int n) {
  bp_var y = number(x[0], 0);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      bp_var square = number(x[0], 0);
      for (int k = 0; k < 3; k++) {
        bp_var d = bp_sub(x[3 * i + k], x[3 * j + k]);
        square = bp_add(square, bp_mul(d, d));
      }
      y = bp_add(y, bp_div(number(x[0], 1), bp_sqrt(square)));
    }
  return y;
}

/* Eight inputs, h hidden units and one output have 10 h + 1 parameters; what is left over stays unused. */
static bp_var network(const bp_var *x, int n) {
  int h = (n - 1) / 10;
  bp_var y = x[10 * h];
  for (int i = 0; i < h; i++) {
    bp_var sum = x[9 * i + 8];
    for (int k = 0; k < 8; k++) sum = bp_add(sum, bp_mul(x[9 * i + k], number(x[0], 0.125 * k - 0.4)));
    y = bp_add(y, bp_mul(x[9 * h + i], bp_tanh(sum)));
  }
  bp_var error = bp_sub(y, number(x[0], 0.5));
  return bp_mul(error, error);
}

typedef struct work {
  const char *name;
  bp_var (*make)(const bp_var *x, int n);
  int each; /* numbers for each of the N */
} work;
static const work works[] = {
    {"speelpenning", speelpenning, 1}, {"rosenbrock", rosenbrock, 1}, {"bodies", bodies, 3}, {"network", network, 1}};

/* The same point for everybody: near 1, so that a product of thousands stays finite. */
static double point(int i) { return 1 + 0.05 * sin(1.7 * i + 0.3); }

/* ---- time ---- */
static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double microseconds(bp_program *p, bp_workspace *w, const double *x, void **to, double seconds) {
  double best = HUGE_VAL, end = now() + seconds;
  const void *from[] = {x};
  for (int repeats = 1; now() < end;) {
    double begin = now();
    for (int i = 0; i < repeats; i++) must(bp_run(p, w, 0, from, to));
    double spent = now() - begin;
    if (spent < 2e-3)
      repeats *= 2;
    else if (spent / repeats < best)
      best = spent / repeats;
  }
  return 1e6 * best;
}

static void measure(const work *what, int n, double seconds, bool show) {
  int64_t size = (int64_t)what->each * n;
  bp_graph *g;
  bp_program *p;
  bp_workspace *w;
  must(bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 1, &size), out[2];
  bp_var *e = must_have(malloc((size_t)size * sizeof *e));
  double *at = must_have(malloc((size_t)size * sizeof *at)), *bar = must_have(malloc((size_t)size * sizeof *bar)), y;
  for (int i = 0; i < size; i++) at[i] = point(i), e[i] = bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL);
  double begin = now();
  out[0] = what->make(e, n);
  must(bp_grad(out[0], &x, 1, &out[1]));
  double built = now();
  must(bp_compile(out, 2, &x, 1, NULL, &p));
  double compiled = now();
  must(bp_workspace_new(ctx, p, 1, &w));
  void *to[] = {&y, bar};
  double best = microseconds(p, w, at, to, seconds);
  if (show)
    for (int i = 0; i < size; i++) (void)printf("%.17g\n", bar[i]);
  else
    (void)printf("{\"name\": \"%s\", \"n\": %d, \"microseconds\": %.4f, \"build_ms\": %.3f, \"compile_ms\": %.3f}\n",
                 what->name, n, best, 1e3 * (built - begin), 1e3 * (compiled - built));
  bp_workspace_free(w);
  bp_program_free(p);
  bp_graph_free(g);
  free(e), free(at), free(bar);
}

int main(int argc, char **argv) {
  double seconds = 0.5;
  bool show = false;
  if (argc < 3) {
    (void)fprintf(stderr, "usage: bench_elements NAME N [--seconds 0.5] [--gradient]\n");
    return 2;
  }
  for (int i = 3; i < argc; i++) {
    if (strcmp(argv[i], "--gradient") == 0) show = true;
    if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) seconds = strtod(argv[++i], NULL);
  }
  must(bp_context_new(NULL, &ctx));
  for (size_t i = 0; i < sizeof works / sizeof *works; i++)
    if (strcmp(argv[1], works[i].name) == 0)
      measure(&works[i], (int)strtol(argv[2], NULL, 10), show ? 0.01 : seconds, show);
  bp_context_free(ctx);
  return 0;
}
