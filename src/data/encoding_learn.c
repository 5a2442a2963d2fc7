/* data/encoding_learn.c - preprocessing from the training rows: which columns, and what each becomes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "data/category_choice.h"
#include "data/column_dates.h"
#include "data/column_stats.h"
#include "data/encoding_parts.h"
#include "data/hashed_columns.h"

typedef enum role { ROLE_FEATURE, ROLE_AIM, ROLE_UNUSED } role; /* AIM: a target, or the weights */

typedef struct learner {
  bp_context *ctx;
  const bp_table *table;
  bp_rows rows;
  const bp_encoding_options *options;
  bp_encoding *encoding;
  unsigned char *roles; /* [columns] */
  int64_t columns;
  bp_aims aims;
  double *values;   /* [rows]: a column being measured */
  double *weights;  /* [rows]; NULL: all the same */
  bp_names dropped; /* constant columns */
  bp_names naming;  /* columns of texts that few rows share */
  char source[BP_PLACE_TEXT];
} learner;

/* ---- which columns ---- */

static bool is_target(const bp_aims *aims, int64_t column) {
  for (size_t i = 0; i < aims->n_targets; i++)
    if (aims->targets[i] == column) return true;
  return false;
}

/* The columns first .. first + n - 1 that a name in a list stands for: one, or the block of bytes. */
static bp_status find_listed(const learner *l, const char *name, const char *list, int64_t *first, int64_t *n) {
  char quoted[BP_QUOTE_TEXT];
  const bp_table *t = l->table;
  int64_t column = bp_table_resolve(t, name);
  *n = 1;
  if (column < 0 && t->block && strcmp(name, t->block_prefix) == 0) {
    column = t->block_first;
    *n = t->block_columns;
  }
  if (column < 0) return bp_fail_unknown_column(l->ctx, t, name, list);
  if (*n == 1 && t->block_columns > 1 && bp_table_type(t, column) == BP_COLUMN_BYTE)
    return bp_fail(l->ctx, BP_E_DATA, "%s: %s names '%s', one of a block of byte columns; name the whole block, '%s'",
                   l->source, list, bp_quote(name, strlen(name), quoted), t->block_prefix);
  bool target = is_target(&l->aims, column);
  if (target || column == l->aims.weight)
    return bp_fail(l->ctx, BP_E_DATA, "%s: '%s' is %s, but %s names it too; choose one", l->source,
                   bp_quote(name, strlen(name), quoted), target ? "the target" : "the weight of rows", list);
  *first = column;
  return BP_OK;
}

static bp_status assign_listed(learner *l, const char *text, const char *list_name, role given) {
  bp_list list;
  int64_t first = 0, n = 0;
  bp_list_init(&list, text);
  while (bp_list_next(&list)) {
    BP_TRY(find_listed(l, list.name, list_name, &first, &n));
    memset(l->roles + first, (int)given, (size_t)n);
  }
  return BP_OK;
}

static bp_status assign_roles(learner *l) {
  const char *features = l->options->features;
  bool all = !features || !*features;
  memset(l->roles, all ? ROLE_FEATURE : ROLE_UNUSED, (size_t)l->columns);
  BP_TRY(assign_listed(l, features, "features", ROLE_FEATURE));
  BP_TRY(assign_listed(l, l->options->ignore, "ignore", ROLE_UNUSED));
  for (size_t i = 0; i < l->aims.n_targets; i++) l->roles[l->aims.targets[i]] = ROLE_AIM;
  if (l->aims.weight >= 0) l->roles[l->aims.weight] = ROLE_AIM;
  return BP_OK;
}

/* ---- one column ---- */

static bp_status set_unused(learner *l, int64_t column) {
  const char *name = bp_table_name(l->table, column);
  int32_t number;
  return bp_dictionary_add(l->ctx, &l->encoding->unused, name, strlen(name), &number);
}

static bp_status drop(learner *l, int64_t column) {
  bp_names_add(&l->dropped, bp_table_name(l->table, column));
  return set_unused(l, column);
}

static bp_status fail_infinite(const learner *l, int64_t column, const bp_column_view *view) {
  const char *name = bp_table_name(l->table, column);
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  int64_t i = 0;
  while (i < l->rows.n - 1 && !isinf(bp_view_number(view, bp_row_at(l->rows, i)))) i++;
  return bp_fail(l->ctx, BP_E_DATA,
                 "%s: column '%s' holds an infinite number; expected a finite one, or a missing value; name the text "
                 "if it means that (--missing)",
                 bp_table_place(l->table, bp_row_at(l->rows, i), place), bp_quote(name, strlen(name), quoted));
}

