/* cli/train_command.c - `backprop train`: checks what can be checked first, reads, trains, saves, reports. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "checkpoint_paths.h"
#include "console.h"
#include "json_text.h"
#include "file_out.h"
#include "reading.h"
#include "train_report.h"
#include "train_run.h"

static double now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- options ---- */

/* One number is for all layers. */
static void penalties(const cli_settings *s, bp_fit_options *fit) {
  fit->l1 = s->l1.values[0];
  fit->l2 = s->l2.values[0];
  if (s->l1.n > 1) fit->l1_layers = s->l1.values, fit->n_l1_layers = s->l1.n;
  if (s->l2.n > 1) fit->l2_layers = s->l2.values, fit->n_l2_layers = s->l2.n;
}

/* sgd that nothing else is said about would be taken for an open question. */
static double rate_of(const cli_settings *s) {
  return s->optimizer == BP_SGD && s->lr == 0 && s->momentum == 0 ? 0.1 : s->lr;
}

static bp_fit_options fit_options(const cli_settings *s) {
  bp_fit_options fit = {.size = sizeof fit, .optimizer = (bp_optimizer)s->optimizer, .lr = rate_of(s)};
  fit.objective.output = (bp_output)s->output;
  fit.objective.label_smoothing = s->label_smoothing;
  fit.schedule = s->schedule.value;
  fit.schedule.warmup_steps = s->warmup.value.warmup_steps;
  fit.schedule.warmup_epochs = s->warmup.value.warmup_epochs;
  fit.momentum = s->momentum;
  fit.nesterov = s->nesterov;
  fit.beta1 = s->beta1;
  fit.beta2 = s->beta2;
  fit.amsgrad = s->amsgrad;
  fit.rho = s->rho;
  fit.epsilon = s->epsilon;
  fit.memory = (int)s->memory;
  penalties(s, &fit);
  fit.weight_decay = s->weight_decay;
  fit.clip_norm = s->clip_norm;
  fit.clip_value = s->clip_value;
  fit.max_norm = s->max_norm;
  fit.batch_size = s->batch_size;
  fit.epochs = (int)s->epochs;
  fit.patience = (int)s->patience;
  fit.metric = (bp_metric)s->metric;
  fit.tolerance = s->tolerance;
  fit.time_limit = s->time_limit;
  fit.seed = s->seed;
  fit.threads = (int)s->threads;
  return fit;
}

/* ---- before training ---- */

static int check_files(const cli_request *request, const cli_job *job) {
  const cli_settings *s = &request->settings;
  const char *out = job->out;
  const char *inputs[] = {job->data, s->labels, s->valid.file, s->valid_labels, s->config, out, job->checkpoint};
  int n = sizeof inputs / sizeof *inputs;
  if (strcmp(out, "-") == 0 && s->json)
    return cli_fail(CLI_USAGE, "--out - and --json both want standard output; give --out a file");
  if (strcmp(out, "-") == 0 && s->log && cli_is_stdout(s->log))
    return cli_fail(CLI_USAGE, "--out - and --log - both want standard output; give one of them a file");
  int failed = cli_check_output(job->context, "--out", out, inputs, n - 2);
  if (!failed && job->checkpoint)
    failed = cli_check_output(job->context, "--checkpoint", job->checkpoint, inputs, n - 1);
  if (!failed && s->log) failed = cli_check_output(job->context, "--log", s->log, inputs, n);
  return failed;
}

/* What writing the result needs must be there beside the log, which is open all the while: a training is not lost for want of it. */
static int check_outputs(const cli_request *request, const cli_job *job) {
  int log = request->settings.log ? cli_hold_descriptor() : -1;
  int failed = check_files(request, job);
  if (log >= 0) (void)close(log);
  return failed;
}

static void take_loss(const cli_job *job, bp_fit_options *fit) {
  fit->objective.loss = job->objective.loss;
  fit->objective.setting = job->objective.setting;
  fit->objective.expression = job->objective.expression;
}

static int parse_loss(cli_job *job, const char *text) {
  bp_status status = bp_objective_parse(job->context, text, &job->objective);
  return status == BP_OK ? CLI_DONE : cli_fail(CLI_USAGE, "--loss: %s", bp_error_message(job->context));
}

