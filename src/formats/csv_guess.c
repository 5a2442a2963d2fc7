/* formats/csv_guess.c - delimiter and header, from the first rows. */
#include <string.h>

#include "base/number.h"
#include "formats/csv_parts.h"

/* How many rows are looked at, and when a text of long rows has been looked at enough. */
enum { ROWS = 20, ENOUGH = 1 << 20 };
/* How many texts of the first row are compared with what is below them. */
enum { TEXTS = 8 };

/* ---- delimiter ---- */

/* What the first rows are under a delimiter. */
typedef struct sample {
  int rows;
  size_t cells;      /* in the first row */
  int as_first;      /* rows with as many cells as the first */
  bool comma_in_all; /* every cell has at most one comma, which stands between digits, and some cell has */
} sample;

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

static sample take_sample(const bp_csv_text *text, char delimiter) {
  bp_csv_lexer lexer;
  sample s = {0};
  bool seen = false, points = true;
  bp_csv_lexer_init(&lexer, text->begin, text->end, delimiter);
  while (s.rows < ROWS && (s.rows < 2 || lexer.at - text->begin < ENOUGH) && bp_csv_row_next(&lexer)) {
    bp_csv_cell cell;
    bp_csv_end end;
    size_t cells = 0;
    do {
      end = bp_csv_cell_next(&lexer, &cell);
      points = points && (cell.quoted || comma_is_point(&cell, &seen));
      cells++;
    } while (end == BP_CSV_CELL);
    if (end != BP_CSV_ROW) break; /* reported when the text is read for good */
    if (s.rows == 0) s.cells = cells;
    s.as_first += cells == s.cells;
    s.rows++;
  }
  s.comma_in_all = points && seen;
  return s;
}

/* More rows that fit, then more cells; a blank only when nothing else parts the rows. */
static bool is_better(const sample *a, const sample *best) {
  bool whole = a->as_first == a->rows, best_whole = best->as_first == best->rows;
  if (whole != best_whole) return whole;
  return a->cells > best->cells;
}

char bp_csv_guess_delimiter(const bp_csv_text *text) {
  static const char candidates[] = {',', ';', '\t', '|', ' '};
  sample best = {0};
  char found = ',';
  for (size_t i = 0; i < sizeof candidates; i++) {
    sample s = take_sample(text, candidates[i]);
    if (s.cells < 2 || (candidates[i] == ' ' && (best.cells > 1 || s.as_first < s.rows))) continue;
    bool points = candidates[i] == ';' && s.comma_in_all && s.as_first == s.rows; /* 1,5;2,5 */
    if (best.cells > 1 && !points && !is_better(&s, &best)) continue;
    best = s;
    found = candidates[i];
  }
  return found;
}

/* ---- header ---- */

static bool is_number(const bp_csv_cell *cell) {
  double value;
  return bp_number_parse(cell->text, cell->size, &value);
}

/* The cell `column` of the row that begins at lexer->at, which is left behind; false if the row has no such cell. */
static bool cell_of_row(bp_csv_lexer *lexer, size_t column, bp_csv_cell *out) {
  bp_csv_cell cell;
  bp_csv_end end;
  size_t c = 0;
  bool found = false;
  do {
    end = bp_csv_cell_next(lexer, &cell);
    if (c++ == column) {
      *out = cell;
      found = true;
    }
  } while (end == BP_CSV_CELL);
  return found && (end == BP_CSV_CELL || end == BP_CSV_ROW);
}

/* Whether the cells of a column are numbers in the rows behind lexer->at. */
static bool numbers_below(const bp_csv_text *text, bp_csv_lexer lexer, const bp_csv_missing *missing, size_t column) {
  int rows = 0, numbers = 0;
  while (rows < ROWS && (rows < 2 || lexer.at - text->begin < ENOUGH) && bp_csv_row_next(&lexer)) {
    bp_csv_cell cell = {0};
    if (!cell_of_row(&lexer, column, &cell)) break;
    bool absent = bp_csv_is_missing(missing, &cell);
    if (!absent && !is_number(&cell)) return false;
    numbers += !absent;
    rows++;
  }
  return numbers > 0;
}

bool bp_csv_guess_header(const bp_csv_text *text, char delimiter, const bp_csv_missing *missing) {
  bp_csv_lexer lexer;
  bp_csv_cell cell;
  bp_csv_end end;
  size_t cells = 0, texts[TEXTS], n_texts = 0;
  bool any_number = false;
  bp_csv_lexer_init(&lexer, text->begin, text->end, delimiter);
  if (!bp_csv_row_next(&lexer)) return false;
  do {
    end = bp_csv_cell_next(&lexer, &cell);
    if (is_number(&cell))
      any_number = true;
    else if (n_texts < TEXTS && !bp_csv_is_missing(missing, &cell))
      texts[n_texts++] = cells;
    cells++;
  } while (end == BP_CSV_CELL);
  if (!any_number) return true;
  for (size_t i = 0; i < n_texts; i++)
    if (numbers_below(text, lexer, missing, texts[i])) return true;
  return false;
}

bool bp_csv_is_decimal_comma(const char *text, size_t size) {
  enum { LONGEST = 64 };
  char point[LONGEST];
  double value;
  const char *comma = size < LONGEST ? memchr(text, ',', size) : NULL;
  if (!comma) return false;
  memcpy(point, text, size);
  point[comma - text] = '.';
  return bp_number_parse(point, size, &value);
}
