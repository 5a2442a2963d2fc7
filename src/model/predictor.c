/* model/predictor.c - rows of plain numbers through the compiled program, with all memory made beforehand. Floor: model.
 *
 * Rows that already are what the program reads go to it where they stand, and it writes where the caller wants the result;
 * anything else passes through a buffer of max_rows rows.
 */
#include "backprop/predict.h"

#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "data/encoding_row.h"
#include "model/model_graph.h"

struct bp_predictor {
  bp_context *ctx;
  bp_allocator allocator;
  const bp_model *model;
  bp_space space;
  int64_t width, max_rows;
  const bp_program *program;
  bp_program *own; /* for network inputs of a model whose program takes bytes; else NULL */
  bp_dtype takes;  /* what the program reads */
  bp_workspace *workspace;
  const void **inputs; /* features, parameters */
  size_t n_inputs;
  double *row; /* [width] */
  double *out; /* [outputs] */
  int64_t outputs;
  void *features, *given; /* [max_rows, inputs] and [max_rows, outputs], of the program */
  size_t features_bytes, given_bytes;
  bool plain; /* what the program gives is what a user sees */
};

int64_t bp_model_width(const bp_model *model, bp_space space) {
  return space == BP_SPACE_INPUTS ? bp_net_inputs(model->net) : bp_encoding_width(model->encoding);
}

bp_status bp_model_values(bp_context *context, const bp_model *model, const bp_table *table, double *values) {
  bp_binding *binding = NULL;
  BP_TRY(bp_encoding_bind(context, model->encoding, table, false, &binding));
  bp_status status = bp_binding_values(context, binding, bp_rows_all(table), values);
  bp_binding_free(binding);
  return status;
}

/* ---- making ---- */

static bp_status read_options(bp_predictor *p, const bp_predictor_options *options, int *threads) {
  bp_predictor_options o = {.size = sizeof o};
  if (options && options->size != sizeof o)
    return bp_fail(p->ctx, BP_E_ARG, "bp_predictor_options.size is not sizeof(bp_predictor_options)");
  if (options) o = *options;
  if ((unsigned)o.space >= BP_SPACE_COUNT) return bp_fail(p->ctx, BP_E_ARG, "space is none of bp_space");
  if (o.threads < 0) return bp_fail(p->ctx, BP_E_ARG, "%d threads; expected 0 or more", o.threads);
  if (o.max_rows < 0) return bp_fail(p->ctx, BP_E_ARG, "max_rows is %" PRId64 "; expected 0 or more", o.max_rows);
  int64_t most = bp_model_chunk(p->model);
  p->max_rows = o.max_rows == 0 || o.max_rows > most ? most : o.max_rows;
  p->space = o.space;
  *threads = o.threads == 0 ? 1 : o.threads;
  return BP_OK;
}

/* The program with prepared inputs instead of bytes. */
static bp_status compile_inputs(bp_predictor *p) {
  bp_model_graph g;
  bp_compile_options options = {.size = sizeof options, .max_batch = p->max_rows};
  bp_status status = bp_model_graph_open(p->ctx, p->model, p->takes, false, 0, NULL, &g);
  if (status == BP_OK) {
    bp_var y = bp_objective_predict(&p->model->objective, g.z);
    status = bp_graph_status(g.graph);
    if (status == BP_OK) status = bp_compile(&y, 1, g.inputs, g.n_inputs, &options, &p->own);
  }
  bp_model_graph_close(&g);
  return status;
}

static bp_status choose_program(bp_predictor *p) {
  bool bytes = bp_model_takes_bytes(p->model->encoding);
  p->takes = bytes && p->space == BP_SPACE_COLUMNS ? BP_U8 : bp_net_dtype(p->model->net);
  p->program = p->model->forward;
  if (!bytes || p->space == BP_SPACE_COLUMNS) return BP_OK;
  bp_status status = compile_inputs(p);
  p->program = p->own;
  return status;
}

static bp_status rows_of(bp_predictor *p, int64_t columns, bp_dtype dtype, size_t *bytes, void **out) {
  size_t row;
  if (!bp_mul_count(bp_dtype_size(dtype), columns, &row) || !bp_mul_count(row, p->max_rows, bytes))
    return bp_fail(p->ctx, BP_E_NOMEM, "out of memory: %" PRId64 " rows of %" PRId64 " numbers", p->max_rows, columns);
  *out = bp_aligned_alloc(p->ctx, *bytes);
  return *out ? BP_OK : BP_E_NOMEM;
}

static bp_status make_room(bp_predictor *p) {
  const bp_net *net = p->model->net;
  p->width = bp_model_width(p->model, p->space);
  p->outputs = bp_model_outputs(p->model);
  p->plain = p->model->task == BP_TASK_CLASSIFICATION;
  p->n_inputs = p->model->n_params + 1;
  p->inputs = bp_alloc(p->ctx, p->n_inputs, sizeof *p->inputs);
  p->row = bp_alloc(p->ctx, (size_t)p->width, sizeof *p->row);
  p->out = bp_alloc(p->ctx, (size_t)p->outputs, sizeof *p->out);
  if (!p->inputs || !p->row || !p->out) return BP_E_NOMEM;
  for (size_t i = 0; i < p->model->n_params; i++) p->inputs[1 + i] = p->model->params[i];
  BP_TRY(rows_of(p, bp_net_inputs(net), p->takes, &p->features_bytes, &p->features));
  return rows_of(p, p->outputs, bp_net_dtype(net), &p->given_bytes, &p->given);
}

