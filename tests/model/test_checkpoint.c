/* Checkpoints: a run that was stopped after any step and went on gives the file of the run that was not; and whatever is not the
 * checkpoint of this run is refused with a clear line. */
/* labels: unit io oom */
#include <stdlib.h>

#include "backprop/checkpoint.h"
#include "formats/safetensors.h"
#include "model/model_fixtures.h"

/* ---- runs ---- */

/* A table, options, and a folder for the files of a case. */
typedef struct run {
  bp_context *ctx;
  bt_dir dir;
  bp_table *table;
  bp_train_options options;
  char checkpoint[BT_PATH], model[BT_PATH];
} run;

static void begin(run *r, bp_context *ctx, bt_target target, bp_dtype dtype) {
  memset(r, 0, sizeof *r);
  r->ctx = ctx;
  bt_dir_make(&r->dir);
  (void)bt_dir_file(&r->dir, "run.checkpoint", r->checkpoint);
  (void)bt_dir_file(&r->dir, "run.safetensors", r->model);
  r->table = bt_table_of(ctx, target, BT_ROWS);
  assert_non_null(r->table);
  r->options = bt_small(dtype);
  r->options.valid_fraction = 0.25;
  r->options.fit.patience = 50;
  r->options.fit.epochs = 4; /* 18 rows in batches of 8: 3 steps an epoch, 12 in all */
}

static void end(run *r) {
  bp_table_free(r->table);
  bt_dir_remove(&r->dir);
}

/* Asks for `action` after step number `at`. */
typedef struct asker {
  int64_t at;
  bp_action action;
  int64_t calls;
} asker;

static bp_action ask(void *user, const bp_fit_step *step) {
  asker *a = user;
  a->calls++;
  assert_int_equal(step->step, a->calls);
  return step->step == a->at ? a->action : BP_GO_ON;
}

/* Trains, and keeps the model in run.safetensors. */
static bp_stop train(run *r, const bp_train_options *options) {
  bp_model *model = NULL;
  bp_fit_result result;
  bt_assert_ok(r->ctx, bp_model_train(r->ctx, r->table, NULL, options, &model, &result));
  bp_stop stop = result.stopped_by;
  bt_assert_ok(r->ctx, bp_model_save(r->ctx, model, r->model));
  bp_fit_result_release(r->ctx, &result);
  bp_model_free(model);
  return stop;
}

/* Writes a checkpoint after a step, and ends there. */
static void suspend_at(run *r, int64_t step) {
  asker a = {.at = step, .action = BP_SUSPEND};
  bp_train_options o = r->options;
  o.checkpoint = r->checkpoint;
  o.checkpoint_note = "a note";
  o.fit.step = ask;
  o.fit.step_user = &a;
  assert_int_equal(train(r, &o), BP_STOP_SUSPENDED);
  assert_int_equal(a.calls, step);
}

static bp_status resume(run *r, bp_model **model, bp_fit_result *result) {
  bp_train_options o = r->options;
  o.resume = r->checkpoint;
  return bp_model_train(r->ctx, r->table, NULL, &o, model, result);
}

/* ---- the same file ---- */

static void stopped_at_each_step(run *run_of, int64_t steps) {
  run r = *run_of;
  size_t size;
  assert_int_equal(train(&r, &r.options), BP_STOP_EPOCHS);
  char *whole = bt_read_file(r.model, &size);
  for (int64_t step = 1; step <= steps; step++) {
    r.options.fit.threads = 1;
    suspend_at(&r, step);
    bp_train_options o = r.options;
    o.resume = r.checkpoint;
    o.fit.threads = 2;
    assert_int_equal(train(&r, &o), BP_STOP_EPOCHS);
    assert_true(bt_file_is(r.model, whole, size));
  }
  free(whole);
}

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

/* Going on must fail with that status, and these words; the outputs are untouched. */
static void refused(run *r, bp_status expected, const char *words) {
  bp_model *model = (bp_model *)(void *)r;
  bp_fit_result result = {.epochs = 777};
  bt_assert_fails(r->ctx, expected, resume(r, &model, &result));
  bt_assert_message(r->ctx, words);
  assert_true(model == (bp_model *)(void *)r && result.epochs == 777);
}

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

/* ---- bad files ---- */

static void every_truncation_is_refused(void **state) {
  run r;
  size_t size;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  char *bytes = bt_read_file(r.checkpoint, &size);
  for (size_t n = 0; n < size; n += n < 64 || n + 64 > size ? 1 : 7) {
    bp_checkpoint *checkpoint = NULL;
    bt_write_file(r.checkpoint, bytes, n);
    bt_assert_fails(r.ctx, BP_E_MODEL, bp_checkpoint_read(r.ctx, r.checkpoint, &checkpoint));
    assert_null(checkpoint);
  }
  bt_write_file(r.checkpoint, bytes, size);
  free(bytes);
  end(&r);
}

