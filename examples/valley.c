/* valley.c - the least value of a function of one's own, in two ways.
 *
 * Rosenbrock's valley f(x) = Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])² is bent, narrow and nearly flat along its floor; its minimum is
 * 0 at (1, 1, …). L-BFGS takes f as it is; Levenberg-Marquardt is told that it is a sum of squares, and needs fewer steps. Both get
 * their derivatives from the graph.
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { N = 20 };

/* The terms whose squares are added up: 10 (x[i+1] - x[i]²), then 1 - x[i]. */
static bp_var residuals(bp_var x) {
  bp_var one = bp_scalar(x.graph, BP_F64, 1), ten = bp_scalar(x.graph, BP_F64, 10);
  bp_var head = bp_slice(x, 0, 0, -1, 1), tail = bp_slice(x, 0, 1, BP_END, 1);
  bp_var both[] = {bp_mul(ten, bp_sub(tail, bp_square(head))), bp_sub(one, head)};
  return bp_concat(both, 2, 0);
}

static double distance(const double *x) {
  double most = 0;
  for (int i = 0; i < N; i++) most = fmax(most, fabs(x[i] - 1));
  return most;
}

static void show(const char *name, const double *x, const bp_minimize_result *r) {
  printf("%-20s %4d iterations, %4d evaluations, f = %.1e, all within %.1e of 1 (%s)\n", name, r->iterations,
         (int)r->evaluations, r->value, distance(x), bp_minimum_name(r->stopped_by));
}

static bp_status descend(bp_context *ctx, bool squares, double *x) {
  const int64_t n = N;
  bp_graph *graph;
  bp_minimize_result result = {0};
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  for (int i = 0; i < N; i++) x[i] = i % 2 ? 1 : -1.2;
  bp_var v = bp_input(graph, "x", BP_F64, 1, &n), r = residuals(v);
  if (squares)
    status = bp_least_squares(ctx, r, &v, 1, (void *[]){x}, NULL, &result);
  else
    status = bp_minimize(ctx, bp_sum(bp_square(r), BP_ALL_AXES), &v, 1, (void *[]){x}, NULL, &result);
  if (status == BP_OK) show(squares ? "Levenberg-Marquardt" : "L-BFGS", x, &result);
  bp_graph_free(graph);
  return status;
}

int main(void) {
  double x[N];
  bp_context *ctx = NULL;
  bp_status status = bp_context_new(NULL, &ctx);
  bool good = status == BP_OK;
  for (int squares = 0; squares < 2 && good; squares++) {
    status = descend(ctx, squares, x);
    good = status == BP_OK && distance(x) < 1e-6;
  }
  if (status != BP_OK) fprintf(stderr, "%s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  return good ? 0 : 1;
}
