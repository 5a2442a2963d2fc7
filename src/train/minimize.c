/* minimize.c - bp_minimize() and bp_least_squares(): a graph's programs, driven by a method for full batches. Floor: train. */
#include "backprop/minimize.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "train/full_method.h"
#include "train/graph_objective.h"

const char *bp_minimum_name(bp_minimum minimum) {
  static const char *const names[] = {"gradient", "precision", "iterations", "callback", "unbounded"};
  return (unsigned)minimum < sizeof names / sizeof names[0] ? names[minimum] : "?";
}

/* ---- options ---- */
static bp_status resolve(bp_context *ctx, const bp_minimize_options *options, bp_minimize_options *out) {
  bp_minimize_options o = {0};
  if (options != NULL && options->size < sizeof options->size)
    return bp_fail(ctx, BP_E_ARG, "bp_minimize_options.size is %zu, expected sizeof(bp_minimize_options)",
                   options->size);
  if (options != NULL) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
  if (o.iterations < 0) return bp_fail(ctx, BP_E_ARG, "iterations is %d, expected 1 or more", o.iterations);
  if (!(o.tolerance < 1))
    return bp_fail(ctx, BP_E_ARG, "tolerance is %g, expected a number above 0 and below 1, or a negative one for none",
                   o.tolerance);
  if (o.memory < 0 || o.memory > 1000) return bp_fail(ctx, BP_E_ARG, "memory is %d, expected 1 to 1000", o.memory);
  if (o.threads < 0)
    return bp_fail(ctx, BP_E_ARG, "threads is %d, expected 0 (the library's choice) or more", o.threads);
  if (o.iterations == 0) o.iterations = 1000;
  if (o.tolerance == 0) o.tolerance = 1e-8;
  if (o.memory == 0) o.memory = 10;
  *out = o;
  return BP_OK;
}

/* Bounds of all unknowns; `none` where there are none. */
static void read_bounds(const graph_objective *g, const void *const *bounds, double none, double *out) {
  for (size_t j = 0; j < g->n_x; out += g->sizes[j], j++) {
    flat one = {g->dtype, 1, &g->sizes[j], (void *const *)&bounds[j]};
    if (bounds != NULL && bounds[j] != NULL) {
      flat_read(&one, out);
      continue;
    }
    for (size_t i = 0; i < g->sizes[j]; i++) out[i] = none;
  }
}

static bp_status check_bounds(bp_context *ctx, const double *lower, const double *upper, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!(lower[i] <= upper[i]))
      return bp_fail(ctx, BP_E_ARG, "the bounds of unknown %zu are %g and %g; expected a lower and an upper one", i,
                     lower[i], upper[i]);
  return BP_OK;
}

/* ---- the loop ---- */
static bp_status run(bp_context *ctx, full_method *m, const full_objective *objective, double *x,
                     const bp_minimize_options *o, bp_minimize_result *r) {
  static const bp_minimum ends[] = {[FULL_CONVERGED] = BP_MINIMUM_GRADIENT,
                                    [FULL_STUCK] = BP_MINIMUM_PRECISION,
                                    [FULL_UNBOUNDED] = BP_MINIMUM_UNBOUNDED};
  full_step step;
  BP_TRY(full_method_begin(ctx, m, objective, x, &step));
  for (;;) {
    *r = (bp_minimize_result){r->iterations, full_method_evaluations(m), step.f, step.gradient, BP_MINIMUM_GRADIENT};
    bp_iteration now = {r->iterations, r->evaluations, step.f, step.gradient};
    if (step.end != FULL_GOES_ON) return r->stopped_by = ends[step.end], BP_OK;
    if (r->iterations > 0 && o->progress != NULL && !o->progress(o->progress_user, &now))
      return r->stopped_by = BP_MINIMUM_CALLBACK, BP_OK;
    if (r->iterations == o->iterations) return r->stopped_by = BP_MINIMUM_ITERATIONS, BP_OK;
    BP_TRY(full_method_iterate(m, objective, x, &step));
    if (step.end != FULL_STUCK) r->iterations++;
  }
}

