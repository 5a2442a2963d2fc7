/* trainer_state.c - the state of a trainer as named arrays and numbers, for a checkpoint to write and read. Floor: train. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "train/optimizer_update.h"
#include "train/trainer.h"

/* ---- numbers ---- */
#define WHOLE(member)                                                                                                  \
  { #member, offsetof(trainer_state, member), false }
#define REAL(member)                                                                                                   \
  { #member, offsetof(trainer_state, member), true }

static const trainer_field fields[] = {
    WHOLE(steps), WHOLE(epoch), WHOLE(row),    REAL(loss_sum),       REAL(correct_sum),   WHOLE(best_epoch),
    REAL(best),   REAL(lr),     REAL(seconds), REAL(schedule.scale), REAL(schedule.best), REAL(schedule.bad_epochs),
};

const trainer_field *trainer_fields(int *n) {
  *n = (int)(sizeof fields / sizeof fields[0]);
  return fields;
}

/* ---- arrays ---- */

/* One part of the name prefix + that of parameter p, of its shape. What is under way may have overflown without harm to the loss so far:
 * the run that goes on ends as it would have. What is given back in the end is finite. */
static trainer_part part_of(const bp_net *net, const char *prefix, int p) {
  bp_param_info info = bp_net_param(net, p);
  trainer_part part = {.dtype = bp_net_dtype(net), .rank = info.rank};
  part.finite = strcmp(prefix, "kept") == 0;
  (void)snprintf(part.name, sizeof part.name, "%s.%s", prefix, info.name);
  for (int axis = 0; axis < info.rank; axis++) part.dims[axis] = info.dims[axis];
  return part;
}

/* What a method for full batches remembers. */
static trainer_part part_of_method(const trainer_plan *plan) {
  trainer_part part = {.dtype = BP_F64, .rank = 1, .finite = true};
  (void)snprintf(part.name, sizeof part.name, "method");
  part.dims[0] = (int64_t)full_fit_state_size(plan->net, &plan->options);
  return part;
}

int trainer_shapes(const trainer_plan *plan, trainer_part *parts) {
  char prefix[32];
  int n_params = bp_net_params(plan->net), slots = optimizer_slots(plan->options.optimizer, &plan->options);
  bool method = optimizer_is_method(plan->options.optimizer);
  for (int p = 0; p < n_params && parts != NULL; p++) {
    *parts++ = part_of(plan->net, "params", p);
    *parts++ = part_of(plan->net, "kept", p);
    for (int s = 0; s < slots; s++) {
      (void)snprintf(prefix, sizeof prefix, "slots.%d", s);
      *parts++ = part_of(plan->net, prefix, p);
    }
  }
  if (method && parts != NULL) *parts = part_of_method(plan);
  return n_params * (2 + slots) + method;
}

int trainer_parts(const trainer *t, trainer_part *parts) {
  trainer_plan plan = {.net = t->net, .options = t->options};
  int n = trainer_shapes(&plan, parts);
  char *slot = t->slots, *kept = t->kept;
  size_t size;
  for (int p = 0; p < t->n_params && parts != NULL; p++) {
    size_t bytes = trainer_padded(trainer_param_bytes(t, p));
    parts++->data = t->params[p];
    parts++->data = kept;
    kept += bytes;
    for (int s = 0; s < t->per_param; s++, slot += bytes) parts++->data = slot;
  }
  if (t->full != NULL && parts != NULL) parts->data = full_fit_state(t->full, &size);
  return n;
}

/* ---- history ---- */
static const size_t history_reals[] = {
    offsetof(bp_epoch, seconds),        offsetof(bp_epoch, lr),         offsetof(bp_epoch, train_loss),
    offsetof(bp_epoch, train_accuracy), offsetof(bp_epoch, valid_loss), offsetof(bp_epoch, valid_accuracy),
    offsetof(bp_epoch, valid_metric),
};
enum { REALS = sizeof history_reals / sizeof history_reals[0] };
_Static_assert(REALS + 1 == TRAINER_HISTORY_COLUMNS, "the steps, then every real number of bp_epoch");

void trainer_history_row(const bp_epoch *epoch, double *row) {
  row[0] = (double)epoch->steps;
  for (int i = 0; i < REALS; i++) memcpy(&row[i + 1], (const char *)epoch + history_reals[i], sizeof *row);
}

bp_epoch trainer_history_epoch(int number, const double *row) {
  bool whole = row[0] >= 0 && row[0] < 9e15; /* what else stands there is not from us */
  bp_epoch epoch = {.epoch = number, .steps = whole ? (int64_t)row[0] : 0};
  for (int i = 0; i < REALS; i++) memcpy((char *)&epoch + history_reals[i], &row[i + 1], sizeof *row);
  return epoch;
}

bp_status trainer_history_set(trainer *t, const bp_epoch *history, int epochs) {
  bp_fit_result *r = &t->result;
  BP_TRY(bp_grow(t->ctx, (void **)&r->history, &r->history_capacity, (size_t)epochs + 1, sizeof *r->history));
  if (epochs > 0) memcpy(r->history, history, (size_t)epochs * sizeof *history);
  r->epochs = epochs;
  return BP_OK;
}

/* ---- sense ---- */
const char *trainer_state_fault(const trainer *t, const trainer_state *s) {
  int64_t done = s->epoch - 1;
  if (s->epoch < 1 || done > t->options.epochs) return "epoch";
  if (!batching_is_border(&t->batches, s->row)) return "row";
  if (s->row > 0 && done == t->options.epochs) return "row";
  if (s->steps != done * batching_count(&t->batches) + batching_done(&t->batches, s->row)) return "steps";
  if (s->best_epoch < 0 || s->best_epoch > done) return "best_epoch";
  if (!isfinite(s->loss_sum) || (s->row == 0 && s->loss_sum != 0)) return "loss_sum";
  if (s->row == 0 && s->correct_sum != 0) return "correct_sum";
  if (!(s->seconds >= 0)) return "seconds";
  if (!(s->schedule.scale > 0 && s->schedule.scale <= 1)) return "schedule.scale";
  return s->schedule.bad_epochs >= 0 ? NULL : "schedule.bad_epochs";
}
