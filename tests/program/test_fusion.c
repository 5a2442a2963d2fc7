/* labels: prop */
/* Random graphs: a program computes the bits that plain evaluation computes, fused or not, on any number of threads, for any
 * batch, whatever lay in its memory before; eager graphs hold the same bits; and forward and reverse derivatives agree.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/graph_random.h"
#include "support/testing.h"

enum { GRAPHS = 500 };
static const int threads[] = {1, 2, 3, 0};
static const int64_t batches[] = {0, 1, 17, 37, -1};

static int number_in(const char *variable, int otherwise) {
  const char *text = getenv(variable);
  return text != NULL ? (int)strtol(text, NULL, 10) : otherwise;
}

/* BT_GRAPHS=100000 looks longer for something wrong, BT_GRAPH=15 shows graph 15. A child with narrower kernels looks at
 * fewer. */
static int graphs(void) { return number_in("BT_GRAPHS", GRAPHS) / (bt_is_child() ? 5 : 1); }
static int chosen(void) { return number_in("BT_GRAPH", -1); }

static bt_random_options options_of(int number) {
  return (bt_random_options){.seed = 1000 + (uint64_t)number,
                             .steps = 4 + number % 37,
                             .max_batch = 37,
                             .f64 = number % 2 == 1,
                             .derivatives = number % 3 != 0,
                             .states = number % 4 >= 2};
}

static void every_way_of_running_a_graph_gives_the_same_bits(void **state) {
  bp_context *ctx = bt_ctx(state);
  int64_t compared = 0, finite = 0;
  for (int i = 0; i < graphs(); i++) {
    bt_random_options options = options_of(i);
    bt_random_graph g;
    char label[64];
    (void)snprintf(label, sizeof label, "random graph %d", i);
    bt_random_graph_make(ctx, &options, &g);
    bt_function f = bt_random_graph_function(&g, label);
    if (i == chosen()) bt_show(ctx, &f);
    compared += bt_assert_every_way(ctx, &f, threads, batches, &finite);
    bt_random_graph_free(&g);
  }
  print_message("%d graphs, %lld elements compared, %lld of the outputs finite\n", graphs(), (long long)compared,
                (long long)finite);
  assert_true(compared > graphs() * 1000 && finite > compared / 4);
}

/* ---- eager = evaluated = compiled ---- */

/* Elements of the outputs, whose values, which stand there since they were built, must have the bits that bp_eval() gives. */
static int64_t compare_with_values(bp_context *ctx, const bt_function *f) {
  void *results[BT_OUTPUTS];
  int64_t compared = 0;
  bt_evaluate(ctx, f, 1, results, NULL);
  for (size_t i = 0; i < f->n_outputs; i++) {
    int64_t n = bt_elements(f->outputs[i], 1);
    const void *value = bp_values(f->outputs[i]);
    assert_non_null(value);
    int64_t at = bt_first_difference(value, results[i], bp_var_dtype(f->outputs[i]), n);
    if (at >= 0)
      fail_msg("%s: output %zu, element %d is %.17g, evaluation gives %.17g", f->label, i, (int)at,
               bt_get(value, bp_var_dtype(f->outputs[i]), at), bt_get(results[i], bp_var_dtype(f->outputs[i]), at));
    compared += n;
  }
  bt_free_arrays(results, f->n_outputs);
  return compared;
}

static void values_of_eager_graphs_are_those_of_programs(void **state) {
  static const int64_t no_batch[] = {1, -1};
  bp_context *ctx = bt_ctx(state);
  int64_t compared = 0;
  for (int i = 0; i < graphs(); i++) {
    bt_random_options options = options_of(i);
    options.seed += 9000;
    options.eager = true;
    options.max_batch = 1;
    options.states = false;
    bt_random_graph g;
    char label[64];
    (void)snprintf(label, sizeof label, "random eager graph %d", i);
    bt_random_graph_make(ctx, &options, &g);
    bt_function f = bt_random_graph_function(&g, label);
    compared += compare_with_values(ctx, &f);
    (void)bt_assert_every_way(ctx, &f, threads, no_batch, NULL);
    bt_random_graph_free(&g);
  }
  print_message("%d graphs, %lld elements compared\n", graphs(), (long long)compared);
  assert_true(compared > graphs() * 50);
}

