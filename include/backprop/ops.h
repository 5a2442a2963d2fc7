/* backprop/ops.h - the operations: each appends a node to the graph of its arguments and gives back its variable.
 *
 * Elementwise operations of two or three arguments broadcast: shapes are aligned at their last axes, and a size of 1 or a
 * missing leading axis is repeated. All arguments must have one element type (bp_cast changes it) and one graph.
 * Derivatives at kinks and edges are one documented value each. On a recorded error the result is the null variable.
 *
 * Sets of axes are bit masks: BP_AXIS(0) | BP_AXIS(2), BP_LAST_AXIS, BP_ALL_AXES.
 */
#ifndef BACKPROP_OPS_H
#define BACKPROP_OPS_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_AXIS(i) (1u << (i))
#define BP_LAST_AXIS (1u << 31)
#define BP_ALL_AXES 0xffu

/* ---- elementwise, one argument ---- */
BP_API bp_var bp_neg(bp_var x);        /* -x */
BP_API bp_var bp_abs(bp_var x);        /* |x|; derivative sign(x), 0 at 0 */
BP_API bp_var bp_sign(bp_var x);       /* -1, 0 or 1; derivative 0 */
BP_API bp_var bp_square(bp_var x);     /* x² */
BP_API bp_var bp_reciprocal(bp_var x); /* 1 / x */
BP_API bp_var bp_sqrt(bp_var x);       /* derivative +inf at 0 */
BP_API bp_var bp_rsqrt(bp_var x);      /* 1 / sqrt(x) */
BP_API bp_var bp_exp(bp_var x);
BP_API bp_var bp_expm1(bp_var x); /* exp(x) - 1 */
BP_API bp_var bp_log(bp_var x);   /* -inf at 0 */
BP_API bp_var bp_log1p(bp_var x); /* log(1 + x) */
BP_API bp_var bp_log2(bp_var x);
BP_API bp_var bp_sin(bp_var x);
BP_API bp_var bp_cos(bp_var x);
BP_API bp_var bp_tan(bp_var x);
BP_API bp_var bp_asin(bp_var x);
BP_API bp_var bp_acos(bp_var x);
BP_API bp_var bp_atan(bp_var x);
BP_API bp_var bp_sinh(bp_var x);
BP_API bp_var bp_cosh(bp_var x);
BP_API bp_var bp_tanh(bp_var x);
BP_API bp_var bp_sigmoid(bp_var x);   /* σ(x) = 1 / (1 + exp(-x)) */
BP_API bp_var bp_softplus(bp_var x);  /* ζ(x) = log(1 + exp(x)) */
BP_API bp_var bp_relu(bp_var x);      /* max(x, 0); derivative 0 at 0 */
BP_API bp_var bp_erf(bp_var x);
BP_API bp_var bp_erfc(bp_var x);      /* 1 - erf(x) */
BP_API bp_var bp_lgamma(bp_var x);    /* log |Γ(x)| */
BP_API bp_var bp_floor(bp_var x);     /* derivative 0 */
BP_API bp_var bp_ceil(bp_var x);      /* derivative 0 */
BP_API bp_var bp_round(bp_var x);     /* halves to even; derivative 0 */
BP_API bp_var bp_heaviside(bp_var x); /* 1 for x >= 0, else 0; derivative 0 */

/* ---- elementwise, two or three arguments ---- */
BP_API bp_var bp_add(bp_var a, bp_var b);
BP_API bp_var bp_sub(bp_var a, bp_var b);
BP_API bp_var bp_mul(bp_var a, bp_var b);
BP_API bp_var bp_div(bp_var a, bp_var b);
BP_API bp_var bp_pow(bp_var a, bp_var b); /* aᵇ; 0⁰ = 1; for a <= 0 the derivative along b is 0 */
BP_API bp_var bp_atan2(bp_var y, bp_var x);
BP_API bp_var bp_max(bp_var a, bp_var b); /* ties: the whole cotangent goes to a */
BP_API bp_var bp_min(bp_var a, bp_var b); /* ties: the whole cotangent goes to a */
/* Comparisons give 1 or 0 in the arguments' element type; derivative 0. */
BP_API bp_var bp_equal(bp_var a, bp_var b);
BP_API bp_var bp_not_equal(bp_var a, bp_var b);
BP_API bp_var bp_less(bp_var a, bp_var b);
BP_API bp_var bp_less_equal(bp_var a, bp_var b);
BP_API bp_var bp_greater(bp_var a, bp_var b);
BP_API bp_var bp_greater_equal(bp_var a, bp_var b);
/* a where condition is not 0, else b. */
BP_API bp_var bp_where(bp_var condition, bp_var a, bp_var b);

