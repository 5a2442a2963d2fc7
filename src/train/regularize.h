/* train/regularize.h - what holds weights and gradients back, as graph code. */
#ifndef BP_TRAIN_REGULARIZE_H
#define BP_TRAIN_REGULARIZE_H
#include "backprop/train.h"

/* BP_E_ARG unless lists of l1 and l2 have one number for each layer that has weights, none of them negative. */
bp_status regularize_check(bp_context *ctx, const bp_net *net, const bp_fit_options *options);

/* Σ over layers of l1 Σ|W| + (l2/2) Σ W², a scalar; biases and whatever else is no weight are left out. The symbolic zero when there is
 * nothing to add. The derivative of |w| is sign(w), 0 at 0. */
bp_var regularize_penalty(const bp_net *net, const bp_fit_options *options, bp_graph *graph, const bp_var *params);

/* Clips the gradient in place: every element to ±clip_value, then those of each member together to the norm clip_norm
 * (g ← g min(1, clip_norm / ‖g‖); Pascanu, Mikolov and Bengio, 2013). */
void regularize_gradient(const bp_fit_options *options, int members, bp_var *gradients, int n);

/* W with the incoming weights of every unit (a column of W [fan_in, units]) scaled down to the norm max_norm where theirs is larger
 * (Srebro and Shraibman, 2005; Hinton et al., 2012). */
bp_var regularize_weights(const bp_fit_options *options, bp_var w);

#endif
