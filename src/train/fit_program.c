/* fit_program.c - network, loss, gradient and update as one graph each for a step and for an evaluation. Floor: train. */
#include "train/fit_program.h"

#include "backprop/autodiff.h"
#include "backprop/ops.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "graph/node.h"
#include "train/fit_metrics.h"
#include "train/optimizer_update.h"
#include "train/regularize.h"

/* Variables of a graph under construction. */
typedef struct builder {
  bp_context *ctx;
  bp_graph *graph;
  const bp_net *net;
  const bp_source *source;
  const uint8_t *folds; /* of the options; NULL: every member learns from all rows */
  int params, slots;    /* slots of each parameter */
  bp_var *vars;         /* inputs, then gradients, then outputs: one block */
  size_t n_vars;
  bp_var *gradients; /* of what is learnt: parameters but for states, in their order */
  bp_var *states;    /* by parameter: the next value of a state, the null variable for what is learnt */
  bp_var *outputs;
  size_t n_inputs, n_outputs;
} builder;

static bp_status builder_init(builder *b, bp_context *ctx, const bp_net *net, const bp_source *source,
                              size_t first_param, int slots) {
  *b = (builder){.ctx = ctx, .net = net, .source = source, .params = bp_net_params(net), .slots = slots};
  size_t params = (size_t)b->params, states = params * (size_t)(1 + slots);
  b->n_inputs = first_param + states;
  b->n_vars = b->n_inputs + params + params + FIT_VALUES + 1 + states;
  b->vars = bp_calloc(ctx, b->n_vars, sizeof *b->vars);
  if (b->vars == NULL) return BP_E_NOMEM;
  b->gradients = b->vars + b->n_inputs;
  b->states = b->gradients + params;
  b->outputs = b->states + params;
  return bp_graph_new(ctx, &b->graph);
}

static void builder_release(builder *b) {
  bp_graph_free(b->graph);
  bp_release(bp_context_allocator(b->ctx), b->vars, b->n_vars, sizeof *b->vars);
}

/* x = features[rows] · scale + shift, in the network's element type; where categories are numbers, what the runner made of them */
static bp_var batch_features(builder *b) {
  const bp_source *s = b->source;
  bp_dtype dtype = bp_net_dtype(b->net);
  int64_t stored = s->n_runs > 0 ? BP_BATCH : s->places != NULL ? s->stored : s->rows;
  b->vars[FIT_FEATURES] = bp_input(b->graph, "features", s->dtype, 2, (int64_t[]){stored, s->columns});
  b->vars[FIT_ROWS] = bp_input(b->graph, "rows", BP_I32, 1, (int64_t[]){BP_BATCH});
  b->vars[FIT_PLACES] = bp_input(b->graph, "places", BP_I32, 1, (int64_t[]){BP_BATCH});
  if (s->n_runs > 0) return bp_cast(b->vars[FIT_FEATURES], dtype);
  bp_var x = bp_gather(b->vars[FIT_FEATURES], b->vars[s->places != NULL ? FIT_PLACES : FIT_ROWS], dtype);
  if (s->scale != 1) x = bp_mul(x, bp_scalar(b->graph, dtype, s->scale));
  if (s->shift != 0) x = bp_add(x, bp_scalar(b->graph, dtype, s->shift));
  return x;
}

static bp_var batch_targets(builder *b, bool classes) {
  const bp_source *s = b->source;
  if (classes) return b->vars[FIT_TARGETS] = bp_input(b->graph, "classes", BP_I32, 1, (int64_t[]){BP_BATCH});
  b->vars[FIT_TARGETS] = bp_input(b->graph, "targets", s->target_dtype, 2, (int64_t[]){s->rows, s->outputs});
  return bp_gather(b->vars[FIT_TARGETS], b->vars[FIT_ROWS], bp_net_dtype(b->net));
}