/* A column of numbers, or of dates as instants. */
static bp_status learn_number(learner *l, int64_t column, const bp_sense *sense) {
  const bp_column_view *view = &sense->view;
  bool date = sense->date.layout != BP_DATE_NONE;
  for (int64_t i = 0; i < l->rows.n; i++) l->values[i] = bp_view_number(view, bp_row_at(l->rows, i));
  bp_column_stats s = bp_column_stats_of(l->values, l->weights, l->rows.n);
  if (isinf(s.min) || isinf(s.max)) return fail_infinite(l, column, view);
  if (s.present == 0 || (s.min == s.max && s.missing == 0)) return drop(l, column);
  bp_feature feature = {.type = date ? BP_FEATURE_DATE : BP_FEATURE_NUMBER,
                        .form = sense->form,
                        .date = sense->date,
                        .cycles = date ? bp_date_cycles(&sense->date, l->values, s.present) : 0,
                        .mean = s.mean,
                        .scale = s.deviation > 0 ? s.deviation
                                 : s.min < s.max ? s.max - s.min
                                                 : 1,
                        .fill = s.median,
                        .indicator = s.missing > 0};
  return bp_encoding_add(l->ctx, l->encoding, bp_table_name(l->table, column), &feature);
}

/* What is told of a column in which texts share an input. */
static void say_others(const learner *l, const char *name, const bp_text_counts *counts, size_t kept) {
  char quoted[BP_QUOTE_TEXT];
  bp_note(l->ctx,
          "%s: column '%s': the %zu rarest of its %zu different texts share one input; --max-categories 0 gives each "
          "its own",
          l->source, bp_quote(name, strlen(name), quoted), counts->n - kept, counts->n);
}

/* Each text becomes an input, as was asked for. */
static void say_names(const learner *l, const char *name, const bp_text_counts *counts) {
  char quoted[BP_QUOTE_TEXT];
  bp_warn(l->ctx,
          "%s: column '%s' holds %zu different texts in %" PRId64
          " rows, and each becomes an input; leave it out if it only names the rows (--ignore '%s')",
          l->source, bp_quote(name, strlen(name), quoted), counts->n, counts->rows, quoted);
}

/* Texts that few rows share tell nothing of other rows; those that most rows have of their own may be meant, when somebody chose the
 * column or said that it is text. */
static bool leave_out(const learner *l, const bp_column_view *view, const bp_text_counts *counts, size_t kept) {
  if (l->options->max_categories < 0) return false;
  bool chosen = !view->found || (l->options->features && *l->options->features);
  return (kept == 0 && counts->missing == 0) || (!chosen && bp_texts_name_rows(counts));
}

static bp_status learn_categories(learner *l, int64_t column, const bp_column_view *view,
                                  const bp_text_counts *counts) {
  const char *name = bp_table_name(l->table, column);
  size_t kept = bp_texts_kept(counts, l->options->max_categories);
  bp_feature feature = {0};
  if (counts->n == 0 || (counts->n == 1 && counts->missing == 0)) return drop(l, column);
  if (leave_out(l, view, counts, kept)) {
    bp_names_add(&l->naming, name);
    return set_unused(l, column);
  }
  if (kept == 0) kept = 1;
  bp_status status = bp_categories_learn(l->ctx, counts, kept, &feature);
  if (status == BP_OK) status = bp_encoding_add(l->ctx, l->encoding, name, &feature);
  bp_feature_release(l->encoding->allocator, &feature);
  if (status == BP_OK && kept < counts->n) say_others(l, name, counts, kept);
  if (status == BP_OK && kept == counts->n && bp_texts_name_rows(counts)) say_names(l, name, counts);
  return status;
}

static bp_status learn_text(learner *l, int64_t column, const bp_column_view *view) {
  bp_text_counts counts;
  bp_status status = bp_text_counts_of(l->ctx, view, l->rows, &counts);
  if (status == BP_OK) status = learn_categories(l, column, view, &counts);
  bp_text_counts_release(l->encoding->allocator, &counts);
  return status;
}

static bp_status learn_hashed(learner *l, int64_t column, int64_t buckets) {
  bp_column_view view = bp_table_view(l->table, column);
  bp_feature feature = {0};
  bool constant = false;
  BP_TRY(bp_hashed_learn(l->ctx, &view, l->rows, buckets, &feature, &constant));
  return constant ? drop(l, column) : bp_encoding_add(l->ctx, l->encoding, bp_table_name(l->table, column), &feature);
}

static bp_status learn_block(learner *l) {
  bp_feature feature = {.type = BP_FEATURE_BYTES, .block_columns = l->table->block_columns};
  bp_status status = bp_feature_set_prefix(l->ctx, &feature, l->table->block_prefix);
  if (status == BP_OK) status = bp_encoding_add(l->ctx, l->encoding, NULL, &feature);
  bp_feature_release(l->encoding->allocator, &feature);
  return status;
}

/* ---- all columns ---- */

