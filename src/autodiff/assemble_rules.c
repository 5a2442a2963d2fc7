/* assemble_rules.c - the derivatives of assemble, which is linear: itself on tangents, windows of the cotangent. Floor: autodiff. */
#include <string.h>

#include "autodiff/directions.h"
#include "base/fail.h"
#include "graph/assembly.h"

/* Assembles the pieces that have a tangent, k directions of each when k > 0. */
typedef struct tangent_pieces {
  bp_var *parts;
  bp_piece *pieces;
  bp_axis_span *spans;
} tangent_pieces;

static void keep_pieces(const bp_assembly *a, const bp_var *x_dot, int axes, bp_assembly *kept, tangent_pieces *t) {
  for (size_t i = 0; i < a->n_pieces; i++) {
    if (x_dot[i].id == 0) continue;
    t->pieces[kept->n_pieces] = (bp_piece){.first = (uint32_t)kept->n_spans, .n_spans = a->pieces[i].n_spans};
    t->parts[kept->n_pieces++] = x_dot[i];
    for (uint32_t k = 0; k < a->pieces[i].n_spans; k++) {
      bp_axis_span *span = &t->spans[kept->n_spans++];
      *span = bp_piece_spans(a, i)[k];
      span->axis += axes;
    }
  }
}

static bp_var assemble_tangents(const bp_call *c, const bp_var *x_dot, int64_t k) {
  bp_graph *g = c->y.graph;
  const bp_assembly *a = bp_assembly_of(bp_node_of(c->y));
  size_t n = a->n_pieces, n_spans = a->n_spans;
  bp_shape shape = k > 0 ? bp_lifted_shape(k, bp_shape_of(c->y)) : *bp_shape_of(c->y);
  tangent_pieces t = {bp_alloc(g->ctx, n, sizeof *t.parts), bp_alloc(g->ctx, n, sizeof *t.pieces),
                      bp_alloc(g->ctx, n_spans, sizeof *t.spans)};
  bp_assembly kept = {.pieces = t.pieces, .spans = t.spans};
  bp_var sum = bp_zero_of(g);
  if (t.parts == NULL || t.pieces == NULL || t.spans == NULL) {
    sum = bp_graph_fail(g, BP_E_NOMEM, "out of memory for the derivative of assemble");
  } else {
    keep_pieces(a, x_dot, k > 0 ? 1 : 0, &kept, &t);
    if (kept.n_pieces > 0 && g->status == BP_OK) sum = bp_assemble(t.parts, &kept, &shape);
  }
  bp_release(bp_context_allocator(g->ctx), t.parts, n, sizeof *t.parts);
  bp_release(bp_context_allocator(g->ctx), t.pieces, n, sizeof *t.pieces);
  bp_release(bp_context_allocator(g->ctx), t.spans, n_spans, sizeof *t.spans);
  return sum;
}

/* How many directions the derivatives have of what is like `of`: 0 when they are not lifted. */
static int64_t directions(bp_var derivative, bp_var of) {
  const bp_shape *s = bp_shape_of(derivative);
  return s->rank > bp_shape_of(of)->rank ? s->dims[0] : 0;
}

bp_var bp_assemble_jvp(const bp_call *c, const bp_var *x_dot) {
  for (int i = 0; i < c->arity; i++)
    if (x_dot[i].id != 0) return assemble_tangents(c, x_dot, directions(x_dot[i], bp_call_arg(c, i)));
  return bp_zero_of(c->y.graph);
}

bp_var bp_assemble_vjp(const bp_call *c, int i, bp_var y_bar) {
  const bp_assembly *a = bp_assembly_of(bp_node_of(c->y));
  bp_shape to = *bp_shape_of(bp_call_arg(c, i));
  int64_t k = directions(y_bar, c->y);
  bp_var part = bp_piece_of(y_bar, a, (size_t)i, k > 0);
  if (part.id == 0) return part;
  return k > 0 ? bp_lifted_reshape(part, &to) : bp_reshape(part, to.rank, to.dims);
}
