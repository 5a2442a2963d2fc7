/* graph/exec_table.h - the functions that compute nodes, by theme; exec.c has them in a table. */
#ifndef BP_GRAPH_EXEC_TABLE_H
#define BP_GRAPH_EXEC_TABLE_H
#include "graph/exec.h"

typedef void (*bp_exec_fn)(const bp_exec *e, int64_t row0, int64_t row1);

static inline bp_real real_of(bp_dtype t) { return t == BP_F64 ? BP_KF64 : BP_KF32; }
/* Element i of an array. */
static inline char *at(void *p, bp_dtype t, int64_t i) { return (char *)p + (size_t)i * bp_dtype_size(t); }
static inline const char *at_const(const void *p, bp_dtype t, int64_t i) {
  return (const char *)p + (size_t)i * bp_dtype_size(t);
}

/* exec_move.c */
void bp_exec_broadcast(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_reshape(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_result(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_transpose(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_cast(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_slice(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_place(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_triangle(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_concat(const bp_exec *e, int64_t row0, int64_t row1);

/* exec_assemble.c */
void bp_exec_assemble(const bp_exec *e, int64_t row0, int64_t row1);

/* exec_reduce.c */
void bp_exec_axis_size(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_sum(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_reduce_max(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_reduce_min(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_norm(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_logsumexp(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_softmax_cross_entropy(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_argmax(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_cumsum(const bp_exec *e, int64_t row0, int64_t row1);

/* Bytes of scratch of softmax_cross_entropy for at most `rows` rows. */
size_t bp_softmax_scratch(const bp_exec *e, int64_t rows);

/* exec_rows.c */
void bp_exec_gather(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_scatter_add(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_one_hot(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_uniform(const bp_exec *e, int64_t row0, int64_t row1);

/* exec_matrix.c */
void bp_exec_matmul(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_matmul_stack(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_cholesky(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_solve_triangular(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_solve(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_logdet(const bp_exec *e, int64_t row0, int64_t row1);
/* Bytes of scratch of the operations on matrices for at most `rows` rows. */
size_t bp_matrix_scratch(const bp_exec *e, int64_t rows);

/* exec_custom.c */
void bp_exec_custom(const bp_exec *e, int64_t row0, int64_t row1);
void bp_exec_custom_vjp(const bp_exec *e, int64_t row0, int64_t row1);

#endif
