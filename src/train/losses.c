/* losses.c - losses and their output units as graph code, in one table. Floor: train. */
#include <string.h>

#include "backprop/ops.h"
#include "backprop/loss.h"

static bp_var cross_entropy_rows(bp_var z, bp_var classes) { return bp_softmax_cross_entropy(z, classes); }

/* -log P(y) for P(1) = σ(z): y ζ(-z) + (1 - y) ζ(z), which is ζ((1 - 2y) z) for y in {0, 1}. The shorter ζ(z) - y z is the
 * same number, but rounds the small losses and gradients of right answers to nothing. [rows, outputs] → [rows] */
static bp_var binary_rows(bp_var z, bp_var y) {
  bp_var one = bp_scalar(z.graph, bp_var_dtype(z), 1);
  return bp_sum(bp_add(bp_mul(y, bp_softplus(bp_neg(z))), bp_mul(bp_sub(one, y), bp_softplus(z))), BP_LAST_AXIS);
}

static bp_var mse_rows(bp_var z, bp_var y) { return bp_mean(bp_square(bp_sub(z, y)), BP_LAST_AXIS); }

static bp_var identity(bp_var z) { return z; }

static const struct {
  const char *name;
  bool classes;
  bp_var (*rows)(bp_var z, bp_var target);
  bp_var (*output)(bp_var z);
} losses[BP_LOSS_COUNT] = {
    [BP_LOSS_CROSS_ENTROPY] = {"cross_entropy", true, cross_entropy_rows, bp_softmax},
    [BP_LOSS_BINARY_CROSS_ENTROPY] = {"binary_cross_entropy", false, binary_rows, bp_sigmoid},
    [BP_LOSS_MSE] = {"mse", false, mse_rows, identity},
};

const char *bp_loss_name(bp_loss loss) { return (unsigned)loss < BP_LOSS_COUNT ? losses[loss].name : NULL; }

bool bp_loss_find(const char *name, bp_loss *out) {
  for (int i = 0; i < BP_LOSS_COUNT; i++)
    if (strcmp(name, losses[i].name) == 0) return *out = (bp_loss)i, true;
  return false;
}

bool bp_loss_wants_classes(bp_loss loss) { return losses[loss].classes; }
bp_var bp_loss_rows(bp_loss loss, bp_var z, bp_var target) { return losses[loss].rows(z, target); }
bp_var bp_loss_output(bp_loss loss, bp_var z) { return losses[loss].output(z); }
