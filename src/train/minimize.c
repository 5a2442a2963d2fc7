/* minimize.c - bp_minimize() and bp_least_squares(): programs from a graph, driven by a method for full batches. Floor: train. */
#include "backprop/minimize.h"

#include <inttypes.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "base/fail.h"
#include "train/flat.h"
#include "train/full_method.h"

const char *bp_minimum_name(bp_minimum minimum) {
  static const char *const names[] = {"gradient", "precision", "iterations", "callback"};
  return (unsigned)minimum < sizeof names / sizeof names[0] ? names[minimum] : "?";
}

/* ---- a graph as an objective ---- */

/* x, then v in the same shapes; A v. Every array is a part of one block. */
typedef struct graph_objective {
  bp_context *ctx;
  bp_dtype dtype;      /* of x */
  bp_dtype value_type; /* of the value */
  size_t n_x, n;       /* arrays, and their elements */
  size_t *sizes;       /* [n_x] */
  bp_var *vars;        /* [3 n_x + 1]: x; v; the value; its gradient or A v */
  void **pointers;     /* [3 n_x + 1]: to x, the caller's; to v; to value; to results */
  char *block;         /* v and results */
  size_t block_size;
  bp_program *value, *product; /* product: least squares only */
  bp_workspace *value_workspace, *product_workspace;
  union {
    float f32;
    double f64;
  } f;
} graph_objective;

static flat unknowns(const graph_objective *o) { return (flat){o->dtype, o->n_x, o->sizes, o->pointers}; }
static flat directions(const graph_objective *o) { return (flat){o->dtype, o->n_x, o->sizes, o->pointers + o->n_x}; }
static flat results(const graph_objective *o) {
  return (flat){o->dtype, o->n_x, o->sizes, o->pointers + 2 * o->n_x + 1};
}

static bp_status value(void *user, double *x, double *f, double *gradient) {
  graph_objective *o = user;
  flat at = unknowns(o), to = results(o);
  flat_write(&at, x);
  BP_TRY(bp_run(o->value, o->value_workspace, 0, (const void *const *)o->pointers, o->pointers + 2 * o->n_x));
  *f = o->value_type == BP_F64 ? o->f.f64 : (double)o->f.f32;
  flat_read(&to, gradient);
  return BP_OK;
}

static bp_status product(void *user, const double *x, const double *v, double *out) {
  graph_objective *o = user;
  flat at = unknowns(o), along = directions(o), to = results(o);
  flat_store(&at, x);
  flat_store(&along, v);
  BP_TRY(bp_run(o->product, o->product_workspace, 0, (const void *const *)o->pointers, o->pointers + 2 * o->n_x + 1));
  flat_read(&to, out);
  return BP_OK;
}

/* ---- making it ---- */
static bp_status check_unknowns(bp_context *ctx, bp_var f, const bp_var *x, size_t n_x) {
  if (n_x == 0) return bp_fail(ctx, BP_E_ARG, "there is nothing to change; expected at least one variable x");
  if (f.graph == NULL) return bp_fail(ctx, BP_E_ARG, "what is to be made small is the null variable");
  for (size_t j = 0; j < n_x; j++) {
    bp_dtype dtype = bp_var_dtype(x[j]);
    if (dtype != BP_F32 && dtype != BP_F64)
      return bp_fail(ctx, BP_E_ARG, "x[%zu] is %s; expected float32 or float64", j, bp_dtype_name(dtype));
    if (dtype != bp_var_dtype(x[0]))
      return bp_fail(ctx, BP_E_ARG, "x[%zu] is %s and x[0] %s; expected one type for all", j, bp_dtype_name(dtype),
                     bp_dtype_name(bp_var_dtype(x[0])));
    for (int axis = 0; axis < bp_var_rank(x[j]); axis++)
      if (bp_var_dim(x[j], axis) == BP_BATCH)
        return bp_fail(ctx, BP_E_ARG, "x[%zu] has a batch axis; expected sizes that are known", j);
  }
  return BP_OK;
}

static size_t elements(bp_var x) {
  size_t n = 1;
  for (int axis = 0; axis < bp_var_rank(x); axis++) n *= (size_t)bp_var_dim(x, axis);
  return n;
}

