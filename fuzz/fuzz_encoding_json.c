/* fuzz_encoding_json.c - any JSON as the preprocessing part of a model file; what is taken comes back the same, and meets
 * tables that have its columns: as numbers, and as they were learnt, with what is to be predicted.
 *
 * about: src/data/encoding_json src/data/encoding_bind.c src/data/encoding_apply.c src/base/json_
 */
#include <string.h>

#include "backprop/graph.h"
#include "data/encoding_json.h"
#include "support/fuzzing.h"
#include "support/json_mutator.h"

enum { ROWS = 2, COLUMNS_MAX = 100, BLOCK_MAX = 4096 };

/* Of libFuzzer; not there when inputs are only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

/* NEW (bp_string_free) JSON text of an encoding. */
static char *text_of(bp_context *ctx, const bp_encoding *e) {
  bp_json_writer w;
  char *text = NULL;
  bp_json_begin(&w, ctx);
  bp_encoding_put_json(&w, NULL, e);
  check(bp_json_end(&w, &text) == BP_OK);
  return text;
}

static void round_trip(bp_context *ctx, const bp_encoding *e) {
  char *text = text_of(ctx, e);
  bp_json *json;
  bp_encoding *back;
  check(bp_json_parse(ctx, text, strlen(text), &json) == BP_OK);
  check(bp_encoding_from_json(ctx, json, &back) == BP_OK);
  check(back->inputs == e->inputs && back->n_features == e->n_features);
  char *again = text_of(ctx, back);
  check(strcmp(text, again) == 0);
  bp_string_free(ctx, text);
  bp_string_free(ctx, again);
  bp_json_free(json);
  bp_encoding_free(back);
}

/* ---- a table ---- */

static bp_status add_numbers(bp_context *ctx, bp_table *t, const char *name) {
  return bp_table_add_numbers(ctx, t, name, (const double[ROWS]){1, 255});
}

static bp_status add_text(bp_context *ctx, bp_table *t, const char *name, const bp_dictionary *known) {
  const char *any = known->count > 0 ? bp_dictionary_word(known, (int64_t)known->count - 1) : "";
  return bp_table_add_text(ctx, t, name, (const char *const[ROWS]){any, "never seen"});
}

static bp_status add_dates(bp_context *ctx, bp_table *t, const char *name, bp_date_layout layout) {
  static const char *const texts[BP_DATE_LAYOUTS][ROWS] = {
      {"", ""},           {"2024-02-29", "0001-01-01"}, {"29/2/2024", "1.1.0001"}, {"2/29/2024", ""},
      {"1 Mar 2024", ""}, {"2024-03", "NaT"},           {"23:59:59.99", ""}};
  return bp_table_add_text(ctx, t, name, texts[layout]);
}

static bp_status add_bytes(bp_context *ctx, bp_table *t, const bp_feature *f) {
  static const uint8_t bytes[ROWS * BLOCK_MAX] = {0, 255, 1};
  return bp_table_add_bytes(ctx, t, f->prefix, f->block_columns, bytes);
}

/* Columns of the features' names: of their types, or all of numbers. */
static bp_status add_features(bp_context *ctx, const bp_encoding *e, bool typed, bp_table *t) {
  for (size_t i = 0; i < e->n_features && i < COLUMNS_MAX; i++) {
    const bp_feature *f = &e->features[i];
    if (f->type == BP_FEATURE_BYTES && !typed) continue;
    bp_status status = f->type == BP_FEATURE_BYTES               ? add_bytes(ctx, t, f)
                       : f->type == BP_FEATURE_DATE && typed     ? add_dates(ctx, t, f->name, f->date.layout)
                       : f->type == BP_FEATURE_CATEGORY && typed ? add_text(ctx, t, f->name, &f->categories)
                                                                 : add_numbers(ctx, t, f->name);
    if (status != BP_OK) return status;
  }
  return BP_OK;
}

static bp_status add_targets(bp_context *ctx, const bp_encoding *e, bp_table *t) {
  bool text = e->goal == BP_GOAL_CLASSIFICATION && e->n_targets == 1;
  for (size_t i = 0; i < e->n_targets; i++) {
    const char *name = e->targets[i].name;
    bp_status status = text ? add_text(ctx, t, name, &e->classes) : add_numbers(ctx, t, name);
    if (status != BP_OK) return status;
  }
  return e->weight != NULL ? add_numbers(ctx, t, e->weight) : BP_OK;
}

static void apply(bp_context *ctx, const bp_encoding *e, bool typed) {
  bp_table *t = NULL;
  bp_encoded d;
  bp_targets targets = typed ? BP_TARGETS_OWN : BP_TARGETS_NONE;
  if (e->block > 0 && e->features[e->block - 1].block_columns > BLOCK_MAX)
    return; /* names by the million take their time */
  check(bp_table_new(ctx, ROWS, &t) == BP_OK);
  if (add_features(ctx, e, typed, t) == BP_OK && (!typed || add_targets(ctx, e, t) == BP_OK)) {
    bp_status status = bp_encoding_apply(ctx, e, t, bp_rows_all(t), BP_F32, targets, &d);
    check(status == BP_OK || bp_error_message(ctx)[0] != '\0');
    if (status == BP_OK) {
      check(d.rows == ROWS && d.columns == e->inputs);
      bp_encoded_release(&d);
    }
  }
  bp_table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_context *ctx;
  bp_encoding *e;
  bp_json *json = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  if (bp_json_parse(ctx, (const char *)data, size, &json) == BP_OK && bp_encoding_from_json(ctx, json, &e) == BP_OK) {
    round_trip(ctx, e);
    apply(ctx, e, false);
    apply(ctx, e, true);
    bp_encoding_free(e);
  } else {
    check(bp_error_message(ctx)[0] != '\0');
  }
  bp_json_free(json);
  bp_context_free(ctx);
  return 0;
}

/* One change in three is of any bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  unsigned random = seed * 2654435761U + 1;
  if (random_below(&random, 3) == 0 && LLVMFuzzerMutate != NULL) return LLVMFuzzerMutate(data, size, max_size);
  json_text text = {(char *)data, size, max_size};
  json_mutate(&text, &random);
  return text.size;
}
