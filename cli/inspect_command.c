/* cli/inspect_command.c - `backprop inspect`: layers, preprocessing and training record of a model. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "inspect_gradients.h"
#include "inspect_settings.h"
#include "json_out.h"
#include "json_text.h"
#include "reading.h"

enum { COLUMNS_SHOWN = 20, CATEGORIES_SHOWN = 6, LABEL = 10, WIDTH_OF_NAMES = 39 };

/* The record, and the settings that are a text in it, as JSON too; NULL: not there. */
typedef struct record {
  bp_json *all, *settings;
} record;

static record record_of(const bp_model *model) {
  bp_json *all = cli_json_parse(bp_model_record(model));
  return (record){all, cli_json_parse(bp_json_text(bp_json_member(all, "settings")))};
}

/* The activation of a layer, with its setting; what stands behind the last one belongs to the loss. */
static const char *unit_name(const bp_model *model, int layer, char text[BP_ACTIVATION_TEXT]) {
  const bp_net *net = bp_model_net(model);
  if (layer < bp_net_layers(net) - 1) return bp_activation_text(bp_net_layer(net, layer).spec, text);
  return bp_output_name(bp_model_objective(model)->output);
}

/* ---- for people ---- */

enum { DETAIL = 2 * BP_ACTIVATION_TEXT };

/* What stands in the column of activations: "tanh", "0.2 of the units", "from layers.0", "2 tables". */
static const char *layer_detail(const bp_model *model, int number, char text[DETAIL]) {
  bp_layer_info layer = bp_net_layer(bp_model_net(model), number);
  char unit[BP_ACTIVATION_TEXT];
  const char *activation = unit_name(model, number, unit), *then = layer.activation == BP_IDENTITY ? "" : activation;
  switch (layer.kind) {
  case BP_LAYER_DROPOUT: (void)snprintf(text, DETAIL, "rate %g", layer.rate); break;
  case BP_LAYER_EMBEDDING: (void)cli_count((int64_t)layer.n_blocks, "table", text, DETAIL); break;
  case BP_LAYER_SKIP:
    if (layer.from < 0)
      (void)snprintf(text, DETAIL, "from input%s%s", *then ? ", " : "", then);
    else
      (void)snprintf(text, DETAIL, "from layers.%d%s%s", layer.from, *then ? ", " : "", then);
    break;
  default: (void)snprintf(text, DETAIL, "%s", activation); break;
  }
  return text;
}

/* The columns of the table of layers, as wide as what stands in them. */
typedef struct layer_widths {
  int name, type, detail, shape, parameters;
} layer_widths;

static layer_widths widths_of(const bp_model *model) {
  char text[DETAIL];
  layer_widths w = {.name = 12, .type = 8, .detail = 12, .shape = 16, .parameters = 12};
  for (int i = 0; i < bp_net_layers(bp_model_net(model)); i++) {
    int type = cli_width(bp_net_layer(bp_model_net(model), i).type), detail = cli_width(layer_detail(model, i, text));
    w.type = type > w.type ? type : w.type;
    w.detail = detail > w.detail ? detail : w.detail;
  }
  bool narrow = w.name + w.type + w.detail + w.shape + w.parameters + 4 > cli_line_width(cli_output());
  if (narrow) w.name = 9, w.shape = 13, w.parameters = 10;
  return w;
}

static void print_layer(const layer_widths *w, const char *name, const char *type, const char *detail,
                        const char *shape, const char *parameters) {
  cli_print("%-*s %-*s %-*s %-*s %*s\n", w->name, name, w->type, type, w->detail, detail, w->shape, shape,
            w->parameters, parameters);
}

static void report_layers(const bp_model *model) {
  char shape[48], number[32], name[32], text[DETAIL];
  const bp_net *net = bp_model_net(model);
  const layer_widths w = widths_of(model);
  print_layer(&w, "layer", "type", "activation", "output shape", "parameters");
  cli_print("%-*s %-*s %-*s [rows, %" PRId64 "]\n", w.name, "input", w.type, bp_dtype_name(bp_net_dtype(net)), w.detail,
            "", bp_net_inputs(net));
  for (int i = 0; i < bp_net_layers(net); i++) {
    bp_layer_info layer = bp_net_layer(net, i);
    (void)snprintf(name, sizeof name, "layers.%d", i);
    (void)snprintf(shape, sizeof shape, "[rows, %" PRId64 "]", layer.outputs);
    print_layer(&w, name, layer.type, layer_detail(model, i, text), shape,
                cli_thousands(layer.parameters, number, sizeof number));
  }
  print_layer(&w, "total", "", "", "", cli_thousands(bp_net_size(net), number, sizeof number));
  if (bp_net_members(net) > 1)
    cli_print("%d members of these layers, whose predictions are averaged\n", bp_net_members(net));
}

