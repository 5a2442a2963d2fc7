/* model/class_weight.h - how much the rows of each class count in training. */
#ifndef BP_MODEL_CLASS_WEIGHT_H
#define BP_MODEL_CLASS_WEIGHT_H
#include "data/encoding.h"

/* Multiplies the weights of encoded rows (all 1 where there are none yet) by the factor of their class: "balanced" is
 * Σ weights / (classes · weights of the class), or "a=2,b=0.5", 1 for a class that is not named.
 * BP_E_ARG  the target is no classes, a class that is not there, a factor that is no number from 0 */
bp_status bp_class_weight_apply(bp_context *ctx, const char *text, const bp_encoding *encoding, bp_encoded *rows);

#endif
