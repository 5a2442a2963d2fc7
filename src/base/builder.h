/* base/builder.h - text that grows by formatted pieces. */
#ifndef BP_BASE_BUILDER_H
#define BP_BASE_BUILDER_H
#include "base/alloc.h"
#include "base/fail.h"

/* The first failure sticks: later pieces do nothing, and bp_builder_finish() reports it. */
typedef struct bp_builder {
  bp_context *ctx;
  char *data;
  size_t size, capacity;
  bp_status status;
} bp_builder;

void bp_builder_init(bp_builder *b, bp_context *ctx);
/* Appends a formatted piece of at most 1023 bytes (the rest is cut). */
void bp_builder_add(bp_builder *b, const char *format, ...) BP_PRINTF(2, 3);
/* NEW the text, to be released with bp_string_free() (bp_release of strlen + 1 bytes); ends the builder whatever happens. */
bp_status bp_builder_finish(bp_builder *b, char **out);

#endif
