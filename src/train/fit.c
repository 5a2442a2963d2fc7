/* fit.c - bp_fit(): the loop over epochs and mini-batches. Floor: train.
 *
 * The order of an epoch's rows is a pure function of (seed, epoch). All work on numbers happens in two compiled programs, whose
 * results do not depend on threads; what is added up here is added in the order of the batches.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backprop/program.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/philox.h"
#include "train/fit_options.h"
#include "train/fit_program.h"
#include "train/optimizer_update.h"
#include "train/plateau.h"
#include "train/regularize.h"

/* Seconds between calls of the progress callback within an epoch, and rows of an evaluation's batch. */
#define PROGRESS_SECONDS 0.1
#define EVAL_ROWS        1024

/* One program with what it needs to run over the rows of a source. */
typedef struct runner {
  const bp_source *source;
  bp_program *program;
  bp_workspace *workspace;
  const void **inputs;
  void **outputs; /* only the first FIT_VALUES are wanted */
  size_t n_inputs, n_outputs;
  union {
    float f32;
    double f64;
  } values[FIT_VALUES];
  int64_t batch;
  int32_t *classes; /* of the batch; NULL for values */
  int32_t *rows;    /* an order of all rows */
} runner;

typedef struct fit {
  bp_context *ctx;
  const bp_net *net;
  void *const *params;
  bp_fit_options options;
  runner train, valid;
  int n_params, n_slots; /* slots in all */
  char *slots;           /* all slots, one after the other */
  char *kept;            /* the parameters to give back: the best, or the last good ones */
  size_t params_bytes, slots_bytes;
  double step, lr; /* values of the inputs; lr in the network's type */
  float lr_f32;
  schedule_state schedule;
  double start;
  double last_progress;
  double best_loss;
  bp_fit_result result;
} fit;

const char *bp_stop_name(bp_stop stop) {
  static const char *const names[] = {"epochs", "patience", "callback", "diverged"};
  return (unsigned)stop < sizeof names / sizeof names[0] ? names[stop] : "?";
}

/* ---- setting up ---- */
static bp_status runner_init(fit *f, runner *r, const bp_source *source, size_t n_inputs, int64_t batch) {
  r->source = source;
  r->n_inputs = n_inputs;
  r->n_outputs = FIT_VALUES + n_inputs; /* every state is an input too */
  r->batch = batch;
  r->inputs = bp_calloc(f->ctx, n_inputs, sizeof *r->inputs);
  r->rows = bp_alloc(f->ctx, (size_t)source->rows, sizeof *r->rows);
  r->outputs = bp_calloc(f->ctx, r->n_outputs, sizeof *r->outputs);
  if (r->inputs == NULL || r->rows == NULL || r->outputs == NULL) return BP_E_NOMEM;
  bool classes = bp_loss_wants_classes(f->options.loss);
  r->outputs[FIT_LOSS] = &r->values[FIT_LOSS];
  if (classes) r->outputs[FIT_CORRECT] = &r->values[FIT_CORRECT];
  for (int64_t i = 0; i < source->rows; i++) r->rows[i] = (int32_t)i;
  if (classes) {
    r->classes = bp_alloc(f->ctx, (size_t)batch, sizeof *r->classes);
    if (r->classes == NULL) return BP_E_NOMEM;
  }
  r->inputs[FIT_FEATURES] = source->features;
  r->inputs[FIT_TARGETS] = r->classes != NULL ? (const void *)r->classes : source->targets;
  return BP_OK;
}

static void runner_release(const fit *f, runner *r) {
  bp_allocator a = bp_context_allocator(f->ctx);
  bp_workspace_free(r->workspace);
  bp_program_free(r->program);
  bp_release(a, (void *)r->inputs, r->n_inputs, sizeof *r->inputs);
  bp_release(a, r->outputs, r->n_outputs, sizeof *r->outputs);
  bp_release(a, r->classes, (size_t)r->batch, sizeof *r->classes);
  if (r->source != NULL) bp_release(a, r->rows, (size_t)r->source->rows, sizeof *r->rows);
}

static size_t param_bytes(const fit *f, int p) {
  return (size_t)bp_net_param(f->net, p).elements * bp_dtype_size(bp_net_dtype(f->net));
}

