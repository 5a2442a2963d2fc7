/* backprop/ops.h - the operations: each appends a node to the graph of its arguments and gives back its variable.
 *
 * Elementwise operations of two or three arguments broadcast: shapes are aligned at their last axes, and a size of 1 or a
 * missing leading axis is repeated. All arguments must have one element type (bp_cast changes it) and one graph.
 * Derivatives at kinks and edges are one documented value each, and NaN for NaN. On a recorded error the result is the null
 * variable.
 *
 * |x| and norms have no derivative at 0, but their even functions have. So bp_square(), bp_pow() with an even exponent, bp_cos()
 * and bp_cosh() of them, and products of two that are alike, are built from x: ‖x‖² as Σ x², also with factors between, (‖x‖ / l)².
 * The square root of a square is built as |x|, that of a sum of squares as a norm. What was passed by is no variable to
 * differentiate with respect to (BP_E_ARG); bp_add() of 0 keeps it.
 *
 * Sets of axes are bit masks: BP_AXIS(0) | BP_AXIS(2), BP_LAST_AXIS, BP_ALL_AXES.
 */
#ifndef BACKPROP_OPS_H
#define BACKPROP_OPS_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_AXIS(i)   (1u << (i))
#define BP_LAST_AXIS (1u << 31)
#define BP_ALL_AXES  0xffu

/* ---- elementwise, one argument ---- */
BP_API bp_var bp_neg(bp_var x);        /* -x */
BP_API bp_var bp_abs(bp_var x);        /* |x|; derivative sign(x), 0 at 0 of every order */
BP_API bp_var bp_sign(bp_var x);       /* -1, 0 or 1; derivative 0 */
BP_API bp_var bp_square(bp_var x);     /* x² */
BP_API bp_var bp_reciprocal(bp_var x); /* 1 / x */
BP_API bp_var bp_sqrt(bp_var x);       /* derivative +inf at 0, NaN below */
BP_API bp_var bp_rsqrt(bp_var x);      /* 1 / sqrt(x); +inf at 0 */
BP_API bp_var bp_exp(bp_var x);
BP_API bp_var bp_expm1(bp_var x); /* exp(x) - 1 */
BP_API bp_var bp_log(bp_var x);   /* -inf at 0, NaN below; derivative 1 / x */
BP_API bp_var bp_log1p(bp_var x); /* log(1 + x) */
BP_API bp_var bp_log2(bp_var x);
BP_API bp_var bp_log10(bp_var x);
BP_API bp_var bp_sin(bp_var x);
BP_API bp_var bp_cos(bp_var x);
BP_API bp_var bp_tan(bp_var x);
BP_API bp_var bp_asin(bp_var x);
BP_API bp_var bp_acos(bp_var x);
BP_API bp_var bp_atan(bp_var x);
BP_API bp_var bp_sinh(bp_var x);
BP_API bp_var bp_cosh(bp_var x);
BP_API bp_var bp_tanh(bp_var x);
BP_API bp_var bp_asinh(bp_var x);
BP_API bp_var bp_acosh(bp_var x);    /* NaN below 1; derivative +inf at 1 */
BP_API bp_var bp_atanh(bp_var x);    /* ±inf at ±1, NaN beyond */
BP_API bp_var bp_sigmoid(bp_var x);  /* σ(x) = 1 / (1 + exp(-x)) */
BP_API bp_var bp_softplus(bp_var x); /* ζ(x) = log(1 + exp(x)) */
BP_API bp_var bp_relu(bp_var x);     /* max(x, 0); derivative 0 at 0 */
BP_API bp_var bp_erf(bp_var x);
BP_API bp_var bp_erfc(bp_var x);    /* 1 - erf(x) */
BP_API bp_var bp_lgamma(bp_var x);  /* log |Γ(x)|; +inf at 0, -1, -2, …; derivative ψ(x) */
BP_API bp_var bp_digamma(bp_var x); /* ψ(x), the derivative of log |Γ(x)|; ∓inf at ±0, NaN at -1, -2, … */
/* The derivative of ψ of this order, 0 to 64. Poles: +inf at 0, -1, -2, … for odd orders; ∓inf at ±0 and NaN at -1, -2, …
 * for even ones. */
BP_API bp_var bp_polygamma(int order, bp_var x);
BP_API bp_var bp_floor(bp_var x);     /* derivative 0 */
BP_API bp_var bp_ceil(bp_var x);      /* derivative 0 */
BP_API bp_var bp_round(bp_var x);     /* halves to even; derivative 0 */
BP_API bp_var bp_heaviside(bp_var x); /* 1 for x >= 0, else 0; derivative 0 */

