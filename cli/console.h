/* cli/console.h - standard output, standard error, and the exit status: everything the command says goes through here. */
#ifndef BACKPROP_CLI_CONSOLE_H
#define BACKPROP_CLI_CONSOLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "backprop/context.h"
#include "stream.h"
#include "terminal.h"

/* What the command promises to exit with (docs and CLI help list the same). */
enum {
  CLI_DONE = 0,
  CLI_CHECK_FAILED = 1,
  CLI_USAGE = 2,
  CLI_BAD_DATA = 3,
  CLI_BAD_MODEL = 4,
  CLI_IO = 5,
  CLI_DIVERGED = 6,
  CLI_NO_MEMORY = 7,
  CLI_SIGNAL = 128
};

/* The exit status that belongs to a status of the library. */
int cli_exit_status(bp_status status);

/* Bytes of a foreign text that a message shows at most, so that there is room for what to do. */
enum { CLI_SHOWN = 200 };

/* One line on standard error, `backprop: …`, cleaned by bp_text_clean(); it wraps on a terminal, as all of these do (cli_put_line()).
 * Returns `exit_status`. */
int cli_fail(int exit_status, const char *format, ...) CLI_PRINTF(2, 3);
/* The message of the context's last failure, and its exit status. */
int cli_fail_with(const bp_context *context, bp_status status);
/* One line `backprop: warning: …` on standard error: what may make a result wrong, or should be changed. */
void cli_warn(const char *message);
/* One line `note: …` there: a fact, as what was found or decided. --quiet does without: the caller knows. */
void cli_note(const char *message);

/* Text for people on standard output; a failed write is remembered. Names come from files, so all but the line ends of the format is
 * cleaned by bp_text_clean(). */
void cli_print(const char *format, ...) CLI_PRINTF(1, 2);
/* Text of our own, as it is. */
void cli_print_text(const char *text);
/* From now on lines that cli_print() writes wrap at words on a terminal, and go on `indent` columns from the left; 0: they are as
 * they are, for tables. Call it between lines. */
void cli_wrap_output(int indent);
/* Where cli_print() writes: standard output. */
cli_stream *cli_output(void);
/* Flushes standard output. Returns `exit_status`, or 5 after a message when that was 0 and something could not be written. */
int cli_finish_output(int exit_status);
/* From now on cli_print() writes to standard error: the model itself goes to standard output. */
void cli_print_to_stderr(void);

/* Called before anything is written to standard error, so that a progress bar can make room; NULL: nothing. */
void cli_set_before_message(void (*function)(void));

/* A context whose warnings go to cli_warn(), and its notes to cli_note() unless quiet. max_memory as in bp_context_options. Returns 0 or an exit status. */
int cli_new_context(bool quiet, uint64_t max_memory, bp_context **out);

/* Memory for the command itself: never NULL, exits with 7 and a message when there is none. */
void *cli_alloc(size_t count, size_t size);
char *cli_copy(const char *begin, size_t length);

/* ---- numbers as text ---- */
/* "118,282", into text[size]; returns text. */
const char *cli_thousands(int64_t number, char *text, size_t size);
/* "1 epoch", "1,000 epochs". */
const char *cli_count(int64_t number, const char *noun, char *text, size_t size);
/* The shortest decimal that reads back as `value` (as a float, if it is one); "" for NaN. */
const char *cli_number(double value, char *text, size_t size);
/* The same as a double, whatever it is; finite numbers only. */
const char *cli_exact_number(double value, char *text, size_t size);
/* "0.9340": for people, in at most 6 characters or so; "-" for NaN. */
const char *cli_short_number(double value, char *text, size_t size);
/* "40 ms", "12 s", "3 min 20 s". */
const char *cli_duration(double seconds, char *text, size_t size);

/* ---- did_you_mean.c ---- */
/* The name nearest to `word` if it is near enough to be a slip, else NULL. name(user, i) gives the i-th, NULL at the end. */
const char *cli_suggest(const char *word, size_t length, const char *(*name)(const void *user, int i),
                        const void *user);

#endif
