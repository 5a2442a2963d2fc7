/* checkpoint_read.c - a checkpoint file, believed in nothing, and its state put into a trainer. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "formats/safetensors.h"
#include "model/checkpoint_file.h"
#include "model/checkpoint_json.h"
#include "model/model_json.h"
#include "model/run_identity.h"
#include "train/full_fit.h"

struct bp_checkpoint {
  bp_allocator allocator;
  bp_safetensors *file;
  bp_json *identity;
  trainer_state state;
  bp_epoch *history; /* [epochs] */
  int epochs;        /* that were through: state.epoch - 1, once that is known to be one */
};

/* ---- the texts of the file ---- */

static bp_status check_kind(bp_context *ctx, const bp_safetensors *file) {
  const char *format = bp_safetensors_text(file, "format");
  if (format && strcmp(format, BP_CHECKPOINT_KIND) == 0) return BP_OK;
  if (format && strcmp(format, "backprop") == 0)
    return bp_fail(ctx, BP_E_MODEL, "it is a trained model, not a checkpoint of a training run");
  return bp_fail(ctx, BP_E_MODEL,
                 "it holds tensors, but is no checkpoint: expected \"format\": \"" BP_CHECKPOINT_KIND
                 "\" in its metadata");
}

static bool read_real(const bp_json *value, double *out) {
  static const struct {
    const char *name;
    double value;
  } names[] = {{"nan", (double)NAN}, {"inf", (double)INFINITY}, {"-inf", -(double)INFINITY}};
  const char *text = bp_json_text(value);
  for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
    if (strcmp(text, names[i].name) == 0) return *out = names[i].value, true;
  return bp_json_number(value, out);
}

static bp_status read_field(bp_context *ctx, const bp_json *state, const trainer_field *field, trainer_state *out) {
  const bp_json *value = bp_json_member(state, field->name);
  char *at = (char *)out + field->offset;
  double real = 0;
  int64_t whole = 0;
  if (field->real ? !read_real(value, &real) : !bp_json_whole(value, &whole) || whole < 0)
    return bp_fail(ctx, BP_E_MODEL, "backprop.checkpoint: state.%s: expected a %s", field->name,
                   field->real ? "number" : "whole number from 0");
  if (field->real)
    memcpy(at, &real, sizeof real);
  else
    memcpy(at, &whole, sizeof whole);
  return BP_OK;
}

static bp_status read_state(bp_context *ctx, const bp_json *object, trainer_state *out) {
  const bp_json *state = bp_json_member(object, "state");
  int64_t format;
  int n;
  const trainer_field *fields = trainer_fields(&n);
  if (!bp_json_whole(bp_json_member(object, "format"), &format) || format != BP_CHECKPOINT_FORMAT)
    return bp_fail(ctx, BP_E_MODEL,
                   "the checkpoint was made by another backprop: this one reads format %d; go on with the version that "
                   "wrote it",
                   BP_CHECKPOINT_FORMAT);
  if (bp_json_type(state) != BP_JSON_OBJECT)
    return bp_fail(ctx, BP_E_MODEL, "backprop.checkpoint: state: expected an object");
  for (int i = 0; i < n; i++) BP_TRY(read_field(ctx, state, &fields[i], out));
  if (out->epoch >= 1 && out->epoch <= INT32_MAX) return BP_OK;
  return bp_fail(ctx, BP_E_MODEL, "backprop.checkpoint: state.epoch: expected a whole number from 1 to %d", INT32_MAX);
}

/* ---- tensors ---- */

static bool all_finite(const void *data, size_t bytes, bp_dtype dtype) {
  size_t n = bytes / bp_dtype_size(dtype);
  for (size_t i = 0; i < n; i++) {
    float f32 = 0;
    double f64 = 0;
    if (dtype == BP_F32) memcpy(&f32, (const char *)data + i * sizeof f32, sizeof f32);
    if (dtype == BP_F64) memcpy(&f64, (const char *)data + i * sizeof f64, sizeof f64);
    if (!isfinite(f32) || !isfinite(f64)) return false;
  }
  return true;
}

