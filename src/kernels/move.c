/* kernels/move.c - data movement: conversion, gathering rows, strided copies, filling. Compiled once; the conversion of
 * a row comes from the ISA build in use. */
#include <string.h>

#include "kernels/kernels.h"

typedef void (*convert_row_fn)(void *out, int out_type, const void *in, int in_type, int64_t n);
void bp_convert_row_baseline(void *out, int out_type, const void *in, int in_type, int64_t n);
void bp_convert_row_avx2(void *out, int out_type, const void *in, int in_type, int64_t n);
void bp_convert_row_avx512(void *out, int out_type, const void *in, int in_type, int64_t n);

static convert_row_fn convert_row_use(void) {
  switch (bp_kernels_use()->isa) {
#ifdef BP_HAVE_AVX512
    case BP_ISA_AVX512: return bp_convert_row_avx512;
#endif
#ifdef BP_HAVE_AVX2
    case BP_ISA_AVX2: return bp_convert_row_avx2;
#endif
    default: return bp_convert_row_baseline;
  }
}

static const size_t type_size[4] = {4, 8, 1, 4};

void bp_convert(void *out, int out_type, const void *in, int in_type, int64_t n) {
  convert_row_use()(out, out_type, in, in_type, n);
}

void bp_gather_rows(void *out, int out_type, const void *table, int table_type, const int32_t *index, int64_t rows,
                    int64_t columns) {
  const convert_row_fn convert_row = convert_row_use();
  const int64_t out_row = columns * (int64_t)type_size[out_type], in_row = columns * (int64_t)type_size[table_type];
  for (int64_t r = 0; r < rows; r++) {
    convert_row((char *)out + r * out_row, out_type, (const char *)table + index[r] * in_row, table_type, columns);
  }
}

void bp_scatter_add_rows(void *out, const void *in, bp_real real, const int32_t *index, int64_t rows, int64_t columns) {
  const bp_ew_fn add = bp_kernels_use()->ew[real][BP_EW_add];
  const int64_t row = columns * (real == BP_KF64 ? 8 : 4);
  for (int64_t r = 0; r < rows; r++) {
    char *to = (char *)out + index[r] * row;
    add(to, (const void *const[]){to, (const char *)in + r * row}, columns);
  }
}

/* One dense row of `n` elements taken `stride` apart. */
static void copy_row(char *to, const char *from, size_t size, int64_t n, int64_t stride) {
  for (int64_t i = 0; i < n; i++) memcpy(to + (size_t)i * size, from + i * stride * (int64_t)size, size);
}

void bp_copy_strided(void *out, const void *in, size_t size, int rank, const int64_t *dims, const int64_t *strides) {
  if (rank == 0) {
    memcpy(out, in, size);
    return;
  }
  if (rank == 1) {
    copy_row(out, in, size, dims[0], strides[0]);
    return;
  }
  int64_t inner = 1;
  for (int i = 1; i < rank; i++) inner *= dims[i];
  for (int64_t i = 0; i < dims[0]; i++) {
    bp_copy_strided((char *)out + (size_t)(i * inner) * size, (const char *)in + i * strides[0] * (int64_t)size, size,
                    rank - 1, dims + 1, strides + 1);
  }
}

void bp_fill(void *out, bp_real real, double value, int64_t n) {
  if (real == BP_KF64) {
    double *y = out;
    for (int64_t i = 0; i < n; i++) y[i] = value;
  } else {
    float *y = out;
    for (int64_t i = 0; i < n; i++) y[i] = (float)value;
  }
}
