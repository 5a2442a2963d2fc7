/* autodiff/row_blocks.h - functions that pick elements of x into rows, and work row by row from there.
 *
 *     x  --(moved)-->  leaves [rows, ...]  --(row by row)-->  roots [rows, ...]  --(moved)-->  y
 *
 * Bundle adjustment gathers a camera and a point for each observation, and computes its errors from these. Such a Jacobian
 * is blocks of a row of roots by a row of leaves, all of which one pass for each column of a root (or of a leaf) computes;
 * where their elements stand in the matrix is known from what was moved. Leaves are as far down as the moves go: columns that
 * are cut out of what was gathered are leaves of their own, so no derivative has to be put back into a wider row.
 */
#ifndef BP_AUTODIFF_ROW_BLOCKS_H
#define BP_AUTODIFF_ROW_BLOCKS_H
#include "autodiff/pattern.h"
#include "autodiff/rules.h"
#include "base/arena.h"

typedef struct bp_row_leaf {
  bp_var v;
  int64_t size, first;   /* elements of a row; number of its first column among those of all leaves of the root */
  const int32_t *source; /* [rows, size]: the element of x, -1 a constant */
} bp_row_leaf;

typedef struct bp_row_root {
  bp_var v;
  int64_t rows, size; /* the batch counts as one row */
  uint8_t *wanted;    /* by column of a row: y takes it up */
  int64_t n_wanted;
  bp_row_leaf *leaves;
  size_t n_leaves;
  int64_t columns; /* of all leaves */
  bool forward;    /* the mode of bp_row_derivatives() */
} bp_row_root;

typedef struct bp_row_blocks {
  bp_arena arena;
  bp_row_root *roots; /* in the order in which y takes them up */
  size_t n_roots;
  int32_t *root, *element; /* by element of y: the root and its element; -1 a constant */
  double work;             /* of a row along one direction: multiply-adds, about */
  double up, down;         /* of a row in all of forward, of reverse mode */
  bool gathers;            /* rows are picked by number between x and y */
  struct bp_row_elements
      *elements; /* by root: what its elements depend on, once the pattern was found (sparse_rows.c) */
} bp_row_blocks;

/* NEW blocks of ∂y/∂x, in the mode with less work; *found is false when there are none (then there is nothing to release), or too many roots. */
bp_status bp_row_blocks_find(bp_var y, bp_var x, bp_row_blocks *out, bool *found);
void bp_row_blocks_release(bp_row_blocks *b);

/* One mode for all roots. */
void bp_row_mode(bp_row_blocks *b, bool forward);

/* Passes that the derivatives of all roots take. */
int64_t bp_row_passes(const bp_row_blocks *b);

/* The derivatives of a root. Reverse mode: [rows, leaf size] for each column of the root and each leaf, in this order; forward
 * mode: [rows, root->size] for each column of the leaves. Symbolic zeros where there is no dependence, or none wanted. */
size_t bp_row_parts(const bp_row_root *root);
bp_status bp_row_derivatives(const bp_row_root *root, bp_var *part);

/* Which columns of the leaves the elements of a root depend on: bit k of word[t] stands for column first + k, for element t of
 * [rows, size]. first is a multiple of 64. (sparsity.c) */
bp_status bp_row_dependences(const bp_row_root *root, int64_t first, uint64_t *word);

/* NEW pattern of ∂y/∂x, and the values [nonzeros] of such a pattern, or of one with more elements (sparse_rows.c). */
bp_status bp_row_pattern(bp_row_blocks *b, bp_var y, bp_var x, bp_pattern *out);
bp_status bp_row_values(bp_row_blocks *b, bp_var y, const bp_pattern *pattern, bp_var *values);

#endif
