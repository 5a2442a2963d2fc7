/* Checkpoints: a run that was stopped after any step and went on gives the file of the run that was not; and the
 * checkpoint of another run is refused with a clear line. Bad files are in test_checkpoint_bad.c. */
/* labels: unit io oom */
#include "model/checkpoint_fixtures.h"

/* ---- the same file ---- */

static void stopped_anywhere(bp_context *ctx, bt_target target, bp_dtype dtype, bp_optimizer optimizer,
                             double momentum) {
  run r;
  begin(&r, ctx, target, dtype);
  r.options.fit.optimizer = optimizer;
  r.options.fit.momentum = momentum;
  stopped_at_each_step(&r, 12);
  end(&r);
}

/* Batches of 8, 8 and 2; of 17 and one more row, which joins it; of 4, 4, 4, 4 and 2. */
static void batch_normalisation_is_the_same(void **state) {
  static const int64_t steps[][2] = {{8, 12}, {17, 4}, {4, 20}};
  for (int i = 0; i < 3; i++) {
    run r;
    begin(&r, bt_ctx(state), BT_THREE, i == 1 ? BP_F64 : BP_F32);
    r.options.normalize = BP_NORMALIZE_BATCH;
    r.options.fit.batch_size = steps[i][0];
    stopped_at_each_step(&r, steps[i][1]);
    end(&r);
  }
}

static void adam_f32_is_the_same(void **state) { stopped_anywhere(bt_ctx(state), BT_THREE, BP_F32, BP_ADAM, 0); }
static void sgd_f64_is_the_same(void **state) { stopped_anywhere(bt_ctx(state), BT_TWO, BP_F64, BP_SGD, 0.9); }
static void values_are_the_same(void **state) { stopped_anywhere(bt_ctx(state), BT_VALUE, BP_F32, BP_SGD, 0); }

/* Stopped, resumed, stopped again, and so on: one step at a time. */
static void a_run_of_many_parts_is_the_same(void **state) {
  run r;
  size_t size;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  assert_int_equal(train(&r, &r.options), BP_STOP_EPOCHS);
  char *whole = bt_read_file(r.model, &size);
  for (int64_t step = 1; step <= 12; step++) {
    asker a = {.at = step, .action = BP_SUSPEND, .calls = step - 1};
    bp_train_options o = r.options;
    o.checkpoint = r.checkpoint;
    o.resume = step > 1 ? r.checkpoint : NULL;
    o.fit.step = ask;
    o.fit.step_user = &a;
    assert_int_equal(train(&r, &o), BP_STOP_SUSPENDED);
    assert_int_equal(a.calls, step);
  }
  bp_train_options o = r.options;
  o.resume = r.checkpoint;
  assert_int_equal(train(&r, &o), BP_STOP_EPOCHS);
  assert_true(bt_file_is(r.model, whole, size));
  free(whole);
  end(&r);
}

/* A run that was over when its last checkpoint was written is over at once. */
static void patience_and_tolerance_end_at_the_same_place(void **state) {
  run r;
  size_t size;
  for (int i = 0; i < 2; i++) {
    begin(&r, bt_ctx(state), BT_THREE, BP_F32);
    r.options.fit.epochs = 500;
    r.options.fit.patience = i == 0 ? 2 : 0;
    r.options.fit.tolerance = i == 0 ? 0 : 0.05;
    r.options.fit.lr = i == 0 ? 0.5 : 0.01;
    bp_train_options o = r.options;
    o.checkpoint = r.checkpoint;
    o.checkpoint_every = 1;
    bp_stop stop = train(&r, &o);
    assert_int_equal(stop, i == 0 ? BP_STOP_PATIENCE : BP_STOP_TOLERANCE);
    char *whole = bt_read_file(r.model, &size);
    o = r.options;
    o.resume = r.checkpoint;
    assert_int_equal(train(&r, &o), stop);
    assert_true(bt_file_is(r.model, whole, size));
    free(whole);
    end(&r);
  }
}

/* ---- when, and what ---- */

