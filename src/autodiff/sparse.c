/* sparse.c - compressed Jacobians and Hessians: pattern, colours, one pass per colour, and the values read off. Floor: autodiff. */
#include "backprop/sparse.h"

#include <string.h>

#include "autodiff/coloring.h"
#include "autodiff/derivative_checks.h"
#include "autodiff/directions.h"
#include "autodiff/row_blocks.h"
#include "autodiff/sparsity.h"
#include "base/fail.h"

struct bp_sparse {
  bp_allocator allocator;
  bp_pattern p;
  bp_compression compression;
  int32_t *color; /* by column, or by row; NULL none */
  int64_t n_color;
  int32_t n_colors;
  bp_var values;
};

static int64_t elements(bp_var v) { return bp_shape_elements(bp_shape_of(v), 1); }

/* ---- the object ---- */
static bp_status sparse_new(bp_context *ctx, bp_sparse **out) {
  bp_sparse *s = bp_calloc(ctx, 1, sizeof *s);
  if (s == NULL) return BP_E_NOMEM;
  s->allocator = bp_context_allocator(ctx);
  *out = s;
  return BP_OK;
}

void bp_sparse_free(bp_sparse *sparse) {
  if (sparse == NULL) return;
  bp_pattern_release(sparse->allocator, &sparse->p);
  bp_release(sparse->allocator, sparse->color, (size_t)sparse->n_color, sizeof *sparse->color);
  bp_release(sparse->allocator, sparse, 1, sizeof *sparse);
}

/* What a failed function gives is NULL, and has nothing in it. */
static const bp_sparse *or_nothing(const bp_sparse *sparse) {
  static const int64_t start[1] = {0};
  static const bp_sparse nothing = {.p = {.start = (int64_t *)(uintptr_t)start}};
  return sparse != NULL ? sparse : &nothing;
}

int64_t bp_sparse_rows(const bp_sparse *sparse) { return or_nothing(sparse)->p.rows; }
int64_t bp_sparse_columns(const bp_sparse *sparse) { return or_nothing(sparse)->p.columns; }
int64_t bp_sparse_nonzeros(const bp_sparse *sparse) { return bp_pattern_nonzeros(&or_nothing(sparse)->p); }
const int64_t *bp_sparse_row_start(const bp_sparse *sparse) { return or_nothing(sparse)->p.start; }
const int32_t *bp_sparse_column(const bp_sparse *sparse) { return or_nothing(sparse)->p.column; }
int bp_sparse_colors(const bp_sparse *sparse) { return or_nothing(sparse)->n_colors; }
const int32_t *bp_sparse_color(const bp_sparse *sparse) { return or_nothing(sparse)->color; }
bp_compression bp_sparse_compression(const bp_sparse *sparse) { return or_nothing(sparse)->compression; }
bp_var bp_sparse_values(const bp_sparse *sparse) { return or_nothing(sparse)->values; }

/* ---- patterns ---- */
/* A copy of arrays, checked. */
static bp_status copy_pattern(bp_context *ctx, int64_t rows, int64_t columns, const int64_t *start,
                              const int32_t *column, bp_pattern *out) {
  if (rows < 0 || columns < 0 || rows > INT32_MAX || columns > INT32_MAX || start[0] != 0)
    return bp_fail(
        ctx, BP_E_ARG,
        "sparse pattern: %lld rows, %lld columns, the first row begins at %lld; expected 0 to %d of each and 0",
        (long long)rows, (long long)columns, (long long)start[0], INT32_MAX);
  for (int64_t i = 0; i < rows; i++) {
    if (start[i + 1] < start[i])
      return bp_fail(ctx, BP_E_ARG, "sparse pattern: row %lld ends before it begins", (long long)i);
    for (int64_t e = start[i]; e < start[i + 1]; e++)
      if (column[e] < 0 || column[e] >= columns || (e > start[i] && column[e] <= column[e - 1]))
        return bp_fail(ctx, BP_E_ARG,
                       "sparse pattern: row %lld has column %d at place %lld; expected ascending columns below %lld",
                       (long long)i, (int)column[e], (long long)e, (long long)columns);
  }
  bp_pattern p = {.rows = rows, .columns = columns};
  p.start = bp_alloc(ctx, (size_t)rows + 1, sizeof *p.start);
  p.column = bp_alloc(ctx, (size_t)start[rows], sizeof *p.column);
  if (p.start == NULL || p.column == NULL) {
    bp_release(bp_context_allocator(ctx), p.start, (size_t)rows + 1, sizeof *p.start);
    bp_release(bp_context_allocator(ctx), p.column, (size_t)start[rows], sizeof *p.column);
    return BP_E_NOMEM;
  }
  memcpy(p.start, start, ((size_t)rows + 1) * sizeof *start);
  if (start[rows] > 0) memcpy(p.column, column, (size_t)start[rows] * sizeof *column);
  *out = p;
  return BP_OK;
}

