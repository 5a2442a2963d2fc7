/* base/hash64.h - a fast 64-bit hash of bytes, to tell one data set from another. Not for enemies. */
#ifndef BP_BASE_HASH64_H
#define BP_BASE_HASH64_H
#include <stddef.h>
#include <stdint.h>

/* XXH64 of data[size] with a seed; to hash pieces, give the hash of one as the seed of the next. */
uint64_t bp_hash64(const void *data, size_t size, uint64_t seed);

#endif
