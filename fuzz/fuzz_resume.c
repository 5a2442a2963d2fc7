/* fuzz_resume.c - any bytes as the checkpoint of a training run that goes on from it: what is taken makes another step, and writes a
 * checkpoint from which the run goes on as well.
 *
 * The note of the checkpoint names one of a few runs over the same rows. What the file says about settings and data (backprop.run) is
 * replaced by the words of that run, so that its state and its tensors are looked at; not when the note ends with '!'.
 *
 * about: src/model/checkpoint_ src/train/trainer_state.c src/train/trainer.c src/train/full_ src/train/lbfgs.c src/train/trust_region
 * search: -entropic=0
 */
#include <stdio.h>
#include <string.h>

#include "formats/safetensors.h"
#include "model/checkpoint_file.h"
#include "support/container_mutator.h"
#include "support/fuzzing.h"
#include "support/scratch.h"

enum { ROWS = 12, EPOCHS = 3, TEXTS_MAX = 16 };

static const struct {
  bp_optimizer optimizer;
  bp_dtype dtype;
  double momentum, valid;
  bp_schedule_kind schedule;
  bp_normalize normalize;
} runs[] = {
    {BP_SGD, BP_F32, 0.9, 0, BP_SCHEDULE_CONSTANT, BP_NORMALIZE_NONE},
    {BP_ADAM, BP_F64, 0, 0.25, BP_SCHEDULE_CONSTANT, BP_NORMALIZE_BATCH},
    {BP_LBFGS, BP_F64, 0, 0, BP_SCHEDULE_CONSTANT, BP_NORMALIZE_NONE},
    {BP_LM, BP_F64, 0, 0, BP_SCHEDULE_CONSTANT, BP_NORMALIZE_NONE},
    {BP_RMSPROP, BP_F32, 0, 0.25, BP_SCHEDULE_PLATEAU, BP_NORMALIZE_LAYER},
    {BP_RPROP, BP_F32, 0, 0, BP_SCHEDULE_CONSTANT, BP_NORMALIZE_NONE},
};
enum { RUNS = sizeof runs / sizeof *runs };

/* ---- a run ---- */

