/* choices.c - activations and initialisers: names and formulas in tables. Floor: net. */
#include <math.h>
#include <string.h>

#include "net/net_core.h"

static bp_var identity(bp_var x) { return x; }

static const struct {
  const char *name;
  bp_var (*apply)(bp_var x);
  bp_init init; /* what auto means */
} activations[BP_ACTIVATION_COUNT] = {
    [BP_IDENTITY] = {"identity", identity, BP_INIT_GLOROT_UNIFORM},
    [BP_TANH] = {"tanh", bp_tanh, BP_INIT_GLOROT_UNIFORM},
    [BP_SIGMOID] = {"sigmoid", bp_sigmoid, BP_INIT_GLOROT_UNIFORM},
    [BP_RELU] = {"relu", bp_relu, BP_INIT_HE_UNIFORM},
};

const char *bp_activation_name(bp_activation activation) {
  return (unsigned)activation < BP_ACTIVATION_COUNT ? activations[activation].name : NULL;
}

bool bp_activation_find(const char *name, bp_activation *out) {
  for (int i = 0; i < BP_ACTIVATION_COUNT; i++)
    if (strcmp(name, activations[i].name) == 0) return *out = (bp_activation)i, true;
  return false;
}

bp_var bp_activate(bp_activation activation, bp_var x) { return activations[activation].apply(x); }

/* variance = gain / (fan_in + with_out * fan_out); U(-r, r) has variance r²/3. */
static const struct {
  const char *name;
  double gain;
  int with_out;
  bool normal;
} inits[BP_INIT_COUNT] = {
    [BP_INIT_AUTO] = {"auto", 0, 0, false},
    [BP_INIT_GLOROT_UNIFORM] = {"glorot_uniform", 2, 1, false},
    [BP_INIT_GLOROT_NORMAL] = {"glorot_normal", 2, 1, true},
    [BP_INIT_HE_UNIFORM] = {"he_uniform", 2, 0, false},
    [BP_INIT_HE_NORMAL] = {"he_normal", 2, 0, true},
    [BP_INIT_ZEROS] = {"zeros", 0, 0, false},
};

const char *bp_init_name(bp_init init) { return (unsigned)init < BP_INIT_COUNT ? inits[init].name : NULL; }

bool bp_init_find(const char *name, bp_init *out) {
  for (int i = 0; i < BP_INIT_COUNT; i++)
    if (strcmp(name, inits[i].name) == 0) return *out = (bp_init)i, true;
  return false;
}

double net_init_bound(bp_init init, bp_activation activation, int64_t fan_in, int64_t fan_out, bool *normal) {
  if (init == BP_INIT_AUTO) init = activations[activation].init;
  double variance = inits[init].gain / ((double)fan_in + inits[init].with_out * (double)fan_out);
  *normal = inits[init].normal;
  return sqrt(inits[init].normal ? variance : 3 * variance);
}
