/* Programs: which outputs they can have, what they refuse, and what they say about themselves. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "support/graph_check.h"
#include "support/testing.h"

static const int threads[] = {1, 2, 3, 0};
static const int64_t batches[] = {0, 1, 6, -1};

static bp_graph *new_graph(void **state) {
  bp_graph *g;
  bt_assert_ok(bt_ctx(state), bp_graph_new(bt_ctx(state), &g));
  return g;
}

static bp_var rows_of(bp_graph *g, bp_dtype t, int64_t columns) {
  return bp_input(g, "x", t, 2, ((const int64_t[]){BP_BATCH, columns}));
}

/* ---- outputs ---- */

static void anything_can_be_an_output_any_number_of_times(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  const float numbers[6] = {1, 2, 3, 4, 5, 6};
  const int32_t whole[3] = {7, -8, 9};
  bp_var x = rows_of(g, BP_F32, 3), bytes = rows_of(g, BP_U8, 3),
         c = bp_constant(g, BP_F32, 2, ((const int64_t[]){2, 3}), numbers);
  bp_var y = bp_exp(x), view = bp_broadcast(x, 2, ((const int64_t[]){BP_BATCH, 3}));
  bp_var out[] = {x,
                  y,
                  y,
                  x,
                  c,
                  bytes,
                  bp_argmax(x),
                  bp_constant(g, BP_I32, 1, (const int64_t[]){3}, whole),
                  bp_scalar(g, BP_F64, 2.5),
                  bp_reshape(y, 3, ((const int64_t[]){BP_BATCH, 3, 1})),
                  bp_reshape(x, 3, ((const int64_t[]){BP_BATCH, 1, 3})),
                  bp_broadcast(bp_scalar(g, BP_F32, -1), 2, ((const int64_t[]){BP_BATCH, 4})),
                  bp_broadcast(c, 3, ((const int64_t[]){5, 2, 3})),
                  bp_broadcast(bp_expand(x, -1), 3, ((const int64_t[]){BP_BATCH, 3, 2})),
                  bp_broadcast(bp_expand(c, 1), 3, ((const int64_t[]){2, 4, 3})),
                  bp_axis_size(x, BP_ALL_AXES),
                  bp_stop_gradient(x),
                  view,
                  bp_cast(bytes, BP_F64),
                  bp_cast(bp_cast(x, BP_U8), BP_I32),
                  bp_transpose(c, NULL)};
  bt_random r = {.seed = 1};
  bp_var in[2] = {x, bytes};
  void *values[2] = {bt_array_uniform(x, 6, &r, -300, 300), bt_array_uniform(bytes, 6, &r, 0, 256)};
  bt_function f = {"outputs", out, sizeof out / sizeof *out, in, 2, (const void *const *)values, 6};
  bt_assert_ok(ctx, bp_graph_status(g));
  (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
  bt_free_arrays(values, 2);
  bp_graph_free(g);
}

/* Not wanted, but other outputs and a state need them. */
static void outputs_that_are_not_wanted_may_be_null(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = rows_of(g, BP_F64, 4), s = bp_input(g, "s", BP_F64, 1, (const int64_t[]){4}), y = bp_tanh(x),
         z = bp_sum(y, BP_AXIS(0));
  bp_var out[] = {y, z, bp_assign(s, bp_add(s, z)), bp_mul(y, y)}, in[] = {x, s};
  bt_random r = {.seed = 2};
  void *values[2] = {bt_array_uniform(x, 6, &r, -1, 1), bt_array_uniform(s, 6, &r, -1, 1)}, *want[4], *after[2];
  bt_function f = {"null outputs", out, 4, in, 2, (const void *const *)values, 6};
  bt_evaluate(ctx, &f, 6, want, after);
  for (int wanted = 0; wanted < 16; wanted++) {
    bt_runner run = bt_runner_new(ctx, &f, wanted % 2 == 1, 2);
    void *got[4], *state_now = bt_array(s, 6), *const places[2] = {values[0], state_now};
    memcpy(state_now, values[1], bt_bytes(s, 6));
    for (int i = 0; i < 4; i++) got[i] = (wanted >> i & 1) == 0 || i == 2 ? NULL : bt_array(out[i], 6);
    bt_runner_poison(&run);
    bt_assert_ok(ctx, bp_run(run.program, run.workspace, 6, (const void *const *)places, got));
    for (int i = 0; i < 4; i++)
      if (got[i] != NULL) bt_assert_same_bits(got[i], want[i], bt_bytes(out[i], 6));
    bt_assert_same_bits(state_now, after[1], bt_bytes(s, 6));
    bt_free_arrays(got, 4);
    free(state_now);
    bt_runner_free(&run);
  }
  bt_free_arrays(values, 2);
  bt_free_arrays(want, 4);
  bt_free_arrays(after, 2);
  bp_graph_free(g);
}

static void arrays_of_no_elements_are_fine(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = bp_input(g, "x", BP_F32, 2, ((const int64_t[]){0, 3})),
         w = bp_input(g, "w", BP_F32, 2, ((const int64_t[]){3, 0}));
  bp_var b = rows_of(g, BP_F32, 0), square = bp_matmul(x, w);
  bp_var out[] = {bp_tanh(x),
                  square,
                  bp_matmul(w, x),
                  bp_matmul(b, x),
                  bp_sum(x, BP_AXIS(0)),
                  bp_sum(x, BP_AXIS(1)),
                  bp_add(x, bp_sum(x, BP_AXIS(0))),
                  bp_transpose(x, NULL),
                  bp_matmul_t(b, true, b, false),
                  bp_matmul_t(w, true, x, true),
                  bp_matmul_t(w, false, w, true),
                  bp_matmul_t(x, true, x, false),
                  bp_solve(square, x),
                  bp_solve_triangular(square, x, true, false),
                  bp_inverse(square),
                  bp_cholesky(square),
                  bp_logdet(square),
                  bp_logdet_spd(square),
                  bp_reshape(x, 1, (const int64_t[]){0})};
  bp_var in[] = {x, w, b};
  void *values[3] = {bt_array(x, 6), bt_array(w, 6), bt_array(b, 6)};
  bt_function f = {"empty", out, sizeof out / sizeof *out, in, 3, (const void *const *)values, 6};
  bt_assert_ok(ctx, bp_graph_status(g));
  (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
  bt_free_arrays(values, 3);
  bp_graph_free(g);
}

/* What a compiler may simplify must not change a bit: signs of zeros, infinities, NaN. */
static void simplifying_changes_no_bit(void **state) {
  static const double constants[] = {0, -0.0, 1, -1, 2, 1e300};
  static const double special[] = {0, -0.0, 1, -1, 5e-324, 1e308, -1e308, 1.0 / 3};
  enum { N = sizeof special / sizeof *special + 3 };
  bp_context *ctx = bt_ctx(state);
  for (int type = 0; type < 2; type++) {
    bp_dtype t = type == 0 ? BP_F32 : BP_F64;
    bp_graph *g = new_graph(state);
    bp_var x = bp_input(g, "x", t, 1, (const int64_t[]){N}), out[64];
    size_t n = 0;
    void *values = bt_array(x, 1); /* the last ones stay NaN */
    for (int i = 0; i < N - 3; i++) bt_set(values, t, i, special[i]);
    bt_set(values, t, N - 3, 1e300 * 1e300);
    bt_set(values, t, N - 2, -1e300 * 1e300);
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
      bp_var c = bp_scalar(g, t, constants[i]);
      out[n++] = bp_add(x, c), out[n++] = bp_add(c, x), out[n++] = bp_sub(x, c), out[n++] = bp_sub(c, x);
      out[n++] = bp_mul(x, c), out[n++] = bp_mul(c, x), out[n++] = bp_div(x, c), out[n++] = bp_div(c, x);
      out[n++] = bp_pow(x, c);
    }
    out[n++] = bp_neg(bp_neg(x));
    out[n++] = bp_sub(bp_neg(x), bp_neg(bp_scalar(g, t, 0)));
    bt_function f = {"simplify", out, n, &x, 1, (const void *const[]){values}, 6};
    (void)bt_assert_every_way(ctx, &f, threads, batches, NULL);
    free(values);
    bp_graph_free(g);
  }
}

static void a_program_does_not_need_its_graph(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  const float numbers[3] = {1, 2, 3};
  bp_var x = bp_input(g, "x", BP_F32, 1, (const int64_t[]){3}),
         y = bp_add(x, bp_constant(g, BP_F32, 1, (const int64_t[]){3}, numbers));
  const float values[3] = {10, 20, 30}, want[3] = {11, 22, 33};
  float got[3];
  bt_function f = {"no graph", &y, 1, &x, 1, NULL, 1};
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  bp_graph_free(g);
  bt_assert_ok(ctx, bp_run(r.program, r.workspace, 1, (const void *[]){values}, (void *[]){got}));
  bt_assert_same_bits(got, want, sizeof want);
  bt_runner_free(&r);
}

/* ---- refusals ---- */

static void compiling_refuses_what_makes_no_program(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state), *other = new_graph(state);
  bp_var x = rows_of(g, BP_F32, 2), y = bp_tanh(x), zero = {g, 0}, foreign = rows_of(other, BP_F32, 2),
         unknown = {g, 999};
  bp_program *p = NULL;
  bp_compile_options o = {.size = sizeof o};
  assert_int_equal(bp_compile(NULL, 0, NULL, 0, NULL, &p), BP_E_ARG);
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(NULL, 0, &x, 1, NULL, &p));
  bt_assert_message(ctx, "no outputs");
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(&(bp_var){NULL, 0}, 1, &x, 1, NULL, &p));
  bt_assert_message(ctx, "output 0 is the null variable");
  bt_assert_fails(ctx, BP_E_ARG, bp_compile((bp_var[]){{NULL, 0}, y}, 2, NULL, 0, NULL, &p));
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(&zero, 1, &x, 1, NULL, &p));
  bt_assert_message(ctx, "output 0 is the symbolic zero");
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(&unknown, 1, &x, 1, NULL, &p));
  bt_assert_fails(ctx, BP_E_ARG, bp_compile((bp_var[]){y, foreign}, 2, &x, 1, NULL, &p));
  bt_assert_message(ctx, "output 1 belongs to another graph");
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(&y, 1, (bp_var[]){x, foreign}, 2, NULL, &p));
  bt_assert_message(ctx, "input 1 belongs to another graph");
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(&y, 1, (bp_var[]){x, x}, 2, NULL, &p));
  bt_assert_message(ctx, "input 1 is given twice");
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(&y, 1, (bp_var[]){x, y}, 2, NULL, &p));
  bt_assert_message(ctx, "input 1 is the result of tanh");
  o.max_batch = -1;
  bt_assert_fails(ctx, BP_E_ARG, bp_compile(&y, 1, &x, 1, &o, &p));
  bt_assert_message(ctx, "max_batch -1");
  o.max_batch = (int64_t)1 << 31;
  bp_var wide = rows_of(g, BP_F64, 1 << 28), chain = wide, many[40];
  for (int i = 0; i < 40; i++) many[i] = chain = bp_exp(bp_transpose(chain, (const int[]){0, 1}));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_compile(many, 40, &wide, 1, &o, &p));
  bt_assert_message(ctx, "lower max_batch");
  assert_null(p);
  bp_graph_free(other);
  bp_graph_free(g);
}