bp_status bp_sparse_from_pattern(bp_context *context, int64_t rows, int64_t columns, const int64_t *row_start,
                                 const int32_t *column, bp_sparse **out) {
  bp_sparse *s;
  *out = NULL;
  BP_TRY(sparse_new(context, &s));
  bp_status status = copy_pattern(context, rows, columns, row_start, column, &s->p);
  if (status != BP_OK) return bp_sparse_free(s), status;
  *out = s;
  return BP_OK;
}

/* Whether there is a gather at all before y: without one blocks are not looked for. */
static bool picks_rows(bp_var y) {
  for (uint32_t id = 1; id <= y.id; id++)
    if (y.graph->nodes[id].op == BP_OP_gather) return true;
  return false;
}

/* Rows that are picked by number and then worked on one by one: faster to look through, and cheaper to differentiate. */
static bp_status find_blocks(bp_var y, bp_var x, bool any, bp_row_blocks *blocks, bool *found) {
  BP_TRY(bp_check_sizes("sparse", "y", y));
  BP_TRY(bp_check_sizes("sparse", "x", x));
  *found = false;
  if (!any && !picks_rows(y)) return BP_OK;
  BP_TRY(bp_row_blocks_find(y, x, blocks, found));
  if (!*found || blocks->gathers || any) return BP_OK;
  *found = false;
  bp_row_blocks_release(blocks);
  return BP_OK;
}

static bp_status find_pattern(bp_var y, bp_var x, bp_pattern *p) {
  bp_row_blocks blocks;
  bool found;
  BP_TRY(find_blocks(y, x, false, &blocks, &found));
  if (!found) return bp_find_sparsity(y, x, p);
  bp_status status = bp_row_pattern(&blocks, y, x, p);
  bp_row_blocks_release(&blocks);
  return status;
}

/* The pattern given, or the one found. */
static bp_status take_pattern(bp_var y, bp_var x, const bp_sparse *given, bp_pattern *p) {
  bp_context *ctx = y.graph->ctx;
  if (given == NULL) return find_pattern(y, x, p);
  BP_TRY(bp_check_sizes("sparse", "y", y));
  BP_TRY(bp_check_sizes("sparse", "x", x));
  if (given->p.rows != elements(y) || given->p.columns != elements(x))
    return bp_fail(ctx, BP_E_SHAPE, "sparse: the pattern is %lld by %lld, y has %lld elements and x has %lld",
                   (long long)given->p.rows, (long long)given->p.columns, (long long)elements(y),
                   (long long)elements(x));
  return copy_pattern(ctx, given->p.rows, given->p.columns, given->p.start, given->p.column, p);
}

/* Of a gradient: symmetric, even where the graph looks different from the two sides. */
static bp_status take_symmetric(bp_var gradient, bp_var x, const bp_sparse *given, bp_pattern *p) {
  bp_context *ctx = x.graph->ctx;
  bp_pattern found;
  BP_TRY(take_pattern(gradient, x, given, &found));
  bp_status status = bp_pattern_symmetric(ctx, &found, p);
  bool same = status == BP_OK && bp_pattern_nonzeros(p) == bp_pattern_nonzeros(&found);
  bp_pattern_release(bp_context_allocator(ctx), &found);
  if (status != BP_OK || given == NULL || same) return status;
  bp_pattern_release(bp_context_allocator(ctx), p);
  return bp_fail(ctx, BP_E_ARG, "sparse hessian: the pattern given is not symmetric");
}

/* ---- what the public functions share ---- */
/* What is made of y and x. */
typedef struct request {
  const char *what;
  bp_var y, x;
  const bp_sparse *pattern; /* NULL: to be found */
  bp_compression compression;
} request;
typedef bp_status (*fill_fn)(bp_sparse *s, const request *r);

/* A new object, checked and filled; a failure is recorded on the graph, and *out is NULL. */
static bp_status make(const request *r, fill_fn fill, bp_sparse **out) {
  bp_delivery d = bp_deliver(bp_graph_of((bp_var[]){r->y, r->x}, 2), NULL, 0);
  bp_sparse *s = NULL;
  *out = NULL;
  if (d.status != BP_OK) return d.status;
  bp_status status = bp_check_derivative(d.graph, r->what, r->y, &r->x, 1);
  if (status == BP_OK) status = sparse_new(d.graph->ctx, &s);
  if (status == BP_OK) status = fill(s, r);
  status = bp_delivered(&d, status);
  if (status != BP_OK) return bp_sparse_free(s), status;
  *out = s;
  return BP_OK;
}

