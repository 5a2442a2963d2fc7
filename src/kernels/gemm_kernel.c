/* kernels/gemm_kernel.c - the matrix product of one ISA build, float and double from the same source. */
#include "kernels/gemm_plan.h"
#include "kernels/kernels_isa.h"

/* The tiles, rows by vectors. Their sums, one row of B and one broadcast element of A must fit in the registers, and 8
 * sums or more hide the latency of the multiply-adds. The widest tiles serve products of one or two rows, which only
 * stream B. */
#define TILES_1(X, v)  X(1, v)
#define TILES_2(X, v)  TILES_1(X, v) X(2, v)
#define TILES_4(X, v)  TILES_2(X, v) X(3, v) X(4, v)
#define TILES_6(X, v)  TILES_4(X, v) X(5, v) X(6, v)
#define TILES_8(X, v)  TILES_6(X, v) X(7, v) X(8, v)
#define TILES_12(X, v) TILES_8(X, v) X(9, v) X(10, v) X(11, v) X(12, v)

enum { BP_TILE_ROWS = 12 };
#if defined(__AVX512F__) || defined(__aarch64__) /* 32 registers */
enum { BP_TILE_VECS = 4, BP_PAIR_VECS = 8, BP_THIN_VECS = 8 };
#define BP_TILES(X)                                                                                                    \
  TILES_12(X, 1) TILES_12(X, 2) TILES_8(X, 3) TILES_6(X, 4) TILES_2(X, 5) TILES_2(X, 6) TILES_2(X, 7) TILES_2(X, 8)
static const int tile_rows[BP_THIN_VECS] = {12, 12, 8, 6, 2, 2, 2, 2};
#elif BP_HAS_FMA /* 16 registers */
enum { BP_TILE_VECS = 2, BP_PAIR_VECS = 4, BP_THIN_VECS = 8 };
#define BP_TILES(X)                                                                                                    \
  TILES_12(X, 1) TILES_6(X, 2) TILES_2(X, 3) TILES_2(X, 4) TILES_1(X, 5) TILES_1(X, 6) TILES_1(X, 7) TILES_1(X, 8)
static const int tile_rows[BP_THIN_VECS] = {12, 6, 2, 2, 1, 1, 1, 1};
#else /* 16 registers, and a product needs one of them */
enum { BP_TILE_VECS = 2, BP_PAIR_VECS = 4, BP_THIN_VECS = 4 };
#define BP_TILES(X) TILES_8(X, 1) TILES_4(X, 2) TILES_2(X, 3) TILES_2(X, 4)
static const int tile_rows[BP_THIN_VECS] = {8, 4, 2, 2};
#endif

/* A far B is packed for products of so many rows and steps. A panel row of four lines stands a stride of pages quite
 * well, one of a single line does not. */
enum { BP_FAR_B_ROWS = BP_VECTOR_BYTES >= 64 ? 256 : 32, BP_FAR_B_STEPS = BP_VECTOR_BYTES >= 64 ? 256 : 64 };

/* Where masked loads cost nothing there is no separate tile for a whole last vector. */
#ifdef __AVX512F__
#define BP_TILE_ALWAYS_PART 1
#else
#define BP_TILE_ALWAYS_PART 0
#endif

#define BP_REAL_IS_F64 0
#include "kernels/gemm_impl.h"
#undef BP_REAL_IS_F64
#define BP_REAL_IS_F64 1
#include "kernels/gemm_impl.h"
