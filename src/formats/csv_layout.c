/* formats/csv_layout.c - how a text is meant: what stands before its rows, what parts their cells, and which of these are data.
 *
 * Everything is seen from the first rows (csv_sketch.h), so a text in windows is understood as the whole is. What leaves no doubt
 * is taken, and told in one line by bp_csv_say(). What does not is left to the checks of the rows, which tell the likely cause.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "data/table_core.h"
#include "formats/csv_plan.h"

/* What stands in front of the rows. */
typedef struct front {
  const char *rows;    /* behind all of it */
  char sep;            /* what "sep=" names; NUL: there is no such line */
  int64_t comments;    /* lines of them */
  const char *comment; /* the last one: where it begins, */
  const char *under;   /* and what follows its mark */
  const char *mark;    /* "#" */
} front;

/* ---- what is told ---- */

static void say(csv *c, const char *format, ...) BP_PRINTF(2, 3);
static void say(csv *c, const char *format, ...) {
  size_t used = strlen(c->said), room = sizeof c->said - used;
  va_list arguments;
  va_start(arguments, format);
  if (used > 0 && room > 2) {
    memcpy(c->said + used, "; ", 3);
    used += 2;
    room -= 2;
  }
  (void)vsnprintf(c->said + used, room, format, arguments);
  va_end(arguments);
}

void bp_csv_say(csv *c) {
  if (c->said[0]) bp_note(c->ctx, "%s: %s", c->text.name, c->said);
  c->said[0] = '\0';
}

/* ---- lines in front ---- */

static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

static const char *line_end(const csv *c, const char *at) {
  while (at < c->text.end && !is_line_end(*at)) at++;
  return at;
}

static const char *over_blanks(const csv *c, const char *at) {
  while (at < c->text.end && (*at == ' ' || *at == '\t' || is_line_end(*at))) at++;
  return at;
}

static bool is_delimiter(char c) { return c && strchr(",;\t |", c); }

/* "sep=;", in quotes or not, as Excel has it. */
static void find_sep(const csv *c, front *f) {
  const char *at = over_blanks(c, f->rows), *end = line_end(c, at);
  bool quoted = at < end && *at == '"';
  at += quoted;
  if (end - at < 5 || (memcmp(at, "sep=", 4) != 0 && memcmp(at, "SEP=", 4) != 0)) return;
  const char *rest = at + 5 + (quoted && at[5] == '"');
  while (rest < end && (*rest == ' ' || *rest == ',' || *rest == ';')) rest++; /* cells that a spreadsheet added */
  if (rest != end) return;
  f->sep = at[4];
  f->rows = end;
}

/* What follows the mark of a comment; NULL: the line is none. */
static const char *behind_mark(const csv *c, const char *at, const char **mark) {
  static const char *const marks[] = {"#", "%", "//"};
  char said = c->options->comment;
  if (said) return NULL; /* then the lexer passes over comments, or there are none */
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    size_t size = strlen(marks[i]);
    if ((size_t)(c->text.end - at) < size || memcmp(at, marks[i], size) != 0) continue;
    *mark = marks[i];
    while (*at == marks[i][0]) at++;
    bool parted = *at == ' ' || *at == '\t' || is_line_end(*at) || at == c->text.end;
    return *marks[i] == '%' && !parted ? NULL : at; /* %change may well be a name */
  }
  return NULL;
}

/* Comments up to the first row. In a text of nothing else they are the rows. */
static void find_comments(const csv *c, front *f) {
  const char *at = over_blanks(c, f->rows), *under, *mark;
  front found = *f;
  while (at < c->text.end && (under = behind_mark(c, at, &mark)) != NULL) {
    found.comments++;
    found.comment = at;
    found.under = under;
    found.mark = mark;
    at = over_blanks(c, line_end(c, at));
  }
  found.rows = at;
  if (at < c->text.end || !c->text.whole) *f = found;
}

/* ---- units ---- */