/* The weights of the batch's rows, divided by the mean weight of all rows: [batch]. The null variable where there are none. */
static bp_var batch_weights(builder *b) {
  const bp_source *s = b->source;
  double sum = 0;
  /* an input that nothing reads costs nothing */
  b->vars[FIT_WEIGHTS] = bp_input(b->graph, "weights", BP_F64, 1, (int64_t[]){s->rows});
  if (s->weights == NULL) return (bp_var){0};
  for (int64_t r = 0; r < s->rows; r++) sum += s->weights[r];
  bp_var w = bp_gather(b->vars[FIT_WEIGHTS], b->vars[FIT_ROWS], BP_F64);
  return bp_cast(bp_mul(w, bp_scalar(b->graph, BP_F64, (double)s->rows / sum)), bp_net_dtype(b->net));
}

static bp_var weighted(bp_var rows, bp_var weights) { return weights.graph ? bp_mul(rows, weights) : rows; }

/* 1 for each row of the batch that member m learns from, times the weight of all rows over that of those which it learns from; 0 for
 * the others. The null variable where it learns from all. */
static bp_var member_share(builder *b, bp_var fold, int m) {
  const bp_source *s = b->source;
  double all = 0, learnt = 0;
  if (b->folds == NULL) return (bp_var){0};
  for (int64_t r = 0; r < s->rows; r++) {
    double w = s->weights != NULL ? s->weights[r] : 1;
    all += w;
    learnt += b->folds[r] != m ? w : 0;
  }
  bp_dtype dtype = bp_net_dtype(b->net);
  bp_var learns = bp_not_equal(fold, bp_scalar(b->graph, dtype, m));
  return bp_mul(learns, bp_scalar(b->graph, dtype, all / learnt));
}

/* The class that z predicts, as a number of its type. One unit stands for two classes: the second one where z > 0, and at 0 too
 * where the unit says so. */
static bp_var guess(const bp_objective *o, bp_var z) {
  bp_dtype dtype = bp_var_dtype(z);
  if (bp_var_dim(z, 1) > 1) return bp_cast(bp_argmax(z), dtype);
  bp_var second = o->output == BP_OUTPUT_HEAVISIDE ? bp_heaviside(z) : bp_greater(z, bp_scalar(z.graph, dtype, 0));
  return bp_reshape(second, 1, (int64_t[]){BP_BATCH});
}

/* 1 for each row whose predicted class is its own. */
static bp_var is_correct(const bp_objective *o, bp_var z, bp_var classes) {
  return bp_equal(guess(o, z), bp_cast(classes, bp_var_dtype(z)));
}

/* One for each class or target, [rows, width]. */
static bp_var predictions(const bp_objective *o, bp_var z) {
  return bp_slice(bp_objective_predict(o, z), 1, 0, o->width, 1);
}

/* Of labels: 1 for those that are true. */
static bp_var is_true(bp_var x) { return bp_greater(x, bp_scalar(x.graph, bp_var_dtype(x), 0.5)); }

/* What a metric of values is the mean of, [rows]: over target columns the mean of (p - y)² or |p - y|, of labels the part that is
 * right. */
static bp_var row_errors(const bp_objective *o, bp_metric metric, bp_var z, bp_var target) {
  bp_var p = predictions(o, z), error = bp_sub(p, target);
  if (metric == BP_METRIC_ACCURACY) return bp_mean(bp_equal(is_true(p), is_true(target)), 1u << 1);
  return bp_mean(metric == BP_METRIC_MAE ? bp_abs(error) : bp_square(error), 1u << 1);
}

bool fit_eval_predicts(const fit_eval *e) { return e->predictions || metric_needs_rows(e->metric); }

/* Those of rows and targets that an evaluation asks for, of the raw output z. */
static bp_var judged(builder *b, const bp_objective *o, const fit_eval *e, bp_var z, bp_var target, bp_var weights) {
  if (o->classes)
    b->outputs[FIT_CORRECT] = bp_sum(weighted(is_correct(o, z, target), weights), BP_ALL_AXES);
  else if (metric_is_sum(e->metric))
    b->outputs[FIT_CORRECT] = bp_sum(weighted(row_errors(o, e->metric, z, target), weights), BP_ALL_AXES);
  b->n_outputs = bp_var_is_zero(b->outputs[FIT_CORRECT]) ? FIT_CORRECT : FIT_VALUES;
  if (fit_eval_predicts(e)) b->outputs[b->n_outputs++] = predictions(o, z);
  return weighted(bp_objective_rows(o, z, target, false), weights);
}

