/* formats/csv_plan.h - what the rows of a sketch are, under the delimiter by which they go together best. */
#ifndef BP_FORMATS_CSV_PLAN_H
#define BP_FORMATS_CSV_PLAN_H
#include <string.h>

#include "formats/csv_sketch.h"
#include "formats/csv_table.h"

/* How sure it is that a row names the columns: not at all; it has no number; it has texts above numbers. */
typedef enum bp_csv_evidence { BP_CSV_NONE, BP_CSV_WEAK, BP_CSV_STRONG } bp_csv_evidence;
/* How well rows go together: not at all; but for what is explained; all alike. */
typedef enum bp_csv_fit { BP_CSV_NO_FIT, BP_CSV_EXPLAINED, BP_CSV_ALIKE } bp_csv_fit;

/* How the rows of a sketch are understood. */
typedef struct bp_csv_plan {
  bp_csv_fit fit;
  int top;              /* the row in which the table begins: its header, or the first of the data */
  bool header, counted; /* counted: its names are 0, 1, 2 … or years */
  bp_csv_evidence evidence;
  size_t names, name_index; /* names in the header, behind so many cells */
  size_t index, tail;       /* as in bp_csv_layout */
} bp_csv_plan;

typedef struct bp_csv_choice {
  char delimiter;
  bp_csv_plan plan;
  bp_csv_sketch sketch;
} bp_csv_choice;

/* Of the rows from `rows` on, under a delimiter. */
void bp_csv_look(const csv *c, const char *rows, char delimiter, bp_csv_choice *out);
/* Under the delimiter by which they go together best; *cut: the window is too small to tell. */
void bp_csv_choose(const csv *c, const char *rows, bp_csv_choice *best, bool *cut);
/* Where one column was found: BP_E_DATA if another character, or a fixed width, seems to part the cells. */
bp_status bp_csv_check_one_column(const csv *c, const char *rows, const bp_csv_choice *a);

/* ---- helpers ---- */
/* Cells of the row in which the table begins. */
static inline size_t bp_csv_choice_width(const bp_csv_choice *a) {
  return a->sketch.rows > a->plan.top ? a->sketch.row[a->plan.top].cells : 1;
}
static inline size_t bp_csv_seen_cells(const bp_csv_row_sketch *row) {
  return row->cells < BP_CSV_SEEN ? row->cells : BP_CSV_SEEN;
}
static inline bool bp_csv_same_cell(const bp_csv_cell *a, const bp_csv_cell *b) {
  return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}
/* Whether a row is another one again, as the header is where files were put together. */
static inline bool bp_csv_repeats(const bp_csv_sketch *s, int top, int i) {
  const bp_csv_row_sketch *a = &s->row[top], *b = &s->row[i];
  return a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}
/* Whether the cells of a column are numbers below a row, but for missing ones. */
bool bp_csv_numbers_below(const bp_csv_sketch *s, int top, size_t column);
/* The first cells of a row; returns how many. */
size_t bp_csv_cut_row(const csv *c, char delimiter, const char *at, bp_csv_cell cells[BP_CSV_SEEN]);

#endif
