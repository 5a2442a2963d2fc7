/* exec_custom.c - calls operations of the user, with the rows asked for. Floor: graph. */
#include "graph/custom_node.h"
#include "graph/exec_table.h"

static bp_buffer buffer_of(const void *data, bp_dtype dtype, const bp_shape *s) {
  bp_buffer b = {.data = (void *)(uintptr_t)data, .dtype = dtype, .rank = s->rank, .elements = bp_shape_elements(s, 0)};
  for (int i = 0; i < s->rank; i++) b.dims[i] = s->dims[i];
  return b;
}

static void take_rows(bp_buffer *b, int64_t row0, int64_t row1) {
  int64_t row = 1;
  for (int i = 1; i < b->rank; i++) row *= b->dims[i];
  b->data = at(b->data, b->dtype, row0 * row);
  b->dims[0] = row1 - row0;
  b->elements = (row1 - row0) * row;
}

/* The arguments, in scratch, and the result. Without rows of its own a node is computed whole. */
static bp_buffer *buffers(const bp_exec *e, int64_t row0, int64_t row1, bp_buffer *out) {
  bp_buffer *x = e->scratch;
  bool rows = bp_custom_has_rows(&e->node);
  for (int a = 0; a < e->arity; a++) {
    x[a] = buffer_of(e->arg[a].data, e->arg[a].dtype, &e->arg[a].shape);
    if (rows && bp_custom_by_rows(&e->node, a)) take_rows(&x[a], row0, row1);
  }
  *out = buffer_of(e->out, (bp_dtype)e->node.dtype, &e->shape);
  if (rows) take_rows(out, row0, row1);
  return x;
}

/* The first failure is kept. */
static void report(const bp_exec *e, bp_status status) {
  int64_t none = 0;
  if (status != BP_OK)
    (void)atomic_compare_exchange_strong(e->failure, &none, (int64_t)e->number << 8 | (int64_t)status);
}

void bp_exec_custom(const bp_exec *e, int64_t row0, int64_t row1) {
  const bp_custom_info *info = bp_custom_info_of(&e->node);
  bp_buffer y;
  const bp_buffer *x = buffers(e, row0, row1, &y);
  report(e, info->op.eval(info->op.user, x, info->n_x, &y));
}

void bp_exec_custom_vjp(const bp_exec *e, int64_t row0, int64_t row1) {
  const bp_custom_info *info = bp_custom_info_of(&e->node);
  bp_buffer x_bar;
  const bp_buffer *x = buffers(e, row0, row1, &x_bar);
  report(e, info->op.vjp_eval(info->op.user, x, info->n_x, info->of, &x[info->n_x], &x[info->n_x + 1], &x_bar));
}
