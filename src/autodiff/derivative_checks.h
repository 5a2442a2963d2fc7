/* autodiff/derivative_checks.h - what the transforms of a graph check before and after. */
#ifndef BP_AUTODIFF_DERIVATIVE_CHECKS_H
#define BP_AUTODIFF_DERIVATIVE_CHECKS_H
#include "graph/node.h"

/* Records a failure on the graph, as builders do but without a place, and gives its status back. */
#define BP_REFUSE(g, code, ...) (bp_place_forget(g), (void)bp_graph_fail((g), (code), __VA_ARGS__), (code))

/* Every function that gives variables through an array, or an object with variables in it, begins and ends with these two: so
 * that after any failure the graph holds an error, and each result is a null variable of that graph. Results are written, or
 * made null, at the end; so their array may be that of an argument.
 *
 *   bp_delivery d = bp_deliver(bp_graph_of_two(&y, 1, x, n_x), out, n_x);
 *   return d.status == BP_OK ? bp_delivered(&d, work(d.graph, y, x, n_x, out)) : d.status;
 */
typedef struct bp_delivery {
  bp_graph *graph;
  bp_var *out;
  size_t n;
  bp_status status; /* BP_E_ARG: no graph; BP_E_GRAPH: it held an error before. The results are null variables then */
} bp_delivery;
bp_delivery bp_deliver(bp_graph *graph, bp_var *out, size_t n);
/* The status of the work: of what was recorded meanwhile, where that is the cause. */
bp_status bp_delivered(const bp_delivery *d, bp_status status);

/* BP_E_ARG, BP_E_DTYPE unless y and each x[j] are float variables of g. */
bp_status bp_check_derivative(bp_graph *g, const char *what, bp_var y, const bp_var *x, size_t n_x);
/* BP_E_ARG unless each is a variable of g or the symbolic zero: before anything is appended, for then a number that is no
 * variable's yet may become one. */
bp_status bp_check_known(bp_graph *g, const char *what, const bp_var *v, size_t n);
/* BP_E_ARG when something was built from what x is of instead of from x: see graph/builders_roots.c. */
bp_status bp_check_wrt(const char *what, const bp_var *x, size_t n_x);
/* BP_E_SHAPE when a variable has the batch among its sizes. */
bp_status bp_check_sizes(const char *what, const char *name, bp_var v);
/* BP_OK, or the error that building has recorded. */
bp_status bp_graph_result(const bp_graph *g);

#endif
