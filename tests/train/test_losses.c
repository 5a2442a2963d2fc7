/* Losses and their output units: values and gradients against formulas written out in long double, and at extreme logits. */
/* labels: unit grad */
#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "train/train_fixtures.h"

enum { MOST = 256 };

/* What a loss gives for z [rows, outputs]: rows' losses, output after the unit, gradient of the sum of losses. */
typedef struct answer {
  double loss[MOST], output[MOST], gradient[MOST];
} answer;

static void widen(bp_dtype dtype, const void *from, double *to, int n) {
  for (int i = 0; i < n; i++) to[i] = dtype == BP_F64 ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static void ask(bp_context *ctx, bp_loss loss, bp_dtype dtype, int rows, int outputs, const double *z,
                const void *target, answer *a) {
  float z32[MOST];
  double buffers[3][MOST];
  void *values[3] = {buffers[0], buffers[1], buffers[2]};
  bool classes = loss == BP_LOSS_CROSS_ENTROPY;
  bp_graph *graph = NULL;
  bt_assert_ok(ctx, bp_graph_new(ctx, &graph));
  bp_var in[2], out[3];
  in[0] = bp_input(graph, "z", dtype, 2, (int64_t[]){BP_BATCH, outputs});
  in[1] = classes ? bp_input(graph, "c", BP_I32, 1, (int64_t[]){BP_BATCH})
                  : bp_input(graph, "y", dtype, 2, (int64_t[]){BP_BATCH, outputs});
  out[0] = bp_loss_rows(loss, in[0], in[1]);
  out[1] = bp_loss_output(loss, in[0]);
  assert_int_equal(bp_var_rank(out[0]), 1);
  bt_assert_ok(ctx, bp_grad(bp_sum(out[0], BP_ALL_AXES), in, 1, &out[2]));
  for (int i = 0; i < rows * outputs; i++) z32[i] = (float)z[i];
  bt_assert_ok(ctx,
               bp_eval(out, 3, in, 2, rows, (const void *[]){dtype == BP_F64 ? (const void *)z : z32, target}, values));
  widen(dtype, values[0], a->loss, rows);
  widen(dtype, values[1], a->output, rows * outputs);
  widen(dtype, values[2], a->gradient, rows * outputs);
  bp_graph_free(graph);
}

/* ---- the oracles ---- */

static long double soft(const double *z, int n, int c) {
  long double sum = 0;
  for (int j = 0; j < n; j++) sum += expl((long double)z[j] - (long double)z[c]);
  return 1 / sum;
}

/* log(1 + e^x) */
static long double zeta(long double x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
static long double sigma(long double x) { return 1 / (1 + expl(-x)); }

static void fill(double *z, int n, double range, uint32_t seed) {
  for (int i = 0; i < n; i++) z[i] = (double)(float)(range * tt_noise(&seed));
}

/* ---- names ---- */

static void losses_are_found_by_their_names(void **state) {
  (void)state;
  for (int i = 0; i < BP_LOSS_COUNT; i++) {
    bp_loss found = BP_LOSS_COUNT;
    assert_non_null(bp_loss_name((bp_loss)i));
    assert_true(bp_loss_find(bp_loss_name((bp_loss)i), &found) && found == (bp_loss)i);
    assert_false(bp_loss_find("MSE", &found));
  }
  assert_string_equal(bp_loss_name(BP_LOSS_MSE), "mse");
  assert_null(bp_loss_name(BP_LOSS_COUNT));
}

/* ---- formulas ---- */

/* -log softmax(z)_c; gradient softmax(z) - one_hot(c) */
static void cross_entropy_is_minus_log_softmax(void **state) {
  enum { ROWS = 20, N = 7 };
  double z[ROWS * N];
  int32_t c[ROWS];
  answer a;
  fill(z, ROWS * N, 6, 1);
  for (int r = 0; r < ROWS; r++) c[r] = r % N;
  for (bp_dtype dtype = BP_F32; dtype <= BP_F64; dtype++) {
    double eps = dtype == BP_F64 ? 1e-14 : 2e-6;
    ask(bt_ctx(state), BP_LOSS_CROSS_ENTROPY, dtype, ROWS, N, z, c, &a);
    for (int r = 0; r < ROWS; r++) {
      bt_assert_close(a.loss[r], (double)-logl(soft(z + r * N, N, c[r])), eps, eps);
      for (int j = 0; j < N; j++) {
        double p = (double)soft(z + r * N, N, j);
        bt_assert_close(a.output[r * N + j], p, eps, 0);
        bt_assert_close(a.gradient[r * N + j], p - (j == c[r]), eps, eps);
      }
    }
  }
}

/* Σ over outputs of -y log σ(z) - (1-y) log(1-σ(z)); gradient σ(z) - y */
static void binary_cross_entropy_is_minus_log_sigmoid(void **state) {
  enum { ROWS = 30, N = 3 };
  double z[ROWS * N], y[ROWS * N];
  float y32[ROWS * N];
  answer a;
  fill(z, ROWS * N, 8, 2);
  for (int i = 0; i < ROWS * N; i++) y[i] = (double)(y32[i] = (float)(i % 5) / 4);
  for (bp_dtype dtype = BP_F32; dtype <= BP_F64; dtype++) {
    double eps = dtype == BP_F64 ? 1e-14 : 2e-6;
    ask(bt_ctx(state), BP_LOSS_BINARY_CROSS_ENTROPY, dtype, ROWS, N, z, dtype == BP_F64 ? (void *)y : y32, &a);
    for (int r = 0; r < ROWS; r++) {
      long double loss = 0;
      for (int i = r * N; i < (r + 1) * N; i++) {
        loss += (long double)y[i] * zeta(-z[i]) + (1 - (long double)y[i]) * zeta(z[i]);
        bt_assert_close(a.output[i], (double)sigma(z[i]), eps, 0);
        bt_assert_close(a.gradient[i], (double)(sigma(z[i]) - (long double)y[i]), eps, eps);
      }
      bt_assert_close(a.loss[r], (double)loss, eps, 0);
    }
  }
}

/* Mean over outputs of (z - y)²; gradient 2 (z - y) / outputs */
static void squared_error_is_a_mean_over_outputs(void **state) {
  enum { ROWS = 10, N = 4 };
  double z[ROWS * N], y[ROWS * N];
  float y32[ROWS * N];
  answer a;
  fill(z, ROWS * N, 3, 3);
  fill(y, ROWS * N, 3, 4);
  for (int i = 0; i < ROWS * N; i++) y32[i] = (float)y[i];
  for (bp_dtype dtype = BP_F32; dtype <= BP_F64; dtype++) {
    double eps = dtype == BP_F64 ? 1e-15 : 1e-6;
    ask(bt_ctx(state), BP_LOSS_MSE, dtype, ROWS, N, z, dtype == BP_F64 ? (void *)y : y32, &a);
    for (int r = 0; r < ROWS; r++) {
      double loss = 0;
      for (int i = r * N; i < (r + 1) * N; i++) {
        loss += (z[i] - y[i]) * (z[i] - y[i]) / N;
        bt_assert_close(a.output[i], z[i], 0, 0);
        bt_assert_close(a.gradient[i], 2 * (z[i] - y[i]) / N, eps, eps);
      }
      bt_assert_close(a.loss[r], loss, 2 * eps, 0);
    }
  }
}

/* ---- extreme logits ---- */

/* [1e30, 0]: the loss is 0 or 1e30, never NaN; so at the largest finite number, and with equal large logits log 2. */
static void cross_entropy_is_finite_for_any_finite_logits(void **state) {
  static const double z[] = {1e30, 0, 1e30, 0, -1e30, 0, 3.4e38, -1e30, 1e30, 1e30, -1e30, -1e30, 0, 0};
  static const int32_t c[] = {0, 1, 0, 0, 0, 1, 1};
  const double half = log(2), loss[] = {0, (double)1e30f, (double)1e30f, 0, half, half, half};
  answer a;
  ask(bt_ctx(state), BP_LOSS_CROSS_ENTROPY, BP_F32, 7, 2, z, c, &a);
  for (int r = 0; r < 7; r++) {
    bt_assert_close(a.loss[r], loss[r], 1e-6, r < 4 ? 0 : 1e30); /* 1e30 + log 2 - 1e30 keeps no log 2 in any float */
    assert_true(isfinite(a.loss[r]));
    for (int j = 0; j < 2; j++) {
      assert_true(a.output[r * 2 + j] >= 0 && a.output[r * 2 + j] <= 1);
      assert_true(fabs(a.gradient[r * 2 + j]) <= 1);
    }
    if (r < 4) bt_assert_close(a.output[r * 2] + a.output[r * 2 + 1], 1, 1e-6, 0);
  }
}

static void binary_cross_entropy_is_finite_for_any_finite_logits(void **state) {
  static const double z[] = {1e30, 1e30, -1e30, -1e30, 3.4e38, -3.4e38};
  static const float y[] = {1, 0, 1, 0, 1, 0};
  const double big = (double)1e30f, loss[] = {0, big, big, 0, 0, 0}, gradient[] = {0, 1, -1, 0, 0, 0};
  answer a;
  ask(bt_ctx(state), BP_LOSS_BINARY_CROSS_ENTROPY, BP_F32, 6, 1, z, y, &a);
  for (int i = 0; i < 6; i++) {
    bt_assert_close(a.loss[i], loss[i], 1e-6, 0);
    bt_assert_close(a.gradient[i], gradient[i], 0, 0);
  }
}

/* A confident right answer still has its small loss e^-|z| and its small gradient, in full relative precision: the unit
 * saturates only where the answer is right, and there it must not round to nothing. */
static void binary_cross_entropy_keeps_small_losses(void **state) {
  static const double z[] = {20, -20, 40, -40, 80, -80};
  static const float y[] = {1, 0, 1, 0, 1, 0};
  answer a;
  ask(bt_ctx(state), BP_LOSS_BINARY_CROSS_ENTROPY, BP_F32, 6, 1, z, y, &a);
  for (int i = 0; i < 6; i++) {
    double small = (double)zeta(-fabs(z[i]));
    bt_assert_close(a.loss[i], small, 1e-6, 0);
    bt_assert_close(a.gradient[i], z[i] > 0 ? -small : small, 1e-6, 0);
  }
}

/* At z = 0 the gradient is ½ - y, whatever the form. */
static void binary_cross_entropy_has_its_slope_at_zero(void **state) {
  static const double z[] = {0, 0, 0};
  static const float y[] = {0, 1, 0.25f};
  answer a;
  ask(bt_ctx(state), BP_LOSS_BINARY_CROSS_ENTROPY, BP_F32, 3, 1, z, y, &a);
  for (int i = 0; i < 3; i++) {
    bt_assert_close(a.loss[i], log(2), 1e-6, 0);
    bt_assert_close(a.gradient[i], 0.5 - (double)y[i], 1e-7, 0);
  }
}

/* ---- two classes ---- */

/* Softmax of (0, z) is (1 - σ(z), σ(z)), and the losses are equal. */
static void two_class_softmax_is_the_sigmoid(void **state) {
  enum { ROWS = 41 };
  double pairs[ROWS * 2], z[ROWS], y[ROWS];
  int32_t c[ROWS];
  answer two, one;
  for (int r = 0; r < ROWS; r++) {
    z[r] = (r - 20) * 0.75;
    pairs[2 * r] = 0;
    pairs[2 * r + 1] = z[r];
    c[r] = r % 2;
    y[r] = r % 2;
  }
  ask(bt_ctx(state), BP_LOSS_CROSS_ENTROPY, BP_F64, ROWS, 2, pairs, c, &two);
  ask(bt_ctx(state), BP_LOSS_BINARY_CROSS_ENTROPY, BP_F64, ROWS, 1, z, y, &one);
  for (int r = 0; r < ROWS; r++) {
    bt_assert_close(two.output[2 * r + 1], one.output[r], 1e-14, 0);
    bt_assert_close(two.output[2 * r], 1 - one.output[r], 1e-14, 1e-15);
    bt_assert_close(two.loss[r], one.loss[r], 1e-13, 1e-14);
    bt_assert_close(two.gradient[2 * r + 1], one.gradient[r], 1e-13, 1e-15);
  }
}

/* Softmax does not change when all logits are shifted. */
static void cross_entropy_ignores_a_shift(void **state) {
  enum { ROWS = 12, N = 5 };
  double z[ROWS * N], shifted[ROWS * N];
  int32_t c[ROWS];
  answer a, b;
  fill(z, ROWS * N, 2, 6);
  for (int r = 0; r < ROWS; r++)
    for (int k = r * N; k < r * N + N; k++) shifted[k] = z[k] + 64 * (1 + r); /* exact for these numbers */
  for (int r = 0; r < ROWS; r++) c[r] = (r * 3) % N;
  ask(bt_ctx(state), BP_LOSS_CROSS_ENTROPY, BP_F64, ROWS, N, z, c, &a);
  ask(bt_ctx(state), BP_LOSS_CROSS_ENTROPY, BP_F64, ROWS, N, shifted, c, &b);
  bt_assert_close_f64(a.output, b.output, ROWS * N, 1e-13, 0);
  bt_assert_close_f64(a.loss, b.loss, ROWS, 1e-11, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(losses_are_found_by_their_names),
      BT_TEST(cross_entropy_is_minus_log_softmax),
      BT_TEST(binary_cross_entropy_is_minus_log_sigmoid),
      BT_TEST(squared_error_is_a_mean_over_outputs),
      BT_TEST(cross_entropy_is_finite_for_any_finite_logits),
      BT_TEST(binary_cross_entropy_is_finite_for_any_finite_logits),
      BT_TEST(binary_cross_entropy_keeps_small_losses),
      BT_TEST(binary_cross_entropy_has_its_slope_at_zero),
      BT_TEST(two_class_softmax_is_the_sigmoid),
      BT_TEST(cross_entropy_ignores_a_shift),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
