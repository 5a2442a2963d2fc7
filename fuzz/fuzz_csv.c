/* fuzz_csv.c - any bytes as CSV; what is read as a table is then learnt from, and encoded.
 *
 * The first byte chooses delimiter, header, comments and skipped lines, the second the task; the rest is the file.
 *
 * about: src/formats/csv_ src/data/column_ src/data/number_form.c src/data/encoding_learn.c
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/encoding.h"
#include "formats/readers.h"

static void check(bool holds) {
  if (!holds) abort();
}

/* Every cell can be asked for, and has the type of its column. */
static void walk(const bp_table *t) {
  for (int64_t c = 0; c < bp_table_columns(t); c++) {
    const char *name = bp_table_name(t, c);
    check(name[0] != '\0' && bp_table_find(t, name) == c);
    bool text = bp_table_type(t, c) == BP_COLUMN_TEXT;
    for (int64_t r = 0; r < bp_table_rows(t); r++) {
      check(!text || isnan(bp_table_number(t, r, c)));
      check(text || bp_table_text(t, r, c)[0] == '\0');
      (void)strlen(bp_table_text(t, r, c));
    }
  }
}

/* What is learnt from a table fits it; float64 holds every number that is not infinite. */
static void encode(bp_context *ctx, const bp_table *t, int task) {
  bp_encoding_options options = {.goal = (bp_goal)(task % BP_GOAL_COUNT)};
  bp_encoding *e;
  bp_encoded d;
  if (bp_encoding_learn(ctx, t, bp_rows_all(t), &options, &e) != BP_OK) {
    check(bp_error_message(ctx)[0] != '\0');
    return;
  }
  bp_status status = bp_encoding_apply(ctx, e, t, bp_rows_all(t), BP_F64, BP_TARGETS_OWN, &d);
  check(status == BP_OK && d.columns == e->inputs);
  for (int64_t i = 0; i < d.rows * d.columns; i++) check(isfinite(((const double *)d.features)[i]));
  bp_encoded_release(&d);
  bp_encoding_free(e);
}

/* What is read whole is read in windows of any size too, as many rows. */
static void stream(bp_context *ctx, const uint8_t *data, size_t size, const bp_read_options *options, size_t window,
                   const bp_table *whole) {
  bp_reader *reader;
  bp_csv_stream *s;
  bp_table *t;
  int64_t seen = 0, rows = bp_table_rows(whole);
  if (bp_reader_open_memory(ctx, "fuzz.csv", data, size, &reader) != BP_OK) return;
  check(bp_csv_stream_open(ctx, reader, false, options, window, &s) == BP_OK);
  check((int64_t)bp_csv_stream_names(s)->count == bp_table_columns(whole));
  for (int64_t c = 0; c < bp_table_columns(whole); c++)
    check(strcmp(bp_dictionary_word(bp_csv_stream_names(s), c), bp_table_name(whole, c)) == 0);
  for (size_t c = 0; c < bp_csv_stream_names(s)->count; c++) *bp_csv_stream_take(s, (int64_t)c) = BP_TAKE_TEXT;
  do {
    check(bp_csv_stream_next(s, 1 + (int64_t)(window % 5), &t) == BP_OK);
    if (!t) break;
    for (int64_t r = 0; r < bp_table_rows(t) && seen + r < rows; r++)
      for (int64_t c = 0; c < bp_table_columns(t); c++)
        check(bp_table_type(whole, c) != BP_COLUMN_TEXT ||
              strcmp(bp_table_text(t, r, c), bp_table_text(whole, seen + r, c)) == 0);
    seen += bp_table_rows(t);
    bp_table_free(t);
  } while (seen <= rows);
  check(seen == rows);
  bp_csv_stream_free(s);
  bp_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char delimiters[] = {'\0', ',', ';', '\t', ' ', '|'}, comments[] = {'\0', '#', ' ', '%'};
  if (size < 2) return 0;
  bp_read_options options = {.delimiter = delimiters[data[0] % sizeof delimiters],
                             .header = data[0] / 8 % 3 - 1,
                             .comment = comments[data[0] / 24 % 4],
                             .skip = data[0] / 96};
  bp_context *ctx;
  bp_reader *reader;
  bp_table *t;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  if (bp_reader_open_memory(ctx, "fuzz.csv", data + 2, size - 2, &reader) == BP_OK) {
    if (bp_csv_read(ctx, reader, false, &options, &t) == BP_OK) {
      walk(t);
      encode(ctx, t, data[1]);
      stream(ctx, data + 2, size - 2, &options, 8 + data[1], t);
      bp_table_free(t);
    } else {
      check(bp_error_message(ctx)[0] != '\0');
    }
    bp_reader_close(reader);
  }
  bp_context_free(ctx);
  return 0;
}
