/* labels: unit slow */
/* Graphs of 100,000 nodes and more, in the shapes that tend to be quadratic: they are built, differentiated, compiled and run
 * in time that grows about as the number of nodes.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "backprop/autodiff.h"
#include "support/graph_check.h"
#include "support/testing.h"

/* A scalar from x [batch,8] with about n nodes. */
typedef bp_var (*builder)(bp_var x, int n);

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

static bp_var chain(bp_var x, int n) { /* one long chain of one loop */
  bp_var y = x, tenth = number(x, 0.1);
  for (int i = 0; i < n / 6; i++) y = bp_sub(y, bp_mul(tenth, bp_sin(y)));
  return bp_mean(y, BP_ALL_AXES);
}

static bp_var one_value_for_all(bp_var x, int n) { /* one value with n readers */
  bp_var h = bp_tanh(x), sum = h;
  for (int i = 0; i < n / 3; i++) sum = bp_add(sum, bp_mul(h, number(x, 1.0 / (1 + i))));
  return bp_mean(sum, BP_ALL_AXES);
}

static bp_var many_readers_elsewhere(bp_var x, int n) { /* one value, read by n loops over other spaces */
  bp_var h = bp_sum(bp_tanh(x), BP_AXIS(0)), sum = number(x, 0);
  for (int i = 0; i < n / 8; i++) sum = bp_add(sum, bp_sum(bp_cos(bp_mul(h, number(x, 1.0 + i))), BP_ALL_AXES));
  return sum;
}

static bp_var products(bp_var x, int n) { /* a phase for each product */
  bp_var w = bp_matmul_t(x, true, x, false), y = w;
  for (int i = 0; i < n / 6; i++) y = bp_tanh(bp_matmul(w, y));
  return bp_mean(y, BP_ALL_AXES);
}

static bp_var tree(bp_var x, int n) { /* wide, of nodes that need inputs only */
  bp_var *leaf = malloc((size_t)n * sizeof *leaf);
  int width = n / 6;
  for (int i = 0; i < width; i++) leaf[i] = bp_sigmoid(bp_mul(x, number(x, i * 0.01)));
  for (; width > 1; width = (width + 1) / 2)
    for (int i = 0; i < width / 2; i++) leaf[i] = bp_add(leaf[i], leaf[width - 1 - i]);
  bp_var y = bp_mean(leaf[0], BP_ALL_AXES);
  free(leaf);
  return y;
}

/* Processor seconds to build, differentiate, compile and run. */
static double seconds_for(bp_context *ctx, builder make, int n, bool no_fusion, size_t *nodes, double *checked) {
  const int64_t dims[2] = {BP_BATCH, 8};
  double x_values[16], gradient[16], loss;
  for (int i = 0; i < 16; i++) x_values[i] = 0.1 * i - 0.7;
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  clock_t begin = clock();
  bp_var x = bp_input(g, "x", BP_F64, 2, dims), out[2];
  out[0] = make(x, n);
  bt_assert_ok(ctx, bp_grad(out[0], &x, 1, &out[1]));
  bt_function f = {"large", out, 2, &x, 1, NULL, 2};
  bt_runner r = bt_runner_new(ctx, &f, no_fusion, 1);
  bt_assert_ok(ctx, bp_run(r.program, r.workspace, 2, (const void *[]){x_values}, (void *[]){&loss, gradient}));
  double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
  *nodes = bp_graph_size(g);
  *checked = loss + gradient[3];
  bt_runner_free(&r);
  bp_graph_free(g);
  return seconds;
}

static void check(void **state, const char *name, builder make) {
  enum { FEW = 10000, MANY = 100000 };
  double value[3];
  size_t nodes, few_nodes;
  double few = seconds_for(bt_ctx(state), make, FEW, false, &few_nodes, &value[0]);
  double many = seconds_for(bt_ctx(state), make, MANY, false, &nodes, &value[1]);
  double plain = seconds_for(bt_ctx(state), make, MANY, true, &nodes, &value[2]);
  print_message("%-24s %7zu nodes %.3f s; %7zu nodes %.3f s, without fusion %.3f s\n", name, few_nodes, few, nodes,
                many, plain);
  assert_true(nodes >= MANY && isfinite(value[1]));
  bt_assert_same_bits(&value[1], &value[2], sizeof(double));
  /* ten times as much: 10 would be linear, 100 quadratic; the rest is for caches and a busy machine */
  assert_true(many < 40 * (few + 0.02));
}

static void long_chains(void **state) { check(state, "chain", chain); }
static void one_value_with_many_readers(void **state) { check(state, "one value for all", one_value_for_all); }
static void many_reductions_of_one_value(void **state) {
  check(state, "many readers elsewhere", many_readers_elsewhere);
}
static void many_products(void **state) { check(state, "products", products); }
static void wide_trees(void **state) { check(state, "tree", tree); }

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(long_chains),
      BT_TEST(one_value_with_many_readers),
      BT_TEST(many_reductions_of_one_value),
      BT_TEST(many_products),
      BT_TEST(wide_trees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
