/* backprop/gradcheck.h - proves derivatives against differences of values.
 *
 *   if (bp_gradcheck(&loss, 1, NULL, 0, inputs, n_inputs, batch, values, NULL, NULL) != BP_OK) puts(bp_error_message(ctx));
 *
 * Three things are compared, all with their signs: each column of the Jacobian by forward mode with central differences; the
 * product of a random cotangent (1 for a single number) with the Jacobian by reverse mode with the same differences; and the identity
 * <y_bar, J x_dot> = <Jᵀ y_bar, x_dot> of both modes. It is for tests: every element of x costs three plain evaluations.
 */
#ifndef BACKPROP_GRADCHECK_H
#define BACKPROP_GRADCHECK_H
#include "backprop/autodiff.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_gradcheck_options {
  size_t size;     /* sizeof(bp_gradcheck_options): lets later versions add fields */
  double step;     /* x is moved by h = step · max(1, |x|) to both sides; 0: the cube root of the type's epsilon */
  bool richardson; /* (4 D(h/2) - D(h)) / 3: no error of order h² either; 0 as step is then the fifth root */
  /* allowed difference: relative · the larger of the two values + absolute · max(1, largest |y|); 0: 1e-6 and 1e-8, or 1e-2 and 1e-3
   * where x or any y is float32 */
  double relative, absolute;
  int64_t max_elements; /* of each x, spread evenly; 0: all */
  uint64_t seed;        /* of the random directions */
} bp_gradcheck_options;

/* The element that agrees least, relative to what is allowed. */
typedef struct bp_gradcheck_report {
  double error; /* difference ÷ allowed difference: at most 1 when the check passes; infinite for NaN */
  bp_mode mode; /* BP_MODE_FORWARD: an element of the Jacobian; BP_MODE_REVERSE: of y_bar · J */
  size_t y, x;  /* numbers in the lists */
  int64_t y_element, x_element;            /* y_element: -1 in reverse mode, where all y are summed up */
  double derivative;                       /* by the rules */
  double difference;                       /* by differences of values */
  double forward_product, reverse_product; /* <y_bar, J x_dot> and <Jᵀ y_bar, x_dot> */
  int64_t checked;                         /* elements of all x */
} bp_gradcheck_report;

/* Checks ∂y/∂x at the point input_values. x (float inputs among `inputs`; NULL: all of those) are varied, everything else stays.
 * All arguments BORROW; inputs, batch and input_values as in bp_eval(); options and report may be NULL. The report is filled
 * when the check was made, passed or not. Appends the derivatives to the graph. Choose a point away from kinks: there a
 * one-sided derivative differs from a central difference.
 * BP_E_CHECK  a derivative differs; the message names the worst element and both values
 * BP_E_ARG    an x is not a float input in the list; no x at all
 * and what bp_eval(), bp_jvp() and bp_vjp() report */
BP_API bp_status bp_gradcheck(const bp_var *y, size_t n_y, const bp_var *x, size_t n_x, const bp_var *inputs,
                              size_t n_inputs, int64_t batch, const void *const *input_values,
                              const bp_gradcheck_options *options, bp_gradcheck_report *report);

#ifdef __cplusplus
}
#endif
#endif
