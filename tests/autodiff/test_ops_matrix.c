/* Products of stacks, factors and solutions: values against naive loops, derivatives in both modes and twice. */
/* labels: grad */
#include "autodiff/op_check.h"

/* ---- naive loops ---- */
static void multiply(const double *a, const double *b, double *c, int m, int k, int n) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int l = 0; l < k; l++) sum += a[i * k + l] * b[l * n + j];
      c[i * n + j] = sum;
    }
}
static void transpose(const double *a, double *t, int m, int n) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) t[j * m + i] = a[i * n + j];
}
/* a x = b by Gauss-Jordan with full row search; returns the determinant. */
static double eliminate(const double *a, const double *b, double *x, int n, int m) {
  double w[8][16], det = 1;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) w[i][j] = a[i * n + j];
    for (int j = 0; j < m; j++) w[i][n + j] = b[i * m + j];
  }
  for (int k = 0; k < n; k++) {
    int best = k;
    for (int i = k; i < n; i++) best = fabs(w[i][k]) > fabs(w[best][k]) ? i : best;
    for (int j = 0; best != k && j < n + m; j++) {
      double kept = w[k][j];
      w[k][j] = w[best][j], w[best][j] = kept;
    }
    det *= best != k ? -w[k][k] : w[k][k];
    for (int i = 0; i < n; i++) {
      double f = i == k ? 0 : w[i][k] / w[k][k];
      for (int j = 0; j < n + m; j++) w[i][j] -= f * w[k][j];
    }
  }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++) x[i * m + j] = w[i][n + j] / w[i][i];
  return det;
}

/* ---- products ---- */
static bp_var stack_times_stack(const bp_var *x) { return (bp_matmul)(x[0], x[1]); }
static void stack_times_stack_oracle(const double *const *x, double *y) {
  for (int q = 0; q < 6; q++) multiply(x[0] + q * 6, x[1] + q * 12, y + q * 8, 2, 3, 4);
}
static bp_var stack_times_one(const bp_var *x) { return (bp_matmul)(x[0], x[1]); }
static void stack_times_one_oracle(const double *const *x, double *y) {
  for (int q = 0; q < 3; q++) multiply(x[0] + q * 6, x[1], y + q * 8, 2, 3, 4);
}
static bp_var batch_times_one(const bp_var *x) { return (bp_matmul_t)(x[0], true, bp_square(x[1]), true); }
static void batch_times_one_oracle(const double *const *x, double *y) {
  double a[6], b[12], squares[12];
  for (int i = 0; i < 12; i++) squares[i] = x[1][i] * x[1][i];
  transpose(squares, b, 4, 3);
  for (int q = 0; q < OC_BATCH; q++) {
    transpose(x[0] + q * 6, a, 3, 2);
    multiply(a, b, y + q * 8, 2, 3, 4);
  }
}
static bp_var one_times_batch(const bp_var *x) { return bp_tanh((bp_matmul_t)(x[0], false, x[1], true)); }
static void one_times_batch_oracle(const double *const *x, double *y) {
  double b[12];
  for (int q = 0; q < OC_BATCH; q++) {
    transpose(x[1] + q * 12, b, 4, 3);
    multiply(x[0], b, y + q * 8, 2, 3, 4);
  }
  for (int i = 0; i < OC_BATCH * 8; i++) y[i] = tanh(y[i]);
}
static bp_var batch_times_batch(const bp_var *x) { return (bp_matmul_t)(x[0], true, x[1], false); }
static void batch_times_batch_oracle(const double *const *x, double *y) {
  double a[6];
  for (int q = 0; q < OC_BATCH; q++) {
    transpose(x[0] + q * 6, a, 3, 2);
    multiply(a, x[1] + q * 12, y + q * 8, 2, 3, 4);
  }
}
static bp_var dot(const bp_var *x) { return (bp_dot)(x[0], x[1]); }
static void dot_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) multiply(x[0] + q * 7, x[1] + q * 7, y + q, 1, 7, 1);
}
static bp_var outer(const bp_var *x) { return (bp_outer)(x[0], x[1]); }
static void outer_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) multiply(x[0] + q * 3, x[1] + q * 2, y + q * 6, 3, 1, 2);
}

