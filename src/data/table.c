/* data/table.c - columns in memory. Stands on base only. */
#include "backprop/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "base/suggest.h"
#include "base/text.h"
#include "data/table_core.h"

/* ---- the object ---- */

bp_status bp_table_new(bp_context *ctx, int64_t rows, bp_table **out) {
  if (rows < 0 || rows > INT32_MAX)
    return bp_fail(ctx, BP_E_LIMIT, "a table of %" PRId64 " rows; 0 to %d are allowed", rows, INT32_MAX);
  bp_table *t = bp_calloc(ctx, 1, sizeof *t);
  if (!t) return BP_E_NOMEM;
  t->allocator = bp_context_allocator(ctx);
  t->rows = rows;
  *out = t;
  return BP_OK;
}

static void free_column(const bp_table *t, bp_column *column) {
  bp_release(t->allocator, column->numbers, (size_t)t->rows, sizeof *column->numbers);
  bp_release(t->allocator, column->codes, (size_t)t->rows, sizeof *column->codes);
  if (column->words) bp_dictionary_release(t->allocator, column->words);
  bp_release(t->allocator, column->words, 1, sizeof *column->words);
}

void bp_table_free(bp_table *t) {
  if (!t) return;
  for (size_t c = 0; c < t->n_columns; c++) free_column(t, &t->columns[c]);
  bp_release(t->allocator, t->columns, t->columns_capacity, sizeof *t->columns);
  bp_dictionary_release(t->allocator, &t->names);
  bp_release(t->allocator, t->block, (size_t)(t->rows * t->block_columns), 1);
  bp_release(t->allocator, t->block_prefix, t->block_prefix_size, 1);
  bp_release(t->allocator, t->block_names, (size_t)t->block_columns, t->block_name_stride);
  bp_release(t->allocator, t->origin, t->origin_size, 1);
  bp_release(t->allocator, t, 1, sizeof *t);
}

static char *copy_text(bp_context *ctx, const char *text, size_t *size) {
  size_t bytes = strlen(text) + 1;
  char *copy = bp_alloc(ctx, bytes, 1);
  if (!copy) return NULL;
  *size = bytes;
  return memcpy(copy, text, bytes);
}

bp_status bp_table_set_origin(bp_context *ctx, bp_table *t, const char *origin) {
  size_t size;
  char *copy = copy_text(ctx, origin, &size);
  if (!copy) return BP_E_NOMEM;
  bp_release(t->allocator, t->origin, t->origin_size, 1);
  t->origin = copy;
  t->origin_size = size;
  return BP_OK;
}

/* ---- names ---- */

int64_t bp_block_find(const char *prefix, int64_t columns, const char *name) {
  size_t length = strlen(prefix);
  if (strncmp(name, prefix, length) != 0) return -1;
  const char *digits = name + length;
  int64_t number = 0;
  if (digits[0] == '\0' || (digits[0] == '0' && digits[1])) return -1;
  for (; *digits; digits++) {
    if (*digits < '0' || *digits > '9') return -1;
    number = number * 10 + (*digits - '0');
    if (number >= columns) return -1;
  }
  return number;
}

static bp_status fail_name(bp_context *ctx, const bp_table *t, const char *name, const char *what) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  return bp_fail(ctx, BP_E_DATA, "%s: column name '%s' %s", bp_table_source(t, source),
                 bp_quote(name, strlen(name), quoted), what);
}

/* Makes the name that of columns[n_columns]; when this succeeds, nothing may fail before n_columns counts it. */
static bp_status add_name(bp_context *ctx, bp_table *t, const char *name) {
  size_t size = strlen(name);
  int32_t number;
  char source[BP_PLACE_TEXT];
  void *columns = t->columns;
  if (size == 0)
    return bp_fail(ctx, BP_E_DATA, "%s: column %" PRId64 " has no name; every column needs one",
                   bp_table_source(t, source), bp_table_columns(t));
  if (!bp_utf8_valid(name, size)) return fail_name(ctx, t, name, "is not UTF-8; convert the text to UTF-8");
  if (bp_table_find(t, name) >= 0) return fail_name(ctx, t, name, "is there twice; every column needs its own");
  if (bp_table_columns(t) >= BP_COLUMNS_MAX)
    return bp_fail(ctx, BP_E_LIMIT, "%s: more than %d columns", bp_table_source(t, source), BP_COLUMNS_MAX);
  bp_status status = bp_grow(ctx, &columns, &t->columns_capacity, t->n_columns + 1, sizeof *t->columns);
  t->columns = columns;
  BP_TRY(status);
  return bp_dictionary_add(ctx, &t->names, name, size, &number);
}

/* ---- adding ---- */

