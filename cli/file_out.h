/* cli/file_out.h - files that the command writes, and what may not be overwritten. */
#ifndef BACKPROP_CLI_FILE_OUT_H
#define BACKPROP_CLI_FILE_OUT_H
#include <stdbool.h>

#include "stream.h"

/* Refuses, before work begins, a file that cannot be written: its folder must exist and take new files, and it must not be
 * one of the `inputs` (NULL: none; under another name neither). `option` is for the message: "--out". Returns 0 or an exit
 * status after a message. "-" is always fine. */
int cli_check_output(bp_context *context, const char *option, const char *path, const char *const *inputs,
                     int n_inputs);

/* A descriptor that does nothing but stand for a file opened later, so that what is checked meanwhile finds as many as will be left;
 * -1 when there is none. close() */
int cli_hold_descriptor(void);

/* Whether a path is another name of "-", standard output: "/dev/stdout". */
bool cli_is_stdout(const char *path);

/* A file that appears whole or not at all, by bp_writer, when it is closed. "-" and NULL are standard output. */
typedef struct cli_out {
  cli_stream *to; /* what is written goes here */
  const char *path;
  bp_context *context;
  cli_stream own; /* of all but standard output */
} cli_out;
int cli_out_open(cli_out *out, bp_context *context, const char *path);
/* The same for a log, which is there from its first line on. */
int cli_out_open_log(cli_out *out, const char *path);
/* Finishes the file when `status` is 0, else throws it away, but for what a log holds. Returns `status`, or an exit status after a message. */
int cli_out_close(cli_out *out, int status);

#endif
