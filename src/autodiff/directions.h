/* autodiff/directions.h - products with a Jacobian along many directions at once.
 *
 * Seeds are a matrix: one direction in each row, its elements those of the variable in row-major order. All the nodes of one
 * product serve all directions, so a Jacobian costs about as many nodes as one product with it.
 */
#ifndef BP_AUTODIFF_DIRECTIONS_H
#define BP_AUTODIFF_DIRECTIONS_H
#include "autodiff/rules.h"

/* seeds Jᵀ: seeds [k, elements of x] → [k, elements of y]; the symbolic zero when y does not depend on x. No batch. */
bp_status bp_push_directions(bp_var y, bp_var x, bp_var seeds, bp_var *out);
/* seeds J_j for each x[j]: seeds [k, elements of y] → [k, elements of x[j]]; symbolic zeros where y does not depend on it. */
bp_status bp_pull_directions(bp_var y, const bp_var *x, size_t n_x, bp_var seeds, bp_var *out);

/* The n by n identity: the seeds of a whole Jacobian. */
bp_var bp_identity_seeds(bp_graph *g, bp_dtype dtype, int64_t n);
/* Row i of seeds, in a shape. */
bp_var bp_seed_row(bp_var seeds, int64_t i, const bp_shape *shape);

/* ---- lifted linear rules (lifted_rules.c) ---- */
/* The operation on a lifted tangent of x[i], and its transpose on a lifted cotangent: [k, shape] for shape. NULL: there is
 * none, the ordinary rule is used direction by direction. */
typedef bp_var (*bp_lifted_fn)(const bp_call *c, int i, bp_var lifted);
bp_lifted_fn bp_lifted_linear(bp_op op);
bp_lifted_fn bp_lifted_transpose(bp_op op);
/* Whether the bodies of a custom operation hold for lifted derivatives as they are. */
bool bp_lifts_itself(bp_op op);

/* [k, s] from k and s, and a lifted variable in another shape s. */
bp_shape bp_lifted_shape(int64_t k, const bp_shape *s);
bp_var bp_lifted_reshape(bp_var lifted, const bp_shape *s);

#endif
