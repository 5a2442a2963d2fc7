/* backward.c - reverse mode on the values of an eager graph, without recording anything. Floor: autodiff.
 *
 * A program of numbers is swept once, downwards, with one adjoint beside each node and the partial derivatives computed as numbers
 * from the same formulas that the graph rules use. Where the way to the variables leads through arrays, loops or other operations,
 * the gradient is recorded as usual, read, and taken off the graph again.
 */
#include <math.h>
#include <string.h>

#include "autodiff/derivative_checks.h"
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
static double num_gaussian(double x) {
  if (fabs(x) > 40) return 0;
  double h = rint(16 * x) / 16; /* whose square is exact */
  return exp(-h * h) * exp((h - x) * (h + x));
}
static double num_log(double x) { return log(x); }
static double num_sin(double x) { return sin(x); }
static double num_cos(double x) { return cos(x); }
static double num_sinh(double x) { return sinh(x); }
static double num_cosh(double x) { return cosh(x); }
static double num_sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double num_tanh(double x) { return tanh(x); }
static double num_tanh_slope(double x, double y) {
  if (fabs(y) < 0.5) return 1 - y * y;
  double e = exp(-fabs(x)), root = 2 * e / (1 + e * e);
  return root * root;
}
static double num_sigmoid_slope(double x, double y) { return x >= 0 ? y * (exp(-x) * y) : y * (1 - y); }
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
static double num_max_share(double a, double b) { return a > b ? 1 : a < b ? 0 : a == b ? 0.5 : a + b; }
static double num_mul_no_nan(double a, double b) { return b == 0 ? 0 : a * b; }
static double num_not_equal(double a, double b) { return a != b; }
static double num_min(double a, double b) { return a <= b ? a : b; }
static double num_greater(double a, double b) { return a > b; }
static double num_equal(double a, double b) { return a == b; }
static double num_less(double a, double b) { return a < b; }
static double num_less_equal(double a, double b) { return a <= b; }
static double num_where(double c, double a, double b) { return c != 0 ? a : b; }

#define V     double
#define F(op) num_##op
#define PARTIAL1(name, formula)                                                                                        \
  static double name##_slope(const double *arg, double y, int i) {                                                     \
    double x = arg[0];                                                                                                 \
    (void)x, (void)y, (void)i;                                                                                         \
    return formula;                                                                                                    \
  }
#define PARTIAL2(name, along_a, along_b)                                                                               \
  static double name##_slope(const double *arg, double y, int i) {                                                     \
    double a = arg[0], b = arg[1];                                                                                     \
    (void)a, (void)b, (void)y;                                                                                         \
    return i == 0 ? along_a : along_b;                                                                                 \
  }
#define PARTIAL3(name, formula)                                                                                        \
  static double name##_slope(const double *arg, double y, int i) {                                                     \
    double x = arg[0], low = arg[1], high = arg[2];                                                                    \
    return formula;                                                                                                    \
  }
#include "autodiff/elementwise_formulas.h"

typedef double (*slope_fn)(const double *arg, double y, int i);
#define RULE(name) [BP_OP_##name] = name##_slope,
static const slope_fn slopes[BP_OP_COUNT] = {PARTIAL_RULES(RULE) RULE(pow)};

/* ---- the sweep ---- */
static bool is_number(const bp_graph *g, const bp_node *n) {
  return n->dtype == BP_F64 && g->shapes[n->shape].rank == 0;
}

/* Adjoints by id, as bits: one NaN stands for what no part has reached, where a 0 is the value of a part. */
#define UNREACHED 0xfff8a5a5a5a5a5a5u
typedef union adjoint {
  double value;
  uint64_t bits;
} adjoint;
typedef struct number_sweep {
  const bp_graph *graph;
  adjoint *bar;
} number_sweep;

static void add_part(number_sweep *s, uint32_t id, double part) {
  adjoint *bar = &s->bar[id];
  bool first = bar->bits == UNREACHED;
  double sum = bar->value + part;
  bar->value = first ? part : sum;
}

