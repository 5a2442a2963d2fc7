/* What the expression language refuses: each mistake with its place, and each limit at its edge. */
/* labels: unit */
#include <stdlib.h>

#include "expression/expression_fixtures.h"

static const xt_name point[] = {
    {"x", 0, {0}, {0.5}},   {"y1", 0, {0}, {2}}, {"v", 1, {3}, {1, 2, 3}}, {"A", 2, {2, 3}, {1, 2, 3, 4, 5, 6}},
    {"total", 0, {0}, {1}},
};
enum { POINT = sizeof point / sizeof *point };

static const struct {
  const char *text;
  bp_status status;
  const char *message; /* all of it */
} refused[] = {
    /* characters */
    {"x$", BP_E_ARG, "column 2: unexpected character '$'"},
    {"x + €", BP_E_ARG, "column 5: unexpected character '€'"},
    {"x − 1", BP_E_ARG, "column 3: '−' is not part of the language; write -"},
    {"x**2", BP_E_ARG, "column 2: '**' is not part of the language; a power is written ^"},
    {"x²", BP_E_ARG, "column 2: '²' is not part of the language; write ^2"},
    {"!x", BP_E_ARG, "column 1: '!' is not part of the language; not equal is written !="},
    {"π*x", BP_E_ARG, "column 1: 'π' is not part of the language; write pi"},
    {"x \xff", BP_E_ARG, "column 3: unexpected character '?'"},
    {"x \x01", BP_E_ARG, "column 3: unexpected character '?'"},
    /* grammar */
    {"", BP_E_ARG, "column 1: expected a number, a name, '(' or '[', found the end"},
    {"   ", BP_E_ARG, "column 4: expected a number, a name, '(' or '[', found the end"},
    {"x +", BP_E_ARG, "column 4: expected a number, a name, '(' or '[', found the end"},
    {"x + * 2", BP_E_ARG, "column 5: expected a number, a name, '(' or '[', found '*'"},
    {"(x", BP_E_ARG, "column 3: expected ')', found the end"},
    {"x)", BP_E_ARG, "column 2: expected an operator or the end, found ')'"},
    {"x y1", BP_E_ARG, "column 3: expected an operator before 'y1'; a product is written with *"},
    {"2x", BP_E_ARG, "column 2: expected an operator before 'x'; a product is written with *"},
    {"2e", BP_E_ARG, "column 2: expected an operator before 'e'; a product is written with *"},
    {"1.2.3", BP_E_ARG, "column 4: expected an operator before '.3'; a product is written with *"},
    {"(x)(x)", BP_E_ARG, "column 4: expected an operator before '('; a product is written with *"},
    {"[1, 2", BP_E_ARG, "column 6: expected ',' or ']', found the end"},
    {"[1, 2,]", BP_E_ARG, "column 7: expected a number, a name, '(' or '[', found ']'"},
    {"[]", BP_E_ARG, "column 1: a vector needs at least one element"},
    {"x < y1 < 2", BP_E_ARG, "column 8: comparisons do not chain; write (a < b)*(b < c)"},
    {"x = 1", BP_E_ARG, "column 1: 'x' already has a value"},
    {"a = 1; a = 2; a", BP_E_ARG, "column 8: 'a' already has a value"},
    {"a = 1", BP_E_ARG, "column 6: the last part is the value, not a binding; add '; a'"},
    {"a = 1;", BP_E_ARG, "column 7: expected a number, a name, '(' or '[', found the end"},
    {"a = 1 a", BP_E_ARG, "column 7: expected an operator before 'a'; a product is written with *"},
    {"a = ; x", BP_E_ARG, "column 5: expected a number, a name, '(' or '[', found ';'"},
    {"x; y1", BP_E_ARG, "column 2: only the last part is the value; the parts before it are bindings: name = ..."},
    {"x + (kk = 1)", BP_E_ARG, "column 6: unknown name 'kk'; it was not given a value; given: x, y1, v, A, total"},
    {"2 = x", BP_E_ARG, "column 3: expected an operator or the end, found '='"},
    /* names */
    {"xx", BP_E_ARG, "column 1: unknown name 'xx'; did you mean x?"},
    {"x + totla", BP_E_ARG, "column 5: unknown name 'totla'; did you mean total?"},
    {"quantity*x", BP_E_ARG, "column 1: unknown name 'quantity'; it was not given a value; given: x, y1, v, A, total"},
    {"a = b; b = 1; a", BP_E_ARG, "column 5: unknown name 'b'; it was not given a value; given: x, y1, v, A, total"},
    {"exp + 1", BP_E_ARG, "column 1: exp is a function; its argument goes in parentheses: exp(...)"},
    {"x(2)", BP_E_ARG, "column 1: x is no function; a product is written with *"},
    {"x1*x2 + 3.0*sigmod(x)", BP_E_ARG, "column 1: unknown name 'x1'; did you mean x?"},
    {"x + y1 + 3.0*sigmod(x)", BP_E_ARG, "column 14: unknown function 'sigmod'; did you mean sigmoid?"},
    {"frobnicate(x)", BP_E_ARG, "column 1: unknown function 'frobnicate'"},
    {"sin(oops)", BP_E_ARG, "column 5: unknown name 'oops'; it was not given a value; given: x, y1, v, A, total"},
    /* calls */
    {"sin()", BP_E_ARG, "column 1: sin(x) does not take 0 arguments"},
    {"1 + atan2(x)", BP_E_ARG, "column 5: atan2(y, x) does not take 1 argument"},
    {"sin(x, x)", BP_E_ARG, "column 1: sin(x) does not take 2 arguments"},
    {"sin(x", BP_E_ARG, "column 6: expected ',' or ')', found the end"},
    {"sum(v, 1)", BP_E_SHAPE, "column 1: sum: no axis 1 in the shape [3]; axes count from 0"},
    {"sum(v, -1)", BP_E_SHAPE, "column 1: sum: no axis -1 in the shape [3]; axes count from 0"},
    {"sum(v, 0.5)", BP_E_ARG, "column 1: the axis must be a whole number, written as one"},
    {"sum(v, x)", BP_E_ARG, "column 1: the axis must be a whole number, written as one"},
    {"dot(v, A)", BP_E_SHAPE, "column 1: dot: the argument is [2,3]; expected a vector"},
    {"outer(x, v)", BP_E_SHAPE, "column 1: outer: the argument is []; expected a vector"},
    {"softmax(x)", BP_E_SHAPE, "column 1: softmax: the argument is []; expected a vector or a matrix"},
    {"inverse(v)", BP_E_SHAPE, "column 1: inverse: the argument is [3]; expected a matrix"},
    {"reshape(v, 0)", BP_E_SHAPE, "column 1: reshape: a size is 0, expected at least 1"},
    {"reshape(v, 1, 1, 1, 1, 1, 1, 1, 1, 1)", BP_E_ARG, "column 1: reshape(x, n, m, ...) does not take 10 arguments"},
    /* shapes */
    {"v + [1, 2]", BP_E_SHAPE,
     "column 3: add: shapes [3] and [2] do not broadcast: sizes, aligned at the end, must be equal or 1"},
    {"A @ A", BP_E_SHAPE, "column 3: @: left is [2,3], right is [2,3]; the inner sizes differ"},
    {"v @ [1, 2]", BP_E_SHAPE, "column 3: @: left is [3], right is [2]; the sizes differ"},
    {"v @ A", BP_E_SHAPE, "column 3: @: left is [3], right is [2,3]; the inner sizes differ"},
    {"v @ v'", BP_E_SHAPE, "column 3: @: left is [3], right is [3]; the product of a column and a row is outer(a, b)"},
    {"2 @ v", BP_E_SHAPE, "column 3: @: left is [], right is [3]; a number is multiplied with *"},
    {"[[[1]]] @ v", BP_E_SHAPE, "column 9: @: left is [1,1,1], right is [3]; expected vectors or matrices"},
    {"[1, v]", BP_E_SHAPE, "column 1: element 0 has the shape [], element 1 has [3]; the elements of a list are alike"},
    {"[[1, 2], [3]]", BP_E_SHAPE,
     "column 1: element 0 has the shape [2], element 1 has [1]; the elements of a list are alike"},
    {"[[[[[[[[[1]]]]]]]]]", BP_E_SHAPE, "column 1: lists nest at most 8 deep"},
    /* indices */
    {"v[3]", BP_E_SHAPE, "column 3: there is no element 3: that axis has 3, the shape is [3]"},
    {"A[0,3]", BP_E_SHAPE, "column 5: there is no element 3: that axis has 3, the shape is [2,3]"},
    {"v[-1]", BP_E_ARG, "column 3: an index counts from 0 at the beginning; it is never negative"},
    {"v[0:-1]", BP_E_ARG, "column 5: an index counts from 0 at the beginning; it is never negative"},
    {"v[0.5]", BP_E_ARG, "column 3: expected a whole number as index, found '0.5'"},
    {"v[x]", BP_E_ARG, "column 3: expected a whole number as index, found 'x'"},
    {"v[]", BP_E_ARG, "column 3: expected a whole number as index, found ']'"},
    {"v[0", BP_E_ARG, "column 4: expected ',' or ']', found the end"},
    {"v[1:4]", BP_E_SHAPE, "column 3: a range to 4: that axis has 3 elements, the shape is [3]"},
    {"v[2:2]", BP_E_SHAPE, "column 3: no element from 2 to before 2; the shape is [3]"},
    {"v[3:]", BP_E_SHAPE, "column 3: no element from 3 to before 3; the shape is [3]"},
    {"v[0,0]", BP_E_SHAPE, "column 2: 2 indices, but the shape is [3]"},
    {"x[0]", BP_E_SHAPE, "column 2: a number has no elements"},
    {"A[0,0,0,0,0,0,0,0,0]", BP_E_SHAPE, "column 19: more than 8 indices"},
    {"v[1e300]", BP_E_ARG, "column 3: expected a whole number as index, found '1e300'"},
};

