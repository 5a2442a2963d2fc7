/* data_fixtures.h - tables for tests, written as CSV. */
#ifndef BT_DATA_FIXTURES_H
#define BT_DATA_FIXTURES_H
#include <string.h>

#include "backprop/graph.h"
#include "data/encoding_json.h"
#include "formats/readers.h"
#include "support/testing.h"

/* NEW table from CSV text, with the name t.csv in messages. */
static inline bp_status bt_read_csv(bp_context *ctx, const char *text, const bp_read_options *options, bp_table **out) {
  bp_reader *reader;
  bp_status status = bp_reader_open_memory(ctx, "t.csv", text, strlen(text), &reader);
  if (status != BP_OK) return status;
  status = bp_csv_read(ctx, reader, false, options, out);
  bp_reader_close(reader);
  return status;
}

static inline bp_table *bt_table(bp_context *ctx, const char *text) {
  bp_table *table = NULL;
  bt_assert_ok(ctx, bt_read_csv(ctx, text, NULL, &table));
  return table;
}

/* NEW encoding of a whole table. */
static inline bp_encoding *bt_learn(bp_context *ctx, const bp_table *table, const bp_encoding_options *options) {
  bp_encoding *encoding = NULL;
  bt_assert_ok(ctx, bp_encoding_learn(ctx, table, bp_rows_all(table), options, &encoding));
  return encoding;
}

/* All rows in float64. */
/* NEW JSON text of an encoding. free() */
static inline char *bt_encoding_text(bp_context *ctx, const bp_encoding *encoding) {
  bp_json_writer w;
  char *text = NULL;
  bp_json_begin(&w, ctx);
  bp_encoding_put_json(&w, NULL, encoding);
  bt_assert_ok(ctx, bp_json_end(&w, &text));
  char *copy = strdup(text);
  bp_string_free(ctx, text);
  return copy;
}

static inline bp_encoded bt_apply(bp_context *ctx, const bp_encoding *encoding, const bp_table *table,
                                  bp_targets targets) {
  bp_encoded encoded = {0};
  bt_assert_ok(ctx, bp_encoding_apply(ctx, encoding, table, bp_rows_all(table), BP_F64, targets, &encoded));
  return encoded;
}

#endif
