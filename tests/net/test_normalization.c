/* labels: unit */
/* test_normalization.c - batch and layer normalisation against the formulas, in training and in use. */
#include "net/layer_fixtures.h"

enum { ROWS = 13, MOST = 600 };

/* ---- batch normalisation ---- */

static void batch_norm_in_training_is_that_of_the_formulas(void **state) {
  enum { N = 4 };
  nt_setup s = nt_begin(state, N);
  bp_norm_options o = {.size = sizeof o, .epsilon = 1e-3, .momentum = 0.25};
  double x[ROWS * N], y[ROWS * N], expected[ROWS * N];
  bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
  nt_fill(&s);
  nt_noise_rows(x, ROWS * N);
  const double *gamma = s.params[0], *beta = s.params[1], *old_mean = s.params[2], *old_var = s.params[3];
  double new_mean[N], new_var[N];
  for (int j = 0; j < N; j++) {
    double mean = 0, variance = 0;
    for (int r = 0; r < ROWS; r++) mean += x[r * N + j] / ROWS;
    for (int r = 0; r < ROWS; r++) variance += (x[r * N + j] - mean) * (x[r * N + j] - mean) / ROWS;
    for (int r = 0; r < ROWS; r++)
      expected[r * N + j] = gamma[j] * (x[r * N + j] - mean) / sqrt(variance + 1e-3) + beta[j];
    new_mean[j] = 0.75 * old_mean[j] + 0.25 * mean;
    new_var[j] = 0.75 * old_var[j] + 0.25 * variance * ROWS / (ROWS - 1);
  }
  for (int threads = 0; threads < 4; threads++) {
    nt_apply(&s, (nt_run){.training = true, .threads = threads}, ROWS, x, y);
    bt_assert_close_f64(y, expected, ROWS * N, 1e-13, 1e-13);
    bt_assert_close_f64(s.after[2], new_mean, N, 1e-14, 1e-14);
    bt_assert_close_f64(s.after[3], new_var, N, 1e-14, 1e-14);
  }
  nt_end(&s);
}

static void batch_norm_in_use_takes_the_running_statistics(void **state) {
  enum { N = 3 };
  nt_setup s = nt_begin(state, N);
  bp_norm_options o = {.size = sizeof o};
  double x[ROWS * N], y[ROWS * N], expected[ROWS * N], alone[N];
  bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
  nt_fill(&s);
  nt_noise_rows(x, ROWS * N);
  const double *gamma = s.params[0], *beta = s.params[1], *mean = s.params[2], *variance = s.params[3];
  for (int i = 0; i < ROWS * N; i++)
    expected[i] = gamma[i % N] * (x[i] - mean[i % N]) / sqrt(variance[i % N] + 1e-5) + beta[i % N];
  nt_apply(&s, (nt_run){.threads = 1}, ROWS, x, y);
  bt_assert_close_f64(y, expected, ROWS * N, 1e-14, 1e-14);
  nt_apply(&s, (nt_run){.threads = 1}, 1, x + 5 * N, alone);
  bt_assert_same_bits(alone, y + 5 * N, sizeof alone);
  nt_end(&s);
}

