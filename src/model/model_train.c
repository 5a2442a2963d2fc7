/* model/model_train.c - from a table to a model: split, learn the encoding on the training rows, encode, build the network,
 * fit it.
 */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "data/split.h"
#include "model/class_weight.h"
#include "model/checkpoint_file.h"
#include "model/model_json.h"
#include "model/model_object.h"
#include "train/temperature.h"

/* What training needs beside the model itself. */
typedef struct bp_job {
  bp_context *ctx;
  const bp_table *table, *valid_table;
  bp_train_options options;
  bp_encoding_options encoding_options;
  bp_labelled labelled, valid_labelled; /* rows of the two tables that have a target */
  bp_split split;                       /* rows of `table`; empty without valid_fraction */
  bp_rows rows, valid_rows;
  bp_encoded train, valid;
  bp_source_run
      *runs; /* [n_runs] of the inputs, one for each column of categories, in case they are encoded as numbers */
  size_t n_runs;
  bool has_valid;
  uint8_t *folds;        /* [train.rows]: the member that leaves a row out; NULL: none does */
  bp_checkpoint *resume; /* NULL: from the start */
  bp_model *model;
} bp_job;

/* ---- options ---- */

static bp_status refuse(const bp_job *job, const char *what) { return bp_fail(job->ctx, BP_E_ARG, "%s", what); }

static bp_status check_options(const bp_job *job) {
  const bp_train_options *o = &job->options;
  if (o->dtype != BP_F32 && o->dtype != BP_F64) return refuse(job, "dtype: expected float32 or float64");
  if (!bp_task_name(o->task)) return refuse(job, "task: expected auto, classification or regression");
  if (!bp_loss_name(o->fit.objective.loss)) return refuse(job, "loss is none of bp_loss");
  if (!bp_output_name(o->fit.objective.output)) return refuse(job, "output is none of bp_output");
  if (!bp_optimizer_name(o->fit.optimizer)) return refuse(job, "optimizer is none of bp_optimizer");
  if (!(o->valid_fraction >= 0 && o->valid_fraction < 1))
    return bp_fail(job->ctx, BP_E_ARG, "valid_fraction %g: expected a number from 0 and below 1", o->valid_fraction);
  if (o->valid_fraction > 0 && job->valid_table)
    return refuse(job, "both a validation table and a valid_fraction are given");
  return bp_model_check_layers(job->ctx, o);
}

/* What the objective decides of the target: counts and quantiles are values however few there are, and a target that must be
 * taken as it is cannot be scaled. */
static bp_status choose_goal(bp_job *job) {
  const bp_objective *asked = &job->options.fit.objective;
  bp_encoding_options *e = &job->encoding_options;
  bp_objective classes, values;
  bool formula = asked->loss == BP_LOSS_EXPRESSION; /* judged when the targets are known */
  bool plain = asked->output == BP_OUTPUT_AUTO || asked->output == BP_OUTPUT_IDENTITY;
  bool several = e->target && strchr(e->target, ',');
  bp_status status = formula ? BP_OK : bp_objective_resolve(job->ctx, asked, true, 2, &classes);
  if (status == BP_E_NOMEM || e->goal == BP_GOAL_CLASSIFICATION) return status;
  if (e->goal == BP_GOAL_AUTO && status != BP_OK) e->goal = BP_GOAL_REGRESSION;
  if (formula) return e->raw_target = !plain, BP_OK;
  status = bp_objective_resolve(job->ctx, asked, false, 1, &values);
  /* a distribution over several targets has no meaning for one */
  if (status == BP_E_ARG && several) status = bp_objective_resolve(job->ctx, asked, false, 2, &values);
  e->raw_target = status == BP_OK && !bp_objective_scales(&values);
  return e->goal == BP_GOAL_REGRESSION || status == BP_E_NOMEM ? status : BP_OK;
}

/* Whether several columns of 0 and 1 may be classes: by default, and with the loss that belongs to classes. */
static bool takes_one_hot(const bp_objective *o) {
  return (o->loss == BP_LOSS_AUTO || o->loss == BP_LOSS_CROSS_ENTROPY) &&
         (o->output == BP_OUTPUT_AUTO || o->output == BP_OUTPUT_SOFTMAX);
}

