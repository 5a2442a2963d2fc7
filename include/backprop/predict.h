/* backprop/predict.h - a trained model applied to rows of plain numbers: from many threads, allocating nothing.
 *
 *   bp_predictor *predictor;
 *   bp_predictor_new(ctx, model, NULL, &predictor);               (once for each thread)
 *   bp_predict_f32(predictor, rows, values, output);              (as often as wanted)
 *   bp_predictor_free(predictor);
 *
 * A model is immutable: any number of threads may use it at once, each with a predictor (and a context) of its own.
 *
 * Results are those of bp_model_predict(), and a row's result does not depend on the rows that stand beside it, on how many they
 * are, or on threads: not in a single bit.
 */
#ifndef BACKPROP_PREDICT_H
#define BACKPROP_PREDICT_H
#include "backprop/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a row of numbers is. */
typedef enum bp_space {
  /* The model's columns as a user has them, before preparation, in the order of bp_model_column(): a number in its own units, NaN
   * where missing; a category by its place in bp_column_info.categories (of a hashed
   * column its bucket), NaN where missing, any other number (-1) for another
   * text; a date or time as its seconds since 1970-01-01 00:00 UTC (bp_date_text(); float has steps of two minutes there, so take
   * doubles), NaN where missing; a block of bytes as all of its columns, 0 to 255. */
  BP_SPACE_COLUMNS,
  /* What the network itself takes, prepared: standardised numbers, zeros and ones for categories and indicators, bytes
   * divided by 255. Nothing is checked: NaN and infinities go through the network. */
  BP_SPACE_INPUTS,
  BP_SPACE_COUNT
} bp_space;
/* Numbers in a row of that space. */
BP_API int64_t bp_model_width(const bp_model *model, bp_space space);
/* The rows of a table (columns found by name, a target not looked at) as numbers of BP_SPACE_COLUMNS: values [rows, width], the
 * caller's storage.
 * BP_E_DATA  a column is missing, surplus or of another type */
BP_API bp_status bp_model_values(bp_context *context, const bp_model *model, const bp_table *table, double *values);

typedef struct bp_predictor bp_predictor;

typedef struct bp_predictor_options {
  size_t size;    /* sizeof(bp_predictor_options) */
  bp_space space; /* of the rows */
  int threads;    /* that share a large call; 0: only the one that calls */
  /* rows that go through the network at once, which decides memory and not results; 0: as many as keep their numbers within
   * 16 MB, at most 1024 */
  int64_t max_rows;
} bp_predictor_options;

/* NEW predictor; options (BORROW) may be NULL. Context and model must outlive it.
 * BP_E_ARG    an option out of its range
 * BP_E_NOMEM  the allocator returned NULL */
BP_API bp_status bp_predictor_new(bp_context *context, const bp_model *model, const bp_predictor_options *options,
                                  bp_predictor **out);
BP_API void bp_predictor_free(bp_predictor *predictor);

/* output [rows, bp_model_outputs()] = the output of each row of values [rows, bp_model_width()], both row-major and dense: class
 * probabilities, or values in the target's own units. Allocates nothing. One call at a time for each predictor.
 * On failure output may be written in part.
 * BP_E_DATA  columns: an infinite value, one too far from those of training, a byte that is none; the message names the column
 * BP_E_ARG   rows is negative */
BP_API bp_status bp_predict_f32(bp_predictor *predictor, int64_t rows, const float *values, float *output);
BP_API bp_status bp_predict_f64(bp_predictor *predictor, int64_t rows, const double *values, double *output);
/* Bytes, of images say. */
BP_API bp_status bp_predict_u8(bp_predictor *predictor, int64_t rows, const uint8_t *values, float *output);

#ifdef __cplusplus
}
#endif
#endif