/* Of n rows of a full batch of B, a mean counts n / B of the momentum, a variance (n - 1) / (B - 1); never more than all. */
static void batch_norm_counts_a_short_batch_by_its_rows(void **state) {
  static const struct {
    int64_t batch;
    double momentum, mean, variance;
  } cases[] = {
      {ROWS, 0.25, 0.25, 0.25},
      {2 * ROWS - 1, 0.25, 0.25 * ROWS / (2 * ROWS - 1), 0.125},
      {10 * ROWS, 0.9, 0.09, 0.9 * (ROWS - 1) / (10 * ROWS - 1)},
      {ROWS - 1, 0.1, 0.1 * ROWS / (ROWS - 1), 0.1 * (ROWS - 1) / (ROWS - 2)},
      {ROWS / 2, 0.9, 1, 1},
      {0, 0.25, 0.25, 0.25},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nt_setup s = nt_begin(state, 1);
    bp_norm_options o = {.size = sizeof o, .momentum = cases[i].momentum};
    double x[ROWS], y[ROWS], mean = 0, variance = 0;
    bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
    nt_fill(&s);
    nt_noise_rows(x, ROWS);
    for (int r = 0; r < ROWS; r++) mean += x[r] / ROWS;
    for (int r = 0; r < ROWS; r++) variance += (x[r] - mean) * (x[r] - mean) / (ROWS - 1);
    double old_mean = *(double *)s.params[2], old_variance = *(double *)s.params[3];
    for (int threads = 0; threads < 3; threads++) {
      nt_apply(&s, (nt_run){.training = true, .threads = threads, .batch = cases[i].batch}, ROWS, x, y);
      bt_assert_close(s.after[2][0], old_mean + cases[i].mean * (mean - old_mean), 1e-14, 1e-14);
      bt_assert_close(s.after[3][0], old_variance + cases[i].variance * (variance - old_variance), 1e-14, 1e-14);
    }
    nt_end(&s);
  }
}

/* A batch of one row has no variance: the result is β, nothing is infinite, and the running variance stays. */
static void batch_norm_of_one_row_is_finite(void **state) {
  nt_setup s = nt_begin(state, 2);
  bp_norm_options o = {.size = sizeof o};
  const double x[2] = {3, -7};
  double y[2];
  bt_assert_ok(s.ctx, bp_net_batch_norm(s.ctx, s.net, &o));
  nt_fill(&s);
  nt_apply(&s, (nt_run){.training = true, .threads = 1}, 1, x, y);
  bt_assert_close_f64(y, s.params[1], 2, 0, 0);
  for (int j = 0; j < 2; j++) {
    bt_assert_close(s.after[2][j], 0.9 * ((double *)s.params[2])[j] + 0.1 * x[j], 1e-15, 1e-15);
    bt_assert_close(s.after[3][j], ((double *)s.params[3])[j], 1e-15, 0);
  }
  nt_end(&s);
}

static void layer_norm_is_that_of_the_formula(void **state) {
  enum { N = 6 };
  nt_setup s = nt_begin(state, N);
  bp_norm_options o = {.size = sizeof o, .activation = {BP_RELU, 0, false}};
  double x[ROWS * N], y[ROWS * N], trained[ROWS * N], expected[ROWS * N];
  bt_assert_ok(s.ctx, bp_net_layer_norm(s.ctx, s.net, &o));
  nt_fill(&s);
  nt_noise_rows(x, ROWS * N);
  for (int r = 0; r < ROWS; r++) {
    double mean = 0, variance = 0;
    for (int j = 0; j < N; j++) mean += x[r * N + j] / N;
    for (int j = 0; j < N; j++) variance += (x[r * N + j] - mean) * (x[r * N + j] - mean) / N;
    for (int j = 0; j < N; j++) {
      double a =
          ((double *)s.params[0])[j] * (x[r * N + j] - mean) / sqrt(variance + 1e-5) + ((double *)s.params[1])[j];
      expected[r * N + j] = a > 0 ? a : 0;
    }
  }
  nt_apply(&s, (nt_run){.threads = 1}, ROWS, x, y);
  nt_apply(&s, (nt_run){.training = true, .threads = 2}, ROWS, x, trained);
  bt_assert_close_f64(y, expected, ROWS * N, 1e-13, 1e-13);
  bt_assert_same_bits(y, trained, sizeof y);
  nt_end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(batch_norm_in_training_is_that_of_the_formulas),
      BT_TEST(batch_norm_in_use_takes_the_running_statistics),
      BT_TEST(batch_norm_counts_a_short_batch_by_its_rows),
      BT_TEST(batch_norm_of_one_row_is_finite),
      BT_TEST(layer_norm_is_that_of_the_formula),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
