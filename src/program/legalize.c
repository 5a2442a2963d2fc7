/* legalize.c - rebuilds the list so that every operand can be read as it is. Floor: program.
 *
 *  - A matrix product with a transposed right side reads a transposed copy, made once per run (and shared); one with a wide
 *    right side a packed copy, in the order in which its tiles need it.
 *  - A view or a splat that is read by anything but an elementwise node, or a view that needs strides, is materialised.
 *  - An assignment becomes a copy that is written to the state: elementwise, so that it can join what computes the value.
 */
#include "base/fail.h"
#include "program/ir.h"

typedef struct legalizer {
  ir *c;
  ir_node *old;
  size_t n_old;
  uint32_t *map;        /* old number → new number */
  uint32_t *transposed; /* old number → its transposed copy, 0 none yet */
  uint32_t *packed[2];  /* old number → its packed copy, as it is and transposed, 0 none yet */
  uint32_t *stored;     /* old number → its materialised copy, 0 none yet */
} legalizer;

static uint32_t append_op(ir *c, bp_op op, bp_dtype dtype, uint32_t arg, const bp_shape *shape) {
  ir_node n = {.node = {.op = (uint16_t)op, .dtype = (uint8_t)dtype, .arg = {arg}},
               .shape = *shape,
               .input = -1,
               .output = -1,
               .state = -1,
               .instruction = -1,
               .live = true,
               .buffer = -1};
  return ir_append(c, &n);
}

static bool is_view(const ir *c, uint32_t id) {
  uint32_t m = ir_memory_node(c, id);
  return c->nodes[m].node.op == BP_OP_scalar || ir_is_view(&c->nodes[m]);
}

static bp_status materialise(legalizer *l, uint32_t old, uint32_t *out);

/* Elementwise copy of a splat or a view, or the strided copy when the view has no simple form. */
static bp_status copy_view(legalizer *l, uint32_t old) {
  const ir_node *n = &l->old[old];
  ir_access a = ir_access_of(l->c, l->map[old], &n->shape);
  bool real = bp_dtype_is_real((bp_dtype)n->node.dtype), view = ir_is_view(&l->c->nodes[l->map[old]]);
  bool strided = a.read == IR_READ_NONE || (view && !real);
  bp_op op = strided ? BP_OP_broadcast : real ? BP_OP_stop_gradient : BP_OP_cast;
  uint32_t arg = l->map[old];
  if (strided && view) {
    arg = l->c->nodes[arg].node.arg[0];
    if (is_view(l->c, arg)) BP_TRY(materialise(l, n->node.arg[0], &arg)); /* a view of a reshaped view */
  }
  l->stored[old] = append_op(l->c, op, (bp_dtype)n->node.dtype, arg, &n->shape);
  if (l->stored[old] == 0) return BP_E_NOMEM;
  l->c->nodes[l->stored[old]].strided = strided;
  return BP_OK;
}

/* A node that owns the values of a splat, a view, or a reshape of one. */
static bp_status materialise(legalizer *l, uint32_t old, uint32_t *out) {
  const ir_node *n = &l->old[old];
  if (l->stored[old] == 0 && n->node.op == BP_OP_reshape) {
    uint32_t arg;
    BP_TRY(materialise(l, n->node.arg[0], &arg));
    l->stored[old] = append_op(l->c, BP_OP_reshape, (bp_dtype)n->node.dtype, arg, &n->shape);
    if (l->stored[old] == 0) return BP_E_NOMEM;
  }
  if (l->stored[old] == 0) BP_TRY(copy_view(l, old));
  *out = l->stored[old];
  return BP_OK;
}

static bp_status operand(legalizer *l, const ir_node *reader, int a, uint32_t *out) {
  uint32_t old = ir_arg(l->c, reader, a);
  *out = l->map[old];
  /* a reshape or a view of memory needs none of its own; of a view that no composition took in, it does */
  if (reader->node.op == BP_OP_reshape || reader->node.op == BP_OP_broadcast)
    return is_view(l->c, *out) ? materialise(l, old, out) : BP_OK;
  if (ir_is_elementwise(reader)) {
    /* tables, row numbers and integers are not spread over registers */
    bool raw = reader->node.op == BP_OP_gather || reader->node.op == BP_OP_one_hot ||
               !bp_dtype_is_real((bp_dtype)l->c->nodes[*out].node.dtype);
    ir_access how = ir_access_of(l->c, *out, &reader->shape);
    if (how.read != IR_READ_NONE && !(raw && is_view(l->c, *out))) return BP_OK;
    return materialise(l, old, out);
  }
  return is_view(l->c, *out) ? materialise(l, old, out) : BP_OK;
}

static bp_status transpose_operand(legalizer *l, uint32_t old, uint32_t arg, uint32_t *out) {
  if (l->transposed[old] == 0) {
    bp_shape s = l->c->nodes[arg].shape;
    int64_t rows = s.dims[0];
    s.dims[0] = s.dims[1];
    s.dims[1] = rows;
    l->transposed[old] = append_op(l->c, BP_OP_transpose, (bp_dtype)l->c->nodes[arg].node.dtype, arg, &s);
    if (l->transposed[old] == 0) return BP_E_NOMEM;
    l->c->nodes[l->transposed[old]].node.attr.bits = 1; /* order 1 0 */
  }
  *out = l->transposed[old];
  return BP_OK;
}

/* A right side that does not change with the rows is worth a copy as soon as there are a few rows. */
enum { TRANSPOSE_ELEMENTS = 256 }; /* the product copies less than that by itself */

