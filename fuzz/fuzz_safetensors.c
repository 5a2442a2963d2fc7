/* fuzz_safetensors.c - any bytes as a safetensors file: what is taken can be read.
 *
 * about: src/formats/safetensors_read.c src/formats/safetensors_types.c
 */
#include <string.h>

#include "formats/safetensors.h"
#include "with_length.h"

/* The tensors cover the bytes behind the header, each once; all of them can be read. */
static void walk(const bp_safetensors *file, size_t size) {
  size_t total = 0;
  uint64_t header = 0;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return parse_both_ways(data, size, parse); }