static bool is_unit(const bp_csv_cell *cell) {
  static const char *const words[] = {
      "s",   "ms",  "us", "ns",  "min", "h",   "hr",  "d",    "a",   "yr",  "kg",  "g",   "mg",  "t",    "lb",
      "oz",  "m",   "cm", "mm",  "km",  "um",  "nm",  "in",   "ft",  "mi",  "K",   "C",   "F",   "degC", "degF",
      "deg", "rad", "Pa", "hPa", "kPa", "MPa", "bar", "mbar", "psi", "atm", "V",   "mV",  "kV",  "A",    "mA",
      "W",   "kW",  "MW", "kWh", "J",   "kJ",  "N",   "kN",   "Nm",  "Hz",  "kHz", "MHz", "GHz", "rpm",  "dB",
      "mol", "l",   "L",  "ml",  "mL",  "ppm", "ppb", "lx",   "EUR", "USD", "eV",  "keV", "MeV", "-"};
  const char *text = cell->text;
  size_t size = cell->size;
  if (size == 0 || size > 16) return false;
  if ((text[0] == '[' && text[size - 1] == ']') || (text[0] == '(' && text[size - 1] == ')')) return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0) return true;
  for (size_t i = 0; i < size; i++)
    if (strchr("/%^", text[i])) return true;
  return (unsigned char)text[0] == 0xC2 || (unsigned char)text[0] == 0xE2; /* °, µ, €, Å and their kin begin so */
}

static bool has_letter(const bp_csv_cell *cell) {
  for (size_t i = 0; i < cell->size; i++)
    if ((cell->text[i] | 0x20) >= 'a' && (cell->text[i] | 0x20) <= 'z') return true;
  return false;
}

/* Whether the row below the header has texts above all columns of numbers, and nothing elsewhere: units, or a second header. It is
 * none where these texts are the same, as marks of missing values are. */
static bool has_second_header(const csv *c, const bp_csv_choice *a, bool *units) {
  const bp_csv_sketch *s = &a->sketch;
  int row = a->plan.top + 1, texts = 0, named = 0;
  bp_csv_cell cells[BP_CSV_SEEN];
  bool differ = false;
  if (!a->plan.header || a->plan.fit == BP_CSV_NO_FIT || row + 2 >= s->rows) return false;
  size_t n = bp_csv_cut_row(c, a->delimiter, s->row[row].at, cells), last = 0, longest = 0;
  *units = true;
  for (size_t i = a->plan.index; i < n; i++) {
    if (s->row[row].kind[i] & BP_CSV_NUMBER) return false;
    bool text = !s->row[row].kind[i], below = bp_csv_numbers_below(s, row, i);
    if (text && !below && has_letter(&cells[i])) return false;
    if (!text || !below) continue;
    *units = *units && is_unit(&cells[i]);
    differ = differ || (texts > 0 && !bp_csv_same_cell(&cells[i], &cells[last]));
    named += has_letter(&cells[i]);
    longest = cells[i].size > longest ? cells[i].size : longest;
    texts++;
    last = i;
  }
  *units = *units && texts > 0 && (differ || longest > 1);
  return *units || (differ && named == texts);
}

/* ---- a comment that names the columns ---- */

/* The names that a comment has: as many as the rows have cells, none empty, none a number. */
static bool names_columns(const csv *c, const front *f, const bp_csv_choice *a) {
  bp_csv_lexer lexer;
  bp_csv_cell cell;
  bp_csv_end end;
  size_t cells = 0;
  double value;
  bp_csv_lexer_init(&lexer, f->under, c->text.end, a->delimiter, '\0');
  do {
    end = bp_csv_cell_next(&lexer, &cell);
    if (end > BP_CSV_ROW || cell.size == 0 || bp_number_parse(cell.text, cell.size, &value)) return false;
    cells++;
  } while (end == BP_CSV_CELL);
  return cells == a->plan.names && a->plan.fit == BP_CSV_ALIKE && cells > 1 && c->options->header >= 0;
}

