/* drivers.c - the two loops that differentiate a graph. Ids are topological, so forward mode walks up and reverse mode walks
 * down: no recursion. Floor: autodiff.
 */
#include "autodiff/rules.h"
#include "base/fail.h"

/* ---- checks ---- */
/* Recorded on the graph like the error of a builder, but where the drivers are called is not known. */
#define FAIL(g, code, ...) ((g)->file = NULL, (void)bp_graph_fail((g), (code), __VA_ARGS__), (code))

static bp_status check_vars(bp_graph *g, const char *what, const bp_var *v, size_t n, uint32_t *last) {
  if (g == NULL) return BP_E_ARG;
  if (g->status != BP_OK) return bp_fail(g->ctx, BP_E_GRAPH, "%s", bp_graph_message(g));
  for (size_t i = 0; i < n; i++) {
    if (v[i].graph != g || v[i].id == 0 || v[i].id >= g->size)
      return FAIL(g, BP_E_ARG, "%s %zu is no variable of this graph", what, i);
    if (last != NULL && v[i].id > *last) *last = v[i].id;
  }
  return BP_OK;
}

/* Seeds (cotangents or tangents) must look like the variables that they belong to. */
static bp_status check_seeds(bp_graph *g, const char *what, const bp_var *v, const bp_var *seed, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (seed[i].id == 0) continue;
    if (seed[i].graph != g || seed[i].id >= g->size)
      return FAIL(g, BP_E_ARG, "%s %zu is no variable of this graph", what, i);
    if (!bp_shape_equal(bp_shape_of(v[i]), bp_shape_of(seed[i])) || bp_dtype_of(v[i]) != bp_dtype_of(seed[i])) {
      char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
      return FAIL(g, BP_E_SHAPE, "%s %zu is %s%s, its variable is %s%s; they must be alike", what, i,
                  bp_dtype_name(bp_dtype_of(seed[i])), bp_shape_text(bp_shape_of(seed[i]), a, sizeof a),
                  bp_dtype_name(bp_dtype_of(v[i])), bp_shape_text(bp_shape_of(v[i]), b, sizeof b));
    }
  }
  return BP_OK;
}

static bp_status graph_result(bp_graph *g) {
  return g->status == BP_OK ? BP_OK : bp_fail(g->ctx, g->status, "%s", bp_graph_message(g));
}

/* ---- reverse ---- */
typedef struct sweep {
  bp_graph *graph;
  uint32_t last;    /* largest id that matters */
  uint8_t *active;  /* depends on an x */
  uint8_t *masked;  /* its cotangent came through a where: a zero in it stays a zero */
  uint32_t *derivative; /* by id: tangent or cotangent, 0 none */
} sweep;

static bp_status sweep_init(sweep *s, const bp_var *x, size_t n_x) {
  size_t n = (size_t)s->last + 1;
  s->active = bp_calloc(s->graph->ctx, n, 1);
  s->masked = bp_calloc(s->graph->ctx, n, 1);
  s->derivative = bp_calloc(s->graph->ctx, n, sizeof *s->derivative);
  if (s->active == NULL || s->masked == NULL || s->derivative == NULL) return BP_E_NOMEM;
  bp_mark_active(s->graph, x, n_x, s->last, s->active);
  return BP_OK;
}

static void sweep_release(sweep *s) {
  bp_allocator a = bp_context_allocator(s->graph->ctx);
  size_t n = (size_t)s->last + 1;
  bp_release(a, s->active, n, 1);
  bp_release(a, s->masked, n, 1);
  bp_release(a, s->derivative, n, sizeof *s->derivative);
}

static void add_derivative(sweep *s, uint32_t id, bp_var part) {
  s->derivative[id] = bp_plus((bp_var){s->graph, s->derivative[id]}, part).id;
}

static bp_var cotangent_part(const sweep *s, const bp_call *c, int i, bp_var y_bar) {
  bp_op op = bp_op_of(c->y);
  switch (bp_op_table[op].op_class) {
  case BP_CLASS_ELEMENTWISE:
    return (c->masked ? bp_times_masked : bp_times)(y_bar, bp_partial_rule(op)(c, i));
  case BP_CLASS_LINEAR:
    return bp_transpose_rule(op)(c, i, y_bar);
  case BP_CLASS_CUSTOM:
    return bp_custom_vjp(op)(c, i, y_bar);
  default:
    return bp_zero_of(s->graph);
  }
}

static void pull_back(sweep *s, uint32_t id) {
  bp_call c = bp_call_of(s->graph, id);
  bp_var y_bar = {s->graph, s->derivative[id]};
  c.masked = s->masked[id];
  for (int i = 0; i < c.arity; i++) {
    if (!s->active[c.x[i].id] || !bp_differentiable(s->graph, id, i)) continue;
    bp_var part = cotangent_part(s, &c, i, y_bar);
    if (part.id == 0) continue;
    s->masked[c.x[i].id] |= s->masked[id] || bp_op_of(c.y) == BP_OP_where;
    add_derivative(s, c.x[i].id, part);
  }
}

