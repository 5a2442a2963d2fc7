/* support/graph_random.c - random graphs. */
#include "support/graph_random.h"

#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "support/testing.h"

enum { ROW_MOST = 1500, TABLE_ROWS = 7 };
static const int64_t sizes[] = {1, 1, 2, 2, 3, 4, 5, 7, 8, 13, 16, 17, 32, 33};

typedef struct dims {
  int rank;
  int64_t at[BP_MAX_RANK];
} dims;

static dims dims_of(bp_var v) {
  dims d = {.rank = bp_var_rank(v)};
  for (int i = 0; i < d.rank; i++) d.at[i] = bp_var_dim(v, i);
  return d;
}

static int64_t row_of(const dims *d) {
  int64_t n = 1;
  for (int i = 0; i < d->rank; i++) n *= d->at[i] == BP_BATCH ? 1 : d->at[i];
  return n;
}

static bool has_batch(const dims *d) { return d->rank > 0 && d->at[0] == BP_BATCH; }

static int64_t any_size(bt_random *r) { return sizes[bt_below(r, (int)(sizeof sizes / sizeof *sizes))]; }

static dims any_dims(bt_random *r) {
  dims d = {.rank = bt_below(r, 4)};
  for (int i = 0; i < d.rank; i++) d.at[i] = any_size(r);
  if (d.rank > 0 && !bt_once_in(r, 3)) d.at[0] = BP_BATCH;
  return d;
}

/* ---- the pool ---- */

static bp_var keep(bt_random_graph *g, bp_var v) {
  bt_assert_ok(bp_graph_context(g->graph), bp_graph_status(g->graph));
  bp_dtype t = bp_var_dtype(v);
  if (g->n_pool < BT_POOL && (t == BP_F32 || t == BP_F64)) g->pool[g->n_pool++] = v;
  return v;
}

static bp_var add_input(bt_random_graph *g, bp_dtype dtype, const dims *d, double low, double high) {
  bp_var v = bp_input(g->graph, "in", dtype, d->rank, d->at);
  bt_assert_ok(bp_graph_context(g->graph), bp_graph_status(g->graph));
  assert_true(g->n_inputs < BT_INPUTS);
  g->values[g->n_inputs] = bt_array_uniform(v, g->options.max_batch, &g->random, low, high);
  g->inputs[g->n_inputs++] = v;
  return v;
}

static bp_var new_input(bt_random_graph *g, bp_dtype dtype, const dims *d) {
  return keep(g, add_input(g, dtype, d, -1.5, 1.5));
}

/* Newer ones more often, so that chains grow. */
static bp_var pick(bt_random_graph *g) {
  int back =
      bt_once_in(&g->random, 2) ? bt_below(&g->random, g->n_pool < 4 ? g->n_pool : 4) : bt_below(&g->random, g->n_pool);
  return g->pool[g->n_pool - 1 - back];
}

static bool broadcasts(bp_var a, bp_var b) {
  dims x = dims_of(a), y = dims_of(b);
  if (bp_var_dtype(a) != bp_var_dtype(b)) return false;
  for (int i = 1; i <= x.rank && i <= y.rank; i++) {
    int64_t m = x.at[x.rank - i], n = y.at[y.rank - i];
    if (m != n && m != 1 && n != 1) return false;
    if ((m == BP_BATCH || n == BP_BATCH) && (i < x.rank || i < y.rank)) return false;
  }
  return true;
}

static int64_t row_of_both(bp_var a, bp_var b) {
  dims x = dims_of(a), y = dims_of(b);
  int64_t n = 1;
  for (int i = 1; i <= x.rank || i <= y.rank; i++) {
    int64_t p = i <= x.rank ? x.at[x.rank - i] : 1, q = i <= y.rank ? y.at[y.rank - i] : 1;
    int64_t size = p == 1 ? q : p;
    n *= size == BP_BATCH ? 1 : size;
  }
  return n;
}

/* Something that an elementwise operation can combine with a: from the pool, a number, or a new input. */
static bp_var partner(bt_random_graph *g, bp_var a) {
  bt_random *r = &g->random;
  if (bt_once_in(r, 10)) {
    static const double numbers[] = {0, 1, -1, 0.5, 2, -0.0};
    return bp_scalar(g->graph, bp_var_dtype(a), numbers[bt_below(r, 6)]);
  }
  for (int i = 0; i < 6; i++) {
    bp_var b = pick(g);
    if (broadcasts(a, b) && row_of_both(a, b) <= ROW_MOST) return b;
  }
  dims d = dims_of(a);
  int drop = d.rank > 0 ? bt_below(r, d.rank + 1) : 0;
  d.rank -= drop;
  for (int i = 0; i < d.rank; i++) d.at[i] = bt_once_in(r, 3) ? 1 : d.at[i + drop];
  return new_input(g, bp_var_dtype(a), &d);
}

