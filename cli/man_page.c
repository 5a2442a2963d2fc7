/* cli/man_page.c - `backprop help --man`: the manual page, from the tables of options and commands. */
#include <stdio.h>
#include <string.h>

#include "backprop/version.h"
#include "commands.h"
#include "console.h"
#include "help_text.h"

/* Text in troff: backslashes and dashes escaped, no line begins with a request. */
static void print_troff(const char *text) {
  bool line_start = true;
  for (const char *c = text; *c; c++) {
    if (line_start && (*c == '.' || *c == '\'')) cli_print("\\&");
    if (*c == '\\')
      cli_print("\\e");
    else if (*c == '-')
      cli_print("\\-");
    else
      cli_print_text((const char[]){*c, '\0'});
    line_start = *c == '\n';
  }
}

static void print_line(const char *before, const char *text, const char *after) {
  cli_print_text(before);
  print_troff(text);
  cli_print_text(after);
  cli_print_text("\n");
}

static void print_option(const cli_option *option) {
  char sentence[1024];
  cli_print(".TP\n");
  if (option->letter) cli_print("\\fB\\-%c\\fR, ", option->letter);
  cli_print("\\fB\\-\\-");
  print_troff(option->name);
  cli_print("\\fR");
  if (option->argument) {
    cli_print(" \\fI");
    print_troff(option->argument);
    cli_print("\\fR");
  }
  cli_print("\n");
  print_line("", cli_option_sentence(option, sentence, sizeof sentence), "");
}

static void print_command(cli_command_id id) {
  const cli_command *command = &cli_commands[id];
  const char *section = "";
  cli_print(".SH \"COMMAND ");
  for (const char *c = command->name; *c; c++) cli_print("%c", *c - 'a' + 'A');
  cli_print("\"\n");
  print_line(".B backprop ", command->name, "");
  if (command->operands[0]) print_line(".I ", command->operands, "");
  cli_print("[options]\n.PP\n");
  print_line("", command->about, "");
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (!cli_option_is_for(option, id)) continue;
    if (strcmp(section, option->section) != 0) print_line(".SS ", section = option->section, "");
    print_option(option);
  }
  print_line(".PP\nExample:\n.PP\n.nf\n.RS\n", command->example, "\n.RE\n.fi");
}

static void print_exit_statuses(void) {
  static const char *const statuses[][2] = {
      {"0", "done"},
      {"1", "a check failed"},
      {"2", "usage: an option or argument is wrong"},
      {"3", "bad data"},
      {"4", "bad model"},
      {"5", "input or output failed"},
      {"6", "training diverged; the last good model is kept"},
      {"7", "out of memory"},
      {"129, 130, 143", "stopped by SIGHUP, SIGINT or SIGTERM; training writes a checkpoint first"},
      {"141",
       "ended quietly by SIGPIPE: nobody reads standard output any more; files that were in the making are not there"},
  };
  cli_print(".SH EXIT STATUS\n");
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    cli_print(".TP\n.B %s\n%s\n", statuses[i][0], statuses[i][1]);
}

void cli_print_man(void) {
  cli_print(".TH BACKPROP 1 \"\" \"backprop %s\" \"User Commands\"\n", BP_VERSION_STRING);
  cli_print(".SH NAME\nbackprop \\- train, explain and apply neural networks\n.SH SYNOPSIS\n");
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
    if (i > 0) cli_print(".br\n");
    cli_print(".B backprop %s\n", cli_commands[i].name);
    if (cli_commands[i].operands[0]) print_line(".I ", cli_commands[i].operands, "");
    cli_print("[options]\n");
  }
  cli_print(
      ".SH DATA\n"
      "Read by name: .csv, .tsv and .txt (RFC 4180 quotes), and IDX images with \\fB\\-\\-labels\\fR; each also .gz. "
      "A single \\- is standard input.\n");
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) print_command((cli_command_id)i);
  print_exit_statuses();
  cli_print(
      ".SH FILES\n"
      "A file that is written appears whole, in the place of an old one, or not at all. A symbolic link is followed, "
      "whether or not a file is at its end. Permissions of an old file are kept, and its owner where the system "
      "allows it; its other hard links keep the old content. A file that may not be written to is not replaced, "
      "and the folder must take new files. Devices, pipes and /dev/fd/N are written to directly, and a log grows "
      "line by line. Messages that nobody reads stop nothing.\n");
  cli_print(".SH MESSAGES\n"
            "Standard error has errors, \\(lqbackprop: ...\\(rq, warnings, \\(lqbackprop: warning: ...\\(rq, of what "
            "may make a result "
            "wrong or should be changed, and notes, \\(lqnote: ...\\(rq, of what was found, decided or done; and the "
            "progress of "
            "a training. Each is one line; on a terminal it wraps at words. With \\-\\-quiet there are no notes and no "
            "progress.\n");
  cli_print(
      ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nno colours when set and not empty\n"
      ".TP\n.B COLUMNS\nhow wide a terminal is that does not tell\n"
      ".TP\n.B BACKPROP_ISA\nbaseline, avx2 or avx512: use no wider instructions of the CPU than these; a name "
      "that this CPU cannot run is an error. avx2 and avx512 give the same bits; baseline has no fused multiply\\-add "
      "and rounds otherwise\n"
      ".TP\n.B BP_EXPLAIN\n1: prints each compiled program to standard error, with its instructions, phases, "
      "buffers, operations and bytes\n");
}
