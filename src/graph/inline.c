/* inline.c - copies a function into a graph. Floor: graph. */
#include <string.h>

#include "graph/call.h"

/* Which nodes the outputs need; of a call all results, which stand right behind it (graph/call.h). */
static void mark(const bp_function *f, uint8_t *needed, size_t size) {
  const bp_graph *g = f->graph;
  for (size_t i = 0; i < f->n_outputs; i++) needed[f->outputs[i].id] = 1;
  for (size_t id = size; id-- > 1;)
    for (int a = 0; needed[id] && a < bp_node_arity(&g->nodes[id]); a++) needed[bp_node_args(g, &g->nodes[id])[a]] = 1;
  for (size_t id = 1; id < size; id++)
    if (g->nodes[id].op == BP_OP_result && needed[g->nodes[id].arg[0]]) needed[id] = 1;
}

/* Attributes that point into memory are shared: a function lives as long as every graph that it is inlined into. */
static uint32_t copy_node(bp_graph *to, const bp_graph *from, uint32_t id, const uint32_t *map, bp_var *args) {
  bp_node node = from->nodes[id];
  int n = bp_node_arity(&from->nodes[id]);
  const uint32_t *ids = bp_node_args(from, &from->nodes[id]);
  for (int a = 0; a < n; a++) args[a] = (bp_var){to, map[ids[a]]};
  node.name = 0;
  if (bp_op_table[node.op].arity == BP_NARY)
    return bp_node_append_nary(to, node, &from->shapes[node.shape], args, (size_t)n).id;
  for (int a = 0; a < n; a++) node.arg[a] = args[a].id;
  return bp_node_append(to, node, &from->shapes[node.shape]).id;
}

void bp_inline(bp_graph *to, const bp_function *from, const bp_var *values, bp_var *results) {
  const bp_graph *g = from->graph;
  bp_allocator a = bp_context_allocator(to->ctx);
  size_t size = g->size, widest = 3;
  uint32_t *map = bp_calloc(to->ctx, size, sizeof *map);
  uint8_t *needed = bp_calloc(to->ctx, size, 1);
  for (size_t id = 1; id < size; id++)
    if (bp_node_arity(&g->nodes[id]) > (int)widest) widest = (size_t)bp_node_arity(&g->nodes[id]);
  bp_var *args = bp_alloc(to->ctx, widest, sizeof *args);
  if (map == NULL || needed == NULL || args == NULL) {
    (void)bp_graph_fail(to, BP_E_NOMEM, "out of memory while copying a branch or loop");
  } else {
    mark(from, needed, size);
    for (size_t i = 0; i < from->n_inputs; i++) map[from->inputs[i].id] = values[i].id;
    for (uint32_t id = 1; id < size; id++)
      if (needed[id] && map[id] == 0) map[id] = copy_node(to, g, id, map, args);
  }
  for (size_t i = 0; i < from->n_outputs; i++)
    results[i] = (bp_var){to, to->status == BP_OK && map != NULL ? map[from->outputs[i].id] : 0};
  bp_release(a, map, size, sizeof *map);
  bp_release(a, needed, size, 1);
  bp_release(a, args, widest, sizeof *args);
}
