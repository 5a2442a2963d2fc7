/* backprop/loss.h - what training minimises, and what a network gives: losses, output units, and the objective that joins them.
 *
 * A network gives raw numbers z [rows, units]; an output unit makes predictions p of them; a loss is the negative
 * log-likelihood of the target y under a distribution whose parameters are p. Unit and loss come as a pair, and the loss is
 * then computed from z in a form that is finite for any finite z. Everything only appends graph nodes; gradients come from
 * bp_grad(). Logarithms are natural.
 *
 * Targets are class numbers (I32 [rows], 0 .. width-1) or values (F32 or F64 [rows, width]). A loss that wants values takes
 * class numbers as one-hot rows, or as one value 0 or 1 where two classes have one unit.
 */
#ifndef BACKPROP_LOSS_H
#define BACKPROP_LOSS_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The loss of a row; sums and means are over the outputs of the row. [setting: default] is the number after the colon in
 * "huber:1.5". σ, γ and δ are in the units of y as the loss sees it: where targets are standardised, as bp_model_train() does when
 * bp_objective_scales(), δ = 1.5 is 1.5 standard deviations of the target. τ has no unit. */
typedef enum bp_loss {
  BP_LOSS_AUTO, /* cross_entropy for class numbers, mse for values */

  /* classes and probabilities */
  BP_LOSS_CROSS_ENTROPY, /* softmax: logsumexp(z) - z_c; for values, which are a distribution, Σ y (logsumexp(z) - z) */
  BP_LOSS_BINARY_CROSS_ENTROPY, /* sigmoid: Σ y ζ(-z) + (1-y) ζ(z), ζ(x) = log(1 + eˣ): Bernoulli; several values: multilabel */
  BP_LOSS_KL,         /* softmax: Σ y (log y - log p), relative entropy (Kullback and Leibler, 1951); 0 log 0 = 0 */
  BP_LOSS_HINGE,      /* Σ max(0, 1 - (2y-1) z); K > 2 classes: max(0, 1 + max over j ≠ c of z_j - z_c)
                                   (Crammer and Singer, 2001) */
  BP_LOSS_PERCEPTRON, /* heaviside: Σ (H(z) - y) z with H(z) held constant: its gradient step is Rosenblatt's rule (1958);
                                   K > 2 classes: max z - z_c (Kesler's construction) */

  /* values */
  BP_LOSS_MSE,                /* mean (y-p)² */
  BP_LOSS_HALF_SQUARED_ERROR, /* ½ Σ (y-p)²: gaussian with σ = 1, constants dropped */
  BP_LOSS_RSS,                /* Σ (y-p)²: residual sum of squares */
  BP_LOSS_GAUSSIAN,           /* Σ (y-p)² / 2σ² + ½ log 2πσ² [σ: 1]: learns the conditional mean */
  BP_LOSS_GAUSSIAN_VARIANCE, /* z = (μ, s): Σ ½ (s + (y-μ)² e⁻ˢ + log 2π), s the log variance, held to -60 .. 60 */
  BP_LOSS_GAUSSIAN_FULL, /* z = (μ, l): ½ |L⁻¹(y-μ)|² + log det L + (width/2) log 2π, covariance L Lᵀ, L lower triangular with
                                 the diagonal exp(l); l row by row, as l00 l10 l11 l20 …; at most 16 targets */
  BP_LOSS_MAE,      /* mean |y-p|: learns the conditional median */
  BP_LOSS_LAPLACE,  /* Σ |y-p| / γ + log 2γ [γ: 1] */
  BP_LOSS_QUANTILE, /* mean max(τ (y-p), (τ-1) (y-p)) [τ: 0.5] (Koenker and Bassett, 1978) */
  BP_LOSS_HUBER,    /* mean ½r² where |r| <= δ, else δ (|r| - ½δ), r = y-p [δ: 1] (Huber, 1964) */
  BP_LOSS_POISSON,  /* exp: Σ p - y log p, constants dropped; the mean of a count */

  /* a caller's own */
  BP_LOSS_EXPRESSION, /* a formula in the language of expression.h of y, p and z, which are what the built-in losses see, and of
                         y_raw and p_raw, y and p in the target's own units */
  BP_LOSS_CALLBACK, /* a function that appends nodes */
  BP_LOSS_COUNT
} bp_loss;
/* VIEW "cross_entropy"; NULL out of range. */
BP_API const char *bp_loss_name(bp_loss loss);
BP_API bool bp_loss_find(const char *name, bp_loss *out);

