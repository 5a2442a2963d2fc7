/* builders_shape.c - operations that move elements: check shapes, append one node. Floor: graph. */
#include "graph/builders.h"

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
  return bp_graph_fail(x.graph, BP_E_SHAPE, "%s: cannot turn %s into %s", op,
                       bp_shape_text(bp_shape_of(x), a, sizeof a), bp_shape_text(to, b, sizeof b));
}

static bool rank_ok(bp_var x, const char *op, int rank) {
  if (rank >= 0 && rank <= BP_MAX_RANK) return true;
  (void)bp_graph_fail(x.graph, BP_E_ARG, "%s: rank %d, expected 0 to %d", op, rank, BP_MAX_RANK);
  return false;
}

bp_var(bp_broadcast)(bp_var x, int rank, const int64_t *dims) {
  if (!bp_args_ok("broadcast", 1, &x) || !rank_ok(x, "broadcast", rank)) return bp_zero_of(x.graph);
  bp_shape to = bp_shape_make(rank, dims), both;
  if (!bp_shape_broadcast(bp_shape_of(x), &to, &both) || !bp_shape_equal(&both, &to))
    return bad_shape(x, "broadcast", &to);
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
  return bp_append1(BP_OP_reshape, x, &to, 0, 0);
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
  return bp_append1(BP_OP_transpose, x, &to, 0, bits);
}

bp_var bp_cast(bp_var x, bp_dtype dtype) {
  if (!bp_args_ok("cast", 1, &x)) return bp_zero_of(x.graph);
  if ((unsigned)dtype >= BP_DTYPE_COUNT)
    return bp_graph_fail(x.graph, BP_E_DTYPE, "cast: no element type %d", (int)dtype);
  if (bp_dtype_of(x) == dtype) return x;
  return bp_node_append(x.graph, (bp_node){.op = BP_OP_cast, .dtype = (uint8_t)dtype, .arg = {x.id}}, bp_shape_of(x));
}

/* ---- along one axis ---- */
/* The axis, when it has a known size. */
static int sized_axis(const char *op, bp_var x, int axis) {
  int at = bp_axis_of(op, x, axis);
  if (at != 0 || !bp_shape_has_batch(bp_shape_of(x))) return at;
  (void)bp_graph_fail(x.graph, BP_E_SHAPE, "%s: axis %d is the batch, whose size is not known when the graph is built",
                      op, axis);
  return -1;
}

/* A place on an axis of n elements, as Python reads it: from the end when negative, kept within lo .. hi. */
static int64_t clip_place(int64_t place, int64_t n, int64_t lo, int64_t hi) {
  if (place < 0) place += n;
  return place < lo ? lo : place > hi ? hi : place;
}

bp_var(bp_slice)(bp_var x, int axis, int64_t start, int64_t stop, int64_t step) {
  if (!bp_args_ok("slice", 1, &x)) return bp_zero_of(x.graph);
  int at = bp_axis_of("slice", x, axis);
  if (at == 0 && bp_shape_has_batch(bp_shape_of(x)) && (start == 0 || start == -BP_END) && stop == BP_END && step == 1)
    return x;
  if (at < 0 || sized_axis("slice", x, axis) < 0) return bp_zero_of(x.graph);
  if (step == 0) return bp_graph_fail(x.graph, BP_E_ARG, "slice: the step is 0");
  bp_shape to = *bp_shape_of(x);
  int64_t n = to.dims[at];
  start = step > 0 ? clip_place(start, n, 0, n) : clip_place(start, n, -1, n - 1);
  stop = step > 0 ? clip_place(stop, n, 0, n) : clip_place(stop, n, -1, n - 1);
  int64_t distance = step > 0 ? stop - start : start - stop, pace = step > 0            ? step
                                                                    : step > -INT64_MAX ? -step
                                                                                        : INT64_MAX;
  to.dims[at] = distance <= 0 ? 0 : (distance - 1) / pace + 1;
  if (to.dims[at] <= 1) step = 1;
  if (to.dims[at] == 0) start = 0;
  if (step == 1 && to.dims[at] == n) return x;
  if (step > BP_SPAN_STEP_MAX || step < -BP_SPAN_STEP_MAX)
    return bp_graph_fail(x.graph, BP_E_LIMIT, "slice: step %lld, expected at most %lld", (long long)step,
                         (long long)BP_SPAN_STEP_MAX);
  return bp_append1(BP_OP_slice, x, &to, at, bp_span_bits(start, step));
}

bp_var bp_flip(bp_var x, int axis) { return (bp_slice)(x, axis, BP_END, -BP_END, -1); }

bp_var bp_place(bp_var x, int axis, int64_t size, uint64_t span) {
  if (!bp_args_ok("place", 1, &x)) return bp_zero_of(x.graph);
  bp_shape to = *bp_shape_of(x);
  to.dims[axis] = size;
  return bp_append1(BP_OP_place, x, &to, axis, span);
}

