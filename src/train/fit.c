/* fit.c - the loop over epochs and steps, and what stops it. Floor: train.
 *
 * All work on numbers happens in compiled programs, whose results do not depend on threads; what is added up here is added in
 * the order of the batches. Whether the run is over is asked between epochs, of the state alone: so a run that goes on from a
 * checkpoint is over at the same place.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "train/divergence.h"
#include "train/trainer.h"

/* Seconds between calls of the progress callback within an epoch. */
#define PROGRESS_SECONDS 0.1

const char *bp_stop_name(bp_stop stop) {
  static const char *const names[BP_STOP_COUNT] = {
      [BP_STOP_EPOCHS] = "epochs",     [BP_STOP_PATIENCE] = "patience",   [BP_STOP_TOLERANCE] = "tolerance",
      [BP_STOP_TIME] = "time",         [BP_STOP_CALLBACK] = "callback",   [BP_STOP_SUSPENDED] = "suspended",
      [BP_STOP_DIVERGED] = "diverged", [BP_STOP_SEPARATED] = "separated", [BP_STOP_UNBOUNDED] = "unbounded",
  };
  return (unsigned)stop < BP_STOP_COUNT ? names[stop] : "?";
}

/* ---- saving ---- */

static bp_status save(trainer *t) {
  BP_TRY(t->save.write(t->save.user, t));
  t->result.checkpoint_steps = t->state.steps;
  return BP_OK;
}

/* A checkpoint that cannot be written does not end the training, but is told. */
static void save_now_and_then(trainer *t) {
  if (t->save.write == NULL) return;
  if (save(t) != BP_OK) bp_warn(t->ctx, "%s; the training goes on without this checkpoint", bp_error_message(t->ctx));
}

static bool save_is_due(const trainer *t, bool steps, int64_t done) {
  return t->save.every > 0 && t->save.steps == steps && done % t->save.every == 0;
}

/* ---- within an epoch ---- */

/* Reading the clock costs as much as a small step: while readings lie close together it is read after 2, 4, 8 … steps. */
static bool clock_is_due(trainer *t) {
  if (--t->clock.countdown > 0) return false;
  double now = bp_clock_seconds(), passed = now - t->clock.now;
  if (passed < 0.001 && t->clock.stride < 1024) t->clock.stride *= 2;
  if (passed > 0.01 && t->clock.stride > 1) t->clock.stride /= 2;
  t->clock.now = now;
  t->clock.countdown = t->clock.stride;
  return true;
}

/* Calls the callback; false when it wants to stop. */
static bool report(trainer *t, const bp_epoch *epoch, double done) {
  if (t->options.progress == NULL) return true;
  t->clock.reported = t->clock.now;
  return t->options.progress(t->options.progress_user, epoch, done);
}

static bool report_part(trainer *t) {
  double rows = (double)t->train.source->rows;
  if (t->options.progress == NULL || t->clock.now - t->clock.reported < PROGRESS_SECONDS) return true;
  bp_epoch epoch = trainer_epoch(t);
  return report(t, &epoch, (double)t->state.row / rows);
}

/* What the step's callback asks for; BP_STOP_COUNT: to go on. */
static bp_status ask_after_step(trainer *t, bp_stop *stop) {
  bp_action action = BP_GO_ON;
  if (t->options.step != NULL) action = t->options.step(t->options.step_user, &t->last);
  if (action == BP_CHECKPOINT || save_is_due(t, true, t->state.steps)) save_now_and_then(t);
  if (action == BP_SUSPEND && t->save.write != NULL) BP_TRY(save(t));
  if (action == BP_SUSPEND) *stop = BP_STOP_SUSPENDED;
  if (action == BP_STOP) *stop = BP_STOP_CALLBACK;
  return BP_OK;
}

static bool out_of_time(const trainer *t) {
  return t->options.time_limit > 0 && t->clock.now - t->clock.start >= t->options.time_limit;
}

/* The steps that are left of the epoch, until something stops them. */
static bp_status run_steps(trainer *t, bp_stop *stop) {
  int64_t rows = t->train.source->rows;
  while (t->state.row < rows) {
    BP_TRY(trainer_step(t));
    BP_TRY(ask_after_step(t, stop));
    if (*stop != BP_STOP_COUNT) return BP_OK;
    if (!clock_is_due(t) || t->state.row == rows) continue;
    if (!report_part(t)) return *stop = BP_STOP_CALLBACK, BP_OK;
    if (out_of_time(t)) return *stop = BP_STOP_TIME, BP_OK;
  }
  return BP_OK;
}

