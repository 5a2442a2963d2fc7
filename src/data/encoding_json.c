/* data/encoding_json.c - reading the encoding part of a model file; encoding_json_write.c writes it.
 *
 * Reading goes through small functions that each fetch one value of one type and name its place when it is wrong.
 */
#include "data/encoding_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "data/encoding_parts.h"

/* ---- reading: one value ---- */

/* An object, and where it stands: "", "features[3]". */
typedef struct place {
  bp_context *ctx;
  const bp_json *object;
  char path[64];
} place;

static bp_status fail_key(const place *p, const char *key, const char *expected) {
  return bp_fail(p->ctx, BP_E_MODEL, "backprop.encoding: %s%s%s: expected %s", p->path, p->path[0] ? "." : "", key,
                 expected);
}

static bp_status get_text(const place *p, const char *key, const char **out) {
  const char *text = bp_json_text(bp_json_member(p->object, key));
  if (!text || !*text) return fail_key(p, key, "a text that is not empty");
  *out = text;
  return BP_OK;
}

/* Numbers are written with a point or an exponent, but 1 is 1.0 to any other program that writes JSON. */
static bp_status get_number(const place *p, const char *key, double *out) {
  return bp_json_number(bp_json_member(p->object, key), out) ? BP_OK : fail_key(p, key, "a finite number");
}

static bp_status get_scale(const place *p, const char *key, double *out) {
  BP_TRY(get_number(p, key, out));
  return *out > 0 ? BP_OK : fail_key(p, key, "a number above 0");
}

static bp_status get_bool(const place *p, const char *key, bool *out) {
  return bp_json_truth(bp_json_member(p->object, key), out) ? BP_OK : fail_key(p, key, "true or false");
}

static bp_status get_array(const place *p, const char *key, const bp_json **out) {
  const bp_json *value = bp_json_member(p->object, key);
  if (bp_json_type(value) != BP_JSON_ARRAY) return fail_key(p, key, "an array");
  *out = value;
  return BP_OK;
}

/* Different texts, none of them empty, in their order. */
static bp_status get_words(const place *p, const char *key, bp_dictionary *out) {
  const bp_json *array = NULL;
  int32_t next = 0;
  BP_TRY(get_array(p, key, &array));
  for (const bp_json *v = bp_json_first(array); v; v = bp_json_next(v), next++) {
    const char *text = bp_json_text(v);
    int32_t number = -1;
    if (!text || !*text) return fail_key(p, key, "texts that are not empty");
    BP_TRY(bp_dictionary_add(p->ctx, out, text, strlen(text), &number));
    if (number != next) return fail_key(p, key, "different texts; one is there twice");
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
  char quoted[BP_QUOTE_TEXT];
  for (const bp_json *v = bp_json_first(p->object); v; v = bp_json_next(v)) {
    const char *key = bp_json_name(v);
    if (!is_known(key, known))
      return fail_key(p, bp_quote(key, strlen(key), quoted),
                      "nothing of that name; the file was made by another version");
  }
  return BP_OK;
}

/* ---- reading: the form of numbers that are texts ---- */

static bp_status get_unit(const place *p, const char *key, char unit[BP_UNIT_TEXT]) {
  const char *text;
  if (!bp_json_member(p->object, key)) return BP_OK;
  BP_TRY(get_text(p, key, &text));
  if (strlen(text) >= BP_UNIT_TEXT) return fail_key(p, key, "a shorter text");
  memcpy(unit, text, strlen(text) + 1);
  return BP_OK;
}

static bp_status get_sign(const place *p, const char *key, const char *allowed, char *out) {
  const char *text;
  if (!bp_json_member(p->object, key)) return BP_OK;
  BP_TRY(get_text(p, key, &text));
  if (text[1] || !strchr(allowed, text[0])) return fail_key(p, key, "one sign of those that part digits");
  *out = text[0];
  return BP_OK;
}

static bp_status get_flag(const place *p, const char *key, bool *out) {
  return bp_json_member(p->object, key) ? get_bool(p, key, out) : BP_OK;
}

static bp_status get_form(const place *outer, bp_number_form *f) {
  static const char *const keys[] = {"prefix", "suffix",  "decimal",  "thousands", "hexadecimal", "octal",
                                     "binary", "fortran", "brackets", "fractions", NULL};
  place p = {.ctx = outer->ctx, .object = bp_json_member(outer->object, "form")};
  if (!p.object) return BP_OK;
  (void)snprintf(p.path, sizeof p.path, "%.56s.form", outer->path);
  if (bp_json_type(p.object) != BP_JSON_OBJECT) return fail_key(outer, "form", "an object");
  BP_TRY(check_keys(&p, keys));
  BP_TRY(get_unit(&p, "prefix", f->prefix));
  BP_TRY(get_unit(&p, "suffix", f->suffix));
  BP_TRY(get_sign(&p, "decimal", ",", &f->decimal));
  BP_TRY(get_sign(&p, "thousands", BP_THOUSANDS, &f->thousands));
  int radix;
  const char *base;
  for (size_t i = 0; (base = bp_number_radix(i, &radix)) != NULL; i++) {
    bool has = false;
    BP_TRY(get_flag(&p, base, &has));
    if (has) f->radix = radix;
  }
  BP_TRY(get_flag(&p, "fortran", &f->fortran));
  BP_TRY(get_flag(&p, "brackets", &f->brackets));
  return get_flag(&p, "fractions", &f->fractions);
}

/* ---- reading: features ---- */

static bp_status read_number(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "name", "form", "mean", "scale", "fill", "indicator", NULL};
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_form(p, &f->form));
  BP_TRY(get_number(p, "mean", &f->mean));
  BP_TRY(get_scale(p, "scale", &f->scale));
  BP_TRY(get_number(p, "fill", &f->fill));
  return get_bool(p, "indicator", &f->indicator);
}

