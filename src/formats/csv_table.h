/* formats/csv_table.h - a table from CSV text under way: what csv_read.c and csv_stream.c share. For these two only. */
#ifndef BP_FORMATS_CSV_TABLE_H
#define BP_FORMATS_CSV_TABLE_H
#include "formats/csv_parts.h"
#include "formats/readers.h"

typedef struct csv_column {
  double *numbers; /* [capacity] NULL once it is known to be text */
  size_t capacity;
  const char *text; /* the first cell that is no number; NULL: none */
  size_t text_size;
  int64_t n_numbers, n_texts, n_commas; /* cells that are numbers, texts, and numbers but for a decimal comma */
  bp_take take;                         /* TEXT: asked for */
  int32_t *codes;                       /* [rows] of a text column */
  bp_dictionary words;
} csv_column;

typedef struct csv {
  bp_context *ctx;
  bp_csv_text text;
  const bp_read_options *options;
  char delimiter;
  bool has_header;
  const char *body; /* behind the header, or behind the rows of tables made before */
  const char *end;  /* of the rows of the table */
  const char *first_row;
  bp_dictionary names;
  bp_csv_missing missing;
  csv_column *columns;
  size_t n_columns;
  int64_t rows, rows_before; /* of the table; of those made before */
  int64_t header_line;       /* 0: none */
  void *scratch;             /* for a cell without its double quotes */
  size_t scratch_capacity;
} csv;

/* Sets the delimiter: said, or guessed from the text. */
void bp_csv_choose_delimiter(csv *c, bool as_tab);
/* What stands before the rows, of a text of which the delimiter is known and the first row is there. */
bp_status bp_csv_begin(csv *c);
/* Room for so many numbers of each column that somebody needs. */
bp_status bp_csv_alloc_numbers(csv *c, size_t rows);
/* The rows from c->body to c->end, column by column. */
bp_status bp_csv_read_columns(csv *c);
/* NEW table, which takes what was read. */
bp_status bp_csv_make_table(csv *c, bp_table **out);
void bp_csv_release(csv *c);

#endif
