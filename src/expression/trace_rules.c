/* trace_rules.c - how operations and their derivatives are written in a trace, in the words of the expression language.
 * The same mathematics as autodiff/elementwise_formulas.h, for people: a test compares the two. Floor: expression.
 */
#include <stdio.h>

#include "expression/tracing.h"

#define RULE1(e, a)                                                                                                    \
  {                                                                                                                    \
    .expression = (e), .adjoint = { a }                                                                                \
  }
#define RULE2(e, a1, a2)                                                                                               \
  {                                                                                                                    \
    .expression = (e), .adjoint = { a1, a2 }                                                                           \
  }
#define RULE3(e, a1, a2, a3)                                                                                           \
  {                                                                                                                    \
    .expression = (e), .adjoint = { a1, a2, a3 }                                                                       \
  }
#define RULE1T(e, a, t)                                                                                                \
  {                                                                                                                    \
    .expression = (e), .adjoint = {a}, .tangent = { t }                                                                \
  }
#define RULE2T(e, a1, a2, t1, t2)                                                                                      \
  {                                                                                                                    \
    .expression = (e), .adjoint = {a1, a2}, .tangent = { t1, t2 }                                                      \
  }

#define OP1(name, ...)       [BP_OP_##name] = RULE1(__VA_ARGS__)
#define OP2(name, ...)       [BP_OP_##name] = RULE2(__VA_ARGS__)
#define OP3(name, ...)       [BP_OP_##name] = RULE3(__VA_ARGS__)
#define OP1T(name, ...)      [BP_OP_##name] = RULE1T(__VA_ARGS__)
#define OP2T(name, ...)      [BP_OP_##name] = RULE2T(__VA_ARGS__)
#define CALL1(name, partial) OP1(name, #name "($1)", partial)
#define FLAT1(name)          [BP_OP_##name] = {.expression = #name "($1)"}
#define FLAT2(name, sign)    [BP_OP_##name] = {.expression = "$1 " sign " $2"}

static const bp_trace_rule rules[BP_OP_COUNT] = {
    CALL1(abs, "$d*sign($1)"),
    CALL1(reciprocal, "-$d*$y^2"),
    CALL1(sqrt, "$d*0.5/$y"),
    CALL1(rsqrt, "-$d*0.5*$y/$1"),
    CALL1(exp, "$d*$y"),
    CALL1(expm1, "$d*exp($1)"),
    CALL1(log, "$d/$1"),
    CALL1(log1p, "$d/(1 + $1)"),
    CALL1(log2, "$d/($1*log(2))"),
    CALL1(log10, "$d/($1*log(10))"),
    CALL1(sin, "$d*cos($1)"),
    CALL1(cos, "-$d*sin($1)"),
    CALL1(tan, "$d*(1 + $y^2)"),
    CALL1(asin, "$d/sqrt(1 - $1^2)"),
    CALL1(acos, "-$d/sqrt(1 - $1^2)"),
    CALL1(atan, "$d/(1 + $1^2)"),
    CALL1(sinh, "$d*cosh($1)"),
    CALL1(cosh, "$d*sinh($1)"),
    CALL1(tanh, "$d*(1 - $y^2)"),
    CALL1(asinh, "$d/sqrt($1^2 + 1)"),
    CALL1(acosh, "$d/sqrt($1^2 - 1)"),
    CALL1(atanh, "$d/(1 - $1^2)"),
    CALL1(sigmoid, "$d*$y*(1 - $y)"),
    CALL1(softplus, "$d*sigmoid($1)"),
    CALL1(relu, "$d*($1 > 0)"),
    CALL1(erf, "$d*2/sqrt(pi)*exp(-$1^2)"),
    CALL1(erfc, "-$d*2/sqrt(pi)*exp(-$1^2)"),
    CALL1(lgamma, "$d*digamma($1)"),
    CALL1(digamma, "$d*trigamma($1)"),
    OP1(square, "$1^2", "$d*2*$1"),
    OP1(neg, "-$1", "-$d"),
    FLAT1(sign),
    FLAT1(floor),
    FLAT1(ceil),
    FLAT1(round),
    FLAT1(heaviside),
    FLAT1(stop_gradient),

    OP2(add, "$1 + $2", "$d", "$d"),
    OP2(sub, "$1 - $2", "$d", "-$d"),
    OP2(mul, "$1*$2", "$d*$2", "$d*$1"),
    OP2(div, "$1/$2", "$d/$2", "-$d*$y/$2"),
    OP2(pow, "$1^$2", "$d*$2*$1^($2 - 1)", "$d*$y*log($1)"),
    OP2(atan2, "atan2($1, $2)", "$d*$2/($1^2 + $2^2)", "-$d*$1/($1^2 + $2^2)"),
    OP2(max, "max($1, $2)", "$d*(($1 > $2) + ($1 >= $2))/2", "$d*(($1 < $2) + ($1 <= $2))/2"),
    OP2(min, "min($1, $2)", "$d*(($1 < $2) + ($1 <= $2))/2", "$d*(($1 > $2) + ($1 >= $2))/2"),
    OP3(clip, "clip($1, $2, $3)", "$d*($1 == $y)", "$d*($1 < $2)", "$d*($1 > $3)"),
    FLAT2(equal, "=="),
    FLAT2(not_equal, "!="),
    FLAT2(less, "<"),
    FLAT2(less_equal, "<="),
    FLAT2(greater, ">"),
    FLAT2(greater_equal, ">="),
    OP3(where, "where($1, $2, $3)", NULL, "where($1, $d, 0)", "where($1, 0, $d)"),

    OP2T(matmul, "$1 @ $2", "$d @ $2'", "$1' @ $d", "$d @ $2", "$1 @ $d"),
    OP2T(matmul_stack, "$1 @ $2", "$d @ $2'", "$1' @ $d", "$d @ $2", "$1 @ $d"),
    OP1T(sum, "sum($1$a)", "$d", "sum($d$a)"),
    OP1(reshape, "reshape($1)", "reshape($d)"),
    OP1(transpose, "$1'", "$d'"),
    OP1T(slice, "slice($1)", "place($d)", "slice($d)"),
    OP1T(place, "place($1)", "slice($d)", "place($d)"),
    OP1T(cumsum, "cumsum($1$a)", "flip(cumsum(flip($d$a)$a)$a)", "cumsum($d$a)"),
    OP1T(reduce_max, "max($1$a)", "$d*($1 == $y)", "sum($d*($1 == $y)$a)"),
    OP1T(reduce_min, "min($1$a)", "$d*($1 == $y)", "sum($d*($1 == $y)$a)"),
    OP1T(norm, "norm($1$a)", "$d*$1/$y", "sum($d*$1$a)/$y"),
    OP1T(logsumexp, "logsumexp($1)", "$d*softmax($1)", "sum($d*softmax($1)$a)"),
    OP1T(cholesky, "cholesky($1)", "cholesky_vjp($d, $y)", "cholesky_jvp($d, $y)"),
    OP2T(solve, "solve($1, $2)", "-solve($1', $d) @ $y'", "solve($1', $d)", "-solve($1, $d @ $y)", "solve($1, $d)"),
    OP1T(logdet, "logdet($1)", "$d*inverse($1)'", "sum(inverse($1)'*$d)"),
};

