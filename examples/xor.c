/* xor.c - exclusive or, the function that one layer cannot learn: solved by hand, twice, and by training.
 *
 *   by hand   three threshold units; and two rectified units before a linear one
 *   linear    least squares without a hidden layer ends at w = 0, b = ½, and says ½ for every row
 *   trained   2-4-1 with tanh from 100 seeds; and 2-2-1, which has just enough units and often gets stuck
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { ROWS = 4, PARAMS = 4, UNITS_MAX = 4, SEEDS = 100, STEPS = 2000 };
static const double x[ROWS][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, truth[ROWS] = {0, 1, 1, 0};

/* NEW 2-units-1 network, or 2-1 when there are no hidden units. */
static bp_status network(bp_context *ctx, int units, bp_activation hidden, bp_activation output, bp_net **out) {
  bp_status status = bp_net_new(ctx, 2, BP_F64, out);
  if (status == BP_OK && units > 0) status = bp_net_dense(ctx, *out, units, hidden, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, *out, 1, output, BP_INIT_AUTO);
  return status;
}

/* ---- by hand: φ₂(φ₁(x W₁ + b₁) w₂ + b₂), where W₁ has a column for each hidden unit ---- */
typedef struct hand {
  const char *name;
  bp_activation hidden, output;
  double w1[4], b1[2], w2[2], b2;
} hand;

static bp_status by_hand(bp_context *ctx, hand h, bool *right) {
  bp_net *net = NULL;
  double y[ROWS];
  void *const values[PARAMS] = {h.w1, h.b1, h.w2, &h.b2};
  bp_status status = network(ctx, 2, h.hidden, h.output, &net);
  if (status == BP_OK) status = bp_net_eval(ctx, net, values, ROWS, x, y);
  if (status == BP_OK) {
    printf("%-24s %g %g %g %g\n", h.name, y[0], y[1], y[2], y[3]);
    for (int i = 0; i < ROWS; i++) *right = *right && y[i] == truth[i];
  }
  bp_net_free(net);
  return status;
}

/* ---- by training: all four rows in every step, so an epoch is one step ---- */
static bp_status train(bp_context *ctx, int units, bp_loss loss, uint64_t seed, double z[ROWS], int *steps) {
  double w1[2 * UNITS_MAX], b1[UNITS_MAX], w2[UNITS_MAX], b2[1];
  void *const values[PARAMS] = {w1, b1, w2, b2};
  const bp_source rows = {.rows = ROWS,
                          .columns = 2,
                          .dtype = BP_F64,
                          .features = x,
                          .scale = 1,
                          .target_dtype = BP_F64,
                          .outputs = 1,
                          .targets = truth};
  const bp_fit_options options = {.size = sizeof options,
                                  .objective.loss = loss,
                                  .optimizer = BP_ADAM,
                                  .lr = 0.03,
                                  .batch_size = ROWS,
                                  .epochs = STEPS,
                                  .seed = seed,
                                  .threads = 1};
  bp_net *net = NULL;
  bp_fit_result result = {0};
  bp_status status = network(ctx, units, BP_TANH, BP_IDENTITY, &net);
  if (status == BP_OK) {
    bp_net_init(net, seed, values);
    status = bp_fit(ctx, net, values, &rows, NULL, &options, &result);
  }
  if (status == BP_OK) status = bp_net_eval(ctx, net, values, ROWS, x, z);
  /* The first step whose four answers are right, each with a probability above ½: its mean loss is then below log 2 / 4. */
  for (*steps = 0; status == BP_OK && *steps < result.epochs; ++*steps)
    if (result.history[*steps].train_loss < log(2) / ROWS) break;
  bp_fit_result_release(ctx, &result);
  bp_net_free(net);
  return status;
}

static bp_status from_many_seeds(bp_context *ctx, int units, int *solved) {
  bp_status status = BP_OK;
  int most = 0;
  *solved = 0;
  for (int seed = 1; seed <= SEEDS && status == BP_OK; seed++) {
    double z[ROWS];
    int steps, right = 0;
    status = train(ctx, units, BP_LOSS_BINARY_CROSS_ENTROPY, (uint64_t)seed, z, &steps);
    for (int i = 0; i < ROWS && status == BP_OK; i++) right += (z[i] > 0) == (truth[i] > 0);
    if (right < ROWS) continue;
    ++*solved;
    if (steps > most) most = steps;
  }
  printf("2-%d-1 tanh: %d of %d seeds solve it within %d steps", units, *solved, SEEDS, STEPS);
  printf(*solved > 0 ? ", the slowest in %d\n" : "\n", most);
  return status;
}

int main(void) {
  const hand thresholds = {
      "three threshold units", BP_HEAVISIDE, BP_HEAVISIDE, {1, 1, 1, 1}, {-1.5, -0.5}, {-1, 1}, -0.5};
  const hand rectified = {"two rectified units", BP_RELU, BP_IDENTITY, {1, 1, 1, 1}, {0, -1}, {1, -2}, 0};
  bp_context *ctx = NULL;
  bool right = true;
  double z[ROWS] = {0};
  int steps, four = 0, two = 0;

  bp_status status = bp_context_new(NULL, &ctx);
  if (status == BP_OK) printf("%-24s 0 1 1 0\n", "exclusive or");
  if (status == BP_OK) status = by_hand(ctx, thresholds, &right);
  if (status == BP_OK) status = by_hand(ctx, rectified, &right);
  if (status == BP_OK) status = train(ctx, 0, BP_LOSS_MSE, 1, z, &steps);
  if (status == BP_OK) printf("%-24s %.3f %.3f %.3f %.3f\n\n", "a linear model", z[0], z[1], z[2], z[3]);
  for (int i = 0; i < ROWS; i++) right = right && fabs(z[i] - 0.5) < 1e-3;
  if (status == BP_OK) status = from_many_seeds(ctx, 4, &four);
  if (status == BP_OK) status = from_many_seeds(ctx, 2, &two);
  if (status != BP_OK) fprintf(stderr, "xor: %s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  return status != BP_OK || !right || four < 95;
}
