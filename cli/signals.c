/* cli/signals.c - signals ask training for something; the loop looks at the answer between steps.
 *
 * SIGINT and SIGTERM: write a checkpoint and end; the second one ends the command as usual. SIGUSR1: write a checkpoint.
 */
#include <string.h>

#include "progress.h"

static volatile sig_atomic_t caught, wanted;

static void remember(int number) { caught = number; }

static void want_checkpoint(int number) {
  (void)number;
  wanted = 1;
}

static void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(number, &action, NULL);
}

void cli_catch_signals(void) {
  handle(SIGINT, remember, (int)SA_RESETHAND);
  handle(SIGTERM, remember, (int)SA_RESETHAND);
  handle(SIGUSR1, want_checkpoint, SA_RESTART);
}

void cli_release_signals(void) {
  handle(SIGINT, SIG_DFL, 0);
  handle(SIGTERM, SIG_DFL, 0);
  handle(SIGUSR1, SIG_IGN, 0);
}

int cli_caught_signal(void) { return caught; }

bool cli_checkpoint_wanted(void) {
  bool was = wanted != 0;
  wanted = 0;
  return was;
}
