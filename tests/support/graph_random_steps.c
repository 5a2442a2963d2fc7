/* support/graph_random_steps.c - one random operation each: elementwise, reductions, products, shapes, rows by number. */
#include "support/graph_random_steps.h"

#include <string.h>

#include "support/testing.h"

enum { TABLE_ROWS = 7 };

static bp_var unary(bt_random_graph *g) {
  static bp_var (*const ops[])(bp_var) = {bp_tanh, bp_sigmoid,   bp_sin,    bp_cos,          bp_relu, bp_softplus,
                                          bp_abs,  bp_neg,       bp_square, bp_tanh,         bp_erf,  bp_atan,
                                          bp_sign, bp_heaviside, bp_round,  bp_stop_gradient};
  return ops[bt_below(&g->random, (int)(sizeof ops / sizeof *ops))](bt_pick(g));
}

/* Bounded on both sides, so that values stay finite through long chains. */
static bp_var guarded(bt_random_graph *g) {
  bp_var x = bp_sigmoid(bt_pick(g));
  switch (bt_below(&g->random, 7)) {
  case 0: return bp_exp(x);
  case 1: return bp_log(x);
  case 2: return bp_sqrt(x);
  case 3: return bp_reciprocal(bp_add(x, bp_scalar(g->graph, bp_var_dtype(x), 1)));
  case 4: return bp_pow(x, bp_tanh(bt_partner(g, x)));
  case 5: return bp_div(bp_tanh(bt_partner(g, x)), bp_exp(x));
  default: return bp_log1p(x);
  }
}

static bp_var binary(bt_random_graph *g) {
  bp_var a = bt_pick(g), b = bt_partner(g, a);
  if (bt_once_in(&g->random, 2)) {
    bp_var swap = a;
    a = b, b = swap;
  }
  switch (bt_below(&g->random, 12)) {
  case 0:
  case 1: return bp_add(a, b);
  case 2:
  case 3: return bp_sub(a, b);
  case 4:
  case 5: return bp_mul(a, b);
  case 6: return bp_max(a, b);
  case 7: return bp_min(a, b);
  case 8: return bp_atan2(a, b);
  case 9: return bp_less(a, b);
  case 10: return bp_where(bp_greater_equal(a, b), a, bp_tanh(b));
  default: return bp_where(bp_less(a, b), bp_scalar(g->graph, bp_var_dtype(a), 0.25), b);
  }
}

static bp_var reduction(bt_random_graph *g) {
  bp_var x = bt_pick(g);
  int rank = bp_var_rank(x);
  if (rank == 0) return bp_tanh(x);
  unsigned axes = 1u + (unsigned)bt_below(&g->random, (1 << rank) - 1);
  switch (bt_below(&g->random, 6)) {
  case 0:
  case 1: return bp_tanh(bp_sum(x, axes));
  case 2: return bp_mean(x, axes);
  case 3: return bp_reduce_max(x, axes);
  case 4: return bp_reduce_min(x, axes);
  default: return bp_div(bp_sum(x, axes), bp_add(bp_axis_size(x, axes), bp_scalar(g->graph, bp_var_dtype(x), 1)));
  }
}

static bp_var softmax(bt_random_graph *g) {
  bp_var x = bt_pick(g);
  bt_dims d = bt_dims_of(x);
  if (d.rank == 0 || (d.rank == 1 && bt_has_batch(&d))) return bp_sigmoid(x);
  return bt_once_in(&g->random, 2) ? bp_softmax(x) : bp_logsumexp(x);
}

static bp_var matrix(bt_random_graph *g) {
  for (int i = 0; i < 6; i++) {
    bp_var v = bt_pick(g);
    if (bp_var_rank(v) == 2) return v;
  }
  bt_dims d = {.rank = 2,
               .at = {bt_once_in(&g->random, 3) ? bt_any_size(&g->random) : bt_rows(g), bt_any_size(&g->random)}};
  return bt_new_input(g, g->options.f64 ? BP_F64 : BP_F32, &d);
}

/* A matrix of this shape: from the pool if there is one. */
static bp_var matrix_of(bt_random_graph *g, bp_dtype dtype, int64_t rows, int64_t columns) {
  bt_dims d = {.rank = 2, .at = {rows, columns}};
  for (int i = g->n_pool - 1; i >= 0 && !bt_once_in(&g->random, 4); i--) {
    bt_dims p = bt_dims_of(g->pool[i]);
    if (p.rank == 2 && p.at[0] == rows && p.at[1] == columns && bp_var_dtype(g->pool[i]) == dtype) return g->pool[i];
  }
  return bt_new_input(g, dtype, &d);
}

static bp_var product(bt_random_graph *g) {
  bp_var a = matrix(g);
  bp_dtype t = bp_var_dtype(a);
  int64_t m = bp_var_dim(a, 0), k = bp_var_dim(a, 1), n = bt_any_size(&g->random);
  bp_var y;
  switch (bt_below(&g->random, 4)) {
  case 0: y = bp_matmul(a, matrix_of(g, t, k, n)); break;
  case 1: y = bp_matmul_t(a, false, matrix_of(g, t, n, k), true); break;
  case 2: y = bp_matmul_t(a, true, matrix_of(g, t, m, n), false); break;
  default:
    if (m == BP_BATCH) /* the batch cannot be a column */
      y = bp_matmul_t(matrix_of(g, t, m, n), true, a, false);
    else
      y = bp_matmul_t(matrix_of(g, t, m, n), true, bp_transpose(a, NULL), true);
  }
  return bt_once_in(&g->random, 4) ? y : bp_tanh(y);
}

