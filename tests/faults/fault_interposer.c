/* faults/fault_interposer.c - stands before the C library of a command and lets calls fail as a plan says. 64-bit Linux with glibc only.
 *
 * What fails has no effect, but for close: the descriptor is gone. Writes to standard error are left alone: the sweep reads them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault_plan.h"

#define REPLACES __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

typedef int (*create_fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
typedef FILE *(*fopen_fn)(const char *, const char *);

static fault_plan *plan; /* NULL until the command itself begins */
static create_fn real_create;
static fopen_fn real_fopen;

__attribute__((constructor)) static void find_plan(void) {
  *(void **)&real_create = dlsym(RTLD_NEXT, "pthread_create");
  *(void **)&real_fopen = dlsym(RTLD_NEXT, "fopen");
  void *page = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, FAULT_PLAN_FD, 0);
  void *warm[1];
  if (page == MAP_FAILED) return;
  if (((fault_plan *)page)->shows) (void)backtrace(warm, 1); /* loads what it needs now */
  plan = page;
}

static void show_stack(void) {
  void *stack[40];
  fault_plan *kept = plan;
  plan = NULL;
  backtrace_symbols_fd(stack, backtrace(stack, 40), STDERR_FILENO);
  plan = kept;
}

static bool is_due(fault_family family) {
  if (!plan || plan->family != (int)family) return false;
  long call = atomic_fetch_add(&plan->calls, 1) + 1;
  if (plan->at == 0 || call < plan->at || (call > plan->at && !plan->from_on)) return false;
  if (atomic_fetch_add(&plan->failed, 1) == 0 && plan->shows) show_stack();
  return true;
}

static bool fails(fault_family family) {
  if (!is_due(family)) return false;
  errno = plan->error;
  return true;
}

/* Whether a transfer fails; if it only comes short, *size is less. */
static bool transfer_fails(fault_family family, size_t *size) {
  if (!is_due(family)) return false;
  if (plan->error) {
    errno = plan->error;
    return true;
  }
  *size = (*size + 1) / 2;
  return false;
}

/* ---- memory ---- */

REPLACES void *malloc(size_t size) { return fails(FAULT_MEMORY) ? NULL : __libc_malloc(size); }
REPLACES void *calloc(size_t count, size_t size) { return fails(FAULT_MEMORY) ? NULL : __libc_calloc(count, size); }
REPLACES void *realloc(void *block, size_t size) { return fails(FAULT_MEMORY) ? NULL : __libc_realloc(block, size); }
REPLACES void *aligned_alloc(size_t alignment, size_t size) {
  return fails(FAULT_MEMORY) ? NULL : __libc_memalign(alignment, size);
}
REPLACES int posix_memalign(void **out, size_t alignment, size_t size) {
  void *block = fails(FAULT_MEMORY) ? NULL : __libc_memalign(alignment, size);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}

REPLACES void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
  if (fails(FAULT_MMAP)) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

/* ---- files ---- */

static mode_t mode_of(int flags, va_list arguments) {
  bool given = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
  return given ? va_arg(arguments, mode_t) : 0;
}

REPLACES int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return fails(FAULT_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

REPLACES int openat(int folder, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return fails(FAULT_OPEN) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

REPLACES FILE *fopen(const char *path, const char *mode) { return fails(FAULT_OPEN) ? NULL : real_fopen(path, mode); }

REPLACES ssize_t read(int fd, void *data, size_t size) {
  return transfer_fails(FAULT_READ, &size) ? -1 : syscall(SYS_read, fd, data, size);
}
REPLACES ssize_t pread(int fd, void *data, size_t size, off_t offset) {
  return transfer_fails(FAULT_READ, &size) ? -1 : syscall(SYS_pread64, fd, data, size, offset);
}
REPLACES ssize_t write(int fd, const void *data, size_t size) {
  return fd != STDERR_FILENO && transfer_fails(FAULT_WRITE, &size) ? -1 : syscall(SYS_write, fd, data, size);
}
REPLACES ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  return transfer_fails(FAULT_WRITE, &size) ? -1 : syscall(SYS_pwrite64, fd, data, size, offset);
}
REPLACES int fsync(int fd) { return fails(FAULT_FSYNC) ? -1 : (int)syscall(SYS_fsync, fd); }
REPLACES int close(int fd) {
  int result = (int)syscall(SYS_close, fd);
  return fails(FAULT_CLOSE) ? -1 : result;
}
REPLACES int rename(const char *from, const char *to) {
  return fails(FAULT_RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
REPLACES int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  return fails(FAULT_RENAME) ? -1 : (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

/* ---- what files are ---- */

REPLACES int stat(const char *path, struct stat *info) {
  return fails(FAULT_STAT) ? -1 : fstatat(AT_FDCWD, path, info, 0);
}
REPLACES int fstat(int fd, struct stat *info) { return fails(FAULT_STAT) ? -1 : fstatat(fd, "", info, AT_EMPTY_PATH); }
REPLACES int lstat(const char *path, struct stat *info) {
  return fails(FAULT_STAT) ? -1 : fstatat(AT_FDCWD, path, info, AT_SYMLINK_NOFOLLOW);
}
REPLACES int access(const char *path, int mode) { return fails(FAULT_STAT) ? -1 : faccessat(AT_FDCWD, path, mode, 0); }
REPLACES ssize_t readlink(const char *path, char *data, size_t size) {
  return fails(FAULT_STAT) ? -1 : readlinkat(AT_FDCWD, path, data, size);
}

REPLACES int flock(int fd, int operation) { return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_flock, fd, operation); }
REPLACES int fchmod(int fd, mode_t mode) { return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_fchmod, fd, mode); }

/* ---- descriptors and threads ---- */

REPLACES int dup(int fd) { return fails(FAULT_DUP) ? -1 : (int)syscall(SYS_dup, fd); }
REPLACES int dup2(int from, int to) { return fails(FAULT_DUP) ? -1 : (int)syscall(SYS_dup3, from, to, 0); }
REPLACES int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  long argument = va_arg(arguments, long);
  va_end(arguments);
  bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  return duplicates && fails(FAULT_DUP) ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}

REPLACES int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *user) {
  return fails(FAULT_THREAD) ? errno : real_create(thread, attributes, start, user);
}
