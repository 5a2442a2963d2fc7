/* support/graph_maker_steps.c - the calls that bytes choose from: tables of builders of one signature, and a function for each
 * of the others.
 */
#include <math.h>
#include <string.h>

#include "support/graph_maker.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- sizes, axes and values ---- */

static int64_t next_size(graph_maker *m) {
  static const int64_t tame[] = {1, 2, 3, 4, 5, 2, 3, 1, 7, 8, 2, 3, 1, 4, 6, 0};
  static const int64_t wild[] = {0,    -1, -2, INT64_MIN, INT64_MAX, INT64_MAX / 8, (int64_t)1 << 32, (int64_t)1 << 31,
                                 70000};
  unsigned b = next_byte(m->bytes);
  if (m->wild && !m->eager && b >= 240) return wild[b % COUNT(wild)];
  return tame[b % COUNT(tame)];
}

/* Sizes whose product is small, unless wild. */
static int next_dims(graph_maker *m, int64_t dims[BP_MAX_RANK + 2]) {
  unsigned b = next_byte(m->bytes);
  int rank = m->wild && b >= 250 ? (int)b % (BP_MAX_RANK + 3) - 1 : (int)b % 4;
  int64_t product = 1;
  for (int i = 0; i < rank; i++) {
    dims[i] = next_size(m);
    if (!m->wild && product * dims[i] > MAKER_ELEMENTS / MAKER_ROWS) dims[i] = 1;
    product *= m->wild ? 1 : dims[i];
  }
  if (rank > 0 && !m->eager && !m->nested && b % 16 >= 12) dims[0] = BP_BATCH;
  return rank;
}

/* Not the batch, unless wild. */
static int next_axis(graph_maker *m, bp_var v) {
  unsigned b = next_byte(m->bytes);
  int rank = bp_var_rank(v), free = rank - maker_has_batch(v);
  if (m->wild && b >= 240) return (int)b - 248;
  return free <= 0 ? 0 : b & 64 ? -1 - (int)b % free : rank - 1 - (int)b % free;
}

static double next_value(graph_maker *m) {
  static const double special[] = {0,    -0.0,   1,     -1,     0.5,  2,  3,        1e-3,
                                   1e10, 1e-300, 1e300, 5e-324, -2.5, 20, INFINITY, NAN};
  unsigned b = next_byte(m->bytes);
  return b < 32 ? special[b % COUNT(special)] : ((int)b - 140) / 48.0;
}

static void set_value(bp_dtype dtype, void *values, int64_t i, double value) {
  double bounded = fmin(fmax(value, -3), 100);
  if (dtype == BP_F32) ((float *)values)[i] = (float)value;
  if (dtype == BP_F64) ((double *)values)[i] = value;
  if (dtype == BP_I32) ((int32_t *)values)[i] = (int32_t)bounded;
  if (dtype == BP_U8) ((uint8_t *)values)[i] = (uint8_t)fabs(bounded);
}

/* A few values, over and over. */
static void fill(graph_maker *m, bp_dtype dtype, void *values) {
  double few[5];
  for (int i = 0; i < COUNT(few); i++) few[i] = next_value(m);
  for (int64_t i = 0; i < MAKER_ELEMENTS; i++)
    set_value(dtype, values, i, few[i % COUNT(few)] + (i < COUNT(few) ? 0 : 0.125 * (double)(i % 7)));
}

static bp_dtype next_dtype(graph_maker *m) {
  static const bp_dtype dtypes[] = {BP_F64, BP_F64, BP_F64, BP_F32, BP_F64, BP_F32, BP_I32, BP_U8};
  unsigned b = next_byte(m->bytes);
  if (m->wild && b >= 252) return (bp_dtype)(b % 7);
  return dtypes[b % COUNT(dtypes)];
}

static bp_dtype next_float(graph_maker *m) {
  bp_dtype dtype = next_dtype(m);
  return m->wild || dtype < BP_U8 ? dtype : BP_F64;
}

/* ---- variables ---- */

bool maker_has_batch(bp_var v) { return bp_var_rank(v) > 0 && bp_var_dim(v, 0) == BP_BATCH; }

static bool is_float(bp_var v) { return bp_var_dtype(v) == BP_F32 || bp_var_dtype(v) == BP_F64; }

