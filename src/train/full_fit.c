/* full_fit.c - the mean loss of all rows, its gradient and its Gauss-Newton products, from programs that run over pieces of them. The
 * pieces are added up in float64 in their order, so that memory does not grow with the rows and bits do not depend on threads.
 * Floor: train.
 */
#include "train/full_fit.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "train/flat.h"
#include "train/full_method.h"
#include "train/optimizer_update.h"
#include "train/worth_threads.h"

struct full_fit {
  bp_context *ctx;
  int n_params;
  bp_dtype dtype;
  int64_t rows, piece;
  runner *gradient; /* the caller's */
  runner product;   /* least squares only; else its source is NULL */
  size_t *sizes;    /* [n_params] */
  void **pointers;  /* [3 n_params]: parameters, directions, results */
  char *block;      /* directions and results */
  size_t block_size;
  double objective_sum; /* over a piece, penalties included */
  double *x;            /* [n] */
  size_t n;
  full_method method;
  full_objective objective;
  full_step last;
  double loss, correct;           /* of the last evaluation */
  double kept_loss, kept_correct; /* of the point where the method is */
  bool begun;
};

static flat array_set(const full_fit *f, int which) {
  return (flat){f->dtype, (size_t)f->n_params, f->sizes, f->pointers + which * f->n_params};
}
static flat params_of(const full_fit *f) { return array_set(f, 0); }
static flat directions_of(const full_fit *f) { return array_set(f, 1); }
static flat results_of(const full_fit *f) { return array_set(f, 2); }

/* ---- the objective ---- */

/* out ← the mean over all rows of what the runner's program sums up; the numbers of the evaluation likewise. */
static bp_status sum_pieces(full_fit *f, runner *r, double *out, double *objective) {
  flat results = results_of(f);
  double loss_sum = 0, correct_sum = 0, sum = 0;
  memset(out, 0, f->n * sizeof *out);
  for (int64_t begin = 0; begin < f->rows; begin += f->piece) {
    double loss, correct;
    BP_TRY(runner_batch(r, begin, f->rows - begin < f->piece ? f->rows - begin : f->piece, &loss, &correct));
    flat_add(&results, out);
    loss_sum += loss;
    correct_sum += correct;
    sum += f->objective_sum;
  }
  for (size_t i = 0; i < f->n; i++) out[i] /= (double)f->rows;
  if (objective == NULL) return BP_OK;
  *objective = sum / (double)f->rows;
  f->loss = loss_sum / (double)f->rows;
  f->correct = correct_sum;
  return BP_OK;
}

static bp_status value(void *user, double *x, double *objective, double *gradient) {
  full_fit *f = user;
  flat params = params_of(f);
  flat_write(&params, x);
  return sum_pieces(f, f->gradient, gradient, objective);
}

static bp_status product(void *user, const double *x, const double *v, double *out) {
  full_fit *f = user;
  flat params = params_of(f), along = directions_of(f);
  flat_store(&params, x);
  flat_store(&along, v);
  return sum_pieces(f, &f->product, out, NULL);
}

static void keep(void *user) {
  full_fit *f = user;
  f->kept_loss = f->loss;
  f->kept_correct = f->correct;
}

/* ---- what goes with it ---- */
bp_status full_fit_check(bp_context *ctx, const bp_net *net, const bp_fit_options *options) {
  const char *name = bp_optimizer_name(options->optimizer);
  if (bp_net_members(net) > 1)
    return bp_fail(ctx, BP_E_ARG, "%s fits one network, and this is an ensemble of %d; expected another optimizer",
                   name, bp_net_members(net));
  for (int i = 0; i < bp_net_layers(net); i++) {
    bp_layer_info layer = bp_net_layer(net, i);
    if (layer.kind == BP_LAYER_BATCH_NORM || (layer.kind == BP_LAYER_DROPOUT && layer.rate > 0))
      return bp_fail(ctx, BP_E_ARG, "%s needs one function of all rows, but layer %d (%s) is another at every step",
                     name, i, layer.type);
  }
  if (options->optimizer == BP_LM && !(bp_objective_square_weight(&options->objective) > 0))
    return bp_fail(ctx, BP_E_ARG,
                   "lm is for least squares, but loss %s is no sum of squares; expected mse, or another optimizer",
                   bp_loss_name(options->objective.loss));
  return BP_OK;
}

/* ---- making it ---- */
static bp_status alloc_arrays(full_fit *f, const bp_net *net, void *const *params) {
  size_t n_params = (size_t)f->n_params, width = bp_dtype_size(f->dtype);
  f->sizes = bp_calloc(f->ctx, n_params, sizeof *f->sizes);
  f->pointers = bp_calloc(f->ctx, 3 * n_params, sizeof *f->pointers);
  if (f->sizes == NULL || f->pointers == NULL) return BP_E_NOMEM;
  for (int p = 0; p < f->n_params; p++) f->n += f->sizes[p] = (size_t)bp_net_param(net, p).elements;
  if (!bp_mul_size(2 * f->n, width, &f->block_size))
    return bp_fail(f->ctx, BP_E_NOMEM, "a direction does not fit in memory");
  f->block = bp_aligned_alloc(f->ctx, f->block_size + 1);
  f->x = bp_calloc(f->ctx, f->n, sizeof *f->x);
  if (f->block == NULL || f->x == NULL) return BP_E_NOMEM;
  char *along = f->block, *result = f->block + f->n * width;
  for (size_t p = 0; p < n_params; p++) {
    f->pointers[p] = params[p];
    f->pointers[n_params + p] = along;
    f->pointers[2 * n_params + p] = result;
    along += f->sizes[p] * width;
    result += f->sizes[p] * width;
  }
  return BP_OK;
}

