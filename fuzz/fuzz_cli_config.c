/* fuzz_cli_config.c - any text as a command line and a configuration file of the command: what is understood can be written down and
 * read again, what is not is one line on standard error.
 *
 * The first byte chooses the command. Then come arguments, a line each, up to an empty line; the rest is the configuration. The sources
 * of cli/ are part of the program (cmake/Tests.cmake).
 *
 * about: cli/config_file.c cli/option cli/did_you_mean.c
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "options.h"
#include "support/fuzzing.h"
#include "support/scratch.h"

enum { ARGUMENTS = 12, TEXT = 4096 };

/* ---- standard error ---- */

static char said[TEXT];

static int heard[2] = {-1, -1}; /* a pipe: what is said is looked at, and does not fill the log */

static void listen(void) {
  if (heard[0] < 0) check(pipe(heard) == 0 && fcntl(heard[0], F_SETFL, O_NONBLOCK) == 0);
  cli_stderr.fd = heard[1];
}

static void stop_listening(void) {
  cli_flush(&cli_stderr);
  cli_stderr.fd = STDERR_FILENO;
  ssize_t size = read(heard[0], said, sizeof said - 1);
  said[size > 0 ? size : 0] = '\0';
}

/* One line, and a newline at its end only. */
static void check_message(bool expected) {
  size_t length = strlen(said);
  check(expected == (length > 0));
  if (length == 0) return;
  check(strncmp(said, "backprop: ", 10) == 0 && strchr(said, '\n') == said + length - 1);
  for (size_t i = 0; i + 1 < length; i++) check((unsigned char)said[i] >= ' ' && said[i] != 0x7f);
}

/* ---- what was understood ---- */

/* A value as it would be written is read as itself; a list may be too long for the text. */
static void write_down(const cli_request *request, const cli_option *option) {
  static char text[TEXT], again[TEXT];
  cli_settings back = request->settings;
  (void)cli_value_text(option, &request->settings, text, sizeof text);
  check(strlen(text) < sizeof text);
  bool incomplete = option->kind == CLI_VALID || option->kind == CLI_DELIMITER || strlen(text) == sizeof text - 1;
  if (incomplete || text[0] == '\0') return;
  check(cli_parse_value(option, text, (char *)&back + option->field));
  check(strcmp(cli_value_text(option, &back, again, sizeof again), text) == 0);
}

static void understood(const cli_request *request) {
  const cli_command *command = &cli_commands[request->command];
  check(command->most == CLI_OPERANDS_ANY || request->n_operands <= command->most);
  check(request->settings.help || request->n_operands >= command->least);
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    check(!request->given[i] || cli_option_is_for(&cli_options[i], request->command));
    check(!request->given[i] || request->texts[i] != NULL);
    if (request->given[i]) write_down(request, &cli_options[i]);
  }
}

/* ---- the command line ---- */

/* Cuts the lines up to an empty one; what follows stays in *text. */
static int take_arguments(char **text, char *arguments[ARGUMENTS], int n) {
  while (n < ARGUMENTS && **text != '\0') {
    char *line = *text, *end = strchr(line, '\n');
    *text = end != NULL ? end + 1 : line + strlen(line);
    if (end != NULL) *end = '\0';
    if (line[0] == '\0') break;
    arguments[n++] = line;
  }
  return n;
}

/* With the configuration first, so that arguments come after it. */
static void parse(unsigned command, char *text, size_t size) {
  static char program[] = "backprop", option[] = "--config";
  char name[32], path[128], *arguments[ARGUMENTS + 1] = {program, name, option, path};
  cli_request request;
  char *rest = text;
  (void)snprintf(name, sizeof name, "%s", cli_commands[command % CLI_COMMAND_COUNT].name);
  int n = take_arguments(&rest, arguments, 4);
  (void)snprintf(path, sizeof path, "%s", scratch_write(0, rest, size - (size_t)(rest - text)));
  listen();
  int status = cli_parse(n, arguments, &request);
  stop_listening();
  check(status == CLI_DONE || status == CLI_USAGE || status == CLI_IO);
  check_message(status != CLI_DONE);
  if (status == CLI_DONE) understood(&request);
  cli_request_release(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  char *text = malloc(size);
  if (text == NULL) return 0;
  memcpy(text, data + 1, size - 1);
  text[size - 1] = '\0';
  parse(data[0], text, size - 1);
  free(text);
  return 0;
}
