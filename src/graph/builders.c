/* builders.c - the public operations: check types and shapes, then append one node. Floor: graph. */
#include <stdio.h>

#include "graph/node.h"

/* ---- elementwise ---- */
static bool real_args(const char *op, int n, const bp_var *args) {
  for (int i = 0; i < n; i++) {
    if (!bp_dtype_is_real(bp_dtype_of(args[i]))) {
      (void)bp_graph_fail(args[0].graph, BP_E_DTYPE, "%s: argument %d is %s, expected float32 or float64", op, i + 1,
                          bp_dtype_name(bp_dtype_of(args[i])));
      return false;
    }
    if (bp_dtype_of(args[i]) != bp_dtype_of(args[0])) {
      (void)bp_graph_fail(args[0].graph, BP_E_DTYPE, "%s: argument 1 is %s, argument %d is %s; bp_cast one of them", op,
                          bp_dtype_name(bp_dtype_of(args[0])), i + 1, bp_dtype_name(bp_dtype_of(args[i])));
      return false;
    }
  }
  return true;
}

static bp_var elementwise(bp_op op, int n, bp_var *args) {
  const char *name = bp_op_table[op].name;
  if (!bp_args_ok(name, n, args) || !real_args(name, n, args)) return bp_zero_of(args[0].graph);
  bp_graph *g = args[0].graph;
  bp_shape shape = *bp_shape_of(args[0]);
  for (int i = 1; i < n; i++) {
    bp_shape both;
    if (!bp_shape_broadcast(&shape, bp_shape_of(args[i]), &both)) {
      char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
      return bp_graph_fail(g, BP_E_SHAPE, "%s: shapes %s and %s do not broadcast: sizes, aligned at the end, must be equal or 1",
                           name, bp_shape_text(&shape, a, sizeof a), bp_shape_text(bp_shape_of(args[i]), b, sizeof b));
    }
    shape = both;
  }
  bp_node node = {.op = (uint16_t)op, .dtype = (uint8_t)bp_dtype_of(args[0])};
  for (int i = 0; i < n; i++) node.arg[i] = bp_broadcast_like(args[i], &shape).id;
  return bp_node_append(g, node, &shape);
}

#define UNARY(name)                                                                                                    \
  bp_var bp_##name(bp_var x) { return elementwise(BP_OP_##name, 1, &x); }
