/* backward.c - reverse mode on the values of an eager graph, without recording anything. Floor: autodiff.
 *
 * A program of numbers is swept once, downwards, with one adjoint beside each node and the partial derivatives computed as numbers
 * from the same formulas that the graph rules use. Where the way to the variables leads through arrays, loops or other operations,
 * the gradient is recorded as usual, read, and taken off the graph again.
 */
#include <math.h>
#include <string.h>

#include "autodiff/rules.h"
#include "base/fail.h"

/* ---- the formulas on numbers ---- */
static double num_number(double like, double value) {
  (void)like;
  return value;
}
static double num_stop_gradient(double x) { return x; }
static double num_neg(double x) { return -x; }
static double num_abs(double x) { return fabs(x); }
static double num_sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static double num_square(double x) { return x * x; }
static double num_reciprocal(double x) { return 1 / x; }
static double num_rsqrt(double x) { return 1 / sqrt(x); }
static double num_exp(double x) { return exp(x); }
static double num_log(double x) { return log(x); }
static double num_sin(double x) { return sin(x); }
static double num_cos(double x) { return cos(x); }
static double num_sinh(double x) { return sinh(x); }
static double num_cosh(double x) { return cosh(x); }
static double num_sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double num_digamma(double x) {
  double y;
  bp_kernels_use()->ew[BP_KF64][BP_EW_digamma](&y, (const void *[]){&x, NULL, NULL}, 1);
  return y;
}
static double num_add(double a, double b) { return a + b; }
static double num_sub(double a, double b) { return a - b; }
static double num_mul(double a, double b) { return a * b; }
static double num_div(double a, double b) { return a / b; }
static double num_pow(double a, double b) { return pow(a, b); }
static double num_max(double a, double b) { return a >= b ? a : b; }
static double num_equal(double a, double b) { return a == b; }
static double num_less(double a, double b) { return a < b; }
static double num_less_equal(double a, double b) { return a <= b; }
static double num_greater(double a, double b) { return a > b; }
static double num_greater_equal(double a, double b) { return a >= b; }
static double num_where(double c, double a, double b) { return c != 0 ? a : b; }

#define V     double
#define F(op) num_##op
#define PARTIAL1(name, formula)                                                                                        \
  static double name##_slope(double x, double b, double y, int i) {                                                    \
    (void)x, (void)b, (void)y, (void)i;                                                                                \
    return formula;                                                                                                    \
  }
#define PARTIAL2(name, along_a, along_b)                                                                               \
  static double name##_slope(double a, double b, double y, int i) {                                                    \
    (void)a, (void)b, (void)y;                                                                                         \
    return i == 0 ? along_a : along_b;                                                                                 \
  }
#include "autodiff/elementwise_formulas.h"

typedef double (*slope_fn)(double a, double b, double y, int i);
#define RULE(name) [BP_OP_##name] = name##_slope,
static const slope_fn slopes[BP_OP_COUNT] = {PARTIAL_RULES(RULE)};

/* ---- the sweep ---- */
static bool is_number(const bp_graph *g, const bp_node *n) {
  return n->dtype == BP_F64 && g->shapes[n->shape].rank == 0;
}

/* Adds the parts of one node; false when it is no operation on numbers. */
static bool pull(const bp_graph *g, const bp_node *n, double y, double y_bar, double *bar) {
  bp_op_class op_class = bp_op_table[n->op].op_class;
  if (op_class == BP_CLASS_LEAF || op_class == BP_CLASS_FLAT) return true;
  switch (n->op) { /* most of a program of numbers */
  case BP_OP_add: bar[n->arg[0]] += y_bar, bar[n->arg[1]] += y_bar; return true;
  case BP_OP_sub: bar[n->arg[0]] += y_bar, bar[n->arg[1]] -= y_bar; return true;
  case BP_OP_mul:
    bar[n->arg[0]] += y_bar * g->values[n->arg[1]].f64;
    bar[n->arg[1]] += y_bar * g->values[n->arg[0]].f64;
    return true;
  default: break;
  }
  slope_fn slope = slopes[n->op];
  if (slope == NULL) return false;
  const bp_node *nodes = g->nodes;
  double a = g->values[n->arg[0]].f64, b = bp_op_table[n->op].arity > 1 ? g->values[n->arg[1]].f64 : 0;
  for (int i = 0; i < bp_op_table[n->op].arity; i++)
    if (nodes[n->arg[i]].op != BP_OP_scalar) bar[n->arg[i]] += y_bar * slope(a, b, y, i);
  return true;
}

/* BP_E_ARG, without a message, when the way leads through anything but numbers. */
static bp_status sweep_numbers(bp_var y, const bp_var *x, size_t n_x, void *const *gradient) {
  bp_graph *g = y.graph;
  size_t n = (size_t)y.id + 1;
  double *bar = bp_calloc(g->ctx, n, sizeof *bar);
  bool numbers = is_number(g, bp_node_of(y));
  if (bar == NULL) return BP_E_NOMEM;
  for (size_t j = 0; j < n_x; j++) numbers = numbers && is_number(g, bp_node_of(x[j]));
  bar[y.id] = 1;
  for (uint32_t id = y.id; id >= 1 && numbers; id--) {
    const bp_node *node = &g->nodes[id];
    if (bar[id] != 0) numbers = is_number(g, node) && pull(g, node, g->values[id].f64, bar[id], bar);
  }
  for (size_t j = 0; j < n_x && numbers; j++) *(double *)gradient[j] = x[j].id <= y.id ? bar[x[j].id] : 0;
  bp_release(bp_context_allocator(g->ctx), bar, n, sizeof *bar);
  return numbers ? BP_OK : BP_E_ARG;
}

static bp_status sweep_recorded(bp_var y, const bp_var *x, size_t n_x, void *const *gradient) {
  bp_graph *g = y.graph;
  size_t mark = g->size;
  bp_var *bars = bp_alloc(g->ctx, n_x, sizeof *bars);
  if (bars == NULL) return BP_E_NOMEM;
  bp_status status = bp_grad(y, x, n_x, bars);
  for (size_t j = 0; status == BP_OK && j < n_x; j++)
    memcpy(gradient[j], bp_values(bars[j]),
           (size_t)bp_shape_elements(bp_shape_of(x[j]), 0) * bp_dtype_size(bp_dtype_of(x[j])));
  bp_release(bp_context_allocator(g->ctx), bars, n_x, sizeof *bars);
  bp_graph_rewind(g, mark);
  return status;
}

bp_status bp_backward(bp_var y, const bp_var *x, size_t n_x, void *const *gradient) {
  bp_graph *g = y.graph;
  if (g->status != BP_OK) return bp_fail(g->ctx, BP_E_GRAPH, "%s", bp_graph_message(g));
  if (g->values == NULL) return bp_fail(g->ctx, BP_E_ARG, "backward: the graph is not eager; use bp_grad()");
  for (size_t j = 0; j < n_x; j++)
    if (x[j].graph != g || x[j].id == 0 || x[j].id >= g->size)
      return bp_fail(g->ctx, BP_E_ARG, "backward: x %zu is no variable of this graph", j);
  if (y.id == 0 || y.id >= g->size || bp_shape_of(y)->rank != 0)
    return bp_fail(g->ctx, BP_E_SHAPE, "backward: y is %s, expected a scalar",
                   y.id == 0 ? "the symbolic zero" : "no scalar");
  bp_status status = sweep_numbers(y, x, n_x, gradient);
  return status == BP_E_ARG ? sweep_recorded(y, x, n_x, gradient) : status;
}
