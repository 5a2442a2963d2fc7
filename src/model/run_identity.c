/* run_identity.c - settings, network, columns and data of a run as JSON, and the first difference between two of them. */
#include "model/run_identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/hash64.h"
#include "data/encoding_json.h"
#include "data/table_core.h"
#include "model/model_json.h"
#include "train/fit_options.h"

/* ---- making one ---- */

/* The row of number r: its features may stand elsewhere. */
static uint64_t hash_row(const void *data, size_t row_bytes, int64_t r, uint64_t hash) {
  return bp_hash64((const char *)data + (size_t)r * row_bytes, row_bytes, hash);
}

/* Every row in its order, so that rows in place and a copy of them are the same data. */
static json_t *hash_of(const bp_source *s) {
  double numbers[] = {s->scale, s->shift};
  size_t feature_bytes = (size_t)s->columns * bp_dtype_size(s->dtype);
  size_t target_bytes = (s->target_dtype == BP_I32 ? 1 : (size_t)s->outputs) * bp_dtype_size(s->target_dtype);
  uint64_t hash = bp_hash64(numbers, sizeof numbers, 0);
  for (int64_t r = 0; r < s->rows; r++) {
    hash = hash_row(s->features, feature_bytes, s->places != NULL ? s->places[r] : r, hash);
    hash = hash_row(s->targets, target_bytes, r, hash);
    if (s->weights != NULL) hash = hash_row(s->weights, sizeof *s->weights, r, hash);
  }
  return json_sprintf("%016" PRIx64, hash);
}

static json_t *describe_data(const trainer *t) {
  const bp_source *train = t->train.source, *valid = t->valid.source;
  return json_pack("{s:I,s:I,s:o,s:o}", "rows", (json_int_t)train->rows, "valid_rows",
                   (json_int_t)(valid != NULL ? valid->rows : 0), "hash", hash_of(train), "valid_hash",
                   valid != NULL ? hash_of(valid) : json_null());
}

static void add_setting(void *user, const char *name, const char *value) {
  json_t **settings = user;
  if (*settings == NULL || json_object_set_new(*settings, name, json_string(value)) == 0) return;
  json_decref(*settings);
  *settings = NULL;
}

static json_t *describe_settings(const trainer *t) {
  json_t *settings = json_object();
  fit_options_each(&t->options, add_setting, &settings);
  return settings;
}

static bp_status describe_model(bp_context *ctx, const bp_model *model, json_t **out) {
  char *text;
  size_t size;
  BP_TRY(bp_model_describe(ctx, model, &text, &size));
  *out = json_loadb(text, size, 0, NULL);
  bp_release(bp_context_allocator(ctx), text, size + 1, 1);
  return *out ? BP_OK : bp_fail(ctx, BP_E_NOMEM, "out of memory: the description of the run");
}

bp_status bp_identity_new(bp_context *ctx, const bp_model *model, const trainer *t, json_t **out) {
  json_t *description = NULL, *columns = NULL;
  BP_TRY(describe_model(ctx, model, &description));
  bp_status status = bp_encoding_to_json(ctx, model->encoding, &columns);
  if (status != BP_OK) {
    json_decref(description);
    return status;
  }
  json_t *identity = json_pack("{s:o,s:o,s:o,s:o}", "settings", describe_settings(t), "model", description, "columns",
                               columns, "data", describe_data(t));
  if (!identity) return bp_fail(ctx, BP_E_NOMEM, "out of memory: the description of the run");
  *out = identity;
  return BP_OK;
}

/* ---- comparing two ---- */

/* The first place where two values differ. */
typedef struct difference {
  char path[200];
  char then[BP_QUOTE_TEXT], now[BP_QUOTE_TEXT];
} difference;

/* A text as it is, anything else as JSON. */
static void show(const json_t *value, char text[BP_QUOTE_TEXT]) {
  char dump[2 * BP_QUOTE_TEXT] = "nothing";
  size_t room = sizeof dump - 1;
  if (json_is_string(value)) {
    (void)bp_quote(json_string_value(value), json_string_length(value), text);
    return;
  }
  size_t size = value ? json_dumpb(value, dump, room, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) : 7;
  (void)bp_quote(dump, size < room ? size : room, text);
}

