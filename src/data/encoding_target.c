/* data/encoding_target.c - the target columns: which they are, what they ask for, and their classes or their scales; and the
 * column of weights. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "data/column_numbers.h"
#include "data/column_stats.h"
#include "data/encoding_parts.h"
#include "data/word_map.h"

/* The target column at work. */
typedef struct target {
  bp_context *ctx;
  const bp_table *table;
  bp_rows rows;
  bp_sense sense;
  bp_column_view view; /* of the sense */
  char name[BP_QUOTE_TEXT];
  double *values;        /* NUMBER: of the rows, in their order or another */
  const double *weights; /* of the rows, in their order; NULL: all the same */
} target;

/* ---- which column ---- */

static bp_status find_last(bp_context *ctx, const bp_table *table, int64_t *column) {
  char source[BP_PLACE_TEXT];
  (void)bp_table_source(table, source);
  int64_t last = bp_table_columns(table) - 1;
  if (last < 0) return bp_fail(ctx, BP_E_DATA, "%s: a table without columns; expected a target and features", source);
  if (bp_table_type(table, last) == BP_COLUMN_BYTE)
    return bp_fail(ctx, BP_E_DATA, "%s: images without labels; expected a column to predict; give the file of labels",
                   source);
  *column = last;
  return BP_OK;
}

/* The column that a user calls `name`, which must not be bytes. */
static bp_status find_one(bp_context *ctx, const bp_table *table, const char *name, const char *role, int64_t *column) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  int64_t found = bp_table_resolve(table, name);
  if (found < 0) return bp_fail_unknown_column(ctx, table, name, role);
  if (bp_table_type(table, found) == BP_COLUMN_BYTE)
    return bp_fail(ctx, BP_E_DATA, "%s: %s '%s' is a byte column; a %s is a column of numbers%s",
                   bp_table_source(table, source), role, bp_quote(name, strlen(name), quoted), role,
                   strcmp(role, "target") == 0 ? " or text" : "");
  *column = found;
  return BP_OK;
}

static bp_status add_target(bp_context *ctx, const bp_table *table, const char *name, bp_aims *aims) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  int64_t column = 0;
  BP_TRY(find_one(ctx, table, name, "target", &column));
  for (size_t i = 0; i < aims->n_targets; i++)
    if (aims->targets[i] == column)
      return bp_fail(ctx, BP_E_DATA, "%s: '%s' is a target twice", bp_table_source(table, source),
                     bp_quote(name, strlen(name), quoted));
  if (aims->n_targets == BP_TARGETS_MAX)
    return bp_fail(ctx, BP_E_LIMIT, "%s: at most %d targets are possible", bp_table_source(table, source),
                   BP_TARGETS_MAX);
  aims->targets[aims->n_targets++] = column;
  return BP_OK;
}

/* One column, whose name may hold commas, or a list of them. */
static bp_status find_targets(bp_context *ctx, const bp_table *table, const char *text, bp_aims *aims) {
  bp_list list;
  aims->n_targets = 1;
  if (!text) return find_last(ctx, table, &aims->targets[0]);
  aims->n_targets = 0;
  if (bp_table_resolve(table, text) >= 0 || !strpbrk(text, ",\"")) return add_target(ctx, table, text, aims);
  bp_list_init(&list, text);
  while (bp_list_next(&list)) BP_TRY(add_target(ctx, table, list.name, aims));
  return aims->n_targets > 0 ? BP_OK : add_target(ctx, table, text, aims);
}

bp_status bp_aims_find(bp_context *ctx, const bp_table *table, const bp_encoding_options *options, bp_aims *out) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  out->weight = -1;
  BP_TRY(find_targets(ctx, table, options->target, out));
  if (!options->weight) return BP_OK;
  BP_TRY(find_one(ctx, table, options->weight, "weight", &out->weight));
  bool text = bp_table_type(table, out->weight) == BP_COLUMN_TEXT;
  for (size_t i = 0; i < out->n_targets && !text; i++)
    if (out->targets[i] == out->weight)
      return bp_fail(ctx, BP_E_DATA, "%s: '%s' is the target and the weight of rows; choose one",
                     bp_table_source(table, source), bp_quote(options->weight, strlen(options->weight), quoted));
  if (!text) return BP_OK;
  return bp_fail(ctx, BP_E_DATA, "%s: the weight '%s' is a column of text; expected numbers from 0",
                 bp_table_source(table, source), bp_quote(options->weight, strlen(options->weight), quoted));
}

