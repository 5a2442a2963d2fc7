/* divergence.c - a training that diverged, looked at closely. Floor: train.
 *
 * Training itself looks at nothing but the loss, which costs nothing. When that is not finite, the step has already spoilt the
 * parameters; so the last steps are run again from an anchor, a copy of the state between two epochs, until the parameters
 * before that step are back. Training is a pure function of its state, so they are the same. One more program over the batch, with
 * a magnitude for every layer and every gradient, then finds the first place where a number is not finite.
 */
#include "train/divergence.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "train/full_fit.h"
#include "train/source_runs.h"

/* Steps between two anchors, at least: a copy costs nothing beside so many. */
#define ANCHOR_STEPS 16
/* Weights that grew so much, and features so large, are told as the cause. */
#define GROWTH 10
#define LARGE  1e4

/* ---- there and back ---- */

/* Methods for full batches keep a state of their own. */
static bool has_anchor(const trainer *t) { return t->anchor_params != NULL; }

void diagnose_anchor(trainer *t) {
  if (!has_anchor(t) || (t->anchor.epoch > 0 && t->state.steps - t->anchor.steps < ANCHOR_STEPS)) return;
  t->anchor = t->state;
  trainer_keep(t, t->anchor_params);
  memcpy(t->anchor_slots, t->slots, t->slots_bytes);
}

static void pass_epoch(trainer *t) {
  if (t->state.row == t->train.source->rows) trainer_next_epoch(t, &t->result.history[t->state.epoch - 1]);
}

/* Puts the parameters back to what they were before step number `step`, and the state with them. */
static bp_status rewind_to(trainer *t, int64_t step) {
  trainer_give_back(t, t->anchor_params);
  memcpy(t->slots, t->anchor_slots, t->slots_bytes);
  t->state = t->anchor;
  for (pass_epoch(t); t->state.steps + 1 < step; pass_epoch(t)) BP_TRY(trainer_run_batch(t));
  return BP_OK;
}

/* ---- magnitudes of arrays ---- */

static double magnitude(double most, double value) {
  return isfinite(value) ? fmax(most, fabs(value)) : (double)INFINITY;
}

/* The largest absolute value; infinite when one is not finite. */
static double largest(const void *data, bp_dtype dtype, int64_t n) {
  const double *d = data;
  const float *f = data;
  double most = 0;
  for (int64_t i = 0; i < n && isfinite(most); i++) most = magnitude(most, dtype == BP_F64 ? d[i] : (double)f[i]);
  return most;
}

/* The largest number in the parameters, or in a copy of them; *which receives the array where it is. */
static double largest_param(const trainer *t, const char *copy, int *which) {
  double most = -1;
  for (int p = 0; p < t->n_params; p++) {
    const void *data = copy != NULL ? (const void *)copy : t->params[p];
    double value = largest(data, bp_net_dtype(t->net), bp_net_param(t->net, p).elements);
    if (value > most) most = value, *which = p;
    if (copy != NULL) copy += trainer_padded(trainer_param_bytes(t, p));
  }
  return most;
}

/* The largest feature of the batch that begins at t->state.row, as the network sees it. */
static double largest_feature(const trainer *t, int64_t n) {
  const bp_source *s = t->train.source;
  int64_t width = source_width(s);
  double most = s->n_runs > 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t place = source_place(s, t->train.rows[t->state.row + i]);
    for (int64_t c = place * width; c < (place + 1) * width; c++) {
      double value = s->dtype == BP_U8    ? ((const uint8_t *)s->features)[c]
                     : s->dtype == BP_F64 ? ((const double *)s->features)[c]
                                          : (double)((const float *)s->features)[c];
      most = magnitude(most, value * s->scale + s->shift);
    }
  }
  return most;
}

/* ---- what is found ---- */
typedef struct finding {
  char place[160];                 /* "the output of layers.1 is not finite" */
  double features, before, weight; /* the largest feature; the largest weight at the anchor, and now */
  int weight_at;                   /* the parameter that has it */
  bool bad_params, bad_loss;
  bool found; /* a number that is not finite */
} finding;

