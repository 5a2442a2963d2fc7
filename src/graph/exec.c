/* exec.c - one function per operation that is not elementwise, over a range of output rows. Floor: graph. */
#include "graph/exec.h"

#include <inttypes.h>
#include <string.h>

#include "base/fail.h"

typedef void (*exec_fn)(const bp_exec *e, int64_t row0, int64_t row1);

static bp_real real_of(bp_dtype t) { return t == BP_F64 ? BP_KF64 : BP_KF32; }
static char *at(void *p, bp_dtype t, int64_t i) { return (char *)p + (size_t)i * bp_dtype_size(t); }
static const char *at_const(const void *p, bp_dtype t, int64_t i) { return (const char *)p + (size_t)i * bp_dtype_size(t); }

static void exec_elementwise(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape), begin = row0 * row;
  const bp_op_info *info = &bp_op_table[e->node.op];
  const void *in[3] = {NULL, NULL, NULL};
  for (int i = 0; i < info->arity; i++) in[i] = at_const(e->arg[i], t, begin);
  e->kernels->ew[real_of(t)][info->kernel](at(e->out, t, begin), in, (row1 - row0) * row);
}

static void exec_axis_size(const bp_exec *e, int64_t row0, int64_t row1) {
  (void)row0, (void)row1;
  double count = 1;
  for (int i = 0; i < e->arg_shape[0].rank; i++)
    if ((e->node.attr.bits & BP_AXIS(i)) != 0) count *= (double)e->arg_shape[0].dims[i];
  bp_fill(e->out, real_of((bp_dtype)e->node.dtype), count, 1);
}

static void exec_matmul(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  bool ta = (e->node.attr.bits & BP_MATMUL_TA) != 0, tb = (e->node.attr.bits & BP_MATMUL_TB) != 0;
  int64_t lda = e->arg_shape[0].dims[1], n = e->shape.dims[1];
  bp_gemm g = {.m = row1 - row0,
               .n = n,
               .k = e->arg_shape[0].dims[!ta],
               .a = at_const(e->arg[0], t, ta ? row0 : row0 * lda),
               .lda = lda,
               .b = e->arg[1],
               .ldb = e->arg_shape[1].dims[1],
               .c = at(e->out, t, row0 * n),
               .ldc = n,
               .a_trans = ta,
               .b_trans = tb,
               .scratch = e->scratch};
  e->kernels->gemm[real_of(t)](&g);
}

/* The axes reduced stand side by side (the builders see to it): the argument is [outer, reduce, inner]. */
static void exec_reduce(const bp_exec *e, int64_t row0, int64_t row1, bp_reduce_op op) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  const bp_shape *s = &e->arg_shape[0];
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
    r.in = at_const(e->arg[0], t, row0 * row);
  } else { /* each row of the result comes from the same row of the argument */
    int64_t outer_row = s->dims[0] > 0 ? outer / s->dims[0] : 0;
    r.outer = (row1 - row0) * outer_row;
    r.inner = inner;
    r.in = at_const(e->arg[0], t, row0 * outer_row * reduce * inner);
  }
  r.out = at(e->out, t, row0 * row);
  e->kernels->reduce[real_of(t)][op](&r);
}

static void exec_sum(const bp_exec *e, int64_t a, int64_t b) { exec_reduce(e, a, b, BP_REDUCE_SUM); }
static void exec_reduce_max(const bp_exec *e, int64_t a, int64_t b) { exec_reduce(e, a, b, BP_REDUCE_MAX); }
static void exec_reduce_min(const bp_exec *e, int64_t a, int64_t b) { exec_reduce(e, a, b, BP_REDUCE_MIN); }

/* Dense copy with the given strides of the argument, for the rows asked for. */
static void copy_rows(const bp_exec *e, const int64_t *strides, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  bp_shape s = e->shape;
  if (s.rank > 0) s.dims[0] = row1 - row0;
  bp_copy_strided(at(e->out, t, row0 * bp_shape_row(&s)), at_const(e->arg[0], t, s.rank > 0 ? row0 * strides[0] : 0),
                  bp_dtype_size(t), s.rank, s.dims, strides);
}

