/* cli/completion.c - `backprop help --completion SHELL`: scripts for bash, zsh and fish, from the table of options. */
#include <string.h>

#include "commands.h"
#include "console.h"

typedef enum cli_complete { COMPLETE_NOTHING, COMPLETE_FILES, COMPLETE_NAMES } cli_complete;

static cli_complete completes(const cli_option *option) {
  static const cli_complete of_kind[CLI_KIND_COUNT] = {
#define KIND(name, offered) COMPLETE_##offered,
#include "kinds.def"
#undef KIND
  };
  return of_kind[option->kind];
}

/* The names of a choice, or of what an option of its own names; parted by blanks. */
static void print_names(const cli_option *option) {
  if (option->kind == CLI_DELIMITER) cli_print("auto comma semicolon tab space pipe");
  if (option->kind == CLI_COMMENT) cli_print("auto none");
  if (!option->domain.name) return;
  for (int i = 0; option->domain.name(i); i++) cli_print("%s%s", i ? " " : "", option->domain.name(i));
}

static void print_command_names(void) {
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) cli_print("%s%s", i ? " " : "", cli_commands[i].name);
}

/* Text within single quotes of a shell that writes a quote there as `quote`, with a backslash before each byte of `special`. */
static void print_quoted(const char *text, const char *quote, const char *special) {
  for (; *text; text++) {
    if (*text == '\'')
      cli_print("%s", quote);
    else {
      if (strchr(special, *text)) cli_print_text("\\");
      cli_print_text((const char[]){*text, '\0'});
    }
  }
}

static void print_for_zsh(const char *text, const char *special) { print_quoted(text, "'\\''", special); }
static void print_for_fish(const char *text) { print_quoted(text, "\\'", "\\"); }

/* ---- bash ---- */

static void bash_value(const cli_option *option) {
  cli_print("    --%s", option->name);
  if (option->letter) cli_print(" | -%c", option->letter);
  cli_print(") ");
  if (completes(option) == COMPLETE_FILES)
    cli_print("COMPREPLY=($(compgen -f -- \"$word\"))");
  else if (completes(option) == COMPLETE_NAMES) {
    cli_print("COMPREPLY=($(compgen -W '");
    print_names(option);
    cli_print("' -- \"$word\"))");
  }
  cli_print("%sreturn ;;\n", completes(option) == COMPLETE_NOTHING ? "" : "; ");
}

static void bash_options(cli_command_id command) {
  cli_print("      %s) options='", cli_commands[command].name);
  for (int i = 0; i < CLI_OPTION_COUNT; i++)
    if (cli_option_is_for(&cli_options[i], command)) cli_print("--%s ", cli_options[i].name);
  cli_print("' ;;\n");
}

static void print_bash(void) {
  cli_print("# bash completion for backprop\n_backprop() {\n"
            "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=\n  COMPREPLY=()\n"
            "  if [ \"$COMP_CWORD\" -eq 1 ] || { [ \"$COMP_CWORD\" -eq 2 ] && [ \"$before\" = help ] && [[ $word != -* "
            "]]; }; then\n"
            "    COMPREPLY=($(compgen -W '");
  print_command_names();
  cli_print("' -- \"$word\"))\n    return\n  fi\n  case $before in\n");
  for (int i = 0; i < CLI_OPTION_COUNT; i++)
    if (cli_options[i].argument) bash_value(&cli_options[i]);
  cli_print("  esac\n  if [[ $word == -* ]]; then\n    case ${COMP_WORDS[1]} in\n");
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) bash_options((cli_command_id)i);
  cli_print("    esac\n    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n  else\n"
            "    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\n"
            "complete -o filenames -F _backprop backprop\n");
}

/* ---- zsh ---- */

static void zsh_option(const cli_option *option) {
  if (option->letter)
    cli_print("        '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name, option->letter,
              option->argument ? "+" : "", option->name, option->argument ? "=" : "");
  else
    cli_print("        '--%s%s[", option->name, option->argument ? "=" : "");
  print_for_zsh(option->help, ":[]\\");
  cli_print("]");
  if (option->argument) {
    cli_print(":");
    print_for_zsh(option->argument, ":");
    cli_print(":");
    if (completes(option) == COMPLETE_FILES) cli_print("_files");
    if (completes(option) == COMPLETE_NAMES) {
      cli_print("(");
      print_names(option);
      cli_print(")");
    }
  }
  cli_print("' \\\n");
}

static void zsh_command(cli_command_id command) {
  cli_print("    %s)\n      _arguments -s \\\n", cli_commands[command].name);
  for (int i = 0; i < CLI_OPTION_COUNT; i++)
    if (cli_option_is_for(&cli_options[i], command)) zsh_option(&cli_options[i]);
  if (command == CLI_COMMAND_help) {
    cli_print("        '*:command:(");
    print_command_names();
    cli_print(")' ;;\n");
  } else
    cli_print("        '*:file:_files' ;;\n");
}

static void print_zsh(void) {
  cli_print("#compdef backprop\n_backprop() {\n  local -a commands=(\n");
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
    cli_print("    '%s:", cli_commands[i].name);
    print_for_zsh(cli_commands[i].summary, ":\\");
    cli_print("'\n");
  }
  cli_print("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
            "  local command=${words[2]}\n  shift words\n  (( CURRENT-- ))\n  case $command in\n");
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) zsh_command((cli_command_id)i);
  cli_print(
      "  esac\n}\nif [ \"$funcstack[1]\" = _backprop ]; then _backprop \"$@\"; else compdef _backprop backprop; fi\n");
}

/* ---- fish ---- */

static void fish_option(const cli_option *option, cli_command_id command) {
  cli_print("complete -c backprop -n '__fish_seen_subcommand_from %s' -l %s", cli_commands[command].name, option->name);
  if (option->letter) cli_print(" -s %c", option->letter);
  if (option->argument) cli_print(completes(option) == COMPLETE_FILES ? " -r -F" : " -x");
  if (completes(option) == COMPLETE_NAMES) {
    cli_print(" -a '");
    print_names(option);
    cli_print("'");
  }
  cli_print(" -d '");
  print_for_fish(option->help);
  cli_print("'\n");
}

static void print_fish(void) {
  cli_print("# fish completion for backprop\n");
  for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
    cli_print("complete -c backprop -n __fish_use_subcommand -f -a %s -d '", cli_commands[i].name);
    print_for_fish(cli_commands[i].summary);
    cli_print("'\n");
  }
  for (int i = 0; i < CLI_COMMAND_COUNT; i++)
    for (int k = 0; k < CLI_OPTION_COUNT; k++)
      if (cli_option_is_for(&cli_options[k], (cli_command_id)i)) fish_option(&cli_options[k], (cli_command_id)i);
  cli_print("complete -c backprop -n '__fish_seen_subcommand_from help' -f -a '");
  print_command_names();
  cli_print("'\n");
}

void cli_print_completion(cli_shell shell) {
  static void (*const print[])(void) = {
      [CLI_SHELL_BASH] = print_bash, [CLI_SHELL_ZSH] = print_zsh, [CLI_SHELL_FISH] = print_fish};
  print[shell]();
}
