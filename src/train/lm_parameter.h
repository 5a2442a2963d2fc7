/* train/lm_parameter.h - the damped least squares problem in a ball: which damping makes the step as long as the radius. */
#ifndef BP_TRAIN_LM_PARAMETER_H
#define BP_TRAIN_LM_PARAMETER_H
#include <stddef.h>

/* min ‖R Pᵀ s + q‖ for ‖D s‖ <= radius. R [n,n] is an upper triangle with the leading dimension `lead`, columns as order[] has them. */
typedef struct lm_problem {
  size_t n, lead;
  const double *r, *q, *scale; /* q [n]; scale [n]: D, in the order of s */
  const size_t *order;
  double radius;
  double *damped; /* [2n, n], scratch: its leading dimension is 2n */
  double *work;   /* [4n], scratch */
} lm_problem;

/* step [n] ← the s with (RᵀR + λ D²) s = -Rᵀq (both in the order of s) and λ = 0 with ‖D s‖ at most 1.1 radius, or ‖D s‖ within a tenth of
 * radius. *lambda: a guess, at first 0; receives λ. Where R is singular and λ = 0, the unknowns of the last columns stay. */
void lm_parameter_step(const lm_problem *problem, double *lambda, double *step);
/* The same for a λ that is given, whatever the radius. */
void lm_damped_step(const lm_problem *problem, double lambda, double *step);

#endif
