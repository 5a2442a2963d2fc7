/* lifted_rules.c - linear operations on k derivatives at once: [k, s] where the ordinary rule has s. Floor: autodiff.
 *
 * The leading axis is folded into the rows of a matrix product, and every other operation keeps it in front.
 */
#include <stddef.h>

#include "autodiff/directions.h"
#include "graph/builders.h"

/* ---- shapes ---- */
bp_shape bp_lifted_shape(int64_t k, const bp_shape *s) {
  bp_shape to = {.rank = s->rank + 1, .dims = {k}};
  for (int i = 0; i < s->rank && i + 1 < BP_MAX_RANK; i++) to.dims[i + 1] = s->dims[i];
  return to;
}

static int64_t directions_of(bp_var lifted) { return bp_shape_of(lifted)->dims[0]; }

bp_var bp_lifted_reshape(bp_var lifted, const bp_shape *s) {
  if (lifted.id == 0) return lifted;
  bp_shape to = bp_lifted_shape(directions_of(lifted), s);
  return bp_reshape(lifted, to.rank, to.dims);
}

static bp_var swap_axes(bp_var v, int a, int b) {
  int perm[BP_MAX_RANK];
  if (v.id == 0) return v;
  for (int i = 0; i < bp_shape_of(v)->rank; i++) perm[i] = i == a ? b : i == b ? a : i;
  return bp_transpose(v, perm);
}

/* ---- matrix products ---- */
/* Each [r, c] of x [k, r, c] times op(b): the directions are more rows of one product. */
static bp_var rows_times(bp_var x, bp_var b, bool transpose_b) {
  bp_shape s = *bp_shape_of(x);
  bp_var flat = bp_matmul_t(bp_reshape(x, 2, (int64_t[]){s.dims[0] * s.dims[1], s.dims[2]}), false, b, transpose_b);
  return flat.id == 0 ? flat : bp_reshape(flat, 3, (int64_t[]){s.dims[0], s.dims[1], bp_shape_of(flat)->dims[1]});
}

/* Y = op(A) op(B) along A: A_dot op(B). Along B: (B_dotᵀ op(A)ᵀ)ᵀ. */
static bp_var matmul_lifted(const bp_call *c, int i, bp_var t) {
  bool ta = (c->bits & BP_MATMUL_TA) != 0, tb = (c->bits & BP_MATMUL_TB) != 0;
  if (i == 0) return rows_times(ta ? swap_axes(t, 1, 2) : t, c->x[1], tb);
  return swap_axes(rows_times(tb ? t : swap_axes(t, 1, 2), c->x[0], !ta), 1, 2);
}

/* op(A)_bar = Y_bar op(B)ᵀ; op(B)_bar = (Y_barᵀ op(A))ᵀ. */
static bp_var matmul_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  bool ta = (c->bits & BP_MATMUL_TA) != 0, tb = (c->bits & BP_MATMUL_TB) != 0;
  if (i == 0) {
    bp_var a_bar = rows_times(y_bar, c->x[1], !tb);
    return ta ? swap_axes(a_bar, 1, 2) : a_bar;
  }
  bp_var b_bar = rows_times(swap_axes(y_bar, 1, 2), c->x[0], ta);
  return tb ? b_bar : swap_axes(b_bar, 1, 2);
}

/* ---- reductions and shapes ---- */
static bp_var sum_lifted(const bp_call *c, int i, bp_var t) {
  (void)i;
  return bp_sum(t, (unsigned)c->bits << 1);
}

static bp_var sum_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape to = bp_lifted_shape(directions_of(y_bar), bp_shape_of(c->x[i]));
  return bp_broadcast_like(bp_unreduce(y_bar, &to, (unsigned)c->bits << 1), &to);
}

/* The shape of the argument of a broadcast with its missing axes as sizes of 1. */
static bp_shape aligned_shape(const bp_shape *from, int rank) {
  bp_shape s = {.rank = rank};
  for (int k = 0; k < rank; k++) s.dims[k] = k < rank - from->rank ? 1 : from->dims[k - (rank - from->rank)];
  return s;
}

static bp_var broadcast_lifted(const bp_call *c, int i, bp_var t) {
  bp_shape aligned = aligned_shape(bp_shape_of(c->x[i]), bp_shape_of(c->y)->rank);
  bp_shape to = bp_lifted_shape(directions_of(t), bp_shape_of(c->y));
  return bp_broadcast_like(bp_lifted_reshape(t, &aligned), &to);
}

static bp_var broadcast_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape from = *bp_shape_of(c->x[i]), to = *bp_shape_of(c->y), aligned = aligned_shape(&from, to.rank);
  unsigned axes = 0;
  for (int k = 0; k < to.rank; k++)
    if (k < to.rank - from.rank || aligned.dims[k] != to.dims[k]) axes |= BP_AXIS(k + 1);
  return bp_lifted_reshape(bp_sum(y_bar, axes), &from);
}

static bp_var reshape_lifted(const bp_call *c, int i, bp_var t) {
  (void)i;
  return bp_lifted_reshape(t, bp_shape_of(c->y));
}

static bp_var reshape_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  return bp_lifted_reshape(y_bar, bp_shape_of(c->x[i]));
}

