/* The memory plan, seen from inside: two values lie in the same place only when no phase needs both, everything lies within the
 * workspace, and memory is in fact shared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/scalar_code.h"
#include "support/graph_random.h"
#include "support/testing.h"
#include "training_step.h"

enum { MOST = 4096, GRAPHS = 400 };

/* By buffer: the first and the last phase that touches it; -1 is the prologue. */
typedef struct life {
  int first, last;
  bool touched;
} life;

static void touch(life *l, int32_t buffer, int phase) {
  if (buffer < 0) return;
  life *b = &l[buffer];
  if (!b->touched || phase < b->first) b->first = phase;
  if (!b->touched || phase > b->last) b->last = phase;
  b->touched = true;
}

static void touch_instruction(life *l, const plan_instruction *ins, int phase) {
  touch(l, ins->out, phase);
  for (int32_t a = 0; a < ins->n_args; a++) touch(l, ins->args[a].buffer, phase);
  for (int32_t s = 0; s < ins->n_slots; s++) touch(l, ins->slots[s].buffer, phase);
  if (ins->kind != PLAN_SCALARS) return;
  for (size_t m = 0; m < ins->scalars->n_loads; m++) touch(l, ins->scalars->loads[m].buffer, phase);
  for (size_t m = 0; m < ins->scalars->n_stores; m++) touch(l, ins->scalars->stores[m].buffer, phase);
}

static void find_lives(const bp_program *p, life *l) {
  memset(l, 0, (size_t)p->n_buffers * sizeof *l);
  for (int32_t i = 0; i < p->n_prologue; i++) touch_instruction(l, &p->instructions[i], -1);
  for (int32_t phase = 0; phase < p->n_phases; phase++)
    for (int32_t k = 0; k < p->phases[phase].count; k++) {
      const plan_chain *c = &p->chains[p->phases[phase].first + k];
      for (int32_t i = 0; i < c->count; i++) touch_instruction(l, &p->instructions[c->first + i], phase);
    }
  for (int32_t b = 0; b < p->n_buffers; b++)
    if (p->buffers[b].place == PLAN_OUTPUT && l[b].touched) l[b].last = p->n_phases; /* the caller reads it */
}

static bool is_ours(const plan_buffer *b) { return b->place == PLAN_WORKSPACE || b->place == PLAN_OUTPUT; }

/* What is wrong with a plan; NULL: nothing. *shared: pairs that lie in the same place. */
static const char *fault_of(const bp_program *p, int *shared) {
  static life l[MOST];
  assert_true(p->n_buffers <= MOST);
  find_lives(p, l);
  for (int32_t a = 0; a < p->n_buffers; a++) {
    const plan_buffer *x = &p->buffers[a];
    if (!is_ours(x)) continue;
    if (x->offset % 64 != 0) return "a value is not aligned";
    if (x->offset + x->bytes > p->workspace_bytes) return "a value lies outside";
    if (!l[a].touched) return "a value is never touched";
    for (int32_t b = 0; b < a; b++) {
      const plan_buffer *y = &p->buffers[b];
      if (!is_ours(y) || x->offset + x->bytes <= y->offset || y->offset + y->bytes <= x->offset) continue;
      if (x->bytes == 0 || y->bytes == 0) continue;
      if (l[a].first <= l[b].last && l[b].first <= l[a].last) return "two values of one phase lie in the same place";
      ++*shared;
    }
  }
  return NULL;
}

static void check(bp_context *ctx, const bt_function *f, bool no_fusion, int *shared) {
  bt_runner r = bt_runner_new(ctx, f, no_fusion, 1);
  const char *fault = fault_of(r.program, shared);
  if (fault != NULL) {
    bt_show(ctx, f);
    fail_msg("%s: %s", f->label, fault);
  }
  bt_runner_free(&r);
}

