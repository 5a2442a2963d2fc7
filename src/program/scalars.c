/* scalars.c - finds regions of numbers: computations written element by element. Floor: program.
 *
 * A region is a set of nodes of one element, of elements read from arrays, and of arrays put together from elements, such that
 * no way leads out of it and back in. It becomes one instruction, whose code (scalar_code.c) runs without a call for each
 * node. Regions are levels: a node is in the region behind all arrays that it needs, which need earlier regions at most.
 * The list is put in the order of levels, each region behind the arrays of its level. Small regions are left alone: numbers
 * in front of large loops are better fused with these.
 */
#include "base/fail.h"
#include "graph/assembly.h"
#include "program/ir.h"

/* Nodes of a region that is worth it, and how much larger than its pieces an array may be that is put together in one. */
enum { REGION_LEAST = 32, ARRAY_MOST = 1024, ARRAY_TIMES = 16 };

typedef struct finder {
  ir *c;
  bp_dtype dtype;
  uint32_t *
      value; /* by node of one element: the node that has it; behind a slice: the slice, unless it is known what that reads */
  uint32_t *source; /* by slice of one element: the array that it reads */
  int64_t *place;   /* and which element */
  int32_t *level;
  uint8_t *inside; /* may be in a region */
  uint8_t *live;
  uint32_t *map, *count; /* by node: its number in the new list; by level: nodes of the region */
} finder;

static bool is_one(const ir_node *n) { return !bp_shape_has_batch(&n->shape) && bp_shape_elements(&n->shape, 1) == 1; }

/* ---- what a node of one element is ---- */
/* Follows slices and reshapes of a slice of one element to the array that has it. */
static uint32_t find_source(const ir *c, uint32_t id, int64_t *place) {
  int64_t e = 0; /* the element of node id */
  for (;;) {
    const ir_node *n = &c->nodes[id];
    if (n->node.op == BP_OP_reshape) {
      id = n->node.arg[0];
      continue;
    }
    if (n->node.op != BP_OP_slice || bp_shape_has_batch(&c->nodes[n->node.arg[0]].shape)) break;
    const bp_shape *to = &n->shape, *from = &c->nodes[n->node.arg[0]].shape;
    int64_t inner = 1, axis = n->node.axis;
    for (int i = (int)axis + 1; i < to->rank; i++) inner *= to->dims[i];
    int64_t k = e / inner % to->dims[axis], outer = e / inner / to->dims[axis];
    k = bp_span_start(n->node.attr.bits) + k * bp_span_step(n->node.attr.bits);
    e = (outer * from->dims[axis] + k) * inner + e % inner;
    id = n->node.arg[0];
  }
  *place = e;
  return id;
}

static bool is_scalar_operation(const ir_node *n) { return bp_op_table[n->node.op].kernel != BP_EW_NONE && is_one(n); }

/* The argument of a concatenation of elements that has element `place`. */
static uint32_t element_of_concat(const finder *f, uint32_t id, int64_t place) {
  const ir_node *n = &f->c->nodes[id];
  return n->node.op == BP_OP_concat && f->inside[id] && place < ir_arity(n) ? f->value[ir_arg(f->c, n, (int)place)] : 0;
}

static void find_value(finder *f, uint32_t id) {
  const ir *c = f->c;
  const ir_node *n = &c->nodes[id];
  f->value[id] = id;
  if (!is_one(n)) return;
  if (n->node.op == BP_OP_reshape || ir_is_view(n)) {
    if (is_one(&c->nodes[n->node.arg[0]])) f->value[id] = f->value[n->node.arg[0]];
  } else if (n->node.op == BP_OP_slice) {
    int64_t place;
    uint32_t from = find_source(c, id, &place), element = element_of_concat(f, from, place);
    if (is_one(&c->nodes[from])) element = f->value[from];
    if (ir_is_view(&c->nodes[from])) return;
    if (element != 0) f->value[id] = element;
    f->source[id] = from;
    f->place[id] = place;
  }
}

/* ---- which nodes may be inside ---- */
static bool may_be_inside(const finder *f, uint32_t id) {
  const ir *c = f->c;
  const ir_node *n = &c->nodes[id];
  if (n->node.dtype != f->dtype || n->state >= 0 || n->packed || n->strided) return false;
  if (n->node.op == BP_OP_slice) return is_one(n) && f->source[id] != 0;
  bool array = n->node.op == BP_OP_concat || n->node.op == BP_OP_assemble;
  if (array ? bp_shape_has_batch(&n->shape) : !is_scalar_operation(n)) return false;
  if (array && bp_shape_elements(&n->shape, 1) > ARRAY_MOST + ARRAY_TIMES * (int64_t)ir_arity(n)) return false;
  for (int a = 0; a < ir_arity(n); a++) {
    const ir_node *arg = &c->nodes[ir_arg(c, n, a)];
    if (!is_one(arg) || arg->node.dtype != f->dtype) return false;
  }
  return true;
}

/* What a node of a region needs through argument a. */
static uint32_t needed_by(const finder *f, uint32_t id, int a) {
  const ir_node *n = &f->c->nodes[id];
  if (!f->inside[id]) return ir_arg(f->c, n, a);
  return n->node.op == BP_OP_slice ? f->source[id] : f->value[ir_arg(f->c, n, a)];
}

static void find_levels(finder *f) {
  const ir *c = f->c;
  for (uint32_t id = 1; id < c->size; id++) {
    int32_t level = 0;
    for (int a = 0; a < ir_arity(&c->nodes[id]); a++) {
      uint32_t arg = needed_by(f, id, a);
      int32_t at = f->level[arg] + (f->inside[arg] && !f->inside[id] ? 1 : 0);
      level = at > level ? at : level;
    }
    f->level[id] = level;
  }
}

