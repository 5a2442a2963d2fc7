/* custom_rules.c - operations with a JVP and a VJP body of their own. Floor: autodiff. */
#include <stddef.h>

#include "autodiff/rules.h"
#include "base/fail.h"

/* ---- where(c, a, b): selects, never multiplies, so the branch not taken cannot hand on a NaN ---- */
static bp_var or_zero(bp_var v, bp_var like) { return v.id != 0 ? v : bp_number(like, 0); }

static bp_var where_jvp(const bp_call *c, const bp_var *x_dot) {
  if (x_dot[1].id == 0 && x_dot[2].id == 0) return bp_zero_of(c->y.graph);
  return bp_where(c->x[0], or_zero(x_dot[1], c->y), or_zero(x_dot[2], c->y));
}

static bp_var where_vjp(const bp_call *c, int i, bp_var y_bar) {
  bp_var zero = bp_number(c->y, 0);
  if (i == 0) return bp_zero_of(c->y.graph);
  return i == 1 ? bp_where(c->x[0], y_bar, zero) : bp_where(c->x[0], zero, y_bar);
}

/* The cotangent of a row, spread over the gradient of its elements. */
static bp_var scaled(const bp_call *c, bp_var y_bar, bp_var gradient) {
  return c->masked ? bp_times_masked(y_bar, gradient) : bp_mul(y_bar, gradient);
}

/* ---- largest and smallest: elements that tie share equally ---- */
static bp_var extreme_share(const bp_call *c) {
  bp_var tied = bp_equal(c->x[0], bp_unreduce(c->y, bp_shape_of(c->x[0]), (unsigned)c->bits));
  bp_var count = bp_sum(tied, (unsigned)c->bits);
  return bp_div(tied, bp_unreduce(count, bp_shape_of(c->x[0]), (unsigned)c->bits));
}

static bp_var extreme_jvp(const bp_call *c, const bp_var *x_dot) {
  if (x_dot[0].id == 0) return x_dot[0];
  return bp_sum(bp_mul(x_dot[0], extreme_share(c)), (unsigned)c->bits);
}

static bp_var extreme_vjp(const bp_call *c, int i, bp_var y_bar) {
  (void)i;
  return scaled(c, bp_unreduce(y_bar, bp_shape_of(c->x[0]), (unsigned)c->bits), extreme_share(c));
}

/* ---- logsumexp: its gradient is the softmax ---- */
static bp_var logsumexp_jvp(const bp_call *c, const bp_var *x_dot) {
  if (x_dot[0].id == 0) return x_dot[0];
  return bp_sum(bp_mul(bp_softmax(c->x[0]), x_dot[0]), BP_LAST_AXIS);
}

static bp_var logsumexp_vjp(const bp_call *c, int i, bp_var y_bar) {
  (void)i;
  return scaled(c, bp_expand(y_bar, -1), bp_softmax(c->x[0]));
}

/* ---- softmax cross entropy: softmax(z) - one_hot(class) ---- */
static bp_var error_signal(const bp_call *c) {
  bp_var z = c->x[0];
  return bp_sub(bp_softmax(z), bp_one_hot(c->x[1], bp_shape_of(z)->dims[1], bp_dtype_of(z)));
}

static bp_var softmax_cross_entropy_jvp(const bp_call *c, const bp_var *x_dot) {
  if (x_dot[0].id == 0) return x_dot[0];
  return bp_sum(bp_mul(error_signal(c), x_dot[0]), BP_LAST_AXIS);
}

static bp_var softmax_cross_entropy_vjp(const bp_call *c, int i, bp_var y_bar) {
  (void)i;
  return scaled(c, bp_expand(y_bar, -1), error_signal(c));
}