static bp_status find_tensor(bp_context *ctx, const bp_safetensors *file, const trainer_part *part,
                             const bp_named_tensor **out) {
  const bp_named_tensor *tensor = bp_safetensors_tensor(file, part->name);
  if (!tensor) return bp_fail(ctx, BP_E_MODEL, "tensor %s is missing", part->name);
  bool fits = tensor->dtype == part->dtype && tensor->rank == part->rank;
  for (int axis = 0; fits && axis < part->rank; axis++) fits = tensor->dims[axis] == part->dims[axis];
  if (!fits) return bp_fail(ctx, BP_E_MODEL, "tensor %s: another type or shape than the run needs", part->name);
  if (part->finite && !all_finite(tensor->data, tensor->size, tensor->dtype))
    return bp_fail(ctx, BP_E_MODEL, "tensor %s holds a value that is not finite", part->name);
  *out = tensor;
  return BP_OK;
}

static bp_status read_history(bp_context *ctx, bp_checkpoint *checkpoint) {
  trainer_part part = {.name = "history", .dtype = BP_F64, .rank = 2};
  const bp_named_tensor *tensor = NULL;
  int epochs = (int)checkpoint->state.epoch - 1;
  part.dims[0] = epochs;
  part.dims[1] = TRAINER_HISTORY_COLUMNS;
  BP_TRY(find_tensor(ctx, checkpoint->file, &part, &tensor));
  checkpoint->history = bp_calloc(ctx, (size_t)epochs, sizeof *checkpoint->history);
  if (!checkpoint->history) return BP_E_NOMEM;
  checkpoint->epochs = epochs;
  for (int e = 0; e < epochs; e++) {
    double row[TRAINER_HISTORY_COLUMNS];
    memcpy(row, (const char *)tensor->data + (size_t)e * sizeof row, sizeof row);
    checkpoint->history[e] = trainer_history_epoch(e + 1, row);
  }
  return BP_OK;
}

static bp_status read_all(bp_context *ctx, bp_checkpoint *checkpoint) {
  bp_json *object = NULL;
  BP_TRY(check_kind(ctx, checkpoint->file));
  BP_TRY(bp_safetensors_verify(ctx, checkpoint->file));
  BP_TRY(bp_json_from_text(ctx, "backprop.checkpoint", bp_safetensors_text(checkpoint->file, "backprop.checkpoint"),
                           &object));
  bp_status status = read_state(ctx, object, &checkpoint->state);
  bp_json_free(object);
  if (status == BP_OK)
    status = bp_json_from_text(ctx, "backprop.run", bp_safetensors_text(checkpoint->file, "backprop.run"),
                               &checkpoint->identity);
  return status == BP_OK ? read_history(ctx, checkpoint) : status;
}

/* NEW from an open file, which it takes over. */
static bp_status open_checkpoint(bp_context *ctx, const char *name, bp_safetensors *file, bp_checkpoint **out) {
  bp_checkpoint *checkpoint = bp_calloc(ctx, 1, sizeof *checkpoint);
  if (!checkpoint) {
    bp_safetensors_free(file);
    return BP_E_NOMEM;
  }
  checkpoint->allocator = bp_context_allocator(ctx);
  checkpoint->file = file;
  bp_status status = read_all(ctx, checkpoint);
  if (status != BP_OK) {
    if (status == BP_E_MODEL) bp_fail_prefix(ctx, "%s: ", name);
    bp_checkpoint_free(checkpoint);
    return status;
  }
  *out = checkpoint;
  return BP_OK;
}

static bp_status read_file(bp_context *context, const char *path, bp_checkpoint **out) {
  bp_safetensors *file = NULL;
  BP_TRY(bp_safetensors_read(context, path, &file));
  return open_checkpoint(context, path, file, out);
}

bp_status bp_checkpoint_read(bp_context *context, const char *path, bp_checkpoint **out) {
  bp_bound bound = bp_bound_open(context, BP_BOUND_READING);
  return bp_bound_close(context, bound, read_file(context, path, out), path);
}

bp_status bp_checkpoint_parse(bp_context *ctx, const char *name, const void *data, size_t size, bp_checkpoint **out) {
  bp_safetensors *file = NULL;
  BP_TRY(bp_safetensors_parse(ctx, name, data, size, &file));
  return open_checkpoint(ctx, name, file, out);
}

void bp_checkpoint_free(bp_checkpoint *checkpoint) {
  if (!checkpoint) return;
  bp_json_free(checkpoint->identity);
  bp_release(checkpoint->allocator, checkpoint->history, (size_t)checkpoint->epochs, sizeof *checkpoint->history);
  bp_safetensors_free(checkpoint->file);
  bp_release(checkpoint->allocator, checkpoint, 1, sizeof *checkpoint);
}

