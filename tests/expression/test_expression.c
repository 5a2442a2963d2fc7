/* The expression language: what the text means, against numbers worked out by hand. */
#include "expression/expression_fixtures.h"

static const xt_name point[] = {
    {"x", 0, {0}, {0.5}},
    {"y", 0, {0}, {-2}},
    {"v", 1, {3}, {1, 2, 3}},
    {"A", 2, {3, 2}, {1, 2, 3, 4, 5, 6}},
    {"S", 2, {2, 2}, {4, 1, 1, 3}},
    {"u", 1, {2}, {10, 20}},
    {"e1", 0, {0}, {7}},
};
enum { POINT = sizeof point / sizeof *point };

typedef struct row {
  const char *text, *shape;
  double value[6];
} row;

static void check_rows(bp_context *ctx, const row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double out[XT_ELEMENTS];
    char shape[64];
    int64_t elements = xt_eval(ctx, rows[i].text, point, POINT, out, shape);
    if (strcmp(shape, rows[i].shape) != 0) fail_msg("'%s' is %s, expected %s", rows[i].text, shape, rows[i].shape);
    for (int64_t e = 0; e < elements && e < 6; e++)
      if (out[e] != rows[i].value[e] && !(isnan(out[e]) && isnan(rows[i].value[e])))
        fail_msg("'%s': element %d is %.17g, expected %.17g", rows[i].text, (int)e, out[e], rows[i].value[e]);
  }
}
#define CHECK(rows) check_rows(bt_ctx(state), (rows), sizeof(rows) / sizeof *(rows))

static void numbers_are_read_exactly(void **state) {
  static const row rows[] = {
      {"1", "[]", {1}},
      {"-1.5", "[]", {-1.5}},
      {"1e-3", "[]", {1e-3}},
      {".5", "[]", {.5}},
      {"5.", "[]", {5}},
      {"1E+3", "[]", {1000}},
      {"0.1", "[]", {0.1}},
      {"123456789012345678", "[]", {123456789012345678.0}},
      {"1e999", "[]", {INFINITY}},
      {"  7 \t\n", "[]", {7}},
      {"00012", "[]", {12}},
      {"4.9e-324", "[]", {4.9e-324}},
  };
  CHECK(rows);
}

static void operators_bind_as_documented(void **state) {
  static const row rows[] = {
      {"-2^2", "[]", {-4}},
      {"(-2)^2", "[]", {4}},
      {"2^3^2", "[]", {512}},
      {"(2^3)^2", "[]", {64}},
      {"2^-1", "[]", {0.5}},
      {"2^-1*4", "[]", {2}},
      {"2^-2^2", "[]", {0.0625}},
      {"--2", "[]", {2}},
      {"-+-2", "[]", {2}},
      {"1+2*3", "[]", {7}},
      {"(1+2)*3", "[]", {9}},
      {"2-3-4", "[]", {-5}},
      {"2/4/2", "[]", {0.25}},
      {"2*3^2", "[]", {18}},
      {"-2*3", "[]", {-6}},
      {"2*-3", "[]", {-6}},
      {"2--3", "[]", {5}},
      {"1+1 < 3*1", "[]", {1}},
      {"1 < 1", "[]", {0}},
      {"1 <= 1", "[]", {1}},
      {"2 > 1", "[]", {1}},
      {"2 >= 3", "[]", {0}},
      {"2 == 2", "[]", {1}},
      {"2 != 2", "[]", {0}},
      {"3*(1 < 2)", "[]", {3}},
      {"-x^2", "[]", {-0.25}},
      {"y^2", "[]", {4}},
      {"y^3", "[]", {-8}},
      {"x*-y", "[]", {1}},
      {"10 - 2*3 + 4/2", "[]", {6}},
      {"u@S@u", "[]", {4 * 100 + 2 * 200 + 3 * 400}},
      {"2*v@v", "[]", {28}},
      {"-v@v", "[]", {-14}},
  };
  CHECK(rows);
}

