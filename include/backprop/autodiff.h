/* backprop/autodiff.h - derivatives as transformations of a graph.
 *
 * Each function appends the nodes of a derivative to the graph and gives back variables; so derivatives can be
 * differentiated again, to any order, and compile into the same program as the function itself.
 * Where an output does not depend on a variable, the result is the symbolic zero (bp_var_is_zero); BP_ZERO_FILL functions
 * say so. Failures are recorded on the graph, as builders do, and returned too.
 */
#ifndef BACKPROP_AUTODIFF_H
#define BACKPROP_AUTODIFF_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reverse mode: for each x[j], x_bar[j] = Σ_i J_ijᵀ y_bar[i], with J_ij = ∂y[i]/∂x[j]. y_bar[i] has the shape and element
 * type of y[i]. A variable that no y depends on gets the symbolic zero.
 * BP_E_GRAPH   the graph holds an error     BP_E_SHAPE  y_bar[i] does not fit y[i]
 * BP_E_ARG     variables of different graphs */
BP_API bp_status bp_vjp(const bp_var *y, const bp_var *y_bar, size_t n_y, const bp_var *x, size_t n_x, bp_var *x_bar);

/* Forward mode: for each y[i], y_dot[i] = Σ_j J_ij x_dot[j]. x_dot[j] has the shape and element type of x[j]; a symbolic zero
 * stands for no change. */
BP_API bp_status bp_jvp(const bp_var *y, size_t n_y, const bp_var *x, const bp_var *x_dot, size_t n_x, bp_var *y_dot);

/* The gradient of a scalar (rank 0) with respect to each x[j]; zeros in the shape of x[j] where y does not depend on it.
 * BP_E_SHAPE   y is not a scalar */
BP_API bp_status bp_grad(bp_var y, const bp_var *x, size_t n_x, bp_var *gradient);

/* Hessian-vector product by forward over reverse: hv[j] = Σ_k ∂²y/∂x[j]∂x[k] v[k]; zeros where there is no dependence. */
BP_API bp_status bp_hvp(bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *hv);

#ifdef __cplusplus
}
#endif
#endif
