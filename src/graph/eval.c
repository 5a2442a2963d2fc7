/* eval.c - plain evaluation, node by node in their order: the reference for compiled programs. Floor: graph. */
#include <string.h>

#include "base/fail.h"
#include "graph/exec.h"

typedef struct evaluation {
  bp_graph *graph;
  int64_t batch;
  size_t size;        /* nodes looked at: the largest output + 1 */
  uint8_t *needed;    /* by id */
  void **values;      /* by id: own memory, an input, or a constant */
  size_t *own;        /* bytes of own memory, 0: not ours */
} evaluation;

static bp_status evaluation_init(evaluation *ev, const bp_var *outputs, size_t n) {
  bp_context *ctx = ev->graph->ctx;
  for (size_t i = 0; i < n; i++) {
    if (outputs[i].graph != ev->graph || outputs[i].id == 0 || outputs[i].id >= ev->graph->size)
      return bp_fail(ctx, BP_E_ARG, "eval: output %zu is no variable of this graph", i);
    if (outputs[i].id >= ev->size) ev->size = outputs[i].id + 1;
  }
  ev->needed = bp_calloc(ctx, ev->size, 1);
  ev->values = bp_calloc(ctx, ev->size, sizeof *ev->values);
  ev->own = bp_calloc(ctx, ev->size, sizeof *ev->own);
  if (ev->needed == NULL || ev->values == NULL || ev->own == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < n; i++) ev->needed[outputs[i].id] = 1;
  for (size_t id = ev->size; id-- > 1;) {
    if (!ev->needed[id]) continue;
    const bp_node *node = &ev->graph->nodes[id];
    if (node->op == BP_OP_axis_size) continue; /* only the shape is looked at */
    for (int a = 0; a < bp_op_table[node->op].arity; a++) ev->needed[node->arg[a]] = 1;
  }
  return BP_OK;
}

static void evaluation_release(evaluation *ev) {
  bp_allocator a = bp_context_allocator(ev->graph->ctx);
  for (size_t id = 0; ev->own != NULL && ev->values != NULL && id < ev->size; id++)
    if (ev->own[id] > 0) bp_aligned_free(a, ev->values[id], ev->own[id]);
  bp_release(a, ev->needed, ev->size, 1);
  bp_release(a, ev->values, ev->size, sizeof *ev->values);
  bp_release(a, ev->own, ev->size, sizeof *ev->own);
}

static bp_status own_memory(evaluation *ev, size_t id, size_t bytes) {
  ev->values[id] = bp_aligned_alloc(ev->graph->ctx, bytes > 0 ? bytes : 1);
  if (ev->values[id] == NULL) return BP_E_NOMEM;
  ev->own[id] = bytes > 0 ? bytes : 1;
  return BP_OK;
}