static bp_status fill_pattern(bp_sparse *s, const request *r) { return take_pattern(r->y, r->x, NULL, &s->p); }

bp_status bp_sparsity(bp_var y, bp_var x, bp_sparse **out) {
  return make(&(request){.what = "sparsity", .y = y, .x = x}, fill_pattern, out);
}

/* The pattern of a Hessian; the gradient is appended. */
static bp_status fill_symmetric(bp_sparse *s, const request *r, bp_var *gradient) {
  BP_TRY(bp_check_sizes(r->what, "x", r->x));
  BP_TRY(bp_grad(r->y, &r->x, 1, gradient));
  return take_symmetric(*gradient, r->x, r->pattern, &s->p);
}

static bp_status fill_hessian_pattern(bp_sparse *s, const request *r) {
  bp_var gradient;
  return fill_symmetric(s, r, &gradient);
}

bp_status bp_sparsity_hessian(bp_var y, bp_var x, bp_sparse **out) {
  return make(&(request){.what = "sparsity_hessian", .y = y, .x = x}, fill_hessian_pattern, out);
}

/* ---- colours ---- */
static bp_status color_rows_or_columns(bp_context *ctx, bp_sparse *s, const bp_pattern *p, const bp_pattern *t,
                                       bp_compression as) {
  int32_t *color = bp_alloc(ctx, (size_t)p->columns, sizeof *color), n_colors;
  if (color == NULL) return BP_E_NOMEM;
  bp_status status = bp_color_columns(ctx, p, t, color, &n_colors);
  if (status != BP_OK || (s->color != NULL && n_colors >= s->n_colors)) { /* no better than what is there */
    bp_release(s->allocator, color, (size_t)p->columns, sizeof *color);
    return status;
  }
  bp_release(s->allocator, s->color, (size_t)s->n_color, sizeof *s->color);
  s->color = color, s->n_color = p->columns, s->n_colors = n_colors, s->compression = as;
  return BP_OK;
}

/* Colours columns, rows, or (the one with the better bound first) both, unless the first result settles it. */
static bp_status color_jacobian(bp_context *ctx, bp_sparse *s, bp_compression wanted) {
  bp_pattern t;
  BP_TRY(bp_pattern_transpose(ctx, &s->p, &t));
  int64_t least_columns = bp_color_least(&s->p), least_rows = bp_color_least(&t);
  bool rows_first = wanted == BP_COMPRESS_ROWS || (wanted == BP_COMPRESS_AUTO && least_rows < least_columns);
  bp_status status = BP_OK;
  for (int i = 0; i < 2 && status == BP_OK; i++) {
    bool rows = rows_first == (i == 0);
    if (i == 1 && (wanted != BP_COMPRESS_AUTO || s->n_colors <= (rows ? least_rows : least_columns - 1))) break;
    status = rows ? color_rows_or_columns(ctx, s, &t, &s->p, BP_COMPRESS_ROWS)
                  : color_rows_or_columns(ctx, s, &s->p, &t, BP_COMPRESS_COLUMNS);
  }
  bp_pattern_release(bp_context_allocator(ctx), &t);
  return status;
}

static bp_status color_hessian(bp_context *ctx, bp_sparse *s) {
  s->color = bp_alloc(ctx, (size_t)s->p.rows, sizeof *s->color);
  if (s->color == NULL) return BP_E_NOMEM;
  s->n_color = s->p.rows;
  s->compression = BP_COMPRESS_SYMMETRIC;
  return bp_color_star(ctx, &s->p, s->color, &s->n_colors);
}

/* ---- values ---- */
/* Seeds [colours, n]: row c adds up what has colour c. */
static bp_var color_seeds(bp_graph *g, bp_dtype dtype, const bp_sparse *s) {
  return bp_transpose(bp_one_hot(bp_constant(g, BP_I32, 1, &s->n_color, s->color), s->n_colors, dtype), NULL);
}

/* Where element (i, j) of a symmetric matrix is in the products [colours, n]: in row i if no other column of row i has the colour
 * of j, else in row j under the colour of i. */
