/* jacobian.c - whole Jacobians from products with the rows or the columns of an identity. Floor: autodiff. */
#include "base/fail.h"
#include "autodiff/derivative_checks.h"
#include "autodiff/directions.h"

/* ---- the result ---- */
/* [y.shape…, x.shape…]; false when that has too many axes. */
static bool joined_shape(bp_var y, bp_var x, bp_shape *to) {
  const bp_shape *a = bp_shape_of(y), *b = bp_shape_of(x);
  if (a->rank + b->rank > BP_MAX_RANK) return false;
  to->rank = a->rank + b->rank;
  for (int i = 0; i < to->rank; i++) to->dims[i] = i < a->rank ? a->dims[i] : b->dims[i - a->rank];
  return true;
}

static bp_status check_joined(bp_var y, const bp_var *x, size_t n_x) {
  bp_shape to;
  for (size_t j = 0; j < n_x; j++) {
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    BP_TRY(bp_check_sizes("jacobian", "x", x[j]));
    if (!joined_shape(y, x[j], &to))
      return BP_REFUSE(y.graph, BP_E_SHAPE, "jacobian: y is %s, x is %s; together more than %d axes",
                       bp_shape_text(bp_shape_of(y), a, sizeof a), bp_shape_text(bp_shape_of(x[j]), b, sizeof b),
                       BP_MAX_RANK);
  }
  return BP_OK;
}

/* From [elements of y, elements of x], or the symbolic zero. */
static bp_var finished(bp_var y, bp_var x, bp_var flat) {
  bp_shape to = {.rank = 0};
  (void)joined_shape(y, x, &to);
  if (flat.id == 0) return bp_full(y.graph, bp_dtype_of(y), &to, 0);
  return bp_cast(bp_reshape(flat, to.rank, to.dims), bp_dtype_of(y));
}

static int64_t elements(bp_var v) { return bp_shape_elements(bp_shape_of(v), 1); }

/* ---- the modes ---- */
static bp_status by_columns(bp_var y, bp_var x, bp_var *jacobian) {
  bp_var rows = bp_zero_of(y.graph);
  if (elements(x) > 0 && elements(y) > 0)
    BP_TRY(bp_push_directions(y, x, bp_identity_seeds(y.graph, bp_dtype_of(x), elements(x)), &rows));
  *jacobian = finished(y, x, rows.id != 0 ? bp_transpose(rows, NULL) : rows);
  return BP_OK;
}

static bp_status by_rows(bp_var y, const bp_var *x, size_t n_x, bp_var *jacobian) {
  for (size_t j = 0; j < n_x; j++) jacobian[j] = bp_zero_of(y.graph);
  if (elements(y) > 0)
    BP_TRY(bp_pull_directions(y, x, n_x, bp_identity_seeds(y.graph, bp_dtype_of(y), elements(y)), jacobian));
  for (size_t j = 0; j < n_x; j++) jacobian[j] = finished(y, x[j], jacobian[j]);
  return BP_OK;
}

/* The batch must stay in front: one pass per element of x, stacked behind the axes of y. */
static bp_status by_columns_of_batch(bp_var y, bp_var x, bp_var *jacobian) {
  bp_graph *g = y.graph;
  size_t n = (size_t)elements(x);
  bp_shape shape = *bp_shape_of(x);
  bp_status status = BP_OK;
  bp_var seeds = n > 0 ? bp_identity_seeds(g, bp_dtype_of(x), (int64_t)n) : bp_zero_of(g), stacked = bp_zero_of(g);
  bp_var *columns = bp_alloc(g->ctx, n, sizeof *columns);
  if (columns == NULL) return BP_E_NOMEM;
  bool any = false;
  for (size_t i = 0; i < n && status == BP_OK; i++) {
    bp_var x_dot = bp_seed_row(seeds, (int64_t)i, &shape);
    status = bp_jvp(&y, 1, &x, &x_dot, 1, &columns[i]);
    any = any || (status == BP_OK && columns[i].id != 0);
  }
  for (size_t i = 0; i < n && status == BP_OK && any; i++)
    if (columns[i].id == 0) columns[i] = bp_full(g, bp_dtype_of(y), bp_shape_of(y), 0);
  if (status == BP_OK && any) stacked = bp_stack(columns, n, bp_shape_of(y)->rank);
  bp_release(bp_context_allocator(g->ctx), columns, n, sizeof *columns);
  if (status == BP_OK) *jacobian = finished(y, x, stacked);
  return status;
}

static bp_status whole(bp_graph *g, bp_var y, const bp_var *x, size_t n_x, bp_mode mode, bp_var *jacobian) {
  BP_TRY(bp_check_derivative(g, "jacobian", y, x, n_x));
  BP_TRY(check_joined(y, x, n_x));
  bool batch = bp_shape_has_batch(bp_shape_of(y));
  int64_t columns = 0;
  for (size_t j = 0; j < n_x; j++) columns += elements(x[j]);
  if (mode == BP_MODE_AUTO) mode = batch || columns <= elements(y) ? BP_MODE_FORWARD : BP_MODE_REVERSE;
  if (mode == BP_MODE_REVERSE) {
    BP_TRY(bp_check_sizes("jacobian by reverse mode", "y", y));
    return by_rows(y, x, n_x, jacobian);
  }
  for (size_t j = 0; j < n_x; j++) BP_TRY((batch ? by_columns_of_batch : by_columns)(y, x[j], &jacobian[j]));
  return BP_OK;
}

bp_status bp_jacobian(bp_var y, const bp_var *x, size_t n_x, bp_mode mode, bp_var *jacobian) {
  bp_delivery d = bp_deliver(bp_graph_of_two(&y, 1, x, n_x), jacobian, n_x);
  if (d.status != BP_OK) return d.status;
  bp_var *work = bp_alloc(d.graph->ctx, n_x, sizeof *work);
  bp_status status = work != NULL ? whole(d.graph, y, x, n_x, mode, work) : BP_E_NOMEM;
  for (size_t j = 0; j < n_x && status == BP_OK; j++) jacobian[j] = work[j];
  bp_release(bp_context_allocator(d.graph->ctx), work, n_x, sizeof *work);
  return bp_delivered(&d, status);
}