/* ---- Cholesky ---- */
/* Positive definite, and with anything above the diagonal: that is not read. */
static void make_spd(double *a, int n) {
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) a[i * n + j] *= 0.3;
    a[i * n + i] += n * 0.4;
  }
}
static void spd4(int i, double *x) {
  if (i == 0) make_spd(x, 4);
}
static void spd3_each(int i, double *x) {
  for (int q = 0; i == 0 && q < oc_batch; q++) make_spd(x + q * 9, 3);
}
static void naive_cholesky(const double *a, double *l, int n) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = a[i * n + j];
      for (int k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i == j ? sqrt(sum) : sum / l[j * n + j];
    }
}
static bp_var cholesky(const bp_var *x) { return (bp_cholesky)(x[0]); }
static void cholesky4_oracle(const double *const *x, double *y) { naive_cholesky(x[0], y, 4); }
static void cholesky3_each_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) naive_cholesky(x[0] + q * 9, y + q * 9, 3);
}
static bp_var logdet_spd(const bp_var *x) { return bp_logdet_spd(x[0]); }
static void logdet_spd_oracle(const double *const *x, double *y) {
  double l[9] = {0};
  for (int q = 0; q < OC_BATCH; q++) {
    naive_cholesky(x[0] + q * 9, l, 3);
    y[q] = 2 * (log(l[0]) + log(l[4]) + log(l[8]));
  }
}

/* ---- systems ---- */
static void diagonal3(int i, double *x) {
  for (int k = 0; i == 0 && k < 9; k += 4) x[k] += 2.5;
}
static void diagonal3_each(int i, double *x) {
  for (int q = 0; q < oc_batch; q++) diagonal3(i, x + q * 9);
}
static void triangle_of(const double *t, double *a, bool lower, bool turned) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) a[turned ? j * 3 + i : i * 3 + j] = (lower ? j <= i : j >= i) ? t[i * 3 + j] : 0;
}
#define TRIANGULAR(name, lower, turned)                                                                                \
  static bp_var name(const bp_var *x) { return (bp_solve_triangular)(x[0], x[1], lower, turned); }                     \
  static void name##_oracle(const double *const *x, double *y) {                                                       \
    double a[9];                                                                                                       \
    triangle_of(x[0], a, lower, turned);                                                                               \
    (void)eliminate(a, x[1], y, 3, 2);                                                                                 \
  }
TRIANGULAR(lower_solve, true, false)
TRIANGULAR(lower_solve_turned, true, true)
TRIANGULAR(upper_solve, false, false)
TRIANGULAR(upper_solve_turned, false, true)
/* One matrix for a stack of right sides; and a vector for each matrix. */
static void lower_shared_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) lower_solve_oracle((const double *[]){x[0], x[1] + q * 6}, y + q * 6);
}
static void upper_vectors_oracle(const double *const *x, double *y) {
  double a[9];
  for (int q = 0; q < OC_BATCH; q++) {
    triangle_of(x[0] + q * 9, a, false, true);
    (void)eliminate(a, x[1] + q * 3, y + q * 3, 3, 1);
  }
}
static bp_var solve(const bp_var *x) { return (bp_solve)(x[0], x[1]); }
static void solve_oracle(const double *const *x, double *y) { (void)eliminate(x[0], x[1], y, 3, 2); }
static void solve_vectors_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) (void)eliminate(x[0] + q * 9, x[1] + q * 3, y + q * 3, 3, 1);
}
static void solve_shared_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) (void)eliminate(x[0], x[1] + q * 6, y + q * 6, 3, 2);
}
static const double identity3[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
static bp_var inverse(const bp_var *x) { return bp_inverse(x[0]); }
static void inverse_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) (void)eliminate(x[0] + q * 9, identity3, y + q * 9, 3, 3);
}
static bp_var logdet(const bp_var *x) { return bp_logdet(x[0]); }
static void logdet_oracle(const double *const *x, double *y) {
  double none[9];
  for (int q = 0; q < OC_BATCH; q++) y[q] = log(fabs(eliminate(x[0] + q * 9, identity3, none, 3, 3)));
}
static void logdet_one_oracle(const double *const *x, double *y) {
  double none[9];
  y[0] = log(fabs(eliminate(x[0], identity3, none, 3, 3)));
}
/* ½ (y - μ)ᵀ Σ⁻¹ (y - μ) + ½ log |Σ| through one Cholesky factor. */
static bp_var gaussian(const bp_var *x) {
  bp_var l = (bp_cholesky)(x[0]);
  bp_var z = (bp_solve_triangular)(l, x[1], true, false);
  return (bp_add)((bp_mul)(bp_scalar(x[0].graph, bp_var_dtype(x[0]), 0.5), (bp_dot)(z, z)),
                  bp_sum(bp_log((bp_diag_part)(l)), BP_LAST_AXIS));
}
static void gaussian_oracle(const double *const *x, double *y) {
  for (int q = 0; q < OC_BATCH; q++) {
    double a[9], z[3];
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) a[i * 3 + j] = x[0][q * 9 + (i >= j ? i * 3 + j : j * 3 + i)];
    double det = eliminate(a, x[1] + q * 3, z, 3, 1);
    y[q] = 0.5 * log(det);
    for (int i = 0; i < 3; i++) y[q] += 0.5 * z[i] * x[1][q * 3 + i];
  }
}