/* The losses of the batch's rows as the network is used. */
static bp_var look(builder *b, const bp_objective *objective, const fit_eval *e, const bp_var *params) {
  bp_var x = batch_features(b), target = batch_targets(b, objective->classes), weights = batch_weights(b);
  bp_var z = e->member ? bp_net_apply_member(b->net, x, params)
                       : bp_objective_pool(objective, bp_net_apply(b->net, x, params));
  return judged(b, objective, e, z, target, weights);
}

/* a + b; a may be the null variable. */
static bp_var plus(bp_var a, bp_var b) { return bp_var_is_zero(a) ? b : bp_add(a, b); }

/* The mean over members of the losses of the batch's rows, [rows], and (*correct, where targets are classes) of what is classified
 * right; each of the rows that it learns from. */
static bp_var member_losses(builder *b, const bp_objective *o, bp_var z, bp_var target, bp_var weights,
                            bp_var *correct) {
  int members = bp_net_members(b->net);
  int64_t units = bp_net_outputs(b->net);
  bp_dtype dtype = bp_net_dtype(b->net);
  bp_var losses = bp_zero_of(b->graph), right = losses, fold = losses;
  b->vars[FIT_FOLDS] = bp_input(b->graph, "folds", BP_U8, 1, (int64_t[]){b->source->rows});
  if (b->folds != NULL) fold = bp_gather(b->vars[FIT_FOLDS], b->vars[FIT_ROWS], dtype);
  for (int m = 0; m < members; m++) {
    bp_var own = members == 1 ? z : bp_slice(z, 1, m * units, (m + 1) * units, 1), share = member_share(b, fold, m);
    losses = plus(losses, weighted(bp_objective_rows(o, own, target, true), share));
    if (o->classes) right = plus(right, weighted(is_correct(o, own, target), share));
  }
  bp_var part = bp_scalar(b->graph, dtype, 1.0 / members);
  if (o->classes) *correct = weighted(members > 1 ? bp_mul(right, part) : right, weights);
  return weighted(members > 1 ? bp_mul(losses, part) : losses, weights);
}

/* The losses of the batch's rows as the network is trained; counts into outputs when the targets are classes. */
static bp_var forward(builder *b, const bp_objective *objective, const bp_net_training *training,
                      const bp_var *params) {
  bp_var x = batch_features(b), target = batch_targets(b, objective->classes), weights = batch_weights(b);
  bp_var z = bp_net_apply_training(b->net, x, params, training, b->states), correct = bp_zero_of(b->graph);
  bp_var losses = member_losses(b, objective, z, target, weights, &correct);
  if (objective->classes) b->outputs[FIT_CORRECT] = bp_sum(correct, BP_ALL_AXES);
  b->n_outputs = objective->classes ? FIT_VALUES : FIT_CORRECT;
  return losses;
}

/* The gradient of all that is learnt, as the optimiser sees it. */
static bp_status append_gradients(builder *b, const bp_fit_options *options, bp_var objective, const bp_var *params) {
  size_t n = 0, room = (size_t)b->params;
  bp_var *learnt = bp_alloc(b->ctx, room, sizeof *learnt);
  if (learnt == NULL) return BP_E_NOMEM;
  for (int p = 0; p < b->params; p++)
    if (!bp_net_param(b->net, p).is_state) learnt[n++] = params[p];
  bp_status status = bp_grad(objective, learnt, n, b->gradients);
  bp_release(bp_context_allocator(b->ctx), learnt, room, sizeof *learnt);
  if (status == BP_OK) regularize_gradient(options, bp_net_members(b->net), b->gradients, (int)n);
  return status;
}

static void declare_slots(builder *b, bp_var *slots) {
  for (int p = 0; p < b->params; p++) {
    bp_param_info info = bp_net_param(b->net, p);
    for (int s = 0; s < b->slots; s++)
      slots[p * b->slots + s] = bp_input(b->graph, "slot", bp_net_dtype(b->net), info.rank, info.dims);
  }
}

