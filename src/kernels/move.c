/* kernels/move.c - data movement: conversion, gathering rows, strided copies, filling. Compiled once; the inner loops come
 * from the ISA build in use. */
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/moves.h"

extern const bp_moves bp_moves_table_baseline;
#ifdef BP_HAVE_AVX2
extern const bp_moves bp_moves_table_avx2;
#endif
#ifdef BP_HAVE_AVX512
extern const bp_moves bp_moves_table_avx512;
#endif

static const bp_moves *moves_use(void) {
  switch (bp_kernels_use()->isa) {
#ifdef BP_HAVE_AVX512
  case BP_ISA_AVX512: return &bp_moves_table_avx512;
#endif
#ifdef BP_HAVE_AVX2
  case BP_ISA_AVX2: return &bp_moves_table_avx2;
#endif
  default: return &bp_moves_table_baseline;
  }
}

static const size_t type_size[4] = {sizeof(float), sizeof(double), sizeof(uint8_t), sizeof(int32_t)};

void bp_convert(void *out, int out_type, const void *in, int in_type, int64_t n) {
  moves_use()->convert[out_type][in_type](out, in, n);
}

void bp_gather_rows(void *out, int out_type, const void *table, int table_type, const int32_t *index, int64_t rows,
                    int64_t columns) {
  void (*convert)(void *, const void *, int64_t) = moves_use()->convert[out_type][table_type];
  const size_t out_row = (size_t)columns * type_size[out_type], in_row = (size_t)columns * type_size[table_type];
  for (int64_t r = 0; r < rows; r++) {
    convert((char *)out + (size_t)r * out_row, (const char *)table + (size_t)index[r] * in_row, columns);
  }
}

void bp_scatter_add_rows(void *out, const void *in, bp_real real, const int32_t *index, int64_t rows, int64_t columns) {
  const bp_ew_fn add = bp_kernels_use()->ew[real][BP_EW_add];
  const size_t row = (size_t)columns * (real == BP_KF64 ? sizeof(double) : sizeof(float));
  for (int64_t r = 0; r < rows; r++) {
    char *to = (char *)out + (size_t)index[r] * row;
    add(to, (const void *const[]){to, (const char *)in + (size_t)r * row}, columns);
  }
}

void bp_fill(void *out, bp_real real, double value, int64_t n) {
  if (real == BP_KF64)
    moves_use()->fill_f64(out, value, n);
  else
    moves_use()->fill_f32(out, (float)value, n);
}

/* ---- strided copies ---- */

/* n elements taken `stride` elements apart, to a dense row. */
static void copy_row(char *out, const char *in, size_t size, int64_t n, int64_t stride) {
  const ptrdiff_t step = (ptrdiff_t)stride * (ptrdiff_t)size;
  if (stride == 1) {
    memcpy(out, in, (size_t)n * size);
  } else if (size == 4) {
    for (int64_t i = 0; i < n; i++, out += 4, in += step) memcpy(out, in, 4);
  } else if (size == 8) {
    for (int64_t i = 0; i < n; i++, out += 8, in += step) memcpy(out, in, 8);
  } else {
    for (int64_t i = 0; i < n; i++, out += size, in += step) memcpy(out, in, size);
  }
}

/* The last two axes. */
static void copy_plane(char *out, const char *in, size_t size, const int64_t dims[2], const int64_t strides[2]) {
  const int64_t rows = dims[0], columns = dims[1];
  if (strides[1] == 1 && strides[0] == columns) {
    memcpy(out, in, (size_t)(rows * columns) * size);
  } else if (strides[0] == 1 && size == 4 && columns > 1) {
    moves_use()->transpose4(out, in, strides[1], columns, rows);
  } else if (strides[0] == 1 && size == 8 && columns > 1) {
    moves_use()->transpose8(out, in, strides[1], columns, rows);
  } else {
    const size_t row = (size_t)columns * size;
    for (int64_t r = 0; r < rows; r++) {
      if (r > 0 && strides[0] == 0)
        memcpy(out + (size_t)r * row, out, row); /* the same row again */
      else
        copy_row(out + (size_t)r * row, in + (ptrdiff_t)(r * strides[0]) * (ptrdiff_t)size, size, columns, strides[1]);
    }
  }
}

void bp_copy_strided(void *out, const void *in, size_t size, int rank, const int64_t *dims, const int64_t *strides) {
  int64_t inner = 1;
  for (int i = 1; i < rank; i++) inner *= dims[i];
  if (rank == 0) {
    memcpy(out, in, size);
  } else if (inner == 0 || dims[0] == 0) {
    return;
  } else if (rank == 1) {
    copy_row(out, in, size, dims[0], strides[0]);
  } else if (rank == 2) {
    copy_plane(out, in, size, dims, strides);
  } else {
    for (int64_t i = 0; i < dims[0]; i++) {
      bp_copy_strided((char *)out + (size_t)(i * inner) * size,
                      (const char *)in + (ptrdiff_t)(i * strides[0]) * (ptrdiff_t)size, size, rank - 1, dims + 1,
                      strides + 1);
    }
  }
}
