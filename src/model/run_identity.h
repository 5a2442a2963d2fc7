/* model/run_identity.h - what decides the result of a training run, as one JSON object: two runs of the same identity compute the
 * same, bit for bit.
 *
 *   {"arithmetic": "fused multiply-add", "settings": {"lr": "0.001", …}, "model": {…}, "columns": {…}, "data": {"rows": 120, "valid_rows": 30, "hash": "…", …}}
 *
 * "model" and "columns" are what a model file says in backprop.model and backprop.encoding.
 */
#ifndef BP_MODEL_RUN_IDENTITY_H
#define BP_MODEL_RUN_IDENTITY_H
#include "backprop/json.h"
#include "model/model_object.h"
#include "train/trainer.h"

/* NEW text (bp_string_free) for a model whose encoding and network are made, resolved options, and its data (valid NULL: none). */
bp_status bp_identity_new(bp_context *ctx, const bp_model *model, const bp_fit_options *options, const bp_source *train,
                          const bp_source *valid, char **out);

/* BP_OK when both are equal. BP_E_ARG (another arithmetic, other settings or network) or BP_E_DATA (other columns or data) with a message that
 * names the first difference and what both have. `then` is not trusted. */
bp_status bp_identity_compare(bp_context *ctx, const bp_json *then, const bp_json *now);

#endif
