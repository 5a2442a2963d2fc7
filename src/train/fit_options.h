/* train/fit_options.h - defaults, ranges, and what the data must look like. */
#ifndef BP_TRAIN_FIT_OPTIONS_H
#define BP_TRAIN_FIT_OPTIONS_H
#include "backprop/train.h"

/* Copies the options with every 0 that means a default replaced, the objective excepted: it is resolved when the targets are known.
 * BP_E_ARG names the option, its value and its range. */
bp_status fit_options_resolve(bp_context *ctx, const bp_fit_options *options, int64_t rows, bp_fit_options *out);
/* Calls visit() with name and value of each resolved option that decides what is computed. */
typedef void (*fit_option_fn)(void *user, const char *name, const char *value);
void fit_options_each(const bp_fit_options *options, fit_option_fn visit, void *user);
/* BP_E_DATA unless the rows fit the network and the loss, BP_E_ARG for a network without layers; `what` is "training" or "validation". */
bp_status fit_source_check(bp_context *ctx, const char *what, const bp_source *s, const bp_net *net,
                           const bp_objective *objective);

#endif
