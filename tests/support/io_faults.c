/* support/io_faults.c - a table of system calls (base/io.h) that fail on demand, and the sweep over it. */
#include "support/io_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/io.h"
#include "support/testing.h"

typedef enum fault { FAULT_EIO, FAULT_ENOSPC, FAULT_EINTR, FAULT_SHORT, FAULT_COUNT } fault;
static const char *const fault_names[FAULT_COUNT] = {"EIO", "ENOSPC", "EINTR", "a short transfer"};

enum { MOST_FAILURES = 100000 };

/* The table has no user pointer, so this is the state of the one sweep that runs. */
static struct {
  fault kind;
  size_t calls, fail_at;
  bool failed;
  bool named_only; /* temporaries must have names */
  int open_files;
} now;

/* Whether this call is the one. */
static bool is_due(void) {
  if (now.calls++ != now.fail_at) return false;
  now.failed = true;
  return true;
}

static int set_errno(void) {
  static const int codes[FAULT_COUNT] = {EIO, ENOSPC, EINTR, 0};
  errno = codes[now.kind];
  return -1;
}

static bool fails(void) { return now.kind != FAULT_SHORT && is_due(); }

/* A file system that has no files without names is no failure. */
static bool is_unnamed(int flags) {
#ifdef O_TMPFILE
  return (flags & O_TMPFILE) == O_TMPFILE;
#else
  (void)flags;
  return false;
#endif
}

static int faulty_open(const char *path, int flags, mode_t mode) {
  if (now.named_only && is_unnamed(flags)) {
    errno = EOPNOTSUPP;
    return -1;
  }
  if (fails()) return set_errno();
  int fd = bp_io_system.open(path, flags, mode);
  if (fd >= 0) now.open_files++;
  return fd;
}

static size_t shortened(size_t size) { return now.kind == FAULT_SHORT && size > 1 && is_due() ? (size + 1) / 2 : size; }

static ssize_t faulty_read(int fd, void *data, size_t size) {
  if (fails()) return set_errno();
  return bp_io_system.read(fd, data, shortened(size));
}

static ssize_t faulty_write(int fd, const void *data, size_t size) {
  if (fails()) return set_errno();
  return bp_io_system.write(fd, data, shortened(size));
}

static int faulty_fsync(int fd) { return fails() ? set_errno() : bp_io_system.fsync(fd); }

/* The descriptor is gone even when closing fails. */
static int faulty_close(int fd) {
  int result = bp_io_system.close(fd);
  if (result == 0) now.open_files--;
  return fails() ? set_errno() : result;
}

static int faulty_rename(const char *from, const char *to) {
  bool due = (now.kind == FAULT_EIO || now.kind == FAULT_ENOSPC) && is_due();
  return due ? set_errno() : bp_io_system.rename(from, to);
}

static int faulty_link(int fd, const char *to) {
  bool due = (now.kind == FAULT_EIO || now.kind == FAULT_ENOSPC) && is_due();
  return due ? set_errno() : bp_io_system.link(fd, to);
}

static const bp_io faulty = {
    .open = faulty_open,
    .read = faulty_read,
    .write = faulty_write,
    .fsync = faulty_fsync,
    .close = faulty_close,
    .rename = faulty_rename,
    .link = faulty_link,
    .unlink = unlink, /* only cleans up after another failure */
};

static void require(bool good, const char *what, const bp_context *ctx, const char *file, int line) {
  if (good) return;
  print_error("I/O sweep: call %zu met %s: %s; message: \"%s\"\n", now.fail_at, fault_names[now.kind], what,
              bp_error_message(ctx));
  _fail(file, line);
}

static bp_status run_with_faults(bt_job job, bp_context *ctx, void *user) {
  bp_io_set_for_test(&faulty);
  bp_status status = job(ctx, user);
  bp_io_set_for_test(NULL);
  return status;
}

/* One round; whether a call was left to fail. */
static bool fail_nth(bt_job job, bt_io_check check, void *user, const char *file, int line) {
  bt_alloc_state memory;
  bp_context *ctx;
  bt_alloc_init(&memory);
  const bp_context_options options = {.size = sizeof options, .alloc = bt_alloc_hook, .alloc_user = &memory};
  assert_int_equal(bp_context_new(&options, &ctx), BP_OK);
  now.failed = false;
  now.calls = 0;
  now.open_files = 0;
  bp_status status = run_with_faults(job, ctx, user);
  bool may_fail = now.failed && (now.kind == FAULT_EIO || now.kind == FAULT_ENOSPC);
  require(status == BP_OK || (may_fail && status == BP_E_IO), bp_status_name(status), ctx, file, line);
  require(status == BP_OK || *bp_error_message(ctx), "no message", ctx, file, line);
  require(now.open_files == 0, "a descriptor was lost", ctx, file, line);
  if (check) check(status, user);
  bp_context_free(ctx);
  require(!bt_alloc_report(&memory), "memory was lost or damaged", NULL, file, line);
  return now.failed;
}

size_t bt_io_sweep_at(bt_job job, bt_io_check check, void *user, const char *file, int line) {
  size_t failures = 0;
  for (int round = 0; round < 2 * FAULT_COUNT; round++) {
    now.kind = (fault)(round / 2);
    now.named_only = round % 2 != 0;
    for (now.fail_at = 0; fail_nth(job, check, user, file, line); now.fail_at++)
      require(++failures < MOST_FAILURES, "this has no end", NULL, file, line);
  }
  return failures;
}
