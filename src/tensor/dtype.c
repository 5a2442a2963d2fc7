/* tensor/dtype.c - names and sizes of the element types. */
#include "backprop/dtype.h"

static const struct {
  const char *name;
  size_t size;
} types[BP_DTYPE_COUNT] = {
    [BP_F32] = {"float32", sizeof(float)},
    [BP_F64] = {"float64", sizeof(double)},
    [BP_U8] = {"uint8", sizeof(uint8_t)},
    [BP_I32] = {"int32", sizeof(int32_t)},
};

const char *bp_dtype_name(bp_dtype dtype) { return (unsigned)dtype < BP_DTYPE_COUNT ? types[dtype].name : "?"; }

size_t bp_dtype_size(bp_dtype dtype) { return (unsigned)dtype < BP_DTYPE_COUNT ? types[dtype].size : 0; }
