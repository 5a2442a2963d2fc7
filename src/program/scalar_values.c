/* scalar_values.c - the values of a region of numbers, and which of them do not need each other. Floor: program.
 *
 * The nodes become values: constants, elements that are read, operations; an array is a list of the values of its elements.
 * A value's depth is one more than that of the deepest value it needs, but all of a chain (((a + b) + c) + d) ... have one depth when
 * no term needs the chain. So operations of one depth do not need each other.
 */
#include "base/fail.h"
#include "graph/assembly.h"
#include "program/scalar_make.h"

/* Terms from which a chain is a loop of its own. */
enum { CHAIN_LEAST = 12 };

/* ---- values ---- */
static bp_status add_value(scalar_maker *m, scalar_value v, uint32_t *number) {
  if (m->n_values >= INT32_MAX / 4) return bp_fail(m->c->ctx, BP_E_LIMIT, "compile: too many numbers in one region");
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->values, &m->values_capacity, m->n_values + 1, sizeof *m->values));
  *number = (uint32_t)m->n_values;
  v.chain = v.wanted = (int32_t)*number;
  m->values[m->n_values++] = v;
  return BP_OK;
}

int32_t *scalar_known(scalar_maker *m, uint32_t id) {
  encode_value *v = &m->e->values[id];
  if (v->stamp != m->e->instruction + 1) *v = (encode_value){.stamp = m->e->instruction + 1, .slot = -1};
  return &v->slot;
}

static bp_status load(scalar_maker *m, uint32_t from, int64_t place, uint32_t *number) {
  uint32_t buffer = (uint32_t)m->c->nodes[ir_memory_node(m->c, from)].buffer;
  return add_value(m, (scalar_value){.kernel = SCALAR_LOAD, .arg = {buffer}, .u.place = place}, number);
}

static bp_status operand(scalar_maker *m, uint32_t id, uint32_t *number) {
  int32_t *at = scalar_known(m, id);
  const ir_node *n = &m->c->nodes[id];
  if (*at < 0) {
    if (n->node.op == BP_OP_scalar)
      BP_TRY(add_value(m, (scalar_value){.kernel = SCALAR_CONSTANT, .u.number = n->node.attr.scalar}, number));
    else
      BP_TRY(load(m, id, 0, number));
    *at = (int32_t)*number;
  }
  *number = (uint32_t)*at;
  return BP_OK;
}

static bp_status slice(scalar_maker *m, const ir_node *n, uint32_t *number) {
  uint32_t from = n->node.arg[0];
  int64_t place = (int64_t)n->node.attr.bits;
  if (m->c->nodes[from].instruction != m->e->instruction) return load(m, from, place, number);
  *number = (uint32_t)*scalar_known(m, from);
  if (m->elements != NULL && scalar_is_array(&m->c->nodes[from])) *number = m->elements[*number + (uint32_t)place];
  return BP_OK;
}

static bp_status operation(scalar_maker *m, const ir_node *n, uint32_t *number) {
  scalar_value v = {.kernel = (int16_t)bp_op_table[n->node.op].kernel};
  int arity = ir_arity(n);
  for (int a = 0; a < arity; a++) BP_TRY(operand(m, ir_arg(m->c, n, a), &v.arg[a]));
  for (int a = arity; a < 3; a++) v.arg[a] = v.arg[0];
  *number = v.arg[0];
  return v.kernel == BP_EW_copy ? BP_OK : add_value(m, v, number);
}

/* ---- arrays ---- */
static bp_status room_for_array(scalar_maker *m, const ir_node *n, size_t *first) {
  size_t count = (size_t)bp_shape_elements(&n->shape, 1);
  *first = m->n_elements;
  BP_TRY(bp_grow(m->c->ctx, (void **)&m->elements, &m->elements_capacity, m->n_elements + count, sizeof *m->elements));
  m->n_elements += count;
  return BP_OK;
}

static int64_t place_of_piece(const ir_node *n, const bp_assembly *a, size_t piece) {
  const bp_axis_span *spans = bp_piece_spans(a, piece);
  int64_t place = 0, step = 1;
  for (int i = n->shape.rank - 1; i >= 0; step *= n->shape.dims[i], i--)
    for (uint32_t k = 0; k < a->pieces[piece].n_spans; k++)
      if (spans[k].axis == i) place += bp_span_start(spans[k].bits) * step;
  return place;
}

static bp_status assemble(scalar_maker *m, const ir_node *n, uint32_t *elements) {
  const bp_assembly *a = bp_assembly_of(&n->node);
  size_t first = (size_t)(elements - m->elements);
  uint32_t zero = 0, part = 0;
  BP_TRY(add_value(m, (scalar_value){.kernel = SCALAR_CONSTANT}, &zero));
  for (int64_t i = 0; i < bp_shape_elements(&n->shape, 1); i++) m->elements[first + (size_t)i] = zero;
  for (size_t i = 0; i < a->n_pieces; i++) {
    uint32_t *to = &m->elements[first + (size_t)place_of_piece(n, a, i)];
    BP_TRY(operand(m, ir_arg(m->c, n, (int)i), &part));
    if (a->pieces[i].adds) BP_TRY(add_value(m, (scalar_value){.kernel = BP_EW_add, .arg = {*to, part, *to}}, &part));
    *to = part;
  }
  return BP_OK;
}

bp_status scalar_add_node(scalar_maker *m, uint32_t id) {
  const ir_node *n = &m->c->nodes[id];
  uint32_t number = 0;
  size_t first = 0;
  if (scalar_is_array(n)) {
    BP_TRY(room_for_array(m, n, &first));
    for (int a = 0; n->node.op == BP_OP_concat && a < ir_arity(n); a++)
      BP_TRY(operand(m, ir_arg(m->c, n, a), &m->elements[first + (size_t)a]));
    if (n->node.op == BP_OP_assemble) BP_TRY(assemble(m, n, &m->elements[first]));
    number = (uint32_t)first;
  } else if (n->node.op == BP_OP_slice) {
    BP_TRY(slice(m, n, &number));
  } else {
    BP_TRY(operation(m, n, &number));
  }
  *scalar_known(m, id) = (int32_t)number;
  return BP_OK;
}

/* ---- depths and chains ---- */
/* Joins the chain of argument p, when its last value is that and the other argument does not need the chain. */
static bool join_chain(scalar_maker *m, scalar_value *v, int p, bool wanted) {
  scalar_value *before = &m->values[v->arg[p]];
  if (before->kernel != v->kernel || before->extended || v->arg[0] == v->arg[1]) return false;
  if (m->values[v->arg[1 - p]].depth >= before->depth || (wanted && before->wanted != v->wanted)) return false;
  before->extended = true;
  v->depth = before->depth;
  v->chain = before->chain;
  if (p == 1) scalar_swap(v);
  return true;
}

static void find_depths(scalar_maker *m, bool wanted) {
  for (size_t i = 0; i < m->n_values; i++) {
    scalar_value *v = &m->values[i];
    int32_t depth = 0;
    v->extended = false;
    v->depth = 0;
    v->chain = (int32_t)i;
    if (v->kernel < 0) continue;
    for (int a = 0; a < 3; a++)
      if (m->values[v->arg[a]].depth > depth) depth = m->values[v->arg[a]].depth;
    v->depth = depth + 1;
    if (!scalar_chains(v->kernel) || (wanted && v->wanted < 0)) continue;
    if (!join_chain(m, v, 0, wanted) && v->kernel != BP_EW_sub) (void)join_chain(m, v, 1, wanted);
  }
}

/* Chains that are long enough to be wanted, then depths with these alone. */
bp_status scalar_find_chains(scalar_maker *m) {
  int32_t *length = bp_calloc(m->c->ctx, m->n_values, sizeof *length);
  if (length == NULL) return BP_E_NOMEM;
  find_depths(m, false);
  for (size_t i = 0; i < m->n_values; i++) length[m->values[i].chain]++;
  for (size_t i = 0; i < m->n_values; i++) {
    scalar_value *v = &m->values[i];
    v->wanted = length[v->chain] >= CHAIN_LEAST ? v->chain : -1;
  }
  find_depths(m, true);
  bp_release(m->c->allocator, length, m->n_values, sizeof *length);
  return BP_OK;
}
