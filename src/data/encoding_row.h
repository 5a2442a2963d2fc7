/* data/encoding_row.h - one row of plain numbers as network inputs, without a table: for predicting row by row.
 *
 * A row holds, for each feature in its order: a number, NaN where missing; a date as an instant (calendar.h), NaN where missing; a category by its number in
 * bp_feature.categories or its bucket, NaN where missing, any other number for one that training never saw; a block of bytes as its columns,
 * each a whole number from 0 to 255.
 */
#ifndef BP_DATA_ENCODING_ROW_H
#define BP_DATA_ENCODING_ROW_H
#include "data/encoding.h"

/* Numbers in a row. */
int64_t bp_encoding_width(const bp_encoding *encoding);

/* Encodes a row exactly as bp_binding_encode() encodes the same row of a table: values[bp_encoding_width()] to
 * inputs[encoding->inputs] of dtype F32 or F64, or U8 where the only feature is a block of bytes. Allocates nothing.
 * BP_E_DATA  an infinite value, or one too far from those of training; a byte that is none */
bp_status bp_encoding_row(bp_context *ctx, const bp_encoding *encoding, const double *values, bp_dtype dtype,
                          void *inputs);

/* d input / d value for the inputs of a row: each number has one input that moves with it. input_of[width] becomes the number of
 * that input and slope[width] its derivative: 1 / scale of a number, 1/255 of a byte, 0 of a number that is missing, NaN of a
 * category, which has none, and of a date, which moves several inputs. */
void bp_encoding_slopes(const bp_encoding *encoding, const double *values, int64_t *input_of, double *slope);

/* The rows of a bound table as such rows: values [rows.n, width].
 * BP_E_DATA  a byte that is none */
bp_status bp_binding_values(bp_context *ctx, const bp_binding *binding, bp_rows rows, double *values);

#endif
