/* model/model_predict.c - a model applied to a table: pieces of rows are encoded and run through the compiled program.
 *
 * Each row's output is computed in one fixed order of operations, whatever rows stand beside it and whatever the number of
 * threads; so pieces are only a matter of memory.
 */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "model/metrics.h"
#include "model/model_object.h"

/* What goes through the program, piece by piece. */
typedef struct bp_pass {
  bp_context *ctx;
  const bp_model *model;
  const bp_program *program;
  bp_targets targets; /* BP_TARGETS_NONE: the program has no loss */
  bp_binding *binding;
  bp_workspace *workspace;
  const void **inputs; /* features, parameters, targets */
  size_t n_inputs;
  void *output, *loss; /* [chunk, units], [chunk] of the network's dtype */
  size_t output_size, loss_size;
  int64_t chunk;
} bp_pass;

static bp_status open_buffers(bp_pass *pass) {
  const bp_net *net = pass->model->net;
  size_t element = bp_dtype_size(bp_net_dtype(net)), units;
  if (!bp_mul_size((size_t)pass->chunk, (size_t)bp_net_outputs(net), &units) ||
      !bp_mul_size(units, element, &pass->output_size))
    return bp_fail(pass->ctx, BP_E_NOMEM, "out of memory: the output of %lld rows is too large",
                   (long long)pass->chunk);
  pass->loss_size = (size_t)pass->chunk * element;
  pass->output = bp_aligned_alloc(pass->ctx, pass->output_size);
  pass->loss = bp_aligned_alloc(pass->ctx, pass->loss_size);
  pass->n_inputs = pass->model->n_params + 2;
  pass->inputs = bp_alloc(pass->ctx, pass->n_inputs, sizeof *pass->inputs);
  return pass->output && pass->loss && pass->inputs ? BP_OK : BP_E_NOMEM;
}

static bp_status open_pass(bp_pass *pass, const bp_table *table, int threads) {
  pass->chunk = bp_model_chunk(pass->model);
  if (bp_table_rows(table) <= pass->chunk / 4) threads = 1; /* not worth a thread */
  BP_TRY(bp_encoding_bind(pass->ctx, pass->model->encoding, table, pass->targets != BP_TARGETS_NONE, &pass->binding));
  BP_TRY(open_buffers(pass));
  return bp_workspace_new(pass->ctx, pass->program, threads, &pass->workspace);
}

static void close_pass(bp_pass *pass) {
  bp_allocator allocator = bp_context_allocator(pass->ctx);
  bp_workspace_free(pass->workspace);
  bp_binding_free(pass->binding);
  bp_aligned_free(allocator, pass->output, pass->output_size);
  bp_aligned_free(allocator, pass->loss, pass->loss_size);
  bp_release(allocator, pass->inputs, pass->n_inputs, sizeof *pass->inputs);
}

static bp_status run_piece(bp_pass *pass, const bp_encoded *encoded) {
  void *outputs[2] = {pass->output, pass->loss};
  pass->inputs[0] = encoded->features;
  for (size_t p = 0; p < pass->model->n_params; p++) pass->inputs[1 + p] = pass->model->params[p];
  pass->inputs[1 + pass->model->n_params] = encoded->targets;
  return bp_run(pass->program, pass->workspace, encoded->rows, pass->inputs, outputs);
}

/* Receives each piece after it ran: rows first .. first + encoded->rows - 1. */
typedef bp_status (*piece_fn)(bp_pass *pass, const bp_encoded *encoded, int64_t first, void *user);

static bp_status each_piece(bp_pass *pass, int64_t rows, piece_fn receive, void *user) {
  bp_dtype dtype = bp_net_dtype(pass->model->net);
  bp_status status = BP_OK;
  for (int64_t first = 0; first < rows && status == BP_OK; first += pass->chunk) {
    int64_t left = rows - first;
    bp_rows piece = {.first = first, .n = left < pass->chunk ? left : pass->chunk};
    bp_encoded encoded;
    BP_TRY(bp_binding_encode(pass->ctx, pass->binding, piece, dtype, pass->targets, &encoded));
    status = run_piece(pass, &encoded);
    if (status == BP_OK) status = receive(pass, &encoded, first, user);
    bp_encoded_release(&encoded);
  }
  if (status == BP_OK) bp_binding_warn(pass->ctx, pass->binding);
  return status;
}