/* ---- elementwise, two or three arguments ---- */
BP_API bp_var bp_add(bp_var a, bp_var b);
BP_API bp_var bp_sub(bp_var a, bp_var b);
BP_API bp_var bp_mul(bp_var a, bp_var b);
BP_API bp_var bp_div(bp_var a, bp_var b);
BP_API bp_var bp_pow(bp_var a, bp_var b);   /* aᵇ; 0⁰ = 1; for a <= 0 the derivative along b is 0 of every order */
BP_API bp_var bp_atan2(bp_var y, bp_var x); /* derivative 0 of every order at the origin */
BP_API bp_var bp_max(bp_var a, bp_var b);   /* ties share the cotangent equally */
BP_API bp_var bp_min(bp_var a, bp_var b);   /* ties share the cotangent equally */
/* Comparisons give 1 or 0 in the arguments' element type; derivative 0. */
BP_API bp_var bp_equal(bp_var a, bp_var b);
BP_API bp_var bp_not_equal(bp_var a, bp_var b);
BP_API bp_var bp_less(bp_var a, bp_var b);
BP_API bp_var bp_less_equal(bp_var a, bp_var b);
BP_API bp_var bp_greater(bp_var a, bp_var b);
BP_API bp_var bp_greater_equal(bp_var a, bp_var b);
/* a where condition is not 0 (NaN counts as not 0), else b. What is not chosen has no effect on the value, and none, not even a
 * NaN, on a derivative: see autodiff.h. */
BP_API bp_var bp_where(bp_var condition, bp_var a, bp_var b);
/* min(max(x, low), high); derivative 1 from low to high, both included, else 0. BP_E_ARG unless low <= high. */
BP_API bp_var bp_clip(bp_var x, double low, double high);

/* ---- matrices: [m,n] stands for the last two axes; leading axes are stacks of matrices, equal on both sides or absent
 * on one, which is then used for every matrix of the other ---- */
/* [m,k] · [k,n] → [m,n]. */
BP_API bp_var bp_matmul(bp_var a, bp_var b);
/* op(a) · op(b), each argument transposed first where asked; no transpose is stored. */
BP_API bp_var bp_matmul_t(bp_var a, bool transpose_a, bp_var b, bool transpose_b);
/* Σ a b along the last axis, shapes equal: [.., n] · [.., n] → [..]. */
BP_API bp_var bp_dot(bp_var a, bp_var b);
/* a[i] b[j]: [.., m], [.., n] → [.., m, n]; leading axes equal. */
BP_API bp_var bp_outer(bp_var a, bp_var b);
/* [.., n] → [.., n, n], zero off the diagonal; and the diagonal of [.., m, n], of min(m, n) elements. */
BP_API bp_var bp_diag(bp_var x);
BP_API bp_var bp_diag_part(bp_var x);
/* x with zeros above (tril) or below (triu) a diagonal: 0 the main one, 1 the one above it, -1 the one below. */
BP_API bp_var bp_tril(bp_var x, int diagonal);
BP_API bp_var bp_triu(bp_var x, int diagonal);
/* The lower triangular L with L Lᵀ = a; reads only the lower triangle of a, and so has no derivative along the upper one.
 * Where a is not positive definite the lower triangle is all NaN; above it are zeros as always. */
BP_API bp_var bp_cholesky(bp_var a);
/* x with op(l) x = b, op the transpose where asked; reads only the lower (or upper) triangle of l. b is [n,m], or [n] with
 * one axis less than l. Elements whose computation divides by a 0 on the diagonal are infinite or NaN. */
BP_API bp_var bp_solve_triangular(bp_var l, bp_var b, bool lower, bool transposed);
/* x with a x = b, by LU factors with row exchanges; b as above. Where a pivot is 0, so that a is singular, elements of x are
 * infinite or NaN, though not always all of them. A singular a whose pivots are rounded to other numbers is not noticed. */
BP_API bp_var bp_solve(bp_var a, bp_var b);
/* x with a x = 1: as bp_solve(). */
BP_API bp_var bp_inverse(bp_var a);
/* log |det a| of [.., n, n] by LU factors; -inf where a pivot is 0. Its derivative is the inverse, transposed. */
BP_API bp_var bp_logdet(bp_var a);
/* The same for a symmetric positive definite a through its Cholesky factor: reads only the lower triangle; NaN where a is
 * not positive definite. */
