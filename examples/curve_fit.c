/* curve_fit.c - nonlinear least squares by Levenberg and Marquardt, on products with the Jacobian.
 *
 * A damped oscillation y(t) = a exp(-b t) cos(c t) + d is fitted to 40 measurements. Each step solves
 *   (JᵀJ + λ I) s = -Jᵀr
 * by conjugate gradients, which need only v → JᵀJ v: the Jacobian J of the residuals r is never formed.
 */
#include <math.h>
#include <stdio.h>

#include <backprop/backprop.h>

enum { POINTS = 40, PARAMETERS = 4 };
static const double truth[PARAMETERS] = {2.5, 0.4, 3, 0.7};

typedef struct fit {
  bp_program *residuals; /* p → ½‖r‖², Jᵀr */
  bp_program *product;   /* p, v → JᵀJ v */
  bp_workspace *residuals_workspace, *product_workspace;
} fit;

/* Element i of a vector, as a scalar. */
static bp_var element(bp_var x, int64_t i) { return bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL); }

static bp_var model(bp_var p, bp_var t) {
  bp_var decay = bp_exp(bp_neg(bp_mul(element(p, 1), t))), swing = bp_cos(bp_mul(element(p, 2), t));
  return bp_add(bp_mul(element(p, 0), bp_mul(decay, swing)), element(p, 3));
}

static bp_status build(bp_context *ctx, const double *t, const double *y, fit *f) {
  bp_graph *graph;
  const int64_t points[] = {POINTS}, parameters[] = {PARAMETERS};
  bp_var gradient, product;
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  bp_var p = bp_input(graph, "p", BP_F64, 1, parameters), v = bp_input(graph, "v", BP_F64, 1, parameters),
         in[] = {p, v};
  bp_var r = bp_sub(model(p, bp_constant(graph, BP_F64, 1, points, t)), bp_constant(graph, BP_F64, 1, points, y));
  bp_var cost = bp_mul(bp_scalar(graph, BP_F64, 0.5), bp_sum(bp_square(r), BP_ALL_AXES));
  status = bp_vjp(&r, &r, 1, &p, 1, &gradient);
  if (status == BP_OK) status = bp_normal_product(&r, 1, &p, &v, 1, &product);
  if (status == BP_OK) status = bp_compile((bp_var[]){cost, gradient}, 2, in, 1, NULL, &f->residuals);
  if (status == BP_OK) status = bp_compile(&product, 1, in, 2, NULL, &f->product);
  if (status == BP_OK) status = bp_workspace_new(ctx, f->residuals, 1, &f->residuals_workspace);
  if (status == BP_OK) status = bp_workspace_new(ctx, f->product, 1, &f->product_workspace);
  bp_graph_free(graph);
  return status;
}

static double dot(const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < PARAMETERS; i++) sum += a[i] * b[i];
  return sum;
}

/* s = -(JᵀJ + λ I)⁻¹ g by conjugate gradients. */
static bp_status solve(const fit *f, const double *p, double lambda, const double *g, double *s) {
  double rest[PARAMETERS], direction[PARAMETERS], image[PARAMETERS];
  for (int i = 0; i < PARAMETERS; i++) s[i] = 0, rest[i] = direction[i] = -g[i];
  double size = dot(rest, rest), first = size;
  for (int k = 0; k < 5 * PARAMETERS && size > 1e-24 * first; k++) {
    bp_status status = bp_run(f->product, f->product_workspace, 0, (const void *[]){p, direction}, (void *[]){image});
    if (status != BP_OK) return status;
    for (int i = 0; i < PARAMETERS; i++) image[i] += lambda * direction[i];
    double step = size / dot(direction, image), before = size;
    for (int i = 0; i < PARAMETERS; i++) s[i] += step * direction[i], rest[i] -= step * image[i];
    size = dot(rest, rest);
    for (int i = 0; i < PARAMETERS; i++) direction[i] = rest[i] + size / before * direction[i];
  }
  return BP_OK;
}

static bp_status residuals_at(const fit *f, const double *p, double *cost, double *g) {
  return bp_run(f->residuals, f->residuals_workspace, 0, (const void *[]){p}, (void *[]){cost, g});
}

static bp_status levenberg_marquardt(const fit *f, double *p, double *g) {
  double cost, lambda = 1e-2, s[PARAMETERS], trial[PARAMETERS], trial_cost, trial_g[PARAMETERS];
  bp_status status = residuals_at(f, p, &cost, g);
  printf("step        cost       a       b       c       d\n");
  for (int k = 0; k < 50 && status == BP_OK && dot(g, g) > 1e-16; k++) {
    printf("%4d  %10.6f  %6.3f  %6.3f  %6.3f  %6.3f\n", k, cost, p[0], p[1], p[2], p[3]);
    status = solve(f, p, lambda, g, s);
    for (int i = 0; i < PARAMETERS; i++) trial[i] = p[i] + s[i];
    if (status == BP_OK) status = residuals_at(f, trial, &trial_cost, trial_g);
    if (status != BP_OK || !(trial_cost < cost)) {
      lambda *= 10;
      continue;
    }
    lambda /= 10;
    cost = trial_cost;
    for (int i = 0; i < PARAMETERS; i++) p[i] = trial[i], g[i] = trial_g[i];
  }
  return status;
}

int main(void) {
  bp_context *ctx;
  fit f = {0};
  double t[POINTS], y[POINTS], p[PARAMETERS] = {1, 0.1, 2.7, 0}, g[PARAMETERS];
  if (bp_context_new(NULL, &ctx) != BP_OK) return 1;
  for (int i = 0; i < POINTS; i++) {
    t[i] = 0.1 * i;
    y[i] =
        truth[0] * exp(-truth[1] * t[i]) * cos(truth[2] * t[i]) + truth[3] + 0.02 * sin(37.0 * i); /* and some noise */
  }
  bp_status status = build(ctx, t, y, &f);
  if (status == BP_OK) status = levenberg_marquardt(&f, p, g);
  if (status != BP_OK) fprintf(stderr, "curve_fit: %s\n", bp_error_message(ctx));
  bp_workspace_free(f.residuals_workspace);
  bp_workspace_free(f.product_workspace);
  bp_program_free(f.residuals);
  bp_program_free(f.product);
  bp_context_free(ctx);
  bool good = status == BP_OK && dot(g, g) < 1e-12;
  for (int i = 0; i < PARAMETERS; i++) good = good && fabs(p[i] - truth[i]) < 0.05;
  printf("a = %.3f, b = %.3f, c = %.3f, d = %.3f: %s\n", p[0], p[1], p[2], p[3],
         good ? "within 0.05 of the truth" : "not found");
  return good ? 0 : 1;
}