static bp_status take_options(bp_job *job, const bp_train_options *options) {
  if (options && options->size != sizeof *options)
    return refuse(job, "bp_train_options.size is not sizeof(bp_train_options)");
  if (options) job->options = *options;
  job->options.fit.objective.standardised = NULL; /* it is learnt here */
  BP_TRY(check_options(job));
  bp_encoding_options *e = &job->encoding_options;
  e->target = job->options.target;
  e->weight = job->options.weight;
  e->ignore = job->options.ignore;
  e->features = job->options.features;
  e->max_categories = job->options.max_categories;
  e->hash = job->options.hash;
  e->goal = (bp_goal)job->options.task;
  e->one_hot = takes_one_hot(&job->options.fit.objective);
  return choose_goal(job);
}

/* ---- rows ---- */

/* From places in the list of rows that have a target to rows of the table. */
static void take_labelled(const int32_t *labelled, int32_t *rows, int64_t n) {
  for (int64_t i = 0; i < n && labelled; i++) rows[i] = labelled[rows[i]];
}

static bp_status split_table(bp_job *job) {
  BP_TRY(bp_encoding_labelled(job->ctx, job->table, &job->encoding_options, &job->labelled));
  int64_t n = job->labelled.rows.n;
  int32_t *strata = NULL;
  job->rows = job->labelled.rows;
  if (!(job->options.valid_fraction > 0)) return BP_OK;
  BP_TRY(bp_encoding_strata(job->ctx, job->table, job->rows, &job->encoding_options, &strata));
  bp_status status =
      bp_split_rows(job->ctx, n, strata, job->options.valid_fraction, job->options.fit.seed, &job->split);
  bp_release(bp_context_allocator(job->ctx), strata, (size_t)n, sizeof *strata);
  BP_TRY(status);
  take_labelled(job->labelled.list, job->split.train, job->split.n_train);
  take_labelled(job->labelled.list, job->split.valid, job->split.n_valid);
  job->rows = (bp_rows){.list = job->split.train, .n = job->split.n_train};
  job->valid_rows = (bp_rows){.list = job->split.valid, .n = job->split.n_valid};
  return BP_OK;
}

/* ---- encoding ---- */

/* Several targets that are 0 or 1 are labels, each true or not by itself, when no loss was asked for. */
static void look_for_labels(bp_job *job) {
  bp_objective *o = &job->options.fit.objective;
  bp_encoding *e = job->model->encoding;
  if (e->n_targets < 2 || e->goal == BP_GOAL_CLASSIFICATION || o->loss != BP_LOSS_AUTO || o->output != BP_OUTPUT_AUTO)
    return;
  for (size_t i = 0; i < e->n_targets; i++)
    if (!e->targets[i].labels) return;
  for (size_t i = 0; i < e->n_targets; i++) e->targets[i].mean = 0, e->targets[i].scale = 1;
  o->loss = BP_LOSS_BINARY_CROSS_ENTROPY;
  bp_note(job->ctx,
          "all %zu targets are 0 or 1: multi-label classification, loss binary_cross_entropy; ask for mse if they "
          "measure something",
          e->n_targets);
}

static bp_status encode_valid_table(bp_job *job) {
  bp_context *ctx = job->ctx;
  bp_binding *binding;
  if (bp_table_rows(job->valid_table) == 0) return bp_fail(ctx, BP_E_DATA, "the validation table has no rows");
  BP_TRY(bp_encoding_bind(ctx, job->model->encoding, job->valid_table, true, &binding));
  bp_status status = bp_binding_labelled(ctx, binding, &job->valid_labelled);
  bp_binding_pack(binding);
  if (status == BP_OK)
    status = bp_binding_encode(ctx, binding, job->valid_labelled.rows, job->options.dtype, BP_TARGETS_OWN, &job->valid);
  if (status == BP_OK) bp_binding_warn(ctx, binding);
  bp_binding_free(binding);
  return status;
}

