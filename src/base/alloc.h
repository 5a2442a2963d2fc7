/* base/alloc.h - memory through the hook of a context, with checked sizes. The only road to memory in the library. */
#ifndef BP_BASE_ALLOC_H
#define BP_BASE_ALLOC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backprop/context.h"
#include "base/target.h"

/* Kept by value in every object, so that the object can be freed without its context. */
typedef struct bp_allocator {
  bp_alloc_fn fn;
  void *user;
} bp_allocator;

/* The allocator of a context; of NULL, the system's. */
bp_allocator bp_context_allocator(const bp_context *ctx);

/* `count` elements of `size` bytes, uninitialised; NULL with BP_E_NOMEM in ctx (overflow of count * size as well). A
 * request for 0 bytes gives a valid block. */
void *bp_alloc(bp_context *ctx, size_t count, size_t size);
/* The same, all bytes zero. */
void *bp_calloc(bp_context *ctx, size_t count, size_t size);
/* Grows an array to hold at least `need` elements: *data and *capacity change together, and only on success. The
 * capacity at least doubles, from 16. */
bp_status bp_grow(bp_context *ctx, void **data, size_t *capacity, size_t need, size_t size);
/* Gives back what an array does not need: room for exactly `keep` elements, if it had more. The same promise. */
bp_status bp_shrink(bp_context *ctx, void **data, size_t *capacity, size_t keep, size_t size);
/* Releases a block of count * size bytes got from bp_alloc, bp_calloc or bp_grow; NULL is allowed. */
void bp_release(bp_allocator allocator, void *ptr, size_t count, size_t size);

/* 64-byte aligned block for numeric data: freed with bp_aligned_free and the same size. */
void *bp_aligned_alloc(bp_context *ctx, size_t size);
void bp_aligned_free(bp_allocator allocator, void *ptr, size_t size);

/* a * b and a + b into *out; false on overflow, *out untouched. */
bool bp_mul_size(size_t a, size_t b, size_t *out);
bool bp_add_size(size_t a, size_t b, size_t *out);
/* a * n of a number of rows or elements; false too when that is negative, or more than a size can be. */
bool bp_mul_count(size_t a, int64_t n, size_t *out);
/* The same for dimensions; false too when the result would be negative. */
bool bp_mul_dim(int64_t a, int64_t b, int64_t *out);

#endif
