/* eval.c - plain evaluation, node by node in their order: the reference for compiled programs. Floor: graph. */
#include <string.h>

#include "base/fail.h"
#include "graph/call.h"
#include "graph/exec.h"

typedef struct evaluation {
  bp_graph *graph;
  int64_t batch;
  size_t size;       /* nodes looked at: the largest output + 1 */
  uint8_t *needed;   /* by id */
  void **values;     /* by id: own memory, an input, or a constant */
  size_t *own;       /* bytes of own memory, 0: not ours */
  bp_exec_arg *args; /* of the node under way */
  int max_arity;
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
    if (bp_node_arity(node) > ev->max_arity) ev->max_arity = bp_node_arity(node);
    if (node->op == BP_OP_axis_size) continue; /* only the shape is looked at */
    for (int a = 0; a < bp_node_arity(node); a++) ev->needed[bp_node_args(ev->graph, node)[a]] = 1;
  }
  ev->args = bp_alloc(ctx, (size_t)ev->max_arity, sizeof *ev->args);
  return ev->args != NULL ? BP_OK : BP_E_NOMEM;
}

static void evaluation_release(evaluation *ev) {
  bp_allocator a = bp_context_allocator(ev->graph->ctx);
  for (size_t id = 0; ev->own != NULL && ev->values != NULL && id < ev->size; id++)
    if (ev->own[id] > 0) bp_aligned_free(a, ev->values[id], ev->own[id]);
  bp_release(a, ev->needed, ev->size, 1);
  bp_release(a, ev->values, ev->size, sizeof *ev->values);
  bp_release(a, ev->own, ev->size, sizeof *ev->own);
  bp_release(a, ev->args, (size_t)ev->max_arity, sizeof *ev->args);
}

static bp_status own_memory(evaluation *ev, size_t id, size_t bytes) {
  ev->values[id] = bp_aligned_alloc(ev->graph->ctx, bytes > 0 ? bytes : 1);
  if (ev->values[id] == NULL) return BP_E_NOMEM;
  ev->own[id] = bytes > 0 ? bytes : 1;
  return BP_OK;
}

/* A branch or one iteration: the graph of a function, evaluated plainly too. */
static bp_status run_function(void *user, int which, const void *const *inputs, void *const *outputs) {
  const bp_call_info *info = user;
  const bp_function *f = which == 0 ? &info->body : &info->other;
  return bp_eval(f->outputs, f->n_outputs, f->inputs, f->n_inputs, 0, inputs, outputs);
}

static bp_status compute_call(bp_context *ctx, const bp_exec *e) {
  bp_allocator a = bp_context_allocator(ctx);
  bp_call_info *info = (bp_call_info *)(uintptr_t)bp_call_info_of(&e->node);
  size_t size = bp_call_scratch(&info->l);
  const void **args = bp_alloc(ctx, info->l.n_args, sizeof *args);
  void *scratch = bp_aligned_alloc(ctx, size);
  bp_status status = args == NULL || scratch == NULL ? BP_E_NOMEM : BP_OK;
  for (size_t i = 0; status == BP_OK && i < info->l.n_args; i++) args[i] = e->arg[i].data;
  if (status == BP_OK) status = bp_call_execute(ctx, &info->l, args, e->out, scratch, run_function, info);
  bp_release(a, (void *)args, info->l.n_args, sizeof *args);
  if (scratch != NULL) bp_aligned_free(a, scratch, size);
  return status;
}

static bp_status compute_operation(bp_context *ctx, const bp_exec *what, size_t id) {
  _Atomic int64_t failure = 0;
  bp_exec run = *what, *e = &run;
  int index = bp_index_arg((bp_op)e->node.op);
  if (index >= 0)
    BP_TRY(bp_index_check(ctx, (bp_op)e->node.op, e->arg[index].data, e->arg[index].shape.dims[0],
                          bp_index_limit((bp_op)e->node.op, &e->shape, &e->arg[0].shape)));
  if (e->node.op == BP_OP_call) return compute_call(ctx, e);
  int64_t rows = bp_shape_rows(&e->shape, 0);
  size_t scratch = bp_exec_scratch(e, rows);
  char nowhere = 0; /* where scratch of no bytes is: an address that 0 may be added to */
  e->scratch = scratch > 0 ? bp_aligned_alloc(ctx, scratch) : &nowhere;
  if (e->scratch == NULL) return BP_E_NOMEM;
  e->number = (int32_t)id;
  e->failure = &failure;
  bp_exec_rows(e, 0, rows);
  if (scratch > 0) bp_aligned_free(bp_context_allocator(ctx), e->scratch, scratch);
  return bp_failure_result(ctx, failure, &e->node);
}

