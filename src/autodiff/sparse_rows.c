/* sparse_rows.c - sparse Jacobians from blocks of rows: the pattern, and the values read off the derivatives of the roots.
 * Floor: autodiff.
 *
 * Roots that y takes up side by side form one matrix [rows, columns]: its columns are those derivatives that are not 0, in the
 * order in which they stand in the Jacobian, as far as the first row tells. Where all rows are alike, as in bundle
 * adjustment, the values are that matrix as it is; else they are gathered from it.
 */
#include <string.h>

#include "autodiff/derivative_checks.h"
#include "autodiff/row_blocks.h"
#include "base/fail.h"

enum { WORD = 64 };

/* Of a root. */
typedef struct bp_row_elements {
  uint64_t **word; /* by 64 columns of its leaves: bits by element */
  int32_t *leaf;   /* by column of its leaves: the number of the leaf */
  int32_t *at;     /* [size, columns]: where an element of a block stands in a row of the group's matrix, -1 nowhere */
  int64_t base, width; /* of the group's matrix: its first element among all values, and the elements of a row */
} bp_row_elements;

/* An element of the Jacobian that column `k` of the leaves adds to. */
typedef struct part_of {
  int32_t column, k;
} part_of;

static int64_t elements(bp_var v) { return bp_shape_elements(bp_shape_of(v), 1); }

/* ---- what depends on what ---- */
static bp_status find_elements(bp_row_blocks *b) {
  b->elements = bp_arena_alloc(&b->arena, b->n_roots, sizeof *b->elements);
  if (b->elements == NULL) return BP_E_NOMEM;
  for (size_t r = 0; r < b->n_roots; r++) {
    const bp_row_root *root = &b->roots[r];
    bp_row_elements *e = &b->elements[r];
    int64_t words = (root->columns + WORD - 1) / WORD;
    e->word = bp_arena_alloc(&b->arena, (size_t)words, sizeof *e->word);
    e->leaf = bp_arena_alloc(&b->arena, (size_t)root->columns, sizeof *e->leaf);
    e->at = bp_arena_alloc(&b->arena, (size_t)(root->size * root->columns), sizeof *e->at);
    if (e->word == NULL || e->leaf == NULL || e->at == NULL) return BP_E_NOMEM;
    for (size_t l = 0; l < root->n_leaves; l++)
      for (int64_t k = 0; k < root->leaves[l].size; k++) e->leaf[root->leaves[l].first + k] = (int32_t)l;
    for (int64_t w = 0; w < words; w++) {
      e->word[w] = bp_arena_alloc(&b->arena, (size_t)(root->rows * root->size), sizeof **e->word);
      if (e->word[w] == NULL) return BP_E_NOMEM;
      BP_TRY(bp_row_dependences(root, w * WORD, e->word[w]));
    }
  }
  return BP_OK;
}

/* What adds to row i of the Jacobian, by ascending column; room for all columns of the leaves of a root. */
static size_t parts_of_row(const bp_row_blocks *b, int64_t i, part_of *out) {
  size_t n = 0;
  if (b->root[i] < 0) return 0;
  const bp_row_root *root = &b->roots[b->root[i]];
  const bp_row_elements *e = &b->elements[b->root[i]];
  int64_t element = b->element[i], row = element / root->size;
  for (int64_t first = 0; first < root->columns; first += WORD)
    for (uint64_t w = e->word[first / WORD][element]; w != 0; w &= w - 1) {
      int32_t k = (int32_t)(first + __builtin_ctzll(w));
      const bp_row_leaf *leaf = &root->leaves[e->leaf[k]];
      part_of part = {leaf->source[row * leaf->size + k - leaf->first], k};
      if (part.column < 0) continue;
      size_t at = n++;
      for (; at > 0 && part.column < out[at - 1].column; at--) out[at] = out[at - 1];
      out[at] = part;
    }
  return n;
}

static int64_t most_columns(const bp_row_blocks *b) {
  int64_t most = 0;
  for (size_t r = 0; r < b->n_roots; r++)
    if (b->roots[r].columns > most) most = b->roots[r].columns;
  return most;
}

/* ---- the pattern ---- */
static bp_status collect_entries(const bp_row_blocks *b, bp_context *ctx, int64_t rows, part_of *parts,
                                 bp_entry **entries, size_t *capacity, size_t *n) {
  for (int64_t i = 0; i < rows; i++) {
    size_t n_parts = parts_of_row(b, i, parts);
    BP_TRY(bp_grow(ctx, (void **)entries, capacity, *n + n_parts, sizeof **entries));
    for (size_t k = 0; k < n_parts; k++)
      if (k == 0 || parts[k].column != parts[k - 1].column)
        (*entries)[(*n)++] = (bp_entry){(int32_t)i, parts[k].column};
  }
  return BP_OK;
}

