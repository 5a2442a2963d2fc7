/* formats/csv_parts.h - CSV text in memory, cut into rows and cells. For this floor only.
 *
 *   row    ends at LF, CR LF, CR or the end of the text; rows of blanks only are passed over
 *   cell   blanks around it do not count; in double quotes (RFC 4180) it may hold delimiters, line ends and "" for a quote
 *
 * With a blank as delimiter, any run of blanks parts two cells.
 */
#ifndef BP_FORMATS_CSV_PARTS_H
#define BP_FORMATS_CSV_PARTS_H
#include "base/file.h"
#include "data/dictionary.h"

/* The longest row, in bytes: text that goes on so long without the end of one is no table. */
#define BP_CSV_ROW_MAX ((size_t)64 << 20)
/* The longest cell, in bytes. */
#define BP_CSV_CELL_MAX ((size_t)1 << 20)

/* ---- the text (csv_text.c) ---- */
typedef struct bp_csv_text {
  bp_context *ctx;
  const char *name; /* BORROW: of the file, for messages */
  void *data;       /* capacity bytes; a NUL stands at end */
  size_t capacity;
  const char *begin, *end; /* without a byte order mark */
  bool whole;              /* end is the end of the file */
  int64_t lines;           /* before begin, in a text that is read in windows */
  size_t bytes;            /* likewise */
  char held[4];            /* the first bytes of a character that goes on behind the window */
  size_t n_held;
} bp_csv_text;
/* All that the reader gives: UTF-8 without NULs, not empty, and not of a kind of file that is known to be something else. */
bp_status bp_csv_text_read(bp_context *ctx, bp_reader *reader, bp_csv_text *out);
/* The same of its first bytes: a window of that many, or more where that makes a few lines. */
bp_status bp_csv_text_open(bp_context *ctx, bp_reader *reader, size_t window, bp_csv_text *out);
/* Moves the window on: what stands before `from` is dropped, and as much is read behind the rest. The window grows where
 * the rest is more than half of it. */
bp_status bp_csv_text_more(bp_csv_text *text, bp_reader *reader, const char *from);
/* Drops the first lines of a text just opened. BP_E_DATA: there are not so many. */
bp_status bp_csv_text_skip(bp_csv_text *text, bp_reader *reader, int64_t lines);
void bp_csv_text_release(bp_csv_text *text);
/* 1 for the byte that ends a line: LF, or CR without LF behind it. The text goes on behind `at`, with its NUL at least. */
static inline int bp_csv_is_line_end(const char *at) { return (at[0] == '\n') | ((at[0] == '\r') & (at[1] != '\n')); }
/* The number of the line in which a byte stands, from 1. */
int64_t bp_csv_line(const bp_csv_text *text, const char *at);

/* ---- cells (csv_lexer.c) ---- */
typedef struct bp_csv_lexer {
  const char *at, *end;
  char delimiter;
  char comment;             /* lines that begin with it are passed over; NUL: none */
  unsigned char stops[256]; /* 1: ends a cell without quotes */
} bp_csv_lexer;
typedef struct bp_csv_cell {
  const char *text; /* without the quotes */
  size_t size;
  bool quoted;
  bool doubled; /* "" stands for " in it */
} bp_csv_cell;
typedef enum bp_csv_end {
  BP_CSV_CELL,    /* another cell follows */
  BP_CSV_ROW,     /* it was the last of its row */
  BP_CSV_OPEN,    /* the quote at cell->text - 1 is not closed */
  BP_CSV_AFTER,   /* something follows the closing quote: lexer->at */
  BP_CSV_TOO_LONG /* more than BP_CSV_CELL_MAX bytes */
} bp_csv_end;
void bp_csv_lexer_init(bp_csv_lexer *lexer, const char *begin, const char *end, char delimiter, char comment);
/* Goes to the next row that is neither blank nor a comment; false when there is none. A comment whose end is not there is left
 * where it is. */
bool bp_csv_row_next(bp_csv_lexer *lexer);
bp_csv_end bp_csv_cell_next(bp_csv_lexer *lexer, bp_csv_cell *cell);
/* The cell with every "" made one ", in out[cell->size]; returns its size. */
size_t bp_csv_unquote(const bp_csv_cell *cell, char *out);
/* BP_E_DATA for one of the last three ends. */
bp_status bp_csv_fail(const bp_csv_text *text, const bp_csv_lexer *lexer, const bp_csv_cell *cell, bp_csv_end end);

/* ---- missing values ---- */
typedef struct bp_csv_missing {
  bp_dictionary words;
  bool begins[256]; /* whether a word begins with that byte */
} bp_csv_missing;
static inline bool bp_csv_is_missing(const bp_csv_missing *missing, const bp_csv_cell *cell) {
  if (cell->size == 0) return true;
  return missing->begins[(unsigned char)cell->text[0]] &&
         bp_dictionary_find(&missing->words, cell->text, cell->size) >= 0;
}

#endif
