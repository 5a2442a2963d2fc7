/* binary_mlp.c - a small network for two classes, its training step built by hand from graph, gradient and program.
 *
 * 2-4-3-1 with tanh and one logit: 2·4+4 + 4·3+3 + 3·1+1 = 31 parameters. The points of one half moon are told from those
 * of another. bp_fit() does all this in one call; here every part can be seen.
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { ROWS = 200, PARAMS = 6, STEPS = 3000, WIDEST = 12 };

/* Two half moons: class 0 the upper one, class 1 the lower one, shifted; with a little noise. */
static void make_moons(double (*x)[2], double *y) {
  unsigned state = 5;
  for (int i = 0; i < ROWS; i++) {
    double angle = acos(-1) * i / (ROWS - 1), noise[2];
    for (int k = 0; k < 2; k++) {
      state = state * 1664525u + 1013904223u;
      noise[k] = 0.2 * ((double)(state >> 8) / (1 << 24) - 0.5);
    }
    y[i] = i % 2;
    x[i][0] = (y[i] > 0 ? 1 - cos(angle) : cos(angle)) + noise[0];
    x[i][1] = (y[i] > 0 ? 0.5 - sin(angle) : sin(angle)) + noise[1];
  }
}

static bp_status make_net(bp_context *ctx, bp_net **net) {
  bp_status status = bp_net_new(ctx, 2, BP_F64, net);
  if (status == BP_OK) status = bp_net_dense(ctx, *net, 4, BP_TANH, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, *net, 3, BP_TANH, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, *net, 1, BP_IDENTITY, BP_INIT_AUTO);
  return status;
}

/* NEW program of one step: inputs x, y and the parameters; output 0 is the mean loss, the others are the parameters' new values,
 * w - lr ∂loss/∂w, which it writes over the old ones. */
static bp_status compile_step(bp_context *ctx, const bp_net *net, double lr, bp_program **out) {
  bp_graph *graph;
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  bp_var in[2 + PARAMS], *w = in + 2, gradient[PARAMS], result[1 + PARAMS];
  in[0] = bp_input(graph, "x", BP_F64, 2, (int64_t[]){BP_BATCH, 2});
  in[1] = bp_input(graph, "y", BP_F64, 2, (int64_t[]){BP_BATCH, 1});
  bp_net_declare(net, graph, w);
  bp_var z = bp_net_apply(net, in[0], w), one = bp_scalar(graph, BP_F64, 1), two = bp_scalar(graph, BP_F64, 2);
  /* -log P(y) for P(1) = σ(z): ζ((1 - 2y) z), which is flat only where the answer is right */
  bp_var loss = bp_mean(bp_softplus(bp_mul(bp_sub(one, bp_mul(two, in[1])), z)), BP_ALL_AXES);
  status = bp_grad(loss, w, PARAMS, gradient);
  if (status == BP_OK) {
    result[0] = loss;
    for (int p = 0; p < PARAMS; p++)
      result[1 + p] = bp_assign(w[p], bp_sub(w[p], bp_mul(bp_scalar(graph, BP_F64, lr), gradient[p])));
    status = bp_compile(result, 1 + PARAMS, in, 2 + PARAMS, NULL, out);
  }
  bp_graph_free(graph);
  return status;
}

int main(void) {
  static double x[ROWS][2], y[ROWS], z[ROWS], store[PARAMS][WIDEST];
  void *values[PARAMS], *out[1 + PARAMS] = {0};
  const void *in[2 + PARAMS] = {x, y};
  bp_context *ctx = NULL;
  bp_net *net = NULL;
  bp_program *step = NULL;
  bp_workspace *workspace = NULL;
  double loss = INFINITY;
  int right = 0;

  make_moons(x, y);
  for (int p = 0; p < PARAMS; p++) values[p] = store[p], in[2 + p] = store[p];
  out[0] = &loss;
  bp_status status = bp_context_new(NULL, &ctx);
  if (status == BP_OK) status = make_net(ctx, &net);
  if (status == BP_OK) {
    bp_net_init(net, 1, values);
    printf("2-4-3-1 tanh, %lld parameters\n", (long long)bp_net_size(net));
    status = compile_step(ctx, net, 1.0, &step);
  }
  if (status == BP_OK) status = bp_workspace_new(ctx, step, 1, &workspace);
  for (int i = 0; i < STEPS && status == BP_OK; i++) {
    status = bp_run(step, workspace, ROWS, in, out);
    if (status == BP_OK && (i == 0 || (i + 1) % 1000 == 0)) printf("step %4d  loss %.4f\n", i + 1, loss);
  }
  if (status == BP_OK) status = bp_net_eval(ctx, net, values, ROWS, x, z);
  for (int i = 0; i < ROWS && status == BP_OK; i++) right += (z[i] > 0) == (y[i] > 0);
  if (status == BP_OK) printf("%d of %d points on the right side\n", right, ROWS);
  if (status != BP_OK) fprintf(stderr, "binary_mlp: %s\n", bp_error_message(ctx));

  bp_workspace_free(workspace);
  bp_program_free(step);
  bp_net_free(net);
  bp_context_free(ctx);
  return status != BP_OK || right < ROWS - 2;
}
