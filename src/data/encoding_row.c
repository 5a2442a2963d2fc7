/* data/encoding_row.c - one row of plain numbers as network inputs. Floor: data.
 *
 * The arithmetic is that of encoding_apply.c, so that a row gives the same bits either way.
 */
#include "data/encoding_row.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "data/encoding_binding.h"

static int64_t width_of(const bp_feature *f) { return f->type == BP_FEATURE_BYTES ? f->block_columns : 1; }

int64_t bp_encoding_width(const bp_encoding *encoding) {
  int64_t width = 0;
  for (size_t f = 0; f < encoding->n_features; f++) width += width_of(&encoding->features[f]);
  return width;
}

/* ---- one row ---- */

typedef struct target {
  bp_dtype dtype;
  void *inputs;
} target;

static void put(const target *out, int64_t input, double value) {
  if (out->dtype == BP_F32)
    ((float *)out->inputs)[input] = (float)value;
  else
    ((double *)out->inputs)[input] = value;
}

static bp_status fail_value(bp_context *ctx, const bp_feature *f, double value) {
  char quoted[BP_QUOTE_TEXT], text[BP_NUMBER_TEXT];
  return bp_fail(
      ctx, BP_E_DATA, "column '%s' is %s, %s", bp_quote(f->name, strlen(f->name), quoted), bp_number_text(value, text),
      isinf(value) ? "which is infinite; expected a finite number" : "too far from what the model was trained with");
}

static bp_status fail_instant(bp_context *ctx, const bp_feature *f, double value) {
  char quoted[BP_QUOTE_TEXT], text[BP_NUMBER_TEXT];
  return bp_fail(ctx, BP_E_DATA,
                 "column '%s' is %s, which is no date; expected seconds since 1970 in the years 1 to 9999",
                 bp_quote(f->name, strlen(f->name), quoted), bp_number_text(value, text));
}

static bp_status put_number(bp_context *ctx, const bp_feature *f, double value, const target *out) {
  bool missing = isnan(value);
  double encoded = ((missing ? f->fill : value) - f->mean) / f->scale;
  if (!(fabs(encoded) <= (out->dtype == BP_F32 ? (double)FLT_MAX : DBL_MAX))) return fail_value(ctx, f, value);
  put(out, f->first_input, encoded);
  if (f->indicator) put(out, f->first_input + 1, missing);
  return BP_OK;
}

static bp_status put_date(bp_context *ctx, const bp_feature *f, double value, const target *out) {
  double inputs[BP_DATE_INPUTS];
  bool missing = isnan(value);
  if (!missing && !bp_instant_is_valid(value)) return fail_instant(ctx, f, value);
  int n = bp_date_inputs(f, missing ? f->fill : value, inputs);
  if (!(fabs(inputs[0]) <= (out->dtype == BP_F32 ? (double)FLT_MAX : DBL_MAX))) return fail_value(ctx, f, value);
  for (int i = 0; i < n; i++) put(out, f->first_input + i, inputs[i]);
  if (f->indicator) put(out, f->first_input + n, missing);
  return BP_OK;
}

static void put_category(const bp_feature *f, double value, const target *out) {
  bool missing = isnan(value);
  double category = missing ? f->fill_category : value;
  int64_t n = bp_feature_known(f);
  bool other = true;
  for (int64_t c = 0; c < n; c++) {
    put(out, f->first_input + c, category == (double)c);
    other &= category != (double)c;
  }
  if (f->others) put(out, f->first_input + n, other);
  if (f->indicator) put(out, f->first_input + f->inputs - 1, missing);
}

static bp_status check_byte(bp_context *ctx, const bp_feature *f, int64_t column, double value) {
  char name[BP_BLOCK_NAME], quoted[BP_QUOTE_TEXT], text[BP_NUMBER_TEXT];
  if (value >= 0 && value <= UINT8_MAX && value == (double)(uint8_t)value) return BP_OK;
  (void)bp_block_name(f, column, name);
  return bp_fail(ctx, BP_E_DATA, "column '%s' is %s; the model was trained with whole numbers from 0 to 255",
                 bp_quote(name, strlen(name), quoted), isnan(value) ? "missing" : bp_number_text(value, text));
}

static bp_status put_bytes(bp_context *ctx, const bp_feature *f, const double *values, const target *out) {
  for (int64_t c = 0; c < f->block_columns; c++) {
    BP_TRY(check_byte(ctx, f, c, values[c]));
    if (out->dtype == BP_U8)
      ((uint8_t *)out->inputs)[f->first_input + c] = (uint8_t)values[c];
    else
      put(out, f->first_input + c, values[c] / 255.0);
  }
  return BP_OK;
}

bp_status bp_encoding_row(bp_context *ctx, const bp_encoding *encoding, const double *values, bp_dtype dtype,
                          void *inputs) {
  target out = {dtype, inputs};
  for (size_t i = 0; i < encoding->n_features; i++) {
    const bp_feature *f = &encoding->features[i];
    if (f->type == BP_FEATURE_NUMBER)
      BP_TRY(put_number(ctx, f, *values, &out));
    else if (f->type == BP_FEATURE_DATE)
      BP_TRY(put_date(ctx, f, *values, &out));
    else if (f->type == BP_FEATURE_BYTES)
      BP_TRY(put_bytes(ctx, f, values, &out));
    else
      put_category(f, *values, &out);
    values += width_of(f);
  }
  return BP_OK;
}

/* ---- its derivative ---- */

void bp_encoding_slopes(const bp_encoding *encoding, const double *values, int64_t *input_of, double *slope) {
  int64_t at = 0;
  for (size_t i = 0; i < encoding->n_features; i++) {
    const bp_feature *f = &encoding->features[i];
    for (int64_t c = 0; c < width_of(f); c++, at++) {
      input_of[at] = f->first_input + c;
      slope[at] = f->type == BP_FEATURE_BYTES    ? 1 / 255.0
                  : f->type != BP_FEATURE_NUMBER ? (double)NAN
                  : isnan(values[at])            ? 0
                                                 : 1 / f->scale;
    }
  }
}

/* ---- rows of a table ---- */

static double category_of(const bp_bound_feature *bound, int64_t row) {
  int32_t category = bp_word_map_at(&bound->map, row);
  return category == BP_WORD_MISSING ? (double)NAN : category == BP_WORD_UNKNOWN ? -1 : category;
}

static bp_status byte_values(bp_context *ctx, const bp_bound_feature *bound, int64_t row, double *values) {
  int64_t n = bound->feature->block_columns;
  for (int64_t c = 0; c < n; c++) {
    values[c] = bound->block ? bound->block[row * n + c] : bp_view_number(&bound->columns[c], row);
    BP_TRY(check_byte(ctx, bound->feature, c, values[c]));
  }
  return BP_OK;
}

bp_status bp_binding_values(bp_context *ctx, const bp_binding *binding, bp_rows rows, double *values) {
  for (int64_t i = 0; i < rows.n; i++) {
    int64_t row = bp_row_at(rows, i);
    for (size_t f = 0; f < binding->encoding->n_features; f++) {
      const bp_bound_feature *bound = &binding->features[f];
      if (bound->feature->type == BP_FEATURE_NUMBER || bound->feature->type == BP_FEATURE_DATE)
        *values = bp_view_number(&bound->sense.view, row);
      else if (bound->feature->type == BP_FEATURE_BYTES)
        BP_TRY(byte_values(ctx, bound, row, values));
      else
        *values = category_of(bound, row);
      values += width_of(bound->feature);
    }
  }
  return BP_OK;
}
