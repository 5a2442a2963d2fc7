/* data/category_choice.c - texts of a column by how often they occur. Floor: data. */
#include "data/category_choice.h"

#include <stdlib.h>
#include <string.h>

#include "data/word_map.h"

/* ---- counting ---- */

static int by_rows(const void *a, const void *b) {
  const bp_text_count *x = a, *y = b;
  if (x->rows != y->rows) return x->rows > y->rows ? -1 : 1;
  return strcmp(x->text, y->text);
}

/* texts[] has a place for each word, in their order. */
static void count_rows(const bp_column_view *view, bp_rows rows, bp_text_counts *out) {
  for (size_t w = 0; w < out->room; w++) out->texts[w] = (bp_text_count){.text = view->words->words[w]};
  for (int64_t i = 0; i < rows.n; i++) {
    int32_t code = view->codes[bp_row_at(rows, i)];
    if (code < 0)
      out->missing++;
    else
      out->texts[code].rows++;
  }
}

bp_status bp_text_counts_of(bp_context *ctx, const bp_column_view *view, bp_rows rows, bp_text_counts *out) {
  *out = (bp_text_counts){.room = view->words->count, .rows = rows.n};
  out->texts = bp_alloc(ctx, out->room, sizeof *out->texts);
  if (!out->texts) return BP_E_NOMEM;
  count_rows(view, rows, out);
  if (out->room > 0) qsort(out->texts, out->room, sizeof *out->texts, by_rows);
  while (out->n < out->room && out->texts[out->n].rows > 0) out->n++;
  return BP_OK;
}

void bp_text_counts_release(bp_allocator allocator, bp_text_counts *counts) {
  bp_release(allocator, counts->texts, counts->room, sizeof *counts->texts);
  *counts = (bp_text_counts){0};
}

/* ---- choosing ---- */

bool bp_texts_name_rows(const bp_text_counts *c) { return c->n > BP_CATEGORIES_FEW && (int64_t)c->n > c->rows / 2; }

size_t bp_texts_kept(const bp_text_counts *c, int64_t most) {
  size_t kept = c->n;
  if (most < 0) return kept;
  if (most == 0) most = BP_CATEGORIES_MOST;
  if ((uint64_t)most < kept) kept = (size_t)most;
  if (c->n <= BP_CATEGORIES_FEW) return kept;
  while (kept > 0 && c->texts[kept - 1].rows < BP_CATEGORY_ROWS) kept--;
  return kept;
}

/* The most frequent category, the first of equals in the order of categories. */
static int32_t most_frequent(const bp_text_counts *c, const bp_dictionary *categories) {
  int32_t best = -1;
  for (size_t i = 0; i < c->n && c->texts[i].rows == c->texts[0].rows; i++) {
    int32_t category = bp_dictionary_find(categories, c->texts[i].text, strlen(c->texts[i].text));
    if (category >= 0 && (best < 0 || category < best)) best = category;
  }
  return best;
}

bp_status bp_categories_learn(bp_context *ctx, const bp_text_counts *c, size_t kept, bp_feature *f) {
  const char **texts = bp_alloc(ctx, kept, sizeof *texts);
  if (!texts) return BP_E_NOMEM;
  for (size_t i = 0; i < kept; i++) texts[i] = c->texts[i].text;
  f->type = BP_FEATURE_CATEGORY;
  f->indicator = c->missing > 0;
  f->others = kept < c->n;
  bp_status status = bp_words_sorted(ctx, texts, kept, &f->categories);
  if (status == BP_OK) f->fill_category = most_frequent(c, &f->categories);
  bp_release(bp_context_allocator(ctx), (void *)texts, kept, sizeof *texts);
  return status;
}
