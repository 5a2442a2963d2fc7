/* expression_scan.c - from characters to tokens. Floor: expression. */
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "expression/language.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool bp_is_name(const char *text, size_t size) {
  if (size == 0 || !is_letter(text[0])) return false;
  for (size_t i = 1; i < size; i++)
    if (!is_letter(text[i]) && !is_digit(text[i])) return false;
  return true;
}

/* What people write for something else, and what it is here. */
static const struct {
  const char *seen, *meant;
} look_alikes[] = {
    {"**", "a power is written ^"},
    {"&&", "write a product of comparisons: (a < b)*(b < c)"},
    {"||", "write max(a < b, b < c)"},
    {"!", "not equal is written !="},
    {"{", "brackets are ( ) and [ ]"},
    {"−", "write -"}, /* the minus sign of typesetting */
    {"–", "write -"}, /* a dash */
    {"×", "write *"},
    {"·", "write *"}, /* the middle dot */
    {"⋅", "write *"}, /* the operator */
    {"÷", "write /"},
    {"²", "write ^2"},
    {"³", "write ^3"},
    {"π", "write pi"},
    {"√", "write sqrt(...)"},
    {"≤", "write <="},
    {"≥", "write >="},
    {"≠", "write !="},
    {"’", "write '"},
    {"ᵀ", "write '"},
};

/* The end of a number that starts at `at`. */
static const char *number_end(const char *at) {
  while (is_digit(*at)) at++;
  if (*at == '.')
    for (at++; is_digit(*at);) at++;
  if (*at != 'e' && *at != 'E') return at;
  const char *exponent = at + 1;
  if (*exponent == '+' || *exponent == '-') exponent++;
  if (!is_digit(*exponent)) return at; /* 2e: a number and a name, refused by the parser */
  while (is_digit(*exponent)) exponent++;
  return exponent;
}

static bp_token number_token(bp_parser *p, const char *at) {
  bp_token t = {.kind = BP_TOKEN_NUMBER, .at = at, .size = (size_t)(number_end(at) - at)};
  if (!bp_number_parse(at, t.size, &t.number)) {
    (void)bp_parse_fail(p, at, BP_E_LIMIT, "a number of %zu characters is too long", t.size);
    return (bp_token){.kind = BP_TOKEN_END, .at = at};
  }
  return t;
}

static bp_token unexpected(bp_parser *p, const char *at) {
  size_t size = bp_utf8_length(at, strlen(at));
  for (size_t i = 0; i < sizeof look_alikes / sizeof *look_alikes; i++) {
    size_t n = strlen(look_alikes[i].seen);
    if (strncmp(at, look_alikes[i].seen, n) != 0) continue;
    (void)bp_parse_fail(p, at, BP_E_ARG, "'%s' is not part of the language; %s", look_alikes[i].seen,
                        look_alikes[i].meant);
    return (bp_token){.kind = BP_TOKEN_END, .at = at};
  }
  (void)bp_parse_fail(p, at, BP_E_ARG, "unexpected character '%.*s'", size > 0 ? (int)size : 1, at);
  return (bp_token){.kind = BP_TOKEN_END, .at = at};
}

static size_t symbol_size(const char *at) {
  static const char *const pairs[] = {"<=", ">=", "==", "!="};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (strncmp(at, pairs[i], 2) == 0) return 2;
  if (strncmp(at, "**", 2) == 0) return 0;
  return *at != '\0' && strchr("+-*/^@'()[],:;=<>", *at) != NULL;
}

bp_token bp_next_token(bp_parser *p) {
  const char *at = p->next;
  bp_token t = {.kind = BP_TOKEN_END};
  while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
  t.at = at;
  if (p->status != BP_OK || *at == '\0') return t;
  if (is_digit(*at) || (*at == '.' && is_digit(at[1]))) {
    t = number_token(p, at);
  } else if (is_letter(*at)) {
    t.kind = BP_TOKEN_NAME;
    while (is_letter(at[t.size]) || is_digit(at[t.size])) t.size++;
  } else if ((t.size = symbol_size(at)) > 0) {
    t.kind = BP_TOKEN_SYMBOL;
  } else {
    t = unexpected(p, at);
  }
  p->next = at + t.size;
  return t;
}
