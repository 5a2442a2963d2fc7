/* graph/assembly.h - assemble: zeros, and any number of pieces added at their places.
 *
 * A piece goes to a window of the result: along each axis that has a span, elements start, start + step, ...; along the others
 * everything. Its elements are those of the window in row-major order, whatever axes of size 1 its own shape has. Where
 * pieces overlap, the first one is stored and the later ones are added in their order. So the cotangents of any number of elements
 * of a variable become one node.
 */
#ifndef BP_GRAPH_ASSEMBLY_H
#define BP_GRAPH_ASSEMBLY_H
#include "graph/node.h"

typedef struct bp_axis_span {
  uint64_t bits; /* bp_span_bits() */
  int64_t size;
  int32_t axis;
} bp_axis_span;

typedef struct bp_piece {
  uint32_t first, n_spans; /* in the list of spans: at most one for each axis */
  bool adds;               /* an earlier piece may have an element of this one */
} bp_piece;

typedef struct bp_assembly {
  size_t n_pieces, n_spans;
  uint64_t hash; /* of what stands in the lists */
  const bp_piece *pieces;
  const bp_axis_span *spans;
} bp_assembly;

static inline const bp_assembly *bp_assembly_of(const bp_node *node) { return node->attr.data; }
static inline const bp_axis_span *bp_piece_spans(const bp_assembly *a, size_t piece) {
  return a->spans + a->pieces[piece].first;
}

/* The shape of the window of a piece in a result of shape `to`. */
bp_shape bp_piece_window(const bp_assembly *a, size_t piece, const bp_shape *to);
bool bp_assembly_equal(const bp_assembly *a, const bp_assembly *b);
/* A copy in another arena; NULL when memory is out. */
const bp_assembly *bp_assembly_copy(bp_arena *arena, const bp_assembly *a);

/* The node: parts[i] is piece i, float32 or float64. `adds` and `hash` of the description are found here. */
bp_var bp_assemble(const bp_var *parts, const bp_assembly *a, const bp_shape *to);
/* Its transpose: the elements of `whole` in the window of a piece. axes: that `whole` has in front of those of the result. */
bp_var bp_piece_of(bp_var whole, const bp_assembly *a, size_t piece, int axes);

#endif
