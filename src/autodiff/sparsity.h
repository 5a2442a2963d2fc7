/* autodiff/sparsity.h - which elements of y can depend on which elements of x, whatever the values.
 *
 * A sweep goes up the graph with a word of 64 bits for each element: bit b is set when the element depends on element
 * 64 c + b of x. Words outside a range are 0 and never touched, so a banded Jacobian costs its elements, not its square.
 */
#ifndef BP_AUTODIFF_SPARSITY_H
#define BP_AUTODIFF_SPARSITY_H
#include "autodiff/pattern.h"
#include "autodiff/rules.h"

/* The words of one variable. */
typedef struct bp_bits {
  uint64_t *word; /* by element; NULL: the variable does not depend on x */
  int64_t n;
  int64_t lo, hi; /* words outside are 0 */
} bp_bits;

typedef struct bp_dependency {
  bp_call call;
  bp_bits *out;            /* all 0 when the rule begins */
  const bp_bits *bits;     /* by id */
  uint8_t *const *nonzero; /* by id: for some constants, which elements are not 0; else NULL */
} bp_dependency;

/* Adds to `out` what an operation hands on. The table has a rule for every operation: where there is none of its own, every
 * element of the result depends on every element of every argument. */
typedef void (*bp_depend_fn)(const bp_dependency *d);
bp_depend_fn bp_dependency_rule(bp_op op);
/* Whether zeros in a constant argument of the operation cut dependences. */
bool bp_zeros_matter(bp_op op);

/* NEW pattern of ∂y/∂x, rows and columns in row-major order of the elements. No batch, no more than 2^31 - 1 elements. */
bp_status bp_find_sparsity(bp_var y, bp_var x, bp_pattern *out);

#endif
