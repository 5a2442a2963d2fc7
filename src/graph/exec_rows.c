/* exec_rows.c - rows and classes by number, and numbers that depend on the row alone. Floor: graph. */
#include <string.h>

#include "graph/exec_table.h"

void bp_exec_gather(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape);
  bp_gather_rows(at(e->out, t, row0 * row), (int)t, e->arg[0].data, (int)e->arg[0].dtype,
                 (const int32_t *)e->arg[1].data + row0, row1 - row0, row);
}

/* Each range of result rows looks at all numbers, and adds its own rows in their order: same bits for any split. */
void bp_exec_scatter_add(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape), n = e->arg[1].shape.dims[0];
  const int32_t *index = e->arg[1].data;
  const int32_t zero = 0;
  memset(at(e->out, t, row0 * row), 0, (size_t)((row1 - row0) * row) * bp_dtype_size(t));
  for (int64_t i = 0; i < n; i++)
    if (index[i] >= row0 && index[i] < row1)
      bp_scatter_add_rows(at(e->out, t, index[i] * row), at_const(e->arg[0].data, t, i * row), real_of(t), &zero, 1,
                          row);
}

void bp_exec_one_hot(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t columns = e->shape.dims[1];
  const int32_t *classes = e->arg[0].data;
  memset(at(e->out, t, row0 * columns), 0, (size_t)((row1 - row0) * columns) * bp_dtype_size(t));
  for (int64_t r = row0; r < row1; r++) bp_fill(at(e->out, t, r * columns + classes[r]), real_of(t), 1, 1);
}

/* A step that is no whole number from 0 below 2^63 counts as 0. */
void bp_exec_uniform(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  int64_t row = bp_shape_row(&e->shape);
  double step = *(const double *)e->arg[0].data;
  uint64_t number = step >= 0 && step < 0x1p63 ? (uint64_t)step : 0;
  e->kernels->uniform[real_of(t)](at(e->out, t, row0 * row), e->node.attr.bits, number, row0 * row,
                                  (row1 - row0) * row);
}