/* ---- matrices ---- */
/* [m,k] · [k,n] → [m,n]. */
BP_API bp_var bp_matmul(bp_var a, bp_var b);
/* op(a) · op(b), each argument transposed first where asked; no transpose is stored. */
BP_API bp_var bp_matmul_t(bp_var a, bool transpose_a, bp_var b, bool transpose_b);

/* ---- reductions: the axes named disappear ---- */
BP_API bp_var bp_sum(bp_var x, unsigned axes);
BP_API bp_var bp_mean(bp_var x, unsigned axes);
BP_API bp_var bp_reduce_max(bp_var x, unsigned axes); /* ties share the cotangent equally */
BP_API bp_var bp_reduce_min(bp_var x, unsigned axes); /* ties share the cotangent equally */
/* log Σ exp(x) along the last axis, shifted by the maximum: finite for any finite x. */
BP_API bp_var bp_logsumexp(bp_var x);
/* exp(x) / Σ exp(x) along the last axis, shifted by the maximum. */
BP_API bp_var bp_softmax(bp_var x);
/* Elements along the axes, as a number: for BP_BATCH the size at run time. */
BP_API bp_var bp_axis_size(bp_var x, unsigned axes);

/* ---- shape ---- */
/* The same elements in another shape; a leading BP_BATCH stays where it is. */
BP_API bp_var bp_reshape(bp_var x, int rank, const int64_t *dims);
/* Repeats x to a shape, axes aligned at the end. */
BP_API bp_var bp_broadcast(bp_var x, int rank, const int64_t *dims);
/* Inserts an axis of size 1 before `axis` (0 .. rank; negative counts from the end: -1 appends one). */
BP_API bp_var bp_expand(bp_var x, int axis);
/* The axes of x in the order perm[rank]; perm NULL reverses them. */
BP_API bp_var bp_transpose(bp_var x, const int *perm);
/* Another element type. Differentiable between F32 and F64. */
BP_API bp_var bp_cast(bp_var x, bp_dtype dtype);

/* ---- rows and classes by number ---- */
/* table[index[r], …] for each r, in element type `dtype` (converted on the way): table [n, …] of any type, index [rows] of
 * I32 with values 0 .. n-1. The derivative with respect to the table adds the rows up. */
BP_API bp_var bp_gather(bp_var table, bp_var index, bp_dtype dtype);
/* Zeros [rows, …] with x[r, …] added at row index[r], in the order of r. */
BP_API bp_var bp_scatter_add(bp_var x, bp_var index, int64_t rows);
/* 1 where the class number equals the column, else 0: index [rows] of I32 → [rows, classes]. */
BP_API bp_var bp_one_hot(bp_var index, int64_t classes, bp_dtype dtype);
/* Categorical cross entropy from logits, per row: logsumexp(z) - z[class]. z [rows, classes], class [rows] of I32.
 * Its gradient is softmax(z) - one_hot(class). */
BP_API bp_var bp_softmax_cross_entropy(bp_var logits, bp_var classes);
/* The first column of the largest value along the last axis, as I32. */
BP_API bp_var bp_argmax(bp_var x);

/* ---- special ---- */
/* x, through which no derivative passes. */
BP_API bp_var bp_stop_gradient(bp_var x);
/* The root that stores `value` into the input `state` when a program has run. Give it to bp_compile() among the
 * outputs; it is an argument of nothing. Readers of `state` see the old value. */
BP_API bp_var bp_assign(bp_var state, bp_var value);

/* Remembers where a builder was called, for the message of an error. */
BP_API bp_var bp_at(bp_var var, const char *file, int line);