/* The first output of the look that is not finite, in words. */
static void name_place(const trainer *t, const double *numbers, finding *f) {
  int layers = bp_net_layers(t->net);
  f->found = true;
  for (int l = 0; l < layers; l++)
    if (!isfinite(numbers[FIT_LOOK_LAYERS + l])) {
      (void)snprintf(f->place, sizeof f->place, "the output of layers.%d is not finite", l);
      return;
    }
  f->bad_loss = !isfinite(numbers[FIT_LOOK_LOSS]);
  if (f->bad_loss) {
    (void)snprintf(f->place, sizeof f->place, "the network's outputs are finite, but their loss is not");
    return;
  }
  for (int p = t->n_params - 1; p >= 0; p--)
    if (!isfinite(numbers[FIT_LOOK_LAYERS + layers + p])) {
      (void)snprintf(f->place, sizeof f->place, "the gradient of %s is not finite", bp_net_param(t->net, p).name);
      return;
    }
  f->found = false;
  (void)snprintf(f->place, sizeof f->place, "loss and gradient %s, but the %s",
                 t->full ? "of every row are finite" : "are finite", t->full ? "sum is not" : "step is not");
}

/* The program that looks, with its arrays. */
typedef struct looker {
  bp_program *program;
  bp_workspace *workspace;
  double *numbers; /* [n_outputs] */
  void **outputs;
  const void **inputs; /* [n_inputs] those of a step */
  size_t n_outputs, n_inputs;
} looker;

/* For `piece` rows at once. */
static bp_status open_looker(trainer *t, int64_t piece, looker *l) {
  size_t n_params = (size_t)t->n_params;
  bool full = t->full != NULL;
  l->n_outputs = FIT_LOOK_LAYERS + (size_t)bp_net_layers(t->net) + n_params;
  l->n_inputs = full ? FIT_FIRST_PARAM_OF_STEP + n_params : t->train.n_inputs;
  l->numbers = bp_calloc(t->ctx, l->n_outputs, sizeof *l->numbers);
  l->outputs = bp_calloc(t->ctx, l->n_outputs, sizeof *l->outputs);
  l->inputs = bp_calloc(t->ctx, l->n_inputs, sizeof *l->inputs);
  if (l->numbers == NULL || l->outputs == NULL || l->inputs == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < l->n_outputs; i++) l->outputs[i] = &l->numbers[i];
  memcpy(l->inputs, t->train.inputs, (full ? FIT_LR : l->n_inputs) * sizeof *l->inputs);
  l->inputs[FIT_LR] = bp_net_dtype(t->net) == BP_F64 ? (const void *)&t->lr : (const void *)&t->lr_f32;
  l->inputs[FIT_STEP] = &t->step;
  for (size_t p = 0; full && p < n_params; p++) l->inputs[FIT_FIRST_PARAM_OF_STEP + p] = t->params[p];
  BP_TRY(fit_look_program(t->ctx, t->net, t->train.source, &t->options, piece, &l->program));
  return bp_workspace_new(t->ctx, l->program, 1, &l->workspace);
}

static void close_looker(trainer *t, looker *l) {
  bp_allocator a = bp_context_allocator(t->ctx);
  bp_workspace_free(l->workspace);
  bp_program_free(l->program);
  bp_release(a, (void *)l->inputs, l->n_inputs, sizeof *l->inputs);
  bp_release(a, l->outputs, l->n_outputs, sizeof *l->outputs);
  bp_release(a, l->numbers, l->n_outputs, sizeof *l->numbers);
}

/* Looks at n rows from t->state on, `piece` at once, until something is found. */
static bp_status look(trainer *t, int64_t n, int64_t piece, finding *f) {
  looker l = {0};
  bp_status status = open_looker(t, piece, &l);
  for (int64_t at = 0; at < n && status == BP_OK && !f->found; at += piece) {
    int64_t rows = n - at < piece ? n - at : piece;
    trainer_name_batch(t, at, rows);
    memcpy(l.inputs, t->train.inputs, FIT_LR * sizeof *l.inputs);
    status = bp_run(l.program, l.workspace, rows, l.inputs, l.outputs);
    if (status == BP_OK) name_place(t, l.numbers, f);
  }
  close_looker(t, &l);
  return status;
}