static bp_status evaluate_node(evaluation *ev, size_t id) {
  bp_graph *g = ev->graph;
  bp_exec e = {.kernels = bp_kernels_use(), .node = g->nodes[id]};
  e.shape = bp_shape_resolve(&g->shapes[e.node.shape], ev->batch);
  bp_dtype t = (bp_dtype)e.node.dtype;
  int64_t elements = bp_shape_elements(&e.shape, 0);
  if (e.node.op == BP_OP_input) return BP_OK;
  BP_TRY(own_memory(ev, id, (size_t)elements * bp_dtype_size(t)));
  if (e.node.op == BP_OP_assign) /* kept: the value may be another state, which changes too */
    return memcpy(ev->values[id], ev->values[e.node.arg[1]], (size_t)elements * bp_dtype_size(t)), BP_OK;
  if (e.node.op == BP_OP_scalar) return bp_fill(ev->values[id], t == BP_F64 ? BP_KF64 : BP_KF32, e.node.attr.scalar, 1), BP_OK;
  if (e.node.op == BP_OP_constant)
    return memcpy(ev->values[id], e.node.attr.data, (size_t)elements * bp_dtype_size(t)), BP_OK;
  for (int a = 0; a < bp_op_table[e.node.op].arity; a++) {
    const bp_node *arg = &g->nodes[e.node.arg[a]];
    e.arg_shape[a] = bp_shape_resolve(&g->shapes[arg->shape], ev->batch);
    e.arg_dtype[a] = (bp_dtype)arg->dtype;
    e.arg[a] = ev->values[e.node.arg[a]];
  }
  int index = bp_index_arg((bp_op)e.node.op);
  if (index >= 0)
    BP_TRY(bp_index_check(g->ctx, (bp_op)e.node.op, e.arg[index], e.arg_shape[index].dims[0],
                          bp_index_limit(&e.node, &e.shape, e.arg_shape)));
  e.out = ev->values[id];
  int64_t rows = bp_shape_rows(&e.shape, 0);
  size_t scratch = bp_exec_scratch(&e.node, &e.shape, e.arg_shape, rows);
  if (scratch > 0 && (e.scratch = bp_aligned_alloc(g->ctx, scratch)) == NULL) return BP_E_NOMEM;
  bp_exec_rows(&e, 0, rows);
  if (scratch > 0) bp_aligned_free(bp_context_allocator(g->ctx), e.scratch, scratch);
  return BP_OK;
}

static bp_status evaluate(evaluation *ev) {
  for (size_t id = 1; id < ev->size; id++) {
    if (!ev->needed[id]) continue;
    if (ev->graph->nodes[id].op == BP_OP_input && ev->values[id] == NULL)
      return bp_fail(ev->graph->ctx, BP_E_INPUT, "eval: the value of input '%s' (%%%zu) is needed but was not given",
                     bp_var_name((bp_var){ev->graph, (uint32_t)id}), id);
    BP_TRY(evaluate_node(ev, id));
  }
  return BP_OK;
}

/* Copies results out; states change last, so that outputs that read them see the old values. */
static void deliver(const evaluation *ev, const bp_var *outputs, size_t n, void *const *values) {
  for (int states = 0; states < 2; states++)
    for (size_t i = 0; i < n; i++) {
      const bp_node *node = bp_node_of(outputs[i]);
      if ((node->op == BP_OP_assign) != (states == 1)) continue;
      void *to = states ? ev->values[node->arg[0]] : values[i];
      const void *from = ev->values[outputs[i].id];
      size_t bytes = (size_t)bp_shape_elements(bp_shape_of(outputs[i]), ev->batch) * bp_dtype_size((bp_dtype)node->dtype);
      if (to != NULL && to != from) memmove(to, from, bytes);
    }
}

bp_status bp_eval(const bp_var *outputs, size_t n_outputs, const bp_var *inputs, size_t n_inputs, int64_t batch,
                  const void *const *input_values, void *const *values) {
  if (n_outputs == 0) return BP_OK;
  if (outputs[0].graph == NULL) return BP_E_ARG;
  evaluation ev = {.graph = outputs[0].graph, .batch = batch};
  bp_status status;
  if (ev.graph->status != BP_OK) return bp_fail(ev.graph->ctx, BP_E_GRAPH, "%s", bp_graph_message(ev.graph));
  if (batch < 0 || batch > BP_BATCH_MAX) return bp_fail(ev.graph->ctx, BP_E_LIMIT, "eval: a batch of %lld rows", (long long)batch);
  BP_TRY_DONE(evaluation_init(&ev, outputs, n_outputs));
  for (size_t i = 0; i < n_inputs; i++)
    if (inputs[i].graph == ev.graph && inputs[i].id < ev.size) ev.values[inputs[i].id] = (void *)(uintptr_t)input_values[i];
  BP_TRY_DONE(evaluate(&ev));
  deliver(&ev, outputs, n_outputs, values);
done:
  evaluation_release(&ev);
  return status;
}
