/* cli/options.c - the tables of options and commands, filled from options.def and commands.def. */
#include "options.h"

#include <stddef.h>

#include "commands.h"

/* ---- the names of choices, in the order of their numbers ---- */

static const char *at(const char *const *names, size_t count, int i) {
  return i >= 0 && (size_t)i < count ? names[i] : NULL;
}

#define CHOICE_NAMES(function, ...)                                                                                    \
  static const char *function(int i) {                                                                                 \
    static const char *const names[] = {__VA_ARGS__};                                                                  \
    return at(names, sizeof names / sizeof *names, i);                                                                 \
  }

CHOICE_NAMES(dtype_at, "f32", "f64")
CHOICE_NAMES(header_at, "auto", "yes", "no")
CHOICE_NAMES(decimal_at, "auto", "point", "comma")
CHOICE_NAMES(thousands_at, "auto", "comma", "point", "space", "apostrophe", "underscore")
CHOICE_NAMES(progress_at, "auto", "bar", "plain", "none")
CHOICE_NAMES(mode_at, "auto", "forward", "reverse")
CHOICE_NAMES(shell_at, "bash", "zsh", "fish")

static const char *loss_at(int i) { return i >= 0 && i < BP_LOSS_EXPRESSION ? bp_loss_name((bp_loss)i) : NULL; }
static const char *output_at(int i) { return i >= 0 ? bp_output_name((bp_output)i) : NULL; }
static const char *metric_at(int i) { return i >= 0 ? bp_metric_name((bp_metric)i) : NULL; }
static const char *preset_at(int i) { return i >= 0 ? bp_preset_name((bp_preset)i) : NULL; }
static const char *normalize_at(int i) { return i >= 0 ? bp_normalize_name((bp_normalize)i) : NULL; }
static const char *init_at(int i) { return i >= 0 ? bp_init_name((bp_init)i) : NULL; }
static const char *optimizer_at(int i) { return i >= 0 ? bp_optimizer_name((bp_optimizer)i) : NULL; }
static const char *schedule_at(int i) { return i >= 0 ? bp_schedule_name((bp_schedule_kind)i) : NULL; }
static const char *task_at(int i) { return i >= 0 ? bp_task_name((bp_task)i) : NULL; }
static const char *activation_at(int i) { return i >= 0 ? bp_activation_name((bp_activation)i) : NULL; }

/* ---- the tables ---- */

#define NO_DOMAIN                                                                                                      \
  { .low = 0 }
#define WITHIN(l, h)                                                                                                   \
  { .low = (l), .high = (h) }
#define ABOVE(l, h)                                                                                                    \
  { .low = (l), .high = (h), .above = true }
#define BELOW(l, h)                                                                                                    \
  { .low = (l), .high = (h), .below = true }
#define WITHIN_OR_AUTO(l, h)                                                                                           \
  { .low = (l), .high = (h), .automatic = true }
#define ABOVE_OR_AUTO(l, h)                                                                                            \
  { .low = (l), .high = (h), .above = true, .automatic = true }
#define BETWEEN_OR_AUTO(l, h)                                                                                          \
  { .low = (l), .high = (h), .above = true, .below = true, .automatic = true }
#define NAMES(function)                                                                                                \
  { .name = (function) }

enum {
  TRAIN = 1 << CLI_COMMAND_train,
  PREDICT = 1 << CLI_COMMAND_predict,
  EVALUATE = 1 << CLI_COMMAND_evaluate,
  INSPECT = 1 << CLI_COMMAND_inspect,
  GRADCHECK = 1 << CLI_COMMAND_gradcheck,
  DIFF = 1 << CLI_COMMAND_diff,
  BENCH = 1 << CLI_COMMAND_bench,
  VERSION = 1 << CLI_COMMAND_version,
  HELP = 1 << CLI_COMMAND_help,
  RESUME = 1 << CLI_COMMAND_resume,
  READS_DATA = TRAIN | PREDICT | EVALUATE | INSPECT | GRADCHECK,
  EVERY_COMMAND = (1 << CLI_COMMAND_COUNT) - 1,
  RECORDED = 1,
  NOT_RECORDED = 0
};

#define OPTION(field, name, letter, kind, argument, domain, initial, commands, recorded, section, help)                \
  {name,     letter,   CLI_##kind, argument, offsetof(cli_settings, field), domain, initial,                           \
   commands, recorded, section,    help},
const cli_option cli_options[CLI_OPTION_COUNT] = {
#include "options.def"
};
#undef OPTION

#define COMMAND(name, operands, least, most, summary, about, example)                                                  \
  {#name, operands, least, most, cli_run_##name, summary, about, example},
const cli_command cli_commands[CLI_COMMAND_COUNT] = {
#include "commands.def"
};
#undef COMMAND
