/* base/temporary.h - a file in the making: without a name where the system has such files, else with one that nobody else uses.
 *
 * Functions give 0, or -1 and errno. Named temporaries are locked while their writer lives: one that is not locked was left by a
 * process that was killed, and the next writer of the same target removes it.
 */
#ifndef BP_BASE_TEMPORARY_H
#define BP_BASE_TEMPORARY_H
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct bp_temporary {
  int fd;              /* -1: none */
  char name[PATH_MAX]; /* "": it has none */
} bp_temporary;

/* Opens one for writing in the folder of `target`. `secret`: nobody else may open it until its permissions are set. */
int bp_temporary_open(bp_temporary *t, const char *target, bool secret);
/* Puts it in the place of `target`; the descriptor stays open. */
int bp_temporary_publish(bp_temporary *t, const char *target);
/* Closes the descriptor, and removes what has a name still. */
void bp_temporary_discard(bp_temporary *t);

#endif
