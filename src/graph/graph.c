/* graph.c - the node list: appending, interning of shapes, sticky errors, and looking at variables. Floor: graph. */
#include "backprop/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/keyed_hash.h"
#include "graph/node.h"

const bp_op_info bp_op_table[BP_OP_COUNT] = {
#define BP_OP(name, arity, class, kernel, spelling) {#name, arity, BP_CLASS_##class, BP_EW_##kernel, spelling},
#include "graph/ops.def"
#undef BP_OP
};

/* Ids are 32 bits; half of them leaves room for tables of twice the size. */
#define NODES_MAX ((size_t)1 << 31)
/* Arguments of one node. */
#define NARY_MAX ((size_t)1 << 24)

bp_status bp_graph_new(bp_context *context, bp_graph **out) {
  bp_graph *g = bp_calloc(context, 1, sizeof *g);
  if (g == NULL) return BP_E_NOMEM;
  g->ctx = context;
  bp_arena_init(&g->arena, context);
  bp_shape scalar = {.rank = 0};
  bp_var zero = bp_node_append(g, (bp_node){.op = BP_OP_zero}, &scalar);
  if (g->status != BP_OK) {
    bp_graph_free(g);
    return BP_E_NOMEM;
  }
  (void)zero;
  *out = g;
  return BP_OK;
}

void bp_graph_free(bp_graph *graph) {
  if (graph == NULL) return;
  bp_allocator a = bp_context_allocator(graph->ctx);
  for (bp_graph *g = graph->owned, *next; g != NULL; g = next) {
    next = g->next_owned;
    bp_graph_free(g);
  }
  bp_eager_release(graph, 1);
  bp_arena_release(&graph->arena);
  bp_release(a, graph->nodes, graph->capacity, sizeof *graph->nodes);
  bp_release(a, graph->args, graph->args_capacity, sizeof *graph->args);
  bp_release(a, graph->values, graph->values_capacity, sizeof *graph->values);
  bp_release(a, graph->shapes, graph->shapes_capacity, sizeof *graph->shapes);
  bp_release(a, graph->shape_table, graph->shape_table_size, sizeof *graph->shape_table);
  bp_release(a, (void *)graph->names, graph->names_capacity, sizeof *graph->names);
  bp_release(a, graph, 1, sizeof *graph);
}

/* ---- errors ---- */
bp_var bp_graph_fail(bp_graph *g, bp_status status, const char *format, ...) {
  if (g == NULL || g->status != BP_OK) return bp_zero_of(g);
  char text[512];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  g->status = status;
  if (g->file != NULL)
    (void)bp_fail(g->ctx, status, "%s:%d: %s", g->file, g->line, text);
  else
    (void)bp_fail(g->ctx, status, "%s", text);
  /* Out of memory here leaves the message empty: the status stays. */
  g->message = bp_arena_string(&g->arena, bp_error_message(g->ctx), NULL);
  return bp_zero_of(g);
}

/* Other failures may have replaced the message in the context since. */
bp_status bp_graph_status(const bp_graph *graph) {
  if (graph == NULL) return BP_E_ARG;
  if (graph->status == BP_OK) return BP_OK;
  return bp_fail(graph->ctx, graph->status, "%s", bp_graph_message(graph));
}

bp_status bp_graph_refuse(const bp_graph *graph) {
  bp_status status = graph->status == BP_E_NOMEM ? BP_E_NOMEM : BP_E_GRAPH;
  return bp_fail(graph->ctx, status, "%s", bp_graph_message(graph));
}

const char *bp_graph_message(const bp_graph *graph) {
  if (graph == NULL) return bp_status_text(BP_E_ARG);
  if (graph->status == BP_OK) return "";
  return graph->message != NULL ? graph->message : bp_status_text(graph->status);
}

bp_context *bp_graph_context(const bp_graph *graph) { return graph != NULL ? graph->ctx : NULL; }
size_t bp_graph_size(const bp_graph *graph) { return graph != NULL ? graph->size : 0; }