bp_status bp_table_take_numbers(bp_context *ctx, bp_table *t, const char *name, double *values) {
  BP_TRY(add_name(ctx, t, name));
  t->columns[t->n_columns++] = (bp_column){.numbers = values};
  return BP_OK;
}

bp_status bp_table_take_text(bp_context *ctx, bp_table *t, const char *name, int32_t *codes, bp_dictionary *words) {
  bp_dictionary *moved = bp_alloc(ctx, 1, sizeof *moved);
  if (!moved) return BP_E_NOMEM;
  bp_status status = add_name(ctx, t, name);
  if (status != BP_OK) {
    bp_release(t->allocator, moved, 1, sizeof *moved);
    return status;
  }
  *moved = *words;
  memset(words, 0, sizeof *words);
  t->columns[t->n_columns++] = (bp_column){.codes = codes, .words = moved, .take = BP_TAKE_TEXT};
  return BP_OK;
}

static bp_status check_block(bp_context *ctx, const bp_table *t, const char *prefix, int64_t columns) {
  char source[BP_PLACE_TEXT];
  (void)bp_table_source(t, source);
  if (t->block) return bp_fail(ctx, BP_E_DATA, "%s: a second block of bytes ('%s'); a table holds one", source, prefix);
  if (prefix[0] == '\0' || strlen(prefix) > BP_BLOCK_PREFIX_MAX)
    return bp_fail(ctx, BP_E_LIMIT, "%s: a prefix of %zu bytes for byte columns; 1 to %d are allowed", source,
                   strlen(prefix), BP_BLOCK_PREFIX_MAX);
  if (columns < 1 || columns > BP_COLUMNS_MAX - bp_table_columns(t))
    return bp_fail(ctx, BP_E_LIMIT, "%s: a block of %" PRId64 " byte columns; 1 to %d columns are allowed", source,
                   columns, BP_COLUMNS_MAX);
  if (!bp_utf8_valid(prefix, strlen(prefix))) return fail_name(ctx, t, prefix, "is not UTF-8");
  for (size_t c = 0; c < t->names.count; c++)
    if (bp_block_find(prefix, columns, t->names.words[c]) >= 0)
      return fail_name(ctx, t, t->names.words[c], "is there twice; every column needs its own");
  return BP_OK;
}

bp_status bp_table_take_bytes(bp_context *ctx, bp_table *t, const char *prefix, int64_t columns, uint8_t *values) {
  BP_TRY(check_block(ctx, t, prefix, columns));
  size_t prefix_size, stride = strlen(prefix) + (size_t)snprintf(NULL, 0, "%" PRId64, columns - 1) + 1;
  char *names = bp_alloc(ctx, (size_t)columns, stride);
  char *copy = names ? copy_text(ctx, prefix, &prefix_size) : NULL;
  if (!copy) {
    bp_release(t->allocator, names, (size_t)columns, stride);
    return BP_E_NOMEM;
  }
  for (int64_t c = 0; c < columns; c++) (void)snprintf(names + (size_t)c * stride, stride, "%s%" PRId64, prefix, c);
  t->block = values;
  t->block_first = bp_table_columns(t);
  t->block_columns = columns;
  t->block_prefix = copy;
  t->block_prefix_size = prefix_size;
  t->block_names = names;
  t->block_name_stride = stride;
  return BP_OK;
}

bp_status bp_table_add_numbers(bp_context *ctx, bp_table *t, const char *name, const double *values) {
  double *copy = bp_alloc(ctx, (size_t)t->rows, sizeof *copy);
  if (!copy) return BP_E_NOMEM;
  if (t->rows > 0) memcpy(copy, values, (size_t)t->rows * sizeof *copy);
  bp_status status = bp_table_take_numbers(ctx, t, name, copy);
  if (status != BP_OK) bp_release(t->allocator, copy, (size_t)t->rows, sizeof *copy);
  return status;
}

bp_status bp_table_add_bytes(bp_context *ctx, bp_table *t, const char *prefix, int64_t columns, const uint8_t *values) {
  BP_TRY(check_block(ctx, t, prefix, columns));
  size_t size = (size_t)(t->rows * columns); /* both below 2^31 */
  uint8_t *copy = bp_alloc(ctx, size, 1);
  if (!copy) return BP_E_NOMEM;
  if (size > 0) memcpy(copy, values, size);
  bp_status status = bp_table_take_bytes(ctx, t, prefix, columns, copy);
  if (status != BP_OK) bp_release(t->allocator, copy, size, 1);
  return status;
}

/* codes[rows] and the dictionary behind them. */
static bp_status number_texts(bp_context *ctx, const bp_table *t, const char *name, const char *const *values,
                              int32_t *codes, bp_dictionary *words) {
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  for (int64_t r = 0; r < t->rows; r++) {
    const char *value = values[r] ? values[r] : "";
    size_t size = strlen(value);
    codes[r] = -1;
    if (size == 0) continue;
    if (!bp_utf8_valid(value, size))
      return bp_fail(ctx, BP_E_DATA, "%s: column '%s': the text is not UTF-8; convert it", bp_table_place(t, r, place),
                     bp_quote(name, strlen(name), quoted));
    BP_TRY(bp_dictionary_add(ctx, words, value, size, &codes[r]));
  }
  return BP_OK;
}

