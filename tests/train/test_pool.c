/* labels: unit grad oom */
/* One prediction of several members: against means of what each predicts, computed in float64 by loops. */
#include "backprop/gradcheck.h"
#include "backprop/net.h"
#include "backprop/ops.h"
#include "train/train_fixtures.h"

enum { ROWS = 7, MOST = 64 * 8 };

static bp_objective objective(bp_context *ctx, bp_loss loss, bp_output output, bool classes, int64_t width) {
  bp_objective o;
  bt_assert_ok(ctx, bp_objective_resolve(ctx, &(bp_objective){.loss = loss, .output = output}, classes, width, &o));
  return o;
}

/* Pooled z, and its predictions, of z [rows, members · units]. */
static void pool(bp_context *ctx, const bp_objective *o, bp_dtype dtype, int64_t rows, int64_t columns, const void *z,
                 void *pooled, void *predicted) {
  bp_graph *g = NULL;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var in = bp_input(g, "z", dtype, 2, (int64_t[]){BP_BATCH, columns}), out[2];
  out[0] = bp_objective_pool(o, in);
  out[1] = bp_objective_predict(o, out[0]);
  assert_int_equal(bp_var_dim(out[0], 1), bp_objective_units(o));
  bt_assert_ok(ctx, bp_eval(out, 2, &in, 1, rows, &z, (void *[]){pooled, predicted}));
  bp_graph_free(g);
}

static void fill(double *z, int64_t n, uint32_t seed) {
  for (int64_t i = 0; i < n; i++) z[i] = 3 * tt_noise(&seed);
}

/* ---- by hand: predictions [rows, width of the prediction] of members by formula, and their mean ---- */

/* What one member of `units` outputs at z predicts: into p. */
typedef void (*predict_fn)(const double *z, int64_t units, double *p);

static void softmax(const double *z, int64_t units, double *p) {
  double total = 0;
  for (int64_t c = 0; c < units; c++) total += exp(z[c]);
  for (int64_t c = 0; c < units; c++) p[c] = exp(z[c]) / total;
}
static void sigmoid(const double *z, int64_t units, double *p) {
  for (int64_t c = 0; c < units; c++) p[c] = 1 / (1 + exp(-z[c]));
}
static void two_classes(const double *z, int64_t units, double *p) {
  assert_int_equal(units, 1);
  p[1] = 1 / (1 + exp(-z[0]));
  p[0] = 1 - p[1];
}
static void exponential(const double *z, int64_t units, double *p) {
  for (int64_t c = 0; c < units; c++) p[c] = exp(z[c]);
}
static void itself(const double *z, int64_t units, double *p) {
  for (int64_t c = 0; c < units; c++) p[c] = z[c];
}

static void predictions_are_means_of_predictions(void **state) {
  static const struct {
    bp_loss loss;
    bp_output output;
    bool classes;
    int64_t width, units;
    predict_fn predict;
  } rows[] = {
      {BP_LOSS_CROSS_ENTROPY, BP_OUTPUT_SOFTMAX, true, 4, 4, softmax},
      {BP_LOSS_CROSS_ENTROPY, BP_OUTPUT_SOFTMAX, true, 2, 2, softmax},
      {BP_LOSS_BINARY_CROSS_ENTROPY, BP_OUTPUT_SIGMOID, true, 2, 1, two_classes},
      {BP_LOSS_BINARY_CROSS_ENTROPY, BP_OUTPUT_SIGMOID, false, 3, 3, sigmoid},
      {BP_LOSS_POISSON, BP_OUTPUT_EXP, false, 2, 2, exponential},
      {BP_LOSS_MSE, BP_OUTPUT_IDENTITY, false, 3, 3, itself},
      {BP_LOSS_MAE, BP_OUTPUT_IDENTITY, false, 1, 1, itself},
  };
  static const int members[] = {2, 3, 8, 64};
  static double z[ROWS * MOST], pooled[ROWS * MOST], predicted[ROWS * MOST];
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
      bp_objective o = objective(ctx, rows[i].loss, rows[i].output, rows[i].classes, rows[i].width);
      int64_t units = rows[i].units, columns = members[k] * units, width = rows[i].width;
      assert_int_equal(bp_objective_units(&o), units);
      fill(z, ROWS * columns, (uint32_t)i + 1);
      pool(ctx, &o, BP_F64, ROWS, columns, z, pooled, predicted);
      for (int r = 0; r < ROWS; r++) {
        double mean[8] = {0}, p[8];
        for (int m = 0; m < members[k]; m++) {
          rows[i].predict(z + r * columns + m * units, units, p);
          for (int64_t c = 0; c < width; c++) mean[c] += p[c] / members[k];
        }
        bt_assert_close_f64(predicted + r * width, mean, (size_t)width, 1e-13, 1e-15);
      }
    }
}

