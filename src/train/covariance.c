/* covariance.c - bp_fit_covariance(): how well the data of a fit determine its unknowns, from the QR factor of the Jacobian. Floor: train. */
#include <string.h>

#include "backprop/minimize.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "train/dense_qr.h"
#include "train/graph_objective.h"

/* What the factor of the Jacobian is made in: m [n,n] by columns, its norms [n], q and a row [n] each. */
typedef struct factored {
  double *m, *norms, *q, *row;
  size_t *order;
  size_t n;
} factored;

/* Whether J, with columns of length 1, has full rank but for rounding. */
static bool has_full_rank(const factored *f, size_t rows) {
  double least = 1e-16 * (double)(rows > f->n ? rows : f->n);
  for (size_t k = 0; k < f->n; k++)
    if (!(fabs(f->m[k * f->n + k]) > least * fabs(f->m[0]))) return false;
  return rows >= f->n;
}

/* Row i of R⁻¹R⁻ᵀ, as row order[i] of the inverse of JᵀJ, by the columns' norms and a factor. */
static void put_row(const factored *f, size_t i, double factor, double *covariance) {
  size_t n = f->n, to = f->order[i];
  memset(f->row, 0, n * sizeof *f->row);
  f->row[i] = 1;
  qr_solve_transposed(f->m, n, n, f->row);
  qr_solve(f->m, n, n, f->row);
  for (size_t k = 0; k < n; k++)
    covariance[to * n + f->order[k]] = factor * f->row[k] / f->norms[to] / f->norms[f->order[k]];
}

static void set_covariance(factored *f, size_t rows, double squares, bool absolute, double *covariance) {
  size_t n = f->n;
  for (size_t j = 0; j < n; j++) {
    double norm = qr_norm(f->m + j * n, n);
    f->norms[j] = norm > 0 ? norm : 1;
    for (size_t i = 0; i < n; i++) f->m[j * n + i] /= f->norms[j];
  }
  qr_pivoted(f->m, n, n, n, f->order, f->q);
  if (!has_full_rank(f, rows) || (!absolute && rows <= n)) {
    for (size_t i = 0; i < n * n; i++) covariance[i] = INFINITY;
    return;
  }
  double factor = absolute ? 1 : squares / (double)(rows - n);
  for (size_t i = 0; i < n; i++) put_row(f, i, factor, covariance);
  for (size_t i = 0; i < n; i++) /* symmetric to the last bit */
    for (size_t j = 0; j < i; j++) covariance[i * n + j] = covariance[j * n + i];
}

static bp_status factor_at(graph_objective *g, factored *f, double *half_squares) {
  full_objective o = graph_full_objective(g);
  flat at = graph_unknowns(g);
  double size;
  flat_read(&at, f->row);
  BP_TRY(o.value(o.user, f->row, half_squares, NULL));
  BP_TRY(o.factor(o.user, f->row, f->m, f->q, &size));
  if (isfinite(*half_squares) && isfinite(full_largest(f->m, f->n * f->n))) return BP_OK;
  return bp_fail(g->ctx, BP_E_DIVERGED,
                 "the residuals or their Jacobian are not finite where the covariance is asked for");
}

static bp_status covariance_of(graph_objective *g, bool absolute, double *covariance) {
  factored f = {.n = g->n};
  bp_allocator a = bp_context_allocator(g->ctx);
  size_t doubles;
  double half_squares;
  if (!bp_mul_size(g->n + 3, g->n, &doubles)) return bp_fail(g->ctx, BP_E_NOMEM, "a covariance of %zu unknowns", g->n);
  f.m = bp_alloc(g->ctx, doubles, sizeof *f.m);
  f.order = bp_alloc(g->ctx, g->n, sizeof *f.order);
  bp_status status = f.m == NULL || f.order == NULL ? BP_E_NOMEM : BP_OK;
  if (status == BP_OK) {
    f.norms = f.m + g->n * g->n;
    f.q = f.norms + g->n;
    f.row = f.q + g->n;
    status = factor_at(g, &f, &half_squares);
  }
  if (status == BP_OK) set_covariance(&f, g->m, 2 * half_squares, absolute, covariance);
  bp_release(a, f.m, doubles, sizeof *f.m);
  bp_release(a, f.order, g->n, sizeof *f.order);
  return status;
}

bp_status bp_fit_covariance(bp_context *context, bp_var residuals, const bp_var *x, size_t n_x, void *const *values,
                            bool absolute, double *covariance) {
  graph_objective g;
  bp_status status = graph_objective_init(&g, context, GRAPH_JACOBIAN, residuals, x, n_x, values, 0);
  if (status == BP_OK) status = covariance_of(&g, absolute, covariance);
  graph_objective_release(&g);
  return status;
}