bp_var bp_at(bp_var var, const char *file, int line) {
  if (var.graph != NULL) {
    var.graph->file = file;
    var.graph->line = line;
  }
  return var;
}

bp_graph *bp_graph_of(const bp_var *vars, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (vars[i].graph != NULL) return vars[i].graph;
  return NULL;
}

bool bp_args_in(bp_graph *g, const char *op, size_t n, const bp_var *args) {
  if (g == NULL || g->status != BP_OK) return false;
  for (size_t i = 0; i < n; i++) {
    if (args[i].graph != g && args[i].graph != NULL) {
      (void)bp_graph_fail(g, BP_E_ARG, "%s: argument %zu belongs to another graph", op, i + 1);
      return false;
    }
    if (args[i].graph == NULL || args[i].id == 0) {
      (void)bp_graph_fail(g, BP_E_ARG, "%s: argument %zu is the null variable", op, i + 1);
      return false;
    }
    if (args[i].id >= g->size) {
      (void)bp_graph_fail(g, BP_E_ARG, "%s: argument %zu is no variable of this graph", op, i + 1);
      return false;
    }
    if (bp_op_of(args[i]) == BP_OP_assign) {
      (void)bp_graph_fail(g, BP_E_ARG,
                          "%s: argument %zu is a bp_assign() root, which has no value; use what it assigns", op, i + 1);
      return false;
    }
  }
  return true;
}

bool bp_args_ok(const char *op, int n, const bp_var *args) {
  return bp_args_in(bp_graph_of(args, (size_t)n), op, (size_t)n, args);
}

/* ---- shapes ---- */
static uint32_t shape_hash(const bp_shape *s) {
  const bp_hash_key *key = bp_hash_key_now(); /* sizes may come from the formula of a foreign model */
  uint64_t h = key->k[0] ^ (uint64_t)s->rank, factor = key->k[1] | 1;
  for (int i = 0; i < s->rank; i++) h = (h ^ (uint64_t)s->dims[i]) * factor, h ^= h >> 29;
  return (uint32_t)(h >> 16);
}

static void shape_table_insert(bp_graph *g, uint32_t number) {
  size_t mask = g->shape_table_size - 1, i = shape_hash(&g->shapes[number]) & mask;
  while (g->shape_table[i] != 0) i = (i + 1) & mask;
  g->shape_table[i] = number + 1;
}

static bp_status shape_table_grow(bp_graph *g) {
  size_t size = g->shape_table_size == 0 ? 32 : 2 * g->shape_table_size;
  uint32_t *table = bp_calloc(g->ctx, size, sizeof *table);
  if (table == NULL) return BP_E_NOMEM;
  bp_release(bp_context_allocator(g->ctx), g->shape_table, g->shape_table_size, sizeof *table);
  g->shape_table = table;
  g->shape_table_size = size;
  for (uint32_t i = 0; i < g->n_shapes; i++) shape_table_insert(g, i);
  return BP_OK;
}

static bp_status shape_intern(bp_graph *g, const bp_shape *s, uint32_t *number) {
  if (2 * (g->n_shapes + 1) > g->shape_table_size) BP_TRY(shape_table_grow(g));
  size_t mask = g->shape_table_size - 1;
  for (size_t i = shape_hash(s) & mask; g->shape_table[i] != 0; i = (i + 1) & mask)
    if (bp_shape_equal(&g->shapes[g->shape_table[i] - 1], s)) return *number = g->shape_table[i] - 1, BP_OK;
  BP_TRY(bp_grow(g->ctx, (void **)&g->shapes, &g->shapes_capacity, g->n_shapes + 1, sizeof *g->shapes));
  g->shapes[g->n_shapes] = *s;
  *number = (uint32_t)g->n_shapes++;
  shape_table_insert(g, *number);
  return BP_OK;
}