static void symmetric_places(const bp_sparse *s, int32_t *count, int32_t *place) {
  const bp_pattern *p = &s->p;
  memset(count, 0, (size_t)s->n_colors * sizeof *count);
  for (int64_t i = 0; i < p->rows; i++) {
    for (int64_t e = p->start[i]; e < p->start[i + 1]; e++) count[s->color[p->column[e]]]++;
    for (int64_t e = p->start[i]; e < p->start[i + 1]; e++) {
      int32_t j = p->column[e];
      place[e] = count[s->color[j]] == 1 ? (int32_t)(s->color[j] * p->rows + i) : (int32_t)(s->color[i] * p->rows + j);
    }
    for (int64_t e = p->start[i]; e < p->start[i + 1]; e++) count[s->color[p->column[e]]] = 0;
  }
}

static void plain_places(const bp_sparse *s, int32_t *place) {
  const bp_pattern *p = &s->p;
  bool by_rows = s->compression == BP_COMPRESS_ROWS;
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t e = p->start[i]; e < p->start[i + 1]; e++) {
      int32_t j = p->column[e];
      place[e] = (int32_t)(by_rows ? s->color[i] * p->columns + j : s->color[j] * p->rows + i);
    }
}

/* Reads the values off the products [colours, n]. */
static bp_var read_off(bp_graph *g, const bp_sparse *s, bp_var products) {
  int64_t n = bp_pattern_nonzeros(&s->p), size = elements(products);
  size_t room = (size_t)(n + s->n_colors);
  int32_t *place = bp_alloc(g->ctx, room, sizeof *place);
  if (place == NULL) return bp_graph_fail(g, BP_E_NOMEM, "out of memory for %lld places of values", (long long)n);
  if (s->compression == BP_COMPRESS_SYMMETRIC)
    symmetric_places(s, place + n, place);
  else
    plain_places(s, place);
  bp_var values =
      bp_gather(bp_reshape(products, 1, &size), bp_constant(g, BP_I32, 1, &n, place), bp_dtype_of(products));
  bp_release(bp_context_allocator(g->ctx), place, room, sizeof *place);
  return values;
}

static bp_status append_values(bp_sparse *s, bp_var y, bp_var x) {
  bp_graph *g = y.graph;
  bool by_rows = s->compression == BP_COMPRESS_ROWS;
  int64_t n = bp_pattern_nonzeros(&s->p), size;
  bp_shape empty = {.rank = 1, .dims = {n}};
  bp_var products = bp_zero_of(g);
  if (!bp_mul_dim(s->n_colors, by_rows ? s->p.columns : s->p.rows, &size) || size > INT32_MAX)
    return bp_fail(g->ctx, BP_E_LIMIT, "sparse: %d colours of %lld elements each, together 2^31 or more",
                   (int)s->n_colors, (long long)(by_rows ? s->p.columns : s->p.rows));
  if (n == 0) s->n_colors = 0;
  if (n > 0) {
    bp_var seeds = color_seeds(g, bp_dtype_of(by_rows ? y : x), s);
    BP_TRY(bp_graph_result(g));
    BP_TRY(by_rows ? bp_pull_directions(y, &x, 1, seeds, &products) : bp_push_directions(y, x, seeds, &products));
  }
  s->values =
      products.id == 0 ? bp_full(g, bp_dtype_of(y), &empty, 0) : bp_cast(read_off(g, s, products), bp_dtype_of(y));
  return bp_graph_result(g);
}

/* ---- values from blocks ---- */
/* Whether they take no more work than a colouring that does with as few colours as any. */
static bp_status blocks_pay(bp_context *ctx, const bp_sparse *s, const bp_row_blocks *blocks, bool *yes) {
  bp_pattern t;
  BP_TRY(bp_pattern_transpose(ctx, &s->p, &t));
  int64_t columns = bp_color_least(&s->p), rows = bp_color_least(&t);
  double work = blocks->up < blocks->down ? blocks->up : blocks->down;
  *yes = work <= (double)(columns < rows ? columns : rows) * blocks->work;
  bp_pattern_release(bp_context_allocator(ctx), &t);
  return BP_OK;
}

static bp_status fill_from_blocks(bp_sparse *s, bp_row_blocks *blocks, bp_var y, bp_var x, const bp_sparse *given,
                                  bp_compression wanted) {
  bp_context *ctx = y.graph->ctx;
  bool pay = true;
  BP_TRY(given == NULL ? bp_row_pattern(blocks, y, x, &s->p) : take_pattern(y, x, given, &s->p));
  if (wanted == BP_COMPRESS_AUTO) BP_TRY(blocks_pay(ctx, s, blocks, &pay));
  if (!pay) {
    BP_TRY(color_jacobian(ctx, s, wanted));
    return append_values(s, y, x);
  }
  s->compression = BP_COMPRESS_BLOCKS;
  s->n_colors = bp_pattern_nonzeros(&s->p) > 0 ? (int32_t)bp_row_passes(blocks) : 0;
  return bp_row_values(blocks, y, &s->p, &s->values);
}

