/* fuzz_json.c - any bytes as JSON: what is taken is written, and read back as the same.
 *
 * about: src/base/json_
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/graph.h"
#include "backprop/json.h"

static void check(bool holds) {
  if (!holds) abort();
}

/* Values of a tree, counted by going through it; every VIEW of it is looked at. */
static size_t count(const bp_json *value) {
  size_t n = 1, children = 0, length = 0;
  for (const bp_json *v = bp_json_first(value); v; v = bp_json_next(v), children++) {
    const char *name = bp_json_name(v);
    check((name != NULL) == (bp_json_type(value) == BP_JSON_OBJECT));
    if (name) length += strlen(name);
    if (name && children < 100) check(bp_json_member(value, name) == v);
    n += count(v);
  }
  check(children == bp_json_size(value));
  if (bp_json_text(value)) length += strlen(bp_json_text(value));
  return length == SIZE_MAX ? 0 : n;
}

static char *text_of(bp_context *ctx, const bp_json *value) {
  bp_json_writer w;
  char *text = NULL;
  bp_json_begin(&w, ctx);
  bp_json_put(&w, NULL, value);
  check(bp_json_end(&w, &text) == BP_OK);
  return text;
}

static void round_trip(bp_context *ctx, const bp_json *root) {
  bp_json *back;
  char *text = text_of(ctx, root);
  check(bp_json_parse(ctx, text, strlen(text), &back) == BP_OK);
  char *again = text_of(ctx, back);
  check(strcmp(text, again) == 0 && count(back) == count(root));
  bp_string_free(ctx, text);
  bp_string_free(ctx, again);
  bp_json_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_context *ctx;
  bp_json *root = NULL;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  bp_status status = bp_json_parse(ctx, (const char *)data, size, &root);
  if (status == BP_OK)
    round_trip(ctx, root);
  else
    check(status == BP_E_DATA && !root && strncmp(bp_error_message(ctx), "line ", 5) == 0);
  bp_json_free(root);
  bp_context_free(ctx);
  return 0;
}
