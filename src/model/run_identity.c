/* run_identity.c - settings, network, columns and data of a run as JSON, and the first difference between two of them. */
#include "model/run_identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/hash64.h"
#include "data/encoding_json.h"
#include "data/table_core.h"
#include "kernels/kernels.h"
#include "model/model_json.h"
#include "train/fit_options.h"
#include "train/source_runs.h"

/* ---- making one ---- */

/* The row of number r: its features may stand elsewhere. */
static uint64_t hash_row(const void *data, size_t row_bytes, int64_t r, uint64_t hash) {
  return bp_hash64((const char *)data + (size_t)r * row_bytes, row_bytes, hash);
}

/* Every row in its order, so that rows in place and a copy of them are the same data. */
static void put_hash(bp_json_writer *w, const char *name, const bp_source *s) {
  double numbers[] = {s->scale, s->shift};
  char text[24];
  size_t feature_bytes = (size_t)source_width(s) * bp_dtype_size(s->dtype);
  size_t target_bytes = (s->target_dtype == BP_I32 ? 1 : (size_t)s->outputs) * bp_dtype_size(s->target_dtype);
  uint64_t hash = bp_hash64(numbers, sizeof numbers, 0);
  for (int64_t r = 0; r < s->rows; r++) {
    if (feature_bytes > 0) hash = hash_row(s->features, feature_bytes, source_place(s, r), hash);
    if (s->n_runs > 0) hash = hash_row(s->ones, s->n_runs * sizeof *s->ones, source_place(s, r), hash);
    hash = hash_row(s->targets, target_bytes, r, hash);
    if (s->weights != NULL) hash = hash_row(s->weights, sizeof *s->weights, r, hash);
  }
  (void)snprintf(text, sizeof text, "%016" PRIx64, hash);
  bp_json_put_text(w, name, text);
}

static void put_data(bp_json_writer *w, const bp_source *train, const bp_source *valid) {
  bp_json_open(w, "data", '{');
  bp_json_put_whole(w, "rows", train->rows);
  bp_json_put_whole(w, "valid_rows", valid != NULL ? valid->rows : 0);
  put_hash(w, "hash", train);
  if (valid != NULL)
    put_hash(w, "valid_hash", valid);
  else
    bp_json_put_null(w, "valid_hash");
  bp_json_close(w, '}');
}

static void put_setting(void *user, const char *name, const char *value) { bp_json_put_text(user, name, value); }

bp_status bp_identity_new(bp_context *ctx, const bp_model *model, const bp_fit_options *options, const bp_source *train,
                          const bp_source *valid, char **out) {
  bp_json_writer w;
  bp_json_begin(&w, ctx);
  bp_json_open(&w, NULL, '{');
  bp_json_put_text(&w, "arithmetic", bp_arithmetic_name());
  bp_json_open(&w, "settings", '{');
  fit_options_each(options, put_setting, &w);
  bp_json_close(&w, '}');
  bp_model_put_description(&w, "model", model);
  bp_encoding_put_json(&w, "columns", model->encoding);
  put_data(&w, train, valid);
  bp_json_close(&w, '}');
  return bp_json_end(&w, out);
}

/* ---- comparing two ---- */

/* The first place where two values differ. */
typedef struct difference {
  char path[200];
  char then[BP_QUOTE_TEXT], now[BP_QUOTE_TEXT];
} difference;

/* A text as it is, anything else as JSON, as much as there is room for. */
static void show(const bp_json *value, char text[BP_QUOTE_TEXT]) {
  char dump[2 * BP_QUOTE_TEXT] = "nothing";
  const char *own = bp_json_text(value);
  bp_json_writer w = {.data = dump, .size = value ? 0 : strlen(dump), .capacity = sizeof dump, .fixed = true};
  if (own) {
    (void)bp_quote(own, strlen(own), text);
    return;
  }
  if (value) bp_json_put(&w, NULL, value);
  (void)bp_quote(dump, w.size, text);
}

static bool differs(const bp_json *then, const bp_json *now, const char *path, difference *d);

