/* cli/config_file.c - options from a file: `name = value` lines, `#` begins a comment line, blank lines are skipped.
 *
 * A name is that of an option without its dashes. What an option may be, and what is said when it is not, is the same
 * as on the command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "options.h"

enum { LIMIT = 1 << 20 };

static const char blanks[] = " \t\r";

/* The text of a file, of standard input for "-", with a NUL after it; owned by the request. name: for messages. */
static int read_text(const char *path, const char *name, cli_request *request, size_t *size) {
  bool standard = strcmp(path, "-") == 0;
  int fd = standard ? STDIN_FILENO : cli_open(path, O_RDONLY);
  if (fd < 0) return cli_fail(CLI_IO, "%s: cannot open the configuration: %s", path, strerror(errno));
  request->config_text = cli_alloc(LIMIT + 1, 1);
  ptrdiff_t got = cli_read(fd, request->config_text, LIMIT + 1);
  int error = got < 0 ? errno : 0;
  if (!standard) (void)close(fd);
  if (error) return cli_fail(CLI_IO, "%s: cannot read the configuration: %s", name, strerror(error));
  *size = (size_t)got;
  if (*size > LIMIT) return cli_fail(CLI_USAGE, "%s: more than 1 MiB is no configuration", name);
  request->config_text[*size] = '\0';
  if (memchr(request->config_text, '\0', *size))
    return cli_fail(CLI_USAGE, "%s: holds a zero byte; expected a text of `name = value` lines", name);
  return CLI_DONE;
}

/* Cuts blanks at both ends. */
static char *trim(char *text, char *end) {
  while (end > text && strchr(blanks, end[-1])) end--;
  *end = '\0';
  return text + strspn(text, blanks);
}

static int apply(cli_request *request, const char *where, char *line) {
  char full[320];
  char *equals = strchr(line, '=');
  if (!equals) return cli_fail(CLI_USAGE, "%s'%.*s' has no '='; expected name = value", where, CLI_SHOWN, line);
  char *value = trim(equals + 1, equals + 1 + strlen(equals + 1));
  char *name = trim(line, equals);
  int id = cli_find_option(request->command, where, name, strlen(name));
  if (id < 0) return CLI_USAGE;
  if (id == CLI_OPTION_config || id == CLI_OPTION_help)
    return cli_fail(CLI_USAGE, "%s%s belongs on the command line, not in a file", where, name);
  if (request->given[id]) return cli_fail(CLI_USAGE, "%s%s is given twice; expected once", where, name);
  request->given[id] = true;
  request->texts[id] = value;
  (void)snprintf(full, sizeof full, "%s%s", where, name);
  return cli_set_option(&request->settings, &cli_options[id], full, value);
}

int cli_read_config(const char *path, cli_request *request) {
  const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
  char where[256];
  size_t size;
  int failed = read_text(path, name, request, &size);
  if (failed) return failed;
  char *line = request->config_text;
  if (strncmp(line, "\xef\xbb\xbf", 3) == 0) line += 3;
  for (int number = 1; line; number++) {
    char *end = strchr(line, '\n'), *next = end ? end + 1 : NULL;
    char *text = trim(line, end ? end : line + strlen(line));
    line = next;
    if (!*text || *text == '#') continue;
    (void)snprintf(where, sizeof where, "%.200s:%d: ", name, number);
    failed = apply(request, where, text);
    if (failed) return failed;
  }
  return CLI_DONE;
}