/* Where each parameter's part begins keeps the alignment that vector loads like. */
static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static bp_status set_up_train(fit *f, const bp_source *source) {
  int per_param = optimizer_slots(f->options.optimizer, &f->options);
  f->n_slots = f->n_params * per_param;
  for (int p = 0; p < f->n_params; p++) f->params_bytes += padded(param_bytes(f, p));
  f->slots_bytes = f->params_bytes * (size_t)per_param;
  BP_TRY(runner_init(f, &f->train, source, FIT_FIRST_PARAM_OF_STEP + (size_t)(f->n_params + f->n_slots),
                     f->options.batch_size));
  f->kept = bp_aligned_alloc(f->ctx, f->params_bytes);
  f->slots = bp_aligned_alloc(f->ctx, f->slots_bytes + 1);
  if (f->kept == NULL || f->slots == NULL) return BP_E_NOMEM;
  memset(f->slots, 0, f->slots_bytes);
  const void **inputs = f->train.inputs;
  inputs[FIT_LR] = bp_net_dtype(f->net) == BP_F64 ? (const void *)&f->lr : (const void *)&f->lr_f32;
  inputs[FIT_STEP] = &f->step;
  char *slot = f->slots;
  for (int p = 0; p < f->n_params; p++) {
    inputs[FIT_FIRST_PARAM_OF_STEP + p] = f->params[p];
    for (int s = 0; s < per_param; s++, slot += padded(param_bytes(f, p)))
      inputs[FIT_FIRST_PARAM_OF_STEP + f->n_params + p * per_param + s] = slot;
  }
  BP_TRY(fit_step_program(f->ctx, f->net, source, &f->options, f->train.batch, &f->train.program));
  return bp_workspace_new(f->ctx, f->train.program, f->options.threads, &f->train.workspace);
}

static bp_status set_up_valid(fit *f, const bp_source *source) {
  int64_t batch = source->rows < EVAL_ROWS ? source->rows : EVAL_ROWS;
  BP_TRY(runner_init(f, &f->valid, source, FIT_FIRST_PARAM_OF_EVAL + (size_t)f->n_params, batch));
  for (int p = 0; p < f->n_params; p++) f->valid.inputs[FIT_FIRST_PARAM_OF_EVAL + p] = f->params[p];
  BP_TRY(fit_eval_program(f->ctx, f->net, source, f->options.loss, batch, &f->valid.program));
  return bp_workspace_new(f->ctx, f->valid.program, f->options.threads, &f->valid.workspace);
}

static void fit_release(fit *f) {
  bp_allocator a = bp_context_allocator(f->ctx);
  runner_release(f, &f->train);
  runner_release(f, &f->valid);
  if (f->kept != NULL) bp_aligned_free(a, f->kept, f->params_bytes);
  if (f->slots != NULL) bp_aligned_free(a, f->slots, f->slots_bytes + 1);
}

/* ---- parameters kept aside ---- */
static void keep_params(fit *f) {
  char *to = f->kept;
  for (int p = 0; p < f->n_params; p++, to += padded(param_bytes(f, p - 1)))
    memcpy(to, f->params[p], param_bytes(f, p));
}

static void give_back_params(fit *f) {
  const char *from = f->kept;
  for (int p = 0; p < f->n_params; p++, from += padded(param_bytes(f, p - 1)))
    memcpy(f->params[p], from, param_bytes(f, p));
}

/* ---- batches ---- */
static double output_value(const fit *f, const runner *r, int i) {
  if (r->outputs[i] == NULL) return NAN;
  return bp_net_dtype(f->net) == BP_F64 ? r->values[i].f64 : (double)r->values[i].f32;
}

/* Runs the program on rows[begin .. begin + n); *loss and *correct receive its two numbers. */
static bp_status run_batch(fit *f, runner *r, int64_t begin, int64_t n, double *loss, double *correct) {
  const int32_t *rows = r->rows + begin, *classes = r->source->targets;
  for (int64_t i = 0; r->classes != NULL && i < n; i++) r->classes[i] = classes[rows[i]];
  r->inputs[FIT_ROWS] = rows;
  BP_TRY(bp_run(r->program, r->workspace, n, r->inputs, r->outputs));
  *loss = output_value(f, r, FIT_LOSS);
  *correct = output_value(f, r, FIT_CORRECT);
  return BP_OK;
}