/* The message, and the same one on the graph; the result is a null variable, and later builders do nothing. */
static void mistakes_are_told_with_their_place(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    xt_case c;
    bp_status status = xt_parse(ctx, refused[i].text, point, POINT, &c);
    if (status != refused[i].status || strcmp(bp_error_message(ctx), refused[i].message) != 0)
      fail_msg("'%s' gives %s '%s'\n expected %s '%s'", refused[i].text, bp_status_name(status), bp_error_message(ctx),
               bp_status_name(refused[i].status), refused[i].message);
    assert_ptr_equal(c.y.graph, c.graph);
    assert_int_equal(c.y.id, 0);
    assert_int_equal(bp_graph_status(c.graph), status);
    assert_string_equal(bp_graph_message(c.graph), refused[i].message);
    assert_true(bp_var_is_zero(bp_exp(c.vars[0])));
    bp_graph_free(c.graph);
  }
}

static void a_graph_with_an_error_is_refused(void **state) {
  bp_context *ctx = bt_ctx(state);
  xt_case c;
  bp_var y;
  bt_assert_fails(ctx, BP_E_ARG, xt_parse(ctx, "x +", point, POINT, &c));
  bt_assert_fails(ctx, BP_E_GRAPH, bp_expression_parse(c.graph, BP_F64, "1", NULL, 0, &y));
  bt_assert_message(ctx, "column 4");
  bp_graph_free(c.graph);
}

