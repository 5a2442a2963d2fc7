/* labels: unit cli */
/* test_tables.c - the tables of tests/tables/: what the command says of each, and how it is understood.
 *
 * A case is a file NAME.expected, which begins with the command line, and the data file that this names:
 *
 *   $ backprop train crlf.csv --target y     (the command, run in tests/tables)
 *   exit 0
 *   note: …                                  (all of standard error)
 *   table: 3 rows from line 2; delimiter ','; header in line 1
 *     a  number  3 values from 1 to 3, 0 missing
 *     k  text    3 values, 0 missing: 'red' 2, 'blue' 1
 *
 * Of commands other than train only the first three are there. The table is what the library reads with the same options, whole; read in windows of any size it is the same table, which is
 * checked too. A new case is written with the command line alone; `test_formats_tables --update` fills in the rest, and writes
 * every file anew that differs, for review.
 */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "data/table_core.h"
#include "formats/readers.h"
#include "formats/same_rows.h"
#include "support/testing.h"

enum { TEXT_MAX = 1 << 16, WORDS = 40, WORD = 256, CASES_MAX = 1000 };

/* Text that grows to its end and no further. */
typedef struct text {
  size_t used;
  char data[TEXT_MAX];
} text;

__attribute__((format(printf, 2, 3))) static void put(text *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(t->data + t->used, sizeof t->data - t->used, format, arguments);
  va_end(arguments);
  assert_in_range(n, 0, (int)(sizeof t->data - t->used) - 1);
  t->used += (size_t)n;
}

/* ---- the command line ---- */

typedef struct command_line {
  char line[1024];
  int n;
  char words[WORDS][WORD];
} command_line;

/* Cuts a line at its blanks; '…' keeps them. */
static void cut_words(command_line *c) {
  const char *at = c->line;
  for (c->n = 0; *(at += strspn(at, " ")); c->n++) {
    size_t used = 0;
    bool quoted = false;
    assert_true(c->n < WORDS);
    for (; *at && (quoted || *at != ' '); at++) {
      assert_true(used + 1 < WORD);
      if (*at == '\'')
        quoted = !quoted;
      else
        c->words[c->n][used++] = *at;
    }
    c->words[c->n][used] = '\0';
  }
}

static char delimiter_of(const char *word) {
  static const char *const names[] = {"comma", "semicolon", "tab", "space", "pipe"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(word, names[i]) == 0) return ",;\t |"[i];
  return strcmp(word, "auto") == 0 ? '\0' : word[0];
}

/* One option of the command that says how a table is read; false for any other. */
static bool take_option(bp_read_options *o, const char *name, const char *value) {
  if (strcmp(name, "--delimiter") == 0)
    o->delimiter = delimiter_of(value);
  else if (strcmp(name, "--header") == 0)
    o->header = strcmp(value, "yes") == 0 ? 1 : strcmp(value, "no") == 0 ? -1 : 0;
  else if (strcmp(name, "--missing") == 0)
    o->missing = value;
  else if (strcmp(name, "--text") == 0)
    o->as_text = value;
  else if (strcmp(name, "--skip") == 0)
    o->skip = strtoll(value, NULL, 10);
  else if (strcmp(name, "--comment") == 0)
    o->comment = strcmp(value, "none") == 0 ? ' ' : value[0];
  else
    return false;
  return true;
}

/* The data file of the line, and its options as the library has them. */
static const char *read_line(const command_line *c, bp_read_options *o) {
  *o = (bp_read_options){.size = sizeof *o};
  for (int i = 3; i + 1 < c->n; i++) i += take_option(o, c->words[i], c->words[i + 1]);
  assert_true(c->n >= 3 && strcmp(c->words[0], "backprop") == 0);
  return c->words[2];
}

/* ---- what the command says ---- */

static void put_run(text *t, const command_line *c) {
  const char *backprop = getenv("BACKPROP");
  char line[8192], path[BT_PATH], said[512];
  bt_dir dir;
  assert_non_null(backprop);
  bt_dir_make(&dir);
  bool train = strcmp(c->words[1], "train") == 0;
  int n = snprintf(line, sizeof line, "'%s' %s%s%s 2>&1 >/dev/null </dev/null", backprop, c->line + strlen("backprop "),
                   train ? " --hidden none --epochs 1 --progress none --out " : "",
                   train ? bt_dir_file(&dir, "m.safetensors", path) : "");
  assert_in_range(n, 1, (int)sizeof line - 1);
  FILE *pipe = popen(line, "r");
  assert_non_null(pipe);
  size_t start = t->used;
  while (fgets(said, sizeof said, pipe)) put(t, "%s", said);
  int status = pclose(pipe);
  bt_dir_remove(&dir);
  assert_true(WIFEXITED(status));
  text rest;
  rest.used = 0;
  put(&rest, "exit %d\n%s", WEXITSTATUS(status), t->data + start);
  t->used = start;
  put(t, "%s", rest.data);
}

