/* lower.c - copies the nodes that the outputs need out of a graph; what nothing needs stays behind. Floor: program. */
#include <inttypes.h>

#include "base/fail.h"
#include "graph/assembly.h"
#include "graph/custom_node.h"
#include "program/ir.h"

void ir_release(ir *c) {
  for (size_t i = 0; i < c->n_instructions; i++)
    bp_release(c->allocator, c->instructions[i].body, c->instructions[i].body_capacity, sizeof(uint32_t));
  bp_release(c->allocator, c->instructions, c->instructions_capacity, sizeof *c->instructions);
  bp_release(c->allocator, c->edges, c->edges_capacity, sizeof *c->edges);
  bp_release(c->allocator, c->nodes, c->capacity, sizeof *c->nodes);
  bp_release(c->allocator, c->args, c->args_capacity, sizeof *c->args);
  bp_release(c->allocator, c->input_node, c->n_inputs, sizeof *c->input_node);
}

uint32_t ir_append(ir *c, const ir_node *node) {
  ir_node copy = *node; /* it may point into c->nodes, which can move */
  if (c->size >= INT32_MAX || bp_grow(c->ctx, (void **)&c->nodes, &c->capacity, c->size + 1, sizeof *c->nodes) != BP_OK)
    return 0;
  c->nodes[c->size] = copy;
  return (uint32_t)c->size++;
}

bp_status ir_reserve_args(ir *c, ir_node *node) {
  if (bp_op_table[node->node.op].arity != BP_NARY) return BP_OK;
  size_t n = node->node.arg[1];
  if (c->n_args > INT32_MAX - n) return bp_fail(c->ctx, BP_E_LIMIT, "compile: more than %d arguments", INT32_MAX);
  BP_TRY(bp_grow(c->ctx, (void **)&c->args, &c->args_capacity, c->n_args + n, sizeof *c->args));
  node->node.arg[0] = (uint32_t)c->n_args;
  c->n_args += n;
  return BP_OK;
}

static ir_node blank(const bp_node *node, const bp_shape *shape) {
  return (ir_node){.node = *node,
                   .shape = *shape,
                   .input = -1,
                   .output = -1,
                   .state = -1,
                   .instruction = -1,
                   .live = true,
                   .buffer = -1};
}

static bp_status check_vars(const bp_graph *g, const char *what, const bp_var *v, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (v[i].graph != g)
      return bp_fail(g->ctx, BP_E_ARG, "compile: %s %zu %s", what, i,
                     v[i].graph == NULL ? "is the null variable" : "belongs to another graph");
    if (v[i].id == 0 || v[i].id >= g->size)
      return bp_fail(g->ctx, BP_E_ARG, "compile: %s %zu is %s", what, i,
                     v[i].id == 0 ? "the symbolic zero" : "no variable of this graph");
  }
  return BP_OK;
}

/* Inputs come first among the nodes, so that they are there even when nothing reads them. */
static bp_status lower_inputs(ir *c, const bp_graph *g, const bp_var *inputs, uint32_t *map) {
  for (size_t i = 0; i < c->n_inputs; i++) {
    const bp_node *node = &g->nodes[inputs[i].id];
    if (node->op != BP_OP_input)
      return bp_fail(c->ctx, BP_E_ARG, "compile: input %zu is the result of %s, expected a bp_input()", i,
                     bp_op_table[node->op].name);
    if (map[inputs[i].id] != 0) return bp_fail(c->ctx, BP_E_ARG, "compile: input %zu is given twice", i);
    ir_node n = blank(node, &g->shapes[node->shape]);
    n.input = (int32_t)i;
    c->input_node[i] = map[inputs[i].id] = ir_append(c, &n);
    if (c->input_node[i] == 0) return BP_E_NOMEM;
  }
  return BP_OK;
}

static bp_status lower_node(ir *c, const bp_graph *g, uint32_t id, uint32_t *map) {
  const bp_node *node = &g->nodes[id];
  if (node->op == BP_OP_input)
    return bp_fail(c->ctx, BP_E_INPUT, "compile: input '%s' (%%%" PRIu32 ") is needed but was not given",
                   node->name != 0 ? g->names[node->name - 1] : "", id);
  ir_node n = blank(node, &g->shapes[node->shape]);
  BP_TRY(ir_reserve_args(c, &n));
  for (int a = 0; a < bp_node_arity(node); a++) ir_set_arg(c, &n, a, map[bp_node_args(g, node)[a]]);
  if (node->op == BP_OP_axis_size) { /* only the shape matters: what the batch is multiplied by */
    double k = 1;
    for (int i = 1; i < BP_MAX_RANK; i++)
      if ((node->attr.bits & BP_AXIS(i)) != 0) k *= (double)g->shapes[g->nodes[node->arg[0]].shape].dims[i];
    n.node.attr.scalar = k;
    n.node.arg[0] = 0;
  }
  map[id] = ir_append(c, &n);
  return map[id] != 0 ? BP_OK : BP_E_NOMEM;
}

