/* data/column_numbers.h - whether a column of texts holds numbers, and these numbers.
 *
 * The rule counts different texts. A column is one of numbers when all its texts are numbers in one form (number_form.h) or
 * well-known marks for missing ones. Texts that are neither, in a column of which nearly all different texts are numbers, are an
 * error: they are marks that nobody named, or slips. Nearly all: at least 4 of 5, and no fewer than 10, or than 5 where most
 * cells differ; or else 95 % of 20 or more cells.
 */
#ifndef BP_DATA_COLUMN_NUMBERS_H
#define BP_DATA_COLUMN_NUMBERS_H
#include "data/date_form.h"
#include "data/number_form.h"
#include "data/table_core.h"

/* A column as it is understood: its view, with numbers where they were texts. */
typedef struct bp_sense {
  bp_column_view view;
  bp_number_form form; /* of the numbers that were texts */
  bp_date_form date;   /* of the dates that were texts, and are instants now (column_dates.h) */
  double *owned;       /* [rows] */
  bp_allocator allocator;
} bp_sense;

typedef enum bp_judging {
  BP_JUDGE_ALOUD, /* says what was understood */
  BP_JUDGE_QUIETLY,
  BP_JUDGE_CLASSES /* quietly, and what is in doubt, or has a form of its own, is text */
} bp_judging;

/* Looks at a column; a column that was declared as text stays text. Release *out in any case.
 * BP_E_DATA  texts among numbers, or numbers in several forms; the message names the first with its place */
bp_status bp_column_judge(bp_context *ctx, const bp_table *table, int64_t column, bp_judging judging, bp_sense *out);
void bp_sense_release(const bp_table *table, bp_sense *sense);
/* Whether so many different texts in so many cells, beside others, are nearly all. */
bool bp_texts_are_nearly_all(int64_t texts, int64_t cells, int64_t other_texts, int64_t other_cells);

/* A column that is known to hold numbers of a form; what: "column", "the target". Release *out in any case.
 * BP_E_DATA  a text that is none, nor a well-known mark; the message names its place */
bp_status bp_column_numbers(bp_context *ctx, const bp_table *table, int64_t column, const bp_number_form *form,
                            const char *what, bp_sense *out);

#endif
