/* exec_assemble.c - zeros, and pieces stored or added at their places. Floor: graph. */
#include <string.h>

#include "graph/assembly.h"
#include "graph/exec_table.h"

/* Where a piece goes in the rows asked for: n[] elements along the axes, strides in the result; it is read densely, but
 * begins with element `from`. */
typedef struct window {
  int rank;
  int64_t n[BP_MAX_RANK], stride[BP_MAX_RANK];
  int64_t from, to, count;
} window;

static void along_axis(window *w, const bp_axis_span *s) {
  w->n[s->axis] = s->size;
  w->to += bp_span_start(s->bits) * w->stride[s->axis];
  w->stride[s->axis] *= bp_span_step(s->bits);
}

/* Keeps the rows row0 .. row1 - 1 of the result. */
static void cut_rows(window *w, const bp_axis_span *lead, int64_t row0, int64_t row1) {
  int64_t start = lead != NULL ? bp_span_start(lead->bits) : 0, step = lead != NULL ? bp_span_step(lead->bits) : 1;
  int64_t begin = 0, end = w->n[0], row = 1;
  while (begin < end && (start + begin * step < row0 || start + begin * step >= row1)) begin++;
  while (end > begin && (start + (end - 1) * step < row0 || start + (end - 1) * step >= row1)) end--;
  for (int i = 1; i < w->rank; i++) row *= w->n[i];
  w->from = begin * row;
  w->to += begin * w->stride[0];
  w->n[0] = end - begin;
}

static window window_of(const bp_exec *e, const bp_assembly *a, size_t piece, int64_t row0, int64_t row1) {
  window w = {.rank = e->shape.rank, .count = 1};
  const bp_axis_span *spans = bp_piece_spans(a, piece), *lead = NULL;
  int64_t step = 1;
  for (int i = w.rank - 1; i >= 0; step *= e->shape.dims[i], i--) w.n[i] = e->shape.dims[i], w.stride[i] = step;
  for (uint32_t k = 0; k < a->pieces[piece].n_spans; k++) {
    along_axis(&w, &spans[k]);
    if (spans[k].axis == 0) lead = &spans[k];
  }
  if (w.rank > 0 && (row0 > 0 || row1 < e->shape.dims[0])) cut_rows(&w, lead, row0, row1);
  for (int i = 0; i < w.rank; i++) w.count *= w.n[i];
  return w;
}

#define LAY(name, real)                                                                                                \
  static void name(real *to, int64_t stride, const real *from, int64_t n, bool adds) {                                 \
    if (adds)                                                                                                          \
      for (int64_t i = 0; i < n; i++) to[i * stride] += from[i];                                                       \
    else                                                                                                               \
      for (int64_t i = 0; i < n; i++) to[i * stride] = from[i];                                                        \
  }
LAY(lay_f32, float)
LAY(lay_f64, double)

static void lay(const bp_exec *e, const window *w, const void *piece, bool adds) {
  int64_t at[BP_MAX_RANK] = {0}, to = w->to, from = w->from;
  int last = w->rank - 1;
  int64_t n = last >= 0 ? w->n[last] : 1, stride = last >= 0 ? w->stride[last] : 1;
  for (int64_t left = w->count; left > 0; left -= n) {
    if (e->node.dtype == BP_F64)
      lay_f64((double *)e->out + to, stride, (const double *)piece + from, n, adds);
    else
      lay_f32((float *)e->out + to, stride, (const float *)piece + from, n, adds);
    from += n;
    for (int i = last - 1; i >= 0; i--) { /* the next place, as an odometer */
      to += w->stride[i];
      if (++at[i] < w->n[i]) break;
      to -= w->stride[i] * w->n[i];
      at[i] = 0;
    }
  }
}

void bp_exec_assemble(const bp_exec *e, int64_t row0, int64_t row1) {
  bp_dtype t = (bp_dtype)e->node.dtype;
  const bp_assembly *a = bp_assembly_of(&e->node);
  int64_t row = bp_shape_row(&e->shape);
  memset(at(e->out, t, row0 * row), 0, (size_t)((row1 - row0) * row) * bp_dtype_size(t));
  for (size_t i = 0; i < a->n_pieces; i++) {
    window w = window_of(e, a, i, row0, row1);
    if (w.count > 0) lay(e, &w, e->arg[i].data, a->pieces[i].adds);
  }
}
