/* support/graph_random_special.c - random slices and joins, stacks of matrices, factors, branches, loops, and operations of
 * one's own.
 */
#include "backprop/control.h"
#include "backprop/custom.h"
#include "support/graph_random_steps.h"
#include "support/testing.h"

static bp_dtype main_type(const bt_random_graph *g) { return g->options.f64 ? BP_F64 : BP_F32; }
static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

/* Of at least this rank, and without a batch when that is asked for. */
static bp_var pick_ranked(bt_random_graph *g, int rank, bool fixed) {
  for (int i = 0; i < 6; i++) {
    bp_var v = bt_pick(g);
    bt_dims d = bt_dims_of(v);
    if (d.rank >= rank && !(fixed && bt_has_batch(&d))) return v;
  }
  bt_dims d = {.rank = rank > 0 ? rank : 1};
  for (int i = 0; i < d.rank; i++) d.at[i] = 1 + bt_below(&g->random, 6);
  return bt_new_input(g, main_type(g), &d);
}

/* ---- elementwise ---- */

static bp_var rarer(bt_random_graph *g) {
  bp_var x = bt_pick(g), s = bp_sigmoid(x);
  switch (bt_below(&g->random, 7)) {
  case 0: return bp_asinh(x);
  case 1: return bp_acosh(bp_add(s, number(x, 1.1)));
  case 2: return bp_atanh(bp_mul(s, number(x, 0.5)));
  case 3: return bp_log10(bp_add(s, number(x, 0.1)));
  case 4: return bp_digamma(bp_add(s, number(x, 2)));
  case 5: return bp_polygamma(1 + bt_below(&g->random, 2), bp_add(s, number(x, 1)));
  default: return bp_clip(x, -0.5, 0.7);
  }
}

/* ---- parts of an axis ---- */

/* An axis that is no batch, of a variable that has one. */
static bp_var pick_axis(bt_random_graph *g, int *axis) {
  bp_var x = pick_ranked(g, 1, false);
  bt_dims d = bt_dims_of(x);
  int first = bt_has_batch(&d) ? 1 : 0;
  if (d.rank == first) x = bp_expand(x, -1), d.rank++;
  *axis = first + bt_below(&g->random, d.rank - first);
  return x;
}

static bp_var part(bt_random_graph *g) {
  bt_random *r = &g->random;
  int axis;
  bp_var x = pick_axis(g, &axis);
  int64_t n = bp_var_dim(x, axis), start = bt_below(r, (int)n), stop = start + 1 + bt_below(r, (int)(n - start));
  switch (bt_below(r, 4)) {
  case 0: return bp_flip(x, axis);
  case 1: return bp_slice(x, axis, stop - 1, start - 1 < 0 ? -BP_END : start - 1, -1 - bt_below(r, 2));
  default: return bp_slice(x, axis, start, stop, 1 + bt_below(r, 3));
  }
}

static bp_var longer(bt_random_graph *g) {
  bt_random *r = &g->random;
  int axis;
  bp_var x = pick_axis(g, &axis), xs[3];
  bt_dims d = bt_dims_of(x);
  if (bt_row_of(&d) > BT_ROW_MOST / 4) return bp_cumsum(x, axis);
  xs[0] = x, xs[1] = bp_tanh(x), xs[2] = bp_slice(x, axis, 0, 1, 1);
  switch (bt_below(r, 4)) {
  case 0: return bp_pad(x, axis, bt_below(r, 3), bt_below(r, 3), bt_below(r, 2));
  case 1: return bp_concat(xs, 1 + (size_t)bt_below(r, 3), axis);
  case 2: return d.rank < 4 ? bp_stack(xs, 2, axis) : bp_cumsum(x, axis);
  default: return bp_cumsum(x, axis);
  }
}

