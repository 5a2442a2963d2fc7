/* model/checkpoint_json.h - the words of a checkpoint file that its writer and its reader share. */
#ifndef BP_MODEL_CHECKPOINT_JSON_H
#define BP_MODEL_CHECKPOINT_JSON_H

#define BP_CHECKPOINT_KIND "backprop-checkpoint"
/* The layout of checkpoints that this library writes; only this one is read. */
#define BP_CHECKPOINT_FORMAT 1

#endif
