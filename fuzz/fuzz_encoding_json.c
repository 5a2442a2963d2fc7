/* fuzz_encoding_json.c - any JSON as the preprocessing part of a model file; what is taken comes back the same, and meets a
 * table that has one of the columns.
 *
 * about: src/data/encoding_json.c src/data/encoding_bind.c src/base/json_
 */
#include <stdlib.h>
#include <string.h>

#include "backprop/graph.h"
#include "data/encoding_json.h"

static void check(bool holds) {
  if (!holds) abort();
}

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

/* A table of the features' names, two rows of numbers. */
static bp_status fill(bp_context *ctx, const bp_encoding *e, bp_table *t) {
  static const double numbers[2] = {1, 255};
  for (size_t f = 0; f < e->n_features && f < 100; f++) {
    const bp_feature *feature = &e->features[f];
    if (feature->type == BP_FEATURE_BYTES) continue;
    bp_status status = bp_table_add_numbers(ctx, t, feature->name, numbers);
    if (status != BP_OK) return status;
  }
  return BP_OK;
}

static void apply(bp_context *ctx, const bp_encoding *e) {
  bp_table *t;
  bp_encoded d;
  if (bp_table_new(ctx, 2, &t) != BP_OK) return;
  if (fill(ctx, e, t) == BP_OK && bp_encoding_apply(ctx, e, t, bp_rows_all(t), BP_F32, BP_TARGETS_NONE, &d) == BP_OK) {
    check(d.rows == 2 && d.columns == e->inputs);
    bp_encoded_release(&d);
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
    apply(ctx, e);
    bp_encoding_free(e);
  } else {
    check(bp_error_message(ctx)[0] != '\0');
  }
  bp_json_free(json);
  bp_context_free(ctx);
  return 0;
}
