/* data/encoding_apply.c - rows of a bound table as the numbers that a network takes.
 *
 * Rows are taken in blocks: the features of a block are written column by column while its output is in the cache.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "data/encoding_binding.h"

enum { BLOCK = 128 };

/* Where the encoded numbers of a run of rows go. */
typedef struct output {
  bp_dtype dtype;
  void *data; /* [rows, columns] */
  int64_t columns;
  int32_t *ones; /* [rows, n_ones]; NULL: categories are ones and zeros in `data` */
  int64_t n_ones;
} output;

/* A block of rows at work. */
typedef struct block {
  bp_context *ctx;
  const bp_binding *binding;
  bp_rows rows;
  int64_t first; /* place of its first row in `rows` and in the output */
  int n;
} block;

static int64_t row_of(const block *b, int i) { return bp_row_at(b->rows, b->first + i); }

static void put(const output *out, int64_t place, int64_t column, double value) {
  size_t at = (size_t)(place * out->columns + column);
  if (out->dtype == BP_F32)
    ((float *)out->data)[at] = (float)value;
  else
    ((double *)out->data)[at] = value;
}

/* ---- numbers ---- */

static bool fits(bp_dtype dtype, double value) { return fabs(value) <= (dtype == BP_F32 ? (double)FLT_MAX : DBL_MAX); }

static bp_status fail_number(const block *b, int i, const char *what, const char *name, double value) {
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], text[BP_NUMBER_TEXT];
  return bp_fail(b->ctx, BP_E_DATA, "%s: %s '%s' is %s, %s", bp_table_place(b->binding->table, row_of(b, i), place),
                 what, bp_quote(name, strlen(name), quoted), bp_number_text(value, text),
                 isinf(value) ? "which is infinite; expected a finite number"
                              : "too far from what the model was trained with");
}

static bp_status encode_number(const block *b, bp_bound_feature *bound, const output *out) {
  const bp_feature *f = bound->feature;
  for (int i = 0; i < b->n; i++) {
    double value = bp_view_number(&bound->sense.view, row_of(b, i));
    bool missing = isnan(value);
    if (missing) value = f->fill;
    double encoded = (value - f->mean) / f->scale;
    if (!fits(out->dtype, encoded)) return fail_number(b, i, "column", f->name, value);
    put(out, b->first + i, bound->at, encoded);
    if (!missing) continue;
    if (f->indicator)
      put(out, b->first + i, bound->at + 1, 1);
    else
      bound->unknown++;
  }
  return BP_OK;
}

/* ---- dates ---- */

static bp_status fail_instant(const block *b, int i, const bp_feature *f, double value) {
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], text[BP_NUMBER_TEXT];
  return bp_fail(b->ctx, BP_E_DATA,
                 "%s: column '%s' is %s, which is no date; expected seconds since 1970 in the years 1 to 9999",
                 bp_table_place(b->binding->table, row_of(b, i), place), bp_quote(f->name, strlen(f->name), quoted),
                 bp_number_text(value, text));
}

static bp_status encode_date(const block *b, bp_bound_feature *bound, const output *out) {
  const bp_feature *f = bound->feature;
  double inputs[BP_DATE_INPUTS];
  for (int i = 0; i < b->n; i++) {
    double value = bp_view_number(&bound->sense.view, row_of(b, i));
    bool missing = isnan(value);
    if (missing) value = f->fill;
    if (!bp_instant_is_valid(value)) return fail_instant(b, i, f, value);
    int n = bp_date_inputs(f, value, inputs);
    if (!fits(out->dtype, inputs[0])) return fail_number(b, i, "column", f->name, value);
    for (int k = 0; k < n; k++) put(out, b->first + i, bound->at + k, inputs[k]);
    if (missing && f->indicator) put(out, b->first + i, bound->at + n, 1);
    bound->unknown += missing && !f->indicator;
  }
  return BP_OK;
}

/* ---- categories: the output holds zeros so far, and no ones ---- */

