/* base/arena.h - a bump allocator: many small blocks with one life, freed at once.
 *
 * Chunks are linked, so blocks never move. The arena belongs to one thread.
 */
#ifndef BP_BASE_ARENA_H
#define BP_BASE_ARENA_H
#include "base/alloc.h"

typedef struct bp_arena {
  bp_context *ctx;               /* receives BP_E_NOMEM */
  bp_allocator allocator;        /* by value: release needs no context */
  struct bp_arena_chunk *chunks; /* newest first */
  size_t used;                   /* bytes used in the newest chunk */
} bp_arena;

void bp_arena_init(bp_arena *arena, bp_context *ctx);
/* count * size bytes, zeroed, aligned for max_align_t; NULL with BP_E_NOMEM in the context. */
void *bp_arena_alloc(bp_arena *arena, size_t count, size_t size);
/* A copy of the string that ends at `end` (or at its NUL when end is NULL). */
char *bp_arena_string(bp_arena *arena, const char *begin, const char *end);
void bp_arena_release(bp_arena *arena);

#endif
