/* folds.c - the members of an ensemble judged by the rows that they leave out. Floor: train. */
#include "train/folds.h"

#include <inttypes.h>

#include "base/fail.h"
#include "train/trainer.h"

/* Rows of each fold; BP_E_DATA for a number that is no member's. */
static bp_status count(bp_context *ctx, const uint8_t *of, int64_t rows, int members, int64_t *n) {
  for (int m = 0; m < members; m++) n[m] = 0;
  for (int64_t r = 0; r < rows; r++) {
    if (of[r] >= members)
      return bp_fail(ctx, BP_E_DATA, "training: row %" PRId64 " is left out by member %d, expected one from 0 to %d", r,
                     of[r], members - 1);
    n[of[r]]++;
  }
  return BP_OK;
}

bp_status folds_check(bp_context *ctx, const bp_net *net, const bp_source *train, const bp_source *valid,
                      const bp_fit_options *options) {
  int64_t n[BP_MEMBERS_MAX];
  int members = bp_net_members(net);
  if (options->folds == NULL) return BP_OK;
  if (members < 2)
    return bp_fail(ctx, BP_E_ARG, "folds are for an ensemble, and the network has one member; expected 2 or more");
  if (valid != NULL)
    return bp_fail(ctx, BP_E_ARG, "both folds and validation rows are given; expected one of them to judge by");
  BP_TRY(count(ctx, options->folds, train->rows, members, n));
  for (int m = 0; m < members; m++)
    if (n[m] == train->rows)
      return bp_fail(ctx, BP_E_DATA, "training: member %d leaves all %" PRId64 " rows out, and has none to learn from",
                     m, train->rows);
  return BP_OK;
}

bp_status folds_set_up(trainer *t) {
  const bp_source *source = t->train.source;
  const uint8_t *of = t->options.folds;
  int64_t next[BP_MEMBERS_MAX];
  folds *f = &t->folds;
  f->members = bp_net_members(t->net);
  BP_TRY(count(t->ctx, of, source->rows, f->members, next));
  for (int m = 0; m < f->members; m++) {
    f->begin[m + 1] = f->begin[m] + next[m];
    next[m] = f->begin[m];
  }
  for (int64_t r = 0; r < source->rows; r++) t->valid.rows[next[of[r]]++] = (int32_t)r;
  return BP_OK;
}

void folds_take_member(trainer *t, int m) {
  int each = t->n_params / t->folds.members;
  for (int p = 0; p < each; p++) t->valid.inputs[FIT_FIRST_PARAM_OF_EVAL + p] = t->params[m * each + p];
}
