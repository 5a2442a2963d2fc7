/* test_csv.c - CSV text that is as it should be, in all its ways. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/data_fixtures.h"
#include "data/table_core.h"

/* Column by column: "name:n 1 nan 2" for numbers, "name:t red _ blue" for text ("_" missing), parted by " | ". */
static const char *describe(const bp_table *t, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int64_t c = 0; c < bp_table_columns(t); c++) {
    bool number = bp_table_type(t, c) == BP_COLUMN_NUMBER;
    used += (size_t)snprintf(text + used, size - used, "%s%s:%s", c > 0 ? " | " : "", bp_table_name(t, c),
                             number ? "n" : "t");
    for (int64_t r = 0; r < bp_table_rows(t); r++) {
      const char *word = bp_table_text(t, r, c);
      if (number)
        used += (size_t)snprintf(text + used, size - used, " %g", bp_table_number(t, r, c));
      else
        used += (size_t)snprintf(text + used, size - used, " %s", *word ? word : "_");
    }
  }
  return text;
}

typedef struct row {
  const char *text;
  bp_read_options options;
  const char *expected;
} row;

static void check_rows(bp_context *ctx, const row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    bp_table *t = NULL;
    char found[1000];
    bt_assert_ok(ctx, bt_read_csv(ctx, rows[i].text, &rows[i].options, &t));
    assert_string_equal(describe(t, found, sizeof found), rows[i].expected);
    assert_string_equal(bp_table_origin(t), "t.csv");
    bp_table_free(t);
  }
}
#define CHECK(ctx, rows) check_rows((ctx), (rows), sizeof(rows) / sizeof *(rows))

static void reads_plain_rows(void **state) {
  static const row rows[] = {
      {"a,b\n1,2\n3,4\n", {0}, "a:n 1 3 | b:n 2 4"},
      {"a,b\n1,2\n3,4", {0}, "a:n 1 3 | b:n 2 4"},
      {"a,b\r\n1,2\r\n3,4\r\n", {0}, "a:n 1 3 | b:n 2 4"},
      {"a,b\r1,2\r3,4\r", {0}, "a:n 1 3 | b:n 2 4"},
      {"\xEF\xBB\xBF"
       "a,b\n1,2\n",
       {0},
       "a:n 1 | b:n 2"},
      {"\n\na,b\n\n1,2\n   \n3,4\n\n\n", {0}, "a:n 1 3 | b:n 2 4"},
      {" a , b \n 1 ,\t2\n", {0}, "a:n 1 | b:n 2"},
      {"a\n1\n2\n", {0}, "a:n 1 2"},
      {"größe,色\n1,2\n", {0}, "größe:n 1 | 色:n 2"},
  };
  CHECK(bt_ctx(state), rows);
}

static void reads_quotes_by_rfc_4180(void **state) {
  static const row rows[] = {
      {"a,b\n\"x, y\",1\n", {0}, "a:t x, y | b:n 1"},
      {"a,b\n\"x \"\"y\"\" z\",1\n", {0}, "a:t x \"y\" z | b:n 1"},
      {"a,b\n\"two\nlines\",1\n\"\r\n\",2\n", {0}, "a:t two\nlines \r\n | b:n 1 2"},
      {"\"a,1\",\"b\"\"\"\n\"1\",\"2\"\n", {0}, "a,1:n 1 | b\":n 2"},
      {"a,b\n \" x \" ,1\n", {0}, "a:t  x  | b:n 1"},
      {"a,b\n5\" pipe,1\n", {0}, "a:t 5\" pipe | b:n 1"},
      {"a,b\n\"\",1\n", {0}, "a:n nan | b:n 1"},
      {"a,b\n\"\"\"\",1\n", {0}, "a:t \" | b:n 1"},
  };
  CHECK(bt_ctx(state), rows);
}

