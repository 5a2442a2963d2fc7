/* data/word_map.h - from the values of a column to words known before: the categories of a feature, the classes of a target.
 *
 * The column may hold numbers where training saw text, and the other way round: "7" and 7.0 are the same.
 */
#ifndef BP_DATA_WORD_MAP_H
#define BP_DATA_WORD_MAP_H
#include "data/table_core.h"

#define BP_WORD_MISSING (-1) /* the row has no value */
#define BP_WORD_UNKNOWN (-2) /* the row has a value that is none of the words */

/* A hash of the text instead: XXH64 with the seed 0 modulo a number of buckets; numbers, and texts that are some, go by the text of
 * their value, so that "7", "7.0" and 7.0 are the same here too. */
int32_t bp_bucket_of_text(int64_t buckets, const char *text);

typedef struct bp_word_map {
  bp_column_view view;
  int32_t *of_code;             /* TEXT: [n_codes] the word that a text of the column is */
  struct bp_word_value *values; /* the words that are numbers, by value */
  size_t n_codes, n_values, values_size;
  int64_t buckets; /* of a map by hash; 0 */
  bp_allocator allocator;
} bp_word_map;

/* words and what the view shows BORROWed for the map's life. On failure there is nothing to release. */
bp_status bp_word_map_init(bp_context *ctx, const bp_dictionary *words, const bp_column_view *view, bp_word_map *map);
/* A map by hash. */
bp_status bp_word_map_hash(bp_context *ctx, int64_t buckets, const bp_column_view *view, bp_word_map *map);
/* Where all words are numbers, texts that are well-known marks are missing values. */
void bp_word_map_take_marks(bp_word_map *map, const bp_dictionary *words);
void bp_word_map_release(bp_word_map *map);
/* The number of the word that a row holds, or one of the two above. */
int32_t bp_word_map_at(const bp_word_map *map, int64_t row);
/* The value of a row as text. Returns text. */
const char *bp_view_text(const bp_column_view *view, int64_t row, char text[BP_QUOTE_TEXT]);

/* Adds `n` texts to an empty dictionary in order: by value if all are numbers, else bytewise. texts[] is put in that order. */
bp_status bp_words_sorted(bp_context *ctx, const char **texts, size_t n, bp_dictionary *words);

#endif
