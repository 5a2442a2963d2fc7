/* gmm.c - a Gaussian mixture by its objective alone: the gradient follows.
 *
 * The numbers are the smallest case of ADBench (D = 2, K = 3, N = 1), with the objective and the 18 derivatives that it
 * publishes. Then the same code at another size, checked by differences.
 */
#include <stdio.h>

#include <backprop/backprop.h>

#include "gmm_objective.h"

static const double alphas[3] = {-0.649014, 1.181166, -0.758453};
static const double means[3][2] = {{0.092339, 0.186260}, {0.345561, 0.396767}, {0.538817, 0.419195}};
static const double icf[3][3] = {
    {0.586443, -0.851887, 0.800321}, {-1.509405, 0.875874, -0.242790}, {0.166813, -1.965419, -1.270071}};
static const double x[1][2] = {{1.175171, 2.029160}};

static const double published_objective = 8.07380408004975791;
static const double published_gradient[18] = {
    0.108662855508652456,   -0.741270039523898472, 0.632607184015246071,  1.11692576532787013,    0.163333013551455269,
    -0.0219989824071193142, 0.227778292254236098,  1.20963025612832187,   -0.0606375920733956339, 2.58529994051162237,
    0.112632694524213789,   0.385744309849611777,  0.0735180573182305508, 5.41836362715595232,    -0.321494409677446469,
    1.71892309775004937,    0.860091090790866875,  -0.994640930466322848};

typedef struct mixture {
  bp_var parameters[3]; /* α, means, rows of (q, l) */
  bp_var objective;
} mixture;

static mixture build(bp_graph *graph, int64_t d, int64_t k, int64_t n, const double *data, int m) {
  mixture mix = {.parameters = {bp_input(graph, "alphas", BP_F64, 1, (int64_t[]){k}),
                                bp_input(graph, "means", BP_F64, 2, (int64_t[]){k, d}),
                                bp_input(graph, "icf", BP_F64, 2, (int64_t[]){k, d + d * (d - 1) / 2})}};
  bp_var points = bp_constant(graph, BP_F64, 2, (int64_t[]){n, d}, data);
  mix.objective = gmm_objective(mix.parameters[0], mix.parameters[1], mix.parameters[2], points, 1, m);
  return mix;
}

static bp_status published_case(bp_context *ctx, double *worst) {
  bp_graph *graph;
  bp_var outputs[4];
  double objective, gradient[18];
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  mixture mix = build(graph, 2, 3, 1, &x[0][0], 0);
  status = bp_value_and_grad(mix.objective, mix.parameters, 3, outputs);
  const void *in[3] = {alphas, means, icf};
  void *out[4] = {&objective, gradient, gradient + 3, gradient + 9};
  if (status == BP_OK) status = bp_eval(outputs, 4, mix.parameters, 3, 0, in, out);
  bp_graph_free(graph);
  if (status != BP_OK) return status;
  printf("objective  %.12f  published %.12f\n", objective, published_objective);
  *worst = fabs(objective - published_objective) / (1 + fabs(published_objective));
  for (int i = 0; i < 18; i++) {
    double apart = fabs(gradient[i] - published_gradient[i]) / fmax(1, fabs(gradient[i]) + fabs(published_gradient[i]));
    printf("gradient %2d  % .12f  published % .12f\n", i, gradient[i], published_gradient[i]);
    *worst = fmax(*worst, apart);
  }
  return BP_OK;
}

static bp_status another_size(bp_context *ctx, bp_gradcheck_report *report) {
  enum { D = 3, K = 2, N = 5 };
  double data[N * D], a[K], means_at[K * D], icf_at[K * 6];
  for (int i = 0; i < N * D; i++) data[i] = sin(1.7 * i);
  for (int i = 0; i < K; i++) a[i] = cos(1.3 * i);
  for (int i = 0; i < K * D; i++) means_at[i] = 0.5 * sin(2.1 * i + 1);
  for (int i = 0; i < K * 6; i++) icf_at[i] = 0.5 * cos(1.9 * i + 2);
  bp_graph *graph;
  bp_status status = bp_graph_new(ctx, &graph);
  if (status != BP_OK) return status;
  mixture mix = build(graph, D, K, N, data, 1);
  status = bp_gradcheck(&mix.objective, 1, NULL, 0, mix.parameters, 3, 0, (const void *[]){a, means_at, icf_at}, NULL,
                        report);
  bp_graph_free(graph);
  return status;
}

int main(void) {
  bp_context *ctx;
  bp_gradcheck_report report = {0};
  double worst = INFINITY;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 1;
  bp_status status = published_case(ctx, &worst);
  if (status == BP_OK) status = another_size(ctx, &report);
  if (status != BP_OK) fprintf(stderr, "gmm: %s\n", bp_error_message(ctx));
  bp_context_free(ctx);
  if (status != BP_OK) return 1;
  printf("all of it within 1e-8: %s; D=3, K=2, N=5: %lld derivatives agree with differences\n",
         worst <= 1e-8 ? "yes" : "no", (long long)report.checked);
  return worst <= 1e-8 ? 0 : 1;
}
