/* jacobian_rows.c - Jacobians row by row. Floor: autodiff.
 *
 * Where the graph shows how rows of x are cut into columns and rows of y joined from some (row_blocks.h), the columns are
 * differentiated by themselves: no derivative is put back into a wider row on the way. Else one pass per element of a row.
 */
#include <string.h>

#include "autodiff/derivative_checks.h"
#include "autodiff/directions.h"
#include "autodiff/row_blocks.h"
#include "base/fail.h"

/* ---- checks ---- */
static bp_shape row_shape(bp_var v) {
  bp_shape s = *bp_shape_of(v), row = {.rank = s.rank - 1};
  for (int i = 1; i < s.rank; i++) row.dims[i - 1] = s.dims[i];
  return row;
}

static bp_status check_rows(bp_var y, bp_var x) {
  const bp_shape *a = bp_shape_of(y), *b = bp_shape_of(x);
  char ta[BP_SHAPE_TEXT], tb[BP_SHAPE_TEXT];
  if (a->rank > 0 && b->rank > 0 && a->dims[0] == b->dims[0] && a->rank + b->rank - 1 <= BP_MAX_RANK) return BP_OK;
  return BP_REFUSE(y.graph, BP_E_SHAPE,
                   "jacobian_rows: y is %s, x is %s; expected equal leading sizes and together at most %d axes",
                   bp_shape_text(a, ta, sizeof ta), bp_shape_text(b, tb, sizeof tb), BP_MAX_RANK + 1);
}

/* [rows, rest of y..., rest of x...] */
static bp_shape joined_rows(bp_var y, bp_var x) {
  bp_shape b = row_shape(x), to = *bp_shape_of(y);
  for (int i = 0; i < b.rank; i++) to.dims[to.rank++] = b.dims[i];
  return to;
}

/* ---- pass by pass ---- */
/* The derivatives along one direction that is the same in every row. */
static bp_status row_pass(bp_var y, bp_var x, bool forward, bp_var seeds, int64_t i, bp_var *out) {
  bp_var from = forward ? x : y, to = forward ? y : x;
  bp_shape row = row_shape(from);
  bp_var seed = bp_seed_row(seeds, i, &row);
  seed = bp_broadcast_like(seed, bp_shape_of(from));
  BP_TRY(forward ? bp_jvp(&y, 1, &x, &seed, 1, out) : bp_vjp(&y, &seed, 1, &x, 1, out));
  if (out->id == 0) *out = bp_full(to.graph, bp_dtype_of(to), bp_shape_of(to), 0);
  return BP_OK;
}

static bp_status by_passes(bp_var y, bp_var x, bool forward, bp_var *jacobian) {
  bp_graph *g = y.graph;
  bp_shape a = row_shape(y), b = row_shape(x);
  size_t passes = (size_t)bp_shape_elements(forward ? &b : &a, 1);
  bp_shape to = joined_rows(y, x);
  bp_var *parts = bp_alloc(g->ctx, passes, sizeof *parts);
  if (parts == NULL) return BP_E_NOMEM;
  bp_var seeds = bp_identity_seeds(g, bp_dtype_of(forward ? x : y), (int64_t)passes);
  bp_status status = bp_graph_result(g);
  for (size_t i = 0; i < passes && status == BP_OK; i++) status = row_pass(y, x, forward, seeds, (int64_t)i, &parts[i]);
  if (status == BP_OK) {
    bp_var stacked = bp_stack(parts, passes, forward ? bp_shape_of(y)->rank : 1);
    *jacobian = bp_cast(bp_reshape(stacked, to.rank, to.dims), bp_dtype_of(y));
    status = bp_graph_result(g);
  }
  bp_release(bp_context_allocator(g->ctx), parts, passes, sizeof *parts);
  return status;
}

/* ---- by blocks ---- */
/* The rows of a root and its leaves, row after row from the same places. */
static bool leaves_alike(const bp_row_root *root, int64_t n) {
  for (size_t l = 0; l < root->n_leaves; l++) {
    const bp_row_leaf *leaf = &root->leaves[l];
    for (int64_t e = 0; e < root->rows * leaf->size; e++) {
      int64_t row = e / leaf->size, first = leaf->source[e % leaf->size];
      if (leaf->source[e] != (first < 0 ? -1 : first + row * n)) return false;
    }
  }
  return true;
}

