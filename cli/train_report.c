/* cli/train_report.c - the summary of a training run. */
#include "train_report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "console.h"
#include "json_out.h"

enum { LABEL = 10 };

static void label(const char *name) { cli_print("%-*s", LABEL, name); }

static const bp_epoch *kept_epoch(const cli_job *job) {
  int kept = job->result.best_epoch > 0 ? job->result.best_epoch : job->result.epochs;
  return kept > 0 ? &job->result.history[kept - 1] : NULL;
}

/* Rows of a step: a full batch has all of them. */
static int64_t step_rows(const cli_job *job) { return job->batch_size < job->rows ? job->batch_size : job->rows; }

/* ---- for people ---- */

static void report_data(const cli_job *job) {
  char rows[48], columns[48], train[32], valid[32];
  label("data");
  cli_print("%s: %s, %s\n", bp_table_origin(job->table), cli_count(bp_table_rows(job->table), "row", rows, sizeof rows),
            cli_count(bp_table_columns(job->table), "column", columns, sizeof columns));
  if (job->valid_rows == 0) return;
  label("rows");
  if (job->left_out) {
    cli_print("%s to learn from; each of %d members leaves out some (%s in all), and is judged by them\n",
              cli_thousands(job->rows, train, sizeof train), bp_net_members(bp_model_net(job->model)),
              cli_thousands(job->valid_rows, valid, sizeof valid));
    return;
  }
  cli_print("%s to learn from, %s for validation\n", cli_thousands(job->rows, train, sizeof train),
            cli_thousands(job->valid_rows, valid, sizeof valid));
}

static void report_target(const bp_model *model) {
  bool classes = bp_model_task(model) == BP_TASK_CLASSIFICATION;
  label("target");
  for (int64_t i = 0; i < bp_model_targets(model); i++) cli_print("%s%s", i ? ", " : "", bp_model_target_at(model, i));
  cli_print(": %s", bp_model_task_text(model));
  if (classes) cli_print(", %" PRId64 " classes", bp_model_outputs(model));
  cli_print("\n");
}

/* The inputs, as they are and as encoded, what goes into each dense layer, and what comes out of the last. */
static int widths_of(const bp_net *net, int64_t widths[BP_LAYERS_MAX + 3]) {
  int n = 0;
  bp_layer_kind first = bp_net_layer(net, 0).kind;
  if (first == BP_LAYER_EMBEDDING || first == BP_LAYER_PIECEWISE) widths[n++] = bp_net_inputs(net);
  for (int i = 0; i < bp_net_layers(net) && n <= BP_LAYERS_MAX + 1; i++)
    if (bp_net_layer(net, i).kind == BP_LAYER_DENSE) widths[n++] = bp_net_layer(net, i).inputs;
  widths[n++] = bp_net_outputs(net);
  return n;
}

/* "784-128-128-10" */
static void print_widths(const int64_t *widths, int n) {
  for (int i = 0; i < n; i++) {
    if (n > 13 && i == 6) cli_print("-…");
    if (n <= 13 || i < 6 || i >= n - 2) cli_print("%s%" PRId64, i ? "-" : "", widths[i]);
  }
}

/* That of the first layer that has one. */
static const char *first_activation(const bp_net *net, char text[BP_ACTIVATION_TEXT]) {
  int i = 0;
  while (i < bp_net_layers(net) - 1 && bp_net_layer(net, i).activation == BP_IDENTITY) i++;
  return bp_activation_text(bp_net_layer(net, i).spec, text);
}

/* ", tanh, batch normalisation, dropout 0.2" */
static void print_hidden(const bp_net *net, const cli_settings *s) {
  char text[512];
  const cli_option *option = &cli_options[CLI_OPTION_activation];
  cli_print(", %s", s->activation.n > 0 ? cli_value_text(option, s, text, sizeof text) : first_activation(net, text));
  if (s->normalize > 0) cli_print(", %s normalisation", bp_normalize_name((bp_normalize)s->normalize));
  if (s->dropout > 0) cli_print(", dropout %s", cli_number(s->dropout, text, sizeof text));
  if (s->residual) cli_print(", skip connections");
}

static void report_network(const bp_model *model, const cli_settings *s) {
  char number[32];
  int64_t widths[BP_LAYERS_MAX + 3];
  const bp_net *net = bp_model_net(model);
  int n = widths_of(net, widths);
  label("network");
  if (bp_net_members(net) > 1) cli_print("%d of ", bp_net_members(net));
  print_widths(widths, n);
  if (n > 2) print_hidden(net, s);
  cli_print(", %s parameters, %s\n", cli_thousands(bp_net_size(net), number, sizeof number),
            bp_dtype_name(bp_net_dtype(net)));
}

