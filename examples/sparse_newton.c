/* sparse_newton.c - Newton's method for ten thousand equations: the Jacobian is found sparse and computed in three passes.
 *
 * Broyden's tridiagonal system (Broyden, 1965; no. 30 of Moré, Garbow and Hillstrom, 1981): with x outside the range taken for 0,
 *   f(x)ᵢ = (3 - 2xᵢ) xᵢ - xᵢ₋₁ - 2xᵢ₊₁ + 1 = 0.
 * Nobody says which elements of its Jacobian are not 0: that is found from the graph. Columns that share no row are computed
 * together, so a band of three needs three passes, however many columns there are.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <backprop/backprop.h>

enum { N = 10000 };

static bp_var broyden(bp_var x) {
  bp_var before = bp_pad(bp_slice(x, 0, 0, -1, 1), 0, 1, 0, 0),
         after = bp_pad(bp_slice(x, 0, 1, BP_END, 1), 0, 0, 1, 0);
  bp_var one = bp_scalar(x.graph, BP_F64, 1), two = bp_scalar(x.graph, BP_F64, 2),
         three = bp_scalar(x.graph, BP_F64, 3);
  bp_var own = bp_mul(bp_sub(three, bp_mul(two, x)), x);
  return bp_add(bp_sub(bp_sub(own, before), bp_mul(two, after)), one);
}

/* d ← J⁻¹ d for a tridiagonal J, row by row as the pattern lists it; `upper` is scratch (Thomas, 1949). */
static void solve_tridiagonal(const bp_sparse *pattern, const double *values, double *d, double *upper) {
  const int64_t *start = bp_sparse_row_start(pattern);
  const int32_t *column = bp_sparse_column(pattern);
  for (int64_t i = 0; i < N; i++) {
    double lower = 0, pivot = 0;
    upper[i] = 0;
    for (int64_t e = start[i]; e < start[i + 1]; e++) {
      if (column[e] < i) lower = values[e];
      if (column[e] == i) pivot = values[e];
      if (column[e] > i) upper[i] = values[e];
    }
    if (i > 0) pivot -= lower * upper[i - 1], d[i] -= lower * d[i - 1];
    upper[i] /= pivot;
    d[i] /= pivot;
  }
  for (int64_t i = N - 1; i > 0; i--) d[i - 1] -= upper[i - 1] * d[i];
}

/* The function and the values of its Jacobian, as one program. */
static bp_status build(bp_context *ctx, bp_graph **graph, bp_sparse **jacobian, bp_program **program) {
  bp_status status = bp_graph_new(ctx, graph);
  if (status != BP_OK) return status;
  bp_var x = bp_input(*graph, "x", BP_F64, 1, (int64_t[]){N}), f = broyden(x);
  status = bp_sparse_jacobian(f, x, NULL, BP_COMPRESS_AUTO, jacobian);
  if (status != BP_OK) return status;
  return bp_compile((bp_var[]){f, bp_sparse_values(*jacobian)}, 2, &x, 1, NULL, program);
}

static bp_status solve(bp_context *ctx, const bp_program *program, const bp_sparse *jacobian, double *norm) {
  static double x[N], f[N], upper[N], values[3 * N];
  bp_workspace *workspace = NULL;
  bp_status status = bp_workspace_new(ctx, program, 1, &workspace);
  for (int i = 0; i < N; i++) x[i] = -1;
  printf("step    largest |f|\n");
  for (int step = 0; step < 20 && status == BP_OK && !(*norm < 1e-12); step++) {
    status = bp_run(program, workspace, 0, (const void *[]){x}, (void *[]){f, values});
    *norm = 0;
    for (int i = 0; i < N; i++) *norm = fmax(*norm, fabs(f[i]));
    printf("%4d  %13.3g\n", step, *norm);
    solve_tridiagonal(jacobian, values, f, upper);
    for (int i = 0; i < N; i++) x[i] -= f[i];
  }
  bp_workspace_free(workspace);
  return status;
}

int main(void) {
  bp_context *ctx;
  bp_graph *graph = NULL;
  bp_sparse *jacobian = NULL;
  bp_program *program = NULL;
  double norm = INFINITY;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 1;
  bp_status status = build(ctx, &graph, &jacobian, &program);
  if (status == BP_OK)
    printf("%d equations, %lld of %lld elements may differ from 0: %d colours, so %d passes\n", N,
           (long long)bp_sparse_nonzeros(jacobian), (long long)N * N, bp_sparse_colors(jacobian),
           bp_sparse_colors(jacobian));
  bool few = status == BP_OK && bp_sparse_colors(jacobian) == 3 && bp_sparse_nonzeros(jacobian) == 3 * N - 2;
  if (few) status = solve(ctx, program, jacobian, &norm);
  if (status != BP_OK) fprintf(stderr, "sparse_newton: %s\n", bp_error_message(ctx));
  bp_program_free(program);
  bp_sparse_free(jacobian);
  bp_graph_free(graph);
  bp_context_free(ctx);
  printf(norm < 1e-12 ? "solved\n" : "not solved\n");
  return norm < 1e-12 ? 0 : 1;
}
