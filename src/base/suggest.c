/* base/suggest.c - the nearest word by edit distance (optimal string alignment: Damerau, 1964, each piece edited once).
 *
 * Three rows of the usual table are enough, and words are short, so everything lies on the stack.
 */
#include "base/suggest.h"

#include <string.h>

enum { LONGEST = 64 };

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* a and b have at most LONGEST characters. */
static size_t distance(const char *a, size_t n, const char *b, size_t m) {
  size_t rows[3][LONGEST + 1];
  size_t *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = j;
  memset(before, 0, sizeof rows[0]);
  for (size_t i = 1; i <= n; i++) {
    now[0] = i;
    for (size_t j = 1; j <= m; j++) {
      char x = lower(a[i - 1]), y = lower(b[j - 1]);
      now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2])) now[j] = least(now[j], before[j - 2] + 1);
    }
    size_t *free_row = before;
    before = last;
    last = now;
    now = free_row;
  }
  return last[m];
}

void bp_suggest_consider(bp_suggestion *suggestion, const char *word, const char *candidate) {
  size_t n = strlen(word), m = strlen(candidate);
  if (n > LONGEST || m > LONGEST) return;
  size_t found = distance(word, n, candidate, m), allowed = n < 6 ? 1 : n / 3;
  if (found > allowed || (found > 0 && found >= n)) return;
  if (suggestion->best && found >= suggestion->distance) return;
  *suggestion = (bp_suggestion){candidate, found};
}

const char *bp_suggest(const char *word, const char *const *candidates, size_t n) {
  bp_suggestion suggestion = {0};
  for (size_t i = 0; i < n; i++) bp_suggest_consider(&suggestion, word, candidates[i]);
  return suggestion.best;
}
