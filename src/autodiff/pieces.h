/* autodiff/pieces.h - cotangents of elements of a variable, kept aside until the sweep reaches the variable.
 *
 * The transpose of a slice is a whole array of zeros with a few elements in it; a sum of n such arrays costs n² where the function
 * costs n. So a sweep keeps the cotangents of slices, with the window of the variable that each one belongs to, and makes one
 * node of them (graph/assembly.h). A slice of a slice, and reshapes that only add or drop axes of size 1, are followed up to the
 * variable that they come from: x[i], or W[i, j].
 */
#ifndef BP_AUTODIFF_PIECES_H
#define BP_AUTODIFF_PIECES_H
#include "autodiff/slope.h"
#include "graph/assembly.h"

typedef struct bp_kept_piece {
  bp_slope slope;
  uint32_t next; /* 1 + the one that arrived before it, 0 none */
  uint32_t first, n_spans;
} bp_kept_piece;

typedef struct bp_pieces {
  bp_graph *graph;
  size_t size;    /* ids that it is for */
  int64_t k;      /* directions of lifted cotangents, 0: they are not lifted */
  uint32_t *head; /* by id: 1 + the piece that arrived last, 0 none */
  uint8_t *stops; /* by id: its own cotangent is asked for */
  bp_kept_piece *pieces;
  bp_axis_span *spans;
  size_t n_pieces, pieces_capacity, n_spans, spans_capacity;
} bp_pieces;

/* For ids up to `last`; x: the variables whose cotangents are asked for. BP_E_NOMEM; release it in any case. */
bp_status bp_pieces_init(bp_pieces *s, bp_graph *g, uint32_t last, const bp_var *x, size_t n_x);
void bp_pieces_release(bp_pieces *s);
/* Forgets all pieces; from now on cotangents are lifted to k directions, or not when k is 0. */
void bp_pieces_start(bp_pieces *s, int64_t k);
/* When node id takes elements of a variable, keeps its cotangent for that variable, whose id is given back; 0 else. */
uint32_t bp_pieces_keep(bp_pieces *s, uint32_t id, bp_slope y_bar);
/* What has been kept for a variable, as one cotangent of its shape, with its support if that is wanted; the symbolic zero when
 * that is nothing. */
bp_slope bp_pieces_take(bp_pieces *s, uint32_t id, bool keep);

#endif
