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
enum { MODEL_LAYERS_MAX = 4 * BP_LAYERS_MAX + 4, FIELDS_MAX = 4 };

/* ---- writing ---- */

static void put_blocks(bp_json_writer *w, const bp_layer_info *info) {
  bp_json_open(w, "blocks", '[');
  for (size_t i = 0; i < info->n_blocks; i++) {
    const bp_embedding_block *b = &info->blocks[i];
    bp_json_open(w, NULL, '{');
    bp_json_put_whole(w, "first", b->first);
    bp_json_put_whole(w, "count", b->count);
    bp_json_put_whole(w, "width", b->width);
    bp_json_close(w, '}');
  }
  bp_json_close(w, ']');
}

static void put_pieces(bp_json_writer *w, const bp_layer_info *info) {
  bp_json_open(w, "columns", '[');
  for (size_t i = 0; i < info->n_pieces; i++) {
    const bp_piecewise_column *c = &info->pieces[i];
    bp_json_open(w, NULL, '{');
    bp_json_put_whole(w, "column", c->column);
    bp_json_open(w, "edges", '[');
    for (int64_t e = 0; e < c->count; e++) bp_json_put_real(w, NULL, c->edges[e]);
    bp_json_close(w, ']');
    bp_json_close(w, '}');
  }
  bp_json_close(w, ']');
}

/* Layers that have no activation of their own. */
static bool is_bare(bp_layer_kind kind) {
  return kind == BP_LAYER_EMBEDDING || kind == BP_LAYER_DROPOUT || kind == BP_LAYER_PIECEWISE;
}

static void put_layer(bp_json_writer *w, const bp_layer_info *info) {
  char activation[BP_ACTIVATION_TEXT];
  bool batch = info->kind == BP_LAYER_BATCH_NORM;
  bp_json_open(w, NULL, '{');
  bp_json_put_text(w, "type", info->type);
  if (info->kind == BP_LAYER_DENSE) bp_json_put_whole(w, "units", info->outputs);
  if (batch || info->kind == BP_LAYER_LAYER_NORM) bp_json_put_real(w, "epsilon", info->epsilon);
  if (batch) bp_json_put_real(w, "momentum", info->momentum);
  if (info->kind == BP_LAYER_DROPOUT) bp_json_put_real(w, "rate", info->rate);
  if (info->kind == BP_LAYER_SKIP) bp_json_put_whole(w, "from", info->from);
  if (info->kind == BP_LAYER_EMBEDDING) put_blocks(w, info);
  if (info->kind == BP_LAYER_PIECEWISE) put_pieces(w, info);
  if (!is_bare(info->kind)) bp_json_put_text(w, "activation", bp_activation_text(info->spec, activation));
  if (info->kind == BP_LAYER_DENSE && !info->bias) bp_json_put_bool(w, "bias", false);
  bp_json_close(w, '}');
}

void bp_model_put_layers(bp_json_writer *writer, const char *name, const bp_net *net) {
  bp_json_open(writer, name, '[');
  for (int i = 0; i < bp_net_layers(net); i++) {
    bp_layer_info info = bp_net_layer(net, i);
    put_layer(writer, &info);
  }
  bp_json_close(writer, ']');
}

/* ---- reading ---- */

/* One layer of a file. */
typedef struct layer_reader {
  bp_context *ctx;
  bp_net *net;
  const bp_json *layer;
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
  const char *text = bp_json_text(bp_json_member(r->layer, "activation"));
  if (!text) return refuse(r, "an activation");
  if (bp_activation_parse(text, out)) return BP_OK;
  return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: activation '%.40s' is not known here", r->place, text);
}

static bp_status read_number(const layer_reader *r, const char *key, double *out) {
  if (bp_json_number(bp_json_member(r->layer, key), out)) return BP_OK;
  return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: expected a number as %s", r->place, key);
}

static bp_status read_dense(const layer_reader *r) {
  const bp_json *bias = bp_json_member(r->layer, "bias");
  bp_dense_options o = {.size = sizeof o};
  bool biased = true;
  if (!bp_json_whole(bp_json_member(r->layer, "units"), &o.units) || o.units < 1 || o.units > 1 << 24)
    return refuse(r, "units from 1 to 16777216");
  if (bias && !bp_json_truth(bias, &biased)) return refuse(r, "true or false as bias");
  o.no_bias = !biased;
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
  bp_skip_options o = {.size = sizeof o};
  int64_t number;
  if (!bp_json_whole(bp_json_member(r->layer, "from"), &number) || number < -1 || number > MODEL_LAYERS_MAX)
    return refuse(r, "the number of an earlier layer, or -1, as from");
  o.from = (int)number;
  BP_TRY(read_activation(r, &o.activation));
  return added(r, bp_net_skip(r->ctx, r->net, &o));
}

static bool read_block(const bp_json *block, bp_embedding_block *out) {
  return bp_json_size(block) == 3 && bp_json_whole(bp_json_member(block, "first"), &out->first) &&
         bp_json_whole(bp_json_member(block, "count"), &out->count) &&
         bp_json_whole(bp_json_member(block, "width"), &out->width) && out->count >= 1 && out->count <= 1 << 24;
}

