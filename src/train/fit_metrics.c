/* fit_metrics.c - the table of metrics, and validation by those that are no means over rows: their measures are the functions of
 * backprop/metrics.h, as an evaluation has them. Floor: train.
 */
#include "train/fit_metrics.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "backprop/metrics.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "train/temperature.h"

/* ---- the table ---- */

/* Where a metric comes from; the last five from the predictions of all rows. */
typedef enum origin {
  FROM_LOSS,
  FROM_SUM,
  FROM_CONFUSION,
  FROM_PROBABILITIES,
  FROM_TEMPERATURE,
  FROM_ORDER,
  FROM_VALUES
} origin;

/* Both of bp_areas(). */
typedef struct areas {
  double auc, pr_auc;
} areas;

enum { FOR_CLASSES = 1, FOR_VALUES = 2 };

typedef struct metric_kind {
  const char *name;
  unsigned takes;
  bool rises;
  origin from;
  size_t field; /* a double in what the measure gives */
} metric_kind;

#define SUMMARY(name)     FROM_CONFUSION, offsetof(bp_class_summary, name)
#define PROBABILITY(name) FROM_PROBABILITIES, offsetof(bp_probability_metrics, name)
#define ORDER(name)       FROM_ORDER, offsetof(areas, name)
#define VALUE(name)       FROM_VALUES, offsetof(bp_value_metrics, name)

static const metric_kind kinds[BP_METRIC_COUNT] = {
    [BP_METRIC_AUTO] = {"auto", FOR_CLASSES | FOR_VALUES, false, FROM_LOSS, 0},
    [BP_METRIC_LOSS] = {"loss", FOR_CLASSES | FOR_VALUES, false, FROM_LOSS, 0},
    [BP_METRIC_ACCURACY] = {"accuracy", FOR_CLASSES, true, FROM_SUM, 0},
    [BP_METRIC_RMSE] = {"rmse", FOR_VALUES, false, FROM_SUM, 0},
    [BP_METRIC_MAE] = {"mae", FOR_VALUES, false, FROM_SUM, 0},
    [BP_METRIC_BALANCED_ACCURACY] = {"balanced_accuracy", FOR_CLASSES, true, SUMMARY(balanced_accuracy)},
    [BP_METRIC_F1] = {"f1", FOR_CLASSES, true, SUMMARY(macro.f1)},
    [BP_METRIC_MCC] = {"mcc", FOR_CLASSES, true, SUMMARY(mcc)},
    [BP_METRIC_KAPPA] = {"kappa", FOR_CLASSES, true, SUMMARY(kappa)},
    [BP_METRIC_AUC] = {"auc", FOR_CLASSES, true, ORDER(auc)},
    [BP_METRIC_PR_AUC] = {"pr_auc", FOR_CLASSES, true, ORDER(pr_auc)},
    [BP_METRIC_LOG_LOSS] = {"log_loss", FOR_CLASSES, false, PROBABILITY(log_loss)},
    [BP_METRIC_BRIER] = {"brier", FOR_CLASSES, false, PROBABILITY(brier)},
    [BP_METRIC_CALIBRATION_ERROR] = {"calibration_error", FOR_CLASSES, false, PROBABILITY(calibration_error)},
    [BP_METRIC_CALIBRATED_LOSS] = {"calibrated_loss", FOR_CLASSES, false, FROM_TEMPERATURE, 0},
    [BP_METRIC_R2] = {"r2", FOR_VALUES, true, VALUE(r2)},
    [BP_METRIC_MEDIAN_ERROR] = {"median_error", FOR_VALUES, false, VALUE(median_error)},
    [BP_METRIC_MAX_ERROR] = {"max_error", FOR_VALUES, false, VALUE(max_error)},
};

const char *bp_metric_name(bp_metric metric) { return (unsigned)metric < BP_METRIC_COUNT ? kinds[metric].name : NULL; }