static bp_status find(trainer *t, int64_t step, finding *f) {
  int at = 0;
  BP_TRY(rewind_to(t, step));
  int64_t n = batching_next(&t->batches, t->state.row);
  f->before = largest_param(t, t->anchor_params, &at);
  f->weight = largest_param(t, NULL, &f->weight_at);
  f->bad_params = !isfinite(f->weight);
  if (f->bad_params) {
    (void)snprintf(f->place, sizeof f->place, "%s was not finite after the step before",
                   bp_net_param(t->net, f->weight_at).name);
    return BP_OK;
  }
  BP_TRY(look(t, n, n, f));
  f->features = largest_feature(t, n);
  return BP_OK;
}

/* The same for all rows at the parameters of now, which are finite. */
static bp_status find_at_start(trainer *t, finding *f) {
  int64_t n = t->train.source->rows;
  f->weight = f->before = largest_param(t, NULL, &f->weight_at);
  BP_TRY(look(t, n, n < FULL_FIT_ROWS ? n : FULL_FIT_ROWS, f));
  f->features = largest_feature(t, n);
  return BP_OK;
}

/* ---- the message ---- */

/* Why, and what to do, as far as the numbers tell. */
static void name_cause(const trainer *t, const finding *f, char *text, size_t size) {
  const char *name = bp_net_param(t->net, f->weight_at).name;
  if (f->bad_params)
    (void)snprintf(text, size, "the steps grew beyond all bounds; try a smaller learning rate than %g, or clip_norm",
                   t->options.lr);
  else if (f->weight > GROWTH * f->before)
    (void)snprintf(text, size,
                   "%s grew from %.2g to %.2g in %" PRId64 " steps; try a smaller learning rate than %g, or clip_norm",
                   name, f->before, f->weight, t->state.steps - t->anchor.steps, t->options.lr);
  else if (f->features > LARGE)
    (void)snprintf(text, size, "features are as large as %.2g; scale them to about 1, or use float64", f->features);
  else if (f->bad_loss && t->options.objective.loss >= BP_LOSS_EXPRESSION)
    (void)snprintf(text, size,
                   "is the formula defined for every output? a logarithm or root of a number below 0 is not");
  else if (t->full != NULL)
    (void)snprintf(text, size, "weights are as large as %.2g (%s); start with smaller ones, or use float64", f->weight,
                   name);
  else
    (void)snprintf(text, size, "weights are as large as %.2g (%s); try a smaller learning rate than %g", f->weight,
                   name, t->options.lr);
}

bp_status diagnose_start(trainer *t) {
  char what[BP_MESSAGE_MAX], cause[256];
  finding f = {.place = ""};
  trainer_state now = t->state;
  (void)snprintf(what, sizeof what, "%s", bp_error_message(t->ctx));
  bp_status found = find_at_start(t, &f);
  t->state = now;
  if (found != BP_OK) return bp_fail(t->ctx, BP_E_DIVERGED, "%s", what); /* no memory to look */
  name_cause(t, &f, cause, sizeof cause);
  return bp_fail(t->ctx, BP_E_DIVERGED, "%s; %s: %s", what, f.place, cause);
}

bp_status diagnose(trainer *t) {
  trainer_state after = t->state;
  double loss = isnan(t->last.loss) ? (double)NAN : t->last.loss; /* without a sign */
  char cause[256];
  finding f = {.place = ""};
  bp_status found = has_anchor(t) ? find(t, after.steps, &f) : BP_E_LIMIT;
  if (found == BP_OK)
    name_cause(t, &f, cause, sizeof cause);
  else /* no memory to look: the training has diverged all the same */
    (void)snprintf(cause, sizeof cause, "try a smaller learning rate than %g", t->options.lr);
  t->state = after;
  return bp_fail(t->ctx, BP_E_DIVERGED, "the loss is %g at step %" PRId64 " of epoch %" PRId64 "%s%s: %s", loss,
                 after.steps, after.epoch, f.place[0] ? "; " : "", f.place, cause);
}