/* Each bit of the arrays is under the checksum. */
static void every_flipped_bit_is_noticed(void **state) {
  run r;
  size_t size;
  uint64_t header;
  begin(&r, bt_ctx(state), BT_TWO, BP_F32);
  suspend_at(&r, 5);
  char *bytes = bt_read_file(r.checkpoint, &size);
  memcpy(&header, bytes, 8);
  assert_true(size > 8 + header);
  for (size_t bit = 8 * (8 + (size_t)header); bit < 8 * size; bit++) {
    bp_checkpoint *checkpoint = NULL;
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    bt_write_file(r.checkpoint, bytes, size);
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    bt_assert_fails(r.ctx, BP_E_MODEL, bp_checkpoint_read(r.ctx, r.checkpoint, &checkpoint));
    bt_assert_message(r.ctx, "run.checkpoint: damaged: the checksum of its tensors is ");
  }
  free(bytes);
  end(&r);
}

/* Each byte of the header in turn becomes another: refused, or harmless; never a crash or a leak. */
static void garbage_is_survived(void **state) {
  run r;
  size_t size;
  begin(&r, bt_ctx(state), BT_TWO, BP_F32);
  suspend_at(&r, 5);
  char *bytes = bt_read_file(r.checkpoint, &size);
  for (size_t i = 0; i < size; i += 3) {
    bp_model *model = NULL;
    char was = bytes[i];
    bytes[i] = (char)(was ^ (i % 2 ? 0x11 : 0x80));
    bt_write_file(r.checkpoint, bytes, size);
    bytes[i] = was;
    bp_status status = resume(&r, &model, NULL);
    if (status == BP_E_DIVERGED) status = BP_OK; /* a slot of the optimiser became very large */
    assert_true(status == BP_OK || (model == NULL && bp_error_message(r.ctx)[0]));
    bp_model_free(model);
  }
  free(bytes);
  end(&r);
}

/* The text of the metadata with one piece replaced, in a file of its own length. */
static void replace(const char *path, const char *old, const char *new) {
  size_t size, n = strlen(old), m = strlen(new);
  uint64_t header;
  char *bytes = bt_read_file(path, &size), *at = NULL;
  memcpy(&header, bytes, sizeof header);
  for (size_t i = 8; i + n <= 8 + header && !at; i++)
    if (memcmp(bytes + i, old, n) == 0) at = bytes + i;
  if (!at) fail_msg("no %s in %s", old, path);
  char *changed = malloc(size + m);
  size_t before = (size_t)(at - bytes);
  memcpy(changed, bytes, before);
  memcpy(changed + before, new, m);
  memcpy(changed + before + m, at + n, size - before - n);
  header = header + m - n;
  memcpy(changed, &header, sizeof header);
  bt_write_file(path, changed, size + m - n);
  free(changed);
  free(bytes);
}

/* The key of the checksum becomes one that says nothing: what changes is changed on purpose. */
static void drop_checksum(const char *path) { replace(path, "\"backprop.checksum\"", "\"no.checksum\""); }

/* Texts inside JSON inside JSON: their quotes are escaped. */
#define Q "\\\""

