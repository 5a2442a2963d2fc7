/* pieces.c - windows of a variable, composed along chains of slices, and their cotangents as one node. Floor: autodiff. */
#include "autodiff/pieces.h"

#include "autodiff/directions.h"
#include "base/fail.h"

bp_status bp_pieces_init(bp_pieces *s, bp_graph *g, uint32_t last, const bp_var *x, size_t n_x) {
  *s = (bp_pieces){.graph = g, .size = (size_t)last + 1};
  s->head = bp_calloc(g->ctx, s->size, sizeof *s->head);
  s->stops = bp_calloc(g->ctx, s->size, 1);
  if (s->head == NULL || s->stops == NULL) return BP_E_NOMEM;
  for (size_t j = 0; j < n_x; j++)
    if (x[j].id <= last) s->stops[x[j].id] = 1;
  return BP_OK;
}

void bp_pieces_release(bp_pieces *s) {
  if (s->graph == NULL) return;
  bp_allocator a = bp_context_allocator(s->graph->ctx);
  bp_release(a, s->head, s->size, sizeof *s->head);
  bp_release(a, s->stops, s->size, 1);
  bp_release(a, s->pieces, s->pieces_capacity, sizeof *s->pieces);
  bp_release(a, s->spans, s->spans_capacity, sizeof *s->spans);
}

void bp_pieces_start(bp_pieces *s, int64_t k) {
  for (size_t i = 0; i < s->size && s->n_pieces > 0; i++) s->head[i] = 0;
  s->n_pieces = s->n_spans = 0;
  s->k = k;
}

/* ---- windows ---- */
/* Slices in a row that are followed; a longer chain is cut. */
enum { CHAIN_MOST = 16 };

/* What is looked at, and which axes of the variable its axes are (-1: of size 1, added by a reshape). */
typedef struct window {
  int64_t start[BP_MAX_RANK], step[BP_MAX_RANK], size[BP_MAX_RANK]; /* by axis of the variable */
  bool cut[BP_MAX_RANK];
  int rank, axis[BP_MAX_RANK];
} window;

static const bp_shape *shape_at(const bp_graph *g, uint32_t id) { return &g->shapes[g->nodes[id].shape]; }

static bool is_view(const bp_graph *g, uint32_t id) {
  const bp_node *n = &g->nodes[id];
  return n->op == BP_OP_slice ||
         (n->op == BP_OP_reshape && bp_shape_only_ones_differ(shape_at(g, id), shape_at(g, n->arg[0])));
}

static void reshape_window(window *w, const bp_shape *from, const bp_shape *to) {
  int axis[BP_MAX_RANK], k = 0;
  for (int i = 0; i < to->rank; i++) {
    if (to->dims[i] == 1) {
      axis[i] = -1;
      continue;
    }
    while (from->dims[k] == 1) k++;
    axis[i] = w->axis[k++];
  }
  for (int i = 0; i < to->rank; i++) w->axis[i] = axis[i];
  w->rank = to->rank;
}

/* False when the span cannot be written down. */
static bool slice_window(window *w, const bp_node *n, int64_t size) {
  int axis = w->axis[n->axis];
  if (axis < 0) return size == 1;
  int64_t step = w->step[axis] * bp_span_step(n->attr.bits);
  w->start[axis] += w->step[axis] * bp_span_start(n->attr.bits);
  w->step[axis] = size > 1 ? step : 1;
  w->size[axis] = size;
  w->cut[axis] = true;
  return w->step[axis] <= BP_SPAN_STEP_MAX && w->step[axis] >= -BP_SPAN_STEP_MAX;
}

/* The window of node id in the variable that it comes from; the id of that, 0 when no elements are taken. */
static uint32_t find_window(const bp_pieces *s, uint32_t id, window *w) {
  const bp_graph *g = s->graph;
  uint32_t chain[CHAIN_MOST], at = id;
  int n = 0;
  bool any = false;
  while (n < CHAIN_MOST && is_view(g, at) && (n == 0 || !s->stops[at])) {
    any = any || g->nodes[at].op == BP_OP_slice;
    chain[n++] = at;
    at = g->nodes[at].arg[0];
  }
  if (!any) return 0;
  *w = (window){.rank = shape_at(g, at)->rank};
  for (int i = 0; i < w->rank; i++) w->step[i] = 1, w->size[i] = shape_at(g, at)->dims[i], w->axis[i] = i;
  while (n-- > 0) {
    const bp_node *node = &g->nodes[chain[n]];
    if (node->op == BP_OP_reshape)
      reshape_window(w, shape_at(g, node->arg[0]), shape_at(g, chain[n]));
    else if (!slice_window(w, node, shape_at(g, chain[n])->dims[node->axis]))
      return 0;
  }
  return at;
}