static bp_table *rows_of(bp_context *ctx) {
  static const double a[ROWS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, b[ROWS] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
  static const double y[ROWS] = {0.5, 1, 1.5, 0, 3, 7, 1, 2.5, 4, 5, 1, 6};
  bp_table *t = NULL;
  check(bp_table_new(ctx, ROWS, &t) == BP_OK && bp_table_add_numbers(ctx, t, "a", a) == BP_OK);
  check(bp_table_add_numbers(ctx, t, "b", b) == BP_OK && bp_table_add_numbers(ctx, t, "y", y) == BP_OK);
  return t;
}

/* Suspends after so many steps of this process. */
static bp_action count_down(void *user, const bp_fit_step *step) {
  int *left = user;
  (void)step;
  return --*left > 0 ? BP_GO_ON : BP_SUSPEND;
}

/* Goes on from a file (NULL: from the start) for `steps` steps, and writes another. */
static bp_status go_on(bp_context *ctx, int run, const char *from, const char *to, int steps, bp_stop *stopped) {
  char note[8];
  bp_train_options o = {.size = sizeof o, .n_hidden = 1, .hidden = {2}, .dtype = runs[run].dtype};
  bp_fit_result result = {0};
  bp_model *model = NULL;
  bp_table *t = rows_of(ctx);
  (void)snprintf(note, sizeof note, "%d", run);
  o.resume = from, o.checkpoint = to, o.checkpoint_note = note;
  o.valid_fraction = runs[run].valid, o.normalize = runs[run].normalize;
  o.fit = (bp_fit_options){.size = sizeof o.fit,
                           .optimizer = runs[run].optimizer,
                           .momentum = runs[run].momentum,
                           .epochs = EPOCHS,
                           .batch_size = 5,
                           .threads = 1,
                           .step = count_down,
                           .step_user = &steps,
                           .schedule = {.kind = runs[run].schedule}};
  if (bp_optimizer_full_batch(runs[run].optimizer)) o.fit.batch_size = 0;
  o.fit.patience = runs[run].valid > 0 ? 2 : 0;
  check(bp_schedule_check(ctx, &o.fit.schedule) == BP_OK);
  bp_status status = bp_model_train(ctx, t, NULL, &o, &model, &result);
  *stopped = result.stopped_by;
  check(status == BP_OK || bp_error_message(ctx)[0] != '\0');
  bp_model_free(model);
  bp_fit_result_release(ctx, &result);
  bp_table_free(t);
  return status;
}

/* NEW what a run says about itself; free(). */
static char *identity_of(bp_context *ctx, int run) {
  bp_safetensors *file = NULL;
  bp_stop stopped;
  check(go_on(ctx, run, NULL, scratch_path(2), 1, &stopped) == BP_OK && stopped == BP_STOP_SUSPENDED);
  check(bp_safetensors_read(ctx, scratch_path(2), &file) == BP_OK);
  char *identity = strdup(bp_safetensors_text(file, "backprop.run"));
  bp_safetensors_free(file);
  return identity;
}

/* ---- the file ---- */

/* The same tensors and texts with the words of the run. */
static bool adopt(bp_context *ctx, const uint8_t *data, size_t size, int run, const char *path) {
  static char *identities[RUNS];
  bp_text_pair texts[TEXTS_MAX];
  bp_safetensors *file = NULL;
  bp_writer *writer = NULL;
  if (identities[run] == NULL) identities[run] = identity_of(ctx, run);
  if (bp_safetensors_parse(ctx, "fuzz", data, size, &file) != BP_OK) return false;
  size_t n = file->n_metadata < TEXTS_MAX ? file->n_metadata : TEXTS_MAX;
  for (size_t i = 0; i < n; i++) {
    texts[i] = file->metadata[i];
    if (strcmp(texts[i].key, "backprop.run") == 0) texts[i].value = identities[run];
  }
  check(bp_writer_open(ctx, path, &writer) == BP_OK);
  bool written = bp_safetensors_write(ctx, writer, file->tensors, file->n_tensors, texts, n) == BP_OK;
  if (written)
    check(bp_writer_commit(writer) == BP_OK);
  else
    bp_writer_cancel(writer);
  bp_safetensors_free(file);
  return written;
}

static int64_t steps_in(bp_context *ctx, const char *path, int *epochs) {
  bp_checkpoint *checkpoint = NULL;
  const bp_epoch *history;
  check(bp_checkpoint_read(ctx, path, &checkpoint) == BP_OK);
  int64_t steps = bp_checkpoint_steps(checkpoint);
  *epochs = bp_checkpoint_history(checkpoint, &history);
  bp_checkpoint_free(checkpoint);
  return steps;
}

/* From numbers that no run has, a method for full batches may come to such that no file has. */
static bool method_overflew(const bp_context *ctx, bp_status status) {
  return status == BP_E_MODEL &&
         strstr(bp_error_message(ctx), "tensor method holds a value that is not finite") != NULL;
}

static void resume(bp_context *ctx, int run, int64_t steps, int epochs) {
  bp_stop stopped;
  int epochs_now;
  bp_status status = go_on(ctx, run, scratch_path(0), scratch_path(1), 1, &stopped);
  check(status == BP_OK || status == BP_E_MODEL || status == BP_E_ARG || status == BP_E_DATA ||
        status == BP_E_DIVERGED);
  if (status != BP_OK || stopped != BP_STOP_SUSPENDED) return;
  check(steps_in(ctx, scratch_path(1), &epochs_now) == steps + 1 && epochs_now >= epochs);
  status = go_on(ctx, run, scratch_path(1), scratch_path(1), 2, &stopped);
  check(status == BP_OK || status == BP_E_DIVERGED || method_overflew(ctx, status));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_context *ctx = NULL;
  bp_checkpoint *checkpoint = NULL;
  const bp_epoch *history;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  if (bp_checkpoint_parse(ctx, "fuzz", data, size, &checkpoint) == BP_OK) {
    const char *note = bp_checkpoint_note(checkpoint);
    int64_t steps = bp_checkpoint_steps(checkpoint);
    int run = (unsigned char)note[0] % RUNS, epochs = bp_checkpoint_history(checkpoint, &history);
    bool as_it_is = note[0] != '\0' && note[strlen(note) - 1] == '!';
    if (as_it_is) (void)scratch_write(0, data, size);
    if (as_it_is || adopt(ctx, data, size, run, scratch_path(0))) resume(ctx, run, steps, epochs);
    bp_checkpoint_free(checkpoint);
  } else {
    check(bp_error_message(ctx)[0] != '\0');
  }
  bp_context_free(ctx);
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  return container_mutate(data, size, max_size, seed);
}