bp_var maker_pick(graph_maker *m) {
  unsigned b = next_byte(m->bytes);
  if (m->wild && b >= 240) {
    const bp_var none[] = {{m->graph, 0}, {NULL, 0}, {m->graph, UINT32_MAX}, {m->graph, 100000}, m->stranger};
    return none[b % COUNT(none)];
  }
  return m->pool[m->n_pool - 1 - (int)b % m->n_pool];
}

bp_var maker_pick_float(graph_maker *m) {
  bp_var v = maker_pick(m);
  return m->wild || is_float(v) ? v : bp_cast(v, BP_F64);
}

/* With at least so many axes behind the batch, unless wild. */
static bp_var pick_ranked(graph_maker *m, int axes) {
  bp_var v = maker_pick_float(m);
  while (!m->wild && bp_var_rank(v) - maker_has_batch(v) < axes && bp_graph_status(m->graph) == BP_OK)
    v = bp_expand(v, -1);
  return v;
}

static bool broadcasts(bp_var a, bp_var b) {
  int m = bp_var_rank(a), n = bp_var_rank(b);
  for (int i = 1; i <= m && i <= n; i++) {
    int64_t x = bp_var_dim(a, -i), y = bp_var_dim(b, -i);
    if (x != y && x != 1 && y != 1) return false;
    if ((x == BP_BATCH || y == BP_BATCH) && (i < m || i < n)) return false;
  }
  return true;
}

/* b so that it goes with a. */
static bp_var fit(graph_maker *m, bp_var a, bp_var b) {
  if (m->wild) return b;
  if (bp_var_dtype(a) != bp_var_dtype(b)) b = bp_cast(b, bp_var_dtype(a));
  return broadcasts(a, b) ? b : bp_sum(b, BP_ALL_AXES);
}

bp_var maker_add_input(graph_maker *m) {
  int64_t dims[BP_MAX_RANK + 2] = {0};
  if (m->nested || m->n_inputs == MAKER_INPUTS) return (bp_var){m->graph, 0};
  bp_dtype dtype = next_dtype(m);
  int rank = next_dims(m, dims);
  int64_t product = 1;
  for (int i = 0; i < rank && i < BP_MAX_RANK; i++) product *= dims[i] < 0 || dims[i] > MAKER_ELEMENTS ? 1 : dims[i];
  double *values = m->values[m->n_inputs];
  fill(m, dtype, values);
  if (m->eager && product > MAKER_ELEMENTS) return (bp_var){m->graph, 0};
  bp_var v =
      m->eager ? bp_variable(m->graph, "in", dtype, rank, dims, values) : bp_input(m->graph, "in", dtype, rank, dims);
  if (bp_graph_status(m->graph) == BP_OK && maker_elements(v) <= MAKER_ELEMENTS) m->inputs[m->n_inputs++] = v;
  return maker_keep(m, v);
}

/* ---- builders of one signature ---- */

/* The elementwise ones come first. */
enum { ELEMENTWISE = 36 };
static bp_var (*const unary[])(bp_var) = {
    bp_neg,    bp_abs,     bp_sign,      bp_square,       bp_reciprocal, bp_sqrt,    bp_rsqrt,       bp_exp,
    bp_expm1,  bp_log,     bp_log1p,     bp_log2,         bp_log10,      bp_sin,     bp_cos,         bp_tan,
    bp_asin,   bp_acos,    bp_atan,      bp_sinh,         bp_cosh,       bp_tanh,    bp_asinh,       bp_acosh,
    bp_atanh,  bp_sigmoid, bp_softplus,  bp_relu,         bp_erf,        bp_erfc,    bp_lgamma,      bp_digamma,
    bp_floor,  bp_ceil,    bp_round,     bp_heaviside,    bp_logsumexp,  bp_softmax, bp_log_softmax, bp_argmax,
    bp_argmin, bp_diag,    bp_diag_part, bp_stop_gradient};

static bp_var (*const matrix[])(bp_var) = {bp_cholesky, bp_inverse, bp_logdet, bp_logdet_spd};

static bp_var (*const binary[])(bp_var, bp_var) = {
    bp_add, bp_sub,   bp_mul,       bp_div,  bp_mul,        bp_pow,     bp_atan2,         bp_max,
    bp_min, bp_equal, bp_not_equal, bp_less, bp_less_equal, bp_greater, bp_greater_equal, bp_add};

