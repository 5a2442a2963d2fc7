/* model/model_predict.c - a model applied to a table: pieces of rows are encoded and run through the compiled program.
 *
 * Each row's output is computed in one fixed order of operations, whatever rows stand beside it and whatever the number of
 * threads; so pieces are only a matter of memory.
 */
#include <string.h>

#include "base/fail.h"
#include "formats/readers.h"
#include "model/model_pass.h"

static bp_status open_buffers(bp_pass *pass) {
  const bp_net *net = pass->model->net;
  size_t element = bp_dtype_size(bp_net_dtype(net)), row;
  if (!bp_mul_count(element, bp_model_outputs(pass->model), &row) ||
      !bp_mul_count(row, pass->chunk, &pass->output_size))
    return bp_fail(pass->ctx, BP_E_NOMEM, "out of memory: the output of %lld rows is too large",
                   (long long)pass->chunk);
  pass->loss_size = (size_t)pass->chunk * element;
  pass->output = bp_aligned_alloc(pass->ctx, pass->output_size);
  pass->loss = bp_aligned_alloc(pass->ctx, pass->loss_size);
  pass->n_inputs = pass->model->n_params + 2;
  pass->inputs = bp_alloc(pass->ctx, pass->n_inputs, sizeof *pass->inputs);
  return pass->output && pass->loss && pass->inputs ? BP_OK : BP_E_NOMEM;
}

bp_status bp_pass_open(bp_pass *pass, const bp_table *table, int threads) {
  pass->chunk = bp_model_chunk(pass->model);
  if (bp_table_rows(table) <= pass->chunk / 4) threads = 1; /* not worth a thread */
  BP_TRY(bp_encoding_bind(pass->ctx, pass->model->encoding, table, pass->targets != BP_TARGETS_NONE, &pass->binding));
  BP_TRY(open_buffers(pass));
  return bp_workspace_new(pass->ctx, pass->program, threads, &pass->workspace);
}

void bp_pass_close(bp_pass *pass) {
  bp_allocator allocator = bp_context_allocator(pass->ctx);
  bp_workspace_free(pass->workspace);
  bp_binding_free(pass->binding);
  bp_aligned_free(allocator, pass->output, pass->output_size);
  bp_aligned_free(allocator, pass->loss, pass->loss_size);
  bp_release(allocator, pass->inputs, pass->n_inputs, sizeof *pass->inputs);
}

static bp_status run_piece(bp_pass *pass, const bp_encoded *encoded) {
  void *outputs[2] = {pass->output, pass->loss};
  pass->inputs[0] = encoded->features;
  for (size_t p = 0; p < pass->model->n_params; p++) pass->inputs[1 + p] = pass->model->params[p];
  pass->inputs[1 + pass->model->n_params] = encoded->targets;
  return bp_run(pass->program, pass->workspace, encoded->rows, pass->inputs, outputs);
}

/* The next rows of a list. Bytes are run where they lie: up to the next gap. */
static bp_rows next_piece(const bp_pass *pass, bp_rows rows, int64_t first) {
  int64_t left = rows.n - first;
  bp_rows piece = {.first = rows.first + first, .n = left < pass->chunk ? left : pass->chunk};
  if (!rows.list) return piece;
  piece.list = rows.list + first;
  if (!bp_model_takes_bytes(pass->model->encoding)) return piece;
  int64_t n = 1;
  while (n < piece.n && piece.list[n] == piece.list[0] + n) n++;
  return (bp_rows){.first = piece.list[0], .n = n};
}

static bp_status run_pieces(bp_pass *pass, bp_rows rows, bp_piece_fn receive, void *user) {
  bp_dtype dtype = bp_net_dtype(pass->model->net);
  bp_status status = BP_OK;
  for (int64_t first = 0; first < rows.n && status == BP_OK; first += pass->piece.n) {
    bp_encoded encoded;
    pass->piece = next_piece(pass, rows, first);
    BP_TRY(bp_binding_encode(pass->ctx, pass->binding, pass->piece, dtype, pass->targets, &encoded));
    status = run_piece(pass, &encoded);
    if (status == BP_OK) status = receive(pass, &encoded, first, user);
    bp_encoded_release(&encoded);
  }
  return status;
}

bp_status bp_pass_run(bp_pass *pass, bp_rows rows, bp_piece_fn receive, void *user) {
  bp_status status = run_pieces(pass, rows, receive, user);
  if (status == BP_OK) bp_binding_warn(pass->ctx, pass->binding);
  return status;
}

/* ---- predicting ---- */

void bp_pass_output(const bp_pass *pass, int64_t r, double *out) {
  int64_t outputs = bp_model_outputs(pass->model);
  for (int64_t i = 0; i < outputs; i++) out[i] = bp_pass_element(pass, pass->output, r * outputs + i);
  bp_model_to_user(pass->model, out);
}

static bp_status keep_outputs(bp_pass *pass, const bp_encoded *encoded, int64_t first, void *user) {
  int64_t outputs = bp_model_outputs(pass->model);
  double *out = (double *)user + first * outputs;
  for (int64_t r = 0; r < encoded->rows; r++) bp_pass_output(pass, r, out + r * outputs);
  return BP_OK;
}

