/* model/model.c - the model object: making, freeing, and looking at it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backprop/ops.h"
#include "base/fail.h"
#include "model/model_object.h"

_Static_assert((int)BP_TASK_CLASSIFICATION == (int)BP_GOAL_CLASSIFICATION, "bp_task and bp_goal count alike");
_Static_assert((int)BP_TASK_REGRESSION == (int)BP_GOAL_REGRESSION, "bp_task and bp_goal count alike");

const char *bp_task_name(bp_task task) {
  static const char *const names[BP_TASK_COUNT] = {"auto", "classification", "regression"};
  return (unsigned)task < BP_TASK_COUNT ? names[task] : NULL;
}

/* ---- making ---- */

bp_status bp_model_new(bp_context *ctx, bp_model **out) {
  bp_model *model = bp_calloc(ctx, 1, sizeof *model);
  if (!model) return BP_E_NOMEM;
  model->allocator = bp_context_allocator(ctx);
  *out = model;
  return BP_OK;
}

size_t bp_model_param_bytes(const bp_net *net, int param) {
  return (size_t)bp_net_param(net, param).elements * bp_dtype_size(bp_net_dtype(net));
}

bp_bound bp_model_bound(bp_context *ctx, const bp_model *model, const bp_table *table) {
  bp_bound bound = bp_bound_open(ctx, BP_BOUND_READING);
  for (size_t p = 0; p < model->n_params; p++) bp_bound_credit(ctx, bp_model_param_bytes(model->net, (int)p));
  if (table) bp_bound_credit(ctx, (uint64_t)bp_table_rows(table) * (uint64_t)bp_table_columns(table));
  return bound;
}

bp_status bp_model_alloc_params(bp_context *ctx, bp_model *model) {
  size_t count = (size_t)bp_net_params(model->net);
  model->params = bp_calloc(ctx, count, sizeof *model->params);
  if (!model->params) return BP_E_NOMEM;
  model->n_params = count;
  for (size_t p = 0; p < count; p++) {
    size_t bytes = bp_model_param_bytes(model->net, (int)p);
    model->params[p] = bp_aligned_alloc(ctx, bytes);
    if (!model->params[p]) return BP_E_NOMEM;
    memset(model->params[p], 0, bytes);
  }
  return BP_OK;
}

bp_status bp_model_set_record(bp_context *ctx, bp_model *model, const char *text, size_t size) {
  char *copy = bp_alloc(ctx, size + 1, 1);
  if (!copy) return BP_E_NOMEM;
  memcpy(copy, text, size);
  copy[size] = '\0';
  model->record = copy;
  model->record_size = size + 1;
  return BP_OK;
}

bp_status bp_model_finish(bp_context *ctx, bp_model *model) {
  return bp_model_compile(ctx, model, false, &model->forward);
}

void bp_model_free(bp_model *model) {
  if (!model) return;
  bp_allocator allocator = model->allocator;
  bp_program_free(model->forward);
  for (size_t p = 0; p < model->n_params; p++)
    if (model->params[p]) bp_aligned_free(allocator, model->params[p], bp_model_param_bytes(model->net, (int)p));
  bp_release(allocator, model->params, model->n_params, sizeof *model->params);
  bp_release(allocator, model->record, model->record_size, 1);
  bp_release(allocator, model->expression, model->expression_size, 1);
  bp_net_free(model->net);
  if (model->encoding) bp_release(allocator, model->scales, model->encoding->n_targets, sizeof *model->scales);
  bp_encoding_free(model->encoding);
  bp_release(allocator, model, 1, sizeof *model);
}

/* ---- what follows from loss and encoding ---- */

bool bp_model_takes_bytes(const bp_encoding *encoding) {
  return encoding->n_features == 1 && encoding->features[0].type == BP_FEATURE_BYTES;
}

/* Numbers that a row has at once, where it has most: a loss of a full covariance solves a triangle for every target. */
static int64_t widest(const bp_model *model) {
  int64_t widest = bp_net_inputs(model->net), width = model->objective.width, members = bp_net_members(model->net);
  for (int i = 0; i < bp_net_layers(model->net); i++) {
    int64_t outputs = bp_net_layer(model->net, i).outputs;
    widest = outputs * members > widest ? outputs * members : widest;
  }
  if (model->objective.loss != BP_LOSS_GAUSSIAN_FULL) return widest;
  return width * width * width > widest ? width * width * width : widest; /* width is at most BP_TARGETS_MAX */
}

int64_t bp_model_chunk(const bp_model *model) {
  int64_t rows = BP_CHUNK_BYTES / (int64_t)sizeof(double) / widest(model);
  return rows < 1 ? 1 : rows > BP_CHUNK_ROWS ? BP_CHUNK_ROWS : rows;
}

