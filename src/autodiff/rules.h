/* autodiff/rules.h - the derivative rules of the operations, in tables beside the drivers that use them.
 *
 * An elementwise operation gives its partial derivatives, a linear one its transposes, a custom one both bodies; the
 * drivers in directions.c and backward.c derive the rest. All rules emit ordinary nodes, so any order of derivative follows.
 */
#ifndef BP_AUTODIFF_RULES_H
#define BP_AUTODIFF_RULES_H
#include "backprop/autodiff.h"
#include "graph/node.h"

/* A node with its arguments as variables. */
typedef struct bp_call {
  bp_var y;
  bp_var x[3]; /* the first three; bp_call_arg() gives any */
  int arity;
  int axis;
  uint64_t bits;
  bp_var support; /* of the derivative that a body is given: see slope.h; the symbolic zero: it has none */
} bp_call;
bp_call bp_call_of(bp_graph *g, uint32_t id);
bp_var bp_call_arg(const bp_call *c, int i);

/* ∂y/∂x[i], elementwise; a rank-0 constant stands for the same value everywhere. */
typedef bp_var (*bp_partial_fn)(const bp_call *c, int i);
/* The part of the cotangent of x[i] that comes through y: J_iᵀ y_bar. Zero for an argument that is a number of rows. */
typedef bp_var (*bp_transpose_fn)(const bp_call *c, int i, bp_var y_bar);
/* The operation on x with x[i] replaced by its tangent. */
typedef bp_var (*bp_linear_fn)(const bp_call *c, int i, bp_var x_dot);
/* Σ_i J_i x_dot[i]; symbolic zeros among x_dot. */
typedef bp_var (*bp_custom_jvp_fn)(const bp_call *c, const bp_var *x_dot);

bp_partial_fn bp_partial_rule(bp_op op);     /* NULL unless ELEMENTWISE */
bp_transpose_fn bp_transpose_rule(bp_op op); /* NULL unless LINEAR */
bp_linear_fn bp_linear_rule(bp_op op);       /* NULL unless LINEAR */
bp_custom_jvp_fn bp_custom_jvp(bp_op op);    /* NULL unless CUSTOM and no reduction with a gradient */
bp_transpose_fn bp_custom_vjp(bp_op op);     /* NULL unless CUSTOM and no reduction with a gradient */

/* ---- reductions with a gradient: largest, smallest, norm, logsumexp, softmax cross entropy (custom_rules.c) ---- */
bool bp_has_gradient(bp_op op);
/* ∂y/∂x[0], in the shape of x[0]; only for an operation that has a gradient. */
bp_var bp_reduction_gradient(const bp_call *c);
/* From the shape of y to one that broadcasts to x[0], and the sum the other way; v may have a leading axis of directions. */
bp_var bp_spread(const bp_call *c, bp_var v);
bp_var bp_add_up(const bp_call *c, bp_var v);
/* 1 where the operation reads x[i], in the shape of v, when it reads a triangle of it; else the symbolic zero. */
bp_var bp_triangle_read(const bp_call *c, int i, bp_var v);

/* Bodies of custom operations in files of their own. */
bp_var bp_assemble_jvp(const bp_call *c, const bp_var *x_dot);
bp_var bp_assemble_vjp(const bp_call *c, int i, bp_var y_bar);
bp_var bp_cholesky_jvp(const bp_call *c, const bp_var *x_dot);
bp_var bp_cholesky_vjp(const bp_call *c, int i, bp_var y_bar);
bp_var bp_solve_triangular_jvp(const bp_call *c, const bp_var *x_dot);
bp_var bp_solve_triangular_vjp(const bp_call *c, int i, bp_var y_bar);
bp_var bp_solve_jvp(const bp_call *c, const bp_var *x_dot);
bp_var bp_solve_vjp(const bp_call *c, int i, bp_var y_bar);
bp_var bp_logdet_jvp(const bp_call *c, const bp_var *x_dot);
bp_var bp_logdet_vjp(const bp_call *c, int i, bp_var y_bar);
bp_var bp_custom_op_jvp(const bp_call *c, const bp_var *x_dot);
bp_var bp_custom_op_vjp(const bp_call *c, int i, bp_var y_bar);
bp_var bp_custom_vjp_jvp(const bp_call *c, const bp_var *x_dot);
bp_var bp_custom_vjp_vjp(const bp_call *c, int i, bp_var y_bar);

/* Whether the derivative of an elementwise operation along argument i chooses: its zeros are structural. */
bool bp_is_gate(bp_op op, int i);

/* Sums and products in which the symbolic zero, 0 and ±1 disappear. */
bp_var bp_plus(bp_var a, bp_var b);
bp_var bp_times(bp_var derivative, bp_var partial);
/* The same, but 0 where `support` is 0 (unless it is the symbolic zero), whatever the factors are; and with `gate` also where
 * `partial` is 0. */
bp_var bp_product(bp_var derivative, bp_var partial, bp_var support, bool gate);
/* A rank-0 constant of the element type of x. */
bp_var bp_number(bp_var x, double value);

/* Whether argument i of an operation can carry a derivative. */
bool bp_differentiable(bp_graph *g, uint32_t id, int arg);
/* For each id up to `last`: 1 when it is one of x or depends on one through differentiable arguments. */
void bp_mark_active(bp_graph *g, const bp_var *x, size_t n_x, uint32_t last, uint8_t *active);
/* The same up to the largest id of y, and only for what a y depends on. BP_E_NOMEM */
bp_status bp_mark_between(const bp_var *y, size_t n_y, const bp_var *x, size_t n_x, uint8_t *active);

#endif
