/* norms.c - Euclidean norms of weights, gradients and updates, layer by layer. Floor: train.
 *
 * The step itself never has the gradient of the whole network in memory; so who asks for norms pays for one more forward and
 * backward pass, and who does not pays nothing.
 */
#include "train/norms.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"

struct norms {
  bp_context *ctx;
  const bp_net *net;
  void *const *params;
  runner *train;
  bp_program *program;
  bp_workspace *workspace;
  int layers, n_params;
  size_t n_outputs, before_bytes;
  double *squares; /* [n_outputs]: what fit_look_program() gives */
  void **outputs;
  char *before; /* the parameters before the step, one behind the other */
  bp_layer_norms *layer;
};

static size_t param_bytes(const norms *n, int p) {
  return (size_t)bp_net_param(n->net, p).elements * bp_dtype_size(bp_net_dtype(n->net));
}

static bp_status alloc_arrays(norms *n) {
  n->layers = bp_net_layers(n->net);
  n->n_params = bp_net_params(n->net);
  n->n_outputs = FIT_LOOK_LAYERS + (size_t)n->layers + (size_t)n->n_params;
  for (int p = 0; p < n->n_params; p++) n->before_bytes += param_bytes(n, p);
  n->squares = bp_calloc(n->ctx, n->n_outputs, sizeof *n->squares);
  n->outputs = bp_calloc(n->ctx, n->n_outputs, sizeof *n->outputs);
  n->layer = bp_calloc(n->ctx, (size_t)n->layers, sizeof *n->layer);
  n->before = bp_aligned_alloc(n->ctx, n->before_bytes);
  if (!n->squares || !n->outputs || !n->layer || !n->before) return BP_E_NOMEM;
  for (int p = 0; p < n->n_params; p++)
    n->outputs[FIT_LOOK_LAYERS + n->layers + p] = &n->squares[FIT_LOOK_LAYERS + n->layers + p];
  return BP_OK;
}

bp_status norms_new(bp_context *ctx, const bp_net *net, void *const *params, const bp_fit_options *options,
                    runner *train, norms **out) {
  norms *n = bp_calloc(ctx, 1, sizeof *n);
  if (!n) return BP_E_NOMEM;
  *n = (norms){.ctx = ctx, .net = net, .params = params, .train = train};
  bp_status status = alloc_arrays(n);
  if (status == BP_OK) status = fit_look_program(ctx, net, train->source, options, train->batch, &n->program);
  if (status == BP_OK) status = bp_workspace_new(ctx, n->program, options->threads, &n->workspace);
  if (status == BP_OK)
    *out = n;
  else
    norms_free(n);
  return status;
}

void norms_free(norms *n) {
  if (n == NULL) return;
  bp_allocator a = bp_context_allocator(n->ctx);
  bp_workspace_free(n->workspace);
  bp_program_free(n->program);
  if (n->before != NULL) bp_aligned_free(a, n->before, n->before_bytes);
  bp_release(a, n->squares, n->n_outputs, sizeof *n->squares);
  bp_release(a, n->outputs, n->n_outputs, sizeof *n->outputs);
  bp_release(a, n->layer, (size_t)n->layers, sizeof *n->layer);
  bp_release(a, n, 1, sizeof *n);
}

bp_status norms_before(norms *n, int64_t begin, int64_t rows) {
  char *to = n->before;
  for (int p = 0; p < n->n_params; to += param_bytes(n, p), p++) memcpy(to, n->params[p], param_bytes(n, p));
  runner_name_batch(n->train, begin, rows);
  return bp_run(n->program, n->workspace, rows, n->train->inputs, n->outputs);
}

/* Adds the squares of an array, and of its difference to what it was, to those of its layer. */
static void add_squares(const norms *n, int p, const char *before, bp_layer_norms *layer) {
  bool f64 = bp_net_dtype(n->net) == BP_F64;
  const double *d = n->params[p], *d0 = (const double *)(const void *)before;
  const float *f = n->params[p], *f0 = (const float *)(const void *)before;
  for (int64_t i = 0, end = bp_net_param(n->net, p).elements; i < end; i++) {
    double value = f64 ? d[i] : (double)f[i], change = value - (f64 ? d0[i] : (double)f0[i]);
    layer->weights += value * value;
    layer->update += change * change;
  }
}

const bp_layer_norms *norms_after(norms *n) {
  const char *before = n->before;
  memset(n->layer, 0, (size_t)n->layers * sizeof *n->layer);
  for (int p = 0; p < n->n_params; before += param_bytes(n, p), p++) {
    bp_layer_norms *layer = &n->layer[bp_net_param(n->net, p).layer];
    add_squares(n, p, before, layer);
    layer->gradient += n->squares[FIT_LOOK_LAYERS + n->layers + p];
  }
  for (int l = 0; l < n->layers; l++) {
    n->layer[l].weights = sqrt(n->layer[l].weights);
    n->layer[l].gradient = sqrt(n->layer[l].gradient);
    n->layer[l].update = sqrt(n->layer[l].update);
  }
  return n->layer;
}