static bool wants_transpose(const ir_node *n, const ir_node *old_nodes) {
  if (n->node.op != BP_OP_matmul || (n->node.attr.bits & BP_MATMUL_TB) == 0) return false;
  const bp_shape *b = &old_nodes[n->node.arg[1]].shape;
  return b->dims[0] * b->dims[1] >= TRANSPOSE_ELEMENTS && (n->shape.dims[0] < 0 || n->shape.dims[0] >= 8);
}

/* Rows of a product, and bytes of a row of its right side, from which packing that pays: below, it is read in place. */
enum { PACK_ROWS = 32, PACK_ROW_BYTES = 1024 };

static bool wants_packing(const ir *c, const ir_node *n, const ir_node *old_nodes) {
  if (n->node.op != BP_OP_matmul || c->no_fusion) return false;
  const bp_shape *b = &old_nodes[n->node.arg[1]].shape;
  int64_t rows = n->shape.dims[0] < 0 ? c->max_batch : n->shape.dims[0],
          size = (int64_t)bp_dtype_size((bp_dtype)n->node.dtype);
  return !bp_shape_has_batch(b) && rows >= PACK_ROWS && b->dims[0] >= PACK_ROWS &&
         n->shape.dims[1] * size >= PACK_ROW_BYTES;
}

static bp_status pack_operand(legalizer *l, const ir_node *reader, uint32_t old, uint32_t arg, uint32_t *out) {
  bool transposed = (reader->node.attr.bits & BP_MATMUL_TB) != 0;
  uint32_t *packed = &l->packed[transposed][old];
  if (*packed == 0) {
    bp_shape s = l->c->nodes[arg].shape;
    *packed = append_op(l->c, BP_OP_transpose, (bp_dtype)l->c->nodes[arg].node.dtype, arg, &s);
    if (*packed == 0) return BP_E_NOMEM;
    l->c->nodes[*packed].packed = true;
    l->c->nodes[*packed].node.attr.bits = transposed ? BP_MATMUL_TB : 0;
  }
  *out = *packed;
  return BP_OK;
}

static bp_status legalize_store(legalizer *l, const ir_node *old) {
  uint32_t value = l->map[old->node.arg[1]];
  uint32_t source = ir_memory_node(l->c, value);
  bool real = bp_dtype_is_real((bp_dtype)old->node.dtype);
  bp_op op = real ? BP_OP_stop_gradient : BP_OP_cast;
  /* A value that is itself a state may be overwritten before it is read: keep it first. */
  if (l->c->nodes[source].node.op == BP_OP_input || is_view(l->c, value))
    BP_TRY(materialise(l, old->node.arg[1], &value));
  uint32_t id = append_op(l->c, op, (bp_dtype)old->node.dtype, value, &old->shape);
  if (id == 0) return BP_E_NOMEM;
  l->c->nodes[id].state = old->state;
  return BP_OK;
}

static bp_status legalize_node(legalizer *l, uint32_t id) {
  ir_node n = l->old[id];
  if (!n.live && n.input < 0) return BP_OK;
  if (n.node.op == BP_OP_assign) return legalize_store(l, &n);
  BP_TRY(ir_reserve_args(l->c, &n));
  for (int a = 0; a < ir_arity(&n); a++) {
    uint32_t old = ir_arg(l->c, &l->old[id], a);
    uint32_t arg;
    BP_TRY(operand(l, &l->old[id], a, &arg));
    if (a == 1 && wants_packing(l->c, &l->old[id], l->old)) {
      BP_TRY(pack_operand(l, &l->old[id], old, arg, &arg));
    } else if (a == 1 && wants_transpose(&l->old[id], l->old)) {
      BP_TRY(transpose_operand(l, old, arg, &arg));
      n.node.attr.bits &= ~(uint64_t)BP_MATMUL_TB;
    }
    ir_set_arg(l->c, &n, a, arg);
  }
  l->map[id] = ir_append(l->c, &n);
  if (l->map[id] == 0) return BP_E_NOMEM;
  if (n.input >= 0) l->c->input_node[n.input] = l->map[id];
  return BP_OK;
}

bp_status ir_legalize(ir *c) {
  bp_status status = BP_OK;
  size_t n = c->size, old_capacity = c->capacity;
  legalizer l = {.c = c, .old = c->nodes, .n_old = n};
  c->nodes = NULL;
  c->size = c->capacity = 0;
  l.map = bp_calloc(c->ctx, n, sizeof *l.map);
  l.transposed = bp_calloc(c->ctx, n, sizeof *l.transposed);
  l.stored = bp_calloc(c->ctx, n, sizeof *l.stored);
  for (int i = 0; i < 2; i++) l.packed[i] = bp_calloc(c->ctx, n, sizeof *l.packed[i]);
  if (l.map == NULL || l.transposed == NULL || l.stored == NULL || l.packed[0] == NULL || l.packed[1] == NULL ||
      bp_grow(c->ctx, (void **)&c->nodes, &c->capacity, n, sizeof *c->nodes) != BP_OK) {
    status = BP_E_NOMEM;
    goto done;
  }
  c->nodes[0] = l.old[0];
  c->size = 1;
  for (uint32_t id = 1; id < n; id++) BP_TRY_DONE(legalize_node(&l, id));
done:
  bp_release(c->allocator, l.map, n, sizeof *l.map);
  bp_release(c->allocator, l.transposed, n, sizeof *l.transposed);
  bp_release(c->allocator, l.stored, n, sizeof *l.stored);
  for (int i = 0; i < 2; i++) bp_release(c->allocator, l.packed[i], n, sizeof *l.packed[i]);
  bp_release(c->allocator, l.old, old_capacity, sizeof *l.old);
  return status;
}
