/* drivers.c - the two loops that differentiate a graph. Ids are topological, so forward mode walks up and reverse mode walks
 * down: no recursion. Floor: autodiff.
 */
#include "autodiff/call_rules.h"
#include "autodiff/derivative_checks.h"
#include "autodiff/pieces.h"
#include "base/fail.h"

/* ---- checks ---- */
static bp_status check_vars(bp_graph *g, const char *what, const bp_var *v, size_t n, uint32_t *last) {
  for (size_t i = 0; i < n; i++) {
    if (v[i].graph != g || v[i].id == 0 || v[i].id >= g->size)
      return BP_REFUSE(g, BP_E_ARG, "%s %zu is no variable of this graph", what, i);
    if (last != NULL && v[i].id > *last) *last = v[i].id;
  }
  return BP_OK;
}

/* Seeds (cotangents or tangents) must look like the variables that they belong to. */
static bp_status check_seeds(bp_graph *g, const char *what, const bp_var *v, const bp_var *seed, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (seed[i].id == 0) continue;
    if (seed[i].graph != g || seed[i].id >= g->size)
      return BP_REFUSE(g, BP_E_ARG, "%s %zu is no variable of this graph", what, i);
    if (!bp_shape_equal(bp_shape_of(v[i]), bp_shape_of(seed[i])) || bp_dtype_of(v[i]) != bp_dtype_of(seed[i])) {
      char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
      return BP_REFUSE(g, BP_E_SHAPE, "%s %zu is %s%s, its variable is %s%s; they must be alike", what, i,
                       bp_dtype_name(bp_dtype_of(seed[i])), bp_shape_text(bp_shape_of(seed[i]), a, sizeof a),
                       bp_dtype_name(bp_dtype_of(v[i])), bp_shape_text(bp_shape_of(v[i]), b, sizeof b));
    }
  }
  return BP_OK;
}

/* ---- reverse ---- */
typedef struct sweep {
  bp_graph *graph;
  uint32_t last;      /* largest id that matters */
  uint8_t *active;    /* depends on an x, and a y depends on it */
  uint8_t *keep;      /* its support is wanted: see slope.h */
  bp_slope *slope;    /* by id: tangent or cotangent */
  bp_pieces elements; /* reverse: cotangents of elements of variables that are still to come */
} sweep;

static bp_status sweep_init(sweep *s, const bp_var *y, size_t n_y, const bp_var *x, size_t n_x, bool reverse) {
  size_t n = (size_t)s->last + 1;
  s->active = bp_calloc(s->graph->ctx, n, 1);
  s->keep = bp_calloc(s->graph->ctx, n, 1);
  s->slope = bp_calloc(s->graph->ctx, n, sizeof *s->slope);
  if (s->active == NULL || s->keep == NULL || s->slope == NULL) return BP_E_NOMEM;
  BP_TRY(bp_mark_between(y, n_y, x, n_x, s->active));
  bp_mark_products(s->graph, s->active, s->last, reverse, s->keep);
  return BP_OK;
}

static void sweep_release(sweep *s) {
  bp_allocator a = bp_context_allocator(s->graph->ctx);
  size_t n = (size_t)s->last + 1;
  bp_release(a, s->active, n, 1);
  bp_release(a, s->keep, n, 1);
  bp_release(a, s->slope, n, sizeof *s->slope);
  bp_pieces_release(&s->elements);
}

static void add_slope(sweep *s, uint32_t id, bp_slope part) {
  s->slope[id] = bp_slope_plus(s->graph, s->slope[id], part);
}
/* A derivative without structural zeros. */
static void add_derivative(sweep *s, uint32_t id, bp_var part) { add_slope(s, id, (bp_slope){.var = part.id}); }
static bp_var derivative_of(const sweep *s, uint32_t id) {
  return (bp_var){s->graph, id <= s->last ? s->slope[id].var : 0};
}

static bp_slope cotangent_part(const bp_call *c, int i, bp_slope y_bar, bool keep) {
  bp_op op = bp_op_of(c->y);
  switch (bp_op_table[op].op_class) {
  case BP_CLASS_ELEMENTWISE: return bp_slope_elementwise(c, i, y_bar, keep);
  case BP_CLASS_LINEAR: return bp_slope_linear(c, i, y_bar, bp_transpose_rule(op), true, keep);
  case BP_CLASS_CUSTOM: return bp_slope_vjp(c, i, y_bar, keep);
  default: return (bp_slope){0};
  }
}