static void append_updates(builder *b, const optimizer_step *step, const bp_var *params, const bp_var *slots) {
  const bp_var *gradient = b->gradients;
  for (int p = 0; p < b->params; p++) {
    bp_param_info info = bp_net_param(b->net, p);
    bool is_weight = info.is_weight;
    bp_var new_slots[OPTIMIZER_SLOTS_MAX], new_param;
    if (info.is_state) {
      b->outputs[b->n_outputs++] = bp_assign(params[p], b->states[p]);
      continue;
    }
    optimizer_update(step, is_weight, params[p], *gradient++, slots + p * b->slots, new_slots, &new_param);
    if (is_weight) new_param = regularize_weights(step->options, new_param);
    for (int s = 0; s < b->slots; s++) b->outputs[b->n_outputs++] = bp_assign(slots[p * b->slots + s], new_slots[s]);
    b->outputs[b->n_outputs++] = bp_assign(params[p], new_param);
  }
}

/* An error of building by its own name (most likely memory), where the functions on graphs say BP_E_GRAPH. */
static bp_status built(const builder *b) {
  bp_status status = bp_graph_status(b->graph);
  return status == BP_OK ? BP_OK : bp_fail(b->ctx, status, "%s", bp_graph_message(b->graph));
}

static bp_status compile(builder *b, int64_t batch, bp_program **out) {
  bp_compile_options o = {.size = sizeof o, .max_batch = batch};
  BP_TRY(built(b));
  return bp_compile(b->outputs, b->n_outputs, b->vars, b->n_inputs, &o, out);
}

/* Each member steps by the gradient of its own loss, as if it were alone. */
static bp_var sum_over_members(const builder *b, bp_var mean) {
  int members = bp_net_members(b->net);
  return members == 1 ? mean : bp_mul(mean, bp_scalar(b->graph, bp_var_dtype(mean), members));
}

bp_status fit_step_program(bp_context *ctx, const bp_net *net, const bp_source *source, const bp_fit_options *options,
                           int64_t batch, bp_program **out) {
  builder b;
  bp_status status =
      builder_init(&b, ctx, net, source, FIT_FIRST_PARAM_OF_STEP, optimizer_slots(options->optimizer, options));
  if (status != BP_OK) goto done;
  b.folds = options->folds;
  bp_var *params = b.vars + FIT_FIRST_PARAM_OF_STEP, *slots = params + b.params;
  bp_net_declare(net, b.graph, params);
  declare_slots(&b, slots);
  b.vars[FIT_LR] = bp_input(b.graph, "lr", bp_net_dtype(net), 0, NULL);
  b.vars[FIT_STEP] = bp_input(b.graph, "step", BP_F64, 0, NULL);
  bp_net_training training = {
      .size = sizeof training, .seed = options->seed, .step = b.vars[FIT_STEP], .batch = options->batch_size};
  bp_var rows = forward(&b, &options->objective, &training, params);
  bp_var objective = bp_mean(rows, BP_ALL_AXES), s = regularize_penalty(net, options, b.graph, params);
  b.outputs[FIT_LOSS] = objective;
  objective = sum_over_members(&b, objective);
  if (!bp_var_is_zero(s)) objective = bp_add(objective, s);
  BP_TRY_DONE(built(&b));
  status = append_gradients(&b, options, objective, params);
  if (status == BP_E_GRAPH) status = built(&b);
  if (status != BP_OK) goto done;
  optimizer_step step = {options, b.vars[FIT_LR], b.vars[FIT_STEP]};
  append_updates(&b, &step, params, slots);
  status = compile(&b, batch, out);
done:
  builder_release(&b);
  return status;
}

