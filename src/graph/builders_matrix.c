/* builders_matrix.c - operations on matrices and stacks of them: the last two axes are the matrix. Floor: graph. */
#include "graph/builders.h"

/* ---- checks ---- */
static bp_var two_shapes(const char *op, bp_var a, bp_var b, const char *what) {
  char ta[BP_SHAPE_TEXT], tb[BP_SHAPE_TEXT];
  return bp_graph_fail(a.graph, BP_E_SHAPE, "%s: left is %s, right is %s; %s", op,
                       bp_shape_text(bp_shape_of(a), ta, sizeof ta), bp_shape_text(bp_shape_of(b), tb, sizeof tb),
                       what);
}

/* Leading axes of two arrays whose last axes are matrices: equal, or absent on one side. */
static bool stacks_fit(const bp_shape *a, const bp_shape *b) {
  if (a->rank == 2 || b->rank == 2) return true;
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank - 2; i++)
    if (a->dims[i] != b->dims[i]) return false;
  return true;
}

static bool square_ok(const char *op, bp_var x) {
  const bp_shape *s = bp_shape_of(x);
  if (s->rank >= 2 && s->dims[s->rank - 1] == s->dims[s->rank - 2]) return true;
  char text[BP_SHAPE_TEXT];
  (void)bp_graph_fail(x.graph, BP_E_SHAPE, "%s: %s, expected square matrices", op, bp_shape_text(s, text, sizeof text));
  return false;
}

/* ---- products ---- */
static bp_var append_product(bp_op op, bp_var a, bp_var b, uint64_t bits, const bp_shape *to) {
  bp_node node = {.op = (uint16_t)op, .dtype = (uint8_t)bp_dtype_of(a), .arg = {a.id, b.id}, .attr.bits = bits};
  return bp_node_append(a.graph, node, to);
}

/* A stack times one matrix is one tall matrix times it, unless the height is symbolic. */
static bp_var tall_product(bp_var a, bp_var b, uint64_t bits, const bp_shape *to) {
  const bp_shape s = *bp_shape_of(a);
  int64_t tall[2] = {bp_shape_elements(&s, 0) / s.dims[s.rank - 1], s.dims[s.rank - 1]};
  bp_shape flat = {.rank = 2, .dims = {tall[0], to->dims[to->rank - 1]}};
  return (bp_reshape)(append_product(BP_OP_matmul, (bp_reshape)(a, 2, tall), b, bits, &flat), to->rank, to->dims);
}

bp_var(bp_matmul_t)(bp_var a, bool transpose_a, bp_var b, bool transpose_b) {
  bp_var args[] = {a, b};
  if (!bp_args_ok("matmul", 2, args) || !bp_real_args("matmul", 2, args)) return bp_zero_of(bp_graph_of(args, 2));
  const bp_shape sa = *bp_shape_of(a), sb = *bp_shape_of(b);
  if (sa.rank < 2 || sb.rank < 2) return two_shapes("matmul", a, b, "expected matrices");
  if (!stacks_fit(&sa, &sb)) return two_shapes("matmul", a, b, "the leading axes differ");
  const int64_t *da = sa.dims + sa.rank - 2, *db = sb.dims + sb.rank - 2;
  if (da[!transpose_a] != db[transpose_b]) {
    char ta[BP_SHAPE_TEXT], tb[BP_SHAPE_TEXT];
    return bp_graph_fail(a.graph, BP_E_SHAPE, "matmul: left is %s%s, right is %s%s; the inner sizes differ",
                         bp_shape_text(&sa, ta, sizeof ta), transpose_a ? " transposed" : "",
                         bp_shape_text(&sb, tb, sizeof tb), transpose_b ? " transposed" : "");
  }
  bp_shape out = sa.rank >= sb.rank ? sa : sb;
  out.dims[out.rank - 2] = da[transpose_a];
  out.dims[out.rank - 1] = db[!transpose_b];
  uint64_t bits = (transpose_a ? BP_MATMUL_TA : 0) | (transpose_b ? BP_MATMUL_TB : 0);
  if (out.rank == 2) return append_product(BP_OP_matmul, a, b, bits, &out);
  if (da[0] < 0 || db[0] < 0)
    return two_shapes("matmul", a, b, "a stack of matrices cannot meet a matrix of batch rows");
  if (sb.rank == 2 && !transpose_a && sa.dims[0] > 0 && da[1] > 0) return tall_product(a, b, bits, &out);
  return append_product(BP_OP_matmul_stack, a, b, bits, &out);
}

