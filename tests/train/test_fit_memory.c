/* What bp_fit() asks of the allocator: little, nothing for a step, and a clean end when it gets nothing. */
/* labels: unit oom */
#include "train/train_fixtures.h"

/* ---- every allocation fails in turn ---- */

typedef struct sweep {
  tt_data *data;
  bp_optimizer optimizer;
  bp_loss loss;
  int threads;
  bool regularized; /* penalties, clipping and max-norm */
} sweep;

/* 18 epochs, so that the history grows while training is on; its one block is the only thing that can then fail. */
static bp_status fit_once(bp_context *ctx, void *user) {
  const sweep *s = user;
  bool classes = s->loss == BP_LOSS_CROSS_ENTROPY;
  bp_source train = classes ? tt_classes(s->data, 0, 30) : tt_values(s->data, 0, 30);
  bp_source valid = classes ? tt_classes(s->data, 30, 20) : tt_values(s->data, 30, 20);
  bp_fit_options o = tt_options();
  bp_fit_result result = {.epochs = 777};
  tt_model m = {0};
  float w1[TT_COLUMNS * 4], b1[4], w2[4 * TT_CLASSES], b2[TT_CLASSES];
  void *const params[] = {w1, b1, w2, b2};
  bp_status status = bp_net_new(ctx, TT_COLUMNS, BP_F32, &m.net);
  if (status != BP_OK) return status;
  status = bp_net_dense(ctx, m.net, 4, BP_TANH, BP_INIT_AUTO);
  if (status == BP_OK) status = bp_net_dense(ctx, m.net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO);
  if (status == BP_OK) {
    bp_net_init(m.net, 1, params);
    o.optimizer = s->optimizer;
    o.momentum = s->optimizer == BP_SGD ? 0.9 : 0;
    o.objective.loss = s->loss;
    o.lr = 0.01;
    o.epochs = 18;
    o.patience = 18;
    o.norms = bp_optimizer_full_batch(s->optimizer) ? BP_NORMS_NEVER : BP_NORMS_EPOCH;
    o.threads = s->threads;
    if (bp_optimizer_full_batch(s->optimizer)) o.batch_size = 0;
    if (s->regularized) o.l1 = o.l2 = o.clip_value = o.clip_norm = o.max_norm = 0.5;
    status = bp_fit(ctx, m.net, params, &train, &valid, &o, &result);
    if (status != BP_OK) assert_true(result.epochs == 777 && result.history == NULL);
    if (status == BP_OK) bp_fit_result_release(ctx, &result);
  }
  bp_net_free(m.net);
  return status;
}

static void a_failed_allocation_ends_the_fit_cleanly(void **state) {
  (void)state;
  sweep s = {.data = tt_data_new(1), .loss = BP_LOSS_CROSS_ENTROPY, .threads = 1};
  assert_true(bt_alloc_sweep(fit_once, &s) > 20);
  s.optimizer = BP_ADAM;
  s.loss = BP_LOSS_BINARY_CROSS_ENTROPY;
  s.threads = 2;
  assert_true(bt_alloc_sweep(fit_once, &s) > 20);
  s.optimizer = BP_RPROP;
  s.regularized = true;
  s.threads = 1;
  assert_true(bt_alloc_sweep(fit_once, &s) > 20);
  free(s.data);
}

/* ---- how much, and how often ---- */

typedef struct use {
  size_t calls, peak, left;
} use;

/* What one fit does with the allocator of the case's context. */
static use measure(void **state, const bp_source *train, int epochs, int64_t hidden, bool keep_result) {
  bt_alloc_state *memory = &bt_fixture_of(state)->memory;
  bp_context *ctx = bt_ctx(state);
  bp_fit_options o = tt_options();
  bp_fit_result result = {0};
  bp_net *net = NULL;
  void *params[4];
  o.epochs = epochs;
  bt_assert_ok(ctx, bp_net_new(ctx, train->columns, BP_F32, &net));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, hidden, BP_TANH, BP_INIT_AUTO));
  bt_assert_ok(ctx, bp_net_dense(ctx, net, TT_CLASSES, BP_IDENTITY, BP_INIT_AUTO));
  for (int p = 0; p < 4; p++) params[p] = malloc((size_t)bp_net_param(net, p).elements * sizeof(float));
  bp_net_init(net, 1, params);
  size_t calls = memory->calls, live = memory->live_bytes;
  memory->peak_bytes = live;
  bt_assert_ok(ctx, bp_fit(ctx, net, params, train, NULL, &o, &result));
  use u = {memory->calls - calls, memory->peak_bytes - live, memory->live_bytes - live};
  if (keep_result) assert_int_equal(u.left, result.history_capacity * sizeof(bp_epoch)); /* nothing but the history */
  bp_fit_result_release(ctx, &result);
  assert_int_equal(memory->live_bytes, live);
  for (int p = 0; p < 4; p++) free(params[p]);
  bp_net_free(net);
  return u;
}

static void a_step_does_not_allocate(void **state) {
  tt_data *d = tt_data_new(1);
  bp_source few = tt_classes(d, 0, 100), many = tt_classes(d, 0, 500);
  use two = measure(state, &few, 2, 8, true), four = measure(state, &few, 4, 8, true);
  assert_int_equal(two.calls, four.calls); /* 7 steps an epoch; the history has room for the first 16 epochs */
  assert_int_equal(measure(state, &many, 4, 8, true).calls, four.calls);
  assert_int_equal(measure(state, &few, 16, 8, true).calls, four.calls);
  assert_int_equal(measure(state, &few, 17, 8, true).calls, four.calls + 1);
  assert_int_equal(measure(state, &few, 33, 8, true).calls, four.calls + 2);
  assert_int_equal(two.peak, four.peak);
  free(d);
}

/* 100,000 rows of 64 bytes: the peak holds the order of the rows (4 bytes each), and neither the rows nor their floats. */
static void the_data_set_is_not_copied(void **state) {
  enum { ROWS = 100000, COLUMNS = 64 };
  uint8_t *bytes = malloc((size_t)ROWS * COLUMNS);
  int32_t *classes = malloc(ROWS * sizeof *classes);
  uint32_t noise = 1;
  for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++) bytes[i] = (uint8_t)(127.5 + 127 * tt_noise(&noise));
  for (int i = 0; i < ROWS; i++) classes[i] = i % TT_CLASSES;
  bp_source train = {ROWS,    COLUMNS, BP_U8, bytes, 1.0 / 255, 0, BP_I32, TT_CLASSES,
                     classes, NULL,    NULL,  0,     NULL,      0, NULL};
  use large = measure(state, &train, 1, 8, true);
  train.rows = 1000;
  use small = measure(state, &train, 1, 8, true);
  print_message("peak of bp_fit: %zu bytes for 1,000 rows, %zu for 100,000 (of %zu bytes)\n", small.peak, large.peak,
                (size_t)ROWS * COLUMNS);
  assert_in_range(large.peak - small.peak, 0, 4 * (ROWS - 1000) + 64);
  assert_in_range(small.peak, 1, 1 << 18);
  free(bytes);
  free(classes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_failed_allocation_ends_the_fit_cleanly),
      BT_TEST(a_step_does_not_allocate),
      BT_TEST(the_data_set_is_not_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
