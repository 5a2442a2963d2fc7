/* cli/terminal.c - widths of text, and lines that wrap at words. What C says of widths (wcwidth) hangs on the locale; a table does not. */
#include "terminal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- the terminal ---- */

bool cli_is_terminal(const cli_stream *stream) {
  const char *kind = getenv("TERM");
  return isatty(stream->fd) && kind && strcmp(kind, "dumb") != 0;
}

int cli_terminal_columns(const cli_stream *stream) {
  struct winsize size;
  if (ioctl(stream->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char *columns = getenv("COLUMNS");
  long number = columns ? strtol(columns, NULL, 10) : 0;
  return number > 0 && number < 10000 ? (int)number : 80;
}

int cli_line_width(const cli_stream *stream) {
  enum { USUAL = 80, WIDEST = 100 };
  int columns = isatty(stream->fd) ? cli_terminal_columns(stream) : USUAL;
  return columns < WIDEST ? columns : WIDEST;
}

bool cli_has_colour(const cli_stream *stream) {
  const char *no_colour = getenv("NO_COLOR");
  return cli_is_terminal(stream) && !(no_colour && no_colour[0]);
}

/* ---- the width of text ---- */

typedef struct range {
  uint32_t first, last;
} range;

/* Marks that stand on the character before them, and characters that show nothing. */
static const range no_columns[] = {
    {0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},   {0x64B, 0x65F},
    {0x6D6, 0x6DC},   {0x900, 0x902},   {0x93C, 0x93C},   {0x941, 0x948},   {0x94D, 0x94D},
    {0xE31, 0xE31},   {0xE34, 0xE3A},   {0xE47, 0xE4E},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
};

/* East Asian wide and full-width characters, and emoji. */
static const range two_columns[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
    {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

static bool is_in(uint32_t c, const range *ranges, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (c >= ranges[i].first && c <= ranges[i].last) return true;
  return false;
}

static int columns_of(uint32_t c) {
  if (c < no_columns[0].first) return 1;
  if (is_in(c, no_columns, sizeof no_columns / sizeof *no_columns)) return 0;
  return is_in(c, two_columns, sizeof two_columns / sizeof *two_columns) ? 2 : 1;
}

/* The character at *text, which moves behind it. A byte that begins none counts as one. */
static uint32_t next_character(const char **text) {
  uint32_t c = (unsigned char)*(*text)++;
  int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0; /* bytes that belong to it */
  if (more > 0) c &= 0x3Fu >> more;
  for (; more > 0 && ((unsigned char)**text & 0xC0) == 0x80; more--) c = c << 6 | ((unsigned char)*(*text)++ & 0x3F);
  return c;
}

int cli_width(const char *text) {
  int width = 0;
  while (*text) width += columns_of(next_character(&text));
  return width;
}

/* ---- lines that wrap ---- */

/* Bytes of the longest beginning of a line that fits in `columns` and ends in front of a blank, or with the line; of a first word that is
 * too long, that word. */
static size_t fitting(const char *line, int columns) {
  size_t best = 0;
  int width = 0;
  bool in_text = false; /* blanks in front are no place to break */
  for (const char *at = line; *at;) {
    if (*at == ' ' && in_text) best = (size_t)(at - line);
    in_text |= *at != ' ';
    width += columns_of(next_character(&at));
    if (width > columns && best > 0) return best;
    if (width > columns && in_text) return strcspn(at, " ") + (size_t)(at - line);
  }
  return strlen(line);
}

void cli_put_line(cli_stream *stream, int indent, const char *line) {
  enum { LEAST_ROOM = 20 };
  int columns = cli_terminal_columns(stream) - 1; /* a terminal may go on by itself behind the last one */
  bool wraps = isatty(stream->fd) != 0;
  if (indent > columns - LEAST_ROOM) indent = columns / 4;
  while (wraps) {
    size_t size = fitting(line, columns);
    const char *rest = line + size + strspn(line + size, " ");
    cli_put(stream, "%.*s\n", (int)size, line);
    if (!*rest) return;
    cli_put(stream, "%*s", indent, "");
    columns = cli_terminal_columns(stream) - 1 - indent;
    line = rest;
  }
  cli_put(stream, "%s\n", line);
}
