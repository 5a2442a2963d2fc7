/* kernels/ew_names.h - declares every extern function of one ISA build, for ew_kernel.c, … and table_kernel.c. */
#ifndef BP_KERNELS_EW_NAMES_H
#define BP_KERNELS_EW_NAMES_H
#include "kernels/isa.h"
#include "kernels/kernels.h"

#define BP_EW_FN(name, type) BP_ISA_FN(bp_ew_##name##_##type)

#define BP_EW(name, arity)                                                                                             \
  void BP_EW_FN(name, f32)(void *out, const void *const *in, int64_t n);                                               \
  void BP_EW_FN(name, f64)(void *out, const void *const *in, int64_t n);
#include "kernels/elementwise.def"
#undef BP_EW

#define BP_COMPOUND_FN(name, type) BP_ISA_FN(bp_compound_##name##_##type)
#define BP_COMPOUND(name, inputs, outputs)                                                                             \
  void BP_COMPOUND_FN(name, f32)(void *const *out, const void *const *in, int64_t n);                                  \
  void BP_COMPOUND_FN(name, f64)(void *const *out, const void *const *in, int64_t n);
#include "kernels/compounds.def"
#undef BP_COMPOUND

#endif
