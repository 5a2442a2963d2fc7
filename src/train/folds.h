/* train/folds.h - the members of an ensemble judged by the rows that they leave out. */
#ifndef BP_TRAIN_FOLDS_H
#define BP_TRAIN_FOLDS_H
#include "backprop/train.h"

typedef struct trainer trainer;

/* BP_E_ARG   folds of a network of one member, or beside validation rows
 * BP_E_DATA  a row of no member, or a member that learns from no row */
bp_status folds_check(bp_context *ctx, const bp_net *net, const bp_source *train, const bp_source *valid,
                      const bp_fit_options *options);
/* Which rows a member is judged by: places [begin[m], begin[m + 1]) of the list of rows that t->valid has. */
typedef struct folds {
  int members; /* 0: there are no folds */
  int64_t begin[BP_MEMBERS_MAX + 1];
} folds;
/* Orders the rows of t->valid, a runner of one member over the training rows, by their folds. */
bp_status folds_set_up(trainer *t);
/* Puts the parameters of member m to the program of t->valid. */
void folds_take_member(trainer *t, int m);

#endif
