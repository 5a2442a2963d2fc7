/* graph_objective.c - value and gradient, products, or residuals and Jacobian of a graph, from compiled programs. Floor: train.
 *
 * The Jacobian is made by a forward pass for each unknown: of one program, whatever branches, loops and axes the graph has.
 */
#include "train/graph_objective.h"

#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "train/dense_qr.h"
#include "train/worth_threads.h"

/* Rows of J that are taken up at once: enough that the triangle's part of the work is small, few enough for the cache. */
#define ROWS_LEAST 64

static flat arrays_from(const graph_objective *g, size_t first) {
  return (flat){g->dtype, g->n_x, g->sizes, g->pointers + first};
}
flat graph_unknowns(const graph_objective *g) { return arrays_from(g, 0); }
static flat directions(const graph_objective *g) { return arrays_from(g, g->n_x); }
static flat results(const graph_objective *g) { return arrays_from(g, 2 * g->n_x + 1); }

static bp_status run(const graph_objective *g, const graph_program *p, void *const *outputs) {
  return bp_run(p->program, p->workspace, 0, (const void *const *)g->pointers, outputs);
}

/* ---- a scalar ---- */
static bp_status value(void *user, double *x, double *f, double *gradient) {
  graph_objective *g = user;
  flat at = graph_unknowns(g), to = results(g);
  flat_write(&at, x);
  BP_TRY(run(g, &g->value, g->pointers + 2 * g->n_x));
  *f = g->value_type == BP_F64 ? g->f.f64 : (double)g->f.f32;
  if (gradient != NULL) flat_read(&to, gradient);
  return BP_OK;
}

static bp_status product(void *user, const double *x, const double *v, double *out) {
  graph_objective *g = user;
  flat at = graph_unknowns(g), along = directions(g), to = results(g);
  flat_store(&at, x);
  flat_store(&along, v);
  BP_TRY(run(g, &g->product, g->pointers + 2 * g->n_x + 1));
  flat_read(&to, out);
  return BP_OK;
}

/* ---- residuals ---- */

/* Runs a program whose output is [m], into `to`. */
static bp_status run_column(graph_objective *g, const graph_program *p, double *to) {
  flat column = {g->value_type, 1, &g->m, &g->column};
  BP_TRY(run(g, p, &g->column));
  flat_read(&column, to);
  return BP_OK;
}

static bp_status residual_value(void *user, double *x, double *f, double *gradient) {
  (void)gradient;
  graph_objective *g = user;
  flat at = graph_unknowns(g);
  flat_write(&at, x);
  BP_TRY(run_column(g, &g->value, g->residuals));
  *f = 0.5 * full_dot(g->residuals, g->residuals, g->m);
  return BP_OK;
}

/* ½ Σ (r - r')(r + r') */
static double residual_fall(void *user) {
  const graph_objective *g = user;
  double sum = 0;
  for (size_t i = 0; i < g->m; i++) sum += (g->kept[i] - g->residuals[i]) * (g->kept[i] + g->residuals[i]);
  return 0.5 * sum;
}

static void residual_keep(void *user) {
  graph_objective *g = user;
  memcpy(g->kept, g->residuals, g->m * sizeof *g->kept);
}

static bp_status form_jacobian(graph_objective *g, const double *x) {
  flat at = graph_unknowns(g), along = directions(g);
  double *unit = g->rhs;
  flat_store(&at, x);
  memset(unit, 0, g->n * sizeof *unit);
  for (size_t j = 0; j < g->n; j++) {
    unit[j] = 1;
    flat_store(&along, unit);
    unit[j] = 0;
    BP_TRY(run_column(g, &g->product, g->jacobian + j * g->m));
  }
  return BP_OK;
}

/* Puts rows begin .. begin + count of J below the triangle, and the residuals into its right side; returns ‖r‖² of those that depend on
 * x. */
static double stack_rows(graph_objective *g, size_t begin, size_t count) {
  size_t n = g->n, lead = n + g->n_rows;
  double square = 0;
  for (size_t j = 0; j < n; j++)
    memcpy(g->rows + j * lead + n, g->jacobian + j * g->m + begin, count * sizeof *g->rows);
  for (size_t i = 0; i < count; i++) {
    bool depends = false;
    for (size_t j = 0; j < n && !depends; j++) depends = g->rows[j * lead + n + i] != 0;
    g->rhs[n + i] = depends ? g->residuals[begin + i] : 0;
    square += g->rhs[n + i] * g->rhs[n + i];
  }
  return square;
}

