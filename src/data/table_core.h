/* data/table_core.h - what a table is made of, for the floors that fill it and read it in bulk. */
#ifndef BP_DATA_TABLE_CORE_H
#define BP_DATA_TABLE_CORE_H
#include "backprop/table.h"
#include "data/dictionary.h"

/* The most columns of a table. */
#define BP_COLUMNS_MAX 1000000
/* The longest prefix of a block's names, in bytes. */
#define BP_BLOCK_PREFIX_MAX 200

/* A column of numbers or of text. Its name is word i of the table's names. */
typedef struct bp_column {
  double *numbers;      /* [rows], NaN where missing; NULL for text */
  int32_t *codes;       /* [rows], -1 where missing, else a word; NULL for numbers */
  bp_dictionary *words; /* the texts of the column, in the order in which they came; NULL for numbers */
  bp_take take;         /* FOUND: text because a cell is no number; COPY: nothing that a model looks at */
} bp_column;

/* The columns are numbered: those before the block of bytes, the block, those after it. */
struct bp_table {
  bp_allocator allocator;
  int64_t rows;
  bp_column *columns; /* without the block */
  size_t n_columns, columns_capacity;
  bp_dictionary names;                /* word i is the name of columns[i] */
  uint8_t *block;                     /* [rows, block_columns], NULL: none */
  int64_t block_columns, block_first; /* block_first: number of its first column */
  char *block_prefix;                 /* with its NUL, block_prefix_size bytes */
  size_t block_prefix_size;
  char *block_names; /* block_columns names of block_name_stride bytes each */
  size_t block_name_stride;
  char *origin; /* NULL: built in memory */
  size_t origin_size;
  char delimiter, decimal, thousands; /* of the file it came from, the last two as they were said; 0: not known */
  int64_t first_line;                 /* line of row 0 in the origin, when every row is one line; 0: not known */
  int64_t first_row;                  /* how many rows of the origin stand before row 0 */
};

/* ---- filling without a copy: on success the table owns the values, on failure the caller still does ---- */
/* values[rows] from bp_alloc(ctx, rows, sizeof *values). */
bp_status bp_table_take_numbers(bp_context *ctx, bp_table *table, const char *name, double *values);
/* codes[rows] from bp_alloc; the words move into the table and *words becomes empty. */
bp_status bp_table_take_text(bp_context *ctx, bp_table *table, const char *name, int32_t *codes, bp_dictionary *words);
/* values[rows * columns] from bp_alloc(ctx, rows * columns, 1). */
bp_status bp_table_take_bytes(bp_context *ctx, bp_table *table, const char *prefix, int64_t columns, uint8_t *values);
bp_status bp_table_set_origin(bp_context *ctx, bp_table *table, const char *origin);

/* ---- reading ---- */
/* How the values of a column lie in memory. */
typedef struct bp_column_view {
  bp_column_type type;
  const double *numbers; /* NUMBER: [rows] */
  const uint8_t *bytes;  /* BYTE: value of row r at bytes[r * stride] */
  int64_t stride;
  const int32_t *codes; /* TEXT: [rows], -1 where missing */
  const bp_dictionary *words;
  bool found; /* TEXT: nobody declared it so */
} bp_column_view;
/* Whether nobody but the caller looks at a column: BP_TAKE_COPY. */
bool bp_table_is_copy(const bp_table *table, int64_t column);
/* column in range. */
bp_column_view bp_table_view(const bp_table *table, int64_t column);
/* How many of the first `rows` rows hold each text of a TEXT view: cells[words]. */
void bp_view_count(const bp_column_view *view, int64_t rows, int64_t *cells);
/* Value of a NUMBER or BYTE view. */
static inline double bp_view_number(const bp_column_view *view, int64_t row) {
  return view->numbers ? view->numbers[row] : (double)view->bytes[row * view->stride];
}

/* The number i of a column of the block if `name` is prefix + i, without leading zeros, and i < columns; else -1. */
int64_t bp_block_find(const char *prefix, int64_t columns, const char *name);
/* The column that a user calls `name`: its name, else its number from 0; -1 if there is none. */
int64_t bp_table_resolve(const bp_table *table, const char *name);
/* VIEW the column name nearest to `name`; NULL if none is near. */
const char *bp_table_suggest(const bp_table *table, const char *name);

/* ---- for messages ---- */
/* Room for the place of a row, its NUL included. */
#define BP_PLACE_TEXT 288
/* "digits.csv:18", or "digits.csv, row 17" (counted from 1) when the line is not known. Returns text. */
const char *bp_table_place(const bp_table *table, int64_t row, char text[BP_PLACE_TEXT]);
/* "digits.csv", or "the table". Returns text. */
const char *bp_table_source(const bp_table *table, char text[BP_PLACE_TEXT]);
/* A piece of data for a message: shortened with "…" to fit, never cut inside a character. Returns text. */
#define BP_QUOTE_TEXT 64
const char *bp_quote(const char *value, size_t size, char text[BP_QUOTE_TEXT]);

/* Lists of columns and the like: the comma-separated names of `list`, one after the other. Blanks around a name
 * are dropped; what stands in double quotes may hold commas ("" is a quote). NULL and "" are empty lists.
 *   bp_list list = bp_list_of("a, \"b,c\"");  while (bp_list_next(&list)) use(list.name, list.size);
 * The name is valid until the next call; longer ones than BP_LIST_NAME - 1 bytes are cut. */
#define BP_LIST_NAME 1024
typedef struct bp_list {
  const char *rest;
  size_t size;
  char name[BP_LIST_NAME];
} bp_list;
void bp_list_init(bp_list *list, const char *text);
bool bp_list_next(bp_list *list);

#endif