static void values_share_memory_only_when_no_phase_needs_both(void **state) {
  int shared = 0;
  for (int i = 0; i < GRAPHS; i++) {
    bt_random_options options = {.seed = 70000 + (uint64_t)i,
                                 .steps = 5 + i % 40,
                                 .max_batch = 37,
                                 .f64 = i % 2 == 0,
                                 .derivatives = i % 3 != 0,
                                 .states = i % 5 != 0};
    bt_random_graph g;
    char label[64];
    (void)snprintf(label, sizeof label, "random graph %d", i);
    bt_random_graph_make(bt_ctx(state), &options, &g);
    bt_function f = bt_random_graph_function(&g, label);
    check(bt_ctx(state), &f, false, &shared);
    check(bt_ctx(state), &f, true, &shared);
    bt_random_graph_free(&g);
  }
  print_message("%d pairs share memory\n", shared);
  assert_true(shared > GRAPHS);
}

static void the_plan_of_a_training_step_is_sound(void **state) {
  int shared = 0;
  training_step s = training_step_new(bt_ctx(state), BP_F32, (const int64_t[]){37, 24, 17, 5}, 100, 53);
  bt_function f = training_step_function(&s);
  check(bt_ctx(state), &f, false, &shared);
  check(bt_ctx(state), &f, true, &shared);
  training_step_free(&s);
}

/* A chain of products in which each needs all of the one before: two of them at a time are enough. */
static bp_var chain_of_products(bp_graph *g, int length, bp_var *x) {
  bp_var y = *x = bp_input(g, "x", BP_F32, 2, ((const int64_t[]){32, 32}));
  for (int i = 0; i < length; i++) y = bp_tanh(bp_matmul_t(y, true, *x, false));
  return y;
}

static void a_long_chain_needs_no_more_memory_than_a_short_one(void **state) {
  bp_context *ctx = bt_ctx(state);
  size_t memory[2];
  for (int k = 0; k < 2; k++) {
    bp_graph *g;
    bp_var x;
    bt_assert_ok(ctx, bp_graph_new(ctx, &g));
    bp_var y = chain_of_products(g, k == 0 ? 10 : 40, &x);
    bt_function f = {"chain", &y, 1, &x, 1, NULL, 1};
    bt_runner r = bt_runner_new(ctx, &f, false, 1);
    int shared = 0;
    assert_null(fault_of(r.program, &shared));
    assert_true(shared > 0);
    assert_int_equal(r.program->n_phases, k == 0 ? 10 : 40);
    memory[k] = r.program->workspace_bytes;
    bt_runner_free(&r);
    bp_graph_free(g);
  }
  assert_int_equal(memory[0], memory[1]);
  assert_true(memory[0] <= (size_t)3 * 32 * 32 * sizeof(float)); /* the output's own place among them */
}

static void a_fault_in_a_plan_is_caught(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bp_var x;
  int shared = 0;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_var y = chain_of_products(g, 5, &x);
  bt_function f = {"chain", &y, 1, &x, 1, NULL, 1};
  bt_runner r = bt_runner_new(ctx, &f, false, 1);
  bp_program *p = r.program;
  assert_null(fault_of(p, &shared));
  int32_t ours[2] = {-1, -1};
  for (int32_t b = 0; b < p->n_buffers; b++)
    if (is_ours(&p->buffers[b])) ours[0] = ours[1], ours[1] = b;
  plan_buffer *a = &p->buffers[ours[0]], *b = &p->buffers[ours[1]], kept = *b;
  b->offset = a->offset; /* neighbours in the chain */
  assert_string_equal(fault_of(p, &shared), "two values of one phase lie in the same place");
  *b = kept;
  b->offset = p->workspace_bytes;
  assert_string_equal(fault_of(p, &shared), "a value lies outside");
  *b = kept;
  b->offset++;
  assert_string_equal(fault_of(p, &shared), "a value is not aligned");
  *b = kept;
  bt_runner_free(&r);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(values_share_memory_only_when_no_phase_needs_both),
      BT_TEST(the_plan_of_a_training_step_is_sound),
      BT_TEST(a_long_chain_needs_no_more_memory_than_a_short_one),
      BT_TEST(a_fault_in_a_plan_is_caught),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