/* ---- one operation each ---- */

static bp_var unary(bt_random_graph *g) {
  static bp_var (*const ops[])(bp_var) = {bp_tanh, bp_sigmoid,   bp_sin,    bp_cos,          bp_relu, bp_softplus,
                                          bp_abs,  bp_neg,       bp_square, bp_tanh,         bp_erf,  bp_atan,
                                          bp_sign, bp_heaviside, bp_round,  bp_stop_gradient};
  return ops[bt_below(&g->random, (int)(sizeof ops / sizeof *ops))](pick(g));
}

/* Bounded on both sides, so that values stay finite through long chains. */
static bp_var guarded(bt_random_graph *g) {
  bp_var x = bp_sigmoid(pick(g));
  switch (bt_below(&g->random, 7)) {
  case 0: return bp_exp(x);
  case 1: return bp_log(x);
  case 2: return bp_sqrt(x);
  case 3: return bp_reciprocal(bp_add(x, bp_scalar(g->graph, bp_var_dtype(x), 1)));
  case 4: return bp_pow(x, bp_tanh(partner(g, x)));
  case 5: return bp_div(bp_tanh(partner(g, x)), bp_exp(x));
  default: return bp_log1p(x);
  }
}

static bp_var binary(bt_random_graph *g) {
  bp_var a = pick(g), b = partner(g, a);
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
  bp_var x = pick(g);
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
  bp_var x = pick(g);
  dims d = dims_of(x);
  if (d.rank == 0 || (d.rank == 1 && has_batch(&d))) return bp_sigmoid(x);
  return bt_once_in(&g->random, 2) ? bp_softmax(x) : bp_logsumexp(x);
}

static bp_var matrix(bt_random_graph *g) {
  for (int i = 0; i < 6; i++) {
    bp_var v = pick(g);
    if (bp_var_rank(v) == 2) return v;
  }
  dims d = {.rank = 2, .at = {bt_once_in(&g->random, 3) ? any_size(&g->random) : BP_BATCH, any_size(&g->random)}};
  return new_input(g, g->options.f64 ? BP_F64 : BP_F32, &d);
}

/* A matrix of this shape: from the pool if there is one. */
static bp_var matrix_of(bt_random_graph *g, bp_dtype dtype, int64_t rows, int64_t columns) {
  dims d = {.rank = 2, .at = {rows, columns}};
  for (int i = g->n_pool - 1; i >= 0 && !bt_once_in(&g->random, 4); i--) {
    dims p = dims_of(g->pool[i]);
    if (p.rank == 2 && p.at[0] == rows && p.at[1] == columns && bp_var_dtype(g->pool[i]) == dtype) return g->pool[i];
  }
  return new_input(g, dtype, &d);
}

static bp_var product(bt_random_graph *g) {
  bp_var a = matrix(g);
  bp_dtype t = bp_var_dtype(a);
  int64_t m = bp_var_dim(a, 0), k = bp_var_dim(a, 1), n = any_size(&g->random);
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
  bp_var x = pick(g);
  dims d = dims_of(x), to = {0};
  int first = has_batch(&d) ? 1 : 0;
  if (bt_once_in(r, 3) && d.rank < 4) return bp_expand(x, first + bt_below(r, d.rank - first + 1));
  int64_t row = row_of(&d);
  if (first) to.at[to.rank++] = BP_BATCH;
  for (int64_t f = 2; f <= 7; f++)
    if (row % f == 0 && bt_once_in(r, 2) && to.rank < 3) to.at[to.rank++] = f, row /= f;
  to.at[to.rank++] = row;
  return bp_reshape(x, to.rank, to.at);
}

static bp_var transpose(bt_random_graph *g) {
  bp_var x = pick(g);
  dims d = dims_of(x);
  int perm[BP_MAX_RANK], first = has_batch(&d) ? 1 : 0;
  for (int i = 0; i < d.rank; i++) perm[i] = i;
  for (int i = d.rank - 1; i > first; i--) {
    int j = first + bt_below(&g->random, i - first + 1), p = perm[i];
    perm[i] = perm[j], perm[j] = p;
  }
  return bp_transpose(x, perm);
}