static bool objects_differ(const bp_json *then, const bp_json *now, const char *path, difference *d) {
  char place[sizeof d->path];
  for (const bp_json *v = bp_json_first(now); v; v = bp_json_next(v)) {
    (void)snprintf(place, sizeof place, "%s%s%s", path, path[0] ? "." : "", bp_json_name(v));
    if (differs(bp_json_member(then, bp_json_name(v)), v, place, d)) return true;
  }
  for (const bp_json *v = bp_json_first(then); v; v = bp_json_next(v)) {
    if (bp_json_member(now, bp_json_name(v))) continue;
    (void)snprintf(place, sizeof place, "%s%s%s", path, path[0] ? "." : "", bp_json_name(v));
    return differs(v, NULL, place, d);
  }
  return false;
}

static bool arrays_differ(const bp_json *then, const bp_json *now, const char *path, difference *d) {
  const bp_json *a = bp_json_first(then), *b = bp_json_first(now);
  char place[sizeof d->path];
  for (size_t i = 0; a || b; i++, a = bp_json_next(a), b = bp_json_next(b)) {
    (void)snprintf(place, sizeof place, "%s[%zu]", path, i);
    if (differs(a, b, place, d)) return true;
  }
  return false;
}

/* Two values that are neither arrays nor objects. */
static bool same_scalar(const bp_json *a, const bp_json *b) {
  const char *text = bp_json_text(a);
  int64_t whole = 0, other_whole = 0;
  double real = 0, other_real = 0;
  if (bp_json_type(a) != bp_json_type(b)) return false;
  if (text) return strcmp(text, bp_json_text(b)) == 0;
  if (bp_json_whole(a, &whole) && bp_json_whole(b, &other_whole)) return whole == other_whole;
  (void)bp_json_number(a, &real), (void)bp_json_number(b, &other_real);
  return real == other_real;
}

static bool differs(const bp_json *then, const bp_json *now, const char *path, difference *d) {
  bp_json_kind kind = bp_json_type(then);
  bool same_kind = kind == bp_json_type(now);
  if (same_kind && kind == BP_JSON_OBJECT) return objects_differ(then, now, path, d);
  if (same_kind && kind == BP_JSON_ARRAY) return arrays_differ(then, now, path, d);
  if (then && now && same_scalar(then, now)) return false;
  (void)snprintf(d->path, sizeof d->path, "%s", path);
  show(then, d->then);
  show(now, d->now);
  return true;
}

static bool part_differs(const bp_json *then, const bp_json *now, const char *part, difference *d) {
  return differs(bp_json_member(then, part), bp_json_member(now, part), "", d);
}

/* Rows first: when their number differs, so does everything that was learnt from them. */
static bp_status compare_rows(bp_context *ctx, const bp_json *then, const bp_json *now) {
  static const char *const parts[][2] = {{"rows", "training"}, {"valid_rows", "validation"}};
  const bp_json *a = bp_json_member(then, "data"), *b = bp_json_member(now, "data");
  for (int i = 0; i < 2; i++) {
    int64_t n = 0, m = 0;
    (void)bp_json_whole(bp_json_member(a, parts[i][0]), &n); /* what is no number is 0 rows */
    (void)bp_json_whole(bp_json_member(b, parts[i][0]), &m);
    if (n != m)
      return bp_fail(ctx, BP_E_DATA,
                     "the data are not those of the checkpoint: %" PRId64 " %s rows then, %" PRId64
                     " now; give the same data",
                     n, parts[i][1], m);
  }
  return BP_OK;
}

/* Before all else: what follows from the arithmetic may differ too. A checkpoint that does not name its own is taken at its word. */
static bp_status compare_arithmetic(bp_context *ctx, const bp_json *then, const bp_json *now) {
  const bp_json *named = bp_json_member(then, "arithmetic");
  const char *theirs = bp_json_text(named), *ours = bp_json_text(bp_json_member(now, "arithmetic"));
  char quoted[BP_QUOTE_TEXT];
  if (!named || (theirs && strcmp(theirs, ours) == 0)) return BP_OK;
  bool fused = theirs && strncmp(theirs, "fused", 5) == 0;
  return bp_fail(
      ctx, BP_E_ARG,
      "the checkpoint was computed with %s, this run has %s, which rounds otherwise: the result would be that "
      "of no uninterrupted run; go on with %s",
      theirs ? bp_quote(theirs, strlen(theirs), quoted) : "another arithmetic", ours,
      fused ? "BACKPROP_ISA unset, on a CPU that has it" : "BACKPROP_ISA=baseline");
}

bp_status bp_identity_compare(bp_context *ctx, const bp_json *then, const bp_json *now) {
  difference d;
  BP_TRY(compare_arithmetic(ctx, then, now));
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
