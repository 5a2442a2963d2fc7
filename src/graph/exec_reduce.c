/* exec_reduce.c - operations that take axes away, and sums along one. Floor: graph. */
#include <string.h>

#include "graph/exec_table.h"

void bp_exec_axis_size(const bp_exec *e, int64_t row0, int64_t row1) {
  (void)row0, (void)row1;
  double count = 1;
  for (int i = 0; i < e->arg[0].shape.rank; i++)
    if ((e->node.attr.bits & BP_AXIS(i)) != 0) count *= (double)e->arg[0].shape.dims[i];
  bp_fill(e->out, real_of((bp_dtype)e->node.dtype), count, 1);
}

/* The axes reduced stand side by side (the builders see to it): the argument is [outer, reduce, inner]. */
static void exec_reduce(const bp_exec *e, int64_t row0, int64_t row1, bp_reduce_fn reduce_fn) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  const bp_shape *s = &e->arg[0].shape;
  int axis = 0;
  int64_t outer = 1, reduce = 1, inner = 1;
  for (; (e->node.attr.bits & BP_AXIS(axis)) == 0; axis++) outer *= s->dims[axis];
  for (; axis < s->rank && (e->node.attr.bits & BP_AXIS(axis)) != 0; axis++) reduce *= s->dims[axis];
  for (; axis < s->rank; axis++) inner *= s->dims[axis];
  bp_reduce r = {.outer_stride = reduce * inner, .reduce_stride = inner, .out_stride = inner, .reduce = reduce};
  int64_t row = bp_shape_row(&e->shape);
  if ((e->node.attr.bits & BP_AXIS(0)) != 0) { /* rows of the result are columns of the argument */
    r.outer = 1;
    r.inner = (row1 - row0) * row;
    r.in = at_const(e->arg[0].data, t, row0 * row);
  } else { /* each row of the result comes from the same row of the argument */
    int64_t outer_row = s->dims[0] > 0 ? outer / s->dims[0] : 0;
    r.outer = (row1 - row0) * outer_row;
    r.inner = inner;
    r.in = at_const(e->arg[0].data, t, row0 * outer_row * reduce * inner);
  }
  r.out = at(e->out, t, row0 * row);
  reduce_fn(&r);
}

static bp_reduce_fn kernel_of(const bp_exec *e, bp_reduce_op op) {
  return e->kernels->reduce[real_of((bp_dtype)e->node.dtype)][op];
}
void bp_exec_sum(const bp_exec *e, int64_t a, int64_t b) { exec_reduce(e, a, b, kernel_of(e, BP_REDUCE_SUM)); }
void bp_exec_reduce_max(const bp_exec *e, int64_t a, int64_t b) { exec_reduce(e, a, b, kernel_of(e, BP_REDUCE_MAX)); }
void bp_exec_reduce_min(const bp_exec *e, int64_t a, int64_t b) { exec_reduce(e, a, b, kernel_of(e, BP_REDUCE_MIN)); }

void bp_exec_norm(const bp_exec *e, int64_t a, int64_t b) {
  exec_reduce(e, a, b, e->kernels->norm[real_of((bp_dtype)e->node.dtype)]);
}

/* Sums along the leading axis are one chain through all rows: rows are not cut then. */
void bp_exec_cumsum(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int axis = e->node.axis;
  int64_t outer = 1, inner = 1, n = e->shape.dims[axis], first;
  for (int i = 1; i < axis; i++) outer *= e->shape.dims[i];
  for (int i = axis + 1; i < e->shape.rank; i++) inner *= e->shape.dims[i];
  first = axis == 0 ? 0 : row0 * outer * n * inner;
  outer = axis == 0 ? 1 : (row1 - row0) * outer;
  e->kernels->cumsum[real_of(t)](at(e->out, t, first), at_const(e->arg[0].data, t, first), outer, n, inner,
                                 e->node.attr.bits != 0);
}

void bp_exec_logsumexp(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape), columns = e->arg[0].shape.dims[e->arg[0].shape.rank - 1];
  e->kernels->logsumexp[real_of(t)](at(e->out, t, row0 * row), at_const(e->arg[0].data, t, row0 * row * columns),
                                    (row1 - row0) * row, columns);
}

/* Rows of logits at a time. */
enum { SHIFTED_ROWS = 16 };

/* In place on `rows` rows: z ← z - top. */
#define SHIFT(real, z, top, rows, columns)                                                                             \
  for (int64_t r = 0; r < (rows); r++)                                                                                 \
    for (int64_t c = 0; c < (columns); c++) ((real *)(z))[r * (columns) + c] -= ((const real *)(top))[r];
/* loss ← loss - z[class] */
#define SUBTRACT_CLASS(real, loss, z, classes, rows, columns)                                                          \
  for (int64_t r = 0; r < (rows); r++) ((real *)(loss))[r] -= ((const real *)(z))[r * (columns) + (classes)[r]];

/* logsumexp(z) - z[class] of z - max(z): beside large logits the sum's part would be rounded away. */
void bp_exec_softmax_cross_entropy(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t columns = e->arg[0].shape.dims[1];
  for (int64_t row = row0; row < row1; row += SHIFTED_ROWS) {
    int64_t rows = row1 - row < SHIFTED_ROWS ? row1 - row : SHIFTED_ROWS;
    const void *z = at_const(e->arg[0].data, t, row * columns);
    const int32_t *classes = (const int32_t *)e->arg[1].data + row;
    void *loss = at(e->out, t, row), *shifted = e->scratch;
    e->kernels->reduce[real_of(t)][BP_REDUCE_MAX](&(bp_reduce){.outer = rows,
                                                               .reduce = columns,
                                                               .inner = 1,
                                                               .outer_stride = columns,
                                                               .reduce_stride = 1,
                                                               .out_stride = 1,
                                                               .in = z,
                                                               .out = loss});
    memcpy(shifted, z, (size_t)(rows * columns) * bp_dtype_size(t));
    if (t == BP_F64) {
      SHIFT(double, shifted, loss, rows, columns)
    } else {
      SHIFT(float, shifted, loss, rows, columns)
    }
    e->kernels->logsumexp[real_of(t)](loss, shifted, rows, columns);
    if (t == BP_F64) {
      SUBTRACT_CLASS(double, loss, shifted, classes, rows, columns)
    } else {
      SUBTRACT_CLASS(float, loss, shifted, classes, rows, columns)
    }
  }
}

size_t bp_softmax_scratch(const bp_exec *e, int64_t rows) {
  return (size_t)((rows < SHIFTED_ROWS ? rows : SHIFTED_ROWS) * e->arg[0].shape.dims[1]) *
         bp_dtype_size((bp_dtype)e->node.dtype);
}

/* A NaN counts as the largest, as it does in reduce_max. */
#define ARGMAX(real, x, n, best)                                                                                       \
  for (int64_t c = 1; c < (n); c++)                                                                                    \
    if (((const real *)(x))[best] == ((const real *)(x))[best] &&                                                      \
        !(((const real *)(x))[c] <= ((const real *)(x))[best]))                                                        \
      best = c;

void bp_exec_argmax(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = e->arg[0].dtype;
  int64_t row = bp_shape_row(&e->shape), columns = e->arg[0].shape.dims[e->arg[0].shape.rank - 1];
  for (int64_t r = row0 * row; r < row1 * row; r++) {
    const void *x = at_const(e->arg[0].data, t, r * columns);
    int64_t best = 0;
    if (t == BP_F64) {
      ARGMAX(double, x, columns, best)
    } else {
      ARGMAX(float, x, columns, best)
    }
    ((int32_t *)e->out)[r] = (int32_t)best;
  }
}
