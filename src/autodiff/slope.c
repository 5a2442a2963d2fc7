/* slope.c - one step of the chain rule, with structural zeros. Floor: autodiff. */
#include "autodiff/slope.h"

#include <string.h>

static bp_slope dense(bp_var var) { return (bp_slope){.var = var.id}; }
static bool is_dense(bp_slope s) { return s.support == 0; }
/* Whether the zeros of the derivative are its structural zeros. */
static bool is_own(bp_slope s) { return s.support != 0 && s.support == s.var; }
static bp_var in(bp_graph *g, uint32_t id) { return (bp_var){g, id}; }

static bp_var full_like(bp_var v, double value) { return bp_full(v.graph, bp_dtype_of(v), bp_shape_of(v), value); }
/* 1 where v is not 0: nothing cancels when these are added up. */
static bp_var nonzero(bp_var v) { return bp_not_equal(v, bp_number(v, 0)); }

/* ---- seeds ---- */
static bool has_zero(const bp_graph *g, const bp_node *n) {
  int64_t count = bp_shape_elements(&g->shapes[n->shape], 0);
  for (int64_t i = 0; i < count; i++) {
    if (n->dtype == BP_F64 ? ((const double *)n->attr.data)[i] == 0 : ((const float *)n->attr.data)[i] == 0)
      return true;
  }
  return false;
}

/* Whether v is a constant with zeros, perhaps behind views. */
static bool is_partly_zero(bp_var v) {
  const bp_graph *g = v.graph;
  for (const bp_node *n = bp_node_of(v);; n = &g->nodes[n->arg[0]]) switch (n->op) {
    case BP_OP_constant: return bp_dtype_is_real((bp_dtype)n->dtype) && has_zero(g, n);
    case BP_OP_one_hot: return true;
    case BP_OP_slice:
    case BP_OP_reshape:
    case BP_OP_broadcast:
    case BP_OP_transpose:
    case BP_OP_cast: break;
    default: return false;
    }
}

bp_slope bp_slope_seed(bp_var seed) {
  return (bp_slope){.var = seed.id, .support = seed.id != 0 && is_partly_zero(seed) ? seed.id : 0};
}

/* ---- sums ---- */
bp_slope bp_slope_plus(bp_graph *g, bp_slope a, bp_slope b) {
  if (a.var == 0) return b;
  if (b.var == 0) return a;
  bp_slope sum = dense(bp_plus(in(g, a.var), in(g, b.var)));
  if (is_dense(a) || is_dense(b)) return sum;
  sum.gate = a.gate || b.gate;
  if (is_own(a) && is_own(b))
    sum.support = sum.var; /* parts that cancel count as none */
  else if (a.support == b.support)
    sum.support = a.support;
  else if (!sum.gate)
    sum.support = bp_max(nonzero(in(g, a.support)), nonzero(in(g, b.support))).id;
  return sum;
}

/* ---- products ---- */
/* Operations whose derivative is 0 nowhere, not even where it underflows or at infinity: what was not 0 before the product is not
 * 0 behind it. */
static bool never_zero(bp_op op) {
  return op == BP_OP_sin || op == BP_OP_tan || op == BP_OP_asin || op == BP_OP_acos || op == BP_OP_sinh;
}

/* What the support of a product is, when it is wanted. */
static bp_var product_support(bp_slope from, bp_var out, bp_var partial, bool gate, bool clean) {
  double k;
  bp_var support = in(out.graph, from.support);
  bool constant = bp_var_constant(partial, &k);
  if (is_own(from) && (constant || clean || gate)) return out;
  if (!gate || constant) return support;
  return is_dense(from) ? partial : bp_mul_no_nan(partial, support);
}

static bp_slope times(bp_slope from, bp_var partial, bool gate, bool clean, bool keep) {
  bp_graph *g = partial.graph;
  bp_var product = bp_product(in(g, from.var), partial, in(g, from.support), gate);
  bp_slope out = dense(product);
  if (!keep || out.var == 0) return out;
  bp_var support = product_support(from, product, partial, gate, clean);
  out.gate = is_dense(from) ? gate && !is_partly_zero(partial) : from.gate;
  if (support.id != 0) out.support = bp_broadcast_like(support, bp_shape_of(product)).id;
  return out;
}

