/* base/suggest.h - "did you mean …?": the known word nearest to one that is not known. */
#ifndef BP_BASE_SUGGEST_H
#define BP_BASE_SUGGEST_H
#include <stddef.h>

/* VIEW the candidate with the fewest edits (a character added, dropped, changed, or two neighbours swapped; case counts
 * for nothing) from `word`, the first of equals; NULL when none is near: more than a third of the word's length, and
 * more than one, off. */
const char *bp_suggest(const char *word, const char *const *candidates, size_t n);

/* The same for candidates that come one by one: start with a zeroed bp_suggestion, read .best at the end. */
typedef struct bp_suggestion {
  const char *best;
  size_t distance;
} bp_suggestion;
void bp_suggest_consider(bp_suggestion *suggestion, const char *word, const char *candidate);

#endif
