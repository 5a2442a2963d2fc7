/* backprop/custom.h - operations of your own: C code on arrays as a node of a graph.
 *
 *   static bp_status cube(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
 *     const double *in = x[0].data;
 *     double *out = y->data;
 *     for (int64_t i = 0; i < y->elements; i++) out[i] = in[i] * in[i] * in[i];
 *     return BP_OK;
 *   }
 *   static bp_var cube_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
 *     return bp_mul(y_bar, bp_mul(bp_scalar(y.graph, BP_F64, 3), bp_square(x[0])));
 *   }
 *   bp_custom_op op = {.size = sizeof op, .name = "cube", .dtype = BP_F64, .rank = 1, .dims = {100},
 *                      .eval = cube, .vjp = cube_vjp};
 *   bp_var y = bp_custom(graph, &op, &x, 1);
 *
 * A derivative is graph code of your own, so derivatives of any order follow; from a VJP alone the library derives the
 * JVP, and the other way round. Where the derivative too exists only as C code, vjp_eval gives first derivatives in
 * reverse mode. An operation without any of these can be evaluated but not differentiated.
 */
#ifndef BACKPROP_CUSTOM_H
#define BACKPROP_CUSTOM_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An array during a call: dense, row-major, the batch resolved. */
typedef struct bp_buffer {
  void *data; /* aligned for its element type at least */
  bp_dtype dtype;
  int rank;
  int64_t dims[BP_MAX_RANK];
  int64_t elements;
} bp_buffer;

/* Computes y from x[0 .. n_x - 1], which it must not write to. A result other than BP_OK ends bp_eval() or bp_run() with that
 * status; outputs and states are then undefined. */
typedef bp_status (*bp_op_eval_fn)(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y);
/* J_iᵀ y_bar: the cotangent of x[i], in the shape and element type of x[i], as nodes of the graph; or the symbolic zero,
 * (bp_var){y.graph, 0}. */
typedef bp_var (*bp_op_vjp_fn)(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar);
/* J_i x_dot: what a change x_dot of x[i] alone does to y; or the symbolic zero. */
typedef bp_var (*bp_op_jvp_fn)(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var x_dot);
/* The same as the VJP, as numbers: writes x_bar, which has the shape of x[i]. */
typedef bp_status (*bp_op_vjp_eval_fn)(void *user, const bp_buffer *x, size_t n_x, size_t i, const bp_buffer *y,
                                       const bp_buffer *y_bar, const bp_buffer *x_bar);

typedef struct bp_custom_op {
  size_t size;      /* sizeof(bp_custom_op): lets later versions add fields */
  const char *name; /* copied; for messages and printing */
  void *user;       /* handed to the callbacks; must outlive the graph and the programs compiled from it */
  bp_dtype dtype;   /* of the result: F32 or F64, and its shape; a leading BP_BATCH is allowed */
  int rank;
  int64_t dims[BP_MAX_RANK];
  /* Bit i: row r of the result needs only row r of x[i] (both have the same leading size); x[i] for the bits that are 0 is
   * needed whole. With any bit set, eval may be called for blocks of rows, dims[0] of these arrays being the rows of
   * the block; with none, once for everything. */
  uint64_t row_args;
  bp_op_eval_fn eval;
  bp_op_jvp_fn jvp;           /* NULL: derived from vjp */
  bp_op_vjp_fn vjp;           /* NULL: derived from jvp, else vjp_eval is used */
  bp_op_vjp_eval_fn vjp_eval; /* may be NULL */
} bp_custom_op;

/* Appends the node; op and x BORROW. The callbacks must be pure functions of their arguments (a program computes equal
 * nodes once), and reentrant: threads of one program call eval at the same time for different rows, programs in different
 * threads at any time. jvp and vjp are called while the graph is differentiated, and may use every builder.
 * Failures are recorded on the graph, and the result is its null variable:
 * BP_E_ARG    eval or name is NULL, the size of op, an argument     BP_E_SHAPE  the shape of the result; row_args
 * BP_E_DTYPE  the result is neither F32 nor F64 */
BP_API bp_var bp_custom(bp_graph *graph, const bp_custom_op *op, const bp_var *x, size_t n_x);

#ifdef __cplusplus
}
#endif
#endif