/* How the targets were standardised, if one was. */
static bp_status keep_scales(bp_context *ctx, bp_model *model) {
  const bp_encoding *e = model->encoding;
  bool standardised = false;
  for (size_t i = 0; i < e->n_targets && e->goal == BP_GOAL_REGRESSION; i++)
    standardised = standardised || e->targets[i].mean != 0 || e->targets[i].scale != 1;
  if (!standardised || model->scales) return BP_OK;
  model->scales = bp_alloc(ctx, e->n_targets, sizeof *model->scales);
  if (!model->scales) return BP_E_NOMEM;
  for (size_t i = 0; i < e->n_targets; i++)
    model->scales[i] = (bp_target_scale){e->targets[i].mean, e->targets[i].scale};
  return BP_OK;
}

bp_status bp_model_set_objective(bp_context *ctx, bp_model *model, const bp_objective *objective) {
  const bp_encoding *e = model->encoding;
  bool classes = e->goal == BP_GOAL_CLASSIFICATION;
  bp_objective resolved = *objective;
  char *copy = NULL;
  BP_TRY(keep_scales(ctx, model));
  resolved.standardised = model->scales;
  BP_TRY(bp_objective_resolve(ctx, &resolved, classes, classes ? (int64_t)e->classes.count : (int64_t)e->n_targets,
                              &resolved));
  size_t size = resolved.loss == BP_LOSS_EXPRESSION ? strlen(resolved.expression) + 1 : 0;
  if (size > 0) {
    copy = bp_alloc(ctx, size, 1);
    if (!copy) return BP_E_NOMEM;
    memcpy(copy, resolved.expression, size);
  }
  bp_release(model->allocator, model->expression, model->expression_size, 1);
  resolved.expression = model->expression = copy;
  model->expression_size = size;
  model->objective = resolved;
  return BP_OK;
}

bool bp_model_has_loss(const bp_model *model) {
  const bp_objective *o = &model->objective;
  return o->loss != BP_LOSS_CALLBACK || o->rows || o->rows_raw;
}

bool bp_model_output_scale(const bp_model *model, int64_t output, double *scale, double *shift) {
  bp_prediction_info info = bp_objective_prediction(&model->objective, output);
  const bp_target *targets = model->encoding->targets;
  bool learnt = model->task == BP_TASK_REGRESSION && info.kind != BP_PREDICTED_CORRELATION;
  *scale = learnt ? targets[info.target].scale : 1;
  *shift = learnt && info.kind == BP_PREDICTED_VALUE ? targets[info.target].mean : 0;
  return learnt;
}

void bp_model_to_user(const bp_model *model, double *outputs) {
  double scale, shift;
  for (int64_t i = 0; i < bp_model_outputs(model); i++)
    if (bp_model_output_scale(model, i, &scale, &shift)) outputs[i] = outputs[i] * scale + shift;
}

/* ---- programs ---- */

/* x [rows, inputs] as the network wants it: bytes become value · scale. */
static bp_var features_input(const bp_model *model, bp_graph *graph, bp_var *input) {
  bp_dtype dtype = bp_net_dtype(model->net);
  int64_t dims[2] = {BP_BATCH, bp_net_inputs(model->net)};
  bool bytes = bp_model_takes_bytes(model->encoding);
  *input = bp_input(graph, "features", bytes ? BP_U8 : dtype, 2, dims);
  return bytes ? bp_mul(bp_cast(*input, dtype), bp_scalar(graph, dtype, 1.0 / 255)) : *input;
}

static bp_var targets_input(const bp_model *model, bp_graph *graph) {
  bool classes = model->objective.classes;
  int64_t dims[2] = {BP_BATCH, model->objective.width};
  return bp_input(graph, "targets", classes ? BP_I32 : bp_net_dtype(model->net), classes ? 1 : 2, dims);
}

static bp_status compile(bp_graph *graph, const bp_model *model, bool with_loss, bp_var *inputs, bp_program **out) {
  bp_compile_options options = {.size = sizeof options, .max_batch = bp_model_chunk(model)};
  size_t n_inputs = 1 + model->n_params, n_outputs = 1;
  bp_var outputs[2];
  bp_var x = features_input(model, graph, &inputs[0]);
  bp_net_declare(model->net, graph, inputs + 1);
  bp_var z = bp_objective_pool(&model->objective, bp_net_apply(model->net, x, inputs + 1));
  outputs[0] = bp_objective_predict(&model->objective, z);
  if (with_loss) {
    inputs[n_inputs] = targets_input(model, graph);
    outputs[n_outputs++] = bp_objective_rows(&model->objective, z, inputs[n_inputs], false);
    n_inputs++;
  }
  BP_TRY(bp_graph_status(graph)); /* what went wrong by its own name: most likely memory */
  return bp_compile(outputs, n_outputs, inputs, n_inputs, &options, out);
}