static bp_var transpose_lifted(const bp_call *c, int i, bp_var t) {
  int perm[BP_MAX_RANK] = {0};
  (void)i;
  for (int k = 0; k < bp_shape_of(c->y)->rank; k++) perm[k + 1] = (int)((c->bits >> (4 * k)) & 15u) + 1;
  return bp_transpose(t, perm);
}

static bp_var transpose_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  int inverse[BP_MAX_RANK] = {0};
  (void)i;
  for (int k = 0; k < bp_shape_of(c->y)->rank; k++) inverse[((c->bits >> (4 * k)) & 15u) + 1] = k + 1;
  return bp_transpose(y_bar, inverse);
}

static bp_var cast_lifted(const bp_call *c, int i, bp_var t) {
  (void)i;
  return bp_cast(t, bp_dtype_of(c->y));
}

static bp_var cast_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  return bp_cast(y_bar, bp_dtype_of(c->x[i]));
}

/* ---- parts and places: the same node one axis further back ---- */
static bp_var slice_lifted(const bp_call *c, int i, bp_var t) {
  bp_shape to = bp_lifted_shape(directions_of(t), bp_shape_of(c->y));
  (void)i;
  return bp_append1(bp_op_of(c->y), t, &to, c->axis + 1, c->bits);
}

static bp_var slice_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape to = bp_lifted_shape(directions_of(y_bar), bp_shape_of(c->x[i]));
  return bp_append1(bp_op_of(c->y) == BP_OP_slice ? BP_OP_place : BP_OP_slice, y_bar, &to, c->axis + 1, c->bits);
}

/* Of the last two axes, which stay the last two; its own transpose. */
static bp_var triangle_lifted(const bp_call *c, int i, bp_var t) {
  bp_shape to = *bp_shape_of(t);
  (void)i;
  return bp_append1(BP_OP_triangle, t, &to, 0, c->bits);
}

static bp_var cumsum_lifted(const bp_call *c, int i, bp_var t) {
  bp_shape to = *bp_shape_of(t);
  (void)i;
  return bp_append1(BP_OP_cumsum, t, &to, c->axis + 1, c->bits);
}

static bp_var cumsum_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape to = *bp_shape_of(y_bar);
  (void)i;
  return bp_append1(BP_OP_cumsum, y_bar, &to, c->axis + 1, c->bits ^ 1u);
}

/* ---- rows by number: the rows come to the front for the operation ---- */
static bp_var gather_lifted(const bp_call *c, int i, bp_var t) {
  (void)i;
  return swap_axes(bp_gather(swap_axes(t, 0, 1), c->x[1], bp_dtype_of(c->y)), 0, 1);
}

static bp_var gather_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_var table_bar = bp_scatter_add(swap_axes(y_bar, 0, 1), c->x[1], bp_shape_of(c->x[i])->dims[0]);
  return bp_cast(swap_axes(table_bar, 0, 1), bp_dtype_of(c->x[i]));
}

static bp_var scatter_add_lifted(const bp_call *c, int i, bp_var t) {
  (void)i;
  return swap_axes(bp_scatter_add(swap_axes(t, 0, 1), c->x[1], bp_shape_of(c->y)->dims[0]), 0, 1);
}

static bp_var scatter_add_lifted_transpose(const bp_call *c, int i, bp_var y_bar) {
  return swap_axes(bp_gather(swap_axes(y_bar, 0, 1), c->x[1], bp_dtype_of(c->x[i])), 0, 1);
}

static const struct {
  bp_lifted_fn linear, transpose;
} lifted_table[BP_OP_COUNT] = {
    [BP_OP_matmul] = {matmul_lifted, matmul_lifted_transpose},
    [BP_OP_sum] = {sum_lifted, sum_lifted_transpose},
    [BP_OP_broadcast] = {broadcast_lifted, broadcast_lifted_transpose},
    [BP_OP_reshape] = {reshape_lifted, reshape_lifted_transpose},
    [BP_OP_transpose] = {transpose_lifted, transpose_lifted_transpose},
    [BP_OP_cast] = {cast_lifted, cast_lifted_transpose},
    [BP_OP_slice] = {slice_lifted, slice_lifted_transpose},
    [BP_OP_place] = {slice_lifted, slice_lifted_transpose},
    [BP_OP_triangle] = {triangle_lifted, triangle_lifted},
    [BP_OP_cumsum] = {cumsum_lifted, cumsum_lifted_transpose},
    [BP_OP_gather] = {gather_lifted, gather_lifted_transpose},
    [BP_OP_scatter_add] = {scatter_add_lifted, scatter_add_lifted_transpose},
};

bp_lifted_fn bp_lifted_linear(bp_op op) { return lifted_table[op].linear; }
bp_lifted_fn bp_lifted_transpose(bp_op op) { return lifted_table[op].transpose; }

bool bp_lifts_itself(bp_op op) {
  return op == BP_OP_where || op == BP_OP_concat || op == BP_OP_assemble || op == BP_OP_reduce_max ||
         op == BP_OP_reduce_min || op == BP_OP_norm || op == BP_OP_logsumexp || op == BP_OP_softmax_cross_entropy;
}