static bp_status get_whole(const place *p, const char *key, int64_t least, int64_t most, int64_t *out) {
  char expected[64];
  if (bp_json_whole(bp_json_member(p->object, key), out) && *out >= least && *out <= most) return BP_OK;
  (void)snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, least, most);
  return fail_key(p, key, expected);
}

static bp_status read_hashed(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "name", "hash", "fill", "indicator", NULL};
  int64_t fill;
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_whole(p, "hash", 2, BP_BUCKETS_MAX, &f->buckets));
  BP_TRY(get_whole(p, "fill", 0, f->buckets - 1, &fill));
  f->fill_category = (int32_t)fill;
  return get_bool(p, "indicator", &f->indicator);
}

static bp_status read_category(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "name", "categories", "others", "fill", "indicator", NULL};
  const char *fill;
  if (bp_json_member(p->object, "hash")) return read_hashed(p, f);
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_words(p, "categories", &f->categories));
  BP_TRY(get_text(p, "fill", &fill));
  f->fill_category = bp_dictionary_find(&f->categories, fill, strlen(fill));
  if (f->fill_category < 0) return fail_key(p, "fill", "one of the categories");
  BP_TRY(get_flag(p, "others", &f->others));
  return get_bool(p, "indicator", &f->indicator);
}

static bp_status read_bytes(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "prefix", "count", NULL};
  const char *prefix;
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_text(p, "prefix", &prefix));
  if (strlen(prefix) > BP_BLOCK_PREFIX_MAX) return fail_key(p, "prefix", "a shorter text");
  BP_TRY(get_whole(p, "count", 1, BP_COLUMNS_MAX, &f->block_columns));
  return bp_feature_set_prefix(p->ctx, f, prefix);
}

static bp_status get_layout(const place *p, bp_date_layout *out) {
  const char *form;
  BP_TRY(get_text(p, "form", &form));
  for (int layout = BP_DATE_NONE + 1; layout < BP_DATE_LAYOUTS; layout++) {
    if (strcmp(form, bp_date_layout_name((bp_date_layout)layout)) != 0) continue;
    *out = (bp_date_layout)layout;
    return BP_OK;
  }
  return fail_key(p, "form", "a form of dates, as 'year first'");
}

/* Cycles in their order, each once. */
static bp_status get_cycles(const place *p, unsigned *out) {
  const bp_json *array = NULL;
  int next = 0;
  BP_TRY(get_array(p, "cycles", &array));
  for (const bp_json *v = bp_json_first(array); v; v = bp_json_next(v), next++) {
    const char *name = bp_json_text(v);
    while (name && next < BP_CYCLES && strcmp(name, bp_cycle_name((bp_cycle)next)) != 0) next++;
    if (!name || next >= BP_CYCLES) return fail_key(p, "cycles", "'year', 'month', 'week' and 'day' in this order");
    *out |= 1u << next;
  }
  return BP_OK;
}

static bp_status read_date(const place *p, bp_feature *f) {
  static const char *const keys[] = {"type", "name",  "form", "zone",      "cycles",
                                     "mean", "scale", "fill", "indicator", NULL};
  BP_TRY(check_keys(p, keys));
  BP_TRY(get_layout(p, &f->date.layout));
  BP_TRY(get_bool(p, "zone", &f->date.zone));
  BP_TRY(get_cycles(p, &f->cycles));
  BP_TRY(get_number(p, "mean", &f->mean));
  BP_TRY(get_scale(p, "scale", &f->scale));
  BP_TRY(get_number(p, "fill", &f->fill));
  if (!bp_instant_is_valid(f->fill)) return fail_key(p, "fill", "seconds since 1970 in the years 1 to 9999");
  return get_bool(p, "indicator", &f->indicator);
}

