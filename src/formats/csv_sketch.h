/* formats/csv_sketch.h - the first rows of a text under a delimiter, as far as it takes to see how the text is meant. */
#ifndef BP_FORMATS_CSV_SKETCH_H
#define BP_FORMATS_CSV_SKETCH_H
#include "formats/csv_parts.h"

/* How many rows are looked at, and how many cells of each. */
enum { BP_CSV_ROWS = 20, BP_CSV_SEEN = 64 };

/* What a cell is: a text when it is neither. */
enum { BP_CSV_NUMBER = 1, BP_CSV_ABSENT = 2 };

typedef struct bp_csv_row_sketch {
  const char *at;                  /* where it begins */
  size_t size;                     /* in bytes, without its line end */
  size_t cells, filled, numbers;   /* of these with something in them, and with a number */
  size_t empty_end;                /* empty cells behind the last filled one */
  bp_csv_cell first;               /* its first cell, */
  bool only_first_quoted;          /* which is in quotes, and another one is not */
  unsigned char kind[BP_CSV_SEEN]; /* NUMBER | ABSENT */
} bp_csv_row_sketch;

typedef struct bp_csv_sketch {
  int rows;
  bool cut;          /* the window ends before enough was seen */
  bool comma_points; /* every cell has at most one comma, which stands between digits, and some cell has */
  bp_csv_row_sketch row[BP_CSV_ROWS];
} bp_csv_sketch;

/* Of the rows from `begin` on. */
void bp_csv_sketch_rows(const bp_csv_text *text, const char *begin, char delimiter, char comment,
                        const bp_csv_missing *missing, bp_csv_sketch *out);

#endif