/* What is wrong in itself is told before anything is read. */
static int check_fit(const cli_job *job, const cli_settings *s) {
  bp_fit_options fit = fit_options(s);
  take_loss(job, &fit);
  bp_status status = bp_fit_options_check(job->context, &fit);
  return status == BP_OK ? CLI_DONE : cli_fail_with(job->context, status);
}

static int read_tables(cli_job *job, const cli_request *request) {
  const cli_settings *s = &request->settings;
  double start = now();
  int failed = cli_read_table(job->context, s, job->data, s->labels, &job->table);
  if (!failed && s->valid.file)
    failed = cli_read_beside(job->context, s, job->table, s->valid.file, s->valid_labels, &job->valid);
  job->seconds_reading = now() - start;
  return failed;
}

/* ---- checkpoints ---- */

/* NEW file for the state of the run: what --checkpoint says, else the model's with ".checkpoint" behind it; NULL when the model
 * goes to standard output. */
static char *checkpoint_path(const cli_settings *s, const char *out) {
  static const char ending[] = ".checkpoint";
  if (s->checkpoint) return cli_copy(s->checkpoint, strlen(s->checkpoint));
  if (strcmp(out, "-") == 0) return NULL;
  size_t length = strlen(out);
  char *path = cli_alloc(length + sizeof ending, 1);
  memcpy(path, out, length);
  memcpy(path + length, ending, sizeof ending);
  return path;
}

static int check_checkpoint(const cli_request *request, const cli_job *job) {
  if (request->given[CLI_OPTION_checkpoint_every] && !job->checkpoint)
    return cli_fail(CLI_USAGE, "--checkpoint-every: with --out - there is no name for it; give --checkpoint a file");
  if (job->checkpoint && strcmp(job->checkpoint, "-") == 0)
    return cli_fail(CLI_USAGE, "--checkpoint -: a checkpoint is written again and again; expected the name of a file");
  return CLI_DONE;
}

/* ---- training ---- */

/* 0 that was asked for is none, below 0; that of "auto" is left to the preset. */
static int none_or(const cli_request *request, cli_option_id id, int64_t value) {
  const char *text = request->texts[id];
  bool asked = request->given[id] && !(text && strcmp(text, "auto") == 0);
  return value == 0 && asked ? -1 : (int)value;
}

static bp_train_options train_options(const cli_request *request, const char *settings) {
  const cli_settings *s = &request->settings;
  bp_train_options o = {.size = sizeof o, .target = s->target, .ignore = s->ignore, .features = s->features};
  o.preset = (bp_preset)s->preset;
  o.effort = (int)s->effort;
  o.max_categories = s->max_categories > 0 ? s->max_categories : -1;
  o.hash = s->hash;
  o.weight = s->weight;
  o.class_weight = s->class_weight;
  o.task = (bp_task)s->task;
  o.n_hidden = s->hidden.n;
  memcpy(o.hidden, s->hidden.units, sizeof o.hidden);
  o.n_activations = s->activation.n;
  memcpy(o.activations, s->activation.specs, sizeof o.activations);
  o.normalize = (bp_normalize)s->normalize;
  o.dropout = s->dropout;
  o.dropout_input = s->dropout_input;
  o.members = (int)s->members;
  o.pieces = none_or(request, CLI_OPTION_pieces, s->pieces);
  o.skip = s->residual;
  o.embed = s->embed;
  o.bias_init = s->bias_init;
  o.init = s->init.init;
  o.init_scale = s->init.scale;
  o.dtype = s->dtype == 1 ? BP_F64 : BP_F32;
  o.valid_fraction = s->valid.fraction;
  o.settings = settings;
  return o;
}

/* NEW the note of the checkpoints, in use until it is freed. */
static char *add_checkpoint(const cli_job *job, const cli_request *request, bp_train_options *o) {
  char *note = job->checkpoint ? cli_checkpoint_note(request, job->data, job->checkpoint) : NULL;
  o->resume = job->past ? job->past->path : NULL;
  o->checkpoint = note ? job->checkpoint : NULL;
  o->checkpoint_note = note;
  o->checkpoint_every = request->settings.checkpoint_every.n;
  o->checkpoint_steps = request->settings.checkpoint_every.steps;
  if (!note && job->checkpoint && request->given[CLI_OPTION_checkpoint_every])
    cli_warn("no checkpoints are written: the name of a file, or an option, is not UTF-8");
  return note;
}

