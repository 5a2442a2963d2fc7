/* model/model_record.c - the training record: one JSON object in the model, for people and for `inspect`. */
#include <math.h>
#include <string.h>

#include "backprop/version.h"
#include "base/fail.h"
#include "model/model_json.h"

enum { HISTORY_MAX = 1000 }; /* epochs kept; of more, every second, third … */

/* ---- JSON that is only looked at when it is complete: a failed part makes the whole NULL ---- */

bp_status bp_json_take_text(bp_context *ctx, json_t *value, char **out, size_t *size) {
  size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY;
  size_t needed = value ? json_dumpb(value, NULL, 0, flags) : 0;
  char *text = needed > 0 ? bp_alloc(ctx, needed + 1, 1) : NULL;
  if (text) {
    (void)json_dumpb(value, text, needed, flags);
    text[needed] = '\0';
    *out = text;
    *size = needed;
  }
  json_decref(value);
  return text ? BP_OK : bp_fail(ctx, BP_E_NOMEM, "out of memory: the model's description");
}

bp_status bp_json_from_text(bp_context *ctx, const char *key, const char *text, json_t **out) {
  json_error_t error;
  if (!text) return bp_fail(ctx, BP_E_MODEL, "the metadata has no %s", key);
  json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  if (!object && json_error_code(&error) == json_error_out_of_memory)
    return bp_fail(ctx, BP_E_NOMEM, "out of memory: %s", key);
  if (json_is_object(object)) {
    *out = object;
    return BP_OK;
  }
  if (!object) return bp_fail(ctx, BP_E_MODEL, "%s is no JSON: %s", key, error.text);
  json_decref(object);
  return bp_fail(ctx, BP_E_MODEL, "%s is JSON, but no object", key);
}

/* The object with one more member; NULL when there was no memory for it. */
static json_t *with(json_t *object, const char *key, json_t *value) {
  if (object && json_object_set_new(object, key, value) == 0) return object;
  if (!object) json_decref(value);
  json_decref(object);
  return NULL;
}

static json_t *number_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *whole(uint64_t value) { return json_integer((json_int_t)value); }

/* ---- the record ---- */

static json_t *measures(double loss, double accuracy) {
  json_t *object = with(json_object(), "loss", number_or_null(loss));
  return isnan(accuracy) ? object : with(object, "accuracy", number_or_null(accuracy));
}

/* One array of a field of every `step`-th epoch, ending with the last. */
static json_t *column(const bp_fit_result *result, int step, size_t field) {
  json_t *array = json_array();
  for (int i = (result->epochs - 1) % step; array && i < result->epochs; i += step) {
    double value;
    memcpy(&value, (const char *)&result->history[i] + field, sizeof value);
    if (json_array_append_new(array, number_or_null(value)) == 0) continue;
    json_decref(array);
    return NULL;
  }
  return array;
}

static json_t *history(const bp_fit_result *result, bool valid, bool accuracy) {
  int step = 1 + (result->epochs - 1) / HISTORY_MAX;
  json_t *object = with(json_object(), "every", json_integer(step));
  object = with(object, "train_loss", column(result, step, offsetof(bp_epoch, train_loss)));
  if (accuracy) object = with(object, "train_accuracy", column(result, step, offsetof(bp_epoch, train_accuracy)));
  if (valid) object = with(object, "valid_loss", column(result, step, offsetof(bp_epoch, valid_loss)));
  if (valid && accuracy)
    object = with(object, "valid_accuracy", column(result, step, offsetof(bp_epoch, valid_accuracy)));
  return object;
}

static json_t *results(json_t *record, const bp_training *training) {
  const bp_fit_result *result = training->result;
  bool valid = training->valid_rows > 0;
  record = with(record, "epochs", json_integer(result->epochs));
  record = with(record, "best_epoch", json_integer(result->best_epoch));
  record = with(record, "steps", json_integer(result->steps));
  record = with(record, "stopped_by", json_string(bp_stop_name(result->stopped_by)));
  if (result->epochs == 0) return record;
  int kept = result->best_epoch > 0 ? result->best_epoch : result->epochs;
  const bp_epoch *epoch = &result->history[kept - 1];
  record = with(record, "train", measures(epoch->train_loss, epoch->train_accuracy));
  record = with(record, "valid", valid ? measures(epoch->valid_loss, epoch->valid_accuracy) : json_null());
  return with(record, "history", history(result, valid, !isnan(epoch->train_accuracy)));
}

bp_status bp_model_write_record(bp_context *ctx, bp_model *model, const bp_training *training) {
  const bp_fit_options *fit = training->fit;
  char *text;
  size_t size;
  json_t *record = with(json_object(), "version", json_string(BP_VERSION_STRING));
  if (training->settings) record = with(record, "settings", json_string(training->settings));
  record = with(record, "seed",
                fit->seed <= INT64_MAX ? whole(fit->seed) : json_sprintf("%llu", (unsigned long long)fit->seed));
  record = with(record, "rows", json_integer(training->rows));
  record = with(record, "valid_rows", json_integer(training->valid_rows));
  record = with(record, "optimizer", json_string(bp_optimizer_name(fit->optimizer)));
  record =
      with(record, "batch_size", json_integer(fit->batch_size < training->rows ? fit->batch_size : training->rows));
  BP_TRY(bp_json_take_text(ctx, results(record, training), &text, &size));
  bp_status status = bp_model_set_record(ctx, model, text, size);
  bp_release(model->allocator, text, size + 1, 1);
  return status;
}