/* ---- forward = reverse ---- */

typedef struct inner {
  double sum, size;
} inner;

static void add_inner(inner *total, bp_var v, int64_t batch, const void *a, const void *b) {
  for (int64_t i = 0; i < bt_elements(v, batch); i++) {
    double term = bt_get(a, bp_var_dtype(v), i) * bt_get(b, bp_var_dtype(v), i);
    total->sum += term;
    total->size += fabs(term);
  }
}

/* ⟨y_bar, J x_dot⟩ and ⟨Jᵀ y_bar, x_dot⟩; element e of sign[] = -1 plants a fault. False: not finite. */
static bool both_sides(bp_context *ctx, const bt_random_graph *g, int64_t batch, double fault, inner *forward,
                       inner *reverse) {
  bt_function f = bt_random_graph_function(g, NULL);
  void *results[BT_OUTPUTS];
  bt_evaluate(ctx, &f, batch, results, NULL);
  *forward = *reverse = (inner){0, 0};
  for (int i = 0; i < g->n_y; i++)
    if (g->y_dot[i] >= 0)
      add_inner(forward, g->outputs[g->y_dot[i]], batch, g->values[g->y_bar[i]], results[g->y_dot[i]]);
  for (int i = 0; i < g->n_x; i++)
    if (g->x_bar[i] >= 0)
      add_inner(reverse, g->outputs[g->x_bar[i]], batch, g->values[g->x_dot[i]], results[g->x_bar[i]]);
  forward->sum *= fault;
  bt_free_arrays(results, g->n_outputs);
  return isfinite(forward->sum) && isfinite(reverse->sum);
}

/* The products of a graph pass through float32 where there is a cast or the main type says so; sums of mixed signs lose a
 * few digits more, in proportion to the size of their terms. */
static bool agree(const inner *a, const inner *b, bool f64) {
  double size = a->size + b->size + 1e-3;
  return fabs(a->sum - b->sum) <= (f64 ? 1e-9 : 2e-3) * size;
}

static void forward_and_reverse_derivatives_agree(void **state) {
  bp_context *ctx = bt_ctx(state);
  int exact = 0, loose = 0, caught = 0;
  for (int i = 0; i < graphs(); i++) {
    bt_random_options options = options_of(i);
    options.seed += 5000;
    options.derivatives = true;
    options.states = false;
    options.f64 = i % 4 != 0;
    options.one_type = i % 2 != 0;
    bt_random_graph g;
    inner forward, reverse;
    bt_random_graph_make(ctx, &options, &g);
    bool f64 = !g.narrow;
    if (both_sides(ctx, &g, 11, 1, &forward, &reverse)) {
      if (!agree(&forward, &reverse, f64))
        fail_msg("graph %d: forward %.17g, reverse %.17g", i, forward.sum, reverse.sum);
      if (forward.size > 0) f64 ? exact++ : loose++;
      if (f64 && both_sides(ctx, &g, 11, 1.001, &forward, &reverse)) caught += !agree(&forward, &reverse, true);
    }
    bt_random_graph_free(&g);
  }
  print_message("%d graphs to 1e-9, %d to 2e-3; %d planted faults were caught\n", exact, loose, caught);
  assert_true(exact > graphs() / 8 && loose > graphs() / 8 && caught > exact * 9 / 10);
}

/* ---- other kernels ---- */

static void narrower_kernels_do_the_same(void **state) {
  (void)state;
  bt_run_again_with_narrower_kernels();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(every_way_of_running_a_graph_gives_the_same_bits),
      BT_TEST(values_of_eager_graphs_are_those_of_programs),
      BT_TEST(forward_and_reverse_derivatives_agree),
      BT_TEST(narrower_kernels_do_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
