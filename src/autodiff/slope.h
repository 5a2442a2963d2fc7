/* autodiff/slope.h - a tangent or cotangent on its way through the graph, and where it is zero by structure.
 *
 * What is not selected (by an index, a slice, a branch, the larger of two) has no part in the result. Its derivative is a
 * structural zero: it stays 0 even where a partial derivative behind it is infinite or NaN. A zero that is the value of a
 * derivative is none: 0 times infinity is NaN there. So each derivative carries its support, a variable that is 0 exactly where
 * the derivative is a structural zero. It is often the derivative itself, as long as nothing was multiplied that may be 0.
 * Supports are constants, conditions and earlier derivatives; they cost nodes only where a product is still to come.
 */
#ifndef BP_AUTODIFF_SLOPE_H
#define BP_AUTODIFF_SLOPE_H
#include "autodiff/rules.h"

/* By ids: sweeps keep one for each node. */
typedef struct bp_slope {
  uint32_t var;     /* 0: the symbolic zero, 0 everywhere */
  uint32_t support; /* 0: no structural zeros */
  bool gate;        /* values decided (relu, max, …), not the structure: not worth following through a sum */
} bp_slope;

/* A derivative to begin with. The zeros of a constant, as unit directions have them, are structural. */
bp_slope bp_slope_seed(bp_var seed);
bp_slope bp_slope_plus(bp_graph *g, bp_slope a, bp_slope b);

/* One step of the chain rule: the part of a derivative that goes through argument i of a call. `keep`: a product is still to come, so
 * the support of the result is wanted. The derivative may be lifted: a leading axis of directions. */
bp_slope bp_slope_elementwise(const bp_call *c, int i, bp_slope s, bool keep);
/* apply: the operation on a tangent, or its transpose on a cotangent (reverse). */
bp_slope bp_slope_linear(const bp_call *c, int i, bp_slope s, bp_transpose_fn apply, bool reverse, bool keep);
bp_slope bp_slope_vjp(const bp_call *c, int i, bp_slope y_bar, bool keep);
/* x_dot[3] at least: the tangents of all arguments; scratch: as many variables. */
bp_slope bp_slope_jvp(const bp_call *c, const bp_slope *x_dot, bp_var *scratch, bool keep);

/* For each id up to `last` that is active: whether a product is still to come on the way from it (reverse: downwards). */
void bp_mark_products(const bp_graph *g, const uint8_t *active, uint32_t last, bool reverse, uint8_t *keep);

#endif