static void print_categories(const bp_column_info *column) {
  if (column->buckets > 0) cli_print("hashed to %" PRId64, column->buckets);
  for (int64_t i = 0; i < column->n_categories && i < CATEGORIES_SHOWN; i++)
    cli_print("%s%s", i ? ", " : "", column->categories[i]);
  if (column->n_categories > CATEGORIES_SHOWN) cli_print(", … (%" PRId64 " in all)", column->n_categories);
  if (column->others) cli_print("; one for all others");
}

/* "(x - 12.5) / 3.2" */
static void print_standardised(const char *name, double mean, double scale) {
  char m[32], s[32];
  cli_print("(%s %c %s) / %s", name, mean < 0 ? '+' : '-', cli_short_number(fabs(mean), m, sizeof m),
            cli_short_number(scale, s, sizeof s));
}

/* "(x - 2019-03-16) / 9.02 days, and sine and cosine of its place in: month, week" */
static void print_date(const bp_column_info *column) {
  char mean[48], scale[32], missing[48];
  bool days = column->scale >= 86400;
  cli_print("(x - %s) / %s %s", bp_date_text(floor(column->mean), mean, sizeof mean),
            cli_short_number(days ? column->scale / 86400 : column->scale, scale, sizeof scale), days ? "days" : "s");
  if (column->cycles[0]) cli_print(", and its place in: %s", column->cycles);
  if (column->indicator) cli_print("; missing: %s", bp_date_text(column->missing, missing, sizeof missing));
}

static void print_column(const bp_column_info *column) {
  char missing[32];
  int blanks = 20 - cli_width(column->name);
  cli_print("%s%*s %-9s %6" PRId64 "  ", column->name, blanks > 0 ? blanks : 0, "", column->type, column->inputs);
  bool date = strcmp(column->type, "date") == 0;
  if (strcmp(column->type, "category") == 0)
    print_categories(column);
  else if (strcmp(column->type, "bytes") == 0)
    cli_print("x / 255");
  else if (date)
    print_date(column);
  else
    print_standardised("x", column->mean, column->scale);
  if (column->indicator && !date && !isnan(column->missing))
    cli_print("; missing: %s", cli_short_number(column->missing, missing, sizeof missing));
  cli_print("\n");
}

static void report_columns(const bp_model *model) {
  int64_t columns = bp_model_columns(model);
  cli_print("\n%-20s %-9s %6s  %s\n", "column", "type", "inputs", "preparation");
  for (int64_t i = 0; i < columns && i < COLUMNS_SHOWN; i++) {
    bp_column_info column = bp_model_column(model, i);
    print_column(&column);
  }
  if (columns > COLUMNS_SHOWN) cli_print("… and %" PRId64 " more (all of them: --json)\n", columns - COLUMNS_SHOWN);
}

/* What the loss sees of each target. */
static void report_scales(const bp_model *model) {
  const bp_target_scale *s = bp_model_objective(model)->standardised;
  for (int64_t t = 0; s != NULL && t < bp_model_targets(model); t++) {
    char name[24] = "y";
    if (bp_model_targets(model) > 1) (void)snprintf(name, sizeof name, "y[%" PRId64 "]", t);
    cli_print("%-10s", name);
    print_standardised(bp_model_target_at(model, t), s[t].mean, s[t].scale);
    cli_print("\n");
  }
}

/* The same as JSON. */
static void json_targets(cli_json *json, const bp_model *model) {
  const bp_target_scale *s = bp_model_objective(model)->standardised;
  cli_json_open(json, "targets", '[');
  for (int64_t t = 0; t < bp_model_targets(model); t++) {
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "name", bp_model_target_at(model, t));
    cli_json_real(json, "mean", s ? s[t].mean : 0);
    cli_json_real(json, "scale", s ? s[t].scale : 1);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
}

static void report_target(const bp_model *model) {
  cli_print("%-10s%s: %s", "target", bp_model_target(model), bp_model_task_text(model));
  int64_t classes = bp_model_task(model) == BP_TASK_CLASSIFICATION ? bp_model_outputs(model) : 0;
  if (classes > 0) cli_print(", %" PRId64 " classes: ", classes);
  for (int64_t i = 0; i < classes && i < 12; i++) cli_print("%s%s", i ? ", " : "", bp_model_class(model, i));
  cli_print("%s\n", classes > 12 ? ", …" : "");
  report_scales(model);
  char loss[512];
  cli_print("%-10s%s\n", "loss", bp_objective_text(bp_model_objective(model), loss, sizeof loss));
}

