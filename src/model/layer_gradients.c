/* model/layer_gradients.c - norms of error signals and gradients, layer by layer. Floor: model.
 *
 * One program gives, for a piece of rows: Σ R_n, the gradient of this sum with respect to every parameter, and Σ ‖δ_l‖² and
 * Σ ‖z_l‖² of every layer; δ_l is the cotangent that meets the layer's output on its way down. Pieces are added up.
 */
#include <math.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/diagnose.h"
#include "backprop/ops.h"
#include "base/fail.h"
#include "model/model_graph.h"

/* The outputs of the program: the loss, then by layer the two sums of squares, then by parameter the gradient. */
typedef struct survey {
  bp_context *ctx;
  const bp_model *model;
  size_t layers, n_outputs;
  bp_real_params params;
  bp_program *program;
  bp_workspace *workspace;
  bp_binding *binding;
  bp_labelled labelled;
  const void **inputs; /* features, parameters, targets, weights of rows */
  int64_t chunk;       /* rows of a piece, at most */
  double *ones;        /* [chunk]: the weights of rows that have none */
  double weight;       /* Σ w */
  double *sums;        /* [1 + 2 layers], of all pieces; behind it those of one piece */
  double **gradients;  /* [2 n_params]: of all pieces, and of one piece */
  void **outputs;
} survey;

static size_t sums_of(const survey *s) { return 1 + 2 * s->layers; }
static int64_t elements(const survey *s, size_t param) { return bp_net_param(s->model->net, (int)param).elements; }

/* ---- the program ---- */

/* Σ_n w_n ‖x_n‖² */
static bp_var sum_of_squares(bp_var x, bp_var weight) {
  return bp_sum(bp_mul(bp_sum(bp_square(x), BP_AXIS(1)), weight), BP_ALL_AXES);
}

/* The same of δ, given w_n δ_n: the cotangents of a weighted sum of losses. Rows of no weight have none. */
static bp_var sum_of_signals(bp_var x_bar, bp_var weight) {
  bp_var safe = bp_max(weight, bp_scalar(weight.graph, BP_F64, 1e-300));
  return bp_sum(bp_div(bp_sum(bp_square(x_bar), BP_AXIS(1)), safe), BP_ALL_AXES);
}

/* x: the parameters, then the outputs of the layers; both are differentiated by. */
static bp_status derive(const survey *s, bp_model_graph *g, bp_var *x, bp_var *x_bar, bp_var *outputs) {
  size_t n = s->model->n_params;
  int64_t rows[1] = {BP_BATCH};
  bp_var target = bp_model_target_input(s->model, g, BP_F64);
  bp_var weight = bp_model_graph_input(g, "row weights", BP_F64, 1, rows);
  bp_var loss = bp_sum(bp_mul(bp_objective_rows(&s->model->objective, g->z, target, false), weight), BP_ALL_AXES);
  memcpy(x, g->inputs + 1, n * sizeof *x);
  BP_TRY(bp_graph_status(g->graph));
  BP_TRY(bp_grad(loss, x, n + s->layers, x_bar));
  *outputs++ = loss;
  for (size_t l = 0; l < s->layers; l++) *outputs++ = sum_of_signals(x_bar[n + l], weight);
  for (size_t l = 0; l < s->layers; l++) *outputs++ = sum_of_squares(x[n + l], weight);
  memcpy(outputs, x_bar, n * sizeof *outputs);
  return bp_graph_status(g->graph);
}

