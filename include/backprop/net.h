/* backprop/net.h - networks as lists of layers. A layer only appends nodes to a graph; derivatives and programs come from
 * there.
 */
#ifndef BACKPROP_NET_H
#define BACKPROP_NET_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* activation: name, formula */
typedef enum bp_activation {
  BP_IDENTITY, /* a */
  BP_TANH,     /* tanh(a) */
  BP_SIGMOID,  /* 1 / (1 + exp(-a)) */
  BP_RELU,     /* max(a, 0) */
  BP_ACTIVATION_COUNT
} bp_activation;

/* VIEW "tanh"; NULL out of range. */
BP_API const char *bp_activation_name(bp_activation activation);
/* The activation of that name; false if there is none. */
BP_API bool bp_activation_find(const char *name, bp_activation *out);
/* φ(x) as graph nodes. */
BP_API bp_var bp_activate(bp_activation activation, bp_var x);

typedef enum bp_init {
  BP_INIT_AUTO,           /* He for relu, Glorot for all others */
  BP_INIT_GLOROT_UNIFORM, /* U(-r, r), r = sqrt(6 / (fan_in + fan_out)); Glorot and Bengio, 2010 */
  BP_INIT_GLOROT_NORMAL,  /* N(0, 2 / (fan_in + fan_out)) */
  BP_INIT_HE_UNIFORM,     /* U(-r, r), r = sqrt(6 / fan_in); He, Zhang, Ren and Sun, 2015 */
  BP_INIT_HE_NORMAL,      /* N(0, 2 / fan_in) */
  BP_INIT_ZEROS,
  BP_INIT_COUNT
} bp_init;
/* VIEW "glorot_uniform"; NULL out of range. */
BP_API const char *bp_init_name(bp_init init);
BP_API bool bp_init_find(const char *name, bp_init *out);

typedef struct bp_net bp_net;

/* NEW network of no layers over rows of `inputs` features; dtype F32 or F64. */
BP_API bp_status bp_net_new(bp_context *context, int64_t inputs, bp_dtype dtype, bp_net **out);
BP_API void bp_net_free(bp_net *net);

/* Appends a dense layer: z = φ(x·W + b), W [fan_in, units], b [units]. Weights start as `init` says, biases at 0.
 * BP_E_ARG  units < 1, or more than 2^24 */
BP_API bp_status bp_net_dense(bp_context *context, bp_net *net, int64_t units, bp_activation activation, bp_init init);

/* ---- looking at it ---- */
typedef struct bp_layer_info {
  const char *type; /* VIEW "dense" */
  bp_activation activation;
  int64_t inputs, outputs;
  int64_t parameters;
} bp_layer_info;
BP_API int bp_net_layers(const bp_net *net);
BP_API bp_layer_info bp_net_layer(const bp_net *net, int layer);
BP_API int64_t bp_net_inputs(const bp_net *net);
BP_API int64_t bp_net_outputs(const bp_net *net);
BP_API bp_dtype bp_net_dtype(const bp_net *net);
/* All parameters together: Σ (fan_in + 1) units. */
BP_API int64_t bp_net_size(const bp_net *net);

/* A parameter array: "layers.0.weight" [fan_in, units] or "layers.0.bias" [units]. */
typedef struct bp_param_info {
  char name[40];
  int layer;
  bool is_weight; /* weights are regularised, biases are not */
  int rank;
  int64_t dims[2];
  int64_t elements;
  double bound; /* how it starts: U(-bound, bound), or N(0, bound²) when normal; 0: zeros */
  bool normal;
} bp_param_info;
BP_API int bp_net_params(const bp_net *net);
BP_API bp_param_info bp_net_param(const bp_net *net, int param);

/* The parameter arrays filled with their starting values: values[p] holds bp_net_param(net, p).elements elements of the
 * network's dtype. Element i of parameter p is a pure function of (seed, p, i). */
BP_API void bp_net_init(const bp_net *net, uint64_t seed, void *const *values);

/* Inputs for all parameters, in order: params[bp_net_params(net)]. */
BP_API void bp_net_declare(const bp_net *net, bp_graph *graph, bp_var *params);
/* The raw output for x [rows, inputs] given the parameters as variables. */
BP_API bp_var bp_net_apply(const bp_net *net, bp_var x, const bp_var *params);
/* The same; outputs (NULL, or the caller's [bp_net_layers()]) receives the output of each layer. */
BP_API bp_var bp_net_apply_each(const bp_net *net, bp_var x, const bp_var *params, bp_var *outputs);

#ifdef __cplusplus
}
#endif
#endif
