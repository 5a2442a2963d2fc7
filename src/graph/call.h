/* graph/call.h - inside branches and loops: a call node holds graphs of its own, and its results are nodes behind it.
 *
 * The value of a call is one block of bytes with all results in it; the nodes right behind the call, one for each result in order,
 * give them shapes.
 *   branch  arguments: predicate, args                            results: those of the branches
 *   loop    arguments: init, constants, x, count when `counted`   results: final state, stacked y, number of trips (float64)
 */
#ifndef BP_GRAPH_CALL_H
#define BP_GRAPH_CALL_H
#include "graph/node.h"

/* A graph used as a function. Owned by the graph that it was made for. */
typedef struct bp_function {
  bp_graph *graph; /* NULL: none */
  bp_var *inputs, *outputs;
  size_t n_inputs, n_outputs;
} bp_function;

typedef struct bp_result_type {
  bp_shape shape;
  bp_dtype dtype;
} bp_result_type;

/* What running a call needs to know: numbers only, so that a program can keep a copy. */
typedef struct bp_call_layout {
  bool is_loop, has_condition;
  bool reverse;      /* loop: t runs down */
  bool counted;      /* loop: the number of iterations is the last argument */
  bp_dtype decision; /* element type of the predicate or of the condition */
  size_t n_state, n_constants, n_x, n_y, n_args, n_results;
  int64_t length;    /* loop: iterations, or the most there may be */
  size_t *in_bytes;  /* by input of the body */
  size_t *out_bytes; /* by output of the body */
  size_t *offset;    /* by result: where it begins in the block */
  size_t n_in, n_out;
  size_t bytes; /* of the block */
} bp_call_layout;

/* What the attribute of a call node points to: immutable, in the arena of a graph that lives as long as the node. */
typedef struct bp_call_info {
  bp_function body; /* loop: state, constants, x → next state, y; branch: args → results, when the predicate is not 0 */
  bp_function other; /* loop: state, constants → condition, or none; branch: when the predicate is 0 */
  bp_result_type *results;
  bp_call_layout l;
} bp_call_info;

static inline const bp_call_info *bp_call_info_of(const bp_node *node) { return node->attr.data; }

/* NEW empty graph for a function, owned by `outer`; NULL when memory is out (recorded on outer). */
bp_graph *bp_function_graph(bp_graph *outer);
/* Memory for n variables in the arena of `graph`. */
bp_var *bp_vars_alloc(bp_graph *graph, size_t n);

/* Fills the counts and result types of a loop from its functions; false when an error was recorded. */
bool bp_loop_complete(bp_graph *graph, bp_call_info *info);
/* Appends a call and its result nodes; info is completed with offsets and copied. args in the order above. */
void bp_call_append(bp_graph *graph, bp_call_info *info, const bp_var *args, bp_var *results);

/* Copies into `to` what outputs[n_outputs] of a function need, with values[i] in the place of its i-th input. */
void bp_inline(bp_graph *to, const bp_function *from, const bp_var *values, bp_var *results);

/* ---- running ---- */
/* Runs a function once: inputs and outputs are dense arrays; `which` 0 is body, 1 is other. */
typedef bp_status (*bp_function_run)(void *user, int which, const void *const *inputs, void *const *outputs);
/* Bytes of scratch that bp_call_execute needs; 64-byte aligned. */
size_t bp_call_scratch(const bp_call_layout *l);
/* Computes the block of a call from its arguments. BP_E_LIMIT when a loop goes on beyond its bound. */
bp_status bp_call_execute(bp_context *ctx, const bp_call_layout *l, const void *const *args, void *block, void *scratch,
                          bp_function_run run, void *user);

#endif