/* {"loss": …, "accuracy": …} as "loss 0.1, accuracy 0.9". */
static void print_measures(const bp_json *measures, const char *remark) {
  char text[32];
  double loss = 0, accuracy = 0;
  (void)bp_json_number(bp_json_member(measures, "loss"), &loss);
  cli_print("loss %s", cli_short_number(loss, text, sizeof text));
  const bp_json *member = bp_json_member(measures, "accuracy");
  (void)bp_json_number(member, &accuracy);
  if (member) cli_print(", accuracy %s", cli_short_number(accuracy, text, sizeof text));
  cli_print(" %s\n", remark);
}

/* Whether members of an ensemble were judged by rows that they left out, and the others learnt from. */
static bool left_out(const bp_json *all) { return bp_json_member(all, "left_out") != NULL; }

static void report_result(const bp_json *all) {
  const bp_json *train = bp_json_member(all, "train"), *valid = bp_json_member(all, "valid");
  if (bp_json_type(train) != BP_JSON_OBJECT) return;
  cli_print("%-10s", "result");
  print_measures(train, "while learning");
  if (bp_json_type(valid) != BP_JSON_OBJECT) return;
  cli_print("%-10s", "");
  print_measures(valid, left_out(all) ? "on the rows left out, each member by itself" : "on validation rows");
}

static void report_record(const bp_model *model, const record *r) {
  char text[48];
  if (!bp_json_member(r->all, "rows")) {
    cli_print("\n%-10show is not recorded in the file\n", "trained");
    return;
  }
  int64_t valid = cli_json_whole_of(r->all, "valid_rows");
  cli_print("\n%-10s%s", "trained", cli_count(cli_json_whole_of(r->all, "rows"), "row", text, sizeof text));
  if (valid > 0)
    cli_print(", %s %s", cli_thousands(valid, text, sizeof text),
              left_out(r->all) ? "of them left out by one member each" : "for validation");
  cli_print("; %s", cli_count(cli_json_whole_of(r->all, "epochs"), "epoch", text, sizeof text));
  cli_print(", %s", cli_count(cli_json_whole_of(r->all, "steps"), "step", text, sizeof text));
  cli_print("; best epoch %" PRId64 "\n", cli_json_whole_of(r->all, "best_epoch"));
  report_result(r->all);
  cli_report_settings(model, r->settings, bp_json_member(r->all, "resolved"));
  const char *version = bp_json_text(bp_json_member(r->all, "version"));
  const char *arithmetic = bp_json_text(bp_json_member(r->all, "arithmetic"));
  if (version)
    cli_print("%-10sbackprop %s%s%s\n", "made by", version, arithmetic ? ", " : "", arithmetic ? arithmetic : "");
}

/* ---- for programs ---- */

/* What the kind of a layer has beside its shape. */
static void json_settings(cli_json *json, const bp_layer_info *layer) {
  char text[BP_ACTIVATION_TEXT];
  bool norm = layer->kind == BP_LAYER_BATCH_NORM || layer->kind == BP_LAYER_LAYER_NORM;
  if (layer->kind == BP_LAYER_DENSE) cli_json_bool(json, "bias", layer->bias);
  if (layer->kind == BP_LAYER_DROPOUT) cli_json_real(json, "rate", layer->rate);
  if (layer->kind == BP_LAYER_SKIP) cli_json_whole(json, "from", layer->from);
  if (norm) cli_json_real(json, "epsilon", layer->epsilon);
  if (layer->kind == BP_LAYER_BATCH_NORM) cli_json_real(json, "momentum", layer->momentum);
  if (layer->kind == BP_LAYER_EMBEDDING) cli_json_whole(json, "tables", (int64_t)layer->n_blocks);
  cli_json_text(json, "activation", bp_activation_text(layer->spec, text));
}

static void json_layers(cli_json *json, const bp_model *model) {
  const bp_net *net = bp_model_net(model);
  cli_json_open(json, "layers", '[');
  for (int i = 0; i < bp_net_layers(net); i++) {
    bp_layer_info layer = bp_net_layer(net, i);
    char name[32];
    (void)snprintf(name, sizeof name, "layers.%d", i);
    cli_json_open(json, NULL, '{');
    cli_json_text(json, "name", name);
    cli_json_text(json, "type", layer.type);
    json_settings(json, &layer);
    cli_json_open(json, "output", '[');
    cli_json_whole(json, NULL, layer.outputs);
    cli_json_close(json, ']');
    cli_json_whole(json, "parameters", layer.parameters);
    cli_json_close(json, '}');
  }
  cli_json_close(json, ']');
}