static bp_status find_runs(bp_job *job) {
  const bp_encoding *e = job->model->encoding;
  job->runs = bp_alloc(job->ctx, e->n_features, sizeof *job->runs);
  if (!job->runs) return BP_E_NOMEM;
  for (size_t i = 0; i < e->n_features; i++) {
    const bp_feature *f = &e->features[i];
    if (f->type == BP_FEATURE_CATEGORY) job->runs[job->n_runs++] = (bp_source_run){f->first_input, bp_feature_ones(f)};
  }
  return BP_OK;
}

static bp_status encode_rows(bp_job *job) {
  bp_context *ctx = job->ctx;
  bp_model *model = job->model;
  bp_dtype dtype = job->options.dtype;
  BP_TRY(bp_encoding_learn(ctx, job->table, job->rows, &job->encoding_options, &model->encoding));
  model->task = (bp_task)model->encoding->goal;
  look_for_labels(job);
  BP_TRY(find_runs(job));
  BP_TRY(bp_model_set_objective(ctx, model, &job->options.fit.objective));
  BP_TRY(bp_encoding_apply(ctx, model->encoding, job->table, job->rows, dtype, BP_TARGETS_OWN, &job->train));
  if (job->options.class_weight)
    BP_TRY(bp_class_weight_apply(ctx, job->options.class_weight, model->encoding, &job->train));
  job->has_valid = job->valid_table || job->valid_rows.list;
  if (!job->has_valid) return BP_OK;
  return job->valid_table
             ? encode_valid_table(job)
             : bp_encoding_apply(ctx, model->encoding, job->table, job->valid_rows, dtype, BP_TARGETS_OWN, &job->valid);
}

static uint64_t cells(const bp_table *table) {
  return table ? (uint64_t)bp_table_rows(table) * (uint64_t)bp_table_columns(table) : 0;
}

static bp_status encode(bp_job *job) {
  bp_bound bound = bp_bound_open(job->ctx, BP_BOUND_TRAINING);
  bp_bound_credit(job->ctx, cells(job->table) + cells(job->valid_table));
  return bp_bound_close(job->ctx, bound, encode_rows(job), NULL);
}

/* ---- fitting ---- */

static bp_source source_of(const bp_job *job, const bp_encoded *rows) {
  return (bp_source){.rows = rows->rows,
                     .columns = rows->columns,
                     .dtype = rows->dtype,
                     .features = rows->features,
                     .places = rows->places,
                     .stored = rows->stored,
                     .scale = rows->scale,
                     .shift = rows->shift,
                     .target_dtype = rows->target_dtype,
                     .outputs = rows->outputs,
                     .targets = rows->targets,
                     .weights = rows->weights,
                     .runs = job->runs,
                     .n_runs = rows->ones ? job->n_runs : 0,
                     .ones = rows->ones};
}

/* A member learns from seven rows of eight at least. */
enum { FOLDS_LEAST = 8 };

/* An ensemble that is to stop early judges itself by the rows that its members leave out, where no others are given. */
static bp_status make_folds(bp_job *job) {
  const bp_train_options *o = &job->options;
  const bp_encoded *rows = &job->train;
  int members = bp_net_members(job->model->net), parts = members < FOLDS_LEAST ? FOLDS_LEAST : members;
  if (members < 2 || o->fit.patience <= 0 || job->has_valid || rows->rows < 2 * parts) return BP_OK;
  job->folds = bp_alloc(job->ctx, (size_t)rows->rows, sizeof *job->folds);
  if (!job->folds) return BP_E_NOMEM;
  const int32_t *classes = rows->target_dtype == BP_I32 ? rows->targets : NULL;
  return bp_split_folds(job->ctx, rows->rows, classes, parts, o->fit.seed, job->folds);
}

