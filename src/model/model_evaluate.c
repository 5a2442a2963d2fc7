/* model/model_evaluate.c - the measures of a labelled table: rows go through the program piece by piece. Floor: model.
 *
 * Confusion and probability measures are summed on the way. Areas and the median need all rows at once: the probabilities
 * are kept for them, up to SCORES_MAX numbers.
 */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "model/model_pass.h"
#include "train/probability_metrics.h"

#define SCORES_MAX ((int64_t)1 << 25)

/* What is remembered of the rows, for the measures. */
typedef struct outcome {
  int64_t rows, classes; /* classes: 0 for values */
  bp_long_sum loss;
  double *confusion; /* [classes, classes], moves into the result */
  int64_t k;         /* of top_k */
  bp_probability_sums sums;
  int32_t *truth; /* [rows]: classes */
  double *scores; /* [rows, classes]: NULL when there are too many */
  size_t n_scores;
  int64_t targets, n_values;
  double *values, *guesses; /* [targets, rows]: in the target's own units */
  double *weights;          /* [rows]; NULL where all are 1 */
  bp_long_sum weight;
} outcome;

typedef struct judge {
  bp_labelled labelled;
  outcome outcome;
  double *row; /* [outputs] */
} judge;

/* ---- room ---- */

static bp_status open_classes(bp_context *ctx, outcome *o) {
  int64_t cells;
  if (!bp_mul_dim(o->classes, o->classes, &cells)) return bp_fail(ctx, BP_E_NOMEM, "out of memory: too many classes");
  o->k = o->classes > 5 ? 5 : 2;
  o->confusion = bp_calloc(ctx, (size_t)cells, sizeof *o->confusion);
  o->truth = bp_alloc(ctx, (size_t)o->rows, sizeof *o->truth);
  if (!o->confusion || !o->truth) return BP_E_NOMEM;
  if (o->rows > SCORES_MAX / o->classes) return BP_OK;
  o->n_scores = (size_t)(o->rows * o->classes);
  o->scores = bp_alloc(ctx, o->n_scores, sizeof *o->scores);
  return o->scores ? BP_OK : BP_E_NOMEM;
}

static bp_status open_outcome(bp_context *ctx, const bp_model *model, int64_t rows, bool weighs, outcome *o) {
  o->rows = rows;
  o->weights = weighs ? bp_alloc(ctx, (size_t)rows, sizeof *o->weights) : NULL;
  if (weighs && !o->weights) return BP_E_NOMEM;
  if (model->task != BP_TASK_REGRESSION) {
    o->classes = bp_model_outputs(model);
    return open_classes(ctx, o);
  }
  if (!bp_mul_dim(bp_model_targets(model), rows, &o->n_values))
    return bp_fail(ctx, BP_E_NOMEM, "out of memory: too many values");
  o->targets = bp_model_targets(model);
  o->values = bp_alloc(ctx, (size_t)o->n_values, sizeof *o->values);
  o->guesses = bp_alloc(ctx, (size_t)o->n_values, sizeof *o->guesses);
  return o->values && o->guesses ? BP_OK : BP_E_NOMEM;
}

static void close_outcome(bp_context *ctx, outcome *o) {
  bp_allocator allocator = bp_context_allocator(ctx);
  size_t n = (size_t)o->rows;
  bp_release(allocator, o->confusion, (size_t)(o->classes * o->classes), sizeof *o->confusion);
  bp_release(allocator, o->truth, n, sizeof *o->truth);
  bp_release(allocator, o->scores, o->n_scores, sizeof *o->scores);
  bp_release(allocator, o->values, (size_t)o->n_values, sizeof *o->values);
  bp_release(allocator, o->guesses, (size_t)o->n_values, sizeof *o->guesses);
  bp_release(allocator, o->weights, n, sizeof *o->weights);
}

/* ---- rows ---- */

static void judge_class(outcome *o, int64_t row, int32_t truth, double weight, const double *p) {
  o->confusion[truth * o->classes + bp_most_probable(p, o->classes)] += weight;
  bp_probability_sums_add(&o->sums, truth, p, weight, o->classes, o->k);
  o->truth[row] = truth;
  if (o->scores) memcpy(o->scores + row * o->classes, p, (size_t)o->classes * sizeof *p);
}

static void judge_values(const judge *j, const bp_binding *binding, int64_t table_row, outcome *o, int64_t row) {
  for (int64_t t = 0; t < o->targets; t++) {
    o->values[t * o->rows + row] = bp_binding_target(binding, t, table_row);
    o->guesses[t * o->rows + row] = j->row[t];
  }
}