static void refuse_names(bp_context *ctx, const char *const *names, size_t n, bp_status status, const char *message) {
  bp_graph *g;
  bp_expression_name list[4];
  bp_var y = {NULL, 0};
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  for (size_t i = 0; i < n; i++)
    list[i] = (bp_expression_name){.name = names[i], .var = bp_input(g, names[i], BP_F64, 0, NULL)};
  if (n == 4) list[3].var = (bp_var){g, 0};
  bt_assert_fails(ctx, status, bp_expression_parse(g, BP_F64, "1", list, n, &y));
  bt_assert_message(ctx, message);
  assert_ptr_equal(y.graph, g);
  assert_int_equal(y.id, 0);
  bp_graph_free(g);
}

static void names_must_be_names(void **state) {
  bp_context *ctx = bt_ctx(state);
  refuse_names(ctx, (const char *[]){"2x"}, 1, BP_E_ARG, "'2x' is no name");
  refuse_names(ctx, (const char *[]){""}, 1, BP_E_ARG, "'' is no name");
  refuse_names(ctx, (const char *[]){"a b"}, 1, BP_E_ARG, "'a b' is no name");
  refuse_names(ctx, (const char *[]){"é"}, 1, BP_E_ARG, "is no name");
  refuse_names(ctx, (const char *[]){"a", "b", "a"}, 3, BP_E_ARG, "the name 'a' is given twice");
  refuse_names(ctx, (const char *[]){"a", "b", "c", "d"}, 4, BP_E_ARG, "'d' is no variable of this graph");
}

static void the_element_type_must_be_real(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bp_var y;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bt_assert_fails(ctx, BP_E_DTYPE, bp_expression_parse(g, BP_I32, "1", NULL, 0, &y));
  bp_graph_free(g);
}

/* ---- limits ---- */
/* head, then `n` times `piece`, then tail. */
static char *repeated(const char *head, const char *piece, size_t n, const char *tail) {
  size_t size = strlen(head) + n * strlen(piece) + strlen(tail) + 1;
  char *text = malloc(size), *at = text;
  assert_non_null(text);
  at += sprintf(at, "%s", head);
  for (size_t i = 0; i < n; i++) at += sprintf(at, "%s", piece);
  (void)sprintf(at, "%s", tail);
  return text;
}