static void postfix_binds_tightest(void **state) {
  static const row rows[] = {
      {"-v[1]", "[]", {-2}},
      {"v[2]^2", "[]", {9}},
      {"2^v[1]", "[]", {4}},
      {"A'[0,2]", "[]", {5}},
      {"-A'", "[2,3]", {-1, -3, -5, -2, -4, -6}},
      {"A''", "[3,2]", {1, 2, 3, 4, 5, 6}},
      {"[1,2,3][1]", "[]", {2}},
      {"(v + 1)[0]", "[]", {2}},
      {"A[1][0]", "[]", {3}},
      {"v'", "[3]", {1, 2, 3}},
      {"x'", "[]", {0.5}},
  };
  CHECK(rows);
}

static void lists_make_vectors_and_matrices(void **state) {
  static const row rows[] = {
      {"[1]", "[1]", {1}},
      {"[1, 2]", "[2]", {1, 2}},
      {"[[1, 2], [3, 4]]", "[2,2]", {1, 2, 3, 4}},
      {"[-1, +2, 3 - 1]", "[3]", {-1, 2, 2}},
      {"[x, y]", "[2]", {0.5, -2}},
      {"[x, 1, y]", "[3]", {0.5, 1, -2}},
      {"[u, [x, y]]", "[2,2]", {10, 20, 0.5, -2}},
      {"[[x], [y], [1]]", "[3,1]", {0.5, -2, 1}},
      {"[[[1, 2]], [[3, 4]]]", "[2,1,2]", {1, 2, 3, 4}},
      {"[v, v][1]", "[3]", {1, 2, 3}},
  };
  CHECK(rows);
}

static void indices_take_elements_and_ranges(void **state) {
  static const row rows[] = {
      {"v[0]", "[]", {1}},
      {"v[2]", "[]", {3}},
      {"v[1:3]", "[2]", {2, 3}},
      {"v[:2]", "[2]", {1, 2}},
      {"v[1:]", "[2]", {2, 3}},
      {"v[:]", "[3]", {1, 2, 3}},
      {"v[1:2]", "[1]", {2}},
      {"A[1]", "[2]", {3, 4}},
      {"A[1,0]", "[]", {3}},
      {"A[:,1]", "[3]", {2, 4, 6}},
      {"A[0:2,1]", "[2]", {2, 4}},
      {"A[1:,:]", "[2,2]", {3, 4, 5, 6}},
      {"A[1:2]", "[1,2]", {3, 4}},
      {"A[2][1]", "[]", {6}},
      {"A[:,1][2]", "[]", {6}},
      {"A[1:3][1]", "[2]", {5, 6}},
      {"[[1,2],[3,4]][1,0]", "[]", {3}},
  };
  CHECK(rows);
}

static void shapes_broadcast_from_the_end(void **state) {
  static const row rows[] = {
      {"v + 1", "[3]", {2, 3, 4}},
      {"2*v", "[3]", {2, 4, 6}},
      {"A + u", "[3,2]", {11, 22, 13, 24, 15, 26}},
      {"A*[[1],[2],[3]]", "[3,2]", {1, 2, 6, 8, 15, 18}},
      {"v^2", "[3]", {1, 4, 9}},
      {"v^[1,2,3]", "[3]", {1, 4, 27}},
      {"2^v", "[3]", {2, 4, 8}},
      {"v > 1.5", "[3]", {0, 1, 1}},
      {"v/[1,2,4]", "[3]", {1, 1, 0.75}},
  };
  CHECK(rows);
}

static void products_take_vectors_as_they_are_needed(void **state) {
  static const row rows[] = {
      {"v @ v", "[]", {14}},
      {"A @ u", "[3]", {50, 110, 170}},
      {"v @ A", "[2]", {22, 28}},
      {"A' @ v", "[2]", {22, 28}},
      {"A @ S", "[3,2]", {6, 7, 16, 15, 26, 23}},
      {"v' @ A", "[2]", {22, 28}},
      {"u' @ S @ u", "[]", {2000}},
      {"v' @ v", "[]", {14}},
      {"A' @ A", "[2,2]", {35, 44, 44, 56}},
      {"[[1,2]] @ [[3],[4]]", "[1,1]", {11}},
  };
  CHECK(rows);
}

