/* elementwise_rules.c - the partial derivatives of every elementwise operation, as graph code. Floor: autodiff. */
#include <math.h>
#include <stddef.h>

#include "autodiff/rules.h"

#define V     bp_var
#define F(op) bp_##op
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
#define PARTIAL3(name, formula)                                                                                        \
  static bp_var name##_partial(const bp_call *c, int i) {                                                              \
    bp_var x = c->x[0], low = c->x[1], high = c->x[2], y = c->y;                                                       \
    return formula;                                                                                                    \
  }
#include "autodiff/elementwise_formulas.h"

PARTIAL1(digamma, bp_polygamma(1, x))
/* The first argument is the order: a constant. */
static bp_var polygamma_partial(const bp_call *c, int i) {
  double order = 0;
  if (i == 0 || !bp_var_constant(c->x[0], &order)) return bp_zero_of(c->y.graph);
  return bp_polygamma((int)order + 1, c->x[1]);
}

#define RULE(name) [BP_OP_##name] = name##_partial,
/* A constant exponent needs no care at 0. */
static bp_var pow_rule(const bp_call *c, int i) {
  double k;
  if (i == 1 || !bp_var_constant(c->x[1], &k)) return pow_partial(c, i);
  return k == 0 ? bp_number(c->y, 0) : scaled(bp_pow(c->x[0], bp_number(c->y, k - 1)), k);
}

static const bp_partial_fn partial_table[BP_OP_COUNT] = {PARTIAL_RULES(RULE) RULE(digamma) RULE(polygamma)[BP_OP_pow] =
                                                             pow_rule};

bp_partial_fn bp_partial_rule(bp_op op) { return partial_table[op]; }
