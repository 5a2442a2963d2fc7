/* support/json_mutator.c - another value in place of one, one more of it, or one less. */
#include "support/json_mutator.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH = 64 };

/* Xorshift (Marsaglia, 2003). */
unsigned random_below(unsigned *random, unsigned n) {
  unsigned x = *random != 0 ? *random : 1;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  *random = x;
  return (x >> 8) % n;
}

/* ---- cutting ---- */

static bool is_bare(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

static size_t string_end(const json_text *text, size_t i) {
  for (i++; i < text->size && text->at[i] != '"'; i++)
    if (text->at[i] == '\\') i++;
  return i < text->size ? i + 1 : text->size;
}

static size_t bare_end(const json_text *text, size_t i) {
  while (i < text->size && is_bare(text->at[i])) i++;
  return i;
}

int json_spans(const json_text *text, json_span spans[JSON_SPANS]) {
  int n = 0, depth = 0, open[DEPTH];
  for (size_t i = 0; i < text->size && n < JSON_SPANS;) {
    char c = text->at[i];
    bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
    if (closes && depth > 0) spans[open[--depth]].end = i + 1;
    if (opens && depth < DEPTH) open[depth++] = n;
    size_t end = c == '"' ? string_end(text, i) : is_bare(c) ? bare_end(text, i) : i + 1;
    if (opens) spans[n++] = (json_span){i, text->size, c};
    if (c == '"' || is_bare(c)) spans[n++] = (json_span){i, end, c == '"' ? '"' : '0'};
    i = end;
  }
  return n;
}

/* ---- changing ---- */

bool json_splice(json_text *text, size_t begin, size_t end, const char *with, size_t size) {
  if (text->size - (end - begin) + size > text->room) return false;
  memmove(text->at + begin + size, text->at + end, text->size - end);
  memcpy(text->at + begin, with, size);
  text->size = text->size - (end - begin) + size;
  return true;
}

static const char *const hostile[] = {"0",
                                      "-1",
                                      "1",
                                      "2",
                                      "3",
                                      "7",
                                      "-0",
                                      "0.5",
                                      "1.5",
                                      "1e-3",
                                      "-2.5",
                                      "1e308",
                                      "-1e308",
                                      "1e-320",
                                      "1e999",
                                      "255",
                                      "256",
                                      "65536",
                                      "16777216",
                                      "16777217",
                                      "2147483647",
                                      "2147483648",
                                      "4294967296",
                                      "9007199254740993",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "-9223372036854775808",
                                      "1e18",
                                      "null",
                                      "true",
                                      "false",
                                      "\"\"",
                                      "\"a\"",
                                      "\"0\"",
                                      "\"nan\"",
                                      "\"inf\"",
                                      "\"-inf\"",
                                      "[]",
                                      "{}",
                                      "[[]]",
                                      "[1]",
                                      "{\"a\":1}",
                                      "\"\\u0000\"",
                                      "\"\\ud800\"",
                                      "\"\\u00e9\\n\\u001b[2J\"",
                                      "\"x,y\"",
                                      "\"p0\"",
                                      "\"18446744073709551615\"",
                                      "\"tanh\"",
                                      "\"relu\"",
                                      "\"prelu:unit\"",
                                      "\"maxout:3\"",
                                      "\"leaky_relu:0.2\"",
                                      "\"identity\"",
                                      "\"mse\"",
                                      "\"cross_entropy\"",
                                      "\"binary_cross_entropy\"",
                                      "\"quantile:0.1,0.9\"",
                                      "\"huber:1.5\"",
                                      "\"gaussian\"",
                                      "{\"expression\":\"(y - p)^2\"}",
                                      "\"callback\"",
                                      "\"softmax\"",
                                      "\"sigmoid\"",
                                      "\"float64\"",
                                      "\"F64\"",
                                      "\"I32\"",
                                      "\"BF16\"",
                                      "\"number\"",
                                      "\"category\"",
                                      "\"bytes\"",
                                      "\"dense\"",
                                      "\"batch_norm\"",
                                      "\"layer_norm\"",
                                      "\"dropout\"",
                                      "\"skip\"",
                                      "\"embedding\"",
                                      "\"regression\"",
                                      "\"classification\""};

static void replace(json_text *text, const json_span *span, unsigned *random) {
  const char *with = hostile[random_below(random, sizeof hostile / sizeof *hostile)];
  (void)json_splice(text, span->begin, span->end, with, strlen(with));
}

/* One more of it, behind it; of a key and its value, the text up to the comma. */
static void repeat(json_text *text, const json_span *span) {
  char copy[1024];
  size_t size = span->end - span->begin;
  if (size + 1 > sizeof copy) return;
  copy[0] = ',';
  memcpy(copy + 1, text->at + span->begin, size);
  (void)json_splice(text, span->end, span->end, copy, size + 1);
}

/* With the comma on one side of it, so that arrays get shorter; a key goes with its value. */
static void drop(json_text *text, const json_span *spans, int n, int which) {
  size_t begin = spans[which].begin, end = spans[which].end;
  if (end < text->size && text->at[end] == ':' && which + 1 < n) end = spans[which + 1].end;
  if (end < text->size && text->at[end] == ',')
    end++;
  else if (begin > 0 && text->at[begin - 1] == ',')
    begin--;
  (void)json_splice(text, begin, end, "", 0);
}

static void copy_over(json_text *text, const json_span *to, const json_span *from) {
  char copy[1024];
  size_t size = from->end - from->begin;
  if (size > sizeof copy) return;
  memcpy(copy, text->at + from->begin, size);
  (void)json_splice(text, to->begin, to->end, copy, size);
}

static void change_digit(json_text *text, const json_span *span, unsigned *random) {
  char *c = text->at + span->begin + random_below(random, (unsigned)(span->end - span->begin));
  if (span->kind == '"')
    *c = *c == '"' || *c == '\\' ? *c : (char)(' ' + 1 + random_below(random, 94));
  else
    *c = "0123456789.-e"[random_below(random, 13)];
}

void json_mutate(json_text *text, unsigned *random) {
  static json_span spans[JSON_SPANS];
  int n = json_spans(text, spans);
  if (n == 0) return;
  int which = (int)random_below(random, (unsigned)n), other = (int)random_below(random, (unsigned)n);
  const json_span *span = &spans[which];
  switch (random_below(random, 8)) {
  case 0: repeat(text, span); break;
  case 1: drop(text, spans, n, which); break;
  case 2: copy_over(text, span, &spans[other]); break;
  case 3:
  case 4: change_digit(text, span, random); break;
  default: replace(text, span, random); break;
  }
}
