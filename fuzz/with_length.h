/* with_length.h - for the targets whose files begin with the length of a header: any bytes as they are, and again with a proper
 * length in front, the header reaching to the first NUL, so that the search need not find out about lengths. */
#ifndef FUZZ_WITH_LENGTH_H
#define FUZZ_WITH_LENGTH_H
#include <stdlib.h>
#include <string.h>

#include "backprop/context.h"

static inline void check(bool holds) {
  if (!holds) abort();
}

typedef void (*parse_fn)(bp_context *ctx, const uint8_t *data, size_t size);

static inline void parse_with_length(bp_context *ctx, const uint8_t *data, size_t size, parse_fn parse) {
  const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
  uint64_t header = nul ? (uint64_t)(nul - data) : size;
  uint8_t *content = malloc(sizeof header + size);
  if (!content) return;
  memcpy(content, &header, sizeof header);
  if (size > 0) memcpy(content + sizeof header, data, size);
  parse(ctx, content, sizeof header + size);
  free(content);
}

static inline int parse_both_ways(const uint8_t *data, size_t size, parse_fn parse) {
  bp_context *ctx;
  if (bp_context_new(NULL, &ctx) != BP_OK) return 0;
  parse(ctx, data, size);
  parse_with_length(ctx, data, size, parse);
  bp_context_free(ctx);
  return 0;
}

#endif