static void exec_broadcast(const bp_exec *e, int64_t row0, int64_t row1) {
  int64_t strides[BP_MAX_RANK] = {0}, step = 1;
  int shift = e->shape.rank - e->arg_shape[0].rank;
  for (int i = e->shape.rank - 1; i >= shift && i >= 0; i--) { /* shift < 0: one element, of a higher rank */
    int64_t size = e->arg_shape[0].dims[i - shift];
    strides[i] = size == e->shape.dims[i] ? step : 0;
    step *= size;
  }
  copy_rows(e, strides, row0, row1);
}

static void exec_reshape(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape);
  memcpy(at(e->out, t, row0 * row), at_const(e->arg[0], t, row0 * row), (size_t)((row1 - row0) * row) * bp_dtype_size(t));
}

static void exec_transpose(const bp_exec *e, int64_t row0, int64_t row1) {
  int64_t from[BP_MAX_RANK] = {0}, strides[BP_MAX_RANK] = {0}, step = 1;
  for (int i = e->shape.rank - 1; i >= 0; i--) {
    from[i] = step;
    step *= e->arg_shape[0].dims[i];
  }
  for (int i = 0; i < e->shape.rank; i++) strides[i] = from[(e->node.attr.bits >> (4 * i)) & 15u];
  copy_rows(e, strides, row0, row1);
}

static void exec_cast(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype, from = e->arg_dtype[0];
  int64_t row = bp_shape_row(&e->shape);
  bp_convert(at(e->out, t, row0 * row), (int)t, at_const(e->arg[0], from, row0 * row), (int)from, (row1 - row0) * row);
}

static void exec_gather(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape);
  bp_gather_rows(at(e->out, t, row0 * row), (int)t, e->arg[0], (int)e->arg_dtype[0], (const int32_t *)e->arg[1] + row0,
                 row1 - row0, row);
}

/* Each range of result rows looks at all numbers, and adds its own rows in their order: same bits for any split. */
static void exec_scatter_add(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape), n = e->arg_shape[1].dims[0];
  const int32_t *index = e->arg[1];
  const int32_t zero = 0;
  memset(at(e->out, t, row0 * row), 0, (size_t)((row1 - row0) * row) * bp_dtype_size(t));
  for (int64_t i = 0; i < n; i++)
    if (index[i] >= row0 && index[i] < row1)
      bp_scatter_add_rows(at(e->out, t, index[i] * row), at_const(e->arg[0], t, i * row), real_of(t), &zero, 1, row);
}

