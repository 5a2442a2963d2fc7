/* checkpoint_write.c - the state of a training run as one safetensors file (docs/formats.md).
 *
 * Arrays lie in the file as the trainer has them, so that they come back without a computation:
 *   params.NAME, kept.NAME, slots.K.NAME   for each parameter of the network
 *   history                                F64, a row for each epoch
 * and in __metadata__:
 *   format               "backprop-checkpoint"
 *   backprop.checkpoint  counters and sums
 *   backprop.run         what the run is made of (run_identity.h)
 *   backprop.note        the caller's text
 *   backprop.checksum    of the tensors (formats/safetensors.h)
 */
#include <math.h>
#include <string.h>

#include "backprop/version.h"
#include "base/fail.h"
#include "formats/safetensors.h"
#include "model/checkpoint_file.h"
#include "model/checkpoint_json.h"
#include "model/model_json.h"
#include "model/run_identity.h"

enum { TEXTS = 6 };

/* What one checkpoint needs while it is written. */
typedef struct bp_snapshot {
  bp_context *ctx;
  const trainer *trainer;
  int n_parts;
  trainer_part *parts;
  bp_named_tensor *tensors; /* the parts, then the history */
  double *history;
  size_t n_history;
  char *state;
} bp_snapshot;

void bp_checkpoint_run_release(bp_checkpoint_run *run) {
  bp_string_free(run->ctx, run->identity);
  run->identity = NULL;
}

/* ---- counters and sums ---- */

static void put_field(bp_json_writer *w, const trainer_state *state, const trainer_field *field) {
  const char *at = (const char *)state + field->offset;
  double real = 0;
  int64_t whole = 0;
  if (field->real)
    memcpy(&real, at, sizeof real);
  else
    memcpy(&whole, at, sizeof whole);
  if (!field->real)
    bp_json_put_whole(w, field->name, whole);
  else if (isfinite(real))
    bp_json_put_real(w, field->name, real);
  else
    bp_json_put_text(w, field->name, isnan(real) ? "nan" : real > 0 ? "inf" : "-inf");
}

static bp_status state_text(bp_context *ctx, const trainer *t, char **out) {
  int n;
  const trainer_field *fields = trainer_fields(&n);
  trainer_state state = t->state;
  bp_json_writer w;
  state.seconds = trainer_seconds(t);
  bp_json_begin(&w, ctx);
  bp_json_open(&w, NULL, '{');
  bp_json_put_whole(&w, "format", BP_CHECKPOINT_FORMAT);
  bp_json_open(&w, "state", '{');
  for (int i = 0; i < n; i++) put_field(&w, &state, &fields[i]);
  bp_json_close(&w, '}');
  bp_json_close(&w, '}');
  return bp_json_end(&w, out);
}

/* ---- arrays ---- */

static bp_status take_history(bp_snapshot *s) {
  const trainer *t = s->trainer;
  bp_named_tensor *tensor = &s->tensors[s->n_parts];
  s->n_history = (size_t)t->result.epochs * TRAINER_HISTORY_COLUMNS;
  s->history = bp_alloc(s->ctx, s->n_history + 1, sizeof *s->history);
  if (!s->history) return BP_E_NOMEM;
  for (int e = 0; e < t->result.epochs; e++)
    trainer_history_row(&t->result.history[e], s->history + e * TRAINER_HISTORY_COLUMNS);
  *tensor = (bp_named_tensor){.name = "history", .dtype = BP_F64, .rank = 2, .data = s->history};
  tensor->dims[0] = t->result.epochs;
  tensor->dims[1] = TRAINER_HISTORY_COLUMNS;
  return BP_OK;
}

static bp_status take_parts(bp_snapshot *s) {
  s->n_parts = trainer_parts(s->trainer, NULL);
  s->parts = bp_calloc(s->ctx, (size_t)s->n_parts, sizeof *s->parts);
  s->tensors = s->parts ? bp_calloc(s->ctx, (size_t)s->n_parts + 1, sizeof *s->tensors) : NULL;
  if (!s->tensors) return BP_E_NOMEM;
  (void)trainer_parts(s->trainer, s->parts);
  for (int i = 0; i < s->n_parts; i++) {
    const trainer_part *part = &s->parts[i];
    s->tensors[i] = (bp_named_tensor){.name = part->name, .dtype = part->dtype, .rank = part->rank, .data = part->data};
    for (int axis = 0; axis < part->rank; axis++) s->tensors[i].dims[axis] = part->dims[axis];
  }
  return take_history(s);
}

/* ---- the file ---- */

static bp_status write_file(const bp_snapshot *s, const bp_checkpoint_run *run) {
  char checksum[BP_CHECKSUM_TEXT];
  BP_TRY(bp_safetensors_checksum(s->ctx, s->tensors, (size_t)s->n_parts + 1, checksum));
  const bp_text_pair texts[TEXTS] = {
      {"format", BP_CHECKPOINT_KIND},  {"backprop.version", BP_VERSION_STRING},       {"backprop.checkpoint", s->state},
      {"backprop.run", run->identity}, {"backprop.note", run->note ? run->note : ""}, {BP_CHECKSUM_KEY, checksum},
  };
  bp_writer *writer = NULL;
  BP_TRY(bp_writer_open(s->ctx, run->path, &writer));
  bp_status status = bp_safetensors_write(s->ctx, writer, s->tensors, (size_t)s->n_parts + 1, texts, TEXTS);
  if (status == BP_OK) return bp_writer_commit(writer);
  bp_writer_cancel(writer);
  return status;
}

static void release(bp_snapshot *s) {
  bp_allocator allocator = bp_context_allocator(s->ctx);
  bp_string_free(s->ctx, s->state);
  bp_release(allocator, s->history, s->n_history + 1, sizeof *s->history);
  bp_release(allocator, s->tensors, (size_t)s->n_parts + 1, sizeof *s->tensors);
  bp_release(allocator, s->parts, (size_t)s->n_parts, sizeof *s->parts);
}

bp_status bp_checkpoint_write(void *user, const trainer *t) {
  bp_checkpoint_run *run = user;
  bp_snapshot s = {.ctx = run->ctx, .trainer = t};
  bp_status status = BP_OK;
  if (!run->identity) /* the data do not change */
    status = bp_identity_new(run->ctx, run->model, &t->options, t->train.source,
                             t->options.folds ? NULL : t->valid.source, &run->identity); /* folds: the training rows */
  if (status == BP_OK) status = take_parts(&s);
  if (status == BP_OK) status = state_text(run->ctx, t, &s.state);
  if (status == BP_OK) status = write_file(&s, run);
  release(&s);
  return status;
}
