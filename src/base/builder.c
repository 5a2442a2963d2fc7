/* builder.c - text that grows by formatted pieces. Floor: base. */
#include "base/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void bp_builder_init(bp_builder *b, bp_context *ctx) { *b = (bp_builder){.ctx = ctx}; }

void bp_builder_add(bp_builder *b, const char *format, ...) {
  char piece[1024];
  if (b->status != BP_OK) return;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(piece, sizeof piece, format, args);
  va_end(args);
  size_t length = n < 0 ? 0 : (size_t)n < sizeof piece ? (size_t)n : sizeof piece - 1;
  b->status = bp_grow(b->ctx, (void **)&b->data, &b->capacity, b->size + length + 1, 1);
  if (b->status != BP_OK) return;
  memcpy(b->data + b->size, piece, length);
  b->size += length;
}

/* Strings are released by their length, so the block is made to fit. */
bp_status bp_builder_finish(bp_builder *b, char **out) {
  char *text = NULL;
  if (b->status == BP_OK && (text = bp_alloc(b->ctx, b->size + 1, 1)) == NULL) b->status = BP_E_NOMEM;
  if (b->status == BP_OK) {
    if (b->size > 0) memcpy(text, b->data, b->size);
    text[b->size] = '\0';
    *out = text;
  }
  bp_release(bp_context_allocator(b->ctx), b->data, b->capacity, 1);
  bp_status status = b->status;
  *b = (bp_builder){.ctx = b->ctx};
  return status;
}
