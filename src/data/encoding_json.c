/* data/encoding_json.c - writing and reading the encoding part of a model file.
 *
 * Reading goes through small functions that each fetch one value of one type and name its place when it is wrong.
 */
#include "data/encoding_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "data/encoding_parts.h"

/* ---- writing ---- */

static bp_status out_of_memory(bp_context *ctx) {
  return bp_fail(ctx, BP_E_NOMEM, "out of memory: cannot write the preprocessing as JSON");
}

/* Sets a key to a value, which is taken over; false without memory (of the value too). */
static bool set(json_t *object, const char *key, json_t *value) {
  return value && json_object_set_new(object, key, value) == 0;
}

/* NEW array of the words first, first + 1, … */
static json_t *words_json(const bp_dictionary *words) {
  json_t *array = json_array();
  for (size_t i = 0; array && i < words->count; i++) {
    if (json_array_append_new(array, json_string(words->words[i])) == 0) continue;
    json_decref(array);
    array = NULL;
  }
  return array;
}

static bool set_number(json_t *object, const bp_feature *f) {
  return set(object, "mean", json_real(f->mean)) && set(object, "scale", json_real(f->scale)) &&
         set(object, "fill", json_real(f->fill)) && set(object, "indicator", json_boolean(f->indicator));
}

static bool set_category(json_t *object, const bp_feature *f) {
  return set(object, "categories", words_json(&f->categories)) &&
         set(object, "fill", json_string(bp_dictionary_word(&f->categories, f->fill_category))) &&
         set(object, "indicator", json_boolean(f->indicator));
}

static bool set_feature(json_t *object, const bp_feature *f) {
  if (!set(object, "type", json_string(bp_feature_type_name(f->type)))) return false;
  if (f->type == BP_FEATURE_BYTES)
    return set(object, "prefix", json_string(f->prefix)) && set(object, "count", json_integer(f->block_columns));
  if (!set(object, "name", json_string(f->name))) return false;
  return f->type == BP_FEATURE_NUMBER ? set_number(object, f) : set_category(object, f);
}

/* Appends an empty object; NULL without memory. */
static json_t *append_object(json_t *array) {
  json_t *object = json_object();
  return object && json_array_append_new(array, object) == 0 ? object : NULL;
}

static bool fill_features(json_t *array, const bp_encoding *e) {
  for (size_t f = 0; f < e->n_features; f++) {
    json_t *object = append_object(array);
    if (!object || !set_feature(object, &e->features[f])) return false;
  }
  return true;
}

static bool fill_target(json_t *target, const bp_encoding *e, size_t i) {
  if (!set(target, "name", json_string(e->targets[i].name))) return false;
  if (e->goal == BP_GOAL_CLASSIFICATION) return set(target, "classes", words_json(&e->classes));
  return set(target, "mean", json_real(e->targets[i].mean)) && set(target, "scale", json_real(e->targets[i].scale));
}

/* One target is an object, several are an array of objects. */
static bool fill_targets(json_t *object, const bp_encoding *e) {
  json_t *array = e->n_targets > 1 ? json_array() : NULL;
  if (e->n_targets > 1 && !set(object, "target", array)) return false;
  for (size_t i = 0; i < e->n_targets; i++) {
    json_t *target = array ? append_object(array) : json_object();
    if (!array && !set(object, "target", target)) return false;
    if (!target || !fill_target(target, e, i)) return false;
  }
  return true;
}

static bool fill_encoding(json_t *object, const bp_encoding *e) {
  json_t *features = json_array();
  if (!set(object, "features", features) || !fill_features(features, e) || !fill_targets(object, e)) return false;
  if (e->weight && !set(object, "weight", json_string(e->weight))) return false;
  return set(object, "unused", words_json(&e->unused));
}

bp_status bp_encoding_to_json(bp_context *ctx, const bp_encoding *encoding, json_t **out) {
  json_t *object = json_object();
  if (!object || !fill_encoding(object, encoding)) {
    json_decref(object);
    return out_of_memory(ctx);
  }
  *out = object;
  return BP_OK;
}

/* ---- reading: one value ---- */

/* An object, and where it stands: "", "features[3]". */
typedef struct place {
  bp_context *ctx;
  const json_t *object;
  char path[64];
} place;

static bp_status fail_key(const place *p, const char *key, const char *expected) {
  return bp_fail(p->ctx, BP_E_MODEL, "backprop.encoding: %s%s%s: expected %s", p->path, p->path[0] ? "." : "", key,
                 expected);
}

static bp_status get_text(const place *p, const char *key, const char **out) {
  const json_t *value = json_object_get(p->object, key);
  const char *text = json_string_value(value);
  if (!text || !*text || strlen(text) != json_string_length(value)) return fail_key(p, key, "a text that is not empty");
  *out = text;
  return BP_OK;
}

/* Numbers are written with a point or an exponent, but 1 is 1.0 to any other program that writes JSON. */
static bp_status get_number(const place *p, const char *key, double *out) {
  const json_t *value = json_object_get(p->object, key);
  if (!json_is_number(value) || !isfinite(json_number_value(value))) return fail_key(p, key, "a finite number");
  *out = json_number_value(value);
  return BP_OK;
}

