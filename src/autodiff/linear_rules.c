/* linear_rules.c - operations that are linear in an argument: the operation on a tangent, and its transpose. Floor:
 * autodiff.
 */
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

/* Sums over the axes that were repeated. */
static bp_var broadcast_transpose(const bp_call *c, int i, bp_var y_bar) {
  bp_shape from = *bp_shape_of(c->x[i]), to = *bp_shape_of(c->y);
  int shift = to.rank - from.rank;
  unsigned axes = 0;
  for (int k = 0; k < to.rank; k++)
    if (k < shift || from.dims[k - shift] != to.dims[k]) axes |= BP_AXIS(k);
  return bp_reshape(bp_sum(y_bar, axes), from.rank, from.dims);
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

/* ---- the operations on a tangent ---- */
static bp_var matmul_linear(const bp_call *c, int i, bp_var t) {
  bool ta = (c->bits & BP_MATMUL_TA) != 0, tb = (c->bits & BP_MATMUL_TB) != 0;
  return i == 0 ? bp_matmul_t(t, ta, c->x[1], tb) : bp_matmul_t(c->x[0], ta, t, tb);
}

static bp_var sum_linear(const bp_call *c, int i, bp_var t) {
  (void)i;
  return bp_sum(t, (unsigned)c->bits);
}

static bp_var broadcast_linear(const bp_call *c, int i, bp_var t) {
  bp_shape to = *bp_shape_of(c->y);
  (void)i;
  return bp_broadcast_like(t, &to);
}

static bp_var reshape_linear(const bp_call *c, int i, bp_var t) {
  bp_shape to = *bp_shape_of(c->y);
  (void)i;
  return bp_reshape(t, to.rank, to.dims);
}

static bp_var transpose_linear(const bp_call *c, int i, bp_var t) {
  int perm[BP_MAX_RANK] = {0};
  (void)i;
  for (int k = 0; k < bp_shape_of(c->y)->rank; k++) perm[k] = (int)((c->bits >> (4 * k)) & 15u);
  return bp_transpose(t, perm);
}

static bp_var cast_linear(const bp_call *c, int i, bp_var t) {
  (void)i;
  return bp_cast(t, bp_dtype_of(c->y));
}

static bp_var gather_linear(const bp_call *c, int i, bp_var t) {
  (void)i;
  return bp_gather(t, c->x[1], bp_dtype_of(c->y));
}

static bp_var scatter_add_linear(const bp_call *c, int i, bp_var t) {
  (void)i;
  return bp_scatter_add(t, c->x[1], bp_shape_of(c->y)->dims[0]);
}

static const struct {
  bp_linear_fn linear;
  bp_transpose_fn transpose;
} linear_table[BP_OP_COUNT] = {
#define RULE(name) [BP_OP_##name] = {name##_linear, name##_transpose}
    RULE(matmul),    RULE(sum),  RULE(broadcast), RULE(reshape),
    RULE(transpose), RULE(cast), RULE(gather),    RULE(scatter_add),
};

bp_linear_fn bp_linear_rule(bp_op op) { return linear_table[op].linear; }
bp_transpose_fn bp_transpose_rule(bp_op op) { return linear_table[op].transpose; }
