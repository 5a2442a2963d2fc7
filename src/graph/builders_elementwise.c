/* builders_elementwise.c - the elementwise operations: check types, broadcast, append one node. Floor: graph. */
#include "graph/builders.h"

/* The common case, kept short for programs of many numbers: known variables of one shape and one real type. */
static bool all_alike(int n, const bp_var *args) {
  const bp_graph *g = args[0].graph;
  if (g == NULL || g->status != BP_OK || args[0].id == 0 || args[0].id >= g->size) return false;
  const bp_node *first = &g->nodes[args[0].id];
  if (!bp_dtype_is_real((bp_dtype)first->dtype) || first->op == BP_OP_assign) return false;
  for (int i = 1; i < n; i++) {
    if (args[i].graph != g || args[i].id == 0 || args[i].id >= g->size) return false;
    const bp_node *other = &g->nodes[args[i].id];
    if (other->shape != first->shape || other->dtype != first->dtype || other->op == BP_OP_assign) return false;
  }
  return true;
}

static bp_var elementwise(bp_op op, int n, bp_var *args) {
  const char *name = bp_op_table[op].name;
  if (all_alike(n, args)) {
    bp_node node = {.op = (uint16_t)op, .dtype = (uint8_t)bp_dtype_of(args[0])};
    for (int i = 0; i < n; i++) node.arg[i] = args[i].id;
    return bp_node_append_alike(args[0].graph, node, bp_node_of(args[0])->shape);
  }
  if (!bp_args_ok(name, n, args) || !bp_real_args(name, n, args)) return bp_zero_of(bp_graph_of(args, (size_t)n));
  bp_graph *g = args[0].graph;
  bp_shape shape = *bp_shape_of(args[0]);
  for (int i = 1; i < n; i++) {
    bp_shape both;
    if (!bp_shape_broadcast(&shape, bp_shape_of(args[i]), &both)) {
      char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
      return bp_graph_fail(g, BP_E_SHAPE,
                           "%s: shapes %s and %s do not broadcast: sizes, aligned at the end, must be equal or 1", name,
                           bp_shape_text(&shape, a, sizeof a), bp_shape_text(bp_shape_of(args[i]), b, sizeof b));
    }
    shape = both;
  }
  bp_node node = {.op = (uint16_t)op, .dtype = (uint8_t)bp_dtype_of(args[0])};
  for (int i = 0; i < n; i++) node.arg[i] = bp_broadcast_like(args[i], &shape).id;
  return bp_node_append(g, node, &shape);
}