BP_API bp_var bp_logdet_spd(bp_var a);

/* ---- reductions: the axes named disappear ---- */
BP_API bp_var bp_sum(bp_var x, unsigned axes);
BP_API bp_var bp_mean(bp_var x, unsigned axes);
BP_API bp_var bp_reduce_max(bp_var x, unsigned axes); /* ties share the cotangent equally */
BP_API bp_var bp_reduce_min(bp_var x, unsigned axes); /* ties share the cotangent equally */
/* Π x; every order of derivative is exact where factors are 0. The batch axis cannot be multiplied away. */
BP_API bp_var bp_prod(bp_var x, unsigned axes);
/* sqrt(Σ x²), without overflow or underflow on the way; derivative x / norm, and 0 where the norm is 0; that
 * of second order is NaN there, since there is none. */
BP_API bp_var bp_norm(bp_var x, unsigned axes);
/* log Σ exp(x) along the last axis, shifted by the maximum: finite for any finite x. */
BP_API bp_var bp_logsumexp(bp_var x);
/* exp(x) / Σ exp(x) along the last axis, shifted by the maximum; and x - logsumexp(x), its logarithm. */
BP_API bp_var bp_softmax(bp_var x);
BP_API bp_var bp_log_softmax(bp_var x);
/* Running sums along an axis: y[i] = x[0] + … + x[i], added in this order. */
BP_API bp_var bp_cumsum(bp_var x, int axis);
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
/* Elements start, start + step, … of one axis that come before stop (after it, for a negative step). As in Python, negative
 * start and stop count from the end, and both are clipped to the axis; BP_END is beyond the last element, -BP_END before
 * the first. The batch axis can only be taken whole. */
BP_API bp_var bp_slice(bp_var x, int axis, int64_t start, int64_t stop, int64_t step);
#define BP_END INT64_MAX
/* The axis backwards. */
BP_API bp_var bp_flip(bp_var x, int axis);
/* Longer along an axis by `before` and `after` elements of this value. Not along the batch axis. */
BP_API bp_var bp_pad(bp_var x, int axis, int64_t before, int64_t after, double value);
/* n >= 1 arrays one after the other along an axis that they have; the other sizes are equal. Not along the batch axis. */
BP_API bp_var bp_concat(const bp_var *xs, size_t n, int axis);
/* n >= 1 arrays of one shape along a new axis, inserted before `axis` as bp_expand() does. */
BP_API bp_var bp_stack(const bp_var *xs, size_t n, int axis);
/* Another element type. Differentiable between F32 and F64. */
BP_API bp_var bp_cast(bp_var x, bp_dtype dtype);

/* ---- rows and classes by number ---- */
/* Numbers are checked before a program runs, so they must be given: an input or a constant, not the result of bp_argmax(). */
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
/* The first column of the largest (smallest) value along the last axis, as I32; a NaN is taken before any number. */
BP_API bp_var bp_argmax(bp_var x);
BP_API bp_var bp_argmin(bp_var x);

/* ---- random numbers ---- */
/* Numbers uniform in [0, 1) in a shape, 24 bits each in float32 and 53 in float64: element i (counted row by row) is a pure function
 * of (seed, stream, the value of `step`, i), by Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, 2011). So they depend neither on
 * threads nor on how rows are cut, and a new step gives new ones. step: F64 of rank 0, a whole number from 0. Streams keep
 * several uses of one seed apart. Derivative 0. */
BP_API bp_var bp_uniform(bp_var step, uint64_t seed, uint32_t stream, bp_dtype dtype, int rank, const int64_t *dims);

/* ---- special ---- */
/* x, through which no derivative passes. */
BP_API bp_var bp_stop_gradient(bp_var x);
/* The root that stores `value` into the input `state` when a program has run. Give it to bp_compile() among the
 * outputs; it is an argument of nothing. Readers of `state` see the old value. */
BP_API bp_var bp_assign(bp_var state, bp_var value);

/* Remembers where a builder was called, for the message of an error. */
BP_API bp_var bp_at(bp_var var, const char *file, int line);

