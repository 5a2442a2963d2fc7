/* base/file_write.c - a file appears whole, or not at all.
 *
 * What is written goes to a temporary in the folder of the target (temporary.h); commit makes it safe on the disk and puts it
 * there. What is there already and is no ordinary file (a device, a pipe) is written to directly, as standard output is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/io.h"
#include "base/temporary.h"

enum { BUFFER = 1 << 16, MOST_LINKS = 40, FIRST_FREE = 3, ERROR_TEXT = 128 };

struct bp_writer {
  bp_context *ctx;
  char *name; /* for messages: as the caller wrote it */
  size_t name_size;
  int fd;       /* written to directly, or the temporary's; -1: none */
  int folder;   /* of the temporary; -1: none */
  bool owns_fd; /* false: standard output */
  bool atomic;  /* there is a temporary */
  int error;    /* errno of the first failed write, 0 while all went well */
  size_t used;
  bp_temporary temporary;
  char target[PATH_MAX]; /* symbolic links followed */
  unsigned char buffer[BUFFER];
};

/* ---- helpers ---- */

static bp_status fail_errno(const bp_writer *w, const char *what, int error) {
  char text[ERROR_TEXT];
  return bp_fail(w->ctx, BP_E_IO, "%s: cannot %s: %s", w->name, what, bp_io_error_text(error, text, sizeof text));
}

static char *copy_string(bp_context *ctx, const char *text, size_t *size) {
  size_t bytes = strlen(text) + 1;
  char *copy = bp_alloc(ctx, bytes, 1);
  if (!copy) return NULL;
  *size = bytes;
  return memcpy(copy, text, bytes);
}

/* Closes what is open, removes what is temporary, frees the rest. */
static void discard(bp_writer *w) {
  bp_allocator allocator = bp_context_allocator(w->ctx);
  if (w->atomic) bp_temporary_discard(&w->temporary);
  if (w->folder >= 0) (void)bp_io_now()->close(w->folder);
  if (!w->atomic && w->owns_fd && w->fd >= 0) (void)bp_io_now()->close(w->fd);
  bp_release(allocator, w->name, w->name_size, 1);
  bp_release(allocator, w, 1, sizeof *w);
}

/* ---- following links ---- */

/* The descriptor that a path names by the system's own word for it; -1: none. */
static int descriptor_of(const char *path) {
  static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
  if (strcmp(path, "/dev/stdout") == 0) return STDOUT_FILENO;
  if (strcmp(path, "/dev/stderr") == 0) return STDERR_FILENO;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    const char *number = path + strlen(folders[i]);
    if (strncmp(path, folders[i], strlen(folders[i])) != 0) continue;
    if (number[0] != '\0' && strspn(number, "0123456789") == strlen(number) && strlen(number) < 6)
      return (int)strtol(number, NULL, 10);
  }
  return -1;
}

/* Replaces a link in path[PATH_MAX] by what it points to; relative links begin in the folder of the link. */
static int step_along(char path[PATH_MAX], const char *to) {
  char *end = strrchr(path, '/');
  end = to[0] != '/' && end ? end + 1 : path;
  size_t length = strlen(to);
  if (length >= (size_t)(path + PATH_MAX - end)) return ENAMETOOLONG;
  memcpy(end, to, length + 1);
  return 0;
}

/* The end of the links that begin at `path`, there or not, or the name of a descriptor. 0, or an errno. */
static int follow_links(const char *path, char target[PATH_MAX]) {
  target[0] = '\0';
  int error = step_along(target, path);
  for (int links = 0; !error && descriptor_of(target) < 0; links++) {
    char to[PATH_MAX];
    ssize_t length = readlink(target, to, sizeof to - 1);
    if (length < 0) return errno == EINVAL || errno == ENOENT ? 0 : errno; /* the end */
    to[length] = '\0';
    error = links < MOST_LINKS ? step_along(target, to) : ELOOP;
  }
  return error;
}

/* ---- opening ---- */

/* The folder of the target, to be synced in the end; where folders cannot be opened there is none. */
static bp_status open_folder(bp_writer *w) {
  char *slash = strrchr(w->target, '/'), last = slash ? slash[1] : '\0';
  if (slash) slash[1] = '\0';
  w->folder = bp_io_open(slash ? w->target : ".", O_RDONLY | O_DIRECTORY, 0);
  int error = errno;
  if (slash) slash[1] = last;
  return w->folder < 0 && error != EACCES ? fail_errno(w, "open its folder", error) : BP_OK;
}

/* All descriptors that the commit needs are had before anything is written: one that opens can be ended. */
static bp_status open_temporary(bp_writer *w, bool secret) {
  if (bp_temporary_open(&w->temporary, w->target, secret) != 0)
    return fail_errno(w, "create a temporary file in its folder", errno);
  w->atomic = true;
  w->fd = w->temporary.fd;
  return open_folder(w);
}

