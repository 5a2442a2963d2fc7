/* backprop/sensitivity.h - how the outputs of a trained model change with its inputs: first and second derivatives.
 *
 *   bp_model_jacobian(ctx, model, BP_SPACE_COLUMNS, rows, values, output, jacobian);
 *
 * Rows are those of predict.h. In BP_SPACE_COLUMNS derivatives are in the user's own units, through the preparation of columns and
 * the scaling of the target: if x is in metres and the target in euros, ∂y/∂x is in euros per metre. A missing number has the
 * derivative 0, for what stands in its place does not move; a category has none: NaN, and neither has a date,
 * which moves several inputs at once.
 *
 * Everything is derived from the model's graph in float64, whatever the network's own type is. A row's result does not depend on
 * the rows beside it.
 */
#ifndef BACKPROP_SENSITIVITY_H
#define BACKPROP_SENSITIVITY_H
#include "backprop/predict.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is compiled and allocated once for many calls. One call at a time for each; any number of threads may have one each for
 * the same model. */
typedef struct bp_sensitivity bp_sensitivity;

typedef struct bp_sensitivity_options {
  size_t size;      /* sizeof(bp_sensitivity_options) */
  bp_space space;   /* of the rows, and what the derivatives are with respect to */
  bool raw;         /* outputs are the raw z of the network's last layer (logits), not what its unit makes of them */
  int64_t max_rows; /* that go through the network at once; 0: as for a predictor */
} bp_sensitivity_options;

/* NEW; options (BORROW) may be NULL. Context and model must outlive it.
 * BP_E_ARG    an option out of its range
 * BP_E_NOMEM  the allocator returned NULL */
BP_API bp_status bp_sensitivity_new(bp_context *context, const bp_model *model, const bp_sensitivity_options *options,
                                    bp_sensitivity **out);
BP_API void bp_sensitivity_free(bp_sensitivity *sensitivity);
/* Columns of x, and of y: bp_model_outputs(), or the network's outputs when raw. */
BP_API int64_t bp_sensitivity_width(const bp_sensitivity *sensitivity);
BP_API int64_t bp_sensitivity_outputs(const bp_sensitivity *sensitivity);

/* For the rows of x [rows, width] (all arrays float64, row-major, the caller's; `output` and `value` may be NULL). None of them
 * allocates. `which` is the number of an output.
 * BP_E_DATA  as bp_predict_f64()     BP_E_ARG  rows is negative, there is no such output */

/* output [rows, outputs] = y, jacobian [rows, outputs, width] = ∂y/∂x, by one pass per output, or per column where these are
 * fewer. */
BP_API bp_status bp_sensitivity_jacobian(bp_sensitivity *sensitivity, int64_t rows, const double *x, double *output,
                                         double *jacobian);
/* value [rows] = y[which], gradient [rows, width] = ∂y[which]/∂x, by one reverse pass. */
BP_API bp_status bp_sensitivity_gradient(bp_sensitivity *sensitivity, int64_t rows, const double *x, int64_t which,
                                         double *value, double *gradient);
/* hv [rows, width] = ∂²y[which]/∂x² · v, with a direction v [rows, width] for each row, by forward over reverse mode. What v has
 * for a category or a date is not looked at. */
BP_API bp_status bp_sensitivity_hvp(bp_sensitivity *sensitivity, int64_t rows, const double *x, int64_t which,
                                    const double *v, double *hv);
/* hessian [rows, width, width] = ∂²y[which]/∂x², by `width` such products. */
BP_API bp_status bp_sensitivity_hessian(bp_sensitivity *sensitivity, int64_t rows, const double *x, int64_t which,
                                        double *hessian);

/* ---- once ---- */
/* The same for a single use: compiles, computes, frees. */
BP_API bp_status bp_model_jacobian(bp_context *context, const bp_model *model, bp_space space, int64_t rows,
                                   const double *x, double *output, double *jacobian);
BP_API bp_status bp_model_gradient(bp_context *context, const bp_model *model, bp_space space, int64_t rows,
                                   const double *x, int64_t which, double *value, double *gradient);
BP_API bp_status bp_model_hvp(bp_context *context, const bp_model *model, bp_space space, int64_t rows, const double *x,
                              int64_t which, const double *v, double *hv);

#ifdef __cplusplus
}
#endif
#endif