static void checkpoints_come_every_so_often(void **state) {
  run r;
  bp_checkpoint *checkpoint = NULL;
  const bp_epoch *history;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  bp_train_options o = r.options;
  o.checkpoint = r.checkpoint;
  o.checkpoint_note = "who: \"me\" ü";
  o.checkpoint_every = 5;
  o.checkpoint_steps = true;
  (void)train(&r, &o);
  bt_assert_ok(r.ctx, bp_checkpoint_read(r.ctx, r.checkpoint, &checkpoint));
  assert_int_equal(bp_checkpoint_steps(checkpoint), 10);
  assert_int_equal(bp_checkpoint_epoch(checkpoint), 4);
  assert_int_equal(bp_checkpoint_rows(checkpoint), 8);
  assert_string_equal(bp_checkpoint_note(checkpoint), "who: \"me\" ü");
  assert_int_equal(bp_checkpoint_history(checkpoint, &history), 3);
  assert_true(history[2].epoch == 3 && history[2].steps == 9 && history[2].train_loss > 0 && history[2].valid_loss > 0);
  bp_checkpoint_free(checkpoint);
  o.checkpoint_steps = false;
  o.checkpoint_every = 3;
  (void)train(&r, &o);
  bt_assert_ok(r.ctx, bp_checkpoint_read(r.ctx, r.checkpoint, &checkpoint));
  assert_int_equal(bp_checkpoint_steps(checkpoint), 9);
  assert_int_equal(bp_checkpoint_rows(checkpoint), 0);
  bp_checkpoint_free(checkpoint);
  end(&r);
}

static void a_checkpoint_can_be_asked_for(void **state) {
  run r;
  bp_checkpoint *checkpoint = NULL;
  asker a = {.at = 7, .action = BP_CHECKPOINT};
  begin(&r, bt_ctx(state), BT_TWO, BP_F32);
  bp_train_options o = r.options;
  o.checkpoint = r.checkpoint;
  o.fit.step = ask;
  o.fit.step_user = &a;
  assert_int_equal(train(&r, &o), BP_STOP_EPOCHS);
  assert_int_equal(a.calls, 12);
  bt_assert_ok(r.ctx, bp_checkpoint_read(r.ctx, r.checkpoint, &checkpoint));
  assert_int_equal(bp_checkpoint_steps(checkpoint), 7);
  assert_string_equal(bp_checkpoint_note(checkpoint), "");
  bp_checkpoint_free(checkpoint);
  end(&r);
}

/* ---- refusals ---- */

static void other_settings_are_named(void **state) {
  run r;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  bp_train_options was = r.options;
  r.options.fit.lr = 0.02;
  refused(&r, BP_E_ARG, "made with lr 0.01, this run has 0.02");
  r.options = was;
  r.options.fit.epochs = 9;
  refused(&r, BP_E_ARG, "made with epochs 4, this run has 9");
  r.options = was;
  r.options.fit.optimizer = BP_SGD;
  refused(&r, BP_E_ARG, "made with optimizer adam, this run has sgd");
  r.options = was;
  r.options.hidden[0] = 6;
  refused(&r, BP_E_ARG, "layers[0].units 5, that of this run 6");
  r.options = was;
  r.options.dtype = BP_F64;
  refused(&r, BP_E_ARG, "dtype float32, that of this run float64");
  r.options = was;
  r.options.fit.seed = 8; /* another split as well, but the seed is the reason */
  refused(&r, BP_E_ARG, "made with seed 7, this run has 8");
  r.options = was;
  r.options.fit.patience = 0;
  refused(&r, BP_E_ARG, "made with patience 50, this run has 0");
  r.options = was;
  r.options.fit.threads = 3; /* which decide nothing */
  r.options.fit.time_limit = 100;
  bp_train_options o = r.options;
  o.resume = r.checkpoint;
  assert_int_equal(train(&r, &o), BP_STOP_EPOCHS);
  end(&r);
}

static void other_data_are_named(void **state) {
  run r;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  bp_train_options was = r.options;
  r.options.valid_fraction = 0.4;
  refused(&r, BP_E_DATA, "18 training rows then, 15 now");
  r.options = was;
  r.options.ignore = "colour";
  refused(&r, BP_E_DATA, "in what was learnt from the columns, features[1] was");
  r.options = was;
  bp_table_free(r.table);
  r.table = bt_table_of(r.ctx, BT_TWO, BT_ROWS);
  refused(&r, BP_E_DATA, "the data are not those of the checkpoint");
  bp_table_free(r.table);
  r.table = bt_table_of(r.ctx, BT_THREE, BT_ROWS + 8);
  refused(&r, BP_E_DATA, "training rows then");
  end(&r);
}

