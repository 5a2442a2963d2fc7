/* ode_fit.c - the parameters of a differential equation, fitted through its solver.
 *
 * Prey u and predators v follow Lotka and Volterra: u' = a u - b u v, v' = d u v - c v. The solver, 120 steps of Runge and
 * Kutta's method of order 4, is a loop that stays in the graph (bp_scan). Its derivatives are those of the steps: the gradient
 * by reverse mode, the Jacobian of all residuals by forward mode. From both, Levenberg and Marquardt's step is
 *   p ← p - (JᵀJ + λ I)⁻¹ g,   g = Jᵀr
 * for p = log (a, b, c, d), so that parameters stay positive. One program computes a step, as often as it takes.
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { STEPS = 120, PARAMETERS = 4 };
static const double dt = 0.1, start[2] = {10, 5}, truth[PARAMETERS] = {1.1, 0.4, 0.4, 0.1};
static const char *const names[PARAMETERS] = {"a", "b", "c", "d"};

/* Element i of a vector, as a scalar. */
static bp_var element(bp_var x, int64_t i) { return bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL); }

/* z + h k */
static bp_var move(bp_var z, double h, bp_var k) { return bp_add(z, bp_mul(bp_scalar(z.graph, BP_F64, h), k)); }

/* The right-hand side, for z = [u, v] and p = [a, b, c, d]. */
static bp_var rates(bp_var z, bp_var p) {
  bp_var u = element(z, 0), v = element(z, 1), uv = bp_mul(u, v);
  bp_var du = bp_sub(bp_mul(element(p, 0), u), bp_mul(element(p, 1), uv));
  bp_var dv = bp_sub(bp_mul(element(p, 3), uv), bp_mul(element(p, 2), v));
  return bp_stack((bp_var[]){du, dv}, 2, 0);
}

/* One step, as bp_scan() wants it: the state is z, the constant p, the output the new z. */
static void step(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants, const bp_var *x,
                 bp_var *next, bp_var *y) {
  (void)user, (void)graph, (void)x;
  bp_var z = state[0], p = constants[0];
  bp_var k1 = rates(z, p), k2 = rates(move(z, dt / 2, k1), p), k3 = rates(move(z, dt / 2, k2), p),
         k4 = rates(move(z, dt, k3), p);
  y[0] = next[0] = move(z, dt / 6, bp_add(bp_add(k1, k4), bp_add(move(k2, 1, k2), move(k3, 1, k3))));
}

/* The populations [STEPS, 2] after each step. */
static bp_var solution(bp_var p) {
  bp_var first = bp_constant(p.graph, BP_F64, 1, (int64_t[]){2}, start), last, path;
  bp_loop_args args = {.init = &first, .n_state = 1, .constants = &p, .n_constants = 1, .n_y = 1};
  bp_scan(p.graph, &args, STEPS, step, NULL, &last, &path);
  return path;
}

/* What is measured: the solution for the true parameters, and noise of up to 1 %. */
static bp_status measure(bp_context *ctx, double *data) {
  bp_graph *graph;
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  bp_var path = solution(bp_constant(graph, BP_F64, 1, (int64_t[]){PARAMETERS}, truth));
  status = bp_eval(&path, 1, NULL, 0, 0, NULL, (void *[]){data});
  uint32_t random = 1;
  for (int i = 0; i < 2 * STEPS; i++) {
    random = random * 1664525u + 1013904223u;
    data[i] *= 1 + 0.02 * ((double)random / 4294967296.0 - 0.5);
  }
  bp_graph_free(graph);
  return status;
}

