/* Operations that move elements, and sums along an axis: values against naive loops, derivatives in both modes. */
/* labels: grad */
#include "autodiff/op_check.h"

/* ---- slice ---- */
static bp_var slice_middle(const bp_var *x) { return (bp_slice)(x[0], 1, 1, 6, 2); }
static void slice_middle_oracle(const double *const *x, double *y) {
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++) y[(i * 3 + j) * 3 + k] = x[0][(i * 7 + 1 + 2 * j) * 3 + k];
}
static bp_var slice_leading(const bp_var *x) { return (bp_slice)(x[0], 0, -3, BP_END, 1); }
static void slice_leading_oracle(const double *const *x, double *y) { memcpy(y, x[0] + 2 * 6, 3 * 6 * sizeof *y); }
static bp_var slice_down(const bp_var *x) { return (bp_slice)(x[0], -1, BP_END, -BP_END, -2); }
static void slice_down_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++)
    for (int k = 0; k < 4; k++) y[r * 4 + k] = x[0][r * 7 + 6 - 2 * k];
}
static bp_var slice_nonlinear(const bp_var *x) { return bp_tanh((bp_slice)(bp_square(x[0]), 0, 1, 3, 1)); }

/* ---- pad, flip ---- */
static bp_var pad_zeros(const bp_var *x) { return (bp_pad)(x[0], 0, 2, 1, 0); }
static void pad_zeros_oracle(const double *const *x, double *y) { memcpy(y + 2 * 3, x[0], 4 * 3 * sizeof *y); }
static bp_var pad_seven(const bp_var *x) { return (bp_pad)(bp_sin(x[0]), 1, 1, 2, 7); }
static void pad_seven_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++)
    for (int k = 0; k < 6; k++) y[r * 6 + k] = k >= 1 && k < 4 ? sin(x[0][r * 3 + k - 1]) : 7;
}
static bp_var flip(const bp_var *x) { return bp_flip(x[0], 1); }
static void flip_oracle(const double *const *x, double *y) {
  for (int r = 0; r < 4; r++)
    for (int k = 0; k < 3; k++) y[r * 3 + k] = x[0][r * 3 + 2 - k];
}

/* ---- concat, stack ---- */
static bp_var concat_columns(const bp_var *x) {
  return bp_exp(bp_concat((bp_var[]){x[0], bp_square(x[1]), x[0], x[2]}, 4, 1));
}
static void concat_columns_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++) {
    double *row = y + r * 9;
    for (int k = 0; k < 3; k++) row[k] = row[5 + k] = exp(x[0][r * 3 + k]);
    for (int k = 0; k < 2; k++) row[3 + k] = exp(x[1][r * 2 + k] * x[1][r * 2 + k]);
    row[8] = exp(x[2][r]);
  }
}
static bp_var concat_rows(const bp_var *x) { return bp_concat((bp_var[]){x[0], x[1]}, 2, 0); }
static void concat_rows_oracle(const double *const *x, double *y) {
  memcpy(y, x[0], 6 * sizeof *y);
  memcpy(y + 6, x[1], 12 * sizeof *y);
}
static bp_var stack_first(const bp_var *x) { return bp_stack((bp_var[]){x[0], bp_tanh(x[1])}, 2, 0); }
static void stack_first_oracle(const double *const *x, double *y) {
  for (int k = 0; k < 6; k++) y[k] = x[0][k], y[6 + k] = tanh(x[1][k]);
}
static bp_var stack_last(const bp_var *x) { return bp_stack((bp_var[]){x[0], x[1], x[0]}, 3, -1); }
static void stack_last_oracle(const double *const *x, double *y) {
  for (int k = 0; k < OC_BATCH * 2; k++) y[3 * k] = y[3 * k + 2] = x[0][k], y[3 * k + 1] = x[1][k];
}
static bp_var concat_many(const bp_var *x) {
  bp_var parts[60];
  for (int i = 0; i < 60; i++) parts[i] = (bp_slice)(x[0], 0, i, i + 1, 1);
  for (int i = 0; i < 60; i += 3) parts[i] = bp_square(parts[i]);
  return bp_concat(parts, 60, 0);
}
static void concat_many_oracle(const double *const *x, double *y) {
  for (int i = 0; i < 60; i++) y[i] = i % 3 == 0 ? x[0][i] * x[0][i] : x[0][i];
}

