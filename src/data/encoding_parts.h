/* data/encoding_parts.h - how an encoding is put together, by learning it or by reading it. For this floor only. */
#ifndef BP_DATA_ENCODING_PARTS_H
#define BP_DATA_ENCODING_PARTS_H
#include "data/encoding.h"

static inline int64_t bp_row_at(bp_rows rows, int64_t i) { return rows.list ? rows.list[i] : rows.first + i; }

/* ---- the object ---- */
bp_status bp_encoding_new(bp_context *ctx, bp_encoding **out);
/* Appends a feature, which moves into the encoding and becomes empty. `name` is ignored for BYTES. name, first_input and inputs
 * are filled in here.
 * BP_E_DATA   a name that is there already
 * BP_E_LIMIT  more than BP_INPUTS_MAX inputs */
bp_status bp_encoding_add(bp_context *ctx, bp_encoding *encoding, const char *name, bp_feature *feature);
/* Appends a target of that name, with mean 0 and scale 1.
 * BP_E_DATA  a name that is there already */
bp_status bp_encoding_add_target(bp_context *ctx, bp_encoding *encoding, const char *name);
bp_status bp_encoding_set_weight(bp_context *ctx, bp_encoding *encoding, const char *name);
/* prefix of a BYTES feature. */
bp_status bp_feature_set_prefix(bp_context *ctx, bp_feature *feature, const char *prefix);
void bp_feature_release(bp_allocator allocator, bp_feature *feature);
/* Room for the name of a column of a block, its NUL included. */
#define BP_BLOCK_NAME (BP_BLOCK_PREFIX_MAX + 24)
/* The name of column c of a BYTES feature. Returns name. */
const char *bp_block_name(const bp_feature *feature, int64_t c, char name[BP_BLOCK_NAME]);
/* Whether the training table had a column of that name, whatever became of it. */
bool bp_encoding_knows(const bp_encoding *encoding, const char *name);

/* ---- dates (encoding_date.c) ---- */
/* The most inputs of a date, without its indicator. */
enum { BP_DATE_INPUTS = 1 + 2 * BP_CYCLES };
/* The inputs of an instant, which is valid, without the indicator; how many they are. */
int bp_date_inputs(const bp_feature *feature, double seconds, double inputs[BP_DATE_INPUTS]);
/* Which cycles seconds[0 .. n) go through: they last half of the cycle at least, and stand at more than one place of it. NaNs are left
 * out. */
unsigned bp_date_cycles(const bp_date_form *form, const double *seconds, int64_t n);

/* ---- the target (encoding_target.c) ---- */
/* Columns to predict, and that of the weights (-1: none). */
typedef struct bp_aims {
  int64_t targets[BP_TARGETS_MAX], weight;
  size_t n_targets;
} bp_aims;
/* The columns that the options choose, checked.
 * BP_E_DATA   there is no such column, it cannot be a target, or it is named twice
 * BP_E_LIMIT  more than BP_TARGETS_MAX targets */
bp_status bp_aims_find(bp_context *ctx, const bp_table *table, const bp_encoding_options *options, bp_aims *out);
/* Fills goal, classes, targets and weight. Says through bp_note() what it decided, unless quiet. weights[rows.n] weigh the scales
 * of targets; NULL: all rows the same. */
bp_status bp_aims_learn(bp_context *ctx, const bp_table *table, bp_rows rows, const bp_aims *aims,
                        const bp_encoding_options *options, const double *weights, bool quiet, bp_encoding *encoding);
/* weights[rows.n] from a view of the column `name`, which holds numbers.
 * BP_E_DATA  one that is missing, infinite or below 0 */
bp_status bp_weights_read(bp_context *ctx, const bp_table *table, const bp_column_view *view, const char *name,
                          bp_rows rows, double *weights);
/* BP_E_DATA for a column that is not in the table, with a suggestion. */
bp_status bp_fail_unknown_column(bp_context *ctx, const bp_table *table, const char *name, const char *role);

/* ---- rows with a target ---- */
/* Marks rows: all have a target at first. */
typedef struct bp_rows_picker {
  bp_context *ctx;
  const bp_table *table;
  bool *has; /* [rows] */
} bp_rows_picker;
bp_status bp_rows_picker_open(bp_context *ctx, const bp_table *table, bp_rows_picker *out);
/* Lists the rows that have one and tells of the others; the picker is released. `target` is for messages.
 * BP_E_DATA  no row has one */
bp_status bp_rows_picker_close(bp_rows_picker *picker, const char *target, bp_labelled *out);

/* ---- names in a message: "a, b, c and 12 more" ---- */
typedef struct bp_names {
  char text[400];
  size_t used;
  int64_t count, shown;
} bp_names;
void bp_names_add(bp_names *names, const char *name);
/* VIEW the text. */
const char *bp_names_text(bp_names *names);

#endif
