/* test_csv_bad.c - what is no table: each with the place, the reason, and what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_fixtures.h"
#include "data/table_core.h"

static void expect(bp_context *ctx, const void *data, size_t size, const bp_read_options *options, bp_status status,
                   const char *message) {
  bp_reader *reader;
  bp_table *t = NULL;
  /* a block of exactly this size, so that reading past its end is seen */
  char *copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  if (size > 0) memcpy(copy, data, size);
  bt_assert_ok(ctx, bp_reader_open_memory(ctx, "t.csv", copy, size, &reader));
  bt_assert_fails(ctx, status, bp_csv_read(ctx, reader, false, options, &t));
  bt_assert_message(ctx, message);
  assert_null(t);
  bp_reader_close(reader);
  free(copy);
}

static void refuses_text_that_is_no_table(void **state) {
  static const struct {
    const char *text;
    bp_read_options options;
    const char *message;
  } rows[] = {
      {"", {0}, "t.csv: the file is empty"},
      {"\n \n\t\r\n", {0}, "t.csv: the file is empty"},
      {"\xEF\xBB\xBF", {0}, "t.csv: the file is empty"},
      {"a,b\n", {0}, "t.csv: a header but no rows"},
      {"a,b", {0}, "t.csv: a header but no rows"},
      {"1,2\n", {.header = 1}, "t.csv: a header but no rows"},
      {"a,b\n1,2\n1\n",
       {.delimiter = ','},
       "t.csv:3: 1 cell; expected 2, as in the header (line 1); write a delimiter for each cell"},
      {"a,b\n\n1,2,3\n", {0}, "t.csv:3: 3 cells; expected 2, as in the header (line 1)"},
      {"1;2\n1;2;3\n",
       {.delimiter = ';'},
       "t.csv:2: 3 cells; expected 2, as in the first row; take away what is too many"},
      {"a\tb\n1\tu\tv\n", {.delimiter = '\t'}, "quote a cell that holds a tab"},
      {"a,b\n1,\"2\n3,4\n", {0}, "t.csv:2: a quote (\") is opened here and never closed"},
      {"a,\"b\n1,2\n", {0}, "t.csv:1: a quote (\") is opened here"},
      {"a,b\n1,\"2\"x\n", {0}, "t.csv:2: 'x' follows a closing quote"},
      {"a,b\n\"1\" 2,3\n", {0}, "t.csv:2: '2,3' follows a closing quote"},
      {"a,b,a\n1,2,3\n", {0}, "t.csv:1: the columns 1 and 3 of the header are both named 'a'"},
      {"a,,c\n1,2,3\n", {0}, "t.csv:1: column 2 of the header has no name"},
      {"a,b, \n1,2,3\n", {0}, "t.csv:1: column 3 of the header has no name"},
      {"a,b\n1,2\n", {.as_text = "c"}, "t.csv: there is no column 'c' to take as text"},
      {"width,b\n1,2\n", {.as_text = "widht"}, "did you mean 'width'?"},
      {"a\xFF\n1\n", {0}, "t.csv:1: byte 0xFF, at byte 2 of the text, is not UTF-8"},
      {"a\n1\ncaf\xE9\n", {0}, "t.csv:3: byte 0xE9, at byte 8 of the text, is not UTF-8; convert the file"},
      {"a,b,c,d,e\n12345678,\xC3", {0}, "t.csv:2: byte 0xC3"},
      {"\xFF\xFE"
       "a",
       {0},
       "the content is UTF-16 text"},
      {"PK\x03\x04xyz", {0}, "the content is a ZIP archive"},
      {"\x89PNG\r\n", {0}, "the content is a PNG image"},
      {"%PDF-1.4", {0}, "the content is a PDF document"},
      {"\x93NUMPY", {0}, "the content is a NumPy array"},
  };
  bp_context *ctx = bt_ctx(state);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    expect(ctx, rows[i].text, strlen(rows[i].text), &rows[i].options, BP_E_DATA, rows[i].message);
}

static void refuses_nul_bytes_and_other_formats(void **state) {
  bp_context *ctx = bt_ctx(state);
  expect(ctx, "a,b\n1,\0002\n", 9, NULL, BP_E_DATA, "t.csv:2: a NUL byte, at byte 7 of the text");
  expect(ctx, "\0a", 2, NULL, BP_E_DATA, "t.csv:1: a NUL byte, at byte 1");
  expect(ctx, "a\xFF\0", 3, NULL, BP_E_DATA, "byte 0xFF");
  expect(ctx, "\0\0\x08\x03", 4, NULL, BP_E_DATA, "the content is an IDX file");
}

static void cells_have_a_cap(void **state) {
  enum { CAP = 1 << 20 };
  bp_context *ctx = bt_ctx(state);
  char *text = malloc(CAP + 100);
  assert_non_null(text);
  for (int quoted = 0; quoted < 2; quoted++) {
    size_t begin = (size_t)snprintf(text, 100, "a\n%s", quoted ? "\"" : "");
    memset(text + begin, 'x', CAP + 1);
    size_t end = begin + CAP + 1;
    if (quoted) text[end++] = '"';
    text[end++] = '\n';
    expect(ctx, text, end, &(bp_read_options){.delimiter = ','}, BP_E_DATA,
           "t.csv:2: a cell of more than 1048576 bytes");
    memmove(text + begin, text + begin + 1, end - begin - 1); /* one byte less is fine */
    text[end - 1] = '\0';
    bp_table *t = NULL;
    bt_assert_ok(ctx, bt_read_csv(ctx, text, &(bp_read_options){.delimiter = ','}, &t));
    assert_int_equal(strlen(bp_table_text(t, 0, 0)), CAP);
    bp_table_free(t);
  }
  free(text);
}

static void columns_have_a_cap(void **state) {
  bp_context *ctx = bt_ctx(state);
  size_t size = 2 * (BP_COLUMNS_MAX + 1);
  char *text = malloc(size);
  assert_non_null(text);
  for (size_t i = 0; i < size; i += 2) memcpy(text + i, "1,", 2);
  text[size - 1] = '\n';
  expect(ctx, text, size, &(bp_read_options){.delimiter = ',', .header = -1}, BP_E_LIMIT, "more than 1000000 columns");
  free(text);
}

/* A piece of a good file is a good file, or is refused cleanly. */
static void every_prefix_is_read_or_refused(void **state) {
  static const char text[] =
      "\xEF\xBB\xBFid,\"the \"\"name\"\"\",w\r\n1,\"a, b\r\nc\",2.5\r\n2,größe,NA\r\n\r\n3,\"\",-1e5\r\n";
  bp_context *ctx = bt_ctx(state);
  for (size_t size = 0; size < sizeof text; size++) {
    bp_reader *reader;
    bp_table *t = NULL;
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    bt_assert_ok(ctx, bp_reader_open_memory(ctx, "t.csv", copy, size, &reader));
    bp_status status = bp_csv_read(ctx, reader, false, NULL, &t);
    if (status != BP_OK) bt_assert_fails(ctx, BP_E_DATA, status);
    assert_true((status == BP_OK) == (t != NULL));
    bp_table_free(t);
    bp_reader_close(reader);
    free(copy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BT_TEST(refuses_text_that_is_no_table),
      BT_TEST(refuses_nul_bytes_and_other_formats),
      BT_TEST(cells_have_a_cap),
      BT_TEST(columns_have_a_cap),
      BT_TEST(every_prefix_is_read_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
