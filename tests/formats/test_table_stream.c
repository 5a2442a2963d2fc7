/* labels: unit prop */
/* test_table_stream.c - CSV in windows: whatever their size, the rows, places and errors are those of the whole text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/data_fixtures.h"
#include "formats/same_rows.h"

static bp_csv_stream *open_text(bp_context *ctx, const char *text, const bp_read_options *options, size_t window,
                                bp_reader **reader) {
  bp_csv_stream *s = NULL;
  bt_assert_ok(ctx, bp_reader_open_memory(ctx, "t.csv", text, strlen(text), reader));
  bt_assert_ok(ctx, bp_csv_stream_open(ctx, *reader, false, options, window, &s));
  return s;
}

/* In tables of `most` rows at most, from windows that begin with `window` bytes. */
static void check_stream(bp_context *ctx, const char *text, const bp_read_options *options, size_t window,
                         int64_t most) {
  bp_table *whole = NULL, *part = NULL;
  bp_reader *reader;
  int64_t rows = 0;
  bt_assert_ok(ctx, bt_read_csv(ctx, text, options, &whole));
  bp_csv_stream *s = open_text(ctx, text, options, window, &reader);
  for (int64_t c = 0; c < bp_table_columns(whole); c++)
    if (bp_table_type(whole, c) == BP_COLUMN_TEXT) *bp_csv_stream_take(s, c) = BP_TAKE_TEXT;
  for (;;) {
    char line[BP_PLACE_TEXT], expected[BP_PLACE_TEXT];
    bt_assert_ok(ctx, bp_csv_stream_next(s, most, &part));
    if (!part) break;
    assert_in_range(bp_table_rows(part), 1, most);
    same_rows(part, whole, rows);
    if (whole->first_line > 0)
      assert_string_equal(bp_table_place(part, 0, line), bp_table_place(whole, rows, expected));
    assert_int_equal(part->first_row, rows);
    rows += bp_table_rows(part);
    bp_table_free(part);
  }
  assert_int_equal(rows, bp_table_rows(whole));
  bp_csv_stream_free(s);
  bp_reader_close(reader);
  bp_table_free(whole);
}

static const char *const texts[] = {
    "a,b,c\n1,x,2\n3,y,4\n5,,6\n7,z,NA\n8,w,9\n",
    "a,b\r\n1,x\r\n\r\n2,y\r\n3,z",
    "a,b\r1,x\r2,y\r\r\r3,z\r",
    "\357\273\277a,b\n1,é\n2,€uro\n3,😀😀\n4,naïve\n",
    "a,b\n1,\"x, \n\"\"quoted\"\"\"\n2,\"\"\"\"\n3,\"\r\n\"\n4, \"z\" \n",
    "a,b\n1,x\n2,y\n   \n\n\n\n\n\n\n\n\n\n\n                                      \n\n\n3,z\n\n\n\n\n   ",
    "\n\n  \n\n\n\n\n\n\nthe first column,the second column\n1,x\n2,y\n",
    "\r\n\r\n\r\n\r\n\"over\r\n\r\n\r\n\r\n\r\nlines\",b\r\n1,x\r\n2,\"y\r\n\r\n\r\n\"\r\n",
    "a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n",
};

static void windows_of_any_size_give_the_rows_of_the_whole(void **state) {
  const bp_read_options options = {.size = sizeof options, .delimiter = ',', .header = 1};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t window = 8; window < 90; window++)
      for (int64_t most = 1; most < 30; most += 4) check_stream(bt_ctx(state), texts[i], &options, window, most);
}

/* ---- long texts: more rows than the layout is found from ---- */

typedef struct long_text {
  const char *front, *row, *middle, *end; /* %d: the number of the row */
  bp_read_options options;
  int64_t rows, columns;
} long_text;

enum { HALF = 30 };

static void write_long(const long_text *l, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s", l->front);
  for (int i = 0; i < 2 * HALF; i++) {
    if (i == HALF) used += (size_t)snprintf(text + used, size - used, "%s", l->middle);
    char row[64], *at = row;
    (void)snprintf(row, sizeof row, "%s", l->row);
    while ((at = strchr(at, '@')) != NULL) *at = (char)('0' + i % 10);
    used += (size_t)snprintf(text + used, size - used, "%s", row);
  }
  (void)snprintf(text + used, size - used, "%s", l->end);
}

