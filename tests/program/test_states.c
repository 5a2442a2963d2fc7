/* States: bp_assign() roots read old values, whatever the order; and nothing changes when a run is refused. */
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "support/graph_check.h"
#include "support/testing.h"

enum { N = 700 }; /* more than one block of elements */
static const int threads[] = {1, 2, 3, 0};
static const int64_t one_batch[] = {1, -1};

typedef struct box {
  bp_context *ctx;
  bp_graph *g;
  bp_var in[8], out[8];
  void *values[8];
  size_t n_in, n_out;
} box;

static box box_new(void **state) {
  box b = {.ctx = bt_ctx(state)};
  bt_assert_ok(b.ctx, bp_graph_new(b.ctx, &b.g));
  return b;
}

static bp_var input(box *b, bp_dtype t, int rank, const int64_t *dims) {
  bt_random r = {.seed = 50 + b->n_in};
  bp_var v = bp_input(b->g, "s", t, rank, dims);
  b->values[b->n_in] = bt_array_uniform(v, 5, &r, t == BP_I32 ? 0 : -1, t == BP_I32 ? 4 : 1);
  return b->in[b->n_in++] = v;
}

static bp_var vector(box *b) { return input(b, BP_F32, 1, (const int64_t[]){N}); }
static void output(box *b, bp_var v) { b->out[b->n_out++] = v; }
static bp_var number(bp_var like, double x) { return bp_scalar(like.graph, bp_var_dtype(like), x); }

static bt_function function_of(const box *b) {
  return (bt_function){"states", b->out, b->n_out, b->in, b->n_in, (const void *const *)b->values, 5};
}

/* In every way; then once for real, on `values`. results[i]: NEW or NULL for roots. */
static void run(box *b, void **results) {
  bt_function f = function_of(b);
  (void)bt_assert_every_way(b->ctx, &f, threads, one_batch, NULL);
  bt_runner r = bt_runner_new(b->ctx, &f, false, 2);
  for (size_t i = 0; i < b->n_out; i++)
    results[i] = strcmp(bp_var_op(b->out[i]), "assign") == 0 ? NULL : bt_array(b->out[i], 1);
  bt_assert_ok(b->ctx, bp_run(r.program, r.workspace, 1, (const void *const *)b->values, results));
  bt_runner_free(&r);
}

static void box_free(box *b) {
  bt_free_arrays(b->values, b->n_in);
  bp_graph_free(b->g);
}

static void *copy_of(const box *b, int i) {
  void *copy = bt_array(b->in[i], 1);
  memcpy(copy, b->values[i], bt_bytes(b->in[i], 1));
  return copy;
}

static void assert_element(const void *array, int64_t i, double want) {
  if ((double)((const float *)array)[i] != (double)(float)want)
    fail_msg("element %d is %.9g, expected %.9g", (int)i, (double)((const float *)array)[i], want);
}

static void two_states_can_be_swapped(void **state) {
  box b = box_new(state);
  bp_var x = vector(&b), y = vector(&b);
  void *results[2], *old_x = copy_of(&b, 0), *old_y = copy_of(&b, 1);
  output(&b, bp_assign(x, y));
  output(&b, bp_assign(y, x));
  run(&b, results);
  bt_assert_same_bits(b.values[0], old_y, N * sizeof(float));
  bt_assert_same_bits(b.values[1], old_x, N * sizeof(float));
  free(old_x);
  free(old_y);
  box_free(&b);
}

static void three_states_can_go_round(void **state) {
  box b = box_new(state);
  bp_var x = vector(&b), y = vector(&b), z = vector(&b);
  void *results[3], *old[3] = {copy_of(&b, 0), copy_of(&b, 1), copy_of(&b, 2)};
  output(&b, bp_assign(x, y));
  output(&b, bp_assign(y, bp_add(z, number(z, 1))));
  output(&b, bp_assign(z, x));
  run(&b, results);
  for (int64_t i = 0; i < N; i++) {
    assert_element(b.values[0], i, (double)((float *)old[1])[i]);
    assert_element(b.values[1], i, (double)(((float *)old[2])[i] + 1));
    assert_element(b.values[2], i, (double)((float *)old[0])[i]);
  }
  bt_free_arrays(old, 3);
  box_free(&b);
}

