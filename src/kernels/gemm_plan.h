/* kernels/gemm_plan.h - when the matrix product packs an operand, and how much; shared by every build and by
 * bp_gemm_scratch(), so that no product needs more scratch than was announced.
 *
 * Operands are read in place as long as that is fast: a packed copy costs a few percent, and only tall products earn it
 * back. What makes reading in place slow is a row stride of pages: the rows of a panel then share few cache sets.
 */
#ifndef BP_KERNELS_GEMM_PLAN_H
#define BP_KERNELS_GEMM_PLAN_H
#include <stdbool.h>
#include <stdint.h>

enum {
  BP_GEMM_PANEL_BYTES = 256, /* one row of a packed panel of B, at most: four 64-byte vectors */
  BP_ONE_TILE_STEPS = 64,    /* steps of k of a product that is done as one tile without a plan */
  BP_TURNED_STEPS = 8,       /* the same with a transposed B, which is turned element by element */
  BP_GEMM_K_BLOCK = 832,     /* steps of k at a time: a panel of B has 208 KiB at most, and stays in the second level */
  BP_GEMM_K_BLOCK_A = 512,   /* the same when A is packed as well */
  BP_GEMM_A_ROWS = 256,      /* rows of A packed at a time */
  BP_GEMM_NEAR_ROWS = 96,    /* rows of A in place, which all panels read again: 312 KiB at most */
  BP_GEMM_FAR_BYTES = 2048,  /* rows that lie this far apart are slow to walk across */
};

static inline int64_t bp_gemm_smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Whether A may be packed: it is walked across its rows, once for each of many panels. */
static inline bool bp_gemm_wants_a(int64_t n, int64_t size, bool a_trans) { return a_trans && n * size >= 2048; }
/* Whether B may be packed: transposed B always; else when enough rows of A share the copy. A build may ask for more. */
static inline bool bp_gemm_wants_b(int64_t m, int64_t k, bool b_trans) { return b_trans || (m >= 32 && k >= 64); }

/* Steps of k at a time. */
static inline int64_t bp_gemm_depth(int64_t k, bool pack_a) {
  return bp_gemm_smaller(k, pack_a ? BP_GEMM_K_BLOCK_A : BP_GEMM_K_BLOCK);
}
/* Bytes of packed A, a multiple of 64. */
static inline int64_t bp_gemm_a_bytes(int64_t m, int64_t k, int64_t size) {
  return (bp_gemm_smaller(m, BP_GEMM_A_ROWS) * bp_gemm_depth(k, true) * size + 63) / 64 * 64;
}

#endif
