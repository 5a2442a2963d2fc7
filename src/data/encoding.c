/* data/encoding.c - the encoding object, and columns in messages. */
#include "data/encoding.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "data/encoding_parts.h"

const char *bp_feature_type_name(bp_feature_type type) {
  static const char *const names[BP_FEATURE_TYPE_COUNT] = {"number", "category", "bytes", "date"};
  return (unsigned)type < BP_FEATURE_TYPE_COUNT ? names[type] : "?";
}

bp_rows bp_rows_all(const bp_table *table) { return (bp_rows){.n = bp_table_rows(table)}; }

/* ---- the object ---- */

bp_status bp_encoding_new(bp_context *ctx, bp_encoding **out) {
  bp_encoding *e = bp_calloc(ctx, 1, sizeof *e);
  if (!e) return BP_E_NOMEM;
  e->allocator = bp_context_allocator(ctx);
  *out = e;
  return BP_OK;
}

void bp_feature_release(bp_allocator allocator, bp_feature *feature) {
  bp_dictionary_release(allocator, &feature->categories);
  bp_release(allocator, feature->prefix, feature->prefix_size, 1);
  memset(feature, 0, sizeof *feature);
}

void bp_encoding_free(bp_encoding *e) {
  if (!e) return;
  for (size_t f = 0; f < e->n_features; f++) bp_feature_release(e->allocator, &e->features[f]);
  bp_release(e->allocator, e->features, e->features_capacity, sizeof *e->features);
  bp_dictionary_release(e->allocator, &e->names);
  bp_dictionary_release(e->allocator, &e->unused);
  bp_dictionary_release(e->allocator, &e->classes);
  bp_dictionary_release(e->allocator, &e->target_names);
  bp_release(e->allocator, e->targets, e->targets_capacity, sizeof *e->targets);
  bp_release(e->allocator, e->weight, e->weight_size, 1);
  bp_release(e->allocator, e, 1, sizeof *e);
}

static bp_status replace_text(bp_context *ctx, const char *text, char **copy, size_t *copy_size) {
  size_t size = strlen(text) + 1;
  char *made = bp_alloc(ctx, size, 1);
  if (!made) return BP_E_NOMEM;
  bp_release(bp_context_allocator(ctx), *copy, *copy_size, 1);
  *copy = memcpy(made, text, size);
  *copy_size = size;
  return BP_OK;
}

bp_status bp_encoding_add_target(bp_context *ctx, bp_encoding *e, const char *name) {
  char quoted[BP_QUOTE_TEXT];
  void *targets = e->targets;
  int32_t number;
  if (bp_dictionary_find(&e->target_names, name, strlen(name)) >= 0)
    return bp_fail(ctx, BP_E_DATA, "target '%s' is there twice", bp_quote(name, strlen(name), quoted));
  bp_status status = bp_grow(ctx, &targets, &e->targets_capacity, e->n_targets + 1, sizeof *e->targets);
  e->targets = targets;
  BP_TRY(status);
  BP_TRY(bp_dictionary_add(ctx, &e->target_names, name, strlen(name), &number));
  e->targets[e->n_targets++] = (bp_target){.name = e->target_names.words[number], .scale = 1};
  return BP_OK;
}

bp_status bp_encoding_set_weight(bp_context *ctx, bp_encoding *e, const char *name) {
  return replace_text(ctx, name, &e->weight, &e->weight_size);
}

bp_status bp_feature_set_prefix(bp_context *ctx, bp_feature *feature, const char *prefix) {
  return replace_text(ctx, prefix, &feature->prefix, &feature->prefix_size);
}

static int64_t inputs_of(const bp_feature *feature) {
  int64_t inputs = 1;
  if (feature->type == BP_FEATURE_BYTES) return feature->block_columns;
  if (feature->type == BP_FEATURE_CATEGORY) inputs = bp_feature_ones(feature);
  for (int c = 0; feature->type == BP_FEATURE_DATE && c < BP_CYCLES; c++) inputs += 2 * (feature->cycles >> c & 1);
  return inputs + feature->indicator;
}