bp_var(bp_matmul)(bp_var a, bp_var b) { return (bp_matmul_t)(a, false, b, false); }

bp_var(bp_dot)(bp_var a, bp_var b) {
  bp_var args[] = {a, b};
  if (!bp_args_ok("dot", 2, args)) return bp_zero_of(bp_graph_of(args, 2));
  if (bp_shape_of(a)->rank == 0 || !bp_shape_equal(bp_shape_of(a), bp_shape_of(b)))
    return two_shapes("dot", a, b, "expected equal shapes of rank 1 or more");
  return bp_sum((bp_mul)(a, b), BP_LAST_AXIS);
}

bp_var(bp_outer)(bp_var a, bp_var b) {
  bp_var args[] = {a, b};
  if (!bp_args_ok("outer", 2, args)) return bp_zero_of(bp_graph_of(args, 2));
  bp_shape sa = *bp_shape_of(a), sb = *bp_shape_of(b);
  bool fit = sa.rank == sb.rank && sa.rank > 0 && sa.rank < BP_MAX_RANK;
  for (int i = 0; fit && i < sa.rank - 1; i++) fit = sa.dims[i] == sb.dims[i];
  if (!fit || sb.dims[sb.rank - 1] < 0) return two_shapes("outer", a, b, "expected vectors, leading axes equal");
  return (bp_mul)(bp_expand(a, -1), bp_expand(b, -2));
}

/* ---- diagonals and triangles ---- */
/* The diagonal of an n × n matrix, laid out flat, is every (n + 1)-th element. */
bp_var bp_diag(bp_var x) {
  if (!bp_args_ok("diag", 1, &x)) return bp_zero_of(x.graph);
  bp_shape s = *bp_shape_of(x);
  int64_t n = s.rank > 0 ? s.dims[s.rank - 1] : -1;
  if (n < 0 || n >= BP_SPAN_STEP_MAX || s.rank == BP_MAX_RANK) {
    char text[BP_SHAPE_TEXT];
    return bp_graph_fail(x.graph, BP_E_SHAPE, "diag: %s, expected vectors", bp_shape_text(&s, text, sizeof text));
  }
  bp_var flat = bp_place(x, s.rank - 1, n * n, bp_span_bits(0, n + 1));
  s.dims[s.rank++] = n;
  return (bp_reshape)(flat, s.rank, s.dims);
}

/* The first min(m, n) of every (n + 1)-th element of an m × n matrix: a tall one has more. */
bp_var(bp_diag_part)(bp_var x) {
  if (!bp_args_ok("diag_part", 1, &x)) return bp_zero_of(x.graph);
  bp_shape s = *bp_shape_of(x);
  int64_t n = s.rank >= 2 ? s.dims[--s.rank] : -1, m = n < 0 ? -1 : s.dims[s.rank - 1], shorter = m < n ? m : n;
  if (shorter < 0) {
    char text[BP_SHAPE_TEXT];
    return bp_graph_fail(x.graph, BP_E_SHAPE, "diag_part: %s, expected matrices",
                         bp_shape_text(bp_shape_of(x), text, sizeof text));
  }
  s.dims[s.rank - 1] = m * n;
  return (bp_slice)((bp_reshape)(x, s.rank, s.dims), -1, 0, shorter > 0 ? (shorter - 1) * (n + 1) + 1 : 0, n + 1);
}

