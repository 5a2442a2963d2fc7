/* folds.c - the members of an ensemble judged by the rows that they leave out. Floor: train. */
#include "train/folds.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "train/source_runs.h"
#include "train/trainer.h"

/* The weight of the rows that member m learns from, or leaves out. */
static double weight_of(const bp_source *s, const uint8_t *of, int m, bool learnt) {
  double sum = 0;
  for (int64_t r = 0; r < s->rows; r++)
    if ((of[r] != m) == learnt) sum += s->weights != NULL ? s->weights[r] : 1;
  return sum;
}

bp_status folds_check(bp_context *ctx, const bp_net *net, const bp_source *train, const bp_source *valid,
                      const bp_fit_options *options) {
  const char *rows = train->weights != NULL ? "rows with a weight" : "rows";
  int members = bp_net_members(net);
  double judged = 0;
  if (options->folds == NULL) return BP_OK;
  if (members < 2)
    return bp_fail(ctx, BP_E_ARG, "folds are for an ensemble, and the network has one member; expected 2 or more");
  if (valid != NULL)
    return bp_fail(ctx, BP_E_ARG, "both folds and validation rows are given; expected one of them to judge by");
  for (int m = 0; m < members; m++) {
    if (!(weight_of(train, options->folds, m, true) > 0))
      return bp_fail(ctx, BP_E_DATA, "training: member %d leaves all %s out, and has none to learn from", m, rows);
    judged += weight_of(train, options->folds, m, false);
  }
  if (judged > 0) return BP_OK;
  return bp_fail(ctx, BP_E_DATA, "training: no member leaves %s out, so that there are none to judge by", rows);
}

/* ---- the rows that are left out, as a source ---- */

/* Element i of from[][bytes] to element j of to[][bytes]. */
static void copy_element(void *to, int64_t j, const void *from, int64_t i, size_t bytes) {
  memcpy((char *)to + (size_t)j * bytes, (const char *)from + (size_t)i * bytes, bytes);
}

static void copy_rows(folds *f, const bp_source *s, const uint8_t *of) {
  int64_t next[BP_MEMBERS_MAX];
  memcpy(next, f->begin, sizeof next);
  for (int64_t r = 0; r < s->rows; r++) {
    if (of[r] >= f->members) continue;
    int64_t at = next[of[r]]++;
    f->places[at] = (int32_t)source_place(s, r);
    copy_element(f->targets, at, s->targets, r, f->target_bytes);
    if (s->weights != NULL) f->weights[at] = s->weights[r];
  }
}

bp_status folds_new(bp_context *ctx, const bp_net *net, const bp_source *s, const uint8_t *of, folds *f) {
  *f = (folds){.ctx = ctx, .members = bp_net_members(net)};
  f->target_bytes = (s->target_dtype == BP_I32 ? 1 : (size_t)s->outputs) * bp_dtype_size(s->target_dtype);
  for (int64_t r = 0; r < s->rows; r++)
    if (of[r] < f->members) f->begin[of[r] + 1]++;
  for (int m = 0; m < f->members; m++) f->begin[m + 1] += f->begin[m];
  f->rows = f->begin[f->members];
  f->places = bp_alloc(ctx, (size_t)f->rows, sizeof *f->places);
  f->targets = bp_alloc(ctx, (size_t)f->rows, f->target_bytes);
  f->weights = s->weights != NULL ? bp_alloc(ctx, (size_t)f->rows, sizeof *f->weights) : NULL;
  if (f->places == NULL || f->targets == NULL || (s->weights != NULL && f->weights == NULL)) return BP_E_NOMEM;
  copy_rows(f, s, of);
  f->source = *s;
  f->source.rows = f->rows;
  f->source.stored = s->places != NULL ? s->stored : s->rows;
  f->source.places = f->places;
  f->source.targets = f->targets;
  f->source.weights = f->weights;
  return BP_OK;
}

void folds_release(folds *f) {
  if (f->ctx == NULL) return;
  bp_allocator a = bp_context_allocator(f->ctx);
  bp_release(a, f->places, (size_t)f->rows, sizeof *f->places);
  bp_release(a, f->targets, (size_t)f->rows, f->target_bytes);
  bp_release(a, f->weights, (size_t)f->rows, sizeof *f->weights);
}

void folds_take_member(trainer *t, int m) {
  int each = t->n_params / t->folds.members;
  for (int p = 0; p < each; p++) t->valid.inputs[FIT_FIRST_PARAM_OF_EVAL + p] = t->params[m * each + p];
}
