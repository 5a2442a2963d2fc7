/* net.c - a network is a list of dense layers; applying it appends nodes to a graph, nothing else. Floor: net. */
#include <inttypes.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/philox.h"
#include "net/net_core.h"

#define UNITS_MAX  ((int64_t)1 << 24)
#define LAYERS_MAX 1000

bp_status bp_net_new(bp_context *context, int64_t inputs, bp_dtype dtype, bp_net **out) {
  if (inputs < 1 || inputs > UNITS_MAX)
    return bp_fail(context, BP_E_ARG, "network: %" PRId64 " inputs, expected 1 to %" PRId64, inputs, UNITS_MAX);
  if (dtype != BP_F32 && dtype != BP_F64)
    return bp_fail(context, BP_E_DTYPE, "network: element type %s, expected float32 or float64", bp_dtype_name(dtype));
  bp_net *net = bp_calloc(context, 1, sizeof *net);
  if (net == NULL) return BP_E_NOMEM;
  net->allocator = bp_context_allocator(context);
  net->inputs = inputs;
  net->dtype = dtype;
  *out = net;
  return BP_OK;
}

void bp_net_free(bp_net *net) {
  if (net == NULL) return;
  bp_release(net->allocator, net->layers, net->capacity, sizeof *net->layers);
  bp_release(net->allocator, net, 1, sizeof *net);
}

bp_status bp_net_dense(bp_context *context, bp_net *net, int64_t units, bp_activation activation, bp_init init) {
  if (units < 1 || units > UNITS_MAX)
    return bp_fail(context, BP_E_ARG, "dense layer: %" PRId64 " units, expected 1 to %" PRId64, units, UNITS_MAX);
  if ((unsigned)activation >= BP_ACTIVATION_COUNT)
    return bp_fail(context, BP_E_ARG, "dense layer: no activation number %d", (int)activation);
  if ((unsigned)init >= BP_INIT_COUNT)
    return bp_fail(context, BP_E_ARG, "dense layer: no initialiser number %d", (int)init);
  if (net->n_layers >= LAYERS_MAX) return bp_fail(context, BP_E_LIMIT, "network: at most %d layers", LAYERS_MAX);
  int64_t inputs = bp_net_outputs(net);
  if (inputs * units > BP_ELEMENTS_LIMIT)
    return bp_fail(context, BP_E_LIMIT, "dense layer: %" PRId64 " x %" PRId64 " weights, at most %" PRId64, inputs,
                   units, BP_ELEMENTS_LIMIT);
  BP_TRY(bp_grow(context, (void **)&net->layers, &net->capacity, net->n_layers + 1, sizeof *net->layers));
  net->layers[net->n_layers++] = (net_layer){inputs, units, activation, init};
  return BP_OK;
}

/* ---- looking at it ---- */
int bp_net_layers(const bp_net *net) { return (int)net->n_layers; }
int64_t bp_net_inputs(const bp_net *net) { return net->inputs; }
int64_t bp_net_outputs(const bp_net *net) {
  return net->n_layers > 0 ? net->layers[net->n_layers - 1].units : net->inputs;
}
bp_dtype bp_net_dtype(const bp_net *net) { return net->dtype; }

bp_layer_info bp_net_layer(const bp_net *net, int layer) {
  if (layer < 0 || (size_t)layer >= net->n_layers) return (bp_layer_info){.type = ""};
  const net_layer *l = &net->layers[layer];
  return (bp_layer_info){"dense", l->activation, l->inputs, l->units, (l->inputs + 1) * l->units};
}

int64_t bp_net_size(const bp_net *net) {
  int64_t size = 0;
  for (int i = 0; i < bp_net_layers(net); i++) size += bp_net_layer(net, i).parameters;
  return size;
}

int bp_net_params(const bp_net *net) { return 2 * bp_net_layers(net); }

bp_param_info bp_net_param(const bp_net *net, int param) {
  bp_param_info info = {.layer = param / 2, .is_weight = param % 2 == 0};
  if (param < 0 || param >= bp_net_params(net)) return (bp_param_info){.layer = -1};
  const net_layer *l = &net->layers[info.layer];
  (void)snprintf(info.name, sizeof info.name, "layers.%d.%s", info.layer, info.is_weight ? "weight" : "bias");
  info.rank = info.is_weight ? 2 : 1;
  info.dims[0] = info.is_weight ? l->inputs : l->units;
  info.dims[1] = info.is_weight ? l->units : 0;
  info.elements = info.is_weight ? l->inputs * l->units : l->units;
  if (info.is_weight) info.bound = net_init_bound(l->init, l->activation, l->inputs, l->units, &info.normal);
  return info;
}

/* ---- starting values ---- */
void bp_net_init(const bp_net *net, uint64_t seed, void *const *values) {
  for (int p = 0; p < bp_net_params(net); p++) {
    bp_param_info info = bp_net_param(net, p);
    for (int64_t i = 0; i < info.elements; i++) {
      double x = info.normal ? bp_random_normal(seed, BP_PURPOSE_INIT, (uint32_t)p, (uint64_t)i)
                             : 2 * bp_random_uniform(seed, BP_PURPOSE_INIT, (uint32_t)p, (uint64_t)i) - 1;
      x = info.bound > 0 ? x * info.bound : 0;
      if (net->dtype == BP_F64)
        ((double *)values[p])[i] = x;
      else
        ((float *)values[p])[i] = (float)x;
    }
  }
}

/* ---- as a graph ---- */
void bp_net_declare(const bp_net *net, bp_graph *graph, bp_var *params) {
  for (int p = 0; p < bp_net_params(net); p++) {
    bp_param_info info = bp_net_param(net, p);
    params[p] = bp_input(graph, info.name, net->dtype, info.rank, info.dims);
  }
}

bp_var bp_net_apply_each(const bp_net *net, bp_var x, const bp_var *params, bp_var *outputs) {
  bp_var z = x;
  for (size_t l = 0; l < net->n_layers; l++) {
    bp_var a = bp_add(bp_matmul(z, params[2 * l]), params[2 * l + 1]); /* [rows, units] */
    z = bp_activate(net->layers[l].activation, a);
    if (outputs != NULL) outputs[l] = z;
  }
  return z;
}

bp_var bp_net_apply(const bp_net *net, bp_var x, const bp_var *params) {
  return bp_net_apply_each(net, x, params, NULL);
}
