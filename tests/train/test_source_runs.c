/* Rows whose categories are numbers train as the same rows of ones and zeros do, to the bit. */
/* labels: unit prop */
#include "train/train_fixtures.h"

enum { ROWS = 150, COLUMNS = 15, WIDTH = 3, RUNS = 2 };
static const bp_source_run runs[RUNS] = {{1, 5}, {7, 7}}; /* columns 0, 6 and 14 are numbers */

typedef struct rows {
  float dense[ROWS * COLUMNS], packed[ROWS * WIDTH], values[ROWS];
  double packed64[ROWS * WIDTH];
  int32_t ones[ROWS * RUNS], places[ROWS];
} rows;

/* NEW; free(). Some rows have none of a run. */
static rows *new_rows(void) {
  rows *r = calloc(1, sizeof *r);
  uint32_t seed = 7;
  assert_non_null(r);
  for (int i = 0; i < ROWS; i++) {
    float *dense = r->dense + (ptrdiff_t)i * COLUMNS;
    dense[0] = (float)tt_noise(&seed), dense[6] = (float)tt_noise(&seed), dense[14] = (float)tt_noise(&seed);
    for (int c = 0; c < WIDTH; c++) {
      r->packed[i * WIDTH + c] = dense[c == 0 ? 0 : c == 1 ? 6 : 14];
      r->packed64[i * WIDTH + c] = (double)r->packed[i * WIDTH + c];
    }
    r->values[i] = dense[0];
    for (int k = 0; k < RUNS; k++) {
      int32_t one = (int32_t)((tt_noise(&seed) + 1) / 2 * (double)(runs[k].count + 1)) - 1;
      r->ones[i * RUNS + k] = one;
      if (one >= 0) dense[runs[k].first + one] = 1, r->values[i] += 0.2f * (float)one;
    }
    r->places[i] = (i * 7 + 3) % ROWS;
  }
  return r;
}

static bp_source dense_source(const rows *r) {
  return (bp_source){.rows = ROWS,
                     .columns = COLUMNS,
                     .dtype = BP_F32,
                     .features = r->dense,
                     .scale = 1,
                     .target_dtype = BP_F32,
                     .outputs = 1,
                     .targets = r->values};
}

static bp_source packed_source(const rows *r, bp_dtype dtype) {
  bp_source s = dense_source(r);
  s.dtype = dtype;
  s.features = dtype == BP_F64 ? (const void *)r->packed64 : r->packed;
  s.runs = runs;
  s.n_runs = RUNS;
  s.ones = r->ones;
  return s;
}

/* NEW: the first run embedded, then 4 units, then one. */
static tt_model new_model(bp_context *ctx, bp_dtype dtype) {
  const bp_embedding_block block = {runs[0].first, runs[0].count, 2};
  tt_model m = {0};
  bt_assert_ok(ctx, bp_net_new(ctx, COLUMNS, dtype, &m.net));
  bt_assert_ok(ctx, bp_net_embedding(ctx, m.net, &block, 1));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, 4, BP_TANH, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_dense(ctx, m.net, 1, BP_IDENTITY, BP_INIT_AUTO));
  for (int p = 0; p < bp_net_params(m.net); p++) m.params[p] = malloc(tt_bytes(&m, p));
  bp_net_init(m.net, 5, m.params);
  return m;
}

static bp_fit_options options_of(bp_optimizer optimizer) {
  bp_fit_options o = tt_options();
  o.objective.loss = BP_LOSS_MSE;
  o.optimizer = optimizer;
  o.momentum = optimizer == BP_SGD ? 0.9 : 0;
  o.lr = optimizer == BP_LBFGS || optimizer == BP_LM ? 0 : 0.01;
  if (bp_optimizer_full_batch(optimizer)) o.batch_size = 0;
  return o;
}

static void assert_same_fit(bp_context *ctx, bp_dtype dtype, bp_optimizer optimizer, const bp_source *a,
                            const bp_source *b) {
  bp_fit_options o = options_of(optimizer);
  bp_fit_result of_a, of_b;
  tt_model m = new_model(ctx, dtype), n = new_model(ctx, dtype), start = new_model(ctx, dtype);
  bt_assert_ok(ctx, bp_fit(ctx, m.net, m.params, a, a, &o, &of_a));
  o.threads = 2;
  bt_assert_ok(ctx, bp_fit(ctx, n.net, n.params, b, b, &o, &of_b));
  assert_true(tt_same_params(&m, &n));
  assert_false(tt_same_params(&m, &start));
  assert_true(of_a.history[of_a.epochs - 1].valid_loss == of_b.history[of_b.epochs - 1].valid_loss);
  bp_fit_result_release(ctx, &of_a);
  bp_fit_result_release(ctx, &of_b);
  tt_model_release(&m);
  tt_model_release(&n);
  tt_model_release(&start);
}

static void numbers_train_as_ones_and_zeros(void **state) {
  static const bp_optimizer optimizers[] = {BP_SGD, BP_ADAM, BP_RPROP, BP_LBFGS, BP_LM};
  rows *r = new_rows();
  bp_source dense = dense_source(r);
  for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
    for (bp_dtype net = BP_F32; net <= BP_F64; net++)
      for (bp_dtype dtype = BP_F32; dtype <= BP_F64; dtype++) {
        bp_source packed = packed_source(r, dtype);
        assert_same_fit(bt_ctx(state), net, optimizers[i], &dense, &packed);
      }
  free(r);
}

