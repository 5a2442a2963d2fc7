/* data/category_choice.h - which texts of a column have an input of their own, and which share one. For this floor only.
 *
 * All have one where they are no more than BP_CATEGORIES_FEW. Where they are more, those in fewer than BP_CATEGORY_ROWS rows share one: of
 * so few rows nothing can be learnt. At most `most` have one, the most frequent. What shares an input shares it with texts that
 * were never seen in training.
 */
#ifndef BP_DATA_CATEGORY_CHOICE_H
#define BP_DATA_CATEGORY_CHOICE_H
#include "data/encoding_parts.h"

enum { BP_CATEGORIES_FEW = 100, BP_CATEGORIES_MOST = 256, BP_CATEGORY_ROWS = 3 };

/* The texts of a column in some rows. */
typedef struct bp_text_count {
  const char *text;
  int64_t rows;
} bp_text_count;
typedef struct bp_text_counts {
  bp_text_count *texts; /* [n], the most frequent first, equals by their bytes */
  size_t n, room;
  int64_t missing, rows; /* all rows: missing ones too */
} bp_text_counts;

/* Release *out with bp_text_counts_release() in any case. */
bp_status bp_text_counts_of(bp_context *ctx, const bp_column_view *view, bp_rows rows, bp_text_counts *out);
void bp_text_counts_release(bp_allocator allocator, bp_text_counts *counts);
/* Whether they look like names or numbers of rows: most rows have one of their own. */
bool bp_texts_name_rows(const bp_text_counts *counts);
/* How many have an input of their own. most: 0 is BP_CATEGORIES_MOST; below 0: all. */
size_t bp_texts_kept(const bp_text_counts *counts, int64_t most);
/* Fills a CATEGORY feature from the first `kept` texts, 1 at least. */
bp_status bp_categories_learn(bp_context *ctx, const bp_text_counts *counts, size_t kept, bp_feature *feature);

#endif
