/* formats/table_read.c - which reader a file name asks for. */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bound.h"
#include "base/fail.h"
#include "data/number_form.h"
#include "data/table_core.h"
#include "formats/other_format.h"
#include "formats/readers.h"

typedef enum kind { KIND_CSV, KIND_TAB, KIND_IDX, KIND_UNKNOWN } kind;

static const struct {
  const char *suffix;
  kind kind;
} suffixes[] = {{".csv", KIND_CSV}, {".tsv", KIND_TAB}, {".txt", KIND_CSV}};

/* ---- the name ---- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool ends_with(const char *name, size_t size, const char *suffix) {
  size_t length = strlen(suffix);
  if (size < length) return false;
  for (size_t i = 0; i < length; i++)
    if (lower(name[size - length + i]) != suffix[i]) return false;
  return true;
}

/* "train-images-idx3-ubyte", "train-images.idx3-ubyte" */
static bool is_idx(const char *name, size_t size) {
  static const char begin[] = "idx", end[] = "-ubyte";
  size_t tail = sizeof end; /* "-ubyte" and the digit before it */
  if (size < tail || !ends_with(name, size, end) || !ends_with(name, size - tail, begin)) return false;
  return name[size - tail] >= '0' && name[size - tail] <= '9';
}

static kind kind_of(const char *path) {
  size_t size = strlen(path);
  if (strcmp(path, "-") == 0) return KIND_CSV;
  if (ends_with(path, size, ".gz")) size -= 3;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
    if (ends_with(path, size, suffixes[i].suffix)) return suffixes[i].kind;
  return is_idx(path, size) ? KIND_IDX : KIND_UNKNOWN;
}

/* What the content is says more than that the name says nothing. */
static bp_status refuse_name(bp_context *ctx, const char *path, bp_reader *reader) {
  char quoted[BP_QUOTE_TEXT];
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  char *begin = bp_alloc(ctx, BP_OTHER_PEEK, 1);
  size_t size = 0;
  if (!begin) return BP_E_NOMEM;
  bp_status status = bp_reader_read(reader, begin, BP_OTHER_PEEK, &size);
  const bp_other_format *other = bp_other_format_find(begin, size, size < BP_OTHER_PEEK, NULL);
  bp_release(bp_context_allocator(ctx), begin, BP_OTHER_PEEK, 1);
  if (status != BP_OK) return status;
  if (other)
    return bp_fail(ctx, BP_E_DATA, "%s: expected a table (.csv, .tsv, .txt) or IDX; the content is %s; %s", path,
                   other->name, other->advice);
  return bp_fail(ctx, BP_E_DATA,
                 "%s: the kind of data is taken from the name, and '%s' tells none; expected .csv, .tsv, .txt or IDX "
                 "(…idx3-ubyte), each also with .gz",
                 path, bp_quote(base, strlen(base), quoted));
}

/* ---- options ---- */

static bp_status read_options(bp_context *ctx, const bp_read_options *given, bp_read_options *o) {
  memset(o, 0, sizeof *o);
  if (given) {
    if (given->size < sizeof given->size)
      return bp_fail(ctx, BP_E_ARG, "bp_read_options.size is %zu; set it to sizeof(bp_read_options)", given->size);
    memcpy(o, given, given->size < sizeof *o ? given->size : sizeof *o);
  }
  if (o->delimiter && !strchr(",;\t |", o->delimiter))
    return bp_fail(ctx, BP_E_ARG, "the delimiter '%c'; expected a comma, semicolon, tab, blank or bar", o->delimiter);
  if (o->comment && !strchr(" #%;!*/$&@~\\^'", o->comment))
    return bp_fail(ctx, BP_E_ARG, "comments that begin with '%c'; expected one of # %% ; ! * / $ & @ ~ \\ ^ '",
                   o->comment);
  if (o->comment && o->comment == o->delimiter && o->comment != ' ')
    return bp_fail(ctx, BP_E_ARG, "'%c' cannot be both the delimiter and the beginning of comments", o->comment);
  if (o->skip < 0) return bp_fail(ctx, BP_E_ARG, "bp_read_options.skip is %" PRId64 "; expected 0 or more", o->skip);
  if (o->decimal && !strchr(".,", o->decimal))
    return bp_fail(ctx, BP_E_ARG, "the decimal point '%c'; expected a point or a comma", o->decimal);
  if (o->thousands && (!strchr(BP_THOUSANDS, o->thousands) || o->thousands == o->decimal))
    return bp_fail(ctx, BP_E_ARG,
                   "'%c' between thousands; expected one of , . ' _ or a blank, other than the decimal point",
                   o->thousands);
  if (o->header < -1 || o->header > 1)
    return bp_fail(ctx, BP_E_ARG, "bp_read_options.header is %d; expected -1, 0 or 1", o->header);
  return BP_OK;
}

/* ---- reading ---- */

static bp_status read_idx(bp_context *ctx, bp_reader *images, const char *labels_path, bp_table **out) {
  bp_reader *labels = NULL;
  if (labels_path) BP_TRY(bp_reader_open(ctx, labels_path, &labels));
  bp_status status = bp_idx_read(ctx, images, labels, out);
  bp_reader_close(labels);
  return status;
}