bool bp_metric_find(const char *name, bp_metric *out) {
  for (int i = 0; i < BP_METRIC_COUNT; i++)
    if (strcmp(name, kinds[i].name) == 0) return *out = (bp_metric)i, true;
  return false;
}

bool metric_rises(bp_metric metric) { return kinds[metric].rises; }
bool metric_is_sum(bp_metric metric) { return kinds[metric].from == FROM_SUM; }
bool metric_needs_rows(bp_metric metric) { return kinds[metric].from > FROM_SUM; }

/* ---- does it fit? ---- */

static bp_status fail_kind(bp_context *ctx, const metric_kind *kind, bool classes) {
  char list[300];
  size_t used = 0;
  list[0] = '\0';
  for (int i = BP_METRIC_LOSS; i < BP_METRIC_COUNT; i++)
    if (kinds[i].takes & (classes ? FOR_CLASSES : FOR_VALUES))
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", kinds[i].name);
  return bp_fail(ctx, BP_E_ARG, "metric is %s, but the targets are %s; expected one of %s", kind->name,
                 classes ? "classes" : "values", list);
}

bp_status metric_check(bp_context *ctx, bp_metric metric, const bp_objective *o) {
  const metric_kind *kind = &kinds[metric];
  bool distribution = o->output == BP_OUTPUT_SOFTMAX || (o->output == BP_OUTPUT_SIGMOID && bp_objective_units(o) == 1);
  if (metric == BP_METRIC_ACCURACY && o->loss == BP_LOSS_BINARY_CROSS_ENTROPY) return BP_OK; /* labels */
  if (!(kind->takes & (o->classes ? FOR_CLASSES : FOR_VALUES))) return fail_kind(ctx, kind, o->classes);
  if ((kind->from != FROM_PROBABILITIES && kind->from != FROM_TEMPERATURE) || distribution) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "metric is %s, but the predictions of loss %s with output %s are no probabilities",
                 kind->name, bp_loss_name(o->loss), bp_output_name(o->output));
}

/* ---- the rows ---- */

bp_status fit_rows_init(fit_rows *r, bp_context *ctx, bp_dtype dtype, const bp_source *source, int64_t batch) {
  *r = (fit_rows){.ctx = ctx, .source = source, .dtype = dtype, .width = source->outputs, .batch = batch};
  size_t row = 0;
  if (!bp_mul_count(1, r->width, &r->n) || !bp_mul_count(r->n, source->rows, &r->n) ||
      !bp_mul_count(bp_dtype_size(dtype), r->width, &row) || !bp_mul_count(row, batch, &r->piece_bytes))
    return bp_fail(ctx, BP_E_NOMEM, "out of memory: the predictions of the validation rows are too many");
  r->piece = bp_aligned_alloc(ctx, r->piece_bytes);
  r->predictions = bp_alloc(ctx, r->n, sizeof *r->predictions);
  return r->piece != NULL && r->predictions != NULL ? BP_OK : BP_E_NOMEM;
}

void fit_rows_release(fit_rows *r) {
  if (r->ctx == NULL) return;
  bp_allocator a = bp_context_allocator(r->ctx);
  if (r->piece != NULL) bp_aligned_free(a, r->piece, r->piece_bytes);
  bp_release(a, r->predictions, r->n, sizeof *r->predictions);
}