static bool call_ok(bp_graph *g, bp_status status) {
  if (status != BP_OK) (void)bp_graph_fail(g, status, "inside a branch or loop: %s", bp_error_message(g->ctx));
  return status == BP_OK;
}

/* A result hands its cotangent to nobody by itself: it marks its call, which asks all its results when it is reached. */
static void pull_back_call(sweep *s, uint32_t id) {
  bp_graph *g = s->graph;
  const bp_call_info *info = bp_call_info_of(&g->nodes[id]);
  bp_var *bars = bp_vars_alloc(g, info->l.n_results + info->l.n_args);
  if (bars == NULL) return;
  for (size_t i = 0; i < info->l.n_results; i++) bars[i] = derivative_of(s, id + 1 + (uint32_t)i);
  if (!call_ok(g, bp_call_vjp((bp_var){g, id}, bars, bars + info->l.n_results))) return;
  for (size_t i = 0; i < info->l.n_args; i++) {
    uint32_t x = bp_node_args(g, &g->nodes[id])[i];
    if (s->active[x] && bars[info->l.n_results + i].id != 0) add_derivative(s, x, bars[info->l.n_results + i]);
  }
}

static void pull_back(sweep *s, uint32_t id) {
  bp_op op = (bp_op)s->graph->nodes[id].op;
  if (op == BP_OP_result) s->slope[s->graph->nodes[id].arg[0]].var = id;
  if (op == BP_OP_call) pull_back_call(s, id);
  if (bp_op_table[op].op_class == BP_CLASS_CALL) return;
  bp_call c = bp_call_of(s->graph, id);
  bp_slope y_bar = s->slope[id];
  for (int i = 0; i < c.arity; i++) {
    uint32_t x = bp_call_arg(&c, i).id;
    if (!s->active[x] || !bp_differentiable(s->graph, id, i) || bp_pieces_keep(&s->elements, id, y_bar) != 0) continue;
    add_slope(s, x, cotangent_part(&c, i, y_bar, s->keep[x]));
  }
}

static bp_status cotangents(bp_graph *g, const bp_var *y, const bp_var *y_bar, size_t n_y, const bp_var *x, size_t n_x,
                            bp_var *x_bar) {
  bp_status status;
  sweep s = {.graph = g};
  BP_TRY(check_vars(s.graph, "vjp: y", y, n_y, &s.last));
  BP_TRY(check_vars(s.graph, "vjp: x", x, n_x, NULL));
  BP_TRY(bp_check_wrt("vjp", x, n_x));
  for (size_t j = 0; j < n_x && n_y == 0; j++) x_bar[j] = bp_zero_of(g);
  if (n_y == 0) return BP_OK;
  BP_TRY(check_seeds(s.graph, "vjp: cotangent", y, y_bar, n_y));
  BP_TRY_DONE(sweep_init(&s, y, n_y, x, n_x, true));
  BP_TRY_DONE(bp_pieces_init(&s.elements, s.graph, s.last, x, n_x));
  for (size_t i = 0; i < n_y; i++) add_slope(&s, y[i].id, bp_slope_seed(y_bar[i]));
  for (uint32_t id = s.last; id >= 1 && s.graph->status == BP_OK; id--) {
    add_slope(&s, id, bp_pieces_take(&s.elements, id, s.keep[id]));
    if (s.slope[id].var != 0 && s.active[id]) pull_back(&s, id);
  }
  BP_TRY_DONE(bp_graph_result(s.graph));
  for (size_t j = 0; j < n_x; j++) x_bar[j] = derivative_of(&s, x[j].id);
done:
  sweep_release(&s);
  return status;
}

bp_status bp_vjp(const bp_var *y, const bp_var *y_bar, size_t n_y, const bp_var *x, size_t n_x, bp_var *x_bar) {
  if (n_y == 0 && n_x == 0) return BP_OK;
  bp_delivery d = bp_deliver(bp_graph_of_two(y, n_y, x, n_x), x_bar, n_x);
  return d.status == BP_OK ? bp_delivered(&d, cotangents(d.graph, y, y_bar, n_y, x, n_x, x_bar)) : d.status;
}