/* ---- values ---- */

static bool is_missing(const bp_column_view *view, int64_t row) {
  return view->codes ? view->codes[row] < 0 : isnan(bp_view_number(view, row));
}

static bp_status check_values(const target *t) {
  char place[BP_PLACE_TEXT], more[48] = "";
  int64_t missing = 0, first = 0;
  for (int64_t i = 0; i < t->rows.n; i++) {
    int64_t row = bp_row_at(t->rows, i);
    if (is_missing(&t->view, row)) {
      if (missing++ == 0 || row < first) first = row;
    } else if (!t->view.codes && isinf(bp_view_number(&t->view, row))) {
      return bp_fail(t->ctx, BP_E_DATA, "%s: the target '%s' is infinite; expected a number",
                     bp_table_place(t->table, row, place), t->name);
    }
  }
  if (missing == 0) return BP_OK;
  if (missing > 1)
    (void)snprintf(more, sizeof more, " and in %" PRId64 " more row%s", missing - 1, missing == 2 ? "" : "s");
  return bp_fail(t->ctx, BP_E_DATA, "%s: the target '%s' is missing here%s; fill it in or remove the rows",
                 bp_table_place(t->table, first, place), t->name, more);
}

static int by_number(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Sorts the values, and moves the different ones to the front; returns how many they are. */
static int64_t distinct(double *values, int64_t n) {
  int64_t count = 0;
  if (n > 0) qsort(values, (size_t)n, sizeof *values, by_number);
  for (int64_t i = 0; i < n; i++)
    if (count == 0 || values[i] != values[count - 1]) values[count++] = values[i];
  return count;
}

static void gather(const target *t) {
  for (int64_t i = 0; i < t->rows.n; i++) t->values[i] = bp_view_number(&t->view, bp_row_at(t->rows, i)) + 0.0;
}

/* ---- classes or values? ---- */

static bool is_date(const target *t) {
  const char *first = bp_dictionary_word(t->view.words, 0);
  return bp_date_is_any(first, strlen(first));
}

static bp_goal decide(const target *t, bool quiet) {
  char source[BP_PLACE_TEXT];
  (void)bp_table_source(t->table, source);
  bool whole = true;
  for (int64_t i = 0; i < t->rows.n && whole && t->values; i++) whole = t->values[i] == trunc(t->values[i]);
  int64_t count = t->values && whole ? distinct(t->values, t->rows.n) : 0;
  bool few = whole && count <= BP_FEW_VALUES && count <= t->rows.n / 2;
  bp_goal goal = !t->values || few ? BP_GOAL_CLASSIFICATION : BP_GOAL_REGRESSION;
  if (quiet || count == 1) return goal; /* one value is refused below, whatever it is */
  if (!t->values)
    bp_note(t->ctx, "%s: the target '%s' is text%s: classification", source, t->name,
            is_date(t) ? ", dates or times" : "");
  else if (few)
    bp_note(t->ctx,
            "%s: the target '%s' has only %" PRId64 " different values, all whole numbers: classification; ask for "
            "regression if they measure something (--task regression)",
            source, t->name, count);
  else
    bp_note(t->ctx, "%s: the target '%s' has %s: regression", source, t->name,
            whole ? "many different values" : "values with a fraction");
  return goal;
}

/* ---- classes ---- */

/* The one text of all rows is a mark. */
static bp_status fail_all_missing(const target *t, const char *mark) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  return bp_fail(t->ctx, BP_E_DATA,
                 "%s: no row is left: the target '%s' is '%s', which stands for a missing value, in all %" PRId64
                 " training rows",
                 bp_table_source(t->table, source), t->name, bp_quote(mark, strlen(mark), quoted), t->rows.n);
}

