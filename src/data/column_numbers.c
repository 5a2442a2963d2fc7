/* data/column_numbers.c - texts of a column as numbers. Floor: data.
 *
 * All is decided on the different texts, which a column of text has at hand; so a column that its reader took for numbers costs
 * nothing here.
 */
#include "data/column_numbers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "data/number_disguise.h"

/* What a text is, in a form. */
typedef enum kind { KIND_NUMBER, KIND_MARK, KIND_OTHER_FORM, KIND_TEXT, KIND_COUNT } kind;

typedef struct judge {
  bp_context *ctx;
  const bp_table *table;
  bp_column_view view;
  int64_t *cells; /* [words] */
  unsigned char *kinds;
  bp_number_form form;
  bool one_form; /* the texts speak for one form */
  bool open;     /* nothing tells what a comma is */
  int64_t texts[KIND_COUNT], in_cells[KIND_COUNT];
  char quoted[BP_QUOTE_TEXT];
} judge;

static size_t words_of(const judge *j) { return j->view.words->count; }
static const char *word(const judge *j, size_t w) { return j->view.words->words[w]; }

/* ---- what the texts are ---- */

/* Plain numbers and well-known marks; whether there is anything else. */
static bool sort_plain(const judge *j) {
  bool more = j->table->decimal || j->table->thousands;
  for (size_t w = 0; w < words_of(j); w++) {
    const char *text = word(j, w);
    size_t size = strlen(text);
    double value;
    bool number = bp_number_parse(text, size, &value), mark = number ? isnan(value) : bp_is_missing_mark(text, size);
    j->kinds[w] = (unsigned char)(mark ? KIND_MARK : number ? KIND_NUMBER : KIND_TEXT);
    more |= j->kinds[w] == KIND_TEXT;
  }
  return more;
}

static void find_form(judge *j) {
  bp_form_evidence evidence = {0};
  char decimal = j->table->decimal, thousands = j->table->thousands;
  for (size_t w = 0; w < words_of(j); w++)
    if (j->kinds[w] != KIND_MARK && bp_form_evidence_add(&evidence, word(j, w), strlen(word(j, w))) &&
        j->kinds[w] == KIND_TEXT)
      j->kinds[w] = KIND_OTHER_FORM;
  j->one_form = bp_form_evidence_form(&evidence, decimal, thousands, &j->form);
  j->open = !decimal && !thousands && bp_form_evidence_is_open(&evidence);
}

static void sort_in_form(judge *j) {
  for (size_t w = 0; w < words_of(j); w++) {
    const char *text = word(j, w);
    size_t size = strlen(text);
    double value;
    if (j->kinds[w] == KIND_MARK || j->kinds[w] == KIND_TEXT) continue;
    bool fits = bp_number_form_read(&j->form, text, size, &value);
    kind other = bp_number_has_unit(text, size) ? KIND_OTHER_FORM : KIND_TEXT;
    j->kinds[w] = (unsigned char)(fits ? KIND_NUMBER : other);
  }
}

static void count_kinds(judge *j) {
  for (size_t w = 0; w < words_of(j); w++) {
    if (j->cells[w] == 0) continue;
    j->texts[j->kinds[w]]++;
    j->in_cells[j->kinds[w]] += j->cells[w];
  }
}

static void look(judge *j) {
  j->one_form = true;
  bp_view_count(&j->view, j->table->rows, j->cells);
  if (sort_plain(j)) {
    find_form(j);
    sort_in_form(j);
  }
  count_kinds(j);
}

/* ---- the rule ---- */

/* Of so many different texts in so many cells it can be told that they are numbers. */
static bool are_many(int64_t texts, int64_t cells) { return texts >= 10 || (texts >= 5 && 2 * texts > cells); }

bool bp_texts_are_nearly_all(int64_t texts, int64_t cells, int64_t other_texts, int64_t other_cells) {
  int64_t all = cells + other_cells;
  return (are_many(texts, cells) && texts >= 4 * other_texts) || (all >= 20 && 20 * cells >= 19 * all);
}

