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
#include "formats/csv_sketch.h"
#include "formats/csv_table.h"

/* How sure it is that a row names the columns: not at all; it has no number; it has texts above numbers. */
typedef enum evidence { NONE, WEAK, STRONG } evidence;
/* How well rows go together: not at all; but for what is explained; all alike. */
typedef enum fit { NO_FIT, EXPLAINED, ALIKE } fit;

/* How the rows of a sketch are understood. */
typedef struct plan {
  fit fit;
  int top;              /* the row in which the table begins: its header, or the first of the data */
  bool header, counted; /* counted: its names are 0, 1, 2 … or years */
  evidence evidence;
  size_t names, name_index, index, tail;
} plan;

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
  if (c->said[0]) bp_warn(c->ctx, "%s: %s", c->text.name, c->said);
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

/* ---- header or data? ---- */

/* Whether a row is another one again, as the header is where files were put together. */
static bool repeats(const bp_csv_sketch *s, int top, int i) {
  const bp_csv_row_sketch *a = &s->row[top], *b = &s->row[i];
  return a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}

static bool numbers_below(const bp_csv_sketch *s, int top, size_t column) {
  int numbers = 0;
  for (int i = top + 1; i < s->rows; i++) {
    if (repeats(s, top, i)) continue;
    if (column >= s->row[i].cells) return false;
    unsigned char kind = s->row[i].kind[column];
    if (!kind) return false;
    numbers += !(kind & BP_CSV_ABSENT);
  }
  return numbers > 0;
}

static size_t seen_cells(const bp_csv_row_sketch *row) { return row->cells < BP_CSV_SEEN ? row->cells : BP_CSV_SEEN; }

/* The first cells of a row. */
static size_t cut_row(const csv *c, char delimiter, const char *at, bp_csv_cell cells[BP_CSV_SEEN]) {
  bp_csv_lexer lexer;
  size_t n = 0;
  bp_csv_lexer_init(&lexer, at, c->text.end, delimiter, '\0');
  while (n < BP_CSV_SEEN && bp_csv_cell_next(&lexer, &cells[n++]) == BP_CSV_CELL) continue;
  return n;
}

static bool is_year(double value) { return value >= 1000 && value <= 2200; }

/* Whether the rows below have a number in these columns that is no year. */
static bool other_than_years(const csv *c, char delimiter, const bp_csv_sketch *s, int top, size_t first) {
  for (int i = top + 1; i < s->rows; i++) {
    bp_csv_cell cells[BP_CSV_SEEN];
    size_t n = cut_row(c, delimiter, s->row[i].at, cells);
    double value;
    for (size_t j = first; j < n; j++)
      if (bp_number_parse(cells[j].text, cells[j].size, &value) && (!is_year(value) || value != (double)(int)value))
        return true;
  }
  return false;
}

/* Names that are 0, 1, 2, … to the end of the row, or years one after the other. */
static bool names_are_counts(const csv *c, char delimiter, const bp_csv_sketch *s, int top) {
  const bp_csv_row_sketch *row = &s->row[top];
  bp_csv_cell cells[BP_CSV_SEEN];
  double value, next = 0;
  size_t n = cut_row(c, delimiter, row->at, cells), first = 0;
  if (row->cells > BP_CSV_SEEN || row->numbers < 2 || top + 1 >= s->rows) return false;
  while (first < n && !(row->kind[first] & BP_CSV_NUMBER)) first++;
  for (size_t i = first; i < n; i++) {
    if (!bp_number_parse(cells[i].text, cells[i].size, &value) || (i > first && value != next)) return false;
    next = value + 1;
  }
  double from = next - (double)(n - first);
  if (is_year(from) && from == (double)(int)from) return other_than_years(c, delimiter, s, top, first);
  bool indexed = first == 1 && cells[0].size == 0;
  return from == 0 && (indexed || (first == 0 && n >= 4));
}