static bp_status alloc_arrays(graph_objective *o, const bp_var *x, void *const *values) {
  size_t width = bp_dtype_size(o->dtype), n_x = o->n_x;
  o->sizes = bp_calloc(o->ctx, n_x, sizeof *o->sizes);
  o->vars = bp_calloc(o->ctx, 3 * n_x + 1, sizeof *o->vars);
  o->pointers = bp_calloc(o->ctx, 3 * n_x + 1, sizeof *o->pointers);
  if (o->sizes == NULL || o->vars == NULL || o->pointers == NULL) return BP_E_NOMEM;
  for (size_t j = 0; j < n_x; j++) o->n += o->sizes[j] = elements(x[j]);
  if (!bp_mul_size(2 * o->n, width, &o->block_size)) return bp_fail(o->ctx, BP_E_NOMEM, "x does not fit in memory");
  o->block = bp_aligned_alloc(o->ctx, o->block_size + 1);
  if (o->block == NULL) return BP_E_NOMEM;
  char *v = o->block, *result = o->block + o->n * width;
  o->pointers[2 * n_x] = &o->f;
  for (size_t j = 0; j < n_x; j++) {
    o->vars[j] = x[j];
    o->pointers[j] = values[j];
    o->pointers[n_x + j] = v;
    o->pointers[2 * n_x + 1 + j] = result;
    v += o->sizes[j] * width;
    result += o->sizes[j] * width;
  }
  return BP_OK;
}

/* An error of building by its own name and message. */
static bp_status built(const graph_objective *o, const bp_graph *graph, bp_status status) {
  if (status != BP_E_GRAPH) return status;
  return bp_fail(o->ctx, bp_graph_status(graph), "%s", bp_graph_message(graph));
}

static bp_status compile_value(graph_objective *o, bp_var f, int threads) {
  size_t n_x = o->n_x;
  bp_var *out = o->vars + 2 * n_x;
  o->value_type = bp_var_dtype(f);
  BP_TRY(built(o, f.graph, bp_value_and_grad(f, o->vars, n_x, out)));
  BP_TRY(built(o, f.graph, bp_compile(out, 1 + n_x, o->vars, n_x, NULL, &o->value)));
  return bp_workspace_new(o->ctx, o->value, threads, &o->value_workspace);
}

static bp_status compile_product(graph_objective *o, bp_var r, int threads) {
  size_t n_x = o->n_x;
  bp_var *v = o->vars + n_x, *out = o->vars + 2 * n_x + 1;
  for (size_t j = 0; j < n_x; j++) {
    int64_t dims[16];
    int rank = bp_var_rank(o->vars[j]);
    for (int axis = 0; axis < rank; axis++) dims[axis] = bp_var_dim(o->vars[j], axis);
    v[j] = bp_input(r.graph, "direction", o->dtype, rank, dims);
  }
  BP_TRY(built(o, r.graph, bp_normal_product(&r, 1, o->vars, v, n_x, out)));
  BP_TRY(built(o, r.graph, bp_compile(out, n_x, o->vars, 2 * n_x, NULL, &o->product)));
  return bp_workspace_new(o->ctx, o->product, threads, &o->product_workspace);
}

/* ½ Σ r², added up in float64 */
static bp_var half_squares(bp_var r) {
  return bp_mul(bp_sum(bp_square(bp_cast(r, BP_F64)), BP_ALL_AXES), bp_scalar(r.graph, BP_F64, 0.5));
}

static void release(graph_objective *o) {
  bp_allocator a = bp_context_allocator(o->ctx);
  bp_workspace_free(o->value_workspace);
  bp_workspace_free(o->product_workspace);
  bp_program_free(o->value);
  bp_program_free(o->product);
  if (o->block != NULL) bp_aligned_free(a, o->block, o->block_size + 1);
  bp_release(a, o->sizes, o->n_x, sizeof *o->sizes);
  bp_release(a, o->vars, 3 * o->n_x + 1, sizeof *o->vars);
  bp_release(a, (void *)o->pointers, 3 * o->n_x + 1, sizeof *o->pointers);
}

/* ---- the loop ---- */
static bp_status resolve(bp_context *ctx, const bp_minimize_options *options, bp_minimize_options *out) {
  bp_minimize_options o = {0};
  if (options != NULL && options->size < sizeof options->size)
    return bp_fail(ctx, BP_E_ARG, "bp_minimize_options.size is %zu, expected sizeof(bp_minimize_options)",
                   options->size);
  if (options != NULL) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
  if (o.iterations < 0) return bp_fail(ctx, BP_E_ARG, "iterations is %d, expected 1 or more", o.iterations);
  if (!(o.tolerance >= 0 && o.tolerance < 1))
    return bp_fail(ctx, BP_E_ARG, "tolerance is %g, expected a number above 0 and below 1", o.tolerance);
  if (o.memory < 0 || o.memory > 1000) return bp_fail(ctx, BP_E_ARG, "memory is %d, expected 1 to 1000", o.memory);
  if (o.threads < 0) return bp_fail(ctx, BP_E_ARG, "threads is %d, expected 0 (one per core) or more", o.threads);
  if (o.iterations == 0) o.iterations = 1000;
  if (o.tolerance == 0) o.tolerance = 1e-8;
  if (o.memory == 0) o.memory = 10;
  *out = o;
  return BP_OK;
}

