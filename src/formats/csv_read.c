/* formats/csv_read.c - a table from CSV text.
 *
 * Two passes over the text in memory. The first cuts it into cells and reads every column as numbers, so far as it has any;
 * then it is known which columns are text, and the second numbers their texts. Room is taken for as many rows as the text has
 * lines, and never for more cells than it has bytes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "base/suggest.h"
#include "data/table_core.h"
#include "formats/csv_table.h"

/* ---- errors ---- */

static int64_t line_of(const csv *c, const char *at) { return bp_csv_line(&c->text, at); }

/* ---- options ---- */

/* Adds texts of a list to those of all columns; *own: whether there are some, and each may be of a single column, "age=99". */
static bp_status add_missing(csv *c, const char *texts, bool *own) {
  bp_list list;
  int32_t number;
  bp_list_init(&list, texts);
  *own = *list.rest != '\0';
  while (bp_list_next(&list)) {
    BP_TRY(bp_dictionary_add(c->ctx, &c->missing.words, list.name, list.size, &number));
    c->missing.begins[(unsigned char)list.name[0]] = true;
    *own &= strchr(list.name + 1, '=') != NULL;
  }
  return BP_OK;
}

static bp_status read_missing(csv *c) {
  bool own = true;
  if (c->options->missing) BP_TRY(add_missing(c, c->options->missing, &own));
  if (!own) return BP_OK;
  return add_missing(c, "NA,N/A,NaN,nan,null,NULL,?", &own);
}

/* A column that is nearly there is a slip. */
static void warn_of_column(const csv *c, const char *name, size_t size) {
  char copy[BP_LIST_NAME], quoted[BP_QUOTE_TEXT], near_quoted[BP_QUOTE_TEXT];
  memcpy(copy, name, size);
  copy[size] = '\0';
  const char *near = bp_suggest(copy, c->names.words, c->names.count);
  if (!near) return;
  bp_warn(c->ctx, "%s: there is no column '%s', whose missing values were told; is it '%s'?", c->text.name,
          bp_quote(name, size, quoted), bp_quote(near, strlen(near), near_quoted));
}

static bp_status add_missing_of_column(csv *c, csv_column *col, const char *text, size_t size) {
  int32_t number;
  if (!col->missing) col->missing = bp_calloc(c->ctx, 1, sizeof *col->missing);
  return col->missing ? bp_dictionary_add(c->ctx, col->missing, text, size, &number) : BP_E_NOMEM;
}

/* "age=99": the text 99 stands for a missing value in the column age, the longest name that is there. */
static bp_status read_missing_of_columns(csv *c) {
  bp_list list;
  bp_list_init(&list, c->options->missing);
  while (bp_list_next(&list)) {
    int32_t column = -1;
    size_t at = list.size;
    while (column < 0 && at > 1)
      if (list.name[--at] == '=') column = bp_dictionary_find(&c->names, list.name, at);
    if (column >= 0)
      BP_TRY(add_missing_of_column(c, &c->columns[column], list.name + at + 1, list.size - at - 1));
    else if ((at = strcspn(list.name, "=")) < list.size && at > 0)
      warn_of_column(c, list.name, at);
  }
  return BP_OK;
}

static bp_status read_as_text(csv *c) {
  bp_list list;
  bp_list_init(&list, c->options->as_text);
  while (bp_list_next(&list)) {
    char quoted[BP_QUOTE_TEXT], near_quoted[BP_QUOTE_TEXT];
    int32_t found = bp_dictionary_find(&c->names, list.name, list.size);
    if (found >= 0) {
      c->columns[found].take = BP_TAKE_TEXT;
      continue;
    }
    const char *near = bp_suggest(list.name, c->names.words, c->names.count);
    (void)bp_quote(list.name, list.size, quoted);
    if (near) (void)bp_quote(near, strlen(near), near_quoted);
    return bp_fail(c->ctx, BP_E_DATA, "%s: there is no column '%s' to take as text%s%s%s", c->text.name, quoted,
                   near ? "; did you mean '" : "", near ? near_quoted : "", near ? "'?" : "");
  }
  return BP_OK;
}

/* ---- cells ---- */