/* Index order of bp_feature_type. */
static bp_status (*const readers[BP_FEATURE_TYPE_COUNT])(const place *, bp_feature *) = {read_number, read_category,
                                                                                         read_bytes, read_date};

static bp_status read_type(const place *p, bp_feature *f) {
  const char *type;
  BP_TRY(get_text(p, "type", &type));
  for (int t = 0; t < BP_FEATURE_TYPE_COUNT; t++) {
    if (strcmp(type, bp_feature_type_name((bp_feature_type)t)) != 0) continue;
    f->type = (bp_feature_type)t;
    return BP_OK;
  }
  return fail_key(p, "type", "'number', 'category', 'bytes' or 'date'");
}

static bp_status read_feature(const place *p, bp_encoding *e, bp_feature *f) {
  const char *name = NULL;
  if (bp_json_type(p->object) != BP_JSON_OBJECT) return fail_key(p, "type", "an object with a type");
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
  const bp_json *array = NULL;
  size_t i = 0;
  BP_TRY(get_array(root, "features", &array));
  if (bp_json_size(array) == 0) return fail_key(root, "features", "at least one feature");
  for (const bp_json *v = bp_json_first(array); v; v = bp_json_next(v), i++) {
    place p = {.ctx = root->ctx, .object = v};
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
  static const char *const class_keys[] = {"name", "form", "classes", NULL};
  static const char *const value_keys[] = {"name", "form", "mean", "scale", NULL};
  bool classes = bp_json_member(p->object, "classes") != NULL;
  BP_TRY(check_keys(p, classes ? class_keys : value_keys));
  BP_TRY(add_target(p, e));
  bp_target *target = &e->targets[e->n_targets - 1];
  BP_TRY(get_form(p, &target->form));
  if (classes) return read_classes(p, e);
  e->goal = BP_GOAL_REGRESSION;
  BP_TRY(get_number(p, "mean", &target->mean));
  return get_scale(p, "scale", &target->scale);
}

/* A target whose column is a class: it has a name and no scale. */
static bp_status read_class_column(const place *p, bp_encoding *e) {
  static const char *const keys[] = {"name", "form", NULL};
  int32_t number;
  BP_TRY(check_keys(p, keys));
  BP_TRY(add_target(p, e));
  bp_target *target = &e->targets[e->n_targets - 1];
  BP_TRY(get_form(p, &target->form));
  return bp_dictionary_add(p->ctx, &e->classes, target->name, strlen(target->name), &number);
}

static bp_status read_several(const place *root, const bp_json *array, bp_encoding *e) {
  size_t n = bp_json_size(array), i = 0;
  bool classes = false;
  if (n < 2 || n > BP_TARGETS_MAX) return fail_key(root, "target", "an object, or an array of 2 to 256 objects");
  for (const bp_json *v = bp_json_first(array); v; v = bp_json_next(v), i++) {
    place p = {.ctx = root->ctx, .object = v};
    (void)snprintf(p.path, sizeof p.path, "target[%zu]", i);
    if (bp_json_type(p.object) != BP_JSON_OBJECT) return fail_key(&p, "name", "an object");
    if (i == 0) classes = !bp_json_member(p.object, "mean") && !bp_json_member(p.object, "classes");
    BP_TRY(classes ? read_class_column(&p, e) : read_target(&p, e));
    if (classes)
      e->goal = BP_GOAL_CLASSIFICATION;
    else if (e->goal != BP_GOAL_REGRESSION)
      return fail_key(&p, "classes", "values where there are several targets");
  }
  return BP_OK;
}

static bp_status read_targets(const place *root, bp_encoding *e) {
  place p = {.ctx = root->ctx, .object = bp_json_member(root->object, "target"), .path = "target"};
  if (bp_json_type(p.object) == BP_JSON_ARRAY) return read_several(root, p.object, e);
  return bp_json_type(p.object) == BP_JSON_OBJECT ? read_target(&p, e) : fail_key(root, "target", "an object");
}

static bp_status read_weight(const place *root, bp_encoding *e) {
  const char *name;
  if (!bp_json_member(root->object, "weight")) return BP_OK;
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
  if (bp_json_type(root->object) != BP_JSON_OBJECT)
    return bp_fail(root->ctx, BP_E_MODEL, "backprop.encoding: expected an object with features and target");
  BP_TRY(check_keys(root, keys));
  BP_TRY(read_targets(root, e));
  BP_TRY(read_features(root, e));
  BP_TRY(read_weight(root, e));
  return read_unused(root, e);
}

bp_status bp_encoding_from_json(bp_context *ctx, const bp_json *object, bp_encoding **out) {
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
