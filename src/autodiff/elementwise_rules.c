/* elementwise_rules.c - the partial derivatives of every elementwise operation, one formula each. Floor: autodiff.
 *
 * `y` is the result: used wherever the derivative is cheaper or more exact in terms of it.
 */
#include <stddef.h>

#include "autodiff/rules.h"

#define LN2 0.69314718055994530942

static bp_var scaled(bp_var x, double k) { return bp_mul(x, bp_number(x, k)); }
static bp_var shifted(bp_var x, double k) { return bp_add(x, bp_number(x, k)); }
/* 1 - x */
static bp_var one_minus(bp_var x) { return bp_sub(bp_number(x, 1), x); }

#define PARTIAL1(name, formula)                                                                                        \
  static bp_var name##_partial(const bp_call *c, int i) {                                                              \
    bp_var x = c->x[0], y = c->y;                                                                                      \
    (void)x, (void)y, (void)i;                                                                                         \
    return formula;                                                                                                    \
  }
#define PARTIAL2(name, along_a, along_b)                                                                               \
  static bp_var name##_partial(const bp_call *c, int i) {                                                              \
    bp_var a = c->x[0], b = c->x[1], y = c->y;                                                                         \
    (void)a, (void)b, (void)y;                                                                                         \
    return i == 0 ? along_a : along_b;                                                                                 \
  }

PARTIAL1(neg, bp_number(x, -1))
PARTIAL1(abs, bp_sign(x))
PARTIAL1(square, scaled(x, 2))
PARTIAL1(reciprocal, bp_neg(bp_square(y)))
PARTIAL1(sqrt, bp_div(bp_number(x, 0.5), y))
PARTIAL1(rsqrt, scaled(bp_div(y, x), -0.5))
PARTIAL1(exp, y)
PARTIAL1(expm1, bp_exp(x))
PARTIAL1(log, bp_reciprocal(x))
PARTIAL1(log1p, bp_reciprocal(shifted(x, 1)))
PARTIAL1(log2, bp_reciprocal(scaled(x, LN2)))
PARTIAL1(sin, bp_cos(x))
PARTIAL1(cos, bp_neg(bp_sin(x)))
PARTIAL1(tan, shifted(bp_square(y), 1))
PARTIAL1(asin, bp_rsqrt(one_minus(bp_square(x))))
PARTIAL1(acos, bp_neg(bp_rsqrt(one_minus(bp_square(x)))))
PARTIAL1(atan, bp_reciprocal(shifted(bp_square(x), 1)))
PARTIAL1(sinh, bp_cosh(x))
PARTIAL1(cosh, bp_sinh(x))
PARTIAL1(tanh, one_minus(bp_square(y)))
PARTIAL1(sigmoid, bp_mul(y, one_minus(y)))
PARTIAL1(softplus, bp_sigmoid(x))
PARTIAL1(relu, bp_greater(y, bp_number(y, 0)))
PARTIAL1(erf, scaled(bp_exp(bp_neg(bp_square(x))), 2 / 1.7724538509055160273))
PARTIAL1(erfc, scaled(bp_exp(bp_neg(bp_square(x))), -2 / 1.7724538509055160273))
PARTIAL1(lgamma, bp_digamma(x))

PARTIAL2(add, bp_number(a, 1), bp_number(a, 1))
PARTIAL2(sub, bp_number(a, 1), bp_number(a, -1))
PARTIAL2(mul, b, a)
PARTIAL2(div, bp_reciprocal(b), bp_neg(bp_div(y, b)))
PARTIAL2(max, bp_greater_equal(a, b), bp_less(a, b))
PARTIAL2(min, bp_less_equal(a, b), bp_greater(a, b))

/* b a^(b-1), and 0 for b = 0 also where a^(b-1) is infinite */
static bp_var pow_along_a(bp_var a, bp_var b) {
  bp_var zero = bp_number(a, 0), one = bp_number(a, 1);
  bp_var is_zero = bp_equal(b, zero);
  return bp_where(is_zero, zero, bp_mul(b, bp_pow(a, bp_sub(bp_where(is_zero, one, b), one))));
}

/* a^b log a for a > 0, else 0 */
static bp_var pow_along_b(bp_var a, bp_var y) {
  bp_var zero = bp_number(a, 0), positive = bp_greater(a, zero);
  return bp_where(positive, bp_mul(y, bp_log(bp_where(positive, a, bp_number(a, 1)))), zero);
}
PARTIAL2(pow, pow_along_a(a, b), pow_along_b(a, y))

/* atan2(a, b): b / (a² + b²) and -a / (a² + b²) */
static bp_var norm2(bp_var a, bp_var b) { return bp_add(bp_square(a), bp_square(b)); }
PARTIAL2(atan2, bp_div(b, norm2(a, b)), bp_neg(bp_div(a, norm2(a, b))))

static bp_var digamma_partial(const bp_call *c, int i) {
  (void)i;
  return bp_graph_fail(c->y.graph, BP_E_ARG, "lgamma: the second derivative is not available");
}

#define RULE(name) [BP_OP_##name] = name##_partial
static const bp_partial_fn partial_table[BP_OP_COUNT] = {
    RULE(neg),  RULE(abs),  RULE(square), RULE(reciprocal), RULE(sqrt),     RULE(rsqrt), RULE(exp),   RULE(expm1),
    RULE(log),  RULE(log1p), RULE(log2),  RULE(sin),        RULE(cos),      RULE(tan),   RULE(asin),  RULE(acos),
    RULE(atan), RULE(sinh), RULE(cosh),   RULE(tanh),       RULE(sigmoid),  RULE(softplus), RULE(relu), RULE(erf),
    RULE(erfc), RULE(lgamma), RULE(digamma), RULE(add),     RULE(sub),      RULE(mul),   RULE(div),   RULE(max),
    RULE(min),  RULE(pow),  RULE(atan2),
};

bp_partial_fn bp_partial_rule(bp_op op) { return partial_table[op]; }
