/* labels: prop */
/* The same bytes on 1, 2, 3, 4 and 8 threads, time and again, on a quiet machine and on a busy one. BT_RUNS=20 runs each as often. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "program/plan.h"
#include "training_step.h"

static const int64_t widths[] = {300, 70, 60, 10};
static const int threads[] = {1, 2, 3, 4, 8};
enum { ROWS = 500, BATCH = 128, STEPS = 6, BURNERS = 3, ALL = sizeof threads / sizeof *threads };

static int runs(void) { return getenv("BT_RUNS") != NULL ? (int)strtol(getenv("BT_RUNS"), NULL, 10) : 2; }

/* Parameters and velocities after some steps, the last ones with fewer rows; after[i]: NEW. */
static void train(bp_context *ctx, bp_dtype t, int n_threads, void **after) {
  training_step s = training_step_new(ctx, t, widths, ROWS, BATCH);
  bt_function f = training_step_function(&s);
  bt_runner r = bt_runner_new(ctx, &f, false, n_threads);
  void *outputs[STEP_OUTPUTS] = {NULL};
  for (int step = 0; step < STEPS; step++) {
    training_step_draw(&s, step);
    bt_assert_ok(ctx, bp_run(r.program, r.workspace, step < 4 ? BATCH : 77, (const void *const *)s.values, outputs));
  }
  for (int i = 0; i < STEP_INPUTS; i++) {
    after[i] = bt_array(s.inputs[i], BATCH);
    memcpy(after[i], s.values[i], bt_bytes(s.inputs[i], BATCH));
  }
  bt_runner_free(&r);
  training_step_free(&s);
}

static void check_all(bp_context *ctx) {
  for (int type = 0; type < 2; type++) {
    bp_dtype t = type == 0 ? BP_F32 : BP_F64;
    training_step s = training_step_new(ctx, t, widths, ROWS, BATCH);
    void *want[STEP_INPUTS], *got[STEP_INPUTS];
    train(ctx, t, 1, want);
    assert_true(memcmp(want[3], s.values[3], bt_bytes(s.inputs[3], BATCH)) != 0);
    for (int n = 0; n < ALL * runs(); n++) {
      train(ctx, t, threads[n % ALL], got);
      for (int i = 3; i < STEP_INPUTS; i++) bt_assert_same_bits(got[i], want[i], bt_bytes(s.inputs[i], BATCH));
      bt_free_arrays(got, STEP_INPUTS);
    }
    bt_free_arrays(want, STEP_INPUTS);
    training_step_free(&s);
  }
}

static void all_threads_give_the_same_bytes(void **state) { check_all(bt_ctx(state)); }

static void *burn(void *stop) {
  while (!atomic_load((atomic_bool *)stop)) continue;
  return NULL;
}

static void so_they_do_on_a_busy_machine(void **state) {
  pthread_t burners[BURNERS];
  atomic_bool stop = false;
  for (int i = 0; i < BURNERS; i++) assert_int_equal(pthread_create(&burners[i], NULL, burn, &stop), 0);
  check_all(bt_ctx(state));
  atomic_store(&stop, true);
  for (int i = 0; i < BURNERS; i++) (void)pthread_join(burners[i], NULL);
}

/* Threads are started only where a phase is large enough to share, whatever is asked for. */
static void small_programs_start_no_threads(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int large = 0; large < 2; large++)
    for (int asked = 0; asked < 4; asked++) {
      bp_graph *g;
      bp_program *p;
      bp_workspace *w;
      bt_assert_ok(ctx, bp_graph_new(ctx, &g));
      int64_t n = large ? 1 << 17 : 1 << 10;
      bp_var x = bp_input(g, "x", BP_F64, 1, &n), y = bp_sin(bp_exp(x));
      bt_assert_ok(ctx, bp_compile(&y, 1, &x, 1, NULL, &p));
      bt_assert_ok(ctx, bp_workspace_new(ctx, p, asked, &w));
      if (!large || asked == 1)
        assert_int_equal(w->threads, 1);
      else if (asked > 1)
        assert_int_equal(w->threads, asked);
      if (asked != 0) assert_int_equal(w->pool != NULL, w->threads > 1);
      bp_workspace_free(w);
      bp_program_free(p);
      bp_graph_free(g);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(all_threads_give_the_same_bytes),
      BT_TEST(so_they_do_on_a_busy_machine),
      BT_TEST(small_programs_start_no_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
