/* model/model_graph.h - a model as nodes of a graph: for what is derived from it. For this floor only. */
#ifndef BP_MODEL_MODEL_GRAPH_H
#define BP_MODEL_MODEL_GRAPH_H
#include "model/model_object.h"

/* A network applied in an element type of choice. */
typedef struct bp_model_graph {
  bp_graph *graph;
  bp_var x;       /* input: prepared features [rows, inputs], of `dtype`, or bytes when asked for */
  bp_var z;       /* raw output [rows, units] */
  bp_var *inputs; /* x, then the parameters; room for `extra` more */
  size_t n_inputs, room;
  bp_allocator allocator;
} bp_model_graph;

/* NEW graph of the network; bp_model_graph_close() also when it fails. layers: NULL, or receives the output of each layer. */
bp_status bp_model_graph_open(bp_context *ctx, const bp_model *model, bp_dtype dtype, bool bytes, size_t extra,
                              bp_var *layers, bp_model_graph *out);
void bp_model_graph_close(bp_model_graph *graph);
/* A further input. */
bp_var bp_model_graph_input(bp_model_graph *graph, const char *name, bp_dtype dtype, int rank, const int64_t *dims);

/* The target of the model's loss as a further input: class numbers, or values of `dtype`. */
bp_var bp_model_target_input(const bp_model *model, bp_model_graph *graph, bp_dtype dtype);

/* The outputs [rows, bp_model_outputs()] in the units a user sees, from z of float64. */
bp_status bp_model_output(bp_context *ctx, const bp_model *model, bp_var z, bp_var *out);

/* The values of the parameters in float64: NEW arrays, or those of the model where it is of float64. */
typedef struct bp_real_params {
  const bp_model *model;
  double **values; /* [n_params] */
  bool owned;
  bp_allocator allocator;
} bp_real_params;
/* bp_real_params_release() also when it fails. */
bp_status bp_real_params_init(bp_context *ctx, const bp_model *model, bp_real_params *out);
void bp_real_params_release(bp_real_params *params);

#endif