/* Whether all rows of x and y are used in the same way; m, n: their elements. */
static bool rows_alike(const bp_row_blocks *b, int64_t rows, int64_t m, int64_t n) {
  for (size_t r = 0; r < b->n_roots; r++)
    if (b->roots[r].rows != rows || !leaves_alike(&b->roots[r], n)) return false;
  for (int64_t e = 0; e < rows * m; e++) {
    int32_t root = b->root[e % m];
    if (b->root[e] != root) return false;
    if (root >= 0 && b->element[e] != b->element[e % m] + e / m * b->roots[root].size) return false;
  }
  return true;
}

/* By element of a row of x: its column among the leaves of a root, -1 none. False when it is in two. */
static bool columns_of(const bp_row_root *root, int64_t n, int32_t *column) {
  for (int64_t j = 0; j < n; j++) column[j] = -1;
  for (size_t l = 0; l < root->n_leaves; l++)
    for (int64_t k = 0; k < root->leaves[l].size; k++) {
      int32_t j = root->leaves[l].source[k];
      if (j < 0) continue;
      if (column[j] >= 0) return false;
      column[j] = (int32_t)(root->leaves[l].first + k);
    }
  return true;
}

/* The result while it is put together. */
typedef struct assembly {
  bp_var y;
  int64_t n;       /* elements of a row of x */
  int32_t *column; /* [roots, n]: columns_of() each root */
  bp_var *part;    /* the derivatives of all roots */
  size_t *first;   /* by root: which is its first */
  bp_var *run;     /* what stands side by side in a row of the result */
  size_t n_runs;
} assembly;

static void add_run(assembly *a, bp_var flat, int64_t begin, int64_t end) {
  a->run[a->n_runs++] = bp_cast(bp_slice(flat, 1, begin, end, 1), bp_dtype_of(a->y));
}

static void add_zeros(assembly *a, int64_t n) {
  bp_shape s = {.rank = 2, .dims = {bp_shape_of(a->y)->dims[0], n}};
  if (n > 0) a->run[a->n_runs++] = bp_full(a->y.graph, bp_dtype_of(a->y), &s, 0);
}

/* The derivative that column k of the leaves has for element c of a root: its place in a row of *part; -1 where it is 0. */
static int64_t find_part(const assembly *a, const bp_row_root *root, size_t r, int64_t c, int32_t k, bp_var *part) {
  size_t l = 0;
  if (k < 0) return -1;
  while (k >= root->leaves[l].first + root->leaves[l].size) l++;
  *part = a->part[a->first[r] + (root->forward ? (size_t)k : (size_t)c * root->n_leaves + l)];
  return part->id == 0 ? -1 : root->forward ? c : k - root->leaves[l].first;
}

/* A row of the result for element c of a root: neighbours out of one derivative together, and zeros. */
static void add_row(assembly *a, const bp_row_root *root, size_t r, int64_t c) {
  const int32_t *column = a->column + (int64_t)r * a->n;
  int64_t zeros = 0, rows = bp_shape_of(a->y)->dims[0];
  for (int64_t j = 0, end; j < a->n; j = end) {
    bp_var part, next;
    int64_t at = find_part(a, root, r, c, column[j], &part), n = 1;
    end = j + 1;
    if (at < 0) {
      zeros++;
      continue;
    }
    add_zeros(a, zeros), zeros = 0;
    while (!root->forward && end < a->n && column[end] == column[j] + n &&
           find_part(a, root, r, c, column[end], &next) == at + n)
      end++, n++;
    add_run(a, bp_reshape(part, 2, (int64_t[]){rows, bp_shape_row(bp_shape_of(part))}), at, at + n);
  }
  add_zeros(a, zeros);
}

static bp_status put_together(assembly *a, const bp_row_blocks *b, int64_t m) {
  for (int64_t i = 0; i < m; i++) {
    if (b->root[i] < 0)
      add_zeros(a, a->n);
    else
      add_row(a, &b->roots[b->root[i]], (size_t)b->root[i], b->element[i]);
  }
  return bp_graph_result(a->y.graph);
}

