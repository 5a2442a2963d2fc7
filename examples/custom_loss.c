/* custom_loss.c - a loss of one's own, three ways: built in, as a formula in text, and as a C function that appends nodes.
 *
 * All three are differentiated and compiled alike, so the same network learns the same from each. Then a loss that no library
 * has: squared error where only guesses that are too low count in full.
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { ROWS = 64, UNITS = 6 };

/* ζ((1 - 2y) z), the Bernoulli loss, [rows] */
static bp_var bernoulli(void *user, bp_var z, bp_var p, bp_var y) {
  bp_var one = bp_scalar(z.graph, bp_var_dtype(z), 1), two = bp_scalar(z.graph, bp_var_dtype(z), 2);
  (void)user, (void)p;
  return bp_sum(bp_softplus(bp_mul(bp_sub(one, bp_mul(two, y)), z)), BP_LAST_AXIS);
}

/* (y - p)² times 1 where the guess p is too low, times *user where it is too high */
static bp_var lopsided(void *user, bp_var z, bp_var p, bp_var y) {
  bp_var error = bp_sub(y, p), zero = bp_scalar(z.graph, bp_var_dtype(z), 0);
  bp_var weight = bp_where(bp_greater(error, zero), bp_scalar(z.graph, bp_var_dtype(z), 1),
                           bp_scalar(z.graph, bp_var_dtype(z), *(const double *)user));
  return bp_sum(bp_mul(weight, bp_square(error)), BP_LAST_AXIS);
}

/* Fits 1-6-1 to y; the mean loss of the last epoch, and the outputs z. */
static bp_status learn(bp_context *ctx, const bp_objective *objective, const double *x, const double *y, double *loss,
                       double *z) {
  double w1[UNITS], b1[UNITS], w2[UNITS], b2;
  void *const values[] = {w1, b1, w2, &b2};
  const bp_source rows = {.rows = ROWS,
                          .columns = 1,
                          .dtype = BP_F64,
                          .features = x,
                          .scale = 1,
                          .target_dtype = BP_F64,
                          .outputs = 1,
                          .targets = y};
  const bp_fit_options options = {.size = sizeof options,
                                  .objective = *objective,
                                  .optimizer = BP_ADAM,
                                  .lr = 0.02,
                                  .batch_size = 16,
                                  .epochs = 300,
                                  .seed = 7,
                                  .threads = 1};
  bp_net *net = NULL;
  bp_fit_result result = {0};
  bp_status status = bp_net_new(ctx, 1, BP_F64, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, UNITS, BP_TANH, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) {
    bp_net_init(net, 7, values);
    status = bp_fit(ctx, net, values, &rows, NULL, &options, &result);
  }
  if (status == BP_OK) *loss = result.history[result.epochs - 1].train_loss;
  if (status == BP_OK) status = bp_net_eval(ctx, net, values, ROWS, x, z);
  bp_fit_result_release(ctx, &result);
  bp_net_free(net);
  return status;
}

/* The share of the rows whose value lies below the output. */
static double covered(const double *y, const double *z) {
  int below = 0;
  for (int i = 0; i < ROWS; i++) below += y[i] < z[i];
  return (double)below / ROWS;
}

int main(void) {
  double x[ROWS], inside[ROWS], wavy[ROWS], z[ROWS], losses[3], mild = 0.05, even = 1, share[2], loss;
  const bp_objective same[] = {
      {.loss = BP_LOSS_BINARY_CROSS_ENTROPY},
      {.loss = BP_LOSS_EXPRESSION, .expression = "log(1 + exp((1 - 2*y)*z))", .output = BP_OUTPUT_SIGMOID},
      {.loss = BP_LOSS_CALLBACK, .rows = bernoulli, .output = BP_OUTPUT_SIGMOID},
  };
  const char *const names[] = {"built in", "formula", "C function"};
  bp_context *ctx = NULL;
  for (int i = 0; i < ROWS; i++) {
    x[i] = 2.0 * i / (ROWS - 1) - 1;
    inside[i] = fabs(x[i]) < 0.5;
    wavy[i] = sin(3 * x[i]) + 0.3 * sin(40 * x[i]);
  }
  bp_status status = bp_context_new(NULL, &ctx);
  for (int i = 0; i < 3 && status == BP_OK; i++) {
    status = learn(ctx, &same[i], x, inside, &losses[i], z);
    if (status == BP_OK) printf("%-12s loss %.9f\n", names[i], losses[i]);
  }
  for (int i = 0; i < 2 && status == BP_OK; i++) {
    const bp_objective objective = {.loss = BP_LOSS_CALLBACK, .rows = lopsided, .user = i == 0 ? &even : &mild};
    status = learn(ctx, &objective, x, wavy, &loss, z);
    share[i] = covered(wavy, z);
    if (status == BP_OK)
      printf("too high counts %.2f: %2.0f%% of the rows lie below the curve\n", *(double *)objective.user,
             100 * share[i]);
  }
  if (status != BP_OK) fprintf(stderr, "custom_loss: %s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  if (status != BP_OK) return 1;
  return fabs(losses[1] - losses[0]) > 1e-7 || fabs(losses[2] - losses[0]) > 1e-7 || share[1] < share[0] + 0.2;
}