bp_status bp_vjp(const bp_var *y, const bp_var *y_bar, size_t n_y, const bp_var *x, size_t n_x, bp_var *x_bar) {
  if (n_y == 0 || n_x == 0) return BP_OK;
  bp_status status;
  sweep s = {.graph = y[0].graph};
  BP_TRY(check_vars(s.graph, "vjp: y", y, n_y, &s.last));
  BP_TRY(check_vars(s.graph, "vjp: x", x, n_x, NULL));
  BP_TRY(check_seeds(s.graph, "vjp: cotangent", y, y_bar, n_y));
  BP_TRY_DONE(sweep_init(&s, x, n_x));
  for (size_t i = 0; i < n_y; i++) add_derivative(&s, y[i].id, y_bar[i]);
  for (uint32_t id = s.last; id >= 1 && s.graph->status == BP_OK; id--)
    if (s.derivative[id] != 0 && s.active[id]) pull_back(&s, id);
  BP_TRY_DONE(graph_result(s.graph));
  for (size_t j = 0; j < n_x; j++) x_bar[j] = (bp_var){s.graph, x[j].id <= s.last ? s.derivative[x[j].id] : 0};
done:
  sweep_release(&s);
  return status;
}

/* ---- forward ---- */
static bp_var tangent_of(const sweep *s, uint32_t id) {
  bp_call c = bp_call_of(s->graph, id);
  bp_op op = bp_op_of(c.y);
  bp_op_class op_class = bp_op_table[op].op_class;
  bp_var dot[3], sum = bp_zero_of(s->graph);
  for (int i = 0; i < 3; i++) dot[i] = (bp_var){s->graph, i < c.arity && bp_differentiable(s->graph, id, i) ? s->derivative[c.x[i].id] : 0};
  if (op_class == BP_CLASS_CUSTOM) return bp_custom_jvp(op)(&c, dot);
  for (int i = 0; i < c.arity; i++) {
    if (dot[i].id == 0) continue;
    sum = bp_plus(sum, op_class == BP_CLASS_LINEAR ? bp_linear_rule(op)(&c, i, dot[i])
                                                   : bp_times(dot[i], bp_partial_rule(op)(&c, i)));
  }
  return sum;
}

bp_status bp_jvp(const bp_var *y, size_t n_y, const bp_var *x, const bp_var *x_dot, size_t n_x, bp_var *y_dot) {
  if (n_y == 0) return BP_OK;
  bp_status status;
  sweep s = {.graph = y[0].graph};
  BP_TRY(check_vars(s.graph, "jvp: y", y, n_y, &s.last));
  BP_TRY(check_vars(s.graph, "jvp: x", x, n_x, NULL));
  BP_TRY(check_seeds(s.graph, "jvp: tangent", x, x_dot, n_x));
  BP_TRY_DONE(sweep_init(&s, x, n_x));
  for (size_t j = 0; j < n_x; j++)
    if (x[j].id <= s.last) add_derivative(&s, x[j].id, x_dot[j]);
  for (uint32_t id = 1; id <= s.last && s.graph->status == BP_OK; id++)
    if (s.active[id]) add_derivative(&s, id, tangent_of(&s, id)); /* an x may depend on another one */
  BP_TRY_DONE(graph_result(s.graph));
  for (size_t i = 0; i < n_y; i++) y_dot[i] = (bp_var){s.graph, s.derivative[y[i].id]};
done:
  sweep_release(&s);
  return status;
}

/* ---- made from them ---- */
static void fill_zeros(const bp_var *x, size_t n, bp_var *derivative) {
  for (size_t i = 0; i < n; i++)
    if (derivative[i].id == 0) derivative[i] = bp_full(x[i].graph, bp_dtype_of(x[i]), bp_shape_of(x[i]), 0);
}

bp_status bp_grad(bp_var y, const bp_var *x, size_t n_x, bp_var *gradient) {
  bp_graph *g = y.graph;
  BP_TRY(check_vars(g, "grad: y", &y, 1, NULL));
  if (bp_shape_of(y)->rank != 0) {
    char text[BP_SHAPE_TEXT];
    return FAIL(g, BP_E_SHAPE, "grad: y is %s, expected a scalar; sum it, or use bp_vjp",
                bp_var_shape_text(y, text, sizeof text));
  }
  bp_var one = bp_number(y, 1);
  BP_TRY(bp_vjp(&y, &one, 1, x, n_x, gradient));
  fill_zeros(x, n_x, gradient);
  return graph_result(g);
}

bp_status bp_hvp(bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *hv) {
  if (y.graph == NULL) return BP_E_ARG;
  bp_context *ctx = y.graph->ctx;
  bp_var *gradient = bp_alloc(ctx, n_x, sizeof *gradient);
  if (gradient == NULL) return BP_E_NOMEM;
  bp_status status = bp_grad(y, x, n_x, gradient);
  if (status == BP_OK) status = bp_jvp(gradient, n_x, x, v, n_x, hv);
  bp_release(bp_context_allocator(ctx), gradient, n_x, sizeof *gradient);
  if (status != BP_OK) return status;
  fill_zeros(x, n_x, hv);
  return graph_result(y.graph);
}
