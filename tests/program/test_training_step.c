/* The training step of an MLP as a program: the plan that the design promises, no allocation, the same bits on any number of
 * threads, and many threads that run one program at once.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "training_step.h"

static const int64_t mnist[] = {784, 128, 128, 10}, small[] = {37, 24, 17, 5};

static int count(const char *text, const char *words) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, words)) != NULL; at++) n++;
  return n;
}

static bool line_has(const char *line, const char *words) {
  const char *at = strstr(line, words), *end = strchr(line, '\n');
  return at != NULL && (end == NULL || at < end);
}

/* Preparation of the transposed weights; everything over the batch; everything over the weights. */
static void a_step_has_three_phases_and_updates_join_the_gradients(void **state) {
  bp_context *ctx = bt_ctx(state);
  training_step s = training_step_new(ctx, BP_F32, mnist, 1000, 128);
  bt_function f = training_step_function(&s);
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  char *text;
  bt_assert_ok(ctx, bp_program_explain(ctx, r.program, &text));
  assert_int_equal(bp_program_cost(r.program, 128).phases, 3);
  assert_int_equal(count(text, "\n  phase "), 3);
  const char *last = strstr(text, "\n  phase 3");
  int products = 0;
  for (const char *line = last + 1; (line = strchr(line, '\n')) != NULL && *++line != '\0';) {
    if (!line_has(line, " matmul ")) continue;
    products++; /* XᵀΔ, then v ← 0.9 v + g, then W ← W - 0.1 v, written where they lie; the gradient itself is not stored */
    int p = line_has(line, "[784,128]") ? 0 : line_has(line, "[128,128]") ? 2 : 4;
    char weight[32], velocity[32];
    (void)snprintf(weight, sizeof weight, "→input %d ", 3 + p);
    (void)snprintf(velocity, sizeof velocity, "→input %d ", 3 + STEP_PARAMS + p);
    assert_true(line_has(line, weight) && line_has(line, velocity) && line_has(line, " → momentum"));
  }
  assert_int_equal(products, STEP_LAYERS);
  assert_int_equal(count(last, "over the batch"), 0);
  bp_string_free(ctx, text);
  bt_runner_free(&r);
  training_step_free(&s);
}

static void a_step_counts_its_products(void **state) {
  bp_context *ctx = bt_ctx(state);
  training_step s = training_step_new(ctx, BP_F32, mnist, 1000, 128);
  bt_function f = training_step_function(&s);
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  /* forward, weight gradients, and error signals of all layers but the first: 2 flops a weight, a row and a product */
  double products = 2.0 * 128 * (3 * (784 * 128 + 128 * 128 + 128 * 10) - 784 * 128);
  bp_cost cost = bp_program_cost(r.program, 128), half = bp_program_cost(r.program, 64);
  assert_true((double)cost.flops > products && (double)cost.flops < 1.05 * products);
  assert_true(half.flops < cost.flops && half.bytes < cost.bytes && half.memory == cost.memory);
  assert_true(cost.memory <
              (size_t)4 << 20); /* activations and error signals of 128 rows, transposed weights, scratch */
  bt_runner_free(&r);
  training_step_free(&s);
}

static void running_allocates_nothing(void **state) {
  bp_context *ctx = bt_ctx(state);
  training_step s = training_step_new(ctx, BP_F32, small, 100, 50);
  bt_function f = training_step_function(&s);
  void *outputs[STEP_OUTPUTS] = {NULL};
  for (int threads = 1; threads <= 3; threads++) {
    bt_runner r = bt_runner_new(ctx, &f, false, threads);
    bt_alloc_state before = bt_fixture_of(state)->memory;
    for (int step = 0; step < 20; step++) {
      training_step_draw(&s, step);
      bt_assert_ok(ctx, bp_run(r.program, r.workspace, 50 - step, (const void *const *)s.values, outputs));
    }
    assert_int_equal(bt_fixture_of(state)->memory.calls, before.calls);
    assert_int_equal(bt_fixture_of(state)->memory.live_blocks, before.live_blocks);
    bt_runner_free(&r);
  }
  training_step_free(&s);
}

/* ---- the same bits ---- */

