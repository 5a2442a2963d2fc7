/* cli/main.c - the command `backprop`: understands the command line, and hands over. */
#include <signal.h>
#include <stdio.h>

#include "commands.h"
#include "console.h"

static int run(const cli_request *request) {
  if (request->settings.help) {
    cli_print_command_help(request->command);
    return CLI_DONE;
  }
  return cli_commands[request->command].run(request);
}

/* A closed pipe is an error like any other; lines of messages are written whole. */
static void prepare(void) {
  (void)signal(SIGPIPE, SIG_IGN);
  (void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
}

int main(int argc, char **argv) {
  cli_request request;
  prepare();
  if (argc < 2) {
    cli_print_to_stderr();
    cli_print_overview();
    return CLI_USAGE;
  }
  int status = cli_parse(argc, argv, &request);
  if (status == CLI_DONE) status = cli_finish_output(run(&request));
  cli_request_release(&request);
  return status;
}
