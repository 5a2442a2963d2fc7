/* cli/file_out.c - predictions and logs: as the library does with models, a file appears whole or not at all. */
#include "file_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"

bool cli_is_stdout(const char *path) {
  static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!path || strcmp(path, names[i]) == 0) return true;
  return false;
}

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

/* The only sure way to know whether a file can be written is to begin it. */
static int try_file(bp_context *context, const char *option, const char *path) {
  bp_writer *writer;
  bp_status status = bp_writer_open(context, path, &writer);
  if (status == BP_OK) {
    bp_writer_cancel(writer);
    return CLI_DONE;
  }
  const char *message = bp_error_message(context);
  if (status == BP_E_NOMEM) return cli_fail_with(context, status);
  if (strncmp(message, path, strlen(path)) == 0 && message[strlen(path)] == ':') message += strlen(path) + 2;
  return cli_fail(CLI_IO, "%s %s: cannot write there: %s", option, path, message);
}

int cli_check_output(bp_context *context, const char *option, const char *path, const char *const *inputs,
                     int n_inputs) {
  struct stat info;
  if (cli_is_stdout(path)) return CLI_DONE;
  for (int i = 0; i < n_inputs; i++)
    if (inputs[i] && same_path(path, inputs[i]))
      return cli_fail(CLI_USAGE, "%s %s would overwrite %s, which is read or written too; choose another name", option,
                      path, inputs[i]);
  if (stat(path, &info) != 0)
    return errno == ENOENT ? try_file(context, option, path)
                           : cli_fail(CLI_IO, "%s %s: %s", option, path, strerror(errno));
  if (S_ISDIR(info.st_mode)) return cli_fail(CLI_IO, "%s %s: is a folder; expected the name of a file", option, path);
  if (access(path, W_OK) != 0) return cli_fail(CLI_IO, "%s %s: cannot write: %s", option, path, strerror(errno));
  return S_ISREG(info.st_mode) ? try_file(context, option, path) : CLI_DONE;
}

int cli_hold_descriptor(void) { return cli_open("/dev/null", O_RDONLY); }

/* ---- writing ---- */

static int fail_to(const cli_out *out, const char *what, int error) {
  return cli_fail(CLI_IO, "%s: cannot %s: %s", out->path ? out->path : "standard output", what, strerror(error));
}

static bool open_stdout(cli_out *out, const char *path) {
  memset(out, 0, offsetof(cli_out, own));
  out->path = path;
  if (!cli_is_stdout(path)) return false;
  out->path = NULL;
  out->to = &cli_stdout;
  return true;
}

int cli_out_open_log(cli_out *out, const char *path) {
  if (open_stdout(out, path)) return CLI_DONE;
  int fd = cli_open(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (fd < 0) return fail_to(out, "open it for writing", errno);
  out->to = &out->own;
  cli_stream_begin(out->to, fd, NULL);
  return CLI_DONE;
}

int cli_out_open(cli_out *out, bp_context *context, const char *path) {
  bp_writer *writer;
  if (open_stdout(out, path)) return CLI_DONE;
  out->context = context;
  bp_status status = bp_writer_open(context, path, &writer);
  if (status != BP_OK) return cli_fail_with(context, status);
  out->to = &out->own;
  cli_stream_begin(out->to, -1, writer);
  return CLI_DONE;
}

static int close_descriptor(const cli_out *out, int status) {
  int error = out->to->error;
  if (out->path && close(out->to->fd) != 0 && errno != EINTR && !error) error = errno;
  return status == CLI_DONE && error ? fail_to(out, "write", error) : status;
}

int cli_out_close(cli_out *out, int status) {
  cli_flush(out->to);
  bp_writer *writer = out->to->writer;
  if (!writer) return close_descriptor(out, status);
  if (status == CLI_DONE) {
    bp_status done = bp_writer_commit(writer);
    return done == BP_OK ? CLI_DONE : cli_fail_with(out->context, done);
  }
  bp_writer_cancel(writer);
  return status;
}