/* ---- the end of an epoch ---- */

/* Sums over rows begin .. end - 1 of those that are validated. */
typedef struct sums {
  double loss, second;
} sums;

static bp_status validate_rows(trainer *t, int64_t begin, int64_t end, sums *sum) {
  runner *r = &t->valid;
  for (int64_t at = begin; at < end; at += r->batch) {
    int64_t n = end - at < r->batch ? end - at : r->batch;
    double loss, second;
    BP_TRY(runner_batch(r, at, n, &loss, &second));
    sum->loss += loss;
    sum->second += second;
    if (t->rows.ctx != NULL) fit_rows_take(&t->rows, at, n);
  }
  return BP_OK;
}

static bp_status validate_folds(trainer *t, sums *sum) {
  for (int m = 0; m < t->folds.members; m++) {
    folds_take_member(t, m);
    BP_TRY(validate_rows(t, t->folds.begin[m], t->folds.begin[m + 1], sum));
  }
  return BP_OK;
}

bp_status trainer_judge(trainer *t, bp_epoch *epoch) {
  runner *r = &t->valid;
  sums sum = {0, 0};
  if (r->source == NULL) return BP_OK;
  int64_t rows = r->source->rows;
  BP_TRY(t->folds.members > 0 ? validate_folds(t, &sum) : validate_rows(t, 0, rows, &sum));
  double second = sum.second / (double)rows;
  epoch->valid_loss = sum.loss / (double)rows;
  if (r->classes != NULL) epoch->valid_accuracy = second;
  if (metric_needs_rows(t->options.metric)) return fit_rows_measure(&t->rows, t->options.metric, &epoch->valid_metric);
  epoch->valid_metric = t->options.metric == BP_METRIC_LOSS   ? epoch->valid_loss
                        : t->options.metric == BP_METRIC_RMSE ? sqrt(second)
                                                              : second;
  return BP_OK;
}

static bp_status record(trainer *t, const bp_epoch *epoch) {
  bp_fit_result *r = &t->result;
  BP_TRY(bp_grow(t->ctx, (void **)&r->history, &r->history_capacity, (size_t)r->epochs + 1, sizeof *r->history));
  r->history[r->epochs++] = *epoch;
  return BP_OK;
}

/* Whether the best epoch is to be kept instead of the last. */
static bool judged(const trainer *t) { return t->options.patience > 0; }

static bool is_better(const trainer *t, double value) {
  double best = t->state.best, gain = t->options.min_gain * fmax(fabs(best), 0.01);
  if (t->state.best_epoch == 0) return !isnan(value);
  return metric_rises(t->options.metric) ? value > best + gain : value < best - gain;
}

static void keep_if_better(trainer *t, const bp_epoch *epoch) {
  if (judged(t) && !is_better(t, epoch->valid_metric)) return;
  t->state.best = epoch->valid_metric;
  t->state.best_epoch = epoch->epoch;
  trainer_keep(t, t->kept);
}

static bp_status end_epoch(trainer *t, bp_epoch *epoch) {
  *epoch = trainer_epoch(t);
  if (!trainer_params_finite(t)) return diagnose(t);
  BP_TRY(trainer_judge(t, epoch));
  t->clock.now = bp_clock_seconds();
  epoch->seconds = trainer_seconds(t);
  BP_TRY(record(t, epoch));
  keep_if_better(t, epoch);
  trainer_next_epoch(t, epoch);
  diagnose_anchor(t);
  return BP_OK;
}

/* ---- until something stops it ---- */

/* Whether the training loss of the last epochs lies within a part `tolerance` of itself. */
static bool converged(const trainer *t) {
  const bp_fit_result *r = &t->result;
  double low = INFINITY, high = -INFINITY;
  if (!(t->options.tolerance > 0) || r->epochs <= t->options.tolerance_epochs) return false;
  for (int e = r->epochs - 1; e >= r->epochs - 1 - t->options.tolerance_epochs; e--) {
    low = fmin(low, r->history[e].train_loss);
    high = fmax(high, r->history[e].train_loss);
  }
  return high - low <= t->options.tolerance * fmax(fabs(low), fabs(high));
}

/* Rosenblatt's rule ends when an epoch made no error: every row was then judged by the same weights, which are a solution. Other
 * optimisers and penalties move weights without errors, so for them it proves nothing. A loss of 0 is not enough: z = 0 costs
 * nothing and may be an error. */