bp_status bp_predictor_new(bp_context *context, const bp_model *model, const bp_predictor_options *options,
                           bp_predictor **out) {
  int threads = 1;
  bp_predictor *p = bp_calloc(context, 1, sizeof *p);
  if (!p) return BP_E_NOMEM;
  p->ctx = context;
  p->allocator = bp_context_allocator(context);
  p->model = model;
  bp_bound bound = bp_model_bound(context, model, NULL);
  bp_status status = read_options(p, options, &threads);
  if (status == BP_OK) status = choose_program(p);
  if (status == BP_OK) status = make_room(p);
  if (status == BP_OK) status = bp_workspace_new(context, p->program, threads, &p->workspace);
  status = bp_bound_close(context, bound, status, NULL);
  if (status == BP_OK)
    *out = p;
  else
    bp_predictor_free(p);
  return status;
}

void bp_predictor_free(bp_predictor *predictor) {
  bp_predictor *p = predictor;
  if (!p) return;
  bp_workspace_free(p->workspace);
  bp_program_free(p->own);
  bp_release(p->allocator, p->inputs, p->n_inputs, sizeof *p->inputs);
  bp_release(p->allocator, p->row, (size_t)p->width, sizeof *p->row);
  bp_release(p->allocator, p->out, (size_t)p->outputs, sizeof *p->out);
  if (p->features) bp_aligned_free(p->allocator, p->features, p->features_bytes);
  if (p->given) bp_aligned_free(p->allocator, p->given, p->given_bytes);
  bp_release(p->allocator, p, 1, sizeof *p);
}

/* ---- predicting ---- */

/* What a call has, and wants. */
typedef struct call {
  bp_dtype from, to; /* of values and output */
  const char *values;
  char *output;
} call;

static double value_at(bp_dtype dtype, const void *values, int64_t i) {
  switch (dtype) {
  case BP_F64: return ((const double *)values)[i];
  case BP_F32: return (double)((const float *)values)[i];
  default: return ((const uint8_t *)values)[i];
  }
}

/* Row r of the piece into the buffer. */
static bp_status take_row(bp_predictor *p, const call *c, const char *values, int64_t r) {
  char *to = (char *)p->features + (size_t)(r * bp_net_inputs(p->model->net)) * bp_dtype_size(p->takes);
  for (int64_t i = 0; i < p->width; i++) p->row[i] = value_at(c->from, values, r * p->width + i);
  if (p->space == BP_SPACE_COLUMNS) return bp_encoding_row(p->ctx, p->model->encoding, p->row, p->takes, to);
  for (int64_t i = 0; i < p->width; i++)
    if (p->takes == BP_F64)
      ((double *)(void *)to)[i] = p->row[i];
    else
      ((float *)(void *)to)[i] = (float)p->row[i];
  return BP_OK;
}

/* Whether values are what the program reads. */
static bool reads_directly(const bp_predictor *p, const call *c) {
  return c->from == p->takes && (p->space == BP_SPACE_INPUTS || p->takes == BP_U8);
}

static void give_row(bp_predictor *p, const call *c, char *output, int64_t r) {
  for (int64_t i = 0; i < p->outputs; i++)
    p->out[i] = value_at(bp_net_dtype(p->model->net), p->given, r * p->outputs + i);
  bp_model_to_user(p->model, p->out);
  for (int64_t i = 0; i < p->outputs; i++)
    if (c->to == BP_F64)
      ((double *)(void *)output)[r * p->outputs + i] = p->out[i];
    else
      ((float *)(void *)output)[r * p->outputs + i] = (float)p->out[i];
}

static bp_status predict_piece(bp_predictor *p, const call *c, int64_t first, int64_t rows) {
  const char *values = c->values + (size_t)(first * p->width) * bp_dtype_size(c->from);
  char *output = c->output + (size_t)(first * p->outputs) * bp_dtype_size(c->to);
  bool writes_directly = c->to == bp_net_dtype(p->model->net) && p->plain;
  void *given = writes_directly ? (void *)output : p->given;
  p->inputs[0] = values;
  if (!reads_directly(p, c)) {
    for (int64_t r = 0; r < rows; r++) BP_TRY(take_row(p, c, values, r));
    p->inputs[0] = p->features;
  }
  BP_TRY(bp_run(p->program, p->workspace, rows, p->inputs, &given));
  for (int64_t r = 0; r < rows && !writes_directly; r++) give_row(p, c, output, r);
  return BP_OK;
}

static bp_status predict(bp_predictor *p, const call *c, int64_t rows) {
  if (rows < 0) return bp_fail(p->ctx, BP_E_ARG, "predict: %" PRId64 " rows; expected 0 or more", rows);
  for (int64_t first = 0; first < rows; first += p->max_rows) {
    int64_t left = rows - first;
    BP_TRY(predict_piece(p, c, first, left < p->max_rows ? left : p->max_rows));
  }
  return BP_OK;
}

bp_status bp_predict_f32(bp_predictor *predictor, int64_t rows, const float *values, float *output) {
  call c = {BP_F32, BP_F32, (const char *)values, (char *)output};
  return predict(predictor, &c, rows);
}

bp_status bp_predict_f64(bp_predictor *predictor, int64_t rows, const double *values, double *output) {
  call c = {BP_F64, BP_F64, (const char *)values, (char *)output};
  return predict(predictor, &c, rows);
}

bp_status bp_predict_u8(bp_predictor *predictor, int64_t rows, const uint8_t *values, float *output) {
  call c = {BP_U8, BP_F32, (const char *)values, (char *)output};
  return predict(predictor, &c, rows);
}