bp_status bp_row_pattern(bp_row_blocks *b, bp_var y, bp_var x, bp_pattern *out) {
  bp_context *ctx = y.graph->ctx;
  bp_entry *entries = NULL;
  size_t capacity = 0, n = 0, room = (size_t)most_columns(b);
  if (b->elements == NULL) BP_TRY(find_elements(b));
  part_of *parts = bp_alloc(ctx, room, sizeof *parts);
  if (parts == NULL) return BP_E_NOMEM;
  bp_status status = collect_entries(b, ctx, elements(y), parts, &entries, &capacity, &n);
  if (status == BP_OK) status = bp_pattern_from_entries(ctx, elements(y), elements(x), entries, n, out);
  bp_release(bp_context_allocator(ctx), entries, capacity, sizeof *entries);
  bp_release(bp_context_allocator(ctx), parts, room, sizeof *parts);
  return status;
}

/* ---- the derivatives as matrices ---- */
/* How many roots from r on stand side by side in y: all have begun before the first of them comes again. */
static size_t group_size(const bp_row_blocks *b, size_t r, int64_t n_y) {
  size_t last = r;
  for (int64_t i = 0; i < n_y; i++) {
    if (b->root[i] < 0 || (size_t)b->root[i] < r) continue;
    if ((size_t)b->root[i] == r && b->element[i] / b->roots[r].size > 0) break;
    if (b->roots[b->root[i]].rows != b->roots[r].rows) break;
    if ((size_t)b->root[i] > last) last = (size_t)b->root[i];
  }
  return last - r + 1;
}

/* Notes where the elements of a part of a root come to stand; how many in a row. */
static int64_t place_part(const bp_row_root *root, bp_row_elements *e, size_t part, int64_t at) {
  if (root->forward) {
    for (int64_t c = 0; c < root->size; c++) e->at[c * root->columns + (int64_t)part] = (int32_t)(at + c);
    return root->size;
  }
  int64_t c = (int64_t)(part / root->n_leaves);
  const bp_row_leaf *leaf = &root->leaves[part % root->n_leaves];
  for (int64_t k = 0; k < leaf->size; k++) e->at[c * root->columns + leaf->first + k] = (int32_t)(at + k);
  return leaf->size;
}

/* The parts of a root behind the n that a matrix has already, the zeros left out. */
static bp_status add_root_parts(const bp_row_root *root, bp_row_elements *e, bp_dtype dtype, bp_var *parts, size_t *n,
                                int64_t *width) {
  bp_var *found = parts + *n; /* what is kept moves to the front */
  BP_TRY(bp_row_derivatives(root, found));
  for (int64_t i = 0; i < root->size * root->columns; i++) e->at[i] = -1;
  for (size_t p = 0; p < bp_row_parts(root); p++) {
    if (found[p].id == 0) continue;
    int64_t size = place_part(root, e, p, *width);
    *width += size;
    parts[(*n)++] = bp_cast(bp_reshape(found[p], 2, (int64_t[]){root->rows, size}), dtype);
  }
  return BP_OK;
}

/* The matrix of roots r .. r + n - 1 as a vector, its first element being number `base`; the symbolic zero when empty. */
static bp_status group_values(const bp_row_blocks *b, size_t r, size_t n_roots, bp_dtype dtype, int64_t base,
                              bp_var *out) {
  bp_context *ctx = b->roots[r].v.graph->ctx;
  size_t room = 0, n = 0;
  int64_t width = 0;
  for (size_t i = r; i < r + n_roots; i++) room += bp_row_parts(&b->roots[i]);
  bp_var *parts = bp_alloc(ctx, room, sizeof *parts);
  if (parts == NULL) return BP_E_NOMEM;
  bp_status status = BP_OK;
  for (size_t i = r; i < r + n_roots && status == BP_OK; i++)
    status = add_root_parts(&b->roots[i], &b->elements[i], dtype, parts, &n, &width);
  for (size_t i = r; i < r + n_roots; i++) b->elements[i].base = base, b->elements[i].width = width;
  if (status == BP_OK && n > 0)
    *out = bp_reshape(n == 1 ? parts[0] : bp_concat(parts, n, 1), 1, (int64_t[]){b->roots[r].rows * width});
  bp_release(bp_context_allocator(ctx), parts, room, sizeof *parts);
  return status;
}

