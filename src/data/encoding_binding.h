/* data/encoding_binding.h - what binding finds out and encoding uses. For this floor only. */
#ifndef BP_DATA_ENCODING_BINDING_H
#define BP_DATA_ENCODING_BINDING_H
#include "data/column_numbers.h"
#include "data/encoding_parts.h"
#include "data/word_map.h"

typedef struct bp_bound_feature {
  const bp_feature *feature;
  bp_sense sense;              /* NUMBER, DATE */
  bp_word_map map;             /* CATEGORY */
  const uint8_t *block;        /* BYTES: [rows, block_columns], or NULL and then */
  bp_column_view *columns;     /* [block_columns]: the same from columns of numbers */
  int64_t at;                  /* element of an encoded row where its own begin; of a packed category its indicator */
  int64_t one;                 /* CATEGORY, packed: which of the `ones` */
  int64_t unknown;             /* rows without a value, though all had one in training */
  int64_t unknown_texts;       /* rows whose category training never saw */
  char example[BP_QUOTE_TEXT]; /* the first such category */
} bp_bound_feature;

struct bp_binding {
  bp_allocator allocator;
  const bp_encoding *encoding;
  const bp_table *table;
  bp_bound_feature *features; /* [encoding->n_features] */
  int64_t width, n_ones;      /* elements of an encoded row, and of its categories as numbers */
  bool has_target;
  bp_sense *targets; /* [n_targets] */
  size_t n_targets;  /* 0 until they are bound */
  bool has_weights;
  bp_sense weights;
  bp_word_map classes; /* CLASSIFICATION */
};

/* A binding of nothing yet. */
bp_status bp_binding_new(bp_context *ctx, const bp_encoding *encoding, const bp_table *table, bp_binding **out);
/* Binds the targets alone, then the weights too. */
bp_status bp_binding_bind_values(bp_context *ctx, bp_binding *binding);
bp_status bp_binding_bind_target(bp_context *ctx, bp_binding *binding);
/* Whether the table has the very block of bytes that the feature is. */
bool bp_binding_has_block(const bp_table *table, const bp_feature *feature);
/* Class numbers of the rows.
 * BP_E_DATA  a missing target, a class that training never saw */
bp_status bp_binding_classes(bp_context *ctx, const bp_binding *binding, bp_rows rows, int32_t *classes);

#endif
