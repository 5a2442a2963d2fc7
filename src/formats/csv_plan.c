/* formats/csv_plan.c - what rows are: a header, titles above it, data, the index in front of them, empty cells behind. */
#include "formats/csv_plan.h"

#include <inttypes.h>

#include "base/fail.h"
#include "base/number.h"

/* ---- header or data? ---- */

bool bp_csv_numbers_below(const bp_csv_sketch *s, int top, size_t column) {
  int numbers = 0;
  for (int i = top + 1; i < s->rows; i++) {
    if (bp_csv_repeats(s, top, i)) continue;
    if (column >= s->row[i].cells) return false;
    unsigned char kind = s->row[i].kind[column];
    if (!kind) return false;
    numbers += !(kind & BP_CSV_ABSENT);
  }
  return numbers > 0;
}

/* The first cells of a row. */
size_t bp_csv_cut_row(const csv *c, char delimiter, const char *at, bp_csv_cell cells[BP_CSV_SEEN]) {
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
    size_t n = bp_csv_cut_row(c, delimiter, s->row[i].at, cells);
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
  size_t n = bp_csv_cut_row(c, delimiter, row->at, cells), first = 0;
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

static bp_csv_evidence header_evidence(const bp_csv_sketch *s, int top) {
  const bp_csv_row_sketch *row = &s->row[top];
  for (size_t i = 0; i < bp_csv_seen_cells(row); i++)
    if (!row->kind[i] && bp_csv_numbers_below(s, top, i)) return BP_CSV_STRONG;
  return row->numbers > 0 ? BP_CSV_NONE : BP_CSV_WEAK;
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

/* Whether the first cells tell the rows apart. */
static bool first_cells_differ(const bp_csv_sketch *s, int from) {
  for (int i = from; i < s->rows; i++) {
    if (from > 0 && bp_csv_repeats(s, from - 1, i)) continue;
    if (s->row[i].first.size == 0) return false;
    for (int j = from; j < i; j++)
      if (bp_csv_same_cell(&s->row[i].first, &s->row[j].first)) return false;
  }
  return true;
}

static bool all_numbers(const bp_csv_sketch *s, int from, size_t column) {
  for (int i = from; i < s->rows; i++)
    for (size_t j = column; j < bp_csv_seen_cells(&s->row[i]); j++)
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
    (void)bp_csv_cut_row(c, delimiter, s->row[i].at, cells);
    if (!bp_number_parse(cells[0].text, cells[0].size, &value)) return false;
    if (i == from) first = value, size = cells[1].size;
    if (value != first + (i - from) || (first != 0 && first != 1)) return false;
    (void)bp_csv_cut_row(c, delimiter, s->row[from].at, before);
    equal = equal && bp_csv_same_cell(&cells[1], &before[1]);
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
static void explain(const csv *c, char delimiter, const bp_csv_sketch *s, bp_csv_plan *p) {
  const bp_csv_row_sketch *h = &s->row[p->top];
  size_t cells, empty_end, named = h->cells - h->empty_end;
  bool alike = are_alike(s, p->top + 1, &cells, &empty_end);
  p->names = h->cells;
  p->fit = alike && h->cells == cells ? BP_CSV_ALIKE : BP_CSV_NO_FIT;
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
  if (p->fit == BP_CSV_NO_FIT) p->fit = BP_CSV_EXPLAINED;
}

static bp_csv_plan plan_from(const csv *c, char delimiter, const bp_csv_sketch *s, int top) {
  bp_csv_plan p = {.top = top, .names = s->row[top].cells};
  int said = c->options->header;
  p.evidence = header_evidence(s, top);
  if (p.evidence == BP_CSV_NONE && !said) p.counted = names_are_counts(c, delimiter, s, top);
  if (p.counted) p.evidence = BP_CSV_STRONG;
  p.header = said ? said > 0 : p.evidence > BP_CSV_NONE;
  if (!p.header) {
    size_t cells, empty_end;
    p.fit = are_alike(s, top, &cells, &empty_end) ? BP_CSV_ALIKE : BP_CSV_NO_FIT;
    p.tail = p.fit && s->rows - top > 1 && empty_end > 0 && cells > 1 ? 1 : 0;
    p.names -= p.tail;
  } else if (top + 1 < s->rows)
    explain(c, delimiter, s, &p);
  else
    p.fit = BP_CSV_ALIKE;
  return p;
}

/* ---- where does the table begin? ---- */

/* Whether what begins in a row is a table beyond doubt. */
static bool is_sure(const bp_csv_sketch *s, const bp_csv_plan *p) {
  const bp_csv_row_sketch *row = &s->row[p->top];
  int below = s->rows - p->top - 1;
  if (p->fit == BP_CSV_NO_FIT || p->names < 2 || below < 1) return false;
  if (p->header) return p->evidence == BP_CSV_STRONG && row->filled == p->names;
  return all_numbers(s, p->top, 0);
}

/* Whether the rows above one have fewer cells, or at most one with something in it. */
static bool are_titles(const bp_csv_sketch *s, int top) {
  for (int i = 0; i < top; i++)
    if (s->row[i].cells >= s->row[top].cells && s->row[i].filled > 1) return false;
  return true;
}

/* Whether the line above rows without a header would have as many cells by another delimiter: then it names them. */
static bool is_other_header(const csv *c, char delimiter, const bp_csv_sketch *s, const bp_csv_plan *p) {
  static const char others[] = {',', ';', '\t', '|'};
  bp_csv_cell cells[BP_CSV_SEEN];
  for (size_t i = 0; i < sizeof others; i++)
    if (others[i] != delimiter && bp_csv_cut_row(c, others[i], s->row[p->top - 1].at, cells) == p->names) return true;
  return false;
}

static bp_csv_plan find_top(const csv *c, char delimiter, const bp_csv_sketch *s) {
  if (s->rows == 0) return (bp_csv_plan){.names = 1};
  bp_csv_plan first = plan_from(c, delimiter, s, 0);
  bool padded = first.header && s->row[0].filled < 2 && s->row[0].cells > 1;
  if (first.fit != BP_CSV_NO_FIT && !padded) return first;
  for (int top = 1; top + 1 < s->rows; top++) {
    bp_csv_plan p = plan_from(c, delimiter, s, top);
    if (!are_titles(s, top) || !is_sure(s, &p)) continue;
    if (p.header || (s->row[top - 1].cells == 1 && !is_other_header(c, delimiter, s, &p))) return p;
  }
  return first;
}

/* ---- the delimiter ---- */

void bp_csv_look(const csv *c, const char *rows, char delimiter, bp_csv_choice *out) {
  out->delimiter = delimiter;
  bp_csv_sketch_rows(&c->text, rows, delimiter, c->layout.comment, &c->missing, &out->sketch);
  out->plan = find_top(c, delimiter, &out->sketch);
}

/* Rows that go together better, then more cells. */
static bool is_better(const bp_csv_choice *a, const bp_csv_choice *best) {
  if (a->plan.fit != best->plan.fit) return a->plan.fit > best->plan.fit;
  return bp_csv_choice_width(a) > bp_csv_choice_width(best);
}

/* The delimiter by which the first rows go together, a blank only when nothing else parts them. */
void bp_csv_choose(const csv *c, const char *rows, bp_csv_choice *best, bool *cut) {
  static const char candidates[] = {',', ';', '\t', '|', ' '};
  bp_csv_choice a;
  bp_csv_look(c, rows, ',', best);
  *cut = best->sketch.cut;
  for (size_t i = 1; i < sizeof candidates; i++) {
    bool blank = candidates[i] == ' ';
    bp_csv_look(c, rows, candidates[i], &a);
    *cut = *cut || a.sketch.cut;
    if (bp_csv_choice_width(&a) < 2 ||
        (blank && (bp_csv_choice_width(best) > 1 || a.plan.fit == BP_CSV_NO_FIT || a.plan.top > 0)))
      continue;
    bool points = candidates[i] == ';' && a.sketch.comma_points && a.plan.fit == BP_CSV_ALIKE; /* 1,5;2,5 */
    if (bp_csv_choice_width(best) > 1 && !points && !is_better(&a, best)) continue;
    *best = a;
  }
}

/* ---- rows that nothing parts ---- */

/* A character that would part them into a header and numbers, but is no delimiter; NUL: none. */
static char foreign_delimiter(const csv *c, const char *rows) {
  static const char others[] = {':', '^', '~', '!', '/', '\x01', '\x1F'};
  bp_csv_choice a;
  for (size_t i = 0; i < sizeof others; i++) {
    bp_csv_look(c, rows, others[i], &a);
    if (a.plan.fit == BP_CSV_ALIKE && a.plan.evidence == BP_CSV_STRONG && a.plan.header && a.sketch.rows > 2 &&
        bp_csv_choice_width(&a) > 1)
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
bp_status bp_csv_check_one_column(const csv *c, const char *rows, const bp_csv_choice *a) {
  char foreign = foreign_delimiter(c, rows);
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
