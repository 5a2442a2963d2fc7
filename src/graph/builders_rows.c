/* builders_rows.c - operations on rows and classes by number, random numbers, and what programs store. Floor: graph. */
#include "base/philox.h"
#include "graph/builders.h"

/* Numbers are checked when they are given, so they must be given: an input or a constant. */
static bool index_ok(const char *op, bp_var index) {
  if (bp_dtype_of(index) != BP_I32 || bp_shape_of(index)->rank != 1) {
    char text[BP_SHAPE_TEXT];
    (void)bp_graph_fail(index.graph, BP_E_DTYPE, "%s: the numbers are %s%s, expected int32[rows]", op,
                        bp_dtype_name(bp_dtype_of(index)), bp_shape_text(bp_shape_of(index), text, sizeof text));
    return false;
  }
  if (bp_op_of(index) != BP_OP_input && bp_op_of(index) != BP_OP_constant) {
    (void)bp_graph_fail(index.graph, BP_E_ARG, "%s: the numbers must be an input or a constant, not the result of %s",
                        op, bp_op_table[bp_op_of(index)].name);
    return false;
  }
  return true;
}

bp_var bp_gather(bp_var table, bp_var index, bp_dtype dtype) {
  bp_var args[] = {table, index};
  if (!bp_args_ok("gather", 2, args) || !index_ok("gather", index)) return bp_zero_of(bp_graph_of(args, 2));
  if (!bp_dtype_is_real(dtype) && dtype != bp_dtype_of(table))
    return bp_graph_fail(table.graph, BP_E_DTYPE, "gather: result %s, expected float32, float64 or the table's %s",
                         bp_dtype_name(dtype), bp_dtype_name(bp_dtype_of(table)));
  bp_shape to = *bp_shape_of(table);
  if (to.rank == 0 || bp_shape_has_batch(&to))
    return bp_graph_fail(table.graph, BP_E_SHAPE, "gather: expected a table with a known number of rows");
  to.dims[0] = bp_shape_of(index)->dims[0];
  return bp_node_append(table.graph,
                        (bp_node){.op = BP_OP_gather, .dtype = (uint8_t)dtype, .arg = {table.id, index.id}}, &to);
}

bp_var bp_scatter_add(bp_var x, bp_var index, int64_t rows) {
  bp_var args[] = {x, index};
  if (!bp_args_ok("scatter_add", 2, args) || !index_ok("scatter_add", index) || !bp_real_args("scatter_add", 1, &x))
    return bp_zero_of(bp_graph_of(args, 2));
  bp_shape to = *bp_shape_of(x);
  if (rows < 0)
    return bp_graph_fail(x.graph, BP_E_SHAPE, "scatter_add: into %lld rows, expected 0 or more", (long long)rows);
  if (to.rank == 0 || to.dims[0] != bp_shape_of(index)->dims[0]) {
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    return bp_graph_fail(x.graph, BP_E_SHAPE,
                         "scatter_add: rows are %s, their numbers are %s; the leading sizes differ",
                         bp_shape_text(&to, a, sizeof a), bp_shape_text(bp_shape_of(index), b, sizeof b));
  }
  to.dims[0] = rows;
  bp_node node = {.op = BP_OP_scatter_add, .dtype = (uint8_t)bp_dtype_of(x), .arg = {x.id, index.id}};
  return bp_node_append(x.graph, node, &to);
}

bp_var bp_one_hot(bp_var index, int64_t classes, bp_dtype dtype) {
  if (!bp_args_ok("one_hot", 1, &index) || !index_ok("one_hot", index)) return bp_zero_of(index.graph);
  if (!bp_dtype_is_real(dtype) || classes < 1)
    return bp_graph_fail(index.graph, BP_E_ARG,
                         "one_hot: %lld classes of %s, expected at least 1 of float32 or float64", (long long)classes,
                         bp_dtype_name(dtype));
  bp_shape to = {.rank = 2, .dims = {bp_shape_of(index)->dims[0], classes}};
  return bp_node_append(index.graph, (bp_node){.op = BP_OP_one_hot, .dtype = (uint8_t)dtype, .arg = {index.id}}, &to);
}

