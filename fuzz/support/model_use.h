/* support/model_use.h - all that a model promises, checked: it describes itself, predicts rows alone as it does together, and is the same
 * after it was saved and loaded.
 */
#ifndef FUZZ_MODEL_USE_H
#define FUZZ_MODEL_USE_H
#include "backprop/model.h"

/* NEW table with every column that the model knows and a few rows, of values as in training and of others; NULL where the model's
 * columns are too many. */
bp_table *model_table(bp_context *ctx, const bp_model *model);
/* The table may have any rows, and need not have the columns. */
void model_use(bp_context *ctx, const bp_model *model, const bp_table *table);

#endif
