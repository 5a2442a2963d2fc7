/* formats/csv_stream.c - CSV text table by table: a window of it is in memory, and moves on behind the rows that were read. */
#include "base/fail.h"
#include "formats/csv_table.h"

struct bp_csv_stream {
  csv c;
  bp_reader *reader;
};

/* Whether more text may make another row of the one that ended so: it touches the end of the window, or stands so near that a
 * message about it would be cut. */
static bool may_go_on(const csv *c, const bp_csv_lexer *lexer, bp_csv_end end) {
  enum { SHOWN = 64 };
  if (c->text.whole || end == BP_CSV_TOO_LONG) return false;
  return end == BP_CSV_OPEN || c->text.end - lexer->at <= (end == BP_CSV_ROW ? 0 : SHOWN);
}

/* Counts the rows at c->body that the window holds whole, `most` at most, and sets c->end behind them; where there are none, c->body
 * goes over what is passed over. */
static bp_status find_rows(csv *c, int64_t most, int64_t *rows) {
  bp_csv_lexer lexer;
  bp_csv_begin_rows(c, &lexer, c->text.end);
  *rows = 0;
  c->end = c->body;
  while (*rows < most) {
    bp_csv_cell cell;
    bp_csv_step step = bp_csv_next_row(c, &lexer);
    const char *at = lexer.at;
    bp_csv_end end = step == BP_CSV_DATA ? bp_csv_skip_cells(&lexer, &cell) : BP_CSV_ROW;
    if (step != BP_CSV_DATA || may_go_on(c, &lexer, end)) {
      /* a CR may go on as CR LF */
      if (*rows == 0 && !c->text.whole)
        c->body = c->end = at - (step == BP_CSV_NO_ROW && at > c->body && at[-1] == '\r');
      break;
    }
    if (end > BP_CSV_ROW) return bp_csv_fail(&c->text, &lexer, &cell, end);
    c->end = lexer.at;
    ++*rows;
  }
  return BP_OK;
}

/* Ready for the cells of another table. */
static void clear_columns(csv *c) { c->rows = 0; }

bp_status bp_csv_stream_open(bp_context *ctx, bp_reader *reader, bool as_tab, const bp_read_options *options,
                             size_t window, bp_csv_stream **out) {
  static const bp_read_options defaults;
  bp_csv_stream *s = bp_calloc(ctx, 1, sizeof *s);
  if (!s) return BP_E_NOMEM;
  s->reader = reader;
  s->c = (csv){.ctx = ctx, .text.ctx = ctx, .options = options ? options : &defaults};
  bp_status status = bp_csv_text_open(ctx, reader, window, &s->c.text);
  if (status == BP_OK) status = bp_csv_begin(&s->c, reader, as_tab);
  s->c.options = NULL;
  if (status == BP_OK) bp_csv_say(&s->c);
  if (status != BP_OK) {
    bp_csv_stream_free(s);
    return status;
  }
  *out = s;
  return BP_OK;
}

void bp_csv_stream_free(bp_csv_stream *s) {
  bp_allocator allocator = bp_context_allocator(s->c.ctx);
  bp_csv_release(&s->c);
  bp_release(allocator, s, 1, sizeof *s);
}

const bp_dictionary *bp_csv_stream_names(const bp_csv_stream *s) { return &s->c.names; }

bp_csv_layout bp_csv_stream_layout(const bp_csv_stream *s) { return s->c.layout; }

bp_take *bp_csv_stream_take(bp_csv_stream *s, int64_t number) { return &s->c.columns[number].take; }

bp_status bp_csv_stream_next(bp_csv_stream *s, int64_t most, bp_table **out) {
  csv *c = &s->c;
  int64_t rows;
  BP_TRY(find_rows(c, most, &rows));
  while (rows == 0 && !c->text.whole) {
    BP_TRY(bp_csv_text_more(&c->text, s->reader, c->body));
    c->body = c->text.begin;
    BP_TRY(find_rows(c, most, &rows));
  }
  bp_csv_tell_rows(c);
  bp_csv_say(c);
  *out = NULL;
  if (rows == 0 && c->rows_before > 0) return BP_OK;
  clear_columns(c);
  BP_TRY(bp_csv_alloc_numbers(c, (size_t)rows));
  BP_TRY(bp_csv_read_columns(c));
  BP_TRY(bp_csv_make_table(c, out));
  for (size_t i = 0; i < c->n_columns; i++) c->columns[i].capacity = 0;
  c->body = c->end;
  c->rows_before += rows;
  return BP_OK;
}
