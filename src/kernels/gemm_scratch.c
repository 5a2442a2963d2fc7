/* kernels/gemm_scratch.c - how much memory the matrix product needs beside its operands; compiled once. */
#include "kernels/gemm_plan.h"
#include "kernels/kernels.h"

size_t bp_gemm_scratch(int64_t m, int64_t n, int64_t k, bool a_trans, bool b_trans, bp_real real) {
  if (m <= 0 || n <= 0 || k <= 0) return 0;
  const int64_t size = real == BP_KF64 ? 8 : 4;
  int64_t bytes = 0;
  if (bp_gemm_wants_a(n, size, a_trans)) bytes += bp_gemm_a_bytes(m, k, size);
  /* The depth without packing of A bounds the one with it: whether A is packed depends on its stride. */
  if (bp_gemm_wants_b(m, k, b_trans)) bytes += bp_gemm_depth(k, false) * BP_GEMM_PANEL_BYTES;
  return (size_t)bytes;
}

size_t bp_gemm_packed_bytes(int64_t n, int64_t k, bp_real real) {
  if (n <= 0 || k <= 0) return 0;
  const int64_t size = real == BP_KF64 ? 8 : 4;
  return (size_t)((n * size + 63) / 64 * 64 * k);
}