static void finds_the_delimiter(void **state) {
  static const row rows[] = {
      {"a;b\n1;2\n", {0}, "a:n 1 | b:n 2"},
      {"a\tb\n1\t2\n", {0}, "a:n 1 | b:n 2"},
      {"a\tb\n\t2\n", {0}, "a:n nan | b:n 2"},
      {"a|b\n1|2\n", {0}, "a:n 1 | b:n 2"},
      {"a b\n1 2\n", {0}, "a:n 1 | b:n 2"},
      {"  a    b\n  1   2  \n 10  20\n", {0}, "a:n 1 10 | b:n 2 20"},
      {"\"a\" \"b c\"\n1 2\n", {0}, "a:n 1 | b c:n 2"},
      {"a;b\n1,2,k;3\n", {0}, "a:t 1,2,k | b:n 3"},
      {"x,tags\n1,a;b\n2,c;d\n", {0}, "x:n 1 2 | tags:t a;b c;d"},
      {"name,place\nAda Lovelace,London\nAlan Turing,Maida Vale\n",
       {0},
       "name:t Ada Lovelace Alan Turing | place:t London Maida Vale"},
      {"sentence\none two three\nfour\n", {0}, "sentence:t one two three four"},
      {"a b,c\n1 2,3\n", {.delimiter = ','}, "a b:t 1 2 | c:n 3"},
  };
  CHECK(bt_ctx(state), rows);
}

static void finds_the_header(void **state) {
  static const row rows[] = {
      {"1,2\n3,4\n", {0}, "x0:n 1 3 | x1:n 2 4"},
      {"5.1,3.5,setosa\n4.9,3.0,setosa\n", {0}, "x0:n 5.1 4.9 | x1:n 3.5 3 | x2:t setosa setosa"},
      {"?,1\n2,3\n", {0}, "x0:n nan 2 | x1:n 1 3"},
      {"city,2019,2020\nRome,1,2\n", {.header = 1}, "city:t Rome | 2019:n 1 | 2020:n 2"},
      {"age,2019\n30,1\n31,\n", {0}, "age:n 30 31 | 2019:n 1 nan"},
      {"name,kind\nred,warm\n", {0}, "name:t red | kind:t warm"},
      {"red,warm\nblue,cold\n", {.header = -1}, "x0:t red blue | x1:t warm cold"},
      {"1,2\n3,4\n", {.header = 1}, "1:n 3 | 2:n 4"},
      {"7\n", {0}, "x0:n 7"},
  };
  CHECK(bt_ctx(state), rows);
}

static void knows_missing_values(void **state) {
  static const row rows[] = {
      {"a,b\nNA,?\n1,x\nN/A,null\n,\nNaN,NULL\nnan,y\n", {0}, "a:n nan 1 nan nan nan nan | b:t _ x _ _ _ y"},
      {"a,b\n-999,x\n1,none\n,\"\"\n", {.missing = "-999, none"}, "a:n nan 1 nan | b:t x _ _"},
      {"a,b\nNA,1\nx,2\n", {.missing = ""}, "a:t NA x | b:n 1 2"},
      {"a,b\n99,99\n1,-1\nNA,2\n", {.missing = "a=99"}, "a:n nan 1 nan | b:n 99 -1 2"},
      {"a,b\n99,99\n1,-1\n,2\n", {.missing = "a=99, b=-1, a=1"}, "a:n nan nan nan | b:n 99 nan 2"},
      {"a,b\n99,x\n1,none\nNA,2\n", {.missing = "a=99,none"}, "a:t _ 1 NA | b:t x _ 2"},
      {"a=b,a\n1,1\n2,2\n", {.missing = "a=b=2"}, "a=b:n 1 nan | a:n 1 2"},
      {"a,b\nq=1,1\nx,2\n", {.missing = "q=1"}, "a:t _ x | b:n 1 2"},
      {"a,b\n,1\n,2\n", {0}, "a:n nan nan | b:n 1 2"},
  };
  CHECK(bt_ctx(state), rows);
}

static void takes_columns_as_text_when_asked(void **state) {
  static const row rows[] = {
      {"zip,n\n01234,1\n99999,2\n", {.as_text = "zip"}, "zip:t 01234 99999 | n:n 1 2"},
      {"a,\"b,c\"\n1,2\nNA,3\n", {.as_text = "a, \"b,c\""}, "a:t 1 _ | b,c:t 2 3"},
      {"a,b\n1,2\n3,x\n", {0}, "a:n 1 3 | b:t 2 x"},
  };
  CHECK(bt_ctx(state), rows);
}

