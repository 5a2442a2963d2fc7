/* rules.c - what both drivers share: calls, activity, and arithmetic in which zeros and ones disappear. Floor: autodiff. */
#include "autodiff/rules.h"

bp_call bp_call_of(bp_graph *g, uint32_t id) {
  const bp_node *n = &g->nodes[id];
  bp_call c = {
      .y = {g, id}, .arity = bp_node_arity(n), .axis = n->axis, .bits = n->attr.bits, .support = bp_zero_of(g)};
  for (int i = 0; i < 3; i++) c.x[i] = (bp_var){g, i < c.arity ? bp_node_args(g, n)[i] : 0};
  return c;
}

bp_var bp_call_arg(const bp_call *c, int i) {
  bp_graph *g = c->y.graph;
  return (bp_var){g, bp_node_args(g, &g->nodes[c->y.id])[i]};
}

bp_var bp_number(bp_var x, double value) { return bp_scalar(x.graph, bp_dtype_of(x), value); }

bp_var bp_plus(bp_var a, bp_var b) {
  if (a.id == 0) return b;
  if (b.id == 0) return a;
  return bp_add(a, b);
}

/* 1 · partial, in the shape that a product would have. */
static bool is_one(bp_var derivative, bp_var partial, bp_var *product) {
  double k;
  bp_shape both;
  if (!bp_var_constant(derivative, &k) || k != 1) return false;
  if (!bp_shape_broadcast(bp_shape_of(derivative), bp_shape_of(partial), &both)) return false;
  *product = bp_broadcast_like(partial, &both);
  return true;
}

bp_var bp_times(bp_var derivative, bp_var partial) {
  double k;
  if (derivative.id == 0 || partial.id == 0) return bp_zero_of(derivative.graph);
  if (bp_var_constant(partial, &k)) {
    if (k == 1) return derivative;
    if (k == -1) return bp_neg(derivative);
    if (k == 0) return bp_zero_of(derivative.graph);
  }
  bp_var product;
  return is_one(derivative, partial, &product) ? product : bp_mul(derivative, partial);
}

bool bp_is_gate(bp_op op, int i) {
  switch (op) {
  case BP_OP_relu:
  case BP_OP_max:
  case BP_OP_min:
  case BP_OP_clip: return true;
  case BP_OP_mul_no_nan: return i == 0;
  case BP_OP_tanh_slope:
  case BP_OP_sigmoid_slope:
  case BP_OP_tanh_unit_slope:
  case BP_OP_sigmoid_unit_slope: return i == 1; /* the function at argument 0: nothing comes through it */
  default: return false;
  }
}

bp_var bp_product(bp_var derivative, bp_var partial, bp_var support, bool gate) {
  double k;
  if (derivative.id == 0 || partial.id == 0 || bp_var_constant(partial, &k)) return bp_times(derivative, partial);
  if (!gate && support.id == derivative.id) return bp_mul_no_nan(partial, derivative);
  bp_var product;
  if (!is_one(derivative, partial, &product))
    product = gate ? bp_mul_no_nan(derivative, partial) : bp_mul(derivative, partial);
  return support.id != 0 ? bp_where(support, product, bp_number(product, 0)) : product;
}

bool bp_differentiable(bp_graph *g, uint32_t id, int arg) {
  const bp_node *n = &g->nodes[id];
  bp_op_class c = bp_op_table[n->op].op_class;
  if (n->op == BP_OP_where && arg == 0) return false; /* the condition */
  if (n->op == BP_OP_call) return bp_dtype_is_real((bp_dtype)g->nodes[bp_node_args(g, n)[arg]].dtype);
  if (n->op == BP_OP_result) return bp_dtype_is_real((bp_dtype)n->dtype); /* its argument is the block of a call */
  return c != BP_CLASS_LEAF && c != BP_CLASS_FLAT && bp_dtype_is_real((bp_dtype)n->dtype) &&
         bp_dtype_is_real((bp_dtype)g->nodes[bp_node_args(g, n)[arg]].dtype);
}

void bp_mark_active(bp_graph *g, const bp_var *x, size_t n_x, uint32_t last, uint8_t *active) {
  for (size_t i = 0; i < n_x; i++)
    if (x[i].id <= last) active[x[i].id] = 1;
  active[0] = 0;
  for (uint32_t id = 1; id <= last; id++)
    for (int a = 0; !active[id] && a < bp_node_arity(&g->nodes[id]); a++)
      if (active[bp_node_args(g, &g->nodes[id])[a]] && bp_differentiable(g, id, a)) active[id] = 1;
}

bp_status bp_mark_between(const bp_var *y, size_t n_y, const bp_var *x, size_t n_x, uint8_t *active) {
  bp_graph *g = y[0].graph;
  uint32_t last = 0;
  for (size_t i = 0; i < n_y; i++) last = y[i].id > last ? y[i].id : last;
  uint8_t *needed = bp_calloc(g->ctx, (size_t)last + 1, 1);
  if (needed == NULL) return BP_E_NOMEM;
  bp_mark_active(g, x, n_x, last, active);
  for (size_t i = 0; i < n_y; i++) needed[y[i].id] = 1;
  for (uint32_t id = last; id >= 1; id--) {
    active[id] = active[id] && needed[id];
    for (int i = 0; active[id] && i < bp_node_arity(&g->nodes[id]); i++)
      if (bp_differentiable(g, id, i)) needed[bp_node_args(g, &g->nodes[id])[i]] = 1;
  }
  bp_release(bp_context_allocator(g->ctx), needed, (size_t)last + 1, 1);
  return BP_OK;
}
