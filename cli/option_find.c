/* cli/option_find.c - commands and options by their names, and an option set from a text: what the command line, a configuration
 * file and the note of a checkpoint share, suggestions included.
 */
#include <string.h>

#include "console.h"
#include "options.h"

/* ---- names and suggestions ---- */

static const char *command_name(const void *user, int i) {
  (void)user;
  return i < CLI_COMMAND_COUNT ? cli_commands[i].name : NULL;
}

/* Options of one command, one after the other. */
static const char *option_name(const void *user, int i) {
  const cli_command_id *command = user;
  for (int k = 0; k < CLI_OPTION_COUNT; k++)
    if (cli_option_is_for(&cli_options[k], *command) && i-- == 0) return cli_options[k].name;
  return NULL;
}

static const char *choice_name(const void *user, int i) {
  const cli_option *option = user;
  return option->domain.name(i);
}

/* An option that this command has not: whose it is, if one or two have it. */
static int fail_other(const char *where, const char *dashes, const cli_option *option, const char *of) {
  const char *owner = NULL;
  int owners = 0;
  for (int i = CLI_COMMAND_COUNT; i-- > 0;)
    if (cli_option_is_for(option, (cli_command_id)i)) owner = cli_commands[i].name, owners++;
  if (owners == 0 || owners > 2)
    return cli_fail(CLI_USAGE, "%s%s%s is no option of %s; see: backprop help %s", where, dashes, option->name, of, of);
  return cli_fail(CLI_USAGE, "%s%s%s is an option of %s, not of %s; see: backprop help %s", where, dashes, option->name,
                  owner, of, of);
}

int cli_find_option(cli_command_id command, const char *where, const char *name, size_t length) {
  const char *dashes = where[0] ? "" : "--", *of = cli_commands[command].name;
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (strlen(option->name) != length || strncmp(option->name, name, length) != 0) continue;
    if (cli_option_is_for(option, command)) return i;
    (void)fail_other(where, dashes, option, of);
    return -1;
  }
  const char *near = cli_suggest(name, length, option_name, &command);
  int shown = length < CLI_SHOWN ? (int)length : CLI_SHOWN;
  if (near)
    (void)cli_fail(CLI_USAGE, "%sunknown option %s%.*s; did you mean %s%s?", where, dashes, shown, name, dashes, near);
  else
    (void)cli_fail(CLI_USAGE, "%sunknown option %s%.*s; see: backprop help %s", where, dashes, shown, name, of);
  return -1;
}

static int unknown_command(const char *name) {
  const char *near = cli_suggest(name, strlen(name), command_name, NULL);
  if (name[0] == '-') return cli_fail(CLI_USAGE, "%.*s: expected a command first; see: backprop help", CLI_SHOWN, name);
  if (near)
    return cli_fail(CLI_USAGE, "unknown command %.*s; did you mean %s? See: backprop help", CLI_SHOWN, name, near);
  return cli_fail(CLI_USAGE, "unknown command '%.*s'; see: backprop help", CLI_SHOWN, name);
}

int cli_find_command(const char *name) {
  for (int i = 0; i < CLI_COMMAND_COUNT; i++)
    if (strcmp(name, cli_commands[i].name) == 0) return i;
  (void)unknown_command(name);
  return -1;
}

/* ---- values ---- */

int cli_set_option(cli_settings *settings, const cli_option *option, const char *where, const char *value) {
  char expected[512];
  bool may_be_empty = option == &cli_options[CLI_OPTION_missing];
  (void)cli_expectation(option, expected, sizeof expected);
  if (!value[0] && !may_be_empty) return cli_fail(CLI_USAGE, "%s: the value is empty; expected %s", where, expected);
  if (cli_parse_value(option, value, (char *)settings + option->field)) return CLI_DONE;
  const char *near = option->domain.name ? cli_suggest(value, strlen(value), choice_name, option) : NULL;
  if (near)
    return cli_fail(CLI_USAGE, "%s %.*s: expected %s; did you mean %s?", where, CLI_SHOWN, value, expected, near);
  return cli_fail(CLI_USAGE, "%s %.*s: expected %s", where, CLI_SHOWN, value, expected);
}
