/* model/model_describe.c - "backprop.model" of a model file: task, loss and element type as JSON, and back; its layers are
 * written and read by model_describe_layers.c.
 *
 *   {"format":1,"task":"classification","loss":"cross_entropy","output":"softmax","dtype":"float32","seed":"0","inputs":784,
 *    "layers":[{"type":"dense","units":128,"activation":"tanh"}, …]}
 *
 * An ensemble has "members" too. With them, or with a piecewise layer, the format is 2.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "model/model_json.h"

/* ---- writing ---- */

/* "huber:1.5", {"expression":"(y - p)^2"}, or "callback" */
static void put_loss(bp_json_writer *w, const bp_model *model) {
  char text[64];
  if (model->objective.loss != BP_LOSS_EXPRESSION) {
    bp_json_put_text(w, "loss", bp_objective_text(&model->objective, text, sizeof text));
    return;
  }
  bp_json_open(w, "loss", '{');
  bp_json_put_text(w, "expression", model->expression);
  bp_json_close(w, '}');
}

/* The oldest layout that has all of the network. */
static int format_of(const bp_net *net) {
  if (bp_net_members(net) > 1) return 2;
  for (int i = 0; i < bp_net_layers(net); i++)
    if (bp_net_layer(net, i).kind == BP_LAYER_PIECEWISE) return 2;
  return 1;
}

void bp_model_put_description(bp_json_writer *writer, const char *name, const bp_model *model) {
  const bp_net *net = model->net;
  char seed[24];
  (void)snprintf(seed, sizeof seed, "%" PRIu64, model->seed);
  bp_json_open(writer, name, '{');
  bp_json_put_whole(writer, "format", format_of(net));
  bp_json_put_text(writer, "task", bp_task_name(model->task));
  put_loss(writer, model);
  bp_json_put_text(writer, "output", bp_output_name(model->objective.output));
  bp_json_put_text(writer, "dtype", bp_dtype_name(bp_net_dtype(net)));
  bp_json_put_text(writer, "seed", seed);
  bp_json_put_whole(writer, "inputs", bp_net_inputs(net));
  if (bp_net_members(net) > 1) bp_json_put_whole(writer, "members", bp_net_members(net));
  bp_model_put_layers(writer, "layers", net);
  bp_json_close(writer, '}');
}

/* ---- reading ---- */

static bp_status refuse(bp_context *ctx, const char *place, const char *expected) {
  return bp_fail(ctx, BP_E_MODEL, "backprop.model: %s: expected %s", place, expected);
}

static const char *text_of(const bp_json *object, const char *key) {
  const char *text = bp_json_text(bp_json_member(object, key));
  return text ? text : "";
}

bp_status bp_model_check_format(bp_context *ctx, const bp_json *object) {
  int64_t number;
  if (!bp_json_whole(bp_json_member(object, "format"), &number) || number < 1)
    return refuse(ctx, "format", "a whole number from 1 on");
  if (number > BP_MODEL_FORMAT)
    return bp_fail(ctx, BP_E_MODEL,
                   "made by a newer backprop: its format is %" PRId64 ", this one reads up to %d; get a newer backprop",
                   number, BP_MODEL_FORMAT);
  return BP_OK;
}

/* "name", "name:setting" or an expression; what fits the target is looked at later. */
static bp_status parse_loss(bp_context *ctx, const bp_json *loss, bp_objective *out) {
  const char *text = bp_json_text(loss), *expression = bp_json_text(bp_json_member(loss, "expression"));
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

static bp_status read_loss(bp_context *ctx, const bp_json *object, bp_model *model) {
  bp_objective o = {.rows = no_loss}; /* stands for the callback that a file cannot hold */
  const char *output = bp_json_text(bp_json_member(object, "output"));
  char message[BP_MESSAGE_MAX];
  BP_TRY(parse_loss(ctx, bp_json_member(object, "loss"), &o));
  if (output && !bp_output_find(output, &o.output))
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: output '%.40s' is not known here", output);
  bp_status status = bp_model_set_objective(ctx, model, &o);
  model->objective.rows = NULL;
  if (status == BP_OK || status == BP_E_NOMEM) return status;
  (void)snprintf(message, sizeof message, "%s", bp_error_message(ctx));
  return bp_fail(ctx, BP_E_MODEL, "backprop.model: %s", message);
}

static bp_status read_task(bp_context *ctx, const bp_json *object, bp_model *model) {
  const char *task = text_of(object, "task");
  model->task = (bp_task)model->encoding->goal;
  if (strcmp(task, bp_task_name(model->task)) != 0)
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: task is '%.40s', but the target is that of a %s", task,
                   bp_task_name(model->task));
  return read_loss(ctx, object, model);
}

static bp_status read_seed(bp_context *ctx, const bp_json *object, bp_model *model) {
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

static bp_status read_members(bp_context *ctx, const bp_json *members, bp_net *net) {
  int64_t n = 1;
  if (!members) return BP_OK;
  if (!bp_json_whole(members, &n) || n < 2 || n > BP_MEMBERS_MAX)
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: members: expected a whole number from 2 to %d", BP_MEMBERS_MAX);
  return bp_net_set_members(ctx, net, (int)n);
}

bp_status bp_model_from_description(bp_context *ctx, const bp_json *object, bp_model *model) {
  bp_dtype dtype;
  BP_TRY(read_task(ctx, object, model));
  BP_TRY(read_seed(ctx, object, model));
  if (!find_dtype(text_of(object, "dtype"), &dtype)) return refuse(ctx, "dtype", "float32 or float64");
  int64_t inputs = 0;
  if (!bp_json_whole(bp_json_member(object, "inputs"), &inputs) || inputs != model->encoding->inputs)
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: inputs is %" PRId64 ", but the columns make %" PRId64, inputs,
                   model->encoding->inputs);
  BP_TRY(bp_net_new(ctx, inputs, dtype, &model->net));
  BP_TRY(read_members(ctx, bp_json_member(object, "members"), model->net));
  return bp_model_read_layers(ctx, bp_json_member(object, "layers"), bp_objective_units(&model->objective), model->net);
}
