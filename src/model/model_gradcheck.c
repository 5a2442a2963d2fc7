/* model/model_gradcheck.c - the gradient of a model's loss against differences, on rows of a table. Floor: model.
 *
 * The checker itself is autodiff's (backprop/gradcheck.h); here the model is put before it in float64, one parameter after the
 * other, so that each has a worst element of its own.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backprop/diagnose.h"
#include "backprop/gradcheck.h"
#include "backprop/ops.h"
#include "base/fail.h"
#include "model/model_graph.h"

typedef struct check {
  bp_context *ctx;
  const bp_model *model;
  bp_model_check_options o;
  int32_t *rows; /* [o.rows] of the table */
  bp_binding *binding;
  bp_labelled labelled;
  bp_encoded encoded; /* with weights, their mean is 1 */
  bp_real_params params;
  bp_model_graph graph;
  bp_var loss;
  const void **values; /* of the graph's inputs */
} check;

static bp_status read_options(check *c, const bp_model_check_options *options) {
  if (options && options->size != sizeof *options)
    return bp_fail(c->ctx, BP_E_ARG, "bp_model_check_options.size is not sizeof(bp_model_check_options)");
  if (options) c->o = *options;
  if (c->o.rows < 0 || c->o.elements < 0 || !(c->o.relative >= 0))
    return bp_fail(c->ctx, BP_E_ARG, "rows %" PRId64 ", elements %" PRId64 ", relative %g; none may be negative",
                   c->o.rows, c->o.elements, c->o.relative);
  if (c->o.rows == 0) c->o.rows = 16;
  if (c->o.elements == 0) c->o.elements = 32;
  return BP_OK;
}

/* To the mean 1, so that the mean over rows of w ℓ is Σ w ℓ / Σ w. */
static bp_status scale_weights(check *c) {
  double *weights = c->encoded.weights, sum = 0;
  if (!weights) return BP_OK;
  for (int64_t i = 0; i < c->o.rows; i++) sum += weights[i];
  if (!(sum > 0 && isfinite(sum)))
    return bp_fail(c->ctx, BP_E_DATA, "the weights of the %" PRId64 " rows to check with add up to %g; take more rows",
                   c->o.rows, sum);
  for (int64_t i = 0; i < c->o.rows; i++) weights[i] = weights[i] / sum * (double)c->o.rows;
  return BP_OK;
}

static bp_status take_rows(check *c, const bp_table *table) {
  if (bp_table_rows(table) == 0)
    return bp_fail(c->ctx, BP_E_DATA, "the table has no rows: there is nothing to check with");
  BP_TRY(bp_encoding_bind(c->ctx, c->model->encoding, table, true, &c->binding));
  BP_TRY(bp_binding_labelled(c->ctx, c->binding, &c->labelled));
  int64_t all = c->labelled.rows.n;
  if (c->o.rows > all) c->o.rows = all;
  c->rows = bp_alloc(c->ctx, (size_t)c->o.rows, sizeof *c->rows);
  if (!c->rows) return BP_E_NOMEM;
  for (int64_t i = 0; i < c->o.rows; i++) {
    int64_t row = i * all / c->o.rows;
    c->rows[i] = c->labelled.list ? c->labelled.list[row] : (int32_t)row;
  }
  bp_rows rows = {.list = c->rows, .n = c->o.rows};
  BP_TRY(bp_binding_encode(c->ctx, c->binding, rows, BP_F64, BP_TARGETS_OWN, &c->encoded));
  bp_binding_warn(c->ctx, c->binding);
  return scale_weights(c);
}

/* The loss of each row, by its weight where it has one. */
static bp_var row_losses(check *c) {
  bp_var target = bp_model_target_input(c->model, &c->graph, BP_F64);
  bp_var rows = bp_objective_rows(&c->model->objective, c->graph.z, target, false);
  if (!c->encoded.weights) return rows;
  return bp_mul(rows, bp_model_graph_input(&c->graph, "row weights", BP_F64, 1, (int64_t[]){BP_BATCH}));
}

