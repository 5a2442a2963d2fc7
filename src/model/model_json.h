/* model/model_json.h - the JSON texts of a model: what the model is, and how it was trained. */
#ifndef BP_MODEL_MODEL_JSON_H
#define BP_MODEL_MODEL_JSON_H
#include "backprop/json.h"
#include "model/model_object.h"

/* The newest layout of model files that this library reads: 2 may have members and piecewise layers. A model without them is written
 * as 1, which older versions read too. */
#define BP_MODEL_FORMAT 2

/* NEW object from the text of a key of a file's metadata; text NULL: there is none.
 * BP_E_MODEL, BP_E_NOMEM */
bp_status bp_json_from_text(bp_context *ctx, const char *key, const char *text, bp_json **out);

/* What was asked for and what happened, for the training record. */
typedef struct bp_training {
  const bp_train_options *options; /* with what the preset decides */
  const bp_fit_options *fit;       /* as asked for, not resolved */
  const bp_fit_result *result;
  const char *settings; /* NULL: none */
  int64_t rows, valid_rows;
  bool left_out; /* validation rows were training rows, each left out by a member */
} bp_training;
/* Sets the model's training record. Nothing in it depends on the clock, on paths or on threads: the same seed gives the same
 * text. */
bp_status bp_model_write_record(bp_context *ctx, bp_model *model, const bp_training *training);

/* Writes "backprop.model": task, loss, element type, layers; under `name` where it is a member. */
void bp_model_put_description(bp_json_writer *writer, const char *name, const bp_model *model);
/* Writes the layers of a network as an array. */
void bp_model_put_layers(bp_json_writer *writer, const char *name, const bp_net *net);
/* Appends the layers of a JSON array, of which nothing is trusted, to an empty network; the last one must have `units` outputs.
 * BP_E_MODEL  the message names the place */
bp_status bp_model_read_layers(bp_context *ctx, const bp_json *layers, int64_t units, bp_net *net);
/* Whether this library reads the format that an object names. */
bp_status bp_model_check_format(bp_context *ctx, const bp_json *object);
/* Fills task, loss, seed and net of a model whose encoding is known; nothing in `object` is trusted.
 * BP_E_MODEL  the message names the place */
bp_status bp_model_from_description(bp_context *ctx, const bp_json *object, bp_model *model);

#endif