static bool is_missing(const csv *c, const csv_column *col, const bp_csv_cell *cell) {
  if (bp_csv_is_missing(&c->missing, cell)) return true;
  return col->missing && bp_dictionary_find(col->missing, cell->text, cell->size) >= 0;
}

/* The text of a cell; without "" it is where it stands. */
static bp_status text_of(csv *c, const bp_csv_cell *cell, const char **text, size_t *size) {
  *text = cell->text;
  *size = cell->size;
  if (!cell->doubled) return BP_OK;
  BP_TRY(bp_grow(c->ctx, &c->scratch, &c->scratch_capacity, cell->size, 1));
  *text = c->scratch;
  *size = bp_csv_unquote(cell, c->scratch);
  return BP_OK;
}

/* ---- header ---- */

static bp_status add_name(csv *c, const bp_csv_cell *cell) {
  char made[32], quoted[BP_QUOTE_TEXT];
  size_t number = c->n_columns, size;
  const char *name;
  int32_t found = -1;
  if (number >= BP_COLUMNS_MAX)
    return bp_fail(c->ctx, BP_E_LIMIT, "%s:%" PRId64 ": more than %d columns", c->text.name, line_of(c, cell->text),
                   BP_COLUMNS_MAX);
  BP_TRY(text_of(c, cell, &name, &size));
  if (!c->has_header) {
    size = (size_t)snprintf(made, sizeof made, "x%zu", number);
    name = made;
  }
  if (size == 0)
    return bp_fail(c->ctx, BP_E_DATA, "%s:%" PRId64 ": column %zu of the header has no name; every column needs one",
                   c->text.name, line_of(c, cell->text), number + 1);
  BP_TRY(bp_dictionary_add(c->ctx, &c->names, name, size, &found));
  if ((size_t)found != number)
    return bp_fail(c->ctx, BP_E_DATA,
                   "%s:%" PRId64
                   ": the columns %d and %zu of the header are both named '%s'; every column needs its own "
                   "name; if that is no header, set header to no (--header no)",
                   c->text.name, line_of(c, cell->text), found + 1, number + 1, bp_quote(name, size, quoted));
  c->n_columns++;
  return BP_OK;
}

/* Names from the row that bp_csv_find_layout() found, which is the header or the first of the data. */
static bp_status read_names(csv *c) {
  bp_csv_lexer lexer;
  bp_csv_cell cell;
  bp_csv_end end;
  size_t cells = 0;
  bp_csv_lexer_init(&lexer, c->names_at, c->text.end, c->layout.delimiter, '\0');
  do {
    end = bp_csv_cell_next(&lexer, &cell);
    if (end > BP_CSV_ROW) return bp_csv_fail(&c->text, &lexer, &cell, end);
    if (cells >= c->name_index && cells < c->name_index + c->n_names) BP_TRY(add_name(c, &cell));
    cells++;
  } while (end == BP_CSV_CELL);
  if (c->has_header) c->layout.header_line = line_of(c, c->first_row);
  if (!c->header_is_sure) return BP_OK;
  const char *stop = lexer.at;
  while (stop > c->first_row && (stop[-1] == '\n' || stop[-1] == '\r')) stop--;
  c->header_size = (size_t)(stop - c->first_row);
  BP_TRY(bp_grow(c->ctx, &c->header, &c->header_capacity, c->header_size, 1));
  memcpy(c->header, c->first_row, c->header_size);
  return BP_OK;
}

/* ---- first pass: numbers ---- */

/* Rows there can be: no more than line ends, and every one takes at least a byte for each cell. */
static size_t rows_at_most(const csv *c) {
  size_t size = (size_t)(c->text.end - c->body), ends = 1;
  for (const char *at = c->body; at < c->text.end; at++) ends += (size_t)bp_csv_is_line_end(at);
  size_t by_size = size / c->n_columns + 1;
  return ends < by_size ? ends : by_size;
}

static bp_status alloc_columns(csv *c) {
  c->columns = bp_calloc(c->ctx, c->n_columns, sizeof *c->columns);
  return c->columns ? BP_OK : BP_E_NOMEM;
}