/* Bytes of loss and parameters after 50 steps; values[i]: NEW copies. */
static void train(bp_context *ctx, bp_dtype t, int threads, bool no_fusion, void **after) {
  training_step s = training_step_new(ctx, t, small, 100, 53);
  bt_function f = training_step_function(&s);
  bt_runner r = bt_runner_new(ctx, &f, no_fusion, threads);
  void *outputs[STEP_OUTPUTS] = {bt_array(s.outputs[0], 1)};
  for (int step = 0; step < 50; step++) {
    training_step_draw(&s, step);
    bt_assert_ok(ctx, bp_run(r.program, r.workspace, step % 7 == 6 ? 19 : 53, (const void *const *)s.values, outputs));
  }
  for (int i = 0; i < STEP_INPUTS; i++) {
    after[i] = bt_array(s.inputs[i], s.batch);
    memcpy(after[i], s.values[i], bt_bytes(s.inputs[i], s.batch));
  }
  after[STEP_INPUTS] = outputs[0];
  bt_runner_free(&r);
  training_step_free(&s);
}

static void fifty_steps_give_the_same_bytes_on_any_number_of_threads(void **state) {
  static const int threads[] = {1, 2, 3, 4, 8};
  bp_context *ctx = bt_ctx(state);
  for (int type = 0; type < 2; type++) {
    bp_dtype t = type == 0 ? BP_F32 : BP_F64;
    void *want[STEP_INPUTS + 1], *got[STEP_INPUTS + 1];
    train(ctx, t, 1, true, want);
    training_step s = training_step_new(ctx, t, small, 100, 53);
    for (int k = 0; k < 5; k++) {
      train(ctx, t, threads[k], false, got);
      for (int i = 0; i < STEP_INPUTS; i++) bt_assert_same_bits(got[i], want[i], bt_bytes(s.inputs[i], s.batch));
      bt_assert_same_bits(got[STEP_INPUTS], want[STEP_INPUTS], bp_dtype_size(t));
      bt_free_arrays(got, STEP_INPUTS + 1);
    }
    assert_true(memcmp(want[3], s.values[3], bt_bytes(s.inputs[3], 1)) != 0);
    bt_free_arrays(want, STEP_INPUTS + 1);
    training_step_free(&s);
  }
}

/* ---- one program, many threads ---- */
enum { RUNNERS = 4, RUNS = 30 };

typedef struct runner {
  const bp_program *program;
  const training_step *step;
  void *values[STEP_INPUTS];
  int threads;
  bp_status status;
  pthread_t thread;
} runner;

static void *run_many(void *user) {
  runner *r = user;
  bp_context *ctx = NULL; /* of its own: a context belongs to one thread */
  bp_workspace *w = NULL;
  void *outputs[STEP_OUTPUTS] = {NULL};
  r->status = bp_context_new(NULL, &ctx);
  if (r->status == BP_OK) r->status = bp_workspace_new(ctx, r->program, r->threads, &w);
  for (int i = 0; i < RUNS && r->status == BP_OK; i++)
    r->status = bp_run(r->program, w, r->step->batch, (const void *const *)r->values, outputs);
  bp_workspace_free(w);
  bp_context_free(ctx);
  return NULL;
}

static void many_threads_run_one_program_at_once(void **state) {
  bp_context *ctx = bt_ctx(state);
  training_step s = training_step_new(ctx, BP_F32, small, 100, 53);
  bt_function f = training_step_function(&s);
  bt_runner shared = bt_runner_new(ctx, &f, false, 1);
  runner runners[RUNNERS];
  for (int k = 0; k < RUNNERS; k++) {
    runners[k] = (runner){.program = shared.program, .step = &s, .threads = 1 + k % 2};
    for (int i = 0; i < STEP_INPUTS; i++) {
      if (i < 3) { /* what is only read is read by all */
        runners[k].values[i] = s.values[i];
        continue;
      }
      runners[k].values[i] = bt_array(s.inputs[i], 1);
      memcpy(runners[k].values[i], s.values[i], bt_bytes(s.inputs[i], 1));
    }
    assert_int_equal(pthread_create(&runners[k].thread, NULL, run_many, &runners[k]), 0);
  }
  for (int k = 0; k < RUNNERS; k++) {
    assert_int_equal(pthread_join(runners[k].thread, NULL), 0);
    assert_int_equal(runners[k].status, BP_OK);
    for (int i = 3; i < STEP_INPUTS; i++)
      bt_assert_same_bits(runners[k].values[i], runners[0].values[i], bt_bytes(s.inputs[i], 1));
  }
  assert_true(memcmp(runners[0].values[3], s.values[3], bt_bytes(s.inputs[3], 1)) != 0);
  for (int k = 0; k < RUNNERS; k++) bt_free_arrays(&runners[k].values[3], STEP_INPUTS - 3);
  bt_runner_free(&shared);
  training_step_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(a_step_has_three_phases_and_updates_join_the_gradients),
      BT_TEST(a_step_counts_its_products),
      BT_TEST(running_allocates_nothing),
      BT_TEST(fifty_steps_give_the_same_bytes_on_any_number_of_threads),
      BT_TEST(many_threads_run_one_program_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