static bool flat_enough(const bp_minimize_options *options, const full_step *step) {
  return step->gradient <= options->tolerance * fmax(1, fabs(step->f));
}

static bp_status run(bp_context *ctx, full_method *m, const full_objective *objective, double *x,
                     const bp_minimize_options *o, bp_minimize_result *r) {
  full_step step;
  BP_TRY(full_method_begin(ctx, m, objective, x, &step));
  for (;;) {
    *r = (bp_minimize_result){r->iterations, full_method_evaluations(m), step.f, step.gradient, BP_MINIMUM_GRADIENT};
    bp_iteration now = {r->iterations, r->evaluations, step.f, step.gradient};
    if (flat_enough(o, &step)) return BP_OK;
    if (step.stuck) return r->stopped_by = BP_MINIMUM_PRECISION, BP_OK;
    if (r->iterations > 0 && o->progress != NULL && !o->progress(o->progress_user, &now))
      return r->stopped_by = BP_MINIMUM_CALLBACK, BP_OK;
    if (r->iterations == o->iterations) return r->stopped_by = BP_MINIMUM_ITERATIONS, BP_OK;
    BP_TRY(full_method_iterate(m, objective, x, &step));
    if (!step.stuck) r->iterations++;
  }
}

/* x from the caller's arrays and back; on a failure they are as they were. */
static bp_status minimize(graph_objective *g, full_kind kind, const bp_minimize_options *o, bp_minimize_result *out) {
  full_method m = {0};
  bp_minimize_result r = {0};
  bp_allocator a = bp_context_allocator(g->ctx);
  full_objective objective = {g, g->n, g->value_type == BP_F64 ? 1e-15 : 1e-7, value, product};
  flat at = unknowns(g);
  double *x = bp_alloc(g->ctx, 2 * g->n, sizeof *x);
  if (x == NULL) return BP_E_NOMEM;
  double *start = x + g->n;
  flat_read(&at, x);
  memcpy(start, x, g->n * sizeof *x);
  bp_status status = full_method_init(g->ctx, &m, kind, g->n, o->memory, o->threads);
  if (status == BP_OK) status = run(g->ctx, &m, &objective, x, o, &r);
  flat_store(&at, status == BP_OK ? x : start);
  full_method_release(&m);
  bp_release(a, x, 2 * g->n, sizeof *x);
  if (status == BP_OK && out != NULL) *out = r;
  return status;
}

/* ---- public functions ---- */
bp_status bp_minimize(bp_context *context, bp_var objective, const bp_var *x, size_t n_x, void *const *values,
                      const bp_minimize_options *options, bp_minimize_result *result) {
  bp_minimize_options o;
  BP_TRY(resolve(context, options, &o));
  BP_TRY(check_unknowns(context, objective, x, n_x));
  graph_objective g = {.ctx = context, .dtype = bp_var_dtype(x[0]), .n_x = n_x};
  bp_status status = alloc_arrays(&g, x, values);
  if (status == BP_OK) status = compile_value(&g, objective, o.threads);
  if (status == BP_OK) status = minimize(&g, FULL_LBFGS, &o, result);
  release(&g);
  return status;
}

bp_status bp_least_squares(bp_context *context, bp_var residuals, const bp_var *x, size_t n_x, void *const *values,
                           const bp_minimize_options *options, bp_minimize_result *result) {
  bp_minimize_options o;
  BP_TRY(resolve(context, options, &o));
  BP_TRY(check_unknowns(context, residuals, x, n_x));
  graph_objective g = {.ctx = context, .dtype = bp_var_dtype(x[0]), .n_x = n_x};
  bp_status status = alloc_arrays(&g, x, values);
  if (status == BP_OK) status = compile_value(&g, half_squares(residuals), o.threads);
  if (status == BP_OK) status = compile_product(&g, residuals, o.threads);
  if (status == BP_OK) status = minimize(&g, FULL_LM, &o, result);
  release(&g);
  return status;
}
