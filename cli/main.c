/* cli/main.c - the command `backprop`: understands the command line, and hands over. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backprop/info.h"
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

/* BACKPROP_ISA must name kernels that this CPU runs: a slip would silently measure others. */
static int check_kernel_wish(void) {
  const char *wish = getenv("BACKPROP_ISA");
  if (wish == NULL || wish[0] == '\0') return CLI_DONE;
  const size_t length = strlen(wish);
  for (const char *name = bp_build().cpu; *name != '\0'; name += strspn(name, " ")) {
    const size_t here = strcspn(name, " ");
    if (here == length && memcmp(name, wish, length) == 0) return CLI_DONE;
    name += here;
  }
  return cli_fail(CLI_USAGE, "BACKPROP_ISA is '%s', expected one of the kernel builds that this CPU can run: %s", wish,
                  bp_build().cpu);
}

int main(int argc, char **argv) {
  cli_request request;
  prepare();
  if (argc < 2) {
    cli_print_to_stderr();
    cli_print_overview();
    return CLI_USAGE;
  }
  int status = check_kernel_wish();
  if (status != CLI_DONE) return status;
  status = cli_parse(argc, argv, &request);
  if (status == CLI_DONE) status = cli_finish_output(run(&request));
  cli_request_release(&request);
  return status;
}