#ifndef BP_NO_LOCATIONS
/* The other arguments may be compound literals, commas and all. */
#define BP_HERE_(x)                      bp_at((x), __FILE__, __LINE__)
#define bp_neg(x)                        bp_neg(BP_HERE_(x))
#define bp_abs(x)                        bp_abs(BP_HERE_(x))
#define bp_sign(x)                       bp_sign(BP_HERE_(x))
#define bp_square(x)                     bp_square(BP_HERE_(x))
#define bp_reciprocal(x)                 bp_reciprocal(BP_HERE_(x))
#define bp_sqrt(x)                       bp_sqrt(BP_HERE_(x))
#define bp_rsqrt(x)                      bp_rsqrt(BP_HERE_(x))
#define bp_exp(x)                        bp_exp(BP_HERE_(x))
#define bp_expm1(x)                      bp_expm1(BP_HERE_(x))
#define bp_log(x)                        bp_log(BP_HERE_(x))
#define bp_log1p(x)                      bp_log1p(BP_HERE_(x))
#define bp_log2(x)                       bp_log2(BP_HERE_(x))
#define bp_sin(x)                        bp_sin(BP_HERE_(x))
#define bp_cos(x)                        bp_cos(BP_HERE_(x))
#define bp_tan(x)                        bp_tan(BP_HERE_(x))
#define bp_asin(x)                       bp_asin(BP_HERE_(x))
#define bp_acos(x)                       bp_acos(BP_HERE_(x))
#define bp_atan(x)                       bp_atan(BP_HERE_(x))
#define bp_sinh(x)                       bp_sinh(BP_HERE_(x))
#define bp_cosh(x)                       bp_cosh(BP_HERE_(x))
#define bp_tanh(x)                       bp_tanh(BP_HERE_(x))
#define bp_sigmoid(x)                    bp_sigmoid(BP_HERE_(x))
#define bp_softplus(x)                   bp_softplus(BP_HERE_(x))
#define bp_relu(x)                       bp_relu(BP_HERE_(x))
#define bp_erf(x)                        bp_erf(BP_HERE_(x))
#define bp_erfc(x)                       bp_erfc(BP_HERE_(x))
#define bp_lgamma(x)                     bp_lgamma(BP_HERE_(x))
#define bp_floor(x)                      bp_floor(BP_HERE_(x))
#define bp_ceil(x)                       bp_ceil(BP_HERE_(x))
#define bp_round(x)                      bp_round(BP_HERE_(x))
#define bp_heaviside(x)                  bp_heaviside(BP_HERE_(x))
#define bp_add(x, ...)                   bp_add(BP_HERE_(x), __VA_ARGS__)
#define bp_sub(x, ...)                   bp_sub(BP_HERE_(x), __VA_ARGS__)
#define bp_mul(x, ...)                   bp_mul(BP_HERE_(x), __VA_ARGS__)
#define bp_div(x, ...)                   bp_div(BP_HERE_(x), __VA_ARGS__)
#define bp_pow(x, ...)                   bp_pow(BP_HERE_(x), __VA_ARGS__)
#define bp_atan2(x, ...)                 bp_atan2(BP_HERE_(x), __VA_ARGS__)
#define bp_max(x, ...)                   bp_max(BP_HERE_(x), __VA_ARGS__)
#define bp_min(x, ...)                   bp_min(BP_HERE_(x), __VA_ARGS__)
#define bp_equal(x, ...)                 bp_equal(BP_HERE_(x), __VA_ARGS__)
#define bp_not_equal(x, ...)             bp_not_equal(BP_HERE_(x), __VA_ARGS__)
#define bp_less(x, ...)                  bp_less(BP_HERE_(x), __VA_ARGS__)
#define bp_less_equal(x, ...)            bp_less_equal(BP_HERE_(x), __VA_ARGS__)
#define bp_greater(x, ...)               bp_greater(BP_HERE_(x), __VA_ARGS__)
#define bp_greater_equal(x, ...)         bp_greater_equal(BP_HERE_(x), __VA_ARGS__)
#define bp_where(x, ...)                 bp_where(BP_HERE_(x), __VA_ARGS__)
#define bp_matmul(x, ...)                bp_matmul(BP_HERE_(x), __VA_ARGS__)
#define bp_matmul_t(x, ...)              bp_matmul_t(BP_HERE_(x), __VA_ARGS__)
#define bp_sum(x, ...)                   bp_sum(BP_HERE_(x), __VA_ARGS__)
#define bp_mean(x, ...)                  bp_mean(BP_HERE_(x), __VA_ARGS__)
#define bp_reduce_max(x, ...)            bp_reduce_max(BP_HERE_(x), __VA_ARGS__)
#define bp_reduce_min(x, ...)            bp_reduce_min(BP_HERE_(x), __VA_ARGS__)
#define bp_logsumexp(x)                  bp_logsumexp(BP_HERE_(x))
#define bp_softmax(x)                    bp_softmax(BP_HERE_(x))
#define bp_axis_size(x, ...)             bp_axis_size(BP_HERE_(x), __VA_ARGS__)
#define bp_uniform(x, ...)               bp_uniform(BP_HERE_(x), __VA_ARGS__)
#define bp_reshape(x, ...)               bp_reshape(BP_HERE_(x), __VA_ARGS__)
#define bp_broadcast(x, ...)             bp_broadcast(BP_HERE_(x), __VA_ARGS__)
#define bp_expand(x, ...)                bp_expand(BP_HERE_(x), __VA_ARGS__)
#define bp_transpose(x, ...)             bp_transpose(BP_HERE_(x), __VA_ARGS__)
#define bp_cast(x, ...)                  bp_cast(BP_HERE_(x), __VA_ARGS__)
#define bp_gather(x, ...)                bp_gather(BP_HERE_(x), __VA_ARGS__)
#define bp_scatter_add(x, ...)           bp_scatter_add(BP_HERE_(x), __VA_ARGS__)
#define bp_one_hot(x, ...)               bp_one_hot(BP_HERE_(x), __VA_ARGS__)
#define bp_softmax_cross_entropy(x, ...) bp_softmax_cross_entropy(BP_HERE_(x), __VA_ARGS__)
#define bp_argmax(x)                     bp_argmax(BP_HERE_(x))
#define bp_stop_gradient(x)              bp_stop_gradient(BP_HERE_(x))
#define bp_assign(x, ...)                bp_assign(BP_HERE_(x), __VA_ARGS__)
#define bp_dot(x, ...)                   bp_dot(BP_HERE_(x), __VA_ARGS__)
#define bp_outer(x, ...)                 bp_outer(BP_HERE_(x), __VA_ARGS__)
#define bp_diag_part(x)                  bp_diag_part(BP_HERE_(x))
#define bp_cholesky(x)                   bp_cholesky(BP_HERE_(x))
#define bp_solve_triangular(x, ...)      bp_solve_triangular(BP_HERE_(x), __VA_ARGS__)
#define bp_solve(x, ...)                 bp_solve(BP_HERE_(x), __VA_ARGS__)
#define bp_slice(x, ...)                 bp_slice(BP_HERE_(x), __VA_ARGS__)
#define bp_pad(x, ...)                   bp_pad(BP_HERE_(x), __VA_ARGS__)
#define bp_log10(x)                      bp_log10(BP_HERE_(x))
#define bp_asinh(x)                      bp_asinh(BP_HERE_(x))
#define bp_acosh(x)                      bp_acosh(BP_HERE_(x))
#define bp_atanh(x)                      bp_atanh(BP_HERE_(x))
#define bp_digamma(x)                    bp_digamma(BP_HERE_(x))
#define bp_diag(x)                       bp_diag(BP_HERE_(x))
#define bp_inverse(x)                    bp_inverse(BP_HERE_(x))
#define bp_logdet(x)                     bp_logdet(BP_HERE_(x))
#define bp_logdet_spd(x)                 bp_logdet_spd(BP_HERE_(x))
#define bp_log_softmax(x)                bp_log_softmax(BP_HERE_(x))
#define bp_argmin(x)                     bp_argmin(BP_HERE_(x))
#define bp_clip(x, ...)                  bp_clip(BP_HERE_(x), __VA_ARGS__)
#define bp_tril(x, ...)                  bp_tril(BP_HERE_(x), __VA_ARGS__)
#define bp_triu(x, ...)                  bp_triu(BP_HERE_(x), __VA_ARGS__)
#define bp_prod(x, ...)                  bp_prod(BP_HERE_(x), __VA_ARGS__)
#define bp_norm(x, ...)                  bp_norm(BP_HERE_(x), __VA_ARGS__)
#define bp_cumsum(x, ...)                bp_cumsum(BP_HERE_(x), __VA_ARGS__)
#define bp_flip(x, ...)                  bp_flip(BP_HERE_(x), __VA_ARGS__)
#define bp_polygamma(order, x)           bp_polygamma((order), BP_HERE_(x))
#endif

#ifdef __cplusplus
}
#endif
#endif
