/* custom_op_rules.c - derivatives of operations of the user: from callbacks that emit nodes, or that compute numbers. Floor:
 * autodiff.
 *
 * From a VJP alone the JVP follows, since x_bar = Jᵀ u is linear in u: its own cotangent along x_dot is J x_dot. The other way
 * round the same.
 */
#include "autodiff/rules.h"
#include "base/fail.h"
#include "graph/custom_node.h"

/* A call of the user's operation, with all its arguments. */
typedef struct custom_call {
  bp_graph *graph;
  const bp_custom_info *info;
  bp_var y;
  bp_var *x;
} custom_call;

static bool begin(const bp_call *c, custom_call *call) {
  bp_graph *g = c->y.graph;
  *call = (custom_call){.graph = g, .info = bp_custom_info_of(bp_node_of(c->y)), .y = c->y};
  call->x = bp_alloc(g->ctx, (size_t)c->arity, sizeof *call->x);
  if (call->x == NULL)
    return (void)bp_graph_fail(g, BP_E_NOMEM, "out of memory for the derivative of '%s'", call->info->op.name), false;
  for (int i = 0; i < c->arity; i++) call->x[i] = bp_call_arg(c, i);
  return true;
}

static void end(const bp_call *c, const custom_call *call) {
  bp_release(bp_context_allocator(call->graph->ctx), call->x, (size_t)c->arity, sizeof *call->x);
}

/* What a callback gave back must look like the variable that it belongs to; a null variable is zero. */
static bp_var checked(const custom_call *call, const char *what, size_t i, bp_var given, bp_var like) {
  bp_graph *g = call->graph;
  char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
  if (g->status != BP_OK || given.id == 0) return bp_zero_of(g);
  if (given.graph != g || given.id >= g->size)
    return bp_graph_fail(g, BP_E_ARG, "custom '%s': the %s for argument %zu is no variable of this graph",
                         call->info->op.name, what, i + 1);
  if (bp_shape_equal(bp_shape_of(given), bp_shape_of(like)) && bp_dtype_of(given) == bp_dtype_of(like)) return given;
  return bp_graph_fail(g, BP_E_SHAPE, "custom '%s': the %s for argument %zu is %s%s, expected %s%s",
                       call->info->op.name, what, i + 1, bp_dtype_name(bp_dtype_of(given)),
                       bp_shape_text(bp_shape_of(given), a, sizeof a), bp_dtype_name(bp_dtype_of(like)),
                       bp_shape_text(bp_shape_of(like), b, sizeof b));
}

static bp_var call_jvp(const custom_call *call, size_t i, bp_var x_dot) {
  const bp_custom_op *op = &call->info->op;
  return checked(call, "JVP", i, op->jvp(op->user, call->x, call->info->n_x, i, call->y, x_dot), call->y);
}

static bp_var call_vjp(const custom_call *call, size_t i, bp_var y_bar) {
  const bp_custom_op *op = &call->info->op;
  return checked(call, "VJP", i, op->vjp(op->user, call->x, call->info->n_x, i, call->y, y_bar), call->x[i]);
}

/* The transpose of a linear function that is given as nodes: its result, and the variable that it is linear in. */
static bp_var transpose_of(bp_var result, bp_var of, bp_var seed) {
  bp_var out = bp_zero_of(of.graph);
  if (result.id == 0 || bp_vjp(&result, &seed, 1, &of, 1, &out) != BP_OK) return bp_zero_of(of.graph);
  return out;
}

static bp_var any_like(bp_var x) { return bp_full(x.graph, bp_dtype_of(x), bp_shape_of(x), 0); }

static bp_var tangent_part(const custom_call *call, size_t i, bp_var x_dot) {
  const bp_custom_op *op = &call->info->op;
  if (op->jvp != NULL) return call_jvp(call, i, x_dot);
  if (op->vjp == NULL)
    return bp_graph_fail(call->graph, BP_E_ARG, "custom '%s' has no derivative in forward mode: give it a jvp or a vjp",
                         op->name);
  bp_var u = any_like(call->y);
  return u.id != 0 ? transpose_of(call_vjp(call, i, u), u, x_dot) : u;
}

bp_var bp_custom_op_jvp(const bp_call *c, const bp_var *x_dot) {
  custom_call call;
  bp_var sum = bp_zero_of(c->y.graph);
  if (!begin(c, &call)) return sum;
  for (int i = 0; i < c->arity; i++)
    if (x_dot[i].id != 0) sum = bp_plus(sum, tangent_part(&call, (size_t)i, x_dot[i]));
  end(c, &call);
  return sum;
}

static bp_var cotangent_part(const custom_call *call, size_t i, bp_var y_bar) {
  const bp_custom_op *op = &call->info->op;
  if (op->vjp != NULL) return call_vjp(call, i, y_bar);
  if (op->jvp != NULL) {
    bp_var u = any_like(call->x[i]);
    return u.id != 0 ? transpose_of(call_jvp(call, i, u), u, y_bar) : u;
  }
  if (op->vjp_eval != NULL) return bp_custom_vjp_node(call->y, i, y_bar);
  return bp_graph_fail(call->graph, BP_E_ARG, "custom '%s' has no derivative: give it a vjp, a jvp or a vjp_eval",
                       op->name);
}

bp_var bp_custom_op_vjp(const bp_call *c, int i, bp_var y_bar) {
  custom_call call;
  if (!begin(c, &call)) return bp_zero_of(c->y.graph);
  bp_var part = cotangent_part(&call, (size_t)i, y_bar);
  end(c, &call);
  return part;
}

/* ---- a derivative that is a callback itself ---- */
static bp_var no_second(const bp_call *c) {
  return bp_graph_fail(c->y.graph, BP_E_ARG, "custom '%s': its vjp_eval cannot be differentiated again; give it a vjp",
                       bp_custom_info_of(bp_node_of(c->y))->op.name);
}
bp_var bp_custom_vjp_jvp(const bp_call *c, const bp_var *x_dot) {
  (void)x_dot;
  return no_second(c);
}
bp_var bp_custom_vjp_vjp(const bp_call *c, int i, bp_var y_bar) {
  (void)i, (void)y_bar;
  return no_second(c);
}
