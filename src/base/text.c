/* base/text.c - UTF-8 and clean lines. The byte ranges are table 3-7 of the Unicode standard, version 15. */
#include "base/text.h"

#include <string.h>

static bool is_continuation(unsigned char c) { return (c & 0xC0) == 0x80; }

/* Length by the first byte, and the range that the second byte must lie in. */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high) {
  *low = 0x80;
  *high = 0xBF;
  if (c < 0x80) return 1;
  if (c < 0xC2) return 0; /* a continuation, or an overlong form of ASCII */
  if (c < 0xE0) return 2;
  if (c < 0xF0) {
    if (c == 0xE0) *low = 0xA0;  /* overlong below */
    if (c == 0xED) *high = 0x9F; /* surrogates above */
    return 3;
  }
  if (c > 0xF4) return 0;
  if (c == 0xF0) *low = 0x90;  /* overlong below */
  if (c == 0xF4) *high = 0x8F; /* beyond U+10FFFF above */
  return 4;
}

size_t bp_utf8_length(const char *text, size_t size) {
  const unsigned char *c = (const unsigned char *)text;
  unsigned char low, high;
  if (size == 0) return 0;
  size_t length = lead(c[0], &low, &high);
  if (length <= 1) return length;
  if (length > size || c[1] < low || c[1] > high) return 0;
  for (size_t i = 2; i < length; i++)
    if (!is_continuation(c[i])) return 0;
  return length;
}

bool bp_utf8_valid(const char *text, size_t size) {
  for (size_t i = 0; i < size;) {
    size_t length = bp_utf8_length(text + i, size - i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

/* C0 and DEL; C1 (C2 80 .. C2 9F) and the Arabic letter mark (D8 9C); U+200E, U+200F, U+2028 .. U+202E (E2 80 8E, 8F, A8 .. AE)
 * and U+2066 .. U+2069 (E2 81 A6 .. A9): what drives a terminal, forges a second line, or turns the direction of writing
 * (Unicode standard annex 9). */
static bool is_control(const unsigned char *c, size_t length) {
  if (length == 1) return c[0] < 0x20 || c[0] == 0x7F;
  if (length == 2) return (c[0] == 0xC2 && c[1] < 0xA0) || (c[0] == 0xD8 && c[1] == 0x9C);
  if (length != 3 || c[0] != 0xE2) return false;
  if (c[1] == 0x80) return c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xA8 && c[2] <= 0xAE);
  return c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9;
}

size_t bp_text_clean(char *line, size_t capacity, const char *text) {
  size_t size = strlen(text), used = 0;
  for (size_t i = 0; i < size;) {
    size_t length = bp_utf8_length(text + i, size - i);
    bool keep = length > 0 && !is_control((const unsigned char *)text + i, length);
    size_t add = keep ? length : 1;
    if (used + add >= capacity) break;
    if (keep)
      memcpy(line + used, text + i, length);
    else
      line[used] = '?';
    used += add;
    i += length > 0 ? length : 1;
  }
  line[used] = '\0';
  return used;
}
