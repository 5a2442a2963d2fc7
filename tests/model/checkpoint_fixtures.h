/* model/checkpoint_fixtures.h - runs that stop and go on, for the tests of checkpoints. */
#ifndef BT_CHECKPOINT_FIXTURES_H
#define BT_CHECKPOINT_FIXTURES_H
#include <stdlib.h>

#include "backprop/checkpoint.h"
#include "model/model_fixtures.h"

/* A table, options, and a folder for the files of a case. */
typedef struct run {
  bp_context *ctx;
  bt_dir dir;
  bp_table *table;
  bp_train_options options;
  char checkpoint[BT_PATH], model[BT_PATH];
} run;

static inline void begin(run *r, bp_context *ctx, bt_target target, bp_dtype dtype) {
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

static inline void end(run *r) {
  bp_table_free(r->table);
  bt_dir_remove(&r->dir);
}

/* Asks for `action` after step number `at`. */
typedef struct asker {
  int64_t at;
  bp_action action;
  int64_t calls;
} asker;

static inline bp_action ask(void *user, const bp_fit_step *step) {
  asker *a = user;
  a->calls++;
  assert_int_equal(step->step, a->calls);
  return step->step == a->at ? a->action : BP_GO_ON;
}

/* Trains, and keeps the model in run.safetensors. */
static inline bp_stop train(run *r, const bp_train_options *options) {
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
static inline void suspend_at(run *r, int64_t step) {
  asker a = {.at = step, .action = BP_SUSPEND};
  bp_train_options o = r->options;
  o.checkpoint = r->checkpoint;
  o.checkpoint_note = "a note";
  o.fit.step = ask;
  o.fit.step_user = &a;
  assert_int_equal(train(r, &o), BP_STOP_SUSPENDED);
  assert_int_equal(a.calls, step);
}

static inline bp_status resume(run *r, bp_model **model, bp_fit_result *result) {
  bp_train_options o = r->options;
  o.resume = r->checkpoint;
  return bp_model_train(r->ctx, r->table, NULL, &o, model, result);
}

/* A run that is stopped after any of the first steps and goes on with other threads gives the file of the run that was not. */
static inline void stopped_at_each_step(run *run_of, int64_t steps) {
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

/* Going on must fail with that status, and these words; the outputs are untouched. */
static inline void refused(run *r, bp_status expected, const char *words) {
  bp_model *model = (bp_model *)(void *)r;
  bp_fit_result result = {.epochs = 777};
  bt_assert_fails(r->ctx, expected, resume(r, &model, &result));
  bt_assert_message(r->ctx, words);
  assert_true(model == (bp_model *)(void *)r && result.epochs == 777);
}

#endif
