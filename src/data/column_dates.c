/* data/column_dates.c - texts of a column as instants. Floor: data.
 *
 * As with numbers (column_numbers.c), all is decided on the different texts of the column.
 */
#include "data/column_dates.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

/* What a text is: a date, in any form; no date, by a mark; something else. */
typedef enum kind { KIND_DATE, KIND_MARK, KIND_TEXT, KIND_COUNT } kind;

typedef struct judge {
  bp_context *ctx;
  const bp_table *table;
  bp_column_view view;
  int64_t *cells;       /* [words] */
  unsigned char *kinds; /* [words] */
  bp_date_evidence evidence;
  bp_date_form form;
  bool open;
  int64_t texts[KIND_COUNT], in_cells[KIND_COUNT];
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
} judge;

static size_t words_of(const judge *j) { return j->view.words->count; }
static const char *word(const judge *j, size_t w) { return j->view.words->words[w]; }

/* ---- what the texts are ---- */

/* Whether there is a date. */
static bool find_form(judge *j) {
  for (size_t w = 0; w < words_of(j); w++) {
    const char *text = word(j, w);
    size_t size = strlen(text);
    if (j->cells[w] == 0) continue;
    bool date = bp_date_evidence_add(&j->evidence, text, size);
    j->kinds[w] = (unsigned char)(date ? KIND_DATE : bp_date_is_missing(text, size) ? KIND_MARK : KIND_TEXT);
    j->texts[KIND_DATE] += date;
  }
  j->form = bp_date_evidence_form(&j->evidence, &j->open);
  return j->texts[KIND_DATE] > 0;
}

/* With a form, what does not fit it is no date. */
static void sort_in_form(judge *j) {
  memset(j->texts, 0, sizeof j->texts);
  for (size_t w = 0; w < words_of(j); w++) {
    double seconds;
    if (j->cells[w] == 0) continue;
    if (j->kinds[w] == KIND_DATE && j->form.layout != BP_DATE_NONE &&
        !bp_date_form_read(&j->form, word(j, w), strlen(word(j, w)), &seconds))
      j->kinds[w] = KIND_TEXT;
    j->texts[j->kinds[w]]++;
    j->in_cells[j->kinds[w]] += j->cells[w];
  }
}

/* ---- what is said ---- */

/* The first row with a text of that kind. */
static int64_t first_row(const judge *j, kind of, size_t *w) {
  int64_t r = 0;
  while (j->view.codes[r] < 0 || j->kinds[j->view.codes[r]] != of) r++;
  *w = (size_t)j->view.codes[r];
  return r;
}

static const char *first_text(const judge *j, kind of, char text[BP_QUOTE_TEXT]) {
  size_t w = 0;
  (void)first_row(j, of, &w);
  return bp_quote(word(j, w), strlen(word(j, w)), text);
}

static void say_dates(const judge *j) {
  char form[BP_DATE_FORM_TEXT], mark[BP_QUOTE_TEXT], missing[BP_QUOTE_TEXT + 80] = "";
  int64_t rows = j->in_cells[KIND_MARK], marks = j->texts[KIND_MARK];
  if (marks > 0)
    (void)snprintf(missing, sizeof missing, "; '%s'%s in %" PRId64 " row%s %s taken as missing",
                   first_text(j, KIND_MARK, mark), marks > 1 ? " and the like" : "", rows, rows == 1 ? "" : "s",
                   marks == 1 ? "is" : "are");
  bp_note(j->ctx, "%s: column '%s': read as %s%s; --text '%s' keeps it as text", j->source, j->quoted,
          bp_date_form_text(&j->form, &j->evidence, form), missing, j->quoted);
}

static void say_open(const judge *j) {
  char text[BP_QUOTE_TEXT];
  bp_warn(
      j->ctx,
      "%s: column '%s': taken as text: nothing tells whether '%s' has the day in front or the month; write dates as "
      "2024-03-01, or say that it is text (--text '%s')",
      j->source, j->quoted, first_text(j, KIND_DATE, text), j->quoted);
}

static void say_text(const judge *j) {
  char text[BP_QUOTE_TEXT], other[BP_QUOTE_TEXT];
  bp_warn(
      j->ctx,
      "%s: column '%s': taken as text, though %" PRId64 " of its %" PRId64
      " different texts are dates or times, as '%s'; write the others so too ('%s'), name them if they mean missing "
      "values (--missing), or say that it is text (--text '%s')",
      j->source, j->quoted, j->texts[KIND_DATE], j->texts[KIND_DATE] + j->texts[KIND_TEXT],
      first_text(j, KIND_DATE, text), first_text(j, KIND_TEXT, other), j->quoted);
}

static bp_status fail_text(const judge *j) {
  char place[BP_PLACE_TEXT], text[BP_QUOTE_TEXT];
  size_t w = 0;
  (void)bp_table_place(j->table, first_row(j, KIND_TEXT, &w), place);
  (void)bp_quote(word(j, w), strlen(word(j, w)), text);
  return bp_fail(j->ctx, BP_E_DATA,
                 "%s: column '%s': '%s' is not a date in the form (%s) in which %" PRId64
                 " different texts are; correct it, name it as missing (--missing '%s'), or take the column as text "
                 "(--text '%s')",
                 place, j->quoted, text, bp_date_layout_name(j->form.layout), j->texts[KIND_DATE], text, j->quoted);
}

/* ---- the decision ---- */