/* Calls the callback; false when it wants to stop. */
static bool report(fit *f, const bp_epoch *epoch, double done) {
  double now = bp_clock_seconds();
  if (f->options.progress == NULL || (done < 1 && now - f->last_progress < PROGRESS_SECONDS)) return true;
  f->last_progress = now;
  return f->options.progress(f->options.progress_user, epoch, done);
}

static int64_t steps_per_epoch(const fit *f) { return (f->train.source->rows + f->train.batch - 1) / f->train.batch; }

static bp_status check_warmup(const fit *f) {
  int64_t epoch = steps_per_epoch(f), all = epoch * f->options.epochs;
  int64_t warmup = bp_schedule_warmup(&f->options.schedule, epoch);
  if (warmup < all) return BP_OK;
  return bp_fail(f->ctx, BP_E_ARG,
                 "warm-up of %" PRId64 " steps, expected fewer than the %" PRId64 " of the whole training", warmup,
                 all);
}

/* The learning rate of the next step. */
static void set_rate(fit *f) {
  int64_t epoch = steps_per_epoch(f);
  f->lr = f->options.lr * f->schedule.scale *
          bp_schedule_factor(&f->options.schedule, f->result.steps, epoch * f->options.epochs, epoch);
  f->lr_f32 = (float)f->lr;
}

/* One pass over the training rows. BP_E_DIVERGED when a loss is not finite, BP_E_STOPPED when the callback says so. */
static bp_status train_epoch(fit *f, bp_epoch *epoch) {
  runner *r = &f->train;
  int64_t rows = r->source->rows;
  double loss_sum = 0, correct_sum = 0;
  bp_random_permutation(f->options.seed, BP_PURPOSE_SHUFFLE, (uint32_t)epoch->epoch, r->rows, (int32_t)rows);
  for (int64_t begin = 0; begin < rows; begin += r->batch) {
    int64_t n = rows - begin < r->batch ? rows - begin : r->batch;
    double loss, correct;
    set_rate(f);
    BP_TRY(run_batch(f, r, begin, n, &loss, &correct));
    f->step += 1;
    f->result.steps++;
    loss_sum += loss * (double)n;
    correct_sum += correct;
    if (!isfinite(loss))
      return bp_fail(f->ctx, BP_E_DIVERGED,
                     "the loss is %g at step %lld of epoch %d; try a smaller learning rate than %g", loss,
                     (long long)f->step, epoch->epoch, f->options.lr);
    epoch->steps = f->result.steps;
    epoch->lr = f->lr;
    epoch->seconds = bp_clock_seconds() - f->start;
    epoch->train_loss = loss_sum / (double)(begin + n);
    epoch->train_accuracy = correct_sum / (double)(begin + n);
    if (begin + n < rows && !report(f, epoch, (double)(begin + n) / (double)rows)) return BP_E_STOPPED;
  }
  return BP_OK;
}

static bp_status validate(fit *f, bp_epoch *epoch) {
  runner *r = &f->valid;
  double loss_sum = 0, correct_sum = 0;
  if (r->source == NULL) return BP_OK;
  for (int64_t begin = 0; begin < r->source->rows; begin += r->batch) {
    int64_t n = r->source->rows - begin < r->batch ? r->source->rows - begin : r->batch;
    double loss, correct;
    BP_TRY(run_batch(f, r, begin, n, &loss, &correct));
    loss_sum += loss;
    correct_sum += correct;
  }
  epoch->valid_loss = loss_sum / (double)r->source->rows;
  epoch->valid_accuracy = correct_sum / (double)r->source->rows;
  return BP_OK;
}

/* ---- epochs ---- */
static bool params_finite(const fit *f) {
  for (int p = 0; p < f->n_params; p++)
    for (int64_t i = 0, n = bp_net_param(f->net, p).elements; i < n; i++)
      if (bp_net_dtype(f->net) == BP_F64 ? !isfinite(((const double *)f->params[p])[i])
                                         : !isfinite(((const float *)f->params[p])[i]))
        return false;
  return true;
}

