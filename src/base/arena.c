/* base/arena.c - bump allocation in linked chunks that double from 4 KiB to 1 MiB.
 *
 * A block too big for a fair share of a chunk gets a chunk of its own, put behind the newest one, so that the room
 * left in the newest is not lost.
 */
#include "base/arena.h"

#include <stddef.h>
#include <string.h>

enum { FIRST_CHUNK = 4096, LARGEST_CHUNK = 1 << 20 };

#define ALIGNMENT _Alignof(max_align_t)

typedef struct bp_arena_chunk {
  struct bp_arena_chunk *next;
  size_t size; /* bytes of data */
  max_align_t data[];
} chunk;

void bp_arena_init(bp_arena *arena, bp_context *ctx) {
  *arena = (bp_arena){.ctx = ctx, .allocator = bp_context_allocator(ctx)};
}

void bp_arena_release(bp_arena *arena) {
  for (chunk *c = arena->chunks, *next; c; c = next) {
    next = c->next;
    bp_release(arena->allocator, c, 1, sizeof *c + c->size);
  }
  arena->chunks = NULL;
  arena->used = 0;
}

static chunk *chunk_new(bp_context *ctx, size_t size) {
  size_t bytes;
  if (!bp_add_size(size, sizeof(chunk), &bytes)) bytes = SIZE_MAX; /* refused by the allocator, which then says so */
  chunk *c = bp_alloc(ctx, 1, bytes);
  if (c) c->size = size;
  return c;
}

/* Bytes of the next ordinary chunk. */
static size_t next_chunk_size(const bp_arena *arena) {
  if (!arena->chunks) return FIRST_CHUNK;
  size_t size = arena->chunks->size * 2;
  return size < LARGEST_CHUNK ? size : LARGEST_CHUNK;
}

static void *alloc_own_chunk(bp_arena *arena, size_t bytes) {
  chunk *c = chunk_new(arena->ctx, bytes);
  if (!c) return NULL;
  c->next = arena->chunks->next;
  arena->chunks->next = c;
  return c->data;
}

static bp_status push_chunk(bp_arena *arena, size_t size) {
  chunk *c = chunk_new(arena->ctx, size);
  if (!c) return BP_E_NOMEM;
  c->next = arena->chunks;
  arena->chunks = c;
  arena->used = 0;
  return BP_OK;
}

/* `bytes` is a multiple of ALIGNMENT. */
static void *bump(bp_arena *arena, size_t bytes) {
  if (!arena->chunks && push_chunk(arena, FIRST_CHUNK) != BP_OK) return NULL;
  if (bytes > arena->chunks->size - arena->used) {
    size_t size = next_chunk_size(arena);
    if (bytes > size / 4) return alloc_own_chunk(arena, bytes);
    if (push_chunk(arena, size) != BP_OK) return NULL;
  }
  void *ptr = (char *)arena->chunks->data + arena->used;
  arena->used += bytes;
  return ptr;
}

void *bp_arena_alloc(bp_arena *arena, size_t count, size_t size) {
  size_t bytes, padded;
  if (!bp_mul_size(count, size, &bytes) || !bp_add_size(bytes, ALIGNMENT - 1, &padded))
    return bp_alloc(arena->ctx, SIZE_MAX, 2); /* overflows: sets BP_E_NOMEM and gives NULL */
  padded -= padded % ALIGNMENT;
  void *ptr = bump(arena, padded ? padded : ALIGNMENT);
  if (ptr) memset(ptr, 0, bytes);
  return ptr;
}

char *bp_arena_string(bp_arena *arena, const char *begin, const char *end) {
  size_t length = end ? (size_t)(end - begin) : strlen(begin);
  char *copy = bp_arena_alloc(arena, length + 1, 1);
  if (copy) memcpy(copy, begin, length);
  return copy;
}