/* Opens the file that a path names, and tells what it is. */
static bp_status open_file(bp_context *ctx, const char *path, const bp_read_options *options, bp_read_options *o,
                           kind *k, bp_reader **reader) {
  BP_TRY(read_options(ctx, options, o));
  *k = kind_of(path);
  if (o->labels && *k != KIND_IDX && *k != KIND_UNKNOWN)
    return bp_fail(ctx, BP_E_ARG, "%s: a file of labels ('%s') belongs to IDX images; here the labels are a column",
                   path, o->labels);
  BP_TRY(bp_reader_open(ctx, path, reader));
  if (*k != KIND_UNKNOWN) return BP_OK;
  bp_status status = refuse_name(ctx, path, *reader); /* only now: a slip in the name of a file is told by opening it */
  bp_reader_close(*reader);
  *reader = NULL;
  return status;
}

static bp_status read_file(bp_context *ctx, const char *path, const bp_read_options *options, bp_table **out) {
  bp_read_options o;
  bp_reader *reader;
  kind k;
  BP_TRY(open_file(ctx, path, options, &o, &k, &reader));
  bp_status status =
      k == KIND_IDX ? read_idx(ctx, reader, o.labels, out) : bp_csv_read(ctx, reader, k == KIND_TAB, &o, out);
  bp_reader_close(reader);
  return status;
}

bp_status bp_table_read(bp_context *ctx, const char *path, const bp_read_options *options, bp_table **out) {
  bp_bound bound = bp_bound_open(ctx, BP_BOUND_READING);
  return bp_bound_close(ctx, bound, read_file(ctx, path, options, out), path);
}

/* ---- streams ---- */

struct bp_table_stream {
  bp_context *ctx;
  bp_reader *reader;
  bp_csv_stream *csv; /* NULL: IDX, */
  bp_table *table;    /* which is there at once; NULL when it was given */
};

static bp_status open_stream(bp_table_stream *s, const char *path, const bp_read_options *options) {
  bp_read_options o;
  kind k;
  BP_TRY(open_file(s->ctx, path, options, &o, &k, &s->reader));
  return k == KIND_IDX ? read_idx(s->ctx, s->reader, o.labels, &s->table)
                       : bp_csv_stream_open(s->ctx, s->reader, k == KIND_TAB, &o, BP_CSV_WINDOW, &s->csv);
}

bp_status bp_table_stream_open(bp_context *ctx, const char *path, const bp_read_options *options,
                               bp_table_stream **out) {
  bp_table_stream *s = bp_calloc(ctx, 1, sizeof *s);
  if (!s) return BP_E_NOMEM;
  s->ctx = ctx;
  bp_bound bound = bp_bound_open(ctx, BP_BOUND_READING);
  bp_status status = bp_bound_close(ctx, bound, open_stream(s, path, options), path);
  if (status == BP_OK)
    *out = s;
  else
    bp_table_stream_free(s);
  return status;
}

void bp_table_stream_credit(const bp_table_stream *s) { bp_reader_credit(s->reader); }

void bp_table_stream_free(bp_table_stream *s) {
  if (!s) return;
  if (s->csv) bp_csv_stream_free(s->csv);
  bp_table_free(s->table);
  bp_reader_close(s->reader);
  bp_release(bp_context_allocator(s->ctx), s, 1, sizeof *s);
}

int64_t bp_table_stream_columns(const bp_table_stream *s) {
  if (s->csv) return (int64_t)bp_csv_stream_names(s->csv)->count;
  return s->table ? bp_table_columns(s->table) : 0;
}

const char *bp_table_stream_name(const bp_table_stream *s, int64_t column) {
  if (s->csv) return bp_dictionary_word(bp_csv_stream_names(s->csv), column);
  return s->table ? bp_table_name(s->table, column) : "";
}

int64_t bp_table_stream_find(const bp_table_stream *s, const char *name) {
  if (s->csv) return bp_dictionary_find(bp_csv_stream_names(s->csv), name, strlen(name));
  return s->table ? bp_table_find(s->table, name) : -1;
}

void bp_table_stream_take(bp_table_stream *s, int64_t column, bp_take take) {
  if (s->csv) *bp_csv_stream_take(s->csv, column) = take;
}

bp_status bp_table_stream_next(bp_table_stream *s, int64_t rows, bp_table **out) {
  if (rows < 1) return bp_fail(s->ctx, BP_E_ARG, "a table of %" PRId64 " rows of a stream; expected 1 or more", rows);
  if (s->csv) {
    bp_bound bound = bp_bound_open(s->ctx, BP_BOUND_READING);
    if (!bound.outer) bp_table_stream_credit(s);
    return bp_bound_close(s->ctx, bound, bp_csv_stream_next(s->csv, rows, out), bp_reader_name(s->reader));
  }
  *out = s->table;
  s->table = NULL;
  return BP_OK;
}
