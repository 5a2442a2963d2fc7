/* expression_operators.c - the table of operators between two values. Floor: expression. */
#include <string.h>

#include "expression/language.h"

/* ---- elementwise ---- */
typedef bp_var (*binary_builder)(bp_var a, bp_var b);

static bp_var elementwise(bp_parser *p, const char *at, bp_var a, bp_var b, binary_builder build) {
  bp_var v[] = {a, b};
  bp_align_rows(v, 2);
  return bp_built(p, at, build(v[0], v[1]));
}

#define ELEMENTWISE(name)                                                                                              \
  static bp_var build_##name(bp_parser *p, const char *at, bp_var a, bp_var b) {                                       \
    return elementwise(p, at, a, b, bp_##name);                                                                        \
  }
ELEMENTWISE(add)
ELEMENTWISE(sub)
ELEMENTWISE(mul)
ELEMENTWISE(div)
ELEMENTWISE(less)
ELEMENTWISE(less_equal)
ELEMENTWISE(greater)
ELEMENTWISE(greater_equal)
ELEMENTWISE(equal)
ELEMENTWISE(not_equal)

/* x^2 is a square: exact, cheap, and differentiated as such. */
static bp_var build_power(bp_parser *p, const char *at, bp_var a, bp_var b) {
  if (bp_op_of(b) == BP_OP_scalar && bp_node_of(b)->attr.scalar == 2) return bp_built(p, at, bp_square(a));
  return elementwise(p, at, a, b, bp_pow);
}

/* ---- matrix product ---- */
static bp_var no_product(bp_parser *p, const char *at, bp_var a, bp_var b, const char *why) {
  char ta[BP_SHAPE_TEXT], tb[BP_SHAPE_TEXT];
  return bp_parse_fail(p, at, BP_E_SHAPE, "@: left is %s, right is %s; %s", bp_var_shape_text(a, ta, sizeof ta),
                       bp_var_shape_text(b, tb, sizeof tb), why);
}

static bp_var dot_product(bp_parser *p, const char *at, bp_var a, bp_var b) {
  bp_var v[] = {a, b};
  if (p->row_vector) return no_product(p, at, a, b, "the product of a column and a row is outer(a, b)");
  if (bp_var_dim(a, -1) != bp_var_dim(b, -1)) return no_product(p, at, a, b, "the sizes differ");
  bp_share_batch(v, 2);
  return bp_dot(v[0], v[1]);
}

/* x without an axis of size 1. */
static bp_var without_axis(bp_var x, int axis) {
  bp_shape s = *bp_shape_of(x);
  if (x.id == 0) return x;
  for (int i = axis; i + 1 < s.rank; i++) s.dims[i] = s.dims[i + 1];
  return bp_reshape(x, s.rank - 1, s.dims);
}

/* A row [k] in front of a matrix, a column [k] behind one. */
static bp_var row_times(bp_var x, bp_var a) {
  if (bp_is_batched(x) && !bp_is_batched(a))
    return bp_matmul(x, a); /* the rows of the batch are the rows of a matrix */
  bp_var y = bp_matmul(bp_expand(x, -2), a);
  return without_axis(y, bp_shape_of(y)->rank - 2);
}

static bp_var times_column(bp_var a, bp_var x) {
  if (bp_is_batched(x) && !bp_is_batched(a)) return bp_matmul_t(x, false, a, true);
  bp_var y = bp_matmul(a, bp_expand(x, -1));
  return without_axis(y, bp_shape_of(y)->rank - 1);
}

static bp_var build_product(bp_parser *p, const char *at, bp_var a, bp_var b) {
  int ra = bp_row_rank(a), rb = bp_row_rank(b);
  if (ra == 0 || rb == 0) return no_product(p, at, a, b, "a number is multiplied with *");
  if (ra > 2 || rb > 2) return no_product(p, at, a, b, "expected vectors or matrices");
  if (ra == 1 && rb == 1) return bp_built(p, at, dot_product(p, at, a, b));
  if (bp_var_dim(a, -1) != bp_var_dim(b, rb == 1 ? -1 : -2)) return no_product(p, at, a, b, "the inner sizes differ");
  return bp_built(p, at, ra == 1 ? row_times(a, b) : rb == 1 ? times_column(a, b) : bp_matmul(a, b));
}

/* ---- the table ---- */
static const bp_operator operators[] = {
    {"<", BP_COMPARES, false, build_less},      {"<=", BP_COMPARES, false, build_less_equal},
    {">", BP_COMPARES, false, build_greater},   {">=", BP_COMPARES, false, build_greater_equal},
    {"==", BP_COMPARES, false, build_equal},    {"!=", BP_COMPARES, false, build_not_equal},
    {"+", BP_ADDS, false, build_add},           {"-", BP_ADDS, false, build_sub},
    {"*", BP_MULTIPLIES, false, build_mul},     {"/", BP_MULTIPLIES, false, build_div},
    {"@", BP_MULTIPLIES, false, build_product}, {"^", BP_POWERS, true, build_power},
};

const bp_operator *bp_operator_of(const bp_token *token) {
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (bp_token_is(token, operators[i].symbol)) return &operators[i];
  return NULL;
}