bp_status fit_eval_program(bp_context *ctx, const bp_net *net, const bp_source *source, const bp_objective *objective,
                           const fit_eval *eval, int64_t batch, bp_program **out) {
  builder b;
  bp_status status = builder_init(&b, ctx, net, source, FIT_FIRST_PARAM_OF_EVAL, 0);
  if (status != BP_OK) goto done;
  bp_var *params = b.vars + FIT_FIRST_PARAM_OF_EVAL;
  if (eval->member) {
    bp_net_declare_member(net, b.graph, params);
    b.n_inputs = FIT_FIRST_PARAM_OF_EVAL + (size_t)(b.params / bp_net_members(net));
  } else {
    bp_net_declare(net, b.graph, params);
  }
  b.vars[FIT_FOLDS] = bp_input(b.graph, "folds", BP_U8, 1, (int64_t[]){source->rows});
  b.outputs[FIT_LOSS] = bp_sum(look(&b, objective, eval, params), BP_ALL_AXES);
  status = compile(&b, batch, out);
done:
  builder_release(&b);
  return status;
}

/* ---- full batches ---- */

/* The penalty times the rows of the batch: what a batch adds to a sum over rows. The symbolic zero when there is none. */
static bp_var penalty_of_rows(const builder *b, const bp_fit_options *options, const bp_var *params) {
  bp_var s = regularize_penalty(b->net, options, b->graph, params);
  if (bp_var_is_zero(s)) return s;
  return bp_mul(bp_cast(s, BP_F64), bp_cast(bp_axis_size(b->vars[FIT_ROWS], BP_AXIS(0)), BP_F64));
}

/* Outputs: the sum of the losses, the rows classified right, the gradient of sum and penalty, and both together. */
static bp_status append_gradient_of_sum(builder *b, const bp_fit_options *options, const bp_var *params) {
  const bp_net_training training = {.size = sizeof training,
                                    .seed = options->seed}; /* no layer drops: there is no step */
  bp_var loss = bp_sum(bp_cast(forward(b, &options->objective, &training, params), BP_F64), BP_ALL_AXES);
  bp_var penalty = penalty_of_rows(b, options, params), all = bp_var_is_zero(penalty) ? loss : bp_add(loss, penalty);
  BP_TRY(built(b));
  if (options->objective.classes) b->outputs[FIT_CORRECT] = bp_cast(b->outputs[FIT_CORRECT], BP_F64);
  b->outputs[FIT_LOSS] = loss;
  BP_TRY(bp_grad(all, params, (size_t)b->params, b->outputs + b->n_outputs));
  b->n_outputs += (size_t)b->params;
  b->outputs[b->n_outputs++] = all;
  return BP_OK;
}

/* Σ over rows of Jᵀ w J v, J = ∂p/∂params of the row's predictions p and w the weight of its squares; and the penalty's part. */
static bp_status append_product(builder *b, const bp_fit_options *options, const bp_var *params, const bp_var *v) {
  size_t n = (size_t)b->params;
  bp_var x = batch_features(b), jv, weights;
  (void)batch_targets(b, options->objective.classes);
  weights = batch_weights(b);
  b->vars[FIT_FOLDS] = bp_input(b->graph, "folds", BP_U8, 1, (int64_t[]){b->source->rows});
  bp_var p = bp_objective_predict(&options->objective, bp_net_apply(b->net, x, params));
  BP_TRY(built(b));
  BP_TRY(bp_jvp(&p, 1, params, v, n, &jv));
  bp_var w = bp_scalar(b->graph, bp_var_dtype(p), bp_objective_square_weight(&options->objective));
  bp_var u = bp_mul(jv, weights.graph != NULL ? bp_mul(bp_expand(weights, -1), w) : w);
  BP_TRY(bp_vjp(&p, &u, 1, params, n, b->outputs));
  bp_var penalty = penalty_of_rows(b, options, params);
  if (!bp_var_is_zero(penalty)) BP_TRY(bp_hvp(penalty, params, v, n, b->gradients));
  for (size_t i = 0; i < n; i++) {
    if (bp_var_is_zero(b->outputs[i])) b->outputs[i] = bp_mul(v[i], bp_scalar(b->graph, bp_var_dtype(p), 0));
    if (!bp_var_is_zero(penalty)) b->outputs[i] = bp_add(b->outputs[i], b->gradients[i]);
  }
  b->n_outputs = n;
  return BP_OK;
}