bp_var(bp_pad)(bp_var x, int axis, int64_t before, int64_t after, double value) {
  if (!bp_args_ok("pad", 1, &x)) return bp_zero_of(x.graph);
  int at = sized_axis("pad", x, axis);
  if (at < 0) return bp_zero_of(x.graph);
  if (before < 0 || after < 0 || before > BP_SPAN_START_MAX || after > BP_SPAN_START_MAX)
    return bp_graph_fail(x.graph, BP_E_ARG, "pad: %lld before and %lld after, expected 0 or more", (long long)before,
                         (long long)after);
  bp_shape part = *bp_shape_of(x);
  int64_t size = before + part.dims[at] + after;
  if (before == 0 && after == 0) return x;
  if (value == 0) return bp_place(x, at, size, bp_span_bits(before, 1));
  if (!bp_real_args("pad", 1, &x)) return bp_zero_of(x.graph);
  part.dims[at] = before;
  bp_var head = bp_full(x.graph, bp_dtype_of(x), &part, value);
  part.dims[at] = after;
  return bp_concat((bp_var[]){head, x, bp_full(x.graph, bp_dtype_of(x), &part, value)}, 3, at);
}

/* Whether xs[i] fits behind xs[0] on an axis. */
static bool concat_fits(const bp_var *xs, size_t i, int axis) {
  const bp_shape *first = bp_shape_of(xs[0]), *s = bp_shape_of(xs[i]);
  bp_shape like = *s;
  if (s->rank == first->rank) like.dims[axis] = first->dims[axis];
  if (bp_dtype_of(xs[i]) == bp_dtype_of(xs[0]) && bp_shape_equal(&like, first)) return true;
  char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
  (void)bp_graph_fail(xs[0].graph, BP_E_SHAPE,
                      "concat: argument 1 is %s%s, argument %zu is %s%s; only axis %d may differ",
                      bp_dtype_name(bp_dtype_of(xs[0])), bp_shape_text(first, a, sizeof a), i + 1,
                      bp_dtype_name(bp_dtype_of(xs[i])), bp_shape_text(s, b, sizeof b), axis);
  return false;
}

bp_var bp_concat(const bp_var *xs, size_t n, int axis) {
  bp_graph *g = bp_graph_of(xs, n);
  if (g == NULL) return bp_zero_of(g);
  bp_place_forget(g);
  if (n > INT32_MAX || !bp_args_ok("concat", (int)n, xs)) return bp_zero_of(g);
  int at = sized_axis("concat", xs[0], axis);
  if (at < 0) return bp_zero_of(g);
  if (n == 1) return xs[0];
  bp_shape to = *bp_shape_of(xs[0]);
  int64_t size = to.dims[at];
  bool alike = true;
  for (size_t i = 1; i < n; i++) {
    if (!concat_fits(xs, i, at)) return bp_zero_of(g);
    alike = alike && bp_shape_of(xs[i])->dims[at] == size;
    to.dims[at] += bp_shape_of(xs[i])->dims[at];
  }
  bp_node node = {.op = BP_OP_concat, .dtype = (uint8_t)bp_dtype_of(xs[0]), .axis = (uint8_t)at};
  node.attr.bits = alike ? (uint64_t)size : 0;
  return bp_node_append_nary(g, node, &to, xs, n);
}

bp_var bp_stack(const bp_var *xs, size_t n, int axis) {
  bp_graph *g = bp_graph_of(xs, n);
  if (g == NULL) return bp_zero_of(g);
  bp_place_forget(g);
  if (n > INT32_MAX || !bp_args_ok("stack", (int)n, xs)) return bp_zero_of(g);
  for (size_t i = 1; i < n; i++)
    if (!bp_shape_equal(bp_shape_of(xs[i]), bp_shape_of(xs[0])) || bp_dtype_of(xs[i]) != bp_dtype_of(xs[0])) {
      char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
      return bp_graph_fail(g, BP_E_SHAPE, "stack: argument 1 is %s%s, argument %zu is %s%s; they must be alike",
                           bp_dtype_name(bp_dtype_of(xs[0])), bp_shape_text(bp_shape_of(xs[0]), a, sizeof a), i + 1,
                           bp_dtype_name(bp_dtype_of(xs[i])), bp_shape_text(bp_shape_of(xs[i]), b, sizeof b));
    }
  int at = axis < 0 ? axis + bp_shape_of(xs[0])->rank + 1 : axis;
  bp_var *wide = bp_alloc(g->ctx, n, sizeof *wide), y = bp_zero_of(g);
  if (wide == NULL) return bp_graph_fail(g, BP_E_NOMEM, "out of memory while stacking %zu arrays", n);
  for (size_t i = 0; i < n; i++) wide[i] = bp_expand(xs[i], at);
  if (g->status == BP_OK) y = bp_concat(wide, n, at);
  bp_release(bp_context_allocator(g->ctx), wide, n, sizeof *wide);
  return y;
}