#define UNARY(name)                                                                                                    \
  bp_var bp_##name(bp_var x) {                                                                                         \
    bp_var y = bp_eager_number(BP_OP_##name, x, x);                                                                    \
    return y.id != 0 ? y : elementwise(BP_OP_##name, 1, &x);                                                           \
  }
/* The same, after a look at what x is: see builders_roots.c. */
#define UNARY_AFTER(name, undone)                                                                                      \
  bp_var(bp_##name)(bp_var x) {                                                                                        \
    bp_var y = undone;                                                                                                 \
    if (y.id == 0) y = bp_eager_number(BP_OP_##name, x, x);                                                            \
    return y.id != 0 ? y : elementwise(BP_OP_##name, 1, &x);                                                           \
  }
#define BINARY_AFTER(name, undone)                                                                                     \
  bp_var(bp_##name)(bp_var a, bp_var b) {                                                                              \
    bp_var y = undone;                                                                                                 \
    if (y.id == 0) y = bp_eager_number(BP_OP_##name, a, b);                                                            \
    return y.id != 0 ? y : elementwise(BP_OP_##name, 2, (bp_var[]){a, b});                                             \
  }
#define BINARY(name)                                                                                                   \
  bp_var(bp_##name)(bp_var a, bp_var b) {                                                                              \
    bp_var y = bp_eager_number(BP_OP_##name, a, b);                                                                    \
    return y.id != 0 ? y : elementwise(BP_OP_##name, 2, (bp_var[]){a, b});                                             \
  }

UNARY(neg)
UNARY_AFTER(abs, bp_even_of_root(x, bp_abs))
UNARY(sign)
UNARY_AFTER(square, bp_square_of_root(x))
UNARY(reciprocal)
UNARY_AFTER(sqrt, bp_root_of_square(x))
UNARY(rsqrt)
UNARY(exp)
UNARY(gaussian)
UNARY(expm1)
UNARY(log)
UNARY(log1p)
UNARY(log2)
UNARY(log10)
UNARY(sin)
UNARY_AFTER(cos, bp_even_of_root(x, bp_cos))
UNARY(tan)
UNARY(asin)
UNARY(acos)
UNARY(atan)
UNARY(sinh)
UNARY_AFTER(cosh, bp_even_of_root(x, bp_cosh))
UNARY(tanh)
UNARY(asinh)
UNARY(acosh)
UNARY(atanh)
UNARY(sigmoid)
UNARY(softplus)
UNARY(relu)
UNARY(erf)
UNARY(erfc)
UNARY(lgamma)
UNARY(digamma)
UNARY(floor)
UNARY(ceil)
UNARY(round)
UNARY(heaviside)

BINARY(add)
BINARY(sub)

/* Numbers of an eager graph come first: products are most of a program of them. */
bp_var(bp_mul)(bp_var a, bp_var b) {
  bp_var y = a.id != b.id ? bp_eager_number(BP_OP_mul, a, b) : bp_zero_of(a.graph);
  if (y.id == 0) y = bp_product_of_roots(a, b);
  return y.id != 0 ? y : elementwise(BP_OP_mul, 2, (bp_var[]){a, b});
}
BINARY(div)
BINARY_AFTER(pow, bp_power_of_root(a, b))
BINARY(atan2)
BINARY(max)
BINARY(min)
BINARY(max_share)
BINARY(mul_no_nan)
BINARY(div_no_nan)
BINARY(equal)
BINARY(not_equal)
BINARY(less)
BINARY(less_equal)
BINARY(greater)
BINARY(greater_equal)

/* ---- units: tanh and sigmoid with a mark, by which the derivative is told from that of the function ---- */
enum { IN_A_LAYER = 1 };

static bp_var marked(bp_var y) {
  if (y.id != 0) y.graph->nodes[y.id].axis = IN_A_LAYER;
  return y;
}
bp_var bp_tanh_unit(bp_var x) { return marked(bp_tanh(x)); }
bp_var bp_sigmoid_unit(bp_var x) { return marked(bp_sigmoid(x)); }

static bp_var slope(bp_op op, bp_op of_unit, bp_var x, bp_var y) {
  bool unit = y.id != 0 && bp_node_of(y)->axis == IN_A_LAYER;
  return elementwise(unit ? of_unit : op, 2, (bp_var[]){x, y});
}
bp_var bp_tanh_slope(bp_var x, bp_var y) { return slope(BP_OP_tanh_slope, BP_OP_tanh_unit_slope, x, y); }
bp_var bp_sigmoid_slope(bp_var x, bp_var y) { return slope(BP_OP_sigmoid_slope, BP_OP_sigmoid_unit_slope, x, y); }

bp_var(bp_where)(bp_var condition, bp_var a, bp_var b) {
  return elementwise(BP_OP_where, 3, (bp_var[]){condition, a, b});
}

bp_var bp_stop_gradient(bp_var x) { return elementwise(BP_OP_stop_gradient, 1, &x); }

bp_var bp_polygamma(int order, bp_var x) {
  if (!bp_args_ok("polygamma", 1, &x) || !bp_real_args("polygamma", 1, &x)) return bp_zero_of(x.graph);
  if (order < 0 || order > BP_POLYGAMMA_MAX)
    return bp_graph_fail(x.graph, BP_E_ARG, "polygamma: order %d, expected 0 to %d", order, BP_POLYGAMMA_MAX);
  if (order == 0) return bp_digamma(x);
  return elementwise(BP_OP_polygamma, 2, (bp_var[]){bp_scalar(x.graph, bp_dtype_of(x), order), x});
}

bp_var bp_clip(bp_var x, double low, double high) {
  if (!bp_args_ok("clip", 1, &x) || !bp_real_args("clip", 1, &x)) return bp_zero_of(x.graph);
  if (!(low <= high)) return bp_graph_fail(x.graph, BP_E_ARG, "clip: from %g to %g, expected a range", low, high);
  bp_dtype t = bp_dtype_of(x);
  return bp_clip_between(x, bp_scalar(x.graph, t, low), bp_scalar(x.graph, t, high));
}

bp_var bp_clip_between(bp_var x, bp_var low, bp_var high) {
  return elementwise(BP_OP_clip, 3, (bp_var[]){x, low, high});
}
