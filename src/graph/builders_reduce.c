/* builders_reduce.c - operations that take axes away. Floor: graph. */
#include "graph/builders.h"

unsigned bp_axes_normal(unsigned axes, int rank) {
  if ((axes & BP_LAST_AXIS) != 0 && rank > 0) axes |= BP_AXIS(rank - 1);
  return axes & (BP_AXIS(rank) - 1u);
}

bp_shape bp_shape_reduced(const bp_shape *from, unsigned axes) {
  bp_shape to = {.rank = 0};
  for (int i = 0; i < from->rank; i++)
    if ((axes & BP_AXIS(i)) == 0) to.dims[to.rank++] = from->dims[i];
  return to;
}

/* The highest run of axes that stand side by side: one node reduces one run, so that it is a loop over [outer, reduce,
 * inner]; other axes take a node each. */
static unsigned last_run(unsigned axes, int rank) {
  int last = rank - 1;
  while ((axes & BP_AXIS(last)) == 0) last--;
  int first = last;
  while (first > 0 && (axes & BP_AXIS(first - 1)) != 0) first--;
  return (BP_AXIS(last + 1) - 1u) & ~(BP_AXIS(first) - 1u);
}

/* Brings the axes named side by side, in front if they hold the first one (a batch stays where it is), else behind: elements
 * that tie for an extreme share among all of them, not run by run. */
static bp_var adjoin_axes(bp_var x, unsigned *axes) {
  int rank = bp_shape_of(x)->rank, perm[BP_MAX_RANK], at = 0;
  bool front = (*axes & 1u) != 0;
  for (int part = 0; part < 2; part++)
    for (int i = 0; i < rank; i++)
      if (((*axes & BP_AXIS(i)) != 0) == (front == (part == 0))) perm[at++] = i;
  unsigned moved = 0;
  for (int i = 0; i < rank; i++)
    if ((*axes & BP_AXIS(perm[i])) != 0) moved |= BP_AXIS(i);
  *axes = moved;
  return bp_transpose(x, perm);
}

/* Drops those of the axes that have one element: nothing is to be done there. */
static bp_var drop_ones(bp_var x, unsigned *axes) {
  const bp_shape from = *bp_shape_of(x);
  unsigned ones = 0, left = 0;
  for (int i = 0, at = 0; i < from.rank; i++) {
    unsigned bit = *axes & BP_AXIS(i);
    if (bit != 0 && from.dims[i] == 1)
      ones |= bit;
    else
      left |= bit != 0 ? BP_AXIS(at) : 0, at++;
  }
  if (ones == 0) return x;
  *axes = left;
  bp_shape to = bp_shape_reduced(&from, ones);
  return (bp_reshape)(x, to.rank, to.dims);
}

static bp_var reduction(bp_op op, bp_var x, unsigned axes) {
  const char *name = bp_op_table[op].name;
  if (!bp_args_ok(name, 1, &x) || !bp_real_args(name, 1, &x)) return bp_zero_of(x.graph);
  axes = bp_axes_normal(axes, bp_shape_of(x)->rank);
  if (op != BP_OP_norm) x = drop_ones(x, &axes);
  if (x.id == 0) return x;
  if ((op == BP_OP_reduce_max || op == BP_OP_reduce_min) && axes != 0 && last_run(axes, bp_shape_of(x)->rank) != axes)
    x = adjoin_axes(x, &axes);
  while (axes != 0 && x.graph->status == BP_OK) {
    unsigned run = last_run(axes, bp_shape_of(x)->rank);
    bp_shape to = bp_shape_reduced(bp_shape_of(x), run);
    x = bp_append1(op, x, &to, 0, run);
    axes &= ~run;
  }
  return x;
}

bp_var bp_sum(bp_var x, unsigned axes) { return reduction(BP_OP_sum, x, axes); }
bp_var bp_reduce_max(bp_var x, unsigned axes) { return reduction(BP_OP_reduce_max, x, axes); }
bp_var bp_reduce_min(bp_var x, unsigned axes) { return reduction(BP_OP_reduce_min, x, axes); }
bp_var bp_norm(bp_var x, unsigned axes) {
  if (!bp_args_ok("norm", 1, &x)) return bp_zero_of(x.graph);
  return bp_axes_normal(axes, bp_shape_of(x)->rank) != 0 ? reduction(BP_OP_norm, x, axes) : bp_abs(x);
}

/* One axis: halves are multiplied together until one factor is left, so that derivatives never divide. */
static bp_var prod_axis(bp_var x, int axis) {
  while (x.graph->status == BP_OK && bp_shape_of(x)->dims[axis] != 1) {
    int64_t n = bp_shape_of(x)->dims[axis], half = n / 2;
    if (n == 0) {
      x = (bp_pad)(x, axis, 0, 1, 1);
      continue;
    }
    bp_var both = (bp_mul)((bp_slice)(x, axis, 0, half, 1), (bp_slice)(x, axis, half, 2 * half, 1));
    x = n % 2 == 0 ? both : bp_concat((bp_var[]){both, (bp_slice)(x, axis, n - 1, n, 1)}, 2, axis);
  }
  return x;
}