/* The matrices, each a vector. group: room for the roots. */
static bp_status all_groups(const bp_row_blocks *b, bp_var y, bp_var *group, size_t *n, int64_t *total) {
  *n = 0, *total = 0;
  for (size_t r = 0, roots; r < b->n_roots; r += roots) {
    roots = group_size(b, r, elements(y));
    group[*n] = bp_zero_of(y.graph);
    BP_TRY(group_values(b, r, roots, bp_dtype_of(y), *total, &group[*n]));
    if (group[*n].id != 0) *total += elements(group[(*n)++]);
  }
  return bp_graph_result(y.graph);
}

/* ---- reading them off ---- */
/* Where the values are added up from: turn t of n nonzeros. A column that stands twice in a row of leaves comes in two turns. */
typedef struct reader {
  bp_row_blocks *b;
  const bp_pattern *p;
  bp_var *group; /* the matrices, and room for one more */
  size_t n_groups;
  part_of *parts;
  int32_t *place; /* [nonzeros] */
  int64_t none;   /* the place of a zero: behind all matrices */
} reader;

static int64_t place_of(const reader *r, int64_t i, int32_t k) {
  const bp_row_root *root = &r->b->roots[r->b->root[i]];
  const bp_row_elements *e = &r->b->elements[r->b->root[i]];
  int64_t element = r->b->element[i], at = e->at[element % root->size * root->columns + k];
  return at < 0 ? r->none : e->base + element / root->size * e->width + at;
}

/* The places of one turn; false when there is nothing left for it. */
static bool fill_places(reader *r, int64_t turn) {
  bool any = turn == 0;
  for (int64_t i = 0; i < r->p->rows; i++) {
    size_t n = parts_of_row(r->b, i, r->parts), k = 0;
    for (int64_t e = r->p->start[i]; e < r->p->start[i + 1]; e++) {
      while (k < n && r->parts[k].column < r->p->column[e]) k++;
      size_t mine = k + (size_t)turn;
      bool there = mine < n && r->parts[mine].column == r->p->column[e];
      r->place[e] = (int32_t)(there ? place_of(r, i, r->parts[mine].k) : r->none);
      any |= there;
    }
  }
  return any;
}

/* Whether the places are those of all values in their order. */
static bool in_order(const reader *r) {
  int64_t n = bp_pattern_nonzeros(r->p);
  for (int64_t e = 0; e < n; e++)
    if (r->place[e] != e) return false;
  return n == r->none;
}

static bp_var joined(bp_var *v, size_t n) { return n == 1 ? v[0] : bp_concat(v, n, 0); }

static bp_var read_values(reader *r, bp_graph *g, bp_dtype dtype) {
  int64_t n = bp_pattern_nonzeros(r->p);
  if (fill_places(r, 0) && in_order(r) && r->n_groups > 0) return joined(r->group, r->n_groups);
  r->group[r->n_groups] = bp_full(g, dtype, &(bp_shape){.rank = 1, .dims = {1}}, 0);
  bp_var all = joined(r->group, r->n_groups + 1), sum = bp_zero_of(g);
  for (int64_t turn = 0; turn == 0 || fill_places(r, turn); turn++)
    sum = bp_plus(sum, bp_gather(all, bp_constant(g, BP_I32, 1, &n, r->place), dtype));
  return sum;
}

static bp_status values_by(reader *r, bp_var y, bp_var *values) {
  bp_context *ctx = y.graph->ctx;
  if (r->parts == NULL || r->place == NULL || r->group == NULL) return BP_E_NOMEM;
  if (r->b->elements == NULL) BP_TRY(find_elements(r->b));
  BP_TRY(all_groups(r->b, y, r->group, &r->n_groups, &r->none));
  if (r->none >= INT32_MAX)
    return bp_fail(ctx, BP_E_LIMIT, "sparse: blocks of %lld elements together, 2^31 or more", (long long)r->none);
  *values = read_values(r, y.graph, bp_dtype_of(y));
  return bp_graph_result(y.graph);
}

bp_status bp_row_values(bp_row_blocks *b, bp_var y, const bp_pattern *pattern, bp_var *values) {
  bp_context *ctx = y.graph->ctx;
  bp_allocator a = bp_context_allocator(ctx);
  size_t n = (size_t)bp_pattern_nonzeros(pattern), room = (size_t)most_columns(b), groups = b->n_roots + 1;
  reader r = {.b = b, .p = pattern};
  r.parts = bp_alloc(ctx, room, sizeof *r.parts);
  r.place = bp_alloc(ctx, n, sizeof *r.place);
  r.group = bp_alloc(ctx, groups, sizeof *r.group);
  bp_status status = values_by(&r, y, values);
  bp_release(a, r.parts, room, sizeof *r.parts);
  bp_release(a, r.place, n, sizeof *r.place);
  bp_release(a, r.group, groups, sizeof *r.group);
  return status;
}