static void numbers_may_stand_anywhere(void **state) {
  rows *r = new_rows();
  bp_source dense = dense_source(r), packed = packed_source(r, BP_F32);
  dense.places = packed.places = r->places;
  dense.stored = packed.stored = ROWS;
  assert_same_fit(bt_ctx(state), BP_F32, BP_SGD, &dense, &packed);
  free(r);
}

static void columns_may_all_be_in_runs(void **state) {
  static const bp_source_run all[] = {{0, 10}, {10, 5}};
  bp_context *ctx = bt_ctx(state);
  rows *r = new_rows();
  bp_source dense = dense_source(r), packed = packed_source(r, BP_F32);
  memset(r->dense, 0, sizeof r->dense);
  for (int i = 0; i < ROWS; i++) {
    r->ones[i * 2] = i % 10, r->ones[i * 2 + 1] = i % 6 - 1;
    r->dense[i * COLUMNS + i % 10] = 1;
    if (i % 6 > 0) r->dense[i * COLUMNS + 10 + i % 6 - 1] = 1;
  }
  packed.runs = all;
  packed.features = NULL;
  assert_same_fit(ctx, BP_F32, BP_ADAM, &dense, &packed);
  free(r);
}

/* ---- refusals ---- */

typedef struct refusal {
  bp_source_run runs[RUNS];
  int32_t one; /* of the last row */
  bp_dtype dtype;
  double scale, shift;
  const char *words;
} refusal;

static const refusal refusals[] = {
    {{{1, 5}, {7, 7}}, 7, BP_F32, 1, 0, "training: run 1 of row 149 is 7, expected -1 to 6"},
    {{{1, 5}, {7, 7}}, -2, BP_F32, 1, 0, "training: run 1 of row 149 is -2, expected -1 to 6"},
    {{{1, 5}, {5, 7}}, 0, BP_F32, 1, 0, "training: run 1 is 7 columns from 5 on, expected some of 15"},
    {{{1, 5}, {7, 9}}, 0, BP_F32, 1, 0, "training: run 1 is 9 columns from 7 on, expected some of 15"},
    {{{1, 5}, {7, INT64_MAX}}, 0, BP_F32, 1, 0, "training: run 1 is 9223372036854775807 columns from 7 on"},
    {{{-1, 5}, {7, 7}}, 0, BP_F32, 1, 0, "training: run 0 is 5 columns from -1 on"},
    {{{1, 0}, {7, 7}}, 0, BP_F32, 1, 0, "training: run 0 is 0 columns from 1 on"},
    {{{1, 5}, {7, 7}}, 0, BP_U8, 1, 0, "training: runs beside features of uint8 times 1 plus 0; expected float32"},
    {{{1, 5}, {7, 7}}, 0, BP_F32, 2, 0, "training: runs beside features of float32 times 2 plus 0; expected"},
    {{{1, 5}, {7, 7}}, 0, BP_F32, 1, 3, "training: runs beside features of float32 times 1 plus 3; expected"},
};

static void bad_runs_are_refused_with_their_place(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_fit_options o = options_of(BP_SGD);
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    rows *r = new_rows();
    bp_source s = packed_source(r, refusals[i].dtype);
    bp_fit_result result = {0};
    tt_model m = new_model(ctx, BP_F32);
    s.runs = refusals[i].runs;
    s.scale = refusals[i].scale;
    s.shift = refusals[i].shift;
    r->ones[ROWS * RUNS - 1] = refusals[i].one;
    bt_assert_fails(ctx, BP_E_DATA, bp_fit(ctx, m.net, m.params, &s, NULL, &o, &result));
    bt_assert_message(ctx, refusals[i].words);
    tt_model_release(&m);
    free(r);
  }
}

/* ---- memory ---- */

static bp_status fit_once(bp_context *ctx, void *user) {
  bp_source s = packed_source(user, BP_F32);
  bp_fit_options o = options_of(BP_SGD);
  bp_fit_result result = {0};
  bp_net *net = NULL;
  float w[COLUMNS], b[1];
  void *const params[] = {w, b};
  bp_status status = bp_net_new(ctx, COLUMNS, BP_F32, &net);
  if (status == BP_OK) status = bp_net_dense(ctx, net, 1, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) {
    bp_net_init(net, 1, params);
    status = bp_fit(ctx, net, params, &s, &s, &o, &result);
  }
  if (status == BP_OK) bp_fit_result_release(ctx, &result);
  bp_net_free(net);
  return status;
}

static void a_failed_allocation_ends_the_fit_cleanly(void **state) {
  (void)state;
  rows *r = new_rows();
  assert_true(bt_alloc_sweep(fit_once, r) > 20);
  free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(numbers_train_as_ones_and_zeros),
      BT_TEST(numbers_may_stand_anywhere),
      BT_TEST(columns_may_all_be_in_runs),
      BT_TEST(bad_runs_are_refused_with_their_place),
      BT_TEST(a_failed_allocation_ends_the_fit_cleanly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
