/* data/encoding.h - from the columns of a table to the inputs of a network: preprocessing learnt from the training rows, kept
 * with the model, and applied again to every table that the model sees.
 *
 *   number    (value - mean) / scale, population standard deviation, both by the weights of rows where there are any; a
 *             missing one becomes the median. Texts that are numbers too (column_numbers.h), in the form kept with them
 *   category  text: one input per category, 1 where it is the value; a missing one becomes the most frequent. Of many texts
 *             (category_choice.h) the rare ones are no categories and have one input for all others. Or the category is a hash
 *             of the text
 *   date      text that is dates or times (column_dates.h), as an instant (calendar.h): (instant - mean) / scale, and sine and cosine
 *             of where it stands in those cycles of the calendar that the training rows go through; a missing one becomes the
 *             median
 *   bytes     a block of byte columns: value / 255, kept as bytes
 *
 * A number, category or date that was missing in a training row has one more input, behind its others: 1 where it is missing.
 * An encoding is immutable once learnt or read: any number of threads may use it at once.
 *
 *   learn:   bp_encoding_learn(ctx, table, rows, &options, &enc)
 *   apply:   bp_encoding_apply(ctx, enc, table, rows, BP_F32, BP_TARGETS_OWN, &encoded)        once, or in pieces:
 *            bp_encoding_bind(ctx, enc, table, true, &binding)          columns found by name, checked once
 *            bp_binding_encode(ctx, binding, rows, BP_F32, BP_TARGETS_OWN, &encoded)             for each piece
 *            bp_binding_warn(ctx, binding)                              what was never seen in training, once per column
 */
#ifndef BP_DATA_ENCODING_H
#define BP_DATA_ENCODING_H
#include "backprop/dtype.h"
#include "data/calendar.h"
#include "data/date_form.h"
#include "data/number_form.h"
#include "data/table_core.h"

/* Limits, so that neither a model file nor a column of names decides how large a network becomes. */
#define BP_INPUTS_MAX  ((int64_t)1 << 20)
#define BP_CLASSES_MAX ((int64_t)1 << 16)

/* The same values as bp_task (backprop/model.h). */
typedef enum bp_goal { BP_GOAL_AUTO, BP_GOAL_CLASSIFICATION, BP_GOAL_REGRESSION, BP_GOAL_COUNT } bp_goal;

typedef enum bp_feature_type {
  BP_FEATURE_NUMBER,
  BP_FEATURE_CATEGORY,
  BP_FEATURE_BYTES,
  BP_FEATURE_DATE,
  BP_FEATURE_TYPE_COUNT
} bp_feature_type;
/* VIEW "number", "category", "bytes", "date". */
const char *bp_feature_type_name(bp_feature_type type);

typedef struct bp_feature {
  const char *name; /* VIEW; of a block of bytes: prefix and range, "pixel0..783" */
  bp_feature_type type;
  bool indicator;           /* its last input tells that the value was missing */
  int64_t first_input;      /* number of its first input */
  int64_t inputs;           /* number of its inputs, the indicator included */
  bp_number_form form;      /* NUMBER: of those that are texts */
  bp_date_form date;        /* DATE */
  unsigned cycles;          /* DATE: bit 1 << bp_cycle for each of which it has a sine and a cosine */
  double mean, scale;       /* NUMBER, DATE */
  double fill;              /* NUMBER, DATE: stands for a missing value (known even if none was missing in training) */
  int32_t fill_category;    /* CATEGORY: the same */
  bp_dictionary categories; /* CATEGORY: sorted */
  bool others;              /* CATEGORY: behind those of its categories it has an input for any other text */
  int64_t buckets; /* CATEGORY: of that many, texts go by their hash (word_map.h), and there are no categories; 0 */
  char *prefix;    /* BYTES: block columns are prefix0, prefix1, … */
  size_t prefix_size;
  int64_t block_columns; /* BYTES */
} bp_feature;
/* How many categories a CATEGORY feature has numbers for; its inputs of which at most one is 1. */
static inline int64_t bp_feature_known(const bp_feature *f) {
  return f->buckets > 0 ? f->buckets : (int64_t)f->categories.count;
}
static inline int64_t bp_feature_ones(const bp_feature *f) { return bp_feature_known(f) + f->others; }

