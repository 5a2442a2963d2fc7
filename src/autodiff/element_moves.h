/* autodiff/element_moves.h - operations that only move elements, and operations that work row by row. */
#ifndef BP_AUTODIFF_ELEMENT_MOVES_H
#define BP_AUTODIFF_ELEMENT_MOVES_H
#include "autodiff/rules.h"

/* Whether each element of the result is an element of an argument, or a constant: reshapes, slices, gathers by constant
 * numbers, and so on. */
bool bp_moves_elements(const bp_call *c);
/* For those: argument *arg whose element *from is element e of the result; false where that is a constant. */
bool bp_element_source(const bp_call *c, int64_t e, int *arg, int64_t *from);

/* Whether row r of the result needs only row r of argument i, as far as the operation tells. */
bool bp_row_by_row(const bp_call *c, int i);

#endif