static bp_status fill_from_colors(bp_sparse *s, bp_var y, bp_var x, const bp_sparse *given, bp_compression wanted) {
  BP_TRY(take_pattern(y, x, given, &s->p));
  BP_TRY(color_jacobian(y.graph->ctx, s, wanted));
  return append_values(s, y, x);
}

static bp_status fill_jacobian(bp_sparse *s, const request *r) {
  bp_row_blocks blocks;
  bp_context *ctx = r->y.graph->ctx;
  bp_compression wanted = r->compression;
  bool found = false, asked = wanted == BP_COMPRESS_BLOCKS;
  if (wanted == BP_COMPRESS_SYMMETRIC)
    return bp_fail(ctx, BP_E_ARG, "sparse_jacobian: a Jacobian is not symmetric; see bp_sparse_hessian()");
  if (asked || wanted == BP_COMPRESS_AUTO) BP_TRY(find_blocks(r->y, r->x, asked, &blocks, &found));
  if (asked && !found)
    return bp_fail(ctx, BP_E_ARG, "sparse_jacobian: y is not computed row by row from moved elements of x");
  if (!found) return fill_from_colors(s, r->y, r->x, r->pattern, wanted);
  bp_status status = fill_from_blocks(s, &blocks, r->y, r->x, r->pattern, wanted);
  bp_row_blocks_release(&blocks);
  return status;
}

bp_status bp_sparse_jacobian(bp_var y, bp_var x, const bp_sparse *pattern, bp_compression compression,
                             bp_sparse **out) {
  const request r = {"sparse_jacobian", y, x, pattern, compression};
  return make(&r, fill_jacobian, out);
}

static bp_status fill_hessian(bp_sparse *s, const request *r) {
  bp_var gradient;
  BP_TRY(fill_symmetric(s, r, &gradient));
  BP_TRY(color_hessian(r->y.graph->ctx, s));
  return append_values(s, gradient, r->x);
}

bp_status bp_sparse_hessian(bp_var y, bp_var x, const bp_sparse *pattern, bp_sparse **out) {
  return make(&(request){.what = "sparse_hessian", .y = y, .x = x, .pattern = pattern}, fill_hessian, out);
}

/* ---- with the values ---- */
/* An index of the nonzeros: f(row, column) for each. */
static bp_var places_of(const bp_sparse *s, int64_t row_factor, int64_t column_factor) {
  bp_graph *g = s->values.graph;
  int64_t n = bp_pattern_nonzeros(&s->p);
  int32_t *place = bp_alloc(g->ctx, (size_t)n, sizeof *place);
  if (place == NULL) return bp_graph_fail(g, BP_E_NOMEM, "out of memory for %lld places of values", (long long)n);
  for (int64_t i = 0; i < s->p.rows; i++)
    for (int64_t e = s->p.start[i]; e < s->p.start[i + 1]; e++)
      place[e] = (int32_t)(i * row_factor + s->p.column[e] * column_factor);
  bp_var index = bp_constant(g, BP_I32, 1, &n, place);
  bp_release(bp_context_allocator(g->ctx), place, (size_t)n, sizeof *place);
  return index;
}

bp_var bp_sparse_dense(const bp_sparse *sparse) {
  if (sparse == NULL || sparse->values.graph == NULL) return bp_zero_of(NULL);
  int64_t rows = sparse->p.rows, columns = sparse->p.columns;
  if (rows * columns > INT32_MAX)
    return bp_graph_fail(sparse->values.graph, BP_E_LIMIT, "sparse_dense: %lld by %lld elements, 2^31 or more",
                         (long long)rows, (long long)columns);
  bp_var flat = bp_scatter_add(sparse->values, places_of(sparse, columns, 1), rows * columns);
  return bp_reshape(flat, 2, (int64_t[]){rows, columns});
}

bp_var bp_sparse_times(const bp_sparse *sparse, bp_var v) {
  if (sparse == NULL || sparse->values.graph == NULL) return bp_zero_of(v.graph);
  if (!bp_args_in(sparse->values.graph, "sparse_times", 1, &v)) return bp_zero_of(sparse->values.graph);
  bp_var gathered = bp_gather(v, places_of(sparse, 0, 1), bp_dtype_of(sparse->values));
  return bp_scatter_add(bp_mul(sparse->values, gathered), places_of(sparse, 1, 0), sparse->p.rows);
}
