/* fit_options.c - checks before anything is built, so that a fit that starts can only fail for memory or divergence.
 * Floor: train.
 */
#include "train/fit_options.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "train/optimizer_update.h"
#include "train/source_runs.h"

/* A real option from 0 to below `high`; where 0 stands for a default, the message speaks of numbers above it. */
typedef struct real_option {
  const char *name;
  size_t offset;
  double high;
  bool has_default;
} real_option;

static const real_option real_options[] = {
    {"lr", offsetof(bp_fit_options, lr), 1e6, true},
    {"momentum", offsetof(bp_fit_options, momentum), 1, false},
    {"beta1", offsetof(bp_fit_options, beta1), 1, true},
    {"beta2", offsetof(bp_fit_options, beta2), 1, true},
    {"rho", offsetof(bp_fit_options, rho), 1, true},
    {"epsilon", offsetof(bp_fit_options, epsilon), 1, true},
    {"l1", offsetof(bp_fit_options, l1), 1e6, false},
    {"l2", offsetof(bp_fit_options, l2), 1e6, false},
    {"weight_decay", offsetof(bp_fit_options, weight_decay), 1e6, false},
    {"clip_value", offsetof(bp_fit_options, clip_value), 1e30, false},
    {"clip_norm", offsetof(bp_fit_options, clip_norm), 1e30, false},
    {"max_norm", offsetof(bp_fit_options, max_norm), 1e30, false},
    {"tolerance", offsetof(bp_fit_options, tolerance), 1, false},
    {"min_gain", offsetof(bp_fit_options, min_gain), 1e30, false},
    {"time_limit", offsetof(bp_fit_options, time_limit), 1e9, false},
};

static bp_status check_reals(bp_context *ctx, const bp_fit_options *o) {
  for (size_t i = 0; i < sizeof real_options / sizeof real_options[0]; i++) {
    const real_option *r = &real_options[i];
    double value;
    memcpy(&value, (const char *)o + r->offset, sizeof value);
    if (!(value >= 0 && value < r->high))
      return bp_fail(ctx, BP_E_ARG, "%s is %g, expected a number %s 0 and below %g", r->name, value,
                     r->has_default ? "above" : "from", r->high);
  }
  return BP_OK;
}

/* A rate that decays weights by all of themselves, or more, turns them over. */
static bp_status check_decay(bp_context *ctx, const bp_fit_options *o) {
  if (o->lr * o->weight_decay < 1) return BP_OK;
  return bp_fail(
      ctx, BP_E_ARG,
      "weight_decay is %g and lr %g, expected a product below 1: a step keeps 1 - lr weight_decay of a weight",
      o->weight_decay, o->lr);
}

static bp_status resolve_step(bp_context *ctx, bp_fit_options *o) {
  BP_TRY(check_reals(ctx, o));
  if (o->memory < 0 || o->memory > 1000) return bp_fail(ctx, BP_E_ARG, "memory is %d, expected 1 to 1000", o->memory);
  BP_TRY(optimizer_defaults(ctx, o));
  if (o->nesterov && o->momentum == 0) return bp_fail(ctx, BP_E_ARG, "nesterov needs a momentum above 0");
  BP_TRY(check_decay(ctx, o));
  BP_TRY(bp_schedule_check(ctx, &o->schedule));
  const bp_schedule *s = &o->schedule;
  if (bp_optimizer_full_batch(o->optimizer) &&
      (s->kind != BP_SCHEDULE_CONSTANT || s->warmup_steps > 0 || s->warmup_epochs > 0))
    return bp_fail(ctx, BP_E_ARG, "%s finds its own step sizes; expected no schedule and no warm-up",
                   bp_optimizer_name(o->optimizer));
  return BP_OK;
}

static bp_status resolve_batch(bp_context *ctx, int64_t rows, bp_fit_options *o) {
  bool full = bp_optimizer_full_batch(o->optimizer);
  if (o->batch_size < 0) return bp_fail(ctx, BP_E_ARG, "batch size is %" PRId64 ", expected 1 or more", o->batch_size);
  if (full && o->batch_size > 0 && o->batch_size < rows)
    return bp_fail(ctx, BP_E_ARG, "batch size is %" PRId64 ", but %s takes all rows at once; expected a full batch",
                   o->batch_size, bp_optimizer_name(o->optimizer));
  if (o->batch_size == 0) o->batch_size = full ? rows : 128;
  if (o->batch_size > rows) o->batch_size = rows;
  return BP_OK;
}

