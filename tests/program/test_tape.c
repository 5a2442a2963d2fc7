/* Small programs from their tape: it is used where it should be, follows the caller's arrays, changes no bit, and allocates
 * nothing. (That every kind of graph gives the same bits from a tape is checked with the random graphs.)
 */
#include <stdlib.h>
#include <string.h>

#include "program/tape.h"
#include "training_step.h"

static const int64_t few[] = {5, 7, 4, 3}, many[] = {784, 128, 128, 10};

static void run(bp_context *ctx, const bt_runner *r, int64_t batch, void *const *values, void **outputs) {
  bt_assert_ok(ctx, bp_run(r->program, r->workspace, batch, (const void *const *)values, outputs));
}

static void a_batch_is_taped_when_it_comes_again(void **state) {
  bp_context *ctx = bt_ctx(state);
  training_step s = training_step_new(ctx, BP_F32, few, 100, 20);
  bt_function f = training_step_function(&s);
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  void *outputs[STEP_OUTPUTS] = {NULL};
  static const struct {
    int64_t batch;
    bool taped;
  } runs[] = {{20, false}, {20, true}, {20, true}, {3, false}, {20, false}, {20, true}, {0, false}, {0, true}};
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    run(ctx, &r, runs[i].batch, s.values, outputs);
    assert_int_equal(plan_tape_is_on(r.workspace), runs[i].taped);
  }
  bt_runner_free(&r);
  training_step_free(&s);
}

static void large_programs_and_large_batches_are_not(void **state) {
  bp_context *ctx = bt_ctx(state);
  training_step small = training_step_new(ctx, BP_F32, few, 100, 300),
                large = training_step_new(ctx, BP_F32, many, 100, 8);
  bt_function f = training_step_function(&small), g = training_step_function(&large);
  bt_runner r = bt_runner_new(ctx, &f, false, 1), q = bt_runner_new(ctx, &g, false, 1);
  void *outputs[STEP_OUTPUTS] = {NULL};
  for (int i = 0; i < 3; i++) {
    run(ctx, &r, 300, small.values, outputs);
    run(ctx, &q, 8, large.values, outputs);
  }
  assert_false(plan_tape_is_on(r.workspace));
  assert_false(plan_tape_is_on(q.workspace));
  bt_runner_free(&r);
  bt_runner_free(&q);
  training_step_free(&small);
  training_step_free(&large);
}

/* A copy of the values that a step changes, elsewhere each time. */
static void copy_values(const training_step *s, void **from, void **to) {
  for (int i = 0; i < STEP_INPUTS; i++) {
    to[i] = bt_array(s->inputs[i], s->batch);
    memcpy(to[i], from[i], bt_bytes(s->inputs[i], s->batch));
  }
}

/* Thirty steps: on the tape all arrays move from step to step, and outputs are wanted or not; beside it runs a workspace that
 * never has the same batch twice. */
static void a_tape_follows_the_arrays_of_the_caller(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int threads = 1; threads <= 2; threads++) {
    training_step s = training_step_new(ctx, BP_F32, few, 100, 20);
    bt_function f = training_step_function(&s);
    bt_runner taped = bt_runner_new(ctx, &f, false, threads), plain = bt_runner_new(ctx, &f, false, threads);
    void *values[31][STEP_INPUTS], *none[STEP_OUTPUTS] = {NULL};
    copy_values(&s, s.values, values[0]);
    for (int step = 0; step < 30; step++) {
      float a = -1, b = -2;
      void *wanted[STEP_OUTPUTS] = {&a}, *plainly[STEP_OUTPUTS] = {&b}, *spare[STEP_INPUTS];
      training_step_draw(&s, step);
      for (int i = 1; i < 3; i++) memcpy(values[step][i], s.values[i], bt_bytes(s.inputs[i], 20));
      copy_values(&s, s.values, spare);
      run(ctx, &plain, 1, spare, none); /* another batch in between */
      bt_free_arrays(spare, STEP_INPUTS);
      run(ctx, &plain, 20, s.values, plainly);
      run(ctx, &taped, 20, values[step], step % 3 == 1 ? none : wanted);
      assert_false(plan_tape_is_on(plain.workspace));
      assert_int_equal(plan_tape_is_on(taped.workspace), step > 0);
      if (step % 3 != 1) bt_assert_same_bits(&a, &b, sizeof a);
      for (int i = 3; i < STEP_INPUTS; i++)
        bt_assert_same_bits(values[step][i], s.values[i], bt_bytes(s.inputs[i], 20));
      copy_values(&s, values[step], values[step + 1]);
    }
    for (int step = 0; step < 31; step++) bt_free_arrays(values[step], STEP_INPUTS);
    bt_runner_free(&taped);
    bt_runner_free(&plain);
    training_step_free(&s);
  }
}

static void a_tape_allocates_nothing(void **state) {
  bp_context *ctx = bt_ctx(state);
  training_step s = training_step_new(ctx, BP_F32, few, 100, 20);
  bt_function f = training_step_function(&s);
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  void *outputs[STEP_OUTPUTS] = {NULL};
  bt_alloc_state before = bt_fixture_of(state)->memory;
  for (int step = 0; step < 40; step++) run(ctx, &r, step < 20 ? 20 : 19, s.values, outputs);
  assert_true(plan_tape_is_on(r.workspace));
  assert_int_equal(bt_fixture_of(state)->memory.calls, before.calls);
  bt_runner_free(&r);
  training_step_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_batch_is_taped_when_it_comes_again),
      BT_TEST(large_programs_and_large_batches_are_not),
      BT_TEST(a_tape_follows_the_arrays_of_the_caller),
      BT_TEST(a_tape_allocates_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
