/* cli/did_you_mean.c - "did you mean": the known name nearest to a mistyped one, by edits (insert, delete, replace, and the
 * exchange of two neighbours: Damerau's distance, each pair of letters exchanged once at most).
 */
#include <string.h>

#include "console.h"

enum { LONGEST = 40 };

static int least(int a, int b) { return a < b ? a : b; }

static int edits(const char *a, size_t n, const char *b, size_t m) {
  int rows[3][LONGEST + 1];
  for (size_t j = 0; j <= m; j++) rows[0][j] = (int)j;
  for (size_t i = 1; i <= n; i++) {
    int *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
    now[0] = (int)i;
    for (size_t j = 1; j <= m; j++) {
      int replace = last[j - 1] + (a[i - 1] != b[j - 1]);
      now[j] = least(replace, least(last[j], now[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = least(now[j], before[j - 2] + 1);
    }
  }
  return rows[n % 3][m];
}

const char *cli_suggest(const char *word, size_t length, const char *(*name)(const void *user, int i),
                        const void *user) {
  const char *best = NULL;
  int best_edits = length <= 3 ? 1 : length <= 8 ? 2 : 3;
  if (length == 0 || length > LONGEST) return NULL;
  for (int i = 0; name(user, i); i++) {
    const char *candidate = name(user, i);
    size_t size = strlen(candidate);
    if (size > LONGEST) continue;
    bool begins = length >= 3 && length < size && strncmp(word, candidate, length) == 0;
    int distance = begins ? 1 : edits(word, length, candidate, size);
    if (distance < best_edits || (distance == best_edits && !best)) best = candidate, best_edits = distance;
  }
  return best;
}