static void json_column(cli_json *json, const bp_column_info *column) {
  bool category = strcmp(column->type, "category") == 0;
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "name", column->name);
  cli_json_text(json, "type", column->type);
  cli_json_whole(json, "inputs", column->inputs);
  cli_json_bool(json, "indicator", column->indicator);
  if (category) {
    cli_json_open(json, "categories", '[');
    for (int64_t i = 0; i < column->n_categories; i++) cli_json_text(json, NULL, column->categories[i]);
    cli_json_close(json, ']');
    cli_json_bool(json, "others", column->others);
    cli_json_whole(json, "buckets", column->buckets);
  } else {
    cli_json_real(json, "mean", column->mean);
    cli_json_real(json, "scale", column->scale);
    cli_json_real(json, "missing", column->missing);
  }
  if (column->cycles[0]) cli_json_text(json, "cycles", column->cycles);
  cli_json_close(json, '}');
}

/* The record with the settings as an object. */
static void json_record(cli_json *json, const record *r) {
  cli_json_open(json, "record", '{');
  for (const bp_json *v = bp_json_first(r->all); v; v = bp_json_next(v)) {
    bool settings = r->settings && strcmp(bp_json_name(v), "settings") == 0;
    cli_json_value(json, bp_json_name(v), settings ? r->settings : v);
  }
  cli_json_close(json, '}');
}

static void json_model(cli_json *json, const bp_model *model, const record *r, const cli_gradients *gradients) {
  cli_json_open(json, NULL, '{');
  cli_json_whole(json, "parameters", bp_net_size(bp_model_net(model)));
  cli_json_text(json, "task", bp_model_task_text(model));
  char loss[4096];
  cli_json_text(json, "loss", bp_objective_text(bp_model_objective(model), loss, sizeof loss));
  cli_json_text(json, "output_unit", bp_output_name(bp_model_objective(model)->output));
  cli_json_text(json, "dtype", bp_dtype_name(bp_net_dtype(bp_model_net(model))));
  cli_json_whole(json, "inputs", bp_net_inputs(bp_model_net(model)));
  json_layers(json, model);
  cli_json_text(json, "target", bp_model_target(model));
  json_targets(json, model);
  cli_json_open(json, "classes", '[');
  if (bp_model_task(model) == BP_TASK_CLASSIFICATION)
    for (int64_t i = 0; i < bp_model_outputs(model); i++) cli_json_text(json, NULL, bp_model_class(model, i));
  cli_json_close(json, ']');
  cli_json_open(json, "columns", '[');
  for (int64_t i = 0; i < bp_model_columns(model); i++) {
    bp_column_info column = bp_model_column(model, i);
    json_column(json, &column);
  }
  cli_json_close(json, ']');
  json_record(json, r);
  if (gradients) cli_json_gradients(json, model, gradients);
  cli_json_close(json, '}');
}

/* ---- the command ---- */

static void report(const bp_model *model, const record *r, const cli_gradients *gradients) {
  report_layers(model);
  if (gradients) {
    cli_report_gradients(model, gradients);
    return;
  }
  cli_wrap_output(WIDTH_OF_NAMES);
  report_columns(model);
  cli_print("\n");
  cli_wrap_output(LABEL);
  report_target(model);
  report_record(model, r);
  cli_wrap_output(0);
}

static void inspect(const cli_request *request, const bp_model *model, const cli_gradients *gradients) {
  record r = record_of(model);
  if (request->settings.json) {
    cli_json json = {.file = cli_output()};
    json_model(&json, model, &r, gradients);
    cli_print("\n");
  } else
    report(model, &r, gradients);
  bp_json_free(r.settings);
  bp_json_free(r.all);
}

/* Options that say how to read data need data. */
static int check(const cli_request *request) {
  static const cli_option_id about_data[] = {CLI_OPTION_labels,  CLI_OPTION_delimiter, CLI_OPTION_header,
                                             CLI_OPTION_missing, CLI_OPTION_text,      CLI_OPTION_skip,
                                             CLI_OPTION_comment, CLI_OPTION_threads};
  for (size_t i = 0; i < sizeof about_data / sizeof *about_data && !request->settings.gradients; i++)
    if (request->given[about_data[i]])
      return cli_fail(CLI_USAGE, "inspect: --%s goes with --gradients DATA", cli_options[about_data[i]].name);
  return CLI_DONE;
}

int cli_run_inspect(const cli_request *request) {
  bp_context *context;
  bp_model *model = NULL;
  cli_gradients gradients = {0};
  bool measured = request->settings.gradients != NULL;
  int status = check(request);
  if (status == CLI_DONE) status = cli_new_context(request->settings.quiet, request->settings.max_memory, &context);
  if (status) return status;
  status = cli_load_model(context, request->operands[0], &model);
  if (status == CLI_DONE && measured) status = cli_measure_gradients(context, &request->settings, model, &gradients);
  if (status == CLI_DONE) inspect(request, model, measured ? &gradients : NULL);
  free(gradients.layers);
  bp_model_free(model);
  bp_context_free(context);
  return status;
}
