/* support/graph_random_steps.h - behind graph_random.h: the pool that a random graph grows from, and its steps. */
#ifndef BT_GRAPH_RANDOM_STEPS_H
#define BT_GRAPH_RANDOM_STEPS_H
#include "support/graph_random.h"

enum { BT_ROW_MOST = 1500 }; /* elements of a row, or of an array without a batch */

typedef struct bt_dims {
  int rank;
  int64_t at[BP_MAX_RANK];
} bt_dims;
bt_dims bt_dims_of(bp_var v);
int64_t bt_row_of(const bt_dims *d);
bool bt_has_batch(const bt_dims *d);
int64_t bt_any_size(bt_random *r);
bt_dims bt_any_dims(bt_random_graph *g);
/* BP_BATCH; in an eager graph a number. */
int64_t bt_rows(const bt_random_graph *g);

/* Into the pool, when it is an array of floats. */
bp_var bt_keep(bt_random_graph *g, bp_var v);
bp_var bt_add_input(bt_random_graph *g, bp_dtype dtype, const bt_dims *d, double low, double high);
/* An input in the pool. */
bp_var bt_new_input(bt_random_graph *g, bp_dtype dtype, const bt_dims *d);
/* One of the pool; newer ones more often, so that chains grow. */
bp_var bt_pick(bt_random_graph *g);
/* Something that an elementwise operation can combine with a: from the pool, a number, or a new input. */
bp_var bt_partner(bt_random_graph *g, bp_var a);

bp_var bt_usual_step(bt_random_graph *g);
/* Slices, stacks of matrices, factors, branches, loops, operations of one's own. */
bp_var bt_special_step(bt_random_graph *g);

#endif
