/* fuzz_checkpoint.c - any bytes as a checkpoint: what is taken makes sense; and again with a proper length in front, the header
 * reaching to the first NUL, so that the search need not find out about lengths. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint_file.h"

static void check(bool holds) {
  if (!holds) abort();
}

static void parse(bp_context *ctx, const uint8_t *data, size_t size) {
  bp_checkpoint *checkpoint;
  const bp_epoch *history;
  if (bp_checkpoint_parse(ctx, "fuzz", data, size, &checkpoint) != BP_OK) {
    check(bp_error_message(ctx)[0] != '\0');
    return;
  }
  int epochs = bp_checkpoint_history(checkpoint, &history);
  check(epochs >= 0 && bp_checkpoint_epoch(checkpoint) == epochs + 1);
  check((size_t)epochs <= size / sizeof(double)); /* the file holds what it promises */
  check(bp_checkpoint_steps(checkpoint) >= 0 && bp_checkpoint_rows(checkpoint) >= 0);
  check(strlen(bp_checkpoint_note(checkpoint)) <= size);
  for (int e = 0; e < epochs; e++) check(history[e].epoch == e + 1 && history[e].steps >= 0);
  bp_checkpoint_free(checkpoint);
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