/* ---- forward ---- */
static void push_forward_call(sweep *s, uint32_t id, bp_var *dot) {
  bp_graph *g = s->graph;
  const bp_call_info *info = bp_call_info_of(&g->nodes[id]);
  bp_var *dots = bp_vars_alloc(g, info->l.n_results);
  if (dots == NULL) return;
  for (size_t i = 0; i < info->l.n_args; i++) {
    uint32_t x = bp_node_args(g, &g->nodes[id])[i];
    dot[i] = bp_differentiable(g, id, (int)i) ? derivative_of(s, x) : bp_zero_of(g);
  }
  if (!call_ok(g, bp_call_jvp((bp_var){g, id}, dot, dots))) return;
  for (size_t i = 0; i < info->l.n_results && id + 1 + i <= s->last; i++)
    add_derivative(s, id + 1 + (uint32_t)i, dots[i]);
}

/* Room for the tangents of the arguments of one node: three at least. */
typedef struct tangents {
  bp_slope *dot;
  bp_var *scratch;
  size_t n;
} tangents;

static bp_slope tangent_of(const sweep *s, uint32_t id, const tangents *t) {
  bp_call c = bp_call_of(s->graph, id);
  bp_op op = bp_op_of(c.y);
  bp_op_class op_class = bp_op_table[op].op_class;
  bp_slope sum = {0};
  for (int i = 0; i < 3; i++) t->dot[i] = sum;
  for (int i = 0; i < c.arity; i++)
    t->dot[i] = bp_differentiable(s->graph, id, i) ? s->slope[bp_call_arg(&c, i).id] : sum;
  if (op_class == BP_CLASS_CUSTOM) return bp_slope_jvp(&c, t->dot, t->scratch, s->keep[id]);
  for (int i = 0; i < c.arity; i++) {
    if (t->dot[i].var == 0) continue;
    sum = bp_slope_plus(s->graph, sum,
                        op_class == BP_CLASS_LINEAR
                            ? bp_slope_linear(&c, i, t->dot[i], bp_linear_rule(op), false, s->keep[id])
                            : bp_slope_elementwise(&c, i, t->dot[i], s->keep[id]));
  }
  return sum;
}

static bp_status tangents_init(const sweep *s, tangents *t) {
  for (uint32_t id = 1; id <= s->last; id++)
    if (s->active[id] && (size_t)bp_node_arity(&s->graph->nodes[id]) > t->n)
      t->n = (size_t)bp_node_arity(&s->graph->nodes[id]);
  t->dot = bp_alloc(s->graph->ctx, t->n, sizeof *t->dot);
  t->scratch = bp_alloc(s->graph->ctx, t->n, sizeof *t->scratch);
  return t->dot != NULL && t->scratch != NULL ? BP_OK : BP_E_NOMEM;
}

static void push_forward(sweep *s, const tangents *t) {
  for (uint32_t id = 1; id <= s->last && s->graph->status == BP_OK; id++) {
    if (!s->active[id] || s->graph->nodes[id].op == BP_OP_result) continue;
    if (s->graph->nodes[id].op == BP_OP_call)
      push_forward_call(s, id, t->scratch);
    else
      add_slope(s, id, tangent_of(s, id, t)); /* an x may depend on another one */
  }
}