#define BINARY(name)                                                                                                   \
  bp_var(bp_##name)(bp_var a, bp_var b) { return elementwise(BP_OP_##name, 2, (bp_var[]){a, b}); }

UNARY(neg)
UNARY(abs)
UNARY(sign)
UNARY(square)
UNARY(reciprocal)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(exp)
UNARY(expm1)
UNARY(log)
UNARY(log1p)
UNARY(log2)
UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(asin)
UNARY(acos)
UNARY(atan)
UNARY(sinh)
UNARY(cosh)
UNARY(tanh)
UNARY(sigmoid)
UNARY(softplus)
UNARY(relu)
UNARY(erf)
UNARY(erfc)
UNARY(lgamma)
UNARY(floor)
UNARY(ceil)
UNARY(round)
UNARY(heaviside)

/* The logarithmic derivative of Γ: has no public builder, since it is only the derivative of lgamma. */
bp_var bp_digamma(bp_var x) { return elementwise(BP_OP_digamma, 1, &x); }

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(pow)
BINARY(atan2)
BINARY(max)
BINARY(min)
BINARY(equal)
BINARY(not_equal)
BINARY(less)
BINARY(less_equal)
BINARY(greater)
BINARY(greater_equal)

bp_var(bp_where)(bp_var condition, bp_var a, bp_var b) {
  return elementwise(BP_OP_where, 3, (bp_var[]){condition, a, b});
}

bp_var bp_stop_gradient(bp_var x) { return elementwise(BP_OP_stop_gradient, 1, &x); }

/* ---- shape ---- */
bp_var bp_broadcast_like(bp_var x, const bp_shape *shape) {
  if (x.graph->status != BP_OK || bp_shape_equal(bp_shape_of(x), shape)) return x;
  bp_node node = {.op = BP_OP_broadcast, .dtype = (uint8_t)bp_dtype_of(x), .arg = {x.id}};
  return bp_node_append(x.graph, node, shape);
}

bp_var bp_full(bp_graph *g, bp_dtype dtype, const bp_shape *shape, double value) {
  bp_shape copy = *shape;
  return bp_broadcast_like(bp_scalar(g, dtype, value), &copy);
}

static bp_var bad_shape(bp_var x, const char *op, const bp_shape *to) {
  char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
  return bp_graph_fail(x.graph, BP_E_SHAPE, "%s: cannot turn %s into %s", op, bp_shape_text(bp_shape_of(x), a, sizeof a),
                       bp_shape_text(to, b, sizeof b));
}

static bool rank_ok(bp_var x, const char *op, int rank) {
  if (rank >= 0 && rank <= BP_MAX_RANK) return true;
  (void)bp_graph_fail(x.graph, BP_E_ARG, "%s: rank %d, expected 0 to %d", op, rank, BP_MAX_RANK);
  return false;
}

bp_var(bp_broadcast)(bp_var x, int rank, const int64_t *dims) {
  if (!bp_args_ok("broadcast", 1, &x) || !rank_ok(x, "broadcast", rank)) return bp_zero_of(x.graph);
  bp_shape to = bp_shape_make(rank, dims), both;
  if (!bp_shape_broadcast(bp_shape_of(x), &to, &both) || !bp_shape_equal(&both, &to)) return bad_shape(x, "broadcast", &to);
  return bp_broadcast_like(x, &to);
}

bp_var(bp_reshape)(bp_var x, int rank, const int64_t *dims) {
  if (!bp_args_ok("reshape", 1, &x) || !rank_ok(x, "reshape", rank)) return bp_zero_of(x.graph);
  bp_shape to = bp_shape_make(rank, dims);
  const bp_shape *from = bp_shape_of(x);
  if (!bp_shape_valid(&to) || bp_shape_has_batch(&to) != bp_shape_has_batch(from) ||
      bp_shape_elements(&to, 1) != bp_shape_elements(from, 1))
    return bad_shape(x, "reshape", &to);
  if (bp_shape_equal(&to, from)) return x;
  return bp_node_append(x.graph, (bp_node){.op = BP_OP_reshape, .dtype = (uint8_t)bp_dtype_of(x), .arg = {x.id}}, &to);
}

bp_var bp_expand(bp_var x, int axis) {
  if (!bp_args_ok("expand", 1, &x)) return bp_zero_of(x.graph);
  const bp_shape *from = bp_shape_of(x);
  int at = axis < 0 ? axis + from->rank + 1 : axis;
  if (at < 0 || at > from->rank || from->rank == BP_MAX_RANK)
    return bp_graph_fail(x.graph, BP_E_ARG, "expand: axis %d, expected %d to %d", axis, -from->rank - 1, from->rank);
  int64_t dims[BP_MAX_RANK];
  for (int i = 0; i <= from->rank; i++) dims[i] = i < at ? from->dims[i] : i == at ? 1 : from->dims[i - 1];
  return (bp_reshape)(x, from->rank + 1, dims);
}

bp_var bp_transpose(bp_var x, const int *perm) {
  if (!bp_args_ok("transpose", 1, &x)) return bp_zero_of(x.graph);
  const bp_shape from = *bp_shape_of(x);
  bp_shape to = {.rank = from.rank};
  uint64_t bits = 0;
  unsigned seen = 0;
  for (int i = 0; i < from.rank; i++) {
    int p = perm != NULL ? perm[i] : from.rank - 1 - i;
    if (p < 0 || p >= from.rank || (seen & BP_AXIS(p)) != 0)
      return bp_graph_fail(x.graph, BP_E_ARG, "transpose: axis %d at place %d is out of range or named twice", p, i);
    seen |= BP_AXIS(p);
    to.dims[i] = from.dims[p];
    bits |= (uint64_t)p << (4 * i);
  }
  bp_node node = {.op = BP_OP_transpose, .dtype = (uint8_t)bp_dtype_of(x), .arg = {x.id}, .attr.bits = bits};
  return bp_node_append(x.graph, node, &to);
}

bp_var bp_cast(bp_var x, bp_dtype dtype) {
  if (!bp_args_ok("cast", 1, &x)) return bp_zero_of(x.graph);
  if ((unsigned)dtype >= BP_DTYPE_COUNT) return bp_graph_fail(x.graph, BP_E_DTYPE, "cast: no element type %d", (int)dtype);
  if (bp_dtype_of(x) == dtype) return x;
  return bp_node_append(x.graph, (bp_node){.op = BP_OP_cast, .dtype = (uint8_t)dtype, .arg = {x.id}}, bp_shape_of(x));
}

/* ---- matrices ---- */
bp_var(bp_matmul_t)(bp_var a, bool transpose_a, bp_var b, bool transpose_b) {
  bp_var args[] = {a, b};
  if (!bp_args_ok("matmul", 2, args) || !real_args("matmul", 2, args)) return bp_zero_of(a.graph);
  const bp_shape *sa = bp_shape_of(a), *sb = bp_shape_of(b);
  char ta[BP_SHAPE_TEXT], tb[BP_SHAPE_TEXT];
  bp_shape_text(sa, ta, sizeof ta);
  bp_shape_text(sb, tb, sizeof tb);
  if (sa->rank != 2 || sb->rank != 2)
    return bp_graph_fail(a.graph, BP_E_SHAPE, "matmul: left is %s, right is %s; expected two matrices", ta, tb);
  int64_t m = sa->dims[transpose_a], k1 = sa->dims[!transpose_a], k2 = sb->dims[transpose_b], n = sb->dims[!transpose_b];
  if (k1 != k2)
    return bp_graph_fail(a.graph, BP_E_SHAPE, "matmul: left is %s%s, right is %s%s; the inner sizes differ", ta,
                         transpose_a ? " transposed" : "", tb, transpose_b ? " transposed" : "");
  bp_shape out = {.rank = 2, .dims = {m, n}};
  bp_node node = {.op = BP_OP_matmul, .dtype = (uint8_t)bp_dtype_of(a), .arg = {a.id, b.id}};
  node.attr.bits = (transpose_a ? BP_MATMUL_TA : 0) | (transpose_b ? BP_MATMUL_TB : 0);
  return bp_node_append(a.graph, node, &out);
}

bp_var(bp_matmul)(bp_var a, bp_var b) { return (bp_matmul_t)(a, false, b, false); }

/* ---- reductions ---- */
unsigned bp_axes_normal(unsigned axes, int rank) {
  if ((axes & BP_LAST_AXIS) != 0 && rank > 0) axes |= BP_AXIS(rank - 1);
  return axes & (BP_AXIS(rank) - 1u);
}

static bp_shape reduced_shape(const bp_shape *from, unsigned axes) {
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

static bp_var reduction(bp_op op, bp_var x, unsigned axes) {
  const char *name = bp_op_table[op].name;
  if (!bp_args_ok(name, 1, &x) || !real_args(name, 1, &x)) return bp_zero_of(x.graph);
  axes = bp_axes_normal(axes, bp_shape_of(x)->rank);
  if (op != BP_OP_sum && axes != 0 && last_run(axes, bp_shape_of(x)->rank) != axes) x = adjoin_axes(x, &axes);
  while (axes != 0 && x.graph->status == BP_OK) {
    unsigned run = last_run(axes, bp_shape_of(x)->rank);
    bp_shape to = reduced_shape(bp_shape_of(x), run);
    bp_node node = {.op = (uint16_t)op, .dtype = (uint8_t)bp_dtype_of(x), .arg = {x.id}, .attr.bits = run};
    x = bp_node_append(x.graph, node, &to);
    axes &= ~run;
  }
  return x;
}

bp_var bp_sum(bp_var x, unsigned axes) { return reduction(BP_OP_sum, x, axes); }
bp_var bp_reduce_max(bp_var x, unsigned axes) { return reduction(BP_OP_reduce_max, x, axes); }
bp_var bp_reduce_min(bp_var x, unsigned axes) { return reduction(BP_OP_reduce_min, x, axes); }

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
  if (!bp_args_ok(op, 1, &x) || !real_args(op, 1, &x)) return false;
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
  bp_shape to = reduced_shape(s, BP_AXIS(s->rank - 1));
  return bp_node_append(x.graph, (bp_node){.op = BP_OP_logsumexp, .dtype = (uint8_t)bp_dtype_of(x), .arg = {x.id}}, &to);
}

/* Not exp(x - logsumexp(x)): there the sum's part is rounded away beside a large x. */
bp_var bp_softmax(bp_var x) {
  if (!has_last_axis("softmax", x)) return bp_zero_of(x.graph);
  bp_var e = bp_exp((bp_sub)(x, bp_expand(bp_stop_gradient(bp_reduce_max(x, BP_LAST_AXIS)), -1)));
  return (bp_div)(e, bp_expand(bp_sum(e, BP_LAST_AXIS), -1));
}

bp_var bp_argmax(bp_var x) {
  if (!has_last_axis("argmax", x)) return bp_zero_of(x.graph);
  const bp_shape *s = bp_shape_of(x);
  bp_shape to = reduced_shape(s, BP_AXIS(s->rank - 1));
  return bp_node_append(x.graph, (bp_node){.op = BP_OP_argmax, .dtype = BP_I32, .arg = {x.id}}, &to);
}

/* ---- rows and classes by number ---- */
/* Numbers are checked when they are given, so they must be given: an input or a constant. */
static bool index_ok(const char *op, bp_var index) {
  if (bp_dtype_of(index) != BP_I32 || bp_shape_of(index)->rank != 1) {
    char text[BP_SHAPE_TEXT];
    (void)bp_graph_fail(index.graph, BP_E_DTYPE, "%s: the numbers are %s%s, expected int32[rows]", op,
                        bp_dtype_name(bp_dtype_of(index)), bp_shape_text(bp_shape_of(index), text, sizeof text));
    return false;
  }
  if (bp_op_of(index) != BP_OP_input && bp_op_of(index) != BP_OP_constant) {
    (void)bp_graph_fail(index.graph, BP_E_ARG, "%s: the numbers must be an input or a constant, not the result of %s", op,
                        bp_op_table[bp_op_of(index)].name);
    return false;
  }
  return true;
}

bp_var bp_gather(bp_var table, bp_var index, bp_dtype dtype) {
  if (!bp_args_ok("gather", 2, (bp_var[]){table, index}) || !index_ok("gather", index)) return bp_zero_of(table.graph);
  if (!bp_dtype_is_real(dtype) && dtype != bp_dtype_of(table))
    return bp_graph_fail(table.graph, BP_E_DTYPE, "gather: result %s, expected float32, float64 or the table's %s",
                         bp_dtype_name(dtype), bp_dtype_name(bp_dtype_of(table)));
  bp_shape to = *bp_shape_of(table);
  if (to.rank == 0 || bp_shape_has_batch(&to))
    return bp_graph_fail(table.graph, BP_E_SHAPE, "gather: expected a table with a known number of rows");
  to.dims[0] = bp_shape_of(index)->dims[0];
  return bp_node_append(table.graph,
                        (bp_node){.op = BP_OP_gather, .dtype = (uint8_t)dtype, .arg = {table.id, index.id}}, &to);
}

bp_var bp_scatter_add(bp_var x, bp_var index, int64_t rows) {
  if (!bp_args_ok("scatter_add", 2, (bp_var[]){x, index}) || !index_ok("scatter_add", index) ||
      !real_args("scatter_add", 1, &x))
    return bp_zero_of(x.graph);
  bp_shape to = *bp_shape_of(x);
  if (to.rank == 0 || rows < 0 || to.dims[0] != bp_shape_of(index)->dims[0]) {
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    return bp_graph_fail(x.graph, BP_E_SHAPE, "scatter_add: rows are %s, their numbers are %s; the leading sizes differ",
                         bp_shape_text(&to, a, sizeof a), bp_shape_text(bp_shape_of(index), b, sizeof b));
  }
  to.dims[0] = rows;
  bp_node node = {.op = BP_OP_scatter_add, .dtype = (uint8_t)bp_dtype_of(x), .arg = {x.id, index.id}};
  return bp_node_append(x.graph, node, &to);
}

bp_var bp_one_hot(bp_var index, int64_t classes, bp_dtype dtype) {
  if (!bp_args_ok("one_hot", 1, &index) || !index_ok("one_hot", index)) return bp_zero_of(index.graph);
  if (!bp_dtype_is_real(dtype) || classes < 1)
    return bp_graph_fail(index.graph, BP_E_ARG, "one_hot: %lld classes of %s, expected at least 1 of float32 or float64",
                         (long long)classes, bp_dtype_name(dtype));
  bp_shape to = {.rank = 2, .dims = {bp_shape_of(index)->dims[0], classes}};
  return bp_node_append(index.graph, (bp_node){.op = BP_OP_one_hot, .dtype = (uint8_t)dtype, .arg = {index.id}}, &to);
}

bp_var(bp_softmax_cross_entropy)(bp_var logits, bp_var classes) {
  bp_var args[] = {logits, classes};
  if (!bp_args_ok("softmax_cross_entropy", 2, args) || !real_args("softmax_cross_entropy", 1, args) ||
      !index_ok("softmax_cross_entropy", classes))
    return bp_zero_of(logits.graph);
  const bp_shape *z = bp_shape_of(logits), *c = bp_shape_of(classes);
  if (z->rank != 2 || z->dims[0] != c->dims[0] || z->dims[1] < 1) {
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    return bp_graph_fail(logits.graph, BP_E_SHAPE,
                         "softmax_cross_entropy: logits are %s, classes are %s; expected [rows,classes] and [rows]",
                         bp_shape_text(z, a, sizeof a), bp_shape_text(c, b, sizeof b));
  }
  bp_node node = {.op = BP_OP_softmax_cross_entropy, .dtype = (uint8_t)bp_dtype_of(logits), .arg = {logits.id, classes.id}};
  return bp_node_append(logits.graph, node, c);
}

bp_var bp_assign(bp_var state, bp_var value) {
  bp_var args[] = {state, value};
  if (!bp_args_ok("assign", 2, args)) return bp_zero_of(state.graph);
  if (bp_op_of(state) != BP_OP_input)
    return bp_graph_fail(state.graph, BP_E_ARG, "assign: the state must be an input, not the result of %s",
                         bp_op_table[bp_op_of(state)].name);
  if (bp_dtype_of(state) != bp_dtype_of(value) || !bp_shape_equal(bp_shape_of(state), bp_shape_of(value))) {
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    return bp_graph_fail(state.graph, BP_E_SHAPE, "assign: the state is %s%s, the value is %s%s",
                         bp_dtype_name(bp_dtype_of(state)), bp_shape_text(bp_shape_of(state), a, sizeof a),
                         bp_dtype_name(bp_dtype_of(value)), bp_shape_text(bp_shape_of(value), b, sizeof b));
  }
  bp_node node = {.op = BP_OP_assign, .dtype = (uint8_t)bp_dtype_of(state), .arg = {state.id, value.id}};
  return bp_node_append(state.graph, node, bp_shape_of(state));
}