bp_status bp_csv_alloc_numbers(csv *c, size_t rows) {
  for (size_t i = 0; i < c->n_columns; i++) {
    csv_column *col = &c->columns[i];
    col->is_text = col->take != BP_TAKE_FOUND || c->decimal || c->thousands;
    if (col->is_text) continue;
    col->numbers = bp_alloc(c->ctx, rows, sizeof(double));
    if (!col->numbers) return BP_E_NOMEM;
    col->capacity = rows;
  }
  return BP_OK;
}

static void read_cell(const csv *c, csv_column *col, const bp_csv_cell *cell) {
  double value = (double)NAN;
  if (col->is_text) return;
  if (!is_missing(c, col, cell) && !bp_number_parse(cell->text, cell->size, &value))
    col->is_text = true;
  else
    col->numbers[c->rows] = value;
}

/* Cells before the first column and behind the last are no data: c->layout. */
static bp_status read_rows(csv *c) {
  bp_csv_lexer lexer;
  const size_t index = c->layout.index, width = bp_csv_width(c);
  bp_csv_begin_rows(c, &lexer, c->end);
  while (bp_csv_next_row(c, &lexer) == BP_CSV_DATA) {
    const char *row = lexer.at;
    size_t cells = 0, filled = 0;
    bp_csv_cell cell;
    bp_csv_end end;
    do {
      end = bp_csv_cell_next(&lexer, &cell);
      if (end > BP_CSV_ROW) return bp_csv_fail(&c->text, &lexer, &cell, end);
      size_t column = cells++ - index; /* huge for the cell before the first column */
      if (column < c->n_columns)
        read_cell(c, &c->columns[column], &cell);
      else
        filled += cells > index && cell.size > 0;
    } while (end == BP_CSV_CELL);
    if (cells != width || filled > 0) return bp_csv_fail_ragged(c, row, cells, filled);
    if (++c->rows > INT32_MAX) return bp_fail(c->ctx, BP_E_LIMIT, "%s: more than %d rows", c->text.name, INT32_MAX);
  }
  if (c->rows > 0) return BP_OK;
  return bp_fail(c->ctx, BP_E_DATA, "%s: a header but no rows; expected at least one row of data", c->text.name);
}

/* ---- between the passes ---- */

static bp_status prepare_column(csv *c, size_t number) {
  csv_column *col = &c->columns[number];
  void *numbers = col->numbers;
  if (!col->is_text) {
    bp_status status = bp_shrink(c->ctx, &numbers, &col->capacity, (size_t)c->rows, sizeof(double));
    col->numbers = numbers;
    return status;
  }
  bp_release(bp_context_allocator(c->ctx), numbers, col->capacity, sizeof(double));
  col->numbers = NULL;
  col->codes = bp_alloc(c->ctx, (size_t)c->rows, sizeof *col->codes);
  return col->codes ? BP_OK : BP_E_NOMEM;
}

/* ---- second pass: texts ---- */

static bp_status read_texts(csv *c) {
  bp_csv_lexer lexer;
  bp_csv_cell cell;
  bp_csv_begin_rows(c, &lexer, c->end);
  for (int64_t row = 0; row < c->rows; row++) {
    (void)bp_csv_next_row(c, &lexer); /* the first pass found nothing wrong */
    if (c->layout.index) (void)bp_csv_cell_next(&lexer, &cell);
    for (size_t i = 0; i < c->n_columns; i++) {
      const char *text;
      size_t size;
      (void)bp_csv_cell_next(&lexer, &cell);
      csv_column *col = &c->columns[i];
      if (!col->codes) continue;
      col->codes[row] = -1;
      if (col->take == BP_TAKE_NOTHING) continue;
      if (col->take != BP_TAKE_COPY && is_missing(c, col, &cell)) continue;
      BP_TRY(text_of(c, &cell, &text, &size));
      BP_TRY(bp_dictionary_add(c->ctx, &col->words, text, size, &col->codes[row]));
    }
    if (c->layout.tail) (void)bp_csv_skip_cells(&lexer, &cell);
  }
  return BP_OK;
}

bp_status bp_csv_read_columns(csv *c) {
  bool any_text = false;
  BP_TRY(read_rows(c));
  for (size_t i = 0; i < c->n_columns; i++) {
    BP_TRY(prepare_column(c, i));
    any_text |= c->columns[i].is_text;
  }
  return any_text ? read_texts(c) : BP_OK;
}

