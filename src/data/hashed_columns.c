/* data/hashed_columns.c - the hashing trick (Weinberger et al. 2009): any number of texts in a fixed number of inputs, which some share
 * by chance. Floor: data.
 */
#include "data/hashed_columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "data/word_map.h"

/* ---- the list ---- */

/* "user=64" */
typedef struct part {
  char name[BP_LIST_NAME];
  const char *number; /* VIEW; NULL: there is none */
  int64_t buckets;    /* 0: out of range */
} part;

static void cut(const bp_list *list, part *p) {
  char *end;
  memcpy(p->name, list->name, list->size + 1);
  char *equals = strrchr(p->name, '=');
  p->number = equals ? equals + 1 : NULL;
  p->buckets = 0;
  if (!equals) return;
  *equals = '\0';
  bool digits = *p->number >= '0' && *p->number <= '9' && strlen(p->number) <= 6;
  long n = digits ? strtol(p->number, &end, 10) : 0;
  if (n >= 2 && n <= BP_BUCKETS_MAX && *end == '\0') p->buckets = n;
}

static bp_status check_part(bp_context *ctx, const bp_table *table, const part *p, bp_dictionary *seen) {
  char source[BP_PLACE_TEXT], quoted[BP_QUOTE_TEXT];
  int32_t number;
  size_t before = seen->count;
  (void)bp_quote(p->name, strlen(p->name), quoted);
  (void)bp_table_source(table, source);
  if (p->buckets == 0)
    return bp_fail(ctx, BP_E_DATA, "%s: hash '%s': expected COLUMN=N, with N from 2 to %d", source, quoted,
                   BP_BUCKETS_MAX);
  int64_t column = bp_table_resolve(table, p->name);
  if (column < 0) return bp_fail_unknown_column(ctx, table, p->name, "hash");
  if (bp_table_type(table, column) == BP_COLUMN_BYTE)
    return bp_fail(ctx, BP_E_DATA, "%s: hash '%s': bytes are no texts; expected a column of texts or numbers", source,
                   quoted);
  const char *name = bp_table_name(table, column);
  BP_TRY(bp_dictionary_add(ctx, seen, name, strlen(name), &number));
  if (seen->count > before) return BP_OK;
  return bp_fail(ctx, BP_E_DATA, "%s: hash '%s': this column is named twice", source, quoted);
}

bp_status bp_hashed_check(bp_context *ctx, const bp_table *table, const char *text) {
  bp_dictionary seen = {0};
  bp_status status = BP_OK;
  bp_list list;
  part p;
  bp_list_init(&list, text);
  while (status == BP_OK && bp_list_next(&list)) {
    cut(&list, &p);
    status = check_part(ctx, table, &p, &seen);
  }
  bp_dictionary_release(bp_context_allocator(ctx), &seen);
  return status;
}

int64_t bp_hashed_buckets(const bp_table *table, const char *text, int64_t column) {
  bp_list list;
  part p;
  bp_list_init(&list, text);
  while (bp_list_next(&list)) {
    cut(&list, &p);
    if (bp_table_resolve(table, p.name) == column) return p.buckets;
  }
  return 0;
}

/* ---- the feature ---- */

/* rows_of[buckets] becomes how many rows are in each; returns how many are in none. */
static int64_t count_rows(const bp_word_map *map, bp_rows rows, int64_t *rows_of) {
  int64_t missing = 0;
  for (int64_t i = 0; i < rows.n; i++) {
    int32_t bucket = bp_word_map_at(map, bp_row_at(rows, i));
    if (bucket < 0)
      missing++;
    else
      rows_of[bucket]++;
  }
  return missing;
}

bp_status bp_hashed_learn(bp_context *ctx, const bp_column_view *view, bp_rows rows, int64_t buckets, bp_feature *f,
                          bool *constant) {
  bp_word_map map;
  BP_TRY(bp_word_map_hash(ctx, buckets, view, &map));
  int64_t *rows_of = bp_calloc(ctx, (size_t)buckets, sizeof *rows_of);
  if (rows_of) {
    int64_t missing = count_rows(&map, rows, rows_of), fullest = 0;
    for (int64_t b = 1; b < buckets; b++)
      if (rows_of[b] > rows_of[fullest]) fullest = b;
    *constant = missing == rows.n || rows_of[fullest] == rows.n;
    if (!*constant)
      *f = (bp_feature){
          .type = BP_FEATURE_CATEGORY, .buckets = buckets, .fill_category = (int32_t)fullest, .indicator = missing > 0};
  }
  bp_word_map_release(&map);
  bp_release(bp_context_allocator(ctx), rows_of, (size_t)buckets, sizeof *rows_of);
  return rows_of ? BP_OK : BP_E_NOMEM;
}
