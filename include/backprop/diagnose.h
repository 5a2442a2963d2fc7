/* backprop/diagnose.h - looking into a trained model at work on labelled rows: where gradients vanish or explode, and whether they
 * are right.
 *
 * Everything is computed in float64, whatever the network's own type is, in use (no dropout), and without penalties.
 */
#ifndef BACKPROP_DIAGNOSE_H
#define BACKPROP_DIAGNOSE_H
#include "backprop/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of one layer, with R_n the loss of row n, R its mean over the N rows (by their weights, where the model has a column of them),
 * z_l the output of layer l, and ‖·‖ the root of the sum of squares. Backpropagation (Rumelhart, Hinton and Williams, 1986): δ_{l-1} = W_lᵀ (δ_l ⊙ φ'(a_l)),
 * ∂R_n/∂W_l = (δ_l ⊙ φ'(a_l)) z_{l-1}ᵀ. */
typedef struct bp_layer_gradient {
  double output;          /* sqrt(Σ_n ‖z_l‖² / N) */
  double error_signal;    /* sqrt(Σ_n ‖δ_l‖² / N), δ_l = ∂R_n/∂z_l */
  double weight;          /* ‖W_l‖, of all weights of the layer; 0 for a layer without any */
  double weight_gradient; /* ‖∂R/∂W_l‖ */
  double bias_gradient;   /* ‖∂R/∂b_l‖ */
} bp_layer_gradient;

/* Measures every layer on all rows of a labelled table. loss (may be NULL) = R; layers[bp_net_layers()] is the caller's. The last
 * layer's output is the raw one, before the unit that belongs to the loss.
 * BP_E_DATA  as bp_model_evaluate(); no rows
 * BP_E_ARG   the model was trained with a loss of C code, which its file does not hold */
BP_API bp_status bp_model_layer_gradients(bp_context *context, const bp_model *model, const bp_table *table,
                                          int threads, double *loss, bp_layer_gradient *layers);

typedef struct bp_model_check_options {
  size_t size;      /* sizeof(bp_model_check_options) */
  int64_t rows;     /* of the table, spread evenly; 0: 16 */
  int64_t elements; /* of each parameter, spread evenly; 0: 32 */
  double relative;  /* allowed difference: relative · (the larger value + max(1, R) / 100); 0: 1e-6 */
  uint64_t seed;    /* of the random directions */
} bp_model_check_options;

/* The element of a parameter that agrees least. */
typedef struct bp_param_check {
  double error;      /* difference ÷ allowed difference: at most 1 when it passes; infinite for NaN */
  int64_t checked;   /* elements */
  int64_t element;   /* the worst, and there */
  double derivative; /* ∂R/∂w by the rules, */
  double difference; /* and by central differences of R */
  bool forward;      /* it was found in forward mode, else in reverse mode */
} bp_param_check;

/* Compares the gradient of R with respect to every parameter, forward and reverse mode, with central differences (gradcheck.h).
 * R is the mean over the rows that were taken, by their weights, as above. params[bp_net_params()] is the caller's; it and *loss
 * (may be NULL) are filled also when a derivative differs.
 * BP_E_CHECK  a derivative differs; the message names parameter, element and both values
 * BP_E_DATA   the rows that were taken have no weight
 * and what bp_model_layer_gradients() reports */
BP_API bp_status bp_model_gradcheck(bp_context *context, const bp_model *model, const bp_table *table,
                                    const bp_model_check_options *options, double *loss, bp_param_check *params);

#ifdef __cplusplus
}
#endif
#endif
