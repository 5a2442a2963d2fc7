/* support/child.h - a part of a test in a child of fork(). Its own assertions would go on with the rest of the tests, so it gives back
 * whether all was good. */
#ifndef BT_CHILD_H
#define BT_CHILD_H
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/testing.h"

/* The thread sanitizer allows no new threads behind a fork. */
#if defined(__has_feature)
#define BT_TSAN __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define BT_TSAN 1
#else
#define BT_TSAN 0
#endif

enum { BT_CHILD_GOOD = 42, BT_CHILD_SECONDS = 60 }; /* seconds: times TEST_TIME */
typedef bool (*bt_child_fn)(void *user);

/* A crash is told by its signal, and so is a child that hangs. */
static inline void bt_end_when_it_hangs(void) {
  static const int signals[] = {SIGALRM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) (void)signal(signals[i], SIG_DFL);
  const char *times = getenv("TEST_TIME");
  (void)alarm(BT_CHILD_SECONDS * (times ? (unsigned)strtoul(times, NULL, 10) : 1));
}

static inline void bt_end_child(bool good) { _exit(good ? BT_CHILD_GOOD : 1); }

static inline pid_t bt_child(bt_child_fn run, void *user) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  bt_end_when_it_hangs();
  bt_end_child(run(user));
  return pid;
}

/* Waits for it. */
static inline bool bt_child_is_good(pid_t pid) {
  int status = 0;
  if (pid <= 0 || waitpid(pid, &status, 0) != pid) return false;
  if (WIFSIGNALED(status)) print_error("the child was ended by signal %d\n", WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == BT_CHILD_GOOD;
}

#define bt_in_child(run, user) assert_true(bt_child_is_good(bt_child((run), (user))))

#endif