/* ---- diagonals and triangles ---- */
static bp_var diag(const bp_var *x) { return bp_diag(bp_square(x[0])); }
static void diag_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++)
    for (int k = 0; k < 3; k++) y[r * 9 + k * 4] = x[0][r * 3 + k] * x[0][r * 3 + k];
}
static bp_var diag_part(const bp_var *x) { return bp_exp((bp_diag_part)(x[0])); }
static void diag_part_oracle(const double *const *x, double *y) {
  for (int r = 0; r < 2; r++)
    for (int k = 0; k < 4; k++) y[r * 4 + k] = exp(x[0][r * 16 + k * 5]);
}
static void diag_part_wide_oracle(const double *const *x, double *y) {
  for (int r = 0; r < 2; r++)
    for (int k = 0; k < 2; k++) y[r * 2 + k] = exp(x[0][r * 10 + k * 6]);
}
static void diag_part_tall_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++)
    for (int k = 0; k < 2; k++) y[r * 2 + k] = exp(x[0][r * 10 + k * 3]);
}
static void diag_part_column_oracle(const double *const *x, double *y) { y[0] = exp(x[0][0]); }
static bp_var tril(const bp_var *x) { return bp_tril(bp_square(x[0]), -1); }
static void tril_oracle(const double *const *x, double *y) {
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 5; j++) y[i * 5 + j] = j <= i - 1 ? x[0][i * 5 + j] * x[0][i * 5 + j] : 0;
}
static bp_var triu(const bp_var *x) { return bp_triu(x[0], 1); }
static void triu_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++)
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 2; j++) y[(r * 3 + i) * 2 + j] = j >= i + 1 ? x[0][(r * 3 + i) * 2 + j] : 0;
}

/* ---- running sums ---- */
static bp_var cumsum_rows(const bp_var *x) { return bp_cumsum(bp_square(x[0]), 0); }
static void cumsum_rows_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++)
    for (int k = 0; k < 3; k++) y[r * 3 + k] = x[0][r * 3 + k] * x[0][r * 3 + k] + (r > 0 ? y[(r - 1) * 3 + k] : 0);
}
static bp_var cumsum_last(const bp_var *x) { return bp_tanh(bp_cumsum(x[0], -1)); }
static void cumsum_last_oracle(const double *const *x, double *y) {
  for (int r = 0; r < OC_BATCH; r++) {
    double sum = 0;
    for (int k = 0; k < 7; k++) y[r * 7 + k] = tanh(sum += x[0][r * 7 + k]);
  }
}

static const op_case cases[] = {
    {"slice, every second", slice_middle, 1, {{3, {4, 7, 3}}}, -2, 2, .oracle = slice_middle_oracle},
    {"slice, last rows", slice_leading, 1, {{3, {5, 2, 3}}}, -2, 2, .oracle = slice_leading_oracle},
    {"slice, downwards", slice_down, 1, {{2, {BP_BATCH, 7}}}, -2, 2, .oracle = slice_down_oracle},
    {"slice of a function", slice_nonlinear, 1, {{2, {4, 3}}}, -1, 1, .oracle = NULL},
    {"pad with 0", pad_zeros, 1, {{2, {4, 3}}}, -2, 2, .oracle = pad_zeros_oracle},
    {"pad with 7",
     pad_seven,
     1,
     {{2, {BP_BATCH, 3}}},
     -2,
     2,
     .oracle = pad_seven_oracle,
     .value_f32 = 2e-7,
     .value_f64 = 4e-16},
    {"flip", flip, 1, {{2, {4, 3}}}, -2, 2, .oracle = flip_oracle},
    {"concat, columns",
     concat_columns,
     3,
     {{2, {BP_BATCH, 3}}, {2, {BP_BATCH, 2}}, {2, {BP_BATCH, 1}}},
     -1,
     1,
     .oracle = concat_columns_oracle,
     .value_f32 = 4e-7,
     .value_f64 = 8e-16},
    {"concat, rows", concat_rows, 2, {{2, {2, 3}}, {2, {4, 3}}}, -1, 1, .oracle = concat_rows_oracle},
    {"stack, first",
     stack_first,
     2,
     {{2, {2, 3}}, {2, {2, 3}}},
     -1,
     1,
     .oracle = stack_first_oracle,
     .value_f32 = 2e-7,
     .value_f64 = 4e-16},
    {"stack, last", stack_last, 2, {{2, {BP_BATCH, 2}}, {2, {BP_BATCH, 2}}}, -1, 1, .oracle = stack_last_oracle},
    {"concat of sixty", concat_many, 1, {{1, {60}}}, -1, 1, .oracle = concat_many_oracle, .value_f32 = 1e-7},
    {"diag", diag, 1, {{2, {BP_BATCH, 3}}}, -1, 1, .oracle = diag_oracle, .value_f32 = 1e-7},
    {"diag_part",
     diag_part,
     1,
     {{3, {2, 4, 4}}},
     -1,
     1,
     .oracle = diag_part_oracle,
     .value_f32 = 2e-7,
     .value_f64 = 4e-16},
    {"diag_part, wide",
     diag_part,
     1,
     {{3, {2, 2, 5}}},
     -1,
     1,
     .oracle = diag_part_wide_oracle,
     .value_f32 = 2e-7,
     .value_f64 = 4e-16},
    {"diag_part, tall",
     diag_part,
     1,
     {{3, {BP_BATCH, 5, 2}}},
     -1,
     1,
     .oracle = diag_part_tall_oracle,
     .value_f32 = 2e-7,
     .value_f64 = 4e-16},
    {"diag_part, column",
     diag_part,
     1,
     {{2, {7, 1}}},
     -1,
     1,
     .oracle = diag_part_column_oracle,
     .value_f32 = 2e-7,
     .value_f64 = 4e-16},
    {"tril", tril, 1, {{2, {4, 5}}}, -1, 1, .oracle = tril_oracle, .value_f32 = 1e-7},
    {"triu", triu, 1, {{3, {BP_BATCH, 3, 2}}}, -1, 1, .oracle = triu_oracle},
    {"cumsum, rows", cumsum_rows, 1, {{2, {BP_BATCH, 3}}}, -1, 1, .oracle = cumsum_rows_oracle, .value_f32 = 4e-7},
    {"cumsum, last",
     cumsum_last,
     1,
     {{2, {BP_BATCH, 7}}},
     -1,
     1,
     .oracle = cumsum_last_oracle,
     .value_f32 = 1e-5,
     .value_f64 = 4e-15},
};

