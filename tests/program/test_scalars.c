/* labels: unit prop oom */
/* Regions of numbers: whatever is written element by element has the bits of bp_eval(), and becomes few instructions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "backprop/autodiff.h"
#include "program/scalar_code.h"
#include "support/graph_check.h"
#include "support/testing.h"

enum { WIDTH = 24, MOST = 4000 };

static bp_var number(bp_var like, double value) { return bp_scalar(like.graph, bp_var_dtype(like), value); }

/* ---- random computations ---- */
/* Numbers so far, and where they came from. */
typedef struct soup {
  bp_var number[MOST];
  int n;
  bp_var x, a;
  bt_random *random;
} soup;

static bp_var element(bp_var x, int64_t i) { return bp_reshape(bp_slice(x, 0, i, i + 1, 1), 0, NULL); }

static bp_var some(const soup *s) { /* mostly a new one, so that computations are deep */
  int window = bt_once_in(s->random, 3) || s->n < 40 ? s->n : 40;
  return s->number[s->n - 1 - bt_below(s->random, window)];
}

static bp_var leaf(soup *s) {
  bt_random *r = s->random;
  switch (bt_below(r, 4)) {
  case 0: return element(s->x, bt_below(r, WIDTH));
  case 1: { /* an entry of a matrix, either way round */
    int i = bt_below(r, 3), j = bt_below(r, 4);
    bp_var row = bp_slice(s->a, 0, i, i + 1, 1), column = bp_slice(s->a, 1, j, j + 1, 1);
    return bp_reshape(bt_once_in(r, 2) ? bp_slice(row, 1, j, j + 1, 1) : bp_slice(column, 0, i, i + 1, 1), 0, NULL);
  }
  case 2: return number(s->x, bt_below(r, 5) - 2);
  default: return bp_reshape(bp_slice(bp_slice(s->x, 0, 20, 3, -2), 0, 4, 5, 1), 0, NULL);
  }
}

static bp_var unary(soup *s, bp_var x) {
  switch (bt_below(s->random, 8)) {
  case 0: return bp_neg(x);
  case 1: return bp_square(x);
  case 2: return bp_tanh(x);
  case 3: return bp_sin(x);
  case 4: return bp_exp(bp_min(x, number(x, 1)));
  case 5: return bp_abs(x);
  case 6: return bp_stop_gradient(x);
  default: return bp_sqrt(bp_abs(x));
  }
}

static bp_var binary(soup *s, bp_var x, bp_var y) {
  switch (bt_below(s->random, 8)) {
  case 0: return bp_sub(x, y);
  case 1: return bp_mul(x, y);
  case 2: return bp_div(x, bp_add(number(x, 2), bp_square(y)));
  case 3: return bp_max(x, y);
  case 4: return bp_where(bp_less(x, y), y, x);
  case 5: return bp_atan2(x, y);
  default: return bp_add(x, y);
  }
}

/* A row of alike operations, a chain, or an array put together and taken apart: what the code has forms for. */
static void grow_regularly(soup *s) {
  bt_random *r = s->random;
  int n = 2 + bt_below(r, 40), kind = bt_below(r, 5), from = s->n, step = 1 + bt_below(r, 3);
  bp_var parts[WIDTH], sum = some(s);
  if (s->n + n >= MOST || from <= 3 * n + 3) return;
  for (int i = 0; i < n && kind < 2; i++) /* a row at equal distances */
    s->number[s->n++] = kind == 0 ? bp_mul(s->number[from - 1 - step * i], number(s->x, 0.5))
                                  : bp_sub(s->number[from - 1 - step * i], s->number[from - n + i]);
  for (int i = 0; i < n && kind == 2; i++) { /* a chain, the term now left, now right */
    bp_var term = s->number[from - 1 - i];
    s->number[s->n++] = sum = bt_once_in(r, 4) ? bp_add(term, sum) : bp_add(sum, term);
  }
  for (int i = 0; i < n && kind == 3; i++) s->number[s->n++] = sum = bp_mul(sum, element(s->x, (i * step) % WIDTH));
  if (kind != 4) return;
  for (int i = 0; i < WIDTH; i++) parts[i] = some(s);
  bp_var array = bp_stack(parts, WIDTH, 0);
  if (bt_once_in(r, 2)) array = bp_sin(array); /* a loop between two regions */
  for (int i = 0; i < 5; i++) s->number[s->n++] = element(array, bt_below(r, WIDTH));
}

