/* cli/options.h - the one table of options, and what is made from it: parsing, configuration files, help, the man
 * page, completion and the settings kept in a model.
 */
#ifndef BACKPROP_CLI_OPTIONS_H
#define BACKPROP_CLI_OPTIONS_H
#include "backprop/model.h"

/* ---- the settings: one field for each option ---- */

/* --hidden: n as in bp_train_options, so -1 is "none". */
typedef struct cli_widths {
  int n;
  int64_t units[BP_LAYERS_MAX];
} cli_widths;

typedef struct cli_activations {
  int n;
  bp_activation_spec specs[BP_LAYERS_MAX];
} cli_activations;

/* --init: a name, and a factor behind a colon. */
typedef struct cli_init {
  bp_init init;
  double scale;
} cli_init;

/* --l1, --l2: one number, or one for each layer with weights. */
typedef struct cli_numbers {
  int n;
  double values[BP_LAYERS_MAX + 1];
} cli_numbers;

/* --schedule, --warmup: what was written, and what it means. */
typedef struct cli_schedule {
  const char *text;
  bp_schedule value;
} cli_schedule;

/* --valid: a part of the rows, or a file. */
typedef struct cli_valid {
  double fraction;
  const char *file; /* NULL: none */
} cli_valid;

/* --skip: so many lines, or as it is found. */
typedef struct cli_lines {
  int64_t n;
  bool given;
} cli_lines;

/* --checkpoint-every: so many epochs, or steps. */
typedef struct cli_every {
  int64_t n; /* 0: never */
  bool steps;
} cli_every;

typedef struct cli_settings {
  cli_widths hidden;
  cli_activations activation;
  int normalize; /* bp_normalize */
  double dropout, dropout_input, bias_init;
  bool residual;
  const char *embed;
  cli_init init;
  int dtype, metric, output, optimizer, task;
  const char *loss; /* as bp_objective_parse() reads it */
  double label_smoothing;
  double lr, momentum, beta1, beta2, rho, epsilon, weight_decay, clip_norm, clip_value, max_norm;
  cli_numbers l1, l2;
  cli_schedule schedule, warmup;
  int preset; /* bp_preset */
  int64_t effort, members, pieces;
  int64_t batch_size, epochs, patience, threads, memory; /* 0 is auto; batch_size INT64_MAX: full */
  bool nesterov, amsgrad;
  uint64_t seed;
  uint64_t max_memory;          /* bytes; 0: by the files */
  double tolerance, time_limit; /* time_limit: seconds, 0: none */
  cli_every checkpoint_every;
  cli_valid valid;
  const char *valid_labels, *labels, *target, *weight, *class_weight, *ignore, *features, *missing, *text, *hash;
  int64_t max_categories;
  int delimiter, header, comment, decimal, thousands; /* as in bp_read_options */
  cli_lines skip;
  const char *out, *checkpoint, *config, *log, *keep;
  int progress;           /* cli_progress */
  const char *gradients;  /* inspect: the data; NULL: none */
  int64_t rows, elements; /* gradcheck */
  double relative;
  bool json, quiet, log_norms, proba;
  const char *wrt, *along;
  int mode; /* bp_mode */
  int64_t order, digits;
  bool trace, dot, check;
  double seconds;
  const char *only;
  bool man, help;
  int completion; /* cli_shell */
} cli_settings;

typedef enum cli_progress { CLI_PROGRESS_AUTO, CLI_PROGRESS_BAR, CLI_PROGRESS_PLAIN, CLI_PROGRESS_NONE } cli_progress;
typedef enum cli_shell { CLI_SHELL_BASH, CLI_SHELL_ZSH, CLI_SHELL_FISH } cli_shell;

/* ---- the table ---- */

typedef enum cli_kind {
#define KIND(name, expected_value) CLI_##name,
#include "kinds.def"
#undef KIND
  CLI_KIND_COUNT
} cli_kind;