bp_status bp_model_predict(bp_context *context, const bp_model *model, const bp_table *table, int threads,
                           double *output) {
  bp_pass pass = {.ctx = context, .model = model, .program = model->forward, .targets = BP_TARGETS_NONE};
  bp_bound bound = bp_model_bound(context, model, table);
  bp_status status = bp_pass_open(&pass, table, threads);
  if (status == BP_OK) status = bp_pass_run(&pass, bp_rows_all(table), keep_outputs, output);
  bp_pass_close(&pass);
  return bp_bound_close(context, bound, status, NULL);
}

/* ---- streams ---- */

/* Rows of a table at most, and what their outputs may take. */
#define STREAM_ROWS    ((int64_t)1 << 14)
#define STREAM_OUTPUTS ((int64_t)1 << 20)

typedef struct streaming {
  bp_context *ctx;
  const bp_model *model;
  bp_table_stream *stream;
  int threads;
  int64_t rows;   /* of a table at most */
  bp_table *last; /* the table before, with the pass that it went through: its binding has counted for warnings */
  bp_pass pass;
  double *output; /* [rows, outputs]; NULL before the first table */
  size_t room;
} streaming;

/* Whether numbers of a form could be taken for other plain ones. */
static bool has_form(const bp_encoding *e, const char *name) {
  int32_t feature = bp_dictionary_find(&e->names, name, strlen(name));
  int32_t target = bp_dictionary_find(&e->target_names, name, strlen(name));
  return (feature >= 0 && !bp_number_form_is_plain(&e->features[feature].form)) ||
         (target >= 0 && !bp_number_form_is_plain(&e->targets[target].form));
}

bp_take bp_model_take(const bp_model *model, const char *name) {
  const bp_encoding *e = model->encoding;
  int32_t feature = bp_dictionary_find(&e->names, name, strlen(name));
  if (e->block) {
    const bp_feature *block = &e->features[e->block - 1];
    if (bp_block_find(block->prefix, block->block_columns, name) >= 0) return BP_TAKE_FOUND;
  }
  if (has_form(e, name)) return BP_TAKE_TEXT;
  if (feature < 0) return BP_TAKE_NOTHING;
  bp_feature_type type = e->features[feature].type;
  if (type == BP_FEATURE_CATEGORY || type == BP_FEATURE_DATE) return BP_TAKE_TEXT;
  return type == BP_FEATURE_NUMBER ? BP_TAKE_FOUND : BP_TAKE_NOTHING;
}

/* The pass of a table, which goes on counting where the last one ended. */
static bp_status open_next(streaming *s, bp_table *table) {
  bp_pass pass = {.ctx = s->ctx, .model = s->model, .program = s->model->forward, .targets = BP_TARGETS_NONE};
  bp_status status = bp_pass_open(&pass, table, s->threads);
  if (status == BP_OK && s->last) bp_binding_go_on(s->pass.binding, pass.binding);
  if (s->last) bp_pass_close(&s->pass);
  bp_table_free(s->last);
  s->last = table;
  s->pass = pass;
  return status;
}

static bp_status alloc_output(streaming *s, int64_t rows) {
  if (s->output && (size_t)rows <= s->room) return BP_OK;
  size_t row = (size_t)bp_model_outputs(s->model) * sizeof *s->output;
  bp_release(bp_context_allocator(s->ctx), s->output, s->room, row);
  s->room = (size_t)rows;
  s->output = bp_alloc(s->ctx, s->room, row);
  return s->output ? BP_OK : BP_E_NOMEM;
}

static bp_status predict_all(streaming *s, bp_predicted_fn receive, void *user) {
  for (;;) {
    bp_table *table;
    BP_TRY(bp_table_stream_next(s->stream, s->rows, &table));
    if (!table) break;
    BP_TRY(open_next(s, table));
    BP_TRY(alloc_output(s, bp_table_rows(table)));
    BP_TRY(run_pieces(&s->pass, bp_rows_all(table), keep_outputs, s->output));
    if (!receive(user, table, s->output)) break;
  }
  if (s->last) bp_binding_warn(s->ctx, s->pass.binding);
  return BP_OK;
}

bp_status bp_model_predict_stream(bp_context *context, const bp_model *model, bp_table_stream *stream, int threads,
                                  bp_predicted_fn receive, void *user) {
  int64_t outputs = bp_model_outputs(model), rows = STREAM_OUTPUTS / outputs;
  streaming s = {.ctx = context, .model = model, .stream = stream, .threads = threads};
  s.rows = rows < 64 ? 64 : rows < STREAM_ROWS ? rows : STREAM_ROWS;
  bp_bound bound = bp_model_bound(context, model, NULL);
  bp_table_stream_credit(stream);
  bp_status status = predict_all(&s, receive, user);
  if (s.last) bp_pass_close(&s.pass);
  bp_table_free(s.last);
  bp_release(bp_context_allocator(context), s.output, s.room, (size_t)outputs * sizeof *s.output);
  return bp_bound_close(context, bound, status, NULL);
}