/* ---- the table ---- */

/* The line of the first row, if every row is one line. */
static int64_t regular_line(csv *c) {
  bp_csv_lexer lexer;
  bp_csv_begin_rows(c, &lexer, c->end);
  (void)bp_csv_next_row(c, &lexer);
  int64_t first = line_of(c, lexer.at);
  const char *end = c->end;
  while (end > lexer.at && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t')) end--;
  return line_of(c, end) - first + 1 == c->rows ? first : 0;
}

static bp_status move_column(csv *c, size_t number, bp_table *table) {
  csv_column *col = &c->columns[number];
  const char *name = c->names.words[number];
  if (col->codes) {
    BP_TRY(bp_table_take_text(c->ctx, table, name, col->codes, &col->words));
    table->columns[table->n_columns - 1].take = col->take;
    col->codes = NULL;
  } else {
    BP_TRY(bp_table_take_numbers(c->ctx, table, name, col->numbers));
    col->numbers = NULL;
  }
  return BP_OK;
}

static bp_status build(csv *c, bp_table *table) {
  BP_TRY(bp_table_set_origin(c->ctx, table, c->text.name));
  table->delimiter = c->layout.delimiter;
  table->decimal = c->decimal;
  table->thousands = c->thousands;
  table->first_line = regular_line(c);
  table->first_row = c->rows_before;
  for (size_t i = 0; i < c->n_columns; i++) BP_TRY(move_column(c, i, table));
  return BP_OK;
}

bp_status bp_csv_make_table(csv *c, bp_table **out) {
  bp_table *table;
  BP_TRY(bp_table_new(c->ctx, c->rows, &table));
  bp_status status = build(c, table);
  if (status == BP_OK)
    *out = table;
  else
    bp_table_free(table);
  return status;
}

/* ---- all of it ---- */

void bp_csv_release(csv *c) {
  bp_allocator allocator = bp_context_allocator(c->ctx);
  for (size_t i = 0; i < c->n_columns && c->columns; i++) {
    csv_column *col = &c->columns[i];
    bp_release(allocator, col->numbers, col->capacity, sizeof(double));
    bp_release(allocator, col->codes, (size_t)c->rows, sizeof *col->codes);
    bp_dictionary_release(allocator, &col->words);
    if (col->missing) bp_dictionary_release(allocator, col->missing);
    bp_release(allocator, col->missing, 1, sizeof *col->missing);
  }
  bp_release(allocator, c->columns, c->n_columns, sizeof *c->columns);
  bp_release(allocator, c->header, c->header_capacity, 1);
  bp_release(allocator, c->scratch, c->scratch_capacity, 1);
  bp_dictionary_release(allocator, &c->names);
  bp_dictionary_release(allocator, &c->missing.words);
  bp_csv_text_release(&c->text);
}

bp_status bp_csv_begin(csv *c, bp_reader *reader, bool as_tab) {
  c->decimal = c->options->decimal;
  c->thousands = c->options->thousands;
  BP_TRY(read_missing(c));
  BP_TRY(bp_csv_find_layout(c, reader, as_tab));
  BP_TRY(read_names(c));
  BP_TRY(alloc_columns(c));
  BP_TRY(read_missing_of_columns(c));
  return read_as_text(c);
}

static bp_status read(csv *c, bp_reader *reader, bool as_tab, bp_table **out) {
  BP_TRY(bp_csv_text_read(c->ctx, reader, &c->text));
  BP_TRY(bp_csv_begin(c, reader, as_tab));
  c->end = c->text.end;
  BP_TRY(bp_csv_alloc_numbers(c, rows_at_most(c)));
  BP_TRY(bp_csv_read_columns(c));
  BP_TRY(bp_csv_make_table(c, out));
  bp_csv_tell_rows(c);
  bp_csv_say(c);
  return BP_OK;
}

bp_status bp_csv_read(bp_context *ctx, bp_reader *reader, bool as_tab, const bp_read_options *options, bp_table **out) {
  static const bp_read_options defaults;
  csv c = {.ctx = ctx, .text.ctx = ctx, .options = options ? options : &defaults};
  bp_status status = read(&c, reader, as_tab, out);
  bp_csv_release(&c);
  return status;
}