static const long_text long_texts[] = {
    {"a,b\n", "@,@1\n", "a,b\n", "", {0}, 60, 2},
    {"a,b\r\n", "@,@1\r\n", "\r\n\r\na,b\r\n\r\na,b\r\n", "a,b\r\n", {0}, 60, 2},
    {"a,b\n", "@,@1\n", "", "Total,88\n\n  \n\n", {0}, 60, 2},
    {"a,b\n", "@,@1\n", "Total\n", "Total,88", {0}, -1, 2},
    {"k,b\n", "x@,@1\n", "Total,7\n", "Total,88", {0}, 62, 2},
    {",a,b\n", "@,@1,x\n", "10,2,\n", "", {0}, -1, 2},
    {"a;b\n", "n@;@1;x@\n", "", "", {0}, -1, 2},
    {"\"\",\"a\"\n", "\"@\",7\n", "", "", {0}, -1, 1},
    {"a,b,,\n", "@,@1,,\n", "", "", {0}, 60, 2},
    {"a,b\n", "@,@1,\n", "\n,,\n", "5,6,", {0}, 62, 2},
    {"# made by\n#\n\na,b\n", "@,@1\n", "", "", {0}, 60, 2},
    {"# a,b\n", "@,@1\n", "# a,b\n", "# a,b", {0}, 60, 2},
    {"a,b\n", "@,@1\n", "#, \"\n # is\r\n#\r", "# not closed: \"", {.comment = '#'}, 60, 2},
    {"A title\n\nof lines\na,b\n", "@,@1\n", "", "", {0}, 60, 2},
    {"skipped \"\n\r\nlines\ra,b\n", "@,@1\n", "", "", {.skip = 3}, 60, 2},
    {"sep=;\r\na;b\r\n", "@;@,1\r\n", "", "", {.as_text = "b"}, 60, 2},
    {"time,b\ns,kg\n", "@,@1\n", "", "", {0}, 60, 2},
    {"2019,2020,2021\n", "@.5,@1,7\n", "", "", {0}, 60, 3},
    {"a b\n", "  @  @1 \n", "a b\n", "", {0}, 60, 2},
    {"a,b\n", "@,\"x\ny@\"\n", "a,b\n", "\x1a", {0}, 60, 2},
};

/* Rows and columns of a whole text; -1: the text is one to be read alike, whatever comes of it. */
static void check_long(bp_context *ctx, const long_text *l) {
  static char text[8000];
  bp_read_options options = l->options;
  bp_table *whole = NULL;
  options.size = sizeof options;
  write_long(l, text, sizeof text);
  bp_status status = bt_read_csv(ctx, text, &options, &whole);
  if (l->rows >= 0) {
    assert_int_equal(status, BP_OK);
    assert_int_equal(bp_table_rows(whole), l->rows);
    assert_int_equal(bp_table_columns(whole), l->columns);
  }
  bp_table_free(whole);
  if (status == BP_OK)
    for (size_t window = 8; window < 900; window += 11)
      for (int64_t most = 1; most < 70; most += 17) check_stream(ctx, text, &options, window, most);
}

static void layouts_are_those_of_the_whole(void **state) {
  for (size_t i = 0; i < sizeof long_texts / sizeof *long_texts; i++) check_long(bt_ctx(state), &long_texts[i]);
}

/* The message of reading all rows in windows. */
static void fails_as(bp_context *ctx, const char *text, const char *words) {
  const bp_read_options options = {.size = sizeof options, .delimiter = ',', .header = 1};
  for (size_t window = 64; window < 200; window += 7) {
    bp_reader *reader;
    bp_table *part = NULL;
    bp_status status = BP_OK;
    bp_csv_stream *s = NULL;
    bt_assert_ok(ctx, bp_reader_open_memory(ctx, "t.csv", text, strlen(text), &reader));
    status = bp_csv_stream_open(ctx, reader, false, &options, window, &s);
    while (status == BP_OK) {
      status = bp_csv_stream_next(s, 3, &part);
      assert_true(status != BP_OK || part != NULL); /* the error comes before the end */
      if (status == BP_OK) bp_table_free(part);
    }
    assert_int_equal(status, BP_E_DATA);
    bt_assert_message(ctx, words);
    if (s) bp_csv_stream_free(s);
    bp_reader_close(reader);
  }
}

static void errors_name_the_line(void **state) {
  static const struct {
    const char *row, *words;
  } bad[] = {
      {"7,x,7", "t.csv:21: 3 cells; expected 2, as in the header (line 1)"},
      {"7,\"x", "t.csv:21: a quote (\") is opened here and never closed"},
      {"7,\"x\"y and a long rest behind", "t.csv:21: 'y and a long rest be' follows a closing quote"},
      {"7,\xC3(", "t.csv:21: byte 0xC3, at byte 93 of the text, is not UTF-8"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[4000] = "a,b\n";
    for (int r = 0; r < 19; r++) strcat(text, r % 2 ? "1,2\n" : "10,2\n");
    strcat(text, bad[i].row);
    strcat(text, "\n");
    if (i != 1)
      for (int r = 0; r < 40; r++) strcat(text, "1,2\n");
    fails_as(bt_ctx(state), text, bad[i].words);
  }
  fails_as(bt_ctx(state), "a,b\n", "a header but no rows");
}

static void columns_that_nobody_needs_are_not_looked_at(void **state) {
  bp_context *ctx = bt_ctx(state);
  bp_reader *reader;
  bp_table *t = NULL;
  bp_csv_stream *s = open_text(ctx, "a,b\n1,2\n3,x\n", NULL, 64, &reader);
  *bp_csv_stream_take(s, 1) = BP_TAKE_NOTHING;
  bt_assert_ok(ctx, bp_csv_stream_next(s, 10, &t));
  assert_int_equal(bp_table_type(t, 1), BP_COLUMN_TEXT);
  assert_string_equal(bp_table_text(t, 1, 1), "");
  assert_true(bp_table_number(t, 1, 0) == 3);
  bp_table_free(t);
  bp_csv_stream_free(s);
  bp_reader_close(reader);
}

int main(void) {
  const struct CMUnitTest tests[] = {BT_TEST(windows_of_any_size_give_the_rows_of_the_whole),
                                     BT_TEST(layouts_are_those_of_the_whole), BT_TEST(errors_name_the_line),
                                     BT_TEST(columns_that_nobody_needs_are_not_looked_at)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
