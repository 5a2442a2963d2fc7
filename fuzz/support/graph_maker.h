/* support/graph_maker.h - bytes to a sequence of calls of the public builders: shapes, element types, axes and values are those that
 * the bytes say. Each call is checked: it gives a variable, or an error that stays with the graph.
 *
 * A tame maker bends arguments so that most calls succeed and graphs grow deep; a wild one hands on what it finds: variables that are
 * none or of another graph, axes that are not there, sizes that no memory holds.
 */
#ifndef FUZZ_GRAPH_MAKER_H
#define FUZZ_GRAPH_MAKER_H
#include "backprop/autodiff.h"
#include "backprop/control.h"
#include "backprop/ops.h"
#include "support/fuzzing.h"

enum {
  MAKER_POOL = 40,
  MAKER_INPUTS = 6,
  MAKER_ROWS = 3,
  MAKER_ELEMENTS = 256,
  MAKER_STEPS = 24,
  MAKER_MESSAGE = 2048
};

typedef struct graph_maker {
  byte_stream *bytes;
  bp_graph *graph;
  bool eager, wild, nested; /* nested: the graph of a branch or a loop, which has no inputs and no batch */
  bool narrow;              /* something passes through float32 */
  bp_var stranger;          /* of another graph */
  bp_var pool[MAKER_POOL];
  int n_pool;
  bp_var inputs[MAKER_INPUTS];
  double values[MAKER_INPUTS][MAKER_ELEMENTS]; /* room for any element type */
  int n_inputs;
  char message[MAKER_MESSAGE]; /* of the first error; "" while there is none */
} graph_maker;

/* Appends a call for each byte or two until the bytes, the steps or the room are used up. Returns whether the graph is free of
 * errors. */
bool make_graph(graph_maker *m, int steps);
/* Checks what a call gave, and keeps it for later ones. Returns it. */
bp_var maker_keep(graph_maker *m, bp_var v);

/* Elements of a variable, with MAKER_ROWS rows for the batch; at most INT64_MAX / 2. */
int64_t maker_elements(bp_var v);
/* Whether the whole graph can be computed thousands of times a second. */
bool maker_is_small(const graph_maker *m);

/* ---- graph_maker_steps.c ---- */
/* One call. */
void maker_step(graph_maker *m);
bp_var maker_add_input(graph_maker *m);
/* Any variable of the pool, the later ones more often; now and then what is none, when wild. */
bp_var maker_pick(graph_maker *m);
/* The same as floating-point numbers, unless wild. */
bp_var maker_pick_float(graph_maker *m);
bool maker_has_batch(bp_var v);

/* ---- graph_maker_calls.c: branches and loops ---- */
void maker_cond(graph_maker *m);
void maker_scan(graph_maker *m);
void maker_while(graph_maker *m);

#endif
