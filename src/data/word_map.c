/* data/word_map.c - words of a column and words known before. */
#include "data/word_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/hash64.h"
#include "base/number.h"
#include "data/number_form.h"

typedef struct bp_word_value {
  double value;
  int32_t number;
} word_value;

/* ---- order ---- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The texts are numbers; equal ones ("1", "1.0") stand in the order of their bytes. */
static int by_value(const void *a, const void *b) {
  const char *s = *(const char *const *)a, *t = *(const char *const *)b;
  double x = 0, y = 0;
  (void)bp_number_parse(s, strlen(s), &x);
  (void)bp_number_parse(t, strlen(t), &y);
  return x < y ? -1 : x > y ? 1 : strcmp(s, t);
}

static bool is_number(const char *text, double *value) {
  return bp_number_parse(text, strlen(text), value) && !isnan(*value);
}

bp_status bp_words_sorted(bp_context *ctx, const char **texts, size_t n, bp_dictionary *words) {
  bool numbers = true;
  double value;
  int32_t number;
  for (size_t i = 0; i < n && numbers; i++) numbers = is_number(texts[i], &value);
  if (n > 0) qsort((void *)texts, n, sizeof *texts, numbers ? by_value : by_bytes);
  for (size_t i = 0; i < n; i++) BP_TRY(bp_dictionary_add(ctx, words, texts[i], strlen(texts[i]), &number));
  return BP_OK;
}

/* ---- hashes ---- */

static int32_t bucket_of(int64_t buckets, const char *text) {
  return (int32_t)(bp_hash64(text, strlen(text), 0) % (uint64_t)buckets);
}

static int32_t bucket_of_number(int64_t buckets, double value) {
  char text[BP_NUMBER_TEXT];
  return isnan(value) ? BP_WORD_MISSING : bucket_of(buckets, bp_number_text(value + 0.0, text)); /* -0 is 0 */
}

int32_t bp_bucket_of_text(int64_t buckets, const char *text) {
  static const bp_number_form plain;
  double value;
  bool number = bp_number_form_read(&plain, text, strlen(text), &value) && !isnan(value);
  return number ? bucket_of_number(buckets, value) : bucket_of(buckets, text);
}

/* ---- the map ---- */

static int by_word_value(const void *a, const void *b) {
  const word_value *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  return x->number < y->number ? -1 : x->number > y->number;
}

static bp_status list_values(bp_context *ctx, const bp_dictionary *words, bp_word_map *map) {
  double value;
  map->values = bp_alloc(ctx, words->count, sizeof *map->values);
  if (!map->values) return BP_E_NOMEM;
  map->values_size = words->count;
  for (size_t w = 0; w < words->count; w++)
    if (is_number(words->words[w], &value)) map->values[map->n_values++] = (word_value){value, (int32_t)w};
  if (map->n_values > 0) qsort(map->values, map->n_values, sizeof *map->values, by_word_value);
  return BP_OK;
}

/* The first of the words whose value this is. */
static int32_t find_value(const bp_word_map *map, double value) {
  size_t low = 0, high = map->n_values;
  if (isnan(value)) return BP_WORD_MISSING;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (map->values[middle].value < value)
      low = middle + 1;
    else
      high = middle;
  }
  return low < map->n_values && map->values[low].value == value ? map->values[low].number : BP_WORD_UNKNOWN;
}

/* A text that is none of the words may be the number of one, written as numbers are understood everywhere. */
static int32_t find_text(const bp_word_map *map, const bp_dictionary *words, const char *text) {
  static const bp_number_form plain;
  double value;
  int32_t word = bp_dictionary_find(words, text, strlen(text));
  if (word >= 0) return word;
  if (!bp_number_form_read(&plain, text, strlen(text), &value) || isnan(value)) return BP_WORD_UNKNOWN;
  return find_value(map, value);
}

static bp_status map_codes(bp_context *ctx, const bp_dictionary *words, bp_word_map *map) {
  if (map->view.type != BP_COLUMN_TEXT) return BP_OK;
  size_t n = map->view.words->count;
  map->of_code = bp_alloc(ctx, n, sizeof *map->of_code);
  if (!map->of_code) return BP_E_NOMEM;
  map->n_codes = n;
  for (size_t c = 0; c < n; c++) map->of_code[c] = find_text(map, words, map->view.words->words[c]);
  return BP_OK;
}

bp_status bp_word_map_init(bp_context *ctx, const bp_dictionary *words, const bp_column_view *view, bp_word_map *map) {
  bp_word_map made = {.view = *view, .allocator = bp_context_allocator(ctx)};
  bp_status status = list_values(ctx, words, &made);
  if (status == BP_OK) status = map_codes(ctx, words, &made);
  if (status != BP_OK) {
    bp_word_map_release(&made);
    return status;
  }
  *map = made;
  return BP_OK;
}

bp_status bp_word_map_hash(bp_context *ctx, int64_t buckets, const bp_column_view *view, bp_word_map *map) {
  bp_word_map made = {.view = *view, .buckets = buckets, .allocator = bp_context_allocator(ctx)};
  if (view->type == BP_COLUMN_TEXT) {
    made.n_codes = view->words->count;
    made.of_code = bp_alloc(ctx, made.n_codes, sizeof *made.of_code);
    if (!made.of_code) return BP_E_NOMEM;
    for (size_t c = 0; c < made.n_codes; c++) made.of_code[c] = bp_bucket_of_text(buckets, view->words->words[c]);
  }
  *map = made;
  return BP_OK;
}

void bp_word_map_take_marks(bp_word_map *map, const bp_dictionary *words) {
  if (map->n_values < words->count) return;
  for (size_t c = 0; c < map->n_codes; c++) {
    const char *text = map->view.words->words[c];
    if (map->of_code[c] == BP_WORD_UNKNOWN && bp_is_missing_mark(text, strlen(text))) map->of_code[c] = BP_WORD_MISSING;
  }
}

void bp_word_map_release(bp_word_map *map) {
  bp_release(map->allocator, map->of_code, map->n_codes, sizeof *map->of_code);
  bp_release(map->allocator, map->values, map->values_size, sizeof *map->values);
  memset(map, 0, sizeof *map);
}

int32_t bp_word_map_at(const bp_word_map *map, int64_t row) {
  if (map->of_code) {
    int32_t code = map->view.codes[row];
    return code < 0 ? BP_WORD_MISSING : map->of_code[code];
  }
  double value = bp_view_number(&map->view, row);
  return map->buckets > 0 ? bucket_of_number(map->buckets, value) : find_value(map, value);
}

const char *bp_view_text(const bp_column_view *view, int64_t row, char text[BP_QUOTE_TEXT]) {
  char number[BP_NUMBER_TEXT];
  const char *value = view->type == BP_COLUMN_TEXT ? bp_dictionary_word(view->words, view->codes[row])
                                                   : bp_number_text(bp_view_number(view, row), number);
  return bp_quote(value, strlen(value), text);
}
