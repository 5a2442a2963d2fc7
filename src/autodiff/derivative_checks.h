/* autodiff/derivative_checks.h - what the transforms of a graph check before and after. */
#ifndef BP_AUTODIFF_DERIVATIVE_CHECKS_H
#define BP_AUTODIFF_DERIVATIVE_CHECKS_H
#include "graph/node.h"

/* Records a failure on the graph, as builders do but without a place, and gives its status back. */
#define BP_REFUSE(g, code, ...) (bp_place_forget(g), (void)bp_graph_fail((g), (code), __VA_ARGS__), (code))

/* BP_E_GRAPH, BP_E_ARG, BP_E_DTYPE unless y and each x[j] are float variables of one graph without an error. */
bp_status bp_check_derivative(const char *what, bp_var y, const bp_var *x, size_t n_x);
/* BP_E_ARG when something was built from what x is of instead of from x: see graph/builders_roots.c. */
bp_status bp_check_wrt(const char *what, const bp_var *x, size_t n_x);
/* BP_E_SHAPE when a variable has the batch among its sizes. */
bp_status bp_check_sizes(const char *what, const char *name, bp_var v);
/* BP_OK, or the error that building has recorded. */
bp_status bp_graph_result(const bp_graph *g);

#endif