static void put_category(const output *out, int64_t place, const bp_bound_feature *bound, int32_t category) {
  if (out->ones)
    out->ones[place * out->n_ones + bound->one] = category;
  else
    put(out, place, bound->at + category, 1);
}

static void encode_category(const block *b, bp_bound_feature *bound, const output *out) {
  const bp_feature *f = bound->feature;
  for (int i = 0; i < b->n; i++) {
    int64_t place = b->first + i;
    int32_t category = bp_word_map_at(&bound->map, row_of(b, i));
    if (category == BP_WORD_UNKNOWN && f->others) category = (int32_t)f->categories.count;
    if (category == BP_WORD_UNKNOWN) {
      if (bound->unknown_texts++ == 0) (void)bp_view_text(&bound->map.view, row_of(b, i), bound->example);
      continue;
    }
    if (category == BP_WORD_MISSING) {
      category = f->fill_category;
      if (f->indicator)
        put(out, place, bound->at + (out->ones ? 0 : f->inputs - 1), 1);
      else
        bound->unknown++;
    }
    put_category(out, place, bound, category);
  }
}

/* ---- bytes ---- */

static bp_status byte_of(const block *b, int i, const bp_bound_feature *bound, int64_t column, uint8_t *out) {
  double value = bp_view_number(&bound->columns[column], row_of(b, i));
  if (value >= 0 && value <= UINT8_MAX && value == floor(value)) {
    *out = (uint8_t)value;
    return BP_OK;
  }
  char place[BP_PLACE_TEXT], name[BP_BLOCK_NAME], quoted[BP_QUOTE_TEXT], text[BP_NUMBER_TEXT];
  (void)bp_block_name(bound->feature, column, name);
  return bp_fail(b->ctx, BP_E_DATA, "%s: column '%s' is %s; the model was trained with whole numbers from 0 to 255",
                 bp_table_place(b->binding->table, row_of(b, i), place), bp_quote(name, strlen(name), quoted),
                 isnan(value) ? "missing" : bp_number_text(value, text));
}

/* One row of a block of bytes to bytes[block_columns]. */
static bp_status read_bytes(const block *b, int i, const bp_bound_feature *bound, uint8_t *bytes) {
  int64_t n = bound->feature->block_columns;
  if (bound->block) {
    memcpy(bytes, bound->block + row_of(b, i) * n, (size_t)n);
    return BP_OK;
  }
  for (int64_t c = 0; c < n; c++) BP_TRY(byte_of(b, i, bound, c, &bytes[c]));
  return BP_OK;
}

static bp_status encode_bytes(const block *b, const bp_bound_feature *bound, const output *out) {
  const bp_feature *f = bound->feature;
  for (int i = 0; i < b->n; i++) {
    const uint8_t *from = bound->block ? bound->block + row_of(b, i) * f->block_columns : NULL;
    for (int64_t c = 0; c < f->block_columns; c++) {
      uint8_t value = 0;
      if (from)
        value = from[c];
      else
        BP_TRY(byte_of(b, i, bound, c, &value));
      put(out, b->first + i, bound->at + c, value / 255.0);
    }
  }
  return BP_OK;
}

/* ---- features of all rows ---- */

static bp_status encode_feature(const block *b, bp_bound_feature *bound, const output *out) {
  if (bound->feature->type == BP_FEATURE_NUMBER) return encode_number(b, bound, out);
  if (bound->feature->type == BP_FEATURE_BYTES) return encode_bytes(b, bound, out);
  if (bound->feature->type == BP_FEATURE_DATE) return encode_date(b, bound, out);
  encode_category(b, bound, out);
  return BP_OK;
}

/* A block that begins at `first`. */
static block block_at(bp_context *ctx, const bp_binding *binding, bp_rows rows, int64_t first) {
  int64_t left = rows.n - first;
  return (block){.ctx = ctx, .binding = binding, .rows = rows, .first = first, .n = left < BLOCK ? (int)left : BLOCK};
}

