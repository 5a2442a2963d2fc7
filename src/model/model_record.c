/* model/model_record.c - the training record: one JSON object in the model, for people and for `inspect`. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backprop/version.h"
#include "base/fail.h"
#include "base/number.h"
#include "kernels/kernels.h"
#include "model/model_json.h"
#include "train/fit_options.h"
#include "train/optimizer_update.h"

enum { HISTORY_MAX = 1000 }; /* epochs kept; of more, every second, third … */

bp_status bp_json_from_text(bp_context *ctx, const char *key, const char *text, bp_json **out) {
  bp_json *object;
  if (!text) return bp_fail(ctx, BP_E_MODEL, "the metadata has no %s", key);
  bp_status status = bp_json_parse(ctx, text, strlen(text), &object);
  if (status == BP_E_DATA) return bp_fail(ctx, BP_E_MODEL, "%s is no JSON: %s", key, bp_error_message(ctx));
  BP_TRY(status);
  if (bp_json_type(object) == BP_JSON_OBJECT) {
    *out = object;
    return BP_OK;
  }
  bp_json_free(object);
  return bp_fail(ctx, BP_E_MODEL, "%s is JSON, but no object", key);
}

/* ---- the record ---- */

static void put_measures(bp_json_writer *w, const char *name, double loss, double accuracy) {
  bp_json_open(w, name, '{');
  bp_json_put_real(w, "loss", loss);
  if (!isnan(accuracy)) bp_json_put_real(w, "accuracy", accuracy);
  bp_json_close(w, '}');
}

/* One array of a field of every `step`-th epoch, ending with the last. */
static void put_column(bp_json_writer *w, const char *name, const bp_fit_result *result, int step, size_t field) {
  bp_json_open(w, name, '[');
  for (int i = (result->epochs - 1) % step; i < result->epochs; i += step) {
    double value;
    memcpy(&value, (const char *)&result->history[i] + field, sizeof value);
    bp_json_put_real(w, NULL, value);
  }
  bp_json_close(w, ']');
}

static void put_history(bp_json_writer *w, const bp_fit_result *result, bool valid, bool accuracy) {
  int step = 1 + (result->epochs - 1) / HISTORY_MAX;
  bp_json_open(w, "history", '{');
  bp_json_put_whole(w, "every", step);
  put_column(w, "train_loss", result, step, offsetof(bp_epoch, train_loss));
  if (accuracy) put_column(w, "train_accuracy", result, step, offsetof(bp_epoch, train_accuracy));
  if (valid) put_column(w, "valid_loss", result, step, offsetof(bp_epoch, valid_loss));
  if (valid && accuracy) put_column(w, "valid_accuracy", result, step, offsetof(bp_epoch, valid_accuracy));
  bp_json_close(w, '}');
}

static void put_results(bp_json_writer *w, const bp_training *training) {
  const bp_fit_result *result = training->result;
  bool valid = training->valid_rows > 0;
  bp_json_put_whole(w, "epochs", result->epochs);
  bp_json_put_whole(w, "best_epoch", result->best_epoch);
  bp_json_put_whole(w, "steps", result->steps);
  bp_json_put_text(w, "stopped_by", bp_stop_name(result->stopped_by));
  if (result->epochs == 0) return;
  int kept = result->best_epoch > 0 ? result->best_epoch : result->epochs;
  const bp_epoch *epoch = &result->history[kept - 1];
  put_measures(w, "train", epoch->train_loss, epoch->train_accuracy);
  if (valid)
    put_measures(w, "valid", epoch->valid_loss, epoch->valid_accuracy);
  else
    bp_json_put_null(w, "valid");
  put_history(w, result, valid, !isnan(epoch->train_accuracy));
}

/* A whole number; one that does not fit int64_t as text, for it would come back rounded. */
static void put_seed(bp_json_writer *w, uint64_t seed) {
  char text[24];
  (void)snprintf(text, sizeof text, "%" PRIu64, seed);
  if (seed <= INT64_MAX)
    bp_json_put_whole(w, "seed", (int64_t)seed);
  else
    bp_json_put_text(w, "seed", text);
}

typedef struct option_writer {
  bp_json_writer *w;
  bp_optimizer optimizer;
} option_writer;

/* A resolved option, typed. Left out are a list without values, what the optimizer does not take, and the seed, which stands in the
 * record already. */
static void put_option(void *user, const char *name, const char *value) {
  const option_writer *to = user;
  static const char prefix[] = "objective.";
  char key[64];
  double number;
  if (!value[0] || strcmp(name, "seed") == 0 || !optimizer_takes(to->optimizer, name)) return;
  if (strncmp(name, prefix, sizeof prefix - 1) == 0) name += sizeof prefix - 1;
  (void)snprintf(key, sizeof key, "%s", name);
  for (char *c = key; *c; c++) *c = *c == '.' ? '_' : *c;
  if (bp_number_parse(value, strlen(value), &number))
    bp_json_put_real(to->w, key, number);
  else if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
    bp_json_put_bool(to->w, key, value[0] == 'y');
  else
    bp_json_put_text(to->w, key, value);
}

/* What the training took for every option: what was given, and what was left to it. */
static bp_status put_resolved(bp_context *ctx, bp_json_writer *w, const bp_training *training) {
  bp_fit_options asked = *training->fit, resolved;
  asked.objective = (bp_objective){.label_smoothing = asked.objective.label_smoothing}; /* the model has the rest */
  BP_TRY(fit_options_resolve(ctx, &asked, training->rows, &resolved));
  bp_json_open(w, "resolved", '{');
  bp_json_put_text(w, "preset", bp_preset_name(training->options->preset));
  bp_json_put_whole(w, "members", training->options->members);
  bp_json_put_whole(w, "pieces", training->options->pieces);
  fit_options_each(&resolved, put_option, &(option_writer){w, resolved.optimizer});
  bp_json_close(w, '}');
  return BP_OK;
}

bp_status bp_model_write_record(bp_context *ctx, bp_model *model, const bp_training *training) {
  const bp_fit_options *fit = training->fit;
  bp_json_writer w;
  char *text;
  bp_json_begin(&w, ctx);
  bp_json_open(&w, NULL, '{');
  bp_json_put_text(&w, "version", BP_VERSION_STRING);
  if (training->settings) bp_json_put_text(&w, "settings", training->settings);
  put_seed(&w, fit->seed);
  bp_json_put_whole(&w, "rows", training->rows);
  bp_json_put_whole(&w, "valid_rows", training->valid_rows);
  if (training->left_out) bp_json_put_bool(&w, "left_out", true);
  bp_json_put_text(&w, "arithmetic", bp_arithmetic_name());
  bp_json_put_text(&w, "optimizer", bp_optimizer_name(fit->optimizer));
  bp_json_put_whole(&w, "batch_size", fit->batch_size < training->rows ? fit->batch_size : training->rows);
  put_results(&w, training);
  bp_status status = put_resolved(ctx, &w, training);
  bp_json_close(&w, '}');
  bp_status written = bp_json_end(&w, &text);
  if (written != BP_OK) return written;
  if (status == BP_OK) status = bp_model_set_record(ctx, model, text, strlen(text));
  bp_string_free(ctx, text);
  return status;
}
