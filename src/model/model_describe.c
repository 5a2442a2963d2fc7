/* model/model_describe.c - "backprop.model" of a model file: task, loss and element type as JSON, and back; its layers are
 * written and read by model_describe_layers.c.
 *
 *   {"format":1,"task":"classification","loss":"cross_entropy","output":"softmax","dtype":"float32","seed":"0","inputs":784,
 *    "layers":[{"type":"dense","units":128,"activation":"tanh"}, …]}
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "model/model_json.h"

/* ---- writing ---- */

/* "huber:1.5", {"expression":"(y - p)^2"}, or "callback" */
static json_t *describe_loss(const bp_model *model) {
  char text[64];
  if (model->objective.loss == BP_LOSS_EXPRESSION) return json_pack("{s:s}", "expression", model->expression);
  return json_string(bp_objective_text(&model->objective, text, sizeof text));
}

bp_status bp_model_describe(bp_context *ctx, const bp_model *model, char **out, size_t *size) {
  const bp_net *net = model->net;
  json_t *layers = bp_model_describe_layers(net), *object = NULL;
  if (layers)
    object =
        json_pack("{s:i,s:s,s:o,s:s,s:s,s:o,s:I,s:o}", "format", BP_MODEL_FORMAT, "task", bp_task_name(model->task),
                  "loss", describe_loss(model), "output", bp_output_name(model->objective.output), "dtype",
                  bp_dtype_name(bp_net_dtype(net)), "seed", json_sprintf("%" PRIu64, model->seed), "inputs",
                  (json_int_t)bp_net_inputs(net), "layers", layers);
  return bp_json_take_text(ctx, object, out, size);
}

/* ---- reading ---- */

static bp_status refuse(bp_context *ctx, const char *place, const char *expected) {
  return bp_fail(ctx, BP_E_MODEL, "backprop.model: %s: expected %s", place, expected);
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

bp_status bp_model_check_format(bp_context *ctx, const json_t *object) {
  const json_t *format = json_object_get(object, "format");
  json_int_t number = json_integer_value(format);
  if (!json_is_integer(format) || number < 1) return refuse(ctx, "format", "a whole number from 1 on");
  if (number > BP_MODEL_FORMAT)
    return bp_fail(ctx, BP_E_MODEL,
                   "made by a newer backprop: its format is %" JSON_INTEGER_FORMAT
                   ", this one reads up to %d; get a newer backprop",
                   number, BP_MODEL_FORMAT);
  return BP_OK;
}

/* "name", "name:setting" or an expression; what fits the target is looked at later. */
static bp_status parse_loss(bp_context *ctx, const json_t *loss, bp_objective *out) {
  const char *text = json_string_value(loss), *expression = json_string_value(json_object_get(loss, "expression"));
  char message[BP_MESSAGE_MAX];
  if (expression) {
    out->loss = BP_LOSS_EXPRESSION;
    out->expression = expression;
    return BP_OK;
  }
  if (!text) return refuse(ctx, "loss", "a name, or an object with an expression");
  if (strcmp(text, bp_loss_name(BP_LOSS_CALLBACK)) == 0) {
    out->loss = BP_LOSS_CALLBACK;
    return BP_OK;
  }
  bp_status status = bp_objective_parse(ctx, text, out);
  if (status == BP_OK && out->loss != BP_LOSS_EXPRESSION && out->loss != BP_LOSS_AUTO) return BP_OK;
  if (status == BP_OK) return bp_fail(ctx, BP_E_MODEL, "backprop.model: loss '%.40s' is not known here", text);
  (void)snprintf(message, sizeof message, "%s", bp_error_message(ctx));
  return bp_fail(ctx, BP_E_MODEL, "backprop.model: loss: %s", message);
}

static bp_var no_loss(void *user, bp_var z, bp_var p, bp_var y) {
  (void)user, (void)p, (void)y;
  return z;
}

static bp_status read_loss(bp_context *ctx, const json_t *object, bp_model *model) {
  bp_objective o = {.rows = no_loss}; /* stands for the callback that a file cannot hold */
  const char *output = json_string_value(json_object_get(object, "output"));
  char message[BP_MESSAGE_MAX];
  BP_TRY(parse_loss(ctx, json_object_get(object, "loss"), &o));
  if (output && !bp_output_find(output, &o.output))
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: output '%.40s' is not known here", output);
  bp_status status = bp_model_set_objective(ctx, model, &o);
  model->objective.rows = NULL;
  if (status == BP_OK || status == BP_E_NOMEM) return status;
  (void)snprintf(message, sizeof message, "%s", bp_error_message(ctx));
  return bp_fail(ctx, BP_E_MODEL, "backprop.model: %s", message);
}

static bp_status read_task(bp_context *ctx, const json_t *object, bp_model *model) {
  const char *task = text_of(object, "task");
  model->task = (bp_task)model->encoding->goal;
  if (strcmp(task, bp_task_name(model->task)) != 0)
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: task is '%.40s', but the target is that of a %s", task,
                   bp_task_name(model->task));
  return read_loss(ctx, object, model);
}

static bp_status read_seed(bp_context *ctx, const json_t *object, bp_model *model) {
  const char *text = text_of(object, "seed");
  uint64_t seed = 0;
  size_t digits = strlen(text);
  for (size_t i = 0; i < digits; i++) {
    uint64_t digit = (uint64_t)(text[i] - '0');
    if (text[i] < '0' || text[i] > '9' || seed > (UINT64_MAX - digit) / 10) digits = 0;
    seed = seed * 10 + digit;
  }
  if (digits == 0) return refuse(ctx, "seed", "a text of digits that fits in 64 bits");
  model->seed = seed;
  return BP_OK;
}

static bool find_dtype(const char *name, bp_dtype *out) {
  *out = strcmp(name, bp_dtype_name(BP_F64)) == 0 ? BP_F64 : BP_F32;
  return strcmp(name, bp_dtype_name(*out)) == 0;
}

bp_status bp_model_from_description(bp_context *ctx, const json_t *object, bp_model *model) {
  bp_dtype dtype;
  BP_TRY(read_task(ctx, object, model));
  BP_TRY(read_seed(ctx, object, model));
  if (!find_dtype(text_of(object, "dtype"), &dtype)) return refuse(ctx, "dtype", "float32 or float64");
  json_int_t inputs = json_integer_value(json_object_get(object, "inputs"));
  if (inputs != model->encoding->inputs)
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: inputs is %" JSON_INTEGER_FORMAT ", but the columns make %" PRId64,
                   inputs, model->encoding->inputs);
  BP_TRY(bp_net_new(ctx, inputs, dtype, &model->net));
  return bp_model_read_layers(ctx, json_object_get(object, "layers"), bp_objective_units(&model->objective),
                              model->net);
}
