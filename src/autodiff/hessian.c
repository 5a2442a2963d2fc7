/* hessian.c - second derivatives: the Jacobian of a gradient, in any pair of modes. Floor: autodiff. */
#include "backprop/autodiff.h"

#include "autodiff/derivative_checks.h"
#include "base/fail.h"

static int64_t elements(bp_var v) { return bp_shape_elements(bp_shape_of(v), 1); }

/* The gradient in one of the modes; by forward mode it is the only row of a Jacobian. */
static bp_status gradient_by(bp_var y, const bp_var *x, size_t n_x, bp_mode mode, bp_var *gradient) {
  return mode == BP_MODE_FORWARD ? bp_jacobian(y, x, n_x, mode, gradient) : bp_grad(y, x, n_x, gradient);
}

/* All gradients one behind the other: [elements of all x]. */
static bp_var concatenated(bp_var *gradient, size_t n_x) {
  for (size_t j = 0; j < n_x; j++) gradient[j] = bp_reshape(gradient[j], 1, (int64_t[]){elements(gradient[j])});
  return bp_concat(gradient, n_x, 0);
}

/* Cuts the rows of x[i] out of the Jacobian of all gradients with respect to x[j]. */
static bp_var block(bp_var rows, int64_t first, bp_var xi, bp_var xj) {
  bp_shape a = *bp_shape_of(xi), b = *bp_shape_of(xj), to = {.rank = a.rank + b.rank};
  for (int k = 0; k < to.rank; k++) to.dims[k] = k < a.rank ? a.dims[k] : b.dims[k - a.rank];
  return bp_reshape(bp_slice(rows, 0, first, first + elements(xi), 1), to.rank, to.dims);
}

static bp_status check_hessian(bp_graph *g, bp_var y, const bp_var *x, size_t n_x) {
  char text[BP_SHAPE_TEXT];
  BP_TRY(bp_check_derivative(g, "hessian", y, x, n_x));
  if (bp_shape_of(y)->rank != 0)
    return BP_REFUSE(
        y.graph, BP_E_SHAPE,
        "hessian: y is %s, expected a scalar; bp_jacobian() of a Jacobian gives second derivatives of a vector",
        bp_shape_text(bp_shape_of(y), text, sizeof text));
  for (size_t j = 0; j < n_x; j++) {
    BP_TRY(bp_check_sizes("hessian", "x", x[j]));
    for (size_t i = 0; i < n_x; i++)
      if (bp_shape_of(x[i])->rank + bp_shape_of(x[j])->rank > BP_MAX_RANK)
        return BP_REFUSE(y.graph, BP_E_SHAPE, "hessian: x %zu and x %zu have together more than %d axes", i, j,
                         BP_MAX_RANK);
  }
  return BP_OK;
}

/* work[3 n_x]: the gradient, the rows of its Jacobian, and x, whose array may be that of the result. */
static bp_status blocks(bp_var y, const bp_var *x, size_t n_x, bp_mode outer, bp_mode inner, bp_var *work,
                        bp_var *hessian) {
  bp_var *gradient = work, *rows = work + n_x, *kept = work + 2 * n_x;
  int64_t first = 0;
  for (size_t j = 0; j < n_x; j++) kept[j] = x[j];
  BP_TRY(gradient_by(y, x, n_x, inner, gradient));
  BP_TRY(bp_jacobian(concatenated(gradient, n_x), x, n_x, outer == BP_MODE_REVERSE ? outer : BP_MODE_FORWARD, rows));
  for (size_t i = 0; i < n_x; first += elements(kept[i]), i++)
    for (size_t j = 0; j < n_x; j++) hessian[i * n_x + j] = block(rows[j], first, kept[i], kept[j]);
  return BP_OK;
}

bp_status bp_hessian_by(bp_var y, const bp_var *x, size_t n_x, bp_mode outer, bp_mode inner, bp_var *hessian) {
  bp_delivery d = bp_deliver(bp_graph_of_two(&y, 1, x, n_x), hessian, n_x * n_x);
  if (d.status != BP_OK) return d.status;
  bp_status status = check_hessian(d.graph, y, x, n_x);
  if (status != BP_OK || n_x == 0) return bp_delivered(&d, status);
  bp_var *work = bp_alloc(d.graph->ctx, n_x, 3 * sizeof *work);
  status = work != NULL ? blocks(y, x, n_x, outer, inner, work, hessian) : BP_E_NOMEM;
  bp_release(bp_context_allocator(d.graph->ctx), work, n_x, 3 * sizeof *work);
  return bp_delivered(&d, status);
}

bp_status bp_hessian(bp_var y, const bp_var *x, size_t n_x, bp_var *hessian) {
  return bp_hessian_by(y, x, n_x, BP_MODE_FORWARD, BP_MODE_REVERSE, hessian);
}