/* assigned: by input, whether an output before this one stores to it. */
static bp_status lower_assign(ir *c, size_t output, ir_node *n, uint8_t *assigned) {
  int32_t state = c->nodes[n->node.arg[0]].input;
  if (n->state >= 0 || assigned[state])
    return bp_fail(c->ctx, BP_E_ARG, "compile: output %zu assigns a state a second time", output);
  assigned[state] = 1;
  n->state = state;
  return BP_OK;
}

/* Every output gets a node of its own to be written by, behind reshapes: a copy when it is something else already. */
static bp_status lower_output(ir *c, size_t output, uint32_t id, uint8_t *assigned) {
  ir_node *n = &c->nodes[id], *memory = &c->nodes[ir_memory_node(c, id)];
  if (n->node.op == BP_OP_assign) return lower_assign(c, output, n, assigned);
  if (memory->node.op != BP_OP_assign && !ir_is_virtual(memory) && memory->output < 0) {
    memory->output = (int32_t)output;
    return BP_OK;
  }
  ir_node copy = blank(&n->node, &n->shape);
  bool real = bp_dtype_is_real((bp_dtype)n->node.dtype);
  copy.node = (bp_node){.op = real ? BP_OP_stop_gradient : BP_OP_cast, .dtype = n->node.dtype, .arg = {id}};
  copy.output = (int32_t)output;
  return ir_append(c, &copy) != 0 ? BP_OK : BP_E_NOMEM;
}

static bp_status lower_outputs(ir *c, const bp_var *outputs, const uint32_t *map) {
  uint8_t *assigned = bp_calloc(c->ctx, c->n_inputs, 1);
  if (assigned == NULL) return BP_E_NOMEM;
  bp_status status = BP_OK;
  for (size_t i = 0; i < c->n_outputs && status == BP_OK; i++)
    status = lower_output(c, i, map[outputs[i].id], assigned);
  bp_release(c->allocator, assigned, c->n_inputs, 1);
  return status;
}

bp_status ir_lower(ir *c, const bp_var *outputs, size_t n_outputs, const bp_var *inputs, size_t n_inputs) {
  const bp_graph *g = bp_graph_of_two(outputs, n_outputs, inputs, n_inputs);
  uint32_t last = 0;
  BP_TRY(check_vars(g, "output", outputs, n_outputs));
  BP_TRY(check_vars(g, "input", inputs, n_inputs));
  c->n_outputs = n_outputs;
  c->input_node = bp_calloc(c->ctx, n_inputs, sizeof *c->input_node);
  if (c->input_node == NULL) return BP_E_NOMEM;
  c->n_inputs = n_inputs;
  for (size_t i = 0; i < n_outputs; i++) last = outputs[i].id > last ? outputs[i].id : last;
  size_t size = g->size;
  bp_status status = BP_OK;
  uint32_t *map = bp_calloc(c->ctx, size, sizeof *map);
  uint8_t *needed = bp_calloc(c->ctx, size, 1);
  ir_node none = {.input = -1, .output = -1, .state = -1, .instruction = -1, .buffer = -1};
  if (map == NULL || needed == NULL) status = BP_E_NOMEM;
  if (status == BP_OK && bp_grow(c->ctx, (void **)&c->nodes, &c->capacity, 1, sizeof *c->nodes) != BP_OK)
    status = BP_E_NOMEM;
  if (status != BP_OK) goto done;
  c->nodes[0] = none;
  c->size = 1;
  for (size_t i = 0; i < n_outputs; i++) needed[outputs[i].id] = 1;
  for (uint32_t id = last; id >= 1; id--)
    for (int a = 0; needed[id] && g->nodes[id].op != BP_OP_axis_size && a < bp_node_arity(&g->nodes[id]); a++)
      needed[bp_node_args(g, &g->nodes[id])[a]] = 1;
  BP_TRY_DONE(lower_inputs(c, g, inputs, map));
  for (uint32_t id = 1; id <= last; id++)
    if (needed[id] && map[id] == 0) BP_TRY_DONE(lower_node(c, g, id, map));
  status = lower_outputs(c, outputs, map);
done:
  bp_release(c->allocator, map, size, sizeof *map);
  bp_release(c->allocator, needed, size, 1);
  return status;
}

/* ---- asked by several passes ---- */
bool ir_is_elementwise(const ir_node *n) {
  return bp_op_table[n->node.op].kernel != BP_EW_NONE || n->node.op == BP_OP_cast || n->node.op == BP_OP_gather ||
         n->node.op == BP_OP_one_hot;
}

