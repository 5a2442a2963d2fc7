/* backprop/minimize.h - the least value of any graph: L-BFGS for a scalar, Levenberg-Marquardt for a sum of squares.
 *
 * Both work on programs made from the graph: value and gradient come from bp_value_and_grad(), Jacobians and products with them from
 * bp_jvp() and bp_normal_product(). Everything but the unknowns is constant in the graph. The result is the same, bit for bit,
 * for every number of threads.
 *
 * No test of when to end depends on the units of the value, nor on a constant that is added to it: such a constant changes results by
 * no more than the rounding of the gradient. Least squares do not depend on the units of the unknowns either; L-BFGS looks at
 * the largest element of the gradient, and wants unknowns of like sizes (powers of ten apart, scale them).
 *
 * bp_fit() trains networks by the same methods (BP_LBFGS, BP_LM).
 */
#ifndef BACKPROP_MINIMIZE_H
#define BACKPROP_MINIMIZE_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a minimisation ended. */
typedef enum bp_minimum {
  BP_MINIMUM_GRADIENT,   /* the tolerance is met: a minimum, or a saddle */
  BP_MINIMUM_PRECISION,  /* no step makes the value smaller: as good as the numbers are, or a kink */
  BP_MINIMUM_ITERATIONS, /* as many as were allowed */
  BP_MINIMUM_CALLBACK,   /* the callback said so */
  BP_MINIMUM_UNBOUNDED /* there is no minimum: the value falls below every number; x is the last point where it is finite */
} bp_minimum;
/* VIEW "gradient", "precision", "iterations", "callback", "unbounded"; "?" out of range. */
BP_API const char *bp_minimum_name(bp_minimum minimum);

/* One iteration: the value after it, the largest element of its gradient by size, evaluations of the value so far. */
typedef struct bp_iteration {
  int iteration; /* 1, 2, … */
  int64_t evaluations;
  double value, gradient;
} bp_iteration;

typedef struct bp_minimize_options {
  size_t size;    /* sizeof(bp_minimize_options) */
  int iterations; /* 0: 1000 */
  /* What ends it, above 0 and below 1; 0: 1e-8; negative: no test, so that it goes on until rounding or `iterations` end it. For
   * numbers of float32 it counts as 1e-6 at least.
   * bp_minimize(): no element of the gradient is larger than this part of the largest that there was on the way, and what the
   * quadratic model expects to gain is below its square as a part of the fall of the value so far.
   * bp_least_squares(): the undamped step would change no unknown by more than this part of it; beyond BP_LM_DENSE unknowns, as the
   * first test of bp_minimize(). */
  double tolerance;
  int memory;  /* bp_minimize(): pairs of steps and gradient changes that are kept; 0: 10 */
  int threads; /* 0: one per core, or one where the graph has too little work for more */
  bool (*progress)(void *user, const bp_iteration *iteration); /* after each iteration; BORROW; false stops */
  void *progress_user;
  /* BORROW [n_x], or NULL: lower[j] and upper[j] hold bounds of each element of x[j], in its type and shape, -INFINITY and INFINITY for none;
   * NULL: no bounds of x[j]. x begins at the nearest point within, and never leaves. At the end an element of the gradient is
   * nothing, or its unknown stands at a bound and would leave. */
  const void *const *lower;
  const void *const *upper;
} bp_minimize_options;

typedef struct bp_minimize_result {
  int iterations;
  int64_t evaluations;
  double value, gradient; /* as in bp_iteration; gradient: of the elements that no bound holds */
  bp_minimum stopped_by;
} bp_minimize_result;

/* A minimum of `objective`, a float scalar, near the values that x begins with. values[j] holds x[j] (an input of the graph, of any
 * shape, all of one float type), dense and row-major, and receives the result. L-BFGS (Nocedal, 1980; Nocedal and Wright, Numerical
 * Optimization, 2006, Algorithms 7.4 and 7.5) with a line search for the strong Wolfe conditions (Algorithms 3.5 and 3.6), by slopes where
 * values differ by no more than rounding (Hager and Zhang, 2005). With bounds the directions are projected (Bertsekas, 1982).
 * options (BORROW) and result may be NULL.
 * BP_E_ARG       an option out of its range; no x; x of different types; a lower bound above its upper one
 * BP_E_SHAPE     the objective is not a scalar
 * BP_E_INPUT     it depends on an input that is not among x
 * BP_E_DIVERGED  it is not finite where x begins; values are untouched */
BP_API bp_status bp_minimize(bp_context *context, bp_var objective, const bp_var *x, size_t n_x, void *const *values,
                             const bp_minimize_options *options, bp_minimize_result *result);

/* The same for ½ Σ r² of residuals r, of any shape: Levenberg-Marquardt (Levenberg, 1944; Marquardt, 1963) in a trust region, scaled and
 * damped as Moré (1978) has it. Up to BP_LM_DENSE unknowns the Jacobian is formed by a forward pass for each, and has a QR factor; where
 * it would have more than 2^25 elements, JᵀJ has a Cholesky factor. Beyond BP_LM_DENSE conjugate gradients need only products with JᵀJ,
 * and with bounds bp_minimize() does it. */
BP_API bp_status bp_least_squares(bp_context *context, bp_var residuals, const bp_var *x, size_t n_x,
                                  void *const *values, const bp_minimize_options *options, bp_minimize_result *result);
#define BP_LM_DENSE 256

/* The covariance of the unknowns of a fit at `values`, where it ended: covariance [n,n], row-major, of all elements of x in their
 * order, receives s² (JᵀJ)⁻¹ with J = ∂r/∂x of m residuals and s² = Σ r² / (m - n); without s² when `absolute`: then the residuals are in
 * units of their standard deviations. Bounds are not looked at. It comes from a QR factor of J. All elements are INFINITY
 * where J has not full rank, and where m <= n unless `absolute`.
 * BP_E_ARG, BP_E_INPUT  as bp_minimize()
 * BP_E_DIVERGED         residuals or derivatives are not finite there
 * BP_E_NOMEM            n² or m n numbers do not fit in memory */
BP_API bp_status bp_fit_covariance(bp_context *context, bp_var residuals, const bp_var *x, size_t n_x,
                                   void *const *values, bool absolute, double *covariance);

#ifdef __cplusplus
}
#endif
#endif