bp_status bp_table_add_text(bp_context *ctx, bp_table *t, const char *name, const char *const *values) {
  bp_dictionary words = {0};
  int32_t *codes = bp_alloc(ctx, (size_t)t->rows, sizeof *codes);
  if (!codes) return BP_E_NOMEM;
  bp_status status = number_texts(ctx, t, name, values, codes, &words);
  if (status == BP_OK) status = bp_table_take_text(ctx, t, name, codes, &words);
  if (status != BP_OK) {
    bp_dictionary_release(t->allocator, &words);
    bp_release(t->allocator, codes, (size_t)t->rows, sizeof *codes);
  }
  return status;
}

/* ---- reading ---- */

int64_t bp_table_rows(const bp_table *t) { return t->rows; }

int64_t bp_table_columns(const bp_table *t) { return (int64_t)t->n_columns + t->block_columns; }

const char *bp_table_origin(const bp_table *t) { return t->origin ? t->origin : ""; }

static bool in_block(const bp_table *t, int64_t column) {
  return t->block && column >= t->block_first && column < t->block_first + t->block_columns;
}

/* The column outside the block, of that number; NULL if there is none. */
static const bp_column *own_column(const bp_table *t, int64_t column, size_t *index) {
  if (t->block && column >= t->block_first) column -= t->block_columns;
  if (column < 0 || (uint64_t)column >= t->n_columns) return NULL;
  *index = (size_t)column;
  return &t->columns[column];
}

const char *bp_table_name(const bp_table *t, int64_t column) {
  size_t index;
  if (in_block(t, column)) return t->block_names + (size_t)(column - t->block_first) * t->block_name_stride;
  return own_column(t, column, &index) ? t->names.words[index] : "";
}

bp_column_view bp_table_view(const bp_table *t, int64_t column) {
  size_t index;
  if (in_block(t, column))
    return (bp_column_view){
        .type = BP_COLUMN_BYTE, .bytes = t->block + (column - t->block_first), .stride = t->block_columns};
  const bp_column *c = own_column(t, column, &index);
  return (bp_column_view){.type = c && c->codes ? BP_COLUMN_TEXT : BP_COLUMN_NUMBER,
                          .numbers = c ? c->numbers : NULL,
                          .codes = c ? c->codes : NULL,
                          .words = c ? c->words : NULL,
                          .found = c && c->take == BP_TAKE_FOUND};
}

void bp_view_count(const bp_column_view *view, int64_t rows, int64_t *cells) {
  memset(cells, 0, view->words->count * sizeof *cells);
  for (int64_t r = 0; r < rows; r++)
    if (view->codes[r] >= 0) cells[view->codes[r]]++;
}

bool bp_table_is_copy(const bp_table *t, int64_t column) {
  size_t index;
  const bp_column *c = in_block(t, column) ? NULL : own_column(t, column, &index);
  return c && c->take == BP_TAKE_COPY;
}

bp_column_type bp_table_type(const bp_table *t, int64_t column) { return bp_table_view(t, column).type; }

int64_t bp_table_find(const bp_table *t, const char *name) {
  int64_t number = bp_dictionary_find(&t->names, name, strlen(name));
  if (number >= 0) return t->block && number >= t->block_first ? number + t->block_columns : number;
  if (t->block) number = bp_block_find(t->block_prefix, t->block_columns, name);
  return number >= 0 ? t->block_first + number : -1;
}

double bp_table_number(const bp_table *t, int64_t row, int64_t column) {
  bp_column_view view = bp_table_view(t, column);
  if (row < 0 || row >= t->rows || (!view.numbers && !view.bytes)) return (double)NAN;
  return bp_view_number(&view, row);
}

const char *bp_table_text(const bp_table *t, int64_t row, int64_t column) {
  bp_column_view view = bp_table_view(t, column);
  if (row < 0 || row >= t->rows || !view.codes) return "";
  return bp_dictionary_word(view.words, view.codes[row]);
}

int64_t bp_table_resolve(const bp_table *t, const char *name) {
  int64_t column = bp_table_find(t, name);
  return column >= 0 ? column : bp_block_find("", bp_table_columns(t), name);
}

const char *bp_table_suggest(const bp_table *t, const char *name) {
  bp_suggestion suggestion = {0};
  for (size_t c = 0; c < t->names.count; c++) bp_suggest_consider(&suggestion, name, t->names.words[c]);
  return suggestion.best;
}
