/* sparsity_rules.c - how each operation hands dependences on, in a table. Floor: autodiff.
 *
 * Most operations only move or gather elements: for them a rule says with which strides, and or_strided() does the rest.
 */
#include "autodiff/sparsity.h"
#include "graph/assembly.h"

/* ---- helpers ---- */
static const bp_bits *bits_of(const bp_dependency *d, int i) { return &d->bits[bp_call_arg(&d->call, i).id]; }
static const bp_shape *shape_of(const bp_dependency *d, int i) { return bp_shape_of(bp_call_arg(&d->call, i)); }
static bool empty(const bp_bits *b) { return b->hi <= b->lo; }

static void widen(bp_bits *out, int64_t lo, int64_t hi) {
  if (hi <= lo) return;
  if (empty(out)) {
    out->lo = lo, out->hi = hi;
    return;
  }
  if (lo < out->lo) out->lo = lo;
  if (hi > out->hi) out->hi = hi;
}

static void or_word(bp_bits *out, int64_t e, uint64_t w) {
  if (w == 0) return;
  out->word[e] |= w;
  widen(out, e, e + 1);
}

/* An array read or written with strides: element (i0, i1, …) is at start + Σ i_k stride[k]. */
typedef struct strided {
  int64_t start, stride[BP_MAX_RANK];
} strided;

static strided dense(const bp_shape *s) {
  strided a = {0};
  int64_t step = 1;
  for (int i = s->rank - 1; i >= 0; i--) a.stride[i] = step, step *= s->dims[i];
  return a;
}

/* The leading indices that can reach words of `in` that are not 0: everything, or less when all strides are positive. */
static void leading_range(const bp_bits *in, const strided *from, const bp_shape *space, int64_t *begin, int64_t *end) {
  int64_t reach = 0, step = from->stride[0];
  *begin = 0, *end = space->dims[0];
  for (int k = 1; k < space->rank; k++) {
    if (from->stride[k] < 0) return;
    reach += from->stride[k] * (space->dims[k] - 1);
  }
  if (step <= 0) return;
  int64_t first = in->lo - from->start - reach, last = in->hi - 1 - from->start;
  if (first > 0) *begin = (first + step - 1) / step;
  if (last < 0)
    *end = 0;
  else if (last / step + 1 < *end)
    *end = last / step + 1;
}

/* out[to] |= in[from] over an index space. */
static void or_strided(bp_bits *out, strided to, const bp_bits *in, strided from, const bp_shape *space) {
  int64_t index[BP_MAX_RANK] = {0}, begin, end;
  if (empty(in)) return;
  if (space->rank == 0) {
    or_word(out, to.start, in->word[from.start]);
    return;
  }
  for (int k = 0; k < space->rank; k++)
    if (space->dims[k] == 0) return;
  leading_range(in, &from, space, &begin, &end);
  int64_t a = to.start + begin * to.stride[0], b = from.start + begin * from.stride[0];
  for (index[0] = begin; index[0] < end;) {
    or_word(out, a, in->word[b]);
    for (int k = space->rank - 1; k >= 0; k--) { /* the next index */
      a += to.stride[k], b += from.stride[k];
      if (++index[k] < space->dims[k] || k == 0) break;
      a -= index[k] * to.stride[k], b -= index[k] * from.stride[k];
      index[k] = 0;
    }
  }
}

static uint64_t all_of(const bp_bits *b) {
  uint64_t w = 0;
  for (int64_t e = b->lo; e < b->hi; e++) w |= b->word[e];
  return w;
}

static void fill(bp_bits *out, int64_t lo, int64_t hi, uint64_t w) {
  if (w == 0 || hi <= lo) return;
  for (int64_t e = lo; e < hi; e++) out->word[e] |= w;
  widen(out, lo, hi);
}

/* ---- element by element ---- */
static void or_elements(const bp_dependency *d, int i, const uint8_t *only) {
  const bp_bits *in = bits_of(d, i);
  if (empty(in)) return;
  for (int64_t e = in->lo; e < in->hi; e++)
    if (only == NULL || only[e]) d->out->word[e] |= in->word[e];
  widen(d->out, in->lo, in->hi);
}

