/* exec_matrix.c - operations on matrices and stacks of them. Floor: graph. */
#include <string.h>

#include "graph/exec_table.h"

void bp_exec_matmul(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  bool ta = (e->node.attr.bits & BP_MATMUL_TA) != 0, tb = (e->node.attr.bits & BP_MATMUL_TB) != 0;
  int64_t lda = e->arg[0].shape.dims[1], n = e->shape.dims[1];
  bp_gemm g = {.m = row1 - row0,
               .n = n,
               .k = e->arg[0].shape.dims[!ta],
               .a = at_const(e->arg[0].data, t, ta ? row0 : row0 * lda),
               .lda = lda,
               .b = e->arg[1].data,
               .ldb = e->arg[1].shape.dims[1],
               .c = at(e->out, t, row0 * n),
               .ldc = n,
               .a_trans = ta,
               .b_trans = tb,
               .scratch = e->scratch};
  e->kernels->gemm[real_of(t)](&g);
}

/* ---- stacks ---- */
/* Matrix q of a stack; the one matrix, when the array is none. */
static const char *matrix_of(const bp_exec_arg *a, int64_t q) {
  int64_t size = a->shape.dims[a->shape.rank - 2] * a->shape.dims[a->shape.rank - 1];
  return at_const(a->data, a->dtype, a->shape.rank > 2 ? q * size : 0);
}

/* The matrices that rows row0 .. row1 - 1 of an array stand for; a single matrix is always all of it. */
typedef struct stack {
  int64_t begin, end;
} stack;
static stack stack_of(const bp_shape *s, int matrix_rank, int64_t row0, int64_t row1) {
  int64_t per_row = 1;
  if (s->rank <= matrix_rank) return (stack){0, 1};
  for (int i = 1; i < s->rank - matrix_rank; i++) per_row *= s->dims[i];
  return (stack){row0 * per_row, row1 * per_row};
}

void bp_exec_matmul_stack(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  bool ta = (e->node.attr.bits & BP_MATMUL_TA) != 0, tb = (e->node.attr.bits & BP_MATMUL_TB) != 0;
  const int64_t *da = e->arg[0].shape.dims + e->arg[0].shape.rank - 2,
                *db = e->arg[1].shape.dims + e->arg[1].shape.rank - 2;
  bp_gemm g = {.m = da[ta],
               .n = db[!tb],
               .k = da[!ta],
               .lda = da[1],
               .ldb = db[1],
               .ldc = db[!tb],
               .a_trans = ta,
               .b_trans = tb,
               .scratch = e->scratch};
  stack s = stack_of(&e->shape, 2, row0, row1);
  for (int64_t q = s.begin; q < s.end; q++) {
    g.a = matrix_of(&e->arg[0], q);
    g.b = matrix_of(&e->arg[1], q);
    g.c = at(e->out, t, q * g.m * g.n);
    e->kernels->gemm[real_of(t)](&g);
  }
}

/* ---- factors ---- */
void bp_exec_cholesky(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t n = e->shape.dims[e->shape.rank - 1];
  stack s = stack_of(&e->shape, 2, row0, row1);
  for (int64_t q = s.begin; q < s.end; q++)
    e->kernels->cholesky[real_of(t)](at(e->out, t, q * n * n), matrix_of(&e->arg[0], q), n);
}

void bp_exec_solve_triangular(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t n = e->shape.dims[e->shape.rank - 2], m = e->shape.dims[e->shape.rank - 1];
  bool upper = (e->node.attr.bits & BP_SOLVE_UPPER) != 0, transposed = (e->node.attr.bits & BP_SOLVE_TRANSPOSED) != 0;
  stack s = stack_of(&e->shape, 2, row0, row1);
  for (int64_t q = s.begin; q < s.end; q++) {
    char *x = at(e->out, t, q * n * m);
    memcpy(x, matrix_of(&e->arg[1], q), (size_t)(n * m) * bp_dtype_size(t));
    e->kernels->solve_triangular[real_of(t)](x, matrix_of(&e->arg[0], q), n, m, upper, transposed, false);
  }
}

/* Scratch of solve and logdet: the factors, then the row exchanges. */
static int32_t *exchanges_of(const bp_exec *e, int64_t n) {
  return (int32_t *)(void *)at(e->scratch, (bp_dtype)e->node.dtype, n * n);
}

void bp_exec_solve(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t n = e->shape.dims[e->shape.rank - 2], m = e->shape.dims[e->shape.rank - 1];
  stack s = stack_of(&e->shape, 2, row0, row1);
  for (int64_t q = s.begin; q < s.end; q++) {
    if (q == s.begin || e->arg[0].shape.rank > 2)
      e->kernels->lu[real_of(t)](e->scratch, exchanges_of(e, n), matrix_of(&e->arg[0], q), n);
    char *x = at(e->out, t, q * n * m);
    memcpy(x, matrix_of(&e->arg[1], q), (size_t)(n * m) * bp_dtype_size(t));
    e->kernels->lu_solve[real_of(t)](x, e->scratch, exchanges_of(e, n), n, m);
  }
}

void bp_exec_logdet(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t n = e->arg[0].shape.dims[e->arg[0].shape.rank - 1];
  stack s = stack_of(&e->arg[0].shape, 2, row0, row1);
  for (int64_t q = s.begin; q < s.end; q++) {
    e->kernels->lu[real_of(t)](e->scratch, exchanges_of(e, n), matrix_of(&e->arg[0], q), n);
    e->kernels->lu_logdet[real_of(t)](at(e->out, t, q), e->scratch, n);
  }
}

size_t bp_matrix_scratch(const bp_exec *e, int64_t rows) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  bool ta = (e->node.attr.bits & BP_MATMUL_TA) != 0, tb = (e->node.attr.bits & BP_MATMUL_TB) != 0;
  const int64_t *d = e->arg[0].shape.dims + e->arg[0].shape.rank - 2;
  switch (e->node.op) {
  case BP_OP_matmul: return bp_gemm_scratch(rows, e->shape.dims[1], d[!ta], ta, tb, real_of(t));
  case BP_OP_matmul_stack: return bp_gemm_scratch(d[ta], e->shape.dims[e->shape.rank - 1], d[!ta], ta, tb, real_of(t));
  case BP_OP_solve:
  case BP_OP_logdet: return (size_t)(d[0] * d[0]) * bp_dtype_size(t) + (size_t)d[0] * sizeof(int32_t);
  default: return 0;
  }
}
