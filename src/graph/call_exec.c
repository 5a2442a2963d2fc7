/* call_exec.c - running branches and loops on dense arrays, whoever computes their functions. Floor: graph. */
#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "graph/call.h"

static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t state_bytes(const bp_call_layout *l) {
  size_t sum = 0;
  for (size_t i = 0; i < l->n_state; i++) sum += padded(l->out_bytes[i]);
  return sum;
}

/* Two sets of states, one read while the other is written; the value of the condition; pointers. */
size_t bp_call_scratch(const bp_call_layout *l) {
  return (l->is_loop ? 2 * state_bytes(l) + 64 : 0) + padded((l->n_in + l->n_out + l->n_results + 1) * sizeof(void *));
}

static bool is_true(const void *value, bp_dtype dtype) {
  return dtype == BP_F64 ? *(const double *)value != 0 : *(const float *)value != 0;
}

static bp_status execute_branch(const bp_call_layout *l, const void *const *args, char *block, void **outputs,
                                bp_function_run run, void *user) {
  for (size_t i = 0; i < l->n_results; i++) outputs[i] = block + l->offset[i];
  return run(user, is_true(args[0], l->decision) ? 0 : 1, args + 1, outputs);
}

/* ---- loops ---- */
typedef struct loop_run {
  const bp_call_layout *l;
  const void *const *args;
  char *block;
  char *states[2]; /* [now] holds the state */
  int now;
  char *condition;
  const void **inputs; /* of both functions */
  void **outputs;
  bp_function_run run;
  void *user;
} loop_run;

/* State and constants as inputs of a function. */
static void set_inputs(const loop_run *r) {
  const char *state = r->states[r->now];
  for (size_t i = 0; i < r->l->n_state; i++) {
    r->inputs[i] = state;
    state += padded(r->l->out_bytes[i]);
  }
  for (size_t i = r->l->n_state; i < r->l->n_state + r->l->n_constants; i++) r->inputs[i] = r->args[i];
}

static bp_status goes_on(const loop_run *r, bool *on) {
  *on = true;
  if (!r->l->has_condition) return BP_OK;
  set_inputs(r);
  r->outputs[0] = r->condition;
  BP_TRY(r->run(r->user, 1, r->inputs, r->outputs));
  *on = is_true(r->condition, r->l->decision);
  return BP_OK;
}

static bp_status iterate(loop_run *r, int64_t t) {
  const bp_call_layout *l = r->l;
  size_t first_x = l->n_state + l->n_constants;
  set_inputs(r);
  for (size_t i = first_x; i < l->n_in; i++) r->inputs[i] = (const char *)r->args[i] + (size_t)t * l->in_bytes[i];
  char *next = r->states[1 - r->now];
  for (size_t i = 0; i < l->n_state; i++) {
    r->outputs[i] = next;
    next += padded(l->out_bytes[i]);
  }
  for (size_t i = l->n_state; i < l->n_out; i++) r->outputs[i] = r->block + l->offset[i] + (size_t)t * l->out_bytes[i];
  BP_TRY(r->run(r->user, 0, r->inputs, r->outputs));
  r->now = 1 - r->now;
  return BP_OK;
}

static bp_status run_loop(bp_context *ctx, loop_run *r, int64_t *trips) {
  const bp_call_layout *l = r->l;
  int64_t count = l->counted ? (int64_t) * (const double *)r->args[l->n_args - 1] : l->length;
  bool on = true;
  for (*trips = 0; *trips < count; ++*trips) {
    BP_TRY(goes_on(r, &on));
    if (!on) return BP_OK;
    BP_TRY(iterate(r, l->reverse ? count - 1 - *trips : *trips));
  }
  if (!l->has_condition || l->counted) return BP_OK;
  BP_TRY(goes_on(r, &on));
  if (on)
    return bp_fail(ctx, BP_E_LIMIT,
                   "while: the condition still holds after %" PRId64 " iterations, the bound that was given", count);
  return BP_OK;
}

static bp_status execute_loop(bp_context *ctx, const bp_call_layout *l, const void *const *args, char *block,
                              char *scratch, bp_function_run run, void *user) {
  size_t states = state_bytes(l);
  int64_t trips = 0;
  loop_run r = {.l = l,
                .args = args,
                .block = block,
                .states = {scratch, scratch + states},
                .condition = scratch + 2 * states,
                .run = run,
                .user = user};
  r.inputs = (const void **)(void *)(scratch + 2 * states + 64);
  r.outputs = (void **)(void *)r.inputs + l->n_in;
  memset(block, 0, l->bytes); /* what is beyond the last trip is zero */
  char *to = r.states[0];
  for (size_t i = 0; i < l->n_state; i++) {
    memcpy(to, args[i], l->out_bytes[i]);
    to += padded(l->out_bytes[i]);
  }
  BP_TRY(run_loop(ctx, &r, &trips));
  const char *from = r.states[r.now];
  for (size_t i = 0; i < l->n_state; i++) {
    memcpy(block + l->offset[i], from, l->out_bytes[i]);
    from += padded(l->out_bytes[i]);
  }
  *(double *)(void *)(block + l->offset[l->n_results - 1]) = (double)trips;
  return BP_OK;
}

bp_status bp_call_execute(bp_context *ctx, const bp_call_layout *l, const void *const *args, void *block, void *scratch,
                          bp_function_run run, void *user) {
  if (l->is_loop) return execute_loop(ctx, l, args, block, scratch, run, user);
  return execute_branch(l, args, block, scratch, run, user);
}