static void bad_texts_are_refused(void **state) {
  static const struct {
    const char *old, *new, *words;
  } rows[] = {
      {"backprop-checkpoint", "backprop", "it is a trained model, not a checkpoint"},
      {"backprop-checkpoint", "pickle", "is no checkpoint"},
      {"backprop.checkpoint", "backprop.sheckpoint", "has no backprop.checkpoint"},
      {"backprop.run", "backprop.ran", "has no backprop.run"},
      {"{" Q "format" Q ":1", "{" Q "format" Q ":2", "made by another backprop"},
      {Q "steps" Q ":5", Q "steps" Q ":-5", "state.steps: expected a whole number"},
      {Q "steps" Q ":5", Q "steps" Q ":6", "state.steps does not fit"},
      {Q "steps" Q ":5", Q "steps" Q ":5.5", "state.steps: expected a whole number"},
      {Q "row" Q ":16", Q "row" Q ":17", "state.row does not fit"},
      {Q "row" Q ":16", Q "row" Q ":1600", "state.row does not fit"},
      {Q "epoch" Q ":2", Q "epoch" Q ":0", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":99999999999", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":2147483648", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":9223372036854775807", "state.epoch: expected"},
      {Q "epoch" Q ":2", Q "epoch" Q ":3", "tensor history: another type or shape"},
      {Q "best_epoch" Q ":1", Q "best_epoch" Q ":2", "state.best_epoch does not fit"},
      {Q "best" Q ":", Q "worst" Q ":", "state.best: expected a number"},
      {"\"params.layers.0.bias\"", "\"params.layers.7.bias\"", "tensor params.layers.0.bias is missing"},
      {"\"history\"", "\"histery\"", "tensor history is missing"},
      {"\"F32\",\"shape\":[5]", "\"F32\",\"shape\":[5,1]", "another type or shape"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    run r;
    begin(&r, bt_ctx(state), BT_THREE, BP_F32);
    suspend_at(&r, 5);
    drop_checksum(r.checkpoint);
    replace(r.checkpoint, rows[i].old, rows[i].new);
    refused(&r, BP_E_MODEL, rows[i].words);
    bt_assert_message(r.ctx, "run.checkpoint: ");
    end(&r);
  }
}

/* Puts bytes in a tensor, from this byte on. */
static void spoil(run *r, const char *name, size_t from, const void *with, size_t n) {
  bp_safetensors *file;
  size_t size;
  drop_checksum(r->checkpoint);
  char *bytes = bt_read_file(r->checkpoint, &size);
  bt_assert_ok(r->ctx, bp_safetensors_parse(r->ctx, "spoilt", bytes, size, &file));
  const bp_named_tensor *tensor = bp_safetensors_tensor(file, name);
  assert_true(tensor != NULL && from + n <= tensor->size);
  memcpy(bytes + ((const char *)tensor->data - file->content) + from, with, n);
  bt_write_file(r->checkpoint, bytes, size);
  bp_safetensors_free(file);
  free(bytes);
}

static void spoil_first(run *r, const char *name, float value) { spoil(r, name, 0, &value, sizeof value); }

static void what_is_given_back_is_finite(void **state) {
  run r;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  spoil_first(&r, "kept.layers.0.bias", NAN);
  refused(&r, BP_E_MODEL, "kept.layers.0.bias holds a value that is not finite");
  end(&r);
}

/* Squares of gradients beyond float32 make steps of 0, which is no fault of the file that a run writes then. */
static void a_run_whose_optimizer_overflew_goes_on(void **state) {
  run r;
  bp_model *model = NULL;
  bp_fit_result result = {0};
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  r.options.fit.optimizer = BP_ADAM;
  suspend_at(&r, 5);
  spoil_first(&r, "slots.1.layers.0.bias", INFINITY);
  bt_assert_ok(r.ctx, resume(&r, &model, &result));
  assert_int_equal(result.stopped_by, BP_STOP_EPOCHS);
  bp_model_free(model);
  bp_fit_result_release(r.ctx, &result);
  end(&r);
}

/* As the run that was not stopped does: the next loss is not finite. */
static void a_run_whose_parameters_overflew_diverges(void **state) {
  run r;
  bp_model *model = NULL;
  bp_fit_result result = {0};
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  spoil_first(&r, "params.layers.0.bias", INFINITY);
  bt_assert_fails(r.ctx, BP_E_DIVERGED, resume(&r, &model, &result));
  bp_model_free(model);
  bp_fit_result_release(r.ctx, &result);
  end(&r);
}

/* L-BFGS keeps the number of its pairs, and the place of the next one, in front of them. */
static void counters_of_a_method_are_not_trusted(void **state) {
  static const double wrong[] = {-1, 0.5, 11, 1e7, 1e19, -1e300};
  for (size_t i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
    run r;
    begin(&r, bt_ctx(state), BT_THREE, BP_F64);
    r.options.fit.optimizer = BP_LBFGS;
    r.options.fit.lr = 0;
    r.options.fit.batch_size = 0;
    suspend_at(&r, 2);
    spoil(&r, "method", i % 2 * sizeof *wrong, &wrong[i / 2], sizeof *wrong);
    refused(&r, BP_E_MODEL, "tensor method holds counters that no run with these settings has");
    end(&r);
  }
}

static void files_are_not_mistaken(void **state) {
  run r;
  bp_model *model = NULL;
  bp_checkpoint *checkpoint = NULL;
  begin(&r, bt_ctx(state), BT_THREE, BP_F32);
  suspend_at(&r, 5);
  bt_assert_fails(r.ctx, BP_E_MODEL, bp_model_load(r.ctx, r.checkpoint, &model));
  bt_assert_message(r.ctx, "it is the checkpoint of a training run, not a model");
  bt_assert_fails(r.ctx, BP_E_MODEL, bp_checkpoint_read(r.ctx, r.model, &checkpoint));
  bt_assert_message(r.ctx, "it is a trained model, not a checkpoint");
  (void)bt_dir_file(&r.dir, "nothing", r.checkpoint);
  refused(&r, BP_E_IO, "nothing");
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
      BT_TEST(every_truncation_is_refused),
      BT_TEST(every_flipped_bit_is_noticed),
      BT_TEST(garbage_is_survived),
      BT_TEST(bad_texts_are_refused),
      BT_TEST(what_is_given_back_is_finite),
      BT_TEST(a_run_whose_optimizer_overflew_goes_on),
      BT_TEST(a_run_whose_parameters_overflew_diverges),
      BT_TEST(counters_of_a_method_are_not_trusted),
      BT_TEST(files_are_not_mistaken),
      BT_TEST(every_allocation_may_fail),
      BT_TEST(a_full_disk_leaves_the_old_checkpoint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