static bp_status compile(survey *s) {
  bp_model_graph g = {0};
  size_t n = s->model->n_params + s->layers, room = 2 * n + s->n_outputs;
  bp_compile_options options = {.size = sizeof options, .max_batch = s->chunk};
  bp_var *x = bp_alloc(s->ctx, room, sizeof *x);
  if (!x) return BP_E_NOMEM;
  bp_var *outputs = x + 2 * n;
  bool bytes = bp_model_takes_bytes(s->model->encoding);
  bp_status status = bp_model_graph_open(s->ctx, s->model, BP_F64, bytes, 2, x + s->model->n_params, &g);
  if (status == BP_OK) status = derive(s, &g, x, x + n, outputs);
  if (status == BP_OK) status = bp_compile(outputs, s->n_outputs, g.inputs, g.n_inputs, &options, &s->program);
  bp_model_graph_close(&g);
  bp_release(bp_context_allocator(s->ctx), x, room, sizeof *x);
  return status;
}

/* ---- opening and closing ---- */

/* The outputs of all layers and their signals are there at once: some four numbers for each unit of each member, of which a piece may
 * have BP_CHUNK_BYTES. */
static int64_t chunk_of(const bp_model *model) {
  int64_t most = bp_model_chunk(model), units = bp_net_inputs(model->net), members = bp_net_members(model->net);
  for (int l = 0; l < bp_net_layers(model->net); l++) units += bp_net_layer(model->net, l).outputs * members;
  int64_t rows = BP_CHUNK_BYTES / (int64_t)sizeof(double) / 4 / units;
  return rows < 1 ? 1 : rows > most ? most : rows;
}

static bp_status make_room(survey *s) {
  size_t n = s->model->n_params;
  size_t chunk = (size_t)s->chunk;
  s->inputs = bp_calloc(s->ctx, n + 3, sizeof *s->inputs);
  s->ones = bp_alloc(s->ctx, chunk, sizeof *s->ones);
  s->sums = bp_calloc(s->ctx, 2 * sums_of(s), sizeof *s->sums);
  s->gradients = bp_calloc(s->ctx, 2 * n, sizeof *s->gradients);
  s->outputs = bp_calloc(s->ctx, s->n_outputs, sizeof *s->outputs);
  if (!s->inputs || !s->ones || !s->sums || !s->gradients || !s->outputs) return BP_E_NOMEM;
  for (size_t r = 0; r < chunk; r++) s->ones[r] = 1;
  for (size_t p = 0; p < 2 * n; p++) {
    s->gradients[p] = bp_calloc(s->ctx, (size_t)elements(s, p % n), sizeof(double));
    if (!s->gradients[p]) return BP_E_NOMEM;
  }
  for (size_t i = 0; i < sums_of(s); i++) s->outputs[i] = s->sums + sums_of(s) + i;
  for (size_t p = 0; p < n; p++) s->outputs[sums_of(s) + p] = s->gradients[n + p];
  return BP_OK;
}

static bp_status open_survey(survey *s, const bp_table *table, int threads) {
  if (!bp_model_has_loss(s->model))
    return bp_fail(s->ctx, BP_E_ARG, "the model was trained with a loss of C code, which its file does not hold");
  if (bp_table_rows(table) == 0)
    return bp_fail(s->ctx, BP_E_DATA, "the table has no rows: there is nothing to measure");
  BP_TRY(bp_encoding_bind(s->ctx, s->model->encoding, table, true, &s->binding));
  BP_TRY(bp_binding_labelled(s->ctx, s->binding, &s->labelled));
  BP_TRY(bp_real_params_init(s->ctx, s->model, &s->params));
  BP_TRY(make_room(s));
  BP_TRY(compile(s));
  return bp_workspace_new(s->ctx, s->program, threads, &s->workspace);
}

static void close_survey(survey *s) {
  bp_allocator allocator = bp_context_allocator(s->ctx);
  size_t n = s->model->n_params;
  bp_workspace_free(s->workspace);
  bp_program_free(s->program);
  bp_binding_free(s->binding);
  bp_labelled_release(s->ctx, &s->labelled);
  for (size_t p = 0; s->gradients && p < 2 * n; p++)
    bp_release(allocator, s->gradients[p], (size_t)elements(s, p % n), sizeof(double));
  bp_release(allocator, s->inputs, n + 3, sizeof *s->inputs);
  bp_release(allocator, s->ones, (size_t)s->chunk, sizeof *s->ones);
  bp_release(allocator, s->sums, 2 * sums_of(s), sizeof *s->sums);
  bp_release(allocator, s->gradients, 2 * n, sizeof *s->gradients);
  bp_release(allocator, s->outputs, s->n_outputs, sizeof *s->outputs);
  bp_real_params_release(&s->params);
}