static bp_status judge_piece(bp_pass *pass, const bp_encoded *encoded, int64_t first, void *user) {
  judge *j = user;
  outcome *o = &j->outcome;
  for (int64_t r = 0; r < encoded->rows; r++) {
    double weight = encoded->weights ? encoded->weights[r] : 1;
    bp_pass_output(pass, r, j->row);
    if (pass->has_loss) bp_long_sum_add(&o->loss, weight * bp_pass_element(pass, pass->loss, r));
    bp_long_sum_add(&o->weight, weight);
    if (o->weights) o->weights[first + r] = weight;
    if (o->values)
      judge_values(j, pass->binding, pass->piece.list ? pass->piece.list[r] : pass->piece.first + r, o, first + r);
    else
      judge_class(o, first + r, ((const int32_t *)encoded->targets)[r], weight, j->row);
  }
  return BP_OK;
}

/* ---- measures ---- */

/* Whether the outputs of a row are probabilities that sum to 1. */
static bool gives_distribution(const bp_model *model) {
  const bp_objective *o = &model->objective;
  return o->output == BP_OUTPUT_SOFTMAX || (o->output == BP_OUTPUT_SIGMOID && bp_objective_units(o) == 1);
}

/* Whether the loss is the log loss of these probabilities. */
static bool is_log_loss(const bp_model *model) {
  bp_loss loss = model->objective.loss;
  return loss == BP_LOSS_CROSS_ENTROPY || loss == BP_LOSS_KL || loss == BP_LOSS_BINARY_CROSS_ENTROPY;
}

static void take_probabilities(const bp_model *model, const outcome *o, bp_metrics *m) {
  bp_probability_metrics p = bp_probability_sums_metrics(&o->sums);
  if (o->classes > 2) m->top_k = p.top_k, m->k = o->k;
  if (!gives_distribution(model)) return;
  /* from the logits where it can be, so that a certain mistake is large and not infinite */
  m->log_loss = is_log_loss(model) ? m->loss : p.log_loss;
  m->log_loss_bits = m->log_loss / log(2);
  m->brier = p.brier;
  m->calibration_error = p.calibration_error;
}

static bp_status measure_classes(bp_context *ctx, const bp_model *model, outcome *o, bp_metrics *m) {
  bp_class_summary summary = bp_class_summary_of(o->confusion, o->classes);
  if (o->scores) BP_TRY(bp_areas(ctx, o->truth, o->scores, o->weights, o->rows, o->classes, &m->auc, &m->pr_auc));
  m->scores = bp_alloc(ctx, (size_t)o->classes, sizeof *m->scores);
  if (!m->scores) return BP_E_NOMEM;
  bp_class_scores(o->confusion, o->classes, m->scores);
  m->classes = o->classes;
  m->confusion = o->confusion;
  o->confusion = NULL;
  m->accuracy = summary.accuracy;
  m->balanced_accuracy = summary.balanced_accuracy;
  m->mcc = summary.mcc;
  m->kappa = summary.kappa;
  m->macro = summary.macro;
  m->weighted = summary.weighted;
  take_probabilities(model, o, m);
  return BP_OK;
}

/* Labels of 0 and 1: the weighted share of those on whose side of ½ the prediction is. */
static double label_accuracy(const outcome *o) {
  double right = 0, all = 0;
  for (int64_t i = 0; i < o->n_values; i++) {
    double weight = o->weights ? o->weights[i % o->rows] : 1;
    all += weight;
    if ((o->guesses[i] > 0.5) == (o->values[i] > 0.5)) right += weight;
  }
  return right / all;
}

/* The mean over the targets. */
static void average_targets(bp_metrics *m) {
  double n = (double)m->n_targets;
  m->rmse = m->mae = m->r2 = m->bias = m->median_error = m->max_error = 0;
  for (int64_t t = 0; t < m->n_targets; t++) {
    const bp_value_metrics *v = &m->targets[t];
    m->rmse += v->rmse / n;
    m->mae += v->mae / n;
    m->r2 += v->r2 / n;
    m->bias += v->bias / n;
    m->median_error += v->median_error / n;
    m->max_error += v->max_error / n;
  }
}

