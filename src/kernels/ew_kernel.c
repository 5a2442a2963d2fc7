/* kernels/ew_kernel.c - elementwise kernels: one loop per function, float and double from the same source.
 *
 * A function is branch-free scalar code that the compiler turns into vector code. The loops run over chunks of a fixed
 * size, and a tail is copied into a chunk of its own, so that every element goes through the very same instructions
 * wherever it stands. Stands on base only.
 */
#define _DEFAULT_SOURCE /* lgamma_r */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/ew_names.h"
#include "kernels/kernels.h"
#include "kernels/pairs.h"
#include "kernels/special.h"

#define BP_REAL_IS_F64 0
#include "kernels/ew_impl.h"
#include "kernels/compound_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/ew_impl.h"
#include "kernels/compound_impl.h"