typedef enum cli_option_id {
#define OPTION(name, ...) CLI_OPTION_##name,
#include "options.def"
#undef OPTION
  CLI_OPTION_COUNT
} cli_option_id;

/* What a number may be, or what names there are. */
typedef struct cli_domain {
  double low, high;
  bool above, below;        /* low, or high, is not allowed itself */
  bool automatic;           /* "auto" is allowed, and stored as 0 */
  const char *(*name)(int); /* the i-th name of a choice; NULL when there are no more */
} cli_domain;

typedef struct cli_option {
  const char *name;
  char letter; /* 0: none */
  cli_kind kind;
  const char *argument; /* its value, for people; NULL: a flag */
  size_t field;         /* offset in cli_settings */
  cli_domain domain;
  const char *initial; /* the default, as it would be written; NULL: zero */
  unsigned commands;   /* bits 1u << cli_command_id */
  bool recorded;       /* kept in the model: what decides how it was trained */
  const char *section, *help;
} cli_option;

extern const cli_option cli_options[CLI_OPTION_COUNT];

/* ---- commands ---- */

typedef enum cli_command_id {
#define COMMAND(name, ...) CLI_COMMAND_##name,
#include "commands.def"
#undef COMMAND
  CLI_COMMAND_COUNT
} cli_command_id;

enum { CLI_OPERANDS_ANY = -1 };

/* A command line, understood. */
typedef struct cli_request {
  cli_command_id command;
  cli_settings settings;
  const char **operands; /* owned; the texts are those of argv */
  int n_operands;
  const char *texts[CLI_OPTION_COUNT]; /* as it was written there; NULL: not given */
  bool given[CLI_OPTION_COUNT];        /* on the command line or in the configuration file */
  char *config_text;                   /* owned: settings point into it */
} cli_request;

typedef struct cli_command {
  const char *name;
  const char *operands;                   /* "MODEL DATA" */
  int least, most;                        /* how many operands; most CLI_OPERANDS_ANY: no end */
  int (*run)(const cli_request *request); /* the exit status */
  const char *summary, *about, *example;
} cli_command;

extern const cli_command cli_commands[CLI_COMMAND_COUNT];

static inline bool cli_option_is_for(const cli_option *option, cli_command_id command) {
  return (option->commands >> command) & 1u;
}

/* ---- option_parse.c ---- */
/* Reads a command line: defaults, then --config, then the arguments. Returns 0, or the exit status after a message. */
int cli_parse(int argc, char **argv, cli_request *request);
/* Whether the network is the plain one, or described by hand: one network, which does not judge itself. */
bool cli_is_plain(const cli_settings *settings);
/* Of the options of a training: one that means nothing without another one is refused, so that none is silently ignored. */
int cli_check_pairs(const cli_request *request);
void cli_request_release(cli_request *request);

/* ---- option_find.c ---- */
/* Sets the field of an option from its text. `where` stands before a message: "--epochs", "my.conf:3: epochs". */
int cli_set_option(cli_settings *settings, const cli_option *option, const char *where, const char *value);
/* The command of that name; -1 after a message with a suggestion. */
int cli_find_command(const char *name);
/* The option of that name for a command; -1 after a message with a suggestion. */
int cli_find_option(cli_command_id command, const char *where, const char *name, size_t length);

/* ---- config_file.c ---- */
/* Applies a file of `name = value` lines. */
int cli_read_config(const char *path, cli_request *request);

/* ---- option_values.c ---- */
/* Reads one value; false when it is not what the option expects. */
bool cli_parse_value(const cli_option *option, const char *value, void *field);
/* The word for a sign between digits, "" where there is none. */
const char *cli_separator_word(int sign);
/* "a number above 0 and at most 1000": what an option expects, into text[size]; returns text. */
const char *cli_expectation(const cli_option *option, char *text, size_t size);
/* The value of an option as it would be written, into text[size]; returns text. */
const char *cli_value_text(const cli_option *option, const cli_settings *settings, char *text, size_t size);

#endif