/* The numbers of the programs are float64, whatever the network is. */
static bp_status set_up_gradient(full_fit *f, const bp_net *net, const bp_fit_options *options) {
  runner *r = f->gradient;
  size_t n_params = (size_t)f->n_params, first = options->objective.classes ? FIT_VALUES : FIT_CORRECT;
  r->dtype = BP_F64;
  for (size_t p = 0; p < n_params; p++) {
    r->inputs[FIT_FIRST_PARAM_OF_EVAL + p] = f->pointers[p];
    r->outputs[first + p] = f->pointers[2 * n_params + p];
  }
  r->outputs[first + n_params] = &f->objective_sum;
  BP_TRY(fit_gradient_program(f->ctx, net, r->source, options, f->piece, &r->program));
  return bp_workspace_new(f->ctx, r->program, worth_threads(r->program, f->piece, options->threads), &r->workspace);
}

static bp_status set_up_product(full_fit *f, const bp_net *net, const bp_fit_options *options) {
  runner *r = &f->product;
  size_t n_params = (size_t)f->n_params;
  BP_TRY(runner_init(r, f->ctx, BP_F64, f->gradient->source, options->objective.classes, false,
                     FIT_FIRST_PARAM_OF_EVAL + 2 * n_params, f->piece));
  for (size_t p = 0; p < 2 * n_params; p++) r->inputs[FIT_FIRST_PARAM_OF_EVAL + p] = f->pointers[p];
  for (size_t p = 0; p < n_params; p++) r->outputs[p] = f->pointers[2 * n_params + p];
  BP_TRY(fit_product_program(f->ctx, net, r->source, options, f->piece, &r->program));
  return bp_workspace_new(f->ctx, r->program, worth_threads(r->program, f->piece, options->threads), &r->workspace);
}

static full_kind kind_of(const bp_fit_options *options, size_t n) {
  return options->optimizer == BP_LM ? full_kind_of_squares(n) : FULL_LBFGS;
}

static bp_status set_up(full_fit *f, const bp_net *net, const bp_fit_options *options) {
  full_kind kind = kind_of(options, f->n);
  BP_TRY(set_up_gradient(f, net, options));
  if (kind != FULL_LBFGS) BP_TRY(set_up_product(f, net, options));
  /* a mean of float32 losses is as good as their rounding, which the mean over rows evens out */
  f->objective = (full_objective){.user = f,
                                  .n = f->n,
                                  .noise = f->dtype == BP_F64 ? 1e-15 : 6e-8,
                                  .value = value,
                                  .product = product,
                                  .keep = keep};
  return full_method_init(f->ctx, &f->method, kind, f->n, options->memory, f->dtype == BP_F64 ? 1e-10 : 1e-6);
}

bp_status full_fit_new(bp_context *ctx, const bp_net *net, void *const *params, const bp_fit_options *options,
                       runner *rows, full_fit **out) {
  full_fit *f = bp_calloc(ctx, 1, sizeof *f);
  if (f == NULL) return BP_E_NOMEM;
  f->ctx = ctx;
  f->n_params = bp_net_params(net);
  f->dtype = bp_net_dtype(net);
  f->gradient = rows;
  f->rows = rows->source->rows;
  f->piece = f->rows < FULL_FIT_ROWS ? f->rows : FULL_FIT_ROWS;
  bp_status status = alloc_arrays(f, net, params);
  if (status == BP_OK) status = set_up(f, net, options);
  if (status != BP_OK) {
    full_fit_free(f);
    return status;
  }
  *out = f;
  return BP_OK;
}

void full_fit_free(full_fit *f) {
  if (f == NULL) return;
  bp_allocator a = bp_context_allocator(f->ctx);
  full_method_release(&f->method);
  runner_release(&f->product);
  if (f->block != NULL) bp_aligned_free(a, f->block, f->block_size + 1);
  bp_release(a, f->x, f->n, sizeof *f->x);
  bp_release(a, f->sizes, (size_t)f->n_params, sizeof *f->sizes);
  bp_release(a, f->pointers, 3 * (size_t)f->n_params, sizeof *f->pointers);
  bp_release(a, f, 1, sizeof *f);
}

/* ---- iterations ---- */
static bp_status begin(full_fit *f) {
  flat params = params_of(f);
  if (f->begun) return BP_OK;
  flat_read(&params, f->x);
  BP_TRY(full_method_begin(f->ctx, &f->method, &f->objective, f->x, &f->last));
  f->begun = true;
  return BP_OK;
}

bp_status full_fit_step(full_fit *f, double *loss, double *correct) {
  flat params = params_of(f);
  BP_TRY(begin(f));
  bp_status status = full_method_iterate(&f->method, &f->objective, f->x, &f->last);
  flat_store(&params, f->x); /* trials may have been elsewhere */
  BP_TRY(status);
  *full_method_mark(&f->method) = f->last.end == FULL_GOES_ON ? 0 : f->last.end == FULL_UNBOUNDED ? 2 : 1;
  *loss = f->kept_loss;
  *correct = f->kept_correct;
  return BP_OK;
}

/* Kept in the state: a run that goes on must end where it would have ended. */
bool full_fit_converged(full_fit *f) { return *full_method_mark(&f->method) == 1; }
bool full_fit_unbounded(full_fit *f) { return *full_method_mark(&f->method) == 2; }

size_t full_fit_state_size(const bp_net *net, const bp_fit_options *options) {
  size_t n = 0;
  for (int p = 0; p < bp_net_params(net); p++) n += (size_t)bp_net_param(net, p).elements;
  return full_method_state_size(kind_of(options, n), n, options->memory);
}

double *full_fit_state(full_fit *f, size_t *size) { return full_method_state(&f->method, size); }
bool full_fit_fits(const full_fit *f) { return full_method_fits(&f->method); }