static void release_rows(bp_job *job) {
  bp_release(bp_context_allocator(job->ctx), job->folds, (size_t)job->train.rows, sizeof *job->folds);
  job->folds = NULL;
  bp_encoded_release(&job->train);
  bp_encoded_release(&job->valid);
  memset(&job->train, 0, sizeof job->train);
  memset(&job->valid, 0, sizeof job->valid);
  if (job->runs)
    bp_release(bp_context_allocator(job->ctx), job->runs, job->model->encoding->n_features, sizeof *job->runs);
  job->runs = NULL;
  job->n_runs = 0;
  bp_split_release(&job->split);
  memset(&job->split, 0, sizeof job->split);
  bp_labelled_release(job->ctx, &job->labelled);
  bp_labelled_release(job->ctx, &job->valid_labelled);
}

/* Rows that a member is judged by. */
static int64_t left_out(const bp_job *job) {
  int64_t n = 0;
  for (int64_t r = 0; job->folds && r < job->train.rows; r++) n += job->folds[r] < bp_net_members(job->model->net);
  return n;
}

/* Everything after bp_fit() that can fail: *result is the caller's only when it succeeds. */
static bp_status complete(bp_job *job, const bp_fit_options *fit, const bp_fit_result *result) {
  bp_training training = {.options = &job->options,
                          .fit = fit,
                          .result = result,
                          .settings = job->options.settings,
                          .rows = job->train.rows,
                          .valid_rows = job->has_valid ? job->valid.rows : left_out(job),
                          .left_out = job->folds != NULL};
  release_rows(job);
  BP_TRY(bp_model_write_record(job->ctx, job->model, &training));
  return bp_model_finish(job->ctx, job->model);
}

/* The message of a failure names the checkpoint. */
static bp_status of_checkpoint(const bp_job *job, bp_status status) {
  if (status != BP_OK && status != BP_E_NOMEM) bp_fail_prefix(job->ctx, "%s: ", job->options.resume);
  return status;
}

/* From the start, or from where a checkpoint left off. */
static bp_status go_on(bp_job *job, trainer *t, bp_checkpoint_run *run) {
  const bp_train_options *o = &job->options;
  if (o->checkpoint) t->save = (trainer_save){bp_checkpoint_write, run, o->checkpoint_every, o->checkpoint_steps};
  if (job->resume) BP_TRY(of_checkpoint(job, bp_checkpoint_resume(job->ctx, job->resume, t)));
  return trainer_run(t);
}

/* Divides the raw outputs of the network, of every member, by T: the last layer's weights and biases. */
static void cool(bp_model *model, double temperature) {
  int last = bp_net_layers(model->net) - 1;
  for (size_t p = 0; p < model->n_params; p++) {
    bp_param_info info = bp_net_param(model->net, (int)p);
    if (info.layer != last) continue;
    float *f = model->params[p];
    double *d = model->params[p];
    for (int64_t i = 0; i < info.elements; i++)
      if (bp_net_dtype(model->net) == BP_F64)
        d[i] /= temperature;
      else
        f[i] = (float)((double)f[i] / temperature);
  }
}

/* Probabilities that rows say are too sure, or not sure enough, are mended by them: rows that nobody learnt from, or their member did
 * not. The mean of members is less sure than each: the root of a member's temperature serves it better than all of it, or none
 * (docs/tables.md). */
static bp_status calibrate(bp_job *job, trainer *t) {
  bp_model *model = job->model;
  const bp_source *rows = t->valid.source;
  bool members = t->folds.members > 0;
  bp_epoch epoch;
  if (!members && t->options.metric != BP_METRIC_CALIBRATED_LOSS) return BP_OK;
  if (model->objective.loss != BP_LOSS_CROSS_ENTROPY || t->result.epochs == 0 || !rows) return BP_OK;
  BP_TRY(trainer_judge(t, &epoch)); /* of the weights that are kept */
  double temperature = temperature_of(t->rows.predictions, rows->targets, rows->weights, rows->rows, rows->outputs);
  cool(model, members ? sqrt(temperature) : temperature);
  return BP_OK;
}

static bp_status run_trainer(bp_job *job, trainer *t, bp_fit_result *result) {
  const bp_train_options *o = &job->options;
  bp_checkpoint_run run = {.ctx = job->ctx, .path = o->checkpoint, .note = o->checkpoint_note, .model = job->model};
  bp_status status = go_on(job, t, &run);
  bp_checkpoint_run_release(&run);
  if (status != BP_OK && status != BP_E_DIVERGED) return status;
  trainer_finish(t);
  if (status == BP_OK) BP_TRY(calibrate(job, t));
  *result = t->result;
  t->result = (bp_fit_result){0};
  return status;
}

