/* base/file_write.c - a file appears whole, or not at all.
 *
 * What is written goes to a temporary in the folder of the target; commit makes it safe on the disk and renames it.
 * A symbolic link is followed: its target is replaced, not the link. What is there already and is no ordinary file
 * (a device, a pipe) is written to directly, as standard output is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/io.h"

enum { BUFFER = 1 << 16, ATTEMPTS = 100, TEMPORARY_NAME = 64, ERROR_TEXT = 128 };

struct bp_writer {
  bp_context *ctx;
  char *name;      /* for messages: as the caller wrote it */
  char *target;    /* symbolic links followed; NULL: written to directly */
  char *temporary; /* in the same folder; target's length + TEMPORARY_NAME bytes */
  size_t name_size, target_size;
  int fd;       /* -1: none */
  bool owns_fd; /* false: standard output */
  int error;    /* errno of the first failed write, 0 while all went well */
  size_t used;
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

static size_t temporary_size(const bp_writer *w) { return w->target_size + TEMPORARY_NAME; }

/* Closes what is open, removes what is temporary, frees the rest. */
static void discard(bp_writer *w) {
  bp_allocator allocator = bp_context_allocator(w->ctx);
  if (w->owns_fd && w->fd >= 0) (void)bp_io_now()->close(w->fd);
  if (w->temporary && w->temporary[0]) (void)bp_io_now()->unlink(w->temporary);
  bp_release(allocator, w->temporary, temporary_size(w), 1);
  bp_release(allocator, w->target, w->target_size, 1);
  bp_release(allocator, w->name, w->name_size, 1);
  bp_release(allocator, w, 1, sizeof *w);
}

/* Length of the folder part of a path, its last '/' included; 0 when there is none. */
static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* ---- opening ---- */

static bp_status set_target(bp_writer *w, const char *path) {
  w->target = copy_string(w->ctx, path, &w->target_size);
  if (!w->target) return BP_E_NOMEM;
  w->temporary = bp_calloc(w->ctx, temporary_size(w), 1);
  return w->temporary ? BP_OK : BP_E_NOMEM;
}

/* The temporary's name does not depend on the target's, which may be as long as the system allows. */
static bp_status open_temporary(bp_writer *w) {
  int folder = (int)folder_length(w->target);
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    (void)snprintf(w->temporary, temporary_size(w), "%.*s.backprop-%ld-%d.tmp", folder, w->target, (long)getpid(),
                   attempt);
    w->fd = bp_io_open(w->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (w->fd >= 0) return BP_OK;
    if (errno != EEXIST) break;
  }
  int error = errno;
  w->temporary[0] = '\0';
  return fail_errno(w, "create a temporary file in its folder", error);
}

/* An ordinary file that exists: its links are followed and its permissions kept. */
static bp_status open_existing(bp_writer *w, const char *path, mode_t mode) {
  char resolved[PATH_MAX];
  if (access(path, W_OK) != 0) return fail_errno(w, "replace it", errno);
  if (!realpath(path, resolved)) return fail_errno(w, "follow its links", errno);
  BP_TRY(set_target(w, resolved));
  BP_TRY(open_temporary(w));
  (void)fchmod(w->fd, mode & 0777); /* some file systems have no permissions: the file is good without */
  return BP_OK;
}

static bp_status open_directly(bp_writer *w, const char *path) {
  w->fd = bp_io_open(path, O_WRONLY, 0);
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
  if (stat(path, &info) == 0)
    return S_ISREG(info.st_mode) ? open_existing(w, path, info.st_mode) : open_directly(w, path);
  if (errno != ENOENT) return fail_errno(w, "look at it", errno);
  BP_TRY(set_target(w, path));
  return open_temporary(w);
}

bp_status bp_writer_open(bp_context *ctx, const char *path, bp_writer **out) {
  bp_writer *w = bp_alloc(ctx, 1, sizeof *w);
  if (!w) return BP_E_NOMEM;
  memset(w, 0, offsetof(bp_writer, buffer));
  w->ctx = ctx;
  w->fd = -1;
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

static bp_status close_file(bp_writer *w) {
  int fd = w->fd;
  w->fd = -1;
  if (!w->owns_fd) return BP_OK;
  return bp_io_now()->close(fd) == 0 || errno == EINTR ? BP_OK : fail_errno(w, "close", errno);
}

/* The folder of the target, to be synced; -1 where folders cannot be opened. */
static bp_status open_folder(bp_writer *w, int *fd) {
  size_t length = folder_length(w->target);
  char last = w->target[length];
  w->target[length] = '\0';
  *fd = bp_io_open(length > 0 ? w->target : ".", O_RDONLY | O_DIRECTORY, 0);
  int error = errno;
  w->target[length] = last;
  return *fd < 0 && error != EACCES ? fail_errno(w, "open its folder", error) : BP_OK;
}

/* The new file is in its place already: a folder that cannot be synced is worth a warning, and no more. */
static void sync_folder(bp_writer *w, int fd) {
  if (fd < 0) return;
  if (bp_io_fsync(fd) != 0 && errno != EINVAL)
    bp_warn(w->ctx, "%s: written, but its folder could not be synced: a power failure may undo it", w->name);
  (void)bp_io_now()->close(fd);
}

static bp_status publish(bp_writer *w) {
  int folder;
  if (bp_io_fsync(w->fd) != 0) return fail_errno(w, "bring it to the disk", errno);
  BP_TRY(close_file(w));
  BP_TRY(open_folder(w, &folder));
  if (bp_io_now()->rename(w->temporary, w->target) != 0) {
    int error = errno;
    if (folder >= 0) (void)bp_io_now()->close(folder);
    return fail_errno(w, "rename its temporary file", error);
  }
  w->temporary[0] = '\0';
  sync_folder(w, folder);
  return BP_OK;
}

bp_status bp_writer_commit(bp_writer *writer) {
  bp_status status = flush(writer);
  if (status == BP_OK) status = writer->target ? publish(writer) : close_file(writer);
  discard(writer);
  return status;
}

void bp_writer_cancel(bp_writer *writer) {
  if (writer) discard(writer);
}
