/* backprop/graph.h - graphs of operations, and the variables in them.
 *
 * A graph is a flat list of nodes in the order in which they were appended; each computes one array from arrays
 * before it. Networks, losses, gradients and optimiser steps are all nodes of one graph: derivatives (autodiff.h) append
 * nodes, and a program (program.h) is compiled from them.
 *
 * Errors while building are sticky: the first one keeps its message (operation, shapes, and the file and line of the
 * caller), later builders do nothing and give back the null variable, and bp_compile(), bp_eval() and bp_graph_status()
 * report it (as BP_E_GRAPH, but BP_E_NOMEM when it was memory that lacked). So an expression can be written as nested calls and checked once.
 *
 * That holds for every function that gives variables, of whatever header, as its result or through a pointer or an array: after
 * any failure (out of memory too) the graph holds an error, each result is the null variable {graph, 0} of that graph, and a
 * status, where there is one, is only the earlier news of it. An object with variables in it (sparse.h, trace.h) is then NULL, and
 * holds nothing. The graph is that of the first argument that has one: a variable that was never set, {NULL, 0}, is a mistake
 * recorded on the graph of the others. Where none has a graph, results are {NULL, 0}; a NULL graph gives that too.
 * Results are written last, so their array may be that of an argument (the same place, no shifted part).
 *
 * A graph belongs to one thread at a time. Everything in it is freed at once by bp_graph_free().
 */
#ifndef BACKPROP_GRAPH_H
#define BACKPROP_GRAPH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backprop/context.h"
#include "backprop/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_graph bp_graph;

/* A node of a graph: a value type, copied freely. id 0 is the symbolic zero: the derivative of what does not depend on
 * the variable asked for; work on it disappears. */
typedef struct bp_var {
  bp_graph *graph;
  uint32_t id;
} bp_var;

/* The one symbolic size: allowed as the leading size only, known when a program runs. */
#define BP_BATCH (-INT64_C(1))

/* NEW empty graph. The context must outlive it.
 * BP_E_NOMEM  the allocator returned NULL */
BP_API bp_status bp_graph_new(bp_context *context, bp_graph **out);
BP_API void bp_graph_free(bp_graph *graph);

/* BP_OK, or the first error that was recorded while building; its message is then also in the context. BP_E_ARG for NULL. */
BP_API bp_status bp_graph_status(const bp_graph *graph);
/* VIEW the message of that error, "" if there is none. */
BP_API const char *bp_graph_message(const bp_graph *graph);
BP_API bp_context *bp_graph_context(const bp_graph *graph);
/* Nodes so far, the symbolic zero included. */
BP_API size_t bp_graph_size(const bp_graph *graph);

/* ---- leaves ---- */
/* A variable whose value is given when the graph is evaluated or a program runs; parameters and optimiser state are
 * inputs that bp_assign() updates. `name` (BORROW, may be NULL) is for people: printing, traces, messages. */
BP_API bp_var bp_input(bp_graph *graph, const char *name, bp_dtype dtype, int rank, const int64_t *dims);
/* A constant array; the data (dense, row-major, BORROW) is copied. No size may be BP_BATCH. */
BP_API bp_var bp_constant(bp_graph *graph, bp_dtype dtype, int rank, const int64_t *dims, const void *data);
/* A constant of rank 0. */
BP_API bp_var bp_scalar(bp_graph *graph, bp_dtype dtype, double value);

/* ---- eager graphs ---- */
/* NEW graph in which every node's value is computed as it is appended: so C code may branch and loop on values (bp_item) while it
 * builds, and derivatives are those of the path taken. Derivative functions work as in any graph, and their results have values at
 * once. Shapes have no BP_BATCH. To take another path, rewind and record again. */
BP_API bp_status bp_graph_new_eager(bp_context *context, bp_graph **out);
/* An input with a value, for eager graphs; data (dense, row-major, BORROW) is copied.
 * BP_E_ARG  the graph is not eager */
BP_API bp_var bp_variable(bp_graph *graph, const char *name, bp_dtype dtype, int rank, const int64_t *dims,
                          const void *data);
/* The value of a variable of rank 0, or of its only element, as a double. NaN, with BP_E_ARG recorded on the graph, when it has more
 * elements or the graph is not eager; NaN when the graph holds an error. */
BP_API double bp_item(bp_var var);
/* VIEW the value of a variable of an eager graph, dense and row-major, until the next node is appended; NULL when there is none. */
BP_API const void *bp_values(bp_var var);
/* Takes an eager graph back to the size that bp_graph_size() had: later nodes, and the memory of their values, are gone. An error
 * recorded since is gone too. What constants, branches, loops, custom operations, names and messages keep beside their nodes stays
 * until the graph is freed: a recording that repeats those without end had better begin a new graph now and then. */
BP_API void bp_graph_rewind(bp_graph *graph, size_t size);

/* ---- looking at a variable ---- */
BP_API bp_dtype bp_var_dtype(bp_var var);
BP_API int bp_var_rank(bp_var var);
/* Size along an axis (0 .. rank - 1; negative counts from the end); BP_BATCH for the symbolic one. 0 if out of range. */
BP_API int64_t bp_var_dim(bp_var var, int axis);
/* VIEW the name given, "" if none. */
BP_API const char *bp_var_name(bp_var var);
/* Gives a node a name for people. */
BP_API void bp_var_set_name(bp_var var, const char *name);
/* VIEW the operation that computes it: "matmul". */
BP_API const char *bp_var_op(bp_var var);
/* True for the symbolic zero (and the null variable). The others here take any variable: what is none has rank 0 and no name. */
BP_API bool bp_var_is_zero(bp_var var);
/* Writes "[batch,128]" into text[size]; returns text. */
BP_API const char *bp_var_shape_text(bp_var var, char *text, size_t size);

/* Computes outputs[i] into values[i] (dense, row-major; the caller's storage) by plain evaluation, node by node, without
 * compiling: the reference for bp_run(), and handy for a single use. inputs[i] is read from input_values[i]; batch is what
 * BP_BATCH stands for (0 or more; ignored when no input has it).
 * BP_E_GRAPH  the graph holds an error     BP_E_ARG   an output is no variable of it, or the null variable
 * BP_E_INPUT  an input was not given       BP_E_DATA  a row or class number out of range     BP_E_NOMEM */
BP_API bp_status bp_eval(const bp_var *outputs, size_t n_outputs, const bp_var *inputs, size_t n_inputs, int64_t batch,
                         const void *const *input_values, void *const *values);

/* NEW text of the nodes that `outputs` need, one line each (`%7 = tanh(%6) : float32[batch,128]`); the symbolic zero needs none.
 * Release with bp_string_free().
 * BP_E_GRAPH  the graph holds an error     BP_E_ARG  no outputs, or one that is no variable of the graph     BP_E_NOMEM */
BP_API bp_status bp_graph_print(const bp_var *outputs, size_t n_outputs, char **out);
/* NEW the same as a Graphviz drawing. */
BP_API bp_status bp_graph_dot(const bp_var *outputs, size_t n_outputs, char **out);
BP_API void bp_string_free(bp_context *context, char *string);

#ifdef __cplusplus
}
#endif
#endif
