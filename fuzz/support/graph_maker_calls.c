/* support/graph_maker_calls.c - branches and loops, whose graphs are made from the same bytes. */
#include "support/graph_maker.h"

/* A value in the shape of `like` from the graph of a branch: what its last variable adds up to decides it. */
static bp_var in_shape_of(const graph_maker *inner, bp_var like) {
  bp_var last = inner->pool[inner->n_pool - 1];
  if (inner->wild) return last;
  bp_var sum = bp_sum(bp_cast(last, bp_var_dtype(like)), BP_ALL_AXES);
  return bp_add(bp_tanh(like), bp_mul(bp_sin(sum), like));
}

static graph_maker inner_maker(const graph_maker *m, bp_graph *graph, const bp_var *args, int n) {
  graph_maker inner = {.bytes = m->bytes, .graph = graph, .wild = m->wild, .nested = true, .stranger = m->stranger};
  for (int i = 0; i < n; i++) (void)maker_keep(&inner, args[i]);
  if (inner.n_pool > 0) (void)make_graph(&inner, 1 + next_below(m->bytes, 3));
  return inner;
}

static bp_var built(graph_maker *m, bp_graph *graph, const bp_var *args, int n) {
  graph_maker inner = inner_maker(m, graph, args, n);
  m->narrow |= inner.narrow;
  return inner.n_pool > 0 ? in_shape_of(&inner, args[0]) : (bp_var){graph, 0};
}

static void branch(void *user, bp_graph *graph, const bp_var *args, bp_var *results) {
  results[0] = built(user, graph, args, 2);
}

static void iteration(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants, const bp_var *x,
                      bp_var *next, bp_var *y) {
  const bp_var args[] = {state[0], constants[0]};
  (void)x, (void)y; /* of a loop without slices and outputs there are none */
  next[0] = built(user, graph, args, 2);
}

static void slice(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants, const bp_var *x,
                  bp_var *next, bp_var *y) {
  iteration(user, graph, state, constants, x, next, y);
  y[0] = bp_sum(x[0], BP_ALL_AXES);
}

static bp_var goes_on(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants) {
  (void)user, (void)constants;
  return bp_less(bp_sum(bp_cast(state[0], BP_F64), BP_ALL_AXES), bp_scalar(graph, BP_F64, 0.5));
}

/* Shapes inside are fixed. */
static bp_var pick_fixed(graph_maker *m) {
  bp_var v = maker_pick_float(m);
  return maker_has_batch(v) && !m->wild ? bp_mean(v, BP_ALL_AXES) : v;
}

void maker_cond(graph_maker *m) {
  bp_var args[2] = {pick_fixed(m), pick_fixed(m)}, result = {0};
  bp_var predicate = m->wild ? maker_pick(m)
                             : bp_greater(bp_sum(args[0], BP_ALL_AXES),
                                          bp_cast(bp_scalar(m->graph, BP_F64, 0.25), bp_var_dtype(args[0])));
  if (m->nested) return;
  bp_cond(predicate, args, 2, branch, branch, m, 1, &result);
  (void)maker_keep(m, result);
}

void maker_scan(graph_maker *m) {
  bp_var init = pick_fixed(m), constant = pick_fixed(m), x = pick_fixed(m), final = {0}, y = {0};
  if (m->nested || (!m->wild && (bp_var_rank(x) == 0 || bp_var_dim(x, 0) > 8))) return;
  bp_loop_args args = {
      .init = &init, .n_state = 1, .constants = &constant, .n_constants = 1, .x = &x, .n_x = 1, .n_y = 1};
  bp_scan(m->graph, &args, bp_var_dim(x, 0), slice, m, &final, &y);
  (void)maker_keep(m, final);
  (void)maker_keep(m, y);
}

void maker_while(graph_maker *m) {
  bp_var init = pick_fixed(m), constant = pick_fixed(m), final = {0}, trips = {0};
  if (m->nested) return;
  bp_loop_args args = {.init = &init, .n_state = 1, .constants = &constant, .n_constants = 1};
  bp_while(m->graph, &args, 1 + next_below(m->bytes, 5), goes_on, iteration, m, &final, &trips);
  (void)maker_keep(m, final);
  (void)maker_keep(m, trips);
}