/* Whether there are targets for which loss and output unit can be learnt; a formula is judged when its targets are known. */
static bp_status check_objective(bp_context *ctx, const bp_objective *o) {
  bp_objective resolved;
  if (o->loss == BP_LOSS_EXPRESSION) return BP_OK;
  bp_status status = bp_objective_resolve(ctx, o, true, 2, &resolved);
  if (status == BP_E_ARG) status = bp_objective_resolve(ctx, o, false, 1, &resolved);
  return status;
}

bp_status fit_options_resolve(bp_context *ctx, const bp_fit_options *options, int64_t rows, bp_fit_options *out) {
  bp_fit_options o = {0};
  if (options != NULL && options->size < sizeof options->size)
    return bp_fail(ctx, BP_E_ARG, "bp_fit_options.size is %zu, expected sizeof(bp_fit_options)", options->size);
  if (options != NULL) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
  BP_TRY(check_objective(ctx, &o.objective));
  if ((unsigned)o.optimizer >= BP_OPTIMIZER_COUNT)
    return bp_fail(ctx, BP_E_ARG, "no optimizer number %d", (int)o.optimizer);
  BP_TRY(resolve_step(ctx, &o));
  BP_TRY(resolve_batch(ctx, rows, &o));
  if (o.epochs < 0) return bp_fail(ctx, BP_E_ARG, "epochs is %d, expected 1 or more", o.epochs);
  if (o.epochs == 0) o.epochs = bp_optimizer_full_batch(o.optimizer) ? 200 : 20;
  if (o.patience < 0) return bp_fail(ctx, BP_E_ARG, "patience is %d, expected 0 (never) or more", o.patience);
  if (bp_metric_name(o.metric) == NULL) return bp_fail(ctx, BP_E_ARG, "no metric number %d", (int)o.metric);
  if (o.metric == BP_METRIC_AUTO) o.metric = BP_METRIC_LOSS;
  if (o.tolerance_epochs < 0)
    return bp_fail(ctx, BP_E_ARG, "tolerance_epochs is %d, expected 1 or more", o.tolerance_epochs);
  if (o.tolerance_epochs == 0) o.tolerance_epochs = 5;
  if ((unsigned)o.norms > BP_NORMS_STEP) return bp_fail(ctx, BP_E_ARG, "no norms number %d", (int)o.norms);
  if (o.norms != BP_NORMS_NEVER && bp_optimizer_full_batch(o.optimizer))
    return bp_fail(ctx, BP_E_ARG, "norms are taken between steps of mini-batches; %s has none",
                   bp_optimizer_name(o.optimizer));
  if (o.threads < 0) return bp_fail(ctx, BP_E_ARG, "threads is %d, expected 0 (one per core) or more", o.threads);
  *out = o;
  return BP_OK;
}

bp_status bp_fit_options_check(bp_context *context, const bp_fit_options *options) {
  bp_fit_options resolved;
  return fit_options_resolve(context, options, INT64_MAX, &resolved);
}

/* ---- data ---- */
#define ROWS_MAX INT32_MAX

static int64_t first_not_finite(const void *data, bp_dtype dtype, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (dtype == BP_F64 ? !isfinite(((const double *)data)[i]) : dtype == BP_F32 && !isfinite(((const float *)data)[i]))
      return i;
  return -1;
}

static bp_status check_classes(bp_context *ctx, const char *what, const bp_source *s) {
  const int32_t *classes = s->targets;
  if (s->outputs < 2) return bp_fail(ctx, BP_E_DATA, "%s: %" PRId64 " class, expected at least 2", what, s->outputs);
  for (int64_t i = 0; i < s->rows; i++)
    if (classes[i] < 0 || classes[i] >= s->outputs)
      return bp_fail(ctx, BP_E_DATA, "%s: class number %" PRId32 " at row %" PRId64 ", expected 0 to %" PRId64, what,
                     classes[i], i, s->outputs - 1);
  return BP_OK;
}