/* p of z. BP_OUTPUT_AUTO is the unit that belongs to the loss. */
typedef enum bp_output {
  BP_OUTPUT_AUTO,
  BP_OUTPUT_IDENTITY,  /* z */
  BP_OUTPUT_SIGMOID,   /* σ(z) = 1 / (1 + e⁻ᶻ) */
  BP_OUTPUT_SOFTMAX,   /* eᶻ / Σ eᶻ */
  BP_OUTPUT_HEAVISIDE, /* 1 for z >= 0, else 0; for more than two classes 1 for the largest z. No gradient passes */
  BP_OUTPUT_EXP,       /* eᶻ */
  BP_OUTPUT_SOFTPLUS,  /* log(1 + eᶻ) */
  BP_OUTPUT_TANH,      /* tanh(z) */
  BP_OUTPUT_COUNT
} bp_output;
/* VIEW "sigmoid"; NULL out of range. */
BP_API const char *bp_output_name(bp_output output);
BP_API bool bp_output_find(const char *name, bp_output *out);

/* A loss of one's own: appends nodes that compute the loss of each row, [rows], in the element type of z, from raw outputs z,
 * predictions p and targets y, each [rows, units]. It sees y and p as the built-in losses do: standardised, where the targets are. */
typedef bp_var (*bp_loss_fn)(void *user, bp_var z, bp_var p, bp_var y);
/* The same for a loss that needs the target's own units too: p_raw and y_raw, p and y in them. They are p and y where
 * nothing was standardised. */
typedef bp_var (*bp_loss_raw_fn)(void *user, bp_var z, bp_var p, bp_var y, bp_var p_raw, bp_var y_raw);

/* How a target was standardised: y = (y_raw - mean) / scale. */
typedef struct bp_target_scale {
  double mean, scale;
} bp_target_scale;

/* What is minimised. Zero-filled: cross_entropy for class numbers, mse for values. */
typedef struct bp_objective {
  bp_loss loss;
  double setting; /* of the loss, as listed above; 0: its default */
  bp_output output;
  /* ε, from 0 and below 1: targets become (1-ε) y + ε/classes (Szegedy and others, 2016). Only training rows are smoothed:
   * validation and evaluation measure the plain loss. */
  double label_smoothing;
  const char *expression;  /* BORROW; for BP_LOSS_EXPRESSION */
  bp_loss_fn rows;         /* for BP_LOSS_CALLBACK: this, */
  bp_loss_raw_fn rows_raw; /* or this */
  void *user;
  /* BORROW [width]; NULL: the targets are in their own units. bp_model_train() fills it in, bp_fit() takes what it is given. */
  const bp_target_scale *standardised;
  /* what the targets are; filled in by bp_objective_resolve() */
  bool classes;
  int64_t width; /* classes, or values in a row */
} bp_objective;

/* Reads "huber", "huber:1.5", or a formula as "log(1 + exp((1 - 2*y)*z))"; only loss, setting and expression of *out change, and
 * the expression is a VIEW into text. A word that is no formula must be a loss.
 * BP_E_ARG  an unknown loss, a setting where there is none or out of its range */
BP_API bp_status bp_objective_parse(bp_context *context, const char *text, bp_objective *out);
/* The loss as bp_objective_parse() reads it: "huber:1.5", a formula, or "callback" (which only bp_loss_find() knows), into
 * text[size], cut to fit; returns text. */
