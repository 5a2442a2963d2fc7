/* data/encoding_bind.c - an encoding meets a table: columns are found by name, and types are compared. */
#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "base/suggest.h"
#include "data/column_dates.h"
#include "data/encoding_binding.h"

/* ---- columns that are missing or surplus ---- */

/* Whether the columns of a feature are in the table; those that are not are added to `missing`. */
static void look_for(const bp_table *table, const bp_feature *feature, bp_names *missing) {
  if (feature->type != BP_FEATURE_BYTES) {
    if (bp_table_find(table, feature->name) < 0) bp_names_add(missing, feature->name);
    return;
  }
  if (bp_binding_has_block(table, feature)) return;
  for (int64_t c = 0; c < feature->block_columns; c++) {
    char name[BP_BLOCK_NAME];
    if (bp_table_find(table, bp_block_name(feature, c, name)) < 0) bp_names_add(missing, name);
  }
}

/* The column that may have been meant by one that is missing. */
static const char *unknown_near(const bp_encoding *e, const bp_table *table, const char *name) {
  bp_suggestion suggestion = {0};
  for (int64_t c = 0; c < bp_table_columns(table); c++) {
    const char *candidate = bp_table_name(table, c);
    if (!bp_encoding_knows(e, candidate)) bp_suggest_consider(&suggestion, name, candidate);
  }
  return suggestion.best;
}

static bp_status fail_missing(bp_context *ctx, const bp_encoding *e, const bp_table *table, bp_names *missing) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  const char *near = NULL;
  (void)bp_table_source(table, source);
  for (size_t f = 0; f < e->n_features && missing->count == 1 && !near; f++)
    if (bp_table_find(table, e->features[f].name) < 0) near = unknown_near(e, table, e->features[f].name);
  if (near)
    return bp_fail(ctx, BP_E_DATA, "%s: the column %s is missing, which the model was trained with; is it '%s'?",
                   source, bp_names_text(missing), bp_quote(near, strlen(near), quoted));
  return bp_fail(ctx, BP_E_DATA, "%s: the model was trained with columns that are missing here: %s", source,
                 bp_names_text(missing));
}

static bp_status check_missing(bp_context *ctx, const bp_encoding *e, const bp_table *table) {
  char source[BP_PLACE_TEXT];
  bp_names missing = {0};
  for (size_t f = 0; f < e->n_features; f++) {
    const bp_feature *feature = &e->features[f];
    if (feature->type == BP_FEATURE_BYTES && table->block && strcmp(feature->prefix, table->block_prefix) == 0 &&
        feature->block_columns != table->block_columns)
      return bp_fail(ctx, BP_E_DATA,
                     "%s: rows of %" PRId64 " bytes ('%s'); the model was trained with rows of %" PRId64
                     "; scale the images to that size",
                     bp_table_source(table, source), table->block_columns, table->block_prefix, feature->block_columns);
    look_for(table, feature, &missing);
  }
  return missing.count == 0 ? BP_OK : fail_missing(ctx, e, table, &missing);
}

static bp_status check_surplus(bp_context *ctx, const bp_encoding *e, const bp_table *table) {
  char source[BP_PLACE_TEXT];
  bp_names surplus = {0};
  for (int64_t c = 0; c < bp_table_columns(table); c++) {
    const char *name = bp_table_name(table, c);
    if (!bp_encoding_knows(e, name) && !bp_table_is_copy(table, c)) bp_names_add(&surplus, name);
  }
  if (surplus.count == 0) return BP_OK;
  return bp_fail(ctx, BP_E_DATA, "%s: the model does not know the column%s %s; remove %s",
                 bp_table_source(table, source), surplus.count == 1 ? "" : "s", bp_names_text(&surplus),
                 surplus.count == 1 ? "it" : "them");
}

/* ---- features ---- */

/* Whether a row of a text column holds something other than a number. */
static bool is_no_number(const bp_column_view *view, int64_t row) {
  const char *word = bp_dictionary_word(view->words, view->codes[row]);
  double value;
  return *word && !bp_number_parse(word, strlen(word), &value);
}

