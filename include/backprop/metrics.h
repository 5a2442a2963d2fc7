/* backprop/metrics.h - how good predictions are, from plain arrays: no model, graph or table is needed.
 *
 *   bp_roc_auc(ctx, truth, score, NULL, rows, &auc);
 *
 * truth[rows] are class numbers 0 .. classes - 1 or values, p [rows, classes] are probabilities in row-major order, and
 * weights[rows] are the weights of rows, 0 or more; NULL: 1 each. A weight of 2 is the same as the row twice. All arrays are
 * BORROWed. A measure that its rows do not define (one class only, no weight, a NaN among the scores) is NaN.
 */
#ifndef BACKPROP_METRICS_H
#define BACKPROP_METRICS_H
#include <stddef.h>
#include <stdint.h>

#include "backprop/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- classes: from the class that was predicted ---- */

/* confusion [classes, classes] (the caller's storage) = the weight of the rows of each true class (row) that were taken for
 * each class (column).
 * BP_E_DATA  a class number out of range, a weight that is negative or not finite; the message names the row */
BP_API bp_status bp_confusion(bp_context *context, const int32_t *truth, const int32_t *predicted,
                              const double *weights, int64_t rows, int64_t classes, double *confusion);

/* Of one class, or a mean over classes. */
typedef struct bp_class_score {
  double precision; /* right / predicted; 0 when it was never predicted */
  double recall;    /* right / true; 0 when it was never true */
  double f1;        /* 2 P R / (P + R); 0 when both are */
  double weight;    /* of its true rows */
} bp_class_score;

/* The score of each class: scores[classes]. */
BP_API void bp_class_scores(const double *confusion, int64_t classes, bp_class_score *scores);

typedef struct bp_class_summary {
  double accuracy;
  double balanced_accuracy; /* mean recall of the classes that are there (Brodersen and others, 2010) */
  /* Matthews' correlation of truth and prediction, for any number of classes (Gorodkin, 2004); 0 when one of the two is constant */
  double mcc;
  double kappa;            /* Cohen's: (accuracy - e) / (1 - e), e the accuracy by chance (Cohen, 1960) */
  bp_class_score macro;    /* mean over the classes that are true or predicted somewhere */
  bp_class_score weighted; /* mean over classes by the weight of their true rows */
} bp_class_summary;
BP_API bp_class_summary bp_class_summary_of(const double *confusion, int64_t classes);

/* ---- classes: from probabilities ---- */

typedef struct bp_probability_metrics {
  double log_loss;      /* -Σ w log p[truth] / Σ w, in nats; infinite where a probability of 0 came true */
  double log_loss_bits; /* the same by log₂ */
  double brier; /* two classes: Σ w (p[1] - truth)² / Σ w; more: Σ w Σ_c (p[c] - [c is true])² / Σ w (Brier, 1950) */
  double calibration_error; /* Σ_b w_b |accuracy_b - mean confidence_b| / Σ w over 15 equal bins of the confidence, the
                             * largest probability (Naeini, Cooper and Hauskrecht, 2015) */
  double top_k; /* share of the rows whose class is among the k most probable ones; of equals the first counts */
} bp_probability_metrics;
/* k: of top_k, 1 or more. Class numbers must be in range. */
BP_API bp_probability_metrics bp_probability_metrics_of(const int32_t *truth, const double *p, const double *weights,
                                                        int64_t rows, int64_t classes, int64_t k);

/* Area under the ROC curve of two classes: the probability that a row of class 1 scores above one of class 0, ties
 * counting half (Mann and Whitney, 1947). truth: 1 or anything else. NaN when one of the two is not there.
 * BP_E_NOMEM  no room to sort */
BP_API bp_status bp_roc_auc(bp_context *context, const int32_t *truth, const double *score, const double *weights,
                            int64_t rows, double *out);
/* Area under the curve of precision over recall, by steps: Σ_t (R_t - R_{t-1}) P_t over the different scores t from the
 * largest down (average precision). NaN when class 1 is not there. */
BP_API bp_status bp_pr_auc(bp_context *context, const int32_t *truth, const double *score, const double *weights,
                           int64_t rows, double *out);
/* Both, each class of p against the rest: the mean over the classes for which they are defined; for two classes those of class
 * 1. Either may be NULL. */
BP_API bp_status bp_areas(bp_context *context, const int32_t *truth, const double *p, const double *weights,
                          int64_t rows, int64_t classes, double *roc_auc, double *pr_auc);

/* ---- values ---- */

typedef struct bp_value_metrics {
  double rmse;         /* sqrt(Σ w (y - ŷ)² / Σ w) */
  double mae;          /* Σ w |y - ŷ| / Σ w */
  double r2;           /* 1 - Σ w (y - ŷ)² / Σ w (y - ȳ)², ȳ the weighted mean; NaN for a constant y */
  double bias;         /* Σ w (ŷ - y) / Σ w: above 0 when predictions are too high */
  double median_error; /* the weighted median of |y - ŷ|, the mean of the two middle ones where there are two */
  double max_error;    /* largest |y - ŷ| of a row with a weight */
} bp_value_metrics;
/* BP_E_NOMEM  no room to sort */
BP_API bp_status bp_value_metrics_of(bp_context *context, const double *truth, const double *predicted,
                                     const double *weights, int64_t rows, bp_value_metrics *out);

/* Coverage: the share of the rows with lower <= truth <= upper. NULL: no bound on that side. For predictions of a quantile τ as
 * `upper` it should be τ. */
BP_API double bp_coverage(const double *truth, const double *lower, const double *upper, const double *weights,
                          int64_t rows);
/* Mean pinball loss of predictions of the quantile tau: max(τ (y - ŷ), (τ - 1) (y - ŷ)) (Koenker and Bassett, 1978). */
BP_API double bp_pinball(const double *truth, const double *predicted, const double *weights, int64_t rows, double tau);

#ifdef __cplusplus
}
#endif
#endif
