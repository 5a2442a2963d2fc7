/* kernels/axis_kernel.c - norms and running sums along an axis; float and double from the same source. */
#include <math.h>
#include <string.h>

#include "kernels/kernels_isa.h"

#define BP_REAL_IS_F64 0
#include "kernels/axis_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/axis_impl.h"