/* A column to predict. */
typedef struct bp_target {
  const char *name;    /* VIEW */
  double mean, scale;  /* REGRESSION: the network learns (value - mean) / scale; 0 and 1 otherwise */
  bp_number_form form; /* of numbers that are texts */
  bool labels;         /* only 0 and 1 in the training rows: known where it was learnt */
} bp_target;
/* Columns to predict at most. */
#define BP_TARGETS_MAX 256

typedef struct bp_encoding {
  bp_allocator allocator;
  bp_goal goal;         /* CLASSIFICATION or REGRESSION */
  bp_feature *features; /* [n_features], in the order of the training table */
  size_t n_features, features_capacity;
  size_t block;        /* number of the one BYTES feature + 1; 0: there is none */
  bp_dictionary names; /* word i: features[i].name */
  bp_dictionary
      unused;     /* columns of the training table that are neither feature nor target: they may be there or not */
  int64_t inputs; /* columns of the encoded features */
  bp_target
      *targets; /* [n_targets]: one or more; several for CLASSIFICATION: the class of a row is the one that is 1 */
  size_t n_targets, targets_capacity;
  bp_dictionary target_names; /* word i: targets[i].name */
  char *weight;               /* name of the column of row weights; NULL: none */
  size_t weight_size;         /* bytes, NUL included */
  bp_dictionary classes;      /* CLASSIFICATION: names, sorted: by value if all are numbers, else bytewise */
} bp_encoding;

/* Which rows of a table: list[0 .. n), or first .. first + n - 1 where list is NULL. BORROW. */
typedef struct bp_rows {
  const int32_t *list;
  int64_t first, n;
} bp_rows;
bp_rows bp_rows_all(const bp_table *table);

typedef struct bp_encoding_options {
  const char
      *target; /* name or number (from 0), or several, separated by commas; NULL: the last column, which a note tells */
  const char *weight;   /* name or number of the column of row weights; NULL: none */
  const char *ignore;   /* comma-separated columns to leave out; NULL: none. A block of bytes goes by its prefix */
  const char *features; /* comma-separated columns to use; NULL: all others */
  bp_goal goal; /* AUTO: text, or whole numbers of at most BP_FEW_VALUES different values, each at least twice on
                         * average, are classes; a note tells what was decided and why */
  int64_t
      max_categories; /* of a column of text, the most frequent ones; 0: BP_CATEGORIES_MOST (category_choice.h); below 0: all */
  const char *hash; /* "user=64,city=16": columns whose texts or numbers are hashed to so many categories; NULL: none */
  bool raw_target;  /* REGRESSION: mean 0 and scale 1 whatever the values are */
  bool one_hot;     /* several targets of 0 and 1 with one 1 in each row are the classes of a CLASSIFICATION */
} bp_encoding_options;
#define BP_FEW_VALUES  20
#define BP_BUCKETS_MAX 65536

/* NEW encoding learnt from the given rows only. options may be NULL.
 * BP_E_DATA   no rows, a column that is not there, one class, no feature left, a missing target, an infinite value, a weight
 *             that is missing, infinite or below 0
 * BP_E_LIMIT  more than BP_INPUTS_MAX inputs or BP_CLASSES_MAX classes */
bp_status bp_encoding_learn(bp_context *ctx, const bp_table *table, bp_rows rows, const bp_encoding_options *options,
                            bp_encoding **out);
void bp_encoding_free(bp_encoding *encoding);

/* The class (0, 1, …) of the rows as bp_encoding_learn would see it with these options, for a stratified split of a table
 * (data/split.h): NEW int32_t[rows.n], released with bp_release(allocator, *out, rows.n, sizeof **out); *out is NULL
 * when the target is values. Says nothing. */
bp_status bp_encoding_strata(bp_context *ctx, const bp_table *table, bp_rows rows, const bp_encoding_options *options,
                             int32_t **out);

/* Rows that have a target. */
typedef struct bp_labelled {
  bp_rows rows;
  int32_t *list; /* owned: rows.list; NULL where all rows have one */
  size_t room;
} bp_labelled;
/* The rows that bp_encoding_learn() can learn from with these options; the others are told through bp_note(). Release *out with
 * bp_labelled_release() in any case.
 * BP_E_DATA  no row has a target */