static void reads_every_kind_of_number(void **state) {
  static const row rows[] = {
      {"a\n1\n-2\n+3\n.5\n5.\n1e3\n1E-3\n\"7\"\n", {0}, "a:n 1 -2 3 0.5 5 1000 0.001 7"},
      {"a\ninf\n-Infinity\n1\n", {0}, "a:n inf -inf 1"},
  };
  CHECK(bt_ctx(state), rows);
}

static void mixed_columns_are_text_below_the_share(void **state) {
  bp_context *ctx = bt_ctx(state);
  char text[400] = "a\n";
  for (int i = 0; i < 18; i++) (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d\n", i);
  strcat(text, "k\n");
  bp_table *t = bt_table(ctx, text);
  assert_int_equal(bp_table_type(t, 0), BP_COLUMN_TEXT);
  assert_string_equal(bp_table_text(t, 17, 0), "17");
  bp_table_free(t);
}

static void knows_the_line_of_every_row(void **state) {
  static const struct {
    const char *text;
    int64_t first_line;
  } rows[] = {{"a,b\n1,2\n3,4\n", 2},        {"1,2\n3,4\n", 1},
              {"\n\na,b\n1,2\n3,4", 4},      {"a,b\n1,2\n\n3,4\n", 0},
              {"a,b\n\"x\ny\",2\n3,4\n", 0}, {"a,b\r\n1,2\r\n3,4\r\n\r\n", 2},
              {"a,b\r1,2\r3,4\r", 2},        {"\"a\nb\",c\n1,2\n", 3}};
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bp_table *t = bt_table(ctx, rows[i].text);
    assert_int_equal(t->first_line, rows[i].first_line);
    bp_table_free(t);
  }
}

static void one_row_of_many_columns(void **state) {
  enum { MANY = 50000 };
  static char text[MANY * 16];
  bp_context *ctx = bt_ctx(state);
  size_t used = 0;
  for (int i = 0; i < MANY; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%sc%d", i > 0 ? "," : "", i);
  text[used++] = '\n';
  for (int i = 0; i < MANY; i++) used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", i > 0 ? "," : "", i);
  bp_table *t = bt_table(ctx, text);
  assert_int_equal(bp_table_columns(t), MANY);
  assert_true(bp_table_number(t, 0, MANY - 1) == MANY - 1);
  /* Room is taken for the one row only: a few dozen bytes for each column, and the text itself. */
  assert_true(bt_fixture_of(state)->memory.peak_bytes < sizeof text + (size_t)MANY * 300);
  bp_table_free(t);
}

/* Many blank lines make no rows, and no room for rows. */
static void room_is_for_cells_not_for_lines(void **state) {
  enum { LINES = 200000, COLUMNS = 1000 };
  static char text[LINES + COLUMNS * 8];
  bp_context *ctx = bt_ctx(state);
  size_t used = 0;
  for (int i = 0; i < COLUMNS; i++) used += (size_t)snprintf(text + used, sizeof text - used, "c%d,", i);
  text[used - 1] = '\n';
  for (int i = 1; i < COLUMNS; i++) used += (size_t)snprintf(text + used, sizeof text - used, "1,");
  used += (size_t)snprintf(text + used, sizeof text - used, "1\n");
  memset(text + used, '\n', LINES);
  bp_table *t = bt_table(ctx, text);
  assert_int_equal(bp_table_rows(t), 1);
  assert_true(bt_fixture_of(state)->memory.peak_bytes < 20 * sizeof text);
  bp_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(reads_plain_rows),
      BT_TEST(reads_quotes_by_rfc_4180),
      BT_TEST(finds_the_delimiter),
      BT_TEST(finds_the_header),
      BT_TEST(knows_missing_values),
      BT_TEST(takes_columns_as_text_when_asked),
      BT_TEST(reads_every_kind_of_number),
      BT_TEST(mixed_columns_are_text_below_the_share),
      BT_TEST(knows_the_line_of_every_row),
      BT_TEST(one_row_of_many_columns),
      BT_TEST(room_is_for_cells_not_for_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