/* Leading axes long enough to be cut; and pieces that are computed whole between pieces that are cut. */
static bp_var long_slice(const bp_var *x) { return bp_tanh((bp_slice)(bp_square(x[0]), 0, 190, 3, -2)); }
static bp_var long_pad(const bp_var *x) { return bp_exp((bp_pad)(bp_sin(x[0]), 0, 33, 50, 0)); }
static bp_var long_concat(const bp_var *x) {
  return bp_square(bp_concat((bp_var[]){bp_sin(x[0]), x[0], bp_cos(x[0])}, 3, 0));
}
static bp_var long_triangle(const bp_var *x) { return (bp_matmul)(bp_tril(x[0], 3), bp_triu(bp_square(x[0]), -3)); }
static bp_var long_cumsum(const bp_var *x) { return bp_exp(bp_cumsum(bp_sin(bp_cumsum(bp_cos(x[0]), 0)), 1)); }
static bp_var long_factors(const bp_var *x) {
  bp_var spd = (bp_add)((bp_matmul_t)(x[0], false, x[0], true), bp_diag(bp_square((bp_diag_part)(x[0]))));
  return bp_tanh((bp_solve)(bp_sin(x[0]), (bp_solve_triangular)((bp_cholesky)(spd), bp_cos(x[0]), true, true)));
}
static void heavy_diagonal(int i, double *x) {
  for (int k = 0; i == 0 && k < 64 * 64; k += 65) x[k] += 9;
}
static const op_case long_cases[] = {
    {"long slice", long_slice, 1, {{2, {200, 3}}}, -1, 1, .oracle = NULL},
    {"long pad", long_pad, 1, {{2, {70, 3}}}, -1, 1, .oracle = NULL},
    {"long concat", long_concat, 1, {{2, {70, 3}}}, -1, 1, .oracle = NULL},
    {"long triangle", long_triangle, 1, {{2, {64, 64}}}, -1, 1, .oracle = NULL},
    {"long cumsum", long_cumsum, 1, {{2, {100, 5}}}, -1, 1, .oracle = NULL},
    {"long cumsum, batch", long_cumsum, 1, {{2, {BP_BATCH, 5}}}, -1, 1, .oracle = NULL},
    {"long factors", long_factors, 1, {{2, {64, 64}}}, -1, 1, .fill = heavy_diagonal},
};

static void long_axes_are_cut_without_a_trace(void **state) {
  for (size_t i = 0; i < sizeof long_cases / sizeof *long_cases; i++) op_check_bits(bt_ctx(state), &long_cases[i]);
}

static void every_case_holds(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check(bt_ctx(state), &cases[i]);
}

static void many_rows_are_cut_without_a_trace(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) op_check_bits(bt_ctx(state), &cases[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(every_case_holds), BT_TEST(many_rows_are_cut_without_a_trace),
                                     BT_TEST(long_axes_are_cut_without_a_trace)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
