/* model/checkpoint_file.h - the state of a trainer to a file and back. */
#ifndef BP_MODEL_CHECKPOINT_FILE_H
#define BP_MODEL_CHECKPOINT_FILE_H
#include "backprop/checkpoint.h"
#include "model/model_object.h"
#include "train/trainer.h"

/* What a run says about itself in every checkpoint that it writes. BORROWs all but the identity. */
typedef struct bp_checkpoint_run {
  bp_context *ctx;
  const char *path, *note; /* note NULL: none */
  char *identity;          /* JSON text, made by the first checkpoint */
  const bp_model *model;
} bp_checkpoint_run;
void bp_checkpoint_run_release(bp_checkpoint_run *run);

/* A trainer_write_fn whose user is a bp_checkpoint_run. */
bp_status bp_checkpoint_write(void *user, const trainer *t);

/* bp_checkpoint_read() of bytes in memory (BORROW, copied; `name` is for messages). */
bp_status bp_checkpoint_parse(bp_context *ctx, const char *name, const void *data, size_t size, bp_checkpoint **out);

/* Whether a run that is planned is that of the checkpoint, whose tensors it needs: to be asked before memory is taken for the
 * parameters, since a file may say of itself what it likes. The model has its encoding and its network.
 * BP_E_ARG, BP_E_DATA  it was made with other settings, or other data
 * BP_E_MODEL           its tensors are not those of such a run */
bp_status bp_checkpoint_check(bp_context *ctx, const bp_checkpoint *checkpoint, const bp_model *model,
                              const trainer_plan *plan);

/* Puts the state of a checkpoint that was checked into the trainer of the plan, which has done no step.
 * BP_E_MODEL  its state does not fit the run: the message says what */
bp_status bp_checkpoint_resume(bp_context *ctx, const bp_checkpoint *checkpoint, trainer *t);

#endif
