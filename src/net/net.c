/* net.c - a network is a list of layers: making it, and looking at it. Floor: net. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "net/net_core.h"

static const char *const kind_names[BP_LAYER_KIND_COUNT] = {"dense", "batch_norm", "layer_norm", "dropout",
                                                            "skip",  "embedding",  "piecewise"};

const char *bp_layer_kind_name(bp_layer_kind kind) {
  return (unsigned)kind < BP_LAYER_KIND_COUNT ? kind_names[kind] : NULL;
}

bp_status bp_net_new(bp_context *context, int64_t inputs, bp_dtype dtype, bp_net **out) {
  if (inputs < 1 || inputs > BP_UNITS_LIMIT)
    return bp_fail(context, BP_E_ARG, "network: %" PRId64 " inputs, expected 1 to %" PRId64, inputs, BP_UNITS_LIMIT);
  if (dtype != BP_F32 && dtype != BP_F64)
    return bp_fail(context, BP_E_DTYPE, "network: element type %s, expected float32 or float64", bp_dtype_name(dtype));
  bp_net *net = bp_calloc(context, 1, sizeof *net);
  if (net == NULL) return BP_E_NOMEM;
  net->allocator = bp_context_allocator(context);
  net->inputs = inputs;
  net->dtype = dtype;
  net->members = 1;
  *out = net;
  return BP_OK;
}

void bp_net_free(bp_net *net) {
  if (net == NULL) return;
  for (size_t i = 0; i < net->n_layers; i++) {
    bp_release(net->allocator, net->layers[i].blocks, net->layers[i].n_blocks, sizeof *net->layers[i].blocks);
    piecewise_release(net->allocator, &net->layers[i]);
  }
  bp_release(net->allocator, net->layers, net->capacity, sizeof *net->layers);
  bp_release(net->allocator, net, 1, sizeof *net);
}

/* ---- what layers have in common ---- */

static bp_status check_size(bp_context *ctx, const char *what, size_t size, size_t expected) {
  if (size == expected) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "%s: options.size is %zu, expected the %zu bytes of the struct", what, size, expected);
}

static bp_status check_activation(bp_context *ctx, const char *what, bp_activation_spec *spec) {
  if ((unsigned)spec->kind >= BP_ACTIVATION_COUNT)
    return bp_fail(ctx, BP_E_ARG, "%s: no activation number %d", what, (int)spec->kind);
  if (activation_resolve(spec)) return BP_OK;
  return bp_fail(ctx, BP_E_ARG, "%s: activation %s%s with the setting %g, expected %s", what,
                 bp_activation_name(spec->kind), spec->per_unit ? ", per unit," : "", spec->setting,
                 activation_expects(spec->kind));
}

static bp_status check_weights(bp_context *ctx, const char *what, int64_t rows, int64_t columns) {
  if (rows * columns <= BP_ELEMENTS_LIMIT) return BP_OK;
  return bp_fail(ctx, BP_E_LIMIT, "%s: %" PRId64 " x %" PRId64 " weights, at most %" PRId64, what, rows, columns,
                 BP_ELEMENTS_LIMIT);
}

bp_status net_append(bp_context *ctx, bp_net *net, net_layer *layer) {
  if (net->n_layers >= BP_LAYERS_LIMIT) return bp_fail(ctx, BP_E_LIMIT, "network: at most %d layers", BP_LAYERS_LIMIT);
  BP_TRY(bp_grow(ctx, (void **)&net->layers, &net->capacity, net->n_layers + 1, sizeof *net->layers));
  layer->first_param = net->n_params;
  layer->n_params = layer_params(layer);
  net->n_params += layer->n_params;
  net->layers[net->n_layers++] = *layer;
  return BP_OK;
}

/* A layer as wide as what comes before it, or a k-th of that with maxout. */
static bp_status same_width(bp_context *ctx, const bp_net *net, const char *what, bp_activation_spec activation,
                            net_layer *out) {
  BP_TRY(check_activation(ctx, what, &activation));
  int64_t inputs = bp_net_outputs(net), pieces = activation_pieces(&activation);
  if (inputs % pieces != 0)
    return bp_fail(ctx, BP_E_ARG,
                   "%s: maxout of %" PRId64 " maps on %" PRId64 " columns, expected a multiple of the maps", what,
                   pieces, inputs);
  *out = (net_layer){.inputs = inputs, .columns = inputs, .outputs = inputs / pieces, .activation = activation};
  return BP_OK;
}

/* ---- dense ---- */