/* Whether a comment directly above rows without a header is as long as they are, so may be one of them. */
static bool may_be_row(const csv *c, const front *f, const bp_csv_choice *a) {
  bp_csv_cell cells[BP_CSV_SEEN];
  size_t n = bp_csv_cut_row(c, a->delimiter, f->under, cells);
  return !a->plan.header && a->plan.names > 1 && a->plan.names < BP_CSV_SEEN && n == a->plan.names + a->plan.tail;
}

/* ---- what was found ---- */

static const char *row_end(const csv *c, const char *at) {
  bp_csv_lexer lexer;
  bp_csv_cell cell;
  bp_csv_lexer_init(&lexer, at, c->text.end, c->layout.delimiter, '\0');
  while (bp_csv_cell_next(&lexer, &cell) == BP_CSV_CELL) continue;
  return lexer.at;
}

static void say_lines(csv *c, const char *from, const char *to, const char *what) {
  int64_t first = bp_csv_line(&c->text, from), last = bp_csv_line(&c->text, to);
  if (first == last)
    say(c, "line %" PRId64 " is %s", first, what);
  else
    say(c, "lines %" PRId64 " to %" PRId64 " are %s", first, last, what);
}

static void say_front(csv *c, const front *f, const bp_csv_choice *a) {
  const bp_csv_row_sketch *rows = a->sketch.row;
  int64_t comments = f->comments - c->from_comment;
  if (f->sep && f->sep != a->delimiter)
    say(c, "'sep=%c' does not count, as the delimiter is given", f->sep);
  else if (f->sep)
    say(c, f->sep == '\t' ? "'sep=' names a tab" : "'sep=%c' names the delimiter", f->sep);
  if (comments > 0)
    say(c, "%" PRId64 " line%s before the table begin%s with '%s', left out as %s", comments, comments == 1 ? "" : "s",
        comments == 1 ? "s" : "", f->mark, comments == 1 ? "a comment" : "comments");
  if (c->from_comment)
    say(c, "the names of the columns are those of the comment in line %" PRId64, bp_csv_line(&c->text, f->comment));
  if (a->plan.top > 0) say_lines(c, rows[0].at, rows[a->plan.top - 1].at, "taken as title, and left out");
  if (a->plan.counted)
    say(c, "line %" PRId64 " is taken as the header although it has numbers (--header no if it is data)",
        bp_csv_line(&c->text, rows[a->plan.top].at));
}

static void say_cells(csv *c, const bp_csv_choice *a) {
  const bp_csv_plan *p = &a->plan;
  if (p->index)
    say(c, "the first cell of each row, %s, is taken as the number or name of the row, and left out",
        p->name_index ? "which has no name" : "one more than the header has");
  size_t in_header = p->header && !c->from_comment ? a->sketch.row[p->top].empty_end : 0,
         empty = p->tail > in_header ? p->tail : in_header;
  if (empty > 0)
    say(c, "%s behind the last column %s left out", empty == 1 ? "the empty cell" : "the empty cells",
        empty == 1 ? "is" : "are");
}

/* Whether the rows from `from` on begin with numbers, but for the header again and a line of totals. */
static bool first_is_number(const bp_csv_sketch *s, int from, int top) {
  int numbers = 0;
  for (int i = from; i < s->rows; i++) {
    if (bp_csv_repeats(s, top, i) || bp_csv_says_total(s->row[i].at)) continue;
    if (!(s->row[i].kind[0] & BP_CSV_NUMBER)) return false;
    numbers++;
  }
  return numbers > 0;
}

static size_t texts_of(const bp_csv_row_sketch *row) {
  size_t texts = 0;
  for (size_t i = 0; i < bp_csv_seen_cells(row); i++) texts += !row->kind[i];
  return texts;
}

/* A row of units or of a second header stands below the header. */
static bp_status take_units(csv *c, const bp_csv_choice *a, bool units) {
  const bp_csv_row_sketch *row = &a->sketch.row[a->plan.top + 1];
  if (units) {
    c->body = row_end(c, row->at);
    say_lines(c, row->at, row->at, "taken as the units of the columns, and left out");
    return BP_OK;
  }
  int64_t line = bp_csv_line(&c->text, row->at);
  return bp_fail(c->ctx, BP_E_DATA,
                 "%s:%" PRId64
                 ": texts stand here between the header and columns of numbers; expected data: is it a second "
                 "header, or units? take the line out; where it is the header, and a title above it: --skip %" PRId64,
                 c->text.name, line, line - 1);
}