static bp_status encode_real(bp_context *ctx, bp_binding *binding, bp_rows rows, const output *out) {
  for (int64_t first = 0; first < rows.n; first += BLOCK) {
    block b = block_at(ctx, binding, rows, first);
    for (size_t f = 0; f < binding->encoding->n_features; f++) BP_TRY(encode_feature(&b, &binding->features[f], out));
  }
  return BP_OK;
}

static bp_status encode_u8(bp_context *ctx, const bp_binding *binding, bp_rows rows, uint8_t *out) {
  const bp_bound_feature *bound = &binding->features[0];
  for (int64_t first = 0; first < rows.n; first += BLOCK) {
    block b = block_at(ctx, binding, rows, first);
    for (int i = 0; i < b.n; i++) BP_TRY(read_bytes(&b, i, bound, out + (first + i) * bound->feature->block_columns));
  }
  return BP_OK;
}

/* Zeroed room for rows * columns numbers. */
static void *alloc_rows(bp_context *ctx, int64_t rows, int64_t columns, bp_dtype dtype, size_t *size) {
  size_t bytes = SIZE_MAX;
  if (!bp_mul_count(bp_dtype_size(dtype), columns, &bytes) || !bp_mul_count(bytes, rows, &bytes)) bytes = SIZE_MAX;
  void *data = bp_aligned_alloc(ctx, bytes);
  if (!data) return NULL;
  memset(data, 0, bytes);
  *size = bytes;
  return data;
}

static bp_status alloc_ones(bp_context *ctx, int64_t rows, int64_t n_ones, bp_encoded *e) {
  e->ones = alloc_rows(ctx, rows, n_ones, BP_I32, &e->ones_size);
  if (!e->ones) return BP_E_NOMEM;
  for (int64_t i = 0; i < rows * n_ones; i++) e->ones[i] = -1;
  return BP_OK;
}

static bp_status encode_features(bp_context *ctx, bp_binding *binding, bp_rows rows, bp_dtype dtype, bp_encoded *e) {
  const bp_encoding *encoding = binding->encoding;
  bool bytes = encoding->n_features == 1 && encoding->features[0].type == BP_FEATURE_BYTES;
  e->dtype = bytes ? BP_U8 : dtype;
  e->scale = bytes ? 1.0 / 255 : 1;
  const uint8_t *stored = bytes ? binding->features[0].block : NULL;
  if (stored && rows.list) {
    e->features = stored;
    e->places = rows.list;
    e->stored = bp_table_rows(binding->table);
    return BP_OK;
  }
  if (stored) {
    e->features = stored + rows.first * binding->width;
    return BP_OK;
  }
  e->owned_features = alloc_rows(ctx, rows.n, binding->width, e->dtype, &e->features_size);
  if (!e->owned_features) return BP_E_NOMEM;
  e->features = e->owned_features;
  if (bytes) return encode_u8(ctx, binding, rows, e->owned_features);
  if (binding->n_ones > 0) BP_TRY(alloc_ones(ctx, rows.n, binding->n_ones, e));
  output out = {
      .dtype = dtype, .data = e->owned_features, .columns = binding->width, .ones = e->ones, .n_ones = binding->n_ones};
  return encode_real(ctx, binding, rows, &out);
}

/* ---- targets ---- */

static bp_status fail_class(const block *b, int i, size_t number, int32_t found) {
  const bp_binding *binding = b->binding;
  const char *name = binding->encoding->targets[number].name;
  char place[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT], text[BP_QUOTE_TEXT];
  (void)bp_table_place(binding->table, row_of(b, i), place);
  (void)bp_quote(name, strlen(name), quoted);
  if (found == BP_WORD_MISSING)
    return bp_fail(b->ctx, BP_E_DATA, "%s: the target '%s' is missing; it is needed to compare with", place, quoted);
  if (binding->n_targets > 1 && binding->encoding->goal == BP_GOAL_CLASSIFICATION)
    return bp_fail(b->ctx, BP_E_DATA,
                   "%s: of the %zu target columns of classes not one is 1 and the others 0; the model was trained with "
                   "such rows",
                   place, binding->n_targets);
  bp_names classes = {0};
  for (size_t c = 0; c < binding->encoding->classes.count; c++)
    bp_names_add(&classes, binding->encoding->classes.words[c]);
  return bp_fail(b->ctx, BP_E_DATA, "%s: the target '%s' is '%s', a class that training never saw; the classes are %s",
                 place, quoted, bp_view_text(&binding->targets[number].view, row_of(b, i), text),
                 bp_names_text(&classes));
}