static void exec_logsumexp(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape), columns = e->arg_shape[0].dims[e->arg_shape[0].rank - 1];
  e->kernels->logsumexp[real_of(t)](at(e->out, t, row0 * row), at_const(e->arg[0], t, row0 * row * columns),
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
static void exec_softmax_cross_entropy(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t columns = e->arg_shape[0].dims[1];
  for (int64_t row = row0; row < row1; row += SHIFTED_ROWS) {
    int64_t rows = row1 - row < SHIFTED_ROWS ? row1 - row : SHIFTED_ROWS;
    const void *z = at_const(e->arg[0], t, row * columns);
    const int32_t *classes = (const int32_t *)e->arg[1] + row;
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

static void exec_one_hot(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t columns = e->shape.dims[1];
  const int32_t *classes = e->arg[0];
  memset(at(e->out, t, row0 * columns), 0, (size_t)((row1 - row0) * columns) * bp_dtype_size(t));
  for (int64_t r = row0; r < row1; r++) bp_fill(at(e->out, t, r * columns + classes[r]), real_of(t), 1, 1);
}

/* A NaN counts as the largest, as it does in reduce_max. */
#define ARGMAX(real, x, n, best)                                                                                       \
  for (int64_t c = 1; c < (n); c++)                                                                                    \
    if (((const real *)(x))[best] == ((const real *)(x))[best] && !(((const real *)(x))[c] <= ((const real *)(x))[best])) best = c;

static void exec_argmax(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = e->arg_dtype[0];
  int64_t row = bp_shape_row(&e->shape), columns = e->arg_shape[0].dims[e->arg_shape[0].rank - 1];
  for (int64_t r = row0 * row; r < row1 * row; r++) {
    const void *x = at_const(e->arg[0], t, r * columns);
    int64_t best = 0;
    if (t == BP_F64) {
      ARGMAX(double, x, columns, best)
    } else {
      ARGMAX(float, x, columns, best)
    }
    ((int32_t *)e->out)[r] = (int32_t)best;
  }
}

static const exec_fn exec_table[BP_OP_COUNT] = {
    [BP_OP_axis_size] = exec_axis_size,
    [BP_OP_matmul] = exec_matmul,
    [BP_OP_sum] = exec_sum,
    [BP_OP_reduce_max] = exec_reduce_max,
    [BP_OP_reduce_min] = exec_reduce_min,
    [BP_OP_broadcast] = exec_broadcast,
    [BP_OP_reshape] = exec_reshape,
    [BP_OP_transpose] = exec_transpose,
    [BP_OP_cast] = exec_cast,
    [BP_OP_gather] = exec_gather,
    [BP_OP_scatter_add] = exec_scatter_add,
    [BP_OP_logsumexp] = exec_logsumexp,
    [BP_OP_softmax_cross_entropy] = exec_softmax_cross_entropy,
    [BP_OP_one_hot] = exec_one_hot,
    [BP_OP_argmax] = exec_argmax,
};

void bp_exec_rows(const bp_exec *e, int64_t row0, int64_t row1) {
  if (row1 <= row0) return;
  exec_fn fn = bp_op_table[e->node.op].kernel != BP_EW_NONE ? exec_elementwise : exec_table[e->node.op];
  if (fn != NULL) fn(e, row0, row1);
}

size_t bp_exec_scratch(const bp_node *node, const bp_shape *shape, const bp_shape *arg_shape, int64_t rows) {
  if (node->op == BP_OP_softmax_cross_entropy)
    return (size_t)((rows < SHIFTED_ROWS ? rows : SHIFTED_ROWS) * arg_shape[0].dims[1]) * bp_dtype_size((bp_dtype)node->dtype);
  if (node->op != BP_OP_matmul) return 0;
  bool ta = (node->attr.bits & BP_MATMUL_TA) != 0, tb = (node->attr.bits & BP_MATMUL_TB) != 0;
  return bp_gemm_scratch(rows, shape->dims[1], arg_shape[0].dims[!ta], ta, tb, real_of((bp_dtype)node->dtype));
}

/* ---- row and class numbers ---- */
int bp_index_arg(bp_op op) {
  switch (op) {
  case BP_OP_gather:
  case BP_OP_scatter_add:
  case BP_OP_softmax_cross_entropy:
    return 1;
  case BP_OP_one_hot:
    return 0;
  default:
    return -1;
  }
}

int64_t bp_index_limit(const bp_node *node, const bp_shape *shape, const bp_shape *arg_shape) {
  switch (node->op) {
  case BP_OP_gather:
    return arg_shape[0].dims[0];
  case BP_OP_scatter_add:
    return shape->dims[0];
  case BP_OP_softmax_cross_entropy:
    return arg_shape[0].dims[1];
  default:
    return shape->dims[1];
  }
}

bp_status bp_index_check(bp_context *ctx, bp_op op, const int32_t *index, int64_t n, int64_t limit) {
  for (int64_t i = 0; i < n; i++)
    if (index[i] < 0 || index[i] >= limit)
      return bp_fail(ctx, BP_E_DATA, "%s: number %" PRId32 " at row %" PRId64 ", expected 0 to %" PRId64,
                     bp_op_table[op].name, index[i], i, limit - 1);
  return BP_OK;
}
