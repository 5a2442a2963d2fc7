/* universal.c - one hidden layer can come as close to a continuous function as one likes, given units enough.
 *
 * sin(x) on -π .. π and |x| on -1 .. 1 are fitted by networks of growing width, by Levenberg and Marquardt's method on all
 * points at once. What is shown is the largest error between the points that were learnt.
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { POINTS = 129, BETWEEN = 512, WIDEST = 16, ITERATIONS = 300, TRIES = 3 };
static const int widths[] = {1, 2, 4, 8, 16};
enum { WIDTHS = sizeof widths / sizeof *widths };

typedef struct target {
  const char *name;
  double (*f)(double);
  double reach; /* of -reach .. reach */
} target;

/* Fits the points once from a seed; the largest error in between. */
static bp_status fit_once(bp_context *ctx, const target *t, int width, uint64_t seed, double *error) {
  double w1[WIDEST], b1[WIDEST], w2[WIDEST], b2, x[POINTS], y[POINTS], between[BETWEEN], z[BETWEEN];
  void *const values[] = {w1, b1, w2, &b2};
  bp_net *net = NULL;
  bp_fit_result result = {0};
  for (int i = 0; i < POINTS; i++) x[i] = t->reach * (2.0 * i / (POINTS - 1) - 1), y[i] = t->f(x[i]);
  for (int i = 0; i < BETWEEN; i++) between[i] = t->reach * (2 * (i + 0.5) / BETWEEN - 1);
  const bp_source rows = {.rows = POINTS,
                          .columns = 1,
                          .dtype = BP_F64,
                          .features = x,
                          .scale = 1,
                          .target_dtype = BP_F64,
                          .outputs = 1,
                          .targets = y};
  const bp_fit_options options = {.size = sizeof options,
                                  .objective.loss = BP_LOSS_MSE,
                                  .optimizer = BP_LM,
                                  .epochs = ITERATIONS,
                                  .seed = seed,
                                  .threads = 1};
  bp_status status = bp_net_new(ctx, 1, BP_F64, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, width, BP_TANH, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) {
    bp_net_init(net, seed, values);
    /* Units that bend at different places: else all of them would bend at 0. */
    for (int u = 0; u < width; u++) b1[u] = width > 1 ? 2.0 * u / (width - 1) - 1 : 0;
    status = bp_fit(ctx, net, values, &rows, NULL, &options, &result);
  }
  if (status == BP_OK) status = bp_net_eval(ctx, net, values, BETWEEN, between, z);
  *error = 0;
  for (int i = 0; i < BETWEEN && status == BP_OK; i++) *error = fmax(*error, fabs(z[i] - t->f(between[i])));
  bp_fit_result_release(ctx, &result);
  bp_net_free(net);
  return status;
}

int main(void) {
  const target targets[] = {{"sin(x)", sin, acos(-1)}, {"|x|", fabs, 1}};
  double errors[2][WIDTHS];
  bp_context *ctx = NULL;
  bp_status status = bp_context_new(NULL, &ctx);
  if (status == BP_OK) printf("%-8s%12s%12s\n", "units", targets[0].name, targets[1].name);
  for (int w = 0; w < WIDTHS && status == BP_OK; w++) {
    printf("%-8d", widths[w]);
    for (int t = 0; t < 2; t++) {
      errors[t][w] = INFINITY; /* the best of a few starts */
      for (uint64_t seed = 1; seed <= TRIES && status == BP_OK; seed++) {
        double error;
        status = fit_once(ctx, &targets[t], widths[w], seed, &error);
        errors[t][w] = fmin(errors[t][w], error);
      }
      printf("%12.2g", errors[t][w]);
    }
    printf("\n");
  }
  if (status != BP_OK) fprintf(stderr, "universal: %s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  return status != BP_OK || errors[0][WIDTHS - 1] > 1e-4 || errors[1][WIDTHS - 1] > 0.01;
}
