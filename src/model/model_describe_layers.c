/* model/model_describe_layers.c - the layers of a network as JSON, and back.
 *
 *   [{"type":"embedding","blocks":[{"first":1,"count":3,"width":2}]}, {"type":"dense","units":128,"activation":"identity"},
 *    {"type":"batch_norm","epsilon":1e-05,"momentum":0.1,"activation":"leaky_relu:0.2"}, {"type":"dropout","rate":0.5},
 *    {"type":"skip","from":0,"activation":"identity"}, …]
 *
 * A field that is not known is refused: it would come from a newer version that means something by it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "model/model_json.h"

/* Every hidden layer with its normalisation, dropout and skip, and what stands in front and behind. */
enum { MODEL_LAYERS_MAX = 4 * BP_LAYERS_MAX + 3, FIELDS_MAX = 4 };

/* ---- writing ---- */

static json_t *describe_blocks(const bp_layer_info *info) {
  json_t *blocks = json_array();
  for (size_t i = 0; blocks && i < info->n_blocks; i++) {
    const bp_embedding_block *b = &info->blocks[i];
    json_t *block = json_pack("{s:I,s:I,s:I}", "first", (json_int_t)b->first, "count", (json_int_t)b->count, "width",
                              (json_int_t)b->width);
    if (json_array_append_new(blocks, block) == 0) continue;
    json_decref(blocks);
    return NULL;
  }
  return blocks;
}

static json_t *describe_layer(const bp_layer_info *info) {
  char activation[BP_ACTIVATION_TEXT];
  (void)bp_activation_text(info->spec, activation);
  switch (info->kind) {
  case BP_LAYER_DENSE:
    if (!info->bias)
      return json_pack("{s:s,s:I,s:s,s:b}", "type", info->type, "units", (json_int_t)info->outputs, "activation",
                       activation, "bias", 0);
    return json_pack("{s:s,s:I,s:s}", "type", info->type, "units", (json_int_t)info->outputs, "activation", activation);
  case BP_LAYER_BATCH_NORM:
    return json_pack("{s:s,s:f,s:f,s:s}", "type", info->type, "epsilon", info->epsilon, "momentum", info->momentum,
                     "activation", activation);
  case BP_LAYER_LAYER_NORM:
    return json_pack("{s:s,s:f,s:s}", "type", info->type, "epsilon", info->epsilon, "activation", activation);
  case BP_LAYER_DROPOUT: return json_pack("{s:s,s:f}", "type", info->type, "rate", info->rate);
  case BP_LAYER_SKIP:
    return json_pack("{s:s,s:i,s:s}", "type", info->type, "from", info->from, "activation", activation);
  default: return json_pack("{s:s,s:o}", "type", info->type, "blocks", describe_blocks(info));
  }
}

json_t *bp_model_describe_layers(const bp_net *net) {
  json_t *layers = json_array();
  for (int i = 0; layers && i < bp_net_layers(net); i++) {
    bp_layer_info info = bp_net_layer(net, i);
    if (json_array_append_new(layers, describe_layer(&info)) == 0) continue;
    json_decref(layers);
    return NULL;
  }
  return layers;
}

/* ---- reading ---- */

/* One layer of a file. */
typedef struct layer_reader {
  bp_context *ctx;
  bp_net *net;
  const json_t *layer;
  char place[32]; /* "layers[3]" */
} layer_reader;

static bp_status refuse(const layer_reader *r, const char *expected) {
  return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: expected %s", r->place, expected);
}

/* What the network refuses is the file's fault here. */
static bp_status added(const layer_reader *r, bp_status status) {
  char message[256];
  if (status == BP_OK || status == BP_E_NOMEM) return status;
  (void)snprintf(message, sizeof message, "%s", bp_error_message(r->ctx));
  return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: %s", r->place, message);
}

static bp_status read_activation(const layer_reader *r, bp_activation_spec *out) {
  const char *text = json_string_value(json_object_get(r->layer, "activation"));
  if (!text) return refuse(r, "an activation");
  if (bp_activation_parse(text, out)) return BP_OK;
  return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: activation '%.40s' is not known here", r->place, text);
}

static bp_status read_number(const layer_reader *r, const char *key, double *out) {
  const json_t *value = json_object_get(r->layer, key);
  if (!json_is_number(value))
    return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: expected a number as %s", r->place, key);
  *out = json_number_value(value);
  return BP_OK;
}

static bp_status read_dense(const layer_reader *r) {
  const json_t *units = json_object_get(r->layer, "units"), *bias = json_object_get(r->layer, "bias");
  bp_dense_options o = {.size = sizeof o, .units = json_integer_value(units)};
  if (!json_is_integer(units) || o.units < 1 || o.units > 1 << 24) return refuse(r, "units from 1 to 16777216");
  if (bias && !json_is_boolean(bias)) return refuse(r, "true or false as bias");
  o.no_bias = json_is_false(bias);
  BP_TRY(read_activation(r, &o.activation));
  return added(r, bp_net_add_dense(r->ctx, r->net, &o));
}

