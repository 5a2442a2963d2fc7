/* train/divergence.h - where numbers stopped being finite, and why. */
#ifndef BP_TRAIN_DIVERGENCE_H
#define BP_TRAIN_DIVERGENCE_H
#include "train/trainer.h"

/* Keeps the state of now as the one to go back to, when enough steps were done since the last time. Called between epochs. */
void diagnose_anchor(trainer *t);

/* After a step whose loss was not finite, or an epoch that left a parameter that is not: BP_E_DIVERGED with a message that names
 * the step, the first place where a number was not finite, the likely cause, and what to try. Runs the last steps again, from the
 * anchor; the parameters are then those before that step. */
bp_status diagnose(trainer *t);
/* The same after a method for full batches failed with BP_E_DIVERGED: it only steps to where all is finite, so that was where it
 * began, and the parameters are still those. Adds place and cause to its message. */
bp_status diagnose_start(trainer *t);

#endif
