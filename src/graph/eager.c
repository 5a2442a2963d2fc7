/* eager.c - graphs that compute while they are built. Floor: graph.
 *
 * Numbers are kept beside the nodes, 8 bytes each, and computed by the same kernels as everything else; arrays have a block each.
 */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "graph/exec.h"
#include "graph/node.h"

enum { FEW = 8 }; /* arguments that need no allocation */

bp_status bp_graph_new_eager(bp_context *context, bp_graph **out) {
  bp_graph *g;
  BP_TRY(bp_graph_new(context, &g));
  if (bp_grow(context, (void **)&g->values, &g->values_capacity, 1, sizeof *g->values) != BP_OK) {
    bp_graph_free(g);
    return BP_E_NOMEM;
  }
  g->values[0] = (bp_value){0};
  g->kernels = bp_kernels_use();
  *out = g;
  return BP_OK;
}

static bool in_place(const bp_graph *g, const bp_node *n) {
  return n->shape == 0 && g->shapes[0].rank == 0 && bp_dtype_is_real((bp_dtype)n->dtype);
}

static bool has_value(const bp_node *n) { return n->op != BP_OP_input || n->axis != 0; }

const void *bp_eager_value(const bp_graph *g, uint32_t id) {
  if (g->values == NULL || id == 0 || id >= g->size || !has_value(&g->nodes[id])) return NULL;
  return in_place(g, &g->nodes[id]) ? (const void *)&g->values[id] : g->values[id].array;
}

static size_t value_bytes(const bp_graph *g, const bp_node *n) {
  size_t bytes = (size_t)bp_shape_elements(&g->shapes[n->shape], 0) * bp_dtype_size((bp_dtype)n->dtype);
  return bytes > 0 ? bytes : 1;
}

void bp_eager_release(bp_graph *g, size_t from) {
  bp_allocator a = bp_context_allocator(g->ctx);
  for (size_t id = from; g->values != NULL && id <= g->last_array; id++)
    if (!in_place(g, &g->nodes[id]) && g->values[id].array != NULL)
      bp_aligned_free(a, g->values[id].array, value_bytes(g, &g->nodes[id]));
  if (g->last_array >= from) g->last_array = from - 1;
}

/* ---- computing ---- */
static bp_status place_value(bp_graph *g, uint32_t id, void **out) {
  const bp_node *n = &g->nodes[id];
  const bp_shape *s = &g->shapes[n->shape];
  g->values[id].array = NULL;
  if (in_place(g, n)) return *out = &g->values[id], BP_OK;
  if (bp_shape_has_batch(s)) {
    char text[BP_SHAPE_TEXT];
    return bp_fail(g->ctx, BP_E_SHAPE, "%s: %s in an eager graph; its shapes have no batch", bp_op_table[n->op].name,
                   bp_shape_text(s, text, sizeof text));
  }
  g->values[id].array = bp_aligned_alloc(g->ctx, value_bytes(g, n));
  *out = g->values[id].array;
  g->last_array = id;
  return *out != NULL ? BP_OK : BP_E_NOMEM;
}

static bp_status compute_with(bp_graph *g, uint32_t id, void *out, bp_exec_arg *args) {
  const bp_node *n = &g->nodes[id];
  for (int a = 0; a < bp_node_arity(n); a++) {
    uint32_t from = bp_node_args(g, n)[a];
    const bp_node *arg = &g->nodes[from];
    args[a] = (bp_exec_arg){bp_eager_value(g, from), g->shapes[arg->shape], (bp_dtype)arg->dtype};
    if (args[a].data == NULL)
      return bp_fail(g->ctx, BP_E_INPUT, "%s: '%s' (%%%u) has no value; use bp_variable() in an eager graph",
                     bp_op_table[n->op].name, bp_var_name((bp_var){g, from}), from);
  }
  return bp_node_compute(g, id, 0, args, out);
}

static bp_status compute(bp_graph *g, uint32_t id) {
  bp_exec_arg few[FEW], *args = few;
  int arity = bp_node_arity(&g->nodes[id]);
  void *out;
  BP_TRY(place_value(g, id, &out));
  if (arity > FEW && (args = bp_alloc(g->ctx, (size_t)arity, sizeof *args)) == NULL) return BP_E_NOMEM;
  bp_status status = compute_with(g, id, out, args);
  if (args != few) bp_release(bp_context_allocator(g->ctx), args, (size_t)arity, sizeof *args);
  return status;
}

/* Numbers by elementwise operations: no more than the kernel itself. */
static bool compute_number(bp_graph *g, uint32_t id) {
  const bp_node *n = &g->nodes[id];
  const bp_op_info *op = &bp_op_table[n->op];
  if (op->kernel == BP_EW_NONE || n->dtype != BP_F64 || !in_place(g, n)) return false;
  for (int a = 0; a < op->arity; a++)
    if (!has_value(&g->nodes[n->arg[a]])) return false; /* told by compute() */
  const void *in[3] = {NULL, NULL, NULL};
  for (int a = 0; a < op->arity; a++) in[a] = &g->values[n->arg[a]];
  g->kernels->ew[BP_KF64][op->kernel](&g->values[id], in, 1);
  return true;
}