static bp_status read_norm(const layer_reader *r, bool batch) {
  bp_norm_options o = {.size = sizeof o};
  BP_TRY(read_number(r, "epsilon", &o.epsilon));
  if (batch) BP_TRY(read_number(r, "momentum", &o.momentum));
  BP_TRY(read_activation(r, &o.activation));
  return added(r, batch ? bp_net_batch_norm(r->ctx, r->net, &o) : bp_net_layer_norm(r->ctx, r->net, &o));
}
static bp_status read_batch_norm(const layer_reader *r) { return read_norm(r, true); }
static bp_status read_layer_norm(const layer_reader *r) { return read_norm(r, false); }

static bp_status read_dropout(const layer_reader *r) {
  double rate;
  BP_TRY(read_number(r, "rate", &rate));
  return added(r, bp_net_dropout(r->ctx, r->net, rate));
}

static bp_status read_skip(const layer_reader *r) {
  const json_t *from = json_object_get(r->layer, "from");
  bp_skip_options o = {.size = sizeof o};
  json_int_t number = json_integer_value(from);
  if (!json_is_integer(from) || number < -1 || number > MODEL_LAYERS_MAX)
    return refuse(r, "the number of an earlier layer, or -1, as from");
  o.from = (int)number;
  BP_TRY(read_activation(r, &o.activation));
  return added(r, bp_net_skip(r->ctx, r->net, &o));
}

static bool read_block(const json_t *block, bp_embedding_block *out) {
  const json_t *first = json_object_get(block, "first"), *count = json_object_get(block, "count"),
               *width = json_object_get(block, "width");
  *out = (bp_embedding_block){json_integer_value(first), json_integer_value(count), json_integer_value(width)};
  return json_object_size(block) == 3 && json_is_integer(first) && json_is_integer(count) && json_is_integer(width) &&
         out->count >= 1 && out->count <= 1 << 24;
}

static bp_status read_embedding(const layer_reader *r) {
  const json_t *list = json_object_get(r->layer, "blocks");
  size_t n = json_array_size(list);
  bool good = n > 0;
  bp_embedding_block *blocks = bp_alloc(r->ctx, n, sizeof *blocks);
  if (!blocks) return BP_E_NOMEM;
  for (size_t i = 0; i < n && good; i++) good = read_block(json_array_get(list, i), &blocks[i]);
  bp_status status = good ? added(r, bp_net_embedding(r->ctx, r->net, blocks, n))
                          : refuse(r, "blocks, each with a whole first, count and width");
  bp_release(bp_context_allocator(r->ctx), blocks, n, sizeof *blocks);
  return status;
}

static const struct {
  bp_layer_kind kind;
  const char *fields[FIELDS_MAX]; /* beside type */
  bp_status (*read)(const layer_reader *r);
} readers[] = {
    {BP_LAYER_DENSE, {"units", "activation", "bias"}, read_dense},
    {BP_LAYER_BATCH_NORM, {"epsilon", "momentum", "activation"}, read_batch_norm},
    {BP_LAYER_LAYER_NORM, {"epsilon", "activation"}, read_layer_norm},
    {BP_LAYER_DROPOUT, {"rate"}, read_dropout},
    {BP_LAYER_SKIP, {"from", "activation"}, read_skip},
    {BP_LAYER_EMBEDDING, {"blocks"}, read_embedding},
};
enum { READERS = sizeof readers / sizeof *readers };

static bool has_field(const char *const *fields, const char *name) {
  for (int i = 0; i < FIELDS_MAX && fields[i]; i++)
    if (strcmp(fields[i], name) == 0) return true;
  return strcmp(name, "type") == 0;
}

static bp_status read_layer(const layer_reader *r) {
  const char *type = json_string_value(json_object_get(r->layer, "type"));
  int i = 0;
  if (!type) return refuse(r, "a layer with a type");
  while (i < READERS && strcmp(type, bp_layer_kind_name(readers[i].kind)) != 0) i++;
  if (i == READERS)
    return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: type '%.40s' is not known here", r->place, type);
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)r->layer, name, value) {
    if (!has_field(readers[i].fields, name))
      return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: field '%.40s' of a layer of type %s is not known here",
                     r->place, name, type);
  }
  return readers[i].read(r);
}

/* The loss brings the output unit, so the last layer has none of its own. */
static bp_status check_last(bp_context *ctx, const bp_net *net, int64_t units) {
  bp_layer_info last = bp_net_layer(net, bp_net_layers(net) - 1);
  if (last.kind == BP_LAYER_DENSE && last.outputs == units && last.activation == BP_IDENTITY && last.spec.setting == 1)
    return BP_OK;
  return bp_fail(ctx, BP_E_MODEL, "backprop.model: the last layer: expected %" PRId64 " units of identity", units);
}

bp_status bp_model_read_layers(bp_context *ctx, const json_t *layers, int64_t units, bp_net *net) {
  size_t n = json_array_size(layers);
  if (!json_is_array(layers) || n < 1 || n > MODEL_LAYERS_MAX)
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: layers: expected an array of 1 to %d layers", MODEL_LAYERS_MAX);
  for (size_t i = 0; i < n; i++) {
    layer_reader r = {.ctx = ctx, .net = net, .layer = json_array_get(layers, i)};
    (void)snprintf(r.place, sizeof r.place, "layers[%zu]", i);
    BP_TRY(read_layer(&r));
  }
  return check_last(ctx, net, units);
}