static bp_status tangents_of(bp_graph *g, const bp_var *y, size_t n_y, const bp_var *x, const bp_var *x_dot, size_t n_x,
                             bp_var *y_dot) {
  bp_status status;
  sweep s = {.graph = g};
  tangents t = {.n = 3};
  BP_TRY(check_vars(s.graph, "jvp: y", y, n_y, &s.last));
  BP_TRY(check_vars(s.graph, "jvp: x", x, n_x, NULL));
  BP_TRY(bp_check_wrt("jvp", x, n_x));
  if (n_y == 0) return BP_OK;
  BP_TRY(check_seeds(s.graph, "jvp: tangent", x, x_dot, n_x));
  BP_TRY_DONE(sweep_init(&s, y, n_y, x, n_x, false));
  BP_TRY_DONE(tangents_init(&s, &t));
  for (size_t j = 0; j < n_x; j++)
    if (x[j].id <= s.last) add_slope(&s, x[j].id, bp_slope_seed(x_dot[j]));
  push_forward(&s, &t);
  BP_TRY_DONE(bp_graph_result(s.graph));
  for (size_t i = 0; i < n_y; i++) y_dot[i] = derivative_of(&s, y[i].id);
done:
  bp_release(bp_context_allocator(s.graph->ctx), t.dot, t.n, sizeof *t.dot);
  bp_release(bp_context_allocator(s.graph->ctx), t.scratch, t.n, sizeof *t.scratch);
  sweep_release(&s);
  return status;
}

bp_status bp_jvp(const bp_var *y, size_t n_y, const bp_var *x, const bp_var *x_dot, size_t n_x, bp_var *y_dot) {
  if (n_y == 0 && n_x == 0) return BP_OK;
  bp_delivery d = bp_deliver(bp_graph_of_two(y, n_y, x, n_x), y_dot, n_y);
  return d.status == BP_OK ? bp_delivered(&d, tangents_of(d.graph, y, n_y, x, x_dot, n_x, y_dot)) : d.status;
}

/* ---- made from them ---- */
static bp_var or_zeros(bp_var derivative, bp_var x) {
  return derivative.id != 0 ? derivative : bp_full(x.graph, bp_dtype_of(x), bp_shape_of(x), 0);
}

/* work[n_x] */
static bp_status dense_gradient(bp_graph *g, bp_var y, const bp_var *x, size_t n_x, bp_var *work, bp_var *gradient) {
  BP_TRY(check_vars(g, "grad: y", &y, 1, NULL));
  BP_TRY(check_vars(g, "vjp: x", x, n_x, NULL)); /* before anything is appended */
  if (bp_shape_of(y)->rank != 0) {
    char text[BP_SHAPE_TEXT];
    return BP_REFUSE(g, BP_E_SHAPE, "grad: y is %s, expected a scalar; sum it, or use bp_vjp",
                     bp_var_shape_text(y, text, sizeof text));
  }
  bp_var one = bp_number(y, 1);
  BP_TRY(bp_vjp(&y, &one, 1, x, n_x, work));
  for (size_t j = 0; j < n_x; j++) gradient[j] = or_zeros(work[j], x[j]);
  return BP_OK;
}

bp_status bp_grad(bp_var y, const bp_var *x, size_t n_x, bp_var *gradient) {
  bp_delivery d = bp_deliver(bp_graph_of_two(&y, 1, x, n_x), gradient, n_x);
  if (d.status != BP_OK) return d.status;
  bp_var *work = bp_alloc(d.graph->ctx, n_x, sizeof *work);
  bp_status status = work != NULL ? dense_gradient(d.graph, y, x, n_x, work, gradient) : BP_E_NOMEM;
  bp_release(bp_context_allocator(d.graph->ctx), work, n_x, sizeof *work);
  return bp_delivered(&d, status);
}

/* work[2 n_x]: the gradient, and its tangents. */
static bp_status dense_hvp(bp_graph *g, bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *work,
                           bp_var *hv) {
  BP_TRY(bp_check_known(g, "hvp: v", v, n_x));
  BP_TRY(bp_grad(y, x, n_x, work));
  BP_TRY(bp_jvp(work, n_x, x, v, n_x, work + n_x));
  for (size_t j = 0; j < n_x; j++) hv[j] = or_zeros(work[n_x + j], x[j]);
  return BP_OK;
}

bp_status bp_hvp(bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *hv) {
  bp_delivery d = bp_deliver(bp_graph_of_two(&y, 1, x, n_x), hv, n_x);
  if (d.status != BP_OK) return d.status;
  bp_var *work = bp_alloc(d.graph->ctx, n_x, 2 * sizeof *work);
  bp_status status = work != NULL ? dense_hvp(d.graph, y, x, v, n_x, work, hv) : BP_E_NOMEM;
  bp_release(bp_context_allocator(d.graph->ctx), work, n_x, 2 * sizeof *work);
  return bp_delivered(&d, status);
}
