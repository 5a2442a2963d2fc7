/* model/model_object.h - what a model is made of, for the files of this floor.
 *
 * A model is immutable once bp_model_finish() succeeded: predictions take a workspace of their own.
 */
#ifndef BP_MODEL_MODEL_OBJECT_H
#define BP_MODEL_MODEL_OBJECT_H
#include "backprop/model.h"
#include "backprop/program.h"
#include "base/alloc.h"
#include "base/bound.h"
#include "data/encoding.h"

/* Rows that a program takes at once: as many as keep the encoded rows of a piece below BP_CHUNK_BYTES, and at most
 * BP_CHUNK_ROWS. It decides nothing about the results. */
#define BP_CHUNK_ROWS  1024
#define BP_CHUNK_BYTES ((int64_t)16 << 20)

struct bp_model {
  bp_allocator allocator;
  bp_task task;
  bp_objective objective; /* resolved; its expression is the next member, a callback is not kept */
  char *expression;       /* NULL: none */
  size_t expression_size;
  bp_target_scale *scales; /* [targets], of the objective; NULL: targets are in their own units */
  uint64_t seed;
  bp_encoding *encoding;
  bp_net *net;
  void **params; /* [bp_net_params(net)], laid out as bp_param_info says */
  size_t n_params;
  char *record; /* JSON text, record_size bytes with its NUL */
  size_t record_size;
  bp_program *forward; /* features, parameters -> output after its unit */
};

/* NEW model without encoding, network, record and program; release with bp_model_free() at any stage. */
bp_status bp_model_new(bp_context *ctx, bp_model **out);
/* Zeroed arrays for all parameters of model->net. */
bp_status bp_model_alloc_params(bp_context *ctx, bp_model *model);
/* Copies the record; size counts no NUL. */
bp_status bp_model_set_record(bp_context *ctx, bp_model *model, const char *text, size_t size);
/* Compiles the forward program: the last step of making a model. */
bp_status bp_model_finish(bp_context *ctx, bp_model *model);

/* Opens a bound on memory for using a model (base/bound.h), credited with its parameters and the cells of a table (NULL: none). */
bp_bound bp_model_bound(bp_context *ctx, const bp_model *model, const bp_table *table);
/* Bytes of a parameter's array. */
size_t bp_model_param_bytes(const bp_net *net, int param);
/* Rows that the programs of this model take at once. */
int64_t bp_model_chunk(const bp_model *model);
/* Whether the features stay bytes until they reach the network. */
bool bp_model_takes_bytes(const bp_encoding *encoding);
/* Resolves an objective for the target of the model's encoding and keeps it, with a copy of its expression.
 * BP_E_ARG  it does not go with the target */
bp_status bp_model_set_objective(bp_context *ctx, bp_model *model, const bp_objective *objective);
/* Whether the loss can be computed: that of a callback cannot. */
bool bp_model_has_loss(const bp_model *model);

/* ---- model_layers.c ---- */
/* BP_E_ARG names the option about layers that is out of its range. */
bp_status bp_model_check_layers(bp_context *ctx, const bp_train_options *options);
/* NEW network in model->net: that of the options, from the model's inputs to the units of its objective. Edges of pieces are learnt
 * from the encoded training rows. */
bp_status bp_model_build_net(bp_context *ctx, bp_model *model, const bp_encoded *rows, const bp_train_options *options);

/* ---- preset.c ---- */
/* What is known of a training when its options are resolved. */
typedef struct bp_facts {
  int64_t rows;                /* to learn from */
  bool images;                 /* features are bytes alone */
  bool has_valid;              /* there are validation rows */
  const bp_encoding *encoding; /* NULL: columns and loss are not known yet */
  bp_loss loss;
} bp_facts;
/* As bp_train_resolve(), by all that is known. */
bp_train_options bp_preset_resolve(const bp_train_options *options, const bp_facts *facts);

/* An output as a user sees it is scale · (what the program gives) + shift: learnt values in the target's own units. False where
 * that changes nothing, for classes and correlations; then scale is 1 and shift 0. */
bool bp_model_output_scale(const bp_model *model, int64_t output, double *scale, double *shift);
/* A row of outputs so, in place. */
void bp_model_to_user(const bp_model *model, double *outputs);

/* NEW program: features and parameters (and targets, when asked for) -> output (and the loss of each row). */
bp_status bp_model_compile(bp_context *ctx, const bp_model *model, bool with_loss, bp_program **out);

#endif