static bp_status fail_hash(const learner *l, int64_t column) {
  char quoted[BP_QUOTE_TEXT];
  const char *name = bp_table_name(l->table, column);
  return bp_fail(l->ctx, BP_E_DATA, "%s: hash '%s': the column is not learnt from", l->source,
                 bp_quote(name, strlen(name), quoted));
}

static bp_status learn_column(learner *l, int64_t column) {
  int64_t buckets = bp_hashed_buckets(l->table, l->options->hash, column);
  if (buckets > 0 && l->roles[column] != ROLE_FEATURE) return fail_hash(l, column);
  if (l->roles[column] == ROLE_AIM) return BP_OK;
  if (l->roles[column] == ROLE_UNUSED) return set_unused(l, column);
  if (bp_table_type(l->table, column) == BP_COLUMN_BYTE)
    return column == l->table->block_first ? learn_block(l) : BP_OK;
  if (buckets > 0) return learn_hashed(l, column, buckets);
  bp_sense sense;
  bp_status status = bp_column_judge_dates(l->ctx, l->table, column, &sense);
  if (status == BP_OK && sense.view.type == BP_COLUMN_TEXT)
    status = bp_column_judge(l->ctx, l->table, column, BP_JUDGE_ALOUD, &sense);
  if (status == BP_OK)
    status = sense.view.type == BP_COLUMN_NUMBER ? learn_number(l, column, &sense) : learn_text(l, column, &sense.view);
  bp_sense_release(l->table, &sense);
  return status;
}

static bp_status check_features(learner *l) {
  int64_t dropped = l->dropped.count, naming = l->naming.count;
  if (l->encoding->n_features == 0)
    return bp_fail(l->ctx, BP_E_DATA, "%s: no feature is left to learn from%s%s%s%s; expected a column that varies",
                   l->source, dropped > 0 ? "; constant in the training rows: " : "",
                   dropped > 0 ? bp_names_text(&l->dropped) : "", naming > 0 ? "; of texts that few rows share: " : "",
                   naming > 0 ? bp_names_text(&l->naming) : "");
  if (naming > 0)
    bp_note(l->ctx, "%s: left out, as few rows share a text there: %s; --max-categories 0 gives each text an input",
            l->source, bp_names_text(&l->naming));
  if (dropped > 0)
    bp_note(l->ctx, "%s: %" PRId64 " constant column%s left out: %s", l->source, dropped, dropped == 1 ? "" : "s",
            bp_names_text(&l->dropped));
  return BP_OK;
}

static bp_status read_weights(learner *l) {
  if (l->aims.weight < 0) return BP_OK;
  bp_column_view view = bp_table_view(l->table, l->aims.weight);
  l->weights = bp_alloc(l->ctx, (size_t)l->rows.n, sizeof *l->weights);
  if (!l->weights) return BP_E_NOMEM;
  return bp_weights_read(l->ctx, l->table, &view, bp_table_name(l->table, l->aims.weight), l->rows, l->weights);
}

static bp_status learn(learner *l) {
  BP_TRY(assign_roles(l));
  BP_TRY(bp_hashed_check(l->ctx, l->table, l->options->hash));
  BP_TRY(read_weights(l));
  BP_TRY(bp_aims_learn(l->ctx, l->table, l->rows, &l->aims, l->options, l->weights, false, l->encoding));
  l->values = bp_alloc(l->ctx, (size_t)l->rows.n, sizeof *l->values);
  if (!l->values) return BP_E_NOMEM;
  for (int64_t c = 0; c < l->columns; c++) {
    bp_status status = learn_column(l, c);
    if (status == BP_E_LIMIT) bp_fail_prefix(l->ctx, "%s: ", l->source);
    BP_TRY(status);
  }
  return check_features(l);
}

bp_status bp_encoding_learn(bp_context *ctx, const bp_table *table, bp_rows rows, const bp_encoding_options *options,
                            bp_encoding **out) {
  static const bp_encoding_options defaults;
  learner l = {.ctx = ctx,
               .table = table,
               .rows = rows,
               .options = options ? options : &defaults,
               .columns = bp_table_columns(table)};
  bp_allocator allocator = bp_context_allocator(ctx);
  (void)bp_table_source(table, l.source);
  BP_TRY(bp_aims_find(ctx, table, l.options, &l.aims));
  BP_TRY(bp_encoding_new(ctx, &l.encoding));
  l.roles = bp_alloc(ctx, (size_t)l.columns, sizeof *l.roles);
  bp_status status = l.roles ? learn(&l) : BP_E_NOMEM;
  bp_release(allocator, l.roles, (size_t)l.columns, sizeof *l.roles);
  bp_release(allocator, l.values, (size_t)rows.n, sizeof *l.values);
  bp_release(allocator, l.weights, (size_t)rows.n, sizeof *l.weights);
  if (status != BP_OK) {
    bp_encoding_free(l.encoding);
    return status;
  }
  *out = l.encoding;
  return BP_OK;
}