/* Rules that depend on an attribute, or on what the arguments were. */
static const bp_trace_rule lower = RULE1("tril($1$a)", "tril($d$a)");
static const bp_trace_rule upper = RULE1("triu($1$a)", "triu($d$a)");
static const bp_trace_rule backwards = RULE1("flip($1$a)", "flip($d$a)");
static const bp_trace_rule times_column = RULE2T("$1 @ $2", "outer($d, $2)", "$1' @ $d", "$d @ $2", "$1 @ $d");
static const bp_trace_rule row_times = RULE2T("$1 @ $2", "$d @ $2'", "outer($1, $d)", "$d @ $2", "$1 @ $d");
static const bp_trace_rule outer = {.expression = "outer($1, $2)",
                                    .adjoint = {"$d @ $2", "$1 @ $d"},
                                    .tangent = {"outer($d, $2)", "outer($1, $d)"},
                                    .exact = true};

/* Whether argument a of a product is a vector that was made a matrix for it. */
static bool was_vector(const bp_graph *g, const bp_node *product, int a) {
  const bp_node *n = &g->nodes[product->arg[a]];
  return n->op == BP_OP_reshape && g->shapes[g->nodes[n->arg[0]].shape].rank == 1;
}

/* Whether an argument is a vector along one axis of a matrix, repeated along the other. */
static bool runs_along(const bp_graph *g, uint32_t id, int axis) {
  const bp_node *n = &g->nodes[id];
  if (n->op == BP_OP_broadcast) n = &g->nodes[n->arg[0]];
  const bp_shape *s = &g->shapes[n->shape];
  return n->op == BP_OP_reshape && s->rank == 2 && s->dims[1 - axis] == 1 &&
         g->shapes[g->nodes[n->arg[0]].shape].rank == 1;
}

const bp_trace_rule *bp_trace_rule_of(const bp_graph *g, const bp_node *node) {
  if (node->op == BP_OP_mul && runs_along(g, node->arg[0], 0) && runs_along(g, node->arg[1], 1)) return &outer;
  if (node->op == BP_OP_matmul && was_vector(g, node, 1)) return &times_column;
  if (node->op == BP_OP_matmul && was_vector(g, node, 0)) return &row_times;
  if (node->op == BP_OP_triangle) return bp_triangle_upper(node->attr.bits) ? &upper : &lower;
  if (node->op == BP_OP_slice && bp_span_step(node->attr.bits) == -1) return &backwards;
  return &rules[node->op];
}

/* ---- what is behind the first argument ---- */
static void one_axis(int axis, int otherwise, char text[BP_TRACE_ATTRIBUTE]) {
  if (axis != otherwise) (void)snprintf(text, BP_TRACE_ATTRIBUTE, ", %d", axis);
}

static void axes_mask(unsigned mask, int rank, char text[BP_TRACE_ATTRIBUTE]) {
  size_t n = 0;
  for (int i = 0; i < rank && mask != (1u << rank) - 1; i++)
    if ((mask & BP_AXIS(i)) != 0) n += (size_t)snprintf(text + n, BP_TRACE_ATTRIBUTE - n, ", %d", i);
}

void bp_trace_attribute(const bp_graph *g, const bp_node *node, char text[BP_TRACE_ATTRIBUTE]) {
  text[0] = '\0';
  if (bp_node_arity(node) == 0) return;
  int rank = g->shapes[g->nodes[bp_node_args(g, node)[0]].shape].rank;
  switch (node->op) {
  case BP_OP_sum:
  case BP_OP_reduce_max:
  case BP_OP_reduce_min:
  case BP_OP_norm: axes_mask((unsigned)node->attr.bits, rank, text); break;
  case BP_OP_logsumexp:
    if (rank > 1) one_axis(rank - 1, -1, text);
    break;
  case BP_OP_cumsum: one_axis(node->axis, rank > 1 ? -1 : 0, text); break;
  case BP_OP_slice: one_axis(node->axis, 0, text); break;
  case BP_OP_triangle: one_axis((int)bp_triangle_diagonal(node->attr.bits), 0, text); break;
  default: break;
  }
}
