/* formats/csv_ragged.c - why a row has not as many cells as the others: one table of causes, the first that fits is told. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "formats/csv_table.h"

enum { CAUSE = 256, CELLS = 64 };

typedef struct ragged {
  const csv *c;
  const char *row;
  size_t cells, filled;
  bp_csv_cell cell[CELLS]; /* the first ones */
  char text[CAUSE];        /* what is told */
} ragged;

/* ---- helpers ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *delimiter_name(char delimiter, char text[4]) {
  if (delimiter == '\t') return "a tab";
  if (delimiter == ' ') return "a blank";
  (void)snprintf(text, 4, "'%c'", delimiter);
  return text;
}

static size_t cut(const csv *c, const char *row, char delimiter, bp_csv_cell *cells, size_t room, bp_csv_lexer *lexer) {
  bp_csv_cell cell;
  bp_csv_end end;
  size_t n = 0;
  bp_csv_lexer_init(lexer, row, c->text.end, delimiter, c->layout.comment);
  do {
    end = bp_csv_cell_next(lexer, &cell);
    if (n < room) cells[n] = cell;
    n++;
  } while (end == BP_CSV_CELL);
  return n;
}

static bool is_number(const bp_csv_cell *cell) {
  double value;
  return !cell->quoted && bp_number_parse(cell->text, cell->size, &value);
}

static bool digits_from(const bp_csv_cell *cell, size_t first) {
  for (size_t i = first; i < cell->size; i++)
    if (!is_digit(cell->text[i])) return false;
  return cell->size > first && !cell->quoted;
}

/* What can stand behind a decimal comma, and before it. */
static bool all_digits(const bp_csv_cell *cell) { return digits_from(cell, 0); }
static bool is_whole(const bp_csv_cell *cell) {
  return digits_from(cell, cell->size > 0 && (*cell->text == '-' || *cell->text == '+'));
}

/* ---- causes ---- */

static bool is_comment(ragged *r) {
  char mark = *r->row;
  if (!strchr("#%;!", mark) && memcmp(r->row, "//", 2) != 0) return false;
  (void)snprintf(r->text, sizeof r->text, "if the line is a comment, say what begins comments (--comment '%c')", mark);
  return true;
}

/* The other cells are where they are in rows that end with a delimiter. */
static bool ends_with_delimiter(ragged *r) {
  size_t width = bp_csv_width(r->c), last = r->cells - 1;
  if (r->filled > 0 || r->cells != width + 1 || r->cells > CELLS || r->cell[last].size > 0 || r->cell[last].quoted)
    return false;
  (void)snprintf(r->text, sizeof r->text, "the row ends in a delimiter, as the first rows do not; take it away");
  return true;
}

static bool lacks_delimiter(ragged *r) {
  if (r->c->layout.tail == 0 || r->cells + r->c->layout.tail != bp_csv_width(r->c)) return false;
  (void)snprintf(r->text, sizeof r->text,
                 "the row does not end in a delimiter, as the first rows do; is a cell missing?");
  return true;
}

static size_t numbers(const ragged *r) {
  size_t n = 0;
  for (size_t i = 0; i < r->cells && i < CELLS; i++) n += is_number(&r->cell[i]);
  return n;
}

/* This row and the next have equally many cells, the next one ends in a number: a table begins here. */
static bool is_below_title(ragged *r) {
  const csv *c = r->c;
  const char *at = r->row;
  bp_csv_cell cells[CELLS];
  bp_csv_lexer lexer;
  if (c->rows_before > 0 || r->row <= c->first_row || c->layout.index + c->layout.tail > 0) return false;
  /* with commas the first row is more likely a header than a title, unless this one is no data */
  if (numbers(r) > 0 && cut(c, c->first_row, ',', cells, CELLS, &lexer) > 1) return false;
  for (size_t i = 0; i < sizeof ",;\t|" - 1; i++) {
    char d = ",;\t|"[i];
    size_t n = cut(c, at, d, cells, CELLS, &lexer);
    if (n < 2 || (n <= c->n_columns && numbers(r) > 0)) continue;
    const char *next = lexer.at;
    if (next >= c->text.end || cut(c, next, d, cells, CELLS, &lexer) != n || !is_number(&cells[n < CELLS ? n - 1 : 0]))
      continue;
    int64_t lines = bp_csv_line(&c->text, at) - 1;
    (void)snprintf(r->text, sizeof r->text, "if what stands above is a title, leave it out (--skip %" PRId64 ")",
                   lines);
    return true;
  }
  return false;
}

static bool has_other_delimiter(ragged *r) {
  char name[4];
  bp_csv_cell cells[CELLS];
  bp_csv_lexer lexer;
  size_t width = bp_csv_width(r->c);
  for (size_t i = 0; i < sizeof ",;\t|" - 1 && r->cells == 1 && width > 1; i++) {
    char d = ",;\t|"[i];
    if (d == r->c->layout.delimiter || cut(r->c, r->row, d, cells, CELLS, &lexer) != width) continue;
    (void)snprintf(r->text, sizeof r->text,
                   "the row is parted by %s, unlike the first one; write one delimiter throughout",
                   delimiter_name(d, name));
    return true;
  }
  return false;
}

/* The end of the file is the end of the row, without a line end. */
static bool is_cut_off(ragged *r) {
  bp_csv_lexer lexer;
  const csv *c = r->c;
  (void)cut(c, r->row, c->layout.delimiter, NULL, 0, &lexer);
  bool last = c->text.whole && lexer.at >= c->text.end && c->text.end[-1] != '\n' && c->text.end[-1] != '\r';
  if (!last || r->cells >= bp_csv_width(c)) return false;
  (void)snprintf(r->text, sizeof r->text, "it is the last line, and has no line end: is the file cut off?");
  return true;
}