static bp_status check_classes(const target *t, size_t count, const char *only) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  (void)bp_table_source(t->table, source);
  if (count > (size_t)BP_CLASSES_MAX)
    return bp_fail(t->ctx, BP_E_LIMIT,
                   "%s: the target '%s' has %zu different values; at most %" PRId64
                   " classes are allowed; is it the right column, or is it regression?",
                   source, t->name, count, BP_CLASSES_MAX);
  if (count >= 2) return BP_OK;
  if (count == 1 && bp_is_missing_mark(only, strlen(only))) return fail_all_missing(t, only);
  return bp_fail(t->ctx, BP_E_DATA,
                 "%s: the target '%s' has one class, '%s', in all %" PRId64 " training rows; at least two are needed",
                 source, t->name, bp_quote(only, strlen(only), quoted), t->rows.n);
}

static bp_status classes_of_numbers(const target *t, bp_encoding *e) {
  char text[BP_NUMBER_TEXT];
  int32_t number;
  gather(t);
  int64_t count = distinct(t->values, t->rows.n);
  BP_TRY(check_classes(t, (size_t)count, bp_number_text(t->values[0], text)));
  for (int64_t c = 0; c < count; c++) {
    const char *name = bp_number_text(t->values[c], text);
    BP_TRY(bp_dictionary_add(t->ctx, &e->classes, name, strlen(name), &number));
  }
  return BP_OK;
}

/* The texts that the rows hold, each once, into texts[words]; returns how many they are. */
static size_t texts_in_use(const target *t, const char **texts) {
  size_t used = 0;
  for (size_t w = 0; w < t->view.words->count; w++) texts[w] = NULL;
  for (int64_t i = 0; i < t->rows.n; i++) {
    int32_t code = t->view.codes[bp_row_at(t->rows, i)];
    texts[code] = t->view.words->words[code];
  }
  for (size_t w = 0; w < t->view.words->count; w++)
    if (texts[w]) texts[used++] = texts[w];
  return used;
}

static bp_status classes_of_text(const target *t, bp_encoding *e) {
  size_t n = t->view.words->count;
  const char **texts = bp_alloc(t->ctx, n, sizeof *texts);
  if (!texts) return BP_E_NOMEM;
  size_t used = texts_in_use(t, texts);
  bp_status status = check_classes(t, used, used > 0 ? texts[0] : "");
  if (status == BP_OK) status = bp_words_sorted(t->ctx, texts, used, &e->classes);
  bp_release(e->allocator, (void *)texts, n, sizeof *texts);
  return status;
}

/* ---- values ---- */

static bp_status learn_scale(const target *t, bool raw, bp_target *out) {
  char source[BP_PLACE_TEXT], text[BP_NUMBER_TEXT];
  (void)bp_table_source(t->table, source);
  const bp_dictionary *words = t->values ? NULL : t->view.words;
  if (words && words->count == 1 && bp_is_missing_mark(words->words[0], strlen(words->words[0])))
    return fail_all_missing(t, words->words[0]);
  if (!t->values)
    return bp_fail(t->ctx, BP_E_DATA, "%s: the target '%s' is text; regression needs numbers; ask for classification",
                   source, t->name);
  gather(t);
  bp_column_stats s = bp_column_stats_of(t->values, t->weights, t->rows.n);
  if (s.min == s.max)
    return bp_fail(t->ctx, BP_E_DATA, "%s: the target '%s' is %s in all %" PRId64 " training rows; nothing to learn",
                   source, t->name, bp_number_text(s.min, text), t->rows.n);
  if (raw) return BP_OK;
  out->mean = s.mean;
  out->scale = s.deviation > 0 ? s.deviation : s.max - s.min;
  return BP_OK;
}

/* ---- one target ---- */

static bp_judging judging_of(const bp_encoding_options *options, bool quiet) {
  return options->goal == BP_GOAL_CLASSIFICATION ? BP_JUDGE_CLASSES : quiet ? BP_JUDGE_QUIETLY : BP_JUDGE_ALOUD;
}

