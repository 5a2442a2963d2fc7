/* cli/file_out.c - predictions and logs: as the library does with models, a file appears whole or not at all. */
#include "file_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"

static bool is_stdio(const char *path) { return !path || strcmp(path, "-") == 0; }

/* ---- before work begins ---- */

static bool same_inode(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Length of the folder part of a path, its last '/' included; 0 when there is none. */
static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The same file, or the same name in the same folder: the file need not be there yet. */
static bool same_path(const char *a, const char *b) {
  size_t n = folder_length(a), m = folder_length(b);
  if (strcmp(a, b) == 0 || same_inode(a, b)) return true;
  if (strcmp(a + n, b + m) != 0) return false;
  char *x = n ? cli_copy(a, n) : cli_copy(".", 1), *y = m ? cli_copy(b, m) : cli_copy(".", 1);
  bool same = same_inode(x, y);
  free(x);
  free(y);
  return same;
}

/* NEW "folder/.backprop-PID.tmp" beside a path. */
static char *temporary_beside(const char *path) {
  size_t folder = folder_length(path), size = folder + 48;
  char *name = cli_alloc(size, 1);
  (void)snprintf(name, size, "%.*s.backprop-out-%ld.tmp", (int)folder, path, (long)getpid());
  return name;
}

/* The only sure way to know whether a folder takes a file is to make one. */
static int try_folder(const char *option, const char *path) {
  char *name = temporary_beside(path);
  int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error = errno;
  if (fd >= 0) {
    (void)close(fd);
    (void)unlink(name);
  }
  free(name);
  if (fd >= 0) return CLI_DONE;
  return cli_fail(CLI_IO, "%s %s: cannot write there: %s", option, path, strerror(error));
}

int cli_check_output(const char *option, const char *path, const char *const *inputs, int n_inputs) {
  struct stat info;
  if (is_stdio(path)) return CLI_DONE;
  for (int i = 0; i < n_inputs; i++)
    if (inputs[i] && same_path(path, inputs[i]))
      return cli_fail(CLI_USAGE, "%s %s would overwrite %s, which is read or written too; choose another name", option,
                      path, inputs[i]);
  if (stat(path, &info) != 0)
    return errno == ENOENT ? try_folder(option, path) : cli_fail(CLI_IO, "%s %s: %s", option, path, strerror(errno));
  if (S_ISDIR(info.st_mode)) return cli_fail(CLI_IO, "%s %s: is a folder; expected the name of a file", option, path);
  if (access(path, W_OK) != 0) return cli_fail(CLI_IO, "%s %s: cannot write: %s", option, path, strerror(errno));
  return S_ISREG(info.st_mode) ? try_folder(option, path) : CLI_DONE;
}

bool cli_same_file(FILE *a, FILE *b) {
  struct stat x, y;
  return fstat(fileno(a), &x) == 0 && fstat(fileno(b), &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* ---- writing ---- */

static int fail_to(const cli_out *out, const char *what, int error) {
  return cli_fail(CLI_IO, "%s: cannot %s: %s", out->path ? out->path : "standard output", what, strerror(error));
}

/* A file of the target's permissions, or of the usual ones. */
static int open_temporary(cli_out *out, mode_t mode) {
  out->temporary = temporary_beside(out->target);
  int fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    int error = errno;
    free(out->temporary);
    out->temporary = NULL;
    return fail_to(out, "create a temporary file in its folder", error);
  }
  if (mode) (void)fchmod(fd, mode & 0777);
  out->file = fdopen(fd, "wb");
  return out->file ? CLI_DONE : fail_to(out, "open it", errno);
}

int cli_out_open_log(cli_out *out, const char *path) {
  memset(out, 0, sizeof *out);
  out->path = is_stdio(path) ? NULL : path;
  out->file = out->path ? fopen(path, "wb") : stdout;
  return out->file ? CLI_DONE : fail_to(out, "open it for writing", errno);
}

int cli_out_open(cli_out *out, const char *path) {
  struct stat info;
  bool exists = !is_stdio(path) && stat(path, &info) == 0;
  if (is_stdio(path) || (exists && !S_ISREG(info.st_mode))) return cli_out_open_log(out, path);
  memset(out, 0, sizeof *out);
  out->path = path;
  out->target = exists ? realpath(path, NULL) : cli_copy(path, strlen(path));
  if (!out->target) return fail_to(out, "follow its links", errno);
  return open_temporary(out, exists ? info.st_mode : 0);
}

void cli_out_flush(cli_out *out) {
  errno = 0;
  if ((fflush(out->file) != 0 || ferror(out->file)) && out->error == 0) out->error = errno ? errno : EIO;
}

static int finish(cli_out *out) {
  cli_out_flush(out);
  if (out->error) return fail_to(out, "write", out->error);
  if (out->target && fsync(fileno(out->file)) != 0) return fail_to(out, "bring it to the disk", errno);
  if (!out->path) return CLI_DONE;
  int failed = fclose(out->file);
  out->file = NULL;
  if (failed) return fail_to(out, "close", errno);
  if (out->target && rename(out->temporary, out->target) != 0) return fail_to(out, "rename its temporary file", errno);
  return CLI_DONE;
}

int cli_out_close(cli_out *out, int status) {
  if (status == CLI_DONE) status = finish(out);
  if (out->path && out->file) (void)fclose(out->file);
  if (status != CLI_DONE && out->temporary) (void)unlink(out->temporary);
  free(out->temporary);
  free(out->target);
  memset(out, 0, sizeof *out);
  return status;
}