static bool separated(const trainer *t) {
  const bp_fit_options *o = &t->options;
  if (o->objective.loss != BP_LOSS_PERCEPTRON || o->optimizer != BP_SGD || t->result.epochs == 0) return false;
  if (o->momentum > 0 || o->weight_decay > 0 || o->max_norm > 0 || o->l1 > 0 || o->l2 > 0 ||
      o->n_l1_layers + o->n_l2_layers > 0)
    return false;
  const bp_epoch *last = &t->result.history[t->result.epochs - 1];
  return last->train_loss == 0 && last->train_accuracy > 1 - 1e-6;
}

/* Between epochs: BP_STOP_COUNT when the run goes on. */
static bp_stop stop_between(const trainer *t) {
  const trainer_state *s = &t->state;
  if (s->row > 0) return BP_STOP_COUNT; /* a checkpoint from within an epoch */
  if (judged(t) && t->result.epochs - s->best_epoch >= t->options.patience) return BP_STOP_PATIENCE;
  if (separated(t)) return BP_STOP_SEPARATED;
  if (t->full != NULL && full_fit_unbounded(t->full)) return BP_STOP_UNBOUNDED;
  if (converged(t) || (t->full != NULL && full_fit_converged(t->full))) return BP_STOP_TOLERANCE;
  return s->epoch > t->options.epochs ? BP_STOP_EPOCHS : BP_STOP_COUNT;
}

/* Time's up within an epoch, as at the end of one: what can go on with more time is saved; here, the epoch counts as it stands. */
static bool ends_epoch(trainer *t, bp_stop stop) {
  if (stop == BP_STOP_TIME) save_now_and_then(t);
  return stop == BP_STOP_COUNT || stop == BP_STOP_TIME;
}

static bp_status run_epoch(trainer *t, bp_stop *stop) {
  bp_epoch epoch;
  BP_TRY(run_steps(t, stop));
  if (!ends_epoch(t, *stop)) return BP_OK;
  BP_TRY(end_epoch(t, &epoch));
  bool go_on = report(t, &epoch, 1);
  if (*stop == BP_STOP_TIME) return BP_OK;
  if (save_is_due(t, false, epoch.epoch)) save_now_and_then(t);
  if (!go_on) *stop = BP_STOP_CALLBACK;
  if (go_on && stop_between(t) == BP_STOP_COUNT && out_of_time(t)) {
    *stop = BP_STOP_TIME;
    save_now_and_then(t);
  }
  return BP_OK;
}

bp_status trainer_run(trainer *t) {
  bp_stop stop = stop_between(t);
  bp_status status = BP_OK;
  double now = bp_clock_seconds();
  t->clock = (trainer_clock){.start = now, .now = now, .reported = now, .stride = 1};
  diagnose_anchor(t);
  while (stop == BP_STOP_COUNT && status == BP_OK) {
    status = run_epoch(t, &stop);
    if (stop == BP_STOP_COUNT) stop = stop_between(t);
  }
  t->result.stopped_by = status == BP_E_DIVERGED ? BP_STOP_DIVERGED : stop;
  return status;
}

void trainer_finish(trainer *t) {
  bp_fit_result *r = &t->result;
  t->clock.now = bp_clock_seconds();
  if (r->stopped_by == BP_STOP_DIVERGED || t->options.patience > 0) trainer_give_back(t, t->kept);
  r->steps = t->state.steps;
  r->best_epoch = (int)t->state.best_epoch;
  r->seconds = trainer_seconds(t);
  r->workspace_bytes = bp_program_cost(t->train.program, 0).memory;
}

void bp_fit_result_release(bp_context *context, bp_fit_result *result) {
  bp_release(bp_context_allocator(context), result->history, result->history_capacity, sizeof *result->history);
  *result = (bp_fit_result){0};
}

bp_status bp_fit(bp_context *context, const bp_net *net, void *const *params, const bp_source *train,
                 const bp_source *valid, const bp_fit_options *options, bp_fit_result *result) {
  trainer_plan plan;
  trainer *t;
  BP_TRY(trainer_plan_of(context, net, train, valid, options, &plan));
  BP_TRY(trainer_new(context, &plan, params, &t));
  bp_status status = trainer_run(t);
  trainer_finish(t);
  if (status == BP_OK || status == BP_E_DIVERGED) {
    *result = t->result;
    t->result = (bp_fit_result){0};
  }
  trainer_free(t);
  return status;
}
