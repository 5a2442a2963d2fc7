/* support/graph_random.h - small random graphs of all operations: shapes with and without a batch, broadcasts, reductions,
 * products, row numbers, both element types, derivatives and states. A graph is a pure function of its seed.
 */
#ifndef BT_GRAPH_RANDOM_H
#define BT_GRAPH_RANDOM_H
#include "support/graph_check.h"

enum { BT_POOL = 96, BT_INPUTS = 40, BT_OUTPUTS = 24 };

typedef struct bt_random_options {
  uint64_t seed;
  int steps; /* operations, about */
  int64_t max_batch;
  bool f64;         /* the main element type; casts to the other one occur in either case */
  bool derivatives; /* ask for a reverse and a forward derivative too */
  bool states;      /* assign to some inputs */
  bool one_type;    /* no casts */
  bool fixed;       /* three rows instead of a batch */
  bool eager;       /* the same, and values while it is built */
} bt_random_options;

typedef struct bt_random_graph {
  bp_graph *graph;
  bt_random random;
  bt_random_options options;
  bp_var pool[BT_POOL]; /* arrays of F32 or F64 */
  int n_pool;
  bp_var inputs[BT_INPUTS];
  void *values[BT_INPUTS]; /* for max_batch rows */
  size_t n_inputs;
  bp_var outputs[BT_OUTPUTS];
  size_t n_outputs;
  bool narrow; /* something passes through F32 */
  /* derivatives of y along x; numbers of inputs and outputs, -1: the symbolic zero */
  int n_y, n_x;
  int y_bar[2], y_dot[2], x_bar[3], x_dot[3];
} bt_random_graph;

/* Fails the test when the graph holds an error. */
void bt_random_graph_make(bp_context *ctx, const bt_random_options *options, bt_random_graph *g);
void bt_random_graph_free(bt_random_graph *g);
/* VIEW it as a function to compute. */
bt_function bt_random_graph_function(const bt_random_graph *g, const char *label);

#endif