/* False when no region is worth it. */
static bool find_regions(finder *f) {
  const ir *c = f->c;
  bool any = false;
  find_levels(f);
  for (uint32_t id = 1; id < c->size; id++)
    if (f->inside[id]) f->count[f->level[id]] += is_scalar_operation(&c->nodes[id]);
  for (uint32_t id = 1; id < c->size; id++) {
    if (f->inside[id] && f->count[f->level[id]] < REGION_LEAST) f->inside[id] = 0;
    any = any || f->inside[id];
  }
  if (any) find_levels(f);
  return any;
}

/* ---- the new list ---- */
static void point_to_values(finder *f) {
  ir *c = f->c;
  for (uint32_t id = 1; id < c->size; id++)
    for (int a = 0; f->inside[id] && a < ir_arity(&c->nodes[id]); a++)
      ir_set_arg(c, &c->nodes[id], a, needed_by(f, id, a));
  for (uint32_t id = (uint32_t)c->size; id-- > 1;) {
    const ir_node *n = &c->nodes[id];
    if (n->output >= 0 || n->state >= 0 || n->input >= 0) f->live[id] = 1;
    for (int a = 0; f->live[id] && a < ir_arity(n); a++) f->live[ir_arg(c, n, a)] = 1;
  }
}

static int32_t rank_of(const finder *f, uint32_t id) { return 2 * f->level[id] + f->inside[id]; }

/* Numbers by rank, and in the old order within one: a counting sort. */
static bp_status number_nodes(finder *f, size_t *size) {
  const ir *c = f->c;
  size_t ranks = 2;
  for (uint32_t id = 1; id < c->size; id++)
    if ((size_t)rank_of(f, id) + 2 > ranks) ranks = (size_t)rank_of(f, id) + 2;
  uint32_t *begin = bp_calloc(c->ctx, ranks, sizeof *begin);
  if (begin == NULL) return BP_E_NOMEM;
  for (uint32_t id = 1; id < c->size; id++)
    if (f->live[id]) begin[rank_of(f, id) + 1]++;
  for (size_t r = 1; r < ranks; r++) begin[r] += begin[r - 1];
  *size = (size_t)begin[ranks - 1] + 1;
  for (uint32_t id = 1; id < c->size; id++)
    if (f->live[id]) f->map[id] = 1 + begin[rank_of(f, id)]++;
  bp_release(c->allocator, begin, ranks, sizeof *begin);
  return BP_OK;
}

static bp_status reorder(finder *f) {
  ir *c = f->c;
  ir_node *nodes;
  size_t size;
  point_to_values(f);
  BP_TRY(number_nodes(f, &size));
  nodes = bp_alloc(c->ctx, size, sizeof *nodes);
  if (nodes == NULL) return BP_E_NOMEM;
  nodes[0] = c->nodes[0];
  for (uint32_t id = 1; id < c->size; id++) {
    if (!f->live[id]) continue;
    ir_node *n = &nodes[f->map[id]];
    for (int a = 0; a < ir_arity(&c->nodes[id]); a++)
      ir_set_arg(c, &c->nodes[id], a, f->map[ir_arg(c, &c->nodes[id], a)]);
    *n = c->nodes[id];
    n->region = f->inside[id] ? f->level[id] + 1 : 0;
    if (n->region != 0 && n->node.op == BP_OP_slice) n->node.attr.bits = (uint64_t)f->place[id];
  }
  for (size_t i = 0; i < c->n_inputs; i++) c->input_node[i] = f->map[c->input_node[i]];
  bp_release(c->allocator, c->nodes, c->capacity, sizeof *c->nodes);
  c->nodes = nodes;
  c->size = c->capacity = size;
  return BP_OK;
}

/* Whether there are enough numbers for a region at all; the element type that most of them have. */
static bool worth_looking(const ir *c, bp_dtype *dtype) {
  size_t n32 = 0, n64 = 0;
  for (size_t id = 1; id < c->size; id++) {
    if (!is_scalar_operation(&c->nodes[id])) continue;
    n32 += c->nodes[id].node.dtype == BP_F32;
    n64 += c->nodes[id].node.dtype == BP_F64;
  }
  *dtype = n64 >= n32 ? BP_F64 : BP_F32;
  return n32 >= REGION_LEAST || n64 >= REGION_LEAST;
}

bp_status ir_find_scalars(ir *c) {
  finder f = {.c = c};
  bp_status status = BP_OK;
  size_t n = c->size;
  if (c->no_fusion || !worth_looking(c, &f.dtype)) return BP_OK;
  uint32_t *numbers = bp_calloc(c->ctx, 4 * n, sizeof *numbers);
  uint8_t *flags = bp_calloc(c->ctx, 2 * n, 1);
  f.place = bp_calloc(c->ctx, n, sizeof *f.place);
  f.level = bp_calloc(c->ctx, n, sizeof *f.level);
  if (numbers == NULL || flags == NULL || f.place == NULL || f.level == NULL) {
    status = BP_E_NOMEM;
  } else {
    f.value = numbers, f.source = numbers + n, f.map = numbers + 2 * n, f.count = numbers + 3 * n;
    f.inside = flags, f.live = flags + n;
    for (uint32_t id = 1; id < n; id++) {
      find_value(&f, id);
      f.inside[id] = may_be_inside(&f, id);
    }
    if (find_regions(&f)) status = reorder(&f);
  }
  bp_release(c->allocator, numbers, 4 * n, sizeof *numbers);
  bp_release(c->allocator, flags, 2 * n, 1);
  bp_release(c->allocator, f.place, n, sizeof *f.place);
  bp_release(c->allocator, f.level, n, sizeof *f.level);
  return status;
}
