/* formats/csv_table.h - a table from CSV text under way: what csv_read.c and csv_stream.c share. For these two only. */
#ifndef BP_FORMATS_CSV_TABLE_H
#define BP_FORMATS_CSV_TABLE_H
#include "base/fail.h"
#include "formats/csv_parts.h"
#include "formats/readers.h"

typedef struct csv_column {
  double *numbers; /* [capacity] NULL once it is known to be text */
  size_t capacity;
  bool is_text;   /* a cell is no number, or nobody wants numbers */
  bp_take take;   /* TEXT: asked for */
  int32_t *codes; /* [rows] of a text column */
  bp_dictionary words;
  bp_dictionary *missing; /* what stands for a missing value in this column alone; NULL: nothing */
} csv_column;

typedef struct csv {
  bp_context *ctx;
  bp_csv_text text;
  const bp_read_options *options; /* NULL once the header is read */
  bp_csv_layout layout;
  char decimal, thousands; /* as in bp_read_options: then all columns are read as texts, for others to understand */
  bool has_header, from_comment;    /* from_comment: the names are those of a comment */
  bool header_is_sure;              /* so that a row of the same bytes is the header again */
  bool first_is_number;             /* in the first rows, the first cell is a number */
  size_t first_texts;               /* cells of the first row of data that are texts */
  const char *first_row, *names_at; /* where the header begins, and its names; or the first row of the data */
  size_t n_names, name_index;       /* names in it, behind so many cells */
  const char *body;                 /* behind the header, or behind the rows of tables made before */
  const char *end;                  /* of the rows of the table */
  bp_dictionary names;
  bp_csv_missing missing;
  csv_column *columns;
  size_t n_columns;
  int64_t rows, rows_before; /* of the table; of those made before */
  void *header;              /* the bytes of a header that is sure */
  size_t header_size, header_capacity;
  int64_t again_line,
      total_line; /* where the header stands again first, where a line of totals: told already when below 0 */
  void *scratch;  /* for a cell without its double quotes */
  size_t scratch_capacity;
  char said[BP_MESSAGE_MAX]; /* what there is to tell */
} csv;

/* ---- csv_layout.c ---- */
/* Finds delimiter, header and layout of a text just opened; reads on where the window does not show them. */
bp_status bp_csv_find_layout(csv *c, bp_reader *reader, bool as_tab);
/* Tells what was taken for granted, in one line. */
void bp_csv_say(csv *c);

/* ---- csv_rows.c ---- */
typedef enum bp_csv_step {
  BP_CSV_NO_ROW,
  BP_CSV_DATA,
  BP_CSV_UNSURE /* what the row is depends on what stands behind the window */
} bp_csv_step;
void bp_csv_begin_rows(const csv *c, bp_csv_lexer *lexer, const char *end);
/* Goes to the next row of data: over the header where it stands again, and over a line of totals at the end. */
bp_csv_step bp_csv_next_row(csv *c, bp_csv_lexer *lexer);
/* Whether the first cell of a row says that it sums up the others. */
bool bp_csv_says_total(const char *row);
bp_csv_end bp_csv_skip_cells(bp_csv_lexer *lexer, bp_csv_cell *cell);
/* Adds the lines that bp_csv_next_row() went over to what there is to tell. */
void bp_csv_tell_rows(csv *c);

/* ---- csv_ragged.c ---- */
/* BP_E_DATA for a row that has not as many cells as the others; filled: cells behind the last column with something in them. */
bp_status bp_csv_fail_ragged(const csv *c, const char *row, size_t cells, size_t filled);

/* ---- csv_read.c ---- */
/* What stands before the rows of a text just opened. */
bp_status bp_csv_begin(csv *c, bp_reader *reader, bool as_tab);
/* Cells of a row. */
static inline size_t bp_csv_width(const csv *c) { return c->n_columns + c->layout.index + c->layout.tail; }
/* Room for so many numbers of each column that somebody needs. */
bp_status bp_csv_alloc_numbers(csv *c, size_t rows);
/* The rows from c->body to c->end, column by column. */
bp_status bp_csv_read_columns(csv *c);
/* NEW table, which takes what was read. */
bp_status bp_csv_make_table(csv *c, bp_table **out);
void bp_csv_release(csv *c);

#endif
