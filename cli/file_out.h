/* cli/file_out.h - files that the command writes, and what may not be overwritten. */
#ifndef BACKPROP_CLI_FILE_OUT_H
#define BACKPROP_CLI_FILE_OUT_H
#include <stdbool.h>
#include <stdio.h>

/* Refuses, before work begins, a file that cannot be written: its folder must exist and take new files, and it must not be
 * one of the `inputs` (NULL: none; under another name neither). `option` is for the message: "--out". Returns 0 or an exit
 * status after a message. "-" is always fine. */
int cli_check_output(const char *option, const char *path, const char *const *inputs, int n_inputs);

/* Whether two open files are the same: a terminal, a file, a pipe. */
bool cli_same_file(FILE *a, FILE *b);

/* A file that appears whole or not at all: a temporary beside it until cli_out_close(). "-" and NULL are standard output;
 * what exists and is no ordinary file (a device, a pipe) is written to directly. */
typedef struct cli_out {
  FILE *file;
  const char *path; /* NULL: standard output */
  char *target;     /* links followed; NULL: written to directly */
  char *temporary;
  int error; /* errno of the first write that failed; 0: none */
} cli_out;
int cli_out_open(cli_out *out, const char *path);
/* The same for a log, which is there from its first line on. */
int cli_out_open_log(cli_out *out, const char *path);
/* What was written so far is to be seen; a failure is told by cli_out_close(). */
void cli_out_flush(cli_out *out);
/* Finishes the file when `status` is 0, else removes it. Returns `status`, or an exit status after a message. */
int cli_out_close(cli_out *out, int status);

#endif