static bp_status decide(judge *j, bool *dates) {
  int64_t n = j->texts[KIND_DATE], others = j->texts[KIND_TEXT];
  *dates = j->form.layout != BP_DATE_NONE && others == 0;
  if (*dates) {
    say_dates(j);
  } else if (others == 0) {
    if (j->open) say_open(j);
  } else if (j->form.layout != BP_DATE_NONE &&
             bp_texts_are_nearly_all(n, j->in_cells[KIND_DATE], others, j->in_cells[KIND_TEXT])) {
    return fail_text(j);
  } else if (n >= 3 && n >= others) {
    say_text(j);
  }
  return BP_OK;
}

static bp_status open_judge(judge *j, bp_context *ctx, const bp_table *table, int64_t column) {
  const char *name = bp_table_name(table, column);
  *j = (judge){.ctx = ctx, .table = table, .view = bp_table_view(table, column)};
  (void)bp_quote(name, strlen(name), j->quoted);
  (void)bp_table_source(table, j->source);
  j->cells = bp_alloc(ctx, words_of(j), sizeof *j->cells);
  j->kinds = bp_alloc(ctx, words_of(j), sizeof *j->kinds);
  return j->cells && j->kinds ? BP_OK : BP_E_NOMEM;
}

static void close_judge(judge *j) {
  bp_release(bp_context_allocator(j->ctx), j->cells, words_of(j), sizeof *j->cells);
  bp_release(bp_context_allocator(j->ctx), j->kinds, words_of(j), sizeof *j->kinds);
}

bp_status bp_column_judge_dates(bp_context *ctx, const bp_table *table, int64_t column, bp_sense *out) {
  judge j;
  bool dates = false;
  *out = (bp_sense){.view = bp_table_view(table, column)};
  if (out->view.type != BP_COLUMN_TEXT || !out->view.found || out->view.words->count == 0) return BP_OK;
  bp_status status = open_judge(&j, ctx, table, column);
  if (status == BP_OK) {
    bp_view_count(&j.view, j.table->rows, j.cells);
    if (find_form(&j)) {
      sort_in_form(&j);
      status = decide(&j, &dates);
    }
  }
  close_judge(&j);
  return status == BP_OK && dates ? bp_column_dates(ctx, table, column, &j.form, out) : status;
}

/* ---- the instants ---- */

/* A word that is no date is an error where it is in a row. */
static bp_status check_word(bp_context *ctx, const bp_table *table, int64_t column, size_t w,
                            const bp_date_form *form) {
  const char *name = bp_table_name(table, column);
  bp_column_view view = bp_table_view(table, column);
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], text[BP_QUOTE_TEXT];
  int64_t row = 0;
  while (row < table->rows && view.codes[row] != (int32_t)w) row++;
  if (row == table->rows) return BP_OK;
  size_t size = strlen(view.words->words[w]);
  bool other = bp_date_is_any(view.words->words[w], size);
  (void)bp_quote(view.words->words[w], size, text);
  return bp_fail(ctx, BP_E_DATA,
                 "%s: column '%s' holds '%s', %s; the model was trained with dates there, in the form '%s'%s; %s",
                 bp_table_place(table, row, place), bp_quote(name, strlen(name), quoted), text,
                 other ? "a date in another form" : "which is no date", bp_date_layout_name(form->layout),
                 form->zone ? " with a zone" : "",
                 other ? "rewrite it, or train with this form" : "correct it, or name it as missing (--missing)");
}

static bp_status read_words(bp_context *ctx, const bp_table *table, int64_t column, const bp_date_form *form,
                            double *values) {
  const bp_dictionary *words = bp_table_view(table, column).words;
  for (size_t w = 0; w < words->count; w++) {
    const char *text = words->words[w];
    size_t size = strlen(text);
    if (bp_date_form_read(form, text, size, &values[w])) continue;
    values[w] = (double)NAN;
    if (!bp_date_is_missing(text, size)) BP_TRY(check_word(ctx, table, column, w, form));
  }
  return BP_OK;
}

/* Numbers of a file are no instants: 20240301 would be a day of 1970. */
static bp_status check_numbers(bp_context *ctx, const bp_table *table, int64_t column, const bp_column_view *view) {
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  const char *name = bp_table_name(table, column);
  int64_t row = 0;
  if (!table->origin) return BP_OK;
  while (row < table->rows && isnan(bp_view_number(view, row))) row++;
  if (row == table->rows) return BP_OK;
  return bp_fail(ctx, BP_E_DATA, "%s: column '%s' holds numbers; the model was trained with dates there",
                 bp_table_place(table, row, place), bp_quote(name, strlen(name), quoted));
}

bp_status bp_column_dates(bp_context *ctx, const bp_table *table, int64_t column, const bp_date_form *form,
                          bp_sense *out) {
  bp_column_view view = bp_table_view(table, column);
  *out = (bp_sense){.view = view, .date = *form, .allocator = bp_context_allocator(ctx)};
  if (view.type != BP_COLUMN_TEXT) return check_numbers(ctx, table, column, &view);
  size_t n = view.words->count;
  double *values = bp_alloc(ctx, n, sizeof *values);
  out->owned = bp_alloc(ctx, (size_t)table->rows, sizeof *out->owned);
  bp_status status = values && out->owned ? read_words(ctx, table, column, form, values) : BP_E_NOMEM;
  for (int64_t r = 0; r < table->rows && status == BP_OK; r++)
    out->owned[r] = view.codes[r] < 0 ? (double)NAN : values[view.codes[r]];
  bp_release(bp_context_allocator(ctx), values, n, sizeof *values);
  out->view = (bp_column_view){.type = BP_COLUMN_NUMBER, .numbers = out->owned};
  return status;
}
