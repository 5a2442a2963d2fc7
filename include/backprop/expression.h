/* backprop/expression.h - formulas as text: what `backprop diff` and `backprop train --loss` take.
 *
 *   numbers      1  -1.5  1e-3  .5          vectors, matrices   [1, 2]  [[1, 2], [3, 4]]  [x, 2*x]
 *   names        letters, digits and _; what the caller gave, bindings, and pi, e, inf, nan
 *   indices      x[0]  W[0, 1]  W[0]  x[1:3]  W[:, 1]     from zero; an end is not included; never negative
 *   operators, the tightest first; all but ^ group from the left:
 *                x'  x[i]    transpose (a vector is its own), elements
 *                ^           power, from the right: 2^3^2 = 2^9; tighter than a sign before it: -2^2 = -4
 *                -x  +x
 *                * / @       elementwise with broadcasting; @ is the matrix product
 *                + -
 *                < <= > >= == !=   1 or 0; no chains
 *   calls        the table of bp_expression_function_at()
 *   bindings     a = x*y; b = x + y; a/b     the last part is the value
 *
 * A vector in a product @ is a row or a column as is needed; vector @ vector is their dot product.
 *
 * A leading BP_BATCH is not seen by the language: an expression speaks of one row, so with y and p of [batch, 3], sum((y - p)^2)
 * has the shape [batch], and p[0] too.
 */
#ifndef BACKPROP_EXPRESSION_H
#define BACKPROP_EXPRESSION_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits: bytes of text, how deep brackets, calls, signs and powers may nest, names and bindings together, and elements
 * (of a row) of any array in an expression. */
#define BP_EXPRESSION_TEXT_MAX     65536
#define BP_EXPRESSION_DEPTH_MAX    100
#define BP_EXPRESSION_NAMES_MAX    1024
#define BP_EXPRESSION_ELEMENTS_MAX (INT64_C(1) << 24)

/* A name that stands for a variable of the graph. A variable of another element type is cast. */
typedef struct bp_expression_name {
  const char *name;
  bp_var var;
  bool used; /* set by bp_expression_parse(): the expression uses it */
} bp_expression_name;

/* Appends the nodes of an expression to the graph. `dtype` (F32 or F64) is the element type of its numbers and of the
 * result. names[n_names] and text BORROW. Bindings become names of their variables.
 * Failures are recorded on the graph, as builders do, and returned too; *out is then its null variable, and a message tells the
 * character, counted from 1:
 * "column 14: unknown function 'sigmod'; did you mean sigmoid?"
 * BP_E_ARG    the text is no expression, an unknown name, a name that is not allowed or given twice
 * BP_E_SHAPE  shapes do not fit      BP_E_DTYPE  dtype is neither F32 nor F64
 * BP_E_LIMIT  a limit above          BP_E_GRAPH  the graph held an error before */
BP_API bp_status bp_expression_parse(bp_graph *graph, bp_dtype dtype, const char *text, bp_expression_name *names,
                                     size_t n_names, bp_var *out);

/* One function of the language; all texts are VIEWs that last for ever. */
typedef struct bp_expression_function {
  const char *name;      /* "sum" */
  const char *arguments; /* "x [, axis]" */
  const char *help;      /* "sum of all elements, or along an axis" */
} bp_expression_function;
/* The i-th function, in the order of their names; false when there are no more. */
BP_API bool bp_expression_function_at(size_t i, bp_expression_function *out);

#ifdef __cplusplus
}
#endif
#endif
