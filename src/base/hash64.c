/* hash64.c - XXH64 by Yann Collet (xxHash specification, 2016): four lanes of multiply and rotate over 32 bytes at a time, then
 * what is left, then a mixing of all bits. It runs at the speed of memory and has published test values. Floor: base.
 */
#include "base/hash64.h"

#include "base/words.h"

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu, P3 = 0x165667B19E3779F9u,
                      P4 = 0x85EBCA77C2B2AE63u, P5 = 0x27D4EB2F165667C5u;

static uint64_t mix(uint64_t lane, uint64_t word) { return bp_rotate64(lane + word * P2, 31) * P1; }
static uint64_t merge(uint64_t hash, uint64_t lane) { return (hash ^ mix(0, lane)) * P1 + P4; }

/* The whole blocks of 32 bytes; *p moves behind them. */
static uint64_t hash_blocks(const unsigned char **p, size_t blocks, uint64_t seed) {
  uint64_t lanes[4] = {seed + P1 + P2, seed + P2, seed, seed - P1};
  for (; blocks > 0; blocks--, *p += 32)
    for (int i = 0; i < 4; i++) lanes[i] = mix(lanes[i], bp_word64(*p + 8 * i));
  uint64_t hash =
      bp_rotate64(lanes[0], 1) + bp_rotate64(lanes[1], 7) + bp_rotate64(lanes[2], 12) + bp_rotate64(lanes[3], 18);
  for (int i = 0; i < 4; i++) hash = merge(hash, lanes[i]);
  return hash;
}

uint64_t bp_hash64(const void *data, size_t size, uint64_t seed) {
  const unsigned char *p = data, *end = p + size;
  uint64_t hash = size >= 32 ? hash_blocks(&p, size / 32, seed) : seed + P5;
  hash += size;
  for (; end - p >= 8; p += 8) hash = bp_rotate64(hash ^ mix(0, bp_word64(p)), 27) * P1 + P4;
  for (; end - p >= 4; p += 4) hash = bp_rotate64(hash ^ bp_word32(p) * P1, 23) * P2 + P3;
  for (; p < end; p++) hash = bp_rotate64(hash ^ *p * P5, 11) * P1;
  hash = (hash ^ hash >> 33) * P2;
  hash = (hash ^ hash >> 29) * P3;
  return hash ^ hash >> 32;
}
