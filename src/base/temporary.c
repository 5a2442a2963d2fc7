/* base/temporary.c - files in the making, and what becomes of them when their process is killed.
 *
 * A name is made of the target's and a small number, so that whoever writes the same target next looks at the same names and
 * removes what is left of the dead. Names in use are kept in a list without locks, for a handler of signals.
 */
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backprop/writer.h"
#include "base/clock.h"
#include "base/hash64.h"
#include "base/io.h"

enum { ATTEMPTS = 100, FORESEEN = 20, MOST_NAMED = 64, DESCRIPTOR_PATH = 32 };

/* ---- the names in use ---- */

static _Atomic(const char *) named[MOST_NAMED];

static void replace_name(const char *old, const char *new) {
  for (int i = 0; i < MOST_NAMED; i++) {
    const char *expected = old;
    if (atomic_compare_exchange_strong(&named[i], &expected, new)) return;
  }
}

void bp_writers_abandon(void) {
  for (int i = 0; i < MOST_NAMED; i++) {
    const char *name = atomic_load(&named[i]);
    if (name) (void)unlink(name);
  }
}

/* ---- names ---- */

static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The first few names can be foreseen by the next writer; when all of them are taken, no one else finds the same ones. */
static int set_name(bp_temporary *t, const char *target, int attempt) {
  size_t folder = folder_length(target);
  uint64_t number = bp_hash64(target + folder, strlen(target + folder), 0);
  if (attempt >= FORESEEN) {
    double salt[] = {bp_clock_seconds(), (double)getpid()};
    number = bp_hash64(salt, sizeof salt, number);
  }
  int length =
      snprintf(t->name, sizeof t->name, "%.*s.backprop-%016" PRIx64 "-%d.tmp", (int)folder, target, number, attempt);
  if (length >= 0 && (size_t)length < sizeof t->name) return 0;
  t->name[0] = '\0';
  errno = ENAMETOOLONG;
  return -1;
}

/* Removes a temporary whose writer is gone; whether it did. Who holds the lock may be sure that no other writer removes it. */
static bool remove_left_behind(const char *name) {
  struct stat info;
  int fd = bp_io_open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  if (fd < 0) return false;
  bool ours = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid();
  bool removed = ours && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &info) == 0 && info.st_nlink > 0 &&
                 bp_io_now()->unlink(name) == 0;
  (void)bp_io_now()->close(fd);
  return removed;
}

/* ---- making ---- */

/* Where locks do not work nobody can take the file for one that was left behind. */
static int make_named(bp_temporary *t, mode_t mode) {
  struct stat info;
  t->fd = bp_io_open(t->name, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (t->fd < 0) return -1;
  bool taken = flock(t->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (!taken && (fstat(t->fd, &info) != 0 || info.st_nlink > 0)) return 0;
  (void)bp_io_now()->close(t->fd); /* another writer found it before it was locked, and removes it */
  t->fd = -1;
  errno = EEXIST;
  return -1;
}

static int link_to(const bp_temporary *t, const char *name) { return bp_io_now()->link(t->fd, name); }

/* No signal comes between making a name and listing it. mode: of the file to be made; one that is open gets another name. */
static int make_and_list(bp_temporary *t, mode_t mode) {
  sigset_t all, before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = t->fd < 0 ? make_named(t, mode) : link_to(t, t->name), error = errno;
  if (!failed) replace_name(NULL, t->name);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return failed;
}

/* Finds a name that is free, or was left behind. */
static int take_name(bp_temporary *t, const char *target, mode_t mode) {
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (set_name(t, target, attempt) != 0) return -1;
    if (make_and_list(t, mode) == 0) return 0;
    if (errno != EEXIST) break;
    if (remove_left_behind(t->name) && make_and_list(t, mode) == 0) return 0;
    errno = EEXIST;
  }
  t->name[0] = '\0';
  return -1;
}

/* A file without a name is of use when it can be given one later: by its entry in /proc. */
static int open_unnamed(const char *target, mode_t mode) {
#if defined(O_TMPFILE)
  char folder[PATH_MAX], entry[DESCRIPTOR_PATH];
  struct stat info;
  size_t length = folder_length(target);
  if (length >= sizeof folder) return -1;
  memcpy(folder, length > 0 ? target : ".", length > 0 ? length : 1);
  folder[length > 0 ? length : 1] = '\0';
  int fd = bp_io_open(folder, O_TMPFILE | O_RDWR, mode);
  if (fd < 0) return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 && stat(bp_io_entry(fd, entry, sizeof entry), &info) == 0) return fd;
  (void)bp_io_now()->close(fd);
#else
  (void)target, (void)mode;
#endif
  return -1;
}

int bp_temporary_open(bp_temporary *t, const char *target, bool secret) {
  mode_t mode = secret ? 0600 : 0666;
  t->name[0] = '\0';
  t->fd = open_unnamed(target, mode);
  return t->fd >= 0 ? 0 : take_name(t, target, mode);
}

/* ---- ending ---- */

static void forget_name(bp_temporary *t) {
  replace_name(t->name, NULL);
  t->name[0] = '\0';
}

static void remove_name(bp_temporary *t) {
  if (t->name[0] == '\0') return;
  (void)bp_io_now()->unlink(t->name);
  forget_name(t);
}

static int copy_all(int from, int to) {
  char piece[1 << 14];
  ssize_t got;
  if (lseek(from, 0, SEEK_SET) != 0) return -1;
  while ((got = bp_io_read(from, piece, sizeof piece)) > 0)
    if (bp_io_write_all(to, piece, (size_t)got) != 0) return -1;
  return got < 0 ? -1 : bp_io_fsync(to);
}

/* Where a file can be made without a name but not get one, its bytes go to one that has a name. */
static int copy_to_named(bp_temporary *t, const char *target) {
  struct stat info;
  int from = t->fd;
  t->fd = -1;
  bool made = fstat(from, &info) == 0 && take_name(t, target, 0600) == 0;
  int failed = made ? copy_all(from, t->fd) : -1;
  if (!failed) (void)!fchown(t->fd, info.st_uid, info.st_gid);
  if (!failed) failed = fchmod(t->fd, info.st_mode & 0777);
  int error = errno;
  (void)bp_io_now()->close(from);
  errno = error;
  return failed;
}

/* A link never replaces: where a file is there already, the temporary gets a name first. */
static int give_name(bp_temporary *t, const char *target) {
  if (take_name(t, target, 0) == 0) return 0;
  return errno == EPERM || errno == ENOSYS || errno == EOPNOTSUPP || errno == EXDEV || errno == ENOENT
             ? copy_to_named(t, target)
             : -1;
}

int bp_temporary_publish(bp_temporary *t, const char *target) {
  if (t->name[0] == '\0') {
    if (link_to(t, target) == 0) return 0;
    if (give_name(t, target) != 0) return -1;
  }
  if (bp_io_now()->rename(t->name, target) == 0) {
    forget_name(t);
    return 0;
  }
  int error = errno;
  remove_name(t);
  errno = error;
  return -1;
}

void bp_temporary_discard(bp_temporary *t) {
  remove_name(t);
  if (t->fd >= 0) (void)bp_io_now()->close(t->fd);
  t->fd = -1;
}
