/* cli/help_command.c - `backprop help`: the overview, one command, the manual page or a completion script. */
#include "commands.h"
#include "console.h"

int cli_run_help(const cli_request *request) {
  const cli_settings *s = &request->settings;
  bool completion = request->given[CLI_OPTION_completion];
  if (s->man && completion) return cli_fail(CLI_USAGE, "--man and --completion are two things; expected one of them");
  if (s->man)
    cli_print_man();
  else if (completion)
    cli_print_completion((cli_shell)s->completion);
  else if (request->n_operands == 0)
    cli_print_overview();
  else {
    int id = cli_find_command(request->operands[0]);
    if (id < 0) return CLI_USAGE;
    cli_print_command_help((cli_command_id)id);
  }
  return CLI_DONE;
}