/* Reads the values of a column of numbers. close_target() in any case. */
static bp_status open_target(target *t, int64_t column, bp_judging judging) {
  const char *name = bp_table_name(t->table, column);
  (void)bp_quote(name, strlen(name), t->name);
  BP_TRY(bp_column_judge(t->ctx, t->table, column, judging, &t->sense));
  t->view = t->sense.view;
  BP_TRY(check_values(t));
  if (t->view.codes) return BP_OK;
  t->values = bp_alloc(t->ctx, (size_t)t->rows.n, sizeof *t->values);
  if (!t->values) return BP_E_NOMEM;
  gather(t);
  return BP_OK;
}

static void close_target(target *t) {
  bp_release(bp_context_allocator(t->ctx), t->values, (size_t)t->rows.n, sizeof *t->values);
  bp_sense_release(t->table, &t->sense);
}

static bp_status learn_one(target *t, const bp_encoding_options *options, bool quiet, bp_encoding *e) {
  e->goal = options->goal == BP_GOAL_AUTO ? decide(t, quiet) : options->goal;
  e->targets[0].form = t->sense.form;
  if (e->goal == BP_GOAL_REGRESSION) return learn_scale(t, options->raw_target, &e->targets[0]);
  return t->values ? classes_of_numbers(t, e) : classes_of_text(t, e);
}

/* ---- several targets ---- */

static bool holds_labels(const target *t) {
  for (int64_t i = 0; i < t->rows.n && t->values; i++)
    if (t->values[i] != 0 && t->values[i] != 1) return false;
  return t->values != NULL;
}

static bp_status learn_value(target *t, const bp_encoding_options *options, bp_target *out) {
  char source[BP_PLACE_TEXT];
  if (!t->values)
    return bp_fail(
        t->ctx, BP_E_DATA,
        "%s: the target '%s' is text, and several targets are numbers; write each class as a column of 0 and 1, "
        "or train a model for each target",
        bp_table_source(t->table, source), t->name);
  out->form = t->sense.form;
  out->labels = holds_labels(t);
  return learn_scale(t, options->raw_target, out);
}

/* Adds the values of a target of labels to those of its rows; false: they are no labels. */
static bp_status add_ones(target *t, const bp_aims *aims, const bp_encoding_options *options, size_t number,
                          double *ones, bp_target *out, bool *labels) {
  bp_status status = open_target(t, aims->targets[number], judging_of(options, true));
  *labels = status == BP_OK && holds_labels(t);
  for (int64_t i = 0; i < t->rows.n && *labels; i++) ones[i] += bp_view_number(&t->view, bp_row_at(t->rows, i));
  out->form = t->sense.form;
  close_target(t);
  return status;
}

/* Whether all targets are labels and one of them is 1 in every row. */
static bp_status look_for_one_hot(const target *like, const bp_aims *aims, const bp_encoding_options *options,
                                  bp_encoding *e, bool *one_hot) {
  int64_t n = like->rows.n;
  double *ones = bp_calloc(like->ctx, (size_t)n, sizeof *ones);
  bp_status status = ones ? BP_OK : BP_E_NOMEM;
  *one_hot = true;
  for (size_t t = 0; t < aims->n_targets && status == BP_OK && *one_hot; t++) {
    target one = *like;
    status = add_ones(&one, aims, options, t, ones, &e->targets[t], one_hot);
  }
  for (int64_t i = 0; i < n && status == BP_OK && *one_hot; i++) *one_hot = ones[i] == 1;
  bp_release(bp_context_allocator(like->ctx), ones, (size_t)n, sizeof *ones);
  return status;
}