static double element(const void *data, bp_dtype dtype, int64_t i) {
  return dtype == BP_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

void fit_rows_take(fit_rows *r, int64_t begin, int64_t n) {
  bool classes = r->source->target_dtype == BP_I32;
  for (int64_t i = 0; i < n; i++)
    for (int64_t c = 0; c < r->width; c++) {
      int64_t place = classes ? (begin + i) * r->width + c : c * r->source->rows + begin + i;
      r->predictions[place] = element(r->piece, r->dtype, i * r->width + c);
    }
}

/* ---- measures ---- */

static bp_status measure_confusion(const fit_rows *r, bp_class_summary *out) {
  int64_t rows = r->source->rows, k = r->width;
  bp_allocator a = bp_context_allocator(r->ctx);
  size_t cells = SIZE_MAX;
  (void)bp_mul_size((size_t)k, (size_t)k, &cells);
  int32_t *guesses = bp_alloc(r->ctx, (size_t)rows, sizeof *guesses);
  double *confusion = guesses != NULL ? bp_alloc(r->ctx, cells, sizeof *confusion) : NULL;
  bp_status status = confusion != NULL ? BP_OK : BP_E_NOMEM;
  for (int64_t i = 0; i < rows && status == BP_OK; i++) {
    const double *p = r->predictions + i * k;
    guesses[i] = 0;
    for (int32_t c = 1; c < k; c++)
      if (p[c] > p[guesses[i]]) guesses[i] = c;
  }
  if (status == BP_OK)
    status = bp_confusion(r->ctx, r->source->targets, guesses, r->source->weights, rows, k, confusion);
  if (status == BP_OK) *out = bp_class_summary_of(confusion, k);
  bp_release(a, confusion, cells, sizeof *confusion);
  bp_release(a, guesses, (size_t)rows, sizeof *guesses);
  return status;
}

/* The mean over the targets. */
static bp_status measure_values(const fit_rows *r, size_t field, double *out) {
  int64_t rows = r->source->rows;
  double sum = 0, value, *truth = bp_alloc(r->ctx, (size_t)rows, sizeof *truth);
  bp_status status = truth != NULL ? BP_OK : BP_E_NOMEM;
  for (int64_t t = 0; t < r->width && status == BP_OK; t++) {
    bp_value_metrics m;
    for (int64_t i = 0; i < rows; i++)
      truth[i] = element(r->source->targets, r->source->target_dtype, i * r->width + t);
    status = bp_value_metrics_of(r->ctx, truth, r->predictions + t * rows, r->source->weights, rows, &m);
    if (status != BP_OK) break;
    memcpy(&value, (const char *)&m + field, sizeof value);
    sum += value / (double)r->width;
  }
  bp_release(bp_context_allocator(r->ctx), truth, (size_t)rows, sizeof *truth);
  if (status == BP_OK) *out = sum;
  return status;
}

static bp_status measure(const fit_rows *r, const metric_kind *kind, double *out) {
  const bp_source *s = r->source;
  union {
    bp_class_summary summary;
    bp_probability_metrics probability;
    areas areas;
  } all;
  if (kind->from == FROM_VALUES) return measure_values(r, kind->field, out);
  if (kind->from == FROM_TEMPERATURE) {
    double t = temperature_of(r->predictions, s->targets, s->weights, s->rows, r->width);
    *out = temperature_loss(r->predictions, s->targets, s->weights, s->rows, r->width, t);
    return BP_OK;
  }
  if (kind->from == FROM_CONFUSION)
    BP_TRY(measure_confusion(r, &all.summary));
  else if (kind->from == FROM_PROBABILITIES)
    all.probability = bp_probability_metrics_of(s->targets, r->predictions, s->weights, s->rows, r->width, 1);
  else
    BP_TRY(
        bp_areas(r->ctx, s->targets, r->predictions, s->weights, s->rows, r->width, &all.areas.auc, &all.areas.pr_auc));
  memcpy(out, (const char *)&all + kind->field, sizeof *out);
  return BP_OK;
}

bp_status fit_rows_measure(const fit_rows *r, bp_metric metric, double *out) {
  BP_TRY(measure(r, &kinds[metric], out));
  if (!isnan(*out)) return BP_OK;
  for (size_t i = 0; i < r->n; i++)
    if (!isfinite(r->predictions[i])) return BP_OK;
  return bp_fail(
      r->ctx, BP_E_DATA,
      "metric %s is not defined for the validation rows: one class only, a target that is the same in all, or "
      "no weight; take another",
      kinds[metric].name);
}