bp_var bp_node_append(bp_graph *g, bp_node node, const bp_shape *shape) {
  if (g->status != BP_OK) return bp_zero_of(g);
  if (!bp_shape_valid(shape)) {
    char text[BP_SHAPE_TEXT];
    return bp_graph_fail(g, BP_E_SHAPE,
                         "%s: the shape %s is not allowed (too large, negative, or a batch that does not lead)",
                         bp_op_table[node.op].name, bp_shape_text(shape, text, sizeof text));
  }
  bp_shape copy = *shape; /* it may point into g->shapes, which can move */
  uint32_t number;
  if (shape_intern(g, &copy, &number) != BP_OK)
    return bp_graph_fail(g, BP_E_NOMEM, "out of memory for a shape of a graph");
  return bp_node_append_alike(g, node, number);
}

bp_var bp_node_append_alike(bp_graph *g, bp_node node, uint32_t shape) {
  if (g->size >= NODES_MAX) return bp_graph_fail(g, BP_E_LIMIT, "a graph holds at most %zu nodes", NODES_MAX);
  if (g->size >= g->capacity &&
      bp_grow(g->ctx, (void **)&g->nodes, &g->capacity, g->size + 1, sizeof *g->nodes) != BP_OK)
    return bp_graph_fail(g, BP_E_NOMEM, "out of memory while appending node %zu to a graph", g->size);
  node.shape = shape;
  g->nodes[g->size] = node;
  bp_var v = {g, (uint32_t)g->size++};
  if (g->values != NULL) bp_eager_compute(g, v.id);
  return g->status == BP_OK ? v : bp_zero_of(g);
}

bp_var bp_node_append_nary(bp_graph *g, bp_node node, const bp_shape *shape, const bp_var *args, size_t n) {
  if (g->status != BP_OK) return bp_zero_of(g);
  if (n > NARY_MAX || g->n_args > NODES_MAX - n)
    return bp_graph_fail(g, BP_E_LIMIT, "%s: %zu arguments, expected at most %zu", bp_op_table[node.op].name, n,
                         NARY_MAX);
  if (bp_grow(g->ctx, (void **)&g->args, &g->args_capacity, g->n_args + n, sizeof *g->args) != BP_OK)
    return bp_graph_fail(g, BP_E_NOMEM, "out of memory while appending node %zu to a graph", g->size);
  node.arg[0] = (uint32_t)g->n_args;
  node.arg[1] = (uint32_t)n;
  for (size_t i = 0; i < n; i++) g->args[g->n_args + i] = args[i].id;
  bp_var v = bp_node_append(g, node, shape);
  if (v.id == 0) return v;
  g->n_args += n;
  g->last_nary = v.id;
  return v;
}

/* ---- leaves ---- */
/* A leaf may be made as an argument of a builder that was told its place already: where arguments are evaluated from the left. */
static bp_var made(bp_var leaf, const char *place) {
  if (leaf.id != 0) leaf.graph->file = place;
  return leaf;
}

bp_var bp_input(bp_graph *graph, const char *name, bp_dtype dtype, int rank, const int64_t *dims) {
  if (graph == NULL || graph->status != BP_OK) return bp_zero_of(graph);
  const char *place = graph->file;
  bp_place_forget(graph);
  if (rank < 0 || rank > BP_MAX_RANK)
    return bp_graph_fail(graph, BP_E_ARG, "input: rank %d, expected 0 to %d", rank, BP_MAX_RANK);
  if ((unsigned)dtype >= BP_DTYPE_COUNT)
    return bp_graph_fail(graph, BP_E_DTYPE, "input: no element type %d", (int)dtype);
  bp_shape s = bp_shape_make(rank, dims);
  bp_var v = bp_node_append(graph, (bp_node){.op = BP_OP_input, .dtype = (uint8_t)dtype}, &s);
  if (name != NULL) bp_var_set_name(v, name);
  return made(v, place);
}