/* ---- how the table is understood ---- */

static void put_numbers(text *t, const bp_table *table, int64_t column) {
  double low = INFINITY, high = -INFINITY;
  int64_t missing = 0, rows = bp_table_rows(table);
  for (int64_t r = 0; r < rows; r++) {
    double value = bp_table_number(table, r, column);
    missing += isnan(value);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  put(t, "number  %" PRId64 " value%s", rows - missing, rows - missing == 1 ? "" : "s");
  if (missing < rows) put(t, " from %.6g to %.6g", low, high);
  put(t, ", %" PRId64 " missing\n", missing);
}

static void put_words(text *t, const bp_table *table, int64_t column) {
  enum { SHOWN = 6 };
  bp_column_view view = bp_table_view(table, column);
  int64_t missing = 0, counts[SHOWN] = {0}, rows = bp_table_rows(table);
  for (int64_t r = 0; r < rows; r++) {
    missing += view.codes[r] < 0;
    if (view.codes[r] >= 0 && view.codes[r] < SHOWN) counts[view.codes[r]]++;
  }
  put(t, "text    %" PRId64 " value%s, %" PRId64 " missing", rows - missing, rows - missing == 1 ? "" : "s", missing);
  for (int64_t i = 0; i < (int64_t)view.words->count && i < SHOWN; i++) {
    char quoted[BP_QUOTE_TEXT], clean[BP_QUOTE_TEXT];
    const char *word = bp_dictionary_word(view.words, i);
    (void)bp_text_clean(clean, sizeof clean, bp_quote(word, strlen(word), quoted));
    put(t, "%s '%s' %" PRId64, i > 0 ? "," : ":", clean, counts[i]);
  }
  put(t, "%s\n", view.words->count > SHOWN ? ", …" : "");
}

static void put_columns(text *t, const bp_table *table) {
  enum { COLUMNS_SHOWN = 12 };
  int64_t columns = bp_table_columns(table);
  int width = 0;
  for (int64_t c = 0; c < columns && c < COLUMNS_SHOWN; c++) {
    int length = (int)strlen(bp_table_name(table, c));
    width = length > width ? length : width;
  }
  for (int64_t c = 0; c < columns && c < COLUMNS_SHOWN; c++) {
    put(t, "  %-*s  ", width, bp_table_name(table, c));
    (bp_table_type(table, c) == BP_COLUMN_TEXT ? put_words : put_numbers)(t, table, c);
  }
  if (columns > COLUMNS_SHOWN) put(t, "  and %" PRId64 " more\n", columns - COLUMNS_SHOWN);
}

static void put_layout(text *t, const bp_table *table, const bp_csv_layout *layout) {
  int64_t rows = bp_table_rows(table);
  put(t, "table: %" PRId64 " row%s", rows, rows == 1 ? "" : "s");
  if (table->first_line > 0) put(t, " from line %" PRId64, table->first_line);
  put(t, layout->delimiter == '\t' ? "; delimiter tab" : "; delimiter '%c'", layout->delimiter);
  if (layout->header_line > 0)
    put(t, "; header in line %" PRId64 "\n", layout->header_line);
  else
    put(t, "; no header\n");
}

/* ---- windows ---- */

typedef struct source {
  const char *name;
  bool as_tab;
  const bp_read_options *options;
} source;

/* Reads all rows in windows, and compares them with the whole table, NULL where that fails. */
static bp_status read_windows(bp_context *ctx, const source *from, size_t window, int64_t most, const bp_table *whole,
                              bp_csv_layout *layout) {
  bp_reader *reader;
  bp_csv_stream *s = NULL;
  bp_table *part = NULL;
  int64_t rows = 0;
  bt_assert_ok(ctx, bp_reader_open(ctx, from->name, &reader));
  bp_status status = bp_csv_stream_open(ctx, reader, from->as_tab, from->options, window, &s);
  for (int64_t c = 0; status == BP_OK && whole && c < bp_table_columns(whole); c++)
    if (bp_table_type(whole, c) == BP_COLUMN_TEXT) *bp_csv_stream_take(s, c) = BP_TAKE_TEXT;
  while (status == BP_OK) {
    status = bp_csv_stream_next(s, most, &part);
    if (status != BP_OK || !part) break;
    if (whole) same_rows(part, whole, rows);
    rows += bp_table_rows(part);
    bp_table_free(part);
  }
  if (s) *layout = bp_csv_stream_layout(s);
  if (whole) assert_int_equal(rows, bp_table_rows(whole));
  if (s) bp_csv_stream_free(s);
  bp_reader_close(reader);
  return status;
}

static void check_windows(bp_context *ctx, const source *from, const bp_table *whole, bp_csv_layout *layout) {
  static const size_t windows[] = {8, 13, 31, 64, 101, 257, 1024};
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
    for (int64_t most = 1; most < 60; most += 7)
      bt_assert_ok(ctx, read_windows(ctx, from, windows[i], most, whole, layout));
}

/* Read at once in one window, a table fails with the words with which it fails as a whole. */
static void check_failure(bp_context *ctx, const source *from, bp_status expected) {
  char message[1100];
  bp_csv_layout layout;
  (void)snprintf(message, sizeof message, "%s", bp_error_message(ctx));
  assert_int_equal(read_windows(ctx, from, BP_CSV_WINDOW, INT32_MAX, NULL, &layout), expected);
  assert_string_equal(bp_error_message(ctx), message);
}

static bool ends_with(const char *name, const char *ending) {
  size_t n = strlen(name), m = strlen(ending);
  return n >= m && strcmp(name + n - m, ending) == 0;
}

static void put_table(bp_context *ctx, text *t, const command_line *c) {
  bp_read_options options;
  source from = {.name = read_line(c, &options), .options = &options};
  bp_table *table = NULL;
  bp_csv_layout layout;
  bp_status status = bp_table_read(ctx, from.name, &options, &table);
  from.as_tab = ends_with(from.name, ".tsv") || ends_with(from.name, ".tsv.gz");
  bool csv = from.as_tab || strstr(from.name, ".csv") || strstr(from.name, ".txt");
  if (status != BP_OK) {
    put(t, "no table\n");
    if (csv) check_failure(ctx, &from, status);
    return;
  }
  check_windows(ctx, &from, table, &layout);
  put_layout(t, table, &layout);
  put_columns(t, table);
  bp_table_free(table);
}

/* ---- the cases ---- */

static bool update;

/* The command line in the first line of a file, without "$ ". */
static void first_line(const char *expected, command_line *c) {
  size_t length = strcspn(expected, "\n");
  assert_true(length > 2 && length < sizeof c->line && strncmp(expected, "$ ", 2) == 0);
  memcpy(c->line, expected + 2, length - 2);
  c->line[length - 2] = '\0';
  cut_words(c);
}

static bool check_case(bp_context *ctx, const char *file) {
  static text found;
  command_line c;
  size_t size;
  char *expected = bt_read_file(file, &size);
  found.used = 0;
  first_line(expected, &c);
  put(&found, "$ %s\n", c.line);
  put_run(&found, &c);
  if (strcmp(c.words[1], "train") == 0) put_table(ctx, &found, &c);
  bool same = strcmp(expected, found.data) == 0;
  if (!same && update) bt_write_file(file, found.data, found.used);
  if (!same) print_message("%s %s:\n%s\n", file, update ? "is now" : "differs; now it would be", found.data);
  free(expected);
  return same || update;
}

static int is_case(const struct dirent *entry) { return ends_with(entry->d_name, ".expected"); }

static void every_table_is_understood_as_its_file_says(void **state) {
  struct dirent **entries;
  int failures = 0, n = scandir(".", &entries, is_case, alphasort);
  assert_in_range(n, 1, CASES_MAX);
  for (int i = 0; i < n; i++) {
    failures += !check_case(bt_ctx(state), entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  print_message("%d tables\n", n);
  assert_int_equal(failures, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {BT_TEST(every_table_is_understood_as_its_file_says)};
  char folder[BT_PATH];
  const char *root = getenv("TEST_SOURCE");
  update = argc > 1 && strcmp(argv[1], "--update") == 0;
  if (root && (size_t)snprintf(folder, sizeof folder, "%s/tests/tables", root) < sizeof folder && chdir(folder) != 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