static bp_var (*const paired[])(bp_var, bp_var) = {bp_matmul, bp_dot, bp_outer, bp_solve, bp_softmax_cross_entropy};

static bp_var (*const reduction[])(bp_var, unsigned) = {bp_sum,  bp_mean, bp_reduce_max, bp_reduce_min,
                                                        bp_prod, bp_norm, bp_axis_size};

static bp_var polygamma(bp_var x, int order) { return bp_polygamma(order < 0 ? -order : order, x); }
static bp_var (*const along[])(bp_var, int) = {bp_cumsum, bp_flip, bp_expand, bp_tril, bp_triu, polygamma};

static void call_cross_entropy(graph_maker *m);

static void call_unary(graph_maker *m) {
  int which = next_below(m->bytes, COUNT(unary));
  bool elementwise = which < ELEMENTWISE;
  (void)maker_keep(m, unary[which](elementwise ? maker_pick_float(m) : pick_ranked(m, 2)));
}

/* Symmetric positive definite from any array: x xᵀ + 1. */
static bp_var definite(graph_maker *m, bp_var x) {
  if (m->wild) return x;
  if (bp_var_rank(x) == 0) x = bp_expand(x, 0);
  return bp_add(bp_outer(x, x),
                bp_diag(bp_add(bp_square(x), bp_cast(bp_scalar(m->graph, BP_F64, 1), bp_var_dtype(x)))));
}

static void call_matrix(graph_maker *m) {
  int which = next_below(m->bytes, COUNT(matrix));
  (void)maker_keep(m, matrix[which](definite(m, maker_pick_float(m))));
}

static void call_binary(graph_maker *m) {
  int which = next_below(m->bytes, COUNT(binary));
  bp_var a = maker_pick_float(m), b = fit(m, a, maker_pick_float(m));
  (void)maker_keep(m, binary[which](a, b));
}

static void call_paired(graph_maker *m) {
  int which = next_below(m->bytes, COUNT(paired));
  bp_var a = pick_ranked(m, 1), b = m->wild ? maker_pick(m) : a;
  if (!m->wild && which == 0) a = bp_outer(a, a), b = a;
  if (!m->wild && which == 3) a = definite(m, a);
  if (!m->wild && which == 4) return call_cross_entropy(m);
  (void)maker_keep(m, paired[which](a, b));
}

static void call_reduction(graph_maker *m) {
  int which = next_below(m->bytes, COUNT(reduction));
  bp_var x = maker_pick_float(m);
  unsigned b = next_byte(m->bytes);
  (void)maker_keep(m, reduction[which](x, b < 64               ? BP_ALL_AXES
                                          : b < 128            ? BP_LAST_AXIS
                                          : b < 192 || m->wild ? b & 15
                                                               : 1));
}

static void call_along(graph_maker *m) {
  int which = next_below(m->bytes, COUNT(along));
  bp_var x = pick_ranked(m, which < 2 ? 1 : 2);
  (void)maker_keep(m, along[which](x, next_axis(m, x)));
}

/* ---- the others ---- */

static void call_where(graph_maker *m) {
  bp_var a = maker_pick_float(m), b = fit(m, a, maker_pick_float(m));
  (void)maker_keep(m, bp_where(fit(m, a, maker_pick_float(m)), a, b));
}

static void call_clip(graph_maker *m) {
  bp_var x = maker_pick_float(m);
  double a = next_value(m), b = next_value(m);
  (void)maker_keep(m, m->wild ? bp_clip(x, a, b) : bp_clip(x, isnan(a) ? 0 : fmin(a, b), isnan(b) ? 1 : fmax(a, b)));
}

/* Whether op(a) · op(b) can be taken. */
static bool multiply(bp_var a, bool turn_a, bp_var b, bool turn_b) {
  int m = bp_var_rank(a), n = bp_var_rank(b);
  bool good = bp_var_dtype(a) == bp_var_dtype(b) && bp_var_dim(a, turn_a ? -2 : -1) == bp_var_dim(b, turn_b ? -1 : -2);
  for (int i = 3; i <= m || i <= n; i++) good &= m == n ? bp_var_dim(a, -i) == bp_var_dim(b, -i) : m == 2 || n == 2;
  return good;
}

