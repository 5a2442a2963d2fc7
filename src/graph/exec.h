/* graph/exec.h - computing one node from the values of its arguments, for any range of the rows of its result.
 *
 * Evaluation (eval.c) runs whole nodes, programs run row blocks; both through these functions, so they agree to the bit.
 */
#ifndef BP_GRAPH_EXEC_H
#define BP_GRAPH_EXEC_H
#include "graph/node.h"

typedef struct bp_exec {
  const bp_kernels *kernels;
  bp_node node;
  bp_shape shape;       /* of the result, and of the arguments; the batch resolved */
  bp_shape arg_shape[3];
  bp_dtype arg_dtype[3];
  void *out;            /* dense, whole: rows are found inside */
  const void *arg[3];
  void *scratch;        /* bp_exec_scratch() bytes, 64-byte aligned */
} bp_exec;

/* Computes rows row0 .. row1 - 1 of the result (its leading axis; rank 0 has one row). */
void bp_exec_rows(const bp_exec *e, int64_t row0, int64_t row1);
/* Bytes of scratch for at most `rows` rows; shapes as in bp_exec. */
size_t bp_exec_scratch(const bp_node *node, const bp_shape *shape, const bp_shape *arg_shape, int64_t rows);

/* The argument of a node that holds row or class numbers, -1 if none; and the number they must stay below. */
int bp_index_arg(bp_op op);
int64_t bp_index_limit(const bp_node *node, const bp_shape *shape, const bp_shape *arg_shape);
/* BP_E_DATA, naming position and value, when an index is outside 0 .. limit - 1. */
bp_status bp_index_check(bp_context *ctx, bp_op op, const int32_t *index, int64_t n, int64_t limit);

#endif