static bp_status build(check *c) {
  size_t n = c->model->n_params;
  bool bytes = bp_model_takes_bytes(c->model->encoding);
  BP_TRY(bp_real_params_init(c->ctx, c->model, &c->params));
  BP_TRY(bp_model_graph_open(c->ctx, c->model, BP_F64, bytes, 2, NULL, &c->graph));
  c->loss = bp_mean(row_losses(c), BP_ALL_AXES);
  BP_TRY(bp_graph_status(c->graph.graph));
  c->values = bp_alloc(c->ctx, n + 3, sizeof *c->values);
  if (!c->values) return BP_E_NOMEM;
  c->values[0] = c->encoded.features;
  for (size_t p = 0; p < n; p++) c->values[1 + p] = c->params.values[p];
  c->values[1 + n] = c->encoded.targets;
  c->values[2 + n] = c->encoded.weights;
  return BP_OK;
}

static bp_status open_check(check *c, const bp_table *table, const bp_model_check_options *options) {
  BP_TRY(read_options(c, options));
  if (!bp_model_has_loss(c->model))
    return bp_fail(c->ctx, BP_E_ARG, "the model was trained with a loss of C code, which its file does not hold");
  BP_TRY(take_rows(c, table));
  return build(c);
}

static void close_check(check *c) {
  bp_allocator allocator = bp_context_allocator(c->ctx);
  bp_release(allocator, c->values, c->model->n_params + 3, sizeof *c->values);
  bp_model_graph_close(&c->graph);
  bp_real_params_release(&c->params);
  bp_encoded_release(&c->encoded);
  bp_binding_free(c->binding);
  bp_labelled_release(c->ctx, &c->labelled);
  bp_release(allocator, c->rows, (size_t)c->o.rows, sizeof *c->rows);
}

/* BP_E_CHECK when it differs; the result is filled either way. */
static bp_status check_param(check *c, size_t param, bp_param_check *out) {
  bp_gradcheck_options options = {.size = sizeof options,
                                  .relative = c->o.relative,
                                  .absolute = c->o.relative / 100,
                                  .max_elements = c->o.elements,
                                  .seed = c->o.seed};
  bp_gradcheck_report report = {0};
  const bp_model_graph *g = &c->graph;
  bp_status status = bp_gradcheck(&c->loss, 1, &g->inputs[1 + param], 1, g->inputs, g->n_inputs, c->o.rows, c->values,
                                  &options, &report);
  if (status != BP_OK && status != BP_E_CHECK) return status;
  *out = (bp_param_check){.error = report.error,
                          .checked = report.checked,
                          .element = report.x_element,
                          .derivative = report.derivative,
                          .difference = report.difference,
                          .forward = report.mode == BP_MODE_FORWARD};
  return status;
}

static bp_status fail_worst(const check *c, const bp_param_check *params) {
  size_t worst = 0;
  for (size_t p = 1; p < c->model->n_params; p++)
    if (params[p].error > params[worst].error) worst = p;
  bp_param_info info = bp_net_param(c->model->net, (int)worst);
  return bp_fail(c->ctx, BP_E_CHECK,
                 "the derivative of the loss by %s[%" PRId64 "] is %.12g by the rules (%s mode), %.12g by differences",
                 info.name, params[worst].element, params[worst].derivative,
                 params[worst].forward ? "forward" : "reverse", params[worst].difference);
}

static bp_status check_all(check *c, double *loss, bp_param_check *params) {
  bool differs = false;
  double mean;
  void *out = &mean;
  BP_TRY(bp_eval(&c->loss, 1, c->graph.inputs, c->graph.n_inputs, c->o.rows, c->values, &out));
  for (size_t p = 0; p < c->model->n_params; p++) {
    bp_status status = check_param(c, p, &params[p]);
    if (status != BP_OK && status != BP_E_CHECK) return status;
    differs = differs || status == BP_E_CHECK;
  }
  if (loss) *loss = mean;
  return differs ? fail_worst(c, params) : BP_OK;
}

bp_status bp_model_gradcheck(bp_context *context, const bp_model *model, const bp_table *table,
                             const bp_model_check_options *options, double *loss, bp_param_check *params) {
  check c = {.ctx = context, .model = model};
  bp_bound bound = bp_model_bound(context, model, table);
  bp_status status = open_check(&c, table, options);
  if (status == BP_OK) status = check_all(&c, loss, params);
  close_check(&c);
  return bp_bound_close(context, bound, status, NULL);
}
