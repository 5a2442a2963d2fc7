/* graph/builders.h - checks that the builders share. */
#ifndef BP_GRAPH_BUILDERS_H
#define BP_GRAPH_BUILDERS_H
#include "graph/node.h"

/* Whether the arguments are float32 or float64, and all the same; an error is recorded if not. */
bool bp_real_args(const char *op, int n, const bp_var *args);
/* The axis counted from the front; -1 with an error when x has no such axis. */
int bp_axis_of(const char *op, bp_var x, int axis);
/* The shape without the axes in the mask. */
bp_shape bp_shape_reduced(const bp_shape *from, unsigned axes);
/* A node of one argument and its element type. */
bp_var bp_append1(bp_op op, bp_var x, const bp_shape *shape, int axis, uint64_t bits);

/* ---- roots that are undone when they are built (builders_roots.c); the null variable where there is nothing to undo ---- */
bp_var bp_square_of_root(bp_var x); /* |x|², ‖x‖² */
bp_var bp_root_of_square(bp_var x); /* √x², √Σx² */
/* ‖x‖ ‖x‖, for b that bp_is_root() or is a */
bp_var bp_product_of_roots(bp_var a, bp_var b);
bp_var bp_power_of_root(bp_var x, bp_var exponent);       /* ‖x‖⁴ */
bp_var bp_even_of_root(bp_var x, bp_var (*even)(bp_var)); /* cos |x| */

#endif
