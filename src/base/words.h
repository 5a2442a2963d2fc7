/* base/words.h - bytes as words, and words turned: what hashes are made of. Words are little-endian, as all machines here are. */
#ifndef BP_BASE_WORDS_H
#define BP_BASE_WORDS_H
#include <stdint.h>
#include <string.h>

static inline uint64_t bp_rotate64(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static inline uint64_t bp_word64(const unsigned char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

static inline uint64_t bp_word32(const unsigned char *p) {
  uint32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

#endif