static bp_var reshape(bt_random_graph *g) {
  bt_random *r = &g->random;
  bp_var x = bt_pick(g);
  bt_dims d = bt_dims_of(x), to = {0};
  int first = bt_has_batch(&d) ? 1 : 0;
  if (bt_once_in(r, 3) && d.rank < 4) return bp_expand(x, first + bt_below(r, d.rank - first + 1));
  int64_t row = bt_row_of(&d);
  if (first) to.at[to.rank++] = BP_BATCH;
  for (int64_t f = 2; f <= 7; f++)
    if (row % f == 0 && bt_once_in(r, 2) && to.rank < 3) to.at[to.rank++] = f, row /= f;
  to.at[to.rank++] = row;
  return bp_reshape(x, to.rank, to.at);
}

static bp_var transpose(bt_random_graph *g) {
  bp_var x = bt_pick(g);
  bt_dims d = bt_dims_of(x);
  int perm[BP_MAX_RANK], first = bt_has_batch(&d) ? 1 : 0;
  for (int i = 0; i < d.rank; i++) perm[i] = i;
  for (int i = d.rank - 1; i > first; i--) {
    int j = first + bt_below(&g->random, i - first + 1), p = perm[i];
    perm[i] = perm[j], perm[j] = p;
  }
  return bp_transpose(x, perm);
}

static bp_var broadcast(bt_random_graph *g) {
  bt_random *r = &g->random;
  bp_var x = bt_pick(g);
  bt_dims d = bt_dims_of(x), to = d;
  if (!bt_has_batch(&d) && d.rank < 3) {
    for (int i = 0; i < d.rank; i++) to.at[i + 1] = d.at[i];
    to.at[0] = bt_once_in(r, 2) ? bt_rows(g) : bt_any_size(r);
    to.rank++;
  }
  for (int i = to.rank - d.rank; i < to.rank; i++)
    if (to.at[i] == 1 && bt_once_in(r, 2)) to.at[i] = i == 0 ? bt_rows(g) : bt_any_size(r);
  return bt_row_of(&to) <= BT_ROW_MOST ? bp_broadcast(x, to.rank, to.at) : x;
}

static bp_var by_number(bt_random_graph *g) {
  bt_random *r = &g->random;
  bp_var x = bt_pick(g);
  bp_dtype t = bp_var_dtype(x);
  bt_dims d = bt_dims_of(x), index = {.rank = 1, .at = {bt_once_in(r, 3) ? 5 : bt_rows(g)}};
  int which = bt_below(r, 5);
  if (which == 0 && d.rank == 2) { /* class numbers */
    index.at[0] = d.at[0];
    return bp_softmax_cross_entropy(x, bt_add_input(g, BP_I32, &index, 0, (double)d.at[1]));
  }
  if (which == 1 && d.rank > 0) {
    index.at[0] = d.at[0];
    return bp_scatter_add(x, bt_add_input(g, BP_I32, &index, 0, TABLE_ROWS), TABLE_ROWS);
  }
  if (which == 2 && d.rank > 0 && !bt_has_batch(&d))
    return bp_gather(x, bt_add_input(g, BP_I32, &index, 0, (double)d.at[0]), t);
  if (which == 3) return bp_one_hot(bt_add_input(g, BP_I32, &index, 0, 3), 3, t);
  bt_dims table = {.rank = 2, .at = {TABLE_ROWS, bt_any_size(r)}}; /* pixels */
  bp_var pixels = bt_add_input(g, BP_U8, &table, 0, 256);
  return bp_mul(bp_gather(pixels, bt_add_input(g, BP_I32, &index, 0, TABLE_ROWS), t),
                bp_scalar(g->graph, t, 1.0 / 255));
}

static bp_var another_type(bt_random_graph *g) {
  bp_var x = bt_pick(g);
  if (g->options.one_type) return bp_softplus(x);
  bp_dtype to = bp_var_dtype(x) == BP_F32 ? BP_F64 : BP_F32;
  g->narrow = true;
  bt_dims d = bt_dims_of(x);
  if (d.rank > (bt_has_batch(&d) ? 1 : 0) && bt_once_in(&g->random, 4)) return bp_cast(bp_argmax(x), to);
  return bt_once_in(&g->random, 3) ? bp_cast(bp_cast(x, to), bp_var_dtype(x)) : bp_cast(x, to);
}

static bp_var constant(bt_random_graph *g) {
  bp_dtype t = g->options.f64 ? BP_F64 : BP_F32;
  bt_dims d = bt_any_dims(g);
  if (bt_has_batch(&d)) d.at[0] = 3;
  double room[3 * 33 * 33 * 33 / 8];
  int64_t n = bt_row_of(&d);
  if (n > BT_ROW_MOST) return bt_pick(g);
  for (int64_t i = 0; i < n; i++) bt_set(room, t, i, bt_uniform(&g->random, -1, 1));
  return bp_constant(g->graph, t, d.rank, d.at, room);
}

bp_var bt_usual_step(bt_random_graph *g) {
  static bp_var (*const steps[])(bt_random_graph *) = {unary,     unary,     guarded,      binary,  binary,  binary,
                                                       reduction, softmax,   product,      product, reshape, transpose,
                                                       broadcast, by_number, another_type, constant};
  return steps[bt_below(&g->random, (int)(sizeof steps / sizeof *steps))](g);
}
