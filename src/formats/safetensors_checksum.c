/* formats/safetensors_checksum.c - one number for the tensors of a file, which no changed bit leaves as it was.
 *
 * XXH64 runs at the speed of memory, so that a large model is read no slower. The tensors are taken by their names, so that a
 * program that reads a file and writes it again in another order leaves the number true.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/hash64.h"
#include "data/table_core.h"
#include "formats/safetensors.h"
#include "formats/safetensors_types.h"

static int by_tensor_name(const void *a, const void *b) {
  return strcmp((*(const bp_named_tensor *const *)a)->name, (*(const bp_named_tensor *const *)b)->name);
}

/* A tensor that is to be written has no size yet. */
static size_t bytes_of(const bp_named_tensor *t) {
  size_t size = t->size;
  if (t->dtype != BP_DTYPE_COUNT) (void)bp_tensor_bytes(t->rank, t->dims, bp_dtype_size(t->dtype), &size);
  return size;
}

bp_status bp_safetensors_checksum(bp_context *ctx, const bp_named_tensor *tensors, size_t n,
                                  char text[BP_CHECKSUM_TEXT]) {
  const bp_named_tensor **order = bp_alloc(ctx, n, sizeof(void *));
  uint64_t hash = 0;
  if (!order) return BP_E_NOMEM;
  for (size_t i = 0; i < n; i++) order[i] = &tensors[i];
  qsort(order, n, sizeof(void *), by_tensor_name);
  for (size_t i = 0; i < n; i++) {
    size_t size = bytes_of(order[i]);
    hash = bp_hash64(order[i]->name, strlen(order[i]->name), hash);
    hash = bp_hash64(size > 0 ? order[i]->data : "", size, hash);
  }
  bp_release(bp_context_allocator(ctx), (void *)order, n, sizeof(void *));
  (void)snprintf(text, BP_CHECKSUM_TEXT, "%016" PRIx64, hash);
  return BP_OK;
}

bp_status bp_safetensors_verify(bp_context *ctx, const bp_safetensors *file) {
  const char *told = bp_safetensors_text(file, BP_CHECKSUM_KEY);
  char found[BP_CHECKSUM_TEXT], quoted[BP_QUOTE_TEXT];
  if (!told) return BP_OK;
  BP_TRY(bp_safetensors_checksum(ctx, file->tensors, file->n_tensors, found));
  if (strcmp(told, found) == 0) return BP_OK;
  return bp_fail(
      ctx, BP_E_MODEL,
      "damaged: the checksum of its tensors is %s, not %s as it says; get another copy, or take " BP_CHECKSUM_KEY
      " out of its metadata if they were changed on purpose",
      found, bp_quote(told, strlen(told), quoted));
}