#define VALUES(f32, f64) .value_f32 = (f32), .value_f64 = (f64)
static const op_case cases[] = {
    {"stack · stack",
     stack_times_stack,
     2,
     {{4, {3, 2, 2, 3}}, {4, {3, 2, 3, 4}}},
     -1,
     1,
     .oracle = stack_times_stack_oracle,
     VALUES(2e-6, 4e-15)},
    {"stack · matrix",
     stack_times_one,
     2,
     {{3, {3, 2, 3}}, {2, {3, 4}}},
     -1,
     1,
     .oracle = stack_times_one_oracle,
     VALUES(2e-6, 4e-15)},
    {"batchᵀ · matrixᵀ",
     batch_times_one,
     2,
     {{3, {BP_BATCH, 3, 2}}, {2, {4, 3}}},
     -1,
     1,
     .oracle = batch_times_one_oracle,
     VALUES(2e-6, 4e-15)},
    {"matrix · batchᵀ",
     one_times_batch,
     2,
     {{2, {2, 3}}, {3, {BP_BATCH, 4, 3}}},
     -1,
     1,
     .oracle = one_times_batch_oracle,
     VALUES(1e-5, 4e-15)},
    {"batchᵀ · batch",
     batch_times_batch,
     2,
     {{3, {BP_BATCH, 3, 2}}, {3, {BP_BATCH, 3, 4}}},
     -1,
     1,
     .oracle = batch_times_batch_oracle,
     VALUES(2e-5, 4e-14)},
    {"dot", dot, 2, {{2, {BP_BATCH, 7}}, {2, {BP_BATCH, 7}}}, -1, 1, .oracle = dot_oracle, VALUES(2e-6, 4e-15)},
    {"outer", outer, 2, {{2, {BP_BATCH, 3}}, {2, {BP_BATCH, 2}}}, -1, 1, .oracle = outer_oracle, VALUES(1e-7, 4e-16)},
    {"cholesky", cholesky, 1, {{2, {4, 4}}}, -1, 1, .fill = spd4, .oracle = cholesky4_oracle, VALUES(1e-6, 1e-15)},
    {"cholesky, batch",
     cholesky,
     1,
     {{3, {BP_BATCH, 3, 3}}},
     -1,
     1,
     .fill = spd3_each,
     .oracle = cholesky3_each_oracle,
     VALUES(1e-6, 1e-15)},
    {"logdet_spd",
     logdet_spd,
     1,
     {{3, {BP_BATCH, 3, 3}}},
     -1,
     1,
     .fill = spd3_each,
     .oracle = logdet_spd_oracle,
     VALUES(4e-6, 1e-14)},
    {"lower",
     lower_solve,
     2,
     {{2, {3, 3}}, {2, {3, 2}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = lower_solve_oracle,
     VALUES(4e-6, 4e-15)},
    {"lowerᵀ",
     lower_solve_turned,
     2,
     {{2, {3, 3}}, {2, {3, 2}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = lower_solve_turned_oracle,
     VALUES(4e-6, 4e-15)},
    {"upper",
     upper_solve,
     2,
     {{2, {3, 3}}, {2, {3, 2}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = upper_solve_oracle,
     VALUES(4e-6, 4e-15)},
    {"upperᵀ",
     upper_solve_turned,
     2,
     {{2, {3, 3}}, {2, {3, 2}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = upper_solve_turned_oracle,
     VALUES(4e-6, 4e-15)},
    {"lower, shared",
     lower_solve,
     2,
     {{2, {3, 3}}, {3, {BP_BATCH, 3, 2}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = lower_shared_oracle,
     VALUES(4e-6, 4e-15)},
    {"upperᵀ, vectors",
     upper_solve_turned,
     2,
     {{3, {BP_BATCH, 3, 3}}, {2, {BP_BATCH, 3}}},
     -1,
     1,
     .fill = diagonal3_each,
     .oracle = upper_vectors_oracle,
     VALUES(4e-6, 4e-15)},
    {"solve",
     solve,
     2,
     {{2, {3, 3}}, {2, {3, 2}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = solve_oracle,
     VALUES(4e-6, 4e-15)},
    {"solve, vectors",
     solve,
     2,
     {{3, {BP_BATCH, 3, 3}}, {2, {BP_BATCH, 3}}},
     -1,
     1,
     .fill = diagonal3_each,
     .oracle = solve_vectors_oracle,
     VALUES(4e-6, 4e-15)},
    {"solve, shared",
     solve,
     2,
     {{2, {3, 3}}, {3, {BP_BATCH, 3, 2}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = solve_shared_oracle,
     VALUES(4e-6, 4e-15)},
    {"inverse",
     inverse,
     1,
     {{3, {BP_BATCH, 3, 3}}},
     -1,
     1,
     .fill = diagonal3_each,
     .oracle = inverse_oracle,
     VALUES(4e-6, 4e-15)},
    {"logdet",
     logdet,
     1,
     {{3, {BP_BATCH, 3, 3}}},
     -1,
     1,
     .fill = diagonal3_each,
     .oracle = logdet_oracle,
     VALUES(4e-6, 4e-15)},
    {"logdet, one",
     logdet,
     1,
     {{2, {3, 3}}},
     -1,
     1,
     .fill = diagonal3,
     .oracle = logdet_one_oracle,
     VALUES(4e-6, 4e-15)},
    {"Gaussian",
     gaussian,
     2,
     {{3, {BP_BATCH, 3, 3}}, {2, {BP_BATCH, 3}}},
     -1,
     1,
     .fill = spd3_each,
     .oracle = gaussian_oracle,
     VALUES(1e-5, 1e-13)},
};

static void every_case_holds(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check(bt_ctx(state), &cases[i]);
}

static void many_rows_are_cut_without_a_trace(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check_bits(bt_ctx(state), &cases[i]);
}

/* ---- what the headers promise where a matrix has no factor ---- */
#define SOME (-7.0) /* infinite or NaN */
static bp_var lower_of_ones(const bp_var *x) {
  bp_var ones = bp_broadcast(bp_scalar(x[0].graph, bp_var_dtype(x[0]), 1), 1, (const int64_t[]){2});
  return (bp_solve_triangular)(x[0], ones, true, false);
}

static void factors_of_matrices_that_have_none_are_as_documented(void **state) {
  static const struct {
    bp_var (*build)(const bp_var *x);
    double a[4];
    int n;
    double y[4];
  } rows[] = {
      {cholesky, {1, 9, 2, 1}, 4, {NAN, 0, NAN, NAN}}, /* indefinite */
      {cholesky, {0, 9, 0, 1}, 4, {NAN, 0, NAN, NAN}}, /* singular */
      {cholesky, {1, 9, 1, 1}, 4, {NAN, 0, NAN, NAN}},
      {cholesky, {1, 9, NAN, 1}, 4, {NAN, 0, NAN, NAN}},
      {cholesky, {4, NAN, 2, 5}, 4, {2, 0, 1, 2}}, /* what is above is not read */
      {logdet_spd, {1, 9, 2, 1}, 1, {NAN}},
      {logdet_spd, {-1, 0, 0, -1}, 1, {NAN}},
      {logdet, {1, 2, 2, 4}, 1, {-INFINITY}},
      {logdet, {0, 0, 0, 1}, 1, {-INFINITY}},
      {logdet, {1, 2, 2, 1}, 1, {1.0986122886681098}}, /* log |-3| */
      {logdet, {NAN, 2, 2, 4}, 1, {NAN}},
      {inverse, {1, 2, 2, 4}, 4, {SOME, SOME, SOME, SOME}},
      {inverse, {0, 0, 0, 0}, 4, {SOME, SOME, SOME, SOME}},
      {inverse, {0, 0, 0, 1}, 4, {SOME, SOME, 0, 1}}, /* the second row is known */
      {inverse, {0, 2, 4, 0}, 4, {0, 0.25, 0.5, 0}},
      {lower_of_ones, {0, 9, 1, 2}, 2, {SOME, SOME}},
      {lower_of_ones, {2, 9, 1, 0}, 2, {0.5, SOME}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int type = 0; type < 2; type++) {
      bp_graph *g;
      bp_dtype t = type == 0 ? BP_F32 : BP_F64;
      double a64[4], y64[4];
      float a32[4], y32[4];
      for (int k = 0; k < 4; k++) a64[k] = rows[i].a[k], a32[k] = (float)a64[k];
      bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
      bp_var in = bp_input(g, "a", t, 2, (const int64_t[]){2, 2}), out = rows[i].build(&in);
      const void *at = t == BP_F64 ? (const void *)a64 : a32;
      void *to = t == BP_F64 ? (void *)y64 : y32;
      bt_assert_ok(bt_ctx(state), bp_eval(&out, 1, &in, 1, 0, &at, &to));
      for (int k = 0; k < rows[i].n; k++) {
        double got = t == BP_F64 ? y64[k] : (double)y32[k], want = rows[i].y[k];
        bool good = want == SOME ? !isfinite(got) : isnan(want) ? isnan(got) : got == want || fabs(got - want) < 1e-6;
        if (!good) fail_msg("case %zu, %s: element %d is %g, expected %g", i, bp_dtype_name(t), k, got, want);
      }
      bp_graph_free(g);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(factors_of_matrices_that_have_none_are_as_documented),
                                     BT_TEST(every_case_holds), BT_TEST(many_rows_are_cut_without_a_trace)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