/* The target that is 1 where all others are 0; -1: there is none such. */
static int32_t class_of_columns(const bp_binding *binding, int64_t row) {
  int32_t found = -1;
  for (size_t t = 0; t < binding->n_targets; t++) {
    double value = bp_view_number(&binding->targets[t].view, row);
    if (isnan(value)) return BP_WORD_MISSING;
    if (value != 0 && (value != 1 || found >= 0)) return BP_WORD_UNKNOWN;
    if (value == 1) found = (int32_t)t;
  }
  return found >= 0 ? found : BP_WORD_UNKNOWN;
}

static int32_t class_of(const bp_binding *binding, int64_t row) {
  return binding->n_targets > 1 ? class_of_columns(binding, row) : bp_word_map_at(&binding->classes, row);
}

bp_status bp_binding_classes(bp_context *ctx, const bp_binding *binding, bp_rows rows, int32_t *classes) {
  block b = {.ctx = ctx, .binding = binding, .rows = rows};
  for (; b.first < rows.n; b.first++) {
    int32_t found = class_of(binding, row_of(&b, 0));
    if (found < 0) return fail_class(&b, 0, 0, found);
    classes[b.first] = found;
  }
  return BP_OK;
}

static bp_status encode_values(bp_context *ctx, const bp_binding *binding, bp_rows rows, const output *out) {
  block b = {.ctx = ctx, .binding = binding, .rows = rows};
  for (; b.first < rows.n; b.first++)
    for (size_t t = 0; t < binding->n_targets; t++) {
      const bp_target *target = &binding->encoding->targets[t];
      double value = bp_view_number(&binding->targets[t].view, row_of(&b, 0));
      double encoded = (value - target->mean) / target->scale;
      if (isnan(value)) return fail_class(&b, 0, t, BP_WORD_MISSING);
      if (!fits(out->dtype, encoded)) return fail_number(&b, 0, "the target", target->name, value);
      put(out, b.first, (int64_t)t, encoded);
    }
  return BP_OK;
}

static bp_status encode_weights(bp_context *ctx, const bp_binding *binding, bp_rows rows, bp_encoded *e) {
  if (!binding->has_weights) return BP_OK;
  e->weights = bp_alloc(ctx, (size_t)rows.n, sizeof *e->weights);
  if (!e->weights) return BP_E_NOMEM;
  return bp_weights_read(ctx, binding->table, &binding->weights.view, binding->encoding->weight, rows, e->weights);
}

static bp_status encode_targets(bp_context *ctx, const bp_binding *binding, bp_rows rows, bp_dtype dtype,
                                bp_encoded *e) {
  const bp_encoding *encoding = binding->encoding;
  bool classes = encoding->goal == BP_GOAL_CLASSIFICATION;
  if (!binding->has_target) return bp_fail(ctx, BP_E_ARG, "targets from a binding that was made without them");
  e->target_dtype = classes ? BP_I32 : dtype;
  e->outputs = classes ? (int64_t)encoding->classes.count : (int64_t)encoding->n_targets;
  int64_t columns = classes ? 1 : e->outputs;
  e->owned_targets = alloc_rows(ctx, rows.n, columns, e->target_dtype, &e->targets_size);
  if (!e->owned_targets) return BP_E_NOMEM;
  e->targets = e->owned_targets;
  output out = {.dtype = dtype, .data = e->owned_targets, .columns = columns};
  BP_TRY(encode_weights(ctx, binding, rows, e));
  return classes ? bp_binding_classes(ctx, binding, rows, e->owned_targets) : encode_values(ctx, binding, rows, &out);
}

