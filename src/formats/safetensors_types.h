/* formats/safetensors_types.h - element types of safetensors files, and sizes of tensors. For this floor only. */
#ifndef BP_FORMATS_SAFETENSORS_TYPES_H
#define BP_FORMATS_SAFETENSORS_TYPES_H
#include <stdbool.h>

#include "backprop/dtype.h"

/* VIEW "F32", "F64", "U8", "I32". */
const char *bp_tensor_type_name(bp_dtype dtype);
/* Bytes of an element of the type of that name, and which of ours it is, BP_DTYPE_COUNT for none; false if it is unknown. */
bool bp_tensor_type_find(const char *name, bp_dtype *dtype, size_t *size);
/* Bytes of a tensor; false when rank or a size is out of range, or the product does not fit. */
bool bp_tensor_bytes(int rank, const int64_t *dims, size_t element, size_t *bytes);

#endif