static void elementwise(const bp_dependency *d) {
  for (int i = 0; i < d->call.arity; i++) or_elements(d, i, NULL);
}

/* A product with a constant 0 depends on nothing. */
static void product(const bp_dependency *d) {
  for (int i = 0; i < 2; i++) or_elements(d, i, d->nonzero[bp_call_arg(&d->call, 1 - i).id]);
}

/* The condition hands nothing on, and a constant one chooses. */
static void choice(const bp_dependency *d) {
  const uint8_t *taken = d->nonzero[d->call.x[0].id];
  or_elements(d, 1, taken);
  const bp_bits *in = bits_of(d, 2);
  for (int64_t e = in->lo; e < in->hi; e++)
    if (taken == NULL || !taken[e]) or_word(d->out, e, in->word[e]);
}

/* ---- moved ---- */
static void broadcast(const bp_dependency *d) {
  const bp_shape *from = shape_of(d, 0), *to = bp_shape_of(d->call.y);
  strided in = {0}, packed = dense(from);
  int shift = to->rank - from->rank;
  for (int k = shift; k < to->rank; k++)
    in.stride[k] = from->dims[k - shift] == to->dims[k] ? packed.stride[k - shift] : 0;
  or_strided(d->out, dense(to), bits_of(d, 0), in, to);
}

static void transpose(const bp_dependency *d) {
  const bp_shape *to = bp_shape_of(d->call.y);
  strided in = {0}, packed = dense(shape_of(d, 0));
  for (int k = 0; k < to->rank; k++) in.stride[k] = packed.stride[(d->call.bits >> (4 * k)) & 15u];
  or_strided(d->out, dense(to), bits_of(d, 0), in, to);
}

/* `whole` with its span along an axis taken out of it. */
static strided span(const bp_shape *whole, int axis, uint64_t bits) {
  strided s = dense(whole);
  s.start = bp_span_start(bits) * s.stride[axis];
  s.stride[axis] *= bp_span_step(bits);
  return s;
}

static void slice(const bp_dependency *d) {
  const bp_shape *to = bp_shape_of(d->call.y);
  or_strided(d->out, dense(to), bits_of(d, 0), span(shape_of(d, 0), d->call.axis, d->call.bits), to);
}

static void place(const bp_dependency *d) {
  const bp_shape *from = shape_of(d, 0);
  or_strided(d->out, span(bp_shape_of(d->call.y), d->call.axis, d->call.bits), bits_of(d, 0), dense(from), from);
}

static void concat(const bp_dependency *d) {
  int64_t begin = 0;
  for (int i = 0; i < d->call.arity; begin += shape_of(d, i)->dims[d->call.axis], i++)
    or_strided(d->out, span(bp_shape_of(d->call.y), d->call.axis, bp_span_bits(begin, 1)), bits_of(d, i),
               dense(shape_of(d, i)), shape_of(d, i));
}

static void assemble(const bp_dependency *d) {
  const bp_assembly *a = bp_assembly_of(bp_node_of(d->call.y));
  for (int i = 0; i < d->call.arity; i++) {
    const bp_axis_span *spans = bp_piece_spans(a, (size_t)i);
    bp_shape window = bp_piece_window(a, (size_t)i, bp_shape_of(d->call.y));
    strided to = dense(bp_shape_of(d->call.y));
    for (uint32_t k = 0; k < a->pieces[i].n_spans; k++) {
      to.start += bp_span_start(spans[k].bits) * to.stride[spans[k].axis];
      to.stride[spans[k].axis] *= bp_span_step(spans[k].bits);
    }
    or_strided(d->out, to, bits_of(d, i), dense(&window), &window);
  }
}

static void triangle(const bp_dependency *d) {
  const bp_bits *in = bits_of(d, 0);
  const bp_shape *s = bp_shape_of(d->call.y);
  int64_t rows = s->dims[s->rank - 2], columns = s->dims[s->rank - 1], diagonal = bp_triangle_diagonal(d->call.bits);
  bool upper = bp_triangle_upper(d->call.bits);
  for (int64_t e = in->lo; e < in->hi; e++) {
    int64_t offset = e % columns - e / columns % rows;
    if (upper ? offset >= diagonal : offset <= diagonal) or_word(d->out, e, in->word[e]);
  }
}

