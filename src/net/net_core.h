/* net/net_core.h - inside a network. */
#ifndef BP_NET_NET_CORE_H
#define BP_NET_NET_CORE_H
#include "backprop/net.h"
#include "backprop/ops.h"
#include "base/alloc.h"

typedef struct net_layer {
  int64_t inputs, units;
  bp_activation activation;
  bp_init init;
} net_layer;

struct bp_net {
  bp_allocator allocator;
  int64_t inputs;
  bp_dtype dtype;
  net_layer *layers;
  size_t n_layers, capacity;
};

/* The most weights of one layer. */
#define BP_ELEMENTS_LIMIT ((int64_t)1 << 36)

/* The bound (or, when *normal, the standard deviation) of an initialiser. */
double net_init_bound(bp_init init, bp_activation activation, int64_t fan_in, int64_t fan_out, bool *normal);

#endif