/* ---- public ---- */

void bp_encoded_release(bp_encoded *e) {
  if (e->owned_features) bp_aligned_free(e->allocator, e->owned_features, e->features_size);
  if (e->ones) bp_aligned_free(e->allocator, e->ones, e->ones_size);
  if (e->owned_targets) bp_aligned_free(e->allocator, e->owned_targets, e->targets_size);
  if (e->weights) bp_release(e->allocator, e->weights, (size_t)e->rows, sizeof *e->weights);
  memset(e, 0, sizeof *e);
}

bp_status bp_binding_encode(bp_context *ctx, bp_binding *binding, bp_rows rows, bp_dtype dtype, bp_targets targets,
                            bp_encoded *out) {
  bp_encoded e = {.rows = rows.n, .columns = binding->encoding->inputs, .allocator = bp_context_allocator(ctx)};
  if (dtype != BP_F32 && dtype != BP_F64)
    return bp_fail(ctx, BP_E_DTYPE, "rows encoded as %s; float32 and float64 are possible", bp_dtype_name(dtype));
  bp_status status = encode_features(ctx, binding, rows, dtype, &e);
  if (status == BP_OK && targets != BP_TARGETS_NONE) status = encode_targets(ctx, binding, rows, dtype, &e);
  if (status != BP_OK) {
    bp_encoded_release(&e);
    return status;
  }
  *out = e;
  return BP_OK;
}

/* What stands for a missing value. Returns text. */
static const char *fill_text(const bp_feature *f, char text[BP_QUOTE_TEXT]) {
  const char *word = bp_dictionary_word(&f->categories, f->fill_category);
  if (f->buckets > 0) (void)snprintf(text, BP_QUOTE_TEXT, "bucket %d", (int)f->fill_category);
  if (f->buckets > 0) return text;
  if (f->type == BP_FEATURE_CATEGORY) return bp_quote(word, strlen(word), text);
  return f->type == BP_FEATURE_DATE ? bp_instant_text(f->fill, text) : bp_number_text(f->fill, text);
}

static void warn_feature(bp_context *ctx, const char *source, bp_bound_feature *bound) {
  const bp_feature *f = bound->feature;
  char quoted[BP_QUOTE_TEXT], fill[BP_QUOTE_TEXT];
  (void)bp_quote(f->name, strlen(f->name), quoted);
  if (bound->unknown_texts > 0)
    bp_warn(ctx, "%s: column '%s': %" PRId64 " row%s training never saw, first '%s'; taken as none of the known ones",
            source, quoted, bound->unknown_texts,
            bound->unknown_texts == 1 ? " holds a text that" : "s hold texts that", bound->example);
  if (bound->unknown > 0)
    bp_warn(ctx, "%s: column '%s' has no value in %" PRId64 " row%s, and always had one in training; taken as '%s', %s",
            source, quoted, bound->unknown, bound->unknown == 1 ? "" : "s", fill_text(f, fill),
            f->type == BP_FEATURE_CATEGORY ? "the most frequent" : "the median");
  bound->unknown = bound->unknown_texts = 0;
}

void bp_binding_warn(bp_context *ctx, bp_binding *binding) {
  char source[BP_PLACE_TEXT];
  (void)bp_table_source(binding->table, source);
  for (size_t f = 0; f < binding->encoding->n_features; f++) warn_feature(ctx, source, &binding->features[f]);
}

void bp_binding_go_on(bp_binding *from, bp_binding *to) {
  for (size_t f = 0; f < from->encoding->n_features; f++) {
    bp_bound_feature *a = &from->features[f], *b = &to->features[f];
    b->unknown = a->unknown;
    b->unknown_texts = a->unknown_texts;
    memcpy(b->example, a->example, sizeof b->example);
    a->unknown = a->unknown_texts = 0;
  }
}