/* The program of a step: (p, λ) → cost ½‖r‖², ‖g‖, the next p. */
static bp_status build_step(bp_context *ctx, const double *data, bp_program **program) {
  bp_graph *graph;
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  const int64_t points[] = {2 * STEPS}, parameters[] = {PARAMETERS};
  const double ones[PARAMETERS] = {1, 1, 1, 1};
  bp_var p = bp_input(graph, "p", BP_F64, 1, parameters), lambda = bp_input(graph, "lambda", BP_F64, 0, NULL);
  bp_var path = bp_reshape(solution(bp_exp(p)), 1, points);
  bp_var r = bp_sub(path, bp_constant(graph, BP_F64, 1, points, data)), gradient, jacobian;
  bp_var cost = bp_mul(bp_scalar(graph, BP_F64, 0.5), bp_sum(bp_square(r), BP_ALL_AXES));
  bp_grad(cost, &p, 1, &gradient); /* a failure is recorded on the graph: bp_compile() reports it */
  bp_jacobian(r, &p, 1, BP_MODE_FORWARD, &jacobian);
  bp_var damping = bp_diag(bp_mul(lambda, bp_constant(graph, BP_F64, 1, parameters, ones)));
  bp_var normal = bp_add(bp_matmul_t(jacobian, true, jacobian, false), damping);
  bp_var outputs[] = {cost, bp_norm(gradient, BP_ALL_AXES), bp_sub(p, bp_solve(normal, gradient))};
  status = bp_compile(outputs, 3, (bp_var[]){p, lambda}, 2, NULL, program);
  bp_graph_free(graph);
  return status;
}

/* From p to the minimum nearby: a step that makes the cost larger is taken back, and tried again with more damping. */
static bp_status fit(const bp_program *program, bp_workspace *workspace, double *p, double *gradient_norm) {
  double lambda = 1, best = INFINITY, next[PARAMETERS] = {0}, here[PARAMETERS];
  bp_status status = BP_OK;
  *gradient_norm = INFINITY;
  for (int i = 0; i < PARAMETERS; i++) here[i] = p[i];
  printf("step          cost        |g|    lambda       a       b       c       d\n");
  for (int k = 0; k < 60 && status == BP_OK && *gradient_norm > 1e-7; k++) {
    double cost, norm;
    status = bp_run(program, workspace, 0, (const void *[]){here, &lambda}, (void *[]){&cost, &norm, next});
    bool better = status == BP_OK && cost <= best; /* equal: here is p once more; what is computed twice is equal */
    if (better) {
      printf("%4d  %12.6f  %9.2e  %8.1e", k, cost, norm, lambda);
      for (int i = 0; i < PARAMETERS; i++) printf("  %6.4f", exp(here[i]));
      printf("\n");
      best = cost, *gradient_norm = norm;
      for (int i = 0; i < PARAMETERS; i++) p[i] = here[i];
    }
    lambda *= better ? 0.1 : 100;
    for (int i = 0; i < PARAMETERS; i++) here[i] = better ? next[i] : p[i];
  }
  return status;
}

int main(void) {
  static double data[2 * STEPS];
  double p[PARAMETERS] = {log(0.8), log(0.3), log(0.6), log(0.15)}, norm = INFINITY;
  bp_context *ctx;
  bp_program *program = NULL;
  bp_workspace *workspace = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 1;
  bp_status status = measure(ctx, data);
  if (status == BP_OK) status = build_step(ctx, data, &program);
  if (status == BP_OK) status = bp_workspace_new(ctx, program, 1, &workspace);
  if (status == BP_OK) status = fit(program, workspace, p, &norm);
  if (status != BP_OK) fprintf(stderr, "ode_fit: %s\n", bp_error_message(ctx));
  bp_workspace_free(workspace);
  bp_program_free(program);
  bp_context_free(ctx);

  bool found = status == BP_OK && norm < 1e-5;
  printf("\nparameter   fitted    true\n");
  for (int i = 0; i < PARAMETERS; i++) {
    printf("%-9s  %7.4f  %6.4f\n", names[i], exp(p[i]), truth[i]);
    found = found && fabs(exp(p[i]) / truth[i] - 1) < 0.01;
  }
  printf(found ? "found within 1 %%\n" : "not found\n");
  return found ? 0 : 1;
}