static bp_var broadcast(bt_random_graph *g) {
  bt_random *r = &g->random;
  bp_var x = pick(g);
  dims d = dims_of(x), to = d;
  if (!has_batch(&d) && d.rank < 3) {
    for (int i = 0; i < d.rank; i++) to.at[i + 1] = d.at[i];
    to.at[0] = bt_once_in(r, 2) ? BP_BATCH : any_size(r);
    to.rank++;
  }
  for (int i = to.rank - d.rank; i < to.rank; i++)
    if (to.at[i] == 1 && bt_once_in(r, 2)) to.at[i] = i == 0 ? BP_BATCH : any_size(r);
  return row_of(&to) <= ROW_MOST ? bp_broadcast(x, to.rank, to.at) : x;
}

static bp_var by_number(bt_random_graph *g) {
  bt_random *r = &g->random;
  bp_var x = pick(g);
  bp_dtype t = bp_var_dtype(x);
  dims d = dims_of(x), index = {.rank = 1, .at = {bt_once_in(r, 3) ? 5 : BP_BATCH}};
  int which = bt_below(r, 5);
  if (which == 0 && d.rank == 2) { /* class numbers */
    index.at[0] = d.at[0];
    return bp_softmax_cross_entropy(x, add_input(g, BP_I32, &index, 0, (double)d.at[1]));
  }
  if (which == 1 && d.rank > 0) {
    index.at[0] = d.at[0];
    return bp_scatter_add(x, add_input(g, BP_I32, &index, 0, TABLE_ROWS), TABLE_ROWS);
  }
  if (which == 2 && d.rank > 0 && !has_batch(&d))
    return bp_gather(x, add_input(g, BP_I32, &index, 0, (double)d.at[0]), t);
  if (which == 3) return bp_one_hot(add_input(g, BP_I32, &index, 0, 3), 3, t);
  dims table = {.rank = 2, .at = {TABLE_ROWS, any_size(r)}}; /* pixels */
  bp_var pixels = add_input(g, BP_U8, &table, 0, 256);
  return bp_mul(bp_gather(pixels, add_input(g, BP_I32, &index, 0, TABLE_ROWS), t), bp_scalar(g->graph, t, 1.0 / 255));
}

static bp_var another_type(bt_random_graph *g) {
  bp_var x = pick(g);
  if (g->options.one_type) return bp_softplus(x);
  bp_dtype to = bp_var_dtype(x) == BP_F32 ? BP_F64 : BP_F32;
  g->narrow = true;
  dims d = dims_of(x);
  if (d.rank > (has_batch(&d) ? 1 : 0) && bt_once_in(&g->random, 4)) return bp_cast(bp_argmax(x), to);
  return bt_once_in(&g->random, 3) ? bp_cast(bp_cast(x, to), bp_var_dtype(x)) : bp_cast(x, to);
}

static bp_var constant(bt_random_graph *g) {
  bp_dtype t = g->options.f64 ? BP_F64 : BP_F32;
  dims d = any_dims(&g->random);
  if (has_batch(&d)) d.at[0] = 3;
  double room[3 * 33 * 33 * 33 / 8];
  int64_t n = row_of(&d);
  if (n > ROW_MOST) return pick(g);
  for (int64_t i = 0; i < n; i++) bt_set(room, t, i, bt_uniform(&g->random, -1, 1));
  return bp_constant(g->graph, t, d.rank, d.at, room);
}

static bp_var step(bt_random_graph *g) {
  static bp_var (*const steps[])(bt_random_graph *) = {unary,     unary,     guarded,      binary,  binary,  binary,
                                                       reduction, softmax,   product,      product, reshape, transpose,
                                                       broadcast, by_number, another_type, constant};
  return steps[bt_below(&g->random, (int)(sizeof steps / sizeof *steps))](g);
}

/* ---- outputs ---- */

static int add_output(bt_random_graph *g, bp_var v) {
  if (bp_var_is_zero(v) || g->n_outputs == BT_OUTPUTS) return -1;
  g->outputs[g->n_outputs] = v;
  return (int)g->n_outputs++;
}

