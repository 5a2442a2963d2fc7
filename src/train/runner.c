/* runner.c - running a program over the rows of a source. Floor: train. */
#include "train/runner.h"

#include <math.h>

#include "base/alloc.h"
#include "base/fail.h"

static bp_status alloc_arrays(runner *r, bool classes) {
  r->inputs = bp_calloc(r->ctx, r->n_inputs, sizeof *r->inputs);
  r->outputs = bp_calloc(r->ctx, r->n_outputs, sizeof *r->outputs);
  r->rows = bp_alloc(r->ctx, (size_t)r->source->rows, sizeof *r->rows);
  if (r->inputs == NULL || r->outputs == NULL || r->rows == NULL) return BP_E_NOMEM;
  if (classes) r->classes = bp_alloc(r->ctx, (size_t)r->batch, sizeof *r->classes);
  if (classes && r->classes == NULL) return BP_E_NOMEM;
  if (r->source->places != NULL) r->places = bp_alloc(r->ctx, (size_t)r->batch, sizeof *r->places);
  return r->source->places == NULL || r->places != NULL ? BP_OK : BP_E_NOMEM;
}

bp_status runner_init(runner *r, bp_context *ctx, bp_dtype dtype, const bp_source *source, bool classes, bool second,
                      size_t n_inputs, int64_t batch) {
  *r = (runner){.ctx = ctx, .dtype = dtype, .source = source, .n_inputs = n_inputs, .batch = batch};
  r->n_outputs = FIT_VALUES + n_inputs; /* every state is an input too */
  BP_TRY(alloc_arrays(r, classes));
  r->outputs[FIT_LOSS] = &r->values[FIT_LOSS];
  if (second) r->outputs[FIT_CORRECT] = &r->values[FIT_CORRECT];
  for (int64_t i = 0; i < source->rows; i++) r->rows[i] = (int32_t)i;
  r->inputs[FIT_FEATURES] = source->features;
  r->inputs[FIT_PLACES] = r->places;
  r->inputs[FIT_WEIGHTS] = source->weights;
  r->inputs[FIT_TARGETS] = classes ? (const void *)r->classes : source->targets;
  return BP_OK;
}

void runner_release(runner *r) {
  if (r->source == NULL) return;
  bp_allocator a = bp_context_allocator(r->ctx);
  bp_workspace_free(r->workspace);
  bp_program_free(r->program);
  bp_release(a, (void *)r->inputs, r->n_inputs, sizeof *r->inputs);
  bp_release(a, r->outputs, r->n_outputs, sizeof *r->outputs);
  bp_release(a, r->classes, (size_t)r->batch, sizeof *r->classes);
  bp_release(a, r->places, (size_t)r->batch, sizeof *r->places);
  bp_release(a, r->rows, (size_t)r->source->rows, sizeof *r->rows);
}

static double output_value(const runner *r, int i) {
  if (r->outputs[i] == NULL) return NAN;
  return r->dtype == BP_F64 ? r->values[i].f64 : (double)r->values[i].f32;
}

void runner_name_batch(runner *r, int64_t begin, int64_t n) {
  const int32_t *rows = r->rows + begin, *classes = r->source->targets;
  for (int64_t i = 0; r->classes != NULL && i < n; i++) r->classes[i] = classes[rows[i]];
  for (int64_t i = 0; r->places != NULL && i < n; i++) r->places[i] = r->source->places[rows[i]];
  r->inputs[FIT_ROWS] = rows;
}

bp_status runner_batch(runner *r, int64_t begin, int64_t n, double *loss, double *correct) {
  runner_name_batch(r, begin, n);
  BP_TRY(bp_run(r->program, r->workspace, n, r->inputs, r->outputs));
  *loss = output_value(r, FIT_LOSS);
  *correct = output_value(r, FIT_CORRECT);
  return BP_OK;
}
