/* data/hashed_columns.h - columns whose texts become categories by their hash. For this floor only. */
#ifndef BP_DATA_HASHED_COLUMNS_H
#define BP_DATA_HASHED_COLUMNS_H
#include "data/encoding_parts.h"

/* Whether a list as bp_encoding_options.hash fits a table.
 * BP_E_DATA  there is no such column, it is named twice, or it is a block of bytes; a number of buckets out of range */
bp_status bp_hashed_check(bp_context *ctx, const bp_table *table, const char *list);
/* The buckets of a column by such a list that was checked; 0: it is not hashed. */
int64_t bp_hashed_buckets(const bp_table *table, const char *list, int64_t column);
/* Fills a CATEGORY feature from a column; *constant: nothing can be learnt from it, and *feature is as it was. */
bp_status bp_hashed_learn(bp_context *ctx, const bp_column_view *view, bp_rows rows, int64_t buckets,
                          bp_feature *feature, bool *constant);

#endif
