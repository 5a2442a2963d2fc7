/* program/tape.h - a small program as a list of calls whose arguments are in place. */
#ifndef BP_PROGRAM_TAPE_H
#define BP_PROGRAM_TAPE_H
#include "program/plan.h"

/* Gives the workspace a tape when its program may be small enough for one; otherwise w->tape stays NULL. */
bp_status plan_tape_init(bp_workspace *w);
void plan_tape_release(bp_workspace *w);
/* w->pointers[buffer] has changed. */
void plan_tape_moved(bp_workspace *w, int32_t buffer);
/* Runs the prologue and all phases; false when that is not for the tape: this batch is too large, or is new. */
bool plan_tape_run(bp_workspace *w);

/* Whether the last run came from the tape, or could have. */
bool plan_tape_is_on(const bp_workspace *w);

#endif