/* Memory for the parameters is taken when nothing speaks against the plan any more. */
static bp_status fit_plan(bp_job *job, const trainer_plan *plan, bp_fit_result *result) {
  bp_model *model = job->model;
  trainer *t;
  if (job->resume) BP_TRY(of_checkpoint(job, bp_checkpoint_check(job->ctx, job->resume, model, plan)));
  BP_TRY(bp_model_alloc_params(job->ctx, model));
  bp_net_init(model->net, plan->options.seed, model->params);
  BP_TRY(trainer_new(job->ctx, plan, model->params, &t));
  bp_status status = run_trainer(job, t, result);
  trainer_free(t);
  return status;
}

static bp_status fit(bp_job *job, bp_fit_result *result) {
  bp_source train = source_of(job, &job->train), valid = source_of(job, &job->valid);
  bp_fit_options options = job->options.fit;
  bp_model *model = job->model;
  trainer_plan plan;
  options.size = sizeof options;
  options.objective = model->objective;
  options.folds = job->folds;
  model->seed = options.seed;
  BP_TRY(trainer_plan_of(job->ctx, model->net, &train, job->has_valid ? &valid : NULL, &options, &plan));
  bp_status fitted = fit_plan(job, &plan, result);
  if (fitted != BP_OK && fitted != BP_E_DIVERGED) return fitted;
  model->objective.rows_raw = NULL;
  model->objective.rows = NULL; /* a callback and its user's pointer live no longer than the training */
  model->objective.user = NULL;
  bp_status status = complete(job, &options, result);
  if (status != BP_OK) bp_fit_result_release(job->ctx, result);
  return status == BP_OK ? fitted : status;
}

/* What the options leave open, now that rows, columns and task are known. */
static void resolve(bp_job *job) {
  bp_facts facts = {.rows = job->train.rows,
                    .images = job->train.dtype == BP_U8,
                    .has_valid = job->has_valid,
                    .encoding = job->model->encoding,
                    .loss = job->model->objective.loss};
  job->options = bp_preset_resolve(&job->options, &facts);
}

static bp_status train(bp_job *job, bp_fit_result *result) {
  if (bp_table_rows(job->table) == 0)
    return bp_fail(job->ctx, BP_E_DATA, "the table has no rows: there is nothing to learn from");
  if (job->options.resume) BP_TRY(bp_checkpoint_read(job->ctx, job->options.resume, &job->resume));
  BP_TRY(split_table(job));
  BP_TRY(bp_model_new(job->ctx, &job->model));
  BP_TRY(encode(job));
  resolve(job);
  BP_TRY(bp_model_build_net(job->ctx, job->model, &job->train, &job->options));
  BP_TRY(make_folds(job));
  return fit(job, result);
}

bp_status bp_model_train(bp_context *context, const bp_table *train_table, const bp_table *valid,
                         const bp_train_options *options, bp_model **out, bp_fit_result *result) {
  bp_job job = {.ctx = context, .table = train_table, .valid_table = valid};
  bp_fit_result fitted;
  bp_status status = take_options(&job, options);
  bool goes_on = job.options.resume != NULL; /* then a file says how large the network is */
  bp_bound bound = goes_on ? bp_bound_open(context, BP_BOUND_TRAINING) : (bp_bound){.outer = true};
  if (goes_on) bp_bound_credit(context, cells(train_table) + cells(valid));
  if (status == BP_OK) status = train(&job, &fitted);
  status = bp_bound_close(context, bound, status, job.options.resume);
  release_rows(&job);
  bp_checkpoint_free(job.resume);
  if (status != BP_OK && status != BP_E_DIVERGED) {
    bp_model_free(job.model);
    return status;
  }
  *out = job.model;
  if (result)
    *result = fitted;
  else
    bp_fit_result_release(context, &fitted);
  return status;
}
