/* kernels/kernels_isa.h - declares the extern symbols of one ISA build: the *_kernel.c files define them, its
 * table_kernel.c lists them, and kernels.c picks a table. */
#ifndef BP_KERNELS_KERNELS_ISA_H
#define BP_KERNELS_KERNELS_ISA_H
#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "kernels/moves.h"

void BP_ISA_FN(bp_gemm_f32)(const bp_gemm *g);
void BP_ISA_FN(bp_gemm_f64)(const bp_gemm *g);
void BP_ISA_FN(bp_gemm_pack_f32)(const bp_gemm_pack *g);
void BP_ISA_FN(bp_gemm_pack_f64)(const bp_gemm_pack *g);

/* out[q * out_row + l] = in[l * in_row + q] for q < columns, l < rows, 1 <= rows <= the lanes of a vector. All lanes are
 * written: those beyond `rows` repeat the last row. */
void BP_ISA_FN(bp_transpose_strip_f32)(float *out, int64_t out_row, const float *in, int64_t in_row, int64_t rows,
                                       int64_t columns);
void BP_ISA_FN(bp_transpose_strip_f64)(double *out, int64_t out_row, const double *in, int64_t in_row, int64_t rows,
                                       int64_t columns);

double BP_ISA_FN(bp_peak_f32)(int64_t steps, int64_t *flops);
double BP_ISA_FN(bp_peak_f64)(int64_t steps, int64_t *flops);

#define BP_REDUCE_NAMES(type)                                                                                          \
  void BP_ISA_FN(bp_reduce_sum_##type)(const bp_reduce *r);                                                            \
  void BP_ISA_FN(bp_reduce_max_##type)(const bp_reduce *r);                                                            \
  void BP_ISA_FN(bp_reduce_min_##type)(const bp_reduce *r);                                                            \
  void BP_ISA_FN(bp_reduce_prod_##type)(const bp_reduce *r);                                                           \
  void BP_ISA_FN(bp_logsumexp_##type)(void *out, const void *in, int64_t rows, int64_t columns);
#define BP_MATRIX_NAMES(type)                                                                                          \
  void BP_ISA_FN(bp_norm_##type)(const bp_reduce *r);                                                                  \
  void BP_ISA_FN(bp_cumsum_##type)(void *out, const void *in, int64_t outer, int64_t reduce, int64_t inner,            \
                                   bool from_end);                                                                     \
  void BP_ISA_FN(bp_cholesky_##type)(void *out, const void *in, int64_t n);                                            \
  void BP_ISA_FN(bp_solve_triangular_##type)(void *x, const void *t, int64_t n, int64_t m, bool upper,                 \
                                             bool transposed, bool unit);                                              \
  void BP_ISA_FN(bp_lu_##type)(void *lu, int32_t *exchange, const void *in, int64_t n);                                \
  void BP_ISA_FN(bp_lu_solve_##type)(void *x, const void *lu, const int32_t *exchange, int64_t n, int64_t m);          \
  void BP_ISA_FN(bp_lu_logdet_##type)(void *out, const void *lu, int64_t n);
BP_MATRIX_NAMES(f32)
BP_MATRIX_NAMES(f64)
#undef BP_MATRIX_NAMES
BP_REDUCE_NAMES(f32)
BP_REDUCE_NAMES(f64)
#undef BP_REDUCE_NAMES

void BP_ISA_FN(bp_uniform_f32)(void *out, uint64_t key, uint64_t step, int64_t first, int64_t n);
void BP_ISA_FN(bp_uniform_f64)(void *out, uint64_t key, uint64_t step, int64_t first, int64_t n);

extern const bp_moves BP_ISA_FN(bp_moves_table);
extern const bp_kernels BP_ISA_FN(bp_kernels_table);

#endif
