/* cli/inspect_gradients.c - error signals and gradients of each layer on a data set, for `inspect --gradients`. */
#include "inspect_gradients.h"

#include <inttypes.h>
#include <stdlib.h>

#include "console.h"
#include "reading.h"

int cli_measure_gradients(bp_context *context, const cli_settings *settings, const bp_model *model,
                          cli_gradients *out) {
  bp_table *table = NULL;
  int failed = cli_read_for_model(context, settings, model, settings->gradients, &table);
  if (failed) return failed;
  out->layers = cli_alloc((size_t)bp_net_layers(bp_model_net(model)), sizeof *out->layers);
  bp_status status = bp_model_layer_gradients(context, model, table, (int)settings->threads, &out->loss, out->layers);
  if (status == BP_OK) status = bp_model_labelled_rows(context, model, table, &out->rows);
  bp_table_free(table);
  return status == BP_OK ? CLI_DONE : cli_fail_with(context, status);
}

/* ---- for people ---- */

static void cell(double value) {
  char text[32];
  (void)snprintf(text, sizeof text, "%.4g", value);
  cli_print(" %11s", text);
}

void cli_report_gradients(const bp_model *model, const cli_gradients *gradients) {
  char rows[32], loss[32];
  cli_print("\ngradients on %s, mean loss R = %s\n", cli_count(gradients->rows, "row", rows, sizeof rows),
            cli_short_number(gradients->loss, loss, sizeof loss));
  cli_print("%-12s %11s %11s %11s %11s %11s\n", "layer", "|z|", "|dR/dz|", "|W|", "|dR/dW|", "|dR/db|");
  for (int i = 0; i < bp_net_layers(bp_model_net(model)); i++) {
    const bp_layer_gradient *layer = &gradients->layers[i];
    char name[32];
    (void)snprintf(name, sizeof name, "layers.%d", i);
    cli_print("%-12s", name);
    cell(layer->output);
    cell(layer->error_signal);
    cell(layer->weight);
    cell(layer->weight_gradient);
    cell(layer->bias_gradient);
    cli_print("\n");
  }
  cli_wrap_output(5);
  cli_print("|.|: root of the sum of squares; z, the layer's output, and dR/dz, its error signal: of a row, root mean "
            "square over rows\n");
  cli_wrap_output(0);
}

/* ---- for programs ---- */

void cli_json_gradients(cli_json *json, const bp_model *model, const cli_gradients *gradients) {
  cli_json_open(json, "gradients", '{');
  cli_json_whole(json, "rows", gradients->rows);
  cli_json_real(json, "loss", gradients->loss);
  cli_json_open(json, "layers", '[');
  for (int i = 0; i < bp_net_layers(bp_model_net(model)); i++) {
    const bp_layer_gradient *layer = &gradients->layers[i];
    char name[32];
    (void)snprintf(name, sizeof name, "layers.%d", i);
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "name", name);
    cli_json_real(json, "output", layer->output);
    cli_json_real(json, "error_signal", layer->error_signal);
    cli_json_real(json, "weight", layer->weight);
    cli_json_real(json, "weight_gradient", layer->weight_gradient);
    cli_json_real(json, "bias_gradient", layer->bias_gradient);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
  cli_json_close(json, '}');
}