static int64_t rows_to_learn(const cli_job *job, const cli_settings *s) {
  int64_t rows = bp_table_rows(job->table);
  return rows - (int64_t)llround(s->valid.fraction * (double)rows);
}

/* Whether there are columns of bytes, which are pixels. */
static bool has_images(const bp_table *table) {
  for (int64_t c = 0; c < bp_table_columns(table); c++)
    if (bp_table_type(table, c) == BP_COLUMN_BYTE) return true;
  return false;
}

/* Trains with a progress display. Stopping on a signal is not the library's failure, and no success either. */
static bp_status train(cli_job *job, const cli_request *request, cli_out *log) {
  const cli_settings *s = &request->settings;
  cli_training progress;
  char *settings = cli_settings_text(s);
  bp_train_options options = train_options(request, settings), resolved;
  options.fit = fit_options(s);
  options.fit.patience = none_or(request, CLI_OPTION_patience, s->patience);
  take_loss(job, &options.fit);
  resolved = options;
  if (job->valid) resolved.valid_fraction = 0.5;
  bp_train_resolve(&resolved, rows_to_learn(job, s), has_images(job->table), &resolved);
  bool judges_itself = resolved.members > 1 && resolved.fit.patience > 0;
  job->tolerance = s->tolerance;
  cli_progress_begin(&progress, s, resolved.fit.epochs, job->valid || s->valid.fraction > 0 || judges_itself, log);
  if (job->past) cli_progress_past(&progress, job->past->history, job->past->epochs);
  options.fit.progress = cli_progress_step;
  options.fit.step = cli_progress_after_step;
  if (s->log_norms) options.fit.norms = BP_NORMS_EPOCH;
  options.fit.progress_user = options.fit.step_user = &progress;
  char *note = add_checkpoint(job, request, &options);
  cli_catch_signals();
  bp_status status = bp_model_train(job->context, job->table, job->valid, &options, &job->model, &job->result);
  cli_release_signals();
  cli_progress_end(&progress);
  bp_string_free(NULL, note);
  job->progress = progress;
  bp_string_free(NULL, settings);
  return status;
}

/* ---- after training ---- */

/* NEW options that `resume` needs: the files that do not lie in the checkpoint's folder. free() */
static char *outputs_elsewhere(const cli_job *job, const cli_request *request) {
  char *text = cli_alloc(1, 1);
  for (size_t i = 0; i < CLI_NOTED_OUTPUTS; i++) {
    cli_option_id id = cli_noted_outputs[i];
    char *beside = request->texts[id] ? cli_path_beside(job->checkpoint, request->texts[id]) : NULL;
    if (request->texts[id] && !beside) {
      size_t size = strlen(text) + strlen(cli_options[id].name) + strlen(request->texts[id]) + sizeof " -- ";
      char *longer = cli_alloc(size, 1);
      (void)snprintf(longer, size, "%s --%s %s", text, cli_options[id].name, request->texts[id]);
      free(text);
      text = longer;
    }
    free(beside);
  }
  return text;
}

/* After a signal: the old model stays as it was. */
static int stopped(const cli_job *job, const cli_request *request) {
  int number = cli_caught_signal();
  const char *name = cli_signal_name(number);
  if (!job->checkpoint)
    return cli_fail(CLI_SIGNAL + number, "stopped by %s in epoch %d; nothing was written", name,
                    job->progress.last_epoch);
  char *more = outputs_elsewhere(job, request);
  int status =
      cli_fail(CLI_SIGNAL + number, "stopped by %s in epoch %d, after step %lld; to go on: backprop resume %s%s", name,
               job->progress.last_epoch, (long long)job->progress.last_step, job->checkpoint, more);
  free(more);
  return status;
}

/* The last good model is kept when training diverged; before the first epoch is through there is none. */
static int diverged(const cli_job *job) {
  const char *message = bp_error_message(job->context);
  if (job->result.epochs == 0)
    return cli_fail(CLI_DIVERGED, "%s; no epoch was finished, so no model was written", message);
  return cli_fail(CLI_DIVERGED, "%s; %s holds the model of epoch %d", message, job->out, job->result.best_epoch);
}

