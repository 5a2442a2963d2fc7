/* data/encoding_json_write.c - writing the encoding part of a model file. Floor: data. */
#include "data/encoding_json.h"
#include "data/encoding_parts.h"

static void put_words(bp_json_writer *w, const char *name, const bp_dictionary *words) {
  bp_json_open(w, name, '[');
  for (size_t i = 0; i < words->count; i++) bp_json_put_text(w, NULL, words->words[i]);
  bp_json_close(w, ']');
}

static void put_sign(bp_json_writer *w, const char *name, char sign) {
  const char text[] = {sign, '\0'};
  if (sign) bp_json_put_text(w, name, text);
}

/* What a form has beside the plain one; a plain one is nothing. */
static void put_form(bp_json_writer *w, const bp_number_form *f) {
  if (bp_number_form_is_plain(f)) return;
  bp_json_open(w, "form", '{');
  if (f->prefix[0]) bp_json_put_text(w, "prefix", f->prefix);
  if (f->suffix[0]) bp_json_put_text(w, "suffix", f->suffix);
  put_sign(w, "decimal", f->decimal);
  put_sign(w, "thousands", f->thousands);
  int radix;
  const char *base;
  for (size_t i = 0; (base = bp_number_radix(i, &radix)) != NULL; i++)
    if (f->radix == radix) bp_json_put_bool(w, base, true);
  if (f->fortran) bp_json_put_bool(w, "fortran", true);
  if (f->brackets) bp_json_put_bool(w, "brackets", true);
  if (f->fractions) bp_json_put_bool(w, "fractions", true);
  bp_json_close(w, '}');
}

static void put_number(bp_json_writer *w, const bp_feature *f) {
  bp_json_put_text(w, "name", f->name);
  put_form(w, &f->form);
  bp_json_put_real(w, "mean", f->mean);
  bp_json_put_real(w, "scale", f->scale);
  bp_json_put_real(w, "fill", f->fill);
  bp_json_put_bool(w, "indicator", f->indicator);
}

static void put_category(bp_json_writer *w, const bp_feature *f) {
  bp_json_put_text(w, "name", f->name);
  if (f->buckets > 0) {
    bp_json_put_whole(w, "hash", f->buckets);
    bp_json_put_whole(w, "fill", f->fill_category);
    bp_json_put_bool(w, "indicator", f->indicator);
    return;
  }
  put_words(w, "categories", &f->categories);
  if (f->others) bp_json_put_bool(w, "others", true);
  bp_json_put_text(w, "fill", bp_dictionary_word(&f->categories, f->fill_category));
  bp_json_put_bool(w, "indicator", f->indicator);
}

static void put_bytes(bp_json_writer *w, const bp_feature *f) {
  bp_json_put_text(w, "prefix", f->prefix);
  bp_json_put_whole(w, "count", f->block_columns);
}

static void put_date(bp_json_writer *w, const bp_feature *f) {
  bp_json_put_text(w, "name", f->name);
  bp_json_put_text(w, "form", bp_date_layout_name(f->date.layout));
  bp_json_put_bool(w, "zone", f->date.zone);
  bp_json_open(w, "cycles", '[');
  for (int c = 0; c < BP_CYCLES; c++)
    if (f->cycles >> c & 1) bp_json_put_text(w, NULL, bp_cycle_name((bp_cycle)c));
  bp_json_close(w, ']');
  bp_json_put_real(w, "mean", f->mean);
  bp_json_put_real(w, "scale", f->scale);
  bp_json_put_real(w, "fill", f->fill);
  bp_json_put_bool(w, "indicator", f->indicator);
}

/* Index order of bp_feature_type. */
static void (*const putters[BP_FEATURE_TYPE_COUNT])(bp_json_writer *, const bp_feature *) = {put_number, put_category,
                                                                                             put_bytes, put_date};

static void put_features(bp_json_writer *w, const bp_encoding *e) {
  bp_json_open(w, "features", '[');
  for (size_t f = 0; f < e->n_features; f++) {
    const bp_feature *feature = &e->features[f];
    bp_json_open(w, NULL, '{');
    bp_json_put_text(w, "type", bp_feature_type_name(feature->type));
    putters[feature->type](w, feature);
    bp_json_close(w, '}');
  }
  bp_json_close(w, ']');
}

static void put_target(bp_json_writer *w, const char *name, const bp_encoding *e, const bp_target *target) {
  bp_json_open(w, name, '{');
  bp_json_put_text(w, "name", target->name);
  put_form(w, &target->form);
  if (e->goal == BP_GOAL_CLASSIFICATION && e->n_targets == 1) {
    put_words(w, "classes", &e->classes);
  } else if (e->goal == BP_GOAL_REGRESSION) {
    bp_json_put_real(w, "mean", target->mean);
    bp_json_put_real(w, "scale", target->scale);
  }
  bp_json_close(w, '}');
}

/* One target is an object, several are an array of objects; those of classes have a name alone. */
static void put_targets(bp_json_writer *w, const bp_encoding *e) {
  bool several = e->n_targets > 1;
  if (several) bp_json_open(w, "target", '[');
  for (size_t i = 0; i < e->n_targets; i++) put_target(w, several ? NULL : "target", e, &e->targets[i]);
  if (several) bp_json_close(w, ']');
}

void bp_encoding_put_json(bp_json_writer *writer, const char *name, const bp_encoding *encoding) {
  bp_json_open(writer, name, '{');
  put_features(writer, encoding);
  put_targets(writer, encoding);
  if (encoding->weight) bp_json_put_text(writer, "weight", encoding->weight);
  put_words(writer, "unused", &encoding->unused);
  bp_json_close(writer, '}');
}