static bool differs(const json_t *then, const json_t *now, const char *path, difference *d);

static bool objects_differ(const json_t *then, const json_t *now, const char *path, difference *d) {
  const char *key;
  json_t *value;
  char place[sizeof d->path];
  json_object_foreach((json_t *)(uintptr_t)now, key, value) {
    (void)snprintf(place, sizeof place, "%s%s%s", path, path[0] ? "." : "", key);
    if (differs(json_object_get(then, key), value, place, d)) return true;
  }
  json_object_foreach((json_t *)(uintptr_t)then, key, value) {
    if (json_object_get(now, key)) continue;
    (void)snprintf(place, sizeof place, "%s%s%s", path, path[0] ? "." : "", key);
    return differs(value, NULL, place, d);
  }
  return false;
}

static bool arrays_differ(const json_t *then, const json_t *now, const char *path, difference *d) {
  size_t n = json_array_size(then), m = json_array_size(now);
  char place[sizeof d->path];
  for (size_t i = 0; i < n || i < m; i++) {
    (void)snprintf(place, sizeof place, "%s[%zu]", path, i);
    if (differs(json_array_get(then, i), json_array_get(now, i), place, d)) return true;
  }
  return false;
}

static bool differs(const json_t *then, const json_t *now, const char *path, difference *d) {
  if (json_is_object(then) && json_is_object(now)) return objects_differ(then, now, path, d);
  if (json_is_array(then) && json_is_array(now)) return arrays_differ(then, now, path, d);
  if (then && now && json_equal(then, now)) return false;
  (void)snprintf(d->path, sizeof d->path, "%s", path);
  show(then, d->then);
  show(now, d->now);
  return true;
}

static bool part_differs(const json_t *then, const json_t *now, const char *part, difference *d) {
  return differs(json_object_get(then, part), json_object_get(now, part), "", d);
}

/* Rows first: when their number differs, so does everything that was learnt from them. */
static bp_status compare_rows(bp_context *ctx, const json_t *then, const json_t *now) {
  static const char *const parts[][2] = {{"rows", "training"}, {"valid_rows", "validation"}};
  const json_t *a = json_object_get(then, "data"), *b = json_object_get(now, "data");
  for (int i = 0; i < 2; i++) {
    json_int_t n = json_integer_value(json_object_get(a, parts[i][0]));
    json_int_t m = json_integer_value(json_object_get(b, parts[i][0]));
    if (n != m)
      return bp_fail(ctx, BP_E_DATA,
                     "the data are not those of the checkpoint: %" JSON_INTEGER_FORMAT
                     " %s rows then, %" JSON_INTEGER_FORMAT " now; give the same data",
                     n, parts[i][1], m);
  }
  return BP_OK;
}

bp_status bp_identity_compare(bp_context *ctx, const json_t *then, const json_t *now) {
  difference d;
  if (part_differs(then, now, "settings", &d))
    return bp_fail(ctx, BP_E_ARG, "the checkpoint was made with %s %s, this run has %s; give the same settings", d.path,
                   d.then, d.now);
  BP_TRY(compare_rows(ctx, then, now));
  if (part_differs(then, now, "columns", &d))
    return bp_fail(ctx, BP_E_DATA,
                   "the data are not those of the checkpoint: in what was learnt from the columns, %s was %s and is %s "
                   "now; give the same data",
                   d.path, d.then, d.now);
  if (part_differs(then, now, "model", &d))
    return bp_fail(ctx, BP_E_ARG,
                   "the network of the checkpoint has %s %s, that of this run %s; give the same settings", d.path,
                   d.then, d.now);
  if (!part_differs(then, now, "data", &d)) return BP_OK;
  return bp_fail(ctx, BP_E_DATA,
                 "the data are not those of the checkpoint: as many rows, but other values; give the same data");
}