/* Appends to the features under that name. */
static bp_status add_named(bp_context *ctx, bp_encoding *e, const char *name, bp_feature *feature) {
  char quoted[BP_QUOTE_TEXT];
  void *features = e->features;
  int32_t number;
  (void)bp_quote(name, strlen(name), quoted);
  if (bp_dictionary_find(&e->names, name, strlen(name)) >= 0)
    return bp_fail(ctx, BP_E_DATA, "feature '%s' is there twice", quoted);
  int64_t inputs = inputs_of(feature);
  if (inputs > BP_INPUTS_MAX - e->inputs)
    return bp_fail(ctx, BP_E_LIMIT,
                   "feature '%s' becomes %" PRId64 " inputs, and all together would be more than the %" PRId64
                   " allowed; leave out columns of names or numbers that only identify a row",
                   quoted, inputs, BP_INPUTS_MAX);
  bp_status status = bp_grow(ctx, &features, &e->features_capacity, e->n_features + 1, sizeof *e->features);
  e->features = features;
  BP_TRY(status);
  BP_TRY(bp_dictionary_add(ctx, &e->names, name, strlen(name), &number));
  feature->name = e->names.words[number];
  feature->first_input = e->inputs;
  feature->inputs = inputs;
  e->inputs += inputs;
  e->features[e->n_features++] = *feature;
  memset(feature, 0, sizeof *feature);
  return BP_OK;
}

bp_status bp_encoding_add(bp_context *ctx, bp_encoding *e, const char *name, bp_feature *feature) {
  char range[BP_BLOCK_NAME];
  if (feature->type != BP_FEATURE_BYTES) return add_named(ctx, e, name, feature);
  if (e->block > 0) return bp_fail(ctx, BP_E_DATA, "a second block of bytes, '%s'; one is possible", feature->prefix);
  (void)snprintf(range, sizeof range, "%s0..%" PRId64, feature->prefix, feature->block_columns - 1);
  BP_TRY(add_named(ctx, e, range, feature));
  e->block = e->n_features;
  return BP_OK;
}

const char *bp_block_name(const bp_feature *feature, int64_t c, char name[BP_BLOCK_NAME]) {
  (void)snprintf(name, BP_BLOCK_NAME, "%s%" PRId64, feature->prefix, c);
  return name;
}

bool bp_encoding_knows(const bp_encoding *e, const char *name) {
  size_t size = strlen(name);
  if (bp_dictionary_find(&e->names, name, size) >= 0 || bp_dictionary_find(&e->unused, name, size) >= 0) return true;
  if (bp_dictionary_find(&e->target_names, name, size) >= 0) return true;
  if (e->weight && strcmp(e->weight, name) == 0) return true;
  if (e->block == 0) return false;
  const bp_feature *block = &e->features[e->block - 1];
  return bp_block_find(block->prefix, block->block_columns, name) >= 0;
}

/* ---- messages ---- */

void bp_names_add(bp_names *names, const char *name) {
  enum { TAIL = 40 }; /* room for " and N more" */
  char quoted[BP_QUOTE_TEXT];
  names->count++;
  if (names->shown != names->count - 1 || names->used + BP_QUOTE_TEXT + TAIL >= sizeof names->text) return;
  names->used += (size_t)snprintf(names->text + names->used, sizeof names->text - names->used, "%s'%s'",
                                  names->shown > 0 ? ", " : "", bp_quote(name, strlen(name), quoted));
  names->shown++;
}

const char *bp_names_text(bp_names *names) {
  if (names->count > names->shown)
    (void)snprintf(names->text + names->used, sizeof names->text - names->used, " and %" PRId64 " more",
                   names->count - names->shown);
  return names->text;
}

bp_status bp_fail_unknown_column(bp_context *ctx, const bp_table *table, const char *name, const char *role) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], near_quoted[BP_QUOTE_TEXT];
  const char *near = bp_table_suggest(table, name);
  (void)bp_table_source(table, source);
  (void)bp_quote(name, strlen(name), quoted);
  if (near)
    return bp_fail(ctx, BP_E_DATA, "%s: there is no column '%s' (%s); did you mean '%s'?", source, quoted, role,
                   bp_quote(near, strlen(near), near_quoted));
  bp_names names = {0};
  for (int64_t c = 0; c < bp_table_columns(table); c++) bp_names_add(&names, bp_table_name(table, c));
  return bp_fail(ctx, BP_E_DATA, "%s: there is no column '%s' (%s); the columns are %s", source, quoted, role,
                 bp_names_text(&names));
}