/* x from the caller's arrays and back; on a failure they are as they were. `block`: x, where it began, bounds; [4n]. */
static bp_status minimize_in(graph_objective *g, full_kind kind, const bp_minimize_options *o, double *block,
                             bp_minimize_result *r) {
  full_method m = {0};
  full_objective objective = graph_full_objective(g);
  flat at = graph_unknowns(g);
  double *x = block, *start = x + g->n, *lower = start + g->n, *upper = lower + g->n;
  flat_read(&at, x);
  memcpy(start, x, g->n * sizeof *x);
  if (o->lower != NULL || o->upper != NULL) {
    read_bounds(g, o->lower, -INFINITY, lower);
    read_bounds(g, o->upper, INFINITY, upper);
    BP_TRY(check_bounds(g->ctx, lower, upper, g->n));
    objective.lower = lower;
    objective.upper = upper;
    for (size_t j = 0; j < g->n; j++) x[j] = fmin(fmax(x[j], lower[j]), upper[j]);
  }
  bp_status status = full_method_init(g->ctx, &m, kind, g->n, o->memory, o->tolerance);
  if (status == BP_OK) status = run(g->ctx, &m, &objective, x, o, r);
  flat_store(&at, status == BP_OK ? x : start);
  full_method_release(&m);
  return status;
}

static bp_status minimize(graph_objective *g, full_kind kind, const bp_minimize_options *o, bp_minimize_result *out) {
  bp_minimize_result r = {0};
  double *block = bp_alloc(g->ctx, 4 * g->n, sizeof *block);
  if (block == NULL) return BP_E_NOMEM;
  bp_status status = minimize_in(g, kind, o, block, &r);
  bp_release(bp_context_allocator(g->ctx), block, 4 * g->n, sizeof *block);
  if (status == BP_OK && out != NULL) *out = r;
  return status;
}

static bp_status make_and_minimize(bp_context *ctx, graph_kind form, full_kind kind, bp_var objective, const bp_var *x,
                                   size_t n_x, void *const *values, const bp_minimize_options *o,
                                   bp_minimize_result *result) {
  graph_objective g = {0};
  bp_status status = graph_objective_init(&g, ctx, form, objective, x, n_x, values, o->threads);
  if (status == BP_OK) status = minimize(&g, kind, o, result);
  graph_objective_release(&g);
  return status;
}

/* ---- public functions ---- */
bp_status bp_minimize(bp_context *context, bp_var objective, const bp_var *x, size_t n_x, void *const *values,
                      const bp_minimize_options *options, bp_minimize_result *result) {
  bp_minimize_options o = {0};
  BP_TRY(resolve(context, options, &o));
  return make_and_minimize(context, GRAPH_SCALAR, FULL_LBFGS, objective, x, n_x, values, &o, result);
}

bp_status bp_least_squares(bp_context *context, bp_var residuals, const bp_var *x, size_t n_x, void *const *values,
                           const bp_minimize_options *options, bp_minimize_result *result) {
  bp_minimize_options o = {0};
  size_t n = 0;
  BP_TRY(resolve(context, options, &o));
  for (size_t j = 0; j < n_x; j++) n += graph_elements(x[j]);
  full_kind kind = full_kind_of_squares(n);
  bool formed = kind == FULL_TRUST_REGION && graph_elements(residuals) <= GRAPH_JACOBIAN_MOST / (n > 0 ? n : 1);
  if (kind == FULL_LM && (o.lower != NULL || o.upper != NULL))
    return make_and_minimize(context, GRAPH_SCALAR, FULL_LBFGS, graph_half_squares(residuals), x, n_x, values, &o,
                             result);
  return make_and_minimize(context, formed ? GRAPH_JACOBIAN : GRAPH_PRODUCTS, kind, residuals, x, n_x, values, &o,
                           result);
}