static bp_var reduce(bt_random_graph *g) {
  bp_var x = bt_pick(g);
  bt_dims d = bt_dims_of(x);
  if (d.rank == 0) return bp_norm(x, BP_ALL_AXES);
  unsigned axes = 1u + (unsigned)bt_below(&g->random, (1 << d.rank) - 1);
  if (bt_has_batch(&d) && d.rank == 1) return bp_norm(x, axes);
  switch (bt_below(&g->random, 3)) {
  case 0: return bp_log_softmax(x);
  case 1: return bp_norm(x, axes);
  default: return bt_row_of(&d) < 40 && (!bt_has_batch(&d) || (axes & 1u) == 0) ? bp_prod(x, axes) : bp_norm(x, axes);
  }
}

/* ---- matrices ---- */

static bp_var stack_product(bt_random_graph *g) {
  bt_random *r = &g->random;
  bp_var a = pick_ranked(g, 3, false);
  bt_dims d = bt_dims_of(a), b = d;
  bool ta = bt_once_in(r, 2), tb = bt_once_in(r, 2);
  int64_t k = d.at[d.rank - (ta ? 2 : 1)], n = 1 + bt_below(r, 6);
  b.at[b.rank - 2] = tb ? n : k;
  b.at[b.rank - 1] = tb ? k : n;
  if (bt_once_in(r, 2)) { /* one matrix for all */
    b.at[0] = b.at[b.rank - 2], b.at[1] = b.at[b.rank - 1];
    b.rank = 2;
  }
  return bp_tanh(bp_matmul_t(a, ta, bt_new_input(g, bp_var_dtype(a), &b), tb));
}

static bp_var vectors(bt_random_graph *g) {
  bp_var x = pick_ranked(g, 1, false);
  bt_dims d = bt_dims_of(x);
  if (d.rank == 1 && bt_has_batch(&d)) return bp_square(x);
  int64_t n = d.at[d.rank - 1];
  switch (bt_below(&g->random, 3)) {
  case 0: return bp_dot(x, bp_tanh(x));
  case 1: return d.rank < 4 && n * bt_row_of(&d) < BT_ROW_MOST ? bp_outer(x, bp_cos(x)) : bp_dot(x, x);
  default:
    return d.rank < 4 && n * bt_row_of(&d) < BT_ROW_MOST ? bp_diag_part(bp_add(bp_diag(x), bp_outer(x, x)))
                                                         : bp_dot(x, x);
  }
}

static bp_var triangle(bt_random_graph *g) {
  bp_var x = pick_ranked(g, 3, false);
  int diagonal = bt_below(&g->random, 5) - 2;
  return bt_once_in(&g->random, 2) ? bp_tril(x, diagonal) : bp_triu(x, diagonal);
}

/* A Aᵀ / k + I is positive definite and well conditioned. */
static bp_var factors(bt_random_graph *g) {
  bt_random *r = &g->random;
  int n = 1 + bt_below(r, 7);
  bt_dims d = {.rank = 2, .at = {n, 3}}, one = {.rank = 1, .at = {n}},
          right = {.rank = 2, .at = {n, 1 + bt_below(r, 4)}};
  bp_dtype t = main_type(g);
  bp_var a = bp_tanh(bt_new_input(g, t, &d)), ones = bp_broadcast(bp_scalar(g->graph, t, 1), 1, one.at);
  bp_var spd = bp_add(bp_matmul_t(a, false, a, true), bp_diag(ones));
  switch (bt_below(r, 6)) {
  case 0: return bp_cholesky(spd);
  case 1: return bp_solve_triangular(bp_cholesky(spd), bt_new_input(g, t, &right), true, bt_once_in(r, 2));
  case 2: return bp_solve(spd, bt_new_input(g, t, bt_once_in(r, 2) ? &right : &one));
  case 3: return bp_inverse(spd);
  case 4: return bp_logdet(spd);
  default: return bp_logdet_spd(spd);
  }
}

/* ---- branches and loops ---- */

