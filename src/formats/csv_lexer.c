/* formats/csv_lexer.c - cells of CSV text. The text ends with a NUL and has no other, so a cell's end is always found. */
#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "data/table_core.h"
#include "formats/csv_parts.h"

void bp_csv_lexer_init(bp_csv_lexer *lexer, const char *begin, const char *end, char delimiter, char comment) {
  *lexer = (bp_csv_lexer){.at = begin, .end = end, .delimiter = delimiter, .comment = comment};
  lexer->stops[(unsigned char)delimiter] = 1;
  lexer->stops['\n'] = lexer->stops['\r'] = lexer->stops['\0'] = 1;
}

/* Blanks that mean nothing: spaces, and tabs unless they part the cells. */
static bool is_blank(const bp_csv_lexer *lexer, char c) { return c == ' ' || (c == '\t' && lexer->delimiter != '\t'); }

static void skip_blanks(bp_csv_lexer *lexer) {
  while (is_blank(lexer, *lexer->at)) lexer->at++;
}

/* Over the end of a row; false if there is none here. */
static bool skip_row_end(bp_csv_lexer *lexer) {
  if (*lexer->at == '\r') {
    lexer->at += lexer->at[1] == '\n' ? 2 : 1;
    return true;
  }
  if (*lexer->at != '\n') return false;
  lexer->at++;
  return true;
}

/* Over the line of a comment; false when its end is not there. */
static bool skip_comment(bp_csv_lexer *lexer, const char *start) {
  while (lexer->at < lexer->end && *lexer->at != '\n' && *lexer->at != '\r') lexer->at++;
  if (lexer->at < lexer->end) return skip_row_end(lexer);
  lexer->at = start;
  return false;
}

bool bp_csv_row_next(bp_csv_lexer *lexer) {
  for (;;) {
    const char *start = lexer->at;
    skip_blanks(lexer);
    if (lexer->at >= lexer->end) return false;
    if (skip_row_end(lexer)) continue;
    bool comment = lexer->comment && *lexer->at == lexer->comment;
    if (comment && skip_comment(lexer, start)) continue;
    lexer->at = start;
    return !comment;
  }
}

/* What stands behind a cell and its blanks. */
static bp_csv_end take_end(bp_csv_lexer *lexer) {
  if (*lexer->at == lexer->delimiter && lexer->delimiter != ' ') {
    lexer->at++;
    return BP_CSV_CELL;
  }
  if (lexer->at >= lexer->end || skip_row_end(lexer)) return BP_CSV_ROW;
  return lexer->delimiter == ' ' && is_blank(lexer, lexer->at[-1]) ? BP_CSV_CELL : BP_CSV_AFTER;
}

/* lexer->at stands behind the opening quote. */
static bp_csv_end take_quoted(bp_csv_lexer *lexer, bp_csv_cell *cell) {
  const char *at = lexer->at;
  *cell = (bp_csv_cell){.text = at, .quoted = true};
  for (;;) {
    const char *quote = memchr(at, '"', (size_t)(lexer->end - at));
    if ((quote ? quote : lexer->end) - cell->text > (ptrdiff_t)BP_CSV_CELL_MAX) return BP_CSV_TOO_LONG;
    if (!quote) return BP_CSV_OPEN;
    at = quote + 1;
    if (*at != '"') break;
    cell->doubled = true;
    at++;
  }
  cell->size = (size_t)(at - 1 - cell->text);
  lexer->at = at;
  skip_blanks(lexer);
  return take_end(lexer);
}

bp_csv_end bp_csv_cell_next(bp_csv_lexer *lexer, bp_csv_cell *cell) {
  skip_blanks(lexer);
  const char *at = lexer->at;
  if (*at == '"') {
    lexer->at++;
    return take_quoted(lexer, cell);
  }
  while (!lexer->stops[(unsigned char)*at]) at++;
  const char *end = at;
  while (end > lexer->at && is_blank(lexer, end[-1])) end--;
  *cell = (bp_csv_cell){.text = lexer->at, .size = (size_t)(end - lexer->at)};
  lexer->at = at;
  if (cell->size > BP_CSV_CELL_MAX) return BP_CSV_TOO_LONG;
  if (lexer->delimiter == ' ') skip_blanks(lexer);
  return take_end(lexer);
}

size_t bp_csv_unquote(const bp_csv_cell *cell, char *out) {
  size_t size = 0;
  for (size_t i = 0; i < cell->size; i++) {
    out[size++] = cell->text[i];
    if (cell->doubled && cell->text[i] == '"') i++;
  }
  return size;
}

bp_status bp_csv_fail(const bp_csv_text *text, const bp_csv_lexer *lexer, const bp_csv_cell *cell, bp_csv_end end) {
  char quoted[BP_QUOTE_TEXT];
  int64_t line = bp_csv_line(text, cell->text);
  if (end == BP_CSV_OPEN)
    return bp_fail(text->ctx, BP_E_DATA,
                   "%s:%" PRId64 ": a quote (\") is opened here and never closed; close it, or double it", text->name,
                   line);
  if (end == BP_CSV_TOO_LONG)
    return bp_fail(text->ctx, BP_E_DATA, "%s:%" PRId64 ": a cell of more than %zu bytes; is a quote (\") not closed?",
                   text->name, line, BP_CSV_CELL_MAX);
  size_t rest = (size_t)(lexer->end - lexer->at), shown = 0;
  while (shown < rest && shown < 20 && lexer->at[shown] != '\n' && lexer->at[shown] != '\r') shown++;
  return bp_fail(text->ctx, BP_E_DATA,
                 "%s:%" PRId64
                 ": '%s' follows a closing quote (\"); expected the end of the cell; double the quotes inside a cell",
                 text->name, bp_csv_line(text, lexer->at), bp_quote(lexer->at, shown, quoted));
}