/* ---- added up ---- */
static void reduce_axes(const bp_dependency *d, unsigned axes) {
  const bp_shape *from = shape_of(d, 0);
  strided to = {0}, packed = dense(bp_shape_of(d->call.y));
  int kept = 0;
  for (int k = 0; k < from->rank; k++)
    if ((axes & BP_AXIS(k)) == 0) to.stride[k] = packed.stride[kept++];
  or_strided(d->out, to, bits_of(d, 0), dense(from), from);
}

static void reduce(const bp_dependency *d) { reduce_axes(d, (unsigned)d->call.bits); }
static void reduce_last(const bp_dependency *d) { reduce_axes(d, BP_AXIS(shape_of(d, 0)->rank - 1)); }

static void cumsum(const bp_dependency *d) {
  const bp_shape *s = bp_shape_of(d->call.y);
  const bp_bits *in = bits_of(d, 0);
  int64_t inner = dense(s).stride[d->call.axis], n = s->dims[d->call.axis];
  bool from_end = (d->call.bits & 1u) != 0;
  for (int64_t line = in->lo / (n * inner) * inner; line < in->n / n && line / inner * n * inner < in->hi; line++) {
    uint64_t sum = 0;
    int64_t first = line / inner * n * inner + line % inner;
    for (int64_t i = 0; i < n; i++) {
      int64_t e = first + (from_end ? n - 1 - i : i) * inner;
      sum |= in->word[e];
      or_word(d->out, e, sum);
    }
  }
}

/* ---- matrix products ---- */
typedef struct factor { /* element (i, p) of a matrix of a stack is at start + i row + p column */
  const bp_bits *bits;
  const uint8_t *nonzero;
  int64_t start, row, column;
} factor;

static factor factor_of(const bp_dependency *d, int i, bool transposed, int64_t matrix) {
  const bp_shape *s = shape_of(d, i);
  int64_t columns = s->dims[s->rank - 1], size = s->dims[s->rank - 2] * columns;
  factor f = {.bits = bits_of(d, i), .nonzero = d->nonzero[bp_call_arg(&d->call, i).id]};
  f.start = s->rank == 2 ? 0 : matrix * size;
  f.row = transposed ? 1 : columns, f.column = transposed ? columns : 1;
  return f;
}

/* out[i, j] |= a[i, p] for all p with b[p, j] not 0; out has the strides given, so that it serves both factors. */
static void along_factor(bp_bits *out, int64_t out_start, int64_t out_row, int64_t out_column, const factor *a,
                         const factor *b, int64_t m, int64_t k, int64_t n) {
  int64_t end = a->start + (m - 1) * a->row + (k - 1) * a->column;
  if (empty(a->bits) || a->bits->hi <= a->start || a->bits->lo > end) return;
  for (int64_t i = 0; i < m; i++) {
    uint64_t row = 0;
    for (int64_t p = 0; p < k; p++) {
      uint64_t w = a->bits->word[a->start + i * a->row + p * a->column];
      row |= w;
      for (int64_t j = 0; b->nonzero != NULL && w != 0 && j < n; j++)
        if (b->nonzero[b->start + p * b->row + j * b->column])
          or_word(out, out_start + i * out_row + j * out_column, w);
    }
    for (int64_t j = 0; b->nonzero == NULL && row != 0 && j < n; j++)
      or_word(out, out_start + i * out_row + j * out_column, row);
  }
}

static void matmul(const bp_dependency *d) {
  const bp_shape *s = bp_shape_of(d->call.y), *sa = shape_of(d, 0);
  bool ta = (d->call.bits & BP_MATMUL_TA) != 0, tb = (d->call.bits & BP_MATMUL_TB) != 0;
  int64_t m = s->dims[s->rank - 2], n = s->dims[s->rank - 1], k = sa->dims[sa->rank - (ta ? 2 : 1)];
  for (int64_t matrix = 0; m * n > 0 && k > 0 && matrix < d->out->n / (m * n); matrix++) {
    factor a = factor_of(d, 0, ta, matrix), b = factor_of(d, 1, tb, matrix);
    along_factor(d->out, matrix * m * n, n, 1, &a, &b, m, k, n);
    int64_t row = a.row, column = b.row; /* the same from the right: everything transposed */
    a.row = a.column, a.column = row, b.row = b.column, b.column = column;
    along_factor(d->out, matrix * m * n, 1, n, &b, &a, n, k, m);
  }
}