/* ---- what is said ---- */

/* "'None', '-'" */
static const char *list_marks(const judge *j, char text[BP_QUOTE_TEXT * 3]) {
  size_t used = 0, room = (size_t)BP_QUOTE_TEXT * 3;
  text[0] = '\0';
  for (size_t w = 0; w < words_of(j) && used < room / 2; w++) {
    char quoted[BP_QUOTE_TEXT];
    if (j->kinds[w] != KIND_MARK || j->cells[w] == 0) continue;
    used += (size_t)snprintf(text + used, room - used, "%s'%s'", used > 0 ? ", " : "",
                             bp_quote(word(j, w), strlen(word(j, w)), quoted));
  }
  return text;
}

/* A text that a plain number is not, though its form is plain: another minus, other digits. */
static const char *odd_text(const judge *j, char text[BP_FORM_TEXT]) {
  double value;
  char quoted[BP_QUOTE_TEXT];
  text[0] = '\0';
  for (size_t w = 0; w < words_of(j) && !text[0]; w++)
    if (j->kinds[w] == KIND_NUMBER && !bp_number_parse(word(j, w), strlen(word(j, w)), &value))
      (void)snprintf(text, BP_FORM_TEXT, "as '%s'", bp_quote(word(j, w), strlen(word(j, w)), quoted));
  return text;
}

static void say_numbers(const judge *j) {
  char source[BP_PLACE_TEXT], form[BP_FORM_TEXT], marks[BP_QUOTE_TEXT * 3], missing[BP_QUOTE_TEXT * 4] = "";
  (void)bp_table_source(j->table, source);
  if (!*bp_number_form_text(&j->form, form)) (void)odd_text(j, form);
  int64_t rows = j->in_cells[KIND_MARK];
  bool said = j->table->decimal || j->table->thousands;
  if (said && rows == 0 && !j->form.prefix[0] && !j->form.suffix[0]) return;
  if (rows > 0)
    (void)snprintf(missing, sizeof missing, "; %s in %" PRId64 " row%s %s taken as missing", list_marks(j, marks), rows,
                   rows == 1 ? "" : "s", j->texts[KIND_MARK] == 1 ? "is" : "are");
  bp_note(j->ctx, "%s: column '%s': read as numbers%s%s%s; --text '%s' keeps it as text", source, j->quoted,
          form[0] ? ", " : "", form, missing, j->quoted);
}

static int64_t others_of(const judge *j) { return j->texts[KIND_OTHER_FORM] + j->texts[KIND_TEXT]; }

static void say_text(const judge *j) {
  char source[BP_PLACE_TEXT];
  int64_t others = others_of(j);
  if (j->texts[KIND_NUMBER] < 2 || j->texts[KIND_NUMBER] < others) return;
  bp_warn(
      j->ctx,
      "%s: column '%s': taken as text, though %" PRId64 " of its %" PRId64
      " different texts are numbers; name the others if they mean missing values (--missing), or the column if it is "
      "text (--text '%s')",
      bp_table_source(j->table, source), j->quoted, j->texts[KIND_NUMBER], j->texts[KIND_NUMBER] + others, j->quoted);
}

/* The first row with a text of that kind. */
static int64_t first_row(const judge *j, kind of, size_t *w) {
  int64_t r = 0;
  while (j->view.codes[r] < 0 || j->kinds[j->view.codes[r]] != of) r++;
  *w = (size_t)j->view.codes[r];
  return r;
}

