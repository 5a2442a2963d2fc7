/* kernels/kernels.h - loops on raw pointers, one table of them per ISA build; knows no graph.
 *
 * All arrays are dense and row-major unless a stride is named. Sizes are in elements. `real` below is float (type 0,
 * BP_KF32) or double (type 1, BP_KF64); everything numeric exists for both, compiled from the same source.
 *
 * Promises that the layers above rely on:
 *  - Every output element is computed by the same sequence of operations, in the same order, wherever it stands in the
 *    call: splitting a call by rows, columns or blocks gives the same bits. So results do not depend on threads, on
 *    block sizes or on the batch that a row came in.
 *  - No kernel allocates, reads beyond its operands, or touches memory outside its output.
 *  - Pointers need only the alignment of their element type.
 */
#ifndef BP_KERNELS_KERNELS_H
#define BP_KERNELS_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

typedef enum bp_real { BP_KF32, BP_KF64, BP_REAL_COUNT } bp_real;

/* ---- elementwise ---- */
typedef enum bp_ew {
#define BP_EW(name, arity) BP_EW_##name,
#include "kernels/elementwise.def"
#undef BP_EW
  BP_EW_COUNT
} bp_ew;

/* out[i] = f(in[0][i], in[1][i], …) for i in 0 .. n - 1. out may be one of the inputs (same pointer), and must not
 * overlap them otherwise. Inputs beyond the arity are not read. Comparisons and heaviside give 1 or 0; where(c, a, b)
 * is a where c is not zero (a NaN condition counts as true, as in C), else b, and the other one is not looked at. */
typedef void (*bp_ew_fn)(void *out, const void *const *in, int64_t n);

/* VIEW "tanh"; arity 1, 2 or 3. */
const char *bp_ew_name(bp_ew op);
int bp_ew_arity(bp_ew op);

/* Several elementwise operations in one pass, with the bits of the single kernels one after the other; see compounds.def. An
 * output may be one of the inputs (same pointer), and must not overlap them otherwise; some inputs are one number. */
typedef enum bp_compound {
#define BP_COMPOUND(name, inputs, outputs) BP_COMPOUND_##name,
#include "kernels/compounds.def"
#undef BP_COMPOUND
  BP_COMPOUND_COUNT
} bp_compound;
enum { BP_COMPOUND_INPUTS = 10, BP_COMPOUND_OUTPUTS = 3 }; /* at most */
typedef void (*bp_compound_fn)(void *const *out, const void *const *in, int64_t n);
/* VIEW "momentum"; how many inputs and outputs. */
const char *bp_compound_name(bp_compound c);
int bp_compound_inputs(bp_compound c);
int bp_compound_outputs(bp_compound c);

/* ---- matrix product ---- */
/* C[m, n] = op(A)[m, k] · op(B)[k, n], or += when accumulate; row-major with leading dimensions in elements.
 * op(A) is A [m, k] (lda >= k), or with a_trans the transpose of A [k, m] (lda >= m);
 * op(B) is B [k, n] (ldb >= n), or with b_trans the transpose of B [n, k] (ldb >= k).
 * Each c is one chain of multiply-adds over k = 0, 1, 2 …, starting from 0 (or from C when accumulating): the result does
 * not depend on how m, n and k are blocked. With fused multiply-add hardware every step is fused. k = 0 gives zeros.
 * A, B and C do not overlap. `scratch` is 64-byte aligned, bp_gemm_scratch() bytes, its content is of no matter; it may be
 * NULL when that is 0. */
typedef struct bp_gemm {
  int64_t m, n, k;
  const void *a;
  int64_t lda;
  const void *b;
  int64_t ldb;
  void *c;
  int64_t ldc;
  bool a_trans, b_trans, accumulate;
  bool b_packed; /* b is packed, by the same build and for the same n and k; ldb and b_trans are not looked at */
  void *scratch;
} bp_gemm;
typedef void (*bp_gemm_fn)(const bp_gemm *g);