/* The mixture of N(μ, σ²): its mean, and variance mean(σ² + μ²) - mean(μ)². */
static void means_and_variances_are_those_of_the_mixture(void **state) {
  enum { WIDTH = 2, MEMBERS = 5, COLUMNS = MEMBERS * 2 * WIDTH };
  bp_context *ctx = bt_ctx(state);
  bp_objective o = objective(ctx, BP_LOSS_GAUSSIAN_VARIANCE, BP_OUTPUT_AUTO, false, WIDTH);
  double z[ROWS * COLUMNS], pooled[ROWS * 2 * WIDTH], predicted[ROWS * 2 * WIDTH];
  fill(z, ROWS * COLUMNS, 5);
  pool(ctx, &o, BP_F64, ROWS, COLUMNS, z, pooled, predicted);
  for (int r = 0; r < ROWS; r++)
    for (int c = 0; c < WIDTH; c++) {
      double mean = 0, square = 0;
      for (int m = 0; m < MEMBERS; m++) {
        const double *own = z + r * COLUMNS + m * 2 * WIDTH;
        mean += own[c] / MEMBERS;
        square += (exp(own[WIDTH + c]) + own[c] * own[c]) / MEMBERS;
      }
      bt_assert_close(pooled[r * 2 * WIDTH + c], mean, 1e-13, 1e-14);
      bt_assert_close(pooled[r * 2 * WIDTH + WIDTH + c], log(square - mean * mean), 1e-11, 1e-12);
      bt_assert_close(predicted[r * 2 * WIDTH + c], mean, 1e-13, 1e-14);
      bt_assert_close(predicted[r * 2 * WIDTH + WIDTH + c], sqrt(square - mean * mean), 1e-11, 1e-12);
    }
}

/* Logits that float32 can just tell: probabilities are means of 0 and 1, and the loss of the right class is finite. */
static void extreme_logits_stay_finite(void **state) {
  static const float z[] = {1e30f, 0, 0,     1e30f, /* each is sure of another class */
                            1e30f, 0, 1e30f, 0,     -1e30f, 1e30f, 0, 0, 90, -90, 90, -90};
  static const double expected[] = {0.5, 0.5, 1, 0, 0.25, 0.75, 1, 0};
  static const float one[] = {1e30f, -1e30f, 1e30f, 1e30f, -1e30f, -1e30f, 0, 1e30f};
  static const double expected_one[] = {0.5, 0.5, 0, 1, 1, 0, 0.25, 0.75};
  float pooled[8], predicted[8];
  bp_context *ctx = bt_ctx(state);
  bp_objective o = objective(ctx, BP_LOSS_CROSS_ENTROPY, BP_OUTPUT_SOFTMAX, true, 2);
  pool(ctx, &o, BP_F32, 4, 4, z, pooled, predicted);
  for (int i = 0; i < 8; i++) assert_true(isfinite(pooled[i]));
  for (int i = 0; i < 8; i++) bt_assert_close((double)predicted[i], expected[i], 1e-6, 1e-30);
  o = objective(ctx, BP_LOSS_BINARY_CROSS_ENTROPY, BP_OUTPUT_SIGMOID, true, 2);
  pool(ctx, &o, BP_F32, 4, 2, one, pooled, predicted);
  for (int i = 0; i < 4; i++) assert_true(isfinite(pooled[i]));
  for (int i = 0; i < 8; i++) bt_assert_close((double)predicted[i], expected_one[i], 1e-6, 1e-30);
}

/* A logit far from 0 keeps its digits: log p - log(1 - p) is not taken from a p that is 1. */
static void equal_members_are_one(void **state) {
  static const double z[] = {40, 40, -40, -40, 700, 700, 1e-9, 1e-9};
  double pooled[4], predicted[8];
  bp_context *ctx = bt_ctx(state);
  bp_objective o = objective(ctx, BP_LOSS_BINARY_CROSS_ENTROPY, BP_OUTPUT_SIGMOID, true, 2);
  pool(ctx, &o, BP_F64, 4, 2, z, pooled, predicted);
  for (int r = 0; r < 4; r++) bt_assert_close(pooled[r], z[2 * r], 1e-14, 1e-15);
}

static void one_member_is_left_as_it_is(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int loss = 0; loss < 2; loss++) {
    bp_objective o = loss ? objective(ctx, BP_LOSS_GAUSSIAN_VARIANCE, BP_OUTPUT_AUTO, false, 2)
                          : objective(ctx, BP_LOSS_CROSS_ENTROPY, BP_OUTPUT_AUTO, true, 4);
    bp_graph *g = NULL;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var z = bp_input(g, "z", BP_F32, 2, (int64_t[]){BP_BATCH, 4}), same = bp_objective_pool(&o, z);
    assert_true(same.graph == z.graph && same.id == z.id);
    bp_graph_free(g);
  }
}

