/* expression_build.c - values: rows and batches, lists, indices, and the place of an error. Floor: expression.
 *
 * A variable whose leading size is BP_BATCH is, to the language, the array of one row. Row axes are counted without the batch.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "expression/language.h"

int bp_row_rank(bp_var v) { return bp_shape_of(v)->rank - bp_is_batched(v); }

bp_var bp_built(bp_parser *p, const char *at, bp_var v) {
  bp_graph *g = p->graph;
  if (p->status != BP_OK) return bp_zero_of(g);
  if (g->status != BP_OK) { /* the builder's message, with the place before it */
    bp_status status = g->status;
    char line[BP_MESSAGE_MAX];
    bp_text_clean(line, sizeof line, bp_graph_message(g));
    g->status = BP_OK;
    return bp_parse_fail(p, at, status, "%s", line);
  }
  int64_t elements = bp_shape_elements(bp_shape_of(v), 1);
  if (elements > BP_EXPRESSION_ELEMENTS_MAX)
    return bp_parse_fail(p, at, BP_E_LIMIT, "an array of %" PRId64 " elements; the limit is %" PRId64, elements,
                         BP_EXPRESSION_ELEMENTS_MAX);
  return v;
}

/* ---- batches ---- */
/* x with axes of size 1 before its row axes, up to `rank` of them. */
static bp_var with_row_rank(bp_var x, int rank) {
  bp_shape from = *bp_shape_of(x), to = {.rank = rank + 1, .dims = {BP_BATCH}};
  int added = rank - (from.rank - 1);
  if (added <= 0 || rank >= BP_MAX_RANK) return x;
  for (int i = 1; i <= rank; i++) to.dims[i] = i <= added ? 1 : from.dims[i - added];
  return bp_reshape(x, to.rank, to.dims);
}

void bp_align_rows(bp_var *v, size_t n) {
  int most = 0;
  for (size_t i = 0; i < n; i++)
    if (bp_row_rank(v[i]) > most) most = bp_row_rank(v[i]);
  for (size_t i = 0; i < n; i++)
    if (bp_is_batched(v[i])) v[i] = with_row_rank(v[i], most);
}

void bp_share_batch(bp_var *v, size_t n) {
  bool any = false;
  for (size_t i = 0; i < n; i++) any = any || bp_is_batched(v[i]);
  for (size_t i = 0; any && i < n; i++) {
    bp_shape s = *bp_shape_of(v[i]);
    if (bp_is_batched(v[i]) || s.rank == BP_MAX_RANK) continue;
    memmove(s.dims + 1, s.dims, (size_t)s.rank * sizeof *s.dims);
    s.dims[0] = BP_BATCH;
    s.rank++;
    v[i] = bp_broadcast_like(v[i], &s);
  }
}

/* ---- numbers known while parsing ---- */
bool bp_whole_number(bp_parser *p, const char *at, const char *what, bp_var v, int64_t *out) {
  if (p->status != BP_OK) return false;
  double number = bp_op_of(v) == BP_OP_scalar ? bp_node_of(v)->attr.scalar : 0.5;
  if (number != floor(number) || fabs(number) > 1e15) {
    (void)bp_parse_fail(p, at, BP_E_ARG, "%s must be a whole number, written as one", what);
    return false;
  }
  *out = (int64_t)number;
  return true;
}

bp_var bp_build_negative(bp_parser *p, const char *at, bp_var x) {
  if (bp_op_of(x) == BP_OP_scalar && bp_node_of(x)->name == 0)
    return bp_built(p, at, bp_scalar(p->graph, p->dtype, -bp_node_of(x)->attr.scalar));
  return bp_built(p, at, bp_neg(x));
}

/* ---- transpose ---- */
bp_var bp_build_transpose(bp_parser *p, const char *at, bp_var x) {
  int rank = bp_shape_of(x)->rank, first = bp_is_batched(x), perm[BP_MAX_RANK] = {0};
  if (rank - first < 2) return x;
  for (int i = first; i < rank; i++) perm[i] = rank - 1 - i + first;
  return bp_built(p, at, bp_transpose(x, perm));
}

/* ---- lists ---- */
static bool lists_fit(bp_parser *p, const char *at, const bp_var *x, size_t n) {
  for (size_t i = 1; i < n; i++) {
    const bp_shape *a = bp_shape_of(x[0]), *b = bp_shape_of(x[i]);
    int first_a = bp_is_batched(x[0]), first_b = bp_is_batched(x[i]);
    bool fits = a->rank - first_a == b->rank - first_b;
    for (int k = 0; fits && k < a->rank - first_a; k++) fits = a->dims[first_a + k] == b->dims[first_b + k];
    if (fits) continue;
    char ta[BP_SHAPE_TEXT], tb[BP_SHAPE_TEXT];
    (void)bp_parse_fail(p, at, BP_E_SHAPE,
                        "element 0 has the shape %s, element %zu has %s; the elements of a list are alike",
                        bp_shape_text(a, ta, sizeof ta), i, bp_shape_text(b, tb, sizeof tb));
    return false;
  }
  return true;
}

