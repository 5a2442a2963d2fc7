/* cli/help_text.c - help for people, from the tables of options and commands. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "help_text.h"

enum { HELP_COLUMN = 26 };

/* ---- sentences ---- */

const char *cli_option_sentence(const cli_option *option, char *text, size_t size) {
  char expected[512] = "", initial[64] = "";
  bool range = option->kind != CLI_FLAG && option->kind != CLI_TEXT && option->kind != CLI_FILE &&
               option->kind != CLI_VALID && option->kind != CLI_DELIMITER && option->kind != CLI_COMMENT &&
               option->kind != CLI_WIDTHS;
  if (range) (void)cli_expectation(option, expected, sizeof expected);
  if (option->initial) (void)snprintf(initial, sizeof initial, "default %s", option->initial);
  const char *open = expected[0] || initial[0] ? " (" : "", *close = open[0] ? ")" : "";
  (void)snprintf(text, size, "%s%s%s%s%s%s", option->help, open, expected, expected[0] && initial[0] ? "; " : "",
                 initial, close);
  return text;
}

/* "-o, --out FILE" */
const char *cli_option_usage(const cli_option *option, char *text, size_t size) {
  char letter[8] = "    ";
  if (option->letter) (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
  (void)snprintf(text, size, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
  return text;
}

/* ---- printing ---- */

/* Columns taken by the first `bytes` bytes. */
static int columns_of(const char *text, size_t bytes) {
  int columns = 0;
  for (size_t i = 0; i < bytes; i++) columns += ((unsigned char)text[i] & 0xc0) != 0x80;
  return columns;
}

/* Words from column `at` on, new lines indented by `indent`. */
static void print_wrapped(const char *text, int at, int indent) {
  int column = at, columns = cli_line_width(cli_output());
  while (*text) {
    size_t length = strcspn(text, " ");
    int width = columns_of(text, length);
    if (column > indent && column + 1 + width > columns - 1) {
      cli_print("\n%*s", indent, "");
      column = indent;
    } else if (column > indent) {
      cli_print(" ");
      column++;
    }
    cli_print("%.*s", (int)length, text);
    column += width;
    text += length;
    text += strspn(text, " ");
  }
  cli_print("\n");
}

/* The usage, and from HELP_COLUMN on the sentence: on the next line when the usage is too long. */
static void print_entry(const char *usage, const char *sentence) {
  cli_print("  %s", usage);
  int at = 2 + cli_width(usage);
  if (at > HELP_COLUMN - 2) {
    cli_print("\n");
    at = 0;
  }
  cli_print("%*s", HELP_COLUMN - at, "");
  print_wrapped(sentence, HELP_COLUMN, HELP_COLUMN);
}

static void print_option(const cli_option *option) {
  char usage[64], sentence[1024];
  (void)cli_option_usage(option, usage, sizeof usage);
  print_entry(usage, cli_option_sentence(option, sentence, sizeof sentence));
}

void cli_print_command_help(cli_command_id id) {
  const cli_command *command = &cli_commands[id];
  const char *section = "";
  cli_print("usage: backprop %s%s%s [options]\n\n", command->name, command->operands[0] ? " " : "", command->operands);
  print_wrapped(command->about, 0, 0);
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (!cli_option_is_for(option, id)) continue;
    if (strcmp(section, option->section) != 0) cli_print("\n%s\n", section = option->section);
    print_option(option);
  }
  cli_wrap_output(9);
  cli_print("\nexample: %s\n", command->example);
  cli_wrap_output(0);
}

void cli_print_overview(void) {
  cli_print("backprop trains, explains and applies neural networks.\n\nusage: backprop COMMAND [options]\n\n");
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
    char usage[64];
    (void)snprintf(usage, sizeof usage, "%s %s", cli_commands[i].name, cli_commands[i].operands);
    print_entry(usage, cli_commands[i].summary);
  }
  cli_wrap_output(2);
  cli_print("\nDATA is .csv, .tsv or .txt, or IDX images, each also .gz; - is standard input.\n"
            "A first model:      backprop train DATA.csv\n"
            "All options:        backprop help train\n");
  cli_wrap_output(0);
}
