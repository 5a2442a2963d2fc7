/* cli/main.c - the command `backprop`: understands the command line, and hands over. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backprop/info.h"
#include "commands.h"
#include "console.h"
#include "signals.h"

static int run(const cli_request *request) {
  if (request->settings.help) {
    cli_print_command_help(request->command);
    return CLI_DONE;
  }
  return cli_commands[request->command].run(request);
}

/* A descriptor that is closed when the command begins is opened the wrong way round: no file of ours gets its number, and who reads
 * or writes there is told "Bad file descriptor" as before. False when it cannot be. */
static bool open_standard_descriptors(void) {
  static const int wrong_ways[] = {O_WRONLY, O_RDONLY, O_RDONLY};
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    int opened = open("/dev/null", wrong_ways[fd]);
    if (opened < 0 && fd > STDIN_FILENO) opened = open("/", O_RDONLY | O_DIRECTORY);
    if (opened != fd) return false;
  }
  return true;
}

static void prepare(void) {
  cli_begin_signals();
  cli_stdout.by_line = isatty(STDOUT_FILENO) == 1;
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
  if (!open_standard_descriptors())
    return cli_fail(CLI_IO, "a standard descriptor is closed, and /dev/null cannot be opened in its place");
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