static bp_status fail_text(const judge *j) {
  char place[BP_PLACE_TEXT], text[BP_QUOTE_TEXT], more[64] = "";
  int64_t others = j->texts[KIND_TEXT];
  size_t w = 0;
  (void)bp_table_place(j->table, first_row(j, KIND_TEXT, &w), place);
  (void)bp_quote(word(j, w), strlen(word(j, w)), text);
  if (others > 1)
    (void)snprintf(more, sizeof more, ", and so %s %" PRId64 " more text%s", others == 2 ? "is" : "are", others - 1,
                   others == 2 ? "" : "s");
  return bp_fail(
      j->ctx, BP_E_DATA,
      "%s: column '%s': '%s' is not a number (%" PRId64 " cell%s%s), as %" PRId64 " different texts in %" PRId64
      " other cells are; correct it, name it as missing (--missing '%s'), or take the column as text (--text "
      "'%s')",
      place, j->quoted, text, j->cells[w], j->cells[w] == 1 ? "" : "s", more, j->texts[KIND_NUMBER],
      j->in_cells[KIND_NUMBER], text, j->quoted);
}

static bp_status fail_forms(const judge *j) {
  char place[BP_PLACE_TEXT], text[BP_QUOTE_TEXT], form[BP_FORM_TEXT];
  size_t w = 0;
  double value;
  (void)bp_table_place(j->table, first_row(j, j->texts[KIND_OTHER_FORM] > 0 ? KIND_OTHER_FORM : KIND_NUMBER, &w),
                       place);
  (void)bp_number_form_text(&j->form, form);
  if (j->table->decimal == ',' && strchr(word(j, w), '.') && bp_number_parse(word(j, w), strlen(word(j, w)), &value))
    return bp_fail(
        j->ctx, BP_E_DATA,
        "%s: column '%s': '%s' is a number with a decimal point, but the decimal sign was said to be a comma "
        "(--decimal ,); leave that out, or rewrite the number",
        place, j->quoted, bp_quote(word(j, w), strlen(word(j, w)), text));
  return bp_fail(j->ctx, BP_E_DATA,
                 "%s: column '%s': '%s' is a number in another form than others are (%s); one column needs one form; "
                 "rewrite it, say what parts the digits (--decimal, --thousands), or take the column as text (--text "
                 "'%s')",
                 place, j->quoted, bp_quote(word(j, w), strlen(word(j, w)), text), form[0] ? form : "plain", j->quoted);
}

static bp_status fail_open(const judge *j) {
  char place[BP_PLACE_TEXT], text[BP_QUOTE_TEXT];
  size_t w = 0;
  int64_t row = 0;
  while (j->view.codes[row] < 0 || !strchr(word(j, (size_t)j->view.codes[row]), ',')) row++;
  w = (size_t)j->view.codes[row];
  return bp_fail(j->ctx, BP_E_DATA,
                 "%s: column '%s': nothing tells what the comma of '%s' is; say --decimal , or --thousands ,",
                 bp_table_place(j->table, row, place), j->quoted, bp_quote(word(j, w), strlen(word(j, w)), text));
}

/* ---- numbers in disguise ---- */

/* What nearly all texts that are no plain numbers are. */
typedef struct disguised {
  bp_disguise of;
  int64_t texts, cells; /* that are so */
  int64_t other_texts, other_cells;
  size_t first; /* of these texts */
} disguised;

static disguised look_for_disguise(const judge *j) {
  disguised all[BP_DISGUISES] = {{0}}, found = {0};
  int64_t texts = 0, cells = 0;
  for (size_t w = 0; w < words_of(j); w++) {
    double value;
    const char *text = word(j, w);
    if (j->cells[w] == 0 || j->kinds[w] == KIND_MARK || bp_number_parse(text, strlen(text), &value)) continue;
    disguised *d = &all[bp_number_disguise(text, strlen(text))];
    if (d->texts++ == 0) d->first = w;
    d->cells += j->cells[w];
    texts++;
    cells += j->cells[w];
  }
  for (int of = BP_DISGUISE_NONE + 1; of < BP_DISGUISES; of++)
    if (all[of].texts > found.texts) found = all[of], found.of = (bp_disguise)of;
  found.other_texts = texts - found.texts;
  found.other_cells = cells - found.cells;
  return found;
}

/* Names come again and again: 12 different ones in 300 cells. */
static bool may_be_names(const disguised *d) {
  bool few = d->texts < 5 || 2 * d->texts <= d->cells;
  return few && bp_disguise_may_name(d->of);
}

