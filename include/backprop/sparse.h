/* backprop/sparse.h - Jacobians and Hessians of which most elements are always 0.
 *
 *   bp_sparse *jacobian;
 *   bp_sparse_jacobian(y, x, NULL, BP_COMPRESS_AUTO, &jacobian);
 *   bp_var values = bp_sparse_values(jacobian);    (an output of a program: [nonzeros])
 *   bp_sparse_colors(jacobian);                    (how many derivative passes that takes)
 *
 * The pattern is found from the graph: which element of y can depend on which element of x, whatever the values. Columns
 * that no row needs both of get one colour; the columns of a colour share one pass, and every element of the matrix is read
 * off from one of the results. So a banded matrix costs as many passes as its band is wide, however many rows it has.
 * The values are nodes of the graph: they compile with everything else, and can be differentiated again.
 *
 * Where y picks rows of x by number (bp_gather() by a constant) and works row by row from there, as bundle adjustment
 * does, the matrix is blocks, one for each row, and no colours are needed: one reverse pass for each element of a row of y (or one
 * forward pass for each of what was picked, if that is less work) computes them all, whatever meets in a column. BP_COMPRESS_AUTO
 * does so when no colouring can do with less work. Rows may be joined, reordered and picked again on the way to y.
 *
 * Rows are the elements of y, columns those of x, both in row-major order; several variables can be put into one with
 * bp_concat(). Patterns are compressed rows: row i has the places row_start[i] .. row_start[i + 1] - 1, place p is
 * in column column[p], columns ascend within a row.
 *
 * Failures are recorded on the graph, as builders do, and returned too (those of bp_sparse_from_pattern(), which knows no graph,
 * are only returned). *out is then NULL, which all functions here take: it has no rows, and its values are the null variable.
 */
#ifndef BACKPROP_SPARSE_H
#define BACKPROP_SPARSE_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A pattern; its colouring and its values as well when it comes from bp_sparse_jacobian() or bp_sparse_hessian(). It lives
 * apart from the graph, and only bp_sparse_values() refers to it. */
typedef struct bp_sparse bp_sparse;

typedef enum bp_compression {
  BP_COMPRESS_AUTO, /* blocks after a gather; else columns or rows, whichever needs fewer colours, columns when equal */
  BP_COMPRESS_COLUMNS,   /* forward mode, one pass per colour */
  BP_COMPRESS_ROWS,      /* reverse mode, one pass per colour */
  BP_COMPRESS_SYMMETRIC, /* star colouring of a Hessian, forward over reverse mode, one pass per colour */
  BP_COMPRESS_BLOCKS,    /* rows of y from rows picked out of x, one pass per column of such a row; no colours */
} bp_compression;

/* NEW pattern of ∂y/∂x. Structural: every element that can differ from 0 for some values is in it, and some that cannot may be
 * (0 · x by a variable 0, x - x). Zeros of constants are respected in products and selections. Operations of which
 * nothing is known make every element of their result depend on all of their arguments.
 * BP_E_SHAPE  a batch between x and y     BP_E_LIMIT  2^31 elements or more of x or y
 * BP_E_ARG, BP_E_DTYPE, BP_E_GRAPH, BP_E_NOMEM */
BP_API bp_status bp_sparsity(bp_var y, bp_var x, bp_sparse **out);
/* NEW symmetric pattern of the Hessian of a scalar. Appends its gradient to the graph. */
BP_API bp_status bp_sparsity_hessian(bp_var y, bp_var x, bp_sparse **out);
/* NEW pattern from arrays that are copied: row_start[rows + 1], column[row_start[rows]], both BORROW.
 * BP_E_ARG  a column out of range or not ascending, row_start not ascending from 0 */
BP_API bp_status bp_sparse_from_pattern(bp_context *context, int64_t rows, int64_t columns, const int64_t *row_start,
                                        const int32_t *column, bp_sparse **out);

/* NEW compressed Jacobian ∂y/∂x: finds the pattern (or takes `pattern`, BORROW, which must cover every element that is not 0),
 * colours it, and appends the derivatives and their values to the graph.
 * BP_E_SHAPE  as bp_sparsity(); or the pattern has other sizes
 * BP_E_LIMIT  colours × rows (or columns) is 2^31 or more
 * BP_E_ARG    BP_COMPRESS_BLOCKS for a y that does not work row by row on moved elements of x */
BP_API bp_status bp_sparse_jacobian(bp_var y, bp_var x, const bp_sparse *pattern, bp_compression compression,
                                    bp_sparse **out);
/* NEW compressed Hessian of a scalar. Both triangles are in the pattern and among the values.
 * BP_E_SHAPE  y is not a scalar     BP_E_ARG  the pattern given is not symmetric */
BP_API bp_status bp_sparse_hessian(bp_var y, bp_var x, const bp_sparse *pattern, bp_sparse **out);
BP_API void bp_sparse_free(bp_sparse *sparse);

/* ---- looking at one ---- */
BP_API int64_t bp_sparse_rows(const bp_sparse *sparse);
BP_API int64_t bp_sparse_columns(const bp_sparse *sparse);
BP_API int64_t bp_sparse_nonzeros(const bp_sparse *sparse);
/* VIEW the rows + 1 beginnings of rows, and the nonzeros columns. */
BP_API const int64_t *bp_sparse_row_start(const bp_sparse *sparse);
BP_API const int32_t *bp_sparse_column(const bp_sparse *sparse);
/* Derivative passes: the number of colours, or of passes of blocks; 0 without values, and for an empty pattern. */
BP_API int bp_sparse_colors(const bp_sparse *sparse);
/* VIEW the colour of each column (of each row when compressed by rows); NULL without values, and for blocks. */
BP_API const int32_t *bp_sparse_color(const bp_sparse *sparse);
/* How it was compressed: never BP_COMPRESS_AUTO when it has values. */
BP_API bp_compression bp_sparse_compression(const bp_sparse *sparse);

/* The values [nonzeros] in the order of the pattern; the null variable without. */
BP_API bp_var bp_sparse_values(const bp_sparse *sparse);
/* The matrix [rows, columns] with its zeros, as a variable. */
BP_API bp_var bp_sparse_dense(const bp_sparse *sparse);
/* The product with a vector [columns]: [rows]. */
BP_API bp_var bp_sparse_times(const bp_sparse *sparse, bp_var v);

#ifdef __cplusplus
}
#endif
#endif