bp_slope bp_slope_elementwise(const bp_call *c, int i, bp_slope s, bool keep) {
  bp_op op = bp_op_of(c->y);
  if (s.var == 0) return s;
  bp_var partial = bp_partial_rule(op)(c, i);
  /* the zeros of a constant factor are structural, as sparsity has them */
  bool gate = bp_is_gate(op, i) || (partial.id != 0 && is_partly_zero(partial));
  return times(s, partial, gate, never_zero(op), keep);
}

/* ---- linear operations ---- */
/* What an operation does to zeros. */
enum { MOVES = 0, INSERTS = 1, ADDS = 2, MIXES = 4 };

static const struct {
  uint8_t forward, reverse;
} effect[BP_OP_COUNT] = {
    [BP_OP_matmul] = {MIXES, MIXES},
    [BP_OP_matmul_stack] = {MIXES, MIXES},
    [BP_OP_sum] = {ADDS, MOVES},
    [BP_OP_broadcast] = {MOVES, ADDS},
    [BP_OP_gather] = {MOVES, INSERTS | ADDS},
    [BP_OP_scatter_add] = {INSERTS | ADDS, MOVES},
    [BP_OP_slice] = {MOVES, INSERTS},
    [BP_OP_place] = {INSERTS, MOVES},
    [BP_OP_triangle] = {INSERTS, INSERTS},
    [BP_OP_cumsum] = {ADDS, ADDS},
    [BP_OP_where] = {INSERTS, INSERTS},
};

/* The support behind an operation on a derivative. Through a matrix product only whole rows stay zero: whatever is 0 there is taken
 * for one. */
static bp_slope moved(const bp_call *c, int i, bp_slope from, bp_var var, bp_transpose_fn apply, int does) {
  bp_graph *g = c->y.graph;
  bp_slope out = dense(var);
  bool lost = is_dense(from) || (from.gate && (does & (ADDS | MIXES)) != 0);
  out.gate = from.gate && !lost;
  if (lost)
    out.support = (does & INSERTS) != 0 ? apply(c, i, full_like(in(g, from.var), 1)).id : 0;
  else if ((does & MIXES) != 0)
    out.support = var.id;
  else if ((does & ADDS) != 0)
    out.support = apply(c, i, nonzero(in(g, from.support))).id;
  else
    out.support = is_own(from) ? var.id : apply(c, i, in(g, from.support)).id;
  return out;
}

bp_slope bp_slope_linear(const bp_call *c, int i, bp_slope s, bp_transpose_fn apply, bool reverse, bool keep) {
  bp_op op = bp_op_of(c->y);
  if (s.var == 0) return s;
  bp_var out = apply(c, i, in(c->y.graph, s.var));
  if (!keep || out.id == 0) return dense(out);
  return moved(c, i, s, out, apply, reverse ? effect[op].reverse : effect[op].forward);
}

/* ---- custom operations ---- */
static bool is_extreme(bp_op op) { return op == BP_OP_reduce_max || op == BP_OP_reduce_min; }

/* Operations that take, of each element, one of their arguments: where, concat, assemble. */
static bool selects(bp_op op) { return op == BP_OP_where || op == BP_OP_concat || op == BP_OP_assemble; }

bp_slope bp_slope_vjp(const bp_call *c, int i, bp_slope y_bar, bool keep) {
  bp_op op = bp_op_of(c->y);
  bp_graph *g = c->y.graph;
  bp_call masked = *c;
  if (y_bar.var == 0) return y_bar;
  if (selects(op)) return bp_slope_linear(c, i, y_bar, bp_custom_vjp(op), true, keep);
  if (bp_has_gradient(op)) {
    bp_slope wide = {.var = bp_spread(c, in(g, y_bar.var)).id, .gate = y_bar.gate};
    wide.support = is_own(y_bar) ? wide.var : bp_spread(c, in(g, y_bar.support)).id;
    return times(wide, bp_reduction_gradient(c), is_extreme(op), false, keep);
  }
  masked.support = in(g, y_bar.support);
  bp_slope out = dense(bp_custom_vjp(op)(&masked, i, in(g, y_bar.var)));
  if (keep && out.var != 0) out.support = bp_triangle_read(c, i, in(g, out.var)).id;
  return out;
}