static void warn_of_disguise(const judge *j, const disguised *d, const char *quoted) {
  char source[BP_PLACE_TEXT];
  bp_warn(j->ctx,
          "%s: column '%s': taken as text: '%s' is %s, and so are %" PRId64
          " more of its texts; %s; --text '%s' says that they are names",
          bp_table_source(j->table, source), j->quoted, quoted, bp_disguise_text(d->of), d->texts - 1,
          bp_disguise_advice(d->of), j->quoted);
}

static bp_status fail_disguise(const judge *j, const disguised *d, const char *quoted) {
  char place[BP_PLACE_TEXT];
  int64_t row = 0;
  while (j->view.codes[row] != (int32_t)d->first) row++;
  return bp_fail(j->ctx, BP_E_DATA,
                 "%s: column '%s': '%s' is %s, and so are %" PRId64
                 " more of its texts; %s, or take the column as text (--text '%s')",
                 bp_table_place(j->table, row, place), j->quoted, quoted, bp_disguise_text(d->of), d->texts - 1,
                 bp_disguise_advice(d->of), j->quoted);
}

/* *said: there is nothing more to say of the column. */
static bp_status judge_disguise(const judge *j, bp_judging judging, bool *said) {
  char quoted[BP_QUOTE_TEXT];
  disguised d = look_for_disguise(j);
  *said = judging != BP_JUDGE_CLASSES && d.texts >= 3 && d.texts >= 4 * d.other_texts;
  if (!*said) return BP_OK;
  (void)bp_quote(word(j, d.first), strlen(word(j, d.first)), quoted);
  if (!may_be_names(&d)) return fail_disguise(j, &d, quoted);
  if (judging == BP_JUDGE_ALOUD) warn_of_disguise(j, &d, quoted);
  return BP_OK;
}

/* ---- the decision ---- */

static bp_status decide(judge *j, bp_judging judging, bool *numbers) {
  int64_t n = j->texts[KIND_NUMBER], forms = j->texts[KIND_OTHER_FORM], texts = j->texts[KIND_TEXT];
  int64_t cells = j->in_cells[KIND_NUMBER] + j->in_cells[KIND_OTHER_FORM];
  bool certain = bp_number_form_is_certain(&j->form), one = j->one_form && forms + texts == 0, said = false;
  *numbers = false;
  if (n + forms == 0 || !bp_number_form_may_be(&j->form)) return judge_disguise(j, judging, &said);
  if (judging == BP_JUDGE_CLASSES) {
    *numbers = one && bp_number_form_is_plain(&j->form);
    return BP_OK;
  }
  if (one && certain && j->open && j->table->delimiter && j->table->delimiter != ',') return fail_open(j);
  if (one) {
    *numbers = certain || are_many(n, cells);
    if (*numbers && judging == BP_JUDGE_ALOUD) say_numbers(j);
    return BP_OK;
  }
  if (bp_texts_are_nearly_all(n + forms, cells, texts, j->in_cells[KIND_TEXT]))
    return texts > 0 ? fail_text(j) : fail_forms(j);
  BP_TRY(judge_disguise(j, judging, &said));
  if (judging == BP_JUDGE_ALOUD && !said) say_text(j);
  return BP_OK;
}

static void close_judge(judge *j) {
  bp_release(bp_context_allocator(j->ctx), j->cells, words_of(j), sizeof *j->cells);
  bp_release(bp_context_allocator(j->ctx), j->kinds, words_of(j), sizeof *j->kinds);
}

static bp_status open_judge(judge *j, bp_context *ctx, const bp_table *table, int64_t column) {
  const char *name = bp_table_name(table, column);
  *j = (judge){.ctx = ctx, .table = table, .view = bp_table_view(table, column)};
  (void)bp_quote(name, strlen(name), j->quoted);
  j->cells = bp_alloc(ctx, words_of(j), sizeof *j->cells);
  j->kinds = bp_alloc(ctx, words_of(j), sizeof *j->kinds);
  return j->cells && j->kinds ? BP_OK : BP_E_NOMEM;
}