/* The parts of one node by its formulas; what a gate holds back reaches nothing. */
static void pull_by_slope(number_sweep *s, const bp_node *n, double y, double y_bar, slope_fn slope) {
  const bp_graph *g = s->graph;
  double arg[3] = {0};
  int arity = bp_op_table[n->op].arity;
  for (int i = 0; i < arity; i++) arg[i] = g->values[n->arg[i]].f64;
  for (int i = 0; i < arity; i++) {
    if (g->nodes[n->arg[i]].op == BP_OP_scalar) continue;
    double partial = slope(arg, y, i);
    if (partial != 0 || !bp_is_gate((bp_op)n->op, i)) add_part(s, n->arg[i], y_bar * partial);
  }
}

/* Adds the parts of one node; false when it is no operation on numbers. */
static bool pull(number_sweep *s, uint32_t id) {
  const bp_graph *g = s->graph;
  const bp_node *n = &g->nodes[id];
  double y_bar = s->bar[id].value;
  switch (n->op) { /* most of a program of numbers */
  case BP_OP_add: add_part(s, n->arg[0], y_bar), add_part(s, n->arg[1], y_bar); return true;
  case BP_OP_sub: add_part(s, n->arg[0], y_bar), add_part(s, n->arg[1], -y_bar); return true;
  case BP_OP_mul:
    add_part(s, n->arg[0], y_bar * g->values[n->arg[1]].f64);
    add_part(s, n->arg[1], y_bar * g->values[n->arg[0]].f64);
    return true;
  default: break;
  }
  bp_op_class op_class = bp_op_table[n->op].op_class;
  if (op_class == BP_CLASS_LEAF || op_class == BP_CLASS_FLAT) return true;
  if (slopes[n->op] == NULL) return false;
  pull_by_slope(s, n, g->values[id].f64, y_bar, slopes[n->op]);
  return true;
}

/* BP_E_ARG, without a message, when the way leads through anything but numbers. */
static bp_status sweep_numbers(bp_var y, const bp_var *x, size_t n_x, void *const *gradient) {
  bp_graph *g = y.graph;
  size_t n = (size_t)y.id + 1;
  number_sweep s = {g, bp_alloc(g->ctx, n, sizeof *s.bar)};
  bool numbers = is_number(g, bp_node_of(y));
  if (s.bar == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < n; i++) s.bar[i].bits = UNREACHED;
  for (size_t j = 0; j < n_x; j++) numbers = numbers && is_number(g, bp_node_of(x[j]));
  s.bar[y.id].value = 1;
  for (uint32_t id = y.id; id >= 1 && numbers; id--)
    if (s.bar[id].bits != UNREACHED) numbers = is_number(g, &g->nodes[id]) && pull(&s, id);
  for (size_t j = 0; j < n_x && numbers; j++) {
    bool reached = x[j].id <= y.id && s.bar[x[j].id].bits != UNREACHED;
    *(double *)gradient[j] = reached ? s.bar[x[j].id].value : 0;
  }
  bp_release(bp_context_allocator(g->ctx), s.bar, n, sizeof *s.bar);
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
  bp_graph *g = bp_graph_of_two(&y, 1, x, n_x);
  if (g == NULL) return BP_E_ARG;
  if (g->status != BP_OK) return bp_graph_refuse(g);
  if (g->values == NULL) return bp_fail(g->ctx, BP_E_ARG, "backward: the graph is not eager; use bp_grad()");
  for (size_t j = 0; j < n_x; j++)
    if (x[j].graph != g || x[j].id == 0 || x[j].id >= g->size)
      return bp_fail(g->ctx, BP_E_ARG, "backward: x %zu is no variable of this graph", j);
  BP_TRY(bp_check_wrt("backward", x, n_x));
  if (y.graph != g || y.id >= g->size) return bp_fail(g->ctx, BP_E_ARG, "backward: y is no variable of this graph");
  if (y.id == 0 || bp_shape_of(y)->rank != 0)
    return bp_fail(g->ctx, BP_E_SHAPE, "backward: y is %s, expected a scalar",
                   y.id == 0 ? "the symbolic zero" : "no scalar");
  bp_status status = sweep_numbers(y, x, n_x, gradient);
  return status == BP_E_ARG ? sweep_recorded(y, x, n_x, gradient) : status;
}
