/* trainer.c - making a trainer, its parameters kept aside, and one step. Floor: train. */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/philox.h"
#include "train/divergence.h"
#include "train/fit_options.h"
#include "train/optimizer_update.h"
#include "train/regularize.h"
#include "train/worth_threads.h"

/* Rows of an evaluation's batch. */
#define EVAL_ROWS 1024

size_t trainer_param_bytes(const trainer *t, int p) {
  return (size_t)bp_net_param(t->net, p).elements * bp_dtype_size(bp_net_dtype(t->net));
}

/* ---- making ---- */
static bp_status alloc_arrays(trainer *t) {
  t->n_params = bp_net_params(t->net);
  t->per_param = optimizer_slots(t->options.optimizer, &t->options);
  for (int p = 0; p < t->n_params; p++) t->params_bytes += trainer_padded(trainer_param_bytes(t, p));
  t->slots_bytes = t->params_bytes * (size_t)t->per_param;
  t->kept = bp_aligned_alloc(t->ctx, t->params_bytes);
  t->slots = bp_aligned_alloc(t->ctx, t->slots_bytes + 1);
  if (t->kept == NULL || t->slots == NULL) return BP_E_NOMEM;
  memset(t->slots, 0, t->slots_bytes);
  if (optimizer_is_method(t->options.optimizer)) return BP_OK;
  t->anchor_params = bp_aligned_alloc(t->ctx, t->params_bytes);
  t->anchor_slots = bp_aligned_alloc(t->ctx, t->slots_bytes + 1);
  return t->anchor_params != NULL && t->anchor_slots != NULL ? BP_OK : BP_E_NOMEM;
}

static bp_status set_up_train(trainer *t, const bp_source *source) {
  runner *r = &t->train;
  bool classes = t->options.objective.classes, f64 = bp_net_dtype(t->net) == BP_F64;
  int n_slots = t->n_params * t->per_param;
  BP_TRY(runner_init(r, t->ctx, bp_net_dtype(t->net), source, classes, classes,
                     FIT_FIRST_PARAM_OF_STEP + (size_t)(t->n_params + n_slots), batching_most(&t->batches)));
  r->inputs[FIT_LR] = f64 ? (const void *)&t->lr : (const void *)&t->lr_f32;
  r->inputs[FIT_STEP] = &t->step;
  r->inputs[FIT_FOLDS] = t->options.folds;
  const char *slot = t->slots;
  for (int p = 0; p < t->n_params; p++) {
    r->inputs[FIT_FIRST_PARAM_OF_STEP + p] = t->params[p];
    for (int s = 0; s < t->per_param; s++, slot += trainer_padded(trainer_param_bytes(t, p)))
      r->inputs[FIT_FIRST_PARAM_OF_STEP + t->n_params + p * t->per_param + s] = slot;
  }
  BP_TRY(fit_step_program(t->ctx, t->net, source, &t->options, r->batch, &r->program));
  return bp_workspace_new(t->ctx, r->program, worth_threads(r->program, r->batch, t->options.threads), &r->workspace);
}

/* Over validation rows, or the training rows that each member leaves out. */
static bp_status set_up_valid(trainer *t, const bp_source *source) {
  runner *r = &t->valid;
  int64_t batch = source->rows < EVAL_ROWS ? source->rows : EVAL_ROWS;
  bool classes = t->options.objective.classes, left_out = t->options.folds != NULL;
  bool second = classes || metric_is_sum(t->options.metric);
  fit_eval e = {.metric = t->options.metric, .predictions = left_out, .member = left_out};
  int n_params = left_out ? t->n_params / bp_net_members(t->net) : t->n_params;
  BP_TRY(runner_init(r, t->ctx, bp_net_dtype(t->net), source, classes, second,
                     FIT_FIRST_PARAM_OF_EVAL + (size_t)n_params, batch));
  for (int p = 0; p < n_params; p++) r->inputs[FIT_FIRST_PARAM_OF_EVAL + p] = t->params[p];
  if (fit_eval_predicts(&e)) {
    BP_TRY(fit_rows_init(&t->rows, t->ctx, bp_net_dtype(t->net), source, batch));
    r->outputs[second ? FIT_VALUES : FIT_CORRECT] = t->rows.piece; /* the last output */
  }
  BP_TRY(fit_eval_program(t->ctx, t->net, source, &t->options.objective, &e, batch, &r->program));
  return bp_workspace_new(t->ctx, r->program, worth_threads(r->program, r->batch, t->options.threads), &r->workspace);
}

