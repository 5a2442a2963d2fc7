/* products.c - products with second derivatives and their approximations, made of one pass in each mode. Floor: autodiff. */
#include "backprop/autodiff.h"

#include "autodiff/derivative_checks.h"
#include "base/fail.h"

/* Symbolic zeros become zeros in the shape of their variable. */
static void fill(const bp_var *x, size_t n, const bp_var *v, bp_var *out) {
  for (size_t i = 0; i < n; i++)
    out[i] = v[i].id != 0 ? v[i] : bp_full(x[i].graph, bp_dtype_of(x[i]), bp_shape_of(x[i]), 0);
}

bp_status bp_value_and_grad(bp_var y, const bp_var *x, size_t n_x, bp_var *out) {
  bp_delivery d = bp_deliver(bp_graph_of_two(&y, 1, x, n_x), out, 1 + n_x);
  if (d.status != BP_OK) return d.status;
  bp_status status = bp_grad(y, x, n_x, out + 1);
  out[0] = y;
  return bp_delivered(&d, status);
}

/* ---- with room for what lies between: `room` variables ---- */
typedef struct product {
  const char *what;
  const bp_var *y, *z, *x, *v; /* y[0] or all y; z: of a Gauss-Newton product */
  size_t n_y, n_z, n_x;
} product;
typedef bp_status (*product_fn)(bp_graph *g, const product *p, bp_var *work, bp_var *out);

static bp_status run(const product *p, product_fn body, size_t room, bp_var *out) {
  bp_delivery d = bp_deliver(bp_graph_of_two(p->y, p->n_y, p->x, p->n_x), out, p->n_x);
  if (d.status != BP_OK) return d.status;
  bp_var *work = bp_alloc(d.graph->ctx, room, sizeof *work);
  bp_status status = work != NULL ? body(d.graph, p, work, out) : BP_E_NOMEM;
  bp_release(bp_context_allocator(d.graph->ctx), work, room, sizeof *work);
  return bp_delivered(&d, status);
}

static bp_status vhp(bp_graph *g, const product *p, bp_var *gradient, bp_var *out) {
  bp_var *vh = gradient + p->n_x;
  BP_TRY(bp_check_derivative(g, p->what, p->y[0], p->x, p->n_x));
  BP_TRY(bp_check_known(g, "vhp: v", p->v, p->n_x));
  BP_TRY(bp_grad(p->y[0], p->x, p->n_x, gradient));
  BP_TRY(bp_vjp(gradient, p->v, p->n_x, p->x, p->n_x, vh));
  return fill(p->x, p->n_x, vh, out), BP_OK;
}

bp_status bp_vhp(bp_var y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *vh) {
  return run(&(product){.what = "vhp", .y = &y, .x = x, .v = v, .n_y = 1, .n_x = n_x}, vhp, 2 * n_x, vh);
}

static bp_status normal_product(bp_graph *g, const product *p, bp_var *jv, bp_var *out) {
  bp_var *bars = jv + p->n_y;
  if (p->n_y > 0) BP_TRY(bp_check_derivative(g, p->what, p->y[0], p->x, p->n_x));
  BP_TRY(bp_jvp(p->y, p->n_y, p->x, p->v, p->n_x, jv));
  BP_TRY(bp_vjp(p->y, jv, p->n_y, p->x, p->n_x, bars));
  return fill(p->x, p->n_x, bars, out), BP_OK;
}

bp_status bp_normal_product(const bp_var *y, size_t n_y, const bp_var *x, const bp_var *v, size_t n_x, bp_var *out) {
  if (n_y == 0 && n_x == 0) return BP_OK;
  return run(&(product){.what = "normal_product", .y = y, .x = x, .v = v, .n_y = n_y, .n_x = n_x}, normal_product,
             n_y + n_x, out);
}

static bp_status gauss_newton_product(bp_graph *g, const product *p, bp_var *jv, bp_var *out) {
  bp_var *hjv = jv + p->n_z, *bars = hjv + p->n_z;
  BP_TRY(bp_check_derivative(g, p->what, p->y[0], p->x, p->n_x));
  BP_TRY(bp_check_derivative(g, "gauss_newton_product: z", p->y[0], p->z, p->n_z));
  BP_TRY(bp_jvp(p->z, p->n_z, p->x, p->v, p->n_x, jv));
  BP_TRY(bp_hvp(p->y[0], p->z, jv, p->n_z, hjv));
  BP_TRY(bp_vjp(p->z, hjv, p->n_z, p->x, p->n_x, bars));
  return fill(p->x, p->n_x, bars, out), BP_OK;
}

bp_status bp_gauss_newton_product(bp_var loss, const bp_var *z, size_t n_z, const bp_var *x, const bp_var *v,
                                  size_t n_x, bp_var *out) {
  const product p = {"gauss_newton_product", &loss, z, x, v, 1, n_z, n_x};
  return run(&p, gauss_newton_product, 2 * n_z + n_x, out);
}
