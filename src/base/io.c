/* base/io.c - system calls with patience. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The largest piece given to one read or write: below the limits of every system. */
enum { PIECE = 1 << 30 };

static int system_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

static int system_link(int fd, const char *to) {
  char entry[32];
  return linkat(AT_FDCWD, bp_io_entry(fd, entry, sizeof entry), AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

const bp_io bp_io_system = {
    .open = system_open,
    .read = read,
    .write = write,
    .fsync = fsync,
    .close = close,
    .rename = rename,
    .link = system_link,
    .unlink = unlink,
};

static const bp_io *replaced;

const bp_io *bp_io_now(void) { return replaced ? replaced : &bp_io_system; }

void bp_io_set_for_test(const bp_io *io) { replaced = io; }

/* Whether a call that failed with errno should be made again. */
static int again(int fd, short events) {
  if (errno == EINTR) return 1;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return 0;
  struct pollfd wait = {.fd = fd, .events = events};
  return poll(&wait, 1, -1) > 0 || errno == EINTR;
}

int bp_io_open(const char *path, int flags, mode_t mode) {
  int fd;
  do fd = bp_io_now()->open(path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

ssize_t bp_io_read(int fd, void *data, size_t size) {
  ssize_t got;
  do got = bp_io_now()->read(fd, data, size < PIECE ? size : PIECE);
  while (got < 0 && again(fd, POLLIN));
  return got;
}

int bp_io_write_all(int fd, const void *data, size_t size) {
  const char *next = data;
  while (size > 0) {
    ssize_t put = bp_io_now()->write(fd, next, size < PIECE ? size : PIECE);
    if (put < 0 && again(fd, POLLOUT)) continue;
    if (put == 0) errno = ENOSPC; /* no progress and no reason given */
    if (put <= 0) return -1;
    next += put;
    size -= (size_t)put;
  }
  return 0;
}

int bp_io_fsync(int fd) {
  int failed;
  do failed = bp_io_now()->fsync(fd);
  while (failed < 0 && errno == EINTR);
  return failed;
}

const char *bp_io_entry(int fd, char *text, size_t size) {
  (void)snprintf(text, size, "/proc/self/fd/%d", fd);
  return text;
}

const char *bp_io_error_text(int error, char *text, size_t size) {
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
  const char *found = strerror_r(error, text, size); /* this one may point elsewhere */
  if (found != text) (void)snprintf(text, size, "%s", found);
#else
  if (strerror_r(error, text, size) != 0) (void)snprintf(text, size, "error %d", error);
#endif
  return text;
}