static void report_training(const cli_job *job, const cli_request *request) {
  char epochs[48], steps[48], time[32], batch[32], loss[64];
  const bp_fit_result *r = &job->result;
  const cli_settings *s = &request->settings;
  label("training");
  cli_print("%s on %s, batches of %s, %s, %s in %s\n", bp_optimizer_name((bp_optimizer)s->optimizer),
            bp_objective_text(bp_model_objective(job->model), loss, sizeof loss),
            cli_thousands(step_rows(job), batch, sizeof batch), cli_count(r->epochs, "epoch", epochs, sizeof epochs),
            cli_count(r->steps, "step", steps, sizeof steps), cli_duration(r->seconds, time, sizeof time));
}

static void print_measures(double loss, double accuracy) {
  char text[32];
  cli_print("loss %s", cli_short_number(loss, text, sizeof text));
  if (!isnan(accuracy)) cli_print(", accuracy %s", cli_short_number(accuracy, text, sizeof text));
}

/* What the perceptron's rule found out; false when it was another loss, or something else that ended it. */
static bool report_separability(const cli_job *job) {
  const bp_fit_result *r = &job->result;
  char rows[48];
  if (bp_model_loss(job->model) != BP_LOSS_PERCEPTRON) return false;
  if (r->stopped_by == BP_STOP_SEPARATED) {
    label("stopped");
    cli_print("separable: no errors in epoch %d\n", r->epochs);
    return true;
  }
  double right = r->history[r->epochs - 1].train_accuracy;
  if (r->stopped_by != BP_STOP_EPOCHS || right == 1) return false;
  int64_t errors = llround((1 - right) * (double)job->rows);
  label("stopped");
  cli_print("not separable within %d epochs: %s on the wrong side in the last one\n", r->epochs,
            cli_count(errors, "row", rows, sizeof rows));
  return true;
}

/* Why it ended, unless it simply ran to its end. */
static void report_stop(const cli_job *job, const bp_epoch *kept) {
  const bp_fit_result *r = &job->result;
  const char *best = kept->epoch == r->epochs ? ""
                     : job->left_out          ? ", the best on the rows left out"
                                              : ", the best on validation rows";
  char time[32], tolerance[32];
  if (report_separability(job) || (r->stopped_by == BP_STOP_EPOCHS && kept->epoch == r->epochs)) return;
  label("stopped");
  switch (r->stopped_by) {
  case BP_STOP_DIVERGED: cli_print("the loss of epoch %d was not finite", r->epochs + 1); break;
  case BP_STOP_TIME:
    cli_print("by --time-limit after %s, in epoch %d of %d", cli_duration(r->seconds, time, sizeof time), r->epochs,
              job->progress.epochs);
    break;
  case BP_STOP_PATIENCE:
    cli_print("after epoch %d of %d: %s brought nothing better", r->epochs, job->progress.epochs,
              cli_count(r->epochs - kept->epoch, "epoch", time, sizeof time));
    break;
  case BP_STOP_TOLERANCE:
    if (job->tolerance == 0) { /* a method for full batches says so by itself */
      cli_print("after epoch %d of %d: no step makes the loss smaller", r->epochs, job->progress.epochs);
      break;
    }
    cli_print("after epoch %d of %d: the loss changed by less than %s of itself", r->epochs, job->progress.epochs,
              cli_number(job->tolerance, tolerance, sizeof tolerance));
    break;
  case BP_STOP_UNBOUNDED:
    cli_print("after epoch %d of %d: the loss falls without end, it has no least value", r->epochs,
              job->progress.epochs);
    break;
  default: cli_print("after epoch %d of %d", r->epochs, job->progress.epochs); break;
  }
  cli_print("; the model is that of epoch %d%s\n", kept->epoch, best);
}

static void report_result(const cli_job *job) {
  const bp_epoch *epoch = kept_epoch(job);
  if (!epoch) return;
  label("result");
  print_measures(epoch->train_loss, epoch->train_accuracy);
  cli_print(" while learning\n");
  if (job->progress.has_valid) {
    label("");
    print_measures(epoch->valid_loss, epoch->valid_accuracy);
    cli_print(job->left_out ? " on the rows left out, each member by itself\n" : " on validation rows\n");
  }
  report_stop(job, epoch);
}