/* Copies op(B) into the order in which a product reads it, so that many products, say with one block of rows each, need not
 * walk across a far B, nor transpose it, again and again. It pays for a transposed B, and for one with rows of a kilobyte or
 * more, when all products that share it have 32 rows or more together. A product of one or two rows is faster in place.
 *
 * Rows `first` to `last` - 1 of B as stored are copied and their places written, so that threads can share the work: B is
 * [k, n], or [n, k] with b_trans, and then first and last must be multiples of 16 (last may be n). `packed` has
 * bp_gemm_packed_bytes(n, k, real); 64-byte alignment makes it faster. */
typedef struct bp_gemm_pack {
  int64_t n, k;
  const void *b;
  int64_t ldb;
  bool b_trans;
  int64_t first, last;
  void *packed;
} bp_gemm_pack;
typedef void (*bp_gemm_pack_fn)(const bp_gemm_pack *g);

/* ---- reductions ---- */
typedef enum bp_reduce_op { BP_REDUCE_SUM, BP_REDUCE_MAX, BP_REDUCE_MIN, BP_REDUCE_PROD, BP_REDUCE_COUNT } bp_reduce_op;

/* out[o * out_stride + i] = reduction over r of in[o * outer_stride + r * reduce_stride + i],
 * o < outer, r < reduce, i < inner. When inner and reduce_stride are 1, sums along r use a fixed number of lanes that
 * depends only on `reduce`, then a fixed tree; else each output is one chain in the order of r. max and min hand NaN on.
 * An empty sum is 0, an empty product 1, an empty max -inf. */
typedef struct bp_reduce {
  int64_t outer, reduce, inner;
  int64_t outer_stride, reduce_stride, out_stride;
  const void *in;
  void *out;
} bp_reduce;
typedef void (*bp_reduce_fn)(const bp_reduce *r);

/* out[r] = log sum_c exp(in[r, c]), shifted by the row's maximum; finite for any finite row; -inf for a row of -inf, NaN
 * if a NaN is there; rows of `columns` elements. */
typedef void (*bp_logsumexp_fn)(void *out, const void *in, int64_t rows, int64_t columns);

/* The same as a reduction: out = sqrt(sum of in^2), without overflow or underflow on the way; one chain in the order of r.
 * A NaN gives NaN, else an infinity infinity. An empty norm is 0. */
typedef bp_reduce_fn bp_norm_fn;

/* out[o, r, i] = in[o, 0, i] + ... + in[o, r, i], in this order; from_end: in[o, reduce - 1, i] + ... + in[o, r, i]. Dense
 * arrays [outer, reduce, inner]. */
typedef void (*bp_cumsum_fn)(void *out, const void *in, int64_t outer, int64_t reduce, int64_t inner, bool from_end);

/* ---- factors of one square matrix, row-major, n x n ---- */
/* out = L, lower triangular, with L L^T = in; reads the lower triangle, writes zeros above; every element is a chain in the
 * order of columns. NaN in the lower triangle when a pivot is not positive. */
typedef void (*bp_cholesky_fn)(void *out, const void *in, int64_t n);
/* x [n, m] = op(T)^-1 x, with T the lower or upper triangle of t and op the transpose where asked; unit: a diagonal of ones,
 * not read. */
typedef void (*bp_solve_triangular_fn)(void *x, const void *t, int64_t n, int64_t m, bool upper, bool transposed,
                                       bool unit);
/* lu = the factors of in with rows exchanged: L below the diagonal (its own is 1), U from it on; at step k row k was exchanged
 * with row exchange[k], that of the largest element (the first of equals). A singular matrix leaves zeros on the diagonal. */
typedef void (*bp_lu_fn)(void *lu, int32_t *exchange, const void *in, int64_t n);
/* x [n, m] = A^-1 x from the factors of A. */
typedef void (*bp_lu_solve_fn)(void *x, const void *lu, const int32_t *exchange, int64_t n, int64_t m);
/* *out = log |det A| from the factors of A; -inf when it is 0. */
typedef void (*bp_lu_logdet_fn)(void *out, const void *lu, int64_t n);

