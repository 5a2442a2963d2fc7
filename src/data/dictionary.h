/* data/dictionary.h - different texts, numbered 0, 1, 2, … in the order in which they came.
 *
 * Words never move, so a word is a VIEW as long as the dictionary lives. A zeroed bp_dictionary is an empty one.
 */
#ifndef BP_DATA_DICTIONARY_H
#define BP_DATA_DICTIONARY_H
#include "base/alloc.h"

typedef struct bp_dictionary {
  const char **words; /* [count] */
  size_t count, words_capacity;
  struct bp_word_slot *slots; /* hash table with open addressing; NULL while there are few words */
  size_t n_slots;             /* a power of two, or 0 */
  struct bp_word_chunk *chunks;
  size_t chunk_used;
} bp_dictionary;

void bp_dictionary_release(bp_allocator allocator, bp_dictionary *dictionary);

/* The number of the word text[0 .. size), which is added if it is new. Holds at most INT32_MAX words. */
bp_status bp_dictionary_add(bp_context *ctx, bp_dictionary *dictionary, const char *text, size_t size, int32_t *out);
/* The number of a word; -1 if it is not there. */
int32_t bp_dictionary_find(const bp_dictionary *dictionary, const char *text, size_t size);
/* VIEW a word; "" out of range. */
const char *bp_dictionary_word(const bp_dictionary *dictionary, int64_t number);

#endif
