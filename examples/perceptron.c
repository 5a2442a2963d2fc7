/* perceptron.c - Rosenblatt's rule, example by example, and logistic regression beside it.
 *
 *   perceptron           w ← w - η (H(z) - y) x      z = wᵀx + b, H(z) = 1 for z >= 0, else 0
 *   logistic regression  w ← w - η (σ(z) - y) x
 *
 * The one stops for good once a line parts the classes, and never comes to rest where none does; the other makes the loss small
 * either way, and its outputs are probabilities.
 */
#include <stdio.h>

#include <backprop/backprop.h>

enum { ROWS = 40, EPOCHS = 200 };

/* Points in the square -1 .. 1, class 1 above the line y = x/2 + 0.1; none lies close to it. With `mixed` two of them have
 * changed sides. */
static void make_points(double (*x)[2], int32_t *y, bool mixed) {
  unsigned state = 1;
  for (int n = 0; n < ROWS;) {
    for (int i = 0; i < 2; i++) {
      state = state * 1664525u + 1013904223u;
      x[n][i] = (double)(state >> 8) / (1 << 23) - 1;
    }
    double height = x[n][1] - 0.5 * x[n][0] - 0.1;
    if (height > -0.1 && height < 0.1) continue;
    y[n++] = height > 0;
  }
  for (int n = 0; n < 2 && mixed; n++) y[n] = 1 - y[n];
}

/* Learns one unit by plain gradient steps on one row each; fills in the errors that are left. */
static bp_status learn(bp_context *ctx, bp_loss loss, bool mixed, bp_stop *stop, int *errors) {
  double x[ROWS][2], z[ROWS], w[2] = {0}, b = 0;
  int32_t y[ROWS];
  void *const values[] = {w, &b};
  bp_net *net = NULL;
  bp_fit_result result = {0};
  make_points(x, y, mixed);
  const bp_source rows = {.rows = ROWS,
                          .columns = 2,
                          .dtype = BP_F64,
                          .features = x,
                          .scale = 1,
                          .target_dtype = BP_I32,
                          .outputs = 2,
                          .targets = y};
  const bp_fit_options options = {.size = sizeof options,
                                  .objective.loss = loss,
                                  .optimizer = BP_SGD,
                                  .lr = 0.5,
                                  .batch_size = 1,
                                  .epochs = EPOCHS,
                                  .threads = 1};
  bp_status status = bp_net_new(ctx, 2, BP_F64, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_ZEROS);
  if (status == BP_OK) status = bp_fit(ctx, net, values, &rows, NULL, &options, &result);
  if (status == BP_OK) status = bp_net_eval(ctx, net, values, ROWS, x, z);
  *errors = 0;
  for (int i = 0; i < ROWS && status == BP_OK; i++) *errors += (z[i] >= 0) != (y[i] > 0);
  *stop = result.stopped_by;
  if (status == BP_OK)
    printf("  %-20s %d of %d wrong after %3d epochs, y = %+.2f x %+.2f; stopped by: %s\n",
           loss == BP_LOSS_PERCEPTRON ? "perceptron" : "logistic regression", *errors, ROWS, result.epochs,
           -w[0] / w[1], -b / w[1], bp_stop_name(*stop));
  bp_fit_result_release(ctx, &result);
  bp_net_free(net);
  return status;
}

int main(void) {
  bp_context *ctx = NULL;
  bp_stop stop[4];
  int errors[4], n = 0;
  bp_status status = bp_context_new(NULL, &ctx);
  for (int mixed = 0; mixed < 2 && status == BP_OK; mixed++) {
    printf(mixed ? "two points on the wrong side: no line parts them\n" : "parted by the line y = +0.50 x +0.10\n");
    status = learn(ctx, BP_LOSS_PERCEPTRON, mixed, &stop[n], &errors[n]), n++;
    if (status == BP_OK) status = learn(ctx, BP_LOSS_BINARY_CROSS_ENTROPY, mixed, &stop[n], &errors[n]), n++;
  }
  if (status != BP_OK) fprintf(stderr, "perceptron: %s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  if (status != BP_OK) return 1;
  bool converged = stop[0] == BP_STOP_SEPARATED && errors[0] == 0,
       restless = stop[2] == BP_STOP_EPOCHS && errors[2] > 0;
  return !converged || !restless || errors[1] != 0 || errors[3] != 2;
}
