/* formats/csv_rows.c - from one row of data to the next. What passes over a row here does so in every pass, and in windows. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/table_core.h"
#include "formats/csv_table.h"

void bp_csv_begin_rows(const csv *c, bp_csv_lexer *lexer, const char *end) {
  bp_csv_lexer_init(lexer, c->body, end, c->layout.delimiter, c->layout.comment);
}

bp_csv_end bp_csv_skip_cells(bp_csv_lexer *lexer, bp_csv_cell *cell) {
  bp_csv_end end;
  do end = bp_csv_cell_next(lexer, cell);
  while (end == BP_CSV_CELL);
  return end;
}

/* ---- the header again ---- */

/* Byte for byte, and at its end. One that the window cuts touches its end, so the row is looked at again with more of it. */
static bool is_header(const csv *c, const bp_csv_lexer *lexer) {
  size_t size = c->header_size, left = (size_t)(lexer->end - lexer->at);
  if (*lexer->at != *(const char *)c->header || left < size || memcmp(lexer->at, c->header, size) != 0) return false;
  return left == size ? c->text.whole : lexer->at[size] == '\n' || lexer->at[size] == '\r';
}

/* ---- totals ---- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

bool bp_csv_says_total(const char *at) {
  static const char *const words[] = {"total", "totals", "grand total", "sum", "average", "mean"};
  while (*at == ' ' || *at == '"') at++;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t n = 0;
    while (words[i][n] && lower(at[n]) == words[i][n]) n++;
    if (!words[i][n] && strchr(",;\t| \":\r\n", at[n])) return true; /* the NUL at the end of the text too */
  }
  return false;
}

/* Whether one of the words may begin so: most rows are told apart by their first byte. */
static bool may_say_total(char first) {
  char c = (char)(first | 0x20);
  return c == 't' || c == 's' || c == 'g' || c == 'a' || c == 'm' || first == '"' || first == ' ';
}

/* Whether nothing stands behind the row; UNSURE where more may come. */
static bp_csv_step is_last(const csv *c, bp_csv_lexer lexer) {
  bp_csv_cell cell;
  lexer.end = c->text.end;
  if (bp_csv_skip_cells(&lexer, &cell) != BP_CSV_ROW || bp_csv_row_next(&lexer)) return BP_CSV_DATA;
  return c->text.whole ? BP_CSV_NO_ROW : BP_CSV_UNSURE;
}

/* ---- rows ---- */

bp_csv_step bp_csv_next_row(csv *c, bp_csv_lexer *lexer) {
  while (bp_csv_row_next(lexer)) {
    if (c->header_size > 0 && is_header(c, lexer)) {
      if (!c->again_line) c->again_line = bp_csv_line(&c->text, lexer->at);
      lexer->at += c->header_size;
      continue;
    }
    if (!may_say_total(*lexer->at) || !bp_csv_says_total(lexer->at)) return BP_CSV_DATA;
    bp_csv_step step = is_last(c, *lexer);
    if (step == BP_CSV_NO_ROW && !c->total_line) c->total_line = bp_csv_line(&c->text, lexer->at);
    return step == BP_CSV_NO_ROW && !c->first_is_number ? BP_CSV_DATA : step;
  }
  return BP_CSV_NO_ROW;
}

static void add(csv *c, const char *text, int64_t line) {
  size_t used = strlen(c->said);
  (void)snprintf(c->said + used, sizeof c->said - used, "%sline %" PRId64 " %s", used ? "; " : "", line, text);
}

void bp_csv_tell_rows(csv *c) {
  if (c->again_line > 0) add(c, "is the header again, and left out, as all such lines are", c->again_line);
  if (c->total_line > 0 && c->first_is_number) add(c, "sums up the others, and is left out", c->total_line);
  if (c->total_line > 0 && !c->first_is_number)
    bp_warn(c->ctx,
            "%s: line %" PRId64
            " is taken as data although it seems to sum up the others; take it out of the file if it does",
            c->text.name, c->total_line);
  if (c->again_line > 0) c->again_line = -1;
  if (c->total_line > 0) c->total_line = -1;
}