static bp_var triangle(const char *op, bp_var x, bool upper, int diagonal) {
  if (!bp_args_ok(op, 1, &x)) return bp_zero_of(x.graph);
  if (bp_shape_of(x)->rank >= 2)
    return bp_append1(BP_OP_triangle, x, bp_shape_of(x), 0, bp_triangle_bits(upper, diagonal));
  char text[BP_SHAPE_TEXT];
  return bp_graph_fail(x.graph, BP_E_SHAPE, "%s: %s, expected matrices", op,
                       bp_shape_text(bp_shape_of(x), text, sizeof text));
}
bp_var bp_tril(bp_var x, int diagonal) { return triangle("tril", x, false, diagonal); }
bp_var bp_triu(bp_var x, int diagonal) { return triangle("triu", x, true, diagonal); }

/* ---- factors ---- */
bp_var(bp_cholesky)(bp_var a) {
  if (!bp_args_ok("cholesky", 1, &a) || !bp_real_args("cholesky", 1, &a) || !square_ok("cholesky", a))
    return bp_zero_of(a.graph);
  return bp_append1(BP_OP_cholesky, a, bp_shape_of(a), 0, 0);
}

/* A vector becomes a column, and its result a vector again; where there may be vectors, one axis less than a tells them. */
static bp_var solve_with(bp_op op, bp_var a, bp_var b, uint64_t bits, bool vectors) {
  const char *name = bp_op_table[op].name;
  bp_var args[] = {a, b};
  if (!bp_args_ok(name, 2, args) || !bp_real_args(name, 2, args) || !square_ok(name, a))
    return bp_zero_of(bp_graph_of(args, 2));
  const bp_shape sa = *bp_shape_of(a), to = *bp_shape_of(b);
  bool vector = vectors && to.rank == sa.rank - 1;
  bp_var column = vector ? bp_expand(b, -1) : b;
  if (a.graph->status != BP_OK) return bp_zero_of(a.graph);
  const bp_shape sb = *bp_shape_of(column);
  if (sb.rank < 2 || !stacks_fit(&sa, &sb) || sb.dims[sb.rank - 2] != sa.dims[sa.rank - 1])
    return two_shapes(name, a, b, "expected square matrices and right sides of as many rows");
  bp_shape out = sa.rank > sb.rank ? sa : sb;
  out.dims[out.rank - 1] = sb.dims[sb.rank - 1];
  bp_node node = {.op = (uint16_t)op, .dtype = (uint8_t)bp_dtype_of(a), .arg = {a.id, column.id}, .attr.bits = bits};
  bp_var x = bp_node_append(a.graph, node, &out);
  return vector ? (bp_reshape)(x, to.rank, to.dims) : x;
}

bp_var(bp_solve_triangular)(bp_var l, bp_var b, bool lower, bool transposed) {
  return solve_with(BP_OP_solve_triangular, l, b, (lower ? 0 : BP_SOLVE_UPPER) | (transposed ? BP_SOLVE_TRANSPOSED : 0),
                    true);
}
bp_var(bp_solve)(bp_var a, bp_var b) { return solve_with(BP_OP_solve, a, b, 0, true); }

bp_var bp_inverse(bp_var a) {
  if (!bp_args_ok("inverse", 1, &a) || !square_ok("inverse", a)) return bp_zero_of(a.graph);
  bp_shape row = {.rank = 1, .dims = {bp_shape_of(a)->dims[bp_shape_of(a)->rank - 1]}};
  return solve_with(BP_OP_solve, a, bp_diag(bp_full(a.graph, bp_dtype_of(a), &row, 1)), 0, false);
}

bp_var bp_logdet(bp_var a) {
  if (!bp_args_ok("logdet", 1, &a) || !bp_real_args("logdet", 1, &a) || !square_ok("logdet", a))
    return bp_zero_of(a.graph);
  bp_shape to = *bp_shape_of(a);
  to.rank -= 2;
  return bp_append1(BP_OP_logdet, a, &to, 0, 0);
}

bp_var bp_logdet_spd(bp_var a) {
  bp_var log_diagonal = bp_log((bp_diag_part)((bp_cholesky)(a)));
  if (log_diagonal.id == 0) return log_diagonal;
  return (bp_mul)(bp_sum(log_diagonal, BP_LAST_AXIS), bp_scalar(a.graph, bp_dtype_of(a), 2));
}