/* ---- pieces ---- */
static bp_status keep_piece(bp_pieces *s, uint32_t id, const window *w, int rank, bp_slope slope) {
  bp_context *ctx = s->graph->ctx;
  BP_TRY(bp_grow(ctx, (void **)&s->pieces, &s->pieces_capacity, s->n_pieces + 1, sizeof *s->pieces));
  BP_TRY(bp_grow(ctx, (void **)&s->spans, &s->spans_capacity, s->n_spans + BP_MAX_RANK, sizeof *s->spans));
  bp_kept_piece *piece = &s->pieces[s->n_pieces];
  *piece = (bp_kept_piece){.slope = slope, .next = s->head[id], .first = (uint32_t)s->n_spans};
  for (int i = 0; i < rank; i++) {
    if (!w->cut[i]) continue;
    s->spans[s->n_spans++] = (bp_axis_span){bp_span_bits(w->start[i], w->step[i]), w->size[i], i + (s->k > 0)};
    piece->n_spans++;
  }
  s->head[id] = (uint32_t)++s->n_pieces;
  return BP_OK;
}

uint32_t bp_pieces_keep(bp_pieces *s, uint32_t id, bp_slope y_bar) {
  window w;
  uint32_t of = find_window(s, id, &w);
  if (of != 0 && keep_piece(s, of, &w, shape_at(s->graph, of)->rank, y_bar) != BP_OK)
    (void)bp_graph_fail(s->graph, BP_E_NOMEM, "out of memory for the cotangents of elements");
  return of;
}

/* The cotangent of a piece, or its support as ones and zeros, which do not cancel where pieces meet. */
static bp_var part_of(const bp_pieces *s, const bp_kept_piece *piece, bool support) {
  bp_var value = {s->graph, piece->slope.var}, known = {s->graph, piece->slope.support};
  if (!support) return value;
  if (known.id != 0) return bp_not_equal(known, bp_number(known, 0));
  return bp_full(s->graph, bp_dtype_of(value), bp_shape_of(value), 1);
}

/* One piece alone: the transpose of its slices. */
static bp_var place_piece(const bp_pieces *s, const bp_kept_piece *piece, bool support, const bp_shape *to) {
  bp_shape at = *to;
  for (uint32_t k = 0; k < piece->n_spans; k++)
    at.dims[s->spans[piece->first + k].axis] = s->spans[piece->first + k].size;
  bp_var x_bar = bp_reshape(part_of(s, piece, support), at.rank, at.dims);
  for (uint32_t k = piece->n_spans; k-- > 0 && x_bar.id != 0;) {
    const bp_axis_span *span = &s->spans[piece->first + k];
    x_bar = bp_place(x_bar, span->axis, to->dims[span->axis], span->bits);
  }
  return x_bar;
}

/* The pieces of one variable, with their spans, out of those of all. */
static void list_pieces(const bp_pieces *s, uint32_t newest, bool support, bp_var *parts, bp_piece *pieces,
                        bp_axis_span *spans) {
  uint32_t n_spans = 0;
  for (uint32_t at = newest; at != 0; at = s->pieces[at - 1].next) {
    const bp_kept_piece *from = &s->pieces[at - 1];
    *parts++ = part_of(s, from, support);
    *pieces++ = (bp_piece){.first = n_spans, .n_spans = from->n_spans};
    for (uint32_t k = 0; k < from->n_spans; k++) spans[n_spans++] = s->spans[from->first + k];
  }
}

