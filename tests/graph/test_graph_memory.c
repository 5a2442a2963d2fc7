/* labels: oom */
/* Every allocation of building, differentiating, printing, evaluating, compiling and explaining fails once: the failure is
 * reported, nothing is lost, and the outputs are untouched.
 */
#include <stdlib.h>
#include <string.h>

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "support/testing.h"

enum { WIDTH = 5, ROWS = 4 };

typedef struct parts {
  bp_graph *g;
  bp_var x, w, state, out[4];
} parts;

/* An MLP-like loss with its gradient, a product with its Hessian, an update, rows by number, and a name. */
static bp_status build(bp_context *ctx, parts *p) {
  static const float numbers[WIDTH] = {1, 2, 3, 4, 5};
  bp_status status = bp_graph_new(ctx, &p->g);
  if (status != BP_OK) return status;
  bp_graph *g = p->g;
  p->x = bp_input(g, "x", BP_F32, 2, ((const int64_t[]){BP_BATCH, WIDTH}));
  p->w = bp_input(g, "w", BP_F32, 2, ((const int64_t[]){WIDTH, WIDTH}));
  p->state = bp_input(g, "state", BP_F32, 2, ((const int64_t[]){WIDTH, WIDTH}));
  bp_var y = bp_tanh(bp_add(bp_matmul(p->x, p->w), bp_constant(g, BP_F32, 1, (const int64_t[]){WIDTH}, numbers)));
  bp_var_set_name(y, "hidden");
  for (int i = 0; i < 3; i++) y = bp_where(bp_less(y, bp_scalar(g, BP_F32, 0)), bp_softmax(y), bp_sin(y));
  bp_var loss = bp_mean(bp_logsumexp(y), BP_ALL_AXES), gradient = {(bp_graph *)1, 7}, hv = gradient;
  (void)bp_grad(loss, &p->w, 1, &gradient); /* whoever checks the last call learns of it */
  (void)bp_hvp(loss, &p->w, &p->state, 1, &hv);
  p->out[0] = loss;
  p->out[1] = bp_assign(p->state, bp_sub(p->state, gradient));
  p->out[2] = bp_transpose(hv, NULL);
  p->out[3] = bp_reduce_max(p->x, BP_LAST_AXIS);
  return bp_graph_status(g);
}

static const float zeros[WIDTH * WIDTH];

static bp_status compute(parts *p, float *state, float *loss) {
  float hv[WIDTH * WIDTH], most[ROWS];
  return bp_eval(p->out, 4, (bp_var[]){p->x, p->w, p->state}, 3, ROWS, (const void *[]){zeros, zeros, state},
                 (void *[]){loss, NULL, hv, most});
}

static bp_status run(bp_context *ctx, parts *p, bool no_fusion, float *state, float *loss) {
  const bp_compile_options options = {.size = sizeof options, .no_fusion = no_fusion};
  bp_program *program = NULL;
  bp_workspace *workspace = NULL;
  bp_status status = bp_compile(p->out, 4, (bp_var[]){p->x, p->w, p->state}, 3, &options, &program);
  assert_true((status == BP_OK) == (program != NULL));
  if (status != BP_OK) return status;
  status = bp_workspace_new(ctx, program, no_fusion ? 1 : 2, &workspace);
  assert_true((status == BP_OK) == (workspace != NULL));
  if (status == BP_OK)
    status =
        bp_run(program, workspace, ROWS, (const void *[]){zeros, zeros, state}, (void *[]){loss, NULL, NULL, NULL});
  bp_workspace_free(workspace);
  bp_program_free(program);
  return status;
}

static bp_status text(bp_context *ctx, parts *p) {
  char *printed = NULL, *drawn = NULL, *explained = NULL;
  bp_program *program = NULL;
  bp_status status = bp_graph_print(p->out, 4, &printed);
  assert_true((status == BP_OK) == (printed != NULL));
  if (status == BP_OK) status = bp_graph_dot(p->out, 4, &drawn);
  if (status == BP_OK) status = bp_compile(p->out, 4, (bp_var[]){p->x, p->w, p->state}, 3, NULL, &program);
  if (status == BP_OK) status = bp_program_explain(ctx, program, &explained);
  bp_program_free(program);
  bp_string_free(ctx, printed);
  bp_string_free(ctx, drawn);
  bp_string_free(ctx, explained);
  return status;
}

/* user: what to do with the graph. */
static bp_status job(bp_context *ctx, void *user) {
  int what = *(int *)user;
  float state[WIDTH * WIDTH] = {0}, loss = 7;
  parts p = {0};
  bp_status status = build(ctx, &p);
  if (status != BP_OK && p.g != NULL) {
    assert_int_equal(compute(&p, state, &loss), BP_E_NOMEM);
    for (int i = 0; i < 3; i++) assert_true(p.out[i].graph == p.g && bp_var_is_zero(bp_tanh(p.out[i])));
    status = bp_graph_status(p.g);
    assert_string_equal(bp_error_message(ctx), bp_graph_message(p.g));
  }
  if (status == BP_OK && what == 1) status = compute(&p, state, &loss);
  if (status == BP_OK && (what == 2 || what == 3)) status = run(ctx, &p, what == 3, state, &loss);
  if (status == BP_OK && what == 4) status = text(ctx, &p);
  if (status != BP_OK) {
    assert_true(loss == 7);
    bt_assert_same_bits(state, zeros, sizeof state);
  }
  bp_graph_free(p.g);
  return status;
}

static void building(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(job, &(int){0}) > 10);
}
static void evaluating(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(job, &(int){1}) > 10);
}
static void compiling_and_running_on_two_threads(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(job, &(int){2}) > 10);
}
static void compiling_without_fusion(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(job, &(int){3}) > 10);
}
static void printing_drawing_and_explaining(void **state) {
  (void)state;
  assert_true(bt_alloc_sweep(job, &(int){4}) > 10);
}

/* A graph that ran out of memory says so from then on. */
static void an_error_for_want_of_memory_is_kept(void **state) {
  bt_fixture *fixture = bt_fixture_of(state);
  bp_graph *g;
  bt_assert_ok(fixture->ctx, bp_graph_new(fixture->ctx, &g));
  fixture->memory.fail_at = fixture->memory.calls;
  for (int i = 0; i < 100; i++) (void)bp_scalar(g, BP_F32, i);
  fixture->memory.fail_at = BT_NEVER;
  assert_int_equal(bp_graph_status(g), BP_E_NOMEM);
  assert_true(bp_graph_message(g)[0] != '\0');
  assert_true(bp_var_is_zero(bp_scalar(g, BP_F32, 1)));
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(building),
      cmocka_unit_test(evaluating),
      cmocka_unit_test(compiling_and_running_on_two_threads),
      cmocka_unit_test(compiling_without_fusion),
      cmocka_unit_test(printing_drawing_and_explaining),
      BT_TEST(an_error_for_want_of_memory_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
