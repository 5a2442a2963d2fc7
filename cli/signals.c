/* cli/signals.c - SIGINT and SIGTERM ask training to stop; the loop looks at the answer between batches. */
#include <string.h>

#include "progress.h"

static volatile sig_atomic_t caught;

static void remember(int number) { caught = number; }

void cli_catch_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = remember;
  action.sa_flags = (int)SA_RESETHAND;
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGTERM, &action, NULL);
}

int cli_caught_signal(void) { return caught; }
