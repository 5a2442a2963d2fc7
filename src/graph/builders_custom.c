/* builders_custom.c - operations of the user: checks, and a node that points to a copy of the description. Floor: graph. */
#include <string.h>

#include "graph/builders.h"
#include "graph/custom_node.h"

bool bp_custom_by_rows(const bp_node *node, int a) {
  const bp_custom_info *info = bp_custom_info_of(node);
  uint64_t rows = info->op.row_args;
  if (node->op == BP_OP_custom_vjp) {
    if (info->of >= 64 || (rows >> info->of & 1u) == 0) return false;
    if ((size_t)a >= info->n_x) return true; /* y and y_bar */
  }
  return a < 64 && (rows >> a & 1u) != 0;
}

bool bp_custom_has_rows(const bp_node *node) {
  const bp_custom_info *info = bp_custom_info_of(node);
  if (node->op == BP_OP_custom_vjp) return bp_custom_by_rows(node, (int)info->n_x);
  return info->op.row_args != 0;
}

const bp_custom_info *bp_custom_copy(bp_arena *arena, const bp_custom_info *info) {
  bp_custom_info *copy = bp_arena_alloc(arena, 1, sizeof *copy);
  if (copy == NULL) return NULL;
  *copy = *info;
  copy->op.name = bp_arena_string(arena, info->op.name, NULL);
  return copy->op.name != NULL ? copy : NULL;
}

/* Row by row arguments must have the rows of the result. */
static bool rows_ok(bp_graph *g, const bp_custom_op *op, const bp_shape *to, const bp_var *x, size_t n_x) {
  for (size_t i = 0; i < 64; i++) {
    if ((op->row_args >> i & 1u) == 0) continue;
    const bp_shape *s = i < n_x ? bp_shape_of(x[i]) : NULL;
    if (s != NULL && s->rank > 0 && to->rank > 0 && s->dims[0] == to->dims[0]) continue;
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    (void)bp_graph_fail(g, BP_E_SHAPE, "custom '%s': argument %zu of %zu is taken by rows, but is %s and the result %s",
                        op->name, i + 1, n_x, s != NULL ? bp_shape_text(s, a, sizeof a) : "missing",
                        bp_shape_text(to, b, sizeof b));
    return false;
  }
  return true;
}

bp_var bp_custom(bp_graph *graph, const bp_custom_op *op, const bp_var *x, size_t n_x) {
  bp_custom_info info = {.n_x = n_x};
  if (graph == NULL || graph->status != BP_OK) return bp_zero_of(graph);
  bp_place_forget(graph);
  memcpy(&info.op, op, op->size < sizeof info.op ? op->size : sizeof info.op);
  if (info.op.name == NULL || info.op.eval == NULL)
    return bp_graph_fail(graph, BP_E_ARG, "custom: name or eval is NULL; is size set to sizeof(bp_custom_op)?");
  if (n_x > INT32_MAX - 2) return bp_graph_fail(graph, BP_E_LIMIT, "custom '%s': %zu arguments", op->name, n_x);
  if (!bp_args_in(graph, "custom", n_x, x)) return bp_zero_of(graph);
  if (!bp_dtype_is_real(info.op.dtype))
    return bp_graph_fail(graph, BP_E_DTYPE, "custom '%s': result %s, expected float32 or float64", op->name,
                         bp_dtype_name(info.op.dtype));
  if (info.op.rank < 0 || info.op.rank > BP_MAX_RANK)
    return bp_graph_fail(graph, BP_E_SHAPE, "custom '%s': rank %d, expected 0 to %d", op->name, info.op.rank,
                         BP_MAX_RANK);
  bp_shape to = bp_shape_make(info.op.rank, info.op.dims);
  if (!rows_ok(graph, &info.op, &to, x, n_x)) return bp_zero_of(graph);
  const bp_custom_info *kept = bp_custom_copy(&graph->arena, &info);
  if (kept == NULL) return bp_graph_fail(graph, BP_E_NOMEM, "out of memory for the custom operation '%s'", op->name);
  bp_node node = {.op = BP_OP_custom, .dtype = (uint8_t)info.op.dtype, .attr.data = kept};
  return bp_node_append_nary(graph, node, &to, x, n_x);
}

bp_var bp_custom_vjp_node(bp_var y, size_t i, bp_var y_bar) {
  bp_graph *g = y.graph;
  bp_custom_info info = *bp_custom_info_of(bp_node_of(y));
  size_t n = info.n_x;
  info.of = i;
  const bp_custom_info *kept = bp_custom_copy(&g->arena, &info);
  bp_var *args = bp_alloc(g->ctx, n + 2, sizeof *args), v;
  if (kept == NULL || args == NULL) {
    v = bp_graph_fail(g, BP_E_NOMEM, "out of memory for the derivative of '%s'", info.op.name);
  } else {
    for (size_t a = 0; a < n; a++) args[a] = (bp_var){g, bp_node_args(g, bp_node_of(y))[a]};
    args[n] = y;
    args[n + 1] = y_bar;
    bp_node node = {.op = BP_OP_custom_vjp, .dtype = (uint8_t)bp_dtype_of(args[i]), .attr.data = kept};
    bp_shape to = *bp_shape_of(args[i]);
    v = bp_node_append_nary(g, node, &to, args, n + 2);
  }
  bp_release(bp_context_allocator(g->ctx), args, n + 2, sizeof *args);
  return v;
}
