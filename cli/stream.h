/* cli/stream.h - text on its way out: a buffer before an open descriptor, or before a file that appears whole (file_out.h). */
#ifndef BACKPROP_CLI_STREAM_H
#define BACKPROP_CLI_STREAM_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "backprop/writer.h"

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args)
#endif

enum { CLI_STREAM_BUFFER = 1 << 15 };

/* The first failure is kept; after it nothing more is written. No memory is needed but for pieces longer than the buffer. */
typedef struct cli_stream {
  bp_writer *writer; /* NULL: the descriptor */
  int fd;
  bool by_line;  /* a line is seen as soon as it ends */
  bool may_fail; /* nobody needs to read it: a closed pipe ends nothing */
  int error;     /* errno of the first write that failed, 0: none; a writer tells by itself what it was */
  size_t used;
  char buffer[CLI_STREAM_BUFFER];
} cli_stream;

extern cli_stream cli_stdout, cli_stderr;

void cli_stream_begin(cli_stream *stream, int fd, bp_writer *writer);
void cli_put_bytes(cli_stream *stream, const char *text, size_t size);
void cli_put_char(cli_stream *stream, char c);
void cli_put_text(cli_stream *stream, const char *text);
void cli_put(cli_stream *stream, const char *format, ...) CLI_PRINTF(2, 3);
void cli_put_list(cli_stream *stream, const char *format, va_list arguments) CLI_PRINTF(2, 0);
/* What was put so far is to be seen. */
void cli_flush(cli_stream *stream);

/* Calls of the system that a signal does not disturb. -1 and errno, or what they give. */
int cli_open(const char *path, int flags);
/* Reads until `size` bytes are there, or the end. */
ptrdiff_t cli_read(int fd, char *data, size_t size);

#endif