/* Two values of a column change places: mean and scale stay, the rows are others. */
static void a_single_value_is_noticed(void **state) {
  run r;
  double x[BT_ROWS], y[BT_ROWS];
  begin(&r, bt_ctx(state), BT_VALUE, BP_F32);
  for (int swap = 0; swap < 2; swap++) {
    for (int i = 0; i < BT_ROWS; i++) x[i] = i % 5, y[i] = 0.25 * i;
    if (swap) x[3] = 4, x[4] = 3;
    bp_table_free(r.table);
    bt_assert_ok(r.ctx, bp_table_new(r.ctx, BT_ROWS, &r.table));
    bt_assert_ok(r.ctx, bp_table_add_numbers(r.ctx, r.table, "x", x));
    bt_assert_ok(r.ctx, bp_table_add_numbers(r.ctx, r.table, "y", y));
    r.options.valid_fraction = 0;
    r.options.fit.patience = 0;
    if (!swap) suspend_at(&r, 2);
  }
  refused(&r, BP_E_DATA, "as many rows, but other values");
  end(&r);
}

/* ---- memory, and disks ---- */

/* Train until step 4, and go on. */
static bp_status there_and_back(bp_context *ctx, void *user) {
  run *r = user;
  bp_model *model = NULL;
  asker a = {.at = 4, .action = BP_SUSPEND};
  bp_train_options o = r->options;
  o.checkpoint = r->checkpoint;
  o.fit.step = ask;
  o.fit.step_user = &a;
  bp_table *table = bt_table_of(ctx, BT_THREE, BT_ROWS);
  if (!table) return BP_E_NOMEM;
  bp_status status = bp_model_train(ctx, table, NULL, &o, &model, NULL);
  if (status == BP_OK) {
    bp_model_free(model);
    model = NULL;
    o = r->options;
    o.resume = r->checkpoint;
    status = bp_model_train(ctx, table, NULL, &o, &model, NULL);
  }
  bp_model_free(model);
  bp_table_free(table);
  return status;
}

static void every_allocation_may_fail(void **state) {
  run r;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  r.options.fit.epochs = 2;
  assert_true(bt_alloc_sweep(there_and_back, &r) > 100);
  end(&r);
}

/* The old checkpoint, and what the sweep wants to see of it. */
typedef struct disk {
  run run;
  char *old;
  size_t size;
} disk;

static bp_status write_over(bp_context *ctx, void *user) {
  disk *d = user;
  bp_model *model = NULL;
  asker a = {.at = 4, .action = BP_SUSPEND};
  bp_train_options o = d->run.options;
  bt_write_file(d->run.checkpoint, d->old, d->size);
  o.checkpoint = d->run.checkpoint;
  o.fit.step = ask;
  o.fit.step_user = &a;
  bp_status status = bp_model_train(ctx, d->run.table, NULL, &o, &model, NULL);
  bp_model_free(model);
  return status;
}

static void old_or_new(bp_status status, void *user) {
  disk *d = user;
  bp_checkpoint *checkpoint = NULL;
  assert_int_equal(bt_dir_entries(&d->run.dir), 2); /* no temporary is left */
  if (status != BP_OK) assert_true(bt_file_is(d->run.checkpoint, d->old, d->size));
  bt_assert_ok(d->run.ctx, bp_checkpoint_read(d->run.ctx, d->run.checkpoint, &checkpoint));
  assert_int_equal(bp_checkpoint_steps(checkpoint), status == BP_OK ? 4 : 2);
  bp_checkpoint_free(checkpoint);
}

static void a_full_disk_leaves_the_old_checkpoint(void **state) {
  disk d;
  begin(&d.run, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&d.run, 2);
  d.old = bt_read_file(d.run.checkpoint, &d.size);
  assert_true(bt_io_sweep(write_over, old_or_new, &d) > 5);
  free(d.old);
  end(&d.run);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(adam_f32_is_the_same),
      BT_TEST(sgd_f64_is_the_same),
      BT_TEST(values_are_the_same),
      BT_TEST(batch_normalisation_is_the_same),
      BT_TEST(a_run_of_many_parts_is_the_same),
      BT_TEST(patience_and_tolerance_end_at_the_same_place),
      BT_TEST(checkpoints_come_every_so_often),
      BT_TEST(a_checkpoint_can_be_asked_for),
      BT_TEST(other_settings_are_named),
      BT_TEST(other_data_are_named),
      BT_TEST(a_single_value_is_noticed),
      BT_TEST(every_allocation_may_fail),
      BT_TEST(a_full_disk_leaves_the_old_checkpoint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