static bp_status get_scale(const place *p, const char *key, double *out) {
  BP_TRY(get_number(p, key, out));
  return *out > 0 ? BP_OK : fail_key(p, key, "a number above 0");
}

static bp_status get_bool(const place *p, const char *key, bool *out) {
  const json_t *value = json_object_get(p->object, key);
  if (!json_is_boolean(value)) return fail_key(p, key, "true or false");
  *out = json_is_true(value);
  return BP_OK;
}

static bp_status get_array(const place *p, const char *key, const json_t **out) {
  const json_t *value = json_object_get(p->object, key);
  if (!json_is_array(value)) return fail_key(p, key, "an array");
  *out = value;
  return BP_OK;
}

/* Different texts, none of them empty, in their order. */
static bp_status get_words(const place *p, const char *key, bp_dictionary *out) {
  const json_t *array = NULL;
  BP_TRY(get_array(p, key, &array));
  for (size_t i = 0; i < json_array_size(array); i++) {
    const json_t *value = json_array_get(array, i);
    const char *text = json_string_value(value);
    int32_t number = -1;
    if (!text || !*text || strlen(text) != json_string_length(value))
      return fail_key(p, key, "texts that are not empty");
    BP_TRY(bp_dictionary_add(p->ctx, out, text, strlen(text), &number));
    if ((size_t)number != i) return fail_key(p, key, "different texts; one is there twice");
  }
  return BP_OK;
}

/* No key but those in known[]: a misspelt or newer one must not be passed over. */
static bool is_known(const char *key, const char *const *known) {
  for (; *known; known++)
    if (strcmp(key, *known) == 0) return true;
  return false;
}

static bp_status check_keys(const place *p, const char *const *known) {
  const char *key;
  json_t *value;
  char quoted[BP_QUOTE_TEXT];
  json_object_foreach((json_t *)p->object, key, value) {
    if (is_known(key, known)) continue;
    return fail_key(p, bp_quote(key, strlen(key), quoted),
                    "nothing of that name; the file was made by another version");
  }
  return BP_OK;
}

/* ---- reading: features ---- */

static bp_status read_number(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "name", "mean", "scale", "fill", "indicator", NULL};
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_number(p, "mean", &f->mean));
  BP_TRY(get_scale(p, "scale", &f->scale));
  BP_TRY(get_number(p, "fill", &f->fill));
  return get_bool(p, "indicator", &f->indicator);
}

static bp_status read_category(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "name", "categories", "fill", "indicator", NULL};
  const char *fill;
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_words(p, "categories", &f->categories));
  BP_TRY(get_text(p, "fill", &fill));
  f->fill_category = bp_dictionary_find(&f->categories, fill, strlen(fill));
  if (f->fill_category < 0) return fail_key(p, "fill", "one of the categories");
  return get_bool(p, "indicator", &f->indicator);
}

static bp_status read_bytes(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "prefix", "count", NULL};
  const json_t *count = json_object_get(p->object, "count");
  const char *prefix;
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_text(p, "prefix", &prefix));
  if (strlen(prefix) > BP_BLOCK_PREFIX_MAX) return fail_key(p, "prefix", "a shorter text");
  if (!json_is_integer(count) || json_integer_value(count) < 1 || json_integer_value(count) > BP_COLUMNS_MAX)
    return fail_key(p, "count", "a whole number from 1 to 1000000");
  f->block_columns = json_integer_value(count);
  return bp_feature_set_prefix(p->ctx, f, prefix);
}

/* Index order of bp_feature_type. */
static bp_status (*const readers[BP_FEATURE_TYPE_COUNT])(const place *, bp_feature *) = {read_number, read_category,
                                                                                         read_bytes};

static bp_status read_type(const place *p, bp_feature *f) {
  const char *type;
  BP_TRY(get_text(p, "type", &type));
  for (int t = 0; t < BP_FEATURE_TYPE_COUNT; t++) {
    if (strcmp(type, bp_feature_type_name((bp_feature_type)t)) != 0) continue;
    f->type = (bp_feature_type)t;
    return BP_OK;
  }
  return fail_key(p, "type", "'number', 'category' or 'bytes'");
}

static bp_status read_feature(const place *p, bp_encoding *e, bp_feature *f) {
  const char *name = NULL;
  if (!json_is_object(p->object)) return fail_key(p, "type", "an object with a type");
  BP_TRY(read_type(p, f));
  if (f->type != BP_FEATURE_BYTES) {
    BP_TRY(get_text(p, "name", &name));
    if (bp_encoding_knows(e, name)) return fail_key(p, "name", "a name that is not there yet");
  }
  BP_TRY(readers[f->type](p, f));
  bp_status status = bp_encoding_add(p->ctx, e, name, f);
  if (status != BP_E_DATA && status != BP_E_LIMIT) return status;
  return bp_fail(p->ctx, BP_E_MODEL, "backprop.encoding: %s", bp_error_message(p->ctx));
}