static bp_status read_embedding(const layer_reader *r) {
  const bp_json *list = bp_json_member(r->layer, "blocks"), *block = bp_json_first(list);
  size_t n = bp_json_size(list);
  bool good = n > 0 && bp_json_type(list) == BP_JSON_ARRAY;
  bp_embedding_block *blocks = bp_alloc(r->ctx, n, sizeof *blocks);
  if (!blocks) return BP_E_NOMEM;
  for (size_t i = 0; i < n && good; i++, block = bp_json_next(block)) good = read_block(block, &blocks[i]);
  bp_status status = good ? added(r, bp_net_embedding(r->ctx, r->net, blocks, n))
                          : refuse(r, "blocks, each with a whole first, count and width");
  bp_release(bp_context_allocator(r->ctx), blocks, n, sizeof *blocks);
  return status;
}

/* The edges of a column behind one another at `edges`, which has room for them. */
static bool read_column(const bp_json *column, double *edges, bp_piecewise_column *out) {
  const bp_json *list = bp_json_member(column, "edges"), *edge = bp_json_first(list);
  *out = (bp_piecewise_column){.count = (int64_t)bp_json_size(list), .edges = edges};
  for (; edge; edge = bp_json_next(edge))
    if (!bp_json_number(edge, edges++)) return false;
  return bp_json_size(column) == 2 && bp_json_type(list) == BP_JSON_ARRAY &&
         bp_json_whole(bp_json_member(column, "column"), &out->column);
}

static bp_status read_piecewise(const layer_reader *r) {
  const bp_json *list = bp_json_member(r->layer, "columns"), *column;
  size_t n = bp_json_size(list), n_edges = 0, at = 0, i = 0;
  bp_allocator allocator = bp_context_allocator(r->ctx);
  bool good = n > 0 && bp_json_type(list) == BP_JSON_ARRAY;
  for (column = bp_json_first(list); column; column = bp_json_next(column))
    n_edges += bp_json_size(bp_json_member(column, "edges"));
  bp_piecewise_column *columns = bp_alloc(r->ctx, n, sizeof *columns);
  double *edges = columns ? bp_alloc(r->ctx, n_edges, sizeof *edges) : NULL;
  bp_status status = edges ? BP_OK : BP_E_NOMEM;
  for (column = bp_json_first(list); column && good && edges; column = bp_json_next(column), i++) {
    good = read_column(column, edges + at, &columns[i]);
    at += (size_t)columns[i].count;
  }
  if (status == BP_OK)
    status = good ? added(r, bp_net_piecewise(r->ctx, r->net, columns, n))
                  : refuse(r, "columns, each with the number of a column and its edges");
  bp_release(allocator, columns, n, sizeof *columns);
  bp_release(allocator, edges, n_edges, sizeof *edges);
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
    {BP_LAYER_PIECEWISE, {"columns"}, read_piecewise},
};
enum { READERS = sizeof readers / sizeof *readers };

static bool has_field(const char *const *fields, const char *name) {
  for (int i = 0; i < FIELDS_MAX && fields[i]; i++)
    if (strcmp(fields[i], name) == 0) return true;
  return strcmp(name, "type") == 0;
}

static bp_status read_layer(const layer_reader *r) {
  const char *type = bp_json_text(bp_json_member(r->layer, "type"));
  int i = 0;
  if (!type) return refuse(r, "a layer with a type");
  while (i < READERS && strcmp(type, bp_layer_kind_name(readers[i].kind)) != 0) i++;
  if (i == READERS)
    return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: type '%.40s' is not known here", r->place, type);
  for (const bp_json *v = bp_json_first(r->layer); v; v = bp_json_next(v))
    if (!has_field(readers[i].fields, bp_json_name(v)))
      return bp_fail(r->ctx, BP_E_MODEL, "backprop.model: %s: field '%.40s' of a layer of type %s is not known here",
                     r->place, bp_json_name(v), type);
  return readers[i].read(r);
}

/* The loss brings the output unit, so the last layer has none of its own. */
static bp_status check_last(bp_context *ctx, const bp_net *net, int64_t units) {
  bp_layer_info last = bp_net_layer(net, bp_net_layers(net) - 1);
  if (last.kind == BP_LAYER_DENSE && last.outputs == units && last.activation == BP_IDENTITY && last.spec.setting == 1)
    return BP_OK;
  return bp_fail(ctx, BP_E_MODEL, "backprop.model: the last layer: expected %" PRId64 " units of identity", units);
}

bp_status bp_model_read_layers(bp_context *ctx, const bp_json *layers, int64_t units, bp_net *net) {
  size_t n = bp_json_size(layers), i = 0;
  if (bp_json_type(layers) != BP_JSON_ARRAY || n < 1 || n > MODEL_LAYERS_MAX)
    return bp_fail(ctx, BP_E_MODEL, "backprop.model: layers: expected an array of 1 to %d layers", MODEL_LAYERS_MAX);
  for (const bp_json *layer = bp_json_first(layers); layer; layer = bp_json_next(layer), i++) {
    layer_reader r = {.ctx = ctx, .net = net, .layer = layer};
    (void)snprintf(r.place, sizeof r.place, "layers[%zu]", i);
    BP_TRY(read_layer(&r));
  }
  return check_last(ctx, net, units);
}
