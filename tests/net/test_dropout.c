/* labels: unit */
/* test_dropout.c - random masks: how much they drop, and that they depend on seed, layer and step alone. */
#include "net/layer_fixtures.h"

enum { ROWS = 13, MOST = 600 };

/* ---- dropout ---- */

static void dropout_drops_its_part_and_keeps_the_mean(void **state) {
  enum { N = 50 };
  nt_setup s = nt_begin(state, N);
  static double x[MOST * N], y[MOST * N];
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.3));
  for (int i = 0; i < MOST * N; i++) x[i] = 1;
  nt_apply(&s, (nt_run){.training = true, .threads = 1, .step = 4, .seed = 9}, MOST, x, y);
  int dropped = 0;
  for (int i = 0; i < MOST * N; i++) {
    dropped += y[i] == 0;
    if (y[i] != 0) bt_assert_close(y[i], 1 / 0.7, 1e-15, 0);
  }
  /* 30,000 draws: 5 standard errors */
  bt_assert_close((double)dropped / (MOST * N), 0.3, 0, 5 * sqrt(0.21 / (MOST * N)));
  nt_apply(&s, (nt_run){.threads = 1}, MOST, x, y);
  bt_assert_same_bits(x, y, sizeof y);
  nt_end(&s);
}

/* What is dropped is 0 even where the value is not finite, and no rate does nothing. */
static void dropout_of_what_is_not_finite(void **state) {
  nt_setup s = nt_begin(state, 40), none = nt_begin(state, 40);
  double x[40], y[40], same[40];
  for (int i = 0; i < 40; i++) x[i] = INFINITY;
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, none.net, 0));
  nt_apply(&s, (nt_run){.training = true, .threads = 1}, 1, x, y);
  nt_apply(&none, (nt_run){.training = true, .threads = 1}, 1, x, same);
  for (int i = 0; i < 40; i++) assert_true(y[i] == 0 || isinf(y[i]));
  bt_assert_same_bits(x, same, sizeof x);
  nt_end(&s);
  nt_end(&none);
}

/* The same bits for every number of threads, and for the plain evaluation; other ones for another step, seed or layer. */
static void masks_depend_on_seed_layer_and_step_alone(void **state) {
  enum { N = 7, MANY = 300 };
  static double x[MANY * N], first[MANY * N], y[MANY * N];
  nt_setup s = nt_begin(state, N);
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  for (int i = 0; i < MANY * N; i++) x[i] = 1;
  nt_apply(&s, (nt_run){.training = true, .step = 1, .seed = 2}, MANY, x, first);
  for (int threads = 1; threads <= 3; threads++) {
    nt_apply(&s, (nt_run){.training = true, .threads = threads, .step = 1, .seed = 2}, MANY, x, y);
    bt_assert_same_bits(y, first, sizeof y);
  }
  nt_apply(&s, (nt_run){.training = true, .threads = 1, .step = 1, .seed = 2}, 17, x,
           y); /* fewer rows: the same ones */
  bt_assert_same_bits(y, first, 17 * N * sizeof *y);
  const nt_run others[] = {{true, 1, 2, 2, 0}, {true, 1, 1, 3, 0}};
  for (int i = 0; i < 2; i++) {
    int same = 0;
    nt_apply(&s, others[i], MANY, x, y);
    for (int j = 0; j < MANY * N; j++) same += y[j] == first[j];
    bt_assert_close((double)same / (MANY * N), 0.5, 0, 5 * sqrt(0.25 / (MANY * N)));
  }
  nt_end(&s);
}

/* Two layers of one network draw apart: of what both keep there is a quarter. */
static void layers_have_masks_of_their_own(void **state) {
  enum { N = 50 };
  static double x[MOST * N], y[MOST * N];
  nt_setup s = nt_begin(state, N);
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  bt_assert_ok(s.ctx, bp_net_dropout(s.ctx, s.net, 0.5));
  for (int i = 0; i < MOST * N; i++) x[i] = 1;
  nt_apply(&s, (nt_run){.training = true, .threads = 1}, MOST, x, y);
  int kept = 0;
  for (int i = 0; i < MOST * N; i++) kept += y[i] == 4;
  bt_assert_close((double)kept / (MOST * N), 0.25, 0, 5 * sqrt(0.19 / (MOST * N)));
  nt_end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(dropout_drops_its_part_and_keeps_the_mean),
      BT_TEST(dropout_of_what_is_not_finite),
      BT_TEST(masks_depend_on_seed_layer_and_step_alone),
      BT_TEST(layers_have_masks_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
