/* labels: grad */
/* First and second derivatives of the elementwise operations where formulas lose accuracy, and their limits at infinity: against
 * values of another library, in both types, by every mode there is, and by the sweep over eager numbers.
 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autodiff/derivative_values.h"
#include "backprop/autodiff.h"
#include "graph/node.h"
#include "support/graph_check.h"
#include "support/testing.h"

static const int threads[] = {1, 0};
static const int64_t one_batch[] = {1, -1};

/* What may be off in first and second derivatives, in units of the type's epsilon: 2 and 3 are. */
static const double allowed[2] = {2.5, 4}, exactly[2] = {0, 0};

enum { FIRST_REVERSE, FIRST_FORWARD, SECOND_REVERSE, SECOND_FORWARD, WAYS };
static const char *const ways[] = {"first, reverse", "first, forward", "second, reverse over reverse",
                                   "second, forward over reverse"};

static double epsilon(bp_dtype t) { return t == BP_F64 ? DBL_EPSILON : (double)FLT_EPSILON; }
static double least(bp_dtype t) { return t == BP_F64 ? 0x1p-1074 : 0x1p-149; }
static double most(bp_dtype t) { return t == BP_F64 ? DBL_MAX : (double)FLT_MAX; }

/* Within `ulps` of what is expected; a result below the normal numbers may be a few of its own units off. */
static bool close_to(double got, double want, bp_dtype t, double ulps) {
  if (isinf(want) || fabs(want) > most(t)) return got == (want > 0 ? INF : -INF);
  if (isinf(got)) return fabs(want) > most(t) * (1 - ulps * epsilon(t)) && (got > 0) == (want > 0);
  return fabs(got - want) <= ulps * epsilon(t) * fabs(want) + 4 * least(t);
}

/* All derivatives at n points: results[way], arrays of the type; free(). */
static void derivatives_at(bp_context *ctx, function f, bp_dtype t, int64_t n, const double *at, void *results[WAYS]) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", t, 1, &n), ones = bp_broadcast(bp_scalar(g, t, 1), 1, &n), out[WAYS];
  bp_var y = functions[f].build(x);
  void *place = bt_array(x, 1);
  for (int64_t i = 0; i < n; i++) bt_set(place, t, i, at[i]);
  bt_assert_ok(ctx, bp_vjp(&y, &ones, 1, &x, 1, &out[FIRST_REVERSE]));
  bt_assert_ok(ctx, bp_jvp(&y, 1, &x, &ones, 1, &out[FIRST_FORWARD]));
  bt_assert_ok(ctx, bp_vjp(&out[FIRST_REVERSE], &ones, 1, &x, 1, &out[SECOND_REVERSE]));
  bt_assert_ok(ctx, bp_jvp(&out[FIRST_REVERSE], 1, &x, &ones, 1, &out[SECOND_FORWARD]));
  bt_function run = {functions[f].name, out, WAYS, &x, 1, (const void *const[]){place}, 1};
  (void)bt_assert_every_way(ctx, &run, threads, one_batch, NULL);
  bt_evaluate(ctx, &run, 1, results, NULL);
  free(place);
  bp_graph_free(g);
}

/* Counts and shows what is not as expected. */
static int compare(bp_context *ctx, function f, bp_dtype t, const double at[3], const double ulps[2]) {
  void *results[WAYS];
  int bad = 0;
  derivatives_at(ctx, f, t, 1, at, results);
  for (int way = 0; way < WAYS; way++) {
    int order = way >= SECOND_REVERSE;
    double got = bt_get(results[way], t, 0);
    if (close_to(got, at[1 + order], t, ulps[order])) continue;
    print_message("%s, %s, %s: at %.17g is %.17g, expected %.17g (%.3g eps)\n", functions[f].name, bp_dtype_name(t),
                  ways[way], at[0], got, at[1 + order], fabs(got / at[1 + order] - 1) / epsilon(t));
    bad++;
  }
  bt_free_arrays(results, WAYS);
  return bad;
}