static void a_variable_that_was_not_given_is_named(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = bp_input(g, "pressure", BP_F32, 0, NULL), y = bp_exp(x);
  bp_program *p = NULL;
  float value;
  bt_assert_fails(ctx, BP_E_INPUT, bp_compile(&y, 1, NULL, 0, NULL, &p));
  bt_assert_message(ctx, "input 'pressure'");
  bt_assert_fails(ctx, BP_E_INPUT, bp_eval(&y, 1, NULL, 0, 1, NULL, (void *[]){&value}));
  bt_assert_message(ctx, "input 'pressure'");
  /* only its shape is needed */
  bp_var rows = rows_of(g, BP_F32, 3), size = bp_axis_size(rows, BP_ALL_AXES);
  bt_assert_ok(ctx, bp_compile(&size, 1, NULL, 0, NULL, &p));
  bp_workspace *w;
  bt_assert_ok(ctx, bp_workspace_new(ctx, p, 1, &w));
  bt_assert_ok(ctx, bp_run(p, w, 5, NULL, (void *[]){&value}));
  assert_true(value == 15);
  bt_assert_ok(ctx, bp_eval(&size, 1, NULL, 0, 4, NULL, (void *[]){&value}));
  assert_true(value == 12);
  bp_workspace_free(w);
  bp_program_free(p);
  bp_graph_free(g);
}