static bp_var assemble_pieces(const bp_pieces *s, uint32_t newest, size_t n, bool support, const bp_shape *to) {
  bp_graph *g = s->graph;
  size_t n_spans = 0;
  for (uint32_t at = newest; at != 0; at = s->pieces[at - 1].next) n_spans += s->pieces[at - 1].n_spans;
  bp_var *parts = bp_alloc(g->ctx, n, sizeof *parts), sum;
  bp_piece *pieces = bp_alloc(g->ctx, n, sizeof *pieces);
  bp_axis_span *spans = bp_alloc(g->ctx, n_spans, sizeof *spans);
  if (parts == NULL || pieces == NULL || spans == NULL) {
    sum = bp_graph_fail(g, BP_E_NOMEM, "out of memory while assembling %zu pieces", n);
  } else {
    bp_assembly a = {.pieces = pieces, .spans = spans, .n_pieces = n, .n_spans = n_spans};
    list_pieces(s, newest, support, parts, pieces, spans);
    sum = bp_assemble(parts, &a, to);
  }
  bp_release(bp_context_allocator(g->ctx), parts, n, sizeof *parts);
  bp_release(bp_context_allocator(g->ctx), pieces, n, sizeof *pieces);
  bp_release(bp_context_allocator(g->ctx), spans, n_spans, sizeof *spans);
  return sum;
}

static bp_var whole(const bp_pieces *s, uint32_t newest, size_t n, bool support, const bp_shape *to) {
  if (s->graph->status != BP_OK) return bp_zero_of(s->graph);
  return n == 1 ? place_piece(s, &s->pieces[newest - 1], support, to) : assemble_pieces(s, newest, n, support, to);
}

/* Marks the elements of a piece from axis `axis` on, the first of them at `at`. */
static void mark_piece(const bp_pieces *s, const bp_kept_piece *piece, const bp_shape *of, int axis, int64_t at,
                       uint8_t *marks) {
  int lead = s->k > 0;
  if (axis == of->rank) {
    marks[at] = 1;
    return;
  }
  int64_t start = 0, step = 1, size = of->dims[axis];
  for (uint32_t k = 0; k < piece->n_spans; k++) {
    const bp_axis_span *span = &s->spans[piece->first + k];
    if (span->axis == axis + lead)
      start = bp_span_start(span->bits), step = bp_span_step(span->bits), size = span->size;
  }
  for (int64_t i = 0; i < size; i++) mark_piece(s, piece, of, axis + 1, at * of->dims[axis] + start + i * step, marks);
}

/* Whether the pieces of a variable leave no element out: then there are no zeros between them. */
static bool cover_all(const bp_pieces *s, uint32_t newest, uint32_t id) {
  bp_context *ctx = s->graph->ctx;
  const bp_shape *of = shape_at(s->graph, id);
  int64_t n = bp_shape_elements(of, 1), total = 0;
  for (uint32_t at = newest; at != 0; at = s->pieces[at - 1].next)
    total += bp_shape_elements(bp_shape_of((bp_var){s->graph, s->pieces[at - 1].slope.var}), 1) / (s->k > 0 ? s->k : 1);
  if (bp_shape_has_batch(of) || total < n) return false;
  uint8_t *marks = bp_calloc(ctx, (size_t)n, 1);
  if (marks == NULL) return bp_graph_fail(s->graph, BP_E_NOMEM, "out of memory for %lld marks", (long long)n), false;
  bool all = true;
  for (uint32_t at = newest; at != 0; at = s->pieces[at - 1].next) mark_piece(s, &s->pieces[at - 1], of, 0, 0, marks);
  for (int64_t i = 0; i < n; i++) all = all && marks[i] != 0;
  bp_release(bp_context_allocator(ctx), marks, (size_t)n, 1);
  return all;
}

bp_slope bp_pieces_take(bp_pieces *s, uint32_t id, bool keep) {
  uint32_t newest = s->head[id];
  bp_slope taken = {0};
  if (newest == 0 || s->graph->status != BP_OK) return taken;
  bp_shape to = *shape_at(s->graph, id);
  if (s->k > 0) to = bp_lifted_shape(s->k, &to);
  size_t n = 0;
  bool own = true, full = true;
  for (uint32_t at = newest; at != 0; at = s->pieces[at - 1].next, n++) {
    const bp_slope *piece = &s->pieces[at - 1].slope;
    own = own && piece->support == piece->var;
    full = full && piece->support == 0;
    taken.gate = taken.gate || piece->gate;
  }
  s->head[id] = 0;
  taken.var = whole(s, newest, n, false, &to).id;
  if (keep && !(full && cover_all(s, newest, id))) taken.support = own ? taken.var : whole(s, newest, n, true, &to).id;
  return taken;
}
