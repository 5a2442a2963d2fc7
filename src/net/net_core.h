/* net/net_core.h - inside a network. */
#ifndef BP_NET_NET_CORE_H
#define BP_NET_NET_CORE_H
#include "backprop/net.h"
#include "backprop/ops.h"
#include "base/alloc.h"

typedef struct net_layer {
  bp_layer_kind kind;
  int64_t inputs, outputs;
  int64_t columns; /* before the activation: k·outputs for maxout, else outputs */
  bp_activation_spec activation;
  bp_init init;
  double init_scale, bias;
  bool no_bias;
  double rate;              /* dropout */
  double epsilon, momentum; /* normalisation */
  int from;                 /* skip */
  int64_t from_width;
  bp_embedding_block *blocks; /* embedding; owned */
  size_t n_blocks;
  bp_piecewise_column *pieces; /* piecewise; owned, their edges one behind the other in `edges` */
  size_t n_pieces, n_edges;
  double *edges;
  int first_param, n_params;
} net_layer;

struct bp_net {
  bp_allocator allocator;
  int64_t inputs;
  bp_dtype dtype;
  net_layer *layers;
  size_t n_layers, capacity;
  int n_params; /* of one member */
  int members;
};

/* The most weights of one layer, units, layers, blocks of an embedding, and members. */
#define BP_ELEMENTS_LIMIT ((int64_t)1 << 36)
#define BP_UNITS_LIMIT    ((int64_t)1 << 24)
#define BP_LAYERS_LIMIT   1000
#define BP_BLOCKS_LIMIT   100000

/* ---- net.c ---- */
/* The last thing of adding a layer. */
bp_status net_append(bp_context *ctx, bp_net *net, net_layer *layer);

/* ---- activations.c ---- */
/* Replaces a setting of 0 by the default; false when it is none of this activation. */
bool activation_resolve(bp_activation_spec *spec);
/* VIEW "a number above 0": what the setting may be. */
const char *activation_expects(bp_activation kind);
/* What BP_INIT_AUTO means for an activation. */
bp_init activation_init(bp_activation kind);
/* Columns that one unit takes: k for maxout, else 1. */
int64_t activation_pieces(const bp_activation_spec *spec);

/* ---- initialisers.c ---- */
/* Sets bound, normal and orthogonal of a matrix [fan_in, fan_out]. */
void init_describe(bp_init init, double scale, bp_activation activation, int64_t fan_in, int64_t fan_out,
                   bp_param_info *info);

/* ---- net_params.c ---- */
/* Arrays of a layer, and number i of them; names are not filled in. */
int layer_params(const net_layer *l);
bp_param_info layer_param(const net_layer *l, int i);

/* ---- net_apply.c ---- */
/* Columns side by side; what was joined so far becomes one part when there is no room left. */
enum { JOIN_PARTS = 256 };
typedef struct join {
  bp_var parts[JOIN_PARTS];
  size_t n;
} join;
void join_add(join *j, bp_var part);
bp_var joined(const join *j);

/* ---- net_piecewise.c ---- */
void piecewise_release(bp_allocator allocator, net_layer *l);
/* x and, behind it, the pieces of its columns: [rows, inputs] → [rows, outputs]. */
bp_var piecewise_apply(const net_layer *l, bp_var x);

/* ---- orthogonal.c ---- */
/* Makes the rows or columns of values [rows, columns], whichever are fewer, orthonormal, and multiplies them by scale. */
void make_orthogonal(void *values, bp_dtype dtype, int64_t rows, int64_t columns, double scale);

#endif