bp_status bp_model_compile(bp_context *ctx, const bp_model *model, bool with_loss, bp_program **out) {
  bp_graph *graph = NULL;
  size_t room = model->n_params + 2;
  bp_var *inputs = bp_alloc(ctx, room, sizeof *inputs);
  bp_status status = inputs ? bp_graph_new(ctx, &graph) : BP_E_NOMEM;
  if (status == BP_OK) status = compile(graph, model, with_loss, inputs, out);
  bp_graph_free(graph);
  bp_release(bp_context_allocator(ctx), inputs, room, sizeof *inputs);
  return status;
}

/* ---- looking at it ---- */

const bp_net *bp_model_net(const bp_model *model) { return model->net; }

const void *bp_model_param(const bp_model *model, int param) {
  return param >= 0 && (size_t)param < model->n_params ? model->params[param] : NULL;
}

bp_task bp_model_task(const bp_model *model) { return model->task; }
bool bp_model_is_multilabel(const bp_model *model) {
  const bp_objective *o = &model->objective;
  return model->task == BP_TASK_REGRESSION && model->encoding->n_targets > 1 && o->output == BP_OUTPUT_SIGMOID &&
         o->loss == BP_LOSS_BINARY_CROSS_ENTROPY;
}
const char *bp_model_task_text(const bp_model *model) {
  return bp_model_is_multilabel(model) ? "multi-label classification" : bp_task_name(model->task);
}
bp_loss bp_model_loss(const bp_model *model) { return model->objective.loss; }
const bp_objective *bp_model_objective(const bp_model *model) { return &model->objective; }

int64_t bp_model_outputs(const bp_model *model) { return bp_objective_predictions(&model->objective); }

const char *bp_model_output_name(const bp_model *model, int64_t output, char *text, size_t size) {
  bp_prediction_info info = bp_objective_prediction(&model->objective, output);
  bool classes = model->task == BP_TASK_CLASSIFICATION;
  const char *name = classes ? bp_model_class(model, info.target) : bp_model_target_at(model, info.target);
  if (info.kind == BP_PREDICTED_CORRELATION)
    (void)snprintf(text, size, "%s_%s_correlation", bp_model_target_at(model, info.other), name);
  else
    (void)snprintf(text, size, "%s%s", name, info.kind == BP_PREDICTED_DEVIATION ? "_sd" : "");
  return text;
}

const char *bp_model_target(const bp_model *model) { return model->encoding->targets[0].name; }
int64_t bp_model_targets(const bp_model *model) { return (int64_t)model->encoding->n_targets; }

const char *bp_model_target_at(const bp_model *model, int64_t target) {
  return target >= 0 && target < bp_model_targets(model) ? model->encoding->targets[target].name : "";
}

const char *bp_model_weight(const bp_model *model) { return model->encoding->weight; }

const char *bp_model_class(const bp_model *model, int64_t class_number) {
  return bp_dictionary_word(&model->encoding->classes, class_number);
}

int64_t bp_model_columns(const bp_model *model) { return (int64_t)model->encoding->n_features; }

const char *bp_date_text(double seconds, char *text, size_t size) {
  char instant[BP_INSTANT_TEXT];
  (void)snprintf(text, size, "%s", bp_instant_text(seconds, instant));
  return text;
}

bp_column_info bp_model_column(const bp_model *model, int64_t column) {
  /* By the bits of bp_feature.cycles. */
  static const char *const cycles[BP_CYCLES_ALL + 1] = {"",
                                                        "year",
                                                        "month",
                                                        "year, month",
                                                        "week",
                                                        "year, week",
                                                        "month, week",
                                                        "year, month, week",
                                                        "day",
                                                        "year, day",
                                                        "month, day",
                                                        "year, month, day",
                                                        "week, day",
                                                        "year, week, day",
                                                        "month, week, day",
                                                        "year, month, week, day"};
  bp_column_info info = {.name = "", .type = "", .scale = 1, .missing = NAN, .cycles = ""};
  if (column < 0 || column >= bp_model_columns(model)) return info;
  const bp_feature *feature = &model->encoding->features[column];
  info.name = feature->name;
  info.type = bp_feature_type_name(feature->type);
  info.inputs = feature->inputs;
  info.indicator = feature->indicator;
  info.cycles = cycles[feature->cycles & BP_CYCLES_ALL];
  if (feature->type == BP_FEATURE_BYTES) info.scale = 1.0 / 255;
  if (feature->type == BP_FEATURE_NUMBER || feature->type == BP_FEATURE_DATE) {
    info.mean = feature->mean;
    info.scale = feature->scale;
    if (feature->indicator) info.missing = feature->fill;
  }
  if (feature->type == BP_FEATURE_CATEGORY) {
    info.n_categories = (int64_t)feature->categories.count;
    info.categories = feature->categories.words;
    info.others = feature->others;
    info.buckets = feature->buckets;
  }
  return info;
}

const char *bp_model_record(const bp_model *model) { return model->record; }