static void grow(soup *s, int n) {
  while (s->n < n) {
    bt_random *r = s->random;
    if (s->n > 8 && bt_once_in(r, 20))
      grow_regularly(s);
    else if (bt_once_in(r, 4) || s->n < 4)
      s->number[s->n] = leaf(s), s->n++;
    else
      s->number[s->n] = bt_once_in(r, 3) ? unary(s, some(s)) : binary(s, some(s), some(s)), s->n++;
  }
}

static int64_t check_random(bp_context *ctx, bt_random *r, bp_dtype t, int n, bool gradient, int64_t *finite) {
  static soup s;
  static const int threads[] = {1, 2, 3, 0};
  static const int64_t batches[] = {1, -1};
  bp_graph *g;
  bp_var out[6], in[2];
  char label[64];
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  s.n = 0, s.random = r;
  in[0] = s.x = bp_input(g, "x", t, 1, (int64_t[]){WIDTH});
  in[1] = s.a = bp_input(g, "a", t, 2, (int64_t[]){3, 4});
  grow(&s, n);
  out[0] = s.number[s.n - 1];
  out[1] = bp_stack(&s.number[s.n - WIDTH], WIDTH, 0);
  out[2] = bp_tanh(bp_stack(&s.number[s.n / 2], 7, 0));
  out[3] = some(&s);
  size_t n_out = 4;
  if (gradient) {
    bp_var y = bp_sum(bp_stack(&s.number[s.n - 50], 50, 0), BP_ALL_AXES);
    bt_assert_ok(ctx, bp_grad(y, in, 2, &out[4]));
    n_out = 6;
  }
  (void)snprintf(label, sizeof label, "%d random numbers", n);
  void *values[2] = {bt_array_uniform(in[0], 1, r, -1.5, 1.5), bt_array_uniform(in[1], 1, r, -1.5, 1.5)};
  bt_function f = {label, out, n_out, in, 2, (const void *const *)values, 1};
  int64_t compared = bt_assert_every_way(ctx, &f, threads, batches, finite);
  bt_free_arrays(values, 2);
  bp_graph_free(g);
  return compared;
}

static void random_numbers_have_the_bits_of_an_evaluation(void **state) {
  bt_random r = {.seed = 17};
  int64_t compared = 0, finite = 0;
  for (int i = 0; i < 60; i++)
    compared +=
        check_random(bt_ctx(state), &r, i % 3 == 2 ? BP_F32 : BP_F64, i < 50 ? 60 + 12 * i : 3900, i % 2 == 1, &finite);
  assert_true(finite > compared / 4 && compared > 10000);
}

/* ---- rows and chains longer than a block ---- */
enum { LONG = 700 };

static bp_var row_entry(const bp_var *v, int kind, int i) {
  bp_var a = v[i], b = v[(2 * i) % LONG], half = number(a, 0.5);
  switch (kind) {
  case 0: return bp_sub(a, v[LONG - 1 - i]);
  case 1: return bp_div(half, bp_add(number(a, 3), b));
  case 2: return bp_mul(b, half);
  case 3: return bp_where(bp_less(a, b), bp_sin(b), half);
  case 4: return bp_tanh(b);
  case 5: return bp_max(v[LONG - 1 - i], b);
  default: return bp_sub(half, a);
  }
}

/* s op x[0] op x[1] ..., over a part of the elements with a step. */
static bp_var chain_of(const bp_var *v, int op, int step) {
  bp_var y = number(v[0], 1.25);
  for (int i = 0; i < LONG / step; i++) {
    bp_var term = op == 2 ? bp_add(number(y, 1), bp_mul(v[i * step], number(y, 0.001))) : v[i * step];
    y = op == 0 ? bp_add(y, term) : op == 1 ? bp_sub(y, term) : bp_mul(term, y);
  }
  return y;
}

