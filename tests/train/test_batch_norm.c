/* labels: unit */
/* Running statistics behind a training: those of the training rows, whatever is left over for the last batch. */
#include "train/train_fixtures.h"

enum { UNITS = 4, LAYERS = 2 };

/* NEW dense, batch normalisation, twice, and a layer of classes. */
static tt_model normalised(bp_context *ctx, bp_dtype dtype, double momentum) {
  tt_model m = {0};
  bp_norm_options o = {.size = sizeof o, .momentum = momentum, .activation = {BP_TANH, 0, false}};
  bt_assert_ok(ctx, bp_net_new(ctx, TT_COLUMNS, dtype, &m.net));
  for (int l = 0; l < LAYERS; l++) {
    bt_assert_ok(ctx, bp_net_dense(ctx, m.net, UNITS, BP_IDENTITY, BP_INIT_AUTO));
    bt_assert_ok(ctx, bp_net_batch_norm(ctx, m.net, &o));
  }
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO));
  assert_true(bp_net_params(m.net) <= TT_PARAMS_MAX);
  for (int p = 0; p < bp_net_params(m.net); p++) m.params[p] = malloc(tt_bytes(&m, p));
  bp_net_init(m.net, 3, m.params);
  return m;
}

/* ---- exact statistics, by hand ---- */

/* Arrays of a layer and its normalisation: weight, bias, γ, β, mean, variance. */
enum { W, B, GAMMA, BETA, MEAN, VARIANCE, PER_LAYER };

/* One layer: x[rows][inputs] becomes its output, and mean and unbiased variance are those in front of the normalisation. */
static void exact_layer(const tt_model *m, int layer, int64_t rows, int inputs, double *x, double mean[UNITS],
                        double variance[UNITS]) {
  int first = layer * PER_LAYER;
  double *a = calloc((size_t)rows * UNITS, sizeof *a);
  for (int64_t r = 0; r < rows; r++)
    for (int u = 0; u < UNITS; u++) {
      a[r * UNITS + u] = tt_param(m, first + B, u);
      for (int i = 0; i < inputs; i++) a[r * UNITS + u] += x[r * inputs + i] * tt_param(m, first + W, i * UNITS + u);
    }
  for (int u = 0; u < UNITS; u++) {
    mean[u] = variance[u] = 0;
    for (int64_t r = 0; r < rows; r++) mean[u] += a[r * UNITS + u] / (double)rows;
    for (int64_t r = 0; r < rows; r++) variance[u] += pow(a[r * UNITS + u] - mean[u], 2) / (double)(rows - 1);
    double biased = variance[u] * (double)(rows - 1) / (double)rows;
    for (int64_t r = 0; r < rows; r++)
      x[r * UNITS + u] = tanh(tt_param(m, first + GAMMA, u) * (a[r * UNITS + u] - mean[u]) / sqrt(biased + 1e-5) +
                              tt_param(m, first + BETA, u));
  }
  free(a);
}

/* ---- against them ---- */
typedef struct pair {
  int64_t rows, batch;
  double momentum;
  int64_t steps; /* of an epoch */
} pair;

/* The weights do not move, so that statistics are of one network; the starting values have faded to 1e-9. Batches are drawn
 * without replacement: the deviation of a running mean is at most σ sqrt(m / ((2 - m) B)), that of a variance 2 σ² times so much.
 * The second layer sees rows that were normalised by their batch, which differs from exact ones by 1 / sqrt(B): of few rows, it is
 * another distribution. */
static void statistics_are_exact(bp_context *ctx, bp_dtype dtype, const pair *p) {
  tt_data *d = tt_data_new(1);
  tt_model m = normalised(ctx, dtype, p->momentum);
  bp_source rows = tt_classes(d, 0, p->rows);
  bp_fit_options o = tt_options();
  bp_fit_result result;
  o.lr = 1e-30;
  o.batch_size = p->batch;
  o.epochs = (int)(log(1e-9) / log(1 - p->momentum) / (double)p->steps) + 2;
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  assert_int_equal(result.steps, o.epochs * p->steps);
  double *x = malloc((size_t)p->rows * TT_COLUMNS * sizeof *x), mean[UNITS], variance[UNITS];
  memcpy(x, d->x64, (size_t)p->rows * TT_COLUMNS * sizeof *x);
  double full = (double)(p->batch < p->rows ? p->batch : p->rows);
  double noise = full < (double)p->rows ? sqrt(p->momentum / (2 - p->momentum) / full) : 0;
  for (int l = 0; l < (noise == 0 || full >= 16 ? LAYERS : 1); l++) {
    exact_layer(&m, l, p->rows, l == 0 ? TT_COLUMNS : UNITS, x, mean, variance);
    double other = l > 0 && noise > 0 ? 0.5 / sqrt(full) : 0;
    for (int u = 0; u < UNITS; u++) {
      double sd = sqrt(variance[u]);
      bt_assert_close(tt_param(&m, l * PER_LAYER + MEAN, u), mean[u], 1e-5, (4 * noise + other) * sd + 1e-6);
      bt_assert_close(tt_param(&m, l * PER_LAYER + VARIANCE, u), variance[u], 8 * noise + other + 1e-5, 0);
    }
  }
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(x);
  free(d);
}