static bp_status full_program(bp_context *ctx, const bp_net *net, const bp_source *source,
                              const bp_fit_options *options, int64_t batch, bool product, bp_program **out) {
  builder b;
  bp_status status = builder_init(&b, ctx, net, source, FIT_FIRST_PARAM_OF_EVAL, product ? 1 : 0);
  if (status != BP_OK) goto done;
  bp_var *params = b.vars + FIT_FIRST_PARAM_OF_EVAL;
  bp_net_declare(net, b.graph, params);
  declare_slots(&b, params + b.params);
  status =
      product ? append_product(&b, options, params, params + b.params) : append_gradient_of_sum(&b, options, params);
  if (status == BP_E_GRAPH) status = built(&b);
  if (status == BP_OK) status = compile(&b, batch, out);
done:
  builder_release(&b);
  return status;
}

bp_status fit_gradient_program(bp_context *ctx, const bp_net *net, const bp_source *source,
                               const bp_fit_options *options, int64_t batch, bp_program **out) {
  return full_program(ctx, net, source, options, batch, false, out);
}

bp_status fit_product_program(bp_context *ctx, const bp_net *net, const bp_source *source,
                              const bp_fit_options *options, int64_t batch, bp_program **out) {
  return full_program(ctx, net, source, options, batch, true, out);
}

/* ---- looking at a step ---- */

/* Σ v²; finite when all elements are, but for float64 beyond 1e154. */
static bp_var magnitude(bp_var v) { return bp_sum(bp_square(bp_cast(v, BP_F64)), BP_ALL_AXES); }

static bp_status build_look(builder *b, const bp_objective *objective, bp_var *outputs) {
  int layers = bp_net_layers(b->net);
  bp_var *params = b->vars + FIT_FIRST_PARAM_OF_STEP;
  bp_net_declare(b->net, b->graph, params);
  declare_slots(b, params + b->params);
  b->vars[FIT_LR] = bp_input(b->graph, "lr", bp_net_dtype(b->net), 0, NULL);
  b->vars[FIT_STEP] = bp_input(b->graph, "step", BP_F64, 0, NULL);
  bp_var x = batch_features(b), target = batch_targets(b, objective->classes), weights = batch_weights(b);
  bp_var z = bp_net_apply_each(b->net, x, params, outputs + FIT_LOOK_LAYERS), correct;
  bp_var rows = member_losses(b, objective, z, target, weights, &correct);
  bp_var loss = sum_over_members(b, bp_mean(rows, BP_ALL_AXES));
  BP_TRY(built(b));
  bp_status status = bp_grad(loss, params, (size_t)b->params, b->gradients);
  if (status != BP_OK) return status == BP_E_GRAPH ? built(b) : status;
  outputs[FIT_LOOK_LOSS] = bp_add(magnitude(rows), magnitude(loss)); /* the sum of the rows may overflow */
  for (int l = 0; l < layers; l++) outputs[FIT_LOOK_LAYERS + l] = magnitude(outputs[FIT_LOOK_LAYERS + l]);
  for (int p = 0; p < b->params; p++)
    outputs[FIT_LOOK_LAYERS + layers + p] =
        bp_var_is_zero(b->gradients[p]) ? bp_scalar(b->graph, BP_F64, 0) : magnitude(b->gradients[p]);
  return built(b);
}

bp_status fit_look_program(bp_context *ctx, const bp_net *net, const bp_source *source, const bp_fit_options *options,
                           int64_t batch, bp_program **out) {
  builder b;
  size_t n = FIT_LOOK_LAYERS + (size_t)bp_net_layers(net) + (size_t)bp_net_params(net);
  bp_compile_options o = {.size = sizeof o, .max_batch = batch};
  bp_status status =
      builder_init(&b, ctx, net, source, FIT_FIRST_PARAM_OF_STEP, optimizer_slots(options->optimizer, options));
  bp_var *outputs = status == BP_OK ? bp_calloc(ctx, n, sizeof *outputs) : NULL;
  b.folds = options->folds;
  if (status == BP_OK) status = outputs != NULL ? build_look(&b, &options->objective, outputs) : BP_E_NOMEM;
  if (status == BP_OK) status = bp_compile(outputs, n, b.vars, b.n_inputs, &o, out);
  bp_release(bp_context_allocator(ctx), outputs, n, sizeof *outputs);
  builder_release(&b);
  return status;
}
