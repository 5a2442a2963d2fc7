/* formats/safetensors_types.c - the element types that the format names. */
#include "formats/safetensors_types.h"

#include <string.h>

#include "base/alloc.h"

static const struct {
  const char *name;
  size_t size;
  bp_dtype dtype;
} types[] = {
    {"F32", 4, BP_F32},
    {"F64", 8, BP_F64},
    {"U8", 1, BP_U8},
    {"I32", 4, BP_I32},
    {"F16", 2, BP_DTYPE_COUNT},
    {"BF16", 2, BP_DTYPE_COUNT},
    {"I64", 8, BP_DTYPE_COUNT},
    {"U64", 8, BP_DTYPE_COUNT},
    {"U32", 4, BP_DTYPE_COUNT},
    {"I16", 2, BP_DTYPE_COUNT},
    {"U16", 2, BP_DTYPE_COUNT},
    {"I8", 1, BP_DTYPE_COUNT},
    {"BOOL", 1, BP_DTYPE_COUNT},
    {"F8_E4M3", 1, BP_DTYPE_COUNT},
    {"F8_E5M2", 1, BP_DTYPE_COUNT},
};
enum { TYPES = sizeof types / sizeof *types };

const char *bp_tensor_type_name(bp_dtype dtype) {
  for (int i = 0; i < TYPES; i++)
    if (types[i].dtype == dtype) return types[i].name;
  return "?";
}

bool bp_tensor_type_find(const char *name, bp_dtype *dtype, size_t *size) {
  for (int i = 0; i < TYPES; i++) {
    if (strcmp(types[i].name, name) != 0) continue;
    *dtype = types[i].dtype;
    *size = types[i].size;
    return true;
  }
  return false;
}

/* A size of 0 anywhere makes 0 bytes, but the other sizes must fit all the same. */
bool bp_tensor_bytes(int rank, const int64_t *dims, size_t element, size_t *bytes) {
  size_t product = element;
  bool empty = false;
  if (rank < 0 || rank > BP_MAX_RANK) return false;
  for (int axis = 0; axis < rank; axis++) {
    if (dims[axis] < 0) return false;
    if (dims[axis] == 0)
      empty = true;
    else if (!bp_mul_count(product, dims[axis], &product))
      return false;
  }
  *bytes = empty ? 0 : product;
  return true;
}