static double target_at(const bp_source *s, int64_t i) {
  return s->target_dtype == BP_F64 ? ((const double *)s->targets)[i] : (double)((const float *)s->targets)[i];
}

/* Targets of a softmax are a distribution: they add up to 1. */
static bp_status check_distributions(bp_context *ctx, const char *what, const bp_source *s) {
  static const double tolerance = 1e-3;
  for (int64_t r = 0; r < s->rows; r++) {
    double sum = 0;
    for (int64_t j = 0; j < s->outputs; j++) sum += target_at(s, r * s->outputs + j);
    if (fabs(sum - 1) > tolerance)
      return bp_fail(ctx, BP_E_DATA, "%s: the targets of row %" PRId64 " add up to %g; output softmax expects 1", what,
                     r, sum);
  }
  return BP_OK;
}

static bp_status check_values(bp_context *ctx, const char *what, const bp_source *s, const bp_objective *o) {
  double low, high;
  int64_t bad = first_not_finite(s->targets, s->target_dtype, s->rows * s->outputs);
  if (bad >= 0)
    return bp_fail(ctx, BP_E_DATA, "%s: the target of row %" PRId64 " is not finite", what, bad / s->outputs);
  bp_objective_range(o, &low, &high);
  for (int64_t i = 0; (isfinite(low) || isfinite(high)) && i < s->rows * s->outputs; i++) {
    double y = target_at(s, i);
    if (y >= low && y <= high) continue;
    return bp_fail(ctx, BP_E_DATA, "%s: the target of row %" PRId64 " is %g; loss %s with output %s expects %g to %g",
                   what, i / s->outputs, y, bp_loss_name(o->loss), bp_output_name(o->output), low, high);
  }
  return o->output == BP_OUTPUT_SOFTMAX ? check_distributions(ctx, what, s) : BP_OK;
}

static bp_status check_weights(bp_context *ctx, const char *what, const bp_source *s) {
  double sum = 0;
  for (int64_t r = 0; s->weights != NULL && r < s->rows; r++) {
    if (!(s->weights[r] >= 0) || !isfinite(s->weights[r]))
      return bp_fail(ctx, BP_E_DATA, "%s: the weight of row %" PRId64 " is %g; expected a finite number from 0", what,
                     r, s->weights[r]);
    sum += s->weights[r];
  }
  if (s->weights != NULL && !(sum > 0 && isfinite(sum) && isfinite((double)s->rows / sum)))
    return bp_fail(ctx, BP_E_DATA,
                   "%s: the weights of all rows add up to %g; expected a finite number above 0 by which one can divide",
                   what, sum);
  return BP_OK;
}

static bp_status check_places(bp_context *ctx, const char *what, const bp_source *s) {
  if (s->places == NULL) return BP_OK;
  if (s->stored < 1 || s->stored > ROWS_MAX)
    return bp_fail(ctx, BP_E_DATA, "%s: %" PRId64 " stored rows, expected 1 to %d", what, s->stored, ROWS_MAX);
  for (int64_t r = 0; r < s->rows; r++)
    if (s->places[r] < 0 || s->places[r] >= s->stored)
      return bp_fail(ctx, BP_E_DATA, "%s: row %" PRId64 " stands at %" PRId32 ", expected 0 to %" PRId64, what, r,
                     s->places[r], s->stored - 1);
  return BP_OK;
}

