/* cli/train_report.h - what `train` says when it is done: a summary for people, or one JSON object. */
#ifndef BACKPROP_CLI_TRAIN_REPORT_H
#define BACKPROP_CLI_TRAIN_REPORT_H
#include "progress.h"

/* A run of `train`, from its tables to its model. */
typedef struct cli_job {
  bp_context *context;
  bp_table *table, *valid;
  bp_model *model; /* NULL until trained */
  bp_fit_result result;
  bp_objective objective; /* loss, setting and expression */
  cli_training progress;
  const char *data, *out;
  char *checkpoint;                     /* owned; NULL: none */
  const struct cli_past *past;          /* the run that goes on; NULL: none */
  bool left_out;                        /* validation rows were left out by members, and learnt from by the others */
  int64_t batch_size, rows, valid_rows; /* rows learnt from and set aside: known when trained */
  double seconds_reading, tolerance;
  int64_t
      replaced; /* when the file was written that the model takes the place of, in seconds since 1970; -1: there was none */
} cli_job;

int cli_report_training(const cli_job *job, const cli_request *request);
void cli_report_json(const cli_job *job);

#endif