/* ---- derivatives ---- */

static void derivatives_agree_with_differences(void **state) {
  enum { MEMBERS = 3 };
  bp_context *ctx = bt_ctx(state);
  const bp_objective objectives[] = {
      objective(ctx, BP_LOSS_CROSS_ENTROPY, BP_OUTPUT_SOFTMAX, true, 3),
      objective(ctx, BP_LOSS_BINARY_CROSS_ENTROPY, BP_OUTPUT_SIGMOID, false, 2),
      objective(ctx, BP_LOSS_POISSON, BP_OUTPUT_EXP, false, 2),
      objective(ctx, BP_LOSS_GAUSSIAN_VARIANCE, BP_OUTPUT_AUTO, false, 2),
      objective(ctx, BP_LOSS_MSE, BP_OUTPUT_IDENTITY, false, 2),
  };
  for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++) {
    const bp_objective *o = &objectives[i];
    int64_t columns = MEMBERS * bp_objective_units(o);
    double z[ROWS * 16];
    const void *values[] = {z};
    bp_graph *g = NULL;
    fill(z, ROWS * columns, 3);
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var in = bp_input(g, "z", BP_F64, 2, (int64_t[]){BP_BATCH, columns}), y[2];
    y[0] = bp_objective_pool(o, in);
    y[1] = bp_objective_predict(o, y[0]);
    bp_gradcheck_options check = {.size = sizeof check, .richardson = true, .relative = 1e-7, .absolute = 1e-8};
    bt_assert_ok(ctx, bp_gradcheck(y, 2, NULL, 0, &in, 1, ROWS, values, &check, NULL));
    bp_graph_free(g);
  }
}

/* ---- errors and memory ---- */

/* Columns that are no members, or more than there may be, are an error of the graph. */
static void columns_that_are_no_members_are_an_error(void **state) {
  static const struct {
    int64_t columns;
    const char *words;
  } bad[] = {
      {0, "members: z has 0 columns, expected 1 to 64 times the 4 of the loss"},
      {3, "members: z has 3 columns, expected 1 to 64 times the 4 of the loss"},
      {6, "members: z has 6 columns"},
      {65 * 4, "members: z has 260 columns"},
      {100000 * 4, "members: z has 400000 columns"},
  };
  bp_context *ctx = bt_ctx(state);
  bp_objective o = objective(ctx, BP_LOSS_CROSS_ENTROPY, BP_OUTPUT_AUTO, true, 4);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bp_graph *g = NULL;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var z = bp_input(g, "z", BP_F32, 2, (int64_t[]){BP_BATCH, bad[i].columns});
    assert_true(bp_var_is_zero(bp_objective_pool(&o, z)));
    assert_int_equal(bp_graph_status(g), BP_E_SHAPE);
    if (!strstr(bp_graph_message(g), bad[i].words)) fail_msg("%s", bp_graph_message(g));
    bp_graph_free(g);
  }
}

static void a_vector_is_an_error(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_objective o = objective(ctx, BP_LOSS_CROSS_ENTROPY, BP_OUTPUT_AUTO, true, 4);
  bp_graph *g = NULL;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  assert_true(bp_var_is_zero(bp_objective_pool(&o, bp_input(g, "z", BP_F32, 1, (int64_t[]){8}))));
  assert_int_equal(bp_graph_status(g), BP_E_SHAPE);
  bp_graph_free(g);
}

static bp_status pool_once(bp_context *ctx, void *user) {
  const bp_objective *o = user;
  bp_graph *g = NULL;
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  bp_var p = bp_objective_pool(o, bp_input(g, "z", BP_F32, 2, (int64_t[]){BP_BATCH, 64 * bp_objective_units(o)}));
  status = bp_graph_status(g);
  assert_int_equal(bp_var_is_zero(p), status != BP_OK);
  bp_graph_free(g);
  return status;
}

static void every_allocation_may_fail(void **state) {
  bp_objective o = objective(bt_ctx(state), BP_LOSS_GAUSSIAN_VARIANCE, BP_OUTPUT_AUTO, false, 2);
  assert_true(bt_alloc_sweep(pool_once, &o) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(predictions_are_means_of_predictions),
      BT_TEST(means_and_variances_are_those_of_the_mixture),
      BT_TEST(extreme_logits_stay_finite),
      BT_TEST(equal_members_are_one),
      BT_TEST(one_member_is_left_as_it_is),
      BT_TEST(derivatives_agree_with_differences),
      BT_TEST(columns_that_are_no_members_are_an_error),
      BT_TEST(a_vector_is_an_error),
      BT_TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