/* ---- rows by number ---- */
static const int32_t *known_numbers(const bp_dependency *d, int i) {
  const bp_node *n = bp_node_of(bp_call_arg(&d->call, i));
  return n->op == BP_OP_constant ? n->attr.data : NULL;
}

/* All rows of the argument, column by column, into every row of the result: what unknown numbers can do. */
static void any_row(const bp_dependency *d) {
  const bp_bits *in = bits_of(d, 0);
  int64_t row = bp_shape_row(bp_shape_of(d->call.y)), rows = row > 0 ? d->out->n / row : 0;
  for (int64_t e = in->lo; e < in->hi; e++)
    for (int64_t r = 0; in->word[e] != 0 && r < rows; r++) or_word(d->out, r * row + e % row, in->word[e]);
}

static void gather(const bp_dependency *d) {
  const bp_bits *in = bits_of(d, 0);
  const int32_t *index = known_numbers(d, 1);
  int64_t row = bp_shape_row(bp_shape_of(d->call.y)), table = shape_of(d, 0)->dims[0];
  if (index == NULL) {
    any_row(d);
    return;
  }
  for (int64_t r = 0; r < bp_shape_of(d->call.y)->dims[0]; r++)
    for (int64_t c = 0; index[r] >= 0 && index[r] < table && c < row; c++)
      or_word(d->out, r * row + c, in->word[index[r] * row + c]);
}

static void scatter_add(const bp_dependency *d) {
  const bp_bits *in = bits_of(d, 0);
  const int32_t *index = known_numbers(d, 1);
  int64_t row = bp_shape_row(bp_shape_of(d->call.y)), rows = bp_shape_of(d->call.y)->dims[0];
  if (index == NULL) {
    any_row(d);
    return;
  }
  for (int64_t e = in->lo; e < in->hi; e++)
    if (index[e / row] >= 0 && index[e / row] < rows) or_word(d->out, index[e / row] * row + e % row, in->word[e]);
}

/* ---- anything else ---- */
static void everything(const bp_dependency *d) {
  uint64_t w = 0;
  for (int i = 0; i < d->call.arity; i++) w |= all_of(bits_of(d, i));
  fill(d->out, 0, d->out->n, w);
}

static const bp_depend_fn depend_table[BP_OP_COUNT] = {
    [BP_OP_mul] = product,
    [BP_OP_where] = choice,
    [BP_OP_cast] = elementwise,
    [BP_OP_reshape] = elementwise,
    [BP_OP_broadcast] = broadcast,
    [BP_OP_transpose] = transpose,
    [BP_OP_slice] = slice,
    [BP_OP_place] = place,
    [BP_OP_concat] = concat,
    [BP_OP_assemble] = assemble,
    [BP_OP_triangle] = triangle,
    [BP_OP_sum] = reduce,
    [BP_OP_reduce_max] = reduce,
    [BP_OP_reduce_min] = reduce,
    [BP_OP_norm] = reduce,
    [BP_OP_logsumexp] = reduce_last,
    [BP_OP_softmax_cross_entropy] = reduce_last,
    [BP_OP_cumsum] = cumsum,
    [BP_OP_matmul] = matmul,
    [BP_OP_matmul_stack] = matmul,
    [BP_OP_gather] = gather,
    [BP_OP_scatter_add] = scatter_add,
};

bp_depend_fn bp_dependency_rule(bp_op op) {
  if (depend_table[op] != NULL) return depend_table[op];
  return bp_op_table[op].op_class == BP_CLASS_ELEMENTWISE ? elementwise : everything;
}

bool bp_zeros_matter(bp_op op) {
  return op == BP_OP_mul || op == BP_OP_where || op == BP_OP_matmul || op == BP_OP_matmul_stack;
}
