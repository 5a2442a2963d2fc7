/* backprop/autodiff.h - derivatives as transformations of a graph.
 *
 * Each function appends the nodes of a derivative to the graph and gives back variables; so derivatives can be
 * differentiated again, to any order, and compile into the same program as the function itself.
 * Where an output does not depend on a variable, the result is the symbolic zero (bp_var_is_zero); BP_ZERO_FILL functions
 * say so.
 *
 * What an output has no part of by structure has a derivative of exactly 0, whatever infinities and NaN stand on the way: what an
 * index, a slice, a branch, the larger of two, a relu, a clip, a triangle or a unit direction leaves out. The zeros of a seed that
 * is a constant of the graph count likewise. A zero that is the value of a derivative does not: there 0 times infinity is NaN, in
 * both modes. Products of matrices, factors and solutions multiply every element that they are given; behind them only whole rows
 * stay out.
 *
 * Failures are recorded on the graph, as builders do, and returned too; results are then null variables (graph.h).
 */
#ifndef BACKPROP_AUTODIFF_H
#define BACKPROP_AUTODIFF_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reverse mode: for each x[j], x_bar[j] = Σ_i J_ijᵀ y_bar[i], with J_ij = ∂y[i]/∂x[j]. y_bar[i] has the shape and element
 * type of y[i]. A variable that no y depends on gets the symbolic zero.
 * BP_E_GRAPH   the graph held an error before     BP_E_SHAPE  y_bar[i] does not fit y[i]
 * BP_E_ARG     variables of different graphs, or none */
BP_API bp_status bp_vjp(const bp_var *y, const bp_var *y_bar, size_t n_y, const bp_var *x, size_t n_x, bp_var *x_bar);

/* Forward mode: for each y[i], y_dot[i] = Σ_j J_ij x_dot[j]. x_dot[j] has the shape and element type of x[j]; a symbolic zero
 * stands for no change. */
BP_API bp_status bp_jvp(const bp_var *y, size_t n_y, const bp_var *x, const bp_var *x_dot, size_t n_x, bp_var *y_dot);

/* The gradient of a scalar (rank 0) with respect to each x[j]; zeros in the shape of x[j] where y does not depend on it.
 * BP_E_SHAPE   y is not a scalar */
BP_API bp_status bp_grad(bp_var y, const bp_var *x, size_t n_x, bp_var *gradient);

/* Hessian-vector product by forward over reverse: hv[j] = Σ_k ∂²y/∂x[j]∂x[k] v[k]; zeros where there is no dependence. */
BP_API bp_status bp_hvp(bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *hv);

/* The gradient together with the value: out[0] is y itself, out[1 + j] the gradient with respect to x[j]. In this order they
 * are the outputs of one program, which computes what both need once. */
BP_API bp_status bp_value_and_grad(bp_var y, const bp_var *x, size_t n_x, bp_var *out);

/* vᵀH by reverse over reverse: vh[j] = Σ_k v[k] ∂²y/∂x[k]∂x[j]. Equal to bp_hvp(), at the cost of a second reverse pass;
 * bp_hvp() is the cheaper one. */
BP_API bp_status bp_vhp(bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *vh);

/* JᵀJ v with J = ∂y/∂x of all y and x together: out[j] has the shape of x[j]. The matrix of the normal equations of least
 * squares, positive semidefinite; it is never formed. */
BP_API bp_status bp_normal_product(const bp_var *y, size_t n_y, const bp_var *x, const bp_var *v, size_t n_x,
                                   bp_var *out);

/* Gauss-Newton product Jᵀ H_loss J v, with J = ∂z/∂x and H_loss the Hessian of the scalar `loss` with respect to z, which are
 * variables between x and the loss: the outputs of a network, say. The Hessian of the loss without the curvature of z;
 * positive semidefinite when the loss is convex in z. What the loss takes from x past z (weight decay) is left out. */
BP_API bp_status bp_gauss_newton_product(bp_var loss, const bp_var *z, size_t n_z, const bp_var *x, const bp_var *v,
                                         size_t n_x, bp_var *out);

/* ---- whole matrices ---- */
typedef enum bp_mode {
  BP_MODE_AUTO,    /* the cheaper one */
  BP_MODE_FORWARD, /* one direction for each element of x */
  BP_MODE_REVERSE  /* one direction for each element of y */
} bp_mode;

/* jacobian[j] = ∂y/∂x[j], of shape [y.shape…, x[j].shape…] and the element type of y; zeros where y does not depend on x[j].
 * BP_MODE_AUTO takes forward mode when all x together have no more elements than y, else reverse mode. All directions go
 * through the graph together, so it grows by about the nodes of one product (of one per direction where a batch, a loop
 * or more than 7 axes stand between x and y). y may have a leading BP_BATCH, then forward mode is used; x may not.
 * BP_E_ARG    variables of different graphs
 * BP_E_DTYPE  a variable that is not float
 * BP_E_SHAPE  more than BP_MAX_RANK axes, a batch in x, or in y when reverse mode is asked for */
BP_API bp_status bp_jacobian(bp_var y, const bp_var *x, size_t n_x, bp_mode mode, bp_var *jacobian);

/* Row by row, for y [batch, …] of which each row depends on the same row of x [batch, …] only (a network and its input):
 * jacobian = [batch, rest of y.shape…, rest of x.shape…]. One pass per element of a row of x or y, whichever has fewer.
 * BP_E_SHAPE  the leading sizes differ, or too many axes */
BP_API bp_status bp_jacobian_rows(bp_var y, bp_var x, bp_mode mode, bp_var *jacobian);

/* hessian[i * n_x + j] = ∂²y/∂x[i]∂x[j] of a scalar, of shape [x[i].shape…, x[j].shape…], by forward over reverse mode.
 * BP_E_SHAPE  y is not a scalar, x has a batch, more than BP_MAX_RANK axes */
BP_API bp_status bp_hessian(bp_var y, const bp_var *x, size_t n_x, bp_var *hessian);
/* The same by the modes given: `inner` for the gradient (BP_MODE_AUTO: reverse), `outer` for its Jacobian (BP_MODE_AUTO:
 * forward). All agree up to rounding. */
BP_API bp_status bp_hessian_by(bp_var y, const bp_var *x, size_t n_x, bp_mode outer, bp_mode inner, bp_var *hessian);

/* The gradient of a scalar of an eager graph as numbers: gradient[j] (the caller's storage) receives dense values in the shape and
 * element type of x[j]. Nothing is recorded, so it cannot be differentiated again; for programs of numbers it is many times
 * faster than bp_grad(), and needs 8 bytes a node meanwhile.
 * BP_E_GRAPH  the graph holds an error     BP_E_ARG    it is not eager; variables of different graphs, or none
 * BP_E_SHAPE  y is not a scalar            BP_E_NOMEM  nothing of this is recorded on the graph */
BP_API bp_status bp_backward(bp_var y, const bp_var *x, size_t n_x, void *const *gradient);

#ifdef __cplusplus
}
#endif
#endif
