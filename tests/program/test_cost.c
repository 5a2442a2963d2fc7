/* bp_program_cost(): programs counted by hand. */
/* labels: unit */
#include <string.h>

#include "backprop/backprop.h"
#include "support/testing.h"

#define DIMS(...)                                                                                                      \
  (sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) { __VA_ARGS__ }

typedef bp_var (*build_fn)(bp_graph *g, bp_var *in);

static bp_var a_product(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_matmul(in[0], in[1]);
}
static bp_var a_stack(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_matmul(bp_reshape(in[0], DIMS(3, 2, 4)), bp_reshape(in[1], DIMS(3, 4, 2)));
}
static bp_var a_stack_turned(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_matmul_t(bp_reshape(in[0], DIMS(3, 4, 2)), true, bp_reshape(in[1], DIMS(3, 2, 4)), true);
}
static bp_var a_stack_of_one(bp_graph *g, bp_var *in) { /* one matrix for all on the right */
  (void)g;
  return bp_matmul(bp_reshape(in[0], DIMS(3, 2, 4)), bp_slice(in[1], 0, 0, 4, 1));
}
static bp_var a_chain(bp_graph *g, bp_var *in) { return bp_add(bp_sin(in[0]), bp_scalar(g, BP_F64, 2)); }
static bp_var a_sum(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_sum(in[0], BP_AXIS(1));
}
static bp_var a_norm(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_norm(in[0], BP_AXIS(1));
}
static bp_var a_logsumexp(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_logsumexp(in[0]);
}
static bp_var a_cumsum(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_cumsum(in[0], 1);
}
static bp_var a_scatter(bp_graph *g, bp_var *in) {
  return bp_scatter_add(in[0], bp_constant(g, BP_I32, DIMS(6), (int32_t[]){0, 1, 0, 1, 1, 0}), 2);
}
static bp_var a_gather(bp_graph *g, bp_var *in) {
  return bp_gather(in[0], bp_constant(g, BP_I32, DIMS(2), (int32_t[]){5, 1}), BP_F64);
}
static bp_var moves(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_concat((bp_var[]){bp_slice(in[0], 1, 0, 2, 1), bp_flip(bp_slice(in[0], 1, 1, 3, 1), 0)}, 2, 1);
}
static bp_var a_cast(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_cast(in[0], BP_F32);
}
static bp_var square_matrices(bp_var v) { return bp_reshape(bp_slice(v, 0, 0, 3, 1), DIMS(3, 2, 2)); } /* of [6, 4] */
static bp_var a_cholesky(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_cholesky(bp_reshape(bp_slice(in[1], 0, 0, 6, 1), DIMS(1, 6, 6)));
}
static bp_var a_logdet(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_logdet(bp_reshape(in[1], DIMS(1, 6, 6)));
}
static bp_var a_solve(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_solve(bp_reshape(in[1], DIMS(6, 6)), bp_slice(in[0], 1, 0, 3, 1));
}
static bp_var a_triangular(bp_graph *g, bp_var *in) {
  (void)g;
  return bp_solve_triangular(square_matrices(in[0]), square_matrices(in[0]), true, false);
}

/* Two branches: 24 sines, or 48 operations. */
static void sines(void *user, bp_graph *g, const bp_var *args, bp_var *results) {
  (void)user, (void)g;
  results[0] = bp_sin(args[0]);
}
static void cubes(void *user, bp_graph *g, const bp_var *args, bp_var *results) {
  (void)user, (void)g;
  results[0] = bp_mul(bp_square(args[0]), args[0]);
}
static bp_var a_branch(bp_graph *g, bp_var *in) {
  bp_var result;
  bp_cond(bp_input(g, "p", BP_F64, 0, NULL), in, 1, sines, cubes, NULL, 1, &result);
  return result;
}
/* An iteration: a product [6,4] [4,4], and as many sines. */
static void step(void *user, bp_graph *g, const bp_var *state, const bp_var *constants, const bp_var *x, bp_var *next,
                 bp_var *y) {
  (void)user, (void)g, (void)x, (void)y;
  next[0] = bp_sin(bp_matmul(state[0], constants[0]));
}
static bp_var goes_on(void *user, bp_graph *g, const bp_var *state, const bp_var *constants) {
  (void)user, (void)constants;
  return bp_less(bp_sum(state[0], BP_ALL_AXES), bp_scalar(g, BP_F64, 5));
}
static bp_var a_loop(bp_graph *g, bp_var *in) {
  bp_var final, w = bp_slice(in[1], 0, 0, 4, 1);
  bp_loop_args args = {.init = in, .n_state = 1, .constants = &w, .n_constants = 1};
  bp_scan(g, &args, 10, step, NULL, &final, NULL);
  return final;
}
static bp_var a_while(bp_graph *g, bp_var *in) {
  bp_var final, w = bp_slice(in[1], 0, 0, 4, 1);
  bp_loop_args args = {.init = in, .n_state = 1, .constants = &w, .n_constants = 1};
  bp_while(g, &args, 7, goes_on, step, NULL, &final, NULL);
  return final;
}
static bp_status eval_nothing(void *user, const bp_buffer *x, size_t n_x, const bp_buffer *y) {
  (void)user, (void)x, (void)n_x;
  memset(y->data, 0, (size_t)y->elements * sizeof(double));
  return BP_OK;
}
static bp_var a_custom(bp_graph *g, bp_var *in) {
  bp_custom_op op = {
      .size = sizeof op, .name = "nothing", .dtype = BP_F64, .rank = 1, .dims = {5}, .eval = eval_nothing};
  return bp_custom(g, &op, in, 2);
}