static void an_error_of_the_graph_is_kept(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = rows_of(g, BP_F32, 3), y = bp_add(x, rows_of(g, BP_F32, 4));
  bp_program *p = NULL;
  bp_error_clear(ctx);
  bt_assert_fails(ctx, BP_E_GRAPH, bp_compile(&y, 1, &x, 1, NULL, &p));
  bt_assert_message(ctx, "test_program.c:");
  bt_assert_message(ctx, "add: shapes [batch,3] and [batch,4] do not broadcast");
  bt_assert_fails(ctx, BP_E_GRAPH, bp_eval(&y, 1, &x, 1, 1, (const void *[]){NULL}, (void *[]){NULL}));
  bp_graph_free(g);
}

static void running_refuses_wrong_batches_and_foreign_workspaces(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = rows_of(g, BP_F32, 1), y = bp_neg(x);
  bt_function f = {"run", &y, 1, &x, 1, NULL, 3};
  bt_runner a = bt_runner_new(ctx, &f, false, 1), b = bt_runner_new(ctx, &f, false, 1);
  const float in[3] = {1, 2, 3};
  float out[3] = {7, 7, 7};
  bt_assert_fails(ctx, BP_E_LIMIT, bp_run(a.program, a.workspace, 4, (const void *[]){in}, (void *[]){out}));
  bt_assert_message(ctx, "a batch of 4 rows, expected 0 to 3");
  bt_assert_fails(ctx, BP_E_LIMIT, bp_run(a.program, a.workspace, -1, (const void *[]){in}, (void *[]){out}));
  bt_assert_fails(ctx, BP_E_ARG, bp_run(a.program, b.workspace, 3, (const void *[]){in}, (void *[]){out}));
  bt_assert_fails(ctx, BP_E_LIMIT, bp_eval(&y, 1, &x, 1, -1, (const void *[]){in}, (void *[]){out}));
  assert_true(out[0] == 7);
  bp_workspace *w = NULL;
  bt_assert_fails(ctx, BP_E_ARG, bp_workspace_new(ctx, a.program, -1, &w));
  assert_null(w);
  bt_runner_free(&a);
  bt_runner_free(&b);
  bp_graph_free(g);
}