static bp_status read_features(const place *root, bp_encoding *e) {
  const json_t *array = NULL;
  BP_TRY(get_array(root, "features", &array));
  if (json_array_size(array) == 0) return fail_key(root, "features", "at least one feature");
  for (size_t i = 0; i < json_array_size(array); i++) {
    place p = {.ctx = root->ctx, .object = json_array_get(array, i)};
    bp_feature feature = {0};
    (void)snprintf(p.path, sizeof p.path, "features[%zu]", i);
    bp_status status = read_feature(&p, e, &feature);
    bp_feature_release(e->allocator, &feature);
    BP_TRY(status);
  }
  return BP_OK;
}

/* ---- reading: the rest ---- */

static bp_status read_classes(const place *p, bp_encoding *e) {
  BP_TRY(get_words(p, "classes", &e->classes));
  e->goal = BP_GOAL_CLASSIFICATION;
  if (e->classes.count < 2 || e->classes.count > (size_t)BP_CLASSES_MAX)
    return fail_key(p, "classes", "2 to 65536 classes");
  return BP_OK;
}

static bp_status add_target(const place *p, bp_encoding *e) {
  const char *name;
  BP_TRY(get_text(p, "name", &name));
  if (bp_encoding_knows(e, name)) return fail_key(p, "name", "a name that is not there yet");
  return bp_encoding_add_target(p->ctx, e, name);
}

/* Classes, or a scale, and not both. */
static bp_status read_target(const place *p, bp_encoding *e) {
  static const char *const class_keys[] = {"name", "classes", NULL}, *const value_keys[] = {"name", "mean", "scale",
                                                                                            NULL};
  bool classes = json_object_get(p->object, "classes") != NULL;
  BP_TRY(check_keys(p, classes ? class_keys : value_keys));
  BP_TRY(add_target(p, e));
  if (classes) return read_classes(p, e);
  bp_target *target = &e->targets[e->n_targets - 1];
  e->goal = BP_GOAL_REGRESSION;
  BP_TRY(get_number(p, "mean", &target->mean));
  return get_scale(p, "scale", &target->scale);
}

static bp_status read_several(const place *root, const json_t *array, bp_encoding *e) {
  size_t n = json_array_size(array);
  if (n < 2 || n > BP_TARGETS_MAX) return fail_key(root, "target", "an object, or an array of 2 to 256 objects");
  for (size_t i = 0; i < n; i++) {
    place p = {.ctx = root->ctx, .object = json_array_get(array, i)};
    (void)snprintf(p.path, sizeof p.path, "target[%zu]", i);
    if (!json_is_object(p.object)) return fail_key(&p, "name", "an object");
    BP_TRY(read_target(&p, e));
    if (e->goal != BP_GOAL_REGRESSION) return fail_key(&p, "classes", "values where there are several targets");
  }
  return BP_OK;
}

static bp_status read_targets(const place *root, bp_encoding *e) {
  place p = {.ctx = root->ctx, .object = json_object_get(root->object, "target"), .path = "target"};
  if (json_is_array(p.object)) return read_several(root, p.object, e);
  return json_is_object(p.object) ? read_target(&p, e) : fail_key(root, "target", "an object");
}

static bp_status read_weight(const place *root, bp_encoding *e) {
  const char *name;
  if (!json_object_get(root->object, "weight")) return BP_OK;
  BP_TRY(get_text(root, "weight", &name));
  if (bp_encoding_knows(e, name)) return fail_key(root, "weight", "a name that is neither a target nor a feature");
  return bp_encoding_set_weight(root->ctx, e, name);
}

/* The names of unused columns, which are none of the others. */
static bp_status read_unused(const place *root, bp_encoding *e) {
  bp_dictionary unused = {0};
  bp_status status = get_words(root, "unused", &unused);
  for (size_t i = 0; status == BP_OK && i < unused.count; i++)
    if (bp_encoding_knows(e, unused.words[i]))
      status = fail_key(root, "unused", "names that are neither features nor the target");
  if (status == BP_OK)
    e->unused = unused;
  else
    bp_dictionary_release(e->allocator, &unused);
  return status;
}

static bp_status read_all(const place *root, bp_encoding *e) {
  static const char *const keys[] = {"features", "target", "weight", "unused", NULL};
  if (!json_is_object(root->object))
    return bp_fail(root->ctx, BP_E_MODEL, "backprop.encoding: expected an object with features and target");
  BP_TRY(check_keys(root, keys));
  BP_TRY(read_targets(root, e));
  BP_TRY(read_features(root, e));
  BP_TRY(read_weight(root, e));
  return read_unused(root, e);
}

bp_status bp_encoding_from_json(bp_context *ctx, const json_t *object, bp_encoding **out) {
  place root = {.ctx = ctx, .object = object};
  bp_encoding *e;
  BP_TRY(bp_encoding_new(ctx, &e));
  bp_status status = read_all(&root, e);
  if (status != BP_OK) {
    bp_encoding_free(e);
    return status;
  }
  *out = e;
  return BP_OK;
}
