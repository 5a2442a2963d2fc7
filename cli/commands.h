/* cli/commands.h - one function for each command: takes the understood command line, returns the exit status. */
#ifndef BACKPROP_CLI_COMMANDS_H
#define BACKPROP_CLI_COMMANDS_H
#include "options.h"

#define COMMAND(name, ...) int cli_run_##name(const cli_request *request);
#include "commands.def"
#undef COMMAND

/* The overview of all commands, as help text. */
void cli_print_overview(void);
/* The help text of one command. */
void cli_print_command_help(cli_command_id command);
/* The man page, in troff. */
void cli_print_man(void);
/* The completion script of a shell. */
void cli_print_completion(cli_shell shell);

#endif
