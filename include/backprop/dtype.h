/* backprop/dtype.h - the element types of arrays. */
#ifndef BACKPROP_DTYPE_H
#define BACKPROP_DTYPE_H
#include <stddef.h>
#include <stdint.h>

#include "backprop/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The largest number of axes an array can have. */
#define BP_MAX_RANK 8

/* Values, derivatives and parameters are F32 or F64. U8 and I32 are storage: pixels, row numbers and class numbers. */
typedef enum bp_dtype { BP_F32, BP_F64, BP_U8, BP_I32, BP_DTYPE_COUNT } bp_dtype;

/* VIEW "float32", "float64", "uint8", "int32"; "?" for anything else. */
BP_API const char *bp_dtype_name(bp_dtype dtype);
/* Bytes of one element: 4, 8, 1, 4; 0 for anything else. */
BP_API size_t bp_dtype_size(bp_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif
