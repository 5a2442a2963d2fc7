/* support/graph_random.c - random graphs. */
#include "support/graph_random_steps.h"

#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "support/testing.h"

static const int64_t sizes[] = {1, 1, 2, 2, 3, 4, 5, 7, 8, 13, 16, 17, 32, 33};

bt_dims bt_dims_of(bp_var v) {
  bt_dims d = {.rank = bp_var_rank(v)};
  for (int i = 0; i < d.rank; i++) d.at[i] = bp_var_dim(v, i);
  return d;
}

int64_t bt_row_of(const bt_dims *d) {
  int64_t n = 1;
  for (int i = 0; i < d->rank; i++) n *= d->at[i] == BP_BATCH ? 1 : d->at[i];
  return n;
}

bool bt_has_batch(const bt_dims *d) { return d->rank > 0 && d->at[0] == BP_BATCH; }

int64_t bt_any_size(bt_random *r) { return sizes[bt_below(r, (int)(sizeof sizes / sizeof *sizes))]; }

int64_t bt_rows(const bt_random_graph *g) { return g->options.eager || g->options.fixed ? 3 : BP_BATCH; }

bt_dims bt_any_dims(bt_random_graph *g) {
  bt_random *r = &g->random;
  bt_dims d = {.rank = bt_below(r, 4)};
  for (int i = 0; i < d.rank; i++) d.at[i] = bt_any_size(r);
  if (d.rank > 0 && !bt_once_in(r, 3)) d.at[0] = bt_rows(g);
  return d;
}

/* ---- the pool ---- */

bp_var bt_keep(bt_random_graph *g, bp_var v) {
  bt_assert_ok(bp_graph_context(g->graph), bp_graph_status(g->graph));
  bp_dtype t = bp_var_dtype(v);
  if (g->n_pool < BT_POOL && (t == BP_F32 || t == BP_F64)) g->pool[g->n_pool++] = v;
  return v;
}

/* An eager graph wants the values with the variable, which shapes the array of values: so the variable comes twice. */
bp_var bt_add_input(bt_random_graph *g, bp_dtype dtype, const bt_dims *d, double low, double high) {
  bp_var v = bp_input(g->graph, "in", dtype, d->rank, d->at);
  bt_assert_ok(bp_graph_context(g->graph), bp_graph_status(g->graph));
  assert_true(g->n_inputs < BT_INPUTS);
  void *values = g->values[g->n_inputs] = bt_array_uniform(v, g->options.max_batch, &g->random, low, high);
  if (g->options.eager) v = bp_variable(g->graph, "in", dtype, d->rank, d->at, values);
  g->inputs[g->n_inputs++] = v;
  return v;
}

bp_var bt_new_input(bt_random_graph *g, bp_dtype dtype, const bt_dims *d) {
  return bt_keep(g, bt_add_input(g, dtype, d, -1.5, 1.5));
}

bp_var bt_pick(bt_random_graph *g) {
  int back =
      bt_once_in(&g->random, 2) ? bt_below(&g->random, g->n_pool < 4 ? g->n_pool : 4) : bt_below(&g->random, g->n_pool);
  return g->pool[g->n_pool - 1 - back];
}

static bool broadcasts(bp_var a, bp_var b) {
  bt_dims x = bt_dims_of(a), y = bt_dims_of(b);
  if (bp_var_dtype(a) != bp_var_dtype(b)) return false;
  for (int i = 1; i <= x.rank && i <= y.rank; i++) {
    int64_t m = x.at[x.rank - i], n = y.at[y.rank - i];
    if (m != n && m != 1 && n != 1) return false;
    if ((m == BP_BATCH || n == BP_BATCH) && (i < x.rank || i < y.rank)) return false;
  }
  return true;
}

static int64_t row_of_both(bp_var a, bp_var b) {
  bt_dims x = bt_dims_of(a), y = bt_dims_of(b);
  int64_t n = 1;
  for (int i = 1; i <= x.rank || i <= y.rank; i++) {
    int64_t p = i <= x.rank ? x.at[x.rank - i] : 1, q = i <= y.rank ? y.at[y.rank - i] : 1;
    int64_t size = p == 1 ? q : p;
    n *= size == BP_BATCH ? 1 : size;
  }
  return n;
}