bp_status bp_node_compute(bp_graph *g, size_t id, int64_t batch, const bp_exec_arg *args, void *out) {
  bp_exec e = {.kernels = bp_kernels_use(), .node = g->nodes[id], .out = out, .arg = args};
  e.shape = bp_shape_resolve(&g->shapes[e.node.shape], batch);
  e.arity = bp_node_arity(&e.node);
  bp_dtype t = (bp_dtype)e.node.dtype;
  switch (e.node.op) {
  case BP_OP_scalar: return bp_fill(out, t == BP_F64 ? BP_KF64 : BP_KF32, e.node.attr.scalar, 1), BP_OK;
  case BP_OP_constant:
    return memcpy(out, e.node.attr.data, (size_t)bp_shape_elements(&e.shape, 0) * bp_dtype_size(t)), BP_OK;
  default: return compute_operation(g->ctx, &e, id);
  }
}

static bp_status evaluate_node(evaluation *ev, size_t id) {
  bp_graph *g = ev->graph;
  const bp_node *node = &g->nodes[id];
  if (node->op == BP_OP_input) return BP_OK;
  size_t bytes = (size_t)bp_shape_elements(&g->shapes[node->shape], ev->batch) * bp_dtype_size((bp_dtype)node->dtype);
  BP_TRY(own_memory(ev, id, bytes));
  if (node->op == BP_OP_assign) /* kept: the value may be another state, which changes too */
    return memcpy(ev->values[id], ev->values[node->arg[1]], bytes), BP_OK;
  for (int a = 0; a < bp_node_arity(node); a++) {
    uint32_t from = bp_node_args(g, node)[a];
    const bp_node *arg = &g->nodes[from];
    ev->args[a] =
        (bp_exec_arg){ev->values[from], bp_shape_resolve(&g->shapes[arg->shape], ev->batch), (bp_dtype)arg->dtype};
  }
  return bp_node_compute(g, id, ev->batch, ev->args, ev->values[id]);
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
      size_t bytes =
          (size_t)bp_shape_elements(bp_shape_of(outputs[i]), ev->batch) * bp_dtype_size((bp_dtype)node->dtype);
      if (to != NULL && to != from) memmove(to, from, bytes);
    }
}

bp_status bp_eval(const bp_var *outputs, size_t n_outputs, const bp_var *inputs, size_t n_inputs, int64_t batch,
                  const void *const *input_values, void *const *values) {
  evaluation ev = {.graph = bp_graph_of_two(outputs, n_outputs, inputs, n_inputs), .batch = batch};
  bp_status status;
  if (ev.graph == NULL) return n_outputs == 0 ? BP_OK : BP_E_ARG;
  if (ev.graph->status != BP_OK) return bp_graph_refuse(ev.graph);
  if (batch < 0 || batch > BP_BATCH_MAX)
    return bp_fail(ev.graph->ctx, BP_E_LIMIT, "eval: a batch of %lld rows", (long long)batch);
  if (n_outputs == 0) return BP_OK;
  BP_TRY_DONE(evaluation_init(&ev, outputs, n_outputs));
  for (size_t i = 0; i < n_inputs; i++)
    if (inputs[i].graph == ev.graph && inputs[i].id < ev.size)
      ev.values[inputs[i].id] = (void *)(uintptr_t)input_values[i];
  BP_TRY_DONE(evaluate(&ev));
  deliver(&ev, outputs, n_outputs, values);
done:
  evaluation_release(&ev);
  return status;
}