/* The column has numbers; else an error that shows the first text in it that is none. */
static bp_status need_numbers(bp_context *ctx, const bp_table *table, const char *name, const bp_column_view *view) {
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], text[BP_QUOTE_TEXT];
  (void)bp_quote(name, strlen(name), quoted);
  if (view->type != BP_COLUMN_TEXT) return BP_OK;
  for (int64_t r = 0; r < bp_table_rows(table); r++)
    if (is_no_number(view, r))
      return bp_fail(ctx, BP_E_DATA, "%s: column '%s' holds a text, '%s'; the model was trained with numbers there",
                     bp_table_place(table, r, place), quoted, bp_view_text(view, r, text));
  return bp_fail(ctx, BP_E_DATA, "%s: column '%s' is a text column; the model was trained with numbers there",
                 bp_table_source(table, place), quoted);
}

static bp_status bind_block(bp_context *ctx, const bp_table *table, bp_bound_feature *bound) {
  const bp_feature *feature = bound->feature;
  if (bp_binding_has_block(table, feature)) {
    bound->block = table->block;
    return BP_OK;
  }
  bound->columns = bp_alloc(ctx, (size_t)feature->block_columns, sizeof *bound->columns);
  if (!bound->columns) return BP_E_NOMEM;
  for (int64_t c = 0; c < feature->block_columns; c++) {
    char name[BP_BLOCK_NAME];
    bound->columns[c] = bp_table_view(table, bp_table_find(table, bp_block_name(feature, c, name)));
    BP_TRY(need_numbers(ctx, table, name, &bound->columns[c]));
  }
  return BP_OK;
}

static bp_status bind_feature(bp_context *ctx, const bp_table *table, bp_bound_feature *bound) {
  const bp_feature *feature = bound->feature;
  if (feature->type == BP_FEATURE_BYTES) return bind_block(ctx, table, bound);
  int64_t column = bp_table_find(table, feature->name);
  if (feature->type == BP_FEATURE_NUMBER)
    return bp_column_numbers(ctx, table, column, &feature->form, "column", &bound->sense);
  if (feature->type == BP_FEATURE_DATE) return bp_column_dates(ctx, table, column, &feature->date, &bound->sense);
  bp_column_view view = bp_table_view(table, column);
  if (feature->buckets > 0) return bp_word_map_hash(ctx, feature->buckets, &view, &bound->map);
  return bp_word_map_init(ctx, &feature->categories, &view, &bound->map);
}

/* ---- the target ---- */

static bp_status bind_weights(bp_context *ctx, bp_binding *b) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  const char *name = b->encoding->weight;
  int64_t column = name ? bp_table_find(b->table, name) : -1;
  if (!name) return BP_OK;
  if (column < 0) {
    bp_warn(ctx, "%s: the column of weights '%s' is not there; every row counts the same",
            bp_table_source(b->table, source), bp_quote(name, strlen(name), quoted));
    return BP_OK;
  }
  static const bp_number_form plain;
  b->has_weights = true;
  return bp_column_numbers(ctx, b->table, column, &plain, "the weight", &b->weights);
}

static bp_status bind_target(bp_context *ctx, bp_binding *b, size_t i) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  const bp_encoding *e = b->encoding;
  const char *name = e->targets[i].name;
  int64_t column = bp_table_find(b->table, name);
  if (column < 0)
    return bp_fail(ctx, BP_E_DATA, "%s: the target column '%s' is missing; it is needed to compare with",
                   bp_table_source(b->table, source), bp_quote(name, strlen(name), quoted));
  const bp_number_form *form = &e->targets[i].form;
  bp_sense *sense = &b->targets[i];
  *sense = (bp_sense){.view = bp_table_view(b->table, column)};
  if (e->goal == BP_GOAL_REGRESSION || e->n_targets > 1 || !bp_number_form_is_plain(form))
    BP_TRY(bp_column_numbers(ctx, b->table, column, form, "the target", sense));
  if (e->goal == BP_GOAL_REGRESSION || e->n_targets > 1) return BP_OK;
  BP_TRY(bp_word_map_init(ctx, &e->classes, &sense->view, &b->classes));
  bp_word_map_take_marks(&b->classes, &e->classes);
  return BP_OK;
}

