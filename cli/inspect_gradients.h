/* cli/inspect_gradients.h - error signals and gradients of each layer on a data set, for `inspect --gradients`. */
#ifndef BACKPROP_CLI_INSPECT_GRADIENTS_H
#define BACKPROP_CLI_INSPECT_GRADIENTS_H
#include "backprop/diagnose.h"
#include "json_out.h"
#include "options.h"

typedef struct cli_gradients {
  int64_t rows;
  double loss;
  bp_layer_gradient *layers; /* owned: free() */
} cli_gradients;

/* Reads the data that --gradients names and measures the model on it. Returns 0, or an exit status after a message. */
int cli_measure_gradients(bp_context *context, const cli_settings *settings, const bp_model *model, cli_gradients *out);
void cli_report_gradients(const bp_model *model, const cli_gradients *gradients);
/* The member "gradients" of an object. */
void cli_json_gradients(cli_json *json, const bp_model *model, const cli_gradients *gradients);

#endif
