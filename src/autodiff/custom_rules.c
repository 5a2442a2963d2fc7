/* custom_rules.c - operations with a JVP and a VJP body of their own. Floor: autodiff. */
#include <stddef.h>

#include "autodiff/directions.h"
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

/* ---- reductions with a gradient: x_bar = y_bar g, y_dot = Σ x_dot g ---- */
/* Elements that tie share equally. */
static bp_var extreme_share(const bp_call *c) {
  bp_var tied = bp_equal(c->x[0], bp_spread(c, c->y));
  return bp_div(tied, bp_spread(c, bp_add_up(c, tied)));
}

/* x / |x|, and 0 at 0: there it has no derivative of its own, and gives NaN to second order. */
static bp_var norm_direction(const bp_call *c) { return bp_div_no_nan(c->x[0], bp_spread(c, c->y)); }

static bp_var row_softmax(const bp_call *c) { return bp_softmax(c->x[0]); }

/* softmax(z) - one_hot(class) */
static bp_var error_signal(const bp_call *c) {
  bp_var z = c->x[0];
  return bp_sub(bp_softmax(z), bp_one_hot(c->x[1], bp_shape_of(z)->dims[1], bp_dtype_of(z)));
}

static bp_var (*const gradient_table[BP_OP_COUNT])(const bp_call *) = {
    [BP_OP_reduce_max] = extreme_share, [BP_OP_reduce_min] = extreme_share,           [BP_OP_norm] = norm_direction,
    [BP_OP_logsumexp] = row_softmax,    [BP_OP_softmax_cross_entropy] = error_signal,
};

bool bp_has_gradient(bp_op op) { return gradient_table[op] != NULL; }
bp_var bp_reduction_gradient(const bp_call *c) { return gradient_table[bp_op_of(c->y)](c); }

/* The axes that y has no more, in a variable with `lead` axes before those of x[0]. */
static unsigned reduced_axes(const bp_call *c, int lead) {
  bp_op op = bp_op_of(c->y);
  bool last = op == BP_OP_logsumexp || op == BP_OP_softmax_cross_entropy;
  return (last ? BP_AXIS(bp_shape_of(c->x[0])->rank - 1) : (unsigned)c->bits) << lead;
}

bp_var bp_spread(const bp_call *c, bp_var v) {
  if (v.id == 0) return v;
  bp_shape to = *bp_shape_of(c->x[0]);
  int lead = bp_shape_of(v)->rank - bp_shape_of(c->y)->rank;
  if (lead > 0) to = bp_lifted_shape(bp_shape_of(v)->dims[0], &to);
  return bp_unreduce(v, &to, reduced_axes(c, lead));
}

bp_var bp_add_up(const bp_call *c, bp_var v) {
  if (v.id == 0) return v;
  return bp_sum(v, reduced_axes(c, bp_shape_of(v)->rank - bp_shape_of(c->x[0])->rank));
}

/* ---- concat: parts side by side, and back ---- */
/* The shape of a tangent or cotangent of v: that of v, with a leading axis where `like` has one more than its variable. */
static bp_shape shape_as(bp_var v, bp_var like, bp_var of) {
  const bp_shape *s = bp_shape_of(like);
  return s->rank > bp_shape_of(of)->rank ? bp_lifted_shape(s->dims[0], bp_shape_of(v)) : *bp_shape_of(v);
}

static bp_var concat_jvp(const bp_call *c, const bp_var *x_dot) {
  bp_graph *g = c->y.graph;
  size_t n = (size_t)c->arity, some = n;
  for (size_t i = 0; i < n; i++)
    if (x_dot[i].id != 0) some = i;
  if (some == n) return bp_zero_of(g);
  bp_var *parts = bp_alloc(g->ctx, n, sizeof *parts), sum = bp_zero_of(g), of = bp_call_arg(c, (int)some);
  if (parts == NULL) return bp_graph_fail(g, BP_E_NOMEM, "out of memory for the derivative of concat");
  for (size_t i = 0; i < n; i++) {
    bp_shape zeros = shape_as(bp_call_arg(c, (int)i), x_dot[some], of);
    parts[i] = x_dot[i].id != 0 ? x_dot[i] : bp_full(g, bp_dtype_of(c->y), &zeros, 0);
  }
  int lead = bp_shape_of(x_dot[some])->rank - bp_shape_of(of)->rank;
  if (g->status == BP_OK) sum = bp_concat(parts, n, c->axis + lead);
  bp_release(bp_context_allocator(g->ctx), parts, n, sizeof *parts);
  return sum;
}

/* Where argument i begins along the axis. */
static int64_t concat_begin(const bp_call *c, int i) {
  int64_t begin = c->bits != 0 ? (int64_t)c->bits * i : 0;
  for (int k = 0; c->bits == 0 && k < i; k++) begin += bp_shape_of(bp_call_arg(c, k))->dims[c->axis];
  return begin;
}

static bp_var concat_vjp(const bp_call *c, int i, bp_var y_bar) {
  int64_t begin = concat_begin(c, i);
  int lead = bp_shape_of(y_bar)->rank - bp_shape_of(c->y)->rank;
  return bp_slice(y_bar, c->axis + lead, begin, begin + bp_shape_of(bp_call_arg(c, i))->dims[c->axis], 1);
}

bp_var bp_triangle_read(const bp_call *c, int i, bp_var v) {
  bp_op op = bp_op_of(c->y);
  if (i != 0 || (op != BP_OP_cholesky && op != BP_OP_solve_triangular)) return bp_zero_of(v.graph);
  bp_var ones = bp_full(v.graph, bp_dtype_of(v), bp_shape_of(v), 1);
  return op == BP_OP_solve_triangular && (c->bits & BP_SOLVE_UPPER) != 0 ? bp_triu(ones, 0) : bp_tril(ones, 0);
}

static const struct {
  bp_custom_jvp_fn jvp;
  bp_transpose_fn vjp;
} custom_table[BP_OP_COUNT] = {
    [BP_OP_where] = {where_jvp, where_vjp},
    [BP_OP_concat] = {concat_jvp, concat_vjp},
    [BP_OP_assemble] = {bp_assemble_jvp, bp_assemble_vjp},
    [BP_OP_cholesky] = {bp_cholesky_jvp, bp_cholesky_vjp},
    [BP_OP_solve_triangular] = {bp_solve_triangular_jvp, bp_solve_triangular_vjp},
    [BP_OP_solve] = {bp_solve_jvp, bp_solve_vjp},
    [BP_OP_logdet] = {bp_logdet_jvp, bp_logdet_vjp},
    [BP_OP_custom] = {bp_custom_op_jvp, bp_custom_op_vjp},
    [BP_OP_custom_vjp] = {bp_custom_vjp_jvp, bp_custom_vjp_vjp},
};

bp_custom_jvp_fn bp_custom_jvp(bp_op op) { return custom_table[op].jvp; }
bp_transpose_fn bp_custom_vjp(bp_op op) { return custom_table[op].vjp; }
