/* fuzz_safetensors.c - any bytes as a safetensors file; and again with a proper length in front, the header reaching to the first
 * NUL, so that the search need not find out about lengths. */
#include <stdlib.h>
#include <string.h>

#include "formats/safetensors.h"

static void check(bool holds) {
  if (!holds) abort();
}

/* The tensors cover the bytes behind the header, each once; all of them can be read. */
static void walk(const bp_safetensors *file, size_t size) {
  size_t total = 0, header = 0;
  unsigned sum = 0;
  memcpy(&header, file->content, 8);
  for (size_t i = 0; i < file->n_tensors; i++) {
    const bp_named_tensor *t = &file->tensors[i];
    const unsigned char *bytes = t->data;
    for (size_t b = 0; b < t->size; b++) sum += bytes[b];
    for (int axis = 0; axis < t->rank; axis++) check(t->dims[axis] >= 0);
    check(bp_safetensors_tensor(file, t->name) == t);
    total += t->size;
  }
  check(total == size - 8 - header && sum <= 255 * size);
  for (size_t i = 0; i < file->n_metadata; i++)
    check(strcmp(bp_safetensors_text(file, file->metadata[i].key), file->metadata[i].value) == 0);
}

static void parse(bp_context *ctx, const uint8_t *data, size_t size) {
  bp_safetensors *file;
  if (bp_safetensors_parse(ctx, "fuzz", data, size, &file) == BP_OK) {
    walk(file, size);
    bp_safetensors_free(file);
  } else {
    check(bp_error_message(ctx)[0] != '\0');
  }
}

static void parse_with_length(bp_context *ctx, const uint8_t *data, size_t size) {
  const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
  uint64_t header = nul ? (uint64_t)(nul - data) : size;
  uint8_t *content = malloc(sizeof header + size);
  if (!content) return;
  memcpy(content, &header, sizeof header);
  if (size > 0) memcpy(content + sizeof header, data, size);
  parse(ctx, content, sizeof header + size);
  free(content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bp_context *ctx;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  parse(ctx, data, size);
  parse_with_length(ctx, data, size);
  bp_context_free(ctx);
  return 0;
}