#ifndef BP_NO_LOCATIONS
#define BP_HERE_(x) bp_at((x), __FILE__, __LINE__)
#define bp_neg(x) bp_neg(BP_HERE_(x))
#define bp_abs(x) bp_abs(BP_HERE_(x))
#define bp_sign(x) bp_sign(BP_HERE_(x))
#define bp_square(x) bp_square(BP_HERE_(x))
#define bp_reciprocal(x) bp_reciprocal(BP_HERE_(x))
#define bp_sqrt(x) bp_sqrt(BP_HERE_(x))
#define bp_rsqrt(x) bp_rsqrt(BP_HERE_(x))
#define bp_exp(x) bp_exp(BP_HERE_(x))
#define bp_expm1(x) bp_expm1(BP_HERE_(x))
#define bp_log(x) bp_log(BP_HERE_(x))
#define bp_log1p(x) bp_log1p(BP_HERE_(x))
#define bp_log2(x) bp_log2(BP_HERE_(x))
#define bp_sin(x) bp_sin(BP_HERE_(x))
#define bp_cos(x) bp_cos(BP_HERE_(x))
#define bp_tan(x) bp_tan(BP_HERE_(x))
#define bp_asin(x) bp_asin(BP_HERE_(x))
#define bp_acos(x) bp_acos(BP_HERE_(x))
#define bp_atan(x) bp_atan(BP_HERE_(x))
#define bp_sinh(x) bp_sinh(BP_HERE_(x))
#define bp_cosh(x) bp_cosh(BP_HERE_(x))
#define bp_tanh(x) bp_tanh(BP_HERE_(x))
#define bp_sigmoid(x) bp_sigmoid(BP_HERE_(x))
#define bp_softplus(x) bp_softplus(BP_HERE_(x))
#define bp_relu(x) bp_relu(BP_HERE_(x))
#define bp_erf(x) bp_erf(BP_HERE_(x))
#define bp_erfc(x) bp_erfc(BP_HERE_(x))
#define bp_lgamma(x) bp_lgamma(BP_HERE_(x))
#define bp_floor(x) bp_floor(BP_HERE_(x))
#define bp_ceil(x) bp_ceil(BP_HERE_(x))
#define bp_round(x) bp_round(BP_HERE_(x))
#define bp_heaviside(x) bp_heaviside(BP_HERE_(x))
#define bp_add(a, b) bp_add(BP_HERE_(a), b)
#define bp_sub(a, b) bp_sub(BP_HERE_(a), b)
#define bp_mul(a, b) bp_mul(BP_HERE_(a), b)
#define bp_div(a, b) bp_div(BP_HERE_(a), b)
#define bp_pow(a, b) bp_pow(BP_HERE_(a), b)
#define bp_atan2(a, b) bp_atan2(BP_HERE_(a), b)
#define bp_max(a, b) bp_max(BP_HERE_(a), b)
#define bp_min(a, b) bp_min(BP_HERE_(a), b)
#define bp_equal(a, b) bp_equal(BP_HERE_(a), b)
#define bp_not_equal(a, b) bp_not_equal(BP_HERE_(a), b)
#define bp_less(a, b) bp_less(BP_HERE_(a), b)
#define bp_less_equal(a, b) bp_less_equal(BP_HERE_(a), b)
#define bp_greater(a, b) bp_greater(BP_HERE_(a), b)
#define bp_greater_equal(a, b) bp_greater_equal(BP_HERE_(a), b)
#define bp_where(c, a, b) bp_where(BP_HERE_(c), a, b)
#define bp_matmul(a, b) bp_matmul(BP_HERE_(a), b)
#define bp_matmul_t(a, ta, b, tb) bp_matmul_t(BP_HERE_(a), ta, b, tb)
#define bp_sum(x, axes) bp_sum(BP_HERE_(x), axes)
#define bp_mean(x, axes) bp_mean(BP_HERE_(x), axes)
#define bp_reduce_max(x, axes) bp_reduce_max(BP_HERE_(x), axes)
#define bp_reduce_min(x, axes) bp_reduce_min(BP_HERE_(x), axes)
#define bp_logsumexp(x) bp_logsumexp(BP_HERE_(x))
#define bp_softmax(x) bp_softmax(BP_HERE_(x))
#define bp_axis_size(x, axes) bp_axis_size(BP_HERE_(x), axes)
#define bp_reshape(x, ...) bp_reshape(BP_HERE_(x), __VA_ARGS__)
#define bp_broadcast(x, ...) bp_broadcast(BP_HERE_(x), __VA_ARGS__)
#define bp_expand(x, axis) bp_expand(BP_HERE_(x), axis)
#define bp_transpose(x, ...) bp_transpose(BP_HERE_(x), __VA_ARGS__)
#define bp_cast(x, dtype) bp_cast(BP_HERE_(x), dtype)
#define bp_gather(table, index, dtype) bp_gather(BP_HERE_(table), index, dtype)
#define bp_scatter_add(x, index, rows) bp_scatter_add(BP_HERE_(x), index, rows)
#define bp_one_hot(index, classes, dtype) bp_one_hot(BP_HERE_(index), classes, dtype)
#define bp_softmax_cross_entropy(z, c) bp_softmax_cross_entropy(BP_HERE_(z), c)
#define bp_argmax(x) bp_argmax(BP_HERE_(x))
#define bp_stop_gradient(x) bp_stop_gradient(BP_HERE_(x))
#define bp_assign(state, value) bp_assign(BP_HERE_(state), value)
#endif

#ifdef __cplusplus
}
#endif
#endif