/* The reader comes behind the update in the list, and in another shape: it must see the old value all the same. */
static void later_readers_see_the_old_value(void **state) {
  box b = box_new(state);
  bp_var x = vector(&b), next = bp_mul(x, number(x, 2));
  output(&b, bp_assign(x, next));
  output(&b, bp_sum(x, BP_ALL_AXES));
  output(&b, x);
  output(&b, bp_transpose(bp_reshape(x, 2, ((const int64_t[]){7, 100})), NULL));
  output(&b, bp_sub(bp_broadcast(x, 2, ((const int64_t[]){3, N})), number(x, 1)));
  output(&b, next);
  void *results[6], *old = copy_of(&b, 0);
  run(&b, results);
  bt_assert_same_bits(results[2], old, N * sizeof(float));
  for (int64_t i = 0; i < N; i++) {
    float was = ((float *)old)[i];
    assert_element(b.values[0], i, 2 * (double)was);
    assert_element(results[5], i, 2 * (double)was);
    assert_element(results[3], i % 100 * 7 + i / 100, (double)was);
    assert_element(results[4], 2 * N + i, (double)(was - 1));
  }
  free(old);
  bt_free_arrays(results, 6);
  box_free(&b);
}

/* W is an operand of the product that it is updated from. */
static void a_state_may_be_read_by_the_product_that_updates_it(void **state) {
  box b = box_new(state);
  bp_var w = input(&b, BP_F64, 2, (const int64_t[]){40, 40}), x = input(&b, BP_F64, 2, (const int64_t[]){40, 40});
  output(&b, bp_assign(w, bp_sub(w, bp_mul(bp_matmul(x, w), number(w, 0.1)))));
  double *old = copy_of(&b, 0), *xs = b.values[1];
  void *results[1];
  run(&b, results);
  for (int i = 0; i < 40; i++)
    for (int j = 0; j < 40; j++) {
      double sum = 0;
      for (int k = 0; k < 40; k++) sum += xs[i * 40 + k] * old[k * 40 + j];
      bt_assert_close(((double *)b.values[0])[i * 40 + j], old[i * 40 + j] - 0.1 * sum, 1e-13, 1e-14);
    }
  free(old);
  box_free(&b);
}

/* A counter of rank 0, which other instructions read before the first phase and after. */
static void a_counter_counts_and_its_readers_see_the_old_count(void **state) {
  box b = box_new(state);
  bp_var count = input(&b, BP_F64, 0, NULL), x = input(&b, BP_F64, 1, (const int64_t[]){3});
  *(double *)b.values[0] = 4;
  output(&b, bp_assign(count, bp_add(count, number(count, 1))));
  output(&b, bp_mul(x, bp_exp(count)));
  output(&b, bp_pow(number(count, 0.5), count));
  output(&b, bp_assign(x, bp_div(x, count)));
  void *results[4];
  double first = ((double *)b.values[1])[0];
  run(&b, results);
  assert_true(*(double *)b.values[0] == 5);
  bt_assert_close(bt_get(results[1], BP_F64, 0), first * 54.598150033144239, 1e-15, 0);
  bt_assert_close(bt_get(results[2], BP_F64, 0), 0.0625, 1e-15, 0);
  bt_assert_close(((double *)b.values[1])[0], first / 4, 1e-15, 0);
  free(results[1]);
  free(results[2]);
  box_free(&b);
}

static void states_may_be_views_constants_and_whole_numbers(void **state) {
  box b = box_new(state);
  bp_var x = input(&b, BP_F32, 2, (const int64_t[]){4, 6}), y = input(&b, BP_F32, 1, (const int64_t[]){6});
  bp_var i = input(&b, BP_I32, 1, (const int64_t[]){4}), z = input(&b, BP_F32, 2, (const int64_t[]){6, 4});
  bp_var k = input(&b, BP_I32, 1, (const int64_t[]){4});
  output(&b, bp_assign(x, bp_broadcast(y, 2, ((const int64_t[]){4, 6}))));
  output(&b, bp_assign(y, bp_broadcast(number(y, 7), 1, (const int64_t[]){6})));
  output(&b, bp_assign(i, bp_argmax(x)));
  output(&b, bp_assign(z, bp_reshape(x, 2, ((const int64_t[]){6, 4}))));
  output(&b, bp_assign(k, i));
  output(&b, bp_one_hot(i, 6, BP_F32));
  void *results[6], *old_x = copy_of(&b, 0), *old_y = copy_of(&b, 1), *old_i = copy_of(&b, 2);
  run(&b, results);
  for (int e = 0; e < 24; e++) {
    assert_element(b.values[0], e, (double)((float *)old_y)[e % 6]);
    assert_element(b.values[3], e, (double)((float *)old_x)[e]);
    assert_element(results[5], e, ((int32_t *)old_i)[e / 6] == e % 6);
  }
  for (int e = 0; e < 6; e++) assert_element(b.values[1], e, 7);
  for (int r = 0; r < 4; r++) {
    int best = 0;
    for (int c = 1; c < 6; c++)
      if (((float *)old_x)[r * 6 + c] > ((float *)old_x)[r * 6 + best]) best = c;
    assert_int_equal(((int32_t *)b.values[2])[r], best);
  }
  bt_assert_same_bits(b.values[4], old_i, 4 * sizeof(int32_t));
  free(old_x);
  free(old_y);
  free(old_i);
  free(results[5]);
  box_free(&b);
}

