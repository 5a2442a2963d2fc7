/* builders.c - checks that the builders share. Floor: graph. */
#include "graph/builders.h"

bool bp_real_args(const char *op, int n, const bp_var *args) {
  for (int i = 0; i < n; i++) {
    if (!bp_dtype_is_real(bp_dtype_of(args[i]))) {
      (void)bp_graph_fail(args[0].graph, BP_E_DTYPE, "%s: argument %d is %s, expected float32 or float64", op, i + 1,
                          bp_dtype_name(bp_dtype_of(args[i])));
      return false;
    }
    if (bp_dtype_of(args[i]) != bp_dtype_of(args[0])) {
      (void)bp_graph_fail(args[0].graph, BP_E_DTYPE, "%s: argument 1 is %s, argument %d is %s; bp_cast one of them", op,
                          bp_dtype_name(bp_dtype_of(args[0])), i + 1, bp_dtype_name(bp_dtype_of(args[i])));
      return false;
    }
  }
  return true;
}

int bp_axis_of(const char *op, bp_var x, int axis) {
  int rank = bp_shape_of(x)->rank, at = axis < 0 ? axis + rank : axis;
  if (at >= 0 && at < rank) return at;
  char text[BP_SHAPE_TEXT];
  (void)bp_graph_fail(x.graph, BP_E_ARG, "%s: %s has no axis %d", op, bp_shape_text(bp_shape_of(x), text, sizeof text),
                      axis);
  return -1;
}

bp_var bp_append1(bp_op op, bp_var x, const bp_shape *shape, int axis, uint64_t bits) {
  bp_node node = {
      .op = (uint16_t)op, .dtype = (uint8_t)bp_dtype_of(x), .axis = (uint8_t)axis, .arg = {x.id}, .attr.bits = bits};
  return bp_node_append(x.graph, node, shape);
}
