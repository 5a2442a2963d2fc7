/* kernels/isa.h - what one per-ISA build of a *_kernel.c file is called and may use.
 *
 * Every *_kernel.c is compiled once per instruction set with BP_ISA_NAME=baseline|avx2|avx512. Nothing may leave such a
 * file under a plain name: the linker would keep one copy, perhaps the one that this CPU cannot run. So functions are
 * static, or named with BP_ISA_FN(name), which gives name_avx2 and so on.
 */
#ifndef BP_KERNELS_ISA_H
#define BP_KERNELS_ISA_H
#include "base/target.h"

#define BP_ISA_PASTE_(name, isa) name##_##isa
#define BP_ISA_PASTE(name, isa)  BP_ISA_PASTE_(name, isa)
#define BP_ISA_FN(name)          BP_ISA_PASTE(name, BP_ISA_NAME)

#if defined(BP_ISA_AVX512_BUILD)
#define BP_ISA_CODE BP_ISA_AVX512
#elif defined(BP_ISA_AVX2_BUILD)
#define BP_ISA_CODE BP_ISA_AVX2
#else
#define BP_ISA_CODE BP_ISA_BASELINE
#endif

/* Bytes of the widest vector register; hardware fused multiply-add. */
#if defined(__AVX512F__)
#define BP_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define BP_VECTOR_BYTES 32
#else
#define BP_VECTOR_BYTES 16
#endif
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define BP_HAS_FMA 1
#else
#define BP_HAS_FMA 0
#endif

#define BP_INLINE static inline __attribute__((always_inline, unused))

/* Before a loop: its iterations are independent (out is either one of the inputs or apart from them). gcc would unroll a
 * loop of a few iterations before it looks for vectors. */
#if defined(__clang__)
#define BP_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define BP_UNROLL      _Pragma("clang loop unroll(full)")
#else
#define BP_INDEPENDENT _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#define BP_UNROLL      _Pragma("GCC unroll 32")
#endif

#endif
