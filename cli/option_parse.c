/* cli/option_parse.c - from the command line to settings: defaults, then --config, then the arguments.
 *
 * The arguments are looked at twice: first they are sorted into options and operands, so that a configuration file can be
 * applied before them; then their values are read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "options.h"

static void set_defaults(cli_settings *settings) {
  memset(settings, 0, sizeof *settings);
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (option->initial) (void)cli_parse_value(option, option->initial, (char *)settings + option->field);
  }
}

/* ---- sorting the arguments ---- */

typedef struct arguments {
  int argc, next;
  char **argv;
  cli_request *request;
  const char *values[CLI_OPTION_COUNT]; /* NULL: not given */
} arguments;

/* The next argument as the value of an option. One that looks like an option is most likely a forgotten value; a
 * negative number is not, and is left to the range. */
static int take_value(arguments *a, const cli_option *option, const char **value) {
  const char *next = a->next < a->argc ? a->argv[a->next] : NULL;
  char expected[512];
  (void)cli_expectation(option, expected, sizeof expected);
  if (!next) return cli_fail(CLI_USAGE, "--%s needs a value: expected %s", option->name, expected);
  bool number = next[0] == '-' && (next[1] == '.' || (next[1] >= '0' && next[1] <= '9'));
  if (next[0] == '-' && next[1] && !number)
    return cli_fail(CLI_USAGE, "--%s needs a value, and %s looks like an option; if it is the value, write --%s=%s",
                    option->name, next, option->name, next);
  a->next++;
  *value = next;
  return CLI_DONE;
}

/* `attached` is what follows "=" or a letter; NULL: nothing. */
static int take_option(arguments *a, int id, const char *attached) {
  const cli_option *option = &cli_options[id];
  const char *value = attached;
  if (a->values[id]) return cli_fail(CLI_USAGE, "--%s is given twice; expected once", option->name);
  if (option->kind == CLI_FLAG && attached)
    return cli_fail(CLI_USAGE, "--%s takes no value, but has '%.*s'", option->name, CLI_SHOWN, attached);
  if (option->kind == CLI_FLAG)
    value = "yes";
  else if (!attached) {
    int failed = take_value(a, option, &value);
    if (failed) return failed;
  }
  a->values[id] = value;
  return CLI_DONE;
}

static int take_long(arguments *a, const char *text) {
  size_t length = strcspn(text, "=");
  int id = cli_find_option(a->request->command, "", text, length);
  if (id < 0) return CLI_USAGE;
  return take_option(a, id, text[length] ? text + length + 1 : NULL);
}

static int take_letter(arguments *a, const char *text) {
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    const cli_option *option = &cli_options[i];
    if (option->letter != text[0] || !cli_option_is_for(option, a->request->command)) continue;
    if (text[1] && option->kind == CLI_FLAG) break;
    return take_option(a, i, text[1] ? text + 1 : NULL);
  }
  const char *of = cli_commands[a->request->command].name;
  return cli_fail(CLI_USAGE, "unknown option -%.*s; see: backprop help %s; what is no option goes behind --", CLI_SHOWN,
                  text, of);
}

static int take_operand(arguments *a, const char *text) {
  cli_request *request = a->request;
  const cli_command *command = &cli_commands[request->command];
  if (request->n_operands == command->most)
    return cli_fail(CLI_USAGE, "unexpected argument '%.*s'; usage: backprop %s%s%s", CLI_SHOWN, text, command->name,
                    command->operands[0] ? " " : "", command->operands);
  if (!text[0])
    return cli_fail(CLI_USAGE, "an argument is empty; usage: backprop %s %s", command->name, command->operands);
  request->operands[request->n_operands++] = text;
  return CLI_DONE;
}

static int sort_arguments(arguments *a) {
  bool options_end = false;
  while (a->next < a->argc) {
    const char *text = a->argv[a->next++];
    int failed;
    if (options_end || text[0] != '-' || !text[1])
      failed = take_operand(a, text);
    else if (strcmp(text, "--") == 0)
      failed = CLI_DONE, options_end = true;
    else
      failed = text[1] == '-' ? take_long(a, text + 2) : take_letter(a, text + 1);
    if (failed) return failed;
  }
  return CLI_DONE;
}

/* ---- what must fit together ---- */

static int check_operands(const cli_request *request) {
  const cli_command *command = &cli_commands[request->command];
  if (request->settings.help || request->n_operands >= command->least) return CLI_DONE;
  const char *missing = command->operands;
  for (int i = 0; i < request->n_operands; i++) missing = strchr(missing, ' ') + 1;
  return cli_fail(CLI_USAGE, "%s needs %s; usage: backprop %s %s", command->name, missing, command->name,
                  command->operands);
}

bool cli_is_plain(const cli_settings *s) {
  if (s->preset != BP_PRESET_AUTO) return s->preset == BP_PRESET_PLAIN;
  return s->hidden.n != 0 || s->activation.n > 0 || bp_optimizer_full_batch((bp_optimizer)s->optimizer);
}