/* What does not go with another goes with itself. */
static void call_matmul(graph_maker *m) {
  unsigned b = next_byte(m->bytes);
  bp_var x = pick_ranked(m, 2), y = pick_ranked(m, 2);
  bool left = b & 1, right = b & 2;
  if (!m->wild && !multiply(x, left, y, right)) y = x, right = !left;
  (void)maker_keep(m, bp_matmul_t(x, left, y, right));
}

static void call_solve_triangular(graph_maker *m) {
  unsigned b = next_byte(m->bytes);
  bp_var x = pick_ranked(m, 1);
  (void)maker_keep(m, bp_solve_triangular(definite(m, x), m->wild ? maker_pick(m) : x, b & 1, b & 2));
}

static void call_reshape(graph_maker *m) {
  int64_t dims[BP_MAX_RANK + 2] = {0};
  bp_var x = maker_pick(m);
  int rank = next_dims(m, dims);
  bool batch = maker_has_batch(x);
  if (!m->wild) {
    int64_t rest = maker_elements(x) / (batch ? MAKER_ROWS : 1);
    rank = 1 + batch;
    dims[0] = batch ? BP_BATCH : rest;
    if (batch) dims[1] = rest;
    if (rest % 2 == 0 && rest > 0) dims[rank - 1] /= 2, dims[rank++] = 2;
  }
  (void)maker_keep(m, bp_reshape(x, rank, dims));
}

static void call_broadcast(graph_maker *m) {
  int64_t dims[BP_MAX_RANK + 2] = {0};
  bp_var x = maker_pick(m);
  int rank = next_dims(m, dims);
  if (!m->wild && bp_var_rank(x) > 0) x = bp_sum(maker_pick_float(m), BP_ALL_AXES);
  (void)maker_keep(m, bp_broadcast(x, rank, dims));
}

static void call_transpose(graph_maker *m) {
  int perm[BP_MAX_RANK];
  bp_var x = maker_pick(m);
  unsigned b = next_byte(m->bytes);
  int rank = bp_var_rank(x), turn = rank > 0 ? (int)b % rank : 0;
  for (int i = 0; i < rank; i++) perm[i] = m->wild ? next_axis(m, x) : (i + turn) % rank;
  (void)maker_keep(m, bp_transpose(x, b < 64 ? NULL : perm));
}

static void call_slice(graph_maker *m) {
  static const int64_t ends[] = {BP_END, -BP_END, 0, 1, 2, -1, -2, 3, INT64_MIN, 4};
  bp_var x = pick_ranked(m, 1);
  int axis = next_axis(m, x);
  int64_t start = ends[next_below(m->bytes, COUNT(ends))], stop = ends[next_below(m->bytes, COUNT(ends))];
  int64_t step = m->wild ? ends[next_below(m->bytes, COUNT(ends))] : 1 + next_below(m->bytes, 3);
  (void)maker_keep(m, bp_slice(x, axis, start, stop, step));
}

static void call_pad(graph_maker *m) {
  bp_var x = pick_ranked(m, 1);
  int axis = next_axis(m, x);
  int64_t before = next_size(m), after = next_size(m);
  (void)maker_keep(m, bp_pad(x, axis, before, after, next_value(m)));
}

static void call_concat(graph_maker *m) {
  unsigned b = next_byte(m->bytes);
  bp_var xs[3] = {pick_ranked(m, 1)};
  size_t n = 1 + b % 3;
  for (size_t i = 1; i < n; i++) xs[i] = m->wild ? maker_pick_float(m) : b & 8 ? bp_square(xs[i - 1]) : xs[0];
  int axis = next_axis(m, xs[0]);
  if (m->wild && b == 255) n = 0;
  (void)maker_keep(m, b & 16 ? bp_stack(xs, n, axis) : bp_concat(xs, n, axis));
}

static void call_cast(graph_maker *m) {
  bp_var x = maker_pick(m);
  (void)maker_keep(m, bp_cast(x, next_dtype(m)));
}

