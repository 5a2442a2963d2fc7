/* input_gradient.c - how the answer of a trained network moves with each of its inputs, in the user's own units.
 *
 * A network learns how far a ball flies from its speed (in m/s) and angle (in degrees): d = v² sin(2a) / g. Then its
 * Jacobian is printed beside differences of its own predictions, and beside the derivative of the true formula:
 *   ∂d/∂v = 2v sin(2a) / g  (metres per m/s)      ∂d/∂a = 2v² cos(2a) / g · π/180  (metres per degree)
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { ROWS = 400, POINTS = 4 };
static const double degree = 0.017453292519943295, gravity = 9.81;

static double distance(double speed, double angle) { return speed * speed * sin(2 * angle * degree) / gravity; }

static bp_status learn(bp_context *ctx, bp_model **model) {
  double speed[ROWS], angle[ROWS], metres[ROWS];
  bp_table *table = NULL;
  bp_train_options options = {.size = sizeof options, .task = BP_TASK_REGRESSION, .n_hidden = 1, .hidden = {24}};
  options.fit.optimizer = BP_ADAM;
  options.fit.lr = 0.01;
  options.fit.epochs = 200;
  for (int i = 0; i < ROWS; i++) {
    speed[i] = 5 + i % 20;                 /* 5 to 24 m/s */
    angle[i] = 10 + 3.5 * floor(i / 20.0); /* 10 to 76.5 degrees */
    metres[i] = distance(speed[i], angle[i]);
  }
  bp_status status = bp_table_new(ctx, ROWS, &table);
  if (!status) status = bp_table_add_numbers(ctx, table, "speed", speed);
  if (!status) status = bp_table_add_numbers(ctx, table, "angle", angle);
  if (!status) status = bp_table_add_numbers(ctx, table, "metres", metres);
  if (!status) status = bp_model_train(ctx, table, NULL, &options, model, NULL);
  bp_table_free(table);
  return status;
}

/* (f(x + h) - f(x - h)) / 2h along one column; the step is large because the network's numbers are float32. */
static bp_status difference(bp_predictor *predictor, const double *x, int column, double *out) {
  double moved[2][2] = {{x[0], x[1]}, {x[0], x[1]}}, y[2];
  moved[0][column] += 0.05;
  moved[1][column] -= 0.05;
  bp_status status = bp_predict_f64(predictor, 2, &moved[0][0], y);
  if (!status) *out = (y[0] - y[1]) / 0.1;
  return status;
}

static bp_status show(const bp_model *model, bp_context *ctx, bp_predictor *predictor, bool *good) {
  const double x[POINTS][2] = {{10, 30}, {15, 45}, {20, 25}, {12, 65}};
  double y[POINTS], jacobian[POINTS][2], quotient[2] = {0, 0};
  bp_status status = bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, POINTS, &x[0][0], y, &jacobian[0][0]);
  printf("%5s %6s %8s   %27s   %27s\n", "", "", "", "metres per m/s", "metres per degree");
  printf("%5s %6s %8s   %8s %9s %8s   %8s %9s %8s\n", "m/s", "degree", "metres", "Jacobian", "quotient", "formula",
         "Jacobian", "quotient", "formula");
  for (int p = 0; p < POINTS && !status; p++) {
    double v = x[p][0], a = x[p][1];
    double by_speed = 2 * v * sin(2 * a * degree) / gravity,
           by_angle = 2 * v * v * cos(2 * a * degree) / gravity * degree;
    for (int c = 0; c < 2 && !status; c++) {
      status = difference(predictor, x[p], c, &quotient[c]);
      *good = *good && fabs(quotient[c] - jacobian[p][c]) < 2e-3;
    }
    *good = *good && fabs(jacobian[p][0] - by_speed) < 0.3 && fabs(jacobian[p][1] - by_angle) < 0.3;
    printf("%5g %6g %8.2f   %8.4f %9.4f %8.4f   %8.4f %9.4f %8.4f\n", v, a, y[p], jacobian[p][0], quotient[0], by_speed,
           jacobian[p][1], quotient[1], by_angle);
  }
  return status;
}

int main(void) {
  bp_context *ctx = NULL;
  bp_model *model = NULL;
  bp_predictor *predictor = NULL;
  bool good = true;
  bp_status status = bp_context_new(NULL, &ctx);
  if (!status) status = learn(ctx, &model);
  if (!status) status = bp_predictor_new(ctx, model, NULL, &predictor);
  if (!status) status = show(model, ctx, predictor, &good);
  if (status) fprintf(stderr, "%s\n", bp_error_message(ctx));
  if (!good) fprintf(stderr, "the derivatives do not agree\n");
  bp_predictor_free(predictor);
  bp_model_free(model);
  bp_context_free(ctx);
  return status != BP_OK || !good;
}