static void branch_then(void *user, bp_graph *graph, const bp_var *args, bp_var *results) {
  (void)user, (void)graph;
  results[0] = bp_mul(args[0], bp_tanh(args[1]));
}
static void branch_else(void *user, bp_graph *graph, const bp_var *args, bp_var *results) {
  (void)user, (void)graph;
  results[0] = bp_sin(bp_sub(args[0], args[1]));
}
static void step_body(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants, const bp_var *x,
                      bp_var *next, bp_var *y) {
  (void)user, (void)graph;
  next[0] = bp_tanh(bp_add(bp_mul(state[0], constants[0]), x[0]));
  y[0] = bp_square(next[0]);
}
static bp_var while_small(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants) {
  (void)user, (void)graph;
  return bp_less(state[1], constants[0]);
}
static void while_body(void *user, bp_graph *graph, const bp_var *state, const bp_var *constants, const bp_var *x,
                       bp_var *next, bp_var *y) {
  (void)user, (void)graph, (void)constants, (void)x, (void)y;
  next[0] = bp_add(bp_sin(state[0]), number(state[0], 0.25));
  next[1] = bp_add(state[1], number(state[1], 1));
}

static bp_var control(bt_random_graph *g) {
  bt_random *r = &g->random;
  bp_var x = pick_ranked(g, 1, true), out[2];
  bp_var sum = bp_sum(bp_tanh(x), BP_ALL_AXES);
  switch (bt_below(r, 3)) {
  case 0:
    bp_cond(bp_less(sum, number(x, 0)), (bp_var[]){x, bp_cos(x)}, 2, branch_then, branch_else, NULL, 1, out);
    return out[0];
  case 1: {
    bp_var init = bp_mean(x, BP_AXIS(0)), y;
    bp_loop_args args = {.init = &init, .n_state = 1, .constants = &sum, .n_constants = 1, .x = &x, .n_x = 1, .n_y = 1};
    bp_scan(g->graph, &args, bp_var_dim(x, 0), step_body, NULL, out, &y);
    if (bt_once_in(r, 2)) (void)bt_keep(g, y);
    return out[0];
  }
  default: {
    bp_var init[2] = {x, number(x, 0)}, most = bp_add(sum, number(x, 2));
    bp_loop_args args = {.init = init, .n_state = 2, .constants = &most, .n_constants = 1};
    /* the sum of tanh is below the number of elements; a derivative keeps memory for as many trips as the bound allows */
    bt_dims d = bt_dims_of(x);
    int64_t bound = bt_has_batch(&d) ? 5000 : bt_row_of(&d) + 3;
    bp_while(g->graph, &args, bound, while_small, while_body, NULL, out, NULL);
    return out[0];
  }
  }
}

/* ---- operations of one's own ---- */

static bp_status cube_eval(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  (void)user, (void)n_x;
  for (int64_t i = 0; i < y->elements; i++) {
    double v = bt_get(x[0].data, x[0].dtype, i);
    bt_set(y->data, y->dtype, i, v * v * v);
  }
  return BP_OK;
}
static bp_var cube_vjp(void *user, const bp_var *x, size_t n_x, size_t i, bp_var y, bp_var y_bar) {
  (void)user, (void)n_x, (void)i, (void)y;
  return bp_mul(y_bar, bp_mul(number(x[0], 3), bp_square(x[0])));
}

static bp_var own(bt_random_graph *g) {
  bp_var x = bp_tanh(bt_pick(g));
  bt_dims d = bt_dims_of(x);
  bp_custom_op op = {
      .size = sizeof op, .name = "cube", .dtype = bp_var_dtype(x), .rank = d.rank, .eval = cube_eval, .vjp = cube_vjp};
  for (int i = 0; i < d.rank; i++) op.dims[i] = d.at[i];
  op.row_args = d.rank > 0 && bt_once_in(&g->random, 2);
  return bp_custom(g->graph, &op, &x, 1);
}

bp_var bt_special_step(bt_random_graph *g) {
  static bp_var (*const steps[])(bt_random_graph *) = {rarer,         part,    part,     longer,  longer,  reduce,
                                                       stack_product, vectors, triangle, factors, control, own};
  return steps[bt_below(&g->random, (int)(sizeof steps / sizeof *steps))](g);
}
