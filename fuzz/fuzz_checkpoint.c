/* fuzz_checkpoint.c - any bytes as a checkpoint: what is taken makes sense.
 *
 * about: src/model/checkpoint_read.c src/formats/safetensors_read.c src/formats/safetensors_checksum.c
 */
#include <string.h>

#include "model/checkpoint_file.h"
#include "support/container_mutator.h"
#include "with_length.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return parse_both_ways(data, size, parse); }

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  return container_mutate(data, size, max_size, seed);
}
