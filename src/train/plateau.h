/* train/plateau.h - what a schedule remembers of a run: a few numbers, which a checkpoint holds. */
#ifndef BP_TRAIN_PLATEAU_H
#define BP_TRAIN_PLATEAU_H
#include "backprop/schedule.h"

typedef struct schedule_state {
  double scale;      /* product of the plateau's factors so far; 1 at first */
  double best;       /* the least loss; +inf at first */
  double bad_epochs; /* since then, or since the last reduction */
} schedule_state;

schedule_state schedule_start(void);
/* To be called with the loss of every epoch. Nothing changes for schedules other than the plateau. */
void schedule_epoch_end(const bp_schedule *schedule, double loss, schedule_state *state);

#endif
