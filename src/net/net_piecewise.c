/* net_piecewise.c - the piecewise-linear encoding of numbers as a layer. Floor: net.
 *
 * Columns are taken in groups that lie side by side. A product with ones and zeros copies each as often as it has pieces (x · 1 and
 * sums with 0 are exact), so that the rest is elementwise, with one constant for each piece.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "graph/node.h"
#include "net/net_core.h"

/* Columns that a group spans, and pieces that it has, at most: the product grows with both. */
enum { SPAN = 32, PIECES = 1024, EDGES_MAX = PIECES + 1 };

/* ---- making ---- */

/* The largest edge: in float64 two of them are no further apart than a number can say. */
static double most_of(bp_dtype dtype) { return dtype == BP_F64 ? DBL_MAX / 2 : (double)FLT_MAX; }

static bp_status check_edges(bp_context *ctx, const bp_piecewise_column *c, bp_dtype dtype) {
  for (int64_t e = 0; e < c->count; e++)
    if (!(fabs(c->edges[e]) <= most_of(dtype)) || (e > 0 && !(c->edges[e] > c->edges[e - 1])))
      return bp_fail(ctx, BP_E_ARG, "piecewise: edge %" PRId64 " of column %" PRId64 " is %g, expected a finite %s%s",
                     e, c->column, c->edges[e], bp_dtype_name(dtype), e > 0 ? " above the one before" : "");
  return BP_OK;
}

static bp_status check_columns(bp_context *ctx, const bp_piecewise_column *columns, size_t n, const bp_net *net) {
  int64_t after = -1, inputs = bp_net_outputs(net);
  if (n < 1) return bp_fail(ctx, BP_E_ARG, "piecewise: no columns, expected 1 or more");
  for (size_t i = 0; i < n; i++) {
    const bp_piecewise_column *c = &columns[i];
    if (c->column <= after || c->column >= inputs)
      return bp_fail(ctx, BP_E_ARG,
                     "piecewise: column %" PRId64 ", expected one from %" PRId64 " to %" PRId64 ", in rising order",
                     c->column, after + 1, inputs - 1);
    if (c->count < 2 || c->count > EDGES_MAX)
      return bp_fail(ctx, BP_E_ARG, "piecewise: %" PRId64 " edges of column %" PRId64 ", expected 2 to %d", c->count,
                     c->column, EDGES_MAX);
    BP_TRY(check_edges(ctx, c, net->dtype));
    after = c->column;
  }
  return BP_OK;
}

/* Copies of the columns, their edges in one array. */
static bp_status keep_columns(bp_context *ctx, const bp_piecewise_column *columns, size_t n, net_layer *l) {
  for (size_t i = 0; i < n; i++) l->n_edges += (size_t)columns[i].count;
  l->n_pieces = n;
  l->pieces = bp_alloc(ctx, n, sizeof *l->pieces);
  l->edges = bp_alloc(ctx, l->n_edges, sizeof *l->edges);
  if (l->pieces == NULL || l->edges == NULL) return BP_E_NOMEM;
  double *to = l->edges;
  for (size_t i = 0; i < n; i++) {
    l->pieces[i] = columns[i];
    l->pieces[i].edges = memcpy(to, columns[i].edges, (size_t)columns[i].count * sizeof *to);
    to += columns[i].count;
  }
  return BP_OK;
}

bp_status bp_net_piecewise(bp_context *context, bp_net *net, const bp_piecewise_column *columns, size_t n_columns) {
  net_layer l = {.kind = BP_LAYER_PIECEWISE, .inputs = bp_net_outputs(net)};
  BP_TRY(check_columns(context, columns, n_columns, net));
  l.activation.kind = BP_IDENTITY;
  l.activation.setting = 1;
  l.outputs = l.inputs;
  for (size_t i = 0; i < n_columns; i++) l.outputs += columns[i].count - 1;
  if (l.outputs > BP_UNITS_LIMIT)
    return bp_fail(context, BP_E_LIMIT, "piecewise: %" PRId64 " columns, at most %" PRId64, l.outputs, BP_UNITS_LIMIT);
  l.columns = l.outputs;
  bp_status status = keep_columns(context, columns, n_columns, &l);
  if (status == BP_OK) status = net_append(context, net, &l);
  if (status != BP_OK) piecewise_release(net->allocator, &l);
  return status;
}

void piecewise_release(bp_allocator allocator, net_layer *l) {
  bp_release(allocator, l->pieces, l->n_pieces, sizeof *l->pieces);
  bp_release(allocator, l->edges, l->n_edges, sizeof *l->edges);
}