static bp_status residual_factor(void *user, const double *x, double *m, double *q, double *size) {
  graph_objective *g = user;
  size_t n = g->n, lead = n + g->n_rows;
  double square = 0;
  BP_TRY(form_jacobian(g, x));
  memset(g->rows, 0, lead * n * sizeof *g->rows);
  memset(g->rhs, 0, n * sizeof *g->rhs);
  for (size_t begin = 0; begin < g->m; begin += g->n_rows) {
    size_t count = g->m - begin < g->n_rows ? g->m - begin : g->n_rows;
    square += stack_rows(g, begin, count);
    qr_absorb(g->rows, lead, n, count, g->rhs);
  }
  for (size_t j = 0; j < n; j++) memcpy(m + j * n, g->rows + j * lead, n * sizeof *m);
  memcpy(q, g->rhs, n * sizeof *q);
  *size = sqrt(square);
  return BP_OK;
}

full_objective graph_full_objective(graph_objective *g) {
  double noise = g->value_type == BP_F64 && g->dtype == BP_F64 ? 1e-15 : 1e-7;
  if (g->kind == GRAPH_JACOBIAN)
    return (full_objective){.user = g,
                            .n = g->n,
                            .noise = noise,
                            .value = residual_value,
                            .factor = residual_factor,
                            .fall = residual_fall,
                            .keep = residual_keep};
  return (full_objective){.user = g, .n = g->n, .noise = noise, .value = value, .product = product};
}

/* ---- making it ---- */
size_t graph_elements(bp_var x) {
  size_t n = 1;
  for (int axis = 0; axis < bp_var_rank(x); axis++) n *= (size_t)bp_var_dim(x, axis);
  return n;
}

bp_var graph_half_squares(bp_var r) {
  return bp_mul(bp_sum(bp_square(bp_cast(r, BP_F64)), BP_ALL_AXES), bp_scalar(r.graph, BP_F64, 0.5));
}

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

static bp_status alloc_arrays(graph_objective *g, const bp_var *x, void *const *values) {
  size_t width = bp_dtype_size(g->dtype), n_x = g->n_x;
  g->sizes = bp_calloc(g->ctx, n_x, sizeof *g->sizes);
  g->vars = bp_calloc(g->ctx, 3 * n_x + 1, sizeof *g->vars);
  g->pointers = bp_calloc(g->ctx, 3 * n_x + 1, sizeof *g->pointers);
  if (g->sizes == NULL || g->vars == NULL || g->pointers == NULL) return BP_E_NOMEM;
  for (size_t j = 0; j < n_x; j++) g->n += g->sizes[j] = graph_elements(x[j]);
  if (!bp_mul_size(2 * g->n, width, &g->block_size)) return bp_fail(g->ctx, BP_E_NOMEM, "x does not fit in memory");
  g->block = bp_aligned_alloc(g->ctx, g->block_size + 1);
  if (g->block == NULL) return BP_E_NOMEM;
  char *v = g->block, *result = g->block + g->n * width;
  g->pointers[2 * n_x] = &g->f;
  for (size_t j = 0; j < n_x; j++) {
    g->vars[j] = x[j];
    g->pointers[j] = values[j];
    g->pointers[n_x + j] = v;
    g->pointers[2 * n_x + 1 + j] = result;
    v += g->sizes[j] * width;
    result += g->sizes[j] * width;
  }
  return BP_OK;
}

static bp_status alloc_jacobian(graph_objective *g) {
  size_t n = g->n, doubles, part;
  g->n_rows = 4 * n > ROWS_LEAST ? 4 * n : ROWS_LEAST;
  if (!bp_mul_size(g->m, n + 2, &doubles) || !bp_mul_size(n + g->n_rows, n + 1, &part) ||
      !bp_add_size(doubles, part, &g->doubles_size))
    return bp_fail(g->ctx, BP_E_NOMEM, "a Jacobian of %zu residuals by %zu unknowns does not fit in memory", g->m, n);
  g->residuals = bp_alloc(g->ctx, g->doubles_size, sizeof *g->residuals);
  g->column = bp_aligned_alloc(g->ctx, g->m * bp_dtype_size(g->value_type) + 1);
  if (g->residuals == NULL || g->column == NULL) return BP_E_NOMEM;
  g->kept = g->residuals + g->m;
  g->jacobian = g->kept + g->m;
  g->rows = g->jacobian + g->m * n;
  g->rhs = g->rows + (n + g->n_rows) * n;
  return BP_OK;
}

