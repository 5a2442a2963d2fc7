/* base/alloc.c - checked memory through the allocator hook of a context. */
#include "base/alloc.h"

#include <string.h>

#include "base/fail.h"

enum { ALIGNMENT = 64, FIRST_CAPACITY = 16 };

bool bp_mul_size(size_t a, size_t b, size_t *out) {
  if (b != 0 && a > SIZE_MAX / b) return false;
  *out = a * b;
  return true;
}

bool bp_add_size(size_t a, size_t b, size_t *out) {
  if (a > SIZE_MAX - b) return false;
  *out = a + b;
  return true;
}

bool bp_mul_count(size_t a, int64_t n, size_t *out) {
  size_t product;
  if (n < 0 || __builtin_mul_overflow(a, n, &product)) return false;
  *out = product;
  return true;
}

bool bp_mul_dim(int64_t a, int64_t b, int64_t *out) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product) || product < 0) return false;
  *out = product;
  return true;
}

/* Bytes of a block; false for what no object can have. */
static bool block_size(size_t count, size_t size, size_t *bytes) {
  return bp_mul_size(count, size, bytes) && *bytes <= PTRDIFF_MAX;
}

/* What the hook is asked for: 0 would mean "free" to it. */
static size_t at_least_one(size_t bytes) { return bytes == 0 ? 1 : bytes; }

static bp_status out_of_memory(bp_context *ctx, size_t count, size_t size) {
  return bp_fail(ctx, BP_E_NOMEM, "out of memory: cannot get %zu x %zu bytes", count, size);
}

void *bp_alloc(bp_context *ctx, size_t count, size_t size) {
  bp_allocator allocator = bp_context_allocator(ctx);
  size_t bytes;
  void *ptr = NULL;
  if (block_size(count, size, &bytes)) ptr = allocator.fn(allocator.user, NULL, 0, at_least_one(bytes));
  if (!ptr) (void)out_of_memory(ctx, count, size);
  return ptr;
}

void *bp_calloc(bp_context *ctx, size_t count, size_t size) {
  void *ptr = bp_alloc(ctx, count, size);
  if (ptr) memset(ptr, 0, count * size);
  return ptr;
}

void bp_release(bp_allocator allocator, void *ptr, size_t count, size_t size) {
  if (ptr) (void)allocator.fn(allocator.user, ptr, at_least_one(count * size), 0);
}

/* Gives *data room for exactly `count` elements. */
static bp_status resize(bp_context *ctx, void **data, size_t *capacity, size_t count, size_t size) {
  bp_allocator allocator = bp_context_allocator(ctx);
  size_t bytes;
  if (!block_size(count, size, &bytes)) return out_of_memory(ctx, count, size);
  size_t old_bytes = *data ? at_least_one(*capacity * size) : 0;
  void *ptr = allocator.fn(allocator.user, *data, old_bytes, at_least_one(bytes));
  if (!ptr) return out_of_memory(ctx, count, size);
  *data = ptr;
  *capacity = count;
  return BP_OK;
}

bp_status bp_grow(bp_context *ctx, void **data, size_t *capacity, size_t need, size_t size) {
  if (need <= *capacity && *data) return BP_OK;
  size_t count = *capacity * 2; /* fits: a block has no more than PTRDIFF_MAX bytes */
  if (count < FIRST_CAPACITY) count = FIRST_CAPACITY;
  return resize(ctx, data, capacity, count < need ? need : count, size);
}

bp_status bp_shrink(bp_context *ctx, void **data, size_t *capacity, size_t keep, size_t size) {
  if (!*data || keep >= *capacity) return BP_OK;
  return resize(ctx, data, capacity, keep, size);
}

/* The block is ALIGNMENT bytes longer than asked for. The byte before the aligned address holds the distance
 * (1 .. ALIGNMENT) to the address that the hook gave. */
void *bp_aligned_alloc(bp_context *ctx, size_t size) {
  size_t bytes;
  if (!bp_add_size(size, ALIGNMENT, &bytes)) {
    (void)out_of_memory(ctx, 1, size);
    return NULL;
  }
  unsigned char *base = bp_alloc(ctx, bytes, 1);
  if (!base) return NULL;
  size_t shift = ALIGNMENT - (uintptr_t)base % ALIGNMENT;
  base[shift - 1] = (unsigned char)shift;
  return base + shift;
}

void bp_aligned_free(bp_allocator allocator, void *ptr, size_t size) {
  if (!ptr) return;
  unsigned char *aligned = ptr;
  bp_release(allocator, aligned - aligned[-1], size + ALIGNMENT, 1);
}
