/* backprop/loss.h - what training minimises: functions from the raw output z [rows, outputs] of a network and the target
 * to the loss of each row [rows]. A loss only appends graph nodes; its gradient comes from bp_grad().
 */
#ifndef BACKPROP_LOSS_H
#define BACKPROP_LOSS_H
#include "backprop/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bp_loss {
  BP_LOSS_CROSS_ENTROPY,        /* softmax; logsumexp(z) - z_c; target I32 [rows] class numbers */
  BP_LOSS_BINARY_CROSS_ENTROPY, /* sigmoid; Σ y ζ(-z) + (1 - y) ζ(z); target real [rows, outputs], 0 to 1 */
  BP_LOSS_MSE,                  /* identity; mean over outputs of (z - y)²; target real [rows, outputs] */
  BP_LOSS_COUNT
} bp_loss;
/* VIEW "cross_entropy"; NULL out of range. */
BP_API const char *bp_loss_name(bp_loss loss);
BP_API bool bp_loss_find(const char *name, bp_loss *out);
/* Whether the target is class numbers (I32 [rows]) instead of values. */
BP_API bool bp_loss_wants_classes(bp_loss loss);
/* The loss of each row, [rows]. */
BP_API bp_var bp_loss_rows(bp_loss loss, bp_var z, bp_var target);
/* The output after the unit that belongs to the loss: softmax, sigmoid, or z itself. */
BP_API bp_var bp_loss_output(bp_loss loss, bp_var z);

#ifdef __cplusplus
}
#endif
#endif
