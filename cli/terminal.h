/* cli/terminal.h - what a terminal is and can do, and lines that wrap at words to its width. */
#ifndef BACKPROP_CLI_TERMINAL_H
#define BACKPROP_CLI_TERMINAL_H
#include <stdbool.h>

#include "stream.h"

/* Whether a file is a terminal on which the cursor can be moved; and how many columns it has (80 when it does not tell). */
bool cli_is_terminal(const cli_stream *stream);
int cli_terminal_columns(const cli_stream *stream);
/* Whether it is one, and colours are wanted (NO_COLOR). */
bool cli_has_colour(const cli_stream *stream);

/* Columns that a paragraph may take: 80, on a terminal what it has, but no more than 100, which is as far as one reads with ease. */
int cli_line_width(const cli_stream *stream);

/* Columns that `text` takes on a terminal: of UTF-8, where East Asian characters and emoji take two, and combining marks none. */
int cli_width(const char *text);

/* A line and its end. On a terminal it is broken at blanks where it is wider, and what follows is indented: by `indent` columns, or fewer
 * where too little room would be left. Anywhere else it is one line, whatever its length. */
void cli_put_line(cli_stream *stream, int indent, const char *line);

#endif
