/* other_peek.c - lines and words of the beginning of a file. Floor: formats. */
#include "formats/other_peek.h"

#include <string.h>

#include "base/number.h"

bp_line bp_line_trimmed(const char *text, const char *end) {
  while (text < end && bp_peek_blank(*text)) text++;
  while (end > text && bp_peek_blank(end[-1])) end--;
  return (bp_line){text, (size_t)(end - text)};
}

void bp_peek_lines(bp_peek *p) {
  const char *at = p->data, *end = p->data + p->size;
  if (p->size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3;
  while (at < end) {
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r') stop++;
    if (stop == end && !p->whole) break;
    bp_line l = bp_line_trimmed(at, stop);
    if (l.size > 0 && *l.text != '#') {
      if (p->lines == BP_PEEK_LINES) return;
      p->line[p->lines++] = l;
    }
    at = stop + 1;
  }
}

bool bp_line_begins(bp_line l, const char *word) {
  size_t size = strlen(word);
  if (l.size < size) return false;
  for (size_t i = 0; i < size; i++)
    if (bp_peek_lower(l.text[i]) != word[i]) return false;
  return true;
}

bool bp_line_next_word(bp_line *rest, bp_line *word) {
  size_t n = 0;
  bp_line l = bp_line_trimmed(rest->text, rest->text + rest->size);
  while (n < l.size && !bp_peek_blank(l.text[n])) n++;
  *word = (bp_line){l.text, n};
  *rest = (bp_line){l.text + n, l.size - n};
  return n > 0;
}

bool bp_line_is_number(bp_line word) {
  double value;
  return bp_number_parse(word.text, word.size, &value);
}

size_t bp_line_count(bp_line word) {
  size_t value = 0;
  if (word.size == 0 || word.size > 9) return 0;
  for (size_t i = 0; i < word.size; i++) {
    if (!bp_peek_digit(word.text[i])) return 0;
    value = 10 * value + (size_t)(word.text[i] - '0');
  }
  return value;
}