/* BP_OK, or the failure; the text is freed. */
static bp_status parse_and_free(bp_context *ctx, char *text) {
  xt_case c;
  bp_status status = xt_parse(ctx, text, point, POINT, &c);
  bp_graph_free(c.graph);
  free(text);
  return status;
}

static void nesting_is_limited(void **state) {
  static const struct {
    const char *open, *close;
    size_t levels;
  } nested[] = {{"(", ")", 1}, {"sin(", ")", 1}, {"max(1,", ")", 1}, {"-", "", 1}, {"2^", "", 1}, {"1-(", ")", 2}};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
    size_t most = (BP_EXPRESSION_DEPTH_MAX - 1) / nested[i].levels; /* the whole is a level itself */
    char *close = repeated("x", nested[i].close, most, "");
    bt_assert_ok(ctx, parse_and_free(ctx, repeated("", nested[i].open, most, close)));
    bt_assert_fails(ctx, BP_E_LIMIT, parse_and_free(ctx, repeated("", nested[i].open, most + 1, close)));
    bt_assert_message(ctx, "nested deeper than 100");
    free(close);
  }
}

static void what_does_not_nest_may_be_long(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_assert_ok(ctx, parse_and_free(ctx, repeated("x", "+x", 10000, "")));
  bt_assert_ok(ctx, parse_and_free(ctx, repeated("x", "*2-1", 10000, "")));
  bt_assert_ok(ctx, parse_and_free(ctx, repeated("A", "'", 10000, "")));
  bt_assert_ok(ctx, parse_and_free(ctx, repeated("v", "[:]", 10000, "")));
  bt_assert_ok(ctx, parse_and_free(ctx, repeated("[1", ",1", 20000, "]")));
  bt_assert_ok(ctx, parse_and_free(ctx, repeated("[x", ",x", 20000, "]")));
}

static void the_text_is_limited(void **state) {
  bp_context *ctx = bt_ctx(state);
  bt_assert_ok(ctx, parse_and_free(ctx, repeated("1", " ", BP_EXPRESSION_TEXT_MAX - 1, "")));
  bt_assert_fails(ctx, BP_E_LIMIT, parse_and_free(ctx, repeated("1", " ", BP_EXPRESSION_TEXT_MAX, "")));
  bt_assert_message(ctx, "an expression of 65537 bytes; the limit is 65536");
  bt_assert_fails(ctx, BP_E_LIMIT, parse_and_free(ctx, repeated("0.", "1", 2000, "")));
  bt_assert_message(ctx, "column 1: a number of 2002 characters is too long");
}

static void names_are_limited(void **state) {
  bp_context *ctx = bt_ctx(state);
  for (int extra = 0; extra <= 1; extra++) {
    char *text = malloc(32 * BP_EXPRESSION_NAMES_MAX), *at = text;
    assert_non_null(text);
    for (int i = 0; i < BP_EXPRESSION_NAMES_MAX - POINT + extra; i++) at += sprintf(at, "a%d=1;", i);
    (void)sprintf(at, "x");
    assert_int_equal(parse_and_free(ctx, text), extra ? BP_E_LIMIT : BP_OK);
  }
  bt_assert_message(ctx, "more than 1024 names");
}

/* A short text may ask for a large array; memory is taken only when it is evaluated, so the limit is a shape. */
static void arrays_are_limited(void **state) {
  bp_context *ctx = bt_ctx(state);
  char text[] =
      "a = outer(v, v); b = reshape(a, 9); c = reshape(outer(b, b), 81); d = reshape(outer(c, c), 6561); outer(d, d)";
  xt_case c;
  bt_assert_fails(ctx, BP_E_LIMIT, xt_parse(ctx, text, point, POINT, &c));
  bt_assert_message(ctx, "column 99: an array of 43046721 elements; the limit is 16777216");
  bp_graph_free(c.graph);
  bt_assert_fails(
      ctx, BP_E_LIMIT,
      xt_parse(ctx,
               "a = outer(v, v); b = reshape(a, 9); c = reshape(outer(b, b), 81); diag(reshape(outer(c, c), 6561))",
               point, POINT, &c));
  bp_graph_free(c.graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(mistakes_are_told_with_their_place),
      BT_TEST(a_graph_with_an_error_is_refused),
      BT_TEST(names_must_be_names),
      BT_TEST(the_element_type_must_be_real),
      BT_TEST(nesting_is_limited),
      BT_TEST(what_does_not_nest_may_be_long),
      BT_TEST(the_text_is_limited),
      BT_TEST(names_are_limited),
      BT_TEST(arrays_are_limited),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