const char *bp_checkpoint_note(const bp_checkpoint *checkpoint) {
  const char *note = bp_safetensors_text(checkpoint->file, "backprop.note");
  return note ? note : "";
}

int64_t bp_checkpoint_steps(const bp_checkpoint *checkpoint) { return checkpoint->state.steps; }
int bp_checkpoint_epoch(const bp_checkpoint *checkpoint) { return (int)checkpoint->state.epoch; }
int bp_checkpoint_history(const bp_checkpoint *checkpoint, const bp_epoch **out) {
  *out = checkpoint->history;
  return checkpoint->epochs;
}
int64_t bp_checkpoint_rows(const bp_checkpoint *checkpoint) { return checkpoint->state.row; }

/* ---- into a trainer ---- */

/* NEW parts of a plan: n of them. */
static bp_status new_shapes(bp_context *ctx, const trainer_plan *plan, trainer_part **parts, int *n) {
  *n = trainer_shapes(plan, NULL);
  *parts = bp_calloc(ctx, (size_t)*n, sizeof **parts);
  if (!*parts) return BP_E_NOMEM;
  (void)trainer_shapes(plan, *parts);
  return BP_OK;
}

static void release_parts(bp_context *ctx, trainer_part *parts, int n) {
  bp_release(bp_context_allocator(ctx), parts, (size_t)n, sizeof *parts);
}

static bp_status check_tensors(bp_context *ctx, const bp_safetensors *file, const trainer_part *parts, int n) {
  const bp_named_tensor *tensor = NULL;
  if (file->n_tensors != (size_t)n + 1)
    return bp_fail(ctx, BP_E_MODEL, "%zu tensors; this run needs %d", file->n_tensors, n + 1);
  for (int i = 0; i < n; i++) BP_TRY(find_tensor(ctx, file, &parts[i], &tensor));
  return BP_OK;
}

static bp_status compare_identity(bp_context *ctx, const bp_json *then, const bp_model *model,
                                  const trainer_plan *plan) {
  char *text;
  bp_json *now;
  BP_TRY(bp_identity_new(ctx, model, &plan->options, plan->train, plan->valid, &text));
  bp_status status = bp_json_parse(ctx, text, strlen(text), &now);
  bp_string_free(ctx, text);
  BP_TRY(status);
  status = bp_identity_compare(ctx, then, now);
  bp_json_free(now);
  return status;
}

bp_status bp_checkpoint_check(bp_context *ctx, const bp_checkpoint *checkpoint, const bp_model *model,
                              const trainer_plan *plan) {
  trainer_part *parts;
  int n;
  BP_TRY(compare_identity(ctx, checkpoint->identity, model, plan));
  BP_TRY(new_shapes(ctx, plan, &parts, &n));
  bp_status status = check_tensors(ctx, checkpoint->file, parts, n);
  release_parts(ctx, parts, n);
  return status;
}

static bp_status copy_tensors(bp_context *ctx, const bp_safetensors *file, const trainer *t) {
  trainer_part *parts;
  int n = trainer_parts(t, NULL);
  parts = bp_calloc(ctx, (size_t)n, sizeof *parts);
  if (!parts) return BP_E_NOMEM;
  (void)trainer_parts(t, parts);
  for (int i = 0; i < n; i++) {
    const bp_named_tensor *tensor = bp_safetensors_tensor(file, parts[i].name);
    memcpy(parts[i].data, tensor->data, tensor->size);
  }
  release_parts(ctx, parts, n);
  return BP_OK;
}

bp_status bp_checkpoint_resume(bp_context *ctx, const bp_checkpoint *checkpoint, trainer *t) {
  const char *fault = trainer_state_fault(t, &checkpoint->state);
  if (fault) return bp_fail(ctx, BP_E_MODEL, "backprop.checkpoint: state.%s does not fit the run", fault);
  BP_TRY(trainer_history_set(t, checkpoint->history, checkpoint->epochs));
  BP_TRY(copy_tensors(ctx, checkpoint->file, t));
  if (t->full != NULL && !full_fit_fits(t->full))
    return bp_fail(ctx, BP_E_MODEL, "tensor method holds counters that no run with these settings has");
  t->state = checkpoint->state;
  return BP_OK;
}