bp_var bp_prod(bp_var x, unsigned axes) {
  if (!bp_args_ok("prod", 1, &x) || !bp_real_args("prod", 1, &x)) return bp_zero_of(x.graph);
  const bp_shape from = *bp_shape_of(x);
  axes = bp_axes_normal(axes, from.rank);
  if ((axes & 1u) != 0 && bp_shape_has_batch(&from))
    return bp_graph_fail(x.graph, BP_E_SHAPE,
                         "prod: axis 0 is the batch, whose size is not known when the graph is built");
  for (int i = 0; i < from.rank; i++)
    if ((axes & BP_AXIS(i)) != 0) x = prod_axis(x, i);
  bp_shape to = bp_shape_reduced(&from, axes);
  return (bp_reshape)(x, to.rank, to.dims);
}

bp_var bp_axis_size(bp_var x, unsigned axes) {
  if (!bp_args_ok("axis_size", 1, &x)) return bp_zero_of(x.graph);
  const bp_shape *s = bp_shape_of(x);
  axes = bp_axes_normal(axes, s->rank);
  bp_dtype dtype = bp_dtype_is_real(bp_dtype_of(x)) ? bp_dtype_of(x) : BP_F32;
  if ((axes & 1u) != 0 && bp_shape_has_batch(s)) {
    bp_shape scalar = {.rank = 0};
    bp_node node = {.op = BP_OP_axis_size, .dtype = (uint8_t)dtype, .arg = {x.id}, .attr.bits = axes};
    return bp_node_append(x.graph, node, &scalar);
  }
  double count = 1;
  for (int i = 0; i < s->rank; i++) count *= (axes & BP_AXIS(i)) != 0 ? (double)s->dims[i] : 1;
  return bp_scalar(x.graph, dtype, count);
}

bp_var bp_mean(bp_var x, unsigned axes) { return (bp_div)(bp_sum(x, axes), bp_axis_size(x, axes)); }

bp_var bp_unreduce(bp_var y, const bp_shape *before, unsigned axes) {
  bp_shape to = *before;
  for (int i = 0; i < to.rank; i++)
    if ((axes & BP_AXIS(i)) != 0) to.dims[i] = 1;
  return (bp_reshape)(y, to.rank, to.dims);
}

static bool has_last_axis(const char *op, bp_var x) {
  if (!bp_args_ok(op, 1, &x) || !bp_real_args(op, 1, &x)) return false;
  const bp_shape *s = bp_shape_of(x);
  char text[BP_SHAPE_TEXT];
  if (s->rank > 0 && s->dims[s->rank - 1] > 0) return true;
  (void)bp_graph_fail(x.graph, BP_E_SHAPE, "%s: %s has no last axis of at least one element besides the batch", op,
                      bp_shape_text(s, text, sizeof text));
  return false;
}

bp_var bp_logsumexp(bp_var x) {
  if (!has_last_axis("logsumexp", x)) return bp_zero_of(x.graph);
  const bp_shape *s = bp_shape_of(x);
  bp_shape to = bp_shape_reduced(s, BP_AXIS(s->rank - 1));
  return bp_append1(BP_OP_logsumexp, x, &to, 0, 0);
}

/* x less its largest element: adding a number to a row changes neither of the two below, so it may count as a constant. */
static bp_var shifted_row(bp_var x) {
  return (bp_sub)(x, bp_expand(bp_stop_gradient(bp_reduce_max(x, BP_LAST_AXIS)), -1));
}

bp_var bp_log_softmax(bp_var x) {
  if (!has_last_axis("log_softmax", x)) return bp_zero_of(x.graph);
  bp_var shifted = shifted_row(x);
  return (bp_sub)(shifted, bp_expand(bp_logsumexp(shifted), -1));
}

/* Not exp(x - logsumexp(x)): there the sum's part is rounded away beside a large x. */
bp_var bp_softmax(bp_var x) {
  if (!has_last_axis("softmax", x)) return bp_zero_of(x.graph);
  bp_var e = bp_exp(shifted_row(x));
  return (bp_div)(e, bp_expand(bp_sum(e, BP_LAST_AXIS), -1));
}

bp_var bp_running_sum(bp_var x, int axis, bool from_end) {
  if (!bp_args_ok("cumsum", 1, &x) || !bp_real_args("cumsum", 1, &x)) return bp_zero_of(x.graph);
  int at = bp_axis_of("cumsum", x, axis);
  if (at < 0) return bp_zero_of(x.graph);
  return bp_append1(BP_OP_cumsum, x, bp_shape_of(x), at, from_end);
}
bp_var bp_cumsum(bp_var x, int axis) { return bp_running_sum(x, axis, false); }

bp_var bp_argmax(bp_var x) {
  if (!has_last_axis("argmax", x)) return bp_zero_of(x.graph);
  const bp_shape *s = bp_shape_of(x);
  bp_shape to = bp_shape_reduced(s, BP_AXIS(s->rank - 1));
  return bp_node_append(x.graph, (bp_node){.op = BP_OP_argmax, .dtype = BP_I32, .arg = {x.id}}, &to);
}

bp_var bp_argmin(bp_var x) { return bp_argmax(bp_neg(x)); }
