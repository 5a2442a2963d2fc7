/* labels: unit grad */
/* Activations and their derivatives far from 0, where 1 + tanh, 1 + erf and what is made of a rounded 1 have nothing left: against
 * values of another library, in both types.
 */
#include <float.h>
#include <stdlib.h>

#include "backprop/autodiff.h"
#include "net/activation_values.h"
#include "support/graph_check.h"
#include "support/testing.h"

static const int threads[] = {1, 0};
static const int64_t one_batch[] = {1, -1};

static double epsilon(bp_dtype t) { return t == BP_F64 ? DBL_EPSILON : (double)FLT_EPSILON; }
static double least(bp_dtype t) { return t == BP_F64 ? 0x1p-1074 : 0x1p-149; }

/* In units of epsilon. An exponential of an argument u has the rounding error of u, times u: that of the Gaussians of gelu is x²/2,
 * of gelu_tanh 0.07 |x|³. Products of functions add up, and zeros of derivatives are not far from some rows. */
static double allowed(const activation_row *r, int order) {
  double x = fabs(r->x) < 40 ? fabs(r->x) : 40;
  if (r->kind == BP_GELU) return 8 + 2 * x * x + 4 * order;
  if (r->kind == BP_GELU_TANH) return 8 + 0.3 * x * x * x + 4 * order;
  return 4 + 3 * order;
}

/* In float32 a layer's derivative is 0 where the unit is 1 to the last bit: floats only, and no other activation. */
static bool is_held(const activation_row *r) {
  if (r->dtype == BP_F64) return false;
  return (r->kind == BP_TANH && fabs(r->x) > 10) || (r->kind == BP_SIGMOID && r->x > 17.5);
}

static int compare(bp_context *ctx, const activation_row *r) {
  bp_graph *g;
  void *results[3];
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", r->dtype, 0, NULL), one = bp_scalar(g, r->dtype, 1), out[3];
  void *place = bt_array(x, 1);
  bt_set(place, r->dtype, 0, r->x);
  out[0] = bp_activate((bp_activation_spec){.kind = r->kind}, x, x);
  bt_assert_ok(ctx, bp_vjp(&out[0], &one, 1, &x, 1, &out[1]));
  bt_assert_ok(ctx, bp_vjp(&out[1], &one, 1, &x, 1, &out[2]));
  bt_function f = {bp_activation_name(r->kind), out, 3, &x, 1, (const void *const[]){place}, 1};
  (void)bt_assert_every_way(ctx, &f, threads, one_batch, NULL);
  bt_evaluate(ctx, &f, 1, results, NULL);
  int bad = 0;
  for (int order = 0; order < 3; order++) {
    double want = order == 0 ? r->value : is_held(r) ? 0 : order == 1 ? r->first : r->second;
    double got = bt_get(results[order], r->dtype, 0);
    if (fabs(got - want) <= allowed(r, order) * epsilon(r->dtype) * fabs(want) + 4 * least(r->dtype)) continue;
    print_message("%s, %s, order %d: at %.17g is %.17g, expected %.17g (%.3g eps)\n", bp_activation_name(r->kind),
                  bp_dtype_name(r->dtype), order, r->x, got, want, fabs(got / want - 1) / epsilon(r->dtype));
    bad++;
  }
  bt_free_arrays(results, 3);
  free(place);
  bp_graph_free(g);
  return bad;
}

static void activations_have_the_values_of_mpmath(void **state) {
  int bad = 0;
  for (int i = 0; i < ACTIVATION_ROWS; i++) bad += compare(bt_ctx(state), &activation_rows[i]);
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(activations_have_the_values_of_mpmath)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