/* Ones, or the symbolic zero for itself, where there is no support. */
static bp_var support_or_ones(bp_graph *g, bp_slope s) {
  if (s.var == 0 || s.support != 0) return in(g, s.support);
  return full_like(in(g, s.var), 1);
}

/* What these do with tangents they do with supports; assemble has zeros of its own between its pieces. */
static bp_slope selected_jvp(const bp_call *c, const bp_slope *x_dot, bp_var *scratch, bool keep) {
  bp_graph *g = c->y.graph;
  bp_custom_jvp_fn apply = bp_custom_jvp(bp_op_of(c->y));
  int first = bp_op_of(c->y) == BP_OP_where;
  bool all_own = true, all_dense = bp_op_of(c->y) != BP_OP_assemble, gate = false;
  for (int i = first; i < c->arity; i++) {
    scratch[i] = in(g, x_dot[i].var);
    all_own = all_own && (x_dot[i].var == 0 || is_own(x_dot[i]));
    all_dense = all_dense && x_dot[i].var != 0 && is_dense(x_dot[i]);
    gate = gate || x_dot[i].gate;
  }
  bp_slope out = dense(apply(c, scratch));
  if (!keep || all_dense || out.var == 0) return out;
  out.gate = gate;
  if (all_own) return out.support = out.var, out;
  for (int i = first; i < c->arity; i++) scratch[i] = support_or_ones(g, x_dot[i]);
  out.support = apply(c, scratch).id;
  return out;
}

bp_slope bp_slope_jvp(const bp_call *c, const bp_slope *x_dot, bp_var *scratch, bool keep) {
  bp_op op = bp_op_of(c->y);
  bp_graph *g = c->y.graph;
  if (selects(op)) return selected_jvp(c, x_dot, scratch, keep);
  if (bp_has_gradient(op)) {
    if (x_dot[0].var == 0) return (bp_slope){0};
    bp_slope part = times(x_dot[0], bp_reduction_gradient(c), is_extreme(op), false, keep);
    bp_slope out = dense(bp_add_up(c, in(g, part.var)));
    if (keep && !is_dense(x_dot[0]) && !x_dot[0].gate) out.support = bp_add_up(c, nonzero(in(g, x_dot[0].support))).id;
    return out;
  }
  bp_call masked = *c;
  masked.support = in(g, x_dot[0].support);
  for (int i = 0; i < (c->arity < 3 ? 3 : c->arity); i++) scratch[i] = in(g, x_dot[i].var);
  return dense(bp_custom_jvp(op)(&masked, scratch));
}

/* ---- what is still to come ---- */
/* Operations that multiply a derivative by something that is no constant. */
static bool multiplies(bp_op op) {
  if (op == BP_OP_neg || op == BP_OP_add || op == BP_OP_sub || selects(op)) return false;
  bp_op_class c = bp_op_table[op].op_class;
  return c == BP_CLASS_ELEMENTWISE || c == BP_CLASS_CUSTOM;
}

static bool hands_on(bp_op op) {
  bp_op_class c = bp_op_table[op].op_class;
  return c == BP_CLASS_ELEMENTWISE || c == BP_CLASS_LINEAR || c == BP_CLASS_CUSTOM;
}

void bp_mark_products(const bp_graph *g, const uint8_t *active, uint32_t last, bool reverse, uint8_t *keep) {
  memset(keep, 0, (size_t)last + 1);
  for (uint32_t k = 1; k <= last; k++) {
    uint32_t id = reverse ? k : last + 1 - k;
    const bp_node *n = &g->nodes[id];
    bool here = multiplies((bp_op)n->op);
    if (!active[id] || !hands_on((bp_op)n->op)) continue;
    if (reverse) keep[id] = here;
    for (int a = 0; a < bp_node_arity(n); a++) {
      uint32_t x = bp_node_args(g, n)[a];
      if (reverse)
        keep[id] |= active[x] && keep[x];
      else if (active[x])
        keep[x] |= here || keep[id];
    }
  }
}