/* Who stops early must be judged by rows that are not learnt from: an ensemble has its own. */
static int check_patience(const cli_request *request) {
  const cli_settings *s = &request->settings;
  bool plain = cli_is_plain(s), alone = s->members == 1 || (plain && s->members == 0);
  bool judged = s->valid.file || s->valid.fraction > 0 || !alone;
  const char *text = request->texts[CLI_OPTION_patience];
  bool none = request->given[CLI_OPTION_patience] && !(text && strcmp(text, "auto") == 0);
  bool never = s->patience == 0 && (plain || !judged || none);
  if (s->patience > 0 && !judged)
    return cli_fail(CLI_USAGE, "--patience needs validation rows; add --valid 0.1 or --valid FILE");
  if (s->metric > BP_METRIC_LOSS && never)
    return cli_fail(CLI_USAGE, "--metric is what --patience goes by; add --patience 10");
  if (s->effort > 0 && cli_is_plain(s))
    return cli_fail(CLI_USAGE, "--effort is for the strong preset; add --preset strong");
  return CLI_DONE;
}

int cli_check_pairs(const cli_request *request) {
  const cli_settings *s = &request->settings;
  int layers = s->hidden.n < 0 ? 0 : s->hidden.n == 0 ? 2 : s->hidden.n;
  bool sgd = s->optimizer == BP_SGD;
  if (s->activation.n > 1 && s->activation.n != layers)
    return cli_fail(CLI_USAGE, "--activation: %d names for %d hidden layers; expected 1 or %d", s->activation.n, layers,
                    layers);
  if (request->given[CLI_OPTION_activation] && layers == 0)
    return cli_fail(CLI_USAGE, "--activation: there is no hidden layer with --hidden none");
  if (layers == 0 && (s->dropout > 0 || s->normalize > 0 || s->residual || s->bias_init != 0))
    return cli_fail(CLI_USAGE, "--%s: there is no hidden layer with --hidden none",
                    s->dropout > 0     ? "dropout"
                    : s->normalize > 0 ? "normalize"
                    : s->residual      ? "residual"
                                       : "bias-init");
  if (s->residual && layers < 2) return cli_fail(CLI_USAGE, "--residual needs two hidden layers, as --hidden 64,64");
  if (s->momentum > 0 && !sgd && s->optimizer != BP_RMSPROP)
    return cli_fail(CLI_USAGE, "--momentum is for sgd and rmsprop; add --optimizer sgd");
  if (s->nesterov && !sgd) return cli_fail(CLI_USAGE, "--nesterov is for sgd; add --optimizer sgd");
  if (s->nesterov && !(s->momentum > 0)) return cli_fail(CLI_USAGE, "--nesterov needs a momentum; add --momentum 0.9");
  if (s->log_norms && !s->log) return cli_fail(CLI_USAGE, "--log-norms is for the log; add --log FILE");
  if (s->valid_labels && !s->valid.file) return cli_fail(CLI_USAGE, "--valid-labels needs --valid FILE");
  return check_patience(request);
}

static int check_standard_input(const cli_request *request) {
  const cli_settings *s = &request->settings;
  const char *const files[] = {s->config, s->labels, s->valid.file, s->valid_labels};
  int uses = 0;
  for (int i = 0; i < request->n_operands; i++) uses += strcmp(request->operands[i], "-") == 0;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) uses += files[i] && strcmp(files[i], "-") == 0;
  if (uses < 2) return CLI_DONE;
  return cli_fail(CLI_USAGE, "- is given for %d files; standard input can be read once", uses);
}

/* ---- the whole ---- */

static int read_values(arguments *a) {
  cli_request *request = a->request;
  char where[64];
  if (a->values[CLI_OPTION_help]) {
    request->settings.help = true;
    return CLI_DONE;
  }
  const char *config = a->values[CLI_OPTION_config];
  if (config) {
    int failed = cli_set_option(&request->settings, &cli_options[CLI_OPTION_config], "--config", config);
    if (!failed) failed = cli_read_config(config, request);
    if (failed) return failed;
  }
  for (int i = 0; i < CLI_OPTION_COUNT; i++) {
    if (!a->values[i]) continue;
    (void)snprintf(where, sizeof where, "--%s", cli_options[i].name);
    int failed = cli_set_option(&request->settings, &cli_options[i], where, a->values[i]);
    if (failed) return failed;
    request->given[i] = true;
    request->texts[i] = a->values[i];
  }
  int failed = check_operands(request);
  if (!failed) failed = check_standard_input(request);
  return failed || request->command != CLI_COMMAND_train ? failed : cli_check_pairs(request);
}

int cli_parse(int argc, char **argv, cli_request *request) {
  arguments a = {.argc = argc, .next = 2, .argv = argv, .request = request};
  memset(request, 0, sizeof *request);
  request->operands = cli_alloc((size_t)argc, sizeof *request->operands);
  set_defaults(&request->settings);
  const char *name = argc > 1 ? argv[1] : "";
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0) name = "version";
  int command = cli_find_command(name);
  if (command < 0) return CLI_USAGE;
  request->command = (cli_command_id)command;
  int failed = sort_arguments(&a);
  return failed ? failed : read_values(&a);
}

void cli_request_release(cli_request *request) {
  free((void *)request->operands);
  request->operands = NULL;
  free(request->config_text);
  request->config_text = NULL;
}