static void long_rows_and_chains(bp_context *ctx, bp_dtype t) {
  static const int threads[] = {1, 2, 0};
  static const int64_t batches[] = {1, -1};
  enum { ROWS = 7, CHAINS = 6 };
  static bp_var v[LONG], entries[LONG];
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", t, 1, (int64_t[]){LONG}), out[ROWS + CHAINS + 1], y = number(x, 0);
  for (int i = 0; i < LONG; i++) v[i] = element(x, i);
  for (int k = 0; k < ROWS; k++) {
    for (int i = 0; i < LONG; i++) entries[i] = row_entry(v, k, i);
    out[k] = bp_stack(entries, LONG, 0);
    y = bp_add(y, entries[LONG / 2]);
  }
  for (int k = 0; k < CHAINS; k++) {
    out[ROWS + k] = chain_of(v, k % 3, 1 + k / 3);
    y = bp_add(y, out[ROWS + k]);
  }
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &out[ROWS + CHAINS]));
  bt_random r = {.seed = 5};
  void *values = bt_array_uniform(x, 1, &r, -1, 1);
  bt_function f = {"long rows and chains", out, ROWS + CHAINS + 1, &x, 1, (const void *const[]){values}, 1};
  (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
  free(values);
  bp_graph_free(g);
}

static void rows_and_chains_longer_than_a_block(void **state) {
  long_rows_and_chains(bt_ctx(state), BP_F64);
  long_rows_and_chains(bt_ctx(state), BP_F32);
}

/* ---- what it becomes ---- */
static const plan_scalars *only_region(const bp_program *p) {
  const plan_scalars *found = NULL;
  for (int32_t i = 0; i < p->n_instructions; i++)
    if (p->instructions[i].kind == PLAN_SCALARS) {
      assert_null(found);
      found = p->instructions[i].scalars;
    }
  assert_non_null(found);
  return found;
}

static size_t words_for(bp_context *ctx, bool product, int n, size_t *instructions) {
  bp_graph *g;
  bp_program *p;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){n}), y = element(x, 0), out[2];
  for (int i = 1; i < n; i++) {
    bp_var valley = bp_sub(element(x, i), bp_square(element(x, i - 1)));
    y = product ? bp_mul(y, element(x, i)) : bp_add(y, bp_square(valley));
  }
  out[0] = y;
  bt_assert_ok(ctx, bp_grad(y, &x, 1, &out[1]));
  bt_assert_ok(ctx, bp_compile(out, 2, &x, 1, NULL, &p));
  size_t words = only_region(p)->n_words;
  *instructions = (size_t)p->n_instructions;
  bp_program_free(p);
  bp_graph_free(g);
  return words;
}

/* Loops written out are loops again: the code does not grow with the number of elements. */
static void what_is_alike_becomes_loops(void **state) {
  for (int product = 0; product < 2; product++) {
    size_t instructions[2];
    size_t few = words_for(bt_ctx(state), product == 1, 500, &instructions[0]);
    size_t many = words_for(bt_ctx(state), product == 1, 2000, &instructions[1]);
    assert_true(few < 200);
    assert_true(many <= few + 16);
    assert_true(instructions[0] == 1 && instructions[1] == 1);
  }
}