/* Some file systems have no permissions and no owners, and not everybody may give files away: the file is good without. */
static bp_status keep_owner_and_permissions(const bp_writer *w, const struct stat *old) {
  struct stat new;
  if (fstat(w->fd, &new) == 0 && (new.st_uid != old->st_uid || new.st_gid != old->st_gid) &&
      fchown(w->fd, old->st_uid, old->st_gid) != 0)
    (void)!fchown(w->fd, (uid_t)-1, old->st_gid);
  if (fchmod(w->fd, old->st_mode & 0777) == 0 || errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) return BP_OK;
  return fail_errno(w, "keep its permissions", errno);
}

/* An ordinary file that exists. */
static bp_status open_existing(bp_writer *w, const struct stat *old) {
  if (access(w->target, W_OK) != 0) return fail_errno(w, "replace it", errno);
  BP_TRY(open_temporary(w, true));
  return keep_owner_and_permissions(w, old);
}

static bp_status open_directly(bp_writer *w) {
  int descriptor = descriptor_of(w->target);
  w->fd = descriptor < 0 ? bp_io_open(w->target, O_WRONLY, 0) : fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_FREE);
  return w->fd < 0 ? fail_errno(w, "open it for writing", errno) : BP_OK;
}

static bp_status open_path(bp_writer *w, const char *path) {
  struct stat info;
  if (strcmp(path, "-") == 0) {
    w->fd = STDOUT_FILENO;
    w->owns_fd = false;
    return BP_OK;
  }
  if (path[0] == '\0') return bp_fail(w->ctx, BP_E_IO, "cannot write a file: its name is empty");
  int error = follow_links(path, w->target);
  if (error) return fail_errno(w, "follow its links", error);
  if (descriptor_of(w->target) >= 0) return open_directly(w);
  if (stat(w->target, &info) == 0) return S_ISREG(info.st_mode) ? open_existing(w, &info) : open_directly(w);
  if (errno != ENOENT) return fail_errno(w, "look at it", errno);
  return open_temporary(w, false);
}

bp_status bp_writer_open(bp_context *ctx, const char *path, bp_writer **out) {
  bp_writer *w = bp_alloc(ctx, 1, sizeof *w);
  if (!w) return BP_E_NOMEM;
  memset(w, 0, offsetof(bp_writer, temporary));
  w->ctx = ctx;
  w->fd = w->folder = -1;
  w->owns_fd = true;
  w->name = copy_string(ctx, strcmp(path, "-") == 0 ? "standard output" : path, &w->name_size);
  bp_status status = w->name ? open_path(w, path) : BP_E_NOMEM;
  if (status != BP_OK) {
    discard(w);
    return status;
  }
  *out = w;
  return BP_OK;
}

/* ---- writing ---- */

/* After the first failure nothing more is written, and each later call fails the same way. */
static bp_status put(bp_writer *w, const void *data, size_t size) {
  if (w->error == 0 && bp_io_write_all(w->fd, data, size) != 0) w->error = errno;
  return w->error == 0 ? BP_OK : fail_errno(w, "write", w->error);
}

static bp_status flush(bp_writer *w) {
  size_t used = w->used;
  w->used = 0;
  return put(w, w->buffer, used);
}

bp_status bp_writer_write(bp_writer *writer, const void *data, size_t size) {
  if (size > sizeof writer->buffer - writer->used) {
    BP_TRY(flush(writer));
    if (size >= sizeof writer->buffer) return put(writer, data, size);
  }
  if (size > 0) memcpy(writer->buffer + writer->used, data, size);
  writer->used += size;
  return BP_OK;
}

/* ---- commit ---- */

/* The new file is in its place already: a folder that cannot be synced is worth a warning, and no more. */
static void sync_folder(const bp_writer *w) {
  if (w->folder >= 0 && bp_io_fsync(w->folder) != 0 && errno != EINVAL)
    bp_warn(w->ctx, "%s: written, but its folder could not be synced: a power failure may undo it", w->name);
}

/* What a failing close could tell is known when the file was brought to the disk. */
static bp_status publish(bp_writer *w) {
  if (bp_io_fsync(w->fd) != 0) return fail_errno(w, "bring it to the disk", errno);
  if (bp_temporary_publish(&w->temporary, w->target) != 0) return fail_errno(w, "put the new file in its place", errno);
  sync_folder(w);
  return BP_OK;
}

static bp_status close_directly(bp_writer *w) {
  int fd = w->fd;
  w->fd = -1;
  if (!w->owns_fd) return BP_OK;
  return bp_io_now()->close(fd) == 0 || errno == EINTR ? BP_OK : fail_errno(w, "close", errno);
}

bp_status bp_writer_commit(bp_writer *writer) {
  bp_status status = flush(writer);
  if (status == BP_OK) status = writer->atomic ? publish(writer) : close_directly(writer);
  discard(writer);
  return status;
}

void bp_writer_cancel(bp_writer *writer) {
  if (writer) discard(writer);
}