/* Instead of set_up_train(): the same runner, for a method's programs. */
static bp_status set_up_full(trainer *t, const bp_source *source) {
  BP_TRY(full_fit_check(t->ctx, t->net, &t->options));
  bool classes = t->options.objective.classes;
  BP_TRY(runner_init(&t->train, t->ctx, bp_net_dtype(t->net), source, classes, classes,
                     FIT_FIRST_PARAM_OF_EVAL + (size_t)t->n_params,
                     source->rows < FULL_FIT_ROWS ? source->rows : FULL_FIT_ROWS));
  return full_fit_new(t->ctx, t->net, t->params, &t->options, &t->train, &t->full);
}

static bp_status check_warmup(const trainer *t) {
  int64_t epoch = batching_count(&t->batches), all = epoch * t->options.epochs;
  int64_t warmup = bp_schedule_warmup(&t->options.schedule, epoch);
  if (warmup < all) return BP_OK;
  return bp_fail(t->ctx, BP_E_ARG,
                 "warm-up of %" PRId64 " steps, expected fewer than the %" PRId64 " of the whole training", warmup,
                 all);
}

static bp_status set_up(trainer *t, const bp_source *train, const bp_source *valid) {
  BP_TRY(alloc_arrays(t));
  BP_TRY(optimizer_is_method(t->options.optimizer) ? set_up_full(t, train) : set_up_train(t, train));
  if (t->options.folds != NULL) {
    BP_TRY(folds_new(t->ctx, t->net, train, t->options.folds, &t->folds));
    valid = &t->folds.source;
  }
  if (valid != NULL) BP_TRY(set_up_valid(t, valid));
  if (t->options.norms != BP_NORMS_NEVER)
    BP_TRY(norms_new(t->ctx, t->net, t->params, &t->options, &t->train, &t->norms));
  BP_TRY(check_warmup(t));
  t->state = (trainer_state){.epoch = 1, .best = INFINITY, .schedule = schedule_start()};
  trainer_keep(t, t->kept);
  return BP_OK;
}

/* A metric that the rows have, and somebody to use it. */
static bp_status check_metric(bp_context *ctx, const bp_fit_options *o, bool has_valid) {
  const char *name = bp_metric_name(o->metric);
  if (o->patience > 0 && !has_valid)
    return bp_fail(ctx, BP_E_ARG, "patience is %d, but there are no validation rows to go by", o->patience);
  if (o->metric != BP_METRIC_LOSS && o->patience == 0)
    return bp_fail(ctx, BP_E_ARG, "metric is %s, but nothing goes by it without patience", name);
  return metric_check(ctx, o->metric, &o->objective);
}

static void warn_of_mismatch(bp_context *ctx, const bp_objective *o) {
  const char *why = bp_objective_mismatch(o);
  if (why) bp_warn(ctx, "loss %s with output %s: %s", bp_loss_name(o->loss), bp_output_name(o->output), why);
}

bp_status trainer_plan_of(bp_context *ctx, const bp_net *net, const bp_source *train, const bp_source *valid,
                          const bp_fit_options *options, trainer_plan *out) {
  trainer_plan plan = {.net = net, .train = train, .valid = valid};
  bp_objective *objective = &plan.options.objective;
  BP_TRY(fit_options_resolve(ctx, options, train->rows, &plan.options));
  BP_TRY(bp_objective_resolve(ctx, objective, train->target_dtype == BP_I32, train->outputs, objective));
  BP_TRY(fit_source_check(ctx, "training", train, net, objective));
  if (valid != NULL) BP_TRY(fit_source_check(ctx, "validation", valid, net, objective));
  BP_TRY(folds_check(ctx, net, train, valid, &plan.options));
  BP_TRY(check_metric(ctx, &plan.options, valid != NULL || plan.options.folds != NULL));
  BP_TRY(regularize_check(ctx, net, &plan.options));
  BP_TRY(batching_of(ctx, net, train->rows, &plan.options, &plan.batches));
  *out = plan;
  return BP_OK;
}

bp_status trainer_new(bp_context *ctx, const trainer_plan *plan, void *const *params, trainer **out) {
  warn_of_mismatch(ctx, &plan->options.objective);
  trainer *t = bp_calloc(ctx, 1, sizeof *t);
  if (t == NULL) return BP_E_NOMEM;
  t->ctx = ctx;
  t->net = plan->net;
  t->params = params;
  t->options = plan->options;
  t->batches = plan->batches;
  bp_status status = set_up(t, plan->train, plan->valid);
  if (status != BP_OK) {
    trainer_free(t);
    return status;
  }
  *out = t;
  return BP_OK;
}

