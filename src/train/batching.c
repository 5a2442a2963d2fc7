/* batching.c - the last batch of an epoch, and batches too small to normalise by. Floor: train. */
#include "train/batching.h"

#include <inttypes.h>

#include "base/fail.h"

/* The first layer that normalises by the batch; -1: none does. */
static int batch_norm_layer(const bp_net *net) {
  for (int i = 0; i < bp_net_layers(net); i++)
    if (bp_net_layer(net, i).kind == BP_LAYER_BATCH_NORM) return i;
  return -1;
}

bp_status batching_of(bp_context *ctx, const bp_net *net, int64_t rows, const bp_fit_options *options, batching *out) {
  int64_t size = options->batch_size, left = rows % size;
  int layer = batch_norm_layer(net);
  if (layer >= 0 && rows == 1)
    return bp_fail(
        ctx, BP_E_DATA,
        "training: 1 row, but layer %d (batch_norm) divides by the deviation within a batch, and one row has "
        "none; expected 2 rows or more, or layer normalisation",
        layer);
  if (layer >= 0 && size == 1)
    return bp_fail(
        ctx, BP_E_ARG,
        "batch size is 1, but layer %d (batch_norm) divides by the deviation within a batch, and one row has "
        "none; expected a batch size of 2 or more, or layer normalisation",
        layer);
  bool joins = layer >= 0 && left == 1 && size > 1;
  *out = (batching){.rows = rows, .size = size, .last = joins ? size + 1 : left == 0 ? size : left};
  return BP_OK;
}
