/* fit.c - bp_fit(): the loop over epochs and steps, and what stops it. Floor: train.
 *
 * All work on numbers happens in compiled programs, whose results do not depend on threads; what is added up here is added in
 * the order of the batches.
 */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "train/trainer.h"

/* Seconds between calls of the progress callback within an epoch. */
#define PROGRESS_SECONDS 0.1

const char *bp_stop_name(bp_stop stop) {
  static const char *const names[] = {"epochs", "patience", "callback", "diverged"};
  return (unsigned)stop < sizeof names / sizeof names[0] ? names[stop] : "?";
}

/* ---- within an epoch ---- */

/* Calls the callback; false when it wants to stop. */
static bool report(trainer *t, const bp_epoch *epoch, double done) {
  double now = bp_clock_seconds();
  if (t->options.progress == NULL || (done < 1 && now - t->last_progress < PROGRESS_SECONDS)) return true;
  t->last_progress = now;
  return t->options.progress(t->options.progress_user, epoch, done);
}

/* The steps that are left of the epoch. BP_E_STOPPED when the callback says so. */
static bp_status run_steps(trainer *t) {
  int64_t rows = t->train.source->rows;
  while (t->state.row < rows) {
    BP_TRY(trainer_step(t));
    if (t->state.row == rows) break;
    bp_epoch epoch = trainer_epoch(t);
    if (!report(t, &epoch, (double)t->state.row / (double)rows)) return BP_E_STOPPED;
  }
  return BP_OK;
}

/* ---- the end of an epoch ---- */
static bp_status validate(trainer *t, bp_epoch *epoch) {
  runner *r = &t->valid;
  double loss_sum = 0, correct_sum = 0;
  if (r->source == NULL) return BP_OK;
  int64_t rows = r->source->rows;
  for (int64_t begin = 0; begin < rows; begin += r->batch) {
    double loss, correct;
    BP_TRY(runner_batch(r, begin, rows - begin < r->batch ? rows - begin : r->batch, &loss, &correct));
    loss_sum += loss;
    correct_sum += correct;
  }
  epoch->valid_loss = loss_sum / (double)rows;
  epoch->valid_accuracy = correct_sum / (double)rows;
  return BP_OK;
}

static bp_status record(trainer *t, const bp_epoch *epoch) {
  bp_fit_result *r = &t->result;
  BP_TRY(bp_grow(t->ctx, (void **)&r->history, &r->history_capacity, (size_t)r->epochs + 1, sizeof *r->history));
  r->history[r->epochs++] = *epoch;
  return BP_OK;
}

/* Whether the best epoch is to be kept instead of the last. */
static bool judged(const trainer *t) { return t->options.patience > 0 && t->valid.source != NULL; }

static void keep_if_better(trainer *t, const bp_epoch *epoch) {
  if (judged(t) && !(epoch->valid_loss < t->state.best)) return;
  t->state.best = epoch->valid_loss;
  t->state.best_epoch = epoch->epoch;
  trainer_keep(t, t->kept);
}

static bp_status end_epoch(trainer *t, bp_epoch *epoch) {
  *epoch = trainer_epoch(t);
  if (!trainer_params_finite(t))
    return bp_fail(t->ctx, BP_E_DIVERGED,
                   "a parameter is not finite after epoch %d; try a smaller learning rate than %g", epoch->epoch,
                   t->options.lr);
  BP_TRY(validate(t, epoch));
  epoch->seconds = bp_clock_seconds() - t->start;
  BP_TRY(record(t, epoch));
  keep_if_better(t, epoch);
  schedule_epoch_end(&t->options.schedule, t->valid.source != NULL ? epoch->valid_loss : epoch->train_loss,
                     &t->state.schedule);
  t->state.epoch++;
  t->state.row = 0;
  t->state.loss_sum = t->state.correct_sum = 0;
  return BP_OK;
}

/* ---- until something stops it ---- */

/* After the end of an epoch: BP_STOP_COUNT when the run goes on. */
static bp_stop stop_after(trainer *t, const bp_epoch *epoch) {
  if (!report(t, epoch, 1)) return BP_STOP_CALLBACK;
  if (judged(t) && epoch->epoch - t->state.best_epoch >= t->options.patience) return BP_STOP_PATIENCE;
  return BP_STOP_COUNT;
}

static bp_status run_epochs(trainer *t, bp_stop *stop) {
  *stop = BP_STOP_COUNT;
  while (*stop == BP_STOP_COUNT) {
    bp_epoch epoch;
    if (t->state.epoch > t->options.epochs) return *stop = BP_STOP_EPOCHS, BP_OK;
    BP_TRY(run_steps(t));
    BP_TRY(end_epoch(t, &epoch));
    *stop = stop_after(t, &epoch);
  }
  return BP_OK;
}

bp_status trainer_run(trainer *t) {
  bp_stop stop;
  t->start = t->last_progress = bp_clock_seconds();
  bp_status status = run_epochs(t, &stop);
  if (status == BP_E_STOPPED) status = BP_OK, stop = BP_STOP_CALLBACK;
  if (status == BP_E_DIVERGED) stop = BP_STOP_DIVERGED;
  t->result.stopped_by = stop;
  return status;
}

void trainer_finish(trainer *t) {
  bp_fit_result *r = &t->result;
  if (r->stopped_by == BP_STOP_DIVERGED || t->options.patience > 0) trainer_give_back(t, t->kept);
  r->steps = t->state.steps;
  r->best_epoch = (int)t->state.best_epoch;
  r->seconds = bp_clock_seconds() - t->start;
  r->workspace_bytes = bp_program_cost(t->train.program, 0).memory;
}

void bp_fit_result_release(bp_context *context, bp_fit_result *result) {
  bp_release(bp_context_allocator(context), result->history, result->history_capacity, sizeof *result->history);
  *result = (bp_fit_result){0};
}

bp_status bp_fit(bp_context *context, const bp_net *net, void *const *params, const bp_source *train,
                 const bp_source *valid, const bp_fit_options *options, bp_fit_result *result) {
  trainer *t;
  BP_TRY(trainer_new(context, net, params, train, valid, options, &t));
  bp_status status = trainer_run(t);
  trainer_finish(t);
  if (status == BP_OK || status == BP_E_DIVERGED) {
    *result = t->result;
    t->result = (bp_fit_result){0};
  }
  trainer_free(t);
  return status;
}
