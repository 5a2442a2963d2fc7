/* train/ranking_metrics.c - areas under the ROC curve and under precision over recall. Floor: train.
 *
 * Rows are sorted by score once; rows that tie form a group of weight P_g (class 1) and N_g (the rest).
 *   ROC:  Σ_g P_g (N of lower groups + N_g / 2) / (P N)                       (Mann and Whitney, 1947)
 *   PR:   Σ_g (P_g / P) · precision of everything from g up, from the largest score down (average precision)
 */
#include <math.h>
#include <stdlib.h>

#include "backprop/metrics.h"
#include "base/alloc.h"

typedef struct scored {
  double score, one, rest; /* its weight stands in one of the two */
} scored;

static int by_score(const void *a, const void *b) {
  double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
  return (x > y) - (x < y);
}

/* ---- the areas of sorted rows ---- */

typedef struct areas {
  double roc, pr;
} areas;

/* Adds up the group that begins at i and gives its end. */
static int64_t group(const scored *sorted, int64_t rows, int64_t i, double *one, double *rest) {
  int64_t j = i;
  *one = *rest = 0;
  for (; j < rows && sorted[j].score == sorted[i].score; j++) *one += sorted[j].one, *rest += sorted[j].rest;
  return j;
}

static areas areas_of(const scored *sorted, int64_t rows) {
  double ones = 0, rest = 0, pairs = 0, below_one = 0, below_rest = 0, precision = 0, one_g, rest_g;
  for (int64_t i = 0; i < rows; i++) {
    if (isnan(sorted[i].score)) return (areas){NAN, NAN};
    ones += sorted[i].one, rest += sorted[i].rest;
  }
  for (int64_t i = 0; i < rows;) {
    double up_one = ones - below_one, up_rest = rest - below_rest; /* what scores as high as this group, or higher */
    i = group(sorted, rows, i, &one_g, &rest_g);
    pairs += one_g * (below_rest + rest_g / 2);
    if (one_g > 0) precision += one_g * (up_one / (up_one + up_rest));
    below_one += one_g, below_rest += rest_g;
  }
  return (areas){.roc = ones > 0 && rest > 0 ? pairs / (ones * rest) : (double)NAN,
                 .pr = ones > 0 ? precision / ones : (double)NAN};
}

/* The areas of class `one` against the rest, by the scores at score[r * stride]. */
static areas measure(const int32_t *truth, int32_t one, const double *score, int64_t stride, const double *weights,
                     int64_t rows, scored *room) {
  for (int64_t r = 0; r < rows; r++) {
    double weight = weights ? weights[r] : 1;
    bool is_one = truth[r] == one;
    room[r] = (scored){score[r * stride], is_one ? weight : 0, is_one ? 0 : weight};
  }
  qsort(room, (size_t)rows, sizeof *room, by_score);
  return areas_of(room, rows);
}

/* ---- public ---- */

static bp_status both(bp_context *ctx, const int32_t *truth, const double *score, const double *weights, int64_t rows,
                      areas *out) {
  scored *room = bp_alloc(ctx, (size_t)rows, sizeof *room);
  if (!room) return BP_E_NOMEM;
  *out = measure(truth, 1, score, 1, weights, rows, room);
  bp_release(bp_context_allocator(ctx), room, (size_t)rows, sizeof *room);
  return BP_OK;
}

bp_status bp_roc_auc(bp_context *context, const int32_t *truth, const double *score, const double *weights,
                     int64_t rows, double *out) {
  areas found;
  bp_status status = both(context, truth, score, weights, rows, &found);
  if (status == BP_OK) *out = found.roc;
  return status;
}

bp_status bp_pr_auc(bp_context *context, const int32_t *truth, const double *score, const double *weights, int64_t rows,
                    double *out) {
  areas found;
  bp_status status = both(context, truth, score, weights, rows, &found);
  if (status == BP_OK) *out = found.pr;
  return status;
}

/* A mean of what is defined. */
typedef struct mean {
  double sum;
  int64_t n;
} mean;

static void add(mean *m, double value) {
  if (isnan(value)) return;
  m->sum += value;
  m->n++;
}

bp_status bp_areas(bp_context *context, const int32_t *truth, const double *p, const double *weights, int64_t rows,
                   int64_t classes, double *roc_auc, double *pr_auc) {
  mean roc = {0}, pr = {0};
  scored *room = bp_alloc(context, (size_t)rows, sizeof *room);
  if (!room) return BP_E_NOMEM;
  for (int64_t c = classes == 2 ? 1 : 0; c < classes; c++) {
    areas found = measure(truth, (int32_t)c, p + c, classes, weights, rows, room);
    add(&roc, found.roc);
    add(&pr, found.pr);
  }
  bp_release(bp_context_allocator(context), room, (size_t)rows, sizeof *room);
  if (roc_auc) *roc_auc = roc.n > 0 ? roc.sum / (double)roc.n : (double)NAN;
  if (pr_auc) *pr_auc = pr.n > 0 ? pr.sum / (double)pr.n : (double)NAN;
  return BP_OK;
}
