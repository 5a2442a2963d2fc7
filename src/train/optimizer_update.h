/* train/optimizer_update.h - optimisers as graphs: an update is a handful of nodes per parameter, compiled with everything else. */
#ifndef BP_TRAIN_OPTIMIZER_UPDATE_H
#define BP_TRAIN_OPTIMIZER_UPDATE_H
#include "backprop/train.h"

enum { OPTIMIZER_SLOTS_MAX = 3 };

/* State arrays that an optimiser keeps for each parameter, shaped like it and starting at zero. */
int optimizer_slots(bp_optimizer optimizer, const bp_fit_options *options);

/* Whether it is no update of a step but a method of full_method.h. */
bool optimizer_is_method(bp_optimizer optimizer);

/* Puts what the optimiser uses in place of every setting that is 0.
 * BP_E_ARG  a setting that this optimiser does not have; the message says which do */
bp_status optimizer_defaults(bp_context *ctx, bp_fit_options *options);
/* Whether a field of bp_fit_options means something to it. */
bool optimizer_takes(bp_optimizer optimizer, const char *field);

/* What an update may use. */
typedef struct optimizer_step {
  const bp_fit_options *options;
  bp_var lr;   /* input of rank 0 */
  bp_var step; /* input of rank 0, F64: steps done before this one */
} optimizer_step;

/* Appends the update of one parameter: new values of its slots and of itself. Only what is_weight decays. */
void optimizer_update(const optimizer_step *s, bool is_weight, bp_var param, bp_var gradient, const bp_var *slots,
                      bp_var *new_slots, bp_var *new_param);

#endif
