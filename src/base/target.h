/* base/target.h - what the library asks of compiler and machine. Whoever computes or allocates includes it. */
#ifndef BP_BASE_TARGET_H
#define BP_BASE_TARGET_H
#include <float.h>

#ifndef __cppcheck__ /* which reads no system headers, and so knows none of these */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) ||                               \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "Backprop needs IEEE arithmetic: compile without -ffast-math, -Ofast and their parts"
#elif FLT_EVAL_METHOD != 0
#error "Backprop needs float and double computed as such, not in x87 registers: compile with -msse2 -mfpmath=sse"
#elif FLT_MANT_DIG != 24 || DBL_MANT_DIG != 53
#error "Backprop needs float and double of IEEE 754"
#elif !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Backprop needs a little-endian machine: its files are read and written as they lie in memory"
#elif __SIZEOF_POINTER__ < 4
#error "Backprop needs pointers of 32 bits or more"
#endif
#endif

#endif
