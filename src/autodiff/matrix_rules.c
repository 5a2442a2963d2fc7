/* matrix_rules.c - derivatives of factors and solutions: formulas emitted as products and solves. Floor: autodiff.
 *
 * Cholesky after Murray, "Differentiation of the Cholesky decomposition" (arXiv:1602.07527), equations 8 and 10; the others are
 * in Giles, "An extended collection of matrix derivative results for forward and reverse mode AD" (2008), section 2.
 * Everything holds for stacks of matrices; an argument that serves a whole stack takes the sum over it.
 */
#include "autodiff/rules.h"

/* ---- small parts ---- */
static bp_var transposed(bp_var x) {
  if (x.id == 0) return x;
  int perm[BP_MAX_RANK], rank = bp_shape_of(x)->rank;
  for (int i = 0; i < rank; i++) perm[i] = i;
  perm[rank - 1] = rank - 2;
  perm[rank - 2] = rank - 1;
  return bp_transpose(x, perm);
}

/* The cotangent of an argument that was used for the whole stack. */
static bp_var sum_stack(bp_var part, bp_var x) {
  if (part.id == 0) return part;
  int extra = bp_shape_of(part)->rank - bp_shape_of(x)->rank;
  return extra > 0 ? bp_sum(part, BP_AXIS(extra) - 1u) : part;
}

static bp_var minus(bp_var a, bp_var b) {
  if (b.id == 0) return a;
  return a.id == 0 ? bp_neg(b) : bp_sub(a, b);
}

/* ---- Cholesky: L Lᵀ = A, of which the lower triangle is read ---- */
/* Φ: the lower triangle with its diagonal halved. */
static bp_var half_triangle(bp_var m) { return bp_mul(bp_add(bp_tril(m, 0), bp_tril(m, -1)), bp_number(m, 0.5)); }

/* L_dot = L Φ(L⁻¹ A_dot L⁻ᵀ), A_dot symmetric from its lower triangle. */
bp_var bp_cholesky_jvp(const bp_call *c, const bp_var *x_dot) {
  bp_var a = x_dot[0], l = c->y;
  if (a.id == 0) return a;
  bp_var symmetric = bp_add(bp_tril(a, 0), transposed(bp_tril(a, -1)));
  bp_var left = bp_solve_triangular(l, symmetric, true, false);
  return bp_matmul(l, half_triangle(bp_solve_triangular(l, transposed(left), true, false)));
}

/* S = L⁻ᵀ Φ(Lᵀ L_bar) L⁻¹; what stands above the diagonal falls to the element below that was read for it. */
bp_var bp_cholesky_vjp(const bp_call *c, int i, bp_var y_bar) {
  bp_var l = c->y;
  (void)i;
  bp_var p = half_triangle(bp_matmul_t(l, true, y_bar, false));
  bp_var left = bp_solve_triangular(l, p, true, true);
  bp_var s_transposed = bp_solve_triangular(l, transposed(left), true, true);
  return bp_add(bp_tril(transposed(s_transposed), 0), bp_tril(s_transposed, -1));
}

/* ---- triangular systems: op(T) x = b ---- */
static bp_var triangle_of(const bp_call *c, bp_var m) {
  return (c->bits & BP_SOLVE_UPPER) != 0 ? bp_triu(m, 0) : bp_tril(m, 0);
}

/* x_dot = op(T)⁻¹ (b_dot - op(T_dot) x). */
bp_var bp_solve_triangular_jvp(const bp_call *c, const bp_var *x_dot) {
  bool lower = (c->bits & BP_SOLVE_UPPER) == 0, turned = (c->bits & BP_SOLVE_TRANSPOSED) != 0;
  bp_var change = bp_zero_of(c->y.graph);
  if (x_dot[0].id != 0) change = bp_matmul_t(triangle_of(c, x_dot[0]), turned, c->y, false);
  bp_var right = minus(x_dot[1], change);
  return right.id != 0 ? bp_solve_triangular(c->x[0], right, lower, turned) : right;
}

/* b_bar = op(T)⁻ᵀ x_bar; op(T)_bar = -b_bar xᵀ. */
bp_var bp_solve_triangular_vjp(const bp_call *c, int i, bp_var y_bar) {
  bool lower = (c->bits & BP_SOLVE_UPPER) == 0, turned = (c->bits & BP_SOLVE_TRANSPOSED) != 0;
  bp_var b_bar = bp_solve_triangular(c->x[0], y_bar, lower, !turned);
  if (i == 1) return sum_stack(b_bar, c->x[1]);
  bp_var outer = turned ? bp_matmul_t(c->y, false, b_bar, true) : bp_matmul_t(b_bar, false, c->y, true);
  return bp_neg(triangle_of(c, sum_stack(outer, c->x[0])));
}

/* ---- general systems: A x = b ---- */
bp_var bp_solve_jvp(const bp_call *c, const bp_var *x_dot) {
  bp_var change = x_dot[0].id != 0 ? bp_matmul(x_dot[0], c->y) : x_dot[0];
  bp_var right = minus(x_dot[1], change);
  return right.id != 0 ? bp_solve(c->x[0], right) : right;
}

bp_var bp_solve_vjp(const bp_call *c, int i, bp_var y_bar) {
  bp_var b_bar = bp_solve(transposed(c->x[0]), y_bar);
  if (i == 1) return sum_stack(b_bar, c->x[1]);
  return bp_neg(sum_stack(bp_matmul_t(b_bar, false, c->y, true), c->x[0]));
}

/* ---- log |det A|: its gradient is A⁻ᵀ ---- */
bp_var bp_logdet_jvp(const bp_call *c, const bp_var *x_dot) {
  if (x_dot[0].id == 0) return x_dot[0];
  int rank = bp_shape_of(c->x[0])->rank;
  return bp_sum(bp_mul(transposed(bp_inverse(c->x[0])), x_dot[0]), BP_AXIS(rank - 1) | BP_AXIS(rank - 2));
}

bp_var bp_logdet_vjp(const bp_call *c, int i, bp_var y_bar) {
  (void)i;
  bp_var gradient = transposed(bp_inverse(c->x[0])), wide = bp_expand(bp_expand(y_bar, -1), -1);
  bp_var support = c->support.id != 0 ? bp_expand(bp_expand(c->support, -1), -1) : c->support;
  return bp_product(wide, gradient, support, false);
}