static bp_status measure_values(bp_context *ctx, const bp_model *model, const outcome *o, bp_metrics *m) {
  m->targets = bp_alloc(ctx, (size_t)o->targets, sizeof *m->targets);
  if (!m->targets) return BP_E_NOMEM;
  m->n_targets = o->targets;
  m->coverage = 0;
  for (int64_t t = 0; t < o->targets; t++) {
    const double *values = o->values + t * o->rows, *guesses = o->guesses + t * o->rows;
    BP_TRY(bp_value_metrics_of(ctx, values, guesses, o->weights, o->rows, &m->targets[t]));
    m->coverage += bp_coverage(values, NULL, guesses, o->weights, o->rows) / (double)o->targets;
  }
  average_targets(m);
  if (model->objective.loss == BP_LOSS_BINARY_CROSS_ENTROPY) m->accuracy = label_accuracy(o);
  return BP_OK;
}

static bp_metrics no_metrics(bp_task task, int64_t rows) {
  bp_metrics m = {.task = task, .rows = rows};
  m.accuracy = m.balanced_accuracy = m.mcc = m.kappa = m.top_k = NAN;
  m.macro = m.weighted = (bp_class_score){NAN, NAN, NAN, NAN};
  m.log_loss = m.log_loss_bits = m.brier = m.calibration_error = m.auc = m.pr_auc = NAN;
  m.rmse = m.mae = m.r2 = m.bias = m.median_error = m.max_error = m.coverage = NAN;
  return m;
}

static bp_status measure(bp_context *ctx, const bp_model *model, outcome *o, bp_metrics *out) {
  bp_metrics metrics = no_metrics(model->task, o->rows);
  metrics.loss = bp_model_has_loss(model) ? bp_long_sum_of(&o->loss) / bp_long_sum_of(&o->weight) : NAN;
  bp_status status = o->values ? measure_values(ctx, model, o, &metrics) : measure_classes(ctx, model, o, &metrics);
  if (status == BP_OK)
    *out = metrics;
  else
    bp_metrics_release(ctx, &metrics);
  return status;
}

/* ---- public ---- */

static bool weighs(const bp_model *model, const bp_table *table) {
  return bp_model_weight(model) && bp_table_find(table, bp_model_weight(model)) >= 0;
}

static bp_status evaluate(bp_pass *pass, const bp_table *table, int threads, judge *j, bp_metrics *out) {
  if (bp_table_rows(table) == 0)
    return bp_fail(pass->ctx, BP_E_DATA, "the table has no rows: there is nothing to measure");
  j->row = bp_alloc(pass->ctx, (size_t)bp_model_outputs(pass->model), sizeof *j->row);
  if (!j->row) return BP_E_NOMEM;
  BP_TRY(bp_pass_open(pass, table, threads));
  BP_TRY(bp_binding_labelled(pass->ctx, pass->binding, &j->labelled));
  bp_rows rows = j->labelled.rows;
  BP_TRY(open_outcome(pass->ctx, pass->model, rows.n, weighs(pass->model, table), &j->outcome));
  BP_TRY(bp_pass_run(pass, rows, judge_piece, j));
  return measure(pass->ctx, pass->model, &j->outcome, out);
}

bp_status bp_model_evaluate(bp_context *context, const bp_model *model, const bp_table *table, int threads,
                            bp_metrics *out) {
  bp_program *program = NULL;
  judge j = {0};
  bp_pass pass = {.ctx = context, .model = model, .targets = BP_TARGETS_OWN, .has_loss = bp_model_has_loss(model)};
  bp_bound bound = bp_model_bound(context, model, table);
  bp_status status = bp_model_compile(context, model, pass.has_loss, &program);
  pass.program = program;
  if (status == BP_OK) status = evaluate(&pass, table, threads, &j, out);
  bp_pass_close(&pass);
  close_outcome(context, &j.outcome);
  bp_labelled_release(context, &j.labelled);
  bp_release(bp_context_allocator(context), j.row, (size_t)bp_model_outputs(model), sizeof *j.row);
  bp_program_free(program);
  return bp_bound_close(context, bound, status, NULL);
}

bp_status bp_model_labelled_rows(bp_context *context, const bp_model *model, const bp_table *table, int64_t *rows) {
  return bp_encoding_count_labelled(context, model->encoding, table, rows);
}

void bp_metrics_release(bp_context *context, bp_metrics *metrics) {
  bp_allocator allocator = bp_context_allocator(context);
  size_t classes = (size_t)metrics->classes;
  bp_release(allocator, metrics->confusion, classes * classes, sizeof *metrics->confusion);
  bp_release(allocator, metrics->scores, classes, sizeof *metrics->scores);
  bp_release(allocator, metrics->targets, (size_t)metrics->n_targets, sizeof *metrics->targets);
  metrics->confusion = NULL;
  metrics->scores = NULL;
  metrics->targets = NULL;
  metrics->classes = metrics->n_targets = 0;
}