/* Arrays between, and arrays that are read: each region waits for what it needs. */
static void regions_and_arrays_take_turns(void **state) {
  static const int threads[] = {1, 2, 3, 0};
  static const int64_t batches[] = {1, 4, -1};
  bp_context *ctx = bt_ctx(state);
  enum { N = 40 };
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var in[3] = {bp_input(g, "x", BP_F64, 1, (int64_t[]){N}), bp_input(g, "w", BP_F64, 2, (int64_t[]){N, N}),
                  bp_input(g, "rows", BP_F64, 2, (int64_t[]){BP_BATCH, N})};
  bp_var v = in[0], e[N], out[5];
  for (int layer = 0; layer < 3; layer++) {
    v = bp_reshape(bp_matmul(bp_reshape(v, 2, (int64_t[]){1, N}), in[1]), 1, (int64_t[]){N});
    for (int i = 0; i < N; i++) e[i] = bp_mul(bp_sin(element(v, i)), element(v, (i + 7) % N));
    v = bp_stack(e, N, 0);
  }
  bp_var all = bp_matmul(in[2], bp_reshape(v, 2, (int64_t[]){N, 1})), mean = bp_mean(all, BP_ALL_AXES);
  for (int i = 0; i < N; i++) e[i] = bp_mul(bp_add(element(v, i), mean), number(mean, i));
  out[0] = bp_sum(bp_mul(bp_stack(e, N, 0), v), BP_ALL_AXES);
  bt_assert_ok(ctx, bp_grad(out[0], in, 3, &out[1]));
  bt_random r = {.seed = 3};
  void *values[3] = {bt_array_uniform(in[0], 4, &r, -1, 1), bt_array_uniform(in[1], 4, &r, -0.3, 0.3),
                     bt_array_uniform(in[2], 4, &r, -1, 1)};
  out[4] = bp_assign(in[0], bp_sub(in[0], bp_mul(number(in[0], 0.01), out[1])));
  bt_function f = {"regions and arrays", out, 5, in, 3, (const void *const *)values, 4};
  (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
  bt_free_arrays(values, 3);
  bp_graph_free(g);
}

/* ---- memory ---- */
static bp_status compile_and_run(bp_context *ctx, void *user) {
  enum { N = 20 };
  bp_graph *g = NULL;
  bp_program *p = NULL;
  bp_workspace *w = NULL;
  double at[N], y = 7, bar[N];
  bp_status status = bp_graph_new(ctx, &g);
  if (status != BP_OK) return status;
  for (int i = 0; i < N; i++) at[i] = 1 + 0.01 * i;
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){N}), out[2] = {element(x, 0)};
  for (int i = 1; i < N; i++) out[0] = bp_mul(bp_add(out[0], bp_sin(element(x, i))), element(x, i - 1));
  status = bp_graph_status(g);
  if (status == BP_OK) status = bp_grad(out[0], &x, 1, &out[1]);
  if (status == BP_OK) status = bp_compile(out, 2, &x, 1, NULL, &p);
  if (status == BP_OK) assert_int_equal(only_region(p)->real, BP_KF64);
  if (status == BP_OK) status = bp_workspace_new(ctx, p, 2, &w);
  for (int i = 0; i < 3; i++)
    if (status == BP_OK) status = bp_run(p, w, 0, (const void *[]){at}, (void *[]){&y, bar});
  if (status != BP_OK) assert_true(y == 7); /* NOLINT: outputs are written only by a run that succeeds */
  (void)user;
  bp_workspace_free(w);
  bp_program_free(p);
  bp_graph_free(g);
  return status;
}

static void memory_may_run_out_anywhere(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(compile_and_run, NULL) > 50);
}

/* A run takes no memory. */
static void a_run_allocates_nothing(void **state) {
  bp_context *ctx = bt_ctx(state);
  double at[50], y, bar[50];
  bp_graph *g;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, 1, (int64_t[]){50}), out[2] = {element(x, 0)};
  for (int i = 0; i < 50; i++) at[i] = 1;
  for (int i = 1; i < 50; i++) out[0] = bp_mul(bp_sin(out[0]), element(x, i));
  bt_assert_ok(ctx, bp_grad(out[0], &x, 1, &out[1]));
  bt_function f = {"run", out, 2, &x, 1, NULL, 1};
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  size_t calls = bt_fixture_of(state)->memory.calls;
  for (int i = 0; i < 5; i++)
    bt_assert_ok(ctx, bp_run(r.program, r.workspace, 1, (const void *[]){at}, (void *[]){&y, bar}));
  assert_int_equal(bt_fixture_of(state)->memory.calls, calls);
  bt_runner_free(&r);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(random_numbers_have_the_bits_of_an_evaluation),
                                     BT_TEST(rows_and_chains_longer_than_a_block),
                                     BT_TEST(what_is_alike_becomes_loops),
                                     BT_TEST(regions_and_arrays_take_turns),
                                     BT_TEST(a_run_allocates_nothing),
                                     cmocka_unit_test(memory_may_run_out_anywhere)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
