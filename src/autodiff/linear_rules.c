/* linear_rules.c - operations that are linear in an argument: the operation on a tangent, and its transpose. Floor: autodiff. */
#include <stddef.h>

#include "autodiff/rules.h"

/* ---- transposes ---- */
/* Y = op(A) op(B): with A as it is, A_bar = Y_bar op(B)ᵀ, else A_bar = op(B) Y_barᵀ; and the same from the right. */
static bp_var matmul_transpose(const bp_call *c, int i, bp_var y_bar) {
  bool ta = (c->bits & BP_MATMUL_TA) != 0, tb = (c->bits & BP_MATMUL_TB) != 0;
  bp_var a = c->x[0], b = c->x[1];
  if (i == 0) return ta ? bp_matmul_t(b, tb, y_bar, true) : bp_matmul_t(y_bar, false, b, !tb);
  return tb ? bp_matmul_t(y_bar, true, a, ta) : bp_matmul_t(a, !ta, y_bar, false);
}

static bp_var sum_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape to = *bp_shape_of(c->x[i]);
  return bp_broadcast_like(bp_unreduce(y_bar, &to, (unsigned)c->bits), &to);
}

/* Σ -x as -Σ x: the negative of a large array is not made only to be added up. */
static bp_var sum_over(bp_var x, unsigned axes) {
  if (axes == 0 || bp_op_of(x) != BP_OP_neg) return bp_sum(x, axes);
  x.id = bp_node_of(x)->arg[0];
  return bp_neg(bp_sum(x, axes));
}

/* Sums over the axes that were repeated. */
static bp_var broadcast_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape from = *bp_shape_of(c->x[i]), to = *bp_shape_of(c->y);
  int shift = to.rank - from.rank;
  unsigned axes = 0;
  for (int k = 0; k < to.rank; k++)
    if (k < shift || from.dims[k - shift] != to.dims[k]) axes |= BP_AXIS(k);
  return bp_reshape(sum_over(y_bar, axes), from.rank, from.dims);
}

static bp_var reshape_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape to = *bp_shape_of(c->x[i]);
  return bp_reshape(y_bar, to.rank, to.dims);
}

static bp_var transpose_transpose(const bp_call *c, int i, bp_var y_bar) {
  int inverse[BP_MAX_RANK] = {0};
  (void)i;
  for (int k = 0; k < bp_shape_of(c->y)->rank; k++) inverse[(c->bits >> (4 * k)) & 15u] = k;
  return bp_transpose(y_bar, inverse);
}

static bp_var cast_transpose(const bp_call *c, int i, bp_var y_bar) { return bp_cast(y_bar, bp_dtype_of(c->x[i])); }

static bp_var gather_transpose(const bp_call *c, int i, bp_var y_bar) {
  return bp_cast(bp_scatter_add(y_bar, c->x[1], bp_shape_of(c->x[i])->dims[0]), bp_dtype_of(c->x[i]));
}

static bp_var scatter_add_transpose(const bp_call *c, int i, bp_var y_bar) {
  return bp_gather(y_bar, c->x[1], bp_dtype_of(c->x[i]));
}

static bp_var slice_transpose(const bp_call *c, int i, bp_var y_bar) {
  return bp_place(y_bar, c->axis, bp_shape_of(c->x[i])->dims[c->axis], c->bits);
}

/* Elements start, start + step, … for as many as there were. */
static bp_var place_transpose(const bp_call *c, int i, bp_var y_bar) {
  int64_t n = bp_shape_of(c->x[i])->dims[c->axis], start = bp_span_start(c->bits), step = bp_span_step(c->bits);
  int64_t stop = start + n * step; /* below 0 when it runs down to the first */
  return bp_slice(y_bar, c->axis, start, stop < 0 ? -BP_END : stop, step);
}

static bp_var triangle_transpose(const bp_call *c, int i, bp_var y_bar) {
  int diagonal = (int)bp_triangle_diagonal(c->bits);
  (void)i;
  return bp_triangle_upper(c->bits) ? bp_triu(y_bar, diagonal) : bp_tril(y_bar, diagonal);
}

static bp_var cumsum_transpose(const bp_call *c, int i, bp_var y_bar) {
  (void)i;
  return bp_running_sum(y_bar, c->axis, c->bits == 0);
}

/* As a product of matrices; a side that was used for the whole stack takes the sum over it. */
static bp_var matmul_stack_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_var part = matmul_transpose(c, i, y_bar);
  int extra = bp_shape_of(c->y)->rank - bp_shape_of(c->x[i])->rank;
  return extra > 0 && part.id != 0 ? bp_sum(part, BP_AXIS(extra) - 1u) : part;
}

/* ---- the operation on a tangent: itself, with the tangent in the place of argument i ---- */
static bp_var linear(const bp_call *c, int i, bp_var t) {
  bp_node node = *bp_node_of(c->y);
  bp_shape to = *bp_shape_of(c->y);
  node.arg[i] = t.id;
  node.name = 0;
  return bp_node_append(t.graph, node, &to);
}

#define RULE(name) [BP_OP_##name] = name##_transpose
static const bp_transpose_fn transpose_table[BP_OP_COUNT] = {
    RULE(matmul), RULE(sum),         RULE(broadcast), RULE(reshape),  RULE(transpose), RULE(cast),         RULE(gather),
    RULE(slice),  RULE(scatter_add), RULE(place),     RULE(triangle), RULE(cumsum),    RULE(matmul_stack),
};

bp_linear_fn bp_linear_rule(bp_op op) { return transpose_table[op] != NULL ? linear : NULL; }
bp_transpose_fn bp_transpose_rule(bp_op op) { return transpose_table[op]; }