/* The training is over, and its model cannot be written: what is left of both, and of what was there before. */
static int not_saved(const cli_job *job, const cli_request *request, bp_status saved) {
  struct stat info;
  const char *message = bp_error_message(job->context);
  const char *old = stat(job->out, &info) == 0 && S_ISREG(info.st_mode) ? "; the old file is as it was" : "";
  if (!job->checkpoint || (!job->past && job->result.checkpoint_steps == 0))
    return cli_fail(cli_exit_status(saved), "%s; the new model is lost%s", message, old);
  char *more = outputs_elsewhere(job, request);
  int status =
      cli_fail(cli_exit_status(saved), "%s%s; when that is mended, go on from the checkpoint: backprop resume %s%s",
               message, old, job->checkpoint, more);
  free(more);
  return status;
}

static void take_counts(cli_job *job) {
  bp_json *record = cli_json_parse(bp_model_record(job->model));
  job->rows = cli_json_whole_of(record, "rows");
  job->valid_rows = cli_json_whole_of(record, "valid_rows");
  job->batch_size = cli_json_whole_of(record, "batch_size");
  job->left_out = bp_json_member(record, "left_out") != NULL;
  bp_json_free(record);
}

/* When the file was written that is at the model's place now; -1: there is none. */
static int64_t time_of_file(const char *path) {
  struct stat info;
  bool is_file = strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode);
  return is_file ? (int64_t)info.st_mtime : -1;
}

static int finish(cli_job *job, const cli_request *request, bp_status trained) {
  if (trained == BP_OK && job->result.stopped_by == BP_STOP_SUSPENDED) return stopped(job, request);
  if (trained != BP_OK && trained != BP_E_DIVERGED) return cli_fail_with(job->context, trained);
  if (trained == BP_E_DIVERGED && job->result.epochs == 0) return diverged(job);
  take_counts(job);
  job->replaced = time_of_file(job->out);
  bp_status saved = bp_model_save(job->context, job->model, job->out);
  if (saved != BP_OK) return not_saved(job, request, saved);
  int reported = CLI_DONE;
  if (request->settings.json)
    cli_report_json(job);
  else if (!request->settings.quiet)
    reported = cli_report_training(job, request);
  return trained == BP_E_DIVERGED ? diverged(job) : reported;
}

/* Nothing that was asked for is passed over in silence. */
static int check_images(const cli_job *job, const cli_settings *s) {
  if (s->effort == 0 || s->preset != BP_PRESET_AUTO || !has_images(job->table)) return CLI_DONE;
  return cli_fail(CLI_USAGE,
                  "--effort is for the strong preset, and images are one plain network; add --preset strong");
}

static int run(cli_job *job, const cli_request *request) {
  const cli_settings *s = &request->settings;
  cli_out log;
  if (strcmp(job->out, "-") == 0) cli_print_to_stderr();
  int failed = check_checkpoint(request, job);
  if (!failed) failed = check_outputs(request, job);
  if (!failed) failed = parse_loss(job, s->loss);
  if (!failed) failed = check_fit(job, s);
  if (!failed) failed = read_tables(job, request);
  if (!failed) failed = check_images(job, s);
  if (!failed && s->log) failed = cli_out_open_log(&log, s->log);
  if (failed) return failed;
  bp_status trained = train(job, request, s->log ? &log : NULL);
  int status = finish(job, request, trained);
  return s->log ? cli_out_close(&log, status) : status;
}

int cli_train(const cli_request *request, const char *data, const cli_past *past) {
  const cli_settings *s = &request->settings;
  cli_job job;
  memset(&job, 0, sizeof job);
  int status = cli_new_context(s->quiet, s->max_memory, &job.context);
  if (status) return status;
  job.data = data;
  job.past = past;
  job.out = s->out ? s->out : "model.safetensors";
  if (cli_is_stdout(job.out)) job.out = "-";
  job.checkpoint = checkpoint_path(s, job.out);
  status = run(&job, request);
  if (job.model) bp_fit_result_release(job.context, &job.result);
  bp_model_free(job.model);
  bp_table_free(job.valid);
  bp_table_free(job.table);
  bp_context_free(job.context);
  free(job.checkpoint);
  return status;
}

int cli_run_train(const cli_request *request) { return cli_train(request, request->operands[0], NULL); }
