/* model/model_pass.h - a table going through a program of a model, piece by piece. For this floor only.
 *
 * Each row's output is computed in one fixed order of operations, whatever rows stand beside it and whatever the number of
 * threads; so pieces are only a matter of memory.
 */
#ifndef BP_MODEL_MODEL_PASS_H
#define BP_MODEL_MODEL_PASS_H
#include "model/model_object.h"

typedef struct bp_pass {
  bp_context *ctx;
  const bp_model *model;
  const bp_program *program; /* features, parameters (and targets) -> output (and the loss of each row) */
  bp_targets targets;        /* BP_TARGETS_NONE: none are read */
  bool has_loss;             /* the program gives it */
  bp_binding *binding;
  bp_workspace *workspace;
  const void **inputs; /* features, parameters, targets */
  size_t n_inputs;
  void *output, *loss; /* [chunk, outputs], [chunk] of the network's dtype */
  size_t output_size, loss_size;
  int64_t chunk;
  bp_rows piece; /* what runs: rows of the table */
} bp_pass;

/* Opens a pass whose ctx, model, program and targets are set and whose rest is zero; bp_pass_close() in any case. */
bp_status bp_pass_open(bp_pass *pass, const bp_table *table, int threads);
void bp_pass_close(bp_pass *pass);

/* Receives each piece after it ran: the rows first .. first + encoded->rows - 1 of those that are run. */
typedef bp_status (*bp_piece_fn)(bp_pass *pass, const bp_encoded *encoded, int64_t first, void *user);
/* Runs rows of the table, then warns of what training never saw. */
bp_status bp_pass_run(bp_pass *pass, bp_rows rows, bp_piece_fn receive, void *user);

/* Element i of an array of the network's dtype. */
static inline double bp_pass_element(const bp_pass *pass, const void *data, int64_t i) {
  return bp_net_dtype(pass->model->net) == BP_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}
/* The outputs of row r of the piece that ran last, in the units a user sees: probabilities of all classes, or the target's
 * own. */
void bp_pass_output(const bp_pass *pass, int64_t r, double *out);

#endif