void trainer_free(trainer *t) {
  bp_allocator a = bp_context_allocator(t->ctx);
  full_fit_free(t->full);
  norms_free(t->norms);
  runner_release(&t->train);
  runner_release(&t->valid);
  fit_rows_release(&t->rows);
  folds_release(&t->folds);
  if (t->kept != NULL) bp_aligned_free(a, t->kept, t->params_bytes);
  if (t->slots != NULL) bp_aligned_free(a, t->slots, t->slots_bytes + 1);
  if (t->anchor_params != NULL) bp_aligned_free(a, t->anchor_params, t->params_bytes);
  if (t->anchor_slots != NULL) bp_aligned_free(a, t->anchor_slots, t->slots_bytes + 1);
  bp_fit_result_release(t->ctx, &t->result);
  bp_release(a, t, 1, sizeof *t);
}

/* ---- parameters kept aside ---- */
void trainer_keep(const trainer *t, char *to) {
  for (int p = 0; p < t->n_params; p++) {
    memcpy(to, t->params[p], trainer_param_bytes(t, p));
    to += trainer_padded(trainer_param_bytes(t, p));
  }
}

void trainer_give_back(const trainer *t, const char *from) {
  for (int p = 0; p < t->n_params; p++) {
    memcpy(t->params[p], from, trainer_param_bytes(t, p));
    from += trainer_padded(trainer_param_bytes(t, p));
  }
}

bool trainer_params_finite(const trainer *t) {
  bool f64 = bp_net_dtype(t->net) == BP_F64;
  for (int p = 0; p < t->n_params; p++) {
    const double *d = t->params[p];
    const float *f = t->params[p];
    for (int64_t i = 0, n = bp_net_param(t->net, p).elements; i < n; i++)
      if (!isfinite(f64 ? d[i] : (double)f[i])) return false;
  }
  return true;
}

/* ---- a step ---- */
static void order_rows(trainer *t) {
  if (t->ordered == t->state.epoch || t->full != NULL) return;
  t->ordered = t->state.epoch;
  bp_random_permutation(t->options.seed, BP_PURPOSE_SHUFFLE, (uint32_t)t->ordered, t->train.rows,
                        (int32_t)t->train.source->rows);
}

/* The learning rate of the next step. */
static void set_rate(trainer *t) {
  int64_t epoch = batching_count(&t->batches);
  t->lr = t->options.lr * t->state.schedule.scale *
          bp_schedule_factor(&t->options.schedule, t->state.steps, epoch * t->options.epochs, epoch);
  t->lr_f32 = (float)t->lr;
  t->state.lr = t->lr;
}

bp_status trainer_run_batch(trainer *t) {
  trainer_state *s = &t->state;
  runner *r = &t->train;
  int64_t n = batching_next(&t->batches, s->row);
  double loss, correct;
  order_rows(t);
  set_rate(t);
  t->step = (double)s->steps;
  bool measured = t->options.norms == BP_NORMS_STEP || (t->norms != NULL && s->row + n == r->source->rows);
  if (measured) BP_TRY(norms_before(t->norms, s->row, n));
  BP_TRY(t->full != NULL ? full_fit_step(t->full, &loss, &correct) : runner_batch(r, s->row, n, &loss, &correct));
  s->steps++;
  s->row += n;
  s->loss_sum += loss * (double)n;
  s->correct_sum += correct;
  t->last = (bp_fit_step){.step = s->steps, .epoch = (int)s->epoch, .rows = n, .loss = loss, .lr = t->lr};
  t->last.layers = bp_net_layers(t->net);
  t->last.norms = measured ? norms_after(t->norms) : NULL;
  return BP_OK;
}

bp_status trainer_step(trainer *t) {
  bp_status status = trainer_run_batch(t);
  if (status == BP_E_DIVERGED) return diagnose_start(t);
  BP_TRY(status);
  return isfinite(t->last.loss) ? BP_OK : diagnose(t);
}

void trainer_name_batch(trainer *t, int64_t at, int64_t n) {
  order_rows(t);
  runner_name_batch(&t->train, t->state.row + at, n);
}

void trainer_next_epoch(trainer *t, const bp_epoch *epoch) {
  trainer_state *s = &t->state;
  schedule_epoch_end(&t->options.schedule, t->valid.source != NULL ? epoch->valid_loss : epoch->train_loss,
                     &s->schedule);
  s->epoch++;
  s->row = 0;
  s->loss_sum = s->correct_sum = 0;
}

double trainer_seconds(const trainer *t) { return t->state.seconds + t->clock.now - t->clock.start; }

bp_epoch trainer_epoch(const trainer *t) {
  const trainer_state *s = &t->state;
  return (bp_epoch){.epoch = (int)s->epoch,
                    .steps = s->steps,
                    .seconds = trainer_seconds(t),
                    .lr = s->lr,
                    .train_loss = s->loss_sum / (double)s->row,
                    /* rounded weights may add up to a little more than the rows */
                    .train_accuracy = t->train.classes != NULL ? fmin(s->correct_sum / (double)s->row, 1) : NAN,
                    .valid_loss = NAN,
                    .valid_accuracy = NAN,
                    .valid_metric = NAN};
}