/* The numbers of a constant; NULL if v is none. */
static const void *constant_data(const bp_var *v, double *f64, float *f32) {
  const bp_node *node = bp_node_of(*v);
  if (node->op == BP_OP_constant) return node->attr.data;
  if (node->op != BP_OP_scalar) return NULL;
  *f64 = node->attr.scalar;
  *f32 = (float)node->attr.scalar;
  return node->dtype == BP_F64 ? (const void *)f64 : (const void *)f32;
}

/* Numbers become one constant instead of a node each; the null variable when the elements are not all numbers. */
static bp_var constant_list(bp_parser *p, const bp_var *x, size_t n) {
  bp_graph *g = p->graph;
  bp_shape to = *bp_shape_of(x[0]);
  size_t bytes = (size_t)bp_shape_elements(&to, 1) * bp_dtype_size(p->dtype);
  double f64;
  float f32;
  for (size_t i = 0; i < n; i++)
    if (constant_data(&x[i], &f64, &f32) == NULL) return bp_zero_of(g);
  char *all = bp_alloc(g->ctx, n, bytes);
  if (all == NULL) return bp_graph_fail(g, BP_E_NOMEM, "out of memory for a list of %zu elements", n);
  for (size_t i = 0; i < n; i++) memcpy(all + i * bytes, constant_data(&x[i], &f64, &f32), bytes);
  memmove(to.dims + 1, to.dims, (size_t)to.rank * sizeof *to.dims);
  to.dims[0] = (int64_t)n;
  bp_var v = bp_constant(g, p->dtype, to.rank + 1, to.dims, all);
  bp_release(bp_context_allocator(g->ctx), all, n, bytes);
  return v;
}

bp_var bp_build_list(bp_parser *p, const char *at, bp_var *x, size_t n) {
  if (!lists_fit(p, at, x, n)) return bp_zero_of(p->graph);
  bp_share_batch(x, n);
  if (bp_shape_of(x[0])->rank == BP_MAX_RANK)
    return bp_parse_fail(p, at, BP_E_SHAPE, "lists nest at most %d deep", BP_MAX_RANK - bp_is_batched(x[0]));
  bp_var v = constant_list(p, x, n);
  if (v.id != 0 || p->graph->status != BP_OK) return bp_built(p, at, v);
  return bp_built(p, at, bp_stack(x, n, bp_is_batched(x[0])));
}

/* ---- indices ---- */
static bool range_fits(bp_parser *p, const bp_shape *s, int axis, bp_range *r) {
  char text[BP_SHAPE_TEXT];
  int64_t size = s->dims[axis];
  if (r->last < 0) r->last = size;
  bp_shape_text(s, text, sizeof text);
  if (r->drop && r->first >= size)
    (void)bp_parse_fail(p, r->at, BP_E_SHAPE,
                        "there is no element %" PRId64 ": that axis has %" PRId64 ", the shape is %s", r->first, size,
                        text);
  else if (r->last > size)
    (void)bp_parse_fail(p, r->at, BP_E_SHAPE,
                        "a range to %" PRId64 ": that axis has %" PRId64 " elements, the shape is %s", r->last, size,
                        text);
  else if (r->first >= r->last)
    (void)bp_parse_fail(p, r->at, BP_E_SHAPE, "no element from %" PRId64 " to before %" PRId64 "; the shape is %s",
                        r->first, r->last, text);
  return p->status == BP_OK;
}

bp_var bp_build_index(bp_parser *p, const char *at, bp_var x, const bp_range *ranges, int n) {
  char text[BP_SHAPE_TEXT];
  bp_shape from = *bp_shape_of(x), to = {.rank = 0};
  int first = bp_is_batched(x);
  bp_shape_text(&from, text, sizeof text);
  if (from.rank == first) return bp_parse_fail(p, at, BP_E_SHAPE, "a number has no elements");
  if (n > from.rank - first) return bp_parse_fail(p, at, BP_E_SHAPE, "%d indices, but the shape is %s", n, text);
  for (int i = 0; i < from.rank; i++) {
    bp_range r = {.last = -1};
    if (i < first || i >= first + n) {
      to.dims[to.rank++] = from.dims[i];
      continue;
    }
    r = ranges[i - first];
    if (!range_fits(p, &from, i, &r)) return x;
    if (r.first > 0 || r.last < from.dims[i]) x = bp_slice(x, i, r.first, r.last, 1);
    if (!r.drop) to.dims[to.rank++] = r.last - r.first;
  }
  return bp_built(p, at, bp_reshape(x, to.rank, to.dims));
}
