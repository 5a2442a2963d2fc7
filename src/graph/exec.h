/* graph/exec.h - computing one node from the values of its arguments, for any range of the rows of its result.
 *
 * Evaluation (eval.c) runs whole nodes, programs run row blocks; both through these functions, so they agree to the bit.
 */
#ifndef BP_GRAPH_EXEC_H
#define BP_GRAPH_EXEC_H
#include <stdatomic.h>

#include "graph/node.h"

typedef struct bp_exec_arg {
  const void *data; /* dense, whole: rows are found inside */
  bp_shape shape;   /* the batch resolved */
  bp_dtype dtype;
} bp_exec_arg;

typedef struct bp_exec {
  const bp_kernels *kernels;
  bp_node node;
  bp_shape shape; /* of the result, the batch resolved */
  void *out;      /* dense, whole */
  const bp_exec_arg *arg;
  int arity;
  void *scratch;            /* bp_exec_scratch() bytes, 64-byte aligned */
  int32_t number;           /* of the node or instruction, for failure */
  _Atomic int64_t *failure; /* 0; set by the first operation of the user that fails: number << 8 | status */
} bp_exec;

static inline bp_status bp_failure_status(int64_t failure) { return (bp_status)(failure & 0xff); }
static inline int32_t bp_failure_number(int64_t failure) { return (int32_t)(failure >> 8); }

/* Computes rows row0 .. row1 - 1 of the result (its leading axis; rank 0 has one row). */
void bp_exec_rows(const bp_exec *e, int64_t row0, int64_t row1);
/* Bytes of scratch for at most `rows` rows; reads the node, the shapes and the element types of e only. */
size_t bp_exec_scratch(const bp_exec *e, int64_t rows);

/* BP_OK, or the failure that an operation of the user reported, with its name in the message. */
bp_status bp_failure_result(bp_context *ctx, int64_t failure, const bp_node *node);

/* Computes a whole node of a graph into `out`, whatever it is (not an input or an assignment); args as in bp_exec. Allocates
 * what it needs meanwhile. */
bp_status bp_node_compute(bp_graph *g, size_t id, int64_t batch, const bp_exec_arg *args, void *out);

/* The argument of a node that holds row or class numbers, -1 if none; and the number they must stay below, from the shapes
 * of the node and of its first argument. */
int bp_index_arg(bp_op op);
int64_t bp_index_limit(bp_op op, const bp_shape *shape, const bp_shape *first);
/* BP_E_DATA, naming position and value, when an index is outside 0 .. limit - 1. */
bp_status bp_index_check(bp_context *ctx, bp_op op, const int32_t *index, int64_t n, int64_t limit);

#endif
