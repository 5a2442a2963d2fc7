/* builders_roots.c - absolute values and norms that are squared again, and squares whose root is taken. Floor: graph.
 *
 * |x| and ‖x‖ have no derivative at 0, but their even functions have: ‖x‖² is Σ x², whose Hessian is 2 I everywhere. The chain rule
 * cannot see that at 0, where it multiplies by a derivative that is one by convention only. So the root is not built in the first
 * place: square(abs(x)) is square(x), square(norm(x)) the sum of squares, sqrt(square(x)) is abs(x), sqrt(sum(square(x))) is norm(x),
 * whose derivative at 0 is 0 and not NaN. Factors and views between the two do not hide them: (‖x - y‖ / l)² is seen, too.
 */
#include "graph/builders.h"

/* Nodes between a square and its root. */
enum { DEPTH = 8 };

static bool known(bp_var v) { return v.graph != NULL && v.graph->status == BP_OK && v.id != 0 && v.id < v.graph->size; }
static bp_var arg_of(bp_var v, int i) { return (bp_var){v.graph, bp_node_of(v)->arg[i]}; }
static bool is_view(bp_op op) { return op == BP_OP_reshape || op == BP_OP_broadcast; }

/* v is a root, or a square, or stands between the two, and is no part of what was built instead. */
static void pass_by(bp_var v) { v.graph->nodes[v.id].axis = 1; }

bool bp_var_passed_by(bp_var v) {
  switch (bp_op_of(v)) {
  case BP_OP_abs:
  case BP_OP_norm:
  case BP_OP_neg:
  case BP_OP_mul:
  case BP_OP_div:
  case BP_OP_square:
  case BP_OP_sum:
  case BP_OP_reshape:
  case BP_OP_broadcast: return bp_node_of(v)->axis != 0;
  default: return false;
  }
}

/* Whether v is |x| or ‖x‖, with a sign, factors or views before it. */
static bool has_root(bp_var v, int depth) {
  bp_op op = bp_op_of(v);
  if (op == BP_OP_abs || op == BP_OP_norm) return true;
  if (depth == 0) return false;
  if (op == BP_OP_neg || is_view(op)) return has_root(arg_of(v, 0), depth - 1);
  if (op != BP_OP_mul && op != BP_OP_div) return false;
  return has_root(arg_of(v, 0), depth - 1) || has_root(arg_of(v, 1), depth - 1);
}

/* The same view of another variable. */
static bp_var view_as(bp_var view, bp_var of) {
  bp_shape to = *bp_shape_of(view);
  if (bp_op_of(view) == BP_OP_broadcast) return bp_broadcast_like(of, &to);
  return (bp_reshape)(of, to.rank, to.dims);
}

/* v² of a v that has a root. */
static bp_var without_root(bp_var v) {
  pass_by(v);
  switch (bp_op_of(v)) {
  case BP_OP_abs:
  case BP_OP_neg: return (bp_square)(arg_of(v, 0));
  case BP_OP_norm: return (bp_sum)((bp_square)(arg_of(v, 0)), (unsigned)bp_node_of(v)->attr.bits);
  case BP_OP_mul: return (bp_mul)((bp_square)(arg_of(v, 0)), (bp_square)(arg_of(v, 1)));
  case BP_OP_div: return (bp_div)((bp_square)(arg_of(v, 0)), (bp_square)(arg_of(v, 1)));
  default: return view_as(v, (bp_square)(arg_of(v, 0)));
  }
}

/* Whether two variables are one, or computed by the same operations from the same: each x[0] is a node of its own. */
static bool same_to(bp_var a, bp_var b, int depth) {
  const bp_node *m = bp_node_of(a), *n = bp_node_of(b);
  if (a.id == b.id) return true;
  if (depth == 0 || m->op != n->op || m->shape != n->shape || m->dtype != n->dtype || m->attr.bits != n->attr.bits)
    return false;
  int arity = bp_op_table[m->op].arity;
  if (arity < 1 || m->op == BP_OP_uniform || (m->op == BP_OP_slice && m->axis != n->axis)) return false;
  for (int i = 0; i < arity; i++)
    if (!same_to(arg_of(a, i), arg_of(b, i), depth - 1)) return false;
  return true;
}
static bool same(bp_var a, bp_var b) { return same_to(a, b, DEPTH); }

/* What a square is of, or the null variable. */
static bp_var square_root_of(bp_var v) {
  bp_op op = bp_op_of(v);
  if (op == BP_OP_square || (op == BP_OP_mul && bp_node_of(v)->arg[0] == bp_node_of(v)->arg[1])) return arg_of(v, 0);
  return bp_zero_of(v.graph);
}

static bp_var root_of(bp_var v) {
  bp_op op = bp_op_of(v);
  if (is_view(op)) {
    bp_var inner = root_of(arg_of(v, 0));
    if (inner.id != 0) pass_by(v);
    return inner.id != 0 ? view_as(v, inner) : inner;
  }
  bp_var of = square_root_of(op == BP_OP_sum ? arg_of(v, 0) : v);
  if (of.id == 0) return of;
  pass_by(v);
  if (op == BP_OP_sum) pass_by(arg_of(v, 0));
  return op == BP_OP_sum ? (bp_norm)(of, (unsigned)bp_node_of(v)->attr.bits) : (bp_abs)(of);
}

bp_var bp_square_of_root(bp_var x) { return known(x) && has_root(x, DEPTH) ? without_root(x) : bp_zero_of(x.graph); }

bp_var bp_root_of_square(bp_var x) {
  bp_var none = bp_zero_of(x.graph);
  if (!known(x)) return none;
  bp_op op = bp_op_of(x);
  return op == BP_OP_square || op == BP_OP_mul || op == BP_OP_sum || is_view(op) ? root_of(x) : none;
}

bp_var bp_even_of_root(bp_var x, bp_var (*even)(bp_var)) {
  if (!known(x) || bp_op_of(x) != BP_OP_abs) return bp_zero_of(x.graph);
  pass_by(x);
  return even(arg_of(x, 0));
}

bp_var bp_product_of_roots(bp_var a, bp_var b) {
  bp_var none = bp_zero_of(a.graph);
  if (!known(a) || !known(b) || a.graph != b.graph) return none;
  bp_op op = bp_op_of(b);
  if (op != BP_OP_abs && op != BP_OP_norm) return a.id == b.id ? bp_square_of_root(a) : none;
  if (same(a, b)) return pass_by(b), without_root(a);
  if (bp_op_of(a) != BP_OP_mul) return none;
  for (int i = 0; i < 2; i++) /* (c ‖x‖) ‖x‖ */
    if (same(arg_of(a, i), b)) {
      pass_by(a), pass_by(arg_of(a, i));
      return (bp_mul)(arg_of(a, 1 - i), without_root(b));
    }
  return none;
}

bp_var bp_power_of_root(bp_var x, bp_var exponent) {
  double k, half;
  bp_var none = bp_zero_of(x.graph);
  if (!known(x) || !known(exponent) || !bp_var_constant(exponent, &k) || !has_root(x, DEPTH)) return none;
  half = k / 2;
  if (half == 0 || half != (double)(int)half || half > 1e6 || half < -1e6) return none;
  bp_var square = without_root(x);
  return half == 1 ? square : (bp_pow)(square, bp_scalar(x.graph, bp_dtype_of(exponent), half));
}