/* Does multiply-adds on registers, `steps` rounds of them, and says how many operations these were, two for each. */
typedef double (*bp_peak_fn)(int64_t steps, int64_t *flops);

/* ---- random numbers ---- */
/* out[i] = number first + i of a stream of numbers uniform in [0, 1): 24 or 53 bits of Philox 4x32-10 with this key, of the block
 * whose counter is (number of the block, step). A block gives 4 floats or 2 doubles. */
typedef void (*bp_uniform_fn)(void *out, uint64_t key, uint64_t step, int64_t first, int64_t n);

typedef struct bp_kernels {
  bp_isa isa;
  bool fused; /* a·b + c is rounded once: tables of which this is the same give the same bits */
  bp_ew_fn ew[BP_REAL_COUNT][BP_EW_COUNT];
  bp_compound_fn compound[BP_REAL_COUNT][BP_COMPOUND_COUNT];
  bp_gemm_fn gemm[BP_REAL_COUNT];
  bp_gemm_pack_fn gemm_pack[BP_REAL_COUNT];
  bp_reduce_fn reduce[BP_REAL_COUNT][BP_REDUCE_COUNT];
  bp_logsumexp_fn logsumexp[BP_REAL_COUNT];
  bp_norm_fn norm[BP_REAL_COUNT];
  bp_cumsum_fn cumsum[BP_REAL_COUNT];
  bp_cholesky_fn cholesky[BP_REAL_COUNT];
  bp_solve_triangular_fn solve_triangular[BP_REAL_COUNT];
  bp_lu_fn lu[BP_REAL_COUNT];
  bp_lu_solve_fn lu_solve[BP_REAL_COUNT];
  bp_lu_logdet_fn lu_logdet[BP_REAL_COUNT];
  bp_peak_fn peak[BP_REAL_COUNT];
  bp_uniform_fn uniform[BP_REAL_COUNT];
} bp_kernels;

/* The kernels of one build; NULL when this CPU cannot run it or it was not compiled in. */
const bp_kernels *bp_kernels_of(bp_isa isa);
/* The kernels in use: those of bp_cpu_isa(). Never NULL. */
const bp_kernels *bp_kernels_use(void);
/* VIEW how these round: "fused multiply-add", "separate multiply and add". */
const char *bp_arithmetic_name(void);
/* Bytes of scratch that a product of this shape may need (an upper bound over all builds, monotone in m, n and k). */
size_t bp_gemm_scratch(int64_t m, int64_t n, int64_t k, bool a_trans, bool b_trans, bp_real real);
/* Bytes of a packed B (the same for all builds, linear in k). */
size_t bp_gemm_packed_bytes(int64_t n, int64_t k, bp_real real);

/* ---- data movement: compiled once, types given by number of bytes or dtype code ---- */
/* Type codes are those of bp_dtype: 0 float, 1 double, 2 uint8, 3 int32. */

/* out[i] = (type) in[i]; float to integer truncates and saturates, NaN gives 0. */
void bp_convert(void *out, int out_type, const void *in, int in_type, int64_t n);
/* out[r, :] = (out_type) table[index[r], :]; rows are `columns` wide. Indices are in range: the caller checked them. */
void bp_gather_rows(void *out, int out_type, const void *table, int table_type, const int32_t *index, int64_t rows,
                    int64_t columns);
/* out[index[r], :] += in[r, :] for r = 0, 1, … in order. */
void bp_scatter_add_rows(void *out, const void *in, bp_real real, const int32_t *index, int64_t rows, int64_t columns);
/* Dense out of shape dims[rank], out[i0, i1, …] = in[i0 * strides[0] + i1 * strides[1] + …]; elements of `size` bytes (1, 4, 8);
 * strides in elements, 0 repeats. Plain transposes are done in tiles. */
void bp_copy_strided(void *out, const void *in, size_t size, int rank, const int64_t *dims, const int64_t *strides);
/* out[i] = value. */
void bp_fill(void *out, bp_real real, double value, int64_t n);

#endif
