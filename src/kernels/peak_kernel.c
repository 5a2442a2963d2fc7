/* kernels/peak_kernel.c - the multiply-add peak of both types. */
#include "kernels/kernels_isa.h"

#define BP_REAL_IS_F64 0
#include "kernels/real.h"
#include "kernels/simd.h"
#include "kernels/peak_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/real.h"
#include "kernels/simd.h"
#include "kernels/peak_impl.h"
