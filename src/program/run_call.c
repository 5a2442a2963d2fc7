/* run_call.c - branches and loops inside a program: their functions are programs with workspaces of their own. Floor: program.
 *
 * A failure inside (a loop that goes on beyond its bound) is kept in the workspace; bp_run() reports it after the phase.
 */
#include "base/fail.h"
#include "program/plan.h"

bp_status plan_calls_init(bp_workspace *w) {
  const bp_program *p = w->program;
  w->calls = bp_calloc(w->ctx, (size_t)p->n_calls, sizeof *w->calls);
  if (w->calls == NULL) return BP_E_NOMEM;
  for (int32_t i = 0; i < p->n_calls; i++) {
    const plan_call *c = &p->calls[i];
    plan_call_room *room = &w->calls[i];
    room->args = bp_calloc(w->ctx, c->layout.n_args, sizeof *room->args);
    room->scratch = bp_aligned_alloc(w->ctx, bp_call_scratch(&c->layout));
    if (room->args == NULL || room->scratch == NULL) return BP_E_NOMEM;
    for (int f = 0; f < 2; f++) {
      if (c->functions[f] == NULL) continue;
      BP_TRY(bp_workspace_new(w->ctx, c->functions[f], 1, &room->functions[f]));
      room->functions[f]->ctx = NULL; /* it may run in another thread, where no message may be written */
    }
  }
  return BP_OK;
}

void plan_calls_release(bp_workspace *w) {
  const bp_program *p = w->program;
  for (int32_t i = 0; w->calls != NULL && i < p->n_calls; i++) {
    const bp_call_layout *l = &p->calls[i].layout;
    plan_call_room *room = &w->calls[i];
    for (int f = 0; f < 2; f++) bp_workspace_free(room->functions[f]);
    bp_release(w->allocator, (void *)room->args, l->n_args, sizeof *room->args);
    if (room->scratch != NULL) bp_aligned_free(w->allocator, room->scratch, bp_call_scratch(l));
  }
  bp_release(w->allocator, w->calls, (size_t)p->n_calls, sizeof *w->calls);
}

static bp_status run_function(void *user, int which, const void *const *inputs, void *const *outputs) {
  const plan_call_room *room = user;
  return bp_run(room->functions[which]->program, room->functions[which], 0, inputs, outputs);
}

void plan_run_call(bp_workspace *w, const plan_instruction *ins) {
  const plan_call *c = &w->program->calls[ins->call];
  plan_call_room *room = &w->calls[ins->call];
  for (int32_t a = 0; a < ins->n_args; a++) room->args[a] = w->args[ins->first_arg + a].data;
  bp_status status =
      bp_call_execute(NULL, &c->layout, room->args, w->pointers[ins->out], room->scratch, run_function, room);
  int none = BP_OK;
  if (status != BP_OK) (void)atomic_compare_exchange_strong(&w->status, &none, (int)status);
}
