/* backprop/checkpoint.h - a training run that can go on later: its whole state in one file.
 *
 *   write   bp_train_options.checkpoint names the file; it is written every so many steps or epochs, when the callback of a
 *           step returns BP_CHECKPOINT, when the time limit ends the run, and when it returns BP_SUSPEND, which then ends the run
 *   go on   bp_train_options.resume names the file; data and settings must be those of the run that wrote it
 *
 * A run that went on gives the model of the run that was never stopped, bit for bit, whatever the number of threads. That holds for
 * one arithmetic (bp_build()): a checkpoint names its own, and a run with another is refused. The file
 * (docs/formats.md) is written atomically: whatever happens, the one before it stays until the new one is whole.
 */
#ifndef BACKPROP_CHECKPOINT_H
#define BACKPROP_CHECKPOINT_H
#include "backprop/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_checkpoint bp_checkpoint;

/* NEW checkpoint, to be looked at.
 * BP_E_IO     the file cannot be read
 * BP_E_MODEL  it is no checkpoint, or damaged; the message says where and what */
BP_API bp_status bp_checkpoint_read(bp_context *context, const char *path, bp_checkpoint **out);
BP_API void bp_checkpoint_free(bp_checkpoint *checkpoint);

/* VIEW the text that bp_train_options.checkpoint_note had; "" when it had none. */
BP_API const char *bp_checkpoint_note(const bp_checkpoint *checkpoint);
/* Steps done; the epoch under way, from 1, and how many of its rows were learnt from. */
BP_API int64_t bp_checkpoint_steps(const bp_checkpoint *checkpoint);
BP_API int bp_checkpoint_epoch(const bp_checkpoint *checkpoint);
BP_API int64_t bp_checkpoint_rows(const bp_checkpoint *checkpoint);
/* VIEW the epochs that were through, in *out; returns how many. */
BP_API int bp_checkpoint_history(const bp_checkpoint *checkpoint, const bp_epoch **out);

#ifdef __cplusplus
}
#endif
#endif