bp_var bp_constant(bp_graph *graph, bp_dtype dtype, int rank, const int64_t *dims, const void *data) {
  if (graph == NULL || graph->status != BP_OK) return bp_zero_of(graph);
  const char *place = graph->file;
  bp_place_forget(graph);
  if (rank < 0 || rank > BP_MAX_RANK)
    return bp_graph_fail(graph, BP_E_ARG, "constant: rank %d, expected 0 to %d", rank, BP_MAX_RANK);
  if ((unsigned)dtype >= BP_DTYPE_COUNT)
    return bp_graph_fail(graph, BP_E_DTYPE, "constant: no element type %d", (int)dtype);
  bp_shape s = bp_shape_make(rank, dims);
  if (bp_shape_has_batch(&s) || !bp_shape_valid(&s)) {
    char text[BP_SHAPE_TEXT];
    return bp_graph_fail(graph, BP_E_SHAPE, "constant: the shape %s is not allowed",
                         bp_shape_text(&s, text, sizeof text));
  }
  size_t count = (size_t)bp_shape_elements(&s, 0);
  void *copy = bp_arena_alloc(&graph->arena, count, bp_dtype_size(dtype));
  if (copy == NULL) return bp_graph_fail(graph, BP_E_NOMEM, "out of memory for a constant of %zu elements", count);
  if (count > 0) memcpy(copy, data, count * bp_dtype_size(dtype));
  return made(bp_node_append(graph, (bp_node){.op = BP_OP_constant, .dtype = (uint8_t)dtype, .attr.data = copy}, &s),
              place);
}

bp_var bp_scalar(bp_graph *graph, bp_dtype dtype, double value) {
  if (graph == NULL || graph->status != BP_OK) return bp_zero_of(graph);
  if (!bp_dtype_is_real(dtype))
    return bp_place_forget(graph),
           bp_graph_fail(graph, BP_E_DTYPE, "scalar: element type %s, expected float32 or float64",
                         bp_dtype_name(dtype));
  return bp_node_append_alike(graph, (bp_node){.op = BP_OP_scalar, .dtype = (uint8_t)dtype, .attr.scalar = value},
                              0); /* shape 0: rank 0 */
}

/* ---- looking at a variable ---- */
static bool known(bp_var v) { return v.graph != NULL && v.id < v.graph->size; }

bp_dtype bp_var_dtype(bp_var var) { return known(var) ? bp_dtype_of(var) : BP_F32; }
int bp_var_rank(bp_var var) { return known(var) ? bp_shape_of(var)->rank : 0; }

int64_t bp_var_dim(bp_var var, int axis) {
  int rank = bp_var_rank(var);
  if (axis < 0) axis += rank;
  return axis >= 0 && axis < rank ? bp_shape_of(var)->dims[axis] : 0;
}

const char *bp_var_name(bp_var var) {
  if (!known(var) || bp_node_of(var)->name == 0) return "";
  return var.graph->names[bp_node_of(var)->name - 1];
}

void bp_var_set_name(bp_var var, const char *name) {
  if (!known(var) || var.id == 0 || var.graph->status != BP_OK) return;
  bp_graph *g = var.graph;
  const char *copy = bp_arena_string(&g->arena, name, NULL);
  if (copy == NULL ||
      bp_grow(g->ctx, (void **)&g->names, &g->names_capacity, g->n_names + 1, sizeof *g->names) != BP_OK) {
    (void)bp_graph_fail(g, BP_E_NOMEM, "out of memory for the name of a variable");
    return;
  }
  g->names[g->n_names++] = copy;
  g->nodes[var.id].name = (uint32_t)g->n_names;
}

const char *bp_var_op(bp_var var) { return known(var) ? bp_op_table[bp_op_of(var)].name : "?"; }
bool bp_var_is_zero(bp_var var) { return var.id == 0; }

const char *bp_var_shape_text(bp_var var, char *text, size_t size) {
  bp_shape none = {.rank = 0};
  return bp_shape_text(known(var) ? bp_shape_of(var) : &none, text, size);
}

bool bp_var_constant(bp_var x, double *value) {
  while (bp_op_of(x) == BP_OP_broadcast || bp_op_of(x) == BP_OP_reshape) x.id = bp_node_of(x)->arg[0];
  if (bp_op_of(x) != BP_OP_scalar) return false;
  *value = bp_node_of(x)->attr.scalar;
  return true;
}
