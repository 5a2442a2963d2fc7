/* exec.c - one function per operation that is not elementwise, over a range of output rows; and what is asked about them
 * before they run. Floor: graph.
 */
#include "graph/exec.h"

#include <inttypes.h>

#include "base/fail.h"
#include "graph/custom_node.h"
#include "graph/exec_table.h"

static void exec_elementwise(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape), begin = row0 * row;
  const bp_op_info *info = &bp_op_table[e->node.op];
  const void *in[3] = {NULL, NULL, NULL};
  for (int i = 0; i < info->arity; i++) in[i] = at_const(e->arg[i].data, t, begin);
  e->kernels->ew[real_of(t)][info->kernel](at(e->out, t, begin), in, (row1 - row0) * row);
}

static const bp_exec_fn exec_table[BP_OP_COUNT] = {
    [BP_OP_axis_size] = bp_exec_axis_size,
    [BP_OP_matmul] = bp_exec_matmul,
    [BP_OP_sum] = bp_exec_sum,
    [BP_OP_reduce_max] = bp_exec_reduce_max,
    [BP_OP_reduce_min] = bp_exec_reduce_min,
    [BP_OP_broadcast] = bp_exec_broadcast,
    [BP_OP_reshape] = bp_exec_reshape,
    [BP_OP_transpose] = bp_exec_transpose,
    [BP_OP_cast] = bp_exec_cast,
    [BP_OP_gather] = bp_exec_gather,
    [BP_OP_scatter_add] = bp_exec_scatter_add,
    [BP_OP_logsumexp] = bp_exec_logsumexp,
    [BP_OP_softmax_cross_entropy] = bp_exec_softmax_cross_entropy,
    [BP_OP_one_hot] = bp_exec_one_hot,
    [BP_OP_argmax] = bp_exec_argmax,
    [BP_OP_uniform] = bp_exec_uniform,
    [BP_OP_slice] = bp_exec_slice,
    [BP_OP_place] = bp_exec_place,
    [BP_OP_triangle] = bp_exec_triangle,
    [BP_OP_concat] = bp_exec_concat,
    [BP_OP_assemble] = bp_exec_assemble,
    [BP_OP_cumsum] = bp_exec_cumsum,
    [BP_OP_norm] = bp_exec_norm,
    [BP_OP_matmul_stack] = bp_exec_matmul_stack,
    [BP_OP_cholesky] = bp_exec_cholesky,
    [BP_OP_solve_triangular] = bp_exec_solve_triangular,
    [BP_OP_solve] = bp_exec_solve,
    [BP_OP_logdet] = bp_exec_logdet,
    [BP_OP_result] = bp_exec_result,
    [BP_OP_custom] = bp_exec_custom,
    [BP_OP_custom_vjp] = bp_exec_custom_vjp,
};

void bp_exec_rows(const bp_exec *e, int64_t row0, int64_t row1) {
  if (row1 <= row0) return;
  bp_exec_fn fn = bp_op_table[e->node.op].kernel != BP_EW_NONE ? exec_elementwise : exec_table[e->node.op];
  if (fn != NULL) fn(e, row0, row1);
}

size_t bp_exec_scratch(const bp_exec *e, int64_t rows) {
  switch (e->node.op) {
  case BP_OP_matmul:
  case BP_OP_matmul_stack:
  case BP_OP_solve:
  case BP_OP_logdet: return bp_matrix_scratch(e, rows);
  case BP_OP_softmax_cross_entropy: return bp_softmax_scratch(e, rows);
  case BP_OP_custom:
  case BP_OP_custom_vjp: return (size_t)e->arity * sizeof(bp_buffer);
  default: return 0;
  }
}

bp_status bp_failure_result(bp_context *ctx, int64_t failure, const bp_node *node) {
  bp_status status = bp_failure_status(failure);
  if (status == BP_OK) return BP_OK;
  return bp_fail(ctx, status, "custom '%s' failed: %s", bp_custom_info_of(node)->op.name, bp_status_text(status));
}

/* ---- row and class numbers ---- */
int bp_index_arg(bp_op op) {
  switch (op) {
  case BP_OP_gather:
  case BP_OP_scatter_add:
  case BP_OP_softmax_cross_entropy: return 1;
  case BP_OP_one_hot: return 0;
  default: return -1;
  }
}

int64_t bp_index_limit(bp_op op, const bp_shape *shape, const bp_shape *first) {
  switch (op) {
  case BP_OP_gather: return first->dims[0];
  case BP_OP_scatter_add: return shape->dims[0];
  case BP_OP_softmax_cross_entropy: return first->dims[1];
  default: return shape->dims[1];
  }
}

bp_status bp_index_check(bp_context *ctx, bp_op op, const int32_t *index, int64_t n, int64_t limit) {
  for (int64_t i = 0; i < n; i++)
    if (index[i] < 0 || index[i] >= limit)
      return bp_fail(ctx, BP_E_DATA, "%s: number %" PRId32 " at row %" PRId64 ", expected 0 to %" PRId64,
                     bp_op_table[op].name, index[i], i, limit - 1);
  return BP_OK;
}