static const struct {
  const char *name;
  build_fn build;
  int64_t a[2], b[2]; /* the inputs */
  int64_t flops;
} programs[] = {
    {"product", a_product, {6, 4}, {4, 5}, 2 * 6 * 4 * 5},
    {"stack", a_stack, {6, 4}, {12, 2}, 3 * 2 * 2 * 4 * 2},
    {"turned stack", a_stack_turned, {12, 2}, {6, 4}, 3 * 2 * 2 * 4 * 2},
    {"stack with one", a_stack_of_one, {6, 4}, {6, 5}, 3 * 2 * 2 * 4 * 5},
    {"chain", a_chain, {6, 4}, {1, 1}, 2 * 24},
    {"sum", a_sum, {6, 4}, {1, 1}, 24},
    {"norm", a_norm, {6, 4}, {1, 1}, 2 * 24},
    {"logsumexp", a_logsumexp, {6, 4}, {1, 1}, 4 * 24},
    {"cumsum", a_cumsum, {6, 4}, {1, 1}, 24},
    {"scatter_add", a_scatter, {6, 4}, {1, 1}, 24},
    {"gather", a_gather, {6, 4}, {1, 1}, 0},
    {"moves", moves, {6, 4}, {1, 1}, 0},
    {"cast", a_cast, {6, 4}, {1, 1}, 0},
    {"cholesky", a_cholesky, {1, 1}, {6, 6}, 6 * 6 * 6 / 3},
    {"logdet", a_logdet, {1, 1}, {6, 6}, 2 * 6 * 6 * 6 / 3},
    {"solve", a_solve, {6, 4}, {6, 6}, 2 * 6 * 6 * 6 / 3 + 2 * 6 * 6 * 3},
    {"solve_triangular", a_triangular, {6, 4}, {1, 1}, 3 * 2 * 2 * 2},
    {"branch", a_branch, {6, 4}, {1, 1}, 48},
    {"loop", a_loop, {6, 4}, {6, 4}, 10 * (2 * 6 * 4 * 4 + 24)},
    {"while", a_while, {6, 4}, {6, 4}, 7 * (2 * 6 * 4 * 4 + 24 + 24 + 1)},
    {"custom", a_custom, {6, 4}, {6, 6}, 24 + 36 + 5},
};

static void programs_cost_what_counting_by_hand_gives(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
    for (int fused = 0; fused < 2; fused++) {
      bp_graph *g;
      bp_program *p;
      bt_assert_ok(ctx, bp_graph_new(ctx, &g));
      bp_var in[3] = {bp_input(g, "a", BP_F64, 2, programs[i].a), bp_input(g, "b", BP_F64, 2, programs[i].b)};
      bp_var y = programs[i].build(g, in);
      size_t n = 2;
      if (programs[i].build == a_branch) in[n++] = (bp_var){g, 3}; /* the predicate came behind the two */
      bp_compile_options o = {.size = sizeof o, .no_fusion = fused == 0};
      bt_assert_ok(ctx, bp_compile(&y, 1, in, n, &o, &p));
      int64_t flops = bp_program_cost(p, 0).flops;
      if (flops != programs[i].flops)
        fail_msg("%s: %d flops, by hand %d", programs[i].name, (int)flops, (int)programs[i].flops);
      bp_program_free(p);
      bp_graph_free(g);
    }
}

static void rows_of_a_stack_of_products_count_each(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bp_program *p;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var x = bp_input(g, "x", BP_F64, DIMS(BP_BATCH, 2, 4)), w = bp_input(g, "w", BP_F64, DIMS(4, 5)), in[] = {x, w};
  bp_var y = bp_matmul(x, w);
  bt_assert_ok(ctx, bp_compile(&y, 1, in, 2, NULL, &p));
  assert_int_equal(bp_program_cost(p, 1).flops, 2 * 2 * 4 * 5);
  assert_int_equal(bp_program_cost(p, 9).flops, 9 * 2 * 2 * 4 * 5);
  bp_program_free(p);
  bp_graph_free(g);
}

/* What a loop needs inside is memory of its workspace too. */
static void a_loop_costs_what_its_iterations_do(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bp_program *p, *body;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var in[] = {bp_input(g, "a", BP_F64, DIMS(64, 64)), bp_input(g, "w", BP_F64, DIMS(64, 64))}, final, next;
  bp_loop_args args = {.init = in, .n_state = 1, .constants = in + 1, .n_constants = 1};
  bp_scan(g, &args, 1000, step, NULL, &final, NULL);
  bt_assert_ok(ctx, bp_compile(&final, 1, in, 2, NULL, &p));
  step(NULL, g, in, in + 1, NULL, &next, NULL);
  bt_assert_ok(ctx, bp_compile(&next, 1, in, 2, NULL, &body));
  bp_cost cost = bp_program_cost(p, 0), one = bp_program_cost(body, 0);
  assert_int_equal(cost.flops, 1000 * one.flops);
  assert_true(cost.bytes >= 1000 * one.bytes);
  assert_true(cost.memory >= one.memory);
  bp_program_free(p);
  bp_program_free(body);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(programs_cost_what_counting_by_hand_gives),
      BT_TEST(rows_of_a_stack_of_products_count_each),
      BT_TEST(a_loop_costs_what_its_iterations_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