bp_status bp_binding_bind_values(bp_context *ctx, bp_binding *b) {
  b->targets = bp_calloc(ctx, b->encoding->n_targets, sizeof *b->targets);
  if (!b->targets) return BP_E_NOMEM;
  b->n_targets = b->encoding->n_targets;
  for (size_t i = 0; i < b->n_targets; i++) BP_TRY(bind_target(ctx, b, i));
  return BP_OK;
}

bp_status bp_binding_bind_target(bp_context *ctx, bp_binding *b) {
  BP_TRY(bp_binding_bind_values(ctx, b));
  b->has_target = true;
  return bind_weights(ctx, b);
}

/* ---- the object ---- */

void bp_binding_free(bp_binding *b) {
  if (!b) return;
  for (size_t f = 0; f < b->encoding->n_features && b->features; f++) {
    bp_bound_feature *bound = &b->features[f];
    bp_word_map_release(&bound->map);
    bp_sense_release(b->table, &bound->sense);
    if (bound->columns)
      bp_release(b->allocator, bound->columns, (size_t)bound->feature->block_columns, sizeof *bound->columns);
  }
  bp_release(b->allocator, b->features, b->encoding->n_features, sizeof *b->features);
  for (size_t i = 0; i < b->n_targets; i++) bp_sense_release(b->table, &b->targets[i]);
  bp_release(b->allocator, b->targets, b->n_targets, sizeof *b->targets);
  bp_sense_release(b->table, &b->weights);
  bp_word_map_release(&b->classes);
  bp_release(b->allocator, b, 1, sizeof *b);
}

bp_status bp_binding_new(bp_context *ctx, const bp_encoding *encoding, const bp_table *table, bp_binding **out) {
  bp_binding *b = bp_calloc(ctx, 1, sizeof *b);
  if (!b) return BP_E_NOMEM;
  b->allocator = bp_context_allocator(ctx);
  b->encoding = encoding;
  b->table = table;
  *out = b;
  return BP_OK;
}

/* ---- where an encoded row has its elements ---- */

/* Categories are numbers where a row of ones and zeros has so many times as many elements; where it has fewer, it is as fast and
 * not large. */
enum { PACK_FACTOR = 32 };

static void lay_out(bp_binding *b, bool packed) {
  b->width = b->n_ones = 0;
  for (size_t f = 0; f < b->encoding->n_features; f++) {
    bp_bound_feature *bound = &b->features[f];
    bool is_one = packed && bound->feature->type == BP_FEATURE_CATEGORY;
    bound->at = b->width;
    b->width += bound->feature->inputs - (is_one ? bp_feature_ones(bound->feature) : 0);
    if (is_one) bound->one = b->n_ones++;
  }
}

void bp_binding_pack(bp_binding *b) {
  lay_out(b, true);
  if (b->encoding->inputs / PACK_FACTOR < b->width + b->n_ones) lay_out(b, false);
}

static bp_status bind_features(bp_context *ctx, bp_binding *b) {
  const bp_encoding *e = b->encoding;
  BP_TRY(check_missing(ctx, e, b->table));
  BP_TRY(check_surplus(ctx, e, b->table));
  b->features = bp_calloc(ctx, e->n_features, sizeof *b->features);
  if (!b->features) return BP_E_NOMEM;
  for (size_t f = 0; f < e->n_features; f++) {
    b->features[f].feature = &e->features[f];
    BP_TRY(bind_feature(ctx, b->table, &b->features[f]));
  }
  lay_out(b, false);
  return BP_OK;
}

bp_status bp_encoding_bind(bp_context *ctx, const bp_encoding *encoding, const bp_table *table, bool want_targets,
                           bp_binding **out) {
  bp_binding *b;
  BP_TRY(bp_binding_new(ctx, encoding, table, &b));
  bp_status status = bind_features(ctx, b);
  if (status == BP_OK && want_targets) status = bp_binding_bind_target(ctx, b);
  if (status != BP_OK) {
    bp_binding_free(b);
    return status;
  }
  *out = b;
  return BP_OK;
}

/* ---- blocks ---- */

bool bp_binding_has_block(const bp_table *table, const bp_feature *feature) {
  return table->block && table->block_columns == feature->block_columns &&
         strcmp(table->block_prefix, feature->prefix) == 0;
}