static void a_state_may_hold_the_rows_of_a_batch(void **state) {
  box b = box_new(state);
  bp_var h = input(&b, BP_F32, 2, (const int64_t[]){BP_BATCH, 9}), w = input(&b, BP_F32, 2, (const int64_t[]){9, 9});
  static const int64_t batches[] = {0, 1, 5, -1};
  output(&b, bp_assign(h, bp_tanh(bp_matmul(h, w))));
  output(&b, bp_mean(h, BP_AXIS(0)));
  bt_function f = function_of(&b);
  (void)bt_assert_every_way(b.ctx, &f, threads, batches, NULL);
  box_free(&b);
}

/* ---- refusals ---- */

static void one_state_is_assigned_once(void **state) {
  box b = box_new(state);
  bp_var x = vector(&b), one = bp_assign(x, bp_neg(x)), two = bp_assign(x, bp_abs(x));
  bp_program *p = NULL;
  bt_assert_fails(b.ctx, BP_E_ARG, bp_compile((bp_var[]){one, two}, 2, b.in, 1, NULL, &p));
  bt_assert_message(b.ctx, "output 1 assigns a state a second time");
  bt_assert_fails(b.ctx, BP_E_ARG, bp_compile((bp_var[]){one, one}, 2, b.in, 1, NULL, &p));
  assert_null(p);
  bt_assert_fails(b.ctx, BP_E_INPUT, bp_compile(&one, 1, NULL, 0, NULL, &p)); /* the state must be given */
  box_free(&b);
}

/* A number out of range in any operation that takes numbers: nothing has been written yet. */
static void numbers_out_of_range_leave_all_states_as_they_were(void **state) {
  static const int32_t bad[] = {-1, 4, INT32_MAX, INT32_MIN};
  for (int op = 0; op < 4; op++)
    for (int i = 0; i < 4; i++) {
      box b = box_new(state);
      bp_var table = input(&b, BP_F32, 2, (const int64_t[]){4, 4}),
             index = input(&b, BP_I32, 1, (const int64_t[]){BP_BATCH});
      bp_var rows = input(&b, BP_F32, 2, (const int64_t[]){BP_BATCH, 4});
      bp_var y = op == 0   ? bp_gather(table, index, BP_F32)
                 : op == 1 ? bp_one_hot(index, 4, BP_F32)
                 : op == 2 ? bp_scatter_add(rows, index, 4)
                           : bp_softmax_cross_entropy(rows, index);
      output(&b, bp_assign(table, bp_neg(table)));
      output(&b, bp_sum(y, BP_ALL_AXES));
      ((int32_t *)b.values[1])[2] = bad[i];
      void *old = copy_of(&b, 0);
      float sum = 7;
      bt_function f = function_of(&b);
      bt_runner r = bt_runner_new(b.ctx, &f, false, 1 + i % 2);
      bt_assert_fails(b.ctx, BP_E_DATA,
                      bp_run(r.program, r.workspace, 3, (const void *const *)b.values, (void *[]){NULL, &sum}));
      bt_assert_message(b.ctx, "at row 2, expected 0 to 3");
      bt_assert_same_bits(b.values[0], old, 16 * sizeof(float));
      assert_true(sum == 7);
      bt_assert_fails(b.ctx, BP_E_DATA,
                      bp_eval(b.out, b.n_out, b.in, b.n_in, 3, (const void *const *)b.values, (void *[]){NULL, &sum}));
      bt_assert_same_bits(b.values[0], old, 16 * sizeof(float));
      /* the bad one lies beyond a smaller batch */
      bt_assert_ok(b.ctx, bp_run(r.program, r.workspace, 2, (const void *const *)b.values, (void *[]){NULL, &sum}));
      bt_runner_free(&r);
      free(old);
      box_free(&b);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(two_states_can_be_swapped),
      BT_TEST(three_states_can_go_round),
      BT_TEST(later_readers_see_the_old_value),
      BT_TEST(a_state_may_be_read_by_the_product_that_updates_it),
      BT_TEST(a_counter_counts_and_its_readers_see_the_old_count),
      BT_TEST(states_may_be_views_constants_and_whole_numbers),
      BT_TEST(a_state_may_hold_the_rows_of_a_batch),
      BT_TEST(one_state_is_assigned_once),
      BT_TEST(numbers_out_of_range_leave_all_states_as_they_were),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
