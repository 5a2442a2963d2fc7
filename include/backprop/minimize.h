/* backprop/minimize.h - the least value of any graph: L-BFGS for a scalar, Levenberg-Marquardt for a sum of squares.
 *
 * Both work on programs made from the graph: value and gradient come from bp_value_and_grad(), products with the Jacobian from
 * bp_jvp() and bp_normal_product(). Everything but the unknowns is constant in the graph. The result is the same, bit for bit,
 * for every number of threads.
 *
 * bp_fit() trains networks by the same two methods (BP_LBFGS, BP_LM).
 */
#ifndef BACKPROP_MINIMIZE_H
#define BACKPROP_MINIMIZE_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a minimisation ended. */
typedef enum bp_minimum {
  BP_MINIMUM_GRADIENT,   /* no element of the gradient is larger than the tolerance allows: a minimum, or a saddle */
  BP_MINIMUM_PRECISION,  /* no step makes the value smaller: as good as the numbers are, or a kink */
  BP_MINIMUM_ITERATIONS, /* as many as were allowed */
  BP_MINIMUM_CALLBACK    /* the callback said so */
} bp_minimum;
/* VIEW "gradient", "precision", "iterations", "callback"; "?" out of range. */
BP_API const char *bp_minimum_name(bp_minimum minimum);

/* One iteration: the value after it, the largest element of its gradient by size, evaluations of the value so far. */
typedef struct bp_iteration {
  int iteration; /* 1, 2, … */
  int64_t evaluations;
  double value, gradient;
} bp_iteration;

typedef struct bp_minimize_options {
  size_t size;      /* sizeof(bp_minimize_options) */
  int iterations;   /* 0: 1000 */
  double tolerance; /* on the largest element of the gradient, relative to the value where that is above 1; 0: 1e-8 */
  int memory;       /* bp_minimize(): pairs of steps and gradient changes that are kept; 0: 10 */
  int threads;      /* 0: one per core */
  bool (*progress)(void *user, const bp_iteration *iteration); /* after each iteration; BORROW; false stops */
  void *progress_user;
} bp_minimize_options;

typedef struct bp_minimize_result {
  int iterations;
  int64_t evaluations;
  double value, gradient; /* as in bp_iteration */
  bp_minimum stopped_by;
} bp_minimize_result;

/* A minimum of `objective`, a float scalar, near the values that x begins with. values[j] holds x[j] (an input of the graph, of any
 * shape, all of one float type), dense and row-major, and receives the result. L-BFGS (Nocedal, 1980; Nocedal and Wright, Numerical
 * Optimization, 2006, Algorithms 7.4 and 7.5) with a line search for the strong Wolfe conditions (Algorithms 3.5 and 3.6).
 * options (BORROW) and result may be NULL.
 * BP_E_ARG       an option out of its range; no x; x of different types
 * BP_E_SHAPE     the objective is not a scalar
 * BP_E_INPUT     it depends on an input that is not among x
 * BP_E_DIVERGED  it is not finite where x begins; values are untouched */
BP_API bp_status bp_minimize(bp_context *context, bp_var objective, const bp_var *x, size_t n_x, void *const *values,
                             const bp_minimize_options *options, bp_minimize_result *result);

/* The same for ½ Σ r² of residuals r, of any shape: Levenberg-Marquardt (Levenberg, 1944; Marquardt, 1963), damped as Nielsen (1999)
 * has it and scaled as Moré (1978) has it. Up to BP_LM_DENSE unknowns JᵀJ is formed from forward passes, and the step solved by a
 * Cholesky factor; beyond, conjugate gradients need only products with it. */
BP_API bp_status bp_least_squares(bp_context *context, bp_var residuals, const bp_var *x, size_t n_x,
                                  void *const *values, const bp_minimize_options *options, bp_minimize_result *result);
#define BP_LM_DENSE 256

#ifdef __cplusplus
}
#endif
#endif