static evidence header_evidence(const bp_csv_sketch *s, int top) {
  const bp_csv_row_sketch *row = &s->row[top];
  for (size_t i = 0; i < seen_cells(row); i++)
    if (!row->kind[i] && numbers_below(s, top, i)) return STRONG;
  return row->numbers > 0 ? NONE : WEAK;
}

/* ---- which cells are data? ---- */

/* Whether the rows from `from` on have equally many cells; and how many at their end are empty in all of them. */
static bool are_alike(const bp_csv_sketch *s, int from, size_t *cells, size_t *empty_end) {
  bool alike = true;
  *cells = s->row[from].cells;
  *empty_end = *cells;
  for (int i = from; i < s->rows; i++) {
    alike = alike && s->row[i].cells == *cells;
    if (s->row[i].empty_end < *empty_end) *empty_end = s->row[i].empty_end;
  }
  return alike;
}

static bool same_cell(const bp_csv_cell *a, const bp_csv_cell *b) {
  return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

/* Whether the first cells tell the rows apart. */
static bool first_cells_differ(const bp_csv_sketch *s, int from) {
  for (int i = from; i < s->rows; i++) {
    if (from > 0 && repeats(s, from - 1, i)) continue;
    if (s->row[i].first.size == 0) return false;
    for (int j = from; j < i; j++)
      if (same_cell(&s->row[i].first, &s->row[j].first)) return false;
  }
  return true;
}

static bool all_numbers(const bp_csv_sketch *s, int from, size_t column) {
  for (int i = from; i < s->rows; i++)
    for (size_t j = column; j < seen_cells(&s->row[i]); j++)
      if (!s->row[i].kind[j]) return false;
  return true;
}

/* Whether the first cells count the rows from 0 or 1, and what follows them cannot be a decimal part: 0,25 1,50 2,75 */
static bool first_cells_count(const csv *c, char delimiter, const bp_csv_sketch *s, int from) {
  double value, first = 0;
  size_t size = 0;
  bool equal = true, as_long = true;
  if (s->rows - from < 3) return false;
  for (int i = from; i < s->rows; i++) {
    bp_csv_cell cells[BP_CSV_SEEN], before[BP_CSV_SEEN];
    (void)cut_row(c, delimiter, s->row[i].at, cells);
    if (!bp_number_parse(cells[0].text, cells[0].size, &value)) return false;
    if (i == from) first = value, size = cells[1].size;
    if (value != first + (i - from) || (first != 0 && first != 1)) return false;
    (void)cut_row(c, delimiter, s->row[from].at, before);
    equal = equal && same_cell(&cells[1], &before[1]);
    as_long = as_long && cells[1].size == size && size > 1;
  }
  return delimiter != ',' || (!equal && !as_long);
}

/* Whether the first cell of each row is its name, under a header that has none for it. */
static bool has_row_names(const csv *c, char delimiter, const bp_csv_sketch *s, int from) {
  bool quoted = true, texts = true;
  if (!first_cells_differ(s, from)) return false;
  for (int i = from; i < s->rows; i++) {
    quoted = quoted && s->row[i].only_first_quoted;
    texts = texts && !s->row[i].kind[0];
  }
  if (quoted) return true;
  if (s->rows - from < 2) return false;
  return delimiter == '\t' || (texts && all_numbers(s, from, 1)) || first_cells_count(c, delimiter, s, from);
}

/* Cells of a header, and of the rows below it. */
static void explain(const csv *c, char delimiter, const bp_csv_sketch *s, plan *p) {
  const bp_csv_row_sketch *h = &s->row[p->top];
  size_t cells, empty_end, named = h->cells - h->empty_end;
  bool alike = are_alike(s, p->top + 1, &cells, &empty_end);
  p->names = h->cells;
  p->fit = alike && h->cells == cells ? ALIKE : NO_FIT;
  if (!alike && h->empty_end > 0 && named > 0)
    p->names = named, p->tail = h->empty_end; /* the row that differs is told */
  if (!alike || named == 0) return;
  if (named <= cells && cells - empty_end <= named) {
    bool unnamed = named > 1 && h->first.size == 0 && first_cells_differ(s, p->top + 1);
    p->name_index = p->index = unnamed ? 1 : 0;
    p->names = named - p->index;
    p->tail = cells - named;
  } else if (h->empty_end == 0 && named < cells && cells - empty_end <= named + 1 &&
             has_row_names(c, delimiter, s, p->top + 1)) {
    p->index = 1;
    p->tail = cells - named - 1;
  } else
    return;
  if (p->fit == NO_FIT) p->fit = EXPLAINED;
}

static plan plan_from(const csv *c, char delimiter, const bp_csv_sketch *s, int top) {
  plan p = {.top = top, .names = s->row[top].cells};
  int said = c->options->header;
  p.evidence = header_evidence(s, top);
  if (p.evidence == NONE && !said) p.counted = names_are_counts(c, delimiter, s, top);
  if (p.counted) p.evidence = STRONG;
  p.header = said ? said > 0 : p.evidence > NONE;
  if (!p.header) {
    size_t cells, empty_end;
    p.fit = are_alike(s, top, &cells, &empty_end) ? ALIKE : NO_FIT;
    p.tail = p.fit && s->rows - top > 1 && empty_end > 0 && cells > 1 ? 1 : 0;
    p.names -= p.tail;
  } else if (top + 1 < s->rows)
    explain(c, delimiter, s, &p);
  else
    p.fit = ALIKE;
  return p;
}

/* ---- where does the table begin? ---- */

/* Whether what begins in a row is a table beyond doubt. */
static bool is_sure(const bp_csv_sketch *s, const plan *p) {
  const bp_csv_row_sketch *row = &s->row[p->top];
  int below = s->rows - p->top - 1;
  if (p->fit == NO_FIT || p->names < 2 || below < 1) return false;
  if (p->header) return p->evidence == STRONG && row->filled == p->names;
  return all_numbers(s, p->top, 0);
}

/* Whether the rows above one have fewer cells, or at most one with something in it. */
static bool are_titles(const bp_csv_sketch *s, int top) {
  for (int i = 0; i < top; i++)
    if (s->row[i].cells >= s->row[top].cells && s->row[i].filled > 1) return false;
  return true;
}

/* Whether the line above rows without a header would have as many cells by another delimiter: then it names them. */
static bool is_other_header(const csv *c, char delimiter, const bp_csv_sketch *s, const plan *p) {
  static const char others[] = {',', ';', '\t', '|'};
  bp_csv_cell cells[BP_CSV_SEEN];
  for (size_t i = 0; i < sizeof others; i++)
    if (others[i] != delimiter && cut_row(c, others[i], s->row[p->top - 1].at, cells) == p->names) return true;
  return false;
}

static plan find_top(const csv *c, char delimiter, const bp_csv_sketch *s) {
  if (s->rows == 0) return (plan){.names = 1};
  plan first = plan_from(c, delimiter, s, 0);
  bool padded = first.header && s->row[0].filled < 2 && s->row[0].cells > 1;
  if (first.fit != NO_FIT && !padded) return first;
  for (int top = 1; top + 1 < s->rows; top++) {
    plan p = plan_from(c, delimiter, s, top);
    if (!are_titles(s, top) || !is_sure(s, &p)) continue;
    if (p.header || (s->row[top - 1].cells == 1 && !is_other_header(c, delimiter, s, &p))) return p;
  }
  return first;
}

/* ---- the delimiter ---- */

typedef struct choice {
  char delimiter;
  plan plan;
  bp_csv_sketch sketch;
} choice;

static void look(const csv *c, const front *f, char delimiter, choice *out) {
  out->delimiter = delimiter;
  bp_csv_sketch_rows(&c->text, f->rows, delimiter, c->layout.comment, &c->missing, &out->sketch);
  out->plan = find_top(c, delimiter, &out->sketch);
}

static size_t width(const choice *a) { return a->sketch.rows > a->plan.top ? a->sketch.row[a->plan.top].cells : 1; }

/* Rows that go together better, then more cells. */
static bool is_better(const choice *a, const choice *best) {
  if (a->plan.fit != best->plan.fit) return a->plan.fit > best->plan.fit;
  return width(a) > width(best);
}

/* The delimiter by which the first rows go together, a blank only when nothing else parts them. */
static void choose(const csv *c, const front *f, choice *best, bool *cut) {
  static const char candidates[] = {',', ';', '\t', '|', ' '};
  choice a;
  look(c, f, ',', best);
  *cut = best->sketch.cut;
  for (size_t i = 1; i < sizeof candidates; i++) {
    bool blank = candidates[i] == ' ';
    look(c, f, candidates[i], &a);
    *cut = *cut || a.sketch.cut;
    if (width(&a) < 2 || (blank && (width(best) > 1 || a.plan.fit == NO_FIT || a.plan.top > 0))) continue;
    bool points = candidates[i] == ';' && a.sketch.comma_points && a.plan.fit == ALIKE; /* 1,5;2,5 */
    if (width(best) > 1 && !points && !is_better(&a, best)) continue;
    *best = a;
  }
}

/* ---- rows that nothing parts ---- */

/* A character that would part them into a header and numbers, but is no delimiter; NUL: none. */
static char foreign_delimiter(const csv *c, const front *f) {
  static const char others[] = {':', '^', '~', '!', '/', '\x01', '\x1F'};
  choice a;
  for (size_t i = 0; i < sizeof others; i++) {
    look(c, f, others[i], &a);
    if (a.plan.fit == ALIKE && a.plan.evidence == STRONG && a.plan.header && a.sketch.rows > 2 && width(&a) > 1)
      return others[i];
  }
  return '\0';
}

/* Whether all rows have a blank at the same place, some a second one beside it, and something on both sides. */
static bool is_fixed_width(const bp_csv_sketch *s) {
  for (size_t place = 1; s->rows > 2 && place < s->row[0].size; place++) {
    bool blank = true, wide = false;
    for (int i = 0; i < s->rows && blank; i++) {
      const bp_csv_row_sketch *row = &s->row[i];
      size_t rest = place;
      while (rest < row->size && row->at[rest] == ' ') rest++;
      blank = rest > place && rest < row->size && *row->at != ' ';
      wide = wide || rest > place + 1;
    }
    if (blank && wide) return true;
  }
  return false;
}

/* One column was found: that this is no delimiter overlooked. */
static bp_status check_one_column(const csv *c, const front *f, const choice *a) {
  char foreign = foreign_delimiter(c, f);
  int64_t line = bp_csv_line(&c->text, a->sketch.row[0].at);
  if (foreign)
    return bp_fail(c->ctx, BP_E_DATA,
                   "%s:%" PRId64
                   ": the cells seem to be parted by '%c'; expected a comma, semicolon, tab, blank or bar; write "
                   "the rows with one of these",
                   c->text.name, line, foreign);
  if (!is_fixed_width(&a->sketch)) return BP_OK;
  return bp_fail(c->ctx, BP_E_DATA,
                 "%s:%" PRId64
                 ": the columns seem to be of fixed width; expected a delimiter between the cells; write the rows "
                 "as CSV, as with pandas: read_fwf",
                 c->text.name, line);
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
static bool has_second_header(const csv *c, const choice *a, bool *units) {
  const bp_csv_sketch *s = &a->sketch;
  int row = a->plan.top + 1, texts = 0, named = 0;
  bp_csv_cell cells[BP_CSV_SEEN];
  bool differ = false;
  if (!a->plan.header || a->plan.fit == NO_FIT || row + 2 >= s->rows) return false;
  size_t n = cut_row(c, a->delimiter, s->row[row].at, cells), last = 0, longest = 0;
  *units = true;
  for (size_t i = a->plan.index; i < n; i++) {
    if (s->row[row].kind[i] & BP_CSV_NUMBER) return false;
    bool text = !s->row[row].kind[i], below = numbers_below(s, row, i);
    if (text && !below && has_letter(&cells[i])) return false;
    if (!text || !below) continue;
    *units = *units && is_unit(&cells[i]);
    differ = differ || (texts > 0 && !same_cell(&cells[i], &cells[last]));
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
static bool names_columns(const csv *c, const front *f, const choice *a) {
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
  return cells == a->plan.names && a->plan.fit == ALIKE && cells > 1 && c->options->header >= 0;
}

/* Whether a comment directly above rows without a header is as long as they are, so may be one of them. */
static bool may_be_row(const csv *c, const front *f, const choice *a) {
  bp_csv_cell cells[BP_CSV_SEEN];
  size_t n = cut_row(c, a->delimiter, f->under, cells);
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

static void say_front(csv *c, const front *f, const choice *a) {
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
    say(c, "line %" PRId64 " is taken as the header although it has numbers (set header to no if it is data)",
        bp_csv_line(&c->text, rows[a->plan.top].at));
}

static void say_cells(csv *c, const choice *a) {
  const plan *p = &a->plan;
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
    if (repeats(s, top, i) || bp_csv_says_total(s->row[i].at)) continue;
    if (!(s->row[i].kind[0] & BP_CSV_NUMBER)) return false;
    numbers++;
  }
  return numbers > 0;
}

static size_t texts_of(const bp_csv_row_sketch *row) {
  size_t texts = 0;
  for (size_t i = 0; i < seen_cells(row); i++) texts += !row->kind[i];
  return texts;
}

/* A row of units or of a second header stands below the header. */
static bp_status take_units(csv *c, const choice *a, bool units) {
  const bp_csv_row_sketch *row = &a->sketch.row[a->plan.top + 1];
  if (units) {
    c->body = row_end(c, row->at);
    say_lines(c, row->at, row->at, "taken as the units of the columns, and left out");
    return BP_OK;
  }
  return bp_fail(c->ctx, BP_E_DATA,
                 "%s:%" PRId64
                 ": texts stand here between the header and columns of numbers; expected data: is it a second "
                 "header, or units? take the line out",
                 c->text.name, bp_csv_line(&c->text, row->at));
}

static bp_status take_layout(csv *c, const front *f, const choice *a) {
  const bp_csv_row_sketch *top = &a->sketch.row[a->plan.top];
  bool units = false;
  c->layout.delimiter = a->delimiter;
  c->layout.index = a->plan.index;
  c->layout.tail = a->plan.tail;
  c->n_names = a->plan.names;
  c->name_index = a->plan.name_index;
  c->has_header = a->plan.header;
  c->first_row = c->names_at = c->body = top->at;
  if (f->comments && a->plan.evidence < STRONG && names_columns(c, f, a)) {
    c->from_comment = c->has_header = true;
    c->first_row = f->comment;
    c->names_at = f->under;
  } else if (f->comments && may_be_row(c, f, a))
    return bp_fail(c->ctx, BP_E_DATA,
                   "%s:%" PRId64
                   ": the line begins with '%s' and has as many cells as the rows; is it a comment or a row? set "
                   "comment to the character that begins comments, or to none",
                   c->text.name, bp_csv_line(&c->text, f->comment), f->mark);
  if (c->has_header && !c->from_comment) c->body = row_end(c, top->at);
  c->header_is_sure = c->has_header && (a->plan.evidence == STRONG || c->from_comment) && !a->plan.counted;
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
  choice a;
  char said = c->options->delimiter;
  c->layout.comment = c->options->comment == ' ' ? '\0' : c->options->comment;
  find_sep(c, &f);
  if (f.sep && !is_delimiter(f.sep) && !said) return fail_sep(c, &f);
  find_comments(c, &f);
  char known = said ? said : f.sep ? f.sep : as_tab ? '\t' : '\0';
  if (known) {
    look(c, &f, known, &a);
    *cut = a.sketch.cut;
  } else
    choose(c, &f, &a, cut);
  if (*cut) return BP_OK;
  if (!a.sketch.row[0].at)
    return bp_fail(c->ctx, BP_E_DATA, "%s: no rows are left behind comments and skipped lines; expected rows of data",
                   c->text.name);
  if (!known && a.sketch.rows > 0 && width(&a) < 2) BP_TRY(check_one_column(c, &f, &a));
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