static bp_status take_columns_as_classes(const target *like, bool quiet, bp_encoding *e) {
  char source[BP_PLACE_TEXT];
  int32_t number;
  e->goal = BP_GOAL_CLASSIFICATION;
  for (size_t i = 0; i < e->n_targets; i++)
    BP_TRY(bp_dictionary_add(like->ctx, &e->classes, e->targets[i].name, strlen(e->targets[i].name), &number));
  if (!quiet)
    bp_note(
        like->ctx,
        "%s: one of the %zu targets is 1 in every row, and the others are 0: classification, and the columns are the "
        "classes; ask for the loss binary_cross_entropy if each is a label of its own",
        bp_table_source(like->table, source), e->n_targets);
  return BP_OK;
}

static bp_status learn_several(const target *like, const bp_aims *aims, const bp_encoding_options *options, bool quiet,
                               bp_encoding *e) {
  char source[BP_PLACE_TEXT];
  bool one_hot = false;
  if (options->one_hot && options->goal != BP_GOAL_REGRESSION)
    BP_TRY(look_for_one_hot(like, aims, options, e, &one_hot));
  if (one_hot) return take_columns_as_classes(like, quiet, e);
  if (options->goal == BP_GOAL_CLASSIFICATION)
    return bp_fail(
        like->ctx, BP_E_DATA,
        "%s: classification has one target, or several of which one is 1 in every row and the others 0, but %zu "
        "others are given; several columns of 0 and 1 are multi-label classification without being asked for "
        "it, and with the task regression and the loss binary_cross_entropy",
        bp_table_source(like->table, source), e->n_targets);
  e->goal = BP_GOAL_REGRESSION;
  for (size_t i = 0; i < e->n_targets; i++) {
    target t = *like;
    bp_status status = open_target(&t, aims->targets[i], judging_of(options, quiet));
    if (status == BP_OK) status = learn_value(&t, options, &e->targets[i]);
    close_target(&t);
    BP_TRY(status);
  }
  return BP_OK;
}

/* ---- all of it ---- */

static bp_status add_names(bp_context *ctx, const bp_table *table, const bp_aims *aims, bp_encoding *e) {
  for (size_t i = 0; i < aims->n_targets; i++)
    BP_TRY(bp_encoding_add_target(ctx, e, bp_table_name(table, aims->targets[i])));
  return aims->weight < 0 ? BP_OK : bp_encoding_set_weight(ctx, e, bp_table_name(table, aims->weight));
}

bp_status bp_weights_read(bp_context *ctx, const bp_table *table, const bp_column_view *view, const char *name,
                          bp_rows rows, double *weights) {
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], text[BP_NUMBER_TEXT];
  for (int64_t i = 0; i < rows.n; i++) {
    double weight = bp_view_number(view, bp_row_at(rows, i));
    weights[i] = weight;
    if (weight >= 0 && isfinite(weight)) continue;
    return bp_fail(ctx, BP_E_DATA, "%s: the weight '%s' is %s; expected a finite number from 0",
                   bp_table_place(table, bp_row_at(rows, i), place), bp_quote(name, strlen(name), quoted),
                   isnan(weight) ? "missing" : bp_number_text(weight, text));
  }
  return BP_OK;
}

bp_status bp_aims_learn(bp_context *ctx, const bp_table *table, bp_rows rows, const bp_aims *aims,
                        const bp_encoding_options *options, const double *weights, bool quiet, bp_encoding *e) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  if (rows.n < 1)
    return bp_fail(ctx, BP_E_DATA, "%s: no rows to learn from; at least one is needed", bp_table_source(table, source));
  BP_TRY(add_names(ctx, table, aims, e));
  const char *first = e->targets[0].name;
  bool no_choice = table->block && table->n_columns == 1; /* images and their labels */
  if (!options->target && !quiet && !no_choice)
    bp_note(ctx, "%s: the target is the last column, '%s', as none was chosen", bp_table_source(table, source),
            bp_quote(first, strlen(first), quoted));
  target t = {.ctx = ctx, .table = table, .rows = rows, .weights = weights};
  if (aims->n_targets > 1) return learn_several(&t, aims, options, quiet, e);
  bp_status status = open_target(&t, aims->targets[0], judging_of(options, quiet));
  if (status == BP_OK) status = learn_one(&t, options, quiet, e);
  close_target(&t);
  return status;
}