/* ---- pieces ---- */

static void add(double *sum, const double *part, int64_t n) {
  for (int64_t i = 0; i < n; i++) sum[i] += part[i];
}

static bp_status run_piece(survey *s, bp_rows rows) {
  size_t n = s->model->n_params;
  bp_encoded e;
  BP_TRY(bp_binding_encode(s->ctx, s->binding, rows, BP_F64, BP_TARGETS_OWN, &e));
  s->inputs[0] = e.features;
  for (size_t p = 0; p < n; p++) s->inputs[1 + p] = s->params.values[p];
  s->inputs[1 + n] = e.targets;
  s->inputs[2 + n] = e.weights ? e.weights : s->ones;
  for (int64_t r = 0; r < rows.n; r++) s->weight += e.weights ? e.weights[r] : 1;
  bp_status status = bp_run(s->program, s->workspace, rows.n, s->inputs, s->outputs);
  bp_encoded_release(&e);
  if (status != BP_OK) return status;
  add(s->sums, s->sums + sums_of(s), (int64_t)sums_of(s));
  for (size_t p = 0; p < n; p++) add(s->gradients[p], s->gradients[n + p], elements(s, p));
  return BP_OK;
}

static bp_status run_rows(survey *s) {
  int64_t chunk = s->chunk;
  const int32_t *list = s->labelled.list;
  for (int64_t first = 0; first < s->labelled.rows.n; first += chunk) {
    int64_t left = s->labelled.rows.n - first;
    BP_TRY(
        run_piece(s, (bp_rows){.list = list ? list + first : NULL, .first = first, .n = left < chunk ? left : chunk}));
  }
  bp_binding_warn(s->ctx, s->binding);
  return BP_OK;
}

/* ---- norms ---- */

static double squares(const double *values, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += values[i] * values[i];
  return sum;
}

static void take_norms(const survey *s, double rows, double *loss, bp_layer_gradient *layers) {
  if (loss) *loss = s->sums[0] / rows;
  for (size_t l = 0; l < s->layers; l++)
    layers[l] = (bp_layer_gradient){.error_signal = sqrt(s->sums[1 + l] / rows),
                                    .output = sqrt(s->sums[1 + s->layers + l] / rows)};
  for (size_t p = 0; p < s->model->n_params; p++) {
    bp_param_info info = bp_net_param(s->model->net, (int)p);
    if (info.is_state) continue;
    bp_layer_gradient *layer = &layers[info.layer];
    double *norm = info.is_weight ? &layer->weight_gradient : &layer->bias_gradient;
    *norm = hypot(*norm, sqrt(squares(s->gradients[p], info.elements)) / rows);
    if (info.is_weight) layer->weight = hypot(layer->weight, sqrt(squares(s->params.values[p], info.elements)));
  }
}

bp_status bp_model_layer_gradients(bp_context *context, const bp_model *model, const bp_table *table, int threads,
                                   double *loss, bp_layer_gradient *layers) {
  survey s = {.ctx = context, .model = model, .layers = (size_t)bp_net_layers(model->net), .chunk = chunk_of(model)};
  s.n_outputs = sums_of(&s) + model->n_params;
  bp_bound bound = bp_model_bound(context, model, table);
  bp_status status = open_survey(&s, table, threads);
  if (status == BP_OK) status = run_rows(&s);
  if (status == BP_OK) take_norms(&s, s.weight, loss, layers);
  close_survey(&s);
  return bp_bound_close(context, bound, status, NULL);
}