bool ir_is_virtual(const ir_node *n) {
  return n->node.op == BP_OP_input || n->node.op == BP_OP_constant || n->node.op == BP_OP_scalar ||
         n->node.op == BP_OP_reshape || ir_is_view(n);
}

uint32_t ir_memory_node(const ir *c, uint32_t id) {
  while (c->nodes[id].node.op == BP_OP_reshape) id = c->nodes[id].node.arg[0];
  return id;
}

ir_access ir_access_of(const ir *c, uint32_t id, const bp_shape *shape) {
  const ir_node *n = &c->nodes[id];
  ir_access a = {.source = id};
  if (n->node.op == BP_OP_scalar) return a.read = IR_READ_SPLAT, a;
  if (ir_is_view(n)) {
    uint32_t from = n->node.arg[0];
    if (!bp_shape_view(&c->nodes[from].shape, shape, &a.view)) return a.read = IR_READ_NONE, a;
    a.source = ir_memory_node(c, from);
    if (ir_is_view(&c->nodes[a.source])) return a.read = IR_READ_NONE, a;
    a.read = a.view.repeat == 1 && a.view.period == 0 ? IR_READ_FULL : IR_READ_VIEW;
    return a;
  }
  a.source = ir_memory_node(c, id);
  if (ir_is_view(&c->nodes[a.source])) return a.read = IR_READ_NONE, a;
  a.read = IR_READ_FULL;
  return a;
}

bool ir_rows_match(const bp_shape *a, const bp_shape *b) {
  return (a->rank == 0 ? 1 : a->dims[0]) == (b->rank == 0 ? 1 : b->dims[0]);
}

bool ir_same_space(const bp_shape *a, const bp_shape *b) {
  return ir_rows_match(a, b) && bp_shape_row(a) == bp_shape_row(b);
}

bool ir_is_whole(const ir_node *n) {
  if (n->region != 0) return true;
  switch (n->node.op) {
  case BP_OP_cumsum: return n->node.axis == 0;
  case BP_OP_cholesky:
  case BP_OP_solve_triangular:
  case BP_OP_solve: return n->shape.rank == 2;
  case BP_OP_custom:
  case BP_OP_custom_vjp: return !bp_custom_has_rows(&n->node);
  default: return false;
  }
}

/* Whether a piece has every row of what is assembled. */
static bool keeps_rows(const ir_node *n, int piece) {
  const bp_assembly *all = bp_assembly_of(&n->node);
  const bp_axis_span *spans = bp_piece_spans(all, (size_t)piece);
  for (uint32_t k = 0; k < all->pieces[piece].n_spans; k++)
    if (spans[k].axis == 0) return false;
  return true;
}

bool ir_same_rows(const ir *c, uint32_t id, int a) {
  const ir_node *n = &c->nodes[id];
  uint32_t arg = ir_arg(c, n, a);
  const bp_shape *from = &c->nodes[ir_memory_node(c, arg)].shape;
  if (n->packed || !ir_rows_match(from, &c->nodes[arg].shape)) return false;
  switch (n->node.op) {
  case BP_OP_matmul: return a == 0 && (n->node.attr.bits & BP_MATMUL_TA) == 0;
  case BP_OP_sum:
  case BP_OP_reduce_max:
  case BP_OP_reduce_min:
  case BP_OP_norm: return (n->node.attr.bits & BP_AXIS(0)) == 0;
  case BP_OP_logsumexp:
  case BP_OP_argmax: return c->nodes[arg].shape.rank > 1;
  case BP_OP_softmax_cross_entropy:
  case BP_OP_one_hot:
  case BP_OP_cast:
  case BP_OP_stop_gradient: return true;
  case BP_OP_gather: return a == 1;
  case BP_OP_slice:
  case BP_OP_place:
  case BP_OP_concat:
  case BP_OP_cumsum: return n->node.axis > 0;
  case BP_OP_triangle: return true;
  case BP_OP_assemble: return keeps_rows(n, a) && ir_rows_match(&c->nodes[arg].shape, &n->shape);
  case BP_OP_matmul_stack: return c->nodes[arg].shape.rank > 2;
  case BP_OP_cholesky:
  case BP_OP_solve_triangular:
  case BP_OP_solve:
  case BP_OP_logdet: /* of a stack, or of one matrix */ return n->shape.rank > 0 && c->nodes[arg].shape.rank > 2;
  case BP_OP_custom:
  case BP_OP_custom_vjp: return bp_custom_by_rows(&n->node, a);
  case BP_OP_reshape: return ir_rows_match(&n->shape, from);
  case BP_OP_transpose: return n->shape.rank > 0 && (n->node.attr.bits & 15u) == 0;
  default: return false;
  }
}