static bool is_note(ragged *r) {
  bp_csv_lexer lexer;
  const csv *c = r->c;
  size_t filled = 0;
  for (size_t i = 0; i < r->cells && i < CELLS; i++) filled += r->cell[i].size > 0;
  (void)cut(c, r->row, c->layout.delimiter, NULL, 0, &lexer);
  bool last = c->text.whole && !bp_csv_row_next(&lexer);
  if (filled > 1 || is_number(&r->cell[0]) || (!last && r->cell[0].size < 2)) return false;
  (void)snprintf(r->text, sizeof r->text,
                 last ? "if it is a note below the table, take it out" : "if it is a note or a title, take it out");
  return true;
}

/* Pairs of cells that could be one number each, cut at its comma; `digits` behind it, 0: any number of them. */
static size_t pairs(const ragged *r, size_t digits) {
  size_t n = 0;
  for (size_t i = 0; i + 1 < r->cells && i + 1 < CELLS; i++) {
    const bp_csv_cell *a = &r->cell[i], *b = &r->cell[i + 1];
    if (!is_whole(a) || !all_digits(b) || b->text != a->text + a->size + 1 || (digits && b->size != digits)) continue;
    n++;
    i++;
  }
  return n;
}

/* Whether the row has more texts than the first one. */
static bool has_more_texts(const ragged *r) {
  size_t texts = 0;
  for (size_t i = 0; i < r->cells && i < CELLS; i++) texts += r->cell[i].size > 0 && !is_number(&r->cell[i]);
  return texts > r->c->first_texts;
}

/* A row that writes one number with a point writes none with a decimal comma. */
static bool has_point(const ragged *r) {
  for (size_t i = 0; i < r->cells && i < CELLS; i++)
    if (is_number(&r->cell[i]) && memchr(r->cell[i].text, '.', r->cell[i].size)) return true;
  return false;
}

static bool is_broken_number(ragged *r) {
  size_t width = bp_csv_width(r->c);
  if (r->c->layout.delimiter != ',' || r->cells <= width || has_more_texts(r)) return false;
  size_t more = r->cells - width;
  bool thousands = pairs(r, 3) >= more;
  if (!thousands && (pairs(r, 0) < more || has_point(r))) return false;
  (void)snprintf(r->text, sizeof r->text,
                 thousands ? "if a number is written as 1,234, quote it or take its commas out"
                           : "if a number has a decimal comma, write a point, or part the cells by ';'");
  return true;
}

static bool is_longer(ragged *r) {
  char name[4];
  if (r->cells <= bp_csv_width(r->c)) return false;
  if (r->cells <= CELLS && numbers(r) == r->cells) {
    (void)snprintf(r->text, sizeof r->text, "take away what is too many%s",
                   r->c->layout.header_line > 0 ? ", or name its column in the header" : "");
    return true;
  }
  (void)snprintf(r->text, sizeof r->text, "quote a cell that holds %s", delimiter_name(r->c->layout.delimiter, name));
  return true;
}

/* This line and the next one make a row together. */
static bool is_broken_row(ragged *r) {
  bp_csv_lexer lexer;
  const csv *c = r->c;
  size_t n = cut(c, r->row, c->layout.delimiter, NULL, 0, &lexer);
  if (!bp_csv_row_next(&lexer)) return false;
  size_t next = cut(c, lexer.at, c->layout.delimiter, NULL, 0, &lexer), width = bp_csv_width(c);
  if (next >= width || (n + next != width && n + next != width + 1)) return false;
  (void)snprintf(r->text, sizeof r->text, "it seems to go on in the next line: quote a cell that holds a line end");
  return true;
}

static bool is_shorter(ragged *r) {
  (void)snprintf(r->text, sizeof r->text, "write a delimiter for each cell, also for one that is empty");
  return true;
}

static const char *cause(ragged *r) {
  static bool (*const causes[])(ragged *) = {
      is_comment,       ends_with_delimiter, lacks_delimiter, has_other_delimiter,
      is_broken_number, is_below_title,      is_cut_off,      is_note,
      is_longer,        is_broken_row,       is_shorter};
  for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
    if (causes[i](r)) break;
  return r->text;
}

bp_status bp_csv_fail_ragged(const csv *c, const char *row, size_t cells, size_t filled) {
  char where[64] = "as in the first row";
  if (cells == bp_csv_width(c))
    return bp_fail(c->ctx, BP_E_DATA,
                   "%s:%" PRId64
                   ": something stands behind the last column, where the first rows have nothing; give it a "
                   "name in the header, or take it away",
                   c->text.name, bp_csv_line(&c->text, row));
  ragged r = {.c = c, .row = row, .cells = cells, .filled = filled};
  bp_csv_lexer lexer;
  (void)cut(c, row, c->layout.delimiter, r.cell, CELLS, &lexer);
  if (c->layout.header_line > 0)
    (void)snprintf(where, sizeof where, "as in the header (line %" PRId64 ")", c->layout.header_line);
  return bp_fail(c->ctx, BP_E_DATA, "%s:%" PRId64 ": %zu cell%s; expected %zu, %s; %s", c->text.name,
                 bp_csv_line(&c->text, row), cells, cells == 1 ? "" : "s", bp_csv_width(c), where, cause(&r));
}
