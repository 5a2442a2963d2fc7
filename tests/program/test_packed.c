/* Products whose right side is packed before the phases that read it: where that is done, and that it changes no bit, also when
 * the right side is a state that the same program overwrites.
 */
#include <string.h>

#include "backprop/autodiff.h"
#include "support/graph_check.h"
#include "support/testing.h"

static const int threads[] = {1, 2, 3, 0};
static const int64_t batches[] = {0, 1, 37, 200, -1};
enum { MOST = 200, INPUTS = 3 };

static int count(const char *text, const char *words) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, words)) != NULL; at++) n++;
  return n;
}

/* The packings in the plan. */
static int packings(bp_context *ctx, const bt_function *f) {
  char *text;
  bt_runner r = bt_runner_new(ctx, f, false, 1);
  bt_assert_ok(ctx, bp_program_explain(ctx, r.program, &text));
  int n = count(text, "\n      pack ");
  bp_string_free(ctx, text);
  bt_runner_free(&r);
  return n;
}

/* x [batch, k], w [k, n], u [m, n]: x w, its derivative through w (w transposed), and a product with u transposed. */
static void check(bp_context *ctx, bp_dtype t, int64_t k, int64_t n, int64_t m, int expected) {
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var in[INPUTS] = {bp_input(g, "x", t, 2, ((const int64_t[]){BP_BATCH, k})),
                       bp_input(g, "w", t, 2, ((const int64_t[]){k, n})),
                       bp_input(g, "u", t, 2, ((const int64_t[]){m, n}))};
  bp_var y = bp_tanh(bp_matmul(in[0], in[1])), z = bp_matmul_t(y, false, in[2], true), dw, dx;
  bp_var objective = bp_mean(bp_square(z), BP_ALL_AXES);
  bt_assert_ok(ctx, bp_grad(objective, &in[1], 1, &dw));
  bt_assert_ok(ctx, bp_grad(objective, &in[0], 1, &dx));
  bp_var out[] = {objective, z, dx, bp_assign(in[1], bp_sub(in[1], bp_mul(dw, bp_scalar(g, t, 0.01))))};
  bt_assert_ok(ctx, bp_graph_status(g));
  bt_random r = {.seed = 3};
  void *values[INPUTS];
  for (int i = 0; i < INPUTS; i++) values[i] = bt_array_uniform(in[i], MOST, &r, -0.3, 0.3);
  bt_function f = {"packed", out, sizeof out / sizeof *out, in, INPUTS, (const void *const *)values, MOST};
  int64_t finite = 0;
  int64_t compared = bt_assert_every_way(ctx, &f, threads, batches, &finite);
  assert_true(compared > 10000 && finite > 10000);
  if (packings(ctx, &f) != expected) fail_msg("%d packings, expected %d", packings(ctx, &f), expected);
  bt_free_arrays(values, INPUTS);
  bp_graph_free(g);
}

static void wide_right_sides_are_packed(void **state) {
  bp_context *ctx = bt_ctx(state);
  check(ctx, BP_F32, 256, 300, 260, 4); /* w and u, as they are and transposed */
  check(ctx, BP_F64, 130, 128, 133, 4);
}

static void narrow_ones_are_read_in_place(void **state) {
  bp_context *ctx = bt_ctx(state);
  check(ctx, BP_F32, 250, 255, 20, 0);
  check(ctx, BP_F32, 20, 256, 40, 1); /* 20 rows of w are too few; dy = dz u has 256 columns */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(wide_right_sides_are_packed),
      BT_TEST(narrow_ones_are_read_in_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