static bp_status assemble(assembly *a, bp_row_blocks *b, int64_t m, bool *done) {
  size_t n_parts = 0;
  a->column = bp_arena_alloc(&b->arena, b->n_roots * (size_t)a->n, sizeof *a->column);
  a->first = bp_arena_alloc(&b->arena, b->n_roots, sizeof *a->first);
  a->run = bp_arena_alloc(&b->arena, (size_t)(m * a->n), sizeof *a->run);
  if (a->column == NULL || a->first == NULL || a->run == NULL) return BP_E_NOMEM;
  for (size_t r = 0; r < b->n_roots; r++) {
    if (!columns_of(&b->roots[r], a->n, a->column + (int64_t)r * a->n)) return BP_OK;
    a->first[r] = n_parts;
    n_parts += bp_row_parts(&b->roots[r]);
  }
  a->part = bp_arena_alloc(&b->arena, n_parts, sizeof *a->part);
  if (a->part == NULL) return BP_E_NOMEM;
  for (size_t r = 0; r < b->n_roots; r++) BP_TRY(bp_row_derivatives(&b->roots[r], a->part + a->first[r]));
  *done = true;
  return put_together(a, b, m);
}

/* Sets the mode: that asked for, or the one with less work, if one has. Whether blocks are the way: in forward mode for roots of one
 * column each, since wide ones are stacked as they are. */
static bool choose_mode(bp_row_blocks *b, bp_mode mode, bool *forward) {
  bool narrow = true;
  for (size_t r = 0; r < b->n_roots; r++) narrow = narrow && b->roots[r].size == 1;
  if (mode == BP_MODE_AUTO && b->up != b->down) *forward = b->up < b->down;
  bp_row_mode(b, *forward);
  return narrow || !*forward;
}

static bp_status by_blocks(bp_var y, bp_var x, bp_mode mode, bool *forward, bp_var *jacobian, bool *done) {
  bp_row_blocks b;
  bp_shape to = joined_rows(y, x), row_y = row_shape(y), row_x = row_shape(x);
  int64_t m = bp_shape_elements(&row_y, 1), n = bp_shape_elements(&row_x, 1);
  assembly a = {.y = y, .n = n};
  bool found;
  BP_TRY(bp_row_blocks_find(y, x, &b, &found));
  if (!found) return BP_OK;
  bp_status status = BP_OK;
  if (rows_alike(&b, bp_shape_rows(bp_shape_of(x), 1), m, n) && choose_mode(&b, mode, forward))
    status = assemble(&a, &b, m, done);
  if (status == BP_OK && *done) {
    *jacobian = bp_reshape(a.n_runs == 1 ? a.run[0] : bp_concat(a.run, a.n_runs, 1), to.rank, to.dims);
    status = bp_graph_result(y.graph);
  }
  bp_row_blocks_release(&b);
  return status;
}

static bp_status whole(bp_graph *g, bp_var y, bp_var x, bp_mode mode, bp_var *jacobian) {
  BP_TRY(bp_check_derivative(g, "jacobian_rows", y, &x, 1));
  BP_TRY(check_rows(y, x));
  bp_shape a = row_shape(y), b = row_shape(x), to = joined_rows(y, x);
  int64_t m = bp_shape_elements(&a, 1), n = bp_shape_elements(&b, 1);
  bool forward = mode == BP_MODE_FORWARD || (mode == BP_MODE_AUTO && n <= m), done = false;
  if (m == 0 || n == 0) return *jacobian = bp_full(g, bp_dtype_of(y), &to, 0), bp_graph_result(g);
  BP_TRY(by_blocks(y, x, mode, &forward, jacobian, &done));
  return done ? BP_OK : by_passes(y, x, forward, jacobian);
}

bp_status bp_jacobian_rows(bp_var y, bp_var x, bp_mode mode, bp_var *jacobian) {
  bp_delivery d = bp_deliver(bp_graph_of((bp_var[]){y, x}, 2), jacobian, 1);
  return d.status == BP_OK ? bp_delivered(&d, whole(d.graph, y, x, mode, jacobian)) : d.status;
}
