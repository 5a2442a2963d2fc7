/* other_settings.c - YAML, settings in sections, and images as text, which could pass for CSV. Floor: formats. */
#include <string.h>

#include "formats/other_peek.h"

/* ---- YAML: "KEY: VALUE", "KEY:" with more below, "- ITEM" ---- */

/* What follows "KEY:"; text NULL: there is no such key. */
static bp_line behind_key(bp_line l) {
  size_t n = 0;
  while (n < l.size && (bp_peek_letter(l.text[n]) || bp_peek_digit(l.text[n]) || memchr("_-.\"' ", l.text[n], 6))) n++;
  bool key = n > 0 && n < l.size && l.text[n] == ':' && (n + 1 == l.size || bp_peek_blank(l.text[n + 1]));
  key = key && (bp_peek_letter(*l.text) || memchr("\"'_", *l.text, 3));
  return key ? bp_line_trimmed(l.text + n + 1, l.text + l.size) : (bp_line){NULL, 0};
}

/* *sure: no line of a table looks so. */
static bool is_yaml_line(bp_line l, bool *sure) {
  bool item = l.size > 1 && l.text[0] == '-' && bp_peek_blank(l.text[1]);
  if (item) l = bp_line_trimmed(l.text + 1, l.text + l.size);
  bp_line value = behind_key(l);
  if (value.text) *sure = *sure || item || value.size == 0 || *value.text == '[' || *value.text == '{';
  if (item && l.size > 0 && *l.text == '{') *sure = true;
  return value.text || item;
}

bool bp_is_yaml(const bp_peek *p) {
  bool marked = p->lines > 1 && p->line[0].size == 3 && memcmp(p->line[0].text, "---", 3) == 0, sure = marked;
  if (p->lines > 0 && bp_line_begins(p->line[0], "%yaml")) return true;
  for (int i = marked; i < p->lines; i++)
    if (!is_yaml_line(p->line[i], &sure)) return false;
  return sure;
}

/* ---- INI, TOML: [SECTION], KEY = VALUE, ; comment ---- */

static bool is_section(bp_line l) {
  return l.size > 2 && *l.text == '[' && l.text[l.size - 1] == ']' && !memchr(l.text, ',', l.size) &&
         (bp_peek_letter(l.text[1]) || l.text[1] == '[');
}

static bool is_setting(bp_line l) {
  size_t n = 0;
  while (n < l.size && (bp_peek_letter(l.text[n]) || bp_peek_digit(l.text[n]) || memchr("_-. \"", l.text[n], 5))) n++;
  return n > 0 && n < l.size && l.text[n] == '=' && !bp_peek_digit(*l.text);
}

bool bp_is_settings(const bp_peek *p) {
  int sections = 0, settings = 0;
  for (int i = 0; i < p->lines; i++) {
    bool section = is_section(p->line[i]), setting = is_setting(p->line[i]);
    if (!section && !setting && *p->line[i].text != ';') return false;
    sections += section;
    settings += setting;
  }
  return sections > 0 && settings > 0;
}

/* ---- PNM: P1 to P6, width and height in one line, but for bitmaps the largest value ---- */

bool bp_is_pnm(const bp_peek *p) {
  bp_line word, rest = p->lines > 1 ? p->line[0] : (bp_line){"", 0};
  if (!bp_line_next_word(&rest, &word) || word.size != 2 || *word.text != 'P' || !memchr("123456", word.text[1], 6))
    return false;
  if (rest.size == 0) rest = p->line[1];
  for (int i = 0; i < 2; i++)
    if (!bp_line_next_word(&rest, &word) || bp_line_count(word) == 0) return false;
  return true;
}