bp_status bp_encoding_labelled(bp_context *ctx, const bp_table *table, const bp_encoding_options *options,
                               bp_labelled *out);
void bp_labelled_release(bp_context *ctx, bp_labelled *labelled);

/* ---- applying ---- */
typedef enum bp_targets {
  BP_TARGETS_NONE, /* the target column need not be there */
  BP_TARGETS_OWN   /* classes: I32 [rows]; values: real [rows, n_targets], standardised; and the weights of rows */
} bp_targets;

/* Encoded rows, laid out as bp_source (backprop/train.h) wants them. */
typedef struct bp_encoded {
  int64_t rows, columns;
  bp_dtype dtype;       /* of features: F32 or F64 as asked for, or U8 when the only feature is a block of bytes */
  const void *features; /* [rows, columns]; for bytes of a block a VIEW into the table */
  /* Of a packed binding, else NULL: [rows, columns of categories], the number of the category or, for other texts, of the one behind, -1: none. Features are then without
   * the inputs of categories; their indicators stay. */
  int32_t *ones;
  const int32_t
      *places; /* VIEW of the list of rows: the features of row i are row places[i] of `stored`; NULL: row i */
  int64_t stored;
  double scale, shift;    /* feature used as value * scale + shift: 1/255 and 0 for U8, else 1 and 0 */
  bp_dtype target_dtype;  /* I32, or F32/F64 as asked for */
  int64_t outputs;        /* classes, or values per row */
  const void *targets;    /* NULL with BP_TARGETS_NONE */
  double *weights;        /* [rows], owned; NULL where the encoding or the table has none, and with BP_TARGETS_NONE */
  bp_allocator allocator; /* the rest is for bp_encoded_release() */
  void *owned_features, *owned_targets;
  size_t features_size, targets_size, ones_size; /* bytes */
} bp_encoded;
void bp_encoded_release(bp_encoded *encoded);

/* An encoding tied to the columns of a table. Both BORROWed for its life. One thread at a time. */
typedef struct bp_binding bp_binding;
/* NEW binding: every column is found by its name, in any order.
 * BP_E_DATA  a column is missing, surplus, or of another type; a class that training never saw
 * A column of weights need not be there: then every row counts the same, which a warning tells where targets are wanted. */
bp_status bp_encoding_bind(bp_context *ctx, const bp_encoding *encoding, const bp_table *table, bool want_targets,
                           bp_binding **out);
void bp_binding_free(bp_binding *binding);
/* Encodes rows into *out, which is released with bp_encoded_release(). dtype: F32 or F64.
 * BP_E_DATA  an infinite value, a missing target, a class that training never saw, a weight that is missing or below 0 */
bp_status bp_binding_encode(bp_context *ctx, bp_binding *binding, bp_rows rows, bp_dtype dtype, bp_targets targets,
                            bp_encoded *out);
/* From now on categories are encoded as numbers, where rows of ones and zeros were many times as long: where it does not pay, nothing
 * changes. */
void bp_binding_pack(bp_binding *binding);
/* One warning for each column in which rows encoded so far held categories never seen in training (all their inputs are 0),
 * or lacked numbers that were never missing in training. Starts counting anew. */
void bp_binding_warn(bp_context *ctx, bp_binding *binding);
/* Another table goes on where one ended: what was counted for warnings moves from a binding of the same encoding to `to`. */
void bp_binding_go_on(bp_binding *from, bp_binding *to);

/* As bp_encoding_labelled(), of a binding with targets. */
bp_status bp_binding_labelled(bp_context *ctx, const bp_binding *binding, bp_labelled *out);
/* How many they are; says nothing. */
bp_status bp_encoding_count_labelled(bp_context *ctx, const bp_encoding *encoding, const bp_table *table,
                                     int64_t *rows);
/* The value of a target as the table has it; of a binding with targets that are values. */
double bp_binding_target(const bp_binding *binding, int64_t target, int64_t row);

/* Bind, pack, encode, warn. */
bp_status bp_encoding_apply(bp_context *ctx, const bp_encoding *encoding, const bp_table *table, bp_rows rows,
                            bp_dtype dtype, bp_targets targets, bp_encoded *out);

#endif
