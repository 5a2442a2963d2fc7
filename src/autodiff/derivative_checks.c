/* derivative_checks.c - whether a derivative can be asked for, and whether building it went well. Floor: autodiff. */
#include "autodiff/derivative_checks.h"

#include "base/fail.h"

/* ---- results ---- */
static bp_status failed(const bp_delivery *d, bp_status status) {
  for (size_t i = 0; i < d->n; i++) d->out[i] = bp_zero_of(d->graph);
  return status;
}

bp_delivery bp_deliver(bp_graph *graph, bp_var *out, size_t n) {
  bp_delivery d = {.graph = graph, .out = out, .n = n, .status = BP_OK};
  if (graph == NULL)
    d.status = failed(&d, BP_E_ARG);
  else if (graph->status != BP_OK)
    d.status = failed(&d, bp_graph_refuse(graph));
  return d;
}

bp_status bp_delivered(const bp_delivery *d, bp_status status) {
  if (status == BP_OK) status = d->graph->status;
  if (status == BP_OK) return BP_OK;
  if (d->graph->status == BP_OK) (void)BP_REFUSE(d->graph, status, "%s", bp_error_message(d->graph->ctx));
  return failed(d, bp_graph_result(d->graph));
}

/* ---- checks ---- */
static bp_status check_var(bp_graph *g, const char *what, const char *name, size_t number, bp_var v) {
  if (v.graph != g || v.id == 0 || v.id >= g->size)
    return BP_REFUSE(g, BP_E_ARG, "%s: %s %zu is no variable of this graph", what, name, number);
  if (!bp_dtype_is_real(bp_dtype_of(v)))
    return BP_REFUSE(g, BP_E_DTYPE, "%s: %s %zu is %s, expected float32 or float64", what, name, number,
                     bp_dtype_name(bp_dtype_of(v)));
  return BP_OK;
}

bp_status bp_check_wrt(const char *what, const bp_var *x, size_t n_x) {
  for (size_t j = 0; j < n_x; j++)
    if (bp_var_passed_by(x[j]))
      return BP_REFUSE(
          x[j].graph, BP_E_ARG,
          "%s: x %zu is a %s of which a square, a root or an even function was built without it (|x|² is x², "
          "‖x‖² is Σ x², and back); differentiate with respect to what it is of, or build that of bp_add(it, 0)",
          what, j, bp_var_op(x[j]));
  return BP_OK;
}

bp_status bp_check_derivative(bp_graph *g, const char *what, bp_var y, const bp_var *x, size_t n_x) {
  BP_TRY(check_var(g, what, "y", 0, y));
  for (size_t j = 0; j < n_x; j++) BP_TRY(check_var(g, what, "x", j, x[j]));
  return bp_check_wrt(what, x, n_x);
}

bp_status bp_check_known(bp_graph *g, const char *what, const bp_var *v, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (v[i].id != 0 && (v[i].graph != g || v[i].id >= g->size))
      return BP_REFUSE(g, BP_E_ARG, "%s %zu is no variable of this graph", what, i);
  return BP_OK;
}

bp_status bp_check_sizes(const char *what, const char *name, bp_var v) {
  char text[BP_SHAPE_TEXT];
  if (!bp_shape_has_batch(bp_shape_of(v))) return BP_OK;
  return BP_REFUSE(v.graph, BP_E_SHAPE, "%s: %s is %s, but the number of its elements must be known", what, name,
                   bp_shape_text(bp_shape_of(v), text, sizeof text));
}

bp_status bp_graph_result(const bp_graph *g) {
  return g->status == BP_OK ? BP_OK : bp_fail(g->ctx, g->status, "%s", bp_graph_message(g));
}