/* Element i of an array of the network's dtype. */
static double element(const bp_pass *pass, const void *data, int64_t i) {
  return bp_net_dtype(pass->model->net) == BP_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

/* ---- predicting ---- */

/* The outputs of row r of the piece, in the units a user sees: probabilities of all classes, or the target's own. */
static void output_row(const bp_pass *pass, int64_t r, double *out) {
  const bp_model *model = pass->model;
  int64_t units = bp_net_outputs(model->net), outputs = bp_model_outputs(model);
  for (int64_t i = 0; i < units; i++) out[i] = element(pass, pass->output, r * units + i);
  if (model->task == BP_TASK_REGRESSION)
    out[0] = out[0] * model->encoding->target_scale + model->encoding->target_mean;
  else if (units < outputs) { /* one unit for two classes: the probability of the second */
    out[1] = out[0];
    out[0] = 1 - out[0];
  }
}

static bp_status keep_outputs(bp_pass *pass, const bp_encoded *encoded, int64_t first, void *user) {
  int64_t outputs = bp_model_outputs(pass->model);
  double *out = (double *)user + first * outputs;
  for (int64_t r = 0; r < encoded->rows; r++) output_row(pass, r, out + r * outputs);
  return BP_OK;
}

bp_status bp_model_predict(bp_context *context, const bp_model *model, const bp_table *table, int threads,
                           double *output) {
  bp_pass pass = {.ctx = context, .model = model, .program = model->forward, .targets = BP_TARGETS_NONE};
  bp_status status = open_pass(&pass, table, threads);
  if (status == BP_OK) status = each_piece(&pass, bp_table_rows(table), keep_outputs, output);
  close_pass(&pass);
  return status;
}

/* ---- evaluating ---- */

/* What is remembered of every row, for the measures. */
typedef struct bp_outcome {
  int64_t rows;
  int32_t *truth, *predicted; /* classes */
  double *second;             /* two classes: the probability of the second */
  double *values, *guesses;   /* regression: in the target's own units */
  double loss;                /* sum over rows, with its lost low part */
  double loss_carry;
} bp_outcome;

static bp_status open_outcome(bp_context *ctx, const bp_model *model, int64_t rows, bp_outcome *out) {
  size_t n = (size_t)rows;
  out->rows = rows;
  if (model->task == BP_TASK_REGRESSION) {
    out->values = bp_alloc(ctx, n, sizeof *out->values);
    out->guesses = bp_alloc(ctx, n, sizeof *out->guesses);
    return out->values && out->guesses ? BP_OK : BP_E_NOMEM;
  }
  out->truth = bp_alloc(ctx, n, sizeof *out->truth);
  out->predicted = bp_alloc(ctx, n, sizeof *out->predicted);
  out->second = bp_alloc(ctx, n, sizeof *out->second);
  return out->truth && out->predicted && out->second ? BP_OK : BP_E_NOMEM;
}

static void close_outcome(bp_context *ctx, bp_outcome *outcome) {
  bp_allocator allocator = bp_context_allocator(ctx);
  size_t n = (size_t)outcome->rows;
  bp_release(allocator, outcome->truth, n, sizeof *outcome->truth);
  bp_release(allocator, outcome->predicted, n, sizeof *outcome->predicted);
  bp_release(allocator, outcome->second, n, sizeof *outcome->second);
  bp_release(allocator, outcome->values, n, sizeof *outcome->values);
  bp_release(allocator, outcome->guesses, n, sizeof *outcome->guesses);
}

/* The class that a row's targets name. */
static int32_t true_class(const bp_pass *pass, const bp_encoded *encoded, int64_t r) {
  int64_t width = encoded->outputs;
  if (pass->targets == BP_TARGETS_OWN) return ((const int32_t *)encoded->targets)[r];
  if (pass->targets == BP_TARGETS_BINARY) return element(pass, encoded->targets, r) != 0;
  for (int64_t c = 0; c < width; c++)
    if (element(pass, encoded->targets, r * width + c) != 0) return (int32_t)c;
  return 0;
}

static int32_t largest(const double *values, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (values[i] > values[best]) best = i;
  return (int32_t)best;
}

/* Neumaier's compensated sum: the mean loss of millions of rows keeps its digits. */
static void add_loss(bp_outcome *outcome, double loss) {
  double sum = outcome->loss + loss;
  outcome->loss_carry +=
      fabs(outcome->loss) >= fabs(loss) ? (outcome->loss - sum) + loss : (loss - sum) + outcome->loss;
  outcome->loss = sum;
}

typedef struct bp_judge {
  const bp_table *table;
  int64_t target; /* regression: the column of true values */
  bp_outcome outcome;
  double *row; /* [outputs] */
} bp_judge;

static bp_status judge_piece(bp_pass *pass, const bp_encoded *encoded, int64_t first, void *user) {
  bp_judge *judge = user;
  bp_outcome *outcome = &judge->outcome;
  for (int64_t r = 0; r < encoded->rows; r++) {
    output_row(pass, r, judge->row);
    add_loss(outcome, element(pass, pass->loss, r));
    if (outcome->values) {
      outcome->values[first + r] = bp_table_number(judge->table, first + r, judge->target);
      outcome->guesses[first + r] = judge->row[0];
    } else {
      outcome->truth[first + r] = true_class(pass, encoded, r);
      outcome->predicted[first + r] = largest(judge->row, bp_model_outputs(pass->model));
      outcome->second[first + r] = judge->row[1];
    }
  }
  return BP_OK;
}

static bp_status measure(bp_context *ctx, const bp_model *model, const bp_outcome *outcome, bp_metrics *out) {
  bp_metrics metrics;
  int64_t rows = outcome->rows, classes = bp_model_outputs(model);
  if (model->task == BP_TASK_REGRESSION)
    bp_metrics_of_values(outcome->values, outcome->guesses, rows, &metrics);
  else
    BP_TRY(bp_metrics_of_classes(ctx, outcome->truth, outcome->predicted, classes == 2 ? outcome->second : NULL, rows,
                                 classes, &metrics));
  metrics.loss = (outcome->loss + outcome->loss_carry) / (double)rows;
  bool log_loss = model->loss == BP_LOSS_CROSS_ENTROPY ||
                  (model->task == BP_TASK_CLASSIFICATION && bp_net_outputs(model->net) == 1);
  if (log_loss) metrics.log_loss_bits = metrics.loss / log(2);
  *out = metrics;
  return BP_OK;
}

static bp_status evaluate(bp_pass *pass, const bp_table *table, int threads, bp_judge *judge, bp_metrics *out) {
  int64_t rows = bp_table_rows(table);
  if (rows == 0) return bp_fail(pass->ctx, BP_E_DATA, "the table has no rows: there is nothing to measure");
  judge->row = bp_alloc(pass->ctx, (size_t)bp_model_outputs(pass->model), sizeof *judge->row);
  if (!judge->row) return BP_E_NOMEM;
  BP_TRY(open_outcome(pass->ctx, pass->model, rows, &judge->outcome));
  BP_TRY(open_pass(pass, table, threads));
  BP_TRY(each_piece(pass, rows, judge_piece, judge));
  return measure(pass->ctx, pass->model, &judge->outcome, out);
}

bp_status bp_model_evaluate(bp_context *context, const bp_model *model, const bp_table *table, int threads,
                            bp_metrics *out) {
  bp_program *program = NULL;
  bp_judge judge = {.table = table, .target = bp_table_find(table, model->encoding->target)};
  const char *why;
  bp_pass pass = {.ctx = context, .model = model};
  (void)bp_model_targets(model->loss, model->encoding, &pass.targets, &why);
  bp_status status = bp_model_compile(context, model, true, &program);
  pass.program = program;
  if (status == BP_OK) status = evaluate(&pass, table, threads, &judge, out);
  close_pass(&pass);
  close_outcome(context, &judge.outcome);
  bp_release(bp_context_allocator(context), judge.row, (size_t)bp_model_outputs(model), sizeof *judge.row);
  bp_program_free(program);
  return status;
}