bp_status bp_column_judge(bp_context *ctx, const bp_table *table, int64_t column, bp_judging judging, bp_sense *out) {
  judge j;
  bool numbers = false;
  *out = (bp_sense){.view = bp_table_view(table, column)};
  if (out->view.type != BP_COLUMN_TEXT || !out->view.found || out->view.words->count == 0) return BP_OK;
  bp_status status = open_judge(&j, ctx, table, column);
  if (status == BP_OK) {
    look(&j);
    status = decide(&j, judging, &numbers);
  }
  close_judge(&j);
  return status == BP_OK && numbers ? bp_column_numbers(ctx, table, column, &j.form, "column", out) : status;
}

void bp_sense_release(const bp_table *table, bp_sense *sense) {
  if (sense->owned) bp_release(sense->allocator, sense->owned, (size_t)table->rows, sizeof *sense->owned);
  *sense = (bp_sense){0};
}

/* ---- the numbers ---- */

static bp_status fail_number(bp_context *ctx, const bp_table *table, int64_t column, size_t w,
                             const bp_number_form *form, const char *what) {
  const char *name = bp_table_name(table, column);
  bp_column_view view = bp_table_view(table, column);
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], text[BP_QUOTE_TEXT], described[BP_FORM_TEXT];
  int64_t row = 0;
  while (view.codes[row] != (int32_t)w) row++;
  (void)bp_number_form_text(form, described);
  (void)bp_quote(view.words->words[w], strlen(view.words->words[w]), text);
  (void)bp_table_place(table, row, place);
  (void)bp_quote(name, strlen(name), quoted);
  if (bp_number_is_likely(view.words->words[w], strlen(view.words->words[w])))
    return bp_fail(ctx, BP_E_DATA,
                   "%s: %s '%s' holds '%s', a number in another form than in training (%s); rewrite it, or train with "
                   "this form",
                   place, what, quoted, text, described[0] ? described : "plain");
  return bp_fail(
      ctx, BP_E_DATA,
      "%s: %s '%s' holds a text, '%s'; the model was trained with numbers there%s%s; correct it, or name it as "
      "missing (--missing '%s')",
      place, what, quoted, text, described[0] ? ", " : "", described, text);
}

static bp_status read_words(bp_context *ctx, const bp_table *table, int64_t column, const bp_number_form *form,
                            const char *what, double *values) {
  const bp_dictionary *words = bp_table_view(table, column).words;
  for (size_t w = 0; w < words->count; w++) {
    const char *text = words->words[w];
    if (bp_number_form_read(form, text, strlen(text), &values[w])) continue;
    if (!bp_is_missing_mark(text, strlen(text))) return fail_number(ctx, table, column, w, form, what);
    values[w] = (double)NAN;
  }
  return BP_OK;
}

bp_status bp_column_numbers(bp_context *ctx, const bp_table *table, int64_t column, const bp_number_form *form,
                            const char *what, bp_sense *out) {
  bp_column_view view = bp_table_view(table, column);
  *out = (bp_sense){.view = view, .form = *form, .allocator = bp_context_allocator(ctx)};
  if (view.type != BP_COLUMN_TEXT) return BP_OK;
  size_t n = view.words->count;
  double *values = bp_alloc(ctx, n, sizeof *values);
  out->owned = bp_alloc(ctx, (size_t)table->rows, sizeof *out->owned);
  bp_status status = values && out->owned ? read_words(ctx, table, column, form, what, values) : BP_E_NOMEM;
  for (int64_t r = 0; r < table->rows && status == BP_OK; r++)
    out->owned[r] = view.codes[r] < 0 ? (double)NAN : values[view.codes[r]];
  bp_release(bp_context_allocator(ctx), values, n, sizeof *values);
  out->view = (bp_column_view){.type = BP_COLUMN_NUMBER, .numbers = out->owned};
  return status;
}
