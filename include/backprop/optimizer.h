/* backprop/optimizer.h - how a step is made from a gradient. An optimiser is a handful of graph nodes per parameter, compiled
 * into the same program as network, loss and gradient.
 */
#ifndef BACKPROP_OPTIMIZER_H
#define BACKPROP_OPTIMIZER_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bp_optimizer {
  BP_SGD, /* v ← momentum·v + g; w ← w - lr·v (Nesterov: w ← w - lr·(g + momentum·v)); without momentum w ← w - lr·g */
  BP_ADAM, /* Kingma and Ba, 2015: m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², w ← w - lr·m̂ / (sqrt(v̂) + ε) */
  BP_OPTIMIZER_COUNT
} bp_optimizer;
/* VIEW "adam"; NULL out of range. */
BP_API const char *bp_optimizer_name(bp_optimizer optimizer);
BP_API bool bp_optimizer_find(const char *name, bp_optimizer *out);

#ifdef __cplusplus
}
#endif
#endif
