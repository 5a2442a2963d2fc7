/* formats/csv_sketch.c - the first rows, cell by cell. */
#include "formats/csv_sketch.h"

#include <string.h>

#include "data/number_form.h"

/* When a text of long rows has been looked at enough. */
enum { ENOUGH = 1 << 20 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool comma_is_point(const bp_csv_cell *cell, bool *seen) {
  for (size_t i = 0, commas = 0; i < cell->size; i++) {
    if (cell->text[i] != ',') continue;
    *seen = true;
    if (++commas > 1 || i == 0 || i + 1 == cell->size || !is_digit(cell->text[i - 1]) || !is_digit(cell->text[i + 1]))
      return false;
  }
  return true;
}

static void add_cell(bp_csv_row_sketch *row, const bp_csv_cell *cell, const bp_csv_missing *missing) {
  bool number = cell->size > 0 && bp_number_is_likely(cell->text, cell->size);
  bool absent = bp_csv_is_missing(missing, cell) || bp_is_missing_mark(cell->text, cell->size);
  bool filled = cell->size > 0 || cell->quoted;
  if (row->cells == 0) row->first = *cell;
  row->only_first_quoted = row->cells == 0 ? false : row->only_first_quoted || (row->first.quoted && !cell->quoted);
  if (row->cells < BP_CSV_SEEN)
    row->kind[row->cells] = (unsigned char)((number ? BP_CSV_NUMBER : 0) | (absent ? BP_CSV_ABSENT : 0));
  row->cells++;
  row->numbers += number;
  row->filled += cell->size > 0;
  row->empty_end = filled ? 0 : row->empty_end + 1;
}

/* Whether a row that ended so may go on behind the window. */
static bool is_cut(const bp_csv_text *text, const bp_csv_lexer *lexer, bp_csv_end end) {
  if (text->whole || end == BP_CSV_TOO_LONG) return false;
  return end == BP_CSV_OPEN || lexer->at >= lexer->end;
}

void bp_csv_sketch_rows(const bp_csv_text *text, const char *begin, char delimiter, char comment,
                        const bp_csv_missing *missing, bp_csv_sketch *s) {
  bp_csv_lexer lexer;
  bool seen = false, points = true;
  memset(s, 0, sizeof *s);
  bp_csv_lexer_init(&lexer, begin, text->end, delimiter, comment);
  while (s->rows < BP_CSV_ROWS && (s->rows < 2 || lexer.at - begin < ENOUGH)) {
    if (!bp_csv_row_next(&lexer)) {
      s->cut = !text->whole;
      break;
    }
    bp_csv_row_sketch *row = &s->row[s->rows];
    bp_csv_cell cell;
    bp_csv_end end;
    row->at = lexer.at;
    do {
      end = bp_csv_cell_next(&lexer, &cell);
      points = points && (cell.quoted || comma_is_point(&cell, &seen));
      if (end <= BP_CSV_ROW) add_cell(row, &cell, missing);
    } while (end == BP_CSV_CELL);
    s->cut = is_cut(text, &lexer, end);
    if (s->cut || end != BP_CSV_ROW) break; /* an error is reported when the text is read for good */
    row->size = (size_t)(lexer.at - row->at);
    while (row->at[row->size - 1] == '\n' || row->at[row->size - 1] == '\r') row->size--;
    s->rows++;
  }
  s->comma_points = points && seen;
}
