/* backprop/optimizer.h - how a step is made from a gradient. An optimiser is a handful of graph nodes per parameter, compiled
 * into the same program as network, loss and gradient.
 *
 * In the formulas w is a parameter, g its gradient, t = 1, 2, … the step, and products are taken element by element. The names of
 * the settings are those of bp_fit_options; states start at zero.
 */
#ifndef BACKPROP_OPTIMIZER_H
#define BACKPROP_OPTIMIZER_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bp_optimizer {
  BP_SGD,  /* w ← w - lr g; with momentum v ← momentum v + g, w ← w - lr v (Polyak, 1964); Nesterov's form
             w ← w - lr (g + momentum v) (Sutskever, Martens, Dahl and Hinton, 2013) */
  BP_ADAM, /* m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², w ← w - lr m̂ / (sqrt(v̂) + ε), m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ)
              (Kingma and Ba, 2015); amsgrad: the largest v so far in place of v (Reddi, Kale and Kumar, 2018) */
  BP_ADAMW, /* adam with decoupled weight decay: w ← (1 - lr weight_decay) w before each step (Loshchilov and Hutter, 2019) */
  BP_NADAM, /* adam with Nesterov's momentum: β₁m/(1-β₁ᵗ⁺¹) + (1-β₁)g/(1-β₁ᵗ) in place of m̂ (Dozat, 2016) */
  BP_ADAGRAD, /* v ← v + g², w ← w - lr g / (sqrt(v) + ε) (Duchi, Hazan and Singer, 2011) */
  BP_RMSPROP, /* v ← ρv + (1-ρ)g², u ← momentum u + g / (sqrt(v) + ε), w ← w - lr u (Tieleman and Hinton, 2012) */
  BP_ADADELTA, /* v ← ρv + (1-ρ)g², d = g sqrt(u + ε) / sqrt(v + ε), u ← ρu + (1-ρ)d², w ← w - lr d (Zeiler, 2012) */
  BP_RPROP, /* only the sign of the gradient counts, each parameter has a step size d of its own, lr at first: d grows by 1.2 (up to
                  50) where the gradient keeps its sign, and shrinks by 0.5 (down to 1e-6) where it changes, without a step then;
                  w ← w - d sign(g). All rows at once (Riedmiller and Braun, 1993; iRprop⁻ of Igel and Hüsken, 2000) */
  BP_LBFGS, /* quasi-Newton steps from the last changes of the gradient, with a line search for the strong Wolfe conditions
               (Nocedal, 1980; minimize.h). All rows at once */
  BP_LM, /* Levenberg-Marquardt: damped Gauss-Newton steps, for losses that are sums of squares (Marquardt, 1963; minimize.h). All
               rows at once; float64 is worth its price here */
  BP_OPTIMIZER_COUNT
} bp_optimizer;
/* VIEW "adam"; NULL out of range. */
BP_API const char *bp_optimizer_name(bp_optimizer optimizer);
BP_API bool bp_optimizer_find(const char *name, bp_optimizer *out);
/* Whether a step takes all rows at once, so that there are no mini-batches. */
BP_API bool bp_optimizer_full_batch(bp_optimizer optimizer);

#ifdef __cplusplus
}
#endif
#endif
