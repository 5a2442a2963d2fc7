/* newton.c - Newton's method: the Hessian and the linear solve are part of the graph.
 *
 * Rosenbrock's function f(x) = 100 (x₁ - x₀²)² + (1 - x₀)² has its minimum 0 at (1, 1), at the end of a curved valley. Each step
 * is x ← x - H⁻¹ ∇f, computed and stored by one program.
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

static bp_var number(bp_graph *graph, double value) { return bp_scalar(graph, BP_F64, value); }

/* Element i of a vector, as a scalar. */
static bp_var element(bp_var x, int64_t i) { return bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL); }

static bp_var rosenbrock(bp_var x) {
  bp_graph *graph = x.graph;
  bp_var valley = bp_sub(element(x, 1), bp_square(element(x, 0))), slope = bp_sub(number(graph, 1), element(x, 0));
  return bp_add(bp_mul(number(graph, 100), bp_square(valley)), bp_square(slope));
}

/* The program of a step: its outputs are f and ‖∇f‖ before the step, and the new x in the place of the old. */
static bp_status build_step(bp_context *ctx, bp_program **program) {
  bp_graph *graph;
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  bp_var x = bp_input(graph, "x", BP_F64, 1, (int64_t[]){2}), f = rosenbrock(x), gradient, hessian;
  status = bp_grad(f, &x, 1, &gradient);
  if (status == BP_OK) status = bp_hessian(f, &x, 1, &hessian);
  if (status == BP_OK) {
    bp_var norm = bp_sqrt(bp_sum(bp_square(gradient), BP_ALL_AXES));
    bp_var outputs[] = {f, norm, bp_assign(x, bp_sub(x, bp_solve(hessian, gradient)))};
    status = bp_compile(outputs, 3, &x, 1, NULL, program);
  }
  bp_graph_free(graph);
  return status;
}

static bp_status minimise(bp_context *ctx, double x[2], double *norm) {
  bp_program *program = NULL;
  bp_workspace *workspace = NULL;
  double f;
  bp_status status = build_step(ctx, &program);
  if (status == BP_OK) status = bp_workspace_new(ctx, program, 1, &workspace);
  *norm = INFINITY;
  printf("step          x0          x1               f        |grad|\n");
  for (int step = 0; step < 20 && status == BP_OK && !(*norm < 1e-9); step++) {
    double before[2] = {x[0], x[1]};
    status = bp_run(program, workspace, 0, (const void *[]){x}, (void *[]){&f, norm, NULL});
    printf("%4d  %10.6f  %10.6f  %14.8f  %12.6f\n", step, before[0], before[1], f, *norm);
  }
  bp_workspace_free(workspace);
  bp_program_free(program);
  return status;
}

int main(void) {
  bp_context *ctx;
  double x[2] = {-1.2, 1}, norm;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 1;
  bp_status status = minimise(ctx, x, &norm);
  if (status != BP_OK) fprintf(stderr, "newton: %s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  bool found = status == BP_OK && norm < 1e-9 && fabs(x[0] - 1) < 1e-9 && fabs(x[1] - 1) < 1e-9;
  printf(found ? "the minimum is at (1, 1)\n" : "not found\n");
  return found ? 0 : 1;
}