bp_var(bp_softmax_cross_entropy)(bp_var logits, bp_var classes) {
  bp_var args[] = {logits, classes};
  if (!bp_args_ok("softmax_cross_entropy", 2, args) || !bp_real_args("softmax_cross_entropy", 1, args) ||
      !index_ok("softmax_cross_entropy", classes))
    return bp_zero_of(bp_graph_of(args, 2));
  const bp_shape *z = bp_shape_of(logits), *c = bp_shape_of(classes);
  if (z->rank != 2 || z->dims[0] != c->dims[0] || z->dims[1] < 1) {
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    return bp_graph_fail(logits.graph, BP_E_SHAPE,
                         "softmax_cross_entropy: logits are %s, classes are %s; expected [rows,classes] and [rows]",
                         bp_shape_text(z, a, sizeof a), bp_shape_text(c, b, sizeof b));
  }
  bp_node node = {
      .op = BP_OP_softmax_cross_entropy, .dtype = (uint8_t)bp_dtype_of(logits), .arg = {logits.id, classes.id}};
  return bp_node_append(logits.graph, node, c);
}

bp_var bp_uniform(bp_var step, uint64_t seed, uint32_t stream, bp_dtype dtype, int rank, const int64_t *dims) {
  if (!bp_args_ok("uniform", 1, &step)) return bp_zero_of(step.graph);
  if (bp_dtype_of(step) != BP_F64 || bp_shape_of(step)->rank != 0) {
    char text[BP_SHAPE_TEXT];
    return bp_graph_fail(step.graph, BP_E_DTYPE, "uniform: the step is %s%s, expected a float64 of rank 0",
                         bp_dtype_name(bp_dtype_of(step)), bp_shape_text(bp_shape_of(step), text, sizeof text));
  }
  if (!bp_dtype_is_real(dtype) || rank < 0 || rank > BP_MAX_RANK)
    return bp_graph_fail(step.graph, BP_E_ARG, "uniform: %s of rank %d, expected float32 or float64 of rank 0 to %d",
                         bp_dtype_name(dtype), rank, BP_MAX_RANK);
  bp_shape to = bp_shape_make(rank, dims);
  if (step.graph->values != NULL && bp_shape_has_batch(&to))
    return bp_graph_fail(step.graph, BP_E_SHAPE, "uniform: an eager graph has no batch");
  uint64_t key = bp_random_bits(seed, BP_PURPOSE_STREAM, stream, 0);
  bp_node node = {.op = BP_OP_uniform, .dtype = (uint8_t)dtype, .arg = {step.id}, .attr.bits = key};
  return bp_node_append(step.graph, node, &to);
}

bp_var bp_assign(bp_var state, bp_var value) {
  bp_var args[] = {state, value};
  if (!bp_args_ok("assign", 2, args)) return bp_zero_of(bp_graph_of(args, 2));
  if (bp_op_of(state) != BP_OP_input)
    return bp_graph_fail(state.graph, BP_E_ARG, "assign: the state must be an input, not the result of %s",
                         bp_op_table[bp_op_of(state)].name);
  if (bp_dtype_of(state) != bp_dtype_of(value) || !bp_shape_equal(bp_shape_of(state), bp_shape_of(value))) {
    char a[BP_SHAPE_TEXT], b[BP_SHAPE_TEXT];
    return bp_graph_fail(state.graph, BP_E_SHAPE, "assign: the state is %s%s, the value is %s%s",
                         bp_dtype_name(bp_dtype_of(state)), bp_shape_text(bp_shape_of(state), a, sizeof a),
                         bp_dtype_name(bp_dtype_of(value)), bp_shape_text(bp_shape_of(value), b, sizeof b));
  }
  bp_node node = {.op = BP_OP_assign, .dtype = (uint8_t)bp_dtype_of(state), .arg = {state.id, value.id}};
  return bp_node_append(state.graph, node, bp_shape_of(state));
}