static bp_status take_layout(csv *c, const front *f, const bp_csv_choice *a) {
  const bp_csv_row_sketch *top = &a->sketch.row[a->plan.top];
  bool units = false;
  c->layout.delimiter = a->delimiter;
  c->layout.index = a->plan.index;
  c->layout.tail = a->plan.tail;
  c->n_names = a->plan.names;
  c->name_index = a->plan.name_index;
  c->has_header = a->plan.header;
  c->first_row = c->names_at = c->body = top->at;
  if (f->comments && a->plan.evidence < BP_CSV_STRONG && names_columns(c, f, a)) {
    c->from_comment = c->has_header = true;
    c->first_row = f->comment;
    c->names_at = f->under;
  } else if (f->comments && may_be_row(c, f, a))
    return bp_fail(c->ctx, BP_E_DATA,
                   "%s:%" PRId64
                   ": the line begins with '%s' and has as many cells as the rows; is it a comment or a row? "
                   "say what begins comments (--comment '%s'), or that nothing does (--comment none)",
                   c->text.name, bp_csv_line(&c->text, f->comment), f->mark, f->mark);
  if (c->has_header && !c->from_comment) c->body = row_end(c, top->at);
  c->header_is_sure = c->has_header && (a->plan.evidence == BP_CSV_STRONG || c->from_comment) && !a->plan.counted;
  say_front(c, f, a);
  if (!c->from_comment && has_second_header(c, a, &units)) BP_TRY(take_units(c, a, units));
  int first = a->plan.top + (c->body != top->at) + units;
  c->first_is_number = first_is_number(&a->sketch, first, a->plan.top);
  c->first_texts = first < a->sketch.rows ? texts_of(&a->sketch.row[first]) : 0;
  say_cells(c, a);
  return BP_OK;
}

static bp_status fail_sep(const csv *c, const front *f) {
  return bp_fail(
      c->ctx, BP_E_DATA,
      "%s:%" PRId64
      ": 'sep=%c' names no delimiter that can be read; expected , ; | or a tab; write the rows with one of these",
      c->text.name, bp_csv_line(&c->text, c->text.begin), f->sep);
}

/* From the window as it is; cut: it is too small. */
static bp_status find(csv *c, bool as_tab, bool *cut) {
  front f = {.rows = c->text.begin};
  bp_csv_choice a;
  char said = c->options->delimiter;
  c->layout.comment = c->options->comment == ' ' ? '\0' : c->options->comment;
  find_sep(c, &f);
  if (f.sep && !is_delimiter(f.sep) && !said) return fail_sep(c, &f);
  find_comments(c, &f);
  char known = said ? said : f.sep ? f.sep : as_tab ? '\t' : '\0';
  if (known) {
    bp_csv_look(c, f.rows, known, &a);
    *cut = a.sketch.cut;
  } else
    bp_csv_choose(c, f.rows, &a, cut);
  if (*cut) return BP_OK;
  if (!a.sketch.row[0].at)
    return bp_fail(c->ctx, BP_E_DATA, "%s: no rows are left behind comments and skipped lines; expected rows of data",
                   c->text.name);
  if (!known && a.sketch.rows > 0 && bp_csv_choice_width(&a) < 2) BP_TRY(bp_csv_check_one_column(c, f.rows, &a));
  return take_layout(c, &f, &a);
}

bp_status bp_csv_find_layout(csv *c, bp_reader *reader, bool as_tab) {
  BP_TRY(bp_csv_text_skip(&c->text, reader, c->options->skip));
  for (;;) {
    bool cut = false;
    BP_TRY(find(c, as_tab, &cut));
    if (!cut) return BP_OK;
    BP_TRY(bp_csv_text_more(&c->text, reader, c->text.begin));
  }
}
