/* kernels/reduce_kernel.c - reductions in a fixed order, and logsumexp; float and double from the same source. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/kernels_isa.h"

#define BP_REAL_IS_F64 0
#include "kernels/reduce_impl.h"
#include "kernels/logsumexp_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/reduce_impl.h"
#include "kernels/logsumexp_impl.h"