BP_API const char *bp_objective_text(const bp_objective *objective, char *text, size_t size);

/* The objective for targets of this kind, everything automatic decided: *out has no AUTO and no default left.
 * BP_E_ARG  what does not fit together; the message says why and what to do */
BP_API bp_status bp_objective_resolve(bp_context *context, const bp_objective *objective, bool classes, int64_t width,
                                      bp_objective *out);
/* VIEW why unit and loss of a resolved objective are an unusual pair; NULL when they are not. bp_fit() warns of it. */
BP_API const char *bp_objective_mismatch(const bp_objective *objective);

/* ---- the following take a resolved objective ---- */
/* Columns of z that it wants: 2 · width for gaussian_variance, one for two classes with sigmoid, heaviside or hinge, … */
BP_API int64_t bp_objective_units(const bp_objective *objective);
/* Whether values may be shifted and scaled before learning, and predictions scaled back: true for identity units and the losses of
 * real values, formulas and callbacks among them. The loss then means the same, in units of the target's deviation. */
BP_API bool bp_objective_scales(const bp_objective *objective);
/* The least and the largest value that a target may have; -inf and inf where all may be. */
BP_API void bp_objective_range(const bp_objective *objective, double *low, double *high);
/* The sum of a loss's terms is ½·weight·(y-p)² of each output, for methods of least squares: weight, or 0 for losses that are
 * no squares. */
BP_API double bp_objective_square_weight(const bp_objective *objective);

/* What a column of the predictions is. */
typedef enum bp_predicted { BP_PREDICTED_VALUE, BP_PREDICTED_DEVIATION, BP_PREDICTED_CORRELATION } bp_predicted;
typedef struct bp_prediction_info {
  bp_predicted kind;     /* VALUE: probability or score of a class, or a value; DEVIATION: its standard deviation */
  int64_t target, other; /* class or target column; for a correlation both columns */
} bp_prediction_info;
/* Columns of the predictions: width, and behind them width standard deviations (gaussian_variance, gaussian_full) and the
 * correlations of every target with those before it (gaussian_full). */
BP_API int64_t bp_objective_predictions(const bp_objective *objective);
BP_API bp_prediction_info bp_objective_prediction(const bp_objective *objective, int64_t column);
/* The predictions [rows, bp_objective_predictions()] from z: for two classes with one unit (1-p, p), or (-z, z) where p is no
 * probability. Like all functions here that give a variable, it gives the graph's null variable after an error (graph.h). */
BP_API bp_var bp_objective_predict(const bp_objective *objective, bp_var z);
/* The raw output [rows, units] whose prediction is the mean of the members' predictions, from those of an ensemble side by side,
 * z [rows, members · units] (bp_net_apply()): for softmax and sigmoid the mean is taken over probabilities, for exp over values, for
 * gaussian_variance over the distributions, whose mixture has the variance mean(σ² + μ²) - mean(μ)² (Lakshminarayanan, Pritzel and
 * Blundell, 2017); for all others over z itself. z of one member comes back as it is. BP_E_SHAPE where
 * z has not the columns of 1 to BP_MEMBERS_MAX members (net.h). */
BP_API bp_var bp_objective_pool(const bp_objective *objective, bp_var z);
/* The loss of each row, [rows]; target as declared above. `training` applies label smoothing. Errors, those of an expression
 * (BP_E_ARG, BP_E_SHAPE) or of a callback's result among them, are recorded on the graph. */
BP_API bp_var bp_objective_rows(const bp_objective *objective, bp_var z, bp_var target, bool training);

/* ---- in short ---- */
/* The loss of each row with the loss's defaults, and its predictions; the target tells the kind. */
BP_API bp_var bp_loss_rows(bp_loss loss, bp_var z, bp_var target);
BP_API bp_var bp_loss_output(bp_loss loss, bp_var z);

#ifdef __cplusplus
}
#endif
#endif
