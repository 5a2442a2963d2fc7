/* graph/custom_node.h - what a custom node points to. */
#ifndef BP_GRAPH_CUSTOM_NODE_H
#define BP_GRAPH_CUSTOM_NODE_H
#include "backprop/custom.h"
#include "graph/node.h"

typedef struct bp_custom_info {
  bp_custom_op op; /* its name copied */
  size_t n_x;
  size_t of; /* custom_vjp: the x that its result is the cotangent of; its arguments are x, y, y_bar */
} bp_custom_info;

static inline const bp_custom_info *bp_custom_info_of(const bp_node *node) { return node->attr.data; }

/* Whether rows of a custom or custom_vjp node need only the same rows of argument a. */
bool bp_custom_by_rows(const bp_node *node, int a);
/* Whether that is so for any argument, so that rows can be cut at all. */
bool bp_custom_has_rows(const bp_node *node);
/* A copy of the info in another arena; NULL when memory is out. */
const bp_custom_info *bp_custom_copy(bp_arena *arena, const bp_custom_info *info);
/* The node that computes the cotangent of x[i] by vjp_eval. */
bp_var bp_custom_vjp_node(bp_var y, size_t i, bp_var y_bar);

#endif
