/* other_learners.c - text that other programs learn from, which could pass for CSV. Floor: formats. */
#include <string.h>

#include "formats/other_peek.h"

/* ---- libsvm: LABEL[,LABEL…] [qid:N] INDEX:VALUE … # comment ---- */

static bool is_labels(bp_line word) {
  for (;;) {
    size_t n = 0;
    while (n < word.size && word.text[n] != ',') n++;
    if (!bp_line_is_number((bp_line){word.text, n})) return false;
    if (n == word.size) return true;
    word = (bp_line){word.text + n + 1, word.size - n - 1};
  }
}

/* "3:0.5", whose index grows within a line */
static bool is_pair(bp_line word, size_t *index) {
  const char *colon = memchr(word.text, ':', word.size);
  if (!colon) return false;
  size_t n = (size_t)(colon - word.text), before = *index;
  if (n == 3 && memcmp(word.text, "qid", 3) == 0) return before == 0;
  bp_line value = {colon + 1, word.size - n - 1};
  size_t found = bp_line_count((bp_line){word.text, n});
  bool zero = n == 1 && *word.text == '0' && before == 0;
  *index = found;
  return (found > before || zero) && bp_line_is_number(value);
}

/* A time of the day looks like one pair: some line has two, or a value with a point. */
static bool is_libsvm_line(bp_line l, bool *sure) {
  bp_line word;
  size_t index = 0, pairs = 0;
  if (!bp_line_next_word(&l, &word) || !is_labels(word)) return false;
  while (bp_line_next_word(&l, &word) && *word.text != '#') {
    if (!is_pair(word, &index)) return false;
    *sure = *sure || memchr(word.text, '.', word.size) || ++pairs > 1;
  }
  return true;
}

bool bp_is_libsvm(const bp_peek *p) {
  bool sure = false;
  for (int i = 0; i < p->lines; i++)
    if (!is_libsvm_line(p->line[i], &sure)) return false;
  return sure;
}

/* ---- like libsvm: with other delimiters, up to two columns in front of the pairs, and perhaps a header ---- */

static bool next_cell(bp_line *rest, bp_line *cell) {
  static const char delimiters[] = " \t,;";
  const char *at = rest->text, *end = at + rest->size;
  while (at < end && strchr(delimiters, *at)) at++;
  const char *start = at;
  while (at < end && !strchr(delimiters, *at)) at++;
  *cell = (bp_line){start, (size_t)(at - start)};
  *rest = (bp_line){at, (size_t)(end - at)};
  return at > start;
}

/* Pairs to the end of the line; how many, -1: there is something else. A point tells them from times of the day. */
static int count_pairs(bp_line l, bool *point) {
  bp_line cell;
  size_t index = 0;
  int pairs = 0;
  for (int i = 0; next_cell(&l, &cell); i++) {
    if (i < 2 && pairs == 0 && !memchr(cell.text, ':', cell.size)) continue;
    if (!is_pair(cell, &index)) return -1;
    *point = *point || memchr(cell.text, '.', cell.size);
    pairs++;
  }
  return pairs;
}

bool bp_is_like_libsvm(const bp_peek *p) {
  bool point = false, several = false, header = p->lines > 2 && !memchr(p->line[0].text, ':', p->line[0].size);
  for (int i = header; i < p->lines; i++) {
    int pairs = count_pairs(p->line[i], &point);
    if (pairs < 0) return false;
    several = several || pairs > 1;
  }
  return point && several;
}

/* ---- FANN: rows, inputs and outputs; then by turns a line of inputs and one of outputs ---- */

static size_t words_of_numbers(bp_line l) {
  bp_line word;
  size_t n = 0;
  for (; bp_line_next_word(&l, &word); n++)
    if (!bp_line_is_number(word)) return 0;
  return n;
}

/* Lines with something in them, to the end. */
static size_t all_lines(const bp_peek *p) {
  size_t lines = 0;
  bool blank = true;
  for (const char *at = p->data; at < p->data_end; at++) {
    bool line_end = *at == '\n' || *at == '\r';
    lines += line_end && !blank;
    blank = line_end || (blank && bp_peek_blank(*at));
  }
  return lines + !blank;
}

bool bp_is_fann(const bp_peek *p) {
  bp_line word, rest = p->lines > 2 ? p->line[0] : (bp_line){"", 0};
  size_t n[3] = {0};
  for (int i = 0; i < 3; i++)
    if (!bp_line_next_word(&rest, &word) || (n[i] = bp_line_count(word)) == 0) return false;
  if (bp_line_next_word(&rest, &word)) return false;
  for (int i = 1; i < p->lines; i++)
    if (words_of_numbers(p->line[i]) != n[i % 2 ? 1 : 2]) return false;
  return n[1] != 3 || n[2] != 3 || (p->ends && all_lines(p) == 1 + 2 * n[0]); /* else a table of three columns */
}

bool bp_is_fann_net(const bp_peek *p) {
  return p->lines > 0 && (bp_line_begins(p->line[0], "fann_flo_") || bp_line_begins(p->line[0], "fann_fix_"));
}

/* ---- Vowpal Wabbit: [LABEL [IMPORTANCE]] ['TAG]|[NAMESPACE] FEATURE[:VALUE] … ---- */

static bool is_vw_line(bp_line l) {
  const char *bar = memchr(l.text, '|', l.size), *end = l.text + l.size;
  if (!bar || bar + 1 >= end) return false;
  bp_line word, before = {l.text, (size_t)(bar - l.text)}, after = {bar + 1, (size_t)(end - bar - 1)};
  bool named = !bp_peek_blank(bar[1]) && bar > l.text && !bp_peek_digit(bar[1]), pair = false;
  for (int i = 0; bp_line_next_word(&before, &word); i++)
    if (i > 2 || (!bp_line_is_number(word) && word.text + word.size != bar && *word.text != '\'')) return false;
  if (!bp_line_next_word(&after, &word)) return false;
  do {
    const char *colon = memchr(word.text, ':', word.size);
    pair = pair || (colon && colon > word.text &&
                    bp_line_is_number((bp_line){colon + 1, (size_t)(word.text + word.size - colon - 1)}));
  } while (bp_line_next_word(&after, &word));
  return pair || (named && after.text > bar + 2 && memchr(bar, ' ', (size_t)(end - bar)));
}

bool bp_is_vowpal_wabbit(const bp_peek *p) {
  for (int i = 0; i < p->lines; i++)
    if (!is_vw_line(p->line[i])) return false;
  return p->lines > 0;
}

/* ---- ARFF ---- */

bool bp_is_arff(const bp_peek *p) {
  int i = 0;
  while (i < p->lines && *p->line[i].text == '%') i++;
  return i < p->lines && bp_line_begins(p->line[i], "@relation");
}
