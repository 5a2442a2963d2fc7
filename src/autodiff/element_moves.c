/* element_moves.c - where elements come from that an operation only moves, and which operations keep rows apart. Floor: autodiff. */
#include "autodiff/element_moves.h"

#include "graph/custom_node.h"

/* ---- moved elements ---- */
static const bp_shape *shape_of(const bp_call *c, int i) { return bp_shape_of(bp_call_arg(c, i)); }

/* The index of element e of a shape; its leading size is not needed. */
static void index_of(const bp_shape *s, int64_t e, int64_t *index) {
  for (int k = s->rank - 1; k > 0; k--) index[k] = e % s->dims[k], e /= s->dims[k];
  if (s->rank > 0) index[0] = e;
}

static int64_t element_of(const bp_shape *s, const int64_t *index) {
  int64_t e = 0;
  for (int k = 0; k < s->rank; k++) e = e * (k > 0 ? s->dims[k] : 1) + index[k];
  return e;
}

typedef bool (*source_fn)(const bp_call *c, int64_t *index, int *arg, int64_t *from);

static bool broadcast_source(const bp_call *c, int64_t *index, int *arg, int64_t *from) {
  const bp_shape *s = shape_of(c, 0);
  int shift = bp_shape_of(c->y)->rank - s->rank;
  (void)arg;
  for (int k = 0; k < s->rank; k++) index[k] = s->dims[k] == 1 ? 0 : index[k + shift];
  *from = element_of(s, index);
  return true;
}

static bool transpose_source(const bp_call *c, int64_t *index, int *arg, int64_t *from) {
  int64_t moved[BP_MAX_RANK] = {0};
  (void)arg;
  for (int k = 0; k < bp_shape_of(c->y)->rank; k++) moved[(c->bits >> (4 * k)) & 15u] = index[k];
  *from = element_of(shape_of(c, 0), moved);
  return true;
}

static bool slice_source(const bp_call *c, int64_t *index, int *arg, int64_t *from) {
  (void)arg;
  index[c->axis] = bp_span_start(c->bits) + index[c->axis] * bp_span_step(c->bits);
  *from = element_of(shape_of(c, 0), index);
  return true;
}

static bool place_source(const bp_call *c, int64_t *index, int *arg, int64_t *from) {
  int64_t offset = index[c->axis] - bp_span_start(c->bits), step = bp_span_step(c->bits);
  (void)arg;
  if (offset % step != 0 || offset / step < 0 || offset / step >= shape_of(c, 0)->dims[c->axis]) return false;
  index[c->axis] = offset / step;
  *from = element_of(shape_of(c, 0), index);
  return true;
}

static bool concat_source(const bp_call *c, int64_t *index, int *arg, int64_t *from) {
  int a = 0;
  for (; index[c->axis] >= shape_of(c, a)->dims[c->axis]; a++) index[c->axis] -= shape_of(c, a)->dims[c->axis];
  *arg = a;
  *from = element_of(shape_of(c, a), index);
  return true;
}

/* Numbers out of range are found before a program runs: until then they are nobody's. */
static bool gather_source(const bp_call *c, int64_t *index, int *arg, int64_t *from) {
  const int32_t *rows = bp_node_of(c->x[1])->attr.data;
  (void)arg;
  index[0] = rows[index[0]];
  if (index[0] < 0 || index[0] >= shape_of(c, 0)->dims[0]) return false;
  *from = element_of(shape_of(c, 0), index);
  return true;
}

static const source_fn source_table[BP_OP_COUNT] = {
    [BP_OP_broadcast] = broadcast_source, [BP_OP_transpose] = transpose_source, [BP_OP_slice] = slice_source,
    [BP_OP_place] = place_source,         [BP_OP_concat] = concat_source,       [BP_OP_gather] = gather_source,
};

bool bp_moves_elements(const bp_call *c) {
  bp_op op = bp_op_of(c->y);
  if (op == BP_OP_gather)
    return bp_op_of(c->x[1]) == BP_OP_constant && bp_dtype_of(c->x[0]) == bp_dtype_of(c->y) &&
           !bp_shape_has_batch(shape_of(c, 0));
  return op == BP_OP_reshape || source_table[op] != NULL;
}

bool bp_element_source(const bp_call *c, int64_t e, int *arg, int64_t *from) {
  int64_t index[BP_MAX_RANK + 1] = {0};
  *arg = 0;
  *from = e; /* what a reshape does */
  if (source_table[bp_op_of(c->y)] == NULL) return true;
  index_of(bp_shape_of(c->y), e, index);
  return source_table[bp_op_of(c->y)](c, index, arg, from);
}

/* ---- row by row ---- */
static bool stacked(const bp_call *c) {
  for (int i = 0; i < c->arity; i++)
    if (shape_of(c, i)->rank < 3) return false;
  return true;
}

bool bp_row_by_row(const bp_call *c, int i) {
  const bp_shape *from = shape_of(c, i), *to = bp_shape_of(c->y);
  bp_op op = bp_op_of(c->y);
  if (from->rank == 0 || to->rank == 0 || from->dims[0] != to->dims[0]) return false;
  if (bp_op_table[op].op_class == BP_CLASS_ELEMENTWISE) return true;
  switch (op) {
  case BP_OP_where:
  case BP_OP_cast:
  case BP_OP_reshape: return true;
  case BP_OP_broadcast: return from->rank == to->rank;
  case BP_OP_transpose: return (c->bits & 15u) == 0;
  case BP_OP_matmul: return i == 0 && (c->bits & BP_MATMUL_TA) == 0;
  case BP_OP_matmul_stack: return from->rank > 2 && from->rank == to->rank;
  case BP_OP_sum:
  case BP_OP_reduce_max:
  case BP_OP_reduce_min:
  case BP_OP_norm: return (c->bits & BP_AXIS(0)) == 0;
  case BP_OP_logsumexp:
  case BP_OP_softmax_cross_entropy: return from->rank > 1;
  case BP_OP_slice:
  case BP_OP_place:
  case BP_OP_concat:
  case BP_OP_cumsum: return c->axis > 0;
  case BP_OP_triangle: return to->rank > 2;
  case BP_OP_cholesky:
  case BP_OP_solve_triangular:
  case BP_OP_solve:
  case BP_OP_logdet: return stacked(c);
  case BP_OP_custom:
  case BP_OP_custom_vjp: return bp_custom_by_rows(bp_node_of(c->y), i);
  default: return false;
  }
}