/* An error of building by its own name and message. */
static bp_status built(const graph_objective *g, bp_status status) {
  if (status != BP_E_GRAPH) return status;
  return bp_fail(g->ctx, bp_graph_status(g->graph), "%s", bp_graph_message(g->graph));
}

static bp_status compile(graph_objective *g, const bp_var *out, size_t n_out, size_t n_in, int threads,
                         graph_program *to) {
  BP_TRY(built(g, bp_compile(out, n_out, g->vars, n_in, NULL, &to->program)));
  return bp_workspace_new(g->ctx, to->program, worth_threads(to->program, 0, threads), &to->workspace);
}

static bp_status compile_value(graph_objective *g, bp_var f, int threads) {
  bp_var *out = g->vars + 2 * g->n_x;
  g->value_type = bp_var_dtype(f);
  BP_TRY(built(g, bp_value_and_grad(f, g->vars, g->n_x, out)));
  return compile(g, out, 1 + g->n_x, g->n_x, threads, &g->value);
}

static void declare_directions(graph_objective *g, bp_graph *graph) {
  for (size_t j = 0; j < g->n_x; j++) {
    int64_t dims[16];
    int rank = bp_var_rank(g->vars[j]);
    for (int axis = 0; axis < rank; axis++) dims[axis] = bp_var_dim(g->vars[j], axis);
    g->vars[g->n_x + j] = bp_input(graph, "direction", g->dtype, rank, dims);
  }
}

static bp_status compile_products(graph_objective *g, bp_var r, int threads) {
  bp_var *out = g->vars + 2 * g->n_x + 1;
  BP_TRY(compile_value(g, graph_half_squares(r), threads));
  declare_directions(g, r.graph);
  BP_TRY(built(g, bp_normal_product(&r, 1, g->vars, g->vars + g->n_x, g->n_x, out)));
  return compile(g, out, g->n_x, 2 * g->n_x, threads, &g->product);
}

/* r, and J v; residuals that depend on no x have a J all the same. */
static bp_status compile_jacobian(graph_objective *g, bp_var r, int threads) {
  bp_var column;
  g->value_type = bp_var_dtype(r);
  g->m = graph_elements(r);
  if (g->value_type != BP_F32 && g->value_type != BP_F64)
    return bp_fail(g->ctx, BP_E_ARG, "the residuals are %s; expected float32 or float64", bp_dtype_name(g->value_type));
  BP_TRY(compile(g, &r, 1, g->n_x, threads, &g->value));
  declare_directions(g, r.graph);
  BP_TRY(built(g, bp_jvp(&r, 1, g->vars, g->vars + g->n_x, g->n_x, &column)));
  if (bp_var_is_zero(column)) column = bp_mul(bp_stop_gradient(r), bp_scalar(r.graph, g->value_type, 0));
  BP_TRY(compile(g, &column, 1, 2 * g->n_x, threads, &g->product));
  return alloc_jacobian(g);
}

bp_status graph_objective_init(graph_objective *g, bp_context *ctx, graph_kind kind, bp_var objective, const bp_var *x,
                               size_t n_x, void *const *values, int threads) {
  *g = (graph_objective){.ctx = ctx, .kind = kind, .n_x = n_x};
  BP_TRY(check_unknowns(ctx, objective, x, n_x));
  g->graph = objective.graph;
  g->dtype = bp_var_dtype(x[0]);
  BP_TRY(alloc_arrays(g, x, values));
  if (kind == GRAPH_SCALAR) return compile_value(g, objective, threads);
  return kind == GRAPH_JACOBIAN ? compile_jacobian(g, objective, threads) : compile_products(g, objective, threads);
}

static void release_program(graph_program *p) {
  bp_workspace_free(p->workspace);
  bp_program_free(p->program);
}

void graph_objective_release(graph_objective *g) {
  bp_allocator a = bp_context_allocator(g->ctx);
  release_program(&g->value);
  release_program(&g->product);
  if (g->block != NULL) bp_aligned_free(a, g->block, g->block_size + 1);
  if (g->column != NULL) bp_aligned_free(a, g->column, g->m * bp_dtype_size(g->value_type) + 1);
  bp_release(a, g->residuals, g->doubles_size, sizeof *g->residuals);
  bp_release(a, g->sizes, g->n_x, sizeof *g->sizes);
  bp_release(a, g->vars, 3 * g->n_x + 1, sizeof *g->vars);
  bp_release(a, (void *)g->pointers, 3 * g->n_x + 1, sizeof *g->pointers);
}
