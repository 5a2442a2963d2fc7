/* train/folds.h - the members of an ensemble judged by the rows that they leave out. */
#ifndef BP_TRAIN_FOLDS_H
#define BP_TRAIN_FOLDS_H
#include "backprop/train.h"

typedef struct trainer trainer;

/* BP_E_ARG   folds of a network of one member, or beside validation rows
 * BP_E_DATA  a member that learns from no row with a weight, or no such row that is left out */
bp_status folds_check(bp_context *ctx, const bp_net *net, const bp_source *train, const bp_source *valid,
                      const bp_fit_options *options);

/* The rows that a member leaves out, as a source: those of member m are begin[m] .. begin[m + 1] - 1. Features stand where they are;
 * targets and weights are copies. */
typedef struct folds {
  bp_context *ctx;
  int members; /* 0: there are no folds */
  int64_t begin[BP_MEMBERS_MAX + 1], rows;
  bp_source source;
  int32_t *places;
  void *targets;
  size_t target_bytes; /* of a row */
  double *weights;
} folds;
/* Release *out with folds_release() in any case. */
bp_status folds_new(bp_context *ctx, const bp_net *net, const bp_source *source, const uint8_t *of, folds *out);
void folds_release(folds *f);
/* Gives the parameters of member m to the program of t->valid. */
void folds_take_member(trainer *t, int m);

#endif
