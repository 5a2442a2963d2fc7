/* cli/signals.c - handlers of signals, and what they remember. Handlers call only what is safe at any moment. */
#include "signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "backprop/writer.h"
#include "console.h"

static const struct {
  int number;
  const char *name, *line;
} enders[] = {{SIGINT, "SIGINT", "backprop: stopped by SIGINT\n"},
              {SIGTERM, "SIGTERM", "backprop: stopped by SIGTERM\n"},
              {SIGHUP, "SIGHUP", "backprop: stopped by SIGHUP\n"}};
enum { ENDERS = sizeof enders / sizeof *enders };

static volatile sig_atomic_t caught, wanted, pipe_is_needless;

/* ---- handlers ---- */

static void end_at_once(int number) {
  pipe_is_needless = 1;
  bp_writers_abandon();
  for (int i = 0; i < ENDERS; i++)
    if (enders[i].number == number && write(STDERR_FILENO, enders[i].line, strlen(enders[i].line)) < 0) break;
  _exit(CLI_SIGNAL + number);
}

static void remember(int number) {
  if (caught) end_at_once(number);
  caught = number;
}

static void want_checkpoint(int number) {
  (void)number;
  wanted = 1;
}

/* The default action is what tells a shell and a pipeline that there was nothing wrong. */
static void end_quietly(int number) {
  sigset_t one;
  if (pipe_is_needless) return;
  bp_writers_abandon();
  (void)signal(number, SIG_DFL);
  (void)sigemptyset(&one);
  (void)sigaddset(&one, number);
  (void)raise(number);
  (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
}

/* ---- setting them ---- */

static void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(number, &action, NULL);
}

static void handle_enders(void (*handler)(int)) {
  struct sigaction now;
  for (int i = 0; i < ENDERS; i++) {
    bool ignored = sigaction(enders[i].number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
    if (enders[i].number != SIGHUP || !ignored) handle(enders[i].number, handler, 0);
  }
}

void cli_begin_signals(void) {
  handle_enders(end_at_once);
  handle(SIGPIPE, end_quietly, SA_RESTART);
  handle(SIGXFSZ, SIG_IGN, 0); /* then a file at its limit is an error of the write, which is told */
}

void cli_catch_signals(void) {
  handle_enders(remember);
  handle(SIGUSR1, want_checkpoint, SA_RESTART);
}

void cli_release_signals(void) {
  handle_enders(end_at_once);
  handle(SIGUSR1, SIG_IGN, 0);
}

/* ---- asking ---- */

int cli_caught_signal(void) { return caught; }

const char *cli_signal_name(int number) {
  for (int i = 0; i < ENDERS; i++)
    if (enders[i].number == number) return enders[i].name;
  return "a signal";
}

bool cli_checkpoint_wanted(void) {
  bool was = wanted != 0;
  wanted = 0;
  return was;
}

void cli_closed_pipe_ends(bool ends) { pipe_is_needless = !ends; }
