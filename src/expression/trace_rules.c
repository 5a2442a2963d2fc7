/* trace_rules.c - how operations and their derivatives are written in a trace, in the words of the expression language.
 * The same mathematics as autodiff/elementwise_rules.c, for people: a test compares the two. Floor: expression.
 */
#include <stdio.h>

#include "expression/tracing.h"

#define CALL1(name, partial) [BP_OP_##name] = {#name "($1)", {partial}, {0}}
#define FLAT1(name) [BP_OP_##name] = {#name "($1)", {0}, {0}}
#define FLAT2(name, sign) [BP_OP_##name] = {"$1 " sign " $2", {0}, {0}}

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
    [BP_OP_square] = {"$1^2", {"$d*2*$1"}, {0}},
    [BP_OP_neg] = {"-$1", {"-$d"}, {0}},
    FLAT1(sign),
    FLAT1(floor),
    FLAT1(ceil),
    FLAT1(round),
    FLAT1(heaviside),
    FLAT1(stop_gradient),

    [BP_OP_add] = {"$1 + $2", {"$d", "$d"}, {0}},
    [BP_OP_sub] = {"$1 - $2", {"$d", "-$d"}, {0}},
    [BP_OP_mul] = {"$1*$2", {"$d*$2", "$d*$1"}, {0}},
    [BP_OP_div] = {"$1/$2", {"$d/$2", "-$d*$y/$2"}, {0}},
    [BP_OP_pow] = {"$1^$2", {"$d*$2*$1^($2 - 1)", "$d*$y*log($1)"}, {0}},
    [BP_OP_atan2] = {"atan2($1, $2)", {"$d*$2/($1^2 + $2^2)", "-$d*$1/($1^2 + $2^2)"}, {0}},
    [BP_OP_max] = {"max($1, $2)", {"$d*($1 >= $2)", "$d*($1 < $2)"}, {0}},
    [BP_OP_min] = {"min($1, $2)", {"$d*($1 <= $2)", "$d*($1 > $2)"}, {0}},
    FLAT2(equal, "=="),
    FLAT2(not_equal, "!="),
    FLAT2(less, "<"),
    FLAT2(less_equal, "<="),
    FLAT2(greater, ">"),
    FLAT2(greater_equal, ">="),
    [BP_OP_where] = {"where($1, $2, $3)",
                     {NULL, "where($1, $d, 0)", "where($1, 0, $d)"},
                     {NULL, "where($1, $d, 0)", "where($1, 0, $d)"}},

    [BP_OP_matmul] = {"$1 @ $2", {"$d @ $2'", "$1' @ $d"}, {"$d @ $2", "$1 @ $d"}},
    [BP_OP_matmul_stack] = {"$1 @ $2", {"$d @ $2'", "$1' @ $d"}, {"$d @ $2", "$1 @ $d"}},
    [BP_OP_sum] = {"sum($1$a)", {"$d"}, {"sum($d$a)"}},
    [BP_OP_reshape] = {"reshape($1)", {"reshape($d)"}, {0}},
    [BP_OP_transpose] = {"$1'", {"$d'"}, {0}},
    [BP_OP_slice] = {"slice($1)", {"place($d)"}, {"slice($d)"}},
    [BP_OP_place] = {"place($1)", {"slice($d)"}, {"place($d)"}},
    [BP_OP_cumsum] = {"cumsum($1$a)", {"flip(cumsum(flip($d)))"}, {"cumsum($d$a)"}},
    [BP_OP_reduce_max] = {"max($1$a)", {"$d*($1 == $y)"}, {"sum($d*($1 == $y)$a)"}},
    [BP_OP_reduce_min] = {"min($1$a)", {"$d*($1 == $y)"}, {"sum($d*($1 == $y)$a)"}},
    [BP_OP_norm] = {"norm($1$a)", {"$d*$1/$y"}, {"sum($d*$1$a)/$y"}},
    [BP_OP_logsumexp] = {"logsumexp($1)", {"$d*softmax($1)"}, {"sum($d*softmax($1)$a)"}},
    [BP_OP_cholesky] = {"cholesky($1)", {"cholesky_vjp($d, $y)"}, {"cholesky_jvp($d, $y)"}},
    [BP_OP_solve] = {"solve($1, $2)", {"-solve($1', $d) @ $y'", "solve($1', $d)"}, {"-solve($1, $d @ $y)", "solve($1, $d)"}},
    [BP_OP_logdet] = {"logdet($1)", {"$d*inverse($1)'"}, {"sum(inverse($1)'*$d)"}},
};

/* Operations whose name depends on an attribute. */
static const bp_trace_rule lower = {"tril($1$a)", {"tril($d$a)"}, {0}}, upper = {"triu($1$a)", {"triu($d$a)"}, {0}};
static const bp_trace_rule times_column = {"$1 @ $2", {"outer($d, $2)", "$1' @ $d"}, {"$d @ $2", "$1 @ $d"}};
static const bp_trace_rule row_times = {"$1 @ $2", {"$d @ $2'", "outer($1, $d)"}, {"$d @ $2", "$1 @ $d"}};
static const bp_trace_rule backwards = {"flip($1$a)", {"flip($d$a)"}, {0}};

/* Whether argument a of a product is a vector that was made a matrix for it. */
static bool was_vector(const bp_graph *g, const bp_node *product, int a) {
  const bp_node *n = &g->nodes[product->arg[a]];
  return n->op == BP_OP_reshape && g->shapes[g->nodes[n->arg[0]].shape].rank == 1;
}

const bp_trace_rule *bp_trace_rule_of(const bp_graph *g, const bp_node *node) {
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
  case BP_OP_cumsum: one_axis(node->axis, rank - 1, text); break;
  case BP_OP_slice: one_axis(node->axis, 0, text); break;
  case BP_OP_triangle: one_axis((int)bp_triangle_diagonal(node->attr.bits), 0, text); break;
  default: break;
  }
}
