/* data/edges.h - where a column of numbers is cut into pieces: the edges of its piecewise-linear encoding. */
#ifndef BP_DATA_EDGES_H
#define BP_DATA_EDGES_H
#include "data/encoding.h"

/* Room for the edges of `pieces` pieces. */
#define BP_EDGES_ROOM(pieces) ((size_t)(pieces) + 1)

/* Edges of sorted values[n], n >= 1, for `pieces` pieces at most: rising, from the least value to the largest. A value that fills a
 * piece by itself (n / pieces rows or more) is an edge, so that what most rows share does not take the edges of the others, which part
 * the rows between them evenly; where there are no more different values than edges, each is one. Returns their number; 0 where there
 * are two different values or fewer, which a straight line serves as well. */
int64_t bp_edges_find(const double *values, int64_t n, int64_t pieces, double *edges);

/* Edges of input `input` of a network, which belongs to a number, from encoded training rows; of more than a hundred thousand from
 * some, evenly spread. As bp_edges_find(), through *count.
 * BP_E_NOMEM */
bp_status bp_encoded_edges(bp_context *ctx, const bp_encoding *encoding, const bp_encoded *rows, int64_t input,
                           int64_t pieces, double *edges, int64_t *count);

#endif