static void derivatives_have_the_values_of_mpmath(void **state) {
  int bad = 0;
  for (int i = 0; i < DERIVATIVE_ROWS; i++) {
    const derivative_row *r = &derivative_rows[i];
    bad += compare(bt_ctx(state), r->of, r->dtype, (double[]){r->x, r->first, r->second}, allowed);
  }
  assert_int_equal(bad, 0);
}

static void derivatives_at_infinity_are_the_limits(void **state) {
  int bad = 0;
  for (int i = 0; i < LIMIT_ROWS; i++)
    for (int t = 0; t < 2; t++) {
      const limit_row *r = &limit_rows[i];
      bad += compare(bt_ctx(state), r->of, t == 0 ? BP_F32 : BP_F64, (double[]){r->x, r->first, r->second}, exactly);
    }
  assert_int_equal(bad, 0);
}

/* bp_backward() of one number. */
static double swept(bp_context *ctx, function f, double at) {
  bp_graph *g;
  double slope;
  bt_assert_ok(ctx, bp_graph_new_eager(ctx, &g));
  bp_var x = bp_variable(g, "x", BP_F64, 0, NULL, &at), y = functions[f].build(x);
  bt_assert_ok(ctx, bp_backward(y, &x, 1, (void *const[]){&slope}));
  bp_graph_free(g);
  return slope;
}

static void the_sweep_over_numbers_has_them_too(void **state) {
  int bad = 0;
  for (int i = 0; i < DERIVATIVE_ROWS + LIMIT_ROWS; i++) {
    const limit_row *limit = &limit_rows[i - (i < DERIVATIVE_ROWS ? i : DERIVATIVE_ROWS)];
    const derivative_row r = i < DERIVATIVE_ROWS
                                 ? derivative_rows[i]
                                 : (derivative_row){limit->of, BP_F64, limit->x, limit->first, limit->second};
    if (r.dtype != BP_F64) continue;
    double got = swept(bt_ctx(state), r.of, r.x);
    if (close_to(got, r.first, BP_F64, allowed[0])) continue;
    print_message("%s: swept at %.17g is %.17g, expected %.17g\n", functions[r.of].name, r.x, got, r.first);
    bad++;
  }
  assert_int_equal(bad, 0);
}

/* A new operation that is not made of straight lines has rows here. */
static void every_curved_operation_of_one_has_rows(void **state) {
  static const char *const elsewhere[] = {"neg", "abs", "relu", "square", "sin", "cos"};
  (void)state;
  for (int op = 0; op < BP_OP_COUNT; op++) {
    bool found = bp_op_table[op].arity != 1 || bp_op_table[op].op_class != BP_CLASS_ELEMENTWISE;
    for (int f = 0; f < FUNCTIONS; f++) found |= strcmp(functions[f].name, bp_op_table[op].name) == 0;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
      found |= strcmp(elsewhere[i], bp_op_table[op].name) == 0;
    if (!found) fail_msg("%s has no row in derivative_values.h", bp_op_table[op].name);
  }
}

/* The comparison itself: planted errors. */
static void the_comparison_catches_planted_errors(void **state) {
  (void)state;
  assert_true(close_to(1 + 2 * DBL_EPSILON, 1, BP_F64, 2));
  assert_false(close_to(1 + 3 * DBL_EPSILON, 1, BP_F64, 2));
  assert_false(close_to(0, 1e-300, BP_F64, 100));
  assert_false(close_to(0, 1e-40, BP_F32, 100));
  assert_false(close_to(NAN, 1, BP_F64, 100));
  assert_false(close_to(NAN, 0, BP_F64, 100));
  assert_false(close_to(INF, 1e38, BP_F32, 100));
  assert_false(close_to(-INF, INF, BP_F32, 100));
  assert_true(close_to(INF, 1e39, BP_F32, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(derivatives_have_the_values_of_mpmath), BT_TEST(derivatives_at_infinity_are_the_limits),
      BT_TEST(the_sweep_over_numbers_has_them_too),   BT_TEST(every_curved_operation_of_one_has_rows),
      BT_TEST(the_comparison_catches_planted_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
