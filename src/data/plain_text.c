/* plain_text.c - signs of other scripts and of spreadsheets. Floor: data. */
#include "data/plain_text.h"

#include <string.h>

#include "base/text.h"

static unsigned code_of(const unsigned char *at, size_t length) {
  if (length == 2) return (at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu);
  if (length == 3) return (at[0] & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
  return at[0];
}

/* A decimal digit of another script, of which each has its ten in order; 0: none. */
static char digit_of(unsigned code) {
  static const unsigned short zeros[] = {
      0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
      0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
      0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
  };
  for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
    if (code >= zeros[i] && code < zeros[i] + 10u) return (char)('0' + (code - zeros[i]));
  return 0;
}

/* The ASCII sign that a character means; 0: none. */
static char plain_sign(unsigned code) {
  if (code < 0x80) return code == '\t' ? ' ' : (char)code;
  if (code == 0xA0 || code == 0x3000 || code == 0x202F || (code >= 0x2000 && code <= 0x200A)) return ' ';
  if (code == 0x2212 || code == 0x2013 || code == 0x2010 || code == 0x2011) return '-';
  if (code == 0x2019 || code == 0x066C) return '\'';
  if (code == 0x066B) return '.';
  if (code == 0x2044) return '/';
  if (code >= 0xFF01 && code <= 0xFF5E) return (char)(code - 0xFEE0); /* full width */
  return digit_of(code);
}

/* Takes `front` signs away, and `behind`. */
static void strip(bp_plain_text *t, size_t front, size_t behind) {
  t->size -= front + behind;
  memmove(t->text, t->text + front, t->size);
  t->text[t->size] = '\0';
}

static void unwrap(bp_plain_text *t) {
  if (t->size >= 3 && t->text[0] == '=' && t->text[1] == '"' && t->text[t->size - 1] == '"')
    strip(t, 2, 1);
  else if (t->size >= 2 && t->text[0] == '\'' && t->text[t->size - 1] != '\'')
    strip(t, 1, 0);
}

bool bp_plain_text_make(const char *text, size_t size, bp_plain_text *out) {
  out->size = 0;
  if (size > BP_PLAIN_LONGEST) return false;
  for (size_t i = 0, length; i < size; i += length) {
    length = bp_utf8_length(text + i, size - i);
    if (length == 0) return false;
    char sign = plain_sign(code_of((const unsigned char *)text + i, length));
    if (sign == ' ' && out->size == 0) continue;
    if (sign)
      out->text[out->size++] = sign;
    else {
      memcpy(out->text + out->size, text + i, length);
      out->size += length;
    }
  }
  while (out->size > 0 && out->text[out->size - 1] == ' ') out->size--;
  out->text[out->size] = '\0';
  unwrap(out);
  return true;
}