static bp_status check_runs(bp_context *ctx, const char *what, const bp_source *s) {
  int64_t at = 0;
  if (s->n_runs > 0 && (s->dtype == BP_U8 || s->scale != 1 || s->shift != 0))
    return bp_fail(ctx, BP_E_DATA,
                   "%s: runs beside features of %s times %g plus %g; expected float32 or float64, 1 and 0", what,
                   bp_dtype_name(s->dtype), s->scale, s->shift);
  for (size_t k = 0; k < s->n_runs; k++) {
    const bp_source_run *run = &s->runs[k];
    if (run->first < at || run->first > s->columns || run->count < 1 || run->count > s->columns - run->first)
      return bp_fail(ctx, BP_E_DATA,
                     "%s: run %zu is %" PRId64 " columns from %" PRId64 " on, expected some of %" PRId64
                     ", behind the run before",
                     what, k, run->count, run->first, s->columns);
    at = run->first + run->count;
  }
  for (int64_t r = 0; r < s->rows; r++)
    for (size_t k = 0; k < s->n_runs; k++) {
      int32_t one = s->ones[source_place(s, r) * (int64_t)s->n_runs + (int64_t)k];
      if (one < -1 || one >= s->runs[k].count)
        return bp_fail(ctx, BP_E_DATA, "%s: run %zu of row %" PRId64 " is %" PRId32 ", expected -1 to %" PRId64, what,
                       k, r, one, s->runs[k].count - 1);
    }
  return BP_OK;
}

static bp_status check_features(bp_context *ctx, const char *what, const bp_source *s) {
  int64_t width = source_width(s);
  size_t row_bytes = (size_t)width * bp_dtype_size(s->dtype);
  for (int64_t r = 0; r < s->rows && s->dtype != BP_U8 && width > 0; r++) {
    const char *row = (const char *)s->features + (size_t)source_place(s, r) * row_bytes;
    int64_t bad = first_not_finite(row, s->dtype, width);
    if (bad >= 0)
      return bp_fail(ctx, BP_E_DATA, "%s: feature %" PRId64 " of row %" PRId64 " is not finite", what, bad, r);
  }
  return BP_OK;
}

bp_status fit_source_check(bp_context *ctx, const char *what, const bp_source *s, const bp_net *net,
                           const bp_objective *objective) {
  bool classes = objective->classes;
  int64_t units = bp_objective_units(objective);
  if (bp_net_layers(net) == 0) return bp_fail(ctx, BP_E_ARG, "the network has no layers, so nothing to fit");
  if (s->rows < 1 || s->rows > ROWS_MAX)
    return bp_fail(ctx, BP_E_DATA, "%s: %" PRId64 " rows, expected 1 to %d", what, s->rows, ROWS_MAX);
  if (s->columns != bp_net_inputs(net))
    return bp_fail(ctx, BP_E_DATA, "%s: %" PRId64 " features, the network has %" PRId64 " inputs", what, s->columns,
                   bp_net_inputs(net));
  if (s->outputs != objective->width || units != bp_net_outputs(net))
    return bp_fail(ctx, BP_E_DATA,
                   "%s: %" PRId64 " %s, which do not fit loss %s and a network of %" PRId64
                   " outputs; expected %" PRId64 " of them and %" PRId64 " outputs",
                   what, s->outputs, classes ? "classes" : "target columns", bp_loss_name(objective->loss),
                   bp_net_outputs(net), objective->width, units);
  if (s->dtype == BP_I32 || (unsigned)s->dtype >= BP_DTYPE_COUNT)
    return bp_fail(ctx, BP_E_DATA, "%s: features are %s, expected uint8, float32 or float64", what,
                   bp_dtype_name(s->dtype));
  if (classes != (s->target_dtype == BP_I32) || (!classes && s->target_dtype != BP_F32 && s->target_dtype != BP_F64))
    return bp_fail(ctx, BP_E_DATA, "%s: targets are %s, loss %s expects %s", what, bp_dtype_name(s->target_dtype),
                   bp_loss_name(objective->loss), classes ? "int32 class numbers" : "float32 or float64 values");
  if (s->scale == 0 || !isfinite(s->scale) || !isfinite(s->shift))
    return bp_fail(
        ctx, BP_E_DATA,
        "%s: features times %g plus %g; expected finite numbers, the first not 0 (1 and 0 leave features alone)", what,
        s->scale, s->shift);
  BP_TRY(check_places(ctx, what, s));
  BP_TRY(check_runs(ctx, what, s));
  BP_TRY(check_features(ctx, what, s));
  BP_TRY(check_weights(ctx, what, s));
  return classes ? check_classes(ctx, what, s) : check_values(ctx, what, s, objective);
}