static void ask_for_derivatives(bt_random_graph *g) {
  bp_context *ctx = bp_graph_context(g->graph);
  bp_var y[2], y_bar[2], y_dot[2], x[3], x_dot[3], x_bar[3];
  for (g->n_y = 0; g->n_y < 2; g->n_y++) {
    bp_var v = y[g->n_y] = pick(g);
    dims d = dims_of(v);
    g->y_bar[g->n_y] = (int)g->n_inputs;
    y_bar[g->n_y] = add_input(g, bp_var_dtype(v), &d, -1, 1);
  }
  for (size_t i = 0, n = g->n_inputs; i < n && g->n_x < 3; i++) {
    bp_var v = g->inputs[i];
    bp_dtype t = bp_var_dtype(v);
    if ((t != BP_F32 && t != BP_F64) || (int)i == g->y_bar[0] || (int)i == g->y_bar[1]) continue;
    dims d = dims_of(v);
    x[g->n_x] = v;
    g->x_dot[g->n_x] = (int)g->n_inputs;
    x_dot[g->n_x++] = add_input(g, t, &d, -1, 1);
  }
  bt_assert_ok(ctx, bp_vjp(y, y_bar, 2, x, (size_t)g->n_x, x_bar));
  bt_assert_ok(ctx, bp_jvp(y, 2, x, x_dot, (size_t)g->n_x, y_dot));
  for (int i = 0; i < 2; i++) g->y_dot[i] = add_output(g, y_dot[i]);
  for (int i = 0; i < g->n_x; i++) g->x_bar[i] = add_output(g, x_bar[i]);
}

static bool alike(bp_var a, bp_var b) {
  dims x = dims_of(a), y = dims_of(b);
  return bp_var_dtype(a) == bp_var_dtype(b) && x.rank == y.rank &&
         memcmp(x.at, y.at, (size_t)x.rank * sizeof *x.at) == 0;
}

/* The new value of a state: a variable that looks like it, another input too, or an update of its own. */
static bp_var new_value(bt_random_graph *g, bp_var state) {
  for (int i = 0; i < 8; i++) {
    bp_var v = bt_once_in(&g->random, 3) ? g->inputs[bt_below(&g->random, (int)g->n_inputs)] : pick(g);
    if (alike(v, state)) return v;
  }
  for (size_t i = 0; i < g->n_outputs; i++)
    if (alike(g->outputs[i], state) && strcmp(bp_var_op(g->outputs[i]), "assign") != 0)
      return bp_sub(state, bp_mul(g->outputs[i], bp_scalar(g->graph, bp_var_dtype(state), 0.1)));
  return bp_mul(state, bp_scalar(g->graph, bp_var_dtype(state), 0.5));
}

static void ask_for_states(bt_random_graph *g) {
  size_t n = g->n_inputs;
  for (size_t i = 0, states = 0; i < n && states < 4 && g->n_outputs < BT_OUTPUTS - 4; i++) {
    bp_dtype t = bp_var_dtype(g->inputs[i]);
    if ((t != BP_F32 && t != BP_F64) || bt_once_in(&g->random, 3)) continue;
    bp_var value = new_value(g, g->inputs[i]);
    if (bt_once_in(&g->random, 3)) (void)add_output(g, g->inputs[i]); /* the old one */
    (void)add_output(g, bp_assign(g->inputs[i], value));
    states++;
  }
}

void bt_random_graph_make(bp_context *ctx, const bt_random_options *options, bt_random_graph *g) {
  *g = (bt_random_graph){.options = *options, .random = {.seed = options->seed}, .narrow = !options->f64};
  bt_assert_ok(ctx, bp_graph_new(ctx, &g->graph));
  for (int i = 0; i < 2; i++) {
    dims d = any_dims(&g->random);
    while (row_of(&d) > ROW_MOST) d = any_dims(&g->random);
    (void)new_input(g, options->f64 ? BP_F64 : BP_F32, &d);
  }
  /* derivatives, states and their seeds need inputs too */
  for (int i = 0; i < options->steps && g->n_pool < BT_POOL - 8 && g->n_inputs < BT_INPUTS - 12; i++)
    (void)keep(g, step(g));
  int outputs = 1 + bt_below(&g->random, 4);
  (void)add_output(g, g->pool[g->n_pool - 1]);
  for (int i = 1; i < outputs; i++) (void)add_output(g, pick(g)); /* the same one twice, or an input, now and then */
  if (options->derivatives) ask_for_derivatives(g);
  if (options->states) ask_for_states(g);
  bt_assert_ok(ctx, bp_graph_status(g->graph));
}

void bt_random_graph_free(bt_random_graph *g) {
  bt_free_arrays(g->values, g->n_inputs);
  bp_graph_free(g->graph);
}

bt_function bt_random_graph_function(const bt_random_graph *g, const char *label) {
  return (bt_function){.label = label,
                       .outputs = g->outputs,
                       .n_outputs = g->n_outputs,
                       .inputs = g->inputs,
                       .n_inputs = g->n_inputs,
                       .values = (const void *const *)g->values,
                       .max_batch = g->options.max_batch};
}