bp_status bp_encoding_apply(bp_context *ctx, const bp_encoding *encoding, const bp_table *table, bp_rows rows,
                            bp_dtype dtype, bp_targets targets, bp_encoded *out) {
  bp_binding *binding;
  BP_TRY(bp_encoding_bind(ctx, encoding, table, targets != BP_TARGETS_NONE, &binding));
  bp_binding_pack(binding);
  bp_status status = bp_binding_encode(ctx, binding, rows, dtype, targets, out);
  if (status == BP_OK) bp_binding_warn(ctx, binding);
  bp_binding_free(binding);
  return status;
}

/* ---- rows with a target ---- */

double bp_binding_target(const bp_binding *binding, int64_t target, int64_t row) {
  return bp_view_number(&binding->targets[target].view, row);
}

static bool has_targets(const bp_binding *binding, int64_t row) {
  if (binding->encoding->goal == BP_GOAL_CLASSIFICATION) return class_of(binding, row) != BP_WORD_MISSING;
  for (size_t t = 0; t < binding->n_targets; t++)
    if (isnan(bp_view_number(&binding->targets[t].view, row))) return false;
  return true;
}

bp_status bp_binding_labelled(bp_context *ctx, const bp_binding *binding, bp_labelled *out) {
  bp_rows_picker picker;
  BP_TRY(bp_rows_picker_open(ctx, binding->table, &picker));
  for (int64_t row = 0; row < binding->table->rows; row++) picker.has[row] &= has_targets(binding, row);
  return bp_rows_picker_close(&picker, binding->encoding->targets[0].name, out);
}

bp_status bp_encoding_count_labelled(bp_context *ctx, const bp_encoding *encoding, const bp_table *table,
                                     int64_t *rows) {
  bp_binding *binding;
  int64_t n = 0;
  BP_TRY(bp_binding_new(ctx, encoding, table, &binding));
  bp_status status = bp_binding_bind_values(ctx, binding);
  for (int64_t row = 0; row < table->rows && status == BP_OK; row++) n += has_targets(binding, row);
  bp_binding_free(binding);
  if (status == BP_OK) *rows = n;
  return status;
}

/* ---- strata ---- */

/* Classes of the rows; *out stays NULL when the target is values. */
static bp_status find_strata(bp_context *ctx, const bp_table *table, bp_rows rows, const bp_encoding_options *options,
                             bp_encoding *encoding, bp_binding *binding, int32_t **out) {
  bp_aims aims;
  BP_TRY(bp_aims_find(ctx, table, options, &aims));
  aims.weight = -1;
  BP_TRY(bp_aims_learn(ctx, table, rows, &aims, options, NULL, true, encoding));
  if (encoding->goal == BP_GOAL_REGRESSION) return BP_OK;
  BP_TRY(bp_binding_bind_target(ctx, binding));
  *out = bp_alloc(ctx, (size_t)rows.n, sizeof **out);
  return *out ? bp_binding_classes(ctx, binding, rows, *out) : BP_E_NOMEM;
}

bp_status bp_encoding_strata(bp_context *ctx, const bp_table *table, bp_rows rows, const bp_encoding_options *options,
                             int32_t **out) {
  static const bp_encoding_options defaults;
  bp_encoding *encoding;
  bp_binding *binding = NULL;
  int32_t *classes = NULL;
  BP_TRY(bp_encoding_new(ctx, &encoding));
  bp_status status = bp_binding_new(ctx, encoding, table, &binding);
  if (status == BP_OK)
    status = find_strata(ctx, table, rows, options ? options : &defaults, encoding, binding, &classes);
  bp_binding_free(binding);
  bp_encoding_free(encoding);
  if (status == BP_OK)
    *out = classes;
  else
    bp_release(bp_context_allocator(ctx), classes, (size_t)rows.n, sizeof *classes);
  return status;
}
