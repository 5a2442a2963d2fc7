/* backprop/table.h - rows of data in memory, in named columns of numbers, bytes or text.
 *
 * Tables come from files (bp_table_read) or are put together column by column. A missing number is NaN, a missing text is
 * "". Bytes are kept as bytes: images stay as small as they were.
 */
#ifndef BACKPROP_TABLE_H
#define BACKPROP_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backprop/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_table bp_table;

typedef enum bp_column_type { BP_COLUMN_NUMBER, BP_COLUMN_TEXT, BP_COLUMN_BYTE } bp_column_type;

/* NEW table of `rows` rows and no columns. */
BP_API bp_status bp_table_new(bp_context *context, int64_t rows, bp_table **out);
BP_API void bp_table_free(bp_table *table);

/* Adds a column; names and values (one per row) are copied.
 * BP_E_DATA  an empty or a duplicate name */
BP_API bp_status bp_table_add_numbers(bp_context *context, bp_table *table, const char *name, const double *values);
BP_API bp_status bp_table_add_text(bp_context *context, bp_table *table, const char *name, const char *const *values);
/* Adds `columns` byte columns named prefix0, prefix1, …; values is [rows, columns]. A table holds one such block. */
BP_API bp_status bp_table_add_bytes(bp_context *context, bp_table *table, const char *prefix, int64_t columns,
                                    const uint8_t *values);

BP_API int64_t bp_table_rows(const bp_table *table);
BP_API int64_t bp_table_columns(const bp_table *table);
/* VIEW the name of a column; "" if out of range. For byte columns the text is made once and kept by the table. */
BP_API const char *bp_table_name(const bp_table *table, int64_t column);
BP_API bp_column_type bp_table_type(const bp_table *table, int64_t column);
/* The column of that name, -1 if there is none. */
BP_API int64_t bp_table_find(const bp_table *table, const char *name);
/* The value as a number: NaN where missing, or where the column is text. */
BP_API double bp_table_number(const bp_table *table, int64_t row, int64_t column);
/* VIEW the value of a text column, "" where missing or where the column is no text. */
BP_API const char *bp_table_text(const bp_table *table, int64_t row, int64_t column);
/* Where the table came from: a file's name, "" for a table built in memory. */
BP_API const char *bp_table_origin(const bp_table *table);

/* How to read a file; zero-filled means "find out". */
typedef struct bp_read_options {
  size_t size;        /* sizeof(bp_read_options) */
  const char *labels; /* IDX: the file of labels; NULL: none */
  char delimiter;     /* CSV: ',' ';' '\t' ' ' '|'; 0: found from the first lines */
  int header;         /* CSV: 1 the first line names the columns, -1 it does not, 0: found */
  /* CSV: comma-separated texts that mean "missing"; NULL: "", NA, N/A, NaN, nan, null, NULL, ?. "age=99" is the text 99 in the column
   * age alone; where all are so, those of NULL are missing in all columns too. */
  const char *missing;
  const char *as_text; /* CSV: comma-separated names of columns to take as text whatever they hold; NULL: none */
  char comment;   /* CSV: lines that begin with it are left out; ' ': none; 0: those before the table, of #, % and // */
  int64_t skip;   /* CSV: lines to leave out at the beginning */
  char decimal;   /* CSV: '.' or ',' is the point of all numbers; 0: a point, or found column by column in training */
  char thousands; /* CSV: one of , . ' _ and blank may stand between thousands; 0: found */
} bp_read_options;

/* NEW table from a file: .csv .tsv .txt (RFC 4180 quotes), IDX (…idx3-ubyte, …idx1-ubyte), each also .gz; "-" is CSV on
 * standard input. The kind is taken from the name, and checked against the content. Columns without a header are named
 * x0, x1, …; IDX images become byte columns pixel0, pixel1, … and labels a number column "label".
 * Options (BORROW) may be NULL.
 * BP_E_IO    the file cannot be read       BP_E_DATA  it is not what its name says; the message names file and line */
BP_API bp_status bp_table_read(bp_context *context, const char *path, const bp_read_options *options, bp_table **out);

/* ---- a file piece by piece, in memory that does not grow with it (IDX: as a whole) ---- */
typedef struct bp_table_stream bp_table_stream;
/* NEW stream of the rows of a file or of standard input, read as bp_table_read() does; its header is read here. The context is
 * BORROWed until the stream is freed, the options only here. */
BP_API bp_status bp_table_stream_open(bp_context *context, const char *path, const bp_read_options *options,
                                      bp_table_stream **out);
BP_API void bp_table_stream_free(bp_table_stream *stream);
BP_API int64_t bp_table_stream_columns(const bp_table_stream *stream);
/* VIEW the name of a column; "" if out of range. */
BP_API const char *bp_table_stream_name(const bp_table_stream *stream, int64_t column);
/* The column of that name, -1 if there is none. */
BP_API int64_t bp_table_stream_find(const bp_table_stream *stream, const char *name);

/* What a column of CSV becomes: tables of one stream could else find numbers in one and text in another. */
typedef enum bp_take {
  BP_TAKE_FOUND,   /* numbers, or text where a cell is none */
  BP_TAKE_TEXT,    /* text in any case */
  BP_TAKE_NOTHING, /* text that is missing everywhere: nobody looks at it */
  BP_TAKE_COPY     /* text as it stands, which no model looks at */
} bp_take;
/* To be called before the first table; column in range. */
BP_API void bp_table_stream_take(bp_table_stream *stream, int64_t column, bp_take take);
/* NEW table of the next rows, `rows` at most (fewer where so many would take much memory); NULL behind the last. Messages about it
 * name the lines of the file. After an error the stream can only be freed.
 * BP_E_IO, BP_E_DATA  as bp_table_read(), the latter also where no row is at all */
BP_API bp_status bp_table_stream_next(bp_table_stream *stream, int64_t rows, bp_table **out);

#ifdef __cplusplus
}
#endif
#endif
