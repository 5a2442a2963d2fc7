/* builders_assemble.c - assemble: which pieces overlap, and the node. Floor: graph. */
#include <string.h>

#include "base/fail.h"
#include "graph/assembly.h"
#include "graph/builders.h"

bp_shape bp_piece_window(const bp_assembly *a, size_t piece, const bp_shape *to) {
  bp_shape window = *to;
  const bp_axis_span *spans = bp_piece_spans(a, piece);
  for (uint32_t k = 0; k < a->pieces[piece].n_spans; k++) window.dims[spans[k].axis] = spans[k].size;
  return window;
}

static bool spans_equal(const bp_assembly *a, const bp_assembly *b, size_t piece) {
  const bp_axis_span *x = bp_piece_spans(a, piece), *y = bp_piece_spans(b, piece);
  if (a->pieces[piece].n_spans != b->pieces[piece].n_spans) return false;
  for (uint32_t k = 0; k < a->pieces[piece].n_spans; k++)
    if (x[k].bits != y[k].bits || x[k].size != y[k].size || x[k].axis != y[k].axis) return false;
  return true;
}

bool bp_assembly_equal(const bp_assembly *a, const bp_assembly *b) {
  if (a == b) return true;
  if (a->hash != b->hash || a->n_pieces != b->n_pieces || a->n_spans != b->n_spans) return false;
  for (size_t i = 0; i < a->n_pieces; i++)
    if (!spans_equal(a, b, i)) return false;
  return true;
}

const bp_assembly *bp_assembly_copy(bp_arena *arena, const bp_assembly *a) {
  bp_assembly *copy = bp_arena_alloc(arena, 1, sizeof *copy);
  bp_piece *pieces = bp_arena_alloc(arena, a->n_pieces, sizeof *pieces);
  bp_axis_span *spans = bp_arena_alloc(arena, a->n_spans, sizeof *spans);
  if (copy == NULL || pieces == NULL || spans == NULL) return NULL;
  *copy = *a;
  memcpy(pieces, a->pieces, a->n_pieces * sizeof *pieces);
  if (a->n_spans > 0) memcpy(spans, a->spans, a->n_spans * sizeof *spans);
  copy->pieces = pieces;
  copy->spans = spans;
  return copy;
}

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0xff51afd7ed558ccdu;
  return h ^ h >> 32;
}

static uint64_t hash_of(const bp_assembly *a) {
  uint64_t h = a->n_pieces;
  for (size_t i = 0; i < a->n_pieces; i++) h = mix(h, a->pieces[i].n_spans);
  for (size_t i = 0; i < a->n_spans; i++)
    h = mix(mix(mix(h, a->spans[i].bits), (uint64_t)a->spans[i].size), (uint64_t)a->spans[i].axis);
  return h;
}

/* Marks the elements of a window in a bit map of the result; true when one of them was marked already. */
static bool mark_window(uint8_t *marked, const bp_shape *to, const bp_axis_span *spans, uint32_t n_spans) {
  int64_t n[BP_MAX_RANK], stride[BP_MAX_RANK], at[BP_MAX_RANK] = {0}, place = 0, step = 1, count = 1;
  bool overlaps = false;
  for (int i = to->rank - 1; i >= 0; step *= to->dims[i], i--) n[i] = to->dims[i], stride[i] = step;
  for (uint32_t k = 0; k < n_spans; k++) {
    int axis = spans[k].axis;
    n[axis] = spans[k].size;
    place += bp_span_start(spans[k].bits) * stride[axis];
    stride[axis] *= bp_span_step(spans[k].bits);
  }
  for (int i = 0; i < to->rank; i++) count *= n[i];
  for (; count > 0; count--) {
    uint8_t bit = (uint8_t)(1u << (place & 7));
    overlaps = overlaps || (marked[place >> 3] & bit) != 0;
    marked[place >> 3] |= bit;
    for (int i = to->rank - 1; i >= 0; i--) { /* the next place, as an odometer */
      place += stride[i];
      if (++at[i] < n[i]) break;
      place -= stride[i] * n[i];
      at[i] = 0;
    }
  }
  return overlaps;
}

/* Fills `adds` of each piece. Axes that no piece has a span along say nothing. */
static bp_status find_overlaps(bp_context *ctx, const bp_assembly *a, bp_piece *pieces, const bp_shape *to) {
  bp_shape space = *to;
  unsigned cut = 0;
  for (size_t i = 0; i < a->n_spans; i++) cut |= BP_AXIS(a->spans[i].axis);
  for (int i = 0; i < space.rank; i++)
    if ((cut & BP_AXIS(i)) == 0) space.dims[i] = 1;
  size_t bytes = (size_t)bp_shape_elements(&space, 1) / 8 + 1;
  uint8_t *marked = bp_calloc(ctx, bytes, 1);
  if (marked == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < a->n_pieces; i++)
    pieces[i].adds = mark_window(marked, &space, a->spans + pieces[i].first, pieces[i].n_spans);
  bp_release(bp_context_allocator(ctx), marked, bytes, 1);
  return BP_OK;
}

bp_var bp_assemble(const bp_var *parts, const bp_assembly *a, const bp_shape *to) {
  bp_graph *g = parts[0].graph;
  bp_shape shape = *to; /* it may lie in the graph */
  if (!bp_args_ok("assemble", (int)a->n_pieces, parts)) return bp_zero_of(g);
  bp_assembly *kept = (bp_assembly *)(uintptr_t)bp_assembly_copy(&g->arena, a);
  if (kept == NULL || find_overlaps(g->ctx, kept, (bp_piece *)(uintptr_t)kept->pieces, &shape) != BP_OK)
    return bp_graph_fail(g, BP_E_NOMEM, "out of memory while assembling %zu pieces", a->n_pieces);
  kept->hash = hash_of(kept);
  bp_node node = {.op = BP_OP_assemble, .dtype = (uint8_t)bp_dtype_of(parts[0]), .attr.data = kept};
  return bp_node_append_nary(g, node, &shape, parts, a->n_pieces);
}

bp_var bp_piece_of(bp_var whole, const bp_assembly *a, size_t piece, int axes) {
  const bp_axis_span *spans = bp_piece_spans(a, piece);
  for (uint32_t k = 0; k < a->pieces[piece].n_spans && whole.id != 0; k++) {
    bp_shape to = *bp_shape_of(whole);
    to.dims[spans[k].axis + axes] = spans[k].size;
    whole = bp_append1(BP_OP_slice, whole, &to, spans[k].axis + axes, spans[k].bits);
  }
  return whole;
}