static bp_status record(fit *f, const bp_epoch *epoch) {
  bp_fit_result *r = &f->result;
  BP_TRY(bp_grow(f->ctx, (void **)&r->history, &r->history_capacity, (size_t)r->epochs + 1, sizeof *r->history));
  r->history[r->epochs++] = *epoch;
  return BP_OK;
}

/* Keeps the parameters of the best epoch with patience, of the last one without. */
static void keep_if_better(fit *f, const bp_epoch *epoch) {
  bool judged = f->options.patience > 0 && f->valid.source != NULL;
  if (judged && !(epoch->valid_loss < f->best_loss)) return;
  f->best_loss = epoch->valid_loss;
  f->result.best_epoch = epoch->epoch;
  keep_params(f);
}

static bool out_of_patience(const fit *f, const bp_epoch *epoch) {
  return f->options.patience > 0 && f->valid.source != NULL &&
         epoch->epoch - f->result.best_epoch >= f->options.patience;
}

static bp_status run_epoch(fit *f, int number, bp_epoch *epoch) {
  *epoch = (bp_epoch){.epoch = number, .train_accuracy = NAN, .valid_loss = NAN, .valid_accuracy = NAN};
  BP_TRY(train_epoch(f, epoch));
  if (!params_finite(f))
    return bp_fail(f->ctx, BP_E_DIVERGED,
                   "a parameter is not finite after epoch %d; try a smaller learning rate than %g", number,
                   f->options.lr);
  BP_TRY(validate(f, epoch));
  epoch->seconds = bp_clock_seconds() - f->start;
  return record(f, epoch);
}

static bp_status run_epochs(fit *f) {
  f->result.stopped_by = BP_STOP_EPOCHS;
  for (int number = 1; number <= f->options.epochs; number++) {
    bp_epoch epoch;
    bp_status status = run_epoch(f, number, &epoch);
    if (status == BP_E_STOPPED || status == BP_E_DIVERGED) {
      f->result.stopped_by = status == BP_E_STOPPED ? BP_STOP_CALLBACK : BP_STOP_DIVERGED;
      return status == BP_E_STOPPED ? BP_OK : status;
    }
    BP_TRY(status);
    keep_if_better(f, &epoch);
    schedule_epoch_end(&f->options.schedule, f->valid.source != NULL ? epoch.valid_loss : epoch.train_loss,
                       &f->schedule);
    if (!report(f, &epoch, 1)) return f->result.stopped_by = BP_STOP_CALLBACK, BP_OK;
    if (out_of_patience(f, &epoch)) return f->result.stopped_by = BP_STOP_PATIENCE, BP_OK;
  }
  return BP_OK;
}

void bp_fit_result_release(bp_context *context, bp_fit_result *result) {
  bp_release(bp_context_allocator(context), result->history, result->history_capacity, sizeof *result->history);
  *result = (bp_fit_result){0};
}

bp_status bp_fit(bp_context *context, const bp_net *net, void *const *params, const bp_source *train,
                 const bp_source *valid, const bp_fit_options *options, bp_fit_result *result) {
  fit f = {.ctx = context, .net = net, .params = params, .n_params = bp_net_params(net), .best_loss = INFINITY};
  bp_status status;
  BP_TRY(fit_options_resolve(context, options, train->rows, &f.options));
  BP_TRY(fit_source_check(context, "training", train, net, f.options.loss));
  if (valid != NULL) BP_TRY(fit_source_check(context, "validation", valid, net, f.options.loss));
  BP_TRY(regularize_check(context, net, &f.options));
  f.schedule = schedule_start();
  BP_TRY_DONE(set_up_train(&f, train));
  if (valid != NULL) BP_TRY_DONE(set_up_valid(&f, valid));
  BP_TRY_DONE(check_warmup(&f));
  keep_params(&f);
  f.start = f.last_progress = bp_clock_seconds();
  status = run_epochs(&f);
  if (f.result.stopped_by == BP_STOP_DIVERGED || f.options.patience > 0) give_back_params(&f);
  f.result.seconds = bp_clock_seconds() - f.start;
  f.result.workspace_bytes = bp_program_cost(f.train.program, 0).memory;
done:
  if (status == BP_OK || status == BP_E_DIVERGED)
    *result = f.result;
  else
    bp_fit_result_release(context, &f.result);
  fit_release(&f);
  return status;
}
