/* net_params.c - the arrays of a network, layer by layer: names, shapes, and how they start. Floor: net. */
#include <stdio.h>

#include "net/net_core.h"

static bp_param_info vector(const char *name, int64_t n, double start) {
  bp_param_info info = {.rank = 1, .dims = {n}, .elements = n, .start = start};
  (void)snprintf(info.name, sizeof info.name, "%s", name);
  return info;
}

static bp_param_info matrix(const char *name, int64_t rows, int64_t columns) {
  bp_param_info info = {.rank = 2, .dims = {rows, columns}, .elements = rows * columns, .is_weight = true};
  (void)snprintf(info.name, sizeof info.name, "%s", name);
  return info;
}

/* He et al., 2015, start the slopes of prelu at 0.25. */
static bp_param_info slope(const net_layer *l) {
  return vector("slope", l->activation.per_unit ? l->outputs : 1, 0.25);
}

static bp_param_info dense_param(const net_layer *l, int i) {
  if (i == 1 && !l->no_bias) return vector("bias", l->columns, l->bias);
  if (i > 0) return slope(l);
  bp_param_info info = matrix("weight", l->inputs, l->columns);
  init_describe(l->init, l->init_scale, l->activation.kind, l->inputs, l->outputs, &info);
  return info;
}

static bp_param_info norm_param(const net_layer *l, int i) {
  static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
  bool state = l->kind == BP_LAYER_BATCH_NORM && i >= 2;
  if (i >= 2 && !state) return slope(l);
  if (i >= 4) return slope(l);
  bp_param_info info = vector(names[i], l->columns, i == 0 || i == 3 ? 1 : 0);
  info.is_state = state;
  return info;
}

static bp_param_info skip_param(const net_layer *l, int i) {
  if (i == 1 || l->from_width == l->inputs) return slope(l);
  bp_param_info info = matrix("weight", l->from_width, l->inputs);
  init_describe(BP_INIT_GLOROT_UNIFORM, 1, BP_IDENTITY, l->from_width, l->inputs, &info);
  return info;
}

/* A row of the table has the expected length 1. */
static bp_param_info embedding_param(const net_layer *l, int i) {
  char name[32];
  (void)snprintf(name, sizeof name, "embedding.%d.weight", i);
  bp_param_info info = matrix(name, l->blocks[i].count, l->blocks[i].width);
  info.is_table = true;
  init_describe(BP_INIT_LECUN_NORMAL, 1, BP_IDENTITY, l->blocks[i].width, l->blocks[i].width, &info);
  return info;
}

int layer_params(const net_layer *l) {
  int slopes = l->activation.kind == BP_PRELU;
  switch (l->kind) {
  case BP_LAYER_DENSE: return 1 + !l->no_bias + slopes;
  case BP_LAYER_BATCH_NORM: return 4 + slopes;
  case BP_LAYER_LAYER_NORM: return 2 + slopes;
  case BP_LAYER_SKIP: return (l->from_width != l->inputs) + slopes;
  case BP_LAYER_EMBEDDING: return (int)l->n_blocks;
  default: return 0;
  }
}

bp_param_info layer_param(const net_layer *l, int i) {
  switch (l->kind) {
  case BP_LAYER_DENSE: return dense_param(l, i);
  case BP_LAYER_SKIP: return skip_param(l, i);
  case BP_LAYER_EMBEDDING: return embedding_param(l, i);
  default: return norm_param(l, i);
  }
}

/* ---- the public side ---- */
int bp_net_params(const bp_net *net) { return net->n_params * net->members; }

bp_param_info bp_net_param(const bp_net *net, int param) {
  if (param < 0 || param >= bp_net_params(net)) return (bp_param_info){.layer = -1};
  int member = param / net->n_params;
  param -= member * net->n_params;
  size_t low = 0, high = net->n_layers; /* the last layer whose first array is not behind this one */
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (net->layers[middle].first_param <= param)
      low = middle;
    else
      high = middle;
  }
  bp_param_info info = layer_param(&net->layers[low], param - net->layers[low].first_param);
  char name[sizeof info.name], prefix[24] = "";
  if (net->members > 1) (void)snprintf(prefix, sizeof prefix, "members.%d.", member);
  (void)snprintf(name, sizeof name, "%.15slayers.%d.%.28s", prefix, (int)low, info.name);
  (void)snprintf(info.name, sizeof info.name, "%s", name);
  info.layer = (int)low;
  info.member = member;
  return info;
}

int64_t bp_net_size(const bp_net *net) {
  int64_t size = 0;
  for (int i = 0; i < bp_net_layers(net); i++) size += bp_net_layer(net, i).parameters;
  return size;
}
