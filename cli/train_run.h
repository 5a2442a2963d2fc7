/* cli/train_run.h - a training run, for `train` and for `resume`. */
#ifndef BACKPROP_CLI_TRAIN_RUN_H
#define BACKPROP_CLI_TRAIN_RUN_H
#include "backprop/checkpoint.h"
#include "options.h"

/* The run that goes on. */
typedef struct cli_past {
  const char *path; /* its checkpoint */
  int epochs;       /* that were through */
  const bp_epoch *history;
} cli_past;

/* Trains as the settings say, and reports. past NULL: from the start. Returns the exit status. */
int cli_train(const cli_request *request, const char *data, const cli_past *past);

/* ---- checkpoint_note.c ---- */
/* NEW note for a checkpoint of that path: where the data are, and the options that were given. NULL when a text is not UTF-8. bp_string_free() */
char *cli_checkpoint_note(const cli_request *request, const char *data, const char *checkpoint);
/* The files that a run writes beside its checkpoint. */
enum { CLI_NOTED_OUTPUTS = 2 };
extern const cli_option_id cli_noted_outputs[CLI_NOTED_OUTPUTS];
/* Whether a run that goes on needs the option: all of `train` but those that only say what is shown. */
bool cli_option_is_noted(const cli_option *option);

#endif
