/* kernels/real.h - the type parameter of the kernels: included once with BP_REAL_IS_F64 0 and once with 1.
 *
 * No include guard, on purpose: a template file is compiled twice in one translation unit, and R(name) gives each copy
 * its own name. `real` is float or double; `ibits` the signed integer of the same size.
 */
#include <stddef.h>
#include <stdint.h>

#undef real
#undef ibits
#undef ubits
#undef R
#undef RC
#undef R_MATH
#undef REAL_CODE

#if BP_REAL_IS_F64
#define real         double
#define ibits        int64_t
#define ubits        uint64_t
#define R(name)      name##_f64
#define RC(f32, f64) ((double)f64)    /* a constant of either type */
#define R_MATH(name) __builtin_##name /* sqrt, fabs, …: instructions, not calls */
#define REAL_CODE    BP_KF64
#else
#define real         float
#define ibits        int32_t
#define ubits        uint32_t
#define R(name)      name##_f32
#define RC(f32, f64) ((float)f32)
#define R_MATH(name) __builtin_##name##f
#define REAL_CODE    BP_KF32
#endif
