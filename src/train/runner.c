/* runner.c - running a program over the rows of a source. Floor: train. */
#include "train/runner.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "train/source_runs.h"

/* Elements of the features of a batch; SIZE_MAX: more than there can be. */
static size_t batch_elements(const runner *r) {
  size_t n;
  return bp_mul_count(1, r->batch, &n) && bp_mul_count(n, r->source->columns, &n) ? n : SIZE_MAX;
}

static bp_status alloc_runs(runner *r) {
  size_t n = (size_t)r->batch * r->source->n_runs;
  if (n == 0) return BP_OK;
  r->features = bp_calloc(r->ctx, batch_elements(r), bp_dtype_size(r->source->dtype));
  r->ones = bp_alloc(r->ctx, n, sizeof *r->ones);
  if (r->features == NULL || r->ones == NULL) return BP_E_NOMEM;
  for (size_t i = 0; i < n; i++) r->ones[i] = -1;
  return BP_OK;
}

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
  BP_TRY(alloc_runs(r));
  r->outputs[FIT_LOSS] = &r->values[FIT_LOSS];
  if (second) r->outputs[FIT_CORRECT] = &r->values[FIT_CORRECT];
  for (int64_t i = 0; i < source->rows; i++) r->rows[i] = (int32_t)i;
  r->inputs[FIT_FEATURES] = source->n_runs > 0 ? r->features : source->features;
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
  bp_release(a, r->features, batch_elements(r), bp_dtype_size(r->source->dtype));
  bp_release(a, r->ones, (size_t)r->batch * r->source->n_runs, sizeof *r->ones);
  bp_release(a, r->places, (size_t)r->batch, sizeof *r->places);
  bp_release(a, r->rows, (size_t)r->source->rows, sizeof *r->rows);
}

static double output_value(const runner *r, int i) {
  if (r->outputs[i] == NULL) return NAN;
  return r->dtype == BP_F64 ? r->values[i].f64 : (double)r->values[i].f32;
}

static void set(void *features, int64_t at, bp_dtype dtype, int value) {
  if (dtype == BP_F64)
    ((double *)features)[at] = value;
  else
    ((float *)features)[at] = (float)value;
}

/* A row of the source as row i of r->features: in a run, one element goes and one comes. */
static void spread_ones(runner *r, int64_t i, const int32_t *found) {
  const bp_source *s = r->source;
  int64_t *ones = r->ones + i * (int64_t)s->n_runs;
  for (size_t k = 0; k < s->n_runs; k++) {
    if (ones[k] >= 0) set(r->features, ones[k], s->dtype, 0);
    ones[k] = found[k] < 0 ? -1 : i * s->columns + s->runs[k].first + found[k];
    if (ones[k] >= 0) set(r->features, ones[k], s->dtype, 1);
  }
}

/* What is outside of runs, as it is: from a row of the source to a row of r->features. */
static void spread_numbers(const bp_source *s, const char *from, char *to) {
  size_t size = bp_dtype_size(s->dtype);
  int64_t at = 0;
  for (size_t k = 0; k <= s->n_runs; k++) {
    int64_t end = k < s->n_runs ? s->runs[k].first : s->columns;
    size_t bytes = (size_t)(end - at) * size;
    if (bytes > 0) memcpy(to + (size_t)at * size, from, bytes);
    from += bytes;
    if (k < s->n_runs) at = end + s->runs[k].count;
  }
}

static void spread_rows(runner *r, const int32_t *rows, int64_t n) {
  const bp_source *s = r->source;
  int64_t width = source_width(s);
  size_t size = bp_dtype_size(s->dtype);
  for (int64_t i = 0; i < n; i++) {
    int64_t place = source_place(s, rows[i]);
    spread_ones(r, i, s->ones + place * (int64_t)s->n_runs);
    if (width == 0) continue;
    const char *from = (const char *)s->features + (size_t)(place * width) * size;
    spread_numbers(s, from, (char *)r->features + (size_t)(i * s->columns) * size);
  }
}

void runner_name_batch(runner *r, int64_t begin, int64_t n) {
  const int32_t *rows = r->rows + begin, *classes = r->source->targets;
  for (int64_t i = 0; r->classes != NULL && i < n; i++) r->classes[i] = classes[rows[i]];
  for (int64_t i = 0; r->places != NULL && i < n; i++) r->places[i] = r->source->places[rows[i]];
  if (r->features != NULL) spread_rows(r, rows, n);
  r->inputs[FIT_ROWS] = rows;
}

bp_status runner_batch(runner *r, int64_t begin, int64_t n, double *loss, double *correct) {
  runner_name_batch(r, begin, n);
  BP_TRY(bp_run(r->program, r->workspace, n, r->inputs, r->outputs));
  *loss = output_value(r, FIT_LOSS);
  *correct = output_value(r, FIT_CORRECT);
  return BP_OK;
}