/* The bulk of a scalar program: an interned shape, two checks of each argument, one store. */
static bool is_number(const bp_graph *g, bp_var v) {
  if (v.graph != g || v.id >= g->size) return false;
  const bp_node *n = &g->nodes[v.id]; /* number 0, the null variable, is no float64 */
  return n->dtype == BP_F64 && n->shape == 0 && n->op != BP_OP_assign && has_value(n);
}

bp_var bp_eager_number(bp_op op, bp_var a, bp_var b) {
  bp_graph *g = a.graph;
  bp_var none = {g, 0};
  if (g == NULL || g->values == NULL || g->status != BP_OK || !is_number(g, a) || !is_number(g, b)) return none;
  size_t id = g->size;
  if (op == BP_OP_mul && bp_is_root(b)) return none; /* it may be that of a square: builders_roots.c */
  if (id >= g->capacity || id >= g->values_capacity) return none;
  double x = g->values[a.id].f64, y = g->values[b.id].f64;
  bp_node *n = &g->nodes[id];
  *n = (bp_node){.op = (uint16_t)op, .dtype = BP_F64, .arg = {a.id, bp_op_table[op].arity > 1 ? b.id : 0, 0}};
  double *out = &g->values[id].f64;
  g->size++;
  switch (op) { /* one rounding each: the same bits as the kernels */
  case BP_OP_add: *out = x + y; break;
  case BP_OP_sub: *out = x - y; break;
  case BP_OP_mul: *out = x * y; break;
  case BP_OP_div: *out = x / y; break;
  default: g->kernels->ew[BP_KF64][bp_op_table[op].kernel](out, (const void *[]){&x, &y, NULL}, 1); break;
  }
  return (bp_var){g, (uint32_t)id};
}

void bp_eager_compute(bp_graph *g, uint32_t id) {
  const bp_node *n = &g->nodes[id];
  if (id >= g->values_capacity &&
      bp_grow(g->ctx, (void **)&g->values, &g->values_capacity, (size_t)id + 1, sizeof *g->values) != BP_OK) {
    (void)bp_graph_fail(g, BP_E_NOMEM, "out of memory for the values of an eager graph");
    return;
  }
  if (n->op == BP_OP_input || n->op == BP_OP_assign || n->op == BP_OP_zero) {
    g->values[id].array = NULL;
    return;
  }
  if (n->op == BP_OP_scalar && n->dtype == BP_F64) {
    g->values[id].f64 = n->attr.scalar;
    return;
  }
  if (compute_number(g, id)) return;
  bp_status status = compute(g, id);
  if (status != BP_OK) (void)bp_graph_fail(g, status, "%s", bp_error_message(g->ctx));
}

/* ---- the public side ---- */
bp_var bp_variable(bp_graph *graph, const char *name, bp_dtype dtype, int rank, const int64_t *dims, const void *data) {
  if (graph == NULL || graph->status != BP_OK) return bp_zero_of(graph);
  if (graph->values == NULL)
    return bp_graph_fail(graph, BP_E_ARG, "variable: the graph is not eager; use bp_input(), or bp_graph_new_eager()");
  bp_var v = bp_input(graph, name, dtype, rank, dims);
  void *out;
  if (v.id == 0) return v;
  bp_status status = place_value(graph, v.id, &out);
  if (status != BP_OK) return bp_graph_fail(graph, status, "%s", bp_error_message(graph->ctx));
  memcpy(out, data, (size_t)bp_shape_elements(bp_shape_of(v), 0) * bp_dtype_size(dtype));
  graph->nodes[v.id].axis = 1;
  return v;
}

const void *bp_values(bp_var var) {
  return var.graph != NULL && var.graph->status == BP_OK ? bp_eager_value(var.graph, var.id) : NULL;
}

void bp_graph_rewind(bp_graph *graph, size_t size) {
  if (graph == NULL || graph->values == NULL || size < 1 || size > graph->size) return;
  bp_eager_release(graph, size);
  for (size_t id = size; id <= graph->last_nary; id++) {
    const bp_node *n = &graph->nodes[id];
    if (bp_op_table[n->op].arity == BP_NARY && n->arg[0] < graph->n_args) graph->n_args = n->arg[0];
  }
  if (graph->last_nary >= size) graph->last_nary = size - 1;
  graph->size = size;
  graph->status = BP_OK;
  graph->message = NULL;
}

double bp_item(bp_var var) {
  bp_graph *g = var.graph;
  if (g == NULL || g->status != BP_OK) return NAN;
  const void *value = bp_eager_value(g, var.id);
  if (value == NULL || bp_shape_elements(bp_shape_of(var), 2) != 1) {
    char text[BP_SHAPE_TEXT];
    (void)bp_graph_fail(g, BP_E_ARG, "item: %s, expected one element of an eager graph",
                        value == NULL ? "the variable has no value" : bp_var_shape_text(var, text, sizeof text));
    return NAN;
  }
  double out;
  bp_convert(&out, BP_F64, value, (int)bp_dtype_of(var), 1);
  return out;
}