static void the_last_part_is_the_value(void **state) {
  static const row rows[] = {
      {"a = 2; a*x", "[]", {1}},
      {"a = 2; b = a + 1; a*b", "[]", {6}},
      {"a = v[0]*v[1]; b = v[0] + v[1]; [a*b^2, a^2+b^2, a/b]", "[3]", {18, 13, 2. / 3}},
      {"a=1;\nb=2;\na+b", "[]", {3}},
      {"max = 3; max(max, 1)", "[]", {3}},
      {"e = x; e^2", "[]", {0.25}},
      {"_a1 = 2; _a1", "[]", {2}},
  };
  CHECK(rows);
}

static void names_come_before_constants(void **state) {
  static const row rows[] = {
      {"pi", "[]", {3.14159265358979323846}},
      {"e", "[]", {2.71828182845904523536}},
      {"e1", "[]", {7}},
      {"inf", "[]", {INFINITY}},
      {"-inf", "[]", {-INFINITY}},
      {"nan", "[]", {NAN}},
      {"2*pi", "[]", {2 * 3.14159265358979323846}},
  };
  CHECK(rows);
  static const xt_name e = {"e", 0, {0}, {5}};
  double out;
  (void)xt_eval(bt_ctx(state), "e + pi*0", &e, 1, &out, NULL);
  assert_true(out == 5);
}

static void the_names_that_are_used_are_told(void **state) {
  xt_case c;
  bt_assert_ok(bt_ctx(state), xt_parse(bt_ctx(state), "a = v; x*y", point, POINT, &c));
  static const bool used[] = {true, true, true, false, false, false, false};
  for (size_t i = 0; i < POINT; i++) assert_int_equal(c.names[i].used, used[i]);
  bp_graph_free(c.graph);
}

static void bindings_name_their_variables(void **state) {
  xt_case c;
  bt_assert_ok(bt_ctx(state), xt_parse(bt_ctx(state), "energy = x*y; energy + 1", point, POINT, &c));
  bool found = false;
  for (uint32_t id = 1; id < bp_graph_size(c.graph); id++)
    found = found || strcmp(bp_var_name((bp_var){c.graph, id}), "energy") == 0;
  assert_true(found);
  assert_string_equal(bp_var_name(c.vars[0]), "x");
  bp_graph_free(c.graph);
}

/* A binding for a name must not rename it, and a square is built as one. */
static void an_alias_keeps_its_name(void **state) {
  xt_case c;
  bt_assert_ok(bt_ctx(state), xt_parse(bt_ctx(state), "a = x; a^2", point, POINT, &c));
  assert_string_equal(bp_var_name(c.vars[0]), "x");
  assert_string_equal(bp_var_op(c.y), "square");
  bp_graph_free(c.graph);
}

static void numbers_have_the_element_type_asked_for(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_graph *g;
  bp_var y;
  float value[2] = {0}, x = 3;
  double wide = 2;
  bt_assert_ok(ctx, bp_graph_new(ctx, &g));
  bp_expression_name names[] = {{.name = "x", .var = bp_input(g, "x", BP_F32, 0, NULL)},
                                {.name = "w", .var = bp_input(g, "w", BP_F64, 0, NULL)}};
  bt_assert_ok(ctx, bp_expression_parse(g, BP_F32, "[x + 0.5, w*2.5]", names, 2, &y));
  assert_int_equal(bp_var_dtype(y), BP_F32);
  bt_assert_ok(ctx, bp_eval(&y, 1, (bp_var[]){names[0].var, names[1].var}, 2, 0, (const void *[]){&x, &wide},
                            (void *[]){value}));
  assert_true(value[0] == 3.5f && value[1] == 5.f);
  bp_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(numbers_are_read_exactly),
      BT_TEST(operators_bind_as_documented),
      BT_TEST(postfix_binds_tightest),
      BT_TEST(lists_make_vectors_and_matrices),
      BT_TEST(indices_take_elements_and_ranges),
      BT_TEST(shapes_broadcast_from_the_end),
      BT_TEST(products_take_vectors_as_they_are_needed),
      BT_TEST(the_last_part_is_the_value),
      BT_TEST(names_come_before_constants),
      BT_TEST(the_names_that_are_used_are_told),
      BT_TEST(bindings_name_their_variables),
      BT_TEST(an_alias_keeps_its_name),
      BT_TEST(numbers_have_the_element_type_asked_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