bp_status bp_net_dense(bp_context *context, bp_net *net, int64_t units, bp_activation activation, bp_init init) {
  bp_dense_options o = {.size = sizeof o, .units = units, .activation.kind = activation, .init = init};
  return bp_net_add_dense(context, net, &o);
}

static bp_status check_dense(bp_context *ctx, const bp_dense_options *o) {
  BP_TRY(check_size(ctx, "dense layer", o->size, sizeof *o));
  if (o->units < 1 || o->units > BP_UNITS_LIMIT)
    return bp_fail(ctx, BP_E_ARG, "dense layer: %" PRId64 " units, expected 1 to %" PRId64, o->units, BP_UNITS_LIMIT);
  if ((unsigned)o->init >= BP_INIT_COUNT)
    return bp_fail(ctx, BP_E_ARG, "dense layer: no initialiser number %d", (int)o->init);
  if (!(o->init_scale >= 0 && isfinite(o->init_scale)))
    return bp_fail(ctx, BP_E_ARG, "dense layer: init_scale %g, expected a number above 0, or 0 for 1", o->init_scale);
  if (!isfinite(o->bias)) return bp_fail(ctx, BP_E_ARG, "dense layer: biases cannot start at %g", o->bias);
  return BP_OK;
}

bp_status bp_net_add_dense(bp_context *context, bp_net *net, const bp_dense_options *options) {
  bp_activation_spec activation = options->activation;
  BP_TRY(check_dense(context, options));
  BP_TRY(check_activation(context, "dense layer", &activation));
  net_layer l = {.kind = BP_LAYER_DENSE, .inputs = bp_net_outputs(net), .outputs = options->units};
  l.activation = activation;
  l.columns = l.outputs * activation_pieces(&activation);
  BP_TRY(check_weights(context, "dense layer", l.inputs, l.columns));
  l.init = options->init;
  l.init_scale = options->init_scale > 0 ? options->init_scale : 1;
  l.no_bias = options->no_bias;
  l.bias = options->bias;
  return net_append(context, net, &l);
}

/* ---- normalisation ---- */

static bp_status add_norm(bp_context *ctx, bp_net *net, bp_layer_kind kind, const bp_norm_options *o) {
  const char *what = kind_names[kind];
  net_layer l;
  BP_TRY(check_size(ctx, what, o->size, sizeof *o));
  if (!(o->epsilon >= 0 && isfinite(o->epsilon)))
    return bp_fail(ctx, BP_E_ARG, "%s: epsilon %g, expected a number above 0, or 0 for 1e-5", what, o->epsilon);
  if (!(o->momentum >= 0 && o->momentum <= 1))
    return bp_fail(ctx, BP_E_ARG, "%s: momentum %g, expected a number above 0 and at most 1, or 0 for 0.1", what,
                   o->momentum);
  BP_TRY(same_width(ctx, net, what, o->activation, &l));
  l.kind = kind;
  l.epsilon = o->epsilon > 0 ? o->epsilon : 1e-5;
  l.momentum = kind != BP_LAYER_BATCH_NORM ? 0 : o->momentum > 0 ? o->momentum : 0.1;
  return net_append(ctx, net, &l);
}

bp_status bp_net_batch_norm(bp_context *context, bp_net *net, const bp_norm_options *options) {
  return add_norm(context, net, BP_LAYER_BATCH_NORM, options);
}
bp_status bp_net_layer_norm(bp_context *context, bp_net *net, const bp_norm_options *options) {
  return add_norm(context, net, BP_LAYER_LAYER_NORM, options);
}

/* ---- dropout, skip, embedding ---- */

bp_status bp_net_dropout(bp_context *context, bp_net *net, double rate) {
  net_layer l;
  if (!(rate >= 0 && rate < 1))
    return bp_fail(context, BP_E_ARG, "dropout: rate %g, expected a number from 0 and below 1", rate);
  BP_TRY(same_width(context, net, "dropout", (bp_activation_spec){BP_IDENTITY, 0, false}, &l));
  l.kind = BP_LAYER_DROPOUT;
  l.rate = rate;
  return net_append(context, net, &l);
}

bp_status bp_net_skip(bp_context *context, bp_net *net, const bp_skip_options *options) {
  net_layer l;
  BP_TRY(check_size(context, "skip", options->size, sizeof *options));
  if (options->from < -1 || options->from >= bp_net_layers(net))
    return bp_fail(context, BP_E_ARG, "skip: from layer %d, expected -1 (the input) to %d", options->from,
                   bp_net_layers(net) - 1);
  BP_TRY(same_width(context, net, "skip", options->activation, &l));
  l.kind = BP_LAYER_SKIP;
  l.from = options->from;
  l.from_width = l.from < 0 ? net->inputs : net->layers[l.from].outputs;
  BP_TRY(check_weights(context, "skip", l.from_width, l.inputs));
  return net_append(context, net, &l);
}