/* "28 Nov 14:02", of another year "28 Nov 2025", in local time. */
static const char *day_and_time(int64_t seconds, char *text, size_t size) {
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t then = (time_t)seconds, now = time(NULL);
  struct tm was, is;
  if (!localtime_r(&then, &was) || !localtime_r(&now, &is)) return "an unknown time";
  if (was.tm_year == is.tm_year)
    (void)snprintf(text, size, "%d %s %02d:%02d", was.tm_mday, months[was.tm_mon % 12], was.tm_hour, was.tm_min);
  else
    (void)snprintf(text, size, "%d %s %lld", was.tm_mday, months[was.tm_mon % 12], 1900LL + was.tm_year);
  return text;
}

static void report_file(const cli_job *job, int64_t bytes) {
  char size[32], date[48];
  label("model");
  cli_print("%s", strcmp(job->out, "-") == 0 ? "standard output" : job->out);
  if (bytes >= 0) cli_print(" (%s bytes", cli_thousands(bytes, size, sizeof size));
  if (bytes >= 0 && job->replaced >= 0)
    cli_print("; replaces the file of %s", day_and_time(job->replaced, date, sizeof date));
  cli_print(bytes >= 0 ? ")\n" : "\n");
}

/* The one thing that is most worth trying after this run. */
static void report_next(const cli_job *job) {
  const bp_fit_result *r = &job->result;
  const bp_epoch *epoch = kept_epoch(job);
  bool still_falls = job->progress.has_valid && r->epochs > 1 && epoch->epoch == r->epochs &&
                     epoch->valid_loss < 0.98 * r->history[r->epochs - 2].valid_loss;
  label("next");
  if (r->stopped_by == BP_STOP_DIVERGED)
    cli_print("try a smaller step, as --lr 0.0001\n");
  else if (!job->progress.has_valid)
    cli_print("see how it does on rows it never saw: add --valid 0.2 --patience 10\n");
  else if (still_falls)
    cli_print("the validation loss still falls: train longer, with --epochs %d\n", 2 * job->progress.epochs);
  else
    cli_print("backprop predict %s NEW_DATA\n", job->out);
}

int cli_report_training(const cli_job *job, const cli_request *request) {
  struct stat info = {.st_size = -1};
  if (strcmp(job->out, "-") != 0 && stat(job->out, &info) != 0)
    return cli_fail(CLI_IO, "%s: written, but there is no summary: %s", job->out, strerror(errno));
  cli_wrap_output(LABEL);
  report_data(job);
  report_target(job->model);
  report_network(job->model, &request->settings);
  report_training(job, request);
  report_result(job);
  report_file(job, (int64_t)info.st_size);
  report_next(job);
  cli_wrap_output(0);
  return CLI_DONE;
}

/* ---- for programs ---- */

static void json_measures(cli_json *json, const char *key, double loss, double accuracy) {
  cli_json_open(json, key, '{');
  cli_json_real(json, "loss", loss);
  if (!isnan(accuracy)) cli_json_real(json, "accuracy", accuracy);
  cli_json_close(json, '}');
}

void cli_report_json(const cli_job *job) {
  const bp_fit_result *r = &job->result;
  const bp_epoch *epoch = kept_epoch(job);
  cli_json json = {.file = cli_output()};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "model", job->out);
  cli_json_whole(&json, "parameters", bp_net_size(bp_model_net(job->model)));
  cli_json_whole(&json, "epochs", r->epochs);
  cli_json_whole(&json, "best_epoch", r->best_epoch);
  cli_json_whole(&json, "steps", r->steps);
  cli_json_whole(&json, "batch_size", step_rows(job));
  cli_json_whole(&json, "rows", job->rows);
  cli_json_whole(&json, "valid_rows", job->valid_rows);
  cli_json_real(&json, "seconds", r->seconds);
  cli_json_real(&json, "seconds_reading", job->seconds_reading);
  cli_json_text(&json, "stopped_by", bp_stop_name(r->stopped_by));
  if (job->replaced >= 0)
    cli_json_whole(&json, "replaced", job->replaced);
  else
    cli_json_null(&json, "replaced");
  if (epoch)
    json_measures(&json, "train", epoch->train_loss, epoch->train_accuracy);
  else
    cli_json_null(&json, "train");
  if (epoch && job->progress.has_valid)
    json_measures(&json, "valid", epoch->valid_loss, epoch->valid_accuracy);
  else
    cli_json_null(&json, "valid");
  cli_json_close(&json, '}');
  cli_put_char(json.file, '\n');
}
