/* data/column_dates.h - whether a column of texts holds dates or times, and these as instants (calendar.h).
 *
 * A column is one of dates when all its texts are dates in one form (date_form.h), or marks for missing ones. Where nearly all are
 * (column_numbers.h), the others are an error. Dates that may have the day in front or the month are text, which a line says.
 */
#ifndef BP_DATA_COLUMN_DATES_H
#define BP_DATA_COLUMN_DATES_H
#include "data/column_numbers.h"

/* Looks at a column, and says through bp_note what was understood; out->date.layout is BP_DATE_NONE where it holds no dates. A column
 * that was declared as text stays text. Release *out with bp_sense_release() in any case.
 * BP_E_DATA  other texts among dates; the message names the first with its place */
bp_status bp_column_judge_dates(bp_context *ctx, const bp_table *table, int64_t column, bp_sense *out);

/* A column that is known to hold dates in a form. One of numbers holds instants, unless it comes from a file. Release *out in any
 * case.
 * BP_E_DATA  a text that is no date in this form, nor a mark for a missing one; the message names its place */
bp_status bp_column_dates(bp_context *ctx, const bp_table *table, int64_t column, const bp_date_form *form,
                          bp_sense *out);

#endif
