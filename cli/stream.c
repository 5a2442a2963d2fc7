/* cli/stream.c - buffers, and writing with patience: what a signal interrupts is done again, what came short is finished. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "signals.h"

cli_stream cli_stdout = {.fd = STDOUT_FILENO};
cli_stream cli_stderr = {.fd = STDERR_FILENO, .by_line = true, .may_fail = true};

void cli_stream_begin(cli_stream *stream, int fd, bp_writer *writer) {
  memset(stream, 0, offsetof(cli_stream, buffer));
  stream->fd = fd;
  stream->writer = writer;
}

/* ---- the system ---- */

/* Whether a call that failed is to be made again. */
static bool again(int fd, short events) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
  struct pollfd wait = {.fd = fd, .events = events};
  return poll(&wait, 1, -1) > 0 || errno == EINTR;
}

int cli_open(const char *path, int flags) {
  int fd;
  do fd = open(path, flags | O_CLOEXEC, 0666);
  while (fd < 0 && errno == EINTR);
  return fd;
}

ptrdiff_t cli_read(int fd, char *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = read(fd, data + done, size - done);
    if (got < 0 && again(fd, POLLIN)) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (ptrdiff_t)done;
}

/* 0, or an errno. */
static int write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t put = write(fd, data, size);
    if (put < 0 && again(fd, POLLOUT)) continue;
    if (put == 0) return ENOSPC; /* no progress and no reason given */
    if (put < 0) return errno;
    data += put;
    size -= (size_t)put;
  }
  return 0;
}

static int write_descriptor(const cli_stream *stream, const char *data, size_t size) {
  cli_closed_pipe_ends(!stream->may_fail);
  int error = write_all(stream->fd, data, size);
  cli_closed_pipe_ends(true);
  if (error == EPIPE && !stream->may_fail) (void)raise(SIGPIPE);
  return error;
}

/* ---- the buffer ---- */

static void put_through(cli_stream *stream, const char *data, size_t size) {
  if (stream->error || size == 0) return;
  if (!stream->writer)
    stream->error = write_descriptor(stream, data, size);
  else if (bp_writer_write(stream->writer, data, size) != BP_OK)
    stream->error = EIO;
}

void cli_flush(cli_stream *stream) {
  size_t used = stream->used;
  stream->used = 0;
  put_through(stream, stream->buffer, used);
}

void cli_put_bytes(cli_stream *stream, const char *text, size_t size) {
  if (size > sizeof stream->buffer - stream->used) cli_flush(stream);
  if (size >= sizeof stream->buffer) {
    put_through(stream, text, size);
    return;
  }
  memcpy(stream->buffer + stream->used, text, size);
  stream->used += size;
  if (stream->by_line && size > 0 && text[size - 1] == '\n') cli_flush(stream);
}

void cli_put_char(cli_stream *stream, char c) { cli_put_bytes(stream, &c, 1); }

void cli_put_text(cli_stream *stream, const char *text) { cli_put_bytes(stream, text, strlen(text)); }

void cli_put_list(cli_stream *stream, const char *format, va_list arguments) {
  char line[2048];
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(line, sizeof line, format, arguments);
  if (length < 0) {
    if (!stream->error) stream->error = errno;
  } else if ((size_t)length < sizeof line) {
    cli_put_bytes(stream, line, (size_t)length);
  } else {
    char *text = cli_alloc((size_t)length + 1, 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    cli_put_bytes(stream, text, (size_t)length);
    free(text);
  }
  va_end(again);
}

void cli_put(cli_stream *stream, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cli_put_list(stream, format, arguments);
  va_end(arguments);
}