static void every_remainder_counts_by_its_rows(void **state) {
  static const pair pairs[] = {
      {128, 64, 0.1, 2},   {129, 128, 0.1, 1}, {129, 64, 0.1, 2},   {17, 16, 0.1, 1},    {33, 16, 0.1, 2},
      {130, 128, 0.1, 2},  {130, 64, 0.1, 3},  {18, 16, 0.1, 2},    {255, 128, 0.1, 2},  {31, 16, 0.1, 2},
      {200, 128, 0.1, 2},  {129, 128, 0.5, 1}, {129, 64, 0.02, 2},  {130, 128, 0.02, 2}, {257, 128, 0.01, 2},
      {258, 128, 0.01, 3}, {500, 7, 0.01, 72}, {400, 3, 0.01, 133}, {100, 100, 0.1, 1},  {100, 1000, 0.1, 1},
      {401, 2, 0.01, 200}, {130, 128, 0.3, 2}, {2, 2, 0.1, 1},      {3, 2, 0.1, 1},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    statistics_are_exact(bt_ctx(state), BP_F32, &pairs[i]);
    statistics_are_exact(bt_ctx(state), BP_F64, &pairs[i]);
  }
}

/* ---- the last batch ---- */

static bp_action note_rows(void *user, const bp_fit_step *step) {
  ((int64_t *)user)[step->step - 1] = step->rows;
  return BP_GO_ON;
}

/* Rows of the batches of an epoch, with and without normalisation. */
static void batches(bp_context *ctx, bool normalises, int64_t n, int64_t size, const int64_t *expected) {
  int64_t seen[TT_ROWS_MAX] = {0};
  tt_data *d = tt_data_new(1);
  tt_model m = normalises ? normalised(ctx, BP_F32, 0) : tt_model_new(ctx, BP_F32, 5, 3);
  bp_source rows = tt_classes(d, 0, n);
  bp_fit_options o = tt_options();
  bp_fit_result result;
  o.epochs = 1;
  o.batch_size = size;
  o.step = note_rows;
  o.step_user = seen;
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  for (int64_t s = 0; s < result.steps; s++) assert_int_equal(seen[s], expected[s]);
  assert_int_equal(expected[result.steps], 0);
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(d);
}

static void a_last_row_alone_joins_the_batch_before_it(void **state) {
  bp_context *ctx = bt_ctx(state);
  batches(ctx, true, 17, 8, (int64_t[]){8, 9, 0});
  batches(ctx, true, 9, 8, (int64_t[]){9, 0});
  batches(ctx, true, 18, 8, (int64_t[]){8, 8, 2, 0});
  batches(ctx, true, 16, 8, (int64_t[]){8, 8, 0});
  batches(ctx, true, 5, 2, (int64_t[]){2, 3, 0});
  batches(ctx, true, 7, 100, (int64_t[]){7, 0});
  batches(ctx, false, 17, 8, (int64_t[]){8, 8, 1, 0});
  batches(ctx, false, 3, 1, (int64_t[]){1, 1, 1, 0});
  batches(ctx, false, 1, 8, (int64_t[]){1, 0});
}

static void one_row_has_no_deviation(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  tt_model m = normalised(ctx, BP_F32, 0);
  bp_source rows = tt_classes(d, 0, 40);
  bp_fit_options o = tt_options();
  bp_fit_result result = {0};
  o.batch_size = 1;
  bt_assert_fails(ctx, BP_E_ARG, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  bt_assert_message(ctx, "batch size is 1, but layer 1 (batch_norm) divides by the deviation within a batch");
  rows.rows = 1;
  o.batch_size = 16;
  bt_assert_fails(ctx, BP_E_DATA, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  bt_assert_message(ctx, "training: 1 row, but layer 1 (batch_norm)");
  tt_model_release(&m);
  free(d);
}

/* A step that meets a number that is not finite is run again, the joined batch of odd size too. */
static void divergence_in_the_joined_batch_is_found(void **state) {
  bp_context *ctx = bt_ctx(state);
  tt_data *d = tt_data_new(1);
  tt_model m = normalised(ctx, BP_F32, 0);
  bp_source rows = tt_classes(d, 0, 33);
  bp_fit_options o = tt_options();
  bp_fit_result result = {0};
  o.lr = 1e5;
  o.l2 = 1e5;
  o.epochs = 40;
  bt_assert_fails(ctx, BP_E_DIVERGED, bp_fit(ctx, m.net, m.params, &rows, NULL, &o, &result));
  bt_assert_message(ctx, "try a smaller learning rate");
  bp_fit_result_release(ctx, &result);
  tt_model_release(&m);
  free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_remainder_counts_by_its_rows),
      BT_TEST(a_last_row_alone_joins_the_batch_before_it),
      BT_TEST(one_row_has_no_deviation),
      BT_TEST(divergence_in_the_joined_batch_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