static bp_status check_blocks(bp_context *ctx, const bp_embedding_block *b, size_t n, int64_t inputs) {
  int64_t end = 0;
  if (n < 1 || n > BP_BLOCKS_LIMIT)
    return bp_fail(ctx, BP_E_ARG, "embedding: %zu blocks, expected 1 to %d", n, BP_BLOCKS_LIMIT);
  for (size_t i = 0; i < n; i++) {
    if (b[i].first < end || b[i].count < 1 || b[i].first > inputs - b[i].count)
      return bp_fail(ctx, BP_E_ARG,
                     "embedding: block %zu has %" PRId64 " columns from %" PRId64 " on, expected some of %" PRId64
                     " to %" PRId64,
                     i, b[i].count, b[i].first, end, inputs - 1);
    if (b[i].width < 1 || b[i].width > BP_UNITS_LIMIT)
      return bp_fail(ctx, BP_E_ARG, "embedding: block %zu has the width %" PRId64 ", expected 1 to %" PRId64, i,
                     b[i].width, BP_UNITS_LIMIT);
    BP_TRY(check_weights(ctx, "embedding", b[i].count, b[i].width));
    end = b[i].first + b[i].count;
  }
  return BP_OK;
}

bp_status bp_net_embedding(bp_context *context, bp_net *net, const bp_embedding_block *blocks, size_t n_blocks) {
  net_layer l;
  BP_TRY(same_width(context, net, "embedding", (bp_activation_spec){BP_IDENTITY, 0, false}, &l));
  BP_TRY(check_blocks(context, blocks, n_blocks, l.inputs));
  for (size_t i = 0; i < n_blocks; i++) l.outputs += blocks[i].width - blocks[i].count;
  if (l.outputs > BP_UNITS_LIMIT)
    return bp_fail(context, BP_E_LIMIT, "embedding: %" PRId64 " columns, at most %" PRId64, l.outputs, BP_UNITS_LIMIT);
  l.kind = BP_LAYER_EMBEDDING;
  l.columns = l.outputs;
  l.blocks = bp_alloc(context, n_blocks, sizeof *l.blocks);
  if (l.blocks == NULL) return BP_E_NOMEM;
  memcpy(l.blocks, blocks, n_blocks * sizeof *l.blocks);
  l.n_blocks = n_blocks;
  bp_status status = net_append(context, net, &l);
  if (status != BP_OK) bp_release(net->allocator, l.blocks, n_blocks, sizeof *l.blocks);
  return status;
}

/* ---- members ---- */
bp_status bp_net_set_members(bp_context *context, bp_net *net, int members) {
  if (members < 1 || members > BP_MEMBERS_MAX)
    return bp_fail(context, BP_E_ARG, "network: %d members, expected 1 to %d", members, BP_MEMBERS_MAX);
  net->members = members;
  return BP_OK;
}

int bp_net_members(const bp_net *net) { return net->members; }

/* ---- looking at it ---- */
int bp_net_layers(const bp_net *net) { return (int)net->n_layers; }
int64_t bp_net_inputs(const bp_net *net) { return net->inputs; }
int64_t bp_net_outputs(const bp_net *net) {
  return net->n_layers > 0 ? net->layers[net->n_layers - 1].outputs : net->inputs;
}
bp_dtype bp_net_dtype(const bp_net *net) { return net->dtype; }

bp_layer_info bp_net_layer(const bp_net *net, int layer) {
  if (layer < 0 || (size_t)layer >= net->n_layers) return (bp_layer_info){.type = ""};
  const net_layer *l = &net->layers[layer];
  bp_layer_info info = {.type = kind_names[l->kind],
                        .kind = l->kind,
                        .activation = l->activation.kind,
                        .spec = l->activation,
                        .inputs = l->inputs,
                        .outputs = l->outputs,
                        .bias = l->kind == BP_LAYER_DENSE && !l->no_bias,
                        .rate = l->rate,
                        .epsilon = l->epsilon,
                        .momentum = l->momentum,
                        .from = l->from,
                        .blocks = l->blocks,
                        .n_blocks = l->n_blocks,
                        .pieces = l->pieces,
                        .n_pieces = l->n_pieces};
  for (int i = 0; i < l->n_params; i++) {
    bp_param_info param = layer_param(l, i);
    if (!param.is_state) info.parameters += param.elements * net->members;
  }
  return info;
}
