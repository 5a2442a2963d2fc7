/* backprop/control.h - branches and loops as nodes: they compile, and they differentiate in both modes and to any order.
 *
 * A branch or an iteration is a graph of its own, built by a callback from variables for its inputs. It may use nothing else:
 * what it needs from outside is handed in. Shapes inside are fixed: BP_BATCH is not allowed.
 *
 * For C code that branches on values while it builds, see bp_graph_new_eager() instead.
 *
 * Failures are recorded on the graph, those inside a callback too; results are then null variables (graph.h).
 */
#ifndef BACKPROP_CONTROL_H
#define BACKPROP_CONTROL_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Builds one branch: from args[n_args], variables of `graph`, to results[n_results], which it fills. */
typedef void (*bp_branch_fn)(void *user, bp_graph *graph, const bp_var *args, bp_var *results);

/* Builds one iteration: from the state, the constants and this iteration's slices (x[i] with the leading axis removed), to the next
 * state and this iteration's outputs. Each next[i] has the shape and element type of state[i]. */
typedef void (*bp_step_fn)(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants, const bp_var *x,
                           bp_var *next, bp_var *y);

/* Builds the condition of a loop: a scalar that is not 0 while the loop goes on. */
typedef bp_var (*bp_while_fn)(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants);

/* results[i] = the results of then_branch when predicate (a scalar) is not 0, else those of else_branch; only that branch is
 * computed. The branches give results of equal shapes and element types. Derivatives are those of the branch taken; none passes
 * through the predicate.
 * BP_E_SHAPE  the predicate is no scalar, or the branches disagree (the message names both shapes) */
BP_API void bp_cond(bp_var predicate, const bp_var *args, size_t n_args, bp_branch_fn then_branch,
                    bp_branch_fn else_branch, void *user, size_t n_results, bp_var *results);

/* Everything that a loop carries. */
typedef struct bp_loop_args {
  const bp_var *init; /* the state before the first iteration */
  size_t n_state;
  const bp_var *constants; /* the same in every iteration */
  size_t n_constants;
  const bp_var *x; /* [length, …]: one slice for each iteration (bp_scan only) */
  size_t n_x;
  size_t n_y; /* outputs of each iteration, stacked to [length, …] */
} bp_loop_args;

/* Runs `step` for each slice t = 0 … length - 1: final[n_state] is the last state, y[n_y] are the stacked outputs. length is
 * the leading size of the x, or given when there are none. */
BP_API void bp_scan(bp_graph *graph, const bp_loop_args *args, int64_t length, bp_step_fn step, void *user,
                    bp_var *final, bp_var *y);

/* Runs `step` while `condition` holds: final[n_state] is the state in which it first did not. *trips (may be NULL) is the number of
 * iterations as a float64 scalar. Derivatives are those of the iterations that were run.
 * max_trips bounds the loop, and the memory that its derivative needs: when the condition still holds after so many
 * iterations, bp_run() and bp_eval() fail with BP_E_LIMIT. */
BP_API void bp_while(bp_graph *graph, const bp_loop_args *args, int64_t max_trips, bp_while_fn condition,
                     bp_step_fn step, void *user, bp_var *final, bp_var *trips);

#ifdef __cplusplus
}
#endif
#endif
