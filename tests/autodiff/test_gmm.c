/* The Gaussian mixture objective of ADBench: published values, and plain loops for other sizes. */
/* labels: grad */
#include "autodiff/derivative_fixtures.h"

#include "../../examples/gmm_objective.h"

typedef struct mixture {
  int64_t d, k, n;
  int m;
  double gamma;
  double *alphas, *means, *icf, *x;
} mixture;

/* ---- the objective by loops, from its formula alone ---- */
static double log_sum_exp(const double *v, int64_t n) {
  double most = v[0], sum = 0;
  for (int64_t i = 1; i < n; i++) most = fmax(most, v[i]);
  for (int64_t i = 0; i < n; i++) sum += exp(v[i] - most);
  return most + log(sum);
}

/* ‖Q (x - μ)‖², Q lower triangular from q and l, filled column by column. */
static double squared_distance(int64_t d, const double *row, const double *mean, const double *x) {
  double z[64], sum = 0;
  const double *l = row + d;
  for (int64_t i = 0; i < d; i++) z[i] = exp(row[i]) * (x[i] - mean[i]);
  for (int64_t column = 0; column < d; column++)
    for (int64_t i = column + 1; i < d; i++) z[i] += *l++ * (x[column] - mean[column]);
  for (int64_t i = 0; i < d; i++) sum += z[i] * z[i];
  return sum;
}

static double log_multivariate_gamma(double a, int64_t d) {
  double sum = (double)(d * (d - 1)) / 4 * log(acos(-1));
  for (int64_t j = 1; j <= d; j++) sum += lgamma(a + (double)(1 - j) / 2);
  return sum;
}

static double objective_by_loops(const mixture *p) {
  int64_t d = p->d, row = d + d * (d - 1) / 2;
  double sum = -(double)(p->n * d) / 2 * log(2 * acos(-1)), terms[64], n = (double)(d + p->m + 1);
  for (int64_t i = 0; i < p->n; i++) {
    for (int64_t k = 0; k < p->k; k++) {
      terms[k] = p->alphas[k] - 0.5 * squared_distance(d, p->icf + k * row, p->means + k * d, p->x + i * d);
      for (int64_t j = 0; j < d; j++) terms[k] += p->icf[k * row + j];
    }
    sum += log_sum_exp(terms, p->k);
  }
  sum -= (double)p->n * log_sum_exp(p->alphas, p->k);
  for (int64_t k = 0; k < p->k; k++) {
    const double *q = p->icf + k * row;
    for (int64_t j = 0; j < row; j++) sum += 0.5 * p->gamma * p->gamma * (j < d ? exp(2 * q[j]) : q[j] * q[j]);
    for (int64_t j = 0; j < d; j++) sum -= p->m * q[j];
    sum -= n * (double)d * (log(p->gamma) - 0.5 * log(2)) - log_multivariate_gamma(n / 2, d);
  }
  return sum;
}

/* ---- by the graph ---- */
/* gradient: of alphas, means and icf, one behind the other. */
static double objective_by_graph(bp_context *ctx, const mixture *p, double *gradient) {
  double value;
  bp_graph *g = new_graph(ctx);
  bp_var in[] = {vector(g, "alphas", p->k), bp_input(g, "means", BP_F64, DIMS(p->k, p->d)),
                 bp_input(g, "icf", BP_F64, DIMS(p->k, p->d + p->d * (p->d - 1) / 2))};
  bp_var x = bp_constant(g, BP_F64, DIMS(p->n, p->d), p->x), out[4];
  bt_assert_ok(ctx, bp_value_and_grad(gmm_objective(in[0], in[1], in[2], x, p->gamma, p->m), in, 3, out));
  values_of(out, 4, in, 3, (const void *[]){p->alphas, p->means, p->icf},
            (double *[]){&value, gradient, gradient + p->k, gradient + p->k + p->k * p->d});
  bp_graph_free(g);
  return value;
}

static void assert_agrees(double a, double b) {
  if (!(fabs(a - b) <= 1e-8 * fmax(1, fabs(a) + fabs(b)))) fail_msg("%.17g is not %.17g", a, b);
}

static void the_published_case_agrees_to_1e_8(void **state) {
  double alphas[] = {-0.649014, 1.181166, -0.758453},
         means[] = {0.092339, 0.186260, 0.345561, 0.396767, 0.538817, 0.419195};
  double icf[] = {0.586443, -0.851887, 0.800321, -1.509405, 0.875874, -0.242790, 0.166813, -1.965419, -1.270071};
  double x[] = {1.175171, 2.029160}, gradient[18];
  static const double published[18] = {0.108662855508652456,  -0.741270039523898472, 0.632607184015246071,
                                       1.11692576532787013,   0.163333013551455269,  -0.0219989824071193142,
                                       0.227778292254236098,  1.20963025612832187,   -0.0606375920733956339,
                                       2.58529994051162237,   0.112632694524213789,  0.385744309849611777,
                                       0.0735180573182305508, 5.41836362715595232,   -0.321494409677446469,
                                       1.71892309775004937,   0.860091090790866875,  -0.994640930466322848};
  mixture p = {2, 3, 1, 0, 1, alphas, means, icf, x};
  assert_agrees(objective_by_graph(bt_ctx(state), &p, gradient), 8.07380408004975791);
  assert_agrees(objective_by_loops(&p), 8.07380408004975791);
  for (int i = 0; i < 18; i++) assert_agrees(gradient[i], published[i]);
}

/* The slope of the loops along parameter i, by extrapolated differences. */
static double slope(const mixture *p, double *parameter) {
  double at = *parameter, d[2];
  for (int r = 0; r < 2; r++) {
    double h = r == 0 ? 1e-3 : 5e-4;
    *parameter = at + h;
    d[r] = objective_by_loops(p);
    *parameter = at - h;
    d[r] = (d[r] - objective_by_loops(p)) / (2 * h);
    *parameter = at;
  }
  return (4 * d[1] - d[0]) / 3;
}

static void other_sizes_agree_with_loops(void **state) {
  static const int64_t sizes[][3] = {{1, 1, 1}, {1, 4, 6}, {2, 1, 5}, {3, 5, 7}, {6, 3, 20}};
  for (size_t s = 0; s < 5; s++) {
    int64_t d = sizes[s][0], k = sizes[s][1], n = sizes[s][2], row = d + d * (d - 1) / 2,
            total_size = k + k * d + k * row;
    double parameters[200], gradient[200], x[200];
    assert_true(total_size <= 200 && n * d <= 200);
    for (size_t i = 0; i < 200; i++) parameters[i] = uniform(51 + s, i, -0.7, 0.7), x[i] = uniform(61 + s, i, -1, 1);
    mixture p = {d, k, n, (int)s % 3, 0.5 + (double)s, parameters, parameters + k, parameters + k + k * d, x};
    assert_agrees(objective_by_graph(bt_ctx(state), &p, gradient), objective_by_loops(&p));
    for (int64_t i = 0; i < total_size; i++) bt_assert_close(gradient[i], slope(&p, &parameters[i]), 1e-7, 1e-7);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(the_published_case_agrees_to_1e_8),
      BT_TEST(other_sizes_agree_with_loops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