/* ---- norm: its gradient is the direction x / |x|, and 0 at 0 ---- */
static bp_var norm_direction(const bp_call *c) {
  bp_var zero = bp_number(c->y, 0), is_zero = bp_equal(c->y, zero);
  bp_var safe = bp_where(is_zero, bp_number(c->y, 1), c->y);
  const bp_shape *s = bp_shape_of(c->x[0]);
  bp_var ratio = bp_div(c->x[0], bp_unreduce(safe, s, (unsigned)c->bits));
  return bp_where(bp_unreduce(is_zero, bp_shape_of(c->x[0]), (unsigned)c->bits), zero, ratio);
}

static bp_var norm_jvp(const bp_call *c, const bp_var *x_dot) {
  if (x_dot[0].id == 0) return x_dot[0];
  return bp_sum(bp_mul(norm_direction(c), x_dot[0]), (unsigned)c->bits);
}

static bp_var norm_vjp(const bp_call *c, int i, bp_var y_bar) {
  (void)i;
  return scaled(c, bp_unreduce(y_bar, bp_shape_of(c->x[0]), (unsigned)c->bits), norm_direction(c));
}

/* ---- concat: parts side by side, and back ---- */
static bp_var concat_jvp(const bp_call *c, const bp_var *x_dot) {
  bp_graph *g = c->y.graph;
  size_t n = (size_t)c->arity;
  bool any = false;
  for (size_t i = 0; i < n; i++) any |= x_dot[i].id != 0;
  bp_var *parts = any ? bp_alloc(g->ctx, n, sizeof *parts) : NULL, sum = bp_zero_of(g);
  if (!any) return sum;
  if (parts == NULL) return bp_graph_fail(g, BP_E_NOMEM, "out of memory for the derivative of concat");
  for (size_t i = 0; i < n; i++) {
    bp_var x = bp_call_arg(c, (int)i);
    parts[i] = x_dot[i].id != 0 ? x_dot[i] : bp_full(g, bp_dtype_of(x), bp_shape_of(x), 0);
  }
  if (g->status == BP_OK) sum = bp_concat(parts, n, c->axis);
  bp_release(bp_context_allocator(g->ctx), parts, n, sizeof *parts);
  return sum;
}

static bp_var concat_vjp(const bp_call *c, int i, bp_var y_bar) {
  int64_t begin = 0;
  for (int k = 0; k < i; k++) begin += bp_shape_of(bp_call_arg(c, k))->dims[c->axis];
  return bp_slice(y_bar, c->axis, begin, begin + bp_shape_of(bp_call_arg(c, i))->dims[c->axis], 1);
}

static const struct {
  bp_custom_jvp_fn jvp;
  bp_transpose_fn vjp;
} custom_table[BP_OP_COUNT] = {
    [BP_OP_where] = {where_jvp, where_vjp},
    [BP_OP_reduce_max] = {extreme_jvp, extreme_vjp},
    [BP_OP_reduce_min] = {extreme_jvp, extreme_vjp},
    [BP_OP_norm] = {norm_jvp, norm_vjp},
    [BP_OP_concat] = {concat_jvp, concat_vjp},
    [BP_OP_cholesky] = {bp_cholesky_jvp, bp_cholesky_vjp},
    [BP_OP_solve_triangular] = {bp_solve_triangular_jvp, bp_solve_triangular_vjp},
    [BP_OP_solve] = {bp_solve_jvp, bp_solve_vjp},
    [BP_OP_logdet] = {bp_logdet_jvp, bp_logdet_vjp},
    [BP_OP_custom] = {bp_custom_op_jvp, bp_custom_op_vjp},
    [BP_OP_custom_vjp] = {bp_custom_vjp_jvp, bp_custom_vjp_vjp},
    [BP_OP_logsumexp] = {logsumexp_jvp, logsumexp_vjp},
    [BP_OP_softmax_cross_entropy] = {softmax_cross_entropy_jvp, softmax_cross_entropy_vjp},
};

bp_custom_jvp_fn bp_custom_jvp(bp_op op) { return custom_table[op].jvp; }
bp_transpose_fn bp_custom_vjp(bp_op op) { return custom_table[op].vjp; }