/* ---- options ---- */

static void options_of_an_older_caller_are_understood(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = rows_of(g, BP_F32, 1), y = bp_exp(bp_neg(x));
  bp_program *p;
  bp_compile_options o;
  memset(&o, 0xff, sizeof o); /* what lies behind `size` bytes is not looked at */
  o.size = offsetof(bp_compile_options, max_batch) + sizeof o.max_batch;
  o.max_batch = 5;
  bt_assert_ok(ctx, bp_compile(&y, 1, &x, 1, &o, &p));
  assert_int_equal(bp_program_cost(p, 5).instructions, 1);
  bp_program_free(p);
  o = (bp_compile_options){.size = sizeof o, .no_fusion = true};
  bt_assert_ok(ctx, bp_compile(&y, 1, &x, 1, &o, &p));
  assert_int_equal(bp_program_cost(p, 5).instructions, 2);
  bp_program_free(p);
  bp_graph_free(g);
  bp_program_free(NULL);
  bp_workspace_free(NULL);
}

/* A reshape is no reason to write the values twice: what computes them writes the output, unless it is one itself. */
static void a_reshaped_output_is_not_copied(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  const int64_t three[] = {2, 3}, six[] = {6};
  bp_var x = bp_input(g, "x", BP_F64, 2, three), y = bp_sin(x), flat = bp_reshape(y, 1, six);
  bp_var given = bp_reshape(x, 1, six), both[] = {flat, y, given};
  const double at[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
  double out[3][6];
  for (size_t n = 1; n <= 3; n += 2) {
    bp_program *p;
    bp_workspace *w;
    bt_assert_ok(ctx, bp_compile(both, n, &x, 1, NULL, &p));
    if (n == 1) assert_int_equal(bp_program_cost(p, 0).bytes, 2 * sizeof at);
    bt_assert_ok(ctx, bp_workspace_new(ctx, p, 1, &w));
    memset(out, 0, sizeof out);
    bt_assert_ok(ctx, bp_run(p, w, 0, (const void *[]){at}, (void *[]){out[0], out[1], out[2]}));
    for (size_t i = 0; i < 6; i++) bt_assert_close(out[0][i], sin(at[i]), 1e-15, 0);
    if (n == 3) assert_memory_equal(out[1], out[0], sizeof at);
    if (n == 3) assert_memory_equal(out[2], at, sizeof at);
    bp_workspace_free(w);
    bp_program_free(p);
  }
  bp_graph_free(g);
}

/* ---- what it says about itself ---- */

static void a_plan_can_be_read(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = rows_of(g, BP_F32, 8), w = bp_input(g, "w", BP_F32, 2, ((const int64_t[]){8, 4})),
         y = bp_tanh(bp_matmul(x, w));
  bp_var out[] = {y, bp_sum(y, BP_AXIS(0))}, in[] = {x, w};
  bt_function f = {"plan", out, 2, in, 2, NULL, 32};
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  char *text;
  bt_assert_ok(ctx, bp_program_explain(ctx, r.program, &text));
  /* phase 1: 32 rows of 2 * 8 * 4 flops and 4 of tanh; x, w and y once. phase 2: y read, four sums written */
  const char *words[] = {"2 instructions",
                         "2 phases",
                         "at most 32 rows",
                         "buffers: 0 in the workspace",
                         "phase 1: 2.2 kflop, 1.7 kB, 1.3 flop/B\n",
                         "over the batch",
                         "matmul",
                         "tanh→output 0",
                         "phase 2: 128 flop, 528 B, 0.2 flop/B\n",
                         "sum",
                         "over 4 rows"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(text, words[i]) == NULL) fail_msg("no '%s' in\n%s", words[i], text);
  bp_string_free(ctx, text);
  bp_cost one = bp_program_cost(r.program, 1), ten = bp_program_cost(r.program, 10);
  assert_int_equal(one.flops, 2 * 8 * 4 + 4 + 4);
  assert_int_equal(ten.flops, 10 * one.flops);
  assert_int_equal(ten.phases, 2);
  assert_int_equal(ten.instructions, 2);
  assert_int_equal(ten.bytes - one.bytes,
                   9 * 4 * (8 + 4 + 4)); /* x and y written, y read; w and the sum are read once */
  bt_runner_free(&r);
  bp_graph_free(g);
}

/* The seeds of a Jacobian, say: slices and transposes of constants are made once for a workspace, unless they are an output. */
static void what_is_made_of_constants_is_made_once(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  double numbers[40];
  for (int i = 0; i < 40; i++) numbers[i] = sin(i);
  bp_var x = bp_input(g, "x", BP_F64, 1, (const int64_t[]){8}),
         c = bp_constant(g, BP_F64, 2, ((const int64_t[]){8, 5}), numbers), turned = bp_transpose(c, NULL),
         shifted = bp_pad(bp_slice(turned, 1, 2, BP_END, 1), 1, 0, 2, 0), given = bp_square(bp_tril(c, 0));
  bp_var out[] = {bp_mul(shifted, x), bp_sum(bp_exp(bp_mul(shifted, x)), BP_AXIS(0)), given, bp_add(given, c)};
  double at[8] = {1, 2, 3, -1, -2, -3, 0.5, 0};
  const void *values[] = {at};
  bt_function f = {"constants", out, 4, &x, 1, values, 1};
  assert_true(bt_assert_every_way(ctx, &f, threads, ((const int64_t[]){1, -1}), NULL) > 0);
  bp_program *p;
  char *text;
  bt_assert_ok(ctx, bp_compile(out, 4, &x, 1, NULL, &p));
  bt_assert_ok(ctx, bp_program_explain(ctx, p, &text));
  const char *before = strstr(text, "before all phases"), *phase = strstr(text, "phase 1"),
             *place = strstr(text, "place");
  assert_true(before != NULL && before < place && place < phase);
  assert_true(strstr(phase, "place") == NULL && strstr(phase, "transpose") == NULL);
  bp_string_free(ctx, text);
  bp_program_free(p);
  bp_graph_free(g);
}

static void compiling_explains_itself_when_the_environment_asks(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g = new_graph(state);
  bp_var x = rows_of(g, BP_F32, 8), y = bp_tanh(x);
  bt_function f = {"explain", &y, 1, &x, 1, NULL, 32};
  for (int wanted = 0; wanted < 2; wanted++) {
    assert_int_equal(setenv("BP_EXPLAIN", wanted == 1 ? "1" : "0", 1), 0);
    bt_runner r = bt_runner_new(ctx, &f, false, 1);
    bt_runner_free(&r);
    assert_true((bt_fixture_of(state)->messages >= 3) == (wanted == 1));
  }
  assert_non_null(strstr(bt_fixture_of(state)->message, "tanh→output 0"));
  assert_int_equal(unsetenv("BP_EXPLAIN"), 0);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(anything_can_be_an_output_any_number_of_times),
      BT_TEST(outputs_that_are_not_wanted_may_be_null),
      BT_TEST(arrays_of_no_elements_are_fine),
      BT_TEST(simplifying_changes_no_bit),
      BT_TEST(a_program_does_not_need_its_graph),
      BT_TEST(compiling_refuses_what_makes_no_program),
      BT_TEST(a_variable_that_was_not_given_is_named),
      BT_TEST(an_error_of_the_graph_is_kept),
      BT_TEST(running_refuses_wrong_batches_and_foreign_workspaces),
      BT_TEST(options_of_an_older_caller_are_understood),
      BT_TEST(a_reshaped_output_is_not_copied),
      BT_TEST(a_plan_can_be_read),
      BT_TEST(what_is_made_of_constants_is_made_once),
      BT_TEST(compiling_explains_itself_when_the_environment_asks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
