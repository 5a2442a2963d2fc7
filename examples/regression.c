/* regression.c - which loss learns what: squared error the mean, absolute error the median, a quantile loss a quantile.
 *
 * The noise is lopsided: y = sin(3x) + e, with e exponential of mean ½. So the conditional mean is sin(3x) + 0.5, the median
 * sin(3x) + 0.3466 (½ log 2), and the 0.9 quantile sin(3x) + 1.1513 (½ log 10).
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { ROWS = 4000, UNITS = 16, POINTS = 101 };

static void make_rows(double *x, double *y) {
  unsigned state = 3;
  for (int i = 0; i < ROWS; i++) {
    double u[2];
    for (int k = 0; k < 2; k++) {
      state = state * 1664525u + 1013904223u;
      u[k] = ((double)(state >> 8) + 0.5) / (1 << 24);
    }
    x[i] = 2 * u[0] - 1;
    y[i] = sin(3 * x[i]) - 0.5 * log(u[1]);
  }
}

/* Fits 1-16-1 with a loss; the mean over x of what it says above sin(3x). */
static bp_status shift_learnt(bp_context *ctx, const double *x, const double *y, bp_objective objective,
                              double *shift) {
  double w1[UNITS], b1[UNITS], w2[UNITS], b2, at[POINTS], z[POINTS];
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
                                  .objective = objective,
                                  .optimizer = BP_ADAM,
                                  .lr = 0.01,
                                  .schedule.kind = BP_SCHEDULE_COSINE,
                                  .batch_size = 64,
                                  .epochs = 60,
                                  .seed = 1,
                                  .threads = 1};
  bp_net *net = NULL;
  bp_fit_result result = {0};
  for (int i = 0; i < POINTS; i++) at[i] = 1.8 * i / (POINTS - 1) - 0.9;
  bp_status status = bp_net_new(ctx, 1, BP_F64, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, UNITS, BP_TANH, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) {
    bp_net_init(net, 1, values);
    status = bp_fit(ctx, net, values, &rows, NULL, &options, &result);
  }
  if (status == BP_OK) status = bp_net_eval(ctx, net, values, POINTS, at, z);
  *shift = 0;
  for (int i = 0; i < POINTS && status == BP_OK; i++) *shift += (z[i] - sin(3 * at[i])) / POINTS;
  bp_fit_result_release(ctx, &result);
  bp_net_free(net);
  return status;
}

int main(void) {
  static double x[ROWS], y[ROWS];
  const struct {
    const char *loss, *learns;
    bp_objective objective;
    double expected;
  } cases[] = {{"gaussian", "mean", {.loss = BP_LOSS_GAUSSIAN}, 0.5},
               {"laplace", "median", {.loss = BP_LOSS_LAPLACE}, 0.5 * log(2)},
               {"quantile:0.9", "0.9 quantile", {.loss = BP_LOSS_QUANTILE, .setting = 0.9}, 0.5 * log(10)}};
  bp_context *ctx = NULL;
  bool near = true;
  bp_status status = bp_context_new(NULL, &ctx);
  make_rows(x, y);
  if (status == BP_OK) printf("%-14s %-13s %10s %10s   above sin(3x)\n", "loss", "learns the", "expected", "learnt");
  for (size_t i = 0; i < sizeof cases / sizeof *cases && status == BP_OK; i++) {
    double shift;
    status = shift_learnt(ctx, x, y, cases[i].objective, &shift);
    if (status == BP_OK)
      printf("%-14s %-13s %10.3f %10.3f\n", cases[i].loss, cases[i].learns, cases[i].expected, shift);
    near = near && fabs(shift - cases[i].expected) < 0.06;
  }
  if (status != BP_OK) fprintf(stderr, "regression: %s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  return status != BP_OK || !near;
}
