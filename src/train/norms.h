/* train/norms.h - how large weights, gradients and updates are, for who asks. */
#ifndef BP_TRAIN_NORMS_H
#define BP_TRAIN_NORMS_H
#include "train/runner.h"

typedef struct norms norms;

/* NEW; everything BORROWed. `train` has the inputs of a step, and its program. */
bp_status norms_new(bp_context *ctx, const bp_net *net, void *const *params, const bp_fit_options *options,
                    runner *train, norms **out);
void norms_free(norms *n);

/* Before a step over the rows at train->rows[begin .. begin + rows): measures the gradient, and remembers the parameters. */
bp_status norms_before(norms *n, int64_t begin, int64_t rows);
/* VIEW [bp_net_layers()] after it, until the next step. */
const bp_layer_norms *norms_after(norms *n);

#endif