static bp_var next_index(graph_maker *m, int64_t below) {
  int32_t rows[4];
  unsigned b = next_byte(m->bytes);
  if (m->wild && b >= 200) return maker_pick(m);
  int64_t n = b % 4 + 1;
  for (int i = 0; i < 4; i++) {
    int32_t row = (int32_t)next_byte(m->bytes);
    rows[i] = m->wild && row >= 250 ? row - 252 : below > 0 ? row % (int32_t)below : 0;
  }
  return bp_constant(m->graph, BP_I32, 1, &n, rows);
}

static void call_gather(graph_maker *m) {
  bp_var x = maker_pick(m);
  if (!m->wild && (bp_var_rank(x) == 0 || maker_has_batch(x)))
    x = bp_expand(bp_sum(maker_pick_float(m), BP_ALL_AXES), 0);
  int64_t size = bp_var_rank(x) > 0 && bp_var_dim(x, 0) < 100 ? bp_var_dim(x, 0) : 1;
  (void)maker_keep(m, bp_gather(x, next_index(m, size), is_float(x) ? bp_var_dtype(x) : next_float(m)));
}

static void call_one_hot(graph_maker *m) {
  bp_var index = next_index(m, 4);
  (void)maker_keep(m, bp_one_hot(index, m->wild ? next_size(m) : 4, next_float(m)));
}

static void call_scatter_add(graph_maker *m) {
  static const int32_t first[4] = {0, 0, 0, 0};
  bp_var x = pick_ranked(m, 1), index = next_index(m, 5);
  int64_t n = bp_var_dim(index, 0);
  if (!m->wild && maker_has_batch(x)) x = bp_expand(bp_sum(x, BP_ALL_AXES), 0);
  if (!m->wild) x = bp_gather(x, bp_constant(m->graph, BP_I32, 1, &n, first), bp_var_dtype(x));
  (void)maker_keep(m, bp_scatter_add(x, index, m->wild ? next_size(m) : 5));
}

static void call_cross_entropy(graph_maker *m) {
  bp_var x = pick_ranked(m, 1), classes = next_index(m, 2);
  int64_t dims[] = {bp_var_dim(classes, 0), 2};
  if (!m->wild) x = bp_mul(bp_broadcast(bp_mean(x, BP_ALL_AXES), 2, dims), bp_one_hot(classes, 2, bp_var_dtype(x)));
  (void)maker_keep(m, bp_softmax_cross_entropy(x, classes));
}

static void call_uniform(graph_maker *m) {
  int64_t dims[BP_MAX_RANK + 2] = {0};
  bp_var step = bp_scalar(m->graph, BP_F64, m->wild ? next_value(m) : 3);
  unsigned b = next_byte(m->bytes);
  bp_dtype dtype = next_float(m);
  int rank = next_dims(m, dims);
  if (!m->wild && rank > 0 && dims[0] == BP_BATCH) dims[0] = MAKER_ROWS;
  (void)maker_keep(m, bp_uniform(step, b, b, dtype, rank, dims));
}

static void call_leaf(graph_maker *m) {
  int64_t dims[BP_MAX_RANK + 2] = {2, 3};
  double values[MAKER_ELEMENTS];
  unsigned b = next_byte(m->bytes);
  bp_dtype dtype = next_float(m);
  if (b % 4 == 0) {
    (void)maker_keep(m, bp_scalar(m->graph, dtype, next_value(m)));
  } else if (b % 4 == 1) {
    fill(m, dtype, values);
    (void)maker_keep(m, bp_constant(m->graph, dtype, (int)(b / 4 % 3), dims, values));
  } else {
    (void)maker_add_input(m);
  }
}

static void (*const calls[])(graph_maker *) = {call_unary,     call_unary,       call_unary,     call_binary,
                                               call_binary,    call_binary,      call_reduction, call_reduction,
                                               call_matrix,    call_paired,      call_along,     call_where,
                                               call_clip,      call_matmul,      call_matmul,    call_solve_triangular,
                                               call_reshape,   call_slice,       call_pad,       call_concat,
                                               call_broadcast, call_transpose,   call_cast,      call_gather,
                                               call_one_hot,   call_scatter_add, call_uniform,   call_leaf,
                                               call_leaf,      maker_cond,       maker_scan,     maker_while,
                                               call_along,     call_unary};

void maker_step(graph_maker *m) { calls[next_below(m->bytes, COUNT(calls))](m); }