bp_var bt_partner(bt_random_graph *g, bp_var a) {
  bt_random *r = &g->random;
  if (bt_once_in(r, 10)) {
    static const double numbers[] = {0, 1, -1, 0.5, 2, -0.0};
    return bp_scalar(g->graph, bp_var_dtype(a), numbers[bt_below(r, 6)]);
  }
  for (int i = 0; i < 6; i++) {
    bp_var b = bt_pick(g);
    if (broadcasts(a, b) && row_of_both(a, b) <= BT_ROW_MOST) return b;
  }
  bt_dims d = bt_dims_of(a);
  int drop = d.rank > 0 ? bt_below(r, d.rank + 1) : 0;
  d.rank -= drop;
  for (int i = 0; i < d.rank; i++) d.at[i] = bt_once_in(r, 3) ? 1 : d.at[i + drop];
  return bt_new_input(g, bp_var_dtype(a), &d);
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
    bp_var v = y[g->n_y] = bt_pick(g);
    bt_dims d = bt_dims_of(v);
    g->y_bar[g->n_y] = (int)g->n_inputs;
    y_bar[g->n_y] = bt_add_input(g, bp_var_dtype(v), &d, -1, 1);
  }
  for (size_t i = 0, n = g->n_inputs; i < n && g->n_x < 3; i++) {
    bp_var v = g->inputs[i];
    bp_dtype t = bp_var_dtype(v);
    if ((t != BP_F32 && t != BP_F64) || (int)i == g->y_bar[0] || (int)i == g->y_bar[1]) continue;
    bt_dims d = bt_dims_of(v);
    x[g->n_x] = v;
    g->x_dot[g->n_x] = (int)g->n_inputs;
    x_dot[g->n_x++] = bt_add_input(g, t, &d, -1, 1);
  }
  bt_assert_ok(ctx, bp_vjp(y, y_bar, 2, x, (size_t)g->n_x, x_bar));
  bt_assert_ok(ctx, bp_jvp(y, 2, x, x_dot, (size_t)g->n_x, y_dot));
  for (int i = 0; i < 2; i++) g->y_dot[i] = add_output(g, y_dot[i]);
  for (int i = 0; i < g->n_x; i++) g->x_bar[i] = add_output(g, x_bar[i]);
}

static bool alike(bp_var a, bp_var b) {
  bt_dims x = bt_dims_of(a), y = bt_dims_of(b);
  return bp_var_dtype(a) == bp_var_dtype(b) && x.rank == y.rank &&
         memcmp(x.at, y.at, (size_t)x.rank * sizeof *x.at) == 0;
}

/* The new value of a state: a variable that looks like it, another input too, or an update of its own. */
static bp_var new_value(bt_random_graph *g, bp_var state) {
  for (int i = 0; i < 8; i++) {
    bp_var v = bt_once_in(&g->random, 3) ? g->inputs[bt_below(&g->random, (int)g->n_inputs)] : bt_pick(g);
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
  bt_assert_ok(ctx, options->eager ? bp_graph_new_eager(ctx, &g->graph) : bp_graph_new(ctx, &g->graph));
  for (int i = 0; i < 2; i++) {
    bt_dims d = bt_any_dims(g);
    while (bt_row_of(&d) > BT_ROW_MOST) d = bt_any_dims(g);
    (void)bt_new_input(g, options->f64 ? BP_F64 : BP_F32, &d);
  }
  /* derivatives, states and their seeds need inputs too */
  for (int i = 0; i < options->steps && g->n_pool < BT_POOL - 8 && g->n_inputs < BT_INPUTS - 12; i++)
    (void)bt_keep(g, bt_once_in(&g->random, 3) ? bt_special_step(g) : bt_usual_step(g));
  int outputs = 1 + bt_below(&g->random, 4);
  (void)add_output(g, g->pool[g->n_pool - 1]);
  for (int i = 1; i < outputs; i++) (void)add_output(g, bt_pick(g)); /* the same one twice, or an input, now and then */
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
