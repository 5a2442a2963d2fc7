/* kernels/factor_kernel.c - Cholesky and LU factors and triangular systems of one matrix; float and double from the same
 * source.
 *
 * Rows lie side by side, so every inner loop runs along a row and is vector code; each element is still one chain of
 * multiply-subtracts in the order of the columns. Meant for matrices that fit the cache: nothing is blocked.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels_isa.h"

#define BP_REAL_IS_F64 0
#include "kernels/factor_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/factor_impl.h"
