/* cli/progress.h - how training goes on: a bar on a terminal, plain lines in a log, one JSON object per epoch in a file. */
#ifndef BACKPROP_CLI_PROGRESS_H
#define BACKPROP_CLI_PROGRESS_H
#include "backprop/train.h"
#include "file_out.h"
#include "options.h"
#include "signals.h"

enum { CLI_NORMS_MAX = 512 }; /* layers in the log */

typedef struct cli_training {
  cli_progress style; /* BAR, PLAIN or NONE */
  bool colour, utf8, bar_shown, header_shown;
  bool has_accuracy; /* known once the first numbers came */
  bool has_valid;
  int epochs;     /* in all */
  int last_epoch; /* seen last */
  int64_t last_step;
  bp_epoch last;                       /* that ended; epoch 0: none */
  bool last_shown;                     /* has a line */
  int layers;                          /* of norms; 0: none */
  bp_layer_norms norms[CLI_NORMS_MAX]; /* of the last step of the epoch */
  int first_epoch;                     /* 1, or the one that a run goes on with */
  double drawn;                        /* seconds at which the bar was drawn last */
  cli_out *log;                        /* NULL: none */
} cli_training;

void cli_progress_begin(cli_training *training, const cli_settings *settings, int epochs, bool has_valid, cli_out *log);
/* A bp_progress_fn whose user is a cli_training; false once a signal asked to stop. */
bool cli_progress_step(void *user, const bp_epoch *epoch, double done);
/* A bp_fit_step_fn: does what signals asked for. */
bp_action cli_progress_after_step(void *user, const bp_fit_step *step);
/* The lines of the log for the epochs of an earlier run, which this one goes on with. */
void cli_progress_past(cli_training *training, const bp_epoch *history, int epochs);
void cli_progress_end(cli_training *training);

#endif
