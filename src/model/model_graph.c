/* model/model_graph.c - a model as nodes of a graph. Floor: model. */
#include "model/model_graph.h"

#include <string.h>

#include "backprop/ops.h"
#include "base/fail.h"

/* ---- the network ---- */

bp_var bp_model_graph_input(bp_model_graph *graph, const char *name, bp_dtype dtype, int rank, const int64_t *dims) {
  bp_var input = bp_input(graph->graph, name, dtype, rank, dims);
  if (graph->n_inputs < graph->room) graph->inputs[graph->n_inputs++] = input;
  return input;
}

static void build(const bp_model *model, bp_dtype dtype, bool bytes, bp_var *layers, bp_model_graph *g) {
  int64_t dims[2] = {BP_BATCH, bp_net_inputs(model->net)};
  g->x = bp_model_graph_input(g, "features", bytes ? BP_U8 : dtype, 2, dims);
  bp_var x = bytes ? bp_mul(bp_cast(g->x, dtype), bp_scalar(g->graph, dtype, 1.0 / 255)) : g->x;
  for (int p = 0; p < bp_net_params(model->net); p++) {
    bp_param_info info = bp_net_param(model->net, p);
    (void)bp_model_graph_input(g, info.name, dtype, info.rank, info.dims);
  }
  g->z = bp_objective_pool(&model->objective, bp_net_apply_each(model->net, x, g->inputs + 1, layers));
}

bp_status bp_model_graph_open(bp_context *ctx, const bp_model *model, bp_dtype dtype, bool bytes, size_t extra,
                              bp_var *layers, bp_model_graph *out) {
  memset(out, 0, sizeof *out);
  out->allocator = bp_context_allocator(ctx);
  out->room = 1 + model->n_params + extra;
  out->inputs = bp_alloc(ctx, out->room, sizeof *out->inputs);
  if (!out->inputs) return BP_E_NOMEM;
  BP_TRY(bp_graph_new(ctx, &out->graph));
  build(model, dtype, bytes, layers, out);
  return bp_graph_status(out->graph);
}

void bp_model_graph_close(bp_model_graph *graph) {
  bp_graph_free(graph->graph);
  bp_release(graph->allocator, graph->inputs, graph->room, sizeof *graph->inputs);
  graph->graph = NULL;
  graph->inputs = NULL;
}

bp_var bp_model_target_input(const bp_model *model, bp_model_graph *graph, bp_dtype dtype) {
  bool classes = model->objective.classes;
  int64_t dims[2] = {BP_BATCH, model->objective.width};
  return bp_model_graph_input(graph, "targets", classes ? BP_I32 : dtype, classes ? 1 : 2, dims);
}

/* Two constants [outputs]. */
static bp_status scale(bp_context *ctx, const bp_model *model, bp_var *p) {
  bp_graph *graph = p->graph;
  int64_t n = bp_model_outputs(model);
  double *numbers = bp_alloc(ctx, (size_t)n * 2, sizeof *numbers);
  if (!numbers) return BP_E_NOMEM;
  for (int64_t i = 0; i < n; i++) (void)bp_model_output_scale(model, i, &numbers[i], &numbers[n + i]);
  bp_var factor = bp_constant(graph, BP_F64, 1, &n, numbers), shift = bp_constant(graph, BP_F64, 1, &n, numbers + n);
  bp_release(bp_context_allocator(ctx), numbers, (size_t)n * 2, sizeof *numbers);
  *p = bp_add(bp_mul(*p, factor), shift);
  return BP_OK;
}

bp_status bp_model_output(bp_context *ctx, const bp_model *model, bp_var z, bp_var *out) {
  bp_var p = bp_objective_predict(&model->objective, z);
  if (model->task == BP_TASK_REGRESSION) BP_TRY(scale(ctx, model, &p));
  *out = p;
  return bp_graph_status(z.graph);
}

/* ---- parameters ---- */

static bool copy_real(bp_context *ctx, const bp_model *model, int param, double **out) {
  int64_t n = bp_net_param(model->net, param).elements;
  const float *from = model->params[param];
  double *to = bp_alloc(ctx, (size_t)n, sizeof *to);
  if (!to) return false;
  for (int64_t i = 0; i < n; i++) to[i] = (double)from[i];
  *out = to;
  return true;
}

bp_status bp_real_params_init(bp_context *ctx, const bp_model *model, bp_real_params *out) {
  *out = (bp_real_params){.model = model, .allocator = bp_context_allocator(ctx)};
  out->owned = bp_net_dtype(model->net) != BP_F64;
  out->values = bp_calloc(ctx, model->n_params, sizeof *out->values);
  if (!out->values) return BP_E_NOMEM;
  for (size_t p = 0; p < model->n_params; p++) {
    if (!out->owned)
      out->values[p] = model->params[p];
    else if (!copy_real(ctx, model, (int)p, &out->values[p]))
      return BP_E_NOMEM;
  }
  return BP_OK;
}

void bp_real_params_release(bp_real_params *params) {
  if (!params->values) return;
  for (size_t p = 0; params->owned && p < params->model->n_params; p++) {
    size_t n = (size_t)bp_net_param(params->model->net, (int)p).elements;
    bp_release(params->allocator, params->values[p], n, sizeof **params->values);
  }
  bp_release(params->allocator, params->values, params->model->n_params, sizeof *params->values);
  params->values = NULL;
}
