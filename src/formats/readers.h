/* formats/readers.h - the readers behind bp_table_read(), one per kind of file. They trust nothing. */
#ifndef BP_FORMATS_READERS_H
#define BP_FORMATS_READERS_H
#include "backprop/table.h"
#include "base/file.h"
#include "data/dictionary.h"

/* NEW table from CSV text. as_tab: take a tab for the delimiter unless the options say otherwise (.tsv). */
bp_status bp_csv_read(bp_context *ctx, bp_reader *reader, bool as_tab, const bp_read_options *options, bp_table **out);
/* CSV text table by table, in memory that does not grow with it. The reader is BORROWed until it is freed. */
typedef struct bp_csv_stream bp_csv_stream;
/* The text in memory: more than what delimiter and header are guessed from. */
#define BP_CSV_WINDOW ((size_t)2 << 20)
/* NEW stream that has read what comes before the rows. */
bp_status bp_csv_stream_open(bp_context *ctx, bp_reader *reader, bool as_tab, const bp_read_options *options,
                             size_t window, bp_csv_stream **out);
void bp_csv_stream_free(bp_csv_stream *stream);
/* VIEW the names of the columns. */
const bp_dictionary *bp_csv_stream_names(const bp_csv_stream *stream);
/* How the text was understood before its first row. */
typedef struct bp_csv_layout {
  char delimiter;
  char comment;        /* begins lines that are passed over; NUL: none */
  int64_t header_line; /* 0: the columns have no names of their own */
  size_t index, tail;  /* cells of a row before the first column, and empty ones behind the last */
} bp_csv_layout;
bp_csv_layout bp_csv_stream_layout(const bp_csv_stream *stream);
/* How a column is taken, to be changed before the first table. */
bp_take *bp_csv_stream_take(bp_csv_stream *stream, int64_t number);
/* NEW table of the next rows, `most` at most; NULL behind the last. After an error the stream can only be freed. */
bp_status bp_csv_stream_next(bp_csv_stream *stream, int64_t most, bp_table **out);

/* Credits the bound that is open with what the file of a stream justifies (base/bound.h). */
void bp_table_stream_credit(const bp_table_stream *stream);

/* NEW table from IDX images, or labels alone; labels NULL: none. */
bp_status bp_idx_read(bp_context *ctx, bp_reader *images, bp_reader *labels, bp_table **out);

#endif
