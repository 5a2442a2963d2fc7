/* cli/gradcheck_command.c - `backprop gradcheck`: the gradient of a model's loss against difference quotients, in float64. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "backprop/diagnose.h"
#include "commands.h"
#include "console.h"
#include "json_out.h"
#include "reading.h"

/* One check and what it found. */
typedef struct verdict {
  const bp_model *model;
  int64_t rows;
  double loss;
  bp_param_check *params;
  bool agrees;
} verdict;

static int params_of(const verdict *v) { return bp_net_params(bp_model_net(v->model)); }

static const bp_param_check *worst_of(const verdict *v) {
  int worst = 0;
  for (int p = 1; p < params_of(v); p++)
    if (v->params[p].error > v->params[worst].error) worst = p;
  return &v->params[worst];
}

static int64_t checked_of(const verdict *v) {
  int64_t checked = 0;
  for (int p = 0; p < params_of(v); p++) checked += v->params[p].checked;
  return checked;
}

/* ---- for people ---- */

static void report_param(const bp_param_info *info, const bp_param_check *check) {
  char shape[48], element[24], rules[32], quotient[32], error[32];
  if (info->rank == 2)
    (void)snprintf(shape, sizeof shape, "[%" PRId64 ", %" PRId64 "]", info->dims[0], info->dims[1]);
  else
    (void)snprintf(shape, sizeof shape, "[%" PRId64 "]", info->elements);
  (void)snprintf(element, sizeof element, "%" PRId64, check->element);
  (void)snprintf(rules, sizeof rules, "%.8g", check->derivative);
  (void)snprintf(quotient, sizeof quotient, "%.8g", check->difference);
  (void)snprintf(error, sizeof error, "%.2g", check->error);
  cli_print("%-18s %-12s %7" PRId64 " %8s %15s %15s %8s  %s\n", info->name, shape, check->checked, element, rules,
            quotient, error, check->error <= 1 ? "agrees" : "DIFFERS");
}

static void report(const verdict *v) {
  char rows[32], elements[32], loss[32];
  cli_print("%-18s %-12s %7s %8s %15s %15s %8s\n", "parameter", "shape", "checked", "worst", "by rules",
            "by differences", "error");
  for (int p = 0; p < params_of(v); p++) {
    bp_param_info info = bp_net_param(bp_model_net(v->model), p);
    report_param(&info, &v->params[p]);
  }
  cli_print("error: difference / allowed difference of the worst element\n");
  cli_print("%s: %s on %s, mean loss %s\n", v->agrees ? "gradients agree" : "GRADIENTS DIFFER",
            cli_count(checked_of(v), "element", elements, sizeof elements),
            cli_count(v->rows, "row", rows, sizeof rows), cli_short_number(v->loss, loss, sizeof loss));
}

/* ---- for programs ---- */

static void json_param(cli_json *json, const bp_param_info *info, const bp_param_check *check) {
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "name", info->name);
  cli_json_open(json, "shape", '[');
  for (int axis = 0; axis < info->rank; axis++) cli_json_whole(json, NULL, info->dims[axis]);
  cli_json_close(json, ']');
  cli_json_whole(json, "checked", check->checked);
  cli_json_whole(json, "element", check->element);
  cli_json_real(json, "derivative", check->derivative);
  cli_json_real(json, "difference", check->difference);
  cli_json_text(json, "mode", check->forward ? "forward" : "reverse");
  cli_json_real(json, "error", check->error);
  cli_json_bool(json, "agrees", check->error <= 1);
  cli_json_close(json, '}');
}

static void report_json(const verdict *v) {
  cli_json json = {.file = cli_output()};
  cli_json_open(&json, NULL, '{');
  cli_json_bool(&json, "agrees", v->agrees);
  cli_json_whole(&json, "rows", v->rows);
  cli_json_real(&json, "loss", v->loss);
  cli_json_whole(&json, "checked", checked_of(v));
  cli_json_real(&json, "error", worst_of(v)->error);
  cli_json_open(&json, "parameters", '[');
  for (int p = 0; p < params_of(v); p++) {
    bp_param_info info = bp_net_param(bp_model_net(v->model), p);
    json_param(&json, &info, &v->params[p]);
  }
  cli_json_close(&json, ']');
  cli_json_close(&json, '}');
  cli_print("\n");
}

/* ---- the command ---- */

static int check(bp_context *context, const cli_request *request, verdict *v) {
  const cli_settings *s = &request->settings;
  bp_table *table = NULL;
  bp_model_check_options options = {
      .size = sizeof options, .rows = s->rows, .elements = s->elements, .relative = s->relative};
  int failed = cli_read_for_model(context, s, v->model, request->operands[1], &table);
  if (failed) return failed;
  v->params = cli_alloc((size_t)params_of(v), sizeof *v->params);
  int64_t rows = 0;
  bp_status status = bp_model_labelled_rows(context, v->model, table, &rows);
  if (status == BP_OK) status = bp_model_gradcheck(context, v->model, table, &options, &v->loss, v->params);
  v->rows = rows < s->rows ? rows : s->rows;
  bp_table_free(table);
  v->agrees = status == BP_OK;
  if (status != BP_OK && status != BP_E_CHECK) return cli_fail_with(context, status);
  if (s->json)
    report_json(v);
  else
    report(v);
  return v->agrees ? CLI_DONE : cli_fail(CLI_CHECK_FAILED, "gradcheck: %s", bp_error_message(context));
}

int cli_run_gradcheck(const cli_request *request) {
  bp_context *context;
  bp_model *model = NULL;
  verdict v = {0};
  int status = cli_new_context(request->settings.quiet, request->settings.max_memory, &context);
  if (status) return status;
  status = cli_load_model(context, request->operands[0], &model);
  v.model = model;
  if (status == CLI_DONE) status = check(context, request, &v);
  free(v.params);
  bp_model_free(model);
  bp_context_free(context);
  return status;
}
