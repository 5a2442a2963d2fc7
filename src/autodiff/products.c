/* products.c - products with second derivatives and their approximations, made of one pass in each mode. Floor: autodiff. */
#include "backprop/autodiff.h"

#include "autodiff/derivative_checks.h"
#include "base/fail.h"

/* Symbolic zeros become zeros in the shape of their variable. */
static bp_status filled(const bp_var *x, size_t n, bp_var *v) {
  for (size_t i = 0; i < n; i++)
    if (v[i].id == 0) v[i] = bp_full(x[i].graph, bp_dtype_of(x[i]), bp_shape_of(x[i]), 0);
  return n > 0 ? bp_graph_result(x[0].graph) : BP_OK;
}

bp_status bp_value_and_grad(bp_var y, const bp_var *x, size_t n_x, bp_var *out) {
  BP_TRY(bp_grad(y, x, n_x, out + 1));
  out[0] = y;
  return BP_OK;
}

bp_status bp_vhp(bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *vh) {
  BP_TRY(bp_check_derivative("vhp", y, x, n_x));
  bp_graph *g = y.graph;
  bp_var *gradient = bp_alloc(g->ctx, n_x, sizeof *gradient);
  if (gradient == NULL) return BP_E_NOMEM;
  bp_status status = bp_grad(y, x, n_x, gradient);
  if (status == BP_OK) status = bp_vjp(gradient, v, n_x, x, n_x, vh);
  bp_release(bp_context_allocator(g->ctx), gradient, n_x, sizeof *gradient);
  return status == BP_OK ? filled(x, n_x, vh) : status;
}

bp_status bp_normal_product(const bp_var *y, size_t n_y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *out) {
  if (n_y == 0 || n_x == 0) return BP_OK;
  BP_TRY(bp_check_derivative("normal_product", y[0], x, n_x));
  bp_graph *g = y[0].graph;
  bp_var *jv = bp_alloc(g->ctx, n_y, sizeof *jv);
  if (jv == NULL) return BP_E_NOMEM;
  bp_status status = bp_jvp(y, n_y, x, v, n_x, jv);
  if (status == BP_OK) status = bp_vjp(y, jv, n_y, x, n_x, out);
  bp_release(bp_context_allocator(g->ctx), jv, n_y, sizeof *jv);
  return status == BP_OK ? filled(x, n_x, out) : status;
}

bp_status bp_gauss_newton_product(bp_var loss, const bp_var *z, size_t n_z, const bp_var *x, const bp_var *v,
                                  size_t n_x, bp_var *out) {
  BP_TRY(bp_check_derivative("gauss_newton_product", loss, x, n_x));
  BP_TRY(bp_check_derivative("gauss_newton_product: z", loss, z, n_z));
  if (n_z == 0 || n_x == 0) return BP_OK;
  bp_graph *g = loss.graph;
  bp_var *jv = bp_alloc(g->ctx, 2 * n_z, sizeof *jv);
  if (jv == NULL) return BP_E_NOMEM;
  bp_var *hjv = jv + n_z;
  bp_status status = bp_jvp(z, n_z, x, v, n_x, jv);
  if (status == BP_OK) status = bp_hvp(loss, z, jv, n_z, hjv);
  if (status == BP_OK) status = bp_vjp(z, hjv, n_z, x, n_x, out);
  bp_release(bp_context_allocator(g->ctx), jv, 2 * n_z, sizeof *jv);
  return status == BP_OK ? filled(x, n_x, out) : status;
}