/* ---- applying ---- */

/* Columns first .. last - 1 of the list, from column `begin` of x to `end`; `pieces` of them in all. */
typedef struct group {
  size_t first, last;
  int64_t begin, end, pieces;
} group;

static group next_group(const net_layer *l, size_t first) {
  const bp_piecewise_column *c = l->pieces;
  group g = {first, first, c[first].column, 0, 0};
  while (g.last < l->n_pieces && c[g.last].column < g.begin + SPAN &&
         (g.last == first || g.pieces + c[g.last].count - 1 <= PIECES)) {
    g.pieces += c[g.last].count - 1;
    g.end = c[g.last++].column + 1;
  }
  return g;
}

/* What a group needs of each piece: row 0 .. 3 of constants [4, pieces], its edge, 1 / width, least and most value; behind them the
 * matrix [end - begin, pieces] that copies columns. */
enum { EDGE, SLOPE, LEAST, MOST, CONSTANTS };

static void fill(const net_layer *l, const group *g, bp_dtype dtype, double *numbers) {
  int64_t n = g->pieces, at = 0;
  double steepest = most_of(dtype); /* 0 times an infinite slope would be no number */
  double *copies = numbers + CONSTANTS * n;
  for (size_t i = g->first; i < g->last; i++) {
    const bp_piecewise_column *c = &l->pieces[i];
    for (int64_t t = 1; t < c->count; t++, at++) {
      numbers[EDGE * n + at] = c->edges[t - 1];
      numbers[SLOPE * n + at] = fmin(1 / (c->edges[t] - c->edges[t - 1]), steepest);
      numbers[LEAST * n + at] = t > 1 ? 0 : -INFINITY;
      numbers[MOST * n + at] = t < c->count - 1 ? 1 : INFINITY;
      copies[(c->column - g->begin) * n + at] = 1;
    }
  }
}

/* The same numbers as float32, in place, where that is what is wanted: what is a constant is not converted at every step. */
static void narrow(double *numbers, size_t n, bp_dtype dtype) {
  for (size_t i = 0; i < n && dtype == BP_F32; i++) {
    float number = (float)numbers[i];
    memcpy((char *)numbers + i * sizeof number, &number, sizeof number);
  }
}

/* From element `at` on of numbers of x's type. */
static bp_var constant(bp_var x, int rank, const int64_t *dims, const void *numbers, int64_t at) {
  bp_dtype dtype = bp_var_dtype(x);
  return bp_constant(x.graph, dtype, rank, dims, (const char *)numbers + (size_t)at * bp_dtype_size(dtype));
}

static bp_var apply_group(const group *g, bp_var x, const void *numbers) {
  int64_t n = g->pieces, dims[2] = {g->end - g->begin, n};
  bp_var part = bp_slice(x, 1, g->begin, g->end, 1);
  bp_var e = bp_matmul(part, constant(x, 2, dims, numbers, CONSTANTS * n));
  e = bp_mul(bp_sub(e, constant(x, 1, &n, numbers, EDGE * n)), constant(x, 1, &n, numbers, SLOPE * n));
  e = bp_max(e, constant(x, 1, &n, numbers, LEAST * n));
  return bp_min(e, constant(x, 1, &n, numbers, MOST * n));
}

/* Numbers of all groups one after the other, in one room that is as large as the largest. */
static size_t room_of(const net_layer *l) {
  size_t most = 0;
  for (size_t first = 0; first < l->n_pieces;) {
    group g = next_group(l, first);
    size_t count = (size_t)g.pieces * (size_t)(CONSTANTS + g.end - g.begin);
    most = count > most ? count : most;
    first = g.last;
  }
  return most;
}

bp_var piecewise_apply(const net_layer *l, bp_var x) {
  bp_context *ctx = bp_graph_context(x.graph);
  size_t room = room_of(l);
  double *numbers = bp_alloc(ctx, room, sizeof *numbers);
  if (numbers == NULL) return bp_graph_fail(x.graph, BP_E_NOMEM, "out of memory: the pieces of a layer");
  join j = {.n = 0};
  join_add(&j, x);
  for (size_t first = 0; first < l->n_pieces;) {
    group g = next_group(l, first);
    memset(numbers, 0, room * sizeof *numbers);
    fill(l, &g, bp_var_dtype(x), numbers);
    narrow(numbers, room, bp_var_dtype(x));
    join_add(&j, apply_group(&g, x, numbers));
    first = g.last;
  }
  bp_release(bp_context_allocator(ctx), numbers, room, sizeof *numbers);
  return joined(&j);
}
